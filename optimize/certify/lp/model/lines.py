"""Outer lines of functions of one number: tangents, chords and bands, each a valid bound over its interval.

A line that bounds from below is widened downwards, one from above upwards, by more than the rounding of the few
operations behind it, so that no sum of lines ever cuts off a point of the function.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import highspy
import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.certify.functions.curves import PADDING, RAMP, Curve
from dawndusk.optimize.certify.functions.lookup import GridRanges, TableRanges
from dawndusk.optimize.certify.lp.solver import OPTIMAL, solver

Floats: TypeAlias = NDArray[np.float64]

MOST_HULL_LINES = 6
"""Lines on each side of a look-up: each is worked out from all nodes, so leaving some out only loosens."""
LARGEST_SLOPE = 1e12
"""Steeper lines say nothing that a bound on the variable does not say, and spoil the digits of a row."""
FLAT = 1e-9
CUTS = 3
"""Parts into which a patch of a table is cut along a logarithm."""


@dataclass(frozen=True)
class LinearBound:
    """``slope * x + start``, with ``below`` a lower bound of the function, else an upper one."""

    slope: float
    start: float
    below: bool


@dataclass(frozen=True)
class Band:
    """A function over ``[low, high]``: from ``slope * x + least`` to ``slope * x + most``."""

    low: float
    high: float
    slope: float
    least: float
    most: float


def tangents(curve: Curve, low: float, high: float, count: int, points: Sequence[float] = ()) -> list[LinearBound]:
    """Return tangents of a curve at ``count`` arguments of evenly spread slopes, and at ``points``."""
    if curve is RAMP:
        return [LinearBound(0.0, 0.0, below=True), LinearBound(1.0, 0.0, below=True)]
    low, high = (float(curve.within(end)) for end in (low, high))
    with np.errstate(all="ignore"):
        ends = np.asarray(curve.slope(np.array([low, high])), dtype=np.float64)
        ends = np.clip(np.nan_to_num(ends, nan=0.0), -LARGEST_SLOPE, LARGEST_SLOPE)
        share = (np.arange(count) + 0.5) / max(count, 1)
        at = np.asarray(curve.touches(ends[0] + (ends[1] - ends[0]) * share), dtype=np.float64)
        at = np.concatenate(
            [np.clip(at[np.isfinite(at)], low, high), [low, high], np.asarray(points, dtype=np.float64)]
        )
        at = at[(at >= low) & (at <= high)]
        return tangents_at(curve, low, high, np.unique(at))


def tangents_at(curve: Curve, low: float, high: float, at: Floats) -> list[LinearBound]:
    """Return the tangents of a curve at arguments, valid over ``[low, high]``."""
    with np.errstate(all="ignore"):
        slope = np.asarray(curve.slope(at), dtype=np.float64)
        value = np.asarray(curve.value(at), dtype=np.float64)
    start = value - slope * at
    reach = max(abs(low), abs(high)) if np.isfinite(low) and np.isfinite(high) else float(np.max(np.abs(at), initial=0))
    pad = 4.0 * PADDING * (1.0 + np.abs(slope) * (np.abs(at) + reach) + np.abs(value)) + curve.error
    start = start - pad if curve.convex else start + pad
    kept = np.isfinite(start) & (np.abs(slope) < LARGEST_SLOPE)
    return [LinearBound(float(s), float(t), curve.convex) for s, t in zip(slope[kept], start[kept], strict=True)]


def curve_bands(curve: Curve, breaks: Floats) -> list[Band]:
    """Return a band between chord and parallel tangent over each interval between breaks."""
    kept = curve.within(breaks)
    low, high = kept[:-1], kept[1:]
    with np.errstate(all="ignore"):
        at_low, at_high = (np.asarray(curve.value(x), dtype=np.float64) for x in (low, high))
        slope = (at_high - at_low) / np.where(high > low, high - low, 1.0)
        touching = np.clip(np.nan_to_num(np.asarray(curve.touches(slope), dtype=np.float64)), low, high)
        at_touching = np.asarray(curve.value(touching), dtype=np.float64)
    ends = at_low - slope * low, at_high - slope * high
    tangent = at_touching - slope * touching
    # The touching point of a slope is known to rounding only; what the tangent may rise above the curve is second
    # order in that, and the padding covers it.
    pad = (
        4.0 * PADDING * (1.0 + np.abs(slope) * np.maximum(np.abs(low), np.abs(high)) + np.abs(at_touching))
        + curve.error
    )
    if curve.convex:
        least, most = np.minimum(tangent, np.minimum(*ends)) - pad, np.maximum(*ends) + pad
    else:
        least, most = np.minimum(*ends) - pad, np.maximum(tangent, np.maximum(*ends)) + pad
    return [Band(*map(float, row)) for row in zip(breaks[:-1], breaks[1:], slope, least, most, strict=True)]


def table_bands(ranges: TableRanges, row: int, breaks: Floats) -> list[Band]:
    """Return a band around the chord of a table over each interval between breaks."""
    found = []
    for low, high in pairwise(breaks):
        x, y = table_points(ranges, row, float(low), float(high))
        slope = float((y[-1] - y[0]) / (x[-1] - x[0])) if x[-1] > x[0] else 0.0
        rest = y - slope * x
        pad = 4.0 * PADDING * (1.0 + abs(slope) * max(abs(low), abs(high)) + float(np.max(np.abs(y))))
        most = float(rest.max()) + bulge(ranges, row, x) + pad
        found.append(Band(float(low), float(high), slope, float(rest.min()) - pad, most))
    return found


def table_points(ranges: TableRanges, row: int, low: float, high: float) -> tuple[Floats, Floats]:
    """Return the points between which a table is linear over ``[low, high]``: both ends and all nodes between."""
    nodes = ranges.table.axis.nodes
    x = np.concatenate([[low], nodes[(nodes > low) & (nodes < high)], [high]]) if high > low else np.array([low])
    return x, np.asarray(ranges.at(x, row), dtype=np.float64)


def bulge(ranges: TableRanges, row: int, x: Floats) -> float:
    """Return how far the logarithm of a table rises above the chords between points, zero for a plain table."""
    if not ranges.logarithm:
        return 0.0
    step = np.abs(np.diff(np.asarray(ranges.at(x, row), dtype=np.float64)))
    step = step[step > FLAT]
    if not len(step):
        return 1e-12
    # log(1 + t (r - 1)) - t log r is largest at t = 1 / log r - 1 / (r - 1).
    share = 1.0 / step - 1.0 / np.expm1(step)
    return float(np.max(np.log1p(share * np.expm1(step)) - share * step)) + 1e-12


def hull_lines(x: Floats, y: Floats, above_by: float, pad: float) -> list[LinearBound]:
    """Return the lines of both hulls of points with rising ``x``, those of the upper raised by ``above_by``."""
    if len(x) == 1 or x[-1] - x[0] <= 1e-12 * (1.0 + abs(x[0])):
        return [
            LinearBound(0.0, float(y.min()) - pad, below=True),
            LinearBound(0.0, float(y.max()) + above_by + pad, below=False),
        ]
    found = []
    for sign, below in ((1.0, True), (-1.0, False)):
        hull = _lower_hull(x, sign * y)
        if len(hull) > MOST_HULL_LINES + 1:
            hull = [hull[k] for k in np.unique(np.linspace(0, len(hull) - 1, MOST_HULL_LINES + 1).round().astype(int))]
        for i, j in pairwise(hull):
            slope = float((y[j] - y[i]) / (x[j] - x[i]))
            rest = y - slope * x
            start = float(rest.min()) - pad if below else float(rest.max()) + above_by + pad
            found.append(LinearBound(slope, start, below))
    return found


def _lower_hull(x: Floats, y: Floats) -> list[int]:
    """Return the indices of the lower convex hull of points with rising ``x`` (Andrew's monotone chain)."""
    hull: list[int] = []
    for k in range(len(x)):
        while len(hull) > 1:
            i, j = hull[-2], hull[-1]
            if (y[j] - y[i]) * (x[k] - x[i]) >= (y[k] - y[i]) * (x[j] - x[i]):
                hull.pop()
            else:
                break
        hull.append(k)
    return hull


def table_lines(ranges: TableRanges, rows: Sequence[int], low: float, high: float) -> list[LinearBound]:
    """Return the lines of the hull of some rows of a table over ``[low, high]``."""
    parts = [table_points(ranges, row, low, high) for row in rows]
    x, values = parts[0][0], np.array([y for _, y in parts])
    pad = 8.0 * PADDING * (1.0 + float(np.max(np.abs(values))))
    above_by = max(bulge(ranges, row, x) for row in rows)
    lower = hull_lines(x, values.min(axis=0), above_by, pad)
    upper = lower if len(rows) == 1 else hull_lines(x, values.max(axis=0), above_by, pad)
    return [line for line in lower if line.below] + [line for line in upper if not line.below]


@dataclass(frozen=True, eq=False)
class Corners:
    """Corners of the patches of a look-up of two numbers, shape (n,), and how far it leaves the patches' planes.

    A plane below all corners, lowered by ``sags``, is below the look-up; one above all, raised by ``bulges``, above.
    """

    x: Floats
    y: Floats
    z: Floats
    sags: float
    bulges: float


def corners(ranges: GridRanges, rows: Sequence[int], x: tuple[float, float], y: tuple[float, float]) -> Corners:
    """Return the corners of the patches of some rows that a rectangle touches."""
    parts = [_corners(ranges, row, x, y) for row in rows]
    return Corners(
        np.concatenate([part.x for part in parts]),
        np.concatenate([part.y for part in parts]),
        np.concatenate([part.z for part in parts]),
        max(part.sags for part in parts),
        max(part.bulges for part in parts),
    )


def _corners(ranges: GridRanges, row: int, x: tuple[float, float], y: tuple[float, float]) -> Corners:
    """Return the corners of the patches that a rectangle touches.

    A bilinear patch less a plane takes its extremes at its corners. Where the second number is given in its logarithm
    a patch is exponential along it, and each is cut into a few, so that this matters little.
    """
    grid = ranges.grid
    xs = np.unique(np.concatenate([x, grid.x.nodes[(grid.x.nodes > x[0]) & (grid.x.nodes < x[1])]]))
    nodes = np.log(grid.y.nodes[grid.y.nodes > 0.0]) if ranges.logarithm else grid.y.nodes
    ys = np.unique(np.concatenate([y, nodes[(nodes > y[0]) & (nodes < y[1])]]))
    if ranges.logarithm:
        share = np.linspace(0.0, 1.0, CUTS + 1)[:-1]
        ys = np.unique(np.concatenate([(ys[:-1, np.newaxis] + np.diff(ys)[:, np.newaxis] * share).ravel(), ys[-1:]]))
    mesh_x, mesh_y = np.meshgrid(xs, ys, indexing="ij")
    values = np.asarray(ranges.at(mesh_x.ravel(), mesh_y.ravel(), row), dtype=np.float64).reshape(mesh_x.shape)
    sags = bulges = 0.0
    if ranges.logarithm and len(ys) > 1:
        step = np.maximum(np.diff(ys), 1e-9)
        ratio = np.expm1(step)
        share = np.log(ratio / step) / step
        away = np.diff(values, axis=1) * (share - np.expm1(share * step) / ratio + 1e-12)
        sags, bulges = float(np.max(away, initial=0.0)), float(np.max(-away, initial=0.0))
    return Corners(mesh_x.ravel(), mesh_y.ravel(), values.ravel(), sags, bulges)


@dataclass(frozen=True)
class PlaneBound:
    """``slope_x * x + slope_y * y + start``, with ``below`` a lower bound, else an upper one."""

    slope_x: float
    slope_y: float
    start: float
    below: bool


def plane_at(points: Corners, at: tuple[float, float], *, below: bool) -> PlaneBound:
    """Return the plane of the hull of points that is tightest at one place.

    The tightest is a small linear programme; its slopes are taken as they come and the start is worked out from all
    points, so that the plane holds whatever the programme's tolerance.
    """
    scale_x, scale_y = (max(float(np.ptp(v)), 1e-9) for v in (points.x, points.y))
    sign = 1.0 if below else -1.0
    columns = np.stack([(points.x - at[0]) / scale_x, (points.y - at[1]) / scale_y, np.ones(len(points.x))])
    slopes = _tightest(columns, sign * points.z)
    return plane_of(points, sign * slopes[0] / scale_x, sign * slopes[1] / scale_y, below=below)


def _tightest(columns: Floats, heights: Floats) -> tuple[float, float]:
    """Return the slopes of the highest plane at the origin below points, zero where there is none.

    ``columns`` are the places of the points and a row of ones, shape (3, n). What is solved is the dual programme: the
    lowest mean of points that lies over the origin.
    """
    count = columns.shape[1]
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = count, len(columns)
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = heights, np.zeros(count), np.full(count, np.inf)
    lp.row_lower_ = lp.row_upper_ = np.array([0.0, 0.0, 1.0])
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.arange(len(columns) + 1, dtype=np.int32) * count
    lp.a_matrix_.index_ = np.tile(np.arange(count, dtype=np.int32), len(columns))
    lp.a_matrix_.value_ = columns.ravel()
    highs = solver()
    highs.passModel(lp)
    highs.run()
    if highs.getModelStatus() != OPTIMAL:
        return 0.0, 0.0
    slope_x, slope_y, _ = map(float, highs.getSolution().row_dual)
    return slope_x, slope_y


def plane_of(points: Corners, slope_x: float, slope_y: float, *, below: bool) -> PlaneBound:
    """Return the plane of given slopes that bounds a look-up."""
    along = slope_x * points.x, slope_y * points.y
    rest = points.z - along[0] - along[1]
    pad = 8.0 * PADDING * (1.0 + float(np.max(np.abs(points.z) + np.abs(along[0]) + np.abs(along[1])))) + 1e-12
    start = float(rest.min()) - points.sags - pad if below else float(rest.max()) + points.bulges + pad
    return PlaneBound(slope_x, slope_y, start, below)
