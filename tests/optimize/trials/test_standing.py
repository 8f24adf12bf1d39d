from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dawndusk.optimize.space.dimensions import RealNumber, Space
from dawndusk.optimize.trials.question import Failure, Goal, Question, Trial, TrialAnswer
from dawndusk.optimize.trials.standing import Standing, covered

SPACE = Space({"x": RealNumber(0.0, 1.0)})
ONE = Question(SPACE, (Goal("cost"),), ("mass",))
TWO = Question(SPACE, (Goal("cost"), Goal("yield", "maximise")), ("mass",))


def trial(number: int, mass: float = -1.0, **outcomes: float) -> Trial:
    return Trial(number, {"x": 0.5}, TrialAnswer(outcomes, {"mass": mass}))


def test_the_best_is_feasible_and_the_first_of_equals() -> None:
    standing = Standing(ONE)
    for kept in (trial(0, 0.5, cost=1.0), trial(1, cost=4.0), trial(2, cost=3.0), trial(3, cost=3.0)):
        standing.add(kept)
    assert [kept.number for kept in standing.front] == [2]
    assert standing.best == 3.0
    assert standing.hypervolume is None


def test_without_a_feasible_trial_the_one_that_breaks_least_is_nearest() -> None:
    standing = Standing(ONE)
    for kept in (trial(0, 0.5, cost=1.0), trial(1, 0.1, cost=4.0), trial(2, 0.2, cost=0.0)):
        standing.add(kept)
    assert standing.front == []
    assert standing.best is None
    assert standing.nearest is not None
    assert standing.nearest.number == 1


def test_failures_are_counted_and_those_in_a_row() -> None:
    standing = Standing(ONE)
    failed = Trial(0, {"x": 0.1}, TrialAnswer(failure=Failure("timeout", "late")))
    for kept in (failed, trial(1, cost=1.0), failed, failed):
        standing.add(kept)
    assert (standing.evaluated, standing.failed, standing.in_a_row) == (4, 3, 2)


def test_senses_are_kept_apart_on_a_front() -> None:
    standing = Standing(TWO)
    outcomes = [(1.0, 1.0), (2.0, 3.0), (2.0, 2.0), (3.0, 3.0)]
    for number, (cost, gain) in enumerate(outcomes):
        standing.add(trial(number, cost=cost, **{"yield": gain}))
    assert [kept.number for kept in standing.front] == [0, 1]
    # between the best (1, 3) and the worst (3, 1): the point (2, 3) leaves the left half, (1, 1) has no depth
    assert standing.hypervolume == pytest.approx(0.5)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=20))
def test_a_front_is_what_nothing_dominates(values: list[tuple[int, int]]) -> None:
    standing = Standing(TWO)
    for number, (cost, gain) in enumerate(values):
        standing.add(trial(number, cost=float(cost), **{"yield": float(-gain)}))
    undominated = {one for one in values if not any(o != one and o[0] <= one[0] and o[1] <= one[1] for o in values)}
    assert {values[kept.number] for kept in standing.front} == undominated
    assert len(standing.front) == len(undominated)


def test_stale_counts_from_the_last_improvement_that_matters() -> None:
    standing = Standing(ONE)
    seen = []
    for number, cost in enumerate([10.0, 9.0, 8.9999, 8.9998, 5.0, 5.0]):
        standing.add(trial(number, cost=cost))
        standing.mark(least=1e-3)
        seen.append(standing.stale)
    assert seen == [0, 0, 1, 2, 0, 1]


def test_coming_closer_to_the_rules_is_an_improvement() -> None:
    standing = Standing(ONE)
    seen = []
    for number, mass in enumerate([0.5, 0.4, 0.4, -1.0, -1.0]):
        standing.add(trial(number, mass, cost=1.0))
        standing.mark()
        seen.append(standing.stale)
    assert seen == [0, 0, 1, 0, 1]


@settings(max_examples=20)
@given(st.integers(1, 4), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_what_a_front_covers_agrees_with_counting(goals: int, points: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    front = rng.random((points, goals))
    samples = rng.random((20_000, goals))
    counted = np.any(np.all(front[None] <= samples[:, None], axis=2), axis=1).mean()
    assert covered(front) == pytest.approx(counted, abs=0.02)


def test_the_corner_covers_everything_and_the_far_corner_nothing() -> None:
    for goals in (1, 2, 3, 4):
        assert covered(np.zeros((1, goals))) == 1.0
        assert covered(np.ones((1, goals))) == 0.0


@pytest.mark.parametrize("goals", [2, 3])
def test_what_was_covered_before_is_covered_now(goals: int) -> None:
    question = Question(SPACE, tuple(Goal(f"g{n}") for n in range(goals)), ())
    rng, standing, kept = np.random.default_rng(goals), Standing(question), []
    for number in range(30):
        values = rng.random(goals) + 0.5 * (number < 10)
        kept.append(values)
        outcomes = {f"g{n}": float(value) for n, value in enumerate(values)}
        standing.add(Trial(number, {"x": 0.5}, TrialAnswer(outcomes)))
        standing.mark()
        low, high = np.min(kept, axis=0), np.max(kept, axis=0)
        width = np.where(high > low, high - low, 1.0)
        expected = covered(np.where(high > low, (np.array(kept) - low) / width, 0.0))
        assert standing.hypervolume == pytest.approx(expected, abs=1e-12)
        assert standing.hypervolume == standing.hypervolume
