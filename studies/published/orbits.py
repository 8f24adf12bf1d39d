"""Orbit geometry as textbooks state it (Vallado; Wertz, SMAD), from the product's own orbit model."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dawndusk.models.constants import EARTH_RADIUS_M, SECONDS_PER_MINUTE
from dawndusk.models.physics import orbit as model
from dawndusk.studies.data import default_assumptions
from dawndusk.studies.published.method import Method, MethodError, chosen, given
from dawndusk.studies.published.spenvis import DEFAULT_ORBIT, orbit_names

PUBLISHED_YEAR = 2026
"""Year of the published eclipse tables."""
FIRST_YEAR, LAST_YEAR = 1950, 2050
"""Years in which the solar ephemeris holds."""
LOWEST_KM, HIGHEST_SSO_KM = 100.0, 5900.0
"""Altitudes between which a sun-synchronous inclination exists."""
FREE_FROM_KM, FREE_TO_KM = 200.0, 3000.0
DEFAULT_ALTITUDE_KM = 650.0
HALVINGS = 30


def _altitude(maximum: float = HIGHEST_SSO_KM) -> float:
    value: float = given(DEFAULT_ALTITUDE_KM, "km", "altitude of the circular orbit", LOWEST_KM, maximum)
    return value


def _year() -> int:
    value: int = given(PUBLISHED_YEAR, "year", "calendar year", FIRST_YEAR, LAST_YEAR, whole=True)
    return value


@dataclass(frozen=True, kw_only=True)
class Eclipses:
    """An orbit by name, by local time of its node (sun-synchronous) or by inclination (node drifts)."""

    altitude_km: float = _altitude()
    orbit: str | None = chosen(None, "family of orbits, dawn-dusk unless stated", orbit_names)
    ltan_h: float | None = given(None, "h", "local time of the ascending node, sun-synchronous", 0, 24)
    inclination_deg: float | None = given(None, "deg", "inclination of an orbit whose node drifts", 0, 180)
    year: int = _year()


@dataclass(frozen=True, kw_only=True)
class AtBeta:
    """An altitude and the angle between the Sun and the plane of the orbit."""

    altitude_km: float = _altitude(1e6)
    beta_deg: float = given(0.0, "deg", "beta angle", -90, 90)


@dataclass(frozen=True, kw_only=True)
class Terminator:
    """A sun-synchronous orbit of which only the altitude is open."""

    orbit: str = chosen(DEFAULT_ORBIT, "family of orbits", orbit_names)
    ltan_h: float | None = given(None, "h", "local time of the ascending node instead of the orbit's", 0, 24)
    year: int = _year()


@dataclass(frozen=True, kw_only=True)
class Altitude:
    """An altitude."""

    altitude_km: float = _altitude()


def sun_synchronous_ltan_h(orbit: str, ltan_h: float | None) -> float | None:
    """Return the local time of the node of a sun-synchronous orbit, ``None`` for one whose node drifts."""
    row = default_assumptions().orbits[orbit]
    if ltan_h is not None and not row.sun_synchronous:
        raise MethodError(f"ltan_h: found it beside the orbit {orbit!r}, allowed where sun-synchronous")
    if not row.sun_synchronous:
        return None
    return row.ltan_h if ltan_h is None else ltan_h


def eclipse_year(inputs: Eclipses) -> model.EclipseYear:
    """Return the product's eclipses over a year of the orbit that the inputs describe."""
    altitude = np.array([inputs.altitude_km])
    if inputs.inclination_deg is not None:
        if inputs.orbit is not None or inputs.ltan_h is not None:
            other = "orbit" if inputs.orbit is not None else "ltan_h"
            raise MethodError(f"inclination_deg: found it beside {other}, allowed one of the two")
        return model.precessing_year(altitude, inputs.inclination_deg, inputs.year)
    name = inputs.orbit or DEFAULT_ORBIT
    ltan_h = sun_synchronous_ltan_h(name, inputs.ltan_h)
    if ltan_h is None:
        inclination = default_assumptions().orbits[name].inclination_deg
        return model.precessing_year(altitude, inclination, inputs.year)
    return model.sun_synchronous_year(altitude, ltan_h, inputs.year)


