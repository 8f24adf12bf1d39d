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
from dawndusk.optimize.certify.graph.operations import Bend, Joint, Sum, Tape, here, reads
from dawndusk.optimize.certify.lp.model.columns import Columns, LinearRow, Ranges
from dawndusk.optimize.certify.lp.model.joint import enclose
from dawndusk.optimize.certify.lp.model.lines import LARGEST_SLOPE
from dawndusk.optimize.certify.lp.model.relaxation import ROUNDING, STEEPEST, Relaxation

Floats: TypeAlias = NDArray[np.float64]
Whole: TypeAlias = NDArray[np.int32]

NARROW = 1e-9
TANGENTS = 8
"""Of a curve, those at its ends left out: with fewer more parts have to be bounded, with more each takes longer."""
NO_SLOT = -1


@dataclass(frozen=True, eq=False)
class Flat:
    """Rows over columns: places and factors one row after the other, ends, and the slot that each row encloses."""

    place: Whole
    factor: Floats
    lengths: Whole
    low: Floats
    high: Floats
    slots: Whole

    @staticmethod
    def join(parts: Sequence[Flat]) -> Flat:
        """Return all rows of several."""
        return Flat(*(np.concatenate(same) for same in zip(*(vars(part).values() for part in parts), strict=True)))


@dataclass(frozen=True, eq=False)
class _Bends:
    """All bends of one curve: their slots, what they read, and for both the column, factor and shift."""

    curve: Curve
    slots: Whole
    inner: Whole
    own: Whole
    place: Whole
    factor: Floats
    shift: Floats


class Template:
    """What the linear models of one combination have in common."""

    def __init__(self, tape: Tape, combination: int, needed: Sequence[int]) -> None:
        self.tape, self.combination, self.needed = tape, combination, needed
        self.columns = Columns(tape, (combination,), needed)
        self.position = {slot: place for place, slot in enumerate(self.columns.slots)}
        known = [(slot, *self.columns.of[slot]) for slot in needed if self.columns.of[slot][0] is not None]
        self.slots = np.array([slot for slot, *_ in known])
        self.places = np.array([self.position[column] for _, column, _, _ in known if column is not None])
        self.factors, self.shifts = (np.array([row[k] for row in known], dtype=np.float64) for k in (2, 3))
        self.constants = {slot: self.columns.of[slot][2] for slot in needed if self.columns.of[slot][0] is None}
        self.reads = {slot: np.array(reads(tape, slot), dtype=np.intp) for slot in needed}
        self.others = [s for s in needed if not isinstance(tape.operations[s], (Sum, Bend))]
        self.fixed = self._fixed()
        self.bends = self._bends()

    def place_of(self, slot: int) -> tuple[int, float, float]:
        """Return the place of the column of a slot, with factor and shift."""
        column, factor, shift = self.columns.of[slot]
        assert column is not None
        return self.position[column], factor, shift

    def flat(self, rows: Sequence[LinearRow]) -> Flat:
        """Return rows by their places."""
        lengths = np.array([len(row.terms) for row in rows], dtype=np.int32)
        return Flat(
            np.array([self.position[column] for row in rows for column, _ in row.terms], dtype=np.int32),
            np.array([factor for row in rows for _, factor in row.terms], dtype=np.float64),
            lengths,
            np.array([row.low for row in rows], dtype=np.float64),
            np.array([row.high for row in rows], dtype=np.float64),
            np.array([slot_of(row.name) for row in rows], dtype=np.int32),
        )

    def _fixed(self) -> Flat:
        rows = []
        for slot in self.needed:
            operation = self.tape.operations[slot]
            if isinstance(operation, Sum) and self.columns.of[slot][0] == slot:
                terms = [(slot, 1.0), *((inner, -here(factor, self.combination)) for inner, factor in operation.terms)]
                constant = here(operation.constant, self.combination)
                joined, shift = self.columns.joined(terms, 0.0)
                rows.append(LinearRow("sum", tuple(joined), constant - shift, constant - shift))
        for row in self.tape.rows:
            if row.slot is not None:
                joined, shift = self.columns.joined([(row.slot, 1.0)], 0.0)
                if joined:
                    rows.append(LinearRow("rule", tuple(joined), -np.inf, row.tolerance - shift))
        return self.flat(rows)

    def _bends(self) -> list[_Bends]:
        found: dict[str, list[int]] = {}
        for slot in self.needed:
            operation = self.tape.operations[slot]
            if isinstance(operation, Bend):
                found.setdefault(operation.curve.name, []).append(slot)
        groups = []
        for slots in found.values():
            operations = [self.tape.operations[slot] for slot in slots]
            inner = [operation.slot for operation in operations if isinstance(operation, Bend)]
            known = [self.columns.of[read] for read in inner]
            own = np.array([self.position[slot] for slot in slots], dtype=np.int32)
            place = [own[k] if column is None else self.position[column] for k, (column, _, _) in enumerate(known)]
            factor = [0.0 if column is None else factor for column, factor, _ in known]
            curve = operations[0].curve  # type: ignore[union-attr]
            groups.append(
                _Bends(
                    curve,
                    np.array(slots, dtype=np.int32),
                    np.array(inner, dtype=np.int32),
                    own,
                    np.array(place, dtype=np.int32),
                    np.array(factor),
                    np.array([shift for _, _, shift in known]),
                )
            )
        return groups

    def model(self, ranges: Ranges, more: Sequence[LinearRow] = ()) -> Lean:
        """Return the linear model over ranges of the slots, with more rows at its end."""
        return Lean(self, ranges, more)


