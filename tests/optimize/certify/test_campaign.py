"""Nothing contradicts a certificate: every study of the campaign is certified, and attacked for as long as one likes.

An attack walks designs to the edges of a problem and compares them with the certificate, and the boxes around them with
what the exact physics says of them. Strangers, who know neither boxes nor edges, look all over the space besides.

A sample runs every time. All of it, every outcome as objective and as limit included, some 520 studies:

    DAWNDUSK_ATTACK_S=60 make test PYTEST_ARGS="-n auto -m exhaustive tests/optimize/certify/test_campaign.py"

``DAWNDUSK_ATTACK_S`` is the seconds of each study, 10 where it is not stated; add some five for what surrounds them.
With ``-k any_study`` there are only the studies that ``campaign`` names.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from dawndusk.models.design import Design, DesignBatch
from dawndusk.models.outcome import OUTCOMES
from dawndusk.optimize.boxes import Boxes
from dawndusk.optimize.certify.attack import Attacking, attack
from dawndusk.optimize.certify.audit.containment import (
    SCALES,
    bounds_broken,
    boxes_around,
    designs_lost,
    enclosures_broken,
    node_values,
    whole_numbers,
)
from dawndusk.optimize.certify.audit.edges import edges_around
from dawndusk.optimize.certify.bound import affine, forms
from dawndusk.optimize.certify.branch.boxes import Bounder, BoxBounds
from dawndusk.optimize.certify.branch.designs import coordinates, designs_at
from dawndusk.optimize.certify.branch.work import Bounding
from dawndusk.optimize.certify.functions.curves import LOG1MEXP
from dawndusk.optimize.certify.graph.operations import Rounding
from dawndusk.optimize.certify.graph.statement import Statement, state
from dawndusk.optimize.errors import EnclosureError, NotBoundedError
from dawndusk.optimize.heuristics.evolution import QUICK, search
from dawndusk.optimize.problem import Problem
from dawndusk.optimize.result import DesignResult
from dawndusk.studies.input.studyfile import study_from_mapping
from dawndusk.studies.run.design.runner import nominal_design

from .campaign import AT_117_84, BELIEFS, CONSTANT, STUDIES, stated, vocabulary

Floats = NDArray[np.float64]

GAP = 0.02
BRIEF_S, SAMPLE_S = 3.0, 8.0
LONG_S = float(os.environ.get("DAWNDUSK_ATTACK_S", "10"))
SEARCHED_S = 1.0
FAULTY_S = 30.0
"""Until a fault is seen at the latest, on a machine that is not busy with other things."""
CHUNK, CHUNKS = 8192, 2
"""More than 100,000 strangers in all."""
A_HAIR = 1e-12
"""Relative: a cutoff so far above designs of one score; at it the last digit decides whether they are kept."""
SIDES = SCALES[::2]
"""Of boxes around designs."""
WIDTHS = (0.1, 0.02, 0.003, 3e-4, 1e-5)


def check(problem: Problem, seconds: float) -> None:
    """Attack a problem in every way, and compare what its certificate says of itself."""
    with np.errstate(all="ignore"):
        found = attack(problem, seconds=seconds, seed=1, gap=GAP, workers=1)
    assert found.held, "\n".join(
        f"{c.kind}: {c.words} at {c.design and c.design.to_dict()}" for c in found.contradictions
    )
    assert found.certified is not None
    assert found.designs > 0
    boxes = found.boxes
    if found.certified.design is not None:  # whatever the time was enough for
        tried, words = doubts(Bounding(problem).bounder, copies(found.certified.design))
        assert not words, "\n".join(words)
        boxes += tried
    assert boxes > 0 or not found.feasible
    _agrees_with_itself(found.certified)
    _strangers_do_not_beat(problem, found.certified)


def _agrees_with_itself(certified: DesignResult) -> None:
    if certified.status == "infeasible":
        assert certified.design is None
    if certified.objective is None or certified.bound is None:
        return
    assert certified.gap is not None
    if certified.objective:
        assert certified.gap == pytest.approx(abs(certified.objective - certified.bound) / abs(certified.objective))
    assert (certified.status == "optimal") == (certified.gap <= GAP * (1.0 + 1e-9))


def _strangers_do_not_beat(problem: Problem, certified: DesignResult) -> None:
    """Compare with another population, designs all over the space, and the surroundings of the best in every name."""
    found = search(problem, seed=101, time_limit_s=SEARCHED_S, effort=QUICK)
    best = [found.nearest] if found.design is not None or certified.design is None else []
    best += [certified.design] if certified.design is not None else []
    proved = math.inf if certified.status == "infeasible" else -math.inf
    if certified.bound is not None:
        proved = problem.sign * certified.bound * (1.0 - 1e-9 * np.sign(problem.sign * certified.bound))
    for batch in _strangers(problem, state(problem), best, np.random.default_rng(4711)):
        with np.errstate(all="ignore"):
            scored = problem.score(batch, problem.scored_outcomes)
        objective = np.where(scored.feasible, scored.objective, np.inf)
        place = int(np.argmin(objective))
        assert not objective[place] < proved, f"{objective[place]!r} at {batch[place].to_dict()}"


def _strangers(
    problem: Problem, statement: Statement, best: list[Design], rng: np.random.Generator
) -> Iterator[DesignBatch]:
    combinations = problem.combinations()
    low = np.array([c.low for c in statement.coordinates])[:, np.newaxis]
    high = np.array([c.high for c in statement.coordinates])[:, np.newaxis]
    for _ in range(CHUNKS):
        combination = combinations[rng.integers(len(combinations))]
        yield problem.designs(rng.random((CHUNK, len(problem.free))), combination)
        points = low + rng.random((len(low), CHUNK)) * (high - low)
        yield designs_at(statement, points, rng.integers(len(combinations), size=CHUNK))
    for design in best:
        centre = coordinates(statement, DesignBatch.of(design))
        own = statement.combinations.index(design.combination)
        for width in WIDTHS:
            moved = rng.random((len(low), CHUNK)) < rng.choice([0.2, 0.5, 1.0])
            points = np.clip(centre + rng.normal(scale=width, size=moved.shape) * moved * (high - low), low, high)
            others = rng.integers(len(combinations), size=CHUNK)
            yield designs_at(statement, points, np.where(rng.random(CHUNK) < 0.8, own, others))


def doubts(bounder: Bounder, batch: DesignBatch) -> tuple[int, list[str]]:
    """Return how many boxes of every size around feasible designs were looked at, and what they say that is not so."""
    statement, rng = bounder.statement, np.random.default_rng(1)
    names = [{v: batch.names[v][batch.codes[v][k]] for v in batch.codes} for k in range(len(batch))]
    own = np.array([statement.combinations.index(name) for name in names], dtype=np.intp)
    points = coordinates(statement, batch)
    words: list[str] = []
    with np.errstate(all="ignore"):
        scored = statement.problem.score(batch, statement.problem.scored_outcomes)
        assert scored.feasible.all()
        value = scored.objective
        scores = statement.sign * np.log(statement.sign * value) if bounder.graph.logarithm else value
        values = node_values(bounder, batch, own)
        whole = whole_numbers(bounder, values)
        for scale in SIDES:
            boxes = boxes_around(bounder, points, own, scale, rng)
            try:
                broken = (
                    enclosures_broken(bounder, boxes, points, values)[1],
                    bounds_broken(bounder, boxes, scores),
                    designs_lost(bounder, boxes, points, whole, scores + A_HAIR * (1.0 + np.abs(scores))),
                )
                words += [f"{word}; sides up to {scale:g}" for part in broken for word in part.words]
            except EnclosureError as error:
                words.append(str(error))
    return len(SIDES) * len(batch), words


def copies(design: Design, count: int = 24) -> DesignBatch:
    return DesignBatch.of([design] * count)


# -- the campaign -----------------------------------------------------------------------------------------------------

SAMPLE = ("one launch", "the least mass of three a launch from 2030", "across a node of height")
OTHERS = [name for name in STUDIES if name not in SAMPLE]
SOME_OF_THEM = OTHERS[:: len(OTHERS) // 8]


@pytest.mark.parametrize("name", SAMPLE)
def test_nothing_contradicts_the_certificates_of_a_sample(name: str) -> None:
    check(stated(STUDIES[name]), BRIEF_S)


@pytest.mark.slow
@pytest.mark.parametrize("name", SOME_OF_THEM)
def test_nothing_contradicts_the_certificates_of_some_studies(name: str) -> None:
    check(stated(STUDIES[name]), SAMPLE_S)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", STUDIES)
def test_nothing_contradicts_the_certificates_of_any_study(name: str) -> None:
    check(stated(STUDIES[name]), LONG_S)


def test_the_studies_are_many_and_are_read() -> None:
    assert len(STUDIES) >= 110
    assert len(BELIEFS) == 40
    for scenario in STUDIES.values():
        assert stated(scenario).combinations()


def test_the_design_of_the_issue_is_feasible_and_in_every_box_around_it() -> None:
    problem = stated(STUDIES["one launch within 118"])
    scored = problem.score_one(AT_117_84)
    assert scored.feasible.all()
    assert scored.objective[0] == pytest.approx(117.840, abs=1e-3)
    tried, words = doubts(Bounding(problem).bounder, copies(AT_117_84))
    assert tried > 100
    assert not words


# -- every outcome as objective and as limit --------------------------------------------------------------------------

SENSES = ("minimise", "maximise")
REFUSED = "the same for every design"


@pytest.mark.exhaustive
@pytest.mark.parametrize("sense", SENSES)
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_nothing_contradicts_the_certificate_of_any_objective(outcome: str, sense: str) -> None:
    problem = stated(vocabulary(sense=sense, outcome=outcome))
    try:
        bounder = Bounding(problem).bounder
    except NotBoundedError as error:
        assert REFUSED in str(error)
        _is_the_same_for_every_design(problem)
        return
    assert not doubts(bounder, copies(known()))[1]
    check(problem, LONG_S)


def _is_the_same_for_every_design(problem: Problem) -> None:
    numbers = np.random.default_rng(3).random((256, len(problem.free)))
    found = problem.score(problem.designs(numbers, problem.combinations()[0])).objective
    np.testing.assert_allclose(found, found[0], rtol=1e-12)


@pytest.mark.parametrize("outcome", CONSTANT)
def test_an_objective_that_is_the_same_for_every_design_is_refused(outcome: str) -> None:
    problem = stated(vocabulary(outcome=outcome))
    with pytest.raises(NotBoundedError, match=REFUSED):
        attack(problem, seconds=1.0)
    _is_the_same_for_every_design(problem)


def known() -> Design:
    """Return the nominal design of the vocabulary's study."""
    study, changes = vocabulary()
    return nominal_design(study_from_mapping({"name": "attacked", "extends": study, **changes}))


