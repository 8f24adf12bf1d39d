from __future__ import annotations

import math

import pytest

import dawndusk as dd
from dawndusk.studies.run.design.ground import PARTS, GroundResult, ground_options


@pytest.fixture(scope="module")
def result() -> GroundResult:
    return ground_options(dd.load("ground-only"))


def test_there_is_an_option_for_every_accelerator_cheapest_first(result: GroundResult) -> None:
    entry = result.study.space["accelerator"]
    assert sorted(option.accelerator for option in result.options) == sorted(getattr(entry, "names", ()))
    costs = [option.lcoc_usd_per_pflop_hour for option in result.options]
    assert costs == sorted(costs)
    assert result.best is result.options[0]


def test_an_option_is_the_smallest_that_meets_the_demand(result: GroundResult) -> None:
    for option in result.options:
        power_w = result.study.assumptions.accelerators[option.accelerator].it_power_w
        assert option.accelerators == math.ceil(200e6 / power_w)
        assert option.it_power_mw == pytest.approx(option.accelerators * power_w * 1e-6)


def test_every_unit_of_cost_is_the_same_cost(result: GroundResult) -> None:
    for option in result.options:
        row = result.study.assumptions.accelerators[option.accelerator]
        hours = 24 * 365.25
        per_year = option.cost_usd_per_accelerator_hour * hours
        assert option.cost_usd_per_kw_year == pytest.approx(per_year / (row.it_power_w * 1e-3), rel=1e-3)
        assert option.capex_usd_per_w == pytest.approx(option.capex_usd / (option.it_power_mw * 1e6))


def test_it_is_the_ground_that_orbit_is_compared_with(result: GroundResult) -> None:
    """Fleets differ by part of a satellite, which moves the checkpointing of a job by a little."""
    orbit = dd.evaluate("orbit-200mw", accelerator="tpu_v7")
    option = next(option for option in result.options if option.accelerator == "tpu_v7")
    assert orbit.outcome["ground_lcoc_usd_per_pflop_hour"] == pytest.approx(option.lcoc_usd_per_pflop_hour, rel=2e-3)


def test_parts_are_all_there_and_in_the_table(result: GroundResult) -> None:
    frame = result.to_frame()
    assert list(result.best.parts_usd) == list(PARTS)
    assert all(frame[f"{part}_usd"][0] == result.best.parts_usd[part] > 0 for part in PARTS)
    assert result.to_dict()["options"][0] == result.best.to_dict()


def test_a_ground_study_needs_its_power() -> None:
    with pytest.raises(dd.DawnduskError, match=r"demand\.it_power_mw: missing"):
        ground_options(dd.load("ground-only", ["demand={delivered_pflops: 1e5}"]))
