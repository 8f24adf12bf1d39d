"""The graph says what the physics says, and what it says of a box holds for every design in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from dawndusk.models.design import DesignBatch
from dawndusk.optimize.boxes import Boxes
from dawndusk.optimize.certify.bound.affine import ForwardBounds
from dawndusk.optimize.certify.bound.backward import at_point, plane
from dawndusk.optimize.certify.bound.curve_sums import groups
from dawndusk.optimize.certify.bound.forms import ZERO, AffineForm
from dawndusk.optimize.certify.branch.boxes import Bounder
from dawndusk.optimize.certify.functions.curves import TINY
from dawndusk.optimize.certify.translate.nodes import evaluated

Floats: TypeAlias = NDArray[np.float64]
Places: TypeAlias = NDArray[np.intp]
Case: TypeAlias = tuple[Bounder, DesignBatch, Places, Floats, Floats]
Truth: TypeAlias = Callable[[Bounder, Floats, Places], list[Floats]]
Around: TypeAlias = Callable[..., Boxes]

SCALES = (1e-6, 0.01, 0.3, 1.0)
TOLERANCE = 3e-9
MOST_PAIRS = 2000


def graph_values(bounder: Bounder, batch: DesignBatch, combination: Places) -> dict[int, Any]:
    """Return the value of every node of the recording at designs, by the recorded operations themselves."""
    statement = bounder.statement
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
    return values


def recorded(bounder: Bounder, batch: DesignBatch, combination: Places, values: list[Floats]) -> list[Floats]:
    """Return the values of nodes, those of the recording's own nodes as the model itself computes them."""
    found = list(values)
    recorded_nodes = bounder.statement.recording.nodes
    for number, exact in graph_values(bounder, batch, combination).items():
        value = bounder.builder.values[number]
        if value.constant is not None or recorded_nodes[number].kind == "locate":
            continue
        right = np.broadcast_to(exact, combination.shape)
        plain, log = value.made
        if plain is not None:
            found[plain] = right
        if log is not None:
            with np.errstate(all="ignore"):
                found[log] = np.where(right > ZERO, np.log(np.maximum(right, TINY)), found[log])
    return found


def unit(boxes: Boxes, points: Floats) -> Floats:
    """Return where points lie in their boxes, from -1 to 1."""
    middle, half = 0.5 * (boxes.low + boxes.high), 0.5 * (boxes.high - boxes.low)
    return np.where(half > 0.0, (points - middle) / np.where(half > 0.0, half, 1.0), 0.0)


def everything(bounder: Bounder, boxes: Boxes) -> ForwardBounds:
    """Return the forms of all nodes, those that nothing depends on too."""
    forward = ForwardBounds(boxes.low, boxes.high, boxes.combination, boxes.least, boxes.most, bounder.graph.limits)
    with np.errstate(all="ignore"):
        forward.run(bounder.graph.operations)
    return forward


def outside(form: AffineForm, value: Floats, u: Floats) -> Floats:
    """Return by how much values are outside a form, beyond what rounding explains."""
    line = (form.slopes * u[list(form.axes)]).sum(axis=0)
    size = TOLERANCE * (1.0 + np.abs(value) + np.abs(form.slopes).sum(axis=0))
    ends = (form.low - value, value - form.high, form.below - (value - line), (value - line) - form.above)
    found: Floats = np.max([np.broadcast_to(end, value.shape) for end in ends], axis=0) - size
    return np.where(np.isfinite(value), found, np.inf)


def test_every_node_of_the_recording_has_its_value_on_the_graph(case: Case, truth: Truth) -> None:
    bounder, batch, combination, points, _ = case
    expected = graph_values(bounder, batch, combination)
    found = truth(bounder, points, combination)
    compared = 0
    for number in bounder.builder.needed:
        value = bounder.builder.values[number]
        recorded = bounder.statement.recording.nodes[number]
        if recorded.kind == "locate":
            continue
        right = np.broadcast_to(expected[number], combination.shape)
        if value.constant is not None:
            constant = np.asarray(value.constant)
            left = constant[combination] if constant.ndim else np.broadcast_to(constant, combination.shape)
            np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-12, err_msg=f"node {number} {recorded.kind}")
            continue
        for node, is_log in zip(value.made, (False, True), strict=True):
            if node is None:
                continue
            left = np.exp(found[node]) if is_log else found[node]
            np.testing.assert_allclose(
                left, right, rtol=1e-7, atol=1e-9 + 1e-7 * np.abs(right).max(), err_msg=f"{number} {recorded.kind}"
            )
            compared += 1
    assert compared > 100


