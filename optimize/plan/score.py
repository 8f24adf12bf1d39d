"""The exact objective of a plan, and every rule that a person could relax with its exact value and limit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.constants import HOURS_PER_YEAR
from dawndusk.models.cost import continuous
from dawndusk.models.fleet.accounts import CAPITAL, RUNNING, Accounts, accounts_of
from dawndusk.models.fleet.calendar import Calendar
from dawndusk.models.fleet.fleet import KW_PER_MW, Decisions, Fleet, fleet_of
from dawndusk.optimize.plan.problem import ROUNDED, Objective, PlanProblem

Floats = NDArray[np.float64]

TOLERANCE = 1e-7
"""Relative: what rounding may do to a rule."""


@dataclass(frozen=True)
class Held:
    """One row of a rule with its exact value and limit, in the rule's units."""

    rule: str
    label: str
    value: float
    limit: float
    at_most: bool

    @property
    def excess(self) -> float:
        """Return by how much the rule is broken relative to its limit; the margin with a minus sign where it holds."""
        scale = abs(self.limit) or 1.0
        return (self.value - self.limit if self.at_most else self.limit - self.value) / scale

    @property
    def is_broken(self) -> bool:
        """Return whether the rule is broken by more than rounding."""
        return self.excess > TOLERANCE


@dataclass(frozen=True, eq=False)
class Scored:
    """A plan with its exact consequences.

    Attributes
    ----------
    objective : float
        In USD, or USD per PFLOP-hour for ``lcoc``; of ``npv`` the value, which is made large.
    used_worth, revenue_usd : array
        PFLOP-hours of worth that are used, and what they sell for, discounted, in each period, shape (Q,).
    held : tuple of Held
        Every rule that could be relaxed.
    """

    decisions: Decisions
    fleet: Fleet
    accounts: Accounts
    objective: float
    used_worth: Floats
    revenue_usd: Floats
    held: tuple[Held, ...]

    @property
    def broken(self) -> list[Held]:
        """Return the rules that are broken, the worst first."""
        return sorted((held for held in self.held if held.is_broken), key=lambda held: -held.excess)

    @property
    def lcoc_usd_per_pflop_hour(self) -> float:
        """Return discounted cost over the worth used; not a number where nothing is."""
        total = float(self.used_worth.sum())
        return self.accounts.cost_usd / total if total > 0.0 else float("nan")


def score(problem: PlanProblem, decisions: Decisions) -> Scored:
    """Return the exact consequences of decisions."""
    fleet = fleet_of(problem.economy, decisions)
    accounts = accounts_of(problem.economy, decisions, fleet)
    used, revenue = _sold(problem, fleet)
    objective = {
        Objective.LCOC: lambda: accounts.cost_usd / max(float(used.sum()), 1e-30),
        Objective.COST: lambda: accounts.cost_usd,
        Objective.CAPITAL: lambda: accounts.capital_usd,
        Objective.NPV: lambda: float(revenue.sum()) - accounts.cost_usd,
    }[problem.objective]()
    held = tuple(_rules(problem, decisions, fleet, accounts))
    return Scored(decisions, fleet, accounts, float(objective), used, revenue, held)


def _sold(problem: PlanProblem, fleet: Fleet) -> tuple[Floats, Floats]:
    """Return worth used and revenue by period: sold to whoever pays most first, or used up to what is asked for."""
    calendar, demand = problem.economy.calendar, problem.demand
    rate = problem.economy.worth_rate
    full = calendar.spread_discounts(rate) * calendar.length_years * HOURS_PER_YEAR
    left, revenue = fleet.worth_pflop_hours.copy(), np.zeros(calendar.all_periods)
    asked = left
    if demand.least_pflops is not None:
        asked = np.minimum(left, demand.least_pflops.at(calendar.middles) * full)
    if not demand.sales:
        return asked, revenue
    ageing = continuous(problem.economy.assumptions.scenario.technology_ageing_per_year)
    fresh = np.exp(ageing * (calendar.begins_years + calendar.length_years / 2))
    prices = np.array([sale.price_usd_per_pflop_hour.at(calendar.middles) for sale in demand.sales])
    used = np.zeros(calendar.all_periods)
    order = np.argsort(-prices, axis=0, kind="stable")
    most = np.array(
        [
            np.inf * full if sale.most_pflops is None else sale.most_pflops.at(calendar.middles) * full
            for sale in demand.sales
        ]
    )
    for rank in range(len(prices)):
        step = order[rank], np.arange(calendar.all_periods)
        part = np.where(prices[step] > 0.0, np.minimum(left, most[step]), 0.0)
        used, left = used + part, left - part
        revenue += part * prices[step] * fresh
    return (used if problem.objective is Objective.NPV else asked), revenue


