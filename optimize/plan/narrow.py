"""Ranges that every better plan lies in: experience by line and year, launches by vehicle.

Whatever beats the best plan known meets the relaxation with its objective as one more row. The least and the most of a
quantity over that are linear programmes, and outside of them a curve needs no pieces. Narrow ranges make chords short,
and short chords make the bound.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler

from dawndusk.models.fleet.learning import premium_after
from dawndusk.optimize.plan.frame import Frame
from dawndusk.optimize.plan.highs import THREADS
from dawndusk.optimize.plan.rows_fleet import Terms
from dawndusk.optimize.plan.rows_money import experience_terms

Floats = NDArray[np.float64]

MARGIN = 1e-4
"""Relative: what a range is widened by for the tolerances of the solver."""
OK = highspy.HighsModelStatus.kOptimal
LEAST_LP_S = 0.5


@dataclass(frozen=True, eq=False)
class Ranges:
    """Ranges of better plans: experience by line as (low, high) of shape (Y,), launches by vehicle as (low, high)."""

    learning: Mapping[str, tuple[Floats, Floats]]
    volume: Mapping[str, tuple[float, float]]


class Relaxed:
    """The relaxation of a model as a linear programme in HiGHS, minimised over and over with another objective."""

    def __init__(self, model: Any) -> None:
        form = LinearStandardFormCompiler().write(model, mixed_form=True)
        self.number = {id(column): k for k, column in enumerate(form.columns)}
        self.count = len(form.columns)
        self.objective = np.asarray(form.c.todense()).ravel()
        self.offset = float(np.ravel(form.c_offset)[0])
        self.highs: Any = highspy.Highs()  # type: ignore[no-untyped-call]
        for name, value in (("output_flag", False), ("threads", THREADS)):
            self.highs.setOptionValue(name, value)
        self.highs.passModel(lp_of(form, self.count))

    def only_better_than(self, objective: float) -> None:
        """Add the row that keeps only what is at least as good as an objective."""
        places = np.flatnonzero(self.objective).astype(np.int32)
        most = objective - self.offset
        self.highs.addRow(-highspy.kHighsInf, most, len(places), places, self.objective[places])

    def least(self, terms: Terms, sign: float, time_limit_s: float) -> float | None:
        """Return the least of ``sign`` times a sum of terms, None where that is not proved in time."""
        cost = np.zeros(self.count)
        for coefficient, variable in terms:
            cost[self.number[id(variable)]] += sign * coefficient
        self.highs.changeColsCost(self.count, np.arange(self.count, dtype=np.int32), cost)
        self.highs.setOptionValue("time_limit", self.highs.getRunTime() + time_limit_s)
        self.highs.run()
        if self.highs.getModelStatus() != OK:
            return None
        return float(self.highs.getInfo().objective_function_value)


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


def ranges(model: Any, objective: float, deadline: float, *, last_only: bool = False) -> Ranges:
    """Return the ranges that plans at least as good as an objective, in units of the model, lie in.

    With ``last_only`` of the last year alone, where most is to be gained at first.
    """
    frame: Frame = model.frame
    relaxed = Relaxed(model)
    relaxed.only_better_than(objective)

    def end(terms: Terms, sign: float, otherwise: float) -> float:
        left = deadline - time.monotonic()
        found = relaxed.least(terms, sign, left) if left > LEAST_LP_S else None
        return otherwise if found is None else sign * found

    learning = {}
    for line, cuts in frame.pieces.learning.items():
        years = frame.calendar.year_labels
        low, high = np.zeros(len(years)), np.full(len(years), float(cuts[-1]))
        for y in reversed(range(len(years))):
            terms = experience_terms(model, frame, line, years[y])
            if y == len(years) - 1 or not last_only:
                high[y] = min(
                    end(terms, -1.0, float(cuts[-1])) * (1.0 + MARGIN) + MARGIN, high[min(y + 1, len(years) - 1)]
                )
                low[y] = max(end(terms, 1.0, 0.0) * (1.0 - MARGIN) - MARGIN, 0.0)
            else:
                high[y] = high[y + 1]
        learning[line] = (np.maximum.accumulate(low), high)
    volume = {}
    for vehicle, cuts in frame.pieces.volume.items():
        terms = [(1.0, model.bought[vehicle, k]) for k in range(len(cuts) - 1)]
        most = end(terms, -1.0, float(cuts[-1])) * (1.0 + MARGIN) + MARGIN
        least = end(terms, 1.0, 0.0) * (1.0 - MARGIN) - MARGIN
        volume[vehicle] = (max(least, 0.0), most)
    return Ranges(learning, volume)


def learning_cuts(frame: Frame, line: str, low: float, high: float, marks: Floats, pieces: int) -> Floats:
    """Return cuts of a learning curve for quantities that end between ``low`` and ``high`` and pass by ``marks``."""
    cost, before = frame.economy.assumptions.cost, frame.economy.terms.built_before
    old = frame.pieces.learning[line]
    kinks = [cut for cut in old if _is_kink(cost, before, float(cut))]
    inner = np.geomspace(max(high / SPAN, 1.0), high, pieces)
    near = [mark for mark in marks if 0.0 < mark < high]
    cuts = sorted({0.0, *map(float, inner), *map(float, near), *(k for k in kinks if k < high), high})
    kept = [cuts[0]]
    for cut in cuts[1:]:
        if cut - kept[-1] > LEAST_STEP * high or cut == high or cut in kinks:
            kept.append(cut)
    return np.array(kept)


SPAN = 100.0
LEAST_STEP = 5e-3


def _is_kink(cost: Any, before: float, cut: float) -> bool:
    """Return whether learning ends at a quantity."""
    if cut <= 0.0:
        return False
    step = 1e-6 * cut
    a, b, c = premium_after(cost, before, np.array([cut - step, cut, cut + step]))
    return bool((c - b) - (b - a) > 1e-3 * step)
