"""Planes below the Lagrangian of a box, each at a better point and with better prices of the rules than the last.

A plane comes from a point of the box, where its tangents are taken, and from a price for every rule. The plane itself
says where in the box it is lowest, and the values of the rules there say which prices are too low or too high. The best
point and prices so far are the centre; the next try is a step from there, as long along each coordinate as the
curvature between the last two planes suggests. A step that leads to a worse plane only teaches the curvature. Boxes
hand point and prices on to their halves, so that the search goes on where it was.

Source: proximal bundle methods (Kiwiel, Proximity control in bundle methods, 1990); dual coordinate ascent (Hildreth,
A quadratic programming procedure, 1957).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.certify.affine import LARGEST, Forward
from dawndusk.optimize.certify.alike import Group
from dawndusk.optimize.certify.backward import at_point, plane
from dawndusk.optimize.certify.curves import PADDING
from dawndusk.optimize.certify.operations import Tape
from dawndusk.optimize.certify.rows import ROW_TOLERANCE, Linear, best_multiplier, cut
from dawndusk.optimize.certify.selection import Selection

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]
Places: TypeAlias = NDArray[np.intp]

FIRST_STEP = 0.5
"""How far the first step goes along the steepest coordinate of a box, of its half width."""
LEAST_BEND = 0.5
"""Curvature is at least this share of the steepest slope, so that no step is longer than two half widths."""
BEND_RANGE = 0.1, 10.0
"""Curvature along one coordinate, in multiples of the mean one."""
STIFFER = 4.0
"""Growth of the curvature where a step led to a worse plane and showed none."""
FAR = 1e-3
"""A coordinate that moved by less shows no curvature."""
PRICE_SWEEPS = 2
STIFF_SHARE = 0.1
"""How much coordinates at their ends count at least in how fast a rule gives way to its price."""
DEAREST = 1e4
"""A price times its row's slope, at most, in multiples of the slope of the Lagrangian; what is dearer proves nothing
but by its rounding."""
TINY = 1e-300
CROWDED = 0.7
"""Closed boxes are left out of the next plane where fewer than this share is open."""


@dataclass
class Lifting:
    """What is known of B boxes while their bounds are lifted.

    ``bound`` and ``blame`` are those of ``Boxes``; ``lower`` and ``upper`` what is left of [-1, 1]^d. ``u`` is the
    point of the next plane and ``prices``, of shape (rows, B), what the rows cost in it.
    """

    bound: Floats
    lower: Floats
    upper: Floats
    blame: Floats
    u: Floats
    prices: Floats

    def is_open(self, cutoff: float) -> Flags:
        """Return which boxes may still hold something of interest."""
        found: Flags = ~(self.bound > cutoff) & (self.lower <= self.upper).all(axis=0)
        return found

    def take(self, chosen: Places) -> Lifting:
        """Return what is known of some of the boxes."""
        return Lifting(*(part.take(chosen, axis=-1) for part in vars(self).values()))

    def put(self, chosen: Places, other: Lifting) -> None:
        """Take over what is known of some of the boxes."""
        for name, part in vars(self).items():
            part[..., chosen] = getattr(other, name)


@dataclass
class _Tried:
    """A point, its prices, the plane that they gave, the values of the rows at the point, and the least of the plane.

    ``values`` has one row for each row of the Lagrangian.
    """

    u: Floats
    prices: Floats
    slopes: Floats
    below: Floats
    values: Floats
    least: Floats

    def take(self, chosen: Places) -> _Tried:
        return _Tried(*(part.take(chosen, axis=-1) for part in vars(self).values()))

    def better(self, other: _Tried) -> _Tried:
        """Return for each box that of the two whose plane is higher."""
        chosen = other.least > self.least
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return _Tried(*(np.where(chosen, new, old) for old, new in pairs))


class Lifter:
    """Lifts the bounds of boxes of one tape, ``planes`` times at most."""

    def __init__(self, tape: Tape, needed: Sequence[int], groups: Sequence[Group], planes: int) -> None:
        self.tape, self.needed, self.groups, self.planes = tape, needed, groups, planes

    def lift(self, forward: Forward, rows: Sequence[Linear], known: Lifting, cutoff: float) -> None:
        """Lift bounds, cut what is above ``cutoff``, and note where bounds are lost; ``known`` is changed in place.

        ``rows`` are those that may be broken in some box; all others have the price zero.
        """
        places = np.arange(forward.count)
        work, part, here = known.take(places), forward, list(rows)
        centre: _Tried | None = None
        mixed: tuple[Floats, Floats] | None = None
        bend = np.zeros(known.u.shape)
        for turn in range(self.planes):
            alive = work.is_open(cutoff)
            if not alive.any():
                break
            if alive.mean() < CROWDED:
                known.put(places, work)
                left = np.flatnonzero(alive)
                places, work, bend = places[left], work.take(left), bend.take(left, axis=-1)
                part, here = Selection(forward, places), [row.take(left) for row in here]
                centre = centre.take(left) if centre is not None else None
                mixed = (mixed[0].take(left, axis=1), mixed[1].take(left)) if mixed is not None else None
            ends = turn in (0, self.planes - 1)
            blame = np.zeros_like(work.blame) if ends else None
            tried = self._try(part, here, work, blame)
            self._use(work, tried.slopes, tried.below, cutoff)
            if mixed is not None:
                mixed = _mixed(mixed, tried)
                self._use(work, *mixed, cutoff)
            else:
                mixed = tried.slopes, tried.below
            if centre is None:
                bend = np.broadcast_to(_steepest(tried) / FIRST_STEP, tried.u.shape)
                work.blame = blame if blame is not None else work.blame
                centre = tried
            else:
                if blame is not None:
                    work.blame = np.where(tried.least > centre.least, blame, work.blame)
                bend = _curvature(centre, tried, here, bend)
                centre = centre.better(tried)
            work.u, work.prices = steer(centre, here, 1.0 / bend)
        known.put(places, work)

    def _try(self, forward: Forward, rows: Sequence[Linear], work: Lifting, blame: Floats | None) -> _Tried:
        """Return what a plane at the next point, with the next prices, comes to."""
        operations = self.tape.operations
        middle, half = 0.5 * (forward.low + forward.high), 0.5 * (forward.high - forward.low)
        points = at_point(operations, forward, middle + half * work.u, self.needed)
        weights: dict[int, Any] = {self.tape.objective: np.ones(forward.count)}
        shift: Any = 0.0
        values = np.empty((len(rows), forward.count))
        for number, row in enumerate(rows):
            assert row.slot is not None
            price = work.prices[row.place]
            values[number] = row.sign * points[row.slot] + row.shift
            weights[row.slot] = weights.get(row.slot, 0.0) + price * row.sign
            shift = shift + price * (row.shift - ROW_TOLERANCE)
        slopes, below = plane(operations, forward, weights, points, blame, self.groups)
        slopes, below = known_planes(slopes, below + shift)
        return _Tried(work.u, work.prices, slopes, below, values, below - np.abs(slopes).sum(axis=0))

    @staticmethod
    def _use(work: Lifting, slopes: Floats, below: Floats, cutoff: float) -> None:
        least = below - np.abs(slopes).sum(axis=0)
        cut(slopes, cutoff - least, work.lower, work.upper)
        work.bound = np.maximum(work.bound, least)


def known_planes(slopes: Floats, below: Floats) -> tuple[Floats, Floats]:
    """Return planes lowered by what rounding may do, in place of those that overflowed one that says nothing."""
    below = below - PADDING * (np.abs(below) + np.abs(slopes).sum(axis=0))
    lost = ~np.isfinite(below)
    return np.where(lost, 0.0, slopes), np.where(lost, -LARGEST, below)


def steer(centre: _Tried, rows: Sequence[Linear], step: Floats) -> tuple[Floats, Floats]:
    """Return the point of the box and the prices that a quadratic model around the centre has for the best.

    The model is the plane with a curvature of ``1 / step`` along each coordinate, and rows that go on straight from
    their values at the centre. Prices are improved one by one.
    """
    slopes, prices = centre.slopes.copy(), centre.prices.copy()
    u = np.clip(centre.u - step * slopes, -1.0, 1.0)
    steepest = _steepest(centre)
    for _ in range(PRICE_SWEEPS):
        for number, row in enumerate(rows):
            value = centre.values[number] + (row.slopes * (u - centre.u)).sum(axis=0)
            gives = step * row.slopes * row.slopes
            stiff = np.maximum((gives * (np.abs(u) < 1.0)).sum(axis=0), STIFF_SHARE * gives.sum(axis=0))
            before = prices[row.place]
            unit = steepest / np.maximum(np.abs(row.slopes).max(axis=0), TINY)
            most = np.minimum(before + unit, np.maximum(DEAREST * unit, before))
            price = np.clip(before + np.where(stiff > 0.0, value / np.where(stiff > 0.0, stiff, 1.0), 0.0), 0.0, most)
            price = np.where(row.counts & np.isfinite(price), price, before)
            slopes += (price - before) * row.slopes
            prices[row.place] = price
            u = np.clip(centre.u - step * slopes, -1.0, 1.0)
    return np.where(np.isfinite(u), u, centre.u), prices


def _steepest(tried: _Tried) -> Floats:
    found: Floats = np.maximum(np.abs(tried.slopes).max(axis=0), TINY)
    return found


def _curvature(centre: _Tried, tried: _Tried, rows: Sequence[Linear], before: Floats) -> Floats:
    """Return the curvature along each coordinate that two planes show, their prices taken out."""
    moved, changed = tried.u - centre.u, tried.slopes - centre.slopes
    for row in rows:
        changed = changed - (tried.prices[row.place] - centre.prices[row.place]) * row.slopes
    better = tried.least > centre.least
    steepest = np.where(better, _steepest(tried), _steepest(centre))
    bent, length = (moved * changed).sum(axis=0), (moved * moved).sum(axis=0)
    shown = bent / np.where(length > 0.0, length, 1.0)
    guess = np.where(better, 1.0, STIFFER) * before.mean(axis=0)
    mean = np.where(bent > 0.0, np.maximum(shown, LEAST_BEND * steepest), guess)
    far = np.abs(moved) > FAR
    own = np.where(far, changed / np.where(far, moved, 1.0), -1.0)
    bend = np.where(own > 0.0, np.clip(own, BEND_RANGE[0] * mean, BEND_RANGE[1] * mean), mean)
    return np.where(np.isfinite(bend) & (bend > 0.0), bend, steepest / FIRST_STEP)


def _mixed(mixed: tuple[Floats, Floats], tried: _Tried) -> tuple[Floats, Floats]:
    """Return the mean of two planes whose least value is highest."""
    slopes, below = mixed
    share = np.minimum(best_multiplier(slopes, tried.slopes - slopes, tried.below - below), 1.0)
    return slopes + share * (tried.slopes - slopes), below + share * (tried.below - below)
