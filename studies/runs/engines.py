"""The three engines behind one answer: what was found, what was proved, and what doubted it."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dawndusk.models.design import Design
from dawndusk.models.errors import DawnduskError
from dawndusk.models.outcome import OUTCOMES
from dawndusk.optimize.certify.certificate import Certified, Check, relative_gap, verdict_of
from dawndusk.optimize.certify.errors import CertificateError, NotBoundedError
from dawndusk.optimize.certify.search import certify
from dawndusk.optimize.evolution import Candidate, Progress, search
from dawndusk.optimize.execution.tasks import TaskError
from dawndusk.optimize.problem import Problem, Sense
from dawndusk.studies.runs.interrupts import held_back
from dawndusk.studies.statement.study import Engine, Search
from dawndusk.studies.statement.units import precise

if TYPE_CHECKING:
    from dawndusk.optimize.certify.lp.second_bound import MilpProgress, SecondBound

COMPLETION, INTERRUPT, SOLVER_FAILURE = "completion", "interrupt", "failure of the solver"
TOLERANCE = 1e-9
"""Relative: what rounding may do to an objective or a bound."""
SECOND_GAP = 2e-3
SECOND_DIGITS = 6
SETTLED = {"", "Optimal", "Infeasible"}
"""What HiGHS says of a linear model that it settled."""
SECOND_SHARE = 0.17
MOST_SECOND_S = 20.0
"""The second bound takes this share of the time limit of the search, and no longer than this."""

Report = Callable[[Progress], None]
Checkpoint = Callable[[Certified], None]


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """What an engine found and proved. Objective and bound are in the units and the sense of the study.

    Attributes
    ----------
    status : str
        ``optimal``: the gap asked for is proved; ``feasible``: a design, and a wider gap or no bound; ``infeasible``:
        no design meets every rule, which ``evolution`` believes and the other engines prove; ``unknown``: neither.
    candidates : tuple of Candidate
        The best design of each combination that was worked on, best first; the first one is the design.
    boxes, open_boxes, combinations : int or None
        Boxes of designs looked at and left open by the certified search, and combinations of categories.
    second : SecondBound or None
        The bound of the mixed-integer model: that of engine ``milp`` itself, or the second opinion of an audit.
    certified : Certified or None
        The result of the certified search as it is, with the open boxes of one that has not ended.
    is_hurried : bool
        Whether an interrupt came when the search had ended: what is left to do is left out.
    """

    status: str
    objective: float | None
    bound: float | None
    gap: float | None
    design: Design | None
    candidates: tuple[Candidate, ...]
    evaluated: int
    combinations: int
    seconds: float
    seed: int
    stopped_by: str
    boxes: int | None = None
    open_boxes: int | None = None
    checks: tuple[Check, ...] = ()
    second: SecondBound | None = None
    certified: Certified | None = None
    is_hurried: bool = False

    @property
    def verdict(self) -> str:
        """Return the verdict of the audit: ``passed``, ``failed`` or ``not run``."""
        return verdict_of(self.checks)


def find(
    problem: Problem,
    settings: Search,
    report: Report,
    checkpoint: Checkpoint | None = None,
    resume: Certified | None = None,
) -> Found:
    """Search with the engine that the settings name."""
    if settings.engine is Engine.CERTIFIED:
        return by_certified_search(problem, settings, report, checkpoint, resume)
    if settings.engine is Engine.MILP:
        return by_mixed_integer_model(problem, settings, report)
    return by_evolution(problem, settings, report)


def by_evolution(problem: Problem, settings: Search, report: Report) -> Found:
    """Search with a population. It proves nothing."""
    found = search(
        problem,
        seed=settings.seed,
        time_limit_s=settings.time_limit_s,
        most_designs=settings.designs,
        report=report,
    )
    return Found(
        status=found.status,
        objective=found.objective if found.status == "feasible" else None,
        bound=None,
        gap=None,
        design=found.design if found.status == "feasible" else None,
        candidates=found.candidates,
        evaluated=found.evaluated,
        combinations=len(problem.combinations()),
        seconds=found.seconds,
        seed=found.seed,
        stopped_by=found.stopped_by,
    )


def by_certified_search(
    problem: Problem,
    settings: Search,
    report: Report,
    checkpoint: Checkpoint | None = None,
    resume: Certified | None = None,
) -> Found:
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
    found = Found(
        status=certified.status,
        objective=certified.objective,
        bound=certified.bound,
        gap=certified.gap,
        design=certified.design,
        candidates=led_by(problem, certified.design, certified.candidates),
        evaluated=certified.evaluated,
        combinations=certified.combinations,
        seconds=certified.seconds,
        seed=certified.seed,
        stopped_by=certified.stopped_by,
        boxes=certified.boxes,
        open_boxes=certified.open_boxes,
        checks=certified.checks,
        certified=certified,
        is_hurried=interrupts.noted,
    )
    complete = certified.status in {"optimal", "infeasible"} and certified.stopped_by != INTERRUPT
    if settings.audit and settings.second_bound and complete and not found.is_hurried:
        return with_second_bound(problem, found, settings, report)
    return found


def with_second_bound(problem: Problem, found: Found, settings: Search, report: Report) -> Found:
    """Have the mixed-integer model bound the same problem by itself, and compare.

    Raises
    ------
    CertificateError
        Where it finds a design that the first bound rules out.
    """
    from dawndusk.optimize.certify.lp.second_bound import second_bound  # noqa: PLC0415 (brings Pyomo and HiGHS along)

    gap = max(SECOND_GAP, settings.gap)
    limit = min(MOST_SECOND_S, SECOND_SHARE * settings.time_limit_s)
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
    _refute(problem, found, second)
    check = Check("second bound", True, second.rounds, _words(second, problem, limit))
    seconds = found.seconds + second.seconds
    return dataclasses.replace(found, checks=(*found.checks, check), second=second, seconds=seconds)


def _as_progress(progress: MilpProgress, evaluated: int) -> Progress:
    best = math.nan if progress.objective is None else progress.objective
    share = 0.0
    if math.isfinite(best) and math.isfinite(progress.bound) and best:
        share = min(max(1.0 - abs(best - progress.bound) / abs(best), 0.0), 1.0)
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


def _refute(problem: Problem, found: Found, second: SecondBound) -> None:
    """Raise if the mixed-integer model came upon a design that the first proof rules out."""
    if second.design is None:
        return
    objective = exact_objective(problem, second.design)
    if objective is None:
        return
    refuted = found.status == "infeasible" or (
        found.bound is not None and is_better(objective, found.bound, problem.sense)
    )
    if refuted:
        raise CertificateError(contradiction(found, objective, second.design, "the mixed-integer model"))


def contradiction(found: Found, objective: float, design: Design, where: str) -> str:
    """Return the message about a feasible design that a proof rules out, naming both points."""
    claim = "that no design is feasible" if found.bound is None else f"that no design is better than {found.bound!r}"
    known = "" if found.design is None else f", its best design {found.objective!r}: {found.design.to_dict()}"
    return (
        f"the certificate is wrong: proved {claim}{known}; but {where} has a feasible design with {objective!r}: "
        f"{design.to_dict()}"
    )


def by_mixed_integer_model(problem: Problem, settings: Search, report: Report) -> Found:
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
    if objective is not None:
        status = "optimal" if gap is not None and gap <= settings.gap * (1.0 + TOLERANCE) else "feasible"
    else:
        status = "infeasible" if second.status == "infeasible" else "unknown"
    ended = {"bounded": COMPLETION, "infeasible": COMPLETION, "failed": SOLVER_FAILURE}
    return Found(
        status=status,
        objective=objective,
        bound=second.bound,
        gap=gap,
        design=design,
        candidates=led_by(problem, design, ()),
        evaluated=0,
        combinations=len(problem.combinations()),
        seconds=second.seconds,
        seed=settings.seed,
        stopped_by=ended.get(second.status, second.status),
        second=second,
    )


def _without_solver(problem: Problem, settings: Search, error: Exception, seconds: float) -> Found:
    """Return that nothing is known, in the words in which the solver failed."""
    return Found(
        status="unknown",
        objective=None,
        bound=None,
        gap=None,
        design=None,
        candidates=(),
        evaluated=0,
        combinations=len(problem.combinations()),
        seconds=seconds,
        seed=settings.seed,
        stopped_by=f"{SOLVER_FAILURE}: {error}",
    )


def _not_bounded(error: NotBoundedError) -> DawnduskError:
    return DawnduskError(f"{error}; allowed for such a study: search.engine evolution")


def exact_objective(problem: Problem, design: Design) -> float | None:
    """Return the objective of a design in the units and sense of the study, None where it breaks a rule."""
    with np.errstate(all="ignore"):
        scored = problem.score_one(design)
    return problem.sign * float(scored.objective[0]) if bool(scored.feasible[0]) else None


def is_better(objective: float, bound: float, sense: Sense) -> bool:
    """Return whether an objective beats a bound by more than rounding may do."""
    room = TOLERANCE * abs(bound)
    return objective < bound - room if sense == "minimise" else objective > bound + room


def led_by(problem: Problem, design: Design | None, candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """Return candidates with a design in front, in place of the one with the same combination of categories."""
    if design is None:
        return candidates
    with np.errstate(all="ignore"):
        scored = problem.score_one(design)
    first = Candidate(design.combination, np.zeros(0), design, float(scored.objective[0]), float(scored.violation[0]))
    return (first, *(c for c in candidates if c.combination != design.combination))


def check_bound(problem: Problem, found: Found) -> None:
    """Raise ``CertificateError`` if any feasible design that an engine met beats the bound that it proved."""
    if found.bound is None and not (found.status == "infeasible" and found.boxes is not None):
        return
    for candidate in found.candidates:
        if candidate.violation > 0.0:
            continue
        objective = problem.sign * candidate.objective
        if found.bound is None or is_better(objective, found.bound, problem.sense):
            raise CertificateError(contradiction(found, objective, candidate.design, "the search"))
