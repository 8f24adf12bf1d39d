"""A worker process as its owner sees it: start, context, then one task at a time, with a limit on its time."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import BinaryIO, cast

from dawndusk.optimize.execution.tasks import ExecutionError
from dawndusk.optimize.execution.wire import receive, send, unpack_outcome

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
START = (
    "import sys; sys.path[:] = sys.argv[1:]; del sys.argv[1:]; "
    "from dawndusk.optimize.execution.worker import main; main()"
)
LOOK_EVERY_S = 0.5
"""How often the owner looks whether a silent worker is alive and still wanted."""
CAN_LIMIT = hasattr(select, "poll")


class WorkerEndedError(Exception):
    """A worker process ended before its answer; says how."""


class TimeLimitError(Exception):
    """A task ran into its time limit."""


class WorkerProcess:
    """A worker process with its context. One thread asks; any thread may kill."""

    def __init__(self) -> None:
        environment = {**os.environ, **dict.fromkeys(ONE_THREAD, "1")}
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-c", START, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,  # an interrupt from the keyboard is for the owner alone
        )
        self._ended = False

    @property
    def pid(self) -> int:
        """Return the process's number."""
        return self._process.pid

    def load(self, context: bytes) -> None:
        """Hand over the context, to begin with.

        Raises
        ------
        WorkerEndedError
            When the process ends before it has it.
        ExecutionError
            When the context can not be taken in.
        """
        outcome = unpack_outcome(self.ask(context))
        if outcome.failure is not None:
            raise ExecutionError(outcome.failure.words)

    def ask(self, parcel: bytes, limit_s: float | None = None, is_wanted: Callable[[], bool] = lambda: True) -> bytes:
        """Send a parcel and return the answer.

        Raises
        ------
        WorkerEndedError
            When the process ends, or is not wanted any more.
        TimeLimitError
            After the limit; the process is killed.
        """
        try:
            send(cast("BinaryIO", self._process.stdin), parcel)
            self._await(limit_s, is_wanted)
            found = receive(cast("BinaryIO", self._process.stdout))
        except (OSError, ValueError):  # the pipe is broken, or closed by another thread
            found = None
        if found is None:
            raise WorkerEndedError(self._last_words())
        return found

    def _await(self, limit_s: float | None, is_wanted: Callable[[], bool]) -> None:
        """Wait for an answer to begin, for the process to end, or for the limit."""
        if not CAN_LIMIT:
            return
        begin = time.monotonic()
        answer = select.poll()
        answer.register(cast("BinaryIO", self._process.stdout), select.POLLIN)
        left_s = LOOK_EVERY_S if limit_s is None else min(limit_s, LOOK_EVERY_S)
        while not answer.poll(left_s * MS_PER_S):
            if limit_s is not None:
                left_s = min(limit_s - (time.monotonic() - begin), LOOK_EVERY_S)
                if left_s <= 0.0:
                    self.kill()
                    raise TimeLimitError
            if self._process.poll() is not None:
                self._kill_all()  # what it forked may hold the pipe open
                raise WorkerEndedError(self._last_words())
            if not is_wanted():
                raise WorkerEndedError(self._last_words())

    def kill(self) -> None:
        """End the process and what its tasks started."""
        if self._process.returncode is None:  # else its number may be another's by now
            self._kill_all()

    def _kill_all(self) -> None:
        with contextlib.suppress(OSError):  # it has ended
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()

    def close(self) -> None:
        """End the process, and leave nothing of it."""
        with self._lock:
            if self._ended:
                return
            self._ended = True
        self.kill()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # what was left to send to one that died
                cast("BinaryIO", stream).close()
        self._process.wait()

    def _last_words(self) -> str:
        self.kill()
        return f"a worker process ended with {_status(self._process.wait())}"


def _status(code: int) -> str:
    """Return an exit status in words: a signal by its name."""
    with contextlib.suppress(ValueError):
        if code < 0:
            return f"signal {signal.Signals(-code).name}"
    return f"status {code}"


MS_PER_S = 1e3
