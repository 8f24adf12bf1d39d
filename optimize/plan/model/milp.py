"""The mixed-integer model of a plan in Pyomo: a lower bound on its exact objective, with names that people read."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyomo.environ as pyo

from dawndusk.optimize.plan.model.frame import Frame
from dawndusk.optimize.plan.model.pieces import Pieces, first_pieces
from dawndusk.optimize.plan.model.rows import fleet as rows_fleet
from dawndusk.optimize.plan.model.rows import limits as rows_limits
from dawndusk.optimize.plan.model.rows import money as rows_money
from dawndusk.optimize.plan.model.rows.amounts import cost_terms, revenue_terms
from dawndusk.optimize.plan.model.rows.families import FAMILIES, linear
from dawndusk.optimize.plan.model.variables import add_variables
from dawndusk.optimize.plan.problem.problem import Objective, PlanProblem

WRITTEN = (rows_fleet, rows_money, rows_limits)
"""Modules whose import registers the families."""


def plan_model(problem: PlanProblem, pieces: Pieces | None = None) -> Any:
    """Return the model of a plan, for rows of one's own, fixed variables, or as a block of a larger model.

    Its optimum bounds the exact objective of every plan from below: satellites and large numbers of launches are not
    whole, learning lies on chords below its curve, a volume discount is that of the upper end of its tier, and the
    premium on cadence lies on lines below it.

    Components
    ----------
    share, launches, arrived, ground : variables
        What is bought, see their ``doc``.
    cost, worth_used : expressions
        Money in units of ``money_unit`` (USD), and worth in units of ``worth_unit`` (PFLOP-hours).
    worth_price : parameter
        What a unit of worth counts against cost in the objective; of ``lcoc`` the trial value of the levelised cost.
    objective : objective
        To be made small.
    """
    frame = Frame(problem, pieces if pieces is not None else first_pieces(problem.economy))
    model = pyo.ConcreteModel(name="plan")
    model.frame = frame
    model.money_unit, model.worth_unit = frame.units
    with _no_collection():
        add_variables(model, frame)
        for family in FAMILIES.values():
            family.write(model, frame)
        model.cost = pyo.Expression(expr=linear(cost_terms(model, frame, frame.books[0])))
        model.worth_price = pyo.Param(initialize=0.0, mutable=True)
        _add_objective(model, frame)
    return model


@contextmanager
def _no_collection() -> Iterator[None]:
    """Put off the collection of garbage, which looks at every term of a model again and again as it grows."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _add_objective(model: Any, frame: Frame) -> None:
    objective = frame.problem.objective
    if objective is Objective.NPV:
        model.worth_used = pyo.Expression(expr=pyo.quicksum(model.sold.values()))
        model.objective = pyo.Objective(expr=model.cost - linear(revenue_terms(model, frame)))
    elif objective is Objective.LCOC:
        model.worth_used = pyo.Expression(expr=pyo.quicksum(model.consumed.values()))
        model.objective = pyo.Objective(expr=model.cost - model.worth_price * model.worth_used)
    else:
        model.objective = pyo.Objective(expr=model.cost)
