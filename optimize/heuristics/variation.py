"""Steps from points in the unit cube, for whole arrays of points at once: what every heuristic varies designs by."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]

WIDEST = 0.3
MOVED_SHARE, MOVED_SHARE_OF_SAMPLES = 0.35, 0.5
"""Share of the coordinates that a step moves, and of those that a sample of a given width moves."""
ALONG_DIFFERENCE_SHARE = 0.5


def sampled_around(centre: Floats, width: float, rng: np.random.Generator) -> Floats:
    """Return normal samples of one width around points, shape (N, d), about half of the coordinates of each moved."""
    moved = rng.random(centre.shape) < MOVED_SHARE_OF_SAMPLES
    sampled: Floats = centre + rng.normal(scale=width, size=centre.shape) * moved
    return sampled


def mutations(shape: tuple[int, int], narrowest: float, rng: np.random.Generator) -> Floats:
    """Return normal steps of shape (N, d), each with a width of its own, some of its coordinates zero.

    The widths are drawn evenly in their logarithms from ``narrowest`` to ``WIDEST``, so that nothing has to be tuned to
    the scale of a valley.
    """
    count = shape[0]
    width = np.exp(rng.uniform(np.log(narrowest), np.log(WIDEST), (count, 1)))
    moved = rng.random(shape) < MOVED_SHARE
    moved[np.arange(count), rng.integers(shape[1], size=count)] = True
    steps: Floats = rng.normal(size=shape) * width * moved
    return steps


def difference_factors(count: int, longest: float, rng: np.random.Generator) -> Floats:
    """Return how far points go along the difference of two good ones, shape (count, 1): half of them not at all.

    Such a step follows a ridge where rules bind. Source: Storn and Price (1997), "Differential evolution", Journal of
    Global Optimization 11.
    """
    factors: Floats = rng.uniform(0.0, longest, (count, 1))
    return factors * (rng.random((count, 1)) < ALONG_DIFFERENCE_SHARE)


def adapted(width: Floats, better: Flags, *, wider: float, narrower: float, widest: float) -> Floats:
    """Return step widths after a trial: wider where it was better, narrower where it was not.

    Source: Rechenberg (1973), *Evolutionsstrategie*: the rule of success.
    """
    return np.minimum(width * np.where(better, wider, narrower), widest)
