"""What we believe: prices, rates, catalogue rows and the scenario year.

The classes here hold values only; where each value comes from (units, low, high, source, year, confidence) is
kept beside it in ``Assumptions.provenance``, keyed by the dotted name, for example ``power.pmad_efficiency`` or
``vehicles.starship_v3.price_usd``. An optimiser never varies an assumption.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dawndusk.models.catalogue import (
    Accelerator,
    Orbit,
    Radiator,
    SolarArray,
    TrainingRun,
    Vehicle,
    Workload,
)
from dawndusk.models.errors import ContradictionError
from dawndusk.models.quantity import Quantity, quantity
from dawndusk.models.tables import EnvironmentData

MOST_STRUCTURE_AND_MARGIN = 0.9
MOST_LEAKAGE_FEEDBACK = 0.8
MOST_PUMPING = 0.9
"""Shares that must stay below one, with room: at one the mass, the junction temperature or the heat has no end."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """When the programme flies and what its money costs."""

    first_launch_year: float = quantity("year", "calendar year of the first launch", 2020, 2100)
    lead_years: float = quantity("years", "from the decision (time 0 of orbit and ground) to the first launch", 0, 20)
    discount_rate: float = quantity("1/year", "cost of money of the orbital programme (WACC)", 0, 1)
    technology_ageing_per_year: float = quantity(
        "1/year", "rate at which an hour of compute loses worth to better hardware, orbit and ground alike", 0, 1
    )


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What is asked for, and the price of compute; beyond a demand it earns nothing. Zero means: not stated."""

    it_power_mw: float = quantity("MW", "IT power of the accelerators in service, spares not counted")
    delivered_pflops: float = quantity("PFLOP/s", "mean delivered dense BF16 compute over the life")
    price_usd_per_pflop_hour: float = quantity(
        "USD/PFLOP-hour", "price of compute delivered at the first launch; it falls as the technology ages"
    )


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Sun, Earth and upper atmosphere."""

    solar_constant_w_m2: float = quantity("W/m2", "solar irradiance at one astronomical unit", 1000, 2000)
    earth_ir_w_m2: float = quantity("W/m2", "Earth infrared emission in the hot design case", 0, 400)
    albedo: float = quantity("fraction", "Earth albedo in the hot design case", 0, 1)
    solar_flux_f107: float = quantity("sfu", "solar 10.7 cm flux averaged over the mission", 60, 300)
    drag_coefficient: float = quantity("-", "free-molecular drag coefficient", 1, 4)


@dataclass(frozen=True, kw_only=True)
class Power:
    """Conversion, storage and platform loads."""

    pmad_efficiency: float = quantity("fraction", "array output to load, power management and distribution", 0.1, 1)
    charge_efficiency: float = quantity("fraction", "array to battery", 0.1, 1)
    discharge_efficiency: float = quantity("fraction", "battery to load", 0.1, 1)
    battery_wh_per_kg: float = quantity("Wh/kg", "specific energy of the battery pack", 10, 2000)
    dod_few_cycles: float = quantity("fraction", "allowed depth of discharge at cycles_few", 0.05, 1)
    dod_many_cycles: float = quantity("fraction", "allowed depth of discharge at cycles_many", 0.05, 1)
    cycles_few: float = quantity("cycles", "life cycles for which dod_few_cycles holds", 1)
    cycles_many: float = quantity("cycles", "life cycles for which dod_many_cycles holds", 1)
    platform_load_fraction: float = quantity("fraction of IT load", "avionics, control and heaters", 0, 2)
    platform_fixed_w: float = quantity("W", "platform load of a satellite whatever its size", 0)
    keep_alive_fraction: float = quantity("fraction of load", "load kept on the battery when compute is shed", 0, 1)


@dataclass(frozen=True, kw_only=True)
class Thermal:
    """The ladder from junction to radiator, and the radiator's surroundings."""

    loop_rise_k: float = quantity("K", "mean coolant to radiator surface, with half the coolant rise", 0, 100)
    junction_reference_k: float = quantity("K", "junction temperature at which accelerator power is quoted", 250, 450)
    least_power_fraction: float = quantity(
        "fraction", "least power of the package over that at the reference junction", 0, 1
    )
    coating_life_years: float = quantity("years", "time in which coatings go from new to end-of-life values", 0.1)
    array_view_factor: float = quantity("fraction", "view factor from a radiator face to the back of the array", 0, 1)
    array_back_temperature_k: float = quantity("K", "temperature of the back of the array", 200, 450)
    array_back_emissivity: float = quantity("fraction", "emissivity of the back of the array", 0, 1)
    sun_pointing_error_deg: float = quantity("deg", "angle by which an edge-on radiator sees the Sun", 0, 90)
    second_law_efficiency: float = quantity("fraction of Carnot", "heat pump, where a radiator row has one", 0.01, 1)
    cold_supply_k: float = quantity("K", "coolant temperature at the cold side of a heat pump", 250, 400)


