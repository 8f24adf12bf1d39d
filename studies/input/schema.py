"""What a study file may hold.

The sentence under a field is at once its help, its text in the JSON Schema and its line in the documentation.
Numbers take their units, meaning and domain from the design variables and the assumption classes. A section
accepts what one file may say; what only the whole study can answer (is every variable there, does the name
exist) is left to ``dawndusk.studies.input.checks``.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from types import GenericAlias
from typing import Annotated, Any, Self, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    create_model,
    model_validator,
)

from dawndusk.models.assumptions import CATALOGUES, GROUPS
from dawndusk.models.design import VARIABLES, Variable
from dawndusk.optimize.settings import Engine
from dawndusk.studies.input import values
from dawndusk.studies.input.plans.schema import PlanSection
from dawndusk.studies.input.study import Goal, Kind, SamplerName, Sense
from dawndusk.studies.input.values import Checked, Number, misfit

FOLLOW_DEMAND = "demand"
"""What ``design.satellites`` says to be the smallest number that meets the demand."""

DEMANDS = ("it_power_mw", "delivered_pflops")
PRICE = "price_usd_per_pflop_hour"
"""The key under ``demand`` of what compute is sold for."""
OBJECTIVES: tuple[Sense, ...] = ("minimise", "maximise")
EVALUATORS = ("command", "function")
ALTERNATIVES: dict[tuple[str, ...], tuple[str, ...]] = {
    (): OBJECTIVES,
    ("demand",): DEMANDS,
    ("search", "evaluator"): EVALUATORS,
}
"""Keys of a mapping, by its place in the study, none of which is inherited where a stronger layer states one."""
MOST_GOALS = 5

IT_POWER = Number(units="MW", minimum=1e-3, maximum=1e6)
DELIVERED = Number(units="PFLOP/s", minimum=1e-3, maximum=1e9)
SALE_PRICE = Number(units="USD/PFLOP-hour", minimum=1e-6, maximum=1e6)
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

ROW_HELP = "Row by name. A row that is shipped may be changed field by field; a new one needs every field."


class Section(BaseModel):
    """A mapping that refuses unknown keys and converts nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


TEXT = Checked(values.text, {"type": "string", "maxLength": values.MAX_TEXT})
TRUTH = Checked(values.truth, {"type": "boolean"})
ROW_NAME = Checked(values.row_name, {"type": "string", "pattern": values.ROW_NAME})

# A field that may be left out is None then; null in a file is refused all the same, by the check.
Text: TypeAlias = Annotated[str, TEXT]
OptionalText: TypeAlias = Annotated[str | None, TEXT]
StudyName: TypeAlias = Annotated[str, Checked(values.study_name, {"type": "string", "pattern": values.STUDY_NAME})]
RowName: TypeAlias = Annotated[str, ROW_NAME]
OptionalRowName: TypeAlias = Annotated[str | None, ROW_NAME]
Outcomes: TypeAlias = Annotated[tuple[str, ...] | None, Checked(values.outcomes, values.OUTCOMES_RULE)]
VariableName: TypeAlias = Annotated[
    str, Checked(lambda value: values.choose(value, VARIABLES, "a design variable"), {"enum": list(VARIABLES)})
]
INNER_ENGINES = (Engine.EVOLUTION, Engine.CERTIFIED)
BoundText: TypeAlias = Annotated[str, Checked(values.bound, {"type": "string", "pattern": values.BOUND_PATTERN})]


class RangeSection(Section):
    """The ends of a range. One that is left out is inherited from the study extended."""

    low: Any = None
    high: Any = None
    nominal: Any = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.low is not None and self.high is not None:
            if self.low == self.high:
                found = f"low and high both {self.low!r}"
                raise misfit("low below high", f" (write {self.low!r} alone to fix the variable)", found=found)
            if self.low > self.high:
                raise misfit("low below high", found=f"low {self.low!r} above high {self.high!r}")
        self._nominal_inside()
        return self

    def _nominal_inside(self) -> None:
        if self.nominal is None:
            return
        if self.low is not None and self.nominal < self.low:
            raise misfit(f"a value from low, {self.low!r}, to high", found=f"{self.nominal!r}", key="nominal")
        if self.high is not None and self.nominal > self.high:
            raise misfit(f"a value from low to high, {self.high!r}", found=f"{self.nominal!r}", key="nominal")


domain_of = values.domain_of
"""The domain of a numeric design variable."""


