from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dawndusk.optimize.execution.backends import open_executor
from dawndusk.optimize.execution.executor import Executor
from dawndusk.optimize.space.dimensions import Category, Point, RealNumber, Space, Value, WholeNumber
from dawndusk.optimize.trials.loop import search
from dawndusk.optimize.trials.plan import (
    BUDGET,
    EXHAUSTED,
    FAILING,
    GAP,
    INTERRUPT,
    STAGNATION,
    TIME,
    Searched,
    SearchPlan,
    Stop,
    TrialProgress,
)
from dawndusk.optimize.trials.question import Evaluator, Failure, Goal, History, Question, Trial, TrialAnswer
from dawndusk.optimize.trials.store import MemoryStore, Record, StoreError

SPACE = Space({"x": RealNumber(-2.0, 2.0), "n": WholeNumber(1, 5), "kind": Category(("a", "b"))})
QUESTION = Question(SPACE, (Goal("cost"),), ("low",))
FINITE = Question(Space({"n": WholeNumber(1, 5), "kind": Category(("a", "b"))}), (Goal("cost"),))


def bowl(points: Sequence[Point]) -> list[TrialAnswer]:
    """Cost with its least value 0 at x = 1, n = 3; fails around x = -1."""
    return [one_answer(float(point.get("x", 1.0)), int(point["n"])) for point in points]


def one_answer(x: float, n: int) -> TrialAnswer:
    if -1.2 < x < -1.0:
        return TrialAnswer(failure=Failure("hole", f"x = {x}"))
    return TrialAnswer({"cost": (x - 1.0) ** 2 + (n - 3) ** 2}, {"low": -1.0 - x})


@dataclass
class Descent:
    """Names points near the best one so far, from the seed and the batch alone."""

    question: Question = QUESTION
    name: str = "descent"
    batches: list[int] = field(default_factory=list)
    known: list[int] = field(default_factory=list)

    def propose(
        self, history: History, count: int, *, seed: int, batch: int, pending: Sequence[Point] = ()
    ) -> list[dict[str, Value]]:
        self.batches.append(batch)
        self.known.append(len(history))
        space = self.question.space
        rng = np.random.default_rng([seed, batch, len(pending)])
        rows = rng.random((count, len(space.names))) * np.where(space.is_category, 2.0, 1.0)
        if len(history) and history.feasible.any():
            best = int(np.nanargmin(np.where(history.feasible, history.values[:, 0], np.nan)))
            rows[::2] = 0.5 * rows[::2] + 0.5 * history.rows[best]
        return space.decode(rows)


def plan(evaluations: int = 25, sampler: Descent | None = None, **changes: object) -> SearchPlan:
    stop = Stop(evaluations=evaluations)
    named = {field.name for field in dataclasses.fields(Stop)}
    stop = dataclasses.replace(stop, **{k: v for k, v in changes.items() if k in named})  # type: ignore[arg-type]
    rest = {key: value for key, value in changes.items() if key not in named}
    return SearchPlan(**{"sampler": sampler or Descent(), "stop": stop, "seed": 3, "batch": 4, **rest})  # type: ignore[arg-type]


@pytest.fixture
def executor() -> Iterator[Executor[Evaluator]]:
    with open_executor(1, context=bowl) as opened:
        yield opened


def told(result: Searched) -> list[tuple[object, ...]]:
    return [(t.number, dict(t.point), t.answer) for t in result.answered.trials]


def test_it_finds_the_least_cost_within_the_budget(executor: Executor[Evaluator]) -> None:
    result = search(QUESTION, plan(200), MemoryStore(), executor)
    assert (result.stopped_by, result.evaluated, len(result.answered)) == (BUDGET, 200, 200)
    (best,) = result.front
    assert best.answer is not None
    assert best.answer.outcomes["cost"] < 0.1
    assert result.pending == ()
    assert result.reproducible
    assert [trial.number for trial in result.answered.trials] == list(range(200))


def test_a_batch_is_named_by_the_answers_of_earlier_batches_alone(executor: Executor[Evaluator]) -> None:
    sampler = Descent()
    search(QUESTION, plan(20, sampler), MemoryStore(), executor)
    assert (sampler.batches, sampler.known) == ([1, 2, 3, 4, 5], [0, 4, 8, 12, 16])


@pytest.mark.parametrize(("workers", "chunk"), [(2, 1), (3, 3)])
def test_workers_and_chunks_change_nothing(workers: int, chunk: int, executor: Executor[Evaluator]) -> None:
    alone = search(QUESTION, plan(30), MemoryStore(), executor)
    with open_executor(workers, context=bowl) as crew:
        together = search(QUESTION, plan(30, chunk=chunk), MemoryStore(), crew)
    assert told(together) == told(alone)
    assert any(trial.answer is not None and trial.answer.failure for trial in alone.answered.trials)


class DyingError(BaseException):
    """Stands for a kill: nothing catches it."""


