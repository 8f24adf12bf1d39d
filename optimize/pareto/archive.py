"""The best trade-offs met so far, and from which of them to go on."""

from __future__ import annotations

import itertools
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.heuristics.dominance import PLANE, not_dominated
from dawndusk.optimize.pareto.field import Points

Floats: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.intp]

ROUNDING = 1e-9
"""A goal that varies by less than this share of itself is the same for all."""
MOST_POINTS = 1000
MOST_TARGETS = 600


class Archive:
    """Feasible points of which none dominates another.

    Parameters
    ----------
    points : Points
        Where to begin; may be empty.
    spacing : float
        Widest gap that the front may have; many points are thinned to an eighth of it.
    """

    def __init__(self, points: Points, spacing: float) -> None:
        self.points, self._spacing = points, spacing

    def __len__(self) -> int:
        return len(self.points)

    @property
    def low(self) -> Floats:
        """Return the best value of each goal, shape (m,)."""
        found: Floats = self.points.values.min(axis=0)
        return found

    @property
    def high(self) -> Floats:
        """Return the worst value of each goal on the front, shape (m,)."""
        found: Floats = self.points.values.max(axis=0)
        return found

    def scaled(self, values: Floats) -> Floats:
        """Return goals as shares of their range on the front: 0 at the best value, 1 at the worst."""
        return scaled(values, self.low, self.high)

    def take_in(self, points: Points) -> None:
        """Take in what no known point dominates, and drop what it dominates."""
        every = self.points.with_more(points.take(points.feasible))
        if not len(every):
            return
        self.points = every.take(not_dominated(every.values))
        if len(self.points) > MOST_POINTS:
            self.points = self.points.take(self._spread_out())

    def _spread_out(self) -> Indices:
        """Return about as many points as the archive may have, evenly spread."""
        cell = self._spacing / 8.0
        while True:
            chosen = one_of_each_cell(self.scaled(self.points.values), cell)
            if len(chosen) <= MOST_POINTS:
                return chosen
            cell *= 2.0

    def on_targets(self) -> Indices:
        """Return the points that solve epsilon-constraint problems on an even grid, with repetition.

        Each goal in turn is made small while every other one stays below a limit, for limits over the whole range.
        Source: Haimes, Lasdon, Wismer, IEEE Trans. SMC 1 (1971).
        """
        shares = self.scaled(self.points.values)
        goals = shares.shape[1]
        grid = _limits(goals, self._spacing)
        solved = []
        for goal in range(goals):
            others = [other for other in range(goals) if other != goal]
            allowed = np.ones((len(grid), len(shares)), dtype=np.bool_)
            for column, other in enumerate(others):
                allowed &= shares[None, :, other] <= grid[:, column, None] + ROUNDING
            best = np.argmin(np.where(allowed, shares[None, :, goal], np.inf), axis=1)
            solved.append(best[allowed.any(axis=1)])
        return np.concatenate(solved)


def scaled(values: Floats, low: Floats, high: Floats) -> Floats:
    """Return values as shares of ranges; where a range is but rounding, 0."""
    width = high - low
    real = width > ROUNDING * np.maximum(np.abs(low), np.abs(high))
    found: Floats = np.where(real, (values - low) / np.where(real, width, 1.0), 0.0)
    return found


def one_of_each_cell(shares: Floats, cell: float) -> Indices:
    """Return the best row, by the sum of its shares, in every cube of a size; the best row of each goal in any case."""
    cells = np.floor(shares / cell).astype(np.int64)
    _, number = np.unique(cells, axis=0, return_inverse=True)
    order = np.lexsort((shares.sum(axis=1), number.ravel()))
    first = order[np.flatnonzero(np.diff(number.ravel()[order], prepend=-1))]
    return np.union1d(first, np.argmin(shares, axis=0)).astype(np.intp)


def _limits(goals: int, spacing: float) -> Floats:
    """Return limits on all goals but one, as shares of their ranges, on an even grid, shape (T, goals - 1)."""
    count = round(1.0 / spacing) + 1 if goals == PLANE else int((MOST_TARGETS / goals) ** (1.0 / (goals - 1)))
    count = max(2, min(count, MOST_TARGETS // goals))
    return np.array(list(itertools.product(np.linspace(0.0, 1.0, count), repeat=goals - 1)))
