"""Heat: the radiator's balance, the ladder from radiator to junction, and the leakage that closes the loop.

The radiator area is chosen; its temperature follows from the heat, and the heat grows with the junction temperature.
Sources: Gilmore, Spacecraft Thermal Control Handbook; Howell, Catalog of Radiation Heat Transfer Configuration
Factors.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from dawndusk.models.array import Array, bounded_whole, monotone
from dawndusk.models.assumptions import Environment, Thermal
from dawndusk.models.catalogue import Accelerator, Orbit, Radiator
from dawndusk.models.constants import EARTH_RADIUS_M, STEFAN_BOLTZMANN_W_M2_K4

NEWTON_STEPS, NEWTON_STEPS_OF_LEAKING_CHIPS = 5, 8
LEAKING_PER_K = 0.0035
LEAST_SLOPE = 1e-3  # of emission T^3, keeps a step from overshooting where two roots nearly meet
TYPICAL_TEMPERATURE_K = 350.0


def view_factor_edge_on(radius: Array, earth_radius: float = EARTH_RADIUS_M) -> Array:
    """Return the view factor from a plate whose plane contains the nadir direction to the Earth, per face.

    ``(atan(1 / sqrt(H^2 - 1)) - sqrt(H^2 - 1) / H^2) / pi`` with ``H = radius / earth_radius``, both in m.
    Source: Howell, plate tangent to the line to a sphere's centre.
    """
    ratio = radius / earth_radius
    root = np.sqrt(ratio**2 - 1.0)
    return (np.arctan(1.0 / root) - root / ratio**2) / math.pi


def aged(new: Array, old: Array, life_years: Array, coating_life_years: Array) -> Array:
    """Return a coating property after ``life_years``: linear from new to old, then constant."""
    return new + (old - new) * np.minimum(life_years / coating_life_years, 1.0)


def emitted_w_m2(temperature_k: Array, emissivity: Array, faces: Array, fin_efficiency: Array) -> Array:
    """Return the infrared emission in W per m2 of planform: ``faces eps eta sigma T^4`` (Stefan-Boltzmann)."""
    return faces * emissivity * fin_efficiency * STEFAN_BOLTZMANN_W_M2_K4 * temperature_k**4


def absorbed_w_m2(
    environment: Environment,
    thermal: Thermal,
    orbit: Orbit,
    earth_view_factor: Array,
    emissivity: Array,
    absorptance: Array,
    faces: Array,
) -> Array:
    """Return the heat that an edge-on radiator takes from Earth, Sun and array, in W per m2 of planform.

    Per face: Earth infrared, albedo (scaled by the orbit's mean over the subsolar value) and the back of the
    array; the Sun reaches one face by the pointing error.
    """
    squared = thermal.array_back_temperature_k * thermal.array_back_temperature_k
    array_back = (
        thermal.array_view_factor * thermal.array_back_emissivity * STEFAN_BOLTZMANN_W_M2_K4 * (squared * squared)
    )
    infrared = earth_view_factor * environment.earth_ir_w_m2 + array_back
    reflected = environment.albedo * environment.solar_constant_w_m2 * orbit.albedo_fraction * earth_view_factor
    direct = environment.solar_constant_w_m2 * np.sin(np.radians(thermal.sun_pointing_error_deg))
    return faces * (emissivity * infrared + absorptance * reflected) + absorptance * direct


@dataclass(frozen=True)
class Ladder:
    """The junction above the radiator, ``T_junction - T_reference = slope * T_radiator + offset`` (K).

    ``cold_offset`` takes the place of slope and offset where the package draws its least power.
    """

    slope: Array
    offset: Array
    cold_offset: Array

    def above_reference_k(self, radiator_temperature_k: Array) -> Array:
        """Return the junction temperature over the reference, in K."""
        warm = self.slope * radiator_temperature_k + self.offset
        return np.maximum(warm, radiator_temperature_k + self.cold_offset)


def ladder(thermal: Thermal, accelerator: Accelerator, lift_k: Array) -> Ladder:
    """Return the junction temperature as a function of the radiator temperature.

    The junction sits above the coolant by ``R_th`` times the package power, which itself grows with the junction
    temperature from a least share on; the coolant sits above the radiator by the loop's rise, or below it by a heat
    pump's lift.
    """
    rise = accelerator.thermal_resistance_k_w * accelerator.chip_power_w
    slope = 1.0 / (1.0 - rise * accelerator.leakage_per_k)
    ends = thermal.loop_rise_k - lift_k - thermal.junction_reference_k
    return Ladder(slope, (ends + rise) * slope, ends + rise * thermal.least_power_fraction)


@bounded_whole
@monotone(emission="-", slope="+", constant="+", least="+")
def equilibrium_temperature_k(
    emission: Array, slope: Array, constant: Array, least: Array, steps: int = NEWTON_STEPS_OF_LEAKING_CHIPS
) -> Array:
    """Return the least temperature T at which ``emission T^4`` carries ``max(constant + slope T, least)``, in K.

    ``emission``, ``slope`` and ``least`` positive (slope may be zero, ``constant`` negative). Where the least heat
    rules at its own temperature, that is the answer. Elsewhere one root lies above it: Newton's method on a convex
    function comes down to it from above after its first step. Five steps reach 1e-9 of it at up to 0.35 % of leakage
    per K; eight do at 0.5 %, and reach 1e-4 at 1 % per K, where two roots nearly meet.
    """
    coldest = np.sqrt(np.sqrt(least / emission))
    rules = np.maximum(np.sign(constant + slope * coldest - least), 0.0)
    reached = np.sqrt(np.sqrt(np.maximum(constant + slope * TYPICAL_TEMPERATURE_K, least) / emission))
    start = np.maximum(reached, np.cbrt(slope / emission))
    t = np.maximum(start, coldest)
    for _ in range(steps):
        cube = emission * t * t * t
        step = (3.0 * cube * t + constant) / np.maximum(4.0 * cube - slope, LEAST_SLOPE * cube)
        t = np.maximum(step, coldest)
    return coldest + rules * (t - coldest)


def drawn_it_power_w(thermal: Thermal, accelerator: Accelerator, junction_k: Array) -> Array:
    """Return the IT power in W of one accelerator at a junction temperature, at least that without leakage."""
    grown = accelerator.leakage_per_k * (junction_k - thermal.junction_reference_k)
    chip = accelerator.chip_power_w * np.maximum(grown + 1.0, thermal.least_power_fraction)
    return accelerator.it_power_w - accelerator.chip_power_w + chip


def newton_steps(accelerators: Iterable[Accelerator]) -> int:
    """Return the steps that the equilibrium temperature takes with the accelerators in the catalogue."""
    leakiest = np.max(functools.reduce(np.maximum, (row.leakage_per_k for row in accelerators)))
    return NEWTON_STEPS if leakiest <= LEAKING_PER_K else NEWTON_STEPS_OF_LEAKING_CHIPS


def pumping_fraction(thermal: Thermal, radiator: Radiator) -> Array:
    """Return pump and heat-pump power per heat moved: ``pump + lift / (eta_II T_cold)``."""
    return radiator.pump_fraction + radiator.lift_k * (1.0 / (thermal.second_law_efficiency * thermal.cold_supply_k))
