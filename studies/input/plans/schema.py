"""What the section ``plan`` of a study file may hold.

Like every section it accepts what one file may say; what only the whole study can answer (is every needed key there,
do the years agree, does the name exist) is left to ``dawndusk.studies.input.plan_checks``.
"""

from __future__ import annotations

import math
from types import GenericAlias
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, Field, create_model, model_validator

from dawndusk.models.design import VARIABLES, Variable
from dawndusk.optimize.plan.problem.problem import Objective
from dawndusk.studies.input import values
from dawndusk.studies.input.document import describe
from dawndusk.studies.input.plans.asked import BreakEvenPart, ChoicePart, ColumnsPart, PlanFrontPart, ScenariosPart
from dawndusk.studies.input.plans.domains import (
    CALENDAR,
    COUNT,
    FRACTION,
    GAP,
    GBPS,
    GROWTH,
    LEVELISED,
    LIFE,
    MONEY,
    MW,
    MW_YEAR,
    PER_YEAR,
    PFLOPS,
    PRICE,
    PROBABILITY,
    SEED,
    SHARE,
    SPENDING,
    TIME_LIMIT,
    TRUTH,
    USD,
    USD_YEAR,
    VALUE,
    WHOLE_COUNT,
    WHOLE_YEAR,
    Names,
    Part,
    RowName,
    SomeNames,
    StudyText,
    Texts,
    YearText,
    path,
)
from dawndusk.studies.input.plans.kinds import Step
from dawndusk.studies.input.plans.paths import FIRST_YEAR, LAST_YEAR, Points
from dawndusk.studies.input.values import Checked, misfit

MOST_GRID = 400
"""Designs that one grid may have."""


def _one_value(variable: Variable) -> Any:
    """Return the type of one value of a design variable."""
    if variable.kind == "category":
        return Annotated[Any, Checked(values.row_name, {"type": "string", "x-catalogue": variable.catalogue})]
    return Annotated[Any, values.domain_of(variable)]


def _several_values(variable: Variable) -> Any:
    several: Any = GenericAlias(tuple, (_one_value(variable), ...))
    return Annotated[several, AfterValidator(values.distinct)]


def _of_variables(kind: Any, default: Any) -> dict[str, Any]:
    return {
        name: (kind(variable), Field(default=default, description=f"{variable.meaning} [{variable.units}]."))
        for name, variable in VARIABLES.items()
    }


ChangesPart: type[Part] = create_model(
    "ChangesPart",
    __base__=Part,
    __doc__="Design variables that differ from the nominal design of a study.",
    **_of_variables(_one_value, None),
)
VaryPart: type[Part] = create_model(
    "VaryPart", __base__=Part, __doc__="Values of design variables.", **_of_variables(_several_values, ())
)


class DesignPart(Part):
    """A design of the catalogue: the nominal design of a study with some variables changed."""

    study: StudyText = Field(
        default=None,
        description="Study whose nominal design it is: a name in the library, or a path relative to this file; this "
        "study by default.",
    )
    changes: ChangesPart = Field(default=ChangesPart(), description="Design variables that differ from it, by name.")
    optimise: Annotated[bool, TRUTH] = Field(
        default=False,
        description="Whether the variables that are not stated are those of the cheapest design, found by search.",
    )
    from_year: Annotated[float | None, CALENDAR] = Field(default=None, description="First launch [year].")
    until_year: Annotated[float | None, CALENDAR] = Field(default=None, description="Last launch [year].")
    retire_after_years: Annotated[float | None, LIFE] = Field(
        default=None, description="Age at which it is retired, where that is before the end of its life [years]."
    )
    line: RowName = Field(default="all", description="Production line: designs of a line share their learning.")


class GridPart(Part):
    """Designs generated on the fly: every combination of some values of design variables."""

    NEEDED: ClassVar[tuple[str, ...]] = ("vary",)
    study: StudyText = Field(default=None, description="Study whose nominal design is varied; this study by default.")
    vary: VaryPart = Field(default=VaryPart(), description="Values of design variables, by name.")
    changes: ChangesPart = Field(
        default=ChangesPart(), description="Design variables that differ in all of them, by name."
    )
    optimise: Annotated[bool, TRUTH] = Field(
        default=False,
        description="Whether the variables that are not stated are those of the cheapest design, found by search.",
    )

    @model_validator(mode="after")
    def _not_too_many(self) -> Self:
        count = math.prod(len(getattr(self.vary, name)) for name in self.vary.model_fields_set)
        if count > MOST_GRID:
            raise misfit(f"one to {MOST_GRID} designs", found=f"{count} designs", key="vary")
        return self


class CataloguePart(Part):
    """The designs that a plan may build."""

    designs: dict[RowName, DesignPart] = Field(default={}, description="Designs by name.")
    grids: dict[RowName, GridPart] = Field(default={}, description="Grids of designs by name.")
    runs: Texts = Field(
        default=(),
        description="Folders of design runs whose best designs join the catalogue, relative to this file.",
    )
    front: StudyText = Field(
        default=None, description="Folder of a front whose designs join the catalogue, relative to this file."
    )
    designs_of_a_run: Annotated[int, WHOLE_COUNT] = Field(
        default=10, description="Designs taken of each run, best first, and of a front, evenly along it [count]."
    )


