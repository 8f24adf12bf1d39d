"""Progressive hedging against the one model over all scenarios."""

from __future__ import annotations

import numpy as np

from dawndusk.models.fleet.calendar import YearPath
from dawndusk.optimize.plan.problem.problem import PlanDemand, PlanEffort
from dawndusk.optimize.plan.scenarios.futures import drawn_scenarios
from dawndusk.optimize.plan.scenarios.hedging import progressive_hedging
from dawndusk.optimize.plan.scenarios.two_stage import hedge
from dawndusk.optimize.plan.solve.engine import solve_plan

from ..conftest import MakePlan


def test_hedging_brackets_the_optimum_of_one_model(make_plan: MakePlan) -> None:
    problem = make_plan(years=3, demand=PlanDemand(least_pflops=YearPath((2029.0, 2032.0), (300.0, 2500.0))))
    planned = solve_plan(problem, PlanEffort(gap=0.05, time_limit_s=30.0))
    assert planned.plan is not None
    scenarios = drawn_scenarios(problem.economy.launching.vehicles, 3, 1)
    whole = hedge(problem, planned.plan, scenarios, first_periods=1, missed_usd_per_pflop_hour=1000.0)
    parts = progressive_hedging(
        problem, planned.plan, scenarios, first_periods=1, missed_usd_per_pflop_hour=1000.0, gap=0.02, rounds=12
    )
    assert parts.bound <= whole.mean_usd * (1.0 + 1e-6)
    assert parts.mean_usd >= whole.mean_usd * (1.0 - 1e-6)
    assert parts.status in {"optimal", "rounds"}
    assert (parts.mean_usd - parts.bound) / parts.mean_usd < 0.05
    assert np.allclose(parts.alone_usd, whole.alone_usd, rtol=1e-5)
    assert (parts.launches >= 0.0).all()
