"""Forward bound propagation: what every node is at most and at least, to first order, from the inputs on.

Over a box with coordinates ``u`` in [-1, 1] an affine form says ``value - sum_i c_i u_i`` lies in ``[below, above]``,
and the value itself in ``[low, high]``. What it rests on:

- Sum of affine forms: ``sum f_k (c_k . u + r_k) = (sum f_k c_k) . u + sum f_k r_k``, exact to first order, so that what
  two quantities have in common cancels, as it does not between intervals (test_sum_of_affine_forms).
- Function of affine forms: where ``least <= f(x) - s . x <= most`` over the ranges of its arguments, ``f`` has the form
  ``s . forms`` with ``least`` and ``most`` added to the remainder (test_function_of_affine_forms).
- Range of an affine form: ``below - sum |c| <= value <= above + sum |c|`` (test_range_of_an_affine_form).

Which lines and planes enclose a function stands beside it in ``functions``.

Sources: Comba and Stolfi, Affine arithmetic and its applications to computer graphics, 1993; Stolfi and de Figueiredo,
Self-validated numerical methods and applications, 1997; Messine, Extensions of affine arithmetic, 2002 (condensed
remainders); Belotti, Cafieri, Lee, Liberti, Feasibility-based bounds tightening via fixed points, 2010 (FBBT).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.certify.bound.forms import (
    LARGEST,
    NOTHING_KNOWN,
    PAIRS,
    WILD,
    ZERO,
    AffineForm,
    Values,
    bounded,
    is_one,
    ordered,
    rounding_slack,
    size_of_terms,
    sum_padding,
    whole_ends,
)
from dawndusk.optimize.certify.functions.curves import LARGEST_EXPONENT, PADDING, LinearEnclosure, lines
from dawndusk.optimize.certify.functions.planes import Plane, grid_plane, product_ends, product_plane, table_lines
from dawndusk.optimize.certify.graph.operations import (
    Coefficient,
    Grid,
    Input,
    Joint,
    Operand,
    Operation,
    Pair,
    Product,
    Rounding,
    Sign,
    Sum,
    Table,
    Univariate,
)
from dawndusk.optimize.errors import EnclosureError

Floats: TypeAlias = NDArray[np.float64]

HEAVY = 1e4
"""Sums with terms of more than this have the rounding of their terms added to their ends."""
INSIDE_OUT = 1e-9
"""Least above greatest by more than this, relative to the terms behind, is no rounding."""


class ForwardBounds:
    """The forms of a graph on one batch of boxes.

    Parameters
    ----------
    low, high : array
        Ends of the coordinates, shape (d, B).
    combination : array of int
        The combination of categories of each box, shape (B,).
    least, most : array
        Ranges of the rounded nodes, shape (k, B).
    limits : mapping
        Least and greatest value of interest of some nodes.

    Attributes
    ----------
    empty : array of bool
        Boxes of which it is proved that no design in them is of interest: a quantity can not be on the side of a rule
        (``limits``), or of a whole number (``least``, ``most``), that is asked for.

    Raises
    ------
    EnclosureError
        By ``run`` and ``step``, where the least of a quantity is above its greatest in a box, rules or none.
    """

    def __init__(
        self,
        low: Floats,
        high: Floats,
        combination: NDArray[np.intp],
        least: Floats,
        most: Floats,
        limits: dict[int, tuple[Coefficient, Coefficient]],
    ) -> None:
        self.low, self.high, self.combination = low, high, combination
        self.least, self.most, self.limits = least, most, limits
        self.count = low.shape[1]
        self.forms: list[AffineForm] = []
        self.kept: dict[int, Any] = {}
        """Lines of bends, planes of look-ups and ends of roundings, which a backward pass reads again."""
        self.empty = np.zeros(self.count, dtype=bool)
        self._gathered: dict[int, Floats] = {}
        self._contradicted = np.zeros(self.count, dtype=bool)

    def run(self, operations: Sequence[Operation], needed: Sequence[int] | None = None) -> None:
        """Work out the forms of all nodes, or of those that are needed."""
        self.forms = [NOTHING_KNOWN] * len(operations)
        for node in range(len(operations)) if needed is None else needed:
            self._work_out(operations[node], node)
        self.settle(operations, needed)

    def settle(self, operations: Sequence[Operation], needed: Sequence[int] | None = None) -> None:
        """Work out once more, without the ends that rules set, the boxes in which a range was inside out.

        Where it is so again an enclosure is wrong, which raises; else rules and ranges contradict each other, and no
        design of the box meets the rules.
        """
        if not self._contradicted.any():
            return
        chosen = np.flatnonzero(self._contradicted)
        open_ended = np.full((len(self.least), len(chosen)), -np.inf)
        doubted = UnruledBounds(
            self.low[:, chosen], self.high[:, chosen], self.combination[chosen], open_ended, -open_ended, {}
        )
        doubted.run(operations, needed)
        self.empty |= self._contradicted

    def here(self, value: Coefficient) -> Values:
        """Return a coefficient for each box."""
        if not isinstance(value, np.ndarray):
            return value
        known = self._gathered.get(id(value))
        if known is None:
            known = self._gathered[id(value)] = value[self.combination]
        return known

    def step(self, operation: Operation) -> None:
        """Work out the form of the next node."""
        self.forms.append(NOTHING_KNOWN)
        self._work_out(operation, len(self.forms) - 1)

    def _work_out(self, operation: Operation, node: int) -> None:
        form = self.forms[node] = getattr(self, f"_{type(operation).__name__.lower()}")(operation, node)
        crossed = form.low > form.high
        if np.any(crossed):
            self._doubt(operation, node, form, np.broadcast_to(crossed, (self.count,)))
        if node in self.limits:
            self.limit(node)

    def _doubt(self, operation: Operation, node: int, form: AffineForm, crossed: NDArray[np.bool_]) -> None:
        """Take both ends of a range that is inside out for what it can be, and note where that is no rounding.

        Where one of them overflowed nothing is known.
        """
        low, high = (np.broadcast_to(end, (self.count,)) for end in (form.low, form.high))
        lost = crossed & ~(np.isfinite(low) & np.isfinite(high))
        size = 1.0 + np.maximum(np.abs(low), np.abs(high)) + size_of_terms(operation, self.forms)
        wrong = crossed & ~lost & ~(low - high <= INSIDE_OUT * size)
        form.low = np.where(lost, -np.inf, np.minimum(low, high))
        form.high = np.where(lost, np.inf, np.maximum(low, high))
        if wrong.any():
            self._contradict(operation, node, low, high, wrong)

    def _contradict(self, operation: Operation, node: int, low: Floats, high: Floats, wrong: NDArray[np.bool_]) -> None:
        """Note the boxes in which a range is inside out."""
        self._contradicted |= wrong

    def limit(self, node: int) -> None:
        """End the range of a node where a rule ends it.

        Range ended by a rule: every design of interest has ``least <= value <= most``, so that
        ``[max(low, least), min(high, most)]`` holds the values of all of them, and a box in which that is empty holds
        none (test_range_ended_by_a_rule).
        """
        form = self.forms[node]
        least, most = self.limits[node]
        form.low = np.maximum(form.low, self.here(least))
        form.high = np.minimum(form.high, self.here(most))
        self.empty |= form.low > form.high  # the rule can not be met: the range itself was not inside out
        form.high = np.maximum(form.high, form.low)

    def _input(self, operation: Input, _: int) -> AffineForm:
        low, high = self.low[operation.axis], self.high[operation.axis]
        middle, half = 0.5 * (low + high), 0.5 * (high - low)
        return AffineForm((operation.axis,), half[np.newaxis], middle, middle, low, high)

    def _sum(self, operation: Sum, _: int) -> AffineForm:
        if operation.pair is not None:
            return self._paired(operation.pair)
        if not operation.terms:
            return self._operand((None, operation.constant))
        terms = [(self.forms[node], self.here(coefficient)) for node, coefficient in operation.terms]
        axes = terms[0][0].axes
        for form, _c in terms[1:]:
            if form.axes != axes:
                axes = tuple(sorted({*axes, *form.axes}))
        constant = self.here(operation.constant)
        slopes: Any = None
        below = above = low = high = constant
        for form, factor in terms:
            part = form.slopes if is_one(factor) else form.slopes * factor
            if form.axes == axes:
                slopes = part if slopes is None else slopes + part
            else:
                whole = np.zeros((len(axes), self.count)) if slopes is None else slopes.copy()
                for row, axis in enumerate(form.axes):
                    whole[axes.index(axis)] += part[row]
                slopes = whole
            b, a = ordered(form.below, form.above, factor)
            lo, h = ordered(form.low, form.high, factor)
            below, above, low, high = below + b, above + a, low + lo, high + h
        if operation.is_heavy:
            pad = sum_padding(terms)
            below, above, low, high = below - pad, above + pad, low - pad, high + pad
        if len(terms) == 1:
            return AffineForm(axes, slopes, below, above, low, high)
        return bounded(axes, slopes, below, above, low, high)

    def _paired(self, pair: Pair) -> AffineForm:
        """Return a pair as a mean of its operands, with the error of the curve that makes it.

        Pair as a mean of its operands: ``y + g(x - y)``, where ``s d + least <= g(d) <= s d + most``, lies in
        ``s x + (1 - s) y + [least, most]``. It rises in both operands, a difference in the first alone, so that its
        ends are its values at theirs (test_pair_as_a_mean_of_its_operands).
        """
        x, y = (self._operand(operand) for operand in (pair.x, pair.y))
        found: LinearEnclosure = self.kept[pair.bend]
        share, least, most = found.slope, found.least, found.most
        if pair.kind in {"smaller", "difference"}:
            x, y = y, x
        if pair.kind == "smaller":
            least, most = -most, -least
        axes, slopes = self._joined(x, y, share, 1.0 - share)
        below_x, above_x = ordered(x.below, x.above, share)
        below_y, above_y = ordered(y.below, y.above, 1.0 - share)
        if pair.kind in {"smaller", "difference"}:
            x, y = y, x
        ends = (y.high, y.low) if pair.kind == "difference" else (y.low, y.high)
        function = PAIRS[pair.kind]
        low, high = function(x.low, ends[0]), function(x.high, ends[1])
        low, high = low - PADDING * (1.0 + np.abs(low)), high + PADDING * (1.0 + np.abs(high))
        return bounded(axes, slopes, below_x + below_y + least, above_x + above_y + most, low, high)

    def _operand(self, operand: Operand) -> AffineForm:
        node, constant = operand
        if node is not None:
            return self.forms[node]
        value = np.broadcast_to(self.here(constant), (self.count,))
        return AffineForm((), np.zeros((0, self.count)), value, value, value, value)

    def _univariate(self, operation: Univariate, node: int) -> AffineForm:
        inner, curve = self.forms[operation.node], operation.curve
        found = lines(inner.low, inner.high, curve)
        low, high = (found.at_low, found.at_high) if curve.rising else (found.at_high, found.at_low)
        low = np.clip(low - PADDING * np.abs(low) - curve.error, -LARGEST, LARGEST)
        high = np.clip(high + PADDING * np.abs(high) + curve.error, -LARGEST, LARGEST)
        slope, least, most = found.slope, found.least, found.most
        wild = ~(most - least < WILD)
        if wild.any():
            slope = np.where(wild, 0.0, slope)
            least, most = np.where(wild, low, least), np.where(wild, high, most)
        self.kept[node] = LinearEnclosure(slope, least, most, low, high)
        below, above = ordered(inner.below, inner.above, slope)
        return bounded(inner.axes, inner.slopes * slope, below + least, above + most, low, high)

    def _table(self, operation: Table, node: int) -> AffineForm:
        x = self.forms[operation.node]
        found = self.kept[node] = table_lines(operation.ranges, (x.low, x.high), self.row(operation.row))
        below, above = ordered(x.below, x.above, found.slope)
        return bounded(
            x.axes, x.slopes * found.slope, below + found.least, above + found.most, found.at_low, found.at_high
        )

    def _grid(self, operation: Grid, node: int) -> AffineForm:
        x, y, row = self.forms[operation.x], self.forms[operation.y], self.row(operation.row)
        xs, ys = (x.low, x.high), (y.low, y.high)
        return self._on_a_plane(
            x, y, grid_plane(operation.ranges, xs, ys, row), node, operation.ranges.values(xs, ys, row)
        )

    def _product(self, operation: Product, node: int) -> AffineForm:
        x, y = self.forms[operation.x], self.forms[operation.y]
        xs, ys = (x.low, x.high), (y.low, y.high)
        return self._on_a_plane(x, y, product_plane(xs, ys), node, product_ends(xs, ys))

    def _on_a_plane(
        self, x: AffineForm, y: AffineForm, plane: Plane, node: int, ends: tuple[Floats, Floats]
    ) -> AffineForm:
        """Return the form of a function of two forms that lies around a plane."""
        slope_x, slope_y, start, apart = plane
        self.kept[node] = (slope_x, slope_y, start - apart, start + apart)
        axes, slopes = self._joined(x, y, slope_x, slope_y)
        below_x, above_x = ordered(x.below, x.above, slope_x)
        below_y, above_y = ordered(y.below, y.above, slope_y)
        return bounded(axes, slopes, below_x + below_y + start - apart, above_x + above_y + start + apart, *ends)

    def _joint(self, operation: Joint, node: int) -> AffineForm:
        """Enclose a function of several nodes between its two planes: see ``functions.joint``."""
        inner = [self.forms[place] for place in operation.nodes]
        lows, highs = self.ends(operation)
        low, high = operation.function.ends(lows, highs)
        low, high = low - PADDING * (1.0 + np.abs(low)), high + PADDING * (1.0 + np.abs(high))
        found = operation.function.planes(lows, highs, 0.5 * (lows + highs))
        self.kept[node] = found
        axes = tuple(sorted({axis for form in inner for axis in form.axes}))
        slopes = np.zeros((len(axes), self.count))
        below, above = found.least, found.most
        for form, factor in zip(inner, found.slopes, strict=True):
            part = form.slopes * factor
            for row, axis in enumerate(form.axes):
                slopes[axes.index(axis)] += part[row]
            least, most = ordered(form.below, form.above, factor)
            below, above = below + least, above + most
        return bounded(axes, slopes, below, above, low, high)

    def ends(self, operation: Joint) -> tuple[Floats, Floats]:
        """Return the ranges of what a function of several nodes reads, two arrays of shape (k, B)."""
        shape = len(operation.nodes), self.count
        low, high = np.empty(shape), np.empty(shape)
        for row, node in enumerate(operation.nodes):
            form = self.forms[node]
            low[row], high[row] = form.low, form.high
        return low, high

    def _joined(self, x: AffineForm, y: AffineForm, a: Values, b: Values) -> tuple[tuple[int, ...], Floats]:
        axes = tuple(sorted({*x.axes, *y.axes}))
        slopes = np.zeros((len(axes), self.count))
        for form, factor in ((x, a), (y, b)):
            part = form.slopes * factor
            for row, axis in enumerate(form.axes):
                slopes[axes.index(axis)] += part[row]
        return axes, slopes

    def _sign(self, operation: Sign, _: int) -> AffineForm:
        inner = self.forms[operation.node]
        low, high = (np.sign(np.where(np.abs(end) < ZERO, 0.0, end)) for end in (inner.low, inner.high))
        return AffineForm((), np.zeros((0, self.count)), low, high, low, high)

    def _rounding(self, operation: Rounding, node: int) -> AffineForm:
        """Enclose a rounded node: a whole number from end to end, itself to less than one more or less in between.

        Whole numbers of a range: rounding never falls, so that the ends round to the ends; one number alone is the
        value, else ``rounding_slack`` is added (test_whole_numbers_of_a_range). What is rounded is known to
        ``AT_AN_EDGE``: as close to where the next whole number begins both are possible.
        """
        inner = self.forms[operation.node]
        low, high = (
            (np.exp(np.minimum(end, LARGEST_EXPONENT)) for end in (inner.low, inner.high))
            if (operation.logarithm)
            else (inner.low, inner.high)
        )
        low, high = whole_ends(operation, low, high)
        if operation.logarithm or operation.at_least_one:
            low, high = np.maximum(low, 1.0), np.maximum(high, 1.0)
        low, high = np.maximum(low, self.least[operation.place]), np.minimum(high, self.most[operation.place])
        self.empty |= low > high
        high = np.maximum(high, low)
        single = low == high
        down, over = rounding_slack(operation, inner, low)
        ends = (np.log(low), np.log(high)) if operation.logarithm else (low, high)
        self.kept[node] = (single, ends[0], down, over, low, high)
        return bounded(
            inner.axes,
            inner.slopes * ~single,
            np.where(single, ends[0], inner.below + down),
            np.where(single, ends[0], inner.above + over),
            *ends,
        )

    def row(self, row: Coefficient) -> Any:
        """Return the row of a table for each box."""
        return row[self.combination].astype(np.int64) if isinstance(row, np.ndarray) else int(row)


class UnruledBounds(ForwardBounds):
    """Boxes without the ends that rules set: there is a value of every quantity at every design of a box."""

    def _contradict(self, operation: Operation, node: int, low: Floats, high: Floats, wrong: NDArray[np.bool_]) -> None:
        box = int(np.argmax(wrong))
        raise EnclosureError(
            f"the enclosure of node {node} ({type(operation).__name__.lower()}) is inside out: at least "
            f"{float(low[box])!r} and at most {float(high[box])!r} over the box {self.low[:, box].tolist()} to "
            f"{self.high[:, box].tolist()} of combination {int(self.combination[box])}"
        )
