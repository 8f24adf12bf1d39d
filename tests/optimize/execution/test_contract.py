"""What holds of an executor whatever works behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np
import pytest

from dawndusk.optimize.execution.executor import Executor
from dawndusk.optimize.execution.tasks import Done, ExecutionError, TaskError

Open: TypeAlias = Callable[..., Executor[Any]]


def test_every_task_is_told_once_with_its_number(opened: Open, jobs: ModuleType) -> None:
    with opened(context=10) as executor:
        assert executor.done() is None
        tasks = [executor.submit(jobs.add, number, 100) for number in range(20)]
        assert executor.pending == 20
        told = {done.task: done for done in executor.finished()}
        assert [task.number for task in tasks] == list(range(20))
        assert [told[task].value() for task in tasks] == [110 + number for number in range(20)]
        assert all(done.failure is None and done.attempts == 1 and done.seconds >= 0.0 for done in told.values())
        assert executor.pending == 0
        assert executor.done() is None


def test_a_map_is_in_order_though_later_tasks_end_first(opened: Open, jobs: ModuleType) -> None:
    with opened() as executor:
        found = executor.map_in_order(jobs.sleepy_square, range(25))
        assert [done.value() for done in found] == [number * number for number in range(25)]
        assert executor.pending == 0


def test_tasks_submitted_while_others_end_are_told_too(opened: Open, jobs: ModuleType) -> None:
    with opened(context=1) as executor:
        executor.submit(jobs.add, 0)
        found = []
        for done in executor.finished():
            found.append(done.value())
            if len(found) < 6:
                executor.submit(jobs.add, done.value())
        assert found == [1, 2, 3, 4, 5, 6]


def test_a_map_leaves_other_tasks_to_be_told(opened: Open, jobs: ModuleType) -> None:
    with opened() as executor:
        others = [executor.submit(jobs.add, number) for number in (1000, 2000)]
        mapped: Iterator[Done[int]] = executor.map_in_order(jobs.sleepy_square, range(8))
        assert next(mapped).value() == 0
        assert executor.pending == 2
        first = executor.done()
        assert [done.value() for done in mapped] == [number * number for number in range(1, 8)]
        assert first is not None
        assert {first.task, *(done.task for done in executor.finished())} == set(others)


def test_nothing_is_told_of_a_map_that_was_left(opened: Open, jobs: ModuleType) -> None:
    with opened() as executor:
        mapped = executor.map_in_order(jobs.add, range(50))
        assert next(mapped).value() == 0
        mapped.close()  # type: ignore[attr-defined]
        assert executor.pending == 0
        kept = executor.submit(jobs.add, 7)
        assert [(done.task, done.value()) for done in executor.finished()] == [(kept, 7)]


def test_a_cancelled_task_is_not_told(opened: Open, jobs: ModuleType) -> None:
    with opened() as executor:
        tasks = [executor.submit(jobs.nap, 0.01) for _ in range(6)]
        for task in tasks[::2]:
            executor.cancel(task)
        assert executor.pending == 3
        assert Counter(done.task for done in executor.finished()) == Counter(tasks[1::2])


def test_a_worker_builds_once_from_the_context(opened: Open, jobs: ModuleType, tmp_path: Path) -> None:
    log = tmp_path / "built"
    with opened(context=jobs.Builds(7, log)) as executor:
        assert [done.value() for done in executor.map_in_order(jobs.built, range(12))] == [700 + n for n in range(12)]
        built = log.read_text().split()
        assert len(built) == len(set(built)) <= executor.workers


def test_an_error_is_a_failure_with_words_and_a_traceback(opened: Open, jobs: ModuleType) -> None:
    with opened() as executor:
        executor.submit(jobs.divide, 0.0)
        done = executor.done()
        assert done is not None
        assert done.failure is not None
        assert (done.failure.kind, done.attempts) == ("error", 1)
        assert done.failure.words.startswith("ZeroDivisionError")
        assert "in divide" in done.failure.traceback
        with pytest.raises(ZeroDivisionError):
            done.value()
        executor.submit(jobs.divide, 4.0)
        assert [done.value() for done in executor.finished()] == [0.25]


def test_an_exception_that_can_not_be_copied_is_told_in_words(opened: Open, jobs: ModuleType) -> None:
    with opened() as executor:
        executor.submit(jobs.raise_picky)
        done = executor.done()
        assert done is not None
        assert done.failure is not None
        assert done.failure.kind == "error"
        assert "Picky: one and two" in done.failure.words
        with pytest.raises((jobs.Picky, TaskError), match="one and two"):
            done.value()


def test_leaving_is_an_error_like_any_other(opened: Open, jobs: ModuleType) -> None:
    with opened() as executor:
        executor.submit(jobs.leave)
        done = executor.done()
        assert done is not None
        assert done.failure is not None
        assert (done.failure.kind, done.failure.words) == ("error", "SystemExit: leaving")
        with pytest.raises(TaskError, match="leaving"):
            done.value()


def test_large_payloads_go_both_ways(opened: Open, jobs: ModuleType) -> None:
    array = np.arange(2_000_000.0)
    with opened() as executor:
        sums = executor.map_in_order(jobs.total, [array, array[::2], array[:0]])
        assert [done.value() for done in sums] == [array.sum(), array[::2].sum(), 0.0]
        executor.submit(jobs.zeros, 2_000_000)
        done = executor.done()
        assert done is not None
        assert np.array_equal(done.value(), np.zeros(2_000_000))


def test_what_a_task_prints_is_no_answer(opened: Open, jobs: ModuleType, capfd: pytest.CaptureFixture[str]) -> None:
    with opened() as executor:
        executor.submit(jobs.chatter, "some words")
        assert [done.value() for done in executor.finished()] == ["some words"]


def test_a_task_that_workers_can_not_import_is_refused(opened: Open, jobs: ModuleType) -> None:
    def within(context: object) -> None: ...

    scripted = type(jobs.add)(jobs.add.__code__, {"__name__": "__main__"})
    with opened() as executor:
        for function, words in (
            (within, "a function within another; allowed: one at the top of a module"),
            (lambda _: None, "a function within another"),
            (scripted, "task add: found in the script that was started"),
        ):
            with pytest.raises(ExecutionError, match=words):
                executor.submit(function)
        assert executor.pending == 0


def test_a_closed_executor_takes_no_tasks(opened: Open, jobs: ModuleType) -> None:
    with opened() as executor:
        executor.submit(jobs.add, 1)
    assert executor.pending == 0
    executor.close()
    with pytest.raises(ExecutionError, match="after it was closed"):
        executor.submit(jobs.add, 1)
