"""The list of operations while it is built, and the values of the recorded physics as nodes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from dawndusk.optimize.certify.bound.affine import HEAVY, ForwardBounds
from dawndusk.optimize.certify.bound.forms import AffineForm
from dawndusk.optimize.certify.functions import curves
from dawndusk.optimize.certify.functions.curves import Curve
from dawndusk.optimize.certify.graph.operations import (
    Coefficient,
    ExpressionGraph,
    Operand,
    Operation,
    Pair,
    Sum,
    Univariate,
)
from dawndusk.optimize.errors import NotBoundedError

LONGEST_SUM = 10


class CancelledSum(NotBoundedError):  # noqa: N818 (not an error where it is expected)
    """The terms of a sum cancel: it is the constant."""

    def __init__(self, constant: Coefficient) -> None:
        super().__init__("the model has a difference that is the same for every design")
        self.constant = constant


class NodeValue:
    """A node of the graph while the list is built: a constant of each combination, a node, or a node of its logarithm.

    The one that is missing is made when asked for. ``in_logs`` says that it comes from products.
    """

    def __init__(
        self,
        nodes: NodeTable,
        *,
        constant: Coefficient | None = None,
        plain: int | Callable[[], int] | None = None,
        log: int | Callable[[], int] | None = None,
        in_logs: bool = False,
    ) -> None:
        self._nodes, self.constant, self._plain, self._log = nodes, constant, plain, log
        self.in_logs = in_logs

    @property
    def plain(self) -> int:
        """The node of the quantity."""
        if self._plain is None:
            self._plain = self._nodes.univariate(curves.EXP, self.log)
        elif not isinstance(self._plain, int):
            self._plain = self._plain()
        return self._plain

    @property
    def log(self) -> int:
        """The node of its logarithm."""
        if self._log is None:
            self._log = self._nodes.univariate(curves.LOG, self.plain)
        elif not isinstance(self._log, int):
            self._log = self._log()
        return self._log

    @property
    def logarithm(self) -> NodeValue:
        """Its logarithm as a value."""
        if self.constant is None:
            return NodeValue(self._nodes, plain=lambda: self.log)
        known = np.log(np.maximum(self.constant, curves.TINY))
        return NodeValue(self._nodes, constant=float(known) if np.ndim(known) == 0 else known)

    @property
    def made(self) -> tuple[int | None, int | None]:
        """The nodes of the quantity and of its logarithm, None where it is not on the list."""
        plain, log = self._plain, self._log
        return plain if isinstance(plain, int) else None, log if isinstance(log, int) else None

    @property
    def has_log(self) -> bool:
        """Whether its logarithm is known otherwise than by taking it."""
        return self._log is not None

    @property
    def has_plain(self) -> bool:
        """Whether it is known otherwise than by its logarithm."""
        return self._plain is not None

    @property
    def is_zero(self) -> bool:
        """Whether it is zero for every combination."""
        return self.constant is not None and bool(np.all(np.asarray(self.constant) == 0.0))

    @property
    def is_not_negative(self) -> bool:
        """Whether it is zero or above on every box."""
        if self.constant is not None:
            return bool(np.all(np.asarray(self.constant) >= 0.0))
        return self.in_logs or bool(np.all(self._nodes.form(self.plain).low >= 0.0))

    @property
    def may_vanish(self) -> bool:
        """Whether it is known as it is and may be zero, so that its logarithm would say next to nothing."""
        return self.constant is None and not self.has_log and not self.is_positive

    @property
    def is_positive(self) -> bool:
        """Whether it is above zero on every box."""
        if self.constant is not None:
            return bool(np.all(np.asarray(self.constant) > 0.0))
        return self.in_logs or bool(np.all(self._nodes.form(self.plain).low > 0.0))


Term: TypeAlias = tuple[NodeValue, float]


class NodeTable:
    """The operations so far, each worked out on the boxes that enclose the problem as it is added."""

    def __init__(self, graph: ExpressionGraph, forward: ForwardBounds) -> None:
        self.graph, self._forward = graph, forward
        self._known: dict[tuple[object, ...], int] = {}

    def form(self, node: int) -> AffineForm:
        """Return the form of a node on the boxes that enclose the problem."""
        return self._forward.forms[node]

    def settle(self) -> None:
        """Doubt the forms of all operations: see ``ForwardBounds.settle``."""
        self._forward.settle(self.graph.operations)

    def emit(self, operation: Operation, *identity: object) -> int:
        """Return the node of an operation, new or known by its identity."""
        if identity and identity in self._known:
            return self._known[identity]
        self.graph.operations.append(operation)
        self._forward.step(operation)
        node = len(self.graph.operations) - 1
        if identity:
            self._known[identity] = node
        return node

    def univariate(self, curve: Curve, node: int) -> int:
        """Return the node of a curve of a node."""
        return self.emit(Univariate(curve, node), "univariate", curve.name, node)

    def sum(
        self,
        terms: Sequence[tuple[int, Coefficient]],
        constant: Coefficient = 0.0,
        pair: Pair | None = None,
    ) -> int:
        """Return the node of a sum; sums in it are written out while that keeps it short."""
        while True:
            merged: dict[int, Coefficient] = {}
            opened = False
            for node, factor in terms:
                operation = self.graph.operations[node]
                if (
                    isinstance(operation, Sum)
                    and operation.pair is None
                    and pair is None
                    and node not in self.graph.limits
                    and len(terms) + len(operation.terms) - 1 <= LONGEST_SUM
                    and not opened
                ):
                    opened = True
                    constant = constant + factor * operation.constant
                    for inner, inner_factor in operation.terms:
                        merged[inner] = merged.get(inner, 0.0) + factor * inner_factor
                else:
                    merged[node] = merged.get(node, 0.0) + factor
            terms = [(node, factor) for node, factor in merged.items() if np.any(np.asarray(factor) != 0.0)]
            if not opened:
                break
        if not terms:
            raise CancelledSum(constant)
        if len(terms) == 1 and _is(terms[0][1], 1.0) and _is(constant, 0.0):
            return terms[0][0]
        terms = tuple(sorted(terms))
        return self.emit(
            Sum(terms, constant, pair, self._is_heavy(terms)),
            "sum",
            pair is None,
            tuple((node, key_of(factor)) for node, factor in terms),
            key_of(constant),
        )

    def _is_heavy(self, terms: Sequence[tuple[int, Coefficient]]) -> bool:
        """Return whether terms may be so large that the rounding of their sum counts."""
        size = 0.0
        for node, factor in terms:
            form = self.form(node)
            size += float(np.max(np.abs(factor)) * np.max(np.maximum(np.abs(form.low), np.abs(form.high))))
        return not size <= HEAVY  # one that is no number may be any

    def combine(self, terms: Sequence[Term], *, log: bool = False) -> tuple[list[tuple[int, Coefficient]], Coefficient]:
        """Return terms and constant of a sum of values, or of their logarithms."""
        nodes: list[tuple[int, Coefficient]] = []
        constant: Coefficient = 0.0
        for value, factor in terms:
            if value.constant is not None:
                known = np.log(np.maximum(value.constant, curves.TINY)) if log else value.constant
                constant = constant + factor * (float(known) if np.ndim(known) == 0 else known)
            else:
                nodes.append((value.log if log else value.plain, factor))
        return nodes, constant

    def plainly(self, *terms: Term) -> NodeValue:
        """Return a sum of values."""
        nodes, constant = self.combine(terms)
        try:
            return NodeValue(self, plain=self.sum(nodes, constant))
        except CancelledSum as known:
            return NodeValue(self, constant=known.constant)

    def logarithmically(self, *terms: Term) -> NodeValue:
        """Return a product of powers of values."""
        nodes, constant = self.combine(terms, log=True)
        try:
            return NodeValue(self, log=self.sum(nodes, constant), in_logs=True)
        except CancelledSum as known:
            return NodeValue(self, constant=np.exp(known.constant))

    def middle(self, value: NodeValue) -> float:
        """Return a typical logarithm of a value: of the two in a sum the larger is taken out of it."""
        if value.constant is not None:
            return float(np.median(np.log(np.maximum(value.constant, curves.TINY))))
        form = self.form(value.log)
        return float(np.median(np.maximum(form.high, -700.0)))

    def operand(self, value: NodeValue, *, log: bool) -> Operand:
        """Return a value, or its logarithm, as an operand: a node or a constant."""
        if value.constant is not None:
            known = np.log(np.maximum(value.constant, curves.TINY)) if log else value.constant
            return None, float(known) if np.ndim(known) == 0 else known
        return (value.log if log else value.plain), 0.0

    def node(self, value: NodeValue) -> int:
        """Return the node of a value, made for it where it is a constant."""
        if value.constant is not None:
            return self.emit(Sum((), value.constant), "sum", True, (), key_of(value.constant))
        return value.plain

    def limit(self, node: int, end: Coefficient, *, at_most: bool) -> None:
        """End the range of a node on every box."""
        least, most = self.graph.limits.get(node, (-np.inf, np.inf))
        self.graph.limits[node] = (least, np.minimum(most, end)) if at_most else (np.maximum(least, end), most)
        self._forward.limit(node)


def _is(value: Coefficient, number: float) -> bool:
    return isinstance(value, float) and value == number


def key_of(value: Coefficient) -> object:
    """Return what a coefficient is known by among operations."""
    return value.tobytes() if isinstance(value, np.ndarray) else float(value)
