"""Power: what the array must give in the worst season, what it becomes, and the battery for eclipse.

Energy balance over one orbit. Source: Wertz, SMAD, power chapter.
"""

from __future__ import annotations

import numpy as np

from dawndusk.models.array import Array
from dawndusk.models.assumptions import Power, SolarArray
from dawndusk.models.constants import SECONDS_PER_DAY, SECONDS_PER_HOUR


def eclipse_load_fraction(power: Power, eclipse_ride_through: Array) -> Array:
    """Return the share of the load that runs in eclipse: keep-alive at least, everything at ride-through 1."""
    return power.keep_alive_fraction + (1.0 - power.keep_alive_fraction) * eclipse_ride_through


def array_power_per_load(power: Power, eclipse_load: Array, eclipse_over_sunlit: Array) -> Array:
    """Return the array power in W per W of load: the load itself and the recharge, through the PMAD.

    ``eclipse_over_sunlit`` is the longest eclipse over the sunlit rest of that orbit.
    """
    stored = 1.0 / (power.charge_efficiency * power.discharge_efficiency)
    return (1.0 + eclipse_load * eclipse_over_sunlit * stored) / power.pmad_efficiency


def heat_per_load(power: Power, eclipse_load: Array, eclipse_fraction: Array) -> Array:
    """Return the heat in W per W of load: the load, the PMAD loss and the storage loss averaged over the orbit.

    Everything electrical leaves as heat; nothing is lost on the way.
    """
    storage_loss = 1.0 / (power.charge_efficiency * power.discharge_efficiency) - 1.0
    return (1.0 + eclipse_load * eclipse_fraction * storage_loss) / power.pmad_efficiency


def array_area_m2(array: SolarArray, solar_constant_w_m2: Array, power_bol_w: Array) -> Array:
    """Return the array area in m2 that gives ``power_bol_w`` when new and facing the Sun."""
    return power_bol_w / (solar_constant_w_m2 * array.efficiency * array.packing_pointing)


def degradation_per_year(array: SolarArray, log_cell_proton_ratio: Array) -> Array:
    """Return the yearly loss rate of array power: a part of its own and one that follows the proton flux.

    The second part is quoted at 650 km dawn-dusk and grows with a power of the flux, because cells lose power with
    the logarithm of fluence. Exponential decay, so a rate d leaves exp(-d t).
    """
    radiation = array.radiation_degradation_per_year * np.exp(array.radiation_exponent * log_cell_proton_ratio)
    return array.degradation_per_year + radiation


def eclipses_per_year(eclipse_days_per_year: Array, period_s: Array) -> Array:
    """Return the number of eclipse passes in a year."""
    return eclipse_days_per_year * SECONDS_PER_DAY / period_s


def depth_of_discharge(power: Power, cycles: Array) -> Array:
    """Return the allowed depth of discharge for a number of life cycles, log-linear between the two anchors."""
    span = np.log(power.cycles_many / power.cycles_few)
    share = np.log(np.maximum(cycles, 1.0) * (1.0 / power.cycles_few)) * (1.0 / span)
    share = np.minimum(np.maximum(share, 0.0), 1.0)
    return power.dod_few_cycles + (power.dod_many_cycles - power.dod_few_cycles) * share


def battery_wh(power: Power, load_w: Array, eclipse_load: Array, eclipse_max_s: Array, depth: Array) -> Array:
    """Return the installed battery energy in Wh that carries the eclipse load through the longest eclipse."""
    delivered = load_w * eclipse_load * eclipse_max_s * (1.0 / (power.pmad_efficiency * SECONDS_PER_HOUR))
    return delivered / (power.discharge_efficiency * depth)