def eclipse_free_altitude_km(ltan_h: float, year: int) -> float:
    """Return the lowest altitude in km whose sun-synchronous orbit sees no eclipse all year, by bisection."""

    def eclipsed(altitude_km: float) -> bool:
        found = model.sun_synchronous_year(np.array([altitude_km]), ltan_h, year)
        return bool(found.eclipse_max_min[0] > 0.0)

    low, high = FREE_FROM_KM, FREE_TO_KM
    if eclipsed(high):
        raise MethodError(
            f"ltan_h: found {ltan_h:g}, at which every orbit up to {high:g} km is eclipsed; allowed: near 6 or 18"
        )
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if eclipsed(middle) else (low, middle)
    return high


def _eclipse(inputs: Eclipses) -> dict[str, float]:
    found = eclipse_year(inputs)
    period_min = _period_min(inputs.altitude_km)
    return {
        "sunlit_fraction": float(found.sunlit_fraction[0]),
        "eclipse_max_min": float(found.eclipse_max_min[0]),
        "eclipse_max_fraction": float(found.eclipse_max_min[0]) / period_min,
        "eclipse_days_per_year": float(found.eclipse_days_per_year[0]),
        "period_min": period_min,
    }


def _at_beta(inputs: AtBeta) -> dict[str, float]:
    fraction = float(model.eclipse_fraction(inputs.altitude_km, math.radians(inputs.beta_deg)))
    period_min = _period_min(inputs.altitude_km)
    return {
        "eclipse_fraction": fraction,
        "sunlit_fraction": 1.0 - fraction,
        "eclipse_min": fraction * period_min,
        "period_min": period_min,
        "critical_beta_deg": math.degrees(math.asin(EARTH_RADIUS_M / model.radius_m(inputs.altitude_km))),
    }


def _free(inputs: Terminator) -> dict[str, float]:
    ltan_h = sun_synchronous_ltan_h(inputs.orbit, inputs.ltan_h)
    if ltan_h is None:
        raise MethodError(f"orbit: found {inputs.orbit!r}, whose node drifts; allowed: a sun-synchronous orbit")
    altitude = eclipse_free_altitude_km(ltan_h, inputs.year)
    return {"altitude_km": altitude, "inclination_deg": float(model.sso_inclination_deg(altitude))}


def _sun_synchronous(inputs: Altitude) -> dict[str, float]:
    inclination = float(model.sso_inclination_deg(inputs.altitude_km))
    return {"inclination_deg": inclination, "period_min": _period_min(inputs.altitude_km)}


def _period_min(altitude_km: float) -> float:
    return float(model.period_s(model.radius_m(altitude_km))) / SECONDS_PER_MINUTE


ECLIPSE = Method(
    name="eclipse",
    sentence="Sunlight and eclipses of an orbit over a year.",
    source="Wertz, SMAD: circular orbit, cylindrical shadow",
    inputs=Eclipses,
    function=_eclipse,
    outputs={
        "sunlit_fraction": "fraction",
        "eclipse_max_min": "min",
        "eclipse_max_fraction": "fraction",
        "eclipse_days_per_year": "days/year",
        "period_min": "min",
    },
    synonyms={
        "annual_mean_sunlit_fraction": "sunlit_fraction",
        "max_eclipse_min": "eclipse_max_min",
        "max_eclipse_fraction": "eclipse_max_fraction",
        "eclipse_season_days_per_yr": "eclipse_days_per_year",
        "eclipse_season_days": "eclipse_days_per_year",
    },
)

ECLIPSE_AT_BETA = Method(
    name="eclipse_at_beta",
    sentence="Share of one orbit in shadow at a beta angle.",
    source="Wertz, SMAD: circular orbit, cylindrical shadow",
    inputs=AtBeta,
    function=_at_beta,
    outputs={
        "eclipse_fraction": "fraction",
        "sunlit_fraction": "fraction",
        "eclipse_min": "min",
        "period_min": "min",
        "critical_beta_deg": "deg",
    },
)

ECLIPSE_FREE_ALTITUDE = Method(
    name="eclipse_free_altitude",
    sentence="Lowest altitude at which a sun-synchronous orbit is in sunlight all year.",
    source="Wertz, SMAD: circular orbit, cylindrical shadow",
    inputs=Terminator,
    function=_free,
    outputs={"altitude_km": "km", "inclination_deg": "deg"},
    synonyms={"eclipse_free_altitude_km": "altitude_km"},
)

SSO_INCLINATION = Method(
    name="sso_inclination",
    sentence="Inclination at which the Earth's flattening turns the node with the Sun.",
    source="Vallado, Fundamentals of Astrodynamics and Applications",
    inputs=Altitude,
    function=_sun_synchronous,
    outputs={"inclination_deg": "deg", "period_min": "min"},
    synonyms={"sso_inclination_deg": "inclination_deg"},
)
