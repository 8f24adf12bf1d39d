"""Mass and stowed volume of a satellite: fixed, linear and faster-than-linear parts, and the closure."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from dawndusk.models.array import Array
from dawndusk.models.assumptions import Accelerator, Network, Platform, Power, Radiator, SolarArray
from dawndusk.models.constants import ALUMINIUM_DENSITY_KG_M3, MM_PER_M, WATTS_PER_KW

CUBE_FACES = 6.0


@dataclass(frozen=True)
class Parts:
    """Amounts of one unit that add up to a whole."""

    def total(self) -> Array:
        """Return the sum in the unit of the parts."""
        total = 0.0
        for part in fields(self):
            total = total + getattr(self, part.name)
        return total


@dataclass(frozen=True)
class Subsystems(Parts):
    """Masses in kg of what a satellite is made of, before structure and margin."""

    compute: Array
    array: Array
    pmad: Array
    battery: Array
    radiator: Array
    thermal_loop: Array
    shielding: Array
    communications: Array
    deployables: Array
    fixed: Array


@dataclass(frozen=True)
class Closure:
    """Masses in kg after closure."""

    dry: Array
    structure: Array
    margin: Array


def box_volume_m3(platform: Platform, compute_kg: Array) -> Array:
    """Return the volume of the compute box from its mass and packed density."""
    return compute_kg * (1.0 / platform.compute_density_kg_m3)


def shielding_mass_kg(platform: Platform, box_m3: Array, thickness_mm: Array) -> Array:
    """Return the mass of a wall of ``thickness_mm`` around the compute box, ``rho t A``.

    The surface grows with the two-thirds power of the volume, so that large satellites shield more cheaply.
    """
    edge = np.cbrt(box_m3)
    area = edge * edge * (CUBE_FACES * platform.box_area_factor)
    return area * thickness_mm * (ALUMINIUM_DENSITY_KG_M3 / MM_PER_M)


@dataclass(frozen=True)
class Sizing:
    """What a satellite is sized to, one value or column each."""

    accelerators_on_board: Array
    array_area_m2: Array
    array_power_bol_w: Array
    battery_wh: Array
    radiator_area_m2: Array
    heat_w: Array
    shielding_mm: Array
    optical_terminals: Array


def subsystem_masses(
    platform: Platform,
    power: Power,
    network: Network,
    accelerator: Accelerator,
    array: SolarArray,
    radiator: Radiator,
    size: Sizing,
) -> Subsystems:
    """Return the subsystem masses in kg of one satellite."""
    compute = size.accelerators_on_board * accelerator.mass_kg
    deployed = grown(size.array_area_m2) + grown(size.radiator_area_m2)
    return Subsystems(
        compute=compute,
        array=size.array_area_m2 * array.areal_mass_kg_m2,
        pmad=size.array_power_bol_w * (platform.pmad_kg_per_kw / WATTS_PER_KW),
        battery=size.battery_wh * (1.0 / power.battery_wh_per_kg),
        radiator=size.radiator_area_m2 * radiator.areal_mass_kg_m2,
        thermal_loop=size.heat_w * radiator.loop_kg_per_kw * (1.0 / WATTS_PER_KW),
        shielding=shielding_mass_kg(platform, box_volume_m3(platform, compute), size.shielding_mm),
        communications=size.optical_terminals * network.terminal_mass_kg + network.downlink_mass_kg,
        deployables=deployed * platform.deployable_coefficient,
        fixed=platform.fixed_mass_kg,
    )


def grown(area_m2: Array) -> Array:
    """Return an area to the power 1.5, as the mass of booms and hinges grows with it."""
    return area_m2 * np.sqrt(area_m2)


def close(platform: Platform, subsystems_kg: Array) -> Closure:
    """Return dry mass with structure and margin, both shares of the dry mass. Source: Wertz, SMAD.

    A hosted payload comes complete: it adds its mass, but neither structure nor margin.
    """
    own = subsystems_kg * (1.0 / (1.0 - platform.structure_fraction - platform.margin_fraction))
    return Closure(own + platform.hosted_mass_kg, own * platform.structure_fraction, own * platform.margin_fraction)


def stowed_volume_m3(
    platform: Platform, array: SolarArray, radiator: Radiator, array_power_w: Array, radiator_m2: Array, box_m3: Array
) -> Array:
    """Return the stowed volume in m3: rolled array, folded radiator, compute box and bus."""
    rolled = array_power_w / (array.stowed_kw_per_m3 * WATTS_PER_KW)
    return rolled + radiator_m2 * radiator.stowed_thickness_m + box_m3 + platform.bus_volume_m3
