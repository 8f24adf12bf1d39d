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
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    Tag,
    create_model,
    model_validator,
)

from dawndusk.models.assumptions import GROUPS
from dawndusk.models.catalogue import CATALOGUES
from dawndusk.models.design import VARIABLES, Variable
from dawndusk.studies.input import values
from dawndusk.studies.input.plans.schema import PlanSection
from dawndusk.studies.input.search_section import EVALUATORS, FrontSection, SearchSection
from dawndusk.studies.input.sections import (
    BoundText,
    OptionalRowName,
    OptionalText,
    Outcomes,
    RowName,
    Section,
    StudyName,
    Text,
    at_most_one,
)
from dawndusk.studies.input.study import Goal, Kind, Sense
from dawndusk.studies.input.values import Checked, Number, misfit

FOLLOW_DEMAND = "demand"
"""What ``design.satellites`` says to be the smallest number that meets the demand."""

DEMANDS = ("it_power_mw", "delivered_pflops")
PRICE = "price_usd_per_pflop_hour"
"""The key under ``demand`` of what compute is sold for."""
OBJECTIVES: tuple[Sense, ...] = ("minimise", "maximise")
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

ROW_HELP = "Row by name. A row that is shipped may be changed field by field; a new one needs every field."


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
        at_most_one(self, DEMANDS)
        return self


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
