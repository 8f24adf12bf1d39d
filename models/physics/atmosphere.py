"""Density of the upper atmosphere by altitude and solar activity.

Log-linear between the nodes of the shipped NRLMSIS 2.1 table. Below it the scale height of the lowest layer goes on.
Above it, where drag is negligible, the flattest slope over solar activity does, so that more activity always means
more density.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.constants import METRES_PER_KM
from dawndusk.models.tables import EnvironmentData, extended

Floats = NDArray[np.float64]

HALF_SPAN_KM = 5.0


def density_kg_m3(data: EnvironmentData, altitude_km: Floats, solar_flux_f107: float) -> Floats:
    """Return the mean density in kg/m3 at altitudes of shape (A,) for one solar 10.7 cm flux in sfu.

    Log-linear in altitude and in flux; the flux is held at the ends of the table.
    """
    logs = np.log(data.density_kg_m3)
    at_flux = np.array([np.interp(solar_flux_f107, data.density_f107, row) for row in logs])
    nodes = data.density_altitude_km
    inside = extended(np.minimum(altitude_km, nodes[-1]), nodes, at_flux)
    flattest = float((logs[-1] - logs[-2]).max() / (nodes[-1] - nodes[-2]))
    density: Floats = np.exp(inside + flattest * np.maximum(altitude_km - nodes[-1], 0.0))
    return density


def scale_height_m(data: EnvironmentData, altitude_km: Floats, solar_flux_f107: float) -> Floats:
    """Return the density scale height in m at altitudes of shape (A,), from the slope over 10 km."""
    below = density_kg_m3(data, altitude_km - HALF_SPAN_KM, solar_flux_f107)
    above = density_kg_m3(data, altitude_km + HALF_SPAN_KM, solar_flux_f107)
    height: Floats = 2.0 * HALF_SPAN_KM * METRES_PER_KM / np.log(below / above)
    return height
