"""Rows of launching and serving: manifests, cadence, production, and what has to be delivered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.fleet.calendar import YearPath
from dawndusk.models.fleet.fleet import KW_PER_MW
from dawndusk.optimize.plan.model.frame import Frame
from dawndusk.optimize.plan.model.rows.families import Rows, family, linear
from dawndusk.optimize.plan.problem import grid, selling

Floats = NDArray[np.float64]
Terms = list[tuple[float, Any]]

THOUSAND = 1e3
"""Satellites in one unit of the variable ``arrived``."""


@family()
def manifest(m: Any, f: Frame) -> Rows:
    """What is launched fits the launches: a satellite takes one of the whole places that its design has on a launch."""
    carried: dict[tuple[int, int, int], Terms] = {leg: [] for leg in f.legs}
    for d, v, p in f.flights:
        carried[v, int(f.economy.orbit_of[d]), p].append((1.0, m.share[f.designs[d], f.vehicles[v], f.labels[p]]))
    for (v, o, p), terms in carried.items():
        key = (f.vehicles[v], f.economy.orbits[o], f.labels[p])
        yield key, linear([*terms, (-1.0, m.launches[key])]), (None, 0.0)


@family()
def whole_satellites(m: Any, f: Frame) -> Rows:
    """Satellites are whole where that is asked for."""
    index, vehicles = {name: d for d, name in enumerate(f.designs)}, {name: v for v, name in enumerate(f.vehicles)}
    for key in m.satellites:
        places = float(f.economy.figures.per_launch[index[key[0]], vehicles[key[1]]])
        yield key, linear([(places, m.share[key]), (-1.0, m.satellites[key])]), (0.0, 0.0)


@family()
def arrival(m: Any, f: Frame) -> Rows:
    """What reaches orbit is what was launched, less what failed launches are expected to lose."""
    launched: dict[tuple[int, int], Terms] = {}
    for d, v, p in f.flights:
        each = f.economy.figures.per_launch[d, v] * f.economy.launching.success[v, p] / THOUSAND
        launched.setdefault((d, p), []).append((each, m.share[f.designs[d], f.vehicles[v], f.labels[p]]))
    for (d, p), terms in launched.items():
        key = (f.designs[d], f.labels[p])
        yield key, linear([*terms, (-1.0, m.arrived[key])]), (0.0, 0.0)


@family("launches/year", can_give=True)
def cadence(m: Any, f: Frame) -> Rows:
    """A vehicle flies for the programme no more often in a year than it can be bought."""
    by_year = launches_by_year(m, f)
    for (v, y), terms in by_year.items():
        most = int(f.economy.launching.most_in_year[v, y])
        yield (f.vehicles[v], f.calendar.year_labels[y]), linear(terms), (None, float(most))


@family("launches", can_give=True)
def cadence_in_period(m: Any, f: Frame) -> Rows:
    """A vehicle flies for the programme evenly through the year, up to a whole launch."""
    if f.calendar.steps_per_year == 1:
        return
    by_period: dict[tuple[int, int], Terms] = {}
    for v, o, p in f.legs:
        key = (f.vehicles[v], f.economy.orbits[o], f.labels[p])
        by_period.setdefault((v, p), []).append((1.0, m.launches[key]))
    for (v, p), terms in by_period.items():
        if len(terms) > 1:  # else it is the bound of the one variable
            most = float(f.economy.launching.most_in_period[v, p])
            yield (f.vehicles[v], f.labels[p]), linear(terms), (None, most)


def launches_by_year(m: Any, f: Frame) -> dict[tuple[int, int], Terms]:
    """Return the launches of each vehicle in each year as terms."""
    found: dict[tuple[int, int], Terms] = {}
    for v, o, p in f.legs:
        key = (f.vehicles[v], f.economy.orbits[o], f.labels[p])
        found.setdefault((v, int(f.calendar.year_of[p])), []).append((1.0, m.launches[key]))
    return found


def built_terms(m: Any, f: Frame, each: Callable[[int], float]) -> dict[int, Terms]:
    """Return by period the sum over designs and vehicles of satellites built times ``each`` of their design."""
    found: dict[int, Terms] = {}
    for d, v, p in f.flights:
        count = float(f.economy.figures.per_launch[d, v])
        found.setdefault(p, []).append((count * each(d), m.share[f.designs[d], f.vehicles[v], f.labels[p]]))
    return found


@family("satellites/year", can_give=True)
def production_rate(m: Any, f: Frame) -> Rows:
    """No more satellites are built in a period than the production rate allows."""
    path = f.problem.limits.satellites_per_year
    if path is None:
        return
    most = path.at(f.calendar.middles)
    for p, terms in built_terms(m, f, lambda _: 1.0 / THOUSAND).items():
        yield f.labels[p], linear(terms), (None, float(most[p]) * f.calendar.length_years / THOUSAND)


@family("launches/year", can_give=True)
def launch_ramp(m: Any, f: Frame) -> Rows:
    """The programme's launches grow no faster from year to year than it can learn to process."""
    limits = f.problem.limits
    if limits.first_launches_per_year is None:
        return
    by_year: dict[int, Terms] = {}
    for (_, y), terms in launches_by_year(m, f).items():
        by_year.setdefault(y, []).extend(terms)
    for y, terms in by_year.items():
        before = [(-(1.0 + limits.launch_growth) * c, v) for c, v in by_year.get(y - 1, [])]
        yield f.calendar.year_labels[y], linear([*terms, *before]), (None, float(limits.first_launches_per_year))


