"""Running a recorded calculation on batches: shared values once, columns in reused buffers that stay in cache.

The program is the model itself, recorded (``models.trace``): there is no second copy of the physics, and results are
those of the direct evaluation to the last bit. What the designs of a batch share (assumptions, catalogue rows) is
worked out once as plain numbers, whatever its values are; columns go through ufuncs that write into a few buffers,
taken back as soon as nothing reads them any more.
"""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.recording.trace import Graph, Node, reached_by
from dawndusk.models.tables import EvenGrid, EvenTable, Location

Floats: TypeAlias = NDArray[np.float64]
Step: TypeAlias = tuple[Callable[..., Any], tuple[int, ...], int]
ColumnStep: TypeAlias = tuple[int, Callable[..., Any], tuple[int, ...], int]

LEAVES = frozenset({"input", "parameter", "constant"})
WHOLE = (EvenGrid, EvenTable, Location)
"""What a slot may hold beside numbers and columns of numbers."""
OF_NUMBERS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.divide: operator.truediv,
    np.negative: operator.neg,
}
"""The same operations on two NumPy numbers, to the last bit, at a fifth of the time."""
OTHER, UNARY, BINARY, EXTREME = 0, 1, 2, 3
EXTREMES = (np.minimum, np.maximum)
"""Ufuncs that run at a third of their speed when one side is a number instead of a column, and that take the place of
their result by keyword only."""


class Program:
    """The steps that lead from leaves to results.

    Values live in numbered slots: one for each leaf and each shared value, one for each result, and a few buffers
    that columns pass through.

    Parameters
    ----------
    graph : Graph
        The recorded calculation.
    results : sequence of int
        Node numbers of the results.
    varying : collection of str
        Names of the parameters that differ between designs, so that what follows from them is a column too.

    Attributes
    ----------
    columns : tuple of str
        Names of the inputs and varying parameters that the results depend on.
    """

    def __init__(self, graph: Graph, results: Sequence[int], *, varying: Collection[str] = ()) -> None:
        self._nodes, self._results = graph.nodes, tuple(results)
        needed = reached_by(self._nodes, self._results)
        self._column = _columns(self._nodes, needed, frozenset(varying))
        self._last_reader = _last_readers(self._nodes, needed, self._results)
        self._slot: dict[int, int] = {}
        self._free: list[int] = []
        self._buffers: list[int] = []
        self._slots = 0
        leaves = [n for n in needed if self._nodes[n].kind in LEAVES]
        shared = [n for n in needed if n not in self._column and n not in leaves]
        for number in (*leaves, *shared):
            self._slot[number] = self._new_slot()
        named = [n for n in leaves if self._nodes[n].kind != "constant"]
        self._inputs = {self._nodes[n].payload: self._slot[n] for n in named if n in self._column}
        self._parameters = {self._nodes[n].payload: self._slot[n] for n in named if n not in self._column}
        self.columns = tuple(self._inputs)
        constants = [n for n in leaves if self._nodes[n].kind == "constant"]
        self._constants = [(self._slot[n], np.float64(self._nodes[n].payload)) for n in constants]
        self._shared = [self._shared_step(n) for n in shared]
        self._filled: dict[int, int] = {}
        self._steps = tuple(self._column_step(n) for n in needed if self._is_made(n))
        read = {slot for _, _, reads, _ in self._steps for slot in reads}
        self._handed_over = [
            self._slot[n] for n in (*leaves, *shared) if n not in self._column and self._slot[n] in read
        ]

    def bind(self, parameters: Mapping[str, Any]) -> list[Any]:
        """Return the slots with everything filled in that does not change from chunk to chunk.

        ``parameters`` gives every parameter that does not vary. Numbers that columns meet become arrays without
        dimensions: a ufunc takes those at half the overhead of a Python float.
        """
        values: list[Any] = [None] * self._slots
        for slot, constant in self._constants:
            values[slot] = constant
        for name, slot in self._parameters.items():
            value = parameters[name]
            values[slot] = value if isinstance(value, WHOLE) else np.float64(value)
        for function, reads, slot in self._shared:
            values[slot] = function(*[values[read] for read in reads])
        for slot in self._handed_over:
            if not isinstance(values[slot], WHOLE):
                values[slot] = np.asarray(values[slot])
        return values

    def run(self, values: list[Any], inputs: Mapping[str, NDArray[Any]], results: Sequence[Floats]) -> None:
        """Run one chunk: read the columns ``inputs`` and write each result into its array, all of shape (N,).

        ``inputs`` gives all of ``columns``, so varying parameters as well; ``values`` comes from ``bind``.
        """
        count = len(results[0])
        for name, slot in self._inputs.items():
            values[slot] = inputs[name]
        for buffer, slot in enumerate(self._buffers):
            values[slot] = _buffer(buffer, count)
        for shared, slot in self._filled.items():
            values[slot] = _filled(float(values[shared]), count)
        written = set()
        for number, result in zip(self._results, results, strict=True):
            if self._is_written(number) and number not in written:
                values[self._slot[number]] = result
                written.add(number)
        for arity, function, reads, slot in self._steps:
            if arity == BINARY:
                one, other = reads
                function(values[one], values[other], values[slot])
            elif arity == UNARY:
                function(values[reads[0]], values[slot])
            elif arity == EXTREME:
                one, other = reads
                function(values[one], values[other], out=values[slot])
            else:
                values[slot] = function(*[values[read] for read in reads])
        for number, result in zip(self._results, results, strict=True):
            if values[self._slot[number]] is not result:
                result[:] = values[self._slot[number]]

    def _is_made(self, number: int) -> bool:
        """Return whether a node is a column that a step makes."""
        return number in self._column and self._nodes[number].kind not in LEAVES

    def _is_written(self, number: int) -> bool:
        """Return whether a ufunc writes the node, so that a result array can be its place."""
        return number in self._column and self._nodes[number].kind == "ufunc"

    def _new_slot(self) -> int:
        self._slots += 1
        return self._slots - 1

    def _step(self, number: int) -> Step:
        node = self._nodes[number]
        return _function(node), tuple(self._slot[read] for read in node.reads), self._slot[number]

    def _shared_step(self, number: int) -> Step:
        function, reads, slot = self._step(number)
        payload = self._nodes[number].payload
        return OF_NUMBERS.get(payload, function) if isinstance(payload, np.ufunc) else function, reads, slot

    def _column_step(self, number: int) -> ColumnStep:
        """Give a column its slot; a ufunc may write over a buffer that it reads for the last time."""
        node = self._nodes[number]
        dying = [read for read in dict.fromkeys(node.reads) if self._last_reader[read] == number]
        self._free.extend(self._slot[read] for read in dying if self._is_written(read))
        if node.kind != "ufunc" or number in self._results:
            self._slot[number] = self._new_slot()
        elif self._free:
            self._slot[number] = self._free.pop()
        else:
            self._slot[number] = self._new_slot()
            self._buffers.append(self._slot[number])
        function, reads, slot = self._step(number)
        if node.payload in EXTREMES:
            return EXTREME, function, tuple(self._as_column(read) for read in node.reads), slot
        return (len(reads) if node.kind == "ufunc" else OTHER), function, reads, slot

    def _as_column(self, number: int) -> int:
        """Return the slot of a node, for a shared value that of a column filled with it."""
        slot = self._slot[number]
        if number in self._column:
            return slot
        if slot not in self._filled:
            self._filled[slot] = self._new_slot()
        return self._filled[slot]


