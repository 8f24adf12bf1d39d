"""What a satellite serves over its life, enclosed as a whole: its value, its ends, its planes."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dawndusk.models.physics.reliability import LEAST_SERVICE, share_served
from dawndusk.optimize.certify.functions.joint import LOG_LEAST, LOGS, LogServed

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]

BOXES, POINTS = 500, 60
LEAST = np.array([0.0, 1e-3, 1e-5, -0.5, 1e-3, 1e-3])
MOST = np.array([0.8, 5.0, 5.0, 0.8, 2.0, 10.0])
NOTHING = -690.0
SCALES = (0.0, 1e-9, 1e-4, 0.03, 0.3, 3.0, 50.0, 1000.0)
TOLERANCE = 1e-12


def arguments(rng: np.random.Generator, count: int) -> Floats:
    """Return arguments of the logarithm, shape (6, N): rates in logarithms, now and then one that is nothing."""
    ends = np.stack([LEAST, MOST], axis=1)
    ends[LOGS] = np.log(ends[LOGS])
    found: Floats = ends[:, :1] + rng.random((6, count)) * (ends[:, 1:] - ends[:, :1])
    nothing = rng.random((6, count)) < 0.05
    nothing[[0, 3, 5]] = False
    return np.where(nothing, NOTHING, found)


def boxes(rng: np.random.Generator, scale: float) -> tuple[Floats, Floats]:
    """Return ends of boxes, some sides without width, shape (6, B) each."""
    middle = arguments(rng, BOXES)
    half = scale * rng.random(middle.shape) * (rng.random(middle.shape) < 0.7)
    return middle - half, middle + half


def served(at: Floats, wear_exponent: float) -> Floats:
    """Return what the model computes."""
    spare, failures, wear, oversize, array_loss, lost = (np.exp(x) if k in LOGS else x for k, x in enumerate(at))
    found: Floats = share_served(spare, failures, wear, oversize, array_loss, lost, wear_exponent)
    return found


@pytest.mark.parametrize("exponent", [1.0, 2.3, 10.0])
def test_it_is_the_logarithm_of_what_the_model_computes(exponent: float) -> None:
    at = arguments(np.random.default_rng(5), 20_000)
    np.testing.assert_allclose(LogServed(exponent).value(at), np.log(served(at, exponent)), rtol=0.0, atol=1e-13)


def test_what_hardly_serves_is_the_least_that_the_model_gives() -> None:
    at = np.array([0.0, np.log(1e3), NOTHING, 0.0, NOTHING, np.log(1e4)])[:, np.newaxis]
    assert LogServed(2.0).value(at)[0] == np.log(LEAST_SERVICE)


@settings(deadline=None, max_examples=40, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from(SCALES), exponent=st.floats(1.0, 10.0))
def test_planes_and_ends_enclose_it(seed: int, scale: float, exponent: float) -> None:
    """Over a million points: inside, at corners, and around the point at which the planes are taken."""
    rng = np.random.default_rng(seed)
    low, high = boxes(rng, scale)
    function = LogServed(exponent)
    with np.errstate(all="ignore"):
        planes = function.planes(low, high, low + rng.random(low.shape) * (high - low))
    assert all(np.isfinite(part).all() for part in (planes.slopes, planes.least, planes.most, planes.parts))
    least, most = function.ends(low, high)
    for turn in range(POINTS):
        share = rng.random(low.shape)
        at = low + (np.rint(share) if turn % 2 else share) * (high - low)
        value = function.value(at)
        rest = value - (planes.slopes * at).sum(axis=0)
        assert np.all(rest >= planes.least), scale
        assert np.all(rest <= planes.most), scale
        size = TOLERANCE * (1.0 + np.abs(value))
        assert np.all(value >= least - size)
        assert np.all(value <= most + size)


@settings(deadline=None, max_examples=25, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    scale=st.sampled_from(SCALES),
    exponent=st.floats(1.0, 10.0),
    most=st.sampled_from([0.2, 1.0, 5.0]),
)
def test_a_plane_is_below_the_difference_of_two(seed: int, scale: float, exponent: float, most: float) -> None:
    rng = np.random.default_rng(seed)
    low, high = boxes(rng, scale)
    other = arguments(rng, BOXES)[5]
    half, more = scale * rng.random(BOXES), rng.random(BOXES) * 3.0
    ends = other - half, other + half, other + half * rng.uniform(-1.0, 1.0, BOXES)
    less = more * rng.random(BOXES) * most
    function = LogServed(exponent)
    with np.errstate(all="ignore"):
        at = low + rng.random(low.shape) * (high - low)
        slopes, constant, parts = function.difference(low, high, at, ends, (more, less))
    known = np.isfinite(constant) & (function.ends(low, high)[0] > LOG_LEAST)
    assert known.any() or scale > 1.0
    assert np.all(parts[:, known] >= 0.0)
    for turn in range(POINTS):
        share, last = rng.random(low.shape), rng.random(BOXES)
        at = low + (np.rint(share) if turn % 2 else share) * (high - low)
        lost = ends[0] + (np.rint(last) if turn % 3 else last) * (ends[1] - ends[0])
        value = less * function.value([*at[:5], lost]) - more * function.value(at)
        plane = (slopes[:6] * at).sum(axis=0) + slopes[6] * lost + constant
        assert np.all(value[known] >= plane[known]), scale


@pytest.mark.parametrize("scale", [1e-3, 0.1, 0.5])
def test_two_together_are_closer_than_each_on_its_own(scale: float) -> None:
    """Where the mean that raises the result weighs less, what it bends down the other bends up."""
    rng = np.random.default_rng(11)
    low, high = boxes(rng, scale)
    at, lost = 0.5 * (low + high), np.log(0.2) * np.ones(BOXES)
    function, known = LogServed(2.0), function_is_above_its_floor(low, high)
    slopes, constant, _ = function.difference(
        low, high, at, (lost, lost, lost), (np.ones(BOXES), 0.17 * np.ones(BOXES))
    )
    lows, highs, point = (np.vstack([part[:5], lost]) for part in (low, high, at))
    own, other = function.planes(low, high, at), function.planes(lows, highs, point)
    together = (slopes[:6] * at).sum(axis=0) + slopes[6] * lost + constant
    apart = 0.17 * ((other.slopes * point).sum(axis=0) + other.least) - (own.slopes * at).sum(axis=0) - own.most
    value = 0.17 * function.value(point) - function.value(at)
    assert np.median((value - together)[known]) < 0.9 * np.median((value - apart)[known])


def function_is_above_its_floor(low: Floats, high: Floats) -> Flags:
    found: Flags = LogServed(2.0).ends(low, high)[0] > LOG_LEAST
    return found


def test_the_upper_plane_is_off_by_the_square_of_the_size() -> None:
    """A tenth of the size leaves a hundredth of the distance, where one law rules all over the box."""
    rng = np.random.default_rng(2)
    middle = arguments(rng, 200)
    middle[0], middle[3] = -2.0, 3.0
    half = rng.random(middle.shape)
    apart = []
    for scale in (1e-2, 1e-3):
        low, high = middle - scale * half, middle + scale * half
        planes = LogServed(2.0).planes(low, high, middle)
        apart.append(planes.most + (planes.slopes * middle).sum(axis=0) - LogServed(2.0).value(middle))
    assert np.median(apart[1] / apart[0]) == pytest.approx(0.01, rel=0.2)
    assert np.all(apart[0] > 0.0)


def test_an_end_that_is_not_reached_costs_no_more_than_nothing() -> None:
    """A box without width has planes that touch."""
    at = arguments(np.random.default_rng(3), 1000)
    planes = LogServed(2.0).planes(at, at, at)
    value = LogServed(2.0).value(at) - (planes.slopes * at).sum(axis=0)
    size = 1e-8 * (1.0 + np.abs(planes.slopes * at).sum(axis=0))
    assert np.all(planes.most - value <= size)
    assert np.all(value - planes.least <= size)


def test_the_parts_say_which_argument_is_behind_the_distance() -> None:
    low = np.log(np.array([1.0, 0.4, 0.1, 1.0, 0.1, 2.0]))[:, np.newaxis]
    high = low.copy()
    high[5] += 0.5
    parts = LogServed(2.0).planes(low, high, low).parts
    assert parts[5, 0] > 0.0
    assert parts[5, 0] == pytest.approx(parts.sum())


def test_what_is_lost_is_put_down_to_what_varies() -> None:
    """Of two lines that cross, the one that is moved is behind the distance, whatever the rest of a life does."""
    low = np.array([0.1, np.log(0.3), np.log(0.01), -0.3, np.log(0.1), np.log(0.2)])[:, np.newaxis]
    high = low + 1e-6
    high[3] = 0.4
    parts = LogServed(2.0).planes(low, high, 0.5 * (low + high)).parts[:, 0]
    assert parts[3] > 0.01
    assert parts[3] > 100.0 * np.delete(parts, 3).sum()


@settings(deadline=None, max_examples=30, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), exponent=st.floats(1.0, 10.0))
def test_corners_of_a_monotone_function(seed: int, exponent: float) -> None:
    """It rises in spares and oversize and falls in the rest, each by itself."""
    rng = np.random.default_rng(seed)
    function, at = LogServed(exponent), arguments(rng, BOXES)
    value = function.value(at)
    for k, rises in enumerate((True, False, False, True, False, False)):
        moved = at.copy()
        moved[k] += rng.exponential(size=BOXES)
        change = function.value(moved) - value
        size = TOLERANCE * (1.0 + np.abs(value))
        assert np.all(change >= -size if rises else change <= size), k


@pytest.mark.parametrize("scale", [1e3, 1e6])
def test_planes_that_overflow_are_level_over_the_whole_range(scale: float) -> None:
    rng = np.random.default_rng(12)
    middle = arguments(rng, BOXES)
    low, high = middle - scale, middle + scale
    with np.errstate(all="ignore"):
        planes = LogServed(2.0).planes(low, high, high)
    assert all(np.isfinite(part).all() for part in (planes.slopes, planes.least, planes.most, planes.parts))
    level = (planes.slopes == 0.0).all(axis=0)
    assert level.any()
    assert np.all(planes.least[level] <= LOG_LEAST)
    assert np.all(planes.most[level] >= 0.0)


def test_planes_that_are_no_numbers_say_nothing() -> None:
    at = np.full((6, 1), np.nan)
    with np.errstate(all="ignore"):
        planes = LogServed(2.0).planes(at, at, at)
    assert np.all(planes.slopes == 0.0)
    assert planes.least[0] < LOG_LEAST
    assert planes.most[0] > 0.0
