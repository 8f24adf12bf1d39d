"""Rules and bounds with slack: the same exact model, scored with some limits relaxed or left out.

A rule of the model and a bound of the study are the same thing here: a named limit with a graded violation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.design import Design, DesignBatch
from dawndusk.models.evaluate import rule_reports
from dawndusk.models.outcome import OUTCOMES
from dawndusk.models.programme.launch import usable_fairing_m3
from dawndusk.models.rounding import rounded_down, rounded_up
from dawndusk.models.rules import RULES
from dawndusk.optimize.heuristics.local_search import Grades
from dawndusk.optimize.problem import Bound, Combination, Problem

Floats: TypeAlias = NDArray[np.float64]

BINDING_MARGIN = 0.005
"""Relative margin up to which a limit binds."""
FILLED_BY_MASS, FILLED_BY_VOLUME = "launch_filled_by_mass", "launch_filled_by_volume"
DEMAND = "demand"
"""The rule that the number of satellites follows where a study does not state one."""
LEAST_SHARE_OF_DEMAND = 1e-4
WHOLE_UNITS = frozenset({"count", "year"})
"""Units of limits that go by whole steps: a terminal more, a year later."""


@dataclass(frozen=True)
class Item:
    """A rule or bound on one design: the two values that it compares, in its units, and the graded violation."""

    name: str
    sentence: str
    sense: str
    units: str
    value: float
    limit: float
    violation: float
    scale: float

    @property
    def is_idle(self) -> bool:
        """Return whether nothing is asked for: at least zero."""
        return self.sense == "at least" and self.limit == 0.0

    def amount(self, share: float) -> float:
        """Return a share of the limit in its units; at least one where it goes by whole steps."""
        if self.units == "year":
            return 1.0  # a share of a date means nothing
        amount = share * (abs(self.limit) or 1.0)
        return max(1.0, amount) if self.units in WHOLE_UNITS else amount


def items(problem: Problem, design: Design) -> dict[str, Item]:
    """Return every rule and bound on a design by name."""
    found = {}
    for report in rule_reports(design, problem.assumptions):
        rule, scale = report.rule, report.rule.scale or report.limit
        found[rule.name] = Item(
            rule.name, rule.sentence, rule.sense, rule.units, report.value, report.limit, report.violation, scale
        )
    values = problem.score_one(design).evaluation.outcome.values
    for bound in problem.bounds:
        found[str(bound)] = _of_bound(bound, float(values[bound.outcome][0]))
    return found


def _of_bound(bound: Bound, value: float) -> Item:
    sense = "at most" if bound.is_upper else "at least"
    excess = float(bound.excess({bound.outcome: value}))
    units, sentence = OUTCOMES[bound.outcome].units, f"The study asks for {bound}."
    return Item(str(bound), sentence, sense, units, value, bound.value, excess, abs(bound.value) or 1.0)


def filled_launches(problem: Problem, design: Design) -> dict[str, Item]:
    """Return how closely whole satellites fill a launch by mass and by volume: one step more and one fewer flies.

    These are not rules, for a design may always fly fewer; but where one has no margin, the slightest growth of the
    satellite costs a whole place on every launch.
    """
    outcome = problem.score_one(design).evaluation.outcome.row(0)
    count = outcome["satellites_per_launch"]
    vehicle, launch = problem.assumptions.vehicles[design.vehicle], problem.assumptions.launch
    sizes = (
        (FILLED_BY_MASS, outcome["wet_mass_kg"], outcome["payload_kg"], "kg"),
        (FILLED_BY_VOLUME, outcome["stowed_volume_m3"], float(usable_fairing_m3(launch, vehicle)), "m3"),
    )
    sentence = f"The {count:.0f} satellites of one launch fill it; a larger satellite leaves a place empty on each."
    return {
        name: Item(name, sentence, "at most", units, filled, room, (filled - room) / room, room)
        for name, one, room, units in sizes
        if (filled := min(count * one, room)) > 0.0 and rounded_down(room / one) >= count
    }


def names_of(problem: Problem) -> tuple[str, ...]:
    """Return the names of every rule and bound, in the order of the columns of ``violations``."""
    return tuple(dict.fromkeys((*RULES, *map(str, problem.bounds))))


def stated(problem: Problem) -> frozenset[str]:
    """Return the names of what the study itself asks for: its bounds and its demand."""
    return frozenset((DEMAND, *map(str, problem.bounds)))


@dataclass(frozen=True, eq=False)
class Elastic:
    """One combination of categories with slack on some limits.

    ``allowance`` maps the name of a rule or bound to the graded violation that is forgiven. Where the satellites follow
    the demand and ``least_share`` is below one, a last coordinate is the share of the demand that is met.
    """

    problem: Problem
    combination: Combination
    allowance: Mapping[str, float] = field(default_factory=dict)
    least_share: float = 1.0

    @property
    def has_share(self) -> bool:
        """Return whether the last coordinate is the share of the demand that is met."""
        return self.problem.satellites_follow_demand and self.least_share < 1.0

    @property
    def dimension(self) -> int:
        """Return the number of coordinates."""
        return len(self.problem.free) + self.has_share

    def lifted(self, points: Floats) -> Floats:
        """Return coordinates of the problem as coordinates here: the whole demand is met."""
        free = points[:, : len(self.problem.free)]
        return np.column_stack([free, np.ones(len(points))]) if self.has_share else free

    def designs(self, points: Floats) -> DesignBatch:
        """Return the designs at coordinates of shape (N, dimension)."""
        batch = self.problem.designs(points[:, : len(self.problem.free)], self.combination)
        if not self.has_share:
            return batch
        share = np.exp((1.0 - points[:, -1]) * math.log(self.least_share))
        satellites = np.maximum(rounded_up(batch.values["satellites"] * share), 1.0)
        return DesignBatch({**batch.values, "satellites": satellites}, batch.codes, batch.names)

    def measure(self, batch: DesignBatch) -> tuple[Floats, Floats]:
        """Return the objective to make small, of shape (N,), and every violation, of shape (N, limits).

        Violations are those beyond what is forgiven, zero where met, infinite where they can not be computed; the
        objective is infinite where it can not be computed.
        """
        scored = self.problem.score(batch, self.problem.scored_outcomes)
        values, by_rule = scored.evaluation.outcome.values, scored.evaluation.violation
        columns = {**by_rule, **{str(bound): bound.excess(values) for bound in self.problem.bounds}}
        names = names_of(self.problem)
        forgiven = np.array([self.allowance.get(name, 0.0) for name in names])
        excess = np.column_stack([columns[name] for name in names])
        beyond = np.maximum(np.where(np.isnan(excess), np.inf, excess) - forgiven, 0.0)
        return np.where(np.isfinite(scored.objective), scored.objective, np.inf), beyond

    def grade(self, points: Floats) -> Grades:
        """Return the sum of violations and the objective at coordinates."""
        objective, beyond = self.measure(self.designs(points))
        return np.where(np.isfinite(objective), beyond.sum(axis=1), np.inf), objective
