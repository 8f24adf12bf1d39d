"""A run folder read back: what was asked, what was found, what was proved, and where it was run."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dawndusk.models.design import VARIABLES, Design
from dawndusk.models.errors import DawnduskError, DesignError, one_of
from dawndusk.studies.data import with_values
from dawndusk.studies.input.document import MAX_PLACE, shorten
from dawndusk.studies.input.study import ResolvedStudy
from dawndusk.studies.input.studyfile import read_study
from dawndusk.studies.run.folder.writing import CERTIFICATE, FORMAT, MANIFEST, OPTIMUM, STUDY, RunFolderError

FRONT, DESIGNS, TRIALS = "front.json", "designs.parquet", "evaluations.parquet"
BY_TRIALS = "search"
"""Key of the manifest under which a run is one by trials."""
PLAN = "plan.json"
"""In the folder of a plan over years, which is read otherwise."""
MOST_BYTES = 2**28
"""Larger JSON is none that a run writes."""
NEEDED = ("study", "status")
OF_AN_OPTIMUM = ("design", "outcome", "objective_name")
OF_TRIALS = ("stopped_by", "evaluations", "failed", "sampler")


@dataclass(frozen=True, kw_only=True, eq=False)
class RunContent:
    """What a run folder holds, as plain values beside the study.

    Attributes
    ----------
    optimum : mapping
        Status, objective, bound, design, outcomes, explanation and so on, as the run wrote them; empty where the run
        has no single best design.
    certificate, front : mapping or None
        What was proved, and the points of a front, where there are any.
    is_as_run : bool
        Whether the study, read with the shipped data of today, is still the one that was run.

    The study of a strategy has the year of the first launch of its best trial.
    """

    folder: Path
    study: ResolvedStudy
    manifest: Mapping[str, Any]
    optimum: Mapping[str, Any]
    certificate: Mapping[str, Any] | None
    front: Mapping[str, Any] | None
    is_as_run: bool

    @property
    def design(self) -> Design:
        """Return the best design, or the nearest miss."""
        values = self.optimum.get("design")
        if not isinstance(values, Mapping):
            found = "a front, which has no single best design" if self.front else "a run without any design"
            raise RunFolderError(f"{self.folder}: found {found}; allowed: a run of one goal that found a design")
        unknown = {name for name in values if name not in VARIABLES}
        if unknown or len(values) < len(VARIABLES):
            raise RunFolderError(
                f"{self.folder / OPTIMUM}: design: found {one_of(sorted(values))}; allowed: {one_of(VARIABLES)}"
            )
        try:
            return Design(**values)
        except DesignError as error:
            raise RunFolderError(f"{self.folder / OPTIMUM}: {error}") from None

    @property
    def outcome(self) -> dict[str, float]:
        """Return the recorded outcomes of the best design; what was not finite is left out."""
        recorded = self.optimum.get("outcome", {})
        return {name: float(value) for name, value in recorded.items() if value is not None}

    @property
    def has_optimum(self) -> bool:
        """Return whether the run has one best design, or a nearest miss."""
        return isinstance(self.optimum.get("design"), Mapping)

    @property
    def by_trials(self) -> bool:
        """Return whether the run is a search by trials."""
        return isinstance(self.manifest.get(BY_TRIALS), Mapping)

    @property
    def evaluator(self) -> str:
        """Return what answered in place of the built-in model, empty where that did."""
        stated, section = self.study.search.evaluator, self.manifest.get(BY_TRIALS)
        if isinstance(section, Mapping) and section.get("is_told"):
            return "whoever was asked"
        if stated is None or not self.by_trials:
            return ""
        return stated.function or shlex.join(stated.command)


def is_run_folder(path: str | Path) -> bool:
    """Return whether a path is a folder with the manifest of a run; the folder of a plan is none."""
    try:
        return (Path(path) / MANIFEST).is_file() and not (Path(path) / PLAN).is_file()
    except (OSError, ValueError):
        return False


def read_run(folder: str | Path) -> RunContent:
    """Read a run folder.

    Raises
    ------
    RunFolderError
        Where the path is no run folder, a file is missing or damaged, or a newer version wrote it.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    by_trials = isinstance(manifest.get(BY_TRIALS), Mapping)
    if by_trials:
        _check_store(folder, manifest[BY_TRIALS])
    optimum = _optional(folder / OPTIMUM)
    front = _optional(folder / FRONT)
    if optimum is None and front is None:
        allowed = _instead(folder, manifest)
        raise RunFolderError(f"{folder}: found no {OPTIMUM}, so the run has not ended; allowed: {allowed}")
    if optimum is not None:
        _check(folder / OPTIMUM, optimum, (*NEEDED, *(OF_TRIALS if by_trials else OF_AN_OPTIMUM)))
    try:
        study = read_study(folder / STUDY)
    except DawnduskError as error:
        raise RunFolderError(f"{folder}: found a study that can not be read: {error}") from None
    if front is not None and by_trials:
        _check(folder / FRONT, front, (*NEEDED, *OF_TRIALS, "points"))
        front = _front_of_trials(folder / FRONT, front, study)
    return RunContent(
        folder=folder,
        study=_of_its_year(study, optimum or {}),
        manifest=manifest,
        optimum=optimum or {},
        certificate=_optional(folder / CERTIFICATE),
        front=front,
        is_as_run=manifest.get("study_hash") == study.hash,
    )


