"""Links: Suncatcher's inverse square, clear-sky diversity, and what a workload asks."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.design import Design, DesignBatch
from dawndusk.models.evaluate import evaluate
from dawndusk.models.physics.network import (
    NO_TRAFFIC_GBPS,
    crossing_fraction,
    downlink_capacity_gbps,
    least_terminals,
    needs_gbps,
    served_fraction,
    terminal_rate_gbps,
    work_flop_s,
)

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")  # of the assumptions, on failure
quick = settings(deadline=None, max_examples=60, derandomize=True)


def test_suncatcher_rate_goes_with_the_inverse_square_up_to_the_terminal(assumptions: Assumptions) -> None:
    network = assumptions.network
    at_reference = dataclasses.replace(network, link_spacing_km=network.link_reference_km)
    assert terminal_rate_gbps(at_reference) == pytest.approx(network.link_reference_gbps)
    twice = dataclasses.replace(network, link_spacing_km=2.0 * network.link_reference_km)
    assert terminal_rate_gbps(twice) == pytest.approx(network.link_reference_gbps / 4.0)
    near = dataclasses.replace(network, link_spacing_km=0.01)
    assert terminal_rate_gbps(near) == network.link_max_gbps


def test_site_diversity_is_one_minus_all_cloudy(assumptions: Assumptions) -> None:
    network = dataclasses.replace(assumptions.network, site_availability=0.75, independent_sites=2.0)
    mean = network.downlink_rate_gbps * network.contact_fraction
    assert downlink_capacity_gbps(network) == pytest.approx(mean * (1.0 - 0.25**2))


def test_published_site_diversity_of_eight(assumptions: Assumptions) -> None:
    """Eight intercontinental sites reach 0.99971; independent 0.75 sites would reach a little more."""
    eight = dataclasses.replace(assumptions.network, site_availability=0.75, independent_sites=8.0)
    clear = downlink_capacity_gbps(eight) / (eight.downlink_rate_gbps * eight.contact_fraction)
    assert clear == pytest.approx(0.99971, abs=4e-4)


def test_a_job_that_fits_needs_no_link() -> None:
    crossing = crossing_fraction(np.array([4.0, 8.0, 64.0]), 8.0)
    assert crossing == pytest.approx(np.array([0.5, 0.0, 0.0]))
    assert least_terminals(crossing) == pytest.approx(np.array([2.0, 0.0, 0.0]))


def test_traffic_of_a_satellite_in_bits(assumptions: Assumptions) -> None:
    training = assumptions.workloads["training"]
    work = work_flop_s(64.0, 2250.0, training)
    assert work == pytest.approx(64.0 * 2250e12 * training.sustained_fraction)
    assert float(needs_gbps(work, 1e-4)) == pytest.approx(work * 1e-4 / 1e9)


@quick
@given(capacity=st.floats(0.0, 1e6), need=st.floats(1e-9, 1e6))
def test_links_serve_a_share_at_most_one(capacity: float, need: float) -> None:
    share = float(served_fraction(capacity, need))
    assert 0.0 <= share <= 1.0
    assert share * need <= capacity * (1.0 + 1e-12) + NO_TRAFFIC_GBPS
    assert served_fraction(capacity * 1.1, need) >= share


def test_links_limit_the_whole_model(assumptions: Assumptions, design: Design) -> None:
    """With intense traffic the delivered compute is what the terminals carry; more terminals carry more."""
    intense = dataclasses.replace(assumptions.workloads["training"], isl_bits_per_flop=4e-3)
    busy = assumptions.replace(workloads={**assumptions.workloads, "training": intense})
    batch = DesignBatch.of([design.replace(optical_terminals=n) for n in (2, 4, 8)])
    o = evaluate(batch, busy).outcome
    expected = np.minimum(o["isl_capacity_gbps"] / o["isl_need_gbps"], 1.0)
    assert o["network_fraction"] == pytest.approx(expected)
    assert o["network_fraction"][0] < o["network_fraction"][1] <= o["network_fraction"][2]
    assert o["delivered_pflops"][0] < o["delivered_pflops"][1]


def test_a_job_that_fits_runs_without_terminals(assumptions: Assumptions, design: Design) -> None:
    inference = assumptions.replace(workload="text_inference")
    batch = DesignBatch.of([design.replace(optical_terminals=n) for n in (0, 2)])
    o = evaluate(batch, inference).outcome
    assert (o["least_terminals"] == 0.0).all()
    assert o["network_fraction"][0] == o["network_fraction"][1]
