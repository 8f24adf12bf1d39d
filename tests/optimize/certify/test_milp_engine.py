"""Bounds of the solver that goes on from one objective to the next, beside those of SciPy's."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_matrix

from dawndusk.optimize.certify.lp.engine import EMPTY, LpSolver

Floats: TypeAlias = NDArray[np.float64]

COLUMNS, ROWS = 5, 6
NEAR, CLOSE = 1e-7, 1e-5


class Model:
    """Rows over scaled columns, as an engine asks for them: at least, at most, between and equal."""

    def __init__(self, rng: np.random.Generator, room: float) -> None:
        self.rng, self.room = rng, room
        self.rows: list[Any] = []
        self.low, self.high = -1.0 + 0.2 * rng.random(COLUMNS), 1.0 - 0.2 * rng.random(COLUMNS)
        self.inside = self.low + rng.random(COLUMNS) * (self.high - self.low)

    def system(self) -> tuple[csr_matrix, Floats, Floats]:
        return self.matrix(range(ROWS))

    def matrix(self, rows: Sequence[Any]) -> tuple[csr_matrix, Floats, Floats]:
        count = len(rows)
        factors = np.where(self.rng.random((count, COLUMNS)) < 0.6, self.rng.normal(size=(count, COLUMNS)), 0.0)
        factors[:, 0] = 1.0
        value = factors @ self.inside
        kind = np.arange(count) % 4
        low = np.where(kind == 1, -np.inf, np.where(kind == 3, value, value - self.room))
        high = np.where(kind == 0, np.inf, np.where(kind == 3, value, value + self.room))
        return csr_matrix(factors), low, high


def least(engine: LpSolver, cost: Floats) -> float | None:
    """Return the least of the cost by SciPy, None where there is no point."""
    finite_low, finite_high = np.isfinite(engine.row_low), np.isfinite(engine.row_high)
    matrix = engine.matrix.toarray()
    found: Any = linprog(
        cost,
        A_ub=np.vstack([matrix[finite_high], -matrix[finite_low]]),
        b_ub=np.concatenate([engine.row_high[finite_high], -engine.row_low[finite_low]]),
        bounds=list(zip(engine.low, engine.high, strict=True)),
    )
    return float(found.fun) if found.status == 0 else None


@given(seed=st.integers(0, 10_000), room=st.sampled_from([0.0, 0.05, 0.5]))
@settings(max_examples=60, deadline=None)
def test_one_objective_after_another_with_narrower_columns_and_more_rows(seed: int, room: float) -> None:
    rng = np.random.default_rng(seed)
    model: Any = Model(rng, room)
    engine = LpSolver(model)
    for turn in range(6):
        cost = rng.normal(size=COLUMNS) * 10.0 ** rng.integers(-3, 8)
        answer, exact = engine.minimise(cost), least(engine, cost)
        size = float(np.abs(cost).max())
        assert exact is not None
        assert answer.point is not None
        assert exact - CLOSE * size <= answer.bound <= exact + NEAR * size
        assert answer.bound == pytest.approx(engine.safe(cost, engine.multipliers))
        assert float(cost @ answer.point) == pytest.approx(answer.bound, abs=CLOSE * size)
        place = int(rng.integers(COLUMNS))
        engine.limit(place, min(model.inside[place], -0.5), max(model.inside[place], 0.5))
        if turn == 2:
            more: Any = list(range(4))
            engine.add(more)


def proved(engine: LpSolver, cost: Floats, dual: Floats) -> Fraction:
    """Return the bound that multipliers prove, without any rounding (Neumaier and Shcherbina 2004)."""
    exact = [Fraction(float(y)) for y in engine.kept(dual)]
    matrix = engine.matrix.toarray()
    ends = [engine.row_low[k] if y > 0 else engine.row_high[k] for k, y in enumerate(exact)]
    total = sum((y * Fraction(float(end)) for y, end in zip(exact, ends, strict=True) if y), Fraction(0))
    for j, c in enumerate(cost):
        rest = Fraction(float(c)) - sum((Fraction(float(matrix[k, j])) * y for k, y in enumerate(exact)), Fraction(0))
        total += rest * Fraction(float(engine.low[j] if rest > 0 else engine.high[j]))
    return total


@given(seed=st.integers(0, 10_000), size=st.sampled_from([0, 6, 12]), scale=st.sampled_from([-6, 0, 9]))
@settings(max_examples=80, deadline=None)
def test_safe_bounds_hold_without_rounding(seed: int, size: int, scale: int) -> None:
    """Multipliers so large that what they give cancels to a part in 1e12 prove no more than they prove exactly."""
    rng = np.random.default_rng(seed)
    model: Any = Model(rng, 0.05)
    engine = LpSolver(model)
    cost = rng.normal(size=COLUMNS) * 10.0**scale
    dual = rng.normal(size=ROWS) * 10.0**size
    dual[1] = -dual[0]
    for given_ in (dual, np.zeros(ROWS), dual * (rng.random(ROWS) < 0.5)):
        safe, exact = engine.safe(cost, given_), proved(engine, cost, given_)
        assert Fraction(safe) <= exact
        reach = float(np.abs(cost).sum() + np.abs(engine.kept(given_)).sum() * 8.0)
        assert safe >= float(exact) - 1e-12 * reach


class Contradiction:
    """Two columns from -1 to 1 whose sum is at least a half, and at most less than that."""

    low, high = -np.ones(2), np.ones(2)

    def __init__(self, beyond: float) -> None:
        self.most = 0.5 - beyond

    def system(self) -> tuple[csr_matrix, Floats, Floats]:
        return csr_matrix(np.ones((2, 2))), np.array([0.5, -np.inf]), np.array([np.inf, self.most])


@pytest.mark.parametrize("beyond", [1e-4, 0.1, 3.0])
def test_rows_that_contradict_each_other_prove_that_there_is_no_point(beyond: float) -> None:
    model: Any = Contradiction(beyond)
    answer = LpSolver(model).minimise(np.array([1.0, 0.0]))
    assert (answer.bound, answer.point, answer.words) == (np.inf, None, EMPTY)
    model = Contradiction(-beyond)
    answer = LpSolver(model).minimise(np.array([1.0, 0.0]))
    assert answer.point is not None
    assert answer.bound == pytest.approx(-0.5)
