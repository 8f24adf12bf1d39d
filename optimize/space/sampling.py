"""Points that fill a unit cube evenly: Sobol sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.stats.qmc import Sobol

Floats: TypeAlias = NDArray[np.float64]
Bits: TypeAlias = NDArray[np.uint32]

WIDTH = 30
"""Bits of a coordinate, as SciPy has them."""
PRIMITIVE: tuple[tuple[int, tuple[int, ...]], ...] = (
    (0, (1,)),
    (1, (1, 3)),
    (1, (1, 3, 1)),
    (2, (1, 1, 1)),
    (1, (1, 1, 3, 3)),
    (4, (1, 3, 5, 13)),
    (2, (1, 1, 5, 5, 17)),
    (4, (1, 1, 5, 5, 5)),
    (7, (1, 1, 7, 11, 19)),
    (11, (1, 1, 5, 1, 1)),
    (13, (1, 1, 1, 3, 11)),
    (14, (1, 3, 5, 5, 31)),
    (1, (1, 3, 3, 9, 7, 49)),
    (13, (1, 1, 1, 15, 21, 21)),
    (16, (1, 3, 1, 13, 27, 49)),
    (19, (1, 1, 1, 15, 7, 5)),
    (22, (1, 3, 1, 15, 13, 25)),
    (25, (1, 1, 5, 5, 19, 61)),
)
"""Of each dimension from the second on: the inner coefficients of its primitive polynomial as bits, and its first
direction numbers. Source: Joe and Kuo (2008), "Constructing Sobol sequences with better two-dimensional projections",
SIAM Journal on Scientific Computing 30, table new-joe-kuo-6."""


def sobol(dimensions: int, rng: np.random.Generator | None) -> Sobol:
    """Return SciPy's Sobol sequence, scrambled where there is a random generator."""
    from scipy.stats import qmc  # noqa: PLC0415 (half a second to import, which a short command need not pay)

    return qmc.Sobol(dimensions, scramble=rng is not None, rng=rng)


def sobol_net(log2_count: int, dimensions: int, rng: np.random.Generator) -> Floats:
    """Return the first points of a scrambled Sobol sequence, shape (2**log2_count, dimensions).

    The very points of SciPy, made without it for as many dimensions as are listed here. The bits of each coordinate are
    scrambled by a random triangular matrix and a random shift. Source: Matoušek (1998), "On the L2-discrepancy for
    anchored boxes", Journal of Complexity 14.
    """
    if dimensions > len(PRIMITIVE) + 1:
        return np.asarray(sobol(dimensions, rng).random(2**log2_count), dtype=np.float64)
    (own,) = rng.spawn(1)
    bits = own.integers(2, size=(dimensions, WIDTH), dtype=np.uint32)
    shift = bits @ (np.uint32(1) << np.arange(WIDTH, dtype=np.uint32))
    directions = _scrambled(_directions(log2_count, dimensions), own)
    index = np.arange(2**log2_count, dtype=np.uint32)[:, None]
    gray = index ^ (index >> np.uint32(1))
    points = np.broadcast_to(shift, (len(index), dimensions)).copy()
    for bit in range(log2_count):
        points ^= ((gray >> np.uint32(bit)) & np.uint32(1)) * directions[:, bit]
    return points / 2.0**WIDTH


def _directions(count: int, dimensions: int) -> Bits:
    """Return the direction numbers, shape (dimensions, count): the first bit is the highest."""
    rows = [[1 << (WIDTH - 1 - bit) for bit in range(count)]]
    for inner, first in PRIMITIVE[: max(dimensions - 1, 0)]:
        degree, row = len(first), [m << (WIDTH - 1 - bit) for bit, m in enumerate(first)]
        for bit in range(degree, count):
            new = row[bit - degree] ^ (row[bit - degree] >> degree)
            for back in range(1, degree):
                new ^= row[bit - back] * ((inner >> (degree - 1 - back)) & 1)
            row.append(new)
        rows.append(row[:count])
    return np.array(rows[:dimensions], dtype=np.uint32).reshape(dimensions, count)


def _scrambled(directions: Bits, rng: np.random.Generator) -> Bits:
    """Return direction numbers with the bits of each dimension multiplied by a random triangular matrix."""
    places = np.uint32(WIDTH - 1) - np.arange(WIDTH, dtype=np.uint32)
    bits = (directions[:, :, None] >> places) & np.uint32(1)
    matrices = np.tril(rng.integers(2, size=(len(directions), WIDTH, WIDTH), dtype=np.uint32))
    matrices[:, np.arange(WIDTH), np.arange(WIDTH)] = 1
    mixed = np.einsum("dij,dkj->dki", matrices, bits) & np.uint32(1)
    scrambled: Bits = (mixed << places).sum(axis=2, dtype=np.uint32)
    return scrambled
