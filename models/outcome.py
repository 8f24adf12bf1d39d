"""What follows: the outcomes by name, and a batch of outcomes as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.errors import DawnduskError, nearest

Extent: TypeAlias = Literal["intensive", "capacity", "burden", "wait", "sale"]
"""How an outcome follows the number of satellites, all else unchanged: not by itself (intensive); compute that grows
(capacity); cost, mass, time or losses that grow (burden); the time that a job takes, which falls (wait); or through the
price at which compute is sold, without which it means nothing (sale)."""


@dataclass(frozen=True)
class OutcomeField:
    """An outcome: its name, units and meaning, the table it belongs to, and how it follows the size of the fleet."""

    name: str
    units: str
    meaning: str
    table: str
    extent: Extent = "intensive"

    @property
    def fleet_sign(self) -> int:
        """Return 1 where more satellites make the outcome larger, -1 where they make it smaller, else 0."""
        return {"capacity": 1, "burden": 1, "wait": -1}.get(self.extent, 0)

    @property
    def asks_for_compute(self) -> bool:
        """Return whether it measures what the fleet computes: a bound on it can ask for a fleet of some size."""
        return self.extent in {"capacity", "wait"}


Row: TypeAlias = tuple[str, str, str] | tuple[str, str, str, Extent]


def _table(title: str, *rows: Row, extent: Extent = "intensive") -> list[OutcomeField]:
    """Return the outcomes of a table; a row without an extent of its own has that of the table."""
    return [OutcomeField(*row[:3], title, (*row[3:], extent)[0]) for row in rows]


OUTCOMES: dict[str, OutcomeField] = {
    f.name: f
    for f in (
        *_table(
            "orbit",
            ("inclination_deg", "deg", "Inclination of the orbit."),
            ("period_min", "min", "Orbital period."),
            ("sunlit_fraction", "fraction", "Share of the year in sunlight."),
            ("eclipse_max_min", "min", "Longest eclipse of the year."),
            ("eclipse_days_per_year", "days/year", "Days on which eclipses occur."),
            ("air_density_kg_m3", "kg/m3", "Mean density of the upper atmosphere."),
            ("drag_delta_v_m_s_per_year", "m/s/year", "Velocity lost to drag."),
            ("disposal_delta_v_m_s", "m/s", "Velocity to lower a retired satellite to the disposal altitude."),
            ("natural_decay_years", "years", "Decay time of a satellite that dies in its orbit."),
            ("disposal_decay_years", "years", "Decay time from the disposal altitude."),
        ),
        *_table(
            "power and heat",
            ("it_power_w", "W", "IT power of one satellite at its junction temperature."),
            ("load_w", "W", "Electrical load of one satellite: IT, platform, links and pumps."),
            ("array_area_m2", "m2", "Solar array area of one satellite."),
            ("array_power_bol_w", "W", "Array power of one satellite when new."),
            ("array_degradation_per_year", "1/year", "Rate at which array power is lost."),
            ("battery_wh", "Wh", "Installed battery energy of one satellite."),
            ("heat_w", "W", "Heat that the radiator rejects."),
            ("radiator_temperature_k", "K", "Mean radiator surface temperature in the hot case, aged."),
            ("junction_temperature_k", "K", "Hottest junction or memory stack in the hot case."),
            ("radiator_flux_w_m2", "W/m2", "Net heat rejected per planform area."),
        ),
        *_table(
            "radiation and reliability",
            ("dose_krad_per_year", "krad(Si)/year", "Total ionising dose rate behind the shield."),
            ("dose_krad_life", "krad(Si)", "Total ionising dose over the life."),
            ("upsets_per_accelerator_year", "1/year", "Interrupting upsets of one accelerator."),
            ("accelerator_failures_per_year", "1/year", "Mean permanent failure rate of one accelerator."),
            ("steady_failures_per_year", "1/year", "Failures of one accelerator that do not depend on its age."),
            ("wear_of_life", "-", "Cumulative hazard of dose-driven wear-out of one accelerator over the life."),
            ("wear_exponent", "-", "Weibull shape of that wear-out: its hazard grows with this power of age."),
            ("accelerators_on_board", "count", "Accelerators of one satellite, spares counted."),
            ("satellite_loss_rate_per_year", "1/year", "Rate at which one satellite is lost."),
            ("satellite_losses_per_year", "1/year", "Satellites of the full fleet lost per year.", "burden"),
            ("availability", "fraction", "Share of time that accelerators in service do useful work."),
        ),
        *_table(
            "network",
            ("least_terminals", "count", "Terminals without which a job can not pass from satellite to satellite."),
            ("isl_capacity_gbps", "Gbit/s", "Inter-satellite capacity of one satellite."),
            ("isl_need_gbps", "Gbit/s", "Inter-satellite traffic that the workload asks of one satellite."),
            ("downlink_gbps", "Gbit/s", "Mean downlink capacity of one satellite."),
            ("downlink_need_gbps", "Gbit/s", "Downlink traffic that the workload asks of one satellite."),
            ("downlink_traffic_gbps", "Gbit/s", "Traffic that one satellite sends to the ground."),
            ("network_fraction", "fraction", "Share of work that the links let through."),
        ),
        *_table(
            "mass of one satellite",
            ("compute_mass_kg", "kg", "Accelerators with spares, hosts and cold plates."),
            ("array_mass_kg", "kg", "Solar array."),
            ("pmad_mass_kg", "kg", "Power management, distribution and harness."),
            ("battery_mass_kg", "kg", "Battery."),
            ("radiator_mass_kg", "kg", "Radiator panels."),
            ("thermal_loop_mass_kg", "kg", "Pumps, fluid and cold plates."),
            ("shielding_mass_kg", "kg", "Wall of the compute box."),
            ("communications_mass_kg", "kg", "Optical terminals, to neighbours and to the ground."),
            ("deployables_mass_kg", "kg", "Booms and hinges, growing faster than area."),
            ("fixed_mass_kg", "kg", "Avionics, control and propulsion of any satellite."),
            ("hosted_mass_kg", "kg", "Payload of another mission."),
            ("structure_mass_kg", "kg", "Structure."),
            ("margin_mass_kg", "kg", "Mass growth allowance."),
            ("dry_mass_kg", "kg", "Mass without propellant."),
            ("propellant_mass_kg", "kg", "Propellant for drag, formation, avoidance and disposal."),
            ("wet_mass_kg", "kg", "Mass at launch."),
            ("mass_per_it_power_kg_per_kw", "kg/kW", "Wet mass per nominal IT power."),
            ("stowed_volume_m3", "m3", "Stowed volume of one satellite."),
        ),
        *_table(
            "launch",
            ("payload_kg", "kg", "Usable payload of one launch to the orbit."),
            ("satellites_per_launch", "count", "Whole satellites on one launch."),
            ("satellites_built", "count", "Satellites to build so that, in expectation, the fleet arrives.", "burden"),
            ("technology_available_year", "year", "First year in which accelerator, array and radiator can be had."),
            ("launch_share_paid_by_other", "fraction", "Share of the launches that another mission pays."),
            ("launches", "count", "Whole launches to bring the fleet up, failures expected.", "burden"),
            ("deployment_years", "years", "From the first to the last launch.", "burden"),
            ("cadence_cap_per_year", "1/year", "Launches per year that the programme can buy at mid-deployment."),
            (
                "launch_price_usd",
                "USD",
                "Price of one launch at mid-deployment with volume discount and cadence premium.",
            ),
            ("launch_price_usd_per_kg", "USD/kg", "Price per kg of satellite launched."),
            ("launched_mass_t", "t", "Mass of all satellites launched.", "burden"),
        ),
        *_table(
            "capital",
            ("accelerator_unit_usd", "USD", "One accelerator made ready for space.", "intensive"),
            ("onboard_network_unit_usd", "USD", "Network on board for one accelerator.", "intensive"),
            ("learning_factor", "-", "Cost of the fleet's hardware over that at the reference quantity.", "intensive"),
            ("operations_share_per_year", "1/year", "Operations per year over the cost of the hardware.", "intensive"),
            ("orbital_use_unit_usd_per_year", "USD/year", "Fee of one satellite for using its orbit.", "intensive"),
            ("disposal_unit_usd", "USD", "Retirement of one satellite.", "intensive"),
            ("compute_cost_usd", "USD", "Accelerators with spares, made ready for space, with the network on board."),
            ("array_cost_usd", "USD", "Solar arrays."),
            ("pmad_cost_usd", "USD", "Power management and distribution."),
            ("battery_cost_usd", "USD", "Batteries."),
            ("radiator_cost_usd", "USD", "Radiators."),
            ("thermal_loop_cost_usd", "USD", "Coolant loops."),
            ("shielding_cost_usd", "USD", "Shielding."),
            ("communications_cost_usd", "USD", "Optical terminals, to neighbours and to the ground."),
            ("bus_cost_usd", "USD", "Structure, control, propulsion, integration."),
            ("launch_cost_usd", "USD", "Launches, with those that fail."),
            ("insurance_cost_usd", "USD", "Commercial insurance net of the losses it pays."),
            ("factory_cost_usd", "USD", "Factory and launch-site capacity for the cadence."),
            ("programme_cost_usd", "USD", "Engineering, licences and ground segment."),
            ("capex_usd", "USD", "All capital, not discounted."),
            ("capex_usd_per_w", "USD/W", "Capital per nominal IT watt.", "intensive"),
            ("opex_usd_per_year", "USD/year", "Operations of the full fleet."),
            ("disposal_cost_usd", "USD", "Retirement of the fleet."),
            extent="burden",
        ),
        *_table(
            "compute",
            ("nominal_w_per_accelerator", "W", "Nominal IT power of one accelerator."),
            (
                "useful_tflops_per_accelerator",
                "TFLOP/s",
                "Useful compute of one accelerator in service: peak times availability, links and share of peak.",
            ),
            ("it_power_mw", "MW", "Nominal IT power of the fleet, spares not counted.", "capacity"),
            ("accelerators", "count", "Accelerators of the fleet, spares not counted.", "capacity"),
            ("installed_pflops", "PFLOP/s", "Dense BF16 peak of the full fleet.", "capacity"),
            ("in_service_fraction", "fraction", "Mean share left by failures, array ageing and satellite losses."),
            ("eclipse_availability", "fraction", "Share of time not lost to load shed in eclipse."),
            ("checkpoint_efficiency", "fraction", "Useful share of time with interruptions and checkpoints."),
            ("sustained_fraction", "fraction", "Share of peak that the workload sustains (MFU)."),
            ("demand_fraction", "fraction", "Share of the fleet that the demand can use."),
            ("delivered_pflops", "PFLOP/s", "Mean delivered dense BF16 compute over the life.", "capacity"),
            (
                "delivered_worth_pflop_hours",
                "PFLOP-hours",
                "Delivered compute, discounted and aged, of the programme.",
                "capacity",
            ),
        ),
        *_table(
            "levelised",
            ("lcoc_usd_per_pflop_hour", "USD/PFLOP-hour", "Discounted cost over discounted delivered compute."),
            ("cost_usd_per_accelerator_hour", "USD/h", "The same per hour of an available accelerator."),
            ("cost_usd_per_kw_year", "USD/kW/year", "The same per year of a kW of IT power in service."),
            ("discounted_cost_usd", "USD", "All cost discounted to the first launch.", "burden"),
            (
                "revenue_usd",
                "USD",
                "Delivered compute, discounted and aged, at the price of the study; zero where none is stated.",
                "sale",
            ),
            (
                "value_usd",
                "USD",
                "Net present value at the first launch: revenue less all cost, and so minus the cost without a price.",
                "sale",
            ),
            ("ground_lcoc_usd_per_pflop_hour", "USD/PFLOP-hour", "Levelised cost of the ground alternative."),
            ("ground_capex_usd", "USD", "Capital of the ground alternative for as many accelerators.", "burden"),
            ("cost_ratio_to_ground", "-", "Levelised cost in orbit over that on the ground."),
            ("breakeven_launch_usd_per_kg", "USD/kg", "Launch price at which orbit costs what the ground costs."),
        ),
        *_table(
            "environment",
            (
                "debris_exposure_m2_years",
                "m2 years",
                "Satellite area times years in orbit, weighted by the density of other objects over its peak.",
                "burden",
            ),
            ("embodied_energy_tj", "TJ", "Primary energy to build and launch the fleet.", "burden"),
            ("energy_payback_years", "years", "Until the energy supplied to IT is worth the energy invested."),
        ),
        *_table(
            "training run",
            (
                "training_run_days",
                "days",
                "The training run as one job on the whole fleet when new, at the study's workload.",
                "wait",
            ),
            ("training_run_cost_usd", "USD", "The training run at the levelised cost in orbit."),
            ("training_run_energy_mwh", "MWh", "Electrical energy of the training run in orbit."),
            ("ground_training_run_days", "days", "The training run on the same accelerators on the ground.", "wait"),
            ("ground_training_run_cost_usd", "USD", "The training run at the levelised cost on the ground."),
            ("ground_training_run_energy_mwh", "MWh", "Electrical energy of the training run on the ground."),
        ),
    )
}
"""Every outcome by name, in the order in which it is reported."""


class UnknownOutcomeError(DawnduskError):
    """An outcome name that does not exist."""


def known_outcome(name: str) -> str:
    """Return the name if it is an outcome, else raise ``UnknownOutcomeError``."""
    if name not in OUTCOMES:
        raise UnknownOutcomeError(f"outcome {name!r}: no such outcome{nearest(name, OUTCOMES)}")
    return name


@dataclass(frozen=True)
class Outcome:
    """Outcomes of N designs: ``values`` maps each name to an array of shape (N,)."""

    values: Mapping[str, NDArray[np.float64]]

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        """Return one outcome as an array of shape (N,), in the units of its name."""
        if name not in self.values:
            raise UnknownOutcomeError(f"outcome {known_outcome(name)!r}: not kept in this evaluation")
        return self.values[name]

    def __len__(self) -> int:
        return len(next(iter(self.values.values()), ()))

    def row(self, index: int) -> dict[str, float]:
        """Return the outcomes of design number ``index`` as plain floats."""
        return {name: float(values[index]) for name, values in self.values.items()}
