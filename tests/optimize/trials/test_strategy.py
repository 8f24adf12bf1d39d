from __future__ import annotations

from collections.abc import Callable

import pytest

from dawndusk.optimize.problem import Problem
from dawndusk.optimize.space.dimensions import Category, RealNumber, Value, WholeNumber
from dawndusk.optimize.trials.strategy import YEAR, StrategyQuestion

MakeProblem = Callable[..., Problem]
COST = "lcoc_usd_per_pflop_hour"


@pytest.fixture
def problem(make_problem: MakeProblem) -> Problem:
    return make_problem({"vehicle": ["starship_v3", "new_glenn_7x2"], "life_years": {"low": 3, "high": 8}})


def test_the_outer_space_has_the_strategy_alone(problem: Problem) -> None:
    question = StrategyQuestion(problem, ("vehicle", "life_years"), years=(2030.0, 2034.0))
    assert question.space.dimensions == {
        "vehicle": Category(("starship_v3", "new_glenn_7x2")),
        "life_years": RealNumber(3.0, 8.0),
        YEAR: RealNumber(2030.0, 2034.0),
    }
    assert not any(isinstance(dimension, WholeNumber) for dimension in question.space.dimensions.values())


def test_the_inner_optimum_keeps_to_the_strategy(problem: Problem) -> None:
    question = StrategyQuestion(problem, ("vehicle",), years=(2030.0, 2034.0))
    inner, design = question.solve({"vehicle": "new_glenn_7x2", YEAR: 2032.5})
    assert design is not None
    assert design.vehicle == "new_glenn_7x2"
    assert inner.assumptions.scenario.first_launch_year == 2032.5
    assert problem.assumptions.scenario.first_launch_year != 2032.5


def test_a_strategy_is_worth_its_inner_optimum(problem: Problem) -> None:
    question = StrategyQuestion(problem, ("vehicle", "life_years"))
    names = ("starship_v3", "new_glenn_7x2")
    strategies: list[dict[str, Value]] = [{"vehicle": name, "life_years": 5.0} for name in names]
    cheap, dear = question(strategies)
    inner, design = question.solve({"vehicle": "starship_v3", "life_years": 5.0})
    assert design is not None
    assert cheap.outcomes[COST] == float(inner.score_one(design).objective[0])
    assert all(violation <= 0.0 for violation in cheap.violations.values())
    assert cheap.outcomes[COST] < dear.outcomes[COST]


@pytest.mark.slow
def test_a_certified_inner_search_agrees_with_the_quick_one(problem: Problem) -> None:
    point: dict[str, Value] = {"vehicle": "starship_v3", "life_years": 5.0}
    (quick,) = StrategyQuestion(problem, ("vehicle", "life_years"))([point])
    (proved,) = StrategyQuestion(problem, ("vehicle", "life_years"), inner="certified", gap=0.01)([point])
    assert proved.outcomes[COST] == pytest.approx(quick.outcomes[COST], rel=0.01)
