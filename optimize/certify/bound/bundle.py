"""Planes below the Lagrangian of a box, each at a better point and with better multipliers of the rules than the last.

A plane comes from a point of the box, where its tangents are taken, and from a Lagrange multiplier for every rule. The
plane itself says where in the box it is lowest, and the values of the rules there say which multipliers are too low or
too high. The best point and multipliers so far are the stability centre; the next try is a step from there, as long
along each coordinate as the curvature between the last two planes suggests. A step to a higher plane is a serious step,
and moves the centre; one to a lower plane is a null step, and only teaches the curvature. At the end comes the best
mean of all planes and the lines of the rules. Boxes hand point and multipliers on to their halves, so that the search
goes on where it was. Points and multipliers decide how good a bound is, not whether it holds:

- Weak duality: ``min {f : g <= 0} >= min (f + p . g)`` for every ``p >= 0``, over any box (test_weak_duality).
- Least of a plane over a box: ``min (c . u + b) = b - sum |c|`` for u in [-1, 1]^d (test_least_of_a_plane_over_a_box).
- Mean of planes and rows: with shares of planes below f that add up to one and multipliers of rows, none negative,
  ``sum share plane + sum multiplier row`` is below f wherever the rows hold (test_mean_of_planes_and_rows).

Sources: Geoffrion, Lagrangean relaxation for integer programming, 1974; Lemaréchal, Lagrangian relaxation, 2001;
Kiwiel, Proximity control in bundle methods for convex nondifferentiable minimization, 1990 (centre, serious and null
steps); Hildreth, A quadratic programming procedure, 1957 (dual coordinate ascent).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.certify.bound.affine import ForwardBounds
from dawndusk.optimize.certify.bound.backward import at_point, plane
from dawndusk.optimize.certify.bound.curve_sums import CurveSum, companions
from dawndusk.optimize.certify.bound.forms import LARGEST
from dawndusk.optimize.certify.bound.master import BundleMaster
from dawndusk.optimize.certify.bound.rows import LinearBounds, cut
from dawndusk.optimize.certify.bound.selection import SelectedBounds
from dawndusk.optimize.certify.functions.curves import PADDING
from dawndusk.optimize.certify.graph.operations import ExpressionGraph

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
"""How much coordinates at their ends count at least in how fast a rule gives way to its multiplier."""
DEAREST = 1e4
"""A multiplier times its row's slope, at most, in multiples of the slope of the Lagrangian; what is dearer proves
nothing but by its rounding."""
ASTRAY = 1.0
"""Where no plane lifted the bound of a box and a multiplier is above this share of the objective, its parts begin with
no multipliers: dear rules that prove nothing have run away, and few planes do not bring them back."""
TINY = 1e-300
CROWDED = 0.7
"""Closed boxes are left out of the next plane where fewer than this share is open."""


@dataclass
class BundleState:
    """What is known of B boxes while their bounds are lifted.

    ``bound`` and ``blame`` are those of ``Boxes``; ``lower`` and ``upper`` what is left of [-1, 1]^d. ``u`` is the
    point of the next plane and ``multipliers``, of shape (rows, B), what the rows cost in it.
    """

    bound: Floats
    lower: Floats
    upper: Floats
    blame: Floats
    u: Floats
    multipliers: Floats

    def is_open(self, cutoff: float) -> Flags:
        """Return which boxes may still hold something of interest."""
        found: Flags = ~(self.bound > cutoff) & (self.lower <= self.upper).all(axis=0)
        return found

    def take(self, chosen: Places) -> BundleState:
        """Return what is known of some of the boxes."""
        return BundleState(*(part.take(chosen, axis=-1) for part in vars(self).values()))

    def put(self, chosen: Places, other: BundleState) -> None:
        """Take over what is known of some of the boxes."""
        for name, part in vars(self).items():
            part[..., chosen] = getattr(other, name)


@dataclass
class _Tried:
    """A point, its multipliers, the plane that they gave and its least, and the values of the rows at the point.

    ``values`` has one row for each row of the Lagrangian.
    """

    u: Floats
    multipliers: Floats
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


@dataclass
class _Bundle:
    """The planes of B boxes so far, the best of them in the centre, and what it takes to find the next.

    ``rows`` are those of the boxes, ``bend`` is the curvature along each coordinate, shape (d, B).
    """

    tries: list[_Tried]
    rows: Sequence[LinearBounds]
    centre: _Tried | None
    bend: Floats

    @staticmethod
    def begin(goal: LinearBounds, rows: Sequence[LinearBounds], known: BundleState) -> _Bundle:
        """Return a bundle that knows a line below the objective alone."""
        free = np.zeros_like(known.multipliers)
        first = _Tried(known.u, free, goal.slopes, goal.below, np.zeros((0, len(goal.below))), goal.low)
        return _Bundle([first], rows, None, np.zeros(known.u.shape))

    def take(self, chosen: Places) -> _Bundle:
        """Return what is known of some of the boxes."""
        centre = self.centre.take(chosen) if self.centre is not None else None
        rows = [row.take(chosen) for row in self.rows]
        return _Bundle([tried.take(chosen) for tried in self.tries], rows, centre, self.bend.take(chosen, axis=-1))

    def is_better(self, tried: _Tried) -> Flags:
        """Return where a plane is higher than the centre."""
        return np.ones(len(tried.least), dtype=bool) if self.centre is None else tried.least > self.centre.least

    def add(self, tried: _Tried) -> None:
        """Take in a plane: a serious step where it is higher than that of the centre, else a null step."""
        self.tries.append(tried)
        if self.centre is None:
            self.bend = np.broadcast_to(_steepest(tried) / FIRST_STEP, tried.u.shape)
            self.centre = tried
        else:
            self.bend = _curvature(self.centre, tried, self.rows, self.bend)
            self.centre = self.centre.better(tried)

    def steer(self) -> tuple[Floats, Floats]:
        """Return the next point and multipliers."""
        assert self.centre is not None
        return steer(self.centre, self.rows, 1.0 / self.bend)

    def mean(self, start: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return slopes, constant, multipliers and lowest point of the highest mean of all planes and rows."""
        count = len(start[0])
        lines = [(tried.slopes, tried.below, np.ones(count, dtype=bool)) for tried in self.tries]
        for row in self.rows:
            counts = np.broadcast_to(row.counts, (count,))
            lines.append((np.where(counts, row.slopes, 0.0), np.where(counts, row.below - row.tolerance, 0.0), counts))
        slopes, below, counts = (np.stack(part) for part in zip(*lines, strict=True))
        shares, point = BundleMaster(slopes, below, counts, len(self.tries)).solve(start)
        multipliers = np.zeros_like(self.tries[0].multipliers)
        for tried, share in zip(self.tries, shares, strict=False):
            multipliers += share * tried.multipliers
        for row, multiplier in zip(self.rows, shares[len(self.tries) :], strict=True):
            multipliers[row.place] += multiplier
        return (
            *known_planes((slopes * shares[:, np.newaxis]).sum(axis=0), (below * shares).sum(axis=0)),
            multipliers,
            point,
        )


