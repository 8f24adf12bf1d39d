"""What the explorer may see: shipped studies, those named at its start, and the runs of its folder."""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dawndusk.models.errors import DawnduskError, nearest, one_of
from dawndusk.studies.input.document import shorten
from dawndusk.studies.input.study import Kind, ResolvedStudy
from dawndusk.studies.input.studyfile import library_names, read_study, study_from_mapping
from dawndusk.studies.lineage.plan_run import is_plan_folder
from dawndusk.studies.output.report.subject import Subject
from dawndusk.studies.run.folder.reading import is_run_folder, read_run

RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
MOST_LISTED = 500
MOST_KEPT = 32
OUTSIDE = ("evaluator", "strategy", "storage", "cluster", "workers")
"""Keys of the search section that reach beyond the model and its folder."""


class NotThereError(DawnduskError):
    """A study, run or job that the explorer does not have."""


@dataclass(frozen=True)
class Base:
    """What is explored: a study, and the run of it where there is one."""

    study: ResolvedStudy
    subject: Subject | None = None


class Workspace:
    """The studies and runs that can be explored. Nothing outside ``folder`` is written, and nothing else listed.

    Parameters
    ----------
    folder : Path
        Where runs are, and where jobs write theirs.
    named : mapping of str to Path
        Studies or runs from elsewhere, named at the start, for reading.
    """

    def __init__(self, folder: Path, named: Mapping[str, Path] | None = None) -> None:
        self.folder = folder.absolute()
        self._named = dict(named or {})
        self._lock = threading.Lock()
        self._runs: dict[tuple[str, int], Base] = {}

    def studies(self) -> list[dict[str, str]]:
        """Return the names and titles of the studies with a design."""
        found = [*library_names(), *(name for name, path in self._named.items() if _is_file(path))]
        known = [(name, self._study(name)) for name in dict.fromkeys(found)]
        return [{"name": name, "title": study.title or name} for name, study in known if _is_explored(study)]

    def runs(self) -> list[dict[str, Any]]:
        """Return the runs, newest first; one that can not be read says why."""
        return [self._listed(name, path) for name, path in self._run_folders()]

    def _run_folders(self) -> Iterator[tuple[str, Path]]:
        yield from ((name, path) for name, path in self._named.items() if is_run_folder(path))
        try:
            inside = [p for p in self.folder.iterdir() if RUN_NAME.fullmatch(p.name) and is_run_folder(p)]
        except OSError:
            return
        inside = [path for path in inside if not path.is_symlink() and path.name not in self._named]
        inside.sort(key=lambda path: (-_changed(path), path.name))
        yield from ((path.name, path) for path in inside[:MOST_LISTED])

    def _listed(self, name: str, path: Path) -> dict[str, Any]:
        try:
            content = self._run(name, path).subject
        except DawnduskError as error:
            return {"name": name, "error": str(error)}
        if content is None:
            return {"name": name, "error": "not a run"}
        optimum, study = content.content.optimum, content.study
        return {
            "name": name,
            "title": study.title or study.name,
            "status": optimum.get("status", content.content.manifest.get("status")),
            "objective_name": study.objective,
            "objective": optimum.get("objective"),
            "bound": optimum.get("bound"),
            "gap": optimum.get("gap"),
            "has_front": content.content.front is not None,
            "has_design": content.content.has_optimum or content.content.front is not None,
        }

    def base(self, *, study: str | Mapping[str, Any] | None = None, run: str | None = None) -> Base:
        """Return what a request names: a study by name or as a mapping, or a run by name."""
        if (study is None) == (run is None):
            raise DawnduskError("base: found both or neither of study and run; allowed: one of them")
        if run is not None:
            return self._run(run, self.run_folder(run))
        found = self._study(study) if isinstance(study, str) else study_of_mapping(study or {})
        return Base(harmless(found))

    def run_folder(self, name: str) -> Path:
        """Return the folder of a run that is listed."""
        for known, path in self._run_folders():
            if known == name:
                return path
        names = [known for known, _ in self._run_folders()]
        raise NotThereError(f"run: found no {shorten(repr(name))}; allowed: {one_of(names)}{nearest(name, names)}")

    def plans(self) -> dict[str, Path]:
        """Return the folders of plans by name, those named at the start first."""
        named = {name: path for name, path in self._named.items() if is_plan_folder(path)}
        try:
            inside = sorted(p for p in self.folder.iterdir() if RUN_NAME.fullmatch(p.name) and not p.is_symlink())
        except OSError:
            return named
        return named | {path.name: path for path in inside if is_plan_folder(path) and path.name not in named}

    def plan_folder(self, name: str) -> Path:
        """Return the folder of a plan that is listed."""
        plans = self.plans()
        if name not in plans:
            raise NotThereError(f"plan: found no {shorten(repr(name))}; allowed: {one_of(plans)}{nearest(name, plans)}")
        return plans[name]

    def _run(self, name: str, path: Path) -> Base:
        """Return a run, read again only when it has changed."""
        key = (name, _changed(path))
        with self._lock:
            if key not in self._runs:
                content = read_run(path)
                for old in [known for known in self._runs if known[0] == name]:
                    del self._runs[old]
                while len(self._runs) >= MOST_KEPT:
                    del self._runs[next(iter(self._runs))]
                self._runs[key] = Base(explored(content.study), Subject(content))
            return self._runs[key]

    def _study(self, name: str) -> ResolvedStudy:
        if name in library_names():
            return _library_study(name)
        path = self._named.get(name)
        if path is None or not _is_file(path):
            names = [*library_names(), *self._named]
            raise NotThereError(
                f"study: found no {shorten(repr(name))}; allowed: {one_of(names)}{nearest(name, names)}"
            )
        return read_study(path)


def _is_file(path: Path) -> bool:
    """Return whether a path that was named at the start is that of a study, and not of a run or a plan."""
    return not is_run_folder(path) and not is_plan_folder(path)


@functools.cache
def _library_study(name: str) -> ResolvedStudy:
    return read_study(name)


def _changed(path: Path) -> int:
    """Return when the manifest of a run was written."""
    try:
        return (path / "manifest.json").stat().st_mtime_ns
    except OSError:
        return 0


def _is_explored(study: ResolvedStudy) -> bool:
    return study.kind in {Kind.DESIGN, Kind.PARETO}


def study_of_mapping(mapping: Mapping[str, Any]) -> ResolvedStudy:
    """Return the study that a request holds; it may extend a shipped study, and no file."""
    parent = mapping.get("extends")
    if parent is not None and parent not in library_names():
        raise DawnduskError(
            f"study: extends: found {shorten(repr(parent))}; allowed over HTTP: {one_of(library_names())}"
        )
    search = mapping.get("search")
    outside = [key for key in OUTSIDE if isinstance(search, Mapping) and key in search]
    if outside:
        raise DawnduskError(
            f"study: search.{outside[0]}: found it in a request; allowed: in a study file, for the command"
        )
    return study_from_mapping(mapping, source="request")


def explored(study: ResolvedStudy) -> ResolvedStudy:
    """Return the study if it has designs to explore."""
    if not _is_explored(study):
        raise DawnduskError(
            f"{study.source}: kind: found {study.kind}, which has no design to explore; allowed: design or pareto"
        )
    return study


def harmless(study: ResolvedStudy) -> ResolvedStudy:
    """Return the study if the explorer can show it without running anything but the model."""
    explored(study)
    if study.search.evaluator is not None:
        raise DawnduskError(
            f"{study.source}: search.evaluator: found a program; allowed: the built-in model, for the explorer runs no "
            "code from a study"
        )
    return study
