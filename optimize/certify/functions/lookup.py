"""Range queries on look-up tables: extremes of values and slopes between two points, many boxes at once.

What they rest on:

- Extremes of overlapping runs: ``min(v[i..j]) = min(min(v[i..i+2^k-1]), min(v[j-2^k+1..j]))`` with ``2^k <= j-i+1``,
  as an entry that counts twice changes no minimum. Source: Bender and Farach-Colton, The LCA problem revisited, 2000
  (test_extremes_of_overlapping_runs).
- Table between two points: a piecewise linear function has its extremes at the two points or at nodes between them,
  and its slopes are those of the cells that it touches (test_table_between_two_points).
- Slope of a table beyond its axis: nothing, as it is held at its end nodes (test_slope_of_a_table_beyond_its_axis).
- Slope of the logarithm of a table: ``d log v / dx = rise / v`` lies between ``rise / v_max`` and ``rise / v_min`` of
  the two ends of a cell, as v does (test_slope_of_the_logarithm_of_a_table).
- Slope of a bilinear cell: ``dv/dx`` is a mean of the rises along its two edges, and so is linear in y; over a range
  of y its extremes are at the ends or at nodes between (test_slope_of_a_bilinear_cell).
- Slope in the logarithm of the second variable: ``dv/dlog y = y dv/dy``, with y from the lower to the upper node of
  the cell (test_slope_in_the_logarithm_of_the_second_variable).
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.tables import EvenAxis, EvenGrid, EvenTable

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

BEYOND = 1e-9
"""In steps of an axis: a range reaches as far beyond it by its padding, where no argument lies."""


class Extremes:
    """Least and greatest entry of any run of a row, by doubling (a sparse table). ``values`` has shape (rows, n)."""

    def __init__(self, values: Floats) -> None:
        self.rows, self.count = values.shape
        self._least, self._most = _doubled(values, np.minimum), _doubled(values, np.maximum)

    def between(self, row: Any, first: Integers, last: Integers) -> tuple[Floats, Floats]:
        """Return least and greatest of entries ``first`` to ``last`` (both included) of a row, shape (B,).

        An empty run (last before first) has least +inf and greatest -inf.
        """
        length = last - first + 1
        level = _LEVEL[np.maximum(length, 1)]
        size = self.rows * self.count
        start = level * size + row * self.count
        one = start + np.minimum(first, self.count - 1)
        other = start + np.maximum(last - (1 << level) + 1, 0)
        least = np.minimum(self._least.take(one), self._least.take(other))
        most = np.maximum(self._most.take(one), self._most.take(other))
        empty = length <= 0
        if empty.any():
            least, most = np.where(empty, np.inf, least), np.where(empty, -np.inf, most)
        return least, most


_LEVEL = np.array([0] + [int(np.log2(n)) for n in range(1, 4097)], dtype=np.int64)


def _doubled(values: Floats, extreme: np.ufunc) -> Floats:
    """Return extremes over runs of 1, 2, 4 ... entries, flat; runs that would go over the end are cut there."""
    levels = [values]
    step = 1
    while 2 * step <= values.shape[1]:
        last = levels[-1]
        shifted = np.concatenate([last[:, step:], np.repeat(last[:, -1:], step, axis=1)], axis=1)
        levels.append(extreme(last, shifted))
        step *= 2
    return np.ascontiguousarray(np.stack(levels)).ravel()


def cell(axis: EvenAxis, x: Floats) -> Integers:
    """Return the cell of an axis in which points lie, as the look-up itself decides it."""
    index: Integers = axis.locate(x).index
    return index


def with_level(slopes: tuple[Floats, Floats], axis: EvenAxis, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Return least and greatest slopes, with that of nothing among them where a range reaches beyond an axis."""
    beyond = (low < axis.start - BEYOND * axis.step) | (high > axis.stop + BEYOND * axis.step)
    if not np.any(beyond):
        return slopes
    least, most = slopes
    return np.where(beyond, np.minimum(least, 0.0), least), np.where(beyond, np.maximum(most, 0.0), most)


class TableRanges:
    """What a table in one variable can be, and how steep, between two points; plain or in its logarithm."""

    def __init__(self, table: EvenTable, *, logarithm: bool) -> None:
        self.table, self.logarithm = table, logarithm
        values = table.values
        rise = np.diff(values, axis=1) / table.axis.step
        if logarithm:
            ends = np.stack([values[:, :-1], values[:, 1:]])
            steep = rise / ends.min(axis=0), rise / ends.max(axis=0)
            rises = np.minimum(*steep), np.maximum(*steep)
        else:
            rises = rise, rise
        self._least_slope, self._most_slope = Extremes(rises[0]), Extremes(rises[1])
        self._values = Extremes(np.log(values) if logarithm else values)

    def at(self, x: Any, row: Any) -> Floats:
        """Return the value, or its logarithm, at points."""
        found: Floats = self.table.at(self.table.axis.locate(x), row)
        return np.log(found) if self.logarithm else found

    def between(self, low: Floats, high: Floats, row: Any) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats]:
        """Return values at both ends, least and greatest slope, least and greatest value, each of shape (B,)."""
        axis = self.table.axis
        first, last = cell(axis, low), cell(axis, high)
        at_low, at_high = self.at(low, row), self.at(high, row)
        least_slope, _ = self._least_slope.between(row, first, last)
        _, most_slope = self._most_slope.between(row, first, last)
        least_slope, most_slope = with_level((least_slope, most_slope), axis, low, high)
        least, most = self._values.between(row, first + 1, last)
        ends = np.minimum(at_low, at_high), np.maximum(at_low, at_high)
        return at_low, at_high, least_slope, most_slope, np.minimum(least, ends[0]), np.maximum(most, ends[1])


