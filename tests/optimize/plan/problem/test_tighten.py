"""A plan with a little less room: whatever fits it fits the room there is, and nothing that was asked is lost."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dawndusk.models.fleet.calendar import YearPath, level
from dawndusk.models.fleet.economy import Terms
from dawndusk.models.fleet.fleet import Decisions
from dawndusk.optimize.plan.problem.problem import (
    Budget,
    ForcedChoice,
    Licence,
    Limits,
    PlanDemand,
    PlanProblem,
    Sale,
    Site,
)
from dawndusk.optimize.plan.problem.score import HeldRow, score
from dawndusk.optimize.plan.problem.tighten import FIRST_MARGIN, GROWTH, margins_for, scaled, tightened

from ..conftest import planned
from ..drawn import random_plan

RULES = (
    "compute_demand",
    "power_demand",
    "power_limit",
    "production_rate",
    "launch_ramp",
    "site_licence",
    "licence_milestone",
    "licensed_satellites",
    "downlink_capacity",
    "grid_queue",
    "budget",
    "capital_limit",
    "cost_limit",
    "levelised_cost_limit",
    "least_value",
    "choice",
)


@pytest.fixture(scope="module")
def plain() -> PlanProblem:
    return planned(years=3, demand=PlanDemand(least_power_mw=level(0.0)), terms=Terms(ground=("tpu_v7",)))


@pytest.fixture(scope="module")
def drawn(plain: PlanProblem) -> list[Decisions]:
    return [random_plan(plain, seed) for seed in range(8)]


def everything(plain: PlanProblem, decisions: Decisions, slack: float) -> PlanProblem:
    """The problem with every kind of rule, each met by a plan with some slack."""
    found = score(plain, decisions)
    names = plain.economy.figures.names
    periods = plain.economy.calendar.periods
    years = tuple(plain.economy.calendar.middles[:periods])
    more, less = 1.0 + slack, 1.0 - slack

    def path(values: np.ndarray, factor: float) -> YearPath:
        return YearPath(years, tuple(np.maximum(values[:periods] * factor, 1e-9)))

    in_orbit = float(found.fleet.in_orbit[:, :periods].sum(axis=0).max())
    built = decisions.built.sum(axis=(0, 1))
    launches = decisions.launches.sum(axis=(0, 1))
    starship = decisions.launches[1].sum()
    return dataclasses.replace(
        plain,
        demand=PlanDemand(
            least_pflops=path(found.fleet.pflops, less),
            most_power_mw=path(found.fleet.power_mw, more),
            sales=(Sale(price_usd_per_pflop_hour=level(1e-3)),),
        ),
        limits=Limits(
            satellites_per_year=path(built, more),
            first_launches_per_year=float(launches.max()) * more,
            sites={"cape": Site(vehicles=("starship_v3",), launches_per_year=level(float(launches.max()) * more))},
            licences={
                "all": Licence(
                    satellites=int(in_orbit * more) + 2,
                    designs=tuple(names),
                    milestones=((2032.0, less * float(found.fleet.in_orbit[:, periods - 1].sum()) / (in_orbit + 2.0)),),
                )
            },
            downlink_gbps=level(1e9),
            ground_mw_per_year=level(1e3),
            budget=Budget(usd_per_year=level(found.accounts.cost_usd * 10.0)),
            capital_usd=found.accounts.capital_usd * more,
            discounted_cost_usd=found.accounts.cost_usd * more,
            value_usd=-2.0 * found.accounts.cost_usd,
        ),
        choices={"starship": ForcedChoice(vehicle="starship_v3", least=float(starship) * less)},
    )


@given(st.dictionaries(st.sampled_from(RULES), st.floats(0.0, 0.3)), st.integers(0, 7), st.floats(0.0, 0.4))
@settings(max_examples=60)
def test_what_fits_less_room_fits_the_room_there_is(
    plain: PlanProblem, drawn: list[Decisions], margins: dict[str, float], number: int, slack: float
) -> None:
    problem = everything(plain, drawn[number], slack)
    tight = tightened(problem, margins, cost_usd=score(problem, drawn[number]).accounts.cost_usd)
    for decisions in drawn:
        if not score(tight, decisions).broken:
            assert not score(problem, decisions).broken


def test_a_margin_takes_its_share_of_the_room_and_no_margin_none(plain: PlanProblem, drawn: list[Decisions]) -> None:
    problem = everything(plain, drawn[0], 0.2)
    before = {(held.rule, held.label): held for held in score(problem, drawn[0]).held}
    same = {(held.rule, held.label): held for held in score(tightened(problem, {}), drawn[0]).held}
    assert before.keys() == same.keys()
    for key, held in before.items():
        assert same[key].limit == pytest.approx(held.limit, rel=1e-12), key
    for rule in RULES:
        after = score(tightened(problem, {rule: 0.1}, cost_usd=1e9), drawn[0]).held
        changed = {held.rule for held in after if not np.isclose(held.limit, _limit(before, held), rtol=1e-9)}
        there = {held.rule for held in before.values()}
        assert changed == ({rule} & there), rule


def _limit(before: dict[tuple[str, str], HeldRow], held: HeldRow) -> float:
    """The limit that a row had before; the label of a milestone has its share in it."""
    if held.rule == "licence_milestone":
        (only,) = (one for (rule, _), one in before.items() if rule == held.rule)
        return only.limit
    return before[held.rule, held.label].limit


def test_a_path_is_scaled_as_it_is_stated() -> None:
    growing = YearPath((2030.0, 2035.0), (1.0, 8.0), growing=True)
    assert scaled(growing, 2.0) == YearPath((2030.0, 2035.0), (2.0, 16.0), growing=True)
    assert scaled(None, 2.0) is None


def test_margins_would_have_kept_what_was_broken_and_grow() -> None:
    broken = [
        HeldRow("budget", "2030", 1.02, 1.0, True),
        HeldRow("budget", "2031", 1.04, 1.0, True),
        HeldRow("cadence", "2031", 1.01, 1.0, True),
    ]
    first = margins_for(broken, {})
    assert first == pytest.approx({"budget": FIRST_MARGIN * 0.04, "cadence": FIRST_MARGIN * 0.01})
    again = margins_for([HeldRow("budget", "2030", 1.0 + 1e-6, 1.0, True)], first)
    assert again["budget"] == pytest.approx(GROWTH * first["budget"])
    assert again["cadence"] == first["cadence"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class LimitsWithMass(Limits):
    """Limits with one that tightening does not know."""

    launched_t_per_year: float | None = None


def test_less_room_keeps_a_limit_that_it_does_not_know(plain: PlanProblem) -> None:
    stated = dataclasses.replace(plain, limits=LimitsWithMass(launched_t_per_year=700.0, capital_usd=1e9))
    limits = tightened(stated, {"capital_limit": 0.1}).limits
    assert isinstance(limits, LimitsWithMass)
    assert limits.launched_t_per_year == 700.0
    assert limits.capital_usd == pytest.approx(0.9e9)
