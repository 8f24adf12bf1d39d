"""Curves: convex or concave functions of one number, each with its slope and where it has a slope.

What a bound by curves rests on, for f convex (turned round for a concave one):

- Chord above a convex curve: ``f(x) <= f(a) + (f(b) - f(a)) / (b - a) (x - a)`` for x from a to b
  (test_chord_above_a_convex_curve).
- Tangent below a convex curve: ``f(x) >= f(t) + f'(t) (x - t)`` for every x and t
  (test_tangent_below_a_convex_curve).
- Ends of a curve that rises: ``f(a) <= f(x) <= f(b)`` for x from a to b (test_ends_of_a_curve_that_rises).

Source: Boyd and Vandenberghe, Convex Optimization, 2004, 3.1. Every curve states why it bends one way
(test_each_curve_bends_one_way) and which function it is (test_each_curve_is_the_function_that_it_says).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

Values: TypeAlias = Any
"""A float, or an array of shape (B,) with one value for each box."""

PADDING = 1e-12
"""Relative widening of every line: covers the rounding of the few operations behind it."""
NARROW = 1e-7
"""Relative width below which a chord would lose its digits and the slope at the middle takes its place."""
TINY = 1e-300
"""Logarithms of numbers below it are those of this number, so that a part that is zero stays finite."""
LARGEST_EXPONENT = 230.0
"""Exponentials end here, so that no product of two overflows; nothing that is wanted comes near."""
LEAST_STEEPNESS = 1.0 + 1e-15
"""``log(exp(x) - 1)`` rises by more than its argument; what is less steep lies beyond any argument."""
LEVEL = 1e-9
"""A slope of the spread factor's logarithm below which one plus it would lose its digits."""
SMALL = 1e-4
"""Below it a series of the spread factor takes the place of its formula, which would lose its digits."""


@dataclass(frozen=True, eq=False)
class Curve:
    """A convex or concave, rising or falling function of one number.

    ``touches`` gives the argument at which the function has a slope. ``error`` is how far the model's own calculation
    may be from the function, where it is an iteration. ``domain`` holds every argument that there is; beyond it the
    function is neither convex nor concave.
    """

    name: str
    value: Callable[[Values], Values]
    slope: Callable[[Values], Values]
    touches: Callable[[Values], Values]
    convex: bool
    rising: bool = True
    error: float = 0.0
    domain: tuple[float, float] = (-np.inf, np.inf)

    def within(self, x: Values) -> Values:
        """Return arguments held in the domain: an enclosure of one reaches beyond it by its padding only."""
        return np.minimum(np.maximum(x, self.domain[0]), self.domain[1])


@dataclass(frozen=True, eq=False)
class LinearEnclosure:
    """Two lines of one slope that enclose a curve over an interval, and the curve at both ends, arrays of shape (B,).

    The curve less ``slope`` times its argument lies from ``least`` to ``most``.
    """

    slope: Values
    least: Values
    most: Values
    at_low: Values
    at_high: Values


def lines(low: Values, high: Values, curve: Curve) -> LinearEnclosure:
    """Return the chord of a curve from ``low`` to ``high`` and the tangent parallel to it.

    Parallel lines around a curve: with s the slope of the chord and f convex, ``f(x) - s x`` is convex too, so that it
    is at most its larger end, and least where ``f'(t) = s`` or, where no such t is between, at an end. Any other slope
    encloses as well (test_parallel_lines_around_a_curve). A touching point that is off by e leaves the tangent too
    high by ``f'' e^2 / 2``, below the padding or 1e-15 (test_touches_undoes_slope).
    """
    low, high = curve.within(low), curve.within(high)
    at_low, at_high = curve.value(low), curve.value(high)
    width = high - low
    wide = width > NARROW * (1.0 + np.abs(low))
    slope = np.where(wide, (at_high - at_low) / np.where(wide, width, 1.0), curve.slope(0.5 * (low + high)))
    touching = np.minimum(np.maximum(curve.touches(slope), low), high)
    at_touching = curve.value(touching)
    tangent = at_touching - slope * touching
    low_end, high_end = at_low - slope * low, at_high - slope * high
    pad = PADDING * (np.abs(slope * touching) + np.abs(at_touching)) + curve.error
    if curve.convex:
        return LinearEnclosure(slope, tangent - pad, np.maximum(low_end, high_end) + pad, at_low, at_high)
    return LinearEnclosure(slope, np.minimum(low_end, high_end) - pad, tangent + pad, at_low, at_high)


def _log(x: Values) -> Values:
    return np.log(np.maximum(x, TINY))


def _exp(x: Values) -> Values:
    return np.exp(np.minimum(x, LARGEST_EXPONENT))


