"""The second lower bound of a certificate: mixed-integer linear models of the physics in logarithms, solved by HiGHS.

Independent of the exact search: it shares with it the recorded physics and interval arithmetic, but no box, no leaf
and no bound. Every model is an outer one, so what it can not reach no design can reach. Combinations of categories are
taken best first: linear programmes narrow the ranges, then curves are cut into pieces where the solution of the latest
model is furthest from the physics.

A bound of a linear programme is safe whatever the solver's tolerances (see ``milp_engine``); one of a mixed-integer
model is HiGHS's dual bound less ``milp_case.PADDING``.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.design import Design
from dawndusk.optimize.certify.boxes import Bounder
from dawndusk.optimize.certify.milp_case import Case, Solved
from dawndusk.optimize.certify.milp_columns import propagated
from dawndusk.optimize.certify.milp_designs import best_near
from dawndusk.optimize.certify.milp_model import pyomo_model, slot_names, write_model
from dawndusk.optimize.certify.operations import Grid, Table, here, reached
from dawndusk.optimize.certify.statement import STEPWISE, Statement, state
from dawndusk.optimize.certify.tape import Builder
from dawndusk.optimize.evolution import search
from dawndusk.optimize.problem import Combination, Problem

Floats: TypeAlias = NDArray[np.float64]
_Part: TypeAlias = tuple[tuple[int, ...], dict[int, tuple[float, float]]]
"""Some combinations, and ranges of some coordinates."""
Status: TypeAlias = Literal["bounded", "time limit", "infeasible", "failed"]

SEARCH_SHARE = 0.15
MOST_SEARCH_S = 6.0
TARGET_SHARE = 0.98
"""Only designs better than the cutoff by this share of the gap are looked for: where there are none, it is closed."""
FOCUS = 0.003
"""Share of all shortfall from which a slot's argument is narrowed."""
SLOW_GAIN = 0.02
LAST_GAIN = 0.05
LEAST_NARROWINGS, MOST_NARROWINGS = 3, 40
WHOLE_S = 6.0
"""Time limit of a mixed-integer model; that of a single combination is doubled from one refinement to the next."""
STALLED_SHARE = 0.3
"""Share of what is left to the target that a model has to gain, else its case is split."""
LEAST_WHOLES, MOST_WHOLES = (1, 4), 6
"""Models before a case may be split, of several combinations and of one; models after which it is."""
LEAST_SPLIT = 1e-3
COARSE = 0.02
"""Share of what is left to the target to which a model is solved: the next refinement changes it anyway."""
KEPT_SHARE = 0.2
"""Share of the shortfall that one refinement leaves."""
NEAR = 0.7
INCUMBENT_EVERY_S = 1.0


@dataclass(frozen=True)
class SecondBound:
    """What the second bound proved.

    ``status`` is ``bounded`` (the gap asked for is closed), ``time limit``, ``infeasible`` (proved: no combination has
    a design that meets the rules) or ``failed``. ``bound`` is in the units of the objective: no feasible design is
    better. ``gap`` is relative to the incumbent, None without one. ``stalled_at`` names what is furthest from the
    physics where the bound is lowest.
    """

    status: Status
    bound: float | None
    objective: float | None
    design: Design | None
    gap: float | None
    seconds: float
    rounds: int
    pieces: int
    columns: int
    rows: int
    open_combinations: int
    stalled_at: str
    solver_words: str


@dataclass(frozen=True)
class MilpProgress:
    """Where a second bound stands: bound and incumbent in the units of the objective, and combinations still open."""

    seconds: float
    bound: float
    objective: float | None
    open_combinations: int
    words: str


@dataclass(order=True)
class _Entry:
    """A combination in the queue, lowest bound first."""

    bound: float
    number: int
    case: Case = field(compare=False)
    steps: int = field(default=0, compare=False)
    is_part: bool = field(default=False, compare=False)
    wholes: int = field(default=0, compare=False)
    own: float = field(default=-np.inf, compare=False)
    """The best bound from its own models: what its parent had proved may be higher."""
    full: bool = field(default=True, compare=False)
    narrowed: bool = field(default=False, compare=False)
    split: bool = field(default=False, compare=False)
    stalled: bool = field(default=False, compare=False)
    seen: dict[int, float] = field(default_factory=dict, compare=False)


