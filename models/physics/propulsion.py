"""Drag, station keeping, disposal and propellant."""

from __future__ import annotations

import math

import numpy as np

from dawndusk.models.array import Array
from dawndusk.models.assumptions import Platform
from dawndusk.models.constants import SECONDS_PER_YEAR, STANDARD_GRAVITY_M_S2
from dawndusk.models.physics.orbit import radius_m, speed_m_s

SUN_POINTING_RAM_SHARE = 2.0 / math.pi


def ram_area_m2(array_area_m2: Array, radiator_area_m2: Array, mean_cos_beta: Array, ram_fraction: Array) -> Array:
    """Return the mean area in m2 that meets the flow.

    A Sun-pointing array shows ``(2 / pi) cos beta`` of its area on average over an orbit, so that a dawn-dusk orbit
    flies edge-on; a radiator shows the share of its attitude and mounting.
    """
    return array_area_m2 * mean_cos_beta * SUN_POINTING_RAM_SHARE + radiator_area_m2 * ram_fraction


def tumbling_area_m2(array_area_m2: Array, radiator_area_m2: Array) -> Array:
    """Return the mean frontal area of a dead satellite in m2: half of the flat area, as it tumbles (Cauchy)."""
    return (array_area_m2 + radiator_area_m2) * 0.5


def drag_delta_v_m_s_per_year(
    density_kg_m3: Array, speed: Array, drag_coefficient: Array, ram_area: Array, mass_kg: Array
) -> Array:
    """Return the velocity lost to drag per year: ``0.5 rho v^2 Cd A / m`` times a year. Source: Vallado."""
    return (0.5 * drag_coefficient * SECONDS_PER_YEAR) * density_kg_m3 * speed * speed * ram_area / mass_kg


def disposal_delta_v_m_s(platform: Platform, speed: Array) -> Array:
    """Return the velocity of a low-thrust spiral down to the disposal altitude: the difference of circular speeds."""
    low = speed_m_s(radius_m(platform.disposal_altitude_km))
    return np.maximum(low - speed, 0.0)


def propellant_ratio(delta_v_m_s: Array, specific_impulse_s: Array) -> Array:
    """Return propellant over dry mass, ``exp(dv / (Isp g0)) - 1``. Source: Tsiolkovsky."""
    return np.expm1(delta_v_m_s * (1.0 / (specific_impulse_s * STANDARD_GRAVITY_M_S2)))


def decay_years_per_kg_m2(density_kg_m3: Array, scale_height: Array, radius: Array) -> Array:
    """Return the years of natural decay per kg of mass over m2 of drag area, ``H / (rho v r)``.

    From a circular orbit in an exponential atmosphere of scale height H (m); multiply by ``m / (Cd A)``. The last
    scale heights cost almost nothing. Source: King-Hele, Satellite Orbits in an Atmosphere.
    """
    return scale_height / (density_kg_m3 * speed_m_s(radius) * radius * SECONDS_PER_YEAR)
