"""From points of the search to designs: exact scores of the points of a relaxation, repaired and looked around."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.design import CATEGORIES, VARIABLES, Design, DesignBatch
from dawndusk.optimize.certify.statement import SIZE, Statement

Floats: TypeAlias = NDArray[np.float64]

WIDTHS = (0.05, 0.02, 0.01, 0.004, 0.0015, 0.0005)
SAMPLES = 1024


def designs_at(statement: Statement, points: Floats, combination: int) -> DesignBatch:
    """Return designs at coordinates of shape (d, N), whole where they have to be and within their ranges."""
    count = points.shape[1]
    position = statement.index(SIZE)
    names = statement.combinations[combination]
    values: dict[str, Floats] = {name: np.full(count, value) for name, value in statement.fixed.items()}
    size = values.get(SIZE, np.ones(count))
    if position is not None:
        coordinate = statement.coordinates[position]
        size = np.rint(coordinate.value(points[position], np.ones(count)))
        low, high = statement.range_of(SIZE)
        values[SIZE] = size = np.clip(size, low, high)
    for axis, coordinate in enumerate(statement.coordinates):
        if coordinate.variable == SIZE:
            continue
        value = coordinate.value(points[axis], size)
        whole = VARIABLES[coordinate.variable].kind == "integer"
        low, high = statement.range_of(coordinate.variable)
        values[coordinate.variable] = np.clip(np.rint(value) if whole else value, low, high)
    zeros = np.zeros(count, dtype=np.intp)
    batch = DesignBatch(values, dict.fromkeys(CATEGORIES, zeros), {name: (names[name],) for name in CATEGORIES})
    return statement.problem.meet_demand(batch) if statement.problem.satellites_follow_demand else batch


def best_near(
    statement: Statement, point: Floats, combination: int, generator: np.random.Generator
) -> tuple[float, Design] | None:
    """Return score and design of the best feasible design near a point of shape (d,), None where there is none."""
    low = np.array([c.low for c in statement.coordinates])
    high = np.array([c.high for c in statement.coordinates])
    centre, found = point, None
    for width in WIDTHS:
        spread = generator.standard_normal((len(point), SAMPLES)) * generator.random(SAMPLES) * width
        points = np.clip(
            centre[:, np.newaxis] + spread * (high - low)[:, np.newaxis], low[:, np.newaxis], high[:, np.newaxis]
        )
        points[:, 0] = centre
        scored = statement.problem.score(designs_at(statement, points, combination), statement.problem.scored_outcomes)
        index = scored.best()
        centre = points[:, index]
        if scored.feasible[index] and (found is None or scored.objective[index] < found[0]):
            found = float(scored.objective[index]), scored.designs[index]
    return found
