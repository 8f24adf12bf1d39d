"""Ways in which things may turn out: launch prices, delays and failures, and a plan's problem in each of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dawndusk.models.errors import DawnduskError
from dawndusk.models.fleet.calendar import Calendar, YearPath
from dawndusk.models.fleet.economy import Economy, economy_of
from dawndusk.models.fleet.launching import Offer
from dawndusk.optimize.plan.explain import all_slipped
from dawndusk.optimize.plan.problem.problem import PlanProblem


@dataclass(frozen=True)
class PlanScenario:
    """One way in which things may turn out.

    Attributes
    ----------
    price_factors : tuple of (str, float)
        Listed price of a vehicle over what the plan believes.
    late_years : tuple of (str, float)
        Years by which a vehicle comes later than believed.
    failure_factors : tuple of (str, float)
        Probability that a launch of a vehicle fails over what the plan believes.
    """

    name: str
    probability: float
    price_factors: tuple[tuple[str, float], ...] = ()
    late_years: tuple[tuple[str, float], ...] = ()
    failure_factors: tuple[tuple[str, float], ...] = ()


def drawn_scenarios(
    vehicles: Sequence[str], count: int, seed: int, *, price_spread: float = 0.4, most_late_years: int = 3
) -> list[PlanScenario]:
    """Return equally likely scenarios, each drawn from (seed, index).

    Prices are log-normal of the given spread, delays whole years up to ``most_late_years``, failures between half and
    twice as frequent.
    """
    found = []
    for index in range(count):
        rng = np.random.default_rng([seed, index])
        prices = [(name, float(np.exp(rng.normal(0.0, price_spread)))) for name in vehicles]
        late = [(name, float(rng.integers(0, most_late_years + 1))) for name in vehicles]
        failures = [(name, float(2.0 ** rng.uniform(-1.0, 1.0))) for name in vehicles]
        found.append(PlanScenario(f"s{index + 1:03d}", 1.0 / count, tuple(prices), tuple(late), tuple(failures)))
    return found


def under(problem: PlanProblem, scenario: PlanScenario) -> PlanProblem:
    """Return a plan's problem as it is in a scenario."""
    economy = problem.economy
    for name, _ in scenario.late_years:
        _check(economy, name)
    economy = all_slipped(economy, {name: years for name, years in scenario.late_years if years})
    offers = dict(economy.terms.offers)
    calendar = economy.calendar
    years_at = tuple(float(year) for year in calendar.middles[: calendar.periods])
    factors, failures = dict(scenario.price_factors), dict(scenario.failure_factors)
    for v, name in enumerate(economy.launching.vehicles):
        offer = offers.get(name, Offer())
        if name in factors:
            listed = economy.launching.price_usd[v] * factors[name]
            offer = dataclasses.replace(offer, price_usd=YearPath(years_at, tuple(map(float, listed)), True))
        if name in failures:
            success = 1.0 - np.clip((1.0 - economy.launching.success[v]) * failures[name], 0.0, 0.9)
            offer = dataclasses.replace(offer, success=YearPath(years_at, tuple(map(float, success))))
        offers[name] = offer
    for name in (*factors, *failures):
        _check(economy, name)
    terms = dataclasses.replace(economy.terms, offers=offers)
    designs = dict(zip(economy.figures.names, economy.figures.designs, strict=True))
    plain = Calendar(calendar.first_year, calendar.years, calendar.steps_per_year)
    changed = economy_of(designs, economy.launching.vehicles, economy.assumptions, plain, terms)
    return dataclasses.replace(problem, economy=changed)


def _check(economy: Economy, vehicle: str) -> None:
    if vehicle not in economy.launching.vehicles:
        known = ", ".join(economy.launching.vehicles)
        raise DawnduskError(f"scenario: found vehicle {vehicle!r}; allowed: {known}")
