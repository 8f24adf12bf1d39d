"""What else a plan is asked: fronts, scenarios, choices, new designs, break-even; with its files and exit codes."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyomo.environ as pyo
import pytest
from click.testing import CliRunner, Result

import dawndusk as dd
from dawndusk.optimize.plan.explain import WHY_NOT
from dawndusk.studies.cli.main import application
from dawndusk.studies.cli.plans import exit_code
from dawndusk.studies.input.study import Kind
from dawndusk.studies.output.folders.plan import KNOWN, check_plan_target, write_plan
from dawndusk.studies.output.pictures.plan import painters
from dawndusk.studies.output.terminal.plan_asked import scenarios_report
from dawndusk.studies.run.folder.writing import RunFolderError
from dawndusk.studies.run.plan import runner
from dawndusk.studies.run.plan.asked.break_even import break_even, orbit_at
from dawndusk.studies.run.plan.asked.uncertainty import MISSED_OVER_LCOC, scenarios_of
from dawndusk.studies.run.plan.reading import read_plan
from dawndusk.studies.run.plan.result import PlanResult
from dawndusk.studies.run.plan.runner import run_plan

SMALL: dict[str, Any] = json.loads((Path(__file__).parents[2] / "small_plan.json").read_text())
PLAN: dict[str, Any] = {
    **SMALL["plan"],
    "objective": "lcoc",
    "demand": {**SMALL["plan"]["demand"], "sales": [{"price_usd_per_pflop_hour": 60.0, "most_pflops": 6000}]},
    "ground": {"accelerators": ["tpu_v7"], "mw_per_year": 0.5},
}
STATED: dict[str, Any] = {**SMALL, "plan": PLAN}
ASKED = [
    "plan.front={against: capital, points: 1}",
    "plan.scenarios={count: 3, first_years: 1, cvar_weight: 0.5}",
    "plan.break_even.electricity_usd_per_mwh=[20, 400]",
]


@pytest.fixture(scope="module")
def asked() -> PlanResult:
    return run_plan(read_plan(STATED, ASKED), slips=[("starship_v3", 1.0)], choices=["vehicle=falcon_9>=60"])


@pytest.fixture(scope="module")
def folder(asked: PlanResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_plan(asked, tmp_path_factory.mktemp("plans") / "plan")


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(application, list(arguments), standalone_mode=False)


def written(tmp_path: Path, **changes: Any) -> str:
    path = tmp_path / "study.json"
    path.write_text(json.dumps({**STATED, "plan": {**PLAN, **changes}}))
    return str(path)


@pytest.mark.slow
def test_a_front_begins_with_the_plan_and_spends_less_and_less(asked: PlanResult) -> None:
    assert asked.front[0].planned is asked.planned
    capital = [point.rival or 0.0 for point in asked.front]
    assert capital == sorted(capital, reverse=True)
    for point in asked.front[1:]:
        assert point.planned.objective is not None and asked.objective is not None
        assert point.planned.objective >= asked.objective
        assert point.planned.bound is not None and point.planned.bound <= point.planned.objective
        assert point.limit is not None and point.rival is not None and point.rival <= point.limit * (1.0 + 1e-6)


@pytest.mark.slow
def test_a_front_against_value_says_both_and_the_limit_of_each_plan(tmp_path: Path) -> None:
    done = invoke(
        "plan", written(tmp_path), "--front", "npv", "--points", "1", "--no-explain", "--no-pictures",
        "--out", str(tmp_path / "out"),
    )  # fmt: skip
    assert done.return_value == 0
    assert "npv limit" in done.output
    table = pd.read_csv(tmp_path / "out" / "front.csv")
    assert set(table["against"]) == {"value_usd"}
    assert table["value_usd"].is_monotonic_increasing
    assert (table["value_usd"] >= table["limit"].fillna(-1e18) * (1.0 - 1e-6)).all()
    assert (table["objective"] == table["lcoc_usd_per_pflop_hour"]).all()


@pytest.mark.slow
def test_scenarios_cost_no_less_than_with_foresight(asked: PlanResult) -> None:
    found = asked.hedged
    assert found is not None
    assert found.status == "optimal"
    assert len(found.cost_usd) == 3
    assert (found.regret_usd >= -1e-6 * found.cost_usd).all()
    assert found.mean_usd <= found.cvar_usd * (1.0 + 1e-9)


@pytest.mark.slow
def test_scenarios_without_a_common_first_stage_say_so_and_have_no_picture(asked: PlanResult) -> None:
    assert asked.hedged is not None
    none = dataclasses.replace(asked.hedged, status="infeasible", cost_usd=np.full(3, np.nan))
    result = dataclasses.replace(asked, hedged=none)
    assert "scenarios" in painters(asked)
    assert "scenarios" not in painters(result)
    (words,) = scenarios_report(result, none)
    assert "3 scenarios, infeasible" in str(words)
    assert exit_code(result) == 4


@pytest.mark.slow
def test_other_plans_keep_their_premise_and_cost_more(asked: PlanResult) -> None:
    forced, slipped = asked.alternatives
    assert (forced.what, slipped.what) == ("vehicle=falcon_9>=60", "starship_v3 1 years later")
    assert forced.planned.problem.choices[WHY_NOT].least == 60.0
    assert forced.planned.plan is not None
    assert forced.planned.plan.decisions.launches[0].sum() >= 60.0
    assert forced.change is not None and forced.change > 0.0


@pytest.mark.slow
def test_everything_that_was_asked_is_written_and_known(asked: PlanResult, folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}
    assert names <= KNOWN
    for name in ("front", "scenarios", "first_stage", "alternatives", "break_even", "break_even_map", "valuation"):
        assert len(pd.read_parquet(folder / f"{name}.parquet")) == len(pd.read_csv(folder / f"{name}.csv")) > 0
    assert {"front.svg", "scenarios.svg", "break_even.svg", "valuation.svg"} <= names
    content = json.loads((folder / "plan.json").read_text())
    assert len(content["front"]) == len(asked.front)
    assert [row["what"] for row in content["alternatives"]] == [one.what for one in asked.alternatives]
    assert {"front", "scenarios", "alternatives", "break_even_map"} <= set(pd.read_excel(folder / "plan.xlsx", None))


@pytest.mark.slow
def test_the_manifest_names_the_study_of_the_folder(asked: PlanResult, folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    study = dd.load(folder / "study.yaml")
    assert study.kind is Kind.PLAN
    assert manifest["study_hash"] == study.hash == read_plan(folder / "study.yaml").hash == asked.question.hash
    assert (manifest["engine"], manifest["seed"], manifest["status"]) == ("plan", 1, asked.status)


@pytest.mark.slow
def test_files_of_others_in_the_folder_of_a_plan_are_not_lost(asked: PlanResult, folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")
    try:
        with pytest.raises(RunFolderError, match=r"other files \(notes\.txt\)"):
            write_plan(asked, folder)
        assert (folder / "notes.txt").read_text() == "mine"
    finally:
        (folder / "notes.txt").unlink()
    check_plan_target(folder)


@pytest.mark.slow
def test_new_designs_better_the_plan_and_its_study_gives_it_again(tmp_path: Path) -> None:
    done = invoke(
        "plan", written(tmp_path), "--columns", "2", "--set", "plan.columns.candidates=12", "--no-pictures",
        "--set", "plan.columns.proof_time_limit_s=0",
        "--out", str(tmp_path / "out"), "--json",
    )  # fmt: skip
    content = json.loads(done.stdout)
    found = content["new_designs"]
    assert found["after_objective"] == content["objective"] <= found["before_objective"]
    assert found["designs"], "a search with this seed finds designs that enter"
    again = run_plan(read_plan(tmp_path / "out" / "study.yaml"), explain=False)
    assert again.objective == pytest.approx(content["objective"], rel=content["gap"] + PLAN["gap"])
    assert {row["design"] for row in found["designs"]} <= set(again.question.entries)


@pytest.mark.slow
def test_a_forced_choice_is_made_and_recorded(tmp_path: Path) -> None:
    done = invoke(
        "run", written(tmp_path), "--set", "plan.choices.contract={vehicle: falcon_9, least: 60}", "--no-explain",
        "--out", str(tmp_path / "out"), "--quiet",
    )  # fmt: skip
    assert done.return_value == 0
    manifest = pd.read_csv(tmp_path / "out" / "manifest.csv")
    flown = manifest[manifest["vehicle"] == "falcon_9"].drop_duplicates(["period", "orbit", "launch"])
    assert len(flown) >= 60
    assert "contract" in (tmp_path / "out" / "study.yaml").read_text()


@pytest.mark.slow
def test_what_else_was_asked_and_is_not_settled_ends_with_4(
    asked: PlanResult, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(asked) == 0
    open_end = dataclasses.replace(asked.alternatives[0].planned, status="feasible")
    other = dataclasses.replace(asked.alternatives[0], planned=open_end)
    assert exit_code(dataclasses.replace(asked, alternatives=(other,))) == 4
    assert "not all that was asked is settled: vehicle=falcon_9>=60: feasible" in capsys.readouterr().err
    assert exit_code(dataclasses.replace(asked, interrupted=True)) == 130


@pytest.mark.slow
def test_an_interrupt_beside_the_plan_keeps_the_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "hedged", interrupted)
    done = invoke(
        "plan", written(tmp_path), "--scenarios", "2", "--no-explain", "--no-pictures", "--quiet",
        "--out", str(tmp_path / "out"),
    )  # fmt: skip
    assert done.return_value == 130
    assert (tmp_path / "out" / "plan.parquet").is_file()


@pytest.mark.slow
def test_from_python_as_from_the_command_line(tmp_path: Path) -> None:
    result = dd.plan(STATED, out=tmp_path / "plan", why_not=["ground=tpu_v7<=0"])
    assert isinstance(result, dd.PlanResult)
    assert result.status == "optimal"
    assert result.alternatives[0].planned.problem.choices[WHY_NOT].most == 0.0
    assert (tmp_path / "plan" / "manifest.json").is_file()
    assert isinstance(dd.load(STATED).run(), dd.PlanResult)


def test_the_model_is_one_to_build_on() -> None:
    """A planner adds a row, fixes a variable, and puts the model as a block into a larger one."""
    larger = pyo.ConcreteModel()
    larger.fleet = dd.plan_model(STATED, overrides=["plan.objective=cost"])
    larger.fleet.objective.deactivate()
    falcons = [variable for key, variable in larger.fleet.launches.items() if key[0] == "falcon_9"]
    larger.contract = pyo.Constraint(expr=pyo.quicksum(falcons) >= 30.0)
    falcons[0].fix(5.0)
    larger.overhead = pyo.Var(bounds=(7.0, None))
    larger.objective = pyo.Objective(expr=larger.fleet.cost + larger.overhead)
    pyo.SolverFactory("highs").solve(larger)
    assert sum(pyo.value(variable) for variable in falcons) >= 30.0 - 1e-6
    assert (pyo.value(falcons[0]), pyo.value(larger.overhead)) == (5.0, 7.0)


def test_break_even_of_a_price_is_where_orbit_costs_what_the_ground_costs() -> None:
    economy = read_plan(STATED, ["plan.vehicles={falcon_9: {launches_per_year: 0}}"]).problem.economy
    for row in break_even(economy, (400.0,)):
        period = economy.calendar.labels.index(row.period)
        assert row.vehicle == "starship_v3"
        at_break_even = orbit_at(economy, row.launch_usd_per_kg)[period]
        assert at_break_even == pytest.approx(row.ground_usd_per_pflop_hour, rel=1e-9)


def test_scenarios_are_those_stated_or_drawn_from_the_seed() -> None:
    stated = {"late": {"probability": 0.25, "late_years": {"starship_v3": 2}}, "not": {"probability": 0.75}}
    one = scenarios_of(read_plan({**STATED, "plan": {**PLAN, "scenarios": {"stated": stated}}}))
    assert [(s.name, s.probability, s.late_years) for s in one] == [
        ("late", 0.25, (("starship_v3", 2.0),)),
        ("not", 0.75, ()),
    ]
    drawn = read_plan(STATED, ["plan.scenarios.count=4"])
    assert scenarios_of(drawn) == scenarios_of(drawn)
    assert scenarios_of(drawn) != scenarios_of(read_plan(STATED, ["plan.scenarios.count=4", "plan.seed=2"]))
    assert MISSED_OVER_LCOC > 1.0
