"""How many trials a second each store of a search keeps, beside plain Optuna, and how long a long search takes to read.

Every trial is asked about, then told with its outcomes, its rules and its values, each step durable before the next.
``python benchmarks/storage.py [--trials N] [--long N] [--postgres URL] [--json]``
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.storages import JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend

from dawndusk.optimize.space.dimensions import Category, Point, RealNumber, Space, WholeNumber
from dawndusk.optimize.trials.question import Goal, Question, Trial, TrialAnswer
from dawndusk.optimize.trials.samplers.distributions import distributions_of
from dawndusk.studies.run.store.address import read_address
from dawndusk.studies.run.store.reading import read_trials
from dawndusk.studies.run.store.store import open_store

NUMBERS, RULES, OUTCOMES = 8, 5, 8
SPACE = Space(
    {
        **{f"x{n}": RealNumber(0.0, 1.0) for n in range(NUMBERS)},
        "n": WholeNumber(1, 100),
        "kind": Category(("a", "b", "c")),
    }
)
QUESTION = Question(SPACE, (Goal("cost"), Goal("mass")), tuple(f"rule_{n}" for n in range(RULES)))
GROUP = 1000
"""Trials that are told at a time for the long search: its content counts there, not how it came about."""
NAME = "benchmark"


def points(seed: int) -> Iterator[Point]:
    """Return points without end."""
    rng = np.random.default_rng(seed)
    columns = np.where(SPACE.is_category, 3.0, 1.0)
    while True:
        yield from SPACE.decode(rng.random((GROUP, len(columns))) * columns)


def answer(point: Point) -> TrialAnswer:
    """Return outcomes and violations as large as those of a real evaluation."""
    x = float(point["x0"])
    outcomes = {"cost": x, "mass": 1.0 - x, **{f"outcome_{n}": x / (n + 3.0) for n in range(OUTCOMES)}}
    return TrialAnswer(outcomes, dict.fromkeys(QUESTION.rules, -x / 7.0), seconds=x)


def told(trial: Trial) -> Trial:
    """Return a trial with its answer."""
    return Trial(trial.number, trial.point, answer(trial.point))


def ours(storage: str, folder: Path, seed: int, count: int) -> None:
    """Ask and tell trials one by one."""
    with open_store(read_address(storage, folder), NAME, QUESTION, {}) as store:
        for _, point in zip(range(count), points(seed), strict=False):
            store.tell([told(trial) for trial in store.ask([point], 0)])


def plain(storage: str, folder: Path, seed: int, count: int) -> None:
    """Do the same with Optuna alone, which draws the points itself."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        study_name="plain",
        storage=_plain_storage(storage, folder),
        sampler=optuna.samplers.RandomSampler(seed=seed),
        directions=["minimize"] * 2,
        load_if_exists=True,
    )
    for _ in range(count):
        trial = study.ask(distributions_of(SPACE))
        said = answer(trial.params)
        trial.set_user_attr("outcomes", dict(said.outcomes))
        for rule, violation in said.violations.items():
            trial.set_constraint(rule, violation)
        study.tell(trial, [said.outcomes[goal.outcome] for goal in QUESTION.goals])


def _plain_storage(storage: str, folder: Path) -> Any:
    address = read_address(storage, folder)
    return JournalStorage(JournalFileBackend(address.place)) if address.kind == "journal" else RDBStorage(address.url)


Work = Callable[[str, Path, int, int], None]


def clocked(work: Work, storage: str, folder: Path, seed: int, count: int) -> tuple[float, float]:
    """Return when a writer began and ended, its start and the first trial left out."""
    work(storage, folder, 100 + seed, 1)
    begun = time.time()
    work(storage, folder, seed, count)
    return begun, time.time()


def rate(work: Work, storage: str, writers: int, count: int) -> float:
    """Return trials a second of some writers together."""
    with tempfile.TemporaryDirectory() as name, multiprocessing.get_context("spawn").Pool(writers) as pool:
        work(storage, Path(name), 99, 1)
        spans = pool.starmap(clocked, [(work, storage, Path(name), n, count) for n in range(writers)], chunksize=1)
        begun, ended = zip(*spans, strict=True)
        return float(writers * count / (max(ended) - min(begun)))


def long_search(count: int) -> dict[str, float]:
    """Return what it takes to read a long search from its journal, in seconds of processor time and of the clock."""
    with tempfile.TemporaryDirectory() as name:
        address = read_address("journal", Path(name))
        source = points(0)
        with open_store(address, NAME, QUESTION, {}) as store:
            for batch in range(-(-count // GROUP)):
                asked = store.ask([next(source) for _ in range(min(GROUP, count - batch * GROUP))], batch)
                store.tell([told(trial) for trial in asked])
        found = {"trials": float(count), "megabytes": address.path.stat().st_size / 1e6}
        found |= timed("status", lambda: read_trials(address, NAME, QUESTION, {}))

        def reopened() -> None:
            with open_store(address, NAME, QUESTION, {}, create=False) as again:
                again.read()

        found |= timed("resume", reopened)
        found |= timed("optuna", lambda: _plain_storage("journal", Path(name)).get_all_trials(0, deepcopy=False))
        return found


def timed(name: str, do: Callable[[], object]) -> dict[str, float]:
    """Return the processor time and the wall time of something."""
    processor, wall = time.process_time(), time.perf_counter()
    do()
    return {f"{name}_cpu_s": time.process_time() - processor, f"{name}_wall_s": time.perf_counter() - wall}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200, help="trials of each writer")
    parser.add_argument("--long", type=int, default=100_000, help="trials of the long search; 0: leave it out")
    parser.add_argument("--postgres", metavar="URL", help="an empty database to write to")
    parser.add_argument("--json", action="store_true")
    stated = parser.parse_args()
    storages = ["journal", "sqlite:///trials.db", *([stated.postgres] if stated.postgres else [])]
    rates: list[dict[str, Any]] = []
    for storage in storages:
        for writers in (1, 2):
            row: dict[str, Any] = {"storage": storage.split(":")[0], "writers": writers}
            row["dawndusk_per_s"] = rate(ours, storage, writers, stated.trials)
            row["optuna_per_s"] = rate(plain, storage, writers, stated.trials)
            rates.append(row)
            if not stated.json:
                print("  ".join(f"{k} {v:.1f}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items()))
    long = long_search(stated.long) if stated.long else {}
    if stated.json:
        print(json.dumps({"rates": rates, "long": long}, indent=2))
    else:
        print("\n".join(f"{name} {value:.1f}" for name, value in long.items()))


if __name__ == "__main__":
    main()
