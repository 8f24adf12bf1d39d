"""Every curve: between its lines on any interval, with the slope it says it has, and where it says it has it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dawndusk.models.physics.thermal import equilibrium_temperature_k
from dawndusk.optimize.certify.functions.curves import (
    BALANCE,
    EXP,
    EXPM1,
    LARGEST_EXPONENT,
    LOG,
    LOG1MEXP,
    LOG_EXPM1,
    LOG_SPREAD,
    LOG_SPREAD_EXP,
    RAMP,
    SOFTPLUS,
    TINY,
    Curve,
    lines,
)

Floats: TypeAlias = NDArray[np.float64]
Ends: TypeAlias = tuple[float, float]

SHARE = st.floats(0.0, 1.0)
TOLERANCE = 1e-9
ABSOLUTE = 2e-15
"""What rounding leaves of a curve that is all but level."""
INTERVALS = 4000
DIGITS = 60
WIDEST: dict[str, Ends] = {
    "exp": (-600.0, 220.0),
    "expm1": (-600.0, 220.0),
    "log": (1e-250, 1e250),
    "softplus": (-700.0, 700.0),
    "log1mexp": (-700.0, -1e-250),
    "log_expm1": (1e-200, 700.0),
    "log_spread": (1e-12, 700.0),
    "log_expm1_exp": (-600.0, 200.0),
    "log_spread_exp": (-600.0, 200.0),
    "ramp": (-1e6, 1e6),
    "balance": (-600.0, 600.0),
}
"""All arguments that numbers leave room for."""


def at(curve: Curve, ends: Ends, share: float) -> float:
    low, high = ends
    return float(np.exp(np.log(low) + share * np.log(high / low))) if curve is LOG else low + share * (high - low)


@given(one=SHARE, other=SHARE, width=st.sampled_from([1.0, 1e-3, 1e-7, 1e-10, 0.0]))
def test_parallel_lines_around_a_curve(curve: Curve, ends: Ends, one: float, other: float, width: float) -> None:
    start, end = at(curve, ends, one), at(curve, ends, one + width * (other - one))
    low, high = np.array([min(start, end)]), np.array([max(start, end)])
    found = lines(low, high, curve)
    x = low + np.linspace(0.0, 1.0, 201) * (high - low)
    rest = curve.value(x) - found.slope * x
    size = TOLERANCE * (1.0 + np.abs(rest) + np.abs(found.slope * x))
    assert np.all(rest >= found.least - size)
    assert np.all(rest <= found.most + size)
    assert found.at_low[0] == curve.value(low)[0]
    assert found.at_high[0] == curve.value(high)[0]


@given(share=st.floats(0.01, 0.99))
def test_the_slope_is_the_derivative(curve: Curve, ends: Ends, share: float) -> None:
    x = at(curve, ends, share)
    if curve is RAMP and abs(x) < 1e-2:
        return
    step = 1e-5 * (abs(x) if curve in (LOG, LOG1MEXP, LOG_EXPM1) else max(abs(x), 1.0))
    found = (curve.value(np.array([x + step])) - curve.value(np.array([x - step]))) / (2.0 * step)
    noise = 1e-15 * abs(curve.value(np.array([x]))[0]) / step
    np.testing.assert_allclose(found, curve.slope(np.array([x])), rtol=2e-4, atol=10.0 * noise + 1e-9)


@given(share=st.floats(0.05, 0.95))
def test_touches_undoes_slope(curve: Curve, ends: Ends, share: float) -> None:
    """Where a curve is all but straight any point has the slope; what counts is the slope there."""
    if curve is RAMP:
        assert RAMP.touches(np.array([0.5])) == 0.0
        return
    slope = curve.slope(np.array([at(curve, ends, share)]))
    again = curve.slope(curve.touches(slope))
    np.testing.assert_allclose(again, slope, rtol=1e-6, atol=1e-9)


@given(size=st.floats(-280.0, 250.0))
def test_a_difference_touches_where_it_is_steep(size: float) -> None:
    """``log(1 - exp(x))`` has the slope ``-1 / (exp(-x) - 1)``: near nothing the argument keeps all of its digits."""
    x = -np.exp(size / 2.3) if size < 0.0 else -size
    slope = LOG1MEXP.slope(np.array([x]))
    assert LOG1MEXP.touches(slope)[0] == pytest.approx(x, rel=1e-12 if x > -1.0 else 1e-9)


def test_arguments_beyond_the_domain_are_held_in_it() -> None:
    """Padding takes the ends of a range beyond where a curve is convex; no argument lies there."""
    found = lines(np.array([-1e-12]), np.array([2.0]), LOG)
    assert found.at_low[0] == LOG.value(0.0)
    found = lines(np.array([-0.5]), np.array([1e-12]), LOG1MEXP)
    x = np.array([-0.5, -1e-3, -1e-9, -1e-300, 0.0])
    rest = LOG1MEXP.value(x) - found.slope * x
    assert np.all((rest >= found.least) & (rest <= found.most))


@given(one=SHARE, other=SHARE)
def test_tangent_below_a_convex_curve(curve: Curve, ends: Ends, one: float, other: float) -> None:
    x, z = np.array([at(curve, ends, one)]), np.array([at(curve, ends, other)])
    slope = curve.slope(x)
    tangent = curve.value(x) + slope * (z - x)
    above = curve.value(z) - tangent
    size = TOLERANCE * (1.0 + np.abs(curve.value(x)) + np.abs(curve.value(z)) + np.abs(slope * x) + np.abs(slope * z))
    assert np.all(above >= -size if curve.convex else above <= size)


@given(one=SHARE, other=SHARE)
def test_ends_of_a_curve_that_rises(curve: Curve, ends: Ends, one: float, other: float) -> None:
    x, z = (np.array([at(curve, ends, share)]) for share in (min(one, other), max(one, other)))
    rise = curve.value(z) - curve.value(x)
    size = 1e-12 * (1.0 + np.abs(curve.value(x)))
    assert np.all(rise >= -size if curve.rising else rise <= size)


@given(
    emission=st.floats(1e-9, 1e-3),
    constant=st.floats(1.0, 1e7),
    share=st.floats(0.0, 0.9),
)
def test_the_balance_is_the_temperature_of_the_model(emission: float, constant: float, share: float) -> None:
    """``emission T^4 = constant + slope T``, the slope a share of what the radiator sheds at that temperature."""
    slope = share / (1.0 - share) * constant**0.75 * emission**0.25
    heat = (np.array([value]) for value in (slope, constant, 0.0))
    temperature = equilibrium_temperature_k(np.array([emission]), next(heat), next(heat), next(heat))
    argument = np.log(max(slope, 1e-300)) - 0.75 * np.log(constant) - 0.25 * np.log(emission)
    found = np.exp(BALANCE.value(np.array([argument])) + 0.25 * np.log(constant / emission))
    np.testing.assert_allclose(found, temperature, rtol=1e-9)


@given(x=st.floats(-300.0, 40.0))
def test_the_balance_solves_its_equation(x: float) -> None:
    t = BALANCE.value(np.array([x]))
    np.testing.assert_allclose(4.0 * t, np.logaddexp(0.0, x + t), rtol=1e-9, atol=4.0 * BALANCE.error)


def balance_of(x: Decimal) -> Decimal:
    """Return t of ``4 t = log(1 + exp(x + t))`` by Newton's method, to all digits."""
    t = max(x / 3, Decimal(0))
    for _ in range(60):
        grown = (x + t).exp()
        t -= (4 * t - (1 + grown).ln()) / (4 - grown / (1 + grown))
    return t


