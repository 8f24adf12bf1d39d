"""Debris exposure: how much satellite area stays how long among how many other objects."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.array import Array
from dawndusk.models.programme.cost import annuity_years
from dawndusk.models.tables import EnvironmentData

Floats = NDArray[np.float64]


def crowding(data: EnvironmentData, altitude_km: Floats) -> Floats:
    """Return the density of objects at altitudes over that of the most crowded shell, 0 to 1.

    Objects of 10 cm and more, fragments and intact ones, linear between the middles of the shells of the table and
    constant beyond its ends. Source: the table ``debris_density.csv``.
    """
    relative: Floats = np.interp(
        altitude_km, data.debris_altitude_km, data.debris_density_per_km3 / data.debris_density_per_km3.max()
    )
    return relative


def mean_crowding_of_decay(decay_years: Floats, crowding_at: Floats) -> Floats:
    """Return the mean crowding, over time, on the way down from each altitude.

    Parameters
    ----------
    decay_years : array
        Years of decay from rising altitudes for any one satellite, shape (n,): they differ between neighbours by
        the time that is spent between them.
    crowding_at : array
        Crowding at these altitudes, shape (n,). What is below the first altitude counts as it does.
    """
    between = 0.5 * (crowding_at[1:] + crowding_at[:-1]) * np.diff(decay_years)
    weighted = crowding_at[0] * decay_years[0] + np.concatenate([[0.0], np.cumsum(between)])
    mean: Floats = weighted / decay_years
    return mean


def mean_crowding_of_descent(altitude_km: Floats, crowding_at: Floats, end_km: float, crowding_at_end: float) -> Floats:
    """Return the mean crowding of a powered spiral that loses altitude steadily down to ``end_km``, shape (n,).

    Parameters
    ----------
    altitude_km, crowding_at : array
        Rising altitudes and the crowding there, shape (n,). At or below ``end_km`` it is that of the altitude.
    """
    heights = np.concatenate([[min(end_km, altitude_km[0])], altitude_km])
    levels = np.concatenate([[crowding_at_end], crowding_at])
    climbed = np.concatenate([[0.0], np.cumsum(0.5 * (levels[1:] + levels[:-1]) * np.diff(heights))])
    above = altitude_km - end_km
    passed = climbed[1:] - np.interp(end_km, heights, climbed)
    mean: Floats = np.where(above > 0.0, passed / np.where(above > 0.0, above, 1.0), crowding_at)
    return mean


def crowded_years(
    life_years: Array,
    loss_per_year: Array,
    operating: Array,
    dead: tuple[Array, Array],
    descending: tuple[Array, Array],
    decaying: tuple[Array, Array],
) -> Array:
    """Return the years of one satellite in orbit times the crowding where it spends them.

    A satellite operates until it is lost, at a constant rate, or its life ends: ``(1 - exp(-r L)) / r`` years on
    average. One that is lost stays where it is and decays; the others descend under power and decay from there.

    Parameters
    ----------
    life_years : array
        Operating life, shape (N,).
    loss_per_year : array
        Rate at which whole satellites are lost, one number or of shape (N,).
    operating : array
        Crowding in the operating orbit, 0 to 1.
    dead, descending, decaying : pair of array
        Years and mean crowding: of a lost satellite until it is gone, of the powered descent, and of the decay after
        it.
    """
    lost = -np.expm1(life_years * -loss_per_year)
    years, mean = dead
    alive = annuity_years(loss_per_year, life_years) * operating
    retired = descending[0] * descending[1] + decaying[0] * decaying[1]
    return alive + lost * (years * mean) + np.exp(life_years * -loss_per_year) * retired
