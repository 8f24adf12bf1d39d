"""Running a study: from the resolved study to a typed result."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from dawndusk.models.design import Design, DesignBatch
from dawndusk.models.errors import DawnduskError
from dawndusk.models.evaluate import evaluate
from dawndusk.models.recording.rows import check_names
from dawndusk.optimize.engines import Checkpoint
from dawndusk.optimize.problem import Problem
from dawndusk.optimize.progress import Progress
from dawndusk.optimize.result import DesignResult
from dawndusk.optimize.solve import solve
from dawndusk.studies.input.study import Kind, ResolvedStudy
from dawndusk.studies.run.design.limits import alternatives, at_ends, limits
from dawndusk.studies.run.design.results import Evaluated, RunResult


def problem_of(study: ResolvedStudy) -> Problem:
    """Return the problem that a design study states, for any engine."""
    return Problem(
        assumptions=study.assumptions,
        space=study.space,
        objective=study.objective,
        sense=study.sense,
        bounds=study.bounds,
        satellites_follow_demand=study.satellites_follow_demand,
    )


def evaluate_design(study: ResolvedStudy, design: Design) -> Evaluated:
    """Evaluate one design under the assumptions and bounds of a study."""
    with _arithmetic(study):
        outcome = evaluate(design, study.assumptions).outcome.row(0)
        for name, value in outcome.items():
            if not math.isfinite(value):
                raise _beyond(study, f"{name} = {value}")
        return Evaluated(study=study, design=design, outcome=outcome, limits=tuple(limits(problem_of(study), design)))


@contextmanager
def _arithmetic(study: ResolvedStudy) -> Iterator[None]:
    """Let no warning of floating point through: what is not finite is found in the result, and ends in an error."""
    try:
        with np.errstate(all="ignore"):
            yield
    except ArithmeticError as error:
        raise _beyond(study, str(error)) from None


def _beyond(study: ResolvedStudy, what: str) -> DawnduskError:
    return DawnduskError(
        f"{study.source}: found values that the model can not compute with ({what}); allowed: assumptions and a "
        "design that give finite outcomes"
    )


def nominal_design(study: ResolvedStudy, **changes: Any) -> Design:
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
    study: ResolvedStudy,
    report: Callable[[Progress], None] = lambda _: None,
    *,
    checkpoint: Checkpoint | None = None,
    resume: DesignResult | None = None,
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
    resume : DesignResult, optional
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
    problem, settings = problem_of(study), study.search
    if time_limit_s is not None:
        settings = dataclasses.replace(settings, time_limit_s=time_limit_s)
    nominal = nominal_design(study)
    with _arithmetic(study):
        found = solve(problem, settings, nominal, report, checkpoint=checkpoint, resume=resume, explain=explain)
    shown = found.candidates[0].design
    return RunResult(
        study=study,
        result=found,
        best=evaluate_design(study, shown),
        at_ends=tuple(at_ends(study.space, shown)),
        alternatives=tuple(alternatives(problem, found.candidates)),
    )
