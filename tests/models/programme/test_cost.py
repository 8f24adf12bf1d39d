"""Cost: the parts add up, learning, and the levelised cost re-derived from a slow ledger of the whole programme."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.design import Design, DesignBatch
from dawndusk.models.evaluate import evaluate
from dawndusk.models.outcome import OUTCOMES
from dawndusk.models.programme.cost import (
    annuity_years,
    carry_factor,
    continuous,
    design_life_factor,
    learning_factor,
    spread_factor,
)
from dawndusk.models.programme.launch import success_probability
from dawndusk.studies.data import with_values

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")  # of the assumptions, on failure
quick = settings(deadline=None, max_examples=60, derandomize=True)
HOURS_PER_YEAR = 8760.0
SLICES = 150
HARDWARE = ("array", "pmad", "battery", "radiator", "thermal_loop", "shielding", "communications", "bus")
FLOWN = (*HARDWARE, "compute", "launch", "insurance")
BEFORE = ("factory", "programme")


def middles(length: float) -> list[float]:
    return [(i + 0.5) / SLICES * length for i in range(SLICES)]


def capacity_at(design: Design, o: dict[str, float], a: Assumptions, age: float) -> float:
    """Share of a satellite's nominal compute that serves at an age, times the share of satellites left."""
    chip, radiation = a.accelerators[design.accelerator], a.radiation
    wear = (radiation.design_margin * o["dose_krad_life"] / chip.tid_tolerance_krad) ** radiation.wear_exponent
    steady = o["accelerator_failures_per_year"] - wear / design.life_years
    hazard = steady * age + wear * (age / design.life_years) ** radiation.wear_exponent
    spares = math.ceil(round(design.accelerators_per_satellite * design.spare_fraction, 6))
    alive = (1.0 + spares / design.accelerators_per_satellite) * math.exp(-hazard)
    powered = design.array_oversize * math.exp(-o["array_degradation_per_year"] * age)
    return min(1.0, alive, powered) * math.exp(-a.reliability.satellite_loss_per_year * age)


def ledger(design: Design, o: dict[str, float], a: Assumptions) -> tuple[float, float]:
    """Return (cost in USD, compute in PFLOP-hours) discounted to the first launch, one cash flow at a time.

    Capital that is not flown is spent evenly over the lead time. Satellites go up evenly over the deployment, are
    paid when they go up, run and earn for their own life and are retired at its end; mission control runs from the
    first launch to the last retirement. Compute loses worth every year to newer hardware.
    """

    def money(usd: float, year: float) -> float:
        return usd * math.pow(1.0 + a.scenario.discount_rate, -year)

    def worth(pflop_hours: float, year: float) -> float:
        return money(pflop_hours, year) * math.pow(1.0 + a.scenario.technology_ageing_per_year, -year)

    before = sum(o[f"{part}_cost_usd"] for part in BEFORE)
    flown = sum(o[f"{part}_cost_usd"] for part in FLOWN)
    fixed = a.cost.operations_fixed_usd_per_year
    running = o["opex_usd_per_year"] - fixed
    rate = o["installed_pflops"] * o["sustained_fraction"] * o["checkpoint_efficiency"] * o["eclipse_availability"]
    rate *= o["network_fraction"] * o["demand_fraction"]
    slice_years = design.life_years / SLICES
    ages = [(age, capacity_at(design, o, a, age)) for age in middles(design.life_years)]

    cost = sum(money(before / SLICES, -lead) for lead in middles(a.scenario.lead_years))
    programme = o["deployment_years"] + design.life_years
    cost += sum(money(fixed * programme / SLICES, year) for year in middles(programme))
    compute = 0.0
    for start in middles(o["deployment_years"]):
        cost += money(flown / SLICES, start) + money(o["disposal_cost_usd"] / SLICES, start + design.life_years)
        for age, capacity in ages:
            cost += money(running / SLICES * slice_years, start + age)
            compute += worth(rate * capacity / SLICES * slice_years * HOURS_PER_YEAR, start + age)
    return cost, compute


