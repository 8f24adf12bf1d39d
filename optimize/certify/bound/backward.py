"""Backward linear relaxation: one plane below a weighted sum of nodes, each node bounded on the side that counts.

Going back from the objective, every node gathers how much the result moves with it, from all that read it, before it is
replaced by a line. So what two readers have in common cancels, and only one side of each enclosure is paid for. On the
side where a curve bends away any tangent is a bound; it is taken at a point of the box, and the closer that point is to
the best one of the box, the higher the plane stands there. What it rests on:

- The side that counts: where ``s . x + least <= f(x) <= s . x + most`` and w is what f weighs,
  ``w f(x) >= w s . x + (w least where w >= 0, else w most)`` (test_the_side_that_counts).
- Slots replaced one by one: from the last node to the inputs, each step is a lower bound of the one before, at every
  point of the box (test_nodes_replaced_one_by_one).

Sources: Zhang, Weng, Chen, Hsieh, Daniel, Efficient neural network robustness certification with general activation
functions (CROWN), 2018; Singh, Gehr, Püschel, Vechev, An abstract domain for certifying neural networks (DeepPoly),
2019; here on a physical model.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.certify.bound.affine import ForwardBounds
from dawndusk.optimize.certify.bound.curve_sums import CurveSum, tangent
from dawndusk.optimize.certify.bound.forms import WILD
from dawndusk.optimize.certify.functions.curves import PADDING, LinearEnclosure
from dawndusk.optimize.certify.functions.joint import LOG_LEAST, LogServed
from dawndusk.optimize.certify.graph.operations import (
    Grid,
    Input,
    Joint,
    Operation,
    Product,
    Rounding,
    Sign,
    Sum,
    Table,
    Univariate,
)

Floats: TypeAlias = NDArray[np.float64]
Values: TypeAlias = Any


def at_point(
    operations: Sequence[Operation],
    forward: ForwardBounds,
    point: Floats,
    needed: Sequence[int] | None = None,
    free: Collection[int] = (),
) -> list[Floats]:
    """Return the value of every node at one point of each box, roundings left out.

    ``point`` holds coordinates of shape (d, B). Values are held in the ranges of the nodes, those of curves apart, so
    that they stay on their curve. Sums that are ``free`` are not: where a rule ends the range of what it compares, a
    point that breaks the rule has to show by how much.
    """
    values: list[Floats] = [point[0]] * len(operations)
    for node in range(len(operations)) if needed is None else needed:
        operation, form = operations[node], forward.forms[node]
        value: Any
        if isinstance(operation, Input):
            value = point[operation.axis]
        elif isinstance(operation, Sum):
            value = _weighed(operation, values, forward)
            if node in free:
                values[node] = value
                continue
        elif isinstance(operation, Univariate):
            values[node] = operation.curve.value(values[operation.node])
            continue
        elif isinstance(operation, Table):
            value = operation.ranges.at(values[operation.node], forward.row(operation.row))
        elif isinstance(operation, Grid):
            value = operation.ranges.at(values[operation.x], values[operation.y], forward.row(operation.row))
        elif isinstance(operation, Product):
            value = values[operation.x] * values[operation.y]
        elif isinstance(operation, Joint):
            value = operation.function.value([values[inner] for inner in operation.nodes])
        elif isinstance(operation, Sign):
            value = np.sign(values[operation.node])
        else:
            value = values[operation.node]
        values[node] = np.fmin(np.fmax(value, form.low), form.high)
    return values


def _weighed(operation: Sum, values: Sequence[Floats], forward: ForwardBounds) -> Any:
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
    forward: ForwardBounds,
    weights: Mapping[int, Values],
    points: Sequence[Floats] | None = None,
    blame: Floats | None = None,
    groups: Sequence[CurveSum] = (),
    companions: Mapping[int, int] | None = None,
) -> tuple[Floats, Floats]:
    """Return slopes and constant of a plane below ``sum of weight * node``, shapes (d, B) and (B,).

    Slopes are per unit of u in [-1, 1]. ``points`` are the values of the nodes where tangents are taken; without them
    the tangents are those parallel to the chords.

    ``blame``, of shape (d + k, B), gathers how far the lines are apart, by the coordinates that their arguments move
    with, and by the roundings: where a bound is lost, and so where it pays to split a box.
    """
    back = _Backward(operations, forward, points, blame, groups if points is not None else ())
    back.companions = companions or {}
    for node, weight in weights.items():
        back.pass_on(node, weight)
    for node in range(len(operations) - 1, -1, -1):
        weight = back.adjoint[node]
        if weight is not None:
            back.adjoint[node] = None
            getattr(back, f"_{type(operations[node]).__name__.lower()}")(operations[node], node, weight)
        if node in back.closing:
            back.close(back.closing[node])
    return back.slopes, np.broadcast_to(back.constant, (forward.count,))


class _Backward:
    """One pass backwards: what every node weighs in the result, and what is known of the result so far."""

    def __init__(
        self,
        operations: Sequence[Operation],
        forward: ForwardBounds,
        points: Sequence[Floats] | None,
        blame: Floats | None,
        groups: Sequence[CurveSum] = (),
    ) -> None:
        self.forward, self.points, self.blame = forward, points, blame
        self.operations = operations
        self.companions: Mapping[int, int] = {}
        self.closing = {group.members[-1].node: group for group in groups}
        self.waiting: dict[int, Any] = {member.node: None for group in groups for member in group.members}
        self.adjoint: list[Any] = [None] * len(operations)
        self.slopes = np.zeros(forward.low.shape)
        self.constant: Any = np.zeros(forward.count)

    def pass_on(self, node: int, amount: Any) -> None:
        """Add to what a node weighs."""
        known = self.adjoint[node]
        self.adjoint[node] = amount if known is None else known + amount

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

    def _univariate(self, operation: Univariate, node: int, weight: Any) -> None:
        if node in self.waiting:
            self.waiting[node] = weight
            return
        slope, start = self._line(operation, node, weight)
        self.pass_on(operation.node, weight * slope)
        self.constant = self.constant + weight * start
        self._blame_univariate(operation, node, weight)

    def close(self, group: CurveSum) -> None:
        """Bound the curves of a group: as a sum where that is closer at the point, else each on its own."""
        members = [member for member in group.members if self.waiting[member.node] is not None]
        if not members:
            return
        assert self.points is not None
        form = self.forward.forms[group.base]
        at = np.fmin(np.fmax(self.points[group.base], form.low), form.high)
        weighed, lines = [], []
        lost: Any = 0.0
        for member in members:
            weight, operation = self.waiting[member.node], cast("Univariate", self.operations[member.node])
            factor, shift = self.forward.here(member.factor), self.forward.here(member.shift)
            slope, start = self._line(operation, member.node, weight)
            lost = lost + weight * (self.points[member.node] - slope * self.points[operation.node] - start)
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
            self._blame_univariate(operation, member.node, single)

    def _blame_univariate(self, operation: Univariate, node: int, weight: Any) -> None:
        if self.blame is not None:
            found: LinearEnclosure = self.forward.kept[node]
            bends_away = (weight >= 0.0) == operation.curve.convex
            self._share(operation.node, weight, found.most - found.least, np.where(bends_away, AWAY_SHARE, 1.0))

    def _line(self, operation: Univariate, node: int, weight: Any) -> tuple[Any, Any]:
        """Return slope and start of the line that bounds a curve on the side that a weight asks for.

        Tangent below a convex curve: ``f(x) >= f(t) + f'(t) (x - t)`` for every t, so that where the weight is positive
        (negative, for a concave curve) the tangent may be taken at any point (test_tangent_below_a_convex_curve). On
        the other side it is the chord.
        """
        found: LinearEnclosure = self.forward.kept[node]
        curve = operation.curve
        below = weight >= 0.0
        chord = np.where(below, found.least, found.most)
        if self.points is None:
            return found.slope, chord
        x, y = self.points[operation.node], self.points[node]
        steep = curve.slope(x)
        touching = y - steep * x
        pad = PADDING * (np.abs(touching) + np.abs(y)) + curve.error
        touching = touching - pad if curve.convex else touching + pad
        tangent = (below == curve.convex) & (np.abs(touching) < WILD) & (np.abs(steep) < WILD)
        tangent &= (y > found.at_low) & (y < found.at_high)
        return np.where(tangent, steep, found.slope), np.where(tangent, touching, chord)

    def _table(self, operation: Table, node: int, weight: Any) -> None:
        found: LinearEnclosure = self.forward.kept[node]
        self.pass_on(operation.node, weight * found.slope)
        self.constant = self.constant + np.where(weight >= 0.0, weight * found.least, weight * found.most)
        if self.blame is not None:
            self._share(operation.node, weight, found.most - found.least, TABLE_SHARE)

    def _grid(self, operation: Grid | Product, node: int, weight: Any) -> None:
        slope_x, slope_y, least, most = self.forward.kept[node]
        self.pass_on(operation.x, weight * slope_x)
        self.pass_on(operation.y, weight * slope_y)
        self.constant = self.constant + np.where(weight >= 0.0, weight * least, weight * most)
        if self.blame is not None:
            self._share(node, weight, most - least, TABLE_SHARE)

    _product = _grid

    def _joint(self, operation: Joint, node: int, weight: Any) -> None:
        earlier = self.companions.get(node)
        if self.points is not None and earlier is not None and self.adjoint[earlier] is not None:
            weight = self._difference(operation, node, weight, earlier)
        found = self.forward.kept[node]
        if self.points is not None:
            low, high = self.forward.ends(operation)
            at = np.stack([self.points[inner] for inner in operation.nodes])
            found = operation.function.planes(low, high, at)
        for inner, slope in zip(operation.nodes, found.slopes, strict=True):
            self.pass_on(inner, weight * slope)
        self.constant = self.constant + np.where(weight >= 0.0, weight * found.least, weight * found.most)
        if self.blame is not None:
            for inner, part in zip(operation.nodes, found.parts, strict=True):
                self._share(inner, weight, part, 1.0)

    def _difference(self, operation: Joint, node: int, weight: Any, earlier: int) -> Any:
        """Bound two means over the life together where one lowers the result and the other raises it.

        See ``LogServed.difference`` (test_a_plane_is_below_the_difference_of_two). Returned is what the later weighs in
        the boxes that are left; what the earlier weighs is left in its place.
        """
        assert self.points is not None
        function, other = cast("LogServed", operation.function), cast("Joint", self.operations[earlier])
        last, low, high = other.nodes[-1], *self.forward.ends(operation)
        at, chosen = np.stack([self.points[inner] for inner in operation.nodes]), self.points[last]
        ends = self.forward.forms[last].low, self.forward.forms[last].high, chosen
        weights = np.maximum(-weight, 0.0), np.maximum(self.adjoint[earlier], 0.0)
        slopes, constant, parts = function.difference(low, high, at, ends, weights)
        used = (weights[0] > 0.0) & (weights[1] > 0.0) & (self.forward.forms[node].low > LOG_LEAST + FLOOR_MARGIN)
        used &= np.isfinite(constant) & (np.abs(slopes).sum(axis=0) < WILD)
        for inner, slope, part in zip((*operation.nodes, last), slopes, parts, strict=True):
            self.pass_on(inner, np.where(used, slope, 0.0))
            if self.blame is not None:
                self._share(inner, used, np.where(used, part, 0.0), 1.0)
        self.constant = self.constant + np.where(used, constant, 0.0)
        self.adjoint[earlier] = np.where(used, 0.0, self.adjoint[earlier])
        return np.where(used, 0.0, weight)

    def _rounding(self, operation: Rounding, node: int, weight: Any) -> None:
        single, known, down, over, *_ = self.forward.kept[node]
        self.pass_on(operation.node, np.where(single, 0.0, weight))
        rest = np.where(weight >= 0.0, weight * down, weight * over)
        self.constant = self.constant + np.where(single, weight * known, rest)
        if self.blame is not None and not operation.free:
            lost = np.where(single, 0.0, np.abs(weight) * (over - down))
            self.blame[len(self.slopes) + operation.place] += lost

    def _sign(self, _operation: Sign, node: int, weight: Any) -> None:
        form = self.forward.forms[node]
        self.constant = self.constant + np.where(weight >= 0.0, weight * form.low, weight * form.high)

    def _share(self, node: int, weight: Any, apart: Any, share: Any) -> None:
        """Blame the axes of a node for lines that are apart, in proportion to how far they move it.

        What moves a node other than in a straight line is put down to no axis.
        """
        assert self.blame is not None
        form = self.forward.forms[node]
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
