"""The exact objective of a plan, and every rule that a person could relax with its exact value and limit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.fleet.accounts import CAPITAL, RUNNING, Accounts, accounts_of
from dawndusk.models.fleet.calendar import Calendar
from dawndusk.models.fleet.fleet import Decisions, Fleet, fleet_of
from dawndusk.optimize.plan.problem import grid, selling
from dawndusk.optimize.plan.problem.problem import ROUNDED, Objective, PlanProblem

Floats = NDArray[np.float64]

TOLERANCE = 1e-7
"""Relative: what rounding may do to a rule."""
TINY_WORTH = 1e-30
LIMIT_RULES = {
    Objective.CAPITAL: "capital_limit",
    Objective.COST: "cost_limit",
    Objective.LCOC: "levelised_cost_limit",
    Objective.NPV: "least_value",
}
"""Names of the rules that limit what objectives are about."""


@dataclass(frozen=True)
class HeldRow:
    """One row of a rule with its exact value and limit, in the rule's units.

    ``scale`` is what an excess is relative to, the limit where it is zero.
    """

    rule: str
    label: str
    value: float
    limit: float
    at_most: bool
    scale: float = 0.0

    @property
    def excess(self) -> float:
        """Return by how much the rule is broken relative to its scale; the margin with a minus sign where it holds."""
        scale = self.scale or abs(self.limit) or 1.0
        return (self.value - self.limit if self.at_most else self.limit - self.value) / scale

    @property
    def is_broken(self) -> bool:
        """Return whether the rule is broken by more than rounding."""
        return self.excess > TOLERANCE


@dataclass(frozen=True, eq=False)
class ScoredPlan:
    """A plan with its exact consequences.

    Attributes
    ----------
    amounts : mapping of Objective to float
        What each objective is about: USD, or USD per PFLOP-hour for ``lcoc``.
    objective : float
        That of the problem; of ``npv`` the value, which is made large.
    used_worth, revenue_usd : array
        PFLOP-hours of worth that are used, and what they sell for, discounted, in each period, shape (Q,).
    held : tuple of Held
        Every rule that could be relaxed, and the rules that a design breaks which is flown all the same.
    """

    decisions: Decisions
    fleet: Fleet
    accounts: Accounts
    amounts: Mapping[Objective, float]
    objective: float
    used_worth: Floats
    revenue_usd: Floats
    held: tuple[HeldRow, ...]

    @property
    def broken(self) -> list[HeldRow]:
        """Return the rules that are broken, the worst first."""
        return sorted((held for held in self.held if held.is_broken), key=lambda held: -held.excess)

    @property
    def lcoc_usd_per_pflop_hour(self) -> float:
        """Return discounted cost over the worth used; not a number where nothing is."""
        total = float(self.used_worth.sum())
        return self.accounts.cost_usd / total if total > 0.0 else float("nan")


def score(problem: PlanProblem, decisions: Decisions) -> ScoredPlan:
    """Return the exact consequences of decisions."""
    fleet = fleet_of(problem.economy, decisions)
    accounts = accounts_of(problem.economy, decisions, fleet)
    used, revenue = _sold(problem, fleet)
    amounts = amounts_of(accounts, used, revenue)
    held = tuple(_rules(problem, decisions, fleet, accounts, amounts))
    return ScoredPlan(decisions, fleet, accounts, amounts, amounts[problem.objective], used, revenue, held)


def amounts_of(accounts: Accounts, used: Floats, revenue: Floats) -> dict[Objective, float]:
    """Return what each objective is about."""
    cost, worth = accounts.cost_usd, float(used.sum())
    return {
        Objective.LCOC: cost / max(worth, TINY_WORTH) if cost else 0.0,
        Objective.COST: cost,
        Objective.CAPITAL: accounts.capital_usd,
        Objective.NPV: float(revenue.sum()) - cost,
    }


def _sold(problem: PlanProblem, fleet: Fleet) -> tuple[Floats, Floats]:
    """Return worth used and revenue by period; what can be sold goes to whoever pays most first."""
    full, worth = selling.full_worth(problem), fleet.worth_pflop_hours
    used = np.minimum(worth, selling.most_used_pflops(problem) * full)
    revenue = np.zeros(len(worth))
    prices, most, value = (f(problem) for f in (selling.prices, selling.most_sold_pflops, selling.prices_of_worth))
    order = np.argsort(-prices, axis=0, kind="stable")
    left = worth.copy()
    for rank in range(len(prices)):
        step = order[rank], np.arange(len(worth))
        part = np.where(prices[step] > 0.0, np.minimum(left, most[step] * full), 0.0)
        left = left - part
        revenue += part * value[step]
    return used, revenue


def _rules(
    problem: PlanProblem, d: Decisions, fleet: Fleet, accounts: Accounts, amounts: Mapping[Objective, float]
) -> Iterator[HeldRow]:
    calendar, economy = problem.economy.calendar, problem.economy
    periods, labels, years = calendar.periods, calendar.labels, calendar.year_labels
    demand, limits, middles = problem.demand, problem.limits, calendar.middles[: calendar.periods]
    flown = d.launches.sum(axis=1).reshape(len(economy.launching.vehicles), calendar.years, -1).sum(axis=2)
    for v, vehicle in enumerate(economy.launching.vehicles):
        for y, year in enumerate(years):
            most = float(economy.launching.most_in_year[v, y])
            yield HeldRow("cadence", f"{vehicle}, {year}", float(flown[v, y]), most, True)
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
                    yield HeldRow(name, labels[p], float(values[p]), float(asked[p]), at_most)
    if limits.satellites_per_year is not None:
        most_built = limits.satellites_per_year.at(middles) * calendar.length_years
        for p in range(periods):
            yield HeldRow("production_rate", labels[p], float(d.built[:, :, p].sum()), float(most_built[p]), True)
    yield from _design_rules(problem, d)
    yield from _choice_rules(problem, d, fleet)
    yield from _launch_rules(problem, flown)
    yield from _licence_rules(problem, fleet)
    yield from _money_rules(problem, d, accounts)
    yield from _limit_rules(problem, amounts)


def _design_rules(problem: PlanProblem, d: Decisions) -> Iterator[HeldRow]:
    """Yield the rules of satellite and launch that designs break which are flown."""
    figures = problem.economy.figures
    flown = (d.built.sum(axis=2) > 0.0) & figures.is_refused
    for number, vehicle in np.argwhere(flown):
        for rule, violation in figures.violation.items():
            if violation[number, vehicle] > 0.0:
                label = f"{figures.names[number]} on {figures.vehicles[vehicle]}"
                yield HeldRow(rule, label, float(violation[number, vehicle]), 0.0, True)


def _money_rules(problem: PlanProblem, d: Decisions, accounts: Accounts) -> Iterator[HeldRow]:
    calendar, economy, limits = problem.economy.calendar, problem.economy, problem.limits
    years = calendar.year_labels
    if limits.ground_mw_per_year is not None:
        room = grid.room_mw(economy, limits.ground_mw_per_year)
        for y, value in enumerate(grid.connected_mw(economy, d.ground)):
            yield HeldRow("grid_queue", years[y], float(value), float(room[y]), True)
    if limits.budget is not None:
        spent = spending(calendar, accounts)
        allowed = limits.budget.usd_per_year.at(calendar.year_middles)
        if limits.budget.carry_over:
            spent, allowed = np.cumsum(spent), np.cumsum(allowed)
        for y, year in enumerate(years):
            yield HeldRow("budget", year, float(spent[y]), float(allowed[y]), True)


def _limit_rules(problem: PlanProblem, amounts: Mapping[Objective, float]) -> Iterator[HeldRow]:
    """Yield the limits on what objectives are about; that on a value is relative to the cost, for it may be zero."""
    for objective, rule in LIMIT_RULES.items():
        limit = problem.limits.of(objective)
        if limit is not None:
            scale = max(abs(limit), amounts[Objective.COST]) if objective is Objective.NPV else 0.0
            yield HeldRow(rule, "plan", amounts[objective], limit, objective is not Objective.NPV, scale)


def _choice_rules(problem: PlanProblem, d: Decisions, fleet: Fleet) -> Iterator[HeldRow]:
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
            yield HeldRow("choice", name, float(made), choice.least, False)
        if choice.most is not None:
            yield HeldRow("choice", name, float(made), choice.most, True)


def spending(calendar: Calendar, accounts: Accounts) -> Floats:
    """Return what is spent in each year of the horizon in USD, shape (Y,)."""
    total = np.asarray(sum(accounts.plain[name] for name in (*CAPITAL, *RUNNING)))
    return np.asarray(total[: calendar.periods].reshape(calendar.years, -1).sum(axis=1))


def _launch_rules(problem: PlanProblem, flown: Floats) -> Iterator[HeldRow]:
    calendar, limits = problem.economy.calendar, problem.limits
    total = flown.sum(axis=0)
    if limits.first_launches_per_year is not None:
        before = np.concatenate([[0.0], total[:-1]])
        for y, year in enumerate(calendar.year_labels):
            most = limits.first_launches_per_year + (1.0 + limits.launch_growth) * before[y]
            yield HeldRow("launch_ramp", year, float(total[y]), float(most), True)
    for name, site in limits.sites.items():
        chosen = [v for v, vehicle in enumerate(problem.economy.launching.vehicles) if vehicle in site.vehicles]
        most_at = site.launches_per_year.at(calendar.year_middles)
        for y, year in enumerate(calendar.year_labels):
            yield HeldRow("site_licence", f"{name}, {year}", float(flown[chosen, y].sum()), float(most_at[y]), True)


def _licence_rules(problem: PlanProblem, fleet: Fleet) -> Iterator[HeldRow]:
    calendar = problem.economy.calendar
    for name, licence in problem.limits.licences.items():
        chosen = np.array([design in licence.designs for design in problem.economy.figures.names])
        in_orbit = fleet.in_orbit[chosen].sum(axis=0)
        for date, share in licence.milestones:
            last = calendar.period_at(date)
            if 0 < last <= calendar.periods:
                label = f"{name}, {share:.0%} by {date:g}"
                wanted = share * licence.satellites - ROUNDED
                yield HeldRow("licence_milestone", label, float(in_orbit[last - 1]), wanted, False)
        for p in range(calendar.periods):
            label = f"{name}, {calendar.label(p)}"
            yield HeldRow("licensed_satellites", label, float(in_orbit[p]), licence.satellites + ROUNDED, True)


__all__ = ["HeldRow", "ScoredPlan", "score", "spending"]
