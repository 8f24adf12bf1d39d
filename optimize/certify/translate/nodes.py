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
from dawndusk.optimize.certify.translate.slots import Cancelled, Slots, Value, key_of
from dawndusk.optimize.errors import NotBoundedError
from dawndusk.optimize.problem import Problem

LOG_OF_ZERO = 0.5 * float(np.log(curves.TINY))
"""Below it a logarithm may be that of a product with a part that is zero."""


class Translation:
    """Adds to the slots what the nodes of a statement's graph come to."""

    def __init__(self, statement: Statement, slots: Slots, needed: Sequence[int], results: Collection[int]) -> None:
        self.statement, self.slots = statement, slots
        self.graph = statement.graph.nodes
        self._needed, self._results = needed, frozenset(results)
        self._readers = _readers(self.graph, needed)

    def value(self, number: int, values: Mapping[int, Value]) -> Value:
        """Return what a node comes to, given the values of the nodes that it reads."""
        node = self.graph[number]
        if node.kind == "constant":
            return Value(self.slots, constant=float(node.payload))
        if node.kind == "parameter":
            numbers = self.statement.parameters[node.payload]
            return Value(self.slots, constant=float(numbers[0]) if (numbers == numbers[0]).all() else numbers)
        reads = [values[read] for read in node.reads]
        if node.kind == "locate":
            return reads[0]
        if all(value.constant is not None for value in reads):
            return Value(self.slots, constant=evaluated(node, [value.constant for value in reads]))
        if node.kind == "ufunc":
            handler: Callable[..., Value] | None = getattr(self, f"_on_{node.payload.__name__}", None)
            if handler is None:
                raise NotBoundedError(f"the model's operation {node.payload.__name__} can not be bounded")
            return handler(number, *reads)
        makers = {"table": self._table, "grid": self._grid, "unit": self._unit}
        if node.kind not in makers:
            raise NotBoundedError(f"the model's operation {node.kind} can not be bounded")
        return makers[node.kind](node, reads)

    def _on_add(self, _: int, x: Value, y: Value) -> Value:
        if x.is_zero or y.is_zero:
            return y if x.is_zero else x
        if not (x.in_logs or y.in_logs) or not (x.is_not_negative and y.is_not_negative):
            return self.slots.plainly((x, 1.0), (y, 1.0))
        if self.slots.middle(x) > self.slots.middle(y):
            x, y = y, x
        slots, constant = self.slots.combine(((x, 1.0), (y, -1.0)), log=True)
        try:
            over = self.slots.bend(curves.SOFTPLUS, self.slots.sum(slots, constant))
        except Cancelled as ratio:
            return self.slots.logarithmically((y, 1.0), (Value(self.slots, constant=1.0 + np.exp(ratio.constant)), 1.0))
        pair = Pair("sum", over, self.slots.operand(x, log=True), self.slots.operand(y, log=True))
        slots, constant = self.slots.combine(((y, 1.0),), log=True)
        plain = None
        if x.constant is not None or y.constant is not None:
            plain = lambda: self.slots.plainly((x, 1.0), (y, 1.0)).plain  # noqa: E731
        return Value(self.slots, plain=plain, log=self.slots.sum([(over, 1.0), *slots], constant, pair), in_logs=True)

    def _on_subtract(self, _: int, x: Value, y: Value) -> Value:
        if y.is_zero:
            return x
        shifted = y.constant is not None and x.has_plain
        if x.in_logs and y.is_positive and not shifted:
            slots, constant = self.slots.combine(((y, 1.0), (x, -1.0)), log=True)
            try:
                below = self.slots.sum(slots, constant)
            except Cancelled:
                return self.slots.plainly((x, 1.0), (y, -1.0))
            if bool(np.all(self.slots.form(below).high <= 0.0)):
                over = self.slots.bend(curves.LOG1MEXP, below)
                pair = Pair("difference", over, self.slots.operand(x, log=True), self.slots.operand(y, log=True))
                return Value(self.slots, log=self.slots.sum([(over, 1.0), (x.log, 1.0)], 0.0, pair), in_logs=True)
        return self.slots.plainly((x, 1.0), (y, -1.0))

    def _on_multiply(self, _: int, x: Value, y: Value) -> Value:
        if x.is_zero or y.is_zero:
            return Value(self.slots, constant=0.0)
        if x.constant is not None or y.constant is not None:
            constant, other = (x, y) if x.constant is not None else (y, x)
            if other.in_logs and constant.is_not_negative:
                slot = self.slots.logarithmically((other, 1.0), (constant, 1.0)).log
                return Value(
                    self.slots, plain=lambda: self.slots.sum([(other.plain, constant.constant)]), log=slot, in_logs=True
                )
            return self._scaled(other, constant)
        if x.is_not_negative and y.is_not_negative and not (x.may_vanish or y.may_vanish):
            return self.slots.logarithmically((x, 1.0), (y, 1.0))
        return Value(self.slots, plain=self.slots.emit(Product(x.plain, y.plain), "product", x.plain, y.plain))

    def _scaled(self, value: Value, constant: Value) -> Value:
        """Return a value times a constant, with what is at hand of its logarithm."""
        log = None
        if value.has_log and constant.is_positive:
            log = lambda: self.slots.logarithmically((value, 1.0), (constant, 1.0)).log  # noqa: E731
        return Value(self.slots, plain=lambda: self.slots.sum([(value.plain, constant.constant)]), log=log)

    def _on_divide(self, _: int, x: Value, y: Value) -> Value:
        if x.is_zero:
            return x
        if y.constant is not None:
            return self._on_multiply(0, x, Value(self.slots, constant=1.0 / y.constant))
        if not y.is_positive:
            raise NotBoundedError("the model divides by what may be zero")
        if x.is_not_negative:
            return self.slots.logarithmically((x, 1.0), (y, -1.0))
        inverse = self.slots.bend(curves.EXP, self.slots.sum([(y.log, -1.0)]))
        if x.constant is not None:
            return Value(self.slots, plain=self.slots.sum([(inverse, x.constant)]))
        return Value(self.slots, plain=self.slots.emit(Product(x.plain, inverse), "product", x.plain, inverse))

    def _on_maximum(self, _: int, x: Value, y: Value) -> Value:
        return self._extreme(x, y, largest=True)

    def _on_minimum(self, _: int, x: Value, y: Value) -> Value:
        return self._extreme(x, y, largest=False)

    def _extreme(self, x: Value, y: Value, *, largest: bool) -> Value:
        log = (x.in_logs or y.in_logs) and x.is_positive and y.is_positive
        slots, constant = self.slots.combine(((x, 1.0), (y, -1.0)), log=log)
        try:
            difference = self.slots.sum(slots, constant)
        except Cancelled as known:
            return self._apart(x, y, known.constant, largest=largest, log=log)
        form = self.slots.form(difference)
        if bool(np.all(form.low >= 0.0)):
            return x if largest else y
        if bool(np.all(form.high <= 0.0)):
            return y if largest else x
        ramp = self.slots.bend(curves.RAMP, difference)
        slots, constant = self.slots.combine(((y if largest else x, 1.0),), log=log)
        pair = Pair(
            "larger" if largest else "smaller", ramp, self.slots.operand(x, log=log), self.slots.operand(y, log=log)
        )
        slot = self.slots.sum([*slots, (ramp, 1.0 if largest else -1.0)], constant, pair)
        return Value(self.slots, log=slot, in_logs=True) if log else Value(self.slots, plain=slot)

    def _apart(self, x: Value, y: Value, apart: Coefficient, *, largest: bool, log: bool) -> Value:
        """Return the larger or smaller of two whose difference is the same for every design."""
        over = np.maximum(apart, 0.0)
        slots, constant = self.slots.combine(((y if largest else x, 1.0),), log=log)
        constant = constant + (over if largest else -over)
        slot = self.slots.sum(slots, float(constant) if np.ndim(constant) == 0 else constant)
        return Value(self.slots, log=slot, in_logs=True) if log else Value(self.slots, plain=slot)

    def _on_exp(self, _: int, x: Value) -> Value:
        return Value(self.slots, log=x.plain, in_logs=True)

    def _on_log(self, _: int, x: Value) -> Value:
        return Value(self.slots, plain=x.log)

    def _on_sqrt(self, _: int, x: Value) -> Value:
        return self.slots.logarithmically((x, 0.5))

    def _on_cbrt(self, _: int, x: Value) -> Value:
        return self.slots.logarithmically((x, 1.0 / 3.0))

    def _on_square(self, number: int, x: Value) -> Value:
        return self._on_multiply(number, x, x)

    def _on_negative(self, _: int, x: Value) -> Value:
        return self.slots.plainly((x, -1.0))

    def _on_expm1(self, _: int, x: Value) -> Value:
        if x.in_logs:
            return Value(self.slots, log=self.slots.bend(curves.LOG_EXPM1_EXP, x.log), in_logs=True)
        if x.is_not_negative:
            return Value(self.slots, log=self.slots.bend(curves.LOG_EXPM1, x.plain), in_logs=True)
        return Value(self.slots, plain=self.slots.bend(curves.EXPM1, x.plain))

    def _on_log1p(self, number: int, x: Value) -> Value:
        return self._on_log(number, self._on_add(number, x, Value(self.slots, constant=1.0)))

    def _on_sign(self, _: int, x: Value) -> Value:
        if x.is_positive and not (x.in_logs and bool(np.any(self.slots.form(x.log).low < LOG_OF_ZERO))):
            return Value(self.slots, constant=1.0)
        return Value(self.slots, plain=self.slots.emit(Sign(x.plain), "sign", x.plain))

    def _on_ceil(self, number: int, x: Value) -> Value:
        return self._rounded(number, x, up=True)

    def _on_floor(self, number: int, x: Value) -> Value:
        return self._rounded(number, x, up=False)

    def _rounded(self, number: int, x: Value, *, up: bool) -> Value:
        held = not up and self._is_held_at_one(number)
        log = x.in_logs and (up or held or bool(np.all(self.slots.form(x.log).low >= 0.0)))
        place = len(self.slots.tape.roundings)
        free = up and self._is_free(number)
        slot = self.slots.emit(Rounding(x.log if log else x.plain, up, log, free, held, place))
        self.slots.tape.roundings.append(slot)
        return Value(self.slots, log=slot, in_logs=True) if log else Value(self.slots, plain=slot)

    def _table(self, node: Node, reads: list[Value]) -> Value:
        place, row = reads[0], reads[1].constant

        def slot(*, logarithm: bool) -> int:
            ranges = TableRanges(node.payload, logarithm=logarithm)
            return self.slots.emit(
                Table(ranges, place.plain, row), "table", id(node.payload), logarithm, place.plain, key_of(row)
            )

        if bool(np.all(node.payload.values > 0.0)):
            return Value(self.slots, plain=lambda: slot(logarithm=False), log=lambda: slot(logarithm=True))
        return Value(self.slots, plain=slot(logarithm=False))

    def _grid(self, node: Node, reads: list[Value]) -> Value:
        x, y, row = reads
        logarithm = y.in_logs
        ranges = GridRanges(node.payload, logarithm=logarithm)
        return Value(
            self.slots,
            plain=self.slots.emit(
                Grid(ranges, self.slots.slot(x), y.log if logarithm else self.slots.slot(y), row.constant, logarithm)
            ),
        )

    def _unit(self, node: Node, reads: list[Value]) -> Value:
        """Return a function that is bounded as a whole, by the enclosure that is registered for it."""
        found: Value = enclosure_of(node.payload.func).build(self, reads, node.payload.keywords)
        return found

    @property
    def problem(self) -> Problem:
        """The problem whose recording is bounded."""
        return self.statement.problem

    def power_product(self, *powers: tuple[Value, float]) -> Value:
        """Return a product of powers of values."""
        return self.slots.logarithmically(*powers)

    def exp_of_curve(self, curve: curves.Curve, x: Value) -> Value:
        """Return the exponential of a curve of a value."""
        if x.constant is not None:
            return Value(self.slots, constant=np.exp(curve.value(np.asarray(x.constant))))
        return Value(self.slots, log=self.slots.bend(curve, x.plain), in_logs=True)

    def exp_of_joint(self, function: JointFunction, arguments: Sequence[Value]) -> Value:
        """Return the exponential of a function of several values."""
        slots = tuple(self.slots.slot(value) for value in arguments)
        return Value(self.slots, log=self.slots.emit(Joint(function, slots)), in_logs=True)

    def larger(self, x: Value, y: Value) -> Value:
        """Return the larger of two values."""
        return self._extreme(x, y, largest=True)

    def _is_free(self, number: int) -> bool:
        """Return whether a variable is read by nothing but what a rounding up reads.

        Then it can bring what is rounded to the next whole number with the same outcomes, so that only designs count
        for which rounding does nothing (test_a_rounding_that_a_free_variable_undoes). Its coordinate has to reach as
        far: that of spares is drawn on by one accelerator (``graph.statement``).
        """
        for variable in (n for n in self._needed if self.graph[n].kind == "input"):
            if self.graph[variable].payload in self.statement.fixed:
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
        readers = [self.graph[reader] for reader in self._readers.get(number, ())]
        return bool(readers) and all(
            reader.kind == "ufunc"
            and reader.payload is np.maximum
            and any(self.graph[read].kind == "constant" and self.graph[read].payload == 1.0 for read in reader.reads)
            for reader in readers
        )


def is_rounding(node: Node) -> bool:
    """Return whether a node rounds to a whole number."""
    return node.kind == "ufunc" and node.payload in (np.floor, np.ceil)


def _readers(nodes: Sequence[Node], needed: Sequence[int]) -> dict[int, list[int]]:
    readers: dict[int, list[int]] = {}
    for number in needed:
        for read in nodes[number].reads:
            readers.setdefault(read, []).append(number)
    return readers


def evaluated(node: Node, reads: Sequence[Any]) -> Any:
    """Return the value of a node from the values that it reads."""
    if node.kind in {"ufunc", "unit"}:
        found = node.payload(*reads)
    else:
        axes = (node.payload.axis,) if node.kind == "table" else (node.payload.x, node.payload.y)
        *places, row = np.broadcast_arrays(*reads[:-1], np.asarray(reads[-1]).astype(np.int64))
        located = [axis.locate(np.asarray(x, dtype=np.float64)) for axis, x in zip(axes, places, strict=True)]
        found = node.payload.at(*located, row)
    return float(found) if np.ndim(found) == 0 else np.asarray(found)