def spread_of(x: Decimal) -> Decimal:
    return ((1 - (-x).exp()) / x).ln()


EXACT: dict[str, Callable[[Decimal], Decimal]] = {
    "exp": lambda x: x.exp(),
    "expm1": lambda x: x.exp() - 1,
    "log": lambda x: x.ln(),
    "softplus": lambda x: (1 + x.exp()).ln(),
    "log1mexp": lambda x: (1 - x.exp()).ln(),
    "log_expm1": lambda x: (x.exp() - 1).ln(),
    "log_spread": spread_of,
    "log_expm1_exp": lambda x: (x.exp().exp() - 1).ln(),
    "log_spread_exp": lambda x: spread_of(x.exp()),
    "ramp": lambda x: max(x, Decimal(0)),
    "balance": balance_of,
}
"""The functions as their names say, in sixty digits."""


def drawn(curve: Curve, rng: np.random.Generator, ends: Ends) -> Floats:
    """Return arguments all over a range, near zero as well where a curve lives on one side of it."""
    share = rng.random(INTERVALS)
    if curve.name in {"log", "log_expm1", "log_spread"}:
        return np.asarray(np.exp(np.log(ends[0]) + share * (np.log(ends[1]) - np.log(ends[0]))))
    if curve.name == "log1mexp":
        return np.asarray(-np.exp(np.log(-ends[1]) + share * (np.log(-ends[0]) - np.log(-ends[1]))))
    return ends[0] + share * (ends[1] - ends[0])


