"""Where the curves of a plan are cut into straight pieces: learning by line, volume discount by vehicle.

Chords of the learning premium lie below it wherever it is concave, and its one kink upward is an end of a chord; a
tier of the volume discount is priced at its upper end. So both make a plan cheaper than it is, and the model stays a
lower bound. Cuts at what a plan bought make both exact there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.fleet.economy import Economy
from dawndusk.models.fleet.learning import chord_error, chord_points, premium_after

Floats = NDArray[np.float64]

FIRST_PIECES = 8
TIER_RATIO = 2.0


@dataclass(frozen=True, eq=False)
class Pieces:
    """The cuts: reference satellites by line, launches by vehicle, both from 0 to the most that can be bought.

    ``reach`` has the least and the most that each line has built by the end of each year, shape (Y,) each, where that
    is known of the plans that matter. ``whole`` says which launches are whole numbers in the model, shape (V, P);
    without it those that can only be few.
    """

    learning: Mapping[str, Floats]
    volume: Mapping[str, Floats]
    reach: Mapping[str, tuple[Floats, Floats]] = field(default_factory=dict)
    whole: NDArray[np.bool_] | None = None

    def premiums(self, economy: Economy, line: str) -> Floats:
        """Return the learning premium at the cuts of a line, in reference satellites."""
        return premium_after(economy.assumptions.cost, economy.terms.built_before, self.learning[line])

    def error(self, economy: Economy, line: str, year: int) -> float:
        """Return by how much the premium of a line at the end of a year exceeds its chords, in reference satellites."""
        if year < 0:
            return 0.0
        cost, before = economy.assumptions.cost, economy.terms.built_before
        low, high = 0.0, float(self.learning[line][-1])
        if line in self.reach:
            low, high = float(self.reach[line][0][year]), float(self.reach[line][1][year])
        return chord_error(cost, before, self.learning[line], low, high)


def most_units(economy: Economy, line: int) -> float:
    """Return the most reference satellites that a line can build: every launch full of its satellites."""
    figures = economy.figures
    units = figures.hardware_usd / economy.line_usd[line]
    units = np.where(economy.line_of == line, units, 0.0)
    places = (figures.per_launch * units[:, None])[:, :, None] * economy.opens[:, None, :]
    return float(np.sum(places.max(axis=0) * economy.launching.most_in_period))


def first_pieces(economy: Economy) -> Pieces:
    """Return cuts to begin with."""
    cost, before = economy.assumptions.cost, economy.terms.built_before
    learning = {
        name: chord_points(cost, before, most_units(economy, number), FIRST_PIECES)
        for number, name in enumerate(economy.lines)
    }
    bought = economy.launching.most_in_year.sum(axis=1)
    launch = economy.assumptions.launch
    volume = {
        name: tiers(launch.volume_reference_launches if launch.volume_discount_per_doubling else np.inf, float(most))
        for name, most in zip(economy.launching.vehicles, bought, strict=True)
    }
    return Pieces(learning, volume)


def tiers(reference: float, most: float) -> Floats:
    """Return the ends of the tiers of a volume discount, which begins beyond ``reference`` launches."""
    if most <= reference:
        return np.array([0.0, max(most, 1.0)])
    count = int(np.ceil(np.log(most / reference) / np.log(TIER_RATIO)))
    inner = np.unique(np.floor(np.geomspace(reference, most, count + 1)))
    return np.concatenate([[0.0], inner]) if inner[0] > 0.0 else inner


def widened(pieces: Pieces, factor: float) -> Pieces:
    """Return pieces that reach further by a factor, for catalogues that may come to build more."""
    learning = {line: np.append(cuts, cuts[-1] * factor) for line, cuts in pieces.learning.items()}
    return Pieces(learning, pieces.volume)
