"""Searches that the explorer runs: queued, one process each, cancellable, and on disk at every moment.

A job is a folder below ``jobs``: what was asked and how it stands (``job.json``), and what it reported
(``events.jsonl``). Its run folder is beside the others. A server that ends, or is killed, loses no job: the next one on
the same folder goes on with those that were queued or running.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from dawndusk.models.errors import DawnduskError
from dawndusk.studies.input.document import shorten
from dawndusk.studies.run.folder.reading import FRONT
from dawndusk.studies.run.folder.writing import OPTIMUM
from dawndusk.studies.web.workspace import NotThereError

QUEUED, RUNNING, DONE, FAILED, CANCELLED = "queued", "running", "done", "failed", "cancelled"
ENDED = frozenset({DONE, FAILED, CANCELLED})
FOLDER, JOB, EVENTS, LOG, LOCK = "jobs", "job.json", "events.jsonl", "errors.txt", "lock"
RUN_PREFIX = "job-"
MOST_WAITING = 100
POLL_S = 0.1
GRACE_S = 20.0
"""A worker that is told to end may take this long to write what it has."""
TAIL_CHARACTERS = 2000
ID_BYTES = 6


class BusyError(DawnduskError):
    """More is asked for than can wait."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A search: what was asked, when, and how it stands.

    ``study`` is the resolved study as plain values; ``run`` the name of its run folder, once there is one.
    """

    number: int
    id: str
    state: str
    title: str
    study: Mapping[str, Any]
    created_s: float
    ended_s: float | None = None
    run: str | None = None
    error: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, the study left out."""
        values = dataclasses.asdict(self)
        del values["study"]
        return values


