"""The samplers by name, and ``auto``: the one that suits what an evaluation costs and how many there may be.

A surrogate gets most out of each evaluation, and takes its time between batches. It is used as long as that time stays
below what the evaluations take, or below a minute in all; past it, or from the start where evaluations cost next to
nothing, a population is bred, which starts from the best trials so far.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from dawndusk.models.errors import DawnduskError, nearest, one_of
from dawndusk.optimize.space.dimensions import Point, Value
from dawndusk.optimize.trials.question import History, Question
from dawndusk.optimize.trials.samplers.population import PopulationSampler
from dawndusk.optimize.trials.samplers.sampler import Sampler
from dawndusk.optimize.trials.samplers.simple import CmaesSampler, RandomSampler
from dawndusk.optimize.trials.samplers.surrogate import SurrogateSampler
from dawndusk.optimize.trials.surrogate.modelling import Prior

AUTO = "auto"
MODEL_S, MODEL_S_PER_OUTPUT = 0.3, 0.05
"""Processor time of a batch of the surrogate and what each goal or rule adds, as ``benchmarks/search.py`` measured."""
BEARABLE_S = 60.0
"""What all models together may take, however cheap the evaluations are."""
LEAST_BATCHES = 10
"""A surrogate that can not be fitted so often is not begun with."""
MOST_GOALS, MOST_COLUMNS = 5, 100
"""Beyond these a front can not be cut into boxes, or a process not be fitted, at a bearable cost."""
GENERATIONS = 50
SMALLEST_POPULATION, LARGEST_POPULATION = 40, 400
BATCHES, LARGEST_BATCH = 50, 64


def _of_optuna(name: str) -> Sampler:
    """Return a sampler of Optuna."""
    from dawndusk.optimize.trials.samplers.optuna import OptunaSampler  # noqa: PLC0415 (slow to import)

    return OptunaSampler(name)


MAKERS: dict[str, Callable[[], Sampler]] = {
    "surrogate": SurrogateSampler,
    "tpe": lambda: _of_optuna("tpe"),
    "gp": lambda: _of_optuna("gp"),
    "cmaes": CmaesSampler,
    "nsga2": lambda: _of_optuna("nsga2"),
    "nsga3": lambda: _of_optuna("nsga3"),
    "population": PopulationSampler,
    "random": RandomSampler,
}
"""Every sampler by name, but for ``auto``."""


@dataclass(frozen=True)
class SamplerChoice:
    """A sampler, and one sentence on what it is and why it was taken."""

    sampler: Sampler
    words: str


def sampler_named(name: str) -> Sampler:
    """Return the sampler with a name.

    Raises
    ------
    DawnduskError
        Where there is none of that name, or a package that it needs is not installed.
    """
    if name not in MAKERS:
        allowed = one_of([AUTO, *MAKERS])
        raise DawnduskError(f"search.sampler: found {name!r}; allowed {allowed}{nearest(name, [AUTO, *MAKERS])}")
    return MAKERS[name]()


def usual_batch(evaluations: int) -> int:
    """Return a batch that suits a number of evaluations: small enough to learn often, large enough to stay quick."""
    return min(max(evaluations // BATCHES, 1), LARGEST_BATCH)


def chosen(
    question: Question, *, evaluations: int, batch: int, evaluation_s: float, prior: Prior | None = None
) -> SamplerChoice:
    """Return the sampler for a search.

    What an evaluation costs is measured and so differs from run to run: a search that is to be taken up again must
    keep ``evaluation_s``, from which the same choice follows.

    Parameters
    ----------
    question : Question
    evaluations : int
        How many the search may make.
    batch : int
        How many at a time.
    evaluation_s : float
        What one evaluation costs, divided by the workers that share the work.
    prior : callable, optional
        A cheap model's goals; a surrogate then learns the difference.
    """
    size = min(max(evaluations // GENERATIONS, SMALLEST_POPULATION), LARGEST_POPULATION)
    population = PopulationSampler(population=size)
    goals, width = len(question.goals), len(question.space.names)
    breeds = f"auto chose population ({size} designs to a generation)"
    if goals > MOST_GOALS or width > MOST_COLUMNS:
        return SamplerChoice(population, f"{breeds}: {goals} goals and {width} variables are too many to model.")
    model_s = MODEL_S + MODEL_S_PER_OUTPUT * (goals + len(question.rules))
    spent_s = evaluations * evaluation_s
    batches = int(max(spent_s, BEARABLE_S) / model_s)
    cost = f"{evaluations:,} evaluations of {_seconds(evaluation_s)}"
    if batches * batch >= evaluations:
        models = f"{_count(goals, 'goal')} and {_count(len(question.rules), 'rule')}"
        why = f"{cost} are worth models of {models} before every batch of {batch}"
        return SamplerChoice(SurrogateSampler(prior), f"auto chose surrogate: {why}.")
    if batches < LEAST_BATCHES:
        return SamplerChoice(population, f"{breeds}: models would take longer than {cost}.")
    until = batches * batch
    words = (
        f"auto chose surrogate for {until:,} evaluations, then population: more models would take longer than {cost}."
    )
    return SamplerChoice(PhasedSampler(SurrogateSampler(prior), until, population), words)


def _seconds(seconds: float) -> str:
    if seconds >= 1.0:
        return f"{seconds:,.3g} s"
    return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} µs"  # noqa: PLR2004 - a millisecond


@dataclass
class PhasedSampler:
    """One sampler for the first trials, another from then on."""

    first: Sampler
    until: int
    then: Sampler
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = f"{self.first.name}, then {self.then.name}"

    def propose(
        self, history: History, count: int, *, seed: int, batch: int, pending: Sequence[Point] = ()
    ) -> list[dict[str, Value]]:
        """Return points to evaluate next; see ``Sampler``."""
        sampler = self.first if len(history) + len(pending) < self.until else self.then
        return sampler.propose(history, count, seed=seed, batch=batch, pending=pending)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
