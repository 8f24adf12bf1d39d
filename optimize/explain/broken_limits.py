"""Which sets of limits the designs of a problem break, and walks towards designs that meet some of them."""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.design import Design
from dawndusk.optimize.explain.elastic import DEMAND, LEAST_SHARE_OF_DEMAND, Elastic, names_of, stated
from dawndusk.optimize.heuristics.local_search import Grades, Population, WalkEffort, start, walk
from dawndusk.optimize.problem import Problem
from dawndusk.optimize.result import Candidate
from dawndusk.optimize.space.sampling import sobol

Floats: TypeAlias = NDArray[np.float64]
Broken: TypeAlias = frozenset[int]
"""Columns of the limits that a design breaks."""

SCREENED = 64
MOST_SCREENED = 1024
TRIED = 16
SHORT_WALK, LONG_WALK, LAST_WALK = (10, 256), (80, 512), (160, 512)
LONG_WALKS, LAST_WALKS = 2, 3
NEARLY_MET = 0.05
"""A sum of violations below which the walks go on for longer before limits are said to conflict."""
SCREENING = 0
"""The stage that seeds the random numbers of the screening; those of walks are the caller's."""


@dataclass
class BrokenLimits:
    """What is known of the designs of one problem: screened points by combination, and the sets of broken limits."""

    problem: Problem
    seed: int
    deadline: float
    evaluated: int = 0
    feasible: Design | None = None
    was_cut_short: bool = False
    candidates: list[Candidate] = field(default_factory=list)
    points: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    screened: list[Floats] = field(default_factory=list)
    broken: dict[Broken, Design] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """List the limits and the combinations, all of them or as many as can be screened, picked at random."""
        self.names = names_of(self.problem)
        self.stated = frozenset(self.names.index(name) for name in stated(self.problem))
        combinations = self.problem.combinations()
        if len(combinations) > MOST_SCREENED:
            rng = np.random.default_rng([self.seed, SCREENING])
            picked = np.sort(rng.choice(len(combinations), MOST_SCREENED, replace=False))
            combinations = [combinations[i] for i in picked]
        self.elastics = [Elastic(self.problem, c, least_share=LEAST_SHARE_OF_DEMAND) for c in combinations]

    def screen(self) -> None:
        """Look at the same points in every combination; every other one meets the whole demand."""
        dimension = self.elastics[0].dimension
        self.points = np.zeros((1, 0))
        if dimension:
            even = sobol(dimension, np.random.default_rng([self.seed, SCREENING])).random(SCREENED)
            self.points = np.asarray(even, dtype=np.float64)
        if self.elastics[0].has_share:
            self.points[::2, -1] = 1.0
        for elastic in self.elastics:
            self.screened.append(self.violations(elastic, self.points))
            if time.monotonic() > self.deadline:
                self.was_cut_short = True
                return

    def violations(self, elastic: Elastic, points: Floats) -> Floats:
        """Return every violation at coordinates, shape (N, limits), and remember which sets are broken."""
        batch = elastic.designs(points)
        _, beyond = elastic.measure(batch)
        self.evaluated += len(points)
        patterns, first = np.unique(np.packbits(beyond > 0.0, axis=1), axis=0, return_index=True)
        for pattern, index in zip(patterns, first, strict=True):
            columns = frozenset(np.flatnonzero(np.unpackbits(pattern, count=len(self.names))).tolist())
            self._remember(columns, elastic, points[int(index)])
        return beyond

    def _remember(self, columns: Broken, elastic: Elastic, point: Floats) -> None:
        """Keep a broken set unless it contains a smaller one."""
        if any(known <= columns for known in self.broken):
            return
        design = elastic.designs(point[np.newaxis])[0]
        self.broken = {known: d for known, d in self.broken.items() if not columns <= known}
        self.broken[columns] = design
        if not columns:
            self.feasible = design

    def is_settled(self, column: int) -> bool:
        """Return whether a limit is broken by as much whatever is chosen, like one on the year of a fixed vehicle."""
        if len(self.screened) < len(self.elastics):
            return False
        everywhere = np.stack([violation[:, column] for violation in self.screened])
        return bool(everywhere.min() > 0.0 and everywhere.min() == everywhere.max() and everywhere.size > 1)

    def best_walk(self, must: Broken, aim: int | None, stage: int, until: float) -> Walked | None:
        """Return the best designs that meet the limits ``must`` with the least violation of ``aim``.

        The most promising combinations are walked first, each from what is known of it and from the best designs so
        far; then those that differ from the best one in a single category; then the best ones for longer.
        """
        task = _Task(self, sorted(must), aim, stage, until)
        promising = sorted(range(len(self.screened)), key=lambda n: self._promise(n, task.columns, aim))[:TRIED]
        seeded = [n for n in range(len(self.screened)) if len(self.known(n)) > len(self.points)]
        for number in dict.fromkeys((*seeded, *promising)):
            if task.walk(number, SHORT_WALK):
                return task.best
        for size, effort in ((LONG_WALKS, LONG_WALK), (LAST_WALKS, LAST_WALK)):
            for number in self._neighbours(task.best):
                if task.walk(number, SHORT_WALK):
                    return task.best
            for number in task.ranked()[:size]:
                if task.walk(number, effort):
                    return task.best
            if task.best is None or not 0.0 < task.best.key[0] < NEARLY_MET:
                break
        return task.best

    def known(self, number: int) -> Floats:
        """Return the screened points and those of the candidates of a combination."""
        elastic = self.elastics[number]
        own = [c.coordinates for c in self.candidates if c.combination == elastic.combination]
        return np.concatenate([self.points, *(elastic.lifted(point[np.newaxis]) for point in own)])

    def _neighbours(self, walked: Walked | None) -> list[int]:
        """Return the screened combinations that differ from that of a walk in a single category."""
        one = set(walked.elastic.combination.items()) if walked else set()
        others = enumerate(self.elastics[: len(self.screened)])
        return [n for n, elastic in others if len(one - set(elastic.combination.items())) == 1]

    def _promise(self, number: int, columns: list[int], aim: int | None) -> tuple[float, float]:
        """Return what the best screened point of a combination violates, and how much of ``aim``."""
        violation = self.screened[number][:, columns].sum(axis=1)
        best = int(np.argmin(violation))
        return float(violation[best]), float(self.screened[number][best, aim]) if aim is not None else 0.0


