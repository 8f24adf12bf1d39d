"""From fractions to whole satellites on whole launches that still meet what is asked for.

Launches and satellites are rounded up in their running totals, so that rounding costs at most one of each over the
whole horizon; satellites take whole places on whole launches; what a period can not carry flies in the next. Where
the demand is then missed, satellites are added, on free places first and on further launches where there are any.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.fleet.calendar import YearPath
from dawndusk.models.fleet.economy import Economy
from dawndusk.models.fleet.fleet import KW_PER_MW, Decisions, fleet_of
from dawndusk.optimize.plan.problem.coefficients import Coefficients, coefficients_of
from dawndusk.optimize.plan.problem.manifest import carried, loads
from dawndusk.optimize.plan.problem.problem import PlanProblem
from dawndusk.optimize.plan.solve.reading import FractionalPlan

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

ROUNDING = 1e-6
MOST_ROUNDS = 4000
ENOUGH = 1e-9


def repaired(problem: PlanProblem, wish: FractionalPlan) -> Decisions:
    """Return whole decisions near a wish; what they cost and break is for ``score`` to say."""
    packer = _Packer(problem, wish)
    packer.round_launches()
    packer.pack()
    packer.meet_demand()
    return packer.decisions()


@dataclass
class _Packer:
    problem: PlanProblem
    wish: FractionalPlan
    launches: Counts = field(init=False)
    built: Counts = field(init=False)
    ground: Floats = field(init=False)
    coefficients: Coefficients = field(init=False)

    def __post_init__(self) -> None:
        self.built = np.zeros(self.wish.share.shape, dtype=np.int64)
        self.launches = np.zeros(self.wish.launches.shape, dtype=np.int64)
        self.ground = self.wish.ground.copy()
        self.coefficients = coefficients_of(self.economy, self.problem.objective)
        self.most_built = self._most_built()

    @property
    def economy(self) -> Economy:
        return self.problem.economy

    def _most_built(self) -> Floats:
        """Return the most satellites built in each period."""
        path, calendar = self.problem.limits.satellites_per_year, self.economy.calendar
        if path is None:
            return np.full(calendar.periods, np.inf)
        return np.floor(path.at(calendar.middles[: calendar.periods]) * calendar.length_years + ROUNDING)

    def round_launches(self) -> None:
        """Round launches up in their running totals, within what can be bought in each period and year."""
        for v in range(self.launches.shape[0]):
            for o in range(self.launches.shape[1]):
                total = np.ceil(np.cumsum(self.wish.launches[v, o]) - ROUNDING)
                self.launches[v, o] = np.diff(total, prepend=0.0).astype(np.int64)
            for p in range(self.launches.shape[2]):
                while self.launches[v, :, p].sum() > 0 and self._free_launches(v, p) < 0:
                    self.launches[v, int(np.argmax(self.launches[v, :, p])), p] -= 1

    def _free_launches(self, v: int, p: int) -> int:
        """Return how many more launches of a vehicle can be bought in a period."""
        launching, steps = self.economy.launching, self.economy.calendar.steps_per_year
        year = p // steps
        in_year = launching.most_in_year[v, year] - self.launches[v, :, year * steps : (year + 1) * steps].sum()
        in_period = launching.most_in_period[v, p] - self.launches[v, :, p].sum()
        free = min(in_year, in_period, self._free_on_ramp(year))
        for name, site in self.problem.limits.sites.items():
            if self.economy.launching.vehicles[v] in site.vehicles:
                free = min(free, self._free_at(name, year))
        return int(free)

    def _free_on_ramp(self, year: int) -> float:
        """Return how many more launches the growth of the programme allows in a year."""
        limits, steps = self.problem.limits, self.economy.calendar.steps_per_year
        if limits.first_launches_per_year is None:
            return np.inf
        by_year = self.launches.sum(axis=(0, 1)).reshape(-1, steps).sum(axis=1)
        before = by_year[year - 1] if year else 0
        most = limits.first_launches_per_year + (1.0 + limits.launch_growth) * before
        return float(np.floor(most + ENOUGH) - by_year[year])

    def _free_at(self, name: str, year: int) -> int:
        site, calendar = self.problem.limits.sites[name], self.economy.calendar
        chosen = [v for v, vehicle in enumerate(self.economy.launching.vehicles) if vehicle in site.vehicles]
        span = slice(year * calendar.steps_per_year, (year + 1) * calendar.steps_per_year)
        most = float(site.launches_per_year.at(calendar.year_middles)[year])
        return int(np.floor(most + ENOUGH) - self.launches[chosen, :, span].sum())

    def pack(self) -> None:
        """Fill launches with what the wish has launched by then, and free places with what comes next."""
        places = self.economy.figures.per_launch
        wanted = np.cumsum(self.wish.share * places[:, :, None], axis=2)
        whole = np.ceil(wanted - ROUNDING).astype(np.int64)
        last = whole.shape[2] - 1
        for v in range(whole.shape[1]):
            for p in range(whole.shape[2]):
                self._fill(v, p, whole[:, v, p])
                if p < last:
                    self._fill(v, p, whole[:, v, p + 1])

    def _fill(self, v: int, p: int, target: Counts) -> None:
        """Put satellites on the launches of a vehicle in a period until their running totals reach a target."""
        places = self.economy.figures.per_launch
        done = self.built[:, v, : p + 1].sum(axis=1)
        for o in range(self.launches.shape[1]):
            flies = (self.economy.orbit_of == o) & (places[:, v] > 0) & self.economy.opens[:, p]
            chosen = [int(d) for d in np.flatnonzero(flies)]
            aboard = {d: int(self.built[d, v, p]) for d in chosen}
            more = {d: aboard[d] + max(int(target[d] - done[d]), 0) for d in chosen}
            room = self.most_built[p] - self.built[:, :, p].sum()
            fits = carried(loads(more, {d: int(places[d, v]) for d in chosen}, int(self.launches[v, o, p])))
            for d in chosen:
                extra = int(min(max(fits.get(d, 0) - aboard[d], 0), room))
                if self._fits(v, o, p, d, extra):
                    self.built[d, v, p] += extra
                    room -= extra

    def _fits(self, v: int, o: int, p: int, design: int, extra: int) -> bool:
        """Return whether some more satellites of a design fit the launches of a period."""
        return extra <= 0 or self.left_out(v, o, p, {design: extra}) == 0

    def left_out(self, v: int, o: int, p: int, extra: dict[int, int], further: int = 0) -> int:
        """Return how many satellites do not fit, with some extra ones and on further launches."""
        places = self.economy.figures.per_launch
        aboard = {
            int(d): int(self.built[d, v, p]) + extra.get(int(d), 0)
            for d in np.flatnonzero(self.economy.orbit_of == o)
            if self.built[d, v, p] or int(d) in extra
        }
        fits = carried(loads(aboard, {d: int(places[d, v]) for d in aboard}, int(self.launches[v, o, p]) + further))
        return sum(aboard.values()) - sum(fits.values())

    def meet_demand(self) -> None:
        """Add satellites or ground capacity where the demand is missed, the cheapest per what is missed first."""
        demand, figures, rival = self.problem.demand, self.economy.figures, self.economy.rival
        for path, each, ground, name in (
            (demand.least_pflops, figures.pflops, rival.pflops, "pflops"),
            (demand.least_power_mw, figures.it_power_kw / KW_PER_MW, rival.it_power_kw / KW_PER_MW, "power_mw"),
        ):
            if path is not None:
                self._meet(path, each, ground, name)

    def _meet(self, path: YearPath, each: Floats, ground: Floats, name: str) -> None:
        calendar = self.economy.calendar
        asked = path.at(calendar.middles[: calendar.periods])
        stuck: set[int] = set()
        for _ in range(MOST_ROUNDS):
            served = getattr(fleet_of(self.economy, self.decisions()), name)[: calendar.periods]
            missing = asked - served
            short = [int(p) for p in np.flatnonzero(missing > ENOUGH * asked) if p not in stuck]
            if not short:
                return
            if not self._add_for(short[0], float(missing[short[0]]), each, ground):
                stuck.add(short[0])

    def _add_for(self, q: int, missing: float, each: Floats, ground: Floats) -> bool:
        """Add capacity for a period; return whether any could be added."""
        options = sorted(self._options(q, each))
        for _, p, v, d, needed in options:
            most = int(min(np.ceil(missing / needed), self.most_built[p] - self.built[:, :, p].sum()))
            added = self._add(d, v, p, most)
            if added:
                return True
        return self._add_ground(q, missing, ground)

    def _options(self, q: int, each: Floats) -> list[tuple[float, int, int, int, float]]:
        """Return cost per capacity in a period with where it comes from: period, vehicle, design, capacity of one."""
        e, found = self.economy, []
        kernel = e.kernels.serving_years / e.calendar.length_years
        for d in range(len(e.figures)):
            for p in range(max(0, q - kernel.shape[1] + 1), q + 1):
                if not e.opens[d, p]:
                    continue
                for v in np.flatnonzero(e.figures.per_launch[d] > 0):
                    capacity = float(kernel[d, q - p] * each[d] * e.launching.success[v, p])
                    if capacity <= ENOUGH or (self._free_launches(int(v), p) <= 0 and not self.launches[v, :, p].any()):
                        continue
                    usd = self.coefficients.built[d, v, p] + self.coefficients.arrived[d, p]
                    usd += self.coefficients.launch[v, p] / e.figures.per_launch[d, v]
                    used = 0.0 if self.built[d].any() else 1.0  # a design that is not developed comes last
                    served = float(e.kernels.serving_years[d].sum() * each[d])
                    found.append((used * 1e30 + float(usd) / served, p, int(v), d, capacity))
        return found

    def _add(self, d: int, v: int, p: int, most: int) -> int:
        """Add up to ``most`` satellites of a design, on free places first; return how many."""
        o = int(self.economy.orbit_of[d])
        places = int(self.economy.figures.per_launch[d, v])
        added = 0
        while added < most:
            batch = min(most - added, places)
            while batch and self.left_out(v, o, p, {d: batch}):
                batch -= 1
            if not batch:
                if self._free_launches(v, p) <= 0:
                    break
                self.launches[v, o, p] += 1
                continue
            self.built[d, v, p] += batch
            added += batch
        return added

    def _add_ground(self, q: int, missing: float, ground: Floats) -> bool:
        rival = self.economy.rival
        length = self.economy.calendar.length_years
        for p in range(q, -1, -1):
            for a in np.argsort(self.coefficients.ground[:, p] / ground if len(ground) else []):
                late = q - p
                if (
                    rival.opens[a, p]
                    and late < len(rival.serving_years)
                    and self.problem.limits.ground_mw_per_year is None
                ):
                    self.ground[a, p] += missing * (1.0 + ROUNDING) / (ground[a] * rival.serving_years[late] / length)
                    return True
        return False

    def decisions(self) -> Decisions:
        """Return the decisions as they are now; launches that carry nothing are not bought."""
        return Decisions(self.built.astype(float), self._needed_launches().astype(float), self.ground)

    def _needed_launches(self) -> Counts:
        needed = self.launches.copy()
        places = self.economy.figures.per_launch
        forced = {choice.vehicle for choice in self.problem.choices.values() if choice.least > 0.0}
        for v, o, p in np.argwhere(self.launches > 0):
            if self.economy.launching.vehicles[v] in forced:
                continue
            chosen = np.flatnonzero(self.economy.orbit_of == o)
            aboard = {int(d): int(self.built[d, v, p]) for d in chosen if self.built[d, v, p]}
            fitted = loads(aboard, {d: int(places[d, v]) for d in aboard}, int(needed[v, o, p]))
            needed[v, o, p] = sum(bool(launch) for launch in fitted)
        return needed
