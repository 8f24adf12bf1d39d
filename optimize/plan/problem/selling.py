"""What compute is used for: what is asked for, and what can be sold at which price."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.constants import HOURS_PER_YEAR
from dawndusk.models.programme.cost import continuous
from dawndusk.optimize.plan.problem.problem import Objective, PlanProblem

Floats = NDArray[np.float64]


def full_worth(problem: PlanProblem) -> Floats:
    """Return PFLOP-hours of worth of one PFLOP/s delivered through each period, the tail included, shape (Q,)."""
    economy = problem.economy
    spread = economy.calendar.spread_discounts(economy.worth_rate)
    return np.asarray(spread * economy.calendar.length_years * HOURS_PER_YEAR)


def most_sold_pflops(problem: PlanProblem) -> Floats:
    """Return what each step of the demand curve takes in each period, infinite where it takes all, shape (S, Q)."""
    middles, sales = problem.economy.calendar.middles, problem.demand.sales
    rows = [np.full(len(middles), np.inf) if s.most_pflops is None else s.most_pflops.at(middles) for s in sales]
    return np.array(rows).reshape(len(sales), len(middles))


def prices(problem: PlanProblem) -> Floats:
    """Return the price of each step in each period in USD per PFLOP-hour delivered then, shape (S, Q)."""
    middles, sales = problem.economy.calendar.middles, problem.demand.sales
    rows = [sale.price_usd_per_pflop_hour.at(middles) for sale in sales]
    return np.array(rows).reshape(len(sales), len(middles))


def prices_of_worth(problem: PlanProblem) -> Floats:
    """Return the price of a PFLOP-hour of worth in each step and period: that of the year without its ageing."""
    calendar = problem.economy.calendar
    ageing = continuous(problem.economy.assumptions.scenario.technology_ageing_per_year)
    fresh = np.exp(ageing * (calendar.begins_years + calendar.length_years / 2))
    return np.asarray(prices(problem) * fresh)


def most_used_pflops(problem: PlanProblem) -> Floats:
    """Return the most compute that counts as used in each period, infinite where all of it does, shape (Q,).

    What is asked for, or what can be sold where that is more; all of it where power is asked for or neither is stated.
    """
    demand, middles = problem.demand, problem.economy.calendar.middles
    asked = np.zeros(len(middles))
    if demand.least_pflops is not None:
        asked = demand.least_pflops.at(middles)
    elif demand.least_power_mw is not None or not demand.sales:
        asked = np.full(len(middles), np.inf)
    sold = np.where(prices(problem) > 0.0, most_sold_pflops(problem), 0.0).sum(axis=0)
    return np.asarray(np.maximum(asked, sold))


def is_sold(problem: PlanProblem) -> bool:
    """Return whether what compute sells for matters: it is the objective, or has a limit."""
    return problem.objective is Objective.NPV or problem.limits.value_usd is not None


def is_levelised(problem: PlanProblem) -> bool:
    """Return whether the levelised cost matters: it is the objective, or has a limit."""
    return problem.objective is Objective.LCOC or problem.limits.lcoc_usd_per_pflop_hour is not None
