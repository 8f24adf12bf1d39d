"""The certificate of a run as plain values: the claim, the design, how far it was doubted, and what it rests on."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import dawndusk
from dawndusk.models.outcome import OUTCOMES
from dawndusk.optimize.settings import Engine
from dawndusk.studies.input.identity import model_version, problem_hash
from dawndusk.studies.run.design.results import RunResult
from dawndusk.studies.run.design.runner import problem_of
from dawndusk.studies.run.design.wording import claim

if TYPE_CHECKING:
    from dawndusk.optimize.result import SecondBound

FORMAT = 1
BOXES_REST_ON = (
    "Every box is bounded in double precision. Every line is moved outward by 1e-12 of the numbers behind it, which "
    "covers rounding; a rule counts as met up to 1e-9 of its limit; a whole number is any that what is rounded comes "
    "to within 1e-11; and 1e-10 is taken off the score that was proved. Designs are compared with the bound with a "
    "relative tolerance of 1e-9. The bound is one on the recorded model, in the ranges of the study."
)
MODEL_RESTS_ON = (
    "Linear pieces enclose every curve. The bound of every linear programme is computed from its multipliers, so that "
    "it holds whatever the tolerances of HiGHS. Designs are compared with the bound with a relative tolerance of "
    "1e-9."
)


SECOND_BOUND = (
    "status",
    "bound",
    "objective",
    "gap",
    "seconds",
    "rounds",
    "open_combinations",
    "stalled_at",
    "solver_words",
)
"""What a certificate holds of a bound of the mixed-integer model, besides its design."""


def has_certificate(result: RunResult) -> bool:
    """Return whether the engine of a run proves anything."""
    return result.study.search.engine.proves


def certificate(result: RunResult) -> dict[str, Any]:
    """Return the certificate of a run, as ``certificate.json`` holds it."""
    study, found = result.study, result.result
    return {
        "format": FORMAT,
        "study": study.name,
        "study_hash": study.hash,
        "problem_hash": problem_hash(problem_of(study)),
        "dawndusk": dawndusk.__version__,
        "model": model_version(),
        "engine": result.engine,
        "status": result.status,
        "claim": claim(result),
        "sense": study.sense,
        "objective_name": study.objective,
        "units": OUTCOMES[study.objective].units,
        "gap_asked": study.search.gap,
        "objective": result.objective,
        "bound": result.bound,
        "gap": result.gap,
        "design": None if found.design is None else found.design.to_dict(),
        "combinations": found.combinations,
        "boxes": found.boxes,
        "open_boxes": found.open_boxes,
        "seconds": result.seconds,
        "seed": result.seed,
        "stopped_by": result.stopped_by,
        "audit": {"verdict": result.audit, "checks": [dataclasses.asdict(check) for check in result.checks]},
        "second_bound": None if found.second is None else second_bound_values(found.second),
        "rests_on": MODEL_RESTS_ON if study.search.engine is Engine.MILP else BOXES_REST_ON,
    }


def second_bound_values(second: SecondBound) -> dict[str, Any]:
    """Return a bound of the mixed-integer model as plain values."""
    values = {name: getattr(second, name) for name in SECOND_BOUND}
    return {**values, "design": None if second.design is None else second.design.to_dict(), "rests_on": MODEL_RESTS_ON}
