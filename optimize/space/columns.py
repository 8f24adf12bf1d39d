"""A space as columns of numbers: whole arrays of rows are drawn, snapped to what the space has, and compared.

Rows are those of ``space``: a share from 0 to 1 for a number, the index of a name for a category.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.space.dimensions import Category, Dimension, Key, Point, RealNumber, Space, Value, WholeNumber
from dawndusk.optimize.space.sampling import sobol

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]

MOST_LISTED = 1 << 16
"""A finite space up to this size is listed when new points get rare."""
RANDOM_TRIES, LEAST_DRAWN = 16, 16


@dataclass(frozen=True, eq=False)
class SpaceColumns:
    """The columns of a space, worked out once.

    ``counts`` holds how many values a column can take, shape (D,): infinite for a real number.
    """

    space: Space
    category: Flags
    whole: Flags
    counts: Floats

    @classmethod
    def of(cls, space: Space) -> SpaceColumns:
        """Return the columns of a space."""
        dimensions = list(space.dimensions.values())
        return cls(
            space,
            space.is_category,
            np.array([isinstance(d, WholeNumber) for d in dimensions], dtype=np.bool_),
            np.array([d.size for d in dimensions], dtype=np.float64),
        )

    @property
    def width(self) -> int:
        """Return the number of columns, D."""
        return len(self.counts)

    @property
    def free(self) -> Flags:
        """Return which columns have more than one value, shape (D,)."""
        return self.counts > 1

    def spread(self, shares: Floats) -> Floats:
        """Return rows from shares of [0, 1), shape (N, D): each name of a category has the same part."""
        rows = shares.copy()
        rows[:, self.category] = np.floor(shares[:, self.category] * self.counts[self.category])
        return self.snapped(rows)

    def snapped(self, rows: Floats) -> Floats:
        """Return the nearest rows that the space has, shape (N, D)."""
        snapped = np.clip(rows, 0.0, np.where(self.category, self.counts - 1.0, 1.0))
        snapped[:, self.category] = np.rint(snapped[:, self.category])
        for column in np.flatnonzero(self.whole).tolist():
            snapped[:, column] = _snapped_whole(self.space, column, snapped[:, column])
        snapped[:, ~self.free] = np.where(self.category, 0.0, 0.5)[~self.free]
        return snapped

    def features(self, rows: Floats) -> Floats:
        """Return rows as the coordinates of a metric space, shape (N, F).

        Two names of a category are 1 apart whichever they are: one column for each name, at 0 or at the root of 1/2.
        """
        blocks = [rows[:, ~self.category & self.free]]
        for column in np.flatnonzero(self.category & self.free):
            names = np.arange(self.counts[column])
            blocks.append((rows[:, [column]] == names) * np.sqrt(0.5))
        return np.hstack(blocks)

    @property
    def groups(self) -> NDArray[np.intp]:
        """Return the group of each feature, shape (F,): the features of one column share a group."""
        numbers = int((~self.category & self.free).sum())
        sizes = self.counts[self.category & self.free].astype(int)
        return np.concatenate([np.arange(numbers), numbers + np.repeat(np.arange(len(sizes)), sizes)]).astype(np.intp)

    def random(self, count: int, rng: np.random.Generator) -> Floats:
        """Return rows drawn at random, shape (count, D)."""
        return self.spread(rng.random((count, self.width)))

    def every(self) -> Floats:
        """Return all rows of a finite space, shape (size, D)."""
        axes = []
        for dimension in self.space.dimensions.values():
            values: Sequence[Value] = (
                dimension.names
                if isinstance(dimension, Category)
                else range(dimension.low, dimension.high + 1)
                if isinstance(dimension, WholeNumber)
                else (dimension.low,)
            )
            axes.append([dimension.encode(value) for value in values])
        return np.array(np.meshgrid(*axes, indexing="ij")).reshape(self.width, -1).T

    def points(self, rows: Floats) -> list[dict[str, Value]]:
        """Return rows of shape (N, D) as points: what ``Space.decode`` does, a column at a time."""
        names = self.space.names
        columns = [_values(d, rows[:, n]) for n, d in enumerate(self.space.dimensions.values())]
        return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]

    def even(self, count: int, rng: np.random.Generator) -> Floats:
        """Return rows of a scrambled Sobol sequence, shape (count, D)."""
        sequence = sobol(self.width, rng)
        return self.spread(sequence.random_base2(max(int(count - 1).bit_length(), 0))[:count])


def _values(dimension: Dimension, shares: Floats) -> list[Value]:
    if isinstance(dimension, Category):
        return [dimension.names[int(index)] for index in shares]
    low, high = (dimension.low, dimension.high) if isinstance(dimension, RealNumber) else _ends(dimension)
    if high <= low:
        return [dimension.low] * len(shares)
    values = low * np.exp(shares * np.log(high / low)) if dimension.logarithmic else low + shares * (high - low)
    values = np.clip(np.rint(values) if isinstance(dimension, WholeNumber) else values, dimension.low, dimension.high)
    listed: list[Value] = values.astype(np.int64 if isinstance(dimension, WholeNumber) else np.float64).tolist()
    return listed


def _ends(dimension: WholeNumber) -> tuple[float, float]:
    """Return the ends between which every whole number has a share: half a step beyond the first and the last."""
    return dimension.low - 0.5, dimension.high + 0.5


def _snapped_whole(space: Space, column: int, shares: Floats) -> Floats:
    dimension = list(space.dimensions.values())[column]
    assert isinstance(dimension, WholeNumber)
    low, high = _ends(dimension)
    if dimension.logarithmic:
        values = np.clip(np.rint(low * (high / low) ** shares), dimension.low, dimension.high)
        logged: Floats = np.log(values / low) / np.log(high / low)
        return logged
    values = np.clip(np.rint(low + shares * (high - low)), dimension.low, dimension.high)
    even: Floats = (values - low) / (high - low)
    return even


class Fresh:
    """Collects points that were not asked about before, up to a number."""

    def __init__(self, columns: SpaceColumns, known: Container[Key], count: int, pending: Iterable[Point] = ()) -> None:
        self.columns = columns
        self.known = known
        self.taken = {columns.space.key(point) for point in pending}
        self.count = count
        self.points: list[dict[str, Value]] = []

    @property
    def missing(self) -> int:
        """Return how many points are still to be found."""
        return self.count - len(self.points)

    def offer(self, rows: Floats) -> list[int]:
        """Take what is new of rows of shape (N, D), in order, and return the indices of what was taken."""
        points = self.columns.points(rows)
        return [index for index, point in enumerate(points) if self.missing > 0 and self.take(point)]

    def take(self, point: dict[str, Value]) -> bool:
        """Take a point if it is new and one is missing; return whether it was."""
        key = self.columns.space.key(point)
        if self.missing <= 0 or key in self.taken or key in self.known:
            return False
        self.taken.add(key)
        self.points.append(point)
        return True

    def fill(self, rng: np.random.Generator) -> None:
        """Find what is still missing at random; where new points are rare, among all that a small space has left."""
        for _ in range(RANDOM_TRIES):
            if self.missing <= 0:
                return
            self.offer(self.columns.random(2 * self.missing + LEAST_DRAWN, rng))
        if self.columns.space.size <= MOST_LISTED:
            rows = self.columns.every()
            self.offer(rows[rng.permutation(len(rows))])
