"""Tasks on a Dask cluster: Dask hands them out, and each of its worker threads drives a process of ours.

So a task that breaks its process leaves Dask's worker alone, a time limit can be kept, and threads of one worker do
not wait for each other. The context travels as a task of Dask: it is on every worker once, comes back when the
workers that had it are gone, and is let go of when its owner is.
"""

from __future__ import annotations

import contextlib
import importlib
import math
import time
import uuid
from collections import deque
from collections.abc import Callable
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from dawndusk.models.errors import MissingExtraError
from dawndusk.optimize.execution.executor import Executor
from dawndusk.optimize.execution.inbox import Inbox
from dawndusk.optimize.execution.remote import Attempt, attempt, keep, own_version
from dawndusk.optimize.execution.tasks import Done, ExecutionError, Task, TaskFailure
from dawndusk.optimize.execution.wire import pack, unpack_outcome

C = TypeVar("C")

CONNECT_S = 10.0
COUNT_EVERY_S = 2.0
LEAST_AHEAD = 64
"""Tasks of a map that are handed over ahead at least: a cluster that grows with its queue has to see one."""
LARGE_GRAPH = "distributed.admin.large-graph-warning-threshold"


@dataclass
class _Job:
    """A task on its way, its future, and how many attempts have begun."""

    task: Task
    parcel: bytes
    attempts: int = 0
    future: Any = None


