"""Amounts of a plan in words."""

from __future__ import annotations

BILLION = 1e9


def amount(value: float, units: str) -> str:
    """Return a number with its units, money in billions."""
    return f"{value / BILLION:,.4g} billion USD" if units == "USD" else f"{value:,.5g} {units}"


def billions(value: float | None) -> str:
    """Return money in billions, nothing for none."""
    return "" if value is None else f"{value / BILLION:,.3f}"


def share(value: float | None) -> str:
    """Return a share in percent, nothing for none."""
    return "" if value is None else f"{value:.2%}"
