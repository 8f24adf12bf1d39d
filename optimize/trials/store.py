"""Where a search keeps its trials: what a store promises, and one that lasts as long as the program."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from dawndusk.models.errors import DawnduskError
from dawndusk.optimize.space.dimensions import Point
from dawndusk.optimize.trials.question import Trial


class StoreError(DawnduskError):
    """A store that can not be opened, read or written; what it held before is as it was."""


@dataclass(frozen=True)
class Record:
    """A trial as a store keeps it, and the batch that it was asked in."""

    trial: Trial
    batch: int


class Store(Protocol):
    """Keeps trials. What ``ask`` and ``tell`` were given outlasts the process once they return."""

    def read(self) -> list[Record]:
        """Return every trial in the order of the numbers, those without an answer too."""

    def ask(self, points: Sequence[Point], batch: int) -> list[Trial]:
        """Keep points as asked about, and return them with the next numbers."""

    def tell(self, trials: Sequence[Trial]) -> None:
        """Keep the answers of trials that were asked.

        Raises
        ------
        StoreError
            Where a trial was never asked or has its answer already.
        """


class MemoryStore:
    """A store that ends with the program."""

    def __init__(self) -> None:
        self._records: list[Record] = []

    def read(self) -> list[Record]:
        """Return every trial in the order of the numbers."""
        return list(self._records)

    def ask(self, points: Sequence[Point], batch: int) -> list[Trial]:
        """Keep points as asked about."""
        trials = [Trial(number, point) for number, point in enumerate(points, start=len(self._records))]
        self._records += [Record(trial, batch) for trial in trials]
        return trials

    def tell(self, trials: Sequence[Trial]) -> None:
        """Keep answers."""
        for trial in trials:
            check_open(trial.number, [record.trial for record in self._records[trial.number : trial.number + 1]])
            self._records[trial.number] = dataclasses.replace(self._records[trial.number], trial=trial)


def check_open(number: int, found: Sequence[Trial]) -> None:
    """Raise ``StoreError`` unless ``found`` is the trial with a number, without an answer."""
    if number < 0 or not found:
        raise StoreError(f"trial {number}: found no such trial; allowed: the number of a trial that was asked")
    if found[0].answer is not None:
        raise StoreError(f"trial {number}: found a trial that has its answer; allowed: one that waits for it")
