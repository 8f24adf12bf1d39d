"""Courses kept in a file, a line each, so that a comparison of hours may be stopped and goes on where it was.

A line counts as long as what it was made from is the same: the case answers the same, and our samplers have the same
source or a peer the same version.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from benchmarks.suite.case import Case
from benchmarks.suite.peers import PEERS, Course

from dawndusk.optimize.space.columns import SpaceColumns

Key: TypeAlias = tuple[str, str, int, int]
"""Case, sampler, evaluations and seed."""
OURS = ("dawndusk.optimize.trials.", "dawndusk.optimize.pareto.")
MARKED_POINTS, DIGITS, MARK = 16, 9, 12


@dataclass
class Kept:
    """The shares of the reference hypervolume that courses reached, and what each took; in memory without a file."""

    path: Path | None = None
    _lines: dict[Key, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.path is not None and self.path.exists():
            for line in self.path.read_text(encoding="utf-8").splitlines():
                found = json.loads(line)
                self._lines[tuple(found["key"])] = found

    def shares(
        self, case: Case, name: str, seed: int, budgets: Sequence[int], search: Callable[[], Course]
    ) -> dict[int, float]:
        """Return the share at each budget of a course to the largest of them; the course is run where none is kept."""
        mark = mark_of(case, name)
        found = self._known(case.name, name, seed, budgets, mark)
        if found is None:
            course = search()
            shares = {str(budget): course.hypervolume(budget) for budget in budgets}
            key = (case.name, name, max(budgets), seed)
            found = {"key": key, "mark": mark, "shares": shares, "seconds": course.seconds}
            self._add(key, found)
        return {budget: float(found["shares"][str(budget)]) for budget in budgets}

    def _known(self, case: str, name: str, seed: int, budgets: Sequence[int], mark: str) -> dict[str, Any] | None:
        """Return what is kept of a course that covers the budgets; a peer does not know how long its course will be."""
        for (of_case, of_name, evaluations, of_seed), found in self._lines.items():
            same = (of_case, of_name, of_seed, found["mark"]) == (case, name, seed, mark)
            as_long = evaluations == max(budgets) or name in PEERS
            if same and as_long and all(str(budget) in found["shares"] for budget in budgets):
                return found
        return None

    def _add(self, key: Key, found: dict[str, Any]) -> None:
        self._lines[key] = found
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(found) + "\n")


def mark_of(case: Case, name: str) -> str:
    """Return a mark of what a course follows from: how the case answers, and the sampler's source or version."""
    source = _versions() if name in PEERS else _source()
    return hashlib.sha256(f"{_answers(case)} {source}".encode()).hexdigest()[:MARK]


def _answers(case: Case) -> str:
    columns = SpaceColumns.of(case.question.space)
    points = columns.points(columns.random(MARKED_POINTS, np.random.default_rng(0)))
    rows = [[*answer.outcomes.values(), *answer.violations.values()] for answer in case(points)]
    return " ".join(f"{value:.{DIGITS}g}" for row in rows for value in row)


def _versions() -> str:
    return " ".join(f"{name} {metadata.version(name)}" for name in ("optuna", "pymoo"))


@cache
def _source() -> str:
    """Return the source of our samplers' modules."""
    modules = [module for name, module in sorted(sys.modules.items()) if name.startswith(OURS)]
    return "\n".join(inspect.getsource(module) for module in modules)
