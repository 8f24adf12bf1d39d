from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dawndusk.models.errors import DawnduskError
from dawndusk.optimize.errors import CertificateError
from dawndusk.optimize.trials.plan import BUDGET, INTERRUPT, TrialProgress
from dawndusk.optimize.trials.samplers.population import PopulationSampler
from dawndusk.optimize.trials.store import StoreError
from dawndusk.studies.input.study import ResolvedStudy
from dawndusk.studies.input.studyfile import study_from_mapping
from dawndusk.studies.run.folder.writing import RunFolderError
from dawndusk.studies.run.store.address import read_address
from dawndusk.studies.run.trials.folder import read_begun
from dawndusk.studies.run.trials.questions import Asked, asked_of
from dawndusk.studies.run.trials.result import SearchRun, evaluations, status
from dawndusk.studies.run.trials.runner import Where, ask, resume, run_search
from dawndusk.studies.run.trials.samplers import idle_words

STATED: dict[str, Any] = json.loads((Path(__file__).parents[2] / "small_search.json").read_text())
SIMULATOR = """
import json, os, sys
design = json.load(sys.stdin)
with open(LOG, "a") as log:
    log.write(json.dumps(design, sort_keys=True) + "\\n")
if design["shielding_mm"] > 12.0:
    sys.exit("the mesh does not close")
cost = (design["altitude_km"] - 700.0) ** 2 + design["accelerators_per_satellite"]
print(json.dumps({"lcoc_usd_per_pflop_hour": cost, "capex_usd": 1e9 + cost}))
"""
Make = Callable[..., ResolvedStudy]


def make_sampler(_: ResolvedStudy, __: Asked) -> PopulationSampler:
    return PopulationSampler(population=8)


def mapping(**search: Any) -> dict[str, Any]:
    return {**STATED, "search": {**STATED["search"], **search}}


def built_in(**search: Any) -> ResolvedStudy:
    return study_from_mapping(mapping(**search))


def with_open_batch(**search: Any) -> ResolvedStudy:
    stated = mapping(**search)
    del stated["search"]["batch"]
    return study_from_mapping(stated)


@pytest.fixture
def outside(tmp_path: Path) -> Make:
    """A study with a program as its evaluator, which notes every design that it is asked about."""
    script = tmp_path / "simulate.py"
    script.write_text(SIMULATOR.replace("LOG", repr(str(tmp_path / "log"))), encoding="utf-8")

    def make(**search: Any) -> ResolvedStudy:
        program = {"command": [sys.executable, "-I", "-S", str(script)], "screen": False, "retries": 0}
        return study_from_mapping(mapping(evaluator=program, **search))

    return make


def table(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "evaluations.parquet")


def without_times(folder: Path) -> dict[str, Any]:
    result = json.loads((folder / "optimum.json").read_text())
    return {k: v for k, v in result.items() if "seconds" not in k and k != "evaluated_now"}


def test_the_run_folder_holds_the_search(tmp_path: Path) -> None:
    run = run_search(built_in(), tmp_path / "run", make_sampler=make_sampler)
    names = {path.name for path in run.folder.iterdir()}
    assert names == {
        *("study.yaml", "manifest.json", "optimum.json", "evaluations.csv", "evaluations.parquet"),
        *("trials.journal", "trials.journal.lock"),
    }
    frame = table(run.folder)
    assert list(frame["number"]) == list(range(20))
    pd.testing.assert_frame_equal(frame, run.to_frame())
    csv = pd.read_csv(run.folder / "evaluations.csv", keep_default_na=False, na_values=[""])
    assert list(csv.columns) == list(frame.columns)
    feasible = frame[frame["feasible"]]
    assert len(feasible)
    optimum = json.loads((run.folder / "optimum.json").read_text())
    assert optimum["objective"] == feasible["lcoc_usd_per_pflop_hour"].min() == run.to_dict()["objective"]
    assert optimum["outcome"]["capex_usd"] == frame["capex_usd"][optimum["number"]]
    assert optimum["design"]["vehicle"] == "starship_v3"
    manifest = json.loads((run.folder / "manifest.json").read_text())
    assert (manifest["status"], manifest["stopped_by"], manifest["evaluations"]) == ("feasible", BUDGET, 20)
    assert manifest["study_hash"] == read_begun(run.folder).study.hash == built_in().hash