def _range_section(variable: Variable) -> type[RangeSection]:
    number: Any = Annotated[float | None, domain_of(variable)]
    units = variable.units
    return create_model(
        f"Range_{variable.name}",
        __base__=RangeSection,
        __doc__=f"Range of {variable.name} [{units}].",
        low=(number, Field(default=None, description=f"Lowest value searched [{units}].")),
        high=(number, Field(default=None, description=f"Highest value searched [{units}].")),
        nominal=(
            number,
            Field(
                default=None,
                description=f"Value that `dawndusk evaluate` uses [{units}]; by default the geometric mean "
                "of low and high, or the middle where the variable can be zero.",
            ),
        ),
    )


def _number_entry(variable: Variable) -> Any:
    domain = domain_of(variable)
    one = Annotated[Any, _satellites(domain) if variable.name == "satellites" else domain]
    section = _range_section(variable)
    return Annotated[
        Annotated[one, Tag("(number)")] | Annotated[section, Tag("(range)")],
        Discriminator(lambda value: "(range)" if isinstance(value, Mapping) else "(number)"),
    ]


def _satellites(domain: Number) -> Checked:
    def check(value: object) -> float | str:
        if isinstance(value, str):
            if value == FOLLOW_DEMAND:
                return value
            raise misfit(f"{domain}, a range, or the word '{FOLLOW_DEMAND}'", values.number_hint(value))
        return domain.check(value)

    return Checked(check, {"anyOf": [domain.schema(), {"const": FOLLOW_DEMAND}]})


def _category_entry(variable: Variable) -> Any:
    name = Annotated[str, Checked(values.row_name, {"type": "string", "x-catalogue": variable.catalogue})]
    several = Annotated[
        tuple[name, ...],
        AfterValidator(values.distinct),
        Field(json_schema_extra={"minItems": 1, "uniqueItems": True}),
    ]
    return Annotated[
        Annotated[name, Tag("(name)")] | Annotated[several, Tag("(names)")],
        Discriminator(lambda value: "(names)" if isinstance(value, tuple) else "(name)"),
    ]


def _design_field(variable: Variable) -> Any:
    if variable.kind == "category":
        how = f"A name in assumptions.{variable.catalogue}, or a list to choose among."
        return _category_entry(variable), Field(default=None, description=f"{variable.meaning} {how}")
    how = "A number, or a range {low, high, nominal}"
    if variable.name == "satellites":
        how += f", or the word '{FOLLOW_DEMAND}': the smallest number that meets the demand"
    text = f"{variable.meaning} {how} [{variable.units}]."
    return _number_entry(variable), Field(default=None, description=text)


DesignSection: type[Section] = create_model(
    "DesignSection",
    __base__=Section,
    __doc__="What is chosen: a value fixes a variable, a list or a range leaves it to the search.",
    **{name: _design_field(variable) for name, variable in VARIABLES.items()},
)


def domain_of_field(field: dataclasses.Field[Any]) -> Number:
    """Return the domain of a field of an assumption class."""
    meta = field.metadata
    return Number(units=meta["units"], minimum=meta["minimum"], maximum=meta["maximum"])


def _values_section(kind: type) -> type[Section]:
    fields: dict[str, Any] = {}
    for field in dataclasses.fields(kind):
        text = f"{field.metadata['meaning']} [{field.metadata['units']}]"
        fields[field.name] = (
            Annotated[float | None, domain_of_field(field)],
            Field(default=None, description=text),
        )
    return create_model(f"{kind.__name__}Values", __base__=Section, __doc__=kind.__doc__, **fields)


def _assumption_fields() -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, kind in GROUPS.items():
        if name != "demand":  # has its own section
            section = _values_section(kind)
            fields[name] = (section, Field(default=section(), description=f"{kind.__doc__}"))
    for name, kind in CATALOGUES.items():
        rows: Any = GenericAlias(dict, (RowName, _values_section(kind)))
        text = f"{kind.__doc__} {ROW_HELP}"
        fields[name] = (rows, Field(default={}, description=text, json_schema_extra={"x-catalogue": name}))
    return fields


AssumptionsSection: type[Section] = create_model(
    "AssumptionsSection",
    __base__=Section,
    __doc__="What is believed, where it differs from the shipped data.",
    **_assumption_fields(),
)


def _at_most_one(section: Section, names: tuple[str, ...]) -> None:
    given = [name for name in names if getattr(section, name) is not None]
    if len(given) > 1:
        raise misfit(f"one of {', '.join(names)}", found=f"both {' and '.join(given)}", key=given[-1])


