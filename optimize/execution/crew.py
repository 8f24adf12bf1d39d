"""Tasks in worker processes of this machine, each process driven by a thread of its own.

A worker that dies costs its own task alone, which goes to the next worker that is free; the place of the dead one is
taken by a new process.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from dawndusk.optimize.execution.executor import Executor
from dawndusk.optimize.execution.inbox import Inbox
from dawndusk.optimize.execution.process import TimeLimitError, WorkerEndedError, WorkerProcess
from dawndusk.optimize.execution.tasks import Done, ExecutionError, Task, TaskFailure
from dawndusk.optimize.execution.wire import pack, unpack_outcome

C = TypeVar("C")

CLOSING_S = 2.0
"""How long closing waits for a thread; its process is dead by then."""


@dataclass
class _Job:
    """A task on its way: what to send, and how many attempts have begun."""

    task: Task
    parcel: bytes
    attempts: int = 0


class Crew(Executor[C]):
    """Works on tasks in as many processes as it is told, each with one thread for linear algebra."""

    def __init__(self, context: C, workers: int, *, retries: int, time_limit_s: float | None) -> None:
        super().__init__()
        self._context = pack(context, "context")
        self._retries, self._time_limit_s = retries, time_limit_s
        self._jobs: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._told: Inbox[Done[Any] | ExecutionError] = Inbox()
        self._processes: list[WorkerProcess | None] = [None] * workers
        self._threads = [
            threading.Thread(target=self._drive, args=(place,), daemon=True, name=f"dawndusk worker {place}")
            for place in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def workers(self) -> int:
        """Return the number of processes."""
        return len(self._processes)

    @property
    def pids(self) -> list[int]:
        """Return the numbers of the processes that run."""
        with self._changed:
            return [process.pid for process in self._processes if process is not None]

    # -- the owner's thread ---------------------------------------------------------------------------------------

    def _begin(self, task: Task, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        job = _Job(task, pack((function, arguments), f"arguments of task {function.__qualname__}"))
        with self._changed:
            self._jobs.append(job)
            self._changed.notify()

    def _wait(self, timeout_s: float | None) -> Done[Any] | None:
        if not self._told.wait(timeout_s):
            return None
        first = self._told.first
        if isinstance(first, ExecutionError):
            raise first  # it stays, for every later call
        self._told.take()
        return first

    def _withdraw(self, task: Task) -> None:
        with self._changed:
            self._jobs = deque(job for job in self._jobs if job.task != task)

    def _end(self) -> None:
        with self._changed:
            self._jobs.clear()
            self._changed.notify_all()
            for process in self._processes:
                if process is not None:
                    process.kill()
        for thread in self._threads:
            thread.join(CLOSING_S)

    # -- the thread of one worker ---------------------------------------------------------------------------------

    def _drive(self, place: int) -> None:
        """Keep a process at work until the end."""
        try:
            process = self._start(place)
            while process is not None and (job := self._next_job()) is not None:
                if not self._attempt(process, job):
                    process.close()
                    process = self._start(place)
        except ExecutionError as error:
            self._told.put(error)
        except Exception as error:  # whatever it is, the owner waits to be told
            self._told.put(
                ExecutionError(
                    f"a worker process does not start, or can not be reached: {type(error).__name__}: {error}"
                )
            )
        finally:
            process = self._processes[place]
            if process is not None:
                process.close()

    def _start(self, place: int) -> WorkerProcess | None:
        """Return a process that has the context, or nothing when it is not wanted any more."""
        process = WorkerProcess()
        with self._changed:
            self._processes[place] = process
            if not self._is_open:
                return None
        try:
            process.load(self._context)
        except WorkerEndedError as error:
            self._refuse(f"{error} before it had begun; what it printed says why")
            return None
        return process

    def _refuse(self, words: str) -> None:
        """Raise ``ExecutionError``, unless closing is the reason."""
        if self._is_open:
            raise ExecutionError(words)

    def _next_job(self) -> _Job | None:
        with self._changed:
            while self._is_open and not self._jobs:
                self._changed.wait()
            return self._jobs.popleft() if self._is_open else None

    def _attempt(self, process: WorkerProcess, job: _Job) -> bool:
        """Work on a task; return whether the process is still there afterwards."""
        job.attempts += 1
        try:
            outcome = unpack_outcome(process.ask(job.parcel, self._time_limit_s))
        except TimeLimitError:
            words = f"ended at its time limit of {self._time_limit_s:g} s"
            self._told.put(Done(job.task, failure=TaskFailure("timeout", words), attempts=job.attempts))
            return False
        except WorkerEndedError as error:
            self._lost(job, str(error))
            return False
        self._told.put(Done(job.task, outcome.result, outcome.failure, outcome.seconds, job.attempts))
        return True

    def _lost(self, job: _Job, words: str) -> None:
        """Give a task whose worker died to another, or give it up."""
        if job.attempts > self._retries:
            failure = TaskFailure("died", f"{words}, at attempt {job.attempts} of {job.attempts}")
            self._told.put(Done(job.task, failure=failure, attempts=job.attempts))
            return
        with self._changed:
            self._jobs.appendleft(job)
            self._changed.notify()