def _expm1(x: Values) -> Values:
    return np.expm1(np.minimum(x, LARGEST_EXPONENT))


def _softplus(x: Values) -> Values:
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def _logistic(x: Values) -> Values:
    small = np.exp(-np.abs(x))
    return np.where(x >= 0.0, 1.0, small) / (1.0 + small)


def _logit(slope: Values) -> Values:
    return _log(slope) - _log(1.0 - slope)


def _log1mexp(x: Values) -> Values:
    return _log(-np.expm1(np.minimum(x, -TINY)))


def _log_expm1(x: Values) -> Values:
    return x + _log(-np.expm1(-x))


def _log_spread(x: Values) -> Values:
    """Return ``log((1 - exp(-x)) / x)``, by its series ``-x / 2 + x^2 / 24`` near zero (next term ``x^4 / 2880``)."""
    safe = np.maximum(x, SMALL)
    return np.where(x < SMALL, x * (x / 24.0 - 0.5), np.log(-np.expm1(-safe) / safe))


def _log_spread_slope(x: Values) -> Values:
    safe = np.maximum(x, SMALL)
    return np.where(x < SMALL, x / 12.0 - 0.5, 1.0 / np.expm1(safe) - 1.0 / safe)


def _log_spread_touches(slope: Values) -> Values:
    """Solve ``1 / (e^x - 1) - 1 / x = slope`` with a rational start and Newton's method."""
    y = np.minimum(np.maximum(1.0 + 2.0 * slope, 1e-12), 1.0 - 1e-12)
    x = y * (6.0 - 2.0 * y * y) / (1.0 - y * y)
    for _ in range(3):
        minus = np.expm1(x)
        bend = 1.0 / (x * x) - (minus + 1.0) / (minus * minus)
        x = np.maximum(x - (1.0 / minus - 1.0 / x - slope) / np.maximum(bend, 1e-6), 1e-9)
    return x


def _rise_over(x: Values) -> Values:
    """Return ``x / (1 - exp(-x))`` from zero on."""
    safe = np.maximum(x, SMALL)
    return np.where(x < SMALL, 1.0 + x * (0.5 + x / 12.0), safe / -np.expm1(-safe))


def _rise_over_solved(s: Values) -> Values:
    """Solve ``x / (1 - exp(-x)) = s`` for x, with s from one on, by Newton's method."""
    over = np.maximum(s - 1.0, 0.0)
    x = np.maximum(s * (1.0 - np.exp(-2.0 * over)), 1e-12)
    for _ in range(4):
        rest = -np.expm1(-x)
        slope = (rest - x * (1.0 - rest)) / (rest * rest)
        x = np.maximum(x - (x / rest - s) / np.maximum(slope, 0.1), 1e-12)
    return x


def _log_expm1_exp(y: Values) -> Values:
    x = _exp(y)
    return np.where(x < SMALL, y + x * (0.5 + x / 24.0), x + _log(-np.expm1(-x)))


def _log_expm1_exp_slope(y: Values) -> Values:
    return _rise_over(_exp(y))


def _log_expm1_exp_touches(slope: Values) -> Values:
    return _log(_rise_over_solved(slope))


def _log_spread_exp(y: Values) -> Values:
    return _log_spread(_exp(y))


def _log_spread_exp_slope(y: Values) -> Values:
    x = _exp(y)
    return np.where(x < SMALL, x * (x / 12.0 - 0.5), _rise_over(x) * np.exp(-x) - 1.0)


def _log_spread_exp_touches(slope: Values) -> Values:
    """Solve ``x / (e^x - 1) - 1 = slope`` by Newton's method, near no slope by the series ``-x / 2``."""
    s = np.minimum(np.maximum(slope + 1.0, 1e-12), 1.0)
    x = np.maximum(-2.0 * np.log(s), 1e-12)
    for _ in range(5):
        minus = np.expm1(np.minimum(x, LARGEST_EXPONENT))
        value = x / minus
        # in logarithms it is nearly straight: log(x / (e^x - 1)) = log s
        bend = 1.0 / x - (minus + 1.0) / minus
        x = np.maximum(x - (np.log(value) - np.log(s)) / bend, 1e-12)
    return _log(np.where(slope > -LEVEL, -2.0 * slope, x))


def _ramp_touches(slope: Values) -> Values:
    return np.zeros_like(slope)


def _balance(x: Values) -> Values:
    """Return t of ``4 t = log(1 + exp(x + t))``: the logarithm of a temperature with ``T^4 = 1 + e^x T``."""
    t = np.maximum(x / 3.0, 0.0) + 0.18 * np.exp(-np.abs(x) * 0.8)
    for _ in range(5):
        t = t - (4.0 * t - _softplus(x + t)) / (4.0 - _logistic(x + t))
    return t


