"""How far a figure of one design swings when the data rows behind it go through their ranges, one at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.columns import evaluate_columns
from dawndusk.models.design import Design, DesignBatch
from dawndusk.models.errors import ContradictionError
from dawndusk.models.recording.rows import rows_of
from dawndusk.studies.lineage.origins import value_of, with_belief

RULE_TOLERANCE = 1e-9
"""Relative: what rounding may do to a rule that binds."""


@dataclass(frozen=True)
class Swing:
    """What a figure of an unchanged design becomes at both ends of the range of one data row.

    ``at_low`` and ``at_high`` are None where the end can not be computed or contradicts other rows; ``low_breaks`` and
    ``high_breaks`` name the rules that the design breaks there and keeps as it is.
    """

    key: str
    value: float
    low: float
    high: float
    at_low: float | None
    at_high: float | None
    low_breaks: tuple[str, ...] = ()
    high_breaks: tuple[str, ...] = ()

    def width(self, base: float) -> float:
        """Return the largest departure from the figure as it is."""
        return max((abs(end - base) for end in (self.at_low, self.at_high) if end is not None), default=0.0)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def outcome_of(design: Design, assumptions: Assumptions) -> dict[str, float]:
    """Return every outcome of one design; quick for assumptions that are seen only once."""
    return evaluated(design, assumptions)[0]


def evaluated(design: Design, assumptions: Assumptions) -> tuple[dict[str, float], dict[str, float]]:
    """Return every outcome of one design and the graded violation of every rule."""
    batch = DesignBatch.of(design)
    with np.errstate(all="ignore"):
        found = evaluate_columns(batch.values, rows_of(assumptions, batch), assumptions)
    outcome, violation = ({name: float(np.ravel(c)[0]) for name, c in columns.items()} for columns in found)
    return outcome, violation


def swings(metric: str, keys: Iterable[str], design: Design, assumptions: Assumptions) -> list[Swing]:
    """Return the swing of an outcome over the range of every data row that has one, widest first.

    The design stays as it is: this is what it would come to, not what a new search would choose.
    """
    outcome, violation = evaluated(design, assumptions)
    kept = [name for name, value in violation.items() if value <= RULE_TOLERANCE]
    found = []
    for key in keys:
        row = assumptions.provenance[key]
        if row.low is None or row.high is None or row.low == row.high:
            continue
        ends = [_at(metric, key, end, design, assumptions, kept) for end in (row.low, row.high)]
        (at_low, low_breaks), (at_high, high_breaks) = ends
        now = value_of(assumptions, key)
        found.append(Swing(key, now, row.low, row.high, at_low, at_high, low_breaks, high_breaks))
    return sorted(found, key=lambda swing: (-swing.width(outcome[metric]), swing.key))


def _at(
    metric: str, key: str, end: float, design: Design, assumptions: Assumptions, kept: Collection[str]
) -> tuple[float | None, tuple[str, ...]]:
    """Return an outcome with one belief at an end of its range, and the rules that break there."""
    try:
        outcome, violation = evaluated(design, with_belief(assumptions, key, end))
    except (ArithmeticError, ContradictionError):
        return None, ()
    value = outcome[metric]
    return (value if np.isfinite(value) else None), tuple(n for n in kept if not violation[n] <= RULE_TOLERANCE)