class _Search:
    """The state of one second bound. Scores are slots of the tape: logarithms where the objective is positive."""

    def __init__(
        self, statement: Statement, gap: float, deadline: float, report: Callable[[MilpProgress], None]
    ) -> None:
        self.begin = time.monotonic()
        self.statement, self.gap, self.deadline, self.report = statement, gap, deadline, report
        self.root = Bounder(statement).root()
        builder = Builder(statement, self.root.low, self.root.high)
        self.tape = builder.build()
        self.needed = reached(self.tape)
        self.names = slot_names(statement, builder)
        self.generator = np.random.default_rng(0)
        self.score = np.inf
        self.design: Design | None = None
        self.cutoff = np.inf
        self.closed_at = np.inf
        self.queue: list[_Entry] = []
        self.numbers = itertools.count()
        self.rounds = 0
        self.words = ""

    # -- scores ---------------------------------------------------------------------------------------------------

    def score_of(self, objective: float) -> float:
        """Return the score of an objective in its units."""
        sign = self.statement.sign
        return sign * float(np.log(objective)) if self.tape.logarithm else sign * objective

    def objective_of(self, score: float) -> float:
        """Return the objective of a score, in its units."""
        sign = self.statement.sign
        return float(np.exp(sign * score)) if self.tape.logarithm else sign * score

    def distance(self, low: float, high: float) -> float:
        """Return the relative gap between two scores."""
        if self.tape.logarithm:
            return float(-np.expm1(low - high))
        return (high - low) / max(abs(high), 1e-9)

    @property
    def target(self) -> float:
        """The score below which designs are looked for."""
        if not np.isfinite(self.cutoff):
            return np.inf
        less = self.gap * TARGET_SHARE
        return self.cutoff + float(np.log1p(-less)) if self.tape.logarithm else self.cutoff - less * abs(self.cutoff)

    @property
    def lowest(self) -> float:
        """The bound proved so far."""
        return min(self.queue[0].bound if self.queue else np.inf, self.closed_at)

    def offer(self, objective: float, design: Design | None) -> None:
        """Take a design that is known to be feasible, or its objective, for the incumbent if it is better."""
        score = self.score_of(objective)
        if score < self.score:
            self.score, self.design = score, design
        self.cutoff = min(self.cutoff, score)

    # -- steps ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Bound every combination by interval arithmetic and queue those that are left."""
        root = self.root
        for members in self._groups():
            chosen = list(members)
            found = propagated(self.tape, members, (root.low[:, chosen], root.high[:, chosen]), None)
            if found is not None:
                case = Case(self.tape, self.needed, *found)
                self._push(_Entry(float(found[1].low[self.tape.objective]), next(self.numbers), case))

    def _groups(self) -> list[tuple[int, ...]]:
        """Return the combinations in groups that read the same rows of all look-ups."""
        rows = [o.row for o in map(self.tape.operations.__getitem__, self.needed) if isinstance(o, (Table, Grid))]
        groups: dict[tuple[float, ...], list[int]] = {}
        for number in range(len(self.statement.combinations)):
            groups.setdefault(tuple(here(row, number) for row in rows), []).append(number)
        return [tuple(group) for group in groups.values()]

    def _push(self, entry: _Entry) -> None:
        if entry.bound == np.inf:
            return
        if entry.bound >= self.target:
            self.closed_at = min(self.closed_at, entry.bound)
            return
        heapq.heappush(self.queue, entry)

    def run(self) -> None:
        """Raise the lowest bound until the gap is closed or the time is over."""
        while self.queue and time.monotonic() < self.deadline:
            entry = heapq.heappop(self.queue)
            if entry.bound >= self.target:
                self._push(entry)
                continue
            target = self.target
            entry.case.limit(target)
            bound = self._step(entry)
            # Within the limit of its objective a model only says: nothing better than the limit.
            bound = min(bound, target) if np.isfinite(target) else bound
            entry.bound = max(entry.bound, bound)
            self.rounds += 1
            if not entry.split:
                self._push(entry)
            if np.isfinite(self.lowest):
                self.report(
                    MilpProgress(
                        time.monotonic() - self.begin,
                        self.objective_of(self.lowest),
                        self.objective_of(self.score) if np.isfinite(self.score) else None,
                        sum(len(e.case.members) for e in self.queue),
                        self.words,
                    )
                )

    def _step(self, entry: _Entry) -> float:
        """Do the next thing for a combination; return its bound."""
        case = entry.case
        if entry.steps == 0:
            entry.steps = 1
            return self._took(entry, case.solve_linear())
        if not entry.narrowed:
            return self._narrow(entry)
        if entry.wholes >= LEAST_WHOLES[len(case.members) == 1] and (entry.stalled or entry.wholes >= MOST_WHOLES):
            return self._split(entry)
        return self._whole(entry)

    def _split(self, entry: _Entry) -> float:
        """Split a case by the category or at the middle of the coordinate that raises the bounds of its parts most."""
        best: tuple[float, list[_Entry]] = -np.inf, []
        cap = self.target if np.isfinite(self.target) else entry.bound + 100.0
        for partition in self._partitions(entry.case):
            if time.monotonic() > self.deadline:
                return entry.bound
            entries = [self._child(entry, *part) for part in partition]
            merit = float(np.mean([min(child.bound, cap) if child is not None else cap for child in entries]))
            if merit > best[0]:
                best = merit, [child for child in entries if child is not None]
        if np.isfinite(self.target):
            self.closed_at = min(self.closed_at, self.target)
        for child in best[1]:
            self._push(child)
        entry.split = True
        return np.inf

    def _partitions(self, case: Case) -> list[list[_Part]]:
        """Return the ways to split a case: by each category in which its combinations differ, else by coordinates."""
        combinations = self.statement.combinations
        found: list[list[_Part]] = []
        for category in combinations[case.members[0]]:
            names = dict.fromkeys(combinations[c][category] for c in case.members)
            if len(names) > 1:
                found.append([(tuple(c for c in case.members if combinations[c][category] == n), {}) for n in names])
        if found:
            return found
        for axis, coordinate in enumerate(self.statement.coordinates):
            low, high = case.ranges.within(axis)
            if high - low > LEAST_SPLIT * (coordinate.high - coordinate.low):
                middle = 0.5 * (low + high)
                found.append([(case.members, {axis: (low, middle)}), (case.members, {axis: (middle, high)})])
        return found

    def _child(self, entry: _Entry, members: tuple[int, ...], held: dict[int, tuple[float, float]]) -> _Entry | None:
        """Return the queue's entry of a part of a case, None where it is proved to hold nothing."""
        part = entry.case.part(members, held)
        solved = part.solve_linear() if part is not None else None
        if part is None or solved is None or solved.bound == np.inf:
            return None
        # The ranges of a part are narrowed once in full: most of what can be gained was gained before the split.
        child = _Entry(max(solved.bound, entry.bound), next(self.numbers), part, LEAST_NARROWINGS, is_part=True)
        self._took(child, solved)
        return child

    def _took(self, entry: _Entry, solved: Solved) -> float:
        self.words, entry.own = solved.words, max(entry.own, solved.bound)
        if solved.values is not None or entry.case.last is None:
            entry.case.last = solved
        for slot in entry.seen:
            entry.seen[slot] *= 0.5
        for slot, error in solved.shortfalls.items():
            entry.seen[slot] = max(entry.seen.get(slot, 0.0), error)
        return solved.bound

    def _narrow(self, entry: _Entry) -> float:
        case = entry.case
        assert case.last is not None
        total = sum(case.last.shortfalls.values())
        slots = [slot for slot, error in entry.seen.items() if error > FOCUS * total]
        slots += range(len(self.statement.coordinates))
        before = case.last.bound
        full, entry.full = entry.full, False
        if not case.tighten(self.deadline, None if full else slots):
            return np.inf
        bound = self._took(entry, case.solve_linear())
        entry.steps += 1
        gain = bound - before
        last = entry.steps > LEAST_NARROWINGS and (entry.is_part or gain < LAST_GAIN)
        if (full and last) or entry.steps > MOST_NARROWINGS:
            entry.narrowed = True
        if not full and gain < SLOW_GAIN:
            entry.full = True
        return bound

    def _whole(self, entry: _Entry) -> float:
        case = entry.case
        left = self.deadline - time.monotonic()
        total = sum(max(error, 0.0) for error in case.last.shortfalls.values()) if case.last else 0.0
        if case.last is not None:
            refined = case.refine(case.last, max(0.25 * self.gap, KEPT_SHARE * total))
            if not refined:
                case.widths = {slot: 0.5 * width for slot, width in case.widths.items()}
        limit = min(left, WHOLE_S * (2.0**entry.wholes if len(case.members) == 1 else 1.0))
        known = np.isfinite(self.target) and np.isfinite(entry.bound)
        coarse = COARSE * (self.target - entry.bound) if known else 0.0
        solved = case.solve_whole(max(limit, 0.1), max(0.25 * self.gap, coarse))
        entry.wholes += 1
        before = entry.own
        entry.stalled = solved.bound < before + STALLED_SHARE * (self.target - before if known else 1.0)
        bound = self._took(entry, solved)
        if solved.values is not None:
            self._try(case, solved)
        return bound

    def _try(self, case: Case, solved: Solved) -> None:
        """Look for designs near the point of a relaxation."""
        assert solved.values is not None
        point = np.array([solved.values[axis] for axis in range(len(self.statement.coordinates))])
        with np.errstate(all="ignore"):
            found = best_near(self.statement, point, case.combination, self.generator)
        if found is not None:
            self.offer(self.statement.sign * found[0], found[1])

    # -- result ---------------------------------------------------------------------------------------------------

    def result(self) -> SecondBound:
        """Return what was proved."""
        low = min(self.lowest, self.cutoff)
        infeasible = not self.queue and not np.isfinite(low)
        known = np.isfinite(self.score)
        gap = max(self.distance(low, self.score), 0.0) if known and np.isfinite(low) else None
        status: Status = "infeasible" if infeasible else "bounded" if not self.queue else "time limit"
        worst = self.queue[0].case if self.queue else None
        columns, rows, pieces = worst.size if worst else (0, 0, 0)
        return SecondBound(
            status=status,
            bound=self.objective_of(low) if np.isfinite(low) else None,
            objective=self.objective_of(self.score) if known else None,
            design=self.design,
            gap=gap,
            seconds=time.monotonic() - self.begin,
            rounds=self.rounds,
            pieces=pieces,
            columns=columns,
            rows=rows,
            open_combinations=sum(len(e.case.members) for e in self.queue),
            stalled_at=self._stalled_at(worst),
            solver_words=self.words,
        )

    def _stalled_at(self, case: Case | None) -> str:
        if case is None or case.last is None or not case.last.shortfalls:
            return ""
        slot, error = max(case.last.shortfalls.items(), key=lambda item: item[1])
        operation = self.tape.operations[slot]
        kind = getattr(getattr(operation, "curve", None), "name", type(operation).__name__.lower())
        where = ", ".join(self.statement.combinations[case.combination].values())
        where += f" and {len(case.members) - 1} more" if len(case.members) > 1 else ""
        return f"{self.names.get(slot, f'slot {slot}')} ({kind}), {error:.2g} of the score, at {where}"


