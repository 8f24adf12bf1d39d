"""The mixed-integer model of a study, as a Pyomo model or as a file for any solver."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dawndusk.models.errors import DawnduskError, nearest, one_of
from dawndusk.optimize.certify.lp.mixed_integer.pyomo_model import FORMATS
from dawndusk.optimize.certify.lp.second_bound import milp_model, write_model
from dawndusk.optimize.errors import NotBoundedError
from dawndusk.optimize.problem import Problem
from dawndusk.studies.input.document import MAX_PLACE, shorten
from dawndusk.studies.input.study import Kind, ResolvedStudy
from dawndusk.studies.run.design.runner import problem_of

READABLE = 0o644


class ExportError(DawnduskError):
    """A model that can not be made or written."""


@dataclass(frozen=True)
class Written:
    """The combination of categories that a model is of, and how many the study has."""

    combination: dict[str, str]
    combinations: int


def model_of(study: ResolvedStudy, combination: Mapping[str, str] | None = None) -> Any:
    """Return the mixed-integer model of one combination of categories of a study, in Pyomo.

    Parameters
    ----------
    combination : mapping of str to str, optional
        Names of some categories or all; the first name of the study for those that are left out.
    """
    problem = _problem(study)
    try:
        return milp_model(problem, _whole_combination(problem, combination or {}))
    except (ValueError, NotBoundedError) as error:
        raise ExportError(f"{study.source}: no mixed-integer model: {error}") from None


def _problem(study: ResolvedStudy) -> Problem:
    if study.kind is not Kind.DESIGN:
        raise ExportError(f"{study.source}: kind: found {study.kind.value}; a mixed-integer model needs kind design")
    return problem_of(study)


def _whole_combination(problem: Problem, given: Mapping[str, str]) -> dict[str, str]:
    """Return the first combination of a problem that has the given names."""
    known = problem.combinations()
    if not isinstance(given, Mapping):
        raise ExportError(f"combination: found {given!r}; allowed a mapping, as {{'vehicle': 'starship_v3'}}")
    for variable, name in given.items():
        if variable not in known[0]:
            raise ExportError(
                f"combination: found {variable!r}; allowed {one_of(known[0])}{nearest(variable, known[0])}"
            )
        names = list(dict.fromkeys(combination[variable] for combination in known))
        if name not in names:
            raise ExportError(
                f"combination: {variable}: found {name!r}; allowed {one_of(names)}{nearest(str(name), names)}"
            )
    return next(c for c in known if all(c[variable] == name for variable, name in given.items()))


def export_model(study: ResolvedStudy, file: Path) -> Written:
    """Write the model of the first combination of a study as ``.lp`` or ``.mps``; whole or not at all."""
    label = shorten(str(file), MAX_PLACE)
    if "\0" in str(file):
        raise ExportError(f"{label}: found a null character; allowed: the name of a file")
    if file.suffix not in FORMATS:
        raise ExportError(f"{label}: found the ending {file.suffix!r}; allowed: {', '.join(FORMATS)}")
    try:
        if file.is_dir() or not file.absolute().parent.is_dir():
            found = "a folder" if file.is_dir() else "no folder to write to"
            raise ExportError(f"{label}: found {found}; allowed: a file in a folder that exists")
    except OSError as error:
        raise ExportError(f"{label}: can not be written: {error.strerror or error}") from None
    problem = _problem(study)
    model = model_of(study)
    try:
        with tempfile.TemporaryDirectory(prefix=".dawndusk-", dir=file.absolute().parent) as folder:
            fresh = write_model(model, Path(folder) / f"model{file.suffix}")
            fresh.chmod(READABLE)
            fresh.replace(file)
    except OSError as error:
        raise ExportError(f"{label}: can not be written: {error.strerror or error}") from None
    known = problem.combinations()
    return Written(known[0], len(known))
