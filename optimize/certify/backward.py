"""The tape backwards: one plane below a weighted sum of slots, each slot bounded on the side that counts.

Going back from the objective, every slot gathers how much the result moves with it, from all that read it, before it is
replaced by a line. So what two readers have in common cancels, and only one side of each enclosure is paid for. On the
side where a curve bends away any tangent is a bound; it is taken at a point of the box, and the closer that point is to
the best one of the box, the higher the plane stands there.

Source: the backward linear bounds of verified neural networks (Zhang et al., CROWN, 2018), here on a physical model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.certify.affine import Form, Forward
from dawndusk.optimize.certify.curves import PADDING, Lines
from dawndusk.optimize.certify.operations import Bend, Grid, Input, Operation, Product, Rounding, Sign, Sum, Table

Floats: TypeAlias = NDArray[np.float64]
Values: TypeAlias = Any


def at_point(operations: Sequence[Operation], forward: Forward, point: Floats) -> list[Floats]:
    """Return the value of every slot at one point of each box, roundings left out.

    ``point`` holds coordinates of shape (d, B). Values are held in the ranges of the slots, those of curves apart, so
    that they stay on their curve.
    """
    values: list[Floats] = []
    for slot, operation in enumerate(operations):
        form = forward.forms[slot]
        value: Any
        if isinstance(operation, Input):
            value = point[operation.axis]
        elif isinstance(operation, Sum):
            value = np.broadcast_to(forward.here(operation.constant), (forward.count,))
            for inner, factor in operation.terms:
                value = value + values[inner] * forward.here(factor)
        elif isinstance(operation, Bend):
            values.append(operation.curve.value(values[operation.slot]))
            continue
        elif isinstance(operation, Table):
            value = operation.ranges.at(values[operation.slot], forward.row(operation.row))
        elif isinstance(operation, Grid):
            value = operation.ranges.at(values[operation.x], values[operation.y], forward.row(operation.row))
        elif isinstance(operation, Product):
            value = values[operation.x] * values[operation.y]
        elif isinstance(operation, Sign):
            value = np.sign(values[operation.slot])
        else:
            value = values[operation.slot]
        values.append(np.minimum(np.maximum(value, form.low), form.high))
    return values


def plane(
    operations: Sequence[Operation],
    forward: Forward,
    weights: Mapping[int, Values],
    points: Sequence[Floats] | None = None,
    blame: Floats | None = None,
) -> tuple[Floats, Floats]:
    """Return slopes and constant of a plane below ``sum of weight * slot``, shapes (d, B) and (B,).

    Slopes are per unit of u in [-1, 1]. ``points`` are the values of the slots where tangents are taken; without them
    the tangents are those parallel to the chords.

    ``blame``, of shape (d + k, B), gathers how far the lines are apart, by the coordinates that their arguments move
    with, and by the roundings: where a bound is lost, and so where it pays to split a box.
    """
    count = forward.count
    adjoint: list[Any] = [None] * len(operations)
    for slot, weight in weights.items():
        adjoint[slot] = weight
    slopes = np.zeros(forward.low.shape)
    constant: Any = np.zeros(count)

    def pass_on(slot: int, amount: Any) -> None:
        known = adjoint[slot]
        adjoint[slot] = amount if known is None else known + amount

    for slot in range(len(operations) - 1, -1, -1):
        weight = adjoint[slot]
        if weight is None:
            continue
        adjoint[slot] = None
        operation = operations[slot]
        if isinstance(operation, Sum):
            for inner, factor in operation.terms:
                factor = forward.here(factor)
                pass_on(inner, weight if isinstance(factor, float) and factor == 1.0 else weight * factor)
            shift = forward.here(operation.constant)
            if not (isinstance(shift, float) and shift == 0.0):
                constant = constant + weight * shift
        elif isinstance(operation, Bend):
            slope, start = _tangent_or_chord(operation, forward, slot, weight, points)
            pass_on(operation.slot, weight * slope)
            constant = constant + weight * start
            if blame is not None:
                lines = forward.kept[slot]
                apart = np.abs(weight) * (lines.most - lines.least)
                bent = (weight >= 0.0) == operation.curve.convex
                apart = np.where(bent, BENT_SHARE * apart, apart)
                _share(blame, forward.forms[operation.slot], apart)
        elif isinstance(operation, Input):
            low, high = forward.low[operation.axis], forward.high[operation.axis]
            slopes[operation.axis] += weight * (0.5 * (high - low))
            constant = constant + weight * (0.5 * (low + high))
        elif isinstance(operation, Table):
            found: Lines = forward.kept[slot]
            pass_on(operation.slot, weight * found.slope)
            constant = constant + np.where(weight >= 0.0, weight * found.least, weight * found.most)
            if blame is not None:
                _share(blame, forward.forms[operation.slot], 0.5 * np.abs(weight) * (found.most - found.least))
        elif isinstance(operation, (Grid, Product)):
            slope_x, slope_y, least, most = forward.kept[slot]
            pass_on(operation.x, weight * slope_x)
            pass_on(operation.y, weight * slope_y)
            constant = constant + np.where(weight >= 0.0, weight * least, weight * most)
            if blame is not None:
                _share(blame, forward.forms[slot], 0.5 * np.abs(weight) * (most - least))
        elif isinstance(operation, Rounding):
            single, known, down, over, *_ = forward.kept[slot]
            pass_on(operation.slot, np.where(single, 0.0, weight))
            rest = np.where(weight >= 0.0, weight * down, weight * over)
            constant = constant + np.where(single, weight * known, rest)
            if blame is not None and not operation.free:
                blame[len(slopes) + operation.place] += np.where(single, 0.0, np.abs(weight) * (over - down))
        else:
            form = forward.forms[slot]
            constant = constant + np.where(weight >= 0.0, weight * form.low, weight * form.high)
    return slopes, np.broadcast_to(constant, (count,))


BENT_SHARE = 0.5
"""What counts of a gap on the side where a tangent can be moved to the point that matters."""


def _share(blame: Floats, form: Form, amount: Floats) -> None:
    """Share an amount between the axes of a form in proportion to how far they move it."""
    steep = np.abs(form.slopes)
    total = steep.sum(axis=0)
    part = np.where(total > 0.0, amount / np.where(total > 0.0, total, 1.0), 0.0)
    for row, axis in enumerate(form.axes):
        blame[axis] += steep[row] * part


def _tangent_or_chord(
    operation: Bend, forward: Forward, slot: int, weight: Values, points: Sequence[Floats] | None
) -> tuple[Values, Values]:
    """Return slope and start of the line that bounds a curve on the side that a weight asks for."""
    found: Lines = forward.kept[slot]
    curve = operation.curve
    below = weight >= 0.0
    chord = np.where(below, found.least, found.most)
    if points is None:
        return found.slope, chord
    x, y = points[operation.slot], points[slot]
    steep = curve.slope(x)
    touching = y - steep * x
    pad = PADDING * (np.abs(touching) + np.abs(y)) + curve.error
    touching = touching - pad if curve.convex else touching + pad
    tangent = (below == curve.convex) & np.isfinite(touching) & (y > found.at_low) & (y < found.at_high)
    return np.where(tangent, steep, found.slope), np.where(tangent, touching, chord)
