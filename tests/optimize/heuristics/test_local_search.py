from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from dawndusk.models.design import NUMBERS
from dawndusk.optimize.heuristics.local_search import Grades, WalkEffort, coordinates_of, start, walk
from dawndusk.optimize.problem import Problem

MakeProblem = Callable[..., Problem]
Floats = NDArray[np.float64]

FREE = {
    "accelerators_per_satellite": {"low": 8, "high": 1024, "nominal": 100},
    "optical_terminals": {"low": 0, "high": 12, "nominal": 4},
    "launches_per_year": {"low": 0.5, "high": 1000, "nominal": 80},
    "satellites": {"low": 1, "high": 200000, "nominal": 1000},
}


def test_coordinates_give_back_their_design(make_problem: MakeProblem) -> None:
    for problem in (make_problem(FREE), make_problem({**FREE, "satellites": "demand"})):
        points = np.random.default_rng(8).random((40, len(problem.free)))
        combination = problem.combinations()[0]
        for design in problem.designs(points, combination):
            found = problem.designs(coordinates_of(problem, design)[np.newaxis], combination)[0]
            for name in NUMBERS:
                assert getattr(found, name) == pytest.approx(getattr(design, name), rel=1e-12), name


def bent_valley(points: Floats) -> Grades:
    """A curved, narrow valley whose floor is a rule, lowest at (0.8, 0.64)."""
    x, y = points.T
    return np.maximum(x * x - y, 0.0), y - 1.6 * x


def test_a_walk_follows_a_binding_rule_to_its_end() -> None:
    effort = WalkEffort(60, 256, time.monotonic() + 60.0)
    begin = start(bent_valley, np.array([[0.1, 0.9]]))
    found = walk(bent_valley, begin, rng=np.random.default_rng(1), effort=effort)
    assert found.is_feasible
    assert found.points[0] == pytest.approx([0.8, 0.64], abs=0.02)
    assert found.aim[0] == pytest.approx(-0.64, abs=2e-4)


def test_a_walk_never_loses_what_it_has() -> None:
    begin = start(bent_valley, np.random.default_rng(2).random((20, 2)))
    effort = WalkEffort(1, 8, time.monotonic() + 60.0)
    after = walk(bent_valley, begin, rng=np.random.default_rng(3), effort=effort)
    assert (after.violation[0], after.aim[0]) <= (begin.violation[0], begin.aim[0])


def test_a_walk_ends_when_its_time_is_up() -> None:
    begin = start(bent_valley, np.array([[0.1, 0.9]]))
    assert walk(bent_valley, begin, rng=np.random.default_rng(1), effort=WalkEffort(9, 9, 0.0)) is begin
