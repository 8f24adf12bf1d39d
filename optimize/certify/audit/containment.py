"""Whether boxes hold what is in them: each operation inside its enclosure, each score above its bound.

The truth is the recording itself, worked out node by node at designs in floating point, as the model does it; the claim
is what the forward pass and the bounds say of a box that holds the design.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.design import DesignBatch
from dawndusk.optimize.boxes import Boxes
from dawndusk.optimize.certify.bound.affine import UnruledBounds
from dawndusk.optimize.certify.bound.forms import ZERO, AffineForm
from dawndusk.optimize.certify.bound.rows import count_rows
from dawndusk.optimize.certify.branch.boxes import Bounder
from dawndusk.optimize.certify.branch.designs import with_whole_spares
from dawndusk.optimize.certify.graph.operations import Rounding
from dawndusk.optimize.certify.safety import safe, unsafe
from dawndusk.optimize.certify.translate.nodes import evaluated

Floats: TypeAlias = NDArray[np.float64]
Places: TypeAlias = NDArray[np.intp]
Flags: TypeAlias = NDArray[np.bool_]

ROUNDED = 3e-9
"""What the model's own arithmetic may differ by from that of its enclosures, relative to the value and the slopes."""
EDGE = 1e-9
SCALES = (1e-14, 1e-11, 1e-9, 1e-8, 1e-6, 1e-4, 0.01, 0.3, 1.0)
"""Sides of boxes, relative to the ranges of the coordinates."""
AT_AN_END, DEGENERATE = 0.35, 0.15
"""Shares of the sides at an end of which the design lies, and of those without width."""


@dataclass(frozen=True, eq=False)
class Broken:
    """Where a claim about a box is wrong: the places of designs, and one sentence about each."""

    places: Places
    words: tuple[str, ...]


def node_values(bounder: Bounder, batch: DesignBatch, combination: Places) -> dict[int, Floats]:
    """Return the value of every node of the recording at N designs by the recorded operations, shape (N,) each.

    Spares are the whole number that flies, which is what their coordinate stands for.
    """
    statement = bounder.statement
    batch = with_whole_spares(batch)
    values: dict[int, Any] = {}
    with np.errstate(all="ignore"):
        for number in bounder.builder.needed:
            recorded = statement.recording.nodes[number]
            if recorded.kind == "constant":
                values[number] = float(recorded.payload)
            elif recorded.kind == "parameter":
                values[number] = statement.parameters[recorded.payload][combination]
            elif recorded.kind == "input":
                values[number] = batch.values[recorded.payload]
            elif recorded.kind == "locate":
                values[number] = values[recorded.reads[0]]
            else:
                reads = [np.broadcast_to(values[read], combination.shape) for read in recorded.reads]
                values[number] = np.asarray(evaluated(recorded, reads))
    return {number: np.broadcast_to(value, combination.shape) for number, value in values.items()}


def boxes_around(
    bounder: Bounder, points: Floats, combination: Places, scale: float, rng: np.random.Generator
) -> Boxes:
    """Return a box around each point, its sides at most ``scale`` of all there is, the point anywhere in its box.

    Some sides have no width, and some have the point at their end. Where a look goes on from, and what rows cost there,
    is anything: it is not to matter for what is proved.
    """
    root = bounder.root()
    low, high = root.low[:, combination], root.high[:, combination]
    low, high = np.minimum(low, points), np.maximum(high, points)
    shape = points.shape
    width = (high - low) * scale * 10.0 ** rng.uniform(-1.5, 0.0, shape)
    width = np.where(rng.random(shape) < DEGENERATE, 0.0, width)
    share = np.where(rng.random(shape) < AT_AN_END, np.rint(rng.random(shape)), rng.random(shape))
    start = np.minimum(np.maximum(points - share * width, low), points)
    end = np.maximum(np.minimum(points + (1.0 - share) * width, high), points)
    count, rounded = points.shape[1], len(bounder.graph.roundings)
    rows = count_rows(bounder.graph), count
    multipliers = rng.exponential(size=rows) * 10.0 ** rng.uniform(-3.0, 2.0, rows) * (rng.random(rows) < 0.3)  # noqa: PLR2004
    return Boxes(
        start,
        end,
        np.full((rounded, count), -np.inf),
        np.full((rounded, count), np.inf),
        combination.copy(),
        np.full(count, -np.inf),
        np.ones((bounder.axes + rounded, count)),
        rng.uniform(start, end).astype(np.float32),
        multipliers.astype(np.float32),
    )


def bounds_broken(bounder: Bounder, boxes: Boxes, scores: Floats) -> Broken:
    """Return the boxes whose bound is above the score of a feasible design in them, shape (B,)."""
    bound = bounder.measure(boxes.copy(), np.inf)
    wrong = np.flatnonzero([score < safe(float(known)) for score, known in zip(scores, bound, strict=True)])
    words = tuple(f"score {float(scores[k])!r} in a box with the bound {float(bound[k])!r}" for k in wrong)
    return Broken(wrong, words)


