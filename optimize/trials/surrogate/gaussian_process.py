"""Gaussian process regression on mixed rows, by maximum a posteriori likelihood with analytic gradients.

Rasmussen and Williams (2006), "Gaussian Processes for Machine Learning", equations 2.25, 2.26 and 5.9, with the mean
and the variance of the process profiled out (Santner, Williams and Notz (2003), section 3.3.2) and the prior on length
scales of Hvarfner, Hellsten and Nardi (2024), "Vanilla Bayesian optimization performs great in high dimensions".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dpotri, dpotrs, dtrtrs

Floats: TypeAlias = NDArray[np.float64]
Kernel: TypeAlias = Literal["matern", "gauss"]

KERNELS: tuple[Kernel, ...] = ("matern", "gauss")
SQRT_5 = np.sqrt(5.0)
FIVE_THIRDS = 5.0 / 3.0
LENGTH_LOG_MEAN, LENGTH_LOG_SD = np.sqrt(2.0), np.sqrt(3.0)
"""The prior of a length scale is log-normal about exp of the first times the root of the number of columns."""
LOG_LENGTHS = (np.log(0.02), np.log(200.0))
NOISE = (1e-8, 0.3)
NOISE_LOG_MEAN, NOISE_LOG_SD = np.log(1e-5), 4.0
FIRST_NOISE = 1e-4
JITTERS = (0.0, 1e-8, 1e-6, 1e-4, 1.0)
ROUNDS = 30
LEAST_VARIANCE = 1e-12


@dataclass(frozen=True, eq=False)
class Hyper:
    """What a process is fitted with: the kernel, log length scales, shape (groups,), and the share of noise."""

    kernel: Kernel
    log_lengths: Floats
    log_noise: float
    evidence: float = -np.inf


def correlation(kernel: Kernel, squared: Floats) -> Floats:
    """Return the correlation at scaled squared distances: Matérn 5/2, or the Gaussian."""
    if kernel == "gauss":
        falling: Floats = np.exp(-0.5 * squared)
        return falling
    distance = SQRT_5 * np.sqrt(squared)
    found: Floats = (1.0 + distance + FIVE_THIRDS * squared) * np.exp(-distance)
    return found


def _with_slope(kernel: Kernel, squared: Floats) -> tuple[Floats, Floats]:
    """Return the correlation, and minus twice its derivative by the squared distance."""
    if kernel == "gauss":
        falling: Floats = np.exp(-0.5 * squared)
        return falling, falling
    distance = SQRT_5 * np.sqrt(squared)
    falling = np.exp(-distance)
    slope = (1.0 + distance) * falling
    return slope + FIVE_THIRDS * squared * falling, FIVE_THIRDS * slope


def squared_distance(left: Floats, right: Floats) -> Floats:
    """Return squared distances between rows of shapes (N, F) and (M, F), shape (N, M)."""
    squares: Floats = np.sum(left**2, axis=1)[:, None] + np.sum(right**2, axis=1) - 2.0 * left @ right.T
    return np.maximum(squares, 0.0)


def _factor(correlations: Floats, noise: float) -> Floats:
    """Return the lower Cholesky factor, with as little added to the diagonal as it takes."""
    diagonal = np.diag_indices(len(correlations))
    for jitter in JITTERS:
        matrix = correlations.copy()
        matrix[diagonal] += noise + jitter
        lower, failed = dpotrf(matrix, lower=1, clean=1)
        if not failed:
            break
    return np.asarray(lower)


def _inverse(lower: Floats) -> Floats:
    """Return the inverse of the matrix with a Cholesky factor."""
    half, _ = dpotri(lower, lower=1)
    full: Floats = half + half.T
    full[np.diag_indices(len(full))] *= 0.5
    return full


@dataclass(frozen=True, eq=False)
class _Likelihood:
    """Minus the log posterior of hyperparameters, and its gradient."""

    kernel: Kernel
    features: Floats
    groups: NDArray[np.intp]
    values: Floats
    width: int

    def __call__(self, theta: Floats) -> tuple[float, Floats]:
        """Return the value and the gradient at (log lengths, log noise)."""
        log_lengths, noise = theta[:-1], np.exp(theta[-1])
        count = len(self.values)
        scaled = self.features / np.exp(log_lengths)[self.groups]
        squared = squared_distance(scaled, scaled)
        correlations, slope = _with_slope(self.kernel, squared)
        lower = _factor(correlations, noise)
        inverse = _inverse(lower)
        ones = inverse.sum(axis=1)
        weights = inverse @ self.values
        weights -= ones * (weights.sum() / ones.sum())
        variance = max(float(self.values @ weights) / count, LEAST_VARIANCE)
        outer = weights[:, None] * (weights / variance) - inverse
        value = 0.5 * count * np.log(variance) + np.sum(np.log(np.diag(lower)))
        gradient = np.append(-0.5 * self._by_lengths(outer * slope, scaled), -0.5 * noise * np.trace(outer))
        return self._with_prior(value, gradient, theta)

    def _by_lengths(self, product: Floats, scaled: Floats) -> Floats:
        """Return minus the sum over pairs of ``product`` times the slope of their squared distance, by log length."""
        each = 2.0 * (product.sum(axis=1) @ scaled**2 - np.sum(scaled * (product @ scaled), axis=0))
        return np.bincount(self.groups, weights=each, minlength=self.width).astype(np.float64)

    def _with_prior(self, value: float, gradient: Floats, theta: Floats) -> tuple[float, Floats]:
        mean = np.full(len(theta), LENGTH_LOG_MEAN + 0.5 * np.log(max(self.width, 1)))
        spread = np.full(len(theta), LENGTH_LOG_SD)
        mean[-1], spread[-1] = NOISE_LOG_MEAN, NOISE_LOG_SD
        off = (theta - mean) / spread
        return value + 0.5 * float(off @ off), gradient + off / spread


def usual_hyper(groups: NDArray[np.intp]) -> Hyper:
    """Return hyperparameters near the prior's mean."""
    width = int(groups.max(initial=-1)) + 1
    return Hyper("matern", np.full(width, 0.5 * np.log(max(width, 1))), float(np.log(FIRST_NOISE)))


