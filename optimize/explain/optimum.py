"""Why this design: what its binding limits are worth, why not another name, how far the near-optimal region goes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dawndusk.models.design import Design
from dawndusk.models.errors import DesignError
from dawndusk.optimize.explain.elastic import BINDING_MARGIN, Elastic
from dawndusk.optimize.explain.near_optimal import TOLERANCE, NearOptimal, near_optimal
from dawndusk.optimize.explain.runner_up import RunnerUp, runners_up
from dawndusk.optimize.explain.shadow_prices import RELAXED_SHARE, ShadowPrice, polished, worths
from dawndusk.optimize.problem import Problem
from dawndusk.optimize.result import Candidate

TIME_LIMIT_S = 10.0
SHARE_OF_WORTHS, SHARE_OF_RUNNERS_UP = 0.3, 0.5
"""Shares of the time; what one part leaves is for those that follow."""
LEAST_GAIN = 1e-6
"""Relative: by how much a design must be better to be called so. Less is the last digits of the same one."""


@dataclass(frozen=True)
class Explanation:
    """What an optimum is made of, found by search around it.

    Attributes
    ----------
    objective : float
        That of the design explained, in the sense and units of the study.
    worths : tuple of Worth
        Every binding rule, bound and full launch, most valuable first.
    runners_up : tuple of RunnerUp
        The best design with every name that lost, the smallest penalty first.
    near_optimal : NearOptimal
        How far each variable goes within the tolerance, at least.
    better : Design or None
        A feasible design that was met on the way and is better by more than ``LEAST_GAIN``, if any.
    """

    objective: float
    worths: tuple[ShadowPrice, ...]
    runners_up: tuple[RunnerUp, ...]
    near_optimal: NearOptimal
    better: Design | None
    seconds: float
    seed: int
    stopped_by: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "objective": self.objective,
            "worths": [worth.to_dict() for worth in self.worths],
            "runners_up": [one.to_dict() for one in self.runners_up],
            "near_optimal": self.near_optimal.to_dict(),
            "better": self.better.to_dict() if self.better else None,
            "seconds": self.seconds,
            "seed": self.seed,
            "stopped_by": self.stopped_by,
        }


def explain_optimum(
    problem: Problem,
    best: Design,
    candidates: Sequence[Candidate] = (),
    *,
    seed: int = 1,
    time_limit_s: float = TIME_LIMIT_S,
    tolerance: float = TOLERANCE,
    share: float = RELAXED_SHARE,
    margin: float = BINDING_MARGIN,
) -> Explanation:
    """Explain a feasible design as the best of its problem.

    Parameters
    ----------
    problem : Problem
        What was chosen from.
    best : Design
        The best design known; it must be feasible.
    candidates : sequence of Candidate
        The best designs that a search found for combinations of categories: where the runners-up start from.
    seed : int
        Same seed, same explanation, as long as the time limit does not end it.
    time_limit_s : float
        Seconds for the whole explanation; what was found by then is returned with ``stopped_by`` ``time limit``.
    tolerance : float
        How far from the best objective is near-optimal, as a share of it.
    share : float
        By how much a binding limit is relaxed, as a share of it.
    margin : float
        Relative margin up to which a limit binds.

    Raises
    ------
    DesignError
        Where the design breaks a rule or bound: there is no optimum to explain.
    """
    begin = time.monotonic()
    scored = problem.score_one(best)
    if not bool(scored.feasible[0]):
        raise DesignError("design: breaks a rule or bound, so it can not be explained as an optimum; see conflict")
    deadline = begin + time_limit_s
    first, second = begin + SHARE_OF_WORTHS * time_limit_s, SHARE_OF_RUNNERS_UP * time_limit_s
    base = polished(problem, best, rng=np.random.default_rng([seed]), deadline=first)
    valued, base = worths(problem, best, base, seed=seed, deadline=first, share=share, margin=margin)
    in_time = time.monotonic() < first
    until = min(time.monotonic() + second, deadline)
    others = runners_up(problem, best, candidates, seed=seed, deadline=until)
    in_time &= all(one.completed for one in others)
    feasible = [one.design for one in others if one.penalty is not None]
    near = near_optimal(problem, best, feasible, seed=seed, deadline=deadline, tolerance=tolerance)
    objective = float(scored.objective[0])
    nearby = Elastic(problem, best.combination).designs(base.points[:1])[0]
    seconds = time.monotonic() - begin
    return Explanation(
        objective=problem.sign * objective,
        worths=tuple(valued),
        runners_up=tuple(others),
        near_optimal=near,
        better=_better(problem, objective, [nearby, *feasible]),
        seconds=seconds,
        seed=seed,
        stopped_by="completion" if in_time and seconds < time_limit_s else "time limit",
    )


def _better(problem: Problem, objective: float, designs: Sequence[Design]) -> Design | None:
    """Return the best of the designs that are feasible and better, if any."""
    found = [(float(problem.score_one(d).objective[0]), d) for d in designs if problem.score_one(d).feasible[0]]
    value, design = min(found, key=lambda pair: pair[0], default=(np.inf, None))
    return design if value < objective - LEAST_GAIN * abs(objective) else None
