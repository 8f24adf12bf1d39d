"""Curves of one and the same node, bounded as their sum: what one of them bends down another may bend up.

A curve that bends the wrong way costs the distance to its chord. Where others of the same argument bend the other way
at least as much, the sum needs no chord: a tangent of it is below it, and where they bend less, a parabola of what is
left is all that has to be replaced by a chord. What it rests on:

- Taylor's lower bound: ``f(x) >= f(t) + f'(t) (x - t) + m (x - t)^2 / 2`` with m the least second derivative between
  (test_taylor_lower_bound).
- Chord below a parabola: for ``b <= 0`` and x from l to h,
  ``b (x - t)^2 >= b ((l + h - 2 t) (x - t) - (l - t) (h - t))``, as the difference is ``b (x - l) (x - h)``
  (test_chord_below_a_parabola).

Sources: Maranas and Floudas, Global minimum potential energy conformations of small molecules, 1994; Adjiman, Dallwig,
Floudas, Neumaier, A global optimization method, alphaBB, 1998 (second derivatives bounded over a box).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from dawndusk.optimize.certify.functions.curves import LARGEST_EXPONENT, PADDING, Curve
from dawndusk.optimize.certify.functions.joint import LogServed
from dawndusk.optimize.certify.graph.operations import Coefficient, Joint, Operation, Sum, Univariate, read_by

Values: TypeAlias = Any
Ends: TypeAlias = tuple[Values, Values]

SPREAD_VALLEY = (0.62083, -0.41254, 0.01)
"""Where the curve of the logarithm of a spread bends most, how much it bends there at most, and how near is there."""
SERIES_BELOW = 1e-3


@dataclass(frozen=True, eq=False)
class CurveTerm:
    """A curve of ``factor * base + shift``."""

    node: int
    curve: Curve
    factor: Coefficient
    shift: Coefficient


@dataclass(frozen=True, eq=False)
class CurveSum:
    """Two curves or more of one node, the last of them first."""

    base: int
    members: tuple[CurveTerm, ...]


def groups(operations: Sequence[Operation], needed: Sequence[int]) -> list[CurveSum]:
    """Return the curves that share an argument but for a factor and a constant."""
    found: dict[int, list[CurveTerm]] = {}
    for node in reversed(needed):
        operation = operations[node]
        if isinstance(operation, Univariate) and operation.curve.name in BENDS:
            inner = operations[operation.node]
            base, factor, shift = operation.node, 1.0, 0.0
            if isinstance(inner, Sum) and inner.pair is None and len(inner.terms) == 1:
                (base, factor), shift = inner.terms[0], inner.constant
            found.setdefault(base, []).append(CurveTerm(node, operation.curve, factor, shift))
    return [CurveSum(base, tuple(members)) for base, members in found.items() if len(members) > 1]


def companions(operations: Sequence[Operation], needed: Sequence[int]) -> dict[int, int]:
    """Return pairs of means over the life that differ in what they lose alone: the later, and the earlier of them.

    Nothing between them reads the earlier, so that going back its weight is known when the later is reached.
    """
    known: dict[tuple[object, ...], int] = {}
    found: dict[int, int] = {}
    for node in needed:
        operation = operations[node]
        for read in read_by(operation):
            known = {key: earlier for key, earlier in known.items() if earlier != read}
        if isinstance(operation, Joint) and isinstance(operation.function, LogServed):
            key = operation.function.wear_exponent, *operation.nodes[:-1]
            if key in known:
                found[node] = known[key]
            known[key] = node
    return found


def tangent(
    members: Sequence[tuple[CurveTerm, Values, Values, Values]], low: Values, high: Values, at: Values
) -> tuple[Values, Values, Values]:
    """Return slope and value at ``at`` of a line below a weighted sum of curves of one number from ``low`` to ``high``.

    ``members`` come with weight, factor and shift for each box. Every curve is at least, or at most, its tangent and
    half of its least, or largest, second derivative times the square of the distance. Those add up, with
    ``d^2 f(a x + b) / dx^2 = a^2 f''``, and what of them is below zero is a parabola above its chord
    (test_the_line_lies_below_the_sum). The third return value is how far the sum is above the line at ``at``.
    """
    slope: Values = 0.0
    value: Values = 0.0
    bend: Values = 0.0
    size: Values = 0.0
    for member, weight, factor, shift in members:
        here = factor * at + shift
        ends = factor * low + shift, factor * high + shift
        least, most = BENDS[member.curve.name](np.minimum(*ends), np.maximum(*ends))
        known, steep = member.curve.value(here), member.curve.slope(here)
        slope = slope + weight * factor * steep
        value = value + weight * known
        bend = bend + factor * factor * np.where(weight >= 0.0, weight * least, weight * most)
        size = size + np.abs(weight) * (np.abs(known) + np.abs(steep * here))
    bend = np.minimum(bend, 0.0)
    down, up = low - at, high - at
    below = 0.5 * bend * down * up
    pad = PADDING * (size + np.abs(bend) * (np.abs(down) + np.abs(up)) ** 2)
    return slope + 0.5 * bend * (down + up), value - below - pad, below + pad


def _rising(second: Callable[[Values], Values]) -> Callable[[Values, Values], Ends]:
    return lambda low, high: (second(low), second(high))


def _falling(second: Callable[[Values], Values]) -> Callable[[Values, Values], Ends]:
    return lambda low, high: (second(high), second(low))


def _exp(x: Values) -> Values:
    return np.exp(np.minimum(x, LARGEST_EXPONENT))


def _log(x: Values) -> Values:
    return -1.0 / np.maximum(x * x, 1e-300)


def _log1mexp(x: Values) -> Values:
    grown = np.expm1(np.minimum(x, -1e-300))
    return -np.exp(x) / (grown * grown)


def _log_expm1(x: Values) -> Values:
    grown = np.expm1(-np.maximum(x, 1e-150))
    return -np.exp(-x) / (grown * grown)


def _log_expm1_exp(y: Values) -> Values:
    x = _exp(y)
    safe = np.maximum(x, SERIES_BELOW)
    rest = -np.expm1(-safe)
    return np.where(x < SERIES_BELOW, x * (0.5 + x / 6.0), safe * (rest - safe * np.exp(-safe)) / (rest * rest))


def _softplus(low: Values, high: Values) -> Ends:
    def second(x: Values) -> Values:
        small = np.exp(-np.abs(x))
        return small / ((1.0 + small) * (1.0 + small))

    return np.minimum(second(low), second(high)), second(np.minimum(np.maximum(0.0, low), high))


def _log_spread_exp(low: Values, high: Values) -> Ends:
    def second(y: Values) -> Values:
        x = _exp(y)
        safe = np.maximum(x, SERIES_BELOW)
        rest = -np.expm1(-safe)
        small = np.exp(-safe)
        return np.where(x < SERIES_BELOW, x * (x / 6.0 - 0.5), safe * small * (rest - safe) / (rest * rest))

    place, depth, near = SPREAD_VALLEY
    ends = second(low), second(high)
    inside = (low <= place + near) & (high >= place - near)
    return np.where(inside, depth, np.minimum(*ends)), np.maximum(*ends)


BENDS: Mapping[str, Callable[[Values, Values], Ends]] = {
    "exp": _rising(_exp),
    "expm1": _rising(_exp),
    "log": _rising(_log),
    "softplus": _softplus,
    "log1mexp": _falling(_log1mexp),
    "log_expm1": _rising(_log_expm1),
    "log_expm1_exp": _rising(_log_expm1_exp),
    "log_spread_exp": _log_spread_exp,
}
"""Least and largest second derivative of curves between two arguments.

Extremes of a second derivative: at the ends where it rises or falls all along, at zero as well for the softplus, whose
``s (1 - s)`` is largest there, and in the valley of the spread (test_extremes_of_a_second_derivative).
"""
