"""Problems with the plan of a study, at the place where it was written."""

from __future__ import annotations

from dawndusk.studies.input.document import Loc, dotted
from dawndusk.studies.input.errors import Place, StudyProblem
from dawndusk.studies.input.study import ResolvedStudy


def misuse(study: ResolvedStudy, loc: Loc, found: str, allowed: str, hint: str = "") -> StudyProblem:
    """Return the problem with what a study says at a place, or at the nearest that was written."""
    place = Place(study.source) if study.document is None else study.document.follow(loc)[1]
    return StudyProblem(place=place, key=dotted(loc), found=found, allowed=allowed, hint=hint)
