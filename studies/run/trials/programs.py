"""Running a program with limits: on its time, on what it may print, and on what it leaves behind."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any, cast

MOST_OUTPUT_BYTES = 1 << 20
TAIL_BYTES = 2000
"""How much of the end of the error output is kept."""
PIECE_BYTES = 1 << 16
LOOK_EVERY_S = 0.1
"""How often it is looked whether a program has ended whose children keep its output open."""

GUARD = """
import os, signal, sys
groups = set()
for line in sys.stdin:
    (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
for group in groups:
    try:
        os.killpg(group, signal.SIGKILL)
    except OSError:
        pass
"""
"""A process that outlives this one, however it ends, and then ends the programs that it left."""


@dataclass
class Ended:
    """How a program ended.

    Attributes
    ----------
    status : int or None
        Its exit status, negative for a signal; None where it was killed here.
    cut : str
        Why it was killed: ``time``, ``output`` or nothing.
    output, errors : bytes
        Standard output, and the end of standard error.
    """

    status: int | None = None
    cut: str = ""
    output: bytes = b""
    errors: bytes = b""


def run_limited(command: Sequence[str], text: bytes, timeout_s: float) -> Ended:
    """Run a program with ``text`` on standard input until it ends or breaks a limit; then end all that it started.

    Raises
    ------
    OSError
        Where it can not be started.
    """
    own_group: dict[str, Any] = {"process_group": 0} if os.name == "posix" else {}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **own_group
    ) as process:
        try:
            with _guarded(process.pid):
                talk = _Talk(process, text, time.monotonic() + timeout_s)
                return talk.run()
        finally:
            _end(process)


@dataclass
class _Talk:
    """What goes to a program and comes from it."""

    process: subprocess.Popen[bytes]
    rest: bytes
    end_at: float
    ended: Ended = field(default_factory=Ended)

    def run(self) -> Ended:
        """Talk until the program ends or breaks a limit."""
        with selectors.DefaultSelector() as streams:
            for pipe, event in self._streams():
                os.set_blocking(pipe.fileno(), False)
                streams.register(pipe, event)
            while streams.get_map() and not self.ended.cut:
                left = self.end_at - time.monotonic()
                ready = streams.select(max(min(left, LOOK_EVERY_S), 0.0))
                for stream in [cast("IO[bytes]", key.fileobj) for key, _ in ready]:
                    if not self._move(stream):
                        streams.unregister(stream)
                        stream.close()
                if not ready and self.process.poll() is not None:
                    break
                if left <= 0.0:
                    self.ended.cut = "time"
        if not self.ended.cut:
            self._wait()
        return self.ended

    def _streams(self) -> Iterator[tuple[IO[bytes], int]]:
        process = self.process
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        yield process.stdin, selectors.EVENT_WRITE
        yield process.stdout, selectors.EVENT_READ
        yield process.stderr, selectors.EVENT_READ

    def _move(self, stream: IO[bytes]) -> bool:
        """Write or read a piece, and return whether there may be more."""
        try:
            if stream is self.process.stdin:
                self.rest = self.rest[os.write(stream.fileno(), self.rest[:PIECE_BYTES]) :]
                return bool(self.rest)
            piece = os.read(stream.fileno(), PIECE_BYTES)
        except BlockingIOError:
            return True
        except OSError:  # a program need not read what it is given
            return False
        if stream is self.process.stdout:
            self.ended.output += piece
            self.ended.cut = "output" if len(self.ended.output) > MOST_OUTPUT_BYTES else self.ended.cut
        else:
            self.ended.errors = (self.ended.errors + piece)[-TAIL_BYTES:]
        return bool(piece)

    def _wait(self) -> None:
        try:
            self.ended.status = self.process.wait(max(self.end_at - time.monotonic(), 0.0))
        except subprocess.TimeoutExpired:
            self.ended.cut = "time"


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program and what it started."""
    with contextlib.suppress(OSError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()


@contextmanager
def _guarded(group: int) -> Iterator[None]:
    """Have a program ended even if this process is killed."""
    if os.name != "posix":
        yield
        return
    _tell_guard(f"+{group}\n")
    try:
        yield
    finally:
        _tell_guard(f"-{group}\n")


_guard_lock = threading.Lock()


def _tell_guard(line: str) -> None:
    with _guard_lock, contextlib.suppress(OSError):  # without its guard a program runs all the same
        stream = _guard(os.getpid()).stdin
        assert stream is not None
        stream.write(line.encode())
        stream.flush()


@functools.cache
def _guard(_: int) -> subprocess.Popen[bytes]:
    """Start the guard of this process, once."""
    guard = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", GUARD],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    atexit.register(guard.communicate)
    return guard
