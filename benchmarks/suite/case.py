"""A problem of the suite: its question, its evaluator, and the scale on which a front is measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import moocore
import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.problem import Goal
from dawndusk.optimize.space.dimensions import Dimension, Point, Space
from dawndusk.optimize.trials.question import Failure, Question, TrialAnswer

Floats = NDArray[np.float64]
Formula = Callable[[Mapping[str, NDArray[np.object_]]], tuple[Floats, Floats]]
"""Takes a column for each dimension and returns goals, shape (N, goals), and violations, shape (N, rules)."""

REFERENCE = 1.1
"""The reference point, where the best known value of each goal on the front is 0 and the worst 1: the front's
extremes count, as Ishibuchi et al. (2018), "How to specify a reference point in hypervolume calculation", advise for
fronts of many points."""


@dataclass(frozen=True)
class Case:
    """A problem with the scale of its front.

    ``ideal`` and ``nadir`` are the best and the worst value of each goal on the reference front, small is good, and
    ``volume`` is its hypervolume on that scale; ``origin`` says where they come from.
    """

    name: str
    question: Question
    formula: Formula
    ideal: tuple[float, ...]
    nadir: tuple[float, ...]
    volume: float
    origin: str

    def __call__(self, points: Sequence[Point]) -> list[TrialAnswer]:
        """Return one answer for each point, in order."""
        columns = {name: np.array([p[name] for p in points], dtype=object) for name in self.question.space.names}
        with np.errstate(all="ignore"):
            goals, rules = self.formula(columns)
        return [self._answer(values, violations) for values, violations in zip(goals, rules, strict=True)]

    def _answer(self, values: Floats, violations: Floats) -> TrialAnswer:
        if not (np.isfinite(values).all() and np.isfinite(violations).all()):
            return TrialAnswer(failure=Failure("not a number", "an outcome is no finite number"))
        outcomes = {goal.outcome: float(v) for goal, v in zip(self.question.goals, values, strict=True)}
        return TrialAnswer(outcomes, dict(zip(self.question.rules, map(float, violations), strict=True)))

    def hypervolume(self, values: Floats) -> float:
        """Return the hypervolume of goals of shape (N, goals), small is good, as a share of the reference front's."""
        ideal, nadir = np.array(self.ideal), np.array(self.nadir)
        scaled = (values - ideal) / (nadir - ideal)
        inside = scaled[(scaled < REFERENCE).all(axis=1)]
        if not len(inside):
            return 0.0
        return float(moocore.hypervolume(inside, ref=[REFERENCE] * len(ideal))) / self.volume


def case(
    name: str, dimensions: Mapping[str, Dimension], goals: Sequence[str], rules: int, formula: Formula, **scale: Any
) -> Case:
    """Return a case whose rules are numbered."""
    question = Question(Space(dimensions), tuple(map(Goal, goals)), tuple(f"rule_{n + 1}" for n in range(rules)))
    return Case(name=name, question=question, formula=formula, **scale)
