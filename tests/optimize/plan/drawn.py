"""Plans that are drawn at random, and models whose decisions are fixed to a plan."""

from __future__ import annotations

from typing import Any

import numpy as np

from dawndusk.models.fleet.fleet import Decisions
from dawndusk.optimize.plan.problem.problem import PlanProblem
from dawndusk.optimize.plan.solve.highs import Solver


def solved(model: Any, limit_s: float = 60.0) -> float:
    answer = Solver(model).solve(time_limit_s=limit_s, rel_gap=1e-6)
    assert answer.status == "optimal"
    assert answer.objective is not None
    return answer.objective


def fix(model: Any, problem: PlanProblem, decisions: Decisions) -> None:
    """Fix what is bought to whole decisions."""
    frame, figures = model.frame, problem.economy.figures
    labels = {label: p for p, label in enumerate(frame.labels)}
    for (design, vehicle, label), variable in model.share.items():
        d, v = frame.designs.index(design), frame.vehicles.index(vehicle)
        variable.fix(decisions.built[d, v, labels[label]] / figures.per_launch[d, v])
    for (vehicle, orbit, label), variable in model.launches.items():
        v, o = frame.vehicles.index(vehicle), frame.economy.orbits.index(orbit)
        variable.fix(decisions.launches[v, o, labels[label]])
    for (name, label), variable in model.ground.items():
        variable.fix(decisions.ground[frame.economy.rival.accelerators.index(name), labels[label]])


def random_plan(problem: PlanProblem, seed: int) -> Decisions:
    """Whole launches, each full of one design, drawn at random within the cadence."""
    rng = np.random.default_rng(seed)
    economy = problem.economy
    figures, launching = economy.figures, economy.launching
    shape = (len(figures), len(launching.vehicles), economy.calendar.periods)
    built, launches = np.zeros(shape), np.zeros((shape[1], len(economy.orbits), shape[2]))
    for v in range(shape[1]):
        for p in range(shape[2]):
            year = p // economy.calendar.steps_per_year
            most = min(
                launching.most_in_period[v, p],
                launching.most_in_year[v, year] - launches[v, :, year * economy.calendar.steps_per_year : p].sum(),
            )
            for _ in range(int(rng.integers(0, most + 1))):
                d = int(rng.integers(0, shape[0]))
                if figures.per_launch[d, v] and economy.opens[d, p]:
                    built[d, v, p] += figures.per_launch[d, v]
                    launches[v, economy.orbit_of[d], p] += 1
    ground = np.where(economy.rival.opens, rng.uniform(0.0, 5.0, economy.rival.opens.shape), 0.0)
    return Decisions(built, launches, ground)
