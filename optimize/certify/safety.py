"""What a proof is worth after rounding."""

from __future__ import annotations

import math

SAFETY = 1e-10
"""What is taken off a proved score, per unit of it and at least of one: no rounding on the way to it is as large."""


def safe(proved: float) -> float:
    """Return a score that no feasible design is below, given one proved up to rounding; infinite ones as they are."""
    return proved - SAFETY * (1.0 + abs(proved)) if math.isfinite(proved) else proved


def unsafe(wanted: float) -> float:
    """Return the score that has to be proved up to rounding for ``wanted`` to be safe."""
    return wanted + 2.0 * SAFETY * (1.0 + abs(wanted)) if math.isfinite(wanted) else wanted
