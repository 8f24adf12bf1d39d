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
from dawndusk.optimize.plan.problem.coefficients import Coefficients, coefficients_of
from dawndusk.optimize.plan.problem.problem import Objective

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

ELECTRICITY_USD_PER_MWH = (20.0, 40.0, 55.0, 86.0, 120.0, 200.0, 400.0)
"""From what surplus power costs to four times the highest row of ``ground.electricity_usd_per_mwh``."""

LAUNCH_USD_PER_KG = (0.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0)
"""From a free launch to twice what an early Starship is listed at, by the mass of the satellites that fill it."""


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
    _check_ground(economy)
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
            delivered = float(worth[d]) * success
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


@dataclass(frozen=True)
class Crossing:
    """The cheapest satellite more at one price of launch and of electricity, over all years, designs and vehicles.

    ``ratio`` is what it costs over what the ground costs, in the ``best_period`` for it; ``first_period`` is the first
    in which orbit is no dearer, empty where there is none.
    """

    launch_usd_per_kg: float
    electricity_usd_per_mwh: float
    ratio: float
    best_period: str
    first_period: str


def break_even_map(
    economy: Economy, electricity: Sequence[float], launch_usd_per_kg: Sequence[float]
) -> list[Crossing]:
    """Return in which year orbit costs what the ground costs, by launch price and price of electricity."""
    _check_ground(economy)
    grounds = [(usd, at_electricity(economy, usd).rival.rent_usd_per_worth.min(axis=0)) for usd in electricity]
    found = []
    for usd_per_kg in launch_usd_per_kg:
        orbit = orbit_at(economy, usd_per_kg)
        for usd_per_mwh, ground in grounds:
            ratio = orbit / ground
            best, wins = int(np.argmin(ratio)), np.flatnonzero(ratio <= 1.0)
            first = economy.calendar.label(int(wins[0])) if len(wins) else ""
            label = economy.calendar.label(best) if np.isfinite(ratio[best]) else ""
            found.append(Crossing(usd_per_kg, usd_per_mwh, float(ratio[best]), label, first))
    return found


def orbit_at(economy: Economy, launch_usd_per_kg: float) -> Floats:
    """Return the cost of a satellite more in USD per PFLOP-hour by period, shape (P,), at one launch price.

    The best design and vehicle of each period; not finite where nothing can fly.
    """
    c, figures, launching = coefficients_of(economy, Objective.COST), economy.figures, economy.launching
    late = np.exp(-economy.worth_rate * economy.calendar.begins_years[: economy.calendar.periods])
    worth = figures.pflops * economy.kernels.worth_years.sum(axis=1) * HOURS_PER_YEAR
    per_listed = c.launch / launching.price_usd
    freight = launch_usd_per_kg * figures.wet_mass_kg[:, None, None] * per_listed[None, :, :]
    delivered = worth[:, None, None] * late[None, None, :] * launching.success[None, :, :]
    cost = c.built + freight + c.arrived[:, None, :] * launching.success[None, :, :]
    flies = (figures.per_launch > 0)[:, :, None] & (launching.most_in_period > 0)[None, :, :]
    flies &= economy.opens[:, None, :]
    return np.asarray(np.where(flies, cost / delivered, np.inf).min(axis=(0, 1)))


def _check_ground(economy: Economy) -> None:
    if not economy.rival.accelerators:
        raise DawnduskError("plan.ground: found nothing; allowed: accelerators to compare with")


def break_even_map_table(
    economy: Economy,
    electricity: Sequence[float] = ELECTRICITY_USD_PER_MWH,
    launch_usd_per_kg: Sequence[float] = LAUNCH_USD_PER_KG,
) -> pd.DataFrame:
    """Return the map as a table, one row for each price of launch and of electricity."""
    import pandas as pd  # noqa: PLC0415 (heavy, and only needed here)

    return pd.DataFrame([one.__dict__ for one in break_even_map(economy, electricity, launch_usd_per_kg)])


def break_even_table(economy: Economy, electricity: Sequence[float] = ELECTRICITY_USD_PER_MWH) -> pd.DataFrame:
    """Return the break-even prices as a table, one row for each period and price of electricity."""
    import pandas as pd  # noqa: PLC0415 (heavy, and only needed here)

    rows = break_even(economy, electricity)
    return pd.DataFrame([{**row.__dict__, "orbit_wins": row.orbit_wins} for row in rows])
