from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import qmc

from dawndusk.optimize.space.sampling import PRIMITIVE, sobol_net

MOST = len(PRIMITIVE) + 1


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 8), st.integers(1, MOST + 2), st.integers(0, 2**32 - 1))
def test_the_points_of_joe_and_kuo_are_those_of_scipy(log2_count: int, dimensions: int, seed: int) -> None:
    own = sobol_net(log2_count, dimensions, np.random.default_rng(seed))
    assert np.array_equal(own, qmc.Sobol(dimensions, rng=np.random.default_rng(seed)).random_base2(log2_count))


@pytest.mark.parametrize("dimensions", [0, 1, 9, MOST])
def test_each_part_of_each_axis_has_one_point(dimensions: int) -> None:
    points = sobol_net(6, dimensions, np.random.default_rng(1))
    assert points.shape == (64, dimensions)
    assert np.array_equal(np.sort(np.floor(points * 64), axis=0), np.tile(np.arange(64)[:, None], dimensions))
