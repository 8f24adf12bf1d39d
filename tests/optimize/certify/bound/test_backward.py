"""Planes backwards: below weighted sums of nodes on random boxes, whatever the weights and the points of tangents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dawndusk.optimize.certify.bound.backward import at_point, plane
from dawndusk.optimize.certify.bound.curve_sums import companions, groups
from dawndusk.optimize.certify.functions.curves import EXP, LOG_SPREAD_EXP, RAMP, SOFTPLUS
from dawndusk.optimize.certify.functions.joint import LogServed
from dawndusk.optimize.certify.graph.operations import Input, Joint, Product, Rounding, Sign, Sum, Univariate

Floats: TypeAlias = NDArray[np.float64]
Within: TypeAlias = Callable[..., tuple[Floats, Floats, Floats]]

BOXES = 200
TOLERANCE = 1e-9
SEED = st.integers(0, 2**32 - 1)


def unit(low: Floats, high: Floats, points: Floats) -> Floats:
    half = 0.5 * (high - low)
    return np.where(half > 0.0, (points - 0.5 * (low + high)) / np.where(half > 0.0, half, 1.0), 0.0)


def lowered(
    sketch: Any, forward: Any, weights: dict[int, Any], points: Any = None, **given: Any
) -> tuple[Floats, Floats]:
    with np.errstate(all="ignore"):
        return plane(sketch.operations, forward, weights, points, **given)


@settings(deadline=None, max_examples=30, derandomize=True)
@given(seed=SEED)
def test_the_side_that_counts(seed: int, new_sketch: Callable[[], Any], boxes_within: Within) -> None:
    """The lower line of a function that weighs more than nothing, and the upper one of one that weighs less."""
    rng = np.random.default_rng(seed)
    sketch = new_sketch()
    sketch.add(Input(0), Input(1), Product(0, 1))
    low, high, points = boxes_within(rng, BOXES, 1.5, 2)
    forward, weight = sketch.forward(low, high), rng.normal(size=BOXES)
    slopes, below = lowered(sketch, forward, {2: weight})
    slope_x, slope_y, least, most = forward.kept[2]
    bound = weight * (slope_x * points[0] + slope_y * points[1]) + np.where(
        weight >= 0.0, weight * least, weight * most
    )
    np.testing.assert_allclose(below + (slopes * unit(low, high, points)).sum(axis=0), bound, rtol=0.0, atol=1e-12)
    assert np.all(weight * points[0] * points[1] >= bound - 1e-12)


@settings(deadline=None, max_examples=25, derandomize=True)
@given(seed=SEED)
def test_nodes_replaced_one_by_one(seed: int, random_sketch: Callable[..., Any], boxes_within: Within) -> None:
    """On graphs at random, with weights of both signs on any nodes, and tangents taken anywhere in the box."""
    rng = np.random.default_rng(seed)
    sketch = random_sketch(rng)
    low, high, points = boxes_within(rng, BOXES)
    combination = rng.integers(2, size=BOXES)
    forward, u = sketch.forward(low, high, combination), unit(low, high, points)
    values = sketch.values(points, combination)
    count = len(sketch.operations)
    weights = {int(node): rng.normal(size=BOXES) for node in rng.choice(count, 4, replace=False)}
    exact = sum(weight * values[node] for node, weight in weights.items())
    size = 1.0 + sum(np.abs(weight * values[node]) for node, weight in weights.items())
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    alike, paired = groups(sketch.operations, range(count)), companions(sketch.operations, range(count))
    for at in (None, np.zeros_like(u), rng.uniform(-1.0, 1.0, u.shape), np.sign(rng.normal(size=u.shape)), u):
        with np.errstate(all="ignore"):
            touched = None if at is None else at_point(sketch.operations, forward, middle + half * at)
        slopes, below = lowered(sketch, forward, weights, touched, groups=alike, companions=paired)
        over = below + (slopes * u).sum(axis=0) - exact
        assert np.all(over <= TOLERANCE * (size + np.abs(slopes).sum(axis=0)))


def test_a_plane_of_sums_is_the_sum_itself(sketch: Any, boxes_within: Within) -> None:
    """Nothing is lost where there is nothing but sums, and what two readers have in common cancels."""
    sketch.add(Input(0), Input(1), Sum(((0, 2.0), (1, np.array([1.0, -3.0]))), 0.5), Sum(((2, 1.0), (0, -2.0)), 1.0))
    rng = np.random.default_rng(1)
    low, high, points = boxes_within(rng, BOXES, 1.5, 2)
    combination = rng.integers(2, size=BOXES)
    forward = sketch.forward(low, high, combination)
    slopes, below = lowered(sketch, forward, {3: np.ones(BOXES)})
    exact = sketch.values(points, combination)[3]
    np.testing.assert_allclose(below + (slopes * unit(low, high, points)).sum(axis=0), exact, atol=1e-12)
    np.testing.assert_array_equal(slopes[0], 0.0)


def test_a_tangent_touches_at_the_point_where_it_is_taken(sketch: Any) -> None:
    sketch.add(Input(0), Univariate(EXP, 0))
    low, high = np.array([[-1.0, 0.0]]), np.array([[1.0, 2.0]])
    forward = sketch.forward(low, high)
    at = np.array([[0.3, 1.9]])
    touched = at_point(sketch.operations, forward, at)
    slopes, below = lowered(sketch, forward, {1: np.ones(2)}, touched)
    np.testing.assert_allclose(below + (slopes * unit(low, high, at)).sum(axis=0), np.exp(at[0]), rtol=1e-9)
    np.testing.assert_allclose(slopes[0], np.exp(at[0]), rtol=1e-12)


def test_without_points_the_tangent_is_parallel_to_the_chord(sketch: Any) -> None:
    sketch.add(Input(0), Univariate(EXP, 0))
    low, high = np.array([[-1.0]]), np.array([[1.0]])
    slopes, below = lowered(sketch, sketch.forward(low, high), {1: np.ones(1)})
    chord = 0.5 * (np.exp(1.0) - np.exp(-1.0))
    assert slopes[0, 0] == pytest.approx(chord)
    assert below[0] == pytest.approx(chord - chord * np.log(chord))


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_side_against_the_bend_is_the_chord(sign: float, sketch: Any) -> None:
    """Whatever point is given: on that side no tangent is a bound."""
    curve = SOFTPLUS
    sketch.add(Input(0), Univariate(curve, 0))
    low, high = np.array([[-2.0]]), np.array([[3.0]])
    forward = sketch.forward(low, high)
    ends = []
    for at in (-1.5, 0.0, 2.5):
        touched = at_point(sketch.operations, forward, np.array([[at]]))
        slopes, below = lowered(sketch, forward, {1: np.full(1, sign)}, touched)
        ends.append((slopes[0, 0], below[0]))
    assert (len(set(ends)) == 1) == (sign < 0.0)


def test_the_closer_the_point_the_higher_the_plane(sketch: Any) -> None:
    """At the lowest point of a convex sum the plane is level and touches."""
    sketch.add(Input(0), Univariate(EXP, 0), Sum(((1, 1.0), (0, -2.0)), 0.0))
    low, high = np.array([[-1.0]]), np.array([[2.0]])
    forward = sketch.forward(low, high)
    least = []
    for at in (-0.5, 0.2, np.log(2.0)):
        slopes, below = lowered(
            sketch, forward, {2: np.ones(1)}, at_point(sketch.operations, forward, np.array([[at]]))
        )
        least.append(float(below[0] - np.abs(slopes[:, 0]).sum()))
    assert least == sorted(least)
    assert least[-1] == pytest.approx(2.0 - 2.0 * np.log(2.0), abs=1e-8)


def test_points_are_held_in_the_ranges_of_nodes(sketch: Any) -> None:
    sketch.add(Input(0), Sum(((0, 1.0),), 0.0), Univariate(EXP, 1))
    sketch.limits[1] = -np.inf, 0.5
    low, high = np.array([[0.0]]), np.array([[1.0]])
    forward = sketch.forward(low, high)
    point = np.array([[0.9]])
    held = at_point(sketch.operations, forward, point)
    shown = at_point(sketch.operations, forward, point, free={1})
    assert (held[1][0], shown[1][0]) == (0.5, 0.9)
    assert held[2][0] == np.exp(0.5)


def test_points_leave_roundings_out(sketch: Any) -> None:
    sketch.add(Input(0), Rounding(0, True, False, free=False, at_least_one=False, place=0), Sign(0))
    forward = sketch.forward(np.array([[1.2]]), np.array([[4.4]]))
    found = at_point(sketch.operations, forward, np.array([[2.3]]))
    assert [float(v[0]) for v in found] == [2.3, 2.3, 1.0]


def test_points_of_nodes_that_are_not_needed_are_not_worked_out(sketch: Any) -> None:
    sketch.add(Input(0), Univariate(EXP, 0), Univariate(RAMP, 0))
    forward = sketch.forward(np.zeros((1, 1)), np.ones((1, 1)))
    point = np.array([[0.5]])
    found = at_point(sketch.operations, forward, point, needed=[0, 2])
    assert np.shares_memory(found[1], point), "what stands for it is the point itself"
    assert found[2][0] == 0.5


@settings(deadline=None, max_examples=25, derandomize=True)
@given(seed=SEED, up=st.booleans(), log=st.booleans())
def test_a_plane_below_a_rounding(
    seed: int, up: bool, log: bool, new_sketch: Callable[[], Any], boxes_within: Within
) -> None:
    rng = np.random.default_rng(seed)
    low, high, points = (part + 3.0 for part in boxes_within(rng, BOXES, 1.8, 1))
    sketch = new_sketch()
    sketch.add(Input(0), Rounding(0, up, log, free=False, at_least_one=False, place=0))
    forward = sketch.forward(low, high)
    plain = np.exp(points[0]) if log else points[0]
    whole = np.ceil(plain) if up else np.floor(plain)
    far = np.abs(plain - np.rint(plain)) > 1e-8 * plain
    value = np.log(whole) if log else whole
    for sign in (1.0, -1.0):
        slopes, below = lowered(sketch, forward, {1: np.full(BOXES, sign)})
        over = below + (slopes * unit(low, high, points)).sum(axis=0) - sign * value
        assert np.all(over[far] <= TOLERANCE * (1.0 + np.abs(value[far])))


def test_blame_is_put_down_to_what_moves_a_curve(sketch: Any) -> None:
    sketch.add(Input(0), Input(1), Univariate(EXP, 0))
    low, high = np.array([[-1.0], [-1.0]]), np.array([[1.0], [1.0]])
    forward = sketch.forward(low, high)
    blame = np.zeros((2, 1))
    lowered(sketch, forward, {2: -np.ones(1)}, blame=blame)
    found = forward.kept[2]
    assert blame[0, 0] == pytest.approx(found.most[0] - found.least[0])
    assert blame[1, 0] == 0.0
    away = np.zeros((2, 1))
    lowered(sketch, forward, {2: np.ones(1)}, blame=away)
    assert 0.0 < away[0, 0] < blame[0, 0], "a tangent can be moved to the point that matters"


def test_blame_of_a_product_is_shared_by_both(sketch: Any) -> None:
    sketch.add(Input(0), Input(1), Product(0, 1))
    low, high = np.array([[-1.0], [-3.0]]), np.array([[1.0], [3.0]])
    blame = np.zeros((2, 1))
    forward = sketch.forward(low, high)
    lowered(sketch, forward, {2: np.ones(1)}, blame=blame)
    assert np.all(blame >= 0.0)
    assert np.all(np.isfinite(blame))


def test_blame_of_a_rounding_is_its_own(sketch: Any) -> None:
    sketch.add(Input(0), Rounding(0, True, False, free=False, at_least_one=False, place=0))
    blame = np.zeros((2, 2))
    forward = sketch.forward(np.array([[0.5, 1.2]]), np.array([[4.4, 1.6]]))
    lowered(sketch, forward, {1: np.full(2, 2.0)}, blame=blame)
    assert blame[1, 0] == pytest.approx(2.0, rel=1e-9)
    assert blame[1, 1] == 0.0, "one whole number alone loses nothing"


@settings(deadline=None, max_examples=20, derandomize=True)
@given(seed=SEED)
def test_two_means_over_a_life_are_bounded_together(
    seed: int, new_sketch: Callable[[], Any], boxes_within: Within
) -> None:
    rng = np.random.default_rng(seed)
    low, high, points = boxes_within(rng, BOXES, 1.0, 7)
    low, high, points = 0.3 * low - 1.0, 0.3 * high - 1.0, 0.3 * points - 1.0
    function = LogServed(2.0)
    sketch = new_sketch()
    sketch.add(*(Input(axis) for axis in range(7)))
    sketch.add(Joint(function, (0, 1, 2, 3, 4, 5)), Joint(function, (0, 1, 2, 3, 4, 6)))
    forward, u, values = sketch.forward(low, high), unit(low, high, points), sketch.values(points)
    paired = companions(sketch.operations, range(9))
    assert paired == {8: 7}
    weights = {7: rng.random(BOXES), 8: -rng.random(BOXES)}
    exact = weights[7] * values[7] + weights[8] * values[8]
    with np.errstate(all="ignore"):
        touched = at_point(sketch.operations, forward, points)
    blame = np.zeros((7, BOXES))
    slopes, below = lowered(sketch, forward, weights, touched, blame=blame, companions=paired)
    assert np.all(below + (slopes * u).sum(axis=0) <= exact + TOLERANCE * (1.0 + np.abs(slopes).sum(axis=0)))
    assert np.all(blame >= 0.0)
    alone = lowered(sketch, forward, weights, touched)
    assert np.all(alone[1] + (alone[0] * u).sum(axis=0) <= exact + TOLERANCE * (1.0 + np.abs(alone[0]).sum(axis=0)))
    assert not np.array_equal(alone[1], below)


@settings(deadline=None, max_examples=20, derandomize=True)
@given(seed=SEED)
def test_curves_of_one_node_are_bounded_as_their_sum(
    seed: int, new_sketch: Callable[[], Any], boxes_within: Within
) -> None:
    """Where that is closer at the point: a concave curve beside convex ones, through a factor and a shift."""
    rng = np.random.default_rng(seed)
    sketch = new_sketch()
    sketch.add(
        Input(0), Sum(((0, 0.5),), -0.25), Univariate(EXP, 0), Univariate(LOG_SPREAD_EXP, 1), Univariate(SOFTPLUS, 0)
    )
    low, high, points = boxes_within(rng, BOXES, 1.5, 1)
    forward, u, values = sketch.forward(low, high), unit(low, high, points), sketch.values(points)
    weights = {node: rng.normal(size=BOXES) for node in (2, 3, 4)}
    weights[2] = np.abs(weights[2]) + 0.5
    exact = sum(weight * values[node] for node, weight in weights.items())
    alike = groups(sketch.operations, range(5))
    at = 0.5 * (low + high)
    touched = at_point(sketch.operations, forward, at)
    blame = np.zeros((1, BOXES))
    slopes, below = lowered(sketch, forward, weights, touched, blame=blame, groups=alike)
    size = TOLERANCE * (1.0 + np.abs(slopes).sum(axis=0))
    assert np.all(below + (slopes * u).sum(axis=0) <= exact + size)
    assert np.all(blame >= 0.0)
    alone = lowered(sketch, forward, weights, touched)
    assert np.all(below >= alone[1] - size), "never further at the point where the tangents are taken"
    assert np.any(below > alone[1] + 1e-3)
