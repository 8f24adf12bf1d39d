"""Feasible designs wherever there are any, sought by rules and bounds alone: the objective does not count.

A population that ranks by the objective as well finds few where feasible designs are rare, and those near its best.
Here every combination of categories keeps starts of its own, and each walks to where less is broken.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.design import DesignBatch
from dawndusk.optimize.certify.audit.edges import outcomes_needed, scored_at
from dawndusk.optimize.certify.branch.designs import coordinates_of, designs_at
from dawndusk.optimize.certify.branch.polish import improve
from dawndusk.optimize.certify.graph.statement import Statement
from dawndusk.optimize.heuristics.variation import adapted
from dawndusk.optimize.problem import Scored

Floats: TypeAlias = NDArray[np.float64]
Places: TypeAlias = NDArray[np.intp]

LOOK = 256
"""Random designs of each combination that are looked at first."""
MOST_LOOKED = 65_536
STARTS = 128
"""Designs that walk at the same time; those that are feasible stand aside."""
TRIES = 32
FIRST_WIDTH, LEAST_WIDTH = 0.1, 1e-7
WIDER, NARROWER = 1.8, 0.7
WIDEST = 0.3
STEPS = 150
"""Steps after which other starts are chosen: half of a second."""
POLISHES = 3


@dataclass(frozen=True, eq=False)
class Feasible:
    """Coordinates of feasible designs, shape (d, N), and their combinations; how many designs were evaluated."""

    points: Floats
    combination: Places
    tried: int


def broken(scored: Scored, statement: Statement) -> Floats:
    """Return what designs break, zero where nothing: each rule and bound by the logarithm of its excess, shape (N,).

    Sums of plain excesses would hide every other limit behind the one that is missed a thousandfold.
    """
    bounds = [bound.violation(scored.evaluation.outcome.values) for bound in statement.problem.bounds]
    parts = [*scored.evaluation.violation.values(), *bounds]
    with np.errstate(all="ignore"):
        total = sum(np.log1p(np.maximum(part, 0.0)) for part in parts)
        return np.where(scored.feasible, 0.0, np.where(np.isfinite(total), np.maximum(total, 1e-300), np.inf))


def feasible_designs(statement: Statement, *, seed: int, seconds: float, wanted: int = 512) -> Feasible:
    """Look for feasible designs by what is broken alone.

    Parameters
    ----------
    statement : Statement
        The problem.
    seed : int
        Same seed, same designs, as long as the time does not end it.
    seconds : float
        After these the designs so far are returned.
    wanted : int
        Designs after which it ends.
    """
    rng = np.random.default_rng([seed, 5])
    deadline = time.monotonic() + seconds
    walk = _Walk(statement, rng)
    while walk.found < wanted and time.monotonic() < deadline:
        walk.begin()
        for _ in range(STEPS):
            if not walk.step() or walk.found >= wanted or time.monotonic() > deadline:
                break
        for _ in range(POLISHES):
            if not walk.found and time.monotonic() < deadline:
                walk.polish()
    points = np.concatenate([part for part, _ in walk.feasible], axis=1)[:, :wanted]
    return Feasible(points, np.concatenate([part for _, part in walk.feasible])[:wanted], walk.tried)


class _Walk:
    """Starts that walk to where less is broken, each by steps as wide as its own luck allows."""

    def __init__(self, statement: Statement, rng: np.random.Generator) -> None:
        self.statement, self.rng = statement, rng
        self.low = np.array([c.low for c in statement.coordinates])[:, np.newaxis]
        self.high = np.array([c.high for c in statement.coordinates])[:, np.newaxis]
        axes = len(self.low)
        self.feasible: list[tuple[Floats, Places]] = [(np.zeros((axes, 0)), np.zeros(0, dtype=np.intp))]
        self.found = self.tried = 0
        self.nearest: tuple[float, Floats, int] = (np.inf, np.zeros(axes), 0)
        """What the design that breaks least breaks, its coordinates and its combination."""

    def begin(self) -> None:
        """Choose new starts: of random designs those that break least, as many of each combination as there is room."""
        count = len(self.statement.combinations)
        each = max(min(LOOK, MOST_LOOKED // count), 4)
        combination = np.repeat(np.arange(count), each)
        points = self.low + self.rng.random((len(self.low), len(combination))) * (self.high - self.low)
        missed = self._missed(points, combination)
        rank = np.argsort(missed.reshape(count, each), axis=1)
        most = max(STARTS // count, 1)
        chosen = (rank[:, :most] + each * np.arange(count)[:, np.newaxis]).ravel()
        chosen = chosen[np.argsort(missed[chosen], kind="stable")[:STARTS]]
        self.points, self.combination, self.missed = points[:, chosen], combination[chosen], missed[chosen]
        self.width = np.full(len(chosen), FIRST_WIDTH)
        self._set_aside()

    def step(self) -> bool:
        """Take a step with every start; return whether any is worth another."""
        if not len(self.combination):
            return False
        shape = (*self.points.shape, TRIES)
        moved = self.rng.random(shape) < self.rng.choice([0.2, 0.5, 0.8])
        reach = (self.high - self.low)[:, :, np.newaxis] * self.width[np.newaxis, :, np.newaxis]
        tried = self.points[..., np.newaxis] + self.rng.normal(size=shape) * moved * reach
        tried = np.clip(tried, self.low[..., np.newaxis], self.high[..., np.newaxis])
        flat = tried.reshape(len(self.low), -1)
        missed = self._missed(flat, np.repeat(self.combination, TRIES)).reshape(-1, TRIES)
        best = np.argmin(missed, axis=1)
        places = np.arange(len(best))
        better = missed[places, best] < self.missed
        self.points = np.where(better, tried[:, places, best], self.points)
        self.missed = np.where(better, missed[places, best], self.missed)
        self.width = adapted(self.width, better, wider=WIDER, narrower=NARROWER, widest=WIDEST)
        self._set_aside()
        return bool(len(self.combination))

    def polish(self) -> None:
        """Improve the design that breaks least with starts of every size of satellite: see ``branch.polish``."""
        missed, point, number = self.nearest
        if not np.isfinite(missed):
            return
        own = np.array([number])
        design = designs_at(self.statement, point[:, np.newaxis], own)[0]
        better = improve(self.statement, design, self._merits, self.rng)
        points = coordinates_of(self.statement, better)[:, np.newaxis]
        self.points, self.combination, self.width = points, own, np.array([FIRST_WIDTH])
        self.missed = self._missed(points, own)
        self._set_aside()

    def _merits(self, batch: DesignBatch) -> Floats:
        self.tried += len(batch)
        with np.errstate(all="ignore"):
            scored = self.statement.problem.score(batch, outcomes_needed(self.statement))
        return broken(scored, self.statement)

    def _set_aside(self) -> None:
        """Keep what is feasible, and give up what moves no more."""
        done = self.missed == 0.0
        if done.any():
            self.feasible.append((self.points[:, done], self.combination[done]))
            self.found += int(done.sum())
        if len(self.missed) and float(self.missed.min()) < self.nearest[0]:
            place = int(np.argmin(self.missed))
            self.nearest = float(self.missed[place]), self.points[:, place].copy(), int(self.combination[place])
        left = ~done & (self.width > LEAST_WIDTH)
        self.points, self.combination = self.points[:, left], self.combination[left]
        self.missed, self.width = self.missed[left], self.width[left]

    def _missed(self, points: Floats, combination: Places) -> Floats:
        self.tried += len(combination)
        return broken(scored_at(self.statement, points, combination), self.statement)
