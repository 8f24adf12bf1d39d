"""Rows of the catalogues: orbits, accelerators, arrays, radiators, vehicles, workloads and training runs."""

from __future__ import annotations

from dataclasses import dataclass

from dawndusk.models.quantity import quantity


@dataclass(frozen=True, kw_only=True)
class Orbit:
    """A family of orbits; the altitude is a design variable."""

    sun_synchronous: float = quantity("0 or 1", "1: inclination follows from the altitude", 0, 1)
    inclination_deg: float = quantity("deg", "inclination where not sun-synchronous", 0, 180)
    ltan_h: float = quantity("h", "local time of the ascending node where sun-synchronous", 0, 24)
    albedo_fraction: float = quantity("fraction", "mean albedo load over that at the subsolar point", 0, 1)
    solar_proton_fraction: float = quantity("fraction", "solar proton dose over that of a polar orbit", 0, 1)


@dataclass(frozen=True, kw_only=True)
class Accelerator:
    """One accelerator with its share of host, network and power conversion."""

    bf16_dense_tflops: float = quantity("TFLOP/s", "dense BF16 peak", 1e-3)
    chip_power_w: float = quantity("W", "power of the package, which sets the junction rise", 1)
    it_power_w: float = quantity("W", "with host, network and conversion, at the reference junction", 1)
    mass_kg: float = quantity("kg", "with host, carrier and cold plate, packed for space", 1e-3)
    price_usd: float = quantity("USD", "with host", 1)
    junction_limit_k: float = quantity("K", "hottest allowed junction or memory stack", 250, 450)
    thermal_resistance_k_w: float = quantity("K/W", "junction to coolant", 0, 10)
    leakage_per_k: float = quantity("1/K", "growth of power with junction temperature", 0, 0.05)
    tid_tolerance_krad: float = quantity("krad(Si)", "dose survived without permanent failure", 0.01)
    available_year: float = quantity("year", "first year in which it can be bought", 1990, 2100)


@dataclass(frozen=True, kw_only=True)
class SolarArray:
    """A solar array technology."""

    efficiency: float = quantity("fraction", "cells new, at operating temperature, AM0", 0.01, 0.6)
    packing_pointing: float = quantity("fraction", "cell coverage times pointing and wiring", 0.1, 1)
    areal_mass_kg_m2: float = quantity("kg/m2", "wing", 0.01)
    usd_per_w: float = quantity("USD/W", "per watt new", 0)
    stowed_kw_per_m3: float = quantity("kW/m3", "stowed density", 0.1)
    degradation_per_year: float = quantity("1/year", "ultraviolet, cycling and micrometeoroids", 0, 0.5)
    radiation_degradation_per_year: float = quantity("1/year", "trapped protons at 650 km dawn-dusk", 0, 0.5)
    radiation_exponent: float = quantity("-", "growth of that part with proton flux", 0, 2)
    available_year: float = quantity("year", "first year in which it can fly at this scale", 1990, 2100)


@dataclass(frozen=True, kw_only=True)
class Radiator:
    """A radiator technology with its coolant loop."""

    areal_mass_kg_m2: float = quantity("kg/m2 planform", "panel with embedded loop", 0.01)
    usd_per_m2: float = quantity("USD/m2 planform", "panel", 0)
    faces: float = quantity("count", "radiating faces", 1, 2)
    emissivity_bol: float = quantity("fraction", "infrared emissivity new", 0.05, 1)
    emissivity_eol: float = quantity("fraction", "infrared emissivity aged", 0.05, 1)
    absorptance_bol: float = quantity("fraction", "solar absorptance new", 0, 1)
    absorptance_eol: float = quantity("fraction", "solar absorptance aged", 0, 1)
    fin_efficiency: float = quantity("fraction", "mean emission over that at root temperature", 0.1, 1)
    pump_fraction: float = quantity("fraction of heat", "pumping power", 0, 1)
    loop_kg_per_kw: float = quantity("kg/kW", "fluid, pumps and cold plates", 0)
    stowed_thickness_m: float = quantity("m", "stowed volume per planform area", 1e-4)
    ram_fraction: float = quantity(
        "fraction", "area that meets the flow over the frontal area of an edge-on plate", 0, 1
    )
    lift_k: float = quantity("K", "temperature lift of a heat pump, 0 without one", 0, 150)
    max_temperature_k: float = quantity("K", "hottest allowed coolant and coating", 250, 600)
    available_year: float = quantity("year", "first year in which it can fly at this scale", 1990, 2100)


@dataclass(frozen=True, kw_only=True)
class Vehicle:
    """A launch vehicle."""

    payload_leo_kg: float = quantity("kg", "to 200 km at the inclination of the launch site", 1)
    sso_ratio: float = quantity("fraction", "payload to a 600 km sun-synchronous orbit over payload_leo_kg", 0.05, 1)
    stage_dry_ratio: float = quantity("fraction", "dry mass of the last stage over payload_leo_kg", 0, 5)
    stage_isp_s: float = quantity("s", "specific impulse of the last stage", 100, 1000)
    fairing_m3: float = quantity("m3", "usable fairing volume", 0.1)
    price_usd: float = quantity("USD/launch", "price in price_year", 0)
    price_year: float = quantity("year", "year of the price", 2000, 2100)
    price_decline_per_year: float = quantity("fraction/year", "fall of the price after that year", -0.5, 0.9)
    price_floor_usd: float = quantity("USD/launch", "lowest price of the path", 0)
    success_probability: float = quantity("fraction", "of one launch in price_year", 0.05, 1)
    success_mature: float = quantity("fraction", "of one launch after many flights", 0.05, 1)
    maturing_years: float = quantity("years", "time in which the gap to the mature value falls to 1/e", 0.1, 50)
    cadence_per_year: float = quantity("launches/year", "flown by all customers in cadence_year", 0.01)
    cadence_year: float = quantity("year", "year of the cadence", 2000, 2100)
    cadence_growth_per_year: float = quantity("fraction/year", "growth of the cadence", -0.5, 10)
    cadence_limit_per_year: float = quantity("launches/year", "ceiling of the cadence", 0.01)
    available_year: float = quantity("year", "first year with operational payloads", 1990, 2100)


@dataclass(frozen=True, kw_only=True)
class Workload:
    """What the accelerators do."""

    sustained_fraction: float = quantity("fraction", "of dense peak (MFU)", 0.001, 1)
    job_accelerators: float = quantity("count", "accelerators that one failure interrupts together", 1)
    isl_bits_per_flop: float = quantity("bit/FLOP", "traffic between satellites", 0)
    downlink_bits_per_flop: float = quantity("bit/FLOP", "traffic to the ground", 0)
    checkpoint_s: float = quantity("s", "time to write a checkpoint", 0)
    restart_s: float = quantity("s", "time to restart after an interruption", 0)


@dataclass(frozen=True, kw_only=True)
class TrainingRun:
    """A training run of a stated size."""

    flop: float = quantity("FLOP", "floating-point operations of the whole run", 1, 1e40)


CATALOGUES: dict[str, type] = {
    "orbits": Orbit,
    "accelerators": Accelerator,
    "arrays": SolarArray,
    "radiators": Radiator,
    "vehicles": Vehicle,
    "workloads": Workload,
    "training_runs": TrainingRun,
}
"""Catalogues of named rows, by the first part of their dotted name."""
