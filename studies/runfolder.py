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
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from dawndusk.models.errors import DawnduskError, one_of
from dawndusk.studies.document import MAX_PLACE, shorten
from dawndusk.studies.results import RunResult
from dawndusk.studies.study import Study

FORMAT = 1
HASH_LETTERS = 8
STRANGERS_NAMED = 3
READABLE_BY_ALL = 0o755
GIT_TIMEOUT_S = 10.0
MANIFEST = "manifest.json"
FILES = {MANIFEST, "study.yaml", "optimum.json", "designs.parquet", "designs.csv"}
UNFINISHED = ".dawndusk-"
"""Begins the name of the folder in which a run is gathered before it takes its place."""
LIBRARIES = ("numpy", "scipy", "pandas", "pyarrow", "pydantic", "ruamel.yaml", "pyomo", "highspy", "optuna")


class RunFolderError(DawnduskError):
    """A folder that can not be written, or that holds something else."""


def default_folder(study: Study) -> Path:
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
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if names and not (names <= FILES and _is_manifest(folder / MANIFEST)):
        found = one_of(sorted(names - FILES)[:STRANGERS_NAMED]) or f"no {MANIFEST} of a run"
        raise RunFolderError(
            f"{folder}: found a folder with other files ({found}); allowed: a new folder or a run folder"
        )
    parent = folder.absolute().parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise RunFolderError(f"{folder}: can not be written, because {parent} is not a writable folder")


def _is_manifest(path: Path) -> bool:
    with contextlib.suppress(OSError, ValueError):
        content = json.loads(path.read_text(encoding="utf-8"))
        return isinstance(content, dict) and "study_hash" in content
    return False


def write_run(result: RunResult, folder: Path) -> Path:
    """Write a run folder: manifest, resolved study, optimum, designs. Replaces an older run of the same folder."""
    check_target(folder)
    folder = folder.absolute()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=folder.parent))
    except OSError as error:
        raise _unwritable(folder, error) from None
    try:
        fresh.chmod(READABLE_BY_ALL)
        (fresh / "study.yaml").write_text(result.study.to_yaml(), encoding="utf-8")
        frame = result.to_frame()
        frame.to_parquet(fresh / "designs.parquet", index=False)
        frame.to_csv(fresh / "designs.csv", index=False)
        write_json(fresh / "optimum.json", result.to_dict())
        write_json(fresh / MANIFEST, manifest(result))
        _swap(fresh, folder)
    except OSError as error:
        raise _unwritable(folder, error) from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return folder


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


def manifest(result: RunResult) -> dict[str, Any]:
    """Return what is needed to repeat a run: versions, seed, study hash, git state."""
    study = result.study
    return {
        "format": FORMAT,
        "study": study.name,
        "source": Path(study.source).name,
        "study_hash": study.hash,
        "seed": result.seed,
        "engine": study.search.engine.value,
        "status": result.status,
        "stopped_by": result.stopped_by,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": result.seconds,
        "dawndusk": _version("dawndusk"),
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
