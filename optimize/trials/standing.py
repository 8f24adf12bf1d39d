"""How a search stands: its best trial or its front so far, and for how long nothing got better."""

from __future__ import annotations

import functools

import numpy as np

from dawndusk.optimize.heuristics.dominance import hypervolume
from dawndusk.optimize.space.sampling import sobol
from dawndusk.optimize.trials.question import Floats, Question, Trial

LEAST_IMPROVEMENT = 1e-4
"""What counts as better, relative to the best, or to the hypervolume of the front."""
EXACT_GOALS = 2
SAMPLES_LOG2 = 14


class Standing:
    """Takes in trials with an answer, in any order, and keeps those that nothing beats.

    Attributes
    ----------
    evaluated, failed, in_a_row : int
        Trials taken in, those that failed, and how many have failed since one did not.
    front : list of Trial
        Feasible trials that no other is better than in every goal; with one goal the best trial. In the order in which
        they came.
    nearest : Trial or None
        The trial that breaks the rules least, where none is feasible.
    """

    def __init__(self, question: Question) -> None:
        self._signs = np.array([goal.sign for goal in question.goals])
        self._question = question
        self.evaluated = self.failed = self.in_a_row = 0
        self.front: list[Trial] = []
        self.nearest: Trial | None = None
        self._values = np.empty((0, len(question.goals)))
        self._ends: tuple[Floats, Floats] | None = None
        self._least_violation = np.inf
        self._mark, self._marked_at = self._values, 0
        self._marked_violation = np.inf
        self._known: list[tuple[Floats, float]] = []

    @property
    def best(self) -> float | None:
        """Return the value of a single goal at the best trial, None with several goals or nothing feasible."""
        if len(self._signs) > 1 or not self.front:
            return None
        return float(self._signs[0] * self._values[0, 0])

    @property
    def hypervolume(self) -> float | None:
        """Return what the front covers of the box between the best and the worst feasible values, 0 to 1.

        None with one goal, or with nothing feasible. Exact for two goals.
        """
        return None if len(self._signs) == 1 or self._ends is None else self._covered(self._values)

    def add(self, trial: Trial) -> None:
        """Take in a trial that has an answer."""
        answer = trial.answer
        assert answer is not None
        self.evaluated += 1
        if answer.failure is not None:
            self.failed, self.in_a_row = self.failed + 1, self.in_a_row + 1
            return
        self.in_a_row = 0
        violation = sum(max(answer.violations[rule], 0.0) for rule in self._question.rules)
        if violation > 0.0:
            if violation < self._least_violation:
                self._least_violation, self.nearest = violation, trial
            return
        self._least_violation = 0.0
        self._enter(trial, self._signs * np.array([answer.outcomes[goal.outcome] for goal in self._question.goals]))

    def _enter(self, trial: Trial, values: Floats) -> None:
        low, high = self._ends or (np.full_like(values, np.inf), np.full_like(values, -np.inf))
        if (values < low).any() or (values > high).any():
            self._ends = np.minimum(low, values), np.maximum(high, values)
            self._known = []
        if (self._values <= values).all(axis=1).any():
            return
        stays = ~np.all(values <= self._values, axis=1)
        self.front = [kept for kept, stay in zip(self.front, stays.tolist(), strict=True) if stay] + [trial]
        self._values = np.vstack([self._values[stays], values])

    def mark(self, least: float = LEAST_IMPROVEMENT) -> None:
        """Look whether anything has got better, by a relative amount, since it last did."""
        if self._is_better(least):
            self._mark, self._marked_at = self._values, self.evaluated
            self._marked_violation = self._least_violation

    @property
    def stale(self) -> int:
        """Return after how many trials, as of now, nothing has got better."""
        return self.evaluated - self._marked_at

    def _is_better(self, least: float) -> bool:
        if not self.front:
            return self._least_violation < self._marked_violation * (1.0 - least)
        if not len(self._mark):
            return True
        if len(self._signs) == 1:
            before, now = float(self._mark[0, 0]), float(self._values[0, 0])
            return now < before - least * abs(before)
        return self._covered(self._values) > self._covered(self._mark) * (1.0 + least)

    def _covered(self, values: Floats) -> float:
        """Return what a front covers; asked for the same one again, as before."""
        for front, volume in self._known:
            if front is values:
                return volume
        assert self._ends is not None
        low, high = self._ends
        width = np.where(high > low, high - low, 1.0)
        volume = covered(np.where(high > low, (values - low) / width, 0.0))
        self._known = [*self._known[-1:], (values, volume)]
        return volume


def covered(points: Floats) -> float:
    """Return the volume between points and the corner at 1 in every coordinate, small being good.

    Parameters
    ----------
    points : array
        Shape (N, D), from 0 to 1. For D up to 2 the volume is exact; beyond that it is the share of a fixed set of
        quasi-random points, to about 1e-4, which costs the same for a front of any shape.
    """
    inside = points[(points < 1.0).all(axis=1)]
    if not len(inside):
        return 0.0
    return _sampled(inside) if inside.shape[1] > EXACT_GOALS else hypervolume(inside, np.ones(inside.shape[1]))


def _sampled(points: Floats) -> float:
    """Return the share of the samples that some point is nowhere above; those found are not looked at again."""
    left = _samples(points.shape[1])
    for point in points[np.argsort(points.sum(axis=1))]:
        above = np.ones(left.shape[1], dtype=np.bool_)
        for column, value in zip(left, point.tolist(), strict=True):
            above &= column >= value
        left = left[:, ~above]
    return float(1.0 - left.shape[1] / 2**SAMPLES_LOG2)


@functools.cache
def _samples(goals: int) -> Floats:
    """Return a fixed set of quasi-random points, shape (goals, samples)."""
    samples = np.ascontiguousarray(sobol(goals, None).random_base2(SAMPLES_LOG2).T)
    samples.flags.writeable = False
    return samples
