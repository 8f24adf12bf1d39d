"""A front of plans: from the best objective to the least capital, each plan with a bound of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dawndusk.optimize.plan.engine import Planned, Step, solve_plan
from dawndusk.optimize.plan.front import LEAST_APART, Point, undominated
from dawndusk.optimize.plan.problem import Objective
from dawndusk.optimize.plan.score import Scored, score
from dawndusk.studies.plan.question import PlanStudy

if TYPE_CHECKING:
    import pandas as pd

INTERRUPT = "interrupt"


def front_of(question: PlanStudy, free: Planned, report: Callable[[Step], None] = lambda _: None) -> list[Point]:
    """Return plans between the objective of a plan and least capital, by falling limits on capital.

    Each is solved as closely as the plan itself, so that no plan of that capital is better by more than its gap. Plans
    that another one betters in both are left out; a limit for which no plan was found stays, and says so.

    Parameters
    ----------
    free : Planned
        The plan without a limit on capital, which is one end.

    Raises
    ------
    KeyboardInterrupt
        Where the solver was interrupted.
    """
    problem, count = question.problem, question.section.front.points
    first = Point(None, free)

    def solve(changed: Any, number: int) -> Planned:
        def at(step: Step) -> None:
            report(dataclasses.replace(step, stage=f"plan {number} of {count + 2}: {step.stage}"))

        planned = solve_plan(changed, question.effort, at)
        if planned.stopped_by == INTERRUPT:
            raise KeyboardInterrupt
        return planned

    least = solve(dataclasses.replace(problem, objective=Objective.CAPITAL), 2)
    if first.capital_usd is None or least.objective is None:
        return [first]
    found = [first]
    for number, limit in enumerate(np.linspace(first.capital_usd, least.objective, count + 2)[1:]):
        limits = dataclasses.replace(problem.limits, capital_usd=float(limit) * (1.0 + LEAST_APART))
        found.append(Point(float(limit), solve(dataclasses.replace(problem, limits=limits), number + 3)))
    known = [planned.plan for planned in (least, *(point.planned for point in found)) if planned.plan is not None]
    found = [first, *(_led_by(point, known, question.effort.gap) for point in found[1:])]
    kept = list(undominated(found, large=problem.objective is Objective.NPV))
    return [point for point in found if point in kept or point.planned.objective is None]


def _led_by(point: Point, known: Sequence[Scored], gap_asked: float) -> Point:
    """Return a point with the best known plan that keeps its limit, where the solver found none so good."""
    planned, problem = point.planned, point.planned.problem
    sign = -1.0 if problem.objective is Objective.NPV else 1.0
    scored = [found for plan in known if not (found := score(problem, plan.decisions)).broken]
    best = min(scored, key=lambda found: sign * found.objective, default=None)
    if best is None or (planned.objective is not None and sign * planned.objective <= sign * best.objective):
        return point
    scale = max(abs(best.objective), best.accounts.cost_usd if sign < 0.0 else 0.0) or 1.0
    gap = None if planned.bound is None else max(sign * (best.objective - planned.bound), 0.0) / scale
    status = "optimal" if gap is not None and gap <= gap_asked else "feasible"
    led = dataclasses.replace(planned, plan=best, objective=best.objective, gap=gap, status=status, near_miss=None)
    return Point(point.capital_limit_usd, led)


def front_table(points: Sequence[Point]) -> pd.DataFrame:
    """Return one row for each plan of a front: its limit on capital, what it costs, and what is proved of it."""
    import pandas as pd  # noqa: PLC0415 (heavy, and only needed here)

    return pd.DataFrame(front_rows(points))


def front_rows(points: Sequence[Point]) -> list[dict[str, Any]]:
    """Return the plans of a front as plain values, the best objective first."""
    rows = []
    for number, point in enumerate(points):
        planned, plan = point.planned, point.planned.plan
        rows.append(
            {
                "point": number + 1,
                "capital_limit_usd": point.capital_limit_usd,
                "capital_usd": point.capital_usd,
                "objective": planned.objective,
                "bound": planned.bound,
                "gap": planned.gap,
                "status": planned.status,
                "lcoc_usd_per_pflop_hour": None if plan is None else plan.lcoc_usd_per_pflop_hour,
                "discounted_cost_usd": None if plan is None else plan.accounts.cost_usd,
                "value_usd": None if plan is None else float(plan.revenue_usd.sum()) - plan.accounts.cost_usd,
                "satellites_built": None if plan is None else float(plan.decisions.built.sum()),
                "launches": None if plan is None else float(plan.decisions.launches.sum()),
                "largest_ground_power_mw": None if plan is None else float(plan.fleet.ground_power_mw.max(initial=0.0)),
            }
        )
    return rows
