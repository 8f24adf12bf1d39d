"""A model as one matrix in HiGHS: written once, solved with starts, other objectives, prices and bounds.

Pyomo's own interface keeps a model between solves but takes no start. A search that knows a good plan has the solver
begin with it, and one that looks for ranges only moves the objective.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler

from dawndusk.optimize.plan.solve.highs import LEAST_TIME_S, THREADS, SolverAnswer

Floats = NDArray[np.float64]
Terms = list[tuple[float, Any]]

WORDS = {
    highspy.HighsModelStatus.kOptimal: "optimal",
    highspy.HighsModelStatus.kTimeLimit: "time limit",
    highspy.HighsModelStatus.kInfeasible: "infeasible",
    highspy.HighsModelStatus.kUnboundedOrInfeasible: "infeasible",  # every objective here is bounded
    highspy.HighsModelStatus.kUnbounded: "unbounded",
    highspy.HighsModelStatus.kInterrupt: "interrupted",
    highspy.HighsModelStatus.kSolutionLimit: "solution limit",
}

DUAL, PRIMAL = 1, 4
"""HiGHS's option ``simplex_strategy``. Where only the objective moves, the last basis stays feasible: primal simplex
takes a fifth of the time there."""


class MatrixModel:
    """One Pyomo model as a matrix in HiGHS. What is fixed in the model is fixed; later changes are made here."""

    def __init__(self, model: Any, *, seed: int = 1) -> None:
        self.model, self.seed = model, seed
        self.form = LinearStandardFormCompiler().write(model, mixed_form=True)
        self.columns = self.form.columns
        self.number = {id(column): k for k, column in enumerate(self.columns)}
        self.offset = float(np.ravel(self.form.c_offset)[0])
        self.cost = np.asarray(self.form.c.todense()).ravel()
        price = model.find_component("worth_price")
        self.priced_at = 0.0 if price is None else float(price.value)
        self.lp = lp_of(self.form, len(self.columns))
        self.whole = np.array([column.is_integer() or column.is_binary() for column in self.columns])
        self.highs: Any = highspy.Highs()  # type: ignore[no-untyped-call]
        self.relaxed: bool | None = None
        self.enough = math.inf
        self.bound = -math.inf
        self.highs.cbMipInterrupt += self._watch

    def __len__(self) -> int:
        return len(self.columns)

    def price(self, worth_price: float) -> None:
        """Set the price of worth in the objective."""
        self.model.worth_price.set_value(worth_price)
        for variable in self.model.consumed.values():
            k = self.number.get(id(variable))
            if k is not None:
                self.cost[k] += self.priced_at - worth_price
        self.priced_at = worth_price

    def _watch(self, event: Any) -> None:
        """Stop a solve whose bound is enough; keep the bound, which no answer has after that."""
        self.bound = max(self.bound, float(event.data_out.mip_dual_bound))
        if self.bound >= self.enough:
            event.interrupt()

    def values_of(self, named: Iterable[tuple[Any, float]]) -> tuple[NDArray[np.int32], Floats]:
        """Return columns and values of variables; those that are fixed have none."""
        pairs = [(self.number[id(v)], value) for v, value in named if id(v) in self.number]
        return np.array([k for k, _ in pairs], dtype=np.int32), np.array([value for _, value in pairs])

    def solve(
        self,
        *,
        time_limit_s: float,
        rel_gap: float = 0.0,
        abs_gap: float = 1e-6,
        relaxed: bool = False,
        start: Iterable[tuple[Any, float]] = (),
        enough: float = math.inf,
        options: Mapping[str, Any] | None = None,
    ) -> SolverAnswer:
        """Solve; with ``relaxed`` without whole numbers.

        Parameters
        ----------
        start : iterable of (variable, value)
            Values of some or all of the whole variables, to begin with.
        enough : float
            Bound with which the solve may end, as ``optimal``.
        """
        self.enough, self.bound = enough, -math.inf
        self._pass(relaxed=relaxed)
        stated = {
            "output_flag": False,
            "threads": THREADS,
            "random_seed": self.seed,
            "time_limit": self.highs.getRunTime() + max(time_limit_s, LEAST_TIME_S),
            "mip_rel_gap": rel_gap,
            "simplex_strategy": DUAL,
            "mip_abs_gap": abs_gap,
            **(options or {}),
        }
        for name, value in stated.items():
            self.highs.setOptionValue(name, value)
        places, values = self.values_of(start)
        if len(places) and not relaxed:
            self.highs.setSolution(len(places), places, values)
        if self.highs.HandleKeyboardInterrupt is relaxed:  # a thread for each solve, which a small one is not worth
            self.highs.HandleKeyboardInterrupt = not relaxed
        self.highs.run()
        return self._answer(relaxed=relaxed)

    def _pass(self, *, relaxed: bool) -> None:
        """Hand the matrix over once, and the objective as it is now."""
        count = len(self.columns)
        if self.relaxed is None:
            self.highs.setOptionValue("output_flag", False)
            self.highs.passModel(self.lp)
        if self.relaxed is not relaxed:
            kinds = np.where(self.whole & (not relaxed), 1, 0).astype(np.uint8)
            self.highs.changeColsIntegrality(count, np.arange(count, dtype=np.int32), kinds)
            self.relaxed = relaxed
        self.highs.changeColsCost(count, np.arange(count, dtype=np.int32), self.cost)
        self.highs.changeObjectiveOffset(self.offset)

    def _answer(self, *, relaxed: bool) -> SolverAnswer:
        status = WORDS.get(self.highs.getModelStatus(), "failed")
        info, solution = self.highs.getInfo(), self.highs.getSolution()
        found = info.primal_solution_status == FEASIBLE
        objective = float(info.objective_function_value) if found else None
        bound = float(info.mip_dual_bound) if not relaxed and self.whole.any() else None
        if bound is None and status == "optimal":
            bound = objective
        if status == "interrupted" and self.bound >= self.enough:
            status, bound = "optimal", max(self.bound, bound if bound is not None else -math.inf)
        if bound is not None and not np.isfinite(bound):
            bound = None
        return SolverAnswer(status, objective, bound, np.array(solution.col_value) if found else None)

    def load(self, answer: SolverAnswer) -> None:
        """Put the values of an answer on the variables of the model."""
        for column, value in zip(self.columns, answer.values, strict=True):
            column.set_value(float(value), skip_validation=True)

    def only_better_than(self, objective: float) -> None:
        """Add the row that keeps only what is at least as good as an objective."""
        self._pass(relaxed=True)
        places = np.flatnonzero(self.cost).astype(np.int32)
        self.highs.addRow(-highspy.kHighsInf, objective - self.offset, len(places), places, self.cost[places])

    def least(self, terms: Terms, sign: float, time_limit_s: float) -> float | None:
        """Return the least of ``sign`` times a sum in the relaxation, None where that is not proved in time."""
        aim = np.zeros(len(self.columns))
        for coefficient, variable in terms:
            aim[self.number[id(variable)]] += sign * coefficient
        kept, offset = self.cost, self.offset
        self.cost, self.offset = aim, 0.0
        answer = self.solve(time_limit_s=time_limit_s, relaxed=True, options={"simplex_strategy": PRIMAL})
        self.cost, self.offset = kept, offset
        return answer.objective if answer.status == "optimal" else None

    def is_impossible(self, family: Any, number: int, time_limit_s: float) -> bool:
        """Return whether the relaxation has no solution with a variable of a family at zero."""
        variable = list(family.values())[number]
        k = self.number.get(id(variable))
        if k is None:
            return False
        self.highs.changeColBounds(k, 0.0, 0.0)
        kept = self.cost
        self.cost = np.zeros(len(kept))
        answer = self.solve(time_limit_s=time_limit_s, relaxed=True)
        self.cost = kept
        self.highs.changeColBounds(k, 0.0, 1.0)
        return answer.status == "infeasible"

    def reduced_costs(self) -> Floats:
        """Return the reduced costs of the last relaxation."""
        return np.array(self.highs.getSolution().col_dual)


FEASIBLE = 2
"""HiGHS's ``primal_solution_status`` of a point that meets every row."""


def lp_of(form: Any, count: int) -> highspy.HighsLp:
    """Return a standard form as a linear programme without an objective."""
    matrix = form.A.tocsr()
    low, high = np.full(matrix.shape[0], -highspy.kHighsInf), np.full(matrix.shape[0], highspy.kHighsInf)
    for k, (row, rhs) in enumerate(zip(form.rows, form.rhs, strict=True)):
        if row.bound_type >= 0:
            high[k] = rhs
        if row.bound_type <= 0:
            low[k] = rhs
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = count, matrix.shape[0]
    lp.col_cost_ = np.zeros(count)
    bounds = [column.bounds for column in form.columns]
    lp.col_lower_ = np.array([-highspy.kHighsInf if a is None else float(a) for a, _ in bounds])
    lp.col_upper_ = np.array([highspy.kHighsInf if b is None else float(b) for _, b in bounds])
    lp.row_lower_, lp.row_upper_ = low, high
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = matrix.indptr.astype(np.int32)
    lp.a_matrix_.index_ = matrix.indices.astype(np.int32)
    lp.a_matrix_.value_ = matrix.data
    return lp