def _statement(problem: Problem | Statement) -> Statement:
    return state(problem.problem if isinstance(problem, Statement) else problem, STEPWISE)


def second_bound(
    problem: Problem | Statement,
    *,
    gap: float = 2e-3,
    time_limit_s: float = 45.0,
    cutoff: float | None = None,
    design: Design | None = None,
    report: Callable[[MilpProgress], None] = lambda _: None,
) -> SecondBound:
    """Prove a lower bound on the objective (an upper one where it is made large), without the exact search.

    Parameters
    ----------
    problem : Problem or Statement
        What is to be bounded.
    gap : float
        Relative gap between bound and incumbent at which to stop.
    time_limit_s : float
        Wall time. The search for a first design is part of it.
    cutoff : float, optional
        Objective of a design that is known to be feasible. Without it a short evolutionary search looks for one.
    design : Design, optional
        The design of ``cutoff``, handed back if no better one is found.
    report : callable, optional
        Called after every step.
    """
    deadline = time.monotonic() + time_limit_s
    run = _Search(_statement(problem), gap, deadline, report)
    if cutoff is not None:
        run.offer(cutoff, design)
    else:
        found = search(
            run.statement.problem,
            seed=0,
            time_limit_s=min(SEARCH_SHARE * time_limit_s, MOST_SEARCH_S),
            most_designs=10**9,
        )
        if found.status == "feasible":
            run.offer(found.objective, found.design)
    run.start()
    run.run()
    return run.result()


