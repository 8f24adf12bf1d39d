"""The tables of an orbit against the functions they tabulate, off the nodes, with the error that they cost."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.physics import radiation
from dawndusk.models.physics.atmosphere import density_kg_m3, scale_height_m
from dawndusk.models.physics.orbit import (
    EclipseYear,
    precessing_year,
    radius_m,
    sso_inclination_deg,
    sun_synchronous_year,
)
from dawndusk.models.physics.propulsion import decay_years_per_kg_m2
from dawndusk.models.physics.thermal import view_factor_edge_on
from dawndusk.models.recording.surroundings import Surroundings, reference_proton_flux, surroundings

ORBITS = ("dawn_dusk_sso", "noon_midnight_sso", "mid_inclination_53", "mid_inclination_30")
RNG = np.random.default_rng(7)
ALTITUDES = np.sort(RNG.uniform(400.0, 2000.0, 200))
THICKNESSES = RNG.uniform(0.5, 20.0, 200)


@pytest.fixture(scope="module")
def tables(assumptions: Assumptions) -> Surroundings:
    return surroundings(assumptions, ORBITS)


def direct_year(assumptions: Assumptions, orbit: str) -> EclipseYear:
    row, year = assumptions.orbits[orbit], round(assumptions.scenario.first_launch_year)
    if row.sun_synchronous:
        return sun_synchronous_year(ALTITUDES, row.ltan_h, year)
    return precessing_year(ALTITUDES, row.inclination_deg, year)


@pytest.mark.parametrize(("code", "orbit"), list(enumerate(ORBITS)))
def test_eclipse_tables(assumptions: Assumptions, tables: Surroundings, code: int, orbit: str) -> None:
    direct, at = direct_year(assumptions, orbit), tables.sunlit_fraction.axis.locate(ALTITUDES)
    assert tables.sunlit_fraction.at(at, code) == pytest.approx(direct.sunlit_fraction, abs=1e-4)
    assert tables.mean_cos_beta.at(at, code) == pytest.approx(direct.mean_cos_beta, abs=1e-5)
    assert tables.edge_on_ram_fraction.at(at, code) == pytest.approx(direct.edge_on_ram_fraction, abs=1e-5)
    # Days are counted whole, so the table smooths steps of one.
    assert tables.eclipse_days_per_year.at(at, code) == pytest.approx(direct.eclipse_days_per_year, abs=2.0)
    # The longest eclipse ends like a square root at the eclipse-free altitude: half a minute there, little elsewhere.
    error = np.abs(tables.eclipse_max_min.at(at, code) - direct.eclipse_max_min)
    end = np.abs(ALTITUDES - 1390.0) < 15.0
    assert error[end].max(initial=0.0) < 0.5
    assert error[~end].max() < 0.03


@pytest.mark.parametrize(("code", "orbit"), list(enumerate(ORBITS)))
def test_inclination_table(assumptions: Assumptions, tables: Surroundings, code: int, orbit: str) -> None:
    row = assumptions.orbits[orbit]
    found = tables.inclination_deg.at(tables.inclination_deg.axis.locate(ALTITUDES), code)
    expected = sso_inclination_deg(ALTITUDES) if row.sun_synchronous else np.full(200, row.inclination_deg)
    assert found == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("code", "orbit"), list(enumerate(ORBITS)))
def test_dose_and_proton_grids(assumptions: Assumptions, tables: Surroundings, code: int, orbit: str) -> None:
    row = assumptions.orbits[orbit]
    inclination = None if row.sun_synchronous else row.inclination_deg
    x, y = tables.log_dose.x.locate(ALTITUDES), tables.log_dose.y.locate(THICKNESSES)
    dose = np.diagonal(radiation.dose_table(assumptions.data, inclination, ALTITUDES, THICKNESSES))
    flux = np.diagonal(radiation.proton_flux_table(assumptions.data, inclination, ALTITUDES, THICKNESSES))
    dose_error = np.abs(np.exp(tables.log_dose.at(x, y, code)) / dose - 1.0)
    assert dose_error.max() < 0.07  # steep electrons behind less than a millimetre
    assert dose_error[THICKNESSES > 1.5].max() < 0.01
    ratio = flux / reference_proton_flux(assumptions.data)
    assert np.exp(tables.log_proton_ratio.at(x, y, code)) == pytest.approx(ratio, rel=0.01)


def test_tables_of_the_upper_atmosphere(assumptions: Assumptions, tables: Surroundings) -> None:
    at, flux = tables.air_density_kg_m3.axis.locate(ALTITUDES), assumptions.environment.solar_flux_f107
    density = density_kg_m3(assumptions.data, ALTITUDES, flux)
    assert tables.air_density_kg_m3.at(at, 0) == pytest.approx(density, rel=1e-3)
    height = scale_height_m(assumptions.data, ALTITUDES, flux)
    decay = decay_years_per_kg_m2(density, height, radius_m(ALTITUDES))
    # The scale height jumps at nodes of the shipped table; the slope over 10 km turns the jumps into ramps.
    assert tables.decay_years_per_kg_m2.at(at, 0) == pytest.approx(decay, rel=0.01)


def test_view_factor_table(tables: Surroundings) -> None:
    found = tables.earth_view_factor.at(tables.earth_view_factor.axis.locate(ALTITUDES), 0)
    assert found == pytest.approx(view_factor_edge_on(radius_m(ALTITUDES)), abs=1e-4)


def test_ratios_are_one_at_the_reference(tables: Surroundings) -> None:
    x = tables.log_proton_ratio.x.locate(np.array([radiation.REFERENCE_ALTITUDE_KM]))
    y = tables.log_proton_ratio.y.locate(np.array([radiation.REFERENCE_THICKNESS_MM]))
    assert tables.log_proton_ratio.at(x, y, 0) == pytest.approx(np.zeros(1), abs=1e-12)
    assert tables.log_cell_proton_ratio.at(x, 0) == pytest.approx(np.zeros(1), abs=1e-12)


def test_rows_of_mixed_orbits_equal_rows_of_single_orbits(assumptions: Assumptions, tables: Surroundings) -> None:
    for code, orbit in enumerate(ORBITS):
        alone = surroundings(assumptions, (orbit,))
        for name in ("inclination_deg", "sunlit_fraction", "eclipse_max_min", "eclipse_days_per_year", "log_dose"):
            assert np.array_equal(getattr(tables, name).values[code], getattr(alone, name).values[0]), name
    reversed_rows = surroundings(assumptions, ORBITS[::-1])
    assert np.array_equal(reversed_rows.log_dose.values, tables.log_dose.values[::-1])


def test_tables_follow_the_assumptions_that_enter_them(assumptions: Assumptions) -> None:
    stormy = assumptions.replace(environment=dataclasses.replace(assumptions.environment, solar_flux_f107=200.0))
    calm, swollen = (surroundings(a, ORBITS[:1]).air_density_kg_m3 for a in (assumptions, stormy))
    assert (swollen.values[0] > calm.values[0]).all()


@pytest.mark.parametrize("code", range(4))
def test_dose_and_protons_fall_with_thickness_and_rise_with_altitude(tables: Surroundings, code: int) -> None:
    for grid in (tables.log_dose, tables.log_proton_ratio):
        assert (np.diff(grid.values[code], axis=1) <= 0.0).all()
    assert (np.diff(tables.log_dose.values[code], axis=0) > 0.0).all()
