"""Ranges that every better plan lies in: experience by line and year, launches by vehicle and what they are listed at.

Whatever beats the best plan known meets the relaxation with its objective as one more row. The least and the most of a
quantity over that are linear programmes, and outside of them a curve needs no pieces. Narrow ranges make chords short,
short chords make the bound, and a better bound makes the ranges narrower, pass after pass.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.fleet.economy import Economy
from dawndusk.optimize.plan.model.cuts import cuts_of, learning_weights, tiers_of
from dawndusk.optimize.plan.model.frame import Frame
from dawndusk.optimize.plan.model.pieces import Pieces, most_units
from dawndusk.optimize.plan.model.rows.money import experience_terms
from dawndusk.optimize.plan.solve.direct import MatrixModel, Terms

Floats = NDArray[np.float64]

MARGIN = 1e-6
LEAST_LP_S = 0.2
LEAST_ERROR = 0.01
"""Share of all that chords leave out, below which a year is not looked at."""


@dataclass(frozen=True, eq=False)
class DecisionRanges:
    """Ranges of better plans.

    Attributes
    ----------
    learning : mapping of str to tuple of array
        Experience by line at the end of each year as (low, high) of shape (Y,).
    bought, listed : mapping of str to tuple of float
        By vehicle, launches, and their listed price in units of money, as (low, high).
    started : int
        Number of the year by which every better plan has begun to launch; that of no year where none has to.
    """

    learning: Mapping[str, tuple[Floats, Floats]]
    bought: Mapping[str, tuple[float, float]]
    listed: Mapping[str, tuple[float, float]]
    started: int


def widest(economy: Economy) -> DecisionRanges:
    """Return the ranges of all plans."""
    years = economy.calendar.years
    learning = {
        line: (np.zeros(years), np.full(years, most_units(economy, number)))
        for number, line in enumerate(economy.lines)
    }
    most = economy.launching.most_in_year.sum(axis=1)
    names = economy.launching.vehicles
    bought = {name: (0.0, float(count)) for name, count in zip(names, most, strict=True)}
    return DecisionRanges(learning, bought, dict.fromkeys(names, (0.0, np.inf)), years)


def hull_pieces(economy: Economy, found: DecisionRanges, **rest: Any) -> Pieces:
    """Return the fewest pieces whose relaxation is the best that ranges allow."""
    learning = {
        line: tuple(cuts_of(economy, float(a), float(b), np.inf) for a, b in zip(low, high, strict=True))
        for line, (low, high) in found.learning.items()
    }
    volume, prices = tiers_of(economy, found.bought, found.listed)
    return Pieces(learning, volume, reach=found.learning, prices=prices, **rest)


def fix_known(model: Any, found: DecisionRanges) -> None:
    """Fix what every better plan does: pieces that it has filled, and the year by which it has begun."""
    years = model.frame.calendar.year_labels
    for line, (low, _) in found.learning.items():
        for y, year in enumerate(years):
            cuts = model.frame.pieces.learning[line][y]
            for k in range(len(cuts) - 2):
                if cuts[k + 1] <= low[y]:
                    model.filled[line, year, k].fix(1)
    for year in years[found.started :]:
        model.started[year].fix(1)


def narrowed(model: Any, found: DecisionRanges, objective: float, deadline: float, seed: int) -> DecisionRanges:
    """Return the ranges that plans at least as good as an objective, in units of the model, lie in.

    ``model`` is that of ``hull_pieces`` of the ranges known so far, with what is known fixed.
    """
    return _Narrower(model, found, objective, deadline, seed).narrow()


class _Narrower:
    def __init__(self, model: Any, found: DecisionRanges, objective: float, deadline: float, seed: int) -> None:
        self.model, self.found, self.deadline = model, found, deadline
        self.frame: Frame = model.frame
        self.direct = MatrixModel(model, seed=seed)
        self.direct.only_better_than(objective)

    def end(self, terms: Terms, sign: float, otherwise: float) -> float:
        """Return the least (sign 1) or the most (sign -1) of a sum, with a margin for the solver's tolerance."""
        left = self.deadline - time.monotonic()
        least = self.direct.least(terms, sign, left) if left > LEAST_LP_S else None
        if least is None:
            return otherwise
        value = sign * least
        return value - sign * (MARGIN * abs(value) + MARGIN)

    def narrow(self) -> DecisionRanges:
        started = self.started()
        learning = {line: self.experience(n, line) for n, line in enumerate(self.frame.economy.lines)}
        bought, listed = dict(self.found.bought), dict(self.found.listed)
        for name in self.frame.vehicles:
            bought[name] = self.of_tiers(name, self.model.bought, bought[name])
            if self.is_discounted(name, bought[name]):
                listed[name] = self.of_tiers(name, self.model.spent, listed[name])
        return DecisionRanges(learning, bought, listed, started)

    def started(self) -> int:
        """Return the first year by which not to have launched is worse, from the last one backwards."""
        first = self.found.started
        for y in reversed(range(first)):
            left = self.deadline - time.monotonic()
            if left <= LEAST_LP_S or not self.direct.is_impossible(self.model.started, y, left):
                break
            first = y
        return first

    def is_discounted(self, name: str, bought: tuple[float, float]) -> bool:
        """Return whether a vehicle can be bought often enough for a volume discount."""
        launch = self.frame.economy.assumptions.launch
        return bool(launch.volume_discount_per_doubling) and bought[1] > launch.volume_reference_launches

    def of_tiers(self, name: str, variable: Any, known: tuple[float, float]) -> tuple[float, float]:
        terms: Terms = [(1.0, variable[name, k]) for k in range(len(self.frame.pieces.volume[name]) - 1)]
        low = max(self.end(terms, 1.0, known[0]), known[0], 0.0)
        return low, max(min(self.end(terms, -1.0, known[1]), known[1]), low)

    def experience(self, number: int, line: str) -> tuple[Floats, Floats]:
        """Return the range of a line's experience by year; years whose chords leave out most come first."""
        low, high = (ends.copy() for ends in self.found.learning[line])
        for y in self.years_by_error(number, line):
            terms = experience_terms(self.model, self.frame, line, int(y))
            if not any(id(v) in self.direct.number for _, v in terms):
                continue
            high[y] = max(min(self.end_of(terms, -1.0, high[y]), high[y]), low[y])
            low[y] = min(max(self.end_of(terms, 1.0, low[y]), low[y]), high[y])
            low = np.maximum.accumulate(low)
            high = np.minimum.accumulate(high[::-1])[::-1]
        return low, high

    def end_of(self, terms: Terms, sign: float, otherwise: float) -> float:
        """Return an end of a sum of which some terms may be fixed."""
        fixed = sum(c * (v.value or 0.0) for c, v in terms if v.fixed)
        free = [(c, v) for c, v in terms if not v.fixed]
        return self.end(free, sign, otherwise - fixed) + fixed

    def years_by_error(self, number: int, line: str) -> NDArray[np.intp]:
        """Return the years of the horizon in which chords may leave out most, the worst first."""
        economy = self.frame.economy
        weights = learning_weights(self.frame)[number]
        errors = weights * [self.frame.pieces.error(economy, line, y) for y in self.frame.years]
        order = np.argsort(-errors, kind="stable")
        return np.asarray(order[errors[order] > LEAST_ERROR * errors.sum()])


