"""Boxes of designs, as arrays: what a certified search cuts up, and what an unfinished proof is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]


@dataclass
class Boxes:
    """B boxes.

    ``low`` and ``high`` are ends of the coordinates, shape (d, B); ``least`` and ``most`` ranges of the rounded nodes,
    (k, B); ``combination`` and ``bound``, a lower bound on the score, (B,); ``blame`` says where the bound is lost, by
    coordinate and by rounded node, (d + k, B). ``at``, shape (d, B), and ``multipliers``, (rows, B), are the
    coordinates and the multipliers of the rows from which the next look goes on; they have to do with how good a bound
    is, not with whether it holds.
    """

    low: Floats
    high: Floats
    least: Floats
    most: Floats
    combination: NDArray[np.intp]
    bound: Floats
    blame: Floats
    at: NDArray[np.float32]
    multipliers: NDArray[np.float32]

    def __len__(self) -> int:
        return int(self.low.shape[1])

    def take(self, chosen: Any) -> Boxes:
        """Return some of the boxes."""
        return Boxes(*(np.ascontiguousarray(part[..., chosen]) for part in vars(self).values()))

    def copy(self) -> Boxes:
        """Return boxes that can be changed without changing these."""
        return Boxes(*(part.copy() for part in vars(self).values()))

    @staticmethod
    def join(parts: Sequence[Boxes]) -> Boxes:
        """Return all boxes of several."""
        return Boxes(*(np.concatenate(same, axis=-1) for same in zip(*(vars(p).values() for p in parts), strict=True)))
