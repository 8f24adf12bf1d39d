from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pytest

import dawndusk as dd
from dawndusk.models.design import VARIABLES
from dawndusk.models.errors import DawnduskError, DesignError
from dawndusk.models.outcome import OUTCOMES
from dawndusk.studies.api import as_batch
from dawndusk.studies.input.study import Kind
from dawndusk.studies.input.studyfile import library_path
from dawndusk.studies.run.design.runner import run_design
from dawndusk.studies.run.trials.result import SearchRun

MakeStudy: TypeAlias = Callable[..., dd.Study]


@pytest.fixture(scope="module")
def study(small_study: MakeStudy) -> dd.Study:
    return small_study()


@pytest.fixture(scope="module")
def result(study: dd.Study) -> dd.RunResult:
    found = study.run()
    assert isinstance(found, dd.RunResult)
    return found


def test_a_study_is_loaded_by_name_path_and_mapping(tmp_path: Path) -> None:
    named = dd.load("orbit-200mw")
    assert dd.load(library_path("orbit-200mw")) == named
    assert dd.load(str(library_path("orbit-200mw"))) == named
    assert dd.load(named.resolved) == named
    path = tmp_path / "again.yaml"
    path.write_text(named.to_yaml(), encoding="utf-8")
    assert dd.load(path).hash == named.hash


def test_overrides_are_those_of_the_command_line(study: dd.Study, small_study: MakeStudy) -> None:
    assert small_study("design.life_years=5") != study
    assert small_study("design.life_years=5").evaluate().design.life_years == 5


def test_the_run_is_the_best_and_the_same_again(study: dd.Study, result: dd.RunResult) -> None:
    again = study.run()
    assert isinstance(again, dd.RunResult)
    assert (again.design, again.objective, again.status) == (result.design, result.objective, "optimal")
    assert result.objective == result.outcome["lcoc_usd_per_pflop_hour"]
    assert result == result  # noqa: PLR0124 (results hold arrays, and compare all the same)
    assert (result == again) is False


def test_a_result_as_a_table_has_a_row_for_each_combination(result: dd.RunResult) -> None:
    frame = result.to_frame()
    assert list(frame.columns) == [*VARIABLES, *OUTCOMES, "violation", "feasible"]
    assert sorted(frame["array"]) == ["iii_v_rosa", "silicon_flexible"]
    assert frame["lcoc_usd_per_pflop_hour"][0] == pytest.approx(result.objective, rel=1e-12)
    assert frame["satellites"].dtype == np.int64


def test_an_evaluation_as_a_table_has_a_row_for_each_outcome(result: dd.RunResult) -> None:
    frame = result.best.to_frame()
    assert list(frame.index) == list(OUTCOMES)
    assert frame.loc["capex_usd", "units"] == "USD"
    assert frame.loc["capex_usd", "value"] == result.outcome["capex_usd"]


def test_one_design_with_some_variables_changed() -> None:
    evaluated = dd.evaluate("orbit-200mw", altitude_km=900)
    assert evaluated.design.altitude_km == 900
    assert evaluated.outcome == dd.load("orbit-200mw", ["design.altitude_km=900"]).evaluate().outcome


def test_the_fleet_follows_the_demand_when_the_satellite_changes() -> None:
    small, large = (dd.evaluate("orbit-200mw", accelerators_per_satellite=count) for count in (36, 144))
    assert small.design.satellites == pytest.approx(4 * large.design.satellites, abs=4)
    for evaluated in (small, large):
        assert evaluated.outcome["it_power_mw"] >= 200 * (1 - 1e-9)
    assert dd.evaluate("orbit-200mw", satellites=10).design.satellites == 10


def test_a_given_design_keeps_its_fleet(study: dd.Study, result: dd.RunResult) -> None:
    again = study.evaluate(result.design)
    assert again == result.best
    assert study.evaluate(result.design, accelerators_per_satellite=1).design.satellites == result.design.satellites


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"altitud_km": 900}, "did you mean 'altitude_km'"),
        ({"altitude_km": float("nan")}, "altitude_km: found nan, allowed 400 to 2000 km"),
        ({"altitude_km": "900"}, "expected a number in km, found '900'"),
        ({"satellites": 1.5}, "whole number"),
        ({"satellites": 0}, "found 0, allowed 1 to"),
        ({"accelerator": "h1000"}, "h100"),
        ({"vehicle": 9}, "expected a name, found 9"),
    ],
)
def test_misuse_of_evaluate_is_explained(variables: dict[str, Any], message: str) -> None:
    with pytest.raises(dd.DawnduskError, match=message):
        dd.evaluate("orbit-200mw", **variables)


def test_a_loaded_study_takes_no_overrides(study: dd.Study) -> None:
    with pytest.raises(DesignError, match=r"give them to load\(\)"):
        dd.evaluate(study, overrides=["design.life_years=5"])


@pytest.mark.parametrize("kind", ["sequence", "table", "batch", "arrow"])
def test_many_designs_are_evaluated_as_each_alone(study: dd.Study, kind: str) -> None:
    nominal = study.evaluate().design
    designs = [
        nominal.replace(altitude_km=km, array=a) for km in (450, 700) for a in ("silicon_flexible", "iii_v_rosa")
    ]
    batch = dd.DesignBatch.of(designs)
    table = pd.DataFrame([design.to_dict() for design in designs], index=[9, 9, 3, 1])
    given: Any = {
        "sequence": designs,
        "table": table,
        "batch": batch,
        "arrow": table.convert_dtypes(dtype_backend="pyarrow"),
    }[kind]
    evaluated = study.evaluate_batch(given)
    assert len(evaluated) == 4
    frame = evaluated.to_frame()
    assert list(frame["array"]) == [design.array for design in designs]
    for index, design in enumerate(designs):
        alone = study.evaluate(design)
        assert frame["capex_usd"][index] == pytest.approx(alone.outcome["capex_usd"], rel=1e-12)
        assert bool(frame["feasible"][index]) == alone.feasible


