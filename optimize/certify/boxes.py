"""Boxes of designs, and what can be proved about each: a lower bound, and a smaller box that holds what matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.constants import WATTS_PER_MW
from dawndusk.optimize.certify.affine import LARGEST, STEADY, Form, Forward
from dawndusk.optimize.certify.alike import groups
from dawndusk.optimize.certify.backward import at_point, plane
from dawndusk.optimize.certify.curves import PADDING
from dawndusk.optimize.certify.operations import Rounding, Tape, operands, reached
from dawndusk.optimize.certify.statement import SIZE, Statement
from dawndusk.optimize.certify.tape import Builder

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]

SWEEPS = 2
PLANES = 4
ROW_TOLERANCE = 1e-9
FIRST_STEP = 0.5
DEMAND_SLACK = 1e-8
NOTHING = 1e-12
FLAT = 1e-14
EDGE = 1e-12
"""Widening of what is cut off, relative to the coordinate."""


@dataclass
class Boxes:
    """B boxes.

    ``low`` and ``high`` are ends of the coordinates, shape (d, B); ``least`` and ``most`` ranges of the rounded slots,
    (k, B); ``combination`` and ``bound``, a lower bound on the score, (B,); ``blame`` says where the bound is lost, by
    coordinate and by rounded slot, (d + k, B).
    """

    low: Floats
    high: Floats
    least: Floats
    most: Floats
    combination: NDArray[np.intp]
    bound: Floats
    blame: Floats

    def __len__(self) -> int:
        return int(self.low.shape[1])

    def take(self, chosen: Any) -> Boxes:
        """Return some of the boxes."""
        return Boxes(*(part[..., chosen] for part in vars(self).values()))

    def copy(self) -> Boxes:
        """Return boxes that can be changed without changing these."""
        return Boxes(*(part.copy() for part in vars(self).values()))

    @staticmethod
    def join(parts: Sequence[Boxes]) -> Boxes:
        """Return all boxes of several."""
        return Boxes(*(np.concatenate(same, axis=-1) for same in zip(*(vars(p).values() for p in parts), strict=True)))


@dataclass
class Linear:
    """Linear lower bounds on one function over B boxes: ``slopes . u + below`` for u in [-1, 1]^d, and its least.

    The function is ``sign * slot + shift``; ``slot`` is None where it is the same all over a box.
    """

    slopes: Floats
    below: Floats
    low: Floats
    slot: int | None = None
    sign: float = 1.0
    shift: Any = 0.0


@dataclass
class Verdict:
    """What one look at B boxes proved: ``bound`` is infinite where a box holds nothing of interest."""

    bound: Floats
    lower: Floats
    upper: Floats
    blame: Floats
    forward: Forward


class Bounder:
    """Bounds boxes of one statement."""

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self.axes = len(statement.coordinates)
        self._size = statement.index(SIZE)
        self._fleet = statement.index("satellites")
        low, high = self._ranges()
        self.builder = Builder(statement, low, high)
        self.tape: Tape = self.builder.build()
        self._needed = sorted({*reached(self.tape), *reached(self.tape, operands)})
        self._groups = groups(self.tape.operations, self._needed)
        self.planes = PLANES

    def root(self) -> Boxes:
        """Return one box for each combination of categories, over all ranges."""
        low, high = self._ranges()
        count, rounded = low.shape[1], len(self.tape.roundings)
        return Boxes(
            low,
            high,
            np.full((rounded, count), -np.inf),
            np.full((rounded, count), np.inf),
            np.arange(count),
            np.full(count, -np.inf),
            np.ones((self.axes + rounded, count)),
        )

    def _ranges(self) -> tuple[Floats, Floats]:
        coordinates, count = self.statement.coordinates, len(self.statement.combinations)
        low = np.array([np.full(count, c.low) for c in coordinates])
        high = np.array([np.full(count, c.high) for c in coordinates])
        self._demand(low, high)
        return low, high

    def _demand(self, low: Floats, high: Floats) -> None:
        """Confine the fleet to what a demand in IT power asks for, up to one satellite more."""
        problem, fleet = self.statement.problem, self._fleet
        wanted = problem.assumptions.demand.it_power_mw
        if not (problem.satellites_follow_demand and wanted and fleet is not None):
            return
        need = wanted * WATTS_PER_MW / self.statement.parameters["accelerator.it_power_w"]
        fixed = self.statement.fixed.get(SIZE, 1.0)
        small, large = (fixed, fixed) if self._size is None else (np.exp(low[self._size]), np.exp(high[self._size]))
        if self.statement.coordinates[fleet].power:
            low[fleet], high[fleet] = np.log(need * (1.0 - DEMAND_SLACK)), np.log(need + large)
        else:
            low[fleet], high[fleet] = np.log(need / large * (1.0 - DEMAND_SLACK)), np.log(need / small + 1.0)

    def measure(self, boxes: Boxes, cutoff: float) -> Floats:
        """Return the lower bound of each box, infinite where it holds nothing of interest, shape (B,)."""
        return self.look(boxes, cutoff).bound

    def bound(self, boxes: Boxes, cutoff: float) -> tuple[Boxes, Boxes, Floats]:
        """Return what may hold a design with a score below ``cutoff``, and what does not.

        The first are smaller than the boxes where that is proved, and come with the share of each that is left.
        """
        verdict = self.look(boxes, cutoff)
        middle, half = 0.5 * (boxes.low + boxes.high), 0.5 * (boxes.high - boxes.low)
        edge = EDGE * (1.0 + np.abs(middle))
        alive = verdict.bound < np.inf
        lower, upper = np.where(alive, verdict.lower, -1.0), np.where(alive, verdict.upper, 1.0)
        low = np.maximum(boxes.low, middle + half * lower - edge)
        high = np.minimum(boxes.high, middle + half * upper + edge)
        low, high = np.where(low > high, boxes.low, low), np.where(low > high, boxes.high, high)
        least, most = self._whole_ranges(boxes, verdict.forward)
        alive &= (least <= most).all(axis=0)
        most = np.maximum(most, least)
        found = Boxes(low, high, least, most, boxes.combination, verdict.bound, verdict.blame)
        alive &= self.snap(found)
        left = found.take(alive)
        before = np.maximum(2.0 * half[:, alive], NOTHING)
        ratio = np.prod(np.minimum(np.maximum(left.high - left.low, NOTHING) / before, 1.0), axis=0)
        return left, boxes.take(~alive), ratio

    def look(self, boxes: Boxes, cutoff: float) -> Verdict:
        """Prove what can be proved of boxes, given that only scores up to ``cutoff`` matter."""
        with np.errstate(all="ignore"):
            return self._look(boxes, cutoff)

    def _look(self, boxes: Boxes, cutoff: float) -> Verdict:
        tape, count = self.tape, len(boxes)
        forward = Forward(boxes.low, boxes.high, boxes.combination, boxes.least, boxes.most, tape.limits)
        forward.run(tape.operations, self._needed)
        goal = self._linear(forward.forms[tape.objective], count)
        alive = ~forward.empty
        lower, upper = np.full((self.axes, count), -1.0), np.ones((self.axes, count))
        active: list[Linear] = []
        for row in self._rows(forward, count):
            reach = np.abs(row.slopes).sum(axis=0)
            alive &= ~(row.below - reach > ROW_TOLERANCE) & ~(row.low > ROW_TOLERANCE)
            if ((row.below + reach > 0.0) & alive).any():
                _cut(row.slopes, ROW_TOLERANCE - (row.below - reach), lower, upper)
                active.append(row)
        slopes, below = goal.slopes.copy(), goal.below.copy()
        first = below - np.abs(slopes).sum(axis=0)
        _cut(slopes, cutoff - first, lower, upper)
        multipliers = [np.zeros(count) for _ in active]
        for _ in range(SWEEPS if active else 0):
            for place, row in enumerate(active):
                step = _best_multiplier(slopes, row.slopes, row.below - ROW_TOLERANCE)
                slopes += step * row.slopes
                below += step * (row.below - ROW_TOLERANCE)
                multipliers[place] += step
        dual = below - np.abs(slopes).sum(axis=0)
        _cut(slopes, cutoff - dual, lower, upper)
        bound = np.fmax(np.fmax(np.fmax(first, dual), goal.low), boxes.bound)
        alive &= ~(bound > cutoff) & (lower <= upper).all(axis=0)
        blame = np.zeros((self.axes + len(boxes.least), count))
        if alive.any():
            bound = self._planes(forward, self._weights(active, multipliers), bound, cutoff, (lower, upper), blame)
            alive &= ~(bound > cutoff) & (lower <= upper).all(axis=0)
        return Verdict(np.where(alive, bound, np.inf), lower, upper, blame, forward)

    def _weights(self, active: list[Linear], multipliers: list[Floats]) -> tuple[dict[int, Any], Any]:
        """Return the weights of objective and rows in the Lagrangian, and the constant that belongs to it."""
        weights: dict[int, Any] = {self.tape.objective: np.ones(len(multipliers[0]) if multipliers else 1)}
        shift: Any = 0.0
        for row, multiplier in zip(active, multipliers, strict=True):
            if row.slot is not None and multiplier.any():
                weights[row.slot] = weights.get(row.slot, 0.0) + multiplier * row.sign
                shift = shift + multiplier * (row.shift - ROW_TOLERANCE)
        return weights, shift

    def _planes(
        self,
        forward: Forward,
        lagrangian: tuple[dict[int, Any], Any],
        bound: Floats,
        cutoff: float,
        cuts: tuple[Floats, Floats],
        blame: Floats,
    ) -> Floats:
        """Lift the bounds with planes worked out backwards, each with tangents nearer to the best point of its box."""
        tape = self.tape
        weights, shift = lagrangian
        middle, half = 0.5 * (forward.low + forward.high), 0.5 * (forward.high - forward.low)
        u = np.zeros_like(middle)
        last: tuple[Floats, Floats] | None = None
        mixed: tuple[Floats, Floats] | None = None
        for turn in range(self.planes):
            points = at_point(tape.operations, forward, middle + half * u, self._needed)
            last_turn = blame if turn == self.planes - 1 else None
            slopes, below = plane(tape.operations, forward, weights, points, last_turn, self._groups)
            slopes, below = _known(slopes, below + shift)
            reach = np.abs(slopes).sum(axis=0)
            _cut(slopes, cutoff - (below - reach), *cuts)
            bound = np.maximum(bound, below - reach)
            if mixed is None:
                mixed = slopes, below
            else:
                step = np.minimum(_best_multiplier(mixed[0], slopes - mixed[0], below - mixed[1]), 1.0)
                mixed = mixed[0] + step * (slopes - mixed[0]), mixed[1] + step * (below - mixed[1])
                lifted = mixed[1] - np.abs(mixed[0]).sum(axis=0)
                _cut(mixed[0], cutoff - lifted, *cuts)
                bound = np.maximum(bound, lifted)
            u, last = _downhill(u, slopes, last), (u, slopes)
        return bound

    def _whole_ranges(self, boxes: Boxes, forward: Forward) -> tuple[Floats, Floats]:
        least, most = boxes.least.copy(), boxes.most.copy()
        for place, slot in enumerate(self.tape.roundings):
            *_, low, high = forward.kept[slot]
            form = forward.forms[slot]
            operation = self.tape.operations[slot]
            ends = (np.exp(form.low), np.exp(form.high)) if operation.logarithm else (form.low, form.high)  # type: ignore[union-attr]
            low = np.maximum(low, np.ceil(ends[0] * (1.0 - STEADY) - STEADY))
            high = np.minimum(high, np.floor(ends[1] * (1.0 + STEADY) + STEADY))
            least[place], most[place] = np.maximum(least[place], low), np.minimum(most[place], high)
        return least, most

    def _linear(self, form: Form, count: int) -> Linear:
        slopes = np.zeros((self.axes, count))
        slopes[list(form.axes)] = form.slopes
        return Linear(slopes, np.broadcast_to(form.below, (count,)), np.broadcast_to(form.low, (count,)))

    def _rows(self, forward: Forward, count: int) -> list[Linear]:
        found = []
        for row in self.tape.rows:
            if row.slot is None:
                value = np.broadcast_to(forward.here(row.constant), (count,))
                found.append(Linear(np.zeros((self.axes, count)), value, value))
            else:
                linear = self._linear(forward.forms[row.slot], count)
                linear.slot = row.slot
                found.append(linear)
        for slot in self.tape.roundings:
            found.extend(self._rounded(slot, forward, count))
        return found

    def _rounded(self, slot: int, forward: Forward, count: int) -> list[Linear]:
        """Return the rows that tie a rounded slot's range to what is rounded."""
        operation = self.tape.operations[slot]
        assert isinstance(operation, Rounding)
        form = forward.forms[operation.slot]
        *_, low, high = forward.kept[slot]
        ends = (low - 1.0, high) if operation.up else (low, high + 1.0)
        if operation.free:
            ends = low, high
        if operation.logarithm:
            ends = np.log(np.maximum(ends[0], 0.0)), np.log(ends[1])
        rows = []
        for sign, end in ((-1.0, ends[0]), (1.0, ends[1])):
            low_, below = (form.low, form.below) if sign > 0 else (-form.high, -form.above)
            slopes = np.zeros((self.axes, count))
            slopes[list(form.axes)] = sign * form.slopes
            shift = np.where(np.isfinite(end), -sign * end, -1e6)
            rows.append(Linear(slopes, below + shift, low_ + shift, operation.slot, sign, shift))
        return rows

    def snap(self, boxes: Boxes) -> Flags:
        """Shrink boxes to whole numbers where a coordinate is one; return which are not empty."""
        alive = np.ones(len(boxes), dtype=bool)
        for axis, c in enumerate(self.statement.coordinates):
            if not c.whole or c.power:
                continue
            low, high = boxes.low[axis], boxes.high[axis]
            if c.logarithmic:
                first, last = np.ceil(np.exp(low) * (1.0 - STEADY)), np.floor(np.exp(high) * (1.0 + STEADY))
                boxes.low[axis], boxes.high[axis] = np.log(first), np.log(np.maximum(last, first))
            else:
                first, last = np.ceil(low - STEADY), np.floor(high + STEADY)
                boxes.low[axis], boxes.high[axis] = first, np.maximum(last, first)
            alive &= first <= last
        if self._fleet is not None:
            self._snap_fleet(boxes, self._fleet, alive)
        return alive

    def _snap_fleet(self, boxes: Boxes, fleet: int, alive: Flags) -> None:
        """Shrink the fleet to whole numbers of satellites where their size is known."""
        if self.statement.coordinates[fleet].power == 0.0 or self._size is None:
            return
        small, large = boxes.low[self._size], boxes.high[self._size]
        first = np.ceil(np.exp(boxes.low[fleet] - large) * (1.0 - STEADY))
        last = np.floor(np.exp(boxes.high[fleet] - small) * (1.0 + STEADY))
        alive &= first <= last
        low = np.maximum(boxes.low[fleet], np.log(first) + small)
        boxes.low[fleet] = low
        boxes.high[fleet] = np.maximum(np.minimum(boxes.high[fleet], np.log(np.maximum(last, 1.0)) + large), low)


