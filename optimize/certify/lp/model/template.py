"""Linear models of one combination, over and over for other ranges: what does not change is prepared once.

The rows are those of ``Relaxation``; those of the curves, by far the most, are worked out together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from dawndusk.optimize.certify.functions.curves import PADDING, RAMP, Curve
from dawndusk.optimize.certify.graph.operations import ExpressionGraph, Joint, Sum, Univariate, here, reads
from dawndusk.optimize.certify.lp.model.columns import LinearRow, LpColumns, NodeRanges
from dawndusk.optimize.certify.lp.model.joint import enclose
from dawndusk.optimize.certify.lp.model.lines import LARGEST_SLOPE
from dawndusk.optimize.certify.lp.model.relaxation import ROUNDING, STEEPEST, Relaxation

Floats: TypeAlias = NDArray[np.float64]
Whole: TypeAlias = NDArray[np.int32]

NARROW = 1e-9
TANGENTS = 8
"""Of a curve, those at its ends left out: with fewer more parts have to be bounded, with more each takes longer."""
NO_NODE = -1


@dataclass(frozen=True, eq=False)
class FlatRows:
    """Rows over columns: places and factors one row after the other, ends, and the node that each row encloses."""

    place: Whole
    factor: Floats
    lengths: Whole
    low: Floats
    high: Floats
    nodes: Whole

    @staticmethod
    def join(parts: Sequence[FlatRows]) -> FlatRows:
        """Return all rows of several."""
        return FlatRows(*(np.concatenate(same) for same in zip(*(vars(part).values() for part in parts), strict=True)))


@dataclass(frozen=True, eq=False)
class _Bends:
    """All bends of one curve: their nodes, what they read, and for both the column, factor and shift."""

    curve: Curve
    nodes: Whole
    inner: Whole
    own: Whole
    place: Whole
    factor: Floats
    shift: Floats


class Template:
    """What the linear models of one combination have in common."""

    def __init__(self, graph: ExpressionGraph, combination: int, needed: Sequence[int]) -> None:
        self.graph, self.combination, self.needed = graph, combination, needed
        self.columns = LpColumns(graph, (combination,), needed)
        self.position = {node: place for place, node in enumerate(self.columns.nodes)}
        known = [(node, *self.columns.of[node]) for node in needed if self.columns.of[node][0] is not None]
        self.nodes = np.array([node for node, *_ in known])
        self.places = np.array([self.position[column] for _, column, _, _ in known if column is not None])
        self.factors, self.shifts = (np.array([row[k] for row in known], dtype=np.float64) for k in (2, 3))
        self.constants = {node: self.columns.of[node][2] for node in needed if self.columns.of[node][0] is None}
        self.reads = {node: np.array(reads(graph, node), dtype=np.intp) for node in needed}
        self.others = [s for s in needed if not isinstance(graph.operations[s], (Sum, Univariate))]
        self.fixed = self._fixed()
        self.bends = self._bends()

    def place_of(self, node: int) -> tuple[int, float, float]:
        """Return the place of the column of a node, with factor and shift."""
        column, factor, shift = self.columns.of[node]
        assert column is not None
        return self.position[column], factor, shift

    def flat(self, rows: Sequence[LinearRow]) -> FlatRows:
        """Return rows by their places."""
        lengths = np.array([len(row.terms) for row in rows], dtype=np.int32)
        return FlatRows(
            np.array([self.position[column] for row in rows for column, _ in row.terms], dtype=np.int32),
            np.array([factor for row in rows for _, factor in row.terms], dtype=np.float64),
            lengths,
            np.array([row.low for row in rows], dtype=np.float64),
            np.array([row.high for row in rows], dtype=np.float64),
            np.array([node_of(row.name) for row in rows], dtype=np.int32),
        )

    def _fixed(self) -> FlatRows:
        rows = []
        for node in self.needed:
            operation = self.graph.operations[node]
            if isinstance(operation, Sum) and self.columns.of[node][0] == node:
                terms = [(node, 1.0), *((inner, -here(factor, self.combination)) for inner, factor in operation.terms)]
                constant = here(operation.constant, self.combination)
                joined, shift = self.columns.joined(terms, 0.0)
                rows.append(LinearRow("sum", tuple(joined), constant - shift, constant - shift))
        for row in self.graph.rows:
            if row.node is not None:
                joined, shift = self.columns.joined([(row.node, 1.0)], 0.0)
                if joined:
                    rows.append(LinearRow("rule", tuple(joined), -np.inf, row.tolerance - shift))
        return self.flat(rows)

    def _bends(self) -> list[_Bends]:
        found: dict[str, list[int]] = {}
        for node in self.needed:
            operation = self.graph.operations[node]
            if isinstance(operation, Univariate):
                found.setdefault(operation.curve.name, []).append(node)
        groups = []
        for nodes in found.values():
            operations = [self.graph.operations[node] for node in nodes]
            inner = [operation.node for operation in operations if isinstance(operation, Univariate)]
            known = [self.columns.of[read] for read in inner]
            own = np.array([self.position[node] for node in nodes], dtype=np.int32)
            place = [own[k] if column is None else self.position[column] for k, (column, _, _) in enumerate(known)]
            factor = [0.0 if column is None else factor for column, factor, _ in known]
            curve = operations[0].curve  # type: ignore[union-attr]
            groups.append(
                _Bends(
                    curve,
                    np.array(nodes, dtype=np.int32),
                    np.array(inner, dtype=np.int32),
                    own,
                    np.array(place, dtype=np.int32),
                    np.array(factor),
                    np.array([shift for _, _, shift in known]),
                )
            )
        return groups

    def model(self, ranges: NodeRanges, more: Sequence[LinearRow] = ()) -> TemplateRelaxation:
        """Return the linear model over ranges of the nodes, with more rows at its end."""
        return TemplateRelaxation(self, ranges, more)


class TemplateRelaxation(Relaxation):
    """A linear relaxation of one combination.

    Attributes
    ----------
    row_nodes, row_scales : array
        The node that each row encloses (-1 where it is none), and by what the row was multiplied.
    """

    def __init__(self, template: Template, ranges: NodeRanges, more: Sequence[LinearRow] = ()) -> None:
        self.template, self.more = template, more
        super().__init__(template.graph, (template.combination,), template.needed, ranges, columns=template.columns)

    def _write(self) -> None:
        known = {node_of(row.name) for row in self.more}
        for node in self.template.others:
            operation = self.graph.operations[node]
            if isinstance(operation, Joint):
                enclose(self, node, operation, above=node not in known)
            else:
                self._enclose(node)
        parts = [self.template.fixed, *(_lines(bends, self.ranges) for bends in self.template.bends)]
        self.written = FlatRows.join([*parts, self.template.flat([*self.rows, *self.more])])
        self.row_nodes, self.row_scales = self.written.nodes, np.zeros(0)
        self.rows = []

    def system(self) -> tuple[csr_matrix, Floats, Floats]:
        """Return the rows over scaled columns, with their ends."""
        self.row_nodes, self.row_scales = self.written.nodes, np.zeros(0)
        return self._scaled(self.written)

    def matrix(self, rows: Sequence[LinearRow]) -> tuple[csr_matrix, Floats, Floats]:
        """Return more rows over the scaled columns, with their ends."""
        flat = self.template.flat(rows)
        self.row_nodes = np.concatenate([self.row_nodes, flat.nodes])
        return self._scaled(flat)

    def _scaled(self, rows: FlatRows) -> tuple[csr_matrix, Floats, Floats]:
        start = np.concatenate([[0], np.cumsum(rows.lengths)])
        moved = rows.factor * self.middle[rows.place]
        shift = np.add.reduceat(moved, start[:-1])
        factor = rows.factor * self.half[rows.place]
        size = np.add.reduceat(np.abs(moved) + np.abs(factor), start[:-1])
        scale = np.exp2(-np.round(np.log2(np.maximum.reduceat(np.abs(factor), start[:-1]))))
        self.row_scales = np.concatenate([self.row_scales, scale])
        low = (rows.low - shift - ROUNDING * size) * scale
        high = (rows.high - shift + ROUNDING * size) * scale
        shape = len(rows.lengths), len(self.middle)
        found = csr_matrix((factor * np.repeat(scale, rows.lengths), rows.place, start), shape=shape)
        found.sum_duplicates()  # HiGHS takes a column once in a row
        return found, low, high


def node_of(name: str) -> int:
    """Return the node that a row of a name encloses, -1 where it encloses none."""
    _, _, rest = name.partition("_")
    return int(rest) if rest.isdigit() else NO_NODE


def _lines(bends: _Bends, ranges: NodeRanges) -> FlatRows:
    """Return the rows of all bends of a curve: tangents of evenly spread slopes, and the chord."""
    curve = bends.curve
    low, high = ranges.low[bends.inner], ranges.high[bends.inner]
    slopes, starts = _tangents(curve, low, high)
    chord, end = _chord(curve, low, high)
    chord = np.where(high - low > NARROW * (1.0 + np.abs(low)), chord, np.inf)
    all_slopes, all_starts = np.vstack([slopes, chord]), np.vstack([starts, end])
    below = np.full(all_slopes.shape, curve.convex)
    below[-1] = not curve.convex
    kept = np.isfinite(all_starts) & (np.abs(all_slopes) < LARGEST_SLOPE)
    which = np.broadcast_to(np.arange(len(low)), kept.shape)[kept]
    slope, start, below = all_slopes[kept], all_starts[kept] + all_slopes[kept] * bends.shift[which], below[kept]
    place = np.stack([bends.own[which], bends.place[which]], axis=1).ravel()
    factor = np.stack([np.ones(len(which)), -slope * bends.factor[which]], axis=1).ravel()
    return FlatRows(
        place.astype(np.int32),
        factor,
        np.full(len(which), 2, dtype=np.int32),
        np.where(below, start, -np.inf),
        np.where(below, np.inf, start),
        bends.nodes[which],
    )


def _tangents(curve: Curve, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Return slopes and starts of tangents over intervals of shape (n,), each of shape (lines, n)."""
    if curve is RAMP:
        return np.stack([np.zeros_like(low), np.ones_like(low)]), np.zeros((2, len(low)))
    low, high = curve.within(low), curve.within(high)
    with np.errstate(all="ignore"):
        ends = np.asarray(curve.slope(np.stack([low, high])), dtype=np.float64)
        ends = np.clip(np.nan_to_num(ends, nan=0.0), -LARGEST_SLOPE, LARGEST_SLOPE)
        share = ((np.arange(TANGENTS) + 0.5) / TANGENTS)[:, np.newaxis]
        at = np.asarray(curve.touches(ends[0] + (ends[1] - ends[0]) * share), dtype=np.float64)
        at = np.vstack([np.clip(np.where(np.isfinite(at), at, low), low, high), low, high])
        slope = np.asarray(curve.slope(at), dtype=np.float64)
        value = np.asarray(curve.value(at), dtype=np.float64)
        start = value - slope * at
        reach = np.maximum(np.abs(low), np.abs(high))
        reach = np.where(np.isfinite(reach), reach, np.abs(at).max(axis=0))
        pad = 4.0 * PADDING * (1.0 + np.abs(slope) * (np.abs(at) + reach) + np.abs(value)) + curve.error
    return slope, start - pad if curve.convex else start + pad


def _chord(curve: Curve, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Return slope and start of the chord over intervals, moved to the far side of the curve."""
    low, high = curve.within(low), curve.within(high)
    with np.errstate(all="ignore"):
        at_low, at_high = (np.asarray(curve.value(x), dtype=np.float64) for x in (low, high))
        slope = (at_high - at_low) / np.where(high > low, high - low, 1.0)
        ends = at_low - slope * low, at_high - slope * high
        size = 1.0 + np.abs(slope) * np.maximum(np.abs(low), np.abs(high)) + np.abs(at_low) + np.abs(at_high)
        pad = 4.0 * PADDING * size + curve.error
    slope = np.where(np.abs(slope) < STEEPEST, slope, np.inf)
    return slope, np.maximum(*ends) + pad if curve.convex else np.minimum(*ends) - pad