def _balance_slope(x: Values) -> Values:
    """Return ``s / (4 - s)`` with s the logistic function of ``x + t``: ``4 t' = s (1 + t')``."""
    share = _logistic(x + _balance(x))
    return share / (4.0 - share)


def _balance_touches(slope: Values) -> Values:
    """Return x from ``s = 4 t' / (1 + t')`` with ``x + t = logit(s)`` and ``t = log(1 + exp(x + t)) / 4``."""
    inner = _logit(np.minimum(np.maximum(4.0 * slope / (1.0 + slope), 1e-12), 1.0 - 1e-12))
    return inner - 0.25 * _softplus(inner)


EXP = Curve("exp", _exp, _exp, _log, convex=True)
"""``exp(x)``, convex: ``f'' = exp(x)``."""
EXPM1 = Curve("expm1", _expm1, _exp, _log, convex=True)
"""``exp(x) - 1``, convex: ``f'' = exp(x)``."""
LOG = Curve(
    "log",
    _log,
    lambda x: 1.0 / np.maximum(x, TINY),
    lambda s: 1.0 / np.maximum(s, TINY),
    convex=False,
    domain=(0.0, np.inf),
)
"""``log(x)``, concave: ``f'' = -1 / x^2``."""
SOFTPLUS = Curve("softplus", _softplus, _logistic, _logit, convex=True)
"""``log(1 + exp(x))``: a sum in logarithms, ``log(e^x + e^y) = y + softplus(x - y)``.

Convex: ``f'' = s (1 - s)`` with s the logistic function.
"""
LOG1MEXP = Curve(
    "log1mexp",
    _log1mexp,
    lambda x: np.exp(x) / np.expm1(np.minimum(x, -TINY)),
    lambda s: -np.log1p(1.0 / np.maximum(-s, TINY)),
    convex=False,
    rising=False,
    domain=(-np.inf, 0.0),
)
"""``log(1 - exp(x))`` up to zero: a difference in logarithms, ``log(e^x - e^y) = x + log1mexp(y - x)``.

A difference of nothing is ``TINY`` of the greater. Concave: ``f'' = -e^x / (1 - e^x)^2``.
"""
LOG_EXPM1 = Curve(
    "log_expm1",
    _log_expm1,
    lambda x: -1.0 / np.expm1(-x),
    lambda s: -np.log1p(-1.0 / np.maximum(s, LEAST_STEEPNESS)),
    convex=False,
    domain=(0.0, np.inf),
)
"""``log(exp(x) - 1)`` from zero on, concave: ``f'' = -e^-x / (1 - e^-x)^2``."""
LOG_EXPM1_EXP = Curve("log_expm1_exp", _log_expm1_exp, _log_expm1_exp_slope, _log_expm1_exp_touches, convex=True)
"""``log(exp(x) - 1)`` of a number ``x = exp(y)`` that is given by its logarithm.

Convex in y: ``f' = x / (1 - e^-x)``, which rises in x, as ``(1 - e^-x) - x e^-x >= 0`` from ``e^x >= 1 + x``.
"""
LOG_SPREAD_EXP = Curve(
    "log_spread_exp", _log_spread_exp, _log_spread_exp_slope, _log_spread_exp_touches, convex=False, rising=False
)
"""``log((1 - exp(-x)) / x)`` of a number ``x = exp(y)`` that is given by its logarithm.

Concave in y: ``f' = x / (e^x - 1) - 1``, which falls in x, as ``e^x - 1 - x e^x <= 0`` from ``e^-x >= 1 - x``.
"""
LOG_SPREAD = Curve(
    "log_spread",
    _log_spread,
    _log_spread_slope,
    _log_spread_touches,
    convex=True,
    rising=False,
    domain=(0.0, np.inf),
)
"""``log((1 - exp(-x)) / x)`` from zero on.

Convex: ``f'' = 1 / x^2 - e^x / (e^x - 1)^2 >= 0``, as ``(e^x - 1)^2 / e^x = 4 sinh(x / 2)^2 >= x^2``.
"""
RAMP = Curve("ramp", lambda x: np.maximum(x, 0.0), lambda x: np.where(x > 0.0, 1.0, 0.0), _ramp_touches, convex=True)
"""``max(x, 0)``: the larger of two, ``max(x, y) = y + ramp(x - y)``. Convex: the larger of two straight lines."""
BALANCE = Curve("balance", _balance, _balance_slope, _balance_touches, convex=True, error=1e-10)
"""The temperature at which a radiator carries heat that grows with it, in logarithms: ``4 t = log(1 + exp(x + t))``.

Convex: ``t' = s / (4 - s)`` rises in s, the logistic function of ``x + t``, which rises in x.
"""
