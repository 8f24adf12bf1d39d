"""Energy that it takes to build and launch a fleet, and how soon the fleet has supplied as much."""

from __future__ import annotations

from dawndusk.models.array import Array
from dawndusk.models.assumptions import Energy
from dawndusk.models.constants import JOULES_PER_MJ, SECONDS_PER_YEAR


def hardware_mj(energy: Energy, array_area_m2: Array, compute_w: Array, other_mass_kg: Array) -> Array:
    """Return the primary energy in MJ from raw material to one finished satellite.

    Solar arrays by area, accelerators with their hosts by nominal IT power (spares counted), all else by mass.
    """
    return (
        array_area_m2 * energy.array_mj_per_m2
        + compute_w * energy.compute_mj_per_w
        + other_mass_kg * energy.platform_mj_per_kg
    )


def launch_mj(energy: Energy, payload_leo_kg: Array) -> Array:
    """Return the primary energy in MJ of the propellant of one launch, which burns all of it however full it is."""
    return payload_leo_kg * energy.propellant_mj_per_kg_leo


def payback_years(energy: Energy, invested_mj: Array, supplied_w: Array) -> Array:
    """Return the years after which the electricity supplied is worth the primary energy invested.

    ``E_invested / (E_per_year / eta_grid)``: a unit of electricity counts as the primary energy from which a grid
    makes it. Source: Frischknecht et al., Methodology Guidelines on Life Cycle Assessment of Photovoltaic Electricity,
    IEA PVPS Task 12.
    """
    return invested_mj * (energy.grid_efficiency * JOULES_PER_MJ / SECONDS_PER_YEAR) / supplied_w
