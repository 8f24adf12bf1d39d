"""Ranges of the nodes of a graph, and the columns and rows that stand for nodes and sums in a linear model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.certify.bound.affine import ForwardBounds
from dawndusk.optimize.certify.graph.operations import ExpressionGraph, Sum, here, varies

Floats: TypeAlias = NDArray[np.float64]
Term: TypeAlias = tuple[int, float]


@dataclass(frozen=True)
class NodeRanges:
    """Least and greatest value of every node, shape (nodes,)."""

    low: Floats
    high: Floats

    def within(self, node: int) -> tuple[float, float]:
        """Return the range of one node."""
        return float(self.low[node]), float(self.high[node])


def propagated(
    graph: ExpressionGraph, members: Sequence[int], inputs: tuple[Floats, Floats], known: NodeRanges | None
) -> tuple[tuple[int, ...], NodeRanges] | None:
    """Return the combinations that affine arithmetic leaves, and the ranges over all of them; None where none is left.

    ``inputs`` are ranges of the coordinates, the same for all combinations or of shape (d, members); ``known`` ranges
    of any nodes.
    """
    chosen = np.array(members)
    count, rounded = len(chosen), len(graph.roundings)
    limits = dict(graph.limits)
    if known is not None:
        for node in range(len(known.low)):
            least, most = limits.get(node, (-np.inf, np.inf))
            limits[node] = np.maximum(least, known.low[node]), np.minimum(most, known.high[node])
    ends = [np.broadcast_to(e if e.ndim > 1 else e[:, np.newaxis], (e.shape[0], count)) for e in inputs]
    with np.errstate(all="ignore"):
        forward = ForwardBounds(
            ends[0], ends[1], chosen, np.full((rounded, count), -np.inf), np.full((rounded, count), np.inf), limits
        )
        forward.run(graph.operations)
    alive = ~np.broadcast_to(forward.empty, (count,))
    low = np.array([np.broadcast_to(f.low, (count,)) for f in forward.forms], dtype=np.float64)
    high = np.array([np.broadcast_to(f.high, (count,)) for f in forward.forms], dtype=np.float64)
    for row in graph.rows:
        least = low[row.node] if row.node is not None else np.array([here(row.constant, c) for c in members])
        alive = alive & (least <= row.tolerance)
    if not alive.any():
        return None
    left = tuple(int(c) for c in chosen[alive])
    return left, NodeRanges(low[:, alive].min(axis=1), high[:, alive].max(axis=1))


@dataclass(frozen=True)
class LinearRow:
    """``low <= sum of coefficient * column <= high`` in the units of the nodes."""

    name: str
    terms: tuple[Term, ...]
    low: float
    high: float


@dataclass(frozen=True)
class Extra:
    """A column that stands for no node: a share of a piece, or the choice between pieces."""

    name: str
    low: float
    high: float
    whole: bool


class LpColumns:
    """Which column stands for each node: ``node = factor * column + shift``; columns are numbered by their own node."""

    def __init__(self, graph: ExpressionGraph, members: Sequence[int], needed: Sequence[int]) -> None:
        combination = members[0]
        self.of: dict[int, tuple[int | None, float, float]] = {}
        self.nodes: list[int] = []
        for node in needed:
            operation = graph.operations[node]
            if isinstance(operation, Sum) and not any(
                varies(v, members) for v in (operation.constant, *(c for _, c in operation.terms))
            ):
                terms, shift = self.joined(
                    [(s, here(c, combination)) for s, c in operation.terms], here(operation.constant, combination)
                )
                if not terms:
                    self.of[node] = None, 0.0, shift
                    continue
                if len(terms) == 1:
                    self.of[node] = terms[0][0], terms[0][1], shift
                    continue
            self.of[node] = node, 1.0, 0.0
            self.nodes.append(node)

    def joined(self, terms: Iterable[Term], constant: float) -> tuple[list[Term], float]:
        """Return a sum over nodes as one over columns."""
        merged: dict[int, float] = {}
        for node, factor in terms:
            column, scale, shift = self.of[node]
            constant += factor * shift
            if column is not None:
                merged[column] = merged.get(column, 0.0) + factor * scale
        return [(column, factor) for column, factor in merged.items() if factor != 0.0], constant
