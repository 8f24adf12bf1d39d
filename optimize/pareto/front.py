"""A front: designs of which none is better than another in everything, and what one goal costs in terms of another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.design import Design
from dawndusk.optimize.heuristics.dominance import hypervolume, steps
from dawndusk.optimize.pareto.archive import scaled
from dawndusk.optimize.pareto.ends import End
from dawndusk.optimize.problem import Goal
from dawndusk.optimize.result import Result

Floats: TypeAlias = NDArray[np.float64]

LEAST_BULGE = 0.05
"""A knee stands out from the plane through the ends by at least this share of the range."""
APART = 0.15
"""Two knees differ in some goal by at least this share of its range."""
REFERENCE = 1.1
"""The hypervolume is counted up to this multiple of the range, so that the ends count too."""
LEAST_STEP = 0.01
"""An exchange rate is taken over a step of at least this share of a range: shorter ones are rounding."""


@dataclass(frozen=True)
class FrontStep:
    """Two neighbouring points of a front, by their numbers, and the largest difference as a share of a goal's range."""

    one: int
    other: int
    length: float


@dataclass(frozen=True)
class Exchange:
    """What more (or less) of one goal buys of another, from one point of a front to another.

    ``given`` and ``gained`` are amounts in the units of the goals, both positive; ``given_share`` and ``gained_share``
    are relative to the values at the point where the exchange begins.
    """

    give: Goal
    gain: Goal
    one: int
    other: int
    given: float
    gained: float
    given_share: float
    gained_share: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Front(Result):
    """The front between two to five goals, which has no single objective, bound and gap.

    Attributes
    ----------
    status : str
        ``feasible``: designs; ``infeasible``: none found, and proved where ``proved`` says so; ``unknown``: stopped
        before either.
    values : array
        The goals in their units, shape (N, m); points in the order of the first goal, best first.
    bounds : array
        Proved bound of the first goal where every other one is at least as good as at the point, NaN where not asked
        for or not proved, shape (N,).
    ends : tuple of End
        The best value of each goal with its certificate; empty where none was asked for.
    spacing : float
        Widest gap that was asked for, as a share of each goal's range.
    evaluated : int
        Designs evaluated by the search, apart from certificates.
    seconds, proof_seconds : float
        Wall time of the search and of all certificates.
    """

    objective: float | None = None
    bound: float | None = None
    gap: float | None = None
    goals: tuple[Goal, ...]
    proved: bool
    designs: tuple[Design, ...]
    values: Floats
    bounds: Floats
    ends: tuple[End, ...]
    spacing: float
    evaluated: int
    proof_seconds: float

    def __len__(self) -> int:
        return len(self.designs)

    @property
    def shares(self) -> Floats:
        """Return the goals as shares of their ranges, 0 at the best value and 1 at the worst, shape (N, m)."""
        if not len(self):
            return np.zeros((0, len(self.goals)))
        small = self.values * np.array([goal.sign for goal in self.goals])
        return scaled(small, small.min(axis=0), small.max(axis=0))

    @property
    def in_conflict(self) -> bool:
        """Return whether there is anything to trade: False where one design is best for every goal."""
        return len(self) > 1

    def steps(self) -> tuple[FrontStep, ...]:
        """Return the steps from neighbour to neighbour that join all points, longest first."""
        pairs, lengths = steps(self.shares)
        order = np.argsort(-lengths, kind="stable")
        return tuple(FrontStep(int(pairs[i, 0]), int(pairs[i, 1]), float(lengths[i])) for i in order)

    @property
    def widest_gap(self) -> float:
        """Return the longest of the steps, 0 with a single point."""
        return next((step.length for step in self.steps()), 0.0)

    @property
    def jumps(self) -> tuple[FrontStep, ...]:
        """Return the steps that are longer than asked for: there the search found no design between."""
        return tuple(step for step in self.steps() if step.length > self.spacing)

    @property
    def hypervolume(self) -> float:
        """Return the share of the box from the best values to 1.1 times the ranges that the front dominates."""
        goals = len(self.goals)
        return hypervolume(self.shares, np.full(goals, REFERENCE)) / float(REFERENCE**goals) if len(self) else 0.0

    @property
    def bulge(self) -> Floats:
        """Return how far each point lies beyond the plane through the ends, towards the ideal, shape (N,).

        In shares of the ranges: 0 on the plane, 1 at the ideal point. Source: Das, On characterizing the "knee" of the
        Pareto curve based on normal-boundary intersection, Structural Optimization 18 (1999).
        """
        found: Floats = 1.0 - self.shares.sum(axis=1)
        return found

    @property
    def knees(self) -> tuple[int, ...]:
        """Return the points that bulge more than all around them, most first; none on a front that is not convex."""
        bulge, shares = self.bulge, self.shares
        on_a_slope = {end for step in self.steps() for end in _lower_of(step, bulge)}
        found: list[int] = []
        for index in np.argsort(-bulge, kind="stable").tolist():
            if bulge[index] < LEAST_BULGE or not self.in_conflict:
                break
            near = np.abs(shares - shares[index]).max(axis=1) < APART
            if index not in on_a_slope and bulge[index] >= bulge[near].max() and not near[found].any():
                found.append(index)
        return tuple(found)

    def exchange(self, point: int, give: int, gain: int) -> Exchange | None:
        """Return what giving up some of one goal buys of another at a point, None where nothing can be bought.

        The trade leads to the nearest point that is worse in the first goal, better in the second, and differs in the
        others by no more than it gains.

        Parameters
        ----------
        point : int
            Number of the point.
        give, gain : int
            Numbers of the goals.
        """
        change = self.shares - self.shares[point]
        others = np.delete(np.abs(change), [give, gain], axis=1)
        fits = (change[:, give] > 0.0) & (change[:, gain] < 0.0) & (np.abs(change).max(axis=1) >= LEAST_STEP)
        if others.shape[1]:
            fits &= others.max(axis=1) <= -change[:, gain]
        if not fits.any():
            return None
        distance = np.where(fits, np.abs(change).max(axis=1), np.inf)
        return self._between(point, int(np.argmin(distance)), give, gain)

    def exchanges_at(self, point: int) -> Iterator[Exchange]:
        """Yield what can be traded at a point, for every ordered pair of goals."""
        for give in range(len(self.goals)):
            for gain in range(len(self.goals)):
                found = self.exchange(point, give, gain) if give != gain else None
                if found is not None:
                    yield found

    def along(self) -> Iterator[Exchange]:
        """Yield the exchange from each point to the next, of the first goal for the second; for two goals."""
        for one in range(len(self) - 1):
            yield self._between(one, one + 1, 0, 1)

    def _between(self, one: int, other: int, give: int, gain: int) -> Exchange:
        given, gained = (abs(float(self.values[other, goal] - self.values[one, goal])) for goal in (give, gain))
        sizes = [abs(float(self.values[one, goal])) or 1.0 for goal in (give, gain)]
        return Exchange(
            give=self.goals[give],
            gain=self.goals[gain],
            one=one,
            other=other,
            given=given,
            gained=gained,
            given_share=given / sizes[0],
            gained_share=gained / sizes[1],
        )


def _lower_of(step: FrontStep, bulge: Floats) -> tuple[int, ...]:
    """Return the end of a step that bulges less, none where both do alike."""
    if bulge[step.one] == bulge[step.other]:
        return ()
    return (step.one if bulge[step.one] < bulge[step.other] else step.other,)
