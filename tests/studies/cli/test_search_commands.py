from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from dawndusk.models.errors import DawnduskError
from dawndusk.optimize.trials.plan import TrialProgress
from dawndusk.studies.cli.searches import (
    ask_command,
    progress_report,
    progress_words,
    resume_command,
    status_command,
    tell_command,
)
from dawndusk.studies.input.studyfile import read_study
from dawndusk.studies.run.trials.runner import run_search

STUDY = """
name: asked
extends: orbit-200mw
design:
  accelerator: tpu_v7
  accelerators_per_satellite: {low: 100, high: 140}
  orbit: dawn_dusk_sso
  altitude_km: {low: 600, high: 800}
  radiator: deployable_two_phase
  shielding_mm: {low: 6, high: 16}
  array: [silicon_flexible, iii_v_rosa]
  array_oversize: 1.05
  eclipse_ride_through: 0
  spare_fraction: 0.1
  optical_terminals: 2
  life_years: {low: 4, high: 7}
  vehicle: starship_v3
  launches_per_year: 80
search: {engine: bayes, sampler: random, evaluations: 12, batch: 4, warm_start: false, time_limit_s: 600}
"""
GOAL = "lcoc_usd_per_pflop_hour"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A study beside the run folder that is not begun yet."""
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    return tmp_path / "run"


def invoke(command: click.Command, *arguments: object, stdin: str | None = None) -> Result:
    result = CliRunner().invoke(command, [str(a) for a in arguments], input=stdin, standalone_mode=False)
    if result.exception is not None and not isinstance(result.exception, click.ClickException | DawnduskError):
        raise result.exception
    return result


def _row(text: str, name: str) -> str:
    """Return the rest of the row of a table that begins with a name."""
    return next(
        " ".join(line.split()[len(name.split()) :]) for line in text.splitlines() if line.strip().startswith(name)
    )


def begun(run: Path, count: int = 2) -> list[dict[str, Any]]:
    result = invoke(ask_command, run, "-n", count, "--study", run.parent / "study.yaml", "--json")
    assert result.return_value == 0
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_design_is_asked_and_told_and_seen(run: Path) -> None:
    first, second = begun(run)
    told = invoke(tell_command, run, first["number"], "--outcomes", json.dumps({GOAL: 2.5, "capex_usd": 1e9}))
    assert told.stdout == f"{run}: 1 told\n"
    assert invoke(tell_command, run, second["number"], "--failed", "the bench broke").return_value == 0
    found = json.loads(invoke(status_command, run, "--json").stdout)
    assert (found["objective"], found["failed"]["told"], found["pending"]) == (2.5, 1, 0)
    assert found["best"] == {"number": first["number"], "point": first["point"]}
    words = invoke(status_command, run).stdout
    assert f"Best so far: {GOAL} = 2.5 USD/PFLOP-hour" in words
    assert _row(words, "failures") == "told 1"
    assert _row(words, "in use by") == "nobody"
    assert _row(words, "altitude_km").split()[0] == f"{first['point']['altitude_km']:.4g}"


def test_answers_are_read_line_by_line(run: Path) -> None:
    asked = begun(run, 4)
    lines = [json.dumps({"number": item["number"], "outcomes": {GOAL: 1.0}}) for item in asked[:2]]
    lines += [json.dumps({"number": item["number"], "failed": "late"}) for item in asked[2:]]
    assert invoke(tell_command, run, stdin="\n".join([*lines, ""])).stdout == f"{run}: 4 told\n"
    assert json.loads(invoke(status_command, run, "--json").stdout)["pending"] == 0


BAD_LINES = [
    ("{", "line 1 of the input: found '{', which is no JSON"),
    ("[1]", r"line 1 of the input: found '\[1\]'; allowed: a JSON object"),
    ('{"number": "1", "failed": "x"}', r'allowed: {"number": 3, "outcomes"'),
    ('{"number": 1}', r'allowed: {"number": 3, "outcomes"'),
    ('{"number": 1, "outcomes": {}, "failed": "x"}', r'allowed: {"number": 3, "outcomes"'),
    ('{"number": 0, "outcomes": 3}', "outcomes: found 3; allowed: an object"),
    ('\n{"number": 99, "failed": "x"}', "trial 99: found no such trial"),
]


@pytest.mark.parametrize(("line", "message"), BAD_LINES)
def test_a_line_that_can_not_be_used_is_named(run: Path, line: str, message: str) -> None:
    begun(run, 1)
    with pytest.raises(DawnduskError, match=message):
        raise invoke(tell_command, run, stdin=line).exception or AssertionError


@pytest.mark.parametrize(
    "arguments",
    [["3"], ["3", "--failed", "x", "--outcomes", "{}"], ["--failed", "x"], ["-3", "--failed", "x"], ["x"]],
)
def test_an_answer_without_its_parts_is_misuse(run: Path, arguments: Sequence[str]) -> None:
    assert isinstance(invoke(tell_command, run, *arguments).exception, click.UsageError)


@pytest.mark.parametrize("command", [status_command, resume_command, ask_command])
def test_a_folder_without_a_search_is_an_error(tmp_path: Path, command: click.Command) -> None:
    error = invoke(command, tmp_path / "none").exception
    assert isinstance(error, DawnduskError)
    assert "found no manifest.json of a run; allowed: the folder of a search by trials" in str(error)


def test_what_changes_a_study_needs_one(run: Path) -> None:
    assert isinstance(invoke(ask_command, run, "--set", "search.seed=2").exception, click.UsageError)


def test_a_search_goes_on_and_says_how_it_ended(run: Path) -> None:
    study = read_study(str(run.parent / "study.yaml"))
    run_search(study, run)
    longer = invoke(resume_command, run, "--evaluations", "16", "--json")
    assert longer.return_value == 0
    result = json.loads(longer.stdout)
    assert (result["evaluations"], result["evaluated_now"], result["stopped_by"]) == (16, 4, "evaluations")
    progress = [json.loads(line) for line in longer.stderr.splitlines() if line.startswith("{")]
    assert [line["evaluated"] for line in progress] == [16]
    again = invoke(resume_command, run)
    assert again.return_value == 0
    assert f"Best of 16 trials, number {result['number']}: {GOAL} = " in again.stdout
    assert _row(again.stdout, "evaluations") == "16 of 16, 0 of them now"
    assert _row(again.stdout, "sampler") == "random, as asked for"
    assert _row(again.stdout, "ended") == "by its budget of evaluations"
    assert again.stderr == ""
    assert invoke(resume_command, run, "--quiet").stdout == f"run folder: {run}\n"


@pytest.mark.parametrize("option", [["--evaluations", "0"], ["--time-limit", "0"], ["--workers", "x"]])
def test_a_number_that_makes_no_sense_is_misuse(run: Path, option: Sequence[str]) -> None:
    assert isinstance(invoke(resume_command, run, *option).exception, click.UsageError)


def test_progress_in_words() -> None:
    progress = TrialProgress(1200, 5000, 3, 8, 2.34567, None, 1, 10.0)
    assert progress_words(progress) == "1,200 of 5,000  best 2.3457  3 failed"
    progress = TrialProgress(10, 20, 0, 0, None, 0.5, 4, 10.0)
    assert progress_words(progress) == "10 of 20  front 4, hypervolume 0.5000"


def test_progress_is_silent_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_report(quiet=False, as_json=False) as report:
        report(TrialProgress(1, 2, 0, 0, None, None, 0, 1.0))
    with progress_report(quiet=True, as_json=True) as report:
        report(TrialProgress(1, 2, 0, 0, None, None, 0, 1.0))
    assert capsys.readouterr().err == ""