@dataclass(frozen=True, eq=False)
class Walked:
    """Where a walk in one combination stands."""

    number: int
    elastic: Elastic
    population: Population

    @property
    def key(self) -> tuple[float, float]:
        """Return what to compare walks by."""
        return float(self.population.violation[0]), float(self.population.aim[0])

    @property
    def design(self) -> Design:
        """Return the best design."""
        return self.elastic.designs(self.population.points[:1])[0]


@dataclass
class _Task:
    """Some limits to meet, in columns, and one to violate as little as possible; with the walks so far."""

    search: BrokenLimits
    columns: list[int]
    aim: int | None
    stage: int
    until: float
    walked: dict[int, Walked] = field(default_factory=dict)
    walks: int = 0

    @property
    def best(self) -> Walked | None:
        """Return the best walk."""
        return min(self.walked.values(), key=lambda one: one.key, default=None)

    def ranked(self) -> list[int]:
        """Return the combinations that were walked in, best first."""
        return sorted(self.walked, key=lambda number: self.walked[number].key)

    def walk(self, number: int, effort: tuple[int, int]) -> bool:
        """Walk in one combination from all that is known, and return whether nothing is left to improve."""
        elastic = self.search.elastics[number]
        grade = functools.partial(self.grade, elastic)
        known = [one.population.points for one in (self.walked.get(number), self.best) if one]
        population = start(grade, np.concatenate([self.search.known(number), *known]))
        self.walks += 1
        rng = np.random.default_rng([self.search.seed, self.stage, number, self.walks, *self.columns])
        population = walk(grade, population, rng=rng, effort=WalkEffort(*effort, self.until), enough=self.is_done)
        self.walked[number] = Walked(number, elastic, population)
        return self.is_done(population)

    def is_done(self, population: Population) -> bool:
        """Return whether the limits are met and the aim can not get better."""
        return population.is_feasible and (self.aim is None or bool(population.aim[0] <= 0.0))

    def grade(self, elastic: Elastic, points: Floats) -> Grades:
        """Return the violation of the limits at coordinates, and of the aim."""
        if elastic.has_share and self.search.names.index(DEMAND) in self.columns:
            points[:, -1] = 1.0  # the whole demand, to the last satellite
        beyond = self.search.violations(elastic, points)
        total = beyond[:, self.columns].sum(axis=1)
        return total, total * 0.0 if self.aim is None else beyond[:, self.aim]
