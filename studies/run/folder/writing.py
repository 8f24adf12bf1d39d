"""The run folder: everything needed to read, repeat and check a run. Written whole or not at all."""

from __future__ import annotations

import contextlib
import json
import math
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dawndusk.models.errors import DawnduskError, one_of
from dawndusk.optimize.result import DesignResult
from dawndusk.studies.input.document import MAX_PLACE, shorten
from dawndusk.studies.input.identity import model_version
from dawndusk.studies.input.study import ResolvedStudy
from dawndusk.studies.input.studyfile import read_study
from dawndusk.studies.run.design.certificates import certificate, has_certificate
from dawndusk.studies.run.design.results import RunResult
from dawndusk.studies.run.design.runner import problem_of
from dawndusk.studies.run.folder import ledger, open_boxes
from dawndusk.studies.run.run import Run

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 1
HASH_LETTERS = 8
STRANGERS_NAMED = 3
READABLE_BY_ALL = 0o755
GIT_TIMEOUT_S = 10.0
MANIFEST, STUDY, OPTIMUM = "manifest.json", "study.yaml", "optimum.json"
FILES = {MANIFEST, STUDY, OPTIMUM, "designs.parquet", "designs.csv"}
"""In the folder of every finished run."""
CERTIFICATE = "certificate.json"
PROOF_FILES = {CERTIFICATE, open_boxes.NAME}
"""There where the engine proves something, and where its proof has not ended."""
FRONT_FILES = {MANIFEST, STUDY, "front.csv", "front.parquet", "front.json", "front.png"}
"""In the folder of a front; the picture only where it can be drawn."""
UNFINISHED = ".dawndusk-"
"""Begins the name of the folder in which a run is gathered before it takes its place."""
UNSETTLED = {"feasible", "unknown"}
"""Statuses of a certified run that more time may change."""
LIBRARIES = ("numpy", "scipy", "pandas", "pyarrow", "pydantic", "ruamel.yaml", "pyomo", "highspy", "optuna")


class RunFolderError(DawnduskError):
    """A folder that can not be written, or that holds something else."""


def default_folder(study: ResolvedStudy) -> Path:
    """Return ``runs/NAME-HASH``, so that the same question always has the same folder."""
    return Path("runs") / f"{study.name}-{study.hash[:HASH_LETTERS]}"


def check_target(folder: Path) -> None:
    """Raise ``RunFolderError`` if a run can not go to ``folder``; call it before a long search."""
    try:
        if "\0" in str(folder):
            raise ValueError("embedded null character")
        _check_target(folder)
    except (OSError, ValueError) as error:
        raise _unwritable(folder, error) from None


def _unwritable(folder: Path, error: Exception) -> RunFolderError:
    reason = getattr(error, "strerror", None) or error
    return RunFolderError(f"{shorten(str(folder), MAX_PLACE)}: can not be written: {reason}")


def refuse_ground_folder(out: Path | str | None) -> None:
    """Raise ``RunFolderError`` if a run folder is asked of a ground study."""
    if out is not None:
        raise RunFolderError(f"{out}: found a ground study, which writes no run folder; allowed: no folder")


def _check_target(folder: Path) -> None:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise RunFolderError(f"{folder}: found something that is not a folder; allowed: a new folder or a run folder")
    if folder.name == ledger.FOLDER:
        raise RunFolderError(f"{folder}: found the name of the folder of certificates; allowed: any other name")
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    known = FILES | PROOF_FILES | FRONT_FILES
    if names and not (names <= known and _is_manifest(folder / MANIFEST)):
        found = one_of(sorted(names - known)[:STRANGERS_NAMED]) or f"no {MANIFEST} of a run"
        raise RunFolderError(
            f"{folder}: found a folder with other files ({found}); allowed: a new folder or a run folder"
        )
    parent = folder.absolute().parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise RunFolderError(f"{folder}: can not be written, because {parent} is not a writable folder")


