"""The second lower bound of a certificate: linear models of the physics in logarithms, solved by HiGHS.

Independent of the exact search: it shares with it the recorded physics, its forward arithmetic and the tangents of sums
of curves, but no plane worked out backwards, no box, no leaf and no bound. Every model is an outer one, so what it can
not reach no design can reach. Categories, whole numbers and curves that bend the wrong way are branched on: parts of
the problem are cut in two where the solution of the linear model of a part is furthest from the physics, lowest bound
first, and each part is narrowed by what can still beat the best design known (``tree``, ``node``).

Every bound is computed from the multipliers of a linear programme, so that it is safe whatever the tolerances of the
solver (see ``engine``). The same rows with binaries are handed out as a mixed-integer model (``mixed_integer``).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dawndusk.models.design import Design
from dawndusk.optimize.certify.branch.boxes import Bounder
from dawndusk.optimize.certify.graph.operations import reached, reads
from dawndusk.optimize.certify.graph.statement import STEPWISE, Statement, state
from dawndusk.optimize.certify.lp.designs import best_near
from dawndusk.optimize.certify.lp.mixed_integer.case import CombinationModel
from dawndusk.optimize.certify.lp.mixed_integer.pyomo_model import node_names, pyomo_model, write_model
from dawndusk.optimize.certify.lp.model.columns import propagated
from dawndusk.optimize.certify.lp.tree import SearchTree, Subproblem
from dawndusk.optimize.certify.lp.work import Modelling
from dawndusk.optimize.certify.safety import safe
from dawndusk.optimize.certify.translate.builder import Builder
from dawndusk.optimize.execution.backends import open_executor
from dawndusk.optimize.execution.executor import Executor
from dawndusk.optimize.heuristics.evolution import search
from dawndusk.optimize.problem import Combination, Problem
from dawndusk.optimize.result import BoundStatus, SecondBound

SEARCH_SHARE = 0.15
MOST_SEARCH_S = 6.0
TARGET_SHARE = 0.98
"""Only designs better than the cutoff by this share of the gap are looked for: where there are none, it is closed."""
TRIED_EVERY_S = 2.0
"""How often designs are tried near the solution of a model."""


@dataclass(frozen=True)
class MilpProgress:
    """Where a second bound stands: bound and incumbent in the units of the objective, and combinations still open."""

    seconds: float
    bound: float
    objective: float | None
    open_combinations: int
    words: str


class _Search:
    """The state of one second bound. Scores are nodes of the graph: logarithms where the objective is positive."""

    def __init__(
        self,
        context: Modelling,
        executor: Executor[Modelling],
        gap: float,
        deadline: float,
        report: Callable[[MilpProgress], None],
    ) -> None:
        self.begin = self.tried = time.monotonic()
        self.statement, self.gap, self.deadline, self.report = context.statement, gap, deadline, report
        self.graph = context.graph
        self.names = node_names(context.statement, context.builder)
        self.tree = SearchTree(context, executor)
        self.generator = np.random.default_rng(0)
        self.score = self.cutoff = np.inf
        self.design: Design | None = None
        self.is_interrupted = False

    # -- scores ---------------------------------------------------------------------------------------------------

    def score_of(self, objective: float) -> float:
        """Return the score of an objective in its units."""
        sign = self.statement.sign
        return sign * float(np.log(objective)) if self.graph.logarithm else sign * objective

    def objective_of(self, score: float) -> float:
        """Return the objective of a score, in its units."""
        sign = self.statement.sign
        return float(np.exp(sign * score)) if self.graph.logarithm else sign * score

    def distance(self, low: float, high: float) -> float:
        """Return the relative gap between two scores."""
        if self.graph.logarithm:
            return float(-np.expm1(low - high))
        return (high - low) / max(abs(high), 1e-9)

    @property
    def target(self) -> float:
        """The score below which designs are looked for."""
        if not np.isfinite(self.cutoff):
            return np.inf
        less = self.gap * TARGET_SHARE
        return self.cutoff + float(np.log1p(-less)) if self.graph.logarithm else self.cutoff - less * abs(self.cutoff)

    def offer(self, objective: float, design: Design | None) -> None:
        """Take a design that is known to be feasible, or its objective, for the incumbent if it is better."""
        score = self.score_of(objective)
        if score < self.score:
            self.score, self.design = score, design
        self.cutoff = min(self.cutoff, score)

    # -- steps ----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Raise the lowest bound until the gap is closed or the time is over."""
        tree = self.tree
        tree.start(self.target, self.deadline)
        self._tell()
        while tree.queue and time.monotonic() < self.deadline and not self.is_interrupted:
            tree.step(self.target, self.deadline)
            if tree.queue and time.monotonic() > self.tried + TRIED_EVERY_S:
                self._try(tree.queue[0])
                self.tried = time.monotonic()
            self._tell()

    def _tell(self) -> None:
        if np.isfinite(self.tree.lowest):
            seconds, objective = time.monotonic() - self.begin, self.objective_of(self.tree.lowest)
            known = self.objective_of(self.score) if np.isfinite(self.score) else None
            try:
                self.report(MilpProgress(seconds, objective, known, self.tree.combinations, self.words))
            except KeyboardInterrupt:  # between two steps, so that no part is lost
                self.is_interrupted = True

    def _try(self, part: Subproblem) -> None:
        """Look for designs near the solution of the model of a part."""
        if part.found.values is None:
            return
        point = part.found.values[: len(self.statement.coordinates)]
        with np.errstate(all="ignore"):
            found = best_near(self.statement, point, part.combination, self.generator)
        if found is not None:
            self.offer(self.statement.sign * found[0], found[1])

    # -- result ---------------------------------------------------------------------------------------------------

    @property
    def words(self) -> str:
        """What the solver said last."""
        return self.tree.latest.words if self.tree.latest else ""

    def result(self) -> SecondBound:
        """Return what was proved."""
        tree = self.tree
        low = safe(min(tree.lowest, self.cutoff))
        known = np.isfinite(self.score)
        gap = max(self.distance(low, self.score), 0.0) if known and np.isfinite(low) else None
        rows, columns = tree.size
        return SecondBound(
            status=self._status(low),
            bound=self.objective_of(low) if np.isfinite(low) else None,
            objective=self.objective_of(self.score) if known else None,
            design=self.design,
            gap=gap,
            seconds=time.monotonic() - self.begin,
            rounds=tree.bounded,
            pieces=len(tree.queue) + len(tree.stuck),
            columns=columns,
            rows=rows,
            open_combinations=tree.combinations,
            stalled_at=self._stalled_at(),
            solver_words=self.words,
        )

    def _status(self, low: float) -> BoundStatus:
        if self.tree.queue:
            return "interrupt" if self.is_interrupted else "time limit"
        if any(part.bound < self.target for part in self.tree.stuck):
            return "failed"
        return "bounded" if np.isfinite(low) else "infeasible"

    def _stalled_at(self) -> str:
        open_ = [part for part in (*self.tree.queue, *self.tree.stuck) if part.found.shortfalls]
        if not open_:
            return "no linear model was solved in time" if self.tree.queue else ""
        part = min(open_)
        node, error = max(part.found.shortfalls.items(), key=lambda item: item[1])
        operation = self.graph.operations[node]
        kind = getattr(getattr(operation, "curve", None), "name", type(operation).__name__.lower())
        where = ", ".join(self.statement.combinations[part.combination].values())
        return f"{self._name_of(node)} ({kind}), {error:.2g} of the score, at {where}"

    def _name_of(self, node: int) -> str:
        """Return the name of a node, or of the first outcome behind it that has one."""
        behind = {node}
        for later in range(node, len(self.graph.operations)):
            if later in behind or behind.intersection(reads(self.graph, later)):
                if later in self.names:
                    name = self.names[later].removeprefix("log_")
                    return name if later == node else f"a part of {name}"
                behind.add(later)
        return "a part of the objective"


