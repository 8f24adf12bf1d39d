"""Evolutionary search over a whole mixed-integer design space. A heuristic: it gives a design, not a bound.

Three stages, each seeded from (seed, stage, combination) so that nothing depends on timing: a quasi-random look at
every combination of categories, SciPy's vectorised differential evolution on the promising ones, and sampling in
shrinking neighbourhoods around the best designs.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.heuristics.variation import sampled_around
from dawndusk.optimize.problem import Combination, Problem, Scored
from dawndusk.optimize.progress import Progress
from dawndusk.optimize.result import COMPLETION, Candidate, DesignResult
from dawndusk.optimize.space.sampling import sobol_net

Floats: TypeAlias = NDArray[np.float64]

LOG2_SCREENED = 9
"""Of how many designs each combination is judged by at first."""
KEPT_AFTER_SCREEN = 24
GENERATIONS = 240
POPULATION_PER_VARIABLE, LEAST_POPULATION = 8, 5
REFINED = 6
REFINE_ROUNDS = 40
REFINE_SAMPLES = 2048
REFINE_SAMPLES_OF_OTHERS = 256
FIRST_WIDTH = 0.2
LAST_WIDTH = 1e-6
HALVING_WIDTHS = (0.3, 0.2, 0.15, 0.1, 0.07, 0.05)
HALVING_SAMPLES = 512
STRATEGY: Literal["rand1bin"] = (
    "rand1bin"  # the ones that follow the best settle on the wrong number of satellites per launch
)
REPORT_EVERY = 16
MUTATION, RECOMBINATION = (0.4, 0.9), 0.8


@dataclass(frozen=True)
class Effort:
    """How much work a search does: combinations that are evolved, for how long, and how many are refined.

    With ``every_name`` the best combination with each name of each category is worked on as well.
    """

    evolved: int = KEPT_AFTER_SCREEN
    generations: int = GENERATIONS
    refined: int = REFINED
    every_name: bool = True


THOROUGH = Effort()
QUICK = Effort(evolved=4, generations=120, refined=2, every_name=False)
"""Enough for a first design within about a tenth of a percent on most studies."""
SCREENING, EVOLVING, REFINING, COMPARING = range(4)
"""Stages, which seed their random numbers."""


@dataclass
class _Run:
    """The state of one search."""

    problem: Problem
    seed: int
    deadline: float
    most_designs: int
    report: Callable[[Progress], None]
    evaluated: int = 0
    effort: Effort = THOROUGH
    best: dict[int, Candidate] = field(default_factory=dict)
    leader: Candidate | None = None

    @property
    def ended_by(self) -> str:
        """Return what ends the search before its stages do, if anything."""
        if self.evaluated >= self.most_designs:
            return "design budget"
        return "time limit" if time.monotonic() > self.deadline else ""

    def merit(self, coordinates: Floats, combination: Combination, number: int) -> Floats:
        """Score coordinates of shape (N, d), remember the best, and return the merit of each."""
        designs = self.problem.designs(np.clip(coordinates, 0.0, 1.0), combination)
        scored = self.problem.score(designs, self.problem.scored_outcomes)
        self.evaluated += len(coordinates)
        self._remember(scored, coordinates, combination, number)
        return scored.merit()

    def _remember(self, scored: Scored, coordinates: Floats, combination: Combination, number: int) -> None:
        index = scored.best()
        new = (max(float(scored.violation[index]), 0.0), float(scored.objective[index]))
        known = self.best.get(number)
        if known is None or new < (known.violation, known.objective):
            self.best[number] = Candidate(
                dict(combination), np.clip(coordinates[index], 0.0, 1.0), scored.designs[index], new[1], new[0]
            )
            if self.leader is None or new < (self.leader.violation, self.leader.objective):
                self.leader = self.best[number]

    def ranked(self) -> list[int]:
        """Return the combinations seen so far, best first."""
        return sorted(self.best, key=lambda n: (self.best[n].violation, self.best[n].objective))

    def promising(self, count: int) -> list[int]:
        """Return the best ``count`` combinations and the best one with every name of every category, best first.

        So every name that loses does so with a design of its own that was worked on as long.
        """
        ranked = self.ranked()
        chosen = set(ranked[:count])
        if not self.effort.every_name:
            return ranked[:count]
        seen: set[tuple[str, str]] = set()
        for number in ranked:
            names = set(self.best[number].combination.items())
            if names - seen:
                chosen.add(number)
                seen |= names
        return [number for number in ranked if number in chosen]

    def tell(self, stage: str, share: float) -> None:
        """Report progress."""
        first = self.leader
        value = first.objective if first and first.violation <= 0.0 else float("nan")
        self.report(Progress(stage, share, self.evaluated, self.problem.sign * value))


def search(
    problem: Problem,
    *,
    seed: int = 1,
    time_limit_s: float = 60.0,
    most_designs: int = 10_000_000,
    effort: Effort = THOROUGH,
    report: Callable[[Progress], None] = lambda _: None,
) -> DesignResult:
    """Search the whole space and return the best design found, or the nearest miss as the first candidate.

    The status is ``feasible`` or ``infeasible``: a heuristic never says optimal.

    Parameters
    ----------
    problem : Problem
        What to choose, and what to make small.
    seed : int
        Same seed, same result, as long as the time limit does not end the search.
    time_limit_s : float
        After this many seconds the best design so far is returned, and ``stopped_by`` says so.
    most_designs : int
        The same after this many designs; the step at hand is finished first.
    effort : Effort
        How much work each stage does.
    report : callable
        Called with ``Progress`` now and then.
    """
    begin = time.monotonic()
    run = _Run(problem, seed, begin + time_limit_s, most_designs, report, effort=effort)
    combinations = problem.combinations()
    _screen(run, combinations)
    if problem.free:
        _evolve(run)
        _refine(run)
    stopped_by = run.ended_by or COMPLETION
    order = run.ranked()
    winner = run.best[order[0]]
    with np.errstate(all="ignore"):
        scored = problem.score_one(winner.design)
    feasible = bool(scored.feasible[0])
    return DesignResult(
        status="feasible" if feasible else "infeasible",
        objective=problem.sign * float(scored.objective[0]) if feasible else None,
        bound=None,
        gap=None,
        design=winner.design if feasible else None,
        evaluation=scored.evaluation,
        candidates=tuple(run.best[n] for n in order),
        evaluated=run.evaluated,
        combinations=len(combinations),
        seconds=time.monotonic() - begin,
        seed=seed,
        stopped_by=stopped_by,
    )


def _screen(run: _Run, combinations: list[dict[str, str]]) -> None:
    """Look at every combination on the same quasi-random points, then halve the field round by round.

    Each round samples closer around the best design of every combination that is left, so that a combination is
    judged by what it can do, not by where the first points happened to fall.
    """
    if not run.problem.free:
        _look(run, combinations, np.zeros((1, 0)))
        return
    dimension = len(run.problem.free)
    points = sobol_net(LOG2_SCREENED, dimension, np.random.default_rng([run.seed, SCREENING]))
    _look(run, combinations, points)
    for stage, width in enumerate(HALVING_WIDTHS):
        for number in run.promising(max(KEPT_AFTER_SCREEN, len(combinations) >> stage)):
            if run.ended_by:
                return
            rng = np.random.default_rng([run.seed, COMPARING, stage, number])
            _sample_around(run, number, width, HALVING_SAMPLES, rng)
        run.tell("comparing combinations", (stage + 1) / len(HALVING_WIDTHS))


def _look(run: _Run, combinations: list[dict[str, str]], points: Floats) -> None:
    """Score the same points in every combination."""
    for number, combination in enumerate(combinations):
        run.merit(points, combination, number)
        if number % REPORT_EVERY == 0:
            run.tell("screening combinations", (number + 1) / len(combinations))
        if run.ended_by:
            return


def _sample_around(run: _Run, number: int, width: float, count: int, rng: np.random.Generator) -> None:
    """Score ``count`` points around the best of a combination, moving some of the coordinates of each."""
    centre = run.best[number]
    around = sampled_around(np.tile(centre.coordinates, (count, 1)), width, rng)
    run.merit(around, centre.combination, number)


def _evolve(run: _Run) -> None:
    """Run differential evolution on the most promising combinations."""
    from scipy.optimize import Bounds, differential_evolution  # noqa: PLC0415 (slow to import, for what may not be run)

    chosen = run.promising(run.effort.evolved)
    dimension = len(run.problem.free)
    log2_count = math.ceil(math.log2(max(LEAST_POPULATION, POPULATION_PER_VARIABLE * dimension)))
    halt: Any = lambda *_args, **_kwargs: bool(run.ended_by)  # noqa: E731 (SciPy tells callbacks apart by their signature)
    for position, number in enumerate(chosen):
        if run.ended_by:
            return
        candidate = run.best[number]
        rng = np.random.default_rng([run.seed, EVOLVING, number])
        objective: Any = functools.partial(_columns_merit, run, candidate.combination, number)
        differential_evolution(
            objective,
            Bounds(np.zeros(dimension), np.ones(dimension)),
            x0=candidate.coordinates,
            strategy=STRATEGY,
            maxiter=run.effort.generations,
            popsize=POPULATION_PER_VARIABLE,
            init=sobol_net(log2_count, dimension, rng),
            mutation=MUTATION,
            recombination=RECOMBINATION,
            tol=0.0,
            atol=0.0,
            polish=False,
            vectorized=True,
            updating="deferred",
            rng=rng,
            callback=halt,
        )
        run.tell("evolving designs", (position + 1) / len(chosen))


def _columns_merit(run: _Run, combination: Combination, number: int, columns: Floats) -> Floats:
    """Return the merit of designs whose coordinates are the columns of an array, as SciPy passes them."""
    return run.merit(np.atleast_2d(columns.T), combination, number)


def _refine(run: _Run) -> None:
    """Sample neighbourhoods that shrink around the best designs; the leading ones more densely."""
    chosen = run.promising(run.effort.refined)
    for position, number in enumerate(chosen):
        rng = np.random.default_rng([run.seed, REFINING, number])
        samples = REFINE_SAMPLES if position < run.effort.refined else REFINE_SAMPLES_OF_OTHERS
        for width in np.geomspace(FIRST_WIDTH, LAST_WIDTH, REFINE_ROUNDS):
            if run.ended_by:
                return
            _sample_around(run, number, width, samples, rng)
        run.tell("refining", (position + 1) / len(chosen))
