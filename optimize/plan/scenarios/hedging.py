"""Progressive hedging: many scenarios one by one, drawn towards one first stage, with a bound and a plan for all.

Each scenario is solved alone with a price on its first stage and a pull to the mean of all; prices move with the
distance that is left. The mean of the prices stays zero, so that without the pull the scenarios together prove a lower
bound. The mean first stage, fixed in every scenario, is one that can be bought. The pull is the distance, not its
square: so every step is a linear programme, which HiGHS solves in a thousandth of the time that the square takes.
Source: Rockafellar, Wets, Scenarios and policy aggregation in optimization under uncertainty, Mathematics of
Operations Research 1991; bound: Gade et al., Obtaining lower bounds from the progressive hedging algorithm,
Mathematical Programming 2016.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyomo.environ as pyo
from numpy.typing import NDArray

from dawndusk.optimize.plan.model.frame import Frame
from dawndusk.optimize.plan.problem.problem import PlanProblem
from dawndusk.optimize.plan.problem.score import ScoredPlan
from dawndusk.optimize.plan.scenarios.futures import PlanScenario, under
from dawndusk.optimize.plan.scenarios.two_stage import (
    Hedged,
    check_scenarios,
    cvar,
    first_stage,
    missed_share,
    scenario_model,
)
from dawndusk.optimize.plan.solve.highs import Solver

Floats = NDArray[np.float64]

PULL = 0.05
"""Strength of the pull: the share of a first stage's mean cost that a deviation as large as its mean costs."""
LEAST_SIZE = 0.1
BOUND_EVERY = 4


def progressive_hedging(
    problem: PlanProblem,
    plan: ScoredPlan,
    scenarios: Sequence[PlanScenario],
    *,
    first_periods: int,
    missed_usd_per_pflop_hour: float,
    gap: float = 0.01,
    rounds: int = 20,
    cvar_level: float = 0.9,
    time_limit_s: float = 300.0,
) -> Hedged:
    """Return a first stage for many scenarios, its mean cost and a lower bound on that of any other.

    The parameters are those of ``scenarios.hedge``; the mean cost is what is made small. ``status`` is ``optimal``
    where the gap asked for is proved.
    """
    begin = time.monotonic()
    check_scenarios(scenarios, problem, first_periods)
    run = _Run(problem, plan, scenarios, first_periods, missed_usd_per_pflop_hour, begin + time_limit_s)
    status = run.hedge(gap, rounds)
    cost = run.cost
    return Hedged(
        status=status,
        scenarios=tuple(scenarios),
        objective=float(run.probability @ cost),
        bound=run.bound,
        mean_usd=float(run.probability @ cost),
        cvar_usd=cvar(cost, run.probability, cvar_level),
        cost_usd=cost,
        alone_usd=run.alone,
        missed=run.missed,
        launches=run.launches,
        first_periods=first_periods,
        seconds=time.monotonic() - begin,
        columns=sum(1 for model in run.models for _ in model.component_data_objects(pyo.Var)),
    )


