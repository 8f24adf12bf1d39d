"""Linear programmes of a relaxation in HiGHS, solved again and again with another objective; every bound is safe.

What is solved is the dual programme: it has a row for each of the few columns and a column for each of the many rows
and ends, and another objective is another right-hand side, from which the dual simplex method goes on. Multipliers have
a ceiling, so that there always is a solution: where the ranges hold no point it proves a bound beyond their reach.

A bound is not the solver's objective but what the multipliers prove when they are multiplied out, so it holds whatever
the solver's tolerances. Source: Neumaier, Shcherbina, Safe bounds in linear and mixed-integer linear programming, 2004.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import vstack

from dawndusk.optimize.certify.lp.model.columns import LinearRow
from dawndusk.optimize.certify.lp.model.relaxation import Relaxation
from dawndusk.optimize.certify.lp.solver import OPTIMAL, solver

Floats: TypeAlias = NDArray[np.float64]
Whole: TypeAlias = NDArray[np.intp]

DEAREST = 1e6
"""Ceiling on the multipliers of scaled rows and ends, per unit of the largest cost."""
TINY = 1e-300
SAME = 1e-9
"""Scaled rows with ends as near as this are equations."""
DUAL_SIMPLEX, PRIMAL_SIMPLEX = 1, 4
"""The dual method goes on from another right-hand side, the primal one where columns have come in."""
OFF, BY_COLUMN = 0, 1
NEAR = 1e-7
WORTH_MOVING = 0.2
"""Share of the way to the least that may be in which an earlier solution has to be ahead to go on from there."""
UNIT = 2.0**-53
"""Rounding of one operation, relative to its result."""
SLACK = 1.01
"""Covers ``1 / (1 - n u)`` and the rounding of the error bound itself."""
EMPTY = "Infeasible"


@dataclass(frozen=True, eq=False)
class LpAnswer:
    """A proved lower bound (infinite where there is no point), and a point in scaled columns if there is one."""

    bound: float
    point: Floats | None
    words: str


class LpSolver:
    """One linear relaxation in HiGHS.

    Attributes
    ----------
    multipliers : array
        Of the rows, from the last objective; above zero where the lower end of a row binds.
    """

    def __init__(self, relaxation: Relaxation, *, time_limit_s: float = 10.0) -> None:
        self.relaxation = relaxation
        self.matrix, self.row_low, self.row_high = relaxation.system()
        self.transposed = self.matrix.T.tocsr()
        self.low, self.high = relaxation.low.copy(), relaxation.high.copy()
        self.multipliers: Floats = np.zeros(len(self.row_low))
        self._cost = np.zeros(len(self.low))
        self._visited: list[tuple[Floats, Any]] = []
        self.solver: Any = solver()
        self._set_options(time_limit_s)
        self._taken(self.solver.passModel(self._lp()))

    def _set_options(self, time_limit_s: float) -> None:
        for name, value in (
            ("simplex_strategy", DUAL_SIMPLEX),
            ("simplex_scale_strategy", OFF),
            ("simplex_price_strategy", BY_COLUMN),
            ("dual_simplex_cost_perturbation_multiplier", float(OFF)),
            ("time_limit", time_limit_s),
        ):
            self.solver.setOptionValue(name, value)

    def _lp(self) -> highspy.HighsLp:
        """Return the dual programme: the ends of the columns, then what the rows give."""
        count = len(self.low)
        self._rows, self._signs, ends = _priced(self.row_low, self.row_high, 0)
        start, index, value = self._columns(self._rows, self._signs)
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = 2 * count + len(ends), count
        lp.col_cost_ = np.concatenate([-self.low, self.high, -ends])
        lp.col_lower_ = np.concatenate([np.zeros(2 * count), _cheapest(self._signs)])
        lp.col_upper_ = np.full(lp.num_col_, DEAREST)
        lp.row_lower_ = lp.row_upper_ = self._cost
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_ = np.concatenate([np.arange(2 * count), 2 * count + start]).astype(np.int32)
        lp.a_matrix_.index_ = np.concatenate([np.tile(np.arange(count), 2), index]).astype(np.int32)
        lp.a_matrix_.value_ = np.concatenate([np.ones(count), -np.ones(count), value])
        return lp

    def _columns(self, rows: Whole, signs: Floats) -> tuple[Whole, Whole, Floats]:
        """Return starts, indices and values of the columns that stand for rows."""
        lengths = np.diff(self.matrix.indptr)[rows]
        start = np.concatenate([[0], np.cumsum(lengths)])
        entries = np.repeat(self.matrix.indptr[rows] - start[:-1], lengths) + np.arange(start[-1])
        sign = np.repeat(np.where(signs == 0.0, 1.0, signs), lengths)
        return start, self.matrix.indices[entries], sign * self.matrix.data[entries]

    def add(self, rows: list[LinearRow]) -> None:
        """Add rows."""
        matrix, low, high = self.relaxation.matrix(rows)
        self.relaxation.rows.extend(rows)
        before = len(self.row_low)
        self.matrix = vstack([self.matrix, matrix]).tocsr()
        self.transposed = self.matrix.T.tocsr()
        self.row_low, self.row_high = np.concatenate([self.row_low, low]), np.concatenate([self.row_high, high])
        numbers, signs, ends = _priced(low, high, before)
        start, index, value = self._columns(numbers, signs)
        most, starts = np.full(len(ends), DEAREST), start[:-1].astype(np.int32)
        self._taken(
            self.solver.addCols(
                len(ends), -ends, _cheapest(signs), most, len(index), starts, index.astype(np.int32), value
            )
        )
        self._rows, self._signs = np.concatenate([self._rows, numbers]), np.concatenate([self._signs, signs])
        self._visited = []
        self.solver.setOptionValue("simplex_strategy", PRIMAL_SIMPLEX)

    def _taken(self, status: highspy.HighsStatus, words: str = "takes no such rows or columns") -> None:
        if status == highspy.HighsStatus.kError:
            raise RuntimeError(f"HiGHS {words}: {self.solver.modelStatusToString(self.solver.getModelStatus())}")

    def limit(self, place: int, low: float, high: float) -> None:
        """Set the range of a scaled column."""
        self.low[place], self.high[place] = low, high
        self.solver.changeColCost(place, -low)
        self.solver.changeColCost(len(self.low) + place, high)

    def minimise(self, cost: Floats) -> LpAnswer:
        """Return the least of a linear function of the scaled columns."""
        size = float(np.max(np.abs(cost), initial=TINY))
        unit = cost / size
        for place in np.flatnonzero(unit != self._cost):
            self.solver.changeRowBounds(int(place), float(unit[place]), float(unit[place]))
        self._cost = unit
        self._begin_near(unit)
        self._taken(self.solver.run(), "fails")
        self.solver.setOptionValue("simplex_strategy", DUAL_SIMPLEX)
        status = self.solver.getModelStatus()
        words = self.solver.modelStatusToString(status)
        if status != OPTIMAL:
            return LpAnswer(-np.inf, None, words)
        solution = self.solver.getSolution()
        priced = size * np.array(solution.col_value)[2 * len(cost) :]
        signed = np.where(self._signs == 0.0, priced, self._signs * priced)
        self.multipliers = np.bincount(self._rows, signed, len(self.row_low)).astype(np.float64)
        bound = self.safe(cost, self.multipliers)
        reach = np.maximum(cost * self.low, cost * self.high)
        if bound > float(reach.sum() + 4.0 * len(reach) * UNIT * np.abs(reach).sum()):
            return LpAnswer(np.inf, None, EMPTY)
        point = -np.array(solution.row_dual)
        self._visited.append((point, self.solver.getBasis()))
        return LpAnswer(bound, point, words)

    def _begin_near(self, cost: Floats) -> None:
        """Go on from an earlier solution where that is a good deal nearer to what is looked for than the last one."""
        if len(self._visited) < 2:  # noqa: PLR2004 (the last one is where the solver is)
            return
        points = np.array([point for point, _ in self._visited])
        inside = ((points >= self.low - NEAR) & (points <= self.high + NEAR)).all(axis=1)
        values = np.where(inside, points @ cost, np.inf)
        best, least = int(np.argmin(values)), float(np.minimum(cost * self.low, cost * self.high).sum())
        if values[best] < least + (1.0 - WORTH_MOVING) * (values[-1] - least):
            self.solver.setBasis(self._visited[best][1])

    def kept(self, dual: Floats) -> Floats:
        """Return multipliers, zero where they stand for an end that a row does not have."""
        dual = np.where((dual > 0.0) & ~np.isfinite(self.row_low), 0.0, dual)
        found: Floats = np.where((dual < 0.0) & ~np.isfinite(self.row_high), 0.0, dual)
        return found

    def safe(self, cost: Floats, dual: Floats) -> float:
        """Return the lower bound on ``cost . u`` that multipliers y of the rows ``A u`` prove.

        With ends l, h of rows and columns, ``cost . u >= sum y_i (l_i if y_i > 0 else h_i) + sum of the least of
        r_j u_j``, where ``r = cost - A' y``: whatever y is. A sum of n products is off by at most ``n u / (1 - n u)``
        of the sum of their absolute values (Higham, Accuracy and stability of numerical algorithms, 2002, chapter 3):
        that much, of r as well, is taken off.
        """
        dual = self.kept(dual)
        ends = np.where(dual > 0.0, self.row_low, self.row_high)
        parts = np.where(dual == 0.0, 0.0, dual * np.where(dual == 0.0, 0.0, ends))
        rest = cost - self.transposed @ dual
        columns = np.where(rest > 0.0, rest * self.low, rest * self.high)
        reach = np.maximum(np.abs(self.low), np.abs(self.high))
        missed = self._missed * (np.abs(cost) + abs(self.transposed) @ np.abs(dual)) * reach
        summed = UNIT * (len(parts) + len(columns) + 2) * float(np.abs(parts).sum() + np.abs(columns).sum())
        return float(parts.sum() + columns.sum()) - SLACK * (summed + float(missed.sum()))

    @property
    def _missed(self) -> Floats:
        """The rounding of each column's sum over its rows, relative to the sum of absolute values, shape (columns,)."""
        found: Floats = UNIT * (np.diff(self.transposed.indptr) + 2.0)
        return found


def _priced(low: Floats, high: Floats, first: int) -> tuple[Whole, Floats, Floats]:
    """Return for each column that stands for rows its row, its sign (0 of an equation), and what its unit proves.

    ``first`` is the number of the first row.
    """
    same = high - low < SAME
    below, above, both = (
        np.flatnonzero(chosen) for chosen in (np.isfinite(low) & ~same, np.isfinite(high) & ~same, same)
    )
    signs = np.repeat([1.0, -1.0, 0.0], [len(below), len(above), len(both)])
    ends = np.concatenate([low[below], -high[above], 0.5 * (low + high)[both]])
    return np.concatenate([below, above, both]) + first, signs, ends


def _cheapest(signs: Floats) -> Floats:
    """Return the least that the multipliers of columns can be."""
    return np.where(signs == 0.0, -DEAREST, 0.0)
