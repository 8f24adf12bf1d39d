"""What the HTTP interface takes: the bodies of requests, and the study that a re-optimisation asks for."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from dawndusk.models.catalogue import CATALOGUES
from dawndusk.models.errors import DawnduskError, nearest, one_of
from dawndusk.optimize.settings import Engine
from dawndusk.studies.input.study import ResolvedStudy
from dawndusk.studies.input.studyfile import study_from_mapping

MOST_CHANGES = 500
SEARCH_KEYS = ("engine", "gap", "time_limit_s", "seed", "audit", "second_bound")
ROW_PARTS = 3

Value = str | float | int


class Body(BaseModel):
    """A request; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid")


class Based(Body):
    """A request about a study or a run, with some design variables and beliefs changed."""

    study: str | dict[str, Any] | None = Field(None, description="A study by name, or the content of a study file.")
    run: str | None = Field(None, description="A run by name; in place of a study.")
    design: Annotated[dict[str, Value], Field(max_length=MOST_CHANGES)] = Field(
        default_factory=dict, description="Design variables by name, in the units of their name."
    )
    assumptions: Annotated[dict[str, float], Field(max_length=MOST_CHANGES)] = Field(
        default_factory=dict, description="Beliefs by their dotted key, for example launch.programme_share."
    )
    workload: str | None = Field(None, description="A row of the catalogue workloads.")


class Evaluate(Based):
    """One design to evaluate."""

    pictures: bool = Field(False, description="Whether figures come along, as Plotly specifications.")


class Explain(Based):
    """One figure to explain."""

    metric: str = Field(description="An outcome.")


class Optimise(Based):
    """A search. Here ``design`` narrows the ranges: a value fixes a variable."""

    space: dict[str, Any] = Field(
        default_factory=dict, description="Entries of the design section: a value, names, or {low, high}."
    )
    subject_to: list[str] | None = Field(None, description="Bounds on outcomes, in place of those of the study.")
    search: dict[str, Any] = Field(default_factory=dict, description=f"Any of {', '.join(SEARCH_KEYS)}.")


class Compare(Body):
    """Runs to compare."""

    runs: list[str] = Field(min_length=2, max_length=20, description="Runs by name.")
    metric: str | None = Field(None, description="An outcome; by default the objective of the first run.")


def study_asked(study: ResolvedStudy, asked: Optimise, most_seconds: float) -> ResolvedStudy:
    """Return the study that a search was asked for, with all checks of a study file.

    Raises
    ------
    DawnduskError
        For a key that is none, a value that does not fit, or a longer search than the server allows.
    """
    mapping = copy.deepcopy(study.resolved)
    if study.search.goes_by_trials:
        kept = {key: value for key, value in mapping["search"].items() if key in SEARCH_KEYS}
        mapping["search"] = kept | {"engine": str(engine_of(study))}
    believed = mapping.setdefault("assumptions", {})
    for key, value in asked.assumptions.items():
        _state(mapping, believed, key, value)
    mapping["design"] |= {**asked.space, **asked.design}
    unknown = [key for key in asked.search if key not in SEARCH_KEYS]
    if unknown:
        hint = nearest(unknown[0], SEARCH_KEYS)
        raise DawnduskError(f"search: found {unknown[0]!r}; allowed over HTTP: {one_of(SEARCH_KEYS)}{hint}")
    mapping["search"] |= asked.search
    if asked.workload is not None:
        mapping["workload"] = asked.workload
    if asked.subject_to is not None:
        mapping["subject_to"] = asked.subject_to
    found = study_from_mapping({key: value for key, value in mapping.items() if value != {}}, source="request")
    if found.search.goes_by_trials:
        allowed = "certified, evolution, milp"
        raise DawnduskError(
            f"search.engine: found {found.search.engine}, which goes by trials; allowed over HTTP: {allowed}"
        )
    if found.search.time_limit_s > most_seconds:
        raise DawnduskError(
            f"search.time_limit_s: found {found.search.time_limit_s:g}; allowed by this server: up to {most_seconds:g}"
        )
    return found


def engine_of(study: ResolvedStudy) -> Engine:
    """Return the engine that searches again: the certified one where the study goes by trials."""
    return Engine.CERTIFIED if study.search.goes_by_trials else study.search.engine


def _state(mapping: dict[str, Any], believed: dict[str, Any], key: str, value: float) -> None:
    """Put a belief where a study file has it."""
    owner, *rest = key.split(".")
    if owner == "demand" and len(rest) == 1:
        mapping.setdefault("demand", {})[rest[0]] = value
    elif owner in CATALOGUES and len(rest) == ROW_PARTS - 1:
        believed.setdefault(owner, {}).setdefault(rest[0], {})[rest[1]] = value
    else:
        believed.setdefault(owner, {})[".".join(rest)] = value


def changed_study(study: ResolvedStudy, design: Mapping[str, Any], asked: Based) -> ResolvedStudy:
    """Return the study of what is seen: every design variable fixed, beliefs as they were changed."""
    fixed = {
        name: value for name, value in design.items() if name != "satellites" or not study.satellites_follow_demand
    }
    return study_asked(
        study, Optimise(assumptions=asked.assumptions, design=fixed, workload=asked.workload), float("inf")
    )
