"""Straight lines above the exponents of a life: each inequality on its own, then all of them on random boxes."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dawndusk.models.physics.reliability import NODES, WEIGHTS
from dawndusk.optimize.certify.functions.curves import LARGEST_EXPONENT
from dawndusk.optimize.certify.functions.life_lines import (
    LARGEST_SPREAD,
    LOGS,
    Life,
    LinesAbove,
    exponential,
    least_shares,
    lines_above,
    mean_above_lesser,
    most_above_tangent,
    shares_of_lesser,
    tangent_gap,
)

Floats: TypeAlias = NDArray[np.float64]

SEED = st.integers(0, 2**32 - 1)
FINITE = st.floats(-30.0, 30.0)
MANY, BOXES, DRAWS = 2000, 300, 25
LOW = np.array([0.0, -7.0, -11.0, -0.5, -7.0, -7.0])
HIGH = np.array([0.8, 1.6, 1.6, 0.8, 0.7, 2.3])
TOLERANCE = 1e-12


def boxes(rng: np.random.Generator, scale: float) -> tuple[Floats, Floats, Floats]:
    """Return ends of boxes of the six arguments, shape (6, B), and a point in each."""
    middle = LOW[:, np.newaxis] + rng.random((6, BOXES)) * (HIGH - LOW)[:, np.newaxis]
    half = scale * rng.random(middle.shape) * (rng.random(middle.shape) < 0.8)
    return middle - half, middle + half, middle + half * rng.uniform(-1.0, 1.0, middle.shape)


def inside(rng: np.random.Generator, low: Floats, high: Floats, turn: int) -> Floats:
    """Return a point of each box, now and then a corner."""
    share = rng.random(low.shape)
    return np.asarray(low + (np.rint(share) if turn % 2 else share) * (high - low))


def line_at(x: LinesAbove, life: Life, at: Floats, u: Floats) -> Floats:
    """Return the lines above the exponents at points u, by the slopes that are claimed, shape (nodes, B)."""
    size = exponential(at[5])
    lost = size * (1.0 + x.middle[5] - at[5]) * life.x
    moved = sum(rate * (u[k] - x.middle[k]) for k, rate in enumerate(x.rates))
    return np.asarray(x.lines - lost + moved)


def exponents(life: Life, u: Floats) -> Floats:
    """Return the exponents themselves."""
    alive, power, lost = life.exponents_at(u)
    return np.asarray(np.minimum(np.minimum(alive, power), 0.0) - lost)


@given(seed=SEED)
def test_tangent_below_an_exponential(seed: int) -> None:
    """A line is above its exponent by what the tangent of a size is below its exponential, where that alone varies."""
    rng = np.random.default_rng(seed)
    life = Life(2.0)
    k = int(rng.choice(LOGS))
    at = rng.uniform(LOW, HIGH, (BOXES, 6)).T
    # of alive and power the one that the size belongs to is far below the other
    at[0], at[3] = (9.0, -9.0) if k == LOGS[2] else (-9.0, 9.0)
    low, high = at.copy(), at.copy()
    low[k] -= rng.random(BOXES)
    high[k] += rng.random(BOXES)
    x = lines_above(life, low, high, at)
    u = inside(rng, low, high, int(rng.integers(2)))
    rate = life.worn if k == LOGS[1] else life.x
    below = np.exp(u[k]) - np.exp(at[k]) * (1.0 + u[k] - at[k])
    assert np.all(below >= -1e-14 * np.exp(high[k]))
    np.testing.assert_allclose(line_at(x, life, at, u) - exponents(life, u), rate * below, atol=1e-9)


@given(a=FINITE, down=st.floats(-20.0, 0.0), up=st.floats(0.0, 20.0), share=st.floats(0.0, 1.0))
def test_gap_of_a_tangent_to_an_exponential(a: float, down: float, up: float, share: float) -> None:
    most = np.exp(a) * tangent_gap(np.array([down]), np.array([up]))[0]
    y = a + down + share * (up - down)
    gap = np.exp(y) - np.exp(a) * (1.0 + y - a)
    assert gap <= most + 1e-13 * (np.exp(y) + np.exp(a) * (1.0 + abs(y - a)))


def test_the_gap_is_met_at_an_end() -> None:
    down, up = np.array([-1.0, -2.0, 0.0]), np.array([2.0, 0.5, 0.0])
    expected = [np.exp(2.0) - 3.0, np.exp(-2.0) + 1.0, 0.0]
    np.testing.assert_allclose(tangent_gap(down, up), expected, rtol=1e-14)


@given(seed=SEED)
def test_lesser_of_several_below_a_mean(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, p = rng.normal(scale=10.0, size=(2, MANY))
    width, nothing = rng.exponential(5.0, (2, MANY)), np.zeros(MANY)
    ends = ((a - width[0], p - width[1], nothing), (a + width[0], p + width[1], nothing))
    shares = shares_of_lesser(tuple(rng.normal(scale=10.0, size=(3, MANY))), *ends)
    mean = shares[0] * a + shares[1] * p
    assert np.all(np.minimum(np.minimum(a, p), 0.0) <= mean + 1e-13 * (1.0 + np.abs(a) + np.abs(p)))


@given(seed=SEED)
def test_gap_of_a_mean_above_the_lesser(seed: int) -> None:
    rng = np.random.default_rng(seed)
    worst = rng.normal(scale=5.0, size=(2, MANY))
    best = worst + rng.exponential(3.0, (2, MANY)) * (rng.random((2, MANY)) < 0.8)
    shares = rng.dirichlet(np.full(3, 0.3), MANY).T
    nothing = np.zeros(MANY)
    most = mean_above_lesser(shares[0], shares[1], (worst[0], worst[1], nothing), (best[0], best[1], nothing))
    for turn in range(8):
        share = rng.random((2, MANY))
        a, p = worst + (np.rint(share) if turn % 2 else share) * (best - worst)
        gap = shares[0] * a + shares[1] * p - np.minimum(np.minimum(a, p), 0.0)
        assert np.all(gap <= most + 1e-13 * (1.0 + np.abs(a) + np.abs(p)))
    assert np.all(most >= 0.0)


@given(seed=SEED)
def test_shares_of_the_lesser_are_shares(seed: int) -> None:
    rng = np.random.default_rng(seed)
    worst = rng.normal(size=(2, MANY))
    best = worst + rng.exponential(1.0, (2, MANY)) * (rng.random((2, MANY)) < 0.7)
    a, p = worst + rng.random((2, MANY)) * (best - worst)
    nothing = np.zeros(MANY)
    alive, power = shares_of_lesser((a, p, nothing), (*worst, nothing), (*best, nothing))
    assert np.all((alive >= 0.0) & (power >= 0.0))
    assert np.all(alive + power <= 1.0 + 1e-15)


@pytest.mark.parametrize(("alive", "power", "expected"), [(-3.0, 0.5, (1, 0)), (2.0, -3.0, (0, 1)), (2.0, 3.0, (0, 0))])
def test_the_lesser_has_all_shares_where_it_is_far_below(alive: float, power: float, expected: tuple[int, int]) -> None:
    here = (np.array([alive]), np.array([power]), np.zeros(1))
    worst = (np.array([alive - 0.1]), np.array([power - 0.1]), np.zeros(1))
    best = (np.array([alive + 0.1]), np.array([power + 0.1]), np.zeros(1))
    np.testing.assert_allclose(np.ravel(shares_of_lesser(here, worst, best)), expected, atol=1e-9)


@given(seed=SEED, scale=st.sampled_from([1e-6, 0.1, 1.0, 10.0]))
def test_log_sum_above_its_tangent(seed: int, scale: float) -> None:
    """Of any shares and any exponents whose mean by these shares is nothing."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(8), MANY).T
    r = rng.normal(scale=scale, size=p.shape)
    r -= (p * r).sum(axis=0)
    _, bends = most_above_tangent(p, np.abs(r))
    rise = np.log((p * np.exp(r)).sum(axis=0))
    assert np.all(rise <= bends + 1e-13 * (1.0 + np.abs(r).max(axis=0)))
    assert np.all(rise >= -1e-13 * (1.0 + np.abs(r).max(axis=0)))


