"""Reading a plan: a study of kind ``plan``, and what it comes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dawndusk.models.errors import one_of
from dawndusk.studies.input.errors import Place, StudyError, StudyProblem
from dawndusk.studies.input.study import Kind, ResolvedStudy
from dawndusk.studies.input.studyfile import library_names, read_study, study_from_mapping
from dawndusk.studies.run.plan.question import PlanStudy, plan_study


def plan_names() -> list[str]:
    """Return the names of the plans in the library."""
    return [name for name in library_names() if name.startswith("plan-")]


def read_plan(source: str | Path | Mapping[str, Any] | ResolvedStudy, overrides: Sequence[str] = ()) -> PlanStudy:
    """Read a plan.

    Parameters
    ----------
    source : str, Path, mapping or Study
        A name in the library, the path of a YAML or JSON file, the content of one, or a study that is read already.
    overrides : sequence of str
        ``--set`` items, for example ``"plan.demand.delivered_pflops=1000"``; not for a study that is read.

    Raises
    ------
    StudyError
        With every problem found, its place, what is allowed and the nearest valid name.
    """
    if isinstance(source, ResolvedStudy):
        study = source
    elif isinstance(source, Mapping):
        study = study_from_mapping(source, overrides, source="plan")
    else:
        study = read_study(source, overrides)
    if study.kind is not Kind.PLAN:
        allowed = f"a study of kind plan: {one_of(plan_names())}, or your own"
        raise StudyError(StudyProblem(place=Place(study.source), key="kind", found=f"'{study.kind}'", allowed=allowed))
    return plan_study(study)
