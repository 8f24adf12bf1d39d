"""The open boxes of a search, those with the lowest bounds first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dawndusk.optimize.boxes import Boxes

HOT = 16 * 2048
"""Boxes that are kept in order; the rest waits."""


class NodeQueue:
    """Open boxes: the ``HOT`` lowest are kept in order, the others wait until one of them may be among the lowest."""

    def __init__(self) -> None:
        self._open: list[Boxes] = []
        self._cold: list[Boxes] = []

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    @property
    def parts(self) -> list[Boxes]:
        """Return all open boxes, in parts."""
        return [*self._open, *self._cold]

    @property
    def lowest(self) -> float:
        """Return the lowest bound of an open box, infinite where none is open."""
        return lowest(self.parts)

    def add(self, boxes: Boxes) -> None:
        """Add open boxes."""
        self._open.append(boxes)

    def close_above(self, cutoff: float) -> None:
        """Drop the boxes whose bounds are above a cutoff."""
        self._open = [boxes.take(boxes.bound <= cutoff) for boxes in self._open]
        self._cold = [boxes.take(boxes.bound <= cutoff) for boxes in self._cold]

    def next(self, count: int) -> Boxes:
        """Take out boxes with the lowest bounds: exactly those while few are open, nearly those when many are."""
        hot = Boxes.join(self._open) if self._open else Boxes.join(self._cold).take(slice(0, 0))
        if self._cold and (len(hot) < count or lowest(self._cold) < float(np.median(hot.bound))):
            hot, self._cold = Boxes.join([hot, *self._cold]), []
        if len(hot) > 2 * HOT:
            order = np.argpartition(hot.bound, HOT)
            self._cold.append(hot.take(np.sort(order[HOT:])))
            hot = hot.take(np.sort(order[:HOT]))
        if len(hot) <= count:
            self._open = []
            return hot
        order = np.argpartition(hot.bound, count)
        self._open = [hot.take(np.sort(order[count:]))]
        return hot.take(np.sort(order[:count]))


def lowest(parts: Sequence[Boxes]) -> float:
    """Return the lowest bound of some boxes, infinite where there are none."""
    return min((float(boxes.bound.min()) for boxes in parts if len(boxes)), default=np.inf)
