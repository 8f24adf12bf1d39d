"""What is proved of a front: the best value of each goal, and a bound for any of its points."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.design import Design
from dawndusk.optimize.certify.search import certify
from dawndusk.optimize.errors import NotBoundedError
from dawndusk.optimize.execution.backends import open_executor
from dawndusk.optimize.problem import Bound, Goal, Problem
from dawndusk.optimize.progress import Progress
from dawndusk.optimize.result import DesignResult, relative_gap

Floats: TypeAlias = NDArray[np.float64]
Report: TypeAlias = Callable[[Progress], None]

LOOK_EVERY_S = 0.5
"""How often an interrupt is looked for while others prove."""
NOT_BOUNDED = "not bounded"
INTERRUPT = "interrupt"


@dataclass(frozen=True, kw_only=True)
class ProofEffort:
    """How hard to prove: the gap at which a proof ends, the seed and the processes that work on it."""

    gap: float
    seed: int
    workers: int | None = None
    cluster: str | None = None
    audit: bool = True


@dataclass(frozen=True, kw_only=True)
class End:
    """The best value of one goal, and how far that is proved.

    Attributes
    ----------
    status : str
        ``optimal``: the gap asked for is proved; ``feasible``: a wider gap; ``infeasible``: proved that no design
        meets every rule; ``unknown``: neither; ``not bounded``: no bound is known for this outcome.
    value, bound : float or None
        In the units and the sense of the goal.
    design : Design or None
        The best design that the proof met.
    """

    goal: Goal
    status: str
    value: float | None
    bound: float | None
    design: Design | None
    seconds: float
    stopped_by: str
    words: str = ""

    @property
    def gap(self) -> float | None:
        """Return the distance from value to bound, relative to the value."""
        return relative_gap(self.value, self.bound)

    def with_value(self, value: float) -> End:
        """Return the end of a front that has another best value."""
        return dataclasses.replace(self, value=value)


def prove_end(problem: Problem, goal: Goal, effort: ProofEffort, *, time_limit_s: float, report: Report) -> End:
    """Return the best value of one goal with its certificate."""
    try:
        found = _certified(_for(problem, goal), effort, time_limit_s, report)
    except NotBoundedError as error:
        return End(
            goal=goal,
            status=NOT_BOUNDED,
            value=None,
            bound=None,
            design=None,
            seconds=0.0,
            stopped_by=NOT_BOUNDED,
            words=str(error),
        )
    return End(
        goal=goal,
        status=found.status,
        value=found.objective,
        bound=found.bound,
        design=found.design,
        seconds=found.seconds,
        stopped_by=found.stopped_by,
    )


@dataclass(frozen=True)
class PointProof:
    """The bound of the first goal where every other one is at least as good as at a point, and the best design met."""

    bound: float | None
    design: Design | None
    stopped_by: str


@dataclass(frozen=True)
class PointQuestion:
    """What is to be proved of the points of a front: what workers are given once."""

    problem: Problem
    goals: tuple[Goal, ...]
    effort: ProofEffort


def prove_point(asked: PointQuestion, values: Floats, time_limit_s: float) -> PointProof:
    """Return what is proved of the epsilon-constraint problem of a point with these values, in units of the goals.

    It is proved in one process, so that the points of a front can be shared out among many.
    """
    goals, alone = asked.goals, dataclasses.replace(asked.effort, workers=1, cluster=None)
    limits = tuple(
        Bound(goal.outcome, "<=" if goal.sense == "minimise" else ">=", float(value))
        for goal, value in zip(goals[1:], values[1:], strict=True)
    )
    try:
        found = _certified(_for(asked.problem, goals[0], limits), alone, time_limit_s, _silent)
    except NotBoundedError:
        return PointProof(None, None, NOT_BOUNDED)
    return PointProof(found.bound, found.design, found.stopped_by)


def _silent(_: Progress) -> None:
    """Report to nobody."""


def prove_points(
    asked: PointQuestion, values: Floats, *, time_limit_s: float, report: Callable[[int], None]
) -> Iterator[tuple[int, PointProof]]:
    """Yield the number and the proof of points as they come, from the workers of the effort; none after the time.

    Each point has an equal part of the time. What is proved of one has nothing to do with the others: where the proofs
    end by themselves, it is the same whatever the number of workers.

    Parameters
    ----------
    values : array
        Goals of the points in their units, shape (N, m).
    report : callable
        Called now and then with how many are proved.
    """
    effort, end = asked.effort, time.monotonic() + time_limit_s
    workers = None if effort.cluster else effort.workers
    with open_executor(workers, context=asked, cluster=effort.cluster, isolated=True) as executor:
        share_s = time_limit_s / math.ceil(len(values) / executor.workers)
        tasks = {executor.submit(prove_point, row, share_s): number for number, row in enumerate(values)}
        while tasks and (left_s := end - time.monotonic()) > 0.0:
            report(len(values) - len(tasks))
            done = executor.done(min(left_s, LOOK_EVERY_S))
            if done is not None:
                number = tasks.pop(done.task)
                if done.failure is None or done.failure.kind != "died":
                    yield number, done.value()


def _for(problem: Problem, goal: Goal, limits: tuple[Bound, ...] = ()) -> Problem:
    """Return the problem of one goal, with more bounds."""
    bounds = (*problem.bounds, *limits)
    return dataclasses.replace(problem, objective=goal.outcome, sense=goal.sense, bounds=bounds)


def _certified(problem: Problem, effort: ProofEffort, time_limit_s: float, report: Report) -> DesignResult:
    return certify(
        problem,
        gap=effort.gap,
        seed=effort.seed,
        time_limit_s=time_limit_s,
        workers=effort.workers,
        cluster=effort.cluster,
        audit=effort.audit,
        report=report,
    )
