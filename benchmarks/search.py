"""Hypervolume of our samplers beside Optuna's and pymoo's on the constrained suite, and what a trial of each costs.

Run with ``python benchmarks/search.py [--quick] [--keep FILE] [--json FILE]``. Each number is the median, over seeds,
of the share of a reference front's hypervolume (see ``benchmarks/suite/scales.py``) that the first 50, 200, 500 and
2,000 evaluations reach. Our samplers are run once for each budget, since what they do depends on it, in batches of
``usual_batch``; ``auto`` is told that an evaluation costs a second. The peers ask trial by trial and do not know the
budget; two of them are run for their first evaluations only, as ``LONGEST`` says.

Seconds are those of the processor in this one process, so that other work on the machine does not count.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.suite.case import Case
from benchmarks.suite.cases import cases
from benchmarks.suite.kept import Kept
from benchmarks.suite.peers import PEERS, Course

from dawndusk.optimize.trials.question import History, Trial
from dawndusk.optimize.trials.samplers.auto import MAKERS, chosen, usual_batch
from dawndusk.optimize.trials.samplers.population import PopulationSampler
from dawndusk.optimize.trials.samplers.sampler import Sampler

BUDGETS, QUICK_BUDGETS = (50, 200, 500, 2000), (50, 200)
SEEDS, QUICK_SEEDS = {50: 3, 200: 3, 500: 3, 2000: 1}, 1
"""Seeds by budget, unless stated: the longest courses of all samplers together take an hour of one core for each."""
QUICK_CASES = ("bnh", "osy", "welded_beam")
LONGEST = {"Optuna GP": 50, "Optuna TPE": 500}
"""As far as peers are run whose trials take longer and longer: seconds each, and a tenth of one."""
EVALUATION_S = 1.0
OURS = ("auto", "population")
OVERHEAD_CASE, OVERHEAD_TRIALS, QUICK_OVERHEAD_TRIALS = "osy", 1000, 200
OVERHEAD_BATCH = 20
SLOW = {"gp": 50, "surrogate": 400, **LONGEST}
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


def hypervolumes(case: Case, seeds: Mapping[int, int], kept: Kept) -> dict[str, dict[int, float]]:
    """Return the median hypervolume of each sampler at each budget, of as many seeds as it has."""
    found: dict[str, dict[int, list[float]]] = {}
    for seed in range(max(seeds.values())):
        for name, asked, search in _courses(case, tuple(b for b, count in seeds.items() if seed < count), seed):
            for budget, share in kept.shares(case, name, seed, asked, search).items():
                found.setdefault(name, {}).setdefault(budget, []).append(share)
    return {name: {b: statistics.median(v) for b, v in by_budget.items()} for name, by_budget in found.items()}


def _courses(
    case: Case, budgets: tuple[int, ...], seed: int
) -> Iterator[tuple[str, tuple[int, ...], Callable[[], Course]]]:
    """Yield the name of each sampler, the budgets that one course of it covers, and how to run it."""
    for name, budget in itertools.product(OURS, budgets):
        yield name, (budget,), partial(ours, name, case, budget, seed)
    for name, peer in PEERS.items():
        asked = tuple(budget for budget in budgets if budget <= LONGEST.get(name, budget))
        if asked:
            yield name, asked, partial(peer, case, max(asked), seed)


def _row(label: str, cells: list[str]) -> str:
    return f"{label:<{LABEL}}" + "".join(f"{cell:>{WIDTH}}" for cell in cells)


def compare(chosen_cases: list[Case], seeds: Mapping[int, int], kept: Kept) -> dict[str, Any]:
    """Print the table of hypervolumes as it grows, and how often ``auto`` reaches the best peer; return all of it."""
    names = [*OURS, *PEERS]
    for n, name in enumerate(names):
        print(f"  {n}: {name}")
    beyond = ", ".join(f"{name} beyond {most:,} evaluations" for name, most in LONGEST.items())
    print(f"  -: not run, as its trials take longer and longer: {beyond}")
    print(_row("problem, budget", [str(n) for n in range(len(names))]))
    table: dict[str, dict[str, dict[int, float]]] = {}
    for case in chosen_cases:
        table[case.name] = hypervolumes(case, seeds, kept)
        for budget in seeds:
            shares = [table[case.name].get(name, {}).get(budget) for name in names]
            print(_row(f"{case.name}, {budget}", [f"{s:.4f}" if s is not None else "-" for s in shares]), flush=True)
    reached = {budget: [name for name, found in table.items() if _reaches(found, budget)] for budget in seeds}
    for budget, held in reached.items():
        short = [name for name in table if name not in held]
        but = f", but not on {', '.join(short)}" if short else ""
        of_seeds = f"median of {seeds[budget]} seeds" if seeds[budget] > 1 else "one seed"
        print(f"auto reaches the best peer at {budget:,} evaluations ({of_seeds}) on {len(held)} of {len(table)}{but}")
    return {"hypervolume": table, "reached": reached, "seeds": dict(seeds)}


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
    parser.add_argument("--seeds", type=int, help="of every budget; by default three, of the longest one")
    parser.add_argument("--budgets", type=int, nargs="*")
    parser.add_argument("--keep", type=Path, help="file that keeps every course, so that a stopped run goes on from it")
    parser.add_argument("--json", type=Path, help="file to write all numbers to")
    asked = parser.parse_args()
    named = asked.cases or (QUICK_CASES if asked.quick else None)
    every = cases()
    picked = [every[name] for name in named or every]
    budgets = tuple(asked.budgets or (QUICK_BUDGETS if asked.quick else BUDGETS))
    usual = dict.fromkeys(budgets, QUICK_SEEDS) if asked.quick else SEEDS
    seeds = {budget: asked.seeds or usual.get(budget, max(usual.values())) for budget in budgets}
    found = compare(picked, seeds, Kept(asked.keep))
    trials = QUICK_OVERHEAD_TRIALS if asked.quick else OVERHEAD_TRIALS
    found["overhead"] = overhead(every[OVERHEAD_CASE], trials)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
