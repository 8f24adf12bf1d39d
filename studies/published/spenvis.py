"""Trapped dose behind aluminium, as SPENVIS publishes it: AE8, AP8 and SHIELDOSE-2, a dot in a solid sphere."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from dawndusk.models.physics.radiation import dose_table
from dawndusk.studies.data import default_assumptions
from dawndusk.studies.published.method import Method, MethodError, chosen, given

RAD_PER_KRAD = 1e3
DEFAULT_ORBIT = "dawn_dusk_sso"


def orbit_names() -> Collection[str]:
    """Return the names of the orbits that the assumptions know."""
    return default_assumptions().orbits


@dataclass(frozen=True, kw_only=True)
class Shield:
    """A circular orbit and a wall. Without orbit and inclination it is the dawn-dusk orbit."""

    altitude_km: float = given(650.0, "km", "altitude of the circular orbit", 400, 2000)
    orbit: str | None = chosen(None, "family of orbits", orbit_names)
    inclination_deg: float | None = given(
        None, "deg", "inclination instead of an orbit; the tables begin at 30", 25, 115
    )
    shielding_mm: float = given(10.0, "mm Al", "wall", 0.5, 20)
    years: float = given(5.0, "years", "time over which the dose adds up", 1e-6, 100)
    geometry_factor: float = given(1.0, "fraction", "dose in the real box over dose in the sphere", 0.01, 2)


def table_inclination_deg(orbit: str | None, inclination_deg: float | None) -> float | None:
    """Return the inclination for the dose tables; ``None`` is their sun-synchronous set."""
    if orbit is not None and inclination_deg is not None:
        raise MethodError(f"inclination_deg: found it beside the orbit {orbit!r}, allowed one of the two")
    if inclination_deg is not None:
        return inclination_deg
    row = default_assumptions().orbits[orbit or DEFAULT_ORBIT]
    return None if row.sun_synchronous else row.inclination_deg


def _dose(inputs: Shield) -> dict[str, float]:
    inclination = table_inclination_deg(inputs.orbit, inputs.inclination_deg)
    altitude, wall = np.array([inputs.altitude_km]), np.array([inputs.shielding_mm])
    table = dose_table(default_assumptions().data, inclination, altitude, wall)
    rate = float(table[0, 0]) * inputs.geometry_factor
    return {
        "dose_rad_si": rate * inputs.years * RAD_PER_KRAD,
        "dose_krad_si": rate * inputs.years,
        "dose_rad_per_year": rate * RAD_PER_KRAD,
        "dose_krad_per_year": rate,
    }


DOSE = Method(
    name="dose",
    sentence="Dose from trapped electrons and protons behind aluminium; solar protons are not counted.",
    source="AE8-MAX, AP8-MIN and SHIELDOSE-2, as in SPENVIS",
    inputs=Shield,
    function=_dose,
    outputs={
        "dose_rad_si": "rad(Si)",
        "dose_krad_si": "krad(Si)",
        "dose_rad_per_year": "rad(Si)/year",
        "dose_krad_per_year": "krad(Si)/year",
    },
    synonyms={"life_years": "years", "dose_krad_life": "dose_krad_si"},
)