def fine_pieces(economy: Economy, found: DecisionRanges, allowed_usd: float, weights: Floats, **rest: Any) -> Pieces:
    """Return pieces inside of ranges whose chords leave out no more than an amount of the objective in all.

    ``weights`` are USD of the objective per reference satellite of premium at the end of each year, shape (L, Y). The
    amount is shared so that there are few pieces: what a year may leave out goes with the third root of what one chord
    over its range does.
    """
    hull = hull_pieces(economy, found, **rest)
    ends = [(line, number, y) for number, line in enumerate(economy.lines) for y in range(economy.calendar.years)]
    single = np.array([hull.error(economy, line, y) * weights[number, y] for line, number, y in ends])
    roots = np.cbrt(np.maximum(single, 0.0))
    shares = roots / (roots.sum() or 1.0)
    learning: dict[str, list[Floats]] = {line: [] for line in economy.lines}
    for (line, number, y), share in zip(ends, shares, strict=True):
        low, high = (float(end[y]) for end in found.learning[line])
        weight = float(weights[number, y])
        most = share * allowed_usd / weight if weight > 0.0 and share > 0.0 else np.inf
        learning[line].append(cuts_of(economy, low, high, most))
    return dataclasses.replace(hull, learning={line: tuple(cuts) for line, cuts in learning.items()})


__all__ = ["DecisionRanges", "fine_pieces", "fix_known", "hull_pieces", "narrowed", "widest"]