class VehiclePart(Part):
    """How a vehicle is offered, where that differs from the assumptions about it."""

    windows: tuple[tuple[Any, ...], ...] = Field(
        default=(),
        description="Spans of calendar time, [from, until] each, in which it flies.",
        json_schema_extra={"items": {"type": "array", "items": CALENDAR.schema(), "minItems": 2, "maxItems": 2}},
    )
    launches_per_year: Annotated[Points | None, PER_YEAR] = path(PER_YEAR, "Launches that the programme can buy")
    price_usd: Annotated[Points | None, MONEY] = path(MONEY, "Listed price of a launch")
    success: Annotated[Points | None, PROBABILITY] = path(PROBABILITY, "Probability that a launch succeeds")

    @model_validator(mode="after")
    def _windows_in_order(self) -> Self:
        last = -math.inf
        for window in self.windows:
            numbers = [v for v in window if isinstance(v, int | float) and not isinstance(v, bool)]
            if len(window) != 2 or len(numbers) < 2:  # noqa: PLR2004
                raise misfit("spans of two years, [from, until]", found=describe(window), key="windows")
            begin, end = map(float, numbers)
            if not FIRST_YEAR <= begin < end <= LAST_YEAR:
                found = f"[{begin:g}, {end:g}]"
                allowed = f"years from {FIRST_YEAR} to {LAST_YEAR}, the first before the second"
                raise misfit(allowed, found=found, key="windows")
            if begin < last:
                found = f"one from {begin:g}, before {last:g}"
                raise misfit("spans in order that do not overlap", found=found, key="windows")
            last = end
        return self


class AcceleratorPart(Part):
    """The price of an accelerator over the years."""

    NEEDED: ClassVar[tuple[str, ...]] = ("price_share",)
    price_share: Annotated[Points, SHARE] = Field(
        default=(),
        description="Price as a share of that in the catalogue [fraction]; of constant growth between its years.",
    )


class SalePart(Part):
    """One step of a demand curve."""

    price_usd_per_pflop_hour: Annotated[Points, PRICE] = Field(
        description="Price in the year of delivery [USD/PFLOP-hour]."
    )
    most_pflops: Annotated[Points | None, PFLOPS] = path(PFLOPS, "What is bought at that price; all there is without")


class PlanDemandPart(Part):
    """What has to be delivered over the years, and what can be sold."""

    delivered_pflops: Annotated[Points | None, PFLOPS] = path(PFLOPS, "Mean compute that has to be delivered")
    it_power_mw: Annotated[Points | None, MW] = path(MW, "IT power that has to be in service")
    most_it_power_mw: Annotated[Points | None, MW] = path(MW, "Most IT power in service")
    sales: tuple[SalePart, ...] = Field(default=(), description="Steps of a demand curve, for objective npv.")


class ProductionPart(Part):
    """How many satellites can be built, and what building them has taught."""

    satellites_per_year: Annotated[Points | None, PER_YEAR] = path(PER_YEAR, "Satellites that can be built")
    built_before: Annotated[float, COUNT] = Field(
        default=0.0, description="Reference satellites that each line has built before the plan [count]."
    )
    reference_usd: dict[RowName, Annotated[float, USD]] = Field(
        default={},
        description="Hardware of the reference satellite of a production line, by line; the mean over its designs by "
        "default [USD].",
    )
    design_nre_usd: Annotated[float, USD] = Field(
        default=0.0, description="Development of each design that is used, beside that of the programme [USD]."
    )


class RampPart(Part):
    """How fast the programme's own launches may grow."""

    NEEDED: ClassVar[tuple[str, ...]] = ("first_launches_per_year",)
    first_launches_per_year: Annotated[float | None, COUNT] = Field(
        default=None, description="Most launches in the first year [count]."
    )
    growth_per_year: Annotated[float, GROWTH] = Field(
        default=1.0, description="Most growth from one year to the next [fraction/year]; 1 is a doubling."
    )


class SitePart(Part):
    """A launch site and what it is licensed for."""

    NEEDED: ClassVar[tuple[str, ...]] = ("vehicles", "launches_per_year")
    vehicles: SomeNames = Field(default=(), description="Vehicles that fly from it.")
    launches_per_year: Annotated[Points, PER_YEAR] = Field(default=(), description="Licensed launches [1/year].")