class Lean(Relaxation):
    """A linear relaxation of one combination.

    Attributes
    ----------
    row_slots, row_scales : array
        The slot that each row encloses (-1 where it is none), and by what the row was multiplied.
    """

    def __init__(self, template: Template, ranges: Ranges, more: Sequence[LinearRow] = ()) -> None:
        self.template, self.more = template, more
        super().__init__(template.tape, (template.combination,), template.needed, ranges, columns=template.columns)

    def _write(self) -> None:
        known = {slot_of(row.name) for row in self.more}
        for slot in self.template.others:
            operation = self.tape.operations[slot]
            if isinstance(operation, Joint):
                enclose(self, slot, operation, above=slot not in known)
            else:
                self._enclose(slot)
        parts = [self.template.fixed, *(_lines(bends, self.ranges) for bends in self.template.bends)]
        self.written = Flat.join([*parts, self.template.flat([*self.rows, *self.more])])
        self.row_slots, self.row_scales = self.written.slots, np.zeros(0)
        self.rows = []

    def system(self) -> tuple[csr_matrix, Floats, Floats]:
        """Return the rows over scaled columns, with their ends."""
        self.row_slots, self.row_scales = self.written.slots, np.zeros(0)
        return self._scaled(self.written)

    def matrix(self, rows: Sequence[LinearRow]) -> tuple[csr_matrix, Floats, Floats]:
        """Return more rows over the scaled columns, with their ends."""
        flat = self.template.flat(rows)
        self.row_slots = np.concatenate([self.row_slots, flat.slots])
        return self._scaled(flat)

    def _scaled(self, rows: Flat) -> tuple[csr_matrix, Floats, Floats]:
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


def slot_of(name: str) -> int:
    """Return the slot that a row of a name encloses, -1 where it encloses none."""
    _, _, rest = name.partition("_")
    return int(rest) if rest.isdigit() else NO_SLOT


def _lines(bends: _Bends, ranges: Ranges) -> Flat:
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
    return Flat(
        place.astype(np.int32),
        factor,
        np.full(len(which), 2, dtype=np.int32),
        np.where(below, start, -np.inf),
        np.where(below, np.inf, start),
        bends.slots[which],
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
