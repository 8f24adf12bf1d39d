"""What limits a plan and what else it could have been: shadow prices, why not, and a vehicle that slips."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dawndusk.models.catalogue import Vehicle
from dawndusk.models.fleet.calendar import Calendar, YearPath
from dawndusk.models.fleet.economy import Economy, economy_of
from dawndusk.models.fleet.launching import Offer
from dawndusk.models.programme.launch import success_probability
from dawndusk.optimize.plan.model.milp import plan_model
from dawndusk.optimize.plan.model.rows.families import FAMILIES
from dawndusk.optimize.plan.problem.problem import ForcedChoice, Objective, PlanEffort, PlanProblem
from dawndusk.optimize.plan.problem.score import ScoredPlan
from dawndusk.optimize.plan.solve.engine import Planned, solve_plan
from dawndusk.optimize.plan.solve.highs import Solver

LEAST_WORTH = 1e-9
MOST_PRICES = 20
WHY_NOT = "why_not"
LOOK = PlanEffort(gap=2e-2, time_limit_s=30.0)
"""How closely alternatives are solved where nothing else is said."""


@dataclass(frozen=True)
class PlanShadowPrice:
    """What one row of a rule is worth: how much the objective would fall for one percent more room on its limit.

    ``saving`` is in the units of the objective, ``saving_share`` relative to it; both hold for small changes, with
    the whole numbers of the plan as they are.
    """

    rule: str
    label: str
    sentence: str
    limit: float
    saving: float
    saving_share: float


@dataclass(frozen=True, eq=False)
class PlanAlternative:
    """A plan under another premise, beside the plan: what was changed and what it costs.

    ``change`` is that of the exact objective, in its units; None where there is no such plan. ``least_change`` is
    what is proved: the bound of the other plan against the exact objective of this one.
    """

    what: str
    planned: Planned
    change: float | None
    least_change: float | None


def shadow_prices(problem: PlanProblem, plan: ScoredPlan, *, time_limit_s: float = 20.0) -> list[PlanShadowPrice]:
    """Return what the binding rules of a plan are worth, most valuable first: its whole numbers fixed and re-solved."""
    model = plan_model(problem)
    fix_launches(model, problem, plan)
    lcoc = problem.objective is Objective.LCOC
    if lcoc:
        model.worth_price.set_value(plan.lcoc_usd_per_pflop_hour * model.worth_unit / model.money_unit)
    solver = Solver(model)
    answer = solver.solve(time_limit_s=time_limit_s)
    if not answer.has_solution:
        return []
    solver.load(answer)
    for variable in (model.filled, model.tier, model.started, model.operating, model.used):
        for one in variable.values():
            if not one.fixed:
                one.fix(round(one.value or 0.0))
    linear = Solver(model)
    relaxed = linear.solve(time_limit_s=time_limit_s, relaxed=True)
    if not relaxed.has_solution:
        return []
    duals = linear.duals(relaxed)
    found = list(_prices(model, problem, plan, duals))
    return sorted(found, key=lambda price: -price.saving)[:MOST_PRICES]


def fix_launches(model: Any, problem: PlanProblem, plan: ScoredPlan) -> None:
    """Fix the launches of a model to those of a plan; what flies on them stays free."""
    frame = model.frame
    periods = {label: p for p, label in enumerate(frame.labels)}
    for (vehicle, orbit, label), variable in model.launches.items():
        v, o = frame.vehicles.index(vehicle), problem.economy.orbits.index(orbit)
        variable.fix(float(plan.decisions.launches[v, o, periods[label]]))


def _prices(model: Any, problem: PlanProblem, plan: ScoredPlan, duals: Any) -> Iterator[PlanShadowPrice]:
    usd = model.money_unit
    per_unit = 1.0 / float(plan.used_worth.sum()) if problem.objective is Objective.LCOC else 1.0
    for name, family in FAMILIES.items():
        component = model.find_component(name) if family.can_give else None
        if component is None:
            continue
        for label, row in component.items():
            dual = float(duals.get(row, 0.0))
            limit = float(row.upper if row.lower is None else row.lower)
            unit = family.unit(model.frame)
            saving = abs(dual) * (abs(limit) or 1.0) / 100.0 * usd * per_unit
            share = saving / (abs(plan.objective) or 1.0)
            if share > LEAST_WORTH:
                words = ", ".join(map(str, label)) if isinstance(label, tuple) else str(label)
                yield PlanShadowPrice(name, words, family.sentence, limit * unit, saving, share)


def why_not(planned: Planned, choice: ForcedChoice, what: str = "", effort: PlanEffort = LOOK) -> PlanAlternative:
    """Return the best plan that makes a choice, beside a plan that does not."""
    name = what or _words(choice)
    problem = dataclasses.replace(planned.problem, choices={**planned.problem.choices, WHY_NOT: choice})
    return _beside(planned, problem, name, effort)


def _words(choice: ForcedChoice) -> str:
    subject = choice.vehicle or choice.design or f"ground {choice.ground}"
    ends = [
        f"at least {choice.least:g}" if choice.least else "",
        "" if choice.most is None else f"at most {choice.most:g}",
    ]
    return f"{subject}: {' and '.join(end for end in ends if end)}"


def if_slips(planned: Planned, vehicle: str, years: float, effort: PlanEffort = LOOK) -> PlanAlternative:
    """Return the best plan if a vehicle comes later by some years: its first flight, its cadence and its success.

    Its listed price is that of the calendar year all the same.
    """
    economy = slipped(planned.problem.economy, vehicle, years)
    problem = dataclasses.replace(planned.problem, economy=economy)
    return _beside(planned, problem, f"{vehicle} {years:g} years later", effort)


def slipped(economy: Economy, vehicle: str, years: float) -> Economy:
    """Return an economy in which a vehicle comes later."""
    return all_slipped(economy, {vehicle: years})


def all_slipped(economy: Economy, years: Mapping[str, float]) -> Economy:
    """Return an economy in which some vehicles come later, each by its own years."""
    offers, vehicles = dict(economy.terms.offers), dict(economy.assumptions.vehicles)
    for name, late in years.items():
        row = vehicles[name]
        offers[name] = _later_offer(economy, name, late)
        vehicles[name] = dataclasses.replace(
            row,
            available_year=row.available_year + late,
            cadence_year=row.cadence_year + late,
            cadence_per_year=row.cadence_per_year,
        )
    designs = dict(zip(economy.figures.names, economy.figures.designs, strict=True))
    calendar = dataclasses.replace(economy.calendar, tail_periods=0)
    terms = dataclasses.replace(economy.terms, offers=offers)
    changed = economy.assumptions.replace(vehicles=vehicles)
    return economy_of(designs, economy.launching.vehicles, changed, calendar, terms)


def _later_offer(economy: Economy, vehicle: str, years: float) -> Offer:
    """Return how a vehicle is offered that comes later: its windows, its cadence and its success, but not its price."""
    offer = economy.terms.offers.get(vehicle, Offer())
    windows = tuple((begin + years, end) for begin, end in offer.windows if begin + years < end)
    if offer.windows and not windows:
        windows = ((economy.calendar.first_year - 1.0, economy.calendar.first_year - 0.5),)
    caps = offer.cap_per_year
    moved = None if caps is None else dataclasses.replace(caps, years=tuple(year + years for year in caps.years))
    success = offer.success or _success_path(economy.assumptions.vehicles[vehicle], economy.calendar)
    success = dataclasses.replace(success, years=tuple(year + years for year in success.years))
    return dataclasses.replace(offer, windows=windows, cap_per_year=moved, success=success)


def _success_path(row: Vehicle, calendar: Calendar) -> YearPath:
    """Return the probability of success of a vehicle over the years of a plan."""
    years = tuple(float(year) for year in calendar.middles[: calendar.periods])
    return YearPath(years, tuple(float(success_probability(row, year)) for year in years))


def _beside(planned: Planned, problem: PlanProblem, what: str, effort: PlanEffort) -> PlanAlternative:
    other = solve_plan(problem, effort)
    change = None
    if other.objective is not None and planned.objective is not None:
        change = other.objective - planned.objective
    least = None
    if other.bound is not None and planned.objective is not None:
        least = other.bound - planned.objective
    return PlanAlternative(what, other, change, least)


def differences(one: ScoredPlan, other: ScoredPlan, economy: Economy) -> list[tuple[str, str, float, float]]:
    """Return launches by vehicle and year where two plans differ: vehicle, year, launches of the one and the other."""
    years = economy.calendar.years
    count = len(economy.launching.vehicles)
    flown = [plan.decisions.launches.sum(axis=1).reshape(count, years, -1).sum(axis=2) for plan in (one, other)]
    return [
        (economy.launching.vehicles[v], economy.calendar.year_labels[y], float(flown[0][v, y]), float(flown[1][v, y]))
        for v, y in itertools.product(range(count), range(years))
        if not np.isclose(flown[0][v, y], flown[1][v, y])
    ]
