"""Rows of licences, the downlink, the yearly budget, limits on what objectives are about, and choices."""

from __future__ import annotations

from typing import Any

import numpy as np

from dawndusk.models.constants import HOURS_PER_YEAR
from dawndusk.models.fleet.fleet import over_time
from dawndusk.optimize.plan.model.frame import TYPICAL, Frame
from dawndusk.optimize.plan.model.rows.amounts import cost_terms, revenue_terms
from dawndusk.optimize.plan.model.rows.families import Rows, family, linear, times
from dawndusk.optimize.plan.model.rows.fleet import THOUSAND, Terms
from dawndusk.optimize.plan.model.rows.money import in_orbit_terms, left_out_usd, minus, premium_terms
from dawndusk.optimize.plan.problem import selling
from dawndusk.optimize.plan.problem.coefficients import least_insured
from dawndusk.optimize.plan.problem.problem import ROUNDED, ForcedChoice, Licence

Floats = np.ndarray[Any, Any]


def _licensed(f: Frame, licence: Licence) -> Floats:
    return np.array([float(name in licence.designs) for name in f.designs])


@family("satellites", can_give=True)
def licence_milestone(m: Any, f: Frame) -> Rows:
    """The share of the licensed satellites that a milestone asks for is in orbit by its date (47 CFR 25.164, ITU)."""
    for name, licence in f.problem.limits.licences.items():
        chosen = _licensed(f, licence)
        for date, share in licence.milestones:
            last = f.calendar.period_at(date)
            if not 0 < last <= f.calendar.periods:
                continue  # beyond the horizon, where nothing can be decided
            label = (name, f"{share:.0%} by {date:g}")
            wanted = share * licence.satellites
            low = 1.0 - ROUNDED / wanted
            yield label, linear(in_orbit_terms(m, f, chosen / wanted, last - 1)), (low, None)


@family("satellites", can_give=True)
def licensed_satellites(m: Any, f: Frame) -> Rows:
    """No more satellites are in orbit than are licensed."""
    for name, licence in f.problem.limits.licences.items():
        chosen = _licensed(f, licence)
        for p in f.periods:
            terms = in_orbit_terms(m, f, chosen / licence.satellites, p)
            yield (name, f.labels[p]), linear(terms), (None, 1.0 + ROUNDED / licence.satellites)


@family("Gbit/s", can_give=True)
def downlink_capacity(m: Any, f: Frame) -> Rows:
    """The satellites in orbit send no more to the ground than spectrum and ground stations take."""
    path = f.problem.limits.downlink_gbps
    if path is None:
        return
    most = path.at(f.calendar.middles)
    for p in f.periods:
        scale = max(float(most[p]), 1.0)
        terms = in_orbit_terms(m, f, f.economy.figures.traffic_gbps / scale, p)
        yield f.labels[p], linear(terms), (None, float(most[p]) / scale)


def usd_of_budget(f: Frame) -> float:
    """Return the unit of the rows on yearly spending."""
    stated = f.problem.limits.budget
    return 1.0 if stated is None else max(float(np.max(stated.usd_per_year.at(f.calendar.year_middles))), 1.0)


@family("USD/year", can_give=True, unit=usd_of_budget)
def budget(m: Any, f: Frame) -> Rows:
    """What is spent in a year stays within its budget, with what was left over before where that may be kept.

    Spending is counted at its least where the model rounds a curve, so that no plan is cut off; the exact spending of
    a plan is compared with its budget again.
    """
    stated = f.problem.limits.budget
    if stated is None:
        return
    most = stated.usd_per_year.at(f.calendar.year_middles)
    scale = usd_of_budget(f)
    spent = _spending(m, f, scale)
    sums: Terms = []
    allowed = 0.0
    for y, year in enumerate(f.calendar.year_labels):
        sums = [*sums, *spent[y]] if stated.carry_over else spent[y]
        allowed = allowed + float(most[y]) if stated.carry_over else float(most[y])
        slack = 0.0 if stated.carry_over else left_out_usd(f, y - 1)
        yield year, linear(sums), (None, (allowed + slack) / scale)


