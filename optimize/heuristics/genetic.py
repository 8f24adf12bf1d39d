"""Offspring of rows: crossover and mutation of numbers and names, each for a whole population at once.

Simulated binary crossover and polynomial mutation of Deb and Agrawal (1995) and Deb and Goyal (1996); differential
steps of Storn and Price (1997). A name is taken from either parent, and mutates to any other.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.space.columns import SpaceColumns

Floats: TypeAlias = NDArray[np.float64]

CROSSOVER_SHARE, CROSSED_COLUMNS = 0.9, 0.5
CROSSOVER_INDEX, MUTATION_INDEX = 15.0, 20.0
STEP_LOW, STEP_HIGH = 0.4, 0.9
STEP_COLUMNS = 0.8
EVEN = 0.5
MOVED_LOW = 0.2
"""A step nearby moves between this share and all of the columns."""
LEAST = 1e-300


def crossed(columns: SpaceColumns, left: Floats, right: Floats, rng: np.random.Generator) -> Floats:
    """Return one child of each pair of rows of shape (N, D)."""
    u = rng.random(left.shape)
    spread = np.where(u <= EVEN, 2.0 * u, 1.0 / np.maximum(2.0 * (1.0 - u), LEAST)) ** (1.0 / (CROSSOVER_INDEX + 1.0))
    side = np.where(rng.random(left.shape) < EVEN, 1.0, -1.0)
    number = 0.5 * (left + right) + 0.5 * side * spread * (left - right)
    name = np.where(rng.random(left.shape) < EVEN, left, right)
    child = np.where(columns.category, name, number)
    keep = rng.random(left.shape) >= CROSSED_COLUMNS
    keep |= rng.random((len(left), 1)) >= CROSSOVER_SHARE
    return np.where(keep, left, child)


def mutated(columns: SpaceColumns, rows: Floats, rng: np.random.Generator, share: float | None = None) -> Floats:
    """Return rows with some columns moved; on average one of each row, or a share of them."""
    chance = share if share is not None else 1.0 / max(int(columns.free.sum()), 1)
    at = (rng.random(rows.shape) < chance) & columns.free
    u = rng.random(rows.shape)
    power = 1.0 / (MUTATION_INDEX + 1.0)
    shift = np.where(u < EVEN, (2.0 * u) ** power - 1.0, 1.0 - np.maximum(2.0 * (1.0 - u), 0.0) ** power)
    number = rows + shift
    step = _whole_step(columns, rows, rng)
    number = np.where(columns.whole & (np.abs(shift) * columns.counts < 1.0), step, number)
    name = np.floor(rng.random(rows.shape) * columns.counts)
    return np.where(at, np.where(columns.category, name, number), rows)


def _whole_step(columns: SpaceColumns, rows: Floats, rng: np.random.Generator) -> Floats:
    """Return rows with each whole number moved to a neighbour: a smaller move would be rounded away."""
    step = 1.0 / np.where(np.isfinite(columns.counts), np.maximum(columns.counts, 1.0), 1.0)
    return rows + np.where(rng.random(rows.shape) < EVEN, step, -step)


def children(columns: SpaceColumns, parents: Floats, mates: Floats, rng: np.random.Generator) -> Floats:
    """Return one child of each parent and its mate, shape (N, D), inside the space."""
    return columns.snapped(_reflected(columns, mutated(columns, crossed(columns, parents, mates, rng), rng)))


def stepped(
    columns: SpaceColumns, base: Floats, left: Floats, right: Floats, target: Floats, rng: np.random.Generator
) -> Floats:
    """Return differential steps ``base + F (left - right)`` crossed into their targets, shape (N, D)."""
    factor = rng.uniform(STEP_LOW, STEP_HIGH, (len(base), 1))
    number = base + factor * (left - right)
    name = np.where(rng.random(base.shape) < EVEN, base, left)
    donor = np.where(columns.category, name, number)
    taken = rng.random(base.shape) < STEP_COLUMNS
    taken[np.arange(len(base)), rng.integers(base.shape[1], size=len(base))] = True
    return columns.snapped(_reflected(columns, np.where(taken, donor, target)))


def _reflected(columns: SpaceColumns, rows: Floats) -> Floats:
    """Return rows whose numbers beyond an end are put back by as much inside it."""
    folded = np.abs(rows)
    folded = np.where(folded > 1.0, np.maximum(2.0 - folded, 0.0), folded)
    return np.where(columns.category, rows, folded)


def nearby(columns: SpaceColumns, rows: Floats, width: Floats, rng: np.random.Generator) -> Floats:
    """Return rows moved by a normal step of ``width``, shape (N, 1), in some of the columns; few names."""
    moved = rng.random(rows.shape) < rng.uniform(MOVED_LOW, 1.0, (len(rows), 1))
    number = rows + width * rng.standard_normal(rows.shape)
    number = np.where(columns.whole & (width * columns.counts < 1.0), _whole_step(columns, rows, rng), number)
    other = np.floor(rng.random(rows.shape) * columns.counts)
    name = np.where(rng.random(rows.shape) < 1.0 / max(int(columns.free.sum()), 1), other, rows)
    return columns.snapped(_reflected(columns, np.where(columns.category, name, np.where(moved, number, rows))))
