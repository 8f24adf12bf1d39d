from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import dawndusk as dd
from dawndusk.optimize import solve
from dawndusk.studies.input import files
from dawndusk.studies.run.design.runner import run_design

WriteStudy = Callable[..., Path]


@pytest.fixture(autouse=True)
def short_explanations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Explain in half a second, so that every run of the command line can be explained as it is for a user."""
    monkeypatch.setattr(solve, "EXPLAINING_S", 0.5)


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


SMALL_SPACE: dict[str, Any] = {
    "accelerator": "tpu_v7",
    "accelerators_per_satellite": 126,
    "orbit": "dawn_dusk_sso",
    "radiator": "deployable_two_phase",
    "shielding_mm": 7,
    "array": ["silicon_flexible", "iii_v_rosa"],
    "array_oversize": 1.05,
    "eclipse_ride_through": 0,
    "spare_fraction": 0.1,
    "optical_terminals": 2,
    "life_years": 6,
    "vehicle": "starship_v3",
    "launches_per_year": 80,
}


@pytest.fixture(scope="session")
def small_study() -> Callable[..., dd.Study]:
    """The main study with two free variables, which a certified search closes in a second; what is given changes it."""

    def make(*overrides: str, **study: Any) -> dd.Study:
        mapping = {"name": "small", "extends": "orbit-200mw", "design": SMALL_SPACE, "search": {"second_bound": False}}
        return dd.load({**mapping, **study}, overrides)

    return make


@pytest.fixture(scope="session")
def certified(small_study: Callable[..., dd.Study]) -> dd.RunResult:
    """A certified run that has ended."""
    return run_design(small_study())


@pytest.fixture(scope="session")
def unfinished() -> dd.RunResult:
    """A certified run of the main study that was ended by its time limit."""
    return run_design(dd.load("orbit-200mw", ["search.time_limit_s=3", "search.audit=false"]))
