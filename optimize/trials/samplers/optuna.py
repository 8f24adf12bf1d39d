"""Samplers of Optuna: TPE, GP, NSGA-II and NSGA-III.

Each is made anew and seeded from (seed, batch) for every batch and sees the history as a study in memory, with rules
as constraints and integers and categories as they are; so what it names follows from the history alone.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import optuna
from optuna.samplers import BaseSampler, GPSampler, NSGAIIISampler, NSGAIISampler, TPESampler

from dawndusk.optimize.space.columns import Fresh, SpaceColumns
from dawndusk.optimize.space.dimensions import Point, Value
from dawndusk.optimize.trials.question import History
from dawndusk.optimize.trials.samplers.optuna_study import STUDY_NAME, Mirror, quietly
from dawndusk.optimize.trials.samplers.sampler import require
from dawndusk.optimize.trials.surrogate.threads import one_thread

POPULATION = 50
STALE_ASKS = 16
"""After so many points in a row that were known the rest is drawn at random."""
STREAM, GENERATION_STREAM, RANDOM_STREAM = 7003, 7004, 7005

Genetic = NSGAIISampler | NSGAIIISampler


def _tpe(seed: int) -> BaseSampler:
    return TPESampler(seed=seed, multivariate=True)


def _gp(seed: int) -> BaseSampler:
    importlib.import_module("torch")  # before its threads are limited
    return GPSampler(seed=seed, deterministic_objective=False)


def _nsga2(seed: int) -> BaseSampler:
    return NSGAIISampler(seed=seed, population_size=POPULATION)


def _nsga3(seed: int) -> BaseSampler:
    return NSGAIIISampler(seed=seed, population_size=POPULATION)


MAKERS: dict[str, Callable[[int], BaseSampler]] = {"tpe": _tpe, "gp": _gp, "nsga2": _nsga2, "nsga3": _nsga3}
NEEDED = {"gp": ("torch", "gp")}
"""The package that a sampler needs and the extra that brings it."""


@dataclass
class OptunaSampler:
    """A sampler of Optuna by its name here: ``tpe``, ``gp``, ``nsga2`` or ``nsga3``."""

    name: str
    _mirror: Mirror | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.name in NEEDED:
            require(self.name, *NEEDED[self.name])

    def propose(
        self, history: History, count: int, *, seed: int, batch: int, pending: Sequence[Point] = ()
    ) -> list[dict[str, Value]]:
        """Return points to evaluate next; see ``Sampler``."""
        fresh = Fresh(SpaceColumns.of(history.question.space), history.known, count, pending)
        with quietly():
            sampler = MAKERS[self.name](_seed(STREAM, seed, batch))
            with one_thread():
                self._ask(history, fresh, sampler, seed, pending)
        fresh.fill(np.random.default_rng([RANDOM_STREAM, seed, batch]))
        return fresh.points

    def _ask(self, history: History, fresh: Fresh, sampler: BaseSampler, seed: int, pending: Sequence[Point]) -> None:
        mirror = self._reflecting(history, sampler)
        study = optuna.create_study(
            storage=mirror, study_name=STUDY_NAME, directions=mirror.directions, sampler=sampler
        )
        if isinstance(sampler, Genetic):
            self._settle_parents(study, mirror.completed // POPULATION, seed)
        mirror.wait_for(pending)
        stale = 0
        while fresh.missing and stale < STALE_ASKS:
            asked = study.ask(mirror.distributions).params
            stale = 0 if fresh.take(asked) else stale + 1
        mirror.take_back()

    def _reflecting(self, history: History, sampler: BaseSampler) -> Mirror:
        """Return the mirror kept from the last call if it leads to this history, else another."""
        key = sampler._get_generation_key() if isinstance(sampler, Genetic) else None
        if self._mirror is None or not self._mirror.follow(history, key, POPULATION):
            self._mirror = Mirror(history.question)
            self._mirror.follow(history, key, POPULATION)
        return self._mirror

    def _settle_parents(self, study: optuna.Study, generation: int, seed: int) -> None:
        """Have the parents of every generation chosen in order, each with random numbers of its own."""
        for number in range(1, generation + 1):
            chooser = MAKERS[self.name](_seed(GENERATION_STREAM, seed, number))
            assert isinstance(chooser, Genetic)
            chooser.get_parent_population(study, number)


def _seed(*numbers: int) -> int:
    """Return a seed of 32 bits, which is what Optuna takes."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
