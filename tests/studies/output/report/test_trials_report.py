"""Reports, traces and comparisons of searches by trials, whoever answered them and whatever came of it."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dawndusk.models.errors import DawnduskError
from dawndusk.optimize.trials.samplers.simple import RandomSampler
from dawndusk.studies.cli.compare import compare_runs
from dawndusk.studies.cli.reports import explain_command
from dawndusk.studies.input.studyfile import study_from_mapping
from dawndusk.studies.lineage.attribution import ComparedCase, attribute
from dawndusk.studies.output.report.page import pictures_of, write_report
from dawndusk.studies.output.report.subject import subject_of
from dawndusk.studies.run.folder.reading import BY_TRIALS, read_run
from dawndusk.studies.run.trials.folder import SECTION
from dawndusk.studies.run.trials.runner import run_search

TRIALS, STRANGE = 16, "<img src=x onerror=alert(1)> & no mesh"
GOALS = ("capex_usd", "lcoc_usd_per_pflop_hour")
STATED: dict[str, Any] = json.loads((Path(__file__).parents[2] / "small_search.json").read_text())["design"]
DESIGN = {**STATED, "shielding_mm": {"low": 9, "high": 16}, "life_years": {"low": 4, "high": 5}}
SIMULATOR = f"""
import json, sys
design = json.load(sys.stdin)
if design["shielding_mm"] > LIMIT:
    print(json.dumps({{"failed": {STRANGE!r}}}))
else:
    print(json.dumps({{"lcoc_usd_per_pflop_hour": design["altitude_km"], "pump_power_w": 3.0}}))
"""
Make = Callable[..., Path]


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Search by trials, with the built-in model or with a program that fails above some thickness of shielding."""

    def make(name: str, limit: float | None = None, **changes: Any) -> Path:
        folder = tmp_path_factory.mktemp("searched")
        search: dict[str, Any] = {"engine": "bayes", "evaluations": TRIALS, "batch": 8, "warm_start": False}
        if limit is not None:
            script = folder / "simulate.py"
            script.write_text(SIMULATOR.replace("LIMIT", repr(limit)), encoding="utf-8")
            program = {"command": [sys.executable, "-I", "-S", str(script)], "screen": False, "retries": 0}
            search["evaluator"] = program
        asked = {"name": name, "extends": "orbit-200mw", "design": DESIGN, "search": search, **changes}
        return run_search(study_from_mapping(asked), folder / name, make_sampler=lambda *_: RandomSampler()).folder

    return make


@pytest.fixture(scope="module")
def built_in(searched: Make) -> Path:
    return searched("built-in")


@pytest.fixture(scope="module")
def outside(searched: Make) -> Path:
    return searched("outside", limit=12.0)


@pytest.fixture(scope="module")
def several(searched: Make) -> Path:
    return searched("several", kind="pareto", minimise=list(GOALS))


def trials_of(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "evaluations.parquet")


def report_of(folder: Path, tmp_path: Path) -> str:
    return write_report(folder, tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_manifest_marks_a_search_in_one_way() -> None:
    assert BY_TRIALS == SECTION


def test_the_curve_is_the_best_feasible_trial_so_far(built_in: Path) -> None:
    trials = trials_of(built_in)
    good = trials[trials["feasible"]]
    best = good["lcoc_usd_per_pflop_hour"].cummin()
    *_, line = pictures_of(built_in)["trials_progress"].data
    assert line["name"] == "best so far"
    assert line["y"][:-1] == best.drop_duplicates().tolist() and line["y"][-1] == best.min()
    assert line["x"][:-1] == good["number"][best.drop_duplicates().index].tolist()


def test_every_trial_is_counted_once_for_what_became_of_it(outside: Path) -> None:
    trials = trials_of(outside)
    (bar,) = pictures_of(outside)["trials_endings"].data
    counts = dict(zip(bar["y"], bar["x"], strict=True))
    assert counts["meets every rule"] == trials["feasible"].sum() > 0
    assert sum(counts.values()) == len(trials)
    assert counts["failed: " + trials["failure"].max()] == (trials["state"] == "failed").sum() > 0


def test_lines_are_the_feasible_trials_over_what_was_searched(outside: Path) -> None:
    (lines,) = pictures_of(outside)["trials_lines"].data
    labels = [one["label"] for one in lines["dimensions"]]
    assert labels[0] == "trial" and labels[-1] == "lcoc usd per pflop hour"
    assert {"altitude km", "shielding mm", "life years"} <= set(labels)
    trials = trials_of(outside)
    assert sorted(lines["dimensions"][0]["values"]) == trials["number"][trials["feasible"]].tolist()


def test_the_report_says_who_answered_and_shows_both_figures(outside: Path, tmp_path: Path) -> None:
    page = report_of(outside, tmp_path)
    found = subject_of(outside)
    assert "Found by trials, which prove no bound" in page and "simulate.py" in page
    assert found.outcome["lcoc_usd_per_pflop_hour"] == found.design.altitude_km
    assert found.now["lcoc_usd_per_pflop_hour"] != found.design.altitude_km
    assert "pump_power_w" in page and "by the built-in model" in page
    assert "<img" not in page.split("<script", 1)[0] and "&lt;img src=x" in page


def test_every_picture_is_one_that_plotly_takes(built_in: Path, outside: Path, several: Path) -> None:
    graph_objects = pytest.importorskip("plotly.graph_objects")
    for folder in (built_in, outside, several):
        for picture in pictures_of(folder).values():
            graph_objects.Figure(picture.figure())


def test_a_front_of_trials_is_ordered_and_covers_more_with_every_trial(several: Path, tmp_path: Path) -> None:
    front = read_run(several).front
    assert front is not None
    first = [point["goals"][GOALS[0]] for point in front["points"]]
    assert first == sorted(first)
    assert {point["point"] for point in front["points"] if point["knee"]} == set(front["knees"])
    covered = pictures_of(several)["trials_progress"].data[0]["y"]
    assert np.all(np.diff(covered) >= 0.0) and covered[-1] == pytest.approx(
        json.loads((several / "front.json").read_text())["hypervolume"]
    )
    assert 'id="front-view"' in report_of(several, tmp_path)


def test_a_search_whose_trials_all_failed_still_has_a_report(searched: Make, tmp_path: Path) -> None:
    page = report_of(searched("failing", limit=0.0), tmp_path)
    assert "No trial was answered" in page and "no mesh" in page


def test_a_search_without_a_feasible_trial_shows_the_nearest_miss(searched: Make, tmp_path: Path) -> None:
    page = report_of(searched("missing", subject_to=["capex_usd <= 1e6"]), tmp_path)
    assert "The nearest miss breaks:" in page and "capex_usd &lt;= " in page.split("<script", 1)[0]


def test_a_search_that_has_not_ended_says_how_to_go_on(built_in: Path, tmp_path: Path) -> None:
    shutil.copytree(built_in, tmp_path / "begun")
    (tmp_path / "begun" / "optimum.json").unlink()
    with pytest.raises(DawnduskError, match="go on with: dawndusk resume"):
        write_report(tmp_path / "begun")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("evaluations.parquet", "no table", "can not be read"),
        ("optimum.json", '{"study": "x", "status": "feasible"}', "found no stopped_by, evaluations"),
    ],
)
def test_damaged_trials_are_refused_in_words(
    built_in: Path, tmp_path: Path, name: str, content: str, words: str
) -> None:
    shutil.copytree(built_in, tmp_path / "damaged")
    (tmp_path / "damaged" / name).write_text(content, encoding="utf-8")
    with pytest.raises(DawnduskError, match=words):
        write_report(tmp_path / "damaged")


