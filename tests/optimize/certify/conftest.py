"""Real studies with many feasible designs each, and what every step of their recording truly is at a design."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from dawndusk.models.design import CATEGORIES, DesignBatch
from dawndusk.optimize.boxes import Boxes
from dawndusk.optimize.certify.bound.forms import STEADY
from dawndusk.optimize.certify.bound.rows import count_rows
from dawndusk.optimize.certify.branch.boxes import Bounder
from dawndusk.optimize.certify.branch.designs import coordinates_of, designs_at
from dawndusk.optimize.certify.functions import curves
from dawndusk.optimize.certify.functions.curves import LOG, Curve
from dawndusk.optimize.certify.graph.operations import (
    Grid,
    Input,
    Joint,
    Product,
    Rounding,
    Sign,
    Sum,
    Table,
    Univariate,
)
from dawndusk.optimize.certify.graph.statement import SIZE, Statement, state
from dawndusk.optimize.heuristics.evolution import Effort, search
from dawndusk.optimize.problem import Problem
from dawndusk.studies.input.studyfile import read_study
from dawndusk.studies.run.design.runner import problem_of

Floats: TypeAlias = NDArray[np.float64]
Places: TypeAlias = NDArray[np.intp]
Case: TypeAlias = tuple[Bounder, DesignBatch, Places, Floats, Floats]
"""A study's bounder, feasible designs, their combinations, their coordinates (d, N) and their scores."""

NOTHING = 1e-14
"""What is left of a difference of two that are equal, in the arithmetic of the graph or in that of the model."""
BRIEF = Effort(evolved=3, generations=50, refined=2, every_name=False)
DESIGNS = 240
STUDIES: dict[str, tuple[str, ...]] = {
    "orbit-200mw": (
        "design.accelerator=[tpu_v7]",
        "design.orbit=[dawn_dusk_sso, mid_inclination_53]",
        "design.radiator=[deployable_two_phase]",
        "design.array=[silicon_flexible]",
        "design.vehicle=[starship_v3]",
    ),
    "falcon9-today": (
        "design.accelerator=[b200]",
        "design.orbit=[dawn_dusk_sso]",
        "design.radiator=[body_mounted, deployable_aluminium]",
        "design.array=[silicon_flexible]",
    ),
    "suncatcher": ("design.radiator=[deployable_two_phase, body_mounted]", "design.array=[silicon_flexible]"),
    "spacex-ai1": ("design.radiator=[deployable_cfrp, deployable_heat_pump]", "design.array=[silicon_flexible]"),
    "kuiper-3236": (
        "design.accelerator=[tpu_v7, b200]",
        "design.radiator=[deployable_aluminium]",
        "design.array=[silicon_flexible]",
        "design.vehicle=[falcon_9]",
    ),
}
CURVE_RANGES: dict[str, tuple[float, float]] = {
    "exp": (-30.0, 12.0),
    "expm1": (-30.0, 12.0),
    "log": (1e-9, 1e7),
    "softplus": (-40.0, 40.0),
    "log1mexp": (-30.0, -1e-6),
    "log_expm1": (1e-6, 50.0),
    "log_spread": (1e-6, 50.0),
    "log_expm1_exp": (-14.0, 4.0),
    "log_spread_exp": (-14.0, 4.0),
    "ramp": (-20.0, 20.0),
    "balance": (-10.0, 10.0),
}
"""Arguments to try each curve at."""


def problem_at(name: str, *overrides: str) -> Problem:
    return problem_of(read_study(name, list(overrides)))


@pytest.fixture(scope="session")
def study_problem() -> Callable[..., Problem]:
    """A library study with overrides, as a problem."""
    return problem_at


@pytest.fixture(scope="session", params=list(STUDIES))
def case(request: pytest.FixtureRequest) -> Case:
    """One study after the other, with feasible designs all over it."""
    return case_of(problem_at(request.param, *STUDIES[request.param]))


