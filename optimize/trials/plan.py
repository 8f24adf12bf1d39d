"""How a search is to go on, how it stands on the way, and what came of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from dawndusk.optimize.result import Result
from dawndusk.optimize.space.dimensions import Point
from dawndusk.optimize.trials.question import History, Trial
from dawndusk.optimize.trials.samplers.sampler import Sampler
from dawndusk.optimize.trials.standing import LEAST_IMPROVEMENT

BUDGET, TIME, STAGNATION, GAP = "evaluations", "time limit", "stagnation", "gap"
FAILING, EXHAUSTED, INTERRUPT = "failures", "exhausted", "interrupt"
MOST_FAILURES = 30


@dataclass(frozen=True, kw_only=True)
class Stop:
    """When a search ends.

    Attributes
    ----------
    evaluations : int
        After so many trials, those of earlier runs included.
    time_limit_s : float
        After so long; what is being evaluated then is dropped, and evaluated again when the search goes on.
    stagnation : int or None
        After so many trials without an improvement by ``least_improvement``, relative, of the best or the hypervolume.
    bound, gap : float or None
        With one goal: when the best is within a relative gap of a proved bound.
    failures : int
        After so many failures in a row.
    """

    evaluations: int
    time_limit_s: float = math.inf
    stagnation: int | None = None
    least_improvement: float = LEAST_IMPROVEMENT
    bound: float | None = None
    gap: float | None = None
    failures: int = MOST_FAILURES


@dataclass(frozen=True)
class TrialProgress:
    """How a search stands: trials with an answer, of how many at most; the best, or the hypervolume of the front."""

    evaluated: int
    evaluations: int
    failed: int
    pending: int
    best: float | None
    hypervolume: float | None
    front: int
    seconds: float

    @property
    def share(self) -> float:
        """Return how much of the budget is used, 0 to 1."""
        return min(self.evaluated / max(self.evaluations, 1), 1.0)


Report: TypeAlias = Callable[[TrialProgress], None]


@dataclass(frozen=True, kw_only=True, eq=False)
class Searched(Result):
    """What came of a search by trials: ``feasible`` or ``unknown``, as trials prove nothing.

    ``bound`` is one that was proved elsewhere.

    Attributes
    ----------
    answered : History
        Trials with an answer, in the order of their numbers.
    front : tuple of Trial
        The best trial, or those on the front, by number; empty where nothing is feasible.
    nearest : Trial or None
        The trial that breaks the rules least, where nothing is feasible.
    pending : tuple of Trial
        Asked, without an answer: evaluated when the search goes on.
    stopped_by : str
        ``evaluations``, ``time limit``, ``stagnation``, ``gap``, ``failures``, ``exhausted`` or ``interrupt``.
    evaluated : int
        Trials that were evaluated now, not before.
    repeated : int
        Points that the sampler named although they were known, and that were passed over.
    evaluator_s : float
        What the evaluations took, in total.
    reproducible : bool
        Whether the same search gives the same trials again.
    """

    answered: History
    front: tuple[Trial, ...]
    nearest: Trial | None
    pending: tuple[Trial, ...]
    evaluated: int
    repeated: int
    evaluator_s: float
    hypervolume: float | None
    reproducible: bool

    def after(self, first: Searched) -> Searched:
        """Return what came of a search that was made in two parts, of which this is the second."""
        return replace(
            self,
            evaluated=first.evaluated + self.evaluated,
            repeated=first.repeated + self.repeated,
            seconds=first.seconds + self.seconds,
            evaluator_s=first.evaluator_s + self.evaluator_s,
        )


@dataclass(frozen=True, kw_only=True)
class SearchPlan:
    """How a search goes on: what names its points, how many at a time, and when it ends.

    Attributes
    ----------
    batch : int
        Points that are named at a time. It is part of the question, unlike the number of workers.
    chunk : int
        Points that a worker is given at a time: more than 1 for an evaluator that is fast for many at once.
    warm_start : sequence of Point
        Points to begin with.
    asynchronous : bool
        Whether a point is named whenever a worker is free: faster where evaluations differ in length, but what is
        known then depends on chance, and so do the points.
    """

    sampler: Sampler
    stop: Stop
    seed: int
    batch: int = 1
    chunk: int = 1
    warm_start: Sequence[Point] = ()
    asynchronous: bool = False
