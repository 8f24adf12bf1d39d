"""Rows of cost: learning, volume discount, cadence premium, and capacity that is built up before it is used."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from dawndusk.optimize.plan.model.frame import MANY_LAUNCHES, Book, Frame
from dawndusk.optimize.plan.model.rows.families import Rows, family, linear
from dawndusk.optimize.plan.model.rows.fleet import THOUSAND, Terms, built_terms, launches_by_year

TANGENTS = 12
"""Lines below the premium of a cadence, over its range."""
NEAR_MARKS = (0.7, 0.85, 1.0, 1.15, 1.3)
"""Where further ones are, relative to what a plan flies."""


def experience_terms(m: Any, f: Frame, line: str, year: int) -> Terms:
    """Return the experience of a line at the end of a year, in reference satellites, as terms; none before the plan."""
    if year < 0:
        return []
    widths = np.diff(f.pieces.learning[line][year])
    return [(float(width), m.fill[line, f.calendar.year_labels[year], k]) for k, width in enumerate(widths)]


def premium_terms(m: Any, f: Frame, line: str, year: int) -> Terms:
    """Return the premium settled by the end of a year, in reference satellites, as terms; none before the plan."""
    if year < 0:
        return []
    rises = np.diff(f.pieces.premiums(f.economy, line, year))
    return [(float(rise), m.fill[line, f.calendar.year_labels[year], k]) for k, rise in enumerate(rises)]


def minus(terms: Terms) -> Terms:
    """Return terms with the other sign."""
    return [(-c, v) for c, v in terms]


@family()
def experience(m: Any, f: Frame) -> Rows:
    """The experience of a line is everything that it has built by the end of a year."""
    economy = f.economy
    for number, line in enumerate(economy.lines):
        scale = max(float(f.pieces.learning[line][-1][-1]), 1.0) / THOUSAND
        units = np.where(economy.line_of == number, economy.figures.hardware_usd / economy.line_usd[number], 0.0)
        built = built_terms(m, f, lambda d, units=units: float(units[d]))  # type: ignore[misc]
        for y, year in enumerate(f.calendar.year_labels):
            new = [term for p, terms in built.items() if f.calendar.year_of[p] == y for term in terms]
            before = minus(experience_terms(m, f, line, y - 1))
            now = experience_terms(m, f, line, y)
            yield (line, year), linear([(c / scale, v) for c, v in [*now, *before, *minus(new)]]), (0.0, 0.0)


@family()
def pieces_in_order(m: Any, f: Frame) -> Rows:
    """Experience fills one piece of the learning curve after the other."""
    for line, year, k in m.filled:
        full = m.filled[line, year, k]
        yield (line, year, k, "full"), linear([(1.0, m.fill[line, year, k]), (-1.0, full)]), (0.0, None)
        yield (line, year, k, "next"), linear([(1.0, full), (-1.0, m.fill[line, year, k + 1])]), (0.0, None)


@family()
def experience_stays(m: Any, f: Frame) -> Rows:
    """Experience is never lost."""
    years = f.calendar.year_labels
    for line, by_year in f.pieces.learning.items():
        for y, (before, now) in enumerate(itertools.pairwise(by_year), start=1):
            passed = np.searchsorted(now, before[1:-1], side="right") - 2  # the last piece that ends by then
            for k, last in enumerate(np.minimum(passed, len(now) - 3)):
                if last >= 0:
                    later = (1.0, m.filled[line, years[y], int(last)])
                    yield (line, years[y], k), linear([later, (-1.0, m.filled[line, years[y - 1], k])]), (0.0, None)


@family()
def volume_tier(m: Any, f: Frame) -> Rows:
    """All launches of a vehicle are bought in one tier of its volume discount."""
    bought: dict[int, Terms] = {}
    for (v, _), terms in launches_by_year(m, f).items():
        bought.setdefault(v, []).extend(terms)
    for v, name in enumerate(f.vehicles):
        cuts = f.pieces.volume[name]
        tiers = range(len(cuts) - 1)
        yield (name, "one"), linear([(1.0, m.tier[name, k]) for k in tiers]), (1.0, 1.0)
        counted = [(1.0, m.bought[name, k]) for k in tiers]
        yield (name, "all"), linear([*counted, *minus(bought.get(v, []))]), (0.0, 0.0)
        for k in tiers:
            low, high = float(cuts[k]), float(cuts[k + 1])
            yield (name, k, "least"), linear([(1.0, m.bought[name, k]), (-low, m.tier[name, k])]), (0.0, None)
            yield (name, k, "most"), linear([(1.0, m.bought[name, k]), (-high, m.tier[name, k])]), (None, 0.0)


@family()
def volume_price(m: Any, f: Frame) -> Rows:
    """What launches of a vehicle cost at the listed price is discounted in the tier in which they are bought."""
    for book in f.books:
        for v, name in enumerate(f.vehicles):
            listed = listed_terms(m, f, v, book, full=True)
            spent = [variable_of(m, book, "spent")[name, k] for k in range(len(book.prices[name]))]
            yield named(book, name, "all"), linear([*[(1.0, one) for one in spent], *minus(listed)]), (0.0, 0.0)
            low, high = _ends_of_listed(m, f, v, listed)
            for k, one in enumerate(spent) if listed else ():
                bought = m.bought[name, k]
                yield named(book, name, k, "most"), linear([(1.0, one), (-high, bought)]), (None, 0.0)
                if low > 0.0:
                    yield named(book, name, k, "least"), linear([(1.0, one), (-low, bought)]), (0.0, None)


def _ends_of_listed(m: Any, f: Frame, vehicle: int, listed: Terms) -> tuple[float, float]:
    """Return the least (0 where there is none) and the most that one launch of a vehicle is listed at."""
    launched = [c for c, variable in listed if variable.parent_component() is m.launches]
    high = max(launched, default=0.0) * (1.0 + f.economy.assumptions.launch.cadence_premium)
    always = len(launched) >= len(f.periods) and f.is_discounted_in_full[vehicle].all()
    return (min(launched) if always else 0.0), high


def named(book: Book, *label: Any) -> tuple[Any, ...]:
    """Return the label of a row about a way of counting money."""
    return (*label, book.prefix.rstrip("_")) if book.prefix else label


def variable_of(m: Any, book: Book, name: str) -> Any:
    """Return a variable of a way of counting money."""
    return m.find_component(f"{book.prefix}{name}")


@family()
def volume_discount(m: Any, f: Frame) -> Rows:
    """Launches of a vehicle cost their listed price less the discount for as many as are bought."""
    for book in f.books:
        spent, paid = variable_of(m, book, "spent"), variable_of(m, book, "paid")
        for name, by_tier in book.prices.items():
            for k, prices in enumerate(by_tier):
                for number, price in enumerate(prices):
                    asked = zip(price, (spent[name, k], m.bought[name, k], m.tier[name, k]), strict=True)
                    terms = [(1.0, paid[name, k]), *((-c, v) for c, v in asked)]
                    yield named(book, name, k, number), linear(terms), (0.0, None)


def listed_terms(m: Any, f: Frame, vehicle: int, book: Book, *, full: bool) -> Terms:
    """Return the listed price of a vehicle's launches and cadence premiums, in units of money, as terms.

    With ``full`` of the years in which the volume discount is not stopped by a price floor; else of the others, each
    at the least price that any volume reaches.
    """
    coefficients, unit, name = book.coefficients, f.units[0], f.vehicles[vehicle]
    launching = f.economy.launching
    terms: Terms = []
    for v, o, p in f.legs:
        if v == vehicle and f.is_discounted_in_full[v, f.calendar.year_of[p]] == full:
            least = 1.0 if full else f.floored_factor(v, float(launching.price_usd[v, p]))
            key = (name, f.economy.orbits[o], f.labels[p])
            terms.append((float(coefficients.launch[v, p]) * least / unit, m.launches[key]))
    for y, year in enumerate(f.calendar.year_labels):
        if f.is_discounted_in_full[vehicle, y] == full:
            least = 1.0 if full else f.floored_factor(vehicle, float(launching.year_price_usd[vehicle, y]))
            price = float(coefficients.surcharge[vehicle, y]) * least / unit
            terms.append((price, m.surcharge[name, year]))
    return terms


@family()
def cadence_premium(m: Any, f: Frame) -> Rows:
    """The premium on launches grows with the square of the share of a vehicle's cadence that is used."""
    premium = f.economy.assumptions.launch.cadence_premium
    if not premium:
        return
    for (v, y), terms in launches_by_year(m, f).items():
        rate = float(f.economy.launching.rate_per_year[v, y])
        most = int(f.economy.launching.most_in_year[v, y])
        marks = () if f.pieces.flown is None else (float(f.pieces.flown[v, y]),)
        for number, (slope, start) in enumerate(premium_lines(premium / (rate * rate), most, marks)):
            surcharge = (1.0, m.surcharge[f.vehicles[v], f.calendar.year_labels[y]])
            label = (f.vehicles[v], f.calendar.year_labels[y], number)
            yield label, linear([surcharge, *[(-slope * c, x) for c, x in terms]]), (start, None)


