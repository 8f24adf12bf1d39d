from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import check_grad

from dawndusk.optimize.heuristics.dominance import hypervolume
from dawndusk.optimize.problem import Goal
from dawndusk.optimize.space.columns import SpaceColumns
from dawndusk.optimize.space.dimensions import Category, Point, RealNumber, Space, WholeNumber
from dawndusk.optimize.trials.question import Failure, History, Question, Trial, TrialAnswer
from dawndusk.optimize.trials.samplers.sampler import Sampler
from dawndusk.optimize.trials.samplers.simple import RandomSampler
from dawndusk.optimize.trials.samplers.surrogate import SurrogateSampler
from dawndusk.optimize.trials.surrogate.gaussian_process import (
    KERNELS,
    Floats,
    Hyper,
    Kernel,
    Process,
    _Likelihood,
    fitted,
)
from dawndusk.optimize.trials.surrogate.improvement import boxes_of, expected_improvement
from dawndusk.optimize.trials.surrogate.modelling import Chain, data_of, models_of
from dawndusk.optimize.trials.surrogate.warping import Warp, warps_of_goal, warps_of_rule

RNG = np.random.default_rng(7)


@dataclass(frozen=True)
class Small:
    question: Question
    evaluate: Callable[[Point], TrialAnswer]


def _mixed(point: Point) -> TrialAnswer:
    x, n, far = float(point["x"]), int(point["n"]), point["kind"] == "far"
    if 0.45 < x < 0.5:
        return TrialAnswer(failure=Failure("crash", "no solution there"))
    return TrialAnswer({"cost": x * x + 0.1 * n + far, "yield": x + n}, {"mass": 0.3 - x, "heat": n / 5.0 - 0.9})


def _single(point: Point) -> TrialAnswer:
    x, y = float(point["x"]), float(point["y"])
    return TrialAnswer({"cost": (x - 0.3) ** 2 + 2.0 * (y - 0.6) ** 2}, {"sum": x + y - 1.0})


MIXED = Small(
    Question(
        Space({"x": RealNumber(0.1, 1.0, True), "n": WholeNumber(0, 5), "kind": Category(("near", "far"))}),
        (Goal("cost"), Goal("yield", "maximise")),
        ("mass", "heat"),
    ),
    _mixed,
)
SINGLE = Small(
    Question(Space({"x": RealNumber(0.0, 1.0), "y": RealNumber(0.0, 1.0)}), (Goal("cost"),), ("sum",)), _single
)


