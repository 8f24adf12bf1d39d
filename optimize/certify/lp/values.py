"""The exact value of every node of a graph at one point, as the physics computes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.certify.graph.operations import (
    ExpressionGraph,
    Grid,
    Input,
    Joint,
    Product,
    Rounding,
    Sign,
    Sum,
    Table,
    Univariate,
    here,
)

Floats: TypeAlias = NDArray[np.float64]


def values_at(graph: ExpressionGraph, combination: int, point: Floats) -> Floats:
    """Return the exact value of every node at coordinates ``point`` of shape (d,)."""
    values: list[float] = []
    with np.errstate(all="ignore"):
        for operation in graph.operations:
            values.append(_value(operation, values, combination, point))
    return np.array(values)


def _value(  # noqa: PLR0911 (one for each operation)
    operation: object, values: Sequence[float] | Floats, combination: int, point: Floats
) -> float:
    if isinstance(operation, Input):
        return float(point[operation.axis])
    if isinstance(operation, Sum):
        terms = (values[inner] * here(factor, combination) for inner, factor in operation.terms)
        return here(operation.constant, combination) + sum(terms)
    if isinstance(operation, Univariate):
        return float(operation.curve.value(np.float64(values[operation.node])))
    if isinstance(operation, Table):
        row = round(here(operation.row, combination))
        return float(operation.ranges.at(np.float64(values[operation.node]), row))
    if isinstance(operation, Grid):
        row = round(here(operation.row, combination))
        return float(operation.ranges.at(np.float64(values[operation.x]), np.float64(values[operation.y]), row))
    if isinstance(operation, Product):
        return values[operation.x] * values[operation.y]
    if isinstance(operation, Sign):
        return float(np.sign(values[operation.node]))
    if isinstance(operation, Joint):
        return float(operation.function.value(np.array([[values[inner]] for inner in operation.nodes]))[0])
    assert isinstance(operation, Rounding)
    return rounded(operation, values[operation.node])


def exact_at(graph: ExpressionGraph, combination: int, node: int, values: Floats) -> float:
    """Return what a node would be in the physics at the values of what it reads."""
    operation = graph.operations[node]
    if isinstance(operation, Rounding) and operation.free:
        return float(values[node])
    with np.errstate(all="ignore"):
        return _value(operation, values, combination, values)


def rounded(operation: Rounding, inner: float) -> float:
    """Return a number rounded as the physics does it."""
    plain = float(np.exp(min(inner, 700.0))) if operation.logarithm else inner
    nearest = float(np.ceil(plain) if operation.up else np.floor(plain))
    if operation.logarithm or operation.at_least_one:
        nearest = max(nearest, 1.0)
    return float(np.log(nearest)) if operation.logarithm else nearest
