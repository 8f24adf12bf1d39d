"""Backward linear relaxation: one plane below a weighted sum of slots, each slot bounded on the side that counts.

Going back from the objective, every slot gathers how much the result moves with it, from all that read it, before it is
replaced by a line. So what two readers have in common cancels, and only one side of each enclosure is paid for. On the
side where a curve bends away any tangent is a bound; it is taken at a point of the box, and the closer that point is to
the best one of the box, the higher the plane stands there. What it rests on:

- The side that counts: where ``s . x + least <= f(x) <= s . x + most`` and w is what f weighs,
  ``w f(x) >= w s . x + (w least where w >= 0, else w most)`` (test_the_side_that_counts).
- Slots replaced one by one: from the last slot to the inputs, each step is a lower bound of the one before, at every
  point of the box (test_slots_replaced_one_by_one).

Sources: Zhang, Weng, Chen, Hsieh, Daniel, Efficient neural network robustness certification with general activation
functions (CROWN), 2018; Singh, Gehr, Püschel, Vechev, An abstract domain for certifying neural networks (DeepPoly),
2019; here on a physical model.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.certify.bound.affine import Forward
from dawndusk.optimize.certify.bound.curve_sums import Group, tangent
from dawndusk.optimize.certify.bound.forms import WILD
from dawndusk.optimize.certify.functions.curves import PADDING, Lines
from dawndusk.optimize.certify.functions.joint import LOG_LEAST, LogServed
from dawndusk.optimize.certify.graph.operations import (
    Bend,
    Grid,
    Input,
    Joint,
    Operation,
    Product,
    Rounding,
    Sign,
    Sum,
    Table,
)

Floats: TypeAlias = NDArray[np.float64]
Values: TypeAlias = Any


def at_point(
    operations: Sequence[Operation],
    forward: Forward,
    point: Floats,
    needed: Sequence[int] | None = None,
    free: Collection[int] = (),
) -> list[Floats]:
    """Return the value of every slot at one point of each box, roundings left out.

    ``point`` holds coordinates of shape (d, B). Values are held in the ranges of the slots, those of curves apart, so
    that they stay on their curve. Sums that are ``free`` are not: where a rule ends the range of what it compares, a
    point that breaks the rule has to show by how much.
    """
    values: list[Floats] = [point[0]] * len(operations)
    for slot in range(len(operations)) if needed is None else needed:
        operation, form = operations[slot], forward.forms[slot]
        value: Any
        if isinstance(operation, Input):
            value = point[operation.axis]
        elif isinstance(operation, Sum):
            value = _weighed(operation, values, forward)
            if slot in free:
                values[slot] = value
                continue
        elif isinstance(operation, Bend):
            values[slot] = operation.curve.value(values[operation.slot])
            continue
        elif isinstance(operation, Table):
            value = operation.ranges.at(values[operation.slot], forward.row(operation.row))
        elif isinstance(operation, Grid):
            value = operation.ranges.at(values[operation.x], values[operation.y], forward.row(operation.row))
        elif isinstance(operation, Product):
            value = values[operation.x] * values[operation.y]
        elif isinstance(operation, Joint):
            value = operation.function.value([values[inner] for inner in operation.slots])
        elif isinstance(operation, Sign):
            value = np.sign(values[operation.slot])
        else:
            value = values[operation.slot]
        values[slot] = np.fmin(np.fmax(value, form.low), form.high)
    return values


def _weighed(operation: Sum, values: Sequence[Floats], forward: Forward) -> Any:
    """Return a sum at the points of its terms."""
    total: Any = None
    for inner, factor in operation.terms:
        here = forward.here(factor)
        part = values[inner] if isinstance(here, float) and here == 1.0 else values[inner] * here
        total = part if total is None else total + part
    constant = forward.here(operation.constant)
    if total is None:
        return np.broadcast_to(constant, (forward.count,))
    return total if isinstance(constant, float) and constant == 0.0 else total + constant


def plane(
    operations: Sequence[Operation],
    forward: Forward,
    weights: Mapping[int, Values],
    points: Sequence[Floats] | None = None,
    blame: Floats | None = None,
    groups: Sequence[Group] = (),
    companions: Mapping[int, int] | None = None,
) -> tuple[Floats, Floats]:
    """Return slopes and constant of a plane below ``sum of weight * slot``, shapes (d, B) and (B,).

    Slopes are per unit of u in [-1, 1]. ``points`` are the values of the slots where tangents are taken; without them
    the tangents are those parallel to the chords.

    ``blame``, of shape (d + k, B), gathers how far the lines are apart, by the coordinates that their arguments move
    with, and by the roundings: where a bound is lost, and so where it pays to split a box.
    """
    back = _Backward(operations, forward, points, blame, groups if points is not None else ())
    back.companions = companions or {}
    for slot, weight in weights.items():
        back.pass_on(slot, weight)
    for slot in range(len(operations) - 1, -1, -1):
        weight = back.adjoint[slot]
        if weight is not None:
            back.adjoint[slot] = None
            getattr(back, f"_{type(operations[slot]).__name__.lower()}")(operations[slot], slot, weight)
        if slot in back.closing:
            back.close(back.closing[slot])
    return back.slopes, np.broadcast_to(back.constant, (forward.count,))


class _Backward:
    """One pass backwards: what every slot weighs in the result, and what is known of the result so far."""

    def __init__(
        self,
        operations: Sequence[Operation],
        forward: Forward,
        points: Sequence[Floats] | None,
        blame: Floats | None,
        groups: Sequence[Group] = (),
    ) -> None:
        self.forward, self.points, self.blame = forward, points, blame
        self.operations = operations
        self.companions: Mapping[int, int] = {}
        self.closing = {group.members[-1].slot: group for group in groups}
        self.waiting: dict[int, Any] = {member.slot: None for group in groups for member in group.members}
        self.adjoint: list[Any] = [None] * len(operations)
        self.slopes = np.zeros(forward.low.shape)
        self.constant: Any = np.zeros(forward.count)

    def pass_on(self, slot: int, amount: Any) -> None:
        """Add to what a slot weighs."""
        known = self.adjoint[slot]
        self.adjoint[slot] = amount if known is None else known + amount

    def _input(self, operation: Input, _: int, weight: Any) -> None:
        low, high = self.forward.low[operation.axis], self.forward.high[operation.axis]
        self.slopes[operation.axis] += weight * (0.5 * (high - low))
        self.constant = self.constant + weight * (0.5 * (low + high))

    def _sum(self, operation: Sum, _: int, weight: Any) -> None:
        for inner, factor in operation.terms:
            here = self.forward.here(factor)
            self.pass_on(inner, weight if isinstance(here, float) and here == 1.0 else weight * here)
        shift = self.forward.here(operation.constant)
        if not (isinstance(shift, float) and shift == 0.0):
            self.constant = self.constant + weight * shift

    def _bend(self, operation: Bend, slot: int, weight: Any) -> None:
        if slot in self.waiting:
            self.waiting[slot] = weight
            return
        slope, start = self._line(operation, slot, weight)
        self.pass_on(operation.slot, weight * slope)
        self.constant = self.constant + weight * start
        self._blame_bend(operation, slot, weight)

    def close(self, group: Group) -> None:
        """Bound the curves of a group: as a sum where that is closer at the point, else each on its own."""
        members = [member for member in group.members if self.waiting[member.slot] is not None]
        if not members:
            return
        assert self.points is not None
        form = self.forward.forms[group.base]
        at = np.fmin(np.fmax(self.points[group.base], form.low), form.high)
        weighed, lines = [], []
        lost: Any = 0.0
        for member in members:
            weight, operation = self.waiting[member.slot], cast("Bend", self.operations[member.slot])
            factor, shift = self.forward.here(member.factor), self.forward.here(member.shift)
            slope, start = self._line(operation, member.slot, weight)
            lost = lost + weight * (self.points[member.slot] - slope * self.points[operation.slot] - start)
            weighed.append((member, weight, factor, shift))
            lines.append((operation, slope * factor, start + slope * shift))
        steep, begin, short = tangent(weighed, form.low, form.high, at)
        joined = (len(members) > 1) & (short < lost) & (np.abs(steep) < WILD) & (np.abs(begin) < WILD)
        self.pass_on(group.base, np.where(joined, steep, 0.0))
        self.constant = self.constant + np.where(joined, begin - steep * at, 0.0)
        if self.blame is not None:
            self._share(group.base, joined, np.where(joined, short, 0.0), 1.0)
        for (member, weight, _factor, _shift), (operation, slope, start) in zip(weighed, lines, strict=True):
            single = np.where(joined, 0.0, weight)
            self.pass_on(group.base, single * slope)
            self.constant = self.constant + single * start
            self._blame_bend(operation, member.slot, single)

    def _blame_bend(self, operation: Bend, slot: int, weight: Any) -> None:
        if self.blame is not None:
            found: Lines = self.forward.kept[slot]
            bends_away = (weight >= 0.0) == operation.curve.convex
            self._share(operation.slot, weight, found.most - found.least, np.where(bends_away, AWAY_SHARE, 1.0))

    def _line(self, operation: Bend, slot: int, weight: Any) -> tuple[Any, Any]:
        """Return slope and start of the line that bounds a curve on the side that a weight asks for.

        Tangent below a convex curve: ``f(x) >= f(t) + f'(t) (x - t)`` for every t, so that where the weight is positive
        (negative, for a concave curve) the tangent may be taken at any point (test_tangent_below_a_convex_curve). On
        the other side it is the chord.
        """
        found: Lines = self.forward.kept[slot]
        curve = operation.curve
        below = weight >= 0.0
        chord = np.where(below, found.least, found.most)
        if self.points is None:
            return found.slope, chord
        x, y = self.points[operation.slot], self.points[slot]
        steep = curve.slope(x)
        touching = y - steep * x
        pad = PADDING * (np.abs(touching) + np.abs(y)) + curve.error
        touching = touching - pad if curve.convex else touching + pad
        tangent = (below == curve.convex) & (np.abs(touching) < WILD) & (np.abs(steep) < WILD)
        tangent &= (y > found.at_low) & (y < found.at_high)
        return np.where(tangent, steep, found.slope), np.where(tangent, touching, chord)

    def _table(self, operation: Table, slot: int, weight: Any) -> None:
        found: Lines = self.forward.kept[slot]
        self.pass_on(operation.slot, weight * found.slope)
        self.constant = self.constant + np.where(weight >= 0.0, weight * found.least, weight * found.most)
        if self.blame is not None:
            self._share(operation.slot, weight, found.most - found.least, TABLE_SHARE)

    def _grid(self, operation: Grid | Product, slot: int, weight: Any) -> None:
        slope_x, slope_y, least, most = self.forward.kept[slot]
        self.pass_on(operation.x, weight * slope_x)
        self.pass_on(operation.y, weight * slope_y)
        self.constant = self.constant + np.where(weight >= 0.0, weight * least, weight * most)
        if self.blame is not None:
            self._share(slot, weight, most - least, TABLE_SHARE)

    _product = _grid

    def _joint(self, operation: Joint, slot: int, weight: Any) -> None:
        earlier = self.companions.get(slot)
        if self.points is not None and earlier is not None and self.adjoint[earlier] is not None:
            weight = self._difference(operation, slot, weight, earlier)
        found = self.forward.kept[slot]
        if self.points is not None:
            low, high = self.forward.ends(operation)
            at = np.stack([self.points[inner] for inner in operation.slots])
            found = operation.function.planes(low, high, at)
        for inner, slope in zip(operation.slots, found.slopes, strict=True):
            self.pass_on(inner, weight * slope)
        self.constant = self.constant + np.where(weight >= 0.0, weight * found.least, weight * found.most)
        if self.blame is not None:
            for inner, part in zip(operation.slots, found.parts, strict=True):
                self._share(inner, weight, part, 1.0)

    def _difference(self, operation: Joint, slot: int, weight: Any, earlier: int) -> Any:
        """Bound two means over the life together where one lowers the result and the other raises it.

        See ``LogServed.difference`` (test_a_plane_is_below_the_difference_of_two). Returned is what the later weighs in
        the boxes that are left; what the earlier weighs is left in its place.
        """
        assert self.points is not None
        function, other = cast("LogServed", operation.function), cast("Joint", self.operations[earlier])
        last, low, high = other.slots[-1], *self.forward.ends(operation)
        at, chosen = np.stack([self.points[inner] for inner in operation.slots]), self.points[last]
        ends = self.forward.forms[last].low, self.forward.forms[last].high, chosen
        weights = np.maximum(-weight, 0.0), np.maximum(self.adjoint[earlier], 0.0)
        slopes, constant, parts = function.difference(low, high, at, ends, weights)
        used = (weights[0] > 0.0) & (weights[1] > 0.0) & (self.forward.forms[slot].low > LOG_LEAST + FLOOR_MARGIN)
        used &= np.isfinite(constant) & (np.abs(slopes).sum(axis=0) < WILD)
        for inner, slope, part in zip((*operation.slots, last), slopes, parts, strict=True):
            self.pass_on(inner, np.where(used, slope, 0.0))
            if self.blame is not None:
                self._share(inner, used, np.where(used, part, 0.0), 1.0)
        self.constant = self.constant + np.where(used, constant, 0.0)
        self.adjoint[earlier] = np.where(used, 0.0, self.adjoint[earlier])
        return np.where(used, 0.0, weight)

    def _rounding(self, operation: Rounding, slot: int, weight: Any) -> None:
        single, known, down, over, *_ = self.forward.kept[slot]
        self.pass_on(operation.slot, np.where(single, 0.0, weight))
        rest = np.where(weight >= 0.0, weight * down, weight * over)
        self.constant = self.constant + np.where(single, weight * known, rest)
        if self.blame is not None and not operation.free:
            lost = np.where(single, 0.0, np.abs(weight) * (over - down))
            self.blame[len(self.slopes) + operation.place] += lost

    def _sign(self, _operation: Sign, slot: int, weight: Any) -> None:
        form = self.forward.forms[slot]
        self.constant = self.constant + np.where(weight >= 0.0, weight * form.low, weight * form.high)

    def _share(self, slot: int, weight: Any, apart: Any, share: Any) -> None:
        """Blame the axes of a slot for lines that are apart, in proportion to how far they move it.

        What moves a slot other than in a straight line is put down to no axis.
        """
        assert self.blame is not None
        form = self.forward.forms[slot]
        steep = np.abs(form.slopes)
        total = steep.sum(axis=0)
        amount = share * np.abs(weight) * apart
        reach = np.maximum(total, 0.5 * (form.high - form.low))
        part = np.where(reach > 0.0, amount / np.where(reach > 0.0, reach, 1.0), 0.0)
        for row, axis in enumerate(form.axes):
            self.blame[axis] += steep[row] * part


FLOOR_MARGIN = 1e-6
"""How far above its floor a mean over the life has to be for the floor not to count."""
AWAY_SHARE = 0.5
"""What counts of a gap on the side where a tangent can be moved to the point that matters."""
TABLE_SHARE = 0.5
"""What counts of a gap whose two lines stand on both sides of the function, not on it."""
