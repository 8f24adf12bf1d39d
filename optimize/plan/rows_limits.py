"""Rows of licences, of the downlink, of the yearly budget, and of choices that are forced to see what they cost."""

from __future__ import annotations

from typing import Any

import numpy as np

from dawndusk.models.constants import HOURS_PER_YEAR
from dawndusk.models.fleet.fleet import over_time
from dawndusk.optimize.plan.families import Rows, family, linear
from dawndusk.optimize.plan.frame import Frame
from dawndusk.optimize.plan.problem import ROUNDED, Choice, Licence
from dawndusk.optimize.plan.rows_fleet import THOUSAND, Terms
from dawndusk.optimize.plan.rows_money import in_orbit_terms, left_out_usd, minus, premium_terms

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


@family("USD/year", can_give=True)
def budget(m: Any, f: Frame) -> Rows:
    """What is spent in a year stays within its budget, with what was left over before where that may be kept.

    Spending is counted at its least where the model rounds a curve, so that no plan is cut off; the exact spending of
    a plan is compared with its budget again.
    """
    stated = f.problem.limits.budget
    if stated is None:
        return
    most = stated.usd_per_year.at(f.calendar.year_middles)
    scale = max(float(np.max(most)), 1.0)
    spent = _spending(m, f, scale)
    sums: Terms = []
    allowed = 0.0
    for y, year in enumerate(f.calendar.year_labels):
        sums = [*sums, *spent[y]] if stated.carry_over else spent[y]
        allowed = allowed + float(most[y]) if stated.carry_over else float(most[y])
        slack = 0.0 if stated.carry_over else left_out_usd(f, y - 1)
        yield year, linear(sums), (None, (allowed + slack) / scale)


@family("USD", can_give=True)
def capital_limit(m: Any, f: Frame) -> Rows:
    """The capital of the whole plan stays within its limit.

    Counted at its least where the model rounds a curve; the exact capital of a plan is compared with the limit again.
    """
    most = f.problem.limits.capital_usd
    if most is None:
        return
    terms = [term for year in _spending(m, f, most, running=False) for term in year]
    for number, name in enumerate(f.economy.rival.accelerators):
        for p in f.periods:
            if (name, f.labels[p]) in m.ground:
                usd = float(f.economy.rival.capital_usd[number, p])
                terms.append((usd / most, m.ground[name, f.labels[p]]))
    yield "plan", linear(terms), (None, 1.0)


def _spending(m: Any, f: Frame, scale: float, *, running: bool = True) -> list[Terms]:
    """Return what is spent in each year of the horizon as terms, in units of ``scale``; capital alone if asked for."""
    e, cost, years = f.economy, f.economy.assumptions.cost, f.calendar.years
    spent: list[Terms] = [[] for _ in range(years)]
    floor = e.figures.hardware_usd * cost.learning_floor
    each_year = floor * cost.operations_fraction_per_year if running else 0.0 * floor
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
    if running:
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


def _chosen(m: Any, f: Frame, one: Choice) -> Terms:
    """Return what a choice counts as terms: launches, satellites in orbit, or units of ground capacity."""
    last = f.calendar.periods - 1 if one.last is None else one.last
    labels = [f.labels[p] for p in range(one.first, last + 1)]
    if one.vehicle:
        return [(1.0, m.launches[key]) for key in m.launches if key[0] == one.vehicle and key[2] in labels]
    if one.design:
        return [(THOUSAND, m.arrived[one.design, label]) for label in labels if (one.design, label) in m.arrived]
    return [(1.0, m.ground[one.ground, label]) for label in labels if (one.ground, label) in m.ground]
