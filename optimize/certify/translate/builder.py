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
from dawndusk.optimize.certify.bound.affine import ForwardBounds
from dawndusk.optimize.certify.graph.operations import ROW_TOLERANCE, Coefficient, ExpressionGraph, GraphRow, Input
from dawndusk.optimize.certify.graph.statement import SIZE, Statement
from dawndusk.optimize.certify.translate.node_table import CancelledSum, NodeTable, NodeValue
from dawndusk.optimize.certify.translate.nodes import Translation, is_rounding
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
        self.statement, self.graph = statement, ExpressionGraph(statement)
        self.recorded = statement.recording.nodes
        results = [statement.objective, *(n for row in statement.rows for n in (row.value, row.limit))]
        self.needed = reached_by(self.recorded, results)
        self.values: dict[int, NodeValue] = {}
        roundings = sum(is_rounding(self.recorded[n]) for n in self.needed)
        count = low.shape[1]
        nothing = np.full((roundings, count), -np.inf), np.full((roundings, count), np.inf)
        self.nodes = NodeTable(self.graph, ForwardBounds(low, high, np.arange(count), *nothing, self.graph.limits))
        self._translation = Translation(statement, self.nodes, self.needed, results)

    def build(self) -> ExpressionGraph:
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
                    if limit not in self.values and self.recorded[limit].kind in {"constant", "parameter"}:
                        self.values[limit] = self._translation.value(limit, self.values)
                    self._hold(self.values[number], self.values.get(limit), at_most=at_most)
            self._finish()
            self.nodes.settle()
        return self.graph

    def _inputs(self) -> None:
        statement = self.statement
        nodes = [self.nodes.emit(Input(axis)) for axis in range(len(statement.coordinates))]
        inputs = {recorded.payload: n for n, recorded in enumerate(self.recorded) if recorded.kind == "input"}
        for name, value in statement.fixed.items():
            self.values[inputs[name]] = NodeValue(self.nodes, constant=value)
        for node, c in zip(nodes, statement.coordinates, strict=True):
            if not c.logarithmic:
                self.values[inputs[c.variable]] = NodeValue(self.nodes, plain=node)
            elif c.pivot is not None:
                self.values[c.pivot] = NodeValue(self.nodes, log=node, in_logs=True)
                whole = self.values[c.pivot]
                self.values[inputs[c.variable]] = self.nodes.plainly(
                    (whole, 1.0 / c.factor), (NodeValue(self.nodes, constant=c.offset), -1.0 / c.factor)
                )
            else:
                terms: list[tuple[int, Coefficient]] = [(node, 1.0)]
                if c.power:
                    size = statement.index(SIZE)
                    assert size is not None
                    terms.append((nodes[size], -c.power))
                self.values[inputs[c.variable]] = NodeValue(self.nodes, log=self.nodes.sum(terms), in_logs=True)

    def _hold(self, value: NodeValue, limit: NodeValue | None, *, at_most: bool) -> None:
        """End the range of a value at a limit that is the same all over a box: designs beyond are of no interest.

        It ends a little beyond the limit, by what rows forgive (test_a_limit_ends_the_range_of_a_value).
        """
        if limit is None or limit.constant is None or value.constant is not None:
            return
        if value.in_logs and not limit.is_positive:
            return
        node = value.log if value.in_logs else value.plain
        if isinstance(self.graph.operations[node], Input):
            return
        end = np.log(limit.constant) if value.in_logs else np.asarray(limit.constant)
        end = end + (1.0 if at_most else -1.0) * HOLD_SLACK * (1.0 + np.abs(end))
        end = float(end) if np.ndim(end) == 0 else end
        self.nodes.limit(node, end, at_most=at_most)

    def _finish(self) -> None:
        statement, graph = self.statement, self.graph
        objective = self.values[statement.objective]
        if objective.constant is not None:
            raise NotBoundedError("the objective is the same for every design")
        graph.logarithm = objective.in_logs
        graph.objective = self.nodes.sum([(objective.log if objective.in_logs else objective.plain, statement.sign)])
        rows = [
            self._row(row.name, self.values[row.value], self.values[row.limit], at_most=row.at_most)
            for row in statement.rows
        ]
        size = statement.index(SIZE)
        for axis, c in enumerate(statement.coordinates):
            if c.power and size is not None:
                entry = statement.range_of(c.variable)
                node = self.nodes.sum([(axis, 1.0), (size, -c.power)])
                rows.append(
                    GraphRow(
                        f"{c.variable} at least", self.nodes.sum([(node, -1.0)], float(np.log(entry[0]))), 0.0, True
                    )
                )
                rows.append(
                    GraphRow(
                        f"{c.variable} at most", self.nodes.sum([(node, 1.0)], -float(np.log(entry[1]))), 0.0, True
                    )
                )
        graph.rows = tuple(rows)

    def _row(self, name: str, value: NodeValue, limit: NodeValue, *, at_most: bool) -> GraphRow:
        sign = 1.0 if at_most else -1.0
        known = [float(np.max(np.abs(side.constant))) for side in (value, limit) if side.constant is not None]
        tolerance = ROW_TOLERANCE * max(1.0, *known, 0.0)
        if value.constant is not None and limit.constant is not None:
            excess = sign * (np.asarray(value.constant) - np.asarray(limit.constant))
            return GraphRow(name, None, float(excess) if np.ndim(excess) == 0 else excess, tolerance=tolerance)
        log = (value.in_logs or limit.in_logs) and value.is_positive and limit.is_positive
        nodes, constant = self.nodes.combine(((value, sign), (limit, -sign)), log=log)
        if log:
            tolerance = ROW_TOLERANCE
        try:
            return GraphRow(name, self.nodes.sum(nodes, constant), 0.0, log, tolerance)
        except CancelledSum as cancelled:
            return GraphRow(name, None, cancelled.constant, tolerance=tolerance)
