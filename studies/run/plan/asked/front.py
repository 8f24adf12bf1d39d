"""A front of plans: from the best objective to the best of another one, each plan with a bound of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from dawndusk.optimize.plan.front import PlanFront, PlanPoint, plan_front
from dawndusk.optimize.plan.problem.problem import OUTCOMES, Objective
from dawndusk.optimize.plan.problem.score import ScoredPlan
from dawndusk.optimize.plan.solve.engine import Planned, PlanStep
from dawndusk.studies.run.plan.question import PlanStudy

if TYPE_CHECKING:
    import pandas as pd


def front_of(question: PlanStudy, free: Planned, report: Callable[[PlanStep], None] = lambda _: None) -> PlanFront:
    """Return plans between the objective of a plan and the one that its study holds it against.

    Parameters
    ----------
    free : Planned
        The plan without a limit on the other objective, which is one end.
    """
    part = question.section.front
    assert part.against is not None
    return plan_front(question.problem, part.against, part.points, question.effort, free=free, report=report)


def amounts_row(plan: ScoredPlan | None) -> dict[str, float | None]:
    """Return what a plan has of every objective; no levelised cost where nothing is used."""
    if plan is None:
        return dict.fromkeys(OUTCOMES.values())
    found: dict[str, float | None] = {name: plan.amounts[one] for one, name in OUTCOMES.items()}
    return found if plan.used_worth.any() else {**found, Objective.LCOC.outcome: None}


def front_table(points: Sequence[PlanPoint]) -> pd.DataFrame:
    """Return one row for each plan of a front: its limit, what it has of every objective, and what is proved of it."""
    import pandas as pd  # noqa: PLC0415 (heavy, and only needed here)

    return pd.DataFrame(front_rows(points))


def front_rows(points: Sequence[PlanPoint]) -> list[dict[str, Any]]:
    """Return the plans of a front as plain values, the best objective first."""
    rows = []
    for number, point in enumerate(points):
        planned, plan = point.planned, point.planned.plan
        rows.append(
            {
                "point": number + 1,
                "against": point.against.outcome,
                "limit": point.limit,
                "objective": planned.objective,
                "bound": planned.bound,
                "gap": planned.gap,
                "status": planned.status,
                **amounts_row(plan),
                "satellites_built": None if plan is None else float(plan.decisions.built.sum()),
                "launches": None if plan is None else float(plan.decisions.launches.sum()),
                "largest_ground_power_mw": None if plan is None else float(plan.fleet.ground_power_mw.max(initial=0.0)),
            }
        )
    return rows