def test_the_same_command_again_repeats_nothing(tmp_path: Path, outside: Make) -> None:
    first = run_search(outside(), tmp_path / "run", make_sampler=make_sampler)
    log = (tmp_path / "log").read_text()
    again = run_search(outside(), tmp_path / "run", make_sampler=make_sampler)
    assert (first.result.evaluated, again.result.evaluated) == (20, 0)
    assert (tmp_path / "log").read_text() == log
    assert again.to_frame().equals(first.to_frame())


def test_workers_change_nothing_and_failures_are_rows(tmp_path: Path, outside: Make) -> None:
    run = run_search(outside(), tmp_path / "run", make_sampler=make_sampler, where=Where(workers=2))
    frame = run.to_frame()
    failed = frame[frame["state"] == "failed"]
    assert 0 < len(failed) < 20
    assert set(failed["failure"]) == {"exit status"}
    assert all(failed["words"] == "exit status 1; it wrote: the mesh does not close")
    assert all(failed["shielding_mm"] > 12.0)
    assert failed["capex_usd"].isna().all()
    good = frame[frame["state"] == "complete"]
    area = good["altitude_km"].sub(700.0).pow(2) + good["accelerators_per_satellite"]
    np.testing.assert_array_equal(good["lcoc_usd_per_pflop_hour"], area)
    alone = run_search(outside(), tmp_path / "alone", make_sampler=make_sampler, where=Where(workers=1))
    pd.testing.assert_frame_equal(frame, alone.to_frame())


def test_a_budget_can_be_raised(tmp_path: Path) -> None:
    run_search(built_in(evaluations=9), tmp_path / "run", make_sampler=make_sampler)
    longer = resume(tmp_path / "run", make_sampler=make_sampler, changes={"evaluations": 20, "stagnation": None})
    assert longer.result.evaluated == 11
    assert longer.to_frame().equals(run_search(built_in(), tmp_path / "other", make_sampler=make_sampler).to_frame())
    assert read_begun(tmp_path / "run").study.search.evaluations == 20


def test_an_interrupt_keeps_what_was_finished(tmp_path: Path) -> None:
    def report(progress: TrialProgress) -> None:
        if progress.evaluated >= 12:
            raise KeyboardInterrupt

    run = run_search(built_in(), tmp_path / "run", make_sampler=make_sampler, report=report)
    assert (run.stopped_by, run.is_cut_short, run.result.evaluated) == (INTERRUPT, True, 12)
    assert json.loads((tmp_path / "run" / "manifest.json").read_text())["stopped_by"] == INTERRUPT
    assert len(table(tmp_path / "run")) == 12
    whole = resume(tmp_path / "run", make_sampler=make_sampler)
    assert whole.result.evaluated == 8
    assert whole.to_frame().equals(run_search(built_in(), tmp_path / "other", make_sampler=make_sampler).to_frame())


KILLS = 4
RUNNER = """
import sys
from pathlib import Path
from dawndusk.optimize.trials.samplers.population import PopulationSampler
from dawndusk.studies.run.trials.runner import Where, run_search
from dawndusk.studies.input.studyfile import read_study
where = Where(storage=sys.argv[3], workers=int(sys.argv[4]))
study = read_study(sys.argv[1])
print("begun", flush=True)
run_search(study, Path(sys.argv[2]), make_sampler=lambda *_: PopulationSampler(population=8), where=where)
"""


