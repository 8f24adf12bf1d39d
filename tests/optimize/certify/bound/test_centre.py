"""The stability centre of a bundle: serious and null steps, curvature, multipliers, and the best mean of planes."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dawndusk.optimize.certify.bound.bundle import (
    BEND_RANGE,
    FIRST_STEP,
    STIFFER,
    BundleState,
    _Bundle,
    _curvature,
    _Tried,
    known_planes,
    steer,
)
from dawndusk.optimize.certify.bound.forms import LARGEST
from dawndusk.optimize.certify.bound.rows import LinearBounds

Floats: TypeAlias = NDArray[np.float64]

SEED = st.integers(0, 2**32 - 1)
BOXES = 40
TOLERANCE = 1e-9


def tried(u: list[float], slopes: list[float], least: float, values: Floats | None = None) -> _Tried:
    """Return a plane of one box, without rows unless their values are given."""
    at, steep = np.array(u)[:, np.newaxis], np.array(slopes)[:, np.newaxis]
    rows = np.zeros((0, 1)) if values is None else values
    multipliers = np.zeros((len(rows), 1))
    return _Tried(at, multipliers, steep, np.array([least + np.abs(steep).sum()]), rows, np.array([least]))


def empty_bundle() -> _Bundle:
    known = BundleState(
        np.zeros(1), np.zeros((2, 1)), np.zeros((2, 1)), np.zeros((2, 1)), np.zeros((2, 1)), np.zeros((0, 1))
    )
    goal = LinearBounds(np.array([[0.5], [0.5]]), np.zeros(1), np.full(1, -1.0))
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
    row = LinearBounds(np.array([[1.0], [1.0]]), np.zeros(1), np.full(1, -2.0), place=0, counts=np.ones(1, dtype=bool))
    at = tried([0.0, 0.0], [-0.1, 0.1], 0.0, np.full((1, 1), value))
    _, multipliers = steer(at, [row], np.ones((2, 1)))
    assert (multipliers[0, 0] > 0.0) == rises
    assert multipliers[0, 0] >= 0.0


def test_no_price_is_below_zero_or_no_number() -> None:
    row = LinearBounds(np.zeros((2, 1)), np.zeros(1), np.zeros(1), place=0, counts=np.ones(1, dtype=bool))
    at = tried([0.0, 0.0], [1.0, 1.0], 0.0, np.full((1, 1), np.inf))
    _, multipliers = steer(at, [row], np.ones((2, 1)))
    assert np.isfinite(multipliers).all()
    assert np.all(multipliers >= 0.0)


@settings(deadline=None, max_examples=40, derandomize=True)
@given(seed=SEED)
def test_mean_of_planes_and_rows(seed: int) -> None:
    """Below the highest of the planes wherever the rows hold, with shares and multipliers that the code found."""
    rng = np.random.default_rng(seed)
    planes = [
        _Tried(u, np.zeros((2, BOXES)), slopes, below, np.zeros((2, BOXES)), np.zeros(BOXES))
        for u, slopes, below in zip(*rng.uniform(-1.0, 1.0, (2, 3, 2, BOXES)), rng.normal(size=(3, BOXES)), strict=True)
    ]
    rows = [
        LinearBounds(
            rng.normal(size=(2, BOXES)), -rng.random(BOXES), np.zeros(BOXES), place=k, counts=rng.random(BOXES) < 0.8
        )
        for k in range(2)
    ]
    whole = _Bundle(planes, rows, planes[0], np.ones((2, BOXES)))
    slopes, below, multipliers, point = whole.mean(np.zeros((2, BOXES)))
    assert np.all(multipliers >= 0.0)
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
    known = BundleState(np.array([1.0, 3.0, 1.0]), lower, upper, zeros, zeros, zeros)
    np.testing.assert_array_equal(known.is_open(2.0), [True, False, False])
    np.testing.assert_array_equal(known.is_open(3.0), [True, True, False], err_msg="at the cutoff itself it is open")


def test_some_boxes_are_taken_and_put_back() -> None:
    rng = np.random.default_rng(5)
    known = BundleState(rng.normal(size=4), *rng.normal(size=(5, 2, 4)))
    before = BundleState(*(part.copy() for part in vars(known).values()))
    part = known.take(np.array([1, 3]))
    part.bound[:] = 7.0
    np.testing.assert_array_equal(known.bound, before.bound)
    known.put(np.array([1, 3]), part)
    np.testing.assert_array_equal(known.bound, [before.bound[0], 7.0, before.bound[2], 7.0])
    np.testing.assert_array_equal(known.lower, before.lower)


def test_a_bundle_of_some_boxes_is_that_of_the_boxes() -> None:
    rng = np.random.default_rng(6)
    planes = [
        _Tried(u, multipliers, slopes, below, values, below - 1.0)
        for (u, multipliers, slopes), below, values in zip(
            rng.normal(size=(2, 3, 2, 5)), rng.normal(size=(2, 5)), rng.normal(size=(2, 1, 5)), strict=True
        )
    ]
    row = LinearBounds(
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
    np.testing.assert_array_equal(some.is_better(planes[0].take(chosen)), whole.is_better(planes[0])[chosen])
