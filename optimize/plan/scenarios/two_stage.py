"""What to commit to now when launch price, availability and failure rates are uncertain: two stages and one model.

The first stage is bought in the first periods and the same in every scenario; what follows is chosen when the scenario
is known. Each scenario has its own rows. So that many fit into one linear programme, what is not convex is taken from
the plan without uncertainty: what hardware costs above its final price in each year, the tier of the volume discount,
and the year in which the programme begins. Whole numbers are left out; demand that is missed costs a stated price.
"""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo
from numpy.typing import NDArray

from dawndusk.models.errors import DawnduskError
from dawndusk.models.fleet.accounts import built_units
from dawndusk.models.fleet.economy import Economy
from dawndusk.models.fleet.learning import premium_after
from dawndusk.optimize.plan.model.frame import Frame
from dawndusk.optimize.plan.model.milp import plan_model
from dawndusk.optimize.plan.model.pieces import first_pieces
from dawndusk.optimize.plan.model.rows.families import linear
from dawndusk.optimize.plan.model.rows.money import experience_terms, minus, premium_terms, variable_of
from dawndusk.optimize.plan.problem.problem import Objective, PlanProblem
from dawndusk.optimize.plan.problem.score import ScoredPlan
from dawndusk.optimize.plan.scenarios.futures import PlanScenario, under
from dawndusk.optimize.plan.solve.direct import MatrixModel
from dawndusk.optimize.plan.solve.highs import SolverAnswer

Floats = NDArray[np.float64]

CURVES = ("pieces_in_order", "experience_stays")
LEAST_PROBABILITY = 1e-9


@dataclass(frozen=True, eq=False)
class Hedged:
    """A first stage for several scenarios, and what follows in each.

    Attributes
    ----------
    status : str
        That of the linear programme: ``optimal``, ``time limit``, ``infeasible`` or ``failed``.
    objective : float
        ``(1 - weight) mean + weight CVaR`` of the discounted cost in USD, demand missed included.
    cost_usd : array
        Discounted cost in each scenario.
    alone_usd : array
        The same with a first stage for this scenario alone: what perfect foresight would give.
    missed : array
        Share of the demand, in worth, that is missed in each scenario.
    launches : array
        Launches of the first stage by vehicle and period, shape (V, first periods).
    bound : float
        Proved lower bound of the objective; equal to it where one model is solved to its end.
    """

    status: str
    scenarios: tuple[PlanScenario, ...]
    objective: float
    bound: float
    mean_usd: float
    cvar_usd: float
    cost_usd: Floats
    alone_usd: Floats
    missed: Floats
    launches: Floats
    first_periods: int
    seconds: float
    columns: int

    @property
    def regret_usd(self) -> Floats:
        """Return what not knowing the scenario costs in each of them."""
        return self.cost_usd - self.alone_usd


def scenario_model(problem: PlanProblem, plan: ScoredPlan, missed_usd_per_pflop_hour: float) -> Any:
    """Return the linear model of one scenario: the curves of a plan's cost straightened, and demand that may be missed.

    ``model.expense`` is its discounted cost with what missed demand costs, in units of money.
    """
    stated = dataclasses.replace(problem, objective=Objective.COST)
    pieces = first_pieces(problem.economy)
    model = plan_model(stated, pieces)
    frame: Frame = model.frame
    _straighten(model, frame, plan)
    for variable in model.component_data_objects(pyo.Var):
        variable.domain = pyo.Reals if variable.parent_component() is model.fill else pyo.NonNegativeReals
    _let_miss(model, frame, missed_usd_per_pflop_hour)
    model.objective.deactivate()
    return model


def _straighten(model: Any, frame: Frame, plan: ScoredPlan) -> None:
    """Put the learning premium per satellite, and the volume discount, of a plan in place of their curves."""
    for name in CURVES:
        component = model.find_component(name)
        if component is not None:
            component.deactivate()
    for variable in model.fill.values():
        variable.setlb(None)
        variable.setub(None)
    prices = premium_prices(frame.economy, plan)
    model.settled = pyo.ConstraintList()
    for number, line in enumerate(frame.economy.lines):
        for y in frame.years:
            new = [*experience_terms(model, frame, line, y), *minus(experience_terms(model, frame, line, y - 1))]
            premium = [*premium_terms(model, frame, line, y), *minus(premium_terms(model, frame, line, y - 1))]
            price = float(prices[number, y])
            model.settled.add(linear([*premium, *[(-price * c, v) for c, v in new]]) == 0.0)
    bought = plan.decisions.launches.sum(axis=(1, 2))
    for v, name in enumerate(frame.vehicles):
        cuts = frame.pieces.volume[name]
        kept = min(int(np.searchsorted(cuts[1:], bought[v])), len(cuts) - 2)
        for k, book in itertools.product(range(len(cuts) - 1), frame.books):
            if k != kept:
                variable_of(model, book, "spent")[name, k].fix(0.0)
                variable_of(model, book, "paid")[name, k].fix(0.0)
    model.volume_tier.deactivate()
    flown = plan.decisions.launches.sum(axis=(0, 1)).reshape(frame.calendar.years, -1).sum(axis=1)
    for year, begun in zip(frame.calendar.year_labels, np.cumsum(flown) > 0.0, strict=True):
        model.started[year].fix(float(begun))
    for variable in model.used.values():
        variable.fix(1.0)
    for label, row in model.volume_price.items():
        if label[1] != "all":  # the range of one tier
            row.deactivate()