class BundleMethod:
    """Lifts the bounds of boxes of one graph, ``planes`` times at most."""

    def __init__(self, graph: ExpressionGraph, needed: Sequence[int], groups: Sequence[CurveSum], planes: int) -> None:
        self.graph, self.needed, self.groups, self.planes = graph, needed, groups, planes
        self.companions = companions(graph.operations, needed)
        self._free = frozenset({*graph.limits, *(row.node for row in graph.rows if row.node is not None)})

    def lift(
        self,
        forward: ForwardBounds,
        goal: LinearBounds,
        rows: Sequence[LinearBounds],
        known: BundleState,
        cutoff: float,
    ) -> None:
        """Lift bounds, cut what is above ``cutoff``, and note where bounds are lost; ``known`` is changed in place.

        ``goal`` is below the objective. ``rows`` are those that may be broken in some box; all others have the
        multiplier zero.
        """
        places, before = np.arange(forward.count), known.bound.copy()
        work, part, bundle = known.take(places), forward, _Bundle.begin(goal, rows, known)
        for turn in range(self.planes):
            alive = work.is_open(cutoff)
            if not alive.any():
                break
            if alive.mean() < CROWDED:
                known.put(places, work)
                left = np.flatnonzero(alive)
                places, work, bundle = places[left], work.take(left), bundle.take(left)
                part = SelectedBounds(forward, places)
            last = turn == self.planes - 1
            blame = np.zeros_like(work.blame) if turn == 0 or last else None
            tried = self._try(part, bundle.rows, work, blame)
            _use(work, tried.slopes, tried.below, cutoff)
            if blame is not None:
                work.blame = np.where(bundle.is_better(tried), blame, work.blame)
            bundle.add(tried)
            work.u, work.multipliers = bundle.steer()
            lost = (work.blame.sum(axis=0) < cutoff - work.bound) & np.isfinite(cutoff)
            self._combine(work, bundle, lost, work.is_open(cutoff) & (lost | last), cutoff, moves=not last)
        known.put(places, work)
        dear = ASTRAY * (1.0 if self.graph.logarithm else abs(cutoff))
        astray = (known.bound <= before) & (known.multipliers.max(axis=0, initial=0.0) > dear)
        known.u[:, astray], known.multipliers[:, astray] = 0.0, 0.0

    def _try(
        self, forward: ForwardBounds, rows: Sequence[LinearBounds], work: BundleState, blame: Floats | None
    ) -> _Tried:
        """Return what a plane at the next point, with the next multipliers, comes to."""
        operations = self.graph.operations
        middle, half = 0.5 * (forward.low + forward.high), 0.5 * (forward.high - forward.low)
        points = at_point(operations, forward, middle + half * work.u, self.needed, self._free)
        weights: dict[int, Any] = {self.graph.objective: np.ones(forward.count)}
        shift: Any = 0.0
        values = np.empty((len(rows), forward.count))
        for number, row in enumerate(rows):
            assert row.node is not None
            multiplier = work.multipliers[row.place]
            values[number] = row.sign * points[row.node] + row.shift
            weights[row.node] = weights.get(row.node, 0.0) + multiplier * row.sign
            shift = shift + multiplier * (row.shift - row.tolerance)
        slopes, below = plane(operations, forward, weights, points, blame, self.groups, self.companions)
        slopes, below = known_planes(slopes, below + shift)
        return _Tried(work.u, work.multipliers, slopes, below, values, below - np.abs(slopes).sum(axis=0))

    @staticmethod
    def _combine(work: BundleState, bundle: _Bundle, lost: Flags, used: Flags, cutoff: float, *, moves: bool) -> None:
        """Use the best mean of the planes and rows of some boxes; go on from it where steps by curvature are ``lost``.

        They are where lines that are apart do not make up for the distance to the cutoff, so that the multipliers must
        be wrong. Elsewhere such steps lead to better planes than the mean does, which knows the rules by their lines
        only; and to a better point of the halves of a box, so that only the next plane of the box itself ``moves`` with
        it.
        """
        chosen = np.flatnonzero(used)
        if not len(chosen):
            return
        part, far = work.take(chosen), lost[chosen]
        slopes, below, multipliers, point = bundle.take(chosen).mean(part.u)
        _use(part, slopes, below, cutoff)
        part.multipliers, part.u = np.where(far, multipliers, part.multipliers), np.where(far & moves, point, part.u)
        work.put(chosen, part)