def premium_lines(factor: float, most: int, marks: Sequence[float] = ()) -> list[tuple[float, float]]:
    """Return slope and value at zero of lines below ``factor n^3`` for whole n from 0 to ``most``.

    Secants between neighbouring whole numbers where they are few, which are exact there; tangents otherwise, some of
    them at and near ``marks``.
    """
    if most <= MANY_LAUNCHES:
        rises = [(n, factor * n**3, factor * (n + 1) ** 3) for n in range(most)]
        return [(high - low, low - (high - low) * n) for n, low, high in rises]
    near = [mark * ratio for mark in marks for ratio in NEAR_MARKS if 0.0 < mark * ratio < most]
    points = np.unique([*np.linspace(0.0, most, TANGENTS + 1)[1:], *near])
    return [(3.0 * factor * n**2, -2.0 * factor * n**3) for n in points]


@family()
def factory_capacity(m: Any, f: Frame) -> Rows:
    """The factory is as large as the hardware of the busiest year so far.

    The learning in it may be too dear by what chords leave out; that is taken off, so that no plan is cut off.
    """
    economy, unit = f.economy, f.units[0]
    floor = economy.figures.hardware_usd * economy.assumptions.cost.learning_floor / unit
    built = built_terms(m, f, lambda d: float(floor[d]))
    for y, year in enumerate(f.calendar.year_labels):
        slack = left_out_usd(f, y - 1) / unit
        value = [term for p, terms in built.items() if f.calendar.year_of[p] == y for term in terms]
        for number, line in enumerate(economy.lines):
            usd = float(economy.line_usd[number]) / unit
            settled = [*premium_terms(m, f, line, y), *minus(premium_terms(m, f, line, y - 1))]
            value += [(c * usd, v) for c, v in settled]
        yield year, linear([(1.0, m.factory[year]), *minus(value)]), (-slack, None)


