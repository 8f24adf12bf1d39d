"""Combinations of categories as one mixed-integer linear model, refined where it is furthest from the physics."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.certify.functions.curves import RAMP
from dawndusk.optimize.certify.graph.operations import (
    ExpressionGraph,
    Grid,
    Product,
    Rounding,
    Table,
    Univariate,
    here,
    varies,
)
from dawndusk.optimize.certify.lp.engine import LpSolver
from dawndusk.optimize.certify.lp.mixed_integer.pieces import (
    breaks_for,
    count_whole,
    cut,
    cut_grid,
    enumerate_whole,
    is_pieced,
)
from dawndusk.optimize.certify.lp.model.columns import LinearRow, NodeRanges
from dawndusk.optimize.certify.lp.model.lines import PlaneBound, plane_at
from dawndusk.optimize.certify.lp.model.relaxation import Relaxation
from dawndusk.optimize.certify.lp.values import rounded

Floats: TypeAlias = NDArray[np.float64]

MOST_WHOLE = 400
"""Roundings to more numbers than this stay continuous, with the slack of their rounding."""
SHORTFALLS = ("least", "most", "tangent", "table", "plane", "product", "rounded", "ramp", "pieced", "patches")
MOST_PATCHES = 8
SMALLEST_DUAL, SMALLEST_SHORTFALL, SMALLEST_MISS = 1e-9, 1e-7, 1e-6
TIGHTER = 0.25
"""How much narrower the bands of a node become each time it is refined."""


@dataclass(frozen=True, eq=False)
class MilpAnswer:
    """What one solve said: a valid bound, a point of the relaxation (values of all columns by node) and the words."""

    bound: float
    values: dict[int, float] | None
    shortfalls: dict[int, float]
    words: str
    seconds: float


@dataclass(eq=False)
class CombinationModel:
    """One combination: its ranges, and where its model has been refined so far."""

    graph: ExpressionGraph
    needed: Sequence[int]
    members: tuple[int, ...]
    ranges: NodeRanges
    widths: dict[int, float] = field(default_factory=dict)
    touched: dict[int, list[float]] = field(default_factory=dict)
    planes: dict[int, list[PlaneBound]] = field(default_factory=dict)
    whole: set[int] = field(default_factory=set)
    patches: dict[int, int] = field(default_factory=dict)
    touched_grids: set[int] = field(default_factory=set)

    @property
    def combination(self) -> int:
        """The first of its combinations."""
        return self.members[0]

    def limit(self, target: float) -> None:
        """Look only at objectives up to a target."""
        high = self.ranges.high
        high[self.graph.objective] = min(high[self.graph.objective], target)

    def relaxation(self) -> Relaxation:
        """Return the linear model without its choices."""
        found = Relaxation(self.graph, self.members, self.needed, self.ranges, self.touched)
        for node, planes in self.planes.items():
            operation = self.graph.operations[node]
            assert isinstance(operation, Grid)
            for plane in planes:
                found.plane(node, operation, plane)
        return found

    def model(self) -> Relaxation:
        """Return the model with its pieces."""
        found = self.relaxation()
        for node, tolerance in self.widths.items():
            cut(found, node, breaks_for(found, node, tolerance))
        for node, count in self.patches.items():
            cut_grid(found, node, count)
        for node in sorted(self.whole):
            if 1 < count_whole(found, node) <= MOST_WHOLE:
                enumerate_whole(found, node)
        return found

    def solve_linear(self) -> MilpAnswer:
        """Solve the model without its choices; the bound is safe whatever the solver's tolerances."""
        begin = time.monotonic()
        relaxation = self.relaxation()
        if relaxation.contradiction:
            return MilpAnswer(np.inf, None, {}, f"infeasible: {relaxation.contradiction}", time.monotonic() - begin)
        engine = LpSolver(relaxation)
        cost, shift = objective_of(relaxation)
        answer = engine.minimise(cost)
        if answer.point is None:
            return MilpAnswer(answer.bound, None, {}, answer.words, time.monotonic() - begin)
        values, shortfalls = self._explained(engine, answer.point)
        return MilpAnswer(shift + answer.bound, values, shortfalls, answer.words, time.monotonic() - begin)

    @staticmethod
    def _values(model: Relaxation, point: Floats) -> dict[int, float]:
        columns = model.middle + model.half * point
        return {
            node: shift + (factor * float(columns[model.position[column]]) if column is not None else 0.0)
            for node, (column, factor, shift) in model.columns.of.items()
        }

    def _explained(self, engine: LpSolver, point: Floats) -> tuple[dict[int, float], dict[int, float]]:
        """Return the values of the nodes, and by how much the objective is too low for each node's enclosure."""
        model = engine.relaxation
        values = self._values(model, point)
        dual = engine.multipliers
        found: dict[int, float] = {}
        for k in np.flatnonzero(np.abs(dual) > SMALLEST_DUAL):
            row = model.rows[k]
            family, _, rest = row.name.partition("_")
            if family not in SHORTFALLS:
                continue
            node = int(rest.split("_")[0])
            weight = dual[k] * _row_scale(model, row)
            found[node] = found.get(node, 0.0) + weight * (self.exact(node, values) - values[node])
        return values, found

    def exact(self, node: int, values: dict[int, float]) -> float:
        """Return what a node would be in the physics at the arguments that it has in a solution."""
        operation = self.graph.operations[node]
        if isinstance(operation, Univariate):
            return float(operation.curve.value(np.float64(values[operation.node])))
        row = getattr(operation, "row", 0.0)
        if varies(row, self.members):
            return values[node]
        number = round(here(row, self.combination))
        if isinstance(operation, Table):
            return float(operation.ranges.at(np.float64(values[operation.node]), number))
        if isinstance(operation, Grid):
            return float(operation.ranges.at(np.float64(values[operation.x]), np.float64(values[operation.y]), number))
        if isinstance(operation, Product):
            return values[operation.x] * values[operation.y]
        assert isinstance(operation, Rounding)
        known = operation.free or node in self.whole
        return values[node] if known else rounded(operation, values[operation.node])

    def refine(self, solved: MilpAnswer, wanted: float) -> int:
        """Refine where a solution falls short most, until what is left adds up to ``wanted``; return how often."""
        if solved.values is None:
            return 0
        ranked = sorted(solved.shortfalls.items(), key=lambda item: -item[1])
        left = sum(max(error, 0.0) for _, error in ranked)
        refined = 0
        for node, error in ranked:
            if left <= wanted or error <= SMALLEST_SHORTFALL:
                break
            refined += self._refine_node(node, solved.values, error, wanted / 10.0)
            left -= error
        self._touch(solved)
        return refined

    def _refine_node(self, node: int, values: dict[int, float], error: float, wanted: float) -> int:
        operation = self.graph.operations[node]
        if isinstance(operation, Rounding):
            if node in self.whole:
                return 0
            self.whole.add(node)
            return 1
        if isinstance(operation, Grid):
            at = values[operation.x], values[operation.y]
            self.planes.setdefault(node, []).extend(self._planes_at(node, at))
            if node in self.touched_grids:
                self.patches[node] = min(2 * self.patches.get(node, 1), MOST_PATCHES)
            self.touched_grids.add(node)
            return 1
        if not is_pieced(operation):
            return 0
        band = abs(self.exact(node, values) - values[node])
        known = self.widths.get(node, np.inf)
        share = max(min(wanted / error, TIGHTER), 0.02)
        self.widths[node] = min(known * 0.7, band * share * 1.5)
        return 1

    def _planes_at(self, node: int, at: tuple[float, float]) -> list[PlaneBound]:
        points = self.relaxation().corners[node]
        return [plane_at(points, at, below=below) for below in (True, False)]

    def _touch(self, solved: MilpAnswer) -> None:
        """Add a tangent to every curve that a solution misses on the side of its tangents."""
        assert solved.values is not None
        for node in self.needed:
            operation = self.graph.operations[node]
            if not isinstance(operation, Univariate) or operation.curve is RAMP:
                continue
            at, value = solved.values[operation.node], solved.values[node]
            exact = float(operation.curve.value(np.float64(at)))
            missed = exact - value if operation.curve.convex else value - exact
            if missed > SMALLEST_MISS:
                self.touched.setdefault(node, []).append(at)


def objective_of(model: Relaxation) -> tuple[Floats, float]:
    """Return the costs of the scaled columns and the constant of the objective."""
    column, factor, shift = model.columns.of[model.graph.objective]
    assert column is not None
    place = model.position[column]
    cost = np.zeros(len(model.middle))
    cost[place] = factor * model.half[place]
    return cost, shift + factor * float(model.middle[place])


def _row_scale(model: Relaxation, row: LinearRow) -> float:
    largest = max(abs(factor) * model.half[model.position[column]] for column, factor in row.terms)
    return float(np.exp2(-np.round(np.log2(largest))))


__all__ = ["CombinationModel", "MilpAnswer", "objective_of"]
