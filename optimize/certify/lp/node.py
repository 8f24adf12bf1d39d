"""One part of a combination: its linear model, cut where its solution leaves the physics, and what that proves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.certify.bound.curve_sums import CurveSum, tangent
from dawndusk.optimize.certify.functions.curves import RAMP
from dawndusk.optimize.certify.functions.joint import LOGS, LogServed
from dawndusk.optimize.certify.graph.operations import Grid, Joint, Rounding, Univariate, here
from dawndusk.optimize.certify.lp.engine import LpSolver
from dawndusk.optimize.certify.lp.model.columns import LinearRow, NodeRanges
from dawndusk.optimize.certify.lp.model.joint import NEAR, upper_plane
from dawndusk.optimize.certify.lp.model.lines import plane_at, tangents_at
from dawndusk.optimize.certify.lp.model.template import Template
from dawndusk.optimize.certify.lp.obbt import PAD, BoundTightening, End
from dawndusk.optimize.certify.lp.values import exact_at

Floats: TypeAlias = NDArray[np.float64]

SMALLEST_DUAL = 1e-9
SMALLEST_MISS = 1e-6
COUNTS = 0.03
"""Share of all shortfall from which a node's rows are cut closer."""
MOST_ROUNDS = 4
LEAST_GAIN = 0.05
"""Share of what is left to the target that a round of cuts has to gain for another one."""
SHARE_OF_MIDDLE, LEAST_SHARE = 0.6, 0.2
"""How far from the value of the solution to the middle a range is split, and how near to an end at most."""
NARROWEST = 1e-7
"""Widths of ranges below it are not split any more."""
SHARE_OF_MISS = 0.05
"""How near to what is served a plane has to be, as a share of how far the solution is from it."""
WORTH = np.array([0.5, 1.0, 1.0, 0.5, 1.0, 1.0])
"""How much a unit of the arguments of what is served moves its exponents, spares and oversize as they count less."""
WHOLE = 1e-6
SINGLE = 1e-7
"""Width of a range up to which it holds one number."""


Kept: TypeAlias = tuple[LinearRow, tuple[tuple[int, float], ...] | None]
"""A row that a solution was cut off by, and where it bounds a sum of curves their nodes and weights in it."""


@dataclass(frozen=True, eq=False)
class NodeBound:
    """What the linear model of a part proved.

    ``bound`` is infinite where it holds nothing of interest. ``values`` are those of the nodes in its solution, shape
    (nodes,), None without one; ``shortfalls`` by how much the objective is too low for the enclosure of each node.
    ``low`` and ``high`` are the ranges that are left.
    """

    bound: float
    values: Floats | None
    shortfalls: dict[int, float]
    low: Floats
    high: Floats
    words: str
    kept: tuple[Kept, ...] = ()
    """Rows by which the model was cut and that bind: they hold in every part of it as well."""
    gains: tuple[tuple[End, float], ...] = ()
    """What share of its range each end took away that was looked for."""


