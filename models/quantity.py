"""One believed value: what is declared of it, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

LARGEST = 1e15
"""No amount of money, mass or anything else that is believed is larger; beyond it sums lose their meaning."""


def quantity(units: str, meaning: str, minimum: float = 0.0, maximum: float = LARGEST) -> Any:
    """Declare a field of an assumption group: its units, its meaning and the domain of its values."""
    return field(metadata={"units": units, "meaning": meaning, "minimum": minimum, "maximum": maximum})


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """One believed value and where it comes from."""

    value: float
    units: str
    low: float | None
    high: float | None
    source: str
    url: str
    year: int
    confidence: str
    note: str
