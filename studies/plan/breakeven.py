"""Break-even: at which launch price a satellite more costs what the ground costs, by year and price of electricity.

The most favourable case for orbit: a satellite more in a programme that is developed, whose factory stands, and whose
hardware has come down to its final price. Where even that is dearer than the ground, no plan is cheaper.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.constants import HOURS_PER_YEAR
from dawndusk.models.errors import DawnduskError
from dawndusk.models.fleet.calendar import Calendar
from dawndusk.models.fleet.economy import Economy, economy_of
from dawndusk.optimize.plan.coefficients import Coefficients, coefficients_of
from dawndusk.optimize.plan.problem import Objective

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

ELECTRICITY_USD_PER_MWH = (20.0, 40.0, 55.0, 86.0, 120.0, 200.0, 400.0)
"""From what surplus power costs to four times the highest row of ``ground.electricity_usd_per_mwh``."""


@dataclass(frozen=True)
class BreakEven:
    """The most a launch may cost in a year for orbit to cost what the ground costs.

    ``launch_usd`` is negative where not even a free launch would do. ``orbit`` and ``ground`` are USD per PFLOP-hour
    of worth at the start of the plan, orbit at the listed price of the vehicle.
    """

    period: str
    electricity_usd_per_mwh: float
    design: str
    vehicle: str
    launch_usd: float
    listed_usd: float
    launch_usd_per_kg: float
    orbit_usd_per_pflop_hour: float
    ground_usd_per_pflop_hour: float

    @property
    def orbit_wins(self) -> bool:
        """Return whether a satellite more is cheaper than the ground at the listed price."""
        return self.orbit_usd_per_pflop_hour < self.ground_usd_per_pflop_hour


def break_even(economy: Economy, electricity: Sequence[float] = ELECTRICITY_USD_PER_MWH) -> list[BreakEven]:
    """Return break-even launch prices by period and price of electricity, of the best design and vehicle."""
    if not economy.rival.accelerators:
        raise DawnduskError("plan.ground: found nothing; allowed: accelerators to compare with")
    found = []
    for usd_per_mwh in electricity:
        rival = at_electricity(economy, usd_per_mwh).rival
        cheapest = rival.rent_usd_per_worth.min(axis=0)
        found += [row for row in _rows(economy, cheapest, usd_per_mwh) if row is not None]
    return found


def at_electricity(economy: Economy, usd_per_mwh: float) -> Economy:
    """Return an economy with another price of electricity on the ground."""
    a = economy.assumptions
    changed = a.replace(ground=dataclasses.replace(a.ground, electricity_usd_per_mwh=usd_per_mwh))
    calendar = Calendar(economy.calendar.first_year, economy.calendar.years, economy.calendar.steps_per_year)
    designs = dict(zip(economy.figures.names, economy.figures.designs, strict=True))
    return economy_of(designs, economy.launching.vehicles, changed, calendar, economy.terms)


def _rows(economy: Economy, ground: Floats, usd_per_mwh: float) -> list[BreakEven | None]:
    c = coefficients_of(economy, Objective.COST)
    figures, calendar = economy.figures, economy.calendar
    late = np.exp(-economy.worth_rate * calendar.begins_years[: calendar.periods])
    worth = figures.pflops * economy.kernels.worth_years.sum(axis=1) * HOURS_PER_YEAR
    periods = range(calendar.periods)
    return [_best(economy, c, p, float(ground[p]), worth * late[p], usd_per_mwh) for p in periods]


def _best(
    economy: Economy, c: Coefficients, p: int, ground: float, worth: Floats, usd_per_mwh: float
) -> BreakEven | None:
    """Return the break-even of the best design and vehicle in one period, None where nothing can fly."""
    figures, launching = economy.figures, economy.launching
    options = []
    for d in map(int, np.flatnonzero(economy.opens[:, p])):
        for v in map(int, np.flatnonzero(figures.per_launch[d] > 0)):
            if launching.most_in_period[v, p] <= 0:
                continue
            places, success = float(figures.per_launch[d, v]), float(launching.success[v, p])
            delivered = worth[d] * success
            satellite = float(c.built[d, v, p]) + float(c.arrived[d, p]) * success
            per_listed = float(c.launch[v, p]) / float(launching.price_usd[v, p])
            orbit = (satellite + float(c.launch[v, p]) / places) / delivered
            affordable = (ground * delivered - satellite) * places / per_listed
            options.append((affordable - float(launching.price_usd[v, p]), d, v, affordable, orbit))
    if not options:
        return None
    _, d, v, affordable, orbit = max(options)
    carried = float(figures.per_launch[d, v] * figures.wet_mass_kg[d])
    return BreakEven(
        period=economy.calendar.label(p),
        electricity_usd_per_mwh=usd_per_mwh,
        design=figures.names[d],
        vehicle=launching.vehicles[v],
        launch_usd=affordable,
        listed_usd=float(launching.price_usd[v, p]),
        launch_usd_per_kg=affordable / carried,
        orbit_usd_per_pflop_hour=orbit,
        ground_usd_per_pflop_hour=ground,
    )


def break_even_table(economy: Economy, electricity: Sequence[float] = ELECTRICITY_USD_PER_MWH) -> pd.DataFrame:
    """Return the break-even prices as a table, one row for each period and price of electricity."""
    import pandas as pd  # noqa: PLC0415 (heavy, and only needed here)

    rows = break_even(economy, electricity)
    return pd.DataFrame([{**row.__dict__, "orbit_wins": row.orbit_wins} for row in rows])
