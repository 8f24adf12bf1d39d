"""A plan over years read back from its folder: its study, what it decides, and the exact consequences of that."""

from __future__ import annotations

import csv
import functools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dawndusk.models.errors import DawnduskError, nearest, one_of
from dawndusk.models.fleet.fleet import Decisions
from dawndusk.studies.run.folder.reading import read_manifest
from dawndusk.studies.run.folder.writing import MANIFEST, STUDY, RunFolderError

if TYPE_CHECKING:
    from dawndusk.optimize.plan.problem.score import ScoredPlan
    from dawndusk.studies.run.plan.question import PlanStudy

PLAN = "plan.json"
NEEDED = ("study", "status", "objective_name", "units", "objective", "bound", "gap", "summary")
OBJECTIVES = {
    "lcoc": "lcoc_usd_per_pflop_hour",
    "cost": "discounted_cost_usd",
    "npv": "value_usd",
    "capital": "capital_usd",
}
"""The figure that each objective is."""
OF_A_LAUNCH = ("period", "vehicle", "orbit", "launch")
"""Columns that tell launches apart in the manifest."""
MOST_NAMED = 8
RECORDED_TOLERANCE = 1e-6
"""Relative: what rounding, and figures written as text, may do to a recorded one."""


def is_plan_folder(folder: str | Path) -> bool:
    """Return whether a path is the folder of a plan."""
    try:
        return (Path(folder) / PLAN).is_file()
    except (OSError, ValueError):
        return False


def read_plan(folder: Path) -> dict[str, Any]:
    """Return what ``plan.json`` holds.

    Raises
    ------
    RunFolderError
        Where it is damaged or not what a plan writes.
    """
    path = folder / PLAN
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise RunFolderError(f"{path}: can not be read: {error}; allowed: the file as the plan wrote it") from None
    missing = [key for key in NEEDED if not isinstance(content, dict) or key not in content]
    if missing:
        raise RunFolderError(f"{path}: found no {missing[0]}; allowed: the file as the plan wrote it, with every key")
    found: dict[str, Any] = content
    return found


def rows_of(folder: Path, name: str) -> list[dict[str, str]]:
    """Return a table of a plan, empty where it wrote none."""
    path = folder / f"{name}.csv"
    if not path.is_file():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except (OSError, ValueError, csv.Error) as error:
        raise RunFolderError(f"{path}: can not be read: {error}; allowed: the file as the plan wrote it") from None


@dataclass(frozen=True, eq=False)
class PlanRun:
    """A plan over years; everything is worked out once, when it is first asked for."""

    folder: Path
    content: Mapping[str, Any]

    @functools.cached_property
    def question(self) -> PlanStudy:
        """Return the plan that was asked for."""
        from dawndusk.studies.run.plan.reading import read_plan as read_question  # noqa: PLC0415 (brings solvers along)

        try:
            return read_question(self.folder / STUDY)
        except DawnduskError as error:
            raise RunFolderError(f"{self.folder}: found a study that can not be read: {error}") from None

    @functools.cached_property
    def decisions(self) -> Decisions:
        """Return what is bought in each period, from the tables of the plan."""
        from dawndusk.studies.run.plan.tables import GROUND  # noqa: PLC0415 (brings solvers along)

        economy = self.question.problem.economy
        designs, vehicles = economy.figures.names, economy.launching.vehicles
        labels, chips = economy.calendar.labels, economy.rival.accelerators
        built = np.zeros((len(designs), len(vehicles), economy.calendar.periods))
        ground = np.zeros((len(chips), economy.calendar.periods))
        launches = np.zeros((len(vehicles), len(economy.orbits), economy.calendar.periods))
        for row in self._rows("plan"):
            amount, at = self._number(row, "built"), self._place("plan", row, "period", labels)
            if amount and row.get("vehicle") == GROUND:
                ground[self._place("plan", row, "design", chips), at] = amount
            elif amount:
                place = self._place("plan", row, "design", designs), self._place("plan", row, "vehicle", vehicles)
                built[(*place, at)] = amount
        for row in {tuple(row.get(key, "") for key in OF_A_LAUNCH): row for row in self._rows("manifest")}.values():
            place = (
                self._place("manifest", row, "vehicle", vehicles),
                self._place("manifest", row, "orbit", economy.orbits),
            )
            launches[(*place, self._place("manifest", row, "period", labels))] += 1.0
        return Decisions(built, launches, ground)

    def _rows(self, name: str) -> list[dict[str, str]]:
        """Return a table that every plan writes."""
        if not (self.folder / f"{name}.csv").is_file():
            raise RunFolderError(f"{self.folder}: found no {name}.csv; allowed: the folder as the plan wrote it")
        return rows_of(self.folder, name)

    def _place(self, table: str, row: Mapping[str, str], column: str, names: Sequence[str]) -> int:
        """Return the number of what a cell of a table names."""
        name = row.get(column) or ""
        if name not in names:
            raise RunFolderError(
                f"{self.folder / table}.csv: {column}: found {name!r}; allowed: a table of this plan and its study, "
                f"with {one_of(names[:MOST_NAMED])}{nearest(name, names)}"
            )
        return names.index(name)

    def _number(self, row: Mapping[str, str], column: str) -> float:
        try:
            return float(row[column])
        except (KeyError, TypeError, ValueError):
            found = row.get(column)
            raise RunFolderError(
                f"{self.folder / 'plan.csv'}: {column}: found {found!r}, so that these tables are not those of a plan; "
                "allowed: a number"
            ) from None

    @functools.cached_property
    def scored(self) -> ScoredPlan:
        """Return the exact consequences of the plan, by the present model."""
        from dawndusk.optimize.plan.problem.score import score  # noqa: PLC0415 (brings solvers along)

        return score(self.question.problem, self.decisions)

    @property
    def has_plan(self) -> bool:
        """Return whether a plan was found."""
        return self.content["objective"] is not None

    @property
    def has_drifted(self) -> bool:
        """Return whether the present model gives another objective than was recorded."""
        recorded = self.content["objective"]
        return not math.isclose(self.scored.objective, recorded, rel_tol=RECORDED_TOLERANCE)


def plan_run(folder: str | Path) -> PlanRun:
    """Return the plan of a folder.

    Raises
    ------
    RunFolderError
        Where the folder is damaged, or of a newer version.
    """
    path = Path(folder)
    if (path / MANIFEST).is_file():
        read_manifest(path)
    return PlanRun(path, read_plan(path))
