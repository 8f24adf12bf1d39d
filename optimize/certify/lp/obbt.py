"""Ranges narrowed by linear programmes: the least and the most that nodes can be where the target is beaten.

Each end that is looked for costs a linear programme. An end near which a solution has been seen can not move and is
passed over; of the others those that used to move most come first, so that the later ones find narrower ranges, and
those that hardly ever moved are looked for now and then only. Source: Gleixner, Berthold, Mueller, Weltge, Three
enhancements for optimization-based bound tightening, Journal of Global Optimization 67, 2017.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.certify.lp.engine import LpSolver
from dawndusk.optimize.certify.lp.model.template import Template, TemplateRelaxation

Floats: TypeAlias = NDArray[np.float64]
End: TypeAlias = tuple[int, bool]
"""A node, and whether its lower end is meant."""

SEEN_SHARE, LEAST_WIDTH = 0.04, 1e-6
"""An end is not looked for where a solution was as near to it, relative to the range, or where the range is narrow."""
FIRST_YIELD = 0.3
LEAST_YIELD = 0.03
"""Share of its range that an end has to take away to be looked for every time; the others every tenth time."""
SELDOM = 10
MEMORY = 0.9
PAD = 1e-11


@dataclass
class TighteningYields:
    """What share of its range each end took away, a fading mean, and how many models have been looked at."""

    shares: dict[End, float] = field(default_factory=dict)
    turn: int = 0

    def order(self, nodes: Sequence[int]) -> tuple[End, ...]:
        """Return the ends to look for in the next model, the most rewarding first."""
        self.turn += 1
        ends = [(node, lower) for node in nodes for lower in (True, False)]
        known = {end: self.shares.get(end, FIRST_YIELD) for end in ends}
        chosen = [e for k, e in enumerate(ends) if known[e] >= LEAST_YIELD or (k + self.turn) % SELDOM == 0]
        return tuple(sorted(chosen, key=lambda end: -known[end]))

    def learn(self, gains: Iterable[tuple[End, float]]) -> None:
        """Take in what ends took away in a model."""
        for end, gain in gains:
            self.shares[end] = MEMORY * self.shares.get(end, FIRST_YIELD) + (1.0 - MEMORY) * gain


class BoundTightening:
    """Looks for the ends of nodes in the linear model of a part, whose objective is at most the target in it.

    ``gains`` says what share of its range each end took away.
    """

    def __init__(self, template: Template, model: TemplateRelaxation, engine: LpSolver) -> None:
        self.template, self.model, self.engine = template, model, engine
        self.gains: list[tuple[End, float]] = []
        self._least, self._most = engine.high.copy(), engine.low.copy()
        """The least and the greatest value of each column in a solution so far."""

    def narrow(self, ends: Sequence[End], low: Floats, high: Floats) -> bool:
        """Narrow ranges of nodes in place; return whether there is anything left."""
        if not all(self._look(node, lower=lower) for node, lower in ends):
            return False
        for node in {node for node, _ in ends}:
            self._read(node, low, high)
        return True

    def _look(self, node: int, *, lower: bool) -> bool:
        """Look for one end; return False where the model proves to be empty."""
        place = self._place(node)
        if place is None or self._is_seen(place, lower=lower):
            return True
        engine = self.engine
        low, high = float(engine.low[place]), float(engine.high[place])
        cost = np.zeros(len(self.model.middle))
        cost[place] = 1.0 if lower else -1.0
        answer = engine.minimise(cost)
        if answer.bound == np.inf:
            return False
        if answer.point is not None:
            self._least, self._most = np.minimum(self._least, answer.point), np.maximum(self._most, answer.point)
        if np.isfinite(answer.bound):
            end = min(max(low, cost[place] * answer.bound), high)
            engine.limit(place, *((end, high) if lower else (low, end)))
            self.gains.append(((node, lower), (end - low if lower else high - end) / (high - low)))
        return True

    def _place(self, node: int) -> int | None:
        column, _, _ = self.template.columns.of[node]
        return None if column is None else self.template.position[column]

    def _is_seen(self, place: int, *, lower: bool) -> bool:
        low, high = float(self.engine.low[place]), float(self.engine.high[place])
        near = SEEN_SHARE * (high - low)
        seen = self._least[place] < low + near if lower else self._most[place] > high - near
        return bool(seen) or high - low < LEAST_WIDTH

    def _read(self, node: int, low: Floats, high: Floats) -> None:
        """Take over the range of a node from the range of its column."""
        place = self._place(node)
        if place is None:
            return
        _, factor, shift = self.template.columns.of[node]
        model, engine = self.model, self.engine
        ends = [
            shift + factor * float(model.middle[place] + model.half[place] * end)
            for end in (engine.low[place], engine.high[place])
        ]
        pad = PAD * (1.0 + abs(ends[0]) + abs(ends[1]))
        low[node] = max(low[node], min(ends) - pad)
        high[node] = min(high[node], max(ends) + pad)
