"""The whole model on columns: the steps of one evaluation, in the order of their couplings.

Orbit, heat and power, radiation and reliability, network, mass, launch, cost, levelised cost. Nothing here knows a
solver or a file, and every step runs on any array type that answers the ufunc protocol.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import fields

import numpy as np

from dawndusk.models.array import Array, is_stated
from dawndusk.models.assumptions import Assumptions
from dawndusk.models.constants import (
    HOURS_PER_DAY,
    HOURS_PER_YEAR,
    KG_PER_TONNE,
    MJ_PER_TJ,
    SECONDS_PER_MINUTE,
    TFLOPS_PER_PFLOPS,
    WATTS_PER_KW,
    WATTS_PER_MW,
)
from dawndusk.models.physics import mass as massing
from dawndusk.models.physics import network as networking
from dawndusk.models.physics import power as powering
from dawndusk.models.physics import propulsion, thermal
from dawndusk.models.physics import reliability as surviving
from dawndusk.models.physics.orbit import period_s, radius_m, speed_m_s
from dawndusk.models.physics.radiation import solar_proton_dose, wear_hazard
from dawndusk.models.programme import cost as costing
from dawndusk.models.programme import debris
from dawndusk.models.programme import energy as spending
from dawndusk.models.programme import launch as launching
from dawndusk.models.programme.ground import GroundCosts, ground_costs
from dawndusk.models.recording.rows import Rows
from dawndusk.models.rounding import rounded_up
from dawndusk.models.rules import RuleSubject, violations

DISCIPLINES = (
    "orbit",
    "heat_and_power",
    "radiation_and_reliability",
    "network",
    "mass",
    "launch",
    "capital",
    "compute",
    "levelised",
    "environment",
    "ground",
    "training_run",
)
"""The steps of an evaluation, in the order of their couplings."""

FLOP_PER_PFLOP_HOUR = 3.6e18
LEAST_NETWORK = 1e-6


def evaluate_columns(
    design: Mapping[str, Array], rows: Rows, assumptions: Assumptions
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Evaluate columns of any array type; return outcomes and rule violations by name.

    ``design`` maps every numeric design variable to a column. Results are columns, or scalars where all designs
    share the value.
    """
    step = _Step(design, rows, assumptions, {})
    for discipline in DISCIPLINES:
        getattr(step, discipline)()
    return step.o, violations(RuleSubject(step.o, design, rows, assumptions))


def profile_columns(design: Mapping[str, Array], rows: Rows, assumptions: Assumptions) -> dict[str, float]:
    """Return the seconds that each discipline and the rules take on the same columns."""
    step, spent = _Step(design, rows, assumptions, {}), {}
    for discipline in DISCIPLINES:
        begin = time.perf_counter()
        getattr(step, discipline)()
        spent[discipline] = time.perf_counter() - begin
    begin = time.perf_counter()
    violations(RuleSubject(step.o, design, rows, assumptions))
    return {**spent, "rules": time.perf_counter() - begin}


