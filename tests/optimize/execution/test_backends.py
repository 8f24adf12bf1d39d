"""Which back end is opened, and numbers that make no sense."""

from __future__ import annotations

import math
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dawndusk.models.errors import MissingExtraError
from dawndusk.optimize.execution.backends import cores, open_executor
from dawndusk.optimize.execution.crew import Crew
from dawndusk.optimize.execution.here import InThisProcess
from dawndusk.optimize.execution.tasks import ExecutionError, Task


def own_number(context: object, number: int) -> int:
    return number


def test_one_worker_is_this_process_unless_a_process_is_needed() -> None:
    unsendable = lambda: None  # noqa: E731 (a context that no other process can be sent)
    with open_executor(1, context=unsendable) as executor:
        assert isinstance(executor, InThisProcess)
        executor.submit(own_number, 3)
        assert [done.value() for done in executor.finished()] == [3]
    for settings in ({"time_limit_s": 1.0}, {"isolated": True}):
        with open_executor(1, context=0, **settings) as executor:
            assert isinstance(executor, Crew)


def test_there_are_as_many_workers_as_cores_by_default() -> None:
    with open_executor(context=0) as executor:
        assert executor.workers == cores() >= 1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"workers": 0}, "workers: found 0, allowed: a whole number from 1"),
        ({"workers": 1.5}, "workers: found 1.5, allowed: a whole number from 1"),
        ({"workers": True}, "workers: found True"),
        ({"retries": -1}, "retries: found -1, allowed: a whole number from 0"),
        ({"time_limit_s": 0.0}, "time_limit_s: found 0.0, allowed: seconds above 0"),
        ({"time_limit_s": math.nan}, "time_limit_s: found nan"),
        ({"time_limit_s": math.inf}, "time_limit_s: found inf"),
        ({"workers": 2, "cluster": "tcp://127.0.0.1:1"}, "workers: found 2 beside a cluster; allowed: one of the two"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ExecutionError, match=words):
        open_executor(context=0, **settings)


def test_a_cluster_without_dask_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"cluster: found no library 'distributed'; .*dawndusk\[cluster\]"):
        open_executor(context=0, cluster="tcp://127.0.0.1:1")


Step = tuple[str, int]


@given(
    st.lists(
        st.tuples(st.sampled_from(["submit", "done", "cancel", "map", "leave a map"]), st.integers(0, 5)), max_size=30
    )
)
def test_whatever_is_asked_every_task_that_is_wanted_is_told_once(steps: list[Step]) -> None:
    told: list[Task] = []
    wanted: dict[Task, int] = {}
    with open_executor(1, context=0) as executor:
        for step, number in steps:
            if step == "submit":
                wanted[executor.submit(own_number, number)] = number
            elif step == "done" and (done := executor.done()) is not None:
                assert done.value() == wanted[done.task]
                told.append(done.task)
            elif step == "cancel" and (left := [task for task in wanted if task not in told]):
                executor.cancel(left[number % len(left)])
                del wanted[left[number % len(left)]]
            elif step == "map":
                assert [done.value() for done in executor.map_in_order(own_number, range(number))] == [*range(number)]
            elif step == "leave a map":
                mapped = executor.map_in_order(own_number, range(9))
                assert [next(mapped).value() for _ in range(number)] == [*range(number)]
                mapped.close()  # type: ignore[attr-defined]
            assert executor.pending == len(wanted.keys() - told)
        told += [done.task for done in executor.finished()]
    assert sorted(told, key=lambda task: task.number) == list(wanted)
