"""Cost: satellite hardware with learning, programme capital, operations, and levelising."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dawndusk.models.array import Array, bounded_whole, monotone
from dawndusk.models.assumptions import Cost, Network, Platform
from dawndusk.models.catalogue import Radiator, SolarArray
from dawndusk.models.constants import WH_PER_KWH
from dawndusk.models.physics.mass import Closure, Parts, Sizing, Subsystems

REFERENCE_LIFE_YEARS = 5.0
LEAST_RATE_YEARS = 1e-9
"""Below it the discount on something spread evenly is one to rounding, and its formula 0 / 0."""
LEAST_CARRIED = 1e-300
"""So small that the growth over it is one to the last bit: it keeps the formula from 0 / 0."""


@dataclass(frozen=True)
class Hardware(Parts):
    """Cost in USD of the parts of one satellite at the reference quantity, accelerators apart."""

    array: Array
    pmad: Array
    battery: Array
    radiator: Array
    thermal_loop: Array
    shielding: Array
    communications: Array
    bus: Array


def hardware_usd(
    cost: Cost,
    network: Network,
    platform: Platform,
    array: SolarArray,
    radiator: Radiator,
    masses: Subsystems,
    closure: Closure,
    size: Sizing,
) -> Hardware:
    """Return the hardware cost of one satellite in USD at the reference quantity.

    The bus is paid by mass: structure, booms, and the fixed part less what another mission pays, plus integration.
    """
    paid = 1.0 - platform.hosted_share
    bus_kg = closure.structure + masses.deployables + masses.fixed * paid
    return Hardware(
        array=size.array_power_bol_w * array.usd_per_w,
        pmad=size.array_power_bol_w * cost.pmad_usd_per_w,
        battery=size.battery_wh * (cost.battery_usd_per_kwh / WH_PER_KWH),
        radiator=size.radiator_area_m2 * radiator.usd_per_m2,
        thermal_loop=size.heat_w * cost.thermal_loop_usd_per_w,
        shielding=masses.shielding * cost.shielding_usd_per_kg,
        communications=size.optical_terminals * network.terminal_usd + network.downlink_usd,
        bus=bus_kg * cost.bus_usd_per_kg + cost.bus_fixed_usd * paid,
    )


def learning_factor(cost: Cost, built: Array) -> Array:
    """Return unit cost at a quantity over unit cost at the reference quantity, ``(N / N_ref)^log2(LR)``.

    Above the reference the factor falls to a floor of material cost; below it rises. Source: Wertz, SMAD.
    """
    exponent = np.log2(cost.learning_rate)
    factor = np.exp(np.log(built * (1.0 / cost.learning_reference_quantity)) * exponent)
    return np.maximum(factor, cost.learning_floor)


def design_life_factor(cost: Cost, life_years: Array) -> Array:
    """Return satellite hardware cost for a design life over that for five years: redundancy, test and margin.

    A power law of the design life. Source: Saleh, Hastings, Newman, Spacecraft Design Lifetime, JSR 2002.
    """
    return np.exp(np.log(life_years * (1.0 / REFERENCE_LIFE_YEARS)) * cost.design_life_exponent)


@monotone(rate_per_year="-", years="+")
def annuity_years(rate_per_year: Array, years: Array) -> Array:
    """Return the discounted length in years of a stream of one per year, ``(1 - exp(-r T)) / r``, r continuous."""
    return years * spread_factor(rate_per_year * years)


@bounded_whole
@monotone(rate_years="-")
def spread_factor(rate_years: Array) -> Array:
    """Return the discount on something spread evenly over a time T, ``(1 - exp(-x)) / x`` with ``x = r T``.

    One at x = 0; accurate to rounding for small x.
    """
    small = np.maximum(rate_years, LEAST_RATE_YEARS)
    return np.expm1(-small) / -small


def carry_factor(rate_years: Array) -> Array:
    """Return the growth of money spent evenly over a time before it counts, ``(exp(x) - 1) / x`` with ``x = r T``.

    One at x = 0.
    """
    positive = np.maximum(rate_years, LEAST_CARRIED)
    return np.expm1(positive) / positive


def continuous(rate_per_year: Array) -> Array:
    """Return the continuous rate equal to a yearly one: ``ln(1 + r)``."""
    return np.log1p(rate_per_year)
