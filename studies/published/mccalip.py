"""McCalip, Economics of Orbital vs Terrestrial Data Centers (December 2025).

Undiscounted, per nominal watt, without accelerators, radiators, shielding or batteries. The code it reproduces is
``math.js`` at e59571e, https://github.com/andrewmccalip/thoughts. What it leaves out is part of the method: its
operations and failures are shares of the satellite hardware, and its break-even counts neither.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from dawndusk.models.constants import HOURS_PER_YEAR, KG_PER_TONNE, WATTS_PER_KW, WATTS_PER_MW
from dawndusk.studies.published.method import Method, given

WATTS_PER_GW = 1e9
USD_PER_BUSD = 1e9
USD_PER_MUSD = 1e6
PER_CENT = 0.01
OPERATIONS_PER_YEAR = 0.01
"""Operations as a share of the hardware; a constant of the method."""
LAUNCH_CAPACITY_T = 100.0
BTU_PER_KWH_TO_MMBTU_PER_MWH = 1e-3


@dataclass(frozen=True, kw_only=True)
class Books:
    """What the method asks for, with McCalip's defaults."""

    target_gw: float = given(1.0, "GW", "nominal power of the data centre", 1e-9, 1e6)
    years: int = given(5, "years", "length of the analysis", 1, 100, whole=True)
    satellite_power_kw: float = given(27.0, "kW", "power of one satellite when new", 1e-3, 1e9)
    specific_power_w_per_kg: float = given(36.5, "W/kg", "power of a satellite over its mass", 1e-3, 1e6)
    satellite_usd_per_w: float = given(22.0, "USD/W", "satellite hardware, launch not counted", 0, 1e9)
    launch_usd_per_kg: float = given(500.0, "USD/kg", "launch price", 0, 1e9)
    sun_fraction: float = given(0.98, "fraction", "share of time in sunlight", 0.001, 1)
    cell_degradation_percent_per_year: float = given(2.5, "%/year", "loss of array power", 0, 99)
    gpu_failure_percent_per_year: float = given(9.0, "%/year", "failures, charged on satellite hardware", 0, 1000)
    nre_musd: float = given(1000.0, "million USD", "engineering done once", 0, 1e9)
    gas_turbine_usd_per_kw: float = given(1800.0, "USD/kW", "gas turbine on the ground", 0, 1e9)
    electrical_usd_per_w: float = given(5.25, "USD/W", "electrical plant on the ground", 0, 1e6)
    mechanical_usd_per_w: float = given(3.0, "USD/W", "mechanical plant on the ground", 0, 1e6)
    civil_usd_per_w: float = given(2.5, "USD/W", "building on the ground", 0, 1e6)
    network_usd_per_w: float = given(1.75, "USD/W", "network on the ground", 0, 1e6)
    pue: float = given(1.2, "-", "power usage effectiveness on the ground", 1, 10)
    gas_usd_per_mmbtu: float = given(4.30, "USD/MMBtu", "natural gas", 0, 1e6)
    heat_rate_btu_per_kwh: float = given(6200.0, "BTU/kWh", "fuel per energy generated", 0, 1e6)
    capacity_factor: float = given(0.85, "fraction", "use of the ground plant", 0.001, 1)


@dataclass(frozen=True)
class McCalipFleet:
    """The satellites that hold the target power on average over the years."""

    mean_capacity_factor: float
    initial_power_w: float
    satellites: int
    installed_power_w: float
    mass_kg: float


def fleet(books: Books) -> McCalipFleet:
    """Return the fleet: initial power is the target over mean capacity factor and sun fraction."""
    kept = 1.0 - books.cell_degradation_percent_per_year * PER_CENT
    mean = sum(kept**year for year in range(books.years)) / books.years
    initial = books.target_gw * WATTS_PER_GW / (mean * books.sun_fraction)
    satellite_w = books.satellite_power_kw * WATTS_PER_KW
    satellites = math.ceil(initial / satellite_w)
    installed = satellites * satellite_w
    return McCalipFleet(mean, initial, satellites, installed, installed / books.specific_power_w_per_kg)


def orbital_total_usd(books: Books, fleet: McCalipFleet) -> float:
    """Return hardware, launch, operations, failures and engineering over all years, in USD."""
    hardware = books.satellite_usd_per_w * fleet.installed_power_w
    launch = books.launch_usd_per_kg * fleet.mass_kg
    operations = OPERATIONS_PER_YEAR * hardware * books.years
    failures = books.gpu_failure_percent_per_year * PER_CENT * hardware * books.years
    return hardware + launch + operations + failures + books.nre_musd * USD_PER_MUSD


