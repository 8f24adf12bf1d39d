"""What is known of a plan while it is solved: the best whole plan with its exact objective, and a proved bound."""

from __future__ import annotations

import math

from dawndusk.models.fleet.fleet import Decisions
from dawndusk.optimize.contradiction import check_plan
from dawndusk.optimize.plan.problem.problem import Objective, PlanProblem
from dawndusk.optimize.plan.problem.score import ScoredPlan, score


class Bracket:
    """The best plan and the bound, both of the objective to be made small.

    Attributes
    ----------
    best, near_miss : Scored, optional
        The best plan that meets every rule, and the one that misses them by least.
    bound : float
        No plan is better than this.
    """

    def __init__(self, problem: PlanProblem) -> None:
        self.problem = problem
        self.best: ScoredPlan | None = None
        self.near_miss: ScoredPlan | None = None
        self.bound = -math.inf

    @property
    def sign(self) -> float:
        """Return -1 where the objective is made large."""
        return self.problem.objective.sign

    @property
    def upper(self) -> float:
        """Return the best exact objective so far, to be made small."""
        return math.inf if self.best is None else self.sign * self.best.objective

    @property
    def scale(self) -> float:
        """Return what the gap is relative to; of a value, where that is larger, the cost."""
        if self.best is None:
            return 1.0
        scale = abs(self.upper)
        if self.problem.objective is Objective.NPV:
            scale = max(scale, self.best.accounts.cost_usd)
        return scale or 1.0

    def gap(self) -> float:
        """Return the distance between plan and bound, infinite where one of them is missing."""
        if self.best is None or not math.isfinite(self.bound):
            return math.inf
        return max(self.upper - self.bound, 0.0) / self.scale

    def offer(self, decisions: Decisions) -> ScoredPlan:
        """Keep decisions where they are the best so far, and return what they come to."""
        found = score(self.problem, decisions)
        if found.broken:
            if self.near_miss is None or _miss(found) < _miss(self.near_miss):
                self.near_miss = found
        elif self.sign * found.objective < self.upper:
            self.best = found
            self._check()
        return found

    def raise_bound(self, bound: float) -> None:
        """Keep a bound where it is better than the one known."""
        self.bound = max(self.bound, bound)

    def _check(self) -> None:
        check_plan(self.upper, self.bound, sign=self.sign)


def _miss(found: ScoredPlan) -> float:
    return sum(held.excess for held in found.broken)
