"""Whole satellites on whole launches, and which numbers of a model are whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dawndusk.models.fleet.calendar import level
from dawndusk.models.fleet.economy import Terms
from dawndusk.models.fleet.fleet import Decisions, over_time
from dawndusk.optimize.plan.problem import grid
from dawndusk.optimize.plan.problem.manifest import ROUNDING, carried, loads
from dawndusk.optimize.plan.problem.problem import PlanDemand
from dawndusk.optimize.plan.problem.score import score
from dawndusk.optimize.plan.problem.whole import FEW, FEW_SATELLITES, MORE, WholeDecisions

from ..conftest import MakePlan, planned

FLEETS = st.dictionaries(st.integers(0, 4), st.integers(0, 60), min_size=1, max_size=5)


@given(FLEETS, st.lists(st.integers(1, 40), min_size=5, max_size=5), st.integers(0, 30))
def test_no_launch_carries_more_than_it_has_room_for(fleet: dict[int, int], room: list[int], launches: int) -> None:
    places = dict(enumerate(room))
    manifest = loads(fleet, places, launches)
    assert len(manifest) == launches
    for launch in manifest:
        assert sum(count / places[design] for design, count in launch.items()) <= 1.0 + 5 * ROUNDING
        assert all(count > 0 for count in launch.values())
    flown = carried(manifest)
    assert all(flown.get(design, 0) <= count for design, count in fleet.items())


@given(FLEETS, st.lists(st.integers(1, 40), min_size=5, max_size=5))
def test_a_launch_for_each_begun_one_of_each_design_carries_all(fleet: dict[int, int], room: list[int]) -> None:
    places = dict(enumerate(room))
    enough = sum(-(-count // places[design]) for design, count in fleet.items())
    assert carried(loads(fleet, places, enough)) == {design: count for design, count in fleet.items() if count}


def test_designs_share_a_launch_where_their_shares_add_up_to_one() -> None:
    assert loads({0: 1, 1: 2, 2: 1}, {0: 2, 1: 6, 2: 6}, 1) == [{0: 1, 1: 2, 2: 1}]
    assert loads({0: 3, 1: 3}, {0: 2, 1: 6}, 2) == [{0: 2}, {0: 1, 1: 3}]
    assert carried(loads({0: 5}, {0: 2}, 2)) == {0: 4}, "what does not fit is left out"


def decisions_of(built: float, launches: float) -> Decisions:
    """Two designs, one vehicle and two periods, all the same."""
    return Decisions(np.full((2, 1, 2), built), np.full((1, 1, 2), launches), np.zeros((0, 2)))


@pytest.mark.parametrize(("built", "all_whole"), [(FEW_SATELLITES / 4, True), (FEW_SATELLITES / 4 + 1, False)])
def test_small_programmes_are_whole_from_the_first_round(make_plan: MakePlan, built: float, all_whole: bool) -> None:
    problem = make_plan(years=2, vehicles=("starship_v3",), demand=PlanDemand(least_power_mw=level(0.0)))
    plan = score(problem, decisions_of(built, 1000.0))
    numbers = WholeDecisions().numbers(problem, plan, 1)
    assert bool(numbers["satellites"].all()) == all_whole
    assert bool(numbers["whole"].all()) == all_whole


def test_few_launches_are_whole_and_more_of_them_in_later_rounds(make_plan: MakePlan) -> None:
    problem = make_plan(years=2, vehicles=("starship_v3",), demand=PlanDemand(least_power_mw=level(0.0)))
    for launches, rounds, whole in (
        (FEW - 1, 1, True),
        (FEW + 1, 1, False),
        (FEW + 1, 2, True),
        (FEW * MORE, 2, False),
    ):
        plan = score(problem, decisions_of(1000.0, launches))
        numbers = WholeDecisions().numbers(problem, plan, rounds)
        assert bool(numbers["whole"].all()) == whole, (launches, rounds)
    assert not WholeDecisions().numbers(problem, score(problem, decisions_of(1000.0, 0.0)), 1)["whole"].any()


def test_what_a_search_had_fractions_of_becomes_whole(make_plan: MakePlan) -> None:
    problem = make_plan(years=2, vehicles=("starship_v3",), demand=PlanDemand(least_power_mw=level(0.0)))
    plan, known = score(problem, decisions_of(150.0, 0.0)), WholeDecisions()
    fractions = decisions_of(150.0, 2.0)
    fractions.built[1, 0, 0] += 0.5
    fractions.launches[0, 0, 1] += 0.5
    known.learn(fractions)
    numbers = known.numbers(problem, plan, 1)
    assert np.argwhere(numbers["whole"]).tolist() == [[0, 1]]
    assert np.argwhere(numbers["satellites"]).tolist() == [[1, 0, 0]]
    again = decisions_of(150.0, 2.0)
    again.launches[0, 0, 0] += 0.25
    known.learn(again)
    assert np.argwhere(known.numbers(problem, plan, 1)["whole"]).tolist() == [[0, 0], [0, 1]], "nothing is forgotten"


@given(st.lists(st.floats(0.0, 50.0), min_size=6, max_size=6))
def test_cohorts_add_up_one_by_one(bought: list[float]) -> None:
    kernel = np.array([0.5, 1.0, 0.9, 0.1])
    total = over_time(np.array(bought), kernel, 8)
    by_hand = [sum(bought[p] * kernel[q - p] for p in range(6) if 0 <= q - p < len(kernel)) for q in range(8)]
    assert total == pytest.approx(by_hand)


def test_the_grid_keeps_what_it_has_connected() -> None:
    problem = planned(years=6, steps=2, demand=PlanDemand(least_power_mw=level(0.0)), terms=Terms(ground=("tpu_v7",)))
    economy = problem.economy
    life = economy.assumptions.ground.it_life_years
    there = grid.staying(economy)
    for late, share in enumerate(there):
        begun = np.linspace(0.0, 0.5, 10_001)  # over its half-year; counted at the end of a later one
        alive = (0.5 * (late + 1) - begun) <= life
        assert share == pytest.approx(alive.mean(), abs=1e-3)
    units = np.zeros((1, 12))
    units[0, 3] = 7.0
    connected = grid.connected_mw(economy, units)
    assert connected[0] == 0.0
    assert connected[1:] == pytest.approx(7.0 * economy.rival.it_power_kw[0] / 1000.0 * there[[0, 2, 4, 6, 8]])
    room = grid.room_mw(economy, level(5.0))
    first = int(np.argmax(economy.rival.opens.any(axis=0))) // 2
    assert room.tolist() == [5.0 * max(0, year - first + 1) for year in range(6)]
