"""Solving a plan: a bound that holds, a plan of whole things that meets what is asked for, and honest ends."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from dawndusk.models.fleet.calendar import YearPath, level
from dawndusk.models.fleet.economy import Terms
from dawndusk.models.fleet.fleet import Decisions
from dawndusk.models.fleet.launching import Offer
from dawndusk.optimize.plan.problem.manifest import carried, loads
from dawndusk.optimize.plan.problem.problem import (
    Budget,
    Licence,
    Limits,
    Objective,
    PlanDemand,
    PlanEffort,
    PlanProblem,
    Sale,
)
from dawndusk.optimize.plan.problem.score import score
from dawndusk.optimize.plan.solve.engine import PlanStep, least_worth, solve_plan

from ..conftest import MakePlan

QUICK = PlanEffort(gap=0.01, time_limit_s=60.0)


def best_by_enumeration(problem: PlanProblem, most: int) -> float:
    """Return the least objective over all whole launches and satellites of one design on one vehicle."""
    figures = problem.economy.figures
    places = int(figures.per_launch[0, 0])
    periods = problem.economy.calendar.periods
    best = np.inf
    for satellites in itertools.product(range(most + 1), repeat=periods):
        built = np.array(satellites, dtype=float).reshape(1, 1, periods)
        decisions = Decisions(built, np.ceil(built / places), np.zeros((0, periods)))
        found = score(problem, decisions)
        if not found.broken:
            best = min(best, found.objective)
    return best


@pytest.mark.parametrize("objective", [Objective.COST, Objective.LCOC, Objective.CAPITAL])
def test_small_plan_against_enumeration(make_plan: MakePlan, objective: Objective) -> None:
    offers = {"falcon_9": Offer(cap_per_year=level(6.0))}
    demand = PlanDemand(least_pflops=YearPath((2029.0, 2031.0), (20.0, 120.0)))
    problem = make_plan(
        designs=1, years=2, vehicles=("falcon_9",), objective=objective, demand=demand, terms=Terms(offers=offers)
    )
    best = best_by_enumeration(problem, most=6)
    planned = solve_plan(problem, PlanEffort(gap=1e-3, time_limit_s=60.0))
    assert planned.bound is not None
    assert planned.objective is not None
    assert planned.bound <= best * (1.0 + 1e-6)
    assert planned.objective >= best * (1.0 - 1e-9)
    assert planned.objective <= best * 1.02


@pytest.mark.parametrize("objective", [Objective.COST, Objective.LCOC])
def test_plan_is_whole_and_meets_every_rule(make_plan: MakePlan, objective: Objective) -> None:
    problem = make_plan(objective=objective, designs=3, steps=1, years=5, terms=Terms(ground=("tpu_v7",)))
    steps: list[PlanStep] = []
    planned = solve_plan(problem, QUICK, steps.append)
    assert planned.status == "optimal"
    assert planned.plan is not None
    assert planned.gap is not None
    assert planned.gap <= QUICK.gap
    assert not planned.plan.broken
    decisions = planned.plan.decisions
    assert np.array_equal(decisions.built, np.rint(decisions.built))
    assert np.array_equal(decisions.launches, np.rint(decisions.launches))
    figures = problem.economy.figures
    for v, p in np.argwhere(decisions.launches[:, 0, :] > 0):
        aboard = {d: int(decisions.built[d, v, p]) for d in range(len(figures)) if decisions.built[d, v, p]}
        manifest = loads(aboard, {d: int(figures.per_launch[d, v]) for d in aboard}, int(decisions.launches[v, 0, p]))
        assert carried(manifest) == aboard
    assert all(later.bound >= earlier.bound for earlier, later in itertools.pairwise(steps))


def test_value_at_a_price(make_plan: MakePlan) -> None:
    dear = PlanDemand(sales=(Sale(price_usd_per_pflop_hour=level(500.0), most_pflops=level(2000.0)),))
    cheap = PlanDemand(sales=(Sale(price_usd_per_pflop_hour=level(1e-3), most_pflops=level(2000.0)),))
    rich = solve_plan(make_plan(objective=Objective.NPV, demand=dear), PlanEffort(gap=0.02, time_limit_s=60.0))
    poor = solve_plan(make_plan(objective=Objective.NPV, demand=cheap), QUICK)
    assert rich.objective is not None
    assert rich.bound is not None
    assert 0.0 < rich.objective <= rich.bound
    assert poor.objective == pytest.approx(0.0, abs=1.0)
    assert poor.plan is not None
    assert poor.plan.decisions.launches.sum() == 0.0


def test_ground_is_bought_where_it_is_cheaper(make_plan: MakePlan) -> None:
    demand = PlanDemand(least_pflops=YearPath((2031.0, 2031.5, 2033.0), (0.0, 500.0, 1000.0)))
    orbit = solve_plan(make_plan(demand=demand), QUICK)
    either = solve_plan(make_plan(demand=demand, terms=Terms(ground=("tpu_v7",))), QUICK)
    assert orbit.objective is not None
    assert either.objective is not None
    assert either.objective < orbit.objective
    assert either.plan is not None
    assert either.plan.fleet.ground_pflops.max() > 0.0


def test_impossible_demand_is_proved_infeasible(make_plan: MakePlan) -> None:
    planned = solve_plan(make_plan(demand=PlanDemand(least_pflops=level(1e7))), QUICK)
    assert planned.status == "infeasible"
    assert planned.plan is None
    assert planned.objective is None
    assert planned.bound is None


def test_no_time_says_so(make_plan: MakePlan) -> None:
    planned = solve_plan(make_plan(designs=3, years=6, steps=4), PlanEffort(gap=1e-6, time_limit_s=0.5))
    assert planned.status in {"feasible", "unknown"}
    assert planned.stopped_by == "time limit"


def test_same_seed_same_plan(make_plan: MakePlan) -> None:
    one, other = (solve_plan(make_plan(), QUICK) for _ in range(2))
    assert one.objective == other.objective
    assert one.bound == other.bound
    assert one.plan is not None
    assert other.plan is not None
    assert np.array_equal(one.plan.decisions.built, other.plan.decisions.built)


def test_the_time_there_is_does_not_move_a_plan_by_quarters(make_plan: MakePlan) -> None:
    problem = make_plan(designs=3, years=3, steps=4)
    one, other = (solve_plan(problem, PlanEffort(gap=0.01, time_limit_s=limit)) for limit in (60.0, 6000.0))
    assert one.stopped_by == other.stopped_by == "completion"
    assert (one.objective, one.bound, one.rounds) == (other.objective, other.bound, other.rounds)


def test_ground_that_replaces_ground_keeps_its_connection(make_plan: MakePlan) -> None:
    limits = Limits(ground_mw_per_year=level(1.0))
    demand = PlanDemand(least_power_mw=level(0.0))
    problem = make_plan(
        years=12, limits=limits, demand=demand, terms=Terms(ground=("tpu_v7",)), objective=Objective.COST
    )
    rival, life = problem.economy.rival, int(problem.economy.assumptions.ground.it_life_years)
    opened = np.flatnonzero(rival.opens[0])
    ground = np.zeros((1, 12))
    ground[0, opened] = 1000.0 / rival.it_power_kw[0]
    ground[0, opened[life:]] *= 2.0  # one more, and one for what retires
    empty = Decisions(np.zeros((2, 2, 12)), np.zeros((2, 1, 12)), ground)
    assert not score(problem, empty).broken
    ground[0, -1] *= 1.5
    assert {held.rule for held in score(problem, empty).broken} == {"grid_queue"}


def test_least_worth_is_below_what_a_plan_uses(make_plan: MakePlan) -> None:
    problem = make_plan(objective=Objective.LCOC)
    planned = solve_plan(problem, QUICK)
    assert planned.plan is not None
    assert 0.0 < least_worth(problem) < planned.plan.used_worth.sum()


def test_limits_are_kept(make_plan: MakePlan) -> None:
    licence = Licence(
        satellites=400, designs=("tpu_v7_64_0", "gb200_nvl72_32_1"), milestones=((2031.0, 0.5), (2033.0, 0.75))
    )
    limits = Limits(
        satellites_per_year=level(200.0),
        first_launches_per_year=40.0,
        launch_growth=0.5,
        licences={"fleet": licence},
        budget=Budget(usd_per_year=level(8e9), carry_over=True),
    )
    demand = PlanDemand(least_pflops=YearPath((2029.0, 2033.0), (100.0, 2000.0)))
    planned = solve_plan(make_plan(limits=limits, demand=demand), PlanEffort(gap=0.02, time_limit_s=60.0))
    assert planned.plan is not None, planned.near_miss and planned.near_miss.broken
    assert not planned.plan.broken
    assert planned.plan.fleet.arrived[:, :2].sum() >= 200.0 - 1e-6
    assert planned.plan.decisions.built.sum(axis=(0, 1)).max() <= 200.0
