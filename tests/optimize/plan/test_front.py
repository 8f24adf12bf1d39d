"""Fronts between two objectives: both ends, falling limits, and a bound for each plan."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from dawndusk.models.errors import DawnduskError
from dawndusk.models.fleet.calendar import YearPath, level
from dawndusk.optimize.plan.front import PlanFront, PlanPoint, plan_front, undominated
from dawndusk.optimize.plan.model.milp import plan_model
from dawndusk.optimize.plan.problem.problem import Objective, PlanDemand, PlanEffort, PlanProblem, Sale
from dawndusk.optimize.plan.problem.score import LIMIT_RULES, score
from dawndusk.optimize.plan.solve.conflict import explain_conflict
from dawndusk.optimize.plan.solve.engine import solve_plan

from .conftest import MakePlan
from .drawn import fix, random_plan, solved

QUICK = PlanEffort(gap=0.02, time_limit_s=60.0)
PAIRS = [(one, other) for one, other in itertools.permutations(Objective, 2) if Objective.COST not in (one, other)]


def sold(make_plan: MakePlan, objective: Objective, **rest: int) -> PlanProblem:
    """A plan that has to deliver a little and can sell three times as much."""
    sale = Sale(price_usd_per_pflop_hour=level(60.0), most_pflops=YearPath((2029.0, 2031.0), (300.0, 3000.0)))
    demand = PlanDemand(least_pflops=YearPath((2029.0, 2031.0), (100.0, 1000.0)), sales=(sale,))
    return make_plan(objective=objective, demand=demand, **{"designs": 1, "years": 3, **rest})


def check_limits(problem: PlanProblem, front: PlanFront, objective: Objective) -> None:
    for point in front.points:
        plan = point.planned.plan
        assert plan is not None
        assert not plan.broken
        assert score(problem.limited(objective, point.limit), plan.decisions).broken == []
        assert point.planned.bound is not None
        sign = problem.objective.sign
        assert sign * point.planned.bound <= sign * plan.objective * (1.0 + sign * 1e-9)


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_a_front_goes_from_one_objective_to_the_other(make_plan: MakePlan, one: Objective, other: Objective) -> None:
    problem = sold(make_plan, one)
    front = plan_front(problem, other, 1, QUICK)
    assert len(front.points) >= 2
    check_limits(problem, front, other)
    best = solve_plan(dataclasses.replace(problem, objective=other), QUICK)
    rivals = [other.sign * (point.rival or 0.0) for point in front.points]
    objectives = [one.sign * (point.planned.objective or 0.0) for point in front.points]
    assert rivals == sorted(rivals, reverse=True)
    assert objectives == sorted(objectives)
    assert best.bound is not None
    assert other.sign * best.bound <= rivals[-1]
    bounds = [one.sign * (point.planned.bound or 0.0) for point in front.points]
    assert bounds == sorted(bounds)


def test_a_limit_as_tight_as_can_be_has_a_plan(make_plan: MakePlan) -> None:
    problem = sold(make_plan, Objective.NPV)
    least = solve_plan(dataclasses.replace(problem, objective=Objective.CAPITAL), QUICK)
    assert least.plan is not None
    tight = solve_plan(problem.limited(Objective.CAPITAL, least.plan.accounts.capital_usd), QUICK)
    assert tight.plan is not None
    assert not tight.plan.broken


@pytest.mark.parametrize("limited", list(Objective))
def test_a_limit_that_no_plan_keeps_is_named_in_its_units(make_plan: MakePlan, limited: Objective) -> None:
    objective = Objective.CAPITAL if limited is not Objective.CAPITAL else Objective.COST
    problem = sold(make_plan, objective)
    best = solve_plan(dataclasses.replace(problem, objective=limited), QUICK)
    assert best.bound is not None
    beyond = problem.limited(limited, best.bound * (1.0 - limited.sign * 0.2))
    planned = solve_plan(beyond, QUICK)
    assert planned.status == "infeasible"
    conflict = planned.conflict or explain_conflict(beyond)
    assert conflict is not None
    assert LIMIT_RULES[limited] in {name for name, _ in conflict.alone}
    found = [given for given in conflict.given if given.rule == LIMIT_RULES[limited]]
    assert all(given.limit == pytest.approx(beyond.limits.of(limited)) for given in found)


@pytest.mark.parametrize("objective", list(Objective))
@pytest.mark.parametrize("seed", [1, 2])
def test_no_plan_that_keeps_its_limits_is_cut_off(make_plan: MakePlan, objective: Objective, seed: int) -> None:
    sale = Sale(price_usd_per_pflop_hour=level(60.0), most_pflops=level(2e4))
    problem = make_plan(objective=objective, demand=PlanDemand(sales=(sale,)), years=3)
    plan = random_plan(problem, seed)
    exact = score(problem, plan)
    for limited in Objective:
        if limited is not objective:
            problem = problem.limited(limited, exact.amounts[limited])
    assert not score(problem, plan).broken
    model = plan_model(problem)
    fix(model, problem, plan)
    solved(model)


def test_what_is_bettered_in_both_is_left_out(make_plan: MakePlan) -> None:
    problem = sold(make_plan, Objective.LCOC)
    planned = solve_plan(problem, QUICK)
    assert planned.plan is not None
    plan = planned.plan

    def point(objective: float, capital: float) -> PlanPoint:
        amounts = {**plan.amounts, Objective.CAPITAL: capital}
        changed = dataclasses.replace(plan, amounts=amounts, objective=objective)
        return PlanPoint(Objective.CAPITAL, None, dataclasses.replace(planned, plan=changed, objective=objective))

    points = [point(1.0, 9.0), point(2.0, 5.0), point(2.0, 5.0), point(3.0, 6.0), point(4.0, 1.0)]
    assert list(undominated(points)) == [points[0], points[1], points[4]]


def test_an_objective_has_no_front_with_itself(make_plan: MakePlan) -> None:
    with pytest.raises(DawnduskError, match="'lcoc' against itself; allowed: cost, npv, capital"):
        plan_front(sold(make_plan, Objective.LCOC), Objective.LCOC, 1, QUICK)
