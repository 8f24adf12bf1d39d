from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
import optuna
import pytest

from dawndusk.models.errors import DawnduskError
from dawndusk.optimize.problem import Goal
from dawndusk.optimize.space.columns import SpaceColumns
from dawndusk.optimize.space.dimensions import Category, Key, Point, RealNumber, Space, Value, WholeNumber
from dawndusk.optimize.trials.question import Failure, History, Question, Trial, TrialAnswer
from dawndusk.optimize.trials.samplers.auto import MAKERS, sampler_named
from dawndusk.optimize.trials.samplers.optuna import OptunaSampler
from dawndusk.optimize.trials.samplers.optuna_study import Mirror, quietly
from dawndusk.optimize.trials.samplers.sampler import Sampler, require

Evaluate = Callable[[Point], TrialAnswer]


@dataclass(frozen=True)
class Small:
    """A small question with the function that answers it."""

    question: Question
    evaluate: Evaluate


def _mixed(point: Point) -> TrialAnswer:
    x, n, far = float(point["x"]), int(point["n"]), point["kind"] == "far"
    if 0.45 < x < 0.5:
        return TrialAnswer(failure=Failure("crash", "no solution there"))
    return TrialAnswer({"cost": x * x + 0.1 * n + far, "yield": x + n}, {"mass": 0.3 - x, "heat": n / 5.0 - 0.9})


def _single(point: Point) -> TrialAnswer:
    x, y = float(point["x"]), float(point["y"])
    return TrialAnswer({"cost": (x - 0.3) ** 2 + 2.0 * (y - 0.6) ** 2}, {"sum": x + y - 1.0})


def _finite(point: Point) -> TrialAnswer:
    n, far = int(point["n"]), point["kind"] == "far"
    return TrialAnswer({"cost": n + far, "yield": n * n + (not far)})


def _three(point: Point) -> TrialAnswer:
    x, y = float(point["x"]), float(point["y"])
    return TrialAnswer({"a": x, "b": y, "c": math.hypot(1.0 - x, 1.0 - y)})


MIXED = Small(
    Question(
        Space(
            {
                "x": RealNumber(0.1, 1.0, True),
                "n": WholeNumber(0, 5),
                "fixed": RealNumber(2.0, 2.0),
                "kind": Category(("near", "far")),
            }
        ),
        (Goal("cost"), Goal("yield", "maximise")),
        ("mass", "heat"),
    ),
    _mixed,
)
SINGLE = Small(
    Question(Space({"x": RealNumber(0.0, 1.0), "y": RealNumber(0.0, 1.0)}), (Goal("cost"),), ("sum",)), _single
)
FINITE = Small(
    Question(Space({"n": WholeNumber(1, 4), "kind": Category(("near", "far"))}), (Goal("cost"), Goal("yield"))), _finite
)
THREE = Small(
    Question(Space({"x": RealNumber(0.0, 1.0), "y": RealNumber(0.0, 1.0)}), (Goal("a"), Goal("b"), Goal("c"))), _three
)


def extend(small: Small, history: History, points: Sequence[Point]) -> None:
    """Add the answers to points."""
    for point in points:
        history.add(Trial(len(history), point, small.evaluate(point)))


def run(
    small: Small, sampler: Callable[[], Sampler], count: int, batch: int, *, seed: int = 1, afresh: bool = False
) -> History:
    """Search; ``afresh`` makes the sampler anew, and the history again from its trials, for every batch."""
    history, kept = History(small.question), sampler()
    for number in range(math.ceil(count / batch)):
        if afresh:
            history, kept = History(small.question, history.trials), sampler()
        extend(small, history, kept.propose(history, batch, seed=seed, batch=number))
    return history


def keys(small: Small, points: Sequence[dict[str, Value]]) -> list[Key]:
    """Return what tells points apart."""
    return [small.question.space.key(point) for point in points]


SLOW = {"gp"}
NEEDS = {"gp": "torch", "cmaes": "cmaes"}
SEVERAL = [name for name in MAKERS if name != "cmaes"]
"""Samplers for several goals."""


def maker(name: str) -> Callable[[], Sampler]:
    if name in NEEDS and find_spec(NEEDS[name]) is None:
        pytest.skip(f"{NEEDS[name]} is not installed")
    return MAKERS[name]


def named(names: list[str]) -> list[object]:
    return [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in names]


@pytest.mark.parametrize("name", named(SEVERAL))
def test_points_are_of_the_space_and_new_and_as_many_as_asked_for(name: str) -> None:
    history = run(MIXED, maker(name), 12 if name in SLOW else 30, 6)
    for trial in history.trials:
        checked = MIXED.question.space.check(trial.point)
        assert {key: type(value) for key, value in checked.items()} == {k: type(v) for k, v in trial.point.items()}
    assert len(history.known) == len(history) == (12 if name in SLOW else 30)


@pytest.mark.parametrize("name", named(list(MAKERS)))
def test_what_is_named_follows_from_the_history_alone(name: str) -> None:
    small = SINGLE if name == "cmaes" else MIXED
    count = {"gp": 16, "surrogate": 60}.get(name, 120)
    kept = run(small, maker(name), count, 4 if name in SLOW else 12)
    rebuilt = run(small, maker(name), count, 4 if name in SLOW else 12, afresh=True)
    assert list(kept.known) == list(rebuilt.known)


