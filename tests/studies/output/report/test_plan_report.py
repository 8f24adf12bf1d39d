"""The report of a plan: launches, service and money add up to the tables that the plan wrote."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from dawndusk.models.errors import DawnduskError
from dawndusk.studies.output.report.page import pictures_of, write_report


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


def test_the_report_says_what_is_proved_and_opens_every_figure(plan_folder: Path, tmp_path: Path) -> None:
    text = write_report(plan_folder, tmp_path / "plan.html").read_text(encoding="utf-8")
    assert "Proved: no plan is better than" in text and "Discounted cost by account" in text
    assert write_report(plan_folder, tmp_path / "again.html").read_text(encoding="utf-8") == text
    opened = set(re.findall(r'data-figure="([^"]+)"', text))
    start = text.index('id="data">') + len('id="data">')
    trees: dict[str, Any] = json.loads(text[start : text.index("</script>", start)])["figures"]
    assert {"discounted_cost_usd", "capital_usd", "launches", "account.launch", "account.learning"} <= opened
    assert opened <= set(trees)
    assert all(read in trees for figure in trees.values() for read in figure.get("reads", ()))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("plan.json", "{", "can not be read"),
        ("plan.json", "{}", "found no study"),
        ("plan.csv", "period,design\n2029,x\n", "built: found None, so that these tables are not those of a plan"),
        ("manifest.csv", "period,vehicle,orbit,launch\n2029,starship_v9,x,1\n", "did you mean 'starship_v3'"),
        ("manifest.json", '{"format": 99, "study_hash": "x"}', "of a newer version"),
    ],
)
def test_a_damaged_plan_is_refused_in_words(
    plan_folder: Path, tmp_path: Path, name: str, content: str, words: str
) -> None:
    shutil.copytree(plan_folder, tmp_path / "plan")
    (tmp_path / "plan" / name).write_text(content, encoding="utf-8")
    with pytest.raises(DawnduskError, match=words):
        write_report(tmp_path / "plan")
