"""The order that a population is kept in: fronts, crowding, violations."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.pareto.dominance import not_dominated

Floats: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.intp]
Flags: TypeAlias = NDArray[np.bool_]


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


def _first_front(values: Floats) -> Flags:
    """Return which rows no other row dominates, equal rows included."""
    unique, inverse = np.unique(values, axis=0, return_inverse=True)
    flags: Flags = not_dominated(unique)[inverse.ravel()]
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
