"""The process of one job: ``python -m dawndusk.studies.web.worker JOB_FOLDER RUN_FOLDER``.

It reads what was asked, searches, reports on the way and writes the run folder. It ends with what it has when it is
interrupted, and when whoever started it is gone: its standard input then closes.
"""

from __future__ import annotations

import _thread
import functools
import json
import math
import os
import sys
import threading
import time
from pathlib import Path
from typing import TextIO

from dawndusk.models.errors import DawnduskError
from dawndusk.optimize.progress import Progress
from dawndusk.studies.input.study import Kind
from dawndusk.studies.input.studyfile import study_from_mapping
from dawndusk.studies.output.folders.front import keep_front
from dawndusk.studies.run.design.runner import run_design
from dawndusk.studies.run.folder.open_boxes import NAME as OPEN_BOXES
from dawndusk.studies.run.folder.open_boxes import Keeper
from dawndusk.studies.run.folder.writing import keep_run, read_unfinished, write_checkpoint
from dawndusk.studies.run.front.runner import run_front
from dawndusk.studies.web.jobs import EVENTS, JOB

STANDARD_INPUT = 0
EVERY_S = 0.2
"""Reports that come faster are left out."""


class Reporter:
    """Writes progress as lines of JSON, each whole before the next."""

    def __init__(self, file: TextIO) -> None:
        self._file, self._begin, self._last = file, time.monotonic(), -math.inf

    def __call__(self, progress: Progress) -> None:
        """Write one report, unless there was one just before."""
        now = time.monotonic()
        if now - self._last >= EVERY_S:
            self._last = now
            self.write(
                stage=progress.stage,
                share=progress.share,
                evaluated=progress.evaluated,
                best=_finite(progress.best),
                bound=_finite(progress.bound),
            )

    def write(self, **values: str | float | None) -> None:
        """Write one line."""
        line = {"seconds": round(time.monotonic() - self._begin, 3), **values}
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _end_with_owner() -> None:
    """Interrupt the search when standard input closes."""
    while os.read(STANDARD_INPUT, 1):
        pass
    _thread.interrupt_main()


def work(job_folder: Path, run_folder: Path) -> None:
    """Run the search of a job and write its run folder."""
    asked = json.loads((job_folder / JOB).read_text(encoding="utf-8"))
    study, resume = study_from_mapping(asked["study"], source="request"), None
    if (run_folder / OPEN_BOXES).is_file():
        study, resume = read_unfinished(run_folder)
    with (job_folder / EVENTS).open("a", encoding="utf-8") as file:
        report = Reporter(file)
        if study.kind is Kind.PARETO:
            front = run_front(study, report)
            keep_front(front, run_folder)
            report.write(stage="ended", share=1.0, status=front.status)
            return
        keeper = Keeper(functools.partial(write_checkpoint, study=study, folder=run_folder))
        result = run_design(study, report, checkpoint=keeper, resume=resume, explain=True)
        keep_run(result, run_folder)
        report.write(stage="ended", share=1.0, best=result.objective, bound=result.bound, status=result.status)


def main() -> int:
    """Work, and say in one line what went wrong."""
    threading.Thread(target=_end_with_owner, daemon=True).start()
    try:
        work(Path(sys.argv[1]), Path(sys.argv[2]))
    except DawnduskError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
