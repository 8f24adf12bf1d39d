from __future__ import annotations

import pytest

from dawndusk.optimize.problem import Goal, Problem
from dawndusk.optimize.trials.designs import DesignQuestion
from dawndusk.studies.input.studyfile import read_study
from dawndusk.studies.run.design.runner import problem_of


@pytest.fixture(scope="session")
def base_problem() -> Problem:
    """The main study: every variable open, satellites follow the demand."""
    return problem_of(read_study("orbit-200mw"))


@pytest.fixture(scope="session")
def design_question(base_problem: Problem) -> DesignQuestion:
    """The main study with two goals."""
    return DesignQuestion(base_problem, (Goal("lcoc_usd_per_pflop_hour"), Goal("deployment_years")))
