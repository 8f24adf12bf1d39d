"""What a search is asked, and what it has been told so far.

A question has a space, goals and rules. Its evaluator answers a point with outcomes and with a graded violation of
each rule, or with a failure: failures are data, a search goes on without them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.problem import Goal
from dawndusk.optimize.space.dimensions import Key, Point, Space

__all__ = ["Evaluator", "Failure", "Goal", "History", "Question", "Trial", "TrialAnswer"]

Floats: TypeAlias = NDArray[np.float64]

FIRST_ROWS = 64


@dataclass(frozen=True)
class Question:
    """What to choose, what to make small or large, and the rules to keep, by name."""

    space: Space
    goals: tuple[Goal, ...]
    rules: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failure:
    """Why a point has no outcomes: a kind to count by, and words for a person."""

    kind: str
    words: str


@dataclass(frozen=True)
class TrialAnswer:
    """What an evaluator says of a point.

    ``outcomes`` has at least every goal. ``violations`` has every rule: 0 or less where it is met, else the relative
    amount by which it is missed. With a ``failure`` both are empty. ``seconds`` is what the evaluation took, where the
    evaluator knows better than its caller: 0 for a point that it did not have to evaluate.
    """

    outcomes: Mapping[str, float] = field(default_factory=dict)
    violations: Mapping[str, float] = field(default_factory=dict)
    failure: Failure | None = None
    seconds: float | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Trial:
    """A point that was asked about, and the answer if there is one. ``number`` counts from 0 in the order of asking."""

    number: int
    point: Point
    answer: TrialAnswer | None = None


class Evaluator(Protocol):
    """Answers points. Must be picklable where it is to work in other processes."""

    def __call__(self, points: Sequence[Point]) -> list[TrialAnswer]:
        """Return one answer for each point, in order."""


class _Table:
    """Rows of numbers that grows only, at a constant cost for each row."""

    def __init__(self, width: int) -> None:
        self._space = np.empty((FIRST_ROWS, width))
        self._used = 0

    def append(self, row: Sequence[float] | Floats) -> None:
        """Add a row."""
        if self._used == len(self._space):
            self._space = np.vstack([self._space, np.empty_like(self._space)])
        self._space[self._used] = row
        self._used += 1

    @property
    def rows(self) -> Floats:
        """Return all rows, not to be written to, shape (N, width)."""
        view = self._space[: self._used]
        view.flags.writeable = False
        return view


class History:
    """Trials with an answer, as arrays for samplers; grows only.

    Attributes
    ----------
    question : Question
    trials : list of Trial
        Every trial with an answer, failed ones included, in the order of their numbers.
    """

    def __init__(self, question: Question, trials: Iterable[Trial] = ()) -> None:
        self.question = question
        self.trials: list[Trial] = []
        self.known: dict[Key, Trial] = {}
        self._rows = _Table(len(question.space.names))
        self._values = _Table(len(question.goals))
        self._violations = _Table(len(question.rules))
        for trial in trials:
            self.add(trial)

    def __len__(self) -> int:
        return len(self.trials)

    def add(self, trial: Trial) -> None:
        """Take in a trial that has an answer."""
        answer = trial.answer
        assert answer is not None
        self.trials.append(trial)
        self.known.setdefault(self.question.space.key(trial.point), trial)
        self._rows.append(self.question.space.encode([trial.point])[0])
        failed = answer.failure is not None
        goals, rules = self.question.goals, self.question.rules
        self._values.append([math.nan if failed else goal.sign * answer.outcomes[goal.outcome] for goal in goals])
        self._violations.append([math.inf if failed else answer.violations[rule] for rule in rules])

    @property
    def rows(self) -> Floats:
        """Return the points as rows, shape (N, D); see ``space``."""
        return self._rows.rows

    @property
    def values(self) -> Floats:
        """Return the goals, small is good, NaN where failed, shape (N, goals)."""
        return self._values.rows

    @property
    def violations(self) -> Floats:
        """Return the graded violation of each rule, at most 0 where met, infinite where failed, shape (N, rules)."""
        return self._violations.rows

    @property
    def total_violation(self) -> Floats:
        """Return the sum of what is violated, 0 where feasible, infinite where failed, shape (N,)."""
        failed = np.isnan(self.values).any(axis=1)
        return np.where(failed, np.inf, np.maximum(self.violations, 0.0).sum(axis=1))

    @property
    def feasible(self) -> NDArray[np.bool_]:
        """Return which trials meet every rule, shape (N,)."""
        return self.total_violation <= 0.0
