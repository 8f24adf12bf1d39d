"""A population that is bred generation by generation, for thousands of cheap evaluations and more.

NSGA-II (Deb, Pratap, Agarwal and Meyarivan (2002)) on mixed rows with constraint domination, half of the children by
differential steps; with four goals and more, or three and reference directions wanted, survivors are spread by the
directions of NSGA-III (Deb and Jain (2014)) instead of by crowding. A batch is a generation, whatever its size, and
everything is done to whole arrays. The parents are the best of all trials so far, so nothing has to be kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.heuristics.dominance import order_of
from dawndusk.optimize.heuristics.genetic import children, stepped
from dawndusk.optimize.heuristics.reference_directions import spread_over
from dawndusk.optimize.space.columns import Fresh, SpaceColumns
from dawndusk.optimize.space.dimensions import Point, Value
from dawndusk.optimize.trials.question import History, Trial

Floats: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.intp]

POPULATION = 100
STEP_SHARE = 0.5
MANY_GOALS = 4
SURPLUS = 1.25
"""Children bred for each one wanted, as some were asked about before."""
BREEDINGS = 4
STREAM = 7002


@dataclass
class PopulationSampler:
    """Evolution of a population by whole generations.

    Parameters
    ----------
    population : int
        How many of the best trials are parents; the first as many trials are spread evenly.
    directions : bool, optional
        Whether to keep parents by reference directions rather than by crowding; by default with four goals and more.
    """

    population: int = POPULATION
    directions: bool | None = None
    name: str = "population"
    _line: Survivors | None = field(default=None, repr=False)

    def propose(
        self, history: History, count: int, *, seed: int, batch: int, pending: Sequence[Point] = ()
    ) -> list[dict[str, Value]]:
        """Return points to evaluate next; see ``Sampler``."""
        columns = SpaceColumns.of(history.question.space)
        rng = np.random.default_rng([STREAM, seed, batch])
        fresh = Fresh(columns, history.known, count, pending)
        asked = len(history) + len(pending)
        if asked < self.population:
            even = columns.even(self.population, np.random.default_rng([STREAM, seed]))
            fresh.offer(even[asked : asked + count])
        if len(history) > 1:
            parents = self._after(history)
            for _ in range(BREEDINGS):
                if fresh.missing:
                    fresh.offer(offspring(columns, parents, int(SURPLUS * fresh.missing) + 1, rng))
        fresh.fill(rng)
        return fresh.points

    def _after(self, history: History) -> Floats:
        """Return the parents after a history, best first, shape (P, D)."""
        goals = len(history.question.goals)
        if self._line is None or not self._line.leads_to(history):
            by_direction = self.directions if self.directions is not None else goals >= MANY_GOALS
            self._line = Survivors(self.population, by_direction and goals > 1)
        return self._line.parents(history)


@dataclass
class Survivors:
    """The survivors of a history: those of each generation are chosen among those before and its own trials.

    A generation is as many trials as there are parents, whatever the batches were, so that the survivors follow from
    the history alone.
    """

    population: int
    by_direction: bool
    _kept: Indices = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    _used: int = 0
    _last: Trial | None = None

    def leads_to(self, history: History) -> bool:
        """Return whether the trials used so far are the first of a history."""
        return len(history) >= self._used and (self._used == 0 or history.trials[self._used - 1] is self._last)

    def parents(self, history: History) -> Floats:
        """Return the survivors of the whole history, best first, shape (P, D)."""
        values, violation, rows = history.values, history.total_violation, history.rows
        while len(history) - self._used >= self.population:
            new = np.arange(self._used, self._used + self.population)
            self._kept = self._survivors(values, violation, np.concatenate([self._kept, new]))
            self._used += self.population
            self._last = history.trials[self._used - 1]
        rest = np.arange(self._used, len(history))
        return rows[self._survivors(values, violation, np.concatenate([self._kept, rest]))]

    def _survivors(self, values: Floats, violation: Floats, among: Indices) -> Indices:
        order, rank, _ = order_of(np.nan_to_num(values[among]), violation[among], self.population)
        if not self.by_direction or len(among) <= self.population:
            kept: Indices = among[order[: self.population]]
            return kept
        limit = rank[order[self.population - 1]]
        chosen, last = np.flatnonzero(rank < limit), np.flatnonzero(rank == limit)
        of_last = spread_over(np.nan_to_num(values[among]), chosen, last, self.population - len(chosen))
        spread: Indices = among[np.concatenate([chosen[np.argsort(rank[chosen], kind="stable")], of_last])]
        return spread


def offspring(columns: SpaceColumns, parents: Floats, count: int, rng: np.random.Generator) -> Floats:
    """Return children of parents that are given best first: half by crossover, half by differential steps.

    Each parent won a tournament of two.
    """
    left, right, target = np.min(rng.integers(len(parents), size=(2, 3, count)), axis=0)
    young = children(columns, parents[left], parents[right], rng)
    steps = rng.random(count) < STEP_SHARE
    base, one, other = rng.integers(len(parents), size=(3, int(steps.sum())))
    young[steps] = stepped(columns, parents[base], parents[one], parents[other], parents[target[steps]], rng)
    return young
