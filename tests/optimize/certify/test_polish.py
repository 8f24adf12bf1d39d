"""Better designs near a good one: never worse, of the same names, and found across sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import pytest

from dawndusk.models.design import Design, DesignBatch
from dawndusk.optimize.certify.branch.polish import improve
from dawndusk.optimize.certify.graph.statement import Statement, state
from dawndusk.optimize.heuristics.evolution import Effort, search
from dawndusk.optimize.problem import Problem

StudyProblem: TypeAlias = Callable[..., Problem]

BRIEF = Effort(evolved=1, generations=40, refined=1, every_name=False)


@pytest.fixture(scope="module")
def found(study_problem: StudyProblem) -> tuple[Statement, Design]:
    """A study and a design that is good, not best."""
    problem = study_problem("orbit-200mw")
    return state(problem), search(problem, seed=3, time_limit_s=20.0, effort=BRIEF).nearest


def merit(statement: Statement, design: Design) -> float:
    return float(statement.problem.score_one(design).merit()[0])


def improved(statement: Statement, design: Design, seed: int) -> Design:
    problem = statement.problem

    def merits(batch: DesignBatch) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        with np.errstate(all="ignore"):
            return problem.score(batch, problem.scored_outcomes).merit()

    return improve(statement, design, merits, np.random.default_rng(seed))


def test_a_better_design_of_the_same_names_is_found(found: tuple[Statement, Design]) -> None:
    statement, design = found
    better = improved(statement, design, 1)
    assert better.combination == design.combination
    assert statement.problem.score_one(better).feasible.all()
    assert merit(statement, better) < merit(statement, design)


def test_the_same_seed_finds_the_same(found: tuple[Statement, Design]) -> None:
    assert improved(*found, 7) == improved(*found, 7)


def test_a_size_far_from_the_best_is_left(found: tuple[Statement, Design]) -> None:
    """From satellites one and a half times too large the walk comes back to others."""
    statement, design = found
    size = design.accelerators_per_satellite
    large = replace(
        design, accelerators_per_satellite=int(1.5 * size), radiator_area_m2=min(1.5 * design.radiator_area_m2, 9e3)
    )
    assert improved(statement, large, 2).accelerators_per_satellite < large.accelerators_per_satellite


def test_without_a_size_to_choose_it_starts_from_the_design(study_problem: StudyProblem) -> None:
    problem = study_problem("orbit-200mw", "design.accelerators_per_satellite=124")
    statement = state(problem)
    design = search(problem, seed=3, time_limit_s=20.0, effort=BRIEF).nearest
    better = improved(statement, design, 1)
    assert better.accelerators_per_satellite == 124
    assert merit(statement, better) <= merit(statement, design)