def milp_model(
    problem: Problem | Statement,
    combination: Combination | None = None,
    *,
    pieces: int = 4,
    cutoff: float | None = None,
) -> Any:
    """Return the mixed-integer linear model of one combination in Pyomo.

    Parameters
    ----------
    problem : Problem or Statement
        What is to be modelled.
    combination : mapping of str to str, optional
        Name of each category; the first combination of the problem if left out.
    pieces : int
        Times that the curves with the largest shortfall are refined from the solution of the linear relaxation.
    cutoff : float, optional
        Leave out designs whose objective is known to be worse than this.

    Raises
    ------
    ValueError
        For a combination that the problem does not have.
    """
    statement = _statement(problem)
    run = _Search(statement, 1e-3, np.inf, lambda _: None)
    known = [dict(c) for c in statement.combinations]
    if combination is not None and dict(combination) not in known:
        raise ValueError(f"combination: found {dict(combination)}; allowed: one of the {len(known)} of the problem")
    number = known.index(dict(combination)) if combination is not None else 0
    root = run.root
    found = propagated(run.tape, (number,), (root.low[:, number], root.high[:, number]), None)
    if found is None:
        raise ValueError("combination: found one that no design can meet; allowed: one with designs")
    case = Case(run.tape, run.needed, *found)
    if cutoff is not None:
        case.limit(run.score_of(cutoff))
    for _ in range(pieces):
        solved = case.solve_linear()
        if solved.values is None:
            break
        case.refine(solved, 0.1 * sum(solved.shortfalls.values()))
    return pyomo_model(case.model(), run.names)


__all__ = ["MilpProgress", "SecondBound", "milp_model", "second_bound", "write_model"]
