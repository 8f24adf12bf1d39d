"""Every rule of a plan against an independent count, on plans drawn at random and at the edge of each limit."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable

import numpy as np
import pytest

from dawndusk.models.fleet.accounts import CAPITAL, RUNNING
from dawndusk.models.fleet.calendar import YearPath, level
from dawndusk.models.fleet.economy import Terms
from dawndusk.models.fleet.fleet import Decisions
from dawndusk.optimize.plan.model.milp import plan_model
from dawndusk.optimize.plan.model.rows.families import FAMILIES
from dawndusk.optimize.plan.problem.problem import (
    ROUNDED,
    Budget,
    ForcedChoice,
    Licence,
    Limits,
    Objective,
    PlanDemand,
    PlanProblem,
    Sale,
    Site,
)
from dawndusk.optimize.plan.problem.score import TOLERANCE, HeldRow, ScoredPlan, score

from ..conftest import planned
from ..drawn import random_plan

NOTHING_ASKED = PlanDemand(least_power_mw=level(0.0))
YEARS, STEPS = 3, 2


@pytest.fixture(scope="module")
def plan() -> tuple[PlanProblem, Decisions]:
    """A problem without limits by half-years, and a plan for it."""
    problem = planned(demand=NOTHING_ASKED, years=YEARS, steps=STEPS, terms=Terms(ground=("tpu_v7",)))
    return problem, random_plan(problem, 3)


def rows(found: ScoredPlan, rule: str) -> list[HeldRow]:
    return [held for held in found.held if held.rule == rule]


def limited(problem: PlanProblem, **limits: object) -> PlanProblem:
    return dataclasses.replace(problem, limits=dataclasses.replace(problem.limits, **limits))  # type: ignore[arg-type]


def by_year(values: np.ndarray) -> np.ndarray:
    """Sums over the periods of each year, last axis."""
    return np.asarray(values.reshape(*values.shape[:-1], YEARS, STEPS).sum(axis=-1))


def test_cadence_counts_the_launches_of_a_vehicle_in_a_year(plan: tuple[PlanProblem, Decisions]) -> None:
    problem, decisions = plan
    found = rows(score(problem, decisions), "cadence")
    launches = by_year(decisions.launches.sum(axis=1))
    assert [held.value for held in found] == launches.ravel().tolist()
    assert [held.limit for held in found] == problem.economy.launching.most_in_year.ravel().tolist()
    one_more = dataclasses.replace(decisions, launches=decisions.launches.copy())
    most = problem.economy.launching.most_in_year[0, 1]
    one_more.launches[0, 0, STEPS] += np.floor(most) + 1.0 - launches[0, 1]
    broken = score(problem, one_more).broken
    assert [(held.rule, held.label) for held in broken] == [("cadence", "falcon_9, 2030")]


def test_production_rate_counts_what_is_built_whatever_it_flies_on(plan: tuple[PlanProblem, Decisions]) -> None:
    problem, decisions = plan
    built = decisions.built.sum(axis=(0, 1))
    busiest = float(built.max())
    assert busiest > 1.0
    at_the_edge = score(limited(problem, satellites_per_year=level(busiest * STEPS)), decisions)
    assert [held.value for held in rows(at_the_edge, "production_rate")] == built.tolist()
    assert not at_the_edge.broken
    below = score(limited(problem, satellites_per_year=level((busiest - 1.0) * STEPS)), decisions)
    assert {held.rule for held in below.broken} == {"production_rate"}
    assert len(below.broken) == int((built > busiest - 1.0).sum())


def test_a_ramp_allows_growth_on_what_flew_the_year_before(plan: tuple[PlanProblem, Decisions]) -> None:
    problem, decisions = plan
    flown = by_year(decisions.launches.sum(axis=(0, 1)))
    assert flown.min() > 0.0
    first, growth = float(flown[0]), float(max(flown[1] / flown[0], flown[2] / flown[1]) - 1.0)
    steep = limited(problem, first_launches_per_year=first, launch_growth=max(growth, 0.0))
    found = rows(score(steep, decisions), "launch_ramp")
    allowed = [first, first + (1.0 + max(growth, 0.0)) * flown[0], first + (1.0 + max(growth, 0.0)) * flown[1]]
    assert [held.limit for held in found] == pytest.approx(allowed)
    assert not score(steep, decisions).broken
    slow = limited(problem, first_launches_per_year=first - 1.0, launch_growth=-1.0)
    assert all(held.rule == "launch_ramp" for held in score(slow, decisions).broken)
    assert len(score(slow, decisions).broken) == int((flown > first - 1.0).sum())


def test_a_site_counts_the_vehicles_that_fly_from_it(plan: tuple[PlanProblem, Decisions]) -> None:
    problem, decisions = plan
    flown = by_year(decisions.launches.sum(axis=1))
    most = float(flown[1].max())
    sites = {"cape": Site(vehicles=("starship_v3", "another"), launches_per_year=level(most))}
    found = score(limited(problem, sites=sites), decisions)
    assert [held.value for held in rows(found, "site_licence")] == flown[1].tolist()
    assert not found.broken
    sites = {"cape": Site(vehicles=("starship_v3",), launches_per_year=level(most - 1.0))}
    assert {held.rule for held in score(limited(problem, sites=sites), decisions).broken} == {"site_licence"}


def test_a_licence_counts_what_is_in_orbit_to_the_next_whole_satellite(plan: tuple[PlanProblem, Decisions]) -> None:
    problem, decisions = plan
    whole = score(problem, decisions)
    names = problem.economy.figures.names
    licence = Licence(satellites=10**9, designs=(names[0],), milestones=((2030.0, 1e-9), (2031.5, 2e-9)))
    found = score(limited(problem, licences={"one": licence}), decisions)
    in_orbit = whole.fleet.in_orbit[0]
    assert [held.value for held in rows(found, "licensed_satellites")] == in_orbit[: YEARS * STEPS].tolist()
    milestones = rows(found, "licence_milestone")
    assert [held.value for held in milestones] == [in_orbit[STEPS - 1], in_orbit[5 - 1]]
    assert [held.limit for held in milestones] == pytest.approx([1.0 - ROUNDED, 2.0 - ROUNDED])
    most = float(in_orbit[: YEARS * STEPS].max())
    for room, broken in ((most - ROUNDED, False), (most - ROUNDED - 1.0, True)):
        tight = dataclasses.replace(licence, satellites=room, milestones=())  # type: ignore[arg-type]
        assert bool(score(limited(problem, licences={"one": tight}), decisions).broken) == broken


@pytest.mark.parametrize("name", ["least_pflops", "least_power_mw", "most_power_mw"])
def test_a_demand_is_met_up_to_its_very_value(plan: tuple[PlanProblem, Decisions], name: str) -> None:
    problem, decisions = plan
    fleet = score(problem, decisions).fleet
    values = (fleet.pflops if name == "least_pflops" else fleet.power_mw)[: YEARS * STEPS]
    middles = problem.economy.calendar.middles[: YEARS * STEPS]
    at_most = name == "most_power_mw"
    wrong = -1e-3 if at_most else 1e-3
    for shift, broken in ((0.0, 0), (wrong, YEARS * STEPS)):
        path = YearPath(tuple(middles), tuple(values * (1.0 + shift)))
        demand = PlanDemand(**{name: path})  # type: ignore[arg-type]
        asked = score(dataclasses.replace(problem, demand=demand), decisions)
        count = broken if at_most else int(broken and (values > 0.0).sum())
        assert len(asked.broken) == count, (shift, asked.broken)


def test_downlink_is_the_traffic_of_what_is_in_orbit(plan: tuple[PlanProblem, Decisions]) -> None:
    problem, decisions = plan
    whole = score(problem, decisions)
    traffic = problem.economy.figures.traffic_gbps @ whole.fleet.in_orbit
    most = float(traffic[: YEARS * STEPS].max())
    assert not score(limited(problem, downlink_gbps=level(most)), decisions).broken
    less = score(limited(problem, downlink_gbps=level(0.99 * most)), decisions)
    assert {held.rule for held in less.broken} == {"downlink_capacity"}
    assert less.broken[0].excess == pytest.approx(1.0 / 0.99 - 1.0)


@pytest.mark.parametrize("carry_over", [False, True])
def test_a_budget_is_spent_by_year_or_in_total_so_far(plan: tuple[PlanProblem, Decisions], carry_over: bool) -> None:
    problem, decisions = plan
    accounts = score(problem, decisions).accounts
    each = sum(np.asarray(accounts.plain[name])[: YEARS * STEPS] for name in (*CAPITAL, *RUNNING))
    spent = by_year(np.asarray(each))
    path = YearPath(tuple(problem.economy.calendar.year_middles), tuple(spent))
    exact = limited(problem, budget=Budget(usd_per_year=path, carry_over=carry_over))
    found = rows(score(exact, decisions), "budget")
    assert [held.value for held in found] == pytest.approx((np.cumsum(spent) if carry_over else spent).tolist())
    assert not score(exact, decisions).broken
    late = YearPath(path.years, (*(v * 0.9 for v in path.values[:-1]), path.values[-1] + 0.1 * sum(path.values[:-1])))
    shifted = score(limited(problem, budget=Budget(usd_per_year=late, carry_over=carry_over)), decisions).broken
    assert {held.label for held in shifted} == {"2029", "2030"}, "what comes later does not pay for what is spent now"
    early = YearPath(path.years, (float(sum(spent)), *(0.0 for _ in spent[1:])))
    saved = score(limited(problem, budget=Budget(usd_per_year=early, carry_over=carry_over)), decisions).broken
    assert (not saved) == carry_over


def test_limits_on_what_objectives_are_about(plan: tuple[PlanProblem, Decisions]) -> None:
    problem, decisions = plan
    sales = (Sale(price_usd_per_pflop_hour=level(1e-4)),)
    problem = dataclasses.replace(problem, demand=PlanDemand(sales=sales))
    amounts = score(problem, decisions).amounts
    assert amounts[Objective.NPV] < 0.0 < amounts[Objective.CAPITAL] < amounts[Objective.COST] * 2.0
    for objective, value in amounts.items():
        worse = -1.0 if objective is Objective.NPV else 1.0
        for shift, broken in ((0.0, False), (-worse * 1e-3 * abs(value), True)):
            found = score(problem.limited(objective, value + shift), decisions)
            assert bool(found.broken) == broken, objective
            assert len(found.held) == len(score(problem, decisions).held) + 1


@pytest.mark.parametrize("what", ["vehicle", "design", "ground"])
def test_choices_count_what_is_made_in_their_span(plan: tuple[PlanProblem, Decisions], what: str) -> None:
    problem, decisions = plan
    fleet = score(problem, decisions).fleet
    name, made = {
        "vehicle": ("starship_v3", decisions.launches[1].sum(axis=0)),
        "design": (problem.economy.figures.names[1], fleet.arrived[1]),
        "ground": ("tpu_v7", decisions.ground[0]),
    }[what]
    for first, last in itertools.combinations(range(YEARS * STEPS), 2):
        total = float(made[first : last + 1].sum())
        choice = ForcedChoice(**{what: name}, least=total, most=total, first=first, last=last)
        found = score(dataclasses.replace(problem, choices={"this": choice}), decisions)
        assert [held.value for held in rows(found, "choice")] == [total] * (2 if total > 0.0 else 1)
        assert not found.broken
    total = float(made.sum())
    for changes in ({"least": total + 1.0}, {"most": total - 1.0}):
        choice = ForcedChoice(**{what: name}, **changes)  # type: ignore[arg-type]
        assert [h.rule for h in score(dataclasses.replace(problem, choices={"x": choice}), decisions).broken] == [
            "choice"
        ]


def test_every_rule_of_a_score_has_a_family_with_a_sentence(plan: tuple[PlanProblem, Decisions]) -> None:
    problem, decisions = plan
    names = problem.economy.figures.names
    limits = Limits(
        satellites_per_year=level(1.0),
        first_launches_per_year=1.0,
        sites={"cape": Site(vehicles=("falcon_9",), launches_per_year=level(1.0))},
        licences={"all": Licence(satellites=1, designs=tuple(names), milestones=((2031.0, 0.5),))},
        downlink_gbps=level(1e-6),
        ground_mw_per_year=level(1e-3),
        budget=Budget(usd_per_year=level(1.0)),
        capital_usd=1.0,
        discounted_cost_usd=1.0,
        lcoc_usd_per_pflop_hour=1e-9,
        value_usd=1e15,
    )
    demand = PlanDemand(least_pflops=level(1e9), least_power_mw=level(1e9), most_power_mw=level(1e-6))
    choices = {"ground": ForcedChoice(ground="tpu_v7", most=0.0)}
    hard = dataclasses.replace(problem, limits=limits, demand=demand, choices=choices)
    plan_model(problem)  # its modules name the families
    broken = {held.rule for held in score(hard, decisions).broken}
    assert broken <= FAMILIES.keys()
    assert broken >= {
        "production_rate", "launch_ramp", "site_licence", "licensed_satellites", "downlink_capacity", "grid_queue",
        "budget", "capital_limit", "cost_limit", "levelised_cost_limit", "least_value", "compute_demand",
        "power_demand", "power_limit", "choice",
    }  # fmt: skip


def test_broken_rules_come_worst_first_and_rounding_breaks_none() -> None:
    rule = HeldRow("rule", "here", 1.0, 1.0, True)
    assert not rule.is_broken
    assert not dataclasses.replace(rule, value=1.0 + 0.5 * TOLERANCE).is_broken
    assert dataclasses.replace(rule, value=1.0 + 2.0 * TOLERANCE).is_broken
    assert dataclasses.replace(rule, value=1.0 - 2.0 * TOLERANCE, at_most=False).is_broken
    assert HeldRow("rule", "at zero", 1e-3, 0.0, True).excess == 1e-3
    assert HeldRow("rule", "scaled", 5.0, 0.0, True, scale=10.0).excess == 0.5


def sold(worth: Iterable[float], steps: list[tuple[float, float]]) -> float:
    """Revenue of one period by hand: the dearest step first, each up to what it takes."""
    (left,), total = tuple(worth), 0.0
    for price, most in sorted(steps, reverse=True):
        part = min(left, most) if price > 0.0 else 0.0
        left, total = left - part, total + part * price
    return total


@pytest.mark.parametrize(
    "steps",
    [
        [(2.0, np.inf)],
        [(1.0, 100.0), (3.0, 50.0)],
        [(1.0, 100.0), (3.0, 50.0), (0.5, np.inf)],
        [(0.0, np.inf), (3.0, 1.0)],
    ],
)
def test_what_is_delivered_goes_to_whoever_pays_most(
    plan: tuple[PlanProblem, Decisions], steps: list[tuple[float, float]]
) -> None:
    problem, decisions = plan
    sales = tuple(
        Sale(price_usd_per_pflop_hour=level(price), most_pflops=None if np.isinf(most) else level(most))
        for price, most in steps
    )
    found = score(dataclasses.replace(problem, demand=PlanDemand(sales=sales)), decisions)
    calendar, e = problem.economy.calendar, problem.economy
    hours = e.calendar.spread_discounts(e.worth_rate) * calendar.length_years * 8760.0
    ageing = np.log1p(e.assumptions.scenario.technology_ageing_per_year)
    fresh = np.exp(ageing * (calendar.begins_years + 0.5 * calendar.length_years))
    for q in range(len(hours)):
        each = [(price * fresh[q], most * hours[q]) for price, most in steps]
        assert found.revenue_usd[q] == pytest.approx(sold([found.fleet.worth_pflop_hours[q]], each), rel=1e-9)
    most = sum(most for price, most in steps if price > 0.0)
    assert found.used_worth == pytest.approx(np.minimum(found.fleet.worth_pflop_hours, most * hours))
