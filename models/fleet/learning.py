"""Learning over a plan: what the hardware of everything built so far has cost above its final price.

A line of satellites shares its experience. Experience is counted in reference satellites: hardware at the reference
quantity over the mean of that of the line's designs. ``cost.learning_factor`` gives the mean cost of all that was
built; of that the floor is paid with each satellite, and the rest, the premium, is settled year by year.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.assumptions import Cost
from dawndusk.models.programme.cost import learning_factor

Floats = NDArray[np.float64]

LEAST_BUILT = 1e-9


def premium(cost: Cost, built: Floats) -> Floats:
    """Return the cost of ``built`` reference satellites above their floor, in reference satellites.

    ``u (factor(u) - floor)``: rises from zero, falls back to zero where the factor meets its floor.
    """
    some = np.maximum(built, LEAST_BUILT)
    above = np.asarray(learning_factor(cost, some)) - cost.learning_floor
    return np.asarray(np.where(built > 0.0, some * above, 0.0))


def premium_after(cost: Cost, before: float, built: Floats) -> Floats:
    """Return the premium of ``built`` reference satellites that follow ``before`` others."""
    earlier = premium(cost, np.array([before]))[0]
    return np.asarray(premium(cost, before + built) - earlier)


def ends_at(cost: Cost) -> float:
    """Return the quantity at which the factor meets its floor; infinite where it never does."""
    if cost.learning_floor <= 0.0 or cost.learning_rate >= 1.0:
        return math.inf if cost.learning_floor < 1.0 else cost.learning_reference_quantity
    exponent = math.log2(cost.learning_rate)
    return float(cost.learning_reference_quantity * cost.learning_floor ** (1.0 / exponent))


def chord_points(cost: Cost, before: float, most: float, pieces: int) -> Floats:
    """Return quantities from 0 to ``most`` between which chords lie below the premium.

    In equal ratios of the experience from a hundredth of the range; the end of learning is among them, because there
    the premium has a kink upward.
    """
    if most <= 0.0:
        return np.array([0.0, 1.0])
    last = min(most, max(ends_at(cost) - before, 0.0))
    if last <= 0.0 or cost.learning_rate >= 1.0:
        return np.array([0.0, most])
    inner = np.geomspace(before + last * FIRST_SHARE, before + last, pieces) - before
    return np.unique(np.concatenate([[0.0], inner[inner > 0.0], [last, most]]))


FIRST_SHARE = 0.01


INSIDE = 33
SAFETY = 1.02
"""Points looked at inside of a chord, and what the largest distance found is multiplied by: between two points it is
at most a thousandth larger."""


def chord_error(cost: Cost, before: float, points: Floats, low: float, high: float) -> float:
    """Return by how much the premium exceeds its chords at most between two quantities, in reference satellites."""
    pieces = [(a, b) for a, b in itertools.pairwise(points) if b >= low and a <= high]
    inside = np.concatenate([np.linspace(a, b, INSIDE) for a, b in pieces])
    inside = np.append(inside[(inside >= low) & (inside <= high)], [low, high])
    chord = np.interp(inside, points, premium_after(cost, before, points))
    return SAFETY * float(np.max(premium_after(cost, before, inside) - chord, initial=0.0))
