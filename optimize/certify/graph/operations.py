"""What a tape is made of: inputs, sums, curves, look-ups and roundings, each a slot that reads earlier slots only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from dawndusk.optimize.certify.functions.curves import Curve
from dawndusk.optimize.certify.functions.joint import JointFunction
from dawndusk.optimize.certify.functions.lookup import GridRanges, TableRanges
from dawndusk.optimize.certify.graph.statement import Statement

Coefficient: TypeAlias = Any
"""A float, or an array of shape (C,) with one value for each combination of categories."""
ROW_TOLERANCE = 1e-9
"""What a rule may be missed by, relative to its limit: the physics is worked out in floating point."""
Operand: TypeAlias = tuple[int | None, Coefficient]
"""A slot, or where that is None a constant."""


@dataclass(frozen=True, eq=False)
class Input:
    """A coordinate of the search."""

    axis: int


@dataclass(frozen=True, eq=False)
class Pair:
    """What a sum stands for where it is a rising or falling function of two operands, so that its ends are known.

    ``kind`` is ``sum`` or ``difference`` of two that are given in logarithms, or ``larger`` or ``smaller`` of two;
    ``bend`` is the slot of the curve of their difference that makes it. To first order a pair is a mean of its
    operands.
    """

    kind: str
    bend: int
    x: Operand
    y: Operand


@dataclass(frozen=True, eq=False)
class Sum:
    """``constant + sum of coefficient * slot``; with a pair, what that is.

    ``is_heavy`` says that its terms are so large that the rounding of their sum counts.
    """

    terms: tuple[tuple[int, Coefficient], ...]
    constant: Coefficient
    pair: Pair | None = None
    is_heavy: bool = False


@dataclass(frozen=True, eq=False)
class Bend:
    """A curve of one slot."""

    curve: Curve
    slot: int


@dataclass(frozen=True, eq=False)
class Table:
    """A look-up of one slot in a row (float or shape (C,)) of a table."""

    ranges: TableRanges
    slot: int
    row: Coefficient


@dataclass(frozen=True, eq=False)
class Grid:
    """A look-up of two slots in a row of a table; the second is given in its logarithm where ``logarithm``."""

    ranges: GridRanges
    x: int
    y: int
    row: Coefficient
    logarithm: bool = False


@dataclass(frozen=True, eq=False)
class Product:
    """The product of two slots either of which may change its sign."""

    x: int
    y: int


@dataclass(frozen=True, eq=False)
class Joint:
    """A function of several slots that is enclosed as a whole."""

    function: JointFunction
    slots: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Sign:
    """The sign of a slot."""

    slot: int


@dataclass(frozen=True, eq=False)
class Rounding:
    """A slot rounded up or down, both in logarithms where ``logarithm``.

    ``free`` says that a variable read by nothing else can bring the slot to any whole number, so that it is bounded as
    if it did not round: every design has one with the same outcomes whose slot is whole already. ``at_least_one`` says
    that designs whose slot is below one break a rule, so that it is of no interest below.
    """

    slot: int
    up: bool
    logarithm: bool
    free: bool
    at_least_one: bool
    place: int


Operation: TypeAlias = Input | Sum | Bend | Table | Grid | Product | Joint | Sign | Rounding


@dataclass(frozen=True, eq=False)
class Row:
    """A rule or bound: ``slot`` at most zero. Where ``slot`` is None it is ``constant``, the same all over a box.

    It counts as met up to ``tolerance``: 1e-9 of the limit, in a logarithm or in the units of what is compared.
    """

    name: str
    slot: int | None
    constant: Coefficient
    logarithm: bool = False
    tolerance: float = ROW_TOLERANCE


@dataclass(eq=False)
class Tape:
    """The list of a statement.

    Attributes
    ----------
    operations : list
        One for each slot, each reading earlier slots only.
    objective : int
        Slot to make small: the logarithm of the objective where that is positive (``logarithm``), else the objective,
        with the sign that makes it small.
    rows : tuple of Row
        What must be at most zero.
    limits : dict
        Least and greatest value of interest of some slots, floats or shape (C,).
    roundings : list of int
        The slots that round.
    """

    statement: Statement
    operations: list[Operation] = field(default_factory=list)
    objective: int = -1
    logarithm: bool = True
    rows: tuple[Row, ...] = ()
    limits: dict[int, tuple[Coefficient, Coefficient]] = field(default_factory=dict)
    roundings: list[int] = field(default_factory=list)


def here(value: Coefficient, combination: int) -> float:
    """Return a coefficient for one combination."""
    return float(value[combination]) if isinstance(value, np.ndarray) else float(value)


def varies(value: Coefficient, members: Sequence[int]) -> bool:
    """Return whether a coefficient differs between combinations."""
    return isinstance(value, np.ndarray) and bool(np.any(value[list(members)] != value[members[0]]))


def reads(tape: Tape, slot: int) -> tuple[int, ...]:
    """Return the slots that a slot reads."""
    return read_by(tape.operations[slot])


def read_by(operation: Operation) -> tuple[int, ...]:
    """Return the slots that an operation reads."""
    if isinstance(operation, Sum):
        return tuple(inner for inner, _ in operation.terms)
    if isinstance(operation, (Bend, Table, Rounding, Sign)):
        return (operation.slot,)
    if isinstance(operation, (Grid, Product)):
        return operation.x, operation.y
    if isinstance(operation, Joint):
        return operation.slots
    return ()


def operands(tape: Tape, slot: int) -> tuple[int, ...]:
    """Return the slots that the form of a slot is made of: those that it reads, and the operands of a pair."""
    operation = tape.operations[slot]
    if isinstance(operation, Sum) and operation.pair is not None:
        return operation.pair.bend, *(one for one, _ in (operation.pair.x, operation.pair.y) if one is not None)
    return reads(tape, slot)


def reached(tape: Tape, step: Callable[[Tape, int], tuple[int, ...]] = reads) -> list[int]:
    """Return the slots that the objective or a row depends on, step by step, in rising order."""
    stack = [tape.objective, *(row.slot for row in tape.rows if row.slot is not None)]
    seen: set[int] = set()
    while stack:
        slot = stack.pop()
        if slot not in seen:
            seen.add(slot)
            stack.extend(step(tape, slot))
    return sorted(seen | {s for s, o in enumerate(tape.operations) if isinstance(o, Input)})
