"""What a study file may say of the search: engine, sampler, evaluator, strategy, and the front."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from dawndusk.optimize.settings import Engine
from dawndusk.studies.input import values
from dawndusk.studies.input.sections import INNER_ENGINES, TRUTH, Section, VariableName, at_most_one
from dawndusk.studies.input.study import SamplerName
from dawndusk.studies.input.values import Checked, Number, misfit

SEED = Number(units="-", minimum=0, maximum=2**32 - 1, whole=True)
DESIGNS = Number(units="count", minimum=1, maximum=1e10, whole=True)
TIME_LIMIT = Number(units="s", minimum=0.1, maximum=1e6)
GAP = Number(units="fraction", minimum=0, maximum=1, between=True)
EVALUATIONS = Number(units="count", minimum=1, maximum=1e8, whole=True)
BATCH = Number(units="count", minimum=1, maximum=1e5, whole=True)
STAGNATION = Number(units="count", minimum=0, maximum=1e8, whole=True)
WORKERS = Number(units="count", minimum=1, maximum=4096, whole=True)
RETRIES = Number(units="count", minimum=0, maximum=100, whole=True)
YEAR = Number(units="year", minimum=2020, maximum=2100)
SPACING = Number(units="fraction", minimum=0.001, maximum=0.5)
EVALUATORS = ("command", "function")


class EvaluatorSection(Section):
    """What answers a design in place of the built-in model: a command or a function."""

    command: Annotated[tuple[str, ...] | None, Checked(values.command, values.COMMAND_RULE)] = Field(
        default=None,
        description="Program that reads a design as JSON on its standard input and writes outcomes as JSON: a text "
        "that is split as a shell would, or a list of arguments. No shell runs it.",
    )
    function: Annotated[str | None, Checked(values.entry_point, {"type": "string", "pattern": values.ENTRY_POINT})] = (
        Field(
            default=None,
            description="Python function module:function that takes a design as a dict and returns outcomes as a "
            "dict. Called only where the run allows it with --allow-code.",
        )
    )
    timeout_s: Annotated[float, TIME_LIMIT] = Field(
        default=600.0, description="Time after which an evaluation is ended and has failed [s]."
    )
    retries: Annotated[int, RETRIES] = Field(
        default=1, description="How often a failed evaluation is tried again [count]."
    )
    screen: Annotated[bool, TRUTH] = Field(
        default=True,
        description="Whether the built-in model answers designs that break a rule in it, so that the evaluator is "
        "spared, and samplers learn the difference between the two.",
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        at_most_one(self, EVALUATORS)
        return self


class YearsSection(Section):
    """The years from which an outer search chooses."""

    low: Annotated[float | None, YEAR] = Field(default=None, description="First year [year].")
    high: Annotated[float | None, YEAR] = Field(default=None, description="Last year [year].")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise misfit("low below high", found=f"low {self.low!r}, high {self.high!r}")
        return self


class StrategySection(Section):
    """An outer search over some variables; for each of its trials an inner engine optimises the others."""

    variables: Annotated[tuple[VariableName, ...], AfterValidator(values.distinct_or_none)] = Field(
        default=(), description="Design variables of the outer search. The inner engine optimises all others."
    )
    first_launch_year: YearsSection = Field(
        default=YearsSection(), description="Years of the first launch that the outer search chooses among {low, high}."
    )
    inner: Annotated[Engine, values.one_of_members(INNER_ENGINES, "an inner engine")] = Field(
        default=Engine.EVOLUTION,
        description="Engine of the inner optimisation. evolution: quick, without a bound; certified: with one.",
    )


class FrontSection(Section):
    """How fine a front is and what is proved of it."""

    spacing: Annotated[float, SPACING] = Field(
        default=0.02, description="Widest gap between neighbours, as a share of each goal's range [fraction]."
    )
    certify_ends: Annotated[bool, TRUTH] = Field(
        default=True, description="Whether the best value of each goal is proved, to search.gap within the time limit."
    )
    certify_points: Annotated[bool, TRUTH] = Field(
        default=False, description="Whether a bound is proved for every point of the front: long."
    )


class SearchSection(Section):
    """How long and how the design space is searched."""

    engine: Annotated[Engine, values.member(Engine, "a search engine")] = Field(
        default=Engine.CERTIFIED,
        description="Search engine. certified: search with a proved bound; evolution: heuristic search without one; "
        "bayes: search by trials for costly evaluations; auto: whichever suits the cost of an evaluation; milp: the "
        "mixed-integer model by itself.",
    )
    seed: Annotated[int, SEED] = Field(
        default=1, description="Seed of the search; the same seed finds the same designs."
    )
    designs: Annotated[int, DESIGNS] = Field(
        default=10_000_000, description="Designs after which the search ends [count]."
    )
    time_limit_s: Annotated[float, TIME_LIMIT] = Field(
        default=120.0, description="Time after which the search ends [s]."
    )
    gap: Annotated[float, GAP] = Field(
        default=1e-3,
        description="Relative distance between the objective and its bound at which the search may end [fraction].",
    )
    audit: Annotated[bool, TRUTH] = Field(default=True, description="Whether the result is checked anew at the end.")
    second_bound: Annotated[bool, TRUTH] = Field(
        default=True,
        description="Whether that audit computes a second bound with the mixed-integer model, independently of the "
        "first.",
    )
    sampler: Annotated[SamplerName, values.member(SamplerName, "a sampler")] = Field(
        default=SamplerName.AUTO,
        description="Rule that names the next designs of a search by trials; auto chooses one and says why.",
    )
    evaluations: Annotated[int, EVALUATIONS] = Field(
        default=200, description="Evaluations after which a search by trials ends [count]."
    )
    batch: Annotated[int | None, BATCH] = Field(
        default=None,
        description="Designs named at a time in a search by trials; by default a fiftieth of the evaluations, from 1 "
        "to 64. It decides what is found; the number of workers does not [count].",
    )
    stagnation: Annotated[int, STAGNATION] = Field(
        default=0, description="Evaluations without a better result after which a search by trials ends; 0: never."
    )
    warm_start: Annotated[bool, TRUTH] = Field(
        default=True, description="Whether a search by trials begins with the best designs of the built-in model."
    )
    asynchronous: Annotated[bool, TRUTH] = Field(
        default=False,
        description="Whether a search by trials names a design whenever a worker is free: faster where evaluations "
        "differ in length, but not reproducible.",
    )
    workers: Annotated[int | None, WORKERS] = Field(
        default=None, description="Processes that work at the same time; by default one for each core [count]."
    )
    cluster: Annotated[str | None, Checked(values.cluster, {"type": "string", "pattern": values.CLUSTER})] = Field(
        default=None, description="Address of a Dask cluster that works instead, as tcp://host:port."
    )
    storage: Annotated[str, Checked(values.storage, {"type": "string"})] = Field(
        default="journal",
        description="Where trials are kept: journal, a file in the run folder; sqlite:///FILE; or "
        "postgresql://USER@HOST/DATABASE.",
    )
    evaluator: EvaluatorSection = Field(
        default=EvaluatorSection(), description="What answers a design in place of the built-in model."
    )
    strategy: StrategySection = Field(
        default=StrategySection(),
        description="Outer search over some variables, with the others optimised for each trial.",
    )
