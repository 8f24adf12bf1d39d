"""An interrupt that waits for the end of a step.

A proof is a set of open boxes; torn apart in the middle of a round it would miss those that were being cut. So while a
proof runs an interrupt is only noted, and takes effect when the search next reports, which it does between rounds.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dawndusk.optimize.evolution import Progress


class Interrupts:
    """Passes reports on, and raises ``KeyboardInterrupt`` at the first one after an interrupt was noted."""

    def __init__(self, report: Callable[[Progress], None]) -> None:
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
def held_back(report: Callable[[Progress], None]) -> Iterator[Interrupts]:
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
