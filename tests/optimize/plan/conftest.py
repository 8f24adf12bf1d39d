from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dawndusk.models.design import Design
from dawndusk.models.fleet.calendar import Calendar, YearPath
from dawndusk.models.fleet.economy import Terms, economy_of
from dawndusk.optimize.plan.problem.problem import Objective, PlanDemand, PlanProblem
from dawndusk.studies.input.studyfile import study_from_mapping
from dawndusk.studies.run.design.runner import nominal_design

MakePlan = Callable[..., PlanProblem]

ACCELERATORS = ("tpu_v7", "gb200_nvl72", "b200")


def designs_of(count: int) -> tuple[dict[str, Design], Any]:
    """Some designs that keep every rule of a satellite, with the assumptions of the main study from 2029 on."""
    study = study_from_mapping(
        {
            "name": "plan",
            "extends": "orbit-200mw",
            "assumptions": {"scenario": {"first_launch_year": 2029}, "launch": {"programme_share": 0.5}},
        }
    )
    nominal, designs = nominal_design(study), {}
    for number in range(count):
        name = ACCELERATORS[number % len(ACCELERATORS)]
        each = (64, 32, 96)[number % 3]
        area = 3.2 * each * study.assumptions.accelerators[name].it_power_w / 1000.0
        designs[f"{name}_{each}_{number}"] = nominal.replace(
            accelerator=name,
            accelerators_per_satellite=each,
            radiator_area_m2=round(area, 1),
            radiator="deployable_cfrp",
            array="silicon_flexible",
            life_years=5.0,
        )
    return designs, study.assumptions


def planned(
    *,
    designs: int = 2,
    years: int = 4,
    steps: int = 1,
    vehicles: tuple[str, ...] = ("falcon_9", "starship_v3"),
    objective: Objective = Objective.COST,
    demand: PlanDemand | None = None,
    terms: Terms | None = None,
    **rest: Any,
) -> PlanProblem:
    """A plan of a few years and designs that is solved in a second or two; any part may be replaced."""
    catalogue, assumptions = designs_of(designs)
    economy = economy_of(catalogue, vehicles, assumptions, Calendar(2029, years, steps), terms or Terms())
    asked = demand or PlanDemand(least_pflops=YearPath((2029.0, 2033.0), (500.0, 8000.0)))
    return PlanProblem(economy=economy, objective=objective, demand=asked, **rest)


@pytest.fixture
def make_plan() -> MakePlan:
    """See ``planned``."""
    return planned
