"""Whole numbers: one convention for what lies at the edge between two of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dawndusk.models.programme.launch import launches, satellites_per_launch
from dawndusk.models.rounding import WHOLE_TOLERANCE, rounded_down, rounded_up

WHOLE = st.integers(1, 100_000)
MISSED = st.sampled_from([0.0, 1e-15, -1e-15, 1e-12, -1e-12, 0.9e-9, -0.9e-9])


@given(whole=WHOLE, missed=MISSED)
def test_what_misses_a_whole_number_by_rounding_is_that_number(whole: int, missed: float) -> None:
    x = np.array([whole * (1.0 + missed)])
    assert rounded_down(x)[0] == rounded_up(x)[0] == whole


@given(whole=st.integers(1, 1000), share=st.floats(2e-9, 1.0 - 2e-6))
def test_what_lies_between_two_is_rounded_to_its_side(whole: int, share: float) -> None:
    x = np.array([whole * (1.0 + 2.0 * WHOLE_TOLERANCE) + share * (1.0 - 1e-5)])
    assert rounded_down(x)[0] == whole
    assert rounded_up(x)[0] == whole + 1


@pytest.mark.parametrize("count", [1, 2, 3, 7, 11, 49, 60])
def test_a_payload_of_whole_satellites_carries_them(count: int) -> None:
    """Forty-nine satellites of a forty-ninth of the payload each fit, though 1 / (1 / 49) is below 49."""
    mass = np.array([1.0 / count])
    room = np.array([1e6])
    assert satellites_per_launch(np.array([1.0]), mass, room, np.array([1.0]))[0] == count
    assert launches(np.array([3.0 * count]), np.array([float(count)]), 1.0)[0] == 3.0


@pytest.mark.parametrize("success", [1.0, 0.97, 0.5])
def test_a_fleet_that_its_launches_bring_needs_no_launch_more(success: float) -> None:
    """The satellites that N launches bring in expectation need N launches, however the product was rounded."""
    number = np.arange(1.0, 200.0)
    fleet = number * 6.0 * success
    np.testing.assert_array_equal(launches(fleet, np.array([6.0]), success), number)
