"""Search by surrogate: models of every goal and rule say which points are expected to enlarge the front most.

Constrained multi-objective Bayesian optimisation for evaluations that cost more than some milliseconds. A population
is evolved on the models, the expected hypervolume improvement times the chance to keep the rules (Gardner et al.
(2014), "Bayesian optimization with inequality constraints") is raised from there by shrinking steps, and a batch is
chosen greedily as if each point chosen had already answered as expected (Ginsbourger, Le Riche and Carraro (2010),
"Kriging is well-suited to parallelize optimization").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.heuristics.dominance import not_dominated, order_of
from dawndusk.optimize.heuristics.genetic import nearby
from dawndusk.optimize.space.columns import Fresh, SpaceColumns
from dawndusk.optimize.space.dimensions import Point, Value
from dawndusk.optimize.trials.question import History
from dawndusk.optimize.trials.samplers.population import offspring
from dawndusk.optimize.trials.surrogate.improvement import HypervolumeBoxes, boxes_of, expected_improvement
from dawndusk.optimize.trials.surrogate.modelling import (
    FIRST_LEAST,
    FIRST_MOST,
    Chain,
    Data,
    Models,
    Prediction,
    Prior,
    data_of,
    models_of,
)
from dawndusk.optimize.trials.surrogate.threads import one_thread

Floats: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.intp]

LEAST_ANSWERED = 2
POPULATION, GENERATIONS = 80, 60
SEEDED_SHARE = 0.6
LINEAGES, ROUNDS, LITTER = 20, 6, 8
FIRST_WIDTH, SHRINK = 0.1, 0.5
REFERENCE, FLOOR = 1.1, -0.5
"""Improvement is counted between these, where the best of the front is 0 and the worst 1."""
TINY = 1e-300
FREE_EVERY, FREE_AFTER = 10, 100
"""One trial in so many, after so many, is bred from the trials alone while the models are in doubt."""
BREEDINGS = 4
SHADOW = 0.3
"""A chosen point takes the uncertainty of others away in proportion to their distance, up to this one."""
LEAST_APART, LEAST_APART_SEEKING = 1e-4, 1e-2
EVEN = float(np.log(0.5))
STREAM = 7001


@dataclass
class SurrogateSampler:
    """Bayesian search on several goals with rules and mixed variables.

    Parameters
    ----------
    prior : callable, optional
        A cheap model's answer at points: the models then learn the difference only.
    """

    prior: Prior | None = None
    name: str = "surrogate"
    _chain: Chain | None = field(default=None, repr=False)

    def propose(
        self, history: History, count: int, *, seed: int, batch: int, pending: Sequence[Point] = ()
    ) -> list[dict[str, Value]]:
        """Return points to evaluate next; see ``Sampler``."""
        space = history.question.space
        columns = SpaceColumns.of(space)
        rng = np.random.default_rng([STREAM, seed, batch])
        fresh = Fresh(columns, history.known, count, pending)
        begin = first_count(columns.width)
        asked = len(history) + len(pending)
        if asked < begin:
            even = columns.even(begin, np.random.default_rng([STREAM, seed]))
            fresh.offer(even[asked : asked + count])
        answered = int((~np.isnan(history.values).any(axis=1)).sum())
        if fresh.missing and answered >= LEAST_ANSWERED:
            with one_thread():
                self._model(history, columns, fresh, space.encode(pending), rng)
        fresh.fill(rng)
        return fresh.points

    def _model(
        self, history: History, columns: SpaceColumns, fresh: Fresh, pending: Floats, rng: np.random.Generator
    ) -> None:
        data = data_of(history, columns, self.prior)
        if self._chain is None or self._chain.columns.space != columns.space:
            self._chain = Chain(columns)
        models = models_of(self._chain, data, self.prior)
        if models.doubtful:
            numbers = np.arange(len(history), len(history) + fresh.missing)
            self._breed(columns, data, fresh, int(((numbers % FREE_EVERY == 0) & (numbers >= FREE_AFTER)).sum()), rng)
        choose(Acquisition.of(models, data, rng), fresh, pending, rng)
        self._breed(columns, data, fresh, fresh.missing, rng)

    def _breed(self, columns: SpaceColumns, data: Data, fresh: Fresh, count: int, rng: np.random.Generator) -> None:
        """Add up to ``count`` children of the best trials."""
        wanted, fresh.count = fresh.count, len(fresh.points) + count
        for _ in range(BREEDINGS):
            if fresh.missing:
                fresh.offer(bred(columns, data, 2 * fresh.missing, rng))
        fresh.count = wanted


def first_count(width: int) -> int:
    """Return how many trials are spread evenly before the first model."""
    return min(max(width + 1, FIRST_LEAST), FIRST_MOST)


def bred(columns: SpaceColumns, data: Data, count: int, rng: np.random.Generator) -> Floats:
    """Return children of the best trials, shape (count, D)."""
    order, _, _ = order_of(np.nan_to_num(data.values), data.violation, POPULATION)
    return offspring(columns, data.rows[order[:POPULATION]], count, rng)


@dataclass(frozen=True, eq=False)
class Acquisition:
    """What a point is worth: the models, goals on the scale of the front, and the front so far."""

    models: Models
    population: Floats
    front: Floats
    ideal: Floats
    span: Floats

    @classmethod
    def of(cls, models: Models, data: Data, rng: np.random.Generator) -> Acquisition:
        """Return the acquisition for models, with a population evolved on their means."""
        population = evolved(models, data, rng)
        feasible = data.violation <= 0.0
        front = data.values[feasible]
        front = front[not_dominated(front)] if len(front) else front
        means, violation = models.means(population)
        ideal, nadir = _scale(front, means[violation <= 0.0])
        span = np.where(nadir > ideal, nadir - ideal, np.maximum(np.abs(ideal), 1.0))
        return cls(models, population, (front - ideal) / span, ideal, span)

    def predict(self, rows: Floats) -> Prediction:
        """Return what the models say, the goals on the scale of the front."""
        said = self.models.predict(rows, self.ideal + REFERENCE * self.span)
        return replace(said, mean=(said.mean - self.ideal) / self.span, deviation=said.deviation / self.span)

    def boxes(self, front: Floats) -> HypervolumeBoxes | None:
        """Return what a front leaves to be improved, nothing where there is no front yet."""
        return boxes_of(front, np.full(front.shape[1], REFERENCE), floor=FLOOR) if len(front) else None


def score(boxes: HypervolumeBoxes | None, said: Prediction) -> Floats:
    """Return the log of improvement times chance; the chance alone until a trial keeps every rule."""
    if boxes is None:
        return said.chance
    return said.chance + np.log(np.maximum(expected_improvement(boxes, said.mean, said.deviation), TINY))


def _scale(front: Floats, expected: Floats) -> tuple[Floats, Floats]:
    """Return the best and the worst of each goal on the front that is known and expected.

    What is expected widens a known front at most by its own width on each side, in case the models are wrong.
    """
    both = np.vstack([front, expected])
    if not len(both):
        return np.zeros(front.shape[1]), np.ones(front.shape[1])
    both = both[not_dominated(both)]
    ideal, nadir = both.min(axis=0), both.max(axis=0)
    if len(front) > 1:
        low, high = front.min(axis=0), front.max(axis=0)
        ideal, nadir = np.maximum(ideal, low - (high - low)), np.minimum(nadir, high + (high - low))
    return ideal, nadir


def evolved(models: Models, data: Data, rng: np.random.Generator) -> Floats:
    """Return a population that was evolved on the means of models, best first."""
    columns = models.columns
    order, _, _ = order_of(np.nan_to_num(data.values), data.violation, POPULATION)
    seeds = data.rows[order[: int(POPULATION * SEEDED_SHARE)]]
    rows = np.vstack([seeds, columns.random(POPULATION - len(seeds), rng)])
    values, violation = models.means(rows)
    for _ in range(GENERATIONS):
        new = offspring(columns, rows, POPULATION, rng)
        new_values, new_violation = models.means(new)
        rows, values = np.vstack([rows, new]), np.vstack([values, new_values])
        violation = np.concatenate([violation, new_violation])
        _, unique = np.unique(rows, axis=0, return_index=True)
        best, _, _ = order_of(values[unique], violation[unique], POPULATION)
        kept = unique[best[:POPULATION]]
        rows, values, violation = rows[kept], values[kept], violation[kept]
    return rows


def choose(acquisition: Acquisition, fresh: Fresh, pending: Floats, rng: np.random.Generator) -> None:
    """Add the points that are missing, one after the other, each as if those before had answered as expected."""
    columns = acquisition.models.columns
    pool = _pool(acquisition, fresh.missing, rng)
    said = acquisition.predict(pool)
    front, seeks_front = acquisition.front, len(acquisition.front) > 0
    features = columns.features(pool)
    alive = np.ones(len(pool), dtype=np.bool_)
    if len(pending):
        expected = acquisition.predict(pending)
        front = np.vstack([front, expected.mean[expected.chance > EVEN]]) if seeks_front else front
    while fresh.missing and alive.any():
        index = int(np.argmax(np.where(alive, score(acquisition.boxes(front), said), -np.inf)))
        alive[index] = False
        if not fresh.offer(pool[[index]]):
            continue
        apart = np.sqrt(np.sum((features - features[index]) ** 2, axis=1))
        if seeks_front:
            front = np.vstack([front, said.mean[[index]]])
        said = replace(said, deviation=said.deviation * np.minimum(1.0, apart / SHADOW)[:, None])
        alive &= apart > (LEAST_APART if seeks_front else LEAST_APART_SEEKING)


def _pool(acquisition: Acquisition, count: int, rng: np.random.Generator) -> Floats:
    """Return candidates: the evolved population, and lineages that climb the score from its best, shape (M, D)."""
    columns, boxes = acquisition.models.columns, acquisition.boxes(acquisition.front)
    around = nearby(columns, acquisition.population, np.full((len(acquisition.population), 1), FIRST_WIDTH), rng)
    pool = np.vstack([acquisition.population, around, columns.random(POPULATION, rng)])
    worth = score(boxes, acquisition.predict(pool))
    top = np.argsort(-worth, kind="stable")[: max(LINEAGES, count)]
    rows, best = pool[top], worth[top]
    for number in range(ROUNDS):
        width = np.full((len(rows) * LITTER, 1), FIRST_WIDTH * SHRINK**number)
        litter = nearby(columns, np.repeat(rows, LITTER, axis=0), width, rng)
        gained = score(boxes, acquisition.predict(litter)).reshape(len(rows), LITTER)
        first = np.argmax(gained, axis=1)
        better = gained.max(axis=1) > best
        rows = np.where(better[:, None], litter.reshape(len(rows), LITTER, -1)[np.arange(len(rows)), first], rows)
        best = np.where(better, gained.max(axis=1), best)
    return np.vstack([rows, pool])
