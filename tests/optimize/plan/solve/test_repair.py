"""Whole plans from fractions: whatever a model wished for, what is made of it is whole and has its place."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dawndusk.models.fleet.calendar import YearPath, level
from dawndusk.models.fleet.economy import Terms
from dawndusk.models.fleet.fleet import Decisions
from dawndusk.optimize.plan.model.milp import plan_model
from dawndusk.optimize.plan.problem.manifest import carried, loads
from dawndusk.optimize.plan.problem.problem import Limits, PlanDemand, PlanProblem, Site
from dawndusk.optimize.plan.problem.score import score
from dawndusk.optimize.plan.solve.highs import Solver
from dawndusk.optimize.plan.solve.polish import start_of, whole_of
from dawndusk.optimize.plan.solve.reading import FractionalPlan, decisions_of, wish_of
from dawndusk.optimize.plan.solve.repair import repaired

from ..conftest import planned
from ..drawn import random_plan

YEARS, STEPS = 3, 2


@pytest.fixture(scope="module")
def free() -> PlanProblem:
    """A problem that asks for nothing, by half-years, with three designs."""
    demand = PlanDemand(least_power_mw=level(0.0))
    return planned(designs=3, years=YEARS, steps=STEPS, demand=demand, terms=Terms(ground=("tpu_v7",)))


@pytest.fixture(scope="module")
def hard(free: PlanProblem) -> PlanProblem:
    """The same with a demand and every limit on launches and production."""
    limits = Limits(
        satellites_per_year=level(900.0),
        first_launches_per_year=30.0,
        launch_growth=0.5,
        sites={"cape": Site(vehicles=("starship_v3",), launches_per_year=level(12.0))},
    )
    demand = PlanDemand(least_pflops=YearPath((2029.5, 2032.0), (50.0, 1000.0)))
    return dataclasses.replace(free, limits=limits, demand=demand)


def wished(problem: PlanProblem, seed: int, size: float) -> FractionalPlan:
    """Fractions of launches at random, each with room for what is on it."""
    rng = np.random.default_rng(seed)
    economy = problem.economy
    figures, launching = economy.figures, economy.launching
    share = rng.exponential(size, (len(figures), len(launching.vehicles), economy.calendar.periods))
    share *= (rng.random(share.shape) < 0.4) * (figures.per_launch[:, :, None] > 0) * economy.opens[:, None, :]
    launches = np.zeros((share.shape[1], len(economy.orbits), share.shape[2]))
    for d in range(len(figures)):
        launches[:, economy.orbit_of[d]] += share[d]
    ground = np.where(economy.rival.opens, rng.uniform(0.0, 3.0, economy.rival.opens.shape), 0.0)
    return FractionalPlan(share, launches, ground)


def assert_is_whole(problem: PlanProblem, decisions: Decisions) -> None:
    """Whole satellites on whole launches, each with its place, within the cadence."""
    economy = problem.economy
    assert np.array_equal(decisions.built, np.rint(decisions.built))
    assert np.array_equal(decisions.launches, np.rint(decisions.launches))
    assert decisions.built.min() >= 0.0
    assert decisions.launches.min() >= 0.0
    assert not decisions.built[~np.broadcast_to(economy.opens[:, None, :], decisions.built.shape)].any()
    for v, o, p in np.ndindex(decisions.launches.shape):
        aboard = {int(d): int(decisions.built[d, v, p]) for d in np.flatnonzero(economy.orbit_of == o)}
        aboard = {d: count for d, count in aboard.items() if count}
        places = {d: int(economy.figures.per_launch[d, v]) for d in aboard}
        assert carried(loads(aboard, places, int(decisions.launches[v, o, p]))) == aboard
    flown = decisions.launches.sum(axis=1).reshape(len(economy.launching.vehicles), YEARS, STEPS).sum(axis=2)
    assert np.all(flown <= economy.launching.most_in_year + 1e-9)


@given(st.integers(0, 10_000), st.sampled_from([0.05, 0.5, 3.0, 40.0]))
@settings(max_examples=40)
def test_what_is_repaired_is_whole_and_fits(free: PlanProblem, seed: int, size: float) -> None:
    decisions = repaired(free, wished(free, seed, size))
    assert_is_whole(free, decisions)
    assert not score(free, decisions).broken


@given(st.integers(0, 10_000), st.sampled_from([0.05, 0.5, 3.0]))
@settings(max_examples=40)
def test_limits_on_launches_and_production_are_never_broken_by_a_repair(
    hard: PlanProblem, seed: int, size: float
) -> None:
    decisions = repaired(hard, wished(hard, seed, size))
    assert_is_whole(hard, decisions)
    broken = {held.rule for held in score(hard, decisions).broken}
    assert broken <= {"compute_demand"}, "the demand may be beyond what can be added, and nothing else"


def test_a_repair_meets_a_demand_that_can_be_met(free: PlanProblem) -> None:
    demand = PlanDemand(least_pflops=YearPath((2030.5, 2032.0), (1.0, 400.0)))
    problem = dataclasses.replace(free, demand=demand)
    nothing = wished(problem, 1, 0.0)
    decisions = repaired(problem, dataclasses.replace(nothing, ground=0.0 * nothing.ground))
    assert decisions.built.sum() + decisions.ground.sum() > 0.0
    assert not score(problem, decisions).broken


@pytest.mark.parametrize("seed", range(3))
def test_a_whole_wish_that_fits_is_kept_as_it_is(free: PlanProblem, seed: int) -> None:
    plan = random_plan(free, seed)
    share = plan.built / np.maximum(free.economy.figures.per_launch, 1)[:, :, None]
    wish = FractionalPlan(share, plan.launches, plan.ground)
    kept = whole_of(free, wish)
    assert np.array_equal(kept.built, plan.built)
    assert np.array_equal(kept.launches, plan.launches)
    assert np.array_equal(decisions_of(free, wish).built, plan.built)
    fewer = dataclasses.replace(wish, launches=np.maximum(plan.launches - 1.0, 0.0))
    assert_is_whole(free, whole_of(free, fewer))


def test_what_a_solver_found_is_read_back_number_by_number(hard: PlanProblem) -> None:
    model = plan_model(hard)
    solver = Solver(model)
    answer = solver.solve(time_limit_s=30.0, relaxed=True)
    assert answer.status == "optimal"
    solver.load(answer)
    wish = wish_of(model)
    economy = hard.economy
    for (design, vehicle, label), variable in model.share.items():
        d, v = economy.figures.names.index(design), economy.launching.vehicles.index(vehicle)
        assert wish.share[d, v, economy.calendar.labels.index(label)] == max(variable.value, 0.0)
    assert wish.share.sum() == pytest.approx(sum(max(v.value, 0.0) for v in model.share.values()))
    assert wish.ground.sum() == pytest.approx(sum(max(v.value, 0.0) for v in model.ground.values()))
    assert np.all(wish.share.sum(axis=0) <= wish.launches.sum(axis=1) + 1e-6), "no launch is more than full"


def test_a_plan_is_a_start_of_the_model_that_it_came_from(free: PlanProblem) -> None:
    """The values that a plan gives to the variables meet every row of the model."""
    plan = score(free, random_plan(free, 4))
    model = plan_model(free)
    for variable, value in start_of(model, plan):
        variable.fix(value)
    answer = Solver(model).solve(time_limit_s=30.0, rel_gap=1e-6)
    assert answer.status == "optimal"
    assert answer.objective is not None
    assert answer.objective * model.money_unit <= plan.objective * (1.0 + 1e-6)
