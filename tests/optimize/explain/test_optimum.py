from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dawndusk.models.errors import DesignError
from dawndusk.optimize.explain.near_optimal import near_optimal
from dawndusk.optimize.explain.optimum import Explanation, _better, explain_optimum
from dawndusk.optimize.explain.runner_up import runners_up
from dawndusk.optimize.explain.shadow_prices import ShadowPrice, polished, worths
from dawndusk.optimize.heuristics.evolution import search
from dawndusk.optimize.problem import Bound, Problem
from dawndusk.optimize.result import DesignResult

MakeProblem = Callable[..., Problem]

NAMES: dict[str, Any] = {
    "array": ["silicon_flexible", "iii_v_rosa", "cdte_thin_film"],
    "vehicle": ["starship_v3", "falcon_9"],
    "radiator": ["deployable_two_phase", "body_mounted"],
}
COOL = "junction_temperature_k <= 328"
PLENTY_S = 120.0


def objective_of(result: DesignResult) -> float:
    """Return the objective of a search that found a feasible design."""
    assert result.objective is not None
    return result.objective


def explained(problem: Problem, **options: Any) -> tuple[DesignResult, Explanation]:
    found = search(problem)
    options = {"time_limit_s": PLENTY_S, **options}
    return found, explain_optimum(problem, found.nearest, found.candidates, **options)


def deadline() -> float:
    return time.monotonic() + PLENTY_S


def valued(problem: Problem, name: str) -> tuple[DesignResult, ShadowPrice]:
    """Return the optimum of a problem and what one of its limits is worth."""
    found = search(problem)
    base = polished(problem, found.nearest, rng=np.random.default_rng(1), deadline=deadline())
    every, _ = worths(problem, found.nearest, base, seed=1, deadline=deadline())
    return found, next(worth for worth in every if worth.name == name)


# Worth of binding limits


def test_a_binding_bound_is_worth_what_a_new_search_saves(make_problem: MakeProblem) -> None:
    problem = make_problem(subject_to=["junction_temperature_k <= 328"])
    found, worth = valued(problem, COOL)
    (bound,) = problem.bounds
    wider = dataclasses.replace(problem, bounds=(Bound(bound.outcome, bound.operator, 1.01 * bound.value),))
    saved = objective_of(found) - objective_of(search(wider))
    assert worth.relaxation == pytest.approx(3.28)
    assert worth.saving == pytest.approx(saved, rel=0.03)
    assert worth.saving > 0.0
    assert worth.saving_per_unit == pytest.approx(saved / 3.28, rel=0.03)
    assert worth.saving_share == pytest.approx(worth.saving / objective_of(found))
    assert bool(wider.score_one(worth.design).feasible[0])
    assert not bool(problem.score_one(worth.design).feasible[0])


def test_a_full_launch_is_worth_what_a_new_search_saves_with_more_payload(make_problem: MakeProblem) -> None:
    problem = make_problem({"accelerators_per_satellite": {"low": 100, "high": 150, "nominal": 125}})
    found, worth = valued(problem, "launch_filled_by_mass")
    launch = problem.assumptions.launch
    wider = dataclasses.replace(launch, mass_fill=1.01 * launch.mass_fill)
    relaxed = search(dataclasses.replace(problem, assumptions=problem.assumptions.replace(launch=wider)))
    assert worth.relaxation == pytest.approx(0.01 * worth.limit)
    assert worth.saving == pytest.approx(objective_of(found) - objective_of(relaxed), rel=0.05)
    assert worth.saving > 0.0


def test_one_unit_less_of_demand_saves_its_share_of_the_capital(make_problem: MakeProblem) -> None:
    problem = make_problem(minimise="capex_usd")
    found, worth = valued(problem, "demand")
    less = search(make_problem(minimise="capex_usd", demand={"it_power_mw": 200 * 0.99}))
    assert worth.saving == pytest.approx(objective_of(found) - objective_of(less), rel=0.1)
    assert 0.0 < worth.saving_share < 0.02


