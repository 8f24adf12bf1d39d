from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dawndusk.models.design import CATEGORIES
from dawndusk.models.evaluate import evaluate
from dawndusk.models.rules import RULES
from dawndusk.optimize.heuristics.evolution import search
from dawndusk.optimize.problem import Problem, Range
from dawndusk.optimize.progress import Progress
from dawndusk.optimize.result import DesignResult

MakeProblem = Callable[..., Problem]

RANDOM_DESIGNS = 200_000
TWO_VEHICLES: dict[str, Any] = {
    "vehicle": ["starship_v3", "falcon_9"],
    "accelerators_per_satellite": {"low": 20, "high": 200, "nominal": 100},
}


def objective_of(result: DesignResult) -> float:
    """Return the objective of a search that found a feasible design."""
    assert result.objective is not None
    return result.objective


def assert_meets_everything(problem: Problem, result: DesignResult) -> None:
    evaluation = evaluate(result.nearest, problem.assumptions)
    broken = {name: float(v[0]) for name, v in evaluation.violation.items() if v[0] > 0.0}
    assert not broken
    for bound in problem.bounds:
        assert bound.violation(evaluation.outcome.values)[0] == 0.0, str(bound)
    for name, entry in problem.space.items():
        value = getattr(result.nearest, name)
        if isinstance(entry, Range):
            assert entry.low <= value <= entry.high, name
        elif name in CATEGORIES:
            assert value in getattr(entry, "names", (entry.nominal,)), name
        else:
            assert value == entry.nominal, name


@pytest.mark.parametrize(
    "study",
    [
        {},
        {"subject_to": ["capex_usd <= 4.5e10", "junction_temperature_k < 340"]},
        {"maximise": "availability", "subject_to": ["lcoc_usd_per_pflop_hour <= 25"]},
        {"demand": {"delivered_pflops": 50_000}},
    ],
    ids=["minimise", "bounded", "maximise", "delivered compute"],
)
def test_a_feasible_result_meets_every_rule_bound_and_range(make_problem: MakeProblem, study: dict[str, Any]) -> None:
    problem = make_problem(**study)
    result = search(problem)
    assert (result.status, result.stopped_by, result.bound) == ("feasible", "completion", None)
    assert_meets_everything(problem, result)
    outcome = evaluate(result.nearest, problem.assumptions).outcome
    assert objective_of(result) == pytest.approx(outcome[problem.objective][0], rel=1e-12)


