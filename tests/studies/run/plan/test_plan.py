"""Plans for users: their part of a study, clear errors, outcomes with exit codes, and what is written down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyomo.environ as pyo
import pytest
from click.testing import CliRunner, Result

from dawndusk.models.errors import MissingExtraError
from dawndusk.optimize.plan.problem.problem import ForcedChoice
from dawndusk.studies.cli.plans import plan_command
from dawndusk.studies.input.errors import StudyError
from dawndusk.studies.output.folders.plan import default_plan_folder, export_plan_model, write_plan
from dawndusk.studies.run.folder.writing import RunFolderError
from dawndusk.studies.run.plan.asked.break_even import break_even, break_even_table
from dawndusk.studies.run.plan.asked.valuation import sensitivity_table, valuation_table
from dawndusk.studies.run.plan.question import PlanStudy
from dawndusk.studies.run.plan.reading import plan_names, read_plan
from dawndusk.studies.run.plan.result import PlanResult
from dawndusk.studies.run.plan.runner import compare_choice, compare_slip, plan_model, run_plan

STATED: dict[str, Any] = json.loads((Path(__file__).parents[2] / "small_plan.json").read_text())
PLAN: dict[str, Any] = STATED["plan"]


def stated(**changes: Any) -> dict[str, Any]:
    return {**STATED, "plan": {**PLAN, **changes}}


@pytest.fixture(scope="module")
def solved() -> PlanResult:
    sales = [{"price_usd_per_pflop_hour": 60.0}]
    demand = {**PLAN["demand"], "sales": sales}
    return run_plan(read_plan(stated(demand=demand, ground={"accelerators": ["tpu_v7"], "mw_per_year": 0.5})))


@pytest.mark.parametrize("name", plan_names())
def test_shipped_plans_are_valid(name: str) -> None:
    question = read_plan(name)
    assert question.name == name
    assert not question.left_out
    model = plan_model(question)
    assert any(isinstance(one, pyo.Constraint) for one in model.component_objects(pyo.Constraint))


@pytest.mark.parametrize(
    ("changes", "key", "says"),
    [
        ({"vehicles": {"falcon9": {}}}, "plan.vehicles.falcon9", "did you mean 'falcon_9'"),
        ({"vehicles": {}}, "plan.vehicles", "at least one vehicle"),
        ({"vehicles": {"falcon_9": {"price_usd": -5}}}, "price_usd", "a number from 1"),
        ({"vehicles": {"falcon_9": {"windows": [[2029, 2031], [2030, 2033]]}}}, "windows", "do not overlap"),
        ({"vehicles": {"falcon_9": {"windows": [[2031, 2030]]}}}, "windows", "the first before the second"),
        ({"last_year": 2028}, "plan.last_year", "the first not after the last"),
        ({"step": "month"}, "plan.step", "year, quarter"),
        ({"objective": "lcoe"}, "plan.objective", "did you mean 'lcoc'"),
        ({"objective": "npv"}, "plan.objective", "demand.sales"),
        ({"demand": {}}, "plan.demand", "above zero in some year"),
        ({"demand": {"delivered_pflops": {"later": 5}}}, "delivered_pflops", "years from 2000 to 2100"),
        ({"demand": {"delivered_pflops": {"2030": "1000"}}}, "delivered_pflops", "without quotes"),
        ({"demand": {"pflops": 3}}, "plan.demand", "delivered_pflops"),
        ({"gap": 0}, "plan.gap", "above 0"),
        ({"catalogue": {}}, "plan.catalogue", "at least one"),
        ({"catalogue": {"designs": {"a": {"changes": {"altitude": 500}}}}}, "altitude", "did you mean 'altitude_km'"),
        ({"catalogue": {"designs": {"a": {"changes": {"accelerator": "tpu_v8"}}}}}, "accelerator", "tpu_v7"),
        (
            {"catalogue": {"designs": {"a": {"changes": {"altitude_km": 50}}}}},
            "plan.catalogue.designs.a",
            "400 to 2000",
        ),
        ({"catalogue": {"runs": ["nowhere"]}}, "plan.catalogue.runs[0]", "the folder of a design run"),
        ({"ground": {"accelerators": ["tpu_v9"]}}, "plan.ground.accelerators", "tpu_v7"),
        (
            {"sites": {"cape": {"vehicles": ["vulcan_vc6"], "launches_per_year": 5}}},
            "plan.sites.cape.vehicles",
            "falcon_9",
        ),
    ],
)
def test_what_is_wrong_is_said(changes: dict[str, Any], key: str, says: str) -> None:
    with pytest.raises(StudyError) as raised:
        read_plan(stated(**changes))
    assert key in str(raised.value)
    assert says in str(raised.value)


def test_a_catalogue_that_nothing_can_lift_says_how_heavy_it_is() -> None:
    heavy = {"accelerator": "tpu_v7", "accelerators_per_satellite": 4000}
    with pytest.raises(StudyError, match=r"heavy: .*no vehicle \([0-9,]+ kg\)|heavy: breaks"):
        read_plan(stated(catalogue={"designs": {"heavy": {"changes": heavy}}}, vehicles={"falcon_9": {}}))


def test_demand_before_the_first_launch_says_from_when() -> None:
    late = {"falcon_9": {"windows": [[2031, 2040]]}}
    with pytest.raises(StudyError, match=r"before anything can be launched.*zero until 2031"):
        read_plan(stated(vehicles=late))


def test_a_plan_without_its_part_or_of_another_kind() -> None:
    with pytest.raises(StudyError, match="plan: found nothing"):
        read_plan({"name": "x", "extends": "orbit-200mw", "kind": "plan"})
    with pytest.raises(StudyError, match="plan: found a plan in a study of kind design; allowed it in a study of kind"):
        read_plan({**stated(), "kind": "design"})
    with pytest.raises(StudyError, match="kind: found 'design'; allowed a study of kind plan"):
        read_plan("orbit-200mw")
    with pytest.raises(StudyError, match="did you mean 'plan-200mw'"):
        read_plan("plan-200")


def test_set_items_change_the_plan() -> None:
    question = read_plan(stated(), ["plan.step=quarter", "plan.demand.delivered_pflops=50"])
    assert question.problem.economy.calendar.periods == 16
    assert question.hash != read_plan(stated()).hash
    with pytest.raises(StudyError, match=r"--set plan\.gap"):
        read_plan(stated(), ["plan.gap=7"])


def test_a_plan_of_one_period() -> None:
    result = run_plan(read_plan(stated(last_year=2029, demand={"delivered_pflops": 100})))
    assert result.status == "optimal"
    assert result.plan is not None
    assert not result.plan.broken


def test_a_resolved_plan_reads_back_as_itself() -> None:
    question = read_plan(stated())
    again = read_plan(question.study.resolved)
    assert again.section == question.section
    assert again.study.hash == question.study.hash
    spelt = read_plan(question.spelt_out.resolved)
    assert spelt.hash == question.hash
    assert [e.design for e in spelt.entries.values()] == [e.design for e in question.entries.values()]


def test_budget_that_ends_mid_horizon_leaves_no_plan_and_is_named() -> None:
    budget = {"usd_per_year": {"2030": 1e11, "2030.9": 1e11, "2031": 0}}
    result = run_plan(read_plan(stated(budget=budget)))
    assert result.plan is None
    assert result.objective is None
    assert result.planned.near_miss is not None
    assert {(held.rule, held.label) for held in result.planned.near_miss.broken} == {
        ("budget", "2031"),
        ("budget", "2032"),
    }


def test_budget_that_never_suffices_is_proved_infeasible_and_named() -> None:
    result = run_plan(read_plan(stated(budget={"usd_per_year": 1e7})))
    assert result.status == "infeasible"
    assert result.conflict is not None
    assert "budget" in {given.rule for given in result.conflict.given} | {name for name, _ in result.conflict.alone}


def test_a_limit_out_of_reach_is_proved_so_and_said_in_its_units() -> None:
    result = run_plan(read_plan(stated(limits={"capital_usd": 1e9})))
    assert result.status == "infeasible"
    assert result.conflict is not None
    (given,) = [given for given in result.conflict.given if given.rule == "capital_limit"]
    assert given.limit == pytest.approx(1e9)
    assert given.units == "USD"
    least = run_plan(read_plan(stated(objective="capital")), explain=False)
    assert least.objective is not None
    assert 0.9 * (least.objective - 1e9) < given.amount <= least.objective - 1e9
    assert result.planned.near_miss is not None
    assert [held.rule for held in result.planned.near_miss.broken] == ["capital_limit"]


def test_folder_holds_what_a_planner_opens(solved: PlanResult, tmp_path: Path) -> None:
    folder = write_plan(solved, tmp_path / "plan")
    table = pd.read_parquet(folder / "plan.parquet")
    assert solved.plan is not None
    assert table["built"].sum() >= solved.plan.decisions.built.sum()
    orbit = table[table["vehicle"] != "ground"]
    assert orbit["built"].sum() == solved.plan.decisions.built.sum()
    assert table.groupby("period")["delivered_pflops"].sum().max() == pytest.approx(solved.plan.fleet.pflops.max())
    manifest = pd.read_csv(folder / "manifest.csv")
    assert manifest["satellites"].sum() == solved.plan.decisions.built.sum()
    assert (manifest.groupby(["period", "vehicle", "launch"])["share"].sum() <= 1.0 + 1e-9).all()
    cash = pd.read_csv(folder / "cash_flow.csv")
    assert cash["discounted_cost_usd"].sum() == pytest.approx(solved.plan.accounts.cost_usd)
    summary = json.loads((folder / "plan.json").read_text())
    assert summary["objective"] == pytest.approx(solved.objective)
    assert summary["gap"] <= 0.03
    sheets = pd.read_excel(folder / "plan.xlsx", sheet_name=None)
    assert set(sheets) == {"about", "plan", "manifest", "cash_flow", "service", "valuation", "sensitivity"}
    assert {path.suffix for path in folder.glob("*.svg")} == {".svg"}
    assert read_plan(folder / "study.yaml").name == "small-plan"
    write_plan(solved, folder, pictures=False)
    assert not list(folder.glob("*.svg"))


def test_folder_of_others_is_left_alone(solved: PlanResult, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RunFolderError, match="other files"):
        write_plan(solved, tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert default_plan_folder(solved.question).name.startswith("small-plan-")


def test_pictures_without_matplotlib_name_the_extra(
    solved: PlanResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"dawndusk\[plot\]"):
        write_plan(solved, tmp_path / "plan", pictures=True)
    assert not (tmp_path / "plan").exists()


def test_valuation_adds_up(solved: PlanResult) -> None:
    assert solved.plan is not None
    problem = solved.planned.problem
    table = valuation_table(problem, solved.plan)
    value = float(solved.plan.revenue_usd.sum()) - solved.plan.accounts.cost_usd
    assert table["value_usd"].sum() == pytest.approx(value)
    assert table["cash_usd"].sum() == pytest.approx(table["cumulative_cash_usd"].iloc[-1])
    assert table["written_off_usd"].sum() == pytest.approx(table["capital_usd"].sum())
    here = problem.economy.assumptions.scenario.discount_rate
    grid = sensitivity_table(problem, solved.plan, prices=(0.5, 1.0), rates=(here, 0.3))
    row = grid[(grid["discount_rate"] == here) & (grid["price_share"] == 1.0)]
    assert row["value_usd"].item() == pytest.approx(value)
    assert grid.groupby("discount_rate")["value_usd"].apply(lambda v: v.is_monotonic_increasing).all()


def test_break_even_falls_where_electricity_is_dear() -> None:
    economy = read_plan("plan-break-even").problem.economy
    rows = break_even(economy, (40.0, 400.0))
    by_period = {row.period: row.launch_usd - row.listed_usd for row in rows if row.electricity_usd_per_mwh == 40.0}
    for row in rows:
        if row.electricity_usd_per_mwh == 400.0:
            assert row.launch_usd - row.listed_usd > by_period[row.period]
        assert row.orbit_wins == (row.launch_usd > row.listed_usd)
    assert len(break_even_table(economy, (40.0,))) == len(by_period)


def test_slip_and_why_not_of_a_result(solved: PlanResult) -> None:
    with pytest.raises(StudyError, match="did you mean 'starship_v3'"):
        compare_slip(solved, "starship", 2.0)
    with pytest.raises(StudyError, match="allowed tpu"):
        compare_choice(solved, ForcedChoice(design="tpux", least=1.0))
    other = compare_choice(solved, ForcedChoice(vehicle="falcon_9", most=0.0))
    assert other.planned.status in {"optimal", "feasible", "infeasible"}


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(plan_command, list(arguments), standalone_mode=False)


def written(tmp_path: Path, **changes: Any) -> str:
    path = tmp_path / "study.json"
    path.write_text(json.dumps(stated(**changes)))
    return str(path)


def test_command_solves_and_says_so(tmp_path: Path) -> None:
    done = invoke(written(tmp_path), "--out", str(tmp_path / "out"), "--no-pictures")
    assert done.exception is None
    assert done.return_value == 0
    assert "proved within" in done.output
    assert (tmp_path / "out" / "plan.parquet").is_file()


def test_command_exit_codes(tmp_path: Path) -> None:
    asked = {"delivered_pflops": 1e8}
    none = invoke(written(tmp_path, demand=asked), "--out", str(tmp_path / "none"), "--json")
    assert none.return_value == 3
    early = invoke(
        written(tmp_path, step="quarter", last_year=2036, gap=1e-6),
        "--time-limit",
        "0.5",
        "--out",
        str(tmp_path / "early"),
        "--quiet",
        "--no-pictures",
        "--no-explain",
    )
    assert early.return_value == 4
    assert (tmp_path / "early" / "plan.json").is_file()
    bad = invoke(written(tmp_path, gap=2))
    assert isinstance(bad.exception, StudyError)


def test_command_exports_the_model(tmp_path: Path) -> None:
    file = tmp_path / "plan.mps"
    done = invoke(written(tmp_path), "--export", str(file))
    assert done.return_value == 0
    assert "compute_demand" in file.read_text()
    question: PlanStudy = read_plan(stated())
    with pytest.raises(StudyError, match="the ending"):
        export_plan_model(question, tmp_path / "plan.xml")
