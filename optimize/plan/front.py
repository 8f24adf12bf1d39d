"""Fronts between any two objectives of a plan, by the epsilon-constraint method.

One objective is made best while a limit on the other one is moved from what the best plan has of it to the best that
any plan has. Each plan is solved with a bound of its own. A tighter limit allows no more plans, so the bound of a
looser one holds for it as well; and a plan that keeps the tighter one keeps the looser one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dawndusk.models.errors import DawnduskError
from dawndusk.optimize.plan.problem.problem import Objective, PlanEffort, PlanProblem
from dawndusk.optimize.plan.problem.score import ScoredPlan, score
from dawndusk.optimize.plan.solve.engine import Planned, PlanStep, solve_plan

LEAST_APART = 1e-3
"""Share of the way between the ends that the last limit stays short of its end, which is met with room for rounding."""
INTERRUPT = "interrupt"


@dataclass(frozen=True, eq=False)
class PlanPoint:
    """One plan of a front: the limit on the other objective (None at the end where there is none), and its solve."""

    against: Objective
    limit: float | None
    planned: Planned

    @property
    def rival(self) -> float | None:
        """Return what the plan has of the objective that is limited, None where there is no plan."""
        return None if self.planned.plan is None else self.planned.plan.amounts[self.against]


@dataclass(frozen=True, eq=False)
class PlanFront:
    """Plans between two objectives, the best of the first one first; whether the rest of them was interrupted."""

    points: tuple[PlanPoint, ...]
    is_interrupted: bool = False


def plan_front(
    problem: PlanProblem,
    against: Objective,
    points: int,
    effort: PlanEffort,
    *,
    free: Planned | None = None,
    report: Callable[[PlanStep], None] = lambda _: None,
) -> PlanFront:
    """Return plans from the best objective of a problem to the best of another one.

    Each is solved to the gap of ``effort``, so that no plan within its limit is better by more than that. Plans that
    another one betters in both are left out; a limit for which no plan was found stays, and says so.

    Parameters
    ----------
    points : int
        Limits between the two ends.
    free : Planned, optional
        The problem as it was solved already.

    Raises
    ------
    DawnduskError
        Where an objective is held against itself.
    """
    if against is problem.objective:
        others = ", ".join(one for one in Objective if one is not against)
        raise DawnduskError(f"front: found {against.value!r} against itself; allowed: {others}")
    sweep = _Sweep(problem, against, points, effort, report)
    try:
        sweep.run(free)
    except KeyboardInterrupt:
        sweep.is_interrupted = True
    return PlanFront(tuple(sweep.kept()), sweep.is_interrupted)


class _Sweep:
    def __init__(
        self,
        problem: PlanProblem,
        against: Objective,
        count: int,
        effort: PlanEffort,
        report: Callable[[PlanStep], None],
    ) -> None:
        self.problem, self.against, self.count = problem, against, count
        self.effort, self.report = effort, report
        self.found: list[PlanPoint] = []
        self.known: list[ScoredPlan] = []
        self.is_interrupted = False

    def run(self, free: Planned | None) -> None:
        """Solve the two ends, and what lies between them from the first one on."""
        first = free if free is not None else self.solve(self.problem, 1)
        self.found.append(PlanPoint(self.against, None, first))
        self.know(first)
        end = self.solve(dataclasses.replace(self.problem, objective=self.against), 2)
        for number, limit in enumerate(self.limits(first, end)):
            planned = self.solve(self.problem.limited(self.against, limit), number + FIRST_LIMITED)
            self.found.append(PlanPoint(self.against, limit, planned))

    def limits(self, first: Planned, end: Planned) -> list[float]:
        """Return the limits between the ends and at the last one; none where the ends are the same plan."""
        if first.plan is None or end.plan is None:
            return []
        begin, last = first.plan.amounts[self.against], end.plan.amounts[self.against]
        if self.against.sign * (begin - last) <= LEAST_APART * abs(begin):
            return []
        between = np.linspace(begin, last, self.count + 2)[1:]
        between[-1] += LEAST_APART * (begin - last)
        return [float(limit) for limit in between]

    def solve(self, problem: PlanProblem, number: int) -> Planned:
        """Solve one of the problems, beginning with the plans that are known."""

        def at(step: PlanStep) -> None:
            self.report(dataclasses.replace(step, stage=f"plan {number} of {self.count + 3}: {step.stage}"))

        planned = solve_plan(problem, self.effort, at, known=[plan.decisions for plan in self.known])
        if planned.stopped_by == INTERRUPT:
            raise KeyboardInterrupt
        self.know(planned)
        return planned

    def know(self, planned: Planned) -> None:
        """Keep a plan to begin others with."""
        if planned.plan is not None:
            self.known.append(planned.plan)

    def kept(self) -> Iterator[PlanPoint]:
        """Yield the points that are kept, each with the best plan and the best bound that are known of it."""
        points, bound = [], None
        for point in self.found:
            bound = _better(point.planned.bound, bound, self.problem.objective.sign)
            points.append(
                dataclasses.replace(point, planned=_led_by(point.planned, self.known, bound, self.effort.gap))
            )
        chosen = list(undominated(points))
        yield from (point for point in points if point in chosen or point.planned.objective is None)


FIRST_LIMITED = 3
"""Number of the first plan with a limit: the two ends come before it."""


def _better(one: float | None, other: float | None, sign: float) -> float | None:
    """Return the stronger of two bounds."""
    known = [bound for bound in (one, other) if bound is not None]
    return sign * max(sign * bound for bound in known) if known else None


def _led_by(planned: Planned, known: Sequence[ScoredPlan], bound: float | None, gap_asked: float) -> Planned:
    """Return how a problem was solved, with the best known plan that keeps its rules and the best known bound."""
    sign, plan = planned.problem.objective.sign, planned.plan
    scored = [found for one in known if not (found := score(planned.problem, one.decisions)).broken]
    best = min(scored, key=lambda found: sign * found.objective, default=None)
    if best is not None and (plan is None or sign * best.objective < sign * plan.objective):
        plan = best
    if plan is planned.plan and bound == planned.bound:
        return planned
    if plan is None:
        return dataclasses.replace(planned, bound=bound)
    scale = max(abs(plan.objective), plan.accounts.cost_usd if sign < 0.0 else 0.0) or 1.0
    gap = None if bound is None else max(sign * (plan.objective - bound), 0.0) / scale
    is_closed = gap is not None and gap <= gap_asked
    return dataclasses.replace(
        planned,
        status="optimal" if is_closed else "feasible",
        stopped_by="completion" if is_closed else planned.stopped_by,
        objective=plan.objective,
        bound=bound,
        gap=gap,
        plan=plan,
        near_miss=None,
        made_of=None,
    )


def undominated(points: Sequence[PlanPoint]) -> Iterator[PlanPoint]:
    """Yield the plans that no other one betters in both objectives, the first of those that are the same in both."""
    known = [(point, *_to_make_small(point)) for point in points if point.planned.objective is not None]
    for number, (point, rival, objective) in enumerate(known):
        betters = (
            (one <= rival and value <= objective) and ((one, value) != (rival, objective) or k < number)
            for k, (_, one, value) in enumerate(known)
            if k != number
        )
        if not any(betters):
            yield point


def _to_make_small(point: PlanPoint) -> tuple[float, float]:
    plan = point.planned.plan
    assert plan is not None
    return point.against.sign * plan.amounts[point.against], point.planned.problem.objective.sign * plan.objective
