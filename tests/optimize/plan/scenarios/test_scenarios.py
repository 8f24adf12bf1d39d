"""Two stages: one first stage for all scenarios, between blind faith and perfect foresight."""

from __future__ import annotations

import numpy as np
import pytest

from dawndusk.models.errors import DawnduskError
from dawndusk.models.fleet.calendar import YearPath
from dawndusk.optimize.plan.problem.problem import PlanDemand, PlanEffort
from dawndusk.optimize.plan.scenarios.futures import PlanScenario, drawn_scenarios, under
from dawndusk.optimize.plan.scenarios.two_stage import cvar, hedge
from dawndusk.optimize.plan.solve.engine import solve_plan

from ..conftest import MakePlan

QUICK = PlanEffort(gap=0.05, time_limit_s=30.0)
MISSED = 1000.0


def test_cvar_is_the_mean_of_the_worst() -> None:
    cost, even = np.array([1.0, 4.0, 2.0, 3.0]), np.full(4, 0.25)
    assert cvar(cost, even, 0.5) == pytest.approx(3.5)
    assert cvar(cost, even, 0.75) == pytest.approx(4.0)
    assert cvar(cost, even, 0.0) == pytest.approx(cost.mean())
    assert cvar(cost, np.array([0.7, 0.1, 0.1, 0.1]), 0.85) == pytest.approx((0.1 * 4.0 + 0.05 * 3.0) / 0.15)


def test_scenarios_depend_on_seed_and_index_alone() -> None:
    few, many = drawn_scenarios(("falcon_9",), 3, 7), drawn_scenarios(("falcon_9",), 5, 7)
    assert [one.price_factors for one in few] == [one.price_factors for one in many[:3]]
    assert few != drawn_scenarios(("falcon_9",), 3, 8)


def test_a_scenario_changes_what_it_says(make_plan: MakePlan) -> None:
    problem = make_plan()
    changed = under(
        problem,
        PlanScenario("late", 1.0, (("falcon_9", 2.0),), (("starship_v3", 2.0),), (("falcon_9", 3.0),)),
    )
    before, after = problem.economy.launching, changed.economy.launching
    assert after.price_usd[0] == pytest.approx(before.price_usd[0] * 2.0)
    assert after.price_usd[1] == pytest.approx(before.price_usd[1])
    assert (1.0 - after.success[0]) == pytest.approx((1.0 - before.success[0]) * 3.0)
    assert after.rate_per_year[1, 0] < before.rate_per_year[1, 0]


def test_hedge_lies_between_foresight_and_worse(make_plan: MakePlan) -> None:
    problem = make_plan(demand=PlanDemand(least_pflops=YearPath((2029.0, 2033.0), (300.0, 3000.0))))
    planned = solve_plan(problem, QUICK)
    assert planned.plan is not None
    scenarios = drawn_scenarios(problem.economy.launching.vehicles, 4, 1)
    neutral = hedge(problem, planned.plan, scenarios, first_periods=2, missed_usd_per_pflop_hour=MISSED)
    assert neutral.status == "optimal"
    assert (neutral.regret_usd > -1e-4 * neutral.mean_usd).all()
    assert neutral.mean_usd >= neutral.alone_usd.mean() * (1.0 - 1e-6)
    careful = hedge(
        problem, planned.plan, scenarios, first_periods=2, missed_usd_per_pflop_hour=MISSED, cvar_weight=0.9
    )
    assert careful.cvar_usd <= neutral.cvar_usd * (1.0 + 1e-6)
    assert careful.mean_usd >= neutral.mean_usd * (1.0 - 1e-6)
    assert neutral.launches.shape == (2, 2)
    later = hedge(problem, planned.plan, scenarios, first_periods=1, missed_usd_per_pflop_hour=MISSED)
    assert later.mean_usd <= neutral.mean_usd * (1.0 + 1e-6)


def test_one_sure_scenario_is_the_plan_itself(make_plan: MakePlan) -> None:
    problem = make_plan(demand=PlanDemand(least_pflops=YearPath((2029.0, 2033.0), (300.0, 3000.0))))
    planned = solve_plan(problem, PlanEffort(gap=0.02, time_limit_s=60.0))
    assert planned.plan is not None
    sure = hedge(problem, planned.plan, [PlanScenario("sure", 1.0)], first_periods=1, missed_usd_per_pflop_hour=MISSED)
    assert sure.mean_usd == pytest.approx(planned.plan.accounts.cost_usd, rel=0.1)
    assert sure.regret_usd[0] == pytest.approx(0.0, abs=1e-3 * sure.mean_usd)
    assert sure.missed[0] == pytest.approx(0.0, abs=1e-6)


def test_probabilities_have_to_add_up(make_plan: MakePlan) -> None:
    problem = make_plan()
    planned = solve_plan(problem, QUICK)
    assert planned.plan is not None
    with pytest.raises(DawnduskError, match="1 in all"):
        hedge(problem, planned.plan, [PlanScenario("half", 0.5)], first_periods=1, missed_usd_per_pflop_hour=MISSED)
    with pytest.raises(DawnduskError, match="first_periods"):
        hedge(problem, planned.plan, [PlanScenario("one", 1.0)], first_periods=9, missed_usd_per_pflop_hour=MISSED)
    with pytest.raises(DawnduskError, match="vehicle"):
        under(problem, PlanScenario("x", 1.0, (("falcon_8", 2.0),)))
