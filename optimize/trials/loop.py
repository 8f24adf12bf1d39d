"""Driving a search: points from a sampler to an evaluator to a store, batch by batch or as workers become free.

In batches the points of a batch depend on the question, the sampler, the seed and the answers of earlier batches. So a
search that was killed and is run again ends as if nothing had happened, and the number of workers changes nothing.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from dawndusk.optimize.execution.executor import Executor
from dawndusk.optimize.execution.tasks import Done
from dawndusk.optimize.result import relative_gap
from dawndusk.optimize.space.dimensions import Key, Point
from dawndusk.optimize.trials.plan import (
    BUDGET,
    EXHAUSTED,
    FAILING,
    GAP,
    INTERRUPT,
    STAGNATION,
    TIME,
    Report,
    Searched,
    SearchPlan,
    TrialProgress,
)
from dawndusk.optimize.trials.question import Evaluator, Failure, History, Question, Trial, TrialAnswer
from dawndusk.optimize.trials.standing import Standing
from dawndusk.optimize.trials.store import Store

WARM_BATCH = 0
EMPTY_BATCHES = 3
"""After so many batches in a row with nothing new in them the space counts as exhausted."""
KINDS = {"error": "exception", "died": "worker died", "payload": "not an answer", "timeout": "timeout"}
"""Kind of failure of a point, by that of the task."""


def search(
    question: Question,
    plan: SearchPlan,
    store: Store,
    executor: Executor[Evaluator],
    report: Report = lambda _: None,
    clock: Callable[[], float] = time.monotonic,
) -> Searched:
    """Search until the plan says to stop, or until an interrupt; go on with what the store has.

    Parameters
    ----------
    question : Question
        What is asked.
    plan : Plan
        How to search.
    store : Store
        What is known so far, and where each answer is kept before it counts.
    executor : Executor
        Evaluates: its context is the evaluator.
    report : callable
        Called with ``TrialProgress`` whenever answers have been kept.

    Raises
    ------
    StoreError
        Where the store can not be written; what it has stays good.
    """
    course = _Course(question, plan, store, executor, report, clock)
    try:
        stopped_by = course.asynchronously() if plan.asynchronous else course.in_batches()
    except KeyboardInterrupt:
        stopped_by = INTERRUPT
    finally:
        course.drop()
    return course.searched(stopped_by)


def answers_of(evaluator: Evaluator, points: Sequence[Point]) -> list[TrialAnswer]:
    """Return an evaluator's answers: the task that executors work on."""
    return evaluator(points)


def checked(answer: TrialAnswer, question: Question) -> TrialAnswer:
    """Return an answer that has a finite number for every goal and rule, else a failure that says which is missing."""
    if answer.failure is not None:
        return TrialAnswer(failure=answer.failure, seconds=answer.seconds)
    wanted = [("outcome", goal.outcome, answer.outcomes) for goal in question.goals]
    wanted += [("rule", rule, answer.violations) for rule in question.rules]
    for kind, name, found in wanted:
        if name not in found:
            return TrialAnswer(
                failure=Failure(f"missing {kind}", f"{kind} {name}: found none; allowed a finite number")
            )
        if not math.isfinite(found[name]):
            return TrialAnswer(failure=Failure("not a number", f"{kind} {name}: found {found[name]}"))
    return answer


class _TimeIsUpError(Exception):
    """Ends a search in the middle of a batch."""