def run(small: Small, sampler: Sampler, count: int, batch: int) -> History:
    history = History(small.question)
    for number in range(count // batch):
        for point in sampler.propose(history, batch, seed=1, batch=number):
            history.add(Trial(len(history), point, small.evaluate(point)))
    return history


def process(kernel: Kernel, features: Floats, values: Floats, noise: float = 1e-8) -> Process:
    hyper = Hyper(kernel, np.log(np.full(features.shape[1], 0.5)), float(np.log(noise)))
    return Process(hyper, np.arange(features.shape[1]), features, values)


@pytest.mark.parametrize("kernel", KERNELS)
def test_rasmussen_and_williams_equations_2_25_and_2_26(kernel: Kernel) -> None:
    features, at = RNG.random((12, 2)), RNG.random((5, 2))
    values = np.sin(6.0 * features[:, 0]) + features[:, 1]
    model = process(kernel, features, values, 1e-2)
    matrix = model.between(features, features) + 1e-2 * np.eye(12)
    inverse, across = np.linalg.inv(matrix), model.between(at, features)
    ones = np.ones(12)
    mean = (ones @ inverse @ values) / (ones @ inverse @ ones)
    scale = (values - mean) @ inverse @ (values - mean) / 12
    found, variance, _ = model.posterior(at)
    assert found == pytest.approx(mean + across @ inverse @ (values - mean))
    assert variance == pytest.approx(scale * (1.0 - np.sum((across @ inverse) * across, axis=1)))
    assert model.mean(at) == pytest.approx(found)


def test_the_matern_kernel_at_known_distances() -> None:
    model = process("matern", np.zeros((1, 1)), np.zeros(1))
    root = np.sqrt(5.0)
    assert model.between(np.array([[0.5]]), np.zeros((1, 1)))[0, 0] == pytest.approx((1 + root + 5 / 3) * np.exp(-root))


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_process_without_noise_goes_through_its_data(kernel: Kernel) -> None:
    features = RNG.random((15, 2))
    values = features[:, 0] ** 2 - features[:, 1]
    found, variance, _ = process(kernel, features, values).posterior(features)
    assert found == pytest.approx(values, abs=1e-4)
    assert (variance < 1e-4).all()


def test_what_is_left_out_is_foretold_as_by_a_process_without_it() -> None:
    features = RNG.random((10, 2))
    values = np.cos(4.0 * features[:, 0]) * features[:, 1]
    model = process("matern", features, values, 1e-3)
    mean, _, scale = model._solved
    others = np.arange(10) != 4
    inverse = np.linalg.inv(model.between(features, features)[np.ix_(others, others)] + 1e-3 * np.eye(9))
    across = model.between(features[[4]], features[others])
    assert model.left_out[0][4] == pytest.approx(mean + (across @ inverse @ (values[others] - mean))[0])
    assert model.left_out[1][4] == pytest.approx(scale * (1.0 + 1e-3 - (across @ inverse @ across.T)[0, 0]))


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_gradient_of_the_likelihood_is_that_of_differences(kernel: Kernel) -> None:
    features = RNG.random((20, 3))
    likelihood = _Likelihood(kernel, features, np.array([0, 1, 1]), np.sin(5.0 * features[:, 0]), 2)
    theta = np.array([0.2, -0.4, np.log(1e-2)])

    def value(at: Floats) -> float:
        return likelihood(at)[0]

    def gradient(at: Floats) -> Floats:
        return likelihood(at)[1]

    error = check_grad(value, gradient, theta)
    assert error < 1e-4 * np.abs(likelihood(theta)[1]).max()


def test_a_column_without_effect_gets_a_long_scale() -> None:
    features = RNG.random((40, 2))
    hyper = fitted("gauss", features, np.arange(2), np.sin(6.0 * features[:, 0]))
    assert hyper.log_lengths[1] > hyper.log_lengths[0] + 1.0


FRONT = np.array([[1.0, 3.0], [2.0, 2.0], [3.0, 1.0]])


def test_a_certain_point_improves_a_front_by_the_area_that_it_adds() -> None:
    boxes = boxes_of(FRONT, np.array([4.0, 4.0]))
    sure = np.full((3, 2), 1e-9)
    points = np.array([[1.5, 1.5], [0.0, 0.0], [3.5, 3.5]])
    assert expected_improvement(boxes, points, sure) == pytest.approx([1.25, 16.0 - 6.0, 0.0], abs=1e-6)


def test_one_goal_gives_the_expected_improvement_of_jones_schonlau_and_welch() -> None:
    boxes = boxes_of(np.array([[2.0]]), np.array([5.0]))
    found = expected_improvement(boxes, np.array([[2.0]]), np.array([[1.0]]))
    assert found[0] == pytest.approx(1.0 / np.sqrt(2.0 * np.pi))


@pytest.mark.parametrize("goals", [2, 3, 4])
def test_the_expected_improvement_is_the_mean_of_sampled_ones(goals: int) -> None:
    rng = np.random.default_rng(goals)
    front, reference = rng.random((6, goals)), np.full(goals, 1.1)
    mean, spread = np.full((1, goals), 0.4), np.full((1, goals), 0.2)
    before = hypervolume(front, reference)
    draws = mean + spread * rng.standard_normal((1500, goals))
    gains = [hypervolume(np.vstack([front, draw]), reference) - before for draw in draws]
    found = expected_improvement(boxes_of(front, reference), mean, spread)[0]
    assert found == pytest.approx(np.mean(gains), abs=4.0 * np.std(gains) / np.sqrt(len(gains)))


@given(st.integers(0, 10_000), st.integers(2, 4))
@settings(max_examples=30, deadline=None)
def test_boxes_fill_what_a_front_leaves(seed: int, goals: int) -> None:
    front = np.random.default_rng(seed).random((7, goals))
    boxes = boxes_of(front, np.ones(goals), floor=0.0)
    left = np.prod(boxes.high - boxes.low, axis=1).sum()
    assert left + hypervolume(front, np.ones(goals)) == pytest.approx(1.0)


VALUES = np.array([0.2, 0.5, 1.0, 3.0, 40.0, 2e4])


def warps() -> Sequence[Warp]:
    signed = VALUES - 1.5
    return [*warps_of_goal(VALUES, VALUES, 1.0), *warps_of_goal(signed, signed, 1.0), *warps_of_rule(signed, signed)]


@pytest.mark.parametrize("number", range(len(warps())))
def test_a_warp_keeps_the_order_and_is_turned_back(number: int) -> None:
    warp, values = warps()[number], VALUES if number < 3 else VALUES - 1.5
    warped = warp(values)
    assert (np.diff(warped) >= 0.0).all()
    assert warp.back(warped)[:4] == pytest.approx(values[:4], rel=1e-6, abs=1e-6)
    step = 1e-6
    slope = (warp.back(warped + step) - warp.back(warped - step))[:4] / (2.0 * step)
    assert warp.slope_back(warped)[:4] == pytest.approx(slope, rel=1e-3)


def test_models_foretell_what_they_were_not_told() -> None:
    history = run(MIXED, RandomSampler(), 80, 20)
    columns = SpaceColumns.of(MIXED.question.space)
    models = models_of(Chain(columns), data_of(history, columns))
    rows = columns.random(50, np.random.default_rng(3))
    truth = [MIXED.evaluate(point) for point in columns.points(rows)]
    answered = np.array([answer.failure is None for answer in truth])
    said = models.predict(rows, np.full(2, 10.0))
    cost = np.array([answer.outcomes.get("cost", np.nan) for answer in truth])
    kept = np.array([max(answer.violations.values(), default=1.0) <= 0.0 for answer in truth])
    assert said.mean[answered, 0] == pytest.approx(cost[answered], abs=0.05)
    assert np.mean((said.chance > np.log(0.5))[answered] == kept[answered]) > 0.9


def test_a_prior_that_is_right_leaves_nothing_to_learn() -> None:
    def prior(points: Sequence[Point]) -> Floats:
        return np.array([[(SINGLE.evaluate(point)).outcomes["cost"]] for point in points])

    history = run(SINGLE, RandomSampler(), 12, 6)
    columns = SpaceColumns.of(SINGLE.question.space)
    models = models_of(Chain(columns), data_of(history, columns, prior), prior)
    rows = columns.random(30, np.random.default_rng(3))
    assert models.means(rows)[0] == pytest.approx(prior(columns.points(rows)), abs=1e-6)
    sampler = SurrogateSampler(prior)
    assert len(sampler.propose(history, 3, seed=1, batch=2)) == 3


def test_a_prior_that_has_no_answer_everywhere_does_no_harm() -> None:
    def prior(points: Sequence[Point]) -> Floats:
        return np.array([[np.nan if float(point["x"]) > 0.5 else 1.0] for point in points])

    history = run(SINGLE, SurrogateSampler(prior), 30, 5)
    assert history.values[history.feasible].min() < 0.05


def test_a_front_is_found_within_a_hundredth_in_fifty_evaluations() -> None:
    history = run(MIXED, SurrogateSampler(), 50, 2)
    reference = np.array([2.0, 0.0])
    grid: list[Point] = [{"x": float(x), "n": n, "kind": "near"} for x in np.linspace(0.1, 1.0, 200) for n in range(5)]
    fine = [answer for answer in map(MIXED.evaluate, grid) if max(answer.violations.values(), default=1.0) <= 0.0]
    best = np.array([[answer.outcomes["cost"], -answer.outcomes["yield"]] for answer in fine])
    found = hypervolume(history.values[history.feasible], reference)
    assert found > 0.99 * hypervolume(best, reference)
