"""Combinations of categories as one mixed-integer linear model, refined where it is furthest from the physics."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import highspy
import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.certify.curves import RAMP
from dawndusk.optimize.certify.milp_columns import LinearRow, Ranges, propagated
from dawndusk.optimize.certify.milp_engine import FEASIBILITY, THREADS, Engine
from dawndusk.optimize.certify.milp_lines import Plane, plane_at
from dawndusk.optimize.certify.milp_pieces import breaks_for, count_whole, cut, cut_grid, enumerate_whole, is_pieced
from dawndusk.optimize.certify.milp_relaxation import Relaxation
from dawndusk.optimize.certify.milp_values import rounded, values_at
from dawndusk.optimize.certify.operations import (
    Bend,
    Grid,
    Input,
    Product,
    Rounding,
    Table,
    Tape,
    here,
    reads,
    varies,
)

Floats: TypeAlias = NDArray[np.float64]

MOST_WHOLE = 400
"""Roundings to more numbers than this stay continuous, with the slack of their rounding."""
PADDING = 1e-6
"""Least that is taken off a bound of a mixed-integer model, in units of the score. HiGHS may miss each row, scaled to
coefficients near one, and each binary by ``FEASIBILITY``: that moves a bound by this times the sum of the rows'
multipliers, of which ten times as much is taken off where it is more than the padding."""
SHORTFALLS = ("least", "most", "tangent", "table", "plane", "product", "rounded", "ramp", "pieced", "patches")
DUAL_SIMPLEX = 1
MOST_PATCHES = 8
SMALLEST_DUAL, SMALLEST_SHORTFALL, SMALLEST_MISS = 1e-9, 1e-7, 1e-6
TIGHTER = 0.25
"""How much narrower the bands of a slot become each time it is refined."""


@dataclass(frozen=True, eq=False)
class Solved:
    """What one solve said: a valid bound, a point of the relaxation (values of all columns by slot) and the words."""

    bound: float
    values: dict[int, float] | None
    shortfalls: dict[int, float]
    words: str
    seconds: float


@dataclass(eq=False)
class Case:
    """One combination: its ranges, and where its model has been refined so far."""

    tape: Tape
    needed: Sequence[int]
    members: tuple[int, ...]
    ranges: Ranges
    bound: float = -np.inf
    breaks: dict[int, Floats] = field(default_factory=dict)
    widths: dict[int, float] = field(default_factory=dict)
    touched: dict[int, list[float]] = field(default_factory=dict)
    planes: dict[int, list[Plane]] = field(default_factory=dict)
    whole: set[int] = field(default_factory=set)
    patches: dict[int, int] = field(default_factory=dict)
    touched_grids: set[int] = field(default_factory=set)
    multipliers: float = 0.0
    """Greatest sum of the multipliers of the rows of a model so far."""
    last: Solved | None = None
    stalled: bool = False
    size: tuple[int, int, int] = (0, 0, 0)
    """Columns, rows and pieces of the latest model."""

    @property
    def combination(self) -> int:
        """The first of its combinations."""
        return self.members[0]

    def limit(self, target: float) -> None:
        """Look only at objectives up to a target."""
        high = self.ranges.high
        high[self.tape.objective] = min(high[self.tape.objective], target)

    def relaxation(self) -> Relaxation:
        """Return the linear model without its choices."""
        found = Relaxation(self.tape, self.members, self.needed, self.ranges, self.touched)
        for slot, planes in self.planes.items():
            operation = self.tape.operations[slot]
            assert isinstance(operation, Grid)
            for plane in planes:
                found.plane(slot, operation, plane)
        return found

    def model(self) -> Relaxation:
        """Return the model with its pieces."""
        found = self.relaxation()
        pieces = 0
        for slot, tolerance in self.widths.items():
            pieces += cut(found, slot, breaks_for(found, slot, tolerance))
        for slot, count in self.patches.items():
            pieces += cut_grid(found, slot, count)
        for slot in sorted(self.whole):
            if 1 < count_whole(found, slot) <= MOST_WHOLE:
                pieces += enumerate_whole(found, slot)
        self.size = len(found.middle), len(found.rows), pieces
        return found

    def solve_linear(self) -> Solved:
        """Solve the model without its choices; the bound is safe whatever the solver's tolerances."""
        begin = time.monotonic()
        relaxation = self.relaxation()
        if relaxation.contradiction:
            return Solved(np.inf, None, {}, f"infeasible: {relaxation.contradiction}", time.monotonic() - begin)
        engine = Engine(relaxation)
        cost, shift = objective_of(relaxation)
        answer = engine.minimise(cost)
        if answer.point is None:
            return Solved(answer.bound, None, {}, answer.words, time.monotonic() - begin)
        values, shortfalls = self._explained(engine, answer.point)
        return Solved(shift + answer.bound, values, shortfalls, answer.words, time.monotonic() - begin)

    def tighten(self, deadline: float, slots: Sequence[int] | None = None, share: float = 0.02) -> bool:
        """Narrow the ranges of what slots read (default: of all) by linear programmes; return whether any is left."""
        relaxation = self.relaxation()
        if relaxation.contradiction:
            return False
        engine = Engine(relaxation)
        if not _narrow(engine, _arguments(relaxation, slots), deadline, share):
            return False
        self._take_over(relaxation, engine)
        inputs = len(self.tape.statement.coordinates)
        found = propagated(self.tape, self.members, (self.ranges.low[:inputs], self.ranges.high[:inputs]), self.ranges)
        if found is None:
            return False
        self.members = found[0]
        self.ranges = Ranges(np.maximum(found[1].low, self.ranges.low), np.minimum(found[1].high, self.ranges.high))
        return True

    def part(self, members: Sequence[int], held: Mapping[int, tuple[float, float]] | None = None) -> Case | None:
        """Return the case of some combinations and ranges of some slots, None where it is proved to hold nothing."""
        inputs = len(self.tape.statement.coordinates)
        low, high = self.ranges.low.copy(), self.ranges.high.copy()
        for slot, ends in (held or {}).items():
            low[slot], high[slot] = max(low[slot], ends[0]), min(high[slot], ends[1])
        found = propagated(self.tape, members, (low[:inputs], high[:inputs]), Ranges(low, high))
        if found is None:
            return None
        ranges = Ranges(np.maximum(found[1].low, low), np.minimum(found[1].high, high))
        return Case(self.tape, self.needed, found[0], ranges, touched={s: list(t) for s, t in self.touched.items()})

    def _take_over(self, relaxation: Relaxation, engine: Engine) -> None:
        low, high = self.ranges.low.copy(), self.ranges.high.copy()
        for slot, (column, factor, shift) in relaxation.columns.of.items():
            if column is None or slot >= len(low):
                continue
            place = relaxation.position[column]
            middle, half = relaxation.middle[place], relaxation.half[place]
            ends = sorted((middle + half * end) * factor + shift for end in (engine.low[place], engine.high[place]))
            pad = 1e-11 * (1.0 + abs(ends[0]) + abs(ends[1]))
            low[slot], high[slot] = max(low[slot], ends[0] - pad), min(high[slot], ends[1] + pad)
        self.ranges = Ranges(low, high)

    def solve_whole(self, time_limit_s: float, gap: float) -> Solved:
        """Solve the model with its choices."""
        begin = time.monotonic()
        model = self.model()
        if model.contradiction:
            return Solved(np.inf, None, {}, f"infeasible: {model.contradiction}", time.monotonic() - begin)
        engine = Engine(model, time_limit_s=time_limit_s)
        cost, shift = objective_of(model)
        places = [p for number, p in model.position.items() if number >= len(self.tape.operations)]
        binaries = [p for p, extra in zip(places, model.extras, strict=True) if extra.whole]
        bound, point, words = run_whole(engine, cost, binaries, (time_limit_s, gap))
        values, shortfalls = self._fixed(model, cost, binaries, point) if point is not None else (None, {})
        bound += shift - max(PADDING, 10.0 * FEASIBILITY * self.multipliers)
        return Solved(bound, values, shortfalls, words, time.monotonic() - begin)

    def _fixed(
        self, model: Relaxation, cost: Floats, binaries: Sequence[int], point: Floats
    ) -> tuple[dict[int, float], dict[int, float]]:
        """Return values and shortfalls of the best point with the choices of a solution."""
        engine = Engine(model)
        for place in binaries:
            end = float(np.rint(point[place]))
            engine.limit(place, end, end)
        answer = engine.minimise(cost)
        if answer.point is None:
            return self._values(model, point), {}
        return self._explained(engine, answer.point)

    @staticmethod
    def _values(model: Relaxation, point: Floats) -> dict[int, float]:
        columns = model.middle + model.half * point
        return {
            slot: shift + (factor * float(columns[model.position[column]]) if column is not None else 0.0)
            for slot, (column, factor, shift) in model.columns.of.items()
        }

    def _explained(self, engine: Engine, point: Floats) -> tuple[dict[int, float], dict[int, float]]:
        """Return the values of the slots, and by how much the objective is too low for each slot's enclosure."""
        model = engine.relaxation
        values = self._values(model, point)
        dual = np.array(engine.solver.getSolution().row_dual)
        self.multipliers = max(self.multipliers, float(np.abs(dual).sum()))
        found: dict[int, float] = {}
        for k in np.flatnonzero(np.abs(dual) > SMALLEST_DUAL):
            row = model.rows[k]
            family, _, rest = row.name.partition("_")
            if family not in SHORTFALLS:
                continue
            slot = int(rest.split("_")[0])
            weight = dual[k] * _row_scale(model, row)
            found[slot] = found.get(slot, 0.0) + weight * (self.exact(slot, values) - values[slot])
        return values, found

    def exact(self, slot: int, values: dict[int, float]) -> float:
        """Return what a slot would be in the physics at the arguments that it has in a solution."""
        operation = self.tape.operations[slot]
        if isinstance(operation, Bend):
            return float(operation.curve.value(np.float64(values[operation.slot])))
        row = getattr(operation, "row", 0.0)
        if varies(row, self.members):
            return values[slot]
        number = round(here(row, self.combination))
        if isinstance(operation, Table):
            return float(operation.ranges.at(np.float64(values[operation.slot]), number))
        if isinstance(operation, Grid):
            return float(operation.ranges.at(np.float64(values[operation.x]), np.float64(values[operation.y]), number))
        if isinstance(operation, Product):
            return values[operation.x] * values[operation.y]
        assert isinstance(operation, Rounding)
        known = operation.free or slot in self.whole
        return values[slot] if known else rounded(operation, values[operation.slot])

    def refine(self, solved: Solved, wanted: float) -> int:
        """Refine where a solution falls short most, until what is left adds up to ``wanted``; return how often."""
        if solved.values is None:
            return 0
        ranked = sorted(solved.shortfalls.items(), key=lambda item: -item[1])
        left = sum(max(error, 0.0) for _, error in ranked)
        refined = 0
        for slot, error in ranked:
            if left <= wanted or error <= SMALLEST_SHORTFALL:
                break
            refined += self._refine_slot(slot, solved.values, error, wanted / 10.0)
            left -= error
        self._touch(solved)
        return refined

    def _refine_slot(self, slot: int, values: dict[int, float], error: float, wanted: float) -> int:
        operation = self.tape.operations[slot]
        if isinstance(operation, Rounding):
            if slot in self.whole:
                return 0
            self.whole.add(slot)
            return 1
        if isinstance(operation, Grid):
            at = values[operation.x], values[operation.y]
            self.planes.setdefault(slot, []).extend(self._planes_at(slot, at))
            if slot in self.touched_grids:
                self.patches[slot] = min(2 * self.patches.get(slot, 1), MOST_PATCHES)
            self.touched_grids.add(slot)
            return 1
        if not is_pieced(operation):
            return 0
        band = abs(self.exact(slot, values) - values[slot])
        known = self.widths.get(slot, np.inf)
        share = max(min(wanted / error, TIGHTER), 0.02)
        self.widths[slot] = min(known * 0.7, band * share * 1.5)
        return 1

    def _planes_at(self, slot: int, at: tuple[float, float]) -> list[Plane]:
        points = self.relaxation().corners[slot]
        return [plane_at(points, at, below=below) for below in (True, False)]

    def _touch(self, solved: Solved) -> None:
        """Add a tangent to every curve that a solution misses on the side of its tangents."""
        assert solved.values is not None
        for slot in self.needed:
            operation = self.tape.operations[slot]
            if not isinstance(operation, Bend) or operation.curve is RAMP:
                continue
            at, value = solved.values[operation.slot], solved.values[slot]
            exact = float(operation.curve.value(np.float64(at)))
            missed = exact - value if operation.curve.convex else value - exact
            if missed > SMALLEST_MISS:
                self.touched.setdefault(slot, []).append(at)