@dataclass
class _Course:
    """A search on its way."""

    question: Question
    plan: SearchPlan
    store: Store
    executor: Executor[Evaluator]
    report: Report
    clock: Callable[[], float]
    known: dict[Key, int] = field(default_factory=dict)
    asked: dict[int, Trial] = field(default_factory=dict)
    answered: dict[int, Trial] = field(default_factory=dict)
    running: dict[Any, list[Trial]] = field(default_factory=dict)
    evaluated: int = 0
    repeated: int = 0
    evaluator_s: float = 0.0
    covered: float | None = None

    def __post_init__(self) -> None:
        self.begun = self.clock()
        self.history = History(self.question)
        self.standing = Standing(self.question)
        self.records = self.store.read()
        for record in self.records:
            self._remember(record.trial)

    # -- in batches -----------------------------------------------------------------------------------------------

    def in_batches(self) -> str:
        """Search batch by batch, and return what ended it. The last batch of the store may be a part of one."""
        stored: dict[int, list[Trial]] = {}
        for record in self.records:
            stored.setdefault(record.batch, []).append(record.trial)
        last = max(stored, default=WARM_BATCH)
        empty = 0
        for batch in _from(stored, last):
            trials = stored.get(batch, [])
            if batch >= last:
                ended = self._ended() if not trials else None
                if ended is not None:
                    return ended
                trials = trials + self._ask_rest(batch, trials)
                empty = 0 if trials or batch == WARM_BATCH else empty + 1
                if empty == EMPTY_BATCHES:
                    return EXHAUSTED
            try:
                self._evaluate([trial for trial in trials if trial.answer is None])
            except _TimeIsUpError:
                return TIME
            self._learn(trials)
        raise AssertionError

    def _ask_rest(self, batch: int, trials: list[Trial]) -> list[Trial]:
        """Ask those points of a batch that were not asked, as far as the budget goes."""
        size = len(self.plan.warm_start) if batch == WARM_BATCH else self.plan.batch
        room = min(size - len(trials), self._room())
        if room <= 0:
            return []
        points = self.plan.warm_start if batch == WARM_BATCH else self._propose(batch, size)
        own = {self.question.space.key(trial.point) for trial in trials}
        return self._ask(self._fresh(points, own)[:room], batch)

    def _propose(self, batch: int, count: int, pending: Sequence[Point] = ()) -> list[Point]:
        return list(self.plan.sampler.propose(self.history, count, seed=self.plan.seed, batch=batch, pending=pending))

    def _fresh(self, points: Iterable[Point], own: Iterable[Key] = ()) -> list[Point]:
        """Return the points that are not known, each once; those of ``own`` are no repetition."""
        fresh: dict[Key, Point] = {}
        own = set(own)
        for point in points:
            key = self.question.space.key(point)
            if key in self.known or key in fresh:
                self.repeated += key not in own
            else:
                fresh[key] = self.question.space.check(point)
        return list(fresh.values())

    def _evaluate(self, trials: list[Trial]) -> None:
        """Evaluate trials, and keep each answer as it comes."""
        size = self.plan.chunk
        for start in range(0, len(trials), size):
            self._submit(trials[start : start + size])
        while self.running:
            self._take(self._wait())

    def _learn(self, trials: list[Trial]) -> None:
        """Let the sampler know of the answers of a whole batch."""
        for number in sorted(trial.number for trial in trials):
            self._count(self.answered[number])
        self._look()

    # -- as workers become free -----------------------------------------------------------------------------------

    def asynchronously(self) -> str:
        """Search with a point for each worker that is free, and return what ended it."""
        for number in sorted(self.answered):
            self._count_alone(self.answered[number])
        waiting = [trial for number, trial in sorted(self.asked.items()) if number not in self.answered]
        draws = iter(range(max((record.batch for record in self.records), default=WARM_BATCH) + 1, 2**63))
        if not self.records:
            waiting += self._ask(self._fresh(self.plan.warm_start)[: self._room()], WARM_BATCH)
        while True:
            ended = self._ended()
            while len(self.running) < self.executor.workers and (waiting or ended is None):
                trials = [waiting.pop(0)] if waiting else self._draw(draws)
                if not trials:
                    ended = EXHAUSTED
                    break
                self._submit(trials)
                ended = self._ended()
            if not self.running:
                return ended or EXHAUSTED
            try:
                for trial in self._take(self._wait()):
                    self._count_alone(trial)
            except _TimeIsUpError:
                return TIME

    def _count_alone(self, trial: Trial) -> None:
        """Let the sampler know of an answer; look once in a batch whether anything has got better."""
        self._count(trial)
        if self.standing.evaluated % self.plan.batch == 0:
            self._look()

    def _draw(self, draws: Iterator[int]) -> list[Trial]:
        """Ask one point that is new, nothing where the sampler names none."""
        pending = [trial.point for trials in self.running.values() for trial in trials]
        for _ in range(EMPTY_BATCHES):
            draw = next(draws)
            fresh = self._fresh(self._propose(draw, 1, pending))
            if fresh:
                return self._ask(fresh, draw)
        return []

    # -- both ------------------------------------------------------------------------------------------------------

    def _ended(self) -> str | None:
        """Return why no more points are to be named, if so."""
        stop = self.plan.stop
        if self._is_proved():
            return GAP
        if self._room() <= 0:
            return BUDGET
        if self.standing.in_a_row >= stop.failures:
            return FAILING
        if stop.stagnation is not None and self.standing.stale >= stop.stagnation:
            return STAGNATION
        return TIME if self._left_s() <= 0.0 else None

    def _is_proved(self) -> bool:
        """Return whether the best is as close to a proved bound as was asked for."""
        best, bound, gap = self.standing.best, self.plan.stop.bound, self.plan.stop.gap
        if best is None or bound is None or gap is None:
            return False
        return abs(best - bound) <= gap * max(abs(bound), abs(best))

    def _room(self) -> int:
        return self.plan.stop.evaluations - len(self.asked)

    def _left_s(self) -> float:
        return self.plan.stop.time_limit_s - (self.clock() - self.begun)

    def _ask(self, points: Sequence[Point], batch: int) -> list[Trial]:
        trials = self.store.ask(points, batch) if points else []
        for trial in trials:
            self._remember(trial)
        return trials

    def _remember(self, trial: Trial) -> None:
        self.asked[trial.number] = trial
        self.known.setdefault(self.question.space.key(trial.point), trial.number)
        if trial.answer is not None:
            self.answered[trial.number] = trial

    def _submit(self, trials: list[Trial]) -> None:
        task = self.executor.submit(answers_of, [trial.point for trial in trials])
        self.running[task] = trials

    def _wait(self) -> Done[Any]:
        """Wait for a task to end; raise when the time is up."""
        left = self._left_s()
        if left <= 0.0:
            raise _TimeIsUpError
        done = self.executor.done(None if math.isinf(left) else left)
        if done is None:
            raise _TimeIsUpError
        return done

    def _take(self, done: Done[Any]) -> list[Trial]:
        """Keep the answers of a task, then count them."""
        trials = self.running.pop(done.task)
        answers = _answers(done, len(trials))
        each = done.seconds / len(trials)
        told = [
            dataclasses.replace(trial, answer=_timed(checked(answer, self.question), each))
            for trial, answer in zip(trials, answers, strict=True)
        ]
        self.store.tell(told)
        for trial in told:
            self._remember(trial)
        self.evaluated, self.evaluator_s = self.evaluated + len(told), self.evaluator_s + done.seconds
        self.report(self._progress())
        return told

    def _count(self, trial: Trial) -> None:
        self.history.add(trial)
        self.standing.add(trial)

    def _look(self) -> None:
        """Look whether anything has got better, where that may end the search or is to be shown."""
        if self.plan.stop.stagnation is not None:
            self.standing.mark(self.plan.stop.least_improvement)
        if self.evaluated:
            self.covered = self.standing.hypervolume

    def _progress(self) -> TrialProgress:
        now = self.standing
        if self.covered is None:
            self.covered = now.hypervolume
        return TrialProgress(
            evaluated=len(self.answered),
            evaluations=self.plan.stop.evaluations,
            failed=now.failed,
            pending=len(self.asked) - len(self.answered),
            best=now.best,
            hypervolume=self.covered,
            front=len(now.front),
            seconds=self.clock() - self.begun,
        )

    def drop(self) -> None:
        """Let go of what is still being evaluated."""
        for task in self.running:
            self.executor.cancel(task)

    def searched(self, stopped_by: str) -> Searched:
        """Return the result of what is in the store, which an interrupt may have kept from being counted."""
        for record in self.store.read():
            self._remember(record.trial)
        history, standing = self._counted(anew=stopped_by == INTERRUPT)
        return Searched(
            status="feasible" if standing.front else "unknown",
            objective=standing.best,
            bound=self.plan.stop.bound,
            gap=relative_gap(standing.best, self.plan.stop.bound),
            seed=self.plan.seed,
            answered=history,
            front=tuple(sorted(standing.front, key=lambda trial: trial.number)),
            nearest=None if standing.front else standing.nearest,
            pending=tuple(t for number, t in sorted(self.asked.items()) if number not in self.answered),
            stopped_by=stopped_by,
            evaluated=self.evaluated,
            repeated=self.repeated,
            seconds=self.clock() - self.begun,
            evaluator_s=self.evaluator_s,
            hypervolume=standing.hypervolume,
            reproducible=not self.plan.asynchronous,
        )

    def _counted(self, *, anew: bool) -> tuple[History, Standing]:
        """Return what all answers add up to, by their numbers; ``anew`` where counting may have been cut short."""
        if not anew and [trial.number for trial in self.history.trials] == sorted(self.answered):
            return self.history, self.standing
        trials, standing = [self.answered[number] for number in sorted(self.answered)], Standing(self.question)
        for trial in trials:
            standing.add(trial)
        return History(self.question, trials), standing


def _answers(done: Done[Any], count: int) -> list[TrialAnswer]:
    """Return the answers of a task, each a failure where the task is one."""
    if done.failure is not None:
        return [TrialAnswer(failure=Failure(KINDS[done.failure.kind], done.failure.words))] * count
    answers = done.result
    if not isinstance(answers, list) or len(answers) != count or not all(isinstance(a, TrialAnswer) for a in answers):
        words = f"the evaluator returned no list of {count} answers for {count} points"
        return [TrialAnswer(failure=Failure("not an answer", words))] * count
    return answers


def _timed(answer: TrialAnswer, seconds: float) -> TrialAnswer:
    """Return an answer with what it took, unless the evaluator said so itself."""
    return answer if answer.seconds is not None else dataclasses.replace(answer, seconds=seconds)


def _from(stored: Iterable[int], last: int) -> Iterator[int]:
    """Return the numbers of the batches that are stored, then those that follow."""
    yield from sorted(batch for batch in stored if batch < last)
    while True:
        yield last
        last += 1
