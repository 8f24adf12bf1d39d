"""A better plan near one that is known: whole satellites on whole launches at the prices that learning has there.

At a plan the learning premium is replaced by its tangents. Where the premium is concave they lie above it, so that a
plan which is cheaper by them is cheaper (Horst, Thoai, DC programming: overview, J. Optimization Theory and
Applications 1999). The relaxation says which satellites are worth buying on which vehicle and when; over those alone,
satellites and launches are whole numbers. What it finds is costed exactly and the tangents are moved there. None of
this is a bound.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.fleet.accounts import built_units
from dawndusk.models.fleet.economy import Economy
from dawndusk.models.fleet.fleet import Decisions
from dawndusk.models.fleet.launching import volume_factor
from dawndusk.models.fleet.learning import premium_after
from dawndusk.optimize.plan.model.frame import Book, Frame
from dawndusk.optimize.plan.model.milp import plan_model
from dawndusk.optimize.plan.model.pieces import Pieces, Price, most_units
from dawndusk.optimize.plan.problem.manifest import carried, loads
from dawndusk.optimize.plan.problem.problem import Objective, PlanProblem
from dawndusk.optimize.plan.problem.score import ScoredPlan
from dawndusk.optimize.plan.problem.tighten import margins_for, tightened
from dawndusk.optimize.plan.solve.direct import MatrixModel
from dawndusk.optimize.plan.solve.reading import FractionalPlan, wish_of
from dawndusk.optimize.plan.solve.repair import repaired

Floats = NDArray[np.float64]
Offer = Callable[[Decisions], ScoredPlan]

POLISH_ROUNDS = 4
LEAST_GAIN = 0.1
"""Share of the gap asked for that a round has to close for another one to follow."""
MOST_WHOLE = 2000.0
"""Satellites of a design in a period from which their number is left continuous: rounding moves it by 0.05 %."""
MOST_CHOICES = 300
"""Satellites by design, vehicle and period that are whole numbers at a time."""
NEAR = 0.02
"""Reduced cost over own cost up to which something that is not bought may still be."""
GAP_OF_WHOLE = 0.1
"""Share of the gap asked for that whole numbers are looked for to."""
MOST_NODES, MOST_WORK = 3000, 2e5
"""Nodes of one search, and nodes times columns: an amount of work, not of time, so that a seed has one result. The root
of a large search takes longer than all its nodes, which seldom find a better plan."""
MARGIN = 1e-6
OF_CONTINUOUS = ("compute_demand", "power_demand", "power_limit", "downlink_capacity", "licence_milestone")
"""Share of room that is kept, for the tolerance of the solver, from rules that ground and failures make continuous."""
MOST_MISSED = 0.1
"""Rules that are broken by a larger share than this are not broken by rounding."""
STEP = 1e-6


def polish(
    problem: PlanProblem,
    best: ScoredPlan,
    offer: Offer,
    *,
    time_limit_s: float,
    gap: float,
    seed: int,
    around: Decisions | None = None,
    rounds: int = POLISH_ROUNDS,
) -> ScoredPlan:
    """Return the best plan found near a known one, itself where none is better.

    The known one may break rules by a little: whatever keeps them all is better.

    Parameters
    ----------
    around : Decisions, optional
        Where the first tangents are, whole or not; at the known plan without it.
    offer : callable
        Costs decisions exactly and keeps them where they are the best so far.
    gap : float
        That asked for of the plan: whole numbers are looked for to a part of it.
    rounds : int
        Rounds that end with a plan; none follows one that gains little.
    """
    search = _Search(problem, best, offer, gap, seed, time.monotonic() + time_limit_s)
    for _ in range(POLISH_ROUNDS):
        if search.left_s <= 0.0 or not search.step(around or search.best.decisions):
            break
        around = None
        rounds -= not search.best.broken
        if rounds <= 0:
            break
    return search.best


@dataclass
class _Search:
    problem: PlanProblem
    best: ScoredPlan
    offer: Offer
    gap: float
    seed: int
    deadline: float
    margins: dict[str, float] = field(default_factory=lambda: dict.fromkeys(OF_CONTINUOUS, MARGIN))

    @property
    def left_s(self) -> float:
        return self.deadline - time.monotonic()

    def step(self, around: Decisions) -> bool:
        """Look once, with tangents somewhere; return whether to look again."""
        found = self.found(around)
        if found is None:
            return False
        if found.broken:
            self.margins = margins_for(found.broken, self.margins)
            return all(held.excess <= MOST_MISSED for held in found.broken)
        sign = self.problem.objective.sign
        before = self.best
        if before.broken:
            self.best = found
            return True
        if sign * found.objective < sign * before.objective:
            self.best = found
        return sign * (before.objective - found.objective) > LEAST_GAIN * self.gap * abs(before.objective)

    def found(self, around: Decisions) -> ScoredPlan | None:
        """Return the best plan by tangents, costed exactly."""
        less = tightened(self.problem, self.margins, self.best.accounts.cost_usd)
        straight = tangents(less, around)
        relaxed = self.direct(less, straight)
        answer = relaxed.solve(time_limit_s=self.left_s / 2, relaxed=True)
        if not answer.has_solution:
            return None
        chosen = _worth_buying(relaxed, answer.values, self.best)
        satellites = chosen & (self.best.decisions.built < MOST_WHOLE)
        direct = self.direct(less, dataclasses.replace(straight, satellites=satellites), chosen)
        scale = self.best.accounts.cost_usd / direct.model.money_unit
        answer = direct.solve(
            time_limit_s=self.left_s,
            abs_gap=max(GAP_OF_WHOLE * self.gap * scale, STEP),
            start=start_of(direct.model, self.best),
            options={"mip_max_nodes": max(int(min(MOST_NODES, MOST_WORK / len(direct))), 1)},
        )
        if not answer.has_solution:
            return None
        direct.load(answer)
        return self.offer(whole_of(self.problem, wish_of(direct.model)))

    def direct(self, problem: PlanProblem, pieces: Pieces, chosen: NDArray[np.bool_] | None = None) -> MatrixModel:
        """Return the model of a problem with its pieces, of what is chosen alone where that is stated."""
        model = plan_model(problem, pieces)
        fix_first_pieces(model)
        if problem.objective is Objective.LCOC:
            price = self.best.lcoc_usd_per_pflop_hour
            model.worth_price.set_value(price * model.worth_unit / model.money_unit)
        if chosen is not None:
            index = _indices(model.frame)
            for key, variable in model.share.items():
                if not chosen[index(key)]:
                    variable.fix(0.0)
        return MatrixModel(model, seed=self.seed)


def tangents(problem: PlanProblem, decisions: Decisions) -> Pieces:
    """Return pieces with the tangent of each line's premium in each year at what a plan has built by then.

    The premium is never below zero once it has come back to it, so neither is its tangent. The volume discount is that
    of the plan, with what one more launch takes off all others.
    """
    economy = problem.economy
    cost, before = economy.assumptions.cost, economy.terms.built_before
    totals = np.cumsum(built_units(economy, decisions), axis=1)
    cuts: dict[str, tuple[Floats, ...]] = {}
    heights: dict[str, tuple[Floats, ...]] = {}
    floor = float(premium_after(cost, before, np.array([1e30]))[0])
    for number, line in enumerate(economy.lines):
        most = max(most_units(economy, number), 1.0)
        lines = []
        for at in totals[number]:
            if at < 1.0:
                lines.append((0.0, float(premium_after(cost, before, np.array([1.0]))[0])))
                continue
            low, high = premium_after(cost, before, np.array([at * (1.0 - STEP), at * (1.0 + STEP)]))
            slope = float((high - low) / (2.0 * STEP * at))
            lines.append(((low + high) / 2.0 - slope * at, slope))
        found = [_bent(start, slope, floor, most) for start, slope in lines]
        cuts[line] = tuple(np.array(x) for x, _ in found)
        heights[line] = tuple(np.array(y) for _, y in found)
    launching = economy.launching
    most_bought = np.maximum(launching.most_in_year.sum(axis=1), 1).astype(float)
    flown = decisions.launches.sum(axis=1)
    straight = Pieces(
        cuts,
        {name: np.array([0.0, most]) for name, most in zip(launching.vehicles, most_bought, strict=True)},
        heights=heights,
        whole=np.ones(launching.most_in_period.shape, dtype=bool),
        flown=flown.reshape(len(flown), economy.calendar.years, -1).sum(axis=2),
    )
    first, *others = _marginal_prices(problem, straight, flown)
    return dataclasses.replace(straight, prices=first, limit_prices=others[0] if others else {})


def _marginal_prices(
    problem: PlanProblem, straight: Pieces, flown: Floats
) -> Iterator[dict[str, tuple[tuple[Price, ...], ...]]]:
    """Yield the price of launches near what a plan flies, shape (V, P), in each way of counting money."""
    economy, launch = problem.economy, problem.economy.assumptions.launch
    names = economy.launching.vehicles
    bought = np.maximum(flown.sum(axis=1), 1.0)
    factors = volume_factor(launch, bought)
    alone: dict[str, tuple[tuple[Price, ...], ...]] = {
        name: ((Price(float(factor), 0.0, 0.0),),) for name, factor in zip(names, factors, strict=True)
    }
    frame = Frame(problem, dataclasses.replace(straight, prices=alone))
    slopes = (volume_factor(launch, bought * (1.0 + STEP)) - factors) / (bought * STEP)
    for book in frame.books:
        found: dict[str, tuple[tuple[Price, ...], ...]] = {}
        for v, name in enumerate(names):
            per_launch = float(slopes[v]) * listed_money(frame, book, v, flown[v])
            found[name] = ((Price(float(factors[v]), per_launch, -per_launch * float(bought[v])),),)
        yield found


def listed_money(frame: Frame, book: Book, vehicle: int, flown: Floats) -> float:
    """Return the listed price of launches of a vehicle by period (P,) with their premium, in units of money."""
    economy, c = frame.economy, book.coefficients
    steps = economy.calendar.steps_per_year
    full = frame.is_discounted_in_full[vehicle]
    by_year = flown.reshape(-1, steps).sum(axis=1)
    share = by_year / np.maximum(economy.launching.rate_per_year[vehicle], STEP)
    premium = economy.assumptions.launch.cadence_premium * share * share * by_year
    listed = float((c.launch[vehicle] * flown)[np.repeat(full, steps)].sum())
    return (listed + float((c.surcharge[vehicle] * premium)[full].sum())) / frame.units[0]


def _bent(start: float, slope: float, floor: float, most: float) -> tuple[list[float], list[float]]:
    """Return a line by its start and slope as two pieces, the first of no width; a third where it meets the floor."""
    end = start + slope * most
    if slope < 0.0 and end < floor < start:
        return [0.0, 0.0, (floor - start) / slope, most], [0.0, start, floor, floor]
    return [0.0, 0.0, most], [0.0, start, end]


def fix_first_pieces(model: Any) -> None:
    """Fix the pieces that have no width, which hold what a line has at zero."""
    for (line, year, k), variable in model.filled.items():
        cuts = model.frame.pieces.learning[line][model.frame.calendar.year_labels.index(year)]
        if cuts[k + 1] <= 0.0:
            variable.fix(1)
            model.fill[line, year, k].fix(1.0)


def _indices(frame: Frame) -> Callable[[tuple[str, str, str]], tuple[int, int, int]]:
    """Return what gives the number of a design, a vehicle and a period by their names."""
    d = {name: n for n, name in enumerate(frame.designs)}
    v = {name: n for n, name in enumerate(frame.vehicles)}
    p = {name: n for n, name in enumerate(frame.labels)}
    return lambda key: (d[key[0]], v[key[1]], p[key[2]])


def _worth_buying(direct: MatrixModel, values: Floats, best: ScoredPlan) -> NDArray[np.bool_]:
    """Return what is bought in the relaxation or the plan, or nearly worth buying; the nearest first up to a number."""
    model = direct.model
    index = _indices(model.frame)
    chosen = np.array(best.decisions.built > 0.0)
    reduced = direct.reduced_costs()
    near = []
    for key, variable in model.share.items():
        k = direct.number.get(id(variable))
        if k is None:
            continue
        if values[k] > STEP:
            chosen[index(key)] = True
        else:
            near.append((reduced[k] / max(abs(direct.cost[k]), STEP), index(key)))
    for ratio, where in sorted(near)[: max(MOST_CHOICES - int(chosen.sum()), 0)]:
        if ratio <= NEAR:
            chosen[where] = True
    return chosen


def start_of(model: Any, plan: ScoredPlan) -> Iterator[tuple[Any, float]]:
    """Yield the whole variables of a model with their values in a plan."""
    frame: Frame = model.frame
    economy, d = frame.economy, plan.decisions
    index = _indices(frame)
    orbits = {name: n for n, name in enumerate(economy.orbits)}
    labels = {label: p for p, label in enumerate(frame.labels)}
    vehicles = {name: v for v, name in enumerate(frame.vehicles)}
    years = {label: y for y, label in enumerate(frame.calendar.year_labels)}
    for key, variable in model.satellites.items():
        yield variable, float(d.built[index(key)])
    for (v, o, p), variable in model.launches.items():
        if variable.is_integer():
            yield variable, float(d.launches[vehicles[v], orbits[o], labels[p]])
    totals = np.cumsum(built_units(economy, d), axis=1)
    for (line, year, k), variable in model.filled.items():
        y = years[year]
        end = frame.pieces.learning[line][y][k + 1]
        yield variable, float(totals[economy.lines.index(line), y] >= end)
    bought = d.launches.sum(axis=(1, 2))
    for (vehicle, k), variable in model.tier.items():
        cuts = frame.pieces.volume[vehicle]
        kept = min(int(np.searchsorted(cuts[1:], bought[vehicles[vehicle]])), len(cuts) - 2)
        yield variable, float(k == kept)
    flown = d.launches.sum(axis=(0, 1)).reshape(frame.calendar.years, -1).sum(axis=1)
    begun = np.cumsum(flown) > 0.0
    for year, variable in model.started.items():
        yield variable, float(begun[years[year]])
    for number, variable in enumerate(model.operating.values()):
        yield variable, float(_operates(frame, plan, number))
    for name, variable in model.used.items():
        yield variable, float(d.built[frame.designs.index(name)].any())


def _operates(frame: Frame, plan: ScoredPlan, year: int) -> bool:
    """Return whether satellites of a plan are in orbit through a whole year, as the row on mission control counts."""
    steps = frame.calendar.steps_per_year
    first, end = year * steps, (year + 1) * steps
    launched = plan.decisions.built.sum(axis=1) > 0.0
    for d in range(len(frame.designs)):
        stays = float(frame.economy.service_years[d]) * steps
        last = min(first + (steps == 1), frame.calendar.periods)
        if any(launched[d, p] and p + stays >= end for p in range(last)):
            return True
    return False


def whole_of(problem: PlanProblem, wish: FractionalPlan) -> Decisions:
    """Return a wish as it is where it is whole and can be packed, else repaired."""
    figures = problem.economy.figures
    built = wish.share * figures.per_launch[:, :, None]
    if np.abs(built - np.rint(built)).max() > WHOLE_TOLERANCE:
        return repaired(problem, wish)
    decisions = Decisions(np.rint(built), np.rint(wish.launches), wish.ground)
    return decisions if _fits(problem.economy, decisions) else repaired(problem, wish)


WHOLE_TOLERANCE = 1e-3


def _fits(economy: Economy, decisions: Decisions) -> bool:
    """Return whether every satellite has its place."""
    places = economy.figures.per_launch
    for v, o, p in np.ndindex(decisions.launches.shape):
        aboard = {
            int(d): int(decisions.built[d, v, p])
            for d in np.flatnonzero(economy.orbit_of == o)
            if decisions.built[d, v, p]
        }
        if aboard:
            manifest = loads(aboard, {d: int(places[d, v]) for d in aboard}, int(decisions.launches[v, o, p]))
            if carried(manifest) != aboard:
                return False
    return True
