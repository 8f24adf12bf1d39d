"""The best mean of planes and rows: against HiGHS, and proofs that do not depend on how far the method came."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import linprog

from dawndusk.optimize.certify.bound import master
from dawndusk.optimize.certify.bound.master import BundleMaster, solved

Floats: TypeAlias = NDArray[np.float64]

BOXES, AXES, PLANES, ROWS = 40, 6, 4, 3


def programmes(seed: int, scale: float = 1.0) -> BundleMaster:
    """Return programmes whose rows leave something of every box: the middle breaks none of them by itself."""
    rng = np.random.default_rng(seed)
    count = PLANES + ROWS
    slopes = rng.normal(size=(count, AXES, BOXES)) * (rng.random((count, AXES, BOXES)) < 0.7)
    slopes *= scale
    slopes[PLANES:] *= 10.0 ** rng.uniform(-2.0, 2.0, (ROWS, 1, 1))
    below = rng.normal(size=(count, BOXES)) * np.abs(slopes).max(axis=1)
    below[PLANES:] = -np.abs(below[PLANES:])
    return BundleMaster(slopes, below, np.ones(below.shape, dtype=bool), PLANES)


def proved(programme: BundleMaster, shares: Floats) -> Floats:
    """Return what multipliers prove: the least value of the mean of planes and rows over the box."""
    slopes = (programme.slopes * shares[:, np.newaxis]).sum(axis=0)
    found: Floats = (programme.below * shares).sum(axis=0) - np.abs(slopes).sum(axis=0)
    return found


def optimum(programme: BundleMaster, box: int) -> float:
    """Return the optimum of one programme as HiGHS has it."""
    plane = np.arange(len(programme.below)) < PLANES
    rows = np.column_stack([programme.slopes[..., box], -plane.astype(float)])
    ends = [(-1.0, 1.0)] * AXES + [(None, None)]
    found = linprog(np.r_[np.zeros(AXES), 1.0], A_ub=rows, b_ub=-programme.below[:, box], bounds=ends)
    assert found.status == 0
    return float(found.fun or 0.0)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("scale", [1e-2, 1.0, 1e4])
def test_the_mean_is_nearly_as_high_as_highs_has_it(seed: int, scale: float) -> None:
    programme = programmes(seed, scale)
    shares, point = programme.solve(np.zeros((AXES, BOXES)))
    best = np.array([optimum(programme, box) for box in range(BOXES)])
    found = proved(programme, shares)
    alone = (programme.below[:PLANES] - np.abs(programme.slopes[:PLANES]).sum(axis=1)).max(axis=0)
    assert np.all(found <= best + 1e-9 * (1.0 + np.abs(best)))
    assert np.median((best - found) / (best - alone + 1e-12)) < 0.1
    assert np.all(np.abs(point) <= 1.0)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0, 1, 3, 30]), st.floats(1e-12, 1e12))
def test_multipliers_prove_something_after_any_number_of_steps(seed: int, steps: int, scale: float) -> None:
    programme = programmes(seed, scale)
    with pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
        patch.setattr(master, "STEPS", steps)
        shares, _ = programme.solve(np.zeros((AXES, BOXES)))
    assert np.all(shares >= 0.0)
    total = shares[:PLANES].sum(axis=0)
    np.testing.assert_allclose(total[total > 0.0], 1.0)
    feasible = np.random.default_rng(seed).uniform(-1.0, 1.0, (AXES, 200, BOXES))
    value = np.einsum("mdb,dnb->mnb", programme.slopes, feasible) + programme.below[:, np.newaxis]
    keeps = (value[PLANES:] <= 0.0).all(axis=0)
    least = np.where(keeps, value[:PLANES].max(axis=0), np.inf)
    known = (total > 0.0)[np.newaxis] & np.isfinite(least)
    over = proved(programme, shares) - least
    assert np.all(over[known] <= 1e-9 * np.abs(programme.slopes).sum())


def test_boxes_are_worked_on_each_for_itself() -> None:
    programme = programmes(5)
    whole, _ = programme.solve(np.zeros((AXES, BOXES)))
    slopes, below, counts = programme.slopes[..., ::3], programme.below[:, ::3], programme.counts[:, ::3]
    part = BundleMaster(slopes.copy(), below.copy(), counts.copy(), PLANES)
    some, _ = part.solve(np.zeros((AXES, part.below.shape[1])))
    np.testing.assert_array_equal(whole[:, ::3], some)


def test_systems_are_solved_as_numpy_solves_them() -> None:
    rng = np.random.default_rng(3)
    root = rng.normal(size=(7, 7, 20))
    matrix = np.einsum("ikb,jkb->ijb", root, root) + np.eye(7)[:, :, np.newaxis]
    right = rng.normal(size=(7, 20))
    known = np.stack([np.linalg.solve(matrix[..., b], right[:, b]) for b in range(20)], axis=1)
    np.testing.assert_allclose(solved(matrix.copy(), right.copy()), known, rtol=1e-8, atol=1e-10)