def written_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("trials*")) if folder.exists() else 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("storage", "workers"),
    [
        ("journal", 2),
        pytest.param("journal", 1, marks=pytest.mark.exhaustive),
        pytest.param("sqlite:///trials.db", 2, marks=pytest.mark.exhaustive),
    ],
)
def test_a_search_that_is_killed_again_and_again_ends_as_if_it_had_not_been(
    tmp_path: Path, outside: Make, storage: str, workers: int
) -> None:
    study = outside(evaluations=24)
    whole = run_search(study, tmp_path / "whole", make_sampler=make_sampler)
    (tmp_path / "log").unlink()
    (tmp_path / "study.yaml").write_text(study.to_yaml(), encoding="utf-8")
    folder, rng, kills = tmp_path / "run", np.random.default_rng(workers), 0
    command = [sys.executable, "-c", RUNNER, str(tmp_path / "study.yaml"), str(folder), storage, str(workers)]
    while True:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"begun\n"
            grown = written_bytes(folder) + int(rng.integers(1, 14_000))
            while process.poll() is None and (kills >= KILLS or written_bytes(folder) < grown):
                time.sleep(0.002)
            time.sleep(float(rng.random()) * 0.05)
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                kills += 1
                continue
        assert process.returncode == 0, process.stderr
        break
    assert kills == KILLS
    pd.testing.assert_frame_equal(table(folder), whole.to_frame())
    assert without_times(folder) == without_times(tmp_path / "whole")
    asked = (tmp_path / "log").read_text().splitlines()
    assert len(set(asked)) == 24
    assert 24 <= len(asked) <= 24 + kills * workers  # only what was being evaluated is evaluated again


