"""Each kind of operation of a recording: what it comes to on the graph is the operation itself, and is bounded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import pytest

from dawndusk.models.array import MONOTONE_FUNCTIONS
from dawndusk.models.physics.reliability import share_served
from dawndusk.models.physics.thermal import equilibrium_temperature_k
from dawndusk.models.programme.cost import spread_factor
from dawndusk.models.recording.trace import Graph, Node, RecordedTable
from dawndusk.models.tables import EvenAxis, EvenGrid, EvenTable
from dawndusk.optimize.certify.translate.nodes import evaluated, is_rounding
from dawndusk.optimize.errors import NotBoundedError

Record: TypeAlias = Callable[..., Any]
Hold: TypeAlias = Callable[..., None]
Ranges: TypeAlias = dict[str, tuple[float, float]]

AXIS, OTHER = EvenAxis(1.0, 0.25, 30), EvenAxis(0.5, 0.5, 12)
RNG = np.random.default_rng(99)
TABLE = EvenTable(AXIS, np.exp(RNG.normal(size=(2, AXIS.count))))
SIGNED = EvenTable(AXIS, RNG.normal(size=(2, AXIS.count)))
GRID = EvenGrid(AXIS, OTHER, RNG.normal(size=(2, AXIS.count, OTHER.count)))
POSITIVE: Ranges = {"x": (0.2, 5.0), "y": (0.1, 3.0)}
SIGNS: Ranges = {"x": (-2.0, 3.0), "y": (-1.0, 4.0)}
ONE: Ranges = {"x": (0.2, 5.0)}
BOTH = ("x", "y")


def larger(x: Any, y: Any) -> Any:
    return np.maximum(x, y)


def smaller(x: Any, y: Any) -> Any:
    return np.minimum(x, y)


def whole(row: Any) -> Any:
    """Return rows of a table as the model gives them: numbers of rows, or their term."""
    return row.astype(np.intp) if isinstance(row, np.ndarray) else row


def power(x: Any, y: Any) -> Any:
    return np.power(x, y)


Case: TypeAlias = tuple[Callable[..., Any], Ranges, Sequence[str], set[str]]
"""A function, the ranges of its variables, those that are carried in logarithms, and kinds that its graph has."""

CASES: dict[str, Case] = {
    "a sum": (lambda x, y: x + y, SIGNS, (), {"Sum"}),
    "a sum in logarithms": (lambda x, y: x + y, POSITIVE, BOTH, {"softplus"}),
    "a sum of one logarithm and one plain": (lambda x, y: x + y, POSITIVE, ("x",), {"softplus"}),
    "a sum with a constant": (lambda x: x + 0.5, ONE, ("x",), {"softplus"}),
    "a sum with a constant below zero": (lambda x: x + -0.5, ONE, ("x",), {"Sum"}),
    "a sum with nothing": (lambda x, y: (x + 0.0) * (0.0 + y), POSITIVE, BOTH, {"Sum"}),
    "a sum of what is the same": (lambda x: x + x, ONE, ("x",), {"Sum"}),
    "a difference": (lambda x, y: x - y, SIGNS, (), {"Sum"}),
    "a difference in logarithms": (lambda x, y: 20.0 * x - y, POSITIVE, BOTH, {"log1mexp"}),
    "a difference that changes its sign": (lambda x, y: x - y, POSITIVE, BOTH, {"exp"}),
    "a difference to a constant": (lambda x: x * 3.0 - 0.1, ONE, ("x",), {"exp"}),
    "a difference from nothing": (lambda x, y: (x - 0.0) - 0.05 * y, {**POSITIVE, "x": (0.4, 5.0)}, BOTH, {"log1mexp"}),
    "a product in logarithms": (lambda x, y: x * y, POSITIVE, BOTH, {"Sum"}),
    "a product of what changes its sign": (lambda x, y: x * y, SIGNS, (), {"Product"}),
    "a product with what changes its sign": (lambda x, y: x * y, {**POSITIVE, "x": (-1.0, 2.0)}, ("y",), {"Product"}),
    "a product with a constant": (lambda x: x * 4.0, ONE, ("x",), {"Sum"}),
    "a product with a constant below zero": (lambda x: x * -4.0, ONE, ("x",), {"exp"}),
    "a product with a constant of what changes its sign": (lambda x, y: x * 3.0 + y, SIGNS, (), {"Sum"}),
    "a product with nothing": (lambda x, y: x * 0.0 + y, POSITIVE, BOTH, {"Input"}),
    "a quotient in logarithms": (lambda x, y: x / y, POSITIVE, BOTH, {"Sum"}),
    "a quotient by a constant": (lambda x, y: x / 4.0 + y, SIGNS, (), {"Sum"}),
    "a quotient of what changes its sign": (lambda x, y: x / y, {**POSITIVE, "x": (-1.0, 2.0)}, ("y",), {"Product"}),
    "a quotient of a constant below zero": (lambda x: -2.0 / x, ONE, ("x",), {"exp"}),
    "a quotient of nothing": (lambda x, y: 0.0 / x + y, POSITIVE, BOTH, {"Input"}),
    "the larger": (larger, SIGNS, (), {"ramp"}),
    "the larger in logarithms": (larger, POSITIVE, BOTH, {"ramp"}),
    "the larger of two of which one always is": (lambda x, y: np.maximum(x + 9.0, y), POSITIVE, BOTH, {"Sum"}),
    "the larger of two that are apart by a constant": (lambda x: np.maximum(x * 2.0, x), ONE, ("x",), {"Sum"}),
    "the smaller": (smaller, SIGNS, (), {"ramp"}),
    "the smaller in logarithms": (smaller, POSITIVE, BOTH, {"ramp"}),
    "the smaller of two of which one always is": (lambda x, y: np.minimum(x, y + 9.0), POSITIVE, BOTH, {"Sum"}),
    "the smaller of two that are apart by a constant": (lambda x: np.minimum(x * 2.0, x), ONE, ("x",), {"Sum"}),
    "the larger of one and a constant": (lambda x: np.maximum(x, 1.5), ONE, ("x",), {"ramp"}),
    "an exponential": (lambda x, y: np.exp(x) * y, {**POSITIVE, "x": (-2.0, 2.0)}, ("y",), {"Sum"}),
    "an exponential added": (lambda x, y: np.exp(x) + y, SIGNS, (), {"exp"}),
    "a logarithm": (lambda x, y: np.log(x) + y, {**SIGNS, "x": (0.2, 5.0)}, (), {"log"}),
    "a logarithm of a logarithm's": (lambda x, y: np.log(x * y), POSITIVE, BOTH, {"Sum"}),
    "a root": (lambda x, y: np.sqrt(x) + y, POSITIVE, BOTH, {"softplus"}),
    "a cubic root": (lambda x, y: np.cbrt(x) * y, POSITIVE, BOTH, {"Sum"}),
    "a square": (lambda x, y: np.square(x) + y, SIGNS, (), {"Product"}),
    "a square in logarithms": (lambda x, y: np.square(x) * y, POSITIVE, BOTH, {"Sum"}),
    "a negative": (lambda x, y: -x - y, POSITIVE, BOTH, {"exp"}),
    "expm1 of what changes its sign": (lambda x, y: np.expm1(x) + y, SIGNS, (), {"expm1"}),
    "expm1 of what is not negative": (lambda x, y: np.expm1(x) * y, POSITIVE, ("y",), {"log_expm1"}),
    "expm1 in logarithms": (lambda x, y: np.expm1(x) * y, POSITIVE, BOTH, {"log_expm1_exp"}),
    "log1p": (lambda x, y: np.log1p(x) + y, POSITIVE, BOTH, {"softplus"}),
    "log1p of what changes its sign": (lambda x, y: np.log1p(x) + y, {**SIGNS, "x": (-0.9, 2.0)}, (), {"log"}),
    "a sign that is known": (lambda x, y: np.sign(x) * y, POSITIVE, BOTH, {"Input"}),
    "a sign": (lambda x, y: np.sign(x) + y, SIGNS, (), {"Sign"}),
    "a table": (lambda x, y: TABLE.at(AXIS.locate(x), 1) * y, {**POSITIVE, "x": (0.5, 9.0)}, ("y",), {"Table"}),
    "a table of both signs": (lambda x, y: SIGNED.at(AXIS.locate(x), 0) + y, {**SIGNS, "x": (1.0, 8.0)}, (), {"Table"}),
    "a grid": (
        lambda x, y: GRID.at(AXIS.locate(x), OTHER.locate(y), 1) + 2.0 * x,
        {"x": (1.0, 8.0), "y": (0.5, 6.0)},
        (),
        {"Grid"},
    ),
    "a grid with its second in logarithms": (
        lambda x, y: GRID.at(AXIS.locate(x), OTHER.locate(y), 0) + x,
        {"x": (1.0, 8.0), "y": (0.5, 6.0)},
        ("y",),
        {"Grid"},
    ),
    "what is spread": (lambda x, y: spread_factor(x) * y, {**POSITIVE, "x": (0.0, 4.0)}, ("y",), {"log_spread"}),
    "what is spread in logarithms": (lambda x, y: spread_factor(x * y), POSITIVE, BOTH, {"log_spread_exp"}),
    "what is served": (
        lambda x, y: share_served(np.log(1.0 + x), x * y, y, 0.1 * x, y, x + y, 2.0),
        POSITIVE,
        BOTH,
        {"Joint"},
    ),
    "an equilibrium": (
        lambda x, y: equilibrium_temperature_k(1e-7 * y, 0.3 * x, 300.0 * x, 150.0),
        POSITIVE,
        BOTH,
        {"balance", "ramp"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_an_operation_is_itself_on_the_graph_and_is_bounded(name: str, record: Record, hold: Hold) -> None:
    function, ranges, logs, kinds = CASES[name]
    recording = record(function, ranges, logs)
    assert kinds <= recording.kinds, recording.kinds
    hold(recording)


def test_product_in_logarithms(record: Record, hold: Hold) -> None:
    """Any powers of positive quantities are one sum, exact to first order: no curve is needed."""
    recording = record(lambda x, y: np.sqrt(x) * np.square(y) / np.cbrt(x * y), POSITIVE, BOTH)
    assert recording.kinds == {"Input", "Sum"}
    hold(recording, tolerance=1e-12)
    forward = recording.forward(recording.low, recording.high, np.array([0]))
    form = forward.forms[recording.graph.objective]
    assert form.above[0] - form.below[0] < 1e-12
    np.testing.assert_allclose(2.0 * form.slopes[:, 0], (recording.high - recording.low)[:, 0] * [1 / 6, 5 / 3])


def test_sum_in_logarithms(record: Record, hold: Hold) -> None:
    """The larger of the two is taken out, so that the curve has a difference below zero to bend in."""
    recording = record(lambda x, y: x + 1e-6 * y, POSITIVE, BOTH)
    assert "softplus" in recording.kinds
    hold(recording)
    forward = recording.forward(recording.low, recording.high, np.array([0]))
    (curve,) = (o for o in recording.graph.operations if getattr(o, "curve", None) is not None)
    assert forward.forms[curve.node].high[0] < 0.0
    form = forward.forms[recording.graph.objective]
    np.testing.assert_allclose(form.low, np.log(0.2), atol=1e-5)
    np.testing.assert_allclose(form.high, np.log(5.0), atol=1e-4)


def test_difference_in_logarithms(record: Record, hold: Hold) -> None:
    """Down to a difference of nothing: the graph has ``TINY`` of the greater for its logarithm."""
    recording = record(lambda x, y: 2.0 + x - y, {"x": (0.0, 1.0), "y": (0.5, 1.9)}, ("y",))
    hold(recording)
    close = record(lambda x, y: x * 3.0 - y, {"x": (1.0, 4.0), "y": (0.1, 3.0)}, BOTH)
    assert "log1mexp" in close.kinds
    rng = np.random.default_rng(2)
    points, combination = close.points(rng)
    apart = 3.0 * np.exp(points[0]) - np.exp(points[1]) > 1e-6
    found = close.on_the_graph(points, combination)
    np.testing.assert_allclose(found[apart], close.exact(points, combination)[apart], rtol=0.0, atol=1e-8)
    assert np.isfinite(found).all()


def test_larger_and_smaller_of_two(record: Record, hold: Hold) -> None:
    """A ramp of the difference; the sum of both extremes is the sum of the two."""
    recording = record(lambda x, y: np.maximum(x, y) + np.minimum(x, y), SIGNS)
    hold(recording)
    points, combination = recording.points(np.random.default_rng(3))
    np.testing.assert_allclose(recording.on_the_graph(points, combination), points.sum(axis=0), atol=1e-12)


@pytest.mark.parametrize("up", [False, True], ids=["down", "up"])
@pytest.mark.parametrize("log", [False, True], ids=["plain", "logarithm"])
def test_a_rounding_is_bounded(up: bool, log: bool, record: Record) -> None:
    """Between whole numbers: where the last digit decides the graph may go either way."""
    rounded = np.ceil if up else np.floor
    recording = record(lambda x, y: rounded(x * y + 1.3) + x * y, POSITIVE, BOTH if log else ())
    assert "Rounding" in recording.kinds
    assert len(recording.graph.roundings) == 1
    rng = np.random.default_rng(4)
    points, combination = recording.points(rng)
    x, y = np.exp(points) if log else points
    far = np.abs(x * y + 1.3 - np.rint(x * y + 1.3)) > 1e-6
    exact, found = recording.exact(points, combination), recording.on_the_graph(points, combination)
    np.testing.assert_allclose(found[far], exact[far], rtol=1e-9)
    low, high = recording.boxes(rng, points, combination)
    form = recording.forward(low, high, combination).forms[recording.graph.objective]
    assert np.all(exact >= form.low - 1e-9)
    assert np.all(exact <= form.high + 1e-9)


def test_a_rounding_that_a_free_variable_undoes(record: Record) -> None:
    """A variable that is read by what is rounded alone can bring it to the next whole number with the same outcomes."""
    free = record(lambda x, y: np.ceil(x * (1.0 + y)) * x, {"x": (2.0, 9.0), "y": (0.0, 2.0)}, ("x",))
    (node,) = free.graph.roundings
    assert free.graph.operations[node].free
    bound = record(lambda x, y: np.ceil(x * (1.0 + y)) * y, {"x": (2.0, 9.0), "y": (0.5, 2.0)}, BOTH)
    assert bound.graph.operations[bound.graph.roundings[0]].free, "x is read by what is rounded alone"
    read = record(lambda x, y: np.ceil(x * (1.0 + y)) * (x + y), {"x": (2.0, 9.0), "y": (0.5, 2.0)}, BOTH)
    assert not read.graph.operations[read.graph.roundings[0]].free
    down = record(lambda x, y: np.floor(x * (1.0 + y)) * x, {"x": (2.0, 9.0), "y": (0.0, 2.0)}, ("x",))
    assert not down.graph.operations[down.graph.roundings[0]].free, "down, the variable would have to do without"


def test_a_rounding_held_at_one_is_of_no_interest_below(record: Record) -> None:
    recording = record(lambda x, y: np.maximum(np.floor(x * y), 1.0) + x, POSITIVE, BOTH)
    operation = recording.graph.operations[recording.graph.roundings[0]]
    assert operation.at_least_one
    assert operation.logarithm
    loose = record(lambda x, y: np.maximum(np.floor(x * y), 2.0) + x, POSITIVE, BOTH)
    assert not loose.graph.operations[loose.graph.roundings[0]].at_least_one


def test_parameters_differ_between_combinations(record: Record, hold: Hold) -> None:
    given = {"a": (0.5, 2.0, 7.0), "b": (1.0, 1.0, 1.0), "row": (0.0, 1.0, 1.0)}
    recording = record(
        lambda x, y, a, b, row: a * x + b * y + TABLE.at(AXIS.locate(x + 1.0), whole(row)), POSITIVE, BOTH, given
    )
    hold(recording)


def test_what_parameters_alone_come_to_is_a_constant(record: Record, hold: Hold) -> None:
    recording = record(
        lambda x, a, b: x * np.sqrt(a / b) + spread_factor(a), ONE, ("x",), {"a": (1.0, 4.0), "b": (2.0, 2.0)}
    )
    hold(recording)
    assert "log_spread" not in recording.kinds


def test_operations_that_are_alike_are_one(record: Record) -> None:
    recording = record(lambda x, y: (np.exp(x) + y) * 2.0 + np.square(np.exp(x) + y), {"x": (-1, 1), "y": (-2.0, 3.0)})
    curves = [o for o in recording.graph.operations if getattr(o, "curve", None) is not None]
    assert len({(c.curve.name, c.node) for c in curves}) == len(curves)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x, y: np.sin(x) + y, "operation sin can not be bounded"),
        (power, "operation power can not be bounded"),
        (lambda x, y: y / x, "divides by what may be zero"),
        (lambda x, y: x - x, "objective is the same for every design"),
        (lambda x, y: equilibrium_temperature_k(1.0, 1.0, x, 1.0), "heat without leakage may be zero"),
    ],
    ids=["no curve", "no power of a variable", "a divisor of nothing", "a constant", "heat of either sign"],
)
def test_what_can_not_be_bounded_is_refused_in_words(function: Callable[..., Any], words: str, record: Record) -> None:
    with pytest.raises(NotBoundedError, match=words):
        record(function, SIGNS)


def test_a_table_that_is_filled_in_later_is_refused(record: Record) -> None:
    def looked_up(x: Any, table: Any) -> Any:
        recorded = RecordedTable(table.graph, "table", AXIS)
        return recorded.at(AXIS.locate(x), 0.0)

    with pytest.raises(NotBoundedError, match="operation look_up can not be bounded"):
        record(looked_up, ONE, (), {"table": (1.0,)})


@pytest.mark.parametrize("name", ["a sum", "a root", "what is spread"])
def test_nodes_of_constants_are_what_their_functions_give(name: str) -> None:
    recorded_nodes: dict[str, tuple[Node, list[Any], Any]] = {
        "a sum": (Node("ufunc", np.add, (0, 1)), [1.0, 2.5], 3.5),
        "a root": (Node("ufunc", np.sqrt, (0,)), [np.array([4.0, 9.0])], [2.0, 3.0]),
        "what is spread": (Node("unit", spread_factor, (0,)), [2.0], (1.0 - np.exp(-2.0)) / 2.0),
    }
    recorded, reads, expected = recorded_nodes[name]
    np.testing.assert_allclose(evaluated(recorded, reads), expected)


def test_tables_of_constants_are_looked_up() -> None:
    x, row = np.array([1.1, 3.3]), np.array([0.0, 1.0])
    expected = TABLE.at(AXIS.locate(x), row.astype(int))
    np.testing.assert_array_equal(evaluated(Node("table", TABLE, (0, 1)), [x, row]), expected)
    y = np.array([0.7, 4.0])
    expected = GRID.at(AXIS.locate(x), OTHER.locate(y), row.astype(int))
    np.testing.assert_array_equal(evaluated(Node("grid", GRID, (0, 1, 2)), [x, y, row]), expected)


def test_roundings_are_told_from_other_operations() -> None:
    assert is_rounding(Node("ufunc", np.ceil, (0,)))
    assert is_rounding(Node("ufunc", np.floor, (0,)))
    assert not is_rounding(Node("ufunc", np.rint, (0,)))
    assert not is_rounding(Node("constant", 1.0, ()))


def test_every_recorded_operation_of_the_model_is_tried_here() -> None:
    """The functions that are bounded as a whole are among the cases, by the curve or function that they come to."""
    kinds = set().union(*(case[3] for case in CASES.values()))
    assert {"balance", "log_spread", "log_spread_exp", "Joint"} <= kinds
    assert len(MONOTONE_FUNCTIONS) == 4, "a function new to the model needs a case here"
    assert Graph().units == frozenset()