def left_out_usd(f: Frame, year: int) -> float:
    """Return what chords leave out of the learning premium by the end of a year at most, in USD."""
    return sum(
        f.pieces.error(f.economy, line, year) * float(f.economy.line_usd[number])
        for number, line in enumerate(f.economy.lines)
    )


@family()
def site_capacity(m: Any, f: Frame) -> Rows:
    """Launch sites can process the launches of the busiest year so far."""
    by_year: dict[int, Terms] = {}
    for (_, y), terms in launches_by_year(m, f).items():
        by_year.setdefault(y, []).extend(terms)
    for y, terms in by_year.items():
        year = f.calendar.year_labels[y]
        yield year, linear([(1.0, m.sites[year]), *minus(terms)]), (0.0, None)


def in_orbit_terms(m: Any, f: Frame, each: np.ndarray[Any, Any], period: int) -> Terms:
    """Return the sum over satellites in orbit at the end of a period of ``each`` of their design, as terms."""
    kernel = f.economy.kernels.in_orbit
    terms: Terms = []
    for d, name in enumerate(f.designs):
        for p in range(max(0, period - kernel.shape[1] + 1), min(period + 1, f.calendar.periods)):
            if each[d] and (name, f.labels[p]) in m.arrived:
                share = float(kernel[d, period - p])
                terms.append((THOUSAND * share * float(each[d]), m.arrived[name, f.labels[p]]))
    return terms


