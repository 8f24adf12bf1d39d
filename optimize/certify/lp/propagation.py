"""Many boxes of nodes at once: affine arithmetic within known ranges, and what a limit on the objective cuts off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.certify.bound.affine import ForwardBounds
from dawndusk.optimize.certify.bound.forms import STEADY, AffineForm
from dawndusk.optimize.certify.graph.operations import ExpressionGraph, Operation, Rounding

Floats: TypeAlias = NDArray[np.float64]
Whole: TypeAlias = NDArray[np.intp]

FLAT = 1e-14
EDGE = 1e-12
SLACK = 1e-9
"""Ranges of one node that miss each other by less, relative to it, may meet but for rounding."""


@dataclass(eq=False)
class BoxRanges:
    """Ranges of all nodes of B boxes, shape (nodes, B), and the combination of each, shape (B,)."""

    low: Floats
    high: Floats
    combination: Whole

    def __len__(self) -> int:
        return len(self.combination)

    def take(self, chosen: Any) -> BoxRanges:
        """Return some of the boxes."""
        return BoxRanges(self.low[:, chosen], self.high[:, chosen], self.combination[chosen])


@dataclass(frozen=True, eq=False)
class PropagatedBoxes:
    """The boxes that are left, smaller; a bound on each; which they were; and how steep the objective is along axes."""

    left: BoxRanges
    bound: Floats
    which: Whole
    steep: Floats


class _Known(ForwardBounds):
    """Affine arithmetic in which every node is held in the range that is known of it in its box."""

    def __init__(self, graph: ExpressionGraph, known: BoxRanges) -> None:
        count, inputs = len(known), len(graph.statement.coordinates)
        whole = np.full((len(graph.roundings), count), -np.inf), np.full((len(graph.roundings), count), np.inf)
        for place, node in enumerate(graph.roundings):
            whole[0][place], whole[1][place] = _whole_ends(graph.operations[node], known.low[node], known.high[node])
        super().__init__(known.low[:inputs], known.high[:inputs], known.combination, *whole, graph.limits)
        self.known = known

    def _work_out(self, operation: Operation, node: int) -> None:
        super()._work_out(operation, node)
        form = self.forms[node]
        form.low = np.maximum(form.low, self.known.low[node])
        form.high = np.minimum(form.high, self.known.high[node])
        self.empty |= form.low > form.high + SLACK * (1.0 + np.abs(form.low))
        form.high = np.maximum(form.high, form.low)


def narrowed(graph: ExpressionGraph, needed: list[int], known: BoxRanges, target: float) -> PropagatedBoxes:
    """Return what is left of boxes of which only designs better than ``target`` matter."""
    with np.errstate(all="ignore"):
        forward = _Known(graph, known)
        forward.run(graph.operations, needed)
    count, axes = len(known), len(graph.statement.coordinates)
    alive = ~np.broadcast_to(forward.empty, (count,))
    lower, upper = np.full((axes, count), -1.0), np.ones((axes, count))
    goal = forward.forms[graph.objective]
    alive = alive & _cut(goal, target, lower, upper)
    for row in graph.rows:
        if row.node is None:
            alive &= np.broadcast_to(forward.here(row.constant), (count,)) <= row.tolerance
        else:
            alive &= _cut(forward.forms[row.node], row.tolerance, lower, upper)
    alive &= (lower <= upper).all(axis=0)
    low, high = known.low.copy(), known.high.copy()
    for node in needed:
        low[node] = np.maximum(low[node], forward.forms[node].low)
        high[node] = np.minimum(high[node], forward.forms[node].high)
    middle, half = 0.5 * (forward.low + forward.high), 0.5 * (forward.high - forward.low)
    edge = EDGE * (1.0 + np.abs(middle))
    low[:axes] = np.maximum(low[:axes], middle + half * lower - edge)
    high[:axes] = np.minimum(high[:axes], middle + half * upper + edge)
    alive &= _whole(graph, low, high)
    alive &= (low[:axes] <= high[:axes]).all(axis=0)
    chosen = np.flatnonzero(alive)
    bound = np.maximum(goal.low, goal.below - np.abs(goal.slopes).sum(axis=0))
    steep = np.zeros((axes, count))
    steep[list(goal.axes)] = np.abs(goal.slopes)
    left = BoxRanges(low, high, known.combination).take(chosen)
    return PropagatedBoxes(left, np.broadcast_to(bound, (count,))[chosen], chosen, steep[:, chosen])


def _cut(form: AffineForm, most: float, lower: Floats, upper: Floats) -> Any:
    """Cut off where a form is above ``most``; return whether any is left of each box."""
    reach = np.abs(form.slopes)
    room = most - (form.below - reach.sum(axis=0))
    with np.errstate(all="ignore"):
        for row, axis in enumerate(form.axes):
            steep = reach[row] > FLAT
            end = np.where(steep, room / np.where(steep, reach[row], 1.0), np.inf) - 1.0
            rising = form.slopes[row] > 0.0
            upper[axis] = np.where(rising, np.minimum(upper[axis], end), upper[axis])
            lower[axis] = np.where(rising, lower[axis], np.maximum(lower[axis], -end))
    return (room >= 0.0) & (form.low <= most)


def _whole(graph: ExpressionGraph, low: Floats, high: Floats) -> Any:
    """Shrink whole coordinates and roundings to whole numbers, and what is rounded; return which are not empty."""
    alive = np.ones(low.shape[1], dtype=bool)
    for axis, coordinate in enumerate(graph.statement.coordinates):
        if coordinate.whole and not coordinate.power:
            alive &= _snap(low, high, axis, logarithmic=coordinate.logarithmic)
    for node in graph.roundings:
        operation = graph.operations[node]
        assert isinstance(operation, Rounding)
        alive &= _snap(low, high, node, logarithmic=operation.logarithm)
        if not operation.free:
            _hold_rounded(operation, node, low, high)
    return alive


def _whole_ends(operation: Operation, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Return the least and the greatest whole number in a range of a rounding."""
    assert isinstance(operation, Rounding)
    with np.errstate(all="ignore"):
        ends = (np.exp(low), np.exp(high)) if operation.logarithm else (low, high)
        return np.ceil(ends[0] * (1.0 - STEADY) - STEADY), np.floor(ends[1] * (1.0 + STEADY) + STEADY)


