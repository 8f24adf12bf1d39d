"""A journal of trials in one file, for Optuna's journal storage.

It differs from Optuna's own file in what happens when something goes wrong. Lines of one step are written and synced
together. A line that a crash or a full disk left half written is never read, and is cut off before the next one is
written. The lock ends with the process that holds it. Optuna, and what builds on it, reads the file as its own.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from optuna.storages.journal import BaseJournalBackend
from pydantic_core import from_json

from dawndusk.optimize.trials.store import StoreError
from dawndusk.studies.run.store.locks import try_lock, wait_until

LOCK_WAIT_S = 60.0
READABLE = 0o644
BEGIN = b'{"op_code":'
Log = dict[str, Any]


class DamagedError(StoreError):
    """A journal with a line in its midst that is none."""


class Journal(BaseJournalBackend):
    """Lines of JSON that are only ever appended. For one storage object and one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines, self._end = 0, 0
        self._gathered: list[Log] | None = None
        self._is_ahead = False

    def read_logs(self, log_number_from: int) -> Iterator[Log]:
        """Return the logs from a number on."""
        if self._is_ahead:
            raise StoreError(f"{self._path}: found a store whose last write failed; allowed: to open it again")
        yield from self._read(log_number_from)
        if self._gathered is not None:
            yield from self._gathered[max(log_number_from - self._lines, 0) :]

    def append_logs(self, logs: list[Log]) -> None:
        """Append logs, durably."""
        if self._gathered is not None:
            self._gathered += logs
            return
        with self._locked() as handle:
            self._write(handle, logs)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Keep other writers out, and write what is appended meanwhile at the end, all at once.

        When it fails nothing of it is written, and the journal must be opened anew.
        """
        with self._locked() as handle:
            self._gathered = []
            try:
                yield
                self._write(handle, self._gathered)
            except BaseException:
                self._is_ahead = True
                raise
            finally:
                self._gathered = None

    def _read(self, first: int) -> Iterator[Log]:
        """Return the whole lines of the file from a number on, and remember where they end.

        A line that another process mends while it is read looks damaged, but not when it is read again.
        """
        if first < self._lines:
            self._lines, self._end = 0, 0
        try:
            yield from self._sound(first)
        except DamagedError:
            yield from self._sound(first)

    def _sound(self, first: int) -> Iterator[Log]:
        """Return the logs up to what was torn off at the end of the file."""
        damaged = 0
        try:
            with self._path.open("rb") as file:
                file.seek(self._end)
                for line in file:
                    log = _log(line)
                    if log is None and (self._lines or _may_be_torn(line)):
                        damaged = damaged or self._lines + 1
                        continue
                    if log is None or damaged:
                        raise DamagedError(
                            f"{self._path}:{damaged or 1}: found a line that is no log of a search; allowed: the file "
                            "as it was written"
                        )
                    self._lines, self._end = self._lines + 1, self._end + len(line)
                    if self._lines > first:
                        yield log
        except OSError as error:
            raise self._unusable("read", error) from None

    @contextmanager
    def _locked(self) -> Iterator[int]:
        try:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT, READABLE)
        except OSError as error:
            raise self._unusable("written", error) from None
        try:
            if not wait_until(lambda: try_lock(handle, "alone"), LOCK_WAIT_S):
                raise StoreError(f"{self._path}: found locked by another process for {LOCK_WAIT_S:g} s")
            yield handle
        finally:
            os.close(handle)

    def _write(self, handle: int, logs: list[Log]) -> None:
        """Write logs behind the last whole line, or nothing."""
        text = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs).encode()
        end = self._sound_end(handle)
        try:
            os.ftruncate(handle, end)
            os.lseek(handle, end, os.SEEK_SET)
            rest = memoryview(text)
            while rest:
                rest = rest[os.write(handle, rest) :]
            os.fsync(handle)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(handle, end)
            raise self._unusable("written", error) from None
        if end == self._end and self._gathered is not None:
            self._lines, self._end = self._lines + len(logs), end + len(text)

    def _sound_end(self, handle: int) -> int:
        """Return where the last whole line ends, reading from the last one that is known."""
        end = self._end
        with os.fdopen(os.dup(handle), "rb") as file:
            file.seek(end)
            place = end
            for line in file:
                place += len(line)
                end = place if _log(line) is not None else end
        return end

    def _unusable(self, how: str, error: OSError) -> StoreError:
        return StoreError(f"{self._path}: can not be {how}: {error.strerror or error}; nothing that was kept is lost")


def _may_be_torn(line: bytes) -> bool:
    """Return whether a line can be the begin of a log, rather than of a file of something else."""
    return line.startswith(BEGIN) or BEGIN.startswith(line)


def _log(line: bytes) -> Log | None:
    """Return the log in a line, None where it is torn."""
    if not line.endswith(b"\n"):
        return None
    try:
        log = from_json(line)
    except ValueError:
        return None
    return log if isinstance(log, dict) else None
