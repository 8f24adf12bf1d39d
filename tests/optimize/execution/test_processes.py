"""Worker processes: what dies, hangs or can not be sent costs its own task, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

import pytest

from dawndusk.optimize.execution.backends import open_executor
from dawndusk.optimize.execution.crew import Crew
from dawndusk.optimize.execution.executor import Executor
from dawndusk.optimize.execution.tasks import Done, ExecutionError

HERE = Path(__file__).parent
WaitFor: TypeAlias = Callable[[Callable[[], Any]], Any]
AssertEnded: TypeAlias = Callable[[list[int]], None]


def crew(workers: int = 2, *, context: object = 0, **settings: Any) -> Crew[Any]:
    executor: Executor[Any] = open_executor(workers, context=context, isolated=True, **settings)
    assert isinstance(executor, Crew)
    return executor


def only(executor: Executor[Any]) -> Done[Any]:
    """The one task that is pending, done."""
    (done,) = executor.finished()
    return done


def kind_and_words(done: Done[Any]) -> tuple[str, str]:
    assert done.failure is not None
    return done.failure.kind, done.failure.words


def test_a_worker_that_is_killed_costs_its_own_task_which_another_takes(
    jobs: ModuleType, tmp_path: Path, wait_for: WaitFor
) -> None:
    with crew() as executor:
        for number in range(2):
            executor.submit(jobs.note_and_nap, str(tmp_path), number, 0.5)
        for number in range(2, 8):
            executor.submit(jobs.note_and_nap, str(tmp_path), number, 0.0)
        (victim,) = wait_for(lambda: list(tmp_path.glob("0-*")))
        os.kill(int(victim.name.partition("-")[2]), signal.SIGKILL)
        told = {done.task.number: done for done in executor.finished()}
    assert [told[number].value() for number in range(8)] == list(range(8))
    assert [told[number].attempts for number in range(8)] == [2] + [1] * 7
    assert len({path.name for path in tmp_path.glob("0-*")}) == 2


def test_a_task_that_kills_its_worker_once_is_done_by_another(jobs: ModuleType, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    with crew(1) as executor:
        executor.submit(jobs.die_first, str(mark))
        done = only(executor)
    assert (done.attempts, done.failure) == (2, None)
    assert done.value() != int(mark.read_text())


@pytest.mark.parametrize("retries", [0, 2])
def test_a_poisoned_task_fails_after_its_retries_and_no_other_does(jobs: ModuleType, retries: int) -> None:
    with crew(context=5, retries=retries) as executor:
        told = list(executor.map_in_order(jobs.die_or_add, range(6)))
    assert [done.value() for done in told[1:]] == [6, 7, 8, 9, 10]
    assert told[0].attempts == retries + 1
    kind, words = kind_and_words(told[0])
    assert kind == "died"
    assert f"SIGKILL, at attempt {retries + 1} of {retries + 1}" in words


@pytest.mark.parametrize(("name", "how"), [("crash", "SIGSEGV"), ("exit_at_once", "status 3")])
def test_a_crash_is_told_by_its_name(jobs: ModuleType, name: str, how: str) -> None:
    with crew(1, retries=0) as executor:
        executor.submit(getattr(jobs, name))
        kind, words = kind_and_words(only(executor))
    assert kind == "died"
    assert how in words


def test_a_dead_worker_is_noticed_though_what_it_forked_holds_its_pipes(
    jobs: ModuleType, tmp_path: Path, assert_ended: AssertEnded
) -> None:
    mark = tmp_path / "mark"
    with crew(1, retries=0) as executor:
        executor.submit(jobs.fork_and_die, str(mark))
        assert kind_and_words(only(executor))[0] == "died"
    assert_ended([int(mark.read_text())])


def test_a_time_limit_ends_a_task_with_what_it_started(
    jobs: ModuleType, tmp_path: Path, assert_ended: AssertEnded
) -> None:
    mark = tmp_path / "mark"
    with open_executor(1, context=3, time_limit_s=2.0) as executor:
        executor.submit(jobs.start_and_nap, str(mark))
        done = only(executor)
        assert kind_and_words(done) == ("timeout", "ended at its time limit of 2 s")
        assert done.attempts == 1
        assert_ended([int(mark.read_text())])
        executor.submit(jobs.add, 4)
        assert only(executor).value() == 7


def test_waiting_ends_after_its_time_and_loses_nothing(jobs: ModuleType) -> None:
    with crew(1) as executor:
        executor.submit(jobs.nap, 0.5)
        assert executor.done(timeout_s=0.0) is None
        assert executor.pending == 1
        assert only(executor).value() == 0.5


def test_a_result_that_can_not_be_sent_is_a_failure(jobs: ModuleType) -> None:
    with crew(1) as executor:
        executor.submit(jobs.unsendable)
        kind, words = kind_and_words(only(executor))
        assert kind == "payload"
        assert words.startswith("result of type function: can not be sent to another process")
        executor.submit(jobs.add, 1)
        assert only(executor).value() == 1


def test_arguments_that_can_not_be_sent_are_refused(jobs: ModuleType) -> None:
    with crew(1) as executor:
        with pytest.raises(ExecutionError, match="arguments of task add: can not be sent to another process"):
            executor.submit(jobs.add, threading.Lock())
        assert executor.pending == 0


def test_arguments_that_can_not_be_taken_in_are_a_failure(jobs: ModuleType) -> None:
    with crew(1) as executor:
        executor.submit(jobs.add, jobs.Refuses())
        kind, words = kind_and_words(only(executor))
    assert kind == "payload"
    assert words.startswith("task: can not be taken in by another process: ValueError")


def test_a_context_that_can_not_be_sent_is_refused() -> None:
    with pytest.raises(ExecutionError, match="context: can not be sent to another process: TypeError"):
        crew(1, context=threading.Lock())


def test_a_context_that_can_not_be_taken_in_is_an_error_at_every_call(jobs: ModuleType) -> None:
    with crew(2, context=jobs.Refuses()) as executor:
        executor.submit(jobs.add, 1)
        for _ in range(2):
            with pytest.raises(ExecutionError, match="context: can not be taken in by another process: ValueError"):
                executor.done()


def test_workers_that_do_not_start_are_an_error(monkeypatch: pytest.MonkeyPatch, jobs: ModuleType) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with crew(1) as executor:
        executor.submit(jobs.add, 1)
        with pytest.raises(ExecutionError, match=r"does not start, .*/nowhere/python"):
            executor.done()


def test_workers_that_end_at_once_are_an_error(monkeypatch: pytest.MonkeyPatch, jobs: ModuleType) -> None:
    monkeypatch.setattr("dawndusk.optimize.execution.process.START", "raise SystemExit(7)")
    with crew(1) as executor:
        executor.submit(jobs.add, 1)
        with pytest.raises(ExecutionError, match="ended with status 7 before it had begun"):
            executor.done()


def test_workers_have_one_thread_for_linear_algebra_and_nothing_to_read(jobs: ModuleType) -> None:
    with crew(1) as executor:
        executor.submit(jobs.environment, "OMP_NUM_THREADS")
        assert only(executor).value() == "1"
        executor.submit(jobs.read_input)
        assert only(executor).value() == ""


def test_an_interrupt_here_leaves_the_task_to_be_done_again(jobs: ModuleType) -> None:
    with open_executor(1, context=0) as executor:
        executor.submit(jobs.interrupt)
        kept = executor.submit(jobs.add, 4)
        with pytest.raises(KeyboardInterrupt):
            executor.done()
        assert executor.pending == 2
        executor.cancel(next(iter(executor._pending - {kept})))
        assert only(executor).value() == 4


def test_an_interrupt_while_waiting_loses_no_task(jobs: ModuleType) -> None:
    with crew() as executor:
        tasks = [executor.submit(jobs.nap, 1.0 + 0.01 * number) for number in range(2)]
        assert all(os.getpgid(pid) != os.getpgrp() for pid in executor.pids)
        threading.Timer(0.3, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            executor.done()
        assert {done.task for done in executor.finished()} == set(tasks)


def test_closing_ends_what_is_being_worked_on(
    jobs: ModuleType, tmp_path: Path, wait_for: WaitFor, assert_ended: AssertEnded
) -> None:
    mark = tmp_path / "mark"
    with crew() as executor:
        executor.submit(jobs.start_and_nap, str(mark))
        executor.submit(jobs.nap, 600.0)
        wait_for(lambda: mark.exists() and mark.read_text())
        pids = executor.pids
    assert_ended([*pids, int(mark.read_text())])


def test_closing_at_once_ends_workers_that_have_hardly_begun(assert_ended: AssertEnded, wait_for: WaitFor) -> None:
    with crew(2) as executor:
        pids = wait_for(lambda: executor.pids if len(executor.pids) == 2 else [])
    assert_ended(pids)


OWNER = """
import sys
sys.path.append({here!r})
import execution_jobs as jobs
from dawndusk.optimize.execution.backends import open_executor
with open_executor(2, context=0) as executor:
    for number in range(4):
        executor.submit(jobs.start_and_nap if number == 0 else jobs.note_and_nap, *{arguments}[number])
    print("ready", *executor.pids, flush=True)
    print([done.value() for done in executor.finished()])
