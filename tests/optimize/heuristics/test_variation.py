"""Steps that every heuristic varies designs by: their shapes, their reach and their shares."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dawndusk.optimize.heuristics.variation import (
    ALONG_DIFFERENCE_SHARE,
    MOVED_SHARE,
    MOVED_SHARE_OF_SAMPLES,
    WIDEST,
    adapted,
    difference_factors,
    mutations,
    sampled_around,
)

MANY = 4000


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


@given(st.integers(1, 50), st.integers(1, 12), st.floats(1e-9, 0.1), st.integers(0, 2**32))
def test_every_mutation_moves_something(count: int, dimensions: int, narrowest: float, seed: int) -> None:
    steps = mutations((count, dimensions), narrowest, np.random.default_rng(seed))
    assert steps.shape == (count, dimensions)
    assert bool((steps != 0.0).any(axis=1).all())


def test_mutations_are_of_every_size_down_to_the_narrowest() -> None:
    sizes = np.abs(mutations((MANY, 1), 1e-6, rng())[:, 0])
    assert np.quantile(sizes, 0.05) < 1e-5
    assert np.quantile(sizes, 0.95) > 1e-2
    assert sizes.max() < 6.0 * WIDEST
    decades = np.histogram(np.log10(sizes), bins=[-6, -5, -4, -3, -2, -1])[0]
    assert decades.min() > 0.6 * decades.max(), "the widths are even in their logarithms"


def test_mutations_move_a_share_of_the_coordinates_and_one_more() -> None:
    moved = (mutations((MANY, 10), 1e-3, rng()) != 0.0).mean()
    assert moved == pytest.approx(MOVED_SHARE + (1.0 - MOVED_SHARE) / 10.0, abs=0.01)


@given(st.integers(1, 50), st.floats(0.1, 5.0), st.integers(0, 2**32))
def test_difference_factors_are_never_negative_nor_longer_than_asked(count: int, longest: float, seed: int) -> None:
    factors = difference_factors(count, longest, np.random.default_rng(seed))
    assert factors.shape == (count, 1)
    assert 0.0 <= factors.min() <= factors.max() <= longest


def test_half_of_the_points_go_along_no_difference() -> None:
    none = (difference_factors(MANY, 1.6, rng()) == 0.0).mean()
    assert none == pytest.approx(1.0 - ALONG_DIFFERENCE_SHARE, abs=0.03)


def test_samples_leave_about_half_of_the_coordinates_alone_and_have_the_width_asked_for() -> None:
    centre = np.full((MANY, 6), 0.5)
    steps = sampled_around(centre, 0.01, rng()) - centre
    assert (steps == 0.0).mean() == pytest.approx(1.0 - MOVED_SHARE_OF_SAMPLES, abs=0.01)
    assert steps[steps != 0.0].std() == pytest.approx(0.01, rel=0.02)


@given(
    st.lists(st.tuples(st.floats(1e-9, 1.0), st.booleans()), min_size=1, max_size=20),
    st.floats(1.01, 3.0),
    st.floats(0.1, 0.99),
)
def test_a_width_grows_with_success_and_shrinks_without(
    starts: list[tuple[float, bool]], wider: float, narrower: float
) -> None:
    width, better = np.array([one[0] for one in starts]), np.array([one[1] for one in starts])
    after = adapted(width, better, wider=wider, narrower=narrower, widest=1.0)
    assert bool((after <= 1.0).all())
    assert bool((after[~better] < width[~better]).all())
    assert bool((after[better] >= width[better]).all())
