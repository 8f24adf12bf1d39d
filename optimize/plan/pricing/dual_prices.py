"""What the rows of a plan's relaxation charge any satellite for, and what they pay for it.

The columns of a design are linear in its figures: what its hardware costs, how many of it a launch carries, what it
serves in each period after its launch. So the dual values of the rows come to a price of each figure, on each vehicle
in each period, and the reduced cost of a design is a sum over its figures. The prices are read off the columns of
probes, whose figures are known; the columns of the catalogue confirm them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.errors import DawnduskError
from dawndusk.models.fleet.economy import Economy
from dawndusk.optimize.errors import CertificateError
from dawndusk.optimize.plan.model.rows.fleet import THOUSAND
from dawndusk.optimize.plan.model.rows.limits import usd_of_budget
from dawndusk.optimize.plan.pricing.restricted_master import MasterOptimum, RestrictedMaster
from dawndusk.optimize.plan.problem.problem import Objective

Floats = NDArray[np.float64]

CONFIRMED = 1e-6
"""Relative to what a launch is charged: how far the prices may be from the columns that they are read off."""
MONEY = ("capital_limit", "cost_limit", "least_value", "levelised_cost_limit")
SERVING = {"compute_demand": "compute", "power_demand": "power", "power_limit": "power", "worth_delivered": "worth"}
IN_ORBIT = {
    "licence_milestone": "orbit",
    "licensed_satellites": "orbit",
    "downlink_capacity": "traffic",
    "gateway_capacity": "traffic",
}
UNPRICED = ("arrival", "choice")
"""Rows that speak of named designs."""


@dataclass(frozen=True, eq=False)
class DualPrices:
    """Prices in USD. V vehicles, O orbits, P periods of launch, J periods since the launch.

    Attributes
    ----------
    slot : array
        Of a whole launch, shape (V, O, P).
    hardware : array
        Of each USD of hardware of a satellite that is built, shape (V, P); ``running`` of each USD of its operations at
        that price and discounted year in orbit, shape (P,).
    on_board : array
        Of each USD of accelerators and their network, shape (V, P).
    each : array
        Of a satellite that is built, shape (P,).
    credit : array
        What a whole launch is worth to another mission, shape (V, P).
    fee, disposal : array
        Of each USD that a satellite which arrives costs by discounted year in orbit, and when it retires, shape (P,).
    power, compute, worth : array
        Paid for a year of a kW, of a PFLOP/s, and of a PFLOP/s discounted to the begin of the period of launch, shape
        (P, J).
    orbit, traffic : array
        Paid for a satellite, and for a Gbit/s of it, in orbit at the end of a period, shape (P, J).
    """

    slot: Floats
    hardware: Floats
    running: Floats
    on_board: Floats
    each: Floats
    credit: Floats
    fee: Floats
    disposal: Floats
    power: Floats
    compute: Floats
    worth: Floats
    orbit: Floats
    traffic: Floats

    def mixed(self, other: DualPrices, share: float) -> DualPrices:
        """Return these prices with a share of others in them."""
        return DualPrices(
            *((1.0 - share) * getattr(self, f.name) + share * getattr(other, f.name) for f in fields(self))
        )


@dataclass(frozen=True, eq=False)
class ReducedCosts:
    """Reduced costs in USD per launch full of a design, infinite where it can not be flown; shape (D, V, P).

    ``charged`` is what such a launch is charged for, without what is paid for what it brings up.
    """

    usd: Floats
    charged: Floats

    @property
    def relative(self) -> Floats:
        """Return the reduced costs over what is charged."""
        known = np.where(np.isfinite(self.usd), self.usd, 0.0) / np.where(np.isfinite(self.usd), self.charged, 1.0)
        return np.asarray(np.where(np.isfinite(self.usd), known, np.inf))

    def least(self) -> Floats:
        """Return the least relative reduced cost of each design, shape (D,)."""
        return np.asarray(self.relative.min(axis=(1, 2)))


def prices_of(master: RestrictedMaster, relaxed: MasterOptimum, factor: float = 1.0) -> DualPrices:
    """Return the prices at an optimum of the relaxation.

    Raises
    ------
    CertificateError
        Where they do not give the reduced costs of the catalogue.
    """
    reader = _Reader(master, relaxed)
    reader.read()
    prices = DualPrices(**reader.found)
    _confirm(master, relaxed, prices, factor)
    return prices


def reduced_costs(prices: DualPrices, economy: Economy, orbits: Sequence[str], factor: float = 1.0) -> ReducedCosts:
    """Return the reduced costs of the designs of an economy.

    Parameters
    ----------
    orbits : sequence of str
        Names of the orbits in the order of the prices.
    factor : float
        How many satellites reach orbit for each that does.
    """
    figures, launching, periods = economy.figures, economy.launching, economy.calendar.periods
    orbit = np.array([orbits.index(design.orbit) for design in figures.designs])
    stay = economy.staying_worth_years.sum(axis=1)
    places = figures.per_launch[:, :, None].astype(np.float64)
    on_board = (economy.chips_usd + figures.fabric_usd[:, None])[:, None, :]
    hardware = figures.hardware_usd[:, None, None] * (
        prices.hardware[None] + (prices.running[None] * (stay * figures.operations_share_per_year)[:, None])[:, None, :]
    )
    built = hardware + on_board * prices.on_board[None] + prices.each[None, None]
    charged = np.moveaxis(prices.slot, 1, 0)[orbit] + places * built
    leaves = (figures.disposal_usd * np.exp(-economy.rate * economy.service_years))[:, None] * prices.disposal[None]
    fees = (figures.orbital_use_usd_per_year * stay)[:, None] * prices.fee[None]
    worth = _paid(prices, economy, periods) - fees - leaves
    paid = places * factor * launching.success[None] * worth[:, None, :]
    paid = paid + figures.paid_share[:, None, None] * prices.credit[None]
    can = (places > 0.0) & economy.opens[:, None, :] & (launching.most_in_period > 0)[None]
    return ReducedCosts(np.where(can, charged - paid, np.inf), charged)


def _paid(prices: DualPrices, economy: Economy, periods: int) -> Floats:
    """Return what is paid for a satellite of each design that arrives in each period, shape (D, P)."""
    figures, kernels = economy.figures, economy.kernels
    sized = (
        (prices.power, kernels.serving_years, figures.it_power_kw),
        (prices.compute, kernels.serving_years, figures.pflops),
        (prices.worth, kernels.worth_years, figures.pflops),
        (prices.orbit, kernels.in_orbit, np.ones(len(figures))),
        (prices.traffic, kernels.in_orbit, figures.traffic_gbps),
    )
    total = np.zeros((len(figures), periods))
    for paid, kernel, size in sized:
        count = min(paid.shape[1], kernel.shape[1])
        total += size[:, None] * (kernel[:, :count] @ paid[:, :count].T)
    return total


class _Reader:
    """Reads prices off the columns of the probes of a relaxation."""

    def __init__(self, master: RestrictedMaster, relaxed: MasterOptimum) -> None:
        self.master, self.relaxed = master, relaxed
        self.frame = master.model.frame
        self.e: Economy = self.frame.economy
        e = self.e
        shape = len(e.launching.vehicles), e.calendar.periods
        spans = e.calendar.periods, e.kernels.serving_years.shape[1]
        self.place = {id(column): k for k, column in enumerate(master.columns)}
        self.period = {label: p for p, label in enumerate(e.calendar.labels)}
        self.number = {name: d for d, name in enumerate(e.figures.names)}
        self.found: dict[str, Floats] = {
            "slot": np.full((shape[0], len(master.probes), shape[1]), np.inf),
            **{name: np.zeros(shape) for name in ("hardware", "on_board", "credit")},
            **{name: np.zeros(shape[1]) for name in ("running", "each", "fee", "disposal")},
            **{name: np.zeros(spans) for name in ("power", "compute", "worth", "orbit", "traffic")},
        }

    def read(self) -> None:
        """Read all prices; those of launches off every probe, the others off the first one that has them."""
        m, master = self.master.model, self.master
        weights = self._books()
        self._own_money(weights)
        place = self.place
        for o, name in enumerate(master.probes):
            for v, vehicle in enumerate(self.frame.vehicles):
                for p in self.frame.periods:
                    label = self.frame.labels[p]
                    if (name, vehicle, label) in m.share:
                        self._launched(o, v, p, place[id(m.share[name, vehicle, label])], place)
        for p in self.frame.periods:
            key = next(
                ((n, self.frame.labels[p]) for n in master.probes if (n, self.frame.labels[p]) in m.arrived), None
            )
            if key is not None:
                self._arrived(self.number[key[0]], p, place[id(m.arrived[key])])

    def _books(self) -> dict[bool, float]:
        """Return how much plain (True) and discounted (False) money counts: in the objective and in limits."""
        own = self.master.problem.objective is Objective.CAPITAL
        weights = {own: 1.0, not own: 0.0}
        plain = {"capital_limit": True}
        units = self._units_of_limits()
        for row, dual in enumerate(self.relaxed.dual):
            family = self.master.family(row)
            if family in MONEY and dual:
                sign = -1.0 if family == "least_value" else 1.0
                weights[plain.get(family, False)] -= sign * dual * units[family]
        return weights

    def _units_of_limits(self) -> dict[str, float]:
        """Return what a USD of cost is in the rows of each limit on money."""
        from dawndusk.optimize.plan.model.rows import limits  # noqa: PLC0415 (only for plans with such limits)

        f, stated = self.frame, self.master.problem.limits
        found = {
            "capital_limit": 1.0 / limits.usd_of_capital(f),
            "cost_limit": 1.0 / limits.usd_of_cost(f),
            "least_value": 1.0 / limits.usd_of_value(f),
        }
        if stated.lcoc_usd_per_pflop_hour is not None:
            found["levelised_cost_limit"] = 1.0 / (stated.lcoc_usd_per_pflop_hour * limits.typical_worth(f))
        return found

    def _own_money(self, weights: dict[bool, float]) -> None:
        """Add what a satellite costs by itself, see ``coefficients_of``."""
        e, cost, found = self.e, self.e.assumptions.cost, self.found
        spread = e.calendar.spread_discounts(e.rate)[: e.calendar.periods]
        began = np.exp(-e.rate * e.calendar.begins_years[: e.calendar.periods])
        flown = (1.0 + e.insured) * (weights[True] + weights[False] * spread)
        found["hardware"] += flown * cost.learning_floor
        found["on_board"] += flown
        found["credit"] += flown * e.launching.price_usd
        found["running"] += weights[False] * cost.learning_floor * began
        found["fee"] += weights[False] * began
        found["disposal"] += weights[False] * spread

    def _launched(self, orbit: int, vehicle: int, period: int, column: int, place: dict[int, int]) -> None:
        """Add what the rows charge a launch of a probe for."""
        e, found = self.e, self.found
        d = self.number[self.master.probes[orbit]]
        places, hardware = float(e.figures.per_launch[d, vehicle]), float(e.figures.hardware_usd[d])
        first = orbit == 0
        for row, value in self.master.entries(column):
            family, charge = self.master.family(row), -float(self.relaxed.dual[row])
            if family == "manifest":
                launches = self.master.model.launches[self.master.label(row)]
                spare = max(float(self.relaxed.idle[place[id(launches)]]), 0.0)
                found["slot"][vehicle, orbit, period] = charge * value + spare
            elif family == "factory_capacity" and first:
                found["hardware"][vehicle, period] += charge * value / (places * hardware)
            elif family == "production_rate" and first and vehicle == self._first_vehicle(orbit, period):
                found["each"][period] += charge * value / places
            elif family == "budget" and first:
                self._spent(vehicle, period, row, charge)
            elif family not in {*UNPRICED, *MONEY, "factory_capacity", "production_rate", "budget"}:
                raise DawnduskError(f"columns: the rule {family} has no price for designs beyond the catalogue")

    def _first_vehicle(self, orbit: int, period: int) -> int:
        shares, label = self.master.model.share, self.frame.labels[period]
        name = self.master.probes[orbit]
        return next(v for v, vehicle in enumerate(self.frame.vehicles) if (name, vehicle, label) in shares)

    def _spent(self, vehicle: int, period: int, row: int, charge: float) -> None:
        """Add what a yearly budget charges for what is spent once; what runs on is let off."""
        e, stated = self.e, self.master.problem.limits.budget
        year, own = e.calendar.year_labels.index(str(self.master.label(row))), int(e.calendar.year_of[period])
        if stated is None or not (year == own or (stated.carry_over and year > own)):
            return
        rate = charge / usd_of_budget(self.frame)
        insured = 1.0 + float(e.insured[vehicle, period])
        self.found["hardware"][vehicle, period] += rate * insured * e.assumptions.cost.learning_floor
        self.found["on_board"][vehicle, period] += rate * insured
        self.found["credit"][vehicle, period] += rate * float(e.launching.price_usd[vehicle, period])

    def _arrived(self, probe: int, period: int, column: int) -> None:
        """Add what the rows pay for a thousand satellites that arrive."""
        figures, kernels = self.e.figures, self.e.kernels
        sizes = {
            "power": float(figures.it_power_kw[probe]),
            "compute": float(figures.pflops[probe]),
            "worth": float(figures.pflops[probe]),
            "orbit": 1.0,
            "traffic": float(figures.traffic_gbps[probe]),
        }
        for row, value in self.master.entries(column):
            family, paid = self.master.family(row), float(self.relaxed.dual[row]) * value / THOUSAND
            if family in UNPRICED or family in MONEY or family == "budget":
                continue
            name = SERVING.get(family) or IN_ORBIT.get(family)
            if name is None:
                raise DawnduskError(f"columns: the rule {family} has no price for designs beyond the catalogue")
            kernel = kernels.in_orbit if family in IN_ORBIT else kernels.serving_years
            kernel = kernels.worth_years if name == "worth" else kernel
            late = self._late(family, self.master.label(row)) - period
            self.found[name][period, late] += paid / (sizes[name] * float(kernel[probe, late]))

    def _late(self, family: str, label: Any) -> int:
        """Return the period that a row speaks of."""
        calendar = self.e.calendar
        if family == "gateway_capacity":
            return calendar.year_labels.index(str(label)) * calendar.steps_per_year + calendar.steps_per_year - 1
        if family == "licence_milestone":
            licence = self.master.problem.limits.licences[label[0]]
            stated = {f"{share:.0%} by {date:g}": date for date, share in licence.milestones}
            return calendar.period_at(stated[label[1]]) - 1
        if family == "worth_delivered":
            return self.period[label[0]]
        return self.period[label[1] if family == "licensed_satellites" else label]


def _confirm(master: RestrictedMaster, relaxed: MasterOptimum, prices: DualPrices, factor: float) -> None:
    """Compare the prices with what the solver makes of the columns of the catalogue.

    What runs on in a yearly budget and a choice that names a design are not among the prices: there they are no more.
    """
    economy, launching = master.problem.economy, master.problem.economy.launching
    figures = economy.figures
    found = reduced_costs(prices, economy, orbits_of(master), factor)
    index, place = _numbers(figures.names), {id(column): k for k, column in enumerate(master.columns)}
    vehicles, periods = _numbers(launching.vehicles), _numbers(economy.calendar.labels)
    exact = master.problem.limits.budget is None and not master.problem.choices
    for k in master.shares:
        design, vehicle, label = master.columns[k].index()
        d, v, p = index[design], vehicles[vehicle], periods[label]
        launches = master.model.launches[vehicle, figures.designs[d].orbit, label]
        arriving = factor * float(figures.per_launch[d, v] * launching.success[v, p]) / THOUSAND
        known = float(relaxed.idle[k]) + arriving * float(relaxed.idle[place[id(master.model.arrived[design, label])]])
        known += max(float(relaxed.idle[place[id(launches)]]), 0.0)
        beyond = float(found.usd[d, v, p]) - known
        if beyond > CONFIRMED * found.charged[d, v, p] or (exact and -beyond > CONFIRMED * found.charged[d, v, p]):
            raise CertificateError(
                f"columns: the prices give a launch of {design} on {vehicle} in {label} a reduced cost of "
                f"{found.usd[d, v, p]:.9g} USD, the relaxation one of {known:.9g}"
            )


def orbits_of(master: RestrictedMaster) -> list[str]:
    """Return the orbits of the probes, in their order."""
    figures = master.problem.economy.figures
    return [figures.designs[figures.names.index(name)].orbit for name in master.probes]


def _numbers(names: Sequence[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(names)}
