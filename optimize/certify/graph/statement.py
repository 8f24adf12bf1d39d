"""A problem as data: the recorded physics, the number to make small, the rows that must hold, and the coordinates.

Every certificate reads the problem from here: the exact search bounds the recording box by box, the mixed-integer
model turns it into rows of a solver. There is no second copy of the physics.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.columns import evaluate_columns
from dawndusk.models.constants import WATTS_PER_MW
from dawndusk.models.design import CATEGORIES, NUMBERS, VARIABLES, DesignBatch
from dawndusk.models.recording.rows import recorded_rows, rows_of
from dawndusk.models.recording.trace import Graph
from dawndusk.models.rules import RULES, RuleSubject
from dawndusk.optimize.certify.functions.enclosures import bounded_as_a_whole, bounded_by_curves
from dawndusk.optimize.problem import Combination, Fixed, Problem, Range

Floats: TypeAlias = NDArray[np.float64]

UNITS = bounded_as_a_whole()
"""Functions that are bounded as a whole: step by step their bounds would forget what the steps have in common."""
STEPWISE = bounded_by_curves()
"""Those among them that a linear model can be cut out of as well."""

SIZE = "accelerators_per_satellite"
SMALL_PROGRAMME = 400
"""Satellites up to which a programme is small, at the smallest size that a satellite may have."""
LEAST_OFFSET = 1e-3
"""What is added to a variable that may be zero has to be at least this share of it for their sum to be a coordinate."""
PER_ACCELERATOR = {"radiator_area_m2": -1.0, "satellites": 1.0}
"""Variables whose coordinate is their product with a power of the accelerators per satellite: what a fleet of a given
size needs then hardly depends on how it is cut into satellites."""


@dataclass(frozen=True)
class RecordedRow:
    """A rule or bound: ``value`` at most (or at least) ``limit``, both numbers of nodes of the graph."""

    name: str
    value: int
    limit: int
    at_most: bool


@dataclass(frozen=True)
class Coordinate:
    """A direction of the search: what a design variable ``x`` is counted in.

    A plain coordinate is ``x`` itself. A logarithmic one is ``log((offset + factor x) n^power)`` with ``n`` the
    accelerators per satellite; ``pivot`` is the node of the graph that is ``offset + factor x`` where that is not
    ``x`` itself. ``low`` and ``high`` are ends of the coordinate.
    """

    variable: str
    low: float
    high: float
    logarithmic: bool
    whole: bool
    power: float = 0.0
    offset: float = 0.0
    factor: float = 1.0
    pivot: int | None = None

    def of(self, x: Floats, size: Floats) -> Floats:
        """Return the coordinate at values of the variable and of the accelerators per satellite."""
        if not self.logarithmic:
            return x
        found: Floats = np.log((self.offset + self.factor * x) * size**self.power)
        return found

    def value(self, coordinate: Floats, size: Floats) -> Floats:
        """Return the variable at values of the coordinate and of the accelerators per satellite."""
        if not self.logarithmic:
            return coordinate
        found: Floats = (np.exp(coordinate) / size**self.power - self.offset) / self.factor
        return found


@dataclass(frozen=True, eq=False)
class Statement:
    """A problem recorded.

    Attributes
    ----------
    recording : Graph
        The physics, with inputs named for the design variables and parameters for the catalogue fields.
    objective : int
        Node of the outcome that is made small (or large, see ``problem.sense``).
    rows : tuple of Row
        Rules and bounds.
    parameters : mapping of str to array
        Every parameter of the graph for each combination of categories, shape (C,).
    fixed : mapping of str to float
        Inputs that have one value.
    coordinates : tuple of Coordinate
        The directions of the search, in the order of the columns of a box.
    """

    problem: Problem
    combinations: tuple[Combination, ...]
    recording: Graph
    objective: int
    outcomes: Mapping[str, int]
    rows: tuple[RecordedRow, ...]
    parameters: Mapping[str, Floats]
    fixed: Mapping[str, float]
    coordinates: tuple[Coordinate, ...]

    @property
    def sign(self) -> float:
        """Return 1 where the objective is made small, -1 where it is made large."""
        return self.problem.sign

    def range_of(self, variable: str) -> tuple[float, float]:
        """Return the least and the greatest value of a variable that the search varies."""
        entry = self.problem.space.get(variable)
        if isinstance(entry, Range):
            return float(entry.low), float(entry.high)
        return 1.0, float(VARIABLES[variable].maximum)

    def index(self, variable: str) -> int | None:
        """Return the position of the coordinate of a variable, None where it is fixed."""
        for position, coordinate in enumerate(self.coordinates):
            if coordinate.variable == variable:
                return position
        return None


def state(problem: Problem, units: Collection[Callable[..., Any]] = UNITS) -> Statement:
    """Record a problem for the certificates, with some functions as a whole."""
    combinations = tuple(problem.combinations())
    batch = _one_of_each(problem, combinations)
    graph = Graph(units=units)
    design = {name: graph.input(name) for name in NUMBERS}
    rows = recorded_rows(graph, problem.assumptions, batch.names["orbit"])
    outcome, _ = evaluate_columns(design, rows, problem.assumptions)
    subject = RuleSubject(outcome, design, rows, problem.assumptions)
    compared = []
    for rule in RULES.values():
        value, limit = (graph.number(side) for side in rule.compare(subject))
        compared.append(RecordedRow(rule.name, value, limit, rule.sense == "at most"))
    numbers = {name: graph.number(column) for name, column in outcome.items()}
    for bound in problem.bounds:
        compared.append(RecordedRow(str(bound), numbers[bound.outcome], graph.number(bound.value), bound.is_upper))
    values = rows_of(problem.assumptions, batch).fields()
    count = len(combinations)
    return Statement(
        problem=problem,
        combinations=combinations,
        recording=graph,
        objective=numbers[problem.objective],
        outcomes=numbers,
        rows=tuple(compared),
        parameters={name: np.broadcast_to(np.asarray(v, dtype=np.float64), (count,)) for name, v in values.items()},
        fixed={n: float(e.value) for n, e in problem.space.items() if n in NUMBERS and isinstance(e, Fixed)},
        coordinates=_coordinates(problem, graph),
    )


def _one_of_each(problem: Problem, combinations: tuple[Combination, ...]) -> DesignBatch:
    """Return a batch with one design of each combination, at the low end of every range."""
    names = {v: tuple(dict.fromkeys(c[v] for c in combinations)) for v in CATEGORIES}
    codes = {v: np.array([names[v].index(c[v]) for c in combinations], dtype=np.intp) for v in CATEGORIES}
    values = {name: np.full(len(combinations), float(VARIABLES[name].minimum)) for name in NUMBERS}
    return DesignBatch(values, codes, names)


def _coordinates(problem: Problem, graph: Graph) -> tuple[Coordinate, ...]:
    """Return the directions of the search; ranges of products are hulls, their variables are held by rows."""
    ranges: dict[str, Range] = {n: e for n, e in problem.space.items() if isinstance(e, Range) and n in NUMBERS}
    if problem.satellites_follow_demand:
        ranges["satellites"] = Range(1.0, VARIABLES["satellites"].maximum, 1.0)
    size = ranges.get(SIZE)
    found = []
    for name in NUMBERS:
        if name not in ranges:
            continue
        low, high = float(ranges[name].low), float(ranges[name].high)
        whole = VARIABLES[name].kind == "integer"
        if name == "spare_fraction":
            high += 1.0 / (size.low if size else float(problem.space[SIZE].nominal))
        pivot = _pivot(graph, name, high)
        if pivot is not None:
            number, offset, factor = pivot
            ends = float(np.log(offset + factor * low)), float(np.log(offset + factor * high))
            found.append(Coordinate(name, ends[0], ends[1], True, whole, 0.0, offset, factor, number))
        elif low > 0.0 and name != "altitude_km":
            power = PER_ACCELERATOR.get(name, 0.0) if size else 0.0
            if name == "satellites" and size and _is_small(problem, size.low):
                power = 0.0
            scales = sorted((size.low**power, size.high**power)) if size else (1.0, 1.0)
            ends = float(np.log(low * scales[0])), float(np.log(high * scales[1]))
            found.append(Coordinate(name, ends[0], ends[1], True, whole, power))
        else:
            found.append(Coordinate(name, low, high, False, whole))
    return tuple(found)


def _is_small(problem: Problem, smallest: float) -> bool:
    """Return whether a demand asks for so few satellites that each of them counts.

    Then they are a coordinate themselves, so that boxes hold whole numbers of them from the beginning.
    """
    wanted = problem.assumptions.demand.it_power_mw
    if not (problem.satellites_follow_demand and wanted):
        return False
    names = {c["accelerator"] for c in problem.combinations()}
    leanest = min(problem.assumptions.accelerators[name].it_power_w for name in names)
    return wanted * WATTS_PER_MW / (leanest * smallest) <= SMALL_PROGRAMME


def _pivot(graph: Graph, name: str, high: float) -> tuple[int, float, float] | None:
    """Return a node that is ``offset + factor x`` of a variable that may be zero, with offset and factor."""
    if VARIABLES[name].minimum > 0.0 or VARIABLES[name].kind == "integer":
        return None
    nodes = graph.nodes
    scaled = {n: 1.0 for n, node in enumerate(nodes) if node.kind == "input" and node.payload == name}
    for number, node in enumerate(nodes):
        if node.kind != "ufunc" or len(node.reads) != 2:  # noqa: PLR2004 (operations on two values)
            continue
        one, other = node.reads
        constant, variable = (one, other) if nodes[one].kind == "constant" else (other, one)
        if nodes[constant].kind != "constant" or variable not in scaled:
            continue
        value = float(nodes[constant].payload)
        if node.payload is np.multiply and value > 0.0:
            scaled[number] = scaled[variable] * value
        elif node.payload is np.add and value > LEAST_OFFSET * scaled[variable] * high:
            return number, value, scaled[variable]
    return None