def test_the_worth_of_a_maximisation_is_a_gain(make_problem: MakeProblem) -> None:
    problem = make_problem(maximise="availability", subject_to=["lcoc_usd_per_pflop_hour <= 14.5"])
    found, worth = valued(problem, "lcoc_usd_per_pflop_hour <= 14.5")
    (bound,) = problem.bounds
    wider = dataclasses.replace(problem, bounds=(Bound(bound.outcome, bound.operator, 1.01 * bound.value),))
    assert worth.saving == pytest.approx(objective_of(search(wider)) - objective_of(found), rel=0.05)
    assert worth.saving > 0.0


# Runners-up


def test_every_name_that_lost_has_a_penalty_made_of_its_parts_or_the_rules_that_forbid_it(
    make_problem: MakeProblem,
) -> None:
    problem = make_problem(NAMES)
    found = search(problem)
    every = runners_up(problem, found.nearest, found.candidates, seed=1, deadline=deadline())
    by_name = {one.name: one for one in every}
    assert set(by_name) == {"iii_v_rosa", "cdte_thin_film", "falcon_9", "body_mounted"}
    assert by_name["cdte_thin_film"].forbidden_by == ("array_available",)
    assert "deployment_time" in by_name["falcon_9"].forbidden_by
    for one in every:
        assert getattr(one.design, one.variable) == one.name
        if one.penalty is None:
            assert one.forbidden_by
            assert not bool(problem.score_one(one.design).feasible[0])
            continue
        assert one.forbidden_by == ()
        assert bool(problem.score_one(one.design).feasible[0])
        assert sum(one.parts.values()) == pytest.approx(one.penalty, rel=1e-9)
        assert sum(one.groups.values()) == pytest.approx(one.penalty, rel=1e-9)
        assert one.objective == pytest.approx(objective_of(found) * (1.0 + one.penalty))
    penalties = [one.penalty for one in every if one.penalty is not None]
    assert penalties == sorted(penalties)
    assert by_name["iii_v_rosa"].groups["satellites"] > 0.0


@pytest.mark.parametrize("with_candidates", [True, False])
def test_a_penalty_is_that_of_a_new_search_with_the_name_forced(
    make_problem: MakeProblem, with_candidates: bool
) -> None:
    problem = make_problem({"array": ["silicon_flexible", "iii_v_rosa"]})
    found = search(problem)
    candidates = found.candidates if with_candidates else ()
    (one,) = runners_up(problem, found.nearest, candidates, seed=1, deadline=deadline())
    forced = search(make_problem({"array": "iii_v_rosa"}))
    assert one.objective == pytest.approx(objective_of(forced), rel=1e-4 if with_candidates else 0.02)


# Near-optimal region


@pytest.mark.slow
def test_the_region_holds_the_optimum_and_every_end_is_feasible_and_near(make_problem: MakeProblem) -> None:
    problem = make_problem({**NAMES, "accelerators_per_satellite": {"low": 50, "high": 200, "nominal": 100}})
    found = search(problem)
    others = [candidate.design for candidate in found.candidates if candidate.violation <= 0.0]
    near = near_optimal(problem, found.nearest, others, seed=1, deadline=deadline(), tolerance=0.02)
    assert [one.variable for one in near.ranges] == [*problem.free, "satellites"]
    for one in near.ranges:
        assert one.low <= one.best <= one.high
        assert one.best == getattr(found.nearest, one.variable)
        for value, design in ((one.low, one.low_design), (one.high, one.high_design)):
            scored = problem.score_one(design)
            assert getattr(design, one.variable) == value
            assert bool(scored.feasible[0])
            assert float(scored.objective[0]) <= 1.02 * objective_of(found) * (1 + 1e-12)
    assert near.names["vehicle"] == ("starship_v3",)
    assert near.names["array"][0] == found.nearest.array


