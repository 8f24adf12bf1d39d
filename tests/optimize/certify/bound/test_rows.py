"""Rows over boxes: what they cut off, which multiplier of one is best, and what ties a rounding to its node."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dawndusk.optimize.certify.bound.forms import AffineForm
from dawndusk.optimize.certify.bound.rows import (
    NO_END,
    LinearBounds,
    best_multiplier,
    count_rows,
    cut,
    linear,
    linear_rows,
)
from dawndusk.optimize.certify.graph.operations import GraphRow, Input, Rounding, Sum

Floats: TypeAlias = NDArray[np.float64]

SEED = st.integers(0, 2**32 - 1)
AXES, BOXES = 4, 300


def graph_of(sketch: Any, *rows: GraphRow) -> Any:
    return SimpleNamespace(operations=sketch.operations, rows=rows, roundings=sketch.roundings)


@given(seed=SEED)
def test_reduced_cost_of_a_coordinate(seed: int) -> None:
    """Nothing is cut off that keeps the limit, and at an end that was moved nothing beyond it does."""
    rng = np.random.default_rng(seed)
    slopes = rng.normal(size=(AXES, BOXES)) * (rng.random((AXES, BOXES)) < 0.8)
    below = rng.normal(size=BOXES)
    least = below - np.abs(slopes).sum(axis=0)
    limit = least + rng.exponential(0.5, BOXES)
    lower, upper = np.full((AXES, BOXES), -1.0), np.ones((AXES, BOXES))
    cut(slopes, limit - least, lower, upper)
    for turn in range(20):
        u = rng.uniform(-1.0, 1.0, (AXES, BOXES))
        u = np.where(rng.random(u.shape) < 0.5, -np.sign(slopes), u) if turn % 2 else u
        keeps = (slopes * u).sum(axis=0) + below <= limit
        inside = (u >= lower - 1e-12) & (u <= upper + 1e-12)
        assert inside[:, keeps].all()
    best = -np.sign(slopes)
    for axis in range(AXES):
        for end in (lower, upper):
            u = best.copy()
            u[axis] = end[axis]
            moved = np.abs(end[axis]) < 1.0
            reached = (slopes * u).sum(axis=0) + below
            np.testing.assert_allclose(reached[moved], limit[moved], atol=1e-9)


def test_a_plane_above_its_limit_everywhere_leaves_nothing() -> None:
    lower, upper = np.full((1, 1), -1.0), np.ones((1, 1))
    cut(np.array([[1.0]]), np.array([-0.5]), lower, upper)
    assert lower[0, 0] > upper[0, 0]


@pytest.mark.parametrize("slack", [np.nan, np.inf])
def test_nothing_is_cut_where_numbers_overflowed(slack: float) -> None:
    lower, upper = np.full((2, 1), -0.5), np.full((2, 1), 0.5)
    cut(np.array([[1.0], [-1.0]]), np.array([slack]), lower, upper)
    np.testing.assert_array_equal((lower, upper), np.array([[[-0.5]] * 2, [[0.5]] * 2]))


def test_a_cut_never_widens() -> None:
    lower, upper = np.full((1, 1), -0.2), np.full((1, 1), 0.1)
    cut(np.array([[1.0]]), np.array([1.9]), lower, upper)
    assert (lower[0, 0], upper[0, 0]) == (-0.2, 0.1)


@given(seed=SEED)
def test_dual_of_one_row(seed: int) -> None:
    """No other multiplier of many proves more."""
    rng = np.random.default_rng(seed)
    slopes, row = rng.normal(size=(2, AXES, BOXES)) * (rng.random((2, AXES, BOXES)) < 0.8)
    below = rng.normal(scale=2.0, size=BOXES)
    best = best_multiplier(slopes, row, below)
    assert np.all(best >= 0.0)

    def proved(t: Floats) -> Floats:
        return np.asarray(t * below - np.abs(slopes + t * row).sum(axis=0))

    highest = proved(best)
    unbounded = below > np.abs(row).sum(axis=0)
    for other in (0.0, *np.geomspace(1e-3, 1e3, 40)):
        assert np.all(proved(np.full(BOXES, other))[~unbounded] <= highest[~unbounded] + 1e-9)


def test_a_row_that_no_point_breaks_has_no_multiplier() -> None:
    slopes, row = np.array([[1.0]]), np.array([[0.5]])
    assert best_multiplier(slopes, row, np.array([-2.0]))[0] == 0.0


def test_a_row_that_every_point_breaks_has_no_best_multiplier() -> None:
    """The more the better, without end: the row itself says that the box is empty."""
    assert best_multiplier(np.array([[1.0]]), np.array([[0.5]]), np.array([2.0]))[0] == 0.0


def test_a_form_is_a_row_over_all_coordinates() -> None:
    form = AffineForm(
        (0, 2), np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0.5, 0.6]), np.ones(2), -np.ones(2), np.ones(2)
    )
    row = linear(form, 3, 2)
    np.testing.assert_array_equal(row.slopes, [[1.0, 2.0], [0.0, 0.0], [3.0, 4.0]])
    np.testing.assert_array_equal((row.below, row.low), [[0.5, 0.6], [-1.0, -1.0]])
    assert row.node is None


def test_rules_are_rows_and_each_rounding_is_two(sketch: Any) -> None:
    sketch.add(Input(0), Sum(((0, 2.0),), -1.0), Rounding(0, True, False, free=False, at_least_one=False, place=0))
    graph = graph_of(
        sketch,
        GraphRow("met", 1, 0.0, tolerance=1e-6),
        GraphRow("the same all over", None, np.array([0.25, -0.5])),
    )
    assert count_rows(graph) == 4
    low, high = np.array([[0.5, 1.5]]), np.array([[3.0, 1.8]])
    forward = sketch.forward(low, high, np.array([0, 1]))
    rows = linear_rows(graph, forward)
    assert [row.place for row in rows] == [0, 1, 2, 3]
    assert [row.node for row in rows] == [1, None, 0, 0]
    assert rows[0].tolerance == 1e-6
    np.testing.assert_array_equal(rows[1].below, [0.25, -0.5])
    np.testing.assert_array_equal(rows[1].slopes, 0.0)


@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
@pytest.mark.parametrize("log", [True, False], ids=["logarithm", "plain"])
def test_range_of_what_is_rounded(up: bool, log: bool, sketch: Any) -> None:
    """Where the whole number is from low to high, what is rounded keeps both rows; beyond it breaks one."""
    sketch.add(Input(0), Rounding(0, up, log, free=False, at_least_one=False, place=0))
    ends = np.array([[0.5], [8.5]])
    low, high = (np.log(ends[0:1]), np.log(ends[1:2])) if log else (ends[0:1], ends[1:2])
    whole = np.array([[3.0]]), np.array([[5.0]])
    forward = sketch.forward(low, high, ends=whole)
    rows = linear_rows(graph_of(sketch), forward)
    for x in np.linspace(0.6, 8.4, 400):
        if abs(x - round(x)) < 1e-6:
            continue
        rounded = np.ceil(x) if up else np.floor(x)
        value = np.log(x) if log else x
        broken = max(float(row.sign * value + np.ravel(row.shift)[0]) for row in rows)
        assert (broken <= 0.0) == (3.0 <= rounded <= 5.0), x


def test_a_rounding_without_ends_is_tied_to_nothing(sketch: Any) -> None:
    sketch.add(Input(0), Rounding(0, True, True, free=False, at_least_one=False, place=0))
    forward = sketch.forward(np.array([[-1.0]]), np.array([[0.5]]))
    with np.errstate(divide="ignore"):
        lower, _ = linear_rows(graph_of(sketch), forward)
    assert lower.shift[0] == NO_END, "the first whole number less one is nothing, which has no logarithm"


def test_rows_of_some_boxes() -> None:
    row = LinearBounds(
        np.arange(6.0).reshape(2, 3),
        np.arange(3.0),
        -np.arange(3.0),
        node=4,
        shift=np.array([5.0, 6.0, 7.0]),
        place=2,
        counts=np.array([True, False, True]),
    )
    some = row.take(np.array([0, 2]))
    np.testing.assert_array_equal(some.slopes, [[0.0, 2.0], [3.0, 5.0]])
    np.testing.assert_array_equal(some.shift, [5.0, 7.0])
    np.testing.assert_array_equal(some.counts, [True, True])
    assert (some.node, some.place, some.tolerance) == (4, 2, row.tolerance)
    scalar = LinearBounds(row.slopes, row.below, row.low, shift=1.5).take(np.array([1]))
    assert scalar.shift == 1.5
    assert scalar.counts is True
