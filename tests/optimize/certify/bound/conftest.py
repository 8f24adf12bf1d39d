"""Tapes by hand and at random, without a problem behind them, and what each of their nodes truly is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, TypeAlias, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from dawndusk.models.tables import EvenAxis, EvenGrid, EvenTable
from dawndusk.optimize.certify.bound.affine import ForwardBounds
from dawndusk.optimize.certify.functions.curves import EXP, LOG1MEXP, RAMP, SOFTPLUS
from dawndusk.optimize.certify.functions.joint import LogServed
from dawndusk.optimize.certify.functions.lookup import GridRanges, TableRanges
from dawndusk.optimize.certify.graph.operations import (
    Coefficient,
    Grid,
    Input,
    Joint,
    Operation,
    Pair,
    Product,
    Rounding,
    Sign,
    Sum,
    Table,
    Univariate,
)

Floats: TypeAlias = NDArray[np.float64]
Places: TypeAlias = NDArray[np.intp]
Truth: TypeAlias = Callable[[Any, Floats, Places], list[Floats]]

AXES, COMBINATIONS = 3, 2
WIDEST = 4.0
AXIS, OTHER = EvenAxis(-3.0, 0.5, 13), EvenAxis(-2.0, 0.5, 9)
_RNG = np.random.default_rng(1234)
TABLE = TableRanges(EvenTable(AXIS, _RNG.normal(size=(2, AXIS.count))), logarithm=False)
GRID = GridRanges(EvenGrid(AXIS, OTHER, _RNG.normal(size=(2, AXIS.count, OTHER.count))), logarithm=False)


@dataclass
class Sketch:
    """A graph without a statement: operations, and everything that bounding them needs."""

    truth: Truth
    operations: list[Operation] = field(default_factory=list)
    limits: dict[int, tuple[Coefficient, Coefficient]] = field(default_factory=dict)
    roundings: list[int] = field(default_factory=list)

    def add(self, *operations: Operation) -> int:
        """Add operations and return the node of the last."""
        for operation in operations:
            self.operations.append(operation)
            if isinstance(operation, Rounding):
                self.roundings.append(len(self.operations) - 1)
        return len(self.operations) - 1

    def forward(self, low: Floats, high: Floats, combination: Places | None = None, ends: Any = None) -> ForwardBounds:
        """Return the forms of all nodes over boxes."""
        count = low.shape[1]
        none = np.full((len(self.roundings), count), np.inf)
        least, most = (-none, none) if ends is None else ends
        chosen = np.zeros(count, dtype=np.intp) if combination is None else combination
        found = ForwardBounds(low, high, chosen, least, most, self.limits)
        with np.errstate(all="ignore"):
            found.run(self.operations)
        return found

    def values(self, points: Floats, combination: Places | None = None) -> list[Floats]:
        """Return what every node is at points of shape (d, N)."""
        chosen = np.zeros(points.shape[1], dtype=np.intp) if combination is None else combination
        return self.truth(cast("Any", SimpleNamespace(graph=self)), points, chosen)


@pytest.fixture
def sketch(truth: Truth) -> Sketch:
    """An empty graph."""
    return Sketch(truth)


@pytest.fixture(scope="session")
def new_sketch(truth: Truth) -> Callable[[], Sketch]:
    """Make an empty graph."""
    return lambda: Sketch(truth)


@pytest.fixture(scope="session")
def random_sketch(truth: Truth) -> Callable[..., Sketch]:
    """Make a graph at random: sums and curves of each other, look-ups, products, pairs."""

    def make(rng: np.random.Generator, size: int = 20) -> Sketch:
        sketch = Sketch(truth)
        low, high = np.full((AXES, COMBINATIONS), -1.5), np.full((AXES, COMBINATIONS), 1.5)
        for axis in range(AXES):
            sketch.add(Input(axis))
        while len(sketch.operations) < size:
            forms = sketch.forward(low, high, np.arange(COMBINATIONS)).forms
            _grow(sketch, rng, [(float(np.min(form.low)), float(np.max(form.high))) for form in forms])
        return sketch

    return make


def _grow(sketch: Sketch, rng: np.random.Generator, reach: Sequence[tuple[float, float]]) -> None:
    """Add an operation that keeps numbers small, or two of which the second undoes what the first makes large."""
    x, y = (int(node) for node in rng.choice(len(reach), 2, replace=False))
    coefficient = rng.normal(size=COMBINATIONS) if rng.random() < 0.3 else float(rng.normal())
    within = max(abs(end) for node in (x, y) for end in reach[node]) <= WIDEST
    kind = rng.choice(["sum", "curve", "product", "table", "grid", "pair", "sign", "joint"])
    if kind == "sum" or not within:
        scale = 1.0 / max(1.0, *(abs(end) for node in (x, y) for end in reach[node]))
        sketch.add(Sum(((x, coefficient * scale), (y, float(rng.normal()) * scale)), coefficient))
    elif kind == "curve":
        sketch.add(Univariate((EXP, SOFTPLUS, RAMP)[rng.integers(3)], x))
    elif kind == "product":
        sketch.add(Product(x, y))
    elif kind == "table":
        sketch.add(Table(TABLE, x, rng.integers(2, size=COMBINATIONS).astype(float)))
    elif kind == "grid":
        sketch.add(Grid(GRID, x, y, 1.0))
    elif kind == "pair":
        pair(sketch, str(rng.choice(["sum", "larger", "smaller"])), x, y)
    elif kind == "joint":
        nodes = tuple(int(node) for node in rng.choice(len(reach), 6))
        sketch.add(Joint(LogServed(2.0), nodes))
    elif reach[x][0] > 0.0 or reach[x][1] < 0.0:
        sketch.add(Sign(x))


def pair(sketch: Sketch, kind: str, x: int, y: int) -> int:
    """Add a pair of two nodes by the curve of their difference, as the translation does."""
    signs = (-1.0, 1.0) if kind == "difference" else (1.0, -1.0)
    difference = sketch.add(Sum(((x, signs[0]), (y, signs[1])), 0.0))
    curve = {"sum": SOFTPLUS, "difference": LOG1MEXP, "larger": RAMP, "smaller": RAMP}[kind]
    over = sketch.add(Univariate(curve, difference))
    base, factor = {"sum": (y, 1.0), "difference": (x, 1.0), "larger": (y, 1.0), "smaller": (x, -1.0)}[kind]
    return sketch.add(Sum(((base, 1.0), (over, factor)), 0.0, Pair(kind, over, (x, 0.0), (y, 0.0))))


@pytest.fixture(scope="session")
def add_pair() -> Callable[[Sketch, str, int, int], int]:
    """Add a pair of two nodes to a graph."""
    return pair


@pytest.fixture(scope="session")
def boxes_within() -> Callable[..., tuple[Floats, Floats, Floats]]:
    """Boxes of every size with a point in each: ends and point, shape (d, B)."""

    def make(
        rng: np.random.Generator, count: int, reach: float = 1.5, axes: int = AXES
    ) -> tuple[Floats, Floats, Floats]:
        points = rng.uniform(-reach, reach, (axes, count))
        width = 2.0 * reach * rng.choice([0.0, 1e-7, 1e-3, 0.1, 0.5, 1.0], (axes, count))
        share = rng.random((axes, count))
        share = np.where(rng.random((axes, count)) < 0.3, np.rint(share), share)
        low = np.maximum(points - share * width, -reach)
        high = np.minimum(points + (1.0 - share) * width, reach)
        return np.minimum(low, points), np.maximum(high, points), points

    return make
