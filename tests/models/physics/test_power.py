"""Power: the energy of one orbit accounted loss by loss, the battery, and the anchors of depth of discharge."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dawndusk.models.assumptions import Assumptions, Power
from dawndusk.models.design import Design, DesignBatch
from dawndusk.models.evaluate import evaluate
from dawndusk.models.physics.power import (
    array_area_m2,
    array_power_per_load,
    battery_wh,
    degradation_per_year,
    depth_of_discharge,
    eclipse_load_fraction,
    eclipses_per_year,
    heat_per_load,
)

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")  # of the assumptions, on failure
quick = settings(deadline=None, max_examples=60, derandomize=True)


@dataclasses.dataclass(frozen=True)
class Ledger:
    """Energy of one orbit in J, per item."""

    from_array: float
    work_in_sun: float
    work_in_eclipse: float
    distribution_loss: float
    charge_loss: float
    discharge_loss: float

    @property
    def heat(self) -> float:
        losses = self.distribution_loss + self.charge_loss + self.discharge_loss
        return self.work_in_sun + self.work_in_eclipse + losses


def ledger(power: Power, load_w: float, eclipse_load: float, period_s: float, eclipse_s: float) -> Ledger:
    """Follow the energy from the loads back to the array, one device at a time."""
    in_sun, in_eclipse = load_w * (period_s - eclipse_s), load_w * eclipse_load * eclipse_s
    bus_in_eclipse = in_eclipse / power.pmad_efficiency
    drawn = bus_in_eclipse / power.discharge_efficiency
    put_in = drawn / power.charge_efficiency
    bus_in_sun = in_sun / power.pmad_efficiency
    return Ledger(
        from_array=bus_in_sun + put_in,
        work_in_sun=in_sun,
        work_in_eclipse=in_eclipse,
        distribution_loss=bus_in_sun - in_sun + bus_in_eclipse - in_eclipse,
        charge_loss=put_in - drawn,
        discharge_loss=drawn - bus_in_eclipse,
    )


def test_energy_of_the_worst_orbit_in_the_whole_model(
    assumptions: Assumptions, random_batch: Callable[[int, int], DesignBatch]
) -> None:
    """What the array gives leaves as heat. With load shed in eclipse, the stated heat is that of the loaded part."""
    batch = random_batch(300, 21)
    outcome = evaluate(batch, assumptions).outcome
    keep = assumptions.power.keep_alive_fraction
    for i, design in enumerate(batch):
        o = outcome.row(i)
        period, eclipse = o["period_min"] * 60.0, o["eclipse_max_min"] * 60.0
        share = keep + (1.0 - keep) * design.eclipse_ride_through
        orbit = ledger(assumptions.power, o["load_w"], share, period, eclipse)
        needed = o["array_power_bol_w"] / design.array_oversize
        assert needed * (period - eclipse) == pytest.approx(orbit.from_array, rel=1e-12)
        assert orbit.heat == pytest.approx(orbit.from_array, rel=1e-12)
        shed = o["load_w"] * (1.0 - share) * eclipse / assumptions.power.pmad_efficiency
        assert o["heat_w"] * period == pytest.approx(orbit.heat + shed, rel=1e-12)


def test_energy_of_a_full_ride_through(assumptions: Assumptions, design: Design) -> None:
    o = evaluate(design.replace(eclipse_ride_through=1.0, array_oversize=1.0), assumptions).outcome.row(0)
    sunlit = 1.0 - o["eclipse_max_min"] / o["period_min"]
    assert o["array_power_bol_w"] * sunlit == pytest.approx(o["heat_w"], rel=1e-12)


def test_smad_array_power_per_load(assumptions: Assumptions) -> None:
    """[P_day Td / Xd + P_ecl Te / Xe] / Td with the paths Xd and Xe made of the devices on them."""
    power = assumptions.power
    day_path, eclipse_path = power.pmad_efficiency, power.pmad_efficiency * power.charge_efficiency
    eclipse_path *= power.discharge_efficiency
    day, eclipse, load = 62.0, 36.0, 0.4
    expected = (day / day_path + load * eclipse / eclipse_path) / day
    assert float(array_power_per_load(power, load, eclipse / day)) == pytest.approx(expected, rel=1e-12)


def test_battery_delivers_the_eclipse_load(
    assumptions: Assumptions, random_batch: Callable[[int, int], DesignBatch]
) -> None:
    batch = random_batch(200, 22)
    outcome = evaluate(batch, assumptions).outcome
    power = assumptions.power
    for i, design in enumerate(batch):
        o = outcome.row(i)
        passes = o["eclipse_days_per_year"] * 24.0 * 60.0 / o["period_min"] * design.life_years
        depth = float(depth_of_discharge(power, passes))
        share = power.keep_alive_fraction + (1.0 - power.keep_alive_fraction) * design.eclipse_ride_through
        delivered = o["battery_wh"] * depth * power.discharge_efficiency * power.pmad_efficiency
        assert delivered == pytest.approx(o["load_w"] * share * o["eclipse_max_min"] / 60.0, rel=1e-11, abs=1e-9)


def test_anchors_of_the_depth_of_discharge(assumptions: Assumptions) -> None:
    power = assumptions.power
    cycles = np.array([0.0, power.cycles_few, power.cycles_many, 1e9])
    few, many = power.dod_few_cycles, power.dod_many_cycles
    assert depth_of_discharge(power, cycles) == pytest.approx(np.array([few, few, many, many]))
    middle = math.sqrt(power.cycles_few * power.cycles_many)
    assert float(depth_of_discharge(power, middle)) == pytest.approx((few + many) / 2.0)


def test_published_cycle_counts() -> None:
    """About 1,280 a year at 650 km dawn-dusk and 5,400 in a plane that is eclipsed on every pass."""
    assert float(eclipses_per_year(87.0, 97.7282 * 60.0)) == pytest.approx(1280.0, abs=5.0)
    assert float(eclipses_per_year(365.2422, 97.7282 * 60.0)) == pytest.approx(5400.0, rel=0.005)


def test_published_iroosa_areal_power(assumptions: Assumptions) -> None:
    """Flown iROSA: 222 W/m2 and 75 W/kg at the wing; the shipped row is a newer cell on the same blanket."""
    array = assumptions.arrays["iii_v_rosa"]
    per_m2 = 1.0 / float(array_area_m2(array, assumptions.environment.solar_constant_w_m2, 1.0))
    assert 222.0 < per_m2 < 360.0
    assert 75.0 < per_m2 / array.areal_mass_kg_m2 < 125.0


def test_degradation_at_the_reference_orbit_is_the_sum_of_both_parts(assumptions: Assumptions) -> None:
    for array in assumptions.arrays.values():
        expected = array.degradation_per_year + array.radiation_degradation_per_year
        assert float(degradation_per_year(array, 0.0)) == pytest.approx(expected)


@quick
@given(ride=st.floats(0.0, 0.98), more=st.floats(0.001, 0.02), fraction=st.floats(0.001, 0.4))
def test_carrying_more_through_eclipse_costs_array_battery_and_heat(
    assumptions: Assumptions, ride: float, more: float, fraction: float
) -> None:
    power = assumptions.power
    less, most = (eclipse_load_fraction(power, r) for r in (ride, ride + more))
    assert power.keep_alive_fraction <= less < most <= 1.0
    ratio = fraction / (1.0 - fraction)
    assert array_power_per_load(power, most, ratio) > array_power_per_load(power, less, ratio)
    assert heat_per_load(power, most, fraction) > heat_per_load(power, less, fraction)
    assert battery_wh(power, 1e5, most, 2000.0, 0.5) > battery_wh(power, 1e5, less, 2000.0, 0.5)


@quick
@given(cycles=st.floats(1.0, 1e6), log_ratio=st.floats(-5.0, 5.0))
def test_wear_of_battery_and_cells(assumptions: Assumptions, cycles: float, log_ratio: float) -> None:
    assert depth_of_discharge(assumptions.power, cycles * 1.1) <= depth_of_discharge(assumptions.power, cycles)
    for array in assumptions.arrays.values():
        assert degradation_per_year(array, log_ratio + 0.1) > degradation_per_year(array, log_ratio)
