"""Orbit geometry: period, sun-synchronous inclination, beta angle over the year, eclipses.

Circular orbits, J2 nodal precession, cylindrical Earth shadow. Source: Vallado, Fundamentals of Astrodynamics and
Applications; Wertz, Space Mission Analysis and Design (SMAD).
"""

from __future__ import annotations

import dataclasses
import datetime
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.array import Array
from dawndusk.models.constants import (
    EARTH_J2,
    EARTH_MU_M3_S2,
    EARTH_RADIUS_M,
    METRES_PER_KM,
    OBLIQUITY_RAD,
    SECONDS_PER_DAY,
    SECONDS_PER_MINUTE,
    TROPICAL_YEAR_DAYS,
)

Floats = NDArray[np.float64]

SUN_RATE_RAD_S = 2.0 * math.pi / (TROPICAL_YEAR_DAYS * SECONDS_PER_DAY)
RAAN_SAMPLES = 24
RAM_SAMPLES = 720
DAYS_BETWEEN_SAMPLES_WHEN_PRECESSING = 10
NOON_H = 12.0
DEGREES_PER_HOUR = 15.0  # the Earth turns once in 24 hours
LEAST_COSINE = 1e-12  # of the beta angle: keeps an orbit that faces the Sun from a division by zero

EPOCH = datetime.date(2000, 1, 1)
DAYS_SAMPLED = 365
MEAN_LONGITUDE_DEG, MEAN_LONGITUDE_DEG_PER_DAY = 280.460, 0.9856474
ANOMALY_DEG, ANOMALY_DEG_PER_DAY = 357.528, 0.9856003
CENTRE_DEG = (1.915, 0.020)
"""Low-precision formulae for the Sun of the Astronomical Almanac: mean longitude and mean anomaly at ``EPOCH`` with
their rates, and the first two terms of the equation of the centre."""


def radius_m(altitude_km: Array) -> Array:
    """Return the orbital radius in m of a circular orbit at ``altitude_km`` above the equatorial radius."""
    return altitude_km * METRES_PER_KM + EARTH_RADIUS_M


def period_s(radius: Array) -> Array:
    """Return the orbital period in s, ``2 pi sqrt(r^3 / mu)``, for a radius in m. Source: Vallado."""
    return (2.0 * math.pi / math.sqrt(EARTH_MU_M3_S2)) * radius * np.sqrt(radius)


def speed_m_s(radius: Array) -> Array:
    """Return the circular speed in m/s, ``sqrt(mu / r)``. Source: Vallado."""
    return np.sqrt(EARTH_MU_M3_S2 / radius)


def sso_inclination_deg(altitude_km: Array) -> Array:
    """Return the inclination in degrees at which J2 turns the node once a year.

    ``cos i = -rate / (1.5 n J2 (Re / r)^2)``. Valid from 100 to about 5,900 km. Source: Vallado.
    """
    radius = radius_m(altitude_km)
    mean_motion = 2.0 * math.pi / period_s(radius)
    cosine = -SUN_RATE_RAD_S / (1.5 * mean_motion * EARTH_J2 * (EARTH_RADIUS_M / radius) ** 2)
    return np.degrees(np.arccos(cosine))


def eclipse_fraction(altitude_km: Array, beta_rad: Array) -> Array:
    """Return the share of one orbit spent in a cylindrical Earth shadow at beta angle ``beta_rad``.

    ``acos(sqrt(r^2 - Re^2) / (r cos beta)) / pi``, zero where the orbit misses the shadow. Source: Wertz, SMAD.
    """
    radius = radius_m(altitude_km)
    ratio = np.sqrt(radius**2 - EARTH_RADIUS_M**2) / (radius * np.maximum(np.cos(beta_rad), LEAST_COSINE))
    return np.arccos(np.minimum(ratio, 1.0)) / math.pi


@dataclass(frozen=True)
class SunPath:
    """The Sun over sample days: mean longitude and unit vector in the equatorial frame."""

    mean_longitude_rad: Floats
    direction: Floats


def sun_path(year: int, step_days: int = 1) -> SunPath:
    """Return the Sun for days 0, step, 2 step ... of a calendar year.

    Low-precision formulae of the Astronomical Almanac, good to 0.01 degree from 1950 to 2050.
    ``direction`` has shape (3, days).
    """
    first = (datetime.date(year, 1, 1) - EPOCH).days
    days = first + np.arange(0, DAYS_SAMPLED, step_days, dtype=np.float64)
    mean_longitude = np.radians(MEAN_LONGITUDE_DEG + MEAN_LONGITUDE_DEG_PER_DAY * days)
    anomaly = np.radians(ANOMALY_DEG + ANOMALY_DEG_PER_DAY * days)
    once, twice = CENTRE_DEG
    longitude = mean_longitude + np.radians(once * np.sin(anomaly) + twice * np.sin(2.0 * anomaly))
    direction = np.array(
        [
            np.cos(longitude),
            math.cos(OBLIQUITY_RAD) * np.sin(longitude),
            math.sin(OBLIQUITY_RAD) * np.sin(longitude),
        ]
    )
    return SunPath(mean_longitude, direction)


