"""An outer search over strategy, with the rest of the design optimised for each of its trials.

The outer search chooses a few things that a programme decides first: a technology, a class of satellite, the year of
the first launch. What a strategy is worth is the optimum of the problem in which those are fixed, found by an inner
engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from dawndusk.models.design import Design, DesignBatch
from dawndusk.optimize.certify.search import certify
from dawndusk.optimize.heuristics.evolution import QUICK, search
from dawndusk.optimize.problem import Choice, Fixed, Goal, Problem, Range
from dawndusk.optimize.space.dimensions import Category, Dimension, Point, RealNumber, Space
from dawndusk.optimize.trials.designs import DesignQuestion, dimension_of, rules_of
from dawndusk.optimize.trials.question import Failure, Question, TrialAnswer

YEAR = "first_launch_year"
"""Dimension of the year of the first launch."""
UNHURRIED_S = 1e6
"""Time limit of an inner search that ends by itself, so that its result does not depend on the machine's speed."""
Inner: TypeAlias = Literal["evolution", "certified"]


@dataclass(frozen=True)
class StrategyQuestion:
    """A problem in which an outer search chooses some variables, and an inner engine the others.

    Attributes
    ----------
    problem : Problem
        With every variable that is open to either search.
    variables : tuple of str
        Open design variables of the outer search.
    years : (float, float), optional
        The range of the first launch, where the outer search chooses it.
    inner : {"evolution", "certified"}
        Engine of the inner optimisation.
    gap, time_limit_s : float
        Of one inner certified search; the other engine ends by itself.
    seed : int
        Of the inner engine.
    """

    problem: Problem
    variables: tuple[str, ...]
    years: tuple[float, float] | None = None
    inner: Inner = "evolution"
    gap: float = 1e-2
    time_limit_s: float = 60.0
    seed: int = 1

    @property
    def goals(self) -> tuple[Goal, ...]:
        """Return the one goal of both searches."""
        return (Goal(self.problem.objective, self.problem.sense),)

    @property
    def question(self) -> Question:
        """Return the outer question as samplers see it."""
        return Question(self.space, self.goals, self.rules)

    @property
    def rules(self) -> tuple[str, ...]:
        """Return the names of the rules of the model and of the bounds of the study."""
        return rules_of(self.problem)

    @property
    def space(self) -> Space:
        """Return what the outer search chooses."""
        dimensions: dict[str, Dimension] = {}
        for name in self.variables:
            entry = self.problem.space[name]
            if isinstance(entry, Choice):
                dimensions[name] = Category(entry.names)
            elif isinstance(entry, Range):
                dimensions[name] = dimension_of(name, entry)
        if self.years is not None:
            dimensions[YEAR] = RealNumber(*self.years)
        return Space(dimensions)

    def inner_problem(self, point: Point) -> Problem:
        """Return the problem that is left once a strategy is chosen."""
        fixed = {name: Fixed(point[name]) for name in self.variables}
        believed = self.problem.assumptions
        if YEAR in point:
            scenario = replace(believed.scenario, first_launch_year=float(point[YEAR]))
            believed = believed.replace(scenario=scenario)
        return replace(self.problem, space={**self.problem.space, **fixed}, assumptions=believed)

    def solve(self, point: Point) -> tuple[Problem, Design | None]:
        """Return the inner problem of a strategy and the best design found for it, None where there is none at all."""
        problem = self.inner_problem(point)
        if self.inner == "certified":
            proved = certify(
                problem, gap=self.gap, seed=self.seed, time_limit_s=self.time_limit_s, workers=1, audit=False
            )
            return problem, proved.nearest if proved.candidates else None
        return problem, search(problem, seed=self.seed, time_limit_s=UNHURRIED_S, effort=QUICK).nearest

    def __call__(self, points: Sequence[Point]) -> list[TrialAnswer]:
        """Return what each strategy is worth."""
        return [self._answer(point) for point in points]

    def _answer(self, point: Point) -> TrialAnswer:
        problem, design = self.solve(point)
        if design is None:
            return TrialAnswer(failure=Failure("no design", "the inner search ended without any design"))
        return DesignQuestion(problem, self.goals).answers(DesignBatch.of(design))[0]
