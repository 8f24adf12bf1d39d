"""Design and plan together: new designs for the catalogue, at the prices that the plan puts on what they need.

The relaxation of the plan over the catalogue has a dual value for each row. A design that is not in the catalogue has a
reduced cost on each vehicle in each period: what a launch full of it costs, less what its compute, its places and its
experience are worth there. Designs with a negative one enter; when a search finds none, no design that it looked at
would make the relaxation better. The search is a heuristic: the bound holds for the catalogue that it ends with.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler

from dawndusk.models.design import Design
from dawndusk.optimize.neighbourhood import coordinates_of
from dawndusk.optimize.plan.direct import lp_of
from dawndusk.optimize.plan.engine import Planned, solve_plan
from dawndusk.optimize.plan.highs import THREADS
from dawndusk.optimize.plan.model import plan_model
from dawndusk.optimize.plan.pieces import Pieces, first_pieces, widened
from dawndusk.optimize.plan.problem import Effort, Objective, PlanProblem
from dawndusk.optimize.problem import Problem

Floats = NDArray[np.float64]
Make = Callable[[Mapping[str, Design]], PlanProblem]

WIDTHS = (0.02, 0.08, 0.3)
"""Standard deviations of candidates around a design, in coordinates of the design space."""
OTHER_COMBINATION = 0.3
"""Share of candidates that take another combination of categories."""
LEAST_GAIN = 1e-5
"""Reduced cost over what a launch full of the design costs, below which it enters."""
MOST_ENTERING = 4
WIDER = 4.0
"""How much more than the first catalogue a later one may build, in reference satellites."""


@dataclass(frozen=True, eq=False)
class Generated:
    """What column generation found.

    Attributes
    ----------
    designs : dict of str to Design
        The catalogue at the end, the new designs last.
    relaxation : list of float
        Optimum of the relaxation by round, in units of the objective to be made small; falls or stays.
    least_reduced_cost : list of float
        The least reduced cost found in each round, relative to what a launch full of that design costs.
    priced : int
        Designs that were priced.
    before, after : Planned
        The plans of the first and the last catalogue.
    """

    designs: dict[str, Design]
    relaxation: list[float]
    least_reduced_cost: list[float]
    priced: int
    before: Planned
    after: Planned
    seconds: float

    @property
    def words(self) -> str:
        """Return what is proved."""
        last = self.least_reduced_cost[-1] if self.least_reduced_cost else 0.0
        ended = "none of them would enter" if last > -LEAST_GAIN else "some would still enter when it was ended"
        return (
            f"{self.priced:,} designs priced in {len(self.least_reduced_cost)} rounds, {ended}; "
            f"the bound holds for the {len(self.designs)} designs of the catalogue"
        )


def generate(
    designs: Mapping[str, Design],
    make: Make,
    space: Problem,
    *,
    effort: Effort,
    rounds: int = 10,
    candidates: int = 60,
    fits: Callable[[Mapping[str, Design]], Mapping[str, Design]] = dict,
) -> Generated:
    """Grow a catalogue by the designs that the plan's prices ask for, and solve the plan before and after.

    Parameters
    ----------
    designs : mapping of str to Design
        The first catalogue.
    make : callable
        Returns the plan's problem for a catalogue; the reference satellites of its lines must not depend on it.
    space : Problem
        The design space that candidates are drawn from.
    rounds, candidates : int
        Rounds of pricing at most, and designs priced in each.
    fits : callable
        Returns those of some candidates that can be flown at all.
    """
    begin = time.monotonic()
    catalogue = dict(designs)
    before = solve_plan(make(catalogue), effort)
    price = before.objective if before.objective is not None else 0.0
    pieces = widened(first_pieces(make(catalogue).economy), WIDER)
    values, least, priced = [], [], 0
    for number in range(rounds):
        drawn = fits(draw(catalogue, space, candidates, np.random.default_rng([effort.seed, number]), number))
        if not drawn:
            continue
        optimum, reduced = reduced_costs(make({**catalogue, **drawn}), list(drawn), price, pieces)
        priced += len(drawn)
        values.append(optimum)
        best = sorted((cost, name) for name, cost in reduced.items())
        least.append(best[0][0] if best else 0.0)
        entering = [name for cost, name in best[:MOST_ENTERING] if cost < -LEAST_GAIN]
        catalogue.update({name: drawn[name] for name in entering})
    after = solve_plan(make(catalogue), effort)
    return Generated(catalogue, values, least, priced, before, after, time.monotonic() - begin)


def draw(
    catalogue: Mapping[str, Design], space: Problem, count: int, rng: np.random.Generator, number: int
) -> dict[str, Design]:
    """Return candidates near designs of a catalogue, some of them with other categories."""
    known, combinations = list(catalogue.values()), space.combinations()
    drawn: dict[str, Design] = {}
    for k in range(count):
        design = known[int(rng.integers(len(known)))]
        combination: Mapping[str, str] = design.combination
        if rng.random() < OTHER_COMBINATION:
            combination = combinations[int(rng.integers(len(combinations)))]
        point = coordinates_of(space, design)
        width = WIDTHS[k % len(WIDTHS)]
        moved = np.clip(point + rng.normal(0.0, width, point.shape), 0.0, 1.0)
        new = space.designs(moved[np.newaxis], combination)[0]
        drawn[f"new_{number + 1:02d}_{k + 1:02d}"] = new.replace(satellites=design.satellites)
    return drawn


def reduced_costs(
    problem: PlanProblem, candidates: list[str], price: float, pieces: Pieces
) -> tuple[float, dict[str, float]]:
    """Return the optimum of the relaxation without some designs, and the least reduced cost of each of them.

    Reduced costs are relative to what a launch full of the design costs. ``price`` is the trial value of a levelised
    cost; ``pieces`` are those of every catalogue that is compared.
    """
    model = plan_model(problem, pieces)
    if problem.objective is Objective.LCOC:
        model.worth_price.set_value(price * model.worth_unit / model.money_unit)
    form = LinearStandardFormCompiler().write(model, mixed_form=True)
    new = set(candidates)
    lp = lp_of(form, len(form.columns))
    lp.col_cost_ = np.asarray(form.c.todense()).ravel()
    shares = [k for k, c in enumerate(form.columns) if c.parent_component() is model.share and c.index()[0] in new]
    upper = np.array(lp.col_upper_)
    upper[shares] = 0.0
    lp.col_upper_ = upper
    highs: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    for name, value in (("output_flag", False), ("threads", THREADS)):
        highs.setOptionValue(name, value)
    highs.passModel(lp)
    highs.run()
    if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return float("nan"), {}
    dual = np.array(highs.getSolution().row_dual)
    optimum = float(highs.getInfo().objective_function_value) * model.money_unit
    return optimum, _priced(form, model, shares, dual, np.array(lp.col_cost_))


def _priced(form: Any, model: Any, shares: list[int], dual: Floats, cost: Floats) -> dict[str, float]:
    """Return the least reduced cost of the designs of some columns, each relative to its cost.

    What a satellite of a new design is worth once it has arrived is not among the dual values, because none arrives:
    it is what its rows are worth together, and is put in place of the dual value of its arrival.
    """
    matrix = form.A.tocsc()
    arrival = {
        row.constraint.index(): k
        for k, row in enumerate(form.rows)
        if row.constraint.parent_component() is model.arrival
    }
    place = {id(column): k for k, column in enumerate(form.columns)}
    dual = dual.copy()
    for k in shares:
        design, _, label = form.columns[k].index()
        row = arrival[design, label]
        column = place[id(model.arrived[design, label])]
        dual[row] = 0.0
        entries = slice(matrix.indptr[column], matrix.indptr[column + 1])
        rest = float(cost[column] - matrix.data[entries] @ dual[matrix.indices[entries]])
        own = float(matrix[row, column])
        dual[row] = rest / own
    found: dict[str, float] = {}
    for k in shares:
        entries = slice(matrix.indptr[k], matrix.indptr[k + 1])
        reduced = float(cost[k] - matrix.data[entries] @ dual[matrix.indices[entries]])
        name = form.columns[k].index()[0]
        relative = reduced / (abs(float(cost[k])) or 1.0)
        found[name] = min(found.get(name, np.inf), relative)
    return found
