"""Affine forms of quantities over boxes, their ends, and the whole numbers that a range rounds to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.certify.functions.curves import LOG1MEXP
from dawndusk.optimize.certify.graph.operations import Operation, Rounding, Sum, read_by

Floats: TypeAlias = NDArray[np.float64]
Values: TypeAlias = Any
"""A float, or an array of shape (B,) with one value for each box."""

WILD = 1e30
"""Where two lines are further apart than this only the range is kept."""
LARGEST = 1e100
ZERO = 1e-150
"""What is below it may be a product with a part that is zero, carried in logarithms."""
STEADY = 1e-9
"""What is this close to a whole number, relative to it, is taken for it where it is known to be whole."""
AT_AN_EDGE = 1e-11
"""Relative: what is rounded may be off by as much, so that as close to a whole number it may go either way.

It covers the rounding of the sums behind it (some ten terms below 700, each to 1e-16) a hundred times, and is a
hundredth of what the model itself forgives (``models.rounding``), so that what is whole by design is on one side.
"""
SUM_PADDING = 1e-15
"""Relative to the terms of a sum: the rounding of up to ten of them."""


class AffineForm:
    """A quantity over B boxes.

    Attributes
    ----------
    axes : tuple of int
        The coordinates that it depends on to first order, in rising order.
    slopes : array
        Coefficients of those coordinates, shape (len(axes), B).
    below, above : array
        Least and greatest value of the rest, shape (B,).
    low, high : array
        Least and greatest value, shape (B,).
    """

    __slots__ = ("above", "axes", "below", "high", "low", "slopes")

    def __init__(
        self, axes: tuple[int, ...], slopes: Floats, below: Values, above: Values, low: Values, high: Values
    ) -> None:
        self.axes, self.slopes = axes, slopes
        self.below, self.above, self.low, self.high = below, above, low, high


NOTHING_KNOWN = AffineForm((), np.zeros((0, 1)), -np.inf, np.inf, -np.inf, np.inf)
"""The form of a node that nothing asked for."""


def bounded(
    axes: tuple[int, ...], slopes: Floats, below: Values, above: Values, low: Values, high: Values
) -> AffineForm:
    """Return a form whose range is the tighter of ``[low, high]`` and what slopes and remainder allow.

    Range of an affine form: ``below - sum |c| <= value <= above + sum |c|`` for u in [-1, 1]
    (test_range_of_an_affine_form). Both ranges hold for every design of the box, so that they meet; ``Forward`` doubts
    a form in which they do not.
    """
    reach = np.abs(slopes).sum(axis=0)
    return AffineForm(axes, slopes, below, above, np.maximum(low, below - reach), np.minimum(high, above + reach))


def _log_difference(x: Values, y: Values) -> Values:
    """Return ``log(exp(x) - exp(y))``, at its ends the very curve that makes it: see ``LOG1MEXP`` for x = y."""
    return x + LOG1MEXP.value(np.minimum(y - x, 0.0))


def whole_ends(operation: Rounding, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Return the least and the greatest whole number that a range rounds to.

    Where the rounding is ``free`` only designs count that are whole already: those in the range, or its neighbours.
    """
    if operation.free:
        edge = 10.0 * STEADY * np.maximum(np.abs(high), 1.0)
        first, last = np.ceil(low - edge), np.floor(high + edge)
        return np.minimum(first, last), np.maximum(first, last)
    rounded = np.ceil if operation.up else np.floor
    edges = (AT_AN_EDGE * np.maximum(np.abs(end), 1.0) for end in (low, high))
    return rounded(low - next(edges)), rounded(high + next(edges))


PAIRS: dict[str, Callable[[Values, Values], Values]] = {
    "sum": np.logaddexp,
    "difference": _log_difference,
    "larger": np.maximum,
    "smaller": np.minimum,
}


def ordered(low: Values, high: Values, factor: Values) -> tuple[Values, Values]:
    """Return the ends of an interval times an exact factor.

    Interval times a factor: ``f [a, b] = [min(f a, f b), max(f a, f b)]`` (test_interval_times_a_factor).
    Source: Moore, Interval Analysis, 1966.
    """
    if isinstance(factor, float):
        if factor == 1.0:
            return low, high
        return (low * factor, high * factor) if factor >= 0.0 else (high * factor, low * factor)
    one, other = low * factor, high * factor
    return np.minimum(one, other), np.maximum(one, other)


def is_one(factor: Values) -> bool:
    """Return whether a factor is one for every box."""
    return isinstance(factor, float) and factor == 1.0


def sum_padding(terms: Sequence[tuple[AffineForm, Values]]) -> Values:
    """Return what rounding may do to a sum of large terms that cancel.

    Rounding of a sum: ``|fl(sum x) - sum x| <= (n - 1) u / (1 - (n - 1) u) sum |x|`` with ``u = 2^-53``; n is ten at
    most (``nodes.LONGEST_SUM``). Source: Higham, Accuracy and Stability of Numerical Algorithms, 2002, 4.2
    (test_rounding_of_a_sum).
    """
    size: Values = 0.0
    for form, factor in terms:
        ends = np.maximum(np.maximum(np.abs(form.below), np.abs(form.above)), np.abs(form.low))
        size = size + np.abs(factor) * (ends + np.abs(form.high) + np.abs(form.slopes).sum(axis=0))
    return SUM_PADDING * np.where(np.isfinite(size), size, 0.0)


def rounding_slack(operation: Rounding, inner: AffineForm, low: Floats) -> tuple[Values, Values]:
    """Return how far rounding takes a node down and up where its range holds several whole numbers.

    Slack of a rounding: up, ``x <= r < x + 1``, and down, ``x - 1 < r <= x``, each to ``AT_AN_EDGE``. In logarithms,
    up, ``log r < log x + log(1 + 1 / x)``, where x is at least its least and above the first whole number less one;
    down, ``log r > log x - log(1 + 1 / r)``, as ``x < r + 1`` (test_slack_of_a_rounding).
    """
    if operation.free:
        size = 1.0 if operation.logarithm else np.maximum(np.abs(inner.high), 1.0)
        return -STEADY * size, STEADY * 10.0 * size
    if not operation.logarithm:
        edge = AT_AN_EDGE * np.maximum(np.maximum(np.abs(inner.low), np.abs(inner.high)), 1.0)
        return (-edge, 1.0 + edge) if operation.up else (-1.0 - edge, edge)
    if operation.up:
        least = np.maximum(inner.low, np.log(np.maximum(low - 1.0, 1e-300)))
        return -AT_AN_EDGE, np.log1p(np.exp(-least)) + AT_AN_EDGE
    return -np.log1p(1.0 / low) - AT_AN_EDGE, AT_AN_EDGE


def size_of_terms(operation: Operation, forms: Sequence[AffineForm]) -> Values:
    """Return how large the terms are that a node is made of: their rounding is not the node's own."""
    size: Values = 0.0
    for inner in read_by(operation):
        form = forms[inner]
        reach = np.maximum(np.abs(form.below), np.abs(form.above)) + np.abs(form.slopes).sum(axis=0)
        size = size + np.where(np.isfinite(reach), reach, 0.0)
    if isinstance(operation, Sum):
        size = size * max(1.0, *(float(np.max(np.abs(c))) for _, c in operation.terms), 0.0)
    return size
