"""A costly evaluator beside the built-in model: the model screens designs, the evaluator confirms them."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.design import Design
from dawndusk.optimize.space.dimensions import Point
from dawndusk.optimize.trials.designs import DesignQuestion, bounds_of, excesses
from dawndusk.optimize.trials.question import Evaluator, Failure, Question, TrialAnswer


@dataclass(frozen=True)
class OutsideQuestion:
    """A problem whose designs an outside evaluator answers.

    Attributes
    ----------
    designs : DesignQuestion
        The problem and the built-in model.
    outside : Evaluator
        Takes whole designs as points, with a value for each design variable, and answers with outcomes.
    screen : bool
        Whether the rules of the built-in model hold as well. A design that breaks one of them, or a bound of the study
        in the built-in model, is answered by that model and never sent out.
    """

    designs: DesignQuestion
    outside: Evaluator
    screen: bool

    @property
    def question(self) -> Question:
        """Return the question as samplers see it."""
        return replace(self.designs.question, rules=self.rules)

    @property
    def rules(self) -> tuple[str, ...]:
        """Return the rules of the model where it screens, and the bounds of the study."""
        return self.designs.rules if self.screen else bounds_of(self.designs.problem)

    @property
    def needed(self) -> tuple[str, ...]:
        """Return the outcomes that the outside evaluator has to answer with: goals and bounded ones."""
        return self.designs.needed

    def __call__(self, points: Sequence[Point]) -> list[TrialAnswer]:
        """Return the answers, the evaluator being asked about those designs alone that the model lets through."""
        if not points:
            return []
        batch = self.designs.batch(points)
        modelled = self.designs.answers(batch) if self.screen else [TrialAnswer()] * len(points)
        return [self._answer(batch[index], known) for index, known in enumerate(modelled)]

    def _answer(self, design: Design, known: TrialAnswer) -> TrialAnswer:
        if self.screen and (known.failure is not None or any(v > 0.0 for v in known.violations.values())):
            return replace(known, seconds=0.0)
        begin = time.perf_counter()
        (told,) = self.outside([design.to_dict()])
        seconds = time.perf_counter() - begin
        if told.failure is not None:
            return replace(told, seconds=seconds)
        for name in self.needed:
            if not math.isfinite(told.outcomes.get(name, math.nan)):
                found = repr(told.outcomes[name]) if name in told.outcomes else "nothing"
                return TrialAnswer(
                    failure=Failure("outcome", f"{name}: found {found}; allowed a finite number"), seconds=seconds
                )
        columns = {name: np.array([value]) for name, value in told.outcomes.items()}
        missed = {name: float(excess[0]) for name, excess in excesses(self.designs.problem, columns).items()}
        rules = {name: known.violations[name] for name in self.rules if name not in missed}
        return TrialAnswer(dict(told.outcomes), {**rules, **missed}, seconds=seconds)

    def prior(self, points: Sequence[Point]) -> NDArray[np.float64]:
        """Return the goals in the built-in model, small is good, shape (N, goals); NaN where it has none."""
        goals = self.designs.goals
        answers = self.designs(points)
        return np.array(
            [[math.nan if a.failure else goal.sign * a.outcomes[goal.outcome] for goal in goals] for a in answers]
        ).reshape(len(points), len(goals))
