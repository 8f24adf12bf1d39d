"""Where the curves of a plan are cut inside of known ranges, and the lines that a volume discount lies above there.

A chord of the learning premium errs by what the premium rises above it; cuts follow one another as far apart as what is
allowed. What launches cost is a product, listed price times the factor at their number: inside a tier it lies above two
families of planes (McCormick, Mathematical Programming 1976), which meet it where the tier is narrow.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.assumptions import Launch
from dawndusk.models.fleet.economy import Economy
from dawndusk.models.fleet.launching import volume_factor
from dawndusk.models.fleet.learning import chord_error, ends_at
from dawndusk.optimize.plan.model.frame import Frame
from dawndusk.optimize.plan.model.pieces import Price

Floats = NDArray[np.float64]

MOST_PIECES = 60
"""Pieces of a curve in a year at most: what is asked for finer than that is the solver's tolerance."""
HALVINGS = 24
LEAST_WIDTH = 1e-9
TIER_RATIO = 1.5
"""Upper over lower end of a tier at most."""
TANGENTS = 3
STEP = 1e-6


def learning_weights(frame: Frame) -> Floats:
    """Return USD of the objective per reference satellite that chords leave out by the end of a year, shape (L, Y).

    What is settled in a year counts from there on; beside that, the factory is as large as the busiest year, and any
    year may be that one.
    """
    economy, c = frame.economy, frame.coefficients
    later = np.pad(c.learning[:, 1:], ((0, 0), (0, 1)))
    factory = economy.assumptions.cost.factory_usd_per_usd_year * np.outer(economy.line_usd, c.ready)
    return np.asarray(c.learning - later + factory)


def cuts_of(economy: Economy, low: float, high: float, most_error: float) -> Floats:
    """Return cuts of a learning curve from 0 by ``low`` to ``high`` whose chords err by no more in between.

    Where learning ends, the premium has a kink upward, at which there has to be a cut. There are no more cuts than
    ``MOST_PIECES`` on either side of it, the last of which may err by more.
    """
    end = max(ends_at(economy.assumptions.cost) - economy.terms.built_before, 0.0)
    high = max(high, low + LEAST_WIDTH, LEAST_WIDTH)
    marks = [low, *([end] if low < end < high else []), high]
    found = [0.0] if low > 0.0 else []
    for begin, last in itertools.pairwise(marks):
        found += _chords(economy, begin, last, most_error)
    return np.array([*found, high])


def _chords(economy: Economy, begin: float, last: float, most_error: float) -> list[float]:
    """Return where chords begin between two quantities, each as long as its error allows."""
    cost, before = economy.assumptions.cost, economy.terms.built_before

    def error(to: float) -> float:
        return chord_error(cost, before, np.array([begin, to]), begin, to)

    found = [begin]
    while len(found) < MOST_PIECES and np.isfinite(most_error) and error(last) > most_error:
        short, long = begin, last
        for _ in range(HALVINGS):
            middle = (short + long) / 2.0
            short, long = (middle, long) if error(middle) <= most_error else (short, middle)
        if short <= begin:
            break
        begin = short
        found.append(begin)
    return found


def tiers_of(
    economy: Economy, bought: Mapping[str, tuple[float, float]], listed: Mapping[str, tuple[float, float]]
) -> tuple[dict[str, Floats], dict[str, tuple[tuple[Price, ...], ...]]]:
    """Return the tiers of each vehicle inside of ranges, and lines that what is paid lies above in each of them."""
    launch = economy.assumptions.launch
    volume: dict[str, Floats] = {}
    prices: dict[str, tuple[tuple[Price, ...], ...]] = {}
    for name, (least, most) in bought.items():
        low = max(float(np.floor(least + STEP)), 0.0)
        ends = _tier_ends(launch, low, max(float(np.ceil(most - STEP)), low + 1.0))
        volume[name] = ends
        prices[name] = tuple(_planes(launch, float(a), float(b), listed[name]) for a, b in itertools.pairwise(ends))
    return volume, prices


def _tier_ends(launch: Launch, low: float, high: float) -> Floats:
    reference = launch.volume_reference_launches
    if not launch.volume_discount_per_doubling or high <= reference:
        return np.array([low, high])
    begin = max(low, reference)
    count = max(int(np.ceil(np.log(high / begin) / np.log(TIER_RATIO))), 1)
    inner = np.geomspace(begin, high, count + 1)
    return np.unique([low, *inner[:-1], high])


def _planes(launch: Launch, low: float, high: float, listed: tuple[float, float]) -> tuple[Price, ...]:
    """Return lines below listed price times volume factor for launches and listed prices in ranges."""
    at = np.array([low, high])
    first, last = (float(factor) for factor in volume_factor(launch, at))
    found = [Price(last, 0.0, 0.0)]
    if first <= last:
        return tuple(found)
    least, most = listed
    for number in np.linspace(max(low, STEP * high), high, TANGENTS):
        there, beyond = volume_factor(launch, np.array([number, number * (1.0 + STEP)]))
        slope = float((beyond - there) / (number * STEP))
        start = float(there - slope * number)
        if least > 0.0:
            found.append(Price(last, least * slope, least * (start - last)))
        if np.isfinite(most):
            found.append(Price(first, most * slope, most * (start - first)))
    return tuple(found)