def test_two_processes_on_the_same_run(tmp_path: Path, outside: Make) -> None:
    run_search(outside(evaluations=1), tmp_path / "run", make_sampler=make_sampler)
    study = outside(evaluations=200)
    (tmp_path / "study.yaml").write_text(study.to_yaml(), encoding="utf-8")
    folder = tmp_path / "run"
    command = [sys.executable, "-c", RUNNER, str(tmp_path / "study.yaml"), str(folder), "journal", "1"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        begun = written_bytes(folder)
        while written_bytes(folder) < begun + 3000:
            assert process.poll() is None
            time.sleep(0.02)
        who = rf"found in use by run, process {process.pid} on "
        with pytest.raises(StoreError, match=who):
            run_search(study, folder, make_sampler=make_sampler)
        with pytest.raises(StoreError, match=who):
            ask(folder, 1, make_sampler=make_sampler)
        found = status(folder, asked_of(study).question)
        assert f"process {process.pid}" in found["in_use_by"]
        assert found["stopped_by"] is None
        assert found["evaluated"] + found["pending"] > 0
        assert found["evaluations"] == 200
        process.kill()
    assert status(folder, asked_of(study).question)["in_use_by"] == ""
    assert resume(folder, make_sampler=make_sampler, changes={"evaluations": 1}).stopped_by == BUDGET


def test_several_goals_give_a_front(tmp_path: Path) -> None:
    study = study_from_mapping(
        {**mapping(evaluations=40), "kind": "pareto", "minimise": ["lcoc_usd_per_pflop_hour", "capex_usd"]}
    )
    run = run_search(study, tmp_path / "run", make_sampler=make_sampler)
    front = json.loads((tmp_path / "run" / "front.json").read_text())
    assert 0.0 <= front["hypervolume"] <= 1.0
    values = [(point["outcome"]["lcoc_usd_per_pflop_hour"], point["outcome"]["capex_usd"]) for point in front["points"]]
    frame = run.to_frame()
    feasible = frame[frame["feasible"]][["lcoc_usd_per_pflop_hour", "capex_usd"]].to_numpy()
    for value in values:
        assert not (np.all(feasible <= value, axis=1) & np.any(feasible < value, axis=1)).any()
    assert status(tmp_path / "run", run.asked.question)["front"] == len(values)
    assert evaluations(tmp_path / "run", run.asked).equals(frame)


OTHERS: list[tuple[dict[str, Any], str]] = [
    ({"seed": 2}, "allowed: a new folder or that of searched-"),
    ({"batch": 7}, "which differs in what its trials depend on"),
]


@pytest.mark.parametrize(("changes", "message"), OTHERS)
def test_another_search_does_not_go_into_the_same_folder(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    run_search(built_in(evaluations=3), tmp_path / "run", make_sampler=make_sampler)
    before = table(tmp_path / "run")
    with pytest.raises(RunFolderError, match=message):
        run_search(built_in(**changes), tmp_path / "run", make_sampler=make_sampler)
    assert table(tmp_path / "run").equals(before)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes.txt").write_text("precious", encoding="utf-8")
    with pytest.raises(RunFolderError, match=r"found a folder with other files \(notes\.txt\)"):
        run_search(built_in(), tmp_path / "run", make_sampler=make_sampler)
    with pytest.raises(RunFolderError, match=r"found no manifest\.json of a run"):
        resume(tmp_path / "run", make_sampler=make_sampler)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    "storage", ["mysql://host/db", "postgresql://host", "sqlite://", "journal:file", "postgresql://u:secret@h:x/db"]
)
def test_an_address_that_is_none_is_refused_without_its_password(tmp_path: Path, storage: str) -> None:
    with pytest.raises(StoreError, match=r"search\.storage: found .* allowed journal, sqlite:///FILE or") as caught:
        run_search(built_in(), tmp_path / "run", make_sampler=make_sampler, where=Where(storage=storage))
    assert "secret" not in str(caught.value)


def test_a_server_that_does_not_answer_is_an_error(tmp_path: Path) -> None:
    url = "postgresql://someone:secret@127.0.0.1:1/trials"
    with pytest.raises(StoreError, match=r"postgresql://someone@127\.0\.0\.1:1/trials: the store does not") as caught:
        run_search(built_in(), tmp_path / "run", make_sampler=make_sampler, where=Where(storage=url))
    assert "secret" not in str(caught.value)
    assert "secret" not in (tmp_path / "run" / "manifest.json").read_text()


def test_warm_points_are_made_once_and_come_first(tmp_path: Path) -> None:
    calls = []

    def warm(study: ResolvedStudy, asked: Asked) -> list[dict[str, Any]]:
        calls.append(study.name)
        return [asked.designs.point(study.nominal_design())]

    first = run_search(built_in(evaluations=1, warm_start=True), tmp_path / "run", make_sampler=make_sampler, warm=warm)
    nominal = first.asked.designs.point(built_in().nominal_design())
    assert dict(first.result.answered.trials[0].point) == nominal
    run_search(built_in(evaluations=4, warm_start=True), tmp_path / "run", make_sampler=make_sampler, warm=warm)
    assert calls == ["searched"]
    cold = run_search(
        built_in(evaluations=1, warm_start=False), tmp_path / "cold", make_sampler=make_sampler, warm=warm
    )
    assert dict(cold.result.answered.trials[0].point) != nominal


def test_auto_says_what_it_chose_and_stays_with_it(tmp_path: Path) -> None:
    study = built_in(engine="auto", sampler="auto", evaluations=4)
    first = run_search(study, tmp_path / "run")
    assert first.words.startswith("auto chose ")
    assert first.words == json.loads((tmp_path / "run" / "optimum.json").read_text())["sampler_chosen"]
    again = resume(tmp_path / "run")
    assert (again.words, again.result.evaluated) == (first.words, 0)
    longer = resume(tmp_path / "run", changes={"evaluations": 6})
    assert (longer.words, longer.result.evaluated) == (first.words, 2)


@pytest.mark.slow
def test_the_best_design_of_the_built_in_model_comes_first(tmp_path: Path) -> None:
    run = run_search(built_in(sampler="random", evaluations=6, warm_start=True), tmp_path / "run")
    assert [trial.number for trial in run.result.front] == [0]
    again = resume(tmp_path / "run")
    assert again.to_frame().equals(run.to_frame())


def test_auto_measures_the_middle_where_there_is_nothing_to_begin_with(tmp_path: Path, outside: Make) -> None:
    run = run_search(outside(sampler="auto", evaluations=9), tmp_path / "run", where=Where(workers=1))
    space = run.asked.question.space
    assert dict(run.result.answered.trials[0].point) == space.decode(np.full((1, len(space.names)), 0.5))[0]
    assert run.words.startswith("auto chose surrogate")
    assert run.result.evaluated >= 8


def test_a_batch_that_is_left_open_leaves_where_it_runs_as_it_is(tmp_path: Path) -> None:
    study = with_open_batch(storage="sqlite:///trials.db", workers=2, evaluations=3, sampler="random")
    run = run_search(study, tmp_path / "run", make_sampler=make_sampler)
    assert (tmp_path / "run" / "trials.db").is_file() and not (tmp_path / "run" / "trials.journal").exists()
    assert (run.study.search.workers, run.study.search.batch) == (2, 1)


@pytest.mark.parametrize(("batch", "workers", "words"), [(6, 2, ""), (1, 2, "1 design is named"), (2, 4, "so 2 of 4")])
def test_workers_with_nothing_to_do_are_named_before_the_search(
    outside: Make, batch: int, workers: int, words: str
) -> None:
    study = outside(batch=batch)
    said = idle_words(study, asked_of(study), workers)
    assert said.startswith(words) if batch == 1 else words in said
    assert bool(said) == bool(words) and (f"search.batch={workers}" in said) == bool(words)
    assert not idle_words(built_in(batch=batch), asked_of(built_in(batch=batch)), workers)


def test_the_line_on_idle_workers_comes_before_the_first_answer(tmp_path: Path, outside: Make) -> None:
    seen: list[str] = []
    study, where = outside(batch=1, evaluations=2), Where(workers=2)
    run_search(
        study,
        tmp_path / "run",
        where=where,
        make_sampler=make_sampler,
        report=lambda _: seen.append("answer"),
        say=seen.append,
    )
    assert "1 of 2 workers stay idle" in seen[0] and seen[1:] == ["answer", "answer"]


def test_a_ground_study_has_nothing_to_search() -> None:
    with pytest.raises(DawnduskError, match="kind: found ground"):
        asked_of(study_from_mapping({"name": "g", "extends": "orbit-200mw", "kind": "ground"}))


def test_a_batch_that_is_left_open_is_settled_when_the_search_begins(tmp_path: Path) -> None:
    study = with_open_batch(evaluations=100)
    assert study.search.batch is None
    first = run_search(study, tmp_path / "run", make_sampler=make_sampler)
    assert first.study.search.batch == read_begun(first.folder).study.search.batch == 2
    more = run_search(with_open_batch(evaluations=106), tmp_path / "run", make_sampler=make_sampler)
    assert (more.study.search.batch, more.result.evaluated) == (2, 6)
    stated = run_search(built_in(batch=2, evaluations=106), tmp_path / "other", make_sampler=make_sampler)
    assert stated.to_frame().equals(more.to_frame())


def bounded(run: SearchRun, bound: float) -> SearchRun:
    """Return a run as it is with a bound that was proved elsewhere."""
    return replace(run, result=replace(run.result, bound=bound))


def test_a_trial_that_beats_a_certificate_is_an_error(tmp_path: Path) -> None:
    run = run_search(built_in(evaluations=20), tmp_path / "run", make_sampler=make_sampler)
    assert run.objective is not None
    bounded(run, 0.99 * run.objective).check()
    with pytest.raises(CertificateError, match="there is a feasible design"):
        bounded(run, 1.01 * run.objective).check()


def test_a_folder_knows_where_its_trials_are(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with pytest.raises(StoreError, match="found no folder"):
        run_search(built_in(), folder, make_sampler=make_sampler, where=Where(storage="sqlite:///none/trials.db"))
    first = Where(storage="sqlite:///trials.db")
    run_search(built_in(evaluations=3), folder, make_sampler=make_sampler, where=first)
    again = run_search(built_in(evaluations=4), folder, make_sampler=make_sampler)
    assert (again.result.evaluated, again.store) == (1, str(read_address("sqlite:///trials.db", folder)))
    with pytest.raises(RunFolderError, match=r"whose trials are in sqlite:///trials\.db; allowed"):
        run_search(built_in(), folder, make_sampler=make_sampler, where=Where(storage="sqlite:///other.db"))