def test_exponents_too_far_apart_are_not_bounded() -> None:
    p = np.full((8, 2), 0.125)
    spread = np.zeros((8, 2))
    spread[3, 1] = LARGEST_SPREAD
    _, bends = most_above_tangent(p, spread)
    np.testing.assert_array_equal(bends, [0.0, np.inf])


@given(seed=SEED)
def test_mean_of_exponents_below_the_log_sum(seed: int) -> None:
    """``log(sum w e^z) >= sum q (z + log w - log q)`` for any shares, and equal for those of the sum itself."""
    rng = np.random.default_rng(seed)
    life = Life(2.0)
    z = rng.normal(scale=4.0, size=(8, MANY // 10))
    weights = np.array(WEIGHTS)[:, np.newaxis]
    total, own = life.log_sum(z)
    np.testing.assert_allclose(total, np.log((weights * np.exp(z)).sum(axis=0)), atol=1e-12)
    q = rng.dirichlet(np.ones(8), z.shape[1]).T
    assert np.all((q * (z + np.log(weights) - np.log(q))).sum(axis=0) <= total + 1e-12)
    np.testing.assert_allclose((own * (z + np.log(weights) - np.log(own))).sum(axis=0), total, atol=1e-11)


def test_shares_of_a_log_sum_add_up_to_one_and_do_not_overflow() -> None:
    life = Life(1.0)
    z = np.array([[0.0], [700.0], [1e4], [-1e4], [0.0], [0.0], [0.0], [0.0]])
    total, shares = life.log_sum(z)
    assert total[0] == pytest.approx(1e4 + np.log(WEIGHTS[2]))
    assert shares.sum() == pytest.approx(1.0)
    assert shares[2, 0] == 1.0


@settings(deadline=None, max_examples=30, derandomize=True)
@given(seed=SEED, scale=st.sampled_from([0.0, 1e-3, 0.1, 1.0, 5.0]), exponent=st.floats(1.0, 10.0))
def test_lines_are_above_the_exponents(seed: int, scale: float, exponent: float) -> None:
    rng = np.random.default_rng(seed)
    low, high, at = boxes(rng, scale)
    life = Life(exponent)
    with np.errstate(all="ignore"):
        x = lines_above(life, low, high, at)
    for turn in range(DRAWS):
        u = inside(rng, low, high, turn)
        over = line_at(x, life, at, u) - exponents(life, u)
        assert np.all(over >= -TOLERANCE * (1.0 + np.abs(exponents(life, u)))), turn


@settings(deadline=None, max_examples=30, derandomize=True)
@given(seed=SEED, scale=st.sampled_from([0.0, 1e-3, 0.1, 1.0]))
def test_lines_are_no_further_above_than_their_gaps(seed: int, scale: float) -> None:
    """The mean above the lesser, and each tangent of what is lost below its exponential."""
    rng = np.random.default_rng(seed)
    low, high, at = boxes(rng, scale)
    life = Life(2.0)
    x = lines_above(life, low, high, at)
    tangents = sum(np.abs(x.rates[k]) * tangent_gap(low[k] - at[k], high[k] - at[k]) for k in LOGS)
    for turn in range(DRAWS):
        u = inside(rng, low, high, turn)
        over = line_at(x, life, at, u) - exponents(life, u)
        assert np.all(over <= x.mixed + tangents + TOLERANCE * (1.0 + np.abs(exponents(life, u))))


@settings(deadline=None, max_examples=30, derandomize=True)
@given(seed=SEED, scale=st.sampled_from([0.0, 1e-3, 0.1, 1.0]))
def test_least_share_of_an_exponent(seed: int, scale: float) -> None:
    """Anywhere in the box, with every exponent anywhere from its line to its gap below."""
    rng = np.random.default_rng(seed)
    low, high, at = boxes(rng, scale)
    life = Life(2.0)
    x = lines_above(life, low, high, at)
    gaps = rng.exponential(scale, x.p.shape)
    least = least_shares(x, gaps)
    for turn in range(DRAWS):
        u = inside(rng, low, high, turn)
        share = rng.random(gaps.shape)
        below = gaps * (np.rint(share) if turn % 2 else share)
        _, found = life.log_sum(line_at(x, life, at, u) - below)
        assert np.all(found >= least * (1.0 - 1e-10))


@settings(deadline=None, max_examples=30, derandomize=True)
@given(seed=SEED, scale=st.sampled_from([0.0, 1e-3, 0.1, 1.0]))
def test_the_log_sum_of_lines_is_between_its_tangent_and_what_it_bends(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    low, high, at = boxes(rng, scale)
    life = Life(2.0)
    x = lines_above(life, low, high, at)
    for turn in range(DRAWS):
        u = inside(rng, low, high, turn)
        total, _ = life.log_sum(line_at(x, life, at, u))
        over = total - x.total - (x.slopes * (u - x.middle)).sum(axis=0)
        size = TOLERANCE * (1.0 + np.abs(total) + np.abs(x.total))
        assert np.all(over >= -size)
        assert np.all(over <= x.bends + size)


def test_rates_are_the_derivatives_of_the_lines() -> None:
    """In logarithms of failures, wear, array loss and what else is lost, where the tangents are taken."""
    life, at = Life(2.3), np.array([0.1, -1.0, -2.0, 0.2, -1.5, -0.5])[:, np.newaxis]
    share = np.full((8, 1), 0.3), np.full((8, 1), 0.5)
    step = 1e-6

    def lines(u: Floats) -> Floats:
        alive, power, lost = life.exponents_at(u)
        return np.asarray(share[0] * alive + share[1] * power - lost)

    rates = life.rates(*share, [exponential(at[k]) for k in LOGS])
    for k, rate in enumerate(rates):
        move = step * np.eye(6)[:, [k]]
        np.testing.assert_allclose((lines(at + move) - lines(at - move)) / (2.0 * step), rate, rtol=1e-7, atol=1e-9)


def test_a_box_without_width_has_lines_without_slack() -> None:
    rng = np.random.default_rng(8)
    _, _, at = boxes(rng, 0.5)
    x = lines_above(Life(2.0), at, at, at)
    np.testing.assert_array_equal(x.bends, 0.0)
    assert all(np.all(spread == 0.0) for spread in x.spreads)
    assert np.all(x.mixed <= 1e-12)


def test_parts_of_nothing_are_nothing() -> None:
    rng = np.random.default_rng(9)
    _, _, at = boxes(rng, 0.5)
    x = lines_above(Life(2.0), at, at, at)
    np.testing.assert_array_equal(x.bent_parts(), 0.0)
    np.testing.assert_array_equal(x.mixed_parts(np.zeros_like(x.p), 0.5), 0.0)


def test_parts_add_up_to_what_is_bent() -> None:
    rng = np.random.default_rng(10)
    low, high, at = boxes(rng, 0.5)
    x = lines_above(Life(2.0), low, high, at)
    np.testing.assert_allclose(x.bent_parts().sum(axis=0), x.bent.sum(axis=0), rtol=1e-12)
    lowered = x.p * x.mixed
    moved = sum(x.moves) > 0.0
    np.testing.assert_allclose(
        x.mixed_parts(lowered, 0.5).sum(axis=0), 0.5 * np.where(moved, lowered, 0.0).sum(axis=0), rtol=1e-12
    )


def test_the_nodes_are_those_of_the_model() -> None:
    life = Life(3.0)
    np.testing.assert_array_equal(life.x[:, 0], NODES)
    np.testing.assert_allclose(life.worn[:, 0], np.array(NODES) ** 3.0, rtol=1e-15)


def test_exponentials_do_not_overflow() -> None:
    assert exponential(np.array([1e9]))[0] == np.exp(LARGEST_EXPONENT)
    assert exponential(np.array([-1e9]))[0] == 0.0
