"""The process that works on tasks for another: a context in, then a task in and its outcome out, until the pipe closes.

Its owner starts it with the owner's module path, so that nothing has to guard the owner's main module.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
from typing import BinaryIO

from dawndusk.optimize.execution.tasks import AttemptOutcome, ExecutionError, TaskFailure, call
from dawndusk.optimize.execution.wire import pack_outcome, receive, send, unpack

OWNER_CHECK_MS = 5000
"""How often a worker looks whether it still has its owner, where the pipe does not tell: a fork may hold it open."""


def main() -> None:
    """Work on tasks until there are no more."""
    source, target = _private(sys.stdin.fileno(), "rb", os.O_RDONLY), _private(sys.stdout.fileno(), "wb", None)
    threading.Thread(target=_end_with_owner, args=(source.fileno(),), daemon=True).start()
    with contextlib.suppress(OSError, KeyboardInterrupt):  # nobody is left to tell, or has to be told more than the end
        serve(source, target)
    os._exit(0)  # what is left in buffers has no reader


def serve(source: BinaryIO, target: BinaryIO) -> None:
    """Take in a context, then work on one task after the other."""
    parcel = receive(source)
    if parcel is None:
        return
    try:
        context = unpack(parcel, "context")
    except ExecutionError as error:
        send(target, pack_outcome(_refused(error)))
        return
    send(target, pack_outcome(AttemptOutcome()))
    while (parcel := receive(source)) is not None:
        try:
            function, arguments = unpack(parcel, "task")
        except ExecutionError as error:
            send(target, pack_outcome(_refused(error)))
        else:
            send(target, pack_outcome(call(function, context, arguments)))


def _refused(error: ExecutionError) -> AttemptOutcome:
    return AttemptOutcome(failure=TaskFailure("payload", str(error)))


def _private(descriptor: int, mode: str, flags: int | None) -> BinaryIO:
    """Return a stream on a copy of a descriptor, and give the descriptor itself to what tasks read or print.

    Tasks read nothing, and what they print goes where errors go.
    """
    stream = os.fdopen(os.dup(descriptor), mode)
    other = os.open(os.devnull, flags) if flags is not None else os.dup(sys.stderr.fileno())
    os.dup2(other, descriptor)
    os.close(other)
    return stream  # type: ignore[return-value]


def _end_with_owner(descriptor: int) -> None:
    """End this process, and what its tasks started, as soon as the owner's end of the pipe is closed."""
    if not hasattr(select, "poll"):
        return  # without it a worker ends after its task
    owner = os.getppid()
    closed = select.poll()
    closed.register(descriptor, 0)  # no events: to be told of the end only
    while not closed.poll(OWNER_CHECK_MS) and os.getppid() == owner:
        pass
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)