@pytest.mark.parametrize("name", named(list(MAKERS)))
def test_a_sampler_that_saw_another_history_names_the_same_points(name: str) -> None:
    small = SINGLE if name == "cmaes" else MIXED
    used = maker(name)()
    for number in range(1 if name in SLOW else 3):
        used.propose(run(small, maker("random"), 24, 12, seed=9), 1, seed=3, batch=number)
    history = run(small, maker("random"), 24, 12)
    again = used.propose(history, 2, seed=5, batch=7)
    assert keys(small, again) == keys(small, maker(name)().propose(history, 2, seed=5, batch=7))


@pytest.mark.parametrize("name", [name for name in MAKERS if name not in SLOW])
def test_another_seed_names_other_points(name: str) -> None:
    one, two = (run(SINGLE, maker(name), 8, 4, seed=seed) for seed in (1, 2))
    assert list(one.known) != list(two.known)


@pytest.mark.parametrize("name", named(SEVERAL))
def test_points_that_are_being_evaluated_are_kept_away_from(name: str) -> None:
    history = run(FINITE, maker("random"), 3, 3)
    pending: list[dict[str, Value]] = [{"n": n, "kind": "near"} for n in range(1, 5)]
    points = maker(name)().propose(history, 8, seed=1, batch=1, pending=pending)
    taken = {*history.known, *keys(FINITE, [dict(point) for point in pending])}
    assert not taken & set(keys(FINITE, points))
    assert len(points) == 8 - len(taken)


@pytest.mark.parametrize("name", named(SEVERAL))
def test_a_space_with_nothing_left_gives_no_points(name: str) -> None:
    history = run(FINITE, maker(name), 8, 4)
    assert len(history.known) == FINITE.question.space.size == 8
    assert maker(name)().propose(history, 4, seed=1, batch=2) == []


@pytest.mark.parametrize("name", named(SEVERAL))
def test_three_goals_without_a_rule(name: str) -> None:
    count = 14 if name in SLOW else 42
    assert len(run(THREE, maker(name), count, 7)) == count


@pytest.mark.parametrize("name", [name for name in SEVERAL if name not in SLOW])
def test_a_history_of_failures_is_gone_on_from(name: str) -> None:
    history = History(MIXED.question)
    extend(MIXED, history, [{"x": 0.46 + 0.001 * n, "n": n % 6, "fixed": 2.0, "kind": "near"} for n in range(20)])
    assert np.isnan(history.values).all()
    assert len(maker(name)().propose(history, 5, seed=1, batch=4)) == 5


@pytest.mark.parametrize("name", [name for name in MAKERS if name not in SLOW | {"random"}])
def test_one_goal_with_a_rule_gets_nearer_than_an_even_spread(name: str) -> None:
    count = 60 if name in {"surrogate", "tpe"} else 400

    def best(sampler: str) -> float:
        histories = [run(SINGLE, maker(sampler), count, 20, seed=seed) for seed in range(3)]
        return float(np.median([history.values[history.feasible].min() for history in histories]))

    assert best(name) < best("random")


def test_one_goal_is_all_that_cmaes_takes() -> None:
    with pytest.raises(DawnduskError, match="'cmaes' with 2 goals; allowed 1"):
        maker("cmaes")().propose(History(MIXED.question), 1, seed=1, batch=0)


def test_an_unknown_sampler_is_named_with_the_nearest() -> None:
    with pytest.raises(DawnduskError, match=r"search.sampler: found 'surogate'.*surrogate"):
        sampler_named("surogate")


def test_a_missing_package_is_named_with_its_extra() -> None:
    with pytest.raises(DawnduskError, match=r"gp: found no library 'no_such_package'.*dawndusk\[gp\]"):
        require("gp", "no_such_package", "gp")


def test_optuna_is_quiet_here_only() -> None:
    before = optuna.logging.get_verbosity()
    with quietly():
        warnings.warn("experimental", stacklevel=1)
        assert optuna.logging.get_verbosity() == optuna.logging.ERROR
    assert optuna.logging.get_verbosity() == before


def test_the_mirror_has_rules_as_constraints_and_failures_as_failed() -> None:
    history = History(MIXED.question)
    extend(
        MIXED,
        history,
        [{"x": 0.2, "n": 5, "fixed": 2.0, "kind": "far"}, {"x": 0.47, "n": 1, "fixed": 2.0, "kind": "far"}],
    )
    mirror = Mirror(MIXED.question)
    assert mirror.follow(history, None, 1)
    answered, failed = mirror.get_all_trials(0)
    assert answered.constraints == pytest.approx({"mass": 0.1, "heat": 0.1})
    assert answered.values == pytest.approx([0.04 + 0.5 + 1.0, -5.2])
    assert failed.state is optuna.trial.TrialState.FAIL


def test_what_was_asked_is_forgotten_by_the_mirror() -> None:
    history = run(MIXED, maker("random"), 12, 12)
    sampler = OptunaSampler("tpe")
    sampler.propose(history, 5, seed=1, batch=1)
    assert sampler._mirror is not None
    assert len(sampler._mirror.get_all_trials(0)) == 12


@pytest.mark.parametrize("small", [MIXED, FINITE])
def test_columns_read_rows_as_the_space_does(small: Small) -> None:
    columns = SpaceColumns.of(small.question.space)
    rows = columns.random(200, np.random.default_rng(1))
    exact = [
        {k: pytest.approx(v) if isinstance(v, float) else v for k, v in p.items()}
        for p in small.question.space.decode(rows)
    ]
    points = columns.points(rows)
    assert points == exact
    assert small.question.space.encode(points) == pytest.approx(rows)
    assert columns.snapped(rows) == pytest.approx(rows)


def test_every_row_of_a_finite_space_is_listed_once() -> None:
    columns = SpaceColumns.of(FINITE.question.space)
    assert len(set(keys(FINITE, columns.points(columns.every())))) == 8
