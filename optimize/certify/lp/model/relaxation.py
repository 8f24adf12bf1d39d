"""A graph as linear rows: an outer linear relaxation of one combination of categories over ranges of its nodes.

Every node that is not a multiple of another is a column ``node = middle + half * u`` with ``u`` in [-1, 1], so that all
numbers of a solver are of order one. Sums are rows; a curve lies between its tangents and its chord; a look-up in the
hull of its nodes; a rounding in the whole numbers of its range.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from dawndusk.optimize.certify.bound.forms import STEADY
from dawndusk.optimize.certify.functions.curves import RAMP
from dawndusk.optimize.certify.graph.operations import (
    ROW_TOLERANCE,
    Coefficient,
    ExpressionGraph,
    Grid,
    Joint,
    Product,
    Rounding,
    Sum,
    Table,
    Univariate,
    here,
    varies,
)
from dawndusk.optimize.certify.lp.model.columns import Extra, LinearRow, LpColumns, NodeRanges, Term
from dawndusk.optimize.certify.lp.model.joint import enclose
from dawndusk.optimize.certify.lp.model.lines import (
    Band,
    Corners,
    PlaneBound,
    corners,
    curve_bands,
    plane_of,
    table_bands,
    table_lines,
    tangents,
)

Floats: TypeAlias = NDArray[np.float64]

TANGENTS = 5
NARROWEST = 1e-6
"""Least half width of a column, relative to its middle, so that its scaled rows keep their digits."""
ROUNDING = 4e-15
"""Widening of every row, relative to its terms: covers the rounding of its numbers."""
APART = 1e3
"""Ranges of a column that miss each other by less, in multiples of their slack, may meet but for rounding."""
STEEPEST = 1e12
NEGLIGIBLE = 1e-13
FARTHEST = 1e15


class Relaxation:
    """The rows of one combination over ranges of its nodes.

    Attributes
    ----------
    rows : list of LinearRow
        Over the columns ``columns.nodes``, in the units of the nodes.
    middle, half : array
        Scale of each column, by position in ``columns.nodes``.
    """

    def __init__(
        self,
        graph: ExpressionGraph,
        members: Sequence[int],
        needed: Sequence[int],
        ranges: NodeRanges,
        touched: Mapping[int, Sequence[float]] | None = None,
        *,
        columns: LpColumns | None = None,
    ) -> None:
        self.touched = touched or {}
        self.members, self.combination = tuple(members), members[0]
        self.graph, self.needed, self.ranges = graph, needed, ranges
        self.columns = columns or LpColumns(graph, members, needed)
        self.position = {node: place for place, node in enumerate(self.columns.nodes)}
        self.rows: list[LinearRow] = []
        self.corners: dict[int, Corners] = {}
        self.contradiction = ""
        self.extras: list[Extra] = []
        self.names: dict[str, dict[str, int]] = {}
        self._shifts = 0.0
        low, high = self._column_ranges()
        self.middle = 0.5 * (low + high)
        self.half = np.exp2(np.ceil(np.log2(np.maximum(0.5 * (high - low), NARROWEST * (1.0 + np.abs(self.middle))))))
        self.low, self.high = (low - self.middle) / self.half, (high - self.middle) / self.half
        self._write()

    def _column_ranges(self) -> tuple[Floats, Floats]:
        """Return the ranges of the columns: their own, and what the nodes that are multiples of them allow."""
        nodes = np.array(self.columns.nodes)
        low, high = self.ranges.low[nodes].copy(), self.ranges.high[nodes].copy()
        for node, (column, factor, shift) in self.columns.of.items():
            if column is None or column == node:
                continue
            ends = sorted(((self.ranges.low[node] - shift) / factor, (self.ranges.high[node] - shift) / factor))
            place = self.position[column]
            slack = 1e-12 * (abs(shift / factor) + abs(ends[0]) + abs(ends[1]))
            low[place], high[place] = max(low[place], ends[0] - slack), min(high[place], ends[1] + slack)
        slack = 1e-12 * (1.0 + np.abs(low) + np.abs(high))
        if bool(np.any(low > high + APART * slack)):
            self.contradiction = "ranges of a node that do not meet"
        low, high = (
            np.clip(np.minimum(low, high) - slack, -FARTHEST, FARTHEST),
            np.clip(np.maximum(low, high) + slack, -FARTHEST, FARTHEST),
        )
        return low, high

    def extra(self, name: str, low: float = 0.0, high: float = 1.0, *, whole: bool = False) -> int:
        """Return the number of a new column that stands for no node."""
        number = len(self.graph.operations) + len(self.extras)
        self.extras.append(Extra(name, low, high, whole))
        self.position[number] = len(self.middle)
        self.columns.of[number] = number, 1.0, 0.0
        self.middle, self.half = np.append(self.middle, 0.0), np.append(self.half, 1.0)
        self.low, self.high = np.append(self.low, low), np.append(self.high, high)
        return number

    def add(self, name: str, terms: Iterable[Term], low: float, high: float) -> None:
        """Add a row over nodes."""
        joined, constant = self.columns.joined(terms, 0.0)
        if not joined:
            if constant < low - ROW_TOLERANCE or constant > high + ROW_TOLERANCE:
                self.contradiction = name
            return
        self.rows.append(LinearRow(name, tuple(joined), low - constant, high - constant))

    def _choices(self) -> None:
        """Add a column for each name of a category that the combinations differ in; one of each category is chosen."""
        combinations = self.graph.statement.combinations
        for category in combinations[0]:
            names = list(dict.fromkeys(combinations[c][category] for c in self.members))
            if len(names) > 1:
                chosen = [self.extra(f"choice_{category}_{name}", whole=True) for name in names]
                self.names[category] = dict(zip(names, chosen, strict=True))
                self.add(f"choice_{category}", [(number, 1.0) for number in chosen], 1.0, 1.0)

    def _parameter(self, values: Floats) -> tuple[list[Term], float]:
        """Return a number that differs between combinations, shape (members,), as terms and a constant.

        It is a sum over the names chosen where that is exact, else a column that may be all it can be.
        """
        combinations = self.graph.statement.combinations
        design = np.zeros((len(values), 1 + sum(map(len, self.names.values()))))
        design[:, 0] = 1.0
        numbers = [0]
        for category, names in self.names.items():
            for name, number in names.items():
                design[:, len(numbers)] = [combinations[c][category] == name for c in self.members]
                numbers.append(number)
        fit, *_ = np.linalg.lstsq(design, values, rcond=None)
        if float(np.max(np.abs(design @ fit - values))) <= 1e-10 * (1.0 + float(np.max(np.abs(values)))):
            return [(n, float(w)) for n, w in zip(numbers[1:], fit[1:], strict=True) if abs(w) > NEGLIGIBLE], float(
                fit[0]
            )
        low, high = float(values.min()), float(values.max())
        return [(self.extra(f"parameter_{len(self.extras)}"), high - low)], low

    def _constant(self, value: Coefficient) -> tuple[list[Term], float]:
        if not varies(value, self.members):
            return [], here(value, self.combination)
        assert isinstance(value, np.ndarray)
        return self._parameter(value[list(self.members)])

    def _term(self, node: int, factor: Coefficient, name: str) -> Term:
        """Return a term; with a coefficient that differs, a column between the planes of McCormick."""
        if not varies(factor, self.members):
            return node, here(factor, self.combination)
        assert isinstance(factor, np.ndarray)
        factors = factor[list(self.members)]
        terms, constant = self._parameter(factors)
        (a, b), (c, d) = (float(factors.min()), float(factors.max())), self.ranges.within(node)
        corners_ = [x * y for x in (a, b) for y in (c, d)]
        low, high = min(corners_), max(corners_)
        pad = 1e-12 * (1.0 + abs(low) + abs(high))
        width = max(high - low, 1e-12)
        share = self.extra(f"varying_{name}_{len(self.extras)}", -1e-9, 1.0 + 1e-9)
        for x, y, below in ((a, c, True), (b, d, True), (a, d, False), (b, c, False)):
            # low + width * share against x * node + y * factor - x * y
            start = -x * y + y * constant - low + (-pad if below else pad)
            ends = (start, np.inf) if below else (-np.inf, start)
            self.add(f"varying_{name}", [(share, width), (node, -x), *((n, -y * w) for n, w in terms)], *ends)
        self._shifts += low
        return share, width

    def _write(self) -> None:
        self._choices()
        for node in self.needed:
            operation = self.graph.operations[node]
            if isinstance(operation, Sum):
                self._define(node, operation)
            else:
                self._enclose(node)
        for row in self.graph.rows:
            if row.node is None:
                self.add(row.name, *self._ended(row.constant, row.tolerance))
            else:
                self.add(row.name, [(row.node, 1.0)], -np.inf, row.tolerance)

    def _enclose(self, node: int) -> None:
        """Add the rows between which a node lies."""
        operation = self.graph.operations[node]
        if isinstance(operation, Univariate):
            self._enclose_univariate(node, operation)
        elif isinstance(operation, Table):
            self._enclose_table(node, operation)
        elif isinstance(operation, Grid):
            self._enclose_grid(node, operation)
        elif isinstance(operation, Product):
            self._enclose_product(node, operation)
        elif isinstance(operation, Joint):
            enclose(self, node, operation)
        elif isinstance(operation, Rounding):
            self._enclose_rounding(node, operation)

    def system(self) -> tuple[csr_matrix, Floats, Floats]:
        """Return all rows over the scaled columns, with their ends."""
        return self.matrix(self.rows)

    def _define(self, node: int, operation: Sum) -> None:
        if self.columns.of[node][0] != node:
            return
        self._shifts = 0.0
        terms = [self._term(inner, factor, str(node)) for inner, factor in operation.terms]
        more, constant = self._constant(operation.constant)
        constant += self._shifts
        self.add(f"sum_{node}", [(node, 1.0), *((s, -f) for s, f in (*terms, *more))], constant, constant)

    def _ended(self, value: Coefficient, tolerance: float) -> tuple[list[Term], float, float]:
        """Return a row that holds a constant at most zero."""
        terms, constant = self._constant(value)
        return terms, -np.inf, tolerance - constant

    def line(self, node: int, inner: int, slope: float, start: float, *, below: bool, name: str) -> None:
        """Bound a node by a line of another."""
        ends = (start, np.inf) if below else (-np.inf, start)
        self.add(name, [(node, 1.0), (inner, -slope)], *ends)

    def _band(self, node: int, inner: int, band: Band, sides: tuple[bool, bool] = (True, True)) -> None:
        if sides[0] and np.isfinite(band.least):
            self.line(node, inner, band.slope, band.least, below=True, name=f"least_{node}")
        if sides[1] and np.isfinite(band.most):
            self.line(node, inner, band.slope, band.most, below=False, name=f"most_{node}")

    def _enclose_univariate(self, node: int, operation: Univariate) -> None:
        low, high = self.ranges.within(operation.node)
        curve = operation.curve
        if curve is RAMP and low >= 0.0:
            self.line(node, operation.node, 1.0, 0.0, below=True, name=f"ramp_{node}")
            self.line(node, operation.node, 1.0, 0.0, below=False, name=f"ramp_{node}")
            return
        band = curve_bands(curve, np.array([low, high]))[0]
        if high - low > 1e-9 * (1.0 + abs(low)) and abs(band.slope) < STEEPEST:
            self._band(node, operation.node, band, (not curve.convex, curve.convex))
        for line in tangents(curve, low, high, TANGENTS, self.touched.get(node, ())):
            self.line(node, operation.node, line.slope, line.start, below=line.below, name=f"tangent_{node}")

    def _enclose_table(self, node: int, operation: Table) -> None:
        for line in table_lines(operation.ranges, self.rows_of(operation.row), *self.ranges.within(operation.node)):
            self.line(node, operation.node, line.slope, line.start, below=line.below, name=f"table_{node}")

    def _enclose_grid(self, node: int, operation: Grid) -> None:
        points = corners(
            operation.ranges,
            self.rows_of(operation.row),
            self.ranges.within(operation.x),
            self.ranges.within(operation.y),
        )
        self.corners[node] = points
        design = np.stack([points.x - points.x.mean(), points.y - points.y.mean(), np.ones(len(points.x))], axis=1)
        slope_x, slope_y, _ = np.linalg.lstsq(design, points.z, rcond=None)[0]
        for below in (True, False):
            self.plane(node, operation, plane_of(points, float(slope_x), float(slope_y), below=below))

    def plane(self, node: int, operation: Grid, plane: PlaneBound) -> None:
        """Bound a look-up of two nodes by a plane."""
        ends = (plane.start, np.inf) if plane.below else (-np.inf, plane.start)
        self.add(f"plane_{node}", [(node, 1.0), (operation.x, -plane.slope_x), (operation.y, -plane.slope_y)], *ends)

    def rows_of(self, value: Coefficient) -> list[int]:
        """Return the rows of a look-up that the combinations read."""
        return sorted({round(here(value, c)) for c in self.members})

    def _enclose_product(self, node: int, operation: Product) -> None:
        """Enclose a product by the four planes of McCormick."""
        (a, b), (c, d) = self.ranges.within(operation.x), self.ranges.within(operation.y)
        pad = 1e-12 * (1.0 + max(abs(a), abs(b)) * max(abs(c), abs(d)))
        for x, y, below in ((a, c, True), (b, d, True), (a, d, False), (b, c, False)):
            start = -x * y - pad if below else -x * y + pad
            ends = (start, np.inf) if below else (-np.inf, start)
            self.add(f"product_{node}", [(node, 1.0), (operation.x, -y), (operation.y, -x)], *ends)

    def _enclose_rounding(self, node: int, operation: Rounding) -> None:
        """Bound a rounded node by what is rounded, on the side to which it rounds and by less than one on the other."""
        inner = operation.node
        low, high = self.ranges.within(inner)
        size = 1.0 if operation.logarithm else max(abs(low), abs(high), 1.0)
        edge = 10.0 * STEADY * size
        if operation.free:
            self.line(node, inner, 1.0, -edge, below=True, name=f"rounded_{node}")
            self.line(node, inner, 1.0, edge, below=False, name=f"rounded_{node}")
            return
        if operation.at_least_one:
            self._hold_at_one(node, inner, low, high)
        down, over = self._slack(operation, low, self.ranges.low[node])
        if operation.at_least_one and not operation.logarithm:
            over = max(over, 1.0 - low)
        self.line(node, inner, 1.0, down - edge, below=True, name=f"rounded_{node}")
        self.line(node, inner, 1.0, over + edge, below=False, name=f"rounded_{node}")

    def _hold_at_one(self, node: int, inner: int, low: float, high: float) -> None:
        """Bound the logarithm of the larger of a whole number below and one by the chord of the larger of both."""
        if low < 0.0 < high:
            slope = high / (high - low)
            self.line(node, inner, slope, -slope * low + 1e-8, below=False, name=f"rounded_{node}")

    @staticmethod
    def _slack(operation: Rounding, low: float, least: float) -> tuple[float, float]:
        """Return how far rounding takes a node down and up."""
        if not operation.logarithm:
            return (0.0, 1.0) if operation.up else (-1.0, 0.0)
        if operation.up:
            return 0.0, float(np.log1p(np.exp(-max(low, -700.0))))
        return -float(np.log1p(np.exp(-max(least, 0.0)))), max(-low, 0.0)

    def matrix(self, rows: Sequence[LinearRow]) -> tuple[csr_matrix, Floats, Floats]:
        """Return rows over the scaled columns, each scaled to a largest coefficient near one, with their ends."""
        lengths = np.array([len(row.terms) for row in rows])
        start = np.concatenate([[0], np.cumsum(lengths)])
        place = np.array([self.position[column] for row in rows for column, _ in row.terms], dtype=np.int32)
        factor = np.array([factor for row in rows for _, factor in row.terms], dtype=np.float64)
        shift = np.add.reduceat(factor * self.middle[place], start[:-1])
        size = np.add.reduceat(np.abs(factor) * (np.abs(self.middle[place]) + self.half[place]), start[:-1])
        factor = factor * self.half[place]
        scale = np.exp2(-np.round(np.log2(np.maximum.reduceat(np.abs(factor), start[:-1]))))
        factor = factor * np.repeat(scale, lengths)
        low = (np.array([row.low for row in rows]) - shift - ROUNDING * size) * scale
        high = (np.array([row.high for row in rows]) - shift + ROUNDING * size) * scale
        found = csr_matrix((factor, place, start), shape=(len(rows), len(self.middle)))
        found.sum_duplicates()  # HiGHS takes a column once in a row
        return found, low, high


def bands_of(graph: ExpressionGraph, combination: int, node: int, breaks: Floats) -> list[Band]:
    """Return the bands of a curve or table between breaks of its argument."""
    operation = graph.operations[node]
    if isinstance(operation, Univariate):
        return curve_bands(operation.curve, breaks)
    assert isinstance(operation, Table)
    return table_bands(operation.ranges, round(here(operation.row, combination)), breaks)
