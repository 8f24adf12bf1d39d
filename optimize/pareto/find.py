"""From a problem and its goals to a front: the ends are proved, the rest is searched, and some points are kept."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.design import Design, DesignBatch
from dawndusk.models.errors import DesignError, one_of
from dawndusk.models.outcome import known_outcome
from dawndusk.optimize.contradiction import check_value
from dawndusk.optimize.heuristics.dominance import not_dominated
from dawndusk.optimize.pareto.archive import one_of_each_cell, scaled
from dawndusk.optimize.pareto.ends import (
    INTERRUPT,
    End,
    PointProof,
    PointQuestion,
    ProofEffort,
    prove_end,
    prove_points,
)
from dawndusk.optimize.pareto.field import Field, Points
from dawndusk.optimize.pareto.front import Front
from dawndusk.optimize.pareto.search import Hunt, hunt
from dawndusk.optimize.problem import Goal, Problem
from dawndusk.optimize.progress import Progress
from dawndusk.optimize.result import Status

Floats: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.intp]
Report: TypeAlias = Callable[[Progress], None]
First: TypeAlias = Callable[[Goal], Design | None]

FEWEST_GOALS, MOST_GOALS = 2, 5
WIDEST_SPACING = 0.5
SHARE_OF_ENDS, SHARE_OF_POINTS = 0.5, 0.4
"""Shares of the time limit that proofs may take."""
LEAST_SHARE_OF_SEARCH = 0.2
"""Share of the time limit that the search gets in any case."""
CELL, MERGED = 0.4, 0.125
"""Of the spacing: one point is kept in each cube of this size, and of two that are nearer than this."""


@dataclass(frozen=True, kw_only=True)
class Proofs:
    """What is to be proved of a front, and how hard."""

    ends: bool = True
    points: bool = False
    effort: ProofEffort


def find_front(
    problem: Problem,
    goals: Sequence[Goal],
    *,
    proofs: Proofs,
    seed: int = 1,
    spacing: float = 0.02,
    time_limit_s: float = 60.0,
    seeds: Sequence[Design] = (),
    first: First = lambda _: None,
    report: Report = lambda _: None,
) -> Front:
    """Return the front of a problem between two to five goals.

    Parameters
    ----------
    problem : Problem
        What to choose and what must hold; its own objective has no part in it.
    goals : sequence of Goal
        Different outcomes.
    proofs : Proofs
        What to prove. The designs that prove the ends are where the search begins.
    seed : int
        Same seed, same front, as long as no time limit ends the search or a proof.
    spacing : float
        Widest gap between neighbours that is wanted, as a share of each goal's range.
    time_limit_s : float
        Of everything together; proofs take at most stated shares of it.
    seeds : sequence of Design
        More designs to begin with.
    first : callable
        Returns a good design for a goal, if it finds one; asked for each goal of which no proof gave a design.
    report : callable
        Called with ``Progress`` now and then.

    Raises
    ------
    DesignError
        For goals or a spacing that make no sense.
    CertificateError
        When a design of the front beats a bound that was thought to be proved.
    """
    check_goals(goals)
    if not 0.0 < spacing <= WIDEST_SPACING:
        raise DesignError(f"spacing: found {spacing!r}; allowed above 0 and at most {WIDEST_SPACING}")
    clock = _Clock(time_limit_s, proofs)
    field = Field(problem, tuple(goals))
    ends = _proved_ends(problem, goals, proofs, clock.ends_s, report) if proofs.ends else ()
    clock.proofs_end()
    proved = any(end.status == "infeasible" for end in ends)
    interrupted = any(end.stopped_by == INTERRUPT for end in ends)
    ended = interrupted or proved
    known = [*_designs_of(goals, ends, (lambda _: None) if ended else first), *seeds]
    found = hunt(
        field,
        seed=seed,
        spacing=spacing,
        time_limit_s=0.0 if ended else clock.hunt_s,
        seeds=known,
        report=report,
    )
    clock.hunt_ends()
    chosen = _kept(field, found, known, spacing)
    if proofs.points and len(chosen) and found.stopped_by != INTERRUPT and not interrupted:
        chosen = _proved_points(field, chosen, proofs.effort, clock.points_s, report)
    clock.proofs_end()
    front = Front(
        goals=tuple(goals),
        status=_status(len(chosen), found, proved=proved),
        proved=proved and not len(chosen),
        designs=chosen.designs,
        values=chosen.values,
        bounds=chosen.bounds,
        ends=_with_best(ends, goals, chosen.values),
        spacing=spacing,
        evaluated=field.evaluated,
        seconds=clock.hunting_s,
        proof_seconds=clock.proving_s,
        seed=seed,
        stopped_by=_stopped_by(found, proved=proved, interrupted=interrupted),
    )
    _check(front)
    return front


def _designs_of(goals: Sequence[Goal], ends: Sequence[End], first: First) -> list[Design]:
    """Return a design for each goal where there is one: what its proof met, else what is found first."""
    met = {end.goal: end.design for end in ends}
    return [design for goal in goals if (design := met.get(goal) or first(goal)) is not None]


def check_goals(goals: Sequence[Goal]) -> None:
    """Raise unless there are two to five goals, each of another outcome."""
    names = [known_outcome(goal.outcome) for goal in goals]
    if not FEWEST_GOALS <= len(names) <= MOST_GOALS:
        raise DesignError(
            f"goals: found {len(names)} ({one_of(names) or 'none'}); allowed {FEWEST_GOALS} to {MOST_GOALS} outcomes"
        )
    for name in names:
        if names.count(name) > 1:
            raise DesignError(f"goals: found {name!r} twice; allowed: different outcomes")


class _Clock:
    """How the time limit is shared, and what was spent on proofs and on the search."""

    def __init__(self, limit_s: float, proofs: Proofs) -> None:
        self._limit_s, self._proofs = limit_s, proofs
        self._begin = self._mark = time.monotonic()
        self.proving_s = self.hunting_s = 0.0

    @property
    def ends_s(self) -> float:
        """Return how long the proofs of the ends may take."""
        return SHARE_OF_ENDS * self._limit_s

    @property
    def hunt_s(self) -> float:
        """Return how long the search may take: what is left, and a share even where proofs took longer than theirs."""
        reserved = SHARE_OF_POINTS * self._limit_s if self._proofs.points else 0.0
        return max(self.points_s - reserved, LEAST_SHARE_OF_SEARCH * self._limit_s)

    @property
    def points_s(self) -> float:
        """Return how long there is left."""
        return max(self._limit_s - (time.monotonic() - self._begin), 0.0)

    def proofs_end(self) -> None:
        """Count the time since the last mark as spent on proofs."""
        self.proving_s += self._lap()

    def hunt_ends(self) -> None:
        """Count the time since the last mark as spent on the search."""
        self.hunting_s += self._lap()

    def _lap(self) -> float:
        before, self._mark = self._mark, time.monotonic()
        return self._mark - before


def _proved_ends(
    problem: Problem, goals: Sequence[Goal], proofs: Proofs, limit_s: float, report: Report
) -> tuple[End, ...]:
    """Return the best value of each goal with its certificate; none after an interrupt or a proof that nothing is."""
    ends: list[End] = []
    for goal in goals:
        ends.append(prove_end(problem, goal, proofs.effort, time_limit_s=limit_s / len(goals), report=report))
        if ends[-1].stopped_by == INTERRUPT or ends[-1].status == "infeasible":
            break
    return tuple(ends)


@dataclass(frozen=True, eq=False)
class _Chosen:
    """The points of a front while it is made: designs, goals in their units, and proved bounds."""

    designs: tuple[Design, ...]
    values: Floats
    bounds: Floats

    def __len__(self) -> int:
        return len(self.designs)

    def take(self, index: Indices) -> _Chosen:
        return _Chosen(tuple(self.designs[i] for i in index), self.values[index], self.bounds[index])


def _kept(field: Field, found: Hunt, known: Sequence[Design], spacing: float) -> _Chosen:
    """Return the designs of a front: the known ones with the best of each small cube of what was found.

    All are evaluated once more as the designs that they are.
    """
    points = found.archive.points
    if len(points):
        points = points.take(one_of_each_cell(found.archive.scaled(points.values), CELL * spacing))
    designs = [*known, *field.designs(points)]
    graded = _graded(field, designs)
    feasible = np.flatnonzero(graded.feasible)
    best = feasible[not_dominated(graded.values[feasible])]
    merged = best[_far_apart(graded.values[best], MERGED * spacing)]
    order = merged[np.lexsort(graded.values[merged].T[::-1])]
    return _Chosen(tuple(designs[i] for i in order), graded.values[order] * field.signs, np.full(len(order), np.nan))


def _graded(field: Field, designs: Sequence[Design]) -> Points:
    with np.errstate(all="ignore"):
        return field.grade_designs(DesignBatch.of(designs)) if designs else field.nothing()


def _far_apart(values: Floats, least: float) -> Indices:
    """Return rows that differ by at least ``least`` of the range of some goal; the best of each goal come first."""
    if not len(values):
        return np.zeros(0, dtype=np.intp)
    shares = scaled(values, values.min(axis=0), values.max(axis=0))
    order = np.concatenate([np.argmin(shares, axis=0), np.argsort(shares.sum(axis=1), kind="stable")])
    kept: list[int] = []
    for index in dict.fromkeys(order.tolist()):
        if not kept or (np.abs(shares[kept] - shares[index]).max(axis=1) >= least).all():
            kept.append(index)
    return np.array(kept, dtype=np.intp)


def _proved_points(field: Field, chosen: _Chosen, effort: ProofEffort, limit_s: float, report: Report) -> _Chosen:
    """Return the points with a proved bound each; a better design that a proof met takes the place of its point."""
    designs, values, bounds = list(chosen.designs), chosen.values.copy(), chosen.bounds.copy()
    asked = PointQuestion(field.problem, field.goals, effort)

    def tell(proved: int) -> None:
        report(Progress("proving points", proved / len(chosen), field.evaluated, float(chosen.values[0, 0])))

    with contextlib.suppress(KeyboardInterrupt):
        for number, proof in prove_points(asked, chosen.values, time_limit_s=limit_s, report=tell):
            row = chosen.values[number]
            bounds[number] = np.nan if proof.bound is None else proof.bound
            check_value(field.goals[0], proof.bound, float(row[0]), designs[number], _as_good_as(field.goals, row))
            _improve(field, number, proof, designs, values)
    small = values * field.signs
    best = np.flatnonzero(not_dominated(small))
    order = best[np.lexsort(small[best].T[::-1])]
    return _Chosen(tuple(designs), values, bounds).take(order)


def _improve(field: Field, number: int, proof: PointProof, designs: list[Design], values: Floats) -> None:
    """Put the design of a proof in the place of its point where it is nowhere worse."""
    if proof.design is None:
        return
    graded = _graded(field, [proof.design])
    small = values[number] * field.signs
    if bool(graded.feasible[0]) and (graded.values[0] <= small).all() and (graded.values[0] < small).any():
        designs[number], values[number] = proof.design, graded.values[0] * field.signs


def _as_good_as(goals: Sequence[Goal], values: Floats) -> str:
    named = [f"{goal.outcome} = {float(value)!r}" for goal, value in zip(goals[1:], values[1:], strict=True)]
    return f"at least as good as {one_of(named)}"


def _with_best(ends: tuple[End, ...], goals: Sequence[Goal], values: Floats) -> tuple[End, ...]:
    """Return the ends with the best values of the front, which may be better than what a proof met."""
    if not len(values):
        return ends
    best = [goal.sign * float((goal.sign * values[:, i]).min()) for i, goal in enumerate(goals)]
    return tuple(end.with_value(value) for end, value in zip(ends, best, strict=False))


def _status(points: int, found: Hunt, *, proved: bool) -> Status:
    """Return whether there is a front, or the search ended without, or has not ended."""
    if points:
        return "feasible"
    return "infeasible" if proved or found.stopped_by == "completion" else "unknown"


def _stopped_by(found: Hunt, *, proved: bool, interrupted: bool) -> str:
    if interrupted:
        return INTERRUPT
    return "completion" if proved else found.stopped_by


def _check(front: Front) -> None:
    """Raise ``CertificateError`` where a point of a front contradicts what was proved."""
    for number, end in enumerate(front.ends):
        for design, row in zip(front.designs, front.values, strict=True):
            check_value(end.goal, end.bound, float(row[number]), design, "that meets every rule")