def at_equality(outcome: str, operator: str) -> Problem:
    """Return the study with a limit that the nominal design just meets."""
    value = float(stated(vocabulary()).score_one(known()).evaluation.outcome[outcome][0])
    return stated(vocabulary(f"{outcome} {operator} {value!r}"))


@pytest.mark.exhaustive
@pytest.mark.parametrize("operator", ("<=", ">="))
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_nothing_contradicts_the_certificate_of_any_limit_met_at_equality(outcome: str, operator: str) -> None:
    problem = at_equality(outcome, operator)
    assert not doubts(Bounding(problem).bounder, copies(known()))[1]
    check(problem, LONG_S)


@pytest.mark.parametrize(("outcome", "operator"), (("launches", "<="), ("satellites_per_launch", ">=")))
def test_boxes_keep_a_design_that_meets_a_limit_at_equality(outcome: str, operator: str) -> None:
    assert not doubts(Bounding(at_equality(outcome, operator)).bounder, copies(known()))[1]


# -- faults that the campaign has to see ------------------------------------------------------------------------------


def old_difference(x: Floats, y: Floats) -> Floats:
    """Return the logarithm of a difference as before: clamped at nothing otherwise than its curve."""
    return np.where(x > y, x + LOG1MEXP.value(y - x), -1e100)


