"""A fleet over the years: ageing, learning, vehicles and ground capacity by period."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.design import Design
from dawndusk.models.errors import DesignError
from dawndusk.models.evaluate import evaluate
from dawndusk.models.fleet.calendar import Calendar, YearPath, level
from dawndusk.models.fleet.economy import Terms, economy_of
from dawndusk.models.fleet.fleet import Decisions, fleet_of, over_time
from dawndusk.models.fleet.launching import Offer, launching_of
from dawndusk.models.fleet.learning import chord_error, chord_points, ends_at, premium, premium_after
from dawndusk.models.fleet.satellites import figures_of
from dawndusk.models.fleet.service import kernels_of, present_years
from dawndusk.models.programme.ground import ground_costs
from dawndusk.studies.data import default_assumptions

COST = default_assumptions().cost


def test_paths_are_straight_or_grow_and_level_outside() -> None:
    straight, growing = YearPath((2030.0, 2032.0), (1.0, 4.0)), YearPath((2030.0, 2032.0), (1.0, 4.0), True)
    at = np.array([2020.0, 2031.0, 2040.0])
    assert straight.at(at) == pytest.approx([1.0, 2.5, 4.0])
    assert growing.at(at) == pytest.approx([1.0, 2.0, 4.0])
    assert level(3.0).at(at) == pytest.approx(3.0)


def test_labels_and_dates_of_periods() -> None:
    quarters = Calendar(2027, 2, 4)
    assert quarters.labels[:5] == ("2027Q1", "2027Q2", "2027Q3", "2027Q4", "2028Q1")
    assert Calendar(2027, 2, 1).labels == ("2027", "2028")
    assert quarters.period_at(2027.25) == 1
    assert quarters.period_at(2027.26) == 2
    assert quarters.period_at(2020.0) == 0


def test_figures_of_one_satellite_are_those_of_its_fleet(design: Design, assumptions: Assumptions) -> None:
    figures = figures_of({"one": design}, assumptions, ("falcon_9", "starship_v3"))
    row = evaluate(design, assumptions).outcome.row(0)
    assert figures.wet_mass_kg[0] == row["wet_mass_kg"]
    assert figures.per_launch[0, 1] == row["satellites_per_launch"]
    assert figures.it_power_kw[0] * design.satellites == pytest.approx(row["it_power_mw"] * 1000.0)
    delivered = figures.pflops[0] * design.satellites * row["in_service_fraction"] * row["demand_fraction"]
    assert delivered == pytest.approx(row["delivered_pflops"])
    with pytest.raises(DesignError, match="did you mean 'falcon_9'"):
        figures_of({"one": design}, assumptions, ("falcon9",))


def test_a_satellite_too_heavy_for_a_vehicle_has_no_place_on_it(design: Design, assumptions: Assumptions) -> None:
    heavy = design.replace(accelerators_per_satellite=400, radiator_area_m2=1500.0)
    figures = figures_of({"heavy": heavy}, assumptions, ("falcon_9", "starship_v3"))
    assert figures.per_launch[0, 0] == 0
    assert figures.per_launch[0, 1] >= 1


@pytest.mark.parametrize("steps", [1, 4])
def test_parts_of_a_life_add_up_to_the_whole(design: Design, assumptions: Assumptions, steps: int) -> None:
    figures = figures_of({"one": design}, assumptions, ("starship_v3",))
    kernels = kernels_of(figures, Calendar(2027, 1, steps), figures.life_years, 0.0)
    row = evaluate(design, assumptions).outcome.row(0)
    assert kernels.serving_years.sum() == pytest.approx(row["in_service_fraction"] * design.life_years, rel=1e-9)
    assert (kernels.serving_years >= 0.0).all()
    assert (kernels.serving_years <= 1.0 / steps + 1e-9).all()
    assert (np.diff(kernels.in_orbit) <= 0.0).all()


def test_early_retirement_ends_service(design: Design, assumptions: Assumptions) -> None:
    calendar = Calendar(2027, 4, 1)
    whole = economy_of({"one": design}, ("starship_v3",), assumptions, calendar, Terms())
    early = economy_of({"one": design}, ("starship_v3",), assumptions, calendar, Terms(service_years={"one": 2.0}))
    built = np.array([[[10.0, 0.0, 0.0, 0.0]]])
    decisions = Decisions(built, np.ones((1, 1, 4)), np.zeros((0, 4)))
    served, less = fleet_of(whole, decisions), fleet_of(early, decisions)
    assert less.pflops[:2] == pytest.approx(served.pflops[:2])
    assert less.pflops[3:].sum() == 0.0
    assert less.retired[0, 2] == pytest.approx(less.arrived[0, 0])
    assert served.retired.sum() == pytest.approx(served.arrived.sum())


@given(st.floats(1.0, 2e4), st.floats(0.0, 500.0), st.integers(2, 30))
def test_chords_lie_below_the_learning_premium(most: float, before: float, pieces: int) -> None:
    cuts = chord_points(COST, before, most, pieces)
    assert cuts[0] == 0.0
    assert cuts[-1] == pytest.approx(most)
    inside = np.linspace(0.0, most, 500)
    chord = np.interp(inside, cuts, premium_after(COST, before, cuts))
    exact = premium_after(COST, before, inside)
    scale = float(np.max(np.abs(exact))) + 1.0
    assert (chord <= exact + 1e-9 * scale).all()
    assert (exact - chord <= chord_error(COST, before, cuts, 0.0, most) + 1e-9 * scale).all()


def test_the_premium_ends_where_learning_does() -> None:
    end = ends_at(COST)
    assert premium(COST, np.array([end, 2.0 * end])) == pytest.approx(0.0, abs=1e-6 * end)
    reference = COST.learning_reference_quantity
    assert premium(COST, np.array([reference]))[0] == pytest.approx(reference * (1.0 - COST.learning_floor))


def test_windows_and_caps_of_vehicles(assumptions: Assumptions) -> None:
    calendar = Calendar(2030, 3, 4)
    offers = {"falcon_9": Offer(windows=((2030.0, 2030.5), (2032.0, 2033.0)), cap_per_year=level(8.0))}
    offered = launching_of(("falcon_9", "starship_v3"), assumptions, calendar, offers)
    assert offered.most_in_year[0].tolist() == [4, 0, 8]
    assert offered.most_in_period[0].tolist() == [1, 1, 0, 0, 0, 0, 0, 0, 2, 2, 2, 2]
    assert (np.diff(offered.price_usd[1]) <= 0.0).all()
    assert (np.diff(offered.success[1]) >= 0.0).all()


def test_ground_rent_adds_up_to_the_ground_alternative(design: Design, assumptions: Assumptions) -> None:
    scenario = dataclasses.replace(assumptions.scenario, discount_rate=assumptions.ground.discount_rate)
    alike = assumptions.replace(scenario=scenario)
    economy = economy_of({"one": design}, ("starship_v3",), alike, Calendar(2027, 6, 4), Terms(ground=("tpu_v7",)))
    workload = alike.workloads[alike.workload]
    costs = ground_costs(
        ground=alike.ground,
        thermal=alike.thermal,
        scenario=scenario,
        reliability=alike.reliability,
        workload=workload,
        accelerator=alike.accelerators["tpu_v7"],
        fleet_accelerators=workload.job_accelerators,
    )
    wait = alike.ground.grid_wait_years - scenario.lead_years
    first = int(np.argmax(economy.rival.opens[0]))
    assert economy.calendar.begins_years[first] == pytest.approx(wait)
    rent = economy.rival.rent_usd_per_worth[0, first]
    assert rent == pytest.approx(float(costs.lcoc_usd_per_pflop_hour), rel=0.03)
    assert economy.rival.serving_years.sum() == pytest.approx(alike.ground.it_life_years)


def test_cohorts_add_up_over_time() -> None:
    total = over_time(np.array([1.0, 2.0, 0.0]), np.array([1.0, 0.5]), 4)
    assert total == pytest.approx([1.0, 2.5, 1.0, 0.0])
    assert present_years(np.array([2.0]), Calendar(2027, 1, 4), 0.0).sum() == pytest.approx(2.0)
