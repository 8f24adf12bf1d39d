"""Differences between results: parts that add up, whatever the order, and the published values of small games."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dawndusk as dd
from dawndusk.models.errors import DawnduskError
from dawndusk.studies.lineage.attribution import ComparedCase, attribute, changed, sampled, shapley
from dawndusk.studies.lineage.swings import outcome_of
from dawndusk.studies.run.folder.reading import read_run

LCOC = "lcoc_usd_per_pflop_hour"


def case(study: dd.Study, **variables: Any) -> ComparedCase:
    design = study.evaluate(**variables).design
    return ComparedCase(study, design, outcome_of(design, study.assumptions))


def test_shapley_1953_three_player_majority() -> None:
    """Two of three decide: by symmetry each is worth a third."""
    parts, _ = shapley(3, lambda s: float(len(s) >= 2))
    assert parts == pytest.approx([1 / 3, 1 / 3, 1 / 3])


def test_shapley_glove_game() -> None:
    """One left glove and two right ones: 2/3 to the left, 1/6 to each right (Shapley and Shubik)."""
    parts, _ = shapley(3, lambda s: float(0 in s and bool(s & {1, 2})))
    assert parts == pytest.approx([2 / 3, 1 / 6, 1 / 6])


@given(st.lists(st.floats(-10, 10), min_size=8, max_size=8))
def test_parts_of_any_game_add_up(values: list[float]) -> None:
    def value(coalition: frozenset[int]) -> float:
        return values[sum(1 << player for player in coalition)]

    for parts in (shapley(3, value)[0], sampled(3, value)[0]):
        assert parts.sum() == pytest.approx(values[7] - values[0], abs=1e-9)


def test_sampled_parts_of_an_additive_game_are_exact() -> None:
    worth = np.arange(12.0)
    parts, error = sampled(12, lambda s: float(sum(worth[list(s)])))
    assert parts == pytest.approx(worth)
    assert error == pytest.approx(np.zeros(12), abs=1e-12)


def test_one_changed_belief_explains_everything(small_study: Callable[..., dd.Study]) -> None:
    one = case(small_study())
    two = ComparedCase(small_study("assumptions.launch.programme_share=0.9"), one.design, {})
    found = attribute(LCOC, one, two)
    assert [part.name for part in found.parts] == ["launch.programme_share"]
    assert found.parts[0].part == pytest.approx(found.difference)
    assert found.difference != 0.0


def test_parts_add_up_and_turn_round(small_study: Callable[..., dd.Study]) -> None:
    one = case(small_study())
    dearer = small_study("assumptions.vehicles.starship_v3.price_usd=60e6", "assumptions.scenario.discount_rate=0.1")
    two = case(dearer, altitude_km=700.0, radiator_area_m2=500.0)
    there, back = attribute(LCOC, one, two), attribute(LCOC, two, one)
    assert there.exact
    assert {part.name for part in there.parts} == {
        "vehicles.starship_v3.price_usd",
        "scenario.discount_rate",
        "altitude_km",
        "radiator_area_m2",
    }
    assert sum(part.part for part in there.parts) == pytest.approx(there.difference, rel=1e-12)
    backwards = {part.name: -part.part for part in back.parts}
    assert {part.name: part.part for part in there.parts} == pytest.approx(backwards)


def test_many_changes_are_sampled_and_still_add_up(small_study: Callable[..., dd.Study]) -> None:
    one = case(small_study())
    keys = ("power.pmad_efficiency", "thermal.loop_rise_k", "cost.learning_rate", "launch.mass_fill")
    more = ("platform.fixed_mass_kg", "platform.structure_fraction", "cost.nre_usd", "radiation.design_margin")
    overrides = [f"assumptions.{key}={one.study.assumptions.provenance[key].low}" for key in (*keys, *more)]
    two = case(small_study(*overrides), altitude_km=700.0, radiator_area_m2=500.0)
    found = attribute(LCOC, one, two)
    assert not found.exact
    assert sum(part.part for part in found.parts) == pytest.approx(found.difference, rel=1e-9)
    assert found == attribute(LCOC, one, two)


def test_the_same_twice_has_no_parts(small_study: Callable[..., dd.Study]) -> None:
    one = case(small_study())
    found = attribute(LCOC, one, one)
    assert found.parts == () and found.difference == 0.0


def test_figures_of_another_model_are_a_part_of_their_own(small_study: Callable[..., dd.Study]) -> None:
    one = case(small_study())
    old = ComparedCase(one.study, one.design, {**one.recorded, LCOC: one.recorded[LCOC] + 1.0})
    found = attribute(LCOC, old, one)
    assert [part.kind for part in found.parts] == ["model"]
    assert found.parts[0].part == pytest.approx(-1.0)
    assert found.difference == pytest.approx(-1.0)


def test_satellites_that_follow_the_demand_are_no_cause(small_study: Callable[..., dd.Study]) -> None:
    one, two = case(small_study()), case(small_study("demand.it_power_mw=400"))
    assert one.design.satellites != two.design.satellites
    assert [name for _, name, _, _ in changed(one, two)] == ["demand.it_power_mw"]


def test_another_workload_is_one_change(small_study: Callable[..., dd.Study]) -> None:
    one, two = case(small_study()), case(small_study("workload=text_inference"))
    assert [(kind, name) for kind, name, _, _ in changed(one, two)] == [("assumption", "workload")]
    found = attribute(LCOC, one, two)
    assert found.parts[0].part == pytest.approx(found.difference)


def test_what_acts_through_the_design_alone_is_named(small_study: Callable[..., dd.Study]) -> None:
    one = case(small_study())
    two = ComparedCase(small_study("subject_to=[capex_usd <= 1e12]", "design.altitude_km={high: 900}"), one.design, {})
    assert attribute(LCOC, one, two).through_design == ("subject_to", "design.altitude_km")


def test_an_unknown_figure_offers_the_nearest(small_study: Callable[..., dd.Study]) -> None:
    one = case(small_study())
    with pytest.raises(DawnduskError, match="did you mean 'capex_usd'"):
        attribute("capex_us", one, one)


def test_runs_differ_by_what_was_changed_in_them(run_folder: Path, dearer_folder: Path) -> None:
    cases = [ComparedCase(c.study, c.design, c.outcome) for c in map(read_run, (run_folder, dearer_folder))]
    found = attribute(LCOC, *cases)
    assert found.before == cases[0].recorded[LCOC] and found.after == cases[1].recorded[LCOC]
    beliefs = {part.name: part.part for part in found.parts if part.kind == "assumption"}
    assert set(beliefs) == {"vehicles.starship_v3.price_usd", "scenario.discount_rate"}
    assert beliefs["vehicles.starship_v3.price_usd"] > 0.0 > beliefs["scenario.discount_rate"]
    assert sum(part.part for part in found.parts) == pytest.approx(found.difference, rel=1e-9)
