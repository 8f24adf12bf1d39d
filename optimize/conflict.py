"""Why nothing is feasible: the fewest rules and bounds that no design meets together, and what would restore it.

Every design that is looked at breaks some set of limits. A set of limits that no design meets together has a member in
each of those broken sets, so the smallest set that hits all of them is the candidate; a search then tries to meet it.
If a design meets it, that adds a broken set without any member of the candidate, and the next candidate follows. The
set that is left is irreducible, for each member is the only one that some design breaks; that no design meets the whole
set is found by search and not proved.

Source: Ignatiev, Previti, Liffiton, Marques-Silva, Smallest MUS extraction with minimal hitting set
dualization, CP 2015.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.design import Design
from dawndusk.optimize.elastic import DEMAND, LEAST_SHARE_OF_DEMAND, Elastic, items, names_of, stated
from dawndusk.optimize.evolution import Candidate
from dawndusk.optimize.neighbourhood import Effort, Grades, Population, start, walk
from dawndusk.optimize.problem import Problem
from dawndusk.optimize.sequences import sobol

Floats: TypeAlias = NDArray[np.float64]
Broken: TypeAlias = frozenset[int]
"""Columns of the limits that a design breaks."""

TIME_LIMIT_S = 4.0
SHARE_TO_FIND = 0.7
"""Share of the time in which the conflict is found; the rest is for what would restore a design."""
SCREENED = 64
MOST_SCREENED = 1024
TRIED = 16
SHORT_WALK, LONG_WALK, LAST_WALK = (10, 256), (80, 512), (160, 512)
LONG_WALKS, LAST_WALKS = 2, 3
NEARLY_MET = 0.05
"""A sum of violations below which the walks go on for longer before limits are said to conflict."""
MOST_SETS_COMPARED = 400
MOST_SEEDS = 8
SCREENING, MEETING, RESTORING = range(3)
"""Stages, which seed their random numbers."""


@dataclass(frozen=True)
class Conflicting:
    """A rule or bound of a conflict.

    Attributes
    ----------
    without : Design
        A design that breaks this one alone among the conflicting ones.
    relaxation : float or None
        The least change of its limit, in ``units``, with which a design meets all other rules and bounds as they are,
        further conflicts apart: the least that the search found. None where no change of this limit alone was found
        to suffice.
    restored : Design or None
        The design that does with that change.
    value, limit : float or None
        What is compared on that design, in ``units``.
    still_broken : tuple of str
        Where no change of this limit suffices: what else the nearest design found breaks, members of another conflict.
    """

    name: str
    sentence: str
    sense: str
    units: str
    without: Design
    relaxation: float | None
    restored: Design | None
    value: float | None
    limit: float | None
    still_broken: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        restored = self.restored.to_dict() if self.restored else None
        return {
            **vars(self),
            "still_broken": list(self.still_broken),
            "without": self.without.to_dict(),
            "restored": restored,
        }


@dataclass(frozen=True)
class Conflict:
    """The conflicting rules and bounds of a study, found by search and not proved.

    ``members`` is empty where a design was found that meets everything: that is ``feasible`` then. ``further`` names
    the conflicts that are left, one after the other, when the members are dropped. ``stopped_by`` is ``completion``,
    or ``time limit`` where a conflict was not tried to the end.
    """

    members: tuple[Conflicting, ...]
    further: tuple[tuple[str, ...], ...]
    feasible: Design | None
    evaluated: int
    seconds: float
    seed: int
    stopped_by: str

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the conflicting rules and bounds."""
        return tuple(member.name for member in self.members)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "members": [member.to_dict() for member in self.members],
            "further": [list(names) for names in self.further],
            "feasible": self.feasible.to_dict() if self.feasible else None,
            "proved": False,
            "evaluated": self.evaluated,
            "seconds": self.seconds,
            "seed": self.seed,
            "stopped_by": self.stopped_by,
        }


def explain_conflict(
    problem: Problem,
    candidates: Sequence[Candidate] = (),
    *,
    seed: int = 1,
    time_limit_s: float = TIME_LIMIT_S,
    restore: bool = True,
) -> Conflict:
    """Return the fewest rules and bounds that no design was found to meet together, and what would restore a design.

    Parameters
    ----------
    problem : Problem
        A problem without a feasible design.
    candidates : sequence of Candidate
        The nearest misses that a search found: where to start, besides quasi-random points.
    seed : int
        Same seed, same result, as long as the time limit does not end the search.
    time_limit_s : float
        Seconds; a last candidate that was not tried to the end is returned with ``stopped_by`` ``time limit``.
    restore : bool
        Whether to look for the least relaxation of each member.
    """
    begin = time.monotonic()
    search = _Search(problem, seed, begin + time_limit_s, candidates=_nearest(candidates))
    search.screen()
    until = begin + (SHARE_TO_FIND if restore else 1.0) * time_limit_s
    members: list[Conflicting] | None = None
    while members is None:
        chosen = search.smallest_conflict(until)
        further = tuple(search.further(chosen, until)) if restore else ()
        members = search.members(chosen, further, restore=restore)
    return Conflict(
        members=tuple(members),
        further=tuple(tuple(search.names[column] for column in sorted(one)) for one in further),
        feasible=search.feasible,
        evaluated=search.evaluated,
        seconds=time.monotonic() - begin,
        seed=seed,
        stopped_by="time limit" if search.was_cut_short else "completion",
    )


