"""Certified search beside other optimisers on one study: final quality, and bound and gap where there is one.

Run with ``python benchmarks/certify.py [study] --combination one|all --seconds 30``. SciPy and Optuna get the same
search coordinates and the same graded violations as the population search; every one of them returns a design, none a
bound. ``pymoo`` is tried the same way. ``pyscipopt`` gets what it can express: the best design with everything but the
radiator area fixed, interpolated. What is not installed is skipped with a line that says so.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import importlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import optuna
from numpy.typing import NDArray
from scipy.optimize import Bounds, differential_evolution, dual_annealing

from dawndusk.models.design import CATEGORIES
from dawndusk.optimize.certify.search import certify
from dawndusk.optimize.evolution import Progress, search
from dawndusk.optimize.problem import Choice, Fixed, Problem
from dawndusk.studies.runs.runner import problem_of
from dawndusk.studies.statement.studyfile import read_study

Floats: TypeAlias = NDArray[np.float64]

GAP = 1e-3
SEED = 1
TOLD_AT = tuple(2.0**k for k in range(-1, 12))


@dataclass(frozen=True)
class Line:
    """One row of the table."""

    name: str
    objective: float
    bound: float | None
    gap: float | None
    designs: int
    seconds: float


class Counted:
    """A problem as a function of search coordinates, the first of them choosing the combination of categories."""

    def __init__(self, problem: Problem, seconds: float) -> None:
        self.problem, self.deadline = problem, time.monotonic() + seconds
        self.combinations = problem.combinations()
        self.begin, self.designs, self.best = time.monotonic(), 0, math.inf
        self.dimension = len(problem.free) + 1

    @property
    def over(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() > self.deadline

    def many(self, points: Floats) -> Floats:
        """Return the merit of points of shape (N, d): small is good, above zero is infeasible."""
        merits = np.empty(len(points))
        count = len(self.combinations)
        chosen = np.minimum((points[:, 0] * count).astype(int), count - 1)
        with np.errstate(all="ignore"):
            for number in np.unique(chosen):
                rows = chosen == number
                batch = self.problem.designs(np.clip(points[rows, 1:], 0.0, 1.0), self.combinations[number])
                scored = self.problem.score(batch, self.problem.scored_outcomes)
                merits[rows] = scored.merit()
                self.best = min(self.best, float(np.min(np.where(scored.feasible, scored.objective, np.inf))))
        self.designs += len(points)
        return merits

    def one(self, point: Floats) -> float:
        """Return the merit of one point."""
        return float(self.many(np.asarray(point)[np.newaxis])[0])

    def line(self, name: str) -> Line:
        """Return the row of what was found."""
        sign = 1.0 if self.problem.sense == "minimise" else -1.0
        return Line(name, sign * self.best, None, None, self.designs, time.monotonic() - self.begin)


def ours(problem: Problem, seconds: float) -> Line:
    """Run the certified search and print how objective, bound and gap close in."""
    begin, marks = time.monotonic(), iter(TOLD_AT)
    due = next(marks)

    def report(progress: Progress) -> None:
        nonlocal due
        spent = time.monotonic() - begin
        if spent >= due and math.isfinite(progress.best) and math.isfinite(progress.bound):
            gap = abs(progress.best - progress.bound) / abs(progress.best)
            print(f"  {spent:7.1f} s  best {progress.best:.6g}  bound {progress.bound:.6g}  gap {gap:.2%}", flush=True)
            while due <= spent:
                due = next(marks)

    found = certify(problem, gap=GAP, seed=SEED, time_limit_s=seconds, report=report, audit=False)
    objective = math.nan if found.objective is None else found.objective
    return Line(f"certified ({found.status})", objective, found.bound, found.gap, found.evaluated, found.seconds)


def population(problem: Problem, seconds: float) -> Line:
    """Run the package's own population search alone."""
    found = search(problem, seed=SEED, time_limit_s=seconds)
    objective = found.objective if found.status == "feasible" else math.nan
    return Line("population search", objective, None, None, found.evaluated, found.seconds)


def evolution(problem: Problem, seconds: float) -> Line:
    """Run SciPy's differential evolution as it comes."""
    counted = Counted(problem, seconds)
    halt: Any = lambda *_args, **_kwargs: counted.over  # noqa: E731 (SciPy tells callbacks apart by their signature)
    function: Any = lambda columns: counted.many(np.atleast_2d(columns.T))  # noqa: E731
    differential_evolution(
        function,
        Bounds(np.zeros(counted.dimension), np.ones(counted.dimension)),
        vectorized=True,
        updating="deferred",
        polish=False,
        tol=0.0,
        maxiter=1_000_000,
        rng=SEED,
        callback=halt,
    )
    return counted.line("SciPy differential_evolution")


class OverError(Exception):
    """The time is over."""