@dataclass
class Mortal(MemoryStore):
    """A store that dies after some steps, before or after it has kept a part of the step."""

    records: list[Record]
    steps: int
    part: float

    def __post_init__(self) -> None:
        self._records = self.records

    def ask(self, points: Sequence[Point], batch: int) -> list[Trial]:
        if self._dies():
            super().ask(points[: int(self.part * len(points))], batch)
            raise DyingError
        return super().ask(points, batch)

    def tell(self, trials: Sequence[Trial]) -> None:
        if self._dies():
            super().tell(trials[: int(self.part * len(trials))])
            raise DyingError
        super().tell(trials)

    def _dies(self) -> bool:
        self.steps -= 1
        return self.steps < 0


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 12), st.floats(0.0, 1.0)), max_size=5),
    st.integers(1, 7),
    st.integers(1, 5),
    st.booleans(),
)
def test_a_search_that_dies_anywhere_ends_as_if_it_had_not(
    deaths: list[tuple[int, float]], batch: int, chunk: int, is_finite: bool
) -> None:
    question = FINITE if is_finite else QUESTION
    warm: list[Point] = [] if is_finite else [{"x": 0.5, "n": 2, "kind": "b"}, {"x": 0.25, "n": 2, "kind": "b"}]

    def run(store: MemoryStore) -> Searched:
        with open_executor(1, context=bowl) as executor:
            return search(
                question, plan(18, Descent(question), batch=batch, chunk=chunk, warm_start=warm), store, executor
            )

    whole = run(MemoryStore())
    records: list[Record] = []
    for steps, part in deaths:
        mortal = Mortal(records, steps, part)
        with contextlib.suppress(DyingError):
            run(mortal)
        records = mortal._records
    last = Mortal(records, 10**9, 1.0)
    result = run(last)
    assert told(result) == told(whole)
    assert result.stopped_by == whole.stopped_by
    assert [record.batch for record in last.read()] == sorted(record.batch for record in last.read())


def test_a_longer_budget_goes_on_as_the_longer_search_would_have(executor: Executor[Evaluator]) -> None:
    store = MemoryStore()
    search(QUESTION, plan(10), store, executor)
    longer = search(QUESTION, plan(30), store, executor)
    assert longer.evaluated == 20
    assert told(longer) == told(search(QUESTION, plan(30), MemoryStore(), executor))


def test_the_same_search_again_evaluates_and_names_nothing(executor: Executor[Evaluator]) -> None:
    store = MemoryStore()
    search(QUESTION, plan(12), store, executor)
    sampler = Descent()
    again = search(QUESTION, plan(12, sampler), store, executor)
    assert (again.evaluated, again.stopped_by, sampler.batches) == (0, BUDGET, [])


def test_known_points_are_never_evaluated_again(executor: Executor[Evaluator]) -> None:
    result = search(FINITE, plan(100, Descent(FINITE)), MemoryStore(), executor)
    keys = [FINITE.space.key(trial.point) for trial in result.answered.trials]
    assert len(keys) == len(set(keys)) == FINITE.space.size
    assert result.stopped_by == EXHAUSTED
    assert result.repeated > 0


def test_warm_points_come_first(executor: Executor[Evaluator]) -> None:
    warm = [{"x": 1.0, "n": 3, "kind": "a"}, {"x": 1.0, "n": 3, "kind": "a"}, {"x": 1.0, "n": 3, "kind": "b"}]
    store = MemoryStore()
    result = search(QUESTION, plan(9, warm_start=warm), store, executor)
    assert [dict(trial.point) for trial in result.answered.trials[:2]] == [warm[0], warm[2]]
    assert [record.batch for record in store.read()] == [0, 0, 1, 1, 1, 1, 2, 2, 2]
    assert result.front[0].number == 0


def test_it_ends_when_the_gap_to_a_bound_is_closed(executor: Executor[Evaluator]) -> None:
    result = search(QUESTION, plan(1000, bound=0.0, gap=1.0, warm_start=[]), MemoryStore(), executor)
    assert result.stopped_by == GAP
    assert len(result.answered) == 4  # a relative gap of 1 to a bound of 0 is closed by any feasible trial


def test_it_ends_when_nothing_gets_better(executor: Executor[Evaluator]) -> None:
    best: list[Point] = [{"x": 1.0, "n": 3, "kind": "a"}]
    result = search(QUESTION, plan(1000, stagnation=8, warm_start=best), MemoryStore(), executor)
    assert (result.stopped_by, len(result.answered)) == (STAGNATION, 9)


def test_stagnation_is_the_same_after_a_pause() -> None:
    def run(store: MemoryStore, evaluations: int) -> Searched:
        with open_executor(1, context=bowl) as executor:
            return search(QUESTION, plan(evaluations, stagnation=20), store, executor)

    whole = run(MemoryStore(), 1000)
    assert whole.stopped_by == STAGNATION
    for pause in range(4, len(whole.answered), 7):
        store = MemoryStore()
        run(store, pause)
        assert told(run(store, 1000)) == told(whole)


