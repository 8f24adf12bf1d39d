"""What a satellite serves over its life, in a linear model: planes above and below the logarithm of an integral.

In logarithms of what ages it the integral is ``g = log sum w_i exp(z_i)``, where every ``z_i`` is the lesser of
straight lines in the rates of ageing, and these are exponentials of the arguments. A logarithm of a sum bends up by the
variance of its exponents; the exponentials bend each exponent down by as much as its mean. Of what fades over a life
the second is the larger, so that ``g`` is nearly concave and its tangent planes hardly have to be raised to stand above
it. By how much is not measured but bounded, in parts of the box.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.physics.reliability import NODES, WEIGHTS
from dawndusk.optimize.certify.functions.curves import PADDING
from dawndusk.optimize.certify.functions.joint import LOG_LEAST, LOGS, LogServed
from dawndusk.optimize.certify.lp.model.columns import NodeRanges, Term

if TYPE_CHECKING:
    from dawndusk.optimize.certify.graph.operations import Joint

Floats: TypeAlias = NDArray[np.float64]

PLAIN = [0, 3]
"""The arguments that are given as they are: the logarithms of spares and oversize."""
LARGEST_EXPONENT = 30.0
SHIFTS = (0.0, *(4.0**k for k in range(-5, 2)))
"""Multiples of the largest entry of a quadratic form by which it is moved to bend down."""
ELIMINATED = 1e-14
"""What rounding does when variables are eliminated from a form, per unit of all that was subtracted on the way."""
LARGEST_RISE = 30.0
"""Planes that have to be higher say nothing."""
MOST_CUTS, NEAR = 16, 2e-4
MOST_SPLITS, MOST_SHOWN, MOST_PARTS = 7, 64, 512
"""Cuts of a box one after the other, and parts of it, in which what is served is shown to bend down."""
WIDEST_SHOWN = 3.0
"""Boxes in which the logarithm of a rate is wider than this have never been shown to, and are not tried."""
STEPS = 24
CLOSE = 2e-6
MARGIN, TINY, LEAST_CURVED = 1e-9, 1e-30, 1e-9
SERIES_BELOW = 1e-3
"""Below it the first terms of a series take the place of a quotient that would lose its digits."""
A_SIXTH_ABOVE, A_THIRD_ABOVE = 1.0 / 5.9, 1.0 / 2.9
"""Second terms of these series, raised by more than the terms left out."""


def upper_plane(
    function: LogServed,
    low: Floats,
    high: Floats,
    at: Floats,
    known: dict[bytes, bool] | None = None,
    near: float = NEAR,
) -> tuple[Floats, float] | None:
    """Return slopes and constant of a plane above what is served over a box of the arguments, close to it at a point.

    Each exponent is taken by the line that is the lesser at the point, which elsewhere is above. In spares and oversize
    what is left is convex; where ``bends_down`` shows it concave in the rates its maximum less the plane is at the ends
    of the first, and there at most the tangent at any point. Else the maximum is bounded in parts of the box, which are
    cut until the bound is as near as asked for or cutting has gone far enough. None is returned where the plane would
    say nothing.
    """
    held = lines_at(function, at[:, np.newaxis])
    key = np.stack(held).tobytes()
    known = known if known is not None else {}
    if key not in known:
        known[key] = bends_down(function, low, high, held)
    slopes = _at(function, at[:, np.newaxis], held).slopes[:, 0]
    if known[key]:
        start = _highest(function, low, high, at, held, slopes)
    else:
        start = _raised(function, (low, high), at, held, slopes, near)
    if not start < LARGEST_RISE:
        return None
    start = max(start, LOG_LEAST - float(np.minimum(slopes * low, slopes * high).sum()))
    return slopes, start + 16.0 * PADDING * (1.0 + abs(start) + float(np.abs(slopes * at).sum()))


def _highest(
    function: LogServed, low: Floats, high: Floats, at: Floats, held: tuple[Floats, Floats], slopes: Floats
) -> float:
    """Return a bound on a concave function of the rates less a plane, over all of them at the ends of the others."""
    corners = np.array([[spare, oversize] for spare in (low[0], high[0]) for oversize in (low[3], high[3])]).T
    place = np.repeat(at[:, np.newaxis], corners.shape[1], axis=1)
    place[PLAIN] = corners
    lows, highs = low[LOGS][:, np.newaxis], high[LOGS][:, np.newaxis]
    best = np.full(corners.shape[1], np.inf)
    for _ in range(STEPS):
        point = _at(function, place, held)
        steep = (point.slopes - slopes[:, np.newaxis])[LOGS]
        inside = point.value - (slopes[:, np.newaxis] * place).sum(axis=0)
        reach = np.maximum(steep * (lows - place[LOGS]), steep * (highs - place[LOGS])).sum(axis=0)
        best = np.minimum(best, inside + reach)
        if bool((reach <= CLOSE).all()):
            break
        place[LOGS] = np.clip(place[LOGS] + _newton(point, steep, place[LOGS], lows, highs), lows, highs)
    return float(best.max())


def _newton(point: _Point, steep: Floats, place: Floats, lows: Floats, highs: Floats) -> Floats:
    """Return steps towards the maximum, of the rates that are not held at an end."""
    form = _curvature(point, point.shares, point.slopes[LOGS])
    free = ~(((place <= lows) & (steep < 0.0)) | ((place >= highs) & (steep > 0.0)))
    both = free.T[:, :, np.newaxis] & free.T[:, np.newaxis]
    held = np.where(free.T, LEAST_CURVED, 1.0)[:, :, np.newaxis]
    curved = np.where(both, form, 0.0) - np.eye(len(LOGS)) * held
    step = -np.linalg.solve(curved, np.where(free, steep, 0.0).T[:, :, np.newaxis])[:, :, 0].T
    found: Floats = np.where(free, np.clip(step, -1.0, 1.0), 0.0)
    return found


def _curvature(point: _Point, shares: Floats, mean: Floats) -> Floats:
    """Return the second derivatives in the rates, shape (B, 4, 4), from shares of the exponents and their means."""
    apart = (point.moves - point.slopes[:, np.newaxis])[LOGS]
    form: Floats = np.einsum("inb,nb,jnb->bij", apart, shares, apart)
    places = np.arange(len(LOGS))
    form[:, places, places] += mean.T
    return form


def bends_down(function: LogServed, low: Floats, high: Floats, held: tuple[Floats, Floats]) -> bool:
    """Return whether what is served is shown to be concave in the rates over a box, each exponent by a given line.

    Second derivatives are the covariance of how the exponents move under their shares in the sum, less the mean of
    each. In a part of the box the shares have ends, and with the most of them the covariance is at most what it is
    about the mean at the middle. A step of ``v`` at rates that are ``e^d`` times those of the middle moves exponents
    like one of ``v e^d`` there, and of what it bends them down ``e^-d`` is left.
    """
    if float((high - low)[LOGS].max()) > WIDEST_SHOWN:
        return False
    lows, highs = low[:, np.newaxis], high[:, np.newaxis]
    for _ in range(MOST_SPLITS):
        point, most, least, blame = _part(function, lows, highs, held)
        mean = (point.moves[LOGS] * least).sum(axis=1) * np.exp(-(highs - _middle(lows, highs))[LOGS])
        form = _curvature(point, most, mean)
        size = np.sqrt(np.maximum(-point.slopes[LOGS], TINY)).T
        form /= size[:, :, np.newaxis] * size[:, np.newaxis]
        open_ = np.linalg.eigvalsh(form)[:, -1] > -MARGIN
        if not open_.any():
            return True
        if open_.sum() > MOST_SHOWN:
            return False
        lows, highs = _halves(lows[:, open_], highs[:, open_], np.argmax(blame[:, open_], axis=0))
    return False


def _part(
    function: LogServed, low: Floats, high: Floats, held: tuple[Floats, Floats]
) -> tuple[_Point, Floats, Floats, Floats]:
    """Return the middle of boxes, the most and the least that shares can be in each, and what moves them."""
    at = _middle(low, high)
    point = _at(function, at, held)
    down, up = low - at, np.minimum(high - at, LARGEST_EXPONENT)
    own = np.zeros_like(at)
    own[LOGS] = up[LOGS] * np.minimum(1.0, -point.slopes[LOGS])
    down[LOGS], up[LOGS] = np.expm1(down[LOGS]), np.expm1(up[LOGS])
    apart = point.moves - point.slopes[:, np.newaxis]
    ends = apart * down[:, np.newaxis], apart * up[:, np.newaxis]
    rises, falls = np.maximum(*ends), np.minimum(*ends)
    most = point.shares * np.exp(np.minimum(rises.sum(axis=0), LARGEST_EXPONENT))
    least = point.shares * np.exp(falls.sum(axis=0)) / most.sum(axis=0)
    return point, most, least, (rises - falls).max(axis=1) + own


@dataclass(frozen=True, eq=False)
class _Point:
    """What is served at points: its value (B,), slopes (6, B), the exponents' (6, nodes, B) and shares (nodes, B)."""

    value: Floats
    slopes: Floats
    moves: Floats
    shares: Floats


