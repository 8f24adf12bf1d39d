"""Parts of a problem, lowest bound first: each bounded by a linear model, narrowed, and cut in two where that is lost.

A part whose ranges a model has narrowed a good deal is bounded once more over what is left of it before it is cut: that
costs a model where cutting it costs two. Rounds are of a fixed size and their results are taken in order, so that the
number of processes changes nothing but the time.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.certify.bound.curve_sums import CurveSum
from dawndusk.optimize.certify.graph.operations import ExpressionGraph, Joint, Rounding
from dawndusk.optimize.certify.lp.node import Kept, NodeBound, place_to_split
from dawndusk.optimize.certify.lp.obbt import TighteningYields
from dawndusk.optimize.certify.lp.propagation import BoxRanges, narrowed
from dawndusk.optimize.certify.lp.screening import screened
from dawndusk.optimize.certify.lp.work import BoundTask, Modelling, bound_part
from dawndusk.optimize.execution.executor import Executor

Floats: TypeAlias = NDArray[np.float64]
Whole: TypeAlias = NDArray[np.intp]

TOGETHER = 16
"""Parts that are cut in one go: what is worked out for all of them at once is paid for once."""
SCREEN_SHARE = 0.15
"""Share of the time that it may take to rule out combinations by affine arithmetic alone."""
WORTH_ANOTHER = 0.02
"""Mean logarithm by which a model has to narrow the ranges looked at for the part to be bounded once more as it is."""
LEAST_WIDTH, MOST_NARROWING = 1e-7, 3.0


@dataclass(order=True)
class Subproblem:
    """A part of a combination in the queue, lowest bound first."""

    bound: float
    number: int
    combination: int = field(compare=False)
    found: NodeBound = field(compare=False)
    again: bool = field(default=False, compare=False)
    """Whether it is worth to be bounded once more before it is cut."""


class SearchTree:
    """The open parts of a problem. Bounds are scores: nodes of the graph."""

    def __init__(self, context: Modelling, executor: Executor[Modelling]) -> None:
        self.context, self.executor = context, executor
        self.graph, self.needed, self.asked = context.graph, context.needed, context.asked
        self.queue: list[Subproblem] = []
        self.stuck: list[Subproblem] = []
        self.size = (0, 0)
        self.probed = _probed(self.graph, self.needed, context.groups)
        self.yields = TighteningYields()
        self.numbers = itertools.count()
        self.closed_at = np.inf
        self.bounded = 0
        self.latest: NodeBound | None = None
        self.widths = np.ones(len(self.graph.operations))

    @property
    def lowest(self) -> float:
        """The bound proved so far."""
        ends = [part.bound for part in (*self.queue[:1], *self.stuck)]
        return min([*ends, self.closed_at])

    @property
    def combinations(self) -> int:
        """How many combinations are open."""
        return len({part.combination for part in self.queue})

    def start(self, target: float, deadline: float) -> None:
        """Bound every combination by affine arithmetic, and what is left of each by a linear model."""
        low, high = self.context.root
        known = self._nodes(low, high, np.arange(low.shape[1]))
        after = narrowed(self.graph, self.asked, known, target)
        self._closed(target, len(after.left) < len(known) and bool(np.isfinite(target)))
        left = after.left
        if not len(left):
            return
        width = (left.high - left.low).max(axis=1)
        self.widths = np.where(np.isfinite(width) & (width > 0.0), width, 1.0)
        if np.isfinite(target):
            hulls = screened(self.executor, left, target, SCREEN_SHARE * (deadline - time.monotonic()))
            self._closed(target, len(hulls) < len(left))
            after = narrowed(self.graph, self.asked, hulls, target)
            self._closed(target, len(after.left) < len(hulls))
        for k in range(0, len(after.left), TOGETHER):
            few = slice(k, k + TOGETHER)
            left = after.left.take(few)
            self._bound_all(left, after.bound[few], [()] * len(left), target, deadline)

    def step(self, target: float, deadline: float) -> None:
        """Go on with the parts with the lowest bounds."""
        self._end(target)
        chosen = [heapq.heappop(self.queue) for _ in range(min(TOGETHER, len(self.queue)))]
        regions = [self._region(part) for part in chosen]
        for part, region in zip(chosen, regions, strict=True):
            if region is None:
                self.stuck.append(part)
        some = [region for region in regions if region is not None]
        if not some:
            return
        parents = [
            p for p, region in zip(chosen, regions, strict=True) if region is not None for _ in range(len(region))
        ]
        children = BoxRanges(
            np.concatenate([region.low for region in some], axis=1),
            np.concatenate([region.high for region in some], axis=1),
            np.concatenate([region.combination for region in some]),
        )
        after = narrowed(self.graph, self.asked, children, target)
        self._closed(target, len(after.left) < len(children))
        known = np.maximum(after.bound, [parents[k].bound for k in after.which])
        kept = [parents[k].found.kept for k in after.which]
        self._bound_all(after.left, known, kept, target, deadline)

    def _end(self, target: float) -> None:
        """Close the parts that hold nothing better than the target."""
        kept = [part for part in self.queue if part.bound < target]
        if len(kept) < len(self.queue):
            self._closed(target, True)
            heapq.heapify(kept)
            self.queue = kept

    def _closed(self, target: float, any_: bool) -> None:
        if any_:
            self.closed_at = min(self.closed_at, target)

    def _nodes(self, low: Floats, high: Floats, combination: Whole) -> BoxRanges:
        nodes, inputs, count = len(self.graph.operations), low.shape[0], low.shape[1]
        lows, highs = np.full((nodes, count), -np.inf), np.full((nodes, count), np.inf)
        lows[:inputs], highs[:inputs] = low, high
        return BoxRanges(lows, highs, combination)

    def _bound_all(
        self, left: BoxRanges, known: Floats, kept: Sequence[tuple[Kept, ...]], target: float, deadline: float
    ) -> None:
        """Bound parts by their linear models, or where it is too late by what is known."""
        objective = self.graph.objective
        left.high[objective] = np.minimum(left.high[objective], target)
        asks = [
            BoundTask(int(c), left.low[:, k], left.high[:, k], kept[k], target, self.yields.order(self.probed), np.inf)
            for k, c in enumerate(left.combination)
        ]
        tasks = self.executor.map_in_order(bound_part, self._in_time(asks, deadline))
        for ask, least, done in zip(asks, known, tasks, strict=True):
            found, size = done.value()
            if found.values is not None or found.bound == np.inf:
                self.latest, self.size, self.bounded = found, size, self.bounded + 1
            self.yields.learn(found.gains)
            self._take_in(ask, found, max(found.bound, float(least)), target)

    def _in_time(self, asks: Sequence[BoundTask], deadline: float) -> Iterator[BoundTask]:
        """Return what is asked for, with the time that is left for it; the very first is always bounded."""
        for k, ask in enumerate(asks):
            yield replace(ask, seconds=deadline - time.monotonic()) if self.bounded or k else ask

    def _take_in(self, ask: BoundTask, found: NodeBound, bound: float, target: float) -> None:
        """Put a part that was bounded back into the queue, unless nothing of interest is left of it."""
        if bound >= target or bound == np.inf:
            self._closed(target, True)
            return
        again = found.values is not None and self._narrowing(ask, found) >= WORTH_ANOTHER
        heapq.heappush(self.queue, Subproblem(bound, next(self.numbers), ask.combination, found, again))

    def _narrowing(self, ask: BoundTask, found: NodeBound) -> float:
        """Return by how much ranges have become narrower, as the mean of their logarithms."""
        before, after = (ask.high - ask.low)[self.probed], (found.high - found.low)[self.probed]
        wide = np.isfinite(before) & (before > LEAST_WIDTH)
        gains = np.log(before[wide] / np.maximum(after[wide], LEAST_WIDTH))
        return float(np.clip(gains, 0.0, MOST_NARROWING).sum()) / len(self.probed)

    def _region(self, part: Subproblem) -> BoxRanges | None:
        """Return what of a part to bound next: all of it, or its halves; None where it can not be cut."""
        found = part.found
        whole = BoxRanges(found.low[:, np.newaxis], found.high[:, np.newaxis], np.array([part.combination]))
        if part.again:
            return whole
        if found.values is None:
            place = self._widest(found)
        else:
            place = place_to_split(self.context.template(part.combination), found, self.widths)
        return None if place is None else _cut(whole, np.array([place[0]]), np.array([place[1]]))

    def _widest(self, found: NodeBound) -> tuple[int, float] | None:
        """Return the coordinate that is widest, and its middle."""
        inputs = self.context.root[0].shape[0]
        width = (found.high - found.low)[:inputs] / self.widths[:inputs]
        axis = int(np.argmax(width))
        return (axis, 0.5 * float(found.low[axis] + found.high[axis])) if width[axis] > LEAST_WIDTH else None


def _probed(graph: ExpressionGraph, needed: Sequence[int], alike: Sequence[CurveSum]) -> list[int]:
    """Return the nodes whose ends are looked for: the coordinates, and what the hardest of the curves read."""
    nodes = list(range(len(graph.statement.coordinates)))
    for node in needed:
        operation = graph.operations[node]
        if isinstance(operation, Joint):
            nodes += operation.nodes
        elif isinstance(operation, Rounding) and not operation.free:
            nodes += [operation.node, node]
    nodes += [group.base for group in alike]
    return [node for node in dict.fromkeys(nodes) if node in set(needed)]


def _cut(boxes: BoxRanges, node: Whole, at: Floats) -> BoxRanges:
    """Return both halves of boxes."""
    places = node, np.arange(len(boxes))
    lower, upper = boxes.high.copy(), boxes.low.copy()
    lower[places] = upper[places] = at
    return BoxRanges(
        np.concatenate([boxes.low, upper], axis=1),
        np.concatenate([lower, boxes.high], axis=1),
        np.concatenate([boxes.combination, boxes.combination]),
    )
