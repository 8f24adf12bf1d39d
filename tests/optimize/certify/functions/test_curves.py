"""Every curve: between its lines on any interval, with the slope it says it has, and where it says it has it."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dawndusk.models.thermal import equilibrium_temperature_k
from dawndusk.optimize.certify.functions.curves import BALANCE, LOG, LOG1MEXP, LOG_EXPM1, RAMP, Curve, lines

Floats: TypeAlias = NDArray[np.float64]
Ends: TypeAlias = tuple[float, float]

SHARE = st.floats(0.0, 1.0)
TOLERANCE = 1e-9


def at(curve: Curve, ends: Ends, share: float) -> float:
    low, high = ends
    return float(np.exp(np.log(low) + share * np.log(high / low))) if curve is LOG else low + share * (high - low)


@given(one=SHARE, other=SHARE, width=st.sampled_from([1.0, 1e-3, 1e-7, 1e-10, 0.0]))
def test_lines_enclose_a_curve(curve: Curve, ends: Ends, one: float, other: float, width: float) -> None:
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
def test_a_tangent_is_on_one_side(curve: Curve, ends: Ends, one: float, other: float) -> None:
    x, z = np.array([at(curve, ends, one)]), np.array([at(curve, ends, other)])
    slope = curve.slope(x)
    tangent = curve.value(x) + slope * (z - x)
    above = curve.value(z) - tangent
    size = TOLERANCE * (1.0 + np.abs(curve.value(x)) + np.abs(curve.value(z)) + np.abs(slope * x) + np.abs(slope * z))
    assert np.all(above >= -size if curve.convex else above <= size)


@given(one=SHARE, other=SHARE)
def test_a_curve_rises_or_falls_as_it_says(curve: Curve, ends: Ends, one: float, other: float) -> None:
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