def _use(work: BundleState, slopes: Floats, below: Floats, cutoff: float) -> None:
    """Lift bounds to a plane's least over the box, and cut off where it is above the cutoff."""
    least = below - np.abs(slopes).sum(axis=0)
    cut(slopes, cutoff - least, work.lower, work.upper)
    work.bound = np.maximum(work.bound, least)


def known_planes(slopes: Floats, below: Floats) -> tuple[Floats, Floats]:
    """Return planes lowered by what rounding may do, in place of those that overflowed one that says nothing."""
    below = below - PADDING * (np.abs(below) + np.abs(slopes).sum(axis=0))
    lost = ~np.isfinite(below)
    return np.where(lost, 0.0, slopes), np.where(lost, -LARGEST, below)


def steer(centre: _Tried, rows: Sequence[LinearBounds], step: Floats) -> tuple[Floats, Floats]:
    """Return the point of the box and the multipliers that a quadratic model around the centre has for the best.

    The model is the plane with a curvature of ``1 / step`` along each coordinate, and rows that go on straight from
    their values at the centre. Prices are improved one by one.
    """
    slopes, multipliers = centre.slopes.copy(), centre.multipliers.copy()
    u = np.clip(centre.u - step * slopes, -1.0, 1.0)
    steepest = _steepest(centre)
    for _ in range(PRICE_SWEEPS):
        for number, row in enumerate(rows):
            value = centre.values[number] + (row.slopes * (u - centre.u)).sum(axis=0)
            gives = step * row.slopes * row.slopes
            stiff = np.maximum((gives * (np.abs(u) < 1.0)).sum(axis=0), STIFF_SHARE * gives.sum(axis=0))
            before = multipliers[row.place]
            unit = steepest / np.maximum(np.abs(row.slopes).max(axis=0), TINY)
            most = np.minimum(before + unit, np.maximum(DEAREST * unit, before))
            multiplier = np.clip(
                before + np.where(stiff > 0.0, value / np.where(stiff > 0.0, stiff, 1.0), 0.0), 0.0, most
            )
            multiplier = np.where(row.counts & np.isfinite(multiplier), multiplier, before)
            slopes += (multiplier - before) * row.slopes
            multipliers[row.place] = multiplier
            u = np.clip(centre.u - step * slopes, -1.0, 1.0)
    return np.where(np.isfinite(u), u, centre.u), multipliers


def _steepest(tried: _Tried) -> Floats:
    found: Floats = np.maximum(np.abs(tried.slopes).max(axis=0), TINY)
    return found


def _curvature(centre: _Tried, tried: _Tried, rows: Sequence[LinearBounds], before: Floats) -> Floats:
    """Return the curvature along each coordinate that two planes show, their multipliers taken out."""
    moved, changed = tried.u - centre.u, tried.slopes - centre.slopes
    for row in rows:
        changed = changed - (tried.multipliers[row.place] - centre.multipliers[row.place]) * row.slopes
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
