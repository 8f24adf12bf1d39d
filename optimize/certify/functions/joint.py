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

from dawndusk.models.physics.reliability import LEAST_SERVICE, NODES, WEIGHTS
from dawndusk.optimize.certify.functions.curves import LARGEST_EXPONENT, PADDING

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


@dataclass(frozen=True, eq=False)
class _Enclosed:
    """Straight lines above the exponents of a sum over the life, shape (nodes, B) each, and planes above the sum.

    ``lines`` are those without the sixth argument, at the middle of the box; ``rates`` how exponents move with each
    argument; ``p`` their shares in the sum, ``total`` its logarithm there, ``slopes`` those of the logarithm, and
    ``bends`` how far it may rise above its tangent. ``mixed`` is how far lines may be above the least of what they mix.
    """

    middle: Floats
    half: Floats
    lines: Floats
    rates: tuple[Floats, ...]
    total: Floats
    p: Floats
    slopes: Floats
    spreads: list[Floats]
    bent: Floats
    bends: Floats
    mixed: Floats
    moves: list[Floats]

    def bent_parts(self) -> Floats:
        """Return how much of what the sum bends each argument is behind."""
        share = self.bent / np.maximum(sum(self.spreads), LEAST_SPREAD)
        return np.stack([(share * one).sum(axis=0) for one in self.spreads])


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
        x = self._enclosed(low, high, at)
        short = self._short(x.slopes, low - at, high - at)
        moved = x.slopes * x.middle
        start = x.total - moved.sum(axis=0)
        pad = PADDING * (1.0 + np.abs(x.total) + np.abs(moved).sum(axis=0) + x.bends)
        ends = x.slopes * low, x.slopes * high
        lowered = (x.p * x.mixed).sum(axis=0)
        least = np.fmax(start - lowered - short, LOG_LEAST - np.maximum(*ends).sum(axis=0)) - pad
        most = np.maximum(start + x.bends, LOG_LEAST - np.minimum(*ends).sum(axis=0)) + pad
        parts = x.bent_parts() + self._mixed_parts(x, x.p * x.mixed)
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
        not negative. Lines above the exponents that both have in common raise S and S'. S' is at least a mean of its
        exponents, with their shares in its sum at the point, and S moves with each by its least share in the box, so
        that only what S' has more of that counts. Where S may be at its floor this is no bound.

        Returned are slopes of seven arguments, ``other`` the last, shape (7, B), the constant, and how much of what is
        lost each argument is behind.
        """
        x, (more, less) = self._enclosed(low, high, at), weights
        slopes, mean, q, short = self._mean_of_exponents(x, at, other)
        tangents = self._below_tangents(x, low - at, high - at)
        gaps = np.where((x.p > 0.0) | (q <= 0.0), x.mixed + sum(tangents), np.inf)
        spread = sum(x.spreads)
        shares = x.p * np.exp(-spread - gaps) / (x.p * np.exp(spread)).sum(axis=0)
        surplus = np.maximum(less * q - more * shares, 0.0)
        moved = x.slopes * x.middle
        constant = less * (mean - short) - more * (x.total - moved.sum(axis=0) + x.bends)
        constant -= np.where(surplus > 0.0, surplus * gaps, 0.0).sum(axis=0)
        size = more * (1.0 + np.abs(x.total) + np.abs(moved).sum(axis=0) + x.bends)
        reach = np.abs(slopes[:-1] * x.middle[:-1]).sum(axis=0) + np.abs(slopes[-1]) * (1.0 + np.abs(other[2]))
        size = size + less * (1.0 + np.abs(mean) + reach)
        parts = more * x.bent_parts() + self._mixed_parts(x, np.where(surplus > 0.0, surplus * x.mixed, 0.0))
        for k, tangent in zip(LOGS, tangents, strict=False):
            parts[k] += TANGENT_SHARE * (surplus * tangent).sum(axis=0)
        common = less * slopes[:-1] - more * x.slopes[:-1]
        whole = np.concatenate([common, [-more * x.slopes[-1], less * slopes[-1]]])
        return whole, constant - PADDING * size, np.concatenate([parts, [less * short]])

    def _mean_of_exponents(
        self, x: _Enclosed, at: Floats, other: tuple[Floats, Floats, Floats]
    ) -> tuple[Floats, Floats, Floats, Floats]:
        """Return slopes and constant of a plane below the function that loses ``other``, but for what lines are above.

        It is the mean of the lines with the shares of the exponents at the point, which are returned as well. The last
        number is how far the tangent of what is lost may be below it.
        """
        alive, power, _ = self._exponents(at[0], at[3], [_exp(at[k]) for k in LOGS])
        lost = _exp(other[2])
        exponents = np.minimum(np.minimum(alive, power), 0.0) - lost * self._x
        total, q = self._log_sum(exponents)
        steep = -lost * (q * self._x).sum(axis=0)
        slopes = np.stack([*((q * rate).sum(axis=0) for rate in x.rates[:-1]), steep])
        spread = total - (q * exponents).sum(axis=0)
        lines = (q * x.lines).sum(axis=0) - (slopes[:-1] * x.middle[:-1]).sum(axis=0)
        steps = other[0] - other[2], other[1] - other[2]
        short = -steep * np.maximum(*(np.expm1(step) - step for step in steps))
        return slopes, lines + steep * (1.0 - other[2]) + spread, q, short

    @staticmethod
    def _below_tangents(x: _Enclosed, down: Floats, up: Floats) -> list[Floats]:
        """Return how far lines are above exponents by the tangents of failures, wear and array loss in them."""
        ends = np.maximum(np.expm1(down) - down, np.expm1(up) - up)
        return [np.abs(x.rates[k]) * ends[k] for k in LOGS[:-1]]

    def _enclosed(self, low: Floats, high: Floats, at: Floats) -> _Enclosed:
        """Return straight lines above the exponents, and what the sum of their exponentials comes to."""
        middle, half = 0.5 * (low + high), 0.5 * (high - low)
        size = [_exp(at[k]) for k in LOGS]
        worst = self._exponents(low[0], low[3], [_exp(high[k]) for k in LOGS])
        best = self._exponents(high[0], high[3], [_exp(low[k]) for k in LOGS])
        alive_share, power_share = self._shares(self._exponents(at[0], at[3], size), worst, best)
        rates = self._rates(alive_share, power_share, size)
        tangents = [one * (1.0 + middle[k] - at[k]) for one, k in zip(size, LOGS, strict=True)]
        alive, power, lost = self._exponents(middle[0], middle[3], tangents)
        lines = alive_share * alive + power_share * power
        total, p = self._log_sum(lines - lost)
        slopes = np.stack([(p * rate).sum(axis=0) for rate in rates])
        spreads = [np.abs(rate - slopes[k]) * half[k] for k, rate in enumerate(rates)]
        spread = sum(spreads)
        bent = p * (np.expm1(spread) - spread)
        bends = np.where((spread < LARGEST_SPREAD).all(axis=0), np.log1p(bent.sum(axis=0)), np.inf)
        mixed = np.where(p > 0.0, _above(alive_share, power_share, worst, best), 0.0)
        moves = [np.abs(rate) * half[k] for k, rate in enumerate(self._rates(ALL, ALL, size))]
        moves[-1] = np.zeros_like(bent)
        return _Enclosed(middle, half, lines, rates, total, p, slopes, spreads, bent, bends, mixed, moves)

    @staticmethod
    def _mixed_parts(x: _Enclosed, lowered: Floats) -> Floats:
        """Return how much of what means of lines are above the lesser of them each argument is behind."""
        apart = MIXED_SHARE * lowered / np.maximum(sum(x.moves), LEAST_SPREAD)
        return np.stack([(apart * move).sum(axis=0) for move in x.moves])

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