def test_damaged_points_of_a_front_are_refused_in_words(several: Path, tmp_path: Path) -> None:
    shutil.copytree(several, tmp_path / "damaged")
    content = json.loads((several / "front.json").read_text(encoding="utf-8"))
    del content["points"][0]["design"]["altitude_km"]
    (tmp_path / "damaged" / "front.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(DawnduskError, match=r"front\.json: points: "):
        read_run(tmp_path / "damaged")


def test_explain_says_that_another_answered(outside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    explain_command.main([str(outside), "capex_usd", "--depth", "1"], standalone_mode=False)
    shown = capsys.readouterr()
    assert "what follows is of the built-in model" in shown.err and "capex_usd" in shown.out


def test_what_the_evaluator_adds_is_a_part_of_its_own(built_in: Path, outside: Path) -> None:
    one, two = (read_run(folder) for folder in (built_in, outside))
    cases = [ComparedCase(content.study, content.design, content.outcome, content.evaluator) for content in (one, two)]
    found = attribute("lcoc_usd_per_pflop_hour", *cases)
    part = next(part for part in found.parts if part.name == "evaluator")
    assert part.before == "the built-in model" and "simulate.py" in str(part.after)
    assert sum(part.part for part in found.parts) == pytest.approx(found.difference)


def test_fronts_can_not_be_compared_and_say_so(several: Path, built_in: Path) -> None:
    with pytest.raises(DawnduskError, match="a front, which has no single best design"):
        compare_runs([built_in, several], None, as_json=True)


def test_a_strategy_is_explained_in_the_year_that_it_chose(searched: Make) -> None:
    folder = searched("plain")
    optimum = json.loads((folder / "optimum.json").read_text(encoding="utf-8"))
    optimum["point"] = {"first_launch_year": 2033.0}
    (folder / "optimum.json").write_text(json.dumps(optimum), encoding="utf-8")
    content = read_run(folder)
    assert content.study.assumptions.scenario.first_launch_year == 2033.0
    assert content.study.assumptions.provenance["scenario.first_launch_year"].source == f"trial {optimum['number']}"
    assert content.is_as_run


def test_the_explorer_answers_with_the_built_in_model_and_searches_again_with_proof(
    outside: Path, several: Path
) -> None:
    pytest.importorskip("fastapi")
    from dawndusk.studies.web.evaluation import answer, described, state_of  # noqa: PLC0415 (an extra)
    from dawndusk.studies.web.questions import Optimise, study_asked  # noqa: PLC0415 (the same)
    from dawndusk.studies.web.workspace import Workspace  # noqa: PLC0415 (the same)

    base = Workspace(outside.parent).base(run=outside.name)
    told = described(base)
    assert "simulate.py" in told["note"] and told["search"]["engine"] == "certified"
    shown = answer(state_of(base, {}, {}), pictures=False)
    assert shown["outcome"]["lcoc_usd_per_pflop_hour"] == subject_of(outside).now["lcoc_usd_per_pflop_hour"]
    asked = study_asked(base.study, Optimise(design={"life_years": 5}), 1e9)
    assert asked.search.evaluator is None and not asked.search.goes_by_trials
    front = described(Workspace(several.parent).base(run=several.name))["front"]
    assert {point["knee"] for point in front["points"]} <= {True, False} and front["goals"] == list(GOALS)
