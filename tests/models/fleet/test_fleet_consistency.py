"""A plan that is reduced to one cohort costs what the model of a whole programme says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from dawndusk.models.array import Array
from dawndusk.models.assumptions import Assumptions
from dawndusk.models.design import Design
from dawndusk.models.errors import AssumptionError
from dawndusk.models.evaluate import evaluate
from dawndusk.models.fleet.accounts import RUNNING, Accounts, accounts_of
from dawndusk.models.fleet.calendar import Calendar
from dawndusk.models.fleet.economy import Economy, Terms, economy_of
from dawndusk.models.fleet.fleet import Decisions, Fleet, fleet_of
from dawndusk.models.fleet.satellites import READ
from dawndusk.models.outcome import Outcome
from dawndusk.models.physics.mass import Parts
from dawndusk.studies.data import default_assumptions, with_values
from dawndusk.studies.input.study import ResolvedStudy
from dawndusk.studies.input.studyfile import study_from_mapping
from dawndusk.studies.run.design.runner import nominal_design

NewEffect = Callable[[], Callable[[Array], Array]]

LAUNCHES = 100
HARDWARE = ("array", "pmad", "battery", "radiator", "thermal_loop", "shielding", "communications", "bus")


def one_cohort(steps: int, **assumptions: Any) -> tuple[Economy, Fleet, Accounts, Outcome]:
    """A hundred launches spread over one year, as a plan and as a programme.

    The programme counts the 99 intervals between its launches, the plan 100 launches in a year.
    """
    study = study_of(**assumptions)
    return flown_in_a_year(study, study.assumptions, steps)


def study_of(**assumptions: Any) -> ResolvedStudy:
    """The main study with launches that never fail; all of a vehicle's flights can be bought."""
    vehicle = {"success_probability": 1.0, "success_mature": 1.0}
    return study_from_mapping(
        {
            "name": "one",
            "extends": "orbit-200mw",
            "assumptions": {
                "scenario": {"first_launch_year": 2027, **assumptions.pop("scenario", {})},
                "vehicles": {"falcon_9": {**vehicle, **assumptions.pop("falcon_9", {})}},
                "launch": {"programme_share": 1.0, **assumptions.pop("launch", {})},
                **assumptions,
            },
        }
    )


def flown_in_a_year(
    study: ResolvedStudy, assumptions: Assumptions, steps: int, years: int = 1
) -> tuple[Economy, Fleet, Accounts, Outcome]:
    """A hundred launches in each of some years as a plan, and those of one year as a programme."""
    nominal = nominal_design(study, vehicle="falcon_9", launches_per_year=LAUNCHES - 1, satellites=1)
    design = nominal.replace(accelerators_per_satellite=32, radiator_area_m2=150.0)
    calendar, count = Calendar(2027, years, steps), years * steps
    places = economy_of({"one": design}, ["falcon_9"], assumptions, calendar, Terms()).figures.per_launch[0, 0]
    design = design.replace(satellites=int(places) * LAUNCHES)
    economy = economy_of({"one": design}, ["falcon_9"], assumptions, calendar, Terms())
    built = np.full((1, 1, count), design.satellites / steps)
    decisions = Decisions(built, np.full((1, 1, count), LAUNCHES / steps), np.zeros((0, count)))
    fleet = fleet_of(economy, decisions)
    outcome = evaluate(design, assumptions).outcome
    return economy, fleet, accounts_of(economy, decisions, fleet), outcome


def levelised(fleet: Fleet, accounts: Accounts, outcome: Outcome) -> tuple[float, float]:
    """Return the levelised cost of a plan, and that of the programme with all of its compute used."""
    row = outcome.row(0)
    alone = row["lcoc_usd_per_pflop_hour"] * row["demand_fraction"]
    return accounts.cost_usd / float(fleet.worth_pflop_hours.sum()), alone


@pytest.mark.parametrize("steps", [1, 4])
def test_one_cohort_costs_what_its_programme_costs(steps: int) -> None:
    alike = {"launch": {"cadence_premium": 0.0}, "cost": {"site_usd_per_launch_year": 0.0}}
    _, fleet, accounts, outcome = one_cohort(steps, **alike)
    row = outcome.row(0)
    worth = row["delivered_worth_pflop_hours"] / row["demand_fraction"]
    assert accounts.cost_usd == pytest.approx(row["discounted_cost_usd"], rel=1e-9)
    assert accounts.capital_usd == pytest.approx(row["capex_usd"], rel=1e-9)
    assert fleet.worth_pflop_hours.sum() == pytest.approx(worth, rel=1e-9)
    lcoc = row["lcoc_usd_per_pflop_hour"] * row["demand_fraction"]
    assert accounts.cost_usd / fleet.worth_pflop_hours.sum() == pytest.approx(lcoc, rel=1e-9)


