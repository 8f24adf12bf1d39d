"""Closed boxes filled with designs: inside, on their rims, on the kinks of look-ups and on edges within them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.recording.surroundings import ALTITUDE, THICKNESS
from dawndusk.optimize.boxes import Boxes
from dawndusk.optimize.certify.audit.edges import edges_between
from dawndusk.optimize.certify.graph.statement import Statement

Floats: TypeAlias = NDArray[np.float64]
Places: TypeAlias = NDArray[np.intp]

INSIDE, ON_THE_RIM, ON_KINKS = 16, 16, 8
"""Designs of each kind that are tried in each box."""
EDGED = 1024
"""Boxes in which edges are looked for."""
NODES = {"altitude_km": ALTITUDE, "shielding_mm": THICKNESS}
"""The axes of look-ups that are variables: between their nodes look-ups are straight."""


def points_in(statement: Statement, boxes: Boxes, rng: np.random.Generator) -> Iterator[tuple[Floats, Places]]:
    """Yield coordinates of shape (d, N) in boxes, with their combinations."""
    low, width = boxes.low, boxes.high - boxes.low
    shape = low.shape
    for _ in range(INSIDE):
        yield low + rng.random(shape) * width, boxes.combination
    for _ in range(ON_THE_RIM):
        share = np.where(rng.random(shape) < rng.choice([0.3, 0.7, 1.0]), np.rint(rng.random(shape)), rng.random(shape))
        yield low + share * width, boxes.combination
    for _ in range(ON_KINKS):
        yield _on_nodes(statement, boxes, low + rng.random(shape) * width), boxes.combination
    some = boxes.take(slice(0, EDGED))
    start, end = (some.low + rng.random(some.low.shape) * (some.high - some.low) for _ in range(2))
    yield edges_between(statement, start, end, some.combination, rng)


def _on_nodes(statement: Statement, boxes: Boxes, points: Floats) -> Floats:
    """Return points moved to the nearest node of each look-up, where the box holds it."""
    found = points.copy()
    for axis, c in enumerate(statement.coordinates):
        nodes = NODES.get(c.variable)
        if nodes is None:
            continue
        plain = np.exp(found[axis]) if c.logarithmic else found[axis]
        node = nodes.start + nodes.step * np.rint((plain - nodes.start) / nodes.step)
        node = np.log(node) if c.logarithmic else node
        inside = (node >= boxes.low[axis]) & (node <= boxes.high[axis])
        found[axis] = np.where(inside, node, found[axis])
    return found
