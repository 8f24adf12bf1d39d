"""The files of studies: the library, how a name finds its file, and reading one file safely."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from dawndusk.models.errors import nearest, one_of
from dawndusk.studies.input.document import MAX_PLACE, DocumentNode, describe, read_text, shorten
from dawndusk.studies.input.errors import Place, StudyError, StudyProblem

LIBRARY = Path(__file__).parents[1] / "library"
SUFFIX = ".yaml"
MAX_BYTES = 2**20
"""Largest study file; a study that overrides every assumption is a tenth of it."""


def library_names() -> list[str]:
    """Return the names of the studies in the library."""
    return sorted(path.stem for path in LIBRARY.glob(f"*{SUFFIX}"))


def library_path(name: str) -> Path:
    """Return the file of a study in the library."""
    if name not in library_names():
        raise StudyError(not_found(Place(shorten(name, MAX_PLACE)), "", name, "a name in the library"))
    return LIBRARY / f"{name}{SUFFIX}"


def find(name: str, directory: Path) -> Path | None:
    """Return the file that a name means, first in the library and then from a directory, if there is one."""
    if name in library_names():
        return library_path(name)
    path = directory / name
    return path if name and os.path.exists(path) else None  # noqa: PTH110 (False, not an error, for impossible paths)


def shown(path: Path) -> str:
    """Return a path as messages show it: relative where it lies below the current directory."""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 (resolve would follow links)
    return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else str(path)


def not_found(place: Place, key: str, name: str, what: str = "a path, or a name in the library") -> StudyProblem:
    """Return the problem with a name that is neither a study of the library nor a file."""
    names = library_names()
    found = f"{describe(name)}, which is not there" if key else "no such study"
    return StudyProblem(
        place=place, key=key, found=found, allowed=f"{what}: {one_of(names)}", hint=nearest(name, names)
    )


def read_file(path: Path) -> DocumentNode:
    """Read a study file as a document, refusing what is no text of a sensible size."""
    place = Place(shown(path))
    text = _decode(_read_bytes(path, place), place)
    if path.suffix == ".json":
        text = text.replace("\t", " ")  # YAML does not indent with tabs, JSON may; inside its texts they are escaped
    return read_text(text, place)


def _read_bytes(path: Path, place: Place) -> bytes:
    if path.is_dir():
        raise _unreadable(place, "a directory", "a YAML or JSON file")
    if path.exists() and not path.is_file():
        raise _unreadable(place, "a device or a pipe", "a YAML or JSON file")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _unreadable(place, f"a file that can not be read ({error.strerror})", "a YAML or JSON file") from None
    if len(data) > MAX_BYTES:
        raise _unreadable(place, "a file larger than 1 MiB", "up to 1 MiB")
    return data


def _decode(data: bytes, place: Place) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _unreadable(place, "text in UTF-16", "text in UTF-8")
    if b"\0" in data:
        raise _unreadable(place, "a binary file", "text in UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = f"the byte 0x{data[error.start]:02x}, which is not UTF-8"
        raise _unreadable(dataclasses.replace(place, line=line), found, "text in UTF-8") from None


def _unreadable(place: Place, found: str, allowed: str) -> StudyError:
    return StudyError(StudyProblem(place=place, key="", found=found, allowed=allowed))
