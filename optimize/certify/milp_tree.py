"""Parts of a problem, lowest bound first: each bounded by a linear model, and cut in two where its bound is lost."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.certify.alike import Group, groups
from dawndusk.optimize.certify.milp_forward import Narrowed, Slots, narrowed
from dawndusk.optimize.certify.milp_node import Bounded, Kept, Node, place_to_split
from dawndusk.optimize.certify.milp_template import Template
from dawndusk.optimize.certify.operations import Joint, Rounding, Tape, operands, reached

Floats: TypeAlias = NDArray[np.float64]
Whole: TypeAlias = NDArray[np.intp]

TOGETHER = 16
"""Parts that are cut in one go: what is worked out for all of them at once is paid for once."""
SCREENED, SCREENED_AT_ONCE = 30_000, 2048
"""Boxes that are looked at by affine arithmetic alone, to rule out combinations."""
SCREEN_SHARE = 0.15
"""Share of the time that this may take."""


@dataclass(order=True)
class Part:
    """A part of a combination in the queue, lowest bound first."""

    bound: float
    number: int
    combination: int = field(compare=False)
    found: Bounded = field(compare=False)
    rough: bool = field(default=False, compare=False)
    """Whether its model was solved once only."""


class Tree:
    """The open parts of a problem. Bounds are scores: slots of the tape."""

    def __init__(self, tape: Tape, root: tuple[Floats, Floats]) -> None:
        self.tape = tape
        self.needed = reached(tape)
        self.asked = sorted({*self.needed, *reached(tape, operands)})
        self.groups = groups(tape.operations, self.needed)
        self.queue: list[Part] = []
        self.stuck: list[Part] = []
        self.size = (0, 0)
        self.probed = _probed(tape, self.needed, self.groups)
        self.numbers = itertools.count()
        self.closed_at = np.inf
        self.bounded = 0
        self.latest: Bounded | None = None
        self._templates: dict[int, Template] = {}
        self._root = root
        self.widths = np.ones(len(tape.operations))

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
        low, high = self._root
        known = self._slots(low, high, np.arange(low.shape[1]))
        after = narrowed(self.tape, self.asked, known, target)
        self._closed(target, len(after.left) < len(known) and bool(np.isfinite(target)))
        left = after.left
        if not len(left):
            return
        width = (left.high - left.low).max(axis=1)
        self.widths = np.where(np.isfinite(width) & (width > 0.0), width, 1.0)
        if np.isfinite(target):
            now = time.monotonic()
            after = self._screened(left, target, now + SCREEN_SHARE * (deadline - now))
        for k in range(len(after.left)):
            ends = after.left.low[:, k].copy(), after.left.high[:, k].copy()
            late = time.monotonic() > deadline and self.bounded > 0
            self._bound(int(after.left.combination[k]), ends, float(after.bound[k]), (), target, rough=True, late=late)

    def step(self, target: float, deadline: float) -> None:
        """Cut the parts with the lowest bounds."""
        self._end(target)
        chosen = [heapq.heappop(self.queue) for _ in range(min(TOGETHER, len(self.queue)))]
        for part in [part for part in chosen if part.rough]:
            if time.monotonic() > deadline:
                heapq.heappush(self.queue, part)
            else:
                self._bound(part.combination, (part.found.low, part.found.high), part.bound, (), target)
        chosen = [part for part in chosen if not part.rough]
        halves = [self._halves(part) for part in chosen]
        for part, half in zip(chosen, halves, strict=True):
            if half is None:
                self.stuck.append(part)
        some = [half for half in halves if half is not None]
        if not some:
            return
        parents = [part for part, half in zip(chosen, halves, strict=True) if half is not None for _ in (0, 1)]
        children = Slots(
            np.concatenate([half.low for half in some], axis=1),
            np.concatenate([half.high for half in some], axis=1),
            np.concatenate([half.combination for half in some]),
        )
        after = narrowed(self.tape, self.asked, children, target)
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

    def _slots(self, low: Floats, high: Floats, combination: Whole) -> Slots:
        slots, inputs, count = len(self.tape.operations), low.shape[0], low.shape[1]
        lows, highs = np.full((slots, count), -np.inf), np.full((slots, count), np.inf)
        lows[:inputs], highs[:inputs] = low, high
        return Slots(lows, highs, combination)

    def _screened(self, roots: Slots, target: float, deadline: float) -> Narrowed:
        """Return the combinations of which affine arithmetic leaves something, in the hulls of what it leaves."""
        inputs = self._root[0].shape[0]
        place = {int(c): k for k, c in enumerate(roots.combination)}
        boxes = Slots(roots.low[:inputs], roots.high[:inputs], roots.combination)
        bound, steep = np.full(len(boxes), -np.inf), np.ones((inputs, len(boxes)))
        looked = 0
        while looked < SCREENED and len(boxes) and time.monotonic() < deadline:
            order = np.argsort(bound, kind="stable")
            now, later = order[:SCREENED_AT_ONCE], order[SCREENED_AT_ONCE:]
            axis = np.argmax(steep[:, now], axis=0)
            halves = _cut(boxes.take(now), axis, 0.5 * (boxes.low + boxes.high)[axis, now])
            known = roots.take([place[int(c)] for c in halves.combination])
            known.low[:inputs], known.high[:inputs] = halves.low, halves.high
            after = narrowed(self.tape, self.asked, known, target)
            left = after.left
            looked += len(halves)
            boxes = Slots(
                np.concatenate([boxes.low[:, later], left.low[:inputs]], axis=1),
                np.concatenate([boxes.high[:, later], left.high[:inputs]], axis=1),
                np.concatenate([boxes.combination[later], left.combination]),
            )
            bound, steep = (
                np.concatenate([bound[later], after.bound]),
                np.concatenate([steep[:, later], after.steep], axis=1),
            )
        return self._hulls(roots, boxes, place, target)

    def _hulls(self, roots: Slots, boxes: Slots, place: dict[int, int], target: float) -> Narrowed:
        inputs = self._root[0].shape[0]
        alive = np.unique(boxes.combination)
        self._closed(target, len(alive) < len(roots))
        hulls = roots.take([place[int(c)] for c in alive])
        for k, combination in enumerate(alive):
            own = boxes.combination == combination
            hulls.low[:inputs, k] = boxes.low[:, own].min(axis=1)
            hulls.high[:inputs, k] = boxes.high[:, own].max(axis=1)
        return narrowed(self.tape, self.asked, hulls, target)

    def _bound_all(
        self, left: Slots, known: Floats, kept: Sequence[tuple[Kept, ...]], target: float, deadline: float
    ) -> None:
        for k, rows in enumerate(kept):
            ends = left.low[:, k].copy(), left.high[:, k].copy()
            late = time.monotonic() > deadline and self.bounded > 0
            self._bound(int(left.combination[k]), ends, float(known[k]), rows, target, late=late)

    def _bound(
        self,
        combination: int,
        ends: tuple[Floats, Floats],
        known: float,
        kept: Sequence[Kept],
        target: float,
        *,
        rough: bool = False,
        late: bool = False,
    ) -> None:
        """Bound a part by its linear model, roughly or in full, or where it is too late by what is known."""
        low, high = ends
        objective = self.tape.objective
        high[objective] = min(high[objective], target)
        if late:
            found = Bounded(known, None, {}, low, high, "time limit")
        else:
            node = Node(self._template(combination), low, high, target, kept)
            found = node.bounded(self.groups, rounds=0) if rough else node.bounded(self.groups, self.probed)
            self.latest, self.size, self.bounded = found, node.size, self.bounded + 1
        bound = max(found.bound, known)
        if bound >= target or bound == np.inf:
            self._closed(target, True)
            return
        heapq.heappush(self.queue, Part(bound, next(self.numbers), combination, found, rough))

    def _template(self, combination: int) -> Template:
        if combination not in self._templates:
            self._templates[combination] = Template(self.tape, combination, self.needed)
        return self._templates[combination]

    def _halves(self, part: Part) -> Slots | None:
        found = part.found
        template = self._template(part.combination)
        place = place_to_split(template, found, self.widths) if found.values is not None else self._widest(found)
        if place is None:
            return None
        slot, at = place
        whole = Slots(found.low[:, np.newaxis], found.high[:, np.newaxis], np.array([part.combination]))
        return _cut(whole, np.array([slot]), np.array([at]))

    def _widest(self, found: Bounded) -> tuple[int, float] | None:
        """Return the coordinate that is widest, and its middle."""
        inputs = self._root[0].shape[0]
        width = (found.high - found.low)[:inputs] / self.widths[:inputs]
        axis = int(np.argmax(width))
        return (axis, 0.5 * float(found.low[axis] + found.high[axis])) if width[axis] > LEAST_WIDTH else None


LEAST_WIDTH = 1e-7


def _probed(tape: Tape, needed: Sequence[int], alike: Sequence[Group]) -> list[int]:
    """Return the slots whose ends are looked for: the coordinates, and what the hardest of the curves read."""
    slots = list(range(len(tape.statement.coordinates)))
    for slot in needed:
        operation = tape.operations[slot]
        if isinstance(operation, Joint):
            slots += operation.slots
        elif isinstance(operation, Rounding) and not operation.free:
            slots += [operation.slot, slot]
    slots += [group.base for group in alike]
    return [slot for slot in dict.fromkeys(slots) if slot in set(needed)]


def _cut(boxes: Slots, slot: Whole, at: Floats) -> Slots:
    """Return both halves of boxes."""
    places = slot, np.arange(len(boxes))
    lower, upper = boxes.high.copy(), boxes.low.copy()
    lower[places] = upper[places] = at
    return Slots(
        np.concatenate([boxes.low, upper], axis=1),
        np.concatenate([lower, boxes.high], axis=1),
        np.concatenate([boxes.combination, boxes.combination]),
    )