def _rules(problem: PlanProblem, d: Decisions, fleet: Fleet, accounts: Accounts) -> Iterator[Held]:
    calendar, economy = problem.economy.calendar, problem.economy
    periods, labels, years = calendar.periods, calendar.labels, calendar.year_labels
    demand, limits, middles = problem.demand, problem.limits, calendar.middles[: calendar.periods]
    flown = d.launches.sum(axis=1).reshape(len(economy.launching.vehicles), calendar.years, -1).sum(axis=2)
    for v, vehicle in enumerate(economy.launching.vehicles):
        for y, year in enumerate(years):
            most = float(economy.launching.most_in_year[v, y])
            yield Held("cadence", f"{vehicle}, {year}", float(flown[v, y]), most, True)
    for name, path, values, at_most in (
        ("compute_demand", demand.least_pflops, fleet.pflops, False),
        ("power_demand", demand.least_power_mw, fleet.power_mw, False),
        ("power_limit", demand.most_power_mw, fleet.power_mw, True),
        ("downlink_capacity", limits.downlink_gbps, fleet.downlink_gbps, True),
    ):
        if path is not None:
            asked = path.at(middles)
            for p in range(periods):
                if asked[p] > 0.0 or at_most:
                    yield Held(name, labels[p], float(values[p]), float(asked[p]), at_most)
    if limits.satellites_per_year is not None:
        most_built = limits.satellites_per_year.at(middles) * calendar.length_years
        for p in range(periods):
            yield Held("production_rate", labels[p], float(d.built[:, :, p].sum()), float(most_built[p]), True)
    yield from _choice_rules(problem, d, fleet)
    yield from _launch_rules(problem, flown)
    yield from _licence_rules(problem, fleet)
    yield from _money_rules(problem, d, accounts)


def _money_rules(problem: PlanProblem, d: Decisions, accounts: Accounts) -> Iterator[Held]:
    calendar, economy, limits = problem.economy.calendar, problem.economy, problem.limits
    years = calendar.year_labels
    if limits.ground_mw_per_year is not None:
        connected = (economy.rival.it_power_kw[:, None] * d.ground).sum(axis=0) / KW_PER_MW
        room = limits.ground_mw_per_year.at(calendar.year_middles)
        for y, value in enumerate(connected.reshape(calendar.years, -1).sum(axis=1)):
            yield Held("grid_queue", years[y], float(value), float(room[y]), True)
    if limits.capital_usd is not None:
        yield Held("capital_limit", "plan", accounts.capital_usd, limits.capital_usd, True)
    if limits.budget is not None:
        spent = spending(calendar, accounts)
        allowed = limits.budget.usd_per_year.at(calendar.year_middles)
        if limits.budget.carry_over:
            spent, allowed = np.cumsum(spent), np.cumsum(allowed)
        for y, year in enumerate(years):
            yield Held("budget", year, float(spent[y]), float(allowed[y]), True)


def _choice_rules(problem: PlanProblem, d: Decisions, fleet: Fleet) -> Iterator[Held]:
    economy = problem.economy
    for name, choice in problem.choices.items():
        span = slice(choice.first, None if choice.last is None else choice.last + 1)
        if choice.vehicle:
            made = d.launches[economy.launching.vehicles.index(choice.vehicle), :, span].sum()
        elif choice.design:
            made = fleet.arrived[economy.figures.names.index(choice.design), span].sum()
        else:
            made = d.ground[economy.rival.accelerators.index(choice.ground), span].sum()
        if choice.least > 0.0:
            yield Held("choice", name, float(made), choice.least, False)
        if choice.most is not None:
            yield Held("choice", name, float(made), choice.most, True)


def spending(calendar: Calendar, accounts: Accounts) -> Floats:
    """Return what is spent in each year of the horizon in USD, shape (Y,)."""
    total = np.asarray(sum(accounts.plain[name] for name in (*CAPITAL, *RUNNING)))
    return np.asarray(total[: calendar.periods].reshape(calendar.years, -1).sum(axis=1))


def _launch_rules(problem: PlanProblem, flown: Floats) -> Iterator[Held]:
    calendar, limits = problem.economy.calendar, problem.limits
    total = flown.sum(axis=0)
    if limits.first_launches_per_year is not None:
        before = np.concatenate([[0.0], total[:-1]])
        for y, year in enumerate(calendar.year_labels):
            most = limits.first_launches_per_year + (1.0 + limits.launch_growth) * before[y]
            yield Held("launch_ramp", year, float(total[y]), float(most), True)
    for name, site in limits.sites.items():
        chosen = [v for v, vehicle in enumerate(problem.economy.launching.vehicles) if vehicle in site.vehicles]
        most_at = site.launches_per_year.at(calendar.year_middles)
        for y, year in enumerate(calendar.year_labels):
            yield Held("site_licence", f"{name}, {year}", float(flown[chosen, y].sum()), float(most_at[y]), True)


def _licence_rules(problem: PlanProblem, fleet: Fleet) -> Iterator[Held]:
    calendar = problem.economy.calendar
    for name, licence in problem.limits.licences.items():
        chosen = np.array([design in licence.designs for design in problem.economy.figures.names])
        in_orbit = fleet.in_orbit[chosen].sum(axis=0)
        for date, share in licence.milestones:
            last = calendar.period_at(date)
            if 0 < last <= calendar.periods:
                label = f"{name}, {share:.0%} by {date:g}"
                wanted = share * licence.satellites - ROUNDED
                yield Held("licence_milestone", label, float(in_orbit[last - 1]), wanted, False)
        for p in range(calendar.periods):
            label = f"{name}, {calendar.label(p)}"
            yield Held("licensed_satellites", label, float(in_orbit[p]), licence.satellites + ROUNDED, True)


__all__ = ["Held", "Scored", "score", "spending"]
