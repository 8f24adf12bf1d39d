"""Locks that end with the process that holds them, however it ends, and name it while it does."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from dawndusk.optimize.trials.store import StoreError

Mode = Literal["alone", "together"]
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.001, 0.1
READABLE = 0o644
MOST_LETTERS = 4096


class SearchInUseError(StoreError):
    """A search that another process works on."""

    def __init__(self, place: str, holder: str) -> None:
        self.holder = holder or "another process"
        super().__init__(f"{place}: found in use by {self.holder}; allowed: one process at a time")


if sys.platform == "win32":
    import msvcrt

    def try_lock(handle: int, mode: Mode) -> bool:
        """Take the lock of an open file if it is free; there is only one mode on this system."""
        with contextlib.suppress(OSError):
            os.lseek(handle, MOST_LETTERS, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            return True
        return False
else:
    import fcntl

    def try_lock(handle: int, mode: Mode) -> bool:
        """Take the lock of an open file if it is free, alone or together with others who share it."""
        kind = fcntl.LOCK_EX if mode == "alone" else fcntl.LOCK_SH
        try:
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def wait_until(taken: Callable[[], bool], wait_s: float) -> bool:
    """Try again and again until it works or the time is over."""
    end, pause = time.monotonic() + wait_s, FIRST_PAUSE_S
    while not taken():
        if time.monotonic() >= end:
            return False
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_S)
    return True


def whoever(purpose: str) -> str:
    """Return who this process is, for the one that waits: what it does, its number, host and the time."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return f"{purpose}, process {os.getpid()} on {socket.gethostname()} since {now}"


@contextmanager
def file_lock(path: Path, purpose: str, *, mode: Mode = "alone", wait_s: float) -> Iterator[None]:
    """Hold the lock of a file, which is made if need be and stays. It says who holds it alone.

    Raises
    ------
    StoreError
        Where another process keeps it for longer than ``wait_s``: names that process.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, READABLE)
    except OSError as error:
        raise StoreError(f"{path}: can not be written: {error.strerror or error}") from None
    try:
        if not wait_until(lambda: try_lock(handle, mode), wait_s):
            raise SearchInUseError(str(path), _holder(handle))
        if mode == "alone":
            _sign(handle, whoever(purpose))
        yield
        if mode == "alone":
            _sign(handle, "")
    finally:
        os.close(handle)


def _sign(handle: int, text: str) -> None:
    """Write who holds the lock; on a full disk it is nameless."""
    with contextlib.suppress(OSError):
        os.ftruncate(handle, 0)
        os.lseek(handle, 0, os.SEEK_SET)
        os.write(handle, text.encode())


def _holder(handle: int) -> str:
    os.lseek(handle, 0, os.SEEK_SET)
    return os.read(handle, MOST_LETTERS).decode(errors="replace")
