"""Why there is no plan: which rules are in the way, when, and the cheapest way to give.

Every rule that a person could relax gets slack, in shares of its limit. Families are weighed alike at first, so that
the answer is what gives least in all; then each named family is tried alone, to say which of them would be enough by
itself. Within the few rows that are left, HiGHS looks for an irreducible subset.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import highspy
import pyomo.environ as pyo
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler

from dawndusk.optimize.plan.model.milp import plan_model
from dawndusk.optimize.plan.model.rows.families import FAMILIES
from dawndusk.optimize.plan.problem.problem import Objective, PlanProblem
from dawndusk.optimize.plan.problem.score import LIMIT_RULES
from dawndusk.optimize.plan.solve.direct import lp_of
from dawndusk.optimize.plan.solve.highs import THREADS, Solver

LEAST_GIVEN = 1e-6
BOUND_TOLERANCE = 1e-4
"""Relative: what the tolerances of the solver may do to a bound."""
MOST_ROWS_FOR_IIS = 4000
IIS_FROM_LP_AND_IRREDUCIBLE = 2 + 4
"""HiGHS's option ``iis_strategy``, a sum of flags."""


OF_BUDGET = ("experience", "programme_start")
OF_MONEY_ALONE = (*OF_BUDGET, "cadence_premium", "design_development", "mission_control")
"""Families that follow purchases without limiting them, as long as no more is launched than can be bought."""
LIMITS_OF_MONEY = ("budget", *LIMIT_RULES.values())
ENDS_OF_TIERS = {"one", "least", "most"}
"""Rows of ``volume_tier`` that end where launches do."""


@dataclass(frozen=True)
class RelaxedRow:
    """One row that has to give: its rule, what it speaks of, its limit and by how much it gives, in its units.

    ``share`` is the amount over the limit, where that is not zero.
    """

    rule: str
    label: str
    sentence: str
    limit: float
    amount: float
    units: str
    share: float


@dataclass(frozen=True)
class PlanConflict:
    """Why no plan meets every rule.

    Attributes
    ----------
    given : tuple of Given
        What has to give at least, all rules weighed alike, the largest share first.
    alone : tuple of (str, float)
        Families each of which would be enough by itself, with the sum of the shares of its limits that it gives;
        the smallest first.
    irreducible : tuple of str
        Rows that can not be met together, none of which can be left out; empty where none was found in time.
    """

    given: tuple[RelaxedRow, ...]
    alone: tuple[tuple[str, float], ...]
    irreducible: tuple[str, ...]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "given": [dict(given.__dict__) for given in self.given],
            "alone": [{"rule": name, "shares": shares} for name, shares in self.alone],
            "irreducible": list(self.irreducible),
            "seconds": self.seconds,
        }


def explain_conflict(problem: PlanProblem, *, time_limit_s: float = 30.0, seed: int = 1) -> PlanConflict | None:
    """Return why no plan meets every rule, None where the relaxation of the model has a solution."""
    begin = time.monotonic()
    deadline = begin + time_limit_s
    model = plan_model(problem)
    if Solver(model, seed=seed).solve(time_limit_s=time_limit_s, relaxed=True).status != "infeasible":
        return None
    families = [name for name, family in FAMILIES.items() if family.can_give and model.find_component(name) is not None]
    all_together = _given(plan_model(problem), families, deadline, seed)
    involved = list(dict.fromkeys(given.rule for given in all_together))
    alone = []
    for name in families:
        found = _given(plan_model(problem), [name], deadline, seed) if time.monotonic() < deadline else ()
        if found:
            alone.append((name, sum(given.share for given in found)))
    alone.sort(key=lambda pair: pair[1])
    rows = irreducible_rows(model, [*involved, *(name for name, _ in alone)], deadline)
    return PlanConflict(all_together, tuple(alone), rows, time.monotonic() - begin)


def beyond_reach(problem: PlanProblem, objective: Objective, bound: float | None) -> PlanConflict | None:
    """Return why no plan keeps the limit on what an objective is about, None where the bound on it does not say so.

    Parameters
    ----------
    bound : float, optional
        What no plan betters of the objective by itself.
    """
    limit, sign = problem.limits.of(objective), objective.sign
    if limit is None or bound is None or sign * (bound - limit) <= BOUND_TOLERANCE * abs(bound):
        return None
    family, amount = FAMILIES[LIMIT_RULES[objective]], abs(bound - limit)
    share = amount / (abs(limit) or 1.0)
    given = RelaxedRow(family.name, "plan", family.sentence, limit, amount, family.units, share)
    return PlanConflict((given,), ((family.name, share),), (), 0.0)