def _is_manifest(path: Path) -> bool:
    return _hash_in(path) is not None


def _hash_in(path: Path) -> str | None:
    """Return the study hash in a manifest, None where there is none."""
    with contextlib.suppress(OSError, ValueError):
        content = json.loads(path.read_text(encoding="utf-8"))
        return str(content["study_hash"]) if isinstance(content, dict) and "study_hash" in content else None
    return None


def keep_run(result: RunResult, folder: Path) -> Path:
    """Hold a run against the certificates beside its folder, write the folder, and add what the run proved to them.

    Raises
    ------
    CertificateError
        When a design beats a certificate. Nothing is written then.
    """
    check_target(folder)
    beside = ledger.folder_beside(folder)
    known, new = ledger.entries(beside, result.study), ledger.entry_of(result, folder)
    ledger.check(new, known, problem_of(result.study))
    written = write_run(result, folder)
    ledger.record(new, known, beside)
    return written


def write_run(result: RunResult, folder: Path) -> Path:
    """Write a run folder: manifest, resolved study, optimum, designs, and what was proved.

    Replaces an older run of the same folder.
    """
    check_target(folder)
    documents = {OPTIMUM: result.to_dict()}
    if has_certificate(result):
        documents[CERTIFICATE] = certificate(result)

    def keep_open_boxes(fresh: Path) -> None:
        if result.result.unfinished is not None and result.status in UNSETTLED:
            open_boxes.write_open_boxes(result.result, result.study, fresh / open_boxes.NAME)

    tables = {"designs": result.to_frame()}
    return write_finished(result, result.study, folder, tables=tables, documents=documents, more=keep_open_boxes)


def write_finished(
    result: Run,
    study: ResolvedStudy,
    folder: Path,
    *,
    tables: Mapping[str, pd.DataFrame],
    documents: Mapping[str, Mapping[str, Any]],
    more: Callable[[Path], None] = lambda _: None,
    **begun: Any,
) -> Path:
    """Write the run folder of a finished run of any kind: study, tables, documents, what else it has, and manifest.

    Parameters
    ----------
    study : Study
        As it was run.
    tables : mapping
        By the name of their files, each written as Parquet and as CSV.
    documents : mapping
        Plain values by the name of the JSON file.
    more : callable
        Adds what only this kind has to the folder, which is not in its place yet.
    **begun
        What the manifest says otherwise than ``origin``.
    """

    def fill(fresh: Path) -> None:
        (fresh / STUDY).write_text(study.to_yaml(), encoding="utf-8")
        for name, table in tables.items():
            table.to_parquet(fresh / f"{name}.parquet", index=False)
            table.to_csv(fresh / f"{name}.csv", index=False)
        for name, content in documents.items():
            write_json(fresh / name, content)
        more(fresh)
        write_json(fresh / MANIFEST, {**manifest(result, study), **begun})

    return write_whole(folder, fill)


def write_whole(folder: Path, fill: Callable[[Path], None]) -> Path:
    """Gather files in a folder beside, and put it in place."""
    folder = folder.absolute()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=folder.parent))
    except OSError as error:
        raise _unwritable(folder, error) from None
    try:
        fresh.chmod(READABLE_BY_ALL)
        fill(fresh)
        _swap(fresh, folder)
    except OSError as error:
        raise _unwritable(folder, error) from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return folder


def write_checkpoint(result: DesignResult, study: ResolvedStudy, folder: Path) -> None:
    """Keep the open boxes of a search that goes on.

    Where the folder has a run of the same study they are put beside it, and replaced whole. Otherwise the folder
    is begun, with what ``--resume`` needs.
    """
    folder = folder.absolute()
    if _hash_in(folder / MANIFEST) == study.hash:
        try:
            open_boxes.write_open_boxes(result, study, folder / open_boxes.NAME, scratch=folder.parent)
        except OSError as error:
            raise _unwritable(folder, error) from None
        return

    def fill(fresh: Path) -> None:
        (fresh / STUDY).write_text(study.to_yaml(), encoding="utf-8")
        open_boxes.write_open_boxes(result, study, fresh / open_boxes.NAME)
        begun = {"status": result.status, "stopped_by": result.stopped_by, "seconds": result.seconds}
        write_json(fresh / MANIFEST, {**origin(study), **begun})

    write_whole(folder, fill)


