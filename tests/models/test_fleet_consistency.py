"""A plan that is reduced to one cohort costs what the model of a whole programme says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dawndusk.models.evaluate import evaluate
from dawndusk.models.fleet.accounts import RUNNING, Accounts, accounts_of
from dawndusk.models.fleet.calendar import Calendar
from dawndusk.models.fleet.economy import Economy, Terms, economy_of
from dawndusk.models.fleet.fleet import Decisions, Fleet, fleet_of
from dawndusk.models.mass import Parts
from dawndusk.models.outcome import Outcome
from dawndusk.studies.runs.runner import nominal_design
from dawndusk.studies.statement.studyfile import study_from_mapping

LAUNCHES = 100
HARDWARE = ("array", "pmad", "battery", "radiator", "thermal_loop", "shielding", "communications", "bus")


def one_cohort(steps: int, **assumptions: Any) -> tuple[Economy, Fleet, Accounts, Outcome]:
    """A hundred launches spread over one year, as a plan and as a programme.

    The programme counts the 99 intervals between its launches, the plan 100 launches in a year.
    """
    vehicle = {"success_probability": 1.0, "success_mature": 1.0}
    study = study_from_mapping(
        {
            "name": "one",
            "extends": "orbit-200mw",
            "assumptions": {
                "scenario": {"first_launch_year": 2027},
                "vehicles": {"falcon_9": vehicle},
                "launch": {"programme_share": 1.0, **assumptions.pop("launch", {})},
                **assumptions,
            },
        }
    )
    nominal = nominal_design(study, vehicle="falcon_9", launches_per_year=LAUNCHES - 1, satellites=1)
    design = nominal.replace(accelerators_per_satellite=32, radiator_area_m2=150.0)
    calendar = Calendar(2027, 1, steps)
    places = economy_of({"one": design}, ["falcon_9"], study.assumptions, calendar, Terms()).figures.per_launch[0, 0]
    design = design.replace(satellites=int(places) * LAUNCHES)
    economy = economy_of({"one": design}, ["falcon_9"], study.assumptions, calendar, Terms())
    built = np.full((1, 1, steps), design.satellites / steps)
    decisions = Decisions(built, np.full((1, 1, steps), LAUNCHES / steps), np.zeros((0, steps)))
    fleet = fleet_of(economy, decisions)
    outcome = evaluate(design, study.assumptions).outcome
    return economy, fleet, accounts_of(economy, decisions, fleet), outcome


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
    from dataclasses import fields  # noqa: PLC0415

    from dawndusk.models.cost import Hardware  # noqa: PLC0415

    assert issubclass(Hardware, Parts)
    assert tuple(part.name for part in fields(Hardware)) == HARDWARE
    assert "operations" in RUNNING
