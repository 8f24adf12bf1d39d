from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from dawndusk.models.design import NUMBERS
from dawndusk.optimize.heuristics.evolution import QUICK, search
from dawndusk.optimize.problem import Bound, Goal, Problem
from dawndusk.optimize.space.dimensions import Category, WholeNumber
from dawndusk.optimize.trials.designs import AREA, DesignQuestion


def rows(question: DesignQuestion, count: int) -> np.ndarray:
    """Return random rows of the space."""
    rng = np.random.default_rng(3)
    found = rng.random((count, len(question.space.names)))
    for column, dimension in enumerate(question.space.dimensions.values()):
        if isinstance(dimension, Category):
            found[:, column] = rng.integers(len(dimension.names), size=count)
    return found


def test_the_open_variables_are_the_dimensions(design_question: DesignQuestion) -> None:
    names = set(design_question.space.names)
    assert {"vehicle", "accelerator", "altitude_km", "launches_per_year", AREA} <= names
    assert not {"satellites", "radiator_area_m2"} & names
    assert isinstance(design_question.space.dimensions["accelerators_per_satellite"], WholeNumber)


def test_the_cadence_ends_where_no_vehicle_flies_more_often(design_question: DesignQuestion) -> None:
    ends = design_question.space.dimensions["launches_per_year"]
    assert not isinstance(ends, Category)
    entry = design_question.problem.space["launches_per_year"]
    assert ends.high < entry.high  # type: ignore[union-attr]


def test_points_are_designs_and_designs_are_points(design_question: DesignQuestion) -> None:
    space = design_question.space
    points = space.decode(rows(design_question, 200))
    batch = design_question.batch(points)
    batch.check()
    for point, design in zip(points, batch, strict=True):
        back = design_question.point(design)
        held = design.radiator_area_m2 in (2.0, 10_000.0)  # moved into the range of areas
        for name in set(space.names) - ({AREA} if held else set()):
            assert back[name] == (pytest.approx(point[name]) if isinstance(point[name], float) else point[name])


def test_answers_are_those_of_the_problem(design_question: DesignQuestion) -> None:
    points = design_question.space.decode(rows(design_question, 64))
    answers = design_question(points)
    scored = design_question.problem.score(design_question.batch(points))
    for index, answer in enumerate(answers):
        assert answer.failure is None
        assert answer.outcomes["lcoc_usd_per_pflop_hour"] == scored.objective[index]
        missed = sum(max(violation, 0.0) for violation in answer.violations.values())
        assert missed == pytest.approx(scored.violation[index])
        assert tuple(answer.violations) == design_question.rules


def test_the_best_design_is_a_point_with_the_same_outcome(design_question: DesignQuestion) -> None:
    best = search(design_question.problem, seed=1, effort=QUICK)
    (answer,) = design_question([design_question.point(best.nearest)])
    assert answer.outcomes["lcoc_usd_per_pflop_hour"] == pytest.approx(best.objective, rel=1e-9)
    assert all(violation <= 1e-9 for violation in answer.violations.values())


def test_bounds_of_the_study_are_rules(base_problem: Problem) -> None:
    bound = Bound("capex_usd", "<=", 1e9)
    problem = dataclasses.replace(base_problem, bounds=(bound,))
    question = DesignQuestion(problem, (Goal("lcoc_usd_per_pflop_hour"),))
    (answer,) = question(question.space.decode(rows(question, 1)))
    excess = (answer.outcomes["capex_usd"] - 1e9) / 1e9
    assert answer.violations["capex_usd <= 1e+09"] == pytest.approx(excess)


def test_a_goal_without_a_number_is_a_failure(base_problem: Problem) -> None:
    question = DesignQuestion(base_problem, (Goal("lcoc_usd_per_pflop_hour"),))
    (known,) = question(question.space.decode(rows(question, 1)))
    broken = question.answer({**known.outcomes, "lcoc_usd_per_pflop_hour": np.inf}, known.violations)
    assert broken.failure is not None
    assert "lcoc_usd_per_pflop_hour is inf" in broken.failure.words
    assert set(NUMBERS)  # the design itself is no part of an answer
    assert not set(known.outcomes) & set(NUMBERS)
