"""The variables of a plan's model."""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from dawndusk.optimize.plan.model.frame import Frame


def add_variables(model: Any, frame: Frame) -> None:
    """Declare every variable, indexed by the names of what it speaks of."""
    names, labels = frame.designs, frame.labels
    launching = frame.economy.launching
    flights = {(names[d], frame.vehicles[v], labels[p]) for d, v, p in frame.flights}
    model.share = pyo.Var(
        [(names[d], frame.vehicles[v], labels[p]) for d, v, p in frame.flights],
        domain=pyo.NonNegativeReals,
        doc="launches of a vehicle that a design fills in a period, in shares of a launch",
    )
    most, whole = {}, {}
    for v, o, p in frame.legs:
        key = (frame.vehicles[v], frame.economy.orbits[o], labels[p])
        most[key] = (0, int(launching.most_in_period[v, p]))
        whole[key] = pyo.NonNegativeIntegers if frame.is_whole(v, p) else pyo.NonNegativeReals
    counted = frame.pieces.satellites
    model.satellites = pyo.Var(
        [
            (names[d], frame.vehicles[v], labels[p])
            for d, v, p in frame.flights
            if counted is not None and counted[d, v, p]
        ],
        domain=pyo.NonNegativeIntegers,
        doc="satellites of a design built for a vehicle in a period, where they are whole numbers",
    )
    model.launches = pyo.Var(list(most), bounds=most, domain=whole, doc="launches of a vehicle to an orbit in a period")
    arriving = [(names[d], labels[p]) for d in range(len(names)) for p in frame.periods]
    flown = {(d, p) for d, _, p in flights}
    model.arrived = pyo.Var(
        [key for key in arriving if key in flown],
        domain=pyo.NonNegativeReals,
        doc="thousands of satellites of a design that reach orbit in a period",
    )
    rival = frame.economy.rival
    model.ground = pyo.Var(
        [(a, labels[p]) for n, a in enumerate(rival.accelerators) for p in frame.periods if rival.opens[n, p]],
        domain=pyo.NonNegativeReals,
        doc="units of ground capacity whose service begins in a period",
    )
    if frame.is_levelised:
        model.consumed = pyo.Var(labels, domain=pyo.NonNegativeReals, doc="worth of what is used in a period")
    if frame.is_sold:
        model.sold = pyo.Var(
            [(label, step) for label in labels for step in range(len(frame.problem.demand.sales))],
            domain=pyo.NonNegativeReals,
            doc="worth of what is sold in a period, by step of the demand curve",
        )
    _add_curves(model, frame)
    _add_capacity(model, frame)


def _add_curves(model: Any, frame: Frame) -> None:
    years = frame.calendar.year_labels
    pieces = [
        (line, year, len(cuts) - 1)
        for line, by_year in frame.pieces.learning.items()
        for year, cuts in zip(years, by_year, strict=True)
    ]
    model.fill = pyo.Var(
        [(line, year, k) for line, year, count in pieces for k in range(count)],
        bounds=(0, 1),
        doc="share of a piece of the experience of a line that is filled by the end of a year",
    )
    model.filled = pyo.Var(
        [(line, year, k) for line, year, count in pieces for k in range(count - 1)],
        domain=pyo.Binary,
        doc="whether a piece of the experience of a line is full by the end of a year",
    )
    tiers = [(v, k) for v, cuts in frame.pieces.volume.items() for k in range(len(cuts) - 1)]
    model.tier = pyo.Var(tiers, domain=pyo.Binary, doc="whether launches of a vehicle are bought in a tier")
    model.bought = pyo.Var(tiers, domain=pyo.NonNegativeReals, doc="launches of a vehicle bought in a tier")
    for book in frame.books:
        listed = pyo.Var(tiers, domain=pyo.NonNegativeReals, doc="listed price of those launches")
        model.add_component(f"{book.prefix}spent", listed)
        paid = pyo.Var(tiers, domain=pyo.NonNegativeReals, doc="what those launches cost")
        model.add_component(f"{book.prefix}paid", paid)
    model.surcharge = pyo.Var(
        list(frame.vehicles), list(years), domain=pyo.NonNegativeReals, doc="launches in a year times cadence premium"
    )


def _add_capacity(model: Any, frame: Frame) -> None:
    years = list(frame.calendar.year_labels)
    model.started = pyo.Var(years, domain=pyo.Binary, doc="whether the programme has launched by the end of a year")
    model.factory = pyo.Var(years, domain=pyo.NonNegativeReals, doc="factory, in money of yearly hardware")
    model.sites = pyo.Var(years, domain=pyo.NonNegativeReals, doc="launches per year that sites can process")
    model.gateways = pyo.Var(years, domain=pyo.NonNegativeReals, doc="traffic in Gbit/s that gateways can carry")
    after = frame.calendar.all_periods // frame.calendar.steps_per_year
    first = frame.calendar.first_year
    model.operating = pyo.Var(
        [str(first + year) for year in range(after)], domain=pyo.Binary, doc="whether satellites are run all year"
    )
    used = list(frame.designs) if frame.economy.terms.design_nre_usd else []
    model.used = pyo.Var(used, domain=pyo.Binary, doc="whether a design is developed")
