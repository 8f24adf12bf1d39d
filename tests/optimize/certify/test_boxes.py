"""Bounds on boxes hold for every feasible design in them, and no design that matters is ever cut away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dawndusk.models.design import DesignBatch
from dawndusk.optimize.boxes import Boxes
from dawndusk.optimize.certify.bound.bundle import known_planes
from dawndusk.optimize.certify.bound.rows import cut
from dawndusk.optimize.certify.branch.boxes import Bounder
from dawndusk.optimize.certify.branch.branching import (
    MOST_CUTS,
    NARROWEST,
    WORTHWHILE,
    _axes,
    _halves,
    _parts,
    cuts,
    examine,
)
from dawndusk.optimize.certify.branch.designs import designs_at
from dawndusk.optimize.certify.graph.operations import Rounding
from dawndusk.optimize.certify.graph.statement import Statement, state
from dawndusk.optimize.problem import Problem

Floats: TypeAlias = NDArray[np.float64]
Places: TypeAlias = NDArray[np.intp]
Flags: TypeAlias = NDArray[np.bool_]
Case: TypeAlias = tuple[Bounder, DesignBatch, Places, Floats, Floats]
Truth: TypeAlias = Callable[[Bounder, Floats, Places], list[Floats]]
Around: TypeAlias = Callable[..., Boxes]
CoordinatesAt: TypeAlias = Callable[[Statement, DesignBatch], Floats]
StudyProblem: TypeAlias = Callable[..., Problem]

SCALES = (1e-6, 0.01, 0.3, 1.0)
EDGE = 1e-9
ROUNDS = 5
MOST_BOXES = 1500


def wholes(bounder: Bounder, values: list[Floats]) -> Floats:
    """Return the rounded quantities of designs, shape (k, N)."""
    found = []
    for node in bounder.graph.roundings:
        operation = bounder.graph.operations[node]
        assert isinstance(operation, Rounding)
        found.append(np.exp(values[node]) if operation.logarithm else values[node])
    return np.array(found).reshape(len(bounder.graph.roundings), -1)


def holds(boxes: Boxes, points: Floats, rounded: Floats, combination: Places) -> Flags:
    """Return which points lie in which boxes, shape (N, B)."""
    edge = EDGE * (1.0 + np.abs(points))[:, :, np.newaxis]
    inside = np.all(
        (points[:, :, np.newaxis] >= boxes.low[:, np.newaxis] - edge)
        & (points[:, :, np.newaxis] <= boxes.high[:, np.newaxis] + edge),
        axis=0,
    )
    whole = np.all(
        (rounded[:, :, np.newaxis] >= boxes.least[:, np.newaxis] * (1.0 - 1e-6))
        & (rounded[:, :, np.newaxis] <= boxes.most[:, np.newaxis] * (1.0 + 1e-6)),
        axis=0,
    )
    found: Flags = np.asarray(inside & whole & (combination[:, np.newaxis] == boxes.combination[np.newaxis]))
    return found


def removed(boxes: Boxes, closed: Boxes) -> Flags:
    """Return which boxes are among the closed ones: they come back as they went in."""
    keys = {column.tobytes() for column in np.concatenate([closed.low, closed.high]).T}
    return np.array([column.tobytes() in keys for column in np.concatenate([boxes.low, boxes.high]).T])


@pytest.mark.parametrize("scale", SCALES)
def test_no_design_in_a_box_is_below_its_bound(
    case: Case, boxes_around: Around, coordinates_at: CoordinatesAt, scale: float
) -> None:
    """The design the box was made around, and others at random in it whose whole numbers are whole."""
    bounder, _, combination, points, scores = case
    statement, problem = bounder.statement, bounder.statement.problem
    rng = np.random.default_rng(11)
    boxes = boxes_around(bounder, points, combination, scale, rng)
    bound = bounder.measure(boxes, np.inf)
    assert np.all(scores >= bound - 1e-9 * (1.0 + np.abs(bound)))
    for _ in range(4):
        share = rng.random(points.shape) * (rng.random(points.shape) < rng.random())
        batch = designs_at(
            statement,
            points + share * (boxes.low + rng.random(points.shape) * (boxes.high - boxes.low) - points),
            combination,
        )
        inside = coordinates_at(statement, batch)
        with np.errstate(all="ignore"):
            scored = problem.score(batch, problem.scored_outcomes)
            value = statement.sign * scored.objective
            score = statement.sign * (np.log(value) if bounder.graph.logarithm else value)
        tried = scored.feasible & ((inside >= boxes.low) & (inside <= boxes.high)).all(axis=0)
        assert np.all(score[tried] >= bound[tried] - 1e-9 * (1.0 + np.abs(bound[tried])))


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_bounding_removes_no_design_below_the_cutoff(
    case: Case, truth: Truth, boxes_around: Around, scale: float, share: float
) -> None:
    """With the cutoff just above a design's own score, where it is most easily lost."""
    bounder, _, combination, points, scores = case
    boxes = boxes_around(bounder, points, combination, scale, np.random.default_rng(12))
    cutoff = float(np.quantile(scores, share)) + 1e-9
    rounded = wholes(bounder, truth(bounder, points, combination))
    left, closed, ratio = bounder.bound(boxes, cutoff)
    kept = ~removed(boxes, closed)
    matters = scores <= cutoff
    assert np.all(kept[matters])
    assert len(left) == len(ratio) == kept.sum()
    place = np.cumsum(kept) - 1
    own = holds(left, points, rounded, combination)[np.flatnonzero(matters), place[matters]]
    assert own.all()
    assert np.all((ratio >= 0.0) & (ratio <= 1.0))


