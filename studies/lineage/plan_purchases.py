"""What a plan buys, item by item: what each has of every account, and the data rows that move an account."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.design import CATEGORIES, VARIABLES
from dawndusk.models.errors import ContradictionError
from dawndusk.models.fleet.accounts import CAPITAL, RUNNING, accounts_of
from dawndusk.models.fleet.economy import Economy, economy_of
from dawndusk.models.fleet.fleet import Decisions, fleet_of
from dawndusk.studies.data.rows import FIELDS
from dawndusk.studies.lineage.origins import NUDGE, beliefs, nudged, value_of

Sums: TypeAlias = dict[str, float]

ACCOUNTS = (*CAPITAL, *RUNNING)
WORTH, GROUND_CAPITAL = "delivered_worth", "ground_capital"
ROUNDING = 1e-3 * NUDGE
"""Relative: a row that moves an account by less has no part in it."""


@dataclass(frozen=True)
class Bought:
    """Something that a plan buys: what, on what or where, in which period, and how many."""

    kind: str
    what: str
    where: str
    period: int
    count: float
    place: tuple[int, ...]
    """Where it stands in the decisions of its kind."""

    @property
    def words(self) -> str:
        """Return what is bought in words, without the period."""
        return f"{self.what} {'on the ground' if self.kind == 'ground' else f'on {self.where}'}"


def bought(economy: Economy, decisions: Decisions) -> list[Bought]:
    """Return everything that a plan buys, by kind, then in order."""
    names, vehicles = economy.figures.names, economy.launching.vehicles
    axes = {
        "built": (decisions.built, names, vehicles),
        "launches": (decisions.launches, vehicles, economy.orbits),
        "ground": (decisions.ground[:, None, :], economy.rival.accelerators, ("ground",)),
    }
    return [
        Bought(kind, what[i], where[j], int(p), float(amounts[i, j, p]), (int(i), int(j), int(p)))
        for kind, (amounts, what, where) in axes.items()
        for i, j, p in np.argwhere(amounts > 0.0)
    ]


def one_of_it(economy: Economy, item: Bought) -> Decisions:
    """Return the decisions of a plan that buys one of something and nothing else."""
    periods = economy.calendar.periods
    built = np.zeros((len(economy.figures), len(economy.launching.vehicles), periods))
    launches = np.zeros((len(economy.launching.vehicles), len(economy.orbits), periods))
    ground = np.zeros((len(economy.rival.accelerators), 1, periods))
    {"built": built, "launches": launches, "ground": ground}[item.kind][item.place] = 1.0
    return Decisions(built, launches, ground[:, 0])


def sums_of(economy: Economy, decisions: Decisions) -> Sums:
    """Return the discounted sum of every account, and the worth that is delivered."""
    fleet = fleet_of(economy, decisions)
    discounted = accounts_of(economy, decisions, fleet).discounted
    return {**{name: float(discounted[name].sum()) for name in ACCOUNTS}, WORTH: float(fleet.worth_pflop_hours.sum())}


def is_of(economy: Economy, item: Bought, key: str) -> bool:
    """Return whether a data row is of no catalogue, or of a row that is in force for a purchase."""
    owner, _, rest = key.partition(".")
    rows = _in_force(economy, item).get(owner)
    return rows is None or rest.partition(".")[0] in rows


def _in_force(economy: Economy, item: Bought) -> dict[str, set[str]]:
    """Return the rows of every catalogue that have a part in a purchase."""
    found: dict[str, set[str]] = {VARIABLES[name].catalogue: set() for name in CATEGORIES}
    if item.kind == "ground":
        found["accelerators"].add(item.what)
    elif item.kind == "launches":
        found["vehicles"].add(item.what)
    else:
        design = economy.figures.designs[economy.figures.names.index(item.what)]
        for name in CATEGORIES:
            found[VARIABLES[name].catalogue].add(getattr(design, name))
        found["vehicles"] = {item.where}
    return found


def rows_of_accounts(economy: Economy, decisions: Decisions) -> dict[str, tuple[str, ...]]:
    """Return the data rows that move each account when changed by a millionth, those of the widest effect first."""
    items = bought(economy, decisions)
    base = _with_ground(economy, decisions)
    moved: dict[str, dict[str, float]] = {name: {} for name in base}
    for key in _keys(economy, items):
        for name, value in _nudged_sums(economy, decisions, key).items():
            change = abs(value - base[name])
            if change > ROUNDING * abs(base[name]):
                moved[name][key] = change * _reach(economy.assumptions, key)
    return {name: tuple(sorted(found, key=lambda key: -found[key])) for name, found in moved.items()}


def _reach(assumptions: Assumptions, key: str) -> float:
    """Return how far the range of a data row goes, in steps of the change by which rows are found."""
    row, step = assumptions.provenance[key], abs(value_of(assumptions, key)) * NUDGE or NUDGE
    return 0.0 if row.low is None or row.high is None else (row.high - row.low) / step


def _nudged_sums(economy: Economy, decisions: Decisions, key: str) -> Sums:
    try:
        return _with_ground(economy_under(economy, nudged(economy.assumptions, key)), decisions)
    except (ContradictionError, ArithmeticError):
        return {}


def _with_ground(economy: Economy, decisions: Decisions) -> Sums:
    capital = float((decisions.ground * economy.rival.capital_usd).sum()) if len(economy.rival.accelerators) else 0.0
    return {**sums_of(economy, decisions), GROUND_CAPITAL: capital}


def economy_under(economy: Economy, assumptions: Assumptions) -> Economy:
    """Return the same economy under other beliefs."""
    designs = dict(zip(economy.figures.names, economy.figures.designs, strict=True))
    calendar = dataclasses.replace(economy.calendar, tail_periods=0)
    return economy_of(designs, economy.launching.vehicles, assumptions, calendar, economy.terms)


def _keys(economy: Economy, items: Sequence[Bought]) -> Iterator[str]:
    """Yield single values, then the catalogue rows of every design, vehicle and accelerator of the plan."""
    yield from beliefs(economy.assumptions)
    in_force = {("vehicles", vehicle) for vehicle in economy.launching.vehicles}
    in_force |= {("accelerators", name) for name in economy.rival.accelerators}
    for design in economy.figures.designs:
        in_force |= {(VARIABLES[n].catalogue, getattr(design, n)) for n in CATEGORIES if n != "vehicle"}
    used = {item.where for item in items if item.kind == "built"}
    for catalogue, row in sorted(in_force):
        if catalogue != "vehicles" or row in used:
            yield from (f"{catalogue}.{row}.{field}" for field in FIELDS[catalogue])
