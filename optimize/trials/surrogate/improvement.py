"""By how much new points are expected to enlarge the hypervolume of a front.

The space that a front does not dominate is cut into boxes; the expected improvement of an independent normal point is a
sum over boxes of products of one-dimensional integrals (Yang, Emmerich, Deutz and Bäck (2019), "Efficient computation
of expected hypervolume improvement", equation 11).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from dawndusk.optimize.heuristics.dominance import crowding, not_dominated

Floats: TypeAlias = NDArray[np.float64]

MOST_IN_FRONT = {1: 1, 2: 4000, 3: 60, 4: 32, 5: 16}
"""Above this a front is thinned before it is cut, by the number of goals: boxes multiply with each."""
LEAST_FRONT = 8
LEAST_DEVIATION = 1e-12
CHUNK = 1 << 21
INVERSE_ROOT_2_PI = 1.0 / np.sqrt(2.0 * np.pi)


@dataclass(frozen=True, eq=False)
class HypervolumeBoxes:
    """Boxes that fill the space up to a reference point that no point of a front dominates, shape (B, goals) each."""

    low: Floats
    high: Floats


def boxes_of(front: Floats, reference: Floats, *, floor: float = -np.inf) -> HypervolumeBoxes:
    """Return the boxes beside a front of shape (N, goals), small is good, from a floor of every goal on.

    Where the front has more points than can be cut at a bearable cost, the most crowded are left out.
    """
    inside = front[(front < reference).all(axis=1)]
    inside = _thinned(_front(inside), MOST_IN_FRONT.get(front.shape[1], LEAST_FRONT))
    low, high = _cut(inside, reference)
    return HypervolumeBoxes(np.maximum(low, floor), np.maximum(high, floor))


def _front(values: Floats) -> Floats:
    front: Floats = values[not_dominated(values)] if len(values) else values
    return front


def _thinned(front: Floats, most: int) -> Floats:
    while len(front) > most:
        least = np.argsort(crowding(front), kind="stable")
        front = np.delete(front, least[: max((len(front) - most) // 2, 1)], axis=0)
    return front


def _cut(front: Floats, reference: Floats) -> tuple[Floats, Floats]:
    """Slice the last goal at every point; in a slice only the points below it dominate in the goals before."""
    goals = len(reference)
    if goals == 1:
        edge = min(float(front.min(initial=np.inf)), float(reference[0]))
        return np.array([[-np.inf]]), np.array([[edge]])
    if goals == 2:  # noqa: PLR2004 - a staircase
        return _steps(front, reference)
    edges = np.concatenate([[-np.inf], np.unique(front[:, -1]), reference[-1:]])
    lows, highs = [], []
    for below, above in itertools.pairwise(edges):
        under = front[front[:, -1] <= below][:, :-1]
        low, high = _cut(_front(under), reference[:-1])
        lows.append(np.column_stack([low, np.full(len(low), below)]))
        highs.append(np.column_stack([high, np.full(len(high), above)]))
    return np.vstack(lows), np.vstack(highs)


def _steps(front: Floats, reference: Floats) -> tuple[Floats, Floats]:
    """Return the upright strips under the staircase of a front of two goals."""
    front = front[np.argsort(front[:, 0], kind="stable")]
    edges = np.concatenate([[-np.inf], front[:, 0], reference[:1]])
    tops = np.concatenate([reference[1:], front[:, 1]])
    low = np.column_stack([edges[:-1], np.full(len(tops), -np.inf)])
    return low, np.column_stack([edges[1:], tops])


def expected_improvement(boxes: HypervolumeBoxes, mean: Floats, deviation: Floats) -> Floats:
    """Return the expected growth of the hypervolume by independent normal points, shape (M,).

    Parameters
    ----------
    boxes : Boxes
    mean, deviation : arrays of shape (M, goals)
    """
    total = np.zeros(len(mean))
    step = max(CHUNK // max(len(boxes.low), 1), 1)
    for start in range(0, len(mean), step):
        at = slice(start, start + step)
        product = np.ones((len(mean[at]), len(boxes.low)))
        for goal in range(mean.shape[1]):
            product *= _expected_length(boxes.low[:, goal], boxes.high[:, goal], mean[at, goal], deviation[at, goal])
        total[at] = product.sum(axis=1)
    return total


def _expected_length(low: Floats, high: Floats, mean: Floats, deviation: Floats) -> Floats:
    """Return the expected length of [max(low, y), high] of normal y, shape (M, B), each edge worked out once."""
    edges, inverse = np.unique(np.concatenate([low, high]), return_inverse=True)
    below = _expected_excess(edges, mean, np.maximum(deviation, LEAST_DEVIATION))
    return below[:, inverse[len(low) :]] - below[:, inverse[: len(low)]]


def _expected_excess(edges: Floats, mean: Floats, deviation: Floats) -> Floats:
    """Return the expectation of max(edge - y, 0), shape (M, E); 0 at an edge of minus infinity."""
    finite = np.where(np.isfinite(edges), edges, 0.0)
    distance = finite - mean[:, None]
    scaled = distance / deviation[:, None]
    excess = distance * ndtr(scaled) + deviation[:, None] * INVERSE_ROOT_2_PI * np.exp(-0.5 * scaled * scaled)
    return np.where(np.isfinite(edges), excess, 0.0)