def premium_prices(economy: Economy, plan: ScoredPlan) -> Floats:
    """Return what a reference satellite costs above its final price in each year of a plan, shape (L, Y).

    Years in which nothing is built have the price of the year before, the first ones that of the first that has one.
    """
    built = built_units(economy, plan.decisions)
    cost, before = economy.assumptions.cost, economy.terms.built_before
    settled = np.array([premium_after(cost, before, np.cumsum(row)) for row in built])
    rises = np.diff(settled, axis=1, prepend=0.0)
    prices = np.full(built.shape, np.nan)
    np.divide(rises, built, out=prices, where=built > 0.0)
    for row in prices:
        known = np.flatnonzero(np.isfinite(row))
        if len(known):
            row[:] = row[known[np.clip(np.searchsorted(known, np.arange(len(row)), side="right") - 1, 0, None)]]
    return np.asarray(np.nan_to_num(prices))


def _let_miss(model: Any, frame: Frame, usd_per_pflop_hour: float) -> None:
    """Let demand be missed, in shares of what each period asks for, at a price of its worth."""
    rows = [(name, label) for name in ("compute_demand", "power_demand") for label in _labels(model, name)]
    model.missed = pyo.Var(rows, bounds=(0, 1))
    model.demanded = pyo.ConstraintList()
    cost: list[tuple[float, Any]] = []
    for name, label in rows:
        row = model.find_component(name)[label]
        model.demanded.add(row.body + model.missed[name, label] >= 1.0)
        row.deactivate()
        q = frame.labels.index(label)
        worth = _asked_pflops(frame, name, q) * frame.full_worth[q]
        cost.append((worth * usd_per_pflop_hour / model.money_unit, model.missed[name, label]))
    model.expense = pyo.Expression(expr=model.cost + linear(cost))
    model.missed_worth = pyo.Expression(expr=linear([(c * model.money_unit / usd_per_pflop_hour, v) for c, v in cost]))


def _labels(model: Any, name: str) -> list[str]:
    component = model.find_component(name)
    return [] if component is None else list(component)


def _asked_pflops(frame: Frame, name: str, q: int) -> float:
    demand, at = frame.problem.demand, frame.calendar.middles[q : q + 1]
    if name == "compute_demand" and demand.least_pflops is not None:
        return float(demand.least_pflops.at(at)[0])
    figures = frame.economy.figures
    path = demand.least_power_mw
    return 0.0 if path is None else float(path.at(at)[0]) * 1e3 * float(np.mean(figures.pflops / figures.it_power_kw))


def hedge(
    problem: PlanProblem,
    plan: ScoredPlan,
    scenarios: Sequence[PlanScenario],
    *,
    first_periods: int,
    missed_usd_per_pflop_hour: float,
    cvar_weight: float = 0.0,
    cvar_level: float = 0.9,
    time_limit_s: float = 120.0,
) -> Hedged:
    """Return what to commit to in the first periods, in one linear programme over all scenarios.

    Parameters
    ----------
    plan : Scored
        The plan without uncertainty, whose learning and volume discount the scenarios take.
    first_periods : int
        Periods in which everything that is bought is the same in every scenario.
    missed_usd_per_pflop_hour : float
        What demand that is missed costs, in worth at the start of the plan.
    cvar_weight, cvar_level : float
        Weight of the conditional value at risk against the mean, and the share of scenarios beyond which it is taken.
    """
    begin = time.monotonic()
    check_scenarios(scenarios, problem, first_periods)
    models = [scenario_model(under(problem, one), plan, missed_usd_per_pflop_hour) for one in scenarios]
    alone = [_alone(model, time_limit_s) for model in models]
    whole = pyo.ConcreteModel(name="hedge")
    whole.scenario = pyo.Block(range(len(models)))
    for number, model in enumerate(models):
        whole.scenario[number].plan = model
    _join(whole, models, first_periods)
    _weigh(whole, models, scenarios, cvar_weight, cvar_level)
    direct = MatrixModel(whole)
    answer = direct.solve(time_limit_s=time_limit_s, relaxed=True)
    if answer.has_solution:
        direct.load(answer)
    return _hedged(answer, models, scenarios, alone, first_periods, cvar_level, begin, len(direct))


def check_scenarios(scenarios: Sequence[PlanScenario], problem: PlanProblem, first_periods: int) -> None:
    """Raise ``DawnduskError`` where probabilities do not add up to one, or the first stage has no place."""
    total = sum(one.probability for one in scenarios)
    if not scenarios or any(one.probability < LEAST_PROBABILITY for one in scenarios) or abs(total - 1.0) > 1e-6:  # noqa: PLR2004
        raise DawnduskError(
            f"scenarios: found {len(scenarios)} of probability {total:g} in all; allowed: some, 1 in all"
        )
    if not 0 < first_periods <= problem.economy.calendar.periods:
        allowed = f"1 to {problem.economy.calendar.periods}"
        raise DawnduskError(f"first_periods: found {first_periods}; allowed: {allowed}")


