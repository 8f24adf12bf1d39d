"""Vehicles over the years of a plan: how often each can be bought, at what price, and how often it fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.assumptions import Assumptions, Launch
from dawndusk.models.fleet.calendar import Calendar, YearPath
from dawndusk.models.programme.launch import cadence_cap_per_year, listed_price_usd, price_usd, success_probability

Floats = NDArray[np.float64]

WHOLE = 1e-9


@dataclass(frozen=True)
class Offer:
    """How one vehicle is offered to the plan, where that differs from the assumptions about it.

    ``windows`` are calendar times between which it flies, all the time from its first year where empty.
    ``cap_per_year`` replaces the programme's share of its flight rate, ``price_usd`` its listed price,
    ``success`` its probability of success.
    """

    windows: tuple[tuple[float, float], ...] = ()
    cap_per_year: YearPath | None = None
    price_usd: YearPath | None = None
    success: YearPath | None = None


@dataclass(frozen=True, eq=False)
class Launching:
    """What V vehicles offer: by period of the horizon, shape (V, P), and by year, shape (V, Y).

    Attributes
    ----------
    price_usd, success : array
        Listed price and probability of success of a launch in each period.
    year_price_usd : array
        Listed price in the middle of each year.
    floor_usd : array
        Price below which no discount goes, shape (V,).
    rate_per_year : array
        Launches per year that the programme can buy in each year, as a rate.
    most_in_year, most_in_period : array
        Whole launches that it can buy.
    """

    vehicles: tuple[str, ...]
    price_usd: Floats
    success: Floats
    year_price_usd: Floats
    floor_usd: Floats
    rate_per_year: Floats
    most_in_year: NDArray[np.int64]
    most_in_period: NDArray[np.int64]


def launching_of(
    vehicles: Sequence[str], assumptions: Assumptions, calendar: Calendar, offers: Mapping[str, Offer]
) -> Launching:
    """Return what the vehicles offer over the horizon of a plan."""
    middles = calendar.middles[: calendar.periods]
    rows = [assumptions.vehicles[name] for name in vehicles]
    each = [offers.get(name, Offer()) for name in vehicles]
    windows = [offer.windows or ((row.available_year, np.inf),) for row, offer in zip(rows, each, strict=True)]
    open_share = np.array([_open_share(window, calendar) for window in windows])
    by_year = open_share.reshape(len(rows), calendar.years, -1).mean(axis=2)
    years = calendar.year_middles
    rates = np.array(
        [
            np.asarray(cadence_cap_per_year(assumptions.launch, row, years))
            if offer.cap_per_year is None
            else offer.cap_per_year.at(years)
            for row, offer in zip(rows, each, strict=True)
        ]
    )
    rates = rates * by_year
    most_in_year = np.floor(rates + WHOLE).astype(np.int64)
    per_period = np.repeat(most_in_year / calendar.steps_per_year, calendar.steps_per_year, axis=1)
    most_in_period = np.where(open_share > 0.0, np.ceil(per_period - WHOLE), 0.0).astype(np.int64)

    def priced(at: Floats) -> Floats:
        return np.array(
            [
                np.asarray(listed_price_usd(row, at)) if offer.price_usd is None else offer.price_usd.at(at)
                for row, offer in zip(rows, each, strict=True)
            ]
        )

    success = [
        np.array([float(success_probability(row, year)) for year in middles])
        if offer.success is None
        else offer.success.at(middles)
        for row, offer in zip(rows, each, strict=True)
    ]
    floors = [row.price_floor_usd if offer.price_usd is None else 0.0 for row, offer in zip(rows, each, strict=True)]
    return Launching(
        vehicles=tuple(vehicles),
        price_usd=priced(middles),
        success=np.array(success),
        year_price_usd=priced(years),
        floor_usd=np.array(floors),
        rate_per_year=rates,
        most_in_year=most_in_year,
        most_in_period=most_in_period,
    )


def _open_share(windows: Sequence[tuple[float, float]], calendar: Calendar) -> Floats:
    """Return the share of each period of the horizon that lies in a window."""
    begins = calendar.first_year + calendar.begins_years[: calendar.periods]
    ends = begins + calendar.length_years
    inside = [np.clip(np.minimum(ends, last) - np.maximum(begins, first), 0.0, None) for first, last in windows]
    return np.asarray(np.sum(inside, axis=0)) / calendar.length_years


def discounted_price_usd(launch: Launch, listed_usd: Floats, floor_usd: Floats, bought: Floats) -> Floats:
    """Return the price of a launch after the volume discount, without any premium for cadence."""
    return np.asarray(price_usd(launch, listed_usd, floor_usd, bought, np.zeros_like(listed_usd)))


def volume_factor(launch: Launch, bought: Floats) -> Floats:
    """Return the price after the volume discount over that before, where no floor is in the way."""
    one = np.ones_like(bought, dtype=np.float64)
    return discounted_price_usd(launch, one, np.zeros_like(one), bought)
