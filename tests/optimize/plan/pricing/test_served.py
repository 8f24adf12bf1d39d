"""What cohorts are paid for by age: parts that add up, and years in orbit enclosed between nodes of the life."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dawndusk.optimize.plan.pricing.dual_prices import DualPrices, ReducedCosts
from dawndusk.optimize.plan.pricing.served import by_ages, parted, presence

PAID = arrays(np.float64, (3, 6), elements=st.floats(-1e3, 1e3))


@given(PAID)
def test_the_parts_add_up_to_what_is_paid(paid: np.ndarray) -> None:
    steady, more, charged = parted(paid)
    np.testing.assert_allclose(steady + more - charged, paid, atol=1e-9)
    assert np.all(np.diff(steady, axis=1) <= 0.0), "what is steady never rises with age"
    assert steady.min() >= 0.0
    assert more.min() >= 0.0
    assert charged.min() >= 0.0
    assert not np.any((charged > 0.0) & (steady + more > 0.0))


def years_in(period: int, life: float, length: float) -> float:
    """Years in orbit in a period, of a cohort launched evenly over the first one, by summing over its launches."""
    begun = (np.arange(4000) + 0.5) / 4000 * length
    return float(
        np.clip(np.minimum(begun + life, (period + 1) * length) - np.maximum(begun, period * length), 0.0, None).mean()
    )


@pytest.mark.parametrize("length", [1.0, 0.5, 0.25])
@pytest.mark.parametrize("most", [False, True])
def test_years_in_orbit_between_the_nodes_are_enclosed(length: float, most: bool) -> None:
    """Lines between the nodes, moved outward, lie on one side of the years at any life."""
    lives = np.linspace(length, 8.0, 60)
    paid = np.ones((1, 12))
    table, _ = presence(paid, lives, length, most=most)
    rng = np.random.default_rng(3)
    for life in rng.uniform(length, 8.0, 40):
        for period in range(12):
            line = float(np.interp(life, lives, table[period, 0]))
            exact = length * years_in(period, float(life), length) / length
            assert (line >= exact - 2e-4) if most else (line <= exact + 2e-4), (life, period)


def test_years_in_orbit_are_close_where_nodes_are() -> None:
    lives = np.linspace(1.0, 8.0, 400)
    paid = np.ones((1, 12))
    low, high = (presence(paid, lives, 1.0, most=most)[0][:, 0] for most in (False, True))
    assert np.all(low <= high + 1e-12)
    assert np.max(high - low) < 1e-3
    total = 0.5 * (low + high).sum(axis=0)
    whole = lives <= 10.0
    assert total[whole] == pytest.approx(lives[whole], abs=2e-2), "a satellite is in orbit for its life"


@given(
    arrays(np.float64, (5, 2, 3), elements=st.floats(-10.0, 10.0)),
    st.lists(st.floats(0.5, 7.5), min_size=5, max_size=5),
    st.booleans(),
)
def test_values_by_age_lose_nothing_and_move_to_one_side(values: np.ndarray, own: list[float], up: bool) -> None:
    ages = np.array([0.0, 2.0, 4.0, 6.0, 8.0])
    found = by_ages(values, np.array(own), ages, up=up)
    np.testing.assert_allclose(sum(found), values.sum(axis=0), atol=1e-9)
    for number, age in enumerate(own):
        alone = by_ages(values[[number]], np.array([age]), ages, up=up)
        for place, part in enumerate(alone):
            if part.any():
                assert (ages[place] >= age) if up else (ages[place] <= age)


def prices(value: float) -> DualPrices:
    shapes = {"slot": (1, 1, 2), "hardware": (1, 2), "on_board": (1, 2), "credit": (1, 2)}
    flat = {"running", "each", "fee", "disposal"}
    names = [*shapes, *flat, "power", "compute", "worth", "orbit", "traffic"]
    return DualPrices(**{name: np.full(shapes.get(name, (2,) if name in flat else (2, 3)), value) for name in names})


def test_mixed_prices_lie_between() -> None:
    mixed = prices(1.0).mixed(prices(5.0), 0.25)
    assert all(np.all(part == 2.0) for part in vars(mixed).values())
    assert all(np.all(part == 1.0) for part in vars(prices(1.0).mixed(prices(5.0), 0.0)).values())


def test_a_reduced_cost_is_relative_to_what_a_launch_is_charged_for() -> None:
    usd = np.array([[[-5.0, 4.0]], [[np.inf, 8.0]]])
    costs = ReducedCosts(usd, np.array([[[10.0, 10.0]], [[1.0, 16.0]]]))
    assert costs.relative.tolist() == [[[-0.5, 0.4]], [[np.inf, 0.5]]]
    assert costs.least().tolist() == [-0.5, 0.5]
