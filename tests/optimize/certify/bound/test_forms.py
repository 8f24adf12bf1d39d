"""Ends of forms: intervals times factors, rounding of sums, whole numbers, and what rounding may do."""

from __future__ import annotations

from fractions import Fraction
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dawndusk.optimize.certify.bound.forms import (
    AT_AN_EDGE,
    PAIRS,
    STEADY,
    AffineForm,
    bounded,
    is_one,
    ordered,
    rounding_slack,
    size_of_terms,
    sum_padding,
    whole_ends,
)
from dawndusk.optimize.certify.functions.curves import TINY
from dawndusk.optimize.certify.graph.operations import Input, Product, Rounding, Sum

Floats: TypeAlias = NDArray[np.float64]

FINITE = st.floats(-1e6, 1e6)
SEED = st.integers(0, 2**32 - 1)
COUNT = 500


def form(low: float, high: float, slopes: Floats | None = None) -> AffineForm:
    """Return a form whose remainder is its range, or with slopes."""
    ends = np.array([low]), np.array([high])
    return AffineForm((), np.zeros((0, 1)) if slopes is None else slopes, *ends, *ends)


def rounding(*, up: bool, log: bool = False, free: bool = False) -> Rounding:
    return Rounding(0, up, log, free=free, at_least_one=False, place=0)


@given(low=FINITE, width=st.floats(0.0, 1e6), factor=FINITE, share=st.floats(0.0, 1.0))
def test_interval_times_a_factor(low: float, width: float, factor: float, share: float) -> None:
    high = low + width
    inside = min(max(low + share * width, low), high)
    for scale in (factor, np.array([factor])):
        least, most = ordered(np.array([low]), np.array([high]), scale)
        assert least[0] <= inside * factor <= most[0]
        assert {least[0], most[0]} == {low * factor, high * factor} or width == 0.0


def test_a_factor_of_one_changes_nothing() -> None:
    low, high = np.array([1.0]), np.array([2.0])
    assert ordered(low, high, 1.0) == (low, high)
    assert is_one(1.0)
    assert not is_one(np.array([1.0]))
    assert not is_one(2.0)


@given(seed=SEED, count=st.integers(2, 10))
def test_rounding_of_a_sum(seed: int, count: int) -> None:
    """Against rational arithmetic, with terms that cancel."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=count) * 10.0 ** rng.integers(0, 12, count)
    values[-1] = -values[:-1].sum()
    factors = rng.normal(size=count)
    computed, exact = 0.0, Fraction(0)
    for value, factor in zip(values, factors, strict=True):
        computed += value * factor
        exact += Fraction(float(value)) * Fraction(float(factor))
    terms = [(form(value, value), np.array([factor])) for value, factor in zip(values, factors, strict=True)]
    assert abs(Fraction(computed) - exact) <= Fraction(float(sum_padding(terms)[0]))


def test_terms_of_which_nothing_is_known_are_not_padded() -> None:
    assert sum_padding([(form(-np.inf, np.inf), 1.0)])[0] == 0.0


@given(seed=SEED)
def test_a_form_has_the_tighter_of_two_ranges(seed: int) -> None:
    rng = np.random.default_rng(seed)
    slopes = rng.normal(size=(2, COUNT))
    below, above, low, high = np.sort(rng.normal(size=(4, COUNT)), axis=0)[[1, 2, 0, 3]]
    found = bounded((0, 1), slopes, below, above, low, high)
    reach = np.abs(slopes).sum(axis=0)
    np.testing.assert_array_equal(found.low, np.maximum(low, below - reach))
    np.testing.assert_array_equal(found.high, np.minimum(high, above + reach))


@given(x=st.floats(1e-3, 1e6), up=st.booleans(), log=st.booleans())
def test_slack_of_a_rounding(x: float, up: bool, log: bool) -> None:
    """How far the whole number is from what is rounded, in logarithms where that is how it is carried."""
    whole = np.ceil(x) if up else np.floor(x)
    if log and whole < 1.0:
        return
    inner = form(np.log(x) - 0.1, np.log(x) + 0.1) if log else form(x - 0.1, x + 0.1)
    low, _ = whole_ends(
        rounding(up=up, log=log), *(np.exp((inner.low, inner.high)) if log else (inner.low, inner.high))
    )
    down, over = rounding_slack(rounding(up=up, log=log), inner, np.maximum(low, 1.0) if log else low)
    moved = np.log(whole) - np.log(x) if log else whole - x
    assert np.ravel(down)[0] <= moved <= np.ravel(over)[0]


@given(seed=SEED, up=st.booleans())
def test_the_least_and_the_greatest_whole_number_of_a_range(seed: int, up: bool) -> None:
    rng = np.random.default_rng(seed)
    low = rng.uniform(-5.0, 500.0, COUNT)
    high = low + rng.choice([0.0, 1e-3, 0.4, 3.0, 40.0], COUNT)
    least, most = whole_ends(rounding(up=up), low, high)
    rounded = np.ceil if up else np.floor
    np.testing.assert_array_equal((least, most), (np.rint(least), np.rint(most)))
    for share in (0.0, 0.5, 1.0):
        whole = rounded(low + share * (high - low))
        assert np.all((whole >= least) & (whole <= most))


@pytest.mark.parametrize("up", [True, False])
def test_a_whole_number_is_known_to_an_edge(up: bool) -> None:
    x = np.array([1000.0])
    near = 0.5 * AT_AN_EDGE * 1000.0
    least, most = whole_ends(rounding(up=up), x - near, x - near)
    assert (least[0], most[0]) == ((1000.0, 1001.0) if up else (999.0, 1000.0))


def test_free_numbers_are_whole_already() -> None:
    """Only those in the range count, or its neighbours where there is none."""
    operation = rounding(up=True, free=True)
    least, most = whole_ends(operation, np.array([1.2, 1.2]), np.array([4.7, 1.4]))
    np.testing.assert_array_equal((least, most), [[2.0, 1.0], [4.0, 2.0]])
    down, over = rounding_slack(operation, form(1.0, 9.0), np.array([1.0]))
    assert down[0] == -9.0 * STEADY
    assert 0.0 < over[0] <= 1e-6


@pytest.mark.parametrize("kind", PAIRS)
def test_pairs_are_the_functions_that_they_say(kind: str) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.uniform(0.1, 3.0, COUNT) + 4.0, rng.uniform(-3.0, 3.0, COUNT)
    expected = {
        "sum": np.log(np.exp(x) + np.exp(y)),
        "difference": np.log(np.exp(x) - np.exp(y)),
        "larger": np.maximum(x, y),
        "smaller": np.minimum(x, y),
    }
    np.testing.assert_allclose(PAIRS[kind](x, y), expected[kind], rtol=1e-12)


def test_a_difference_of_nothing_is_tiny_of_the_greater() -> None:
    for y in (2.0, 5.0):
        assert PAIRS["difference"](np.array([2.0]), np.array([y]))[0] == pytest.approx(2.0 + np.log(TINY))


def test_the_size_of_terms_is_that_of_what_is_read() -> None:
    forms = [form(-3.0, 2.0), form(1.0, 10.0), form(-np.inf, np.inf)]
    assert size_of_terms(Sum(((0, 2.0), (1, -0.5)), 0.0), forms)[0] == 2.0 * 13.0
    assert size_of_terms(Product(0, 1), forms)[0] == 13.0
    assert size_of_terms(Sum(((2, 1.0),), 0.0), forms)[0] == 0.0
    assert size_of_terms(Input(0), forms) == 0.0
