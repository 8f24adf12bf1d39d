"""What a plan may be asked beyond what is best: choices, a front, uncertainty, new designs, break-even."""

from __future__ import annotations

from typing import Annotated, ClassVar, TypeAlias

from pydantic import AfterValidator, Field

from dawndusk.optimize.plan.problem.problem import Objective
from dawndusk.studies.input import values
from dawndusk.studies.input.plans.domains import (
    CALENDAR,
    CANDIDATES,
    COUNT,
    DELAY,
    DRAWN,
    ELECTRICITY,
    FACTOR,
    FRACTION,
    LATE,
    LEVEL,
    MISSED,
    POINTS,
    PROOF_TIME,
    ROUNDS,
    ROW,
    USD,
    WHOLE_COUNT,
    Part,
    RowName,
)

Electricities: TypeAlias = Annotated[tuple[Annotated[float, ELECTRICITY], ...], AfterValidator(values.distinct_or_none)]
LaunchPrices: TypeAlias = Annotated[tuple[Annotated[float, USD], ...], AfterValidator(values.distinct_or_none)]


MOST_TOGETHER = 50
"""Scenarios that go into one linear programme; more are drawn to one first stage one by one, for their mean alone."""


class ChoicePart(Part):
    """A choice that the plan has to make: launches of a vehicle, satellites of a design, or ground capacity."""

    vehicle: Annotated[str | None, ROW] = Field(default=None, description="Vehicle whose launches are counted.")
    design: Annotated[str | None, ROW] = Field(default=None, description="Design whose satellites are counted.")
    ground: Annotated[str | None, ROW] = Field(
        default=None, description="Accelerator whose capacity on the ground is counted, in thousands of accelerators."
    )
    least: Annotated[float, COUNT] = Field(default=0.0, description="Least in all of its years [count].")
    most: Annotated[float | None, COUNT] = Field(default=None, description="Most in all of its years [count].")
    from_year: Annotated[float | None, CALENDAR] = Field(default=None, description="First year counted [year].")
    until_year: Annotated[float | None, CALENDAR] = Field(default=None, description="Last year counted [year].")


class PlanFrontPart(Part):
    """Plans between the objective and another one, each with a bound."""

    against: Annotated[Objective | None, values.member(Objective, "a rival of the objective")] = Field(
        default=None,
        description="Objective that the one of the plan is held against: another one of lcoc, cost, npv and capital.",
    )
    points: Annotated[int, POINTS] = Field(default=5, description="Plans between the two ends [count].")


class ScenarioPart(Part):
    """One way in which things may turn out, against what the plan believes."""

    NEEDED: ClassVar[tuple[str, ...]] = ("probability",)
    probability: Annotated[float | None, FRACTION] = Field(
        default=None, description="Probability; those of all scenarios add up to 1 [fraction]."
    )
    price_factors: dict[RowName, Annotated[float, FACTOR]] = Field(
        default={}, description="Listed price over that believed, by vehicle [fraction]."
    )
    late_years: dict[RowName, Annotated[float, LATE]] = Field(
        default={}, description="Years by which a vehicle comes later [years]."
    )
    failure_factors: dict[RowName, Annotated[float, FACTOR]] = Field(
        default={}, description="Probability that a launch fails over that believed, by vehicle [fraction]."
    )


class ScenariosPart(Part):
    """What to commit to now when launch price, availability and failures are uncertain."""

    count: Annotated[int, DRAWN] = Field(
        default=0, description="Equally likely scenarios drawn from the seed of the plan; 0: those stated [count]."
    )
    stated: dict[RowName, ScenarioPart] = Field(default={}, description="Scenarios by name, in place of drawn ones.")
    price_spread: Annotated[float, FRACTION] = Field(
        default=0.4, description="Standard deviation of the logarithm of drawn launch prices [fraction]."
    )
    most_late_years: Annotated[int, DELAY] = Field(
        default=3, description="Longest delay of a vehicle that is drawn [years]."
    )
    first_years: Annotated[int, WHOLE_COUNT] = Field(
        default=2,
        description="Years at the start of the horizon that are decided before the scenario is known [count].",
    )
    missed_usd_per_pflop_hour: Annotated[float | None, MISSED] = Field(
        default=None,
        description="What demand that is missed costs [USD/PFLOP-hour]; five times the levelised cost of the plan by "
        "default.",
    )
    cvar_weight: Annotated[float, FRACTION] = Field(
        default=0.0, description="Weight of the conditional value at risk against the mean [fraction]."
    )
    cvar_level: Annotated[float, LEVEL] = Field(
        default=0.9, description="Share of the probability beyond which the value at risk is taken [fraction]."
    )


class ColumnsPart(Part):
    """Design and plan together: designs for the catalogue at the prices of the plan."""

    rounds: Annotated[int, ROUNDS] = Field(default=0, description="Rounds of pricing at most; 0: none [count].")
    candidates: Annotated[int, CANDIDATES] = Field(default=240, description="Designs priced in a round [count].")
    proof_time_limit_s: Annotated[float, PROOF_TIME] = Field(
        default=60.0,
        description="How long a bound on the plans of all designs of the space may take; 0: none is looked for [s].",
    )


class BreakEvenPart(Part):
    """At which launch price orbit costs what the ground costs."""

    electricity_usd_per_mwh: Electricities = Field(
        default=(), description="Prices of electricity on the ground to look at; none where empty [USD/MWh]."
    )
    launch_usd_per_kg: LaunchPrices = Field(
        default=(), description="Launch prices of the map; from free to today's by default [USD/kg]."
    )
