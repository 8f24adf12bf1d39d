"""Launch: quoted payloads, the rocket equation, whole satellites and launches, price path and cadence."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dawndusk.models.assumptions import Assumptions, Vehicle
from dawndusk.models.constants import STANDARD_GRAVITY_M_S2
from dawndusk.models.design import Design, DesignBatch
from dawndusk.models.evaluate import evaluate
from dawndusk.models.physics.orbit import radius_m, speed_m_s, sso_inclination_deg
from dawndusk.models.programme.launch import (
    cadence_cap_per_year,
    launches,
    listed_price_usd,
    payload_kg,
    price_usd,
    satellites_per_launch,
    success_probability,
)

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")  # of the assumptions, on failure
quick = settings(deadline=None, max_examples=60, derandomize=True)
VEHICLES = (
    "falcon_9", "falcon_heavy", "starship_v3", "starship_v4", "new_glenn_7x2", "vulcan_vc6", "ariane_64", "neutron",
)  # fmt: skip


def payload(vehicle: Vehicle, altitude_km: float, inclination_deg: float) -> float:
    return float(payload_kg(vehicle, speed_m_s(radius_m(altitude_km)), inclination_deg))


@pytest.mark.parametrize("name", VEHICLES)
def test_quoted_payload_to_200_km_from_the_launch_site(assumptions: Assumptions, name: str) -> None:
    vehicle = assumptions.vehicles[name]
    assert payload(vehicle, 200.0, 28.5) == pytest.approx(vehicle.payload_leo_kg, rel=1e-12)
    assert payload(vehicle, 200.0, 5.0) == pytest.approx(vehicle.payload_leo_kg, rel=1e-12)
    assert payload(vehicle, 600.0, 28.5) < vehicle.payload_leo_kg


@pytest.mark.parametrize("inclination_deg", [28.5, 53.0, 75.0, 97.79, 104.0])
@pytest.mark.parametrize("name", VEHICLES)
def test_payload_between_the_quotes(assumptions: Assumptions, name: str, inclination_deg: float) -> None:
    """The quotes are mixed linearly in inclination; from there on the last stage burns the rocket equation."""
    vehicle, share = assumptions.vehicles[name], (inclination_deg - 28.5) / (97.79 - 28.5)
    at_200, at_600, at_900 = (float(speed_m_s(radius_m(altitude))) for altitude in (200.0, 600.0, 900.0))
    quote = vehicle.payload_leo_kg * (1.0 - share + share * vehicle.sso_ratio)
    climb = (1.0 - share) * at_200 + share * at_600 - at_900
    stage = vehicle.payload_leo_kg * vehicle.stage_dry_ratio
    after = (quote + stage) / math.exp(climb / (vehicle.stage_isp_s * STANDARD_GRAVITY_M_S2)) - stage
    assert payload(vehicle, 900.0, inclination_deg) == pytest.approx(after, rel=1e-9)


@pytest.mark.parametrize("name", VEHICLES)
def test_quoted_payload_to_600_km_sun_synchronous(assumptions: Assumptions, name: str) -> None:
    vehicle = assumptions.vehicles[name]
    found = payload(vehicle, 600.0, float(sso_inclination_deg(600.0)))
    assert found == pytest.approx(vehicle.payload_leo_kg * vehicle.sso_ratio, rel=1e-4)


def test_published_falcon_9_to_sun_synchronous_orbit(assumptions: Assumptions) -> None:
    """24 Starlink V2 mini of 575 kg on a polar flight."""
    assert payload(assumptions.vehicles["falcon_9"], 600.0, 97.79) == pytest.approx(13_800.0, rel=1e-3)


def test_tsiolkovsky_of_the_last_stage(assumptions: Assumptions) -> None:
    """Payload and stage together shrink by exp(-dv / (Isp g)) for the circular speeds' difference."""
    vehicle = assumptions.vehicles["new_glenn_7x2"]
    climb = float(speed_m_s(radius_m(600.0)) - speed_m_s(radius_m(1200.0)))
    stage = vehicle.payload_leo_kg * vehicle.stage_dry_ratio
    burn = math.log((payload(vehicle, 600.0, 97.79) + stage) / (payload(vehicle, 1200.0, 97.79) + stage))
    assert burn * vehicle.stage_isp_s * STANDARD_GRAVITY_M_S2 == pytest.approx(climb, rel=1e-9)


