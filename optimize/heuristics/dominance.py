"""Sets of which no member dominates another: finding them, ranking and measuring them, and the steps between members.

Everything here takes values of shape (N, m) that are to be made small. A row dominates another that is nowhere smaller,
and somewhere larger.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.intp]
Mask: TypeAlias = NDArray[np.bool_]

PLANE = 2
"""Goals of which the points of a front have an order."""


def not_dominated(values: Floats) -> Mask:
    """Return which rows no other row dominates, shape (N,); of equal rows the first."""
    import moocore  # noqa: PLC0415 (a quarter of a second, for what a short command need not pay)

    mask: Mask = moocore.is_nondominated(np.ascontiguousarray(values, dtype=np.float64))
    return mask


def hypervolume(values: Floats, reference: Floats) -> float:
    """Return the volume that rows dominate below a reference point, exactly.

    Source: Fonseca, Paquete, López-Ibáñez, An Improved Dimension-Sweep Algorithm for the Hypervolume Indicator, CEC
    (2006), as in moocore.

    Parameters
    ----------
    values : array
        Rows of shape (N, m); what is not below the reference counts for nothing.
    reference : array
        Shape (m,).
    """
    import moocore  # noqa: PLC0415 (the same)

    return float(moocore.hypervolume(np.ascontiguousarray(values, dtype=np.float64), ref=reference))


def ranks(values: Floats, most: int | None = None) -> Indices:
    """Return the number of the front of each row, 0 for those that nothing dominates, shape (N,).

    After ``most`` rows have a rank the others share the next one.
    """
    if values.shape[1] == 1:
        return np.unique(values[:, 0], return_inverse=True)[1].astype(np.intp)
    rank = np.full(len(values), -1, dtype=np.intp)
    left = np.arange(len(values))
    number = 0
    while len(left) and (most is None or len(values) - len(left) < most):
        first = _first_front(values[left])
        rank[left[first]] = number
        left = left[~first]
        number += 1
    rank[left] = number
    return rank


def _first_front(values: Floats) -> Mask:
    """Return which rows no other row dominates, equal rows included."""
    unique, inverse = np.unique(values, axis=0, return_inverse=True)
    flags: Mask = not_dominated(unique)[inverse.ravel()]
    return flags


def crowding(values: Floats) -> Floats:
    """Return the crowding distance of each row of one front (Deb et al. (2002)), infinite at its ends, shape (N,)."""
    count, goals = values.shape
    distance = np.zeros(count)
    for goal in range(goals):
        order = np.argsort(values[:, goal], kind="stable")
        column = values[order, goal]
        span = column[-1] - column[0]
        if count > 2 and span > 0.0:  # noqa: PLR2004 - a row between two others
            distance[order[1:-1]] += (column[2:] - column[:-2]) / span
        distance[order[[0, -1]]] = np.inf
    return distance


def order_of(values: Floats, violation: Floats, most: int | None = None) -> tuple[Indices, Indices, Floats]:
    """Return rows from best to worst, and the rank and the crowding of each row.

    A row that breaks no rule goes before one that does; those by front and crowding, these by violation (Deb (2000)).

    Parameters
    ----------
    values : array of shape (N, goals)
    violation : array of shape (N,)
        Sum of what is violated, at most 0 where nothing is.
    most : int, optional
        How many rows the caller keeps: the order behind them is rough.
    """
    count = len(values)
    feasible = violation <= 0.0
    rank = np.full(count, count, dtype=np.intp)
    distance = np.zeros(count)
    rank[feasible] = ranks(values[feasible], most)
    if values.shape[1] > 1:
        for number in np.unique(rank[feasible]):
            at = rank == number
            distance[at] = crowding(values[at])
    broken = np.where(feasible, 0.0, violation)
    order = np.lexsort((-distance, rank, broken))
    rank[order] = np.where(feasible[order], rank[order], count + np.arange(count))
    return order.astype(np.intp), rank, distance


def steps(values: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Return the steps by which the rows can be walked: pairs of rows, shape (N - 1, 2), and lengths, shape (N - 1,).

    The steps are the edges of the shortest tree that joins all rows, and a length is the largest difference in any
    value. In the plane they lead from each row to the next.
    """
    if len(values) < 2:  # noqa: PLR2004 (a step has two ends)
        return np.zeros((0, 2), dtype=np.intp), np.zeros(0)
    if values.shape[1] == PLANE:
        order = np.lexsort(values.T[::-1])
        pairs = np.stack([order[:-1], order[1:]], axis=1)
    else:
        pairs = _shortest_tree(values)
    return pairs, np.abs(values[pairs[:, 0]] - values[pairs[:, 1]]).max(axis=1)


def _shortest_tree(values: Floats) -> NDArray[np.intp]:
    """Return the edges of the shortest tree that joins all rows, by the largest difference in any value.

    Source: Prim, Bell System Technical Journal 36 (1957).
    """
    outside = np.arange(1, len(values))
    nearest = np.zeros(len(values) - 1, dtype=np.intp)
    distance = np.abs(values[1:] - values[0]).max(axis=1)
    pairs = []
    while len(outside):
        here = int(np.argmin(distance))
        joined = outside[here]
        pairs.append((nearest[here], joined))
        outside, nearest, distance = (np.delete(column, here) for column in (outside, nearest, distance))
        new = np.abs(values[outside] - values[joined]).max(axis=1)
        closer = new < distance
        nearest[closer], distance[closer] = joined, new[closer]
    return np.array(pairs, dtype=np.intp)
