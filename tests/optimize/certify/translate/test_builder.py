"""A statement as a list: its objective, its rows, and the ranges that its rules end."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, TypeAlias

import numpy as np
import pytest

from dawndusk.optimize.certify.branch.boxes import Bounder
from dawndusk.optimize.certify.graph.operations import ROW_TOLERANCE, Input, Rounding, read_by
from dawndusk.optimize.certify.graph.statement import state
from dawndusk.optimize.certify.translate.builder import HOLD_SLACK
from dawndusk.optimize.errors import NotBoundedError
from dawndusk.optimize.problem import Problem

Record: TypeAlias = Callable[..., Any]

POSITIVE = {"x": (0.2, 5.0), "y": (0.1, 3.0)}
SIGNS = {"x": (-2.0, 3.0), "y": (-1.0, 4.0)}
BOTH = ("x", "y")


def test_a_positive_objective_is_bounded_in_its_logarithm(record: Record) -> None:
    assert record(lambda x, y: x * y, POSITIVE, BOTH).graph.logarithm
    assert not record(lambda x, y: x * y, SIGNS).graph.logarithm


def test_an_objective_that_is_the_same_for_every_design_is_refused(record: Record) -> None:
    with pytest.raises(NotBoundedError, match="the objective is the same for every design"):
        record(lambda x, a: a + 0.0 * x, {"x": (0.0, 1.0)}, (), {"a": (1.0, 2.0)})


@pytest.mark.parametrize("at_most", [True, False], ids=["at most", "at least"])
def test_a_row_is_at_most_zero_where_the_rule_is_met(at_most: bool, record: Record) -> None:
    recording = record(lambda x, y: x + y, SIGNS, (), None, [(lambda x, y: 2.0 * x - y, 1.5, at_most)])
    (row,) = recording.graph.rows
    assert (row.name, row.logarithm, row.tolerance) == ("limit 0", False, 1.5 * ROW_TOLERANCE)
    points, combination = recording.points(np.random.default_rng(1))
    values = recording.truth(_bounder(recording), points, combination)[row.node]
    expected = (1.0 if at_most else -1.0) * (2.0 * points[0] - points[1] - 1.5)
    np.testing.assert_allclose(values, expected, atol=1e-12)


def test_a_row_of_positive_sides_is_in_logarithms(record: Record) -> None:
    recording = record(lambda x, y: x + y, POSITIVE, BOTH, None, [(lambda x, y: x * y, 4.0, True)])
    (row,) = recording.graph.rows
    assert (row.logarithm, row.tolerance) == (True, ROW_TOLERANCE)
    points, combination = recording.points(np.random.default_rng(2))
    values = recording.truth(_bounder(recording), points, combination)[row.node]
    np.testing.assert_allclose(values, points.sum(axis=0) - np.log(4.0), atol=1e-12)


def test_a_row_of_parameters_alone_is_a_constant_of_each_combination(record: Record) -> None:
    recording = record(lambda x, y, a: x + y * a, SIGNS, (), {"a": (1.0, 5.0)}, [(lambda x, y, a: 2.0 * a, 4.0, True)])
    (row,) = recording.graph.rows
    assert row.node is None
    np.testing.assert_array_equal(row.constant, [-2.0, 6.0])


def test_a_row_that_cancels_is_a_constant(record: Record) -> None:
    recording = record(lambda x, y: x + y, SIGNS, (), None, [(lambda x, y: (x + 3.0) - x, 4.0, True)])
    (row,) = recording.graph.rows
    assert row.node is None
    assert float(np.ravel(row.constant)[0]) == pytest.approx(-1.0)


@pytest.mark.parametrize("at_most", [True, False], ids=["at most", "at least"])
def test_a_limit_ends_the_range_of_a_value(at_most: bool, record: Record) -> None:
    """A little beyond it: what rows forgive is not lost."""
    recording = record(lambda x, y: x + 2.0 * y, SIGNS, (), None, [(lambda x, y: x + 2.0 * y, 1.5, at_most)])
    ((node, (least, most)),) = recording.graph.limits.items()
    end, other = (most, least) if at_most else (least, most)
    assert end == pytest.approx(1.5, abs=1e-8)
    assert (end > 1.5) == at_most
    assert abs(end - 1.5) == pytest.approx(HOLD_SLACK * 2.5)
    assert np.isinf(other)
    assert HOLD_SLACK >= ROW_TOLERANCE
    form = recording.builder.nodes.form(node)
    assert (form.high if at_most else form.low)[0] == end


def test_a_limit_in_logarithms_ends_the_range_of_the_logarithm(record: Record) -> None:
    recording = record(lambda x, y: x * y + 1.0, POSITIVE, BOTH, None, [(lambda x, y: x * y, 2.0, True)])
    (ends,) = recording.graph.limits.values()
    assert ends[1] == pytest.approx(np.log(2.0), abs=1e-8)


def test_a_limit_of_each_combination_ends_ranges_of_each(record: Record) -> None:
    recording = record(
        lambda x, y, a: x * y + a, POSITIVE, BOTH, {"a": (0.5, 8.0)}, [(lambda x, y, a: x * y / a, 1.0, True)]
    )
    assert recording.graph.rows[0].node is not None


def test_inputs_are_not_ended_by_rules(record: Record) -> None:
    """Boxes have their own ends; a row says what a rule does to them."""
    recording = record(lambda x, y: x + y, SIGNS, (), None, [(lambda x, y: x, 1.0, True)])
    assert not recording.graph.limits
    assert recording.graph.rows[0].node is not None


def test_a_positive_value_has_no_end_at_a_limit_below_zero(record: Record) -> None:
    recording = record(lambda x, y: x * y, POSITIVE, BOTH, None, [(lambda x, y: x * y, -1.0, False)])
    assert not recording.graph.limits


def test_two_rules_of_one_value_end_it_at_the_closer(record: Record) -> None:
    def value(x: Any, y: Any) -> Any:
        return x + 2.0 * y

    recording = record(value, SIGNS, (), None, [(value, 3.0, True), (value, 2.0, True), (value, -1.0, False)])
    ((least, most),) = recording.graph.limits.values()
    assert (least, most) == (pytest.approx(-1.0, abs=1e-8), pytest.approx(2.0, abs=1e-8))


def test_a_goal_that_is_made_large_is_turned_round(make_problem: Callable[..., Problem]) -> None:
    less, more = (
        Bounder(state(make_problem(**{sense: "delivered_pflops"}))).graph for sense in ("minimise", "maximise")
    )
    forms = [len(graph.operations) for graph in (less, more)]
    assert forms[0] in {forms[1], forms[1] - 1}
    assert less.logarithm
    assert more.logarithm


def test_every_operation_reads_earlier_ones_only(make_problem: Callable[..., Problem]) -> None:
    graph = Bounder(state(make_problem())).graph
    for node, operation in enumerate(graph.operations):
        assert all(inner < node for inner in read_by(operation))
    assert [isinstance(o, Input) for o in graph.operations[:3]] == [True] * 3
    assert all(isinstance(graph.operations[node], Rounding) for node in graph.roundings)


def test_the_rules_of_a_problem_are_rows_by_their_names(make_problem: Callable[..., Problem]) -> None:
    statement = state(make_problem(subject_to=["capex_usd <= 1e12"]))
    graph = Bounder(statement).graph
    names = [row.name for row in graph.rows]
    assert names[: len(statement.rows)] == [row.name for row in statement.rows]
    assert any(name.startswith("capex_usd") for name in names)


def _bounder(recording: Any) -> Any:
    return SimpleNamespace(graph=recording.graph)
