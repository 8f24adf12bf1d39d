"""The search for a front: all trade-offs of a problem at once, by epsilon-constraint over the vectorised exact physics.

Four stages, each seeded from (seed, stage, round): a look at every combination of categories for every mix of goals;
epsilon-constraint problems on a grid, solved together by a population that shares what it learns; the gaps that are
wider than asked for; and a polish of what is left. A heuristic: it gives designs. What is proved comes from ``ends``.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.design import Design
from dawndusk.optimize.heuristics.dominance import PLANE, steps
from dawndusk.optimize.heuristics.evolution import search
from dawndusk.optimize.pareto.archive import Archive
from dawndusk.optimize.pareto.field import Field, Points
from dawndusk.optimize.pareto.screening import screen
from dawndusk.optimize.pareto.variation import Neighbours, moved
from dawndusk.optimize.progress import Progress

Floats: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.intp]

SPREADING, FILLING, POLISHING = 2, 3, 4
"""Stages, which seed their random numbers; the first ones are those of the screening."""
POPULATION = 4096
SPREAD_ROUNDS, POLISH_ROUNDS = 40, 10
FILL_ROUNDS, FILL_ROUNDS_OF_SURFACE = 24, 6
"""Rounds in which gaps are tried, of a curve and of what has more goals and is not filled by any number of points."""
FRUITLESS = 4
"""A gap in which so many rounds find nothing is a jump of the front itself."""
FROM_SCREEN, OTHER_CATEGORY, BETWEEN = 0.2, 0.1, 0.5
"""Shares of new points that start from the screening, that swap a category, and that lie between the ends of a gap."""
COARSE, FINE = 1e-4, 1e-7
"""Narrowest steps at the beginning and at the end."""
NO_GAP = 0


@dataclass
class Hunt:
    """The state of one search for a front.

    Attributes
    ----------
    spacing : float
        Widest gap between neighbours that is wanted, as a share of each goal's range.
    deadline : float
        Moment (``time.monotonic``) at which the search ends anyway.
    """

    field: Field
    seed: int
    spacing: float
    deadline: float
    report: Callable[[Progress], None] = lambda _: None
    archive: Archive = dataclasses.field(init=False)
    pool: Points = dataclasses.field(init=False)
    stopped_by: str = dataclasses.field(init=False, default="completion")

    def __post_init__(self) -> None:
        self.archive = Archive(self.field.nothing(), self.spacing)

    def run(self, seeds: Sequence[Design] = ()) -> None:
        """Search, beginning with known designs."""
        self.archive.take_in(self.field.place(seeds))
        if not self.field.dimensions:
            count = len(self.field.combinations)
            self.archive.take_in(self.field.grade(np.zeros((count, 0)), np.arange(count)))
            return
        self.pool = screen(self.field, self.archive, seed=self.seed)
        self._tell("screening combinations", 1.0)
        if not len(self.archive):
            self._find_any()
        if not len(self.archive):
            return
        self._neighbours = Neighbours(self.field)
        self._spread()
        self._fill()
        self._polish()

    @property
    def is_over(self) -> bool:
        """Return whether the time is up, and remember it."""
        if time.monotonic() > self.deadline:
            self.stopped_by = "time limit"
        return self.stopped_by != "completion"

    def _tell(self, stage: str, share: float) -> None:
        best = self.field.goals[0].sign * float(self.archive.low[0]) if len(self.archive) else float("nan")
        self.report(Progress(stage, share, self.field.evaluated, best))

    def _find_any(self) -> None:
        """Look for a feasible design with the search for a single goal, which goes further down into violations."""
        remaining = max(self.deadline - time.monotonic(), 0.0)
        found = search(self.field.problem, seed=self.seed, time_limit_s=remaining, report=self.report)
        self.field.evaluated += found.evaluated
        if found.design is not None:
            self.archive.take_in(self.field.place([found.design]))
        if found.stopped_by == "time limit":
            self.stopped_by = found.stopped_by

    def _spread(self) -> None:
        """Solve epsilon-constraint problems on a grid together: every new point may solve any of them."""
        for stage in range(SPREAD_ROUNDS):
            if self.is_over:
                return
            rng = np.random.default_rng([self.seed, SPREADING, stage])
            known, narrowest = self.archive.points, COARSE if 2 * stage < SPREAD_ROUNDS else FINE
            targets = self.archive.on_targets()
            screened = int(FROM_SCREEN * POPULATION)
            parents = known.take(targets[rng.integers(len(targets), size=POPULATION - screened)])
            parents = parents.with_more(self.pool.take(rng.integers(len(self.pool), size=screened)))
            parents = self._swapped(parents, rng)
            self._try(moved(parents, known, narrowest, rng), parents.combination)
            self._tell("spreading along the front", (stage + 1) / SPREAD_ROUNDS)

    def _swapped(self, parents: Points, rng: np.random.Generator) -> Points:
        """Return parents, some of them with another category."""
        swapped = np.flatnonzero(rng.random(len(parents)) < OTHER_CATEGORY)
        combination = parents.combination.copy()
        combination[swapped] = self._neighbours.draw(combination[swapped], rng)
        return Points(parents.coordinates, combination, parents.values, parents.violation)

    def _try(self, coordinates: Floats, combination: Indices) -> None:
        self.archive.take_in(self.field.grade(coordinates, combination))

    def _fill(self) -> None:
        """Put points into gaps: the epsilon-constraint problems between the ends of each, from both sides.

        A gap in which some rounds find nothing is given up: there the front itself jumps.
        """
        tried: dict[bytes, int] = {}
        rounds = FILL_ROUNDS if len(self.field.goals) == PLANE else FILL_ROUNDS_OF_SURFACE
        for stage in range(rounds):
            pairs = self._gaps(tried)
            if self.is_over or not len(pairs):
                return
            rng = np.random.default_rng([self.seed, FILLING, stage])
            chosen = pairs[rng.integers(len(pairs), size=POPULATION)]
            flipped = rng.random(POPULATION) < BETWEEN
            chosen[flipped] = chosen[flipped][:, ::-1]
            self._try(*self._across(chosen, rng))
            self._tell("filling gaps", (stage + 1) / rounds)

    def _gaps(self, tried: dict[bytes, int]) -> Indices:
        """Return the ends of gaps that are too wide and not given up, shape (G, 2), and count that they are tried."""
        known = self.archive.points
        pairs, lengths = steps(self.archive.scaled(known.values))
        open_ones = []
        for pair in pairs[lengths > self.spacing]:
            key = known.values[np.sort(pair)].tobytes()
            tried[key] = tried.get(key, NO_GAP) + 1
            if tried[key] <= FRUITLESS:
                open_ones.append(pair)
        return np.array(open_ones, dtype=np.intp).reshape(-1, 2)

    def _across(self, pairs: Indices, rng: np.random.Generator) -> tuple[Floats, Indices]:
        """Return points near one end of gaps, half of those whose ends share a combination on the way across."""
        known = self.archive.points
        start, end = known.take(pairs[:, 0]), known.take(pairs[:, 1])
        alike = (start.combination == end.combination) & (rng.random(len(pairs)) < BETWEEN)
        way = rng.random((len(pairs), 1)) * alike[:, None]
        parents = Points(
            start.coordinates + way * (end.coordinates - start.coordinates),
            start.combination,
            start.values,
            start.violation,
        )
        parents = self._swapped(parents, rng)
        return moved(parents, known, FINE, rng), parents.combination

    def _polish(self) -> None:
        """Improve what is on the front with small steps."""
        for stage in range(POLISH_ROUNDS):
            if self.is_over:
                return
            rng = np.random.default_rng([self.seed, POLISHING, stage])
            known = self.archive.points
            parents = known.take(rng.integers(len(known), size=POPULATION))
            self._try(moved(parents, known, FINE, rng), parents.combination)
            self._tell("polishing", (stage + 1) / POLISH_ROUNDS)


def hunt(
    field: Field,
    *,
    seed: int,
    spacing: float,
    time_limit_s: float,
    seeds: Sequence[Design] = (),
    report: Callable[[Progress], None] = lambda _: None,
) -> Hunt:
    """Return a finished search for the trade-offs of a problem, which an interrupt ends early.

    Parameters
    ----------
    field : Field
        The problem and its goals.
    seed : int
        Same seed, same trade-offs, as long as neither the time limit nor an interrupt ends the search.
    spacing : float
        Widest gap between neighbours that is wanted, as a share of each goal's range.
    time_limit_s : float
        After this many seconds the trade-offs known by then are kept.
    seeds : sequence of Design
        Designs to begin with, such as the best one for each goal.
    report : callable
        Called with ``Progress`` now and then.
    """
    state = Hunt(field, seed, spacing, time.monotonic() + time_limit_s, report)
    try:
        with np.errstate(all="ignore"):
            state.run(seeds)
    except KeyboardInterrupt:
        state.stopped_by = "interrupt"
    return state
