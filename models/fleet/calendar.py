"""The periods of a plan, and paths of a quantity over the calendar years."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.programme.cost import spread_factor

Floats = NDArray[np.float64]

QUARTERS = 4
WHOLE = 1e-9


@dataclass(frozen=True)
class YearPath:
    """A quantity over calendar years: straight between stated years, or of constant growth, and level outside them.

    ``years`` increase; ``values`` are of the same length, above zero where growth is constant.
    """

    years: tuple[float, ...]
    values: tuple[float, ...]
    growing: bool = False

    def at(self, year: Floats) -> Floats:
        """Return the values at calendar years, of the shape of ``year``."""
        if self.growing:
            return np.asarray(np.exp(np.interp(year, self.years, np.log(self.values))))
        return np.asarray(np.interp(year, self.years, self.values))


def level(value: float) -> YearPath:
    """Return a path that stays at one value."""
    return YearPath((0.0,), (value,))


@dataclass(frozen=True)
class Calendar:
    """Equal periods of a horizon, and further ones after it in which what was launched still serves.

    Period p begins ``p * length_years`` after the start of ``first_year``; decisions are made in the first ``periods``.
    """

    first_year: int
    years: int
    steps_per_year: int
    tail_periods: int = 0

    @property
    def length_years(self) -> float:
        """Return the length of a period."""
        return 1.0 / self.steps_per_year

    @property
    def periods(self) -> int:
        """Return the number of periods in which something can be decided."""
        return self.years * self.steps_per_year

    @property
    def all_periods(self) -> int:
        """Return the number of periods in which something can serve."""
        return self.periods + self.tail_periods

    @property
    def begins_years(self) -> Floats:
        """Return when each period begins, the tail included, in years from the start; shape (all periods,)."""
        return np.asarray(np.arange(self.all_periods) * self.length_years, dtype=np.float64)

    @property
    def middles(self) -> Floats:
        """Return the calendar time in the middle of each period, the tail included."""
        return self.first_year + self.begins_years + self.length_years / 2

    @property
    def year_middles(self) -> Floats:
        """Return the calendar time in the middle of each year of the horizon."""
        return np.asarray(self.first_year + np.arange(self.years) + 1 / 2, dtype=np.float64)

    @property
    def year_of(self) -> NDArray[np.intp]:
        """Return the number of the year of each period, the tail included."""
        return np.arange(self.all_periods) // self.steps_per_year

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the names of the periods of the horizon and its tail: 2031, or 2031Q2."""
        return tuple(self.label(period) for period in range(self.all_periods))

    @property
    def year_labels(self) -> tuple[str, ...]:
        """Return the names of the years of the horizon."""
        return tuple(str(self.first_year + year) for year in range(self.years))

    def label(self, period: int) -> str:
        """Return the name of one period."""
        year, part = divmod(period, self.steps_per_year)
        if self.steps_per_year == 1:
            return str(self.first_year + year)
        letter = "Q" if self.steps_per_year == QUARTERS else "P"
        return f"{self.first_year + year}{letter}{part + 1}"

    def period_at(self, year: float) -> int:
        """Return the first period that begins at or after a calendar time, at least zero."""
        return max(int(np.ceil((year - self.first_year) * self.steps_per_year - WHOLE)), 0)

    def spread_discounts(self, rate_per_year: float) -> Floats:
        """Return the discount on what is spread evenly over each period, the tail included."""
        within = float(spread_factor(rate_per_year * self.length_years))
        return np.asarray(np.exp(-rate_per_year * self.begins_years) * within)

    def year_discounts(self, rate_per_year: float) -> Floats:
        """Return the discount on what is spread evenly over each year of the horizon."""
        return np.asarray(np.exp(-rate_per_year * np.arange(self.years)) * float(spread_factor(rate_per_year)))
