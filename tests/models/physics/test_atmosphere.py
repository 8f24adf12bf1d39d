"""Air density against the shipped NRLMSIS table and the published figures at 600 km."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.physics.atmosphere import density_kg_m3, scale_height_m

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")  # of the assumptions, on failure
quick = settings(deadline=None, max_examples=60, derandomize=True)


def test_nrlmsis_table_is_met_at_its_nodes(assumptions: Assumptions) -> None:
    data = assumptions.data
    for index, flux in enumerate(data.density_f107):
        found = density_kg_m3(data, data.density_altitude_km, float(flux))
        assert found == pytest.approx(data.density_kg_m3[:, index], rel=1e-12)


@pytest.mark.parametrize(("flux", "published"), [(70.0, 1.8e-14), (140.0, 1.7e-13), (200.0, 5.3e-13)])
def test_published_density_at_600_km(assumptions: Assumptions, flux: float, published: float) -> None:
    """NRLMSISE-00 figures; the shipped NRLMSIS 2.1 gives 8 to 11 per cent less."""
    assert density_kg_m3(assumptions.data, np.array([600.0]), flux)[0] == pytest.approx(published, rel=0.12)


def test_scale_height_is_that_of_the_layer(assumptions: Assumptions) -> None:
    data = assumptions.data
    low, high = np.log(density_kg_m3(data, np.array([500.0, 550.0]), 140.0))
    assert scale_height_m(data, np.array([525.0]), 140.0)[0] == pytest.approx(50_000.0 / (low - high), rel=1e-9)


@quick
@given(altitude=st.floats(200.0, 1990.0), step=st.floats(0.1, 10.0), flux=st.floats(70.0, 250.0))
def test_air_thins_with_altitude(assumptions: Assumptions, altitude: float, step: float, flux: float) -> None:
    below, above = density_kg_m3(assumptions.data, np.array([altitude, altitude + step]), flux)
    assert above < below


@quick
@given(altitude=st.floats(400.0, 2000.0), flux=st.floats(70.0, 245.0))
def test_air_swells_with_the_sun(assumptions: Assumptions, altitude: float, flux: float) -> None:
    """Inside the shipped table and above it, where every solar activity goes on with one slope."""
    here = density_kg_m3(assumptions.data, np.array([altitude]), flux)[0]
    assert density_kg_m3(assumptions.data, np.array([altitude]), flux + 5.0)[0] > here


def test_above_the_table_the_air_thins_at_the_flattest_slope_of_its_last_layer(assumptions: Assumptions) -> None:
    """The ratio of two solar activities at the top of the table holds all the way up; so does one scale height."""
    data = assumptions.data
    top = float(data.density_altitude_km[-1])
    layer = np.log(data.density_kg_m3[-2] / data.density_kg_m3[-1])
    height_km = (top - data.density_altitude_km[-2]) / layer.min()
    above = np.array([top + 1.0, top + 300.0, 2000.0])
    for index, flux in enumerate(data.density_f107):
        expected = data.density_kg_m3[-1, index] * np.exp((top - above) / height_km)
        assert density_kg_m3(data, above, float(flux)) == pytest.approx(expected, rel=1e-9)
        assert scale_height_m(data, above[1:], float(flux)) == pytest.approx(height_km * 1000.0, rel=1e-9)


def test_density_is_continuous_at_the_top_of_the_table(assumptions: Assumptions) -> None:
    top = float(assumptions.data.density_altitude_km[-1])
    for flux in (70.0, 140.0, 250.0):
        below, above = density_kg_m3(assumptions.data, np.array([top - 1e-6, top + 1e-6]), flux)
        assert above == pytest.approx(below, rel=1e-7)
