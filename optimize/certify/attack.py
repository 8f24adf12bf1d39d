"""An attack on the certificates of one problem: designs, boxes and enclosures, for as long as one likes.

What an audit does in seconds is done here for as long as it is given: the problem is certified, feasible designs are
sought in every way that there is, and boxes of every size around them, down to none at all and with the design on a
rim, are bounded and compared with what the exact physics says of the design. It ends with its time, not at the first
contradiction.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.design import Design, DesignBatch
from dawndusk.models.errors import DesignError
from dawndusk.optimize.certify.audit.checks import TOLERANCE, WIDTHS
from dawndusk.optimize.certify.audit.containment import (
    SCALES,
    Broken,
    bounds_broken,
    boxes_around,
    designs_lost,
    enclosures_broken,
    node_values,
    whole_numbers,
)
from dawndusk.optimize.certify.audit.edges import edges_around, filling_launches
from dawndusk.optimize.certify.audit.feasible import feasible_designs
from dawndusk.optimize.certify.branch.boxes import Bounder
from dawndusk.optimize.certify.branch.designs import coordinates, designs_at
from dawndusk.optimize.certify.branch.work import Bounding
from dawndusk.optimize.certify.graph.statement import Statement
from dawndusk.optimize.certify.search import certify
from dawndusk.optimize.errors import CertificateError, EnclosureError, NotBoundedError
from dawndusk.optimize.heuristics.evolution import QUICK, search
from dawndusk.optimize.problem import Problem, Scored
from dawndusk.optimize.result import DesignResult

Floats: TypeAlias = NDArray[np.float64]
Places: TypeAlias = NDArray[np.intp]

CERTIFY_SHARE, FEASIBLE_SHARE, SEARCH_SHARE = 0.3, 0.1, 0.1
"""Shares of the time for the certificate, for feasible designs by rules alone, and for a population."""
MOST_CERTIFY_S = 60.0
POOL = 4096
"""Designs from which the next are made."""
BEST_SHARE = 0.3
"""Share of the pool that are its best designs; the others are any."""
AT_ONCE, BOXED, MOVED = 1024, 256, 8
"""Designs that are moved onto edges at once, those around which boxes are looked at, and how many more of the former
are moved anywhere, which costs no bisection."""
MOST_KEPT = 20
"""Contradictions that are kept of each kind; all are counted."""


@dataclass(frozen=True)
class Contradiction:
    """What a certificate, a bound or an enclosure says, and a design that it does not hold for.

    ``kind`` is ``certificate``, ``bound`` (of a box), ``box`` (a design is cut away) or ``enclosure``.
    """

    kind: str
    words: str
    design: Design | None = None


@dataclass(frozen=True, eq=False)
class Attacked:
    """What an attack tried and found.

    Attributes
    ----------
    certified : DesignResult or None
        The certificate; None where making it raised.
    designs, boxes, comparisons : int
        Designs evaluated, boxes bounded around feasible ones, and enclosures compared with values of the recording.
    best : float or None
        The best objective of a feasible design that was found, in the units and the sense of the study.
    found : mapping of str to int
        Contradictions of each kind.
    """

    certified: DesignResult | None
    designs: int
    feasible: int
    boxes: int
    comparisons: int
    best: float | None
    found: dict[str, int]
    contradictions: tuple[Contradiction, ...]
    seconds: float
    seed: int

    @property
    def held(self) -> bool:
        """Whether nothing was contradicted."""
        return not self.found


@dataclass(frozen=True)
class Attacking:
    """Where an attack stands: the seconds, what was tried so far, and how many contradictions there are."""

    seconds: float
    designs: int
    boxes: int
    contradictions: int


def attack(
    problem: Problem,
    *,
    seconds: float,
    seed: int = 1,
    gap: float = 0.01,
    workers: int | None = None,
    report: Callable[[Attacking], None] = lambda _: None,
) -> Attacked:
    """Certify a problem and try to refute the certificate, its bounds and its enclosures.

    Parameters
    ----------
    problem : Problem
        What is attacked.
    seconds : float
        Wall time, a little more for the last step; one step is taken in any case.
    seed : int
        Of designs and boxes. How many are tried depends on the time.
    gap : float
        Gap at which the certificate may stop, above 0 and below 1.
    workers : int, optional
        Processes that make the certificate; as many as there are cores by default. The attack itself is one.
    report : callable
        Called with ``Attacking`` after every step; may raise ``KeyboardInterrupt`` to end it with what it has.

    Raises
    ------
    DesignError
        For a time or a gap that makes no sense.
    NotBoundedError
        Where the problem has an operation for which no bound is known.
    """
    if not (seconds > 0.0 and np.isfinite(seconds)):
        raise DesignError(f"seconds: found {seconds!r}, allowed: above 0")
    run = _Run(problem, seconds, seed, report)
    try:
        run.certify(gap, workers)
        run.gather()
        run.step()
        while run.is_on:
            run.step()
    except KeyboardInterrupt:
        pass
    return run.result()


@dataclass
class _Run:
    """The state of one attack."""

    problem: Problem
    seconds: float
    seed: int
    report: Callable[[Attacking], None]
    begin: float = field(default_factory=time.monotonic)
    certified: DesignResult | None = None
    designs: int = 0
    boxes: int = 0
    comparisons: int = 0
    feasible: int = 0
    best: float = np.inf
    turn: int = 0
    found: dict[str, int] = field(default_factory=dict)
    kept: list[Contradiction] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.bounder: Bounder = Bounding(self.problem).bounder
        self.statement: Statement = self.bounder.statement
        self.rng = np.random.default_rng([self.seed, 31])
        axes = len(self.statement.coordinates)
        self.points: Floats = np.zeros((axes, 0))
        self.combination: Places = np.zeros(0, dtype=np.intp)
        self.scores: Floats = np.zeros(0)

    @property
    def spent(self) -> float:
        """Return the seconds so far."""
        return time.monotonic() - self.begin

    @property
    def is_on(self) -> bool:
        """Return whether there is time left."""
        return self.spent < self.seconds

    def certify(self, gap: float, workers: int | None) -> None:
        """Make the certificate that is attacked."""
        limit = min(CERTIFY_SHARE * self.seconds, MOST_CERTIFY_S)
        try:
            known = certify(self.problem, gap=gap, seed=self.seed, time_limit_s=limit, workers=workers)
        except (NotBoundedError, DesignError):
            raise
        except EnclosureError as error:
            self.contradict("enclosure", str(error), None)
        except CertificateError as error:
            self.contradict("certificate", str(error), None)
        else:
            self.certified = known
            if known.stopped_by == "interrupt":  # which the search takes for the wish to see what it has
                raise KeyboardInterrupt

    def gather(self) -> None:
        """Look for feasible designs: by rules alone, by a population, and beside the best of the certificate."""
        found = feasible_designs(self.statement, seed=self.seed, seconds=FEASIBLE_SHARE * self.seconds, wanted=POOL)
        self.designs += found.tried
        if len(found.combination):
            batch = designs_at(self.statement, found.points, found.combination)
            self.take(batch)
            for fleet in filling_launches(self.statement, batch):
                self.take(fleet)
        other = search(self.problem, seed=self.seed + 17, time_limit_s=SEARCH_SHARE * self.seconds, effort=QUICK)
        self.designs += other.evaluated
        for known in (other, self.certified):
            if known is not None and known.candidates:
                self.take(DesignBatch.of(known.nearest))

    def step(self) -> None:
        """Move designs, some of them onto edges; compare them with the certificate, and boxes around them with them."""
        if not len(self.scores):
            self._anywhere()
        else:
            chosen = self._chosen(AT_ONCE)
            points, combination = self.points[:, chosen], self.combination[chosen]
            width = WIDTHS[self.turn % len(WIDTHS)]
            edges, own = edges_around(self.statement, points, combination, width, self.rng)
            if len(own):
                self.take(designs_at(self.statement, edges, own))
            for _ in range(MOVED):
                self.take(self._moved(points, combination, width))
            self._look_at_boxes()
        self.turn += 1
        self.report(Attacking(self.spent, self.designs, self.boxes, sum(self.found.values())))

    def _anywhere(self) -> None:
        """Evaluate designs all over the space."""
        low, high = (np.array([getattr(c, end) for c in self.statement.coordinates]) for end in ("low", "high"))
        points = low[:, np.newaxis] + self.rng.random((len(low), AT_ONCE)) * (high - low)[:, np.newaxis]
        self.take(designs_at(self.statement, points, self.rng.integers(len(self.statement.combinations), size=AT_ONCE)))

    def _moved(self, points: Floats, combination: Places, width: float) -> DesignBatch:
        low, high = (np.array([getattr(c, end) for c in self.statement.coordinates]) for end in ("low", "high"))
        reach = (high - low)[:, np.newaxis] * width
        moved = self.rng.random(points.shape) < self.rng.choice([0.2, 0.5, 1.0])
        tried = points + self.rng.normal(size=points.shape) * moved * reach
        return designs_at(self.statement, np.clip(tried, low[:, np.newaxis], high[:, np.newaxis]), combination)

    def _chosen(self, count: int) -> Places:
        """Return places in the pool: some of the best, and any."""
        best = np.argsort(self.scores, kind="stable")[: max(int(BEST_SHARE * len(self.scores)), 1)]
        any_ = self.rng.integers(len(self.scores), size=count // 2)
        return np.concatenate([self.rng.choice(best, count - len(any_)), any_])

    # -- designs --------------------------------------------------------------------------------------------------

    def take(self, batch: DesignBatch) -> None:
        """Evaluate designs, compare feasible ones with the certificate, and add them to the pool."""
        with np.errstate(all="ignore"):
            scored = self.problem.score(batch, self.problem.scored_outcomes)
        self.designs += len(batch)
        places = np.flatnonzero(scored.feasible)
        if not len(places):
            return
        self.feasible += len(places)
        objective = scored.objective[places]
        best = places[int(np.argmin(objective))]
        if scored.objective[best] < self.best:
            self.best = float(scored.objective[best])
            self._compare(float(self.problem.sign * scored.objective[best]), batch[int(best)])
        some = places if len(places) <= AT_ONCE else places[np.argsort(objective, kind="stable")[:AT_ONCE]]
        part = batch.take(some)
        self._pool(part, self._scores(scored, some))

    def _scores(self, scored: Scored, places: Places) -> Floats:
        """Return the scores of feasible designs."""
        value = scored.objective[places] * self.statement.sign
        if not self.bounder.graph.logarithm:
            return np.asarray(self.statement.sign * value)
        return np.asarray(self.statement.sign * np.log(np.maximum(value, 1e-300)))

    def _pool(self, part: DesignBatch, scores: Floats) -> None:
        names = [{v: part.names[v][part.codes[v][k]] for v in part.codes} for k in range(len(part))]
        own = np.array([self.statement.combinations.index(name) for name in names], dtype=np.intp)
        self.points = np.concatenate([self.points, coordinates(self.statement, part)], axis=1)
        self.combination = np.concatenate([self.combination, own])
        self.scores = np.concatenate([self.scores, scores])
        if len(self.scores) > POOL:
            kept = np.unique(self._chosen(POOL))
            self.points, self.combination = self.points[:, kept], self.combination[kept]
            self.scores = self.scores[kept]

    def _compare(self, objective: float, design: Design) -> None:
        known = self.certified
        if known is None:
            return
        if known.status == "infeasible":
            self.contradict("certificate", f"proved infeasible, but {objective!r} is feasible", design)
        elif known.bound is not None:
            beyond = self.problem.sign * (known.bound - objective)
            if beyond > TOLERANCE * abs(known.bound):
                self.contradict("certificate", f"proved {known.bound!r}, but {objective!r} is feasible", design)

    def contradict(self, kind: str, words: str, design: Design | None) -> None:
        """Note a contradiction."""
        self.found[kind] = self.found.get(kind, 0) + 1
        if self.found[kind] <= MOST_KEPT:
            self.kept.append(Contradiction(kind, words, design))

    # -- boxes ----------------------------------------------------------------------------------------------------

    def _look_at_boxes(self) -> None:
        """Bound boxes around feasible designs, and compare."""
        chosen = self._chosen(BOXED)
        points, own, scores = self.points[:, chosen], self.combination[chosen], self.scores[chosen]
        batch = designs_at(self.statement, points, own)
        with np.errstate(all="ignore"):
            scored = self.problem.score(batch, self.problem.scored_outcomes)
        # Coordinates give a design back to rounding only, which at an edge may be another one.
        same = np.flatnonzero(scored.feasible)
        if not len(same):
            return
        batch, points, own = batch.take(same), coordinates(self.statement, batch.take(same)), own[same]
        scores = self._scores(scored, same)
        scale = SCALES[int(self.rng.integers(len(SCALES)))]
        boxes = boxes_around(self.bounder, points, own, scale, self.rng)
        self.boxes += len(boxes)
        try:
            values = node_values(self.bounder, batch, own)
            compared, broken = enclosures_broken(self.bounder, boxes, points, values)
            self.comparisons += compared * len(boxes)
            self._note("enclosure", broken, batch, scale)
            self._note("bound", bounds_broken(self.bounder, boxes, scores), batch, scale)
            whole = whole_numbers(self.bounder, values)
            self._note("box", designs_lost(self.bounder, boxes, points, whole, scores), batch, scale)
        except EnclosureError as error:
            self.contradict("enclosure", str(error), None)

    def _note(self, kind: str, broken: Broken, batch: DesignBatch, scale: float) -> None:
        for place, words in zip(broken.places, broken.words, strict=True):
            self.contradict(kind, f"{words}; sides up to {scale:g} of the space", batch[int(place)])

    def result(self) -> Attacked:
        """Return what was tried and found."""
        return Attacked(
            certified=self.certified,
            designs=self.designs,
            feasible=self.feasible,
            boxes=self.boxes,
            comparisons=self.comparisons,
            best=self.problem.sign * self.best if np.isfinite(self.best) else None,
            found=dict(self.found),
            contradictions=tuple(self.kept),
            seconds=self.spent,
            seed=self.seed,
        )


__all__ = ["Attacked", "Attacking", "Contradiction", "attack"]
