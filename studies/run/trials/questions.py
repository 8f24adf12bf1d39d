"""A study as a question to search: its space, goals and rules, what answers it, and what its trials depend on."""

from __future__ import annotations

import hashlib
import json
import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.design import Design
from dawndusk.models.errors import DawnduskError
from dawndusk.models.evaluate import evaluate
from dawndusk.optimize.problem import Problem
from dawndusk.optimize.settings import Engine
from dawndusk.optimize.space.dimensions import Point
from dawndusk.optimize.trials.designs import DesignQuestion
from dawndusk.optimize.trials.question import Evaluator, Question, Trial, TrialAnswer
from dawndusk.optimize.trials.screening import OutsideQuestion
from dawndusk.optimize.trials.strategy import Inner, StrategyQuestion
from dawndusk.studies.input import study as studies
from dawndusk.studies.input.identity import model_version, problem_hash
from dawndusk.studies.input.study import Kind, ResolvedStudy
from dawndusk.studies.run.design.limits import Limit, limits
from dawndusk.studies.run.design.runner import problem_of
from dawndusk.studies.run.trials.evaluators import FunctionEvaluator, ProgramEvaluator, read_evaluator

HASH_LETTERS = 12
NAME_LETTERS = 8


@dataclass(frozen=True)
class Asked:
    """What a study asks of a search.

    Attributes
    ----------
    question : Question
        What samplers see.
    evaluator : Evaluator
        What answers points.
    designs : DesignQuestion
        The problem with the built-in model.
    is_outside : bool
        Whether something else than the built-in model answers.
    is_vectorised : bool
        Whether the evaluator is fast for many points at once.
    time_limit_s : float or None
        What an evaluation may take, where the executor has to see to it.
    parts : mapping of str to str
        What the trials depend on; not the budget, which may be raised.
    """

    question: Question
    evaluator: Evaluator
    designs: DesignQuestion
    is_outside: bool
    is_vectorised: bool
    time_limit_s: float | None
    parts: Mapping[str, str]

    @property
    def worker(self) -> Evaluator:
        """Return what evaluates: the evaluator, and of the many outcomes of the built-in model those alone that count.

        The others follow from the point at any time, and would fill the store.
        """
        if isinstance(self.evaluator, StrategyQuestion):
            return self.evaluator
        return LeanQuestion(self.evaluator, self.needed, is_model=self.is_vectorised)

    def outcomes(self, trials: Sequence[Trial]) -> dict[str, NDArray[np.float64]]:
        """Return every outcome of trials that have outcomes, shape (N,) each; NaN where one does not have it."""
        if self.is_vectorised and trials:
            with np.errstate(all="ignore"):
                found = evaluate(self.designs.batch([t.point for t in trials]), self.designs.problem.assumptions)
            return {name: np.asarray(column, dtype=np.float64) for name, column in found.outcome.values.items()}
        rows = [trial.answer.outcomes if trial.answer is not None else {} for trial in trials]
        names = dict.fromkeys(name for row in rows for name in row)
        return {name: np.array([row.get(name, math.nan) for row in rows]) for name in names}

    @property
    def needed(self) -> tuple[str, ...]:
        """Return the outcomes that an evaluator has to answer with."""
        return self.designs.needed

    def design(self, point: Point) -> Design | None:
        """Return the design at a point; that of a strategy is searched for."""
        return self.solved(point)[1]

    def solved(self, point: Point) -> tuple[Problem, Design | None]:
        """Return the problem that a point is a solution of, and the design; that of a strategy is searched for."""
        if isinstance(self.evaluator, StrategyQuestion):
            return self.evaluator.solve(point)
        return self.designs.problem, self.designs.design(point)

    def limits(self, trial: Trial, problem: Problem, design: Design) -> tuple[Limit, ...]:
        """Return the rules and bounds that hold for a trial and how far it is from each, tightest first.

        What the built-in model says of a rule holds where that model answers or screens; a bound is held against what
        was told.
        """
        answer = trial.answer
        assert answer is not None
        names = set(self.question.rules)
        found = [limit for limit in limits(problem, design) if limit.name in names or not self.is_outside]
        if self.is_outside:
            told = {str(bound): answer.outcomes[bound.outcome] for bound in problem.bounds}
            found = [
                replace(limit, value=told[limit.name], margin=-answer.violations[limit.name])
                if limit.name in told
                else limit
                for limit in found
            ]
        return tuple(sorted(found, key=lambda limit: limit.margin))

    def screened(self, point: Point) -> TrialAnswer | None:
        """Return the answer of the built-in model to a point that it does not let through."""
        if not isinstance(self.evaluator, OutsideQuestion):
            return None
        probe = StandIn()
        (answer,) = OutsideQuestion(self.designs, probe, self.evaluator.screen)([point])
        return None if probe.is_asked else answer

    def judged(self, point: Point, told: TrialAnswer) -> TrialAnswer:
        """Return what was told of a point with the rules that it keeps and breaks."""
        if not isinstance(self.evaluator, OutsideQuestion):
            raise DawnduskError(
                "tell: found a study that searches a strategy; allowed: one whose designs are evaluated"
            )
        (answer,) = OutsideQuestion(self.designs, StandIn(told), self.evaluator.screen)([point])
        return answer


@dataclass(frozen=True)
class LeanQuestion:
    """An evaluator that leaves out what the built-in model says beyond the goals and what is bounded.

    ``is_model`` says that it is that model; otherwise the model answered where no time was spent.
    """

    evaluator: Evaluator
    needed: tuple[str, ...]
    is_model: bool

    def __call__(self, points: Sequence[Point]) -> list[TrialAnswer]:
        """Return the answers."""
        return [self._lean(answer) for answer in self.evaluator(points)]

    def _lean(self, answer: TrialAnswer) -> TrialAnswer:
        if not self.is_model and answer.seconds != 0.0:
            return answer
        return replace(answer, outcomes={k: v for k, v in answer.outcomes.items() if k in self.needed})


