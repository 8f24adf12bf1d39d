"""Lines and planes from slopes: around tables of one and two variables, and around products."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dawndusk.models.tables import EvenAxis, EvenGrid, EvenTable
from dawndusk.optimize.certify.functions.lookup import GridRanges, TableRanges
from dawndusk.optimize.certify.functions.planes import grid_plane, product_ends, product_plane, table_lines

Floats: TypeAlias = NDArray[np.float64]
Range: TypeAlias = tuple[Floats, Floats]

AXIS, OTHER = EvenAxis(2.0, 0.5, 24), EvenAxis(0.5, 0.25, 15)
SEED = st.integers(0, 2**32 - 1)
COUNT, DRAWS = 200, 30
WIDTHS = [0.0, 1e-9, 1e-3, 0.3, 1.0, 4.0, 20.0]
BOTH = pytest.mark.parametrize("logarithm", [False, True], ids=["plain", "logarithm"])


def ranges_on(axis: EvenAxis, rng: np.random.Generator) -> Range:
    """Return ranges on an axis, of every width, some of them beginning on a node."""
    last = axis.start + axis.step * (axis.count - 1)
    one = rng.uniform(axis.start, last, COUNT)
    node = axis.start + axis.step * np.floor((one - axis.start) / axis.step)
    one = np.where(rng.random(COUNT) < 0.2, node, one)
    return one, np.minimum(one + rng.choice(WIDTHS, COUNT) * axis.step, last)


def inside(rng: np.random.Generator, low: Floats, high: Floats, turn: int) -> Floats:
    share = rng.random(low.shape)
    return np.asarray(low + (np.rint(share) if turn % 3 == 0 else share) * (high - low))


@settings(deadline=None, max_examples=60, derandomize=True)
@given(seed=SEED)
def test_slopes_around_a_chord(seed: int) -> None:
    """On tables of one bend: as far from the chord as the bend is, to the padding, and no further."""
    rng = np.random.default_rng(seed)
    axis = EvenAxis(1.0, 1.0, 3)
    ranges = TableRanges(EvenTable(axis, rng.normal(size=(1, 3))), logarithm=False)
    low, high = 1.0 + rng.random(COUNT), 2.0 + rng.random(COUNT)
    found = table_lines(ranges, (low, high), 0)
    start = ranges.at(low, 0) - found.slope * low
    furthest = np.abs(ranges.at(np.full(COUNT, 2.0), 0) - found.slope * 2.0 - start)
    np.testing.assert_allclose(found.most - start, furthest, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(start - found.least, furthest, rtol=1e-9, atol=1e-10)


@BOTH
@settings(deadline=None, max_examples=40, derandomize=True)
@given(seed=SEED)
def test_lines_enclose_a_table(logarithm: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = EvenTable(AXIS, np.exp(rng.normal(scale=1.5, size=(3, AXIS.count))))
    ranges, row = TableRanges(table, logarithm=logarithm), rng.integers(3, size=COUNT)
    low, high = ranges_on(AXIS, rng)
    found = table_lines(ranges, (low, high), row)
    for turn in range(DRAWS):
        x = inside(rng, low, high, turn)
        value = ranges.at(x, row)
        rest = value - found.slope * x
        size = 1e-13 * (1.0 + np.abs(value) + np.abs(found.slope * x))
        assert np.all(rest >= found.least - size)
        assert np.all(rest <= found.most + size)
        assert np.all(value >= found.at_low - size)
        assert np.all(value <= found.at_high + size)


def test_a_straight_table_has_lines_without_slack() -> None:
    ranges = TableRanges(EvenTable(AXIS, (3.0 * AXIS.nodes - 1.0)[np.newaxis]), logarithm=False)
    found = table_lines(ranges, (np.array([2.1]), np.array([9.9])), 0)
    assert found.slope[0] == pytest.approx(3.0)
    assert found.least[0] == pytest.approx(-1.0, abs=1e-9)
    assert found.most[0] == pytest.approx(-1.0, abs=1e-9)


@BOTH
@settings(deadline=None, max_examples=40, derandomize=True)
@given(seed=SEED)
def test_slopes_around_a_plane(logarithm: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    grid = EvenGrid(AXIS, OTHER, rng.normal(scale=2.0, size=(2, AXIS.count, OTHER.count)))
    ranges, row = GridRanges(grid, logarithm=logarithm), rng.integers(2, size=COUNT)
    xs, ys = ranges_on(AXIS, rng), ranges_on(OTHER, rng)
    ys = (np.log(ys[0]), np.log(ys[1])) if logarithm else ys
    plane = grid_plane(ranges, xs, ys, row)
    assert np.all(plane.apart >= 0.0)
    for turn in range(DRAWS):
        x, y = inside(rng, *xs, turn), inside(rng, *ys, turn)
        rest = ranges.at(x, y, row) - plane.slope_x * x - plane.slope_y * y - plane.start
        assert np.all(np.abs(rest) <= plane.apart + 1e-12 * (1.0 + np.abs(plane.start)))


@given(seed=SEED, scale=st.sampled_from([0.0, 1e-6, 1.0, 1e6]))
def test_product_near_its_tangent_plane(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    middles, halves = rng.normal(size=(2, COUNT)), scale * rng.random((2, COUNT))
    xs, ys = ((middle - half, middle + half) for middle, half in zip(middles, halves, strict=True))
    plane = product_plane(xs, ys)
    for turn in range(8):
        x, y = inside(rng, *xs, turn), inside(rng, *ys, turn)
        rest = x * y - plane.slope_x * x - plane.slope_y * y - plane.start
        size = 1e-13 * (np.abs(x * y) + np.abs(plane.slope_x * x) + np.abs(plane.slope_y * y))
        assert np.all(np.abs(rest) <= plane.apart + size)


def test_a_product_leaves_its_plane_by_the_half_widths_at_each_corner() -> None:
    xs, ys = (np.array([1.0]), np.array([3.0])), (np.array([-2.0]), np.array([4.0]))
    plane = product_plane(xs, ys)
    for x in xs:
        for y in ys:
            rest = x * y - plane.slope_x * x - plane.slope_y * y - plane.start
            assert abs(rest[0]) == pytest.approx(3.0)
    assert plane.apart[0] == pytest.approx(3.0)


@given(seed=SEED)
def test_product_over_a_rectangle(seed: int) -> None:
    rng = np.random.default_rng(seed)
    starts, widths = rng.normal(scale=3.0, size=(2, COUNT)), rng.exponential(size=(2, COUNT))
    xs, ys = ((start, start + width) for start, width in zip(starts, widths, strict=True))
    least, most = product_ends(xs, ys)
    for turn in range(10):
        product = inside(rng, *xs, turn) * inside(rng, *ys, turn)
        size = 1e-14 * (1.0 + np.abs(product))
        assert np.all((product >= least - size) & (product <= most + size))


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        ((2, 3), (4, 5), (8, 15)),
        ((-2, 3), (4, 5), (-10, 15)),
        ((-3, -2), (-5, 4), (-12, 15)),
        ((0, 0), (-9, 9), (0, 0)),
    ],
)
def test_ends_of_products_of_every_sign(
    x: tuple[float, float], y: tuple[float, float], expected: tuple[float, float]
) -> None:
    least, most = product_ends(*((np.array([float(a)]), np.array([float(b)])) for a, b in (x, y)))
    assert (least[0], most[0]) == expected
