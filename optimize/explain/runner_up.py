"""The runner-up in every category: the best design with each name that lost, its penalty, and what that is made of."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.design import Design
from dawndusk.optimize.explain.conflict import explain_conflict
from dawndusk.optimize.explain.decomposition import grouped, split, terms
from dawndusk.optimize.explain.elastic import Elastic, items
from dawndusk.optimize.heuristics.local_search import Population, WalkEffort, coordinates_of, start, walk
from dawndusk.optimize.problem import Choice, Fixed, Problem
from dawndusk.optimize.result import Candidate
from dawndusk.optimize.space.sampling import sobol

Floats: TypeAlias = NDArray[np.float64]

SEEDED = 3
SCREENED = 64
SHORT_WALK, LONG_WALK = (12, 512), (45, 768)
LONG_WALKS = 2
FORBIDDEN_TIME_LIMIT_S = 1.0
SHARE_TO_SOLVE = 0.7
"""Share of the time for the designs; the rest is for the conflicts that forbid a name."""


@dataclass(frozen=True)
class RunnerUp:
    """The best design found with a name that lost.

    Attributes
    ----------
    penalty : float or None
        How much worse the objective is, as a share of the best; None where no feasible design was found.
    parts : mapping of str to float
        What the penalty is made of, by outcome, as shares of the best objective; they add up to ``penalty``.
    groups : mapping of str to float
        The same summed to launch, satellites, compute, operations, delay and so on, largest first.
    forbidden_by : tuple of str
        Where nothing feasible was found: the fewest rules and bounds that no design with this name was found to meet;
        where the time ends first, all that the nearest design breaks.
    completed : bool
        Whether the search ended by itself. Where its time ended it, the penalty may be smaller than found, and
        ``forbidden_by`` may hold more than the conflict.
    """

    variable: str
    name: str
    design: Design
    objective: float
    penalty: float | None
    parts: Mapping[str, float]
    groups: Mapping[str, float]
    forbidden_by: tuple[str, ...]
    completed: bool

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            **{field.name: getattr(self, field.name) for field in dataclasses.fields(self)},
            "design": self.design.to_dict(),
            "parts": dict(self.parts),
            "groups": dict(self.groups),
            "forbidden_by": list(self.forbidden_by),
        }


def runners_up(
    problem: Problem, best: Design, candidates: Sequence[Candidate], *, seed: int, deadline: float
) -> list[RunnerUp]:
    """Return the best design with every name that lost, the smallest penalty first, those that are forbidden last.

    Parameters
    ----------
    best : Design
        The best design: what the others are compared with.
    candidates : sequence of Candidate
        The best designs that a search found for combinations of categories: where to start.
    deadline : float
        ``time.monotonic`` at which the walks end.
    """
    lost, begin = list(_lost(problem, best)), time.monotonic()
    solved = begin + SHARE_TO_SOLVE * (deadline - begin)
    found = []
    for number, (variable, name) in enumerate(lost):
        until = _fair(solved, len(lost) - number)
        found.append(_runner_up(problem, best, candidates, variable, name, seed=seed + number, until=until))
    forbidden = [one for one in found if one.penalty is None]
    for number, one in enumerate(forbidden):
        until = _fair(deadline, len(forbidden) - number)
        found[found.index(one)] = _forbidden(problem, one, seed, until)
    return sorted(found, key=lambda one: (one.penalty is None, one.penalty or 0.0))


def _fair(deadline: float, left: int) -> float:
    """Return when one of ``left`` equal shares of the time until a deadline ends."""
    now = time.monotonic()
    return now + max(deadline - now, 0.0) / left


def _lost(problem: Problem, best: Design) -> Iterator[tuple[str, str]]:
    """Yield every category with each of its names that the best design does not have."""
    for variable, chosen in best.combination.items():
        entry = problem.space[variable]
        for name in entry.names if isinstance(entry, Choice) else ():
            if name != chosen:
                yield variable, name


def _runner_up(
    problem: Problem,
    best: Design,
    candidates: Sequence[Candidate],
    variable: str,
    name: str,
    *,
    seed: int,
    until: float,
) -> RunnerUp:
    """Return the best design with one name, and why it lost."""
    forced = _forced(problem, variable, name)
    seeds = [candidate for candidate in candidates if candidate.combination[variable] == name]
    elastic, population = _solve(forced, best, seeds, seed=seed, until=until)
    completed = time.monotonic() < until
    design = elastic.designs(population.points[:1])[0]
    scored = problem.score_one(design)
    objective = problem.sign * float(scored.objective[0])
    if not bool(scored.feasible[0]):
        return RunnerUp(variable, name, design, objective, None, {}, {}, (), completed)
    reference = problem.score_one(best)
    scale = abs(float(reference.objective[0])) or 1.0
    parts = {n: problem.sign * part / scale for n, part in split(terms(problem, best), terms(problem, design)).items()}
    penalty = (float(scored.objective[0]) - float(reference.objective[0])) / scale
    return RunnerUp(variable, name, design, objective, penalty, parts, grouped(parts), (), completed)


def _solve(
    forced: Problem, best: Design, seeds: Sequence[Candidate], *, seed: int, until: float
) -> tuple[Elastic, Population]:
    """Return the best designs of a problem with a name forced, and where they were found."""
    tried: list[tuple[Elastic, Population]] = []
    for elastic, points in _starts(forced, best, seeds, seed):
        rng = np.random.default_rng([seed, len(tried)])
        effort = WalkEffort(*SHORT_WALK, until)
        tried.append((elastic, walk(elastic.grade, start(elastic.grade, points), rng=rng, effort=effort)))
    tried.sort(key=_rank)
    for position, (elastic, population) in enumerate(tried[:LONG_WALKS]):
        rng = np.random.default_rng([seed, len(tried), position])
        effort = WalkEffort(*LONG_WALK, until)
        tried[position] = (elastic, walk(elastic.grade, population, rng=rng, effort=effort))
    return min(tried, key=_rank)


def _rank(found: tuple[Elastic, Population]) -> tuple[float, float]:
    return float(found[1].violation[0]), float(found[1].aim[0])


def _starts(forced: Problem, best: Design, seeds: Sequence[Candidate], seed: int) -> Iterator[tuple[Elastic, Floats]]:
    """Yield combinations with their points to start from: the candidates', and the best design with the name changed.

    Where no candidate has the name, every combination is looked at on a few points first.
    """
    allowed = forced.combinations()
    own = best.combination
    swapped = min(allowed, key=lambda c: sum(own[category] != name for category, name in c.items()))
    at_best = coordinates_of(forced, best)[np.newaxis]
    if not seeds and forced.free:
        even = sobol(len(forced.free), np.random.default_rng(seed)).random(SCREENED)
        points = np.concatenate([at_best, even])
        elastics = [Elastic(forced, combination) for combination in allowed]
        looked = sorted(((e, start(e.grade, points)) for e in elastics), key=_rank)
        yield from ((elastic, population.points) for elastic, population in looked[:SEEDED])
    for candidate in sorted(seeds, key=lambda c: (c.violation, c.objective))[:SEEDED]:
        yield Elastic(forced, candidate.combination), np.concatenate([candidate.coordinates[np.newaxis], at_best])
    yield Elastic(forced, swapped), at_best


def _forced(problem: Problem, variable: str, name: str) -> Problem:
    """Return the problem with a name forced."""
    return dataclasses.replace(problem, space={**problem.space, variable: Fixed(name)})


def _forbidden(problem: Problem, one: RunnerUp, seed: int, until: float) -> RunnerUp:
    """Return an infeasible one with the conflict that forbids it, or with all that it breaks where time ends."""
    forced = _forced(problem, one.variable, one.name)
    left = min(until - time.monotonic(), FORBIDDEN_TIME_LIMIT_S)
    if left > 0.0:
        conflict = explain_conflict(forced, seed=seed, time_limit_s=left, restore=False)
        if conflict.names and conflict.stopped_by == "completion":
            return dataclasses.replace(one, forbidden_by=conflict.names, completed=True)
    broken = (item.name for item in items(forced, one.design).values() if not item.violation <= 0.0)
    return dataclasses.replace(one, forbidden_by=tuple(broken), completed=False)
