"""Solving a plan: a bound that no plan beats, and a plan of whole satellites with its exact objective.

1. The linear relaxation gives a wish, which repair makes whole; its exact objective is the first upper bound.
2. What any better plan lies in is narrowed down, and curves are cut into pieces inside of that.
3. The mixed-integer model gives a bound and further wishes. Where the two are still apart, cuts are added at what the
   best plan buys, and the model is solved again.

For a levelised cost the objective of the model is cost less a trial price times worth: if no plan makes that less than
``b``, no plan has a levelised cost below ``price + b / worth``, with the least worth that any plan can have where b is
negative (Dinkelbach, Management Science 1967).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from dawndusk.models.fleet.accounts import built_units
from dawndusk.optimize.certify.certificate import CertificateError
from dawndusk.optimize.plan.frame import Frame
from dawndusk.optimize.plan.highs import Solver
from dawndusk.optimize.plan.model import plan_model
from dawndusk.optimize.plan.narrow import Ranges, learning_cuts, ranges
from dawndusk.optimize.plan.pieces import Pieces, first_pieces, tiers
from dawndusk.optimize.plan.planned import Planned, Step, least_worth
from dawndusk.optimize.plan.problem import Effort, Objective, PlanProblem
from dawndusk.optimize.plan.reading import Wish, wish_of
from dawndusk.optimize.plan.repair import repaired
from dawndusk.optimize.plan.score import Scored, score
from dawndusk.optimize.plan.tighten import margins_for, tightened

MOST_ROUNDS = 6
TOLERANCE = 1e-4
"""Relative: what the tolerances of the solver may do to a bound."""
LEAST_PROGRESS, MOST_IDLE = 0.02, 2
"""Share of the gap asked for that a round has to gain, and rounds without that before the solve ends."""
LEAST_ABS_GAP = 1e-6
LP_ROUNDS = 6
LP_CLOSE = 1e-4
GAP_OF_MODEL = 0.4
"""Share of the gap asked for that the mixed-integer model is solved to; the rest is for its pieces and for rounding."""
NARROW_SHARE = 0.2
MOST_TIGHTENED, TIGHTENED_SHARE = 5, 0.3
MOST_MISSED = 0.1
"""Rules that are broken by a larger share than this are not broken by rounding."""
FIRST_PIECES = 10
FEW = 20.0
"""Launches in a year below which whole numbers are worth their branching, as the best plan has them."""


def solve_plan(
    problem: PlanProblem, effort: Effort | None = None, report: Callable[[Step], None] = lambda _: None
) -> Planned:
    """Solve a plan.

    Parameters
    ----------
    effort : Effort, optional
        The gap asked for, the time limit and the seed.
    report : callable
        Called with a ``Step`` now and then.
    """
    run = _Run(problem, effort or Effort(), report)
    try:
        run.solve()
    except KeyboardInterrupt:
        run.stopped_by = "interrupt"
    return run.planned()


class _Run:
    def __init__(self, problem: PlanProblem, effort: Effort, report: Callable[[Step], None]) -> None:
        self.problem, self.effort, self.report = problem, effort, report
        self.begin = time.monotonic()
        self.pieces = first_pieces(problem.economy)
        self.best: Scored | None = None
        self.near_miss: Scored | None = None
        self.bound = -math.inf  # of the objective to be made small
        self.model_objective: float | None = None
        self.infeasible = False
        self.stopped_by = "completion"
        self.rounds = 0
        self.size = (0, 0)
        self.least_worth = least_worth(problem)
        self.found: Ranges | None = None
        self.model: Any = None
        self.solver: Any = None

    @property
    def left_s(self) -> float:
        return self.effort.time_limit_s - (time.monotonic() - self.begin)

    @property
    def sign(self) -> float:
        """Return -1 where the objective is made large."""
        return -1.0 if self.problem.objective is Objective.NPV else 1.0

    @property
    def is_ratio(self) -> bool:
        return self.problem.objective is Objective.LCOC

    @property
    def upper(self) -> float:
        """Return the best exact objective so far, to be made small."""
        return math.inf if self.best is None else self.sign * self.best.objective

    def gap(self) -> float:
        if self.best is None or not math.isfinite(self.bound):
            return math.inf
        scale = abs(self.upper)
        if self.problem.objective is Objective.NPV:
            scale = max(scale, self.best.accounts.cost_usd)
        return max(self.upper - self.bound, 0.0) / (scale or 1.0)

    def solve(self) -> None:
        self.build()
        if not self.relax():
            return
        self.narrow()
        idle = 0
        for _ in range(MOST_ROUNDS):
            if self.gap() <= self.effort.gap or self.infeasible:
                return
            if self.left_s <= 0.0:
                break
            before = self.gap()
            self.round()
            if self.stopped_by != "completion":
                return
            if self.gap() > self.effort.gap:
                self.refine()
            idle = 0 if self.gap() < before - LEAST_PROGRESS * self.effort.gap else idle + 1
            if idle == MOST_IDLE:
                break
        if self.gap() > self.effort.gap:
            self.stopped_by = "time limit" if self.left_s <= 0.0 else "lack of progress"

    def build(self) -> None:
        """Build the model with the pieces as they are."""
        self.model = plan_model(self.problem, self.pieces)
        self.solver = Solver(self.model, seed=self.effort.seed)
        frame: Frame = self.model.frame
        self.units = frame.units
        self.trial(self.upper if self.is_ratio and self.best is not None else 0.0)

    def trial(self, usd_per_pflop_hour: float) -> None:
        """Set the trial value of a levelised cost."""
        self.price = usd_per_pflop_hour
        self.model.worth_price.set_value(usd_per_pflop_hour * self.units[1] / self.units[0])

    def relax(self) -> bool:
        """Solve the relaxation, for a levelised cost again and again; return whether it has a solution."""
        for _ in range(LP_ROUNDS if self.is_ratio else 1):
            answer = self.solver.solve(time_limit_s=self.left_s, relaxed=True)
            if not self.take(answer, "relaxation", relaxed=True):
                return False
            if not self.is_ratio:
                return True
            cost, worth = self.values()
            ratio = cost / max(worth, self.least_worth)
            if abs(ratio - self.price) <= LP_CLOSE * abs(self.price):
                return True
            self.trial(ratio)
        return True

    def values(self) -> tuple[float, float]:
        """Return cost in USD and worth in PFLOP-hours of the values on the model."""
        from pyomo.environ import value  # noqa: PLC0415

        return float(value(self.model.cost)) * self.units[0], float(value(self.model.worth_used)) * self.units[1]

    def take(self, answer: Any, stage: str, *, relaxed: bool = False) -> bool:
        """Take bound and wish of an answer; return whether there is a solution."""
        if answer.status == "infeasible":
            self.infeasible = self.best is None
            if self.best is not None:  # only what is better was looked for
                self.bound = self.upper
            return False
        if answer.bound is not None:
            self.raise_bound(answer.bound)
        if answer.has_solution:
            self.solver.load(answer)
            found = self.offer(repaired(self.problem, wish_of(self.model)))
            if found.broken and (self.best is None or not relaxed):
                self.tighten(found, relaxed=relaxed)
            if not relaxed:
                self.model_objective = self.in_sense(answer.objective)
        if answer.status in {"time limit", "failed", "interrupted"}:
            self.stopped_by = "time limit" if answer.status == "time limit" else answer.status
        bound = self.sign * self.bound
        best = math.nan if self.best is None else self.best.objective
        self.report(Step(stage, time.monotonic() - self.begin, best, bound))
        return bool(answer.has_solution)

    def in_sense(self, model_objective: float) -> float:
        """Return a value of the model's objective in the units and sense of the problem."""
        usd = model_objective * self.units[0]
        if self.is_ratio:
            return self.price + usd / self.values()[1]
        return self.sign * usd

    def raise_bound(self, model_bound: float) -> None:
        usd = model_bound * self.units[0]
        if self.is_ratio:
            usd = self.price + (usd / self.least_worth if usd < 0.0 else 0.0)
        if self.found is not None:  # what is no better than the best plan was left out of the model
            usd = min(usd, self.upper)
        self.bound = max(self.bound, usd)

    def offer(self, decisions: Any) -> Scored:
        """Keep decisions where they are the best so far, and return what they come to."""
        found = score(self.problem, decisions)
        if found.broken:
            if self.near_miss is None or _miss(found) < _miss(self.near_miss):
                self.near_miss = found
        elif self.sign * found.objective < self.upper:
            self.best = found
            if self.upper < self.bound - TOLERANCE * abs(self.bound):
                raise CertificateError(
                    f"plan: found a plan of {found.objective:.9g}, better than the bound {self.sign * self.bound:.9g} "
                    "that was thought to be proved"
                )
        return found

    def tighten(self, first: Scored, *, relaxed: bool) -> None:
        """Look for a plan with a little less room, where rounding has broken rules.

        By the relaxation first, and by the mixed-integer model as well where that is what was rounded.
        """
        for coarse in (True,) if relaxed else (True, False):
            missed, margins = first, dict[str, float]()
            for _ in range(MOST_TIGHTENED):
                if self.left_s <= 0.0 or any(held.excess > MOST_MISSED for held in missed.broken):
                    break
                margins = margins_for(missed.broken, margins)
                wish = self.wish_with(margins, relaxed=coarse)
                if wish is None:
                    break
                missed = self.offer(repaired(self.problem, wish))
                if not missed.broken:
                    break

    def wish_with(self, margins: dict[str, float], *, relaxed: bool) -> Wish | None:
        """Return what a model with less room would buy."""
        model = plan_model(tightened(self.problem, margins), self.pieces)
        model.worth_price.set_value(self.model.worth_price.value)
        self.fix_outside(model)
        solver = Solver(model, seed=self.effort.seed)
        answer = solver.solve(
            time_limit_s=TIGHTENED_SHARE * self.left_s,
            relaxed=relaxed,
            rel_gap=GAP_OF_MODEL * self.effort.gap,
            abs_gap=self.abs_gap(),
        )
        if not answer.has_solution:
            return None
        solver.load(answer)
        return wish_of(model)

    def narrow(self) -> None:
        """Narrow down what better plans lie in, and cut the curves inside of that."""
        deadline = time.monotonic() + NARROW_SHARE * self.left_s
        for last_only in (True, True, False):
            if self.best is None or self.gap() <= self.effort.gap or time.monotonic() > deadline:
                return
            found = ranges(self.model, self.cutoff(), deadline, last_only=last_only)
            self.recut(found)
            answer = self.solver.solve(time_limit_s=self.left_s, relaxed=True)
            if not self.take(answer, "narrowing", relaxed=True):
                return

    def cutoff(self) -> float:
        """Return the best objective in units of the model, with the trial price at the best levelised cost."""
        if not self.is_ratio:
            return self.upper / self.units[0]
        self.trial(self.upper)
        return 0.0

    def recut(self, found: Ranges) -> None:
        """Build the model again with pieces inside of ranges, and what lies outside fixed."""
        assert self.best is not None
        frame: Frame = self.model.frame
        totals = np.cumsum(built_units(self.problem.economy, self.best.decisions), axis=1)
        learning = {
            line: learning_cuts(frame, line, float(low[-1]), float(high[-1]), totals[number], FIRST_PIECES)
            for number, (line, (low, high)) in enumerate(found.learning.items())
        }
        launch = self.problem.economy.assumptions.launch
        bought = self.best.decisions.launches.sum(axis=(1, 2))
        volume = {}
        for number, (vehicle, (low, high)) in enumerate(found.volume.items()):
            most = min(float(np.floor(high)), float(frame.pieces.volume[vehicle][-1]))
            cuts = tiers(launch.volume_reference_launches if launch.volume_discount_per_doubling else np.inf, most)
            volume[vehicle] = _around(cuts, low, float(bought[number]))
        steps = self.problem.economy.calendar.steps_per_year
        flown = self.best.decisions.launches.sum(axis=1)
        self.pieces = Pieces(learning, volume, found.learning, (flown > 0.0) & (flown < FEW / steps))
        self.found = found
        self.build()
        self.fix_outside(self.model)

    def fix_outside(self, model: Any) -> None:
        """Fix pieces that no better plan can leave unfilled, or reach, and tiers that none is in."""
        found, years = self.found, model.frame.calendar.year_labels
        if found is None:
            return
        for line, (low, high) in found.learning.items():
            cuts = self.pieces.learning[line]
            for y, year in enumerate(years):
                for k in range(len(cuts) - 2):
                    if cuts[k + 1] <= low[y]:
                        model.filled[line, year, k].fix(1)
                    elif cuts[k + 1] >= high[y]:
                        model.filled[line, year, k].fix(0)
        for vehicle, (least, _) in found.volume.items():
            cuts = self.pieces.volume[vehicle]
            for k in range(len(cuts) - 2):
                if cuts[k + 1] < least:
                    model.tier[vehicle, k].fix(0)

    def round(self) -> None:
        """Solve the mixed-integer model once."""
        self.rounds += 1
        self.size = _size(self.model)
        if self.is_ratio and self.best is not None:
            self.trial(self.upper)
        answer = self.solver.solve(
            time_limit_s=self.left_s,
            rel_gap=0.0 if self.is_ratio else GAP_OF_MODEL * self.effort.gap,
            abs_gap=self.abs_gap(),
        )
        self.take(answer, "mixed-integer model")

    def abs_gap(self) -> float:
        """Return the absolute gap to solve the model to: of a levelised cost its objective is near zero."""
        if not self.is_ratio:
            return LEAST_ABS_GAP
        scale = self.price * self.least_worth / self.units[0]
        return max(GAP_OF_MODEL * self.effort.gap * scale, LEAST_ABS_GAP)

    def refine(self) -> None:
        """Narrow again with the better plan, and cut the curves where it lies."""
        if self.best is None or self.left_s <= 0.0:
            return
        deadline = time.monotonic() + NARROW_SHARE * self.left_s
        self.recut(ranges(self.model, self.cutoff(), deadline))

    def planned(self) -> Planned:
        gap = self.gap()
        if self.best is not None:
            status = "optimal" if gap <= self.effort.gap else "feasible"
        else:
            status = "infeasible" if self.infeasible else "unknown"
        if status == "optimal":
            self.stopped_by = "completion"
        bound = self.sign * self.bound if math.isfinite(self.bound) else None
        return Planned(
            problem=self.problem,
            status=status,
            objective=None if self.best is None else self.best.objective,
            bound=bound,
            gap=gap if math.isfinite(gap) else None,
            model_objective=self.model_objective,
            plan=self.best,
            near_miss=self.near_miss if self.best is None else None,
            rounds=self.rounds,
            seconds=time.monotonic() - self.begin,
            seed=self.effort.seed,
            stopped_by=self.stopped_by,
            columns=self.size[0],
            rows=self.size[1],
            pieces=self.pieces,
        )


def _miss(found: Scored) -> float:
    return sum(held.excess for held in found.broken)


def _around(cuts: np.ndarray[Any, Any], low: float, bought: float) -> np.ndarray[Any, Any]:
    """Return tiers with one that ends at what was bought, and a narrow one after it."""
    marks = [bought, np.ceil(bought * 1.05 + 1.0), np.floor(low)]
    more = [mark for mark in marks if cuts[0] < mark < cuts[-1]]
    return np.unique(np.concatenate([cuts, more]))


def _size(model: Any) -> tuple[int, int]:
    import pyomo.environ as pyo  # noqa: PLC0415

    columns = sum(1 for variable in model.component_data_objects(pyo.Var) if not variable.fixed)
    return columns, sum(1 for _ in model.component_data_objects(pyo.Constraint, active=True))


__all__ = ["Planned", "Step", "least_worth", "solve_plan"]
