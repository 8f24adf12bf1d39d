"""Plans as studies like any other: read, extended, overridden, resolved, listed, and refused at their line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import pandas as pd
import pytest
from click.testing import CliRunner, Result

import dawndusk as dd
from dawndusk.models.design import VARIABLES
from dawndusk.models.errors import DawnduskError
from dawndusk.models.fleet.calendar import Calendar
from dawndusk.optimize.plan.problem.problem import ForcedChoice, Objective
from dawndusk.studies.cli.main import application
from dawndusk.studies.input.document import read_text
from dawndusk.studies.input.errors import Place, StudyError
from dawndusk.studies.input.study import Kind
from dawndusk.studies.input.studyfile import read_stated, read_study, study_from_mapping
from dawndusk.studies.run.plan.asked.choices import choice_item, choice_named, read_choice
from dawndusk.studies.run.plan.question import choice_of
from dawndusk.studies.run.plan.reading import plan_names, read_plan

STATED: dict[str, Any] = json.loads((Path(__file__).parents[1] / "small_plan.json").read_text())
PLAN: dict[str, Any] = STATED["plan"]
FILE = """\
name: heir
extends: plan-200mw
plan:
  last_year: 2035
  demand: {delivered_pflops: {2030: 10, 2035: 900}}
"""


def with_plan(**changes: Any) -> dict[str, Any]:
    return {**STATED, "plan": {**PLAN, **changes}}


def said(study: dict[str, Any] | Path, overrides: Sequence[str] = ()) -> str:
    with pytest.raises(StudyError) as raised:
        dd.load(study, overrides)
    return str(raised.value)


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(application, list(arguments), standalone_mode=False)


@pytest.mark.parametrize("name", plan_names())
def test_a_library_plan_is_a_study_that_reads_back_as_itself(name: str) -> None:
    study = read_study(name)
    assert (study.kind, read_stated(name).kind()) == (Kind.PLAN, Kind.PLAN)
    again = study_from_mapping(study.resolved)
    assert (again.hash, again.plan) == (study.hash, study.plan)
    assert "minimise" not in study.resolved and "search" not in study.resolved


@pytest.mark.parametrize(
    "item",
    [
        "plan.ground={accelerators: []}",
        "plan.vehicles.falcon_9.windows=[[2028.5, 2030.25], [2031, 2040.0]]",
        "plan.vehicles.falcon_9.price_usd={2027: 7e7, 2035.25: 3e7}",
        "plan.licences.fleet={satellites: 900, milestones: {2033: 0.5, 2035.5: 1}, designs: [tpu_64_8]}",
        "plan.catalogue.grids={g: {vary: {life_years: [4, 5.5], array: [silicon_flexible]}}}",
        "plan.scenarios={stated: {a: {probability: 1, late_years: {starship_v3: 2}}}, first_years: 3}",
        "plan.production={reference_usd: {all: 1.0e+7}, satellites_per_year: {2030: 10, 2040: 900}}",
    ],
)
def test_whatever_a_plan_states_reads_back_as_itself(item: str) -> None:
    study = read_study("plan-200mw", [item])
    text = study.to_yaml()
    again = study_from_mapping(read_text(text, Place("study.yaml")).plain())
    assert again.hash == study.hash
    assert again.plan == study.plan or "accelerators: []" in item


def test_the_library_has_its_plans() -> None:
    assert set(plan_names()) == {"plan-100gw", "plan-200mw", "plan-break-even", "plan-kuiper-class"}


def test_an_heir_replaces_paths_as_a_whole_and_keeps_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "heir.yaml"
    file.write_text(FILE)
    heir, parent = read_study(file).plan, read_study("plan-200mw").plan
    assert heir is not None and parent is not None
    assert heir.demand.delivered_pflops == ((2030.0, 10.0), (2035.0, 900.0))
    assert (heir.last_year, heir.first_year) == (2035, parent.first_year)
    assert (heir.vehicles, heir.catalogue, heir.ground) == (parent.vehicles, parent.catalogue, parent.ground)


def test_set_items_reach_into_a_plan_and_replace_paths_as_a_whole() -> None:
    study = read_study("plan-200mw", ["plan.ground.mw_per_year=20", "plan.demand.delivered_pflops=100"])
    assert study.plan is not None
    assert study.plan.ground.mw_per_year == ((2000.0, 20.0),)
    assert study.plan.demand.delivered_pflops == ((2000.0, 100.0),)
    assert study.hash != read_study("plan-200mw").hash
    with pytest.raises(StudyError, match=r"delivered_pflops\.2035: found one year of a path; allowed the path as a"):
        read_study("plan-200mw", ["plan.demand.delivered_pflops.2035=5"])


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("  last_yer: 2035\n", 4, "plan.last_yer: found an unknown key; allowed"),
        ("  delivered_pflops: 5\n", 4, "(did you mean 'plan.demand.delivered_pflops'?)"),
        ("  vehicles: {falcon9: {}}\n", 4, "plan.vehicles.falcon9: found 'falcon9'; allowed falcon_9"),
        ("  gap: 0\n", 4, "plan.gap: found 0; allowed a number above 0 and below 1"),
        ("  budget: {carry_over: true}\n", 4, "plan.budget.usd_per_year: found nothing; allowed Most spending"),
        ("  sites: {cape: {vehicles: [falcon_9]}}\n", 4, "plan.sites.cape.launches_per_year: found nothing"),
        ("  vehicles:\n    falcon_9:\n", 5, "plan.vehicles.falcon_9: found nothing; allowed a mapping with the keys"),
        ("  catalogue: {designs: {a: {changes: {altitud_km: 500}}}}\n", 4, "(did you mean 'altitude_km'?)"),
        ("  catalogue: {designs: {a: {changes: {altitude_km: 50}}}}\n", 4, "found 50; allowed a number from 400"),
        ("  catalogue: {grids: {g: {study: base}}}\n", 4, "plan.catalogue.grids.g.vary: found nothing"),
        (
            "  catalogue: {grids: {g: {vary: {life_years: [5]}, changes: {life_years: 4}}}}\n",
            4,
            "found a variable that is varied as well",
        ),
        ("  catalogue: {designs: {a: {from_year: 2035, until_year: 2030}}}\n", 4, "the first not after the last"),
        ("  choices: {a: {vehicle: falcon_9}}\n", 4, "plan.choices.a: found neither least nor most"),
        ("  choices: {a: {vehicle: falcon_9, design: b, least: 1}}\n", 4, "found vehicle and design together"),
        ("  choices: {a: {vehicle: falcon_9, least: 1, from_year: 2050}}\n", 4, "allowed years from 2027 to 2041"),
        ("  scenarios: {stated: {a: {probability: 0.5}}}\n", 4, "found probabilities of 0.5 in all; allowed 1 in all"),
        ("  scenarios: {count: 60, cvar_weight: 0.5}\n", 4, "found 0.5 with 60 scenarios; allowed 0, or up to 50"),
        ("  scenarios: {count: 5, first_years: 40}\n", 4, "found 40 of 15 years; allowed 1 to 15"),
        ("  ground: {accelerators: []}\n  break_even: {electricity_usd_per_mwh: [55]}\n", 5, "nothing on the ground"),
    ],
)
def test_what_is_wrong_in_a_plan_is_said_at_its_line(text: str, line: int, says: str, tmp_path: Path) -> None:
    file = tmp_path / "heir.yaml"
    file.write_text(f"name: heir\nextends: plan-200mw\nplan:\n{text}")
    message = said(file)
    assert f"heir.yaml:{line}: " in message
    assert says in message


def test_sections_about_one_design_have_no_say_in_a_plan() -> None:
    for key, value, instead in (
        ("minimise", "capex_usd", "plan.objective"),
        ("subject_to", ["capex_usd <= 5e9"], "the limits of the plan"),
        ("search", {"gap": 0.1}, "plan.gap, plan.time_limit_s and plan.seed"),
        ("demand", {"it_power_mw": 5}, "plan.demand"),
    ):
        assert f"{key}: found a section about one design in a study of kind plan; allowed {instead}" in said(
            {**STATED, key: value}
        )
    assert "search: found a section about one design" in said(STATED, ["search.gap=0.1"])


def test_a_plan_in_a_study_of_another_kind_is_refused() -> None:
    message = said({"name": "x", "extends": "plan-200mw", "kind": "design"})
    assert "plan: found a plan in a study of kind design; allowed it in a study of kind plan" in message


def test_what_is_about_one_design_refuses_a_plan() -> None:
    study = dd.load("plan-200mw")
    for call in (study.evaluate, lambda: study.evaluate_batch([]), lambda: study.objective):
        with pytest.raises(DawnduskError, match="kind: found plan, which has no single design"):
            call()
    with pytest.raises(DawnduskError, match="kind: found 'design'; allowed a study of kind plan: plan-100gw"):
        dd.plan("orbit-200mw")
    with pytest.raises(click.UsageError, match="--engine: found it with a plan; allowed: --gap"):
        application.main(["run", "plan-200mw", "--engine", "evolution"], standalone_mode=False)
    for command in (("evaluate", "plan-200mw"), ("pareto", "plan-200mw")):
        assert isinstance(invoke(*command).exception, DawnduskError)


def test_check_and_list_and_schema_know_plans() -> None:
    done = invoke("check", "plan-break-even")
    assert "plan-break-even: valid, plan study plan-break-even, hash" in done.output
    assert "plan-200mw" in invoke("list", "studies").output
    assert '"PlanSection"' in invoke("schema").output


def test_check_finds_a_catalogue_that_nothing_can_lift(tmp_path: Path) -> None:
    file = tmp_path / "heavy.yaml"
    changes = "{accelerator: tpu_v7, accelerators_per_satellite: 4000, radiator_area_m2: 9000}"
    file.write_text(
        "name: heavy\nextends: orbit-200mw\nkind: plan\nplan:\n  vehicles: {falcon_9: {}}\n"
        f"  demand: {{it_power_mw: 5}}\n  catalogue: {{designs: {{a: {{changes: {changes}}}}}}}\n"
    )
    with pytest.raises(StudyError, match=r"heavy\.yaml:7: plan\.catalogue: found no design that can be flown \(a: "):
        read_plan(file)
    assert invoke("check", str(file)).return_value == 2


def front_folder(folder: Path, file: str, count: int = 5) -> Path:
    """Write the table of a run folder that a catalogue reads."""
    folder.mkdir()
    nominal = dd.load("orbit-200mw", ["design.accelerator=tpu_v7"]).nominal_design(100)
    rows = [nominal.replace(life_years=4.0 + k).to_dict() for k in range(count)]
    pd.DataFrame(rows).assign(feasible=[True] * (count - 1) + [False]).to_parquet(folder / file)
    return folder


def test_a_catalogue_of_a_front_of_runs_of_other_studies_and_of_grids(tmp_path: Path) -> None:
    front_folder(tmp_path / "front", "front.parquet")
    front_folder(tmp_path / "Run-1", "designs.parquet")
    file = tmp_path / "plan.yaml"
    file.write_text(
        "name: own\nextends: plan-200mw\nplan:\n  catalogue:\n    front: front\n    runs: [Run-1]\n"
        "    designs_of_a_run: 2\n    designs: {lib: {study: spacex-ai1}}\n"
        "    grids: {g: {vary: {life_years: [4, 7]}, changes: {accelerator: tpu_v7}}}\n"
    )
    question = read_plan(file)
    names = set(question.entries) - set(read_plan("plan-200mw").entries)
    assert names == {"lib", "g_01", "g_02", "front_01", "front_02", "run_1_01", "run_1_02"}
    assert [question.entries[f"front_{k:02d}"].design.life_years for k in (1, 2)] == [4.0, 7.0]
    assert [question.entries[f"run_1_{k:02d}"].design.life_years for k in (1, 2)] == [4.0, 5.0]
    spelt = read_plan(question.spelt_out.resolved)
    assert spelt.hash == question.hash
    assert [entry.design for entry in spelt.entries.values()] == [entry.design for entry in question.entries.values()]


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ("front: nowhere", "found 'nowhere', which has no front.parquet; allowed the folder of a front"),
        ("runs: [front]", "the folder of a design run (write it under plan.catalogue.front)"),
        ("designs: {a: {study: spacex-ai}}", "(did you mean 'spacex-ai1'?)"),
        ("designs: {g_01: {}}\n    grids: {g: {vary: {life_years: [4]}}}", "a second design named 'g_01'"),
    ],
)
def test_a_catalogue_that_can_not_be_read_says_why(part: str, says: str, tmp_path: Path) -> None:
    front_folder(tmp_path / "front", "front.parquet")
    file = tmp_path / "plan.yaml"
    file.write_text(f"name: own\nextends: plan-200mw\nplan:\n  catalogue:\n    {part}\n")
    with pytest.raises(StudyError) as raised:
        read_plan(file)
    assert says in str(raised.value)
    assert "plan.yaml:" in str(raised.value)


def test_a_damaged_table_of_a_run_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "front").mkdir()
    (tmp_path / "front" / "front.parquet").write_text("no table")
    with pytest.raises(StudyError, match=r"whose front\.parquet can not be read"):
        read_plan(with_plan(catalogue={"front": str(tmp_path / "front")}))


def test_a_row_that_only_another_study_has_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    chip: dict[str, float] = dict.fromkeys(("bf16_dense_tflops", "chip_power_w", "it_power_w", "price_usd"), 500)
    chip |= {"mass_kg": 6, "junction_limit_k": 368, "tid_tolerance_krad": 6, "available_year": 2026}
    chip |= {"thermal_resistance_k_w": 0.06, "leakage_per_k": 0.003}
    rows = ", ".join(f"{key}: {value}" for key, value in chip.items())
    other.write_text(
        f"name: other\nextends: orbit-200mw\ndesign: {{accelerator: house_chip}}\n"
        f"assumptions: {{accelerators: {{house_chip: {{{rows}}}}}}}\n"
    )
    with pytest.raises(StudyError, match="accelerator 'house_chip', which the assumptions of this study do not have"):
        read_plan(with_plan(catalogue={"designs": {"a": {"study": str(other)}}}))


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("vehicle=falcon_9", ForcedChoice(vehicle="falcon_9", least=1.0, last=3)),
        ("vehicle=falcon_9<=0", ForcedChoice(vehicle="falcon_9", most=0.0, last=3)),
        ("design = tpu >= 20 @ 2030", ForcedChoice(design="tpu", least=20.0, first=1, last=1)),
        ("vehicle=falcon_9>=2@2030-2031", ForcedChoice(vehicle="falcon_9", least=2.0, first=1, last=2)),
    ],
)
def test_choices_as_they_are_written(text: str, choice: ForcedChoice) -> None:
    question = read_plan(STATED)
    assert choice_named(question, text) == choice
    forced = read_plan(STATED, [choice_item(text, 1)]).problem.choices
    assert forced == {"forced_1": choice}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("falcon_9", "allowed: KIND=NAME"),
        ("vehicel=falcon_9", "did you mean 'vehicle'"),
        ("vehicle=falcon-9", "did you mean 'falcon_9'"),
        ("ground=tpu_v7", "allowed: none"),
        ("vehicle=falcon_9>=1@2050", "allowed: years from 2029 to 2032"),
        ("vehicle=falcon_9>=1@2031-2030", "in their order"),
    ],
)
def test_choices_that_can_not_be_made_say_why(text: str, says: str) -> None:
    with pytest.raises(DawnduskError) as raised:
        choice_named(read_plan(STATED), text)
    assert says in str(raised.value)


def test_years_of_a_choice_count_whole_years_in_quarters() -> None:
    found = choice_of(read_choice("vehicle=falcon_9>=1@2030-2030"), Calendar(2029, 3, 4))
    assert (found.first, found.last) == (4, 7)


def test_every_variable_of_a_catalogue_is_spelt_out_in_what_a_run_keeps() -> None:
    changes = read_plan(STATED).spelt_out.resolved["plan"]["catalogue"]["designs"]["tpu"]["changes"]
    assert set(changes) == set(VARIABLES)


SALES = [{"price_usd_per_pflop_hour": 60.0}]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"front": {"against": "cost"}}, "'cost' against the objective cost; allowed lcoc, npv, capital, or no front"),
        ({"front": {"against": "npv"}}, "plan.front.against: found 'npv' without a price; allowed demand.sales"),
        ({"front": {"against": "capitol"}}, "did you mean 'capital'"),
        ({"limits": {"value_usd": 1e9}}, "plan.limits.value_usd: found 1e+09 without a price; allowed demand.sales"),
        ({"limits": {"capital": 1e9}}, "plan.limits.capital: found an unknown key; allowed capital_usd"),
        ({"limits": {"capital_usd": -1}}, "plan.limits.capital_usd: found -1; allowed a number from 0"),
        ({"limits": {"lcoc_usd_per_pflop_hour": 0}}, "plan.limits.lcoc_usd_per_pflop_hour: found 0"),
        (
            {"objective": "npv", "demand": {"sales": SALES}, "front": {"against": "lcoc"}},
            "'lcoc' of nothing that has to be delivered; allowed demand.delivered_pflops",
        ),
        ({"objective": "lcoc", "demand": {"sales": SALES}, "limits": {"value_usd": 1}}, "'lcoc' of nothing"),
    ],
)
def test_a_front_or_a_limit_that_makes_no_sense_is_refused_by_its_key(changes: dict[str, Any], says: str) -> None:
    assert says in said(with_plan(**changes))


def test_limits_reach_the_problem_by_the_names_of_outcomes() -> None:
    demand = {**PLAN["demand"], "sales": SALES}
    limits = {"capital_usd": 1e10, "discounted_cost_usd": 9e9, "lcoc_usd_per_pflop_hour": 50.0, "value_usd": -1e9}
    question = read_plan(with_plan(demand=demand, limits=limits))
    assert {one.outcome: question.problem.limits.of(one) for one in Objective} == limits
    assert study_from_mapping(question.study.resolved).hash == question.study.hash
    assert question.hash != read_plan(with_plan(demand=demand)).hash
