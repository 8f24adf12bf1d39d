"""Planes of the Lagrangian on small problems by hand: never above the minimum, whatever points and prices are tried."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, TypeAlias, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dawndusk.optimize.certify.bound import bundle
from dawndusk.optimize.certify.bound.bundle import (
    BEND_RANGE,
    FIRST_STEP,
    STIFFER,
    Lifter,
    Lifting,
    _Bundle,
    _curvature,
    _Tried,
    known_planes,
    steer,
)
from dawndusk.optimize.certify.bound.curve_sums import groups
from dawndusk.optimize.certify.bound.forms import LARGEST
from dawndusk.optimize.certify.bound.rows import Linear, count_rows, linear, linear_rows
from dawndusk.optimize.certify.functions.curves import EXP, SOFTPLUS
from dawndusk.optimize.certify.graph.operations import Bend, Input, Product, Row, Sum

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]

SEED = st.integers(0, 2**32 - 1)
AXES, BOXES, GRID = 2, 40, 41
TOLERANCE = 1e-9


class Example:
    """``exp(x) + softplus(-2 y) + x y / 4`` to be made small, with ``x + y`` and a product as rules."""

    def __init__(self, sketch: Any, planes: int = 6, least_sum: float = 0.6) -> None:
        add = sketch.add
        x, y = add(Input(0)), add(Input(1))
        turned = add(Sum(((y, -2.0),), 0.0))
        curves = add(Bend(EXP, x)), add(Bend(SOFTPLUS, turned))
        product = add(Product(x, y))
        goal = add(Sum(((curves[0], 1.0), (curves[1], 1.0), (product, 0.25)), 0.0))
        above = add(Sum(((x, -1.0), (y, -1.0)), least_sum))
        below = add(Sum(((product, 1.0),), -0.5))
        self.sketch = sketch
        self.least_sum = least_sum
        rows = (Row("sum", above, 0.0), Row("product", below, 0.0))
        self.tape: Any = SimpleNamespace(
            operations=sketch.operations, limits={}, rows=rows, roundings=[], objective=goal, logarithm=False
        )
        needed = range(len(sketch.operations))
        self.lifter = Lifter(self.tape, needed, groups(sketch.operations, needed), planes)

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

    def lift(self, low: Floats, high: Floats, cutoff: float = np.inf, **given: Any) -> Lifting:
        """Return what is known of boxes after all planes."""
        count = low.shape[1]
        forward = self.sketch.forward(low, high)
        known = Lifting(
            bound=given.get("bound", np.full(count, -np.inf)),
            lower=np.full((AXES, count), -1.0),
            upper=np.ones((AXES, count)),
            blame=np.zeros((AXES, count)),
            u=given.get("u", np.zeros((AXES, count))),
            prices=given.get("prices", np.zeros((count_rows(self.tape), count))),
        )
        goal = linear(forward.forms[self.tape.objective], AXES, count)
        with np.errstate(all="ignore"):
            self.lifter.lift(forward, goal, linear_rows(self.tape, forward), known, cutoff)
        return known


def boxes(rng: np.random.Generator, reach: float = 1.0) -> tuple[Floats, Floats]:
    low, high = np.sort(rng.uniform(-1.0, 1.0, (2, AXES, BOXES)), axis=0)
    middle = 0.5 * (low + high)
    return middle - reach * (middle - low), middle + reach * (high - middle)


@given(seed=SEED)
def test_weak_duality(seed: int) -> None:
    """``min {f : g <= 0} >= min (f + p g)`` for every price: on the points of a box, whatever f and g."""
    rng = np.random.default_rng(seed)
    f, g = rng.normal(size=500), rng.normal(size=(3, 500))
    price = rng.exponential(size=3) * (rng.random(3) < 0.7)
    keeps = (g <= 0.0).all(axis=0)
    least = f[keeps].min() if keeps.any() else np.inf
    assert least >= (f + price @ g).min()


@given(seed=SEED)
def test_least_of_a_plane_over_a_box(seed: int) -> None:
    rng = np.random.default_rng(seed)
    slopes, below = rng.normal(size=(AXES, BOXES)), rng.normal(size=BOXES)
    least = below - np.abs(slopes).sum(axis=0)
    u = rng.uniform(-1.0, 1.0, (100, AXES, BOXES))
    assert np.all((slopes * u).sum(axis=1) + below >= least - 1e-12)
    np.testing.assert_allclose((slopes * -np.sign(slopes)).sum(axis=0) + below, least, atol=1e-12)


@settings(deadline=None, max_examples=12, derandomize=True)
@given(seed=SEED, reach=st.sampled_from([1e-3, 0.3, 1.0]))
def test_bounds_are_never_above_the_true_minimum(seed: int, reach: float, new_sketch: Callable[[], Any]) -> None:
    """From any point, with any prices, dear ones among them."""
    rng = np.random.default_rng(seed)
    example = Example(new_sketch())
    low, high = boxes(rng, reach)
    minima = example.minima(low, high)
    prices = (
        rng.exponential(size=(2, BOXES)) * 10.0 ** rng.uniform(-3.0, 4.0, (2, BOXES)) * (rng.random((2, BOXES)) < 0.5)
    )
    known = example.lift(low, high, u=rng.uniform(-1.0, 1.0, (AXES, BOXES)), prices=prices)
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
    example.tape.rows = ()
    low, high = np.array([[-0.5, 0.2], [-0.5, -0.7]]), np.array([[0.5, 0.9], [0.5, 0.1]])
    known = example.lift(low, high)
    share = np.linspace(0.0, 1.0, 201)
    x = low[0] + share[:, np.newaxis, np.newaxis] * (high[0] - low[0])
    y = low[1] + share[np.newaxis, :, np.newaxis] * (high[1] - low[1])
    least = example.value(x, y).min(axis=(0, 1))
    assert np.all(known.bound <= least)
    assert np.all(least - known.bound < 0.12)
    assert known.prices.shape == (0, 2)


def test_rows_that_count_nowhere_have_no_price(new_sketch: Callable[[], Any]) -> None:
    example = Example(new_sketch())
    low, high = np.array([[0.4], [0.4]]), np.array([[0.6], [0.6]])
    forward = example.sketch.forward(low, high)
    rows = linear_rows(example.tape, forward)
    for row in rows:
        row.counts = np.zeros(1, dtype=bool)
    known = Lifting(
        np.full(1, -np.inf), -np.ones((2, 1)), np.ones((2, 1)), np.zeros((2, 1)), np.zeros((2, 1)), np.zeros((2, 1))
    )
    goal = linear(forward.forms[example.tape.objective], AXES, 1)
    with np.errstate(all="ignore"):
        example.lifter.lift(forward, goal, rows, known, np.inf)
    np.testing.assert_array_equal(known.prices, 0.0)


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


@pytest.mark.parametrize(("price", "forgotten"), [(1e6, True), (0.5, False)], ids=["dear", "usual"])
def test_prices_that_ran_away_are_forgotten(
    price: float, forgotten: bool, monkeypatch: pytest.MonkeyPatch, new_sketch: Callable[[], Any]
) -> None:
    """Where no plane lifted the bound of a box and its prices are dear, its parts begin with none."""
    example = Example(new_sketch(), planes=1)
    monkeypatch.setattr(bundle.Lifter, "_combine", staticmethod(lambda *given, **options: None))
    low, high = np.array([[-0.5], [-0.5]]), np.array([[0.5], [0.5]])
    known = example.lift(low, high, 2.0, prices=np.full((2, 1), price), bound=np.array([1.35]))
    assert known.bound[0] == 1.35
    assert bool(np.all(known.prices == 0.0) and np.all(known.u == 0.0)) == forgotten


def tried(u: list[float], slopes: list[float], least: float, values: Floats | None = None) -> _Tried:
    """Return a plane of one box, without rows unless their values are given."""
    at, steep = np.array(u)[:, np.newaxis], np.array(slopes)[:, np.newaxis]
    rows = np.zeros((0, 1)) if values is None else values
    prices = np.zeros((len(rows), 1))
    return _Tried(at, prices, steep, np.array([least + np.abs(steep).sum()]), rows, np.array([least]))


def empty_bundle() -> _Bundle:
    known = Lifting(
        np.zeros(1), np.zeros((2, 1)), np.zeros((2, 1)), np.zeros((2, 1)), np.zeros((2, 1)), np.zeros((0, 1))
    )
    goal = Linear(np.array([[0.5], [0.5]]), np.zeros(1), np.full(1, -1.0))
    return _Bundle.begin(goal, [], known)


def test_the_first_plane_is_the_centre() -> None:
    bundle_, first = empty_bundle(), tried([0.0, 0.0], [1.0, -4.0], -2.0)
    assert bundle_.is_better(first).all()
    bundle_.add(first)
    assert bundle_.centre is first
    np.testing.assert_allclose(bundle_.bend, 4.0 / FIRST_STEP)
    u, _ = bundle_.steer()
    np.testing.assert_allclose(u[:, 0], [-0.125, 0.5], err_msg="the steepest coordinate moves by the first step")


def test_a_serious_step_moves_the_centre() -> None:
    bundle_ = empty_bundle()
    bundle_.add(tried([0.0, 0.0], [1.0, -4.0], -2.0))
    higher = tried([-0.5, 0.5], [0.5, -1.0], -1.5)
    assert bundle_.is_better(higher).all()
    bundle_.add(higher)
    assert bundle_.centre is not None
    np.testing.assert_array_equal(bundle_.centre.u, higher.u)
    assert bundle_.centre.least[0] == -1.5


def test_a_null_step_only_teaches_the_curvature() -> None:
    """The centre stays, and the next step from it is shorter."""
    bundle_, first = empty_bundle(), tried([0.0, 0.0], [1.0, -4.0], -2.0)
    bundle_.add(first)
    before, _ = bundle_.steer()
    lower = tried([-0.125, 0.5], [1.0, 12.0], -9.0)
    assert not bundle_.is_better(lower).any()
    bundle_.add(lower)
    assert bundle_.centre is not None
    np.testing.assert_array_equal(bundle_.centre.u, first.u)
    after, _ = bundle_.steer()
    assert abs(after[1, 0]) < abs(before[1, 0])
    assert len(bundle_.tries) == 3


def test_of_some_boxes_each_has_its_own_better_plane() -> None:
    one, other = (
        _Tried(
            np.full((1, 2), at),
            np.zeros((0, 2)),
            np.ones((1, 2)),
            np.array(least) + 1.0,
            np.zeros((0, 2)),
            np.array(least),
        )
        for at, least in ((0.1, [1.0, 2.0]), (0.7, [3.0, -5.0]))
    )
    better = one.better(other)
    np.testing.assert_array_equal(better.u, [[0.7, 0.1]])
    np.testing.assert_array_equal(better.least, [3.0, 2.0])


def test_curvature_is_what_two_planes_show() -> None:
    """A parabola of curvature 3 in one coordinate and 6 in the other, taken at two points."""
    one, other = (tried([a, b], [3.0 * a, 6.0 * b], least) for a, b, least in ((0.5, -0.5, 0.0), (0.2, 0.1, 1.0)))
    found = _curvature(one, other, [], np.ones((2, 1)))
    np.testing.assert_allclose(found[:, 0], [3.0, 6.0])


def test_a_worse_plane_that_shows_no_curvature_stiffens() -> None:
    one, other = tried([0.5, 0.5], [1.0, 1.0], 0.0), tried([0.5, 0.5], [1.0, 1.0], -1.0)
    np.testing.assert_allclose(_curvature(one, other, [], np.full((2, 1), 2.0)), STIFFER * 2.0)
    np.testing.assert_allclose(_curvature(other, one, [], np.full((2, 1), 2.0)), 2.0)


def test_curvature_along_one_coordinate_stays_near_the_mean() -> None:
    one, other = tried([0.0, 0.0], [0.0, 0.0], 0.0), tried([0.5, 0.5], [5000.0, 0.001], 1.0)
    found = _curvature(one, other, [], np.ones((2, 1)))[:, 0]
    mean = (0.5 * 5000.0 + 0.5 * 0.001) / 0.5
    assert BEND_RANGE[0] * mean <= found.min() <= found.max() <= BEND_RANGE[1] * mean


def test_a_step_ends_at_the_sides_of_the_box_and_never_in_no_number() -> None:
    far = tried([0.9, 0.0], [-1e9, np.nan], 0.0)
    u, _ = steer(far, [], np.ones((2, 1)))
    np.testing.assert_array_equal(u[:, 0], [1.0, 0.0])


@pytest.mark.parametrize(("value", "rises"), [(0.5, True), (-0.5, False)], ids=["broken", "met"])
def test_the_price_of_a_broken_rule_rises(value: float, rises: bool) -> None:
    row = Linear(np.array([[1.0], [1.0]]), np.zeros(1), np.full(1, -2.0), place=0, counts=np.ones(1, dtype=bool))
    at = tried([0.0, 0.0], [-0.1, 0.1], 0.0, np.full((1, 1), value))
    _, prices = steer(at, [row], np.ones((2, 1)))
    assert (prices[0, 0] > 0.0) == rises
    assert prices[0, 0] >= 0.0


def test_no_price_is_below_zero_or_no_number() -> None:
    row = Linear(np.zeros((2, 1)), np.zeros(1), np.zeros(1), place=0, counts=np.ones(1, dtype=bool))
    at = tried([0.0, 0.0], [1.0, 1.0], 0.0, np.full((1, 1), np.inf))
    _, prices = steer(at, [row], np.ones((2, 1)))
    assert np.isfinite(prices).all()
    assert np.all(prices >= 0.0)


@settings(deadline=None, max_examples=40, derandomize=True)
@given(seed=SEED)
def test_mean_of_planes_and_rows(seed: int) -> None:
    """Below the largest of the planes wherever the rows hold, and at least as high as the highest plane alone."""
    rng = np.random.default_rng(seed)
    planes = [
        _Tried(
            *rng.uniform(-1, 1, (2, 2, BOXES)),
            rng.normal(size=(2, BOXES)),
            rng.normal(size=BOXES),
            np.zeros((2, BOXES)),
            np.zeros(BOXES),
        )
        for _ in range(3)
    ]
    rows = [
        Linear(
            rng.normal(size=(2, BOXES)), -rng.random(BOXES), np.zeros(BOXES), place=k, counts=rng.random(BOXES) < 0.8
        )
        for k in range(2)
    ]
    for plane in planes:
        plane.prices = np.zeros((2, BOXES))
    whole = _Bundle(planes, rows, planes[0], np.ones((2, BOXES)))
    slopes, below, prices, point = whole.mean(np.zeros((2, BOXES)))
    assert np.all(prices >= 0.0)
    assert np.all(np.abs(point) <= 1.0)
    u = rng.uniform(-1.0, 1.0, (300, 2, BOXES))
    keeps = np.ones((300, BOXES), dtype=bool)
    for row in rows:
        keeps &= ((row.slopes * u).sum(axis=1) + row.below <= 0.0) | ~row.counts
    highest = np.max([(plane.slopes * u).sum(axis=1) + plane.below for plane in planes], axis=0)
    mean = (slopes * u).sum(axis=1) + below
    assert np.all(mean[keeps] <= highest[keeps] + TOLERANCE)


def test_planes_are_lowered_by_what_rounding_may_do() -> None:
    slopes, below = known_planes(np.array([[3.0]]), np.array([5.0]))
    assert below[0] < 5.0
    assert 5.0 - below[0] == pytest.approx(8e-12, rel=1e-3)
    assert slopes[0, 0] == 3.0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_planes_that_overflowed_say_nothing(value: float) -> None:
    with np.errstate(all="ignore"):
        slopes, below = known_planes(np.array([[value, 1.0]]), np.array([1.0, value]))
    np.testing.assert_array_equal(slopes, 0.0)
    np.testing.assert_array_equal(below, -LARGEST)


def test_an_open_box_is_below_the_cutoff_and_not_empty() -> None:
    lower, upper = np.array([[-1.0, -1.0, 0.5]]), np.array([[1.0, 1.0, 0.4]])
    zeros = np.zeros((1, 3))
    known = Lifting(np.array([1.0, 3.0, 1.0]), lower, upper, zeros, zeros, zeros)
    np.testing.assert_array_equal(known.is_open(2.0), [True, False, False])
    np.testing.assert_array_equal(known.is_open(3.0), [True, True, False], err_msg="at the cutoff itself it is open")


def test_some_boxes_are_taken_and_put_back() -> None:
    rng = np.random.default_rng(5)
    known = Lifting(rng.normal(size=4), *rng.normal(size=(5, 2, 4)))
    before = Lifting(*(part.copy() for part in vars(known).values()))
    part = known.take(np.array([1, 3]))
    part.bound[:] = 7.0
    np.testing.assert_array_equal(known.bound, before.bound)
    known.put(np.array([1, 3]), part)
    np.testing.assert_array_equal(known.bound, [before.bound[0], 7.0, before.bound[2], 7.0])
    np.testing.assert_array_equal(known.lower, before.lower)


def test_a_bundle_of_some_boxes_is_that_of_the_boxes() -> None:
    rng = np.random.default_rng(6)
    planes = [
        _Tried(*rng.normal(size=(3, 2, 5)), rng.normal(size=5), rng.normal(size=(1, 5)), rng.normal(size=5))
        for _ in range(2)
    ]
    row = Linear(
        rng.normal(size=(2, 5)), rng.normal(size=5), rng.normal(size=5), place=0, counts=np.ones(5, dtype=bool)
    )
    whole = _Bundle(planes, [row], planes[1], rng.random((2, 5)))
    chosen = np.array([0, 4])
    some = whole.take(chosen)
    assert some.centre is not None
    np.testing.assert_array_equal(some.centre.slopes, planes[1].slopes[:, chosen])
    np.testing.assert_array_equal(some.rows[0].slopes, row.slopes[:, chosen])
    np.testing.assert_array_equal(some.bend, whole.bend[:, chosen])
    assert _Bundle(planes, [row], None, whole.bend).take(chosen).centre is None
    assert cast("Flags", some.is_better(some.tries[0])).shape == (2,)