class DemandSection(Section):
    """What is asked for, in one of two measures, and the price of compute; beyond a demand it earns nothing."""

    it_power_mw: Annotated[float | None, IT_POWER] = Field(
        default=None, description="IT power of the accelerators in service, spares not counted [MW]."
    )
    delivered_pflops: Annotated[float | None, DELIVERED] = Field(
        default=None, description="Mean delivered dense BF16 compute over the life [PFLOP/s]."
    )
    price_usd_per_pflop_hour: Annotated[float | None, SALE_PRICE] = Field(
        default=None,
        description="Price at which all compute is sold, or with a demand as much as is asked for, when delivered at "
        "the first launch; later it falls as the technology ages [USD/PFLOP-hour].",
    )

    @model_validator(mode="after")
    def _one_measure(self) -> Self:
        _at_most_one(self, DEMANDS)
        return self


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
        _at_most_one(self, EVALUATORS)
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


class StudyFile(Section):
    """A dawndusk study."""

    name: StudyName = Field(description="Name of the study: a-z, 0-9 and hyphens.")
    title: Text = Field(default="", description="One line that says what the study asks.")
    description: Text = Field(default="", description="Background, sources and caveats.")
    extends: OptionalText = Field(
        default=None,
        description="Study that this one changes: a name in the library, or a path relative to this file.",
    )
    kind: Annotated[Kind, values.member(Kind, "a kind of study")] = Field(
        default=Kind.DESIGN,
        description="design: find the best orbital design; pareto: the front between several goals; ground: the ground "
        "alternative alone; plan: a fleet over the years.",
    )
    workload: OptionalRowName = Field(default=None, description="Workload: a name in assumptions.workloads.")
    training_run: OptionalRowName = Field(
        default=None, description="Training run: a name in assumptions.training_runs."
    )
    demand: DemandSection = Field(default=DemandSection(), description="What is asked for, and the price of compute.")
    minimise: Outcomes = Field(
        default=None, description="Outcome to make as small as possible; for kind pareto a list of them."
    )
    maximise: Outcomes = Field(
        default=None, description="Outcome to make as large as possible; for kind pareto a list of them."
    )
    subject_to: tuple[BoundText, ...] = Field(
        default=(), description="Bounds on outcomes: an outcome, one of < > <= >=, and a number in its units."
    )
    design: DesignSection = Field(
        default=DesignSection(), description="The design variables: fixed, or to be searched."
    )
    assumptions: AssumptionsSection = Field(
        default=AssumptionsSection(), description="Assumptions that differ from the shipped data."
    )
    search: SearchSection = Field(default=SearchSection(), description="How long and how to search.")
    front: FrontSection = Field(default=FrontSection(), description="How fine a front is; of kind pareto.")
    plan: PlanSection = Field(default=PlanSection(), description="What flies when, on what; of kind plan.")

    @property
    def goals(self) -> tuple[Goal, ...]:
        """Return what is made small, then what is made large."""
        return tuple(Goal(name, sense) for sense in OBJECTIVES for name in getattr(self, sense) or ())


@functools.cache
def _shape() -> dict[str, Any]:
    schema: dict[str, Any] = StudyFile.model_json_schema()
    return schema


def allowed_keys(path: tuple[str | int, ...]) -> list[str]:
    """Return the keys of the mapping at ``path``; none where it is no mapping or takes any name."""
    return list(_at(path).get("properties", {}))


def paths_to(key: str) -> list[str]:
    """Return the dotted names outside the catalogues that end in a key."""
    sections: list[tuple[str, ...]] = [(), ("design",), ("demand",), ("search",), ("front",), ("assumptions",)]
    sections += [("search", part) for part in ("evaluator", "strategy")]
    sections += [("assumptions", group) for group in GROUPS if group != "demand"]
    sections += [("plan", *part) for part in ((), ("demand",), ("catalogue",), ("production",))]
    return [".".join((*section, key)) for section in sections if key in allowed_keys(section)]


def help_text(path: tuple[str | int, ...]) -> str:
    """Return the sentence under the field at ``path``."""
    parent = _at(path[:-1]).get("properties", {})
    return str(parent.get(path[-1], {}).get("description", "")) if path else ""


def _at(path: tuple[str | int, ...]) -> dict[str, Any]:
    schema = _resolve(_shape())
    for part in path:
        if isinstance(part, int):
            schema = _resolve(schema.get("items", {}))
            continue
        any_name: dict[str, Any] = next(iter(schema.get("patternProperties", {}).values()), {})
        schema = _resolve(schema.get("properties", {}).get(part, any_name))
    return schema


def _resolve(schema: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference, and among alternatives take the mapping."""
    for option in schema.get("oneOf", ()):
        if "$ref" in option:
            schema = option
    if "$ref" in schema:
        return dict(_shape()["$defs"][schema["$ref"].rsplit("/", 1)[-1]])
    return schema
