"""Ranges of tables: what is said of values and slopes between two points holds at every point between them."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dawndusk.models.tables import EvenAxis, EvenGrid, EvenTable
from dawndusk.optimize.certify.functions.lookup import Extremes, GridRanges, TableRanges

Floats: TypeAlias = NDArray[np.float64]

START, STEP, COUNT = 2.0, 0.5, 24
AXIS = EvenAxis(START, STEP, COUNT)
OTHER = EvenAxis(0.5, 0.25, 15)
SEED = st.integers(0, 2**32 - 1)
BOTH = pytest.mark.parametrize("logarithm", [False, True], ids=["plain", "logarithm"])


def intervals(rng: np.random.Generator, axis: EvenAxis, count: int) -> tuple[Floats, Floats]:
    """Return ends of intervals: wide, narrow, in one cell, on nodes, and partly off the axis."""
    last = axis.start + axis.step * (axis.count - 1)
    one = rng.uniform(axis.start, last, count)
    width = rng.choice([0.0, 1e-9, 0.1, 1.0, 5.0, 30.0], count) * axis.step
    two = one + width
    on_node = rng.random(count) < 0.2
    one = np.where(on_node, axis.start + axis.step * np.floor((one - axis.start) / axis.step), one)
    return one, np.minimum(np.maximum(two, one), last)


def between(low: Floats, high: Floats, points: int) -> Floats:
    return low + np.linspace(0.0, 1.0, points)[:, np.newaxis] * (high - low)


@BOTH
@given(seed=SEED)
def test_a_table_stays_in_its_range(logarithm: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = np.exp(rng.normal(scale=2.0, size=(3, COUNT)))
    ranges = TableRanges(EvenTable(AXIS, values), logarithm=logarithm)
    low, high = intervals(rng, AXIS, 40)
    row = rng.integers(3, size=40)
    at_low, at_high, least_slope, most_slope, least, most = ranges.between(low, high, row)
    x = between(low, high, 41)
    found = np.stack([ranges.at(line, row) for line in x])
    size = 1e-9 * (1.0 + np.abs(found))
    assert np.all(found >= least - size)
    assert np.all(found <= most + size)
    np.testing.assert_array_equal(at_low, found[0])
    np.testing.assert_array_equal(at_high, found[-1])
    rise, run = np.diff(found, axis=0), np.diff(x, axis=0)
    slack = 1e-9 * (1.0 + np.abs(found[1:]))
    assert np.all(rise >= least_slope * run - slack)
    assert np.all(rise <= most_slope * run + slack)


@BOTH
@given(seed=SEED, inside=st.floats(0.0, 0.999), width=st.floats(0.0, 1.0))
def test_a_table_in_one_cell_is_exact(logarithm: bool, seed: int, inside: float, width: float) -> None:
    rng = np.random.default_rng(seed)
    values = np.exp(rng.normal(size=(1, COUNT)))
    ranges = TableRanges(EvenTable(AXIS, values), logarithm=logarithm)
    cell = rng.integers(COUNT - 1)
    low = np.array([START + STEP * (cell + inside)])
    high = low + STEP * width * (0.999 - inside)
    at_low, at_high, least_slope, most_slope, least, most = ranges.between(low, high, 0)
    assert (least, most) == (np.minimum(at_low, at_high), np.maximum(at_low, at_high))
    steep = (values[0, cell + 1] - values[0, cell]) / STEP
    if logarithm:
        near = steep / values[0, cell : cell + 2]
        np.testing.assert_allclose([least_slope[0], most_slope[0]], np.sort(near))
    else:
        np.testing.assert_allclose([least_slope[0], most_slope[0]], [steep, steep])


@BOTH
@given(seed=SEED)
def test_a_table_of_two_stays_in_its_range(logarithm: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    grid = EvenGrid(AXIS, OTHER, rng.normal(scale=3.0, size=(2, COUNT, OTHER.count)))
    ranges = GridRanges(grid, logarithm=logarithm)
    count = 30
    xs, ys = intervals(rng, AXIS, count), intervals(rng, OTHER, count)
    ys = (np.log(ys[0]), np.log(ys[1])) if logarithm else ys
    row = rng.integers(2, size=count)
    least, most = ranges.values(xs, ys, row)
    along_x, along_y = ranges.slopes(xs, ys, row)
    x, y = between(*xs, 17), between(*ys, 17)
    found = np.stack([[ranges.at(one, other, row) for other in y] for one in x])
    assert np.all(found >= least - 1e-9)
    assert np.all(found <= most + 1e-9)
    for axis, (places, slopes) in enumerate(((x, along_x), (y, along_y))):
        rise = np.diff(found, axis=axis)
        run = np.diff(places, axis=0)
        run = run[:, np.newaxis] if axis == 0 else run[np.newaxis]
        assert np.all(rise >= slopes[0] * run - 1e-9)
        assert np.all(rise <= slopes[1] * run + 1e-9)


@given(seed=SEED, count=st.integers(1, 40))
def test_extremes_of_runs_are_those_of_the_entries(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(2, count))
    first = rng.integers(count, size=20)
    last = np.minimum(first + rng.integers(-1, count, size=20), count - 1)
    row = rng.integers(2, size=20)
    least, most = Extremes(values).between(row, first, last)
    for k in range(20):
        run = values[row[k], first[k] : last[k] + 1]
        assert least[k] == (run.min() if run.size else np.inf)
        assert most[k] == (run.max() if run.size else -np.inf)
