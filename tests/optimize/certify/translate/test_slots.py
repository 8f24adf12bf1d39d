"""The list of operations while it is built: sums written out, what is alike shared, values in either form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dawndusk.optimize.certify.bound.affine import HEAVY, Forward
from dawndusk.optimize.certify.functions.curves import EXP, LOG, SOFTPLUS, TINY
from dawndusk.optimize.certify.graph.operations import Bend, Input, Pair, Sum, Tape
from dawndusk.optimize.certify.graph.statement import Statement, state
from dawndusk.optimize.certify.translate.slots import LONGEST_SUM, Cancelled, Slots, Value, key_of
from dawndusk.optimize.errors import NotBoundedError
from dawndusk.optimize.problem import Problem

LOW, HIGH = np.array([[0.5], [-1.0], [2.0]]), np.array([[2.0], [1.0], [30.0]])


@pytest.fixture(scope="module")
def statement() -> Statement:
    """A statement of any problem: slots only hold on to it."""
    return None  # type: ignore[return-value]


@pytest.fixture
def slots(statement: Statement) -> Slots:
    """Slots with three inputs: one above zero, one of either sign, one wide."""
    tape = Tape(statement)
    none = np.zeros((0, 1))
    found = Slots(tape, Forward(LOW, HIGH, np.array([0]), none, none, tape.limits))
    for axis in range(3):
        found.emit(Input(axis))
    return found


def test_an_operation_with_an_identity_is_made_once(slots: Slots) -> None:
    assert slots.bend(EXP, 0) == slots.bend(EXP, 0) == 3
    assert slots.bend(EXP, 1) == 4
    assert slots.bend(LOG, 0) == 5
    assert len(slots.tape.operations) == 6


def test_an_operation_without_an_identity_is_made_every_time(slots: Slots) -> None:
    assert [slots.emit(Bend(EXP, 0)) for _ in range(2)] == [3, 4]


def test_equal_sums_are_one_in_any_order(slots: Slots) -> None:
    one = slots.sum([(0, 1.0), (1, 2.0)], 0.5)
    assert slots.sum([(1, 2.0), (0, 1.0)], 0.5) == one
    assert slots.sum([(1, 2.0), (0, 1.0)], 0.6) != one


def test_a_sum_of_one_slot_is_that_slot(slots: Slots) -> None:
    assert slots.sum([(1, 1.0)]) == 1
    assert slots.sum([(0, 1.0), (1, 1.0), (1, -1.0)]) == 0
    assert slots.sum([(0, 1.0), (1, 0.0)]) == 0


def test_sums_in_sums_are_written_out(slots: Slots) -> None:
    inner = slots.sum([(0, 1.0), (1, 2.0)], 0.5)
    outer = slots.tape.operations[slots.sum([(inner, 3.0), (1, 1.0)], 0.25)]
    assert isinstance(outer, Sum)
    assert dict(outer.terms) == {0: 3.0, 1: 7.0}
    assert outer.constant == 1.75


def test_sums_in_sums_cancel_exactly(slots: Slots) -> None:
    inner = slots.sum([(0, 1.0), (1, 2.0)], 0.5)
    with pytest.raises(Cancelled) as known:
        slots.sum([(inner, 1.0), (0, -1.0), (1, -2.0)], 0.25)
    assert known.value.constant == 0.75
    assert isinstance(known.value, NotBoundedError), "where nobody expects it the model can not be bounded"


def test_a_sum_whose_range_a_rule_ends_is_kept(slots: Slots) -> None:
    """Written out, the end would be forgotten."""
    inner = slots.sum([(0, 1.0), (1, 2.0)])
    slots.limit(inner, 1.0, at_most=True)
    outer = slots.tape.operations[slots.sum([(inner, 1.0), (2, 1.0)])]
    assert isinstance(outer, Sum)
    assert dict(outer.terms) == {2: 1.0, inner: 1.0}


def test_a_pair_is_kept_as_it_is(slots: Slots) -> None:
    over = slots.bend(SOFTPLUS, slots.sum([(0, 1.0), (1, -1.0)]))
    paired = slots.sum([(over, 1.0), (1, 1.0)], 0.0, Pair("sum", over, (0, 0.0), (1, 0.0)))
    outer = slots.tape.operations[slots.sum([(paired, 1.0), (2, 1.0)])]
    assert isinstance(outer, Sum)
    assert dict(outer.terms) == {2: 1.0, paired: 1.0}


def test_long_sums_are_not_written_out(slots: Slots) -> None:
    curves = [slots.bend(EXP, slots.sum([(0, 1.0 + k)])) for k in range(LONGEST_SUM)]
    inner = slots.sum([(slot, 1.0) for slot in curves])
    outer = slots.tape.operations[slots.sum([(inner, 1.0), (0, 1.0)])]
    assert isinstance(outer, Sum)
    assert len(outer.terms) == 2


def test_coefficients_may_differ_between_combinations(slots: Slots) -> None:
    factor = np.array([1.0, 2.0])
    one, other = slots.sum([(0, factor)]), slots.sum([(0, factor.copy())])
    assert one == other
    assert slots.sum([(0, np.array([1.0, 3.0]))]) != one
    assert key_of(factor) == key_of(factor.copy())
    assert key_of(1) == key_of(1.0) == 1.0


@pytest.mark.parametrize(("factor", "heavy"), [(1.0, False), (2.0 * HEAVY, True), (np.nan, True)])
def test_a_sum_of_large_terms_is_heavy(slots: Slots, factor: float, heavy: bool) -> None:
    operation = slots.tape.operations[slots.sum([(0, factor), (1, 1.0)])]
    assert isinstance(operation, Sum)
    assert operation.is_heavy is heavy


def test_a_limit_ends_the_range_from_both_sides_and_never_widens_it(slots: Slots) -> None:
    slots.limit(1, 0.5, at_most=True)
    slots.limit(1, -0.25, at_most=False)
    slots.limit(1, 0.75, at_most=True)
    assert (slots.form(1).low[0], slots.form(1).high[0]) == (-0.25, 0.5)
    assert slots.tape.limits[1] == (-0.25, 0.5)


def test_a_value_makes_what_is_missing_once(slots: Slots) -> None:
    value = Value(slots, log=1, in_logs=True)
    assert list(value.made) == [None, 1]
    assert value.plain == value.plain == 3
    assert list(value.made) == [3, 1]
    plain = Value(slots, plain=0)
    assert plain.log == plain.log
    assert slots.tape.operations[plain.log] == slots.tape.operations[4]


def test_a_value_that_is_made_later_is_made_when_asked_for(slots: Slots) -> None:
    asked = []

    def later() -> int:
        asked.append(1)
        return 2

    value = Value(slots, plain=later, log=later)
    assert value.has_plain
    assert value.has_log
    assert value.made == (None, None)
    assert (value.plain, value.plain, value.log) == (2, 2, 2)
    assert len(asked) == 2


def test_what_is_known_of_signs(slots: Slots) -> None:
    above, either, logs = Value(slots, plain=0), Value(slots, plain=1), Value(slots, log=1, in_logs=True)
    assert above.is_positive
    assert above.is_not_negative
    assert not above.may_vanish
    assert not either.is_positive
    assert either.may_vanish
    assert logs.is_positive
    assert not logs.may_vanish
    nothing, mixed = Value(slots, constant=0.0), Value(slots, constant=np.array([1.0, -1.0]))
    assert nothing.is_zero
    assert nothing.is_not_negative
    assert not nothing.is_positive
    assert not mixed.is_zero
    assert not mixed.is_not_negative


@pytest.mark.parametrize("constant", [2.0, np.array([1.0, 4.0]), 0.0])
def test_the_logarithm_of_a_constant(slots: Slots, constant: float) -> None:
    found: Any = Value(slots, constant=constant).logarithm.constant
    np.testing.assert_allclose(found, np.log(np.maximum(constant, TINY)))


def test_the_logarithm_of_a_value_is_its_slot(slots: Slots) -> None:
    value = Value(slots, log=1, in_logs=True)
    assert value.logarithm.plain == 1


def test_sums_of_values_and_their_logarithms(slots: Slots) -> None:
    x, constant = Value(slots, plain=0), Value(slots, constant=3.0)
    assert slots.combine(((x, 2.0), (constant, -1.0))) == ([(0, 2.0)], -3.0)
    terms, shift = slots.combine(((x, 2.0), (constant, -1.0)), log=True)
    assert terms == [(x.log, 2.0)]
    assert shift == -np.log(3.0)


def test_values_that_cancel_are_constants(slots: Slots) -> None:
    x = Value(slots, plain=0)
    assert slots.plainly((x, 1.0), (x, -1.0), (Value(slots, constant=2.0), 3.0)).constant == 6.0
    assert slots.logarithmically((x, 1.0), (x, -1.0), (Value(slots, constant=2.0), 3.0)).constant == pytest.approx(8.0)


def test_operands_are_slots_or_constants(slots: Slots) -> None:
    assert slots.operand(Value(slots, plain=0), log=False) == (0, 0.0)
    assert slots.operand(Value(slots, constant=2.0), log=False) == (None, 2.0)
    assert slots.operand(Value(slots, constant=2.0), log=True) == (None, np.log(2.0))
    slot, _ = slots.operand(Value(slots, plain=0), log=True)
    assert slot == 3


def test_a_constant_gets_a_slot_where_one_is_needed(slots: Slots) -> None:
    slot = slots.slot(Value(slots, constant=2.5))
    form = slots.form(slot)
    assert (form.low[0], form.high[0]) == (2.5, 2.5)
    assert slots.slot(Value(slots, constant=2.5)) == slot
    assert slots.slot(Value(slots, plain=1)) == 1


def test_the_typical_logarithm_of_a_value(slots: Slots) -> None:
    assert slots.middle(Value(slots, constant=np.array([1.0, np.exp(1.0), 9.0]))) == 1.0
    assert slots.middle(Value(slots, log=1, in_logs=True)) == 1.0
    assert slots.middle(Value(slots, constant=0.0)) == pytest.approx(np.log(TINY))


def test_the_slots_of_a_problem_hold_on_to_its_statement(make_problem: Callable[..., Problem]) -> None:
    stated = state(make_problem())
    none = np.zeros((0, 1))
    tape = Tape(stated)
    assert Slots(tape, Forward(LOW, HIGH, np.array([0]), none, none, tape.limits)).tape.statement is stated
