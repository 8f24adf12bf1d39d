"""A real Dask cluster: workers that are killed mid-run, schedulers that are gone, and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

import pytest

from dawndusk.optimize.certify.search import certify
from dawndusk.optimize.execution import remote
from dawndusk.optimize.execution.backends import open_executor
from dawndusk.optimize.execution.tasks import Done, ExecutionError
from dawndusk.optimize.problem import Problem

WaitFor: TypeAlias = Callable[[Callable[[], Any]], Any]
AssertEnded: TypeAlias = Callable[[list[int]], None]
HERE = Path(__file__).parent

distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")


def worker_pids(address: str) -> list[int]:
    """The numbers of the processes of a cluster's workers."""
    with distributed.Client(address, set_as_default=False) as client:
        return list(client.run(os.getpid).values())


def kind_and_words(done: Done[Any] | None) -> tuple[str, str]:
    assert done is not None
    assert done.failure is not None
    return done.failure.kind, done.failure.words


@pytest.mark.slow
def test_a_run_survives_workers_that_are_killed(own_cluster: Any, jobs: ModuleType, tmp_path: Path) -> None:
    """One worker is killed after the other, so that the context is lost with them, and comes back."""
    victims = worker_pids(own_cluster.scheduler_address)
    with open_executor(context=100, cluster=own_cluster.scheduler_address) as executor:
        tasks = {executor.submit(jobs.note_and_nap, str(tmp_path), number, 0.05): number for number in range(60)}
        told = []
        for done in executor.finished():
            told.append((tasks[done.task], done.value()))
            if len(told) in {5, 25} and victims:
                os.kill(victims.pop(), signal.SIGKILL)
    assert victims == []
    assert sorted(told) == [(number, number) for number in range(60)]


@pytest.mark.slow
def test_a_poisoned_task_leaves_the_workers_of_the_cluster_alone(cluster: str, jobs: ModuleType) -> None:
    before = worker_pids(cluster)
    with open_executor(context=5, cluster=cluster) as executor:
        told = list(executor.map_in_order(jobs.die_or_add, range(6)))
    assert [done.value() for done in told[1:]] == [6, 7, 8, 9, 10]
    assert told[0].attempts == 3
    kind, words = kind_and_words(told[0])
    assert kind == "died"
    assert words.endswith("SIGKILL, at attempt 3 of 3")
    assert sorted(worker_pids(cluster)) == sorted(before)


@pytest.mark.slow
def test_a_time_limit_holds_on_a_cluster(
    cluster: str, jobs: ModuleType, tmp_path: Path, assert_ended: AssertEnded
) -> None:
    mark = tmp_path / "mark"
    with open_executor(context=3, cluster=cluster, time_limit_s=2.0) as executor:
        executor.submit(jobs.start_and_nap, str(mark))
        assert kind_and_words(executor.done()) == ("timeout", "ended at its time limit of 2 s")
        assert_ended([int(mark.read_text())])
        executor.submit(jobs.add, 4)
        assert [done.value() for done in executor.finished()] == [7]


@pytest.mark.slow
def test_what_can_not_be_sent_or_taken_in_is_told(cluster: str, jobs: ModuleType) -> None:
    with open_executor(context=0, cluster=cluster) as executor:
        executor.submit(jobs.unsendable)
        assert kind_and_words(executor.done())[0] == "payload"
    with open_executor(context=jobs.Refuses(), cluster=cluster) as executor:
        executor.submit(jobs.add, 1)
        for _ in range(2):
            with pytest.raises(ExecutionError, match="context: can not be taken in"):
                executor.done()


@pytest.mark.slow
def test_closing_ends_what_the_cluster_works_on(
    cluster: str, jobs: ModuleType, tmp_path: Path, wait_for: WaitFor, assert_ended: AssertEnded
) -> None:
    with open_executor(context=0, cluster=cluster) as executor:
        executor.submit(jobs.note_and_nap, str(tmp_path), 0, 600.0)
        (note,) = wait_for(lambda: list(tmp_path.glob("0-*")))
    assert_ended([int(note.name.partition("-")[2])])


OWNER = """
import sys
sys.path.append({here!r})
import execution_jobs as jobs
from dawndusk.optimize.execution.backends import open_executor
with open_executor(context=0, cluster={address!r}) as executor:
    executor.submit(jobs.note_and_nap, {folder!r}, 0, 600.0)
    executor.done()
"""


@pytest.mark.slow
def test_an_owner_that_is_killed_leaves_nothing_at_work(
    cluster: str, tmp_path: Path, wait_for: WaitFor, assert_ended: AssertEnded
) -> None:
    script = OWNER.format(here=str(HERE), address=cluster, folder=str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", script]) as owner:
        (note,) = wait_for(lambda: list(tmp_path.glob("0-*")))
        owner.kill()
    assert_ended([int(note.name.partition("-")[2])])


@pytest.mark.slow
def test_a_proof_is_the_same_on_a_cluster(cluster: str, make_problem: Callable[..., Problem]) -> None:
    problem = make_problem()
    here = certify(problem, gap=3e-2, workers=1, audit=False)
    there = certify(problem, gap=3e-2, cluster=cluster, audit=False)
    assert there.status == here.status == "optimal"
    assert (there.objective, there.bound, there.boxes) == (here.objective, here.bound, here.boxes)


@pytest.mark.slow
def test_a_cluster_that_goes_away_is_an_error_and_no_hang(jobs: ModuleType, wait_for: WaitFor, tmp_path: Path) -> None:
    address = tmp_path / "scheduler.json"
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
    with subprocess.Popen(
        [*command, "--no-dashboard", "--scheduler-file", str(address)], stderr=subprocess.DEVNULL
    ) as scheduler:
        wait_for(address.exists)
        with distributed.Client(scheduler_file=str(address), set_as_default=False) as client:
            where = client.scheduler.address
        with open_executor(context=0, cluster=where) as executor:
            assert executor.workers == 1
            executor.submit(jobs.nap, 0.0)
            assert executor.done(timeout_s=0.1) is None
            scheduler.kill()
            with pytest.raises(ExecutionError, match=f"cluster {where}: gone"):
                executor.done(timeout_s=60.0)
            with pytest.raises(ExecutionError, match=f"cluster {where}: gone"):
                executor.submit(jobs.nap, 0.0)


@pytest.mark.slow
def test_a_cluster_with_another_version_is_refused(cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "version", lambda _: "0.0.7")
    with pytest.raises(ExecutionError, match=r"found dawndusk '.*' on its worker tcp.*; allowed: 0\.0\.7, as here"):
        open_executor(context=0, cluster=cluster)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense://x", "127.0.0.1:notaport", ""])
def test_an_address_that_does_not_answer_is_named(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dawndusk.optimize.execution.cluster.CONNECT_S", 0.5)
    with pytest.raises(ExecutionError, match=f"cluster {address!r}: does not answer .*such as tcp://host:8786"):
        open_executor(context=0, cluster=address)
