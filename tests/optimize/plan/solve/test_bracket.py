"""What is known of a plan while it is solved: the best plan, the nearest miss, and a bound that a plan can refute."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from dawndusk.models.fleet.calendar import level
from dawndusk.models.fleet.fleet import Decisions
from dawndusk.optimize.contradiction import PLAN_TOLERANCE, check_plan
from dawndusk.optimize.errors import CertificateError
from dawndusk.optimize.plan.problem.problem import Objective, PlanDemand, PlanProblem, Sale
from dawndusk.optimize.plan.problem.score import score
from dawndusk.optimize.plan.solve.bracket import Bracket

from ..conftest import planned
from ..drawn import random_plan


@pytest.fixture(scope="module", params=[Objective.COST, Objective.NPV])
def problem(request: pytest.FixtureRequest) -> PlanProblem:
    sales = (Sale(price_usd_per_pflop_hour=level(30.0)),)
    return planned(years=3, objective=request.param, demand=PlanDemand(sales=sales))


@pytest.fixture(scope="module")
def plans(problem: PlanProblem) -> list[Decisions]:
    return [random_plan(problem, seed) for seed in range(6)]


def test_the_best_plan_is_kept_whatever_the_order(problem: PlanProblem, plans: list[Decisions]) -> None:
    exact = [problem.objective.sign * score(problem, plan).objective for plan in plans]
    for order in (range(6), reversed(range(6))):
        bracket = Bracket(problem)
        assert (bracket.upper, bracket.gap()) == (math.inf, math.inf)
        for number in order:
            bracket.offer(plans[number])
        assert bracket.upper == min(exact)
        assert bracket.near_miss is None


def test_a_plan_that_breaks_a_rule_is_the_nearest_miss_and_never_the_best(
    problem: PlanProblem, plans: list[Decisions]
) -> None:
    most = max(float(plan.built.sum(axis=(0, 1)).max()) for plan in plans)
    limits = dataclasses.replace(problem.limits, satellites_per_year=level(0.5 * most))
    bracket = Bracket(dataclasses.replace(problem, limits=limits))
    for plan in plans:
        bracket.offer(plan)
    found = [score(bracket.problem, plan) for plan in plans]
    missed = [sum(held.excess for held in one.broken) for one in found if one.broken]
    assert missed
    assert bracket.near_miss is not None
    assert sum(held.excess for held in bracket.near_miss.broken) == min(missed)
    assert bracket.best is None or not bracket.best.broken


def test_a_bound_only_rises_and_the_gap_is_relative(problem: PlanProblem, plans: list[Decisions]) -> None:
    bracket = Bracket(problem)
    bracket.offer(plans[0])
    upper, scale = bracket.upper, bracket.scale
    assert scale >= abs(upper)
    assert scale == (abs(upper) if problem.objective is Objective.COST else max(abs(upper), _cost(bracket)))
    for bound, expected in ((upper - 0.2 * scale, 0.2), (upper - 0.3 * scale, 0.2), (upper - 0.1 * scale, 0.1)):
        bracket.raise_bound(bound)
        assert bracket.gap() == pytest.approx(expected)
    bracket.raise_bound(upper + 1e-6 * scale)
    assert bracket.gap() == 0.0, "what rounding does is no negative gap"


def _cost(bracket: Bracket) -> float:
    assert bracket.best is not None
    return bracket.best.accounts.cost_usd


def test_a_plan_that_beats_the_bound_is_an_error_with_both_figures(
    problem: PlanProblem, plans: list[Decisions]
) -> None:
    bracket = Bracket(problem)
    objective = problem.objective.sign * score(problem, plans[0]).objective
    bracket.raise_bound(objective + 0.01 * abs(objective))
    with pytest.raises(CertificateError, match=r"found a plan of .*, better than the bound"):
        bracket.offer(plans[0])


@pytest.mark.parametrize("bound", [5.0, -5.0])
def test_a_bound_of_a_plan_allows_for_the_tolerances_of_the_solver(bound: float) -> None:
    check_plan(bound - 0.5 * PLAN_TOLERANCE * abs(bound), bound)
    with pytest.raises(CertificateError, match="on the plans of all designs"):
        check_plan(bound - 2.0 * PLAN_TOLERANCE * abs(bound), bound, of="the plans of all designs")


def test_figures_of_a_value_are_told_in_its_sense() -> None:
    with pytest.raises(CertificateError, match=r"found a plan of 12, better than the bound 10"):
        check_plan(-12.0, -10.0, sign=-1.0)


def test_nothing_bought_is_a_plan_too(problem: PlanProblem) -> None:
    bracket = Bracket(problem)
    plan = bracket.offer(Decisions(*(np.zeros_like(part) for part in vars(random_plan(problem, 1)).values())))
    assert bracket.best is plan
    assert plan.objective == 0.0
    assert bracket.scale == 1.0
