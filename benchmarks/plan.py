"""Time to gap of fleet plans by size, how cost grows, and the same model in another open solver.

Run as ``python benchmarks/plan.py [--largest N] [--limit SECONDS] [--other]``.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from dawndusk.models.design import Design
from dawndusk.models.fleet.calendar import Calendar
from dawndusk.models.fleet.calendar import Path as Years
from dawndusk.models.fleet.economy import Terms, economy_of
from dawndusk.optimize.plan.engine import Planned, solve_plan
from dawndusk.optimize.plan.model import plan_model
from dawndusk.optimize.plan.problem import Demand, Effort, Objective, PlanProblem
from dawndusk.studies.runs.runner import nominal_design
from dawndusk.studies.statement.studyfile import study_from_mapping

VEHICLES = ("falcon_9", "starship_v3", "new_glenn_7x2", "vulcan_vc6", "ariane_64")
SIZES = (
    (15, 1, 10, 5e-3),
    (15, 1, 30, 5e-3),
    (15, 1, 50, 1e-3),
    (15, 4, 10, 1e-2),
    (15, 4, 30, 1e-2),
    (15, 4, 50, 1e-2),
)
"""Years, periods a year, designs and the gap asked for."""
ACCELERATORS = ("tpu_v7", "gb200_nvl72", "b200", "vera_rubin_nvl72")


def problem_of_size(years: int, steps: int, count: int) -> PlanProblem:
    """Return a plan of a size: designs of four accelerators, several sizes and lives, on five vehicles."""
    study = study_from_mapping(
        {
            "name": "plan-benchmark",
            "extends": "orbit-200mw",
            "assumptions": {"scenario": {"first_launch_year": 2027}, "launch": {"programme_share": 0.5}},
        }
    )
    a, nominal = study.assumptions, nominal_design(study)
    designs: dict[str, Design] = {}
    for k in range(count):
        name = ACCELERATORS[k % len(ACCELERATORS)]
        each = (32, 48, 64, 96, 128, 192)[k % 6]
        designs[f"{name}_{each}_{k}"] = nominal.replace(
            accelerator=name,
            accelerators_per_satellite=each,
            radiator="deployable_cfrp",
            array="silicon_flexible",
            radiator_area_m2=round((2.9 + 0.05 * (k % 7)) * each * a.accelerators[name].it_power_w / 1000.0, 1),
            life_years=(5.0, 6.0, 7.0, 8.0)[k % 4],
        )
    economy = economy_of(designs, VEHICLES, a, Calendar(2027, years, steps), Terms())
    keep = {n: designs[n] for d, n in enumerate(economy.figures.names) if not economy.figures.broken[d]}
    economy = economy_of(keep, VEHICLES, a, Calendar(2027, years, steps), Terms())
    asked = Years((2029.0, 2031.0, 2035.0, 2041.0), (0.0, 10_000.0, 60_000.0, 200_000.0))
    return PlanProblem(economy=economy, objective=Objective.COST, demand=Demand(least_pflops=asked))


def measured(years: int, steps: int, count: int, gap: float, limit_s: float) -> tuple[Planned, float, float]:
    """Return how a plan of a size was solved, with the processor seconds of building its model and of all."""
    problem = problem_of_size(years, steps, count)
    begin = time.process_time()
    plan_model(problem)
    built = time.process_time() - begin
    begin = time.process_time()
    planned = solve_plan(problem, Effort(gap=gap, time_limit_s=limit_s))
    return planned, built, time.process_time() - begin


def growth(columns: list[int], seconds: list[float]) -> float:
    """Return the power of the number of columns with which time grows."""
    return float(np.polyfit(np.log(columns), np.log(seconds), 1)[0])


def other_solver(problem: PlanProblem, limit_s: float) -> str:
    """Return what SCIP makes of the same model, written as MPS, where it is installed."""
    if importlib.util.find_spec("pyscipopt") is None:
        return "pyscipopt is not installed"
    scip_module: Any = importlib.import_module("pyscipopt")
    with TemporaryDirectory() as folder:
        file = Path(folder) / "plan.mps"
        plan_model(problem).write(str(file))
        scip = scip_module.Model()
        scip.hideOutput()
        scip.readProblem(str(file))
        scip.setParam("limits/time", limit_s)
        begin = time.monotonic()
        scip.optimize()
        gap = f"{scip.getGap():.2%}" if scip.getNSols() else "no solution"
        return f"SCIP: {scip.getStatus()}, gap {gap}, {time.monotonic() - begin:.0f} s"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=int, default=len(SIZES), help="how many of the sizes")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds for each")
    parser.add_argument("--other", action="store_true", help="the same models in SCIP")
    given = parser.parse_args()
    print("periods designs columns   rows  build[s]  cpu[s]  wall[s]     gap   asked  status")
    columns, seconds = [], []
    for years, steps, count, gap in SIZES[: given.largest]:
        planned, built, spent = measured(years, steps, count, gap, given.limit)
        if planned.status == "optimal":
            columns.append(max(planned.columns, 1))
            seconds.append(max(spent, 1e-3))
        reached = "none" if planned.gap is None else f"{planned.gap:.2%}"
        print(
            f"{years * steps:7d} {count:7d} {planned.columns:7d} {planned.rows:6d} {built:9.2f} {spent:7.1f} "
            f"{planned.seconds:8.1f} {reached:>7s} {gap:7.2%}  {planned.status}",
            flush=True,
        )
        if given.other:
            print(f"        {other_solver(problem_of_size(years, steps, count), given.limit)}", flush=True)
    if len(columns) > 1:
        power = growth(columns, seconds)
        print(f"over the sizes that were closed, time grows with the number of columns to the power {power:.2f}")


if __name__ == "__main__":
    main()
