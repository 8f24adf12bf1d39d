"""Fronts of three studies beside NSGA-II of Optuna and of pymoo, and random designs: hypervolume and time, in one run.

Run with ``python benchmarks/pareto.py [--evaluations 5000] [--seed 1] [--study NAME ...]``. The peers get the same
search coordinates and the same graded violations as our search, every category as a choice, and one evaluation of the
same vectorised model for each of their designs. The hypervolume is that of moocore, in shares of the range that all
fronts of a study span together, up to 1.1 of it. Seconds are those of the processor in this one process, so that other
work on the machine does not count. The search from proved ends begins with the designs that the proofs of the ends lead
to; their time stands beside it, and the line above it is the same search without them.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import optuna
from numpy.typing import NDArray

from dawndusk.models.design import CATEGORIES, Design
from dawndusk.optimize.errors import CertificateError
from dawndusk.optimize.heuristics.dominance import not_dominated
from dawndusk.optimize.pareto.ends import End, ProofEffort, prove_end
from dawndusk.optimize.pareto.field import Field, Points
from dawndusk.optimize.pareto.find import Proofs, find_front
from dawndusk.optimize.problem import Goal, Problem
from dawndusk.studies.input.studyfile import read_study
from dawndusk.studies.run.design.runner import problem_of

Floats: TypeAlias = NDArray[np.float64]

COST = "lcoc_usd_per_pflop_hour"
CASES = {
    "orbit-200mw": (COST, "deployment_years"),
    "falcon9-today": (COST, "debris_exposure_m2_years"),
    "suncatcher": (COST, "debris_exposure_m2_years", "deployment_years"),
}
"""Goals by study, all to be made small."""
POPULATION = 100
REFERENCE = 1.1
SPACING, GAP, TIME_LIMIT_S, PROOF_S = 0.02, 0.01, 120.0, 30.0
SHOWN = 200
LARGEST = 1e30


@dataclass(frozen=True)
class Line:
    """One row of the table: the front that was found, and what it took."""

    name: str
    values: Floats
    evaluations: int
    seconds: float
    note: str = ""


class Counted:
    """A study as a function of one design, with everything evaluated kept."""

    def __init__(self, name: str, goals: Sequence[str]) -> None:
        self.field = Field(problem_of(read_study(name)), tuple(Goal(goal) for goal in goals))
        rows = self.field.combinations
        self.choices = {c: sorted({row[c] for row in rows}) for c in CATEGORIES}
        self.free_choices = {c: names for c, names in self.choices.items() if len(names) > 1}
        self._numbers = {tuple(row[c] for c in CATEGORIES): number for number, row in enumerate(rows)}
        self.found = self.field.nothing()

    def __call__(self, chosen: dict[str, str], coordinates: Sequence[float]) -> tuple[Floats, float]:
        """Return goals and violation of one design."""
        number = self._numbers[tuple(chosen.get(c, self.choices[c][0]) for c in CATEGORIES)]
        with np.errstate(all="ignore"):
            point = self.field.grade(np.array([coordinates], dtype=np.float64), np.array([number]))
        self._keep(point)
        violation = float(np.minimum(point.violation[0], LARGEST))
        return np.nan_to_num(point.values[0], nan=LARGEST, posinf=LARGEST), violation

    def sample(self, count: int, seed: int) -> None:
        """Evaluate random designs."""
        rng = np.random.default_rng(seed)
        coordinates = rng.random((count, self.field.dimensions))
        with np.errstate(all="ignore"):
            self._keep(self.field.grade(coordinates, rng.integers(len(self.field.combinations), size=count)))

    def _keep(self, points: Points) -> None:
        self.found = self.found.with_more(points.take(points.feasible))

    def line(self, name: str, seconds: float) -> Line:
        """Return the front of everything evaluated."""
        values = self.found.values
        front = values[not_dominated(values)] if len(values) else values
        return Line(name, front, self.field.evaluated, seconds)


def random_designs(count: int, name: str, goals: Sequence[str], evaluations: int, seed: int) -> Line:
    """Return the front of random designs, ``count`` times as many as the peers get."""
    counted = Counted(name, goals)
    begin = time.process_time()
    for part in range(count):
        counted.sample(evaluations, seed + part)
    return counted.line(f"random, {count} x", time.process_time() - begin)


def with_optuna(name: str, goals: Sequence[str], evaluations: int, seed: int) -> Line:
    """Return the front of Optuna's NSGA-II."""
    counted = Counted(name, goals)
    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def ask(trial: optuna.Trial) -> list[float]:
        chosen = {c: trial.suggest_categorical(c, names) for c, names in counted.free_choices.items()}
        coordinates = [trial.suggest_float(free, 0.0, 1.0) for free in counted.field.problem.free]
        values, violation = counted({c: str(n) for c, n in chosen.items()}, coordinates)
        trial.set_constraint("violation", violation)
        return [float(value) for value in values]

    begin = time.process_time()
    sampler = optuna.samplers.NSGAIISampler(population_size=POPULATION, seed=seed)
    study = optuna.create_study(directions=["minimize"] * len(goals), sampler=sampler)
    study.optimize(ask, n_trials=evaluations)
    return counted.line("Optuna NSGA-II", time.process_time() - begin)


