"""Between coordinates and designs: what stands for a box, and where a design lies."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.design import CATEGORIES, NUMBERS, VARIABLES, Design, DesignBatch
from dawndusk.models.rounding import rounded_up
from dawndusk.optimize.boxes import Boxes
from dawndusk.optimize.certify.graph.statement import SIZE, Statement

Floats: TypeAlias = NDArray[np.float64]

SHARES = (0.5, 0.1, 0.9)
"""Where in a box designs are tried."""


def coordinates_of(statement: Statement, design: Design) -> Floats:
    """Return the coordinates of a design, shape (d,).

    Spare accelerators are taken as the whole number that flies, which is what the coordinate stands for.
    """
    return coordinates(statement, DesignBatch.of(design))[:, 0]


def coordinates(statement: Statement, batch: DesignBatch) -> Floats:
    """Return the coordinates of N designs, shape (d, N), with spares as in ``coordinates_of``."""
    values = with_whole_spares(batch).values
    found = [c.of(values[c.variable], values[SIZE]) for c in statement.coordinates]
    return np.array(found).reshape(len(found), len(batch))


def with_whole_spares(batch: DesignBatch) -> DesignBatch:
    """Return designs with the spare accelerators that fly, a whole number, in place of the share that asks for them."""
    size = batch.values[SIZE]
    spares = np.maximum(rounded_up(size * (1.0 + batch.values["spare_fraction"])) / size - 1.0, 0.0)
    return DesignBatch({**batch.values, "spare_fraction": spares}, batch.codes, batch.names)


def designs_at(statement: Statement, points: Floats, combination: NDArray[np.intp]) -> DesignBatch:
    """Return the designs at coordinates of shape (d, N): whole where a variable is, in range, demand met."""
    problem = statement.problem
    count = points.shape[1]
    values = {name: np.full(count, statement.fixed.get(name, 1.0)) for name in NUMBERS}
    size_axis = statement.index(SIZE)
    if size_axis is not None:
        c = statement.coordinates[size_axis]
        low, high = statement.range_of(SIZE)
        values[SIZE] = np.clip(np.rint(c.value(points[size_axis], np.ones(count))), low, high)
    size = values[SIZE]
    for axis, c in enumerate(statement.coordinates):
        if c.variable == SIZE:
            continue
        value = c.value(points[axis], size)
        if c.variable == "spare_fraction":
            value = np.maximum(np.rint(size * (1.0 + value)) / size - 1.0, 0.0)
        if VARIABLES[c.variable].kind == "integer":
            value = np.rint(value)
        values[c.variable] = np.clip(value, *statement.range_of(c.variable))
    names = {v: tuple(dict.fromkeys(c[v] for c in statement.combinations)) for v in CATEGORIES}
    place = {v: {name: i for i, name in enumerate(names[v])} for v in CATEGORIES}
    table = {v: np.array([place[v][c[v]] for c in statement.combinations], dtype=np.intp) for v in CATEGORIES}
    batch = DesignBatch(values, {v: table[v][combination] for v in CATEGORIES}, names)
    return problem.meet_demand(batch) if problem.satellites_follow_demand else batch


def designs_in(statement: Statement, boxes: Boxes) -> DesignBatch:
    """Return designs in boxes: at their middle, and near both ends of their diagonal."""
    points = [boxes.low + share * (boxes.high - boxes.low) for share in SHARES]
    return designs_at(statement, np.concatenate(points, axis=1), np.tile(boxes.combination, len(SHARES)))
