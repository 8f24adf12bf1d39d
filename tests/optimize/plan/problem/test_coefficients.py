"""What each decision adds to the objective, beside the exact accounts."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from dawndusk.models.fleet.calendar import level
from dawndusk.models.fleet.economy import Terms
from dawndusk.models.fleet.fleet import Decisions
from dawndusk.optimize.plan.problem.coefficients import coefficients_of, least_insured
from dawndusk.optimize.plan.problem.problem import Objective, PlanDemand, PlanProblem
from dawndusk.optimize.plan.problem.score import score

from ..conftest import planned
from ..drawn import random_plan


@pytest.fixture(scope="module", params=[Objective.COST, Objective.CAPITAL])
def problem(request: pytest.FixtureRequest) -> PlanProblem:
    terms = Terms(ground=("tpu_v7", "b200"), design_nre_usd=2e8)
    demand = PlanDemand(least_power_mw=level(0.0))
    return planned(years=3, steps=2, objective=request.param, demand=demand, terms=terms)


def nothing(problem: PlanProblem) -> Decisions:
    economy = problem.economy
    designs, vehicles, periods = len(economy.figures), len(economy.launching.vehicles), economy.calendar.periods
    return Decisions(
        np.zeros((designs, vehicles, periods)),
        np.zeros((vehicles, len(economy.orbits), periods)),
        np.zeros((len(economy.rival.accelerators), periods)),
    )


def test_ground_capacity_costs_what_its_coefficient_says(problem: PlanProblem) -> None:
    coefficients = coefficients_of(problem.economy, problem.objective)
    for a, p in np.argwhere(problem.economy.rival.opens):
        plan = nothing(problem)
        plan.ground[a, p] = 3.0
        assert score(problem, plan).objective == pytest.approx(3.0 * coefficients.ground[a, p], rel=1e-9)


def test_nothing_costs_nothing(problem: PlanProblem) -> None:
    assert score(problem, nothing(problem)).objective == 0.0


@pytest.mark.parametrize("seed", [1, 2])
def test_the_linear_part_is_below_the_exact_cost(problem: PlanProblem, seed: int) -> None:
    """Learning premiums, surcharges, readiness and control come on top: the linear part alone is a lower bound."""
    e, c = problem.economy, coefficients_of(problem.economy, problem.objective)
    plan = dataclasses.replace(random_plan(problem, seed), ground=nothing(problem).ground)
    arrived = np.einsum("dvp,vp->dp", plan.built, e.launching.success)
    linear = float((c.built * plan.built).sum() + (c.arrived * arrived).sum())
    linear += float((c.launch * plan.launches.sum(axis=1)).sum())
    exact = score(problem, plan).objective
    assert 0.0 < linear <= exact * (1.0 + 1e-9)


def test_one_more_satellite_costs_its_coefficients_and_the_curves_never_less(problem: PlanProblem) -> None:
    e, c = problem.economy, coefficients_of(problem.economy, problem.objective)
    base = random_plan(problem, 5)
    base = dataclasses.replace(base, ground=nothing(problem).ground)
    before = score(problem, base).objective
    places = np.argwhere(base.built > 0.0)
    for d, v, p in places[:: max(len(places) // 6, 1)]:
        more = dataclasses.replace(base, built=base.built.copy(), launches=base.launches.copy())
        count = e.figures.per_launch[d, v]
        more.built[d, v, p] += count
        more.launches[v, e.orbit_of[d], p] += 1.0
        linear = count * (c.built[d, v, p] + e.launching.success[v, p] * c.arrived[d, p]) + c.launch[v, p]
        added = score(problem, more).objective - before
        assert added == pytest.approx(linear, rel=0.35), "the curves of learning and of volume move the rest"
        assert added > 0.0


def test_the_least_insurance_of_a_year_is_that_of_its_best_period(problem: PlanProblem) -> None:
    e = problem.economy
    least = least_insured(e)
    for v in range(len(e.launching.vehicles)):
        for y in range(e.calendar.years):
            assert least[v, y] == e.insured[v, 2 * y : 2 * y + 2].min()