def intervals(curve: Curve, rng: np.random.Generator, ends: Ends) -> tuple[Floats, Floats]:
    """Return ends of intervals: some wide, some narrow, some of no width."""
    one, other = drawn(curve, rng, ends), drawn(curve, rng, ends)
    width = np.where(rng.random(INTERVALS) < 0.5, 1.0, 10.0 ** rng.uniform(-12.0, 0.0, INTERVALS))
    other = np.clip(one + width * (rng.random(INTERVALS) < 0.95) * (other - one), *ends)
    return np.minimum(one, other), np.maximum(one, other)


def test_each_curve_is_the_function_that_it_says(curve: Curve, ends: Ends) -> None:
    rng = np.random.default_rng(1)
    x = drawn(curve, rng, ends)[:60]
    with localcontext() as context:
        context.prec = DIGITS
        exact = np.array([float(EXACT[curve.name](Decimal(float(one)))) for one in x])
    np.testing.assert_allclose(curve.value(x), exact, rtol=3e-14, atol=max(1e-15, 1e-2 * curve.error))


def test_every_curve_has_an_exact_counterpart_here(curve: Curve) -> None:
    assert curve.name in EXACT
    assert curve.name in WIDEST


def test_each_curve_bends_one_way(curve: Curve, ends: Ends) -> None:
    """Slopes rise along a convex curve and fall along a concave one."""
    rng = np.random.default_rng(2)
    for reach in (ends, WIDEST[curve.name]):
        slopes = curve.slope(np.sort(drawn(curve, rng, reach)))
        change = np.diff(slopes) if curve.convex else -np.diff(slopes)
        assert np.all(change >= -1e-9 * np.abs(slopes[1:]) - 1e-12)


@pytest.mark.parametrize("reach", ["usual", "widest"])
def test_chord_above_a_convex_curve(curve: Curve, ends: Ends, reach: str) -> None:
    rng = np.random.default_rng(3)
    low, high = intervals(curve, rng, ends if reach == "usual" else WIDEST[curve.name])
    at_low, at_high = curve.value(low), curve.value(high)
    for share in (0.0, 1e-9, 0.1, 0.5, 0.99, 1.0):
        chord = (1.0 - share) * at_low + share * at_high
        above = chord - curve.value((1.0 - share) * low + share * high)
        # Both the chord and the curve are rounded, and so is the point between: it moves the curve by its slope.
        steep = np.maximum(np.abs(curve.slope(low)) * np.abs(low), np.abs(curve.slope(high)) * np.abs(high))
        size = 1e-14 * (1.0 + np.maximum(np.abs(at_low), np.abs(at_high)) + steep) + 2.0 * curve.error
        assert np.all(above >= -size if curve.convex else above <= size)


@pytest.mark.parametrize("reach", ["usual", "widest"])
def test_lines_enclose_a_curve_without_tolerance(curve: Curve, ends: Ends, reach: str) -> None:
    """All that is allowed is the last digit of a curve that is all but level: the padding covers the rest."""
    rng = np.random.default_rng(4)
    low, high = intervals(curve, rng, ends if reach == "usual" else WIDEST[curve.name])
    with np.errstate(all="ignore"):
        found = lines(low, high, curve)
        touching = np.clip(curve.touches(found.slope), low, high)
        for turn in range(60):
            near = touching + rng.normal(size=INTERVALS) * 10.0 ** rng.uniform(-9.0, 1.0, INTERVALS)
            within = low + rng.random(INTERVALS) * (high - low)
            x = np.clip((near, within, touching, np.where(rng.random(INTERVALS) < 0.5, low, high))[turn % 4], low, high)
            rest = curve.value(x) - found.slope * x
            assert np.all(rest >= found.least - ABSOLUTE)
            assert np.all(rest <= found.most + ABSOLUTE)


