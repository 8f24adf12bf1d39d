"""What a Dask worker does for us: each of its threads drives a process that works on our tasks."""

from __future__ import annotations

import contextlib
import importlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from dawndusk.optimize.execution.process import TimeLimitError, WorkerEndedError, WorkerProcess
from dawndusk.optimize.execution.tasks import TaskFailure

IDLE_S = 30.0
"""After so long without a task a process ends; the next task starts another."""


@dataclass(frozen=True)
class Attempt:
    """How one attempt at a task ended: with an outcome, in a parcel that only its owner opens, or without."""

    parcel: bytes | None = None
    failure: TaskFailure | None = None


@dataclass
class _Seat:
    """The process of one thread, and when it last had something to do."""

    process: WorkerProcess
    owner: str
    since: float = field(default_factory=time.monotonic)
    busy: bool = True


_seats: dict[int, _Seat] = {}
_lock = threading.Lock()


def keep(context: bytes) -> bytes:
    """Return the context: the task of Dask that keeps it on the cluster."""
    return context


def attempt(context: bytes, owner: str, parcel: bytes, limit_s: float | None) -> Attempt:
    """Work on a task in the process of this thread, started where there is none for this owner."""
    try:
        seat = _take_seat(context, owner)
    except WorkerEndedError as error:
        return Attempt(failure=TaskFailure("died", str(error)))
    answer = None
    try:
        answer = seat.process.ask(parcel, limit_s, _is_wanted())
    except TimeLimitError:
        return Attempt(failure=TaskFailure("timeout", f"ended at its time limit of {limit_s:g} s"))
    except WorkerEndedError as error:
        return Attempt(failure=TaskFailure("died", str(error)))
    finally:
        _leave(seat, drop=answer is None)
    return Attempt(answer)


def _leave(seat: _Seat, *, drop: bool) -> None:
    """Let another task have a seat, or nobody: a process that owes an answer would give it to the next."""
    if drop:
        _drop(seat)
    with _lock:
        seat.busy, seat.since = False, time.monotonic()


def _take_seat(context: bytes, owner: str) -> _Seat:
    thread = threading.get_ident()
    with _lock:
        seat = _seats.get(thread)
        if seat is not None and seat.owner == owner:
            seat.busy = True
            return seat
    if seat is not None:
        _drop(seat)
    process = WorkerProcess()
    try:
        process.load(context)
    except BaseException:
        process.close()
        raise
    with _lock:
        if not _seats:
            threading.Thread(target=_end_idle, daemon=True).start()
        seat = _seats[thread] = _Seat(process, owner)
    return seat


def _drop(seat: _Seat) -> None:
    with _lock:
        for thread, other in list(_seats.items()):
            if other is seat:
                del _seats[thread]
    seat.process.close()


def _end_idle() -> None:
    """End processes that have had nothing to do, until there are none."""
    while _seats:
        time.sleep(IDLE_S / 4)
        with _lock:
            idle = [seat for seat in _seats.values() if not seat.busy and time.monotonic() - seat.since > IDLE_S]
            for thread, seat in list(_seats.items()):
                if seat in idle:
                    del _seats[thread]
        for seat in idle:
            seat.process.close()


def _is_wanted() -> Callable[[], bool]:
    """Return what says whether the owner still waits for the task: Dask marks one that it does not as cancelled."""
    distributed = importlib.import_module("distributed")
    worker: Any = distributed.get_worker()
    key = worker.get_current_task()

    def is_wanted() -> bool:
        task = worker.state.tasks.get(key)
        return task is not None and task.state != "cancelled"

    return is_wanted


def own_version() -> str:
    """Return the version of this package, empty where it was not installed."""
    with contextlib.suppress(PackageNotFoundError):
        return version("dawndusk")
    return ""