@dataclass(frozen=True, kw_only=True)
class Radiation:
    """Dose, upsets and latch-up."""

    geometry_factor: float = quantity("fraction", "dose in the real box over dose in the sphere of the table", 0.1, 2)
    solar_proton_krad_per_year: float = quantity("krad(Si)/year", "solar protons in a polar orbit behind 10 mm", 0)
    solar_proton_exponent: float = quantity("-", "fall of that dose with wall thickness, quoted behind 10 mm", 0, 5)
    design_margin: float = quantity("-", "radiation design margin on dose", 1, 20)
    upset_per_year: float = quantity(
        "1/year", "interrupting upsets of one accelerator from protons at 650 km dawn-dusk behind 10 mm", 0
    )
    cosmic_ray_upset_per_year: float = quantity("1/year", "interrupting upsets from cosmic rays, unshieldable", 0)
    latchup_per_year: float = quantity(
        "1/year", "destructive events of one accelerator from protons at 650 km dawn-dusk behind 10 mm", 0
    )
    wear_exponent: float = quantity("-", "Weibull shape of dose-driven wear-out", 1, 10)


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """Failures and interruptions."""

    accelerator_failure_per_year: float = quantity("1/year", "permanent failures on the ground, air or water cooled", 0)
    space_multiplier: float = quantity("-", "launch loads and no-touch operation, before heat and radiation", 0.1, 20)
    activation_energy_ev: float = quantity("eV", "Arrhenius activation energy of junction-driven failures", 0, 2)
    thermal_share: float = quantity("fraction", "share of failures that follow the junction temperature", 0, 1)
    reference_junction_k: float = quantity("K", "junction temperature of the ground failure rate", 250, 450)
    satellite_loss_per_year: float = quantity("1/year", "loss of a whole satellite", 0, 5)
    interruption_per_year: float = quantity("1/year", "job interruptions of one accelerator on the ground", 0)


@dataclass(frozen=True, kw_only=True)
class Network:
    """Optical links between satellites and to the ground."""

    link_spacing_km: float = quantity("km", "distance between neighbours of a formation or ring", 0.01, 10_000)
    link_reference_gbps: float = quantity("Gbit/s", "rate of one terminal at the reference distance", 0)
    link_reference_km: float = quantity("km", "reference distance of the link rate", 0.01)
    link_max_gbps: float = quantity("Gbit/s", "ceiling of one terminal, however near", 0)
    terminal_mass_kg: float = quantity("kg", "one inter-satellite terminal", 0)
    terminal_power_w: float = quantity("W", "one inter-satellite terminal", 0)
    terminal_usd: float = quantity("USD", "one inter-satellite terminal", 0)
    downlink_rate_gbps: float = quantity("Gbit/s", "optical downlink terminal while in contact", 0)
    downlink_mass_kg: float = quantity("kg", "optical downlink terminal", 0)
    downlink_power_w: float = quantity("W", "optical downlink terminal", 0)
    downlink_usd: float = quantity("USD", "optical downlink terminal", 0)
    contact_fraction: float = quantity("fraction", "share of time with a ground station in view", 0, 1)
    site_availability: float = quantity("fraction", "clear sky over one optical ground station", 0, 1)
    independent_sites: float = quantity("count", "ground stations with independent weather in reach", 1)


