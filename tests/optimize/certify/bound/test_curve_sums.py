"""Curves of one node bounded as their sum: second derivatives, the line below them, and where it pays."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dawndusk.optimize.certify.bound import curve_sums
from dawndusk.optimize.certify.bound.curve_sums import (
    BENDS,
    SPREAD_VALLEY,
    CurveSum,
    CurveTerm,
    companions,
    groups,
    tangent,
)
from dawndusk.optimize.certify.functions import curves
from dawndusk.optimize.certify.functions.curves import EXP, LOG_SPREAD_EXP, RAMP, SOFTPLUS, Curve
from dawndusk.optimize.certify.functions.joint import LogServed
from dawndusk.optimize.certify.graph.operations import Input, Joint, Operation, Sum, Univariate

Floats: TypeAlias = NDArray[np.float64]

CURVES = [c for c in vars(curves).values() if isinstance(c, Curve) and c.name in BENDS]
RANGES = {"log1mexp": (-20.0, -1e-3), "log": (1e-2, 50.0), "log_expm1": (1e-3, 20.0)}
WIDE = (-12.0, 4.0)
INTERVALS = 2000


def range_of(curve: Curve) -> tuple[float, float]:
    return RANGES.get(curve.name, WIDE)


def intervals(rng: np.random.Generator, low: float, high: float) -> tuple[Floats, Floats]:
    """Return ends of intervals, narrow and wide."""
    one, other = low + rng.random((2, INTERVALS)) * (high - low)
    other = one + 10.0 ** rng.uniform(-6.0, 0.0, INTERVALS) * (other - one)
    return np.minimum(one, other), np.maximum(one, other)


@pytest.mark.parametrize("curve", CURVES, ids=lambda c: c.name)
def test_extremes_of_a_second_derivative(curve: Curve) -> None:
    rng = np.random.default_rng(4)
    low, high = intervals(rng, *range_of(curve))
    least, most = BENDS[curve.name](low, high)
    for _ in range(50):
        x, y = np.sort(low + rng.random((2, INTERVALS)) * (high - low), axis=0)
        change = curve.slope(y) - curve.slope(x)
        size = 1e-12 * (1.0 + np.abs(curve.slope(x)) + np.abs(curve.slope(y)))
        assert np.all(change >= least * (y - x) - size)
        assert np.all(change <= most * (y - x) + size)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), data=st.data())
def test_the_line_lies_below_the_sum(seed: int, data: st.DataObject) -> None:
    """Over hundreds of thousands of points, with weights of both signs, factors and shifts."""
    rng = np.random.default_rng(seed)
    chosen = data.draw(st.lists(st.sampled_from([c for c in CURVES if c.name not in RANGES]), min_size=2, max_size=4))
    low, high = intervals(rng, -3.0, 1.0)
    at = low + rng.random(INTERVALS) * (high - low)
    members: list[tuple[CurveTerm, Any, Any, Any]] = []
    for number, curve in enumerate(chosen):
        factor, shift = rng.choice([-1.0, 0.7, 1.0, 2.0]), rng.normal()
        members.append((CurveTerm(number, curve, factor, shift), rng.normal(size=INTERVALS), factor, shift))
    slope, value, above = tangent(members, low, high, at)
    assert np.all(above >= 0.0)

    def total(x: Floats) -> Floats:
        found: Floats = sum(w * m.curve.value(f * x + s) for m, w, f, s in members)
        return found

    np.testing.assert_allclose(total(at) - value, above, atol=1e-9)
    for turn in range(100):
        x = low + (np.rint(rng.random(INTERVALS)) if turn % 4 == 0 else rng.random(INTERVALS)) * (high - low)
        assert np.all(total(x) >= value + slope * (x - at))


def test_what_one_bends_down_another_bends_up() -> None:
    """A concave curve beside one that is convex enough costs nothing at the point where the line is taken."""
    low, high, at = np.array([-1.0]), np.array([-0.8]), np.array([-0.9])
    spread = CurveTerm(1, LOG_SPREAD_EXP, 1.0, 0.0), 1.0, 1.0, 0.0
    alone = tangent([spread], low, high, at)[2]
    together = tangent([spread, (CurveTerm(2, EXP, 1.0, 0.0), 1.0, 1.0, 0.0)], low, high, at)[2]
    assert alone[0] > 1e-4
    assert together[0] < 1e-10


def test_curves_of_one_argument_are_found_through_factors_and_shifts() -> None:
    operations: list[Operation] = [
        Input(0),
        Sum(((0, 2.0),), 0.5),
        Univariate(EXP, 0),
        Univariate(SOFTPLUS, 1),
        Sum(((0, 1.0), (2, 1.0)), 0.0),
        Univariate(EXP, 4),
    ]
    (group,) = groups(operations, range(len(operations)))
    assert isinstance(group, CurveSum)
    assert group.base == 0
    assert [(m.node, m.factor, m.shift) for m in group.members] == [(3, 2.0, 0.5), (2, 1.0, 0.0)]


def test_means_over_a_life_that_differ_in_what_is_lost_are_companions() -> None:
    function = LogServed(2.0)
    life: list[Operation] = [*(Input(axis) for axis in range(8)), Joint(function, (0, 1, 2, 3, 4, 5))]
    later = Joint(function, (0, 1, 2, 3, 4, 6))
    assert companions([*life, later], range(10)) == {9: 8}
    assert companions([*life, Sum(((8, 1.0),), 0.0), later], range(11)) == {}, "what reads the first comes between"
    assert companions([*life, Joint(function, (0, 1, 2, 7, 4, 6))], range(10)) == {}
    assert companions([*life, Joint(LogServed(3.0), (0, 1, 2, 3, 4, 6))], range(10)) == {}


@pytest.mark.parametrize("curve", CURVES, ids=lambda c: c.name)
def test_taylor_lower_bound(curve: Curve) -> None:
    """And the upper one: with the least and the largest second derivative between."""
    rng = np.random.default_rng(6)
    low, high = intervals(rng, *range_of(curve))
    least, most = BENDS[curve.name](low, high)
    at = low + rng.random(INTERVALS) * (high - low)
    known, steep = curve.value(at), curve.slope(at)
    for _ in range(20):
        x = low + rng.random(INTERVALS) * (high - low)
        moved = x - at
        rest = curve.value(x) - known - steep * moved
        size = 1e-13 * (1.0 + np.abs(known) + np.abs(curve.value(x)) + np.abs(steep * moved))
        assert np.all(rest >= 0.5 * least * moved * moved - size)
        assert np.all(rest <= 0.5 * most * moved * moved + size)


PARABOLA = Curve("parabola", lambda x: x * x, lambda x: 2.0 * x, lambda s: 0.5 * s, convex=True)


@given(seed=st.integers(0, 2**32 - 1))
def test_chord_below_a_parabola(seed: int) -> None:
    """A parabola that bends down is replaced by its chord itself, one that bends up by its tangent."""
    rng = np.random.default_rng(seed)
    low, high = np.sort(rng.normal(size=(2, INTERVALS)), axis=0)
    at, x = low + rng.random((2, INTERVALS)) * (high - low)
    weight = rng.normal(size=INTERVALS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(curve_sums, "BENDS", {"parabola": lambda low, high: (2.0, 2.0)})
        slope, value, short = tangent([(CurveTerm(1, PARABOLA, 1.0, 0.0), weight, 1.0, 0.0)], low, high, at)
    assert np.all(weight * x * x >= value + slope * (x - at) - 1e-12)
    down = weight < 0.0
    for end in (low, high):
        np.testing.assert_allclose((weight * end * end)[down], (value + slope * (end - at))[down], atol=1e-9)
    np.testing.assert_allclose(short[~down], 0.0, atol=1e-9)


@pytest.mark.parametrize("curve", CURVES, ids=lambda c: c.name)
def test_a_second_derivative_has_the_sign_of_the_bend(curve: Curve) -> None:
    rng = np.random.default_rng(7)
    least, most = BENDS[curve.name](*intervals(rng, *range_of(curve)))
    assert np.all(least <= most)
    assert np.all(least >= 0.0 if curve.convex else most <= 0.0)


def test_the_valley_of_the_spread_is_its_deepest_bend() -> None:
    place, depth, near = SPREAD_VALLEY
    y = np.linspace(place - 5.0, place + 5.0, 200_001)
    bend, _ = BENDS["log_spread_exp"](y, y)
    far = np.abs(y - place) > near
    assert depth <= bend[far].min()
    assert np.abs(y[far][np.argmin(bend[far])] - place) < 1.5 * near
    slope = LOG_SPREAD_EXP.slope(y)
    assert depth <= (np.diff(slope) / np.diff(y)).min()


def test_curves_that_nothing_waits_for_make_no_group() -> None:
    """One curve alone, a curve without a known second derivative, and a sum of two nodes between."""
    operations: list[Operation] = [
        Input(0),
        Input(1),
        Sum(((0, 1.0), (1, 1.0)), 0.0),
        Univariate(EXP, 0),
        Univariate(RAMP, 0),
    ]
    assert groups(operations, range(5)) == []
    operations += [Univariate(SOFTPLUS, 2)]
    assert groups(operations, range(6)) == []
    operations += [Univariate(SOFTPLUS, 0)]
    (group,) = groups(operations, range(7))
    assert [m.node for m in group.members] == [6, 3]
    assert groups(operations, range(6)) == [], "nodes that are not needed make no group"


@pytest.mark.parametrize("weight", [1.0, -1.0])
def test_the_line_of_one_curve_is_its_tangent_or_closer_than_its_chord(weight: float) -> None:
    low, high, at = np.array([-1.0]), np.array([1.0]), np.array([0.25])
    slope, value, short = tangent([(CurveTerm(1, EXP, 1.0, 0.0), weight, 1.0, 0.0)], low, high, at)
    if weight > 0.0:
        assert slope[0] == pytest.approx(np.exp(0.25))
        assert short[0] == pytest.approx(0.0, abs=1e-10)
    x = np.linspace(low, high, 101)
    assert np.all(weight * np.exp(x) >= value + slope * (x - at) - 1e-12)


def test_shifts_and_factors_of_each_combination_are_those_of_a_group() -> None:
    factor = np.array([1.0, 2.0])
    operations: list[Operation] = [Input(0), Sum(((0, factor),), 0.5), Univariate(EXP, 1), Univariate(SOFTPLUS, 0)]
    (group,) = groups(operations, range(4))
    assert group.members[1].factor is factor
