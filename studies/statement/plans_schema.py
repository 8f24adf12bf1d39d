"""What the part ``plan:`` of a study file may hold.

A path is a quantity over the calendar years: one number, or a mapping from years to numbers, straight in between
(prices: of constant growth) and level outside of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from dawndusk.optimize.plan.problem import Objective
from dawndusk.studies.statement import values
from dawndusk.studies.statement.document import describe
from dawndusk.studies.statement.plans_kinds import Step
from dawndusk.studies.statement.values import Checked, Number, Value, misfit

FIRST_YEAR, LAST_YEAR = 2000, 2100
MOST_YEARS = 60
YEAR = re.compile(r"[0-9]{4}(\.[0-9]{1,3})?")

Points: TypeAlias = tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True)
class PathValue(Value):
    """The domain of a path: that of its numbers, and whether it grows at constant rates between its years."""

    units: str
    minimum: float
    maximum: float

    @property
    def number(self) -> Number:
        """Return the domain of one value."""
        return Number(units=self.units, minimum=self.minimum, maximum=self.maximum)

    def check(self, value: object) -> Points:
        """Return the points of a path in the order of their years."""
        if not isinstance(value, Mapping):
            return ((float(FIRST_YEAR), self.number.check(value)),)
        if not value:
            raise misfit(f"at least one year, each with {self.number}")
        points = [(_year(key), _value_at(self.number, key, value[key])) for key in value]
        if len({year for year, _ in points}) < len(points):
            raise misfit("each year once")
        return tuple(sorted(points))

    def schema(self) -> dict[str, Any]:
        """Return the domain as JSON Schema."""
        one = self.number.schema()
        years = {"type": "object", "patternProperties": {f"^{YEAR.pattern}$": one}, "additionalProperties": False}
        return {"anyOf": [one, {**years, "minProperties": 1}]}


def _year(key: object) -> float:
    if isinstance(key, str) and YEAR.fullmatch(key) and FIRST_YEAR <= float(key) <= LAST_YEAR:
        return float(key)
    raise misfit(f"years from {FIRST_YEAR} to {LAST_YEAR} as keys", found=f"the key {describe(key)}")


def _value_at(number: Number, key: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise misfit(str(number), values.number_hint(value), found=describe(value), key=key)
    if not (math.isfinite(value) and number.minimum <= value <= number.maximum):
        raise misfit(str(number), found=describe(value), key=key)
    return float(value)


MONEY = PathValue(units="USD", minimum=1.0, maximum=1e15)
USD_YEAR = PathValue(units="USD/year", minimum=0.0, maximum=1e15)
PRICE = PathValue(units="USD/PFLOP-hour", minimum=0.0, maximum=1e6)
SHARE = PathValue(units="fraction", minimum=1e-6, maximum=1e3)
PROBABILITY = PathValue(units="fraction", minimum=0.01, maximum=1.0)
PER_YEAR = PathValue(units="1/year", minimum=0.0, maximum=1e7)
PFLOPS = PathValue(units="PFLOP/s", minimum=0.0, maximum=1e12)
MW = PathValue(units="MW", minimum=0.0, maximum=1e7)
GBPS = PathValue(units="Gbit/s", minimum=0.0, maximum=1e12)
CALENDAR = Number(units="year", minimum=FIRST_YEAR, maximum=LAST_YEAR)
WHOLE_YEAR = Number(units="year", minimum=FIRST_YEAR, maximum=LAST_YEAR, whole=True)
LIFE = Number(units="years", minimum=0.25, maximum=15.0)
COUNT = Number(units="count", minimum=0.0, maximum=1e7)
WHOLE_COUNT = Number(units="count", minimum=1, maximum=1e7, whole=True)
GROWTH = Number(units="fraction/year", minimum=0.0, maximum=100.0)
USD = Number(units="USD", minimum=0.0, maximum=1e13)
FRACTION = Number(units="fraction", minimum=0.0, maximum=1.0)
GAP = Number(units="fraction", minimum=0, maximum=1, between=True)
TIME_LIMIT = Number(units="s", minimum=0.1, maximum=1e6)
SEED = Number(units="-", minimum=0, maximum=2**31 - 1, whole=True)
MOST_GRID = 400
"""Designs that one grid may have."""

DesignName: TypeAlias = Annotated[str, Checked(values.row_name, {"type": "string", "pattern": values.ROW_NAME})]
RowName: TypeAlias = DesignName
StudyText: TypeAlias = Annotated[str | None, Checked(values.text, {"type": "string"})]
Names: TypeAlias = Annotated[tuple[RowName, ...], AfterValidator(values.distinct)]
TRUTH = Checked(values.truth, {"type": "boolean"})


class Part(BaseModel):
    """A mapping that refuses unknown keys and converts nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _path(domain: PathValue, text: str) -> Any:
    return Field(default=None, description=f"{text} [{domain.units}].")


