from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest

from dawndusk.optimize.heuristics.evolution import QUICK, search
from dawndusk.optimize.problem import Bound, Goal, Problem
from dawndusk.optimize.space.dimensions import Point, Value
from dawndusk.optimize.trials.designs import DesignQuestion
from dawndusk.optimize.trials.question import Failure, TrialAnswer
from dawndusk.optimize.trials.screening import OutsideQuestion

COST = "lcoc_usd_per_pflop_hour"


class Outside:
    """Answers with a dearer cost, and remembers what it was asked."""

    def __init__(self, factor: float = 1.1, **outcomes: float) -> None:
        self.asked: list[Point] = []
        self.outcomes = {COST: factor, **outcomes}

    def __call__(self, points: Sequence[Point]) -> list[TrialAnswer]:
        self.asked += points
        return [TrialAnswer(self.outcomes) for _ in points]


@pytest.fixture(scope="module")
def good(base_problem: Problem) -> dict[str, Value]:
    question = DesignQuestion(base_problem, (Goal(COST),))
    return question.point(search(base_problem, seed=1, effort=QUICK).nearest)


def outside_question(problem: Problem, outside: Outside, *, screen: bool) -> OutsideQuestion:
    return OutsideQuestion(DesignQuestion(problem, (Goal(COST),)), outside, screen)


def test_the_evaluator_gets_whole_designs_and_its_word_counts(base_problem: Problem, good: dict[str, Value]) -> None:
    outside = Outside(12.5)
    question = outside_question(base_problem, outside, screen=True)
    (answer,) = question([good])
    assert answer.outcomes == {COST: 12.5}
    assert set(outside.asked[0]) == {f.name for f in dataclasses.fields(question.designs.design(good))}
    assert question.question.rules == tuple(answer.violations)


def test_what_breaks_a_rule_of_the_model_is_not_sent_out(base_problem: Problem, good: dict[str, Value]) -> None:
    outside = Outside()
    question = outside_question(base_problem, outside, screen=True)
    (answer,) = question([{**good, "shielding_mm": 0.5, "life_years": 10.0}])
    assert outside.asked == []
    assert answer.violations["dose"] > 0.0
    assert answer.outcomes[COST] > 0.0


def test_without_screening_only_the_bounds_are_rules(base_problem: Problem, good: dict[str, Value]) -> None:
    problem = dataclasses.replace(base_problem, bounds=(Bound("capex_usd", "<=", 2e9),))
    outside = Outside(capex_usd=3e9)
    question = outside_question(problem, outside, screen=False)
    (answer,) = question([{**good, "shielding_mm": 0.5}])
    assert len(outside.asked) == 1
    assert answer.violations == {"capex_usd <= 2e+09": pytest.approx(0.5)}


@pytest.mark.parametrize(("told", "found"), [({}, "nothing"), ({COST: float("nan")}, "nan")])
def test_half_an_answer_is_a_failure(
    base_problem: Problem, good: dict[str, Value], told: dict[str, float], found: str
) -> None:
    outside = Outside()
    outside.outcomes = told
    (answer,) = outside_question(base_problem, outside, screen=True)([good])
    assert answer.failure == Failure("outcome", f"{COST}: found {found}; allowed a finite number")


def test_the_prior_is_the_built_in_model(base_problem: Problem, good: dict[str, Value]) -> None:
    question = outside_question(base_problem, Outside(), screen=True)
    (known,) = question.designs([good])
    assert np.array_equal(question.prior([good]), [[known.outcomes[COST]]])
    assert question.prior([]).shape == (0, 1)
