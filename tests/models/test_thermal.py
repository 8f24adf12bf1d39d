"""Heat: Stefan-Boltzmann, Howell's view factors, the ladder to the junction, and the balance of the whole model."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq

from dawndusk.models.assumptions import Accelerator, Assumptions
from dawndusk.models.constants import EARTH_RADIUS_M, STEFAN_BOLTZMANN_W_M2_K4
from dawndusk.models.design import Design, DesignBatch
from dawndusk.models.evaluate import evaluate
from dawndusk.models.orbit import radius_m
from dawndusk.models.power import heat_per_load
from dawndusk.models.thermal import (
    aged,
    emitted_w_m2,
    equilibrium_temperature_k,
    ladder,
    pumping_fraction,
    view_factor_edge_on,
)

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")  # of the assumptions, on failure
quick = settings(deadline=None, max_examples=60, derandomize=True)
many = settings(deadline=None, max_examples=300, derandomize=True)


def test_stefan_boltzmann_two_black_faces_at_350_k() -> None:
    """1.70 kW/m2, hence at least 0.59 m2/kW whatever anybody publishes."""
    flux = float(emitted_w_m2(350.0, 1.0, 2.0, 1.0))
    assert flux == pytest.approx(1702.0, abs=1.0)
    assert 1000.0 / flux == pytest.approx(0.59, abs=0.005)


@pytest.mark.parametrize(("altitude_km", "factor"), [(550.0, 0.258), (650.0, 0.241), (1400.0, 0.157)])
def test_howell_published_edge_on_view_factors(altitude_km: float, factor: float) -> None:
    assert float(view_factor_edge_on(radius_m(altitude_km))) == pytest.approx(factor, abs=6e-4)


@pytest.mark.parametrize("altitude_km", [400.0, 900.0, 2000.0])
def test_howell_view_factor_by_integration_over_the_earth_disc(altitude_km: float) -> None:
    """Cosine-weighted solid angle of the Earth seen by one face of a plate that contains the nadir."""
    half_angle = math.asin(EARTH_RADIUS_M / float(radius_m(altitude_km)))
    # At angle g from the nadir the face's cosine is sin(g) cos(azimuth), positive over half of the azimuths.
    whole, _ = quad(lambda g: 2.0 * math.sin(g) ** 2, 0.0, half_angle)
    assert float(view_factor_edge_on(radius_m(altitude_km))) == pytest.approx(whole / math.pi, rel=1e-9)


def test_view_factor_of_a_plate_on_the_ground_is_one_half() -> None:
    assert float(view_factor_edge_on(EARTH_RADIUS_M * (1.0 + 1e-12))) == pytest.approx(0.5, abs=1e-5)


@many
@given(
    emission=st.floats(-9.0, -2.0).map(lambda x: 10.0**x),
    temperature=st.floats(math.log(150.0), math.log(1500.0)).map(math.exp),
    linear_share=st.floats(0.0, 1.0),
)
def test_equilibrium_temperature_against_brentq(emission: float, temperature: float, linear_share: float) -> None:
    slope = linear_share * emission * temperature**3
    constant = (1.0 - linear_share) * emission * temperature**4
    found = float(equilibrium_temperature_k(emission, slope, constant))
    root = brentq(
        lambda t: emission * t**4 - slope * t - constant, 0.65 * temperature, 2.0 * temperature, xtol=1e-12, rtol=1e-14
    )
    assert found == pytest.approx(root, rel=1e-12)


@many
@given(
    emission=st.floats(-9.0, -2.0).map(lambda x: 10.0**x),
    temperature=st.floats(math.log(1500.0), math.log(3e5)).map(math.exp),
    linear_share=st.floats(0.0, 1.0),
)
def test_equilibrium_temperature_of_absurd_designs_stays_a_root(
    emission: float, temperature: float, linear_share: float
) -> None:
    """A square decimetre for a megawatt is far over its limit, never a negative temperature that meets it."""
    slope = linear_share * emission * temperature**3
    constant = (1.0 - linear_share) * emission * temperature**4
    assert float(equilibrium_temperature_k(emission, slope, constant)) == pytest.approx(temperature, rel=1e-6)


def test_aged_coating() -> None:
    years = np.array([0.0, 2.5, 5.0, 15.0])
    assert aged(0.1, 0.3, years, 5.0) == pytest.approx(np.array([0.1, 0.2, 0.3, 0.3]))


def test_ladder_is_the_fixed_point_of_the_leakage_loop(assumptions: Assumptions) -> None:
    thermal = assumptions.thermal
    for chip in assumptions.accelerators.values():
        for lift in (0.0, 40.0):
            rung, radiator = ladder(thermal, chip, lift), 330.0
            junction = radiator
            for _ in range(200):
                power = chip.chip_power_w * (1.0 + chip.leakage_per_k * (junction - thermal.junction_reference_k))
                junction = radiator + thermal.loop_rise_k - lift + chip.thermal_resistance_k_w * power
            found = float(rung.slope * radiator + rung.offset) + thermal.junction_reference_k
            assert found == pytest.approx(junction, rel=1e-12)


def test_heat_pump_work_is_the_lift_over_its_share_of_carnot(assumptions: Assumptions) -> None:
    thermal = assumptions.thermal
    for radiator in assumptions.radiators.values():
        performance = thermal.second_law_efficiency * thermal.cold_supply_k / max(radiator.lift_k, 1e-300)
        expected = radiator.pump_fraction + 1.0 / performance
        assert float(pumping_fraction(thermal, radiator)) == pytest.approx(expected, rel=1e-12)


@pytest.fixture(scope="module")
def at_nodes(random_batch: Callable[[int, int], DesignBatch]) -> DesignBatch:
    """Random designs at altitudes where the tables are exact."""
    batch = random_batch(300, 11)
    values = {**batch.values, "altitude_km": np.round(batch.values["altitude_km"] / 25.0) * 25.0}
    return DesignBatch(values, batch.codes, batch.names)


def hottest_chip_w(design: Design, chip: Accelerator, outcome: dict[str, float], reference_k: float) -> float:
    growth = chip.leakage_per_k * (outcome["junction_temperature_k"] - reference_k)
    return design.accelerators_per_satellite * (chip.it_power_w + chip.chip_power_w * growth)


def test_radiator_emits_the_heat_and_what_it_absorbs(assumptions: Assumptions, at_nodes: DesignBatch) -> None:
    outcome = evaluate(at_nodes, assumptions).outcome
    environment, thermal = assumptions.environment, assumptions.thermal
    for i, design in enumerate(at_nodes):
        o, row = outcome.row(i), assumptions.radiators[design.radiator]
        orbit = assumptions.orbits[design.orbit]
        age = min(design.life_years / thermal.coating_life_years, 1.0)
        emissivity = row.emissivity_bol + age * (row.emissivity_eol - row.emissivity_bol)
        absorptance = row.absorptance_bol + age * (row.absorptance_eol - row.absorptance_bol)
        ratio = float(radius_m(design.altitude_km)) / EARTH_RADIUS_M
        root = math.sqrt(ratio**2 - 1.0)
        seen = (math.atan(1.0 / root) - root / ratio**2) / math.pi
        sigma, sun = STEFAN_BOLTZMANN_W_M2_K4, environment.solar_constant_w_m2
        array = thermal.array_view_factor * thermal.array_back_emissivity * sigma * thermal.array_back_temperature_k**4
        per_face = emissivity * (seen * environment.earth_ir_w_m2 + array)
        per_face += absorptance * seen * environment.albedo * sun * orbit.albedo_fraction
        glint = absorptance * sun * math.sin(math.radians(thermal.sun_pointing_error_deg))
        absorbed = (row.faces * per_face + glint) * design.radiator_area_m2
        hot = o["radiator_temperature_k"]
        emitted = row.faces * emissivity * row.fin_efficiency * sigma * hot**4 * design.radiator_area_m2
        accuracy = 1e-9 if hot < 1500.0 else 1e-6
        assert emitted == pytest.approx(o["heat_w"] + absorbed, rel=accuracy)
        assert o["radiator_flux_w_m2"] == pytest.approx(o["heat_w"] / design.radiator_area_m2, rel=1e-12)


def test_load_is_compute_platform_links_pumps_and_nothing_else(assumptions: Assumptions, at_nodes: DesignBatch) -> None:
    outcome = evaluate(at_nodes, assumptions).outcome
    for i, design in enumerate(at_nodes):
        o, row, power = outcome.row(i), assumptions.radiators[design.radiator], assumptions.power
        chip, net = assumptions.accelerators[design.accelerator], assumptions.network
        compute = hottest_chip_w(design, chip, o, assumptions.thermal.junction_reference_k)
        assert o["it_power_w"] == pytest.approx(compute, rel=1e-12)
        links = design.optical_terminals * net.terminal_power_w + net.downlink_power_w
        platform = compute * power.platform_load_fraction + power.platform_fixed_w
        pumps = float(pumping_fraction(assumptions.thermal, row)) * o["heat_w"]
        assert o["load_w"] == pytest.approx(compute + platform + links + pumps, rel=1e-11)


def test_junction_sits_above_the_radiator_by_the_ladder(assumptions: Assumptions, at_nodes: DesignBatch) -> None:
    outcome = evaluate(at_nodes, assumptions).outcome
    for i, design in enumerate(at_nodes):
        o, chip = outcome.row(i), assumptions.accelerators[design.accelerator]
        growth = chip.leakage_per_k * (o["junction_temperature_k"] - assumptions.thermal.junction_reference_k)
        rise = chip.thermal_resistance_k_w * chip.chip_power_w * (1.0 + growth)
        lift = assumptions.radiators[design.radiator].lift_k
        expected = o["radiator_temperature_k"] + assumptions.thermal.loop_rise_k - lift + rise
        assert o["junction_temperature_k"] == pytest.approx(expected, rel=1e-12)
        if not lift and growth > -1.0:
            assert o["junction_temperature_k"] > o["radiator_temperature_k"]


@quick
@given(area=st.floats(20.0, 2000.0), chips=st.integers(8, 400), factor=st.floats(1.02, 3.0))
def test_radiator_cools_with_area_and_warms_with_load(
    assumptions: Assumptions, design: Design, area: float, chips: int, factor: float
) -> None:
    plain = design.replace(radiator_area_m2=area, accelerators_per_satellite=chips)
    larger = plain.replace(radiator_area_m2=area * factor)
    loaded = plain.replace(accelerators_per_satellite=math.ceil(chips * factor))
    o = evaluate(DesignBatch.of([plain, larger, loaded]), assumptions).outcome
    for name in ("radiator_temperature_k", "junction_temperature_k", "heat_w"):
        assert o[name][1] < o[name][0] < o[name][2], name
    for name in ("it_power_w", "accelerator_failures_per_year"):
        assert o[name][1] < o[name][0], name


def test_a_heat_pump_cools_the_junction_and_costs_power(assumptions: Assumptions, design: Design) -> None:
    plain = assumptions.radiators["deployable_aluminium"]
    pumped = {**assumptions.radiators, "pumped": dataclasses.replace(plain, lift_k=40.0)}
    both = DesignBatch.of([design, design.replace(radiator="pumped")])
    o = evaluate(both, assumptions.replace(radiators=pumped)).outcome
    assert o["junction_temperature_k"][1] < o["junction_temperature_k"][0]
    assert o["radiator_temperature_k"][1] > o["radiator_temperature_k"][0]
    assert o["load_w"][1] > o["load_w"][0] * 1.2


def test_no_heat_is_free(assumptions: Assumptions) -> None:
    assert float(heat_per_load(assumptions.power, 0.0, 0.0)) >= 1.0
