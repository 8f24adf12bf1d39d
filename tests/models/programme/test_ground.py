"""The ground alternative re-derived from a slow ledger, and its published anchors."""

from __future__ import annotations

import dataclasses
import math

import pytest

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.design import Design
from dawndusk.models.evaluate import evaluate
from dawndusk.models.programme.ground import GroundCosts, delay_years, ground_costs

HOURS_PER_YEAR = 8760.0
SLICES = 4000
ACCELERATORS = ("h100", "b200", "tpu_v6e", "vera_rubin_nvl72")


def modelled(a: Assumptions, accelerator: str, fleet: float) -> GroundCosts:
    return ground_costs(
        ground=a.ground,
        thermal=a.thermal,
        scenario=a.scenario,
        reliability=a.reliability,
        workload=a.workloads[a.workload],
        accelerator=a.accelerators[accelerator],
        fleet_accelerators=fleet,
    )


def middles(length: float) -> list[float]:
    return [(i + 0.5) / SLICES * length for i in range(SLICES)]


def arrhenius(a: Assumptions) -> float:
    r = a.reliability
    hot = math.exp(r.activation_energy_ev / 8.617333e-5 * (1.0 / r.reference_junction_k - 1.0 / a.ground.junction_k))
    return 1.0 - r.thermal_share + r.thermal_share * hot


def drawn_w(a: Assumptions, accelerator: str) -> float:
    """IT power at the junction temperature of the ground: leakage moves the package, host and network stay."""
    chip = a.accelerators[accelerator]
    leakage = 1.0 + chip.leakage_per_k * (a.ground.junction_k - a.thermal.junction_reference_k)
    return chip.it_power_w + chip.chip_power_w * (max(leakage, a.thermal.least_power_fraction) - 1.0)


def ledger(a: Assumptions, accelerator: str, fleet: float) -> float:
    """Levelised cost in USD per PFLOP-hour of one accelerator on the ground, one cash flow at a time.

    Accelerators and their network are paid at the start of service. The building is paid evenly while it is built
    and charged to the accelerators as an even rent over its own life. Compute is worth less the later it comes after
    the first launch of the programme in orbit.
    """
    g, chip, workload = a.ground, a.accelerators[accelerator], a.workloads[a.workload]

    def money(usd: float, year: float) -> float:
        return usd * math.pow(1.0 + g.discount_rate, -year)

    watts, year_slice = drawn_w(a, accelerator), g.it_life_years / SLICES
    failures = a.reliability.accelerator_failure_per_year * arrhenius(a)
    building = sum(money(g.shell_usd_per_w * watts / SLICES, -before) for before in middles(g.build_years))
    rent = building / sum(money(g.facility_life_years / SLICES, year) for year in middles(g.facility_life_years))
    energy = watts * g.pue * HOURS_PER_YEAR / 1e6 * g.electricity_usd_per_mwh
    upkeep = g.shell_usd_per_w * watts * g.maintenance_fraction_per_year + g.staffing_usd_per_mw_year * watts / 1e6
    yearly = rent + energy + upkeep + failures * chip.price_usd
    cost = chip.price_usd + g.network_usd_per_w * watts

    job = min(fleet, workload.job_accelerators)
    per_second = (a.reliability.interruption_per_year + failures) * job / (365.25 * 86_400.0)
    waste = math.sqrt(2.0 * workload.checkpoint_s * per_second) + workload.restart_s * per_second
    pflops = chip.bf16_dense_tflops / 1000.0 * workload.sustained_fraction / (1.0 + waste)
    late = max(g.build_years, g.grid_wait_years) - a.scenario.lead_years
    compute = 0.0
    for year in middles(g.it_life_years):
        cost += money(yearly * year_slice, year)
        aged = (1.0 + a.scenario.technology_ageing_per_year) ** (year + late)
        compute += money(pflops * HOURS_PER_YEAR * year_slice, year) / aged
    return cost / compute


@pytest.mark.parametrize("accelerator", ACCELERATORS)
@pytest.mark.parametrize("fleet", [1000.0, 1e6])
def test_levelised_cost_against_a_slow_ledger(assumptions: Assumptions, accelerator: str, fleet: float) -> None:
    found = float(modelled(assumptions, accelerator, fleet).lcoc_usd_per_pflop_hour)
    assert found == pytest.approx(ledger(assumptions, accelerator, fleet), rel=1e-6)


@pytest.mark.parametrize(
    ("name", "value"),
    [("discount_rate", 0.04), ("it_life_years", 8.0), ("facility_life_years", 30.0), ("pue", 1.5),
     ("junction_k", 350.0), ("build_years", 6.0), ("grid_wait_years", 9.0), ("electricity_usd_per_mwh", 200.0)],
)  # fmt: skip
def test_ledger_agrees_away_from_the_shipped_values(assumptions: Assumptions, name: str, value: float) -> None:
    changed = assumptions.replace(ground=dataclasses.replace(assumptions.ground, **{name: value}))
    found = float(modelled(changed, "b200", 1e5).lcoc_usd_per_pflop_hour)
    assert found == pytest.approx(ledger(changed, "b200", 1e5), rel=1e-6)