def usd_of_capital(f: Frame) -> float:
    """Return the unit of the rows on capital."""
    return max(f.problem.limits.capital_usd or 0.0, f.units[0])


def usd_of_cost(f: Frame) -> float:
    """Return the unit of the rows on discounted cost."""
    return max(f.problem.limits.discounted_cost_usd or 0.0, f.units[0])


def usd_of_value(f: Frame) -> float:
    """Return the unit of the rows on value, which may be asked for above, at or below zero."""
    return max(abs(f.problem.limits.value_usd or 0.0), f.units[0] * TYPICAL)


def price_of_limit(f: Frame) -> float:
    """Return the unit of the rows on levelised cost."""
    return f.problem.limits.lcoc_usd_per_pflop_hour or 1.0


@family("USD", can_give=True, unit=usd_of_capital)
def capital_limit(m: Any, f: Frame) -> Rows:
    """The capital of the whole plan, that of ground capacity included, stays within its limit."""
    most, usd = f.problem.limits.capital_usd, usd_of_capital(f)
    if most is not None:
        yield "plan", linear(times(f.units[0] / usd, cost_terms(m, f, f.book(plain=True)))), (None, most / usd)


@family("USD", can_give=True, unit=usd_of_cost)
def cost_limit(m: Any, f: Frame) -> Rows:
    """The discounted cost of the whole plan stays within its limit."""
    most, usd = f.problem.limits.discounted_cost_usd, usd_of_cost(f)
    if most is not None:
        yield "plan", linear(times(f.units[0] / usd, cost_terms(m, f, f.book(plain=False)))), (None, most / usd)


@family("USD", can_give=True, unit=usd_of_value)
def least_value(m: Any, f: Frame) -> Rows:
    """The plan is worth what is asked for or more: revenue less cost, both discounted."""
    least, usd = f.problem.limits.value_usd, usd_of_value(f)
    if least is not None:
        value = [*revenue_terms(m, f), *minus(cost_terms(m, f, f.book(plain=False)))]
        yield "plan", linear(times(f.units[0] / usd, value)), (least / usd, None)


@family("USD/PFLOP-hour", can_give=True, unit=price_of_limit)
def levelised_cost_limit(m: Any, f: Frame) -> Rows:
    """The levelised cost of the compute that is used stays within its limit.

    Cost is no more than the limit times the worth that is used. In units of what the limit makes of a typical worth:
    room is then relative to the limit.
    """
    most = f.problem.limits.lcoc_usd_per_pflop_hour
    if most is None:
        return
    worth = typical_worth(f)
    cost = times(f.units[0] / (most * worth), cost_terms(m, f, f.book(plain=False)))
    used = [(-f.units[1] / worth, variable) for variable in m.consumed.values()]
    yield "plan", linear([*cost, *used], 1.0), (None, 1.0)


def typical_worth(f: Frame) -> float:
    """Return PFLOP-hours of worth that a plan uses about: what is asked for or can be sold, where that has an end."""
    used = selling.most_used_pflops(f.problem)
    return float(np.where(np.isfinite(used), used, 0.0) @ f.full_worth) or f.units[1] * TYPICAL


