"""Ask and tell: a search that is driven from outside, point by point, by one process or several."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext

from dawndusk.optimize.space.dimensions import Point
from dawndusk.optimize.trials.loop import EMPTY_BATCHES, WARM_BATCH, checked
from dawndusk.optimize.trials.question import Failure, History, Question, Trial, TrialAnswer
from dawndusk.optimize.trials.samplers.sampler import Sampler
from dawndusk.optimize.trials.standing import Standing
from dawndusk.optimize.trials.store import Record, Store, StoreError, check_open

Screen = Callable[[Point], TrialAnswer | None]


class AskTell:
    """Hands out points of a search and takes answers, in any order.

    Parameters
    ----------
    question, sampler, store, seed
        As for ``search``.
    warm_start : sequence of Point
        Handed out first.
    screen : callable, optional
        Answers a point at once, or leaves it to be asked about.
    alone : callable, optional
        Returns a context in which no other process asks.
    """

    def __init__(
        self,
        question: Question,
        sampler: Sampler,
        store: Store,
        seed: int,
        *,
        warm_start: tuple[Point, ...] = (),
        screen: Screen = lambda _: None,
        alone: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._question, self._sampler, self._store, self._seed = question, sampler, store, seed
        self._warm_start, self._screen, self._alone = warm_start, screen, alone

    def ask(self, count: int = 1) -> list[Trial]:
        """Return points to evaluate, fewer than ``count`` where the sampler names no new ones."""
        asked: list[Trial] = []
        with self._alone():
            empty = 0
            while len(asked) < count and empty < EMPTY_BATCHES:
                fresh = self._next(count - len(asked))
                empty = 0 if fresh else empty + 1
                asked += [trial for trial in fresh if trial.answer is None]
        return asked

    def _next(self, count: int) -> list[Trial]:
        """Keep the next points as asked; those that the screen answers are told at once."""
        records = self._store.read()
        points, batch = self._points(records, count)
        trials = self._store.ask(points, batch) if points else []
        screened = [(trial, self._screen(trial.point)) for trial in trials]
        told = [dataclasses.replace(trial, answer=answer) for trial, answer in screened if answer is not None]
        if told:
            self._store.tell(told)
        return sorted(told + [trial for trial, answer in screened if answer is None], key=lambda trial: trial.number)

    def _points(self, records: list[Record], count: int) -> tuple[list[Point], int]:
        """Return new points and the number of their batch."""
        space = self._question.space
        known = {space.key(record.trial.point) for record in records}
        warm = [point for point in self._warm_start if space.key(point) not in known]
        if warm:
            return warm[:count], WARM_BATCH
        history = History(self._question, [record.trial for record in records if record.trial.answer is not None])
        pending = [record.trial.point for record in records if record.trial.answer is None]
        first = max((record.batch for record in records), default=WARM_BATCH) + 1
        for batch in range(first, first + EMPTY_BATCHES):
            named = self._sampler.propose(history, count, seed=self._seed, batch=batch, pending=pending)
            fresh = {space.key(point): space.check(point) for point in named}
            points: list[Point] = [point for key, point in fresh.items() if key not in known]
            if points:
                return points, batch
        return [], first

    def tell(
        self,
        number: int,
        outcomes: Mapping[str, float] | None = None,
        violations: Mapping[str, float] | None = None,
        *,
        failed: str | Failure | None = None,
    ) -> Trial:
        """Keep the answer to a trial: its outcomes and how far it breaks the rules, or why it failed.

        Raises
        ------
        StoreError
            For a trial that was not asked or has its answer, or an answer that lacks a goal or a rule.
        """
        asked = self.trial(number)
        if failed is not None:
            failure = failed if isinstance(failed, Failure) else Failure("told", failed)
            return self.answer(asked, TrialAnswer(failure=failure))
        answer = checked(TrialAnswer(dict(outcomes or {}), dict(violations or {})), self._question)
        if answer.failure is not None:
            raise StoreError(f"trial {number}: {answer.failure.words}")
        return self.answer(asked, answer)

    def answer(self, trial: Trial, answer: TrialAnswer) -> Trial:
        """Keep an answer to a trial as it is."""
        told = dataclasses.replace(trial, answer=answer)
        self._store.tell([told])
        return told

    def trial(self, number: int) -> Trial:
        """Return a trial that waits for its answer.

        Raises
        ------
        StoreError
            Where there is none with that number.
        """
        found = [record.trial for record in self._store.read() if record.trial.number == number]
        check_open(number, found)
        return found[0]

    @property
    def pending(self) -> list[Trial]:
        """Return the trials that wait for an answer."""
        return [record.trial for record in self._store.read() if record.trial.answer is None]

    def front(self) -> list[Trial]:
        """Return the feasible trials that no other is better than in every goal, by number."""
        standing = Standing(self._question)
        for record in self._store.read():
            if record.trial.answer is not None:
                standing.add(record.trial)
        return sorted(standing.front, key=lambda trial: trial.number)

    def best(self) -> Trial | None:
        """Return the best feasible trial of a search with one goal, None where there is none.

        Raises
        ------
        StoreError
            For a search with several goals, which has a front.
        """
        if len(self._question.goals) > 1:
            raise StoreError(f"best: found {len(self._question.goals)} goals; allowed: one, or front()")
        return next(iter(self.front()), None)
