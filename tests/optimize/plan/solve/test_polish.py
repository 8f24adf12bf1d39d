"""Better plans near a known one: whole, packed, exact, and the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from dawndusk.models.fleet.calendar import YearPath
from dawndusk.models.fleet.fleet import Decisions
from dawndusk.optimize.plan.model.milp import plan_model
from dawndusk.optimize.plan.problem.problem import Objective, PlanDemand, PlanEffort
from dawndusk.optimize.plan.problem.score import ScoredPlan, score
from dawndusk.optimize.plan.solve.direct import MatrixModel
from dawndusk.optimize.plan.solve.engine import solve_plan
from dawndusk.optimize.plan.solve.polish import fix_first_pieces, polish, start_of, tangents, whole_of
from dawndusk.optimize.plan.solve.reading import FractionalPlan

from ..conftest import MakePlan
from ..drawn import fix
from .test_narrow import first_plan


def test_tangents_are_exact_at_the_plan(make_plan: MakePlan) -> None:
    problem = make_plan(years=3)
    plan = first_plan(problem)
    model = plan_model(problem, tangents(problem, plan.decisions))
    fix_first_pieces(model)
    fix(model, problem, plan.decisions)
    answer = MatrixModel(model).solve(time_limit_s=30.0)
    assert answer.objective is not None
    assert answer.objective * model.money_unit == pytest.approx(plan.objective, rel=2e-3)


def test_polishing_makes_a_plan_better_and_keeps_it_whole(make_plan: MakePlan) -> None:
    problem = make_plan(years=4)
    first = first_plan(problem)
    offered: list[ScoredPlan] = []

    def offer(decisions: Decisions) -> ScoredPlan:
        offered.append(score(problem, decisions))
        return offered[-1]

    best = polish(problem, first, offer, time_limit_s=20.0, gap=1e-3, seed=1)
    assert best.objective < first.objective
    assert not best.broken
    assert best in offered
    assert np.array_equal(best.decisions.built, np.rint(best.decisions.built))
    again = polish(problem, first, lambda d: score(problem, d), time_limit_s=20.0, gap=1e-3, seed=1)
    assert again.objective == best.objective


def test_a_search_begins_with_the_plan(make_plan: MakePlan) -> None:
    problem = make_plan(years=4)
    plan = first_plan(problem)
    model = plan_model(problem)
    answer = MatrixModel(model).solve(time_limit_s=30.0, start=start_of(model, plan), enough=-np.inf)
    assert answer.objective is not None
    assert answer.objective * model.money_unit <= plan.objective * (1.0 + 1e-6)


def test_enough_of_a_bound_ends_a_search_with_a_bound_that_holds(make_plan: MakePlan) -> None:
    model = plan_model(make_plan(years=4))
    full = MatrixModel(model).solve(time_limit_s=60.0)
    assert full.bound is not None
    early = MatrixModel(model).solve(time_limit_s=60.0, enough=0.9 * full.bound)
    assert early.status == "optimal"
    assert early.bound is not None
    assert 0.9 * full.bound <= early.bound <= full.bound * (1.0 + 1e-6)


def test_what_does_not_fit_is_packed_again(make_plan: MakePlan) -> None:
    problem = make_plan(designs=1, years=2, demand=PlanDemand())
    figures = problem.economy.figures
    share = np.zeros((1, 2, 2))
    share[0, 1, 0] = 1.0
    wish = FractionalPlan(share, np.zeros((2, 1, 2)), np.zeros((0, 2)))
    packed = whole_of(problem, wish)
    assert packed.built.sum() == 0.0
    wish.launches[1, 0, 0] = 1.0
    assert whole_of(problem, wish).built[0, 1, 0] == figures.per_launch[0, 1]


@pytest.mark.parametrize("objective", [Objective.COST, Objective.LCOC])
def test_a_programme_of_a_few_satellites_is_closed(make_plan: MakePlan, objective: Objective) -> None:
    demand = PlanDemand(least_pflops=YearPath((2029.0, 2032.0), (100.0, 400.0)))
    problem = make_plan(designs=2, years=3, objective=objective, demand=demand)
    planned = solve_plan(problem, PlanEffort(gap=4e-3, time_limit_s=60.0))
    assert planned.status == "optimal"
    assert planned.plan is not None
    assert planned.plan.decisions.built.sum() < 30
    assert planned.made_of is not None
    made = planned.made_of
    assert made.search + made.curves + made.rounding == pytest.approx(planned.gap, abs=1e-9)
