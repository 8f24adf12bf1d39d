"""Reference directions: spread survivors over a front of many goals, as NSGA-III does.

Das and Dennis (1998), "Normal-boundary intersection", for the directions; Deb and Jain (2014), "An evolutionary
many-objective optimization algorithm using reference-point-based nondominated sorting approach", for the niches.
"""

from __future__ import annotations

import itertools
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.intp]

LEAST_SPAN = 1e-12


@lru_cache(maxsize=16)
def directions(goals: int, most: int) -> Floats:
    """Return unit directions, evenly spaced on the simplex, as many as fit below ``most``, shape (R, goals)."""
    parts = 1
    while _count(goals, parts + 1) <= most:
        parts += 1
    bars = itertools.combinations(range(parts + goals - 1), goals - 1)
    edges = np.array([(-1, *bar, parts + goals - 1) for bar in bars])
    rows = (np.diff(edges, axis=1) - 1) / parts
    unit: Floats = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def _count(goals: int, parts: int) -> int:
    count = 1
    for n in range(1, goals):
        count = count * (parts + n) // n
    return count


def spread_over(values: Floats, chosen: Indices, last: Indices, count: int) -> Indices:
    """Return which rows of the last front to keep beside those chosen: the directions with fewest rows come first.

    Parameters
    ----------
    values : array of shape (N, goals)
    chosen, last : arrays of int
        Rows that stay anyway, and those of which ``count`` are to stay.
    count : int
    """
    both = np.concatenate([chosen, last]).astype(np.intp)
    low, high = values[both].min(axis=0), values[both].max(axis=0)
    scaled = (values[both] - low) / np.maximum(high - low, LEAST_SPAN)
    toward = directions(values.shape[1], max(len(chosen) + count, values.shape[1]))
    along = scaled @ toward.T
    apart = np.sum(scaled**2, axis=1)[:, None] - along**2
    niche, distance = np.argmin(apart, axis=1), np.min(apart, axis=1)
    filled = np.bincount(niche[: len(chosen)], minlength=len(toward))
    return last[_taken(niche[len(chosen) :], distance[len(chosen) :], filled, count)]


def _taken(niche: Indices, distance: Floats, filled: Indices, count: int) -> Indices:
    """Return the rows to take: the n-th row of a niche comes after all niches have as many."""
    order = np.lexsort((distance, niche))
    first = np.searchsorted(niche[order], niche[order], side="left")
    turn = np.empty(len(niche), dtype=np.intp)
    turn[order] = np.arange(len(niche)) - first
    return np.lexsort((distance, turn + filled[niche]))[:count].astype(np.intp)