def objective_of(model: Relaxation) -> tuple[Floats, float]:
    """Return the costs of the scaled columns and the constant of the objective."""
    column, factor, shift = model.columns.of[model.tape.objective]
    assert column is not None
    place = model.position[column]
    cost = np.zeros(len(model.middle))
    cost[place] = factor * model.half[place]
    return cost, shift + factor * float(model.middle[place])


def run_whole(
    engine: Engine, cost: Floats, binaries: Sequence[int], limits: tuple[float, float]
) -> tuple[float, Floats | None, str]:
    """Return HiGHS's dual bound (infinite where it proved that there is no point), a point if any, and its words."""
    solver = engine.solver
    count = len(cost)
    solver.changeColsCost(count, np.arange(count, dtype=np.int32), cost)
    for place in binaries:
        solver.changeColIntegrality(place, highspy.HighsVarType.kInteger)
    for name, value in (
        ("output_flag", False),
        ("presolve", "on"),
        ("solver", "choose"),
        ("simplex_strategy", DUAL_SIMPLEX),
        ("threads", THREADS),
        ("time_limit", limits[0]),
        ("mip_rel_gap", 0.0),
        ("mip_abs_gap", limits[1]),
        ("mip_feasibility_tolerance", FEASIBILITY),
        ("primal_feasibility_tolerance", FEASIBILITY),
        ("dual_feasibility_tolerance", FEASIBILITY),
    ):
        solver.setOptionValue(name, value)
    solver.run()
    status = solver.getModelStatus()
    words = solver.modelStatusToString(status)
    if status == highspy.HighsModelStatus.kInfeasible:
        return np.inf, None, words
    info = solver.getInfo()
    bound = float(info.mip_dual_bound) if binaries else float(info.objective_function_value)
    if not binaries and status != highspy.HighsModelStatus.kOptimal:
        bound = -np.inf
    has_point = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    return bound, np.array(solver.getSolution().col_value) if has_point else None, words


