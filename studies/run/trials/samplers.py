"""The sampler of a study: the one that it names, or the one that suits what an evaluation costs."""

from __future__ import annotations

from dataclasses import dataclass

from dawndusk.optimize.settings import Engine
from dawndusk.optimize.trials.samplers.auto import SamplerChoice, chosen, sampler_named, usual_batch
from dawndusk.optimize.trials.samplers.surrogate import SurrogateSampler
from dawndusk.optimize.trials.screening import OutsideQuestion
from dawndusk.optimize.trials.surrogate.modelling import Prior
from dawndusk.studies.input.study import ResolvedStudy, SamplerName
from dawndusk.studies.run.trials.questions import Asked

PATIENT_S = 60.0
"""What an evaluation is taken to cost that is done elsewhere and told: nobody types faster."""


def batch_of(study: ResolvedStudy) -> int:
    """Return how many designs are named at a time: as many as the study says, or the usual number for its budget."""
    return study.search.batch or usual_batch(study.search.evaluations)


def idle_words(study: ResolvedStudy, asked: Asked, workers: int) -> str:
    """Return a line on workers for which a search has nothing to do, empty where there are none."""
    settings, batch = study.search, batch_of(study)
    if settings.asynchronous or asked.is_vectorised or workers <= batch:
        return ""
    at_a_time = "1 design is" if batch == 1 else f"{batch} designs are"
    return (
        f"{at_a_time} named at a time, so {workers - batch} of {workers} workers stay idle; search.batch={workers} in "
        "another run folder keeps all busy, and search.asynchronous=true without being reproducible"
    )


@dataclass(frozen=True)
class Basis:
    """What ``auto`` chooses by. It is kept with a search, so that the choice stays when the search goes on.

    Attributes
    ----------
    evaluation_s : float
        What an evaluation costs, divided by the workers that share the work.
    evaluations : int
        The budget when the search began.
    """

    evaluation_s: float
    evaluations: int


def needs_basis(study: ResolvedStudy) -> bool:
    """Return whether the sampler of a study depends on what an evaluation costs."""
    return study.search.sampler is SamplerName.AUTO and study.search.engine is not Engine.EVOLUTION


def sampler_of(study: ResolvedStudy, asked: Asked, basis: Basis | None = None) -> SamplerChoice:
    """Return the sampler of a study, and one sentence on why where it was chosen.

    Parameters
    ----------
    basis : Basis, optional
        What ``auto`` chooses by; by default that evaluations are done elsewhere.
    """
    name, prior = study.search.sampler, _prior(asked)
    if needs_basis(study):
        basis = basis or Basis(PATIENT_S, study.search.evaluations)
        return chosen(
            asked.question,
            evaluations=basis.evaluations,
            batch=batch_of(study),
            evaluation_s=basis.evaluation_s,
            prior=prior,
        )
    if name is SamplerName.SURROGATE:
        return SamplerChoice(SurrogateSampler(prior), "")
    return SamplerChoice(sampler_named("population" if name is SamplerName.AUTO else name.value), "")


def _prior(asked: Asked) -> Prior | None:
    """Return the built-in model where it screens for something more costly: samplers then learn the difference."""
    outside = asked.evaluator
    return outside.prior if isinstance(outside, OutsideQuestion) and outside.screen else None