def second_bound(
    problem: Problem | Statement,
    *,
    gap: float = 2e-3,
    time_limit_s: float = 45.0,
    cutoff: float | None = None,
    design: Design | None = None,
    workers: int | None = None,
    cluster: str | None = None,
    report: Callable[[MilpProgress], None] = lambda _: None,
) -> SecondBound:
    """Prove a lower bound on the objective (an upper one where it is made large), without the exact search.

    Parameters
    ----------
    problem : Problem or Statement
        What is to be bounded.
    gap : float
        Relative gap between bound and incumbent at which to stop.
    time_limit_s : float
        Wall time. The search for a first design is part of it.
    cutoff : float, optional
        Objective of a design that is known to be feasible. Without it a short evolutionary search looks for one.
    design : Design, optional
        The design of ``cutoff``, handed back if no better one is found.
    workers : int, optional
        Processes that bound parts; as many as there are cores by default. 0 and 1 do it in this one.
    cluster : str, optional
        Address of a Dask cluster whose workers bound parts instead.
    report : callable, optional
        Called after every step.

    Raises
    ------
    ExecutionError
        For a number of workers that makes no sense, or a cluster that does not answer.
    TaskError
        Where workers died on a part again and again.
    """
    deadline = time.monotonic() + time_limit_s
    context = Modelling(problem.problem if isinstance(problem, Statement) else problem)
    with open_executor(1 if workers == 0 else workers, context=context, cluster=cluster) as executor:
        run = _Search(context, executor, gap, deadline, report)
        if cutoff is not None:
            run.offer(cutoff, design)
        else:
            found = search(
                context.problem,
                seed=0,
                time_limit_s=min(SEARCH_SHARE * time_limit_s, MOST_SEARCH_S),
                most_designs=10**9,
            )
            if found.objective is not None:
                run.offer(found.objective, found.design)
        run.run()
        return run.result()


