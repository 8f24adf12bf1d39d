"""Combinations ruled out by affine arithmetic alone, before any linear model is made: boxes cut over and over.

Every combination has its own boxes, and those with the lowest bounds are cut, as many of each combination: the ones
that are far from the best go after few cuts, and those near it would take any number. The combinations are dealt out to
tasks whose number has nothing to do with that of the workers.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.certify.lp.propagation import BoxRanges, narrowed
from dawndusk.optimize.certify.lp.work import Modelling
from dawndusk.optimize.execution.executor import Executor

Floats: TypeAlias = NDArray[np.float64]
Whole: TypeAlias = NDArray[np.intp]

TASKS = 2
LOOKED_AT = 20_000
"""Boxes that are looked at, of all combinations."""
EACH, AT_ONCE = 16, 2048
"""Boxes of a combination, and of a task, that are cut in one go."""


@dataclass(frozen=True, eq=False)
class Screen:
    """Combinations that are to be screened: ranges of their nodes, what has to be beaten, and how long it may take."""

    roots: BoxRanges
    target: float
    looked_at: int
    seconds: float


@dataclass(eq=False)
class _Boxes:
    """Boxes of coordinates, shape (d, B), their place among the combinations, bounds and steepness along axes."""

    low: Floats
    high: Floats
    place: Whole
    bound: Floats
    steep: Floats

    def __len__(self) -> int:
        return len(self.place)

    def take(self, chosen: Whole) -> _Boxes:
        return _Boxes(*(part[..., chosen] for part in vars(self).values()))

    def join(self, other: _Boxes) -> _Boxes:
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return _Boxes(*(np.concatenate(pair, axis=-1) for pair in pairs))

    def lowest_of_each(self) -> tuple[Whole, Whole]:
        """Return the boxes to cut, and the others."""
        order = np.lexsort((self.bound, self.place))
        place = self.place[order]
        begin = np.concatenate([[0], np.flatnonzero(np.diff(place)) + 1])
        rank = np.arange(len(place)) - np.repeat(begin, np.diff(np.concatenate([begin, [len(place)]])))
        first = np.argsort(rank, kind="stable")
        count = min(int((rank < EACH).sum()), AT_ONCE)
        return order[first[:count]], order[first[count:]]


def screened(executor: Executor[Modelling], roots: BoxRanges, target: float, seconds: float) -> BoxRanges:
    """Return the combinations of which something is left, in the hulls of what is left."""
    shares = [roots.take(slice(k, None, TASKS)) for k in range(min(TASKS, len(roots)))]
    asks = [Screen(share, target, LOOKED_AT // len(shares), seconds) for share in shares]
    found = [done.value() for done in executor.map_in_order(screen, asks)]
    joined = BoxRanges(
        np.concatenate([one.low for one in found], axis=1),
        np.concatenate([one.high for one in found], axis=1),
        np.concatenate([one.combination for one in found]),
    )
    return joined.take(np.argsort(joined.combination))


def screen(context: Modelling, ask: Screen) -> BoxRanges:
    """Screen a share of the combinations."""
    deadline = time.monotonic() + ask.seconds
    inputs, count = context.root[0].shape[0], len(ask.roots)
    low, high = ask.roots.low[:inputs], ask.roots.high[:inputs]
    boxes = _Boxes(low, high, np.arange(count), np.full(count, -np.inf), np.ones((inputs, count)))
    looked = 0
    while looked < ask.looked_at and len(boxes) and time.monotonic() < deadline:
        chosen, others = boxes.lowest_of_each()
        halves = _halves(boxes.take(chosen))
        looked += len(halves)
        boxes = boxes.take(others).join(_narrowed(context, ask, halves))
    return _hulls(ask.roots, boxes)


def _halves(boxes: _Boxes) -> _Boxes:
    """Return both halves of boxes, cut where the objective is steepest."""
    places = np.argmax(boxes.steep, axis=0), np.arange(len(boxes))
    lower, upper = boxes.high.copy(), boxes.low.copy()
    lower[places] = upper[places] = 0.5 * (boxes.low + boxes.high)[places]
    below = _Boxes(boxes.low, lower, boxes.place, boxes.bound, boxes.steep)
    return below.join(_Boxes(upper, boxes.high, boxes.place, boxes.bound, boxes.steep))


def _narrowed(context: Modelling, ask: Screen, boxes: _Boxes) -> _Boxes:
    """Return what is left of boxes."""
    known = ask.roots.take(boxes.place)
    inputs = len(boxes.low)
    known.low[:inputs], known.high[:inputs] = boxes.low, boxes.high
    after = narrowed(context.graph, context.asked, known, ask.target)
    left = after.left
    return _Boxes(left.low[:inputs], left.high[:inputs], boxes.place[after.which], after.bound, after.steep)


def _hulls(roots: BoxRanges, boxes: _Boxes) -> BoxRanges:
    """Return the combinations that have boxes, in the hulls of those."""
    found = roots.take(list(_alive(boxes)))
    inputs = len(boxes.low)
    for k, place in enumerate(_alive(boxes)):
        own = boxes.place == place
        found.low[:inputs, k], found.high[:inputs, k] = boxes.low[:, own].min(axis=1), boxes.high[:, own].max(axis=1)
    return found


def _alive(boxes: _Boxes) -> Iterator[int]:
    return map(int, np.unique(boxes.place))
