"""Vectorised local search: a population that walks from given designs, over whole and continuous variables alike.

Every sample draws its own step, from the width of a range down to rounding, so nothing has to be tuned to the scale of
a valley; half of the samples also move along the difference of two good designs, which follows a ridge where rules
bind. A heuristic: it gives designs, not bounds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.design import Design
from dawndusk.optimize.heuristics.variation import difference_factors, mutations
from dawndusk.optimize.problem import Combination, Problem

Floats: TypeAlias = NDArray[np.float64]
Grades: TypeAlias = tuple[Floats, Floats]
"""Violation (zero or less where met) and what is made small, each of shape (N,)."""
Grade: TypeAlias = Callable[[Floats], Grades]
"""Grades coordinates of shape (N, d)."""

NARROWEST = 1e-9
FROM_THE_BEST_SHARE = 0.5
LONGEST_DIFFERENCE = 1.6
KEPT = 48
ZOOM_POINTS, ZOOMS = 1025, 6


@dataclass(frozen=True, eq=False)
class Population:
    """Points with their grades, best first: the least violation, then the least of what is made small."""

    points: Floats
    violation: Floats
    aim: Floats

    @property
    def is_feasible(self) -> bool:
        """Return whether the best point violates nothing."""
        return bool(self.violation[0] <= 0.0)

    def with_more(self, points: Floats, grades: Grades) -> Population:
        """Return the best of these points and others, without repetition of a grade."""
        violation = np.concatenate([self.violation, np.maximum(grades[0], 0.0)])
        aim = np.concatenate([self.aim, grades[1]])
        order = np.lexsort((aim, violation))
        same = (np.diff(violation[order]) == 0.0) & (np.diff(aim[order]) == 0.0)
        order = order[np.concatenate([[True], ~same])][:KEPT]
        return Population(np.concatenate([self.points, points])[order], violation[order], aim[order])


@dataclass(frozen=True)
class WalkEffort:
    """How long a walk goes on: rounds, samples in each, and the moment (``time.monotonic``) at which it ends anyway."""

    rounds: int
    samples: int
    deadline: float

    @property
    def is_over(self) -> bool:
        """Return whether the time is up."""
        return time.monotonic() > self.deadline

    def until(self, deadline: float) -> WalkEffort:
        """Return the same effort with a deadline that is not later than ``deadline``."""
        return replace(self, deadline=min(self.deadline, deadline))


def start(grade: Grade, points: Floats) -> Population:
    """Return the population of given points, of shape (N, d), N at least 1."""
    empty = Population(points[:0], np.zeros(0), np.zeros(0))
    return empty.with_more(points, grade(points))


def walk(
    grade: Grade,
    population: Population,
    *,
    rng: np.random.Generator,
    effort: WalkEffort,
    enough: Callable[[Population], bool] = lambda _: False,
) -> Population:
    """Return the population after walking to what is better, at most as long as ``effort`` says.

    Parameters
    ----------
    grade : callable
        Grades coordinates in [0, 1].
    population : Population
        Where to start.
    rng : numpy.random.Generator
        Decides every step; the same one gives the same walk unless the deadline ends it.
    effort : Effort
        How long.
    enough : callable
        Ends the walk early.
    """
    if not population.points.shape[1]:
        return population
    for _ in range(effort.rounds):
        if effort.is_over or enough(population):
            break
        points = _steps(population, effort.samples, rng)
        population = population.with_more(points, grade(points))
    return population


def _steps(population: Population, count: int, rng: np.random.Generator) -> Floats:
    """Return ``count`` points around the best ones, half of them along the difference of two."""
    good = population.points
    shape = (count, good.shape[1])
    favoured = rng.random(count) < FROM_THE_BEST_SHARE
    origin = np.where(favoured, 0, rng.integers(len(good), size=count))
    step = mutations(shape, NARROWEST, rng)
    one, other = rng.integers(len(good), size=(2, count))
    along = difference_factors(count, LONGEST_DIFFERENCE, rng)
    found: Floats = np.clip(good[origin] + along * (good[one] - good[other]) + step, 0.0, 1.0)
    return found


def coordinates_of(problem: Problem, design: Design) -> Floats:
    """Return the search coordinates that give a design, of shape (len(free),), or those of the nearest design.

    Every variable rises with its own coordinate, so its coordinate is found by zooming in on a grid; variables are
    taken in their order, for the radiator is counted per accelerator.
    """
    counting = replace(problem, satellites_follow_demand=False)
    found = np.full(len(problem.free), 0.5)
    for column, name in enumerate(problem.free):
        found[column] = _coordinate(counting, design.combination, found, column, float(getattr(design, name)))
    return found


def _coordinate(problem: Problem, combination: Combination, others: Floats, column: int, value: float) -> float:
    """Return the coordinate in one column at which its variable takes a value."""
    name, low, high = problem.free[column], 0.0, 1.0
    for _ in range(ZOOMS):
        points = np.tile(others, (ZOOM_POINTS, 1))
        points[:, column] = np.linspace(low, high, ZOOM_POINTS)
        values = problem.designs(points, combination).values[name]
        first = int(np.searchsorted(values, value, side="left"))
        last = int(np.searchsorted(values, value, side="right"))
        if first < last:  # some points of the grid give the very value
            return float(points[(first + last - 1) // 2, column])
        low, high = (float(points[min(max(i, 0), ZOOM_POINTS - 1), column]) for i in (first - 1, first))
    return 0.5 * (low + high)
