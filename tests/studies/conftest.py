from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dawndusk.studies import files

WriteStudy = Callable[..., Path]


@pytest.fixture
def small_library(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The two studies beside these tests in place of the shipped library."""
    library = Path(__file__).parent / "library"
    monkeypatch.setattr(files, "LIBRARY", library)
    return library


@pytest.fixture
def write_study(tmp_path: Path, small_library: Path, monkeypatch: pytest.MonkeyPatch) -> WriteStudy:
    """Write a file into an empty current directory, so that messages name it without folders."""
    monkeypatch.chdir(tmp_path)

    def write(text: str | bytes, name: str = "study.yaml") -> Path:
        path = Path(name)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write
