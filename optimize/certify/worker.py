"""A process that bounds boxes for another: problem in, then batches of boxes in and what is left of them out.

Started as ``python -m dawndusk.optimize.certify.worker``, so that a program which embeds the search needs no guard
around its main module. Messages are pickles with their length in front, over standard input and output.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import struct
import subprocess
import sys
from typing import Any, BinaryIO

from dawndusk.optimize.problem import Problem

HEADER = struct.Struct("<Q")
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class WorkerDiedError(RuntimeError):
    """A worker process ended before its answer."""


class Worker:
    """A worker process as its owner sees it. ``ask`` and ``answer`` are used in turn."""

    def __init__(self, problem: Problem) -> None:
        environment = {**os.environ, **dict.fromkeys(ONE_THREAD, "1")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "dawndusk.optimize.certify.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,  # an interrupt from the keyboard is for the owner alone
        )
        self.ask(problem)

    def ask(self, message: object) -> None:
        """Send a message."""
        assert self._process.stdin is not None
        try:
            _send(self._process.stdin, message)
        except BrokenPipeError:
            raise WorkerDiedError(self._last_words()) from None

    def answer(self) -> Any:
        """Wait for the answer to the message sent last."""
        assert self._process.stdout is not None
        found = _receive(self._process.stdout)
        if found is None:
            raise WorkerDiedError(self._last_words())
        if isinstance(found, BaseException):
            raise found
        return found

    def close(self) -> None:
        """End the process."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):  # what was left to send to one that died
                    stream.close()
        self._process.terminate()
        self._process.wait()

    def _last_words(self) -> str:
        return f"a worker process ended with status {self._process.wait()}"


def _send(stream: BinaryIO | Any, message: object) -> None:
    data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    stream.write(HEADER.pack(len(data)))
    stream.write(data)
    stream.flush()


def _receive(stream: BinaryIO | Any) -> Any:
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    (length,) = HEADER.unpack(header)
    data = stream.read(length)
    return pickle.loads(data) if len(data) == length else None


def serve() -> None:
    """Answer messages until there are no more."""
    from dawndusk.optimize.certify.boxes import Bounder  # noqa: PLC0415 (imported in the worker only)
    from dawndusk.optimize.certify.branch import examine  # noqa: PLC0415
    from dawndusk.optimize.certify.statement import state  # noqa: PLC0415

    source, target = sys.stdin.buffer, sys.stdout.buffer
    problem = _receive(source)
    if problem is None:
        return
    bounder: Bounder | None = None
    while (message := _receive(source)) is not None:
        try:
            if bounder is None:
                bounder = Bounder(state(problem))
            _send(target, examine(bounder, *message))
        except Exception as error:
            _send(target, error)


if __name__ == "__main__":
    serve()