def test_lines_of_no_width_touch_the_curve(curve: Curve, ends: Ends) -> None:
    x = drawn(curve, np.random.default_rng(5), ends)
    found = lines(x, x, curve)
    apart = found.most - found.least
    size = np.abs(found.slope * x) + np.abs(curve.value(x))
    assert np.all(apart >= 0.0)
    assert np.all(apart <= 1e-11 * size + 4.0 * curve.error + 1e-14)
    np.testing.assert_array_equal(found.at_low, found.at_high)


def test_lines_meet_the_curve_at_both_ends_and_once_between(curve: Curve) -> None:
    """The chord is as close as a line on its side can be, and the tangent touches."""
    low, high = (np.array([end]) for end in {"log1mexp": (-3.0, -0.2)}.get(curve.name, (0.3, 2.0)))
    found = lines(low, high, curve)
    x = np.linspace(low, high, 20_001)
    rest = curve.value(x) - found.slope * x
    chord, tangent = (found.most, found.least) if curve.convex else (found.least, found.most)
    ends = rest[[0, -1]]
    np.testing.assert_allclose(ends.max() if curve.convex else ends.min(), chord[0], rtol=0.0, atol=1e-9)
    np.testing.assert_allclose(rest.min() if curve.convex else rest.max(), tangent[0], rtol=0.0, atol=1e-7)


@pytest.mark.parametrize("curve", [EXP, EXPM1], ids=["exp", "expm1"])
def test_exponentials_end_before_they_overflow(curve: Curve) -> None:
    value = curve.value(np.array([LARGEST_EXPONENT, 1e3, 1e300, np.inf]))
    assert np.all(np.isfinite(value))
    assert np.all(value == value[0])
    assert np.isfinite(value[0] * value[0])


def test_the_logarithm_of_nothing_is_finite() -> None:
    for x in (0.0, -1.0, 1e-310):
        assert LOG.value(np.array([x]))[0] == np.log(TINY)
    assert LOG1MEXP.value(np.array([0.0]))[0] == pytest.approx(np.log(TINY))
    assert np.isfinite(LOG1MEXP.value(np.array([1.0])))


def test_arguments_are_held_in_the_domain() -> None:
    np.testing.assert_array_equal(LOG.within(np.array([-1.0, 2.0])), [0.0, 2.0])
    np.testing.assert_array_equal(LOG1MEXP.within(np.array([-1.0, 2.0])), [-1.0, 0.0])
    np.testing.assert_array_equal(EXP.within(np.array([-1e9, 1e9])), [-1e9, 1e9])


def test_the_series_of_the_spread_meets_its_formula() -> None:
    """Where one takes over from the other neither the value nor the slope jumps."""
    x = 1e-4 * (1.0 + np.array([-1e-9, 1e-9]))
    for function in (LOG_SPREAD.value, LOG_SPREAD.slope, lambda y: LOG_SPREAD_EXP.slope(np.log(y))):
        before, after = function(x)
        assert after == pytest.approx(before, abs=2e-12)


@given(power=st.floats(-290.0, -9.0))
def test_the_spread_touches_where_it_is_all_but_level(power: float) -> None:
    """``x / (e^x - 1) - 1`` is about ``-x / 2``: one plus it has no digits left, the touching point has them all."""
    y = np.array([power * np.log(10.0)])
    assert LOG_SPREAD_EXP.touches(LOG_SPREAD_EXP.slope(y))[0] == pytest.approx(y[0], abs=1e-9)


def test_a_sum_in_logarithms_is_the_softplus_of_the_difference() -> None:
    rng = np.random.default_rng(6)
    x, y = rng.uniform(-300.0, 300.0, (2, INTERVALS))
    np.testing.assert_allclose(y + SOFTPLUS.value(x - y), np.logaddexp(x, y), rtol=1e-14, atol=1e-13)


def test_the_larger_of_two_is_a_ramp_above_the_other() -> None:
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=(2, INTERVALS))
    np.testing.assert_allclose(y + RAMP.value(x - y), np.maximum(x, y), rtol=0.0, atol=1e-15)
