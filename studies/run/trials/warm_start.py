"""What a search by trials begins with: good designs of the built-in model, and bounds that were proved of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dawndusk.models.design import Design
from dawndusk.optimize.heuristics.evolution import QUICK, search
from dawndusk.optimize.pareto.ends import ProofEffort
from dawndusk.optimize.pareto.find import Proofs, find_front
from dawndusk.optimize.problem import Problem
from dawndusk.optimize.space.dimensions import Key, Point
from dawndusk.optimize.trials.first_design import first_design
from dawndusk.optimize.trials.strategy import UNHURRIED_S, StrategyQuestion
from dawndusk.studies.input.study import ResolvedStudy
from dawndusk.studies.run.design.runner import problem_of
from dawndusk.studies.run.folder import ledger
from dawndusk.studies.run.trials.questions import Asked

COARSE_SPACING = 0.1
MOST_POINTS = 8
"""Of a front; a search on one goal begins with one design."""


def known_certificate(study: ResolvedStudy, folder: Path) -> ledger.Entry | None:
    """Return the tightest certificate of the same problem beside a run folder, if there is one."""
    if len(study.goals) > 1:
        return None
    proved = [entry for entry in ledger.proofs(ledger.folder_beside(folder), study) if entry.gap is not None]
    return min(proved, key=lambda entry: entry.gap or 0.0, default=None)


def warm_points(study: ResolvedStudy, asked: Asked, certificate: ledger.Entry | None = None) -> Sequence[Point]:
    """Return the points to begin with: the certified design, or else the best that a quick search of the model finds.

    With several goals these are the best designs for each and some between. A strategy has none: what it is worth
    takes an inner optimisation.
    """
    if isinstance(asked.evaluator, StrategyQuestion):
        return ()
    designs = [Design(**certificate.design)] if certificate is not None and certificate.design else _found(study)
    points: dict[Key, Point] = {}
    for design in designs:
        point = asked.designs.point(design)
        points.setdefault(asked.question.space.key(point), point)
    return list(points.values())


def _found(study: ResolvedStudy) -> list[Design]:
    """Return good designs of the built-in model, the best for each goal first."""
    problem, seed = problem_of(study), study.search.seed
    if len(study.goals) == 1:
        return _found_alone(problem, seed)
    front = find_front(
        problem,
        study.goals,
        proofs=Proofs(ends=False, effort=ProofEffort(gap=study.search.gap, seed=seed)),
        seed=seed,
        spacing=COARSE_SPACING,
        time_limit_s=UNHURRIED_S,
    )
    if not len(front):
        return []
    signs = np.array([goal.sign for goal in study.goals])
    ends = np.argmin(signs * front.values, axis=0)
    between = np.linspace(0, len(front) - 1, MOST_POINTS).astype(int)
    chosen = list(dict.fromkeys([*ends.tolist(), *between.tolist()]))[:MOST_POINTS]
    return [front.designs[number] for number in chosen]


def _found_alone(problem: Problem, seed: int) -> list[Design]:
    """Return one good design: a quick look, or where that meets none a search that goes further into violations."""
    design = first_design(problem, seed=seed)
    if design is not None:
        return [design]
    result = search(problem, seed=seed, time_limit_s=UNHURRIED_S, effort=QUICK)
    return [] if result.design is None else [result.design]
