"""How a search tells where it stands, and how an interrupt waits for the end of a step.

A proof is a set of open boxes; torn apart in the middle of a round it would miss those that were being cut. So while a
proof runs an interrupt is only noted, and takes effect when the search next reports, which it does between rounds.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from dawndusk.optimize.result import Milestone, relative_gap

LEAST_STEP = 0.05
"""Share of itself by which a gap has to close for another milestone."""


@dataclass(frozen=True)
class Progress:
    """Where a search stands: stage, share of it done, designs evaluated, the best objective and the bound so far."""

    stage: str
    share: float
    evaluated: int
    best: float
    bound: float = math.nan


Report: TypeAlias = Callable[[Progress], None]


class Recorder:
    """Passes reports on, and keeps those at which the incumbent is another one or the gap has closed by a share."""

    def __init__(self, report: Report, before_s: float = 0.0) -> None:
        self._report, self._begin = report, time.monotonic() - before_s
        self._kept: list[Milestone] = []

    def report(self, progress: Progress) -> None:
        """Pass a report on."""
        self._keep(progress.evaluated, _known(progress.best), _known(progress.bound))
        self._report(progress)

    def history(self, evaluated: int, objective: float | None, bound: float | None) -> tuple[Milestone, ...]:
        """Return the milestones, with where the search ended as the last one."""
        last = Milestone(time.monotonic() - self._begin, evaluated, objective, bound)
        return (*self._kept, last)

    def _keep(self, evaluated: int, objective: float | None, bound: float | None) -> None:
        if objective is None and bound is None:
            return
        last = self._kept[-1] if self._kept else Milestone(0.0, 0, None, None)
        old, new = relative_gap(last.objective, last.bound), relative_gap(objective, bound)
        closer = new is not None and (old is None or new < old * (1.0 - LEAST_STEP))
        if closer or objective != last.objective or (last.bound is None) != (bound is None):
            self._kept.append(Milestone(time.monotonic() - self._begin, evaluated, objective, bound))


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


class Interrupts:
    """Passes reports on, and raises ``KeyboardInterrupt`` at the first one after an interrupt was noted."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self.noted = False

    def note(self, *_: object) -> None:
        """Note an interrupt."""
        self.noted = True

    def report(self, progress: Progress) -> None:
        """Pass a report on."""
        if self.noted:
            raise KeyboardInterrupt
        self._report(progress)


@contextmanager
def held_back(report: Report) -> Iterator[Interrupts]:
    """Hold interrupts back; where the program handles them in its own way, or in another thread, leave it at that."""
    interrupts = Interrupts(report)
    own = signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    if own or threading.current_thread() is not threading.main_thread():
        yield interrupts
        return
    before = signal.signal(signal.SIGINT, interrupts.note)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before)
