"""Debris exposure: the shape of the catalogue, and how satellite years are counted."""

from __future__ import annotations

import numpy as np
import pytest

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.design import Design, DesignBatch
from dawndusk.models.evaluate import evaluate
from dawndusk.models.programme.debris import crowded_years, crowding, mean_crowding_of_decay, mean_crowding_of_descent

ALTITUDES = np.linspace(400.0, 2000.0, 321)


def test_esa_master_has_its_peak_near_800_km_and_a_second_one_near_1450_km(assumptions: Assumptions) -> None:
    found = crowding(assumptions.data, ALTITUDES)
    assert 750.0 <= ALTITUDES[np.argmax(found)] <= 850.0
    assert found.max() == pytest.approx(1.0)
    high = ALTITUDES > 1300.0
    assert 1400.0 <= ALTITUDES[high][np.argmax(found[high])] <= 1500.0


def test_density_at_the_peak_is_that_of_published_catalogues(assumptions: Assumptions) -> None:
    """Objects of 10 cm and more come to some 5e-8 per km3 near 800 km."""
    assert assumptions.data.debris_density_per_km3.max() == pytest.approx(6e-8, rel=0.3)


def test_beyond_the_table_the_density_stays(assumptions: Assumptions) -> None:
    ends = crowding(assumptions.data, np.array([100.0, 225.0, 1975.0, 2500.0]))
    assert ends[0] == ends[1]
    assert ends[2] == ends[3]


@pytest.mark.parametrize("level", [0.0, 0.25, 1.0])
def test_even_crowding_is_its_own_mean(level: float) -> None:
    even = np.full(ALTITUDES.shape, level)
    years = np.exp((ALTITUDES - 400.0) / 60.0)
    assert mean_crowding_of_decay(years, even) == pytest.approx(level)
    assert mean_crowding_of_descent(ALTITUDES, even, 300.0, level) == pytest.approx(level)


def test_a_decay_spends_its_time_where_it_begins() -> None:
    """In an exponential atmosphere the first scale height takes 1 - 1/e of the time."""
    height = 60.0
    years = np.exp((ALTITUDES - 400.0) / height)
    step = (ALTITUDES > 1000.0).astype(np.float64)
    at = int(np.searchsorted(ALTITUDES, 1000.0 + height))
    assert mean_crowding_of_decay(years, step)[at] == pytest.approx(1.0 - np.exp(-1.0), abs=0.02)


def test_a_descent_through_rising_crowding_takes_the_middle() -> None:
    rising = (ALTITUDES - 300.0) / 1700.0
    found = mean_crowding_of_descent(ALTITUDES, rising, 300.0, 0.0)
    assert found == pytest.approx(0.5 * rising)


def test_a_disposal_altitude_above_the_orbit_has_no_descent() -> None:
    rising = (ALTITUDES - 300.0) / 1700.0
    found = mean_crowding_of_descent(ALTITUDES, rising, 500.0, float(rising[20]))
    assert found[:20] == pytest.approx(rising[:20])


def test_without_losses_a_satellite_operates_descends_and_decays() -> None:
    found = crowded_years(np.array([5.0]), 1e-12, 0.5, dead=(100.0, 1.0), descending=(0.4, 0.25), decaying=(0.2, 0.1))
    assert found == pytest.approx(5.0 * 0.5 + 0.4 * 0.25 + 0.2 * 0.1)


def test_a_lost_satellite_stays_until_it_is_gone() -> None:
    """At a rate r a share 1 - exp(-r L) is lost, and operates (1 - exp(-r L)) / r years on average."""
    rate, life = 0.1, 5.0
    lost = 1.0 - np.exp(-rate * life)
    found = crowded_years(np.array([life]), rate, 1.0, dead=(50.0, 0.5), descending=(0.0, 0.0), decaying=(0.0, 0.0))
    assert found == pytest.approx(lost / rate + lost * 25.0)


def test_exposure_follows_the_fleet_and_the_crowd(assumptions: Assumptions, design: Design) -> None:
    low, high, double = (
        design.replace(altitude_km=500.0),
        design.replace(altitude_km=800.0),
        design.replace(altitude_km=500.0, satellites=2 * design.satellites),
    )
    found = evaluate(DesignBatch.of([low, high, double]), assumptions).outcome["debris_exposure_m2_years"]
    assert found[1] > 10.0 * found[0]
    assert found[2] == pytest.approx(2.0 * found[0])


def test_what_is_believed_of_debris_and_energy_moves_nothing_else(assumptions: Assumptions, design: Design) -> None:
    before = evaluate(design, assumptions).outcome.values
    kinds = type(assumptions.debris), type(assumptions.energy)
    changed = assumptions.replace(
        debris=kinds[0](horizon_years=7.0, descent_m_s_per_year=100.0),
        energy=kinds[1](
            array_mj_per_m2=1.0,
            compute_mj_per_w=1.0,
            platform_mj_per_kg=1.0,
            propellant_mj_per_kg_leo=1.0,
            grid_efficiency=1.0,
        ),
    )
    after = evaluate(design, changed).outcome.values
    moved = {name for name in before if before[name][0] != after[name][0]}
    assert moved == {"debris_exposure_m2_years", "embodied_energy_tj", "energy_payback_years"}