class NodeRelaxation:
    """The linear model of one part while it is solved and cut."""

    def __init__(
        self, template: Template, low: Floats, high: Floats, target: float, inherited: Sequence[Kept] = ()
    ) -> None:
        self.added = list(inherited)
        self.template, self.target = template, target
        self.low, self.high = low, high
        self.model = template.model(NodeRanges(low, high), more=[row for row, _ in self.added])
        self.written = len(self.model.written.lengths) - len(self.added)
        self.concave: dict[int, dict[bytes, bool]] = {}

    def bounded(self, groups: list[CurveSum], ends: Sequence[End] = ()) -> NodeBound:
        """Solve, cut and solve again while that pays; then look for ends of nodes by linear programmes."""
        if self.model.contradiction:
            return NodeBound(np.inf, None, {}, self.low, self.high, f"infeasible: {self.model.contradiction}")
        engine = LpSolver(self.model)
        cost, shift = self._objective()
        best, values = -np.inf, None
        shortfalls: dict[int, float] = {}
        for turn in range(MOST_ROUNDS + 1):
            answer = engine.minimise(cost)
            bound = shift + answer.bound
            gain, best = bound - best, max(best, bound)
            if answer.point is None:
                return NodeBound(best, values, shortfalls, self.low, self.high, answer.words)
            values = self._values(answer.point)
            self._narrow(engine, cost, answer.bound, shift)
            shortfalls, weights = self._explained(engine, values)
            done = best >= self.target or (turn > 0 and gain < LEAST_GAIN * (self.target - best))
            if done or turn == MOST_ROUNDS:
                break
            rows = self._cuts(values, shortfalls, weights, groups)
            if not rows:
                break
            engine.add([row for row, _ in rows])
            self.added += rows
        multipliers = engine.multipliers
        probe = BoundTightening(self.template, self.model, engine)
        if best < self.target and np.isfinite(self.target) and not probe.narrow(ends, self.low, self.high):
            return NodeBound(np.inf, None, {}, self.low, self.high, answer.words)
        dual = np.abs(multipliers)[self.written :] > SMALLEST_DUAL
        kept = tuple(row for row, binds in zip(self.added, dual, strict=True) if binds)
        return NodeBound(best, values, shortfalls, self.low, self.high, answer.words, kept, tuple(probe.gains))

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of its model."""
        return self.written + len(self.added), len(self.model.middle)

    def _objective(self) -> tuple[Floats, float]:
        template, model = self.template, self.model
        place, factor, shift = template.place_of(template.graph.objective)
        cost = np.zeros(len(model.middle))
        cost[place] = factor * model.half[place]
        return cost, shift + factor * float(model.middle[place])

    def _values(self, point: Floats) -> Floats:
        template = self.template
        columns = self.model.middle + self.model.half * point
        found = np.full(len(template.graph.operations), np.nan)
        found[list(template.constants)] = list(template.constants.values())
        found[template.nodes] = template.shifts + template.factors * columns[template.places]
        return found

    def _narrow(self, engine: LpSolver, cost: Floats, bound: float, shift: float) -> None:
        """Narrow the ranges of the columns by their reduced costs, as far as only what beats the target matters."""
        room = self.target - (bound + shift)
        if not np.isfinite(room) or room <= 0.0:
            return
        dual = engine.kept(engine.multipliers)
        rest = cost - engine.transposed @ dual
        with np.errstate(all="ignore"):
            most = np.where(rest > SMALLEST_DUAL, engine.low + room / rest, engine.high)
            least = np.where(rest < -SMALLEST_DUAL, engine.high + room / rest, engine.low)
        low, high = np.maximum(engine.low, least), np.minimum(engine.high, most)
        template, model = self.template, self.model
        ends = (
            template.shifts + template.factors * (model.middle + model.half * low)[template.places],
            template.shifts + template.factors * (model.middle + model.half * high)[template.places],
        )
        pad = PAD * (1.0 + np.abs(ends[0]) + np.abs(ends[1]))
        self.low[template.nodes] = np.maximum(self.low[template.nodes], np.minimum(*ends) - pad)
        self.high[template.nodes] = np.minimum(self.high[template.nodes], np.maximum(*ends) + pad)

    def _explained(self, engine: LpSolver, values: Floats) -> tuple[dict[int, float], dict[int, float]]:
        """Return by how much the objective is too low for each node's enclosure, and what each node weighs in it."""
        dual = engine.multipliers
        weighed = dual * self.model.row_scales
        weights: dict[int, float] = {}
        found: dict[int, float] = {}
        for k in np.flatnonzero(np.abs(dual) > SMALLEST_DUAL):
            node = int(self.model.row_nodes[k])
            joined = self.added[k - self.written][1] if k >= self.written else None
            terms = joined or (((node, 1.0),) if node >= 0 else ())
            for inner, factor in terms:
                weights[inner] = weights.get(inner, 0.0) + factor * weighed[k]
        for node, weight in weights.items():
            if self.low[node] + SINGLE >= self.high[node]:
                continue
            missed = exact_at(self.template.graph, self.template.combination, node, values) - values[node]
            found[node] = weight * missed
        for nodes in (tuple(s for s, _ in terms) for _, terms in self.added if terms):
            total = sum(found.pop(node, 0.0) for node in nodes[1:])
            if nodes[0] in found:
                found[nodes[0]] += total
        return found, weights

    def _cuts(
        self, values: Floats, shortfalls: dict[int, float], weights: dict[int, float], groups: list[CurveSum]
    ) -> list[Kept]:
        """Return rows that the solution breaks, where they count."""
        self.model.rows = []
        total = sum(max(error, 0.0) for error in shortfalls.values())
        joined = [terms for group in groups if (terms := self._join(group, values, weights)) is not None]
        for node, error in shortfalls.items():
            if error > COUNTS * total:
                self._cut(node, values)
        rows, self.model.rows = self.model.rows, []
        return [(row, joined[k] if k < len(joined) else None) for k, row in enumerate(rows)]

    def _join(self, group: CurveSum, values: Floats, weights: dict[int, float]) -> tuple[tuple[int, float], ...] | None:
        """Bound curves of one node by a tangent of their weighted sum; return nodes and weights where that cuts."""
        members = [m for m in group.members if abs(weights.get(m.node, 0.0)) > SMALLEST_DUAL]
        if len(members) < 2:  # noqa: PLR2004 (one curve has tangents of its own)
            return None
        ends = self.model.ranges.within(group.base)
        at = float(np.clip(values[group.base], *ends))
        number = self.template.combination
        weighed = [(m, np.array([weights[m.node]]), here(m.factor, number), here(m.shift, number)) for m in members]
        slope, value, _ = tangent(weighed, *(np.array([x]) for x in (*ends, at)))
        now = sum(weights[m.node] * values[m.node] for m in members)
        if now > float(value[0]) - SMALLEST_MISS:
            return None
        terms = tuple((m.node, weights[m.node]) for m in members)
        start = float(value[0]) - float(slope[0]) * at
        self.model.add("alike_sum", [*terms, (group.base, -float(slope[0]))], start, np.inf)
        return terms

    def _cut(self, node: int, values: Floats) -> None:
        operation, model = self.template.graph.operations[node], self.model
        if isinstance(operation, Univariate) and operation.curve is not RAMP:
            low, high = model.ranges.within(operation.node)
            at = np.clip(values[[operation.node]], low, high)
            missed = float(operation.curve.value(at)[0]) - values[node]
            if (missed if operation.curve.convex else -missed) > SMALLEST_MISS:
                for line in tangents_at(operation.curve, low, high, at):
                    model.line(node, operation.node, line.slope, line.start, below=line.below, name=f"tangent_{node}")
        elif isinstance(operation, Grid):
            for below in (True, False):
                at_xy = float(values[operation.x]), float(values[operation.y])
                model.plane(node, operation, plane_at(model.corners[node], at_xy, below=below))
        elif isinstance(operation, Joint):
            self._cut_joint(node, operation, values)

    def _cut_joint(self, node: int, operation: Joint, values: Floats) -> None:
        function = operation.function
        assert isinstance(function, LogServed)
        ends = np.array([self.model.ranges.within(inner) for inner in operation.nodes])
        at = np.clip(values[list(operation.nodes)], ends[:, 0], ends[:, 1])
        missed = values[node] - float(function.value(at[:, np.newaxis])[0])
        near = max(NEAR, SHARE_OF_MISS * missed)
        found = upper_plane(function, ends[:, 0], ends[:, 1], at, self.concave.setdefault(node, {}), near)
        if found is not None and values[node] > float(found[0] @ at) + found[1] + SMALLEST_MISS:
            terms = [(inner, -float(slope)) for inner, slope in zip(operation.nodes, found[0], strict=True)]
            self.model.add(f"joint_{node}", [(node, 1.0), *terms], -np.inf, found[1])


