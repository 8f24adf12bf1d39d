"""Trials as a table, a row for each."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.trials.question import Trial
from dawndusk.studies.run.trials.questions import Asked

if TYPE_CHECKING:
    import pandas as pd

COMPLETE = "complete"
ENDING = ("violation", "broken", "feasible", "failure", "words")
"""Last columns of the table of trials."""


def trial_frame(trials: Iterable[Trial], asked: Asked) -> pd.DataFrame:
    """Return trials as a table, a row for each: number, state, point, outcomes, violation and why it failed.

    A dimension keeps its name; an outcome of the same name is told apart by ``outcome.`` before it.
    """
    import pandas as pd  # noqa: PLC0415 (heavy, and not needed to search)

    trials = sorted(trials, key=lambda trial: trial.number)
    names = asked.question.space.names
    columns: dict[str, Any] = {"number": [t.number for t in trials], "state": [_state(t) for t in trials]}
    columns |= {name: [t.point[name] for t in trials] for name in names}
    last = [_ending(trial) for trial in trials]
    taken = {*columns, *ENDING}
    for name, values in _outcomes(trials, asked).items():
        columns[f"outcome.{name}" if name in taken else name] = values
    columns |= {name: [row[index] for row in last] for index, name in enumerate(ENDING)}
    return pd.DataFrame(columns)


def _outcomes(trials: list[Trial], asked: Asked) -> dict[str, NDArray[np.float64]]:
    """Return every outcome as a column, NaN where a trial has none."""
    complete = np.array([_state(trial) == COMPLETE for trial in trials], dtype=np.bool_)
    found = asked.outcomes([trial for trial, has in zip(trials, complete.tolist(), strict=True) if has])
    columns = {name: np.full(len(trials), np.nan) for name in found}
    for name, values in found.items():
        columns[name][complete] = values
    return columns


def _state(trial: Trial) -> str:
    if trial.answer is None:
        return "pending"
    return COMPLETE if trial.answer.failure is None else "failed"


def _ending(trial: Trial) -> tuple[float, str, bool, str, str]:
    """Return the last columns of a row: violation, what is broken, whether feasible, failure and its words."""
    answer = trial.answer
    if answer is None:
        return math.nan, "", False, "", ""
    if answer.failure is not None:
        return math.nan, "", False, answer.failure.kind, answer.failure.words
    broken = {rule: amount for rule, amount in answer.violations.items() if amount > 0.0}
    return sum(broken.values()), ", ".join(broken), not broken, "", ""


def write_csv(path: Path, frame: pd.DataFrame) -> None:
    """Write a table as CSV, ten times faster than pandas does: names in quotes, what is missing as nothing."""
    import pyarrow as pa  # noqa: PLC0415 (heavy, and not needed to search)
    from pyarrow import csv  # noqa: PLC0415 (the same)

    csv.write_csv(pa.Table.from_pandas(frame, preserve_index=False), path)
