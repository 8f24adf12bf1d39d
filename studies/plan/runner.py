"""Running a plan: solve it, and say what it is made of or why there is none."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dawndusk.models.errors import nearest, one_of
from dawndusk.optimize.plan.conflict import PlanConflict, explain_conflict
from dawndusk.optimize.plan.engine import Step, solve_plan
from dawndusk.optimize.plan.explain import Alternative, ShadowPrice, if_slips, shadow_prices, why_not
from dawndusk.optimize.plan.model import plan_model as model_of
from dawndusk.optimize.plan.problem import Choice, Effort
from dawndusk.studies.plan.question import PlanStudy
from dawndusk.studies.plan.reading import read_plan
from dawndusk.studies.plan.result import PlanResult
from dawndusk.studies.statement.errors import Place, Problem, StudyError

EXPLAINING_S = 30.0
"""An explanation takes at most this long beyond the solve."""


def run_plan(
    question: PlanStudy,
    report: Callable[[Step], None] = lambda _: None,
    *,
    time_limit_s: float | None = None,
    explain: bool = True,
) -> PlanResult:
    """Solve a plan and explain it.

    Parameters
    ----------
    report : callable
        Called with a ``Step`` now and then.
    time_limit_s : float, optional
        In place of that of the plan.
    explain : bool
        Whether to say what its limits are worth, or why there is none.
    """
    effort = question.effort
    if time_limit_s is not None:
        effort = dataclasses.replace(effort, time_limit_s=time_limit_s)
    planned = solve_plan(question.problem, effort, report)
    conflict: PlanConflict | None = None
    prices: tuple[ShadowPrice, ...] = ()
    if explain and planned.stopped_by != "interrupt":
        if planned.status == "infeasible":
            conflict = explain_conflict(question.problem, time_limit_s=EXPLAINING_S, seed=effort.seed)
        elif planned.plan is not None:
            prices = tuple(shadow_prices(question.problem, planned.plan, time_limit_s=EXPLAINING_S))
    return PlanResult(question=question, planned=planned, conflict=conflict, prices=prices)


def compare_slip(result: PlanResult, vehicle: str, years: float) -> Alternative:
    """Return the plan if a vehicle comes later by some years, solved as closely as the plan itself."""
    check_vehicle(result.question, vehicle)
    return if_slips(result.planned, vehicle, years, result.question.effort)


def check_vehicle(question: PlanStudy, vehicle: str) -> None:
    """Raise ``StudyError`` for a vehicle that the plan does not fly."""
    known = question.problem.economy.launching.vehicles
    if vehicle not in known:
        raise _unknown(question, "vehicle", vehicle, known)


def compare_choice(result: PlanResult, choice: Choice, what: str = "") -> Alternative:
    """Return the plan if a choice were made, solved as closely as the plan itself."""
    economy = result.planned.problem.economy
    for kind, name, known in (
        ("vehicle", choice.vehicle, economy.launching.vehicles),
        ("design", choice.design, economy.figures.names),
        ("ground", choice.ground, economy.rival.accelerators),
    ):
        if name and name not in known:
            raise _unknown(result.question, kind, name, known)
    return why_not(result.planned, choice, what, result.question.effort)


def _unknown(question: PlanStudy, kind: str, name: str, known: Sequence[str]) -> StudyError:
    place = Place(question.study.source)
    return StudyError(
        Problem(place=place, key=kind, found=repr(name), allowed=one_of(known), hint=nearest(name, known))
    )


def plan_model(source: str | Path | Mapping[str, Any] | PlanStudy, overrides: Sequence[str] = ()) -> Any:
    """Return the mixed-integer model of a plan in Pyomo, for rows of one's own or as a block of a larger model.

    See ``dawndusk.optimize.plan.model.plan_model`` for its components.
    """
    question = source if isinstance(source, PlanStudy) else read_plan(source, overrides)
    return model_of(question.problem)


__all__ = ["Effort", "compare_choice", "compare_slip", "plan_model", "run_plan"]