def test_one_launch_more_or_less_in_a_year_is_all_that_differs() -> None:
    _, fleet, accounts, outcome = one_cohort(1)
    row = outcome.row(0)
    lcoc = row["lcoc_usd_per_pflop_hour"] * row["demand_fraction"]
    ratio = accounts.cost_usd / fleet.worth_pflop_hours.sum() / lcoc
    assert 0.0 < ratio - 1.0 < 2.0 / LAUNCHES


@pytest.mark.parametrize("steps", [1, 4])
def test_accounts_are_those_of_the_programme(steps: int) -> None:
    economy, _, accounts, outcome = one_cohort(steps, launch={"cadence_premium": 0.0})
    row = outcome.row(0)
    plain = {name: float(amount.sum()) for name, amount in accounts.plain.items()}
    assert plain["hardware"] + plain["learning"] == pytest.approx(sum(row[f"{p}_cost_usd"] for p in HARDWARE))
    assert plain["compute"] == pytest.approx(row["compute_cost_usd"])
    assert plain["launch"] == pytest.approx(row["launch_cost_usd"])
    assert plain["disposal"] == pytest.approx(row["disposal_cost_usd"])
    assert plain["development"] + plain["gateways"] == pytest.approx(row["programme_cost_usd"])
    fixed = economy.assumptions.cost.operations_fixed_usd_per_year
    life = economy.figures.life_years[0]
    assert plain["operations"] == pytest.approx((row["opex_usd_per_year"] - fixed) * life, rel=1e-6)
    assert plain["mission_control"] == pytest.approx(fixed * (row["deployment_years"] + life))


def test_insurance_is_that_of_the_programme_but_for_the_learning_premium() -> None:
    insured = {"insured_fraction": 0.5, "insurance_premium": 0.1, "cadence_premium": 0.0}
    _, _, accounts, outcome = one_cohort(1, launch=insured)
    row = outcome.row(0)
    learning = float(accounts.plain["learning"].sum())
    expected = row["insurance_cost_usd"] - 0.05 * learning
    assert float(accounts.plain["insurance"].sum()) == pytest.approx(expected, rel=1e-9)


def test_hardware_accounts_cover_every_part() -> None:
    from dawndusk.models.programme.cost import Hardware  # noqa: PLC0415

    assert issubclass(Hardware, Parts)
    assert tuple(part.name for part in fields(Hardware)) == HARDWARE
    assert "operations" in RUNNING


def test_a_plan_in_its_steady_state_costs_what_its_design_costs() -> None:
    steady: dict[str, Any] = {
        "scenario": {"technology_ageing_per_year": 0.0},
        "launch": {"cadence_premium": 0.0, "volume_discount_per_doubling": 0.0},
        "falcon_9": {"price_decline_per_year": 0.0},
        "cost": {
            "learning_rate": 1.0,
            "nre_usd": 0.0,
            "licence_usd": 0.0,
            "ground_segment_usd": 0.0,
            "gateway_usd_per_gbps": 0.0,
            "factory_usd_per_usd_year": 0.0,
            "site_usd_per_launch_year": 0.0,
            "operations_fixed_usd_per_year": 0.0,
            "orbital_use_fee_usd_per_year": 30_000.0,
            "disposal_usd_per_satellite": 50_000.0,
        },
    }
    study = study_of(**steady)
    for steps, years in ((1, 1), (1, 8), (4, 3)):
        _, fleet, accounts, outcome = flown_in_a_year(study, study.assumptions, steps, years)
        planned, alone = levelised(fleet, accounts, outcome)
        assert planned == pytest.approx(alone, rel=1e-9), (steps, years)