def lines_at(function: LogServed, at: Floats) -> tuple[Floats, Floats]:
    """Return which lines are the lesser at points (6, B): one for alive, and for power, of shape (nodes, B)."""
    x, worn = np.array(NODES)[:, np.newaxis], function.worn
    failures, wear, array_loss, _ = np.exp(at[LOGS])
    alive, power = at[0] - failures * x - wear * worn, at[3] - array_loss * x
    by_alive = (alive <= power) & (alive <= 0.0)
    by_power = (power < alive) & (power <= 0.0)
    return by_alive.astype(np.float64), by_power.astype(np.float64)


def _at(function: LogServed, at: Floats, held: tuple[Floats, Floats]) -> _Point:
    """Return what is served at points of shape (6, B), each exponent by a line that is above it."""
    x, worn = np.array(NODES)[:, np.newaxis], function.worn
    failures, wear, array_loss, lost = np.exp(at[LOGS])
    alive, power = at[0] - failures * x - wear * worn, at[3] - array_loss * x
    by_alive, by_power = held
    exponents = by_alive * alive + by_power * power - lost * x + np.log(np.array(WEIGHTS))[:, np.newaxis]
    top = exponents.max(axis=0)
    p = np.exp(exponents - top)
    total = p.sum(axis=0)
    p /= total
    moves = np.stack(
        [
            np.broadcast_to(by_alive, x.shape[:1] + at.shape[1:]),
            -by_alive * (failures * x),
            -by_alive * (wear * worn),
            np.broadcast_to(by_power, x.shape[:1] + at.shape[1:]),
            -by_power * (array_loss * x),
            -(lost * x),
        ]
    )
    return _Point(top + np.log(total), (moves * p).sum(axis=1), moves, p)