def case_of(problem: Problem) -> Case:
    """Return feasible designs near and far from the best ones."""
    statement = state(problem)
    bounder = Bounder(statement)
    found = search(problem, seed=3, time_limit_s=20.0, effort=BRIEF)
    leaders = [c for c in found.candidates if c.violation <= 0.0]
    assert leaders, "a case needs feasible designs"
    rng = np.random.default_rng(17)
    names = [{v: c.combination[v] for v in CATEGORIES} for c in leaders]
    numbers = np.array([statement.combinations.index(name) for name in names], dtype=np.intp)
    centres = np.array([coordinates_of(statement, c.design) for c in leaders]).T
    root = bounder.root()
    parts = []
    for width in (1e-5, 1e-3, 0.02, 0.1, 0.3):
        chosen = rng.integers(len(leaders), size=1500)
        combination = numbers[chosen]
        reach = (root.high - root.low)[:, combination]
        step = rng.normal(scale=width, size=reach.shape) * (rng.random(reach.shape) < 0.5) * reach
        points = np.clip(centres[:, chosen] + step, root.low[:, combination], root.high[:, combination])
        batch = whole_spares(designs_at(statement, points, combination))
        with np.errstate(all="ignore"):
            feasible = problem.score(batch, problem.scored_outcomes).feasible
        feasible &= ~on_a_step(bounder, coordinates(statement, batch), combination)
        kept = np.flatnonzero(feasible)[: DESIGNS // 5]
        parts.append((some(batch, kept), combination[kept]))
    batch = joined([part for part, _ in parts])
    combination = np.concatenate([c for _, c in parts])
    with np.errstate(all="ignore"):
        scored = problem.score(batch, problem.scored_outcomes)
    assert scored.feasible.all()
    value = scored.objective
    if bounder.graph.logarithm:
        value = statement.sign * np.log(statement.sign * value)
    return bounder, batch, combination, coordinates(statement, batch), value


def on_a_step(bounder: Bounder, points: Floats, combination: Places) -> NDArray[np.bool_]:
    """Return where what is rounded is so close to a whole number that the last digit decides which way it goes."""
    found = np.zeros(points.shape[1], dtype=np.bool_)
    values = nodes_at(bounder, points, combination)
    for node in bounder.graph.roundings:
        operation = bounder.graph.operations[node]
        assert isinstance(operation, Rounding)
        inner = np.exp(values[operation.node]) if operation.logarithm else values[operation.node]
        found |= (np.abs(inner - np.rint(inner)) <= 1e-8 * np.maximum(inner, 1.0)) & (not operation.free)
    return found


def some(batch: DesignBatch, chosen: Any) -> DesignBatch:
    return DesignBatch(
        {name: value[chosen] for name, value in batch.values.items()},
        {name: code[chosen] for name, code in batch.codes.items()},
        batch.names,
    )


def joined(parts: list[DesignBatch]) -> DesignBatch:
    first = parts[0]
    return DesignBatch(
        {name: np.concatenate([p.values[name] for p in parts]) for name in first.values},
        {name: np.concatenate([p.codes[name] for p in parts]) for name in first.codes},
        first.names,
    )


def whole_spares(batch: DesignBatch) -> DesignBatch:
    """Return the same designs with the spare accelerators that fly, a whole number, in place of what asked for them."""
    size = batch.values[SIZE]
    spare = np.maximum(np.ceil(size * (1.0 + batch.values["spare_fraction"]) - 1e-9) / size - 1.0, 0.0)
    return DesignBatch({**batch.values, "spare_fraction": spare}, batch.codes, batch.names)


def coordinates(statement: Statement, batch: DesignBatch) -> Floats:
    """Return the coordinates of designs, shape (d, N)."""
    values = whole_spares(batch).values
    return np.array([c.of(values[c.variable], values[SIZE]) for c in statement.coordinates])


@pytest.fixture(scope="session")
def coordinates_at() -> Callable[[Statement, DesignBatch], Floats]:
    return coordinates


@pytest.fixture(scope="session")
def truth() -> Callable[[Bounder, Floats, Places], list[Floats]]:
    return nodes_at


def nodes_at(bounder: Bounder, points: Floats, combination: Places) -> list[Floats]:
    """Return the exact value of every node at points of shape (d, N), roundings done."""
    count = points.shape[1]
    values: list[Floats] = []

    def here(value: Any) -> Any:
        return value[combination] if isinstance(value, np.ndarray) else value

    def row(value: Any) -> Any:
        return here(value).astype(np.int64) if isinstance(value, np.ndarray) else int(value)

    with np.errstate(all="ignore"):
        for operation in bounder.graph.operations:
            found: Any
            if isinstance(operation, Input):
                found = points[operation.axis]
            elif isinstance(operation, Sum):
                found = here(operation.constant) + sum(values[s] * here(factor) for s, factor in operation.terms)
            elif isinstance(operation, Univariate):
                inner = values[operation.node]
                zero = (operation.curve is LOG) & (np.abs(inner) < NOTHING)
                found = operation.curve.value(np.where(zero, 0.0, inner))
            elif isinstance(operation, Table):
                found = operation.ranges.at(values[operation.node], row(operation.row))
            elif isinstance(operation, Grid):
                found = operation.ranges.at(values[operation.x], values[operation.y], row(operation.row))
            elif isinstance(operation, Product):
                pair = (values[node] for node in (operation.x, operation.y))
                x, y = (np.where(np.abs(value) < NOTHING, 0.0, value) for value in pair)
                found = x * y
            elif isinstance(operation, Joint):
                found = operation.function.value([values[inner] for inner in operation.nodes])
            elif isinstance(operation, Sign):
                inner = values[operation.node]
                found = np.sign(np.where(np.abs(inner) < STEADY, 0.0, inner))
            else:
                assert isinstance(operation, Rounding)
                inner = values[operation.node]
                plain = np.exp(inner) if operation.logarithm else inner
                if operation.free:
                    plain = np.rint(plain)
                plain = np.ceil(plain) if operation.up else np.floor(plain)
                found = np.log(np.maximum(plain, 1.0)) if operation.logarithm else plain
            values.append(np.broadcast_to(np.asarray(found, dtype=np.float64), (count,)))
    return values


@pytest.fixture(scope="session")
def boxes_around() -> Callable[..., Boxes]:
    return random_boxes


def random_boxes(
    bounder: Bounder, points: Floats, combination: Places, scale: float, rng: np.random.Generator
) -> Boxes:
    """Return a box around each point, its sides at most ``scale`` of all there is, each point anywhere in its box.

    Where the search goes on from, and what rows cost there, is anything: it is not to matter for what is proved.
    """
    root = bounder.root()
    low, high = root.low[:, combination], root.high[:, combination]
    width = (high - low) * scale * 10.0 ** rng.uniform(-1.5, 0.0, points.shape)
    share = np.where(rng.random(points.shape) < 0.2, np.rint(rng.random(points.shape)), rng.random(points.shape))
    start = np.minimum(np.maximum(points - share * width, low), points)
    end = np.maximum(np.minimum(points + (1.0 - share) * width, high), points)
    count = points.shape[1]
    rounded = len(bounder.graph.roundings)
    shape = count_rows(bounder.graph), count
    multipliers = rng.exponential(size=shape) * 10.0 ** rng.uniform(-3.0, 2.0, shape) * (rng.random(shape) < 0.3)
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


CURVES = [c for c in vars(curves).values() if isinstance(c, Curve)]


@pytest.fixture(scope="session", params=CURVES, ids=[c.name for c in CURVES])
def curve(request: pytest.FixtureRequest) -> Curve:
    """Each curve in turn."""
    found: Curve = request.param
    return found


@pytest.fixture(scope="session")
def ends(curve: Curve) -> tuple[float, float]:
    """The ends of the arguments to try a curve at."""
    return CURVE_RANGES[curve.name]
