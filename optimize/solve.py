"""From a problem to its answer: the search with its engine, the doubt about what it proved, and what explains it."""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass

from dawndusk.models.design import Design
from dawndusk.optimize.contradiction import check_candidates, claim_of, refute
from dawndusk.optimize.engines import Checkpoint, exact_objective, find, led_by
from dawndusk.optimize.explain.conflict import Conflict, explain_conflict
from dawndusk.optimize.explain.optimum import Explanation, explain_optimum
from dawndusk.optimize.problem import Problem
from dawndusk.optimize.progress import Report
from dawndusk.optimize.result import INTERRUPT, DesignResult, relative_gap
from dawndusk.optimize.settings import Settings

EXPLAINING_S, EXPLAINING_SHARE = 10.0, 0.1
"""An explanation takes at most this long, and this share of the time limit of the search."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Solved(DesignResult):
    """A result with what its optimum is made of, or why there is none, where that was asked for."""

    explanation: Explanation | None = None
    conflict: Conflict | None = None


def solve(
    problem: Problem,
    settings: Settings,
    nominal: Design,
    report: Report = lambda _: None,
    *,
    checkpoint: Checkpoint | None = None,
    resume: DesignResult | None = None,
    explain: bool = False,
) -> Solved:
    """Search the design space with the engine that the settings name.

    Parameters
    ----------
    nominal : Design
        What is shown where the search looked at no design.
    report : callable
        Called with ``Progress`` now and then.
    checkpoint : callable, optional
        Called now and then with the unfinished result of a certified search, to be kept.
    resume : DesignResult, optional
        Such a result to go on from.
    explain : bool
        Whether to say what the optimum is made of, or why there is no design: up to ten seconds more.

    Returns
    -------
    Solved
        With at least one candidate.

    Raises
    ------
    CertificateError
        When a feasible design beats a bound that was thought to be proved.
    """
    answer = _with_a_design(problem, nominal, find(problem, settings, report, checkpoint, resume))
    check_candidates(problem, answer)
    found = Solved(**vars(answer))
    if not explain:
        return found
    found = _explained(problem, found, settings)
    better = None if found.explanation is None else found.explanation.better
    if better is None:
        return found
    found = _led_by_better(problem, found, better)
    check_candidates(problem, found)
    return _explained(problem, found, settings)


def _explained(problem: Problem, found: Solved, settings: Settings) -> Solved:
    """Return a result with what it is made of, or else what can not be met together; neither after an interrupt."""
    if found.stopped_by == INTERRUPT or found.is_hurried:
        return found
    explanation: Explanation | None = None
    conflict: Conflict | None = None
    seconds = min(EXPLAINING_S, EXPLAINING_SHARE * settings.time_limit_s)
    searched = [c for c in found.candidates if len(c.coordinates) == len(problem.free)]
    with contextlib.suppress(KeyboardInterrupt):
        if found.design is None:
            conflict = explain_conflict(problem, searched, seed=settings.seed, time_limit_s=seconds)
        else:
            explanation = explain_optimum(problem, found.design, searched, seed=settings.seed, time_limit_s=seconds)
    return dataclasses.replace(found, explanation=explanation, conflict=conflict)


def _led_by_better(problem: Problem, found: Solved, design: Design) -> Solved:
    """Return what was found with a better design that was met on the way."""
    objective = exact_objective(problem, design)
    if objective is None:
        return found
    gap = relative_gap(objective, found.bound)
    return dataclasses.replace(
        found, objective=objective, gap=gap, design=design, candidates=led_by(problem, design, found.candidates)
    )


def _with_a_design(problem: Problem, nominal: Design, found: DesignResult) -> DesignResult:
    """Return what was found with at least one design to show: the nominal one where there is no other.

    Should that one be feasible it is a result.
    """
    if found.candidates:
        return found
    objective = exact_objective(problem, nominal)
    candidates = led_by(problem, nominal, ())
    if objective is None:
        return dataclasses.replace(found, candidates=candidates)
    refute(claim_of(found, problem.sense), objective, nominal, "the nominal design")
    gap = relative_gap(objective, found.bound)
    return dataclasses.replace(
        found, status="feasible", objective=objective, gap=gap, design=nominal, candidates=candidates
    )
