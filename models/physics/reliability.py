"""Failures, interruptions, and what is left in service over the life.

Sources: Young, Communications of the ACM 1974, and Daly, FGCS 2006 (checkpoint interval); Arrhenius law for
junction-driven failures; Gauss-Legendre quadrature for the life integrals.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dawndusk.models.array import Array, bounded_whole, monotone
from dawndusk.models.assumptions import Reliability
from dawndusk.models.constants import BOLTZMANN_EV_K, SECONDS_PER_YEAR

POINTS = 8
LEAST_SERVICE = 1e-9
_ROOTS, _WEIGHTS = np.polynomial.legendre.leggauss(POINTS)
NODES = tuple((0.5 * (1.0 + _ROOTS)).tolist())
WEIGHTS = tuple((0.5 * _WEIGHTS).tolist())


def heat_acceleration(reliability: Reliability, junction_k: Array) -> Array:
    """Return the failure rate at ``junction_k`` over that at the reference junction temperature.

    ``1 - s + s exp(Ea/k (1/Tr - 1/T))``: a share s of the failures follows the Arrhenius law, the rest does not
    depend on temperature. ``junction_k`` in K. Source: JEDEC JEP122 (Arrhenius law).
    """
    scale = reliability.activation_energy_ev / BOLTZMANN_EV_K
    hot = np.exp(scale / reliability.reference_junction_k - scale / junction_k)
    return hot * reliability.thermal_share + (1.0 - reliability.thermal_share)


def checkpoint_efficiency(interruptions_per_year: Array, checkpoint_s: Array, restart_s: Array) -> Array:
    """Return the useful share of time of a job that is interrupted at random and checkpoints at the best interval.

    With M the mean time between interruptions of the whole job, the best interval is ``sqrt(2 delta M)`` and
    useful time is ``1 / (1 + sqrt(2 delta / M) + R / M)``. Source: Young 1974; Daly 2006.
    """
    rate = interruptions_per_year * (1.0 / SECONDS_PER_YEAR)
    return 1.0 / (1.0 + np.sqrt(2.0 * checkpoint_s * rate) + restart_s * rate)


def eclipse_availability(
    sunlit_fraction: Array, eclipses_per_year: Array, eclipse_ride_through: Array, restart_s: Array
) -> Array:
    """Return the share of time that compute runs when part of it is shed in eclipse and restarted after it."""
    lost = 1.0 - sunlit_fraction + eclipses_per_year * (restart_s / SECONDS_PER_YEAR)
    return 1.0 - (1.0 - eclipse_ride_through) * np.minimum(lost, 1.0)


@dataclass(frozen=True)
class Service:
    """Capacity in service over a life: its plain mean, and its sum in years discounted to the start of service."""

    mean_fraction: Array
    discounted_years: Array


def in_service(
    *,
    spare_factor: Array,
    failures: Array,
    wear: Array,
    array_oversize: Array,
    array_loss: Array,
    satellite_loss: Array,
    discount: Array,
    life_years: Array,
    wear_exponent: Array,
) -> Service:
    """Return the mean and the discounted capacity in service over a life.

    ``failures``, ``array_loss``, ``satellite_loss`` and ``discount`` are rates times life; ``wear`` is the
    cumulative hazard at its end. At share x of the life a satellite serves
    ``min(1, spare_factor exp(-failures x - wear x^m), array_oversize exp(-array_loss x))`` of what it started with,
    and ``exp(-satellite_loss x)`` of the satellites are left: array and accelerators age together, and whichever
    is shorter rules. Gauss-Legendre quadrature with eight points; the kinks where one law takes over from another
    cost up to one percent of the capacity, 0.1 % on average (tested against adaptive quadrature). Worked in logarithms,
    where the shorter of two decays is a minimum of straight lines.
    """
    ageing = np.log(spare_factor), failures, wear, np.log(array_oversize), array_loss
    mean = share_served(*ageing, satellite_loss, wear_exponent)
    discounted = share_served(*ageing, satellite_loss + discount, wear_exponent)
    return Service(mean, discounted * life_years)


@bounded_whole
@monotone(log_spare="+", failures="-", wear="-", log_oversize="+", array_loss="-", lost="-")
def share_served(
    log_spare: Array,
    failures: Array,
    wear: Array,
    log_oversize: Array,
    array_loss: Array,
    lost: Array,
    wear_exponent: Array,
) -> Array:
    """Return the mean over a life of what a satellite serves, times ``exp(-lost x)`` at share x of the life.

    The integral of ``in_service``, with the logarithms of spares and oversize.
    """
    parts = []
    for x, weight in zip(NODES, WEIGHTS, strict=True):
        alive = log_spare + failures * -x + wear * -np.power(x, wear_exponent)
        power = log_oversize + array_loss * -x
        serving = np.minimum(np.minimum(alive, power), 0.0)
        parts.append(np.exp(serving + lost * -x) * weight)
    return np.maximum(_total(parts), LEAST_SERVICE)


def _total(parts: list[Array]) -> Array:
    """Return the sum of parts, neighbours first: sums of what is alike are bounded more closely over a range."""
    while len(parts) > 1:
        parts = [one + other for one, other in zip(parts[::2], parts[1::2], strict=True)]
    return parts[0]
