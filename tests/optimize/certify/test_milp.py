"""The second bound: outer lines, an honest status, a model that others can use, and never a bound above a design."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyomo.environ as pyo
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyomo.contrib.solver.common.factory import SolverFactory

from dawndusk.models.tables import EvenAxis, EvenGrid, EvenTable
from dawndusk.optimize.certify.branch.boxes import Bounder
from dawndusk.optimize.certify.branch.designs import coordinates_of
from dawndusk.optimize.certify.functions.curves import Curve
from dawndusk.optimize.certify.functions.joint import LogServed
from dawndusk.optimize.certify.functions.lookup import GridRanges, TableRanges
from dawndusk.optimize.certify.graph.operations import reached
from dawndusk.optimize.certify.graph.statement import SIZE, STEPWISE, Statement, state
from dawndusk.optimize.certify.lp import screening as milp_screen
from dawndusk.optimize.certify.lp.engine import LpSolver
from dawndusk.optimize.certify.lp.model.columns import propagated
from dawndusk.optimize.certify.lp.model.joint import upper_plane
from dawndusk.optimize.certify.lp.model.lines import (
    corners,
    curve_bands,
    plane_at,
    table_bands,
    table_lines,
    tangents,
)
from dawndusk.optimize.certify.lp.model.relaxation import Relaxation
from dawndusk.optimize.certify.lp.model.template import Template
from dawndusk.optimize.certify.lp.second_bound import milp_model, second_bound, write_model
from dawndusk.optimize.certify.lp.tree import SearchTree
from dawndusk.optimize.certify.lp.values import values_at
from dawndusk.optimize.certify.lp.work import Modelling
from dawndusk.optimize.execution.backends import open_executor
from dawndusk.optimize.heuristics.evolution import search
from dawndusk.optimize.problem import Bound, Problem
from dawndusk.optimize.result import SecondBound

ONE = (
    "design.accelerator=[tpu_v7]",
    "design.orbit=[dawn_dusk_sso]",
    "design.radiator=[deployable_two_phase]",
    "design.array=[silicon_flexible]",
    "design.vehicle=[starship_v3]",
)
LoadProblem: TypeAlias = Callable[..., Problem]
Ends: TypeAlias = tuple[float, float]

TINY = 1e-12
SHARE = st.floats(0.0, 1.0)


@pytest.fixture(scope="module")
def one(study_problem: LoadProblem) -> Problem:
    return study_problem("orbit-200mw", *ONE)


def two_ends(within: Ends, one: float, other: float) -> Ends:
    low, high = within
    start, end = sorted((low + one * (high - low), low + other * (high - low)))
    least = 1e-6 * (high - low)
    return (start, max(end, start + least)) if start + least <= high else (high - least, high)


@given(one=SHARE, other=SHARE, count=st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_tangents_stay_on_their_side_of_every_curve(
    curve: Curve, ends: Ends, one: float, other: float, count: int
) -> None:
    low, high = two_ends(ends, one, other)
    x = np.linspace(low, high, 301)
    y = np.asarray(curve.value(x))
    for line in tangents(curve, low, high, count):
        rest = y - (line.slope * x + line.start)
        assert (rest if line.below else -rest).min() >= -curve.error - TINY


@given(one=SHARE, other=SHARE, pieces=st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_bands_of_every_curve_hold_it_and_their_chords_touch_it(
    curve: Curve, ends: Ends, one: float, other: float, pieces: int
) -> None:
    low, high = two_ends(ends, one, other)
    for band in curve_bands(curve, np.linspace(low, high, pieces + 1)):
        x = np.linspace(band.low, band.high, 101)
        rest = np.asarray(curve.value(x)) - band.slope * x
        assert rest.min() >= band.least - curve.error - TINY
        assert rest.max() <= band.most + curve.error + TINY
        chord = band.most if curve.convex else band.least
        size = np.abs(np.asarray(curve.value(x))).max() + abs(band.slope) * np.abs(x).max()
        assert abs((rest.max() if curve.convex else rest.min()) - chord) <= 1e-9 + 1e-11 * size + 3 * curve.error


@given(st.lists(st.floats(0.01, 100.0), min_size=5, max_size=30), SHARE, SHARE, st.booleans())
@settings(max_examples=80, deadline=None)
def test_lines_and_bands_of_a_table_hold_it(values: list[float], one: float, other: float, logarithm: bool) -> None:
    axis = EvenAxis(10.0, 2.5, len(values))
    ranges = TableRanges(EvenTable(axis, np.array([values, values[::-1]])), logarithm=logarithm)
    ends = sorted(axis.start + share * (axis.stop - axis.start) for share in (one, other))
    low, high = ends[0], ends[1] + 0.01
    x = np.linspace(low, high, 400)
    both = np.array([ranges.at(x, row) for row in (0, 1)])
    for line in table_lines(ranges, [0, 1], low, high):
        rest = both - (line.slope * x + line.start)
        assert (rest if line.below else -rest).min() >= -TINY
    for band in table_bands(ranges, 0, np.linspace(low, high, 4)):
        inside = x[(x >= band.low) & (x <= band.high)]
        rest = ranges.at(inside, 0) - band.slope * inside
        assert rest.size == 0 or (rest.min() >= band.least - TINY and rest.max() <= band.most + TINY)


@given(st.integers(0, 10_000), SHARE, SHARE, SHARE, st.booleans())
@settings(max_examples=40, deadline=None)
def test_planes_of_a_table_of_two_hold_it(seed: int, x_at: float, y_at: float, width: float, logarithm: bool) -> None:
    rng = np.random.default_rng(seed)
    grid = EvenGrid(EvenAxis(400.0, 50.0, 8), EvenAxis(0.5, 0.25, 9), rng.normal(size=(2, 8, 9)))
    ranges = GridRanges(grid, logarithm=logarithm)
    x = 400.0 + 200.0 * x_at, 400.0 + 200.0 * x_at + 1.0 + 140.0 * width
    plain = 0.5 + y_at, 0.6 + y_at + 0.8 * width
    y = (float(np.log(plain[0])), float(np.log(plain[1]))) if logarithm else plain
    mesh = np.meshgrid(np.linspace(*x, 61), np.linspace(*y, 61))
    points = corners(ranges, [0, 1], x, y)
    for below in (True, False):
        plane = plane_at(points, (x[0], y[1]), below=below)
        for row in (0, 1):
            rest = ranges.at(mesh[0].ravel(), mesh[1].ravel(), row) - (
                plane.slope_x * mesh[0].ravel() + plane.slope_y * mesh[1].ravel() + plane.start
            )
            assert (rest if below else -rest).min() >= -TINY


def points_of(statement: Statement, count: int, combination: int = 0) -> np.ndarray[Any, Any]:
    """Return coordinates of random designs of a combination, shape (d, count)."""
    problem = statement.problem
    rng = np.random.default_rng(7)
    designs = problem.designs(rng.random((count, len(problem.free))), statement.combinations[combination])
    size = designs.values[SIZE]
    return np.array([c.of(designs.values[c.variable], size) for c in statement.coordinates])


@pytest.mark.parametrize("members", [(0,), tuple(range(0, 360, 7))], ids=["one", "many"])
def test_every_design_lies_in_the_model(members: tuple[int, ...], study_problem: LoadProblem) -> None:
    statement = state(study_problem("orbit-200mw"), STEPWISE)
    bounder = Bounder(statement)
    graph, root = bounder.graph, bounder.root()
    needed = reached(graph)
    graph.limits.clear()  # so that designs that break rules lie in the model as well
    graph.rows = ()
    chosen = list(members)
    found = propagated(graph, members, (root.low[:, chosen], root.high[:, chosen]), None)
    assert found is not None
    relaxation = Relaxation(graph, found[0], needed, found[1])
    engine = LpSolver(relaxation)
    checked = 0
    for combination in found[0][:: max(len(found[0]) // 4, 1)]:
        points = points_of(statement, 12, combination)
        inside = ((points >= root.low[:, [combination]]) & (points <= root.high[:, [combination]])).all(axis=0)
        for point in points[:, inside].T[:3]:
            values = values_at(graph, combination, point)
            for category, names in relaxation.names.items():
                for name, number in names.items():
                    place, is_it = relaxation.position[number], statement.combinations[combination][category] == name
                    engine.limit(place, float(is_it), float(is_it))
            low, high = engine.low.copy(), engine.high.copy()
            for axis, value in enumerate(point):
                place = relaxation.position[axis]
                scaled = float((value - relaxation.middle[place]) / relaxation.half[place])
                engine.limit(place, scaled - 1e-9, scaled + 1e-9)
            cost = np.zeros(len(relaxation.middle))
            column, factor, shift = relaxation.columns.of[graph.objective]
            assert column is not None
            place = relaxation.position[column]
            cost[place] = factor * relaxation.half[place]
            for sign in (1.0, -1.0):
                answer = engine.minimise(sign * cost)
                assert answer.words == "Optimal"
                exact = sign * (values[graph.objective] - shift - factor * relaxation.middle[place])
                assert answer.bound <= exact + 1e-6
            checked += 1
            for place, ends in enumerate(zip(low, high, strict=True)):
                if place < len(engine.low):
                    engine.limit(place, *map(float, ends))
    assert checked > 0


@pytest.mark.parametrize("name", ["orbit-200mw", "kuiper-3236", "suncatcher"])
def test_a_row_holds_a_column_once(name: str, study_problem: LoadProblem) -> None:
    """HiGHS refuses other models."""
    bounder = Bounder(state(study_problem(name), STEPWISE))
    graph, root = bounder.graph, bounder.root()
    found = propagated(graph, (0,), (root.low[:, [0]], root.high[:, [0]]), None)
    assert found is not None
    model = Template(graph, 0, reached(graph)).model(found[1])
    matrix = model.system()[0]
    assert matrix.nnz > 0
    assert matrix.has_canonical_format
    for row in np.split(matrix.indices, matrix.indptr[1:-1]):
        assert len(set(row)) == len(row)


def bounded(problem: Problem, time_limit_s: float, seed: int) -> tuple[float, SecondBound]:
    found = search(problem, seed=seed, time_limit_s=4.0, most_designs=10**8)
    assert found.objective is not None
    return found.objective, second_bound(problem, gap=0.01, time_limit_s=time_limit_s)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["orbit-200mw", "falcon9-today", "suncatcher", "kuiper-3236"])
def test_bound_is_never_above_a_design_that_another_search_finds(name: str, study_problem: LoadProblem) -> None:
    overrides = ONE if name == "orbit-200mw" else ()
    objective, found = bounded(study_problem(name, *overrides), 16.0, seed=3)
    assert found.status in {"bounded", "time limit"}
    assert found.bound is not None
    assert found.bound <= objective * (1.0 + 1e-9)
    assert found.gap is not None
    assert found.gap >= 0.0


@pytest.mark.slow
def test_bound_without_a_good_cutoff_still_holds(one: Problem) -> None:
    found = second_bound(one, gap=0.01, time_limit_s=12.0, cutoff=20.0)
    assert found.bound is not None
    assert found.bound <= 13.897


def test_a_claim_that_no_design_can_meet_is_proved_infeasible(one: Problem) -> None:
    impossible = Problem(
        assumptions=one.assumptions,
        space=one.space,
        objective=one.objective,
        sense=one.sense,
        bounds=(Bound("dose_krad_life", "<=", 1e-6),),
        satellites_follow_demand=one.satellites_follow_demand,
    )
    found = second_bound(impossible, time_limit_s=20.0)
    assert found.status == "infeasible"
    assert found.bound is None
    assert found.objective is None


def test_a_time_limit_is_called_one(one: Problem) -> None:
    found = second_bound(one, gap=1e-4, time_limit_s=1.5, cutoff=13.9)
    assert found.status == "time limit"
    assert found.bound is not None
    assert found.bound <= 13.8962
    assert found.gap is not None
    assert found.gap > 1e-4
    assert found.stalled_at
    assert found.solver_words


def test_pyomo_model_is_solved_to_a_valid_bound_and_written(one: Problem, tmp_path: Path) -> None:
    model = milp_model(one, pieces=2, cutoff=14.0)
    assert "heat" in model.rule
    assert "log_lcoc_usd_per_pflop_hour" in model.quantity
    for ending in (".lp", ".mps"):
        text = write_model(model, tmp_path / f"model{ending}").read_text()
        assert "log_accelerators_per_satellite" in text
    with pytest.raises(ValueError, match=r"allowed: \.lp, \.mps"):
        write_model(model, tmp_path / "model.nl")
    model.of_ones_own = pyo.Constraint(expr=model.quantity["altitude_km"] >= 600.0)
    results = SolverFactory("highs").solve(
        model,
        load_solutions=False,
        raise_exception_on_nonoptimal_result=False,
        time_limit=10.0,
        threads=2,
    )
    assert results.objective_bound <= np.log(14.0)


SEVERAL = (
    "design.accelerator=[gb200_nvl72, tpu_v7]",
    "design.orbit=[dawn_dusk_sso]",
    "design.radiator=[deployable_two_phase]",
    "design.array=[silicon_flexible]",
    "design.vehicle=[starship_v3]",
)
"""Combinations whose coefficients differ, so that every row has to be that of its own."""


def holding(tree: SearchTree, combination: int, values: np.ndarray[Any, Any], nodes: np.ndarray[Any, Any]) -> int:
    """Return how many open parts hold the values of nodes of a design."""
    room = 1e-7 * (1.0 + np.abs(values[nodes]))
    return sum(
        part.combination == combination
        and bool((values[nodes] >= part.found.low[nodes] - room).all())
        and bool((values[nodes] <= part.found.high[nodes] + room).all())
        for part in tree.queue
    )


def test_no_cut_loses_a_design_that_is_better_than_the_target(
    study_problem: LoadProblem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(milp_screen, "LOOKED_AT", 200)
    problem = study_problem("orbit-200mw", *SEVERAL)
    statement = state(problem)
    context = Modelling(problem)
    graph = context.graph
    found = search(problem, seed=1, time_limit_s=1.0, most_designs=10**8)
    assert found.design is not None and found.objective is not None
    number = statement.combinations.index(found.design.combination)
    values = values_at(graph, number, coordinates_of(statement, found.design))
    assert values[graph.objective] == pytest.approx(np.log(found.objective), abs=1e-6)
    whole = {node for node in graph.roundings if graph.operations[node].free}  # type: ignore[union-attr]
    tree = SearchTree(context, open_executor(1, context=context))
    nodes = np.array([node for node in tree.needed if node not in whole])
    target = float(values[graph.objective]) + 0.01
    tree.start(target, np.inf)
    first = tree.lowest
    for _ in range(2):
        assert holding(tree, number, values, nodes) >= 1
        tree.step(target, np.inf)
    assert holding(tree, number, values, nodes) >= 1
    assert first < tree.lowest <= values[graph.objective]


@given(seed=st.integers(0, 10_000), spread=st.floats(-3.0, 0.3))
@settings(max_examples=40, deadline=None)
def test_planes_stand_above_what_is_served_all_over_a_box(seed: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    function = LogServed(2.0)
    half = 10.0**spread * rng.random(6) * np.array([0.2, 1.0, 1.0, 0.2, 1.0, 1.0])
    middle = np.array([0.15, -0.8, -2.0, 0.0, -2.4, 1.0]) + 0.3 * rng.normal(size=6)
    low, high = middle - half, middle + half
    at = low + rng.random(6) * (high - low)
    plane = upper_plane(function, low, high, at)
    assert plane is not None
    share = rng.random((6, 400))
    share[:, 200:] = np.rint(share[:, 200:])
    points = low[:, np.newaxis] + share * (high - low)[:, np.newaxis]
    rest = plane[0] @ points + plane[1] - function.value(points)
    assert rest.min() >= -TINY
    above = float(plane[0] @ at + plane[1] - function.value(at[:, np.newaxis])[0])
    assert above <= 0.02 + 2.0 * float(half.max())


HELD = (
    "design.altitude_km=415",
    "design.shielding_mm=8.5",
    "design.array_oversize=1.02",
    "design.eclipse_ride_through=0",
    "design.optical_terminals=2",
    "design.launches_per_year=82.5",
    "design.life_years=7.5",
    "design.spare_fraction=0.16",
)


def test_a_study_of_few_variables_is_closed(study_problem: LoadProblem) -> None:
    problem = study_problem("orbit-200mw", *ONE, *HELD)
    found = second_bound(problem, gap=0.002, time_limit_s=60.0)
    assert found.status == "bounded"
    assert found.objective is not None
    assert found.bound is not None
    assert found.bound <= found.objective
    assert found.gap is not None
    assert found.gap <= 0.002
    assert found.design is not None
    scored = problem.score_one(found.design)
    assert bool(scored.feasible[0])
    assert float(scored.objective[0]) == pytest.approx(found.objective, rel=1e-9)


def test_an_unknown_combination_is_refused(one: Problem) -> None:
    with pytest.raises(ValueError, match="allowed: one of the 1 of the problem"):
        milp_model(one, {"vehicle": "sled"})
