"""The commands that look at finished runs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from dawndusk.models.errors import DawnduskError
from dawndusk.studies.cli import reports as report_commands
from dawndusk.studies.cli.compare import compare_command
from dawndusk.studies.output.figures.static import write_pictures
from dawndusk.studies.output.report.page import pictures_of

LCOC = "lcoc_usd_per_pflop_hour"
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
needs_a_browser = pytest.mark.skipif(not BROWSER, reason="no Chrome or Chromium to draw with")


def run(command: click.Command, *arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, standalone_mode=False)


def refused(command: click.Command, *arguments: str) -> str:
    found = run(command, *arguments)
    assert isinstance(found.exception, DawnduskError)
    return str(found.exception)


def test_explain_prints_the_tree_and_what_moves_it(run_folder: Path) -> None:
    found = run(report_commands.explain_command, str(run_folder), LCOC, "--depth", "2")
    assert found.exception is None
    assert "= discounted cost usd / delivered worth pflop hours" in found.stdout
    assert "It rests on" in found.stdout and "What moves it most" in found.stdout
    assert found.stderr == ""


def test_explain_as_json_holds_the_tree(run_folder: Path) -> None:
    found = json.loads(run(report_commands.explain_command, str(run_folder), "capex_usd", "--json").stdout)
    assert found["value"] == found["figures"]["capex_usd"]["value"]
    assert found["swings"][0]["key"] in found["figures"]


@pytest.mark.parametrize("metric", ["design.altitude_km", "power.pmad_efficiency"])
def test_explain_takes_variables_and_rows(run_folder: Path, metric: str) -> None:
    assert metric.rpartition(".")[2] in run(report_commands.explain_command, str(run_folder), metric).stdout


def test_explain_takes_a_study() -> None:
    assert "It rests on" in run(report_commands.explain_command, "falcon9-today", "wet_mass_kg").stdout


def test_explain_refuses_what_has_no_design_or_no_such_figure(run_folder: Path) -> None:
    assert "allowed: a design study" in refused(report_commands.explain_command, "ground-only", LCOC)
    assert "did you mean" in refused(report_commands.explain_command, str(run_folder), "capex")
    assert "no such study" in refused(report_commands.explain_command, "nowhere", LCOC)


def test_compare_runs_says_why_they_differ(run_folder: Path, dearer_folder: Path) -> None:
    found = run(compare_command, str(run_folder), str(dearer_folder))
    assert found.exception is None
    assert "vehicles.starship_v3.price_usd" in found.stdout and "add up to the difference" in found.stdout


def test_compare_runs_as_json_adds_up(run_folder: Path, dearer_folder: Path) -> None:
    found = run(compare_command, str(run_folder), str(dearer_folder), "--metric", "capex_usd", "--json")
    content = json.loads(found.stdout)
    difference = content["differences"]["dearer"]
    assert content["metric"] == "capex_usd"
    assert sum(part["part"] for part in difference["parts"]) == pytest.approx(difference["difference"])
    runs = content["runs"]
    assert difference["difference"] == runs["dearer"]["capex_usd"] - runs["certified"]["capex_usd"]


def test_compare_refuses_mixtures(run_folder: Path) -> None:
    compare = compare_command
    assert "studies alone or runs alone" in refused(compare, str(run_folder), "falcon9-today")
    assert "two or more" in refused(compare, str(run_folder))
    assert "--set with run folders" in refused(compare, str(run_folder), str(run_folder), "--set", "a=1")
    assert "--metric with studies" in refused(compare, "ground-only", "--metric", LCOC)
    assert "did you mean 'capex_usd'" in refused(compare, str(run_folder), str(run_folder), "--metric", "capex_us")


def test_compare_still_compares_studies() -> None:
    found = run(compare_command, "ground-only")
    assert found.exception is None and "ground-only" in found.stdout


def test_report_writes_beside_the_folder(run_folder: Path, tmp_path: Path) -> None:
    found = run(report_commands.report_command, str(run_folder), "--out", str(tmp_path / "deep" / "r.html"))
    assert found.exception is None
    assert (tmp_path / "deep" / "r.html").stat().st_size > 10**6


def test_plot_refuses_unknown_names(run_folder: Path, tmp_path: Path) -> None:
    plot = report_commands.plot_command
    assert "did you mean 'mass'" in refused(plot, str(run_folder), "--figure", "mas")
    assert "did you mean 'svg'" in refused(plot, str(run_folder), "--figure", "mass", "--format", "svgz")


@needs_a_browser
@pytest.mark.slow
def test_plot_draws_the_same_file_for_the_same_run(run_folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("kaleido")
    for name in ("one", "two"):
        found = run(report_commands.plot_command, str(run_folder), "--figure", "mass", "--out", str(tmp_path / name))
        assert found.exception is None
    one, two = ((tmp_path / name / "mass.svg").read_bytes() for name in ("one", "two"))
    assert one == two
    assert b"<svg" in one and b"Mass of one satellite" in one


def test_plot_says_where_it_can_not_write(run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dawndusk.studies.output.figures.static._drawn", lambda picture, kind: b"<svg/>")
    (tmp_path / "file").write_text("", encoding="utf-8")
    pictures = list(pictures_of(run_folder).values())
    with pytest.raises(DawnduskError, match="can not be written"):
        write_pictures(pictures, tmp_path / "file", "svg")
    paths = write_pictures(pictures, tmp_path / "plots", "svg")
    assert {path.name for path in paths} == {f"{picture.name}.svg" for picture in pictures}
    assert all(path.is_file() for path in paths)
