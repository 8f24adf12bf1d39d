from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dawndusk.optimize.problem import Problem
from dawndusk.studies.input.studyfile import study_from_mapping
from dawndusk.studies.run.design.runner import problem_of

MakeProblem = Callable[..., Problem]

SMALL_SPACE: dict[str, Any] = {
    "accelerator": "tpu_v7",
    "accelerators_per_satellite": 126,
    "orbit": "dawn_dusk_sso",
    "altitude_km": {"low": 400, "high": 900, "nominal": 500},
    "radiator": "deployable_two_phase",
    "radiator_area_m2": {"low": 50, "high": 2000, "nominal": 350},
    "shielding_mm": 7,
    "array": "silicon_flexible",
    "array_oversize": {"low": 0.8, "high": 1.4, "nominal": 1.0},
    "eclipse_ride_through": 0,
    "spare_fraction": 0.1,
    "optical_terminals": 2,
    "life_years": 6,
    "vehicle": "starship_v3",
    "launches_per_year": 80,
}


FLEET: dict[str, Any] = {"satellites": {"low": 1, "high": 400, "nominal": 50}, "launches_per_year": 20}


@pytest.fixture
def make_problem() -> MakeProblem:
    """The main study with three free variables; ``design`` and other keys of a study replace what is there."""

    def make(design: dict[str, Any] | None = None, **study: Any) -> Problem:
        mapping = {
            "name": "small",
            "extends": "orbit-200mw",
            "design": {**SMALL_SPACE, **(design or {})},
            **study,
        }
        return problem_of(study_from_mapping(mapping))

    return make


@pytest.fixture
def make_free_problem() -> MakeProblem:
    """A study without a demand, its fleet free; the keys given are added."""

    def make(**study: Any) -> Problem:
        mapping = {"name": "free", "extends": "base", "design": {**SMALL_SPACE, **FLEET}, **study}
        return problem_of(study_from_mapping(mapping))

    return make
