"""A plan as an analyst would lay it out: revenue, operating profit, cash and value by year, and what they depend on."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dawndusk.models.fleet.accounts import CAPITAL, RUNNING
from dawndusk.models.fleet.calendar import Calendar, YearPath
from dawndusk.models.fleet.economy import Economy, economy_of
from dawndusk.optimize.plan.problem.problem import PlanDemand, PlanProblem, Sale
from dawndusk.optimize.plan.problem.score import ScoredPlan, score

if TYPE_CHECKING:
    import pandas as pd

PRICES = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
RATES = (0.05, 0.08, 0.10, 0.12, 0.15, 0.20)


def valuation_table(problem: PlanProblem, plan: ScoredPlan) -> pd.DataFrame:
    """Return one row for each year of the horizon and its tail, amounts in USD.

    ``operating_profit_usd`` is revenue less running cost and less the capital written off evenly over the life of
    what it bought; ``cash_usd`` is revenue less all spending; ``value_usd`` the same discounted to the start.
    """
    import pandas as pd  # noqa: PLC0415 (heavy, and only needed here)

    calendar = problem.economy.calendar
    years = -(-calendar.all_periods // calendar.steps_per_year)

    def by_year(amount: np.ndarray) -> np.ndarray:
        padded = np.pad(amount, (0, years * calendar.steps_per_year - len(amount)))
        return np.asarray(padded.reshape(years, -1).sum(axis=1))

    accounts, discount = plan.accounts, calendar.spread_discounts(problem.economy.rate)
    capital = np.asarray(sum(accounts.plain[name] for name in CAPITAL))
    running = np.asarray(sum(accounts.plain[name] for name in RUNNING))
    revenue = plan.revenue_usd / discount
    table = pd.DataFrame({"year": [calendar.first_year + year for year in range(years)]})
    table["delivered_pflops"] = by_year(plan.fleet.pflops) / calendar.steps_per_year
    table["revenue_usd"] = by_year(revenue)
    table["running_cost_usd"] = by_year(running)
    table["ebitda_usd"] = table["revenue_usd"] - table["running_cost_usd"]
    table["written_off_usd"] = by_year(written_off(problem.economy, plan, capital))
    table["operating_profit_usd"] = table["ebitda_usd"] - table["written_off_usd"]
    table["capital_usd"] = by_year(capital)
    table["cash_usd"] = table["ebitda_usd"] - table["capital_usd"]
    table["cumulative_cash_usd"] = table["cash_usd"].cumsum()
    cost = np.asarray(sum(accounts.discounted.values()))
    table["value_usd"] = by_year(plan.revenue_usd) - by_year(cost)
    table["cumulative_value_usd"] = table["value_usd"].cumsum()
    return table


def written_off(economy: Economy, plan: ScoredPlan, capital: np.ndarray) -> np.ndarray:
    """Return the part of the capital of each period written off in each later one, evenly over the mean life bought."""
    built = plan.decisions.built.sum(axis=(1, 2))
    life = float(built @ economy.service_years / built.sum()) if built.sum() > 0 else 1.0
    periods = max(round(life * economy.calendar.steps_per_year), 1)
    total = np.zeros(len(capital) + periods)
    for late in range(periods):
        total[late : late + len(capital)] += capital / periods
    total[len(capital) - 1] += total[len(capital) :].sum()  # what is left at the end is written off there
    return total[: len(capital)]


def sensitivity_table(
    problem: PlanProblem, plan: ScoredPlan, prices: Sequence[float] = PRICES, rates: Sequence[float] = RATES
) -> pd.DataFrame:
    """Return the net present value in USD of a plan as it is, by price of compute (as a share) and discount rate.

    Where nothing is sold the price makes no difference, and each rate has one row.
    """
    import pandas as pd  # noqa: PLC0415

    rows = []
    for rate in rates:
        economy = at_rate(problem.economy, rate)
        for share in prices if problem.demand.sales else (1.0,):
            demand = at_price(problem.demand, share)
            found = score(dataclasses.replace(problem, economy=economy, demand=demand), plan.decisions)
            value = float(found.revenue_usd.sum()) - found.accounts.cost_usd
            rows.append((rate, share, value, found.lcoc_usd_per_pflop_hour))
    return pd.DataFrame(rows, columns=["discount_rate", "price_share", "value_usd", "lcoc_usd_per_pflop_hour"])


def at_rate(economy: Economy, discount_rate: float) -> Economy:
    """Return an economy with another cost of money."""
    a = economy.assumptions
    changed = a.replace(scenario=dataclasses.replace(a.scenario, discount_rate=discount_rate))
    calendar = Calendar(economy.calendar.first_year, economy.calendar.years, economy.calendar.steps_per_year)
    designs = dict(zip(economy.figures.names, economy.figures.designs, strict=True))
    return economy_of(designs, economy.launching.vehicles, changed, calendar, economy.terms)


def at_price(demand: PlanDemand, share: float) -> PlanDemand:
    """Return a demand whose prices are a share of what they were."""

    def scaled(path: YearPath) -> YearPath:
        return dataclasses.replace(path, values=tuple(value * share for value in path.values))

    sales = tuple(
        Sale(price_usd_per_pflop_hour=scaled(sale.price_usd_per_pflop_hour), most_pflops=sale.most_pflops)
        for sale in demand.sales
    )
    return dataclasses.replace(demand, sales=sales)
