from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

import pytest

from dawndusk.optimize.execution.backends import open_executor
from dawndusk.optimize.execution.executor import Executor

Open: TypeAlias = Callable[..., Executor[Any]]
BACKENDS: dict[str, dict[str, Any]] = {
    "this process": {"workers": 1},
    "one process": {"workers": 1, "isolated": True},
    "two processes": {"workers": 2},
}
ENDED_S = 30.0


@pytest.fixture(scope="session", autouse=True)
def jobs() -> ModuleType:
    """The module of tasks beside these tests, where workers find it too: on the path."""
    sys.path.append(str(Path(__file__).parent))
    return importlib.import_module("execution_jobs")


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """The address of a Dask cluster of two processes that all tests share."""
    with _two_processes() as cluster:
        yield cluster.scheduler_address


@pytest.fixture
def own_cluster() -> Iterator[Any]:
    """A Dask cluster of two processes that a test may break."""
    with _two_processes() as cluster:
        yield cluster


def _two_processes() -> Any:
    distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    here = "127.0.0.1"
    return distributed.LocalCluster(n_workers=2, threads_per_worker=1, host=here, dashboard_address=f"{here}:0")


@pytest.fixture(params=[*BACKENDS, pytest.param("cluster", marks=pytest.mark.slow)])
def opened(request: pytest.FixtureRequest) -> Open:
    """Open an executor of one back end."""
    if request.param == "cluster":
        address = request.getfixturevalue("cluster")
        return lambda context=0, **settings: open_executor(context=context, cluster=address, **settings)
    backend = BACKENDS[request.param]
    return lambda context=0, **settings: open_executor(context=context, **{**backend, **settings})


def is_running(pid: int) -> bool:
    """Whether a process is there and not only the record of its end."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.fixture
def assert_ended() -> Callable[[list[int]], None]:
    """Wait for processes to end, and fail where one does not."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("no /proc to look for processes in")

    def wait(pids: list[int]) -> None:
        assert pids
        end = time.monotonic() + ENDED_S
        while any(map(is_running, pids)) and time.monotonic() < end:
            time.sleep(0.02)
        left = [pid for pid in pids if is_running(pid)]
        for pid in left:
            os.kill(pid, 9)
        assert left == []

    return wait


@pytest.fixture
def wait_for() -> Callable[[Callable[[], Any]], Any]:
    """Wait until something is true, and return it."""

    def wait(condition: Callable[[], Any]) -> Any:
        end = time.monotonic() + ENDED_S
        while not (found := condition()):
            assert time.monotonic() < end
            time.sleep(0.01)
        return found

    return wait
