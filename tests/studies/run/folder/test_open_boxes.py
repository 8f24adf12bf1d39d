from __future__ import annotations

import dataclasses
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dawndusk as dd
from dawndusk.optimize.result import DesignResult
from dawndusk.studies.input import identity
from dawndusk.studies.run.design.runner import run_design
from dawndusk.studies.run.folder import open_boxes, writing
from dawndusk.studies.run.folder.open_boxes import (
    ARRAYS,
    NAME,
    STATE,
    Keeper,
    OpenBoxesError,
    read_open_boxes,
    write_open_boxes,
)
from dawndusk.studies.run.folder.writing import (
    PROOF_FILES,
    RunFolderError,
    read_unfinished,
    write_checkpoint,
    write_run,
)


@pytest.fixture
def boxes(unfinished: dd.RunResult) -> DesignResult:
    assert unfinished.result.unfinished is not None
    return unfinished.result


@pytest.fixture
def file(boxes: DesignResult, unfinished: dd.RunResult, tmp_path: Path) -> Path:
    path = tmp_path / NAME
    write_open_boxes(boxes, unfinished.study, path)
    return path


def test_what_is_written_is_read_again(file: Path, boxes: DesignResult, unfinished: dd.RunResult) -> None:
    again = read_open_boxes(file, unfinished.study)
    assert again.unfinished is not None and boxes.unfinished is not None
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(again.unfinished.boxes, name), getattr(boxes.unfinished.boxes, name))
    for name in ("status", "objective", "bound", "gap", "design", "boxes", "open_boxes", "seed", "stopped_by"):
        assert getattr(again, name) == getattr(boxes, name), name
    assert again.unfinished.cutoff == boxes.unfinished.cutoff
    assert [c.design for c in again.candidates] == [c.design for c in boxes.candidates]
    assert again.candidates[0].combination == boxes.candidates[0].combination
    assert [path.name for path in file.parent.iterdir()] == [NAME]


def test_a_finished_result_has_no_open_boxes(certified: dd.RunResult, tmp_path: Path) -> None:
    with pytest.raises(OpenBoxesError, match="found none"):
        write_open_boxes(certified.result, certified.study, tmp_path / NAME)


def rewritten(file: Path, change: Callable[[dict[str, Any]], None], drop: str = "") -> None:
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist() if name != drop}
    if STATE in parts:
        state = json.loads(parts[STATE])
        change(state)
        parts[STATE] = json.dumps(state).encode()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


@pytest.mark.parametrize("drop", [STATE, "low.npy", "blame.npy"])
def test_a_missing_part_is_damage(file: Path, unfinished: dd.RunResult, drop: str) -> None:
    rewritten(file, lambda _: None, drop)
    with pytest.raises(OpenBoxesError, match="found a file that is damaged"):
        read_open_boxes(file, unfinished.study)


@pytest.mark.parametrize("kept", [0, 10, 5000])
def test_half_a_file_is_damage(file: Path, unfinished: dd.RunResult, kept: int) -> None:
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(OpenBoxesError, match="found a file that is damaged"):
        read_open_boxes(file, unfinished.study)


def test_a_flipped_bit_is_damage(file: Path, unfinished: dd.RunResult) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(OpenBoxesError, match="found a file that is damaged"):
        read_open_boxes(file, unfinished.study)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("format", 99, "found format 99"),
        ("dawndusk", "0.0.1", "another version of the model"),
        ("model", "0.1.0+ffff", "another version of the model"),
        ("study_hash", "0" * 64, "another study"),
        ("problem_hash", "0" * 64, "another study"),
        ("candidates", 5, "damaged"),
        ("design", {"vehicle": "x"}, "damaged"),
    ],
)
def test_what_does_not_belong_is_refused(
    file: Path, unfinished: dd.RunResult, key: str, value: object, message: str
) -> None:
    rewritten(file, lambda state: state.update({key: value}))
    with pytest.raises(OpenBoxesError, match=message):
        read_open_boxes(file, unfinished.study)


def test_a_run_goes_on_where_it_was(unfinished: dd.RunResult, tmp_path: Path) -> None:
    folder = write_run(unfinished, tmp_path / "run")
    study, kept = read_unfinished(folder)
    assert study == unfinished.study
    later = run_design(study, resume=kept, time_limit_s=3)
    assert later.status == "feasible"
    assert later.boxes is not None and unfinished.boxes is not None and later.boxes > unfinished.boxes
    assert later.bound is not None and unfinished.bound is not None and later.bound >= unfinished.bound
    assert later.objective is not None and unfinished.objective is not None
    assert later.objective <= unfinished.objective
    assert later.seconds > unfinished.seconds + 2
    write_run(later, folder)
    assert read_unfinished(folder)[1].boxes == later.boxes