@dataclass
class StandIn:
    """Stands where an evaluator would: says what it was told to, and notes that it was asked."""

    told: TrialAnswer = field(default_factory=TrialAnswer)
    is_asked: bool = False

    def __call__(self, points: object) -> list[TrialAnswer]:
        """Return what was told."""
        self.is_asked = True
        return [self.told]


@dataclass(frozen=True)
class Outsider:
    """Stands for an evaluator that is elsewhere and tells its answers."""

    def __call__(self, points: object) -> list[TrialAnswer]:
        """Refuse to answer."""
        raise DawnduskError("found a search that is asked and told from outside; allowed: dawndusk ask and tell")


def asked_of(study: ResolvedStudy, *, allow_code: bool = False, is_told: bool = False) -> Asked:
    """Return what a study asks of a search.

    Parameters
    ----------
    allow_code : bool
        Whether the study may name a Python function.
    is_told : bool
        Whether the answers are told from outside, so that the evaluator of the study, if any, is left alone.

    Raises
    ------
    DawnduskError
        For a study of another kind, one that has nothing to search, or an evaluator that can not be used.
    """
    _check_kind(study)
    designs = DesignQuestion(problem_of(study), study.goals)
    evaluator, time_limit_s = _evaluator(study, designs, allow_code=allow_code, is_told=is_told)
    question = evaluator.question
    if not question.space.names:
        raise DawnduskError(
            f"{study.source}: design: found no variable that is open; allowed: a list or a range for one"
        )
    return Asked(
        question=question,
        evaluator=evaluator,
        designs=designs,
        is_outside=isinstance(evaluator, OutsideQuestion),
        is_vectorised=isinstance(evaluator, DesignQuestion),
        time_limit_s=time_limit_s,
        parts=parts_of(study, is_told=is_told),
    )


def _check_kind(study: ResolvedStudy) -> None:
    if study.kind not in {Kind.DESIGN, Kind.PARETO}:
        raise DawnduskError(f"{study.source}: kind: found {study.kind.value}; a search needs kind design or pareto")


def _evaluator(
    study: ResolvedStudy, designs: DesignQuestion, *, allow_code: bool, is_told: bool
) -> tuple[DesignQuestion | OutsideQuestion | StrategyQuestion, float | None]:
    """Return what answers the study, and the time limit that the executor has to keep."""
    settings, stated = study.search, study.search.evaluator
    if settings.strategy is not None:
        return _strategy(study, settings.strategy, designs), None
    if is_told:
        return OutsideQuestion(designs, Outsider(), stated is None or stated.screen), None
    if stated is None:
        return designs, None
    outside: ProgramEvaluator | FunctionEvaluator = read_evaluator(
        stated.function or stated.command,
        designs.needed,
        allow_code=allow_code,
        timeout_s=stated.timeout_s,
        retries=stated.retries,
    )
    limit = stated.timeout_s if isinstance(outside, FunctionEvaluator) else None
    return OutsideQuestion(designs, outside, stated.screen), limit


def _strategy(study: ResolvedStudy, strategy: studies.Strategy, designs: DesignQuestion) -> StrategyQuestion:
    inner: Inner = "certified" if strategy.inner is Engine.CERTIFIED else "evolution"
    settings = study.search
    return StrategyQuestion(
        designs.problem,
        strategy.variables,
        strategy.first_launch_year,
        inner,
        gap=settings.gap,
        time_limit_s=settings.time_limit_s,
        seed=settings.seed,
    )


def parts_of(study: ResolvedStudy, *, is_told: bool = False) -> dict[str, str]:
    """Return what the trials of a study depend on, by name."""
    _check_kind(study)
    settings = study.search
    return {
        "problem": problem_hash(problem_of(study))[:HASH_LETTERS],
        "goals": ", ".join(f"{goal.sense} {goal.outcome}" for goal in study.goals),
        "model": model_version(),
        "evaluator": _evaluator_text(settings.evaluator, is_told=is_told),
        "strategy": "none" if settings.strategy is None else _strategy_text(settings.strategy),
        "sampler": f"{settings.engine} {settings.sampler}",
        "seed": str(settings.seed),
        "batch": "usual" if settings.batch is None else str(settings.batch),
        "warm start": "yes" if settings.warm_start else "no",
        "order": "asynchronous" if settings.asynchronous else "in batches",
    }


def _evaluator_text(stated: studies.EvaluatorSettings | None, *, is_told: bool) -> str:
    if stated is None:
        return "told from outside" if is_told else "the built-in model"
    screen = " behind the built-in model" if stated.screen else ""
    return (stated.function or shlex.join(stated.command)) + screen


def _strategy_text(strategy: studies.Strategy) -> str:
    years = (
        "" if strategy.first_launch_year is None else " first launch {:g} to {:g}".format(*strategy.first_launch_year)
    )
    return f"{', '.join(strategy.variables)}{years} around {strategy.inner}"


def store_name(study: ResolvedStudy, *, is_told: bool = False) -> str:
    """Return the name of a study's search in a store, which has a digest of what its trials depend on."""
    text = json.dumps(parts_of(study, is_told=is_told), sort_keys=True)
    return f"{study.name}-{hashlib.sha256(text.encode()).hexdigest()[:NAME_LETTERS]}"