class DaskCluster(Executor[C]):
    """Works on tasks on the cluster of the Dask scheduler at an address."""

    def __init__(self, context: C, address: str, *, retries: int, time_limit_s: float | None) -> None:
        super().__init__()
        self._address, self._retries, self._time_limit_s = address, retries, time_limit_s
        parcel = pack(context, "context")
        self._dask = _dask()
        self._client = _connect(self._dask, address)
        self._name = f"dawndusk-{uuid.uuid4().hex}"
        self._jobs: dict[str, _Job] = {}
        self._arrived: Inbox[Any] = Inbox()
        self._told: deque[Done[Any]] = deque()
        self._threads, self._counted_at = 1, -math.inf
        try:
            _check_versions(self._client)
            with self._large():
                self._context = self._client.submit(keep, parcel, key=f"{self._name}-context", pure=False)
        except BaseException:
            self._client.close()
            raise

    @property
    def workers(self) -> int:
        """Return the number of threads of the cluster's workers, 1 while it has none; asked anew now and then."""
        now = time.monotonic()
        if now - self._counted_at > COUNT_EVERY_S and self._client.status == "running":
            threads: dict[str, int] = self._client.nthreads()
            self._threads, self._counted_at = max(sum(threads.values()), 1), now
        return self._threads

    def _ahead(self) -> int:
        return max(2 * self.workers, LEAST_AHEAD)

    def _begin(self, task: Task, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        self._hand_over(_Job(task, pack((function, arguments), f"arguments of task {function.__qualname__}")))

    def _hand_over(self, job: _Job) -> None:
        """Begin an attempt; raise ``ExecutionError`` where the cluster is gone."""
        if self._client.status != "running":
            raise ExecutionError(f"cluster {self._address}: gone; what was told as done is not affected")
        job.attempts += 1
        key = f"{self._name}-{job.task.number}-{job.attempts}"
        self._jobs[key] = job
        with self._large():
            job.future = self._client.submit(
                attempt, self._context, self._name, job.parcel, self._time_limit_s, key=key, pure=False
            )
        job.future.add_done_callback(self._arrived.put)

    def _wait(self, timeout_s: float | None) -> Done[Any] | None:
        end = None if timeout_s is None else time.monotonic() + timeout_s
        while not self._told:
            if not self._arrived.wait(None if end is None else max(end - time.monotonic(), 0.0)):
                return None
            self._take(self._arrived.all())
        return self._told.popleft()

    def _take(self, futures: list[Any]) -> None:
        """Take in attempts that have ended: their answers at once, or one by one where some are lost."""
        wanted = [future for future in futures if future.key in self._jobs]
        try:
            found = self._client.gather(wanted)
        except Exception:  # of any one of them
            found = [_result(future) for future in wanted]
        answers = {future.key: answer for future, answer in zip(wanted, found, strict=True)}
        for future in futures:
            if future.key in answers:
                self._settle(self._jobs[future.key], answers[future.key])
                del self._jobs[future.key]
            self._arrived.take()

    def _settle(self, job: _Job, answer: Attempt | Exception) -> None:
        """Tell what came of an attempt, or begin another."""
        if isinstance(answer, Attempt) and answer.parcel is not None:
            found = unpack_outcome(answer.parcel)
            self._tell(job, found.failure, found.result, found.seconds)
        elif isinstance(answer, Attempt) and answer.failure is not None and answer.failure.kind == "timeout":
            self._tell(job, answer.failure)
        elif isinstance(answer, ExecutionError):
            raise answer
        elif isinstance(answer, Attempt | CancelledError):
            self._again(job, answer.failure.words if isinstance(answer, Attempt) and answer.failure else str(answer))
        elif isinstance(answer, self._dask.KilledWorker):
            self._tell(job, TaskFailure("died", f"the cluster gave the task up, its workers having died: {answer}"))
        else:
            self._tell(job, TaskFailure("payload", f"the cluster can not work on the task: {answer!r}"))

    def _again(self, job: _Job, words: str) -> None:
        """Give a task whose process died, or that the cluster lost, to a worker once more, or give it up."""
        if job.attempts > self._retries and self._client.status == "running":
            words = f"{words}, at attempt {job.attempts} of {job.attempts}"
            self._tell(job, TaskFailure("died", words))
        else:
            self._hand_over(replace(job))

    def _tell(self, job: _Job, failure: TaskFailure | None, result: Any = None, seconds: float = 0.0) -> None:
        self._told.append(Done(job.task, result, failure, seconds, job.attempts))

    def _withdraw(self, task: Task) -> None:
        for key, job in list(self._jobs.items()):
            if job.task == task:
                del self._jobs[key]
                self._client.cancel([job.future])

    def _end(self) -> None:
        futures = [job.future for job in self._jobs.values()]
        self._jobs.clear()
        with contextlib.suppress(Exception):  # a cluster that is gone has nothing left to end
            self._client.cancel([*futures, self._context])
        self._client.close()

    def _large(self) -> contextlib.AbstractContextManager[Any]:
        """Let contexts and tasks be as large as they are, without a warning about graphs."""
        found: contextlib.AbstractContextManager[Any] = self._dask.config.set({LARGE_GRAPH: "1TB"})
        return found


def _result(future: Any) -> Attempt | Exception:
    """Return what came of one future, an exception as a value."""
    try:
        found: Attempt = future.result()
    except Exception as error:
        return error
    return found


class _Dask:
    """The parts of Dask that are used, where it is installed."""

    def __init__(self) -> None:
        distributed = importlib.import_module("distributed")
        self.Client = distributed.Client
        self.KilledWorker = distributed.KilledWorker
        self.config = importlib.import_module("dask.config")


def _dask() -> _Dask:
    try:
        return _Dask()
    except ImportError as error:
        raise MissingExtraError("cluster", error.name, "cluster") from None


def _connect(dask: _Dask, address: str) -> Any:
    try:
        return dask.Client(address, timeout=CONNECT_S, set_as_default=False, name="dawndusk")
    except (OSError, ValueError, TypeError) as error:
        raise ExecutionError(
            f"cluster {address!r}: does not answer ({error}); allowed: the address of a Dask scheduler that runs, "
            "such as tcp://host:8786"
        ) from None


def _check_versions(client: Any) -> None:
    """Raise ``ExecutionError`` where a worker of the cluster has another version of this package, or none."""
    for worker, found in client.run(own_version, on_error="return").items():
        if found != own_version():
            raise ExecutionError(
                f"cluster: found dawndusk {found!r} on its worker {worker}; allowed: {own_version()}, as here"
            )
