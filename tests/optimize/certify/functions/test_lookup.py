"""Ranges of tables: what is said of values and slopes between two points holds at every point between them."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
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
def test_table_between_two_points(logarithm: bool, seed: int) -> None:
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
@settings(deadline=None, max_examples=40, derandomize=True)
@given(seed=SEED)
def test_table_of_two_over_a_rectangle(logarithm: bool, seed: int) -> None:
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
def test_extremes_of_overlapping_runs(seed: int, count: int) -> None:
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


@given(seed=SEED, share=st.floats(0.0, 1.0))
def test_slope_of_the_logarithm_of_a_table(seed: int, share: float) -> None:
    """``rise / v`` in a cell, between those at its two ends."""
    rng = np.random.default_rng(seed)
    values: Floats = np.exp(rng.normal(scale=2.0, size=COUNT))
    ranges = TableRanges(EvenTable(AXIS, values[np.newaxis]), logarithm=True)
    cell = rng.integers(COUNT - 1, size=40)
    rise = (values[cell + 1] - values[cell]) / STEP
    slope = rise / ((1.0 - share) * values[cell] + share * values[cell + 1])
    low = np.asarray(START + STEP * (cell + 0.25), dtype=np.float64)
    _, _, least, most, _, _ = ranges.between(low, low + 0.5 * STEP, 0)
    size = 1e-12 * np.abs(slope)
    assert np.all(slope >= least - size)
    assert np.all(slope <= most + size)


@settings(deadline=None, max_examples=25, derandomize=True)
@given(seed=SEED)
def test_slope_of_a_bilinear_cell(seed: int) -> None:
    """In x a mean of the rises along the two edges of a cell, weighed by where y is."""
    rng = np.random.default_rng(seed)
    values = rng.normal(scale=3.0, size=(1, COUNT, OTHER.count))
    ranges = GridRanges(EvenGrid(AXIS, OTHER, values), logarithm=False)
    count = 40
    i, j, share = rng.integers(COUNT - 1, size=count), rng.integers(OTHER.count - 1, size=count), rng.random(count)
    xs = tuple(np.asarray(START + STEP * (i + at), dtype=np.float64) for at in (0.1, 0.9))
    y: Floats = OTHER.start + OTHER.step * (j + share)
    (least, most), _ = ranges.slopes((xs[0], xs[1]), (y, y), 0)
    edges = (values[0, i + 1, j + k] - values[0, i, j + k] for k in (0, 1))
    slope = ((1.0 - share) * next(edges) + share * next(edges)) / STEP
    np.testing.assert_allclose(least, slope, atol=1e-9)
    np.testing.assert_allclose(most, slope, atol=1e-9)


@settings(deadline=None, max_examples=25, derandomize=True)
@given(seed=SEED)
def test_slope_in_the_logarithm_of_the_second_variable(seed: int) -> None:
    """``y dv/dy``, at any x and y of the rectangle."""
    rng = np.random.default_rng(seed)
    values = rng.normal(scale=3.0, size=(1, COUNT, OTHER.count))
    ranges, plain = (GridRanges(EvenGrid(AXIS, OTHER, values), logarithm=logarithm) for logarithm in (True, False))
    xs, ys = intervals(rng, AXIS, 40), intervals(rng, OTHER, 40)
    logs = np.log(ys[0]), np.log(ys[1])
    _, (least, most) = ranges.slopes(xs, logs, 0)
    for _ in range(20):
        x, y = (low + rng.random(40) * (high - low) for low, high in (xs, ys))
        j = np.minimum(((y - OTHER.start) / OTHER.step).astype(int), OTHER.count - 2)
        ends = (plain.at(x, OTHER.nodes[j + k], 0) for k in (0, 1))
        slope = y * (-next(ends) + next(ends)) / OTHER.step
        size = 1e-9 * (1.0 + np.abs(slope))
        assert np.all(slope >= least - size)
        assert np.all(slope <= most + size)


def test_an_empty_run_has_no_entry() -> None:
    least, most = Extremes(np.arange(6.0)[np.newaxis]).between(0, np.array([3]), np.array([2]))
    assert (least[0], most[0]) == (np.inf, -np.inf)


@BOTH
@given(seed=SEED)
def test_slope_of_a_table_beyond_its_axis(logarithm: bool, seed: int) -> None:
    """It is held at its ends there, so that neither slopes nor values go on."""
    rng = np.random.default_rng(seed)
    ranges = TableRanges(EvenTable(AXIS, np.exp(rng.normal(size=(1, COUNT)))), logarithm=logarithm)
    last = START + STEP * (COUNT - 1)
    low, high = np.sort(rng.uniform(START - 3.0, last + 3.0, (2, 40)), axis=0)
    at_low, at_high, least_slope, most_slope, least, most = ranges.between(low, high, 0)
    x = between(low, high, 41)
    found = np.stack([ranges.at(line, 0) for line in x])
    rise, run = np.diff(found, axis=0), np.diff(x, axis=0)
    assert np.all(rise >= least_slope * run - 1e-9)
    assert np.all(rise <= most_slope * run + 1e-9)
    assert np.all((found >= least - 1e-12) & (found <= most + 1e-12))
    np.testing.assert_allclose((at_low, at_high), found[[0, -1]], rtol=1e-12, atol=1e-13)


@BOTH
@settings(deadline=None, max_examples=25, derandomize=True)
@given(seed=SEED)
def test_slopes_of_a_table_of_two_beyond_its_axes(logarithm: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    grid = EvenGrid(AXIS, OTHER, rng.normal(size=(1, COUNT, OTHER.count)))
    ranges = GridRanges(grid, logarithm=logarithm)
    xs = rng.uniform(START - 3.0, AXIS.stop, 30), np.full(30, AXIS.stop + 3.0)
    start = rng.uniform(0.1, OTHER.stop + 1.0, 30)
    ys = start, start + rng.exponential(size=30)
    ys = (np.log(ys[0]), np.log(ys[1])) if logarithm else ys
    along_x, along_y = ranges.slopes(xs, ys, 0)
    x, y = between(*xs, 15), between(*ys, 15)
    found = np.stack([[ranges.at(one, other, 0) for other in y] for one in x])
    for axis, (places, slopes) in enumerate(((x, along_x), (y, along_y))):
        rise, run = np.diff(found, axis=axis), np.diff(places, axis=0)
        run = run[:, np.newaxis] if axis == 0 else run[np.newaxis]
        assert np.all(rise >= slopes[0] * run - 1e-9)
        assert np.all(rise <= slopes[1] * run + 1e-9)


def test_padding_beyond_an_axis_is_no_level_slope() -> None:
    """No argument lies there: the slopes of the cell at the end are those of all that does."""
    ranges = TableRanges(EvenTable(AXIS, (2.0 * AXIS.nodes)[np.newaxis]), logarithm=False)
    low, high = np.array([START * (1.0 - 1e-12)]), np.array([START + 0.1])
    *_, least_slope, most_slope, _, _ = ranges.between(low, high, 0)
    np.testing.assert_allclose((least_slope, most_slope), 2.0)
    *_, least_slope, _, _, _ = ranges.between(low - 1e-6, high, 0)
    assert least_slope[0] == 0.0
