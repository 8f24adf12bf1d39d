"""Trials as Optuna keeps them, and back.

A trial has the names and distributions of the space, the values of the goals, and the rules as constraints, so that
what reads Optuna's storages understands it. What Optuna has no place for is in user attributes: every outcome, the
batch, and why an evaluation failed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from dawndusk.models.errors import DesignError
from dawndusk.optimize.space.dimensions import Point, Value
from dawndusk.optimize.trials.question import Failure, Question, Trial, TrialAnswer
from dawndusk.optimize.trials.store import Record, StoreError

BATCH, OUTCOMES, SECONDS, KIND, WORDS = "batch", "outcomes", "seconds", "failure", "words"
CONSTRAINTS = "constraints"
PRUNED = "pruned"
NO_BATCH = -1


@dataclass
class Seen:
    """A trial that was read without Optuna: as much of one of Optuna's as is looked at."""

    number: int
    params: dict[str, Value]
    user_attrs: dict[str, Any]
    state: TrialState = TrialState.RUNNING
    values: list[float] | None = None
    system_attrs: dict[str, Any] = field(default_factory=dict)


def directions(question: Question) -> list[StudyDirection]:
    """Return the senses of the goals in Optuna's words."""
    senses = {"minimise": StudyDirection.MINIMIZE, "maximise": StudyDirection.MAXIMIZE}
    return [senses[goal.sense] for goal in question.goals]


def asked(point: Point, batch: int, space: Mapping[str, BaseDistribution]) -> FrozenTrial:
    """Return a point that waits for its answer."""
    return create_trial(
        state=TrialState.RUNNING, params=dict(point), distributions=dict(space), user_attrs={BATCH: batch}
    )


def attributes(answer: TrialAnswer) -> dict[str, Any]:
    """Return the user attributes of an answer. What is not finite becomes null, as JSON has it."""
    spent = {} if answer.seconds is None else {SECONDS: answer.seconds}
    if answer.failure is not None:
        return {KIND: answer.failure.kind, WORDS: answer.failure.words, **spent}
    outcomes = {name: value if math.isfinite(value) else None for name, value in answer.outcomes.items()}
    return {OUTCOMES: outcomes, **spent}


def constraints(answer: TrialAnswer, question: Question) -> dict[str, list[float]]:
    """Return the system attributes by which Optuna knows how far each rule is broken, in the order of the question.

    It is the list that Optuna 2 to 5 honour and its dashboard shows; the names are among the study's attributes.
    """
    if answer.failure is not None:
        return {}
    return {CONSTRAINTS: [float(answer.violations[rule]) for rule in question.rules]}


def state_and_values(answer: TrialAnswer, question: Question) -> tuple[TrialState, list[float] | None]:
    """Return the state that an answer puts its trial in, and the values of the goals."""
    if answer.failure is not None:
        return TrialState.FAIL, None
    return TrialState.COMPLETE, [float(answer.outcomes[goal.outcome]) for goal in question.goals]


def record(trial: FrozenTrial | Seen, question: Question, place: str) -> Record | None:
    """Return what is kept of a trial, None for one of another program that has no point yet.

    Raises
    ------
    StoreError
        Where the point is not one of the space.
    """
    if set(trial.params) != set(question.space.names) and not trial.state.is_finished():
        return None
    try:
        point = question.space.check(trial.params, f"trial {trial.number}")
    except DesignError as error:
        raise StoreError(f"{place}: {error}") from None
    batch = int(trial.user_attrs.get(BATCH, NO_BATCH))
    return Record(Trial(trial.number, point, _answer(trial, question)), batch)


def _answer(trial: FrozenTrial | Seen, question: Question) -> TrialAnswer | None:
    if not trial.state.is_finished():
        return None
    attrs, seconds = trial.user_attrs, trial.user_attrs.get(SECONDS)
    if trial.state is not TrialState.COMPLETE:
        kind = str(attrs.get(KIND, "failed" if trial.state is TrialState.FAIL else PRUNED))
        return TrialAnswer(failure=Failure(kind, str(attrs.get(WORDS, "told by another program"))), seconds=seconds)
    broken = trial.system_attrs.get(CONSTRAINTS, [])
    if len(broken) != len(question.rules) or trial.values is None:
        return TrialAnswer(
            failure=Failure("missing rule", f"told by another program without {', '.join(question.rules)}")
        )
    kept = {name: math.nan if value is None else value for name, value in attrs.get(OUTCOMES, {}).items()}
    goals = {goal.outcome: value for goal, value in zip(question.goals, trial.values, strict=True)}
    return TrialAnswer({**kept, **goals}, dict(zip(question.rules, broken, strict=True)), seconds=seconds)
