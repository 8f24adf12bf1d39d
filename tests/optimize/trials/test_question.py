from __future__ import annotations

import numpy as np

from dawndusk.optimize.space.dimensions import RealNumber, Space
from dawndusk.optimize.trials.question import Failure, Goal, History, Question, Trial, TrialAnswer

QUESTION = Question(Space({"x": RealNumber(0.0, 1.0)}), (Goal("cost"), Goal("speed", "maximise")), ("dose",))


def history() -> History:
    return History(
        QUESTION,
        [
            Trial(0, {"x": 0.1}, TrialAnswer({"cost": 1.0, "speed": 2.0}, {"dose": -0.5})),
            Trial(1, {"x": 0.2}, TrialAnswer({"cost": 0.5, "speed": 3.0}, {"dose": 0.25})),
            Trial(2, {"x": 0.3}, TrialAnswer(failure=Failure("timeout", "no answer in 3 s"))),
        ],
    )


def test_what_is_made_large_is_turned() -> None:
    assert history().values[:2].tolist() == [[1.0, -2.0], [0.5, -3.0]]


def test_failures_are_infeasible_and_have_no_values() -> None:
    known = history()
    assert np.isnan(known.values[2]).all()
    assert known.total_violation.tolist() == [0.0, 0.25, np.inf]
    assert known.feasible.tolist() == [True, False, False]


def test_a_known_point_is_found_by_its_key() -> None:
    known = history()
    assert known.known[QUESTION.space.key({"x": 0.2})].number == 1
    assert QUESTION.space.key({"x": 0.25}) not in known.known


def test_an_empty_history_has_the_right_shapes() -> None:
    empty = History(QUESTION)
    assert (empty.rows.shape, empty.values.shape, empty.violations.shape) == ((0, 1), (0, 2), (0, 1))
    assert empty.feasible.tolist() == []