def old_whole_ends(operation: Rounding, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Return whole numbers as before: what is near a whole number is taken for it on either side."""
    rounded = np.ceil if operation.up else np.floor

    def steady(x: Floats) -> Floats:
        nearest = np.rint(x)
        return np.where(np.abs(x - nearest) <= 1e-9 * np.maximum(np.abs(x), 1.0), nearest, x)

    return rounded(steady(low)), rounded(steady(high))


@pytest.fixture
def unlike_at_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(forms.PAIRS, "difference", old_difference)


@pytest.fixture
def snapped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "AT_AN_EDGE", 0.0)
    monkeypatch.setattr(affine, "whole_ends", old_whole_ends)


@pytest.fixture
def lifted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds of boxes that are two percent more than is true."""
    original = Bounder.look

    def look(self: Bounder, boxes: Boxes, cutoff: float) -> BoxBounds:
        verdict = original(self, boxes, cutoff)
        verdict.bound = verdict.bound + 0.02
        return verdict

    monkeypatch.setattr(Bounder, "look", look)


def until_found(so_far: Attacking) -> None:
    """End an attack at the first contradiction."""
    if so_far.contradictions:
        raise KeyboardInterrupt


@pytest.mark.usefixtures("unlike_at_nothing")
def test_a_difference_that_is_clamped_unlike_its_curve_is_seen_in_boxes() -> None:
    _, words = doubts(Bounding(stated(STUDIES["one launch within 118"])).bounder, copies(AT_117_84))
    assert any("inside out" in word for word in words)


@pytest.mark.slow
@pytest.mark.usefixtures("unlike_at_nothing")
def test_a_difference_that_is_clamped_unlike_its_curve_is_seen_by_an_attack() -> None:
    with np.errstate(all="ignore"):
        found = attack(stated(STUDIES["one launch"]), seconds=FAULTY_S, workers=1, report=until_found)
    assert found.found["enclosure"] > 0


@pytest.fixture(scope="module")
def on_the_edge() -> tuple[Bounder, DesignBatch]:
    """Feasible designs of least mass just before a fourth satellite would fit a launch, and the study of their mass."""
    problem = stated(STUDIES["the least mass of three a launch from 2030"])
    bounder = Bounding(problem).bounder
    statement, rng = bounder.statement, np.random.default_rng(5)
    best = search(problem, seed=1, time_limit_s=10.0, effort=QUICK)
    assert best.status == "feasible"
    centre = np.repeat(coordinates(statement, DesignBatch.of(best.nearest)), 128, axis=1)
    own = np.full(128, statement.combinations.index(best.nearest.combination), dtype=np.intp)
    points, combination = edges_around(statement, centre, own, 0.01, rng)
    batch = designs_at(statement, points, combination)
    scored = problem.score(batch)
    return bounder, batch.take(scored.feasible & (scored.evaluation.outcome["satellites_per_launch"] == 3.0))


def test_boxes_keep_the_designs_on_an_edge(on_the_edge: tuple[Bounder, DesignBatch]) -> None:
    tried, words = doubts(*on_the_edge)
    assert tried > 100
    assert not words


@pytest.mark.usefixtures("snapped")
def test_whole_numbers_that_snap_both_ways_are_seen_on_an_edge(on_the_edge: tuple[Bounder, DesignBatch]) -> None:
    _, words = doubts(*on_the_edge)
    assert any("cut away" in word or "with the bound" in word for word in words)


@pytest.mark.usefixtures("lifted")
def test_bounds_that_are_two_percent_too_high_are_seen_in_boxes(on_the_edge: tuple[Bounder, DesignBatch]) -> None:
    _, words = doubts(*on_the_edge)
    assert any("with the bound" in word for word in words)


@pytest.mark.slow
@pytest.mark.usefixtures("lifted")
def test_bounds_that_are_two_percent_too_high_are_seen_by_an_attack() -> None:
    with np.errstate(all="ignore"):
        found = attack(stated(STUDIES["a band of availability"]), seconds=FAULTY_S, workers=1, report=until_found)
    assert not found.held
