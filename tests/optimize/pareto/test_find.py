from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dawndusk.models.design import Design, DesignBatch
from dawndusk.models.errors import DawnduskError
from dawndusk.models.evaluate import evaluate
from dawndusk.optimize.errors import CertificateError
from dawndusk.optimize.heuristics.dominance import not_dominated
from dawndusk.optimize.pareto import find
from dawndusk.optimize.pareto.ends import End, PointProof, PointQuestion, ProofEffort, prove_end, prove_points
from dawndusk.optimize.pareto.field import Field
from dawndusk.optimize.pareto.find import Proofs, find_front
from dawndusk.optimize.pareto.front import Front
from dawndusk.optimize.problem import Goal, Problem

MakeProblem = Callable[..., Problem]

COST, DEBRIS = Goal("lcoc_usd_per_pflop_hour"), Goal("debris_exposure_m2_years")
MASS = Goal("launched_mass_t")
EFFORT = ProofEffort(gap=0.03, seed=1, workers=1, audit=False)
UNPROVED, PROVED = Proofs(ends=False, effort=EFFORT), Proofs(effort=EFFORT)
ONE_VEHICLE: dict[str, Any] = {"life_years": {"low": 2, "high": 8, "nominal": 5}}
TWO_VEHICLES: dict[str, Any] = {**ONE_VEHICLE, "vehicle": ["starship_v3", "new_glenn_7x2"]}
NO_RADIATOR: dict[str, Any] = {"radiator_area_m2": 350}
ALTITUDE_ALONE: dict[str, Any] = {"radiator_area_m2": 350, "array_oversize": 1.0}


def front_of(problem: Problem, *goals: Goal, **settings: Any) -> Front:
    return find_front(problem, goals, proofs=settings.pop("proofs", UNPROVED), **{"spacing": 0.05, **settings})


@pytest.fixture
def problem(make_problem: MakeProblem) -> Problem:
    return make_problem(TWO_VEHICLES)


KNOWN: list[Front] = []
"""The front that most tests look at, once it is known."""


@pytest.fixture
def front(problem: Problem) -> Front:
    if not KNOWN:
        KNOWN.append(front_of(problem, COST, DEBRIS))
    return KNOWN[0]


def test_every_point_meets_every_rule_and_none_dominates_another(problem: Problem, front: Front) -> None:
    assert (front.status, front.stopped_by) == ("feasible", "completion")
    evaluation = evaluate(DesignBatch.of(front.designs), problem.assumptions)
    assert evaluation.feasible.all()
    for column, goal in enumerate(front.goals):
        assert front.values[:, column] == pytest.approx(evaluation.outcome[goal.outcome], rel=1e-12)
    assert not_dominated(front.values).all()
    assert (np.diff(front.values[:, 0]) > 0.0).all()


def test_no_gap_is_wider_than_asked_for(make_problem: MakeProblem) -> None:
    front = front_of(make_problem(ONE_VEHICLE), COST, DEBRIS)
    assert len(front) > 20
    assert front.widest_gap <= 0.05
    assert front.jumps == ()


def test_a_jump_of_the_front_itself_is_told(front: Front) -> None:
    """Where the front goes from one vehicle to the other nothing is between."""
    assert [step.length for step in front.jumps] == [step.length for step in front.steps() if step.length > 0.05]


def test_no_random_design_dominates_a_point_and_some_are_dominated(problem: Problem, front: Front) -> None:
    field = Field(problem, (COST, DEBRIS))
    rng = np.random.default_rng(5)
    with np.errstate(all="ignore"):
        points = field.grade(rng.random((50_000, field.dimensions)), rng.integers(2, size=50_000))
    values = points.values[points.feasible]
    better = (values[:, None, :] <= front.values[None] * (1.0 - 1e-3)).all(axis=2)
    assert len(values) > 1000
    assert not better.any()


def test_the_same_seed_finds_the_same_front(problem: Problem, front: Front) -> None:
    again = front_of(problem, COST, DEBRIS)
    assert again.designs == front.designs
    assert np.array_equal(again.values, front.values)


