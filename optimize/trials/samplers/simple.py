"""Samplers without a model of the goals: an even spread, and CMA-ES for one goal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.errors import DawnduskError
from dawndusk.optimize.heuristics.dominance import order_of
from dawndusk.optimize.space.columns import Fresh, SpaceColumns
from dawndusk.optimize.space.dimensions import Point, Value
from dawndusk.optimize.space.sampling import sobol
from dawndusk.optimize.trials.question import History, Trial
from dawndusk.optimize.trials.samplers.sampler import require

if TYPE_CHECKING:
    from cmaes import CMA

Floats: TypeAlias = NDArray[np.float64]

FIRST_SIGMA = 0.25
SMALLEST_GENERATION = 8
RANDOM_NAME_SHARE = 0.1
SURPLUS_DRAWS = 8
STREAM, CMA_STREAM = 7006, 7007


@dataclass
class RandomSampler:
    """Points spread evenly by a scrambled Sobol sequence, each batch where the one before ended."""

    name: str = "random"

    def propose(
        self, history: History, count: int, *, seed: int, batch: int, pending: Sequence[Point] = ()
    ) -> list[dict[str, Value]]:
        """Return points to evaluate next; see ``Sampler``."""
        columns = SpaceColumns.of(history.question.space)
        fresh = Fresh(columns, history.known, count, pending)
        even = sobol(columns.width, np.random.default_rng([STREAM, seed]))
        asked = len(history) + len(pending)
        first = even.random(1) if asked == 0 else even.fast_forward(asked).random(1)
        fresh.offer(columns.spread(np.vstack([first, even.random(max(count - 1, 0))])))
        fresh.fill(np.random.default_rng([STREAM, seed, batch]))
        return fresh.points


@dataclass
class CmaesSampler:
    """CMA-ES (Hansen (2016), "The CMA evolution strategy: a tutorial") on the numbers of one goal's space.

    Trials are ranked with those that break a rule behind those that do not. A name is drawn as often as it occurs in
    the better half of the last generation, or at random.
    """

    name: str = "cmaes"
    _told: _Told | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        require(self.name, "cmaes", "cmaes")

    def propose(
        self, history: History, count: int, *, seed: int, batch: int, pending: Sequence[Point] = ()
    ) -> list[dict[str, Value]]:
        """Return points to evaluate next; see ``Sampler``."""
        if len(history.question.goals) > 1:
            raise DawnduskError(f"search.sampler: 'cmaes' with {len(history.question.goals)} goals; allowed 1")
        columns = SpaceColumns.of(history.question.space)
        fresh = Fresh(columns, history.known, count, pending)
        rng = np.random.default_rng([CMA_STREAM, seed, batch])
        if self._told is None or not self._told.leads_to(history):
            self._told = _Told(columns)
        self._told.follow(history)
        fresh.offer(self._told.drawn(history, SURPLUS_DRAWS + count, rng))
        fresh.fill(rng)
        return fresh.points


class _Told:
    """The strategy after the whole generations of a history."""

    def __init__(self, columns: SpaceColumns) -> None:
        self.columns = columns
        self.numbers = np.flatnonzero(columns.free & ~columns.category)
        self.size = max(SMALLEST_GENERATION, 4 + int(3 * np.log(max(len(self.numbers), 1))))
        self.used = 0
        self._last: Trial | None = None
        self.strategy = self._started() if len(self.numbers) > 1 else None

    def _started(self) -> CMA:
        from cmaes import CMA  # noqa: PLC0415 - of an extra

        width = len(self.numbers)
        bounds = np.column_stack([np.zeros(width), np.ones(width)])
        return CMA(np.full(width, 0.5), FIRST_SIGMA, bounds=bounds, population_size=self.size, seed=0)

    def leads_to(self, history: History) -> bool:
        """Return whether the generations told are the first of a history."""
        return len(history) >= self.used and (self.used == 0 or history.trials[self.used - 1] is self._last)

    def follow(self, history: History) -> None:
        """Tell the whole generations that the history has more."""
        while len(history) - self.used >= self.size:
            at = slice(self.used, self.used + self.size)
            order, _, _ = order_of(np.nan_to_num(history.values[at]), history.total_violation[at])
            place = np.argsort(order)
            if self.strategy is not None:
                rows = history.rows[at][:, self.numbers]
                self.strategy.tell([(row, float(n)) for row, n in zip(rows, place, strict=True)])
            self.used += self.size
            self._last = history.trials[self.used - 1]

    def drawn(self, history: History, count: int, rng: np.random.Generator) -> Floats:
        """Return rows drawn from the strategy, shape (count, D)."""
        rows = self.columns.random(count, rng)
        if self.strategy is not None:
            self.strategy.reseed_rng(int(rng.integers(2**31)))
            rows[:, self.numbers] = [self.strategy.ask() for _ in range(count)]
        at = slice(max(self.used - self.size, 0), self.used)
        order, _, _ = order_of(np.nan_to_num(history.values[at]), history.total_violation[at])
        if len(order):
            better = history.rows[at][order[: max(len(order) // 2, 1)]]
            usual = better[rng.integers(len(better), size=count)]
            keep = self.columns.category & (rng.random(rows.shape) >= RANDOM_NAME_SHARE)
            rows = np.where(keep, usual, rows)
        return self.columns.snapped(rows)
