"""Each family of rows: a plan that meets a limit exactly fits the model, one that breaks it by a little does not.

The plan is fixed in the model, so that what is left for the solver is accounting; the exact count of each rule is
that of ``test_score``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from dawndusk.models.fleet.calendar import YearPath, level
from dawndusk.models.fleet.economy import Terms
from dawndusk.models.fleet.fleet import Decisions
from dawndusk.optimize.plan.model.milp import plan_model
from dawndusk.optimize.plan.model.rows.families import FAMILIES
from dawndusk.optimize.plan.problem.problem import (
    Budget,
    ForcedChoice,
    Licence,
    Limits,
    Objective,
    PlanDemand,
    PlanProblem,
    Sale,
    Site,
)
from dawndusk.optimize.plan.problem.score import ScoredPlan, score
from dawndusk.optimize.plan.solve.highs import Solver

from ..conftest import planned
from ..drawn import fix, random_plan

YEARS, STEPS = 3, 2
PERIODS = YEARS * STEPS


@dataclass(frozen=True)
class Given:
    """A plan for a problem without limits, and its exact consequences."""

    problem: PlanProblem
    decisions: Decisions
    exact: ScoredPlan

    def path(self, values: np.ndarray, factor: float) -> YearPath:
        """A path that is what the plan has in each period, times a factor."""
        middles = self.problem.economy.calendar.middles[:PERIODS]
        return YearPath(tuple(middles), tuple(values[:PERIODS] * factor))

    def by_year(self, values: np.ndarray, factor: float) -> YearPath:
        """The same of sums over years."""
        sums = values.reshape(YEARS, STEPS).sum(axis=1)
        return YearPath(tuple(self.problem.economy.calendar.year_middles), tuple(sums * factor))


@pytest.fixture(scope="module")
def given() -> Given:
    demand = PlanDemand(sales=(Sale(price_usd_per_pflop_hour=level(30.0)),))
    problem = planned(years=YEARS, steps=STEPS, demand=demand, terms=Terms(ground=("tpu_v7",)))
    decisions = random_plan(problem, 3)
    return Given(problem, decisions, score(problem, decisions))


def fits(problem: PlanProblem, decisions: Decisions) -> bool:
    """Whether the model takes a plan."""
    model = plan_model(problem)
    fix(model, problem, decisions)
    answer = Solver(model).solve(time_limit_s=30.0, rel_gap=1e-4)
    assert answer.status in {"optimal", "infeasible"}
    return answer.status == "optimal"


def asking(of: Given, **demand: object) -> PlanProblem:
    return dataclasses.replace(of.problem, demand=dataclasses.replace(of.problem.demand, **demand))  # type: ignore[arg-type]


def limiting(of: Given, **limits: object) -> PlanProblem:
    return dataclasses.replace(of.problem, limits=Limits(**limits))  # type: ignore[arg-type]


def launches(of: Given, vehicle: int | None = None) -> np.ndarray:
    flown = of.decisions.launches.sum(axis=1)
    return np.asarray(flown.sum(axis=0) if vehicle is None else flown[vehicle])


def licensed(of: Given, room: float, share: float = 0.0) -> PlanProblem:
    in_orbit = of.exact.fleet.in_orbit[:, :PERIODS].sum(axis=0)
    most = int(np.floor(in_orbit.max())) + 1
    last = float(in_orbit[PERIODS - 1])
    licence = Licence(
        satellites=int(most * room),
        designs=tuple(of.problem.economy.figures.names),
        milestones=((2032.0, share * last / int(most * room)),) if share else (),
    )
    return limiting(of, licences={"all": licence})


MAKERS: dict[str, Callable[[Given, float], PlanProblem]] = {
    "compute_demand": lambda of, by: asking(of, least_pflops=of.path(of.exact.fleet.pflops, 1.0 + by)),
    "power_demand": lambda of, by: asking(of, least_power_mw=of.path(of.exact.fleet.power_mw, 1.0 + by)),
    "power_limit": lambda of, by: asking(of, most_power_mw=of.path(of.exact.fleet.power_mw, 1.0 - by)),
    "production_rate": lambda of, by: limiting(
        of, satellites_per_year=of.path(of.decisions.built.sum(axis=(0, 1)) * STEPS, 1.0 - by)
    ),
    "launch_ramp": lambda of, by: limiting(
        of,
        first_launches_per_year=float(of.by_year(launches(of), 1.0).values[0]) * (1.0 - by),
        launch_growth=10.0,
    ),
    "site_licence": lambda of, by: limiting(
        of,
        sites={"cape": Site(vehicles=("starship_v3",), launches_per_year=of.by_year(launches(of, 1), 1.0 - by))},
    ),
    "licensed_satellites": lambda of, by: licensed(of, 1.0 - by),
    "licence_milestone": lambda of, by: licensed(of, 1.2, 1.0 + by),
    "downlink_capacity": lambda of, by: limiting(of, downlink_gbps=of.path(of.exact.fleet.downlink_gbps, 1.0 - by)),
    "capital_limit": lambda of, by: limiting(of, capital_usd=of.exact.accounts.capital_usd * (1.0 - 3.0 * by)),
    "cost_limit": lambda of, by: limiting(of, discounted_cost_usd=of.exact.accounts.cost_usd * (1.0 - 3.0 * by)),
    "levelised_cost_limit": lambda of, by: limiting(
        of, lcoc_usd_per_pflop_hour=of.exact.amounts[Objective.LCOC] * (1.0 - 3.0 * by)
    ),
    "least_value": lambda of, by: limiting(
        of, value_usd=of.exact.amounts[Objective.NPV] + 3.0 * by * of.exact.accounts.cost_usd
    ),
    "budget": lambda of, by: limiting(
        of, budget=Budget(usd_per_year=level(1e13 if by == 0.0 else 1e6), carry_over=True)
    ),
    "grid_queue": lambda of, by: limiting(of, ground_mw_per_year=level(1e4 if by == 0.0 else 1e-5)),
    "choice": lambda of, by: dataclasses.replace(
        of.problem,
        choices={"starship": ForcedChoice(vehicle="starship_v3", least=float(launches(of, 1).sum()) * (1.0 + by))},
    ),
}
EXACT_IN_THE_MODEL = {"capital_limit", "cost_limit", "levelised_cost_limit", "least_value"}
"""Of these the model counts less than there is, by its pieces: at the edge the plan fits, a good way beyond it does
not."""


@pytest.mark.parametrize("family", MAKERS)
def test_a_plan_at_the_edge_of_a_limit_fits(given: Given, family: str) -> None:
    problem = MAKERS[family](given, 0.0)
    assert not score(problem, given.decisions).broken
    assert fits(problem, given.decisions)


@pytest.mark.parametrize("family", MAKERS)
def test_a_plan_beyond_a_limit_does_not(given: Given, family: str) -> None:
    problem = MAKERS[family](given, 0.1)
    assert {held.rule for held in score(problem, given.decisions).broken} == {family}
    assert not fits(problem, given.decisions)


def test_cadence_is_that_of_the_vehicle(given: Given) -> None:
    most = float(given.problem.economy.launching.most_in_year[0, 0])
    too_many = dataclasses.replace(given.decisions, launches=given.decisions.launches.copy())
    too_many.launches[0, 0, 0] += np.floor(most) + 1.0
    assert {held.rule for held in score(given.problem, too_many).broken} == {"cadence"}
    assert not fits(given.problem, too_many)


def test_launches_must_carry_what_is_built(given: Given) -> None:
    empty = dataclasses.replace(given.decisions, launches=np.zeros_like(given.decisions.launches))
    assert not fits(given.problem, empty)


def test_more_launches_than_needed_are_allowed_and_cost(given: Given) -> None:
    more = dataclasses.replace(given.decisions, launches=given.decisions.launches.copy())
    more.launches[1, 0, PERIODS - 1] += 1.0
    assert fits(given.problem, more)
    assert score(given.problem, more).objective > given.exact.objective


def test_every_maker_is_of_a_family_that_a_person_could_relax(given: Given) -> None:
    plan_model(given.problem)
    assert MAKERS.keys() <= FAMILIES.keys()
    assert all(FAMILIES[name].sentence for name in MAKERS)
