"""The best mean of several planes and rows of a box: a small linear programme for each of many boxes at once.

What is known of a box is a few planes below the objective and rows that must not be above zero. The lowest point that
they leave is the solution of a linear programme in the coordinates of the box; its multipliers say which mean of the
planes, with which multipliers of the rows, proves most. Any multipliers prove something, so that a few steps of an
interior point method are enough; that they end near the middle of what is optimal makes their point a good one to go on
from.

Multipliers of the programme: for shares s of planes that add up to one and multipliers p of rows, none negative,
``min {t : planes <= t, rows <= 0} >= min (sum s plane + sum p row)`` over the box
(test_multipliers_prove_something_after_any_number_of_steps).

Source: primal-dual interior point methods (Wright, Primal-Dual Interior-Point Methods, 1997, chapter 5); analytic
centres in cutting plane methods (Goffin, Haurie, Vial, Decomposition and nondifferentiable optimization with the
projective algorithm, 1992).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

STEPS = 7
CENTRED = 0.15
"""What every step leaves of the distance to the optimum that the path of centres has."""
TO_THE_EDGE = 0.95
"""Share of the way to where a slack or a multiplier is zero."""
START_REACH = 0.9
START_SLACK = 0.3
"""Of the slope of the planes: how far above them the first step begins."""
ROW_SLACK = 0.1
TINY = 1e-300
FLAT = 1e-12
CHUNK = 512
"""Boxes that are worked on at once, so that their numbers stay in the cache."""


@dataclass
class BundleMaster:
    """Linear programmes of B boxes: make ``t`` small with ``slopes[j] v + below[j] <= t`` and rows at most zero.

    ``slopes`` has shape (m, d, B) and ``below`` (m, B); the first ``planes`` of them are planes, the others rows, with
    slopes of zero where ``counts``, of shape (m, B), says that a box has no such row. ``v`` is in [-1, 1]^d.
    """

    slopes: Floats
    below: Floats
    counts: NDArray[np.bool_]
    planes: int

    def solve(self, start: Floats) -> tuple[Floats, Floats]:
        """Return multipliers, shape (m, B), those of the planes adding up to one, and a point (d, B) in the box."""
        count = self.below.shape[1]
        multipliers, point = np.empty_like(self.below), np.empty_like(start)
        for begin in range(0, count, CHUNK):
            part = slice(begin, begin + CHUNK)
            chunk = BundleMaster(self.slopes[..., part], self.below[:, part], self.counts[:, part], self.planes)
            multipliers[:, part], point[:, part] = chunk._solved(start[:, part])
        return multipliers, point

    def _solved(self, start: Floats) -> tuple[Floats, Floats]:
        scaled, size = self._scaled()
        path = _Path(scaled, start)
        for _ in range(STEPS):
            path.step()
        found = np.maximum(path.duals, 0.0) / size
        total = found[: self.planes].sum(axis=0)
        found = found / np.where(total > 0.0, total, 1.0)
        return np.where(np.isfinite(found), found, 0.0), np.where(np.isfinite(path.v), path.v, start)

    def _scaled(self) -> tuple[BundleMaster, Floats]:
        """Return the programmes with rows and planes of slopes up to one, and what each was divided by."""
        steepest = np.abs(self.slopes).max(axis=1)
        size = np.maximum(steepest, FLAT)
        size[: self.planes] = np.maximum(steepest[: self.planes].max(axis=0), FLAT)
        below = self.below / size
        below[: self.planes] -= below[: self.planes].max(axis=0)
        below = np.where(self.counts, below, -1.0)
        return BundleMaster(self.slopes / size[:, np.newaxis], below, self.counts, self.planes), size


class _Path:
    """Where the interior point method is: point, slacks and multipliers of boxes whose slopes are of order one."""

    def __init__(self, master: BundleMaster, start: Floats) -> None:
        self.a, self.c, self.planes = master.slopes, master.below, master.planes
        self.counts = master.counts
        self.v = np.clip(start, -START_REACH, START_REACH)
        planes = self.planes
        value = self._value()
        room = START_SLACK * (START_SLACK * np.abs(self.a[:planes]).sum(axis=1).max(axis=0) + FLAT)
        self.t = value[:planes].max(axis=0) + room
        rows = np.maximum(-value[planes:], ROW_SLACK * np.abs(self.a[planes:]).sum(axis=1) + FLAT)
        self.slack = np.concatenate([self.t - value[:planes], rows])
        middle = room / planes
        self.duals = np.concatenate([np.full(value[:planes].shape, 1.0 / planes), START_SLACK * middle / rows])
        self.duals *= self.counts
        self.products = self.counts.sum(axis=0) + 2 * len(self.v)
        self.upper, self.lower = START_SLACK * middle / (1.0 - self.v), START_SLACK * middle / (1.0 + self.v)

    def step(self) -> None:
        """Take one Newton step towards the path of centres, as long as it stays inside."""
        a, planes, over, under = self.a, self.planes, 1.0 - self.v, 1.0 + self.v
        products = (self.slack * self.duals).sum(axis=0) + (over * self.upper + under * self.lower).sum(axis=0)
        centre = CENTRED * products / self.products
        aimed = centre * self.counts / self.slack
        missed = self.slack + self._value()
        missed[:planes] -= self.t
        weight = self.duals / self.slack
        aim = aimed + weight * missed
        weighed = a * weight[:, np.newaxis]
        together = weight[:planes].sum(axis=0)
        mean = weighed[:planes].sum(axis=0) / together
        matrix = (together * mean)[:, np.newaxis] * -mean
        for one, other in zip(weighed, a, strict=True):
            matrix += one[:, np.newaxis] * other
        diagonal = np.arange(len(self.v))
        matrix[diagonal, diagonal] += self.upper / over + self.lower / under
        short = aim[:planes].sum(axis=0) - 1.0
        right = mean * short - (a * aim[:, np.newaxis]).sum(axis=0) - centre / over + centre / under
        dv = solved(matrix, right)
        dt = (mean * dv).sum(axis=0) + short / together
        dslack = -(a * dv).sum(axis=1) - missed
        dslack[:planes] += dt
        dduals = aimed - self.duals - weight * dslack
        dupper = centre / over - self.upper + self.upper / over * dv
        dlower = centre / under - self.lower - self.lower / under * dv
        length = np.minimum(1.0, TO_THE_EDGE * np.minimum(_room(self.slack, dslack), _room(over, -dv)))
        length = np.minimum(length, TO_THE_EDGE * _room(under, dv))
        self.v, self.t, self.slack = self.v + length * dv, self.t + length * dt, self.slack + length * dslack
        length = np.minimum(_room(self.duals, dduals), np.minimum(_room(self.upper, dupper), _room(self.lower, dlower)))
        length = np.minimum(1.0, TO_THE_EDGE * length)
        self.duals = self.duals + length * dduals
        self.upper, self.lower = self.upper + length * dupper, self.lower + length * dlower

    def _value(self) -> Floats:
        found: Floats = (self.a * self.v).sum(axis=1) + self.c
        return found


def _room(x: Floats, dx: Floats) -> Floats:
    """Return how many steps ``dx`` lead from positive numbers to zero, the least over the first axis."""
    falls = dx < 0.0
    found: Floats = np.where(falls, -x / np.where(falls, dx, -1.0), np.inf).min(axis=0)
    return found


def solved(matrix: Floats, right: Floats) -> Floats:
    """Solve B symmetric positive definite systems by Cholesky's method.

    Shapes are (d, d, B) and (d, B); both arrays are spent.
    """
    count = len(right)
    for k in range(count):
        matrix[k:, k] /= np.sqrt(np.maximum(matrix[k, k], TINY))
        for j in range(k + 1, count):
            matrix[j:, j] -= matrix[j:, k] * matrix[j, k]
    for k in range(count):
        right[k] /= matrix[k, k]
        right[k + 1 :] -= matrix[k + 1 :, k] * right[k]
    for k in reversed(range(count)):
        right[k] /= matrix[k, k]
        right[:k] -= matrix[k, :k] * right[k]
    return right
