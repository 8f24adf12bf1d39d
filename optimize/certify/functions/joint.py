"""Functions of several numbers that are enclosed as a whole, between two planes of one slope.

What a satellite serves over its life is a mean of ``exp(min(alive, power, 0) - lost x)`` over shares x of the life,
where ``alive`` and ``power`` are straight lines in what ages it. Taken apart into curves of one number, every point of
the life would be bounded as if it did not know of the others. Taken together, the whole is the logarithm of a sum of
exponentials, which bends by the spread of its exponents and no more, and rises or falls in each argument, so that its
range is known from two corners.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from dawndusk.models.physics.reliability import LEAST_SERVICE
from dawndusk.optimize.certify.functions.curves import PADDING
from dawndusk.optimize.certify.functions.life_lines import (
    LOGS,
    Floats,
    Life,
    LinesAbove,
    Values,
    exponential,
    least_shares,
    lines_above,
    tangent_gap,
)

TANGENT_SHARE = 0.25
"""What counts of how far a tangent is below its exponential, in saying where it pays to split a box."""
MIXED_SHARE = 0.5
"""What counts of how far a mean of lines is above the lesser of them."""
WILD = 1e30
"""Planes as steep as that say nothing."""
LOG_LEAST = float(np.log(LEAST_SERVICE))


@dataclass(frozen=True, eq=False)
class Planes:
    """Two planes of one slope that enclose a function over a box of its k arguments, for B boxes.

    The function less ``slopes . arguments`` lies from ``least`` to ``most``, shapes (k, B), (B,) and (B,). ``parts``,
    of shape (k, B), says how much of the distance each argument is behind.
    """

    slopes: Floats
    least: Floats
    most: Floats
    parts: Floats


class JointFunction(Protocol):
    """A function of k numbers that is enclosed as a whole."""

    def value(self, at: Values) -> Floats:
        """Return the function at points."""

    def ends(self, low: Values, high: Values) -> tuple[Floats, Floats]:
        """Return the least and the greatest value over boxes of the arguments."""

    def planes(self, low: Floats, high: Floats, at: Floats) -> Planes:
        """Return planes that enclose the function over boxes of shape (k, B), close to it at points ``at``."""


@dataclass(frozen=True, eq=False)
class _Mean:
    """A plane below the logarithm of a sum, but for what lines are above exponents: a mean of those lines.

    It is ``slopes . arguments + constant``, less ``short``, by which the tangent of what is lost may be below it.
    ``shares`` are those of the exponents in the mean.
    """

    slopes: Floats
    constant: Floats
    shares: Floats
    short: Floats


class LogServed:
    """The logarithm of ``share_served``, of its six arguments in logarithms.

    The logarithms of spares and oversize are arguments of it already; they are taken as they are.
    """

    def __init__(self, wear_exponent: float) -> None:
        self.wear_exponent = wear_exponent
        self._life = Life(wear_exponent)
        self.worn = self._life.worn
        """The nodes of the life to the power of wear, shape (nodes, 1)."""

    def value(self, at: Values) -> Floats:
        """Return the function at points."""
        alive, power, lost = self._life.exponents_at(at)
        found, _ = self._life.log_sum(np.minimum(np.minimum(alive, power), 0.0) - lost)
        return np.maximum(found, LOG_LEAST)

    def ends(self, low: Values, high: Values) -> tuple[Floats, Floats]:
        """Return values at the two corners: it rises in spares and oversize and falls in everything else.

        Corners of a monotone function: ``f(worst corner) <= f(u) <= f(best corner)`` for u in the box
        (test_corners_of_a_monotone_function).
        """
        return self.value(_corner(low, high)), self.value(_corner(high, low))

    def planes(self, low: Floats, high: Floats, at: Floats) -> Planes:
        """Return planes that enclose the function over boxes of shape (k, B), close to it at points ``at``.

        Both planes have the slopes of the tangent at the middle m of the logarithm ``L`` of the sum of exponentials of
        the lines above the exponents, ``T + slopes . (u - m)``, and the function is the larger of ``F`` and its floor.

        - Above: lines are above exponents, so that ``F <= L``, which rises above its tangent by ``bends`` at most
          (``most_above_tangent``).
        - Below: a mean of exponents is below the log-sum, ``log(sum p e^z) >= sum p z`` (Jensen). With z how far the
          exponents are from the lines at the middle this is ``F >= T + slopes . (u - m) - sum p gap``, where the gap is
          how far a line may be above its exponent: that of the mean above the lesser of three, and those of the
          tangents (test_mean_of_exponents_below_the_log_sum).
        - The floor: ``max(F, floor) - slopes . u`` is at least ``floor - max(slopes . u)``, and at most the larger of
          what F allows and ``floor - min(slopes . u)``.

        (test_planes_and_ends_enclose_it)
        """
        x = lines_above(self._life, low, high, at)
        moved = x.slopes * x.middle
        start = x.total - moved.sum(axis=0)
        pad = PADDING * (1.0 + np.abs(x.total) + np.abs(moved).sum(axis=0) + x.bends)
        lowered = (x.p * x.mixed).sum(axis=0)
        short: Floats = (np.abs(x.slopes[LOGS]) * tangent_gap((low - at)[LOGS], (high - at)[LOGS])).sum(axis=0)
        ends = x.slopes * low, x.slopes * high
        least = np.fmax(start - lowered - short, LOG_LEAST - np.maximum(*ends).sum(axis=0)) - pad
        most = np.maximum(start + x.bends, LOG_LEAST - np.minimum(*ends).sum(axis=0)) + pad
        parts = x.bent_parts() + x.mixed_parts(x.p * x.mixed, MIXED_SHARE)
        parts[LOGS] += TANGENT_SHARE * np.abs(x.slopes[LOGS]) * x.half[LOGS] ** 2
        return _finite(Planes(x.slopes, least, most, parts))

    def difference(
        self,
        low: Floats,
        high: Floats,
        at: Floats,
        other: tuple[Floats, Floats, Floats],
        weights: tuple[Floats, Floats],
    ) -> tuple[Floats, Floats, Floats]:
        """Return a plane below ``less S' - more S``, with S the function and S' losing ``other`` in place of its last.

        ``other`` is the least, the greatest and the chosen logarithm of that, ``weights`` are ``more`` and ``less``,
        not negative. Where S may be at its floor this is no bound.

        Let each exponent that both have in common be g below its line, with g from 0 to its gap. Then, from the planes
        above and with the shares q of the exponents of S' at the point,

        - ``S' >= mean - sum q g``, as a mean of exponents is below the log-sum;
        - ``S <= T + slopes . (u - m) + bends - sum s g``, as S falls with an exponent by its share, which is at least
          s (``least_shares``), and is raised by the line above what it loses;

        so that ``less S' - more S`` is at least the difference of the planes less ``sum max(less q - more s, 0) gap``:
        only what S' has more of counts (test_a_plane_is_below_the_difference_of_two).

        Returned are slopes of seven arguments, ``other`` the last, shape (7, B), the constant, and how much of what is
        lost each argument is behind.
        """
        x, (more, less) = lines_above(self._life, low, high, at), weights
        mean = self._mean_of_exponents(x, at, other)
        tangents = [np.abs(x.rates[k]) * tangent_gap(low[k] - at[k], high[k] - at[k]) for k in LOGS[:-1]]
        # Where a line has no share in the sum its gap is not known, and is not to count for nothing.
        gaps = np.where((x.p > 0.0) | (mean.shares <= 0.0), x.mixed + sum(tangents), np.inf)
        surplus = np.maximum(less * mean.shares - more * least_shares(x, gaps), 0.0)
        moved = x.slopes * x.middle
        constant = less * (mean.constant - mean.short) - more * (x.total - moved.sum(axis=0) + x.bends)
        constant -= np.where(surplus > 0.0, surplus * gaps, 0.0).sum(axis=0)
        pad = PADDING * _size_of_difference(x, moved, mean, other[2], weights)
        parts = more * x.bent_parts() + x.mixed_parts(np.where(surplus > 0.0, surplus * x.mixed, 0.0), MIXED_SHARE)
        for k, tangent in zip(LOGS, tangents, strict=False):
            parts[k] += TANGENT_SHARE * (surplus * tangent).sum(axis=0)
        common = less * mean.slopes[:-1] - more * x.slopes[:-1]
        slopes = np.concatenate([common, [-more * x.slopes[-1], less * mean.slopes[-1]]])
        return slopes, constant - pad, np.concatenate([parts, [less * mean.short]])

    def _mean_of_exponents(self, x: LinesAbove, at: Floats, other: tuple[Floats, Floats, Floats]) -> _Mean:
        """Return a plane below the function that loses ``other``, but for what lines are above exponents.

        Variational form of the log-sum: ``log(sum w e^z) >= sum q (z + log w - log q)`` for any shares q, here those at
        the point (test_mean_of_exponents_below_the_log_sum); what is lost enters by its tangent.
        """
        alive, power, _ = self._life.exponents_at(at)
        lost = exponential(other[2])
        exponents = np.minimum(np.minimum(alive, power), 0.0) - lost * self._life.x
        total, q = self._life.log_sum(exponents)
        steep = -lost * (q * self._life.x).sum(axis=0)
        slopes = np.stack([*((q * rate).sum(axis=0) for rate in x.rates[:-1]), steep])
        spread = total - (q * exponents).sum(axis=0)
        lines = (q * x.lines).sum(axis=0) - (slopes[:-1] * x.middle[:-1]).sum(axis=0)
        short = -steep * tangent_gap(other[0] - other[2], other[1] - other[2])
        return _Mean(slopes, lines + steep * (1.0 - other[2]) + spread, q, short)


def _size_of_difference(
    x: LinesAbove, moved: Floats, mean: _Mean, log_lost: Floats, weights: tuple[Floats, Floats]
) -> Floats:
    """Return how large the terms of a difference are, to which its rounding is relative."""
    more, less = weights
    size = more * (1.0 + np.abs(x.total) + np.abs(moved).sum(axis=0) + x.bends)
    reach = np.abs(mean.slopes[:-1] * x.middle[:-1]).sum(axis=0) + np.abs(mean.slopes[-1]) * (1.0 + np.abs(log_lost))
    found: Floats = size + less * (1.0 + np.abs(mean.constant) + reach)
    return found


def _finite(planes: Planes) -> Planes:
    """Return planes, level ones over the whole range of the function where numbers overflowed."""
    lost = ~((np.abs(planes.slopes).sum(axis=0) < WILD) & (np.abs(planes.least) + np.abs(planes.most) < WILD))
    if not lost.any():
        return planes
    return Planes(
        np.where(lost, 0.0, planes.slopes),
        np.where(lost, LOG_LEAST - PADDING, planes.least),
        np.where(lost, PADDING, planes.most),
        np.where(np.isfinite(planes.parts) & ~lost, planes.parts, -LOG_LEAST),
    )


def _corner(lower: Values, upper: Values) -> tuple[Values, ...]:
    return lower[0], upper[1], upper[2], lower[3], upper[4], upper[5]


__all__ = ["LOGS", "LOG_LEAST", "JointFunction", "LogServed", "Planes"]
