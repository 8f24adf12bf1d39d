"""A solved plan: status, exact objective, bound, gap, seconds and seed, with tables to look at."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from dawndusk.models.fleet.accounts import CAPITAL, RUNNING
from dawndusk.optimize.plan.explain import PlanAlternative, PlanShadowPrice
from dawndusk.optimize.plan.front import PlanPoint
from dawndusk.optimize.plan.pricing.column_generation import Generated
from dawndusk.optimize.plan.problem.problem import Objective
from dawndusk.optimize.plan.problem.score import ScoredPlan
from dawndusk.optimize.plan.scenarios.two_stage import Hedged
from dawndusk.optimize.plan.solve.conflict import PlanConflict
from dawndusk.optimize.plan.solve.engine import Planned
from dawndusk.studies.run.plan.asked.break_even import BreakEven, Crossing
from dawndusk.studies.run.plan.asked.choices import alternative_row
from dawndusk.studies.run.plan.asked.front import front_rows
from dawndusk.studies.run.plan.asked.uncertainty import hedged_dict
from dawndusk.studies.run.plan.growing import generated_dict
from dawndusk.studies.run.plan.question import PlanStudy
from dawndusk.studies.run.plan.tables import plan_table
from dawndusk.studies.run.run import Run

if TYPE_CHECKING:
    import pandas as pd

UNITS = {
    Objective.LCOC: "USD/PFLOP-hour",
    Objective.COST: "USD",
    Objective.NPV: "USD",
    Objective.CAPITAL: "USD",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class PlanResult(Run):
    """A solved plan, and what else was asked about it.

    Attributes
    ----------
    conflict, prices
        Why there is no plan, and what its limits are worth, where that was asked for.
    front : tuple of Point
        Plans between the objective and another one, this one first.
    hedged : Hedged, optional
        What to commit to now under uncertainty.
    alternatives : tuple of Alternative
        Plans under other premises.
    generated : Generated, optional
        How the catalogue grew; the plan is that of the catalogue at the end.
    break_even, crossings : tuple
        Break-even launch prices, and the map over prices of launch and of electricity.
    interrupted : bool
        Whether what else was asked was interrupted.
    """

    question: PlanStudy
    result: Planned
    conflict: PlanConflict | None = None
    prices: tuple[PlanShadowPrice, ...] = ()
    front: tuple[PlanPoint, ...] = ()
    hedged: Hedged | None = None
    alternatives: tuple[PlanAlternative, ...] = ()
    generated: Generated | None = None
    break_even: tuple[BreakEven, ...] = ()
    crossings: tuple[Crossing, ...] = ()
    interrupted: bool = False

    @property
    def planned(self) -> Planned:
        """Return how the plan was solved."""
        return self.result

    @property
    def plan(self) -> ScoredPlan | None:
        """Return the best plan, None where there is none."""
        return self.planned.plan

    @property
    def units(self) -> str:
        """Return the units of the objective."""
        return UNITS[self.planned.problem.objective]

    @property
    def unsettled(self) -> list[str]:
        """Return what else was asked and has no answer as close as it was asked for."""
        ends = [point.planned for point in self.front]
        words = [f"plan {k + 1} of the front: {end.status}" for k, end in enumerate(ends) if _is_open(end)]
        words += [f"{other.what}: {other.planned.status}" for other in self.alternatives if _is_open(other.planned)]
        if self.generated is not None:
            words += [f"new designs: {word}" for word in self.generated.unsettled]
        if self.hedged is not None and self.hedged.status != "optimal":
            words.append(f"scenarios: {self.hedged.status}")
        return words

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
            "gap_made_of": None if planned.made_of is None else asdict(planned.made_of),
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
            **self._asked(),
        }

    def _asked(self) -> dict[str, Any]:
        """Return what else was asked, with nothing for what was not."""
        hedged = None
        if self.hedged is not None and self.plan is not None:
            hedged = hedged_dict(self.question, self.hedged, self.plan)
        generated = None if self.generated is None else generated_dict(self.generated)
        asked = {
            "front": front_rows(self.front),
            "scenarios": hedged,
            "alternatives": [alternative_row(self.objective, other) for other in self.alternatives],
            "new_designs": generated,
            "break_even": [{**row.__dict__, "orbit_wins": row.orbit_wins} for row in self.break_even],
            "break_even_map": [dict(one.__dict__) for one in self.crossings],
        }
        return {key: value for key, value in asked.items() if value}


def _summary(plan: ScoredPlan) -> dict[str, Any]:
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


def _is_open(planned: Planned) -> bool:
    return planned.status not in {"optimal", "infeasible"}


def _broken(near_miss: ScoredPlan | None) -> list[dict[str, Any]]:
    if near_miss is None:
        return []
    return [dict(held.__dict__) for held in near_miss.broken]
