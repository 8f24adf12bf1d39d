"""Fronts between the objective of a plan and its capital, by the epsilon-constraint method."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dawndusk.optimize.plan.engine import Planned, solve_plan
from dawndusk.optimize.plan.problem import Effort, Objective, PlanProblem

LEAST_APART = 1e-3


@dataclass(frozen=True, eq=False)
class Point:
    """One plan of a front: the limit on its capital (None at the end where there is none), and how it was solved."""

    capital_limit_usd: float | None
    planned: Planned

    @property
    def capital_usd(self) -> float | None:
        """Return the exact capital of the plan, None where there is none."""
        plan = self.planned.plan
        return None if plan is None else plan.accounts.capital_usd


def capital_front(problem: PlanProblem, points: int, effort: Effort) -> list[Point]:
    """Return plans from the best objective to the least capital, by falling limits on capital.

    Each is solved to the gap of ``effort``, so that no plan of that capital is better by more than that; plans that
    are dominated by another one are left out. The ends are the two objectives by themselves.

    Parameters
    ----------
    points : int
        Limits between the two ends.
    """
    free = Point(None, solve_plan(problem, effort))
    least = solve_plan(dataclasses.replace(problem, objective=Objective.CAPITAL), effort)
    if free.capital_usd is None or least.objective is None or least.plan is None:
        return [free]
    limits = np.linspace(free.capital_usd, least.objective, points + 2)[1:]
    found = [free]
    for limit in limits:
        stated = dataclasses.replace(problem.limits, capital_usd=float(limit) * (1.0 + LEAST_APART))
        found.append(Point(float(limit), solve_plan(dataclasses.replace(problem, limits=stated), effort)))
    return list(undominated(found, large=problem.objective is Objective.NPV))


def undominated(points: list[Point], *, large: bool) -> Iterator[Point]:
    """Yield the plans that no other one betters in both capital and objective."""
    known = [
        (point, point.capital_usd, -point.planned.objective if large else point.planned.objective)
        for point in points
        if point.capital_usd is not None and point.planned.objective is not None
    ]
    for point, capital, objective in known:
        better = [
            other
            for other, usd, value in known
            if other is not point and usd <= capital and value <= objective and (usd, value) != (capital, objective)
        ]
        if not better:
            yield point