@pytest.mark.parametrize("sense", ["minimise", "maximise"])
def test_no_random_design_is_better(make_problem: MakeProblem, sense: str) -> None:
    measure = {"minimise": "lcoc_usd_per_pflop_hour", "maximise": "delivered_pflops"}[sense]
    problem = make_problem(TWO_VEHICLES, **{sense: measure})
    result = search(problem)
    rng = np.random.default_rng(2026)
    found = []
    for combination in problem.combinations():
        points = rng.random((RANDOM_DESIGNS // 2, len(problem.free)))
        scored = problem.score(problem.designs(points, combination), problem.scored_outcomes)
        assert scored.feasible.any() or combination["vehicle"] == "falcon_9"
        found.append(np.min(np.where(scored.feasible, scored.objective, np.inf)))
    own = objective_of(result) if sense == "minimise" else -objective_of(result)
    assert own <= min(found)


def test_the_same_seed_gives_the_same_result(make_problem: MakeProblem) -> None:
    one, other = (search(make_problem(TWO_VEHICLES), seed=7) for _ in range(2))
    assert one.design == other.design
    assert one.objective == other.objective
    assert one.evaluated == other.evaluated
    assert [c.objective for c in one.candidates] == [c.objective for c in other.candidates]


def test_another_seed_searches_elsewhere_and_ends_nearby(make_problem: MakeProblem) -> None:
    results = [search(make_problem(TWO_VEHICLES), seed=seed) for seed in (1, 2, 3)]
    objectives = [objective_of(result) for result in results]
    assert max(objectives) <= min(objectives) * 1.005
    assert len({result.candidates[0].coordinates.tobytes() for result in results}) == 3
    assert [result.seed for result in results] == [1, 2, 3]


def test_a_time_limit_returns_the_best_so_far_and_says_so(make_problem: MakeProblem) -> None:
    problem = make_problem({**TWO_VEHICLES, "shielding_mm": {"low": 1, "high": 15, "nominal": 5}})
    begin = time.monotonic()
    result = search(problem, time_limit_s=0.05)
    assert time.monotonic() - begin < 2.0
    assert result.stopped_by == "time limit"
    assert result.evaluated > 0
    assert np.isfinite(objective_of(result))
    assert result.evaluated < search(problem).evaluated


def test_no_time_at_all_still_gives_a_design(make_problem: MakeProblem) -> None:
    result = search(make_problem(TWO_VEHICLES), time_limit_s=0.0)
    assert result.stopped_by == "time limit"
    assert len(result.candidates) == 1


def test_a_space_without_freedom_is_evaluated_once_for_each_combination(make_problem: MakeProblem) -> None:
    fixed = {"altitude_km": 500, "radiator_area_m2": 400, "array_oversize": 1.1}
    problem = make_problem({**fixed, "vehicle": ["falcon_9", "starship_v3"]})
    result = search(problem)
    assert (result.evaluated, result.stopped_by) == (2, "completion")
    assert result.nearest.vehicle == "starship_v3"
    assert result.nearest.altitude_km == 500


def test_a_single_free_variable_finds_the_best_of_a_fine_grid(make_problem: MakeProblem) -> None:
    problem = make_problem({"altitude_km": 500, "array_oversize": 1.1})
    assert problem.free == ("radiator_area_m2",)
    grid = np.linspace(0.0, 1.0, 20_001)[:, np.newaxis]
    scored = problem.score(problem.designs(grid, problem.combinations()[0]))
    best = float(np.min(np.where(scored.feasible, scored.objective, np.inf)))
    assert search(problem).objective == pytest.approx(best, rel=1e-5)


def test_an_infeasible_study_names_what_is_broken(make_problem: MakeProblem) -> None:
    result = search(make_problem({"optical_terminals": 0}))
    assert result.status == "infeasible"
    assert result.evaluation is not None
    violation = result.evaluation.violation
    broken = {name for name in RULES if violation[name][0] > 0.0}
    assert "connectivity" in broken
    assert broken <= {"connectivity", "network"}
    assert result.candidates[0].violation > 0.0


def test_the_nearest_miss_has_the_least_violation(make_problem: MakeProblem) -> None:
    """With capital bounded below what any design costs, no design misses by less, the cheapest included."""
    cheapest = search(make_problem(minimise="capex_usd"))
    problem = make_problem(subject_to=["capex_usd <= 1e9"])
    missed = search(problem)
    assert missed.status == "infeasible"
    nearest = problem.score_one(missed.nearest).violation[0]
    assert nearest == pytest.approx(missed.candidates[0].violation, rel=1e-9)
    assert nearest <= problem.score_one(cheapest.nearest).violation[0]
    points = np.random.default_rng(5).random((20_000, len(problem.free)))
    assert nearest <= problem.score(problem.designs(points, problem.combinations()[0])).violation.min()


def test_candidates_are_the_best_of_each_combination_in_order(make_problem: MakeProblem) -> None:
    problem = make_problem({**TWO_VEHICLES, "array": ["silicon_flexible", "iii_v_rosa"]})
    result = search(problem)
    assert len(result.candidates) == 4
    assert len({tuple(c.combination.values()) for c in result.candidates}) == 4
    keys = [(c.violation, c.objective) for c in result.candidates]
    assert keys == sorted(keys)
    assert result.candidates[0].design == result.nearest
    for candidate in result.candidates:
        assert candidate.design.combination == candidate.combination


def test_progress_never_goes_back(make_problem: MakeProblem) -> None:
    reports: list[Progress] = []
    search(make_problem({**TWO_VEHICLES, "array": ["silicon_flexible", "iii_v_rosa"]}), report=reports.append)
    assert len({report.stage for report in reports}) == 4
    assert [r.evaluated for r in reports] == sorted(r.evaluated for r in reports)
    best = [r.best for r in reports if r.best == r.best]
    assert best == sorted(best, reverse=True)
    for stage in {report.stage for report in reports}:
        shares = [r.share for r in reports if r.stage == stage]
        assert shares == sorted(shares)
        assert shares[0] > 0.0
        assert shares[-1] <= 1.0


def test_progress_of_a_maximisation_rises(make_problem: MakeProblem) -> None:
    reports: list[Progress] = []
    result = search(make_problem(maximise="availability"), report=reports.append)
    best = [r.best for r in reports if r.best == r.best]
    assert best == sorted(best)
    assert 0.0 < best[-1] == objective_of(result)
