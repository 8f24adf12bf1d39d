"""The list of operations as a graph: what each reads, what results depend on, and coefficients of combinations."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dawndusk.models.tables import EvenAxis, EvenGrid, EvenTable
from dawndusk.optimize.certify.functions.curves import EXP, SOFTPLUS
from dawndusk.optimize.certify.functions.joint import LogServed
from dawndusk.optimize.certify.functions.lookup import GridRanges, TableRanges
from dawndusk.optimize.certify.graph.operations import (
    GraphRow,
    Grid,
    Input,
    Joint,
    Operation,
    Pair,
    Product,
    Rounding,
    Sign,
    Sum,
    Table,
    Univariate,
    here,
    operands,
    reached,
    read_by,
    reads,
    varies,
)

AXIS = EvenAxis(0.0, 1.0, 3)
TABLE = TableRanges(EvenTable(AXIS, np.ones((1, 3))), logarithm=False)
GRID = GridRanges(EvenGrid(AXIS, AXIS, np.ones((1, 3, 3))), logarithm=False)
PAIRED = Sum(((3, 1.0), (1, 1.0)), 0.0, Pair("sum", 3, (0, 0.0), (None, 2.0)))

READS: list[tuple[Operation, tuple[int, ...]]] = [
    (Input(0), ()),
    (Sum((), 1.0), ()),
    (Sum(((2, 1.0), (5, -3.0)), 1.0), (2, 5)),
    (Univariate(EXP, 4), (4,)),
    (Table(TABLE, 3, 0.0), (3,)),
    (Grid(GRID, 2, 1, 0.0), (2, 1)),
    (Product(6, 6), (6, 6)),
    (Joint(LogServed(1.0), (0, 1, 2, 3, 4, 5)), (0, 1, 2, 3, 4, 5)),
    (Sign(7), (7,)),
    (Rounding(8, True, False, free=False, at_least_one=False, place=0), (8,)),
]


def graph_of(operations: list[Operation], objective: int, *rows: GraphRow) -> Any:
    return SimpleNamespace(operations=operations, objective=objective, rows=rows)


@pytest.mark.parametrize(("operation", "expected"), READS, ids=lambda value: type(value).__name__)
def test_what_an_operation_reads(operation: Operation, expected: tuple[int, ...]) -> None:
    assert read_by(operation) == expected
    assert reads(graph_of([operation], 0), 0) == expected


def test_a_pair_is_made_of_its_operands_and_its_curve() -> None:
    operations: list[Operation] = [Input(0), Input(1), Sum(((0, 1.0), (1, -1.0)), 0.0), Univariate(SOFTPLUS, 2), PAIRED]
    graph = graph_of(operations, 4)
    assert reads(graph, 4) == (3, 1)
    assert operands(graph, 4) == (3, 0)
    assert operands(graph, 2) == reads(graph, 2) == (0, 1)


def test_what_results_depend_on_is_reached_in_order() -> None:
    operations: list[Operation] = [
        Input(0),
        Input(1),
        Univariate(EXP, 0),
        Univariate(EXP, 1),
        Sum(((2, 1.0),), 0.0),
        Sum(((3, 1.0),), 0.0),
        Univariate(EXP, 5),
    ]
    assert reached(graph_of(operations, 4)) == [0, 1, 2, 4], "inputs always, whether read or not"
    assert reached(graph_of(operations, 4, GraphRow("a rule", 5, 0.0))) == [0, 1, 2, 3, 4, 5]
    assert reached(graph_of(operations, 4, GraphRow("the same all over", None, 1.0))) == [0, 1, 2, 4]


def test_forms_depend_on_operands_and_planes_on_what_is_read() -> None:
    operations: list[Operation] = [Input(0), Input(1), Sum(((0, 1.0), (1, -1.0)), 0.0), Univariate(SOFTPLUS, 2), PAIRED]
    graph = graph_of(operations, 4)
    assert reached(graph) == [0, 1, 2, 3, 4]
    assert reached(graph, operands) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("value", "expected"), [(2.5, 2.5), (np.array([1.0, 7.0]), 7.0)])
def test_a_coefficient_of_one_combination(value: Any, expected: float) -> None:
    found = here(value, 1)
    assert found == expected
    assert isinstance(found, float)


def test_coefficients_vary_between_the_combinations_that_are_asked_about() -> None:
    value = np.array([1.0, 1.0, 2.0])
    assert not varies(3.0, [0, 1, 2])
    assert not varies(value, [0, 1])
    assert not varies(value, [2])
    assert varies(value, [0, 2])
