"""A problem recorded: its coordinates, and what they are of the variables that they stand for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dawndusk.models.design import VARIABLES
from dawndusk.models.recording.trace import Graph
from dawndusk.optimize.certify.graph.statement import (
    LEAST_OFFSET,
    SIZE,
    SMALL_PROGRAMME,
    STEPWISE,
    Coordinate,
    _pivot,
    state,
)
from dawndusk.optimize.problem import Problem

MakeProblem: TypeAlias = Callable[..., Problem]

SIZES: dict[str, Any] = {"accelerators_per_satellite": {"low": 64, "high": 256, "nominal": 126}}


@given(
    x=st.floats(0.01, 1e4),
    size=st.floats(1.0, 1e4),
    power=st.sampled_from([-1.0, 0.0, 1.0]),
    offset=st.floats(0.0, 10.0),
)
def test_a_coordinate_and_its_variable_are_each_others_inverse(
    x: float, size: float, power: float, offset: float
) -> None:
    coordinate = Coordinate("x", 0.0, 1.0, True, False, power, offset, 2.0)
    at, n = np.array([x]), np.array([size])
    np.testing.assert_allclose(coordinate.of(at, n), np.log((offset + 2.0 * x) * size**power), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(coordinate.value(coordinate.of(at, n), n), at, rtol=1e-9, atol=1e-9 * (1.0 + offset))


def test_a_plain_coordinate_is_its_variable() -> None:
    coordinate = Coordinate("x", 0.0, 1.0, False, False)
    x = np.array([0.25])
    assert coordinate.of(x, x) is x
    assert coordinate.value(x, x) is x


def test_positive_variables_are_counted_in_logarithms_and_altitudes_are_not(make_problem: MakeProblem) -> None:
    statement = state(make_problem())
    found = {c.variable: c for c in statement.coordinates}
    assert not found["altitude_km"].logarithmic
    assert (found["altitude_km"].low, found["altitude_km"].high) == (400.0, 900.0)
    assert found["radiator_area_m2"].logarithmic
    assert found["radiator_area_m2"].low == pytest.approx(np.log(50.0))
    assert found["radiator_area_m2"].power == 0.0, "the size of a satellite is fixed"
    assert [c.variable for c in statement.coordinates].index("altitude_km") == statement.index("altitude_km")
    assert statement.index("life_years") is None
    assert statement.fixed["life_years"] == 6.0


def test_the_radiator_is_counted_for_each_accelerator_where_their_number_varies(make_problem: MakeProblem) -> None:
    statement = state(make_problem(SIZES))
    radiator = statement.coordinates[statement.index("radiator_area_m2") or 0]
    assert radiator.power == -1.0
    assert radiator.low == pytest.approx(np.log(50.0 / 256.0))
    assert radiator.high == pytest.approx(np.log(2000.0 / 64.0))
    size = statement.coordinates[statement.index(SIZE) or 0]
    assert size.whole
    assert statement.range_of(SIZE) == (64.0, 256.0)


def test_ranges_of_products_hold_every_design(make_problem: MakeProblem) -> None:
    statement = state(make_problem(SIZES))
    rng = np.random.default_rng(1)
    for c in statement.coordinates:
        low, high = statement.range_of(c.variable)
        x, size = rng.uniform(low, high, 1000), rng.uniform(64.0, 256.0, 1000)
        size = x if c.variable == SIZE else size
        found = c.of(x, size)
        assert np.all(found >= c.low - 1e-12)
        assert np.all(found <= c.high + 1e-12)


def test_spares_reach_to_the_next_whole_number(make_problem: MakeProblem) -> None:
    """What is rounded up may be any whole number of the range, the last included: see ``Rounding.free``."""
    statement = state(make_problem({"spare_fraction": {"low": 0.0, "high": 0.2, "nominal": 0.1}}))
    spares = statement.coordinates[statement.index("spare_fraction") or 0]
    size = np.array([126.0])
    most = spares.value(np.array([spares.high]), size)[0]
    assert most == pytest.approx(0.2 + 1.0 / 126.0)
    assert 126.0 * (1.0 + most) >= np.ceil(126.0 * 1.2)
    assert statement.range_of("spare_fraction") == (0.0, 0.2)


def test_a_variable_that_may_be_zero_is_counted_by_what_it_is_added_to() -> None:
    graph = Graph()
    x = graph.input("spare_fraction")
    assert _pivot(graph, "spare_fraction", 1.0) is None
    1.0 + 2.0 * x
    number, offset, factor = _pivot(graph, "spare_fraction", 1.0) or (0, 0.0, 0.0)
    assert (offset, factor) == (1.0, 2.0)
    assert graph.nodes[number].payload is np.add


def test_what_hardly_adds_to_a_variable_is_no_pivot() -> None:
    graph = Graph()
    graph.input("spare_fraction") + 0.5 * LEAST_OFFSET
    assert _pivot(graph, "spare_fraction", 1.0) is None


def test_a_variable_that_is_above_zero_needs_no_pivot() -> None:
    graph = Graph()
    1.0 + graph.input("radiator_area_m2")
    assert VARIABLES["radiator_area_m2"].minimum > 0.0
    assert _pivot(graph, "radiator_area_m2", 2000.0) is None


def test_satellites_follow_a_demand_and_are_counted_whole_in_a_small_programme(make_problem: MakeProblem) -> None:
    few = state(make_problem(SIZES, demand={"it_power_mw": 1.0}))
    many = state(make_problem(SIZES, demand={"it_power_mw": 5000.0}))
    powers = []
    for statement in (few, many):
        index = statement.index("satellites")
        assert index is not None
        powers.append(statement.coordinates[index].power)
    assert powers == [0.0, 1.0]
    assert SMALL_PROGRAMME > 1


def test_rules_and_bounds_are_rows_of_nodes(make_problem: MakeProblem) -> None:
    statement = state(make_problem(subject_to=["capex_usd <= 1e12", "delivered_pflops >= 1"]))
    names = [row.name for row in statement.rows]
    assert len(set(names)) == len(names)
    last = statement.rows[-2:]
    assert [row.at_most for row in last] == [True, False]
    for row, limit in zip(last, (1e12, 1.0), strict=True):
        assert statement.recording.nodes[row.limit].payload == limit
        assert row.value in statement.outcomes.values()


def test_every_parameter_has_a_value_for_each_combination(make_problem: MakeProblem) -> None:
    statement = state(make_problem({"orbit": ["dawn_dusk_sso", "mid_inclination_53"]}))
    assert len(statement.combinations) == 2
    assert {values.shape for values in statement.parameters.values()} == {(2,)}
    named = {node.payload for node in statement.recording.nodes if node.kind == "parameter"}
    assert named <= statement.parameters.keys()


@pytest.mark.parametrize(("sense", "sign"), [("minimise", 1.0), ("maximise", -1.0)])
def test_the_sign_makes_an_objective_small(sense: str, sign: float, make_problem: MakeProblem) -> None:
    assert state(make_problem(**{sense: "delivered_pflops"})).sign == sign


def test_fewer_functions_as_a_whole_make_a_longer_recording(make_problem: MakeProblem) -> None:
    problem = make_problem()
    lengths = [len(state(problem, units).recording.nodes) for units in ((), STEPWISE)]
    assert lengths[0] > lengths[1]
    assert len(state(problem).recording.nodes) < lengths[1]