def together(found: PlanConflict | None, other: PlanConflict | None) -> PlanConflict | None:
    """Return what is known of how far limits are out of reach, with what the relaxation says of other rules."""
    if found is None or other is None:
        return found or other
    named = {name for name, _ in found.alone}
    alone = (*found.alone, *(pair for pair in other.alone if pair[0] not in named))
    return PlanConflict(found.given, alone, other.irreducible, found.seconds + other.seconds)


def _given(model: Any, families: Collection[str], deadline: float, seed: int) -> tuple[RelaxedRow, ...]:
    """Return what has to give at least in some families; nothing where that is not enough."""
    slacks = add_slack(model, families)
    solver = Solver(model, seed=seed)
    answer = solver.solve(time_limit_s=deadline - time.monotonic(), relaxed=True)
    if not answer.has_solution:
        return ()
    solver.load(answer)
    found = []
    for (name, label), (variable, limit) in slacks.items():
        share = variable.value or 0.0
        if share > LEAST_GIVEN:
            family = FAMILIES[name]
            words = ", ".join(map(str, label)) if isinstance(label, tuple) else str(label)
            unit = family.unit(model.frame)
            amount = share * (abs(limit) or 1.0) * unit
            found.append(RelaxedRow(name, words, family.sentence, limit * unit, amount, family.units, share))
    return tuple(sorted(found, key=lambda given: -given.share))


def add_slack(model: Any, families: Collection[str]) -> dict[tuple[str, Any], tuple[Any, float]]:
    """Give the rows of families slack in shares of their limits, and make the sum of it the objective.

    Where cadence may give, launches lose their upper ends, which repeat it period by period, and so do the curves of
    cost, which end where launches do.
    """
    has_money = any(model.find_component(name) is not None for name in LIMITS_OF_MONEY)
    if "cadence" in families:
        for variable in model.launches.values():
            variable.setub(None)
        for name in OF_MONEY_ALONE:
            component = model.find_component(name)
            if component is not None and not (name in OF_BUDGET and has_money):
                component.deactivate()
        for label, row in model.volume_tier.items():
            if label[-1] in ENDS_OF_TIERS:
                row.deactivate()
    rows = [(name, label) for name in families for label in model.find_component(name)]
    model.slack = pyo.Var(range(len(rows)), domain=pyo.NonNegativeReals)
    model.elastic = pyo.ConstraintList()
    found = {}
    for number, (name, label) in enumerate(rows):
        row = model.find_component(name)[label]
        variable = model.slack[number]
        low, high = row.lower, row.upper
        limit = float(pyo.value(high if low is None else low))
        scale = abs(limit) or 1.0
        if low is not None:
            model.elastic.add(row.body + scale * variable >= low)
        if high is not None:
            model.elastic.add(row.body - scale * variable <= high)
        row.deactivate()
        found[name, label] = (variable, limit)
    model.objective.deactivate()
    model.given = pyo.Objective(expr=pyo.quicksum(model.slack.values()))
    return found


def irreducible_rows(model: Any, families: Iterable[str], deadline: float) -> tuple[str, ...]:
    """Return an irreducible infeasible subset of the relaxation, of the rows of families where it has any."""
    form = LinearStandardFormCompiler().write(model, mixed_form=True)
    if len(form.rows) > MOST_ROWS_FOR_IIS or time.monotonic() >= deadline:
        return ()
    highs: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    for name, value in (
        ("output_flag", False),
        ("threads", THREADS),
        ("time_limit", max(deadline - time.monotonic(), 1.0)),
        ("iis_strategy", IIS_FROM_LP_AND_IRREDUCIBLE),
        ("iis_time_limit", max(deadline - time.monotonic(), 1.0)),
    ):
        highs.setOptionValue(name, value)
    highs.passModel(lp_of(form, len(form.columns)))
    _, found = highs.getIis()
    named = [form.rows[k].constraint.name for k in found.row_index_ if k < len(form.rows)]
    wanted = set(families)
    of_rules = [name for name in named if name.split("[")[0] in wanted]
    return tuple(dict.fromkeys(of_rules or named))
