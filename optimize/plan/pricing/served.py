"""What satellites serve and stay in each period after their launch, as functions of the design life alone.

What is paid for service in each period is taken apart into a share that never rises with age, which is paid for what
has been served by the end of each period, and the rest, which is paid for years in orbit. Both are bounded from the
side that a proof needs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def parted(paid: Floats) -> tuple[Floats, Floats, Floats]:
    """Return what is paid in each period as what never rises with age, what is paid more, and what is charged."""
    positive = np.maximum(paid, 0.0)
    steady = np.minimum.accumulate(positive, axis=1)
    return steady, positive - steady, np.maximum(-paid, 0.0)


def means_of(
    paid: Floats, lives: Floats, late: tuple[float, float], length: float
) -> tuple[Floats, NDArray[np.float64]]:
    """Return what the mean up to an age is multiplied by, shape (periods, P, lives), and the age of each period.

    ``sum over j of paid[p, j] served[j]`` is the sum over i of ``paid[p, i - 1] - paid[p, i]`` times what is served by
    the end of period i, which is at most what the ages of the cohort come to times the mean up to the least of them.
    """
    factor, begun = late
    ends = length * np.arange(1, paid.shape[1] + 1)
    full = factor * (ends - begun * length)
    most = np.where(lives >= ends[:, None] - 0.5 * length, full[:, None], factor * lives)
    steps = -np.diff(paid, axis=1, append=0.0)
    return steps.T[:, :, None] * most[:, None, :], ends - length


def presence(paid: Floats, lives: Floats, length: float, *, most: bool) -> tuple[Floats, NDArray[np.float64]]:
    """Return what is paid times the years in orbit in each period, shape (periods, P, lives), and an age of each.

    A cohort that is launched evenly over a period retires evenly over one. The years are those at the nodes, moved
    outward by what lines between them miss; the age is the least there is in the period, or the greatest.
    """
    begins = length * np.arange(paid.shape[1])
    past = np.clip((lives - begins[:, None]) / length, -1.0, 1.0)
    years = length * np.where(past < 0.0, 0.5 * (1.0 + past) ** 2, 1.0 - 0.5 * (1.0 - past) ** 2)
    years[0] = length * np.where(past[0] < 1.0, past[0] - 0.5 * past[0] ** 2, 0.5)
    bent = (lives[1] - lives[0]) ** 2 / (2.0 * length)
    inside = (past > -1.0) & (past < 1.0)
    years = np.where(inside, np.maximum(years + (bent if most else -bent), 0.0), years)
    ages = np.maximum(begins - length, 0.0) if most else begins + length
    return paid.T[:, :, None] * years[:, None, :], np.asarray(ages, dtype=np.float64)


def by_ages(values: Floats, own: NDArray[np.float64], ages: NDArray[np.float64], *, up: bool) -> list[Floats]:
    """Return values of shape (periods, P, lives) by age: the one at or below their own, or with ``up`` at or above."""
    side = np.searchsorted(ages, own, side="left") if up else np.searchsorted(ages, own, side="right") - 1
    total = [np.zeros(values.shape[1:]) for _ in ages]
    for number, value in zip(side, values, strict=True):
        total[number] += value
    return total
