"""Functions of several numbers that are enclosed as a whole, between two planes of one slope.

What a satellite serves over its life is a mean of ``exp(min(alive, power, 0) - lost x)`` over shares x of the life,
where ``alive`` and ``power`` are straight lines in what ages it. Taken apart into curves of one number, every point of
the life would be bounded as if it did not know of the others. Taken together, the whole is the logarithm of a sum of
exponentials, which bends by the spread of its exponents and no more, and rises or falls in each argument, so that its
range is known from two corners.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.reliability import LEAST_SERVICE, NODES, WEIGHTS
from dawndusk.optimize.certify.curves import LARGEST_EXPONENT, PADDING

Floats: TypeAlias = NDArray[np.float64]
Values: TypeAlias = Any
"""Arrays of shape (B,), or k of them: one for each argument."""
Lines: TypeAlias = tuple[Floats, Floats, Floats]

LOGS = [1, 2, 4, 5]
"""The arguments that are given in logarithms: failures, wear, array loss and what else is lost."""
TANGENT_SHARE = 0.25
"""What counts of how far a tangent is below its exponential, in saying where it pays to split a box."""

MIXED_SHARE = 0.5
"""What counts of how far a mean of lines is above the lesser of them."""
ALL = np.ones(1)
"""As shares of alive and power: both lines as they are."""
SHARE_OF_RANGE = 0.05
"""How gradually the lesser of several takes over along its range: what is below by as much is left out to 1 / e."""
LARGEST_SPREAD = 200.0
"""Where exponents may be further from their mean the planes say nothing."""
LEAST_SPREAD = 1e-300
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


class LogServed:
    """The logarithm of ``share_served``, of its six arguments in logarithms.

    The logarithms of spares and oversize are arguments of it already; they are taken as they are.
    """

    def __init__(self, wear_exponent: float) -> None:
        self.wear_exponent = wear_exponent
        self._x = np.array(NODES)[:, np.newaxis]
        self.worn = self._x**wear_exponent
        """The nodes of the life to the power of wear, shape (nodes, 1)."""
        self._log_weights = np.log(np.array(WEIGHTS))[:, np.newaxis]

    def value(self, at: Values) -> Floats:
        """Return the function at points."""
        alive, power, lost = self._exponents(at[0], at[3], [_exp(at[k]) for k in LOGS])
        found, _ = self._log_sum(np.minimum(np.minimum(alive, power), 0.0) - lost)
        return np.maximum(found, LOG_LEAST)

    def ends(self, low: Values, high: Values) -> tuple[Floats, Floats]:
        """Return values at the two corners: it rises in spares and oversize and falls in everything else."""
        return self.value(_corner(low, high)), self.value(_corner(high, low))

    def planes(self, low: Floats, high: Floats, at: Floats) -> Planes:
        """Return planes that enclose the function over boxes of shape (k, B), close to it at points ``at``.

        An exponential is at least its tangent at ``at``, and the lesser of three is at most any mean of them, so that
        every exponent has a straight line above it; the logarithm of the sum of exponentials of those is convex. Above
        its tangent at the middle of the box it rises by at most ``log(1 + sum p (e^r - 1 - r))``, with p the shares of
        the sum and r how far an exponent may be from their mean. Below, the logarithm of a mean is at least the mean
        of the logarithms, less how far the lines stand above the lesser of three and the tangents below their
        exponentials.
        """
        middle, half = 0.5 * (low + high), 0.5 * (high - low)
        size = [_exp(at[k]) for k in LOGS]
        worst = self._exponents(low[0], low[3], [_exp(high[k]) for k in LOGS])
        best = self._exponents(high[0], high[3], [_exp(low[k]) for k in LOGS])
        alive_share, power_share = self._shares(self._exponents(at[0], at[3], size), worst, best)
        rates = self._rates(alive_share, power_share, size)
        tangents = [one * (1.0 + middle[k] - at[k]) for one, k in zip(size, LOGS, strict=True)]
        alive, power, lost = self._exponents(middle[0], middle[3], tangents)
        total, p = self._log_sum(alive_share * alive + power_share * power - lost)
        slopes = np.stack([(p * rate).sum(axis=0) for rate in rates])
        spreads = [np.abs(rate - slopes[k]) * half[k] for k, rate in enumerate(rates)]
        spread = sum(spreads)
        bent = p * (np.expm1(spread) - spread)
        bends = np.where((spread < LARGEST_SPREAD).all(axis=0), np.log1p(bent.sum(axis=0)), np.inf)
        mixed = np.where(p > 0.0, p * _above(alive_share, power_share, worst, best), 0.0)
        short = self._short(slopes, low - at, high - at)
        moved = slopes * middle
        start = total - moved.sum(axis=0)
        pad = PADDING * (1.0 + np.abs(total) + np.abs(moved).sum(axis=0) + bends)
        ends = slopes * low, slopes * high
        least = np.fmax(start - mixed.sum(axis=0) - short, LOG_LEAST - np.maximum(*ends).sum(axis=0)) - pad
        most = np.maximum(start + bends, LOG_LEAST - np.minimum(*ends).sum(axis=0)) + pad
        share = bent / np.maximum(spread, LEAST_SPREAD)
        moves = [np.abs(rate) * half[k] for k, rate in enumerate(self._rates(ALL, ALL, size))]
        moves[-1] = np.zeros_like(bent)
        apart = MIXED_SHARE * mixed / np.maximum(sum(moves), LEAST_SPREAD)
        parts = np.stack([(share * one + apart * move).sum(axis=0) for one, move in zip(spreads, moves, strict=True)])
        parts[LOGS] += TANGENT_SHARE * np.abs(slopes[LOGS]) * half[LOGS] ** 2
        return _finite(Planes(slopes, least, most, parts))

    def _exponents(self, log_spare: Values, log_oversize: Values, sizes: Sequence[Values]) -> Lines:
        """Return the lines of what is alive, what has power, and what is lost otherwise, each of shape (nodes, B)."""
        failures, wear, array_loss, lost = sizes
        x = self._x
        return log_spare - failures * x - wear * self.worn, log_oversize - array_loss * x, lost * x

    def _rates(self, alive_share: Floats, power_share: Floats, sizes: Sequence[Values]) -> tuple[Floats, ...]:
        """Return how the exponents move with each argument."""
        failures, wear, array_loss, lost = sizes
        x = self._x
        return (
            alive_share,
            -alive_share * (failures * x),
            -alive_share * (wear * self.worn),
            power_share,
            -power_share * (array_loss * x),
            -(lost * x),
        )

    def _shares(self, here: Lines, worst: Lines, best: Lines) -> tuple[Floats, Floats]:
        """Return how much alive and power count in the lesser of them and zero, shapes (nodes, B)."""
        alive, power, _ = here
        least = np.minimum(np.minimum(alive, power), 0.0)
        width = SHARE_OF_RANGE * 0.5 * (best[0] - worst[0] + best[1] - worst[1]) + LEAST_SPREAD
        parts = [np.exp((least - line) / width) for line in (alive, power, np.zeros_like(alive))]
        total = sum(parts)
        return parts[0] / total, parts[1] / total

    @staticmethod
    def _short(slopes: Floats, down: Floats, up: Floats) -> Floats:
        """Return how far tangents may be below their exponentials, by what that makes of the mean exponent."""
        ends = np.maximum(np.expm1(down[LOGS]) - down[LOGS], np.expm1(up[LOGS]) - up[LOGS])
        found: Floats = (np.abs(slopes[LOGS]) * ends).sum(axis=0)
        return found

    def _log_sum(self, exponents: Floats) -> tuple[Floats, Floats]:
        """Return the logarithm of the weighted sum of exponentials, and the share of each in it."""
        exponents = exponents + self._log_weights
        largest = exponents.max(axis=0)
        parts = np.exp(exponents - largest)
        total = parts.sum(axis=0)
        return largest + np.log(total), parts / total


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


def _above(alive_share: Floats, power_share: Floats, worst: Lines, best: Lines) -> Floats:
    """Return how far the mean of alive, power and zero may be above the least of them."""
    over_alive = (alive_share - 1.0) * worst[0] + power_share * best[1]
    over_power = alive_share * best[0] + (power_share - 1.0) * worst[1]
    over_zero = alive_share * best[0] + power_share * best[1]
    found: Floats = np.maximum(np.maximum(over_alive, over_power), np.maximum(over_zero, 0.0))
    return found


def _exp(x: Values) -> Values:
    return np.exp(np.minimum(x, LARGEST_EXPONENT))


def _corner(lower: Values, upper: Values) -> tuple[Values, ...]:
    return lower[0], upper[1], upper[2], lower[3], upper[4], upper[5]