def place_to_split(template: Template, found: NodeBound, widths: Floats) -> tuple[int, float] | None:
    """Return the node that is behind most of what is lost, and where to split it; None where none is left.

    ``widths`` are those of the nodes at first: of two that a look-up reads the one that is wider by that is taken.
    """
    graph = template.graph
    merits: dict[int, float] = {}
    assert found.values is not None
    for node, error in found.shortfalls.items():
        if error > SMALLEST_DUAL:
            chosen = _behind(template, node, found, widths)
            if chosen is not None:
                merits[chosen] = merits.get(chosen, 0.0) + error
    if not merits:
        return None
    node = max(merits, key=lambda one: merits[one])
    low, high = float(found.low[node]), float(found.high[node])
    if not np.isfinite(low + high):
        return node, float(found.values[node])
    middle = 0.5 * (low + high)
    at = SHARE_OF_MIDDLE * middle + (1.0 - SHARE_OF_MIDDLE) * float(found.values[node])
    at = float(np.clip(at, low + LEAST_SHARE * (high - low), high - LEAST_SHARE * (high - low)))
    operation = graph.operations[node]
    return node, _between(operation, low, high, at) if isinstance(operation, Rounding) else at


def _between(operation: Rounding, low: float, high: float, at: float) -> float:
    """Return a place near ``at`` between two whole numbers of the range of a rounding."""
    ends, near = np.array([low, high]), at
    if operation.logarithm:
        ends, near = np.exp(ends), float(np.exp(at))
    near = float(np.clip(np.floor(near), np.ceil(ends[0] - WHOLE), np.floor(ends[1] + WHOLE) - 1.0)) + 0.5
    return float(np.log(near)) if operation.logarithm else near


def _behind(template: Template, node: int, found: NodeBound, widths: Floats) -> int | None:
    """Return the node whose range is behind the enclosure of a node."""
    operation = template.graph.operations[node]
    low, high = found.low, found.high
    if isinstance(operation, Rounding):
        if operation.free:
            return None
        ends = np.exp([low[node], high[node]]) if operation.logarithm else np.array([low[node], high[node]])
        return node if np.floor(ends[1] + WHOLE) - np.ceil(ends[0] - WHOLE) >= 1.0 else None
    if isinstance(operation, Joint):
        reads = np.array(operation.nodes)
        sizes = np.stack([low[reads], high[reads]])
        sizes[:, LOGS] = np.exp(sizes[:, LOGS])
        chosen = int(reads[np.argmax((sizes[1] - sizes[0]) * WORTH)])
    else:
        reads = template.reads[node]
        if not len(reads):
            return None
        chosen = int(reads[np.argmax((high[reads] - low[reads]) / widths[reads])])
    return chosen if high[chosen] - low[chosen] > NARROWEST * (1.0 + abs(low[chosen])) else None
