"""A solved plan: status, exact objective, bound, gap, seconds and seed, with tables to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dawndusk.models.fleet.accounts import CAPITAL, RUNNING
from dawndusk.optimize.plan.conflict import PlanConflict
from dawndusk.optimize.plan.engine import Planned
from dawndusk.optimize.plan.explain import ShadowPrice
from dawndusk.optimize.plan.problem import Objective
from dawndusk.optimize.plan.score import Scored
from dawndusk.studies.plan.question import PlanStudy
from dawndusk.studies.plan.tables import plan_table

if TYPE_CHECKING:
    import pandas as pd

UNITS = {
    Objective.LCOC: "USD/PFLOP-hour",
    Objective.COST: "USD",
    Objective.NPV: "USD",
    Objective.CAPITAL: "USD",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class PlanResult:
    """A solved plan. ``conflict`` says why there is none, ``prices`` what its limits are worth, where asked for."""

    question: PlanStudy
    planned: Planned
    conflict: PlanConflict | None = None
    prices: tuple[ShadowPrice, ...] = ()

    @property
    def status(self) -> str:
        """Return ``optimal``, ``feasible``, ``infeasible`` or ``unknown``."""
        return self.planned.status

    @property
    def plan(self) -> Scored | None:
        """Return the best plan, None where there is none."""
        return self.planned.plan

    @property
    def objective(self) -> float | None:
        """Return the exact objective of the plan."""
        return self.planned.objective

    @property
    def bound(self) -> float | None:
        """Return what no plan betters."""
        return self.planned.bound

    @property
    def gap(self) -> float | None:
        """Return the distance from the exact objective to the bound, relative."""
        return self.planned.gap

    @property
    def units(self) -> str:
        """Return the units of the objective."""
        return UNITS[self.planned.problem.objective]

    def to_frame(self) -> pd.DataFrame:
        """Return the plan by period, design and vehicle; an empty table where there is none."""
        if self.plan is None:
            import pandas as pd  # noqa: PLC0415

            return pd.DataFrame()
        return plan_table(self.planned.problem, self.plan)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as ``plan.json`` holds them."""
        planned = self.planned
        return {
            "study": self.question.name,
            "status": planned.status,
            "objective_name": planned.problem.objective.value,
            "units": self.units,
            "objective": planned.objective,
            "bound": planned.bound,
            "gap": planned.gap,
            "gap_asked": self.question.effort.gap,
            "model_objective": planned.model_objective,
            "stopped_by": planned.stopped_by,
            "seconds": planned.seconds,
            "seed": planned.seed,
            "rounds": planned.rounds,
            "columns": planned.columns,
            "rows": planned.rows,
            "designs": list(planned.problem.economy.figures.names),
            "left_out": dict(self.question.left_out),
            "summary": None if self.plan is None else _summary(self.plan),
            "near_miss": _broken(planned.near_miss),
            "conflict": None if self.conflict is None else self.conflict.to_dict(),
            "shadow_prices": [dict(price.__dict__) for price in self.prices],
        }


def _summary(plan: Scored) -> dict[str, Any]:
    accounts = plan.accounts
    return {
        "lcoc_usd_per_pflop_hour": plan.lcoc_usd_per_pflop_hour if plan.used_worth.sum() > 0.0 else None,
        "discounted_cost_usd": accounts.cost_usd,
        "capital_usd": accounts.capital_usd,
        "value_usd": float(plan.revenue_usd.sum()) - accounts.cost_usd,
        "satellites_built": float(plan.decisions.built.sum()),
        "launches": float(plan.decisions.launches.sum()),
        "largest_it_power_mw": float(plan.fleet.power_mw.max()),
        "largest_ground_power_mw": float(plan.fleet.ground_power_mw.max(initial=0.0)),
        "discounted_cost_by_account_usd": {
            name: float(accounts.discounted[name].sum()) for name in (*CAPITAL, *RUNNING)
        },
    }


def _broken(near_miss: Scored | None) -> list[dict[str, Any]]:
    if near_miss is None:
        return []
    return [dict(held.__dict__) for held in near_miss.broken]