@dataclass(frozen=True, kw_only=True)
class Platform:
    """Mass, volume and propulsion of a satellite apart from its payload."""

    fixed_mass_kg: float = quantity("kg", "avionics, control, radio and propulsion of a satellite of any size", 0)
    bus_volume_m3: float = quantity("m3", "stowed volume of the bus of a satellite of any size", 0)
    pmad_kg_per_kw: float = quantity("kg/kW", "power management and distribution with harness", 0)
    compute_density_kg_m3: float = quantity("kg/m3", "packed density of the compute box", 50, 10_000)
    box_area_factor: float = quantity("-", "surface of the compute box over that of a cube of its volume", 1, 10)
    deployable_coefficient: float = quantity(
        "kg/m^3", "booms and hinges: mass per area to the power 1.5, the part that grows faster than area", 0
    )
    structure_fraction: float = quantity("fraction of dry mass", "structure", 0, 0.6)
    margin_fraction: float = quantity("fraction of dry mass", "mass growth allowance", 0, 0.5)
    specific_impulse_s: float = quantity("s", "electric propulsion", 50, 20_000)
    formation_delta_v_m_s_per_year: float = quantity("m/s/year", "formation keeping", 0)
    avoidance_delta_v_m_s_per_year: float = quantity("m/s/year", "collision avoidance", 0)
    disposal_altitude_km: float = quantity("km", "altitude to which a retired satellite is lowered", 150, 500)
    hosted_mass_kg: float = quantity("kg", "another mission's payload with its own power, paid by that mission", 0)
    hosted_share: float = quantity("fraction", "share of fixed mass and cost that the other mission pays", 0, 1)


