"""The peers: Optuna's samplers and pymoo's NSGA-II, each driven as its own documentation shows."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import optuna
from benchmarks.suite.case import Case, Floats
from pymoo.algorithms.moo.nsga2 import NSGA2, RankAndCrowdingSurvival
from pymoo.core.mixed import MixedVariableGA
from pymoo.core.problem import Problem
from pymoo.core.variable import Choice, Integer
from pymoo.core.variable import Real as RealVariable
from pymoo.optimize import minimize

from dawndusk.optimize.space.dimensions import Category, Dimension, Point, RealNumber, Value
from dawndusk.optimize.trials.question import TrialAnswer

BROKEN = 1e6
"""What pymoo is told of the goals and rules of a point without outcomes."""
GENERATION, SMALL_GENERATION = 100, 40
"""pymoo's own population, and one that suits a few hundred evaluations better."""


@dataclass
class Course:
    """What a search found, in the order in which it asked, and the seconds that it took beside the evaluations."""

    case: Case
    values: list[Floats] = field(default_factory=list)
    feasible: list[bool] = field(default_factory=list)
    seconds: float = 0.0

    def take(self, answer: TrialAnswer) -> None:
        """Note an answer."""
        self.feasible.append(answer.failure is None and max(answer.violations.values(), default=0.0) <= 0.0)
        goals = self.case.question.goals
        row = [goal.sign * answer.outcomes[goal.outcome] for goal in goals] if answer.failure is None else []
        self.values.append(np.array(row or [np.nan] * len(goals)))

    def hypervolume(self, evaluations: int) -> float:
        """Return the share of the reference hypervolume that the first evaluations reach."""
        kept = [v for v, ok in zip(self.values[:evaluations], self.feasible[:evaluations], strict=True) if ok]
        return self.case.hypervolume(np.array(kept).reshape(len(kept), len(self.case.question.goals)))


Search = Callable[[Case, int, int], Course]
"""Takes a case, a number of evaluations and a seed."""


def _suggest(trial: optuna.Trial, name: str, dimension: Dimension) -> Value:
    if isinstance(dimension, Category):
        return str(trial.suggest_categorical(name, dimension.names))
    if isinstance(dimension, RealNumber):
        return trial.suggest_float(name, dimension.low, dimension.high, log=dimension.logarithmic)
    return trial.suggest_int(name, dimension.low, dimension.high, log=dimension.logarithmic)


def _with_optuna(make: Callable[[int], optuna.samplers.BaseSampler]) -> Search:
    def search(case: Case, evaluations: int, seed: int) -> Course:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.simplefilter("ignore")
        course, question = Course(case), case.question
        study = optuna.create_study(directions=["minimize"] * len(question.goals), sampler=make(seed))
        for _ in range(evaluations):
            began = time.process_time()
            trial = study.ask()
            point = {name: _suggest(trial, name, d) for name, d in question.space.dimensions.items()}
            course.seconds += time.process_time() - began
            (answer,) = case([point])
            course.take(answer)
            began = time.process_time()
            _tell(study, trial, answer)
            course.seconds += time.process_time() - began
        return course

    return search


def _tell(study: optuna.Study, trial: optuna.Trial, answer: TrialAnswer) -> None:
    if answer.failure is not None:
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
        return
    for rule, violation in answer.violations.items():
        trial.set_constraint(rule, violation)
    study.tell(trial, list(answer.outcomes.values()))


def _variable(dimension: Dimension) -> object:
    if isinstance(dimension, Category):
        return Choice(options=list(dimension.names))
    kind = RealVariable if isinstance(dimension, RealNumber) else Integer
    return kind(bounds=(dimension.low, dimension.high))


class _Asked(Problem):  # type: ignore[misc]
    """A case as pymoo asks for it, noting the course."""

    def __init__(self, course: Course) -> None:
        question = course.case.question
        self.course, self.mixed = course, any(not isinstance(d, RealNumber) for d in question.space.dimensions.values())
        counts = {"n_obj": len(question.goals), "n_ieq_constr": len(question.rules)}
        if self.mixed:
            super().__init__(vars={name: _variable(d) for name, d in question.space.dimensions.items()}, **counts)
        else:
            reals = [d for d in question.space.dimensions.values() if isinstance(d, RealNumber)]
            ends = {"xl": [d.low for d in reals], "xu": [d.high for d in reals]}
            super().__init__(n_var=len(reals), **ends, **counts)

    def _point(self, x: Any) -> Point:
        dimensions = self.course.case.question.space.dimensions
        if not self.mixed:
            return {name: float(value) for name, value in zip(dimensions, x, strict=True)}
        return {n: str(x[n]) if isinstance(d, Category) else d.decode(d.encode(x[n])) for n, d in dimensions.items()}

    def _evaluate(self, x: Any, out: dict[str, Any], *_: Any, **__: Any) -> None:
        began = time.process_time()
        question = self.course.case.question
        answers = self.course.case([self._point(row) for row in x])
        for answer in answers:
            self.course.take(answer)
        failed = [answer.failure is not None for answer in answers]
        out["F"] = np.where(np.array(failed)[:, None], BROKEN, np.array(self.course.values[-len(answers) :]))
        out["G"] = np.array([[answer.violations.get(rule, BROKEN) for rule in question.rules] for answer in answers])
        self.course.seconds -= time.process_time() - began


def _with_pymoo(population: int) -> Search:
    def search(case: Case, evaluations: int, seed: int) -> Course:
        course = Course(case)
        problem = _Asked(course)
        algorithm = (
            MixedVariableGA(pop_size=population, survival=RankAndCrowdingSurvival())
            if problem.mixed
            else NSGA2(pop_size=population)
        )
        began = time.process_time()
        minimize(problem, algorithm, ("n_eval", evaluations), seed=seed + 1, verbose=False)
        course.seconds += time.process_time() - began
        return course

    return search


PEERS: dict[str, Search] = {
    "Optuna random": _with_optuna(lambda seed: optuna.samplers.RandomSampler(seed=seed)),
    "Optuna TPE": _with_optuna(lambda seed: optuna.samplers.TPESampler(seed=seed)),
    "Optuna TPE multivariate": _with_optuna(lambda seed: optuna.samplers.TPESampler(seed=seed, multivariate=True)),
    "Optuna NSGA-II": _with_optuna(lambda seed: optuna.samplers.NSGAIISampler(seed=seed)),
    "Optuna NSGA-III": _with_optuna(lambda seed: optuna.samplers.NSGAIIISampler(seed=seed)),
    "Optuna GP": _with_optuna(lambda seed: optuna.samplers.GPSampler(seed=seed)),
    f"pymoo NSGA-II of {GENERATION}": _with_pymoo(GENERATION),
    f"pymoo NSGA-II of {SMALL_GENERATION}": _with_pymoo(SMALL_GENERATION),
}
"""Plain peers by name."""