def test_the_ends_carry_their_certificates(make_problem: MakeProblem) -> None:
    front = front_of(make_problem(NO_RADIATOR), COST, DEBRIS, proofs=PROVED)
    assert [end.status for end in front.ends] == ["optimal", "optimal"]
    for column, end in enumerate(front.ends):
        assert end.bound is not None
        assert end.gap is not None
        assert end.value == front.values[:, column].min()
        assert end.bound <= front.values[:, column].min()
        assert end.gap <= 0.0301


def test_a_point_that_beats_a_bound_is_an_error_that_names_both(
    make_problem: MakeProblem, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(_: Problem, goal: Goal, *__: object, **___: object) -> End:
        return End(goal=goal, status="optimal", value=1e9, bound=1e9, design=None, seconds=0.0, stopped_by="completion")

    monkeypatch.setattr(find, "prove_end", wrong)
    with pytest.raises(CertificateError, match=r"better lcoc_usd_per_pflop_hour than 1000000000\.0; but there is"):
        front_of(make_problem(), COST, DEBRIS, proofs=PROVED)


def test_every_point_can_have_a_bound_of_its_own(make_problem: MakeProblem) -> None:
    front = front_of(
        make_problem(ALTITUDE_ALONE),
        COST,
        DEBRIS,
        proofs=Proofs(ends=False, points=True, effort=EFFORT),
        spacing=0.5,
        time_limit_s=120.0,
    )
    assert np.isfinite(front.bounds).all()
    assert (front.bounds <= front.values[:, 0] * (1.0 + 1e-9)).all()
    assert (front.bounds >= front.values[:, 0] * 0.96).all()


def test_proofs_of_points_do_not_depend_on_the_workers(make_problem: MakeProblem) -> None:
    field = Field(make_problem(ALTITUDE_ALONE), (COST, DEBRIS))
    values = field.grade(np.array([[0.2], [0.5]]), np.array([0, 0])).values * field.signs

    def proofs(workers: int) -> dict[int, PointProof]:
        asked = PointQuestion(field.problem, field.goals, replace(EFFORT, workers=workers))
        return dict(prove_points(asked, values, time_limit_s=120.0, report=lambda _: None))

    alone = proofs(1)
    assert set(alone) == {0, 1}
    assert all(proof.bound is not None and proof.stopped_by == "completion" for proof in alone.values())
    assert proofs(2) == alone


def test_an_interrupt_keeps_the_points_that_are_proved(make_problem: MakeProblem) -> None:
    field = Field(make_problem(ALTITUDE_ALONE), (COST, DEBRIS))
    values = np.tile(field.grade(np.array([[0.5]]), np.array([0])).values, (3, 1))

    def interrupt(proved: int) -> None:
        if proved:
            raise KeyboardInterrupt

    proved = prove_points(
        PointQuestion(field.problem, field.goals, EFFORT), values, time_limit_s=120.0, report=interrupt
    )
    assert next(proved)[0] in {0, 1, 2}
    with pytest.raises(KeyboardInterrupt):
        next(proved)


def test_goals_to_make_large(make_free_problem: MakeProblem) -> None:
    front = front_of(make_free_problem(), COST, Goal("delivered_pflops", "maximise"))
    assert len(front) > 5
    assert (np.diff(front.values[:, 0]) > 0.0).all()
    assert (np.diff(front.values[:, 1]) > 0.0).all()


@pytest.mark.parametrize("goals", [3, pytest.param(5, marks=pytest.mark.slow)])
def test_more_goals(problem: Problem, goals: int) -> None:
    every = (COST, DEBRIS, MASS, Goal("capex_usd"), Goal("energy_payback_years"))
    front = front_of(problem, *every[:goals], spacing=0.2)
    assert len(front) > 5
    assert not_dominated(front.values).all()
    assert front.values.shape == (len(front), goals)


def test_goals_that_agree_have_one_best_design(make_problem: MakeProblem) -> None:
    fixed = {"altitude_km": 500, "radiator_area_m2": 350, "array_oversize": 1.0}
    front = front_of(make_problem(fixed), COST, DEBRIS)
    assert (front.status, len(front), front.in_conflict) == ("feasible", 1, False)


def test_an_infeasible_problem_is_stated(make_problem: MakeProblem) -> None:
    front = front_of(make_problem(subject_to=["junction_temperature_k <= 200"]), COST, DEBRIS, time_limit_s=20.0)
    assert (front.status, front.proved, len(front)) == ("infeasible", False, 0)


def test_an_infeasible_problem_is_proved(make_problem: MakeProblem) -> None:
    front = front_of(make_problem(subject_to=["junction_temperature_k <= 200"]), COST, DEBRIS, proofs=PROVED)
    assert (front.status, front.proved, front.stopped_by) == ("infeasible", True, "completion")


def test_a_time_limit_is_stated(problem: Problem) -> None:
    front = front_of(problem, COST, DEBRIS, time_limit_s=0.05)
    assert front.stopped_by == "time limit"


def test_an_interrupt_keeps_what_was_found(problem: Problem) -> None:
    def interrupt(progress: Any) -> None:
        if progress.stage.startswith("spreading"):
            raise KeyboardInterrupt

    front = front_of(problem, COST, DEBRIS, report=interrupt)
    assert front.stopped_by == "interrupt"
    assert len(front) > 1


@pytest.mark.parametrize(
    ("goals", "settings", "says"),
    [
        ((COST,), {}, "goals: found 1 .*; allowed 2 to 5"),
        ((COST, COST), {}, "goals: found 'lcoc_usd_per_pflop_hour' twice"),
        ((COST, Goal("debris_exposure")), {}, "did you mean 'debris_exposure_m2_years'"),
        ((COST, DEBRIS), {"spacing": 0.0}, "spacing: found 0.0; allowed above 0"),
        ((COST, DEBRIS), {"spacing": float("nan")}, "spacing: found nan"),
    ],
)
def test_what_makes_no_sense_is_refused(
    problem: Problem, goals: tuple[Goal, ...], settings: dict[str, Any], says: str
) -> None:
    with pytest.raises(DawnduskError, match=says):
        front_of(problem, *goals, **settings)


def test_mixed_combinations_are_graded_as_each_by_itself(problem: Problem) -> None:
    field = Field(problem, (COST, DEBRIS))
    rng = np.random.default_rng(0)
    coordinates, combination = rng.random((64, field.dimensions)), rng.integers(2, size=64)
    with np.errstate(all="ignore"):
        together = field.grade(coordinates, combination)
        for number in range(2):
            mine = combination == number
            alone = field.grade(coordinates[mine], combination[mine])
            assert together.values[mine] == pytest.approx(alone.values, rel=1e-12)
            assert together.violation[mine] == pytest.approx(alone.violation, rel=1e-12)


@pytest.mark.parametrize("outcome", ["debris_exposure_m2_years", "embodied_energy_tj", "energy_payback_years"])
def test_the_best_value_of_debris_and_energy_is_proved(make_problem: MakeProblem, outcome: str) -> None:
    end = prove_end(make_problem(NO_RADIATOR), Goal(outcome), EFFORT, time_limit_s=60.0, report=lambda _: None)
    assert end.status == "optimal"
    assert end.gap is not None
    assert end.gap <= 0.0301


def test_a_goal_without_a_proved_design_begins_with_a_good_one(problem: Problem, front: Front) -> None:
    best = front.designs[int(np.argmin(front.values[:, 0]))]
    asked: list[Goal] = []

    def first(goal: Goal) -> Design | None:
        asked.append(goal)
        return best if goal == COST else None

    found = front_of(problem, COST, DEBRIS, first=first, time_limit_s=1e-9)
    assert asked == [COST, DEBRIS]
    assert found.values[:, 0].min() <= front.values[:, 0].min()
