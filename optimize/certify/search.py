"""Certified search: a population finds designs, boxes prove that nothing better is left, an audit doubts both.

Every box of the design space is bounded from below in the recorded physics (``branch.boxes``). A box whose bound is
above the best known objective less the gap asked for is closed; the others are cut in two. When none is open, no
feasible design is better than that. Rounds are of a fixed size and their results are put together in order, so that
the number of processes changes nothing but the time.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.design import Design, DesignBatch
from dawndusk.models.errors import DesignError
from dawndusk.optimize.boxes import Boxes
from dawndusk.optimize.certify.audit.checks import Audit, audit_seconds
from dawndusk.optimize.certify.branch.branching import Branched, cuts
from dawndusk.optimize.certify.branch.designs import designs_in
from dawndusk.optimize.certify.branch.node_queue import NodeQueue, lowest
from dawndusk.optimize.certify.branch.polish import improve
from dawndusk.optimize.certify.branch.work import Bounding, collected, hand_over
from dawndusk.optimize.certify.graph.statement import Statement
from dawndusk.optimize.certify.safety import safe, unsafe
from dawndusk.optimize.errors import CertificateError
from dawndusk.optimize.execution.backends import open_executor
from dawndusk.optimize.execution.executor import Executor
from dawndusk.optimize.heuristics.evolution import QUICK, search
from dawndusk.optimize.problem import Problem, Scored
from dawndusk.optimize.progress import Progress, share_closed
from dawndusk.optimize.result import (
    COMPLETION,
    INTERRUPT,
    TIME_LIMIT,
    Candidate,
    Check,
    DesignResult,
    Status,
    Unfinished,
    relative_gap,
)

Floats: TypeAlias = NDArray[np.float64]

ROUND = 2048
"""Boxes that are cut in one round."""
CENTRES = 256
"""Boxes of a round whose designs are evaluated exactly, those with the lowest bounds first."""
MOST_POLISHES = 4
WORTH_POLISHING = 1e-5
"""Gain in the score, relative to it where it is large, after which designs near the best are looked for again."""
QUICK_SHARE = 0.25
"""Share of the time limit that the first population search may take."""
CHECKPOINT_S = 15.0
MOST_SAMPLED = 4096
MOST_OPEN = 1_000_000
"""Open boxes at which a search stops: about two gigabytes."""
REPORT_EVERY_S = 0.5


def certify(
    problem: Problem,
    *,
    gap: float = 1e-3,
    seed: int = 1,
    time_limit_s: float = 60.0,
    workers: int | None = None,
    cluster: str | None = None,
    report: Callable[[Progress], None] = lambda _: None,
    checkpoint: Callable[[DesignResult], None] | None = None,
    resume: DesignResult | None = None,
    audit: bool = True,
) -> DesignResult:
    """Find the best design, and prove that nothing better exists.

    Parameters
    ----------
    problem : Problem
        What to choose, what to make small or large, and what must hold.
    gap : float
        Relative gap between objective and bound at which the search ends, above 0 and below 1.
    seed : int
        Of the population search and of the audit. Same seed, same result, as long as the time limit does not end it.
    time_limit_s : float
        After this many seconds the best design so far is returned with its honest gap.
    workers : int, optional
        Processes that bound boxes; as many as there are cores by default. 0 and 1 do it in this one.
    cluster : str, optional
        Address of a Dask cluster whose workers bound boxes instead.
    report : callable
        Called with ``Progress`` now and then.
    checkpoint : callable, optional
        Called with the unfinished result about every 15 seconds, to be kept.
    resume : DesignResult, optional
        An unfinished result of the same problem to go on from.
    audit : bool
        Whether the result is doubted: see ``dawndusk.optimize.certify.audit``.

    Raises
    ------
    DesignError
        For a gap, a seed or a limit that makes no sense.
    CertificateError
        When a feasible design beats a bound that was thought to be proved.
    NotBoundedError
        When the model has an operation for which no bound is known.
    ExecutionError
        For a number of workers that makes no sense, or a cluster that does not answer.
    """
    if not 0.0 < gap < 1.0:
        raise DesignError(f"gap: found {gap!r}, allowed: above 0 and below 1")
    if not time_limit_s > 0.0:
        raise DesignError(f"time_limit_s: found {time_limit_s!r}, allowed: above 0")
    run = _Run(problem, gap, seed, time_limit_s, report, checkpoint)
    stopped_by = COMPLETION
    try:
        processes = 1 if workers == 0 else workers
        with open_executor(processes, context=run.bounding, cluster=cluster) as executor:
            stopped_by = run.prove(executor, resume)
    except KeyboardInterrupt:
        stopped_by = INTERRUPT
    checks: tuple[Check, ...] = ()
    if audit and stopped_by != INTERRUPT:
        with contextlib.suppress(KeyboardInterrupt):
            checks = run.audit()
    return run.result(stopped_by, checks)


@dataclass
class _Run:
    """The state of one certified search. Scores are those of the graph: small is good."""

    problem: Problem
    gap: float
    seed: int
    time_limit_s: float
    report: Callable[[Progress], None]
    checkpoint: Callable[[DesignResult], None] | None
    begin: float = field(default_factory=time.monotonic)
    best: Scored | None = None
    score: float = math.inf
    least_broken: float = math.inf
    """The least violation of a design that a feasible one was looked for from."""
    candidates: tuple[Candidate, ...] = ()
    evaluated: int = 0
    examined: int = 0
    before_s: float = 0.0
    open: NodeQueue = field(default_factory=NodeQueue)
    held: list[Boxes] = field(default_factory=list)
    """Boxes that are being looked at: they are open still, should an interrupt come."""
    stuck: list[Boxes] = field(default_factory=list)
    closed: list[Boxes] = field(default_factory=list)
    closed_at: float = math.inf
    told: float = 0.0
    kept: float = 0.0

    def __post_init__(self) -> None:
        self.bounding = Bounding(self.problem)
        self.bounder = self.bounding.bounder
        self.statement: Statement = self.bounder.statement
        self.logarithm = self.bounder.graph.logarithm

    @property
    def cutoff(self) -> float:
        """Return the score at which a box is closed: the best one less the gap asked for, and what is taken off it."""
        if not math.isfinite(self.score):
            return self.score
        if self.logarithm:
            less = math.log1p(-self.gap) if self.statement.sign > 0 else -math.log1p(self.gap)
        else:
            less = -self.gap * abs(self.score)
        return unsafe(self.score + less)

    def in_units(self, score: float) -> float:
        """Return the objective that has a score."""
        return math.exp(self.statement.sign * score) if self.logarithm else self.statement.sign * score

    def scores(self, scored: Scored) -> Floats:
        """Return the scores of designs, infinite where they are not feasible, shape (N,)."""
        with np.errstate(all="ignore"):
            value = scored.objective * self.statement.sign
            found = self.statement.sign * (np.log(np.maximum(value, 1e-300)) if self.logarithm else value)
        return np.where(scored.feasible, found, np.inf)

    def take(self, batch: DesignBatch) -> None:
        """Evaluate designs exactly and keep the best."""
        with np.errstate(all="ignore"):
            scored = self.problem.score(batch, self.problem.scored_outcomes)
        self.evaluated += len(batch)
        scores = self.scores(scored)
        index = int(np.argmin(scores))
        if scores[index] < self.score:
            self._keep(batch[index])
        elif self.best is None:
            index = int(np.argmin(scored.violation))
            self._repair(batch[index], float(scored.violation[index]))

    def _keep(self, design: Design) -> None:
        with np.errstate(all="ignore"):
            scored = self.problem.score_one(design)
        score = float(self.scores(scored)[0])
        if score < self.score:
            self.best, self.score = scored, score

    @property
    def seconds(self) -> float:
        """Return the seconds spent, earlier parts of a resumed search included."""
        return self.before_s + time.monotonic() - self.begin

    @property
    def ended_by(self) -> str:
        """Return what ends the search before it is done, if anything."""
        if time.monotonic() - self.begin > self.time_limit_s:
            return TIME_LIMIT
        return "memory" if len(self.open) > MOST_OPEN else ""

    def prove(self, executor: Executor[Bounding], resume: DesignResult | None) -> str:
        """Search until no box is open; return what ended it."""
        if resume is not None and resume.unfinished is not None:
            self._go_on(resume)
        else:
            root = self.bounder.root()
            begun = hand_over(executor, root, math.inf, 0)
            self._first_designs()
            self.held = [root]
            self._take_in(collected(executor, begun))
            self.open.close_above(self.cutoff)
            self.held = []
        while self.open.lowest < math.inf:
            if self.ended_by:
                return self.ended_by
            self.held = self.open.parts
            self.held = [self.open.next(ROUND)]
            self._take_in(self._examine(executor, self.held[0]))
            self.held = []
            self._tell()
        return COMPLETION if not self.stuck else "boxes too small to cut"

    def _go_on(self, resume: DesignResult) -> None:
        unfinished = resume.unfinished
        assert unfinished is not None
        if unfinished.boxes.low.shape[0] != self.bounder.axes:
            raise DesignError("resume: found the open boxes of another problem; allowed: those of this one")
        self.examined, self.before_s = unfinished.examined, unfinished.seconds
        self.evaluated = resume.evaluated
        self.closed_at = unfinished.cutoff
        self.open.add(unfinished.boxes)
        self.candidates = resume.candidates
        if resume.design is not None:
            self._keep(resume.design)

    def _first_designs(self) -> None:
        """Search with a population for a first design, and for candidates of other combinations."""
        found = search(
            self.problem,
            seed=self.seed,
            time_limit_s=max(QUICK_SHARE * self.time_limit_s, 0.1),
            effort=QUICK,
            report=self.report,
        )
        self._from(found)

    def _from(self, found: DesignResult) -> None:
        self.evaluated += found.evaluated
        self.candidates = self.candidates or found.candidates
        nearest = found.candidates[0]
        self._keep(nearest.design)
        if self.best is None:
            self._repair(nearest.design, nearest.violation)
        self._polish()

    def _polish(self) -> None:
        """Look for better designs near the best one, until there is next to nothing to gain."""
        for turn in range(MOST_POLISHES):
            if self.best is None:
                return
            before = self.score
            rng = np.random.default_rng([self.seed, turn, self.evaluated % 1000])
            self._keep(improve(self.statement, self.best.designs[0], self._merits, rng))
            if not self.score < before - WORTH_POLISHING * max(abs(before), 1.0):
                return

    def _repair(self, design: Design, violation: float) -> None:
        """Look for a feasible design near one that breaks less than any before: what it breaks alone ranks designs."""
        for turn in range(MOST_POLISHES):
            if not violation < self.least_broken:
                return
            self.least_broken = violation
            rng = np.random.default_rng([self.seed, MOST_POLISHES + turn, self.evaluated % 1000])
            design = improve(self.statement, design, self._merits, rng)
            with np.errstate(all="ignore"):
                violation = float(self.problem.score_one(design).violation[0])
            self._keep(design)

    def _merits(self, batch: DesignBatch) -> Floats:
        """Return what ranks designs, small is good, shape (N,)."""
        with np.errstate(all="ignore"):
            scored = self.problem.score(batch, self.problem.scored_outcomes)
        self.evaluated += len(batch)
        return scored.merit()

    def _examine(self, executor: Executor[Bounding], boxes: Boxes) -> Branched:
        """Take one step on boxes, shared between the workers."""
        return collected(executor, hand_over(executor, boxes, self.cutoff, cuts(len(boxes))))

    def _take_in(self, found: Branched) -> None:
        """Take in what a round left, and try the designs in it."""
        self.examined += found.count
        self.closed_at = min(self.closed_at, self.cutoff)
        if len(found.closed) and sum(map(len, self.closed)) < MOST_SAMPLED:
            self.closed.append(found.closed)
        if len(found.stuck):
            self.stuck.append(found.stuck)
        if not len(found.open):
            return
        self.open.add(found.open)
        order = np.argsort(found.open.bound, kind="stable")[:CENTRES]
        before = self.score
        self.take(designs_in(self.statement, found.open.take(order)))
        if self.score < before:
            self._polish()
        cutoff = self.cutoff
        if self.score < before:
            self.closed_at = min(self.closed_at, cutoff)
            self.open.close_above(cutoff)

    def _proved(self) -> float:
        """Return the score that no feasible design is below."""
        return safe(min(self.open.lowest, lowest(self.held), lowest(self.stuck), self.closed_at))

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self.told > REPORT_EVERY_S:
            self.told = now
            best = self.in_units(self.score) if math.isfinite(self.score) else math.nan
            bound = self.in_units(self._proved()) if math.isfinite(self._proved()) else math.nan
            left = len(self.open)
            self.report(
                Progress(f"proving, {left:,} boxes open", share_closed(best, bound), self.examined, best, bound=bound)
            )
        if self.checkpoint is not None and now - max(self.kept, self.begin) > CHECKPOINT_S:
            self.kept = now
            self.checkpoint(self.result("checkpoint", ()))

    def audit(self) -> tuple[Check, ...]:
        """Doubt what was proved; raise ``CertificateError`` where a design beats it."""
        closed = Boxes.join(self.closed) if self.closed else None
        doubt = Audit(self.statement, self._proved(), self.scores, self.in_units, self.seed)
        return doubt.run(closed, audit_seconds(self.seconds))

    def result(self, stopped_by: str, checks: tuple[Check, ...]) -> DesignResult:
        """Return the result as it stands."""
        proved = self._proved()
        left = [boxes for boxes in (*self.open.parts, *self.held, *self.stuck) if len(boxes)]
        objective = self.in_units(self.score) if self.best is not None else None
        bound = self.in_units(proved) if math.isfinite(proved) else None
        if self.best is not None:
            objective = float(self.best.objective[0]) * self.statement.sign
        gap = relative_gap(objective, bound)
        status: Status
        if not left and (self.examined or stopped_by == COMPLETION):
            status = "infeasible" if self.best is None else "optimal"
        else:
            status = "unknown" if self.best is None else "feasible"
        if status == "feasible" and gap is not None and gap <= self.gap:
            status = "optimal"
        unfinished = None
        if left and stopped_by != COMPLETION:
            unfinished = Unfinished(Boxes.join(left), self.closed_at, self.examined, self.seconds)
        if self.best is not None and bound is not None and proved > self.score + 1e-12 * (1.0 + abs(self.score)):
            raise CertificateError(f"the bound {bound!r} is beyond the objective {objective!r} of a feasible design")
        return DesignResult(
            status=status,
            objective=objective,
            bound=bound if status != "infeasible" else None,
            gap=gap,
            gap_asked=self.gap,
            design=self.best.designs[0] if self.best is not None else None,
            evaluation=self.best.evaluation if self.best is not None else None,
            candidates=self.candidates,
            evaluated=self.evaluated,
            boxes=self.examined,
            open_boxes=sum(map(len, left)),
            combinations=len(self.statement.combinations),
            seconds=self.seconds,
            seed=self.seed,
            stopped_by=stopped_by,
            checks=checks,
            unfinished=unfinished,
        )