class LicencePart(Part):
    """A licence for a number of satellites and its milestones."""

    NEEDED: ClassVar[tuple[str, ...]] = ("satellites",)
    satellites: Annotated[int | None, WHOLE_COUNT] = Field(default=None, description="Licensed satellites [count].")
    designs: Names = Field(default=(), description="Designs that fly under it; all by default.")
    granted_year: Annotated[float | None, CALENDAR] = Field(
        default=None, description="Year of the grant (FCC): half must be in orbit after six years, all after nine."
    )
    filed_year: Annotated[float | None, CALENDAR] = Field(
        default=None,
        description="Year of the ITU filing: 10, 50 and 100 % must be in orbit two, five and seven years after the "
        "seven years in which it has to be brought into use.",
    )
    milestones: dict[YearText, Annotated[float, FRACTION]] = Field(
        default={}, description="Further milestones: share in orbit by calendar time."
    )


class BudgetPart(Part):
    """Money that can be spent in each year of the horizon."""

    NEEDED: ClassVar[tuple[str, ...]] = ("usd_per_year",)
    usd_per_year: Annotated[Points | None, USD_YEAR] = path(USD_YEAR, "Most spending")
    carry_over: Annotated[bool, TRUTH] = Field(default=False, description="Whether what is left over is kept.")


class LimitsPart(Part):
    """Limits on what objectives are about, over the whole plan."""

    capital_usd: Annotated[float | None, SPENDING] = Field(
        default=None, description="Most capital, not discounted, that of ground capacity included [USD]."
    )
    discounted_cost_usd: Annotated[float | None, SPENDING] = Field(
        default=None, description="Most discounted cost of everything that is bought [USD]."
    )
    lcoc_usd_per_pflop_hour: Annotated[float | None, LEVELISED] = Field(
        default=None, description="Most levelised cost of the compute that is used [USD/PFLOP-hour]."
    )
    value_usd: Annotated[float | None, VALUE] = Field(
        default=None, description="Least net present value at the prices under demand.sales [USD]."
    )


class GroundPart(Part):
    """Ground capacity as a rival purchase."""

    NEEDED: ClassVar[tuple[str, ...]] = ("accelerators",)
    accelerators: Names = Field(default=(), description="Accelerators that it may have; no ground with an empty list.")
    mw_per_year: Annotated[Points | None, MW_YEAR] = path(
        MW_YEAR, "IT power that the grid connects each year; what is connected stays so"
    )


class PlanSection(Part):
    """A fleet plan: what flies when, on what, and what it costs."""

    first_year: Annotated[int, WHOLE_YEAR] = Field(default=2027, description="First year of the horizon [year].")
    last_year: Annotated[int, WHOLE_YEAR] = Field(default=2041, description="Last year of the horizon [year].")
    step: Annotated[Step, values.member(Step, "a length of the periods")] = Field(
        default=Step.YEAR, description="Length of the periods: year or quarter."
    )
    objective: Annotated[Objective, values.member(Objective, "an objective of a plan")] = Field(
        default=Objective.LCOC,
        description="lcoc: levelised cost of the compute used; cost: discounted cost of what is bought; npv: net "
        "present value at the prices under demand.sales; capital: undiscounted capital.",
    )
    catalogue: CataloguePart = Field(default=CataloguePart(), description="The designs that may be built.")
    vehicles: dict[RowName, VehiclePart] = Field(default={}, description="Vehicles that may be flown, by name.")
    accelerators: dict[RowName, AcceleratorPart] = Field(default={}, description="Prices of accelerators by name.")
    demand: PlanDemandPart = Field(
        default=PlanDemandPart(), description="What has to be delivered, and what can be sold."
    )
    production: ProductionPart = Field(default=ProductionPart(), description="Building satellites.")
    ramp: RampPart = Field(default=RampPart(), description="Growth of the programme's launches; free without.")
    sites: dict[RowName, SitePart] = Field(default={}, description="Launch sites by name.")
    licences: dict[RowName, LicencePart] = Field(default={}, description="Licences by name.")
    downlink_gbps: Annotated[Points | None, GBPS] = path(GBPS, "Traffic to the ground that spectrum and stations take")
    budget: BudgetPart = Field(default=BudgetPart(), description="Yearly budget; none where this is left out.")
    limits: LimitsPart = Field(
        default=LimitsPart(), description="Limits on capital, cost, levelised cost and value of the whole plan."
    )
    ground: GroundPart = Field(default=GroundPart(), description="Ground capacity; none where this is left out.")
    choices: dict[RowName, ChoicePart] = Field(default={}, description="Choices that the plan has to make, by name.")
    front: PlanFrontPart = Field(default=PlanFrontPart(), description="Plans between the objective and another one.")
    scenarios: ScenariosPart = Field(default=ScenariosPart(), description="What is uncertain.")
    columns: ColumnsPart = Field(
        default=ColumnsPart(), description="Search for designs that the plan would rather build."
    )
    break_even: BreakEvenPart = Field(
        default=BreakEvenPart(), description="Break-even launch prices by year and price of electricity."
    )
    gap: Annotated[float, GAP] = Field(
        default=5e-3,
        description="Relative distance between the exact objective and its bound that is asked for [fraction].",
    )
    time_limit_s: Annotated[float, TIME_LIMIT] = Field(default=120.0, description="Time after which solving ends [s].")
    seed: Annotated[int, SEED] = Field(default=1, description="Seed of the solver and of searches for designs.")