def _row_scale(model: Relaxation, row: LinearRow) -> float:
    largest = max(abs(factor) * model.half[model.position[column]] for column, factor in row.terms)
    return float(np.exp2(-np.round(np.log2(largest))))


def _arguments(relaxation: Relaxation, slots: Sequence[int] | None) -> list[int]:
    """Return the columns whose ranges decide how tight the relaxation is: what slots read, by default also inputs."""
    tape = relaxation.tape
    wanted = set(range(len(tape.statement.coordinates))) if slots is None else set()
    for slot in relaxation.needed if slots is None else slots:
        if isinstance(tape.operations[slot], Input):
            wanted.add(slot)
        elif isinstance(tape.operations[slot], (Bend, Table, Grid, Product, Rounding)):
            wanted.update(c for c in (relaxation.columns.of[read][0] for read in reads(tape, slot)) if c is not None)
    return sorted(wanted)


def _narrow(engine: Engine, columns: Sequence[int], deadline: float, share: float) -> bool:
    """Narrow columns by their least and greatest values; return False where it is proved that there is no point."""
    relaxation = engine.relaxation
    least_seen, most_seen = engine.high.copy(), engine.low.copy()
    cost = np.zeros(len(relaxation.middle))
    for column in columns:
        place = relaxation.position[column]
        for sign in (1.0, -1.0):
            if time.monotonic() > deadline:
                return True
            low, high = engine.low[place], engine.high[place]
            near = share * (high - low)
            if least_seen[place] < low + near if sign > 0.0 else most_seen[place] > high - near:
                continue
            cost[:] = 0.0
            cost[place] = sign
            answer = engine.minimise(cost)
            if answer.bound == np.inf:
                return False
            if answer.point is not None:
                least_seen, most_seen = np.minimum(least_seen, answer.point), np.maximum(most_seen, answer.point)
            end = min(answer.bound, high) if sign > 0.0 else max(-answer.bound, low)
            engine.limit(place, *((max(low, end), high) if sign > 0.0 else (low, min(high, end))))
    return True


__all__ = ["Case", "Solved", "objective_of", "run_whole", "values_at"]
