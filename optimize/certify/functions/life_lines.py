"""Straight lines above the exponents of what is served at each node of a life, and planes of the sum of all.

At share x of the life a satellite serves ``exp(c)`` with the exponent ``c = min(alive, power, 0) - lost x``, where
``alive = log spares - failures x - wear x^m`` and ``power = log oversize - array loss x``. Failures, wear, array loss
and what else is lost are given by their logarithms. Three inequalities put a straight line above each exponent:

- Tangent below an exponential: ``e^y >= e^a (1 + y - a)``; as exponentials enter with a minus sign, their tangents put
  lines above (test_tangent_below_an_exponential).
- Gap of a tangent to an exponential: ``e^y - e^a (1 + y - a) = e^a (e^d - 1 - d)`` with ``d = y - a``, convex in d, and
  so largest at an end of the range (test_gap_of_a_tangent_to_an_exponential).
- Lesser of several below a mean: ``min(a, p, 0) <= s a + t p`` for shares s, t and ``1 - s - t`` that are not negative
  (test_lesser_of_several_below_a_mean).

Source: Boyd and Vandenberghe, Convex Optimization, 2004, 3.1.3 and 3.2.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.physics.reliability import NODES, WEIGHTS
from dawndusk.optimize.certify.functions.curves import LARGEST_EXPONENT

Floats: TypeAlias = NDArray[np.float64]
Values: TypeAlias = Any
"""Arrays of shape (B,), or k of them: one for each argument."""
Exponents: TypeAlias = tuple[Floats, Floats, Floats]
"""What is alive, what has power, and what is lost otherwise, each of shape (nodes, B)."""

LOGS = [1, 2, 4, 5]
"""The arguments that are given in logarithms: failures, wear, array loss and what else is lost."""
ALL = np.ones(1)
"""As shares of alive and power: both lines as they are."""
SHARE_OF_RANGE = 0.05
"""How gradually the lesser of several takes over along its range: what is below by as much is left out to 1 / e."""
LARGEST_SPREAD = 200.0
"""Where exponents may be further from their mean the planes say nothing."""
LEAST_SPREAD = 1e-300


class Life:
    """The nodes of a life, shape (nodes, 1), and the power of wear at each of them."""

    def __init__(self, wear_exponent: float) -> None:
        self.x = np.array(NODES)[:, np.newaxis]
        self.worn = self.x**wear_exponent
        self._log_weights = np.log(np.array(WEIGHTS))[:, np.newaxis]

    def exponents(self, log_spare: Values, log_oversize: Values, sizes: Sequence[Values]) -> Exponents:
        """Return the lines of what is alive, what has power, and what is lost otherwise."""
        failures, wear, array_loss, lost = sizes
        x = self.x
        return log_spare - failures * x - wear * self.worn, log_oversize - array_loss * x, lost * x

    def exponents_at(self, at: Values) -> Exponents:
        """Return the same of six arguments, some of them in logarithms."""
        return self.exponents(at[0], at[3], [exponential(at[k]) for k in LOGS])

    def rates(self, alive_share: Floats, power_share: Floats, sizes: Sequence[Values]) -> tuple[Floats, ...]:
        """Return how the exponents move with each argument."""
        failures, wear, array_loss, lost = sizes
        x = self.x
        return (
            alive_share,
            -alive_share * (failures * x),
            -alive_share * (wear * self.worn),
            power_share,
            -power_share * (array_loss * x),
            -(lost * x),
        )

    def log_sum(self, exponents: Floats) -> tuple[Floats, Floats]:
        """Return the logarithm of the weighted sum of exponentials, and the share of each in it."""
        exponents = exponents + self._log_weights
        largest = exponents.max(axis=0)
        parts = np.exp(exponents - largest)
        total = parts.sum(axis=0)
        return largest + np.log(total), parts / total


@dataclass(frozen=True, eq=False)
class LinesAbove:
    """Straight lines above the exponents over boxes, shape (nodes, B) each, and what the sum of them comes to.

    Attributes
    ----------
    middle, half : array
        Of the boxes, shape (k, B).
    lines : array
        The lines at the middle, without what the sixth argument takes off.
    rates : tuple of array
        How the lines move with each argument.
    total, p, slopes : array
        At the middle: the logarithm of the sum of the lines' exponentials, the share of each, and the slopes of the
        logarithm, ``sum p rate``.
    spreads : list of array
        For each argument, how far a line may be from ``slopes . (u - middle)`` over the box.
    bent, bends : array
        The terms ``p (e^r - 1 - r)``, and how far the logarithm may rise above its tangent: see ``most_above_tangent``.
    mixed : array
        How far a line may be above the lesser of what it is a mean of.
    moves : list of array
        How far each argument moves alive and power over the box.
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

    def mixed_parts(self, lowered: Floats, share: float) -> Floats:
        """Return how much of what means of lines are above the lesser of them each argument is behind."""
        apart = share * lowered / np.maximum(sum(self.moves), LEAST_SPREAD)
        return np.stack([(apart * move).sum(axis=0) for move in self.moves])