def sin_beta(inclination_rad: Array, raan_rad: Array, sun: Floats) -> Array:
    """Return the sine of the beta angle: the Sun's unit vector times the orbit normal."""
    return (
        np.sin(inclination_rad) * np.sin(raan_rad) * sun[0]
        - np.sin(inclination_rad) * np.cos(raan_rad) * sun[1]
        + np.cos(inclination_rad) * sun[2]
    )


def edge_on_ram_fraction(beta_rad: Floats) -> Floats:
    """Return the mean share of a plate's area that meets the flow when it stays edge-on to both Sun and Earth.

    Its normal is along the cross product of Sun and radial directions, so over the orbit angle u the share is the
    mean of ``|sin b| / sqrt(sin^2 b + cos^2 b sin^2 u)``: one where the Sun stands on the orbit normal (the plate
    faces the flow), zero where the Sun lies in the orbit plane. ``beta_rad`` of shape (N,).
    """
    angle = (np.arange(RAM_SAMPLES) + 0.5) * (2.0 * math.pi / RAM_SAMPLES)
    across, along = np.abs(np.sin(beta_rad))[:, None], np.cos(beta_rad)[:, None] * np.sin(angle)
    share: Floats = (across / np.sqrt(across**2 + along**2)).mean(axis=1)
    return share


_BETA_NODES = np.linspace(0.0, math.pi / 2.0, 181)


@dataclass(frozen=True)
class EclipseYear:
    """Eclipses over a year for A altitudes: arrays of shape (A,)."""

    sunlit_fraction: Floats
    eclipse_max_min: Floats
    eclipse_days_per_year: Floats
    mean_cos_beta: Floats
    edge_on_ram_fraction: Floats


def sun_synchronous_year(altitude_km: Floats, ltan_h: float, year: int) -> EclipseYear:
    """Return the eclipses of sun-synchronous orbits with local time ``ltan_h`` of the ascending node.

    ``altitude_km`` has shape (A,). The node follows the mean Sun, so beta repeats every year.
    """
    sun = sun_path(year)
    raan = sun.mean_longitude_rad + math.radians((ltan_h - NOON_H) * DEGREES_PER_HOUR)
    inclination = np.radians(sso_inclination_deg(altitude_km))[:, None]
    return _summarise(altitude_km, sin_beta(inclination, raan[None, :], sun.direction))


def precessing_year(altitude_km: Floats, inclination_deg: float, year: int) -> EclipseYear:
    """Return the eclipses of orbits whose node drifts through all local times, ``altitude_km`` of shape (A,)."""
    sun = sun_path(year, DAYS_BETWEEN_SAMPLES_WHEN_PRECESSING)
    raan = np.arange(RAAN_SAMPLES) * (2.0 * math.pi / RAAN_SAMPLES)
    sine = sin_beta(math.radians(inclination_deg), raan[:, None], sun.direction[:, None, :])
    every = np.broadcast_to(sine.ravel(), (len(altitude_km), sine.size))
    worst = _summarise(altitude_km, np.zeros((len(altitude_km), 1)))
    mean = _summarise(altitude_km, every)
    return dataclasses.replace(mean, eclipse_max_min=worst.eclipse_max_min)


def _summarise(altitude_km: Floats, sine: Floats) -> EclipseYear:
    """Reduce sines of beta of shape (A, samples) to yearly figures of shape (A,)."""
    beta = np.arcsin(np.clip(sine, -1.0, 1.0))
    fraction = eclipse_fraction(altitude_km[:, None], np.abs(beta))
    minutes = period_s(radius_m(altitude_km)) / SECONDS_PER_MINUTE
    return EclipseYear(
        sunlit_fraction=1.0 - fraction.mean(axis=1),
        eclipse_max_min=fraction.max(axis=1) * minutes,
        eclipse_days_per_year=(fraction > 0.0).mean(axis=1) * TROPICAL_YEAR_DAYS,
        mean_cos_beta=np.cos(beta).mean(axis=1),
        edge_on_ram_fraction=np.interp(np.abs(beta), _BETA_NODES, edge_on_ram_fraction(_BETA_NODES)).mean(axis=1),
    )
