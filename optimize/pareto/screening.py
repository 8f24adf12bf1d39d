"""A look at every combination of categories, for every mix of goals, until the promising ones are left.

Every round samples closer around the best design of each combination for each mix of goals, so that a combination is
judged by what it can do; then the field is halved.
"""

from __future__ import annotations

import itertools
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.heuristics.variation import sampled_around
from dawndusk.optimize.pareto.archive import Archive
from dawndusk.optimize.pareto.field import Field, Points
from dawndusk.optimize.space.sampling import sobol

Floats: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.intp]

LOOKING, HALVING = 0, 1
"""Stages, which seed their random numbers."""
SAMPLES = 128
SAMPLES_IN_ROUND, FEWEST_SAMPLES = 256, 24
WIDTHS = (0.3, 0.2, 0.15, 0.1, 0.07, 0.05)
FEWEST_KEPT = 32
MIXES_PER_SIDE = {2: 4, 3: 2, 4: 2, 5: 1}
LEAST_WEIGHT = 0.01
SUM_WEIGHT = 0.05
FEASIBLE = -1e9
"""Added to the merit of what is feasible, so that it comes before all that is not."""


def screen(field: Field, archive: Archive, *, seed: int) -> Points:
    """Return the best points of the most promising combinations, and put the trade-offs met into the archive."""
    count, mixes = len(field.combinations), _mixes(len(field.goals))
    start = sobol(field.dimensions, np.random.default_rng([seed, LOOKING])).random(SAMPLES)
    points = field.grade(np.tile(start, (count, 1)), np.repeat(np.arange(count), SAMPLES))
    archive.take_in(points)
    best, merit = _best(points, count, mixes, archive)
    for stage, width in enumerate(WIDTHS):
        kept = _promising(merit, max(FEWEST_KEPT, count >> stage))
        best = best.take((kept[:, None] * len(mixes) + np.arange(len(mixes))).ravel())
        around = field.grade(*_around(best, width, len(mixes), np.random.default_rng([seed, HALVING, stage])))
        archive.take_in(around)
        best, merit = _best(_by_combination(best, around, len(kept)), len(kept), mixes, archive)
    return best


def _mixes(goals: int) -> Floats:
    """Return weights of the goals on an even lattice, shape (D, goals)."""
    side = MIXES_PER_SIDE[goals]
    lattice = [row for row in itertools.product(range(side + 1), repeat=goals) if sum(row) == side]
    found: Floats = np.array(lattice) / side + LEAST_WEIGHT
    return found


def _best(points: Points, combinations: int, mixes: Floats, archive: Archive) -> tuple[Points, Floats]:
    """Return the best point of each combination for each mix, and its merit, shape (combinations, D).

    Points come combination by combination, equally many of each. A mix makes the largest weighted share of a range
    small, and a little of their sum; what is not feasible comes later, by its violation. Source: Steuer and Choo,
    Mathematical Programming 26 (1983).
    """
    each = len(points) // combinations
    merit = np.repeat(points.violation[:, None], len(mixes), axis=1)
    if len(archive):
        shares = archive.scaled(points.values)
        aim = (shares[:, None, :] * mixes).max(axis=2) + SUM_WEIGHT * shares.sum(axis=1, keepdims=True)
        merit = np.where(points.feasible[:, None], FEASIBLE + aim, merit)
    merit = merit.reshape(combinations, each, len(mixes))
    index = np.argmin(merit, axis=1)
    chosen = (np.arange(combinations)[:, None] * each + index).ravel()
    return points.take(chosen), np.take_along_axis(merit, index[:, None], axis=1)[:, 0]


def _promising(merit: Floats, count: int) -> Indices:
    """Return the combinations that come first for any mix, the mixes taking turns, at most ``count``."""
    order = np.argsort(merit, axis=0, kind="stable").ravel()
    _, first = np.unique(order, return_index=True)
    found: Indices = order[np.sort(first)][:count]
    return found


def _around(best: Points, width: float, mixes: int, rng: np.random.Generator) -> tuple[Floats, Indices]:
    """Return coordinates and combinations of samples around points, some of the coordinates of each moved."""
    count = max(SAMPLES_IN_ROUND // mixes, FEWEST_SAMPLES)
    centre = np.repeat(best.coordinates, count, axis=0)
    return np.clip(sampled_around(centre, width, rng), 0.0, 1.0), np.repeat(best.combination, count)


def _by_combination(best: Points, around: Points, combinations: int) -> Points:
    """Return the points of two sets, each in the order of combinations, together in that order."""
    one = np.arange(len(best)).reshape(combinations, -1)
    other = len(best) + np.arange(len(around)).reshape(combinations, -1)
    return best.with_more(around).take(np.concatenate([one, other], axis=1).ravel())