@family("launches/year", can_give=True)
def site_licence(m: Any, f: Frame) -> Rows:
    """A launch site sends up no more launches in a year than it is licensed for."""
    for name, site in f.problem.limits.sites.items():
        most = site.launches_per_year.at(f.calendar.year_middles)
        by_year: dict[int, Terms] = {}
        for (v, y), terms in launches_by_year(m, f).items():
            if f.vehicles[v] in site.vehicles:
                by_year.setdefault(y, []).extend(terms)
        for y, terms in by_year.items():
            yield (name, f.calendar.year_labels[y]), linear(terms), (None, float(most[y]))


def served(m: Any, f: Frame, each: Floats, ground: Floats, last: int) -> Iterator[tuple[int, Terms]]:
    """Yield each period up to ``last`` with what serves in it: satellites times ``each`` (D, J), ground (A, J)."""
    arrived = [(d, p) for d in range(len(f.designs)) for p in f.periods if (f.designs[d], f.labels[p]) in m.arrived]
    terms: list[Terms] = [[] for _ in range(last)]
    for d, p in arrived:
        variable = m.arrived[f.designs[d], f.labels[p]]
        for late in range(min(each.shape[1], last - p)):
            terms[p + late].append((THOUSAND * each[d, late], variable))
    for number, name in enumerate(f.economy.rival.accelerators):
        for p in f.periods:
            if (name, f.labels[p]) in m.ground:
                for late in range(min(ground.shape[1], last - p)):
                    terms[p + late].append((ground[number, late], m.ground[name, f.labels[p]]))
    return enumerate(terms)


def _ground_serving(f: Frame, each: Floats) -> Floats:
    return np.outer(each, f.economy.rival.serving_years / f.calendar.length_years)


def _at_least(m: Any, f: Frame, path: YearPath, each: Floats, ground: Floats) -> Rows:
    """Yield rows that ask for a path, each in units of what it asks for."""
    asked = path.at(f.calendar.middles)
    for q, terms in served(m, f, f.serving * each[:, None], _ground_serving(f, ground), f.calendar.periods):
        if asked[q] > 0.0:
            yield f.labels[q], linear([(c / asked[q], v) for c, v in terms]), (1.0, None)


@family("x the demand", can_give=True)
def compute_demand(m: Any, f: Frame) -> Rows:
    """Orbit and ground together deliver the compute that is asked for in every period."""
    path, economy = f.problem.demand.least_pflops, f.economy
    if path is not None:
        yield from _at_least(m, f, path, economy.figures.pflops, economy.rival.pflops)


@family("x the demand", can_give=True)
def power_demand(m: Any, f: Frame) -> Rows:
    """The IT power in service, orbit and ground together, reaches what is asked for in every period."""
    path, economy = f.problem.demand.least_power_mw, f.economy
    if path is not None:
        yield from _at_least(m, f, path, economy.figures.it_power_kw / KW_PER_MW, economy.rival.it_power_kw / KW_PER_MW)


