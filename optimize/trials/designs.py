"""The built-in model as a question: the open variables of a problem as a space, and the evaluator that answers it.

A point is what a search varies. Two things of a design follow from the others: the number of satellites where it
follows the demand, and the radiator area, which is searched as an area per kW so that it keeps its meaning whatever the
size of the satellite.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dawndusk.models.array import Array
from dawndusk.models.design import CATEGORIES, NUMBERS, VARIABLES, Design, DesignBatch
from dawndusk.models.evaluate import evaluate
from dawndusk.models.programme.launch import cadence_cap_per_year
from dawndusk.models.rules import RULES
from dawndusk.optimize.problem import AREA_M2_PER_KW, KW_PER_WATT, LOG_SCALE_RATIO, Choice, Goal, Problem, Range
from dawndusk.optimize.space.dimensions import Category, Dimension, Point, RealNumber, Space, Value, WholeNumber
from dawndusk.optimize.trials.question import Failure, Question, TrialAnswer

AREA = "radiator_area_m2_per_kw"
"""Dimension that stands for the radiator area: planform per kW of nominal IT power."""


@dataclass(frozen=True)
class DesignQuestion:
    """A problem with one goal or several, and its variables as a space.

    Points have the names of the design variables that the problem leaves open, with ``AREA`` for the radiator's.
    """

    problem: Problem
    goals: tuple[Goal, ...]

    @property
    def question(self) -> Question:
        """Return the question as samplers see it."""
        return Question(self.space, self.goals, self.rules)

    @property
    def rules(self) -> tuple[str, ...]:
        """Return the names of the rules of the model and of the bounds of the study."""
        return rules_of(self.problem)

    @property
    def needed(self) -> tuple[str, ...]:
        """Return the outcomes that an answer has to have: goals and bounded ones."""
        goals = (goal.outcome for goal in self.goals)
        bounded = (bound.outcome for bound in self.problem.bounds)
        return tuple(dict.fromkeys((*goals, *bounded)))

    @property
    def space(self) -> Space:
        """Return the open variables."""
        dimensions: dict[str, Dimension] = {}
        for name, entry in self.problem.space.items():
            if isinstance(entry, Choice) and len(entry.names) > 1:
                dimensions[name] = Category(entry.names)
            elif isinstance(entry, Range) and name == "radiator_area_m2":
                dimensions[AREA] = RealNumber(*self._area_ends(entry), logarithmic=True)
            elif isinstance(entry, Range):
                dimensions[name] = dimension_of(name, self._open(name, entry))
        return Space(dimensions)

    def _open(self, name: str, entry: Range) -> Range:
        """Return the range of a number, that of the cadence up to what any vehicle allows."""
        if name != "launches_per_year":
            return entry
        return replace(entry, high=max(min(entry.high, self._cadence_cap()), entry.low))

    def _cadence_cap(self) -> float:
        """Return the most launches a year that any vehicle allows."""
        believed = self.problem.assumptions
        entry = self.problem.space["vehicle"]
        names = entry.names if isinstance(entry, Choice) else (str(entry.nominal),)
        first, longest = believed.scenario.first_launch_year, believed.launch.max_deployment_years
        years = (first, first + 0.5 * longest)
        caps = (
            cadence_cap_per_year(believed.launch, believed.vehicles[name], year) for name in names for year in years
        )
        return max(map(float, caps))

    def _area_ends(self, entry: Range) -> tuple[float, float]:
        """Return the ends of the area per kW: as wide as the range of areas, for the sizes and powers in question."""
        powers = [row.it_power_w * KW_PER_WATT for row in self._accelerators()]
        size = self.problem.space["accelerators_per_satellite"]
        ends = (size.low, size.high) if isinstance(size, Range) else (float(size.nominal), float(size.nominal))
        low = max(AREA_M2_PER_KW[0], entry.low / (ends[1] * max(powers)))
        high = min(AREA_M2_PER_KW[1], entry.high / (ends[0] * min(powers)))
        return (low, high) if low < high else AREA_M2_PER_KW

    def _accelerators(self) -> list[Any]:
        entry = self.problem.space["accelerator"]
        names = entry.names if isinstance(entry, Choice) else (str(entry.nominal),)
        return [self.problem.assumptions.accelerators[name] for name in names]

    def batch(self, points: Sequence[Point]) -> DesignBatch:
        """Return the designs at points, with as many satellites as the demand asks for where they follow it."""
        values = {name: np.ones(len(points)) for name in NUMBERS}
        names: dict[str, tuple[str, ...]] = {}
        codes = {}
        for name in CATEGORIES:
            column = [str(point.get(name, self._fixed(name))) for point in points]
            names[name] = tuple(dict.fromkeys(column))
            codes[name] = np.array([names[name].index(item) for item in column], dtype=np.intp)
        for name in NUMBERS:
            if name in self.problem.space and name != "radiator_area_m2":
                values[name] = np.array([float(point.get(name, self._fixed(name))) for point in points])
        values["radiator_area_m2"] = np.array([self._area_m2(point) for point in points])
        batch = DesignBatch(values, codes, names)
        return self.problem.meet_demand(batch) if self.problem.satellites_follow_demand else batch

    def _fixed(self, name: str) -> Value:
        return self.problem.space[name].nominal

    def _area_m2(self, point: Point) -> float:
        entry = self.problem.space["radiator_area_m2"]
        if not isinstance(entry, Range):
            return float(entry.nominal)
        return min(max(float(point[AREA]) * self._kilowatts(point), entry.low), entry.high)

    def _kilowatts(self, design: Mapping[str, Value]) -> float:
        """Return the nominal IT power of one satellite in kW."""
        accelerator = str(design.get("accelerator", self._fixed("accelerator")))
        size = float(design.get("accelerators_per_satellite", self._fixed("accelerators_per_satellite")))
        return size * self.problem.assumptions.accelerators[accelerator].it_power_w * KW_PER_WATT

    def design(self, point: Point) -> Design:
        """Return the design at one point."""
        return self.batch([point])[0]

    def point(self, design: Design) -> dict[str, Value]:
        """Return the point of a design, each value moved into the space where it is outside."""
        values = design.to_dict()
        values[AREA] = float(values["radiator_area_m2"]) / self._kilowatts(values)
        return {
            name: value if isinstance(dimension, Category) else _within(dimension, float(value))
            for name, dimension in self.space.dimensions.items()
            for value in (values[name],)
        }

    def __call__(self, points: Sequence[Point]) -> list[TrialAnswer]:
        """Return what the built-in model answers, with every outcome."""
        if not points:
            return []
        return self.answers(self.batch(points))

    def answers(self, batch: DesignBatch) -> list[TrialAnswer]:
        """Return what the built-in model answers to designs."""
        with np.errstate(all="ignore"):
            evaluation = evaluate(batch, self.problem.assumptions)
        columns = {**evaluation.violation, **excesses(self.problem, evaluation.outcome.values)}
        return [
            self.answer(evaluation.outcome.row(index), {name: float(column[index]) for name, column in columns.items()})
            for index in range(len(batch))
        ]

    def answer(self, outcomes: Mapping[str, float], violations: Mapping[str, float]) -> TrialAnswer:
        """Return an answer, which is a failure where a goal or a rule is not a finite number."""
        for name in self.needed:
            if not np.isfinite(outcomes[name]):
                return TrialAnswer(
                    failure=Failure("not a number", f"{name} is {outcomes[name]!r} in the built-in model")
                )
        for name, violation in violations.items():
            if not np.isfinite(violation):
                return TrialAnswer(
                    failure=Failure("not a number", f"rule {name} can not be judged in the built-in model")
                )
        return TrialAnswer(outcomes, violations)


def bounds_of(problem: Problem) -> tuple[str, ...]:
    """Return the names of the bounds of a study."""
    return tuple(str(bound) for bound in problem.bounds)


def rules_of(problem: Problem) -> tuple[str, ...]:
    """Return the names of the rules of the model and of the bounds of a study."""
    return (*RULES, *bounds_of(problem))


def excesses(problem: Problem, outcomes: Mapping[str, Array]) -> dict[str, Array]:
    """Return by how much each bound of a study is missed, by its name, negative where it is met."""
    return {str(bound): bound.excess(outcomes) for bound in problem.bounds}


def dimension_of(name: str, entry: Range) -> RealNumber | WholeNumber:
    """Return the range of a design variable as a dimension, on a logarithmic scale where its ends are far apart."""
    logarithmic = entry.low > 0.0 and entry.high / entry.low > LOG_SCALE_RATIO
    if VARIABLES[name].kind == "integer":
        return WholeNumber(math.ceil(entry.low), math.floor(entry.high), logarithmic)
    return RealNumber(entry.low, entry.high, logarithmic)


def _within(dimension: RealNumber | WholeNumber, value: float) -> float | int:
    inside = min(max(value, dimension.low), dimension.high)
    return round(inside) if isinstance(dimension, WholeNumber) else inside