def _alone(model: Any, time_limit_s: float) -> float:
    """Return the least expense of one scenario by itself in USD."""
    model.least = pyo.Objective(expr=model.expense)
    answer = MatrixModel(model).solve(time_limit_s=time_limit_s, relaxed=True)
    model.del_component(model.least)
    return float("nan") if answer.objective is None else answer.objective * model.money_unit


def first_stage(model: Any, first_periods: int) -> dict[Any, Any]:
    """Return the variables of the first stage by component and index."""
    labels = set(model.frame.labels[:first_periods])
    found: dict[Any, Any] = {}
    for what in (model.launches, model.share, model.ground):
        found |= {(what.local_name, key): variable for key, variable in what.items() if key[-1] in labels}
    return found


def _join(whole: Any, models: list[Any], first_periods: int) -> None:
    """Make the first stage the same in every scenario; what is on offer in some only is bought in none."""
    stages = [first_stage(model, first_periods) for model in models]
    shared = set(stages[0]).intersection(*stages[1:])
    whole.same = pyo.ConstraintList()
    for key in sorted(set().union(*stages), key=str):
        if key not in shared:
            for stage in stages:
                if key in stage:
                    stage[key].fix(0.0)
            continue
        for stage in stages[1:]:
            whole.same.add(stages[0][key] - stage[key] == 0.0)


def _weigh(whole: Any, models: list[Any], scenarios: Sequence[PlanScenario], weight: float, level: float) -> None:
    """Make mean and conditional value at risk the objective, in the units of money of the first scenario."""
    unit = models[0].money_unit
    usd = [model.expense * (model.money_unit / unit) for model in models]
    whole.threshold = pyo.Var()
    whole.beyond = pyo.Var(range(len(models)), domain=pyo.NonNegativeReals)
    whole.tail = pyo.ConstraintList()
    for number, cost in enumerate(usd):
        whole.tail.add(whole.beyond[number] - cost + whole.threshold >= 0.0)
    mean = pyo.quicksum(one.probability * cost for one, cost in zip(scenarios, usd, strict=True))
    beyond = pyo.quicksum(one.probability * whole.beyond[k] for k, one in enumerate(scenarios))
    risk = whole.threshold + beyond / (1.0 - level)
    whole.expected = pyo.Objective(expr=(1.0 - weight) * mean + (weight or TINY) * risk)


TINY = 1e-6
"""Weight that keeps the value at risk bounded where it is not asked for."""


def cvar(cost: Floats, probability: Floats, level: float) -> float:
    """Return the mean of the dearest outcomes that have ``1 - level`` of the probability."""
    order = np.argsort(-cost)
    left, total = 1.0 - level, 0.0
    for k in order:
        part = min(float(probability[k]), left)
        total += part * float(cost[k])
        left -= part
        if left <= 0.0:
            break
    return total / (1.0 - level)


def _hedged(
    answer: SolverAnswer,
    models: list[Any],
    scenarios: Sequence[PlanScenario],
    alone: list[float],
    first_periods: int,
    level: float,
    begin: float,
    columns: int,
) -> Hedged:
    frame: Frame = models[0].frame
    probability = np.array([one.probability for one in scenarios])
    cost = np.full(len(models), np.nan)
    missed = np.full(len(models), np.nan)
    launches = np.zeros((len(frame.vehicles), first_periods))
    if answer.has_solution:
        cost = np.array([float(pyo.value(model.expense)) * model.money_unit for model in models])
        missed = np.array([missed_share(model) for model in models])
        for (vehicle, _, label), variable in models[0].launches.items():
            p = frame.labels.index(label)
            if p < first_periods:
                launches[frame.vehicles.index(vehicle), p] += variable.value or 0.0
    unit = models[0].money_unit
    objective = float("nan") if answer.objective is None else answer.objective * unit
    bound = float("nan") if answer.bound is None else answer.bound * unit
    return Hedged(
        status=answer.status,
        scenarios=tuple(scenarios),
        objective=objective,
        bound=bound,
        mean_usd=float(probability @ cost),
        cvar_usd=cvar(cost, probability, level),
        cost_usd=cost,
        alone_usd=np.array(alone),
        missed=missed,
        launches=launches,
        first_periods=first_periods,
        seconds=time.monotonic() - begin,
        columns=columns,
    )


def missed_share(model: Any) -> float:
    """Return the share of the demand, in worth, that the values of a scenario's model miss."""
    return float(pyo.value(model.missed_worth)) / (_wanted(model.frame) or 1.0)


def _wanted(frame: Frame) -> float:
    path, calendar = frame.problem.demand.least_pflops, frame.calendar
    if path is None:
        return 0.0
    asked = path.at(calendar.middles[: calendar.periods])
    return float(asked @ frame.full_worth[: calendar.periods])
