"""Turyshev, Orbital Data Centers: Spacecraft Constraints and Economic Viability (arXiv:2604.27197).

Defaults are those of the first version (JPL Dataverse, doi:10.48577/jpl.HHDDG7); its array power of 299 W/m2 and net
flux of 0.773 of the black-body flux follow from the areas that it states, 4,400 and 1,900 m2 for 1 MW.
"""

from __future__ import annotations

from dataclasses import dataclass

from dawndusk.models.constants import WATTS_PER_MW
from dawndusk.models.physics.thermal import emitted_w_m2
from dawndusk.studies.published.method import Method, given

SOURCE = "Turyshev, arXiv:2604.27197"


@dataclass(frozen=True, kw_only=True)
class TuryshevClosure:
    """An IT load with what it needs of sunlight and of radiator."""

    it_power_mw: float = given(1.0, "MW", "IT power", 1e-9, 1e9)
    overhead: float = given(1.25, "-", "electrical load over IT power", 1, 100)
    sunlit_fraction: float = given(0.95, "fraction", "share of time in sunlight", 0.001, 1)
    array_w_m2: float = given(299.0, "W/m2", "array power per area", 1e-3, 1e6)
    net_flux_fraction: float = given(0.773, "-", "net flux per planform over that of one black face", 1e-3, 2)
    radiator_temperature_k: float = given(350.0, "K", "radiator temperature", 3, 3000)


@dataclass(frozen=True, kw_only=True)
class TuryshevBreakEven:
    """What the ground costs and what the deployed system weighs."""

    ground_usd_per_kw: float = given(10_000.0, "USD/kW", "infrastructure on the ground, without IT", 0, 1e9)
    mass_kg_per_kw: float = given(40.0, "kg/kW", "deployed mass per IT power", 1e-3, 1e9)


def array_area_m2(it_power_w: float, overhead: float, sunlit_fraction: float, array_w_m2: float) -> float:
    """Return ``overhead x IT power / (sunlit fraction x array W/m2)`` in m2."""
    return overhead * it_power_w / (sunlit_fraction * array_w_m2)


def radiator_area_m2(it_power_w: float, overhead: float, net_flux_fraction: float, temperature_k: float) -> float:
    """Return ``overhead x IT power / (net flux fraction x sigma T^4)`` in m2."""
    black = float(emitted_w_m2(temperature_k, emissivity=1.0, faces=1.0, fin_efficiency=1.0))
    return overhead * it_power_w / (net_flux_fraction * black)


def breakeven_launch_plus_build_usd_per_kg(ground_usd_per_kw: float, mass_kg_per_kw: float) -> float:
    """Return ``ground USD/kW / deployed kg/kW``: what launching and building may cost together, in USD/kg."""
    return ground_usd_per_kw / mass_kg_per_kw


def _closure(inputs: TuryshevClosure) -> dict[str, float]:
    it_power_w = inputs.it_power_mw * WATTS_PER_MW
    radiator = radiator_area_m2(it_power_w, inputs.overhead, inputs.net_flux_fraction, inputs.radiator_temperature_k)
    return {
        "array_area_m2": array_area_m2(it_power_w, inputs.overhead, inputs.sunlit_fraction, inputs.array_w_m2),
        "radiator_area_m2": radiator,
    }


def _break_even(inputs: TuryshevBreakEven) -> dict[str, float]:
    price = breakeven_launch_plus_build_usd_per_kg(inputs.ground_usd_per_kw, inputs.mass_kg_per_kw)
    return {"launch_plus_build_usd_per_kg": price}


TURYSHEV_CLOSURE = Method(
    name="turyshev_closure",
    sentence="Array and radiator area that carry an IT load.",
    source=SOURCE,
    inputs=TuryshevClosure,
    function=_closure,
    outputs={"array_area_m2": "m2", "radiator_area_m2": "m2"},
    synonyms={"temperature_k": "radiator_temperature_k"},
)

TURYSHEV_BREAKEVEN = Method(
    name="turyshev_breakeven",
    sentence="Combined launch and build price at which orbit costs what the ground costs.",
    source=SOURCE,
    inputs=TuryshevBreakEven,
    function=_break_even,
    outputs={"launch_plus_build_usd_per_kg": "USD/kg"},
)
