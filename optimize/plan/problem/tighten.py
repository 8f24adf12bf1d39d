"""A plan's problem with a little less room, so that what rounding adds still fits the room there is."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from dawndusk.models.fleet.calendar import YearPath
from dawndusk.optimize.plan.problem.problem import Licence, Limits, Objective, PlanProblem, Site
from dawndusk.optimize.plan.problem.score import LIMIT_RULES, HeldRow

FIRST_MARGIN, GROWTH = 1.5, 2.0


def scaled(path: YearPath | None, factor: float) -> YearPath | None:
    """Return a path times a factor."""
    if path is None:
        return None
    return dataclasses.replace(path, values=tuple(value * factor for value in path.values))


def tightened(problem: PlanProblem, margins: dict[str, float], cost_usd: float = 0.0) -> PlanProblem:
    """Return a problem with less room in some rules; all that it does not know of stays as it is.

    Parameters
    ----------
    margins : dict of str to float
        Shares of their limits, by the rule's name.
    cost_usd : float
        What a plan costs about, of which the margin of a value is a share where that is the larger one.
    """

    def less(rule: str) -> float:
        return 1.0 - margins.get(rule, 0.0)

    def more(rule: str) -> float:
        return 1.0 + margins.get(rule, 0.0)

    demand, limits = problem.demand, problem.limits
    budget = limits.budget
    if budget is not None:
        path = scaled(budget.usd_per_year, less("budget"))
        budget = None if path is None else dataclasses.replace(budget, usd_per_year=path)
    return dataclasses.replace(
        problem,
        demand=dataclasses.replace(
            demand,
            least_pflops=scaled(demand.least_pflops, more("compute_demand")),
            least_power_mw=scaled(demand.least_power_mw, more("power_demand")),
            most_power_mw=scaled(demand.most_power_mw, less("power_limit")),
        ),
        limits=dataclasses.replace(
            limits,
            satellites_per_year=scaled(limits.satellites_per_year, less("production_rate")),
            first_launches_per_year=None
            if limits.first_launches_per_year is None
            else limits.first_launches_per_year * less("launch_ramp"),
            sites={name: _site(site, less("site_licence")) for name, site in limits.sites.items()},
            licences={
                name: _licence(licence, more("licence_milestone"), less("licensed_satellites"))
                for name, licence in limits.licences.items()
            },
            downlink_gbps=scaled(limits.downlink_gbps, less("downlink_capacity")),
            ground_mw_per_year=scaled(limits.ground_mw_per_year, less("grid_queue")),
            budget=budget,
            **_amounts(limits, margins, cost_usd),
        ),
        choices={
            name: dataclasses.replace(choice, least=choice.least * more("choice"))
            for name, choice in problem.choices.items()
        },
    )


def _amounts(limits: Limits, margins: dict[str, float], cost_usd: float) -> dict[str, float]:
    """Return limits on what objectives are about, by name, with less room."""
    found = {}
    for objective, rule in LIMIT_RULES.items():
        limit, margin = limits.of(objective), margins.get(rule, 0.0)
        if limit is not None and objective is Objective.NPV:
            found[objective.outcome] = limit + margin * max(abs(limit), cost_usd)
        elif limit is not None:
            found[objective.outcome] = limit * (1.0 - margin)
    return found


def _site(site: Site, factor: float) -> Site:
    path = scaled(site.launches_per_year, factor)
    return site if path is None else dataclasses.replace(site, launches_per_year=path)


def _licence(licence: Licence, milestone: float, room: float) -> Licence:
    """Return a licence whose milestones ask for more and whose number allows less.

    The number scales both, so that shares are put in terms of the smaller one.
    """
    satellites = max(int(licence.satellites * room), 1)
    ratio = licence.satellites / satellites * milestone
    milestones = tuple((date, share * ratio) for date, share in licence.milestones)
    return dataclasses.replace(licence, satellites=satellites, milestones=milestones)


def margins_for(broken: Iterable[HeldRow], before: dict[str, float]) -> dict[str, float]:
    """Return margins that would have kept what is broken, larger than those that did not."""
    found = dict(before)
    for held in broken:
        wanted = FIRST_MARGIN * held.excess
        known = before.get(held.rule, 0.0)
        found[held.rule] = max(found.get(held.rule, 0.0), wanted + known, GROWTH * known)
    return found
