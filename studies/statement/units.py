"""Numbers as people read them: few digits, with the unit of the quantity."""

from __future__ import annotations

import math

BILLION, MILLION, THOUSAND = 1e9, 1e6, 1e3
LARGEST_IN_FULL = 1e15
LEAST_WITH_SEPARATORS = 1e4
USD = "USD"
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
