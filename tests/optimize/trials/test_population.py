from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dawndusk.optimize.heuristics.dominance import crowding, not_dominated, order_of, ranks
from dawndusk.optimize.heuristics.genetic import children, mutated, nearby, stepped
from dawndusk.optimize.heuristics.reference_directions import directions, spread_over
from dawndusk.optimize.problem import Goal
from dawndusk.optimize.space.columns import SpaceColumns
from dawndusk.optimize.space.dimensions import Category, Point, RealNumber, Space, WholeNumber
from dawndusk.optimize.trials.question import History, Question, Trial, TrialAnswer
from dawndusk.optimize.trials.samplers.population import PopulationSampler

SPACE = Space(
    {
        "x": RealNumber(0.0, 1.0),
        "n": WholeNumber(1, 64, True),
        "kind": Category(("a", "b", "c")),
        "fixed": WholeNumber(3, 3),
    }
)
COLUMNS = SpaceColumns.of(SPACE)


def zdt1(point: Point) -> TrialAnswer:
    """Zitzler, Deb and Thiele (2000): the front is f2 = 1 - sqrt(f1)."""
    x = [float(point[f"x{n}"]) for n in range(8)]
    g = 1.0 + 9.0 * sum(x[1:]) / 7.0
    return TrialAnswer({"f1": x[0], "f2": g * (1.0 - (x[0] / g) ** 0.5)})


ZDT1 = Question(Space({f"x{n}": RealNumber(0.0, 1.0) for n in range(8)}), (Goal("f1"), Goal("f2")))


def evolved(sampler: PopulationSampler, count: int, batch: int) -> History:
    history = History(ZDT1)
    for number in range(count // batch):
        for point in sampler.propose(history, batch, seed=1, batch=number):
            history.add(Trial(len(history), point, zdt1(point)))
    return history


@pytest.mark.parametrize("by_direction", [False, True])
def test_zitzler_deb_and_thiele_zdt1_is_reached(by_direction: bool) -> None:
    values = evolved(PopulationSampler(50, by_direction), 5000, 50).values
    front = values[not_dominated(values)]
    assert np.median(front[:, 1] - (1.0 - np.sqrt(front[:, 0]))) < 0.02
    assert np.ptp(front[:, 0]) > 0.9


def test_survivors_do_not_depend_on_the_batches_that_trials_came_in() -> None:
    history = evolved(PopulationSampler(30), 400, 40)
    growing, grown = PopulationSampler(30), History(ZDT1)
    for trial in history.trials:
        grown.add(trial)
        if trial.number % 7 == 0:
            growing.propose(grown, 1, seed=1, batch=trial.number)
    at_once = PopulationSampler(30).propose(history, 5, seed=2, batch=3)
    assert growing.propose(grown, 5, seed=2, batch=3) == at_once


@given(st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_offspring_are_rows_of_the_space(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, two, three, four = (COLUMNS.random(12, rng) for _ in range(4))
    widths = np.full((12, 1), 0.3)
    for young in (
        children(COLUMNS, one, two, rng),
        stepped(COLUMNS, one, two, three, four, rng),
        nearby(COLUMNS, one, widths, rng),
        COLUMNS.snapped(mutated(COLUMNS, one, rng)),
    ):
        for point in COLUMNS.points(young):
            SPACE.check(point)
        assert COLUMNS.snapped(young) == pytest.approx(young)


def test_every_name_and_number_can_be_reached_by_mutation() -> None:
    rng = np.random.default_rng(1)
    rows = COLUMNS.random(4000, rng)
    points = COLUMNS.points(COLUMNS.snapped(mutated(COLUMNS, rows, rng)))
    assert {point["kind"] for point in points} == {"a", "b", "c"}
    assert {point["n"] for point in points} == set(range(1, 65))


def test_ranks_are_those_of_one_front_after_another() -> None:
    values = np.array([[1.0, 4.0], [2.0, 3.0], [2.0, 3.0], [3.0, 3.0], [4.0, 5.0], [0.5, 9.0]])
    assert ranks(values).tolist() == [0, 0, 0, 1, 2, 0]


def test_crowding_of_deb_pratap_agarwal_and_meyarivan() -> None:
    found = crowding(np.array([[0.0, 4.0], [1.0, 2.0], [3.0, 1.0], [4.0, 0.0]]))
    assert found.tolist() == [np.inf, 3.0 / 4.0 + 3.0 / 4.0, 3.0 / 4.0 + 2.0 / 4.0, np.inf]


def test_what_breaks_a_rule_goes_behind_by_how_much() -> None:
    values = np.array([[0.0, 0.0], [5.0, 5.0], [1.0, 1.0], [0.0, 0.0]])
    order, _, _ = order_of(values, np.array([0.3, 0.0, 0.0, np.inf]))
    assert order.tolist() == [2, 1, 0, 3]


def test_das_and_dennis_directions() -> None:
    found = directions(3, 21)
    assert found.shape == (21, 3)
    assert np.linalg.norm(found, axis=1) == pytest.approx(np.ones(21))
    assert len({tuple(row) for row in np.round(found, 9)}) == 21


def test_the_last_front_fills_the_empty_directions_first() -> None:
    angle = np.linspace(0.0, np.pi / 2.0, 9)
    values = np.column_stack([np.cos(angle), np.sin(angle)])
    kept = spread_over(values, np.arange(4), np.arange(4, 9), 3)
    assert set(kept.tolist()) <= set(range(4, 9))
    assert 8 in kept
