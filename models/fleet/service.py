"""How a cohort serves by age: what it delivers in each later period, and how many of it are still in orbit.

A cohort is launched evenly over one period. What it delivers follows ``reliability.in_service``, the law of a whole
life, taken over the part of the life up to each age; so that the parts add up to the whole to rounding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.fleet.calendar import Calendar
from dawndusk.models.fleet.satellites import SatelliteFigures
from dawndusk.models.physics.reliability import NODES, WEIGHTS, in_service
from dawndusk.models.programme.cost import annuity_years

Floats = NDArray[np.float64]

LEAST_AGE_YEARS = 1e-9


@dataclass(frozen=True, eq=False)
class Kernels:
    """What one satellite of each of D designs is worth j periods after that of its launch, shape (D, J).

    Attributes
    ----------
    serving_years : array
        Full-capacity years delivered in the period: at most the length of a period.
    worth_years : array
        The same discounted and aged to the begin of the period of launch.
    in_orbit : array
        Share of the cohort that has not retired by the end of the period, losses not counted.
    """

    serving_years: Floats
    worth_years: Floats
    in_orbit: Floats


def kernels_of(figures: SatelliteFigures, calendar: Calendar, service_years: Floats, rate_per_year: float) -> Kernels:
    """Return the kernels of designs that retire after ``service_years`` (D,), at most their design life.

    ``rate_per_year`` discounts and ages what is delivered, continuously.
    """
    length = calendar.length_years
    count = int(np.ceil(np.max(service_years) / length - LEAST_AGE_YEARS)) + 1
    serving = np.zeros((len(figures), count))
    worth = np.zeros((len(figures), count))
    ends = np.arange(count + 1) * length
    for share, weight in zip(NODES, WEIGHTS, strict=True):
        ages = np.clip(ends - share * length, 0.0, service_years[:, None])
        serving += np.diff(_served(figures, ages, 0.0), axis=1) * weight
        late = weight * np.exp(-rate_per_year * share * length)
        worth += np.diff(_served(figures, ages, rate_per_year), axis=1) * late
    in_orbit = np.clip((service_years[:, None] - ends[:-1]) / length, 0.0, 1.0)
    return Kernels(serving, worth, in_orbit)


def _served(figures: SatelliteFigures, ages: Floats, rate_per_year: float) -> Floats:
    """Return full-capacity years served up to each age, discounted to the launch, shape (D, ages)."""
    past = np.maximum(ages, LEAST_AGE_YEARS)

    def column(values: Floats) -> Floats:
        return values[:, None]

    wear_exponent = column(figures.wear_exponent)
    service = in_service(
        spare_factor=column(figures.spare_factor),
        failures=column(figures.failures_per_year) * past,
        wear=column(figures.wear_of_life) * (past / column(figures.life_years)) ** wear_exponent,
        array_oversize=column(figures.array_oversize),
        array_loss=column(figures.array_loss_per_year) * past,
        satellite_loss=past * column(figures.satellite_loss_per_year),
        discount=past * rate_per_year,
        life_years=past,
        wear_exponent=wear_exponent,
    )
    return np.where(ages > 0.0, np.asarray(service.discounted_years), 0.0)


def present_years(life_years: Floats, calendar: Calendar, rate_per_year: float) -> Floats:
    """Return the discounted years that something of a fixed life is there, j periods after that in which it begins.

    It begins evenly over a period and is discounted to the start of that period. Shape (lives, J).
    """
    length = calendar.length_years
    count = int(np.ceil(np.max(life_years) / length - LEAST_AGE_YEARS)) + 1
    ends = np.arange(count + 1) * length
    total = np.zeros((len(life_years), count))
    for share, weight in zip(NODES, WEIGHTS, strict=True):
        ages = np.clip(ends - share * length, 0.0, life_years[:, None])
        late = weight * np.exp(-rate_per_year * share * length)
        total += np.diff(np.asarray(annuity_years(rate_per_year, ages)), axis=1) * late
    return total
