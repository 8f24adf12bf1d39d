"""Ranges of the slots of a tape, and the columns and rows that stand for slots and sums in a linear model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.certify.bound.affine import Forward
from dawndusk.optimize.certify.graph.operations import Sum, Tape, here, varies

Floats: TypeAlias = NDArray[np.float64]
Term: TypeAlias = tuple[int, float]


@dataclass(frozen=True)
class Ranges:
    """Least and greatest value of every slot, shape (slots,)."""

    low: Floats
    high: Floats

    def within(self, slot: int) -> tuple[float, float]:
        """Return the range of one slot."""
        return float(self.low[slot]), float(self.high[slot])


def propagated(
    tape: Tape, members: Sequence[int], inputs: tuple[Floats, Floats], known: Ranges | None
) -> tuple[tuple[int, ...], Ranges] | None:
    """Return the combinations that affine arithmetic leaves, and the ranges over all of them; None where none is left.

    ``inputs`` are ranges of the coordinates, the same for all combinations or of shape (d, members); ``known`` ranges
    of any slots.
    """
    chosen = np.array(members)
    count, rounded = len(chosen), len(tape.roundings)
    limits = dict(tape.limits)
    if known is not None:
        for slot in range(len(known.low)):
            least, most = limits.get(slot, (-np.inf, np.inf))
            limits[slot] = np.maximum(least, known.low[slot]), np.minimum(most, known.high[slot])
    ends = [np.broadcast_to(e if e.ndim > 1 else e[:, np.newaxis], (e.shape[0], count)) for e in inputs]
    with np.errstate(all="ignore"):
        forward = Forward(
            ends[0], ends[1], chosen, np.full((rounded, count), -np.inf), np.full((rounded, count), np.inf), limits
        )
        forward.run(tape.operations)
    alive = ~np.broadcast_to(forward.empty, (count,))
    low = np.array([np.broadcast_to(f.low, (count,)) for f in forward.forms], dtype=np.float64)
    high = np.array([np.broadcast_to(f.high, (count,)) for f in forward.forms], dtype=np.float64)
    for row in tape.rows:
        least = low[row.slot] if row.slot is not None else np.array([here(row.constant, c) for c in members])
        alive = alive & (least <= row.tolerance)
    if not alive.any():
        return None
    left = tuple(int(c) for c in chosen[alive])
    return left, Ranges(low[:, alive].min(axis=1), high[:, alive].max(axis=1))


@dataclass(frozen=True)
class LinearRow:
    """``low <= sum of coefficient * column <= high`` in the units of the slots."""

    name: str
    terms: tuple[Term, ...]
    low: float
    high: float


@dataclass(frozen=True)
class Extra:
    """A column that stands for no slot: a share of a piece, or the choice between pieces."""

    name: str
    low: float
    high: float
    whole: bool


class Columns:
    """Which column stands for each slot: ``slot = factor * column + shift``; columns are numbered by their own slot."""

    def __init__(self, tape: Tape, members: Sequence[int], needed: Sequence[int]) -> None:
        combination = members[0]
        self.of: dict[int, tuple[int | None, float, float]] = {}
        self.slots: list[int] = []
        for slot in needed:
            operation = tape.operations[slot]
            if isinstance(operation, Sum) and not any(
                varies(v, members) for v in (operation.constant, *(c for _, c in operation.terms))
            ):
                terms, shift = self.joined(
                    [(s, here(c, combination)) for s, c in operation.terms], here(operation.constant, combination)
                )
                if not terms:
                    self.of[slot] = None, 0.0, shift
                    continue
                if len(terms) == 1:
                    self.of[slot] = terms[0][0], terms[0][1], shift
                    continue
            self.of[slot] = slot, 1.0, 0.0
            self.slots.append(slot)

    def joined(self, terms: Iterable[Term], constant: float) -> tuple[list[Term], float]:
        """Return a sum over slots as one over columns."""
        merged: dict[int, float] = {}
        for slot, factor in terms:
            column, scale, shift = self.of[slot]
            constant += factor * shift
            if column is not None:
                merged[column] = merged.get(column, 0.0) + factor * scale
        return [(column, factor) for column, factor in merged.items() if factor != 0.0], constant
