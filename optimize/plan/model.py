"""The mixed-integer model of a plan in Pyomo: a lower bound on its exact objective, with names that people read."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyomo.environ as pyo

from dawndusk.models.cost import continuous
from dawndusk.optimize.plan import rows_fleet, rows_limits, rows_money
from dawndusk.optimize.plan.families import FAMILIES, linear
from dawndusk.optimize.plan.frame import Frame
from dawndusk.optimize.plan.pieces import Pieces, first_pieces
from dawndusk.optimize.plan.problem import Objective, PlanProblem
from dawndusk.optimize.plan.variables import add_variables

WRITTEN = (rows_fleet, rows_money, rows_limits)
"""Modules whose import registers the families."""


def plan_model(problem: PlanProblem, pieces: Pieces | None = None) -> Any:
    """Return the model of a plan, for rows of one's own, fixed variables, or as a block of a larger model.

    Its optimum bounds the exact objective of every plan from below: satellites and large numbers of launches are not
    whole, learning lies on chords below its curve, a volume discount is that of the upper end of its tier, and the
    premium on cadence lies on lines below it.

    Components
    ----------
    share, launches, arrived, ground : variables
        What is bought, see their ``doc``.
    cost, worth_used : expressions
        Money in units of ``money_unit`` (USD), and worth in units of ``worth_unit`` (PFLOP-hours).
    worth_price : parameter
        What a unit of worth counts against cost in the objective; of ``lcoc`` the trial value of the levelised cost.
    objective : objective
        To be made small.
    """
    frame = Frame(problem, pieces if pieces is not None else first_pieces(problem.economy))
    model = pyo.ConcreteModel(name="plan")
    model.frame = frame
    model.money_unit, model.worth_unit = frame.units
    with _no_collection():
        add_variables(model, frame)
        for family in FAMILIES.values():
            family.write(model, frame)
        model.cost = pyo.Expression(expr=linear(cost_terms(model, frame)))
        model.worth_price = pyo.Param(initialize=0.0, mutable=True)
        _add_objective(model, frame)
    return model


@contextmanager
def _no_collection() -> Iterator[None]:
    """Put off the collection of garbage, which looks at every term of a model again and again as it grows."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _add_objective(model: Any, frame: Frame) -> None:
    objective = frame.problem.objective
    if objective is Objective.NPV:
        model.worth_used = pyo.Expression(expr=pyo.quicksum(model.worth.values()))
        ratio = frame.units[1] / frame.units[0]
        prices = sale_prices(frame)
        sold = linear(
            (prices[step, q] * ratio, model.worth[label, step])
            for q, label in enumerate(frame.labels)
            for step in range(len(frame.sales))
        )
        model.objective = pyo.Objective(expr=model.cost - sold)
    elif objective is Objective.LCOC:
        model.worth_used = pyo.Expression(expr=pyo.quicksum(model.worth.values()))
        model.objective = pyo.Objective(expr=model.cost - model.worth_price * model.worth_used)
    else:
        model.objective = pyo.Objective(expr=model.cost)


def sale_prices(frame: Frame) -> Any:
    """Return the price of a PFLOP-hour of worth in each step and period: that of the year without its ageing."""
    calendar = frame.calendar
    ageing = continuous(frame.economy.assumptions.scenario.technology_ageing_per_year)
    fresh = np.exp(ageing * (calendar.begins_years + calendar.length_years / 2))
    return np.array([sale.price_usd_per_pflop_hour.at(calendar.middles) * fresh for sale in frame.sales])


def cost_terms(m: Any, f: Frame) -> list[tuple[float, Any]]:
    """Return the objective's cost in units of money as terms."""
    c, cost, unit = f.coefficients, f.economy.assumptions.cost, f.units[0]
    years = f.calendar.year_labels
    terms: list[tuple[float, Any]] = []
    for d, v, p in f.flights:
        each = float(c.built[d, v, p]) * float(f.economy.figures.per_launch[d, v]) / unit
        terms.append((each, m.share[f.designs[d], f.vehicles[v], f.labels[p]]))
    number = {label: p for p, label in enumerate(f.labels)}
    index = {name: d for d, name in enumerate(f.designs)}
    for design, label in m.arrived:
        each = float(c.arrived[index[design], number[label]]) * rows_fleet.THOUSAND / unit
        terms.append((each, m.arrived[design, label]))
    for v, name in enumerate(f.vehicles):
        terms += [(1.0, m.paid[name, k]) for k in range(len(f.prices[name]))]
        terms += rows_money.listed_terms(m, f, v, full=False)
    for line_number, line in enumerate(f.economy.lines):
        for y in f.years:
            usd = float(c.learning[line_number, y]) / unit
            terms += [(x * usd, v) for x, v in rows_money.premium_terms(m, f, line, y)]
            terms += [(-x * usd, v) for x, v in rows_money.premium_terms(m, f, line, y - 1)]
    fixed = cost.nre_usd + cost.licence_usd + cost.ground_segment_usd
    capacity = (
        (m.factory, cost.factory_usd_per_usd_year),
        (m.sites, cost.site_usd_per_launch_year / unit),
        (m.gateways, cost.gateway_usd_per_gbps / unit),
        (m.started, fixed / unit),
    )
    for y, year in enumerate(years):
        later = float(c.ready[y + 1]) if y + 1 < len(years) else 0.0
        terms += [(usd * (float(c.ready[y]) - later), what[year]) for what, usd in capacity]
    terms += [(float(c.control[y]) / unit, m.operating[year]) for y, year in enumerate(m.operating)]
    terms += [(float(c.design[index[name]]) / unit, m.used[name]) for name in m.used]
    for n, name in enumerate(f.economy.rival.accelerators):
        for p in f.periods:
            if (name, f.labels[p]) in m.ground:
                terms.append((float(c.ground[n, p]) / unit, m.ground[name, f.labels[p]]))
    return terms
