"""New points from good ones: steps of every length, along differences of good designs, and other categories."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.design import CATEGORIES
from dawndusk.optimize.heuristics.variation import difference_factors, mutations
from dawndusk.optimize.pareto.field import Field, Points

Floats: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.intp]

LONGEST_DIFFERENCE = 1.2


class Neighbours:
    """Which combinations differ from which in one category only."""

    def __init__(self, field: Field) -> None:
        names = {c: sorted({row[c] for row in field.combinations}) for c in CATEGORIES}
        codes = np.array([[names[c].index(row[c]) for c in CATEGORIES] for row in field.combinations])
        self._tables = []
        for column, category in enumerate(CATEGORIES):
            if len(names[category]) > 1:
                _, group = np.unique(np.delete(codes, column, axis=1), axis=0, return_inverse=True)
                self._tables.append(np.argsort(group.ravel(), kind="stable").reshape(-1, len(names[category])))
        self._row = [np.argsort(table.ravel()) // table.shape[1] for table in self._tables]

    def draw(self, combination: Indices, rng: np.random.Generator) -> Indices:
        """Return for each combination one that has another name in a category, or the same, at random."""
        if not self._tables:
            return combination
        found = combination.copy()
        which = rng.integers(len(self._tables), size=len(combination))
        for number, (table, row) in enumerate(zip(self._tables, self._row, strict=True)):
            mine = which == number
            column = rng.integers(table.shape[1], size=int(mine.sum()))
            found[mine] = table[row[combination[mine]], column]
        return found


def moved(parents: Points, among: Points, narrowest: float, rng: np.random.Generator) -> Floats:
    """Return coordinates near those of parents, shape (N, d).

    Each takes a step with a width of its own, from ``narrowest`` up; half of them also go along the difference of two
    points of ``among`` that have the same combination, which follows the front and ridges where rules bind.
    """
    shape = parents.coordinates.shape
    step = mutations((shape[0], shape[1]), narrowest, rng)
    length = difference_factors(shape[0], LONGEST_DIFFERENCE, rng)
    return np.clip(parents.coordinates + step + length * _differences(parents, among, rng), 0.0, 1.0)


def _differences(parents: Points, among: Points, rng: np.random.Generator) -> Floats:
    """Return the difference of two points that share the combination of each parent, zero where there are none."""
    order = np.argsort(among.combination, kind="stable")
    ranked = among.combination[order]
    first = np.searchsorted(ranked, parents.combination, side="left")
    count = np.searchsorted(ranked, parents.combination, side="right") - first
    one, other = (
        order[np.minimum(first + (rng.random(len(parents)) * count).astype(np.intp), len(among) - 1)] for _ in range(2)
    )
    apart: Floats = among.coordinates[one] - among.coordinates[other]
    return np.where((count > 0)[:, None], apart, 0.0)
