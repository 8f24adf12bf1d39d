"""Better designs near a good one: many starts that differ in the size of the satellites, each of them improved.

What fits a launch is a whole number, so that the best designs of different sizes lie apart, each at the edge where one
more satellite just fits, and all of them are nearly as good. A walk from one to another leads over worse designs;
here every size is a start of its own, counted per accelerator, and the poorer half of the starts is given up again and
again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.design import Design, DesignBatch
from dawndusk.optimize.certify.branch.designs import coordinates_of, designs_at
from dawndusk.optimize.certify.graph.statement import SIZE, Statement
from dawndusk.optimize.heuristics.variation import adapted

Floats: TypeAlias = NDArray[np.float64]

STARTS = 64
TRIES = 4096
"""Designs that are evaluated at once, shared between the starts that are left."""
ROUNDS = 8
HALVINGS = 5
WIDTH = 0.05
WIDER, NARROWER = 1.6, 0.6
LONGEST_STRIDE = 3.0
WIDEST_RANGE = 1e3
SIZE_RANGE = 2.0
"""Sizes from this share to this multiple of that of the design are tried."""


def improve(
    statement: Statement, design: Design, merits: Callable[[DesignBatch], Floats], rng: np.random.Generator
) -> Design:
    """Return the best design found near one.

    ``merits`` gives what is made small, of shape (N,): above every feasible design where one is not feasible.
    """
    number = statement.combinations.index(design.combination)
    points = _starts(statement, design, rng)
    walk = _Walk(statement, number, merits, points, rng)
    for _ in range(HALVINGS + 1):
        for _ in range(ROUNDS):
            walk.step()
        walk.keep(max(1, points.shape[1] // 2))
        points = walk.points
    return walk.best()


def _starts(statement: Statement, design: Design, rng: np.random.Generator) -> Floats:
    """Return the coordinates of a design, and of the same with satellites of other sizes, shape (d, S)."""
    centre = coordinates_of(statement, design)
    axis = statement.index(SIZE)
    if axis is None:
        return centre[:, np.newaxis]
    points = np.repeat(centre[:, np.newaxis], STARTS, axis=1)
    low, high = statement.range_of(SIZE)
    here = float(np.exp(centre[axis]))
    sizes = np.rint(np.geomspace(max(low, here / SIZE_RANGE), min(high, here * SIZE_RANGE), STARTS - 1))
    points[axis, 1:] = np.log(sizes)
    return points


class _Walk:
    """Starts that are improved side by side: each by steps as wide as its own luck allows."""

    def __init__(
        self,
        statement: Statement,
        number: int,
        merits: Callable[[DesignBatch], Floats],
        points: Floats,
        rng: np.random.Generator,
    ) -> None:
        self.statement, self.number, self.merits, self.rng = statement, number, merits, rng
        coordinates = statement.coordinates
        self.low = np.array([c.low for c in coordinates])[:, np.newaxis, np.newaxis]
        self.high = np.array([c.high for c in coordinates])[:, np.newaxis, np.newaxis]
        self.points = points
        self.merit = self._merit(points)
        self.width = np.full(points.shape[1], WIDTH)
        self.stride = np.zeros_like(points)

    def step(self) -> None:
        """Try designs around every start; move to the best."""
        d, count = self.points.shape
        tries = TRIES // count
        shape = (d, count, tries)
        scale = np.minimum(self.high - self.low, WIDEST_RANGE) * self.width[:, np.newaxis]
        moved = self.rng.random(shape) < 0.5  # noqa: PLR2004 (every other one)
        tried = self.points[..., np.newaxis] + self.rng.normal(size=shape) * moved * scale
        along = LONGEST_STRIDE * self.rng.random((count, tries)) * (self.rng.random((count, tries)) < 0.5)  # noqa: PLR2004
        tried = np.clip(tried + self.stride[..., np.newaxis] * along, self.low, self.high)
        merit = self._merit(tried.reshape(d, -1)).reshape(count, tries)
        best = np.argmin(merit, axis=1)
        starts = np.arange(count)
        better = merit[starts, best] < self.merit
        found = tried[:, starts, best]
        self.stride = np.where(better, found - self.points, 0.5 * self.stride)
        self.points = np.where(better, found, self.points)
        self.merit = np.where(better, merit[starts, best], self.merit)
        self.width = adapted(self.width, better, wider=WIDER, narrower=NARROWER, widest=WIDTH)

    def keep(self, count: int) -> None:
        """Keep the best starts."""
        order = np.argsort(self.merit, kind="stable")[:count]
        self.points, self.stride = self.points[:, order], self.stride[:, order]
        self.merit, self.width = self.merit[order], self.width[order]

    def best(self) -> Design:
        """Return the best design so far."""
        return self._designs(self.points[:, [int(np.argmin(self.merit))]])[0]

    def _merit(self, points: Floats) -> Floats:
        return self.merits(self._designs(points))

    def _designs(self, points: Floats) -> DesignBatch:
        return designs_at(self.statement, points, np.full(points.shape[1], self.number))