def read_unfinished(folder: Path) -> tuple[ResolvedStudy, DesignResult]:
    """Return the study of a run folder and the unfinished result that it keeps.

    Raises
    ------
    DawnduskError
        Where the folder is none of a run, its run has ended, or its open boxes are damaged or of another version.
    """
    recorded = _hash_in(folder / MANIFEST)
    if recorded is None:
        raise RunFolderError(f"{folder}: found no {MANIFEST} of a run; allowed: the folder of a run that has not ended")
    boxes = folder / open_boxes.NAME
    if not boxes.is_file():
        raise RunFolderError(
            f"{folder}: found a run without {open_boxes.NAME}, which has ended; allowed: the folder of a certified run "
            "that was interrupted or reached its time limit"
        )
    study = read_study(folder / STUDY)
    if study.hash != recorded:
        raise RunFolderError(
            f"{folder / STUDY}: found study {study.hash[:HASH_LETTERS]}, changed since the run of "
            f"{recorded[:HASH_LETTERS]} or read with other shipped data; allowed: the study as the run wrote it"
        )
    return study, open_boxes.read_open_boxes(boxes, study)


def _swap(fresh: Path, folder: Path) -> None:
    """Put the finished folder in place of an older one."""
    if not folder.exists():
        fresh.replace(folder)
        return
    old = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=folder.parent))
    folder.replace(old / "run")
    try:
        fresh.replace(folder)
    except BaseException:
        (old / "run").replace(folder)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def manifest(result: Run, study: ResolvedStudy) -> dict[str, Any]:
    """Return what is needed to repeat a run: versions, seed, study hash, git state; and how it ended."""
    outcome = {"seed": result.seed, "status": result.status, "stopped_by": result.stopped_by, "seconds": result.seconds}
    return {**origin(study), **outcome, "finished": datetime.now(UTC).isoformat(timespec="seconds")}


def origin(study: ResolvedStudy) -> dict[str, Any]:
    """Return what a run begins from: the study, the versions of everything, and the git state."""
    return {
        "format": FORMAT,
        "study": study.name,
        "source": Path(study.source).name,
        "study_hash": study.hash,
        "seed": study.search.seed,
        "engine": study.search.engine.value,
        "dawndusk": _version("dawndusk"),
        "model": model_version(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "libraries": {name: _version(name) for name in LIBRARIES},
        "git": git_state(Path(__file__).resolve().parent),
    }


def git_state(directory: Path) -> dict[str, Any] | None:
    """Return commit and cleanliness of the checkout that the code runs from, or None outside one."""
    commit = _git(directory, "rev-parse", "HEAD")
    if commit is None or _git(directory, "ls-files", "--error-unmatch", Path(__file__).name) is None:
        return None
    return {"commit": commit, "clean": _git(directory, "status", "--porcelain") == ""}


def _git(directory: Path, *arguments: str) -> str | None:
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            ["git", "-C", str(directory), *arguments], capture_output=True, text=True, timeout=GIT_TIMEOUT_S, check=True
        )
        return done.stdout.strip()
    return None


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write JSON that every reader takes: a number that is not finite becomes null."""
    path.write_text(json.dumps(finite(value), indent=2, allow_nan=False) + "\n", encoding="utf-8")


def finite(value: Any) -> Any:
    """Return plain values with every NaN and infinity replaced by None."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    return [finite(item) for item in value] if isinstance(value, list | tuple) else value