def _columns(nodes: Sequence[Node], needed: Sequence[int], varying: frozenset[str]) -> set[int]:
    """Return the nodes that differ between the designs of a batch."""
    column: set[int] = set()
    for number in needed:
        node = nodes[number]
        starts = node.kind == "input" or (node.kind == "parameter" and node.payload in varying)
        if starts or any(read in column for read in node.reads):
            column.add(number)
    return column


def _last_readers(nodes: Sequence[Node], needed: Sequence[int], results: Sequence[int]) -> dict[int, int]:
    """Return, for each node, the last one that reads it; results are read after the end."""
    last = {read: number for number in needed for read in nodes[number].reads}
    return last | dict.fromkeys(results, len(nodes))


def _function(node: Node) -> Callable[..., Any]:
    """Return what a node does to the values that it reads."""
    if node.kind == "ufunc":
        ufunc: Callable[..., Any] = node.payload
        return ufunc
    if node.kind == "locate":
        locate: Callable[..., Any] = node.payload.locate
        return locate
    if node.kind == "look_up":
        return lambda table, *reads: table.at(*reads[:-1], _code(reads[-1]))
    at = node.payload.at
    return lambda *reads: at(*reads[:-1], _code(reads[-1]))


def _code(row: Any) -> Any:
    """Return a row number, or an array of them, as integers."""
    return row.astype(np.int64) if isinstance(row, np.ndarray) and row.ndim else int(row)


_local = threading.local()


def _buffer(number: int, count: int) -> Floats:
    """Return a buffer of this thread; all programs share them, because one runs at a time."""
    views: dict[tuple[int, int], Floats] = _local.__dict__.setdefault("views", {})
    key = (number, count)
    if key not in views:
        if len(views) > MOST_VIEWS:
            views.clear()
        whole: list[Floats] = _local.__dict__.setdefault("whole", [])
        while len(whole) <= number or len(whole[number]) < count:
            if len(whole) <= number:
                whole.append(np.empty(count))
            else:
                whole[number] = np.empty(count)
                for stale in [k for k in views if k[0] == number]:
                    del views[stale]
        views[key] = whole[number][:count]
    return views[key]


def _filled(value: float, count: int) -> Floats:
    """Return a column of this thread that holds one value."""
    columns: dict[float, Floats] = _local.__dict__.setdefault("filled", {})
    if value not in columns or len(columns[value]) < count:
        if len(columns) >= MOST_FILLED:
            columns.clear()
        columns[value] = np.full(count, value)
    return columns[value][:count]


MOST_VIEWS = 4096
MOST_FILLED = 256
