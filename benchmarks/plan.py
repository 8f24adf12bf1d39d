"""Time to gap of fleet plans by size, how cost grows, and the same model in another open solver.

Run as ``python benchmarks/plan.py [--largest N] [--limit SECONDS] [--other]``; seconds are those of the processor where
nothing else is said.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import re
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import highspy
import numpy as np

from dawndusk.models.design import Design
from dawndusk.models.fleet.calendar import Calendar
from dawndusk.models.fleet.calendar import YearPath as Years
from dawndusk.models.fleet.economy import Terms, economy_of
from dawndusk.optimize.plan.model.milp import plan_model
from dawndusk.optimize.plan.problem.problem import Objective, PlanDemand, PlanEffort, PlanProblem
from dawndusk.optimize.plan.scenarios.futures import drawn_scenarios
from dawndusk.optimize.plan.scenarios.two_stage import hedge
from dawndusk.optimize.plan.solve.engine import Planned, solve_plan
from dawndusk.optimize.plan.solve.highs import THREADS
from dawndusk.studies.input.studyfile import study_from_mapping
from dawndusk.studies.run.design.runner import nominal_design

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
LEAST = 1e-3
"""Gap that other solvers are asked for."""
NO_VALUE = 1e20
CBC_SAYS = r"(Objective value|Lower bound):\s+([-+0-9.eE]+)"
SCENARIOS = (10, 50)
MISSED_USD_PER_PFLOP_HOUR = 1000.0
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
    return PlanProblem(economy=economy, objective=Objective.COST, demand=PlanDemand(least_pflops=asked))


def measured(years: int, steps: int, count: int, gap: float, limit_s: float) -> tuple[Planned, float, float]:
    """Return how a plan of a size was solved, with the processor seconds of building its model and of all."""
    problem = problem_of_size(years, steps, count)
    begin = time.process_time()
    plan_model(problem)
    built = time.process_time() - begin
    begin = time.process_time()
    planned = solve_plan(problem, PlanEffort(gap=gap, time_limit_s=limit_s))
    return planned, built, time.process_time() - begin


def growth(columns: list[int], seconds: list[float]) -> float:
    """Return the power of the number of columns with which time grows."""
    return float(np.polyfit(np.log(columns), np.log(seconds), 1)[0])


def parts(planned: Planned) -> str:
    """Return what is left of a gap: search of the model, curves it leaves out, rounding to whole numbers."""
    made = planned.made_of
    return "" if made is None else " ".join(f"{part:7.2%}" for part in (made.search, made.curves, made.rounding))


def same_model(planned: Planned, limit_s: float) -> Iterator[str]:
    """Yield what open solvers make of the model that the plan ended with, written as MPS: gap and processor seconds."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "plan.mps"
        plan_model(planned.problem, planned.pieces).write(str(file))
        for name, solve, module in (("HiGHS", by_highs, "highspy"), ("SCIP", by_scip, "pyscipopt")):
            if importlib.util.find_spec(module) is None:
                yield f"{name}: {module} is not installed"
                continue
            begin = time.process_time()
            said = solve(file, limit_s)
            yield f"{name}: {said}, {time.process_time() - begin:.1f} s"
        yield f"CBC: {by_cbc(file, limit_s)}"


def by_highs(file: Path, limit_s: float) -> str:
    """Return how HiGHS ends on a file."""
    highs: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    for name, value in (("output_flag", False), ("threads", THREADS), ("time_limit", limit_s), ("mip_rel_gap", LEAST)):
        highs.setOptionValue(name, value)
    highs.readModel(str(file))
    highs.run()
    info = highs.getInfo()
    return _said(info.objective_function_value, info.mip_dual_bound)


def by_scip(file: Path, limit_s: float) -> str:
    """Return how SCIP ends on a file."""
    scip_module: Any = importlib.import_module("pyscipopt")
    scip = scip_module.Model()
    scip.hideOutput()
    scip.readProblem(str(file))
    scip.setParam("limits/time", limit_s)
    scip.setParam("limits/gap", LEAST)
    scip.optimize()
    return _said(scip.getObjVal() if scip.getNSols() else float("inf"), scip.getDualbound())


def by_cbc(file: Path, limit_s: float) -> str:
    """Return how CBC ends on a file, with the processor seconds of its process."""
    found = shutil.which("cbc")
    if importlib.util.find_spec("cbcbox") is not None:
        found = importlib.import_module("cbcbox").cbc_bin_path()
    if found is None:
        return "no cbc on the path, and cbcbox is not installed"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    call = [found, str(file), "-ratio", str(LEAST), "-sec", str(limit_s), "-solve", "-quit"]
    said = subprocess.run(call, capture_output=True, text=True, check=False).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    values = {name: float(value) for name, value in re.findall(CBC_SAYS, said)}
    objective = values.get("Objective value", float("inf"))
    return f"{_said(objective, values.get('Lower bound', objective))}, {spent:.1f} s"


def _said(objective: float, bound: float) -> str:
    if not np.isfinite(objective) or abs(objective) >= NO_VALUE:
        return f"no solution, bound {bound:.6g}"
    return f"objective {objective:.6g}, bound {bound:.6g}, gap {abs(objective - bound) / max(abs(objective), 1e-9):.2%}"


def uncertain(planned: Planned, count: int) -> str:
    """Return how a first stage for a number of scenarios is found, with the conditional value at risk."""
    assert planned.plan is not None
    problem = planned.problem
    scenarios = drawn_scenarios(problem.economy.launching.vehicles, count, 1)
    begin = time.process_time()
    found = hedge(
        problem,
        planned.plan,
        scenarios,
        first_periods=3,
        missed_usd_per_pflop_hour=MISSED_USD_PER_PFLOP_HOUR,
        cvar_weight=0.5,
    )
    gap = abs(found.objective - found.bound) / abs(found.objective)
    spent = time.process_time() - begin
    return f"{count:4d} scenarios with CVaR: {found.columns} columns, {found.status}, gap {gap:.2%}, {spent:.1f} s"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=int, default=len(SIZES), help="how many of the sizes")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds for each")
    parser.add_argument("--other", action="store_true", help="the same models in other open solvers")
    given = parser.parse_args()
    print("periods designs columns   rows  build[s]  cpu[s]  wall[s]     gap   asked  status  (search curves rounding)")
    columns, seconds, first = [], [], None
    for years, steps, count, gap in SIZES[: given.largest]:
        planned, built, spent = measured(years, steps, count, gap, given.limit)
        first = first or planned
        if planned.status == "optimal":
            columns.append(max(planned.columns, 1))
            seconds.append(max(spent, 1e-3))
        reached = "none" if planned.gap is None else f"{planned.gap:.2%}"
        print(
            f"{years * steps:7d} {count:7d} {planned.columns:7d} {planned.rows:6d} {built:9.2f} {spent:7.1f} "
            f"{planned.seconds:8.1f} {reached:>7s} {gap:7.2%}  {planned.status} {parts(planned)}",
            flush=True,
        )
        if given.other:
            for line in same_model(planned, given.limit):
                print(f"        {line}", flush=True)
    if len(columns) > 1:
        power = growth(columns, seconds)
        print(f"over the sizes that were closed, time grows with the number of columns to the power {power:.2f}")
    if first is not None and first.plan is not None:
        for count in SCENARIOS:
            print(uncertain(first, count), flush=True)


if __name__ == "__main__":
    main()