def test_the_ends_of_a_single_variable_are_those_of_a_fine_grid(make_problem: MakeProblem) -> None:
    problem = make_problem({"altitude_km": 500, "array_oversize": 1.1})
    found = search(problem)
    near = near_optimal(problem, found.nearest, seed=1, deadline=deadline())
    grid = np.linspace(0.0, 1.0, 20_001)[:, np.newaxis]
    designs = problem.designs(grid, problem.combinations()[0])
    scored = problem.score(designs)
    inside = designs.values["radiator_area_m2"][scored.feasible & (scored.objective <= 1.01 * objective_of(found))]
    area = near.ranges[0]
    assert area.low == pytest.approx(inside.min(), rel=1e-3)
    assert area.high == pytest.approx(inside.max(), rel=1e-3)


def test_a_wider_tolerance_reaches_further(make_problem: MakeProblem) -> None:
    problem = make_problem()
    found = search(problem)
    narrow, wide = (
        near_optimal(problem, found.nearest, seed=1, deadline=deadline(), tolerance=t).ranges for t in (0.002, 0.05)
    )
    for one, other in zip(narrow, wide, strict=True):
        assert other.low <= one.low * (1 + 1e-6)
        assert one.high * (1 - 1e-6) <= other.high


# The whole explanation


def test_the_same_seed_gives_the_same_explanation(make_problem: MakeProblem) -> None:
    problem = make_problem({"array": ["silicon_flexible", "iii_v_rosa"]})
    found = search(problem)
    one, other = (
        explain_optimum(problem, found.nearest, found.candidates, seed=5, time_limit_s=PLENTY_S).to_dict()
        for _ in range(2)
    )
    assert {**one, "seconds": 0} == {**other, "seconds": 0}
    assert json.loads(json.dumps(one)) == one
    assert one["stopped_by"] == "completion"


def test_a_better_design_nearby_is_handed_back(make_problem: MakeProblem) -> None:
    problem = make_problem()
    found = search(problem)
    worse = found.nearest.replace(radiator_area_m2=1.03 * found.nearest.radiator_area_m2)
    explanation = explain_optimum(problem, worse, time_limit_s=PLENTY_S)
    assert explanation.better is not None
    assert float(problem.score_one(explanation.better).objective[0]) == pytest.approx(objective_of(found), rel=1e-4)


@pytest.mark.parametrize(("share", "is_better"), [(1e-4, True), (1e-8, False), (0.0, False), (-1e-4, False)])
def test_the_last_digits_of_an_optimum_are_no_better_design(
    make_problem: MakeProblem, share: float, is_better: bool
) -> None:
    problem = make_problem()
    design = problem.designs(np.full((1, len(problem.free)), 0.3), problem.combinations()[0])[0]
    objective = float(problem.score_one(design).objective[0])
    scored = dataclasses.replace(problem.score_one(design), violation=np.zeros(1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Problem, "score_one", lambda *_: scored)
        found = _better(problem, objective * (1.0 + share), [design])
    assert (found is design) == is_better


def test_a_design_without_freedom_is_explained_by_its_limits_alone(make_problem: MakeProblem) -> None:
    problem = make_problem({"altitude_km": 500, "array_oversize": 1.1, "radiator_area_m2": 400})
    _, explanation = explained(problem)
    assert [one.variable for one in explanation.near_optimal.ranges] == ["satellites"]
    assert all(worth.saving >= 0.0 for worth in explanation.worths)
    assert explanation.runners_up == ()


def test_an_infeasible_design_is_no_optimum(make_problem: MakeProblem) -> None:
    problem = make_problem({"optical_terminals": 0})
    with pytest.raises(DesignError, match="breaks a rule or bound"):
        explain_optimum(problem, search(problem).nearest)


def test_a_time_limit_ends_it_and_is_said(make_problem: MakeProblem) -> None:
    problem = make_problem(NAMES)
    found = search(problem)
    explanation = explain_optimum(problem, found.nearest, found.candidates, time_limit_s=0.05)
    assert explanation.stopped_by == "time limit"
    assert explanation.seconds < 3.0
    assert len(explanation.runners_up) == 4