SMOOTH = {"spare_fraction": 0.0, "array_oversize": 1.0}
CASES: dict[str, tuple[dict[str, Any], float]] = {
    "no kinks": (SMOOTH, 1e-4),
    "no kinks, long life": (SMOOTH | {"life_years": 12.0, "shielding_mm": 12.0}, 2e-4),
    "no kinks, one year": (SMOOTH | {"life_years": 1.0, "launches_per_year": 200.0}, 1e-4),
    "noon-midnight, full battery": (SMOOTH | {"orbit": "noon_midnight_sso", "eclipse_ride_through": 1.0}, 1e-4),
    "spares and oversize": ({}, 5e-3),
    "many spares, small array": ({"spare_fraction": 0.6, "array_oversize": 0.8, "life_years": 7.0}, 5e-3),
    "slow Falcon 9, mid-inclination": (
        {"vehicle": "falcon_9", "orbit": "mid_inclination_53", "altitude_km": 550.0, "satellites": 300}, 5e-3,
    ),
    "TPU at 650 km": ({"accelerator": "tpu_v6e", "altitude_km": 650.0, "accelerators_per_satellite": 200}, 5e-3),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_levelised_cost_against_a_slow_ledger(assumptions: Assumptions, design: Design, case: str) -> None:
    """The whole programme in plain Python; what is left is the quadrature of the capacity where its limits cross."""
    changes, tolerance = CASES[case]
    changed = design.replace(**changes)
    o = evaluate(changed, assumptions).outcome.row(0)
    cost, compute = ledger(changed, o, assumptions)
    assert o["discounted_cost_usd"] == pytest.approx(cost, rel=1e-5)
    assert o["delivered_worth_pflop_hours"] == pytest.approx(compute, rel=tolerance)
    assert o["lcoc_usd_per_pflop_hour"] == pytest.approx(cost / compute, rel=tolerance + 1e-5)


@pytest.mark.parametrize(
    "dear",
    [
        {"disposal_usd_per_satellite": 1e8},
        {"orbital_use_fee_usd_per_year": 1e7},
        {"operations_fixed_usd_per_year": 1e11},
        {"nre_usd": 1e12},
    ],
    ids=lambda dear: next(iter(dear)),
)
def test_discounting_of_each_small_item_made_large(
    assumptions: Assumptions, design: Design, dear: dict[str, float]
) -> None:
    """Items that hardly weigh in the total must still be paid in the right year."""
    changed = assumptions.replace(cost=dataclasses.replace(assumptions.cost, **dear))
    o = evaluate(design, changed).outcome.row(0)
    cost, _ = ledger(design, o, changed)
    assert o["discounted_cost_usd"] == pytest.approx(cost, rel=1e-5)


def test_levelised_cost_of_a_demand_for_half_the_fleet(assumptions: Assumptions, design: Design) -> None:
    half = assumptions.replace(demand=dataclasses.replace(assumptions.demand, it_power_mw=100.0))
    smooth = design.replace(**SMOOTH)
    o, whole = evaluate(smooth, half).outcome.row(0), evaluate(smooth, assumptions).outcome.row(0)
    cost, compute = ledger(smooth, o, half)
    assert o["demand_fraction"] == pytest.approx(0.5)
    assert o["lcoc_usd_per_pflop_hour"] == pytest.approx(cost / compute, rel=2e-4)
    assert o["lcoc_usd_per_pflop_hour"] == pytest.approx(2.0 * whole["lcoc_usd_per_pflop_hour"], rel=1e-12)


def test_undiscounted_levelised_cost_is_total_cost_over_total_compute(assumptions: Assumptions, design: Design) -> None:
    scenario = dataclasses.replace(assumptions.scenario, discount_rate=0.0, technology_ageing_per_year=0.0)
    free = assumptions.replace(scenario=scenario)
    o = evaluate(design, free).outcome.row(0)
    programme = o["deployment_years"] + design.life_years
    fixed = assumptions.cost.operations_fixed_usd_per_year
    cost = o["capex_usd"] + o["disposal_cost_usd"] + fixed * programme
    cost += (o["opex_usd_per_year"] - fixed) * design.life_years
    compute = o["delivered_pflops"] * design.life_years * HOURS_PER_YEAR
    assert o["lcoc_usd_per_pflop_hour"] == pytest.approx(cost / compute, rel=1e-6)


def priced(assumptions: Assumptions, price: float, **demand: float) -> Assumptions:
    wanted = dataclasses.replace(assumptions.demand, price_usd_per_pflop_hour=price, **demand)
    return assumptions.replace(demand=wanted)


def test_value_from_the_ledger(assumptions: Assumptions, design: Design) -> None:
    smooth, sold = design.replace(**SMOOTH), priced(assumptions, 20.0)
    o = evaluate(smooth, sold).outcome.row(0)
    cost, compute = ledger(smooth, o, sold)
    assert o["revenue_usd"] == pytest.approx(20.0 * compute, rel=2e-4)
    assert o["value_usd"] == pytest.approx(20.0 * compute - cost, rel=1e-3)


def test_without_a_price_nothing_is_earned_and_the_value_is_minus_the_cost(
    assumptions: Assumptions, random_batch: Callable[[int, int], DesignBatch]
) -> None:
    o = evaluate(random_batch(500, 52), assumptions).outcome
    assert (o["revenue_usd"] == 0.0).all()
    assert np.array_equal(o["value_usd"], -o["discounted_cost_usd"])


@pytest.mark.parametrize("price", [1e-6, 3.2, 20.0, 1e6])
def test_value_is_the_margin_over_the_levelised_cost_on_all_that_is_sold(
    assumptions: Assumptions, random_batch: Callable[[int, int], DesignBatch], price: float
) -> None:
    batch = random_batch(500, 53)
    o, free = evaluate(batch, priced(assumptions, price)).outcome, evaluate(batch, assumptions).outcome
    assert o["revenue_usd"] == pytest.approx(price * o["delivered_worth_pflop_hours"], rel=1e-12)
    margin = (price - o["lcoc_usd_per_pflop_hour"]) * o["delivered_worth_pflop_hours"]
    scale = o["revenue_usd"] + o["discounted_cost_usd"]
    assert (np.abs(o["value_usd"] - margin) <= 1e-12 * scale).all()
    for name in OUTCOMES:
        if OUTCOMES[name].extent != "sale":
            assert np.array_equal(o[name], free[name]), name


def test_the_price_that_earns_nothing_is_the_levelised_cost(assumptions: Assumptions, design: Design) -> None:
    o = evaluate(design, assumptions).outcome.row(0)
    sold = evaluate(design, priced(assumptions, o["lcoc_usd_per_pflop_hour"])).outcome.row(0)
    assert abs(sold["value_usd"]) <= 1e-12 * sold["revenue_usd"]


def test_a_demand_caps_what_is_sold(assumptions: Assumptions, design: Design) -> None:
    """Half of the fleet is asked for: half is sold, all is paid."""
    whole = evaluate(design, priced(assumptions, 20.0)).outcome.row(0)
    half_mw = 0.5 * whole["it_power_mw"]
    half = evaluate(design, priced(assumptions, 20.0, it_power_mw=half_mw)).outcome.row(0)
    assert half["revenue_usd"] == pytest.approx(0.5 * whole["revenue_usd"], rel=1e-12)
    assert half["discounted_cost_usd"] == whole["discounted_cost_usd"]
    small = priced(assumptions, 20.0, delivered_pflops=0.25 * whole["delivered_pflops"])
    assert evaluate(design, small).outcome.row(0)["revenue_usd"] == pytest.approx(0.25 * whole["revenue_usd"])


def test_parts_add_up_to_capital(assumptions: Assumptions, random_batch: Callable[[int, int], DesignBatch]) -> None:
    o = evaluate(random_batch(1000, 51), assumptions).outcome
    parts = [f.name for f in OUTCOMES.values() if f.table == "capital" and f.name.endswith("_cost_usd")]
    parts.remove("disposal_cost_usd")
    assert sorted(parts) == sorted(f"{part}_cost_usd" for part in (*FLOWN, *BEFORE))
    assert all((o[part] >= 0.0).all() for part in parts)
    assert sum(o[part] for part in parts) == pytest.approx(o["capex_usd"], rel=1e-12)
    assert o["capex_usd_per_w"] == pytest.approx(o["capex_usd"] / (o["it_power_mw"] * 1e6), rel=1e-12)


def test_hardware_from_prices_quantity_and_learning(assumptions: Assumptions, design: Design) -> None:
    """First principles: price times size of one satellite, times the satellites that have to be built."""
    o, cost = evaluate(design, assumptions).outcome.row(0), assumptions.cost
    chip, array = assumptions.accelerators[design.accelerator], assumptions.arrays[design.array]
    vehicle = assumptions.vehicles[design.vehicle]
    success = float(success_probability(vehicle, assumptions.scenario.first_launch_year))
    built = design.satellites / success
    learned = max((built / cost.learning_reference_quantity) ** math.log2(cost.learning_rate), cost.learning_floor)
    learned *= (design.life_years / 5.0) ** cost.design_life_exponent
    expected = {
        "array": o["array_power_bol_w"] * array.usd_per_w,
        "pmad": o["array_power_bol_w"] * cost.pmad_usd_per_w,
        "battery": o["battery_wh"] / 1000.0 * cost.battery_usd_per_kwh,
        "radiator": design.radiator_area_m2 * assumptions.radiators[design.radiator].usd_per_m2,
        "thermal_loop": o["heat_w"] * cost.thermal_loop_usd_per_w,
        "shielding": o["shielding_mass_kg"] * cost.shielding_usd_per_kg,
        "bus": (o["structure_mass_kg"] + o["deployables_mass_kg"] + o["fixed_mass_kg"]) * cost.bus_usd_per_kg
        + cost.bus_fixed_usd,
    }
    for part, usd in expected.items():
        assert o[f"{part}_cost_usd"] == pytest.approx(usd * built * learned, rel=1e-9), part
    chips = (design.accelerators_per_satellite + 7) * built
    each = chip.price_usd * cost.compute_qualification + chip.it_power_w * cost.onboard_network_usd_per_w
    assert o["compute_cost_usd"] == pytest.approx(chips * each, rel=1e-9)
    assert o["launch_cost_usd"] == pytest.approx(o["launches"] * o["launch_price_usd"], rel=1e-9)


def test_another_mission_pays_its_share_once(assumptions: Assumptions, design: Design) -> None:
    platform = dataclasses.replace(assumptions.platform, hosted_mass_kg=1000.0, hosted_share=0.6)
    o = evaluate(design, assumptions.replace(platform=platform)).outcome.row(0)
    plain = evaluate(design, assumptions).outcome.row(0)
    full = o["launches"] * o["launch_price_usd"]
    assert 0.0 < o["launch_cost_usd"] < full * (1.0 - 1000.0 / o["dry_mass_kg"])
    bus = o["structure_mass_kg"] + o["deployables_mass_kg"]
    cost, fixed = assumptions.cost, o["fixed_mass_kg"]
    paid, whole = ((bus + fixed * share) * cost.bus_usd_per_kg + cost.bus_fixed_usd * share for share in (0.4, 1.0))
    assert o["bus_cost_usd"] / plain["bus_cost_usd"] == pytest.approx(paid / whole, rel=1e-9)


def test_smad_learning_curve(assumptions: Assumptions) -> None:
    cost = dataclasses.replace(
        assumptions.cost, learning_rate=0.85, learning_reference_quantity=100.0, learning_floor=0.5
    )
    found = learning_factor(cost, np.array([25.0, 100.0, 200.0, 400.0, 1e9]))
    assert found == pytest.approx(np.array([0.85**-2, 1.0, 0.85, 0.85**2, 0.5]))


def test_bought_accelerators_do_not_learn(assumptions: Assumptions, design: Design) -> None:
    both = DesignBatch.of([design, design.replace(satellites=design.satellites * 4)])
    o = evaluate(both, assumptions).outcome
    assert o["compute_cost_usd"][1] == pytest.approx(4.0 * o["compute_cost_usd"][0])
    assert o["array_cost_usd"][1] <= 4.0 * o["array_cost_usd"][0]


def test_hardware_for_a_longer_life_costs_more(assumptions: Assumptions) -> None:
    factor = design_life_factor(assumptions.cost, np.array([2.5, 5.0, 10.0]))
    assert factor[1] == pytest.approx(1.0)
    assert (np.diff(factor) >= 0.0).all()
    assert factor[0] * factor[2] == pytest.approx(1.0)


@quick
@given(rate=st.floats(1e-6, 1.0), years=st.floats(0.01, 100.0))
def test_annuity_and_spread_against_a_sum(rate: float, years: float) -> None:
    middle = (np.arange(20_000) + 0.5) / 20_000 * years
    discounted = np.exp(-rate * middle)
    assert float(annuity_years(rate, years)) == pytest.approx(discounted.mean() * years, rel=1e-5)
    assert float(spread_factor(rate * years)) == pytest.approx(discounted.mean(), rel=1e-5)


def test_no_interest() -> None:
    assert float(spread_factor(0.0)) == pytest.approx(1.0)
    assert float(annuity_years(0.0, 7.0)) == pytest.approx(7.0)
    assert math.exp(continuous(0.15)) == pytest.approx(1.15)
    assert carry_factor(0.0) == 1.0
    assert carry_factor(1e-12) == pytest.approx(1.0, rel=1e-9)


@quick
@given(rate=st.floats(1e-6, 0.7), years=st.floats(0.01, 30.0))
def test_carry_against_a_sum_of_payments_while_building(rate: float, years: float) -> None:
    """Money spent evenly before the start, each part grown to the start; what a discount over that time undoes."""
    middle = (np.arange(20_000) + 0.5) / 20_000 * years
    assert carry_factor(rate * years) == pytest.approx(np.exp(rate * middle).mean(), rel=1e-5)
    assert carry_factor(rate * years) * math.exp(-rate * years) == pytest.approx(float(spread_factor(rate * years)))
    assert carry_factor(rate * years) >= math.exp(rate * years / 2.0)


def test_fabric_on_board_is_paid_per_watt_of_every_accelerator(assumptions: Assumptions, design: Design) -> None:
    cheap, dear = (
        evaluate(design, with_values(assumptions, {"cost.onboard_network_usd_per_w": usd})).outcome.row(0)
        for usd in (0.0, 2.0)
    )
    built = cheap["launched_mass_t"] * 1000.0 / cheap["wet_mass_kg"]
    watts = (design.accelerators_per_satellite + 7) * built * assumptions.accelerators[design.accelerator].it_power_w
    assert dear["compute_cost_usd"] - cheap["compute_cost_usd"] == pytest.approx(2.0 * watts, rel=1e-9)


DEARER = {
    "launch": ("cadence_premium",),
    "cost": (
        "bus_usd_per_kg",
        "battery_usd_per_kwh",
        "nre_usd",
        "operations_fixed_usd_per_year",
        "shielding_usd_per_kg",
        "onboard_network_usd_per_w",
    ),
    "network": ("terminal_usd", "downlink_usd"),
}


@pytest.mark.parametrize(("group", "name"), [(g, n) for g, names in DEARER.items() for n in names])
def test_a_price_up_is_a_cost_up(assumptions: Assumptions, design: Design, group: str, name: str) -> None:
    changed = getattr(getattr(assumptions, group), name) * 3.0
    part = dataclasses.replace(getattr(assumptions, group), **{name: changed})
    dear = evaluate(design, assumptions.replace(**{group: part})).outcome.row(0)
    plain = evaluate(design, assumptions).outcome.row(0)
    assert dear["lcoc_usd_per_pflop_hour"] > plain["lcoc_usd_per_pflop_hour"]
    assert dear["discounted_cost_usd"] > plain["discounted_cost_usd"]


def test_insurance_is_net_of_the_losses_it_pays(assumptions: Assumptions, design: Design) -> None:
    vehicle = assumptions.vehicles[design.vehicle]
    success = float(success_probability(vehicle, assumptions.scenario.first_launch_year))
    insured = dataclasses.replace(assumptions.launch, insured_fraction=1.0, insurance_premium=1.0 - success + 0.1)
    o = evaluate(design, assumptions.replace(launch=insured)).outcome.row(0)
    value = sum(o[f"{part}_cost_usd"] for part in FLOWN) - o["insurance_cost_usd"]
    assert o["insurance_cost_usd"] == pytest.approx(0.1 * value, rel=1e-9)


def test_units_of_the_levelised_cost(assumptions: Assumptions, design: Design) -> None:
    o, chip = evaluate(design, assumptions).outcome.row(0), assumptions.accelerators[design.accelerator]
    pflops = chip.bf16_dense_tflops / 1000.0 * o["sustained_fraction"] * o["network_fraction"]
    assert o["cost_usd_per_accelerator_hour"] == pytest.approx(o["lcoc_usd_per_pflop_hour"] * pflops)
    per_kw = o["cost_usd_per_accelerator_hour"] * HOURS_PER_YEAR / (chip.it_power_w / 1000.0)
    assert o["cost_usd_per_kw_year"] == pytest.approx(per_kw)
    assert o["cost_ratio_to_ground"] == pytest.approx(
        o["lcoc_usd_per_pflop_hour"] / o["ground_lcoc_usd_per_pflop_hour"]
    )


def test_breakeven_launch_price_breaks_even(assumptions: Assumptions, design: Design) -> None:
    """Flying at the break-even price (fixed price, no premium, no discount) costs what the ground costs."""
    launch = dataclasses.replace(
        assumptions.launch, cadence_premium=0.0, volume_discount_per_doubling=0.0, insured_fraction=0.0
    )
    cheap = dataclasses.replace(assumptions.cost, nre_usd=0.0, bus_usd_per_kg=10.0, factory_usd_per_usd_year=0.0)
    array = dataclasses.replace(assumptions.arrays[design.array], usd_per_w=0.0)
    radiator = dataclasses.replace(assumptions.radiators[design.radiator], usd_per_m2=10.0)
    ground = dataclasses.replace(assumptions.ground, electricity_usd_per_mwh=5000.0)
    vehicle = dataclasses.replace(
        assumptions.vehicles[design.vehicle], price_decline_per_year=0.0, price_floor_usd=0.0, price_usd=1e7
    )
    start = assumptions.replace(
        launch=launch, cost=cheap, arrays={design.array: array}, radiators={design.radiator: radiator}, ground=ground,
        vehicles={design.vehicle: vehicle},
    )  # fmt: skip
    o = evaluate(design, start).outcome.row(0)
    assert o["breakeven_launch_usd_per_kg"] > 0.0
    price = o["breakeven_launch_usd_per_kg"] * o["launched_mass_t"] * 1000.0 / o["launches"]
    even = start.replace(vehicles={design.vehicle: dataclasses.replace(vehicle, price_usd=price)})
    assert evaluate(design, even).outcome["cost_ratio_to_ground"][0] == pytest.approx(1.0, rel=1e-9)