def annealing(problem: Problem, seconds: float) -> Line:
    """Run SciPy's dual annealing."""
    counted = Counted(problem, seconds)

    def function(point: Floats) -> float:
        if counted.over:
            raise OverError
        return counted.one(point)

    with contextlib.suppress(OverError):
        dual_annealing(function, [(0.0, 1.0)] * counted.dimension, maxiter=1_000_000, rng=SEED)
    return counted.line("SciPy dual_annealing")


def parzen(problem: Problem, seconds: float) -> Line:
    """Run Optuna's tree-structured Parzen estimator."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    counted = Counted(problem, seconds)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=SEED))

    def objective(trial: optuna.Trial) -> float:
        return counted.one(np.array([trial.suggest_float(f"x{i}", 0.0, 1.0) for i in range(counted.dimension)]))

    study.optimize(objective, timeout=seconds)
    return counted.line("Optuna TPE")


def pymoo(problem: Problem, seconds: float) -> Line:
    """Run pymoo's genetic algorithm."""
    algorithm = importlib.import_module("pymoo.algorithms.soo.nonconvex.ga").GA(pop_size=200)
    base = importlib.import_module("pymoo.core.problem").Problem
    counted = Counted(problem, seconds)

    class Function(base):  # type: ignore[misc, valid-type]
        def _evaluate(self, points: Floats, out: dict[str, Any], *_args: Any, **_kwargs: Any) -> None:
            out["F"] = counted.many(points)

    function = Function(n_var=counted.dimension, n_obj=1, xl=0.0, xu=1.0)
    importlib.import_module("pymoo.optimize").minimize(function, algorithm, ("time", seconds), seed=SEED)
    return counted.line("pymoo GA")


def scip(problem: Problem, seconds: float) -> Line:
    """Let SCIP choose one coordinate of the best design on a piecewise linear curve of the exact model."""
    begin = time.monotonic()
    model = importlib.import_module("pyscipopt").Model()
    best = search(problem, seed=SEED, time_limit_s=0.25 * seconds).candidates[0]
    places = np.linspace(0.0, 1.0, 101)
    points = np.tile(best.coordinates, (len(places), 1))
    points[:, problem.free.index("radiator_area_m2")] = places
    scored = problem.score(problem.designs(points, best.combination), problem.scored_outcomes)
    values = scored.objective[scored.feasible]
    shares = [model.addVar(vtype="B") for _ in values]
    model.addCons(sum(shares) == 1)
    model.setObjective(sum(float(v) * s for v, s in zip(values, shares, strict=True)))
    model.setParam("limits/time", seconds)
    model.hideOutput()
    model.optimize()
    sign = 1.0 if problem.sense == "minimise" else -1.0
    found, bound = sign * model.getObjVal(), sign * model.getDualbound()
    gap = abs(found - bound) / abs(found)
    return Line("SCIP (radiator area only)", found, bound, gap, len(places), time.monotonic() - begin)


def narrowed(problem: Problem) -> Problem:
    """Return the problem with the categories of the best combination that a short search finds."""
    best = search(problem, seed=SEED, time_limit_s=10.0).candidates[0].combination
    fixed = {name: Fixed(best[name]) for name in CATEGORIES if isinstance(problem.space[name], Choice)}
    return dataclasses.replace(problem, space={**problem.space, **fixed})


CONTENDERS: dict[Callable[[Problem, float], Line], str] = {
    ours: "dawndusk",
    population: "dawndusk",
    evolution: "scipy",
    annealing: "scipy",
    parzen: "optuna",
    pymoo: "pymoo",
    scip: "pyscipopt",
}


def main() -> None:
    """Run every contender on one study and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("study", nargs="?", default="orbit-200mw")
    parser.add_argument("--combination", choices=("one", "all"), default="one")
    parser.add_argument("--seconds", type=float, default=30.0)
    chosen = parser.parse_args()
    problem = problem_of(read_study(chosen.study))
    problem = narrowed(problem) if chosen.combination == "one" else problem
    print(
        f"{chosen.study}: {problem.sense} {problem.objective}, {len(problem.combinations())} combinations", flush=True
    )
    lines = []
    for run, package in CONTENDERS.items():
        try:
            importlib.import_module(package)
        except ImportError:
            print(f"  skipped {run.__name__}: {package} is not installed")
            continue
        with np.errstate(all="ignore"):
            lines.append(run(problem, chosen.seconds))
    print(f"{'':30} {'objective':>12} {'bound':>12} {'gap':>8} {'designs':>12} {'seconds':>8}")
    for line in lines:
        bound = "none" if line.bound is None else f"{line.bound:.6g}"
        gap = "none" if line.gap is None else f"{line.gap:.2%}"
        print(f"{line.name:30} {line.objective:12.6g} {bound:>12} {gap:>8} {line.designs:12,} {line.seconds:8.1f}")


if __name__ == "__main__":
    main()
