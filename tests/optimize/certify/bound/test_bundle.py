"""Planes that get better from try to try: what is handed on lifts bounds, and no box is bounded by regard to others."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from dawndusk.models.design import DesignBatch
from dawndusk.optimize.boxes import Boxes
from dawndusk.optimize.certify.bound.affine import ForwardBounds
from dawndusk.optimize.certify.bound.backward import at_point, plane
from dawndusk.optimize.certify.bound.curve_sums import groups
from dawndusk.optimize.certify.bound.selection import SelectedBounds
from dawndusk.optimize.certify.branch.boxes import Bounder
from dawndusk.optimize.certify.graph.statement import state
from dawndusk.optimize.problem import Bound, Problem

Floats: TypeAlias = NDArray[np.float64]
Places: TypeAlias = NDArray[np.intp]
Case: TypeAlias = tuple[Bounder, DesignBatch, Places, Floats, Floats]
Around: TypeAlias = Callable[..., Boxes]

SCALE = 0.3
ONE_COMBINATION = (
    "design.accelerator=[tpu_v7]",
    "design.orbit=[dawn_dusk_sso]",
    "design.radiator=[deployable_two_phase]",
    "design.array=[silicon_flexible]",
    "design.vehicle=[starship_v3]",
)


@pytest.fixture
def boxes(case: Case, boxes_around: Around) -> Boxes:
    bounder, _, combination, points, _ = case
    return boxes_around(bounder, points, combination, SCALE, np.random.default_rng(21))


def forgetful(boxes: Boxes) -> Boxes:
    """Return boxes that say nothing of where to go on from."""
    found = boxes.copy()
    found.at[:] = 0.5 * (boxes.low + boxes.high)
    found.multipliers[:] = 0.0
    return found


def test_a_selection_is_bounded_as_the_whole_is(case: Case, boxes: Boxes) -> None:
    bounder, graph = case[0], case[0].graph
    forward = ForwardBounds(boxes.low, boxes.high, boxes.combination, boxes.least, boxes.most, graph.limits)
    chosen = np.flatnonzero(np.random.default_rng(22).random(len(boxes)) < 0.4)
    every = range(len(graph.operations))
    found = []
    with np.errstate(all="ignore"):
        forward.run(graph.operations)
        for part, take in ((forward, np.arange(len(boxes))), (SelectedBounds(forward, chosen), chosen)):
            points = at_point(graph.operations, part, boxes.at.astype(np.float64).take(take, axis=1))
            blame = np.zeros((bounder.axes + len(graph.roundings), len(take)))
            weights = {graph.objective: np.ones(len(take))}
            slopes, below = plane(graph.operations, part, weights, points, blame, groups(graph.operations, every))
            found.append((slopes, below, blame))
    for whole, some in zip(*found, strict=True):
        np.testing.assert_array_equal(whole[..., chosen], some)


@pytest.mark.parametrize("parts", [2, 3])
def test_boxes_are_bounded_each_for_itself(case: Case, boxes: Boxes, parts: int) -> None:
    """So that it does not matter how boxes are shared between workers."""
    bounder, scores = case[0], case[4]
    cutoff = float(np.median(scores))
    verdict = bounder.look(boxes, cutoff)
    for start in range(parts):
        share = slice(start, None, parts)
        found = bounder.look(boxes.take(share), cutoff)
        np.testing.assert_array_equal(verdict.bound[share], found.bound)
        closed = np.isinf(found.bound)
        for name in ("u", "multipliers", "lower", "upper", "blame"):
            whole, some = getattr(verdict.known, name)[:, share], getattr(found.known, name)
            np.testing.assert_array_equal(whole[:, ~closed], some[:, ~closed], err_msg=name)


def test_going_on_from_point_and_prices_lifts_bounds(case: Case, boxes: Boxes) -> None:
    """A second look at the same boxes, with what the first one handed on and without."""
    bounder = case[0]
    left, _, _ = bounder.bound(forgetful(boxes), np.inf)
    again = left.copy()
    again.bound[:] = -1e6
    lifted, anew = (bounder.measure(part, np.inf) for part in (again, forgetful(again)))
    assert np.median(lifted - anew) >= 0.0
    # In a small programme whole satellites decide: point and multipliers gain next to nothing, and lose nothing.
    fleet = bounder.statement.coordinates[bounder.statement.index("satellites") or 0]
    least = 0.0 if fleet.power else -1e-3
    assert np.mean(np.minimum(lifted, 1e3) - np.minimum(anew, 1e3)) > least
    assert np.all(np.isfinite(left.multipliers))
    assert np.all(left.multipliers >= 0.0)
    edge = 1e-5 * (1.0 + np.abs(left.at))
    assert np.all((left.at >= boxes.low - edge) & (left.at <= boxes.high + edge))


def test_a_point_that_breaks_a_rule_shows_by_how_much(study_problem: Callable[..., Problem]) -> None:
    """A rule ends the range of what it compares; the point is not held in that, or its multiplier would never rise."""
    problem = study_problem("orbit-200mw", *ONE_COMBINATION)
    problem = dataclasses.replace(problem, bounds=(Bound("capex_usd", "<=", 3e10),))
    bounder = Bounder(state(problem))
    graph, root = bounder.graph, bounder.root()
    forward = ForwardBounds(root.low, root.high, root.combination, root.least, root.most, graph.limits)
    rows = {row.name: row.node for row in graph.rows if row.node is not None}
    (over,) = (node for name, node in rows.items() if name.startswith("capex_usd"))
    with np.errstate(all="ignore"):
        forward.run(graph.operations)
        held = at_point(graph.operations, forward, root.high)[over]
        shown = at_point(graph.operations, forward, root.high, free={*graph.limits, *rows.values()})[over]
    assert held[0] < 1e-6
    assert shown[0] > 1.0
