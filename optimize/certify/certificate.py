"""What a certified search found and proved, as plain typed values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from dawndusk.models.design import Design
from dawndusk.models.evaluate import Evaluation
from dawndusk.optimize.certify.branch.boxes import Boxes
from dawndusk.optimize.evolution import Candidate

Status: TypeAlias = Literal["optimal", "feasible", "infeasible", "unknown"]
"""``optimal``: the gap asked for is proved. ``feasible``: a design, and a gap that is wider. ``infeasible``: proved
that no design meets all rules. ``unknown``: stopped before a feasible design or a proof that there is none."""


@dataclass(frozen=True)
class Check:
    """One part of an audit: what was tried, how often, and whether the certificate held."""

    name: str
    held: bool
    tried: int
    words: str


def verdict_of(checks: Sequence[Check]) -> str:
    """Return the verdict of an audit: ``passed``, ``failed`` or ``not run``."""
    if not checks:
        return "not run"
    return "passed" if all(check.held for check in checks) else "failed"


SAFETY = 1e-10
"""What is taken off a proved score, per unit of it and at least of one: no rounding on the way to it is as large."""


def safe(proved: float) -> float:
    """Return a score that no feasible design is below, given one proved up to rounding; infinite ones as they are."""
    return proved - SAFETY * (1.0 + abs(proved)) if math.isfinite(proved) else proved


def unsafe(wanted: float) -> float:
    """Return the score that has to be proved up to rounding for ``wanted`` to be safe."""
    return wanted + 2.0 * SAFETY * (1.0 + abs(wanted)) if math.isfinite(wanted) else wanted


def relative_gap(objective: float | None, bound: float | None) -> float | None:
    """Return ``|objective - bound| / |objective|``, the difference where the objective is zero, None without both."""
    if objective is None or bound is None:
        return None
    return abs(objective - bound) / (abs(objective) or 1.0)


@dataclass(frozen=True, eq=False)
class Unfinished:
    """What an interrupted proof needs to go on: the open boxes, and the counts so far."""

    boxes: Boxes
    cutoff: float
    examined: int
    seconds: float


@dataclass(frozen=True, eq=False)
class Certified:
    """The result of a certified search. Objective and bound are in the units and the sense of the study.

    Attributes
    ----------
    objective : float or None
        That of the best design; None where none is feasible.
    bound : float or None
        Proved: no feasible design is better. None where nothing is proved yet.
    gap : float or None
        As ``relative_gap`` has it.
    boxes, open_boxes : int
        Boxes looked at, and those that were left open.
    candidates : tuple of Candidate
        The best designs that the population search found, one for each combination of categories it worked on, best
        first.
    """

    status: Status
    objective: float | None
    bound: float | None
    gap: float | None
    gap_asked: float
    design: Design | None
    evaluation: Evaluation | None
    candidates: tuple[Candidate, ...]
    evaluated: int
    boxes: int
    open_boxes: int
    combinations: int
    seconds: float
    seed: int
    stopped_by: str
    checks: tuple[Check, ...] = ()
    unfinished: Unfinished | None = None

    @property
    def verdict(self) -> str:
        """Return the verdict of the audit: ``passed``, ``failed`` or ``not run``."""
        return verdict_of(self.checks)
