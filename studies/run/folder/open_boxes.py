"""The open boxes of a proof that has not ended, as one file: to go on from later, and to lose little by a crash."""

from __future__ import annotations

import json
import os
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

import dawndusk
from dawndusk.models.design import Design
from dawndusk.models.errors import DawnduskError
from dawndusk.optimize.boxes import Boxes
from dawndusk.optimize.result import Candidate, DesignResult, Unfinished
from dawndusk.studies.input.identity import model_version, problem_hash
from dawndusk.studies.input.study import ResolvedStudy
from dawndusk.studies.run.design.runner import problem_of

NAME = "open_boxes.npz"
FORMAT = 2
STATE = "state.json"
ARRAYS = tuple(field.name for field in fields(Boxes))
COMPRESSION = 1
"""Most of an array of boxes is infinite or repeats itself; more effort than the least gains little."""
KEPT = ("status", "objective", "bound", "gap", "gap_asked", "evaluated", "boxes", "open_boxes", "combinations")
TOLD = ("seconds", "seed", "stopped_by")
READABLE = 0o644
AXES_OF = {"combination": 1, "bound": 1}


class OpenBoxesError(DawnduskError):
    """Open boxes that a run can not go on from."""


def write_open_boxes(result: DesignResult, study: ResolvedStudy, path: Path, scratch: Path | None = None) -> None:
    """Write the open boxes of a result; the file is there whole or not at all.

    Parameters
    ----------
    scratch : Path, optional
        Folder on the same file system in which the file is gathered; that of the file by default.
    """
    unfinished = result.unfinished
    if unfinished is None:
        raise OpenBoxesError("open boxes: found none; allowed: the result of a search that has not ended")
    state = {
        "format": FORMAT,
        "dawndusk": dawndusk.__version__,
        "model": model_version(),
        "study_hash": study.hash,
        "problem_hash": problem_hash(problem_of(study)),
        **{name: getattr(result, name) for name in (*KEPT, *TOLD)},
        "design": None if result.design is None else result.design.to_dict(),
        "candidates": [_plain_candidate(c) for c in result.candidates],
        "cutoff": unfinished.cutoff,
        "examined": unfinished.examined,
        "before_s": unfinished.seconds,
    }
    handle, name = tempfile.mkstemp(prefix=".dawndusk-", suffix=".npz", dir=scratch or path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            _pack(file, state, unfinished.boxes)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(READABLE)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def _pack(file: Any, state: Mapping[str, Any], boxes: Boxes) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION) as archive:
        archive.writestr(STATE, json.dumps(state))
        for name in ARRAYS:
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                npy.write_array(entry, np.ascontiguousarray(getattr(boxes, name)), allow_pickle=False)


def _plain_candidate(candidate: Candidate) -> dict[str, Any]:
    return {
        "combination": candidate.combination,
        "coordinates": candidate.coordinates.tolist(),
        "design": candidate.design.to_dict(),
        "objective": candidate.objective,
        "violation": candidate.violation,
    }


def read_open_boxes(path: Path, study: ResolvedStudy) -> DesignResult:
    """Return the unfinished result that ``path`` keeps, for the study whose run it is.

    Raises
    ------
    OpenBoxesError
        Where the file is damaged, or is of another study, another version of the package or another model.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            state = json.loads(archive.read(STATE))
            _check_origin(state, study, path)
            arrays = {name: _array(archive, name) for name in ARRAYS}
        return _restored(state, _boxes(arrays), study)
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, LookupError, TypeError, ValueError) as error:
        raise OpenBoxesError(
            f"{path}: found a file that is damaged ({type(error).__name__}: {error}); allowed: the open boxes of a run"
        ) from None


def _array(archive: zipfile.ZipFile, name: str) -> Any:
    with archive.open(f"{name}.npy") as entry:
        return npy.read_array(entry, allow_pickle=False)


def _boxes(arrays: Mapping[str, Any]) -> Boxes:
    boxes = Boxes(**arrays)
    count = boxes.bound.size
    for name, array in arrays.items():
        if array.ndim != AXES_OF.get(name, 2) or array.shape[-1] != count or np.isnan(array).any():
            raise ValueError(f"{name}: shape {array.shape}")
    if boxes.low.shape != boxes.high.shape or boxes.least.shape != boxes.most.shape or not count:
        raise ValueError("boxes without two ends")
    return boxes


def _check_origin(state: Mapping[str, Any], study: ResolvedStudy, path: Path) -> None:
    if state["format"] != FORMAT:
        raise OpenBoxesError(f"{path}: found format {state['format']!r}; allowed: {FORMAT}")
    if state["dawndusk"] != dawndusk.__version__ or state["model"] != model_version():
        raise OpenBoxesError(
            f"{path}: found the open boxes of another version of the model ({state['model']}); allowed: "
            f"{model_version()}; what was proved in one does not hold in the other, so run the study anew"
        )
    if state["study_hash"] != study.hash or state["problem_hash"] != problem_hash(problem_of(study)):
        raise OpenBoxesError(
            f"{path}: found the open boxes of another study ({state['study_hash'][:12]}); allowed: {study.hash[:12]}"
        )


def _restored(state: Mapping[str, Any], boxes: Boxes, study: ResolvedStudy) -> DesignResult:
    design = None if state["design"] is None else Design(**state["design"])
    problem = problem_of(study)
    with np.errstate(all="ignore"):
        evaluation = None if design is None else problem.score_one(design).evaluation
    candidates = tuple(
        Candidate(
            dict(c["combination"]),
            np.array(c["coordinates"], dtype=np.float64),
            Design(**c["design"]),
            float(c["objective"]),
            float(c["violation"]),
        )
        for c in state["candidates"]
    )
    return DesignResult(
        **{name: state[name] for name in (*KEPT, *TOLD)},
        design=design,
        evaluation=evaluation,
        candidates=candidates,
        unfinished=Unfinished(boxes, float(state["cutoff"]), int(state["examined"]), float(state["before_s"])),
    )


class Keeper:
    """Keeps checkpoints, so seldom that writing takes no more than a small share of the time."""

    LEAST_S, SHARE = 10.0, 0.05

    def __init__(self, write: Callable[[DesignResult], None]) -> None:
        self._write = write
        self._next = 0.0
        self.kept = False
        self.failure = ""

    def __call__(self, result: DesignResult) -> None:
        """Keep an unfinished result, unless the one before is too recent. A disk that is full does not end a proof."""
        begin = time.monotonic()
        if begin < self._next or result.unfinished is None:
            return
        try:
            self._write(result)
            self.kept, self.failure = True, ""
        except DawnduskError as error:
            self.failure = str(error)
        end = time.monotonic()
        self._next = end + max(self.LEAST_S, (end - begin) / self.SHARE)
