"""Rules, bounds and roundings of a graph as linear rows over boxes, and what a row does to a box."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.certify.bound.affine import ForwardBounds
from dawndusk.optimize.certify.bound.forms import AT_AN_EDGE, STEADY, AffineForm
from dawndusk.optimize.certify.bound.selection import picked
from dawndusk.optimize.certify.graph.operations import ROW_TOLERANCE, ExpressionGraph, Rounding

Floats: TypeAlias = NDArray[np.float64]

FLAT = 1e-14
NO_END = -1e6
"""What stands for the distance to an end that is not there."""


@dataclass
class LinearBounds:
    """Linear lower bounds on one function over B boxes: ``slopes . u + below`` for u in [-1, 1]^d, and its least.

    The function is ``sign * node + shift``; ``node`` is None where it is the same all over a box. ``place`` is its
    number among the rows of a graph, and ``counts`` says in which boxes it may be broken: elsewhere its multiplier is
    zero. It counts as met up to ``tolerance``.
    """

    slopes: Floats
    below: Floats
    low: Floats
    node: int | None = None
    sign: float = 1.0
    shift: Any = 0.0
    place: int = -1
    counts: Any = True
    tolerance: float = ROW_TOLERANCE

    def take(self, chosen: NDArray[np.intp]) -> LinearBounds:
        """Return the row over some of the boxes."""
        count = self.slopes.shape[1]
        return replace(
            self,
            **{
                name: picked(getattr(self, name), chosen, count)
                for name in ("slopes", "below", "low", "shift", "counts")
            },
        )


def count_rows(graph: ExpressionGraph) -> int:
    """Return how many rows a graph has."""
    return len(graph.rows) + 2 * len(graph.roundings)


def linear(form: AffineForm, axes: int, count: int) -> LinearBounds:
    """Return a form as a row over all coordinates."""
    slopes = np.zeros((axes, count))
    slopes[list(form.axes)] = form.slopes
    return LinearBounds(slopes, np.broadcast_to(form.below, (count,)), np.broadcast_to(form.low, (count,)))


def linear_rows(graph: ExpressionGraph, forward: ForwardBounds) -> list[LinearBounds]:
    """Return all rows of a graph, each at most zero: its rules and bounds, then two for each rounding."""
    axes, count = forward.low.shape
    found = []
    for row in graph.rows:
        if row.node is None:
            value = np.broadcast_to(forward.here(row.constant), (count,))
            found.append(LinearBounds(np.zeros((axes, count)), value, value, tolerance=row.tolerance))
        else:
            found.append(linear(forward.forms[row.node], axes, count))
            found[-1].node, found[-1].tolerance = row.node, row.tolerance
    for node in graph.roundings:
        found.extend(_rounded(graph, node, forward))
    for place, one in enumerate(found):
        one.place = place
    return found


def _rounded(graph: ExpressionGraph, node: int, forward: ForwardBounds) -> list[LinearBounds]:
    """Return the rows that tie a rounded node's range to what is rounded.

    Range of what is rounded: up, ``low - 1 < x <= high``, down, ``low <= x < high + 1``, where x is known to
    ``AT_AN_EDGE`` (test_range_of_what_is_rounded).
    """
    axes, count = forward.low.shape
    operation = graph.operations[node]
    assert isinstance(operation, Rounding)
    form = forward.forms[operation.node]
    *_, low, high = forward.kept[node]
    ends = (low - 1.0, high) if operation.up else (low, high + 1.0)
    if operation.free:
        ends = low, high
    edge = 10.0 * STEADY if operation.free else AT_AN_EDGE
    if operation.logarithm:
        ends = np.log(np.maximum(ends[0], 0.0)), np.log(ends[1])
    else:
        edge = edge * np.maximum(np.maximum(np.abs(low), np.abs(high)), 1.0)
    rows = []
    for sign, end in ((-1.0, ends[0]), (1.0, ends[1])):
        low_, below = (form.low, form.below) if sign > 0 else (-form.high, -form.above)
        slopes = np.zeros((axes, count))
        slopes[list(form.axes)] = sign * form.slopes
        shift = np.where(np.isfinite(end), -sign * end - edge, NO_END)
        rows.append(LinearBounds(slopes, below + shift, low_ + shift, operation.node, sign, shift))
    return rows


def cut(slopes: Floats, slack: Floats, lower: Floats, upper: Floats) -> None:
    """Tighten ``lower`` and ``upper`` with a linear inequality whose least value is ``slack`` below its limit.

    Reduced cost of a coordinate: a plane is least where every ``u_i`` is at the end against its slope ``c_i``, and
    rises from there by ``|c_i|`` times the distance of ``u_i``, so that it keeps its limit only where
    ``u_i <= slack / c_i - 1`` for ``c_i > 0`` and ``u_i >= 1 - slack / |c_i|`` for ``c_i < 0``
    (test_reduced_cost_of_a_coordinate). Source: Ryoo and Sahinidis, Global optimization of nonconvex NLPs, 1995;
    Belotti et al. 2010.
    """
    steep = np.abs(slopes)
    reach = np.where(steep > 0.0, slack / np.where(steep > 0.0, steep, 1.0), np.inf)
    # Where numbers overflowed nothing is known, and nothing is cut: these two leave out what is no number.
    np.fmin(upper, np.where(slopes > 0.0, reach - 1.0, np.inf), out=upper)
    np.fmax(lower, np.where(slopes < 0.0, 1.0 - reach, -np.inf), out=lower)


def best_multiplier(slopes: Floats, row: Floats, below: Floats) -> Floats:
    """Return the multiplier >= 0 of one row that lifts ``below + t b - |slopes + t row|_1`` highest, shape (B,).

    Dual of one row: that is concave and piecewise linear in t, and so highest where its slope changes sign, at some
    ``t = -slopes_i / row_i`` or at zero (test_dual_of_one_row). Any other t would prove less, and not be wrong.
    """
    steep = np.abs(row)
    usable = steep > FLAT
    at = np.where(usable, -slopes / np.where(usable, row, 1.0), -1.0)
    turns = np.where(at > 0.0, at, np.inf)
    gain = below - (np.where(at > 0.0, np.sign(slopes), np.sign(row)) * row).sum(axis=0)
    order = np.argsort(turns, axis=0)
    sorted_turns = np.take_along_axis(turns, order, axis=0)
    drop = np.take_along_axis(np.where(at > 0.0, 2.0 * steep, 0.0), order, axis=0).cumsum(axis=0)
    past = gain - drop <= 0.0
    position = np.argmax(past, axis=0)
    best = np.take_along_axis(sorted_turns, position[np.newaxis], axis=0)[0]
    return np.where((gain > 0.0) & past.any(axis=0) & np.isfinite(best), best, 0.0)