def test_the_objective_and_the_rows_of_the_graph_are_those_of_the_problem(case: Case, truth: Truth) -> None:
    bounder, _, combination, points, scores = case
    found = truth(bounder, points, combination)
    np.testing.assert_allclose(found[bounder.graph.objective], scores, rtol=1e-9, atol=1e-9)
    for row in bounder.graph.rows:
        constant = np.asarray(row.constant)
        value = found[row.node] if row.node is not None else constant[combination] if constant.ndim else constant
        assert np.all(value <= 1e-9), row.name


@pytest.mark.parametrize("scale", SCALES)
def test_every_node_lies_in_its_form(case: Case, truth: Truth, boxes_around: Around, scale: float) -> None:
    bounder, batch, combination, points, _ = case
    boxes = boxes_around(bounder, points, combination, scale, np.random.default_rng(5))
    forms = everything(bounder, boxes).forms
    values = recorded(bounder, batch, combination, truth(bounder, points, combination))
    u = unit(boxes, points)
    for node, (form, value) in enumerate(zip(forms, values, strict=True)):
        excess = outside(form, value, u)
        worst = int(np.argmax(excess))
        assert excess[worst] <= 0.0, (node, bounder.graph.operations[node], excess[worst], value[worst])


@pytest.mark.parametrize("scale", [1e-3, 0.3])
def test_every_other_design_in_a_box_lies_in_its_forms(
    case: Case, truth: Truth, boxes_around: Around, scale: float
) -> None:
    """The designs that are at hand are tried in the boxes of all others that hold them as well."""
    bounder, _, combination, points, _ = case
    boxes = boxes_around(bounder, points, combination, scale, np.random.default_rng(6))
    held = (points[:, :, None] >= boxes.low[:, None, :]) & (points[:, :, None] <= boxes.high[:, None, :])
    design, box = np.nonzero(held.all(axis=0) & (combination[:, None] == combination[None, :]))
    chosen = np.random.default_rng(8).permutation(len(box))[:MOST_PAIRS]
    design, box = design[chosen], box[chosen]
    forms = everything(bounder, boxes.take(box)).forms
    values = truth(bounder, points, combination)
    u = unit(boxes.take(box), points[:, design])
    assert all(np.all(outside(form, value[design], u) <= 0.0) for form, value in zip(forms, values, strict=True))


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("signs", [False, True], ids=["Lagrangian", "any weights"])
def test_a_backward_plane_lies_below(case: Case, truth: Truth, boxes_around: Around, scale: float, signs: bool) -> None:
    bounder, _, combination, points, _ = case
    rng = np.random.default_rng(7)
    boxes = boxes_around(bounder, points, combination, scale, rng)
    graph, values, u = bounder.graph, truth(bounder, points, combination), unit(boxes, points)
    forward = everything(bounder, boxes)
    weights: dict[int, Any] = {graph.objective: np.ones(len(boxes))}
    if signs:
        for node in rng.choice(len(graph.operations), 12, replace=False):
            weights[int(node)] = rng.normal(size=len(boxes)) / (1.0 + np.abs(values[int(node)]))
    for row in graph.rows:
        if row.node is not None:
            size = rng.exponential(size=len(boxes)) * (rng.random(len(boxes)) < 0.5)
            weights[row.node] = weights.get(row.node, 0.0) + size / (1.0 + np.abs(values[row.node]))
    exact = sum(weight * values[node] for node, weight in weights.items())
    size = 1.0 + sum(np.abs(weight * values[node]) for node, weight in weights.items())
    middle, half = 0.5 * (boxes.low + boxes.high), 0.5 * (boxes.high - boxes.low)
    alike = groups(graph.operations, range(len(graph.operations)))
    tangents = [None, *(rng.uniform(-1.0, 1.0, u.shape) for _ in range(2)), np.sign(rng.normal(size=u.shape)), u]
    with np.errstate(all="ignore"):
        for at in tangents:
            touched = None if at is None else at_point(graph.operations, forward, middle + half * at)
            slopes, below = plane(graph.operations, forward, weights, touched, groups=alike)
            excess = below + (slopes * u).sum(axis=0) - exact
            allowed = TOLERANCE * (size + np.abs(slopes).sum(axis=0))
            assert np.all(excess <= allowed), (excess - allowed).max()