def test_the_boxes_of_the_whole_study_keep_every_feasible_design(case: Case, truth: Truth) -> None:
    bounder, _, combination, points, scores = case
    rounded = wholes(bounder, truth(bounder, points, combination))
    root = bounder.root()
    assert np.all(bounder.measure(root, np.inf)[combination] <= scores)
    left, _, _ = bounder.bound(root, np.inf)
    assert holds(left, points, rounded, combination).any(axis=1).all()


@pytest.mark.parametrize("scale", SCALES)
def test_snapping_keeps_designs_of_whole_numbers(case: Case, boxes_around: Around, scale: float) -> None:
    bounder, _, combination, points, _ = case
    boxes = boxes_around(bounder, points, combination, scale, np.random.default_rng(13))
    before = boxes.copy()
    assert bounder.snap(boxes).all()
    assert np.all((points >= boxes.low - EDGE) & (points <= boxes.high + EDGE))
    for axis, c in enumerate(bounder.statement.coordinates):
        if c.whole and not c.power:
            ends = np.stack([boxes.low[axis], boxes.high[axis]])
            ends = np.exp(ends) if c.logarithmic else ends
            np.testing.assert_allclose(ends, np.rint(ends), atol=1e-6)
        elif not c.power:
            np.testing.assert_array_equal(boxes.low[axis], before.low[axis])


@pytest.mark.parametrize("scale", [0.05, 1.0])
def test_both_halves_hold_what_their_parent_held(case: Case, truth: Truth, boxes_around: Around, scale: float) -> None:
    bounder, _, combination, points, scores = case
    rng = np.random.default_rng(14)
    boxes = boxes_around(bounder, points, combination, scale, rng)
    bounder.snap(boxes)
    rounded = wholes(bounder, truth(bounder, points, combination))
    bounded, closed, _ = bounder.bound(boxes, np.inf)
    assert not len(closed)
    assert scores.size == len(bounded)
    chosen, can = _axes(bounder, bounded, float(np.median(scores)))
    every = np.arange(bounder.axes + len(bounder.graph.roundings))
    for axis in (chosen, rng.choice(every, len(bounded))):
        width = np.concatenate([bounded.high - bounded.low, bounded.most - bounded.least])
        wide = can & (width[axis, np.arange(len(bounded))] >= 1e-6)
        halves = _halves(bounder, bounded.take(wide), axis[wide])
        count = int(wide.sum())
        inside = holds(halves, points[:, wide], rounded[:, wide], combination[wide])
        own = inside[np.arange(count), np.arange(count)] | inside[np.arange(count), count + np.arange(count)]
        assert own.all()


def test_what_nothing_is_to_blame_for_is_cut_where_the_box_is_wide(case: Case) -> None:
    """Prices far from those of a box leave next to no lines apart, and a bound that is far too low."""
    bounder = case[0]
    boxes = bounder.root().take(slice(0, 1))
    wide = np.flatnonzero((boxes.high - boxes.low)[:, 0] > 0.0)
    axis, other = int(wide[0]), int(wide[-1])
    boxes.bound[:] = -1.0
    boxes.blame[:] = 0.0
    boxes.blame[other] = 0.1
    middle = 0.5 * (boxes.low + boxes.high)
    narrow = np.arange(bounder.axes) != axis
    boxes.high[narrow] = np.minimum(boxes.high, middle)[narrow]
    chosen, _ = _axes(bounder, boxes, cutoff=-0.9)
    assert chosen[0] == other
    chosen, _ = _axes(bounder, boxes, cutoff=10.0)
    assert chosen[0] == axis


