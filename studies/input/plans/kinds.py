"""Words that a plan is stated with."""

from __future__ import annotations

from enum import StrEnum


class Step(StrEnum):
    """How long the periods of a plan are."""

    YEAR = "year"
    QUARTER = "quarter"

    @property
    def steps_per_year(self) -> int:
        """Return how many of them a year has."""
        return 4 if self is Step.QUARTER else 1
