"""The three engines behind one answer: what was found, what was proved, and what doubted it."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from dawndusk.models.design import Design
from dawndusk.models.errors import DawnduskError, one_of
from dawndusk.models.outcome import OUTCOMES
from dawndusk.models.units import precise
from dawndusk.optimize.certify.search import certify
from dawndusk.optimize.contradiction import TOLERANCE, claim_of, refute
from dawndusk.optimize.errors import NotBoundedError
from dawndusk.optimize.execution.tasks import TaskError
from dawndusk.optimize.heuristics.evolution import search
from dawndusk.optimize.problem import Problem
from dawndusk.optimize.progress import Progress, Recorder, Report, held_back, share_closed
from dawndusk.optimize.result import (
    COMPLETION,
    INTERRUPT,
    SOLVER_FAILURE,
    Candidate,
    Check,
    DesignResult,
    Status,
    relative_gap,
)
from dawndusk.optimize.settings import Engine, Settings

if TYPE_CHECKING:
    from dawndusk.optimize.certify.lp.second_bound import MilpProgress
    from dawndusk.optimize.result import SecondBound

SECOND_GAP = 2e-3
SECOND_DIGITS = 6
SETTLED = {"", "Optimal", "Infeasible"}
"""What HiGHS says of a linear model that it settled."""
SECOND_SHARE = 0.17
MOST_SECOND_S = 20.0
"""The second bound takes this share of the time limit of the search, and no longer than this."""
SMALL, SMALL_S = (5, 8), 60.0
"""Free numbers and combinations up to which a problem is small: its second bound is solved to the end, which takes some
seconds, and no longer than this and than the search itself may."""

Checkpoint: TypeAlias = Callable[[DesignResult], None]
EngineFunction: TypeAlias = Callable[
    [Problem, Settings, Report, Checkpoint | None, DesignResult | None],
    DesignResult,
]
"""From a problem, settings and what to report to, with a checkpoint and what to go on from for those that can."""


def find(
    problem: Problem,
    settings: Settings,
    report: Report,
    checkpoint: Checkpoint | None = None,
    resume: DesignResult | None = None,
) -> DesignResult:
    """Search with the engine that the settings name; the first candidate is the design.

    Raises
    ------
    DawnduskError
        For an engine that goes by trials.
    """
    recorder = Recorder(report, 0.0 if resume is None else resume.seconds)
    if settings.engine not in ENGINES:
        raise DawnduskError(f"search.engine: found {settings.engine}, which goes by trials; allowed: {one_of(ENGINES)}")
    found = ENGINES[settings.engine](problem, settings, recorder.report, checkpoint, resume)
    history = recorder.history(found.evaluated, found.objective, found.bound)
    return dataclasses.replace(found, history=history, candidates=led_by(problem, found.design, found.candidates))


def by_evolution(problem: Problem, settings: Settings, report: Report, *_: object) -> DesignResult:
    """Search with a population. It proves nothing."""
    return search(
        problem,
        seed=settings.seed,
        time_limit_s=settings.time_limit_s,
        most_designs=settings.designs,
        report=report,
    )


def by_certified_search(
    problem: Problem,
    settings: Settings,
    report: Report,
    checkpoint: Checkpoint | None = None,
    resume: DesignResult | None = None,
) -> DesignResult:
    """Search with a proved bound; where the proof is complete, doubt it with the mixed-integer model."""
    try:
        with held_back(report) as interrupts:
            certified = certify(
                problem,
                gap=settings.gap,
                seed=settings.seed,
                time_limit_s=settings.time_limit_s,
                report=interrupts.report,
                checkpoint=checkpoint,
                resume=resume,
                audit=settings.audit,
                workers=settings.workers,
                cluster=settings.cluster,
            )
    except NotBoundedError as error:
        raise _not_bounded(error) from None
    found = dataclasses.replace(certified, is_hurried=interrupts.noted)
    complete = certified.status in {"optimal", "infeasible"} and certified.stopped_by != INTERRUPT
    if settings.audit and settings.second_bound and complete and not found.is_hurried:
        return with_second_bound(problem, found, settings, report)
    return found


def with_second_bound(problem: Problem, found: DesignResult, settings: Settings, report: Report) -> DesignResult:
    """Have the mixed-integer model bound the same problem by itself, and compare.

    Raises
    ------
    CertificateError
        Where it finds a design that the first bound rules out.
    """
    from dawndusk.optimize.certify.lp.second_bound import second_bound  # noqa: PLC0415 (brings Pyomo and HiGHS along)

    gap = max(SECOND_GAP, settings.gap)
    small = len(problem.free) <= SMALL[0] and len(problem.combinations()) <= SMALL[1]
    most, share = (SMALL_S, 1.0) if small else (MOST_SECOND_S, SECOND_SHARE)
    limit = min(most, share * settings.time_limit_s)
    try:
        second = second_bound(
            problem,
            gap=gap,
            time_limit_s=limit,
            cutoff=found.objective,
            design=found.design,
            workers=settings.workers,
            cluster=settings.cluster,
            report=lambda progress: report(_as_progress(progress, found.evaluated)),
        )
    except KeyboardInterrupt:
        check = Check("second bound", True, 0, "interrupted before it had one, nothing that contradicts the first")
        return dataclasses.replace(found, checks=(*found.checks, check), is_hurried=True)
    except (ArithmeticError, LookupError, RuntimeError, TaskError, ValueError) as error:
        # The first proof stands without it.
        words = f"could not be computed: {type(error).__name__}: {error}"
        return dataclasses.replace(found, checks=(*found.checks, Check("second bound", True, 0, words)))
    objective = None if second.design is None else exact_objective(problem, second.design)
    if second.design is not None and objective is not None:
        refute(claim_of(found, problem.sense), objective, second.design, "the mixed-integer model")
    check = Check("second bound", True, second.rounds, _words(second, problem, limit))
    seconds = found.seconds + second.seconds
    return dataclasses.replace(found, checks=(*found.checks, check), second=second, seconds=seconds)


def _as_progress(progress: MilpProgress, evaluated: int) -> Progress:
    best = math.nan if progress.objective is None else progress.objective
    share = share_closed(best, progress.bound)
    return Progress("bounding with the mixed-integer model", share, evaluated, best, bound=progress.bound)


def _words(second: SecondBound, problem: Problem, limit_s: float) -> str:
    """Return what the second bound says about the first."""
    if second.status == "infeasible":
        return "the mixed-integer model too has no design"
    said = f"; HiGHS said last: {second.solver_words}" if is_unsettled(second) else ""
    if second.status == "failed" or second.bound is None:
        return f"no bound in {limit_s:.0f} s, nothing that contradicts the first{said}"
    side, toward = ("below", "down") if problem.sense == "minimise" else ("above", "up")
    bound = precise(second.bound, OUTCOMES[problem.objective].units, SECOND_DIGITS, toward)
    reach = "" if second.status == "bounded" else f", not closed in {limit_s:.0f} s"
    gap = "" if second.gap is None else f", a gap of {second.gap:.2%}{reach}"
    return f"the mixed-integer model has no design {side} {bound}{gap}{said}"


def is_unsettled(second: SecondBound) -> bool:
    """Return whether the solver failed on the last linear model that it was given."""
    return second.solver_words not in SETTLED


def by_mixed_integer_model(problem: Problem, settings: Settings, report: Report, *_: object) -> DesignResult:
    """Bound with the mixed-integer model alone. The design it names is evaluated in the exact physics."""
    from dawndusk.optimize.certify.lp.second_bound import second_bound  # noqa: PLC0415 (brings Pyomo and HiGHS along)

    begin = time.monotonic()
    try:
        with held_back(report) as interrupts:
            second = second_bound(
                problem,
                gap=settings.gap,
                time_limit_s=settings.time_limit_s,
                workers=settings.workers,
                cluster=settings.cluster,
                report=lambda progress: interrupts.report(_as_progress(progress, 0)),
            )
    except NotBoundedError as error:
        raise _not_bounded(error) from None
    except (RuntimeError, TaskError) as error:
        return _without_solver(problem, settings, error, time.monotonic() - begin)
    design = second.design
    objective = exact_objective(problem, design) if design is not None else None
    design = design if objective is not None else None
    gap = relative_gap(objective, second.bound)
    status: Status
    if objective is not None:
        status = "optimal" if gap is not None and gap <= settings.gap * (1.0 + TOLERANCE) else "feasible"
    else:
        status = "infeasible" if second.status == "infeasible" else "unknown"
    ended = {"bounded": COMPLETION, "infeasible": COMPLETION, "failed": SOLVER_FAILURE}
    return DesignResult(
        status=status,
        objective=objective,
        bound=second.bound,
        gap=gap,
        design=design,
        combinations=len(problem.combinations()),
        seconds=second.seconds,
        seed=settings.seed,
        stopped_by=ended.get(second.status, second.status),
        second=second,
    )


def _without_solver(problem: Problem, settings: Settings, error: Exception, seconds: float) -> DesignResult:
    """Return that nothing is known, in the words in which the solver failed."""
    return DesignResult(
        status="unknown",
        objective=None,
        bound=None,
        gap=None,
        design=None,
        combinations=len(problem.combinations()),
        seconds=seconds,
        seed=settings.seed,
        stopped_by=f"{SOLVER_FAILURE}: {error}",
    )


def _not_bounded(error: NotBoundedError) -> DawnduskError:
    return DawnduskError(f"{error}; allowed for such a study: search.engine evolution")


ENGINES: dict[Engine, EngineFunction] = {
    Engine.CERTIFIED: by_certified_search,
    Engine.EVOLUTION: by_evolution,
    Engine.MILP: by_mixed_integer_model,
}
"""What searches with each engine that does not go by trials."""


def exact_objective(problem: Problem, design: Design) -> float | None:
    """Return the objective of a design in the units and sense of the study, None where it breaks a rule."""
    with np.errstate(all="ignore"):
        scored = problem.score_one(design)
    return problem.sign * float(scored.objective[0]) if bool(scored.feasible[0]) else None


def led_by(problem: Problem, design: Design | None, candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """Return candidates with a design in front, in place of the one with the same combination of categories."""
    if design is None:
        return candidates
    with np.errstate(all="ignore"):
        scored = problem.score_one(design)
    first = Candidate(design.combination, np.zeros(0), design, float(scored.objective[0]), float(scored.violation[0]))
    return (first, *(c for c in candidates if c.combination != design.combination))
