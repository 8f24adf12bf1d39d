from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dawndusk.models.design import Design
from dawndusk.optimize.explain.conflict import Conflict, explain_conflict
from dawndusk.optimize.explain.elastic import items
from dawndusk.optimize.explain.hitting_sets import smallest_hitting_sets
from dawndusk.optimize.heuristics.evolution import search
from dawndusk.optimize.problem import Problem

MakeProblem = Callable[..., Problem]

ANY_CADENCE: dict[str, Any] = {"launches_per_year": {"low": 20, "high": 400, "nominal": 80}}
CHEAP, FAST = "capex_usd <= 2.46e+10", "deployment_years <= 2.6"
PATIENCE_S = 60.0
"""For machines on which much else runs."""
CHEAP_AND_FAST = ["capex_usd <= 2.46e10", "deployment_years <= 2.6"]


def broken(problem: Problem, design: Design) -> set[str]:
    return {item.name for item in items(problem, design).values() if not item.violation <= 0.0}


def assert_irreducible(problem: Problem, conflict: Conflict) -> None:
    """Each member is the only one of them that some design breaks, and what restores a design breaks nothing else."""
    apart = {name for names in conflict.further for name in names}
    for member in conflict.members:
        assert broken(problem, member.without) & set(conflict.names) == {member.name}
        if member.restored:
            assert broken(problem, member.restored) <= {member.name} | apart
            assert member.relaxation is not None
            assert member.relaxation > 0.0
            assert member.value is not None
            assert member.limit is not None
            assert member.relaxation == pytest.approx(abs(member.value - member.limit))


# The smallest sets that hit others


@given(st.lists(st.frozensets(st.integers(0, 6), min_size=1, max_size=4), max_size=12))
def test_hitting_sets_are_the_smallest_of_all(sets: list[frozenset[int]]) -> None:
    found = smallest_hitting_sets(sets)
    for size in range(8):
        every = [set(one) for one in itertools.combinations(range(7), size)]
        hitting = {frozenset(one) for one in every if all(one & other for other in sets)}
        if hitting:
            break
    assert set(found) == hitting


def test_nothing_hits_the_empty_set() -> None:
    assert smallest_hitting_sets([frozenset({1}), frozenset()]) == []


# Studies made to be infeasible


def test_two_bounds_that_can_not_be_met_together_are_the_conflict(make_problem: MakeProblem) -> None:
    """A fast deployment asks for more launches a year than the capital pays for; each bound alone can be met."""
    space = {**ANY_CADENCE, "satellites": 1475}
    for bounds in ([CHEAP_AND_FAST[0]], [CHEAP_AND_FAST[1]]):
        assert search(make_problem(space, subject_to=bounds)).status == "feasible"
    problem = make_problem(space, subject_to=CHEAP_AND_FAST)
    conflict = explain_conflict(problem, time_limit_s=PATIENCE_S)
    assert conflict.stopped_by == "completion"
    assert conflict.names == (CHEAP, FAST)
    assert conflict.further == ()
    assert_irreducible(problem, conflict)


@pytest.mark.parametrize("relaxed", [0, 1])
def test_the_least_relaxation_of_a_bound_restores_a_design_and_less_does_not(
    make_problem: MakeProblem, relaxed: int
) -> None:
    problem = make_problem({**ANY_CADENCE, "satellites": 1475}, subject_to=CHEAP_AND_FAST)
    member = explain_conflict(problem, time_limit_s=PATIENCE_S).members[relaxed]
    assert member.relaxation is not None
    assert member.restored is not None
    for share, feasible in ((1.0 + 1e-9, True), (0.98, False)):
        bounds = list(problem.bounds)
        bounds[relaxed] = dataclasses.replace(bounds[relaxed], value=bounds[relaxed].value + share * member.relaxation)
        wider = dataclasses.replace(problem, bounds=tuple(bounds))
        assert bool(wider.score_one(member.restored).feasible[0]) == feasible
        if not feasible:
            assert search(wider).status == "infeasible"


