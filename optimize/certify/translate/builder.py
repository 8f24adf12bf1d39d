"""The recorded physics as a list of sums and curves: sums are exact, curves are functions of one number.

In logarithms a product is a sum, and a sum is ``y + log(1 + exp(x - y))``: a curve of a difference. So the whole model
comes down to linear combinations, some twenty kinds of curve, a few look-ups, and roundings. Everything that bounds it
reads this list: the exact search encloses every curve between lines and adds up, the mixed-integer model cuts curves
into pieces. What may be zero or change its sign is carried as it is; which of the two is decided once, on the boxes
that enclose the whole problem.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.recording.trace import reached_by
from dawndusk.optimize.certify.bound.affine import Forward
from dawndusk.optimize.certify.graph.operations import ROW_TOLERANCE, Coefficient, Input, Row, Tape
from dawndusk.optimize.certify.graph.statement import SIZE, Statement
from dawndusk.optimize.certify.translate.nodes import Translation, is_rounding
from dawndusk.optimize.certify.translate.slots import Cancelled, Slots, Value
from dawndusk.optimize.errors import NotBoundedError

Floats: TypeAlias = NDArray[np.float64]
HOLD_SLACK = 1e-9


class Builder:
    """Builds the list of a statement, operation by operation of its graph.

    Attributes
    ----------
    needed : list of int
        The nodes that the objective and the rules depend on.
    values : dict of int to Value
        What each of them comes to.
    """

    def __init__(self, statement: Statement, low: Floats, high: Floats) -> None:
        self.statement, self.tape = statement, Tape(statement)
        self.graph = statement.graph.nodes
        results = [statement.objective, *(n for row in statement.rows for n in (row.value, row.limit))]
        self.needed = reached_by(self.graph, results)
        self.values: dict[int, Value] = {}
        roundings = sum(is_rounding(self.graph[n]) for n in self.needed)
        count = low.shape[1]
        nothing = np.full((roundings, count), -np.inf), np.full((roundings, count), np.inf)
        self.slots = Slots(self.tape, Forward(low, high, np.arange(count), *nothing, self.tape.limits))
        self._translation = Translation(statement, self.slots, self.needed, results)

    def build(self) -> Tape:
        """Return the list."""
        with np.errstate(all="ignore"):
            self._inputs()
            held: dict[int, list[tuple[int, bool]]] = {}
            for row in self.statement.rows:
                held.setdefault(row.value, []).append((row.limit, row.at_most))
            for number in self.needed:
                if number not in self.values:
                    self.values[number] = self._translation.value(number, self.values)
                for limit, at_most in held.get(number, ()):
                    if limit not in self.values and self.graph[limit].kind in {"constant", "parameter"}:
                        self.values[limit] = self._translation.value(limit, self.values)
                    self._hold(self.values[number], self.values.get(limit), at_most=at_most)
            self._finish()
            self.slots.settle()
        return self.tape

    def _inputs(self) -> None:
        statement = self.statement
        slots = [self.slots.emit(Input(axis)) for axis in range(len(statement.coordinates))]
        inputs = {node.payload: n for n, node in enumerate(self.graph) if node.kind == "input"}
        for name, value in statement.fixed.items():
            self.values[inputs[name]] = Value(self.slots, constant=value)
        for slot, c in zip(slots, statement.coordinates, strict=True):
            if not c.logarithmic:
                self.values[inputs[c.variable]] = Value(self.slots, plain=slot)
            elif c.pivot is not None:
                self.values[c.pivot] = Value(self.slots, log=slot, in_logs=True)
                whole = self.values[c.pivot]
                self.values[inputs[c.variable]] = self.slots.plainly(
                    (whole, 1.0 / c.factor), (Value(self.slots, constant=c.offset), -1.0 / c.factor)
                )
            else:
                terms: list[tuple[int, Coefficient]] = [(slot, 1.0)]
                if c.power:
                    size = statement.index(SIZE)
                    assert size is not None
                    terms.append((slots[size], -c.power))
                self.values[inputs[c.variable]] = Value(self.slots, log=self.slots.sum(terms), in_logs=True)

    def _hold(self, value: Value, limit: Value | None, *, at_most: bool) -> None:
        """End the range of a value at a limit that is the same all over a box: designs beyond are of no interest.

        It ends a little beyond the limit, by what rows forgive (test_a_limit_ends_the_range_of_a_value).
        """
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
        self.slots.limit(slot, end, at_most=at_most)

    def _finish(self) -> None:
        statement, tape = self.statement, self.tape
        objective = self.values[statement.objective]
        if objective.constant is not None:
            raise NotBoundedError("the objective is the same for every design")
        tape.logarithm = objective.in_logs
        tape.objective = self.slots.sum([(objective.log if objective.in_logs else objective.plain, statement.sign)])
        rows = [
            self._row(row.name, self.values[row.value], self.values[row.limit], at_most=row.at_most)
            for row in statement.rows
        ]
        size = statement.index(SIZE)
        for axis, c in enumerate(statement.coordinates):
            if c.power and size is not None:
                entry = statement.range_of(c.variable)
                slot = self.slots.sum([(axis, 1.0), (size, -c.power)])
                rows.append(
                    Row(f"{c.variable} at least", self.slots.sum([(slot, -1.0)], float(np.log(entry[0]))), 0.0, True)
                )
                rows.append(
                    Row(f"{c.variable} at most", self.slots.sum([(slot, 1.0)], -float(np.log(entry[1]))), 0.0, True)
                )
        tape.rows = tuple(rows)

    def _row(self, name: str, value: Value, limit: Value, *, at_most: bool) -> Row:
        sign = 1.0 if at_most else -1.0
        known = [float(np.max(np.abs(side.constant))) for side in (value, limit) if side.constant is not None]
        tolerance = ROW_TOLERANCE * max(1.0, *known, 0.0)
        if value.constant is not None and limit.constant is not None:
            excess = sign * (np.asarray(value.constant) - np.asarray(limit.constant))
            return Row(name, None, float(excess) if np.ndim(excess) == 0 else excess, tolerance=tolerance)
        log = (value.in_logs or limit.in_logs) and value.is_positive and limit.is_positive
        slots, constant = self.slots.combine(((value, sign), (limit, -sign)), log=log)
        if log:
            tolerance = ROW_TOLERANCE
        try:
            return Row(name, self.slots.sum(slots, constant), 0.0, log, tolerance)
        except Cancelled as cancelled:
            return Row(name, None, cancelled.constant, tolerance=tolerance)
