"""The rules of a plan: one function per family of rows, named for it.

A function's docstring is the sentence that a person is shown when the rule binds or stands in the way. Its rows carry
its name and the names of what they speak of: ``compute_demand[2031Q2]``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pyomo.environ as pyo
from pyomo.core.expr.numeric_expr import LinearExpression

from dawndusk.optimize.plan.model.frame import Frame

Row = tuple[Any, Any, Any]
"""A label (or a tuple of them), the body, and its range as a pair of low and high, None where there is no end."""


@dataclass(frozen=True)
class Family:
    """A rule by name: its sentence, the units of its limits, and whether a person could relax it.

    What can not be relaxed is arithmetic: what arrives is what was launched. ``unit`` is how many of its units one unit
    of its rows is, which are of order one.
    """

    name: str
    sentence: str
    units: str
    can_give: bool
    write: Callable[[Any, Frame], None]
    unit: Callable[[Frame], float]


FAMILIES: dict[str, Family] = {}
"""Every family by name, in the order in which rows are written."""

Rows = Iterable[Row]
RowFunction = Callable[[Any, Frame], Rows]


def one(_: Frame) -> float:
    """Return the unit of rows that are in the units of their rule."""
    return 1.0


def family(
    units: str = "-", *, can_give: bool = False, unit: Callable[[Frame], float] = one
) -> Callable[[RowFunction], RowFunction]:
    """Register a function that yields the rows of a family."""

    def register(function: RowFunction) -> RowFunction:
        name, sentence = function.__name__, " ".join((function.__doc__ or "").split())

        def write(model: Any, frame: Frame) -> None:
            rows = {label: (body, ends) for label, body, ends in function(model, frame)}
            if rows:
                labels = pyo.Set(initialize=list(rows), dimen=None)
                found = pyo.Constraint(labels, rule=lambda _, *label: _ranged(*rows[_key(label)]))
                model.add_component(name, found)

        FAMILIES[name] = Family(name, sentence, units, can_give, write, unit)
        return function

    return register


def _key(label: tuple[Any, ...]) -> Any:
    return label[0] if len(label) == 1 else label


def _ranged(body: Any, ends: tuple[float | None, float | None]) -> Any:
    low, high = ends
    if low is not None and low == high:
        return body == low
    return (low, body, high)


def linear(terms: Iterable[tuple[float, Any]], constant: float = 0.0) -> Any:
    """Return the sum of a constant and of coefficients times variables."""
    pairs = [(float(c), v) for c, v in terms if c]
    return LinearExpression(constant=constant, linear_coefs=[c for c, _ in pairs], linear_vars=[v for _, v in pairs])


def times(factor: float, terms: Iterable[tuple[float, Any]]) -> list[tuple[float, Any]]:
    """Return terms times a factor."""
    return [(factor * c, v) for c, v in terms]
