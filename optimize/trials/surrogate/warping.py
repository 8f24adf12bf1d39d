"""Monotone warps that bring outcomes of many magnitudes to a scale on which a process fits, and back.

A warp first takes a value's logarithm or inverse hyperbolic sine, or leaves it, and may then compress what is worse
than usual: how bad a bad value is matters little, but would spoil the fit where it matters. The second step is in the
manner of the half-rank warp of Song et al. (2024), "The Vizier Gaussian process bandit algorithm".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Shape: TypeAlias = Literal["straight", "logarithm", "arcsinh"]

FARTHEST = 30.0
"""Warped values are turned back at most this far from their mean, in standard deviations, so that none overflows."""
LEAST_SCALE = 1e-12
NORMAL_QUARTILE_RANGE = 1.349
MOST_COMPRESSED = 1.0 - 1e-6
BEST_SHARE = 0.1


@dataclass(frozen=True)
class Warp:
    """A warp: ``shape((y - centre) / scale)``, compressed above ``knee`` over a ``reach``, then standardised."""

    shape: Shape
    centre: float
    scale: float
    knee: float = np.inf
    reach: float = 1.0
    mean: float = 0.0
    deviation: float = 1.0

    def __call__(self, values: Floats) -> Floats:
        """Return warped values of any shape."""
        return (self._compressed(_shaped(self.shape, (values - self.centre) / self.scale)) - self.mean) / self.deviation

    def back(self, warped: Floats) -> Floats:
        """Return the values of warped ones."""
        return self.centre + self.scale * _unshaped(self.shape, self._expanded(warped)[0])

    def slope_back(self, warped: Floats) -> Floats:
        """Return the derivative of ``back``."""
        shaped, slope = self._expanded(warped)
        return self.scale * self.deviation * slope * _slope_of_unshaped(self.shape, shaped)

    def log_slope(self, values: Floats) -> Floats:
        """Return the logarithm of the warp's derivative, which makes densities comparable between warps."""
        return -np.log(np.maximum(self.slope_back(self(values)), LEAST_SCALE))

    def _compressed(self, shaped: Floats) -> Floats:
        beyond = np.maximum((shaped - self.knee) / self.reach, 0.0)
        return np.minimum(shaped, self.knee) - self.reach * np.expm1(-beyond) if np.isfinite(self.knee) else shaped

    def _expanded(self, warped: Floats) -> tuple[Floats, Floats]:
        """Return what was compressed to warped values, and the derivative."""
        shaped = np.clip(warped, -FARTHEST, FARTHEST) * self.deviation + self.mean
        if not np.isfinite(self.knee):
            return shaped, np.ones_like(shaped)
        beyond = np.clip((shaped - self.knee) / self.reach, 0.0, MOST_COMPRESSED)
        return np.minimum(shaped, self.knee) - self.reach * np.log1p(-beyond), 1.0 / (1.0 - beyond)

    def standardised(self, values: Floats) -> Warp:
        """Return the warp with the mean and the deviation of values."""
        warped = replace(self, mean=0.0, deviation=1.0)(values)
        return replace(self, mean=float(warped.mean()), deviation=max(float(warped.std()), LEAST_SCALE))


def _shaped(shape: Shape, values: Floats) -> Floats:
    if shape == "straight":
        return values
    return np.log(np.maximum(values, LEAST_SCALE)) if shape == "logarithm" else np.arcsinh(values)


def _unshaped(shape: Shape, shaped: Floats) -> Floats:
    if shape == "straight":
        return shaped
    return np.exp(shaped) if shape == "logarithm" else np.sinh(shaped)


def _slope_of_unshaped(shape: Shape, shaped: Floats) -> Floats:
    if shape == "straight":
        return np.ones_like(shaped)
    return np.exp(shaped) if shape == "logarithm" else np.cosh(shaped)


def _compressing(warp: Warp, values: Floats, knee: float) -> Warp:
    """Return a warp that compresses above a value; the reach is how far the better values spread below it."""
    shaped = _shaped(warp.shape, (values - warp.centre) / warp.scale)
    at = float(_shaped(warp.shape, np.array((knee - warp.centre) / warp.scale)))
    below = shaped[shaped <= at]
    reach = float(at - np.quantile(below, BEST_SHARE)) if len(below) else 0.0
    return Warp(warp.shape, warp.centre, warp.scale, at, max(reach, LEAST_SCALE))


def warps_of_goal(values: Floats, first: Floats, worst: float) -> list[Warp]:
    """Return the warps to try for a goal: straight, logarithm or arcsinh, and the second compressed where it is bad.

    Parameters
    ----------
    values : array of shape (N,)
        What is to be warped.
    first : array of shape (K,)
        The values of the first trials, which are spread evenly over the space, for the scales.
    worst : float
        The worst value on the front, which is not to be compressed.
    """
    low, middle, high = np.quantile(first, [0.25, 0.5, 0.75])
    spread = max(float(high - low) / NORMAL_QUARTILE_RANGE, LEAST_SCALE * max(1.0, float(np.abs(values).max())))
    positive = values.min() > 0.0
    bent = Warp("logarithm", 0.0, 1.0) if positive else Warp("arcsinh", float(middle), spread)
    compressed = _compressing(bent, np.append(first, values), max(float(middle), worst))
    return [w.standardised(values) for w in (Warp("straight", 0.0, 1.0), bent, compressed)]


def warps_of_rule(values: Floats, first: Floats) -> list[Warp]:
    """Return the warps to try for a violation: straight, arcsinh about zero, the rule's edge, and that compressed."""
    usual = max(float(np.median(np.abs(first))), LEAST_SCALE)
    bent = Warp("arcsinh", 0.0, usual)
    broken = first[first > 0.0]
    warps = [Warp("straight", 0.0, 1.0), bent]
    if len(broken):
        warps.append(_compressing(bent, np.append(first, values), float(np.median(broken))))
    return [warp.standardised(values) for warp in warps]
