"""What binding limits are worth: how much better the best design would be with a little more room."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from dawndusk.models.design import Design
from dawndusk.optimize.explain.elastic import (
    BINDING_MARGIN,
    DEMAND,
    FILLED_BY_MASS,
    FILLED_BY_VOLUME,
    Elastic,
    Item,
    filled_launches,
    items,
)
from dawndusk.optimize.heuristics.local_search import Population, WalkEffort, coordinates_of, start, walk
from dawndusk.optimize.problem import Problem

RELAXED_SHARE = 0.01
POLISHING = (160, 1024)
REOPTIMISING = (120, 1024)
"""Rounds and samples of the walks."""


@dataclass(frozen=True)
class ShadowPrice:
    """What more room on one binding limit would save.

    Attributes
    ----------
    relaxation : float
        The room given, in ``units``: 1 % of the limit, or one whole step where the limit goes by steps.
    saving : float
        How much better the objective becomes with it, re-optimised nearby; never negative, in units of the objective.
    saving_share : float
        The same over the objective.
    """

    name: str
    sentence: str
    sense: str
    limit: float
    units: str
    margin: float
    relaxation: float
    saving: float
    saving_share: float
    design: Design

    @property
    def saving_per_unit(self) -> float:
        """Return the saving over the relaxation: units of the objective for each unit of the limit."""
        return self.saving / self.relaxation

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {**dataclasses.asdict(self), "saving_per_unit": self.saving_per_unit, "design": self.design.to_dict()}


@dataclass(frozen=True)
class RelaxedLimit:
    """A binding limit on a design with some more room: the limit, the room in its units, and the problem with it."""

    item: Item
    amount: float
    elastic: Elastic


def polished(problem: Problem, design: Design, *, rng: np.random.Generator, deadline: float) -> Population:
    """Return the best designs near a design with the same categories."""
    elastic = Elastic(problem, design.combination)
    begin = start(elastic.grade, coordinates_of(problem, design)[np.newaxis])
    return walk(elastic.grade, begin, rng=rng, effort=WalkEffort(*POLISHING, deadline))


def relaxations(
    problem: Problem, design: Design, *, share: float = RELAXED_SHARE, margin: float = BINDING_MARGIN
) -> Iterator[RelaxedLimit]:
    """Yield every binding limit on a design with more room.

    Parameters
    ----------
    share : float
        Room over the limit; limits in whole steps get a whole step.
    margin : float
        Relative margin up to which a limit binds.
    """
    combination = design.combination
    for item in items(problem, design).values():
        if item.is_idle or not 0.0 <= -item.violation <= margin:
            continue
        amount = item.amount(share)
        allowance = amount / abs(item.scale)
        least_share = max(1.0 - allowance, share) if item.name == DEMAND else 1.0
        yield RelaxedLimit(item, amount, Elastic(problem, combination, {item.name: allowance}, least_share))
    for item, wider in _filled_launches(problem, design, share):
        if -item.violation <= margin:
            yield RelaxedLimit(item, share * item.limit, Elastic(wider, combination))


def _filled_launches(problem: Problem, design: Design, share: float) -> Iterator[tuple[Item, Problem]]:
    """Yield how the whole satellites of a launch fill it, each with the problem in which a launch takes more."""
    launch, more = problem.assumptions.launch, 1.0 + share
    wider = {
        FILLED_BY_MASS: dataclasses.replace(launch, mass_fill=launch.mass_fill * more),
        FILLED_BY_VOLUME: dataclasses.replace(launch, volume_fill=launch.volume_fill * more),
    }
    for name, item in filled_launches(problem, design).items():
        yield item, dataclasses.replace(problem, assumptions=problem.assumptions.replace(launch=wider[name]))


def worths(
    problem: Problem,
    design: Design,
    base: Population,
    *,
    seed: int,
    deadline: float,
    share: float = RELAXED_SHARE,
    margin: float = BINDING_MARGIN,
) -> tuple[list[ShadowPrice], Population]:
    """Return what every binding limit is worth, most valuable first, and the best designs without any relaxation.

    Each limit is relaxed alone and the design is re-optimised from ``base``. What a relaxed walk finds that needs no
    relaxation improves the reference instead of being counted as worth.

    Parameters
    ----------
    base : Population
        The best designs nearby, from ``polished``; their coordinates are those of the problem.
    deadline : float
        ``time.monotonic`` at which the walks end.
    """
    strict = Elastic(problem, design.combination)
    reached: list[tuple[RelaxedLimit, Population]] = []
    for number, relaxed in enumerate(relaxations(problem, design, share=share, margin=margin)):
        begin = start(relaxed.elastic.grade, relaxed.elastic.lifted(base.points))
        rng = np.random.default_rng([seed, number])
        found = walk(relaxed.elastic.grade, begin, rng=rng, effort=WalkEffort(*REOPTIMISING, deadline))
        points = found.points[:, : len(problem.free)]
        base = base.with_more(points, strict.grade(points))
        reached.append((relaxed, found))
    reference = float(base.aim[0])
    measured = [_worth(relaxed, found, reference) for relaxed, found in reached]
    return sorted(measured, key=lambda worth: -worth.saving), base


def _worth(relaxed: RelaxedLimit, found: Population, reference: float) -> ShadowPrice:
    item = relaxed.item
    saving = max(reference - float(found.aim[0]), 0.0)
    return ShadowPrice(
        name=item.name,
        sentence=item.sentence,
        sense=item.sense,
        limit=item.limit,
        units=item.units,
        margin=abs(item.violation),
        relaxation=relaxed.amount,
        saving=saving,
        saving_share=saving / (abs(reference) or 1.0),
        design=relaxed.elastic.designs(found.points[:1])[0],
    )
