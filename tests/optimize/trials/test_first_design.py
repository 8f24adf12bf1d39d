from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dawndusk.models.design import CATEGORIES
from dawndusk.optimize.pareto.field import Field
from dawndusk.optimize.problem import Bound, Choice, Fixed, Goal, Problem
from dawndusk.optimize.trials.first_design import Groups, _begun, _best_of_each, first_design
from dawndusk.studies.input.studyfile import read_study
from dawndusk.studies.run.design.runner import problem_of

CERTIFIED = {"spacex-ai1": 16.7239, "suncatcher": 26.7140}
"""The best levelised cost that `dawndusk run` proves within 0.1 %."""


def problem(name: str = "spacex-ai1", **fixed: object) -> Problem:
    found = problem_of(read_study(name))
    return replace(found, space={**found.space, **{key: Fixed(value) for key, value in fixed.items()}})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", CERTIFIED)
def test_the_first_design_is_close_to_the_certified_one(name: str) -> None:
    design = first_design(problem(name), seed=1)
    assert design is not None
    scored = problem(name).score_one(design)
    assert scored.feasible[0]
    assert scored.objective[0] == pytest.approx(CERTIFIED[name], rel=2e-3)


def test_the_same_seed_finds_the_same_design() -> None:
    few = problem(radiator="deployable_two_phase", array="silicon_flexible", altitude_km=600.0)
    assert first_design(few, seed=2) == first_design(few, seed=2)


def test_what_is_made_large_is_large() -> None:
    small = problem(radiator="deployable_two_phase", array="silicon_flexible")
    outcome = "delivered_pflops"
    best = first_design(replace(small, objective=outcome, sense="maximise"), seed=1)
    least = first_design(replace(small, objective=outcome), seed=1)
    assert best is not None
    assert least is not None
    values = [small.score_one(design).evaluation.outcome[outcome][0] for design in (best, least)]
    assert values[0] > 1.01 * values[1]


def test_a_problem_without_a_feasible_design_has_none() -> None:
    impossible = replace(problem(), bounds=(Bound("capex_usd", "<=", 1.0),))
    assert first_design(impossible, seed=1) is None


def test_categories_alone_are_all_looked_at() -> None:
    nominal = problem()
    fixed = {n: entry if n in CATEGORIES else Fixed(entry.nominal) for n, entry in nominal.space.items()}
    only = replace(nominal, space=fixed)
    assert not only.free
    best = first_design(only, seed=1)
    every = [only.designs(np.zeros((1, 0)), combination) for combination in only.combinations()]
    scored = [only.score(batch) for batch in every]
    feasible = [float(one.objective[0]) for one in scored if one.feasible[0]]
    assert best is None if not feasible else only.score_one(best).objective[0] == min(feasible)  # type: ignore[arg-type]


@pytest.fixture
def groups() -> Groups:
    field = Field(problem(), (Goal("lcoc_usd_per_pflop_hour"),))
    rng = np.random.default_rng(0)
    points = field.grade(rng.random((6, field.dimensions)), np.array([0, 0, 1, 1, 2, 2]))
    return _begun(_best_of_each(points))


def test_the_best_point_of_each_combination_is_kept_best_first(groups: Groups) -> None:
    assert sorted(groups.combination.tolist()) == [0, 1, 2]
    assert (np.diff(groups.merit[:, 0]) >= 0.0).all()


def test_parts_of_an_axis_cover_it(groups: Groups) -> None:
    parts = groups.split(1, 4)
    assert len(parts) == 4 * len(groups)
    np.testing.assert_allclose(parts.low[:4, 1], [0.0, 0.25, 0.5, 0.75])
    np.testing.assert_allclose(parts.high[:4, 1], [0.25, 0.5, 0.75, 1.0])
    assert (parts.low[:, 0] == 0.0).all()
    assert (parts.high[:, 0] == 1.0).all()
    assert groups.split(None, 4) is groups


def test_a_swap_changes_one_category(groups: Groups) -> None:
    whole = problem()
    combinations = whole.combinations()
    swapped = groups.with_swaps(combinations, None)
    own = combinations[int(groups.combination[0])]
    names = sum(len(e.names) - 1 for c in CATEGORIES if isinstance(e := whole.space[c], Choice))
    assert len(swapped) == len(groups) + names
    for number in swapped.combination[len(groups) :]:
        assert sum(combinations[int(number)][c] != own[c] for c in CATEGORIES) == 1