class _Run:
    def __init__(
        self,
        problem: PlanProblem,
        plan: ScoredPlan,
        scenarios: Sequence[PlanScenario],
        first_periods: int,
        missed: float,
        deadline: float,
    ) -> None:
        self.first_periods, self.deadline = first_periods, deadline
        self.models = [scenario_model(under(problem, one), plan, missed) for one in scenarios]
        self.probability = np.array([one.probability for one in scenarios])
        stages = [first_stage(model, first_periods) for model in self.models]
        shared = set(stages[0]).intersection(*stages[1:])
        for stage in stages:  # what is on offer in some scenarios only is bought in none
            for key in set(stage) - shared:
                stage[key].fix(0.0)
        self.keys = sorted(shared, key=str)
        self.stages = [[stage[key] for key in self.keys] for stage in stages]
        self.units = np.array([model.money_unit for model in self.models])
        self.prices = np.zeros((len(self.models), len(self.keys)))
        count = len(self.models)
        self.cost, self.missed, self.alone = np.full(count, np.nan), np.full(count, np.nan), np.full(count, np.nan)
        self.bound = -np.inf
        self.launches = np.zeros((len(problem.economy.launching.vehicles), first_periods))
        for model, variables in zip(self.models, self.stages, strict=True):
            model.aim = pyo.Objective(expr=model.expense)
            _add_distance(model, variables)
        self.solvers = [Solver(model) for model in self.models]

    @property
    def left_s(self) -> float:
        return self.deadline - time.monotonic()

    def hedge(self, gap: float, rounds: int) -> str:
        """Draw the scenarios together; return how it ended."""
        stages = self.priced()
        if stages is None:
            return "infeasible" if self.left_s > 0.0 else "time limit"
        self.alone = np.array([float(pyo.value(model.expense)) for model in self.models]) * self.units
        for number in range(rounds):
            mean = self.probability @ stages
            self.offer(mean)
            if self.closed(gap):
                return "optimal"
            strength = self.strength(mean)
            self.prices += strength * (stages - mean)
            if number % BOUND_EVERY == BOUND_EVERY - 1:
                self.priced()
                if self.closed(gap):
                    return "optimal"
            pulled = self.pulled(mean, strength)
            if pulled is None:
                return "time limit"
            stages = pulled
        self.priced()
        return "optimal" if self.closed(gap) else "rounds"

    def closed(self, gap: float) -> bool:
        mean = float(self.probability @ self.cost)
        return bool(np.isfinite(mean) and mean - self.bound <= gap * abs(mean))

    def strength(self, mean: Floats) -> Floats:
        """Return the strength of the pull on each part of the first stage, in USD per square of its unit."""
        usd = float(self.probability @ self.alone) / max(len(self.keys), 1)
        return PULL * usd / np.maximum(np.abs(mean), LEAST_SIZE) ** 2

    def priced(self) -> Floats | None:
        """Solve every scenario with its prices and raise the bound; return the first stages, None without them."""
        total, stages = 0.0, []
        for number, model in enumerate(self.models):
            prices = self.prices[number] / self.units[number]
            worth = pyo.quicksum(float(w) * v for w, v in zip(prices, self.stages[number], strict=True))
            model.aim.set_value(model.expense + worth)
            answer = self.solvers[number].solve(time_limit_s=self.left_s, relaxed=True)
            if not answer.has_solution or answer.status != "optimal" or answer.objective is None:
                return None
            self.solvers[number].load(answer)
            total += self.probability[number] * answer.objective * self.units[number]
            stages.append([variable.value or 0.0 for variable in self.stages[number]])
        self.bound = max(self.bound, total)
        return np.array(stages)

    def pulled(self, mean: Floats, strength: Floats) -> Floats | None:
        """Solve every scenario with its prices and the pull to the mean."""
        stages = []
        for number, model in enumerate(self.models):
            for k, value in enumerate(mean):
                model.middle[k].set_value(float(value))
            unit = self.units[number]
            pull = strength * np.maximum(np.abs(mean), LEAST_SIZE) / 2.0 / unit
            terms = [float(w) / unit * v for w, v in zip(self.prices[number], self.stages[number], strict=True)]
            terms += [float(weight) * model.distance[k] for k, weight in enumerate(pull)]
            model.aim.set_value(model.expense + pyo.quicksum(terms))
            answer = self.solvers[number].solve(time_limit_s=self.left_s, relaxed=True)
            if not answer.has_solution or answer.status != "optimal":
                return None
            self.solvers[number].load(answer)
            stages.append([variable.value or 0.0 for variable in self.stages[number]])
        return np.array(stages)

    def offer(self, mean: Floats) -> None:
        """Buy the mean first stage in every scenario and keep it where it is the cheapest so far."""
        cost, missed = np.zeros(len(self.models)), np.zeros(len(self.models))
        for number, model in enumerate(self.models):
            for variable, value in zip(self.stages[number], mean, strict=True):
                variable.fix(max(float(value), 0.0))
            model.aim.set_value(model.expense)
            answer = self.solvers[number].solve(time_limit_s=self.left_s, relaxed=True)
            if answer.has_solution:
                self.solvers[number].load(answer)
                cost[number] = float(pyo.value(model.expense)) * self.units[number]
                missed[number] = missed_share(model)
            else:
                cost[number] = np.inf
            for variable in self.stages[number]:
                variable.unfix()
        if not float(self.probability @ cost) >= float(self.probability @ self.cost):
            self.cost, self.missed = cost, missed
            self.launches = self.bought(mean)

    def bought(self, mean: Floats) -> Floats:
        """Return the launches of a first stage by vehicle and period."""
        frame: Frame = self.models[0].frame
        launches = np.zeros(self.launches.shape)
        for (what, key), value in zip(self.keys, mean, strict=True):
            if what == "launches":
                launches[frame.vehicles.index(key[0]), frame.labels.index(key[2])] += value
        return launches


def _add_distance(model: Any, stage: list[Any]) -> None:
    """Add the distance of a first stage to a middle that can be set."""
    places = range(len(stage))
    model.middle = pyo.Param(places, initialize=0.0, mutable=True)
    model.distance = pyo.Var(places, domain=pyo.NonNegativeReals)
    model.above = pyo.Constraint(places, rule=lambda m, k: m.distance[k] - stage[k] + m.middle[k] >= 0.0)
    model.below = pyo.Constraint(places, rule=lambda m, k: m.distance[k] + stage[k] - m.middle[k] >= 0.0)
