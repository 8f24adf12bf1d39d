"""Running a plan: solve it, and say what it is made of or why there is none."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dawndusk.models.errors import nearest, one_of
from dawndusk.optimize.plan.explain import PlanAlternative, PlanShadowPrice, if_slips, shadow_prices, why_not
from dawndusk.optimize.plan.front import INTERRUPT
from dawndusk.optimize.plan.model.milp import plan_model as model_of
from dawndusk.optimize.plan.pricing.column_generation import Generated
from dawndusk.optimize.plan.problem.problem import ForcedChoice
from dawndusk.optimize.plan.solve.conflict import PlanConflict, explain_conflict, together
from dawndusk.optimize.plan.solve.engine import Planned, PlanStep, solve_plan
from dawndusk.studies.input.errors import Place, StudyError, StudyProblem
from dawndusk.studies.run.plan.asked.break_even import LAUNCH_USD_PER_KG, break_even, break_even_map
from dawndusk.studies.run.plan.asked.choices import choice_named
from dawndusk.studies.run.plan.asked.front import front_of
from dawndusk.studies.run.plan.asked.uncertainty import hedged
from dawndusk.studies.run.plan.growing import grow, space_of
from dawndusk.studies.run.plan.question import PlanStudy
from dawndusk.studies.run.plan.reading import read_plan
from dawndusk.studies.run.plan.result import PlanResult

EXPLAINING_S = 30.0
"""An explanation takes at most this long beyond the solve."""


def run_plan(
    question: PlanStudy,
    report: Callable[[PlanStep], None] = lambda _: None,
    *,
    time_limit_s: float | None = None,
    explain: bool = True,
    slips: Sequence[tuple[str, float]] = (),
    choices: Sequence[str] = (),
) -> PlanResult:
    """Solve a plan, explain it, and answer what else its study asks.

    Parameters
    ----------
    report : callable
        Called with a ``PlanStep`` now and then.
    time_limit_s : float, optional
        In place of that of the plan.
    explain : bool
        Whether to say what its limits are worth, or why there is none.
    slips : sequence of (str, float)
        Vehicles and years: what changes if each of them comes so much later.
    choices : sequence of str
        Choices as they are written on the command line: what each of them would cost.
    """
    for vehicle, _ in slips:
        check_vehicle(question, vehicle)
    asked = [(text, choice_named(question, text)) for text in choices]
    effort = question.effort
    if time_limit_s is not None:
        effort = dataclasses.replace(effort, time_limit_s=time_limit_s)
        question = dataclasses.replace(question, effort=effort)
    question, planned, generated = _solved(question, report)
    conflict, prices = _explained(question, planned) if explain else (None, ())
    result = PlanResult(question=question, result=planned, conflict=conflict, prices=prices, generated=generated)
    if planned.stopped_by == INTERRUPT:
        return result
    if generated is not None and generated.stopped_by == INTERRUPT:
        return dataclasses.replace(result, interrupted=True)
    result = _with_break_even(result)
    return result if planned.plan is None else _asked_of_a_plan(result, report, slips, asked)


def _solved(question: PlanStudy, report: Callable[[PlanStep], None]) -> tuple[PlanStudy, Planned, Generated | None]:
    """Solve a plan, with designs that its prices ask for where the study wants them."""
    if not question.section.columns.rounds:
        return question, solve_plan(question.problem, question.effort, report), None
    space_of(question)  # which says so before anything is solved where there is no other design
    grown, generated = grow(question, solve_plan(question.problem, question.effort, report), report)
    return grown, generated.after, generated


def _explained(question: PlanStudy, planned: Planned) -> tuple[PlanConflict | None, tuple[PlanShadowPrice, ...]]:
    """Return why there is no plan, or what its limits are worth."""
    if planned.stopped_by == INTERRUPT:
        return None, ()
    if planned.status == "infeasible":
        seed = question.effort.seed
        relaxed = explain_conflict(question.problem, time_limit_s=EXPLAINING_S, seed=seed)
        return together(planned.conflict, relaxed), ()
    if planned.plan is None:
        return None, ()
    return None, tuple(shadow_prices(question.problem, planned.plan, time_limit_s=EXPLAINING_S))


def _with_break_even(result: PlanResult) -> PlanResult:
    """Return a result with its break-even launch prices, where the study asks for them."""
    part, economy = result.question.section.break_even, result.question.problem.economy
    if not part.electricity_usd_per_mwh:
        return result
    freights = part.launch_usd_per_kg or LAUNCH_USD_PER_KG
    return dataclasses.replace(
        result,
        break_even=tuple(break_even(economy, part.electricity_usd_per_mwh)),
        crossings=tuple(break_even_map(economy, part.electricity_usd_per_mwh, freights)),
    )


def _asked_of_a_plan(
    result: PlanResult,
    report: Callable[[PlanStep], None],
    slips: Sequence[tuple[str, float]],
    choices: Sequence[tuple[str, ForcedChoice]],
) -> PlanResult:
    """Return a result with its front, its hedged first stage, and plans under other premises."""
    section, plan, question = result.question.section, result.plan, result.question
    assert plan is not None
    try:
        if section.front.against is not None:
            front = front_of(question, result.planned, report)
            result = dataclasses.replace(result, front=front.points)
            if front.is_interrupted:
                raise KeyboardInterrupt
        if section.scenarios.count or section.scenarios.stated:
            result = dataclasses.replace(result, hedged=hedged(question, plan))
        for text, choice in choices:
            result = _beside(result, compare_choice(result, choice, text))
        for vehicle, years in slips:
            result = _beside(result, compare_slip(result, vehicle, years))
    except KeyboardInterrupt:
        return dataclasses.replace(result, interrupted=True)
    return result


def _beside(result: PlanResult, other: PlanAlternative) -> PlanResult:
    """Return a result with one alternative more."""
    if other.planned.stopped_by == INTERRUPT:
        raise KeyboardInterrupt
    return dataclasses.replace(result, alternatives=(*result.alternatives, other))


def compare_slip(result: PlanResult, vehicle: str, years: float) -> PlanAlternative:
    """Return the plan if a vehicle comes later by some years, solved as closely as the plan itself."""
    check_vehicle(result.question, vehicle)
    return if_slips(result.planned, vehicle, years, result.question.effort)


def check_vehicle(question: PlanStudy, vehicle: str) -> None:
    """Raise ``StudyError`` for a vehicle that the plan does not fly."""
    known = question.problem.economy.launching.vehicles
    if vehicle not in known:
        raise _unknown(question, "vehicle", vehicle, known)


def compare_choice(result: PlanResult, choice: ForcedChoice, what: str = "") -> PlanAlternative:
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
        StudyProblem(place=place, key=kind, found=repr(name), allowed=one_of(known), hint=nearest(name, known))
    )


def plan_model(source: str | Path | Mapping[str, Any] | PlanStudy, overrides: Sequence[str] = ()) -> Any:
    """Return the mixed-integer model of a plan in Pyomo, for rows of one's own or as a block of a larger model.

    See ``dawndusk.optimize.plan.model.milp.plan_model`` for its components.
    """
    question = source if isinstance(source, PlanStudy) else read_plan(source, overrides)
    return model_of(question.problem)


__all__ = ["compare_choice", "compare_slip", "plan_model", "run_plan"]
