"""Sets of which no member dominates another: finding them, measuring them, and the steps between their members.

Everything here takes values of shape (N, m) that are to be made small.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

BLOCK = 64
PLANE = 2
"""Goals for which a sort finds what is not dominated and what it covers."""


def not_dominated(values: Floats) -> Mask:
    """Return which rows no other row dominates, shape (N,); of equal rows the first.

    A row dominates another that is nowhere smaller, and somewhere larger.
    """
    order = np.lexsort(values.T[::-1])
    sorted_values = values[order]
    kept = _kept_in_plane(sorted_values) if values.shape[1] == PLANE else _kept(sorted_values)
    mask = np.zeros(len(values), dtype=np.bool_)
    mask[order[kept]] = True
    return mask


def _kept_in_plane(values: Floats) -> NDArray[np.intp]:
    """Return the rows to keep of rows in lexical order: those below everything before."""
    second = values[:, 1]
    before = np.concatenate([[np.inf], np.minimum.accumulate(second)[:-1]])
    return np.flatnonzero(second < before)


def _kept(values: Floats) -> NDArray[np.intp]:
    """Return the rows to keep of rows in lexical order: those that none of the kept ones before them covers.

    A row can be covered only by one before it, and then its first value need not be looked at. Rows are taken in
    blocks, so that most of the work is a few large comparisons.
    """
    left, rest = np.arange(len(values)), values[:, 1:]
    kept: list[NDArray[np.intp]] = []
    while len(left):
        block = rest[left[:BLOCK]]
        beaten = np.triu(_covers(block, block), 1)
        alone = ~beaten.any(axis=0)
        kept.append(left[:BLOCK][alone])
        later = left[BLOCK:]
        left = later[~_covers(block[alone], rest[later]).any(axis=0)]
    return np.concatenate(kept) if kept else left


def _covers(one: Floats, other: Floats) -> Mask:
    """Return which rows of ``one`` are nowhere larger than which rows of ``other``, shape (N, M)."""
    covers = np.ones((len(one), len(other)), dtype=np.bool_)
    for column in range(one.shape[1]):
        covers &= one[:, column, None] <= other[None, :, column]
    return covers


def hypervolume(values: Floats, reference: Floats) -> float:
    """Return the volume that rows dominate below a reference point, exactly.

    By sweeping in the plane, else by the exclusive volume of one row after the other. Source: While, Bradstreet,
    Barone, A Fast Way of Calculating Exact Hypervolumes, IEEE TEC 16 (2012).

    Parameters
    ----------
    values : array
        Rows of shape (N, m); what is not below the reference counts for nothing.
    reference : array
        Shape (m,).
    """
    inside = values[(values < reference).all(axis=1)]
    if not len(inside):
        return 0.0
    inside = inside[not_dominated(inside)]
    return _volume(inside[np.argsort(-inside[:, -1], kind="stable")], reference)


def _volume(values: Floats, reference: Floats) -> float:
    """Return the volume of rows of which none dominates another, each inside the reference."""
    if values.shape[1] == 1:
        return float(reference[0] - values.min())
    if values.shape[1] == PLANE:
        ordered = values[np.argsort(values[:, 0])]
        heights = np.concatenate([reference[1:], ordered[:-1, 1]]) - ordered[:, 1]
        return float(((reference[0] - ordered[:, 0]) * heights).sum())
    return sum(_exclusive(values[i], values[i + 1 :], reference) for i in range(len(values)))


def _exclusive(row: Floats, others: Floats, reference: Floats) -> float:
    """Return the volume that a row dominates and the others do not; they come in falling order of the last value."""
    whole = float((reference - row).prod())
    if not len(others):
        return whole
    limited = np.maximum(others, row)[:, :-1]
    height = float(reference[-1] - row[-1])
    limited = limited[not_dominated(limited)]
    return whole - height * _volume_below(limited, reference[:-1]) if len(limited) else whole


def _volume_below(values: Floats, reference: Floats) -> float:
    return _volume(values[np.argsort(-values[:, -1], kind="stable")], reference)


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
