"""Ranges, cuts and planes: no plan that is good enough is left out, and no plan costs less than the model says."""

from __future__ import annotations

import dataclasses
import functools
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dawndusk.models.fleet.accounts import built_units
from dawndusk.models.fleet.calendar import Calendar, level
from dawndusk.models.fleet.economy import Economy, Terms, economy_of
from dawndusk.models.fleet.launching import Offer, volume_factor
from dawndusk.models.fleet.learning import premium_after
from dawndusk.optimize.plan.model.cuts import cuts_of, learning_weights, tiers_of
from dawndusk.optimize.plan.model.milp import plan_model
from dawndusk.optimize.plan.model.pieces import Pieces, Price
from dawndusk.optimize.plan.problem.problem import PlanProblem
from dawndusk.optimize.plan.problem.score import ScoredPlan, score
from dawndusk.optimize.plan.solve.direct import MatrixModel
from dawndusk.optimize.plan.solve.narrow import DecisionRanges, fine_pieces, fix_known, hull_pieces, narrowed, widest
from dawndusk.optimize.plan.solve.polish import listed_money, polish
from dawndusk.optimize.plan.solve.reading import wish_of
from dawndusk.optimize.plan.solve.repair import repaired
from dawndusk.studies.data import default_assumptions

from ..conftest import MakePlan, designs_of
from ..drawn import fix, random_plan

LAUNCH = default_assumptions().launch


@functools.cache
def one_economy() -> Economy:
    """One economy for all draws."""
    designs, assumptions = designs_of(1)
    return economy_of(designs, ("starship_v3",), assumptions, Calendar(2029, 2, 1), Terms())


def first_plan(problem: PlanProblem) -> ScoredPlan:
    """What repair makes of the relaxation."""
    model = plan_model(problem, hull_pieces(problem.economy, widest(problem.economy)))
    direct = MatrixModel(model)
    direct.load(direct.solve(time_limit_s=30.0, relaxed=True))
    return score(problem, repaired(problem, wish_of(model)))


@given(st.floats(0.0, 3e3), st.floats(1.0, 3e3), st.floats(0.5, 50.0))
def test_chords_err_by_no_more_than_allowed(low: float, width: float, most: float) -> None:
    economy = one_economy()
    cuts = cuts_of(economy, low, low + width, most)
    assert cuts[0] == 0.0
    assert cuts[-1] == pytest.approx(low + width)
    inside = np.linspace(low, low + width, 200)
    exact = premium_after(economy.assumptions.cost, 0.0, inside)
    chord = np.interp(inside, cuts, premium_after(economy.assumptions.cost, 0.0, cuts))
    assert (chord <= exact + 1e-6).all()
    assert (exact - chord <= most + 1e-6).all()


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.integers(0, 300), st.integers(1, 600), st.floats(1.0, 50.0))
def test_planes_lie_below_what_launches_cost(at: float, part: float, low: int, width: int, least_usd: float) -> None:
    economy = one_economy()
    high, most_usd = low + width, 3.0 * least_usd
    volume, prices = tiers_of(economy, {"x": (float(low), float(high))}, {"x": (least_usd, most_usd)})
    bought = low + at * width
    listed = least_usd + part * (most_usd - least_usd)
    exact = float(volume_factor(LAUNCH, np.array([bought]))[0]) * listed
    ends = volume["x"]
    inside = [
        max(price.of_listed * listed + price.per_launch * bought + price.fixed for price in lines)
        for lines, begin, end in zip(prices["x"], ends[:-1], ends[1:], strict=True)
        if begin <= bought <= end
    ]
    assert inside
    assert max(inside) <= exact * (1.0 + 1e-6)
    assert min(inside) >= exact * 0.98


@pytest.mark.parametrize("steps", [1, 4])
def test_a_better_plan_lies_in_the_ranges_and_above_the_model(make_plan: MakePlan, steps: int) -> None:
    problem = make_plan(steps=steps, years=3, terms=Terms(ground=("tpu_v7",)))
    economy = problem.economy
    first = first_plan(problem)
    better: list[ScoredPlan] = []

    def keep(decisions: object) -> ScoredPlan:
        better.append(score(problem, decisions))  # type: ignore[arg-type]
        return better[-1]

    best = polish(problem, first, keep, time_limit_s=20.0, gap=1e-3, seed=1)
    assert best.objective < first.objective
    model = plan_model(problem, hull_pieces(economy, widest(economy)))
    cutoff = first.objective / model.money_unit
    found = narrowed(model, widest(economy), cutoff, time.monotonic() + 60.0, 1)
    totals = np.cumsum(built_units(economy, best.decisions), axis=1)
    for number, line in enumerate(economy.lines):
        low, high = found.learning[line]
        assert (low <= totals[number] + 1e-6).all()
        assert (totals[number] <= high + 1e-6).all()
        assert high[-1] < widest(economy).learning[line][1][-1]
    flown = best.decisions.launches.sum(axis=1)
    for v, name in enumerate(economy.launching.vehicles):
        low_n, high_n = found.bought[name]
        assert low_n - 1e-6 <= flown[v].sum() <= high_n + 1e-6
        listed = listed_money(model.frame, model.frame.books[0], v, flown[v])
        assert found.listed[name][0] * (1.0 - 1e-5) <= listed <= found.listed[name][1] * (1.0 + 1e-5)
    weights = learning_weights(model.frame)
    for pieces in (hull_pieces(economy, found), fine_pieces(economy, found, 1e-3 * best.objective, weights)):
        assert 0.9 * best.objective < bound_of(problem, pieces, found, best) <= best.objective * (1.0 + 1e-6)


def bound_of(problem: PlanProblem, pieces: Pieces, found: DecisionRanges, plan: ScoredPlan) -> float:
    """What the model says that a plan costs."""
    model = plan_model(problem, pieces)
    fix_known(model, found)
    fix(model, problem, plan.decisions)
    answer = MatrixModel(model).solve(time_limit_s=30.0)
    assert answer.objective is not None
    return float(answer.objective * model.money_unit)


@pytest.mark.parametrize("seed", [1, 2])
def test_finer_pieces_say_more_and_never_too_much(make_plan: MakePlan, seed: int) -> None:
    problem = make_plan(years=3, demand=None)
    problem = dataclasses.replace(problem, demand=type(problem.demand)(least_pflops=level(1e-3)))
    plan = score(problem, random_plan(problem, seed))
    ranges = widest(problem.economy)
    frame = plan_model(problem).frame
    weights = learning_weights(frame)
    said = [
        bound_of(problem, fine_pieces(problem.economy, ranges, share * plan.objective, weights), ranges, plan)
        for share in (0.1, 1e-3)
    ]
    assert said[0] <= said[1] * (1.0 + 1e-6)
    assert said[1] <= plan.objective * (1.0 + 1e-6)


def test_a_vehicle_without_a_discount_has_one_tier(make_plan: MakePlan) -> None:
    offers = {"falcon_9": Offer(cap_per_year=level(2.0))}
    economy = make_plan(vehicles=("falcon_9",), years=2, terms=Terms(offers=offers)).economy
    volume, prices = tiers_of(economy, widest(economy).bought, widest(economy).listed)
    assert volume["falcon_9"].tolist() == [0.0, 4.0]
    assert prices["falcon_9"] == ((Price(1.0, 0.0, 0.0),),)
