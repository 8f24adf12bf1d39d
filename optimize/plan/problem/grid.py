"""The grid's room for ground capacity: what is connected stays so, and new accelerators take over from old ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.fleet.calendar import YearPath
from dawndusk.models.fleet.economy import Economy
from dawndusk.models.fleet.fleet import KW_PER_MW, over_time

Floats = NDArray[np.float64]


def staying(economy: Economy) -> Floats:
    """Return the share of ground capacity that is there at the end of a period, j periods after its begin, shape (J,).

    It begins evenly over its period and lives as long as its accelerators.
    """
    length, life = economy.calendar.length_years, economy.assumptions.ground.it_life_years
    return np.asarray(np.clip(life / length - np.arange(economy.calendar.periods), 0.0, 1.0))


def connected_mw(economy: Economy, ground: Floats) -> Floats:
    """Return the IT power on the ground at the end of each year for units that begin in each period (A, P)."""
    power = ground * economy.rival.it_power_kw[:, None] / KW_PER_MW
    there = over_time(power.sum(axis=0), staying(economy), economy.calendar.periods)
    return np.asarray(there.reshape(economy.calendar.years, -1)[:, -1])


def room_mw(economy: Economy, mw_per_year: YearPath) -> Floats:
    """Return what the grid has connected by the end of each year, from the first one in which ground can serve."""
    calendar = economy.calendar
    opened = np.maximum.accumulate(economy.rival.opens.any(axis=0).reshape(calendar.years, -1).any(axis=1))
    return np.asarray(np.cumsum(mw_per_year.at(calendar.year_middles) * opened))
