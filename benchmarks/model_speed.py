"""Designs per second of the whole model on one core, time per set of assumptions, profile by discipline, peak memory.

Run with ``make bench`` or ``python benchmarks/model_speed.py``. Figures vary with the machine and with what else runs
on it: compare within one run.
"""

from __future__ import annotations

import dataclasses
import resource
import statistics
import time
from collections.abc import Callable

import numpy as np

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.columns import profile_columns
from dawndusk.models.design import CATEGORIES, DesignBatch
from dawndusk.models.evaluate import evaluate
from dawndusk.models.outcome import OUTCOMES
from dawndusk.models.recording.rows import rows_of
from dawndusk.models.recording.samples import AssumptionSamples
from dawndusk.models.rules import RULES
from dawndusk.studies.input.studyfile import read_study
from dawndusk.studies.run.design.runner import problem_of

DESIGNS = 400_000
ROUNDS = 7
PROFILE_ROUNDS = 200
PROFILE_CHUNK = 4096
SETS, SINGLE_SETS = 100_000, 100
GOAL, LEAST = 5e6, 1e6
STUDY = "orbit-200mw"


def random_batch(count: int, *, mixed: bool) -> DesignBatch:
    """Return random designs of the default study: one combination of categories, or all of them mixed."""
    problem = problem_of(read_study(STUDY))
    combinations = problem.combinations()
    rng = np.random.default_rng(1)
    chosen = combinations if mixed else combinations[:1]
    parts = [
        problem.designs(rng.random((count // len(chosen), len(problem.free))), combination) for combination in chosen
    ]
    names = {c: tuple(dict.fromkeys(p.names[c][0] for p in parts)) for c in CATEGORIES}
    order = rng.permutation(sum(len(p) for p in parts))
    return DesignBatch(
        {n: np.concatenate([p.values[n] for p in parts])[order] for n in parts[0].values},
        {
            c: np.concatenate([np.full(len(p), names[c].index(p.names[c][0]), dtype=np.intp) for p in parts])[order]
            for c in CATEGORIES
        },
        names,
    )


def seconds(action: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """Return the seconds of each of several rounds, after one that does not count."""
    action()
    taken = []
    for _ in range(rounds):
        begin = time.perf_counter()
        action()
        taken.append(time.perf_counter() - begin)
    return taken


def report_speed(label: str, batch: DesignBatch, assumptions: Assumptions, keep: tuple[str, ...] | None) -> None:
    """Print designs per second for one way of using the model."""
    rates = [len(batch) / s for s in seconds(lambda: evaluate(batch, assumptions, keep))]
    print(
        f"{label:58s} {statistics.median(rates) / 1e6:6.2f} M/s   "
        f"({min(rates) / 1e6:.2f} to {max(rates) / 1e6:.2f})   goal {GOAL / 1e6:.0f}, least {LEAST / 1e6:.0f}"
    )


def random_samples(assumptions: Assumptions, count: int) -> AssumptionSamples:
    """Return sets of assumptions that differ in every number of the groups ``cost`` and ``reliability`` by 1 %."""
    rng = np.random.default_rng(2)
    owners = {name: getattr(assumptions, name) for name in ("cost", "reliability")}
    numbers = {f"{o}.{f.name}": getattr(row, f.name) for o, row in owners.items() for f in dataclasses.fields(row)}
    return AssumptionSamples(assumptions, {k: v * rng.uniform(0.99, 1.0, count) for k, v in numbers.items() if v})


def report_samples(batch: DesignBatch, assumptions: Assumptions, keep: tuple[str, ...]) -> None:
    """Print the time of one design under many sets of assumptions: all at once, and one after the other."""
    one, samples = batch.take(slice(0, 1)), random_samples(assumptions, SETS)
    single = [samples[i] for i in range(SINGLE_SETS)]
    together = min(seconds(lambda: evaluate(one, samples, keep))) / SETS
    apart = min(seconds(lambda: [evaluate(one, each, keep) for each in single])) / SINGLE_SETS
    again = min(seconds(lambda: [evaluate(one, assumptions, keep) for _ in single])) / SINGLE_SETS
    print(
        f"\none design under sets that differ in {len(samples.columns)} numbers, for each set, best of {ROUNDS} rounds:"
    )
    print(f"  {SETS:,} sets as columns      {together * 1e6:8.2f} us   ({1e-6 / together:.2f} M sets/s)")
    more = (apart - again) * 1e6
    print(f"  {SINGLE_SETS:,} sets one by one       {apart * 1e6:8.0f} us   ({more:.0f} more than a known set)")


def profile(batch: DesignBatch, assumptions: Assumptions) -> None:
    """Print the nanoseconds per design of every discipline, in one chunk."""
    chunk = batch.take(slice(0, PROFILE_CHUNK))
    rows = rows_of(assumptions, chunk)
    spent: dict[str, list[float]] = {}
    for _ in range(PROFILE_ROUNDS):
        for name, taken in profile_columns(chunk.values, rows, assumptions).items():
            spent.setdefault(name, []).append(taken)
    medians = {name: statistics.median(values) / len(chunk) * 1e9 for name, values in spent.items()}
    total = sum(medians.values())
    print(f"\nby discipline, ns per design, evaluated directly in one chunk of {PROFILE_CHUNK}:")
    for name, value in medians.items():
        print(f"  {name:28s} {value:7.1f}   {value / total:6.1%}")
    print(f"  {'total':28s} {total:7.1f}   {1e3 / total:.2f} M designs/s")


def main() -> None:
    """Print speed, profile and memory."""
    assumptions = read_study(STUDY).assumptions
    uniform, mixed = random_batch(DESIGNS, mixed=False), random_batch(DESIGNS, mixed=True)
    objective = ("lcoc_usd_per_pflop_hour",)
    print(f"whole model, {len(OUTCOMES)} outcomes, {len(RULES)} rules, one core, {DESIGNS:,} designs, {ROUNDS} rounds")
    report_speed("one combination of categories, objective and rules kept", uniform, assumptions, objective)
    report_speed("one combination of categories, everything kept", uniform, assumptions, None)
    report_speed("all combinations mixed, objective and rules kept", mixed, assumptions, objective)
    report_samples(uniform, assumptions, objective)
    profile(uniform, assumptions)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\npeak memory of this process {peak:.0f} MiB")


if __name__ == "__main__":
    main()
