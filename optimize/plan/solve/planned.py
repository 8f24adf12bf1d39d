"""How a plan was solved, and where a solve stands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dawndusk.models.constants import HOURS_PER_YEAR
from dawndusk.models.fleet.fleet import KW_PER_MW
from dawndusk.optimize.plan.model.pieces import Pieces
from dawndusk.optimize.plan.problem.problem import PlanProblem
from dawndusk.optimize.plan.problem.score import ScoredPlan
from dawndusk.optimize.plan.solve.conflict import PlanConflict
from dawndusk.optimize.result import Result


@dataclass(frozen=True)
class PlanStep:
    """Where a solve stands: what it does, its exact objective and its bound so far."""

    stage: str
    seconds: float
    objective: float
    bound: float


@dataclass(frozen=True)
class GapParts:
    """What a gap is made of, each part as a share of the objective; the three add up to it.

    Attributes
    ----------
    search : float
        Between the bound and the best solution of the model that proved it: none of a relaxation.
    curves : float
        Between that solution and its exact cost, fractions and all: what pieces and planes leave out.
    rounding : float
        Between that and the best whole plan; below zero where that is the cheaper one.
    """

    search: float
    curves: float
    rounding: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Planned(Result):
    """How a plan was solved.

    ``status`` is ``optimal`` (the gap asked for is proved), ``feasible`` (a plan, and a wider gap), ``infeasible``
    (proved: no plan meets the rules) or ``unknown``. ``objective`` and ``bound`` are in the units and the sense of the
    problem; ``gap`` is between the exact objective and the bound, relative to the objective (for a value to the
    larger of value and cost), and ``made_of`` its parts. ``model_objective`` is that of the mixed-integer model at its
    best solution, None where its relaxation was enough. ``conflict`` is why there is no plan, where that was found on
    the way.
    """

    problem: PlanProblem
    model_objective: float | None
    plan: ScoredPlan | None
    near_miss: ScoredPlan | None
    rounds: int
    columns: int
    rows: int
    pieces: Pieces | None
    made_of: GapParts | None = None
    conflict: PlanConflict | None = None


def least_worth(problem: PlanProblem) -> float:
    """Return worth in PFLOP-hours that every plan uses at least: what has to be delivered, at the end of its period."""
    economy, demand = problem.economy, problem.demand
    calendar = economy.calendar
    ends = calendar.begins_years[: calendar.periods] + calendar.length_years
    late = np.exp(-economy.worth_rate * ends) * calendar.length_years * HOURS_PER_YEAR
    middles = calendar.middles[: calendar.periods]
    if demand.least_pflops is not None:
        return float(demand.least_pflops.at(middles) @ late)
    if demand.least_power_mw is None:
        return 0.0
    per_kw = np.concatenate(
        [economy.figures.pflops / economy.figures.it_power_kw, economy.rival.pflops / economy.rival.it_power_kw]
    )
    return float(demand.least_power_mw.at(middles) @ late) * float(np.min(per_kw)) * KW_PER_MW