def test_a_fleet_that_follows_the_demand_conflicts_by_its_size(make_problem: MakeProblem) -> None:
    problem = make_problem(ANY_CADENCE, subject_to=CHEAP_AND_FAST)
    conflict = explain_conflict(problem, time_limit_s=PATIENCE_S)
    assert conflict.names == ("demand", CHEAP, FAST)
    assert_irreducible(problem, conflict)
    demand = conflict.members[0]
    assert demand.relaxation is not None
    less = problem.assumptions.demand.it_power_mw * (1.0 - demand.relaxation)
    assert (
        search(make_problem(ANY_CADENCE, subject_to=CHEAP_AND_FAST, demand={"it_power_mw": less})).status == "feasible"
    )
    more = less * 1.03
    missed = make_problem(ANY_CADENCE, subject_to=CHEAP_AND_FAST, demand={"it_power_mw": more})
    assert search(missed).status == "infeasible"


def test_an_orbit_too_high_for_the_shield_breaks_the_dose_alone(make_problem: MakeProblem) -> None:
    problem = make_problem({"altitude_km": 900})
    conflict = explain_conflict(problem, time_limit_s=PATIENCE_S)
    assert conflict.names == ("dose",)
    assert_irreducible(problem, conflict)
    (dose,) = conflict.members
    assert dose.restored is not None
    assert dose.units == "krad(Si)"
    assert dose.value == pytest.approx(
        float(problem.score_one(dose.restored).evaluation.outcome["dose_krad_life"][0]) * 2
    )


def test_a_vehicle_that_is_not_there_yet_is_named_with_the_years_to_wait(make_problem: MakeProblem) -> None:
    """Every other rule of the year is met: the launch is in 2026, and only the vehicle comes later."""
    demand = {"it_power_mw": 1}
    problem = make_problem(
        {"radiator": "body_mounted", "launches_per_year": {"low": 0.5, "high": 100, "nominal": 1}},
        assumptions={"scenario": {"first_launch_year": 2026}},
        demand=demand,
    )
    conflict = explain_conflict(problem, time_limit_s=PATIENCE_S)
    assert conflict.names == ("vehicle_available",)
    assert_irreducible(problem, conflict)
    (member,) = conflict.members
    later = problem.assumptions.vehicles["starship_v3"].available_year - 2026
    assert member.relaxation == later
    waited = make_problem(
        {"radiator": "body_mounted", "launches_per_year": {"low": 0.5, "high": 100, "nominal": 1}},
        assumptions={"scenario": {"first_launch_year": 2026 + later}},
        demand=demand,
    )
    assert search(waited).status == "feasible"


def test_what_is_left_when_a_conflict_is_dropped_is_named_too(make_problem: MakeProblem) -> None:
    problem = make_problem({"altitude_km": 900}, subject_to=["capex_usd <= 1e9"])
    conflict = explain_conflict(problem, time_limit_s=PATIENCE_S)
    assert [set(names) for names in ((conflict.names), *conflict.further)] == [{"capex_usd <= 1e+09"}, {"dose"}]
    assert_irreducible(problem, conflict)
    assert conflict.members[0].relaxation is not None


def test_a_feasible_problem_has_no_conflict_but_a_design(make_problem: MakeProblem) -> None:
    problem = make_problem()
    conflict = explain_conflict(problem, time_limit_s=PATIENCE_S)
    assert conflict.members == ()
    assert conflict.feasible is not None
    assert broken(problem, conflict.feasible) == set()


def test_the_nearest_misses_of_a_search_are_a_start(make_problem: MakeProblem) -> None:
    """The least levelised cost is what the bound has to be relaxed to; a search that looked for it is not lost."""
    best = search(make_problem()).objective
    problem = make_problem(subject_to=["lcoc_usd_per_pflop_hour <= 13"])
    (member,) = explain_conflict(problem, search(problem).candidates).members
    assert member.value == pytest.approx(best, rel=1e-4)


def test_the_same_seed_gives_the_same_conflict(make_problem: MakeProblem) -> None:
    problem = make_problem(ANY_CADENCE, subject_to=CHEAP_AND_FAST)
    one, other = (explain_conflict(problem, seed=3, time_limit_s=60.0) for _ in range(2))
    assert one.members == other.members
    assert one.evaluated == other.evaluated


def test_a_conflict_is_plain_data_that_says_it_is_not_proved(make_problem: MakeProblem) -> None:
    found = explain_conflict(make_problem({"altitude_km": 900})).to_dict()
    assert found["proved"] is False
    assert json.loads(json.dumps(found)) == found


def test_a_time_limit_ends_it_and_is_said(make_problem: MakeProblem) -> None:
    conflict = explain_conflict(make_problem(ANY_CADENCE, subject_to=CHEAP_AND_FAST), time_limit_s=0.01)
    assert conflict.stopped_by == "time limit"
    assert conflict.seconds < 1.0
