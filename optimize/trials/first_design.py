"""A good design of the built-in model, in half a second: where a search by trials begins when no certificate is known.

Every combination of categories is looked at on the same points, and the field is halved round by round. Populations of
the promising ones then go through differential evolution (Storn and Price (1997), Journal of Global Optimization 11),
all of them as one batch. Each keeps to a part of the sizes that a satellite may have: how many satellites fill a launch
is a whole number, so that every size range has an optimum of its own, out of which no small step leads. A heuristic:
it gives a design, and proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.design import Design
from dawndusk.optimize.heuristics.variation import sampled_around
from dawndusk.optimize.pareto.field import Field, Points
from dawndusk.optimize.problem import Goal, Problem
from dawndusk.optimize.space.sampling import sobol_net

Floats: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.intp]

SIZE = "accelerators_per_satellite"
LOOKS_LOG2, SAMPLES, FEWEST = 7, 64, 32
"""Points of each combination at first, as a power of 2, and in a round; the fewest combinations that a round leaves."""
WIDTHS = (0.3, 0.2, 0.15, 0.1, 0.07, 0.05)
"""Steps of the rounds, in shares of a range."""
LEADERS, LED_SHARE = 4, 0.34
"""A share of the points of a round lies around the best of all combinations, so that each is judged by those too."""
SPREAD, REGROWN = 0.15, 0.05
"""How far a population begins around its best, and its new members around the old ones."""
WINDOWS, PARTS = 3, 2
"""Parts of the sizes at first, and of each of those that are left."""
TILES, TILE = 9, 0.05
"""Parts of the sizes around a good design, and how wide each is."""
MUTATION, RECOMBINATION = (0.4, 0.9), 0.8
POLISH_ROUNDS, POLISH_SAMPLES, FIRST_WIDTH, LAST_WIDTH = 40, 1024, 0.2, 1e-6
LOOKING, HALVING, EVOLVING = range(3)
"""Stages, which seed their random numbers."""
STREAM = 7008


class Stage(NamedTuple):
    """How many populations a stage keeps, how many members it gives them, and for how many generations."""

    kept: int
    members: int
    generations: int


BEGUN, HALVED, SWAPPED, TILED, LAST = (
    Stage(32, 16, 30),
    Stage(24, 24, 30),
    Stage(5, 24, 30),
    Stage(3, 32, 60),
    Stage(6, 64, 60),
)


def first_design(problem: Problem, *, seed: int) -> Design | None:
    """Return a good design for the objective of a problem, None where none was met that keeps every rule.

    Parameters
    ----------
    problem : Problem
        What to choose, what to make small or large, and what must hold.
    seed : int
        Same seed, same design.
    """
    field = Field(problem, (Goal(problem.objective, problem.sense),))
    with np.errstate(all="ignore"):
        found = _found(field, seed)
    return field.designs(found)[0] if bool(found.feasible[0]) else None


def _found(field: Field, seed: int) -> Points:
    """Return the best point met, alone."""
    best = _screened(field, seed)
    if field.dimensions:
        rng = np.random.default_rng([STREAM, seed, EVOLVING])
        best = _polished(field, _evolved(field, best, rng), rng)
    return best.take(np.array([np.argmin(_merit(best))]))


def _merit(points: Points) -> Floats:
    """Return what to make small: any feasible point before any other, those by violation, shape (N,)."""
    value = points.values[:, 0]
    squashed = np.minimum(value, 0.0) - 1.0 / (1.0 + np.maximum(value, 0.0))
    return np.where(points.feasible, squashed, points.violation)


def _screened(field: Field, seed: int) -> Points:
    """Return the best point of each promising combination, best first."""
    count = len(field.combinations)
    if not field.dimensions:
        return field.grade(np.zeros((count, 0)), np.arange(count))
    start = sobol_net(LOOKS_LOG2, field.dimensions, np.random.default_rng([STREAM, seed, LOOKING]))
    best = _best_of_each(field.grade(np.tile(start, (count, 1)), np.repeat(np.arange(count), len(start))))
    for stage, width in enumerate(WIDTHS):
        best = best.take(np.arange(min(max(FEWEST, count >> stage), len(best))))
        rng = np.random.default_rng([STREAM, seed, HALVING, stage])
        best = _best_of_each(best.with_more(_sampled(field, best, width, rng)))
    return best


def _best_of_each(points: Points) -> Points:
    """Return the best point of each combination that is there, the best of all first."""
    order = np.argsort(_merit(points), kind="stable")
    _, first = np.unique(points.combination[order], return_index=True)
    return points.take(order[np.sort(first)])


def _sampled(field: Field, best: Points, width: float, rng: np.random.Generator) -> Points:
    """Return samples of each combination around its own best point and around the best of all, which come first."""
    led = int(LED_SHARE * SAMPLES)
    centre = np.repeat(best.coordinates[:, None], SAMPLES, axis=1)
    centre[:, SAMPLES - led :] = best.coordinates[np.arange(led) % min(LEADERS, len(best))]
    around = np.clip(sampled_around(centre.reshape(-1, field.dimensions), width, rng), 0.0, 1.0)
    return field.grade(around, np.repeat(best.combination, SAMPLES))


@dataclass(frozen=True, eq=False)
class Groups:
    """Populations, each of one combination and of one part of the sizes.

    Attributes
    ----------
    coordinates : array of shape (K, M, d)
    merit : array of shape (K, M)
    combination : array of int, shape (K,)
    low, high : arrays of shape (K, d)
        Between which the coordinates of a population lie.
    """

    coordinates: Floats
    merit: Floats
    combination: Indices
    low: Floats
    high: Floats

    def __len__(self) -> int:
        return len(self.combination)

    def take(self, index: Indices) -> Groups:
        """Return some populations, maybe several times."""
        own = self.combination[index]
        return Groups(self.coordinates[index], self.merit[index], own, self.low[index], self.high[index])

    def best(self, count: int) -> Groups:
        """Return the populations with the best members, best first."""
        return self.take(np.argsort(self.merit.min(axis=1), kind="stable")[:count].astype(np.intp))

    def between(self, axis: int, low: Floats, high: Floats) -> Groups:
        """Return each population for several parts of an axis, shape (K, parts) each."""
        many = self.take(np.repeat(np.arange(len(self)), low.shape[1]))
        lows, highs = many.low.copy(), many.high.copy()
        lows[:, axis], highs[:, axis] = low.ravel(), high.ravel()
        return Groups(many.coordinates, many.merit, many.combination, lows, highs)

    def split(self, axis: int | None, parts: int) -> Groups:
        """Return each population for equal parts of its range on an axis."""
        if axis is None:
            return self
        ends = np.linspace(self.low[:, axis], self.high[:, axis], parts + 1, axis=1)
        return self.between(axis, ends[:, :-1], ends[:, 1:])

    def tiled(self, axis: int | None) -> Groups:
        """Return each population for parts of an axis around its best member."""
        if axis is None:
            return self
        middle = self.coordinates[np.arange(len(self)), np.argmin(self.merit, axis=1), axis]
        low = middle[:, None] + TILE * (np.arange(TILES) - 0.5 * TILES)
        low = np.clip(low, 0.0, 1.0 - TILE)
        return self.between(axis, low, low + TILE)

    def with_swaps(self, combinations: list[dict[str, str]], axis: int | None) -> Groups:
        """Return the populations and, of the first one, a copy for each combination with one other name."""
        own = combinations[int(self.combination[0])]
        near = [n for n, other in enumerate(combinations) if sum(other[c] != own[c] for c in own) == 1]
        count = len(self)
        every = self.take(np.concatenate([np.arange(count), np.zeros(len(near), dtype=np.intp)]))
        every.combination[count:] = near
        if axis is not None:
            half = 0.5 * (self.high[0, axis] - self.low[0, axis])
            every.low[count:, axis] = max(self.low[0, axis] - half, 0.0)
            every.high[count:, axis] = min(self.high[0, axis] + half, 1.0)
        return every


def _evolved(field: Field, best: Points, rng: np.random.Generator) -> Points:
    """Return the best points of the last populations."""
    free = field.problem.free
    axis = free.index(SIZE) if SIZE in free else None
    groups = _begun(best.take(np.arange(min(BEGUN.kept, len(best))))).split(axis, WINDOWS)
    groups = _generations(field, groups, BEGUN, rng, spread=SPREAD)
    groups = _generations(field, groups.best(HALVED.kept).split(axis, PARTS), HALVED, rng)
    groups = _generations(field, groups.best(SWAPPED.kept).with_swaps(field.combinations, axis), SWAPPED, rng)
    groups = _generations(field, groups.best(TILED.kept).tiled(axis), TILED, rng)
    groups = _generations(field, groups.best(LAST.kept), LAST, rng)
    winners = np.argmin(groups.merit, axis=1)
    return field.grade(groups.coordinates[np.arange(len(groups)), winners], groups.combination)


def _begun(best: Points) -> Groups:
    """Return a population of one for each point."""
    low = np.zeros_like(best.coordinates)
    return Groups(best.coordinates[:, None], _merit(best)[:, None], best.combination, low, low + 1.0)


def _grown(groups: Groups, members: int, spread: float, rng: np.random.Generator) -> Floats:
    """Return the best members of each population, filled up with others near them, shape (K, members, d)."""
    order = np.argsort(groups.merit, axis=1, kind="stable")[:, :members]
    kept = np.take_along_axis(groups.coordinates, order[:, :, None], axis=1)
    missing = members - kept.shape[1]
    near = kept[:, rng.integers(kept.shape[1], size=missing)]
    return np.concatenate([kept, np.clip(near + rng.normal(scale=spread, size=near.shape), 0.0, 1.0)], axis=1)


def _generations(
    field: Field, groups: Groups, stage: Stage, rng: np.random.Generator, *, spread: float = REGROWN
) -> Groups:
    """Return populations after the generations of a stage, of differential evolution."""
    low, high = groups.low[:, None], groups.high[:, None]
    now = _inside(_grown(groups, stage.members, spread, rng), low, high, rng)
    merit = _graded(field, now, groups.combination)
    for _ in range(stage.generations):
        new = _inside(_crossed(now, rng), low, high, rng)
        gained = _graded(field, new, groups.combination)
        better = gained <= merit
        now, merit = np.where(better[:, :, None], new, now), np.where(better, gained, merit)
    return Groups(now, merit, groups.combination, groups.low, groups.high)


def _crossed(now: Floats, rng: np.random.Generator) -> Floats:
    """Return a trial for each member: rand/1/bin, with a step length for each population."""
    groups, members, dimensions = now.shape
    rows = np.arange(groups)[:, None]
    base, one, other = rng.integers(members, size=(3, groups, members))
    step = rng.uniform(*MUTATION, size=(groups, 1, 1))
    donor = now[rows, base] + step * (now[rows, one] - now[rows, other])
    crossed = rng.random(now.shape) < RECOMBINATION
    crossed[rows, np.arange(members), rng.integers(dimensions, size=(groups, members))] = True
    return np.where(crossed, donor, now)


def _inside(coordinates: Floats, low: Floats, high: Floats, rng: np.random.Generator) -> Floats:
    """Return coordinates with those that are out of bounds drawn anew."""
    out = (coordinates < low) | (coordinates > high)
    return np.where(out, low + rng.random(coordinates.shape) * (high - low), coordinates)


def _graded(field: Field, coordinates: Floats, combination: Indices) -> Floats:
    """Return the merit of every member, shape (K, M)."""
    groups, members, dimensions = coordinates.shape
    points = field.grade(coordinates.reshape(-1, dimensions), np.repeat(combination, members))
    return _merit(points).reshape(groups, members)


def _polished(field: Field, points: Points, rng: np.random.Generator) -> Points:
    """Return the best point after steps that get shorter and shorter around it."""
    best = points.take(np.array([np.argmin(_merit(points))]))
    for width in np.geomspace(FIRST_WIDTH, LAST_WIDTH, POLISH_ROUNDS):
        around = np.clip(
            sampled_around(np.repeat(best.coordinates, POLISH_SAMPLES, axis=0), float(width), rng), 0.0, 1.0
        )
        every = best.with_more(field.grade(around, np.repeat(best.combination, POLISH_SAMPLES)))
        best = every.take(np.array([np.argmin(_merit(every))]))
    return best