def failing(points: Sequence[Point]) -> list[TrialAnswer]:
    raise RuntimeError("no licence")


def test_failures_in_a_row_end_it() -> None:
    with open_executor(1, context=failing) as executor:
        result = search(QUESTION, plan(1000, failures=10), MemoryStore(), executor)
    assert (result.stopped_by, len(result.answered), result.front) == (FAILING, 12, ())
    expected = TrialAnswer(failure=Failure("exception", "RuntimeError: no licence"))
    assert all(trial.answer == expected for trial in result.answered.trials)


def half(points: Sequence[Point]) -> list[TrialAnswer]:
    answers = [
        TrialAnswer({}, {"low": 0.0}),
        TrialAnswer({"cost": 1.0}, {}),
        TrialAnswer({"cost": float("nan")}, {"low": 0.0}),
    ]
    return [answers[int(point["n"]) % 3] for point in points]


def short(points: Sequence[Point]) -> list[TrialAnswer]:
    return bowl(points)[1:]


@pytest.mark.parametrize(
    ("evaluator", "kinds"),
    [(half, {"missing outcome", "missing rule", "not a number"}), (short, {"not an answer"})],
)
def test_an_answer_that_lacks_something_is_a_failure(evaluator: Evaluator, kinds: set[str]) -> None:
    with open_executor(1, context=evaluator) as executor:
        result = search(QUESTION, plan(20), MemoryStore(), executor)
    assert {t.answer.failure.kind for t in result.answered.trials if t.answer and t.answer.failure} == kinds


@dataclass
class Clock:
    """Ten seconds pass whenever it is looked at."""

    now: float = 0.0

    def __call__(self) -> float:
        self.now += 10.0
        return self.now


@pytest.mark.parametrize("asynchronous", [False, True])
def test_the_time_limit_leaves_what_was_asked_to_the_next_run(
    executor: Executor[Evaluator], asynchronous: bool
) -> None:
    store = MemoryStore()
    first = search(QUESTION, plan(40, time_limit_s=150.0, asynchronous=asynchronous), store, executor, clock=Clock())
    assert first.stopped_by == TIME
    assert len(first.answered) + len(first.pending) == len(store.read()) < 40
    whole = search(QUESTION, plan(40), store, executor)
    assert whole.stopped_by == BUDGET
    assert whole.evaluated == 40 - len(first.answered)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_an_interrupt_keeps_what_was_told(executor: Executor[Evaluator], asynchronous: bool) -> None:
    store = MemoryStore()

    def report(progress: TrialProgress) -> None:
        if progress.evaluated == 7:
            raise KeyboardInterrupt

    first = search(QUESTION, plan(20, asynchronous=asynchronous), store, executor, report)
    assert (first.stopped_by, len(first.answered)) == (INTERRUPT, 7)
    assert executor.pending == 0
    second = search(QUESTION, plan(20, asynchronous=asynchronous), store, executor)
    assert (second.evaluated, second.stopped_by) == (13, BUDGET)


def test_it_tells_how_it_stands(executor: Executor[Evaluator]) -> None:
    seen: list[TrialProgress] = []
    search(QUESTION, plan(8, chunk=2), MemoryStore(), executor, seen.append)
    assert [progress.evaluated for progress in seen] == [2, 4, 6, 8]
    assert [progress.pending for progress in seen] == [2, 0, 2, 0]
    assert seen[-1].share == 1.0


@pytest.mark.parametrize("workers", [1, 2])
def test_free_workers_are_given_new_points_one_at_a_time(workers: int) -> None:
    sampler = Descent()
    with open_executor(workers, context=bowl) as crew:
        result = search(QUESTION, plan(30, sampler, asynchronous=True), MemoryStore(), crew)
    assert (result.stopped_by, len(result.answered), result.reproducible) == (BUDGET, 30, False)
    assert len(set(sampler.batches)) == len(sampler.batches) == 30
    keys = {QUESTION.space.key(trial.point) for trial in result.answered.trials}
    assert len(keys) == 30


def test_free_workers_stop_when_a_space_is_exhausted() -> None:
    with open_executor(2, context=bowl) as crew:
        result = search(FINITE, plan(100, Descent(FINITE), asynchronous=True), MemoryStore(), crew)
    assert result.stopped_by == EXHAUSTED
    assert len({FINITE.space.key(t.point) for t in result.answered.trials}) == len(result.answered)


def test_a_trial_is_told_once() -> None:
    store = MemoryStore()
    (trial,) = store.ask([{"x": 0.0, "n": 1, "kind": "a"}], 1)
    answered = dataclasses.replace(trial, answer=TrialAnswer({"cost": 1.0}, {"low": 0.0}))
    store.tell([answered])
    with pytest.raises(StoreError, match="trial 0: found a trial that has its answer"):
        store.tell([answered])
    with pytest.raises(StoreError, match="trial 7: found no such trial"):
        store.tell([dataclasses.replace(answered, number=7)])
