"""Searches whose designs are evaluated outside: asked for, and told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dawndusk.models.errors import DawnduskError
from dawndusk.optimize.trials.samplers.population import PopulationSampler
from dawndusk.optimize.trials.store import StoreError
from dawndusk.studies.input.study import ResolvedStudy
from dawndusk.studies.input.studyfile import study_from_mapping
from dawndusk.studies.run.trials.questions import Asked, asked_of
from dawndusk.studies.run.trials.result import evaluations, status
from dawndusk.studies.run.trials.runner import ask, begin_told, open_told, resume, run_search, tell

STATED: dict[str, Any] = json.loads((Path(__file__).parents[2] / "small_search.json").read_text())


def make_sampler(_: ResolvedStudy, __: Asked) -> PopulationSampler:
    return PopulationSampler(population=8)


def built_in(**search: Any) -> ResolvedStudy:
    return study_from_mapping({**STATED, "search": {**STATED["search"], **search}})


def test_asked_and_told_from_outside(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    begin_told(built_in(), folder)
    begin_told(built_in(), folder)
    asked = [*ask(folder, 2, make_sampler=make_sampler), *ask(folder, 1, make_sampler=make_sampler)]
    assert len({json.dumps(item["point"]) for item in asked}) == 3
    assert set(asked[0]["design"]) > {"altitude_km", "satellites", "vehicle", "radiator_area_m2"}
    needed = {"lcoc_usd_per_pflop_hour": 3.0, "capex_usd": 1e9}
    numbers = [item["number"] for item in asked]
    told = tell(folder, [(numbers[2], needed), (numbers[0], {"failed": "the bench broke"})])
    assert [trial.number for trial in told] == [numbers[2], numbers[0]]
    with open_told(folder, "look", make_sampler=make_sampler) as (search, _):
        best = search.best()
        assert best is not None
        assert best.number == numbers[2]
        assert [trial.number for trial in search.front()] == [numbers[2]]
        assert [trial.number for trial in search.pending] == [numbers[1]]
    question = asked_of(built_in(), is_told=True).question
    assert status(folder, question)["failed"]["told"] == 1


BAD_ANSWERS: list[tuple[int, dict[str, Any], str]] = [
    (99, {}, "trial 99: found no such trial"),
    (-1, {}, "trial -1: found no such trial"),
    (0, {"capex_usd": 1e9}, "lcoc_usd_per_pflop_hour: found none among capex_usd"),
    (0, {"lcoc_usd_per_pflop_hour": "cheap"}, "lcoc_usd_per_pflop_hour: found 'cheap'; allowed a finite number"),
]


@pytest.mark.parametrize(("number", "answer", "message"), BAD_ANSWERS)
def test_an_answer_that_can_not_be_used_changes_nothing(
    tmp_path: Path, number: int, answer: dict[str, Any], message: str
) -> None:
    folder = tmp_path / "run"
    begin_told(built_in(), folder)
    first = ask(folder, 1, make_sampler=make_sampler)[0]["number"]
    with pytest.raises(DawnduskError, match=message):
        tell(folder, [(first if number == 0 else number, answer)])
    tell(folder, [(first, {"lcoc_usd_per_pflop_hour": 3.0})])
    with pytest.raises(StoreError, match="found a trial that has its answer"):
        tell(folder, [(first, {"failed": "again"})])


def test_designs_that_the_model_rules_out_are_never_asked(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    begin_told(built_in(), folder)
    asked = asked_of(built_in(), is_told=True)
    for item in ask(folder, 5, make_sampler=make_sampler):
        assert asked.screened(item["point"]) is None
    found = status(folder, asked.question)
    assert found["pending"] == 5


def test_the_built_in_model_and_the_bench_are_not_mixed(tmp_path: Path) -> None:
    run_search(built_in(evaluations=1), tmp_path / "run", make_sampler=make_sampler)
    with pytest.raises(DawnduskError, match="found a search that bayes runs on the built-in model"):
        ask(tmp_path / "run", 1, make_sampler=make_sampler)
    begin_told(built_in(), tmp_path / "told")
    with pytest.raises(DawnduskError, match=r"told from outside; allowed: dawndusk ask and tell"):
        resume(tmp_path / "told", make_sampler=make_sampler)


ASKER = """
import sys
from pathlib import Path
from dawndusk.optimize.trials.samplers.population import PopulationSampler
from dawndusk.studies.run.trials.runner import ask, tell
make = lambda *_: PopulationSampler(population=8)
for _ in range(2):
    for item in ask(Path(sys.argv[1]), 2, make_sampler=make):
        tell(Path(sys.argv[1]), [(item["number"], {"lcoc_usd_per_pflop_hour": 1.0 + item["number"]})])
"""


def test_several_processes_ask_and_tell_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    begin_told(built_in(), folder)
    askers = [subprocess.Popen([sys.executable, "-c", ASKER, folder]) for _ in range(2)]
    assert [asker.wait() for asker in askers] == [0, 0]
    asked = asked_of(built_in(), is_told=True)
    frame = evaluations(folder, asked)
    assert (frame["state"] == "complete").all()
    assert (frame["lcoc_usd_per_pflop_hour"] == 1.0 + frame["number"]).sum() == 8
    assert not frame.duplicated(list(asked.question.space.names)).any()
