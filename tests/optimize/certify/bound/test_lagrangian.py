"""Planes of the Lagrangian on small problems by hand: never above the minimum, whatever is tried."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dawndusk.optimize.certify.bound import bundle
from dawndusk.optimize.certify.bound.bundle import (
    BundleMethod,
    BundleState,
    _use,
)
from dawndusk.optimize.certify.bound.curve_sums import groups
from dawndusk.optimize.certify.bound.rows import count_rows, linear, linear_rows
from dawndusk.optimize.certify.functions.curves import EXP, SOFTPLUS
from dawndusk.optimize.certify.graph.operations import GraphRow, Input, Product, Sum, Univariate

Floats: TypeAlias = NDArray[np.float64]

SEED = st.integers(0, 2**32 - 1)
AXES, BOXES, GRID = 2, 40, 41
TOLERANCE = 1e-9


class Example:
    """``exp(x) + softplus(-2 y) + x y / 4`` to be made small, with ``x + y`` and a product as rules."""

    def __init__(self, sketch: Any, planes: int = 6, least_sum: float = 0.6) -> None:
        add = sketch.add
        x, y = add(Input(0)), add(Input(1))
        turned = add(Sum(((y, -2.0),), 0.0))
        curves = add(Univariate(EXP, x)), add(Univariate(SOFTPLUS, turned))
        product = add(Product(x, y))
        goal = add(Sum(((curves[0], 1.0), (curves[1], 1.0), (product, 0.25)), 0.0))
        above = add(Sum(((x, -1.0), (y, -1.0)), least_sum))
        below = add(Sum(((product, 1.0),), -0.5))
        self.sketch = sketch
        self.least_sum = least_sum
        rows = (GraphRow("sum", above, 0.0), GraphRow("product", below, 0.0))
        graph: Any = SimpleNamespace(
            operations=sketch.operations, limits={}, rows=rows, roundings=[], objective=goal, logarithm=False
        )
        self.graph = graph
        needed = range(len(sketch.operations))
        self.lifter = BundleMethod(self.graph, needed, groups(sketch.operations, needed), planes)

    def value(self, x: Floats, y: Floats) -> Floats:
        found: Floats = np.exp(x) + np.logaddexp(0.0, -2.0 * y) + 0.25 * x * y
        return found

    def minima(self, low: Floats, high: Floats) -> Floats:
        """Return the least value in each box of points that keep the rules, by a grid; infinite where there is none."""
        share = np.linspace(0.0, 1.0, GRID)
        x = low[0] + share[:, np.newaxis, np.newaxis] * (high[0] - low[0])
        y = low[1] + share[np.newaxis, :, np.newaxis] * (high[1] - low[1])
        keeps = (x + y >= self.least_sum) & (x * y <= 0.5)
        found: Floats = np.where(keeps, self.value(x, y), np.inf).min(axis=(0, 1))
        return found

    def lift(self, low: Floats, high: Floats, cutoff: float = np.inf, **given: Any) -> BundleState:
        """Return what is known of boxes after all planes."""
        count = low.shape[1]
        forward = self.sketch.forward(low, high)
        known = BundleState(
            bound=given.get("bound", np.full(count, -np.inf)),
            lower=np.full((AXES, count), -1.0),
            upper=np.ones((AXES, count)),
            blame=np.zeros((AXES, count)),
            u=given.get("u", np.zeros((AXES, count))),
            multipliers=given.get("multipliers", np.zeros((count_rows(self.graph), count))),
        )
        goal = linear(forward.forms[self.graph.objective], AXES, count)
        with np.errstate(all="ignore"):
            self.lifter.lift(forward, goal, linear_rows(self.graph, forward), known, cutoff)
        return known


def boxes(rng: np.random.Generator, reach: float = 1.0) -> tuple[Floats, Floats]:
    low, high = np.sort(rng.uniform(-1.0, 1.0, (2, AXES, BOXES)), axis=0)
    middle = 0.5 * (low + high)
    return middle - reach * (middle - low), middle + reach * (high - middle)


@settings(deadline=None, max_examples=25, derandomize=True)
@given(seed=SEED)
def test_weak_duality(seed: int, new_sketch: Callable[[], Any]) -> None:
    """One plane of the Lagrangian, at any point and with any multipliers, is below the least that keeps the rules."""
    rng = np.random.default_rng(seed)
    example = Example(new_sketch())
    low, high = boxes(rng)
    forward = example.sketch.forward(low, high)
    zeros = np.zeros((AXES, BOXES))
    multiplier = (
        rng.exponential(size=(2, BOXES)) * 10.0 ** rng.uniform(-2.0, 2.0, (2, BOXES)) * (rng.random((2, BOXES)) < 0.8)
    )
    work = BundleState(np.zeros(BOXES), zeros, zeros, zeros, rng.uniform(-1.0, 1.0, (AXES, BOXES)), multiplier)
    with np.errstate(all="ignore"):
        tried = example.lifter._try(forward, linear_rows(example.graph, forward), work, None)
    assert np.all(tried.least <= example.minima(low, high) + TOLERANCE)
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    x, y = middle + half * work.u
    broken = np.stack([example.least_sum - x - y, x * y - 0.5])
    np.testing.assert_allclose(tried.values, broken, atol=1e-12)
    lagrangian = example.value(x, y) + (multiplier * broken).sum(axis=0)
    size = TOLERANCE * (1.0 + multiplier.sum(axis=0))
    assert np.all(tried.below + (tried.slopes * work.u).sum(axis=0) <= lagrangian + size)


@given(seed=SEED)
def test_least_of_a_plane_over_a_box(seed: int) -> None:
    """The bound that a plane lifts a box to is its value at the lowest of all corners."""
    rng = np.random.default_rng(seed)
    slopes, below = rng.normal(size=(AXES, BOXES)), rng.normal(size=BOXES)
    zeros = np.zeros((AXES, BOXES))
    work = BundleState(np.full(BOXES, -np.inf), -1.0 + zeros, 1.0 + zeros, zeros, zeros, zeros)
    _use(work, slopes, below, np.inf)
    corners = np.array(list(itertools.product((-1.0, 1.0), repeat=AXES)))
    np.testing.assert_allclose(work.bound, (corners @ slopes + below).min(axis=0), atol=1e-12)
    lifted = work.bound.copy()
    _use(work, slopes, below - 1.0, np.inf)
    np.testing.assert_array_equal(work.bound, lifted, err_msg="a lower plane takes nothing back")


@settings(deadline=None, max_examples=12, derandomize=True)
@given(seed=SEED, reach=st.sampled_from([1e-3, 0.3, 1.0]))
def test_bounds_are_never_above_the_true_minimum(seed: int, reach: float, new_sketch: Callable[[], Any]) -> None:
    """From any point, with any multipliers, dear ones among them."""
    rng = np.random.default_rng(seed)
    example = Example(new_sketch())
    low, high = boxes(rng, reach)
    minima = example.minima(low, high)
    multipliers = (
        rng.exponential(size=(2, BOXES)) * 10.0 ** rng.uniform(-3.0, 4.0, (2, BOXES)) * (rng.random((2, BOXES)) < 0.5)
    )
    known = example.lift(low, high, u=rng.uniform(-1.0, 1.0, (AXES, BOXES)), multipliers=multipliers)
    assert np.all(known.bound <= minima + TOLERANCE)
    assert np.isfinite(known.bound).all()


@settings(deadline=None, max_examples=12, derandomize=True)
@given(seed=SEED, share=st.floats(0.0, 1.0))
def test_what_is_cut_off_is_above_the_cutoff(seed: int, share: float, new_sketch: Callable[[], Any]) -> None:
    rng = np.random.default_rng(seed)
    example = Example(new_sketch())
    low, high = boxes(rng)
    minima = example.minima(low, high)
    known_ones = minima[np.isfinite(minima)]
    cutoff = float(np.quantile(known_ones, share))
    known = example.lift(low, high, cutoff)
    u = rng.uniform(-1.0, 1.0, (400, AXES, BOXES))
    x, y = (0.5 * (low + high) + 0.5 * (high - low) * u).transpose(1, 0, 2)
    good = (x + y >= example.least_sum) & (x * y <= 0.5) & (example.value(x, y) <= cutoff)
    inside = ((u >= known.lower - 1e-9) & (u <= known.upper + 1e-9)).all(axis=1)
    assert np.all(inside | ~good)
    assert not np.any(good.any(axis=0) & ~known.is_open(cutoff))


def test_planes_lift_bounds_and_prices_do_more(new_sketch: Callable[[], Any]) -> None:
    """The lines of the rules alone, then one plane, then six: each at least as high, and at last nearly the minimum."""
    low, high = np.array([[-0.4], [-0.4]]), np.array([[0.5], [0.5]])
    bounds = [Example(new_sketch(), planes).lift(low, high).bound[0] for planes in (1, 2, 3, 6)]
    least = Example(new_sketch()).minima(low, high)[0]
    assert bounds == sorted(bounds)
    assert bounds[-1] > bounds[0]
    assert least - bounds[-1] < 0.5 * (least - bounds[0])


def test_a_box_that_breaks_a_rule_everywhere_is_lifted_without_end(new_sketch: Callable[[], Any]) -> None:
    """The row is above zero all over: dearer is always better, and what closes the box is the row itself."""
    example = Example(new_sketch())
    low, high = np.array([[-1.0], [-1.0]]), np.array([[-0.9], [-0.9]])
    known = example.lift(low, high, cutoff=10.0)
    assert not known.is_open(10.0)[0]


def test_without_rows_the_bound_is_that_of_the_objective(new_sketch: Callable[[], Any]) -> None:
    example = Example(new_sketch())
    example.graph.rows = ()
    low, high = np.array([[-0.5, 0.2], [-0.5, -0.7]]), np.array([[0.5, 0.9], [0.5, 0.1]])
    known = example.lift(low, high)
    share = np.linspace(0.0, 1.0, 201)
    x = low[0] + share[:, np.newaxis, np.newaxis] * (high[0] - low[0])
    y = low[1] + share[np.newaxis, :, np.newaxis] * (high[1] - low[1])
    least = example.value(x, y).min(axis=(0, 1))
    assert np.all(known.bound <= least)
    assert np.all(least - known.bound < 0.12)
    assert known.multipliers.shape == (0, 2)


def test_rows_that_count_nowhere_have_no_price(new_sketch: Callable[[], Any]) -> None:
    example = Example(new_sketch())
    low, high = np.array([[0.4], [0.4]]), np.array([[0.6], [0.6]])
    forward = example.sketch.forward(low, high)
    rows = linear_rows(example.graph, forward)
    for row in rows:
        row.counts = np.zeros(1, dtype=bool)
    known = BundleState(
        np.full(1, -np.inf), -np.ones((2, 1)), np.ones((2, 1)), np.zeros((2, 1)), np.zeros((2, 1)), np.zeros((2, 1))
    )
    goal = linear(forward.forms[example.graph.objective], AXES, 1)
    with np.errstate(all="ignore"):
        example.lifter.lift(forward, goal, rows, known, np.inf)
    np.testing.assert_array_equal(known.multipliers, 0.0)


def test_closed_boxes_are_left_out_and_their_neighbours_are_not_touched(new_sketch: Callable[[], Any]) -> None:
    """What is known of a box is the same with others beside it that close early and alone."""
    rng = np.random.default_rng(3)
    low, high = boxes(rng, 0.5)
    example = Example(new_sketch())
    together = example.lift(low, high, cutoff=1.6)
    for box in range(0, BOXES, 7):
        alone = Example(new_sketch()).lift(low[:, [box]], high[:, [box]], cutoff=1.6)
        assert alone.bound[0] == together.bound[box]
        np.testing.assert_array_equal(alone.u[:, 0], together.u[:, box])


@pytest.mark.parametrize(("multiplier", "forgotten"), [(1e6, True), (0.5, False)], ids=["dear", "usual"])
def test_prices_that_ran_away_are_forgotten(
    multiplier: float, forgotten: bool, monkeypatch: pytest.MonkeyPatch, new_sketch: Callable[[], Any]
) -> None:
    """Where no plane lifted the bound of a box and its multipliers are dear, its parts begin with none."""
    example = Example(new_sketch(), planes=1)
    monkeypatch.setattr(bundle.BundleMethod, "_combine", staticmethod(lambda *given, **options: None))
    low, high = np.array([[-0.5], [-0.5]]), np.array([[0.5], [0.5]])
    known = example.lift(low, high, 2.0, multipliers=np.full((2, 1), multiplier), bound=np.array([1.35]))
    assert known.bound[0] == 1.35
    assert bool(np.all(known.multipliers == 0.0) and np.all(known.u == 0.0)) == forgotten