@family("x the limit", can_give=True)
def power_limit(m: Any, f: Frame) -> Rows:
    """The IT power in service, orbit and ground together, stays below its limit in every period."""
    path, economy = f.problem.demand.most_power_mw, f.economy
    if path is None:
        return
    most = path.at(f.calendar.middles)
    each = f.serving * (economy.figures.it_power_kw / KW_PER_MW)[:, None]
    ground = _ground_serving(f, economy.rival.it_power_kw / KW_PER_MW)
    for q, terms in served(m, f, each, ground, f.calendar.periods):
        scale = max(float(most[q]), 1.0)
        yield f.labels[q], linear([(c / scale, v) for c, v in terms]), (None, float(most[q]) / scale)


@family("MW", can_give=True)
def grid_queue(m: Any, f: Frame) -> Rows:
    """No more ground capacity is there than the grid has connected by then; what replaces old keeps its place."""
    path, calendar = f.problem.limits.ground_mw_per_year, f.calendar
    if path is None:
        return
    room, share = grid.room_mw(f.economy, path), grid.staying(f.economy)
    power = zip(f.economy.rival.it_power_kw / KW_PER_MW, f.economy.rival.accelerators, strict=True)
    units = [(float(each), name, p) for each, name in power for p in f.periods]
    for y, year in enumerate(calendar.year_labels):
        last = (y + 1) * calendar.steps_per_year - 1
        there = [(each * share[last - p], name, f.labels[p]) for each, name, p in units if p <= last]
        terms = [(float(c), m.ground[name, label]) for c, name, label in there if c and (name, label) in m.ground]
        if terms:
            yield year, linear(terms), (None, float(room[y]))


@family()
def worth_delivered(m: Any, f: Frame) -> Rows:
    """What is used of a period's compute, and what is sold of it, is no more than is delivered."""
    if not (f.is_levelised or f.is_sold):
        return
    unit, steps = f.units[1], range(len(f.problem.demand.sales))
    each, ground = f.worth
    for q, terms in _late_worth(m, f, each, ground):
        label, delivered = f.labels[q], [(c / unit, v) for c, v in terms]
        if f.is_levelised:
            yield (label, "used"), linear([*delivered, (-1.0, m.consumed[label])]), (0.0, None)
        if f.is_sold:
            yield (label, "sold"), linear([*delivered, *[(-1.0, m.sold[label, s]) for s in steps]]), (0.0, None)


def _late_worth(m: Any, f: Frame, each: Floats, ground: Floats) -> Iterator[tuple[int, Terms]]:
    """Yield each period with the worth delivered in it; the kernels are discounted to the period of launch."""
    terms: list[Terms] = [[] for _ in range(f.calendar.all_periods)]
    for d in range(len(f.designs)):
        for p in f.periods:
            if (f.designs[d], f.labels[p]) in m.arrived:
                _append(terms, p, THOUSAND * f.late[p] * each[d], m.arrived[f.designs[d], f.labels[p]])
    for number, name in enumerate(f.economy.rival.accelerators):
        for p in f.periods:
            if (name, f.labels[p]) in m.ground:
                _append(terms, p, f.late[p] * ground[number], m.ground[name, f.labels[p]])
    return enumerate(terms)


def _append(terms: list[Terms], first: int, kernel: Floats, variable: Any) -> None:
    for late, value in enumerate(kernel[: len(terms) - first]):
        terms[first + late].append((float(value), variable))


@family()
def worth_wanted(m: Any, f: Frame) -> Rows:
    """No more compute is used in a period than is asked for or can be sold, and no more sold than is bought."""
    full = f.full_worth / f.units[1]
    if f.is_levelised:
        used = selling.most_used_pflops(f.problem)
        for q in np.flatnonzero(np.isfinite(used)):
            label = f.labels[q]
            yield (label, "used"), linear([(1.0, m.consumed[label])]), (None, float(used[q] * full[q]))
    if f.is_sold:
        most = selling.most_sold_pflops(f.problem)
        for s, q in np.argwhere(np.isfinite(most)):
            label = f.labels[q]
            yield (label, int(s)), linear([(1.0, m.sold[label, int(s)])]), (None, float(most[s, q] * full[q]))
