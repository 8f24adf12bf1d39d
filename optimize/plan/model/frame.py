"""What the rows of a plan's model are written with: names, index sets, units and coefficients."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.constants import HOURS_PER_YEAR
from dawndusk.models.fleet.calendar import Calendar
from dawndusk.models.fleet.economy import Economy
from dawndusk.models.fleet.fleet import KW_PER_MW
from dawndusk.models.fleet.launching import volume_factor
from dawndusk.optimize.plan.model.pieces import Pieces, Price
from dawndusk.optimize.plan.problem import selling
from dawndusk.optimize.plan.problem.coefficients import Coefficients, coefficients_of
from dawndusk.optimize.plan.problem.problem import Objective, PlanProblem

Floats = NDArray[np.float64]
Flight = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Book:
    """One way of counting money: plain or discounted, with the prices of launches in it.

    ``prefix`` is that of the names of its variables.
    """

    prefix: str
    plain: bool
    coefficients: Coefficients
    prices: Mapping[str, tuple[tuple[Price, ...], ...]]


MANY_LAUNCHES = 20
"""Launches in a period from which their number is left continuous: rounding moves it by less than a fortieth."""
TYPICAL = 1e4


@dataclass(frozen=True, eq=False)
class Frame:
    """A plan's problem with its pieces, ready to be written down."""

    problem: PlanProblem
    pieces: Pieces

    @property
    def economy(self) -> Economy:
        """Return what the plan counts with."""
        return self.problem.economy

    @property
    def calendar(self) -> Calendar:
        """Return the periods."""
        return self.economy.calendar

    @property
    def designs(self) -> tuple[str, ...]:
        """Return the names of the designs."""
        return self.economy.figures.names

    @property
    def vehicles(self) -> tuple[str, ...]:
        """Return the names of the vehicles."""
        return self.economy.launching.vehicles

    @property
    def periods(self) -> range:
        """Return the periods in which something is decided."""
        return range(self.calendar.periods)

    @property
    def years(self) -> range:
        """Return the years of the horizon."""
        return range(self.calendar.years)

    @functools.cached_property
    def labels(self) -> tuple[str, ...]:
        """Return the names of the periods, the tail included."""
        return self.calendar.labels

    @functools.cached_property
    def books(self) -> tuple[Book, ...]:
        """Return how money is counted: for the objective, and for limits that count it otherwise."""
        objective, limits = self.problem.objective, self.problem.limits
        plain = objective is Objective.CAPITAL
        others = (Objective.COST, Objective.LCOC, Objective.NPV) if plain else (Objective.CAPITAL,)
        own = Book("", plain, coefficients_of(self.economy, objective), self.prices)
        if all(limits.of(other) is None for other in others):
            return (own,)
        beside = coefficients_of(self.economy, others[0])
        return own, Book("limit_", not plain, beside, self.pieces.limit_prices or self.tier_prices)

    def book(self, *, plain: bool) -> Book:
        """Return the one that counts plain or discounted money."""
        return next(book for book in self.books if book.plain is plain)

    @property
    def coefficients(self) -> Coefficients:
        """Return what decisions add to the objective in USD."""
        return self.books[0].coefficients

    @functools.cached_property
    def flights(self) -> list[Flight]:
        """Return the designs, vehicles and periods in which one can be launched on the other."""
        figures, launching = self.economy.figures, self.economy.launching
        can = (figures.per_launch > 0)[:, :, None] & self.economy.opens[:, None, :]
        can &= (launching.most_in_period > 0)[None, :, :]
        return [(int(d), int(v), int(p)) for d, v, p in np.argwhere(can)]

    @functools.cached_property
    def legs(self) -> list[Flight]:
        """Return the vehicles, orbits and periods in which one can be launched to the other."""
        orbit_of = self.economy.orbit_of
        return sorted({(v, int(orbit_of[d]), p) for d, v, p in self.flights})

    @functools.cached_property
    def units(self) -> tuple[float, float]:
        """Return the units of money (USD) and worth (PFLOP-hours) in which a year's fleet is of order ten thousand.

        Powers of ten, so that numbers stay readable in a model that is written out.
        """
        figures, launching = self.economy.figures, self.economy.launching
        scale = self._largest_pflops()
        each = (figures.hardware_usd + figures.chips_usd) / figures.pflops
        usd = max(float(np.min(each)) * scale, float(np.max(launching.price_usd, initial=1.0)))
        return _power_of_ten(usd / TYPICAL), _power_of_ten(scale * HOURS_PER_YEAR / TYPICAL)

    def _largest_pflops(self) -> float:
        """Return compute of the order of what the plan is to deliver."""
        demand, figures, years = self.problem.demand, self.economy.figures, self.calendar.year_middles
        asked = [demand.least_pflops, *(sale.most_pflops for sale in demand.sales)]
        found = [float(np.max(path.at(years))) for path in asked if path is not None]
        per_kw = float(np.max(figures.pflops / figures.it_power_kw))
        power = (demand.least_power_mw, demand.most_power_mw)
        found += [float(np.max(path.at(years))) * KW_PER_MW * per_kw for path in power if path is not None]
        return max([*found, float(np.min(figures.pflops))])

    @property
    def serving(self) -> Floats:
        """Return the mean share of full capacity in each period since the launch, shape (D, J)."""
        return self.economy.kernels.serving_years / self.calendar.length_years

    @functools.cached_property
    def worth(self) -> tuple[Floats, Floats]:
        """Return PFLOP-hours of worth of a satellite, and of a unit of ground capacity, by periods since its begin.

        Both are discounted to the begin of the period of launch, shapes (D, J) and (A, J).
        """
        economy = self.economy
        satellites = economy.kernels.worth_years * economy.figures.pflops[:, None] * HOURS_PER_YEAR
        ground = np.outer(economy.rival.pflops, economy.rival.worth_years) * HOURS_PER_YEAR
        return satellites, ground

    @functools.cached_property
    def late(self) -> Floats:
        """Return the discount on worth to the begin of each period, the tail included."""
        return np.exp(-self.economy.worth_rate * self.calendar.begins_years)

    @functools.cached_property
    def full_worth(self) -> Floats:
        """Return PFLOP-hours of worth of one PFLOP/s delivered through each period, the tail included."""
        return selling.full_worth(self.problem)

    @functools.cached_property
    def is_sold(self) -> bool:
        """Return whether what compute sells for matters."""
        return selling.is_sold(self.problem)

    @functools.cached_property
    def is_levelised(self) -> bool:
        """Return whether the levelised cost matters."""
        return selling.is_levelised(self.problem)

    @functools.cached_property
    def tier_prices(self) -> dict[str, tuple[tuple[Price, ...], ...]]:
        """Return by vehicle and tier the line of the factor at its upper end."""
        launch = self.economy.assumptions.launch
        return {
            name: tuple((Price(float(factor), 0.0, 0.0),) for factor in volume_factor(launch, cuts[1:]))
            for name, cuts in self.pieces.volume.items()
        }

    @functools.cached_property
    def prices(self) -> dict[str, tuple[tuple[Price, ...], ...]]:
        """Return by vehicle and tier the lines that what is paid lies above."""
        return {**self.tier_prices, **self.pieces.prices}

    def least_factor(self, vehicle: int) -> float:
        """Return the volume factor in the last tier of a vehicle."""
        return min(price.of_listed for price in self.prices[self.vehicles[vehicle]][-1])

    @functools.cached_property
    def is_discounted_in_full(self) -> NDArray[np.bool_]:
        """Return in which years no price floor stands in the way of the largest volume discount, shape (V, Y)."""
        launching = self.economy.launching
        most = launching.most_in_year.sum(axis=1).astype(np.float64)
        least = volume_factor(self.economy.assumptions.launch, most)[:, None]
        period = launching.price_usd * least >= launching.floor_usd[:, None]
        year = launching.year_price_usd * least >= launching.floor_usd[:, None]
        by_year = period.reshape(len(self.vehicles), self.calendar.years, -1).all(axis=2)
        return np.asarray(by_year & year)

    def floored_factor(self, vehicle: int, listed_usd: float) -> float:
        """Return the least volume factor at a listed price, the price floor respected."""
        least = self.least_factor(vehicle)
        floor = float(self.economy.launching.floor_usd[vehicle])
        return max(least, min(floor / listed_usd, 1.0)) if listed_usd > 0.0 else 1.0

    def is_whole(self, vehicle: int, period: int) -> bool:
        """Return whether launches of a vehicle in a period are whole numbers in the model."""
        if self.pieces.whole is not None:
            return bool(self.pieces.whole[vehicle, period])
        return bool(self.economy.launching.most_in_period[vehicle, period] < MANY_LAUNCHES)


def _power_of_ten(value: float) -> float:
    return float(10.0 ** round(float(np.log10(max(value, 1e-30)))))