def milp_model(
    problem: Problem | Statement,
    combination: Combination | None = None,
    *,
    pieces: int = 4,
    cutoff: float | None = None,
) -> Any:
    """Return the mixed-integer linear model of one combination in Pyomo.

    Parameters
    ----------
    problem : Problem or Statement
        What is to be modelled.
    combination : mapping of str to str, optional
        Name of each category; the first combination of the problem if left out.
    pieces : int
        Times that the curves with the largest shortfall are refined from the solution of the linear relaxation.
    cutoff : float, optional
        Leave out designs whose objective is known to be worse than this.

    Raises
    ------
    ValueError
        For a combination that the problem does not have.
    """
    statement = state(problem.problem if isinstance(problem, Statement) else problem, STEPWISE)
    known = [dict(c) for c in statement.combinations]
    if combination is not None and dict(combination) not in known:
        raise ValueError(f"combination: found {dict(combination)}; allowed: one of the {len(known)} of the problem")
    number = known.index(dict(combination)) if combination is not None else 0
    root = Bounder(statement).root()
    builder = Builder(statement, root.low, root.high)
    graph = builder.build()
    found = propagated(graph, (number,), (root.low[:, number], root.high[:, number]), None)
    if found is None:
        raise ValueError("combination: found one that no design can meet; allowed: one with designs")
    case = CombinationModel(graph, reached(graph), *found)
    if cutoff is not None:
        case.limit(statement.sign * float(np.log(cutoff)) if graph.logarithm else statement.sign * cutoff)
    for _ in range(pieces):
        solved = case.solve_linear()
        if solved.values is None:
            break
        case.refine(solved, 0.1 * sum(solved.shortfalls.values()))
    return pyomo_model(case.model(), node_names(statement, builder))


__all__ = ["MilpProgress", "SecondBound", "milp_model", "second_bound", "write_model"]
