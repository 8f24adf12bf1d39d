"""A function new to the model that asks to be bounded as a whole: refused without an enclosure, certified with one."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pytest

from dawndusk.models import array
from dawndusk.models.array import bounded_whole, full_name, monotone
from dawndusk.models.recording.trace import Term
from dawndusk.optimize.certify.branch.boxes import Bounder
from dawndusk.optimize.certify.branch.designs import designs_at
from dawndusk.optimize.certify.functions import enclosures
from dawndusk.optimize.certify.functions.curves import Curve
from dawndusk.optimize.certify.functions.enclosures import Algebra, bounded_as_a_whole, encloses
from dawndusk.optimize.certify.graph.statement import STEPWISE, UNITS, Statement, state
from dawndusk.optimize.errors import UnenclosedError
from dawndusk.optimize.problem import Problem

Record: TypeAlias = Callable[..., Any]
Hold: TypeAlias = Callable[..., None]

LOG_SETTLED = Curve(
    "log_settled",
    lambda y: -np.logaddexp(0.0, -y),
    lambda y: 1.0 / (1.0 + np.exp(y)),
    lambda s: np.log(1.0 / np.clip(s, 1e-300, 1.0 - 1e-16) - 1.0),
    convex=False,
)
"""``log(x / (1 + x))`` of a number x that is given by its logarithm, concave: its slope falls from one to nothing."""


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> Any:
    """``x / (1 + x)``, declared to be bounded as a whole; forgotten after the test."""
    for registry in ("MONOTONE_FUNCTIONS", "BOUNDED_WHOLE"):
        monkeypatch.setattr(array, registry, dict(getattr(array, registry)))
    monkeypatch.setattr(enclosures, "BOUNDED_WHOLE", array.BOUNDED_WHOLE)
    monkeypatch.setattr(enclosures, "ENCLOSURES", dict(enclosures.ENCLOSURES))

    @bounded_whole
    @monotone(x="+")
    def settled(x: Any) -> Any:
        return x / (1.0 + x)

    return settled


def enclose(function: Any) -> None:
    @encloses(function, of_one_number=True)
    def build(algebra: Algebra[Any], reads: Any, _: Any) -> Any:
        (x,) = reads
        return algebra.exp_of_curve(LOG_SETTLED, x.logarithm)


def stated(problem: Problem, function: Any) -> Statement:
    """Return the statement whose objective is a function of the problem's own."""
    base = state(problem, bounded_as_a_whole())
    objective = function(Term(base.recording, base.objective))
    return dataclasses.replace(base, objective=base.recording.number(objective))


def test_an_unregistered_function_is_an_error_and_never_another_ones_enclosure(settled: Any, record: Record) -> None:
    with pytest.raises(UnenclosedError, match=full_name(settled).replace("<locals>", ".locals.")):
        record(lambda x, y: settled(x) + y, {"x": (0.2, 5.0), "y": (0.1, 3.0)}, ("x",), units=bounded_as_a_whole())


def test_a_statement_that_reads_an_unregistered_function_is_refused(
    settled: Any, make_problem: Callable[..., Problem]
) -> None:
    with pytest.raises(UnenclosedError, match="settled: found no enclosure of this function"):
        Bounder(stated(make_problem(), settled))


def test_an_unregistered_function_of_constants_needs_no_enclosure(settled: Any, record: Record, hold: Hold) -> None:
    hold(record(lambda x, a: settled(a) * x, {"x": (0.2, 5.0)}, ("x",), {"a": (1.0, 3.0)}, units=bounded_as_a_whole()))


def test_a_function_that_nobody_declared_is_bounded_step_by_step(record: Record, hold: Hold) -> None:
    @monotone(x="+")
    def plain(x: Any) -> Any:
        return x / (1.0 + x)

    try:
        recording = record(lambda x, y: plain(x) * y, {"x": (0.2, 5.0), "y": (0.1, 3.0)}, ("x", "y"))
    finally:
        array.MONOTONE_FUNCTIONS.pop(full_name(inspect.unwrap(plain)))
    assert "softplus" in recording.kinds
    hold(recording)


@pytest.mark.parametrize("logs", [("x", "y"), ("y",)], ids=["in logarithms", "plain"])
def test_a_registered_function_is_bounded_by_its_enclosure(
    settled: Any, logs: tuple[str, ...], record: Record, hold: Hold
) -> None:
    enclose(settled)
    recording = record(
        lambda x, y: settled(x) * y, {"x": (0.2, 5.0), "y": (0.1, 3.0)}, logs, units=bounded_as_a_whole()
    )
    assert "log_settled" in recording.kinds
    hold(recording)


def test_a_problem_with_a_registered_function_is_certified(
    settled: Any, make_problem: Callable[..., Problem], coordinates_at: Callable[..., Any]
) -> None:
    """Every box around a design is bounded below its score, and closely where the box is small."""
    enclose(settled)
    problem = make_problem()
    bounder = Bounder(stated(problem, settled))
    rng = np.random.default_rng(3)
    root = bounder.root()
    points = root.low + rng.random((bounder.axes, 400)) * (root.high - root.low)
    combination = np.zeros(400, dtype=np.intp)
    designs = designs_at(bounder.statement, points, combination)
    points = coordinates_at(bounder.statement, designs)
    scored = problem.score(designs, problem.scored_outcomes)
    kept = np.flatnonzero(scored.feasible)
    assert len(kept) > 20
    score = np.log(settled(scored.objective[kept]))
    assert bounder.measure(root, np.inf)[0] <= score.min()
    for reach, close in ((1e-6, 1e-4), (0.02, np.inf)):
        boxes = root.take(combination[kept])
        boxes.low[:] = np.maximum(points[:, kept] - reach, root.low)
        boxes.high[:] = np.minimum(points[:, kept] + reach, root.high)
        bound = bounder.measure(boxes, np.inf)
        assert np.all(bound <= score + 1e-9)
        assert np.all(score - bound <= close)


def test_both_bounds_record_the_functions_of_the_model_that_ask_for_it(make_problem: Callable[..., Problem]) -> None:
    problem = make_problem()
    for units in (UNITS, STEPWISE):
        nodes = state(problem, units).recording.nodes
        found = {node.payload.func.__name__ for node in nodes if node.kind == "unit"}
        assert found == {full_name(unit).rpartition(".")[2] for unit in units}
