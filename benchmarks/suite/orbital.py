"""The mixed-integer orbital case: the main study, for its levelised cost and its time to deploy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from benchmarks.suite.case import Case, Floats, case
from numpy.typing import NDArray

from dawndusk.models.design import CATEGORIES, VARIABLES
from dawndusk.models.rules import RULES
from dawndusk.optimize.problem import LOG_SCALE_RATIO, Choice, Problem, Range
from dawndusk.optimize.space.dimensions import Category, Dimension, RealNumber, WholeNumber
from dawndusk.studies.input.studyfile import read_study
from dawndusk.studies.run.design.runner import problem_of

STUDY = "orbit-200mw"
GOALS = ("lcoc_usd_per_pflop_hour", "deployment_years")


def _dimension(name: str, entry: Choice | Range) -> Dimension:
    """Return a dimension: whole numbers and names as they are, real numbers as the problem's search coordinate."""
    if isinstance(entry, Choice):
        return Category(entry.names)
    if VARIABLES[name].kind == "integer":
        return WholeNumber(int(entry.low), int(entry.high), entry.low > 0 and entry.high / entry.low > LOG_SCALE_RATIO)
    return RealNumber(0.0, 1.0)


def _coordinate(entry: Range, value: float) -> float:
    """Return where the problem's search coordinate gives a whole number."""
    low, high = (entry.low - 0.5 if entry.low >= 1 else entry.low), entry.high + 0.5
    if low > 0.0 and high / low > LOG_SCALE_RATIO:
        return math.log(value / low) / math.log(high / low)
    return (value - low) / (high - low)


def _rows(problem: Problem, columns: Mapping[str, NDArray[np.object_]]) -> Floats:
    coordinates = []
    for name in problem.free:
        entry, column = problem.space[name], columns[name].astype(np.float64)
        whole = VARIABLES[name].kind == "integer"
        assert isinstance(entry, Range)
        coordinates.append([_coordinate(entry, x) for x in column] if whole else column)
    return np.column_stack(coordinates)


def orbital(scale: Mapping[str, Any]) -> Case:
    """Return the case with its scale."""
    problem = problem_of(read_study(STUDY))
    entries = {name: entry for name, entry in problem.space.items() if isinstance(entry, Choice | Range)}

    def formula(columns: Mapping[str, NDArray[np.object_]]) -> tuple[Floats, Floats]:
        rows = _rows(problem, columns)
        goals = np.empty((len(rows), len(GOALS)))
        rules = np.empty((len(rows), len(RULES)))
        names = np.array([[str(columns[name][n]) for name in CATEGORIES] for n in range(len(rows))])
        for combination in np.unique(names, axis=0):
            at = (names == combination).all(axis=1)
            scored = problem.score(
                problem.designs(rows[at], dict(zip(CATEGORIES, map(str, combination), strict=True))), GOALS
            )
            goals[at] = np.column_stack([scored.evaluation.outcome[goal] for goal in GOALS])
            rules[at] = np.column_stack([scored.evaluation.violation[rule] for rule in RULES])
        return goals, rules

    dimensions = {name: _dimension(name, entry) for name, entry in entries.items()}
    return case("orbital", dimensions, GOALS, len(RULES), formula, **scale)