@pytest.mark.slow
def test_a_resumed_run_ends_where_one_in_one_go_does(small_study: Callable[..., dd.Study], tmp_path: Path) -> None:
    ranges = ["design.life_years={low: 4, high: 8}", "design.spare_fraction={low: 0, high: 0.3}"]
    study = small_study(*ranges, "search.audit=false", "search.gap=1e-4")
    whole = run_design(study)
    part = run_design(study, time_limit_s=2)
    assert (whole.status, part.status) == ("optimal", "feasible")
    folder = write_run(part, tmp_path / "run")
    kept_study, kept = read_unfinished(folder)
    end = run_design(kept_study, resume=kept)
    assert (end.status, end.stopped_by) == ("optimal", "completion")
    assert end.objective == pytest.approx(whole.objective, rel=2e-4)
    write_run(end, folder)
    assert open_boxes.NAME not in {path.name for path in folder.iterdir()}


def test_the_folder_of_a_checkpoint_can_be_gone_on_with(
    boxes: DesignResult, unfinished: dd.RunResult, tmp_path: Path
) -> None:
    folder = tmp_path / "deep" / "run"
    for _ in range(2):
        write_checkpoint(boxes, unfinished.study, folder)
        assert {path.name for path in folder.iterdir()} == {"manifest.json", "study.yaml", NAME}
        assert [path.name for path in folder.parent.iterdir()] == ["run"]
    study, kept = read_unfinished(folder)
    assert (study, kept.objective) == (unfinished.study, boxes.objective)
    write_run(unfinished, folder)
    assert {path.name for path in folder.iterdir()} >= PROOF_FILES


def test_a_checkpoint_leaves_an_older_run_of_the_same_study(
    boxes: DesignResult, unfinished: dd.RunResult, tmp_path: Path
) -> None:
    folder = write_run(unfinished, tmp_path / "run")
    before = (folder / "optimum.json").read_bytes()
    write_checkpoint(boxes, unfinished.study, folder)
    assert (folder / "optimum.json").read_bytes() == before


@pytest.mark.parametrize("kind", ["nothing", "empty", "finished", "changed"])
def test_a_folder_that_can_not_be_gone_on_with_is_refused(
    kind: str, certified: dd.RunResult, unfinished: dd.RunResult, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    messages = {
        "nothing": "found no manifest.json",
        "empty": "found no manifest.json",
        "finished": "which has ended",
        "changed": "changed since the run",
    }
    if kind == "empty":
        folder.mkdir()
    elif kind == "finished":
        write_run(certified, folder)
    elif kind == "changed":
        write_run(unfinished, folder)
        text = (folder / "study.yaml").read_text()
        (folder / "study.yaml").write_text(text.replace("gap: 0.001", "gap: 0.1"), encoding="utf-8")
    with pytest.raises(RunFolderError, match=messages[kind]):
        read_unfinished(folder)


def test_another_model_is_another_version(
    unfinished: dd.RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_run(unfinished, tmp_path / "run")
    monkeypatch.setattr(open_boxes, "model_version", lambda: "0.1.0+other")
    with pytest.raises(OpenBoxesError, match="run the study anew"):
        read_unfinished(folder)
    assert identity.model_version().startswith(f"{dd.__version__}+")


def test_checkpoints_are_seldom_and_a_full_disk_ends_no_proof(
    boxes: DesignResult, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    written: list[DesignResult] = []
    keeper = Keeper(written.append)
    keeper(dataclasses.replace(boxes, unfinished=None))
    assert not keeper.kept
    keeper(boxes)
    keeper(boxes)
    assert (len(written), keeper.kept) == (1, True)

    def full(_: DesignResult) -> None:
        raise RunFolderError("No space left on device")

    failing = Keeper(full)
    failing(boxes)
    assert (failing.kept, failing.failure) == (False, "No space left on device")


def test_a_checkpoint_that_fails_leaves_the_older_one(
    boxes: DesignResult, unfinished: dd.RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    write_checkpoint(boxes, unfinished.study, folder)
    before = (folder / NAME).read_bytes()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(open_boxes, "_pack", fail)
    with pytest.raises(RunFolderError, match="No space left"):
        write_checkpoint(boxes, unfinished.study, folder)
    assert (folder / NAME).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert writing.CERTIFICATE not in {path.name for path in folder.iterdir()}
