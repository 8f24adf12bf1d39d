from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from dawndusk.optimize.pareto.front import Front
from dawndusk.optimize.problem import Goal
from dawndusk.studies.input.studyfile import read_study
from dawndusk.studies.run.design.runner import nominal_design

COST, YEARS = Goal("lcoc_usd_per_pflop_hour"), Goal("deployment_years")
COMPUTE = Goal("delivered_pflops", "maximise")


def front_of(values: list[list[float]], goals: tuple[Goal, ...] = (COST, YEARS), spacing: float = 0.02) -> Front:
    design = nominal_design(read_study("falcon9-today"))
    rows: NDArray[np.float64] = np.array(values, dtype=np.float64).reshape(-1, len(goals))
    return Front(
        goals=goals,
        status="feasible" if values else "infeasible",
        proved=False,
        designs=(design,) * len(rows),
        values=rows,
        bounds=np.full(len(rows), np.nan),
        ends=(),
        spacing=spacing,
        evaluated=0,
        seconds=0.0,
        proof_seconds=0.0,
        seed=1,
        stopped_by="completion",
    )


CORNER = front_of([[10.0, 5.0], [11.0, 3.0], [12.0, 2.0], [20.0, 1.0]])


def test_das_knee_is_the_corner() -> None:
    """Furthest from the line through the ends: shares (0.2, 0.25) fall short of the line by 0.55."""
    assert CORNER.knees == (2,)
    assert CORNER.bulge == pytest.approx([0.0, 0.4, 0.55, 0.0])


def test_a_straight_or_hollow_front_has_no_knee() -> None:
    assert front_of([[0.0, 4.0], [1.0, 3.0], [2.0, 2.0], [3.0, 1.0], [4.0, 0.0]]).knees == ()
    assert front_of([[0.0, 4.0], [3.0, 3.9], [4.0, 0.0]]).knees == ()


def test_two_corners_are_two_knees_the_larger_first() -> None:
    steps = front_of([[0.0, 10.0], [1.0, 5.5], [4.9, 5.0], [5.2, 1.0], [10.0, 0.0]])
    assert steps.knees == (3, 1)


def test_exchange_at_the_knee_in_amounts_and_shares() -> None:
    found = CORNER.exchange(2, give=0, gain=1)
    assert found is not None
    assert (found.one, found.other) == (2, 3)
    assert (found.given, found.gained) == (8.0, 1.0)
    assert (found.given_share, found.gained_share) == pytest.approx((8.0 / 12.0, 0.5))
    back = CORNER.exchange(2, give=1, gain=0)
    assert back is not None
    assert (back.other, back.given, back.gained) == (1, 1.0, 1.0)


def test_nothing_can_be_bought_at_the_end_of_a_goal() -> None:
    assert CORNER.exchange(3, give=0, gain=1) is None
    assert CORNER.exchange(0, give=1, gain=0) is None


def test_all_exchanges_along_a_curve() -> None:
    assert [(e.one, e.other, e.given, e.gained) for e in CORNER.along()] == [
        (0, 1, 1.0, 2.0),
        (1, 2, 1.0, 1.0),
        (2, 3, 8.0, 1.0),
    ]


def test_with_three_goals_the_third_changes_by_less_than_is_gained() -> None:
    goals = (COST, YEARS, Goal("launched_mass_t"))
    front = front_of([[0.0, 10.0, 5.0], [2.0, 9.0, 0.0], [4.0, 4.0, 5.5], [10.0, 0.0, 10.0]], goals)
    found = front.exchange(0, give=0, gain=1)
    assert found is not None
    assert found.other == 2


def test_a_goal_to_make_large_is_best_at_its_largest() -> None:
    front = front_of([[10.0, 100.0], [12.0, 180.0], [20.0, 200.0]], (COST, COMPUTE))
    assert front.shares[:, 1] == pytest.approx([1.0, 0.2, 0.0])
    assert front.knees == (1,)


def test_gaps_and_jumps() -> None:
    assert CORNER.widest_gap == pytest.approx(0.8)
    assert [step.length for step in CORNER.jumps] == pytest.approx([0.8, 0.5, 0.25])
    assert front_of([[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]], spacing=0.5).jumps == ()


def test_hypervolume_of_a_corner_and_of_a_line() -> None:
    """A single point dominates the whole box; the two ends of a line all but the cell between them."""
    assert front_of([[3.0, 4.0]]).hypervolume == pytest.approx(1.0)
    assert front_of([[0.0, 1.0], [1.0, 0.0]]).hypervolume == pytest.approx((1.1**2 - 1.0) / 1.1**2)


def test_one_point_and_none() -> None:
    one, none = front_of([[3.0, 4.0]]), front_of([])
    assert not one.in_conflict
    assert (one.knees, one.jumps, one.widest_gap, list(one.along())) == ((), (), 0.0, [])
    assert (len(none), none.knees, none.hypervolume, none.steps()) == (0, (), 0.0, ())


def test_a_goal_that_is_the_same_but_for_rounding_has_no_range() -> None:
    front = front_of([[1.0, 5.0], [1.0 + 1e-12, 4.0]])
    assert front.shares[:, 0] == pytest.approx([0.0, 0.0])