def _nearest(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates that miss by least."""
    return sorted(candidates, key=lambda candidate: (candidate.violation, candidate.objective))[:MOST_SEEDS]


def smallest_hitting_sets(sets: list[Broken], most: int = MOST_SETS_COMPARED) -> list[Broken]:
    """Return the smallest sets that have a member in each of ``sets``, at most ``most`` of them."""
    if any(not one for one in sets):
        return []
    size = 0
    while True:
        found = list(dict.fromkeys(_hitting(frozenset(), sets, size, [most])))
        if found:
            return found
        size += 1


def _hitting(chosen: Broken, sets: list[Broken], size: int, left: list[int]) -> Iterator[Broken]:
    """Yield the sets of at most ``size`` further members that hit what ``chosen`` does not hit yet."""
    missed = [one for one in sets if not one & chosen]
    if not missed:
        left[0] -= 1
        yield chosen
    elif size:
        for member in min(map(sorted, missed), key=lambda one: (len(one), one)):
            if left[0] <= 0:
                return
            yield from _hitting(chosen | {member}, missed, size - 1, left)


@dataclass
class _Search:
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

    def smallest_conflict(self, until: float, dropped: Broken = frozenset()) -> Broken:
        """Return the smallest set of limits that no design was found to meet; empty where one meets them all.

        Limits in ``dropped`` are left out.
        """
        while not any(broken <= dropped for broken in self.broken):
            chosen = self._candidate(dropped)
            if time.monotonic() > until:
                self.was_cut_short = True
                return chosen
            if not self._is_met(chosen, until):
                return chosen
        return frozenset()

    def further(self, chosen: Broken, until: float) -> Iterator[Broken]:
        """Yield the conflicts that are left, one after the other, when those found so far are dropped."""
        dropped = chosen
        while chosen and not self.was_cut_short:
            chosen = self.smallest_conflict(until, dropped)
            dropped |= chosen
            if chosen:
                yield chosen

    def _candidate(self, dropped: Broken) -> Broken:
        """Return a smallest set that every design known breaks; the one that says most of what the study asks."""
        found = smallest_hitting_sets([broken - dropped for broken in self.broken])
        return min(found, key=lambda one: (-len(one & self.stated), sorted(one)))

    def _is_met(self, chosen: Broken, until: float) -> bool:
        """Return whether a design is found that meets all chosen limits."""
        if any(self._is_settled(column) for column in chosen):
            return False
        best = self._best_walk(chosen, None, MEETING, until)
        return best is not None and best.population.is_feasible

    def _is_settled(self, column: int) -> bool:
        """Return whether a limit is broken by as much whatever is chosen, like one on the year of a fixed vehicle."""
        if len(self.screened) < len(self.elastics):
            return False
        everywhere = np.stack([violation[:, column] for violation in self.screened])
        return bool(everywhere.min() > 0.0 and everywhere.min() == everywhere.max() and everywhere.size > 1)

    def _best_walk(self, must: Broken, aim: int | None, stage: int, until: float) -> _Walked | None:
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

    def _neighbours(self, walked: _Walked | None) -> list[int]:
        """Return the screened combinations that differ from that of a walk in a single category."""
        one = set(walked.elastic.combination.items()) if walked else set()
        others = enumerate(self.elastics[: len(self.screened)])
        return [n for n, elastic in others if len(one - set(elastic.combination.items())) == 1]

    def _promise(self, number: int, columns: list[int], aim: int | None) -> tuple[float, float]:
        """Return what the best screened point of a combination violates, and how much of ``aim``."""
        violation = self.screened[number][:, columns].sum(axis=1)
        best = int(np.argmin(violation))
        return float(violation[best]), float(self.screened[number][best, aim]) if aim is not None else 0.0

    def members(self, chosen: Broken, further: Sequence[Broken], *, restore: bool) -> list[Conflicting] | None:
        """Return the members of a conflict, or None where a design that meets them all turns up on the way."""
        found = []
        for left, column in zip(range(len(chosen), 0, -1), sorted(chosen), strict=True):
            if any(not broken & chosen for broken in self.broken):
                return None
            now = time.monotonic()
            share = (self.deadline - now) / left if restore else 0.0
            found.append(self._member(column, chosen, further, until=now + share))
        return None if chosen and any(not broken & chosen for broken in self.broken) else found

    def _member(self, column: int, chosen: Broken, further: Sequence[Broken], *, until: float) -> Conflicting:
        """Return one member with the least relaxation of it that restores a design, sought until then."""
        name = self.names[column]
        without = next(design for broken, design in self.broken.items() if broken & chosen == {column})
        others = frozenset(range(len(self.names))).difference({column}, *further)
        seeking = until > time.monotonic()
        best = self._best_walk(others, column, RESTORING, until) if seeking else None
        self.was_cut_short |= seeking and time.monotonic() > until
        nearest = best.design if best else without
        restored = nearest if best and best.population.is_feasible else None
        compared = items(self.problem, nearest)
        at = compared[name]
        still = tuple(self.names[other] for other in sorted(others) if not compared[self.names[other]].violation <= 0.0)
        return Conflicting(
            name=name,
            sentence=at.sentence,
            sense=at.sense,
            units=at.units,
            without=without,
            relaxation=abs(at.value - at.limit) if restored else None,
            restored=restored,
            value=at.value if restored else None,
            limit=at.limit if restored else None,
            still_broken=() if restored else still,
        )


@dataclass(frozen=True, eq=False)
class _Walked:
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

    search: _Search
    columns: list[int]
    aim: int | None
    stage: int
    until: float
    walked: dict[int, _Walked] = field(default_factory=dict)
    walks: int = 0

    @property
    def best(self) -> _Walked | None:
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
        population = walk(grade, population, rng=rng, effort=Effort(*effort, self.until), enough=self.is_done)
        self.walked[number] = _Walked(number, elastic, population)
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
