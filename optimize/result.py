"""The answer of a search, whichever engine gave it: what was found, what was proved, and what ended it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.design import Design
from dawndusk.models.evaluate import Evaluation
from dawndusk.optimize.boxes import Boxes

Status: TypeAlias = Literal["optimal", "feasible", "infeasible", "unknown"]
"""``optimal``: the gap asked for is proved. ``feasible``: an answer, and a wider gap or no bound. ``infeasible``: none
meets all rules, which a heuristic believes and the other engines prove. ``unknown``: neither."""
BoundStatus: TypeAlias = Literal["bounded", "time limit", "infeasible", "failed", "interrupt"]
COMPLETION, INTERRUPT, TIME_LIMIT = "completion", "interrupt", "time limit"
SOLVER_FAILURE = "failure of the solver"


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


def relative_gap(objective: float | None, bound: float | None) -> float | None:
    """Return ``|objective - bound| / |objective|``, the difference where the objective is zero, None without both."""
    if objective is None or bound is None:
        return None
    return abs(objective - bound) / (abs(objective) or 1.0)


@dataclass(frozen=True)
class Milestone:
    """How a search stood at one moment: seconds, what was evaluated, the incumbent's objective, and the bound."""

    seconds: float
    evaluated: int
    objective: float | None
    bound: float | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Result:
    """What a search found and proved. Objective and bound are in the units and the sense of the problem.

    Attributes
    ----------
    status : Status
        How far it came.
    objective : float or None
        That of the incumbent; None where none is feasible, and where there are several goals.
    bound : float or None
        Proved: no feasible answer is better. None where nothing is proved.
    gap : float or None
        Between the two, relative to the objective.
    seconds : float
        Wall time, earlier parts of a resumed search included.
    stopped_by : str
        Why it ended: ``completion``, ``time limit``, ``interrupt`` and the like.
    checks : tuple of Check
        The parts of the audit; empty where none was run.
    history : tuple of Milestone
        The incumbent and the bound as they came closer.
    """

    status: Status
    objective: float | None
    bound: float | None
    gap: float | None
    seconds: float
    seed: int
    stopped_by: str
    checks: tuple[Check, ...] = ()
    history: tuple[Milestone, ...] = ()

    @property
    def verdict(self) -> str:
        """Return the verdict of the audit: ``passed``, ``failed`` or ``not run``."""
        return verdict_of(self.checks)


@dataclass(frozen=True, eq=False)
class Candidate:
    """The best design found for one combination of categories.

    ``objective`` is to be made small; the design is feasible where ``violation`` is zero. ``coordinates`` are those of
    the free numbers in the unit cube; none where the design came from elsewhere.
    """

    combination: dict[str, str]
    coordinates: NDArray[np.float64]
    design: Design
    objective: float
    violation: float


@dataclass(frozen=True, eq=False)
class Unfinished:
    """What an interrupted proof needs to go on: the open boxes, and the counts so far."""

    boxes: Boxes
    cutoff: float
    examined: int
    seconds: float


@dataclass(frozen=True)
class SecondBound:
    """What the second bound proved.

    ``status`` is ``bounded`` (the gap asked for is closed), ``time limit``, ``infeasible`` (proved: no combination has
    a design that meets the rules), ``failed`` (parts were left that can not be cut any further) or ``interrupt``
    (``report`` raised ``KeyboardInterrupt``, which it may do between two steps). ``bound`` is in the
    units of the objective: no feasible design is better. ``gap`` is relative to the incumbent, None without one.
    ``rounds`` are linear models solved, ``columns`` and ``rows`` the size of one, ``pieces`` the parts left open.
    ``stalled_at`` names what is furthest from the physics where the bound is lowest.
    """

    status: BoundStatus
    bound: float | None
    objective: float | None
    design: Design | None
    gap: float | None
    seconds: float
    rounds: int
    pieces: int
    columns: int
    rows: int
    open_combinations: int
    stalled_at: str
    solver_words: str


@dataclass(frozen=True, kw_only=True, eq=False)
class DesignResult(Result):
    """What a search for one design found and proved.

    Attributes
    ----------
    design : Design or None
        The incumbent; None where none is feasible.
    evaluation : Evaluation or None
        Its outcomes and margins.
    candidates : tuple of Candidate
        The best design of each combination that was worked on, best first; the first one is the design, or the nearest
        miss where there is none.
    evaluated : int
        Designs evaluated exactly.
    boxes, open_boxes, combinations : int or None
        Boxes of designs looked at and left open by the certified search, and combinations of categories.
    second : SecondBound or None
        The bound of the mixed-integer model: that of engine ``milp`` itself, or the second opinion of an audit.
    unfinished : Unfinished or None
        The open boxes of a proof that has not ended.
    is_hurried : bool
        Whether an interrupt came when the search had ended: what is left to do is left out.
    """

    gap_asked: float = 0.0
    design: Design | None = None
    evaluation: Evaluation | None = None
    candidates: tuple[Candidate, ...] = ()
    evaluated: int = 0
    combinations: int | None = None
    boxes: int | None = None
    open_boxes: int | None = None
    second: SecondBound | None = None
    unfinished: Unfinished | None = None
    is_hurried: bool = False

    @property
    def nearest(self) -> Design:
        """Return the incumbent, or the design that breaks the rules least of those that were looked at."""
        return self.candidates[0].design if self.design is None else self.design