ALIKE: dict[str, Any] = {"launch": {"cadence_premium": 0.0}, "cost": {"site_usd_per_launch_year": 0.0}}
"""What a plan and a programme count alike."""
OF_THE_PLAN = {
    "scenario.first_launch_year": "a plan has a calendar of its own",
    "vehicles.falcon_9.success_probability": "a programme buys whole launches for what fails",
    "vehicles.falcon_9.success_mature": "a programme buys whole launches for what fails",
    "cost.site_usd_per_launch_year": "a programme has one launch less in its year",
    "launch.cadence_premium": "a programme has one launch less in its year",
}
"""Beliefs about which a plan of one cohort and its programme differ, and why."""
GROUPS = (
    *("accelerators", "orbits", "arrays", "radiators", "vehicles", "scenario", "demand", "environment", "power"),
    *("thermal", "radiation", "reliability", "network", "platform", "launch", "cost", "regulation", "debris", "energy"),
    *("ground", "workloads", "training_runs"),
)
LEAST_CHANGE = 1e-12


def beliefs_about(group: str, assumptions: Assumptions, design: Design) -> list[str]:
    """Return the numbers of a group that bear on a design: of a catalogue those of its row."""
    rows = {"accelerators": design.accelerator, "orbits": design.orbit, "arrays": design.array}
    rows |= {"radiators": design.radiator, "vehicles": design.vehicle}
    rows |= {"workloads": assumptions.workload, "training_runs": assumptions.training_run}
    head = f"{group}.{rows[group]}." if group in rows else f"{group}."
    return [key for key in assumptions.provenance if key.startswith(head) and key not in OF_THE_PLAN]


def changed_by_a_percent(assumptions: Assumptions, key: str) -> Assumptions | None:
    """Return the assumptions with one number a hundredth larger, or smaller; a year moves by one."""
    value, units = assumptions.provenance[key].value, assumptions.provenance[key].units
    for factor in (1.01, 0.99):
        try:
            return with_values(assumptions, {key: value + 1.0 if units == "year" else value * factor})
        except AssumptionError:
            continue
    return None


def signature(economy: Economy, fleet: Fleet, accounts: Accounts) -> np.ndarray:
    """Return what a plan counts with and comes to, as one row of numbers."""
    figures = [getattr(economy.figures, f.name) for f in fields(economy.figures)]
    numbers = [*figures, *economy.kernels.__dict__.values(), economy.chips_usd, economy.launching.price_usd]
    numbers += [*fleet.__dict__.values(), *accounts.plain.values(), *accounts.discounted.values()]
    return np.concatenate([np.ravel(x) for x in numbers if isinstance(x, np.ndarray) and x.dtype == np.float64])


@pytest.mark.parametrize("group", GROUPS)
def test_what_changes_a_design_changes_its_plan_alike(group: str) -> None:
    study = study_of(**ALIKE)
    base = study.assumptions
    economy, fleet, accounts, outcome = flown_in_a_year(study, base, 1)
    row, before = outcome.row(0), signature(economy, fleet, accounts)
    for key in beliefs_about(group, base, economy.figures.designs[0]):
        changed = changed_by_a_percent(base, key)
        if changed is None:
            continue
        other, fleet, accounts, outcome = flown_in_a_year(study, changed, 1)
        planned, alone = levelised(fleet, accounts, outcome)
        assert planned == pytest.approx(alone, rel=1e-8), key
        now = outcome.row(0)
        read = [name for name in READ if abs(now[name] - row[name]) > LEAST_CHANGE * abs(row[name])]
        if read:
            after = signature(other, fleet, accounts)
            assert after.shape != before.shape or not np.allclose(after, before, rtol=LEAST_CHANGE, atol=0.0), (
                key,
                read,
            )


def test_an_effect_that_is_new_to_the_model_works_in_plans_too(new_effect: NewEffect) -> None:
    study = study_of(**ALIKE)
    without, fleet, accounts, outcome = flown_in_a_year(study, study.assumptions, 1)
    before, _ = levelised(fleet, accounts, outcome)
    left_by = new_effect()
    other = study_of(**ALIKE)
    with_it, fleet, accounts, outcome = flown_in_a_year(other, other.assumptions, 1)
    planned, alone = levelised(fleet, accounts, outcome)
    assert planned == pytest.approx(alone, rel=1e-9)
    assert planned != pytest.approx(before, rel=1e-3)
    left = left_by(without.figures.array_oversize)
    assert with_it.figures.satellite_loss_per_year == pytest.approx(left * without.figures.satellite_loss_per_year)
    assert with_it.figures.failures_per_year == pytest.approx(left * without.figures.failures_per_year)


def test_every_belief_belongs_to_a_group_that_is_looked_at() -> None:
    known = default_assumptions().provenance
    assert {key.split(".")[0] for key in known} == set(GROUPS)
    assert set(OF_THE_PLAN) <= set(known)
