"""Boxes of designs, and what can be proved about each: a lower bound, and a smaller box that holds what matters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.constants import WATTS_PER_MW
from dawndusk.optimize.boxes import Boxes
from dawndusk.optimize.certify.bound.affine import ForwardBounds
from dawndusk.optimize.certify.bound.bundle import BundleMethod, BundleState
from dawndusk.optimize.certify.bound.curve_sums import groups
from dawndusk.optimize.certify.bound.forms import STEADY
from dawndusk.optimize.certify.bound.rows import LinearBounds, best_multiplier, count_rows, cut, linear, linear_rows
from dawndusk.optimize.certify.graph.operations import ExpressionGraph, operands, reached
from dawndusk.optimize.certify.graph.statement import SIZE, Statement
from dawndusk.optimize.certify.translate.builder import Builder

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]

SWEEPS = 2
PLANES = 4
DEMAND_SLACK = 1e-8
NOTHING = 1e-12
DEAREST = 1e30
"""Prices are handed on in single precision, up to this."""
EDGE = 1e-12
"""Widening of what is cut off, relative to the coordinate."""


@dataclass
class BoxBounds:
    """What one look at B boxes proved: ``bound`` is infinite where a box holds nothing of interest."""

    bound: Floats
    known: BundleState
    forward: ForwardBounds


class Bounder:
    """Bounds boxes of one statement."""

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self.axes = len(statement.coordinates)
        self._size = statement.index(SIZE)
        self._fleet = statement.index("satellites")
        low, high = self._ranges()
        self.widths: Floats = np.maximum((high - low).max(axis=1, keepdims=True), NOTHING)
        """How wide the coordinates are over the whole problem, shape (d, 1)."""
        self.builder = Builder(statement, low, high)
        self.graph: ExpressionGraph = self.builder.build()
        self._needed = sorted({*reached(self.graph), *reached(self.graph, operands)})
        self._lifter = BundleMethod(self.graph, self._needed, groups(self.graph.operations, self._needed), PLANES)

    def root(self) -> Boxes:
        """Return one box for each combination of categories, over all ranges."""
        low, high = self._ranges()
        count, rounded = low.shape[1], len(self.graph.roundings)
        return Boxes(
            low,
            high,
            np.full((rounded, count), -np.inf),
            np.full((rounded, count), np.inf),
            np.arange(count),
            np.full(count, -np.inf),
            np.ones((self.axes + rounded, count)),
            (0.5 * (low + high)).astype(np.float32),
            np.zeros((count_rows(self.graph), count), dtype=np.float32),
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
        known = verdict.known
        lower, upper = np.where(alive, known.lower, -1.0), np.where(alive, known.upper, 1.0)
        low = np.maximum(boxes.low, middle + half * lower - edge)
        high = np.minimum(boxes.high, middle + half * upper + edge)
        low, high = np.where(low > high, boxes.low, low), np.where(low > high, boxes.high, high)
        least, most = self._whole_ranges(boxes, verdict.forward)
        alive &= (least <= most).all(axis=0)
        most = np.maximum(most, least)
        at = (middle + half * known.u).astype(np.float32)
        multipliers = np.minimum(known.multipliers, DEAREST).astype(np.float32)
        found = Boxes(low, high, least, most, boxes.combination, verdict.bound, known.blame, at, multipliers)
        alive &= self.snap(found)
        left = found.take(alive)
        before = np.maximum(2.0 * half[:, alive], NOTHING)
        ratio = np.prod(np.minimum(np.maximum(left.high - left.low, NOTHING) / before, 1.0), axis=0)
        return left, boxes.take(~alive), ratio

    def look(self, boxes: Boxes, cutoff: float) -> BoxBounds:
        """Prove what can be proved of boxes, given that only scores up to ``cutoff`` matter."""
        with np.errstate(all="ignore"):
            return self._look(boxes, cutoff)

    def _look(self, boxes: Boxes, cutoff: float) -> BoxBounds:
        graph, count = self.graph, len(boxes)
        forward = ForwardBounds(boxes.low, boxes.high, boxes.combination, boxes.least, boxes.most, graph.limits)
        forward.run(graph.operations, self._needed)
        known = self._start(boxes)
        alive, active = self._met(forward, known)
        alive &= ~forward.empty
        goal = linear(forward.forms[graph.objective], self.axes, count)
        first = self._first_prices(goal, active, boxes, known)
        for slopes, below in first:
            least = below - np.abs(slopes).sum(axis=0)
            cut(slopes, cutoff - least, known.lower, known.upper)
            known.bound = np.fmax(known.bound, least)
        known.bound[~alive] = np.inf
        self._lifter.lift(forward, goal, active, known, cutoff)
        return BoxBounds(np.where(alive & known.is_open(cutoff), known.bound, np.inf), known, forward)

    def _start(self, boxes: Boxes) -> BundleState:
        """Return what is known of boxes before they are looked at."""
        middle, half = 0.5 * (boxes.low + boxes.high), 0.5 * (boxes.high - boxes.low)
        u = np.clip(np.where(half > 0.0, (boxes.at - middle) / np.where(half > 0.0, half, 1.0), 0.0), -1.0, 1.0)
        return BundleState(
            bound=boxes.bound.copy(),
            lower=np.full(boxes.low.shape, -1.0),
            upper=np.ones(boxes.low.shape),
            blame=np.zeros(boxes.blame.shape),
            u=u,
            multipliers=boxes.multipliers.astype(np.float64),
        )

    def _met(self, forward: ForwardBounds, known: BundleState) -> tuple[Flags, list[LinearBounds]]:
        """Cut off what breaks a row, and return which boxes are left and the rows that may be broken in any of them."""
        alive = np.ones(forward.count, dtype=bool)
        active = []
        multipliers = np.zeros_like(known.multipliers)
        for row in linear_rows(self.graph, forward):
            reach = np.abs(row.slopes).sum(axis=0)
            alive &= ~(row.below - reach > row.tolerance) & ~(row.low > row.tolerance)
            row.counts = (row.below + reach > 0.0) & alive
            if row.counts.any():
                cut(row.slopes, row.tolerance - (row.below - reach), known.lower, known.upper)
                if row.node is not None:
                    active.append(row)
                    multipliers[row.place] = np.where(row.counts, known.multipliers[row.place], 0.0)
        known.multipliers = multipliers
        return alive, active

    @staticmethod
    def _first_prices(
        goal: LinearBounds, active: list[LinearBounds], boxes: Boxes, known: BundleState
    ) -> tuple[tuple[Floats, Floats], ...]:
        """Price the rows of boxes that nobody looked at yet; return the objective and the Lagrangian, both linear."""
        known.bound = np.fmax(known.bound, goal.low)
        slopes, below = goal.slopes.copy(), goal.below.copy()
        for row in active:
            slopes += known.multipliers[row.place] * row.slopes
            below += known.multipliers[row.place] * (row.below - row.tolerance)
        fresh = boxes.bound == -np.inf
        for _ in range(SWEEPS if fresh.any() else 0):
            for row in active:
                step = np.where(fresh & row.counts, best_multiplier(slopes, row.slopes, row.below - row.tolerance), 0.0)
                slopes += step * row.slopes
                below += step * (row.below - row.tolerance)
                known.multipliers[row.place] += step
        return (goal.slopes, goal.below), (slopes, below)

    def _whole_ranges(self, boxes: Boxes, forward: ForwardBounds) -> tuple[Floats, Floats]:
        least, most = boxes.least.copy(), boxes.most.copy()
        for place, node in enumerate(self.graph.roundings):
            *_, low, high = forward.kept[node]
            form = forward.forms[node]
            operation = self.graph.operations[node]
            ends = (np.exp(form.low), np.exp(form.high)) if operation.logarithm else (form.low, form.high)  # type: ignore[union-attr]
            low = np.maximum(low, np.ceil(ends[0] * (1.0 - STEADY) - STEADY))
            high = np.minimum(high, np.floor(ends[1] * (1.0 + STEADY) + STEADY))
            least[place], most[place] = np.maximum(least[place], low), np.minimum(most[place], high)
        return least, most

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
