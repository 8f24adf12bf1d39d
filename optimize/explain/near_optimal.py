"""The near-optimal region: how far each variable can go while the objective stays within a tolerance of the best.

An inner estimate. Every end is a feasible design, so the region reaches at least that far; a search can not prove that
it reaches no further.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.design import CATEGORIES, VARIABLES, Design
from dawndusk.optimize.explain.elastic import Elastic
from dawndusk.optimize.heuristics.local_search import Grades, WalkEffort, coordinates_of, start, walk
from dawndusk.optimize.problem import Problem

Floats: TypeAlias = NDArray[np.float64]

TOLERANCE = 0.01
WALKING = ((40, 512), (20, 512))
LESS_WALKING = ((15, 256), (10, 256))
"""Rounds and samples to each end, in sweeps: with the categories of the best design, and with others."""


@dataclass(frozen=True)
class NearOptimalRange:
    """How far one variable goes, at least: the two ends, the designs that reach them, and its value at the best."""

    variable: str
    units: str
    low: float
    high: float
    best: float
    low_design: Design
    high_design: Design


@dataclass(frozen=True)
class NearOptimal:
    """The designs whose objective is within ``tolerance`` (a share) of the best, as far as the search got.

    ``ranges`` is an inner estimate. ``names`` maps each category to the names with which a design in the region was
    found, that of the best design first.
    """

    tolerance: float
    ranges: tuple[NearOptimalRange, ...]
    names: Mapping[str, tuple[str, ...]]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "tolerance": self.tolerance,
            "estimate": "inner: every end is a feasible design; the region may reach further",
            "ranges": [
                {**dataclasses.asdict(x), "low_design": x.low_design.to_dict(), "high_design": x.high_design.to_dict()}
                for x in self.ranges
            ],
            "names": {category: list(names) for category, names in self.names.items()},
        }


def ceiling(objective: float, tolerance: float) -> float:
    """Return the largest objective, made small, that is within a share of the best."""
    return objective + tolerance * abs(objective)


def near_optimal(
    problem: Problem,
    best: Design,
    others: Sequence[Design] = (),
    *,
    seed: int,
    deadline: float,
    tolerance: float = TOLERANCE,
) -> NearOptimal:
    """Return how far each variable goes within a tolerance of the best objective, and which names reach it.

    Parameters
    ----------
    best : Design
        A feasible design; its objective sets the tolerance.
    others : sequence of Design
        The best designs known with other categories. Those within the tolerance widen the region.
    deadline : float
        ``time.monotonic`` at which the walks end.
    """
    limit = ceiling(float(problem.score_one(best).objective[0]), tolerance)
    near = [best, *(design for design in others if _is_near(problem, design, limit))]
    by_categories = {tuple(design.combination.items()): design for design in reversed(near)}
    variables = (*problem.free, *(("satellites",) if problem.satellites_follow_demand else ()))
    ends = {(name, sign): best for name in variables for sign in (1.0, -1.0)}
    for number, origin in enumerate(reversed(by_categories.values())):
        region = _Region(problem, origin, limit)
        efforts = [WalkEffort(*size, deadline) for size in (LESS_WALKING if number else WALKING)]
        for (sweep, effort), (variable, sign) in itertools.product(enumerate(efforts), ends):
            rng = np.random.default_rng([seed, number, sweep, variables.index(variable), int(sign > 0.0)])
            reached = region.end(variable, sign, rng=rng, effort=effort)
            ends[variable, sign] = _further(variable, sign, ends[variable, sign], reached)
    return NearOptimal(
        tolerance=tolerance,
        ranges=tuple(_range(name, best, ends[name, 1.0], ends[name, -1.0]) for name in variables),
        names={c: tuple(dict.fromkeys(str(getattr(d, c)) for d in near)) for c in CATEGORIES},
    )


def _is_near(problem: Problem, design: Design, limit: float) -> bool:
    scored = problem.score_one(design)
    return bool(scored.feasible[0]) and float(scored.objective[0]) <= limit


def _further(variable: str, sign: float, one: Design, other: Design) -> Design:
    """Return the design that is further out: the lower value for sign 1, the higher for -1."""
    return min(one, other, key=lambda design: sign * float(getattr(design, variable)))


def _range(name: str, best: Design, low: Design, high: Design) -> NearOptimalRange:
    at_low, at_high, at_best = (float(getattr(design, name)) for design in (low, high, best))
    return NearOptimalRange(name, VARIABLES[name].units, at_low, at_high, at_best, low, high)


@dataclass
class _Region:
    """The near-optimal designs with the categories of ``origin``: where the walk to each end stands, in coordinates."""

    problem: Problem
    origin: Design
    limit: float
    walked: dict[tuple[str, float], Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Prepare the scoring and the start."""
        self.elastic = Elastic(self.problem, self.origin.combination)
        self.start = coordinates_of(self.problem, self.origin)[np.newaxis]

    def end(self, variable: str, sign: float, *, rng: np.random.Generator, effort: WalkEffort) -> Design:
        """Return the design met that goes furthest in one direction.

        The first walk to an end starts from the origin alone; a later one from where it stood and from what is
        furthest in every other direction.
        """
        grade = functools.partial(self.grade, variable, sign)
        own = self.walked.get((variable, sign))
        known = [self.start] if own is None else [self.start, own, *(points[:1] for points in self.walked.values())]
        population = walk(grade, start(grade, np.concatenate(known)), rng=rng, effort=effort)
        self.walked[variable, sign] = population.points
        design = self.elastic.designs(population.points[:1])[0]
        return design if population.is_feasible and _is_near(self.problem, design, self.limit) else self.origin

    def grade(self, variable: str, sign: float, points: Floats) -> Grades:
        """Return how far designs are from the region, and the variable with its sign."""
        batch = self.elastic.designs(points)
        objective, beyond = self.elastic.measure(batch)
        over = np.maximum(objective - self.limit, 0.0) / (abs(self.limit) or 1.0)
        return beyond.sum(axis=1) + over, sign * batch.values[variable]