def test_hohmann_transfer_costs_about_the_difference_of_circular_speeds() -> None:
    low, high = float(radius_m(600.0)), float(radius_m(1400.0))
    mu = float(speed_m_s(low)) ** 2 * low
    middle = (low + high) / 2.0
    perigee, apogee = (math.sqrt(mu * (2.0 / r - 1.0 / middle)) for r in (low, high))
    impulses = perigee - float(speed_m_s(low)) + float(speed_m_s(high)) - apogee
    assert impulses == pytest.approx(float(speed_m_s(low) - speed_m_s(high)), rel=2e-3)


@quick
@given(altitude=st.floats(400.0, 1990.0), inclination=st.floats(28.5, 104.0), step=st.floats(0.5, 10.0))
@pytest.mark.parametrize("name", VEHICLES)
def test_payload_falls_with_altitude_and_inclination(
    assumptions: Assumptions, name: str, altitude: float, inclination: float, step: float
) -> None:
    vehicle = assumptions.vehicles[name]
    here = payload(vehicle, altitude, inclination)
    higher, steeper = payload(vehicle, altitude + step, inclination), payload(vehicle, altitude, inclination + step)
    assert higher < here or here == higher == 0.0
    assert steeper < here or here == steeper == 0.0


def test_payload_is_never_negative(assumptions: Assumptions) -> None:
    heavy = dataclasses.replace(assumptions.vehicles["starship_v3"], stage_dry_ratio=5.0)
    assert payload(heavy, 2000.0, 104.9) == 0.0


@quick
@given(usable=st.floats(1.0, 2e5), wet=st.floats(1.0, 2e5), room=st.floats(1.0, 1e3), stowed=st.floats(0.1, 1e3))
def test_packing_is_whole_and_fits(usable: float, wet: float, room: float, stowed: float) -> None:
    packed = float(satellites_per_launch(usable, wet, room, stowed))
    assert packed == int(packed) >= 1.0
    if packed > 1.0:
        assert packed * wet <= usable * (1.0 + 1e-12)
        assert packed * stowed <= room * (1.0 + 1e-12)
    assert (packed + 1.0) * wet > usable or (packed + 1.0) * stowed > room


@quick
@given(satellites=st.integers(1, 10**6), per_launch=st.integers(1, 100), success=st.floats(0.3, 1.0))
def test_launches_are_whole_and_just_enough(satellites: int, per_launch: int, success: float) -> None:
    bought = float(launches(float(satellites), float(per_launch), success))
    assert bought == int(bought)
    assert bought * per_launch * success >= satellites * (1.0 - 1e-12)
    assert (bought - 1.0) * per_launch * success < satellites


def test_fleet_of_the_whole_model_is_packed_whole(
    assumptions: Assumptions, random_batch: Callable[[int, int], DesignBatch]
) -> None:
    o = evaluate(random_batch(2000, 31), assumptions).outcome
    for name in ("satellites_per_launch", "launches"):
        assert np.array_equal(o[name], np.rint(o[name])), name
        assert (o[name] >= 1.0).all(), name


@pytest.mark.parametrize("name", VEHICLES)
def test_price_path_declines_to_its_floor(assumptions: Assumptions, name: str) -> None:
    vehicle = assumptions.vehicles[name]
    at_quote = float(listed_price_usd(vehicle, vehicle.price_year))
    assert at_quote == pytest.approx(vehicle.price_usd)
    assert float(listed_price_usd(vehicle, vehicle.price_year - 5.0)) == pytest.approx(vehicle.price_usd)
    declined = vehicle.price_usd * (1.0 - vehicle.price_decline_per_year) ** 3
    expected = max(declined, min(vehicle.price_floor_usd, vehicle.price_usd))
    assert float(listed_price_usd(vehicle, vehicle.price_year + 3.0)) == pytest.approx(expected)
    years = vehicle.price_year + np.arange(60.0)
    path = listed_price_usd(vehicle, years)
    assert (np.diff(path) <= 1e-6).all()
    assert path.min() >= min(vehicle.price_floor_usd, vehicle.price_usd) * (1.0 - 1e-12)