@pytest.mark.parametrize("workload", ["training", "text_inference", "batch"])
@pytest.mark.parametrize("fleet", [5.0, 1000.0, 1e6])
def test_whole_fleet_is_interrupted_by_every_accelerator(assumptions: Assumptions, workload: str, fleet: float) -> None:
    """Young and Daly for one job on every accelerator; a job never spans more accelerators than there are."""
    changed = assumptions.replace(workload=workload)
    row, reliability = changed.workloads[workload], changed.reliability
    each = reliability.interruption_per_year + reliability.accelerator_failure_per_year * arrhenius(changed)
    found = modelled(changed, "b200", fleet)
    for size, share in ((fleet, found.whole_fleet_availability), (row.job_accelerators, found.availability)):
        per_second = each * min(size, fleet) / (365.25 * 86_400.0)
        waste = math.sqrt(2.0 * row.checkpoint_s * per_second) + row.restart_s * per_second
        assert float(share) == pytest.approx(1.0 / (1.0 + waste), rel=1e-9)
    assert found.whole_fleet_availability <= found.availability


def test_parts_add_up(assumptions: Assumptions) -> None:
    found = modelled(assumptions, "b200", 1e5)
    parts = (found.accelerators, found.shell, found.network, found.energy, found.maintenance, found.staffing)
    assert sum(parts) + found.replacements == pytest.approx(found.total, rel=1e-12)


def test_published_energy_is_a_small_part(assumptions: Assumptions) -> None:
    """0.5 to 0.6 k USD per kW and year at 51 USD/MWh and PUE 1.2; the accelerators rule the bill."""
    cheap = dataclasses.replace(assumptions.ground, electricity_usd_per_mwh=51.0, pue=1.2)
    assert cheap.pue * HOURS_PER_YEAR * cheap.electricity_usd_per_mwh / 1000.0 == pytest.approx(536.0, abs=1.0)
    found = modelled(assumptions.replace(ground=cheap), "h100", 1e5)
    assert found.energy < 0.1 * found.total
    assert found.accelerators > 0.4 * found.total


def test_published_cloud_price_check(assumptions: Assumptions) -> None:
    """H100 hours sold at 2.35 to 2.95 USD in 2026; the modelled cost per hour lies below, by less than half."""
    found = modelled(assumptions, "h100", 1e5)
    workload, chip = assumptions.workloads[assumptions.workload], assumptions.accelerators["h100"]
    aligned = (1.0 + assumptions.scenario.technology_ageing_per_year) ** (
        assumptions.scenario.lead_years - found.delay_years
    )
    hour = found.lcoc_usd_per_pflop_hour * chip.bf16_dense_tflops / 1000.0 * workload.sustained_fraction * aligned
    assert 1.2 < float(hour) < 2.95


def test_building_and_waiting_run_in_parallel(assumptions: Assumptions) -> None:
    ground = dataclasses.replace(assumptions.ground, build_years=2.0, grid_wait_years=7.0)
    assert delay_years(ground) == 7.0
    assert delay_years(dataclasses.replace(ground, grid_wait_years=1.0)) == 2.0


@pytest.mark.parametrize(
    "name",
    ["shell_usd_per_w", "pue", "electricity_usd_per_mwh", "maintenance_fraction_per_year", "staffing_usd_per_mw_year",
     "network_usd_per_w", "grid_wait_years", "junction_k", "discount_rate"],
)  # fmt: skip
def test_dearer_or_later_ground_costs_more(assumptions: Assumptions, name: str) -> None:
    value = getattr(assumptions.ground, name) * 1.1
    dear = assumptions.replace(ground=dataclasses.replace(assumptions.ground, **{name: value}))
    plain = modelled(assumptions, "b200", 1e5).lcoc_usd_per_pflop_hour
    assert modelled(dear, "b200", 1e5).lcoc_usd_per_pflop_hour > plain


def test_whole_model_reports_the_ground(assumptions: Assumptions, design: Design) -> None:
    o = evaluate(design, assumptions).outcome.row(0)
    fleet = design.satellites * design.accelerators_per_satellite
    assert o["ground_lcoc_usd_per_pflop_hour"] == pytest.approx(
        ledger(assumptions, design.accelerator, fleet), rel=1e-6
    )
    chip, ground = assumptions.accelerators[design.accelerator], assumptions.ground
    watts = drawn_w(assumptions, design.accelerator)
    per_chip = chip.price_usd + watts * (ground.shell_usd_per_w + ground.network_usd_per_w)
    assert o["ground_capex_usd"] == pytest.approx(fleet * per_chip)
