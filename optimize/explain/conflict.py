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

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dawndusk.models.design import Design
from dawndusk.optimize.explain.broken_limits import Broken, BrokenLimits
from dawndusk.optimize.explain.elastic import items
from dawndusk.optimize.explain.hitting_sets import smallest_hitting_sets
from dawndusk.optimize.problem import Problem
from dawndusk.optimize.result import Candidate

TIME_LIMIT_S = 4.0
SHARE_TO_FIND = 0.7
"""Share of the time in which the conflict is found; the rest is for what would restore a design."""
MOST_SEEDS = 8
MEETING, RESTORING = 1, 2
"""Stages of the walks, which seed their random numbers; the screening comes before."""


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
        Same seed, same result, as long as the time limit does not end the known.
    time_limit_s : float
        Seconds; a last candidate that was not tried to the end is returned with ``stopped_by`` ``time limit``.
    restore : bool
        Whether to look for the least relaxation of each member.
    """
    begin = time.monotonic()
    known = BrokenLimits(problem, seed, begin + time_limit_s, candidates=_nearest(candidates))
    known.screen()
    finder = _Finder(known)
    until = begin + (SHARE_TO_FIND if restore else 1.0) * time_limit_s
    members: list[Conflicting] | None = None
    while members is None:
        chosen = finder.smallest_conflict(until)
        further = tuple(finder.further(chosen, until)) if restore else ()
        members = finder.members(chosen, further, restore=restore)
    return Conflict(
        members=tuple(members),
        further=tuple(tuple(known.names[column] for column in sorted(one)) for one in further),
        feasible=known.feasible,
        evaluated=known.evaluated,
        seconds=time.monotonic() - begin,
        seed=seed,
        stopped_by="time limit" if known.was_cut_short else "completion",
    )


def _nearest(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates that miss by least."""
    return sorted(candidates, key=lambda candidate: (candidate.violation, candidate.objective))[:MOST_SEEDS]


class _Finder:
    """Looks for conflicts in what is known of the designs of a problem, and for what restores a design."""

    def __init__(self, known: BrokenLimits) -> None:
        self.known = known

    def smallest_conflict(self, until: float, dropped: Broken = frozenset()) -> Broken:
        """Return the smallest set of limits that no design was found to meet; empty where one meets them all.

        Limits in ``dropped`` are left out.
        """
        while not any(broken <= dropped for broken in self.known.broken):
            chosen = self._candidate(dropped)
            if time.monotonic() > until:
                self.known.was_cut_short = True
                return chosen
            if not self._is_met(chosen, until):
                return chosen
        return frozenset()

    def further(self, chosen: Broken, until: float) -> Iterator[Broken]:
        """Yield the conflicts that are left, one after the other, when those found so far are dropped."""
        dropped = chosen
        while chosen and not self.known.was_cut_short:
            chosen = self.smallest_conflict(until, dropped)
            dropped |= chosen
            if chosen:
                yield chosen

    def _candidate(self, dropped: Broken) -> Broken:
        """Return a smallest set that every design known breaks; the one that says most of what the study asks."""
        found = smallest_hitting_sets([broken - dropped for broken in self.known.broken])
        return min(found, key=lambda one: (-len(one & self.known.stated), sorted(one)))

    def _is_met(self, chosen: Broken, until: float) -> bool:
        """Return whether a design is found that meets all chosen limits."""
        if any(self.known.is_settled(column) for column in chosen):
            return False
        best = self.known.best_walk(chosen, None, MEETING, until)
        return best is not None and best.population.is_feasible

    def members(self, chosen: Broken, further: Sequence[Broken], *, restore: bool) -> list[Conflicting] | None:
        """Return the members of a conflict, or None where a design that meets them all turns up on the way."""
        found = []
        for left, column in zip(range(len(chosen), 0, -1), sorted(chosen), strict=True):
            if any(not broken & chosen for broken in self.known.broken):
                return None
            now = time.monotonic()
            share = (self.known.deadline - now) / left if restore else 0.0
            found.append(self._member(column, chosen, further, until=now + share))
        return None if chosen and any(not broken & chosen for broken in self.known.broken) else found

    def _member(self, column: int, chosen: Broken, further: Sequence[Broken], *, until: float) -> Conflicting:
        """Return one member with the least relaxation of it that restores a design, sought until then."""
        name = self.known.names[column]
        without = next(design for broken, design in self.known.broken.items() if broken & chosen == {column})
        others = frozenset(range(len(self.known.names))).difference({column}, *further)
        seeking = until > time.monotonic()
        best = self.known.best_walk(others, column, RESTORING, until) if seeking else None
        self.known.was_cut_short |= seeking and time.monotonic() > until
        nearest = best.design if best else without
        restored = nearest if best and best.population.is_feasible else None
        compared = items(self.known.problem, nearest)
        at = compared[name]
        still = tuple(
            self.known.names[other]
            for other in sorted(others)
            if not compared[self.known.names[other]].violation <= 0.0
        )
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
