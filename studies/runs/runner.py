"""Running a study: from the resolved study to a typed result."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from dawndusk.models.design import Design, DesignBatch
from dawndusk.models.errors import DawnduskError
from dawndusk.models.evaluate import evaluate
from dawndusk.models.rows import check_names
from dawndusk.optimize.certify.certificate import Certified, relative_gap
from dawndusk.optimize.certify.errors import CertificateError
from dawndusk.optimize.conflict import Conflict, explain_conflict
from dawndusk.optimize.evolution import Progress
from dawndusk.optimize.explanation import Explanation, explain_optimum
from dawndusk.optimize.problem import Problem
from dawndusk.studies.runs.engines import (
    INTERRUPT,
    Checkpoint,
    Found,
    check_bound,
    contradiction,
    exact_objective,
    find,
    led_by,
)
from dawndusk.studies.runs.explain import alternatives, at_ends, limits
from dawndusk.studies.runs.results import Evaluated, RunResult
from dawndusk.studies.statement.study import Kind, Search, Study


def problem_of(study: Study) -> Problem:
    """Return the problem that a design study states, for any engine."""
    return Problem(
        assumptions=study.assumptions,
        space=study.space,
        objective=study.objective,
        sense=study.sense,
        bounds=study.bounds,
        satellites_follow_demand=study.satellites_follow_demand,
    )


def evaluate_design(study: Study, design: Design) -> Evaluated:
    """Evaluate one design under the assumptions and bounds of a study."""
    with _arithmetic(study):
        outcome = evaluate(design, study.assumptions).outcome.row(0)
        for name, value in outcome.items():
            if not math.isfinite(value):
                raise _beyond(study, f"{name} = {value}")
        return Evaluated(study=study, design=design, outcome=outcome, limits=tuple(limits(problem_of(study), design)))


@contextmanager
def _arithmetic(study: Study) -> Iterator[None]:
    """Let no warning of floating point through: what is not finite is found in the result, and ends in an error."""
    try:
        with np.errstate(all="ignore"):
            yield
    except ArithmeticError as error:
        raise _beyond(study, str(error)) from None


def _beyond(study: Study, what: str) -> DawnduskError:
    return DawnduskError(
        f"{study.source}: found values that the model can not compute with ({what}); allowed: assumptions and a "
        "design that give finite outcomes"
    )


def nominal_design(study: Study, **changes: Any) -> Design:
    """Return the design with every variable at its nominal value but for ``changes``.

    It has as many satellites as the demand asks for where they follow it and ``changes`` does not state them.
    """
    design = study.nominal_design(1).replace(**changes)
    if not study.satellites_follow_demand or "satellites" in changes:
        return design
    batch = DesignBatch.of(design)
    check_names(study.assumptions, batch)
    with _arithmetic(study):
        return problem_of(study).meet_demand(batch)[0]


def run_design(
    study: Study,
    report: Callable[[Progress], None] = lambda _: None,
    *,
    checkpoint: Checkpoint | None = None,
    resume: Certified | None = None,
    time_limit_s: float | None = None,
    explain: bool = False,
) -> RunResult:
    """Search the design space of a study with its engine and explain the best design found.

    Parameters
    ----------
    report : callable
        Called with ``Progress`` now and then.
    checkpoint : callable, optional
        Called now and then with the unfinished result of a certified search, to be kept.
    resume : Certified, optional
        Such a result to go on from.
    time_limit_s : float, optional
        In place of that of the study.
    explain : bool
        Whether to say what the optimum is made of, or why there is no design: up to ten seconds more.

    Raises
    ------
    CertificateError
        When a feasible design beats a bound that was thought to be proved.
    """
    if study.kind is not Kind.DESIGN:
        raise DawnduskError(f"{study.source}: kind: found {study.kind.value}; a design search needs kind design")
    if study.search.goes_by_trials:
        raise DawnduskError(
            f"{study.source}: search: found a search by trials, which needs a run folder; allowed here: engine "
            "certified, evolution or milp, without evaluator and strategy"
        )
    problem = problem_of(study)
    settings = study.search
    if time_limit_s is not None:
        settings = dataclasses.replace(settings, time_limit_s=time_limit_s)
    with _arithmetic(study):
        found = find(problem, settings, report, checkpoint, resume)
        found = _with_a_design(study, problem, found)
        check_bound(problem, found)
        explanation, conflict = _explained(problem, found, settings) if explain else (None, None)
        if explanation is not None and explanation.better is not None:
            found = _led_by_better(problem, found, explanation.better)
            check_bound(problem, found)
            explanation, conflict = _explained(problem, found, settings)
    shown = found.candidates[0].design
    return RunResult(
        study=study,
        found=found,
        best=evaluate_design(study, shown),
        at_ends=tuple(at_ends(study.space, shown)),
        alternatives=tuple(alternatives(problem, found.candidates)),
        explanation=explanation,
        conflict=conflict,
    )


EXPLAINING_S, EXPLAINING_SHARE = 10.0, 0.1
"""An explanation takes at most this long, and this share of the time limit of the search."""


def _explained(problem: Problem, found: Found, settings: Search) -> tuple[Explanation | None, Conflict | None]:
    """Return what the best design is made of, or else what can not be met together; neither after an interrupt."""
    seconds = min(EXPLAINING_S, EXPLAINING_SHARE * settings.time_limit_s)
    if found.stopped_by == INTERRUPT or found.is_hurried:
        return None, None
    searched = [c for c in found.candidates if len(c.coordinates) == len(problem.free)]
    with contextlib.suppress(KeyboardInterrupt):
        if found.design is None:
            return None, explain_conflict(problem, searched, seed=settings.seed, time_limit_s=seconds)
        return explain_optimum(problem, found.design, searched, seed=settings.seed, time_limit_s=seconds), None
    return None, None


def _led_by_better(problem: Problem, found: Found, design: Design) -> Found:
    """Return what was found with a better design that was met on the way."""
    objective = exact_objective(problem, design)
    if objective is None:
        return found
    gap = relative_gap(objective, found.bound)
    return dataclasses.replace(
        found, objective=objective, gap=gap, design=design, candidates=led_by(problem, design, found.candidates)
    )


def _with_a_design(study: Study, problem: Problem, found: Found) -> Found:
    """Return what was found with at least one design to show: the nominal one where there is no other.

    Should that one be feasible it is a result.
    """
    if found.candidates:
        return found
    design = nominal_design(study)
    objective = exact_objective(problem, design)
    candidates = led_by(problem, design, ())
    if objective is None:
        return dataclasses.replace(found, candidates=candidates)
    if found.status == "infeasible":
        raise CertificateError(contradiction(found, objective, design, "the nominal design"))
    gap = relative_gap(objective, found.bound)
    return dataclasses.replace(
        found, status="feasible", objective=objective, gap=gap, design=design, candidates=candidates
    )
