"""Branching: where to cut a box in two, and one step of the search on a batch of boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.boxes import Boxes
from dawndusk.optimize.certify.branch.boxes import Bounder

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]

NARROWEST = 1e-9
"""Widths of coordinates below it are not cut any more."""
LEAST_BLAME = 1e-15
WORST = 1e6
"""The most that is unexplained, where no bound is known."""
AGAIN_RATIO = 0.4
"""Boxes of which less than this share is left are looked at a second time before they are cut."""
WORTHWHILE = 3000
"""Boxes that take about three times as long as one, since a look goes over the whole graph for however many. A round of
fewer is cut into more parts: it takes half the rounds, and a third of the time on studies of a few thousand boxes."""
MOST_CUTS = 3
CUT_SHARE = 0.25
"""What is lost along a coordinate in half of a box: lines leave a curve with the square of its width."""
SAMPLED_EVERY = 61
"""Of the boxes that were closed, one in so many is kept for the audit to replay."""


@dataclass
class Branched:
    """What one step left: open boxes, boxes that can not be cut any more, some of those closed, and the count."""

    open: Boxes
    stuck: Boxes
    closed: Boxes
    count: int


def cuts(count: int) -> int:
    """Return how many times the boxes of a round of so many are cut in two before they are bounded."""
    return int(np.clip(np.log2(WORTHWHILE / max(count, 1)), 1, MOST_CUTS))


def examine(bounder: Bounder, boxes: Boxes, cutoff: float, cut: int) -> Branched:
    """Cut boxes in two where bounds are lost, bound the parts, and return what may still hold something of interest.

    They are ``cut`` so many times; with 0 the boxes themselves are bounded.
    """
    parts, stuck = _parts(bounder, boxes, cutoff, cut)
    if not len(parts):
        return Branched(parts, stuck, parts, 0)
    count = len(parts)
    left, closed, ratio = bounder.bound(parts, cutoff)
    again = ratio < AGAIN_RATIO
    if cut <= 1 and again.any():
        second, also_closed, _ = bounder.bound(left.take(again), cutoff)
        count += int(again.sum())
        left = Boxes.join([left.take(~again), second])
        closed = Boxes.join([closed, also_closed])
    return Branched(left, stuck, closed.take(slice(0, None, SAMPLED_EVERY)), count)


def _parts(bounder: Bounder, boxes: Boxes, cutoff: float, cut: int) -> tuple[Boxes, Boxes]:
    """Return what boxes are cut into, and those that can not be cut any more."""
    stuck, whole = boxes.take(slice(0, 0)), boxes.take(slice(0, 0))
    for turn in range(cut):
        axis, can = _axes(bounder, boxes, cutoff)
        rest = boxes.take(~can)
        stuck, whole = (stuck, Boxes.join([whole, rest])) if turn else (rest, whole)
        boxes = _halves(bounder, boxes.take(can), axis[can])
        boxes = boxes.take(bounder.snap(boxes))
    boxes = Boxes.join([boxes, whole]) if cut else boxes.take(bounder.snap(boxes))
    return boxes, stuck


def _axes(bounder: Bounder, boxes: Boxes, cutoff: float) -> tuple[NDArray[np.intp], Flags]:
    """Return where to cut each box (a coordinate, or behind those a rounded node), and whether it can be cut.

    That is where the bound is lost. What of the distance to the cutoff that does not explain is lost by multipliers
    that are not those of the box, and is put down to coordinates by how wide they are still.
    """
    statement, graph = bounder.statement, bounder.graph
    can = np.vstack([boxes.high - boxes.low > NARROWEST * (1.0 + np.abs(boxes.low)), boxes.most > boxes.least])
    for axis, c in enumerate(statement.coordinates):
        if c.whole and not c.power:
            low, high = (
                (np.exp(boxes.low[axis]), np.exp(boxes.high[axis]))
                if c.logarithmic
                else (boxes.low[axis], boxes.high[axis])
            )
            can[axis] = np.rint(high) > np.rint(low)
    for place, node in enumerate(graph.roundings):
        if graph.operations[node].free:  # type: ignore[union-attr]
            can[bounder.axes + place] = False
    blame = boxes.blame.copy()
    if np.isfinite(cutoff):
        unexplained = np.clip(cutoff - boxes.bound - blame.sum(axis=0), 0.0, WORST)
        wide = (boxes.high - boxes.low) / bounder.widths
        blame[: bounder.axes] += unexplained * wide / np.maximum(wide.sum(axis=0), LEAST_BLAME)
    score = np.where(can, blame + LEAST_BLAME * np.vstack([boxes.high - boxes.low, np.ones_like(boxes.least)]), -1.0)
    cuttable: Flags = np.logical_or.reduce(can, axis=0)
    return np.argmax(score, axis=0), cuttable


def _halves(bounder: Bounder, boxes: Boxes, axis: NDArray[np.intp]) -> Boxes:
    """Return both halves of every box."""
    lower, upper = boxes.copy(), boxes.copy()
    for half in (lower, upper):
        half.blame[axis, np.arange(len(axis))] *= CUT_SHARE
    for number in np.unique(axis):
        chosen = np.flatnonzero(axis == number)
        if number >= bounder.axes:
            place = number - bounder.axes
            middle = _whole_middle(np.maximum(boxes.least[place, chosen], 0.0), boxes.most[place, chosen])
            lower.most[place, chosen], upper.least[place, chosen] = middle, middle + 1.0
            continue
        c = bounder.statement.coordinates[number]
        low, high = boxes.low[number, chosen], boxes.high[number, chosen]
        ends = 0.5 * (low + high), 0.5 * (low + high)
        if c.whole and not c.power:
            whole = _whole_middle(*((np.rint(np.exp(low)), np.rint(np.exp(high))) if c.logarithmic else (low, high)))
            ends = (np.log(whole), np.log(whole + 1.0)) if c.logarithmic else (whole, whole + 1.0)
        lower.high[number, chosen], upper.low[number, chosen] = ends
    return Boxes.join([lower, upper])


def _whole_middle(low: Floats, high: Floats) -> Floats:
    """Return the whole number after which a range of whole numbers is cut, near its geometric middle."""
    low, high = np.minimum(low, LARGEST_WHOLE), np.minimum(high, LARGEST_WHOLE)
    found: Floats = np.clip(np.floor(np.sqrt(np.maximum(low, 0.5) * high)), low, np.maximum(high - 1.0, low))
    return found


LARGEST_WHOLE = 1e12
