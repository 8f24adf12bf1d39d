"""Dose and protons against AE8/AP8 with SHIELDOSE-2, SPENVIS, Suncatcher and NIST PSTAR."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.design import Design, DesignBatch
from dawndusk.models.evaluate import evaluate
from dawndusk.models.physics.radiation import (
    PROTON_RANGE_MEV,
    PROTON_RANGE_MM,
    dose_table,
    proton_flux_table,
    solar_proton_dose,
    wear_hazard,
)

ALUMINIUM_G_CM3 = 2.70
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")  # of the assumptions, on failure
quick = settings(deadline=None, max_examples=60, derandomize=True)


def dose(assumptions: Assumptions, inclination: float | None, altitude_km: float, thickness_mm: float) -> float:
    table = dose_table(assumptions.data, inclination, np.array([altitude_km]), np.array([thickness_mm]))
    return float(table[0, 0])


@pytest.mark.parametrize(
    ("altitude_km", "thickness_mm", "krad"),
    [
        (650.0, 3.0, 1.31), (650.0, 5.0, 0.42), (650.0, 7.0, 0.24), (650.0, 10.0, 0.19), (650.0, 20.0, 0.13),
        (600.0, 10.0, 0.14), (800.0, 10.0, 0.42), (1000.0, 10.0, 0.97), (1400.0, 10.0, 3.9), (2000.0, 10.0, 13.6),
    ],
)  # fmt: skip
def test_ae8_ap8_shieldose_sun_synchronous(
    assumptions: Assumptions, altitude_km: float, thickness_mm: float, krad: float
) -> None:
    assert dose(assumptions, None, altitude_km, thickness_mm) == pytest.approx(krad, rel=0.04)


def test_ae8_ap8_inclination_crosses_over(assumptions: Assumptions) -> None:
    """Polar electrons rule behind thin walls at low altitude, protons of the anomaly behind thick ones."""
    assert dose(assumptions, 30.0, 1000.0, 10.0) == pytest.approx(2.2, rel=0.03)
    assert dose(assumptions, 30.0, 500.0, 3.0) == pytest.approx(0.19, rel=0.03)
    assert dose(assumptions, None, 500.0, 3.0) == pytest.approx(0.77, rel=0.03)
    assert dose(assumptions, 30.0, 1000.0, 10.0) > dose(assumptions, None, 1000.0, 10.0)


def test_spenvis_550_km_10_mm(assumptions: Assumptions) -> None:
    """SPENVIS gives 569.4 rad in five years at 550 km and 100 degrees behind 10 mm (Pfandzelter)."""
    assert dose(assumptions, None, 550.0, 10.0) * 5.0 == pytest.approx(0.5694, rel=0.15)


def test_suncatcher_650_km_10_mm(assumptions: Assumptions) -> None:
    """150 rad/year, between a two-sided slab and the sphere of the table."""
    assert dose(assumptions, None, 650.0, 10.0) / 0.150 == pytest.approx(1.28, abs=0.02)


@pytest.mark.parametrize(("mev", "csda_g_cm2"), [(10.0, 0.1703), (30.0, 1.164), (50.0, 2.916), (100.0, 9.99)])
def test_nist_pstar_ranges_in_aluminium(mev: float, csda_g_cm2: float) -> None:
    found = float(np.interp(mev, PROTON_RANGE_MEV, PROTON_RANGE_MM))
    assert found == pytest.approx(csda_g_cm2 / ALUMINIUM_G_CM3 * 10.0, rel=0.01)


def test_bragg_kleeman_rule_between_the_ranges() -> None:
    slopes = np.diff(np.log(PROTON_RANGE_MM)) / np.diff(np.log(PROTON_RANGE_MEV))
    assert slopes == pytest.approx(np.full(3, 1.77), abs=0.05)


@pytest.mark.parametrize(("name", "inclination"), [("sso", None), ("30", 30.0), ("53", 53.0)])
def test_tables_are_met_at_their_nodes(assumptions: Assumptions, name: str, inclination: float | None) -> None:
    data = assumptions.data
    expected = np.maximum(data.electron_dose[name], 1e-12) + np.maximum(data.proton_dose[name], 1e-12)
    found = dose_table(data, inclination, data.dose_altitude_km, data.dose_thickness_mm)
    assert found == pytest.approx(expected, rel=1e-9)
    flux = proton_flux_table(data, inclination, data.proton_altitude_km, PROTON_RANGE_MM)
    assert flux == pytest.approx(data.proton_flux[name], rel=1e-9)


def test_inclination_between_the_sets_lies_between_them(assumptions: Assumptions) -> None:
    at_40 = dose(assumptions, 40.0, 800.0, 8.0)
    ends = sorted((dose(assumptions, 30.0, 800.0, 8.0), dose(assumptions, 53.0, 800.0, 8.0)))
    assert ends[0] < at_40 < ends[1]
    assert dose(assumptions, 10.0, 800.0, 8.0) == pytest.approx(dose(assumptions, 30.0, 800.0, 8.0))
    assert dose(assumptions, 97.0, 800.0, 8.0) == pytest.approx(dose(assumptions, None, 800.0, 8.0))


@quick
@given(
    altitude=st.floats(400.0, 2000.0),
    thickness=st.floats(0.5, 19.0),
    more=st.floats(0.01, 1.0),
    inclination=st.none() | st.floats(0.0, 110.0),
)
def test_a_thicker_wall_never_lets_more_through(
    assumptions: Assumptions, altitude: float, thickness: float, more: float, inclination: float | None
) -> None:
    walls = np.array([thickness, thickness + more])
    for table in (dose_table, proton_flux_table):
        thin, thick = table(assumptions.data, inclination, np.array([altitude]), walls)[0]
        assert thick <= thin * (1.0 + 1e-12)


def test_weibull_wear_is_one_at_the_tolerance_and_negligible_far_below() -> None:
    assert float(wear_hazard(3.0, 6.0, 2.0, 3.0)) == pytest.approx(1.0)
    assert float(wear_hazard(0.3, 6.0, 2.0, 3.0)) == pytest.approx(1e-3)
    assert float(wear_hazard(6.0, 6.0, 1.0, 1.0)) == pytest.approx(1.0)


@quick
@given(dose_krad=st.floats(1e-3, 1e3), tolerance=st.floats(0.1, 1e3), exponent=st.floats(1.0, 6.0))
def test_wear_rises_with_dose_and_falls_with_tolerance(dose_krad: float, tolerance: float, exponent: float) -> None:
    here = float(wear_hazard(dose_krad, tolerance, 2.0, exponent))
    assert float(wear_hazard(dose_krad * 1.1, tolerance, 2.0, exponent)) > here
    assert float(wear_hazard(dose_krad, tolerance * 1.1, 2.0, exponent)) < here


def test_nasa_solar_protons_behind_ten_millimetres(assumptions: Assumptions) -> None:
    """Four events a year of 30 rad; a factor of about 15 between 1 and 10 mm."""
    thin, quoted = solar_proton_dose(assumptions.radiation, np.array([1.0, 10.0]))
    assert quoted == pytest.approx(4.0 * 0.030, rel=1e-12)
    assert thin / quoted == pytest.approx(15.0, rel=0.1)


@quick
@given(thickness=st.floats(0.5, 20.0), exponent=st.floats(0.0, 5.0))
def test_solar_protons_fall_with_a_power_of_the_wall(
    assumptions: Assumptions, thickness: float, exponent: float
) -> None:
    steep = dataclasses.replace(assumptions.radiation, solar_proton_exponent=exponent)
    expected = steep.solar_proton_krad_per_year / (thickness / 10.0) ** exponent
    assert float(solar_proton_dose(steep, thickness)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("orbit", ["dawn_dusk_sso", "noon_midnight_sso", "mid_inclination_53", "mid_inclination_30"])
def test_solar_protons_add_to_the_trapped_dose_by_the_share_of_the_orbit(
    assumptions: Assumptions, design: Design, orbit: str
) -> None:
    walls = (0.5, 3.0, 10.0, 20.0)
    batch = DesignBatch.of([design.replace(orbit=orbit, altitude_km=650.0, shielding_mm=wall) for wall in walls])
    radiation = assumptions.radiation
    quiet = assumptions.replace(radiation=dataclasses.replace(radiation, solar_proton_krad_per_year=0.0))
    whole, trapped = (evaluate(batch, a).outcome["dose_krad_per_year"] for a in (assumptions, quiet))
    polar = radiation.solar_proton_krad_per_year * (np.array(walls) / 10.0) ** -radiation.solar_proton_exponent
    expected = polar * assumptions.orbits[orbit].solar_proton_fraction
    assert whole - trapped == pytest.approx(expected, rel=1e-9, abs=1e-12)
    row = assumptions.orbits[orbit]
    inclination = None if row.sun_synchronous else row.inclination_deg
    table = dose_table(assumptions.data, inclination, np.array([650.0]), np.array(walls))[0]
    assert trapped == pytest.approx(table * radiation.geometry_factor, rel=1e-9)
