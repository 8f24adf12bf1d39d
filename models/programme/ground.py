"""The ground alternative: the same accelerator and workload in a building with a grid connection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dawndusk.models.array import Array
from dawndusk.models.assumptions import Accelerator, Ground, Reliability, Scenario, Thermal, Workload
from dawndusk.models.constants import HOURS_PER_YEAR, TFLOPS_PER_PFLOPS, WATTS_PER_MW
from dawndusk.models.physics.reliability import checkpoint_efficiency, heat_acceleration
from dawndusk.models.physics.thermal import drawn_it_power_w
from dawndusk.models.programme.cost import annuity_years, carry_factor, continuous


@dataclass(frozen=True)
class GroundCosts:
    """The ground alternative per accelerator, discounted to the start of service, in USD."""

    accelerators: Array
    shell: Array
    network: Array
    energy: Array
    maintenance: Array
    staffing: Array
    replacements: Array
    total: Array
    it_power_w: Array
    capex: Array
    availability: Array
    whole_fleet_availability: Array
    lcoc_usd_per_pflop_hour: Array
    delay_years: Array


def delay_years(ground: Ground) -> Array:
    """Return the years from decision to service: building and waiting for the grid run in parallel."""
    return np.maximum(ground.build_years, ground.grid_wait_years)


def ground_costs(
    *,
    ground: Ground,
    thermal: Thermal,
    scenario: Scenario,
    reliability: Reliability,
    workload: Workload,
    accelerator: Accelerator,
    fleet_accelerators: Array,
) -> GroundCosts:
    """Return cost and levelised cost of the ground alternative with the same accelerator and demand.

    Same units and rules as in orbit, leakage at the junction temperature included: dense BF16 work delivered,
    discounted at the cost of money, and worth less every year by the technology ageing counted from the first launch
    in orbit. The building outlives the accelerators and is charged its share; failed accelerators are replaced.
    """
    rate = continuous(ground.discount_rate)
    years = annuity_years(rate, ground.it_life_years)
    building_share = years / annuity_years(rate, ground.facility_life_years)
    carry = carry_factor(rate * ground.build_years)
    failures = reliability.accelerator_failure_per_year * heat_acceleration(reliability, ground.junction_k)
    it_w = drawn_it_power_w(thermal, accelerator, ground.junction_k)
    shell = it_w * (ground.shell_usd_per_w * building_share * carry)
    energy = it_w * (ground.pue * HOURS_PER_YEAR / WATTS_PER_MW * ground.electricity_usd_per_mwh * years)
    maintenance = it_w * (ground.shell_usd_per_w * ground.maintenance_fraction_per_year * years)
    staffing = it_w * (ground.staffing_usd_per_mw_year / WATTS_PER_MW * years)
    network = it_w * ground.network_usd_per_w
    replacements = accelerator.price_usd * (failures * years)
    total = accelerator.price_usd + shell + network + energy + maintenance + staffing + replacements

    job = np.minimum(fleet_accelerators, workload.job_accelerators)
    each = reliability.interruption_per_year + failures
    availability = checkpoint_efficiency(each * job, workload.checkpoint_s, workload.restart_s)
    whole = checkpoint_efficiency(each * fleet_accelerators, workload.checkpoint_s, workload.restart_s)
    ageing = continuous(scenario.technology_ageing_per_year)
    worth_years = annuity_years(rate + ageing, ground.it_life_years)
    later = delay_years(ground) - scenario.lead_years
    worth_hours = worth_years * HOURS_PER_YEAR * np.exp(-ageing * later)
    pflops = accelerator.bf16_dense_tflops * (workload.sustained_fraction / TFLOPS_PER_PFLOPS) * availability
    return GroundCosts(
        accelerators=accelerator.price_usd,
        shell=shell,
        network=network,
        energy=energy,
        maintenance=maintenance,
        staffing=staffing,
        replacements=replacements,
        total=total,
        it_power_w=it_w,
        capex=accelerator.price_usd + it_w * (ground.shell_usd_per_w + ground.network_usd_per_w),
        availability=availability,
        whole_fleet_availability=whole,
        lcoc_usd_per_pflop_hour=total / (pflops * worth_hours),
        delay_years=delay_years(ground),
    )
