"""The run folder of a search by trials: it is begun before the first trial, and grows with the search."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dawndusk.models.errors import one_of
from dawndusk.studies.input.document import MAX_PLACE, shorten
from dawndusk.studies.input.study import ResolvedStudy
from dawndusk.studies.input.studyfile import read_study
from dawndusk.studies.run.folder.reading import read_manifest
from dawndusk.studies.run.folder.writing import (
    MANIFEST,
    READABLE_BY_ALL,
    STRANGERS_NAMED,
    STUDY,
    UNFINISHED,
    RunFolderError,
    origin,
    write_json,
)
from dawndusk.studies.run.store.address import JOURNAL, Address, read_address

SECTION = "search"
"""Key of the manifest under which a run is one by trials."""
READABLE = 0o644
BEGUN = "begun"


@dataclass(frozen=True)
class Begun:
    """A search as its run folder knows it.

    Attributes
    ----------
    storage : str
        Where its trials are, without a password.
    name : str
        Its name in that store.
    is_told : bool
        Whether its answers are told from outside.
    """

    folder: Path
    study: ResolvedStudy
    storage: str
    name: str
    is_told: bool
    manifest: Mapping[str, Any]


def begin(folder: Path, study: ResolvedStudy, storage: str, name: str, *, is_told: bool = False) -> None:
    """Begin the run folder of a search, or find that it was begun.

    Raises
    ------
    RunFolderError
        Where something else is there, such as another search.
    """
    with _writing(folder):
        if "\0" in str(folder):
            raise RunFolderError(f"{shorten(repr(folder), MAX_PLACE)}: found a null character; allowed: a folder")
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise RunFolderError(
                f"{folder}: found something that is not a folder; allowed: a new folder or a run folder"
            )
        if folder.is_dir() and any(folder.iterdir()):
            _check_begun(folder, name)
            return
        section = {"storage": storage, "name": name, "is_told": is_told}
        _begin_whole(folder, study, {**origin(study), "status": BEGUN, "stopped_by": None, SECTION: section})


def _check_begun(folder: Path, name: str) -> None:
    """Raise ``RunFolderError`` unless a folder is that of the search with a name."""
    manifest = _manifest(folder)
    if manifest is None:
        found = one_of(sorted(path.name for path in folder.iterdir())[:STRANGERS_NAMED])
        raise RunFolderError(
            f"{folder}: found a folder with other files ({found}); allowed: a new folder or a run folder"
        )
    section = manifest.get(SECTION)
    if not isinstance(section, Mapping):
        raise RunFolderError(
            f"{folder}: found a run of engine {manifest.get('engine')}; allowed: a new folder or the same search's"
        )
    if section.get("name") != name:
        raise RunFolderError(
            f"{folder}: found the search {section.get('name')}; allowed: a new folder or that of {name}, which differs "
            "in what its trials depend on: the problem, the model, the evaluator, the sampler, the seed or the batch"
        )


def _begin_whole(folder: Path, study: ResolvedStudy, manifest: Mapping[str, Any]) -> None:
    """Put a folder in place that has a study and a manifest, or none."""
    folder = folder.absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=folder.parent))
    try:
        fresh.chmod(READABLE_BY_ALL)
        (fresh / STUDY).write_text(study.to_yaml(), encoding="utf-8")
        write_json(fresh / MANIFEST, manifest)
        with contextlib.suppress(FileNotFoundError):
            folder.rmdir()
        fresh.replace(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def read_begun(folder: Path) -> Begun:
    """Return the search of a run folder.

    Raises
    ------
    RunFolderError
        Where there is none.
    """
    manifest = _manifest(folder)
    section = None if manifest is None else manifest.get(SECTION)
    if manifest is None or not isinstance(section, Mapping):
        found = f"no {MANIFEST} of a run" if manifest is None else f"a run of engine {manifest.get('engine')}"
        raise RunFolderError(f"{folder}: found {found}; allowed: the folder of a search by trials")
    read_manifest(folder)
    try:
        storage, name, is_told = str(section["storage"]), str(section["name"]), bool(section["is_told"])
    except KeyError as error:
        raise RunFolderError(f"{folder / MANIFEST}: found no {SECTION}.{error.args[0]}") from None
    return Begun(folder, read_study(folder / STUDY), storage, name, is_told, manifest)


def is_search(folder: Path) -> bool:
    """Return whether a folder is that of a search by trials."""
    return isinstance((_manifest(folder) or {}).get(SECTION), Mapping)


def begun_batch(folder: Path) -> int | None:
    """Return the batch of the search of a run folder, None where none was begun there."""
    with contextlib.suppress(RunFolderError):
        return read_begun(folder).study.search.batch
    return None


def opened_storage(folder: Path) -> str | None:
    """Return where the trials of a run folder are, None where no store was ever opened for it."""
    section = (_manifest(folder) or {}).get(SECTION)
    return str(section["storage"]) if isinstance(section, Mapping) and section.get("is_opened") else None


def storage_of(stated: str, folder: Path) -> str:
    """Return where the trials of a run folder are: where it says, if its store was ever opened, else where stated."""
    opened = opened_storage(folder)
    if opened is None or str(read_address(opened, folder)) == str(read_address(stated, folder)):
        return stated
    if stated != JOURNAL:
        raise RunFolderError(
            f"{folder}: found a search whose trials are in {opened}; allowed: search.storage {opened}, or another run "
            "folder"
        )
    return opened


def recorded(stated: str, address: Address) -> str:
    """Return the address of a store as a run folder keeps it."""
    return str(address) if address.kind == "postgresql" else stated


def renew(folder: Path, study: ResolvedStudy, storage: str) -> None:
    """Note that the search of a run folder goes on in a store that was opened, with a budget that may be another."""
    section = {**read_begun(folder).manifest[SECTION], "storage": storage, "is_opened": True}
    manifest = {**origin(study), "status": BEGUN, "stopped_by": None, SECTION: section}
    text = study.to_yaml()
    files: dict[str, Callable[[Path], object]] = {
        STUDY: lambda path: path.write_text(text, encoding="utf-8"),
        MANIFEST: lambda path: write_json(path, manifest),
    }
    write_files(folder, files)


def _manifest(folder: Path) -> dict[str, Any] | None:
    """Return the manifest of a folder, None where there is none."""
    with contextlib.suppress(OSError, ValueError):
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return content if isinstance(content, dict) and "study_hash" in content else None
    return None


def write_files(folder: Path, files: Mapping[str, Callable[[Path], object]]) -> None:
    """Write files of a run folder, each whole or not at all, by what writes each."""
    with _writing(folder):
        for name, write in files.items():
            handle, fresh = tempfile.mkstemp(prefix=UNFINISHED, suffix=Path(name).suffix, dir=folder)
            os.close(handle)
            try:
                write(Path(fresh))
                Path(fresh).chmod(READABLE)
                Path(fresh).replace(folder / name)
            finally:
                Path(fresh).unlink(missing_ok=True)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RunFolderError(
            f"{shorten(str(folder), MAX_PLACE)}: can not be written: {error.strerror or error}; the trials are not "
            "affected"
        ) from None
