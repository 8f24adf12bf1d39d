"""The relaxation of a plan that a larger catalogue improves on by designs that would enter, and by nothing else.

It has the rows that hold whatever designs are added, each no tighter than the largest catalogue makes it:

- Experience may grow without end, so that the premium of learning is as low as it ever gets: none beyond what was
  built before the plan. A year's hardware costs at least its floor times ``1 + log2(learning rate)``, the slope of the
  mean cost of all that was built (``models.cost.learning_factor``) where that meets its floor.
- Mission control and the development of a design are left out: rows whose scale depends on the catalogue.
- A programme has started by the year in which the ground alone can not meet what is asked for; no design matters there.

For every orbit the catalogue has a probe as well, a design that may be flown on every vehicle at all times and is never
bought: what its columns carry says what the rows make of any design.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler
from scipy.sparse import csc_array

from dawndusk.models.fleet.economy import Economy
from dawndusk.optimize.plan.model.milp import plan_model
from dawndusk.optimize.plan.model.pieces import Pieces, first_pieces
from dawndusk.optimize.plan.problem.problem import Objective, PlanProblem
from dawndusk.optimize.plan.solve.direct import lp_of
from dawndusk.optimize.plan.solve.highs import THREADS

Floats = NDArray[np.float64]

LEFT_OUT = ("experience", "pieces_in_order", "experience_stays", "mission_control", "design_development")
"""Families of rows that a larger catalogue would write otherwise."""
ASKING = ("compute_demand", "power_demand")
MOST_PRICES, PRICE_CLOSE = 40, 1e-9
"""Trial prices of a levelised cost, and the relative change of the price at which they have settled."""
SAFE = 1e-7
"""What the price of a levelised cost is lowered by, so that the relaxation at it is above zero for sure."""


@dataclass(frozen=True, eq=False)
class MasterOptimum:
    """An optimum of the relaxation.

    Attributes
    ----------
    value : float
        The optimum: USD per PFLOP-hour of a levelised cost, else USD to be made small.
    price : float
        Trial value of the levelised cost at which rows are priced, 0 for other objectives.
    dual : array
        USD per unit of each row.
    shares : dict
        Launches of each design that are bought, by name, where there are some.
    """

    value: float
    price: float
    dual: Floats
    idle: Floats
    shares: dict[str, float]


class RestrictedMaster:
    """The relaxation of a plan, written once.

    Parameters
    ----------
    problem : PlanProblem
        A catalogue that ends with the probes.
    probes : sequence of str
        Names of the probes.

    Attributes
    ----------
    usd : float
        USD in a unit of money of the model.
    """

    def __init__(self, problem: PlanProblem, probes: Sequence[str]) -> None:
        self.probes = tuple(probes)
        self.problem = replace(problem, economy=for_any_design(problem.economy, self.probes))
        self.model = plan_model(self.problem, free_of_learning(self.problem.economy))
        for name in LEFT_OUT:
            family = self.model.find_component(name)
            if family is not None:
                family.deactivate()
        self.usd, self.worth = self.model.frame.units
        self.form = LinearStandardFormCompiler().write(self.model, mixed_form=True)
        self.columns, self.rows = self.form.columns, self.form.rows
        self.matrix: csc_array = csc_array(self.form.A)
        self.cost = np.asarray(self.form.c.todense()).ravel()
        self.shares = self._of(self.model.share)
        self.consumed = self._of(self.model.find_component("consumed"))
        self.takers = [*self.consumed, *self._of(self.model.find_component("sold"))]
        self.families = np.array([row.constraint.parent_component().local_name for row in self.rows])
        self._ease_factory()
        self.lp = lp_of(self.form, len(self.columns))
        self._keep_probes_out()
        self._start_programme()

    def __len__(self) -> int:
        return len(self.columns)

    def family(self, row: int) -> str:
        """Return the name of the family of a row."""
        return str(self.families[row])

    def label(self, row: int) -> Any:
        """Return the label of a row."""
        return self.rows[row].constraint.index()

    def entries(self, column: int) -> list[tuple[int, float]]:
        """Return rows and coefficients of a column."""
        part = slice(self.matrix.indptr[column], self.matrix.indptr[column + 1])
        return list(zip(self.matrix.indices[part].tolist(), self.matrix.data[part].tolist(), strict=True))

    def solve(self, factor: float = 1.0, price: float = 0.0, time_limit_s: float = 60.0) -> MasterOptimum | None:
        """Solve the relaxation, None where it has no solution.

        Parameters
        ----------
        factor : float
            How many satellites reach orbit for each that does.
        price : float
            Where the trial values of a levelised cost begin: that of a plan.
        """
        highs = self._highs(factor, time_limit_s)
        if self.problem.objective is not Objective.LCOC:
            return self._read(highs, 0.0) if self._run(highs, 0.0) else None
        for _ in range(MOST_PRICES):
            if not self._run(highs, price):
                return None
            values = np.array(highs.getSolution().col_value)
            worth = float(values[self.consumed].sum()) * self.worth
            ratio = float(self.cost @ values) * self.usd / worth if worth > 0.0 else price
            if abs(ratio - price) <= PRICE_CLOSE * abs(ratio):
                break
            price = ratio
        price *= 1.0 - SAFE
        return self._read(highs, price) if self._run(highs, price) else None

    def _run(self, highs: Any, price: float) -> bool:
        """Solve with a price of worth; return whether there is an optimum."""
        cost = self.cost.copy()
        cost[self.consumed] -= price * self.worth / self.usd
        highs.changeColsCost(len(cost), np.arange(len(cost), dtype=np.int32), cost)
        highs.run()
        return bool(highs.getModelStatus() == highspy.HighsModelStatus.kOptimal)

    def _read(self, highs: Any, price: float) -> MasterOptimum:
        solution = highs.getSolution()
        values, optimum = np.array(solution.col_value), float(highs.getInfo().objective_function_value)
        bought: dict[str, float] = {}
        for k in self.shares:
            if values[k] > 0.0:
                name = self.columns[k].index()[0]
                bought[name] = bought.get(name, 0.0) + float(values[k])
        value = optimum * self.usd
        if self.problem.objective is Objective.LCOC:
            value = price if optimum >= 0.0 else -np.inf
        dual, idle = self._settled(np.array(solution.row_dual), np.array(solution.col_dual))
        return MasterOptimum(value, price, dual * self.usd, idle * self.usd, bought)

    def _settled(self, dual: Floats, idle: Floats) -> tuple[Floats, Floats]:
        """Return dual values that put no more on worth than somebody would use or buy it for, with reduced costs.

        Where nothing of the catalogue delivers any more, the solver may put any price on what would be delivered. These
        rows have nothing on their right side, so that the optimum stays, and no column becomes cheaper.
        """
        rows = self.matrix.tocsr()
        for row in np.flatnonzero(self.families == "worth_delivered"):
            part = slice(rows.indptr[row], rows.indptr[row + 1])
            places, values = rows.indices[part], rows.data[part]
            takers = idle[places[np.isin(places, self.takers)]]
            spare = min(max(float(takers.min(initial=np.inf)), 0.0), float(dual[row]))
            if spare > 0.0:
                dual[row] -= spare
                idle[places] += spare * values
        return dual, idle

    def _highs(self, factor: float, time_limit_s: float) -> Any:
        highs: Any = highspy.Highs()  # type: ignore[no-untyped-call]
        for name, value in (("output_flag", False), ("threads", THREADS), ("time_limit", time_limit_s)):
            highs.setOptionValue(name, value)
        _fill(self.lp, self._inflated(factor))
        highs.passModel(self.lp)
        return highs

    def _inflated(self, factor: float) -> csc_array:
        """Return the matrix with more satellites that reach orbit."""
        matrix = self.matrix.copy()
        arrival = self.families == "arrival"
        for k in self.shares:
            part = slice(matrix.indptr[k], matrix.indptr[k + 1])
            matrix.data[part] *= np.where(arrival[matrix.indices[part]], factor, 1.0)
        return matrix

    def _of(self, family: Any) -> list[int]:
        """Return the columns of a family of variables."""
        if family is None:
            return []
        return [k for k, column in enumerate(self.columns) if column.parent_component() is family]

    def _ease_factory(self) -> None:
        """Count a year's hardware at the least that it costs with learning."""
        least = max(1.0 + float(np.log2(self.problem.economy.assumptions.cost.learning_rate)), 0.0)
        factory = self.families == "factory_capacity"
        for k in self.shares:
            part = slice(self.matrix.indptr[k], self.matrix.indptr[k + 1])
            self.matrix.data[part] *= np.where(factory[self.matrix.indices[part]], least, 1.0)

    def _keep_probes_out(self) -> None:
        upper = np.array(self.lp.col_upper_)
        upper[[k for k in self.shares if self.columns[k].index()[0] in self.probes]] = 0.0
        self.lp.col_upper_ = upper

    def _start_programme(self) -> None:
        """Have the programme start by the first year in which the ground alone is too little."""
        calendar = self.problem.economy.calendar
        for year in range(calendar.years):
            if not self._ground_is_enough((year + 1) * calendar.steps_per_year):
                lower = np.array(self.lp.col_lower_)
                started = self.model.started[calendar.year_labels[year]]
                lower[[k for k, column in enumerate(self.columns) if column is started]] = 1.0
                self.lp.col_lower_ = lower
                return

    def _ground_is_enough(self, periods: int) -> bool:
        """Return whether what is asked for in the first periods can be met without a launch."""
        known = set(self.problem.economy.calendar.labels[:periods])
        low, upper = np.array(self.lp.row_lower_), np.array(self.lp.col_upper_)
        for row in range(len(self.rows)):
            if self.family(row) not in ASKING or self.label(row) not in known:
                low[row] = -highspy.kHighsInf if np.isfinite(low[row]) and low[row] > 0.0 else low[row]
        upper[self._of(self.model.launches)] = 0.0
        kept = np.array(self.lp.row_lower_), np.array(self.lp.col_upper_)
        self.lp.row_lower_, self.lp.col_upper_ = low, upper
        highs = self._highs(1.0, 10.0)
        highs.run()
        status = highs.getModelStatus()
        self.lp.row_lower_, self.lp.col_upper_ = kept
        return bool(status != highspy.HighsModelStatus.kInfeasible)


def for_any_design(economy: Economy, probes: Sequence[str]) -> Economy:
    """Return an economy whose probes can be flown on every vehicle at all times, and whose lines learn least."""
    figures = economy.figures
    chosen = np.isin(figures.names, list(probes))
    places = np.where(chosen[:, None], np.maximum(figures.per_launch, 1), figures.per_launch)
    opens = economy.opens | chosen[:, None]
    return replace(economy, figures=replace(figures, per_launch=places), opens=opens)


def free_of_learning(economy: Economy) -> Pieces:
    """Return pieces in which experience costs and saves nothing."""
    nothing = (np.array([0.0, 1.0]),) * economy.calendar.years
    level = (np.zeros(2),) * economy.calendar.years
    return replace(
        first_pieces(economy),
        learning=dict.fromkeys(economy.lines, nothing),
        heights=dict.fromkeys(economy.lines, level),
    )


def _fill(lp: highspy.HighsLp, matrix: csc_array) -> None:
    """Put a matrix into a linear programme."""
    rows = matrix.tocsr()
    lp.a_matrix_.start_ = rows.indptr.astype(np.int32)
    lp.a_matrix_.index_ = rows.indices.astype(np.int32)
    lp.a_matrix_.value_ = rows.data
