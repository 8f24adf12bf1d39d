"""One design under some beliefs, answered at once: outcomes, rules, the ground and figures."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.columns import evaluate_columns
from dawndusk.models.design import VARIABLES, Design, DesignBatch
from dawndusk.models.errors import DawnduskError, DesignError, nearest, one_of
from dawndusk.models.evaluate import Evaluation
from dawndusk.models.outcome import OUTCOMES, Outcome
from dawndusk.models.recording.rows import check_names, rows_of
from dawndusk.optimize.problem import Choice, Problem, Range, Scored
from dawndusk.studies.data import with_values
from dawndusk.studies.input.study import ResolvedStudy
from dawndusk.studies.lineage.figures import Lineage, lineage_of, meaning_of
from dawndusk.studies.lineage.origins import value_of
from dawndusk.studies.lineage.swings import evaluated, swings
from dawndusk.studies.output.figures import breakdowns
from dawndusk.studies.output.figures.picture import Picture
from dawndusk.studies.output.figures.satellite import satellite
from dawndusk.studies.output.report.front import front_data
from dawndusk.studies.run.design.limits import Limit, limits
from dawndusk.studies.run.design.runner import nominal_design, problem_of
from dawndusk.studies.run.folder.writing import finite
from dawndusk.studies.web.questions import engine_of
from dawndusk.studies.web.workspace import Base

SATELLITES = "satellites"
EXPLORER = "set in the explorer"
MOST_BELIEVED = 64
"""Sets of beliefs kept for reuse."""
SHOWN_FIRST = 8
"""Beliefs that the explorer shows before anyone asks for others: those that move the objective most."""
UNBOUNDED_FACTOR = 10.0
"""A belief without a range gets a slider from a tenth of it to ten times it."""


@dataclass(frozen=True, kw_only=True)
class DirectEvaluation(Problem):
    """A problem whose designs are evaluated step by step: for beliefs seen once that is faster than a recording."""

    def score(self, batch: DesignBatch, keep: Collection[str] | None = None) -> Scored:
        """Evaluate designs and return objective and violation of each, as every problem does."""
        with np.errstate(all="ignore"):
            outcome, broken = evaluate_columns(batch.values, rows_of(self.assumptions, batch), self.assumptions)
        shape = (len(batch),)
        values = {name: np.broadcast_to(np.asarray(column, dtype=float), shape) for name, column in outcome.items()}
        violations = {name: np.broadcast_to(np.asarray(column, dtype=float), shape) for name, column in broken.items()}
        evaluation = Evaluation(Outcome(values), violations)
        violation = evaluation.total_violation + sum(bound.violation(values) for bound in self.bounds)
        objective = values[self.objective]
        violation = np.where(np.isfinite(objective + violation), violation, np.inf)
        return Scored(batch, evaluation, self.sign * objective, violation)


@dataclass(frozen=True)
class State:
    """What is looked at: a base with changes of design variables and beliefs."""

    base: Base
    problem: Problem
    design: Design

    @property
    def assumptions(self) -> Assumptions:
        """Return what is believed."""
        return self.problem.assumptions


@functools.lru_cache(maxsize=MOST_BELIEVED)
def _believed(holder: _Held, changes: tuple[tuple[str, float], ...], workload: str) -> Assumptions:
    found = holder.assumptions
    if changes:
        found = with_values(found, dict(changes), source=EXPLORER)
    if workload not in found.workloads:
        names = found.workloads
        raise DawnduskError(f"workload: found {workload!r}; allowed: {one_of(names)}{nearest(workload, names)}")
    return found.replace(workload=workload) if workload != found.workload else found


class _Held:
    """Assumptions as a cache key: equal when they are the same object."""

    def __init__(self, assumptions: Assumptions) -> None:
        self.assumptions = assumptions

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held) and other.assumptions is self.assumptions

    def __hash__(self) -> int:
        return id(self.assumptions)


def state_of(
    base: Base, design: Mapping[str, Any], assumptions: Mapping[str, float], workload: str | None = None
) -> State:
    """Return a state with some design variables and beliefs changed.

    Satellites follow the demand where they do in the study, unless the changes state them.

    Raises
    ------
    DawnduskError
        For a name that is none, or a value outside its domain.
    """
    study = base.study
    believed = _believed(
        _Held(study.assumptions), tuple(sorted(assumptions.items())), workload or study.assumptions.workload
    )
    stated = problem_of(study)
    problem = DirectEvaluation(
        **{f.name: getattr(stated, f.name) for f in dataclasses.fields(stated)} | {"assumptions": believed}
    )
    found = start_of(base).replace(**design)
    check_names(believed, DesignBatch.of(found))
    if study.satellites_follow_demand and SATELLITES not in design:
        found = problem.meet_demand(DesignBatch.of(found))[0]
    return State(base, problem, found)


def start_of(base: Base) -> Design:
    """Return the design that exploring begins with: the best of a run, the knee of a front, else the nominal one."""
    if base.subject is None:
        return nominal_design(base.study)
    content = base.subject.content
    points = content.front["points"] if content.front is not None else ()
    if content.has_optimum:
        return base.subject.design
    if points:
        return Design(**next((point for point in points if point["knee"]), points[0])["design"])
    return nominal_design(base.study)


def answer(state: State, *, pictures: bool = True) -> dict[str, Any]:
    """Return design, outcomes, rules and figures of a state as plain values."""
    outcome, _ = evaluated(state.design, state.assumptions)
    found = limits(state.problem, state.design)
    feasible = all(limit.margin >= 0.0 for limit in found)
    values: dict[str, Any] = {
        "feasible": feasible,
        "design": state.design.to_dict(),
        "outcome": outcome,
        "limits": [_plain_limit(limit) for limit in found],
    }
    if pictures:
        values["pictures"] = {one.name: _plain_picture(one) for one in pictures_of(state, outcome)}
    plain: dict[str, Any] = finite(values)
    return plain


def _plain_limit(limit: Limit) -> dict[str, Any]:
    return {**dataclasses.asdict(limit), "idle": limit.is_idle}


def _plain_picture(picture: Picture) -> dict[str, Any]:
    return {"title": picture.title, "caption": picture.caption, **picture.figure()}


def pictures_of(state: State, outcome: Mapping[str, float]) -> list[Picture]:
    """Return the figures of a state; none where an outcome is no number."""
    try:
        return [
            breakdowns.ground(outcome, state.design, state.assumptions),
            satellite(outcome, state.design, state.assumptions),
            breakdowns.levelised(outcome, state.design, state.assumptions),
            breakdowns.capital(outcome),
            breakdowns.mass(outcome),
            breakdowns.power(outcome),
            breakdowns.compute(outcome),
        ]
    except (ArithmeticError, ValueError):
        return []


def described(base: Base) -> dict[str, Any]:
    """Return what there is to explore: variables with their ranges, beliefs with theirs, outcomes, the objective."""
    study, search = base.study, base.study.search
    values: dict[str, Any] = {
        "name": study.name,
        "title": study.title or study.name,
        "objective": study.objective,
        "sense": study.sense,
        "satellites_follow_demand": study.satellites_follow_demand,
        "workload": study.assumptions.workload,
        "workloads": list(study.assumptions.workloads),
        "bounds": [str(bound) for bound in study.bounds],
        "note": _note(base),
        "search": {"engine": str(engine_of(study)), "gap": search.gap, "time_limit_s": search.time_limit_s},
        "design": start_of(base).to_dict(),
        "variables": [_variable(study, name) for name in VARIABLES],
        "beliefs": [_belief(study.assumptions, key) for key in study.assumptions.provenance],
        "moves_most": moves_most(base),
        "front": _front(base),
        "outcomes": {n: {"units": f.units, "meaning": f.meaning, "table": f.table} for n, f in OUTCOMES.items()},
    }
    plain: dict[str, Any] = finite(values)
    return plain


def _note(base: Base) -> str:
    """Return what to know before looking, if anything."""
    evaluator = base.subject.content.evaluator if base.subject is not None else ""
    if not evaluator:
        return ""
    return f"The trials of this run were answered by {evaluator}; here the built-in model answers."


def _front(base: Base) -> dict[str, Any] | None:
    content = base.subject.content.front if base.subject is not None else None
    return front_data(content) if content is not None and content["points"] else None


def _variable(study: ResolvedStudy, name: str) -> dict[str, Any]:
    """Return a design variable: names to choose from, or a range; the domain of the model where the study fixes it."""
    variable, entry = VARIABLES[name], study.space.get(name)
    found: dict[str, Any] = {
        "name": name,
        "kind": variable.kind,
        "units": "" if variable.units == "name" else variable.units,
        "meaning": variable.meaning,
        "follows_demand": entry is None,
        "fixed": not isinstance(entry, Range | Choice) and entry is not None,
    }
    if variable.kind == "category":
        names = entry.names if isinstance(entry, Choice) else (str(entry.nominal),) if entry else ()
        every = list(getattr(study.assumptions, variable.catalogue))
        return {**found, "names": [*names, *(one for one in every if one not in names)], "of_study": list(names)}
    if isinstance(entry, Range):
        return {**found, "low": entry.low, "high": entry.high, "minimum": variable.minimum, "maximum": variable.maximum}
    span = {"low": variable.minimum, "high": variable.maximum}
    return {**found, **span, "minimum": variable.minimum, "maximum": variable.maximum}


def _belief(assumptions: Assumptions, key: str) -> dict[str, Any]:
    row, value = assumptions.provenance[key], value_of(assumptions, key)
    low, high = row.low, row.high
    if low is None or high is None or low == high:
        low, high = sorted((value / UNBOUNDED_FACTOR, value * UNBOUNDED_FACTOR))
    return {
        "key": key,
        "value": value,
        "low": low,
        "high": high,
        "has_range": row.low is not None and row.low != row.high,
        "units": row.units,
        "meaning": meaning_of(key),
        "source": row.source,
        "url": row.url,
        "confidence": row.confidence,
    }


def moves_most(base: Base) -> list[str]:
    """Return the beliefs with a range that move the objective of the first design most."""
    study, design = base.study, start_of(base)
    used = {f"{VARIABLES[name].catalogue}.{row}." for name, row in design.combination.items()}
    catalogues = tuple({prefix.partition(".")[0] + "." for prefix in used})
    keys = [k for k in study.assumptions.provenance if not k.startswith(catalogues) or k.startswith(tuple(used))]
    found = swings(study.objective, keys, design, study.assumptions)
    return [swing.key for swing in found[:SHOWN_FIRST]]


def explained(state: State, metric: str) -> dict[str, Any]:
    """Return the term tree of a figure of a state."""
    lineage = lineage_kept(state.design, _Held(state.assumptions))
    if metric not in OUTCOMES:
        raise DesignError(f"metric: found {metric!r}; allowed: an outcome{nearest(metric, OUTCOMES)}")
    plain: dict[str, Any] = finite({"metric": metric, "figures": lineage.to_dict(metric)})
    return plain


@functools.lru_cache(maxsize=MOST_BELIEVED)
def lineage_kept(design: Design, holder: _Held) -> Lineage:
    """Return the term trees of a design; those asked for last are kept."""
    return lineage_of(design, holder.assumptions)
