"""Design and plan together: a catalogue that grows by the designs that the plan's prices ask for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from dawndusk.models.design import Design
from dawndusk.models.fleet.satellites import figures_of
from dawndusk.optimize.plan.pricing.column_generation import Generated, generate
from dawndusk.optimize.plan.pricing.proof import Proof
from dawndusk.optimize.plan.problem.problem import PlanProblem
from dawndusk.optimize.plan.solve.planned import Planned, PlanStep
from dawndusk.optimize.problem import Fixed, Problem
from dawndusk.studies.input.errors import StudyError
from dawndusk.studies.input.studyfile import study_from_mapping
from dawndusk.studies.run.plan.catalogue import FLEET, CatalogueEntry
from dawndusk.studies.run.plan.places import misuse
from dawndusk.studies.run.plan.question import PlanStudy, limits_of, plan_study

if TYPE_CHECKING:
    import pandas as pd


def grow(
    question: PlanStudy, before: Planned, report: Callable[[PlanStep], None] = lambda _: None
) -> tuple[PlanStudy, Generated]:
    """Return a plan whose catalogue has the designs that its prices ask for, and how they were found.

    The plan that is returned states all of them, and the reference satellites of its lines, so that its study file
    gives the same plan again.

    Parameters
    ----------
    before : Planned
        The plan of the catalogue as it is.
    report : callable
        Called with a ``PlanStep`` now and then.

    Raises
    ------
    StudyError
        Where the study leaves no design variable open, so that there is no other design.
    """
    section = question.section.columns
    found = generate(
        _kept(question),
        lambda designs: with_catalogue(question, designs),
        space_of(question),
        effort=question.effort,
        before=before,
        rounds=section.rounds,
        candidates=section.candidates,
        proof_s=section.proof_time_limit_s,
        fits=lambda designs: _flyable(question, designs),
        report=report,
    )
    return dataclasses.replace(_grown(question, found), problem=found.after.problem, effort=question.effort), found


def _kept(question: PlanStudy) -> dict[str, Design]:
    figures = question.problem.economy.figures
    return dict(zip(figures.names, figures.designs, strict=True))


def with_catalogue(question: PlanStudy, designs: Mapping[str, Design]) -> PlanProblem:
    """Return the problem of a plan with another catalogue; its lines keep their reference satellite."""
    economy = question.economy_with(designs)
    limits = limits_of(question.study, question.section, tuple(designs))
    return dataclasses.replace(question.problem, economy=economy, limits=limits)


def space_of(question: PlanStudy) -> Problem:
    """Return the design space of the study of a plan."""
    study = question.study
    space = Problem(
        assumptions=study.assumptions,
        space={**study.space, "satellites": Fixed(FLEET)},
        objective="lcoc_usd_per_pflop_hour",
        sense="minimise",
    )
    if not space.free and len(space.combinations()) == 1:
        found, allowed = "no variable that is open, so that there is no other design", "a range or a list of names"
        raise StudyError(misuse(study, ("design",), found, allowed))
    return space


def _flyable(question: PlanStudy, designs: Mapping[str, Design]) -> dict[str, Design]:
    """Return the designs that keep every rule and fit some vehicle."""
    economy = question.problem.economy
    figures = figures_of(designs, economy.assumptions, economy.launching.vehicles)
    kept = [n for k, n in enumerate(figures.names) if not figures.broken[k] and figures.per_launch[k].any()]
    return {name: designs[name] for name in kept}


def _grown(question: PlanStudy, found: Generated) -> PlanStudy:
    new = {name: CatalogueEntry(design) for name, design in found.designs.items() if name not in question.entries}
    entries = {name: question.entries[name] for name in found.designs if name in question.entries} | new
    plan = {key: value for key, value in question.study.resolved["plan"].items() if key != "columns"}
    plan["catalogue"] = {"designs": {name: entry.to_dict() for name, entry in entries.items()}}
    economy = question.problem.economy
    reference = dict(zip(economy.lines, map(float, economy.line_usd), strict=True))
    plan["production"] = {**plan.get("production", {}), "reference_usd": reference}
    resolved = {**question.study.resolved, "plan": plan}
    return plan_study(study_from_mapping(resolved, source=question.study.source))


def designs_table(found: Generated) -> pd.DataFrame:
    """Return the designs that entered, with the satellites that the last plan builds of each."""
    import pandas as pd  # noqa: PLC0415 (heavy, and only needed here)

    return pd.DataFrame(designs_rows(found))


def designs_rows(found: Generated) -> list[dict[str, Any]]:
    """Return the same as plain values."""
    plan, figures = found.after.plan, found.after.problem.economy.figures
    built = {} if plan is None else dict(zip(figures.names, plan.decisions.built.sum(axis=(1, 2)), strict=True))
    first = set(found.before.problem.economy.figures.names)
    return [
        {"design": name, "satellites_built": float(built.get(name, 0.0)), **design.to_dict()}
        for name, design in found.designs.items()
        if name not in first
    ]


def generated_dict(found: Generated) -> dict[str, Any]:
    """Return what column generation found as plain values."""
    return {
        "before_objective": found.before.objective,
        "before_bound": found.before.bound,
        "after_objective": found.after.objective,
        "after_bound": found.after.bound,
        "beats_every_plan_before": _beats(found),
        "bound_on_any_design": found.bound,
        "gap_to_any_design": found.gap,
        "proof": None if found.proof is None else proof_dict(found.proof),
        "stopped_by": found.stopped_by,
        "rounds": [dataclasses.asdict(one) for one in found.rounds],
        "priced": found.priced,
        "words": found.words,
        "seconds": found.seconds,
        "designs": designs_rows(found),
    }


def proof_dict(proof: Proof) -> dict[str, Any]:
    """Return how far a proof came as plain values."""
    return {
        "factor": proof.factor,
        "boxes": proof.boxes,
        "open_boxes": proof.open_boxes,
        "seconds": proof.seconds,
        "stopped_by": proof.stopped_by,
    }


def _beats(found: Generated) -> bool | None:
    """Return whether the last plan is better than the bound on every plan of the first catalogue, if both are known."""
    after, bound = found.after.objective, found.before.bound
    if after is None or bound is None:
        return None
    return after > bound if found.after.problem.objective.value == "npv" else after < bound
