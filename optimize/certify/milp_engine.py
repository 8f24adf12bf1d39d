"""Linear programmes of a relaxation in HiGHS, solved again and again with another objective; every bound is safe.

A bound is not the solver's objective but what its dual values prove when they are multiplied out, so it holds whatever
the solver's tolerances. Source: Neumaier, Shcherbina, Safe bounds in linear and mixed-integer linear programming, 2004.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import vstack

from dawndusk.optimize.certify.milp_columns import LinearRow
from dawndusk.optimize.certify.milp_relaxation import Relaxation

Floats: TypeAlias = NDArray[np.float64]

THREADS = 2
"""One number for every solve of a process: HiGHS refuses another one once it has started."""
FEASIBILITY = 1e-9
DUAL_SIMPLEX, PRIMAL_SIMPLEX = 1, 4
"""With another objective the last point stays feasible, so the primal method goes on from there."""
SAFE = 1e-13
"""What is taken off every safe bound for the rounding of multiplying it out, per unit of the terms summed."""
HIGHS_OK = highspy.HighsModelStatus.kOptimal
HIGHS_EMPTY = highspy.HighsModelStatus.kInfeasible


@dataclass(frozen=True, eq=False)
class Answer:
    """A proved lower bound (infinite where there is no point), and a point in scaled columns if there is one."""

    bound: float
    point: Floats | None
    words: str


class Engine:
    """One linear relaxation in HiGHS."""

    def __init__(self, relaxation: Relaxation, *, time_limit_s: float = 10.0, dual: bool = False) -> None:
        self.relaxation = relaxation
        self.matrix, self.row_low, self.row_high = relaxation.system()
        self.transposed = self.matrix.T.tocsr()
        self.low, self.high = relaxation.low.copy(), relaxation.high.copy()
        self.time_limit_s = time_limit_s
        self.solves = 0
        self.solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
        self._set_options(DUAL_SIMPLEX if dual else PRIMAL_SIMPLEX)
        self._taken(self.solver.passModel(self._lp()))

    def _set_options(self, simplex: int) -> None:
        for name, value in (
            ("output_flag", False),
            ("presolve", "off"),
            ("solver", "simplex"),
            ("threads", THREADS),
            ("simplex_strategy", simplex),
            ("time_limit", self.time_limit_s),
            ("primal_feasibility_tolerance", FEASIBILITY),
            ("dual_feasibility_tolerance", FEASIBILITY),
        ):
            self.solver.setOptionValue(name, value)

    def _lp(self) -> highspy.HighsLp:
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = self.matrix.shape[1], self.matrix.shape[0]
        lp.col_cost_ = np.zeros(lp.num_col_)
        lp.col_lower_, lp.col_upper_ = self.low, self.high
        lp.row_lower_, lp.row_upper_ = self.row_low, self.row_high
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = self.matrix.indptr.astype(np.int32)
        lp.a_matrix_.index_ = self.matrix.indices.astype(np.int32)
        lp.a_matrix_.value_ = self.matrix.data
        return lp

    def add(self, rows: list[LinearRow]) -> None:
        """Add rows."""
        matrix, low, high = self.relaxation.matrix(rows)
        self.relaxation.rows.extend(rows)
        start, index = matrix.indptr[:-1].astype(np.int32), matrix.indices.astype(np.int32)
        self._taken(self.solver.addRows(len(rows), low, high, matrix.nnz, start, index, matrix.data))
        self.matrix = vstack([self.matrix, matrix]).tocsr()
        self.transposed = self.matrix.T.tocsr()
        self.row_low, self.row_high = np.concatenate([self.row_low, low]), np.concatenate([self.row_high, high])

    def _taken(self, status: highspy.HighsStatus) -> None:
        if status == highspy.HighsStatus.kError:
            raise RuntimeError("HiGHS takes no such rows or columns")

    def limit(self, place: int, low: float, high: float) -> None:
        """Set the range of a scaled column."""
        self.low[place], self.high[place] = low, high
        self.solver.changeColBounds(place, low, high)

    def minimise(self, cost: Floats) -> Answer:
        """Return the least of a linear function of the scaled columns."""
        self.solves += 1
        count = len(cost)
        self.solver.changeColsCost(count, np.arange(count, dtype=np.int32), cost)
        self.solver.run()
        status = self.solver.getModelStatus()
        words = self.solver.modelStatusToString(status)
        if status == HIGHS_OK:
            solution = self.solver.getSolution()
            return Answer(self.safe(cost, np.array(solution.row_dual)), np.array(solution.col_value), words)
        if status == HIGHS_EMPTY:
            return Answer(self._proved_empty(), None, words)
        return Answer(-np.inf, None, words)

    def _proved_empty(self) -> float:
        """Return infinity where a combination of rows proves that there is no point."""
        found = self.solver.getDualRay()
        ray = np.array(found[-1]) if len(found) > 1 and found[1] else np.zeros(0)
        if len(ray) != self.matrix.shape[0]:
            return -np.inf
        largest = float(np.max(np.abs(ray), initial=0.0))
        if largest == 0.0:
            return -np.inf
        for sign in (1.0, -1.0):
            if self.safe(np.zeros(self.matrix.shape[1]), sign * ray / largest) > 0.0:
                return np.inf
        return -np.inf

    def kept(self, dual: Floats) -> Floats:
        """Return multipliers, zero where they stand for an end that a row does not have."""
        dual = np.where((dual > 0.0) & ~np.isfinite(self.row_low), 0.0, dual)
        found: Floats = np.where((dual < 0.0) & ~np.isfinite(self.row_high), 0.0, dual)
        return found

    def safe(self, cost: Floats, dual: Floats) -> float:
        """Return the lower bound on ``cost . u`` that multipliers of the rows prove."""
        dual = self.kept(dual)
        ends = np.where(dual > 0.0, self.row_low, self.row_high)
        parts = np.where(dual == 0.0, 0.0, dual * np.where(dual == 0.0, 0.0, ends))
        rest = cost - self.transposed @ dual
        columns = np.where(rest > 0.0, rest * self.low, rest * self.high)
        size = 1.0 + float(np.abs(parts).sum() + np.abs(columns).sum())
        return float(parts.sum() + columns.sum()) - SAFE * size
