"""The audit of a certificate: boxes replayed, and another search that tries to beat the bound.

A wrong proof is easy to write and hard to see. So closed boxes are filled with designs, which the exact physics must
find infeasible or above the bound; and a population search of its own seed tries to find anything below it. Whatever
beats a bound is raised as an error that names both points.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.design import Design
from dawndusk.optimize.certify.boxes import Bounder, Boxes
from dawndusk.optimize.certify.certificate import CertificateError, Check
from dawndusk.optimize.certify.designs import designs_at
from dawndusk.optimize.certify.statement import Statement
from dawndusk.optimize.evolution import Effort, search
from dawndusk.optimize.problem import Scored

Floats: TypeAlias = NDArray[np.float64]

POINTS = 48
"""Designs that are tried in each closed box that is replayed."""
REPLAYED = 2048
TOLERANCE = 1e-9
"""Of the score: what rounding may do."""
SEARCHED = Effort(evolved=3, generations=100, refined=2, every_name=False)
SEARCH_S = 3.0
OTHER_SEED = 7919


def audit(
    statement: Statement,
    bounder: Bounder,
    *,
    closed: Boxes | None,
    proved: float,
    best: tuple[Design, float] | None,
    scores: Callable[[Scored], Floats],
    in_units: Callable[[float], float],
    seed: int,
) -> tuple[Check, ...]:
    """Doubt a certificate.

    Parameters
    ----------
    closed : Boxes, optional
        A sample of the boxes that were closed.
    proved : float
        The score that no feasible design is said to be below.
    best : tuple of Design and float, optional
        The best design and its score.
    scores, in_units : callable
        Scores of evaluated designs, and the objective that has a score.

    Raises
    ------
    CertificateError
        Where a feasible design beats the bound.
    """
    if not np.isfinite(proved):
        proved = np.inf if best is None else proved
    checks = []
    if closed is not None and len(closed):
        checks.append(_replay(statement, closed, proved, scores, in_units, seed))
    checks.append(_search(statement, proved, scores, in_units, seed))
    return tuple(checks)


def _replay(
    statement: Statement,
    closed: Boxes,
    proved: float,
    scores: Callable[[Scored], Floats],
    in_units: Callable[[float], float],
    seed: int,
) -> Check:
    """Fill closed boxes with designs and evaluate them exactly."""
    rng = np.random.default_rng([seed, OTHER_SEED])
    if len(closed) > REPLAYED:
        closed = closed.take(np.sort(rng.choice(len(closed), REPLAYED, replace=False)))
    tried = 0
    lowest = np.inf
    for _ in range(POINTS):
        points = closed.low + rng.random(closed.low.shape) * (closed.high - closed.low)
        batch = designs_at(statement, points, closed.combination)
        with np.errstate(all="ignore"):
            found = scores(statement.problem.score(batch, statement.problem.scored_outcomes))
        index = int(np.argmin(found))
        lowest = min(lowest, float(found[index]))
        if _beats(float(found[index]), proved):
            raise CertificateError(_words(in_units, proved, float(found[index]), batch[index], "a closed box"))
        tried += len(batch)
    return Check("closed boxes replayed", True, tried, f"{tried:,} designs in {len(closed):,} closed boxes, none below")


def _search(
    statement: Statement,
    proved: float,
    scores: Callable[[Scored], Floats],
    in_units: Callable[[float], float],
    seed: int,
) -> Check:
    """Search with another population for a design that beats the bound."""
    found = search(statement.problem, seed=seed + OTHER_SEED, time_limit_s=SEARCH_S, effort=SEARCHED)
    if found.status == "feasible":
        with np.errstate(all="ignore"):
            score = float(scores(statement.problem.score_one(found.design))[0])
        if _beats(score, proved):
            raise CertificateError(_words(in_units, proved, score, found.design, "another population search"))
    return Check(
        "independent search", True, found.evaluated, f"{found.evaluated:,} designs of another population, none below"
    )


def _beats(score: float, proved: float) -> bool:
    """Return whether a score is below what was proved; any score is where it was proved that there is none."""
    return score < (proved if np.isinf(proved) else proved - TOLERANCE * (1.0 + abs(proved)))


def _words(in_units: Callable[[float], float], proved: float, score: float, design: Design, where: str) -> str:
    bound = in_units(proved) if np.isfinite(proved) else "infeasible"
    return (
        f"the certificate is wrong: proved {bound!r} as the best there can be, but {where} has a feasible design with "
        f"{in_units(score)!r}: {design.to_dict()}"
    )
