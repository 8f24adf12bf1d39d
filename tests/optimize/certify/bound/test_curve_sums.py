"""Curves of one slot bounded as their sum: second derivatives, the line below them, and where it pays."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dawndusk.optimize.certify.bound.curve_sums import BENDS, Group, Member, companions, groups, tangent
from dawndusk.optimize.certify.functions import curves
from dawndusk.optimize.certify.functions.curves import EXP, LOG_SPREAD_EXP, SOFTPLUS, Curve
from dawndusk.optimize.certify.functions.joint import LogServed
from dawndusk.optimize.certify.graph.operations import Bend, Input, Joint, Operation, Sum

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
def test_slopes_change_by_no_more_than_the_second_derivatives_say(curve: Curve) -> None:
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
    members: list[tuple[Member, Any, Any, Any]] = []
    for number, curve in enumerate(chosen):
        factor, shift = rng.choice([-1.0, 0.7, 1.0, 2.0]), rng.normal()
        members.append((Member(number, curve, factor, shift), rng.normal(size=INTERVALS), factor, shift))
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
    spread = Member(1, LOG_SPREAD_EXP, 1.0, 0.0), 1.0, 1.0, 0.0
    alone = tangent([spread], low, high, at)[2]
    together = tangent([spread, (Member(2, EXP, 1.0, 0.0), 1.0, 1.0, 0.0)], low, high, at)[2]
    assert alone[0] > 1e-4
    assert together[0] < 1e-10


def test_curves_of_one_argument_are_found_through_factors_and_shifts() -> None:
    operations: list[Operation] = [
        Input(0),
        Sum(((0, 2.0),), 0.5),
        Bend(EXP, 0),
        Bend(SOFTPLUS, 1),
        Sum(((0, 1.0), (2, 1.0)), 0.0),
        Bend(EXP, 4),
    ]
    (group,) = groups(operations, range(len(operations)))
    assert isinstance(group, Group)
    assert group.base == 0
    assert [(m.slot, m.factor, m.shift) for m in group.members] == [(3, 2.0, 0.5), (2, 1.0, 0.0)]


def test_means_over_a_life_that_differ_in_what_is_lost_are_companions() -> None:
    function = LogServed(2.0)
    life: list[Operation] = [*(Input(axis) for axis in range(8)), Joint(function, (0, 1, 2, 3, 4, 5))]
    later = Joint(function, (0, 1, 2, 3, 4, 6))
    assert companions([*life, later], range(10)) == {9: 8}
    assert companions([*life, Sum(((8, 1.0),), 0.0), later], range(11)) == {}, "what reads the first comes between"
    assert companions([*life, Joint(function, (0, 1, 2, 7, 4, 6))], range(10)) == {}
    assert companions([*life, Joint(LogServed(3.0), (0, 1, 2, 3, 4, 6))], range(10)) == {}
