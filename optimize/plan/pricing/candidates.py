"""Designs for a catalogue that are worth a look: near those that are worth most so far."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dawndusk.models.design import Design
from dawndusk.optimize.heuristics.local_search import coordinates_of
from dawndusk.optimize.problem import Problem

WIDTHS = (0.004, 0.02, 0.08, 0.3)
"""Standard deviations of candidates around a design, in coordinates of the design space."""
OTHER_COMBINATION = 0.3
"""Share of candidates that take another combination of categories."""


def draw(
    parents: Mapping[str, Design], space: Problem, count: int, rng: np.random.Generator, head: str
) -> dict[str, Design]:
    """Return candidates near some designs, some of them with other categories."""
    known, combinations = list(parents.values()), space.combinations()
    points = [coordinates_of(space, design) for design in known]
    drawn: dict[str, Design] = {}
    for k in range(count):
        chosen = int(rng.integers(len(known)))
        combination: Mapping[str, str] = known[chosen].combination
        if rng.random() < OTHER_COMBINATION:
            combination = combinations[int(rng.integers(len(combinations)))]
        point = points[chosen]
        moved = np.clip(point + rng.normal(0.0, WIDTHS[k % len(WIDTHS)], point.shape), 0.0, 1.0)
        drawn[f"new_{head}_{k + 1:03d}"] = space.designs(moved[np.newaxis], combination)[0]
    return drawn
