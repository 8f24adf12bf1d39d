"""Certified search beside other optimisers on one study: final quality, and bound and gap where there is one.

Run with ``python benchmarks/certify.py [study] --combination one|all --seconds 30``. SciPy and Optuna get the same
search coordinates and the same graded violations as the population search; every one of them returns a design, none a
bound. ``pymoo`` is tried the same way. SCIP gets what it can express: the recorded physics of one combination in
logarithms, which scales it well, with the variables fixed that tables are looked up in; the certified search runs on
that once more. What is not installed is skipped with a line that says so.
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

from dawndusk.models.design import CATEGORIES, DesignBatch
from dawndusk.models.physics.reliability import NODES, WEIGHTS
from dawndusk.optimize.certify.bound.affine import ForwardBounds
from dawndusk.optimize.certify.branch.boxes import Bounder
from dawndusk.optimize.certify.branch.designs import designs_at
from dawndusk.optimize.certify.graph.operations import (
    Input,
    Joint,
    Operation,
    Product,
    Rounding,
    Sum,
    Univariate,
    operands,
    reached,
)
from dawndusk.optimize.certify.graph.statement import state
from dawndusk.optimize.certify.search import certify
from dawndusk.optimize.heuristics.evolution import QUICK, search
from dawndusk.optimize.problem import Choice, Fixed, Problem
from dawndusk.optimize.progress import Progress
from dawndusk.studies.input.studyfile import read_study
from dawndusk.studies.run.design.runner import problem_of

Floats: TypeAlias = NDArray[np.float64]

GAP = 1e-3
SEED = 1
LOOKED_UP = ("altitude_km", "shielding_mm")
MOST_LOG = 700.0
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
    objective = math.nan if found.objective is None else found.objective
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
    """Let SCIP bound and solve what it can express: the recorded physics of one combination without its look-ups."""
    begin = time.monotonic()
    problem = reduced(problem)
    bounder = Bounder(state(problem))
    model = _ScipModel(bounder)
    model.optimize(seconds)
    sign = 1.0 if problem.sense == "minimise" else -1.0
    design = model.design()
    found = math.nan
    if design is not None:
        scored = problem.score(design, problem.scored_outcomes)
        found = sign * float(scored.objective[0]) if scored.feasible[0] else math.nan
    bound = model.bound()
    gap = abs(found - bound) / abs(found) if math.isfinite(found) else None
    return Line(f"SCIP, reduced ({model.model.getStatus()})", found, bound, gap, 1, time.monotonic() - begin)


def ours_reduced(problem: Problem, seconds: float) -> Line:
    """Run the certified search on what SCIP is given."""
    found = certify(reduced(problem), gap=GAP, seed=SEED, time_limit_s=seconds, audit=False)
    objective = math.nan if found.objective is None else found.objective
    return Line("certified, reduced", objective, found.bound, found.gap, found.evaluated, found.seconds)


def reduced(problem: Problem) -> Problem:
    """Return the problem with the categories and the looked-up variables of the best design of a short search."""
    best = search(problem, seed=SEED, time_limit_s=10.0, effort=QUICK).candidates[0].design
    fixed = {name: Fixed(getattr(best, name)) for name in (*CATEGORIES, *LOOKED_UP)}
    return dataclasses.replace(problem, space={**problem.space, **fixed})


class _ScipModel:
    """A graph of one combination as a model of SCIP: a variable for each node, in logarithms as the graph has them.

    Only the rounded numbers and the size of a satellite are whole; the fleet is not, so that the bound is one of more
    than the problem, and the design is rounded and evaluated exactly.
    """

    def __init__(self, bounder: Bounder) -> None:
        self.scip = importlib.import_module("pyscipopt")
        self.bounder, self.model = bounder, self.scip.Model()
        root, graph = bounder.root(), bounder.graph
        forward = ForwardBounds(root.low, root.high, root.combination, root.least, root.most, graph.limits)
        needed = reached(graph)
        forward.run(graph.operations, sorted({*needed, *reached(graph, operands)}))
        self.forward, self.x = forward, {}
        for node in needed:
            form = forward.forms[node]
            low, high = (float(np.broadcast_to(end, (1,))[0]) for end in (form.low, form.high))
            self.x[node] = self.model.addVar(lb=low, ub=high)
        for node in needed:
            self._add(node, graph.operations[node])
        for row in graph.rows:
            if row.node is not None:
                self.model.addCons(self.x[row.node] <= 0.0)
        self.model.setObjective(self.x[graph.objective])
        self.model.hideOutput()

    def optimize(self, seconds: float) -> None:
        self.model.setParam("limits/time", seconds)
        self.model.setParam("limits/gap", GAP)
        self.model.optimize()

    def bound(self) -> float:
        """Return the bound that SCIP claims, in the units of the study."""
        bound, sign = self.model.getDualbound(), self.bounder.statement.sign
        return math.exp(min(sign * bound, MOST_LOG)) if self.bounder.graph.logarithm else sign * bound

    def design(self) -> DesignBatch | None:
        """Return the design of SCIP's solution, None without one."""
        if not self.model.getNSols():
            return None
        inputs = {o.axis: s for s, o in enumerate(self.bounder.graph.operations) if isinstance(o, Input)}
        points = np.array([[self.model.getVal(self.x[inputs[axis]])] for axis in range(self.bounder.axes)])
        return designs_at(self.bounder.statement, points, np.zeros(1, dtype=np.intp))

    def _add(self, node: int, operation: Operation) -> None:
        x, here = self.x, self.forward.here
        if isinstance(operation, Input):
            c = self.bounder.statement.coordinates[operation.axis]
            if c.whole and not c.power:
                count = self.model.addVar(vtype="I", lb=0.0, ub=None)
                self.model.addCons(count == (self.scip.exp(x[node]) if c.logarithmic else x[node]))
        elif isinstance(operation, Sum):
            total = sum(float(np.ravel(here(f))[0]) * x[inner] for inner, f in operation.terms)
            self.model.addCons(x[node] == total + float(np.ravel(here(operation.constant))[0]))
        elif isinstance(operation, Univariate):
            self._bend(operation.curve.name, x[operation.node], x[node])
        elif isinstance(operation, Product):
            self.model.addCons(x[node] == x[operation.x] * x[operation.y])
        elif isinstance(operation, Rounding):
            self._round(operation, x[operation.node], x[node])
        elif isinstance(operation, Joint):
            self._served([x[inner] for inner in operation.nodes], operation.function, x[node])
        else:
            raise TypeError(f"SCIP has no {type(operation).__name__}")

    def _bend(self, name: str, x: Any, y: Any) -> None:
        exp, log = self.scip.exp, self.scip.log
        if name == "balance":
            self.model.addCons(4.0 * y == log(1.0 + exp(x + y)))
            return
        self.model.addCons(
            y
            == {
                "exp": lambda: exp(x),
                "expm1": lambda: exp(x) - 1.0,
                "log": lambda: log(x),
                "softplus": lambda: log(1.0 + exp(x)),
                "log1mexp": lambda: log(1.0 - exp(x)),
                "log_expm1": lambda: log(exp(x) - 1.0),
                "log_expm1_exp": lambda: log(exp(exp(x)) - 1.0),
                "log_spread": lambda: log((1.0 - exp(-x)) / x),
                "log_spread_exp": lambda: log(1.0 - exp(-exp(x))) - x,
                "ramp": lambda: 0.5 * (x + abs(x)),
                "square": lambda: x * x,
            }[name]()
        )

    def _round(self, operation: Rounding, inner: Any, outer: Any) -> None:
        if operation.free:
            self.model.addCons(outer == inner)
            return
        exp = self.scip.exp
        count = self.model.addVar(vtype="I", lb=0.0, ub=None)
        self.model.addCons(count == (exp(outer) if operation.logarithm else outer))
        exact = exp(inner) if operation.logarithm else inner
        below, above = (count - 1.0, count) if operation.up else (count, count + 1.0)
        self.model.addCons(exact >= below)
        self.model.addCons(exact <= above)

    def _served(self, at: list[Any], function: Any, y: Any) -> None:
        """Add the mean of what is served at the eight moments of a life that the model itself takes."""
        exp, parts = self.scip.exp, []
        exponent = function.wear_exponent
        for node, weight in zip(NODES, WEIGHTS, strict=True):
            alive = at[0] - exp(at[1]) * node - exp(at[2]) * node**exponent
            least = self.model.addVar(lb=None, ub=0.0)
            power = self.model.addVar(lb=None, ub=None)
            self.model.addCons(power == at[3] - exp(at[4]) * node)
            lesser = self.model.addVar(lb=None, ub=None)
            self.model.addCons(2.0 * lesser == alive + power - abs(alive - power))
            self.model.addCons(2.0 * least == lesser - abs(lesser))
            parts.append(weight * exp(least - exp(at[5]) * node))
        self.model.addCons(y == self.scip.log(sum(parts)))


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
    ours_reduced: "dawndusk",
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