def test_a_table_of_results_can_be_evaluated_again(study: dd.Study, result: dd.RunResult) -> None:
    frame = result.to_frame()
    again = study.evaluate_batch(frame).to_frame()
    np.testing.assert_allclose(again["lcoc_usd_per_pflop_hour"], frame["lcoc_usd_per_pflop_hour"], rtol=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="life_years"), "column 'life_years': missing"),
        (lambda f: f.rename(columns={"life_years": "lifeyears"}), "did you mean 'lifeyears'"),
        (lambda f: f.assign(life_years="five"), "column 'life_years': found text"),
        (lambda f: f.assign(life_years=float("nan")), "design.life_years: found nan"),
        (lambda f: f.assign(life_years=-1.0), "design.life_years: found -1"),
        (lambda f: f.assign(satellites=1.5), "whole number"),
        (lambda f: f.assign(vehicle=None), "column 'vehicle': found an empty cell"),
        (lambda f: f.assign(vehicle="starship_v9"), "starship_v9"),
    ],
)
def test_a_bad_table_names_its_column(study: dd.Study, result: dd.RunResult, change: Any, message: str) -> None:
    with pytest.raises(dd.DawnduskError, match=message):
        study.evaluate_batch(change(result.to_frame()))


@pytest.mark.parametrize("designs", [5, "designs", [1, 2], {"altitude_km": 5}, None, []])
def test_what_is_no_batch_is_refused(designs: Any) -> None:
    with pytest.raises(DesignError, match=r"designs: found a|at least one design"):
        as_batch(designs)


def test_a_ground_study_runs_to_its_options(tmp_path: Path) -> None:
    study = dd.load("ground-only")
    assert study.kind is Kind.GROUND
    found = study.run()
    assert isinstance(found, dd.GroundResult)
    assert len(found.to_frame()) == len(found.options)
    with pytest.raises(dd.DawnduskError, match="ground study, which writes no run folder"):
        study.run(out=tmp_path / "x")


def test_a_run_can_be_written(study: dd.Study, tmp_path: Path) -> None:
    study.run(out=tmp_path / "deep" / "run")
    assert dd.load(tmp_path / "deep" / "run" / "study.yaml") == study
    with pytest.raises(dd.DawnduskError, match="other files"):
        study.run(out=tmp_path)


def test_a_hostile_title_is_escaped_in_a_notebook(small_study: MakeStudy) -> None:
    study = small_study("search.time_limit_s=0.1", title="<script>alert(1)</script>")
    result = study.run()
    for shown in (result, study.evaluate()):
        html = shown._repr_html_()  # type: ignore[union-attr]
        assert "<script>" not in html
        assert "&lt;script&gt;" in html
        assert html.startswith("<table>")
        assert "lcoc_usd_per_pflop_hour" in html


def test_results_and_studies_survive_pickling(study: dd.Study, result: dd.RunResult) -> None:
    assert pickle.loads(pickle.dumps(study)) == study
    again = pickle.loads(pickle.dumps(result))
    assert again.to_dict() == result.to_dict()
    assert again.best == result.best
    pd.testing.assert_frame_equal(again.to_frame(), result.to_frame())


def test_nothing_can_be_assigned(study: dd.Study, result: dd.RunResult) -> None:
    for thing, field in ((study, "name"), (result, "objective"), (result.best, "design"), (result.design, "vehicle")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(thing, field, "x")


def test_a_study_is_a_key(study: dd.Study, small_study: MakeStudy) -> None:
    assert {study: 1}[small_study()] == 1


def test_the_nominal_design_has_the_satellites_that_the_demand_asks_for() -> None:
    study = dd.load("orbit-200mw")
    design = study.nominal_design()
    assert study.evaluate(design).outcome["it_power_mw"] == pytest.approx(200.0, rel=1e-3)
    assert study.nominal_design(7).satellites == 7


def test_a_front_from_python(tmp_path: Path) -> None:
    goals = ["lcoc_usd_per_pflop_hour", "deployment_years"]
    settings = ["front.certify_ends=false", "front.spacing=0.1"]
    found = dd.pareto("falcon9-today", minimise=goals, overrides=settings, out=tmp_path / "front")
    frame = found.to_frame()
    assert len(frame) > 5
    assert frame["lcoc_usd_per_pflop_hour"].is_monotonic_increasing
    assert frame["deployment_years"].is_monotonic_decreasing
    assert (tmp_path / "front" / "front.json").is_file()


def test_a_search_by_trials_from_python_keeps_its_trials(tmp_path: Path) -> None:
    items = ["search.engine=bayes", "search.sampler=random", "search.evaluations=12", "search.warm_start=false"]
    study = dd.load("falcon9-today", items)
    with pytest.raises(DawnduskError, match=r"found a search by trials without a run folder; allowed: run\(out=FOLDER"):
        study.run()
    first, again = study.run(tmp_path / "run"), study.run(tmp_path / "run")
    assert isinstance(first, SearchRun) and isinstance(again, SearchRun)
    assert (first.result.evaluated, again.result.evaluated) == (12, 0)
    with pytest.raises(DawnduskError, match=r"found a search by trials, which needs a run folder"):
        run_design(study)