class DesignPart(Part):
    """A design of the catalogue: the nominal design of a study with some variables changed."""

    study: StudyText = Field(
        default=None, description="Study whose nominal design it is: a name in the library; this study by default."
    )
    changes: dict[str, Any] = Field(default={}, description="Design variables that differ from it, by name.")
    optimise: Annotated[bool, TRUTH] = Field(
        default=False,
        description="Whether the variables that are not stated are those of the cheapest design, found by search.",
    )
    from_year: Annotated[float | None, CALENDAR] = Field(default=None, description="First launch [year].")
    until_year: Annotated[float | None, CALENDAR] = Field(default=None, description="Last launch [year].")
    retire_after_years: Annotated[float | None, LIFE] = Field(
        default=None, description="Age at which it is retired, where that is before the end of its life [years]."
    )
    line: Annotated[str, Checked(values.row_name, {"type": "string"})] = Field(
        default="all", description="Production line: designs of a line share their learning."
    )


class GridPart(Part):
    """Designs generated on the fly: every combination of some values of design variables."""

    study: StudyText = Field(default=None, description="Study whose nominal design is varied; this study by default.")
    vary: dict[str, tuple[Any, ...]] = Field(description="Values of design variables, by name.")
    changes: dict[str, Any] = Field(default={}, description="Design variables that differ in all of them, by name.")
    optimise: Annotated[bool, TRUTH] = Field(
        default=False,
        description="Whether the variables that are not stated are those of the cheapest design, found by search.",
    )

    @model_validator(mode="after")
    def _some(self) -> Self:
        count = math.prod(len(names) for names in self.vary.values())
        if not self.vary or not 0 < count <= MOST_GRID:
            raise misfit(f"one to {MOST_GRID} designs", found=f"{count if self.vary else 0} designs", key="vary")
        return self


class CataloguePart(Part):
    """The designs that a plan may build."""

    designs: dict[DesignName, DesignPart] = Field(default={}, description="Designs by name.")
    grids: dict[DesignName, GridPart] = Field(default={}, description="Grids of designs by name.")
    runs: Annotated[tuple[str, ...], Field(description="Run folders whose best designs join the catalogue.")] = ()
    designs_of_a_run: Annotated[int, WHOLE_COUNT] = Field(
        default=10, description="Designs taken of each run folder, best first [count]."
    )


class VehiclePart(Part):
    """How a vehicle is offered, where that differs from the assumptions about it."""

    windows: tuple[tuple[Any, ...], ...] = Field(
        default=(),
        description="Spans of calendar time, [from, until] each, in which it flies.",
    )
    launches_per_year: Annotated[Points | None, PER_YEAR] = _path(PER_YEAR, "Launches that the programme can buy")
    price_usd: Annotated[Points | None, MONEY] = _path(MONEY, "Listed price of a launch")
    success: Annotated[Points | None, PROBABILITY] = _path(PROBABILITY, "Probability that a launch succeeds")

    @model_validator(mode="after")
    def _windows_in_order(self) -> Self:
        last = -math.inf
        for window in self.windows:
            if len(window) != 2 or not all(isinstance(v, int | float) for v in window):  # noqa: PLR2004
                raise misfit("spans of two years, [from, until]", found=describe(window), key="windows")
            begin, end = float(window[0]), float(window[1])
            if not FIRST_YEAR <= begin < end <= LAST_YEAR:
                raise misfit(f"years from {FIRST_YEAR} to {LAST_YEAR}, the first before the second", key="windows")
            if begin < last:
                raise misfit(
                    "spans in order that do not overlap", found=f"one from {begin:g}, before {last:g}", key="windows"
                )
            last = end
        return self


class AcceleratorPart(Part):
    """The price of an accelerator over the years."""

    price_share: Annotated[Points, SHARE] = Field(
        description="Price as a share of that in the catalogue [fraction]; of constant growth between its years."
    )


class SalePart(Part):
    """One step of a demand curve."""

    price_usd_per_pflop_hour: Annotated[Points, PRICE] = Field(
        description="Price in the year of delivery [USD/PFLOP-hour]."
    )
    most_pflops: Annotated[Points | None, PFLOPS] = _path(PFLOPS, "What is bought at that price; all there is without")


class DemandPart(Part):
    """What has to be delivered over the years, and what can be sold."""

    delivered_pflops: Annotated[Points | None, PFLOPS] = _path(PFLOPS, "Mean compute that has to be delivered")
    it_power_mw: Annotated[Points | None, MW] = _path(MW, "IT power that has to be in service")
    most_it_power_mw: Annotated[Points | None, MW] = _path(MW, "Most IT power in service")
    sales: tuple[SalePart, ...] = Field(default=(), description="Steps of a demand curve, for objective npv.")


class ProductionPart(Part):
    """How many satellites can be built, and what building them has taught."""

    satellites_per_year: Annotated[Points | None, PER_YEAR] = _path(PER_YEAR, "Satellites that can be built")
    built_before: Annotated[float, COUNT] = Field(
        default=0.0, description="Reference satellites that each line has built before the plan [count]."
    )
    design_nre_usd: Annotated[float, USD] = Field(
        default=0.0, description="Development of each design that is used, beside that of the programme [USD]."
    )


