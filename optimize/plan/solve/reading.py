"""From the values of a model's variables to what is bought."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.fleet.fleet import Decisions
from dawndusk.optimize.plan.model.frame import Frame
from dawndusk.optimize.plan.problem.problem import PlanProblem

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FractionalPlan:
    """What a solution of the model would buy, fractions and all.

    ``share`` (D, V, P) in launches, ``launches`` (V, O, P), ``ground`` (A, P).
    """

    share: Floats
    launches: Floats
    ground: Floats


def decisions_of(problem: PlanProblem, wish: FractionalPlan) -> Decisions:
    """Return the decisions of a wish, fractions and all."""
    return Decisions(wish.share * problem.economy.figures.per_launch[:, :, None], wish.launches, wish.ground)


def wish_of(model: Any) -> FractionalPlan:
    """Return what the loaded values of a model would buy."""
    frame: Frame = model.frame
    periods = {label: p for p, label in enumerate(frame.labels)}
    designs = {name: d for d, name in enumerate(frame.designs)}
    vehicles = {name: v for v, name in enumerate(frame.vehicles)}
    orbits = {name: o for o, name in enumerate(frame.economy.orbits)}
    rivals = {name: a for a, name in enumerate(frame.economy.rival.accelerators)}
    count = frame.calendar.periods
    share = np.zeros((len(designs), len(vehicles), count))
    launches = np.zeros((len(vehicles), len(orbits), count))
    ground = np.zeros((len(rivals), count))
    for (d, v, p), variable in model.share.items():
        share[designs[d], vehicles[v], periods[p]] = max(variable.value or 0.0, 0.0)
    for (v, o, p), variable in model.launches.items():
        launches[vehicles[v], orbits[o], periods[p]] = max(variable.value or 0.0, 0.0)
    for (a, p), variable in model.ground.items():
        ground[rivals[a], periods[p]] = max(variable.value or 0.0, 0.0)
    return FractionalPlan(share, launches, ground)
