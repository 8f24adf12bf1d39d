"""The audit of a certificate: attempts to find a feasible design that it rules out.

A wrong proof is easy to write and hard to see, and designs at random seldom show it: what is enclosed wrongly is an
edge where a whole number changes, or a corner of the space where feasible designs are rare. So closed boxes are filled
with designs on their rims, kinks and edges as well as inside; a population of its own seed searches for anything
better; and feasible designs, sought by rules alone, walk from edge to edge. All of it is the exact physics, and nothing
of it knows the incumbent, a box or a bound but to compare with. Whatever beats a bound is raised as an error that names
both points.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.design import Design, DesignBatch
from dawndusk.optimize.boxes import Boxes
from dawndusk.optimize.certify.audit.edges import edges_around, filling_launches
from dawndusk.optimize.certify.audit.feasible import feasible_designs
from dawndusk.optimize.certify.audit.replay import points_in
from dawndusk.optimize.certify.branch.designs import coordinates, designs_at
from dawndusk.optimize.certify.graph.statement import Statement
from dawndusk.optimize.errors import CertificateError
from dawndusk.optimize.heuristics.evolution import Effort, search
from dawndusk.optimize.problem import Scored
from dawndusk.optimize.result import Check

Floats: TypeAlias = NDArray[np.float64]
Places: TypeAlias = NDArray[np.intp]

REPLAYED = 2048
"""Closed boxes that are filled with designs."""
TOLERANCE = 1e-9
"""Of the score: what rounding may do."""
SEARCHED = Effort(evolved=3, generations=100, refined=2, every_name=False)
SHARE = 1.0 / 9.0
"""Seconds of the audit for each second of the search, so that it takes a tenth of both together."""
LEAST_S, MOST_S = 1.5, 30.0
"""An audit has at least and at most so many seconds."""
SEARCH_SHARE, FEASIBLE_SHARE = 0.4, 0.3
"""Shares of the time; edges have the rest."""
RARE_SHARE = 0.6
"""Share for the search by rules alone where it was proved that there is no feasible design."""
OTHER_SEED = 7919
WALKING = 96
"""Designs that walk from edge to edge at the same time."""
WIDTHS = (0.1, 0.02, 3e-3, 3e-4, 1e-5)
"""How far a step to the next edge goes, relative to the ranges of the coordinates."""


def audit_seconds(searched_s: float) -> float:
    """Return the seconds that the audit of a search of so many seconds may take."""
    return float(np.clip(SHARE * searched_s, LEAST_S, MOST_S))


@dataclass
class Audit:
    """What a certificate claims, and how designs are compared with it.

    Attributes
    ----------
    proved : float
        The score that no feasible design is said to be below, infinite where there is said to be none.
    scores, in_units : callable
        Scores of evaluated designs, and the objective that has a score.
    """

    statement: Statement
    proved: float
    scores: Callable[[Scored], Floats]
    in_units: Callable[[float], float]
    seed: int
    tried: int = 0

    def run(self, closed: Boxes | None, seconds: float) -> tuple[Check, ...]:
        """Doubt the certificate.

        Parameters
        ----------
        closed : Boxes, optional
            A sample of the boxes that were closed.
        seconds : float
            How long it may take.

        Raises
        ------
        CertificateError
            Where a feasible design beats the bound.
        """
        checks = []
        begin = time.monotonic()
        if closed is not None and len(closed):
            checks.append(self.replayed(closed))
        left = max(seconds - (time.monotonic() - begin), 0.5 * seconds)
        rare = np.isinf(self.proved)
        checks.append(self.searched(SEARCH_SHARE * left if not rare else (1.0 - RARE_SHARE) * left))
        checks.append(self.on_edges(left, RARE_SHARE if rare else FEASIBLE_SHARE))
        return tuple(checks)

    def compare(self, batch: DesignBatch, where: str) -> Floats:
        """Evaluate designs exactly and return their scores, shape (N,); raise where one beats what was proved."""
        problem = self.statement.problem
        with np.errstate(all="ignore"):
            found = self.scores(problem.score(batch, problem.scored_outcomes))
        self.tried += len(batch)
        index = int(np.argmin(found))
        if self._beats(float(found[index])):
            raise CertificateError(self._words(float(found[index]), batch[index], where))
        return found

    def replayed(self, closed: Boxes) -> Check:
        """Fill closed boxes with designs."""
        rng = np.random.default_rng([self.seed, OTHER_SEED])
        if len(closed) > REPLAYED:
            closed = closed.take(np.sort(rng.choice(len(closed), REPLAYED, replace=False)))
        before = self.tried
        for points, combination in points_in(self.statement, closed, rng):
            if len(combination):
                self.compare(designs_at(self.statement, points, combination), "a closed box")
        tried = self.tried - before
        words = f"{tried:,} designs in {len(closed):,} closed boxes, none below"
        return Check("closed boxes replayed", True, tried, words)

    def searched(self, seconds: float) -> Check:
        """Search with another population for a design that beats the bound."""
        found = search(
            self.statement.problem, seed=self.seed + OTHER_SEED, time_limit_s=max(seconds, 0.1), effort=SEARCHED
        )
        self.compare(DesignBatch.of(found.candidates[0].design), "another population search")
        words = f"{found.evaluated:,} designs of another population, none below"
        return Check("independent search", True, found.evaluated, words)

    def on_edges(self, seconds: float, share: float) -> Check:
        """Look for feasible designs by rules alone, and walk from there along the edges of the problem."""
        begin, before = time.monotonic(), self.tried
        found = feasible_designs(self.statement, seed=self.seed + OTHER_SEED, seconds=max(share * seconds, 0.1))
        self.tried += found.tried
        count = 0
        if len(found.combination):
            batch = designs_at(self.statement, found.points, found.combination)
            self.compare(batch, "a search by rules alone")
            count = self._walk(batch, found.combination, begin + seconds)
        tried = self.tried - before
        known = f"{count:,} of them on edges" if len(found.combination) else "none feasible"
        return Check("rules and edges", True, tried, f"{tried:,} designs sought by rules alone, {known}, none below")

    def _walk(self, batch: DesignBatch, combination: Places, deadline: float) -> int:
        """Walk from feasible designs along edges, the best go on; return how many designs on edges were tried."""
        rng = np.random.default_rng([self.seed, OTHER_SEED, 1])
        for fleet in filling_launches(self.statement, batch):
            self.compare(fleet, "a fleet that fills its launches")
        points = coordinates(self.statement, batch)
        scores = self.compare(batch, "a search by rules alone")
        tried = turn = 0
        while time.monotonic() < deadline:
            kept = np.argsort(scores, kind="stable")[:WALKING]
            points, combination, scores = points[:, kept], combination[kept], scores[kept]
            width = WIDTHS[turn % len(WIDTHS)]
            turn += 1
            edges, own = edges_around(self.statement, points, combination, width, rng)
            if not len(own):
                continue
            found = self.compare(designs_at(self.statement, edges, own), "an edge of the problem")
            tried += len(own)
            points = np.concatenate([points, edges], axis=1)
            combination, scores = np.concatenate([combination, own]), np.concatenate([scores, found])
        return tried

    def _beats(self, score: float) -> bool:
        """Return whether a score is below what was proved; any score is where it was proved that there is none."""
        proved = self.proved
        return score < (proved if np.isinf(proved) else proved - TOLERANCE * (1.0 + abs(proved)))

    def _words(self, score: float, design: Design, where: str) -> str:
        bound = self.in_units(self.proved) if np.isfinite(self.proved) else "infeasible"
        return (
            f"the certificate is wrong: proved {bound!r} as the best there can be, but {where} has a feasible design "
            f"with {self.in_units(score)!r}: {design.to_dict()}"
        )
