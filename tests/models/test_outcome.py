"""How outcomes follow the size of the fleet: what is declared beside each is what the model does."""

from __future__ import annotations

import itertools

import pytest

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.design import Design, DesignBatch
from dawndusk.models.evaluate import evaluate
from dawndusk.models.outcome import OUTCOMES, Outcome

SIZES = (1, 3, 10, 30, 100, 300, 1000)
"""Fleets that are complete within a few years, so that no price or rate changes meanwhile."""
ROUNDING = 1e-12
HARDLY = 3.0
"""Ten times the fleet changes what is intensive by less than this factor, through discounts and the size of a job..."""
BREAKEVEN = "breakeven_launch_usd_per_kg"
"""...apart from this difference of two larger numbers."""


@pytest.fixture(scope="module")
def outcome(assumptions: Assumptions, design: Design) -> Outcome:
    return evaluate(DesignBatch.of([design.replace(satellites=size) for size in SIZES]), assumptions).outcome


@pytest.mark.parametrize("name", [name for name, field in OUTCOMES.items() if field.fleet_sign])
def test_an_extensive_outcome_follows_the_fleet(outcome: Outcome, name: str) -> None:
    values, sign = outcome[name], OUTCOMES[name].fleet_sign
    for before, after in itertools.pairwise(values):
        assert sign * (after - before) >= -ROUNDING * abs(before)


@pytest.mark.parametrize("name", [name for name, field in OUTCOMES.items() if field.asks_for_compute])
def test_what_asks_for_compute_asks_for_satellites(outcome: Outcome, name: str) -> None:
    """A fleet a thousand times as large changes it by more than a hundred times."""
    assert (outcome[name][-1] / outcome[name][0]) ** OUTCOMES[name].fleet_sign > 100


@pytest.mark.parametrize(
    "name", [name for name, field in OUTCOMES.items() if field.extent == "intensive" and name != BREAKEVEN]
)
def test_an_intensive_outcome_hardly_follows_a_large_fleet(outcome: Outcome, name: str) -> None:
    smaller, larger = outcome[name][SIZES.index(100)], outcome[name][SIZES.index(1000)]
    assert larger == pytest.approx(smaller, rel=ROUNDING) or 1.0 / HARDLY < larger / smaller < HARDLY


def test_what_depends_on_the_price_is_known_by_it() -> None:
    assert [name for name, field in OUTCOMES.items() if field.extent == "sale"] == ["revenue_usd", "value_usd"]
