"""Where the curves of a plan are cut: chords below the premium, tiers priced at their upper ends."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dawndusk.models.fleet.learning import premium_after
from dawndusk.optimize.plan.model.pieces import TIER_RATIO, first_pieces, most_units, tiers, widened
from dawndusk.optimize.plan.problem.problem import PlanProblem

from ..conftest import planned
from ..drawn import random_plan


@pytest.fixture(scope="module")
def problem() -> PlanProblem:
    return planned(years=3, designs=3)


def test_chord_below_a_concave_premium(problem: PlanProblem) -> None:
    """Between the cuts the chord is nowhere above the learning premium, and at them it is the premium."""
    economy, pieces = problem.economy, first_pieces(problem.economy)
    cost, before = economy.assumptions.cost, economy.terms.built_before
    for line in economy.lines:
        cuts = pieces.learning[line][0]
        heights = pieces.premiums(economy, line, 0)
        assert np.all(np.diff(cuts) > 0.0)
        assert cuts[0] == 0.0
        assert heights == pytest.approx(premium_after(cost, before, cuts))
        units = np.linspace(0.0, cuts[-1], 2001)
        exact = premium_after(cost, before, units)
        assert np.all(np.interp(units, cuts, heights) <= exact + 1e-9 * (1.0 + exact))


def test_the_error_of_chords_is_the_widest_distance(problem: PlanProblem) -> None:
    economy, pieces = problem.economy, first_pieces(problem.economy)
    cost, before = economy.assumptions.cost, economy.terms.built_before
    line = economy.lines[0]
    cuts = pieces.learning[line][1]
    units = np.unique(np.concatenate([np.linspace(a, b, 20_001) for a, b in itertools.pairwise(cuts)]))
    distance = premium_after(cost, before, units) - np.interp(units, cuts, pieces.premiums(economy, line, 1))
    assert distance.max() <= pieces.error(economy, line, 1) <= 1.03 * distance.max(), "a little on the safe side"
    assert pieces.error(economy, line, -1) == 0.0
    few = {line: (np.zeros(3), np.full(3, cuts[1]))}
    near = dataclasses.replace(pieces, reach=few)
    within = units <= cuts[1]
    assert distance[within].max() <= near.error(economy, line, 1) <= 1.03 * distance[within].max()
    assert near.error(economy, line, 1) <= pieces.error(economy, line, 1)


@pytest.mark.parametrize("seed", range(4))
def test_no_plan_builds_more_than_the_cuts_reach(problem: PlanProblem, seed: int) -> None:
    economy = problem.economy
    plan = random_plan(problem, seed)
    units = economy.figures.hardware_usd / economy.line_usd[economy.line_of]
    for number, line in enumerate(economy.lines):
        built = float((plan.built.sum(axis=(1, 2)) * units)[economy.line_of == number].sum())
        assert built <= most_units(economy, number) * (1.0 + 1e-12), line
        assert first_pieces(economy).learning[line][-1][-1] >= most_units(economy, number) * (1.0 - 1e-12)


@given(st.floats(1.0, 500.0), st.floats(1.0, 20_000.0))
def test_tiers_begin_at_nothing_and_reach_what_can_be_bought(reference: float, most: float) -> None:
    ends = tiers(reference, most)
    assert ends[0] == 0.0
    assert ends[-1] >= np.floor(most)
    assert np.all(np.diff(ends) > 0.0)
    if most > reference:
        inner = ends[ends >= reference]
        assert np.all(inner[1:] <= TIER_RATIO * inner[:-1] + 1.0), "no tier is much wider than it should be"
    else:
        assert len(ends) == 2


def test_without_a_discount_there_is_one_tier() -> None:
    assert tiers(np.inf, 1000.0).tolist() == [0.0, 1000.0]
    assert tiers(np.inf, 0.0).tolist() == [0.0, 1.0]


def test_wider_pieces_keep_their_cuts_and_reach_further(problem: PlanProblem) -> None:
    pieces = first_pieces(problem.economy)
    wide = widened(pieces, 3.0)
    for line, by_year in pieces.learning.items():
        for cuts, further in zip(by_year, wide.learning[line], strict=True):
            assert further[:-1].tolist() == cuts.tolist()
            assert further[-1] == 3.0 * cuts[-1]
    assert wide.volume == pieces.volume
