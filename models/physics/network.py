"""Optical links: what the terminals can carry against what the workload needs."""

from __future__ import annotations

import numpy as np

from dawndusk.models.array import Array
from dawndusk.models.assumptions import Network, Workload
from dawndusk.models.constants import FLOP_S_PER_TFLOPS

GIGA = 1e9
NEIGHBOURS = 2.0
NO_TRAFFIC_GBPS = 1e-9


def terminal_rate_gbps(network: Network) -> Array:
    """Return the rate of one inter-satellite terminal in Gbit/s: inverse square of the spacing, up to its ceiling.

    Source: Project Suncatcher, arXiv:2511.19468 (received power, and with it parallel channels, go as 1/d^2).
    """
    nearer = network.link_reference_km / network.link_spacing_km
    return np.minimum(network.link_max_gbps, network.link_reference_gbps * (nearer * nearer))


def downlink_capacity_gbps(network: Network) -> Array:
    """Return the mean rate of one satellite to the ground in Gbit/s: contact time and at least one clear site.

    ``R f (1 - (1 - p)^n)`` for n sites that are clear with probability p, each without regard to the others.
    """
    clear = 1.0 - np.power(1.0 - network.site_availability, network.independent_sites)
    return network.downlink_rate_gbps * network.contact_fraction * clear


def crossing_fraction(accelerators_per_satellite: Array, job_accelerators: Array) -> Array:
    """Return the share of a job's traffic that leaves the satellite: ``1 - n / J``, zero when the job fits."""
    return np.maximum(1.0 - accelerators_per_satellite / job_accelerators, 0.0)


def least_terminals(crossing: Array) -> Array:
    """Return the terminals that a satellite needs to pass a job on: two when any traffic leaves it, else none."""
    return np.sign(crossing) * NEIGHBOURS


def needs_gbps(work_flop_s: Array, bits_per_flop: Array) -> Array:
    """Return the traffic in Gbit/s of ``work_flop_s`` at an intensity in bit/FLOP."""
    return work_flop_s * (bits_per_flop / GIGA)


def served_fraction(capacity_gbps: Array, need_gbps: Array) -> Array:
    """Return the share of work that a link lets through, at most one; one where nothing needs it."""
    return np.minimum((capacity_gbps + NO_TRAFFIC_GBPS) / (need_gbps + NO_TRAFFIC_GBPS), 1.0)


def work_flop_s(accelerators: Array, bf16_dense_tflops: Array, workload: Workload) -> Array:
    """Return the work of a satellite in FLOP/s at the sustained fraction of the workload."""
    return accelerators * bf16_dense_tflops * (workload.sustained_fraction * FLOP_S_PER_TFLOPS)
