"""What each operation of the recorded physics comes to: one method for each kind of operation in the graph.

In logarithms, with x and y positive:

- Product in logarithms: ``log(x^a y^b) = a log x + b log y`` (test_product_in_logarithms).
- Sum in logarithms: ``log(x + y) = log y + softplus(log x - log y)`` (test_sum_in_logarithms).
- Difference in logarithms: ``log(x - y) = log x + log1mexp(log y - log x)`` for ``y <= x``
  (test_difference_in_logarithms).
- Larger and smaller of two: ``max(x, y) = y + ramp(x - y)``, ``min(x, y) = x - ramp(x - y)``
  (test_larger_and_smaller_of_two).

These are identities: nothing is lost before a curve is replaced by lines. An operation that has no method is refused by
name, and so is a function of the model for which no enclosure is registered (``functions.enclosures``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from dawndusk.models.recording.trace import Node
from dawndusk.optimize.certify.functions import curves
from dawndusk.optimize.certify.functions.enclosures import enclosure_of
from dawndusk.optimize.certify.functions.joint import JointFunction
from dawndusk.optimize.certify.functions.lookup import GridRanges, TableRanges
from dawndusk.optimize.certify.graph.operations import Coefficient, Grid, Joint, Pair, Product, Rounding, Sign, Table
from dawndusk.optimize.certify.graph.statement import Statement
from dawndusk.optimize.certify.translate.node_table import CancelledSum, NodeTable, NodeValue, key_of
from dawndusk.optimize.errors import NotBoundedError
from dawndusk.optimize.problem import Problem

LOG_OF_ZERO = 0.5 * float(np.log(curves.TINY))
"""Below it a logarithm may be that of a product with a part that is zero."""


class Translation:
    """Adds to the nodes what the nodes of a statement's graph come to."""

    def __init__(self, statement: Statement, nodes: NodeTable, needed: Sequence[int], results: Collection[int]) -> None:
        self.statement, self.nodes = statement, nodes
        self.recorded = statement.recording.nodes
        self._needed, self._results = needed, frozenset(results)
        self._readers = _readers(self.recorded, needed)

    def value(self, number: int, values: Mapping[int, NodeValue]) -> NodeValue:
        """Return what a node comes to, given the values of the nodes that it reads."""
        recorded = self.recorded[number]
        if recorded.kind == "constant":
            return NodeValue(self.nodes, constant=float(recorded.payload))
        if recorded.kind == "parameter":
            numbers = self.statement.parameters[recorded.payload]
            return NodeValue(self.nodes, constant=float(numbers[0]) if (numbers == numbers[0]).all() else numbers)
        reads = [values[read] for read in recorded.reads]
        if recorded.kind == "locate":
            return reads[0]
        if all(value.constant is not None for value in reads):
            return NodeValue(self.nodes, constant=evaluated(recorded, [value.constant for value in reads]))
        if recorded.kind == "ufunc":
            handler: Callable[..., NodeValue] | None = getattr(self, f"_on_{recorded.payload.__name__}", None)
            if handler is None:
                raise NotBoundedError(f"the model's operation {recorded.payload.__name__} can not be bounded")
            return handler(number, *reads)
        makers = {"table": self._table, "grid": self._grid, "unit": self._unit}
        if recorded.kind not in makers:
            raise NotBoundedError(f"the model's operation {recorded.kind} can not be bounded")
        return makers[recorded.kind](recorded, reads)

    def _on_add(self, _: int, x: NodeValue, y: NodeValue) -> NodeValue:
        if x.is_zero or y.is_zero:
            return y if x.is_zero else x
        if not (x.in_logs or y.in_logs) or not (x.is_not_negative and y.is_not_negative):
            return self.nodes.plainly((x, 1.0), (y, 1.0))
        if self.nodes.middle(x) > self.nodes.middle(y):
            x, y = y, x
        nodes, constant = self.nodes.combine(((x, 1.0), (y, -1.0)), log=True)
        try:
            over = self.nodes.univariate(curves.SOFTPLUS, self.nodes.sum(nodes, constant))
        except CancelledSum as ratio:
            return self.nodes.logarithmically(
                (y, 1.0), (NodeValue(self.nodes, constant=1.0 + np.exp(ratio.constant)), 1.0)
            )
        pair = Pair("sum", over, self.nodes.operand(x, log=True), self.nodes.operand(y, log=True))
        nodes, constant = self.nodes.combine(((y, 1.0),), log=True)
        plain = None
        if x.constant is not None or y.constant is not None:
            plain = lambda: self.nodes.plainly((x, 1.0), (y, 1.0)).plain  # noqa: E731
        return NodeValue(
            self.nodes, plain=plain, log=self.nodes.sum([(over, 1.0), *nodes], constant, pair), in_logs=True
        )

    def _on_subtract(self, _: int, x: NodeValue, y: NodeValue) -> NodeValue:
        if y.is_zero:
            return x
        shifted = y.constant is not None and x.has_plain
        if x.in_logs and y.is_positive and not shifted:
            nodes, constant = self.nodes.combine(((y, 1.0), (x, -1.0)), log=True)
            try:
                below = self.nodes.sum(nodes, constant)
            except CancelledSum:
                return self.nodes.plainly((x, 1.0), (y, -1.0))
            if bool(np.all(self.nodes.form(below).high <= 0.0)):
                over = self.nodes.univariate(curves.LOG1MEXP, below)
                pair = Pair("difference", over, self.nodes.operand(x, log=True), self.nodes.operand(y, log=True))
                return NodeValue(self.nodes, log=self.nodes.sum([(over, 1.0), (x.log, 1.0)], 0.0, pair), in_logs=True)
        return self.nodes.plainly((x, 1.0), (y, -1.0))

    def _on_multiply(self, _: int, x: NodeValue, y: NodeValue) -> NodeValue:
        if x.is_zero or y.is_zero:
            return NodeValue(self.nodes, constant=0.0)
        if x.constant is not None or y.constant is not None:
            constant, other = (x, y) if x.constant is not None else (y, x)
            if other.in_logs and constant.is_not_negative:
                node = self.nodes.logarithmically((other, 1.0), (constant, 1.0)).log
                return NodeValue(
                    self.nodes, plain=lambda: self.nodes.sum([(other.plain, constant.constant)]), log=node, in_logs=True
                )
            return self._scaled(other, constant)
        if x.is_not_negative and y.is_not_negative and not (x.may_vanish or y.may_vanish):
            return self.nodes.logarithmically((x, 1.0), (y, 1.0))
        return NodeValue(self.nodes, plain=self.nodes.emit(Product(x.plain, y.plain), "product", x.plain, y.plain))

    def _scaled(self, value: NodeValue, constant: NodeValue) -> NodeValue:
        """Return a value times a constant, with what is at hand of its logarithm."""
        log = None
        if value.has_log and constant.is_positive:
            log = lambda: self.nodes.logarithmically((value, 1.0), (constant, 1.0)).log  # noqa: E731
        return NodeValue(self.nodes, plain=lambda: self.nodes.sum([(value.plain, constant.constant)]), log=log)

    def _on_divide(self, _: int, x: NodeValue, y: NodeValue) -> NodeValue:
        if x.is_zero:
            return x
        if y.constant is not None:
            return self._on_multiply(0, x, NodeValue(self.nodes, constant=1.0 / y.constant))
        if not y.is_positive:
            raise NotBoundedError("the model divides by what may be zero")
        if x.is_not_negative:
            return self.nodes.logarithmically((x, 1.0), (y, -1.0))
        inverse = self.nodes.univariate(curves.EXP, self.nodes.sum([(y.log, -1.0)]))
        if x.constant is not None:
            return NodeValue(self.nodes, plain=self.nodes.sum([(inverse, x.constant)]))
        return NodeValue(self.nodes, plain=self.nodes.emit(Product(x.plain, inverse), "product", x.plain, inverse))

    def _on_maximum(self, _: int, x: NodeValue, y: NodeValue) -> NodeValue:
        return self._extreme(x, y, largest=True)

    def _on_minimum(self, _: int, x: NodeValue, y: NodeValue) -> NodeValue:
        return self._extreme(x, y, largest=False)

    def _extreme(self, x: NodeValue, y: NodeValue, *, largest: bool) -> NodeValue:
        log = (x.in_logs or y.in_logs) and x.is_positive and y.is_positive
        nodes, constant = self.nodes.combine(((x, 1.0), (y, -1.0)), log=log)
        try:
            difference = self.nodes.sum(nodes, constant)
        except CancelledSum as known:
            return self._apart(x, y, known.constant, largest=largest, log=log)
        form = self.nodes.form(difference)
        if bool(np.all(form.low >= 0.0)):
            return x if largest else y
        if bool(np.all(form.high <= 0.0)):
            return y if largest else x
        ramp = self.nodes.univariate(curves.RAMP, difference)
        nodes, constant = self.nodes.combine(((y if largest else x, 1.0),), log=log)
        pair = Pair(
            "larger" if largest else "smaller", ramp, self.nodes.operand(x, log=log), self.nodes.operand(y, log=log)
        )
        node = self.nodes.sum([*nodes, (ramp, 1.0 if largest else -1.0)], constant, pair)
        return NodeValue(self.nodes, log=node, in_logs=True) if log else NodeValue(self.nodes, plain=node)

    def _apart(self, x: NodeValue, y: NodeValue, apart: Coefficient, *, largest: bool, log: bool) -> NodeValue:
        """Return the larger or smaller of two whose difference is the same for every design."""
        over = np.maximum(apart, 0.0)
        nodes, constant = self.nodes.combine(((y if largest else x, 1.0),), log=log)
        constant = constant + (over if largest else -over)
        node = self.nodes.sum(nodes, float(constant) if np.ndim(constant) == 0 else constant)
        return NodeValue(self.nodes, log=node, in_logs=True) if log else NodeValue(self.nodes, plain=node)

    def _on_exp(self, _: int, x: NodeValue) -> NodeValue:
        return NodeValue(self.nodes, log=x.plain, in_logs=True)

    def _on_log(self, _: int, x: NodeValue) -> NodeValue:
        return NodeValue(self.nodes, plain=x.log)

    def _on_sqrt(self, _: int, x: NodeValue) -> NodeValue:
        return self.nodes.logarithmically((x, 0.5))

    def _on_cbrt(self, _: int, x: NodeValue) -> NodeValue:
        return self.nodes.logarithmically((x, 1.0 / 3.0))

    def _on_square(self, number: int, x: NodeValue) -> NodeValue:
        return self._on_multiply(number, x, x)

    def _on_negative(self, _: int, x: NodeValue) -> NodeValue:
        return self.nodes.plainly((x, -1.0))

    def _on_expm1(self, _: int, x: NodeValue) -> NodeValue:
        if x.in_logs:
            return NodeValue(self.nodes, log=self.nodes.univariate(curves.LOG_EXPM1_EXP, x.log), in_logs=True)
        if x.is_not_negative:
            return NodeValue(self.nodes, log=self.nodes.univariate(curves.LOG_EXPM1, x.plain), in_logs=True)
        return NodeValue(self.nodes, plain=self.nodes.univariate(curves.EXPM1, x.plain))

    def _on_log1p(self, number: int, x: NodeValue) -> NodeValue:
        return self._on_log(number, self._on_add(number, x, NodeValue(self.nodes, constant=1.0)))

    def _on_sign(self, _: int, x: NodeValue) -> NodeValue:
        if x.is_positive and not (x.in_logs and bool(np.any(self.nodes.form(x.log).low < LOG_OF_ZERO))):
            return NodeValue(self.nodes, constant=1.0)
        return NodeValue(self.nodes, plain=self.nodes.emit(Sign(x.plain), "sign", x.plain))

    def _on_ceil(self, number: int, x: NodeValue) -> NodeValue:
        return self._rounded(number, x, up=True)

    def _on_floor(self, number: int, x: NodeValue) -> NodeValue:
        return self._rounded(number, x, up=False)

    def _rounded(self, number: int, x: NodeValue, *, up: bool) -> NodeValue:
        held = not up and self._is_held_at_one(number)
        log = x.in_logs and (up or held or bool(np.all(self.nodes.form(x.log).low >= 0.0)))
        place = len(self.nodes.graph.roundings)
        free = up and self._is_free(number)
        node = self.nodes.emit(Rounding(x.log if log else x.plain, up, log, free, held, place))
        self.nodes.graph.roundings.append(node)
        return NodeValue(self.nodes, log=node, in_logs=True) if log else NodeValue(self.nodes, plain=node)

    def _table(self, recorded: Node, reads: list[NodeValue]) -> NodeValue:
        place, row = reads[0], reads[1].constant

        def node(*, logarithm: bool) -> int:
            ranges = TableRanges(recorded.payload, logarithm=logarithm)
            return self.nodes.emit(
                Table(ranges, place.plain, row), "table", id(recorded.payload), logarithm, place.plain, key_of(row)
            )

        if bool(np.all(recorded.payload.values > 0.0)):
            return NodeValue(self.nodes, plain=lambda: node(logarithm=False), log=lambda: node(logarithm=True))
        return NodeValue(self.nodes, plain=node(logarithm=False))

    def _grid(self, recorded: Node, reads: list[NodeValue]) -> NodeValue:
        x, y, row = reads
        logarithm = y.in_logs
        ranges = GridRanges(recorded.payload, logarithm=logarithm)
        return NodeValue(
            self.nodes,
            plain=self.nodes.emit(
                Grid(ranges, self.nodes.node(x), y.log if logarithm else self.nodes.node(y), row.constant, logarithm)
            ),
        )

    def _unit(self, recorded: Node, reads: list[NodeValue]) -> NodeValue:
        """Return a function that is bounded as a whole, by the enclosure that is registered for it."""
        found: NodeValue = enclosure_of(recorded.payload.func).build(self, reads, recorded.payload.keywords)
        return found

    @property
    def problem(self) -> Problem:
        """The problem whose recording is bounded."""
        return self.statement.problem

    def power_product(self, *powers: tuple[NodeValue, float]) -> NodeValue:
        """Return a product of powers of values."""
        return self.nodes.logarithmically(*powers)

    def exp_of_curve(self, curve: curves.Curve, x: NodeValue) -> NodeValue:
        """Return the exponential of a curve of a value."""
        if x.constant is not None:
            return NodeValue(self.nodes, constant=np.exp(curve.value(np.asarray(x.constant))))
        return NodeValue(self.nodes, log=self.nodes.univariate(curve, x.plain), in_logs=True)

    def exp_of_joint(self, function: JointFunction, arguments: Sequence[NodeValue]) -> NodeValue:
        """Return the exponential of a function of several values."""
        nodes = tuple(self.nodes.node(value) for value in arguments)
        return NodeValue(self.nodes, log=self.nodes.emit(Joint(function, nodes)), in_logs=True)

    def larger(self, x: NodeValue, y: NodeValue) -> NodeValue:
        """Return the larger of two values."""
        return self._extreme(x, y, largest=True)

    def _is_free(self, number: int) -> bool:
        """Return whether a variable is read by nothing but what a rounding up reads.

        Then it can bring what is rounded to the next whole number with the same outcomes, so that only designs count
        for which rounding does nothing (test_a_rounding_that_a_free_variable_undoes). Its coordinate has to reach as
        far: that of spares is drawn on by one accelerator (``graph.statement``).
        """
        for variable in (n for n in self._needed if self.recorded[n].kind == "input"):
            if self.recorded[variable].payload in self.statement.fixed:
                continue
            seen, stack = set(), [variable]
            while stack:
                reached = stack.pop()
                if reached not in seen:
                    seen.add(reached)
                    stack.extend(self._readers.get(reached, ()) if reached != number else ())
            if number in seen and not seen & self._results:
                return True
        return False

    def _is_held_at_one(self, number: int) -> bool:
        """Return whether all that is read of a rounded node is the larger of it and one."""
        readers = [self.recorded[reader] for reader in self._readers.get(number, ())]
        return bool(readers) and all(
            reader.kind == "ufunc"
            and reader.payload is np.maximum
            and any(
                self.recorded[read].kind == "constant" and self.recorded[read].payload == 1.0 for read in reader.reads
            )
            for reader in readers
        )


def is_rounding(recorded: Node) -> bool:
    """Return whether a node rounds to a whole number."""
    return recorded.kind == "ufunc" and recorded.payload in (np.floor, np.ceil)


def _readers(recorded_nodes: Sequence[Node], needed: Sequence[int]) -> dict[int, list[int]]:
    readers: dict[int, list[int]] = {}
    for number in needed:
        for read in recorded_nodes[number].reads:
            readers.setdefault(read, []).append(number)
    return readers


def evaluated(recorded: Node, reads: Sequence[Any]) -> Any:
    """Return the value of a node from the values that it reads."""
    if recorded.kind in {"ufunc", "unit"}:
        found = recorded.payload(*reads)
    else:
        axes = (recorded.payload.axis,) if recorded.kind == "table" else (recorded.payload.x, recorded.payload.y)
        *places, row = np.broadcast_arrays(*reads[:-1], np.asarray(reads[-1]).astype(np.int64))
        located = [axis.locate(np.asarray(x, dtype=np.float64)) for axis, x in zip(axes, places, strict=True)]
        found = recorded.payload.at(*located, row)
    return float(found) if np.ndim(found) == 0 else np.asarray(found)