def year_ends(f: Frame) -> list[int]:
    """Return the last period of each year of the horizon."""
    steps = f.calendar.steps_per_year
    return [y * steps + steps - 1 for y in f.years]


@family()
def gateway_capacity(m: Any, f: Frame) -> Rows:
    """Gateways carry the traffic of the satellites in orbit."""
    for year, period in zip(f.calendar.year_labels, year_ends(f), strict=True):
        traffic = in_orbit_terms(m, f, f.economy.figures.traffic_gbps, period)
        yield year, linear([(1.0, m.gateways[year]), *minus(traffic)]), (0.0, None)


@family()
def capacity_stays(m: Any, f: Frame) -> Rows:
    """What has been built up is not torn down, and a programme that has started stays one."""
    years = f.calendar.year_labels
    for y in range(1, len(years)):
        for what in (m.factory, m.sites, m.gateways, m.started):
            yield (what.local_name, years[y]), linear([(1.0, what[years[y]]), (-1.0, what[years[y - 1]])]), (0.0, None)


@family()
def programme_start(m: Any, f: Frame) -> Rows:
    """Nothing is launched before the programme has been developed."""
    by_year: dict[int, Terms] = {}
    for (_, y), terms in launches_by_year(m, f).items():
        by_year.setdefault(y, []).extend(terms)
    for y, terms in by_year.items():
        most = float(f.economy.launching.most_in_year[:, y].sum())
        started = (-1.0, m.started[f.calendar.year_labels[y]])
        yield f.calendar.year_labels[y], linear([*[(c / most, v) for c, v in terms], started]), (None, 0.0)


@family()
def design_development(m: Any, f: Frame) -> Rows:
    """No satellite is launched of a design that has not been developed."""
    if not f.economy.terms.design_nre_usd:
        return
    launched: dict[int, Terms] = {}
    for d, v, p in f.flights:
        launched.setdefault(d, []).append((1.0, m.share[f.designs[d], f.vehicles[v], f.labels[p]]))
    most = float(f.economy.launching.most_in_year.sum())
    for d, terms in launched.items():
        name = f.designs[d]
        yield name, linear([*[(c / most, v) for c, v in terms], (-1.0, m.used[name])]), (None, 0.0)


@family()
def mission_control(m: Any, f: Frame) -> Rows:
    """Mission control is paid in every year through which satellites are in orbit."""
    steps = f.calendar.steps_per_year
    most = float((f.economy.launching.most_in_year * f.economy.figures.per_launch.max(axis=0)[:, None]).sum())
    if not most:
        return
    for y, year in enumerate(m.operating):
        first, end = y * steps, (y + 1) * steps
        terms: Terms = []
        for d, name in enumerate(f.designs):
            stays = float(f.economy.service_years[d]) * steps
            for p in range(min(first + (steps == 1), f.calendar.periods)):
                if p + stays >= end and (name, f.labels[p]) in m.arrived:
                    terms.append((THOUSAND / most, m.arrived[name, f.labels[p]]))
        yield year, linear([*terms, (-1.0, m.operating[year])]), (None, 0.0)
