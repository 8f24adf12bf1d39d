"""A history as an Optuna study in memory, for samplers of Optuna, that can be taken back to the history after each use.

Optuna's own storage in memory can not forget a trial, and copies every trial that it is given or asked for. This one
holds the trials of a history and, until it is taken back, those that a sampler is asked for.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.study._frozen import FrozenStudy
from optuna.trial import FrozenTrial, TrialState, create_trial

from dawndusk.optimize.space.dimensions import Point
from dawndusk.optimize.trials.question import History, Question, Trial
from dawndusk.optimize.trials.samplers.distributions import distributions_of

STUDY_ID = 0
STUDY_NAME = "mirror"


@contextmanager
def quietly() -> Iterator[None]:
    """Keep Optuna from logging and from warning of what is experimental, here only."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        optuna.logging.set_verbosity(level)


class Mirror(BaseStorage):
    """One study in memory: the trials of a history and, behind them, those that are asked for in between."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.distributions = distributions_of(question.space)
        self.source: list[Trial] = []
        self.completed = 0
        self.directions = [StudyDirection.MINIMIZE for _ in question.goals]
        self._trials: list[FrozenTrial] = []
        self._attributes: dict[str, Any] = {}

    def follow(self, history: History, generation_key: str | None, population: int) -> bool:
        """Take in what the history has more; return False if this is the mirror of another one.

        Where a sampler counts generations, a trial that was completed is of the generation that its place among these
        gives it.
        """
        count = len(self.source)
        if len(history) < count or any(a is not b for a, b in zip(self.source, history.trials, strict=False)):
            return False
        for index in range(count, len(history)):
            frozen = self._frozen(history, index)
            frozen.number = frozen._trial_id = index
            if frozen.state is TrialState.COMPLETE:
                if generation_key:
                    frozen.system_attrs[generation_key] = self.completed // population
                self.completed += 1
            self._trials.append(frozen)
            self.source.append(history.trials[index])
        return True

    def _frozen(self, history: History, index: int) -> FrozenTrial:
        trial, values = history.trials[index], history.values[index]
        if not all(map(math.isfinite, values)):
            return create_trial(state=TrialState.FAIL, params=dict(trial.point), distributions=self.distributions)
        violations = dict(zip(self.question.rules, map(float, history.violations[index]), strict=True))
        return create_trial(
            values=[float(value) for value in values],
            params=dict(trial.point),
            distributions=self.distributions,
            constraints=violations,
        )

    def wait_for(self, points: Sequence[Point]) -> None:
        """Add points that are being evaluated."""
        for point in points:
            self._trials.append(self._running())
            self._trials[-1].params = dict(point)
            self._trials[-1].distributions = dict(self.distributions)

    def take_back(self) -> None:
        """Forget every trial that is not of the history."""
        del self._trials[len(self.source) :]

    def _running(self) -> FrozenTrial:
        number = len(self._trials)
        running = create_trial(state=TrialState.RUNNING)
        running.number = running._trial_id = number
        return running

    # What follows is the interface that Optuna asks of a storage; see ``optuna.storages.BaseStorage``.

    def create_new_study(self, directions: Sequence[StudyDirection], study_name: str | None = None) -> int:
        """Return the one study there is."""
        return STUDY_ID

    def delete_study(self, study_id: int) -> None:
        """Refuse: the study is as long as the mirror."""
        raise NotImplementedError

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        """Keep an attribute of the study."""
        self._attributes[f"user:{key}"] = value

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        """Keep an attribute of the study that a sampler set."""
        self._attributes[key] = value

    def get_study_id_from_name(self, study_name: str) -> int:
        """Return the one study there is."""
        return STUDY_ID

    def get_study_name_from_id(self, study_id: int) -> str:
        """Return the name of the one study there is."""
        return STUDY_NAME

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        """Return that every goal is to be made small."""
        return self.directions

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        """Return nothing: samplers set none."""
        return {}

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        """Return what samplers set."""
        return self._attributes

    def get_all_studies(self) -> list[FrozenStudy]:
        """Return nothing: nobody looks for the study by its name."""
        return []

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """Add a trial that is running."""
        self._trials.append(self._running())
        return len(self._trials) - 1

    def set_trial_param(
        self, trial_id: int, param_name: str, param_value_internal: float, distribution: BaseDistribution
    ) -> None:
        """Set what a sampler chose."""
        trial = self._trials[trial_id]
        trial.params = {**trial.params, param_name: distribution.to_external_repr(param_value_internal)}
        trial.distributions = {**trial.distributions, param_name: distribution}

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        """Refuse: answers come from the history."""
        raise NotImplementedError

    def set_trial_intermediate_value(self, trial_id: int, step: int, intermediate_value: float) -> None:
        """Refuse: answers come from the history."""
        raise NotImplementedError

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Set an attribute of a trial."""
        self._trials[trial_id].set_user_attr(key, value)

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Set an attribute of a trial that a sampler needs."""
        self._trials[trial_id].system_attrs[key] = value

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """Return a trial."""
        return self._trials[trial_id]

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """Return the trials in some states."""
        found = [trial for trial in self._trials if states is None or trial.state in states]
        return _copied(found) if deepcopy else found


def _copied(trials: list[FrozenTrial]) -> list[FrozenTrial]:
    return deepcopy(trials)
