"""Tables of a plan: period by period, launch by launch, and the money."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dawndusk.models.fleet.accounts import CAPITAL, RUNNING
from dawndusk.models.fleet.economy import Economy
from dawndusk.models.fleet.fleet import KW_PER_MW, over_time
from dawndusk.optimize.plan.problem.manifest import loads
from dawndusk.optimize.plan.problem.problem import PlanProblem
from dawndusk.optimize.plan.problem.score import ScoredPlan

if TYPE_CHECKING:
    import pandas as pd

GROUND = "ground"
"""In the place of the vehicle, for ground capacity."""


def plan_table(problem: PlanProblem, plan: ScoredPlan) -> pd.DataFrame:
    """Return one row for each period, design and vehicle where something is bought, serves or retires.

    Satellites ``built`` and ``launched`` in the period, ``arrived`` of them; ``in_service`` at its end, those that are
    expected to be lost not counted; ``retired`` in it; ``delivered_pflops`` and ``it_power_mw`` on average over it;
    ``cost_usd`` of what is bought in it, launch included, hardware at its final price.
    """
    import pandas as pd  # noqa: PLC0415 (heavy, and only needed here)

    rows = [*_orbit_rows(problem.economy, plan), *_ground_rows(problem.economy, plan)]
    columns = ("period", "design", "vehicle", "built", "launched", "launches_share", "arrived", "in_service", "retired")
    return pd.DataFrame(rows, columns=[*columns, "delivered_pflops", "it_power_mw", "cost_usd"])


def _orbit_rows(economy: Economy, plan: ScoredPlan) -> list[tuple[Any, ...]]:
    calendar, figures, launching = economy.calendar, economy.figures, economy.launching
    count, length, built = calendar.all_periods, calendar.length_years, plan.decisions.built
    cost = economy.assumptions.cost
    age_years = (np.arange(count) + 0.5) * length
    rows: list[tuple[Any, ...]] = []
    for d, v in np.argwhere(built.sum(axis=2) > 0):
        arrived = built[d, v] * launching.success[v]
        serving = over_time(arrived, economy.kernels.serving_years[d], count) / length
        left = economy.kernels.in_orbit[d]
        in_orbit = over_time(arrived, left, count)
        survival = np.exp(-figures.satellite_loss_per_year[d] * age_years)
        alive = over_time(arrived, left * survival[: len(left)], count)
        padded = np.pad(arrived, (0, count - len(arrived)))
        retired = padded - np.diff(in_orbit, prepend=0.0)
        share = built[d, v] / figures.per_launch[d, v]
        each = figures.hardware_usd[d] * cost.learning_floor + figures.fabric_usd[d] + economy.chips_usd[d]
        spent = built[d, v] * each + share * launching.price_usd[v]
        for q in np.flatnonzero((serving > 0.0) | (in_orbit > 0.0)):
            here = q < calendar.periods
            rows.append(
                (
                    calendar.label(int(q)),
                    figures.names[d],
                    launching.vehicles[v],
                    float(built[d, v, q]) if here else 0.0,
                    float(built[d, v, q]) if here else 0.0,
                    float(share[q]) if here else 0.0,
                    float(padded[q]),
                    float(alive[q]),
                    float(max(retired[q], 0.0)),
                    float(serving[q] * figures.pflops[d]),
                    float(serving[q] * figures.it_power_kw[d] / KW_PER_MW),
                    float(spent[q]) if here else 0.0,
                )
            )
    return rows


def _ground_rows(economy: Economy, plan: ScoredPlan) -> list[tuple[Any, ...]]:
    calendar, rival = economy.calendar, economy.rival
    rows: list[tuple[Any, ...]] = []
    for a, name in enumerate(rival.accelerators):
        bought = plan.decisions.ground[a]
        serving = over_time(bought, rival.serving_years, calendar.all_periods) / calendar.length_years
        for q in np.flatnonzero(serving > 0.0):
            units = float(bought[q]) if q < calendar.periods else 0.0
            capital = units * float(rival.capital_usd[a, q]) if units else 0.0
            pflops, power = float(serving[q] * rival.pflops[a]), float(serving[q] * rival.it_power_kw[a] / KW_PER_MW)
            label = calendar.label(int(q))
            rows.append((label, name, GROUND, units, 0.0, 0.0, 0.0, float(serving[q]), 0.0, pflops, power, capital))
    return rows


def manifest_table(problem: PlanProblem, plan: ScoredPlan) -> pd.DataFrame:
    """Return what each launch carries: one row for each design on it."""
    import pandas as pd  # noqa: PLC0415

    economy, places = problem.economy, problem.economy.figures.per_launch
    rows = []
    for v, o, p in np.argwhere(plan.decisions.launches > 0):
        aboard = {
            int(d): int(plan.decisions.built[d, v, p])
            for d in np.flatnonzero(economy.orbit_of == o)
            if plan.decisions.built[d, v, p] > 0
        }
        held = loads(aboard, {d: int(places[d, v]) for d in aboard}, int(plan.decisions.launches[v, o, p]))
        for number, launch in enumerate(held):
            for d, satellites in launch.items() or [(-1, 0)]:
                mass = satellites * float(economy.figures.wet_mass_kg[d]) if satellites else 0.0
                rows.append(
                    (
                        economy.calendar.label(int(p)),
                        economy.launching.vehicles[v],
                        economy.orbits[o],
                        number + 1,
                        economy.figures.names[d] if satellites else "",
                        satellites,
                        satellites / places[d, v] if satellites else 0.0,
                        mass,
                    )
                )
    columns = ["period", "vehicle", "orbit", "launch", "design", "satellites", "share", "mass_kg"]
    return pd.DataFrame(rows, columns=columns)


def cash_table(problem: PlanProblem, plan: ScoredPlan) -> pd.DataFrame:
    """Return money by period in USD: every account, revenue, cash flow, and both discounted to the start."""
    import pandas as pd  # noqa: PLC0415

    calendar, rate = problem.economy.calendar, problem.economy.rate
    table = pd.DataFrame({"period": list(calendar.labels)})
    for name in (*CAPITAL, *RUNNING):
        table[f"{name}_usd"] = plan.accounts.plain[name]
    discount = calendar.spread_discounts(rate)
    table["revenue_usd"] = plan.revenue_usd / discount
    cost = sum(plan.accounts.plain.values())
    table["cash_flow_usd"] = table["revenue_usd"] - np.asarray(cost)
    table["cumulative_cash_usd"] = table["cash_flow_usd"].cumsum()
    table["discounted_cost_usd"] = np.asarray(sum(plan.accounts.discounted.values()))
    table["discounted_revenue_usd"] = plan.revenue_usd
    table["cumulative_value_usd"] = (table["discounted_revenue_usd"] - table["discounted_cost_usd"]).cumsum()
    return table


def service_table(problem: PlanProblem, plan: ScoredPlan) -> pd.DataFrame:
    """Return what is delivered in each period beside what is asked for."""
    import pandas as pd  # noqa: PLC0415

    calendar, demand, fleet = problem.economy.calendar, problem.demand, plan.fleet
    table = pd.DataFrame({"period": list(calendar.labels)})
    table["delivered_pflops"] = fleet.pflops
    table["ground_pflops"] = fleet.ground_pflops
    table["it_power_mw"] = fleet.power_mw
    table["ground_power_mw"] = fleet.ground_power_mw
    table["satellites_in_orbit"] = fleet.in_orbit.sum(axis=0)
    table["retired"] = fleet.retired.sum(axis=0)
    table["downlink_gbps"] = fleet.downlink_gbps
    for name, path in (("asked_pflops", demand.least_pflops), ("asked_power_mw", demand.least_power_mw)):
        if path is not None:
            table[name] = path.at(calendar.middles)
    return table
