"""Small recordings: one function of a few variables as a problem of its own, translated and tried against itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, TypeAlias, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from dawndusk.models.recording.trace import Graph
from dawndusk.optimize.certify.bound.affine import ForwardBounds
from dawndusk.optimize.certify.bound.backward import at_point, plane
from dawndusk.optimize.certify.bound.curve_sums import groups
from dawndusk.optimize.certify.graph.operations import ExpressionGraph, Operation
from dawndusk.optimize.certify.graph.statement import UNITS, Coordinate, RecordedRow, Statement
from dawndusk.optimize.certify.translate.builder import Builder
from dawndusk.optimize.problem import Problem

Floats: TypeAlias = NDArray[np.float64]
Places: TypeAlias = NDArray[np.intp]
Ranges: TypeAlias = Mapping[str, tuple[float, float]]
Truth: TypeAlias = Callable[[Any, Floats, Places], list[Floats]]

ROWS = "limit"
BOXES = 300
SCALES = (0.0, 1e-6, 0.05, 0.4, 1.0)
TOLERANCE = 3e-9


@dataclass
class Recording:
    """A function as a problem: its graph, and the function itself at points of the coordinates."""

    function: Callable[..., Any]
    statement: Statement
    builder: Builder
    graph: ExpressionGraph
    low: Floats
    high: Floats
    truth: Truth

    @property
    def kinds(self) -> set[str]:
        """The kinds of operations on the graph, curves by their names."""
        return {name_of(operation) for operation in self.graph.operations}

    def points(self, rng: np.random.Generator, count: int = BOXES) -> tuple[Floats, Places]:
        """Return points all over the coordinates, corners among them, and a combination of each."""
        combination = rng.integers(self.low.shape[1], size=count)
        low, high = self.low[:, combination], self.high[:, combination]
        share = rng.random(low.shape)
        share = np.where(rng.random(low.shape) < 0.1, np.rint(share), share)
        return low + share * (high - low), combination

    def exact(self, points: Floats, combination: Places) -> Floats:
        """Return the function at points, in its logarithm where the graph has it so."""
        size = np.ones(points.shape[1])
        given = {c.variable: c.value(x, size) for c, x in zip(self.statement.coordinates, points, strict=True)}
        given |= {name: values[combination] for name, values in self.statement.parameters.items()}
        value = np.broadcast_to(self.function(**given), size.shape)
        return np.asarray(self.statement.sign * (np.log(value) if self.graph.logarithm else value))

    def on_the_graph(self, points: Floats, combination: Places) -> Floats:
        """Return the same, by the operations of the graph."""
        bounder = SimpleNamespace(graph=self.graph)
        return self.truth(cast("Any", bounder), points, combination)[self.graph.objective]

    def boxes(self, rng: np.random.Generator, points: Floats, combination: Places) -> tuple[Floats, Floats]:
        """Return ends of a box around each point, of every size."""
        low, high = self.low[:, combination], self.high[:, combination]
        width = (high - low) * rng.choice(SCALES, points.shape)
        share = np.where(rng.random(points.shape) < 0.3, np.rint(rng.random(points.shape)), rng.random(points.shape))
        start = np.minimum(np.maximum(points - share * width, low), points)
        return start, np.maximum(np.minimum(points + (1.0 - share) * width, high), points)

    def forward(self, low: Floats, high: Floats, combination: Places) -> ForwardBounds:
        """Return the forms of the graph on boxes."""
        rounded = np.full((len(self.graph.roundings), low.shape[1]), np.inf)
        forward = ForwardBounds(low, high, combination, -rounded, rounded, self.graph.limits)
        with np.errstate(all="ignore"):
            forward.run(self.graph.operations)
        return forward


def name_of(operation: Operation) -> str:
    curve = getattr(operation, "curve", None)
    return curve.name if curve is not None else type(operation).__name__


Record: TypeAlias = Callable[..., Recording]


@pytest.fixture
def record(make_problem: Callable[..., Problem], truth: Truth) -> Record:
    """Record a function of variables with ranges, those of ``logs`` in logarithms, and of parameters by combination."""
    problem = make_problem()

    def recording(
        function: Callable[..., Any],
        ranges: Ranges,
        logs: Sequence[str] = (),
        parameters: Mapping[str, Sequence[float]] | None = None,
        limits: Sequence[tuple[Callable[..., Any], float, bool]] = (),
        units: Sequence[Callable[..., Any]] = UNITS,
    ) -> Recording:
        recording = Graph(units=units)
        columns = {name: np.array(values, dtype=float) for name, values in (parameters or {}).items()}
        count = len(next(iter(columns.values()))) if columns else 1
        given = {name: recording.input(name) for name in ranges} | {name: recording.parameter(name) for name in columns}
        rows = tuple(
            RecordedRow(f"{ROWS} {k}", recording.number(value(**given)), recording.number(limit), at_most)
            for k, (value, limit, at_most) in enumerate(limits)
        )
        coordinates = tuple(
            Coordinate(n, float(np.log(low)), float(np.log(high)), True, False)
            if n in logs
            else Coordinate(n, low, high, False, False)
            for n, (low, high) in ranges.items()
        )
        names = problem.combinations()[0]
        statement = Statement(
            problem=problem,
            combinations=(names,) * count,
            recording=recording,
            objective=recording.number(function(**given)),
            outcomes={},
            rows=rows,
            parameters=columns,
            fixed={},
            coordinates=coordinates,
        )
        starts, ends = (np.tile([[getattr(c, end)] for c in coordinates], count) for end in ("low", "high"))
        builder = Builder(statement, starts, ends)
        return Recording(function, statement, builder, builder.build(), starts, ends, truth)

    return recording


@pytest.fixture
def hold() -> Callable[..., None]:
    """Assert that what is said of a recording holds: on the graph, in its forms, and by planes below it."""
    return assert_holds


def assert_holds(recording: Recording, seed: int = 1, tolerance: float = TOLERANCE) -> None:
    rng = np.random.default_rng(seed)
    points, combination = recording.points(rng)
    exact = recording.exact(points, combination)
    size = tolerance * (1.0 + np.abs(exact))
    assert np.all(np.abs(recording.on_the_graph(points, combination) - exact) <= size), "on the graph"
    low, high = recording.boxes(rng, points, combination)
    forward = recording.forward(low, high, combination)
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    u = np.where(half > 0.0, (points - middle) / np.where(half > 0.0, half, 1.0), 0.0)
    form = forward.forms[recording.graph.objective]
    assert not forward.empty.any()
    line = (form.slopes * u[list(form.axes)]).sum(axis=0)
    size = size + tolerance * np.abs(form.slopes).sum(axis=0)
    for least, value, most in ((form.low, exact, form.high), (form.below, exact - line, form.above)):
        assert np.all(value >= least - size), "at least"
        assert np.all(value <= most + size), "at most"
    operations = recording.graph.operations
    for sign in (1.0, -1.0):
        for at in (None, np.zeros_like(u), rng.uniform(-1.0, 1.0, u.shape), u):
            with np.errstate(all="ignore"):
                touched = None if at is None else at_point(operations, forward, middle + half * at)
                weights = {recording.graph.objective: np.full(len(exact), sign)}
                alike = groups(operations, range(len(operations)))
                slopes, below = plane(operations, forward, weights, touched, groups=alike)
            over = below + (slopes * u).sum(axis=0) - sign * exact
            assert np.all(over <= size + tolerance * np.abs(slopes).sum(axis=0)), f"a plane of sign {sign}"