def fitted(
    kernel: Kernel, features: Floats, groups: NDArray[np.intp], values: Floats, *, start: Hyper | None = None
) -> Hyper:
    """Return the hyperparameters of the largest posterior, from a start or from the prior's mean.

    Parameters
    ----------
    features : array of shape (N, F)
    groups : array of int, shape (F,)
        Features with one number share a length scale.
    values : array of shape (N,)
    """
    from scipy.optimize import minimize  # noqa: PLC0415 (slow to import, and a search may never fit a process)

    width = int(groups.max(initial=-1)) + 1
    begin = start or usual_hyper(groups)
    first = np.append(begin.log_lengths, begin.log_noise)
    bounds = [LOG_LENGTHS] * width + [(np.log(NOISE[0]), np.log(NOISE[1]))]
    found = minimize(
        _Likelihood(kernel, features, groups, values, width),
        np.clip(first, *np.transpose(bounds)),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": ROUNDS},
    )
    return Hyper(kernel, found.x[:-1], float(found.x[-1]), -float(found.fun))


@dataclass(frozen=True, eq=False)
class Process:
    """A Gaussian process given values of shape (N,) at features of shape (N, F)."""

    hyper: Hyper
    groups: NDArray[np.intp]
    features: Floats
    values: Floats

    @cached_property
    def _lengths(self) -> Floats:
        return np.exp(self.hyper.log_lengths)[self.groups]

    @cached_property
    def _scaled(self) -> Floats:
        return self.features / self._lengths

    @cached_property
    def _lower(self) -> Floats:
        squared = squared_distance(self._scaled, self._scaled)
        return _factor(correlation(self.hyper.kernel, squared), np.exp(self.hyper.log_noise))

    @cached_property
    def _solved(self) -> tuple[float, Floats, float]:
        """Return the mean, the weights of the data, and the variance of the process."""
        both, _ = dpotrs(self._lower, np.column_stack([np.ones(len(self.values)), self.values]), lower=1)
        ones, weights = both.T
        mean = float(weights.sum() / ones.sum())
        weights = weights - mean * ones
        return mean, weights, max(float((self.values - mean) @ weights) / len(self.values), LEAST_VARIANCE)

    @property
    def variance(self) -> float:
        """Return the variance of the process far from any data."""
        return self._solved[2]

    @cached_property
    def left_out(self) -> tuple[Floats, Floats]:
        """Return mean and variance at each datum given the others, shape (N,): the book's equations 5.10 to 5.12."""
        _, weights, variance = self._solved
        precision = np.diag(_inverse(self._lower))
        return self.values - weights / precision, variance / precision

    def correlations(self, features: Floats) -> Floats:
        """Return the correlation of the data with features of shape (M, F), shape (M, N)."""
        return self.between(features, self.features)

    def between(self, left: Floats, right: Floats) -> Floats:
        """Return the prior correlation of features of shapes (M, F) and (K, F), shape (M, K)."""
        return correlation(self.hyper.kernel, squared_distance(left / self._lengths, right / self._lengths))

    def mean(self, features: Floats) -> Floats:
        """Return the posterior mean at features of shape (M, F), shape (M,)."""
        mean, weights, _ = self._solved
        return mean + self.correlations(features) @ weights

    def posterior(self, features: Floats) -> tuple[Floats, Floats, Floats]:
        """Return posterior mean and variance, shape (M,), and what joint covariances are made of, shape (N, M)."""
        mean, weights, variance = self._solved
        correlations = self.correlations(features)
        part, _ = dtrtrs(self._lower, correlations.T, lower=1)
        left = 1.0 - np.einsum("nm,nm->m", part, part)
        return mean + correlations @ weights, variance * np.maximum(left, LEAST_VARIANCE), part