def _snap(low: Floats, high: Floats, node: int, *, logarithmic: bool) -> Any:
    with np.errstate(all="ignore"):
        ends = (np.exp(low[node]), np.exp(high[node])) if logarithmic else (low[node], high[node])
        first = np.ceil(ends[0] * (1.0 - STEADY) - STEADY)
        last = np.floor(ends[1] * (1.0 + STEADY) + STEADY)
        held = (np.log(first), np.log(last)) if logarithmic else (first, last)
    for end, ends_, narrower, sign in ((held[0], low, np.maximum, -1.0), (held[1], high, np.minimum, 1.0)):
        known = np.isfinite(end)
        safe = np.where(known, end, 0.0)
        moved = narrower(ends_[node], safe + sign * EDGE * (1.0 + np.abs(safe)))
        ends_[node] = np.where(known, moved, ends_[node])
    return first <= last


def _hold_rounded(operation: Rounding, node: int, low: Floats, high: Floats) -> None:
    """Hold what is rounded between the whole numbers of its rounding, or their neighbours on the other side."""
    inner = operation.node
    with np.errstate(all="ignore"):
        least, most = (np.exp(low[node]), np.exp(high[node])) if operation.logarithm else (low[node], high[node])
        least, most = (least - 1.0, most) if operation.up else (least, most + 1.0)
        if operation.at_least_one and not operation.up:
            least = np.where(least <= 1.0 + STEADY, -np.inf, least)
        if operation.logarithm:
            least, most = np.log(np.maximum(least, 0.0)), np.log(most)
        pad = 4.0 * STEADY
        least, most = least - pad * (1.0 + np.abs(least)), most + pad * (1.0 + np.abs(most))
    low[inner] = np.maximum(low[inner], np.where(np.isfinite(least), least, -np.inf))
    high[inner] = np.minimum(high[inner], np.where(np.isfinite(most), most, np.inf))
