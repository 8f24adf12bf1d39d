"""Heat: Stefan-Boltzmann, Howell's view factors, the ladder to the junction, and the balance of the whole model."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq

from dawndusk.models.assumptions import Accelerator, Assumptions, Thermal
from dawndusk.models.constants import EARTH_RADIUS_M, STEFAN_BOLTZMANN_W_M2_K4
from dawndusk.models.design import Design, DesignBatch
from dawndusk.models.evaluate import evaluate
from dawndusk.models.physics.orbit import radius_m
from dawndusk.models.physics.power import heat_per_load
from dawndusk.models.physics.thermal import (
    aged,
    emitted_w_m2,
    equilibrium_temperature_k,
    ladder,
    pumping_fraction,
    view_factor_edge_on,
)
from dawndusk.studies.data import with_values

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
    least_share=st.floats(0.01, 3.0),
)
def test_equilibrium_temperature_against_brentq(
    emission: float, temperature: float, linear_share: float, least_share: float
) -> None:
    slope = linear_share * emission * temperature**3
    constant = (1.0 - linear_share) * emission * temperature**4
    least = least_share * emission * temperature**4
    found = float(equilibrium_temperature_k(emission, slope, constant, least))
    root = brentq(
        lambda t: emission * t**4 - max(constant + slope * t, least),
        0.65 * temperature,
        2.0 * temperature,
        xtol=1e-12,
        rtol=1e-14,
    )
    assert found == pytest.approx(root, rel=1e-12)


def least_carrying_k(emission: float, slope: float, constant: float, least: float) -> float:
    """The least temperature at which the emission carries the greater of linear and least heat, by brentq."""
    coldest = math.pow(least / emission, 0.25)
    if constant + slope * coldest <= least:
        return coldest
    hottest = 2.0 * (coldest + math.pow(abs(constant) / emission, 0.25) + math.cbrt(slope / emission))
    return float(brentq(lambda t: emission * t**4 - slope * t - constant, coldest, hottest, xtol=1e-12, rtol=1e-14))


LEAKING = {
    "emission": st.floats(-9.0, -2.0).map(lambda x: 10.0**x),
    "temperature": st.floats(math.log(150.0), math.log(1500.0)).map(math.exp),
    "least_share": st.floats(0.3, 3.0),
}


@many
@given(linear_share=st.floats(1.0, 2.0), **LEAKING)
def test_equilibrium_temperature_of_leaking_chips_against_brentq(
    emission: float, temperature: float, linear_share: float, least_share: float
) -> None:
    """Shipped leakage reaches a linear share of 0.95, 0.5 per cent per K one of 1.6."""
    slope = linear_share * emission * temperature**3
    constant = (1.0 - linear_share) * emission * temperature**4
    least = least_share * emission * temperature**4
    found = float(equilibrium_temperature_k(emission, slope, constant, least))
    assert found == pytest.approx(least_carrying_k(emission, slope, constant, least), rel=1e-7)


@many
@given(linear_share=st.floats(2.0, 5.0), **LEAKING)
def test_equilibrium_temperature_of_strongly_leaking_chips_is_a_root(
    emission: float, temperature: float, linear_share: float, least_share: float
) -> None:
    """The sourced high of 1 per cent per K reaches a linear share of 4.7; there can be a cold and a hot root."""
    slope = linear_share * emission * temperature**3
    constant = (1.0 - linear_share) * emission * temperature**4
    least = least_share * emission * temperature**4
    found = float(equilibrium_temperature_k(emission, slope, constant, least))
    assert emission * found**4 == pytest.approx(max(constant + slope * found, least), rel=1e-4)


@many
@given(
    emission=st.floats(-9.0, -2.0).map(lambda x: 10.0**x),
    temperature=st.floats(math.log(150.0), math.log(1500.0)).map(math.exp),
    linear_share=st.floats(0.0, 1.5),
)
def test_equilibrium_temperature_is_continuous_where_the_least_heat_takes_over(
    emission: float, temperature: float, linear_share: float
) -> None:
    heat, slope = emission * temperature**4, linear_share * emission * temperature**3
    just_under, at, just_over = (
        float(equilibrium_temperature_k(emission, slope, heat - slope * temperature, heat * share))
        for share in (1.0 - 1e-9, 1.0, 1.0 + 1e-9)
    )
    assert just_under == pytest.approx(temperature, rel=2e-8)
    assert at == pytest.approx(temperature, rel=2e-8)
    assert just_over == pytest.approx(temperature, rel=2e-8)
    ten_times = float(equilibrium_temperature_k(emission, slope, heat - slope * temperature, heat * 10.0))
    assert ten_times == pytest.approx(temperature * 10.0**0.25, rel=1e-12)


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
    for least in (1e-3, 1.0):
        found = float(equilibrium_temperature_k(emission, slope, constant, least * emission * temperature**4))
        assert found == pytest.approx(temperature, rel=1e-6)


def test_aged_coating() -> None:
    years = np.array([0.0, 2.5, 5.0, 15.0])
    assert aged(0.1, 0.3, years, 5.0) == pytest.approx(np.array([0.1, 0.2, 0.3, 0.3]))


def test_ladder_is_the_fixed_point_of_the_leakage_loop(assumptions: Assumptions) -> None:
    """Cold radiators hold the package at its least power; the switch comes where both branches agree."""
    thermal = assumptions.thermal
    colds = set()
    for chip in assumptions.accelerators.values():
        for lift, radiator, leakage in itertools.product(
            (0.0, 40.0), (180.0, 230.0, 280.0, 330.0, 380.0), (0.0, chip.leakage_per_k, 0.01, 0.02)
        ):
            leaking = dataclasses.replace(chip, leakage_per_k=leakage)
            rung = ladder(thermal, leaking, lift)
            junction = radiator
            for _ in range(300):
                growth = 1.0 + leakage * (junction - thermal.junction_reference_k)
                power = chip.chip_power_w * max(growth, thermal.least_power_fraction)
                junction = radiator + thermal.loop_rise_k - lift + chip.thermal_resistance_k_w * power
            colds.add(growth < thermal.least_power_fraction)
            found = float(rung.above_reference_k(radiator)) + thermal.junction_reference_k
            assert found == pytest.approx(junction, rel=1e-12)
    assert colds == {False, True}


def test_ladder_has_no_step_where_the_least_power_takes_over(assumptions: Assumptions) -> None:
    thermal, chip = assumptions.thermal, assumptions.accelerators["b200"]
    radiator = np.linspace(150.0, 450.0, 300_001)
    steps = np.diff(ladder(thermal, chip, 0.0).above_reference_k(radiator)) / np.diff(radiator)
    warm = 1.0 / (1.0 - chip.thermal_resistance_k_w * chip.chip_power_w * chip.leakage_per_k)
    assert steps.min() == pytest.approx(1.0, rel=1e-6)
    assert steps.max() == pytest.approx(warm, rel=1e-6)
    assert (np.diff(steps) > -1e-6).all()


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


def hottest_chip_w(design: Design, chip: Accelerator, outcome: dict[str, float], thermal: Thermal) -> float:
    """Host and package at the junction temperature; the package never below its least share."""
    growth = chip.leakage_per_k * (outcome["junction_temperature_k"] - thermal.junction_reference_k)
    package = chip.chip_power_w * max(1.0 + growth, thermal.least_power_fraction)
    return design.accelerators_per_satellite * (chip.it_power_w - chip.chip_power_w + package)


def test_radiator_emits_the_heat_and_what_it_absorbs(assumptions: Assumptions, at_nodes: DesignBatch) -> None:
    assert_radiator_balances(assumptions, at_nodes)


def test_radiator_of_strongly_leaking_chips_emits_the_heat(assumptions: Assumptions, at_nodes: DesignBatch) -> None:
    strong = {f"accelerators.{name}.leakage_per_k": 0.01 for name in assumptions.accelerators}
    area = np.clip(2.0 * at_nodes.values["accelerators_per_satellite"], 0.1, 1e5)
    sized = DesignBatch({**at_nodes.values, "radiator_area_m2": area}, at_nodes.codes, at_nodes.names)
    assert_radiator_balances(with_values(assumptions, strong), sized)


def assert_radiator_balances(assumptions: Assumptions, at_nodes: DesignBatch) -> None:
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
        compute = hottest_chip_w(design, chip, o, assumptions.thermal)
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
        package = chip.chip_power_w * max(1.0 + growth, assumptions.thermal.least_power_fraction)
        rise = chip.thermal_resistance_k_w * package
        lift = assumptions.radiators[design.radiator].lift_k
        expected = o["radiator_temperature_k"] + assumptions.thermal.loop_rise_k - lift + rise
        assert o["junction_temperature_k"] == pytest.approx(expected, rel=1e-12)
        if not lift:
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
    for name in ("radiator_temperature_k", "junction_temperature_k"):
        assert o[name][1] < o[name][0] < o[name][2], name
    assert o["accelerator_failures_per_year"][1] < o["accelerator_failures_per_year"][0]
    assert o["heat_w"][0] < o["heat_w"][2]
    chip, thermal = assumptions.accelerators[design.accelerator], assumptions.thermal
    least = chip.it_power_w - chip.chip_power_w * (1.0 - thermal.least_power_fraction)
    on_the_floor = o["it_power_w"][0] / chips <= least * (1.0 + 1e-12)
    for name in ("heat_w", "it_power_w"):
        assert o[name][1] == o[name][0] if on_the_floor else o[name][1] < o[name][0], name


def test_heat_of_a_growing_radiator_falls_to_its_least_without_a_step(assumptions: Assumptions, design: Design) -> None:
    areas = np.geomspace(60.0, 3000.0, 4000)
    one = DesignBatch.of(design).take(np.zeros(len(areas), dtype=np.intp))
    o = evaluate(DesignBatch({**one.values, "radiator_area_m2": areas}, one.codes, one.names), assumptions).outcome
    chip, thermal = assumptions.accelerators[design.accelerator], assumptions.thermal
    least = chip.it_power_w - chip.chip_power_w * (1.0 - thermal.least_power_fraction)
    power = o["it_power_w"] / design.accelerators_per_satellite
    assert power[-1] == pytest.approx(least, rel=1e-12)
    assert power[0] > chip.it_power_w * 0.98
    assert (power >= least * (1.0 - 1e-12)).all()
    for name in ("heat_w", "it_power_w", "radiator_temperature_k", "junction_temperature_k"):
        steps = np.diff(o[name]) / o[name][:-1]
        assert (steps <= 0.0).all(), name
        assert steps.min() > -2e-3, name


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
