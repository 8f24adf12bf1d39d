"""Where the curves of a plan are cut into straight pieces: learning by line, volume discount by vehicle.

Chords of the learning premium lie below it wherever it is concave, and its one kink upward is an end of a chord; a
tier of the volume discount is priced at its upper end. So both make a plan cheaper than it is, and the model stays a
lower bound. Cuts at what a plan bought make both exact there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.fleet.economy import Economy
from dawndusk.models.fleet.learning import chord_error, chord_points, premium_after

Floats = NDArray[np.float64]

FIRST_PIECES = 8
TIER_RATIO = 2.0


class Price(NamedTuple):
    """A line below what launches of a vehicle cost in a tier: per listed price, per launch, and at all.

    The last two are in units of money of the model.
    """

    of_listed: float
    per_launch: float
    fixed: float


@dataclass(frozen=True, eq=False)
class Pieces:
    """The cuts: reference satellites by line and year, launches by vehicle, both from 0 to the most that can be bought.

    Attributes
    ----------
    learning : mapping of str to tuple of array
        By line, for each year of the horizon, the cuts of what the line has built by its end.
    volume : mapping of str to array
        By vehicle.
    heights : mapping of str to tuple of array
        Premium at the cuts, where it is not that of the learning curve: of lines, which are no bound.
    reach : mapping of str to tuple of array
        The least and the most that each line has built by the end of each year, shape (Y,) each, where that is known of
        the plans that matter.
    whole : array, optional
        Which launches are whole numbers in the model, shape (V, P); without it those that can only be few.
    satellites : array, optional
        Which satellites are whole numbers in the model, shape (D, V, P); none without it.
    prices : mapping of str to tuple of tuple of Price
        By vehicle, for each tier, lines that what is paid lies above; where there are none, it is the listed price
        times the factor at the upper end of the tier.
    limit_prices : mapping of str to tuple of tuple of Price
        The same for limits that count money otherwise than the objective does.
    flown : array, optional
        Launches in each year that the premium on cadence is exact at, shape (V, Y).
    """

    learning: Mapping[str, tuple[Floats, ...]]
    volume: Mapping[str, Floats]
    heights: Mapping[str, tuple[Floats, ...]] = field(default_factory=dict)
    reach: Mapping[str, tuple[Floats, Floats]] = field(default_factory=dict)
    whole: NDArray[np.bool_] | None = None
    satellites: NDArray[np.bool_] | None = None
    prices: Mapping[str, tuple[tuple[Price, ...], ...]] = field(default_factory=dict)
    limit_prices: Mapping[str, tuple[tuple[Price, ...], ...]] = field(default_factory=dict)
    flown: Floats | None = None

    def premiums(self, economy: Economy, line: str, year: int) -> Floats:
        """Return the learning premium at the cuts of a line in a year, in reference satellites."""
        if line in self.heights:
            return self.heights[line][year]
        return premium_after(economy.assumptions.cost, economy.terms.built_before, self.learning[line][year])

    def error(self, economy: Economy, line: str, year: int) -> float:
        """Return by how much the premium of a line at the end of a year exceeds its chords, in reference satellites."""
        if year < 0 or line in self.heights:
            return 0.0
        cost, before = economy.assumptions.cost, economy.terms.built_before
        cuts = self.learning[line][year]
        low, high = 0.0, float(cuts[-1])
        if line in self.reach:
            low, high = float(self.reach[line][0][year]), float(self.reach[line][1][year])
        return chord_error(cost, before, cuts, low, high)


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
        name: (chord_points(cost, before, most_units(economy, number), FIRST_PIECES),) * economy.calendar.years
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
    learning = {
        line: tuple(np.append(cuts, cuts[-1] * factor) for cuts in by_year) for line, by_year in pieces.learning.items()
    }
    return Pieces(learning, pieces.volume)
