"""The model of a plan: a lower bound on every plan, with names, that fits into other models."""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo
import pytest

from dawndusk.models.fleet.calendar import YearPath, level
from dawndusk.models.fleet.economy import Terms
from dawndusk.optimize.plan.model.milp import plan_model
from dawndusk.optimize.plan.model.pieces import first_pieces
from dawndusk.optimize.plan.model.rows.families import FAMILIES
from dawndusk.optimize.plan.problem.problem import (
    Budget,
    Licence,
    Limits,
    Objective,
    PlanDemand,
    Sale,
    Site,
)
from dawndusk.optimize.plan.problem.score import score
from dawndusk.optimize.plan.solve.highs import Solver

from ..conftest import MakePlan
from ..drawn import fix, random_plan, solved


@pytest.mark.parametrize("objective", list(Objective))
@pytest.mark.parametrize(("steps", "seed"), [(1, 1), (1, 2), (4, 3)])
def test_no_plan_costs_less_than_the_model_says(
    make_plan: MakePlan, objective: Objective, steps: int, seed: int
) -> None:
    demand = PlanDemand(least_pflops=level(1e-3), sales=(Sale(price_usd_per_pflop_hour=level(30.0)),))
    terms = Terms(ground=("tpu_v7",), design_nre_usd=1e8)
    problem = make_plan(objective=objective, demand=demand, steps=steps, years=3, terms=terms)
    plan = random_plan(problem, seed)
    exact = score(problem, plan)
    if exact.broken:  # nothing was drawn for the first periods
        problem = make_plan(
            objective=objective, demand=PlanDemand(sales=demand.sales), steps=steps, years=3, terms=terms
        )
        exact = score(problem, plan)
    model = plan_model(problem)
    model.worth_price.set_value(20.0 * model.worth_unit / model.money_unit)
    fix(model, problem, plan)
    found = solved(model) * model.money_unit
    value = {
        Objective.LCOC: exact.accounts.cost_usd - 20.0 * float(exact.used_worth.sum()),
        Objective.COST: exact.objective,
        Objective.CAPITAL: exact.objective,
        Objective.NPV: -exact.objective,
    }[objective]
    assert found <= value + 1e-6 * exact.accounts.cost_usd
    assert found >= value - 0.1 * exact.accounts.cost_usd  # and it is not a bound without worth


def test_every_family_has_a_sentence_and_rows_keep_its_name(make_plan: MakePlan) -> None:
    assert all(family.sentence.endswith(".") for family in FAMILIES.values())
    licence = Licence(satellites=100, designs=("tpu_v7_64_0",), milestones=((2031.0, 0.5),))
    limits = Limits(
        satellites_per_year=level(500.0),
        first_launches_per_year=10.0,
        sites={"cape": Site(vehicles=("falcon_9",), launches_per_year=level(50.0))},
        licences={"fleet": licence},
        downlink_gbps=level(1e6),
        budget=Budget(usd_per_year=level(1e11)),
    )
    model = plan_model(make_plan(steps=4, limits=limits))
    assert "2030Q2" in model.compute_demand
    assert ("falcon_9", "2030") in model.cadence
    assert ("cape", "2029") in model.site_licence
    written = {block.local_name for block in model.component_objects(pyo.Constraint)}
    assert written <= set(FAMILIES)
    assert {"production_rate", "launch_ramp", "licence_milestone", "licensed_satellites", "budget"} <= written


def test_a_planner_adds_rows(make_plan: MakePlan) -> None:
    model = plan_model(make_plan())
    before = solved(model)
    model.no_starship = pyo.Constraint(expr=sum(x for key, x in model.launches.items() if key[0] == "starship_v3") <= 3)
    assert solved(model) > before


def test_a_planner_fixes_variables(make_plan: MakePlan) -> None:
    model = plan_model(make_plan())
    before = solved(model)
    model.launches["falcon_9", "dawn_dusk_sso", "2030"].fix(7)
    solver = Solver(model)
    answer = solver.solve(time_limit_s=60.0, rel_gap=1e-6)
    assert answer.objective is not None
    assert answer.objective >= before - 1e-6 * abs(before)
    solver.load(answer)
    assert model.launches["falcon_9", "dawn_dusk_sso", "2030"].value == 7


def test_a_plan_is_a_block_of_a_larger_model(make_plan: MakePlan) -> None:
    whole = pyo.ConcreteModel()
    whole.one, whole.other = plan_model(make_plan()), plan_model(make_plan(designs=1))
    for plan in (whole.one, whole.other):
        plan.objective.deactivate()
    alone = [solved(plan_model(make_plan())), solved(plan_model(make_plan(designs=1)))]
    cost = whole.one.cost * whole.one.money_unit + whole.other.cost * whole.other.money_unit
    unit = whole.one.money_unit
    whole.total = pyo.Objective(expr=cost / unit)
    together = solved(whole) * unit
    assert together == pytest.approx(alone[0] * whole.one.money_unit + alone[1] * whole.other.money_unit, rel=1e-4)
    key = ("falcon_9", "dawn_dusk_sso", "2029")
    whole.shared_pad = pyo.Constraint(expr=whole.one.launches[key] + whole.other.launches[key] <= 1)
    assert solved(whole) * unit >= together * (1.0 - 1e-5)


def test_the_model_is_written_with_the_names_of_the_rules(make_plan: MakePlan, tmp_path: Any) -> None:
    model = plan_model(make_plan())
    path = tmp_path / "plan.lp"
    model.write(str(path), io_options={"symbolic_solver_labels": True})
    text = path.read_text()
    assert "compute_demand(_2030_)" in text
    assert "cadence(starship_v3__2031_)" in text


def test_model_does_not_grow_with_periods_in_which_nothing_flies(make_plan: MakePlan) -> None:
    vehicles = ("starship_v3",)
    problem = make_plan(vehicles=vehicles, demand=PlanDemand(least_pflops=YearPath((2029.0,), (100.0,))))
    model = plan_model(problem, first_pieces(problem.economy))
    assert {vehicle for _, vehicle, _ in model.share} == {"starship_v3"}
