"""Designs exactly on edges: bounds hold there, and no box that holds one is called empty.

The two studies are those of designs that once beat a certificate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dawndusk.models.design import Design, DesignBatch
from dawndusk.models.rounding import WHOLE_TOLERANCE
from dawndusk.optimize.certify.audit.containment import (
    SCALES,
    bounds_broken,
    boxes_around,
    designs_lost,
    enclosures_broken,
    node_values,
    whole_numbers,
)
from dawndusk.optimize.certify.audit.edges import WHOLE_OUTCOMES, edges_between, filling_launches, scored_at, sides
from dawndusk.optimize.certify.audit.feasible import feasible_designs
from dawndusk.optimize.certify.bound import forms
from dawndusk.optimize.certify.bound.affine import ForwardBounds
from dawndusk.optimize.certify.bound.forms import AT_AN_EDGE, AffineForm
from dawndusk.optimize.certify.branch.boxes import Bounder
from dawndusk.optimize.certify.branch.designs import coordinates, coordinates_of, designs_at
from dawndusk.optimize.certify.functions.curves import LOG1MEXP, TINY
from dawndusk.optimize.certify.graph.operations import Input, Operation, Rounding, Sum
from dawndusk.optimize.certify.graph.statement import Statement, state
from dawndusk.optimize.certify.lp.propagation import BoxRanges, narrowed
from dawndusk.optimize.certify.lp.work import Modelling
from dawndusk.optimize.certify.search import certify
from dawndusk.optimize.errors import CertificateError, EnclosureError
from dawndusk.optimize.problem import Problem

Floats: TypeAlias = NDArray[np.float64]
Places: TypeAlias = NDArray[np.intp]
StudyProblem: TypeAlias = Callable[..., Problem]
OnEdges: TypeAlias = tuple[Bounder, DesignBatch, Floats, Places, Floats]

FROM_2030 = "assumptions.scenario.first_launch_year=2030"
ONE_LAUNCH = Design(
    accelerator="tpu_v7",
    accelerators_per_satellite=68,
    satellites=11,
    orbit="dawn_dusk_sso",
    altitude_km=485.02656279011944,
    radiator="deployable_cfrp",
    radiator_area_m2=194.43020851282088,
    shielding_mm=7.270692542094566,
    array="silicon_flexible",
    array_oversize=1.0131645529451199,
    eclipse_ride_through=0.0,
    spare_fraction=0.11764705882352944,
    optical_terminals=2,
    life_years=8.758781636914247,
    vehicle="starship_v3",
    launches_per_year=0.5,
)
"""Feasible at 117.84 USD/PFLOP-hour with one launch."""
NARROW = (
    "design.accelerator=[tpu_v7]",
    "design.orbit=[dawn_dusk_sso]",
    "design.radiator=[deployable_cfrp]",
    "design.array=[silicon_flexible]",
    "design.vehicle=[starship_v3]",
)
SOME_SCALES = SCALES[::2]
MOST_DESIGNS = 600
MOST_THREE = "subject_to=[installed_pflops >= 1000, satellites_per_launch <= 3]"


@pytest.mark.parametrize(
    "changes",
    [
        ("subject_to=[launches <= 1]",),
        ("subject_to=[launches <= 1, lcoc_usd_per_pflop_hour <= 118]",),
        ("subject_to=[launches <= 1]", "minimise=cost_usd_per_kw_year"),
        ("subject_to=[launches >= 1, launches <= 1]",),
    ],
)
def test_no_box_around_a_design_with_one_launch_is_empty(study_problem: StudyProblem, changes: tuple[str, ...]) -> None:
    problem = study_problem("base", FROM_2030, *changes, *NARROW)
    statement = state(problem)
    bounder = Bounder(statement)
    scored = problem.score_one(ONE_LAUNCH)
    assert scored.feasible.all()
    score = np.log(scored.objective)
    points = np.repeat(coordinates_of(statement, ONE_LAUNCH)[:, np.newaxis], 64, axis=1)
    own = np.zeros(64, dtype=np.intp)
    rng = np.random.default_rng(3)
    for scale in SCALES:
        boxes = boxes_around(bounder, points, own, scale, rng)
        broken = bounds_broken(bounder, boxes, np.repeat(score, 64))
        assert not broken.words, broken.words[:3]


def test_one_launch_is_found_and_never_called_infeasible(study_problem: StudyProblem) -> None:
    limits = "subject_to=[launches <= 1, lcoc_usd_per_pflop_hour <= 118]"
    found = certify(study_problem("base", FROM_2030, limits, *NARROW), gap=0.05, time_limit_s=4.0, workers=0)
    assert found.status != "infeasible"
    assert found.bound is not None
    exact = study_problem("base", FROM_2030, limits, *NARROW).score_one(ONE_LAUNCH).objective[0]
    assert found.bound <= exact
    assert found.verdict == "passed"


@pytest.fixture(scope="module", params=["three or four", "one launch"])
def on_edges(request: pytest.FixtureRequest, study_problem: StudyProblem) -> OnEdges:
    """Feasible designs on both sides of edges: bounder, designs, coordinates, combinations and scores."""
    if request.param == "one launch":
        problem = study_problem("base", FROM_2030, "subject_to=[launches <= 2]", *NARROW)
    else:
        problem = study_problem("base", FROM_2030, "minimise=wet_mass_kg", MOST_THREE, *NARROW)
    statement = state(problem)
    rng = np.random.default_rng(5)
    found = feasible_designs(statement, seed=5, seconds=3.0, wanted=256)
    assert len(found.combination) > 10
    points, own = found.points, found.combination
    root = Bounder(statement).root()
    parts = []
    for _ in range(4):
        moved = rng.random(points.shape) < 0.5
        end = points + rng.normal(scale=0.1, size=points.shape) * moved * (root.high - root.low)[:, own]
        edges, whose = edges_between(statement, points, np.clip(end, root.low[:, own], root.high[:, own]), own, rng)
        scored = scored_at(statement, edges, whose)
        batch = designs_at(statement, edges, whose)
        kept = np.flatnonzero(scored.feasible)
        parts.append(batch.take(kept))
    batch = parts[0]
    for part in parts[1:]:
        batch = _joined(batch, part)
    scored = problem.score(batch, problem.scored_outcomes)
    kept = rng.permutation(np.flatnonzero(scored.feasible))[:MOST_DESIGNS]
    batch = batch.take(kept)
    scores = np.log(scored.objective[kept])
    return Bounder(statement), batch, coordinates(statement, batch), np.zeros(len(batch), dtype=np.intp), scores


def _joined(one: DesignBatch, other: DesignBatch) -> DesignBatch:
    return DesignBatch(
        {name: np.concatenate([one.values[name], other.values[name]]) for name in one.values},
        {name: np.concatenate([one.codes[name], other.codes[name]]) for name in one.codes},
        one.names,
    )


def test_edges_are_neighbours_on_either_side(on_edges: OnEdges) -> None:
    bounder, _, points, own, _ = on_edges
    rng = np.random.default_rng(8)
    reach = np.ptp(points, axis=1, keepdims=True)
    edges, whose = edges_between(
        bounder.statement, points, points + 0.05 * reach * rng.normal(size=points.shape), own, rng
    )
    count = len(whose) // 2
    assert count > 5
    assert np.abs(edges[:, :count] - edges[:, count:]).max() <= 1e-12 * (1.0 + np.abs(edges)).max()
    first, second = (
        sides(bounder.statement, scored_at(bounder.statement, part, whose[:count]))
        for part in (edges[:, :count], edges[:, count:])
    )
    assert (first != second).any(axis=0).all()


@pytest.mark.parametrize("scale", SOME_SCALES)
def test_bounds_hold_on_edges(on_edges: OnEdges, scale: float) -> None:
    bounder, _, points, own, scores = on_edges
    boxes = boxes_around(bounder, points, own, scale, np.random.default_rng(6))
    broken = bounds_broken(bounder, boxes, scores)
    assert not broken.words, broken.words[:3]


@pytest.mark.parametrize("scale", SOME_SCALES)
def test_no_design_on_an_edge_is_cut_away(on_edges: OnEdges, scale: float) -> None:
    bounder, batch, points, own, scores = on_edges
    boxes = boxes_around(bounder, points, own, scale, np.random.default_rng(7))
    whole = whole_numbers(bounder, node_values(bounder, batch, own))
    broken = designs_lost(bounder, boxes, points, whole, scores)
    assert not broken.words, broken.words[:3]


@pytest.mark.parametrize("scale", SOME_SCALES)
def test_every_node_lies_in_its_enclosure_on_edges(on_edges: OnEdges, scale: float) -> None:
    bounder, batch, points, own, _ = on_edges
    boxes = boxes_around(bounder, points, own, scale, np.random.default_rng(9))
    compared, broken = enclosures_broken(bounder, boxes, points, node_values(bounder, batch, own))
    assert compared > 100
    assert not broken.words, broken.words[:3]


def test_fleets_fill_their_launches(on_edges: OnEdges) -> None:
    """Those of N launches need N, and with one satellite more another launch."""
    bounder, batch, *_ = on_edges
    problem = bounder.statement.problem
    kept = (*problem.scored_outcomes, *WHOLE_OUTCOMES)
    one, *full = filling_launches(bounder.statement, batch)
    np.testing.assert_array_equal(one.values["satellites"], 1.0)
    for count, fleet in enumerate(full, start=1):
        needed = problem.score(fleet, kept).evaluation.outcome["launches"]
        more = DesignBatch({**fleet.values, "satellites": fleet.values["satellites"] + 1.0}, fleet.codes, fleet.names)
        held = fleet.values["satellites"] > 1.0  # less than one arrives where a launch that may fail carries one
        assert np.all(needed[held] <= count)
        assert np.all(problem.score(more, kept).evaluation.outcome["launches"][held] > count)


# -- one operation at a time ------------------------------------------------------------------------------------------


def forward_of(low: Floats, high: Floats, limits: dict[int, tuple[float, float]] | None = None) -> ForwardBounds:
    count = low.shape[1]
    nothing = np.full((1, count), -np.inf)
    return ForwardBounds(low, high, np.zeros(count, dtype=np.intp), nothing, -nothing, dict(limits or {}))


@given(
    whole=st.integers(1, 5000),
    missed=st.sampled_from([0.0, 1e-15, -1e-15, 1e-13, -1e-13, 5e-12, -5e-12, 1e-9, -1e-9, 0.3, -0.3]),
    width=st.sampled_from([0.0, 1e-14, 1e-11, 1e-9, 1e-3, 1.0]),
    up=st.booleans(),
    logarithm=st.booleans(),
)
def test_a_rounding_holds_both_numbers_at_an_edge(
    whole: int, missed: float, width: float, up: bool, logarithm: bool
) -> None:
    """What is rounded may be off by its own rounding: the whole number of anything as near is in the range."""
    x = max(whole * (1.0 + missed), 1.0)
    at = np.log(x) if logarithm else x
    low, high = np.array([[at - width]]), np.array([[at + width]])
    if logarithm and not up:
        low = np.maximum(low, 0.0)
    forward = forward_of(low, high)
    forward.run([Input(0), Rounding(0, up, logarithm, False, False, 0)])
    form = forward.forms[1]
    down_edge, up_edge = (float((np.ceil if up else np.floor)(x * (1.0 + sign * 0.5 * AT_AN_EDGE))) for sign in (-1, 1))
    for number in (down_edge, up_edge):
        value = np.log(max(number, 1.0)) if logarithm else number
        assert form.low[0] <= value <= form.high[0]
        for u in (-1.0, 0.0, 1.0) if width == 0.0 else (0.0,):
            line = float((form.slopes * u).sum())
            slack = 1e-15 * (1.0 + abs(value))
            assert form.below[0] - slack <= value - line <= form.above[0] + slack


def test_the_convention_is_far_wider_than_the_edge() -> None:
    """So that what is whole by design has one whole number in every enclosure."""
    assert AT_AN_EDGE <= 0.05 * WHOLE_TOLERANCE


def test_a_difference_of_nothing_is_the_same_at_both_ends() -> None:
    """Satellites that need one launch: the logarithm of no further launches is that of ``TINY``, not two numbers."""
    assert forms.PAIRS["difference"](0.0, 0.0) == LOG1MEXP.value(0.0) == np.log(TINY)
    x = np.linspace(0.0, 1e-3, 50)
    assert np.all(np.diff(forms.PAIRS["difference"](x, np.zeros(50))) >= 0.0)


def inside_out(self: ForwardBounds, operation: Sum, node: int) -> AffineForm:
    """Return a form that says that the least of a sum is above its greatest."""
    inner = self.forms[0]
    return AffineForm(inner.axes, inner.slopes, inner.below, inner.above, inner.low + 1.0, inner.high - 1.0)


OF_BOTH: list[Operation] = [Input(0), Sum(((0, 2.0),), 1.0), Sum(((0, -2.0),), -1.0), Sum(((1, 1.0), (2, 1.0)), 0.0)]
OPERATIONS: list[Operation] = [Input(0), Sum(((0, 2.0),), 1.0)]


def test_an_enclosure_that_is_inside_out_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ForwardBounds, "_sum", inside_out)
    words = r"node 1 \(sum\) is inside out: at least 1\.0 and at most -0\.9 over the box .* of combination 0"
    with pytest.raises(EnclosureError, match=words):
        forward_of(np.zeros((1, 1)), np.full((1, 1), 0.1)).run(OPERATIONS)
    assert issubclass(EnclosureError, CertificateError)


def test_what_a_rule_ends_is_empty_and_raises_nothing() -> None:
    forward = forward_of(np.zeros((1, 2)), np.ones((1, 2)), {1: (4.0, np.inf)})
    forward.run(OPERATIONS)
    assert forward.empty.all()
    forward = forward_of(np.zeros((1, 2)), np.ones((1, 2)), {1: (2.0, np.inf)})
    forward.run(OPERATIONS)
    assert not forward.empty.any()


def test_rules_that_contradict_each_other_later_are_no_fault() -> None:
    """Both ends of a quantity are cut by rules on what it is made of: the box is empty, no enclosure is wrong."""
    forward = forward_of(np.zeros((1, 1)), np.ones((1, 1)), {1: (2.5, np.inf), 2: (-np.inf, -2.0)})
    forward.run(OF_BOTH)
    assert not forward.empty.any()
    forward = forward_of(np.zeros((1, 1)), np.ones((1, 1)), {1: (2.5, np.inf), 2: (-1.5, np.inf)})
    forward.run(OF_BOTH)
    assert forward.empty.all()


def test_the_coordinates_of_many_designs_are_those_of_each(on_edges: OnEdges) -> None:
    bounder, batch, points, *_ = on_edges
    statement: Statement = bounder.statement
    for k in range(0, len(batch), 37):
        np.testing.assert_array_equal(coordinates_of(statement, batch[k]), points[:, k])


def test_sums_of_large_terms_are_padded() -> None:
    """Revenue less cost is nearly nothing: its range covers what rounding makes of the difference."""
    big = 3e15
    operations: list[Operation] = [
        Input(0),
        Sum(((0, big),), 0.0),
        Sum(((0, -big),), 7.0),
        Sum(((1, 1.0), (2, 1.0)), 0.0, None, True),
    ]
    forward = forward_of(np.array([[1.0]]), np.array([[1.0 + 1e-12]]))
    forward.run(operations)
    form = forward.forms[3]
    assert form.low[0] <= 7.0 <= form.high[0]
    for x in np.linspace(1.0, 1.0 + 1e-12, 7):
        assert form.low[0] <= (x * big) + (7.0 - x * big) <= form.high[0]


def test_rows_are_met_up_to_a_share_of_their_limit(study_problem: StudyProblem) -> None:
    """A capital of exactly a thousand million is within a limit of as much, which is worked out in dollars."""
    limit = "subject_to=[value_usd >= -3e10, capex_usd <= 1e9]"
    price = "demand.price_usd_per_pflop_hour=20"
    graph = Bounder(state(study_problem("base", FROM_2030, price, limit, *NARROW))).graph
    rows = {row.name: row for row in graph.rows}
    assert rows["capex_usd <= 1e+09"].logarithm
    value = next(row for name, row in rows.items() if name.startswith("value_usd"))
    assert not value.logarithm
    assert value.tolerance == pytest.approx(30.0)
    assert rows["heat"].tolerance == pytest.approx(1e-9)


def test_linear_models_hold_designs_on_edges(on_edges: OnEdges) -> None:
    """The second bound's forward arithmetic loses no design on an edge either."""
    bounder, _, points, own, scores = on_edges
    context = Modelling(bounder.statement.problem)
    rng = np.random.default_rng(12)
    for scale in SOME_SCALES:
        boxes = boxes_around(bounder, points, own, scale, rng)
        nodes, count = len(context.graph.operations), points.shape[1]
        low, high = np.full((nodes, count), -np.inf), np.full((nodes, count), np.inf)
        low[: len(points)], high[: len(points)] = boxes.low, boxes.high
        cutoff = float(np.median(scores)) + 1e-9
        after = narrowed(context.graph, context.asked, BoxRanges(low, high, own), cutoff)
        matters = np.flatnonzero(scores <= cutoff)
        assert np.isin(matters, after.which).all()
        place = {int(which): k for k, which in enumerate(after.which)}
        kept = [place[int(k)] for k in matters]
        assert np.all(after.bound[kept] <= scores[matters] + 1e-9)
        inside = after.left.take(kept)
        edge = 1e-9 * (1.0 + np.abs(points[:, matters]))
        assert np.all(inside.low[: len(points)] <= points[:, matters] + edge)
        assert np.all(inside.high[: len(points)] >= points[:, matters] - edge)
