from __future__ import annotations

import dataclasses

import pytest

import dawndusk as dd
from dawndusk.models.errors import DawnduskError
from dawndusk.optimize.progress import Progress
from dawndusk.studies.run.design.runner import evaluate_design, nominal_design, problem_of, run_design


def test_the_problem_is_that_of_the_study() -> None:
    study = dd.load("orbit-200mw", ["subject_to=[capex_usd <= 1e11]"])
    problem = problem_of(study)
    assert problem.assumptions is study.assumptions
    assert problem.space == study.space
    assert (problem.objective, problem.sense) == ("lcoc_usd_per_pflop_hour", "minimise")
    assert problem.bounds == study.bounds
    assert problem.satellites_follow_demand


def test_the_nominal_design_meets_the_demand_unless_told_otherwise() -> None:
    study = dd.load("orbit-200mw")
    assert nominal_design(study).satellites > 1
    assert nominal_design(study, accelerators_per_satellite=1024).satellites < nominal_design(study).satellites
    assert nominal_design(study, satellites=3).satellites == 3
    assert nominal_design(dd.load("kuiper-3236")).satellites == 3236


def test_a_run_reports_and_explains_itself() -> None:
    reports: list[Progress] = []
    result = run_design(
        dd.load("orbit-200mw", ["search.time_limit_s=0.3", "search.seed=5", "search.engine=evolution"]), reports.append
    )
    assert reports
    assert (result.seed, result.stopped_by, result.bound, result.gap) == (5, "time limit", None, None)
    assert 0.3 <= result.seconds < 5
    assert result.evaluated_designs >= reports[-1].evaluated


def test_a_ground_study_can_not_be_searched() -> None:
    with pytest.raises(DawnduskError, match="found ground; a design search needs kind design"):
        run_design(dd.load("ground-only"))


@pytest.mark.parametrize(
    "absurd", [{"platform": {"fixed_mass_kg": 1e308}}, {"ground": {"electricity_usd_per_mwh": 1e308}}]
)
def test_values_beyond_the_model_are_an_error_without_a_warning(absurd: dict[str, dict[str, float]]) -> None:
    """A study file can not hold such values; assumptions built in Python can."""
    known = dd.load("orbit-200mw")
    groups = {name: dataclasses.replace(getattr(known.assumptions, name), **values) for name, values in absurd.items()}
    study = dataclasses.replace(known, assumptions=known.assumptions.replace(**groups))
    with pytest.raises(DawnduskError, match=r"values that the model can not compute with \(.* = (inf|nan)\)"):
        evaluate_design(study, nominal_design(study))
