"""Curves and tables cut into pieces: binaries choose the piece, and the node lies in the band of that piece.

The incremental encoding of Markowitz and Manne (1957): shares of the pieces are filled one after the other, and a
binary says that a piece is full before the next is begun, so that fixing one binary halves what is left.
"""

from __future__ import annotations

from itertools import pairwise, product
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.certify.graph.operations import Grid, Rounding, Table, Univariate, reads
from dawndusk.optimize.certify.lp.model.lines import Band, Corners, PlaneBound, corners, plane_at
from dawndusk.optimize.certify.lp.model.relaxation import Relaxation, bands_of

Floats: TypeAlias = NDArray[np.float64]

PATCH_PLACES = ((0.3, 0.3), (0.7, 0.7), (0.5, 0.1), (0.5, 0.9))
"""Where the planes of a patch are tightest, as shares of its sides."""
MOST_PIECES = 24
NARROW_PIECE = 1e-6


def is_pieced(operation: object) -> bool:
    """Return whether an operation can be cut into pieces."""
    return isinstance(operation, (Univariate, Table))


def breaks_for(relaxation: Relaxation, node: int, tolerance: float, most: int = MOST_PIECES) -> Floats:
    """Return breaks of the argument of a node that leave bands no wider than ``tolerance``, or ``most`` pieces."""
    low, high = relaxation.ranges.within(reads(relaxation.graph, node)[0])
    breaks = [low, high]
    widths = [_width(relaxation, node, low, high)]
    while len(widths) < most:
        worst = int(np.argmax(widths))
        if widths[worst] <= tolerance or breaks[worst + 1] - breaks[worst] < NARROW_PIECE * (1.0 + abs(breaks[worst])):
            break
        at = _best_break(relaxation, node, breaks[worst], breaks[worst + 1])
        breaks.insert(worst + 1, at)
        widths[worst : worst + 1] = [
            _width(relaxation, node, *ends)
            for ends in zip(breaks[worst : worst + 2], breaks[worst + 1 : worst + 3], strict=True)
        ]
    return np.array(breaks)


def _bands(relaxation: Relaxation, node: int, breaks: Floats) -> list[Band]:
    return bands_of(relaxation.graph, relaxation.combination, node, breaks)


def _width(relaxation: Relaxation, node: int, low: float, high: float) -> float:
    band = _bands(relaxation, node, np.array([low, high]))[0]
    return band.most - band.least


def _best_break(relaxation: Relaxation, node: int, low: float, high: float) -> float:
    """Return where a curve is furthest from its chord; of a table the middle."""
    operation = relaxation.graph.operations[node]
    if not isinstance(operation, Univariate):
        return 0.5 * (low + high)
    ends = operation.curve.value(np.array([low, high]))
    touching = float(operation.curve.touches(np.float64((ends[1] - ends[0]) / (high - low))))
    margin = 0.1 * (high - low)
    return min(max(touching, low + margin), high - margin) if np.isfinite(touching) else 0.5 * (low + high)


def cut(relaxation: Relaxation, node: int, breaks: Floats) -> int:
    """Cut a node at breaks of its argument; return the number of pieces."""
    bands = _bands(relaxation, node, breaks)
    count = len(bands)
    inner = reads(relaxation.graph, node)[0]
    shares = [relaxation.extra(f"share_{node}_{p}") for p in range(count)]
    full = [relaxation.extra(f"full_{node}_{p}", whole=True) for p in range(count - 1)]
    for p, binary in enumerate(full):
        relaxation.add(f"filled_{node}_{p}", [(shares[p], 1.0), (binary, -1.0)], 0.0, np.inf)
        relaxation.add(f"begun_{node}_{p}", [(binary, 1.0), (shares[p + 1], -1.0)], 0.0, np.inf)
    widths = np.diff(breaks)
    low = float(breaks[0])
    relaxation.add(
        f"pieces_{node}", [(inner, 1.0), *((s, -float(w)) for s, w in zip(shares, widths, strict=True))], low, low
    )
    for below in _sides(relaxation, node):
        _bound(relaxation, node, bands, (shares, full), below=below)
    return count


def _sides(relaxation: Relaxation, node: int) -> tuple[bool, ...]:
    """Return the sides on which pieces matter: of a curve the one of its chord."""
    operation = relaxation.graph.operations[node]
    if isinstance(operation, Univariate):
        return (not operation.curve.convex,)
    return (True, False)


def _bound(
    relaxation: Relaxation, node: int, bands: list[Band], columns: tuple[list[int], list[int]], *, below: bool
) -> None:
    """Bound a node by the chords of its pieces, moved by how far the function leaves them in the chosen piece."""
    shares, full = columns
    starts = [b.least if below else b.most for b in bands]
    # A polyline through the band ends of each piece would jump: it goes on with each slope and the jumps are taken
    # with the binaries.
    value = starts[0] + bands[0].slope * bands[0].low
    terms = [(node, 1.0)]
    for share, band in zip(shares, bands, strict=True):
        terms.append((share, -band.slope * (band.high - band.low)))
    for p, binary in enumerate(full):
        at = bands[p].high
        jump = (starts[p + 1] + bands[p + 1].slope * at) - (starts[p] + bands[p].slope * at)
        if abs(jump) > 0.0:
            terms.append((binary, -jump))
    relaxation.add(f"pieced_{node}", terms, *((value, np.inf) if below else (-np.inf, value)))


