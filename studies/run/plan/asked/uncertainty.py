"""What to commit to now: scenarios of a study, a first stage for all of them, and what not knowing costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dawndusk.optimize.plan.problem.score import ScoredPlan
from dawndusk.optimize.plan.scenarios.futures import PlanScenario, drawn_scenarios
from dawndusk.optimize.plan.scenarios.hedging import progressive_hedging
from dawndusk.optimize.plan.scenarios.two_stage import Hedged, hedge
from dawndusk.studies.input.plans.asked import MOST_TOGETHER
from dawndusk.studies.run.plan.question import PlanStudy

if TYPE_CHECKING:
    import pandas as pd

MISSED_OVER_LCOC = 5.0
"""What missed demand costs where nothing is said, over the levelised cost of the plan: too dear to be planned."""


def scenarios_of(question: PlanStudy) -> list[PlanScenario]:
    """Return the scenarios that a plan states or has drawn; none where it asks for none."""
    part = question.section.scenarios
    if not part.stated:
        if not part.count:
            return []
        return drawn_scenarios(
            question.problem.economy.launching.vehicles,
            part.count,
            question.section.seed,
            price_spread=part.price_spread,
            most_late_years=part.most_late_years,
        )
    return [
        PlanScenario(
            name=name,
            probability=one.probability or 0.0,
            price_factors=tuple(one.price_factors.items()),
            late_years=tuple(one.late_years.items()),
            failure_factors=tuple(one.failure_factors.items()),
        )
        for name, one in part.stated.items()
        if one.probability
    ]


def hedged(question: PlanStudy, plan: ScoredPlan) -> Hedged:
    """Return what to commit to in the first years, over the scenarios of a plan."""
    part, scenarios = question.section.scenarios, scenarios_of(question)
    missed = part.missed_usd_per_pflop_hour or MISSED_OVER_LCOC * plan.lcoc_usd_per_pflop_hour
    first = part.first_years * question.problem.economy.calendar.steps_per_year
    if len(scenarios) > MOST_TOGETHER:
        return progressive_hedging(
            question.problem,
            plan,
            scenarios,
            first_periods=first,
            missed_usd_per_pflop_hour=missed,
            gap=question.effort.gap,
            cvar_level=part.cvar_level,
            time_limit_s=question.effort.time_limit_s,
        )
    return hedge(
        question.problem,
        plan,
        scenarios,
        first_periods=first,
        missed_usd_per_pflop_hour=missed,
        cvar_weight=part.cvar_weight,
        cvar_level=part.cvar_level,
        time_limit_s=question.effort.time_limit_s,
    )


def scenario_table(found: Hedged) -> pd.DataFrame:
    """Return one row for each scenario: cost with the common first stage, with one of its own, and the difference."""
    import pandas as pd  # noqa: PLC0415 (heavy, and only needed here)

    return pd.DataFrame(scenario_rows(found))


def scenario_rows(found: Hedged) -> list[dict[str, Any]]:
    """Return the scenarios as plain values; what a vehicle's price, delay and failures are in each."""
    rows = []
    for k, one in enumerate(found.scenarios):
        row: dict[str, Any] = {
            "scenario": one.name,
            "probability": one.probability,
            "cost_usd": float(found.cost_usd[k]),
            "alone_usd": float(found.alone_usd[k]),
            "regret_usd": float(found.regret_usd[k]),
            "missed_share": float(found.missed[k]),
        }
        row |= {f"price_factor_{name}": value for name, value in one.price_factors}
        row |= {f"late_years_{name}": value for name, value in one.late_years}
        row |= {f"failure_factor_{name}": value for name, value in one.failure_factors}
        rows.append(row)
    return rows


def first_stage_table(question: PlanStudy, found: Hedged, plan: ScoredPlan) -> pd.DataFrame:
    """Return launches of the first stage by period and vehicle, beside those of the plan without uncertainty."""
    import pandas as pd  # noqa: PLC0415

    return pd.DataFrame(
        first_stage_rows(question, found, plan), columns=["period", "vehicle", "launches", "launches_of_the_plan"]
    )


def first_stage_rows(question: PlanStudy, found: Hedged, plan: ScoredPlan) -> list[dict[str, Any]]:
    """Return the same as plain values; vehicles that neither flies are left out."""
    economy = question.problem.economy
    flown = plan.decisions.launches.sum(axis=1)[:, : found.first_periods]
    rows = []
    for p in range(found.first_periods):
        for v, vehicle in enumerate(economy.launching.vehicles):
            if found.launches[v].any() or flown[v].any():
                launches = float(found.launches[v, p])
                row = {"period": economy.calendar.label(p), "vehicle": vehicle, "launches": launches}
                rows.append({**row, "launches_of_the_plan": float(flown[v, p])})
    return rows


def hedged_dict(question: PlanStudy, found: Hedged, plan: ScoredPlan) -> dict[str, Any]:
    """Return a hedged first stage as plain values."""
    regret = sum(one.probability * usd for one, usd in zip(found.scenarios, found.regret_usd, strict=True))
    return {
        "status": found.status,
        "objective_usd": found.objective,
        "bound_usd": found.bound,
        "mean_usd": found.mean_usd,
        "cvar_usd": found.cvar_usd,
        "mean_regret_usd": float(regret),
        "first_periods": found.first_periods,
        "seconds": found.seconds,
        "columns": found.columns,
        "scenarios": scenario_rows(found),
        "first_stage": first_stage_rows(question, found, plan),
    }
