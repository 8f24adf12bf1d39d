"""What a search may choose: named dimensions, their points, and points as rows of numbers.

A row has one column for each dimension: a number from 0 at the low end to 1 at the high end, on a logarithmic scale
where the dimension says so, or the index of a name.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.errors import DesignError, nearest, one_of

Floats: TypeAlias = NDArray[np.float64]
Value: TypeAlias = str | int | float
Point: TypeAlias = Mapping[str, Value]
"""One value for each dimension, by name."""
Key: TypeAlias = tuple[Value, ...]


@dataclass(frozen=True)
class RealNumber:
    """A number from ``low`` to ``high``."""

    low: float
    high: float
    logarithmic: bool = False

    @property
    def size(self) -> float:
        """Return how many values there are."""
        return math.inf if self.high > self.low else 1

    def encode(self, value: Value) -> float:
        """Return the place of a value between the ends, 0 to 1."""
        return _share(self.low, self.high, float(value), self.logarithmic)

    def decode(self, share: float) -> float:
        """Return the value at a place between the ends."""
        return min(max(_at(self.low, self.high, share, self.logarithmic), self.low), self.high)

    def check(self, value: object) -> float:
        """Return the value if it is one of the dimension, else raise ``ValueError`` with what is allowed."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.low <= value <= self.high:
            raise ValueError(f"a number from {self.low:g} to {self.high:g}")
        return float(value)


@dataclass(frozen=True)
class WholeNumber:
    """A whole number from ``low`` to ``high``, both included."""

    low: int
    high: int
    logarithmic: bool = False

    @property
    def size(self) -> float:
        """Return how many values there are."""
        return self.high - self.low + 1

    def encode(self, value: Value) -> float:
        """Return the middle of the value's share of 0 to 1."""
        low, high = self._ends
        return _share(low, high, float(value), self.logarithmic)

    def decode(self, share: float) -> int:
        """Return the whole number nearest to a place between the ends."""
        low, high = self._ends
        return min(max(round(_at(low, high, share, self.logarithmic)), self.low), self.high)

    @property
    def _ends(self) -> tuple[float, float]:
        """Return the ends between which every value has a share: half a step beyond the first and the last."""
        return self.low - 0.5, self.high + 0.5

    def check(self, value: object) -> int:
        """Return the value if it is one of the dimension, else raise ``ValueError`` with what is allowed."""
        number = value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
        if not self.low <= number <= self.high or number != int(number):
            raise ValueError(f"a whole number from {self.low} to {self.high}")
        return int(number)


@dataclass(frozen=True)
class Category:
    """One of several names, in no order."""

    names: tuple[str, ...]

    @property
    def size(self) -> float:
        """Return how many values there are."""
        return len(self.names)

    def encode(self, value: Value) -> float:
        """Return the index of a name."""
        return float(self.names.index(str(value)))

    def decode(self, share: float) -> str:
        """Return the name with an index."""
        return self.names[min(max(int(share), 0), len(self.names) - 1)]

    def check(self, value: object) -> str:
        """Return the name if it is one of the dimension, else raise ``ValueError`` with what is allowed."""
        if not isinstance(value, str) or value not in self.names:
            close = nearest(value, self.names) if isinstance(value, str) else ""
            raise ValueError(f"one of {one_of(self.names)}{close}")
        return value


Dimension: TypeAlias = RealNumber | WholeNumber | Category


@dataclass(frozen=True)
class Space:
    """Named dimensions in a fixed order."""

    dimensions: Mapping[str, Dimension]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the dimensions."""
        return tuple(self.dimensions)

    @property
    def is_category(self) -> NDArray[np.bool_]:
        """Return which columns of a row hold an index of a name, shape (D,)."""
        return np.array([isinstance(d, Category) for d in self.dimensions.values()], dtype=np.bool_)

    @property
    def size(self) -> float:
        """Return how many different points there are, infinite with a real dimension."""
        return math.prod(dimension.size for dimension in self.dimensions.values())

    def encode(self, points: Sequence[Point]) -> Floats:
        """Return points as rows, shape (N, D)."""
        rows = [[d.encode(point[name]) for name, d in self.dimensions.items()] for point in points]
        return np.array(rows, dtype=np.float64).reshape(len(points), len(self.dimensions))

    def decode(self, rows: Floats) -> list[dict[str, Value]]:
        """Return rows of shape (N, D) as points."""
        return [
            {name: d.decode(float(x)) for (name, d), x in zip(self.dimensions.items(), row, strict=True)}
            for row in rows
        ]

    def key(self, point: Point) -> Key:
        """Return what two points share if and only if they are the same."""
        return tuple(point[name] for name in self.dimensions)

    def check(self, point: Mapping[str, object], where: str = "point") -> dict[str, Value]:
        """Return a point with the types of its dimensions.

        Raises
        ------
        DesignError
            Naming the dimension, what was found, what is allowed and the nearest name.
        """
        for name in point:
            if name not in self.dimensions:
                allowed = one_of(self.dimensions)
                raise DesignError(
                    f"{where}.{name}: no such variable; allowed {allowed}{nearest(str(name), self.dimensions)}"
                )
        checked: dict[str, Value] = {}
        for name, dimension in self.dimensions.items():
            if name not in point:
                raise DesignError(f"{where}.{name}: missing; allowed: a value for each of {one_of(self.dimensions)}")
            try:
                checked[name] = dimension.check(point[name])
            except ValueError as error:
                raise DesignError(f"{where}.{name}: found {point[name]!r}; allowed {error}") from None
        return checked


def _share(low: float, high: float, value: float, logarithmic: bool) -> float:
    if high <= low:
        return 0.5
    if logarithmic:
        return math.log(value / low) / math.log(high / low)
    return (value - low) / (high - low)


def _at(low: float, high: float, share: float, logarithmic: bool) -> float:
    if logarithmic:
        return low * math.exp(share * math.log(high / low)) if high > low else low
    return low + share * (high - low)