class _Step:
    """The steps of one evaluation; each reads earlier outcomes and adds its own to ``o``."""

    def __init__(self, x: Mapping[str, Array], rows: Rows, a: Assumptions, o: dict[str, Array]) -> None:
        self.x, self.rows, self.a, self.o = x, rows, a, o
        self.workload = a.workloads[a.workload]
        self.rate = costing.continuous(a.scenario.discount_rate)
        self.ageing = costing.continuous(a.scenario.technology_ageing_per_year)

    def orbit(self) -> None:
        """Look up and compute everything that follows from the orbit alone."""
        o, rows, tables = self.o, self.rows, self.rows.tables
        altitude, code = self.x["altitude_km"], self.rows.orbit_code
        self.fine = tables.sunlit_fraction.axis.locate(altitude)
        self.coarse = tables.log_dose.x.locate(altitude)
        radius = radius_m(altitude)
        self.period_s = period_s(radius)
        self.speed = speed_m_s(radius)
        o["inclination_deg"] = tables.inclination_deg.at(self.fine, code)
        o["period_min"] = self.period_s * (1.0 / SECONDS_PER_MINUTE)
        o["sunlit_fraction"] = tables.sunlit_fraction.at(self.fine, code)
        o["eclipse_max_min"] = tables.eclipse_max_min.at(self.fine, code)
        o["eclipse_days_per_year"] = tables.eclipse_days_per_year.at(self.fine, code)
        o["air_density_kg_m3"] = tables.air_density_kg_m3.at(self.fine, code)
        self.radius = radius
        self.eclipse_fraction = o["eclipse_max_min"] / o["period_min"]
        self.earth_view = tables.earth_view_factor.at(self.fine, code)
        self.mean_cos_beta = tables.mean_cos_beta.at(self.fine, code)
        self.edge_on_ram = tables.edge_on_ram_fraction.at(self.fine, code)
        self.eclipses = powering.eclipses_per_year(o["eclipse_days_per_year"], self.period_s)
        self.log_cell_protons = tables.log_cell_proton_ratio.at(self.coarse, rows.orbit_code)

    def heat_and_power(self) -> None:
        """Close heat and power: radiator temperature, load, array and battery."""
        o, x, a, rows = self.o, self.x, self.a, self.rows
        self.eclipse_load = powering.eclipse_load_fraction(a.power, x["eclipse_ride_through"])
        heat_per_load = powering.heat_per_load(a.power, self.eclipse_load, self.eclipse_fraction)
        pumped = thermal.pumping_fraction(a.thermal, rows.radiator)
        heat_per_use = heat_per_load / (1.0 - pumped * heat_per_load)
        rung = thermal.ladder(a.thermal, rows.accelerator, rows.radiator.lift_k)
        chips = x["accelerators_per_satellite"] * (1.0 + a.power.platform_load_fraction)
        chip = rows.accelerator.chip_power_w
        leak = chip * rows.accelerator.leakage_per_k
        least_w = rows.accelerator.it_power_w - chip * (1.0 - a.thermal.least_power_fraction)
        other = x["optical_terminals"] * a.network.terminal_power_w + (
            a.network.downlink_power_w + a.power.platform_fixed_w
        )
        cold_heat = (chips * (rows.accelerator.it_power_w + leak * rung.offset) + other) * heat_per_use
        heat_per_k = chips * (leak * rung.slope) * heat_per_use
        emission, absorbed = self._radiator_surface()
        area = x["radiator_area_m2"]
        taken = absorbed * area
        least_heat = (chips * least_w + other) * heat_per_use
        steps = thermal.newton_steps(a.accelerators.values())
        temperature = thermal.equilibrium_temperature_k(
            emission, heat_per_k, cold_heat + taken, least_heat + taken, steps
        )
        o["radiator_temperature_k"] = temperature
        above = rung.above_reference_k(temperature)
        o["junction_temperature_k"] = above + a.thermal.junction_reference_k
        o["heat_w"] = np.maximum(cold_heat + heat_per_k * temperature, least_heat)
        o["load_w"] = o["heat_w"] / heat_per_load
        o["radiator_flux_w_m2"] = o["heat_w"] / area
        drawn_w = np.maximum(rows.accelerator.it_power_w + leak * above, least_w)
        o["it_power_w"] = x["accelerators_per_satellite"] * drawn_w
        self._array_and_battery()

    def _array_and_battery(self) -> None:
        """Size array and battery for the load in the orbit with the longest eclipse."""
        o, x, a, rows = self.o, self.x, self.a, self.rows
        shadow_over_sun = self.eclipse_fraction / (1.0 - self.eclipse_fraction)
        needed = o["load_w"] * powering.array_power_per_load(a.power, self.eclipse_load, shadow_over_sun)
        o["array_power_bol_w"] = needed * x["array_oversize"]
        o["array_area_m2"] = powering.array_area_m2(
            rows.array, a.environment.solar_constant_w_m2, o["array_power_bol_w"]
        )
        o["array_degradation_per_year"] = powering.degradation_per_year(rows.array, self.log_cell_protons)
        depth = powering.depth_of_discharge(a.power, self.eclipses * x["life_years"])
        o["battery_wh"] = powering.battery_wh(
            a.power, o["load_w"], self.eclipse_load, o["eclipse_max_min"] * SECONDS_PER_MINUTE, depth
        )

    def _radiator_surface(self) -> tuple[Array, Array]:
        """Return the emission coefficient of the aged radiator in W/K4 and its absorbed heat in W/m2."""
        a, row, years = self.a, self.rows.radiator, self.x["life_years"]
        coating = a.thermal.coating_life_years
        emissivity = thermal.aged(row.emissivity_bol, row.emissivity_eol, years, coating)
        absorptance = thermal.aged(row.absorptance_bol, row.absorptance_eol, years, coating)
        emission = thermal.emitted_w_m2(1.0, emissivity, row.faces, row.fin_efficiency)
        absorbed = thermal.absorbed_w_m2(
            a.environment, a.thermal, self.rows.orbit, self.earth_view, emissivity, absorptance, row.faces
        )
        return emission * self.x["radiator_area_m2"], absorbed

    def radiation_and_reliability(self) -> None:
        """Dose, upsets and failures; what is in service over the life; the useful share of time."""
        o, x, a, rows, tables = self.o, self.x, self.a, self.rows, self.rows.tables
        wall = tables.log_dose.y.locate(x["shielding_mm"])
        trapped = np.exp(tables.log_dose.at(self.coarse, wall, rows.orbit_code)) * a.radiation.geometry_factor
        protons = np.exp(tables.log_proton_ratio.at(self.coarse, wall, rows.orbit_code))
        solar = solar_proton_dose(a.radiation, x["shielding_mm"]) * rows.orbit.solar_proton_fraction
        life = x["life_years"]
        o["dose_krad_per_year"] = trapped + solar
        o["dose_krad_life"] = o["dose_krad_per_year"] * life
        o["upsets_per_accelerator_year"] = protons * a.radiation.upset_per_year + a.radiation.cosmic_ray_upset_per_year
        hot = surviving.heat_acceleration(a.reliability, o["junction_temperature_k"])
        base = a.reliability.accelerator_failure_per_year * a.reliability.space_multiplier
        steady = hot * base + protons * a.radiation.latchup_per_year
        wear = wear_hazard(
            o["dose_krad_life"],
            rows.accelerator.tid_tolerance_krad,
            a.radiation.design_margin,
            a.radiation.wear_exponent,
        )
        o["steady_failures_per_year"] = steady
        o["wear_of_life"] = wear
        o["wear_exponent"] = a.radiation.wear_exponent
        o["accelerator_failures_per_year"] = steady + wear / life
        o["satellite_loss_rate_per_year"] = a.reliability.satellite_loss_per_year
        o["satellite_losses_per_year"] = x["satellites"] * o["satellite_loss_rate_per_year"]
        self.on_board = rounded_up(x["accelerators_per_satellite"] * (1.0 + x["spare_fraction"]))
        o["accelerators_on_board"] = self.on_board
        self.service = surviving.in_service(
            spare_factor=self.on_board / x["accelerators_per_satellite"],
            failures=steady * life,
            wear=wear,
            array_oversize=x["array_oversize"],
            array_loss=o["array_degradation_per_year"] * life,
            satellite_loss=o["satellite_loss_rate_per_year"] * life,
            discount=(self.rate + self.ageing) * life,
            life_years=life,
            wear_exponent=o["wear_exponent"],
        )
        o["in_service_fraction"] = self.service.mean_fraction
        self._availability()

    def _availability(self) -> None:
        """Interruptions, checkpoints and load shed in eclipse."""
        o, x, a = self.o, self.x, self.a
        self.fleet = x["accelerators_per_satellite"] * x["satellites"]
        self.job = np.minimum(self.fleet, self.workload.job_accelerators)
        each = o["upsets_per_accelerator_year"] + o["accelerator_failures_per_year"]
        self.interruptions = each + a.reliability.interruption_per_year
        o["checkpoint_efficiency"] = self._useful_share(self.job)
        o["eclipse_availability"] = surviving.eclipse_availability(
            o["sunlit_fraction"], self.eclipses, x["eclipse_ride_through"], self.workload.restart_s
        )
        o["availability"] = o["checkpoint_efficiency"] * o["eclipse_availability"]

    def _useful_share(self, job: Array) -> Array:
        """Return the useful share of time of a job: a loss of any of its satellites interrupts all of it."""
        satellites = np.maximum(job / self.x["accelerators_per_satellite"], 1.0)
        rate = self.interruptions * job + satellites * self.o["satellite_loss_rate_per_year"]
        return surviving.checkpoint_efficiency(rate, self.workload.checkpoint_s, self.workload.restart_s)

    def network(self) -> None:
        """Compare what the links carry with what the workload needs."""
        o, x, a = self.o, self.x, self.a
        work = networking.work_flop_s(
            x["accelerators_per_satellite"], self.rows.accelerator.bf16_dense_tflops, self.workload
        )
        crossing = networking.crossing_fraction(x["accelerators_per_satellite"], self.job)
        o["least_terminals"] = networking.least_terminals(crossing)
        o["isl_capacity_gbps"] = x["optical_terminals"] * networking.terminal_rate_gbps(a.network)
        o["isl_need_gbps"] = networking.needs_gbps(work * crossing, self.workload.isl_bits_per_flop)
        o["downlink_gbps"] = networking.downlink_capacity_gbps(a.network)
        o["downlink_need_gbps"] = networking.needs_gbps(work, self.workload.downlink_bits_per_flop)
        o["downlink_traffic_gbps"] = np.minimum(o["downlink_gbps"], o["downlink_need_gbps"])
        between = networking.served_fraction(o["isl_capacity_gbps"], o["isl_need_gbps"])
        down = networking.served_fraction(o["downlink_gbps"], o["downlink_need_gbps"])
        o["network_fraction"] = np.maximum(np.minimum(between, down), LEAST_NETWORK)

    def mass(self) -> None:
        """Close the mass, find the propellant and the stowed volume."""
        o, x, a, rows = self.o, self.x, self.a, self.rows
        self.size = massing.Sizing(
            accelerators_on_board=self.on_board,
            array_area_m2=o["array_area_m2"],
            array_power_bol_w=o["array_power_bol_w"],
            battery_wh=o["battery_wh"],
            radiator_area_m2=x["radiator_area_m2"],
            heat_w=o["heat_w"],
            shielding_mm=x["shielding_mm"],
            optical_terminals=x["optical_terminals"],
        )
        self.masses = massing.subsystem_masses(
            a.platform, a.power, a.network, rows.accelerator, rows.array, rows.radiator, self.size
        )
        for part in fields(self.masses):
            o[f"{part.name}_mass_kg"] = getattr(self.masses, part.name)
        self.subsystems_kg = self.masses.total()
        self.closure = massing.close(a.platform, self.subsystems_kg)
        o["dry_mass_kg"] = self.closure.dry
        o["hosted_mass_kg"] = a.platform.hosted_mass_kg
        o["structure_mass_kg"] = self.closure.structure
        o["margin_mass_kg"] = self.closure.margin
        self._propellant()
        o["wet_mass_kg"] = o["dry_mass_kg"] + o["propellant_mass_kg"]
        nominal_kw = x["accelerators_per_satellite"] * (rows.accelerator.it_power_w * (1.0 / WATTS_PER_KW))
        self.nominal_it_kw = nominal_kw
        o["nominal_w_per_accelerator"] = rows.accelerator.it_power_w
        o["mass_per_it_power_kg_per_kw"] = o["wet_mass_kg"] / nominal_kw
        box = massing.box_volume_m3(a.platform, self.masses.compute)
        o["stowed_volume_m3"] = massing.stowed_volume_m3(
            a.platform, rows.array, rows.radiator, o["array_power_bol_w"], x["radiator_area_m2"], box
        )

    def _propellant(self) -> None:
        """Drag, formation, avoidance and disposal; decay times."""
        o, x, a, rows = self.o, self.x, self.a, self.rows
        platform, drag_coefficient = a.platform, a.environment.drag_coefficient
        ram = propulsion.ram_area_m2(
            o["array_area_m2"],
            x["radiator_area_m2"],
            self.mean_cos_beta,
            self.edge_on_ram * rows.radiator.ram_fraction,
        )
        o["drag_delta_v_m_s_per_year"] = propulsion.drag_delta_v_m_s_per_year(
            o["air_density_kg_m3"], self.speed, drag_coefficient, ram, o["dry_mass_kg"]
        )
        o["disposal_delta_v_m_s"] = propulsion.disposal_delta_v_m_s(platform, self.speed)
        keeping = platform.formation_delta_v_m_s_per_year + platform.avoidance_delta_v_m_s_per_year
        yearly = o["drag_delta_v_m_s_per_year"] + keeping
        total = yearly * x["life_years"] + o["disposal_delta_v_m_s"]
        ratio = propulsion.propellant_ratio(total, platform.specific_impulse_s)
        o["propellant_mass_kg"] = o["dry_mass_kg"] * ratio
        tables = rows.tables
        tumbling = propulsion.tumbling_area_m2(o["array_area_m2"], x["radiator_area_m2"])
        self.tumbling_m2 = tumbling
        per_area = o["dry_mass_kg"] / (tumbling * drag_coefficient)
        o["natural_decay_years"] = per_area * tables.decay_years_per_kg_m2.at(self.fine, rows.orbit_code)
        o["disposal_decay_years"] = per_area * tables.disposal_decay_years_per_kg_m2

    def launch(self) -> None:
        """Pack, count launches, and price them."""
        o, x, a, vehicle = self.o, self.x, self.a, self.rows.vehicle
        o["technology_available_year"] = np.maximum(
            np.maximum(self.rows.accelerator.available_year, self.rows.array.available_year),
            self.rows.radiator.available_year,
        )
        self.success = launching.success_probability(vehicle, a.scenario.first_launch_year)
        payload = launching.payload_kg(vehicle, self.speed, o["inclination_deg"])
        o["payload_kg"] = launching.usable_payload_kg(a.launch, payload)
        o["satellites_per_launch"] = launching.satellites_per_launch(
            o["payload_kg"], o["wet_mass_kg"], launching.usable_fairing_m3(a.launch, vehicle), o["stowed_volume_m3"]
        )
        o["launches"] = launching.launches(x["satellites"], o["satellites_per_launch"], self.success)
        o["deployment_years"] = (o["launches"] - 1.0) / x["launches_per_year"]
        middle = o["deployment_years"] * 0.5 + a.scenario.first_launch_year
        o["cadence_cap_per_year"] = launching.cadence_cap_per_year(a.launch, vehicle, middle)
        share = x["launches_per_year"] / o["cadence_cap_per_year"]
        listed = launching.listed_price_usd(vehicle, middle)
        o["launch_price_usd"] = launching.price_usd(a.launch, listed, vehicle.price_floor_usd, o["launches"], share)
        self.built = x["satellites"] / self.success
        o["satellites_built"] = self.built
        o["launched_mass_t"] = self.built * o["wet_mass_kg"] * (1.0 / KG_PER_TONNE)
        o["launch_price_usd_per_kg"] = o["launch_price_usd"] * o["launches"] / (o["launched_mass_t"] * KG_PER_TONNE)

    def capital(self) -> None:
        """Capital and running cost of the programme."""
        o, x, a, rows = self.o, self.x, self.a, self.rows
        hardware = costing.hardware_usd(
            a.cost, a.network, a.platform, rows.array, rows.radiator, self.masses, self.closure, self.size
        )
        durable = costing.design_life_factor(a.cost, x["life_years"])
        o["learning_factor"] = costing.learning_factor(a.cost, self.built)
        scale = o["learning_factor"] * durable * self.built
        for part in fields(hardware):
            o[f"{part.name}_cost_usd"] = getattr(hardware, part.name) * scale
        satellites = hardware.total() * scale
        fabric = rows.accelerator.it_power_w * a.cost.onboard_network_usd_per_w
        o["accelerator_unit_usd"] = rows.accelerator.price_usd * a.cost.compute_qualification
        o["onboard_network_unit_usd"] = fabric
        o["compute_cost_usd"] = self.on_board * self.built * (o["accelerator_unit_usd"] + fabric)
        platform = a.platform
        bus_share = self.masses.fixed * platform.hosted_share / self.subsystems_kg
        paid_by_other = platform.hosted_mass_kg + bus_share * (self.closure.dry - platform.hosted_mass_kg)
        o["launch_share_paid_by_other"] = paid_by_other / self.closure.dry
        o["launch_cost_usd"] = o["launches"] * o["launch_price_usd"] * (1.0 - o["launch_share_paid_by_other"])
        flown = satellites + o["compute_cost_usd"] + o["launch_cost_usd"]
        self.insured = launching.insured_share(a.launch, self.success)
        o["insurance_cost_usd"] = flown * self.insured
        per_year = x["launches_per_year"]
        yearly_value = satellites / np.maximum(o["deployment_years"], 1.0)
        o["factory_cost_usd"] = (
            yearly_value * a.cost.factory_usd_per_usd_year + per_year * a.cost.site_usd_per_launch_year
        )
        traffic = o["downlink_traffic_gbps"] * x["satellites"]
        fixed = a.cost.nre_usd + a.cost.licence_usd + a.cost.ground_segment_usd
        o["programme_cost_usd"] = traffic * a.cost.gateway_usd_per_gbps + fixed
        self.deployed_usd = flown + o["insurance_cost_usd"]
        self.before_usd = o["factory_cost_usd"] + o["programme_cost_usd"]
        o["capex_usd"] = self.deployed_usd + self.before_usd
        o["operations_share_per_year"] = a.cost.operations_fraction_per_year
        o["orbital_use_unit_usd_per_year"] = a.cost.orbital_use_fee_usd_per_year
        o["disposal_unit_usd"] = a.cost.disposal_usd_per_satellite
        fees = x["satellites"] * o["orbital_use_unit_usd_per_year"]
        self.running_usd = satellites * o["operations_share_per_year"] + fees
        o["opex_usd_per_year"] = self.running_usd + a.cost.operations_fixed_usd_per_year
        o["disposal_cost_usd"] = x["satellites"] * o["disposal_unit_usd"]

    def compute(self) -> None:
        """The waterfall from installed to delivered compute."""
        o, x, a, row = self.o, self.x, self.a, self.rows.accelerator
        o["accelerators"] = self.fleet
        o["it_power_mw"] = self.nominal_it_kw * x["satellites"] * (WATTS_PER_KW / WATTS_PER_MW)
        o["capex_usd_per_w"] = o["capex_usd"] / (o["it_power_mw"] * WATTS_PER_MW)
        o["installed_pflops"] = self.fleet * (row.bf16_dense_tflops * (1.0 / TFLOPS_PER_PFLOPS))
        o["sustained_fraction"] = self.workload.sustained_fraction
        useful = o["availability"] * o["network_fraction"] * o["sustained_fraction"]
        o["useful_tflops_per_accelerator"] = row.bf16_dense_tflops * useful
        self.useful_pflops = (
            o["installed_pflops"] * o["availability"] * o["network_fraction"] * self.workload.sustained_fraction
        )
        offered = self.useful_pflops * o["in_service_fraction"]
        if is_stated(a.demand.it_power_mw):
            o["demand_fraction"] = np.minimum(a.demand.it_power_mw / o["it_power_mw"], 1.0)
        elif is_stated(a.demand.delivered_pflops):
            o["demand_fraction"] = np.minimum(a.demand.delivered_pflops / offered, 1.0)
        else:
            o["demand_fraction"] = 1.0
        o["delivered_pflops"] = offered * o["demand_fraction"]

    def levelised(self) -> None:
        """Discount cost and compute to the first launch and divide."""
        o, x, a = self.o, self.x, self.a
        years, life = o["deployment_years"], x["life_years"]
        spread = costing.spread_factor(years * self.rate)
        operating = costing.annuity_years(self.rate, life)
        carry = costing.carry_factor(self.rate * a.scenario.lead_years)
        retired = o["disposal_cost_usd"] * np.exp(life * -self.rate)
        deployed = (self.deployed_usd + self.running_usd * operating + retired) * spread
        control = costing.annuity_years(self.rate, years + life) * a.cost.operations_fixed_usd_per_year
        o["discounted_cost_usd"] = self.before_usd * carry + deployed + control
        hours = self.service.discounted_years * costing.spread_factor(years * (self.rate + self.ageing))
        worth = self.useful_pflops * o["demand_fraction"] * hours * HOURS_PER_YEAR
        o["delivered_worth_pflop_hours"] = worth
        o["revenue_usd"] = worth * a.demand.price_usd_per_pflop_hour
        o["value_usd"] = o["revenue_usd"] - o["discounted_cost_usd"]
        o["lcoc_usd_per_pflop_hour"] = o["discounted_cost_usd"] / worth
        each = self.rows.accelerator.bf16_dense_tflops * (self.workload.sustained_fraction / TFLOPS_PER_PFLOPS)
        o["cost_usd_per_accelerator_hour"] = (
            o["lcoc_usd_per_pflop_hour"] * o["network_fraction"] * o["demand_fraction"] * each
        )
        per_kw = HOURS_PER_YEAR * WATTS_PER_KW / self.rows.accelerator.it_power_w
        o["cost_usd_per_kw_year"] = o["cost_usd_per_accelerator_hour"] * per_kw
        self.spread = spread

    def environment(self) -> None:
        """Count the area that stays among other objects, and the energy that building and launching takes."""
        o, x, a, tables = self.o, self.x, self.a, self.rows.tables
        years = debris.crowded_years(
            x["life_years"],
            o["satellite_loss_rate_per_year"],
            tables.crowding.at(self.fine, self.rows.orbit_code),
            dead=(
                np.minimum(o["natural_decay_years"], a.debris.horizon_years),
                tables.crowding_of_decay.at(self.fine, self.rows.orbit_code),
            ),
            descending=(
                o["disposal_delta_v_m_s"] * (1.0 / a.debris.descent_m_s_per_year),
                tables.crowding_of_descent.at(self.fine, self.rows.orbit_code),
            ),
            decaying=(o["disposal_decay_years"], tables.crowding_below),
        )
        o["debris_exposure_m2_years"] = self.tumbling_m2 * years * x["satellites"]
        nominal_w = self.on_board * self.rows.accelerator.it_power_w
        other_kg = o["dry_mass_kg"] - o["hosted_mass_kg"] - o["array_mass_kg"] - o["compute_mass_kg"]
        each = spending.hardware_mj(a.energy, o["array_area_m2"], nominal_w, other_kg)
        per_launch = spending.launch_mj(a.energy, self.rows.vehicle.payload_leo_kg)
        invested = each / self.success + o["launches"] / x["satellites"] * per_launch
        o["embodied_energy_tj"] = invested * x["satellites"] * (1.0 / MJ_PER_TJ)
        powered = o["sunlit_fraction"] + (1.0 - o["sunlit_fraction"]) * self.eclipse_load
        supplied_w = o["it_power_w"] * powered * o["in_service_fraction"]
        o["energy_payback_years"] = spending.payback_years(a.energy, invested, supplied_w)

    def ground(self) -> None:
        """Compare with the ground on the same terms."""
        o, a = self.o, self.a
        ground = ground_costs(
            ground=a.ground,
            thermal=a.thermal,
            scenario=a.scenario,
            reliability=a.reliability,
            workload=self.workload,
            accelerator=self.rows.accelerator,
            fleet_accelerators=self.fleet,
        )
        o["ground_lcoc_usd_per_pflop_hour"] = ground.lcoc_usd_per_pflop_hour
        o["ground_capex_usd"] = self.fleet * ground.capex
        o["cost_ratio_to_ground"] = o["lcoc_usd_per_pflop_hour"] / ground.lcoc_usd_per_pflop_hour
        launching_usd = o["launch_cost_usd"] * (self.insured + 1.0) * self.spread
        affordable = ground.lcoc_usd_per_pflop_hour * o["delivered_worth_pflop_hours"] - (
            o["discounted_cost_usd"] - launching_usd
        )
        o["breakeven_launch_usd_per_kg"] = o["launch_price_usd_per_kg"] * affordable / launching_usd
        self.ground_result: GroundCosts = ground

    def training_run(self) -> None:
        """Report one training run as a single job on the whole fleet when new, at the study's workload."""
        o, x, a = self.o, self.x, self.a
        run_hours = a.training_runs[a.training_run].flop / FLOP_PER_PFLOP_HOUR
        slower = o["checkpoint_efficiency"] / self._useful_share(self.fleet)
        hours = run_hours / self.useful_pflops * slower
        o["training_run_days"] = hours * (1.0 / HOURS_PER_DAY)
        o["training_run_cost_usd"] = o["lcoc_usd_per_pflop_hour"] * run_hours * slower
        powered = o["sunlit_fraction"] + (1.0 - o["sunlit_fraction"]) * self.eclipse_load
        o["training_run_energy_mwh"] = o["heat_w"] * x["satellites"] * powered * hours * (1.0 / WATTS_PER_MW)
        on_ground = o["installed_pflops"] * self.ground_result.whole_fleet_availability
        on_ground = on_ground * self.workload.sustained_fraction
        ground_hours = run_hours / on_ground
        o["ground_training_run_days"] = ground_hours * (1.0 / HOURS_PER_DAY)
        ground_slower = self.ground_result.availability / self.ground_result.whole_fleet_availability
        o["ground_training_run_cost_usd"] = self.ground_result.lcoc_usd_per_pflop_hour * run_hours * ground_slower
        ground_w = self.fleet * self.ground_result.it_power_w * a.ground.pue
        o["ground_training_run_energy_mwh"] = ground_w * ground_hours * (1.0 / WATTS_PER_MW)
