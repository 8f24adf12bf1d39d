"""Dose, proton flux behind shielding, upsets, latch-up and dose-driven wear.

Dose: AE8-MAX and AP8-MIN through SHIELDOSE-2, shipped as a table by inclination, altitude and aluminium thickness.
Upsets and latch-up scale with the flux of protons that get through the wall.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.array import Array
from dawndusk.models.assumptions import Radiation
from dawndusk.models.tables import EnvironmentData, extended

Floats = NDArray[np.float64]

SUN_SYNCHRONOUS_SET = "sso"
POLAR_DEG = 90.0
NEGLIGIBLE = 1e-12  # krad(Si)/year or 1/cm2/s
PROTON_RANGE_MEV = np.array([10.0, 30.0, 50.0, 100.0])
PROTON_RANGE_MM = np.array([0.63, 4.31, 10.8, 37.0])
"""CSDA range of protons in aluminium. Source: NIST PSTAR (divided by 2.70 g/cm3)."""

REFERENCE_ALTITUDE_KM = 650.0
REFERENCE_THICKNESS_MM = 10.0


def dose_table(
    data: EnvironmentData, inclination_deg: float | None, altitude_km: Floats, thickness_mm: Floats
) -> Floats:
    """Return trapped dose in krad(Si)/year behind a sphere, shape (altitudes, thicknesses).

    ``inclination_deg`` is ``None`` for sun-synchronous orbits; other inclinations are interpolated in log dose
    between the sets of the table, the sun-synchronous one standing at 90 degrees, and held at its ends. Log-linear in
    altitude, log-log in thickness, electrons and protons apart because one exponential can not follow both. Thickness
    0.5 to 20 mm, altitude 400 to 2,000 km.
    """
    total = np.zeros((len(altitude_km), len(thickness_mm)))
    for part in (data.electron_dose, data.proton_dose):
        values = _by_inclination(part, inclination_deg)
        total += _log_log(data.dose_altitude_km, data.dose_thickness_mm, values, altitude_km, thickness_mm)
    return total


def proton_flux_table(
    data: EnvironmentData, inclination_deg: float | None, altitude_km: Floats, thickness_mm: Floats
) -> Floats:
    """Return the flux in 1/cm2/s of protons that get through a wall, shape (altitudes, thicknesses).

    The wall cuts off protons whose CSDA range is shorter than its thickness.
    """
    cutoff_mm = np.exp(np.interp(np.log(data.proton_energy_mev), np.log(PROTON_RANGE_MEV), np.log(PROTON_RANGE_MM)))
    values = _by_inclination(data.proton_flux, inclination_deg)
    return _log_log(data.proton_altitude_km, cutoff_mm, values, altitude_km, thickness_mm)


def _by_inclination(sets: Mapping[str, Floats], inclination_deg: float | None) -> Floats:
    """Interpolate the sets in log value by inclination; ``None``, polar or retrograde gives the sun-synchronous set."""
    if inclination_deg is None:
        return sets[SUN_SYNCHRONOUS_SET]
    nodes = sorted((float(name), name) for name in sets if name != SUN_SYNCHRONOUS_SET)
    angles = [angle for angle, _ in nodes] + [POLAR_DEG]
    logs = [log_of(sets[name]) for _, name in nodes] + [log_of(sets[SUN_SYNCHRONOUS_SET])]
    above = min(max(int(np.searchsorted(angles, inclination_deg)), 1), len(angles) - 1)
    share = (inclination_deg - angles[above - 1]) / (angles[above] - angles[above - 1])
    share = min(max(share, 0.0), 1.0)
    mixed: Floats = np.exp((1.0 - share) * logs[above - 1] + share * logs[above])
    return mixed


def log_of(values: Floats) -> Floats:
    """Return the natural logarithm of a dose or flux, zeros (electrons behind thick walls) held at a negligible one."""
    logs: Floats = np.log(np.maximum(values, NEGLIGIBLE))
    return logs


def _log_log(x: Floats, y: Floats, values: Floats, new_x: Floats, new_y: Floats) -> Floats:
    """Interpolate log values: linear in x, in the logarithm of y. ``values`` is (x, y), result (new_x, new_y)."""
    along_y = np.array([extended(np.log(new_y), np.log(y), row) for row in log_of(values)])
    both = np.array([np.interp(new_x, x, column) for column in along_y.T]).T
    result: Floats = np.exp(both)
    return result


def solar_proton_dose(radiation: Radiation, thickness_mm: Array) -> Array:
    """Return the yearly dose of solar protons in a polar orbit in krad(Si) behind a wall in mm of aluminium.

    ``D (t / 10 mm)^-k``: a power law of the wall thickness, quoted behind 10 mm.
    """
    relative = np.exp(np.log(thickness_mm * (1.0 / REFERENCE_THICKNESS_MM)) * -radiation.solar_proton_exponent)
    return relative * radiation.solar_proton_krad_per_year


def wear_hazard(dose_krad: Array, tolerance_krad: Array, margin: Array, exponent: Array) -> Array:
    """Return the cumulative hazard of dose-driven wear-out after a dose: ``(margin dose / tolerance)^m``.

    A Weibull law with shape m >= 1: negligible while the accumulated dose is small against the tolerance, so that
    it does not count failures below the threshold as a linear rate would.
    """
    return np.exp(np.log(dose_krad * margin / tolerance_krad) * exponent)