class Jobs:
    """The jobs of a folder, and the thread that runs them in order.

    Raises
    ------
    DawnduskError
        Where another server runs the jobs of this folder, or it can not be written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.jobs = self.folder / FOLDER
        self._condition = threading.Condition()
        self._ending = False
        self._process: subprocess.Popen[bytes] | None = None
        self._cancelled: set[str] = set()
        self._known: dict[str, Job] = {}
        self._thread: threading.Thread | None = None
        self._lock = self._locked()

    def _locked(self) -> TextIO:
        """Return the lock of the folder, which ends with this process however that ends."""
        try:
            self.jobs.mkdir(parents=True, exist_ok=True)
            lock = (self.jobs / LOCK).open("a+", encoding="utf-8")
        except OSError as error:
            raise DawnduskError(f"{self.jobs}: can not be written: {error.strerror or error}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            holder = lock.read().strip()
            lock.close()
            raise DawnduskError(
                f"{self.folder}: found another explorer at work in it (process {holder}); allowed: one at a time, or "
                "another --folder"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        return lock

    def start(self) -> None:
        """Take up the jobs that are on disk and begin to run them."""
        for path in sorted(self.jobs.glob(f"*/{JOB}")):
            with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
                job = Job(**json.loads(path.read_text(encoding="utf-8")))
                self._known[job.id] = dataclasses.replace(job, state=QUEUED) if job.state == RUNNING else job
        self._thread = threading.Thread(target=self._run_all, name="jobs", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End: the job that runs is told to write what it has, and goes on with the next start."""
        with self._condition:
            self._ending = True
            self._condition.notify_all()
        if self._thread is not None:
            self._thread.join(GRACE_S + 1.0)
        self._lock.close()

    def add(self, study: Mapping[str, Any], title: str) -> Job:
        """Queue a search."""
        with self._condition:
            if sum(job.state not in ENDED for job in self._known.values()) >= MOST_WAITING:
                raise BusyError(f"jobs: found {MOST_WAITING} that wait; allowed: up to that many")
            number = 1 + max((job.number for job in self._known.values()), default=0)
            name = f"{number:06d}-{secrets.token_hex(ID_BYTES)}"
            job = Job(number=number, id=name, state=QUEUED, title=title, study=study, created_s=time.time())
            (self.jobs / name).mkdir()
            self._keep(job)
            self._condition.notify_all()
            return job

    def all(self) -> list[Job]:
        """Return every job, newest first."""
        with self._condition:
            return sorted(self._known.values(), key=lambda job: -job.number)

    def get(self, name: str) -> Job:
        """Return a job."""
        with self._condition:
            if name not in self._known:
                raise NotThereError(f"job: found no {shorten(repr(name))}; allowed: one that is listed")
            return self._known[name]

    def cancel(self, name: str) -> Job:
        """Take a job from the queue, or have it end with what it has; one that has ended stays as it is."""
        with self._condition:
            job = self.get(name)
            if job.state == QUEUED:
                job = dataclasses.replace(job, state=CANCELLED, ended_s=time.time())
                self._keep(job)
            elif job.state == RUNNING:
                self._cancelled.add(name)
                self._condition.notify_all()
            return job

    def events(self, name: str, start: int = 0) -> list[dict[str, Any]]:
        """Return what a job reported, from a line on; a line that is still being written waits."""
        self.get(name)
        try:
            text = (self.jobs / name / EVENTS).read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        lines = text.split("\n")[start:-1]
        found = []
        for line in lines:
            try:
                found.append(json.loads(line))
            except ValueError:
                found.append({})
        return found

    def _keep(self, job: Job) -> None:
        """Write a job to disk, whole, before it counts."""
        folder = self.jobs / job.id
        handle, name = tempfile.mkstemp(dir=folder, prefix=".")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(dataclasses.asdict(job), file)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(folder / JOB)
        self._known[job.id] = job

    def _run_all(self) -> None:
        while True:
            with self._condition:
                waiting = [job for job in self._known.values() if job.state == QUEUED]
                if self._ending:
                    return
                if not waiting:
                    self._condition.wait()
                    continue
                job = min(waiting, key=lambda one: one.number)
                job = dataclasses.replace(job, state=RUNNING)
                self._keep(job)
            ended = self._run(job)
            with self._condition:
                self._keep(ended)

    def _run(self, job: Job) -> Job:
        """Run a job to its end and return how it ended; to be run again where the server ends."""
        folder, run = self.jobs / job.id, f"{RUN_PREFIX}{job.id}"
        with (folder / LOG).open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dawndusk.studies.web.worker", str(folder), str(self.folder / run)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            with process:
                told = self._watch(process, job.id)
        written = any((self.folder / run / name).is_file() for name in (OPTIMUM, FRONT))
        done = dataclasses.replace(job, run=run if written else None, ended_s=time.time())
        if told and job.id not in self._cancelled:
            return dataclasses.replace(job, state=QUEUED)
        if job.id in self._cancelled:
            return dataclasses.replace(done, state=CANCELLED)
        if process.returncode == 0:
            return dataclasses.replace(done, state=DONE)
        return dataclasses.replace(done, state=FAILED, error=_reason(folder / LOG, process.returncode))

    def _watch(self, process: subprocess.Popen[bytes], name: str) -> bool:
        """Wait for a worker; return whether it was told to end."""
        told = False
        patience = 0.0
        while process.poll() is None:
            with self._condition:
                asked = self._ending or name in self._cancelled
                if not asked:
                    self._condition.wait(POLL_S)
            if asked and not told:
                told, patience = True, time.monotonic() + GRACE_S
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(signal.SIGINT)
            elif told:
                time.sleep(POLL_S)
                if time.monotonic() > patience:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
        return told


def _reason(log: Path, code: int) -> str:
    """Return why a worker failed: its error, else the end of what it said."""
    said = log.read_text(encoding="utf-8", errors="replace").strip()
    _, found, error = said.rpartition("error: ")
    words = error[:TAIL_CHARACTERS] if found else said[-TAIL_CHARACTERS:]
    return words or f"the search ended with exit code {code}"
