"""Enclosures of the model's own functions: each is registered here, beside its definition, under the function's name.

A function that ``models`` declares ``bounded_whole`` is recorded as one operation. What encloses it says how its result
is made of what is known to be bounded: products of powers, curves of one number, functions of several numbers. One
without an enclosure is refused by name; there is no other way in which it would be bounded instead.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from dawndusk.models.array import BOUNDED_WHOLE, full_name
from dawndusk.models.physics.reliability import share_served
from dawndusk.models.physics.thermal import equilibrium_temperature_k
from dawndusk.models.programme.cost import spread_factor
from dawndusk.optimize.certify.functions.curves import BALANCE, LOG_SPREAD, LOG_SPREAD_EXP, Curve
from dawndusk.optimize.certify.functions.joint import LOGS, JointFunction, LogServed
from dawndusk.optimize.errors import NotBoundedError, UnenclosedError
from dawndusk.optimize.problem import Problem


class EnclosedQuantity(Protocol):
    """A quantity of the recording: ``in_logs`` where its logarithm is what is known of it."""

    in_logs: bool

    @property
    def is_positive(self) -> bool:
        """Whether it is above zero at every design."""

    @property
    def logarithm(self) -> Any:
        """Its logarithm, a quantity as well."""


Q = TypeVar("Q", bound=EnclosedQuantity)


class Algebra(Protocol[Q]):
    """What results are made of; ``problem`` is what is asked, for the words of a refusal."""

    @property
    def problem(self) -> Problem:
        """The problem whose recording is bounded."""

    def power_product(self, *powers: tuple[Q, float]) -> Q:
        """Return a product of powers of quantities."""

    def exp_of_curve(self, curve: Curve, x: Q) -> Q:
        """Return the exponential of a curve of a quantity."""

    def exp_of_joint(self, function: JointFunction, arguments: Sequence[Q]) -> Q:
        """Return the exponential of a function of several quantities."""

    def larger(self, x: Q, y: Q) -> Q:
        """Return the larger of two quantities."""


Build = Callable[[Algebra[Any], Sequence[Any], Mapping[str, Any]], Any]
"""Makes the result from the algebra, the arguments that were recorded, and the exact ones by name."""
B = TypeVar("B", bound=Build)


@dataclass(frozen=True)
class Enclosure:
    """How a function is enclosed. ``of_one_number`` says that it is by curves of one number alone.

    The linear models of the second bound are cut out of such curves only.
    """

    build: Build
    of_one_number: bool


ENCLOSURES: dict[str, Enclosure] = {}
"""The enclosure of each function by its full name."""


def encloses(function: Callable[..., Any], *, of_one_number: bool) -> Callable[[B], B]:
    """Register what encloses a function of the model that is declared ``bounded_whole``.

    Raises
    ------
    ValueError
        For a function that is not declared so, or that has an enclosure already.
    """
    name = full_name(inspect.unwrap(function))

    def register(build: B) -> B:
        if name not in BOUNDED_WHOLE:
            raise ValueError(f"{name}: found no declaration bounded_whole; allowed: {', '.join(sorted(BOUNDED_WHOLE))}")
        if name in ENCLOSURES:
            raise ValueError(f"{name}: found a second enclosure; allowed: one")
        ENCLOSURES[name] = Enclosure(build, of_one_number)
        return build

    return register


def enclosure_of(function: Callable[..., Any]) -> Enclosure:
    """Return the enclosure of a function of the model.

    Raises
    ------
    UnenclosedError
        Where none is registered.
    """
    name = full_name(inspect.unwrap(function))
    found = ENCLOSURES.get(name)
    if found is None:
        raise UnenclosedError(
            f"{name}: found no enclosure of this function; allowed in a certificate: {', '.join(sorted(ENCLOSURES))}, "
            "or one registered with functions.enclosures.encloses"
        )
    return found


def bounded_as_a_whole() -> tuple[Callable[..., Any], ...]:
    """Return the functions that a certificate records as one operation: all that are declared so."""
    return tuple(BOUNDED_WHOLE.values())


def bounded_by_curves() -> tuple[Callable[..., Any], ...]:
    """Return those that linear models record as one operation: all but those enclosed as functions of several numbers.

    Without an enclosure they are among them: the model is refused, not bounded step by step.
    """
    return tuple(
        function for name, function in BOUNDED_WHOLE.items() if name not in ENCLOSURES or ENCLOSURES[name].of_one_number
    )


@encloses(spread_factor, of_one_number=True)
def spread(algebra: Algebra[Q], reads: Sequence[Q], _: Mapping[str, Any]) -> Q:
    """Return ``(1 - exp(-x)) / x``: a convex curve of x in its logarithm, a concave one of log x."""
    (rate_years,) = reads
    if rate_years.in_logs:
        return algebra.exp_of_curve(LOG_SPREAD_EXP, rate_years.logarithm)
    return algebra.exp_of_curve(LOG_SPREAD, rate_years)


@encloses(share_served, of_one_number=False)
def served(algebra: Algebra[Q], reads: Sequence[Q], exact: Mapping[str, Any]) -> Q:
    """Return the share that is served over a life: see ``LogServed``."""
    arguments = [value.logarithm if place in LOGS else value for place, value in enumerate(reads)]
    return algebra.exp_of_joint(LogServed(exact["wear_exponent"]), arguments)


@encloses(equilibrium_temperature_k, of_one_number=True)
def equilibrium(algebra: Algebra[Q], reads: Sequence[Q], _: Mapping[str, Any]) -> Q:
    """Return the temperature T with ``emission T^4 = max(constant + slope T, least)``.

    With a, b and m the logarithms of slope, constant and least over emission, ``log T`` is the larger of ``m / 4`` and
    ``b / 4 + t``, where t solves ``4 t = log(1 + exp(a - 3 b / 4 + t))``: a curve of one number
    (test_the_balance_is_the_temperature_of_the_model).
    """
    emission, slope, constant, least = reads
    if not constant.is_positive:
        raise NotBoundedError(_too_leaky(algebra.problem))
    rise = algebra.power_product((slope, 1.0), (constant, -0.75), (emission, -0.25))
    risen = algebra.exp_of_curve(BALANCE, rise.logarithm)
    balance = algebra.power_product((risen, 1.0), (constant, 0.25), (emission, -0.25))
    return algebra.larger(balance, algebra.power_product((least, 0.25), (emission, -0.25)))


def _too_leaky(problem: Problem) -> str:
    """Return what is to be said of a radiator whose heat, less what grows with its temperature, may be zero.

    Above some leakage the heat of a chip drawn on as a straight line is negative at 0 K. Then a radiator may have two
    temperatures that carry its heat, and which one it has is no curve of one number.
    """
    believed, found = problem.assumptions, []
    for combination in problem.combinations():
        name = combination["accelerator"]
        row, radiator = believed.accelerators[name], believed.radiators[combination["radiator"]]
        rise = row.thermal_resistance_k_w * row.chip_power_w
        below = believed.thermal.junction_reference_k + radiator.lift_k - believed.thermal.loop_rise_k
        most = row.it_power_w / (row.chip_power_w * (below - rise) + row.it_power_w * rise)
        if 0.0 < most <= row.leakage_per_k:
            found.append((most, name, combination["radiator"], row.leakage_per_k))
    if not found:
        return "a radiator whose heat without leakage may be zero can not be bounded"
    most, name, radiator_name, leakage = min(found)
    return (
        f"accelerators.{name}.leakage_per_k: found {leakage:g}; allowed for a certificate: below {most:.3g}, beyond "
        f"which a radiator ({radiator_name}) may have two temperatures that carry its heat"
    )
