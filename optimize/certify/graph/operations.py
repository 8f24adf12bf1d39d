"""What a graph is made of: inputs, sums, curves, look-ups and roundings, each a node that reads earlier nodes only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from dawndusk.optimize.certify.functions.curves import Curve
from dawndusk.optimize.certify.functions.joint import JointFunction
from dawndusk.optimize.certify.functions.lookup import GridRanges, TableRanges
from dawndusk.optimize.certify.graph.statement import Statement

Coefficient: TypeAlias = Any
"""A float, or an array of shape (C,) with one value for each combination of categories."""
ROW_TOLERANCE = 1e-9
"""What a rule may be missed by, relative to its limit: the physics is worked out in floating point."""
Operand: TypeAlias = tuple[int | None, Coefficient]
"""A node, or where that is None a constant."""


@dataclass(frozen=True, eq=False)
class Input:
    """A coordinate of the search."""

    axis: int


@dataclass(frozen=True, eq=False)
class Pair:
    """What a sum stands for where it is a rising or falling function of two operands, so that its ends are known.

    ``kind`` is ``sum`` or ``difference`` of two that are given in logarithms, or ``larger`` or ``smaller`` of two;
    ``bend`` is the node of the curve of their difference that makes it. To first order a pair is a mean of its
    operands.
    """

    kind: str
    bend: int
    x: Operand
    y: Operand


@dataclass(frozen=True, eq=False)
class Sum:
    """``constant + sum of coefficient * node``; with a pair, what that is.

    ``is_heavy`` says that its terms are so large that the rounding of their sum counts.
    """

    terms: tuple[tuple[int, Coefficient], ...]
    constant: Coefficient
    pair: Pair | None = None
    is_heavy: bool = False


@dataclass(frozen=True, eq=False)
class Univariate:
    """A curve of one node."""

    curve: Curve
    node: int


@dataclass(frozen=True, eq=False)
class Table:
    """A look-up of one node in a row (float or shape (C,)) of a table."""

    ranges: TableRanges
    node: int
    row: Coefficient


@dataclass(frozen=True, eq=False)
class Grid:
    """A look-up of two nodes in a row of a table; the second is given in its logarithm where ``logarithm``."""

    ranges: GridRanges
    x: int
    y: int
    row: Coefficient
    logarithm: bool = False


@dataclass(frozen=True, eq=False)
class Product:
    """The product of two nodes either of which may change its sign."""

    x: int
    y: int


@dataclass(frozen=True, eq=False)
class Joint:
    """A function of several nodes that is enclosed as a whole."""

    function: JointFunction
    nodes: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Sign:
    """The sign of a node."""

    node: int


@dataclass(frozen=True, eq=False)
class Rounding:
    """A node rounded up or down, both in logarithms where ``logarithm``.

    ``free`` says that a variable read by nothing else can bring the node to any whole number, so that it is bounded as
    if it did not round: every design has one with the same outcomes whose node is whole already. ``at_least_one`` says
    that designs whose node is below one break a rule, so that it is of no interest below.
    """

    node: int
    up: bool
    logarithm: bool
    free: bool
    at_least_one: bool
    place: int


Operation: TypeAlias = Input | Sum | Univariate | Table | Grid | Product | Joint | Sign | Rounding


@dataclass(frozen=True, eq=False)
class GraphRow:
    """A rule or bound: ``node`` at most zero. Where ``node`` is None it is ``constant``, the same all over a box.

    It counts as met up to ``tolerance``: 1e-9 of the limit, in a logarithm or in the units of what is compared.
    """

    name: str
    node: int | None
    constant: Coefficient
    logarithm: bool = False
    tolerance: float = ROW_TOLERANCE


@dataclass(eq=False)
class ExpressionGraph:
    """The list of a statement.

    Attributes
    ----------
    operations : list
        One for each node, each reading earlier nodes only.
    objective : int
        Slot to make small: the logarithm of the objective where that is positive (``logarithm``), else the objective,
        with the sign that makes it small.
    rows : tuple of Row
        What must be at most zero.
    limits : dict
        Least and greatest value of interest of some nodes, floats or shape (C,).
    roundings : list of int
        The nodes that round.
    """

    statement: Statement
    operations: list[Operation] = field(default_factory=list)
    objective: int = -1
    logarithm: bool = True
    rows: tuple[GraphRow, ...] = ()
    limits: dict[int, tuple[Coefficient, Coefficient]] = field(default_factory=dict)
    roundings: list[int] = field(default_factory=list)


def here(value: Coefficient, combination: int) -> float:
    """Return a coefficient for one combination."""
    return float(value[combination]) if isinstance(value, np.ndarray) else float(value)


def varies(value: Coefficient, members: Sequence[int]) -> bool:
    """Return whether a coefficient differs between combinations."""
    return isinstance(value, np.ndarray) and bool(np.any(value[list(members)] != value[members[0]]))


def reads(graph: ExpressionGraph, node: int) -> tuple[int, ...]:
    """Return the nodes that a node reads."""
    return read_by(graph.operations[node])


def read_by(operation: Operation) -> tuple[int, ...]:
    """Return the nodes that an operation reads."""
    if isinstance(operation, Sum):
        return tuple(inner for inner, _ in operation.terms)
    if isinstance(operation, (Univariate, Table, Rounding, Sign)):
        return (operation.node,)
    if isinstance(operation, (Grid, Product)):
        return operation.x, operation.y
    if isinstance(operation, Joint):
        return operation.nodes
    return ()


def operands(graph: ExpressionGraph, node: int) -> tuple[int, ...]:
    """Return the nodes that the form of a node is made of: those that it reads, and the operands of a pair."""
    operation = graph.operations[node]
    if isinstance(operation, Sum) and operation.pair is not None:
        return operation.pair.bend, *(one for one, _ in (operation.pair.x, operation.pair.y) if one is not None)
    return reads(graph, node)


def reached(graph: ExpressionGraph, step: Callable[[ExpressionGraph, int], tuple[int, ...]] = reads) -> list[int]:
    """Return the nodes that the objective or a row depends on, step by step, in rising order."""
    stack = [graph.objective, *(row.node for row in graph.rows if row.node is not None)]
    seen: set[int] = set()
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            stack.extend(step(graph, node))
    return sorted(seen | {s for s, o in enumerate(graph.operations) if isinstance(o, Input)})