@pytest.mark.parametrize("share", [0.1, 0.6])
def test_rounds_of_the_search_keep_every_design_below_the_cutoff(case: Case, truth: Truth, share: float) -> None:
    bounder, _, combination, points, scores = case
    rounded = wholes(bounder, truth(bounder, points, combination))
    cutoff = float(np.quantile(scores, share)) + 1e-9
    matters = scores <= cutoff
    points, rounded, combination = points[:, matters], rounded[:, matters], combination[matters]
    found = examine(bounder, bounder.root(), cutoff, False)
    kept = [found.stuck]
    for turn in range(ROUNDS):
        inside = holds(Boxes.join([found.open, *kept]), points, rounded, combination)
        assert inside.any(axis=1).all()
        used = inside[:, : len(found.open)].any(axis=0)
        boxes = found.open.take(np.flatnonzero(used)[:MOST_BOXES])
        found = examine(bounder, boxes, cutoff, 1 + turn % MOST_CUTS)
        kept.append(found.stuck)
    assert found.count > 0


@given(st.integers(1, 10 * WORTHWHILE))
def test_small_rounds_are_cut_into_more_parts(count: int) -> None:
    assert 1 <= cuts(count) <= MOST_CUTS
    assert cuts(count) == 1 or count * 2 ** cuts(count) <= WORTHWHILE
    assert cuts(count) >= cuts(count + 1)


def test_what_can_not_be_cut_again_is_bounded_before_it_is_stuck(case: Case) -> None:
    """A box whose halves have nothing left to cut is cut once, and its halves are looked at."""
    bounder, _, _, points, _ = case
    boxes = bounder.root().take([0])
    boxes.low[:], boxes.high[:], boxes.least[:], boxes.most[:] = points[:, :1], points[:, :1], 1.0, 1.0
    axis = next(i for i, c in enumerate(bounder.statement.coordinates) if not c.whole)
    boxes.high[axis] = boxes.low[axis] + 1.5 * NARROWEST * (1.0 + abs(boxes.low[axis]))
    parts, stuck = _parts(bounder, boxes, np.inf, MOST_CUTS)
    assert (len(parts), len(stuck)) == (2, 0)
    parts, stuck = _parts(bounder, parts, np.inf, MOST_CUTS)
    assert (len(parts), len(stuck)) == (0, 2)


def test_what_overflows_says_nothing_and_cuts_nothing() -> None:
    """A plane of which a part is no number once removed whole boxes with feasible designs."""
    slopes = np.array([[1.0, np.inf, np.nan], [2.0, 1.0, 1.0]])
    known, below = known_planes(slopes, np.array([3.0, 0.0, np.nan]))
    assert np.isfinite(known).all()
    assert np.isfinite(below).all()
    assert below[0] == pytest.approx(3.0)
    assert np.all(below[1:] < -1e50)
    lower, upper = np.full((2, 3), -1.0), np.ones((2, 3))
    cut(slopes, np.array([np.nan, np.nan, -np.nan]), lower, upper)
    assert np.all(lower == -1.0)
    assert np.all(upper == 1.0)


@pytest.mark.parametrize("cutoff", [np.inf, 100.0])
def test_a_study_whose_planes_overflow_keeps_its_combinations(study_problem: StudyProblem, cutoff: float) -> None:
    """Hosted fleets with one accelerator: four combinations with feasible designs were removed at the root."""
    problem = study_problem("kuiper-3236", "assumptions.cost.learning_rate=0.7", "assumptions.cost.learning_floor=0.1")
    bounder = Bounder(state(problem))
    bound = bounder.measure(bounder.root(), cutoff)
    feasible = {"body_mounted", "deployable_aluminium"}
    for number, combination in enumerate(bounder.statement.combinations):
        if (combination["accelerator"], combination["vehicle"], combination["array"]) == (
            "tpu_v7",
            "falcon_9",
            "silicon_flexible",
        ) and combination["radiator"] in feasible:
            assert bound[number] <= np.log(265.0), combination


def test_boxes_are_taken_copied_and_joined(case: Case, boxes_around: Around) -> None:
    bounder, _, combination, points, _ = case
    boxes = boxes_around(bounder, points, combination, 0.1, np.random.default_rng(15))
    halves: list[Any] = [boxes.take(slice(None, None, 2)), boxes.take(slice(1, None, 2))]
    joined = Boxes.join(halves)
    assert len(joined) == len(boxes)
    np.testing.assert_array_equal(joined.low[:, : len(halves[0])], boxes.low[:, ::2])
    copied = boxes.copy()
    copied.low[:] = 0.0
    assert not np.array_equal(copied.low, boxes.low)
