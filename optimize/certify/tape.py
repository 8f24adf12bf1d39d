"""The recorded physics as a list of sums and curves: sums are exact, curves are functions of one number.

In logarithms a product is a sum, and a sum is ``y + log(1 + exp(x - y))``: a curve of a difference. So the whole model
comes down to linear combinations, some twenty kinds of curve, a few look-ups, and roundings. Everything that bounds it
reads this list: the exact search encloses every curve between lines and adds up, the mixed-integer model cuts curves
into pieces. What may be zero or change its sign is carried as it is; which of the two is decided once, on the boxes
that enclose the whole problem.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.cost import spread_factor
from dawndusk.models.errors import DawnduskError
from dawndusk.models.trace import Node, reached_by
from dawndusk.optimize.certify import curves
from dawndusk.optimize.certify.affine import Form, Forward
from dawndusk.optimize.certify.curves import Curve
from dawndusk.optimize.certify.lookup import GridRanges, TableRanges
from dawndusk.optimize.certify.operations import (
    Bend,
    Coefficient,
    Grid,
    Input,
    Operand,
    Operation,
    Pair,
    Product,
    Rounding,
    Row,
    Sign,
    Sum,
    Table,
    Tape,
)
from dawndusk.optimize.certify.statement import SIZE, Statement

Floats: TypeAlias = NDArray[np.float64]
HOLD_SLACK = 1e-9
LOG_OF_ZERO = 0.5 * float(np.log(curves.TINY))
"""Below it a logarithm may be that of a product with a part that is zero."""
SPREAD = inspect.unwrap(spread_factor)
LONGEST_SUM = 10


class NotBoundedError(DawnduskError):
    """The model has an operation for which no bound is known."""


class Cancelled(NotBoundedError):  # noqa: N818 (not an error where it is expected)
    """The terms of a sum cancel: it is the constant."""

    def __init__(self, constant: Coefficient) -> None:
        super().__init__("the model has a difference that is the same for every design")
        self.constant = constant


class Value:
    """A node of the graph while the list is built: a constant of each combination, a slot, or a slot of its logarithm.

    The one that is missing is made when asked for. ``in_logs`` says that it comes from products.
    """

    def __init__(
        self,
        builder: Builder,
        *,
        constant: Coefficient | None = None,
        plain: int | Callable[[], int] | None = None,
        log: int | Callable[[], int] | None = None,
        in_logs: bool = False,
    ) -> None:
        self._builder, self.constant, self._plain, self._log = builder, constant, plain, log
        self.in_logs = in_logs

    @property
    def plain(self) -> int:
        """The slot of the quantity."""
        if self._plain is None:
            self._plain = self._builder.bend(curves.EXP, self.log)
        elif not isinstance(self._plain, int):
            self._plain = self._plain()
        return self._plain

    @property
    def log(self) -> int:
        """The slot of its logarithm."""
        if self._log is None:
            self._log = self._builder.bend(curves.LOG, self.plain)
        elif not isinstance(self._log, int):
            self._log = self._log()
        return self._log

    @property
    def has_log(self) -> bool:
        """Whether its logarithm is known otherwise than by taking it."""
        return self._log is not None

    @property
    def is_zero(self) -> bool:
        """Whether it is zero for every combination."""
        return self.constant is not None and bool(np.all(np.asarray(self.constant) == 0.0))

    @property
    def is_not_negative(self) -> bool:
        """Whether it is zero or above on every box."""
        if self.constant is not None:
            return bool(np.all(np.asarray(self.constant) >= 0.0))
        return self.in_logs or bool(np.all(self._builder.form(self.plain).low >= 0.0))

    @property
    def is_positive(self) -> bool:
        """Whether it is above zero on every box."""
        if self.constant is not None:
            return bool(np.all(np.asarray(self.constant) > 0.0))
        return self.in_logs or bool(np.all(self._builder.form(self.plain).low > 0.0))


Term: TypeAlias = tuple[Value, float]


class Builder:
    """Builds the list of a statement, operation by operation of its graph."""

    def __init__(self, statement: Statement, low: Floats, high: Floats) -> None:
        self.statement, self.tape = statement, Tape(statement)
        self.graph = statement.graph.nodes
        results = [statement.objective, *(n for row in statement.rows for n in (row.value, row.limit))]
        self._needed = reached_by(self.graph, results)
        self._readers = _readers(self.graph, self._needed)
        self._results = set(results)
        roundings = sum(_is_rounding(self.graph[n]) for n in self._needed)
        count = low.shape[1]
        self._forward = Forward(
            low,
            high,
            np.arange(count),
            np.full((roundings, count), -np.inf),
            np.full((roundings, count), np.inf),
            self.tape.limits,
        )
        self._known: dict[tuple[Any, ...], int] = {}
        self.values: dict[int, Value] = {}

    def build(self) -> Tape:
        """Return the list."""
        with np.errstate(all="ignore"):
            self._inputs()
            held: dict[int, list[tuple[int, bool]]] = {}
            for row in self.statement.rows:
                held.setdefault(row.value, []).append((row.limit, row.at_most))
            for number in self._needed:
                if number not in self.values:
                    self.values[number] = self._value(number, self.graph[number])
                for limit, at_most in held.get(number, ()):
                    if limit not in self.values and self.graph[limit].kind in {"constant", "parameter"}:
                        self.values[limit] = self._value(limit, self.graph[limit])
                    self._hold(self.values[number], self.values.get(limit), at_most=at_most)
            self._finish()
        return self.tape

    # -- slots ----------------------------------------------------------------------------------------------------

    def form(self, slot: int) -> Form:
        """Return the form of a slot on the boxes that enclose the problem."""
        return self._forward.forms[slot]

    def emit(self, operation: Operation, *identity: object) -> int:
        """Return the slot of an operation, new or known by its identity."""
        if identity and identity in self._known:
            return self._known[identity]
        self.tape.operations.append(operation)
        self._forward.step(operation)
        slot = len(self.tape.operations) - 1
        if identity:
            self._known[identity] = slot
        return slot

    def bend(self, curve: Curve, slot: int) -> int:
        """Return the slot of a curve of a slot."""
        return self.emit(Bend(curve, slot), "bend", curve.name, slot)

    def sum(
        self,
        terms: Sequence[tuple[int, Coefficient]],
        constant: Coefficient = 0.0,
        pair: Pair | None = None,
    ) -> int:
        """Return the slot of a sum; sums in it are written out while that keeps it short."""
        while True:
            merged: dict[int, Coefficient] = {}
            opened = False
            for slot, factor in terms:
                operation = self.tape.operations[slot]
                if (
                    isinstance(operation, Sum)
                    and operation.pair is None
                    and pair is None
                    and slot not in self.tape.limits
                    and len(terms) + len(operation.terms) - 1 <= LONGEST_SUM
                    and not opened
                ):
                    opened = True
                    constant = constant + factor * operation.constant
                    for inner, inner_factor in operation.terms:
                        merged[inner] = merged.get(inner, 0.0) + factor * inner_factor
                else:
                    merged[slot] = merged.get(slot, 0.0) + factor
            terms = [(slot, factor) for slot, factor in merged.items() if np.any(np.asarray(factor) != 0.0)]
            if not opened:
                break
        if not terms:
            raise Cancelled(constant)
        if len(terms) == 1 and _is(terms[0][1], 1.0) and _is(constant, 0.0):
            return terms[0][0]
        terms = tuple(sorted(terms))
        return self.emit(
            Sum(terms, constant, pair),
            "sum",
            pair is None,
            tuple((slot, _key(factor)) for slot, factor in terms),
            _key(constant),
        )

    def combine(self, terms: Sequence[Term], *, log: bool = False) -> tuple[list[tuple[int, Coefficient]], Coefficient]:
        """Return terms and constant of a sum of values, or of their logarithms."""
        slots: list[tuple[int, Coefficient]] = []
        constant: Coefficient = 0.0
        for value, factor in terms:
            if value.constant is not None:
                known = np.log(np.maximum(value.constant, curves.TINY)) if log else value.constant
                constant = constant + factor * (float(known) if np.ndim(known) == 0 else known)
            else:
                slots.append((value.log if log else value.plain, factor))
        return slots, constant

    def plainly(self, *terms: Term) -> Value:
        """Return a sum of values."""
        slots, constant = self.combine(terms)
        try:
            return Value(self, plain=self.sum(slots, constant))
        except Cancelled as known:
            return Value(self, constant=known.constant)

    def logarithmically(self, *terms: Term) -> Value:
        """Return a product of powers of values."""
        slots, constant = self.combine(terms, log=True)
        try:
            return Value(self, log=self.sum(slots, constant), in_logs=True)
        except Cancelled as known:
            return Value(self, constant=np.exp(known.constant))

    # -- nodes ----------------------------------------------------------------------------------------------------

    def _inputs(self) -> None:
        statement = self.statement
        slots = [self.emit(Input(axis)) for axis in range(len(statement.coordinates))]
        inputs = {node.payload: n for n, node in enumerate(self.graph) if node.kind == "input"}
        for name, value in statement.fixed.items():
            self.values[inputs[name]] = Value(self, constant=value)
        for slot, c in zip(slots, statement.coordinates, strict=True):
            if not c.logarithmic:
                self.values[inputs[c.variable]] = Value(self, plain=slot)
            elif c.pivot is not None:
                self.values[c.pivot] = Value(self, log=slot, in_logs=True)
                whole = self.values[c.pivot]
                self.values[inputs[c.variable]] = self.plainly(
                    (whole, 1.0 / c.factor), (Value(self, constant=c.offset), -1.0 / c.factor)
                )
            else:
                terms: list[tuple[int, Coefficient]] = [(slot, 1.0)]
                if c.power:
                    size = statement.index(SIZE)
                    assert size is not None
                    terms.append((slots[size], -c.power))
                self.values[inputs[c.variable]] = Value(self, log=self.sum(terms), in_logs=True)

    def _value(self, number: int, node: Node) -> Value:
        statement = self.statement
        if node.kind == "constant":
            return Value(self, constant=float(node.payload))
        if node.kind == "parameter":
            values = statement.parameters[node.payload]
            return Value(self, constant=float(values[0]) if (values == values[0]).all() else values)
        reads = [self.values[read] for read in node.reads]
        if node.kind == "locate":
            return reads[0]
        if all(value.constant is not None for value in reads):
            return Value(self, constant=evaluated(node, [value.constant for value in reads]))
        if node.kind == "ufunc":
            handler: Callable[..., Value] | None = getattr(self, f"_on_{node.payload.__name__}", None)
            if handler is None:
                raise NotBoundedError(f"the model's operation {node.payload.__name__} can not be bounded")
            return handler(number, *reads)
        found: Value = getattr(self, f"_{node.kind}")(node, reads)
        return found

    def _on_add(self, _: int, x: Value, y: Value) -> Value:
        if x.is_zero or y.is_zero:
            return y if x.is_zero else x
        if not (x.in_logs or y.in_logs) or not (x.is_not_negative and y.is_not_negative):
            return self.plainly((x, 1.0), (y, 1.0))
        if self._middle(x) > self._middle(y):
            x, y = y, x
        slots, constant = self.combine(((x, 1.0), (y, -1.0)), log=True)
        try:
            over = self.bend(curves.SOFTPLUS, self.sum(slots, constant))
        except Cancelled as ratio:
            return self.logarithmically((y, 1.0), (Value(self, constant=1.0 + np.exp(ratio.constant)), 1.0))
        pair = Pair("sum", over, self._operand(x, log=True), self._operand(y, log=True))
        slots, constant = self.combine(((y, 1.0),), log=True)
        return Value(self, log=self.sum([(over, 1.0), *slots], constant, pair), in_logs=True)

    def _middle(self, value: Value) -> float:
        """Return a typical logarithm of a value: of the two in a sum the larger is taken out of it."""
        if value.constant is not None:
            return float(np.median(np.log(np.maximum(value.constant, curves.TINY))))
        form = self.form(value.log)
        return float(np.median(np.maximum(form.high, -700.0)))

    def _operand(self, value: Value, *, log: bool) -> Operand:
        if value.constant is not None:
            known = np.log(np.maximum(value.constant, curves.TINY)) if log else value.constant
            return None, float(known) if np.ndim(known) == 0 else known
        return (value.log if log else value.plain), 0.0

    def _on_subtract(self, _: int, x: Value, y: Value) -> Value:
        if y.is_zero:
            return x
        if x.in_logs and y.is_positive:
            slots, constant = self.combine(((y, 1.0), (x, -1.0)), log=True)
            try:
                below = self.sum(slots, constant)
            except Cancelled:
                return self.plainly((x, 1.0), (y, -1.0))
            if bool(np.all(self.form(below).high <= 0.0)):
                over = self.bend(curves.LOG1MEXP, below)
                pair = Pair("difference", over, self._operand(x, log=True), self._operand(y, log=True))
                return Value(self, log=self.sum([(over, 1.0), (x.log, 1.0)], 0.0, pair), in_logs=True)
        return self.plainly((x, 1.0), (y, -1.0))

    def _on_multiply(self, _: int, x: Value, y: Value) -> Value:
        if x.is_zero or y.is_zero:
            return Value(self, constant=0.0)
        if x.constant is not None or y.constant is not None:
            constant, other = (x, y) if x.constant is not None else (y, x)
            if other.in_logs and constant.is_not_negative:
                slot = self.logarithmically((other, 1.0), (constant, 1.0)).log
                return Value(self, plain=lambda: self.sum([(other.plain, constant.constant)]), log=slot, in_logs=True)
            return self._scaled(other, constant)
        if x.is_not_negative and y.is_not_negative:
            return self.logarithmically((x, 1.0), (y, 1.0))
        return Value(self, plain=self.emit(Product(x.plain, y.plain), "product", x.plain, y.plain))

    def _scaled(self, value: Value, constant: Value) -> Value:
        """Return a value times a constant, with what is at hand of its logarithm."""
        log = None
        if value.has_log and constant.is_positive:
            log = lambda: self.logarithmically((value, 1.0), (constant, 1.0)).log  # noqa: E731
        return Value(self, plain=lambda: self.sum([(value.plain, constant.constant)]), log=log)

    def _on_divide(self, _: int, x: Value, y: Value) -> Value:
        if x.is_zero:
            return x
        if y.constant is not None:
            return self._on_multiply(0, x, Value(self, constant=1.0 / y.constant))
        if not y.is_positive:
            raise NotBoundedError("the model divides by what may be zero")
        if x.is_not_negative:
            return self.logarithmically((x, 1.0), (y, -1.0))
        inverse = self.bend(curves.EXP, self.sum([(y.log, -1.0)]))
        if x.constant is not None:
            return Value(self, plain=self.sum([(inverse, x.constant)]))
        return Value(self, plain=self.emit(Product(x.plain, inverse), "product", x.plain, inverse))

    def _on_maximum(self, _: int, x: Value, y: Value) -> Value:
        return self._extreme(x, y, largest=True)

    def _on_minimum(self, _: int, x: Value, y: Value) -> Value:
        return self._extreme(x, y, largest=False)

    def _extreme(self, x: Value, y: Value, *, largest: bool) -> Value:
        log = (x.in_logs or y.in_logs) and x.is_positive and y.is_positive
        slots, constant = self.combine(((x, 1.0), (y, -1.0)), log=log)
        try:
            difference = self.sum(slots, constant)
        except Cancelled as known:
            return self._apart(x, y, known.constant, largest=largest, log=log)
        form = self.form(difference)
        if bool(np.all(form.low >= 0.0)):
            return x if largest else y
        if bool(np.all(form.high <= 0.0)):
            return y if largest else x
        ramp = self.bend(curves.RAMP, difference)
        slots, constant = self.combine(((y if largest else x, 1.0),), log=log)
        pair = Pair("larger" if largest else "smaller", ramp, self._operand(x, log=log), self._operand(y, log=log))
        slot = self.sum([*slots, (ramp, 1.0 if largest else -1.0)], constant, pair)
        return Value(self, log=slot, in_logs=True) if log else Value(self, plain=slot)

    def _apart(self, x: Value, y: Value, apart: Coefficient, *, largest: bool, log: bool) -> Value:
        """Return the larger or smaller of two whose difference is the same for every design."""
        over = np.maximum(apart, 0.0)
        slots, constant = self.combine(((y if largest else x, 1.0),), log=log)
        constant = constant + (over if largest else -over)
        slot = self.sum(slots, float(constant) if np.ndim(constant) == 0 else constant)
        return Value(self, log=slot, in_logs=True) if log else Value(self, plain=slot)

    def _on_exp(self, _: int, x: Value) -> Value:
        return Value(self, log=x.plain, in_logs=True)

    def _on_log(self, _: int, x: Value) -> Value:
        return Value(self, plain=x.log)

    def _on_sqrt(self, _: int, x: Value) -> Value:
        return self.logarithmically((x, 0.5))

    def _on_cbrt(self, _: int, x: Value) -> Value:
        return self.logarithmically((x, 1.0 / 3.0))

    def _on_square(self, number: int, x: Value) -> Value:
        return self._on_multiply(number, x, x)

    def _on_negative(self, _: int, x: Value) -> Value:
        return self.plainly((x, -1.0))

    def _on_expm1(self, _: int, x: Value) -> Value:
        if x.is_not_negative:
            return Value(self, log=self.bend(curves.LOG_EXPM1, x.plain), in_logs=True)
        return Value(self, plain=self.bend(curves.EXPM1, x.plain))

    def _on_log1p(self, number: int, x: Value) -> Value:
        return self._on_log(number, self._on_add(number, x, Value(self, constant=1.0)))

    def _on_sign(self, _: int, x: Value) -> Value:
        if x.is_positive and not (x.in_logs and bool(np.any(self.form(x.log).low < LOG_OF_ZERO))):
            return Value(self, constant=1.0)
        return Value(self, plain=self.emit(Sign(x.plain), "sign", x.plain))

    def _on_ceil(self, number: int, x: Value) -> Value:
        return self._rounded(number, x, up=True)

    def _on_floor(self, number: int, x: Value) -> Value:
        return self._rounded(number, x, up=False)

    def _rounded(self, number: int, x: Value, *, up: bool) -> Value:
        held = not up and self._is_held_at_one(number)
        log = x.in_logs and (up or held or bool(np.all(self.form(x.log).low >= 0.0)))
        place = len(self.tape.roundings)
        free = up and self._is_free(number)
        slot = self.emit(Rounding(x.log if log else x.plain, up, log, free, held, place))
        self.tape.roundings.append(slot)
        return Value(self, log=slot, in_logs=True) if log else Value(self, plain=slot)

    def _table(self, node: Node, reads: list[Value]) -> Value:
        place, row = reads[0], reads[1].constant

        def slot(*, logarithm: bool) -> int:
            ranges = TableRanges(node.payload, logarithm=logarithm)
            return self.emit(
                Table(ranges, place.plain, row), "table", id(node.payload), logarithm, place.plain, _key(row)
            )

        if bool(np.all(node.payload.values > 0.0)):
            return Value(self, plain=lambda: slot(logarithm=False), log=lambda: slot(logarithm=True))
        return Value(self, plain=slot(logarithm=False))

    def _grid(self, node: Node, reads: list[Value]) -> Value:
        x, y, row = reads
        logarithm = y.in_logs
        ranges = GridRanges(node.payload, logarithm=logarithm)
        return Value(
            self,
            plain=self.emit(
                Grid(ranges, self._slot(x), y.log if logarithm else self._slot(y), row.constant, logarithm)
            ),
        )

    def _slot(self, value: Value) -> int:
        """Return the slot of a value, made for it where it is a constant."""
        if value.constant is not None:
            return self.emit(Sum((), value.constant), "sum", True, (), _key(value.constant))
        return value.plain

    def _unit(self, node: Node, reads: list[Value]) -> Value:
        if node.payload.func is SPREAD:
            return Value(self, log=self.bend(curves.LOG_SPREAD, reads[0].plain), in_logs=True)
        return self._equilibrium(*reads)

    def _equilibrium(self, emission: Value, slope: Value, constant: Value, least: Value) -> Value:
        """Return the temperature T with ``emission T^4 = max(constant + slope T, least)``.

        With a, b and m the logarithms of slope, constant and least over emission, ``log T`` is the larger of ``m / 4``
        and ``b / 4 + t``, where t solves ``4 t = log(1 + exp(a - 3 b / 4 + t))``: a curve of one number.
        """
        if not constant.is_positive:
            raise NotBoundedError("a radiator whose heat without leakage may be zero")
        slots, shift = self.combine(((slope, 1.0), (constant, -0.75), (emission, -0.25)), log=True)
        risen = self.bend(curves.BALANCE, self.sum(slots, shift))
        slots, shift = self.combine(((constant, 0.25), (emission, -0.25)), log=True)
        balance = Value(self, log=self.sum([(risen, 1.0), *slots], shift), in_logs=True)
        return self._extreme(balance, self.logarithmically((least, 0.25), (emission, -0.25)), largest=True)

    # -- rules ----------------------------------------------------------------------------------------------------

    def _hold(self, value: Value, limit: Value | None, *, at_most: bool) -> None:
        """End the range of a value at a limit that is the same all over a box: designs beyond are of no interest."""
        if limit is None or limit.constant is None or value.constant is not None:
            return
        if value.in_logs and not limit.is_positive:
            return
        slot = value.log if value.in_logs else value.plain
        if isinstance(self.tape.operations[slot], Input):
            return
        end = np.log(limit.constant) if value.in_logs else np.asarray(limit.constant)
        end = end + (1.0 if at_most else -1.0) * HOLD_SLACK * (1.0 + np.abs(end))
        end = float(end) if np.ndim(end) == 0 else end
        least, most = self.tape.limits.get(slot, (-np.inf, np.inf))
        self.tape.limits[slot] = (least, np.minimum(most, end)) if at_most else (np.maximum(least, end), most)
        self._forward.limit(slot)

    def _finish(self) -> None:
        statement, tape = self.statement, self.tape
        objective = self.values[statement.objective]
        if objective.constant is not None:
            raise NotBoundedError("the objective is the same for every design")
        tape.logarithm = objective.in_logs
        tape.objective = self.sum([(objective.log if objective.in_logs else objective.plain, statement.sign)])
        rows = [
            self._row(row.name, self.values[row.value], self.values[row.limit], at_most=row.at_most)
            for row in statement.rows
        ]
        size = statement.index(SIZE)
        for axis, c in enumerate(statement.coordinates):
            if c.power and size is not None:
                entry = statement.range_of(c.variable)
                slot = self.sum([(axis, 1.0), (size, -c.power)])
                rows.append(Row(f"{c.variable} at least", self.sum([(slot, -1.0)], float(np.log(entry[0]))), 0.0, True))
                rows.append(Row(f"{c.variable} at most", self.sum([(slot, 1.0)], -float(np.log(entry[1]))), 0.0, True))
        tape.rows = tuple(rows)

    def _row(self, name: str, value: Value, limit: Value, *, at_most: bool) -> Row:
        sign = 1.0 if at_most else -1.0
        if value.constant is not None and limit.constant is not None:
            excess = sign * (np.asarray(value.constant) - np.asarray(limit.constant))
            return Row(name, None, float(excess) if np.ndim(excess) == 0 else excess)
        log = (value.in_logs or limit.in_logs) and value.is_positive and limit.is_positive
        slots, constant = self.combine(((value, sign), (limit, -sign)), log=log)
        try:
            return Row(name, self.sum(slots, constant), 0.0, log)
        except Cancelled as known:
            return Row(name, None, known.constant)

    # -- roundings ------------------------------------------------------------------------------------------------

    def _is_free(self, number: int) -> bool:
        """Return whether a variable is read by nothing but what a rounding up reads."""
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


def _is(value: Coefficient, number: float) -> bool:
    return isinstance(value, float) and value == number


def _key(value: Coefficient) -> object:
    return value.tobytes() if isinstance(value, np.ndarray) else float(value)


def _is_rounding(node: Node) -> bool:
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