class RampPart(Part):
    """How fast the programme's own launches may grow."""

    first_launches_per_year: Annotated[float, COUNT] = Field(description="Most launches in the first year [count].")
    growth_per_year: Annotated[float, GROWTH] = Field(
        default=1.0, description="Most growth from one year to the next [fraction/year]; 1 is a doubling."
    )


class SitePart(Part):
    """A launch site and what it is licensed for."""

    vehicles: Names = Field(description="Vehicles that fly from it.")
    launches_per_year: Annotated[Points, PER_YEAR] = Field(description="Licensed launches [1/year].")


class LicencePart(Part):
    """A licence for a number of satellites and its milestones."""

    satellites: Annotated[int, WHOLE_COUNT] = Field(description="Licensed satellites [count].")
    designs: Names | None = Field(default=None, description="Designs that fly under it; all by default.")
    granted_year: Annotated[float | None, CALENDAR] = Field(
        default=None, description="Year of the grant (FCC): half must be in orbit after six years, all after nine."
    )
    filed_year: Annotated[float | None, CALENDAR] = Field(
        default=None,
        description="Year of the ITU filing: 10, 50 and 100 % must be in orbit two, five and seven years after the "
        "seven years in which it has to be brought into use.",
    )
    milestones: dict[str, Annotated[float, FRACTION]] = Field(
        default={}, description="Further milestones: share in orbit by calendar time."
    )

    @model_validator(mode="after")
    def _years(self) -> Self:
        for key in self.milestones:
            _year(key)
        return self


class BudgetPart(Part):
    """Money that can be spent in each year of the horizon."""

    usd_per_year: Annotated[Points, USD_YEAR] = Field(description="Most spending [USD/year].")
    carry_over: Annotated[bool, TRUTH] = Field(default=False, description="Whether what is left over is kept.")


class GroundPart(Part):
    """Ground capacity as a rival purchase."""

    accelerators: Names = Field(description="Accelerators that it may have.")
    mw_per_year: Annotated[Points | None, PER_YEAR] = _path(
        PathValue(units="MW/year", minimum=0.0, maximum=1e7), "IT power that the grid can connect"
    )


class PlanSection(Part):
    """A fleet plan: what flies when, on what, and what it costs."""

    first_year: Annotated[int, WHOLE_YEAR] = Field(default=2027, description="First year of the horizon.")
    last_year: Annotated[int, WHOLE_YEAR] = Field(default=2041, description="Last year of the horizon.")
    step: Annotated[Step, values.member(Step, "a length of the periods")] = Field(
        default=Step.YEAR, description="Length of the periods: year or quarter."
    )
    objective: Annotated[Objective, values.member(Objective, "an objective of a plan")] = Field(
        default=Objective.LCOC,
        description="lcoc: levelised cost of the compute used; cost: discounted cost of what is bought; npv: net "
        "present value at the prices under demand.sales; capital: undiscounted capital.",
    )
    catalogue: CataloguePart = Field(description="The designs that may be built.")
    vehicles: dict[RowName, VehiclePart] = Field(description="Vehicles that may be flown, by name.")
    accelerators: dict[RowName, AcceleratorPart] = Field(default={}, description="Prices of accelerators by name.")
    demand: DemandPart = Field(description="What has to be delivered, and what can be sold.")
    production: ProductionPart = Field(default=ProductionPart(), description="Building satellites.")
    ramp: RampPart | None = Field(default=None, description="Growth of the programme's launches.")
    sites: dict[RowName, SitePart] = Field(default={}, description="Launch sites by name.")
    licences: dict[RowName, LicencePart] = Field(default={}, description="Licences by name.")
    downlink_gbps: Annotated[Points | None, GBPS] = _path(GBPS, "Traffic to the ground that spectrum and stations take")
    budget: BudgetPart | None = Field(default=None, description="Yearly budget.")
    ground: GroundPart | None = Field(default=None, description="Ground capacity; none where this is left out.")
    gap: Annotated[float, GAP] = Field(
        default=5e-3,
        description="Relative distance between the exact objective and its bound that is asked for [fraction].",
    )
    time_limit_s: Annotated[float, TIME_LIMIT] = Field(default=120.0, description="Time after which solving ends [s].")
    seed: Annotated[int, SEED] = Field(default=1, description="Seed of the solver and of searches for designs.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        years = self.last_year - self.first_year + 1
        if not 1 <= years <= MOST_YEARS:
            found = f"first_year {self.first_year}, last_year {self.last_year}"
            raise misfit(f"1 to {MOST_YEARS} years, the first not after the last", found=found, key="last_year")
        if not self.vehicles:
            raise misfit("at least one vehicle", found="an empty mapping", key="vehicles")
        if self.objective is Objective.NPV and not self.demand.sales:
            raise misfit(
                "another objective, or demand.sales with the prices", found="'npv' without a price", key="objective"
            )
        asked = self.demand.delivered_pflops or self.demand.it_power_mw
        if self.objective is not Objective.NPV and (asked is None or not any(value > 0.0 for _, value in asked)):
            allowed = "demand.delivered_pflops or demand.it_power_mw above zero in some year, or objective npv"
            raise misfit(allowed, found=f"{self.objective.value!r} of nothing that has to be delivered", key="demand")
        return self