def _spending(m: Any, f: Frame, scale: float) -> list[Terms]:
    """Return what is spent in each year of the horizon as terms, in units of ``scale``."""
    e, cost, years = f.economy, f.economy.assumptions.cost, f.calendar.years
    spent: list[Terms] = [[] for _ in range(years)]
    insured = least_insured(e)
    floor = e.figures.hardware_usd * cost.learning_floor
    each_year = floor * e.figures.operations_share_per_year
    flown = (floor + e.figures.fabric_usd)[:, None] + e.chips_usd
    for d, v, p in f.flights:
        places = float(e.figures.per_launch[d, v])
        share = m.share[f.designs[d], f.vehicles[v], f.labels[p]]
        once = flown[d, p] * (1.0 + e.insured[v, p]) * places - e.figures.paid_share[d] * e.launching.price_usd[v, p]
        spent[f.calendar.year_of[p]].append((float(once) / scale, share))
        one = np.zeros(p + 1)
        one[p] = 1.0
        stays = over_time(one, e.staying_years[d], f.calendar.periods)
        for y, years_there in enumerate(stays.reshape(years, -1).sum(axis=1)):
            spent[y].append((float(each_year[d] * places * years_there) / scale, share))
    for v, o, p in f.legs:
        listed = float(e.launching.price_usd[v, p])
        price = listed * f.floored_factor(v, listed) * (1.0 + float(e.insured[v, p]))
        key = (f.vehicles[v], e.orbits[o], f.labels[p])
        spent[f.calendar.year_of[p]].append((price / scale, m.launches[key]))
    for (name, year), variable in m.surcharge.items():
        v, y = f.vehicles.index(name), f.calendar.year_labels.index(year)
        listed = float(e.launching.year_price_usd[v, y])
        spent[y].append((listed * f.floored_factor(v, listed) * (1.0 + float(insured[v, y])) / scale, variable))
    for number, line in enumerate(e.lines):
        usd = float(e.line_usd[number]) / scale
        for y in f.years:
            settled = [*premium_terms(m, f, line, y), *minus(premium_terms(m, f, line, y - 1))]
            spent[y].extend((c * usd, v) for c, v in settled)
    unit = f.units[0]
    fixed = cost.nre_usd + cost.licence_usd + cost.ground_segment_usd
    amounts = (
        (m.factory, cost.factory_usd_per_usd_year * unit),
        (m.sites, cost.site_usd_per_launch_year),
        (m.gateways, cost.gateway_usd_per_gbps),
        (m.started, fixed),
    )
    for y, year in enumerate(f.calendar.year_labels):
        for what, usd in amounts:
            spent[y].append((usd / scale, what[year]))
            if y:
                spent[y].append((-usd / scale, what[f.calendar.year_labels[y - 1]]))
        spent[y].append((cost.operations_fixed_usd_per_year / scale, m.operating[year]))
    _rent(m, f, spent, scale)
    return spent


def _rent(m: Any, f: Frame, spent: list[Terms], scale: float) -> None:
    """Add the rent of ground capacity in each year."""
    e, calendar = f.economy, f.calendar
    discount = calendar.spread_discounts(e.rate)
    for number, name in enumerate(e.rival.accelerators):
        for p in f.periods:
            if (name, f.labels[p]) not in m.ground:
                continue
            one = np.zeros(p + 1)
            one[p] = e.rival.rent_usd_per_worth[number, p] * e.rival.pflops[number] * HOURS_PER_YEAR * f.late[p]
            rent = over_time(one, e.rival.worth_years, calendar.all_periods) / discount
            by_year = rent[: calendar.periods].reshape(calendar.years, -1).sum(axis=1)
            for y in np.flatnonzero(by_year):
                spent[y].append((float(by_year[y]) / scale, m.ground[name, f.labels[p]]))


@family(can_give=True)
def choice(m: Any, f: Frame) -> Rows:
    """A choice is forced or forbidden."""
    for name, one in f.problem.choices.items():
        terms = _chosen(m, f, one)
        yield name, linear(terms), (one.least if one.least > 0.0 else None, one.most)


def _chosen(m: Any, f: Frame, one: ForcedChoice) -> Terms:
    """Return what a choice counts as terms: launches, satellites in orbit, or units of ground capacity."""
    last = f.calendar.periods - 1 if one.last is None else one.last
    labels = [f.labels[p] for p in range(one.first, last + 1)]
    if one.vehicle:
        return [(1.0, m.launches[key]) for key in m.launches if key[0] == one.vehicle and key[2] in labels]
    if one.design:
        return [(THOUSAND, m.arrived[one.design, label]) for label in labels if (one.design, label) in m.arrived]
    return [(1.0, m.ground[one.ground, label]) for label in labels if (one.ground, label) in m.ground]
