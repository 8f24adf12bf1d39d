"""Look-up tables: exact at nodes, linear between, ranges that contain every value and are attained."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dawndusk.models.tables import EvenAxis, EvenGrid, EvenTable, extended

AXIS = EvenAxis(start=400.0, step=5.0, count=33)
OTHER = EvenAxis(start=0.5, step=0.25, count=17)
RNG = np.random.default_rng(20260101)
TABLE = EvenTable(AXIS, RNG.normal(size=(3, AXIS.count)))
GRID = EvenGrid(AXIS, OTHER, RNG.normal(size=(2, AXIS.count, OTHER.count)))
quick = settings(deadline=None, max_examples=60, derandomize=True)
first = st.floats(AXIS.start, AXIS.stop)
second = st.floats(OTHER.start, OTHER.stop)


def test_axis_ends() -> None:
    assert AXIS.nodes[0] == AXIS.start
    assert AXIS.nodes[-1] == AXIS.stop == 560.0
    assert len(AXIS.nodes) == AXIS.count


@pytest.mark.parametrize("row", [0, 1, 2])
def test_table_is_exact_at_nodes(row: int) -> None:
    assert TABLE.at(AXIS.locate(AXIS.nodes), row) == pytest.approx(TABLE.values[row], rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("row", [0, 1])
def test_grid_is_exact_at_nodes(row: int) -> None:
    x, y = (mesh.ravel() for mesh in np.meshgrid(AXIS.nodes, OTHER.nodes, indexing="ij"))
    at_nodes = GRID.at(AXIS.locate(x), OTHER.locate(y), row)
    assert at_nodes == pytest.approx(GRID.values[row].ravel(), rel=1e-13, abs=1e-13)


def test_table_is_linear_between_nodes() -> None:
    x = RNG.uniform(AXIS.start, AXIS.stop, 500)
    expected = np.interp(x, AXIS.nodes, TABLE.values[1])
    assert TABLE.at(AXIS.locate(x), 1) == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_grid_is_bilinear() -> None:
    x, y = RNG.uniform(AXIS.start, AXIS.stop, 300), RNG.uniform(OTHER.start, OTHER.stop, 300)
    rows = np.array([np.interp(y, OTHER.nodes, values) for values in GRID.values[1]])
    expected = [np.interp(x[i], AXIS.nodes, rows[:, i]) for i in range(300)]
    assert GRID.at(AXIS.locate(x), OTHER.locate(y), 1) == pytest.approx(np.array(expected), rel=1e-12, abs=1e-12)


def test_outside_the_axis_the_end_is_held() -> None:
    held = TABLE.at(AXIS.locate(np.array([-1e9, 0.0, 1e9])), 0)
    assert held == pytest.approx(TABLE.values[0][[0, 0, -1]])


def test_a_row_for_each_point_is_that_row_alone() -> None:
    x = RNG.uniform(AXIS.start, AXIS.stop, 300)
    rows = RNG.integers(0, 3, 300)
    mixed = TABLE.at(AXIS.locate(x), rows)
    alone = np.array([TABLE.at(AXIS.locate(x), r) for r in range(3)])
    assert np.array_equal(mixed, alone[rows, np.arange(300)])
    y = RNG.uniform(OTHER.start, OTHER.stop, 300)
    mixed = GRID.at(AXIS.locate(x), OTHER.locate(y), rows % 2)
    alone = np.array([GRID.at(AXIS.locate(x), OTHER.locate(y), r) for r in range(2)])
    assert np.array_equal(mixed, alone[rows % 2, np.arange(300)])


@quick
@given(ends=st.tuples(first, first), row=st.integers(0, 2), shares=st.lists(st.floats(0.0, 1.0), min_size=1))
def test_table_range_contains_every_value_and_is_attained(
    ends: tuple[float, float], row: int, shares: list[float]
) -> None:
    low, high = sorted(ends)
    least, greatest = TABLE.range(low, high, row)
    inside = np.clip(low + np.array(shares) * (high - low), low, high)
    values = TABLE.at(AXIS.locate(inside), row)
    assert (values >= least - 1e-12).all()
    assert (values <= greatest + 1e-12).all()
    candidates = np.concatenate([[low, high], AXIS.nodes[(AXIS.nodes >= low) & (AXIS.nodes <= high)]])
    reached = TABLE.at(AXIS.locate(candidates), row)
    assert reached.min() == pytest.approx(least, rel=1e-12, abs=1e-12)
    assert reached.max() == pytest.approx(greatest, rel=1e-12, abs=1e-12)


@quick
@given(xs=st.tuples(first, first), ys=st.tuples(second, second), row=st.integers(0, 1), seed=st.integers(0, 999))
def test_grid_range_contains_every_value_and_is_attained(
    xs: tuple[float, float], ys: tuple[float, float], row: int, seed: int
) -> None:
    (x_low, x_high), (y_low, y_high) = sorted(xs), sorted(ys)
    least, greatest = GRID.range((x_low, x_high), (y_low, y_high), row)
    rng = np.random.default_rng(seed)
    x = np.concatenate([[x_low, x_low, x_high, x_high], np.clip(rng.uniform(x_low, x_high, 400), x_low, x_high)])
    y = np.concatenate([[y_low, y_high, y_low, y_high], np.clip(rng.uniform(y_low, y_high, 400), y_low, y_high)])
    values = GRID.at(AXIS.locate(x), OTHER.locate(y), row)
    assert (values >= least - 1e-12).all()
    assert (values <= greatest + 1e-12).all()
    # Attained: a dense sweep of the node lines inside the rectangle and of its rim finds both extremes.
    x_lines = np.concatenate([[x_low, x_high], AXIS.nodes[(AXIS.nodes > x_low) & (AXIS.nodes < x_high)]])
    y_lines = np.concatenate([[y_low, y_high], OTHER.nodes[(OTHER.nodes > y_low) & (OTHER.nodes < y_high)]])
    mesh = [m.ravel() for m in np.meshgrid(x_lines, y_lines)]
    swept = GRID.at(AXIS.locate(mesh[0]), OTHER.locate(mesh[1]), row)
    assert swept.min() == pytest.approx(least, rel=1e-12, abs=1e-12)
    assert swept.max() == pytest.approx(greatest, rel=1e-12, abs=1e-12)


def test_range_of_a_point_is_its_value() -> None:
    value = float(TABLE.at(AXIS.locate(np.array([433.3])), 2)[0])
    assert TABLE.range(433.3, 433.3, 2) == pytest.approx((value, value))


def test_extended_goes_on_with_the_end_slopes() -> None:
    nodes, values = np.array([1.0, 2.0, 4.0]), np.array([3.0, 5.0, 4.0])
    assert extended(np.array([0.0, 1.5, 3.0, 6.0]), nodes, values) == pytest.approx(np.array([1.0, 4.0, 4.5, 3.0]))
