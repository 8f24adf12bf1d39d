from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dawndusk.optimize.heuristics.dominance import hypervolume, not_dominated, steps

Floats = NDArray[np.float64]


@st.composite
def value_sets(draw: st.DrawFn) -> Floats:
    """Rows of small whole numbers, so that ties and repetitions are common."""
    goals = draw(st.integers(2, 5))
    rows = draw(st.lists(st.lists(st.integers(0, 5), min_size=goals, max_size=goals), min_size=1, max_size=90))
    return np.array(rows, dtype=np.float64)


def dominates(one: Floats, other: Floats) -> bool:
    return bool((one <= other).all() and (one < other).any())


@given(value_sets())
def test_what_is_kept_is_what_nothing_dominates_once(values: Floats) -> None:
    kept = not_dominated(values)
    alone = {tuple(row) for row in values if not any(dominates(other, row) for other in values)}
    assert {tuple(row) for row in values[kept]} == alone
    assert kept.sum() == len(alone)


@given(value_sets())
def test_hypervolume_is_the_volume_of_a_union_of_boxes(values: Floats) -> None:
    """On whole numbers the union can be counted cell by cell."""
    goals, top = values.shape[1], 6
    if goals > 4:
        values, goals = values[:, :4], 4
    cells = np.array(list(itertools.product(range(top), repeat=goals)))
    covered = (values[:, None, :] <= cells[None]).all(axis=2).any(axis=0)
    assert hypervolume(values, np.full(goals, float(top))) == pytest.approx(covered.sum())


@given(value_sets())
def test_a_row_is_kept_unless_another_dominates_it_or_is_the_same_before_it(values: Floats) -> None:
    covers = (values[:, None, :] <= values[None]).all(axis=2)
    same = (values[:, None, :] == values[None]).all(axis=2)
    before = np.triu(same, 1)
    beaten = ((covers & ~same) | before).any(axis=0)
    assert np.array_equal(not_dominated(values), ~beaten)


def test_what_is_beyond_the_reference_counts_for_nothing() -> None:
    assert hypervolume(np.array([[2.0, 0.0], [0.0, 2.0]]), np.array([1.0, 1.0])) == 0.0
    assert hypervolume(np.array([[0.5, 0.5], [0.0, 2.0]]), np.array([1.0, 1.0])) == pytest.approx(0.25)


@given(value_sets())
def test_steps_join_all_rows_at_least_length(values: Floats) -> None:
    """As many edges as a tree has, all rows reached, and no shorter tree: the longest step is the least possible."""
    front = values[not_dominated(values)]
    pairs, lengths = steps(front)
    assert len(pairs) == len(front) - 1
    reached = {0}
    for _ in range(len(pairs)):
        reached |= {int(x) for pair in pairs if reached & set(pair.tolist()) for x in pair}
    assert reached == set(range(len(front))) or len(front) == 0
    for (one, other), length in zip(pairs, lengths, strict=True):
        assert length == np.abs(front[one] - front[other]).max()


def test_in_the_plane_steps_lead_along_the_front() -> None:
    front = np.array([[0.5, 0.5], [0.0, 1.0], [1.0, 0.0], [0.9, 0.1]])
    pairs, lengths = steps(front)
    assert [tuple(pair) for pair in pairs] == [(1, 0), (0, 3), (3, 2)]
    assert lengths == pytest.approx([0.5, 0.4, 0.1])


def test_the_steps_of_a_surface_are_a_shortest_tree() -> None:
    from scipy.sparse.csgraph import minimum_spanning_tree  # noqa: PLC0415
    from scipy.spatial.distance import cdist  # noqa: PLC0415

    values = np.random.default_rng(1).random((80, 3))
    _, lengths = steps(values)
    assert lengths.sum() == pytest.approx(minimum_spanning_tree(cdist(values, values, "chebyshev")).sum())


def test_a_single_row_needs_no_step() -> None:
    pairs, lengths = steps(np.array([[1.0, 2.0]]))
    assert pairs.shape == (0, 2)
    assert len(lengths) == 0


def test_nothing_dominates_nothing() -> None:
    for goals in (2, 3, 5):
        assert not_dominated(np.empty((0, goals))).tolist() == []