def with_pymoo(name: str, goals: Sequence[str], evaluations: int, seed: int) -> Line:
    """Return the front of pymoo's NSGA-II for mixed variables."""
    from pymoo.algorithms.moo.nsga2 import NSGA2  # noqa: PLC0415 (an extra)
    from pymoo.core.mixed import (  # noqa: PLC0415
        MixedVariableDuplicateElimination,
        MixedVariableMating,
        MixedVariableSampling,
    )
    from pymoo.core.problem import Problem as PymooProblem  # noqa: PLC0415
    from pymoo.core.variable import Choice, Real  # noqa: PLC0415
    from pymoo.optimize import minimize  # noqa: PLC0415

    counted = Counted(name, goals)
    free = counted.field.problem.free

    class Stated(PymooProblem):  # type: ignore[misc]
        def __init__(self) -> None:
            variables: dict[str, Any] = {c: Choice(options=names) for c, names in counted.free_choices.items()}
            variables |= {n: Real(bounds=(0.0, 1.0)) for n in free}
            super().__init__(vars=variables, n_obj=len(goals), n_ieq_constr=1)

        def _evaluate(self, x: Any, out: dict[str, Any], *_: object, **__: object) -> None:
            rows = [counted({c: row[c] for c in counted.free_choices}, [row[n] for n in free]) for row in x]
            out["F"] = np.array([values for values, _ in rows])
            out["G"] = np.array([[violation] for _, violation in rows])

    duplicates = MixedVariableDuplicateElimination()
    algorithm = NSGA2(
        pop_size=POPULATION,
        sampling=MixedVariableSampling(),
        mating=MixedVariableMating(eliminate_duplicates=duplicates),
        eliminate_duplicates=duplicates,
    )
    begin = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        minimize(Stated(), algorithm, ("n_eval", evaluations), seed=seed)
    return counted.line("pymoo NSGA-II", time.process_time() - begin)


def proved_ends(name: str, goals: Sequence[str], seed: int) -> tuple[list[Design], str]:
    """Return the designs that the proofs of the ends lead to, and what the proofs took."""
    problem, begin = problem_of(read_study(name)), time.perf_counter()
    ends = [_end(problem, Goal(goal), seed) for goal in goals]
    gaps = ", ".join("none" if end is None or end.gap is None else f"{end.gap:.2%}" for end in ends)
    note = f"ends proved apart in {time.perf_counter() - begin:.0f} s of wall time, gaps {gaps}"
    return [end.design for end in ends if end is not None and end.design is not None], note


def _end(problem: Problem, goal: Goal, seed: int) -> End | None:
    """Return the proof of one end, None where it contradicts itself, which is told."""
    effort = ProofEffort(gap=GAP, seed=seed)
    try:
        return prove_end(problem, goal, effort, time_limit_s=PROOF_S, report=lambda _: None)
    except CertificateError as error:
        print(f"{goal}: {str(error)[:SHOWN]}")
        return None


def ours(name: str, goals: Sequence[str], seed: int, *, seeds: Sequence[Design] = (), note: str = "") -> Line:
    """Return our front; the time is that of the search, without proofs."""
    begin = time.process_time()
    front = find_front(
        problem_of(read_study(name)),
        [Goal(goal) for goal in goals],
        proofs=Proofs(ends=False, effort=ProofEffort(gap=GAP, seed=seed)),
        seed=seed,
        spacing=SPACING,
        time_limit_s=TIME_LIMIT_S,
        seeds=seeds,
    )
    label = "dawndusk from proved ends" if seeds else "dawndusk without proofs"
    return Line(label, front.values, front.evaluated, time.process_time() - begin, note)


def compare(name: str, goals: Sequence[str], evaluations: int, seed: int) -> None:
    """Print the table of one study."""
    designs, note = proved_ends(name, goals, seed)
    peers: list[Callable[[], Line]] = [
        lambda: with_optuna(name, goals, evaluations, seed),
        lambda: with_pymoo(name, goals, evaluations, seed),
        lambda: random_designs(100, name, goals, evaluations, seed),
        lambda: ours(name, goals, seed),
        lambda: ours(name, goals, seed, seeds=designs, note=note),
    ]
    lines = [peer() for peer in peers]
    every = np.concatenate([line.values for line in lines])
    every = every[not_dominated(every)]
    low, width = every.min(axis=0), np.ptp(every, axis=0)
    print(f"\n{name}: {', '.join(goals)}")
    print(f"{'':28} {'hypervolume':>11} {'of ours':>8} {'points':>7} {'evaluated':>10} {'seconds':>8} {'x ours':>7}")
    volumes = [_volume((line.values - low) / width) for line in lines]
    for line, volume in zip(lines, volumes, strict=True):
        print(
            f"{line.name:28} {volume:11.4f} {volume / volumes[-1]:8.4f} {len(line.values):7,} {line.evaluations:10,} "
            f"{line.seconds:8.1f} {line.seconds / lines[-1].seconds:7.1f}  {line.note}"
        )


def _volume(shares: Floats) -> float:
    """Return the share of the box up to 1.1 of the ranges that a front dominates."""
    goals = shares.shape[1]
    import moocore  # noqa: PLC0415 (an extra)

    volume = moocore.hypervolume(shares, ref=np.full(goals, REFERENCE)) if len(shares) else 0.0
    return float(volume) / float(REFERENCE**goals)


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--evaluations", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--study", nargs="*", choices=list(CASES), default=list(CASES))
    given = parser.parse_args()
    missing = [module for module in ("moocore", "pymoo") if importlib.util.find_spec(module) is None]
    if missing:
        print(f"left out: needs {' and '.join(missing)}; install with: pip install 'dawndusk[bench]'")
        return
    for name in given.study:
        compare(name, CASES[name], given.evaluations, given.seed)


if __name__ == "__main__":
    main()