@pytest.mark.parametrize("name", VEHICLES)
def test_cadence_grows_to_its_cap(assumptions: Assumptions, name: str) -> None:
    vehicle, share = assumptions.vehicles[name], assumptions.launch.programme_share
    first = min(vehicle.cadence_per_year, vehicle.cadence_limit_per_year)
    assert float(cadence_cap_per_year(assumptions.launch, vehicle, vehicle.cadence_year)) == pytest.approx(
        share * first
    )
    grown = min(vehicle.cadence_per_year * (1.0 + vehicle.cadence_growth_per_year) ** 2, vehicle.cadence_limit_per_year)
    found = float(cadence_cap_per_year(assumptions.launch, vehicle, vehicle.cadence_year + 2.0))
    assert found == pytest.approx(share * grown)
    far = cadence_cap_per_year(assumptions.launch, vehicle, vehicle.cadence_year + np.arange(100.0))
    assert (far <= share * vehicle.cadence_limit_per_year * (1.0 + 1e-12)).all()


@pytest.mark.parametrize("name", VEHICLES)
def test_success_matures(assumptions: Assumptions, name: str) -> None:
    vehicle = assumptions.vehicles[name]
    now = float(success_probability(vehicle, vehicle.price_year))
    assert now == pytest.approx(vehicle.success_probability)
    after = float(success_probability(vehicle, vehicle.price_year + vehicle.maturing_years))
    gap = vehicle.success_mature - vehicle.success_probability
    assert vehicle.success_mature - after == pytest.approx(gap / math.e, abs=1e-12)
    assert float(success_probability(vehicle, 2100.0)) <= 1.0
    assert float(success_probability(vehicle, vehicle.price_year - 8.0)) == pytest.approx(vehicle.success_probability)
    path = np.array([success_probability(vehicle, vehicle.price_year + year) for year in range(80)])
    assert (np.diff(path) >= 0.0).all()
    assert path[-1] == pytest.approx(vehicle.success_mature, abs=1e-9)


def test_a_later_programme_loses_fewer_launches(assumptions: Assumptions, design: Design) -> None:
    """Satellites built over satellites in orbit is one over the success in the year of the first launch."""
    vehicle = assumptions.vehicles[design.vehicle]
    for year in (2027.0, 2030.0, 2040.0):
        scenario = dataclasses.replace(assumptions.scenario, first_launch_year=year)
        o = evaluate(design, assumptions.replace(scenario=scenario)).outcome.row(0)
        gap = vehicle.success_mature - vehicle.success_probability
        success = vehicle.success_mature - gap * math.exp(-(year - vehicle.price_year) / vehicle.maturing_years)
        built = o["launched_mass_t"] * 1000.0 / o["wet_mass_kg"]
        assert design.satellites / built == pytest.approx(success, rel=1e-12)
        assert o["launches"] == math.ceil(design.satellites / (o["satellites_per_launch"] * success))


def test_volume_discount_of_each_doubling_and_premium_of_haste(assumptions: Assumptions) -> None:
    terms = dataclasses.replace(assumptions.launch, volume_discount_per_doubling=0.05, volume_reference_launches=10.0)
    assert float(price_usd(terms, 1e8, 1e7, 10.0, 0.0)) == pytest.approx(1e8)
    assert float(price_usd(terms, 1e8, 1e7, 3.0, 0.0)) == pytest.approx(1e8)
    assert float(price_usd(terms, 1e8, 1e7, 40.0, 0.0)) == pytest.approx(1e8 * 0.95**2)
    assert float(price_usd(terms, 1e8, 1e7, 10.0, 1.0)) == pytest.approx(1e8 * (1.0 + terms.cadence_premium))
    undiscounted = dataclasses.replace(terms, volume_discount_per_doubling=0.0)
    premium = 1.0 + terms.cadence_premium / 4.0
    assert float(price_usd(undiscounted, 1e8, 1e7, 1e4, 0.5)) == pytest.approx(1e8 * premium)


