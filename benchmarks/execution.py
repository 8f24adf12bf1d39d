"""What a task costs on each back end beside its own work, and how fast a sweep of designs goes through it.

Run with ``make bench`` or ``python benchmarks/execution.py``. The cluster is a Dask cluster of this machine; it is left
out where Dask is not installed. Figures vary with the machine and with what else runs on it: compare within one run.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from dawndusk.optimize.execution.backends import open_executor
from dawndusk.optimize.execution.executor import Executor
from dawndusk.optimize.problem import Problem

STUDY = "orbit-200mw"
ROUNDS = 5
EMPTY_TASKS = 1000
LARGE_TASKS = 40
MEGABYTE = b"\0" * 1_000_000
CHUNK = 8192
CHUNKS = 16
EFFICIENT = 0.95
MICRO, MILLI = 1e6, 1e3


def nothing(_context: object, _number: int) -> None:
    """Do nothing."""


def echo(_context: object, payload: bytes) -> bytes:
    """Return what was sent."""
    return payload


def sweep(problem: Problem, index: int) -> float:
    """Evaluate random designs of one task of a sweep and return the least objective of the feasible ones."""
    combinations = problem.combinations()
    rng = np.random.default_rng([1, index])
    best = np.inf
    for _ in range(CHUNKS):
        combination = combinations[int(rng.integers(len(combinations)))]
        with np.errstate(all="ignore"):
            scored = problem.score(
                problem.designs(rng.random((CHUNK, len(problem.free))), combination), problem.scored_outcomes
            )
        best = min(best, float(np.min(scored.objective, where=scored.feasible, initial=np.inf)))
    return best


def each_s(executor: Executor[Any], function: Callable[[Any, Any], Any], items: list[Any]) -> float:
    """Return the seconds for each task in the quickest of several rounds; what else runs only adds to them."""
    rounds = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        for done in executor.map_in_order(function, items):
            done.value()
        rounds.append((time.perf_counter() - begin) / len(items))
    return min(rounds)


def measure(name: str, problem: Problem, tasks: int, **backend: Any) -> None:
    """Print one line: start, an empty task, a megabyte both ways, the shortest task that pays, designs a second."""
    begin = time.perf_counter()
    with open_executor(context=problem, **backend) as executor:
        list(executor.map_in_order(nothing, range(2 * executor.workers)))
        start_s = time.perf_counter() - begin
        workers = executor.workers
        empty_s = each_s(executor, nothing, list(range(EMPTY_TASKS)))
        large_s = each_s(executor, echo, [MEGABYTE] * LARGE_TASKS)
        list(executor.map_in_order(sweep, range(2 * workers)))
        rate = CHUNK * CHUNKS / each_s(executor, sweep, list(range(tasks)))
    shortest_s = empty_s * workers * EFFICIENT / (1.0 - EFFICIENT)
    print(
        f"{name:22}{start_s:9.2f}{empty_s * MICRO:12.0f}{large_s * MILLI:12.2f}{shortest_s * MILLI:14.2f}{rate:16,.0f}",
        flush=True,
    )


@contextlib.contextmanager
def local_cluster(workers: int) -> Iterator[str | None]:
    """Start a Dask cluster of this machine and return its address; nothing without Dask."""
    try:
        distributed = importlib.import_module("distributed")
    except ImportError:
        yield None
        return
    with distributed.LocalCluster(
        n_workers=workers, threads_per_worker=1, dashboard_address="127.0.0.1:0", host="127.0.0.1"
    ) as own:
        yield own.scheduler_address


def main() -> None:
    """Measure every back end and print the table."""
    from dawndusk.studies.input.studyfile import read_study  # noqa: PLC0415
    from dawndusk.studies.run.design.runner import problem_of  # noqa: PLC0415 (a worker imports this module, and needs none of it)

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--sweep-tasks", type=int, default=20, help=f"tasks of {CHUNK * CHUNKS:,} designs")
    chosen = parser.parse_args()
    problem = problem_of(read_study(STUDY))
    print(
        f"{'':22}{'start s':>9}{'empty us':>12}{'1 MB ms':>12}{'pays from ms':>14}{'designs/s':>16}\n"
        f"(pays from: a task this long leaves {EFFICIENT:.0%} of the workers' time to tasks)"
    )
    measure("this process", problem, chosen.sweep_tasks, workers=1)
    measure("1 process", problem, chosen.sweep_tasks, workers=1, isolated=True)
    measure(f"{chosen.workers} processes", problem, chosen.sweep_tasks, workers=chosen.workers)
    with local_cluster(chosen.workers) as address:
        if address is None:
            print("  skipped the cluster: Dask is not installed")
        else:
            measure(f"Dask, {chosen.workers} processes", problem, chosen.sweep_tasks, cluster=address)


if __name__ == "__main__":
    importlib.import_module("execution").main()  # tasks have to be those of a module, which workers can import
