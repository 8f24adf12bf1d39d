"""Orbit geometry against Vallado, missions in flight, the published eclipse table and a stepped orbit."""

from __future__ import annotations

import csv
import datetime
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dawndusk.models.constants import EARTH_J2, EARTH_MU_M3_S2, EARTH_RADIUS_M, TROPICAL_YEAR_DAYS
from dawndusk.models.physics.orbit import (
    eclipse_fraction,
    edge_on_ram_fraction,
    period_s,
    precessing_year,
    radius_m,
    sin_beta,
    speed_m_s,
    sso_inclination_deg,
    sun_path,
    sun_synchronous_year,
)

TABLE = Path(__file__).parents[1] / "data" / "eclipse_dawn_dusk.csv"
TABLE_YEAR = 2026
EVIDENCE = ("source", "url", "year", "confidence", "note")
quick = settings(deadline=None, max_examples=60, derandomize=True)


def table() -> list[dict[str, float]]:
    with TABLE.open(encoding="utf-8", newline="") as stream:
        return [{k: float(v) for k, v in row.items() if k not in EVIDENCE} for row in csv.DictReader(stream)]


ROWS = table()
ALTITUDES = np.array([row["altitude_km"] for row in ROWS])


def column(name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([row[name] for row in ROWS])


@pytest.mark.parametrize(
    ("altitude_km", "minutes", "tolerance"),
    [(693.0, 98.6, 0.05), (705.0, 98.9, 0.05), (786.0, 100.6, 0.05), (35_786.034, 1436.068, 0.01)],
    ids=["sentinel-1", "landsat-8", "sentinel-2", "geostationary (one sidereal day)"],
)
def test_period_of_missions_in_flight(altitude_km: float, minutes: float, tolerance: float) -> None:
    assert period_s(radius_m(altitude_km)) / 60.0 == pytest.approx(minutes, abs=tolerance)


def test_vallado_speed_and_period_agree() -> None:
    radius = radius_m(ALTITUDES)
    assert speed_m_s(radius) * period_s(radius) == pytest.approx(2.0 * math.pi * radius, rel=1e-14)


@pytest.mark.parametrize(
    ("altitude_km", "degrees"),
    [(693.0, 98.18), (705.0, 98.2), (786.0, 98.6)],
    ids=["sentinel-1", "landsat-8", "sentinel-2"],
)
def test_sun_synchronous_inclination_of_missions_in_flight(altitude_km: float, degrees: float) -> None:
    assert float(sso_inclination_deg(altitude_km)) == pytest.approx(degrees, abs=0.06)


def test_vallado_node_turns_once_a_year() -> None:
    radius = radius_m(ALTITUDES)
    mean_motion = np.sqrt(EARTH_MU_M3_S2 / radius**3)
    cosine = np.cos(np.radians(sso_inclination_deg(ALTITUDES)))
    rate = -1.5 * mean_motion * EARTH_J2 * (EARTH_RADIUS_M / radius) ** 2 * cosine
    assert rate * TROPICAL_YEAR_DAYS * 86_400.0 == pytest.approx(np.full(len(ROWS), 2.0 * math.pi), rel=1e-12)


@quick
@given(altitude_km=st.floats(400.0, 2000.0), beta_deg=st.floats(0.0, 89.9))
def test_eclipse_fraction_of_an_orbit_stepped_through_a_cylindrical_shadow(altitude_km: float, beta_deg: float) -> None:
    steps = 20_000
    angle = (np.arange(steps) + 0.5) * (2.0 * math.pi / steps)
    beta, radius = math.radians(beta_deg), float(radius_m(altitude_km))
    position = radius * np.array([np.cos(angle), np.sin(angle), np.zeros(steps)])
    sun = np.array([math.cos(beta), 0.0, math.sin(beta)])
    along = sun @ position
    across = np.linalg.norm(position - np.outer(sun, along), axis=0)
    dark = np.mean((along < 0.0) & (across < EARTH_RADIUS_M))
    assert float(eclipse_fraction(altitude_km, beta)) == pytest.approx(dark, abs=2.0 / steps)


def test_published_sso_inclination_and_period_table() -> None:
    assert sso_inclination_deg(ALTITUDES) == pytest.approx(column("sso_inclination_deg"), abs=1e-3)
    assert period_s(radius_m(ALTITUDES)) / 60.0 == pytest.approx(column("period_min"), abs=1e-3)


def test_published_eclipse_of_orbits_in_the_plane_of_the_sun() -> None:
    fraction = eclipse_fraction(ALTITUDES, np.zeros(len(ROWS)))
    assert fraction == pytest.approx(column("beta0_eclipse_fraction"), abs=6e-5)
    assert fraction * period_s(radius_m(ALTITUDES)) / 60.0 == pytest.approx(column("beta0_eclipse_min"), abs=6e-3)


def test_published_critical_beta_ends_the_eclipses() -> None:
    critical = np.radians(column("critical_beta_deg"))
    assert (eclipse_fraction(ALTITUDES, critical - 1e-3) > 0.0).all()
    assert (eclipse_fraction(ALTITUDES, critical + 1e-3) == 0.0).all()


def test_published_dawn_dusk_table() -> None:
    dawn, dusk = (sun_synchronous_year(ALTITUDES, hour, TABLE_YEAR) for hour in (6.0, 18.0))
    sunlit = np.maximum(dawn.sunlit_fraction, dusk.sunlit_fraction)
    longest = np.minimum(dawn.eclipse_max_min, dusk.eclipse_max_min)
    days = np.minimum(dawn.eclipse_days_per_year, dusk.eclipse_days_per_year)
    assert sunlit == pytest.approx(column("annual_mean_sunlit_fraction"), abs=2e-4)
    assert longest == pytest.approx(column("max_eclipse_min"), abs=0.1)
    assert days == pytest.approx(column("eclipse_season_days_per_yr"), abs=1.1)


def test_published_least_beta_of_dawn_dusk_orbits() -> None:
    sun = sun_path(TABLE_YEAR)
    inclination = np.radians(sso_inclination_deg(ALTITUDES))[:, None]
    least = []
    for hour in (6.0, 18.0):
        sine = sin_beta(inclination, sun.mean_longitude_rad + math.radians((hour - 12.0) * 15.0), sun.direction)
        least.append(np.degrees(np.abs(np.arcsin(sine))).min(axis=1))
    assert np.maximum(*least) == pytest.approx(column("min_abs_beta_deg"), abs=0.02)


def test_published_eclipse_free_altitude() -> None:
    altitudes = np.arange(1370.0, 1410.0)
    longest = np.minimum(*(sun_synchronous_year(altitudes, h, TABLE_YEAR).eclipse_max_min for h in (6.0, 18.0)))
    assert altitudes[longest == 0.0].min() == pytest.approx(1390.0, abs=5.0)
    assert (np.diff((longest == 0.0).astype(int)) >= 0).all()


def test_published_local_time_drift_costs_sunlight() -> None:
    at_seven = sun_synchronous_year(np.array([650.0]), 7.0, TABLE_YEAR).sunlit_fraction[0]
    # The reference pack names one figure for a drift of one hour and not its direction.
    assert at_seven == pytest.approx(0.938, abs=0.012)
    assert at_seven < sun_synchronous_year(np.array([650.0]), 6.0, TABLE_YEAR).sunlit_fraction[0]


@pytest.mark.parametrize(("altitude_km", "inclination_deg"), [(550.0, 53.0), (1000.0, 30.0)])
def test_published_mid_inclination_sunlight(altitude_km: float, inclination_deg: float) -> None:
    """0.692 for both shells is the year of a node that starts at the equinox; a fleet has nodes all round."""
    sun = sun_path(TABLE_YEAR).direction
    tilt, radius = math.radians(inclination_deg), float(radius_m(altitude_km))
    drift = -1.5 * math.sqrt(EARTH_MU_M3_S2 / radius**3) * EARTH_J2 * (EARTH_RADIUS_M / radius) ** 2 * math.cos(tilt)
    nodes = np.radians(np.arange(0.0, 360.0, 5.0))
    by_node = []
    for start in nodes:
        beta = np.arcsin(sin_beta(tilt, start + drift * 86_400.0 * np.arange(365), sun))
        by_node.append(1.0 - eclipse_fraction(altitude_km, beta).mean())
    assert by_node[0] == pytest.approx(0.692, abs=5e-4)
    modelled = precessing_year(np.array([altitude_km]), inclination_deg, TABLE_YEAR).sunlit_fraction[0]
    assert modelled == pytest.approx(np.mean(by_node), abs=1e-3)


def test_published_sunlight_at_beta_zero() -> None:
    assert 1.0 - float(eclipse_fraction(550.0, 0.0)) == pytest.approx(0.628, abs=5e-4)


def test_mid_inclination_meets_the_eclipse_of_beta_zero() -> None:
    year = precessing_year(np.array([550.0]), 53.0, TABLE_YEAR)
    worst = float(eclipse_fraction(550.0, 0.0) * period_s(radius_m(550.0)) / 60.0)
    assert year.eclipse_max_min[0] == pytest.approx(worst, rel=1e-12)


def test_noon_midnight_is_eclipsed_every_day() -> None:
    year = sun_synchronous_year(np.array([650.0]), 12.0, TABLE_YEAR)
    assert year.eclipse_days_per_year[0] == pytest.approx(TROPICAL_YEAR_DAYS)
    assert 1.0 - year.sunlit_fraction[0] == pytest.approx(0.362, abs=5e-3)
    assert year.mean_cos_beta[0] > 0.98


def test_astronomical_almanac_sun() -> None:
    """Equinoxes and solstices of 2026 (UTC dates), to the day that the samples resolve."""
    sun = sun_path(2026)
    assert np.linalg.norm(sun.direction, axis=0) == pytest.approx(np.ones(365), rel=1e-14)
    declination = np.degrees(np.arcsin(sun.direction[2]))
    day = {d: (datetime.date(2026, *d) - datetime.date(2026, 1, 1)).days for d in ((3, 20), (6, 21), (9, 23), (12, 21))}
    assert declination[day[3, 20]] < 0.0 < declination[day[3, 20] + 1]
    assert declination[day[9, 23]] == pytest.approx(0.0, abs=0.2)
    assert declination.max() == pytest.approx(23.44, abs=0.01)
    assert declination.argmax() == pytest.approx(day[6, 21], abs=1)
    assert declination.argmin() == pytest.approx(day[12, 21], abs=1)


@quick
@given(altitude_km=st.floats(400.0, 1990.0), beta_deg=st.floats(0.0, 89.0), step=st.floats(0.01, 10.0))
def test_eclipse_shortens_with_altitude_and_beta(altitude_km: float, beta_deg: float, step: float) -> None:
    here = float(eclipse_fraction(altitude_km, math.radians(beta_deg)))
    assert float(eclipse_fraction(altitude_km + step, math.radians(beta_deg))) <= here
    assert float(eclipse_fraction(altitude_km, math.radians(min(beta_deg + step, 90.0)))) <= here


@pytest.mark.parametrize("beta_deg", [0.0, 1.0, 30.0, 59.0, 75.0, 90.0])
def test_edge_on_plate_meets_the_flow_with_its_normal_across_sun_and_nadir(beta_deg: float) -> None:
    beta, angle = math.radians(beta_deg), (np.arange(20_000) + 0.5) * (2.0 * math.pi / 20_000)
    radial = np.array([np.cos(angle), np.sin(angle), np.zeros_like(angle)])
    flight = np.array([-np.sin(angle), np.cos(angle), np.zeros_like(angle)])
    sun = np.array([math.cos(beta), 0.0, math.sin(beta)])
    normal = np.cross(sun, radial, axisb=0)
    normal /= np.linalg.norm(normal, axis=1)[:, None]
    expected = np.abs(np.sum(normal * flight.T, axis=1)).mean()
    assert edge_on_ram_fraction(np.array([beta]))[0] == pytest.approx(expected, abs=2e-3)
