"""Whole numbers from real ones: one convention for what lies at the edge between two of them.

A quotient such as payload over mass is known to the rounding of floating point only, so that "exactly six fit" may come
out as 5.999999999999999. A number is therefore taken for whole where it misses a whole one by at most a relative 1e-9,
on the side that the question is generous to: what fits is rounded down from a hair more, what is needed is rounded up
from a hair less. Every count of the model is rounded here, so that whoever encloses the model has one edge to know of.
"""

from __future__ import annotations

import numpy as np

from dawndusk.models.array import Array

WHOLE_TOLERANCE = 1e-9
"""Relative. Far above the rounding of the model's arithmetic (some 1e-15 an operation), far below what matters."""


def rounded_down(x: Array) -> Array:
    """Return the whole number that fits into ``x``, ``floor(x (1 + 1e-9))``, of the shape of ``x``; x from zero on."""
    return np.floor(x * (1.0 + WHOLE_TOLERANCE))


def rounded_up(x: Array) -> Array:
    """Return the whole number that ``x`` asks for, ``ceil(x (1 - 1e-9))``, of the shape of ``x``; x from zero on."""
    return np.ceil(x * (1.0 - WHOLE_TOLERANCE))