def ground_capital_usd_per_w(books: Books) -> float:
    """Return turbine, plant, building and network on the ground, in USD/W."""
    turbine = books.gas_turbine_usd_per_kw / WATTS_PER_KW * books.pue
    plant = books.electrical_usd_per_w + books.mechanical_usd_per_w
    return turbine + plant + books.civil_usd_per_w + books.network_usd_per_w


def ground_fuel_usd(books: Books) -> float:
    """Return the gas burnt over all years, in USD."""
    fuel_usd_per_mwh = books.heat_rate_btu_per_kwh * BTU_PER_KWH_TO_MMBTU_PER_MWH * books.gas_usd_per_mmbtu
    return fuel_usd_per_mwh * _nominal_mwh(books) * books.capacity_factor * books.pue


def ground_total_usd(books: Books) -> float:
    """Return capital and fuel on the ground over all years, in USD."""
    return ground_capital_usd_per_w(books) * books.target_gw * WATTS_PER_GW + ground_fuel_usd(books)


def breakeven_launch_usd_per_kg(books: Books, fleet: McCalipFleet) -> float:
    """Return the launch price at which hardware and launch alone cost what the ground costs, in USD/kg."""
    hardware = books.satellite_usd_per_w * fleet.initial_power_w
    return (ground_total_usd(books) - hardware) / (fleet.initial_power_w / books.specific_power_w_per_kg)


def account(books: Books) -> dict[str, float]:
    """Return every metric of the method."""
    satellites = fleet(books)
    orbit, ground = orbital_total_usd(books, satellites), ground_total_usd(books)
    target_w, mwh = books.target_gw * WATTS_PER_GW, _nominal_mwh(books)
    tonnes = satellites.mass_kg / KG_PER_TONNE
    return {
        "mean_capacity_factor": satellites.mean_capacity_factor,
        "initial_power_gw": satellites.initial_power_w / WATTS_PER_GW,
        "satellites": float(satellites.satellites),
        "installed_power_gw": satellites.installed_power_w / WATTS_PER_GW,
        "total_mass_t": tonnes,
        "launches_100t": float(math.ceil(tonnes / LAUNCH_CAPACITY_T)),
        "hardware_busd": books.satellite_usd_per_w * satellites.installed_power_w / USD_PER_BUSD,
        "launch_busd": books.launch_usd_per_kg * satellites.mass_kg / USD_PER_BUSD,
        "orbital_total_busd": orbit / USD_PER_BUSD,
        "orbital_usd_per_w": orbit / target_w,
        "orbital_usd_per_mwh": orbit / mwh,
        "ground_total_busd": ground / USD_PER_BUSD,
        "ground_usd_per_w": ground / target_w,
        "ground_usd_per_mwh": ground / (mwh * books.capacity_factor),
        "breakeven_launch_usd_per_kg": breakeven_launch_usd_per_kg(books, satellites),
        "orbital_over_ground": orbit / ground,
    }


def _nominal_mwh(books: Books) -> float:
    return books.target_gw * WATTS_PER_GW / WATTS_PER_MW * books.years * HOURS_PER_YEAR


MCCALIP = Method(
    name="mccalip",
    sentence="Undiscounted cost of a fleet of satellites and of a gas-fired data centre, per nominal watt.",
    source="Economics of Orbital vs Terrestrial Data Centers (December 2025)",
    inputs=Books,
    function=account,
    outputs={
        "mean_capacity_factor": "fraction",
        "initial_power_gw": "GW",
        "satellites": "count",
        "installed_power_gw": "GW",
        "total_mass_t": "t",
        "launches_100t": "count",
        "hardware_busd": "BUSD",
        "launch_busd": "BUSD",
        "orbital_total_busd": "BUSD",
        "orbital_usd_per_w": "USD/W",
        "orbital_usd_per_mwh": "USD/MWh",
        "ground_total_busd": "BUSD",
        "ground_usd_per_w": "USD/W",
        "ground_usd_per_mwh": "USD/MWh",
        "breakeven_launch_usd_per_kg": "USD/kg",
        "orbital_over_ground": "-",
    },
)
