"""Affine forms forward: each operation, and graphs at random, hold what their nodes are at points of a box."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dawndusk.models.tables import EvenAxis, EvenGrid, EvenTable
from dawndusk.optimize.certify.bound.affine import ForwardBounds
from dawndusk.optimize.certify.bound.forms import NOTHING_KNOWN, AffineForm, bounded
from dawndusk.optimize.certify.functions.curves import EXP, LOG, SOFTPLUS, Curve
from dawndusk.optimize.certify.functions.lookup import GridRanges, TableRanges
from dawndusk.optimize.certify.graph.operations import Grid, Input, Product, Rounding, Sign, Sum, Table, Univariate
from dawndusk.optimize.errors import EnclosureError

Floats: TypeAlias = NDArray[np.float64]
Within: TypeAlias = Callable[..., tuple[Floats, Floats, Floats]]

BOXES = 400
TOLERANCE = 3e-11
SEED = st.integers(0, 2**32 - 1)


def unit(low: Floats, high: Floats, points: Floats) -> Floats:
    """Return where points lie in their boxes, from -1 to 1."""
    half = 0.5 * (high - low)
    return np.where(half > 0.0, (points - 0.5 * (low + high)) / np.where(half > 0.0, half, 1.0), 0.0)


def assert_holds(form: AffineForm, value: Floats, u: Floats, tolerance: float = TOLERANCE) -> None:
    """Assert that values lie in a form, by its ends and by its slopes."""
    line = (form.slopes * u[list(form.axes)]).sum(axis=0)
    size = tolerance * (1.0 + np.abs(value) + np.abs(form.slopes).sum(axis=0))
    assert np.all(value >= form.low - size)
    assert np.all(value <= form.high + size)
    assert np.all(value - line >= form.below - size)
    assert np.all(value - line <= form.above + size)


def test_an_input_is_its_own_form(sketch: Any) -> None:
    sketch.add(Input(1), Input(0))
    low, high = np.array([[1.0, -2.0], [3.0, 0.0]]), np.array([[5.0, -2.0], [4.0, 8.0]])
    one, other = sketch.forward(low, high).forms
    assert (one.axes, other.axes) == ((1,), (0,))
    np.testing.assert_array_equal(one.slopes, [[0.5, 4.0]])
    np.testing.assert_array_equal(one.below, one.above)
    np.testing.assert_array_equal((other.low, other.high), (low[0], high[0]))


def test_sum_of_affine_forms(sketch: Any) -> None:
    """What two quantities have in common cancels, to the last digit."""
    sketch.add(Input(0), Input(1))
    total = sketch.add(Sum(((0, 3.0), (1, -2.0)), 1.0))
    back = sketch.add(Sum(((total, 1.0), (0, -3.0), (1, 2.0)), -1.0))
    low, high = np.array([[-1.0], [2.0]]), np.array([[5.0], [7.0]])
    forms = sketch.forward(low, high).forms
    np.testing.assert_allclose(forms[total].slopes[:, 0], [9.0, -5.0])
    assert (forms[total].low[0], forms[total].high[0]) == (-16.0, 12.0)
    assert (forms[back].low[0], forms[back].high[0]) == (0.0, 0.0)


@settings(deadline=None, max_examples=40, derandomize=True)
@given(seed=SEED)
def test_range_of_an_affine_form(seed: int) -> None:
    """Of slopes and a remainder alone, and met at corners."""
    rng = np.random.default_rng(seed)
    slopes, rest = rng.normal(size=(4, BOXES)), np.sort(rng.normal(size=(2, BOXES)), axis=0)
    form = bounded((0, 1, 2, 3), slopes, rest[0], rest[1], -np.inf, np.inf)
    for turn in range(10):
        u = rng.uniform(-1.0, 1.0, slopes.shape)
        u = np.sign(u) if turn % 2 else u
        value = (slopes * u).sum(axis=0) + rest[0] + rng.random(BOXES) * (rest[1] - rest[0])
        assert np.all((value >= form.low - 1e-12) & (value <= form.high + 1e-12))
    np.testing.assert_allclose((slopes * -np.sign(slopes)).sum(axis=0) + rest[0], form.low, atol=1e-12)
    np.testing.assert_allclose((slopes * np.sign(slopes)).sum(axis=0) + rest[1], form.high, atol=1e-12)


@settings(deadline=None, max_examples=30, derandomize=True)
@given(seed=SEED, curve=st.sampled_from([EXP, SOFTPLUS, LOG]))
def test_function_of_affine_forms(seed: int, curve: Curve, new_sketch: Callable[[], Any], boxes_within: Within) -> None:
    """Lines around a function over the range of its argument are lines around it of the coordinates."""
    rng = np.random.default_rng(seed)
    sketch = new_sketch()
    sketch.add(Input(0), Input(1), Product(0, 1), Sum(((0, 0.5), (1, -0.25), (2, 1.0)), 9.0), Univariate(curve, 3))
    low, high, points = boxes_within(rng, BOXES, 1.5, 2)
    forward = sketch.forward(low, high)
    inner, form, found = forward.forms[3], forward.forms[4], forward.kept[4]
    np.testing.assert_array_equal(form.slopes, inner.slopes * found.slope)
    for end, rest, line in (("below", inner.below, found.least), ("above", inner.above, found.most)):
        np.testing.assert_allclose(getattr(form, end), found.slope * rest + line, rtol=1e-12, atol=1e-12)
    assert_holds(form, sketch.values(points)[4], unit(low, high, points))


@settings(deadline=None, max_examples=30, derandomize=True)
@given(seed=SEED)
def test_every_node_of_a_random_graph_lies_in_its_form(
    seed: int, random_sketch: Callable[..., Any], boxes_within: Within
) -> None:
    rng = np.random.default_rng(seed)
    sketch = random_sketch(rng)
    low, high, points = boxes_within(rng, BOXES)
    combination = rng.integers(2, size=BOXES)
    forward, u = sketch.forward(low, high, combination), unit(low, high, points)
    assert not forward.empty.any()
    for form, value in zip(forward.forms, sketch.values(points, combination), strict=True):
        assert_holds(form, value, u)


@pytest.mark.parametrize("logarithm", [False, True], ids=["plain", "logarithm"])
def test_a_look_up_lies_in_its_form_off_its_axis_too(logarithm: bool, sketch: Any, boxes_within: Within) -> None:
    rng = np.random.default_rng(5)
    axis, other = EvenAxis(-1.0, 0.25, 7), EvenAxis(0.5, 0.25, 6)
    table = EvenTable(axis, np.exp(rng.normal(size=(1, 7))))
    grid = EvenGrid(axis, other, rng.normal(size=(1, 7, 6)))
    sketch.add(Input(0), Input(1))
    sketch.add(Table(TableRanges(table, logarithm=logarithm), 0, 0.0))
    sketch.add(Grid(GridRanges(grid, logarithm=logarithm), 0, 1, 0.0, logarithm))
    low, high, points = boxes_within(rng, 2000)
    forms, u, values = sketch.forward(low, high).forms, unit(low, high, points), sketch.values(points)
    for node in (2, 3):
        assert_holds(forms[node], values[node], u)


@settings(deadline=None, max_examples=40, derandomize=True)
@given(seed=SEED, kind=st.sampled_from(["sum", "difference", "larger", "smaller"]))
def test_pair_as_a_mean_of_its_operands(
    seed: int, kind: str, new_sketch: Callable[[], Any], add_pair: Callable[..., int], boxes_within: Within
) -> None:
    rng = np.random.default_rng(seed)
    low, high, points = boxes_within(rng, BOXES, 3.0, 2)
    sketch = new_sketch()
    sketch.add(Input(0), Input(1))
    # of a difference the first has to be the greater
    apart = 6.5 if kind == "difference" else 0.0
    x = sketch.add(Sum(((0, 1.0),), apart)) if apart else 0
    node = add_pair(sketch, kind, x, 1)
    form = sketch.forward(low, high).forms[node]
    first, second = points[0] + apart, points[1]
    functions: dict[str, Callable[[Floats, Floats], Floats]] = {
        "sum": np.logaddexp,
        "difference": lambda one, other: np.log(np.exp(one) - np.exp(other)),
        "larger": np.maximum,
        "smaller": np.minimum,
    }
    assert form.axes == (0, 1)
    assert_holds(form, functions[kind](first, second), unit(low, high, points))


def test_the_ends_of_a_pair_are_those_of_its_operands(sketch: Any, add_pair: Callable[..., int]) -> None:
    """Closer than slopes alone: at a corner both operands are at an end."""
    sketch.add(Input(0), Input(1))
    node = add_pair(sketch, "sum", 0, 1)
    low, high = np.array([[-2.0], [0.0]]), np.array([[1.0], [3.0]])
    form = sketch.forward(low, high).forms[node]
    np.testing.assert_allclose(form.low, np.logaddexp(-2.0, 0.0), rtol=1e-9)
    np.testing.assert_allclose(form.high, np.logaddexp(1.0, 3.0), rtol=1e-9)


@settings(deadline=None, max_examples=40, derandomize=True)
@given(seed=SEED, up=st.booleans(), log=st.booleans())
def test_whole_numbers_of_a_range(seed: int, up: bool, log: bool, truth: Any, boxes_within: Within) -> None:
    rng = np.random.default_rng(seed)
    low, high, points = boxes_within(rng, BOXES, 2.0, 1)
    low, high, points = low + 3.0, high + 3.0, points + 3.0
    operation = Rounding(0, up, log, free=False, at_least_one=False, place=0)
    none = np.full((1, BOXES), np.inf)
    forward = ForwardBounds(low, high, np.zeros(BOXES, dtype=np.intp), -none, none, {})
    with np.errstate(all="ignore"):
        forward.run([Input(0), operation])
    plain = np.exp(points[0]) if log else points[0]
    value = np.ceil(plain) if up else np.floor(plain)
    edge = np.abs(plain - np.rint(plain)) < 1e-9 * plain
    value = np.log(value) if log else value
    u = unit(low, high, points)
    form = forward.forms[1]
    kept = ~edge
    assert_holds(
        AffineForm(
            form.axes, form.slopes[:, kept], *(end[kept] for end in (form.below, form.above, form.low, form.high))
        ),
        value[kept],
        u[:, kept],
    )


@pytest.mark.parametrize(("up", "expected"), [(True, (2.0, 4.0)), (False, (1.0, 3.0))], ids=["up", "down"])
def test_the_ends_of_a_rounding_are_whole(up: bool, expected: tuple[float, float], sketch: Any) -> None:
    sketch.add(Input(0), Rounding(0, up, False, free=False, at_least_one=False, place=0))
    form = sketch.forward(np.array([[1.3]]), np.array([[3.6]])).forms[1]
    assert (form.low[0], form.high[0]) == expected


def test_one_whole_number_alone_has_no_slope(sketch: Any) -> None:
    sketch.add(Input(0), Rounding(0, True, False, free=False, at_least_one=False, place=0))
    form = sketch.forward(np.array([[1.3]]), np.array([[1.9]])).forms[1]
    assert (form.low[0], form.high[0], form.below[0], form.above[0]) == (2.0, 2.0, 2.0, 2.0)
    assert form.slopes[0, 0] == 0.0


def test_whole_numbers_that_a_box_is_held_to_narrow_a_rounding(sketch: Any) -> None:
    sketch.add(Input(0), Rounding(0, True, False, free=False, at_least_one=False, place=0))
    low, high = np.array([[1.3, 1.3]]), np.array([[3.6, 3.6]])
    forward = sketch.forward(low, high, ends=(np.array([[3.0, 5.0]]), np.array([[3.0, 6.0]])))
    assert (forward.forms[1].low[0], forward.forms[1].high[0]) == (3.0, 3.0)
    np.testing.assert_array_equal(forward.empty, [False, True])


def test_what_is_at_least_one_is_of_no_interest_below(sketch: Any) -> None:
    sketch.add(Input(0), Rounding(0, False, False, free=False, at_least_one=True, place=0))
    form = sketch.forward(np.array([[0.2]]), np.array([[2.5]])).forms[1]
    assert (form.low[0], form.high[0]) == (1.0, 2.0)


def test_what_is_close_to_a_whole_number_may_go_either_way(sketch: Any) -> None:
    """To 1e-11: the last digit of what is rounded decides, and that is not known."""
    sketch.add(Input(0), Rounding(0, True, False, free=False, at_least_one=False, place=0))
    x = np.array([[2.0 - 1e-13, 2.0, 2.0 + 1e-13, 2.0 + 1e-6]])
    form = sketch.forward(x, x).forms[1]
    np.testing.assert_array_equal(form.low, [2.0, 2.0, 2.0, 3.0])
    np.testing.assert_array_equal(form.high, [3.0, 3.0, 3.0, 3.0])


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ((1.0, 2.0), (1.0, 1.0)),
        ((-2.0, -1.0), (-1.0, -1.0)),
        ((-1.0, 2.0), (-1.0, 1.0)),
        ((0.0, 0.0), (0.0, 0.0)),
    ],
)
def test_the_sign_of_a_range(ends: tuple[float, float], expected: tuple[float, float], sketch: Any) -> None:
    sketch.add(Input(0), Sign(0))
    form = sketch.forward(np.array([[ends[0]]]), np.array([[ends[1]]])).forms[1]
    assert (form.low[0], form.high[0]) == expected
    assert form.axes == ()


def test_range_ended_by_a_rule(sketch: Any) -> None:
    """Designs of interest are on its side, and boxes without any are empty."""
    sketch.add(Input(0), Input(1))
    node = sketch.add(Sum(((0, 1.0), (1, 1.0)), 0.0))
    last = sketch.add(Univariate(EXP, node))
    sketch.limits[node] = -np.inf, 1.0
    low, high = np.array([[0.0, 2.0, 0.0], [0.0, 0.0, 0.0]]), np.array([[2.0, 3.0, 0.5], [1.0, 1.0, 0.25]])
    forward = sketch.forward(low, high)
    np.testing.assert_array_equal(forward.empty, [False, True, False])
    np.testing.assert_allclose(forward.forms[node].high[[0, 2]], [1.0, 0.75])
    np.testing.assert_allclose(forward.forms[last].high[[0, 2]], np.exp([1.0, 0.75]), rtol=1e-9)
    rng = np.random.default_rng(1)
    points = low + rng.random((2, 3)) * (high - low)
    of_interest = points.sum(axis=0) <= 1.0
    assert np.all(np.exp(points.sum(axis=0))[of_interest] <= forward.forms[last].high[of_interest] + 1e-9)


def test_limits_differ_between_combinations(sketch: Any) -> None:
    sketch.add(Input(0))
    node = sketch.add(Sum(((0, 2.0),), 0.0))
    sketch.limits[node] = np.array([0.0, 1.0]), np.array([2.0, np.inf])
    low, high = np.zeros((1, 2)), np.full((1, 2), 3.0)
    form = sketch.forward(low, high, np.array([0, 1])).forms[node]
    np.testing.assert_array_equal(form.low, [0.0, 1.0])
    np.testing.assert_array_equal(form.high, [2.0, 6.0])


def test_rules_that_contradict_each_other_empty_a_box(sketch: Any) -> None:
    """A range that is inside out because of rules is no wrong enclosure."""
    sketch.add(Input(0))
    one = sketch.add(Sum(((0, 1.0),), 0.0))
    two = sketch.add(Sum(((one, 1.0), (0, -2.0)), 0.0))
    sketch.limits[one], sketch.limits[two] = (2.0, np.inf), (-np.inf, -4.0)
    forward = sketch.forward(np.array([[0.0, 2.0]]), np.array([[1.0, 5.0]]))
    np.testing.assert_array_equal(forward.empty, [True, False])


def test_an_enclosure_inside_out_raises_with_its_box(sketch: Any) -> None:
    wrong = Curve("wrong", np.negative, np.ones_like, np.zeros_like, convex=True)
    sketch.add(Input(0), Univariate(wrong, 0))
    with pytest.raises(
        EnclosureError, match=r"node 1 \(univariate\) is inside out.*box \[0\.0\] to \[1\.0\] of combination 0"
    ):
        sketch.forward(np.array([[0.0]]), np.array([[1.0]]))


def test_nodes_that_nothing_asked_for_are_not_worked_out() -> None:
    none = np.zeros((0, 1))
    forward = ForwardBounds(np.zeros((1, 1)), np.ones((1, 1)), np.array([0]), none, none, {})
    forward.run([Input(0), Univariate(EXP, 0), Univariate(SOFTPLUS, 0)], needed=[0, 2])
    assert forward.forms[1] is NOTHING_KNOWN
    assert forward.forms[2].high[0] == pytest.approx(np.log1p(np.exp(1.0)))


def test_steps_one_by_one_are_the_whole_run(random_sketch: Callable[..., Any], boxes_within: Within) -> None:
    rng = np.random.default_rng(6)
    sketch = random_sketch(rng)
    low, high, _ = boxes_within(rng, 50)
    combination = rng.integers(2, size=50)
    whole = sketch.forward(low, high, combination)
    none = np.zeros((0, 50))
    steps = ForwardBounds(low, high, combination, none, none, {})
    with np.errstate(all="ignore"):
        for operation in sketch.operations:
            steps.step(operation)
    for one, other in zip(whole.forms, steps.forms, strict=True):
        np.testing.assert_array_equal(
            (one.low, one.high, one.below, one.above), (other.low, other.high, other.below, other.above)
        )


@pytest.mark.parametrize("curve", [EXP, LOG, SOFTPLUS], ids=lambda c: c.name)
def test_curves_that_overflow_keep_their_range(curve: Curve, sketch: Any) -> None:
    sketch.add(Input(0), Univariate(curve, 0))
    form = sketch.forward(np.array([[-1e6]]), np.array([[1e6]])).forms[1]
    ends = curve.value(np.array([-1e6])), curve.value(np.array([1e6]))
    assert form.low[0] <= ends[0][0]
    assert form.high[0] >= min(ends[1][0], 1e99)
    assert np.isfinite([form.low[0], form.high[0]]).all()


def test_a_product_of_a_node_with_itself_is_bounded(sketch: Any, boxes_within: Within) -> None:
    sketch.add(Input(0), Product(0, 0))
    rng = np.random.default_rng(7)
    low, high, points = boxes_within(rng, BOXES, 2.0, 1)
    assert_holds(sketch.forward(low, high).forms[1], points[0] ** 2, unit(low, high, points))


def test_a_constant_is_a_form_without_axes(sketch: Any) -> None:
    sketch.add(Input(0), Sum((), np.array([1.5, -2.0])))
    form = sketch.forward(np.zeros((1, 2)), np.ones((1, 2)), np.array([1, 0])).forms[1]
    assert form.axes == ()
    np.testing.assert_array_equal((form.low, form.high), [[-2.0, 1.5]] * 2)


def test_terms_that_are_heavy_are_padded(sketch: Any) -> None:
    sketch.add(Input(0), Sum(((0, 1e8),), 0.0))
    light = sketch.add(Sum(((1, 1.0), (0, -1e8)), 0.0, None, is_heavy=False))
    heavy = sketch.add(Sum(((1, 1.0), (0, -1e8)), 0.0, None, is_heavy=True))
    forms = sketch.forward(np.array([[0.1]]), np.array([[0.7]])).forms
    assert forms[heavy].high[0] - forms[heavy].low[0] > forms[light].high[0] - forms[light].low[0]
    assert forms[heavy].high[0] < 1e-5
