from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import dawndusk as dd
from dawndusk.studies.input.studyfile import read_study
from dawndusk.studies.run.design.results import RunResult
from dawndusk.studies.run.folder import writing
from dawndusk.studies.run.folder.writing import FILES, RunFolderError, check_target, finite, write_run


@pytest.fixture(scope="module")
def result() -> RunResult:
    found = dd.load("spacex-ai1", ["search.time_limit_s=0.2", "search.engine=evolution"]).run()
    assert isinstance(found, RunResult)
    return found


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_it_holds_what_repeats_the_run(result: RunResult, tmp_path: Path) -> None:
    folder = write_run(result, tmp_path / "run")
    assert {path.name for path in folder.iterdir()} == FILES
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    manifest = json.loads((folder / "manifest.json").read_text())
    study = read_study(folder / "study.yaml")
    assert manifest["study_hash"] == study.hash == result.study.hash
    assert (manifest["study"], manifest["seed"], manifest["format"]) == ("spacex-ai1", 1, 1)
    assert manifest["dawndusk"] == dd.__version__
    assert all(manifest["libraries"].values())
    assert manifest["status"] == result.status


def test_the_tables_agree(result: RunResult, tmp_path: Path) -> None:
    folder = write_run(result, tmp_path / "run")
    parquet = pd.read_parquet(folder / "designs.parquet")
    csv = pd.read_csv(folder / "designs.csv")
    pd.testing.assert_frame_equal(parquet, csv, check_dtype=False, rtol=1e-12)
    pd.testing.assert_frame_equal(parquet, result.to_frame(), check_dtype=False, rtol=1e-12)


def test_the_optimum_is_plain_finite_json(result: RunResult, tmp_path: Path) -> None:
    def refuse(name: str) -> Any:
        raise AssertionError(name)

    text = (write_run(result, tmp_path / "run") / "optimum.json").read_text()
    optimum = json.loads(text, parse_constant=refuse)
    assert optimum == json.loads(json.dumps(result.to_dict()))
    assert all(isinstance(v, int | float) for v in optimum["outcome"].values())


def test_what_is_not_finite_becomes_null() -> None:
    values = {"a": float("nan"), "b": [1.0, float("inf")], "c": (np.inf, {"d": -np.inf}), "e": "x", "f": True}
    assert finite(values) == {"a": None, "b": [1.0, None], "c": [None, {"d": None}], "e": "x", "f": True}


def test_an_older_run_is_replaced_whole(result: RunResult, tmp_path: Path) -> None:
    folder = write_run(result, tmp_path / "run")
    (folder / "optimum.json").write_text("old", encoding="utf-8")
    (folder / "designs.csv").unlink()
    write_run(result, folder)
    assert {path.name for path in folder.iterdir()} == FILES
    assert (folder / "optimum.json").read_text() != "old"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_an_empty_folder_and_missing_parents_are_fine(result: RunResult, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write_run(result, tmp_path / "empty")
    write_run(result, tmp_path / "a" / "b" / "c")
    assert {path.name for path in (tmp_path / "a" / "b" / "c").iterdir()} == FILES


@pytest.mark.parametrize(
    "manifest", [None, "{", "[]", '{"manifest_version": 3}'], ids=["none", "half", "list", "alien"]
)
def test_a_folder_of_something_else_is_refused(result: RunResult, tmp_path: Path, manifest: str | None) -> None:
    (tmp_path / "study.yaml").write_text("precious", encoding="utf-8")
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest, encoding="utf-8")
    before = contents(tmp_path)
    with pytest.raises(RunFolderError, match="found a folder with other files"):
        write_run(result, tmp_path)
    assert contents(tmp_path) == before


def test_a_run_folder_with_own_notes_is_kept(result: RunResult, tmp_path: Path) -> None:
    folder = write_run(result, tmp_path / "run")
    (folder / "notes.txt").write_text("precious", encoding="utf-8")
    with pytest.raises(RunFolderError, match=r"other files \(notes\.txt\)"):
        write_run(result, folder)
    assert (folder / "notes.txt").read_text() == "precious"


@pytest.mark.parametrize("name", ["x" * 300, "a\0b"], ids=["endless", "nul"])
def test_an_impossible_name_is_refused_beforehand(tmp_path: Path, name: str) -> None:
    with pytest.raises(RunFolderError, match="can not be written: "):
        check_target(tmp_path / name)


def test_a_parent_that_can_not_be_written_is_refused_beforehand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(RunFolderError, match="is not a writable folder"):
        check_target(tmp_path / "new" / "run")


def test_a_file_in_the_way_of_a_parent_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(RunFolderError, match=r"is not a writable folder|can not be written"):
        check_target(tmp_path / "file" / "run")


FAILURES: list[tuple[str, type[BaseException], type[BaseException]]] = [
    ("write_json", OSError, RunFolderError),
    ("write_json", KeyboardInterrupt, KeyboardInterrupt),
    ("manifest", ValueError, ValueError),
    ("_swap", OSError, RunFolderError),
]


@pytest.mark.parametrize(("where", "cause", "seen"), FAILURES, ids=[f"{w}-{c.__name__}" for w, c, _ in FAILURES])
@pytest.mark.parametrize("older", [False, True], ids=["new", "older"])
def test_a_write_that_fails_leaves_nothing_half_written(
    result: RunResult,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    cause: type[BaseException],
    seen: type[BaseException],
    older: bool,
) -> None:
    folder = tmp_path / "run"
    if older:
        write_run(result, folder)
    before = contents(folder) if older else {}

    def fail(*_: object) -> None:
        raise cause(28, "No space left on device")

    monkeypatch.setattr(writing, where, fail)
    with pytest.raises(seen):
        write_run(result, folder)
    assert [path.name for path in tmp_path.iterdir()] == (["run"] if older else [])
    assert not older or contents(folder) == before


@pytest.mark.parametrize("cause", [OSError, KeyboardInterrupt])
def test_a_swap_that_fails_half_way_brings_the_older_run_back(
    result: RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cause: type[BaseException]
) -> None:
    folder = write_run(result, tmp_path / "run")
    before = contents(folder)
    replace: Callable[[Path, Path], Path] = Path.replace

    def fail_second(self: Path, target: Path) -> Path:
        if Path(target) == folder and self.name != "run":
            raise cause(5, "Input/output error")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fail_second)
    with pytest.raises((RunFolderError, KeyboardInterrupt)):
        write_run(result, folder)
    monkeypatch.undo()
    assert contents(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_outside_a_checkout_there_is_no_git_state(tmp_path: Path) -> None:
    assert writing.git_state(tmp_path) is None
