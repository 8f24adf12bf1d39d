"""Which back end works on tasks: this process, worker processes, or a cluster."""

from __future__ import annotations

import math
import os
from typing import TypeVar

from dawndusk.optimize.execution.crew import Crew
from dawndusk.optimize.execution.executor import Executor
from dawndusk.optimize.execution.here import InThisProcess
from dawndusk.optimize.execution.process import CAN_LIMIT
from dawndusk.optimize.execution.tasks import ExecutionError

C = TypeVar("C")

RETRIES = 2
"""How often a task whose worker died is tried again."""


def open_executor(
    workers: int | None = None,
    *,
    context: C,
    cluster: str | None = None,
    retries: int = RETRIES,
    time_limit_s: float | None = None,
    isolated: bool = False,
) -> Executor[C]:
    """Return an executor, to be used in a ``with`` statement.

    Parameters
    ----------
    workers : int, optional
        How many tasks are worked on at a time on this machine; as many as there are cores by default. With 1 they are
        worked on in this process, unless there is a time limit. A cluster has as many as it has.
    context : object
        What every task is given first. Sent once to each worker; must be picklable, but for 1 worker.
    cluster : str, optional
        Address of the scheduler of a Dask cluster, such as ``tcp://host:8786``; needs ``dawndusk[cluster]``.
    retries : int
        How often a task whose worker died is tried again. One that raised or ran into its time limit is not.
    time_limit_s : float, optional
        After so many seconds a task is ended, with its process and what that started.
    isolated : bool
        Whether 1 worker is a process of its own too, so that nothing a task breaks is this process.

    Raises
    ------
    ExecutionError
        For numbers that make no sense, a context that can not be sent, or a cluster that does not answer.
    """
    _check(workers, retries, time_limit_s)
    if cluster is not None:
        if workers is not None:
            raise ExecutionError(f"workers: found {workers!r} beside a cluster; allowed: one of the two")
        from dawndusk.optimize.execution.cluster import DaskCluster  # noqa: PLC0415 (Dask is in an extra)

        return DaskCluster(context, cluster, retries=retries, time_limit_s=time_limit_s)
    count = cores() if workers is None else workers
    if count == 1 and time_limit_s is None and not isolated:
        return InThisProcess(context)
    return Crew(context, count, retries=retries, time_limit_s=time_limit_s)


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _check(workers: int | None, retries: int, time_limit_s: float | None) -> None:
    if workers is not None and not _is_whole(workers, 1):
        raise ExecutionError(f"workers: found {workers!r}, allowed: a whole number from 1")
    if not _is_whole(retries, 0):
        raise ExecutionError(f"retries: found {retries!r}, allowed: a whole number from 0")
    if time_limit_s is None:
        return
    if not (time_limit_s > 0.0 and math.isfinite(time_limit_s)):
        raise ExecutionError(f"time_limit_s: found {time_limit_s!r}, allowed: seconds above 0")
    if not CAN_LIMIT:
        raise ExecutionError("time_limit_s: found on a system without select.poll; allowed there: none")


def _is_whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
