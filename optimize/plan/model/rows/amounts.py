"""What the objectives of a plan are about, as terms of its model: cost counted in one way or the other, and revenue."""

from __future__ import annotations

from typing import Any

from dawndusk.optimize.plan.model.frame import Book, Frame
from dawndusk.optimize.plan.model.rows import money as rows_money
from dawndusk.optimize.plan.model.rows.fleet import THOUSAND, Terms
from dawndusk.optimize.plan.problem import selling


def cost_terms(m: Any, f: Frame, book: Book) -> Terms:
    """Return the cost of everything that is bought, counted in one way, in units of money as terms."""
    c, cost, unit = book.coefficients, f.economy.assumptions.cost, f.units[0]
    years = f.calendar.year_labels
    terms: Terms = []
    for d, v, p in f.flights:
        each = float(c.built[d, v, p]) * float(f.economy.figures.per_launch[d, v]) / unit
        terms.append((each, m.share[f.designs[d], f.vehicles[v], f.labels[p]]))
    number = {label: p for p, label in enumerate(f.labels)}
    index = {name: d for d, name in enumerate(f.designs)}
    for design, label in m.arrived:
        each = float(c.arrived[index[design], number[label]]) * THOUSAND / unit
        terms.append((each, m.arrived[design, label]))
    for v, name in enumerate(f.vehicles):
        paid = rows_money.variable_of(m, book, "paid")
        terms += [(1.0, paid[name, k]) for k in range(len(book.prices[name]))]
        terms += rows_money.listed_terms(m, f, v, book, full=False)
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


def revenue_terms(m: Any, f: Frame) -> Terms:
    """Return what is sold in units of money as terms."""
    prices = selling.prices_of_worth(f.problem)
    ratio = f.units[1] / f.units[0]
    steps = range(len(prices))
    return [(float(prices[s, q]) * ratio, m.sold[label, s]) for q, label in enumerate(f.labels) for s in steps]
