"""Project Suncatcher: launched power price and the learning curve of launch (arXiv:2511.19468)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dawndusk.studies.published.method import Method, MethodError, given

MOST_DOUBLINGS = 500.0
SOURCE = "Project Suncatcher, arXiv:2511.19468"


def launched_power_price_usd_per_kw_year(
    mass_kg: float, power_kw: float, life_years: float, launch_usd_per_kg: float
) -> float:
    """Return ``mass x launch price / (power x life)`` in USD/kW/year: launch alone, nothing discounted."""
    return mass_kg * launch_usd_per_kg / (power_kw * life_years)


def doublings_to_price(price: float, target: float, reduction_per_doubling: float) -> float:
    """Return how often the cumulative mass must double until ``price (1 - reduction)^n = target``."""
    return math.log(target / price) / math.log(1.0 - reduction_per_doubling)


@dataclass(frozen=True, kw_only=True)
class Satellite:
    """A satellite and its launch; the default is a Starlink V2 mini at 200 USD/kg."""

    satellite_mass_kg: float = given(575.0, "kg", "mass at launch", 1e-3, 1e9)
    satellite_power_kw: float = given(28.4, "kW", "power of its array when new", 1e-3, 1e9)
    life_years: float = given(5.0, "years", "operating life", 0.01, 100)
    launch_usd_per_kg: float = given(200.0, "USD/kg", "launch price", 0, 1e9)


@dataclass(frozen=True, kw_only=True)
class Learning:
    """Where the price of launch stands and where it shall go."""

    price_usd_per_kg: float = given(1800.0, "USD/kg", "price at the start", 1e-3, 1e9)
    cumulative_mass_t: float = given(400.0, "t", "mass launched until the start", 1e-6, 1e12)
    reduction_per_doubling: float = given(0.2, "fraction", "price cut for each doubling of that mass", 1e-3, 0.99)
    target_usd_per_kg: float = given(200.0, "USD/kg", "price to reach", 1e-3, 1e9)


def _power_price(inputs: Satellite) -> dict[str, float]:
    price = launched_power_price_usd_per_kw_year(
        inputs.satellite_mass_kg, inputs.satellite_power_kw, inputs.life_years, inputs.launch_usd_per_kg
    )
    return {"usd_per_kw_year": price, "kg_per_kw": inputs.satellite_mass_kg / inputs.satellite_power_kw}


def _learning(inputs: Learning) -> dict[str, float]:
    doublings = doublings_to_price(inputs.price_usd_per_kg, inputs.target_usd_per_kg, inputs.reduction_per_doubling)
    if doublings > MOST_DOUBLINGS:
        raise MethodError(
            f"reduction_per_doubling: found {inputs.reduction_per_doubling:g}, which takes {doublings:.0f} doublings; "
            f"allowed up to {MOST_DOUBLINGS:g} (raise it, or the target)"
        )
    growth = 2.0**doublings
    return {
        "cumulative_mass_t": inputs.cumulative_mass_t * growth,
        "mass_ratio": growth,
        "doublings": doublings,
    }


LAUNCHED_POWER_PRICE = Method(
    name="launched_power_price",
    sentence="Launch cost of a satellite per kilowatt of its power and year of its life.",
    source=SOURCE,
    inputs=Satellite,
    function=_power_price,
    outputs={"usd_per_kw_year": "USD/kW/year", "kg_per_kw": "kg/kW"},
)

LAUNCH_LEARNING = Method(
    name="launch_learning",
    sentence="Mass that must have been launched until learning brings the price of launch to a target.",
    source=SOURCE,
    inputs=Learning,
    function=_learning,
    outputs={"cumulative_mass_t": "t", "mass_ratio": "-", "doublings": "-"},
)
