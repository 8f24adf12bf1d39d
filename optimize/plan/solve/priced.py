"""Bounds on plans from bounds on their model: for a levelised cost through a trial price of what is used.

For a levelised cost the objective of the model is cost less a trial price times worth: if no plan makes that less than
``b``, no plan has a levelised cost below ``price + b / worth``, with the least worth that any plan can have where b is
negative (Dinkelbach, Management Science 1967). Where b is not negative, none has one below the price.
"""

from __future__ import annotations

import math
from typing import Any

from dawndusk.optimize.plan.problem.problem import Objective, PlanProblem
from dawndusk.optimize.plan.solve.bracket import Bracket
from dawndusk.optimize.plan.solve.direct import MatrixModel
from dawndusk.optimize.plan.solve.planned import least_worth

TRIAL_SHARE = 0.7
"""Share of the gap asked for by which the trial price of a search is below the best levelised cost: where the search
finds nothing cheaper than that, what it is solved to makes up the rest."""


class PricedPlan(Bracket):
    """What is known of a plan, and the model that it is known from.

    Attributes
    ----------
    units : tuple of float
        USD and PFLOP-hours of worth that the model counts in.
    price : float
        Trial value of a levelised cost in USD per PFLOP-hour.
    is_narrowed : bool
        Whether the model leaves out what is no better than the best plan.
    """

    model: Any
    direct: MatrixModel
    units: tuple[float, float]

    def __init__(self, problem: PlanProblem) -> None:
        super().__init__(problem)
        self.least_worth = least_worth(problem)
        self.price = 0.0
        self.is_narrowed = False

    @property
    def is_ratio(self) -> bool:
        """Return whether the objective is a levelised cost."""
        return self.problem.objective is Objective.LCOC

    def trial(self, usd_per_pflop_hour: float) -> None:
        """Set the trial value of a levelised cost."""
        self.price = usd_per_pflop_hour
        if self.is_ratio:
            self.direct.price(usd_per_pflop_hour * self.units[1] / self.units[0])

    def values(self) -> tuple[float, float]:
        """Return cost in USD and worth in PFLOP-hours of the values on the model."""
        from pyomo.environ import value  # noqa: PLC0415

        return float(value(self.model.cost)) * self.units[0], float(value(self.model.worth_used)) * self.units[1]

    def in_sense(self, model_objective: float) -> float:
        """Return a value of the model's objective in the units and sense of the problem."""
        usd = model_objective * self.units[0]
        if self.is_ratio:
            return self.price + usd / (max(self.values()[1], self.least_worth) or 1.0)
        return self.sign * usd

    def in_usd(self, model_bound: float) -> float:
        """Return the bound on plans that one on the model is."""
        usd = model_bound * self.units[0]
        if self.is_ratio:
            least = self.least_worth
            usd = self.price if usd >= 0.0 else self.price + usd / least if least > 0.0 else -math.inf
        return min(usd, self.upper) if self.is_narrowed else usd  # what is no better was left out of the model

    def in_model(self, usd: float) -> float:
        """Return the bound of the model that makes one on plans."""
        if self.is_ratio:
            return (usd - self.price) * self.least_worth / self.units[0]
        return usd / self.units[0]