def _known(slopes: Floats, below: Floats) -> tuple[Floats, Floats]:
    """Return planes lowered by what rounding may do, in place of those that overflowed one that says nothing."""
    below = below - PADDING * (np.abs(below) + np.abs(slopes).sum(axis=0))
    lost = ~np.isfinite(below)
    return np.where(lost, 0.0, slopes), np.where(lost, -LARGEST, below)


def _downhill(u: Floats, slopes: Floats, last: tuple[Floats, Floats] | None) -> Floats:
    """Return points of the box further down, by a step as long as the last two slopes suggest (Barzilai, Borwein)."""
    steepest = np.maximum(np.abs(slopes).max(axis=0), 1e-300)
    step = FIRST_STEP / steepest
    if last is not None:
        moved, changed = u - last[0], slopes - last[1]
        bent = (moved * changed).sum(axis=0)
        length = (moved * moved).sum(axis=0)
        step = np.where(bent > 0.0, np.minimum(length / np.where(bent > 0.0, bent, 1.0), 2.0 / steepest), step)
    found: Floats = np.clip(u - step * slopes, -1.0, 1.0)
    return found


def _cut(slopes: Floats, slack: Floats, lower: Floats, upper: Floats) -> None:
    """Tighten ``lower`` and ``upper`` with a linear inequality whose least value is ``slack`` below its limit."""
    steep = np.abs(slopes)
    reach = np.where(steep > 0.0, slack / np.where(steep > 0.0, steep, 1.0), np.inf)
    # Where numbers overflowed nothing is known, and nothing is cut: these two leave out what is no number.
    np.fmin(upper, np.where(slopes > 0.0, reach - 1.0, np.inf), out=upper)
    np.fmax(lower, np.where(slopes < 0.0, 1.0 - reach, -np.inf), out=lower)


def _best_multiplier(slopes: Floats, row: Floats, below: Floats) -> Floats:
    """Return the multiplier >= 0 of one row that lifts ``below + t b - |slopes + t row|_1`` highest, shape (B,)."""
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