@quick
@given(
    listed=st.floats(1e6, 1e9),
    floor=st.floats(1e5, 1e9),
    bought=st.floats(1.0, 1e6),
    share=st.floats(0.0, 3.0),
    cut=st.floats(0.0, 0.5),
)
def test_no_volume_discount_goes_below_the_floor_of_the_price_path(
    assumptions: Assumptions, listed: float, floor: float, bought: float, share: float, cut: float
) -> None:
    """A price already at or below the floor is not raised to it; the premium of haste comes on top of the floor."""
    terms = dataclasses.replace(assumptions.launch, volume_discount_per_doubling=cut, volume_reference_launches=10.0)
    doublings = max(math.log2(bought / 10.0), 0.0)
    discounted = max(listed * (1.0 - cut) ** doublings, min(floor, listed))
    expected = discounted * (1.0 + terms.cadence_premium * share**2)
    assert float(price_usd(terms, listed, floor, bought, share)) == pytest.approx(expected, rel=1e-9)


def test_launch_price_of_the_whole_model_holds_the_floor(assumptions: Assumptions, design: Design) -> None:
    steep = dataclasses.replace(assumptions.launch, volume_discount_per_doubling=0.5, cadence_premium=0.0)
    vehicle = dataclasses.replace(assumptions.vehicles[design.vehicle], price_floor_usd=2e7)
    changed = assumptions.replace(launch=steep, vehicles={**assumptions.vehicles, design.vehicle: vehicle})
    o = evaluate(design, changed).outcome.row(0)
    assert o["launches"] > 40.0
    assert o["launch_price_usd"] == pytest.approx(2e7, rel=1e-12)


def test_first_launch_brings_satellites_up_at_once(assumptions: Assumptions, design: Design) -> None:
    """Deployment lasts from the first launch to the last: one interval less than there are launches."""
    both = DesignBatch.of([design, design.replace(satellites=1), design.replace(launches_per_year=6.0)])
    o = evaluate(both, assumptions).outcome
    assert o["deployment_years"] == pytest.approx((o["launches"] - 1.0) / both.values["launches_per_year"], rel=1e-12)
    lone = evaluate(design.replace(satellites=1, vehicle="falcon_9"), assumptions).outcome.row(0)
    assert lone["launches"] == 2.0  # in expectation 0.997 satellites arrive with one
    certain = dataclasses.replace(assumptions.vehicles["falcon_9"], success_probability=1.0, success_mature=1.0)
    sure = assumptions.replace(vehicles={**assumptions.vehicles, "falcon_9": certain})
    lone = evaluate(design.replace(satellites=1, vehicle="falcon_9"), sure).outcome.row(0)
    assert (lone["launches"], lone["deployment_years"]) == (1.0, 0.0)
    assert math.isfinite(lone["lcoc_usd_per_pflop_hour"])


def test_a_dearer_launch_costs_the_programme_more(assumptions: Assumptions, design: Design) -> None:
    vehicle = assumptions.vehicles[design.vehicle]
    dear = dataclasses.replace(
        vehicle, price_usd=2.0 * vehicle.price_usd, price_floor_usd=2.0 * vehicle.price_floor_usd
    )
    plain = evaluate(design, assumptions).outcome.row(0)
    paid = evaluate(design, assumptions.replace(vehicles={**assumptions.vehicles, design.vehicle: dear})).outcome.row(0)
    assert paid["launch_cost_usd"] == pytest.approx(2.0 * plain["launch_cost_usd"])
    assert paid["lcoc_usd_per_pflop_hour"] > plain["lcoc_usd_per_pflop_hour"]
    assert paid["delivered_pflops"] == plain["delivered_pflops"]
