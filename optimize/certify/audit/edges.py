"""Designs on the edges of a problem: where a whole number changes, or a rule or bound is just met.

Optimisers end on such edges, and an enclosure is most easily wrong there. They are found in the exact physics alone, by
bisection: between two designs that differ in how many satellites fit a launch, in the number of launches, or in whether
a limit is met, there is an edge, and fifty halvings end at the two floats on either side of it.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.constants import KG_PER_TONNE
from dawndusk.models.design import DesignBatch
from dawndusk.models.rounding import rounded_down
from dawndusk.optimize.certify.branch.designs import designs_at
from dawndusk.optimize.certify.graph.statement import Statement
from dawndusk.optimize.problem import Scored

Floats: TypeAlias = NDArray[np.float64]
Places: TypeAlias = NDArray[np.intp]
Flags: TypeAlias = NDArray[np.bool_]

WHOLE_OUTCOMES = ("satellites_per_launch", "launches")
"""The outcomes that the model rounds."""
HALVINGS = 52
"""As many as a float has digits: the ends of a bracket are neighbours after them."""
ALL_LAUNCHES = 8
"""Fleets that fill up to so many launches exactly are tried."""
BUILT = ("launched_mass_t", "wet_mass_kg")
"""What says how many satellites are built for each that arrives."""


def outcomes_needed(statement: Statement) -> tuple[str, ...]:
    """Return the outcomes that scores and edges are read from."""
    return tuple(dict.fromkeys((*statement.problem.scored_outcomes, *WHOLE_OUTCOMES)))


def sides(statement: Statement, scored: Scored) -> Floats:
    """Return on which side of each edge designs are, shape (edges, N): whole numbers, then which limits are met."""
    outcome, problem = scored.evaluation.outcome, statement.problem
    whole = [outcome[name] for name in WHOLE_OUTCOMES]
    rules = [violation <= 0.0 for violation in scored.evaluation.violation.values()]
    bounds = [bound.violation(outcome.values) <= 0.0 for bound in problem.bounds]
    return np.array([*whole, *rules, *bounds], dtype=np.float64)


def scored_at(statement: Statement, points: Floats, combination: Places) -> Scored:
    """Return the designs at coordinates of shape (d, N), evaluated."""
    with np.errstate(all="ignore"):
        return statement.problem.score(designs_at(statement, points, combination), outcomes_needed(statement))


def edges_between(
    statement: Statement, start: Floats, end: Floats, combination: Places, rng: np.random.Generator
) -> tuple[Floats, Places]:
    """Return coordinates on both sides of an edge between pairs of points, shape (d, 2 M), and their combinations.

    One of the edges that a pair differs in is chosen at random; pairs that differ in none are left out.

    Parameters
    ----------
    start, end : array
        Coordinates of shape (d, N).
    combination : array of int
        Of both points of each pair, shape (N,).
    """
    low = sides(statement, scored_at(statement, start, combination))
    high = sides(statement, scored_at(statement, end, combination))
    differ = low != high
    chosen = np.flatnonzero(differ.any(axis=0))
    if not len(chosen):
        return start[:, :0], combination[:0]
    a, b, own = start[:, chosen], end[:, chosen], combination[chosen]
    edge = np.argmax(differ[:, chosen] * rng.random((len(differ), len(chosen))), axis=0)
    here = low[edge, chosen]
    for _ in range(HALVINGS):
        middle = 0.5 * (a + b)
        same = sides(statement, scored_at(statement, middle, own))[edge, np.arange(len(own))] == here
        a, b = np.where(same, middle, a), np.where(same, b, middle)
    return np.concatenate([a, b], axis=1), np.concatenate([own, own])


def edges_around(
    statement: Statement, points: Floats, combination: Places, width: float, rng: np.random.Generator
) -> tuple[Floats, Places]:
    """Return coordinates on edges near points of shape (d, N): some of their coordinates moved by ``width`` of all."""
    low = np.array([c.low for c in statement.coordinates])[:, np.newaxis]
    high = np.array([c.high for c in statement.coordinates])[:, np.newaxis]
    moved = rng.random(points.shape) < rng.choice([0.15, 0.5, 1.0])
    end = np.clip(points + rng.normal(scale=width, size=points.shape) * moved * (high - low), low, high)
    return edges_between(statement, points, end, combination, rng)


def filling_launches(statement: Statement, batch: DesignBatch) -> list[DesignBatch]:
    """Return designs with fleets that fill whole launches: as many satellites as one launch, two ... bring to orbit.

    The same designs with one satellite come first. Empty where a study fixes the fleet or has it follow a demand.
    """
    problem = statement.problem
    if problem.satellites_follow_demand or "satellites" not in problem.free:
        return []
    low, high = statement.range_of("satellites")
    with np.errstate(all="ignore"):
        one = _with_fleet(batch, np.full(len(batch), np.clip(1.0, low, high)))
        outcome = problem.score(one, (*outcomes_needed(statement), *BUILT)).evaluation.outcome
    built = outcome["launched_mass_t"] * KG_PER_TONNE / outcome["wet_mass_kg"]
    arriving = outcome["satellites_per_launch"] / built
    found = [one]
    for count in range(1, ALL_LAUNCHES + 1):
        found.append(_with_fleet(batch, np.clip(rounded_down(count * arriving), low, high)))
    return found


def _with_fleet(batch: DesignBatch, satellites: Floats) -> DesignBatch:
    return DesignBatch({**batch.values, "satellites": satellites}, batch.codes, batch.names)
