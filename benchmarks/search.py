"""Hypervolume of our samplers beside Optuna's and pymoo's on the constrained suite, and what a trial of each costs.

Run with ``python benchmarks/search.py [--quick] [--json FILE]``. Each number is the median, over seeds, of the share of
a reference front's hypervolume (see ``benchmarks/suite/scales.py``) that the first 50, 200, 500 and 2,000 evaluations
reach. Our samplers are run once for each budget, since what they do depends on it, in batches of ``usual_batch``;
``auto`` is told that an evaluation costs a second. The peers ask trial by trial and do not know the budget. Optuna's
GP is run for its first evaluations only, as its trials take seconds each.

Seconds are those of the processor in this one process, so that other work on the machine does not count.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.suite.case import Case
from benchmarks.suite.cases import cases
from benchmarks.suite.peers import PEERS, Course

from dawndusk.optimize.search.auto import MAKERS, chosen, usual_batch
from dawndusk.optimize.search.population import PopulationSampler
from dawndusk.optimize.search.question import History, Trial
from dawndusk.optimize.search.sampler import Sampler

BUDGETS, QUICK_BUDGETS = (50, 200, 500, 2000), (50, 200)
SEEDS, QUICK_SEEDS = 3, 1
QUICK_CASES = ("bnh", "osy", "welded_beam")
GP, GP_EVALUATIONS = "Optuna GP", 50
EVALUATION_S = 1.0
OURS = ("auto", "population")
OVERHEAD_CASE, OVERHEAD_TRIALS, QUICK_OVERHEAD_TRIALS = "osy", 1000, 200
OVERHEAD_BATCH = 20
SLOW = {"gp": 50, "surrogate": 400, GP: 50}
"""Samplers that are not timed over as many trials as the others."""
TIE = 5e-5
"""Hypervolumes that differ by less than the last digit shown are the same."""
LABEL, WIDTH = 26, 10


def searched(case: Case, sampler: Sampler, evaluations: int, seed: int, batch: int) -> Course:
    """Return the course of one of our samplers."""
    course, history, number = Course(case), History(case.question), 0
    while len(history) < evaluations:
        began = time.process_time()
        points = sampler.propose(history, min(batch, evaluations - len(history)), seed=seed, batch=number)
        course.seconds += time.process_time() - began
        number += 1
        for point, answer in zip(points, case(points), strict=True):
            course.take(answer)
            history.add(Trial(len(history), point, answer))
    return course


def ours(name: str, case: Case, evaluations: int, seed: int) -> Course:
    """Return the course of ``auto`` or of the population, made for a budget."""
    batch = usual_batch(evaluations)
    sampler: Sampler = PopulationSampler(max(batch, 40))
    if name == "auto":
        sampler = chosen(case.question, evaluations=evaluations, batch=batch, evaluation_s=EVALUATION_S).sampler
    return searched(case, sampler, evaluations, seed, batch)


def hypervolumes(case: Case, budgets: tuple[int, ...], seeds: int, gp_evaluations: int) -> dict[str, dict[int, float]]:
    """Return the median hypervolume of each sampler at each budget."""
    found: dict[str, dict[int, list[float]]] = {}
    for seed in range(seeds):
        for name in OURS:
            for budget in budgets:
                course = ours(name, case, budget, seed)
                found.setdefault(name, {}).setdefault(budget, []).append(course.hypervolume(budget))
        for name, search in PEERS.items():
            most = gp_evaluations if name == GP else max(budgets)
            asked = [budget for budget in budgets if budget <= most]
            course = search(case, max(asked), seed) if asked else Course(case)
            for budget in asked:
                found.setdefault(name, {}).setdefault(budget, []).append(course.hypervolume(budget))
    return {name: {b: statistics.median(v) for b, v in by_budget.items()} for name, by_budget in found.items()}


def _row(label: str, cells: list[str]) -> str:
    return f"{label:<{LABEL}}" + "".join(f"{cell:>{WIDTH}}" for cell in cells)


def compare(chosen_cases: list[Case], budgets: tuple[int, ...], seeds: int, gp_evaluations: int) -> dict[str, Any]:
    """Print the table of hypervolumes as it grows, and how often ``auto`` reaches the best peer; return all of it."""
    names = [*OURS, *PEERS]
    for n, name in enumerate(names):
        print(f"  {n}: {name}")
    print(_row("problem, budget", [str(n) for n in range(len(names))]))
    table: dict[str, dict[str, dict[int, float]]] = {}
    for case in chosen_cases:
        table[case.name] = hypervolumes(case, budgets, seeds, gp_evaluations)
        for budget in budgets:
            shares = [table[case.name].get(name, {}).get(budget) for name in names]
            print(_row(f"{case.name}, {budget}", [f"{s:.4f}" if s is not None else "-" for s in shares]), flush=True)
    reached = {budget: [name for name, found in table.items() if _reaches(found, budget)] for budget in budgets}
    for budget, held in reached.items():
        print(f"auto reaches the best peer at {budget} evaluations on {len(held)} of {len(table)}: {', '.join(held)}")
    return {"hypervolume": table, "reached": reached, "seeds": seeds}


def _reaches(found: dict[str, dict[int, float]], budget: int) -> bool:
    peers = [found[name][budget] for name in PEERS if budget in found.get(name, {})]
    return found["auto"][budget] >= max(peers) - TIE


def overhead(case: Case, trials: int) -> dict[str, dict[str, float]]:
    """Print and return what a trial costs beside its evaluation, ours and plain Optuna."""
    print(f"\n{case.name}: processor time of a trial beside its evaluation, ours in batches of {OVERHEAD_BATCH}")
    print(_row("sampler", ["trials", "ms/trial", "trials/s"]))
    several = {name: maker for name, maker in MAKERS.items() if name != "cmaes"}
    runs: dict[str, Callable[[int], Course]] = {
        name: lambda count, maker=maker: searched(case, maker(), count, 0, OVERHEAD_BATCH)  # type: ignore[misc]
        for name, maker in several.items()
    }
    runs |= {name: lambda count, peer=peer: peer(case, count, 0) for name, peer in PEERS.items()}  # type: ignore[misc]
    found = {}
    for name, search in runs.items():
        count = min(trials, SLOW.get(name, trials))
        each = search(count).seconds / count
        found[name] = {"trials": count, "ms_per_trial": 1e3 * each, "trials_per_s": 1.0 / each}
        print(_row(name, [str(count), f"{1e3 * each:.3f}", f"{1.0 / each:,.0f}"]), flush=True)
    return found


def main() -> None:
    """Run what is asked for, print it, and write it as JSON where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="three problems, one seed, two budgets")
    parser.add_argument("--cases", nargs="*", help="names of problems; all by default")
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--budgets", type=int, nargs="*")
    parser.add_argument("--gp-evaluations", type=int, default=GP_EVALUATIONS, help="as far as Optuna's GP is run")
    parser.add_argument("--json", type=Path, help="file to write all numbers to")
    asked = parser.parse_args()
    named = asked.cases or (QUICK_CASES if asked.quick else None)
    every = cases()
    picked = [every[name] for name in named or every]
    budgets = tuple(asked.budgets or (QUICK_BUDGETS if asked.quick else BUDGETS))
    found = compare(picked, budgets, asked.seeds or (QUICK_SEEDS if asked.quick else SEEDS), asked.gp_evaluations)
    trials = QUICK_OVERHEAD_TRIALS if asked.quick else OVERHEAD_TRIALS
    found["overhead"] = overhead(every[OVERHEAD_CASE], trials)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
