"""From points of the search to designs: exact scores of the points of a relaxation, repaired and looked around."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.design import Design
from dawndusk.optimize.certify.branch.designs import designs_at
from dawndusk.optimize.certify.graph.statement import Statement

Floats: TypeAlias = NDArray[np.float64]

WIDTHS = (0.05, 0.02, 0.01, 0.004, 0.0015, 0.0005)
SAMPLES = 1024


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
        batch = designs_at(statement, points, np.full(SAMPLES, combination))
        scored = statement.problem.score(batch, statement.problem.scored_outcomes)
        index = scored.best()
        centre = points[:, index]
        if scored.feasible[index] and (found is None or scored.objective[index] < found[0]):
            found = float(scored.objective[index]), scored.designs[index]
    return found
