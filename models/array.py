"""The number type of the physics, and functions whose direction in every argument is known.

A physics function takes a float, an array or any other type that answers NumPy's ufunc protocol. Look-ups,
root-finding and quadrature are not ufuncs: they are declared ``monotone`` instead, with the direction of each
argument, so that an array type which carries ranges can evaluate them exactly at the two extreme corners.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, Protocol, TypeAlias, TypeVar, cast, runtime_checkable

import numpy as np

Array: TypeAlias = Any
"""A float, a NumPy array, or a type that answers NumPy's ufunc protocol."""


def is_stated(value: Array) -> bool:
    """Return whether an amount is stated, where zero means that it is not: it decides which terms there are.

    A term of a recording stands for stated amounts only.

    Raises
    ------
    ValueError
        For a column that holds zeros beside other numbers: ``evaluate`` runs such designs apart.
    """
    if not isinstance(value, int | float | np.number | np.ndarray):
        return True
    if isinstance(value, float):
        return value != 0.0
    stated = np.asarray(value) != 0.0
    if stated.any() and not stated.all():
        raise ValueError("an amount that is stated for some designs and not for others needs an evaluation of each")
    return bool(stated.all())


P = ParamSpec("P")
R = TypeVar("R")


@runtime_checkable
class CarriesRanges(Protocol):
    """An array type that evaluates a monotone function itself, for example an interval."""

    def __monotone_call__(
        self, function: Callable[..., Any], directions: dict[str, str], arguments: dict[str, Any]
    ) -> Any:
        """Evaluate ``function`` knowing that it rises (``+``) or falls (``-``) in each named argument."""


def monotone(**directions: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declare the direction of a function in each argument: ``+`` rises, ``-`` falls, not always strictly.

    Arguments without a direction must be exact (not ranges). The declaration is checked by property tests on
    every decorated function (see ``MONOTONE_FUNCTIONS``).
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        names = function.__code__.co_varnames[: function.__code__.co_argcount]

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            for value in (*args, *kwargs.values()):
                if hasattr(value, "__monotone_call__"):
                    bound = {**dict(zip(names, args, strict=False)), **kwargs}
                    return cast("R", value.__monotone_call__(function, directions, bound))
            return function(*args, **kwargs)

        MONOTONE_FUNCTIONS[full_name(function)] = (call, directions)
        return call

    return decorate


MONOTONE_FUNCTIONS: dict[str, tuple[Callable[..., Any], dict[str, str]]] = {}
"""Every declared function by its full name, for the property tests and for range arithmetic."""


def bounded_whole(function: Callable[P, R]) -> Callable[P, R]:
    """Declare that a ``monotone`` function has to be bounded as a whole, as one operation of the recording.

    Step by step its bounds would forget what its steps have in common. Whoever bounds the recording knows an enclosure
    of every such function by its name (see ``BOUNDED_WHOLE``), or refuses the model.
    """
    BOUNDED_WHOLE[full_name(function)] = function
    return function


BOUNDED_WHOLE: dict[str, Callable[..., Any]] = {}
"""Every function that asks for an enclosure of its own, by its full name."""


def full_name(function: Callable[..., Any]) -> str:
    """Return the name by which a declared function is known, ``module.function``."""
    return f"{function.__module__}.{function.__qualname__}"
