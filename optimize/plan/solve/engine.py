"""Solving a plan: a bound that no plan beats, and a plan of whole satellites with its exact objective.

1. The linear relaxation gives a wish, which repair makes whole and ``polish`` makes good: the first upper bound.
2. What any better plan lies in is narrowed down, and curves are cut into pieces inside of that, as fine as the gap
   that is asked for needs.
3. The mixed-integer model begins with the best plan and gives a bound and further wishes. Where the two are still
   apart, ranges are narrowed with the better plan, pieces are made finer, more numbers are whole, and the model is
   solved again.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from dawndusk.models.fleet.fleet import Decisions
from dawndusk.optimize.plan.model.cuts import learning_weights
from dawndusk.optimize.plan.model.milp import plan_model
from dawndusk.optimize.plan.model.pieces import Pieces
from dawndusk.optimize.plan.problem.problem import Objective, PlanEffort, PlanProblem
from dawndusk.optimize.plan.problem.score import LIMIT_RULES, ScoredPlan, score
from dawndusk.optimize.plan.problem.tighten import margins_for, tightened
from dawndusk.optimize.plan.problem.whole import WholeDecisions
from dawndusk.optimize.plan.solve.conflict import PlanConflict, beyond_reach
from dawndusk.optimize.plan.solve.direct import MatrixModel
from dawndusk.optimize.plan.solve.highs import SolverAnswer
from dawndusk.optimize.plan.solve.narrow import fine_pieces, fix_known, hull_pieces, narrowed, widest
from dawndusk.optimize.plan.solve.planned import GapParts, Planned, PlanStep, least_worth
from dawndusk.optimize.plan.solve.polish import POLISH_ROUNDS, polish, start_of, whole_of
from dawndusk.optimize.plan.solve.priced import TRIAL_SHARE, PricedPlan
from dawndusk.optimize.plan.solve.reading import FractionalPlan, decisions_of, wish_of
from dawndusk.optimize.plan.solve.repair import repaired
from dawndusk.optimize.result import Status

MOST_ROUNDS = 6
LEAST_PROGRESS, MOST_IDLE = 0.02, 2
"""Share of the gap asked for that a round has to gain, and rounds without that before the solve ends."""
LEAST_ABS_GAP = 1e-6
LP_ROUNDS = 6
LP_CLOSE = 1e-4
GAP_OF_MODEL = 0.25
"""Share of the gap asked for that the mixed-integer model is solved to; the rest is for its pieces and for rounding."""
GAP_OF_PIECES = 0.25
"""Share of the gap asked for that chords may leave out in all; less in each round."""
FINER = 0.5
PASSES, PASS_GAIN = 4, 0.05
"""Passes of narrowing in a row at most, and the share of the gap that one has to close for another to follow."""
NARROW_SHARE, POLISH_SHARE, LEAD_SHARE = 0.5, 0.5, 0.3
"""Shares of the time that is left, within which narrowing, polishing and a first plan end at the latest."""
MOST_TIGHTENED, TIGHTENED_SHARE = 5, 0.3
MOST_MISSED = 0.1
"""Rules that are broken by a larger share than this are not broken by rounding."""


def solve_plan(
    problem: PlanProblem,
    effort: PlanEffort | None = None,
    report: Callable[[PlanStep], None] = lambda _: None,
    known: Iterable[Decisions] = (),
) -> Planned:
    """Solve a plan.

    Parameters
    ----------
    effort : Effort, optional
        The gap asked for, the time limit and the seed.
    report : callable
        Called with a ``PlanStep`` now and then.
    known : iterable of Decisions
        Plans to begin with; those that break a rule are of no use and no harm.
    """
    run = _Run(problem, effort or PlanEffort(), report, tuple(known))
    try:
        run.solve()
    except KeyboardInterrupt:
        run.stopped_by = "interrupt"
    return run.planned()


class _Run(PricedPlan):
    def __init__(
        self, problem: PlanProblem, effort: PlanEffort, report: Callable[[PlanStep], None], known: Sequence[Decisions]
    ) -> None:
        super().__init__(problem)
        self.effort, self.report, self.known = effort, report, known
        self.begin = time.monotonic()
        self.model_objective: float | None = None
        self.infeasible = False
        self.stopped_by = "completion"
        self.rounds = 0
        self.found = widest(problem.economy)
        self.proof: tuple[float, float] | None = None
        self.polished: ScoredPlan | None = None
        self.narrowed: ScoredPlan | None = None
        self.wish: Decisions | None = None
        self.whole = WholeDecisions()
        self.conflict: PlanConflict | None = None
        self.size = (0, 0)
        self.pieces: Pieces = hull_pieces(problem.economy, self.found)
        self.build()

    @property
    def left_s(self) -> float:
        return self.effort.time_limit_s - (time.monotonic() - self.begin)

    @property
    def is_closed(self) -> bool:
        return self.gap() <= self.effort.gap

    def solve(self) -> None:
        if not self.relax():
            self.look_beyond()
            return
        self.polish(rounds=1)
        for decisions in self.known:  # only now: the search from the relaxation often ends better than one from there
            self.offer(decisions)
        self.lead()
        self.narrow()
        idle = 0
        for _ in range(MOST_ROUNDS):
            if self.is_closed or self.infeasible:
                return
            if self.left_s <= 0.0:
                break
            before = self.gap()
            self.round()
            if self.stopped_by != "completion":
                return
            if not self.is_closed:
                self.polish()
            if not self.is_closed:
                self.narrow()
            idle = 0 if self.gap() < before - LEAST_PROGRESS * self.effort.gap else idle + 1
            if idle == MOST_IDLE:
                break
        if not self.is_closed:
            self.stopped_by = "time limit" if self.left_s <= 0.0 else "lack of progress"

    def build(self) -> None:
        """Build the model with the pieces as they are."""
        self.model = plan_model(self.problem, self.pieces)
        fix_known(self.model, self.found)
        self.units = self.model.frame.units
        self.direct = MatrixModel(self.model, seed=self.effort.seed)
        self.size = len(self.direct), self.direct.lp.num_row_
        self.trial(self.upper if self.is_ratio and self.best is not None else 0.0)

    def relax(self, stage: str = "relaxation") -> bool:
        """Solve the relaxation, for a levelised cost until its bound is as good; return whether it has a solution."""
        for _ in range(LP_ROUNDS if self.is_ratio else 1):
            answer = self.direct.solve(time_limit_s=self.left_s, relaxed=True)
            if not self.take(answer, stage, relaxed=True):
                return False
            if not self.is_ratio:
                return True
            cost, worth = self.values()
            ratio = cost / max(worth, self.least_worth)
            if abs(ratio - self.in_usd(answer.bound or 0.0)) <= LP_CLOSE * abs(ratio):
                return True
            self.trial(ratio)
        return True

    def take(self, answer: SolverAnswer, stage: str, *, relaxed: bool = False) -> bool:
        """Take bound and wish of an answer; return whether there is a solution."""
        if answer.status == "infeasible":
            self.infeasible = self.best is None
            if self.best is not None:  # which is itself a solution: ranges are too tight for the solver's tolerance
                self.found, self.is_narrowed = widest(self.problem.economy), False
            return False
        before = self.bound
        if answer.bound is not None:
            self.raise_bound(self.in_usd(answer.bound))
        if answer.has_solution:
            self.direct.load(answer)
            wish = wish_of(self.model)
            if self.bound > before:
                exact = score(self.problem, decisions_of(self.problem, wish)).objective
                self.proof = self.sign * self.in_sense(answer.objective or 0.0), self.sign * exact
            found = self.offer((repaired if relaxed else whole_of)(self.problem, wish))
            if found.broken and (self.best is None or not relaxed):
                self.tighten(found, relaxed=relaxed)
            if not relaxed:
                self.wish = decisions_of(self.problem, wish)
                self.whole.learn(self.wish)
                self.model_objective = self.in_sense(answer.objective or 0.0)
        if answer.status in {"time limit", "failed", "interrupted"}:
            self.stopped_by = "time limit" if answer.status == "time limit" else answer.status
        self.tell(stage)
        return bool(answer.has_solution)

    def tell(self, stage: str) -> None:
        """Report where the solve stands."""
        best = math.nan if self.best is None else self.best.objective
        self.report(PlanStep(stage, time.monotonic() - self.begin, best, self.sign * self.bound))

    def polish(self, rounds: int = POLISH_ROUNDS) -> None:
        """Look for better plans near the best one, or the nearest miss, and near what the model would buy."""
        near = self.best or self.near_miss
        if near is None or self.is_closed or self.left_s <= 0.0:
            return
        if near is self.polished and self.wish is None:
            return
        polish(
            self.problem,
            near,
            self.offer,
            time_limit_s=POLISH_SHARE * self.left_s,
            gap=self.effort.gap,
            seed=self.effort.seed,
            around=self.wish,
            rounds=rounds,
        )
        self.polished, self.wish = self.best or near, None
        self.tell("polishing")

    def lead(self) -> None:
        """Look for a first plan where a limit on money is in the way: the one that needs least of what is limited."""
        if self.best is not None or self.near_miss is None:
            return
        missed = {held.rule for held in self.near_miss.broken}
        for objective, rule in LIMIT_RULES.items():
            if rule in missed and self.left_s > 0.0:
                self.lead_by(objective)

    def look_beyond(self) -> None:
        """See how far limits on money are out of reach, which the relaxation only knows in part."""
        if self.infeasible and self.left_s > 0.0:
            for objective in LIMIT_RULES:
                if self.problem.limits.of(objective) is not None:
                    self.lead_by(objective)

    def lead_by(self, objective: Objective) -> None:
        """Solve for the best of what is limited: its plan may keep the limit, or its bound say that none does."""
        aim = dataclasses.replace(self.problem.limited(objective, None), objective=objective)
        found = solve_plan(aim, dataclasses.replace(self.effort, time_limit_s=LEAD_SHARE * self.left_s))
        if found.plan is not None:
            self.offer(found.plan.decisions)
        if self.best is None:
            self.conflict = self.conflict or beyond_reach(self.problem, objective, found.bound)
            self.infeasible |= self.conflict is not None or found.status == "infeasible"
        if found.stopped_by == "interrupt":
            raise KeyboardInterrupt
        self.tell("least of what is limited")

    def tighten(self, first: ScoredPlan, *, relaxed: bool) -> None:
        """Look for a plan with a little less room, where rounding has broken rules.

        By the relaxation first, and by the mixed-integer model as well where that is what was rounded.
        """
        for coarse in (True,) if relaxed else (True, False):
            missed, margins = first, dict[str, float]()
            for _ in range(MOST_TIGHTENED):
                if self.left_s <= 0.0 or any(held.excess > MOST_MISSED for held in missed.broken):
                    break
                margins = margins_for(missed.broken, margins)
                wish = self.wish_with(margins, missed.accounts.cost_usd, relaxed=coarse)
                if wish is None:
                    break
                missed = self.offer(repaired(self.problem, wish))
                if not missed.broken:
                    break

    def wish_with(self, margins: dict[str, float], cost_usd: float, *, relaxed: bool) -> FractionalPlan | None:
        """Return what a model with less room would buy."""
        model = plan_model(tightened(self.problem, margins, cost_usd), self.pieces)
        fix_known(model, self.found)
        model.worth_price.set_value(self.model.worth_price.value)
        direct = MatrixModel(model, seed=self.effort.seed)
        answer = direct.solve(
            time_limit_s=TIGHTENED_SHARE * self.left_s,
            relaxed=relaxed,
            abs_gap=self.abs_gap(),
        )
        if not answer.has_solution:
            return None
        direct.load(answer)
        return wish_of(model)

    def narrow(self) -> None:
        """Narrow down what better plans lie in, pass after pass."""
        deadline = time.monotonic() + NARROW_SHARE * self.left_s
        if self.best is self.narrowed:
            return
        for _ in range(PASSES):
            if self.best is None or self.is_closed or time.monotonic() > deadline:
                return
            self.narrowed = self.best
            before = self.gap()
            self.found = narrowed(self.hull_model(), self.found, self.cutoff(), deadline, self.effort.seed)
            self.is_narrowed = True
            self.pieces = hull_pieces(self.problem.economy, self.found, flown=self.flown())
            self.build()
            if not self.relax("narrowing"):
                return
            if self.gap() > (1.0 - PASS_GAIN) * before:
                return

    def hull_model(self) -> Any:
        """Return the model whose relaxation ranges are looked for in."""
        model = plan_model(self.problem, hull_pieces(self.problem.economy, self.found, flown=self.flown()))
        fix_known(model, self.found)
        if self.is_ratio:
            self.trial(self.upper)
            model.worth_price.set_value(self.model.worth_price.value)
        return model

    def cutoff(self) -> float:
        """Return the best objective in units of the model, with the trial price at the best levelised cost."""
        return 0.0 if self.is_ratio else self.upper / self.units[0]

    def flown(self) -> Any:
        """Return launches of the best plan by vehicle and year."""
        assert self.best is not None
        launches = self.best.decisions.launches.sum(axis=1)
        return launches.reshape(len(launches), self.problem.economy.calendar.years, -1).sum(axis=2)

    def recut(self) -> None:
        """Build the model with pieces as fine as the gap asked for needs."""
        economy, frame = self.problem.economy, self.model.frame
        share = GAP_OF_PIECES * self.effort.gap * FINER ** (self.rounds - 1)
        spent = self.best.accounts.cost_usd if self.best is not None else np.inf
        rest: dict[str, Any] = {}
        if self.best is not None:
            rest = {"flown": self.flown(), **self.whole.numbers(self.problem, self.best, self.rounds)}
        self.pieces = fine_pieces(economy, self.found, share * spent, learning_weights(frame), **rest)
        self.build()

    def round(self) -> None:
        """Solve the mixed-integer model once, beginning with the best plan."""
        self.rounds += 1
        self.recut()
        if self.best is not None:
            self.trial(self.upper * (1.0 - TRIAL_SHARE * self.effort.gap))
        answer = self.direct.solve(
            time_limit_s=self.left_s,
            abs_gap=self.abs_gap(),
            start=() if self.best is None else start_of(self.model, self.best),
            enough=self.in_model(self.upper - self.effort.gap * self.scale),
        )
        self.take(answer, "mixed-integer model")

    def abs_gap(self) -> float:
        """Return the absolute gap to solve the model to, in its units."""
        if self.best is None:
            return LEAST_ABS_GAP
        scale = self.price * self.least_worth if self.is_ratio else self.scale
        return max(GAP_OF_MODEL * self.effort.gap * scale / self.units[0], LEAST_ABS_GAP)

    def planned(self) -> Planned:
        gap = self.gap()
        status: Status
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
            made_of=self.made_of(),
            conflict=self.conflict if status == "infeasible" else None,
        )

    def made_of(self) -> GapParts | None:
        """Return what the gap is made of, None where there is none."""
        if self.proof is None or self.best is None:
            return None
        model, exact = self.proof
        parts = (model - self.bound, exact - model, self.upper - exact)
        return GapParts(*(part / self.scale for part in parts))


__all__ = ["PlanStep", "Planned", "least_worth", "solve_plan"]
