"""Lines and planes around functions of which the slopes are known over ranges, and around products.

Each is a slope for every argument, and the range in which the function less ``slope . arguments`` lies.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.certify.functions.curves import PADDING, LinearEnclosure
from dawndusk.optimize.certify.functions.lookup import GridRanges, TableRanges

Floats: TypeAlias = NDArray[np.float64]
Range: TypeAlias = tuple[Floats, Floats]

GRID_PADDING = 1e-13


class Plane(NamedTuple):
    """A plane of two arguments: a function less ``slope_x x + slope_y y`` is ``start``, give or take ``apart``."""

    slope_x: Floats
    slope_y: Floats
    start: Floats
    apart: Floats


def table_lines(ranges: TableRanges, x: Range, row: Any) -> LinearEnclosure:
    """Return lines around a table by the chord between the ends, and by how far slopes let it leave the chord.

    Slopes around a chord: a function over a width w with slopes from a to b leaves its chord, of slope s, by at most
    ``w (b - s) (s - a) / (b - a)``: it rises from one end at no more than ``b - s`` against the chord, and has to be
    back at the other at no more than ``s - a`` (test_slopes_around_a_chord).
    """
    x_low, x_high = x
    at_low, at_high, steep_low, steep_high, low, high = ranges.between(x_low, x_high, row)
    width = x_high - x_low
    narrow = ~(width > 0.0)
    slope = np.where(narrow, 0.5 * (steep_low + steep_high), (at_high - at_low) / np.where(narrow, 1.0, width))
    steep_low, steep_high = np.minimum(steep_low, slope), np.maximum(steep_high, slope)
    spread = steep_high - steep_low
    leaves = width * (steep_high - slope) * (slope - steep_low) / np.where(spread > 0.0, spread, 1.0)
    start = at_low - slope * x_low
    pad = PADDING * (np.abs(start) + np.abs(at_low))
    low, high = low - PADDING * np.abs(low), high + PADDING * np.abs(high)
    return LinearEnclosure(slope, start - leaves - pad, start + leaves + pad, low, high)


def grid_plane(ranges: GridRanges, x: Range, y: Range, row: Any) -> Plane:
    """Return a plane through a table of two at the middle of both ranges, and by how much slopes let it be left.

    Slopes around a plane: with slopes from a to b in each variable and the middle ones for the plane, the function
    moves from it by at most ``(b - a) / 2`` per unit, over half the width in each variable: ``sum (b - a) w / 4``
    (test_slopes_around_a_plane).
    """
    (x_low, x_high), (y_low, y_high) = ranges.slopes(x, y, row)
    slope_x, slope_y = 0.5 * (x_low + x_high), 0.5 * (y_low + y_high)
    middle_x, middle_y = 0.5 * (x[0] + x[1]), 0.5 * (y[0] + y[1])
    at_middle = ranges.at(middle_x, middle_y, row)
    leaves = 0.25 * ((x_high - x_low) * (x[1] - x[0]) + (y_high - y_low) * (y[1] - y[0]))
    leaves = leaves + PADDING * (1.0 + np.abs(at_middle)) + GRID_PADDING
    start = at_middle - slope_x * middle_x - slope_y * middle_y
    return Plane(slope_x, slope_y, start, leaves)


def product_plane(x: Range, y: Range) -> Plane:
    """Return the plane that is tangent to a product at the middle of both ranges, and how far the product leaves it.

    Product near its tangent plane: with m and n the middles, ``x y = n x + m y - m n + (x - m) (y - n)``, the last at
    most the product of the half widths either way (test_product_near_its_tangent_plane).
    Source: Stolfi and de Figueiredo, Self-validated numerical methods and applications, 1997 (affine multiplication).
    """
    middle_x, middle_y = 0.5 * (x[0] + x[1]), 0.5 * (y[0] + y[1])
    shift = middle_x * middle_y
    rest = (x[1] - middle_x) * (y[1] - middle_y) + PADDING * np.abs(shift)
    return Plane(middle_y, middle_x, -shift, rest)


def product_ends(x: Range, y: Range) -> Range:
    """Return the least and the greatest product of two ranges.

    Product over a rectangle: it is linear in each factor, so that its ends are among the four corners.
    Source: Moore, Interval Analysis, 1966; McCormick, Computability of global solutions to factorable nonconvex
    programs, 1976 (test_product_over_a_rectangle).
    """
    corners = np.stack([x[0] * y[0], x[0] * y[1], x[1] * y[0], x[1] * y[1]])
    return corners.min(axis=0), corners.max(axis=0)
