"""HiGHS on a plan's model: every option set on every solve, and a verdict that is never an exception."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from pyomo.contrib.solver.common.factory import SolverFactory
from pyomo.contrib.solver.common.results import TerminationCondition as Ended

THREADS = 2
"""One number for every solve of a process: HiGHS refuses another one once it has started."""
LEAST_TIME_S = 0.05
WORDS = {
    Ended.convergenceCriteriaSatisfied: "optimal",
    Ended.maxTimeLimit: "time limit",
    Ended.provenInfeasible: "infeasible",
    Ended.unbounded: "unbounded",
    Ended.interrupted: "interrupted",
}


@dataclass(frozen=True, eq=False)
class SolverAnswer:
    """How a solve ended.

    ``status`` is ``optimal`` (within the gap asked for), ``time limit``, ``infeasible``, ``unbounded``,
    ``interrupted`` or ``failed``; ``objective`` is None without a solution, ``bound`` where nothing is proved.
    """

    status: str
    objective: float | None
    bound: float | None
    values: Any

    @property
    def has_solution(self) -> bool:
        """Return whether there is a point that meets every row."""
        return self.objective is not None


class Solver:
    """HiGHS on one Pyomo model, kept between solves."""

    def __init__(self, model: Any, *, seed: int = 1) -> None:
        self.model, self.seed = model, seed
        self.highs: Any = SolverFactory("highs")

    def solve(
        self, *, time_limit_s: float, rel_gap: float = 0.0, abs_gap: float = 1e-6, relaxed: bool = False
    ) -> SolverAnswer:
        """Solve the model as it is now; with ``relaxed`` without its whole numbers, where the bound is the optimum."""
        results = self.highs.solve(
            self.model,
            load_solutions=False,
            raise_exception_on_nonoptimal_result=False,
            time_limit=max(time_limit_s, LEAST_TIME_S),
            rel_gap=rel_gap,
            abs_gap=abs_gap,
            threads=THREADS,
            solver_options={
                "solve_relaxation": relaxed,
                "random_seed": self.seed,
                "presolve": "choose",
                "parallel": "choose",
                "solver": "choose",
            },
        )
        status = WORDS.get(results.termination_condition, "failed")
        if results.termination_condition == Ended.infeasibleOrUnbounded:
            status = "infeasible"  # every objective here is bounded: prices fall and capacity ends
        found = results.incumbent_objective
        bound = results.objective_bound
        if bound is not None and not np.isfinite(bound):
            bound = None
        if found is None:
            return SolverAnswer(status, None, bound, None)
        return SolverAnswer(status, float(found), bound, results.solution_loader)

    def load(self, answer: SolverAnswer) -> None:
        """Put the values of an answer on the variables of the model."""
        answer.values.load_vars()

    def duals(self, answer: SolverAnswer) -> Any:
        """Return the dual value of every row of a solved linear programme, by Pyomo constraint."""
        return answer.values.get_duals()
