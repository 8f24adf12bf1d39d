"""Why there is no plan, what its limits are worth, and what else it could have been."""

from __future__ import annotations

import dataclasses

import pytest

from dawndusk.models.fleet.calendar import YearPath, level
from dawndusk.optimize.plan.explain import differences, if_slips, shadow_prices, why_not
from dawndusk.optimize.plan.model.rows.families import FAMILIES
from dawndusk.optimize.plan.problem.problem import ForcedChoice, Limits, PlanDemand, PlanEffort
from dawndusk.optimize.plan.solve.conflict import explain_conflict
from dawndusk.optimize.plan.solve.engine import solve_plan

from .conftest import MakePlan

QUICK = PlanEffort(gap=0.02, time_limit_s=40.0)


def test_conflict_names_rule_and_year(make_plan: MakePlan) -> None:
    demand = PlanDemand(least_pflops=YearPath((2029.0, 2030.0, 2031.0, 2033.0), (100.0, 100.0, 2e5, 100.0)))
    conflict = explain_conflict(make_plan(demand=demand))
    assert conflict is not None
    assert "compute_demand" in {given.rule for given in conflict.given} | {name for name, _ in conflict.alone}
    assert all(given.sentence == FAMILIES[given.rule].sentence for given in conflict.given)
    assert "compute_demand" in {name for name, _ in conflict.alone}
    assert "cadence" in {name for name, _ in conflict.alone}
    assert any("2030" in row or "2031" in row for row in conflict.irreducible)


def test_conflict_of_production_is_not_blamed_on_the_vehicles(make_plan: MakePlan) -> None:
    conflict = explain_conflict(make_plan(limits=Limits(satellites_per_year=level(1.0))))
    assert conflict is not None
    enough = {name for name, _ in conflict.alone}
    assert "production_rate" in enough
    assert "cadence" not in enough


def test_no_conflict_where_there_is_a_plan(make_plan: MakePlan) -> None:
    assert explain_conflict(make_plan()) is None


def test_shadow_price_predicts_what_more_room_saves(make_plan: MakePlan) -> None:
    problem = make_plan(years=3)
    planned = solve_plan(problem, QUICK)
    assert planned.plan is not None
    prices = shadow_prices(problem, planned.plan)
    assert prices
    assert all(price.saving > 0.0 for price in prices)
    assert {price.rule for price in prices} <= {name for name, family in FAMILIES.items() if family.can_give}
    assert "compute_demand" in {price.rule for price in prices}


def test_why_not_costs_something(make_plan: MakePlan) -> None:
    planned = solve_plan(make_plan(), QUICK)
    forced = why_not(planned, ForcedChoice(vehicle="falcon_9", least=60.0), effort=QUICK)
    assert forced.planned.plan is not None
    assert forced.planned.plan.decisions.launches[0].sum() >= 60.0
    assert forced.change is not None
    assert forced.change > 0.0
    forbidden = why_not(planned, ForcedChoice(vehicle="starship_v3", most=0.0), effort=QUICK)
    assert forbidden.planned.status == "infeasible" or (forbidden.change or 0.0) > 0.0


def test_a_vehicle_that_slips(make_plan: MakePlan) -> None:
    demand = PlanDemand(least_pflops=YearPath((2029.0, 2033.0), (1500.0, 4000.0)))
    planned = solve_plan(make_plan(demand=demand), QUICK)
    late = if_slips(planned, "starship_v3", 2.0, QUICK)
    assert late.planned.plan is not None
    assert planned.plan is not None
    assert late.change is not None
    assert late.change > 0.0
    assert differences(planned.plan, late.planned.plan, planned.problem.economy)
    cadence = late.planned.problem.economy.launching.rate_per_year
    assert cadence[1, 0] == pytest.approx(planned.problem.economy.launching.rate_per_year[1, 0] / 4.0)
    assert dataclasses.asdict(planned.problem.demand) == dataclasses.asdict(late.planned.problem.demand)