def lines_above(life: Life, low: Floats, high: Floats, at: Floats) -> LinesAbove:
    """Return straight lines above the exponents over boxes, by tangents and means that are close at points ``at``."""
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    sizes = [exponential(at[k]) for k in LOGS]
    worst = life.exponents(low[0], low[3], [exponential(high[k]) for k in LOGS])
    best = life.exponents(high[0], high[3], [exponential(low[k]) for k in LOGS])
    alive_share, power_share = shares_of_lesser(life.exponents(at[0], at[3], sizes), worst, best)
    rates = life.rates(alive_share, power_share, sizes)
    tangents = [size * (1.0 + middle[k] - at[k]) for size, k in zip(sizes, LOGS, strict=True)]
    alive, power, lost = life.exponents(middle[0], middle[3], tangents)
    lines = alive_share * alive + power_share * power
    total, p = life.log_sum(lines - lost)
    slopes = np.stack([(p * rate).sum(axis=0) for rate in rates])
    spreads = [np.abs(rate - slopes[k]) * half[k] for k, rate in enumerate(rates)]
    bent, bends = most_above_tangent(p, sum(spreads))
    mixed = np.where(p > 0.0, mean_above_lesser(alive_share, power_share, worst, best), 0.0)
    moves = [np.abs(rate) * half[k] for k, rate in enumerate(life.rates(ALL, ALL, sizes))]
    moves[-1] = np.zeros_like(bent)
    return LinesAbove(middle, half, lines, rates, total, p, slopes, spreads, bent, bends, mixed, moves)


def most_above_tangent(p: Floats, spread: Any) -> tuple[Floats, Floats]:
    """Return how far the logarithm of a sum of exponentials may rise above its tangent, by terms and in all.

    Log-sum above its tangent: with p the shares at the point and r how far each exponent is from the tangent,
    ``sum p r = 0``, so that the rise is ``log(sum p e^r) = log(1 + sum p (e^r - 1 - r))``, and ``e^r - 1 - r`` is at
    most ``e^|r| - 1 - |r|`` and rises with ``|r|`` (test_log_sum_above_its_tangent).
    """
    bent = p * (np.expm1(spread) - spread)
    return bent, np.where((spread < LARGEST_SPREAD).all(axis=0), np.log1p(bent.sum(axis=0)), np.inf)


def least_shares(x: LinesAbove, gaps: Floats) -> Floats:
    """Return the least share that each exponent can have in the sum, in the box and as far as ``gaps`` below its line.

    Least share of an exponent: with r from ``-spread`` to ``spread`` and g from 0 to the gap,
    ``p_i e^(r_i - g_i) / sum p_j e^(r_j - g_j) >= p_i e^(-spread_i - gap_i) / sum p_j e^spread_j``
    (test_least_share_of_an_exponent).
    """
    spread = sum(x.spreads)
    found: Floats = x.p * np.exp(-spread - gaps) / (x.p * np.exp(spread)).sum(axis=0)
    return found


def shares_of_lesser(here: Exponents, worst: Exponents, best: Exponents) -> tuple[Floats, Floats]:
    """Return how much alive and power count in the lesser of them and zero, shapes (nodes, B).

    Any shares put a line above; these go over from one to the other where they are nearly the same.
    """
    alive, power, _ = here
    least = np.minimum(np.minimum(alive, power), 0.0)
    width = SHARE_OF_RANGE * 0.5 * (best[0] - worst[0] + best[1] - worst[1]) + LEAST_SPREAD
    parts = [np.exp((least - line) / width) for line in (alive, power, np.zeros_like(alive))]
    total = sum(parts)
    return parts[0] / total, parts[1] / total


def mean_above_lesser(alive_share: Floats, power_share: Floats, worst: Exponents, best: Exponents) -> Floats:
    """Return how far the mean of alive, power and zero may be above the least of them.

    Gap of a mean above the lesser: ``s a + t p - min(a, p, 0)`` is the largest of ``(s - 1) a + t p``,
    ``s a + (t - 1) p`` and ``s a + t p``, each largest at an end of a and of p by the sign of its factor
    (test_gap_of_a_mean_above_the_lesser).
    """
    over_alive = (alive_share - 1.0) * worst[0] + power_share * best[1]
    over_power = alive_share * best[0] + (power_share - 1.0) * worst[1]
    over_zero = alive_share * best[0] + power_share * best[1]
    found: Floats = np.maximum(np.maximum(over_alive, over_power), np.maximum(over_zero, 0.0))
    return found


def tangent_gap(down: Floats, up: Floats) -> Floats:
    """Return ``max(e^d - 1 - d)`` for d from ``down`` to ``up``: at an end, as it is convex."""
    found: Floats = np.maximum(np.expm1(down) - down, np.expm1(up) - up)
    return found


def exponential(x: Values) -> Values:
    """Return an exponential that does not overflow."""
    return np.exp(np.minimum(x, LARGEST_EXPONENT))