def _instead(folder: Path, manifest: Mapping[str, Any]) -> str:
    """Return in words what a run that has not ended could be instead, and how to get there."""
    section = manifest.get(BY_TRIALS)
    if not isinstance(section, Mapping):
        return f"a finished run (go on with: dawndusk run --resume {folder})"
    if section.get("is_told"):
        return f"dawndusk status {folder} and dawndusk export {folder}, as its answers are told from outside"
    return f"a finished run (go on with: dawndusk resume {folder})"


def _check_store(folder: Path, section: Mapping[str, Any]) -> None:
    """Raise ``StoreError`` where a newer version wrote the trials of a run."""
    from dawndusk.studies.run.store.address import read_address  # noqa: PLC0415 (brings the library of the trials along)
    from dawndusk.studies.run.store.reading import check_version  # noqa: PLC0415 (the same)

    check_version(read_address(str(section.get("storage", "")), folder), str(section.get("name", "")))


def _of_its_year(study: ResolvedStudy, optimum: Mapping[str, Any]) -> ResolvedStudy:
    """Return a study with the year of the first launch that a strategy chose."""
    point = optimum.get("point")
    if not isinstance(point, Mapping):
        return study
    from dawndusk.optimize.trials.strategy import YEAR  # noqa: PLC0415 (brings solvers along)

    year = point.get(YEAR)
    if not isinstance(year, int | float):
        return study
    believed = with_values(study.assumptions, {f"scenario.{YEAR}": float(year)}, source=f"trial {optimum['number']}")
    return dataclasses.replace(study, assumptions=believed)


def _front_of_trials(path: Path, content: Mapping[str, Any], study: ResolvedStudy) -> dict[str, Any]:
    """Return the front of a search by trials in the form of that of a run, best first goal first, knees marked."""
    first = study.goals[0]
    try:
        points = [_point(point, study) for point in content["points"]]
        points.sort(key=lambda point: first.sign * point["goals"][first.outcome])
        knees = _knees(points, study)
    except (KeyError, TypeError, ValueError, DesignError) as error:
        raise RunFolderError(f"{path}: points: {error!r}; allowed: the file as the run wrote it") from None
    marked = [{**point, "knee": number in knees} for number, point in enumerate(points)]
    goals = [{"outcome": goal.outcome, "sense": goal.sense} for goal in study.goals]
    return {
        **content,
        "goals": goals,
        "knees": [points[number]["point"] for number in knees],
        "points": marked,
        "evaluated_designs": content["evaluations"],
    }


def _point(point: Mapping[str, Any], study: ResolvedStudy) -> dict[str, Any]:
    outcome = point["outcome"]
    goals = {goal.outcome: float(outcome[goal.outcome]) for goal in study.goals}
    return {
        "point": int(point["number"]),
        "goals": goals,
        "design": dict(point["design"]),
        "searched": dict(point["point"]),
        "outcome": dict(outcome),
    }


def _knees(points: Sequence[Mapping[str, Any]], study: ResolvedStudy) -> tuple[int, ...]:
    """Return the places of the points at which a front of trials bends."""
    from dawndusk.optimize.pareto.front import Front  # noqa: PLC0415 (brings solvers along)

    values = np.array([[point["goals"][goal.outcome] for goal in study.goals] for point in points])
    return Front(
        goals=study.goals,
        status="feasible",
        proved=False,
        designs=tuple(Design(**point["design"]) for point in points),
        values=values.reshape(len(points), len(study.goals)),
        bounds=np.full(len(points), np.nan),
        ends=(),
        spacing=0.0,
        evaluated=0,
        seconds=0.0,
        proof_seconds=0.0,
        seed=0,
        stopped_by="",
    ).knees


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a run, checked for its version."""
    shown = shorten(str(folder), MAX_PLACE)
    try:
        missing = not (folder / MANIFEST).is_file()
    except (OSError, ValueError):
        missing = True
    if missing:
        raise RunFolderError(f"{shown}: found no {MANIFEST} of a run; allowed: the folder that a run wrote")
    found = _json(folder / MANIFEST)
    version = found.get("format")
    if not isinstance(version, int) or "study_hash" not in found:
        raise RunFolderError(f"{folder / MANIFEST}: found no manifest of a run; allowed: the file as a run wrote it")
    if version > FORMAT:
        raise RunFolderError(
            f"{folder / MANIFEST}: found format {version}, of a newer version (dawndusk {found.get('dawndusk')}); "
            f"allowed: up to {FORMAT}"
        )
    return found


def _optional(path: Path) -> dict[str, Any] | None:
    return _json(path) if path.is_file() else None


def _json(path: Path) -> dict[str, Any]:
    """Return the mapping that a JSON file holds."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError("it is larger than any that a run writes")
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RunFolderError(f"{path}: can not be read: {reason}; allowed: the file as the run wrote it") from None
    if not isinstance(found, dict):
        raise RunFolderError(f"{path}: found no mapping; allowed: the file as the run wrote it")
    return found


def _check(path: Path, found: Mapping[str, Any], names: tuple[str, ...]) -> None:
    missing = [name for name in names if name not in found]
    if missing:
        raise RunFolderError(
            f"{path}: found no {one_of(missing)}; allowed: the file as the run wrote it, with every key"
        )
