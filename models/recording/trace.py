"""Recording what a calculation does: terms that stand for columns and write down every operation on them.

A physics function that is given terms instead of arrays leaves a graph of its operations behind: ufuncs, table
look-ups and nothing else. The graph is the same calculation as data; ``models.program`` runs it without temporary
arrays, and it can be read, bounded or explained.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from dawndusk.models.tables import EvenAxis, EvenGrid, EvenTable


@dataclass(frozen=True)
class Node:
    """One operation: its kind, what it applies, and the numbers of the nodes that it reads.

    ``kind`` is ``input``, ``parameter``, ``constant``, ``ufunc``, ``locate``, ``table``, ``grid``, ``look_up`` or
    ``unit``; ``payload`` is the name, the value, the ufunc, the axis, the table, nothing or the function. A parameter
    is named for the value that it stands for, for example ``reliability.satellite_loss_per_year`` (see
    ``models.parameters``). A ``look_up`` reads its table from a parameter, ``table`` and ``grid`` have it as payload.
    """

    kind: str
    payload: Any
    reads: tuple[int, ...]


def reached_by(nodes: Sequence[Node], results: Iterable[int]) -> list[int]:
    """Return the nodes that results depend on, in the order in which they were recorded."""
    seen: set[int] = set()
    stack = list(results)
    while stack:
        number = stack.pop()
        if number not in seen:
            seen.add(number)
            stack.extend(nodes[number].reads)
    return sorted(seen)


class Graph:
    """Operations in the order in which they were made; equal operations are one node.

    ``units`` are functions declared ``monotone`` that are written down as one node of kind ``unit`` instead of step
    by step; such a node reads the arguments that have a direction, in the order of the declaration, then others that
    are terms themselves, and its payload is the function with the rest filled in.
    """

    def __init__(self, units: Collection[Callable[..., Any]] = ()) -> None:
        self.units = frozenset(inspect.unwrap(function) for function in units)
        self.nodes: list[Node] = []
        self._known: dict[tuple[object, ...], int] = {}

    def input(self, name: str) -> Term:
        """Return the term of a column that differs between designs."""
        return Term(self, self.add("input", name))

    def parameter(self, name: str) -> Term:
        """Return the term of a value that the designs of a batch may share, by its name."""
        return Term(self, self.add("parameter", name))

    def number(self, value: object) -> int:
        """Return the node of a term or of a plain number."""
        if isinstance(value, Term):
            return value.node
        if not isinstance(value, int | float | np.integer | np.floating):
            raise TypeError(f"only terms and plain numbers can be recorded, found {value!r}")
        return self.add("constant", float(value))

    def add(self, kind: str, payload: Any, *reads: int) -> int:
        """Return the number of the node of an operation, new or known."""
        identity = payload if isinstance(payload, str | float) else id(payload)
        key = (kind, identity, *reads)
        if key not in self._known:
            self._known[key] = len(self.nodes)
            self.nodes.append(Node(kind, payload, reads))
        return self._known[key]


class Term(NDArrayOperatorsMixin):
    """A column that is not known yet: every ufunc and look-up on it becomes a node of its graph."""

    __slots__ = ("graph", "node")

    def __init__(self, graph: Graph, node: int) -> None:
        self.graph, self.node = graph, node

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: object, **options: object) -> Any:
        if method != "__call__" or options or ufunc.nout != 1:
            return NotImplemented
        reads = [self.graph.number(value) for value in inputs]
        return Term(self.graph, self.graph.add("ufunc", ufunc, *reads))

    def __bool__(self) -> bool:
        raise TypeError("a recorded column has no truth value: use minimum, maximum or sign instead of a branch")

    def __monotone_call__(
        self, function: Callable[..., Any], directions: dict[str, str], arguments: dict[str, Any]
    ) -> Any:
        """Record a function as one node where the graph asks for that, else its steps."""
        if function not in self.graph.units:
            return function(**arguments)
        others = {name: value for name, value in arguments.items() if name not in directions}
        fixed = tuple((name, value) for name, value in others.items() if not isinstance(value, Term))
        terms = [value for value in others.values() if isinstance(value, Term)]
        reads = [self.graph.number(value) for value in (*(arguments[name] for name in directions), *terms)]
        return Term(self.graph, self.graph.add("unit", _with_fixed(function, fixed), *reads))

    def __locate__(self, axis: EvenAxis) -> LocatedTerm:
        """Record where the column falls on an axis."""
        return LocatedTerm(self.graph, self.graph.add("locate", axis, self.node))


@functools.lru_cache(maxsize=64)
def _with_fixed(function: Callable[..., Any], fixed: tuple[tuple[str, Any], ...]) -> functools.partial[Any]:
    """Return a function with its exact arguments filled in, the same object for the same arguments."""
    return functools.partial(function, **dict(fixed))


class LocatedTerm:
    """Where a column that is not known yet falls on an axis."""

    __slots__ = ("graph", "node")

    def __init__(self, graph: Graph, node: int) -> None:
        self.graph, self.node = graph, node

    def __table_at__(self, table: EvenTable, row: object) -> Term:
        """Record a look-up in one variable."""
        return Term(self.graph, self.graph.add("table", table, self.node, self.graph.number(row)))

    def __grid_at__(self, grid: EvenGrid, other: object, row: object, *, swapped: bool = False) -> Term:
        """Record a look-up in two variables, both of them terms."""
        if swapped or not isinstance(other, LocatedTerm):
            raise TypeError("a look-up in two variables can be recorded only if both are terms")
        return Term(self.graph, self.graph.add("grid", grid, self.node, other.node, self.graph.number(row)))


class RecordedTable:
    """A look-up table that is filled in later, as a parameter of the recording; its axes are known.

    Stands for an ``EvenTable`` with one axis and for an ``EvenGrid`` with two.
    """

    __slots__ = ("axes", "graph", "table")

    def __init__(self, graph: Graph, name: str, *axes: EvenAxis) -> None:
        self.graph, self.axes = graph, axes
        self.table = graph.parameter(name)

    @property
    def axis(self) -> EvenAxis:
        """Return the axis of a table in one variable."""
        return self.axes[0]

    @property
    def x(self) -> EvenAxis:
        """Return the first axis of a table in two variables."""
        return self.axes[0]

    @property
    def y(self) -> EvenAxis:
        """Return the second axis of a table in two variables."""
        return self.axes[1]

    def at(self, *where: Any) -> Term:
        """Record a look-up at one location for each axis and a row."""
        *locations, row = where
        reads = [self.table.node, *(location.node for location in locations), self.graph.number(row)]
        return Term(self.graph, self.graph.add("look_up", "", *reads))