def cut_grid(relaxation: Relaxation, node: int, count: int) -> int:
    """Cut a look-up of two nodes into ``count`` by half as many patches, each in its own hull; return how many.

    Each patch has its own copy of the three numbers, which is zero unless the patch is chosen.
    """
    operation = relaxation.graph.operations[node]
    assert isinstance(operation, Grid)
    rows = relaxation.rows_of(operation.row)
    along_x, along_y = (
        list(pairwise(map(float, np.linspace(*relaxation.ranges.within(read), parts + 1))))
        for read, parts in ((operation.x, count), (operation.y, count // 2))
    )
    sums: dict[int, list[tuple[int, float]]] = {operation.x: [], operation.y: [], node: []}
    chosen = []
    for p, (x, y) in enumerate(product(along_x, along_y)):
        points = corners(operation.ranges, rows, x, y)
        z = float(points.z.min()) - points.sags - 1e-9, float(points.z.max()) + points.bulges + 1e-9
        choice = relaxation.extra(f"patch_{node}_{p}", whole=True)
        chosen.append((choice, 1.0))
        shares = {}
        for number, (low, high) in ((operation.x, x), (operation.y, y), (node, z)):
            share = relaxation.extra(f"patch_{node}_{p}_of_{number}")
            relaxation.add(f"patch_{node}_{p}_holds", [(choice, 1.0), (share, -1.0)], 0.0, np.inf)
            sums[number] += [(choice, low), (share, high - low)]
            shares[number] = (share, low, high - low)
        for plane in _patch_planes(points, x, y):
            # v - a x - b y - c >= 0 (or <= 0), each number being low + width * share where the patch is chosen.
            weights = ((node, 1.0), (operation.x, -plane.slope_x), (operation.y, -plane.slope_y))
            terms = [(shares[n][0], w * shares[n][2]) for n, w in weights]
            terms.append((choice, sum(w * shares[n][1] for n, w in weights) - plane.start))
            relaxation.add(f"patches_{node}", terms, *((0.0, np.inf) if plane.below else (-np.inf, 0.0)))
    relaxation.add(f"patch_{node}", chosen, 1.0, 1.0)
    for number, terms in sums.items():
        relaxation.add(f"patch_{node}_sum", [(number, 1.0), *((n, -w) for n, w in terms)], 0.0, 0.0)
    return len(chosen)


def _patch_planes(points: Corners, x: tuple[float, float], y: tuple[float, float]) -> list[PlaneBound]:
    at = [(x[0] + a * (x[1] - x[0]), y[0] + b * (y[1] - y[0])) for a, b in PATCH_PLACES]
    return [plane_at(points, place, below=below) for place in at for below in (True, False)]


def count_whole(relaxation: Relaxation, node: int) -> int:
    """Return how many whole numbers a rounded node may be."""
    operation = relaxation.graph.operations[node]
    assert isinstance(operation, Rounding)
    low, high = whole_ends(relaxation, node)
    return high - low + 1


def whole_ends(relaxation: Relaxation, node: int) -> tuple[int, int]:
    """Return least and greatest whole number of a rounded node."""
    operation = relaxation.graph.operations[node]
    assert isinstance(operation, Rounding)
    low, high = relaxation.ranges.within(node)
    if operation.logarithm:
        low, high = float(np.exp(low)), float(np.exp(min(high, 40.0)))
    return int(np.ceil(low * (1.0 - 1e-7) - 1e-7)), int(np.floor(high * (1.0 + 1e-7) + 1e-7))


def enumerate_whole(relaxation: Relaxation, node: int) -> int:
    """Give a rounded node one binary for each whole number after its first; return how many numbers."""
    operation = relaxation.graph.operations[node]
    assert isinstance(operation, Rounding)
    first, last = whole_ends(relaxation, node)
    numbers = np.arange(first, last + 1, dtype=np.float64)
    over = [relaxation.extra(f"over_{node}_{int(n)}", whole=True) for n in numbers[1:]]
    for one, other in pairwise(over):
        relaxation.add(f"ordered_{node}", [(one, 1.0), (other, -1.0)], 0.0, np.inf)
    low, high = relaxation.ranges.within(operation.node)
    at = _scaled(numbers, logarithm=operation.logarithm)
    steps = [(binary, -float(step)) for binary, step in zip(over, np.diff(at), strict=True)]
    relaxation.add(f"whole_{node}", [(node, 1.0), *steps], float(at[0]) - 1e-11, float(at[0]) + 1e-11)
    if operation.free:
        return len(numbers)
    # What is rounded lies between the number and its neighbour, the ends of its range apart.
    shift = -1.0 if operation.up else 1.0
    near = _scaled(np.maximum(numbers + shift, 0.0), logarithm=operation.logarithm)
    least, most = (near, at) if operation.up else (at, near)
    least, most = np.clip(least, low, high), np.clip(most, low, high)
    least[0], most[-1] = low, high
    for name, ends, sign in (("from", least, 1.0), ("to", most, -1.0)):
        terms = [(operation.node, 1.0), *((b, -float(w)) for b, w in zip(over, np.diff(ends), strict=True))]
        slack = 1e-8 * (1.0 + abs(float(ends[0])))
        start = float(ends[0])
        relaxation.add(
            f"whole_{node}_{name}", terms, *((start - slack, np.inf) if sign > 0 else (-np.inf, start + slack))
        )
    return len(numbers)


def _scaled(values: Floats, *, logarithm: bool) -> Floats:
    return np.asarray(np.log(np.maximum(values, 1e-300)), dtype=np.float64) if logarithm else values