def _raised(
    function: LogServed,
    box: tuple[Floats, Floats],
    at: Floats,
    held: tuple[Floats, Floats],
    slopes: Floats,
    near: float,
) -> float:
    """Return a bound on what is served less a plane over a box: bounds on parts of it, cut where they are highest."""
    lows, highs = (end[:, np.newaxis] for end in box)
    inside, tops, blame = _tops(function, (lows, highs), at[:, np.newaxis], held, slopes)
    reached, settled = float(inside[0]), -np.inf
    for turn in range(MOST_CUTS):
        close = tops <= reached + near
        settled = max(settled, float(tops[close].max(initial=-np.inf)))
        if close.all():
            return settled
        if turn == MOST_CUTS - 1 or 2 * int((~close).sum()) > MOST_PARTS:
            break
        lows, highs = _halves(lows[:, ~close], highs[:, ~close], np.argmax(blame[:, ~close], axis=0))
        inside, tops, blame = _best_tops(function, (lows, highs), held, slopes)
        reached = max(reached, float(inside.max()))
    return max(settled, float(tops.max()))


def _best_tops(
    function: LogServed, box: tuple[Floats, Floats], held: tuple[Floats, Floats], slopes: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return what ``_tops`` says at the middle of boxes, by the lines that are held or by those that are lesser there.

    The values are those of the lesser lines, which are what is served itself.
    """
    points = _middle(*box)
    count = points.shape[1]
    lesser = lines_at(function, points)
    other = np.flatnonzero(sum((one != line).any(axis=0) for one, line in zip(held, lesser, strict=True)))
    which = np.concatenate([np.arange(count), other])
    lines = [
        np.concatenate([np.broadcast_to(one, line.shape), line[:, other]], axis=1)
        for one, line in zip(held, lesser, strict=True)
    ]
    low, high, at = (part[:, which] for part in (*box, points))
    inside, tops, blame = _tops(function, (low, high), at, (lines[0], lines[1]), slopes)
    inside[other], tops[other] = inside[count:], np.minimum(tops[other], tops[count:])
    return inside[:count], tops[:count], blame[:, :count]


def _tops(
    function: LogServed, box: tuple[Floats, Floats], at: Floats, held: tuple[Floats, Floats], slopes: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return a value of what is served less ``slopes . arguments`` in each box, a bound on it, and who is to blame.

    With ``p`` the shares of the sum at a point ``a0`` of the box, ``e = exp(a - a0) - 1`` what a rate changes by
    (``a - a0`` itself for spares and oversize) and ``r`` how the exponents move with it, the integral is at most
    ``g(a0) + p . r e + log sum p exp(s)``, ``s = (r - p . r) e``. There ``exp(s) - 1 - s`` is at most its quotient by
    ``s^2`` at the largest ``s`` times ``s^2``. Of ``p . r e`` what is not linear in ``a`` is
    ``-|p . r| (e - log(1 + e))``, at most a multiple of ``-e^2``, by the same quotient at the largest ``e``. What is
    left is a quadratic form.
    """
    low, high = box
    point = _at(function, at, held)
    down, up = low - at, np.minimum(high - at, LARGEST_EXPONENT)
    steep = point.slopes - slopes[:, np.newaxis]
    reach = np.maximum(steep * down, steep * up)
    inside = point.value - (slopes[:, np.newaxis] * at).sum(axis=0)
    down[LOGS], up[LOGS] = np.expm1(down[LOGS]), np.expm1(up[LOGS])
    apart = point.moves - point.slopes[:, np.newaxis]
    spread = np.maximum(apart * down[:, np.newaxis], apart * up[:, np.newaxis]).sum(axis=0)
    weight = point.shares * _over_square(np.minimum(spread, LARGEST_EXPONENT))
    form = np.einsum("inb,jnb->ijb", apart * weight, apart)
    falls = np.zeros_like(at)
    falls[LOGS] = -point.slopes[LOGS] * _fall_over_square(up[LOGS])
    size = np.maximum(-down, up)
    places = np.arange(len(at))
    own = form[places, places] * size**2
    form[places, places] -= falls
    form *= size[:, np.newaxis] * size
    return inside, inside + reach.sum(axis=0) + largest_form(form), reach + own


def _middle(low: Floats, high: Floats) -> Floats:
    """Return the middle of boxes, of the rates that of their own values."""
    middle = 0.5 * (low + high)
    middle[LOGS] = np.clip(np.logaddexp(low[LOGS], high[LOGS]) - np.log(2.0), low[LOGS], high[LOGS])
    return middle


def _halves(low: Floats, high: Floats, axis: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Return both halves of boxes."""
    places = axis, np.arange(low.shape[1])
    middle = _middle(low, high)
    lower, upper = high.copy(), low.copy()
    lower[places] = upper[places] = middle[places]
    return np.concatenate([low, upper], axis=1), np.concatenate([lower, high], axis=1)


def largest_form(form: Floats) -> Floats:
    """Return a bound on ``q . form q`` for six numbers ``q`` in [-1, 1]; symmetric forms of shape (6, 6, B).

    The rates are eliminated from the form less a shift of their squares. Where every pivot is below zero what is left
    for the others bounds it, entry by entry, and the shift itself adds its value for each rate. Of several shifts the
    best one counts.
    """
    shift = np.array(SHIFTS)[:, np.newaxis] * np.abs(form[LOGS][:, LOGS]).max(axis=(0, 1))
    order = [*LOGS, *PLAIN]
    left = {(i, j): form[order[i], order[j]] for i in range(len(order)) for j in range(i, len(order))}
    left.update({(i, i): left[i, i] - shift for i in range(len(LOGS))})
    falls, size = np.ones(shift.shape, dtype=bool), np.zeros(shift.shape)
    for k in range(len(LOGS)):
        falls &= left[k, k] < -TINY
        pivot = np.where(falls, left[k, k], -np.inf)
        for i in range(k + 1, len(order)):
            factor = left[k, i] / pivot
            for j in range(i, len(order)):
                part = factor * left[k, j]
                size += np.abs(part)
                left[i, j] = left[i, j] - part
    first, last = len(LOGS), len(LOGS) + 1
    rest = np.maximum(left[first, first], 0.0) + np.maximum(left[last, last], 0.0) + 2.0 * np.abs(left[first, last])
    shifted = np.where(falls, rest + len(LOGS) * shift + ELIMINATED * size, np.inf).min(axis=0)
    diagonal = form[range(len(form)), range(len(form))]
    entries = np.abs(form).sum(axis=(0, 1)) - np.maximum(-diagonal, 0.0).sum(axis=0)
    found: Floats = np.fmin(entries, shifted) + ELIMINATED * np.abs(form).sum(axis=(0, 1))
    return found


def _over_square(s: Floats) -> Floats:
    """Return ``(e^s - 1 - s) / s^2``, which rises with s."""
    small = np.abs(s) < SERIES_BELOW
    safe = np.where(small, 1.0, s)
    return np.where(small, 0.5 + np.maximum(s, 0.0) * A_SIXTH_ABOVE, (np.expm1(safe) - safe) / (safe * safe))


def _fall_over_square(e: Floats) -> Floats:
    """Return ``(e - log(1 + e)) / e^2``, which falls with e."""
    small = np.abs(e) < SERIES_BELOW
    safe = np.where(small, 1.0, e)
    return np.where(small, 0.5 - np.maximum(e, 0.0) * A_THIRD_ABOVE, (safe - np.log1p(safe)) / (safe * safe))


class RowSink(Protocol):
    """A linear model that takes rows over nodes."""

    @property
    def ranges(self) -> NodeRanges:
        """The ends of every node."""

    def add(self, name: str, terms: Iterable[Term], low: float, high: float) -> None:
        """Add a row: the sum of the terms between its ends."""


def enclose(relaxation: RowSink, node: int, operation: Joint, *, above: bool = True) -> None:
    """Add planes around what is served to a model: below it, and above unless the model has those already."""
    function = operation.function
    assert isinstance(function, LogServed)
    ends = np.array([relaxation.ranges.within(inner) for inner in operation.nodes])
    low, high = ends[:, 0], ends[:, 1]
    middle = 0.5 * (low + high)
    planes = function.planes(*(at[:, np.newaxis] for at in (low, high, middle)))
    _plane(relaxation, node, operation, planes.slopes[:, 0], (float(planes.least[0]), np.inf))
    found = upper_plane(function, low, high, middle) if above else None
    if found is not None:
        _plane(relaxation, node, operation, found[0], (-np.inf, found[1]))


def _plane(relaxation: RowSink, node: int, operation: Joint, slopes: Floats, ends: tuple[float, float]) -> None:
    terms = [(inner, -float(slope)) for inner, slope in zip(operation.nodes, slopes, strict=True)]
    relaxation.add(f"joint_{node}", [(node, 1.0), *terms], *ends)
