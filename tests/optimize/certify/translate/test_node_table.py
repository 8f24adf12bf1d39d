"""The list of operations while it is built: sums written out, what is alike shared, values in either form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dawndusk.optimize.certify.bound.affine import HEAVY, ForwardBounds
from dawndusk.optimize.certify.functions.curves import EXP, LOG, SOFTPLUS, TINY
from dawndusk.optimize.certify.graph.operations import ExpressionGraph, Input, Pair, Sum, Univariate
from dawndusk.optimize.certify.graph.statement import Statement, state
from dawndusk.optimize.certify.translate.node_table import LONGEST_SUM, CancelledSum, NodeTable, NodeValue, key_of
from dawndusk.optimize.errors import NotBoundedError
from dawndusk.optimize.problem import Problem

LOW, HIGH = np.array([[0.5], [-1.0], [2.0]]), np.array([[2.0], [1.0], [30.0]])


@pytest.fixture(scope="module")
def statement() -> Statement:
    """A statement of any problem: nodes only hold on to it."""
    return None  # type: ignore[return-value]


@pytest.fixture
def nodes(statement: Statement) -> NodeTable:
    """Slots with three inputs: one above zero, one of either sign, one wide."""
    graph = ExpressionGraph(statement)
    none = np.zeros((0, 1))
    found = NodeTable(graph, ForwardBounds(LOW, HIGH, np.array([0]), none, none, graph.limits))
    for axis in range(3):
        found.emit(Input(axis))
    return found


def test_an_operation_with_an_identity_is_made_once(nodes: NodeTable) -> None:
    assert nodes.univariate(EXP, 0) == nodes.univariate(EXP, 0) == 3
    assert nodes.univariate(EXP, 1) == 4
    assert nodes.univariate(LOG, 0) == 5
    assert len(nodes.graph.operations) == 6


def test_an_operation_without_an_identity_is_made_every_time(nodes: NodeTable) -> None:
    assert [nodes.emit(Univariate(EXP, 0)) for _ in range(2)] == [3, 4]


def test_equal_sums_are_one_in_any_order(nodes: NodeTable) -> None:
    one = nodes.sum([(0, 1.0), (1, 2.0)], 0.5)
    assert nodes.sum([(1, 2.0), (0, 1.0)], 0.5) == one
    assert nodes.sum([(1, 2.0), (0, 1.0)], 0.6) != one


def test_a_sum_of_one_node_is_that_node(nodes: NodeTable) -> None:
    assert nodes.sum([(1, 1.0)]) == 1
    assert nodes.sum([(0, 1.0), (1, 1.0), (1, -1.0)]) == 0
    assert nodes.sum([(0, 1.0), (1, 0.0)]) == 0


def test_sums_in_sums_are_written_out(nodes: NodeTable) -> None:
    inner = nodes.sum([(0, 1.0), (1, 2.0)], 0.5)
    outer = nodes.graph.operations[nodes.sum([(inner, 3.0), (1, 1.0)], 0.25)]
    assert isinstance(outer, Sum)
    assert dict(outer.terms) == {0: 3.0, 1: 7.0}
    assert outer.constant == 1.75


def test_sums_in_sums_cancel_exactly(nodes: NodeTable) -> None:
    inner = nodes.sum([(0, 1.0), (1, 2.0)], 0.5)
    with pytest.raises(CancelledSum) as known:
        nodes.sum([(inner, 1.0), (0, -1.0), (1, -2.0)], 0.25)
    assert known.value.constant == 0.75
    assert isinstance(known.value, NotBoundedError), "where nobody expects it the model can not be bounded"


def test_a_sum_whose_range_a_rule_ends_is_kept(nodes: NodeTable) -> None:
    """Written out, the end would be forgotten."""
    inner = nodes.sum([(0, 1.0), (1, 2.0)])
    nodes.limit(inner, 1.0, at_most=True)
    outer = nodes.graph.operations[nodes.sum([(inner, 1.0), (2, 1.0)])]
    assert isinstance(outer, Sum)
    assert dict(outer.terms) == {2: 1.0, inner: 1.0}


def test_a_pair_is_kept_as_it_is(nodes: NodeTable) -> None:
    over = nodes.univariate(SOFTPLUS, nodes.sum([(0, 1.0), (1, -1.0)]))
    paired = nodes.sum([(over, 1.0), (1, 1.0)], 0.0, Pair("sum", over, (0, 0.0), (1, 0.0)))
    outer = nodes.graph.operations[nodes.sum([(paired, 1.0), (2, 1.0)])]
    assert isinstance(outer, Sum)
    assert dict(outer.terms) == {2: 1.0, paired: 1.0}


def test_long_sums_are_not_written_out(nodes: NodeTable) -> None:
    curves = [nodes.univariate(EXP, nodes.sum([(0, 1.0 + k)])) for k in range(LONGEST_SUM)]
    inner = nodes.sum([(node, 1.0) for node in curves])
    outer = nodes.graph.operations[nodes.sum([(inner, 1.0), (0, 1.0)])]
    assert isinstance(outer, Sum)
    assert len(outer.terms) == 2


def test_coefficients_may_differ_between_combinations(nodes: NodeTable) -> None:
    factor = np.array([1.0, 2.0])
    one, other = nodes.sum([(0, factor)]), nodes.sum([(0, factor.copy())])
    assert one == other
    assert nodes.sum([(0, np.array([1.0, 3.0]))]) != one
    assert key_of(factor) == key_of(factor.copy())
    assert key_of(1) == key_of(1.0) == 1.0


@pytest.mark.parametrize(("factor", "heavy"), [(1.0, False), (2.0 * HEAVY, True), (np.nan, True)])
def test_a_sum_of_large_terms_is_heavy(nodes: NodeTable, factor: float, heavy: bool) -> None:
    operation = nodes.graph.operations[nodes.sum([(0, factor), (1, 1.0)])]
    assert isinstance(operation, Sum)
    assert operation.is_heavy is heavy


def test_a_limit_ends_the_range_from_both_sides_and_never_widens_it(nodes: NodeTable) -> None:
    nodes.limit(1, 0.5, at_most=True)
    nodes.limit(1, -0.25, at_most=False)
    nodes.limit(1, 0.75, at_most=True)
    assert (nodes.form(1).low[0], nodes.form(1).high[0]) == (-0.25, 0.5)
    assert nodes.graph.limits[1] == (-0.25, 0.5)


def test_a_value_makes_what_is_missing_once(nodes: NodeTable) -> None:
    value = NodeValue(nodes, log=1, in_logs=True)
    assert list(value.made) == [None, 1]
    assert value.plain == value.plain == 3
    assert list(value.made) == [3, 1]
    plain = NodeValue(nodes, plain=0)
    assert plain.log == plain.log
    assert nodes.graph.operations[plain.log] == nodes.graph.operations[4]


def test_a_value_that_is_made_later_is_made_when_asked_for(nodes: NodeTable) -> None:
    asked = []

    def later() -> int:
        asked.append(1)
        return 2

    value = NodeValue(nodes, plain=later, log=later)
    assert value.has_plain
    assert value.has_log
    assert value.made == (None, None)
    assert (value.plain, value.plain, value.log) == (2, 2, 2)
    assert len(asked) == 2


def test_what_is_known_of_signs(nodes: NodeTable) -> None:
    above, either, logs = NodeValue(nodes, plain=0), NodeValue(nodes, plain=1), NodeValue(nodes, log=1, in_logs=True)
    assert above.is_positive
    assert above.is_not_negative
    assert not above.may_vanish
    assert not either.is_positive
    assert either.may_vanish
    assert logs.is_positive
    assert not logs.may_vanish
    nothing, mixed = NodeValue(nodes, constant=0.0), NodeValue(nodes, constant=np.array([1.0, -1.0]))
    assert nothing.is_zero
    assert nothing.is_not_negative
    assert not nothing.is_positive
    assert not mixed.is_zero
    assert not mixed.is_not_negative


@pytest.mark.parametrize("constant", [2.0, np.array([1.0, 4.0]), 0.0])
def test_the_logarithm_of_a_constant(nodes: NodeTable, constant: float) -> None:
    found: Any = NodeValue(nodes, constant=constant).logarithm.constant
    np.testing.assert_allclose(found, np.log(np.maximum(constant, TINY)))


def test_the_logarithm_of_a_value_is_its_node(nodes: NodeTable) -> None:
    value = NodeValue(nodes, log=1, in_logs=True)
    assert value.logarithm.plain == 1


def test_sums_of_values_and_their_logarithms(nodes: NodeTable) -> None:
    x, constant = NodeValue(nodes, plain=0), NodeValue(nodes, constant=3.0)
    assert nodes.combine(((x, 2.0), (constant, -1.0))) == ([(0, 2.0)], -3.0)
    terms, shift = nodes.combine(((x, 2.0), (constant, -1.0)), log=True)
    assert terms == [(x.log, 2.0)]
    assert shift == -np.log(3.0)


def test_values_that_cancel_are_constants(nodes: NodeTable) -> None:
    x = NodeValue(nodes, plain=0)
    assert nodes.plainly((x, 1.0), (x, -1.0), (NodeValue(nodes, constant=2.0), 3.0)).constant == 6.0
    assert nodes.logarithmically((x, 1.0), (x, -1.0), (NodeValue(nodes, constant=2.0), 3.0)).constant == pytest.approx(
        8.0
    )


def test_operands_are_nodes_or_constants(nodes: NodeTable) -> None:
    assert nodes.operand(NodeValue(nodes, plain=0), log=False) == (0, 0.0)
    assert nodes.operand(NodeValue(nodes, constant=2.0), log=False) == (None, 2.0)
    assert nodes.operand(NodeValue(nodes, constant=2.0), log=True) == (None, np.log(2.0))
    node, _ = nodes.operand(NodeValue(nodes, plain=0), log=True)
    assert node == 3


def test_a_constant_gets_a_node_where_one_is_needed(nodes: NodeTable) -> None:
    node = nodes.node(NodeValue(nodes, constant=2.5))
    form = nodes.form(node)
    assert (form.low[0], form.high[0]) == (2.5, 2.5)
    assert nodes.node(NodeValue(nodes, constant=2.5)) == node
    assert nodes.node(NodeValue(nodes, plain=1)) == 1


def test_the_typical_logarithm_of_a_value(nodes: NodeTable) -> None:
    assert nodes.middle(NodeValue(nodes, constant=np.array([1.0, np.exp(1.0), 9.0]))) == 1.0
    assert nodes.middle(NodeValue(nodes, log=1, in_logs=True)) == 1.0
    assert nodes.middle(NodeValue(nodes, constant=0.0)) == pytest.approx(np.log(TINY))


def test_the_nodes_of_a_problem_hold_on_to_its_statement(make_problem: Callable[..., Problem]) -> None:
    stated = state(make_problem())
    none = np.zeros((0, 1))
    graph = ExpressionGraph(stated)
    assert NodeTable(graph, ForwardBounds(LOW, HIGH, np.array([0]), none, none, graph.limits)).graph.statement is stated