"""


@pytest.mark.parametrize("seconds", [600.0, 1.0], ids=["busy", "about to answer"])
def test_an_owner_that_is_killed_leaves_no_process_and_no_traceback(
    tmp_path: Path, wait_for: WaitFor, assert_ended: AssertEnded, seconds: float
) -> None:
    mark = tmp_path / "mark"
    arguments = [(str(mark),), *((str(tmp_path), number, seconds) for number in range(1, 4))]
    with subprocess.Popen(
        [sys.executable, "-c", OWNER.format(here=str(HERE), arguments=arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as owner:
        assert owner.stdout is not None
        assert owner.stderr is not None
        pids = [int(pid) for pid in owner.stdout.readline().split()[1:]]
        wait_for(lambda: mark.exists() and mark.read_text() and list(tmp_path.glob("1-*")))
        owner.kill()
        owner.wait()
        assert_ended([*pids, int(mark.read_text())])
        assert owner.stderr.read() == ""


def test_a_script_needs_no_guard_and_its_folder_hides_no_module(tmp_path: Path) -> None:
    for name in ("pickle", "struct", "numpy"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('the wrong module')\n")
    script = tmp_path / "code" / "script.py"
    script.parent.mkdir()
    script.write_text(
        f"import sys\nsys.path.append({str(HERE)!r})\nimport execution_jobs as jobs\n"
        "from dawndusk.optimize.execution.backends import open_executor\n"
        "with open_executor(2, context=1) as executor:\n"
        "    print([done.value() for done in executor.map_in_order(jobs.add, range(4))])\n"
    )
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[1, 2, 3, 4]\n", "")


def test_an_executor_that_is_not_closed_does_not_keep_its_owner(tmp_path: Path) -> None:
    script = (
        f"import sys\nsys.path.append({str(HERE)!r})\nimport execution_jobs as jobs\n"
        "from dawndusk.optimize.execution.backends import open_executor\n"
        "executor = open_executor(2, context=1)\nexecutor.submit(jobs.nap, 600.0)\nprint('end')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


def test_workers_keep_busy_while_their_owner_is_elsewhere(jobs: ModuleType, tmp_path: Path, wait_for: WaitFor) -> None:
    """Tasks that wait begin as workers become free, not when somebody asks."""
    with crew(2) as executor:
        for number in range(6):
            executor.submit(jobs.note_and_nap, str(tmp_path), number, 0.01)
        wait_for(lambda: len(list(tmp_path.glob("*"))) == 6)
        assert executor.pending == 6
        assert sorted(done.value() for done in executor.finished()) == list(range(6))
