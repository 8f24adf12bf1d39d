from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import RenderableType

from dawndusk.optimize.problem import Sense
from dawndusk.optimize.result import relative_gap
from dawndusk.studies.input.studyfile import study_from_mapping
from dawndusk.studies.output.terminal.console import console
from dawndusk.studies.output.terminal.trials import duration, outward, plain, search_report
from dawndusk.studies.run.trials.result import SearchRun
from dawndusk.studies.run.trials.runner import run_search

GOAL = "lcoc_usd_per_pflop_hour"
SIMULATOR = """
import json, sys
design = json.load(sys.stdin)
if design["altitude_km"] > 700:
    sys.exit("the \\x1b[31mmesh does not close")
print(json.dumps({"lcoc_usd_per_pflop_hour": design["altitude_km"], "pointing_loss": 0.25}))
"""


def text_of(renderable: RenderableType) -> str:
    out = console()
    with out.capture() as capture:
        out.print(renderable)
    return capture.get()


def searched(folder: Path, search: dict[str, Any] | None = None, **changes: Any) -> SearchRun:
    settings = {"engine": "bayes", "sampler": "random", "evaluations": 12, "batch": 4, "warm_start": False}
    design = {"altitude_km": {"low": 600, "high": 800}, "shielding_mm": {"low": 6, "high": 16}}
    fixed = {"radiator": "deployable_two_phase", "array": "silicon_flexible", "radiator_area_m2": 298.8}
    stated = {"name": "shown", "extends": "spacex-ai1", "design": {**fixed, **design}, **changes}
    return run_search(study_from_mapping({**stated, "search": {**settings, **(search or {})}}), folder)


def test_the_best_design_and_the_course_are_told(tmp_path: Path) -> None:
    run = searched(tmp_path / "run", {"warm_start": True})
    run = replace(run, result=replace(run.result, bound=16.0, gap=relative_gap(run.objective, 16.0)))
    text = text_of(search_report(run))
    assert f"Best of 12 trials, number {run.result.front[0].number}: {GOAL} = " in text
    assert "of the certificate of this problem: no design has less than 16." in text
    assert "What limits it" in text
    assert "a good design of the built-in model" in text
    assert "random, as asked for" in text


def test_an_evaluator_stands_beside_the_model_and_its_failures_are_counted(tmp_path: Path) -> None:
    script = tmp_path / "simulate.py"
    script.write_text(SIMULATOR, encoding="utf-8")
    program = {"command": [sys.executable, "-I", "-S", str(script)], "screen": False, "retries": 0}
    run = searched(tmp_path / "run", {"evaluator": program})
    text = text_of(search_report(run))
    assert "Trials prove nothing" in text
    assert "pointing_loss" in text
    failed = sum(trial.answer is not None and trial.answer.failure is not None for trial in run.result.answered.trials)
    assert failed
    assert f"{failed} failed" in text
    assert "the [31mmesh does not close" in text
    assert "\x1b" not in text


def test_a_front_is_told_with_its_trials(tmp_path: Path) -> None:
    goals = [GOAL, "debris_exposure_m2_years"]
    run = searched(tmp_path / "run", {"warm_start": True}, kind="pareto", minimise=goals)
    front = run.front
    assert (front.values[:-1, 0] < front.values[1:, 0]).all()
    text = text_of(search_report(run))
    assert f"Front of {len(front)} of 12 trials between levelised cost and debris exposure" in text
    assert "hypervolume" in text


def test_nothing_feasible_names_what_is_broken(tmp_path: Path) -> None:
    run = searched(tmp_path / "run", subject_to=["capex_usd <= 1e9"])
    text = text_of(search_report(run))
    assert "UNKNOWN: no trial met every rule" in text
    assert "capex_usd <= 1e+09 (by" in " ".join(text.split())


@given(st.floats(1e-6, 1e12), st.sampled_from(["minimise", "maximise"]), st.sampled_from([1.0, -1.0]))
def test_a_bound_is_rounded_away_from_the_designs(size: float, sense: Sense, sign: float) -> None:
    told = float(outward(sign * size, sense).replace(",", ""))
    slack = 1e-12 * size
    assert told <= sign * size + slack if sense == "minimise" else told >= sign * size - slack
    assert told == pytest.approx(sign * size, rel=2e-5)


def test_words_of_others_are_kept_short_and_plain() -> None:
    assert plain("a\n\x1b[31mb") == "a [31mb"
    assert plain("x" * 500) == "x" * 200 + "..."


@pytest.mark.parametrize(("seconds", "words"), [(90.0, "90 s"), (0.0123, "12.3 ms"), (4.56e-6, "4.56 µs")])
def test_times_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words
