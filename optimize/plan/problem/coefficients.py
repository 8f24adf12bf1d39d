"""What each decision adds to the objective: discounted cost, or plain capital."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.constants import HOURS_PER_YEAR
from dawndusk.models.fleet.accounts import first_periods
from dawndusk.models.fleet.economy import Economy
from dawndusk.models.programme.cost import annuity_years
from dawndusk.optimize.plan.problem.problem import Objective

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Coefficients:
    """USD of the objective per unit of each decision.

    Attributes
    ----------
    built : array
        Per satellite of a design built for a vehicle in a period, hardware at its final price, shape (D, V, P).
    arrived : array
        Per satellite that reaches orbit, shape (D, P).
    launch : array
        Per launch at the listed price, shape (V, P); ``surcharge`` per launch in a year, shape (V, Y).
    learning : array
        Per reference satellite of premium that a line settles in a year, shape (L, Y).
    ready : array
        Per USD of capacity that is ready at the begin of a year, shape (Y,).
    control : array
        Mission control through a whole year of the horizon and its tail, shape (years,).
    design : array
        Per design that is used, shape (D,).
    ground : array
        Per unit of ground capacity whose service begins in a period, shape (A, P).
    """

    built: Floats
    arrived: Floats
    launch: Floats
    surcharge: Floats
    learning: Floats
    ready: Floats
    control: Floats
    design: Floats
    ground: Floats


def coefficients_of(economy: Economy, objective: Objective) -> Coefficients:
    """Return the coefficients of an objective: plain capital for ``capital``, discounted cost for all others."""
    return _capital(economy) if objective is Objective.CAPITAL else _discounted(economy)


def _discounted(e: Economy) -> Coefficients:
    cost, calendar, rate = e.assumptions.cost, e.calendar, e.rate
    spread = calendar.spread_discounts(rate)[: calendar.periods]
    years = calendar.year_discounts(rate)
    began = np.exp(-rate * calendar.begins_years[: calendar.periods])
    staying = e.staying_worth_years.sum(axis=1)
    hardware = e.figures.hardware_usd * cost.learning_floor
    running = hardware * e.figures.operations_share_per_year * staying
    flown = (hardware + e.figures.fabric_usd)[:, None] + e.chips_usd
    arrived = (e.figures.orbital_use_usd_per_year * staying)[:, None] * began
    arrived += (e.figures.disposal_usd * np.exp(-rate * e.service_years))[:, None] * spread
    learnt = 1.0 + e.line_operations_share * np.asarray(annuity_years(rate, e.line_years))
    late = np.exp(-e.worth_rate * calendar.begins_years[: calendar.periods])
    worth = e.rival.pflops[:, None] * e.rival.worth_years.sum() * HOURS_PER_YEAR * late
    after = calendar.all_periods // calendar.steps_per_year
    return Coefficients(
        built=_built(e, flown, spread) + running[:, None, None] * began,
        arrived=arrived,
        launch=e.launching.price_usd * (1.0 + e.insured) * spread,
        surcharge=e.launching.year_price_usd * (1.0 + least_insured(e)) * years,
        learning=(e.line_usd * learnt)[:, None] * years,
        ready=e.carry * np.exp(-rate * np.arange(calendar.years)),
        control=cost.operations_fixed_usd_per_year * np.exp(-rate * np.arange(after)) * float(annuity_years(rate, 1.0)),
        design=e.terms.design_nre_usd * e.carry * began[first_periods(e)],
        ground=e.rival.rent_usd_per_worth * worth,
    )


def _capital(e: Economy) -> Coefficients:
    calendar = e.calendar
    periods, years = np.ones(calendar.periods), np.ones(calendar.years)
    hardware = e.figures.hardware_usd * e.assumptions.cost.learning_floor
    flown = (hardware + e.figures.fabric_usd)[:, None] + e.chips_usd
    return Coefficients(
        built=_built(e, flown, periods),
        arrived=np.zeros(e.opens.shape),
        launch=e.launching.price_usd * (1.0 + e.insured),
        surcharge=e.launching.year_price_usd * (1.0 + least_insured(e)),
        learning=e.line_usd[:, None] * years,
        ready=years,
        control=np.zeros(calendar.all_periods // calendar.steps_per_year),
        design=np.full(len(e.figures), e.terms.design_nre_usd),
        ground=e.rival.capital_usd,
    )


def _built(e: Economy, flown: Floats, discount: Floats) -> Floats:
    """Return what a satellite costs with its insurance, less what another mission pays of its place on a launch."""
    places = np.maximum(e.figures.per_launch, 1)[:, :, None]
    credit = e.figures.paid_share[:, None, None] * e.launching.price_usd * (1.0 + e.insured) / places
    return np.asarray((flown[:, None, :] * (1.0 + e.insured) - credit) * discount)


def least_insured(e: Economy) -> Floats:
    """Return the least insurance of each vehicle in each year, shape (V, Y)."""
    shape = (len(e.launching.vehicles), e.calendar.years, e.calendar.steps_per_year)
    return np.asarray(e.insured.reshape(shape).min(axis=2))
