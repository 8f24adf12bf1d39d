"""The exact cost of a plan, account by account and period by period.

What each satellite costs follows the model of a whole programme; what a fleet of several years adds are the learning
of a line year by year, capacity that is built up (factory, launch sites, gateways), and ground capacity on rent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.constants import HOURS_PER_YEAR
from dawndusk.models.fleet.economy import Economy
from dawndusk.models.fleet.fleet import Decisions, Fleet, fleet_of, over_time
from dawndusk.models.fleet.launching import discounted_price_usd, volume_factor
from dawndusk.models.fleet.learning import premium_after
from dawndusk.models.programme.cost import annuity_years

Floats = NDArray[np.float64]

CAPITAL = (
    "compute",
    "hardware",
    "learning",
    "launch",
    "insurance",
    "factory",
    "launch_sites",
    "gateways",
    "development",
)
RUNNING = ("operations", "mission_control", "orbital_use", "disposal", "ground_rent")
"""Names of accounts: what is invested, and what is paid while the fleet serves."""


@dataclass(frozen=True, eq=False)
class Accounts:
    """Money in USD by account and period of the horizon and its tail, shape (Q,) each.

    Money that is spent before something is ready stands in the period in which it is; ``discounted`` has its carry
    and everything discounted to the start of the plan. ``ground_capital_usd`` is what ground capacity costs its
    owner, and no money of the plan, which pays rent.
    """

    plain: dict[str, Floats]
    discounted: dict[str, Floats]
    ground_capital_usd: Floats

    @property
    def cost_usd(self) -> float:
        """Return the discounted cost of everything that the plan buys."""
        return float(sum(amount.sum() for amount in self.discounted.values()))

    @property
    def capital_usd(self) -> float:
        """Return the plain capital, that of ground capacity included."""
        own = sum(self.plain[name].sum() for name in CAPITAL)
        return float(own + self.ground_capital_usd.sum())


def accounts_of(economy: Economy, decisions: Decisions, fleet: Fleet | None = None) -> Accounts:
    """Return the exact accounts of a plan."""
    books = _Books(economy, decisions, fleet or fleet_of(economy, decisions))
    books.satellites()
    books.learning()
    books.launches()
    books.capacity()
    books.mission_control()
    books.ground()
    return Accounts(books.plain, books.discounted, books.ground_capital)


class _Books:
    """Books the accounts one after the other."""

    def __init__(self, economy: Economy, decisions: Decisions, fleet: Fleet) -> None:
        self.e, self.d, self.fleet = economy, decisions, fleet
        calendar = economy.calendar
        self.count, self.periods = calendar.all_periods, calendar.periods
        self.discount = calendar.spread_discounts(economy.rate)
        self.began = np.exp(-economy.rate * calendar.begins_years)
        self.plain = {name: np.zeros(self.count) for name in (*CAPITAL, *RUNNING)}
        self.discounted = {name: np.zeros(self.count) for name in (*CAPITAL, *RUNNING)}
        self.ground_capital = np.zeros(self.count)

    def book(self, name: str, plain: Floats, discounted: Floats | None = None) -> None:
        """Add amounts by period; money of a period is spread over it unless ``discounted`` says otherwise."""
        span = slice(0, len(plain))
        self.plain[name][span] += plain
        self.discounted[name][span] += plain * self.discount[span] if discounted is None else discounted

    def book_while_in_orbit(self, name: str, usd_per_year: Floats) -> None:
        """Add what satellites cost each year while in orbit; yearly amounts by design and period of launch (D, P)."""
        plain = over_time(usd_per_year, self.e.staying_years, self.count)
        late = over_time(usd_per_year * self.began[: self.periods], self.e.staying_worth_years, self.count)
        self.book(name, plain.sum(axis=0), late.sum(axis=0))

    def satellites(self) -> None:
        """Book what satellites cost one by one, at the final price of their hardware."""
        e, cost, figures = self.e, self.e.assumptions.cost, self.e.figures
        built = self.d.built.sum(axis=1)
        hardware = figures.hardware_usd * cost.learning_floor
        compute = e.chips_usd + figures.fabric_usd[:, None]
        self.book("hardware", hardware @ built)
        self.book("compute", (compute * built).sum(axis=0))
        flown = (compute + hardware[:, None])[:, None, :] * self.d.built
        self.book("insurance", (flown * e.insured).sum(axis=(0, 1)))
        self.book_while_in_orbit("operations", built * (hardware * figures.operations_share_per_year)[:, None])
        arrived = self.fleet.arrived
        self.book_while_in_orbit("orbital_use", arrived * figures.orbital_use_usd_per_year[:, None])
        late = np.exp(-e.rate * e.service_years)[:, None] * self.discount[: self.periods] * arrived
        self.plain["disposal"] += figures.disposal_usd @ self.fleet.retired
        self.discounted["disposal"][: self.periods] += figures.disposal_usd @ late

    def premiums(self) -> Floats:
        """Return the learning premium of each line in each year of the horizon in USD, shape (L, Y)."""
        built = built_units(self.e, self.d)
        total = np.cumsum(built, axis=1)
        cost, before = self.e.assumptions.cost, self.e.terms.built_before
        settled = np.array([premium_after(cost, before, row) for row in total])
        return np.diff(settled, axis=1, prepend=0.0) * self.e.line_usd[:, None]

    def learning(self) -> None:
        """Book the learning premium of each year evenly over its periods, and what operations cost for it."""
        e = self.e
        by_year = self.premiums()
        by_period = np.repeat(by_year / e.calendar.steps_per_year, e.calendar.steps_per_year, axis=1)
        self.book("learning", by_period.sum(axis=0))
        share = e.line_operations_share[:, None]
        kernel = np.asarray(annuity_years(e.rate, e.line_years))[:, None]
        late = by_period * self.discount[: self.periods] * kernel * share
        self.book("operations", (by_period * share * e.line_years[:, None]).sum(axis=0), late.sum(axis=0))

    def launches(self) -> None:
        """Book launches with volume discount, what another mission pays, the premium of each year, and insurance."""
        e, rules, calendar = self.e, self.e.assumptions.launch, self.e.calendar
        flown = self.d.launches.sum(axis=1)
        bought = flown.sum(axis=1, keepdims=True)
        floor = e.launching.floor_usd[:, None]
        price = discounted_price_usd(rules, e.launching.price_usd, floor, bought)
        places = np.maximum(e.figures.per_launch, 1)[:, :, None]
        shared = np.einsum("dvp,d->vp", self.d.built / places, e.figures.paid_share)
        paid = price * flown - e.launching.price_usd * shared
        in_year = _by_year(flown, calendar.years)
        share = in_year / np.where(in_year > 0.0, np.maximum(e.launching.rate_per_year, TINY), 1.0)
        listed = discounted_price_usd(rules, e.launching.year_price_usd, floor, bought)
        surcharge = listed * rules.cadence_premium * share * share * in_year
        each = np.repeat(surcharge / calendar.steps_per_year, calendar.steps_per_year, axis=1)
        self.book("launch", (paid + each).sum(axis=0))
        self.book("insurance", ((paid + each) * e.insured).sum(axis=0))

    def capacity(self) -> None:
        """Book what is built up before it is used: development, factory, launch sites, gateways."""
        e, cost, calendar = self.e, self.e.assumptions.cost, self.e.calendar
        flown = _by_year(self.d.launches.sum(axis=(0, 1)), calendar.years)
        built = _by_year(self.d.built.sum(axis=1), calendar.years)
        value = (e.figures.hardware_usd * cost.learning_floor) @ built + self.premiums().sum(axis=0)
        ends = np.arange(1, calendar.years + 1) * calendar.steps_per_year - 1
        self._grow("factory", value * cost.factory_usd_per_usd_year)
        self._grow("launch_sites", flown * cost.site_usd_per_launch_year)
        self._grow("gateways", self.fleet.downlink_gbps[ends] * cost.gateway_usd_per_gbps)
        fixed = cost.nre_usd + cost.licence_usd + cost.ground_segment_usd
        self._grow("development", np.cumsum(flown > 0.0).astype(bool) * fixed)
        first = first_periods(e)
        for design in np.flatnonzero(self.d.built.sum(axis=(1, 2)) > 0.0):
            self._before("development", int(first[design]), e.terms.design_nre_usd)

    def _grow(self, name: str, needed_usd: Floats) -> None:
        """Book capacity that never shrinks and is ready at the begin of the year that needs it."""
        steps = self.e.calendar.steps_per_year
        highest = np.maximum.accumulate(np.maximum(needed_usd, 0.0))
        for year, amount in enumerate(np.diff(highest, prepend=0.0)):
            self._before(name, year * steps, float(amount))

    def _before(self, name: str, period: int, usd: float) -> None:
        """Book money that is spent over the lead time before a period."""
        self.plain[name][period] += usd
        self.discounted[name][period] += usd * self.e.carry * self.began[period]

    def mission_control(self) -> None:
        """Book mission control from the first launch until the last satellite retires."""
        e, calendar = self.e, self.e.calendar
        launched = self.d.built.sum(axis=1) > 0.0
        if not launched.any():
            return
        begin = float(calendar.begins_years[np.flatnonzero(launched.any(axis=0))[0]])
        last = np.array([np.flatnonzero(row)[-1] if row.any() else -1 for row in launched])
        ends = (last + 1) * calendar.length_years + e.service_years
        end = float(np.max(ends[last >= 0]))
        present = np.clip(end - calendar.begins_years, 0.0, calendar.length_years)
        present[calendar.begins_years < begin] = 0.0
        usd = e.assumptions.cost.operations_fixed_usd_per_year
        self.book("mission_control", present * usd, np.asarray(annuity_years(e.rate, present)) * self.began * usd)

    def ground(self) -> None:
        """Book the rent of ground capacity; its capital is its owner's."""
        e, rival = self.e, self.e.rival
        if not len(rival.pflops):
            return
        units = self.d.ground * rival.rent_usd_per_worth * rival.pflops[:, None] * HOURS_PER_YEAR
        late = np.exp(-e.worth_rate * e.calendar.begins_years[: self.periods])
        kernel = np.broadcast_to(rival.worth_years, (len(rival.pflops), len(rival.worth_years)))
        discounted = over_time(units * late, kernel, self.count).sum(axis=0)
        self.book("ground_rent", discounted / self.discount, discounted)
        self.ground_capital[: self.periods] = (self.d.ground * rival.capital_usd).sum(axis=0)


TINY = 1e-12


def _by_year(values: Floats, years: int) -> Floats:
    """Return the sums over the periods of each year, last axis of length ``years``."""
    return np.asarray(values.reshape(*values.shape[:-1], years, -1).sum(axis=-1))


def built_units(economy: Economy, decisions: Decisions) -> Floats:
    """Return what each line builds in each year of the horizon, in reference satellites, shape (L, Y)."""
    built = _by_year(decisions.built.sum(axis=1), economy.calendar.years)
    units = built * (economy.figures.hardware_usd / economy.line_usd[economy.line_of])[:, None]
    total = np.zeros((len(economy.lines), economy.calendar.years))
    np.add.at(total, economy.line_of, units)
    return total


def first_periods(economy: Economy) -> NDArray[np.intp]:
    """Return the first period in which each design may be launched; the last one where it never may."""
    last = economy.calendar.periods - 1
    return np.where(economy.opens.any(axis=1), np.argmax(economy.opens, axis=1), last)


__all__ = ["CAPITAL", "RUNNING", "Accounts", "accounts_of", "built_units", "first_periods", "volume_factor"]
