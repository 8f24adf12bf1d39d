"""Numbers as people read them: few digits, with the unit of the quantity."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

BILLION, MILLION, THOUSAND = 1e9, 1e6, 1e3
LARGEST_IN_FULL = 1e15
LEAST_WITH_SEPARATORS = 1e4
USD = "USD"
ROUNDINGS = {"down": ROUND_FLOOR, "up": ROUND_CEILING}
_PLAIN = {"-", "count", "fraction", "name"}


def pretty(value: float | str, units: str) -> str:
    """Return a value with its units: money in k, M or B, large counts with separators, four digits otherwise."""
    if isinstance(value, str):
        return value
    if units.startswith(USD):
        return f"{money(value)}{units.removeprefix(USD)}"
    if units == "year":
        return f"{value:.0f}"
    text = number(value)
    return text if units in _PLAIN else f"{text} {units}"


def money(value: float) -> str:
    """Return an amount in USD with three or four digits and a letter for its size."""
    for size, letter in ((BILLION, "B"), (MILLION, "M")):
        if abs(value) >= size:
            return f"{value / size:.4g} {letter}USD"
    if abs(value) >= LEAST_WITH_SEPARATORS:
        return f"{value:,.0f} USD"
    return f"{value:.4g} USD"


def number(value: float) -> str:
    """Return a number with four digits; whole numbers and large ones in full with separators."""
    if not math.isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < LARGEST_IN_FULL:
        return f"{int(value):,}"
    if abs(value) >= THOUSAND:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def precise(
    value: float, units: str, digits: int, toward: str = "", *, like: float | None = None, with_units: bool = True
) -> str:
    """Return an amount with so many digits and its units.

    Parameters
    ----------
    toward : str
        ``down`` or ``up`` for a bound, which has to stay one in its rounded form; otherwise the nearest.
    like : float, optional
        Another amount, with the letter for whose size this one is written.
    with_units : bool
        Whether to name units that have no such letter.
    """
    scale, letter = _scale(value if like is None else like, units)
    text = _rounded(value / scale, digits, toward)
    named = units not in _PLAIN and (with_units or letter)
    return f"{text} {letter}{units}" if named else text


def _scale(value: float, units: str) -> tuple[float, str]:
    if units.startswith(USD):
        for size, letter in ((BILLION, "B"), (MILLION, "M")):
            if abs(value) >= size:
                return size, letter
    return 1.0, ""


def _rounded(value: float, digits: int, toward: str) -> str:
    exact = Decimal(repr(value))
    if not value or not exact.is_finite():
        return f"{value:g}"
    step = Decimal(1).scaleb(exact.adjusted() - digits + 1)
    rounding = ROUNDINGS.get(toward)
    rounded = exact.quantize(step, rounding) if rounding else exact.quantize(step)
    return f"{rounded:,f}" if step <= 1 else f"{int(rounded):,}"