def designs_lost(bounder: Bounder, boxes: Boxes, points: Floats, rounded: Floats, scores: Floats) -> Broken:
    """Return the boxes from which bounding cuts away a design in them that is not above the cutoff.

    The cutoff is the median score, so that half of the designs matter, raised by what is taken off a proved score: a
    design that is at the cutoff itself may go. ``rounded`` are the whole numbers of the designs, shape (k, B).
    """
    median = float(np.median(scores))
    cutoff = unsafe(median)
    left, closed, _ = bounder.bound(boxes.copy(), cutoff)
    keys = {column.tobytes() for column in np.concatenate([closed.low, closed.high]).T}
    kept = np.array([column.tobytes() not in keys for column in np.concatenate([boxes.low, boxes.high]).T])
    matters = scores <= median
    lost = list(np.flatnonzero(matters & ~kept))
    place = np.cumsum(kept) - 1
    own = np.flatnonzero(matters & kept)
    inside = _holds(left.take(place[own]), points[:, own], rounded[:, own])
    lost += list(own[~inside])
    return Broken(
        np.array(lost, dtype=np.intp), tuple(f"score {float(scores[k])!r} cut away at {cutoff!r}" for k in lost)
    )


def _holds(boxes: Boxes, points: Floats, rounded: Floats) -> Flags:
    """Return which boxes hold their point and its whole numbers, shape (B,)."""
    edge = EDGE * (1.0 + np.abs(points))
    inside = np.logical_and.reduce((points >= boxes.low - edge) & (points <= boxes.high + edge), axis=0)
    whole = (rounded >= boxes.least * (1.0 - EDGE)) & (rounded <= boxes.most * (1.0 + EDGE))
    found: Flags = np.asarray(inside & np.logical_and.reduce(whole, axis=0))
    return found


def whole_numbers(bounder: Bounder, values: dict[int, Floats]) -> Floats:
    """Return the whole numbers of designs in the order of the roundings, shape (k, N), from the values of the nodes."""
    found: dict[int, Floats] = {}
    for number, value in values.items():
        known = bounder.builder.values[number]
        recorded = bounder.statement.recording.nodes[number]
        if known.constant is not None or recorded.kind != "ufunc" or recorded.payload not in (np.floor, np.ceil):
            continue
        for node in known.made:
            if node in bounder.graph.roundings:
                found[node] = value
    count = len(next(iter(values.values())))
    rows = []
    for node in bounder.graph.roundings:
        operation = bounder.graph.operations[node]
        assert isinstance(operation, Rounding)
        rows.append(np.maximum(found[node], 1.0) if operation.at_least_one or operation.logarithm else found[node])
    return np.array(rows).reshape(len(rows), count)


def enclosures_broken(bounder: Bounder, boxes: Boxes, points: Floats, values: dict[int, Floats]) -> tuple[int, Broken]:
    """Return how many nodes were compared, and the boxes in which one lies outside its enclosure.

    No rule ends a range here, so that every design of a box lies in all of them; but at least one satellite has to fit
    a launch, which the enclosure of their number rests on (``Rounding.at_least_one``).
    """
    open_ended = np.full(boxes.least.shape, -np.inf)
    forward = UnruledBounds(boxes.low, boxes.high, boxes.combination, open_ended, -open_ended, {})
    with np.errstate(all="ignore"):
        forward.run(bounder.graph.operations)
    middle, half = 0.5 * (boxes.low + boxes.high), 0.5 * (boxes.high - boxes.low)
    u = np.where(half > 0.0, (points - middle) / np.where(half > 0.0, half, 1.0), 0.0)
    held = _held_at_one(bounder)
    compared, broken, words = 0, [], []
    for number, exact in values.items():
        known = bounder.builder.values[number]
        if known.constant is not None or bounder.statement.recording.nodes[number].kind == "locate":
            continue
        for node, is_log in zip(known.made, (False, True), strict=True):
            if node is None or (node in held and bounder.statement.recording.nodes[number].payload is not np.floor):
                continue
            compared += 1
            for place in np.flatnonzero(_outside(forward.forms[node], exact, u, is_log=is_log)):
                broken.append(int(place))
                words.append(_words(bounder, number, node, forward.forms[node], float(exact[place]), int(place)))
    return compared, Broken(np.array(broken, dtype=np.intp), tuple(words))


def _held_at_one(bounder: Bounder) -> set[int]:
    """Return the roundings that stand for the larger of themselves and one: below one a rule is broken."""
    operations = bounder.graph.operations
    return {s for s in bounder.graph.roundings if operations[s].at_least_one}  # type: ignore[union-attr]


def _outside(form: AffineForm, exact: Floats, u: Floats, *, is_log: bool) -> Flags:
    """Return where values are outside their range or off their plane by more than rounding explains, shape (N,)."""
    with np.errstate(all="ignore"):
        value = np.log(exact) if is_log else exact
        line = (form.slopes * u[list(form.axes)]).sum(axis=0)
        size = ROUNDED * (1.0 + np.abs(value) + np.abs(form.slopes).sum(axis=0))
        ends = (form.low - value, value - form.high, form.below - (value - line), (value - line) - form.above)
        found: Flags = np.max([np.broadcast_to(end, value.shape) for end in ends], axis=0) > size
    return found & np.isfinite(value) & ~(is_log & (exact < ZERO))


def _words(bounder: Bounder, number: int, node: int, form: AffineForm, exact: float, place: int) -> str:
    recorded = bounder.statement.recording.nodes[number]
    what = getattr(recorded.payload, "__name__", recorded.kind)
    low, high = (float(np.ravel(end)[place if np.size(end) > 1 else 0]) for end in (form.low, form.high))
    return f"recorded node {number} ({what}) is {exact!r}, enclosed by node {node} from {low!r} to {high!r}"