@dataclass(frozen=True, kw_only=True)
class Launch:
    """Packing, price and cadence rules that hold for every vehicle."""

    mass_fill: float = quantity("fraction", "usable share of the payload after margins", 0.1, 1)
    adapter_fraction: float = quantity("fraction of payload", "dispenser and adapter", 0, 0.5)
    volume_fill: float = quantity("fraction", "usable share of the fairing volume", 0.05, 1)
    programme_share: float = quantity("fraction", "share of a vehicle's flights that the programme can buy", 0.001, 1)
    volume_discount_per_doubling: float = quantity("fraction", "price cut for each doubling of launches bought", 0, 0.5)
    volume_reference_launches: float = quantity("count", "launches bought at the listed price", 1)
    cadence_premium: float = quantity("fraction", "price premium when all of the programme's share is used", 0, 10)
    insured_fraction: float = quantity("fraction", "share of launched value that is insured commercially", 0, 1)
    insurance_premium: float = quantity("fraction of value", "commercial launch insurance", 0, 1)
    max_deployment_years: float = quantity("years", "longest deployment that the programme accepts", 0.01)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Satellite, programme and operating cost."""

    bus_usd_per_kg: float = quantity("USD/kg", "structure, control and propulsion at the reference quantity", 0)
    bus_fixed_usd: float = quantity("USD", "integration and test of one satellite at the reference quantity", 0)
    battery_usd_per_kwh: float = quantity("USD/kWh", "battery pack", 0)
    shielding_usd_per_kg: float = quantity("USD/kg", "machined aluminium shielding", 0)
    pmad_usd_per_w: float = quantity("USD/W", "power management and distribution", 0)
    thermal_loop_usd_per_w: float = quantity("USD/W", "pumps, cold plates and piping", 0)
    compute_qualification: float = quantity("-", "price of an accelerator made ready for space over its price", 1, 20)
    onboard_network_usd_per_w: float = quantity("USD/W IT", "switches and storage inside a satellite", 0)
    learning_rate: float = quantity("cost ratio per doubling", "satellite hardware, never bought accelerators", 0.5, 1)
    learning_reference_quantity: float = quantity("count", "quantity at which the hardware prices hold", 1)
    learning_floor: float = quantity("fraction", "cost at large quantity over cost at the reference quantity", 0, 1)
    design_life_exponent: float = quantity("-", "growth of satellite hardware cost with design life over 5 years", 0, 2)
    nre_usd: float = quantity("USD", "design, qualification and first factory", 0)
    factory_usd_per_usd_year: float = quantity("years", "factory capital per yearly value of satellite hardware", 0)
    site_usd_per_launch_year: float = quantity("USD per launch/year", "payload processing capacity", 0)
    ground_segment_usd: float = quantity("USD", "stations and control centres of any fleet", 0)
    gateway_usd_per_gbps: float = quantity("USD per Gbit/s", "ground stations per traffic carried", 0)
    operations_fraction_per_year: float = quantity("fraction/year", "operations per satellite hardware capital", 0, 1)
    operations_fixed_usd_per_year: float = quantity("USD/year", "mission control of any fleet", 0)
    licence_usd: float = quantity("USD", "licences and surety bond", 0)
    orbital_use_fee_usd_per_year: float = quantity("USD/satellite/year", "fee for using an orbit", 0)
    disposal_usd_per_satellite: float = quantity("USD", "retirement of one satellite", 0)


@dataclass(frozen=True, kw_only=True)
class Regulation:
    """Rules that a constellation must meet."""

    disposal_years: float = quantity("years", "longest decay after the mission ends", 0.01)
    milestone_half_years: float = quantity("years", "from licence to half of the satellites in orbit", 0.01)
    milestone_full_years: float = quantity("years", "from licence to all satellites in orbit", 0.01)
    licence_to_first_launch_years: float = quantity("years", "from licence to the first launch", 0)


@dataclass(frozen=True, kw_only=True)
class Debris:
    """How long satellites stay in crowded orbits after their use."""

    horizon_years: float = quantity("years", "time after its loss for which a dead satellite counts", 0, 1000)
    descent_m_s_per_year: float = quantity("m/s/year", "velocity that a retired satellite sheds on its way down", 1)


@dataclass(frozen=True, kw_only=True)
class Energy:
    """Primary energy that goes into satellites and launches."""

    array_mj_per_m2: float = quantity("MJ/m2", "solar array from raw material to finished wing", 0)
    compute_mj_per_w: float = quantity("MJ/W IT", "accelerators with their share of host, network and conversion", 0)
    platform_mj_per_kg: float = quantity("MJ/kg", "all other dry mass: metal, composite, battery and electronics", 0)
    propellant_mj_per_kg_leo: float = quantity("MJ/kg", "launch propellant over the payload that a vehicle can lift", 0)
    grid_efficiency: float = quantity("fraction", "electricity that a grid makes from primary energy", 0.01, 1)


@dataclass(frozen=True, kw_only=True)
class Ground:
    """The ground alternative."""

    shell_usd_per_w: float = quantity("USD/W IT", "building, power and cooling plant", 0)
    facility_life_years: float = quantity("years", "life of the building and its plant", 1, 100)
    it_life_years: float = quantity("years", "life of accelerators on the ground", 0.5, 30)
    pue: float = quantity("-", "power usage effectiveness", 1, 3)
    electricity_usd_per_mwh: float = quantity("USD/MWh", "all-in energy price", 0)
    maintenance_fraction_per_year: float = quantity("fraction/year", "upkeep per capital of building and plant", 0, 1)
    staffing_usd_per_mw_year: float = quantity("USD/MW/year", "operations staff", 0)
    network_usd_per_w: float = quantity("USD/W IT", "network fabric and storage", 0)
    build_years: float = quantity("years", "time to build", 0, 30)
    grid_wait_years: float = quantity("years", "time to a grid connection, in parallel with building", 0, 30)
    discount_rate: float = quantity("1/year", "cost of money on the ground (WACC)", 0, 1)
    junction_k: float = quantity("K", "junction temperature on the ground", 250, 450)


GROUPS: dict[str, type] = {
    "scenario": Scenario,
    "demand": Demand,
    "environment": Environment,
    "power": Power,
    "thermal": Thermal,
    "radiation": Radiation,
    "reliability": Reliability,
    "network": Network,
    "platform": Platform,
    "launch": Launch,
    "cost": Cost,
    "regulation": Regulation,
    "debris": Debris,
    "energy": Energy,
    "ground": Ground,
}
"""Groups of single values, by the first part of their dotted name."""


@dataclass(frozen=True, kw_only=True)
class Assumptions:
    """Everything believed, with provenance. Build it with ``dawndusk.studies.data.default_assumptions``.

    Many sets that differ in some numbers are ``models.samples.AssumptionSamples``.
    """

    scenario: Scenario
    demand: Demand
    environment: Environment
    power: Power
    thermal: Thermal
    radiation: Radiation
    reliability: Reliability
    network: Network
    platform: Platform
    launch: Launch
    cost: Cost
    regulation: Regulation
    debris: Debris
    energy: Energy
    ground: Ground
    orbits: Mapping[str, Orbit]
    accelerators: Mapping[str, Accelerator]
    arrays: Mapping[str, SolarArray]
    radiators: Mapping[str, Radiator]
    vehicles: Mapping[str, Vehicle]
    workloads: Mapping[str, Workload]
    training_runs: Mapping[str, TrainingRun]
    workload: str
    training_run: str
    data: EnvironmentData
    provenance: Mapping[str, Quantity] = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse assumptions that are each in their domain but contradict each other."""
        self.check()

    def check(self) -> None:
        """Raise ``ContradictionError`` for the first numbers that can not hold together.

        A number may be a column, one value for each of N sets of assumptions.
        """
        for key, found, allowed in self._contradictions():
            raise ContradictionError(key, found, allowed)

    def _contradictions(self) -> Iterator[tuple[str, str, str]]:
        """Yield what contradicts what: the keys, what was found and what is allowed."""
        power, ground = self.power, self.ground
        shares = self.platform.structure_fraction + self.platform.margin_fraction
        for (found,) in _first(shares > MOST_STRUCTURE_AND_MARGIN, shares):
            key = "platform.structure_fraction + platform.margin_fraction"
            yield key, found, f"at most {MOST_STRUCTURE_AND_MARGIN} of the dry mass"
        for found, most in _first(power.cycles_few >= power.cycles_many, power.cycles_few, power.cycles_many):
            yield "power.cycles_few", found, f"less than power.cycles_many, {most}"
        longer = ground.it_life_years > ground.facility_life_years
        for found, most in _first(longer, ground.it_life_years, ground.facility_life_years):
            yield "ground.it_life_years", found, f"at most ground.facility_life_years, {most}"
        for name, row in self.accelerators.items():
            leaking = row.chip_power_w * (1.0 - self.thermal.least_power_fraction)
            for found, least in _first(row.it_power_w <= leaking, row.it_power_w, leaking):
                allowed = f"more than chip_power_w x (1 - thermal.least_power_fraction), {least}"
                yield f"accelerators.{name}.it_power_w", found, allowed
            feedback = row.thermal_resistance_k_w * row.chip_power_w * row.leakage_per_k
            for (found,) in _first(feedback > MOST_LEAKAGE_FEEDBACK, feedback):
                key = f"accelerators.{name}: thermal_resistance_k_w x chip_power_w x leakage_per_k"
                yield key, found, f"at most {MOST_LEAKAGE_FEEDBACK}, or the junction runs away"
        losses = 1.0 / (power.charge_efficiency * power.discharge_efficiency * power.pmad_efficiency)
        for name, radiator in self.radiators.items():
            lift = radiator.lift_k / (self.thermal.second_law_efficiency * self.thermal.cold_supply_k)
            pumped = (radiator.pump_fraction + lift) * losses
            for (found,) in _first(pumped > MOST_PUMPING, pumped):
                key = f"radiators.{name}: pump_fraction and lift_k with conversion losses"
                yield key, found, f"at most {MOST_PUMPING} of the heat"

    def replace(self, **changes: Any) -> Assumptions:
        """Return a copy with whole groups, catalogues or the workload exchanged."""
        return dataclasses.replace(self, **changes)


def _first(broken: Any, *values: Any) -> Iterator[tuple[str, ...]]:
    """Yield values as text for the first set of assumptions in which they contradict each other, if there is one."""
    if broken is not False and np.any(broken):
        columns = np.broadcast_arrays(broken, *values)
        place = int(np.argmax(columns[0]))
        yield tuple(f"{float(column.flat[place]):g}" for column in columns[1:])
