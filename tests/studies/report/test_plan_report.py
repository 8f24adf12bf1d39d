"""The report of a plan: launches, service and money add up to the tables that the plan wrote."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from dawndusk.models.errors import DawnduskError
from dawndusk.studies.plan.outputs import write_plan
from dawndusk.studies.plan.reading import read_plan
from dawndusk.studies.plan.runner import run_plan
from dawndusk.studies.report.page import pictures_of, write_report

CHANGES = {
    "accelerator": "tpu_v7",
    "accelerators_per_satellite": 64,
    "radiator": "deployable_cfrp",
    "radiator_area_m2": 210.0,
    "array": "silicon_flexible",
    "life_years": 5,
}
PLAN: dict[str, Any] = {
    "first_year": 2029,
    "last_year": 2031,
    "gap": 0.05,
    "objective": "cost",
    "time_limit_s": 60.0,
    "catalogue": {"designs": {"tpu": {"changes": CHANGES}}},
    "vehicles": {"starship_v3": {}},
    "demand": {"delivered_pflops": {"2029": 300, "2031": 3000}},
}


@pytest.fixture(scope="module")
def plan_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    question = read_plan({"name": "small-plan", "extends": "orbit-200mw", "kind": "plan", "plan": PLAN})
    return write_plan(run_plan(question), tmp_path_factory.mktemp("plans") / "plan", pictures=False)


def column(folder: Path, table: str, name: str) -> list[float]:
    with (folder / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return [float(row[name]) for row in csv.DictReader(file)]


def test_pictures_add_up_to_the_tables(plan_folder: Path) -> None:
    pictures = pictures_of(plan_folder)
    assert set(pictures) == {"plan_launches", "plan_service", "plan_compute", "plan_cash"}
    totals = {
        name: sum(sum(trace["y"]) for trace in one.data if trace["type"] == "bar") for name, one in pictures.items()
    }
    summary = json.loads((plan_folder / "plan.json").read_text(encoding="utf-8"))["summary"]
    assert totals["plan_launches"] == summary["launches"]
    assert totals["plan_service"] == pytest.approx(sum(column(plan_folder, "plan", "it_power_mw")))
    assert totals["plan_compute"] == pytest.approx(sum(column(plan_folder, "plan", "delivered_pflops")))
    assert totals["plan_cash"] == pytest.approx(sum(column(plan_folder, "cash_flow", "cash_flow_usd")))


def test_every_picture_is_one_that_plotly_takes(plan_folder: Path) -> None:
    graph_objects = pytest.importorskip("plotly.graph_objects")
    for picture in pictures_of(plan_folder).values():
        graph_objects.Figure(picture.figure())


def test_the_report_says_what_is_proved(plan_folder: Path, tmp_path: Path) -> None:
    text = write_report(plan_folder, tmp_path / "plan.html").read_text(encoding="utf-8")
    assert "Proved: no plan is better than" in text and "Discounted cost by account" in text
    assert write_report(plan_folder, tmp_path / "again.html").read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("plan.json", "{", "can not be read"),
        ("plan.json", "{}", "found no study"),
        ("plan.csv", "period,design\n2029,x\n", "tables that are not those of a plan"),
    ],
)
def test_a_damaged_plan_is_refused_in_words(
    plan_folder: Path, tmp_path: Path, name: str, content: str, words: str
) -> None:
    shutil.copytree(plan_folder, tmp_path / "plan")
    (tmp_path / "plan" / name).write_text(content, encoding="utf-8")
    with pytest.raises(DawnduskError, match=words):
        write_report(tmp_path / "plan")
