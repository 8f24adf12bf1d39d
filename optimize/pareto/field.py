"""The designs of a problem as points: coordinates and a combination of categories, and what each goal makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.design import CATEGORIES, NUMBERS, Design, DesignBatch
from dawndusk.models.evaluate import evaluate
from dawndusk.optimize.heuristics.local_search import coordinates_of
from dawndusk.optimize.problem import Goal, Problem

Floats: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Points:
    """N designs with their grades.

    Attributes
    ----------
    coordinates : array
        Search coordinates in [0, 1], shape (N, d).
    combination : array
        Number of the combination of categories, shape (N,).
    values : array
        The goals, all to be made small, shape (N, m).
    violation : array
        Sum of the graded violations of all rules and bounds, 0 where all are met, infinite where a goal can not be
        computed, shape (N,).
    """

    coordinates: Floats
    combination: Indices
    values: Floats
    violation: Floats

    def __len__(self) -> int:
        return len(self.violation)

    @property
    def feasible(self) -> NDArray[np.bool_]:
        """Return which points meet every rule and bound, shape (N,)."""
        return self.violation <= 0.0

    def take(self, index: Indices | NDArray[np.bool_]) -> Points:
        """Return the points selected by an index array or a mask."""
        return Points(self.coordinates[index], self.combination[index], self.values[index], self.violation[index])

    def with_more(self, *others: Points) -> Points:
        """Return these points and others."""
        every = (self, *others)
        return Points(
            np.concatenate([p.coordinates for p in every]),
            np.concatenate([p.combination for p in every]),
            np.concatenate([p.values for p in every]),
            np.concatenate([p.violation for p in every]),
        )


@dataclass
class Field:
    """The exact physics of a problem, seen from its goals; counts what it evaluates."""

    problem: Problem
    goals: tuple[Goal, ...]
    combinations: list[dict[str, str]] = field(init=False)
    evaluated: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.combinations = self.problem.combinations()
        names = (*(goal.outcome for goal in self.goals), *(bound.outcome for bound in self.problem.bounds))
        self._kept = tuple(dict.fromkeys(names))
        self.signs = np.array([goal.sign for goal in self.goals])

    @property
    def dimensions(self) -> int:
        """Return how many coordinates a design has."""
        return len(self.problem.free)

    def nothing(self) -> Points:
        """Return no points."""
        return Points(
            np.zeros((0, self.dimensions)), np.zeros(0, dtype=np.intp), np.zeros((0, len(self.goals))), np.zeros(0)
        )

    def grade(self, coordinates: Floats, combination: Indices) -> Points:
        """Evaluate points, shape (N, d) and (N,), of all their combinations together."""
        values = np.empty((len(coordinates), len(self.goals)))
        violation = np.empty(len(coordinates))
        if len(coordinates):
            order = np.argsort(combination, kind="stable")
            parts = np.split(order, np.flatnonzero(np.diff(combination[order])) + 1)
            batch = _joined([self._designs(coordinates[part], int(combination[part[0]])) for part in parts])
            values[order], violation[order] = self._graded(batch)
        return Points(coordinates, combination, values, violation)

    def _designs(self, coordinates: Floats, number: int) -> DesignBatch:
        return self.problem.designs(coordinates, self.combinations[number])

    def grade_designs(self, designs: DesignBatch) -> Points:
        """Evaluate designs as they are; their coordinates and combinations are left open."""
        values, violation = self._graded(designs)
        count = len(violation)
        return Points(np.full((count, self.dimensions), np.nan), np.full(count, -1), values, violation)

    def place(self, designs: Sequence[Design]) -> Points:
        """Return designs of the problem as points; one that the coordinates can not hit exactly is left out."""
        found = [self._placed(design) for design in designs if design.combination in self.combinations]
        return self.nothing().with_more(*(points for points in found if points is not None))

    def _placed(self, design: Design) -> Points | None:
        number = self.combinations.index(design.combination)
        points = self.grade(coordinates_of(self.problem, design)[None], np.array([number], dtype=np.intp))
        return points if bool(points.feasible[0]) else None

    def designs(self, points: Points) -> list[Design]:
        """Return the designs of points."""
        made = []
        for row, number in zip(points.coordinates, points.combination, strict=True):
            made.append(self._designs(row[None], int(number))[0])
        return made

    def _graded(self, designs: DesignBatch) -> tuple[Floats, Floats]:
        """Return the goals, to be made small, and the total violation of a batch."""
        self.evaluated += len(designs)
        evaluation = evaluate(designs, self.problem.assumptions, self._kept)
        violation = evaluation.total_violation
        for bound in self.problem.bounds:
            violation = violation + bound.violation(evaluation.outcome.values)
        values = np.stack([evaluation.outcome[goal.outcome] for goal in self.goals], axis=1) * self.signs
        return values, np.where(np.isfinite(values.sum(axis=1) + violation), violation, np.inf)


def _joined(batches: Sequence[DesignBatch]) -> DesignBatch:
    """Return the designs of batches, of one combination each, as one batch."""
    names = {name: tuple(dict.fromkeys(batch.names[name][0] for batch in batches)) for name in CATEGORIES}
    counts = [len(batch) for batch in batches]
    codes = {
        name: np.repeat([names[name].index(batch.names[name][0]) for batch in batches], counts) for name in CATEGORIES
    }
    values = {name: np.concatenate([batch.values[name] for batch in batches]) for name in NUMBERS}
    return DesignBatch(values, codes, names)
