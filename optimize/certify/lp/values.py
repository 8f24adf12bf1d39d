"""The exact value of every slot of a tape at one point, as the physics computes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.certify.graph.operations import (
    Bend,
    Grid,
    Input,
    Joint,
    Product,
    Rounding,
    Sign,
    Sum,
    Table,
    Tape,
    here,
)

Floats: TypeAlias = NDArray[np.float64]


def values_at(tape: Tape, combination: int, point: Floats) -> Floats:
    """Return the exact value of every slot at coordinates ``point`` of shape (d,)."""
    values: list[float] = []
    with np.errstate(all="ignore"):
        for operation in tape.operations:
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
    if isinstance(operation, Bend):
        return float(operation.curve.value(np.float64(values[operation.slot])))
    if isinstance(operation, Table):
        row = round(here(operation.row, combination))
        return float(operation.ranges.at(np.float64(values[operation.slot]), row))
    if isinstance(operation, Grid):
        row = round(here(operation.row, combination))
        return float(operation.ranges.at(np.float64(values[operation.x]), np.float64(values[operation.y]), row))
    if isinstance(operation, Product):
        return values[operation.x] * values[operation.y]
    if isinstance(operation, Sign):
        return float(np.sign(values[operation.slot]))
    if isinstance(operation, Joint):
        return float(operation.function.value(np.array([[values[inner]] for inner in operation.slots]))[0])
    assert isinstance(operation, Rounding)
    return rounded(operation, values[operation.slot])


def exact_at(tape: Tape, combination: int, slot: int, values: Floats) -> float:
    """Return what a slot would be in the physics at the values of what it reads."""
    operation = tape.operations[slot]
    if isinstance(operation, Rounding) and operation.free:
        return float(values[slot])
    with np.errstate(all="ignore"):
        return _value(operation, values, combination, values)


def rounded(operation: Rounding, inner: float) -> float:
    """Return a number rounded as the physics does it."""
    plain = float(np.exp(min(inner, 700.0))) if operation.logarithm else inner
    nearest = float(np.ceil(plain) if operation.up else np.floor(plain))
    if operation.logarithm or operation.at_least_one:
        nearest = max(nearest, 1.0)
    return float(np.log(nearest)) if operation.logarithm else nearest