class GridRanges:
    """How steep a table in two variables can be in either of them over rectangles, and what it can be.

    With ``logarithm`` the second variable is given in its logarithm.
    """

    def __init__(self, grid: EvenGrid, *, logarithm: bool) -> None:
        self.grid, self.logarithm = grid, logarithm
        self._along_x = _Planes(np.diff(grid.values, axis=1) / grid.x.step)
        self._values = _Planes(grid.values)
        rise = np.diff(grid.values, axis=2).transpose(0, 2, 1) / grid.y.step
        ends = grid.y.nodes[:-1, np.newaxis], grid.y.nodes[1:, np.newaxis]
        self._along_y = (_Planes(rise * ends[0]), _Planes(rise * ends[1])) if logarithm else (_Planes(rise),)

    def plain(self, y: Any) -> Any:
        """Return the second variable itself."""
        return np.exp(y) if self.logarithm else y

    def at(self, x: Any, y: Any, row: Any) -> Floats:
        """Return the value of the table at points."""
        grid = self.grid
        found: Floats = grid.at(grid.x.locate(x), grid.y.locate(self.plain(y)), row)
        return found

    def slopes(
        self, x: tuple[Floats, Floats], y: tuple[Floats, Floats], row: Any
    ) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
        """Return least and greatest slope in x, and in y, over the rectangles from low to high ends."""
        grid = self.grid
        ends = self.plain(y[0]), self.plain(y[1])
        cells = cell(grid.x, x[0]), cell(grid.x, x[1]), cell(grid.y, ends[0]), cell(grid.y, ends[1])
        along_x = with_level(self._along_x.between(cells[0], cells[1], grid.y, ends, row), grid.x, *x)
        found = [planes.between(cells[2], cells[3], grid.x, x, row) for planes in self._along_y]
        if not self.logarithm:
            return along_x, with_level(found[0], grid.y, *ends)
        least, most = np.minimum(found[0][0], found[1][0]), np.maximum(found[0][1], found[1][1])
        # In one cell the table is linear in y itself, so that its slope in log y is known at the ends of the box.
        starts = grid.y.start + grid.y.step * cells[2]
        inside = [(end / np.where(starts > 0.0, starts, 1.0)) for end in ends]
        single = (cells[2] == cells[3]) & (starts > 0.0)
        scaled = np.stack([found[0][k] * share for k in (0, 1) for share in inside])
        along_y = np.where(single, scaled.min(axis=0), least), np.where(single, scaled.max(axis=0), most)
        return along_x, with_level(along_y, grid.y, *ends)

    def values(self, x: tuple[Floats, Floats], y: tuple[Floats, Floats], row: Any) -> tuple[Floats, Floats]:
        """Return least and greatest entry of the cells that rectangles touch."""
        first, last = cell(self.grid.x, x[0]), cell(self.grid.x, x[1]) + 1
        left, right = cell(self.grid.y, self.plain(y[0])), cell(self.grid.y, self.plain(y[1])) + 1
        return self._values.inside(first, last, left, right, row)


class _Planes:
    """Extremes over rectangles of entries of shape (rows, n, m), and over points between entries of the last axis."""

    def __init__(self, values: Floats) -> None:
        self._rows, self._count, self._width = values.shape
        pairs = []
        step = 1
        current = values.transpose(0, 2, 1), values.transpose(0, 2, 1)
        while step <= values.shape[2]:
            pairs.append((Extremes(_flat(current[0])), Extremes(_flat(current[1]))))
            if 2 * step > values.shape[2]:
                break
            shifted = [np.concatenate([c[:, step:], np.repeat(c[:, -1:], step, axis=1)], axis=1) for c in current]
            current = np.minimum(current[0], shifted[0]), np.maximum(current[1], shifted[1])
            step *= 2
        self._levels = pairs

    def inside(
        self, first: Integers, last: Integers, left: Integers, right: Integers, row: Any
    ) -> tuple[Floats, Floats]:
        """Return least and greatest entry of the runs ``first`` to ``last`` times ``left`` to ``right``."""
        length = right - left + 1
        level = _LEVEL[np.maximum(length, 1)]
        least = np.full(len(first), np.inf)
        most = np.full(len(first), -np.inf)
        row = np.broadcast_to(row, first.shape)
        for number in np.unique(level):
            chosen = (level == number) & (length > 0)
            if not chosen.any():
                continue
            low, high = self._levels[number]
            one = row[chosen] * self._width + left[chosen]
            other = row[chosen] * self._width + right[chosen] - (1 << int(number)) + 1
            f, t = first[chosen], last[chosen]
            least[chosen] = np.minimum(low.between(one, f, t)[0], low.between(other, f, t)[0])
            most[chosen] = np.maximum(high.between(one, f, t)[1], high.between(other, f, t)[1])
        return least, most

    def between(
        self, first: Integers, last: Integers, axis: EvenAxis, ends: tuple[Floats, Floats], row: Any
    ) -> tuple[Floats, Floats]:
        """Return extremes over entries ``first`` to ``last`` of an axis, linear along the other between ends."""
        table = self._levels[0]
        least, most = self.inside(first, last, cell(axis, ends[0]) + 1, cell(axis, ends[1]), row)
        for end in ends:
            location = axis.locate(end)
            near = row * self._width + location.index
            below, above = table[0].between(near, first, last), table[0].between(near + 1, first, last)
            share = location.fraction
            least = np.minimum(least, below[0] + share * (above[0] - below[0]))
            most = np.maximum(most, below[1] + share * (above[1] - below[1]))
        return least, most


def _flat(values: Floats) -> Floats:
    return values.reshape(-1, values.shape[2])
