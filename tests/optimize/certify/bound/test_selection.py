"""Some of the boxes of a forward pass: picked out when asked for, and never worked out anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from dawndusk.optimize.certify.bound.backward import plane
from dawndusk.optimize.certify.bound.selection import SelectedBounds, picked

Floats: TypeAlias = NDArray[np.float64]

COUNT = 60
CHOSEN = np.array([0, 3, 17, 59])


@dataclass(frozen=True)
class Pair:
    """A value with an array of each box and one that is the same for all."""

    one: Floats
    other: float


@pytest.fixture
def passed(random_sketch: Callable[..., Any], boxes_within: Callable[..., Any]) -> tuple[Any, Any]:
    """A graph at random and its forward pass over some boxes."""
    rng = np.random.default_rng(11)
    sketch = random_sketch(rng)
    low, high, _ = boxes_within(rng, COUNT)
    return sketch, sketch.forward(low, high, rng.integers(2, size=COUNT))


def test_forms_are_those_of_the_whole(passed: tuple[Any, Any]) -> None:
    _, whole = passed
    part = SelectedBounds(whole, CHOSEN)
    assert part.count == len(CHOSEN)
    for node, form in enumerate(whole.forms):
        some = part.forms[node]
        assert some.axes == form.axes
        for name in ("slopes", "below", "above", "low", "high"):
            known = getattr(form, name)
            np.testing.assert_array_equal(getattr(some, name), known[..., CHOSEN])


def test_a_form_is_picked_out_once(passed: tuple[Any, Any]) -> None:
    _, whole = passed
    part = SelectedBounds(whole, CHOSEN)
    assert part.forms[4] is part.forms[4]
    assert part.forms[4].low is part.forms[4].low


def test_a_plane_of_some_boxes_is_that_of_the_whole(passed: tuple[Any, Any]) -> None:
    sketch, whole = passed
    last = len(sketch.operations) - 1
    with np.errstate(all="ignore"):
        slopes, below = plane(sketch.operations, whole, {last: np.ones(COUNT)})
        some = plane(sketch.operations, SelectedBounds(whole, CHOSEN), {last: np.ones(len(CHOSEN))})
    np.testing.assert_array_equal(some[0], slopes[:, CHOSEN])
    np.testing.assert_array_equal(some[1], below[CHOSEN])


def test_a_selection_of_a_selection(passed: tuple[Any, Any]) -> None:
    _, whole = passed
    part = SelectedBounds(SelectedBounds(whole, CHOSEN), np.array([1, 3]))
    np.testing.assert_array_equal(part.forms[5].high, whole.forms[5].high[[3, 59]])
    np.testing.assert_array_equal(part.combination, whole.combination[[3, 59]])


def test_values_are_picked_by_their_last_axis() -> None:
    values = np.arange(2.0 * COUNT).reshape(2, COUNT)
    np.testing.assert_array_equal(picked(values, CHOSEN, COUNT), values[:, CHOSEN])
    one, other = picked((values[0], 3.0), CHOSEN, COUNT)
    np.testing.assert_array_equal(one, values[0, CHOSEN])
    assert other == 3.0
    found = picked(Pair(values[1], 5.0), CHOSEN, COUNT)
    np.testing.assert_array_equal(found.one, values[1, CHOSEN])
    assert found.other == 5.0


@pytest.mark.parametrize("value", [np.array(4.0), np.ones(7), 2.0, None, True])
def test_what_is_the_same_for_all_boxes_is_left(value: Any) -> None:
    assert picked(value, CHOSEN, COUNT) is value
