from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import dawndusk as dd
from dawndusk.studies.run.folder.writing import write_run
from dawndusk.studies.web.jobs import ENDED, Job, Jobs

WAIT_S = 120.0


@pytest.fixture(scope="session")
def finished(certified: dd.RunResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder."""
    return write_run(certified, tmp_path_factory.mktemp("finished") / "small-run")


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    """The folder of an explorer, with one run in it."""
    shutil.copytree(finished, tmp_path / "runs" / "small-run")
    return tmp_path / "runs"


@pytest.fixture
def jobs(folder: Path) -> Iterator[Jobs]:
    """The jobs of that folder; they are started by whoever serves them."""
    made = Jobs(folder)
    yield made
    made.close()


@pytest.fixture(scope="session")
def quick_study(small_study: Callable[..., dd.Study]) -> dict[str, Any]:
    """A study that a population answers in a second."""
    found: dict[str, Any] = small_study("search.engine=evolution", "search.designs=20000").resolved
    return found


@pytest.fixture(scope="session")
def long_study(small_study: Callable[..., dd.Study]) -> dict[str, Any]:
    """A study that a certified search does not close in the time of a test."""
    found: dict[str, Any] = small_study(
        "search.gap=1e-9",
        "search.time_limit_s=300",
        "search.audit=false",
        "design.life_years={low: 2, high: 10}",
        "design.shielding_mm={low: 1, high: 20}",
    ).resolved
    return found


def wait_for(jobs: Jobs, name: str, *states: str) -> Job:
    """Return a job once it is in one of some states, an end by default."""
    deadline = time.monotonic() + WAIT_S
    while (job := jobs.get(name)).state not in (states or ENDED):
        assert time.monotonic() < deadline, job
        time.sleep(0.05)
    return job
