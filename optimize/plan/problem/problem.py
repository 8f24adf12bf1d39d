"""A plan as a question: what may be bought, what has to be met, what limits it, and what is to be made small."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from dawndusk.models.fleet.calendar import YearPath
from dawndusk.models.fleet.economy import Economy
from dawndusk.optimize.plan.problem.counterparts import check_counterparts


class Objective(StrEnum):
    """What a plan makes small or large."""

    LCOC = "lcoc"
    COST = "cost"
    NPV = "npv"
    CAPITAL = "capital"

    @property
    def outcome(self) -> str:
        """Return the name of the figure of a plan that it is about, which is that of its limit as well."""
        return OUTCOMES[self]

    @property
    def sign(self) -> float:
        """Return -1 where it is made large."""
        return -1.0 if self is Objective.NPV else 1.0


OUTCOMES = {
    Objective.LCOC: "lcoc_usd_per_pflop_hour",
    Objective.COST: "discounted_cost_usd",
    Objective.NPV: "value_usd",
    Objective.CAPITAL: "capital_usd",
}


@dataclass(frozen=True, kw_only=True)
class Sale:
    """Compute that can be sold at a price: up to an amount, or all there is where that is None.

    ``price_usd_per_pflop_hour`` is that of the year in which it is delivered.
    """

    price_usd_per_pflop_hour: YearPath
    most_pflops: YearPath | None = None


@dataclass(frozen=True, kw_only=True)
class PlanDemand:
    """What has to be delivered and what can be sold; the tail of the horizon is held at the last value of each path.

    Attributes
    ----------
    least_pflops : Path, optional
        Mean compute that has to be delivered in every period; what is delivered beyond it earns nothing.
    least_power_mw, most_power_mw : Path, optional
        Least and most IT power in service, orbit and ground together.
    sales : tuple of Sale
        A demand curve, step by step.
    """

    least_pflops: YearPath | None = None
    least_power_mw: YearPath | None = None
    most_power_mw: YearPath | None = None
    sales: tuple[Sale, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Site:
    """A launch site: the vehicles that fly from it, and the launches per year that it is licensed for."""

    vehicles: tuple[str, ...]
    launches_per_year: YearPath


ROUNDED = 0.5
"""Satellites by which the number in orbit, an expected one after launch failures, counts as the next whole number."""


@dataclass(frozen=True, kw_only=True)
class Licence:
    """A licence for a number of satellites, with the dates by which a share of them has to be in orbit.

    ``designs`` are those that fly under it; ``milestones`` maps a calendar time to a share of ``satellites``.
    """

    satellites: int
    designs: tuple[str, ...]
    milestones: tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Money that can be spent in each year; what is left over is kept for later years where it may be."""

    usd_per_year: YearPath
    carry_over: bool = False


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What limits a plan beside what vehicles offer.

    Attributes
    ----------
    satellites_per_year : Path, optional
        Most satellites built in a year, of all designs together.
    first_launches_per_year, launch_growth : float
        Most launches of the programme in its first year, and most growth from one year to the next (0.5: by half).
    downlink_gbps : Path, optional
        Most traffic to the ground: spectrum, or optical ground stations.
    ground_mw_per_year : Path, optional
        IT power on the ground that the grid connects in each year; what is connected stays so.
    capital_usd, discounted_cost_usd, lcoc_usd_per_pflop_hour : float, optional
        Most capital of the whole plan, that of ground capacity included, most discounted cost and most levelised cost.
    value_usd : float, optional
        Least net present value at the prices of the demand's sales.
    """

    satellites_per_year: YearPath | None = None
    first_launches_per_year: float | None = None
    launch_growth: float = 1.0
    sites: Mapping[str, Site] = field(default_factory=dict)
    licences: Mapping[str, Licence] = field(default_factory=dict)
    downlink_gbps: YearPath | None = None
    ground_mw_per_year: YearPath | None = None
    budget: Budget | None = None
    capital_usd: float | None = None
    discounted_cost_usd: float | None = None
    lcoc_usd_per_pflop_hour: float | None = None
    value_usd: float | None = None

    def of(self, objective: Objective) -> float | None:
        """Return the limit on what an objective is about."""
        limit: float | None = getattr(self, objective.outcome)
        return limit

    def but(self, objective: Objective, limit: float | None) -> Limits:
        """Return the same with another limit on what an objective is about."""
        changed: dict[str, Any] = {objective.outcome: limit}
        return dataclasses.replace(self, **changed)


@dataclass(frozen=True, kw_only=True)
class ForcedChoice:
    """A choice that is forced or forbidden, to see what it costs.

    Exactly one of the names is given: launches of a vehicle, satellites of a design, or ground capacity (by
    accelerator). ``least`` and ``most`` are sums over the periods from ``first`` to ``last``, both included.
    """

    vehicle: str = ""
    design: str = ""
    ground: str = ""
    least: float = 0.0
    most: float | None = None
    first: int = 0
    last: int | None = None


@dataclass(frozen=True, kw_only=True)
class PlanEffort:
    """How closely and how long a plan is solved. ``gap`` is that between its exact objective and its bound."""

    gap: float = 5e-3
    time_limit_s: float = 120.0
    seed: int = 1
    threads: int = 2


@dataclass(frozen=True, kw_only=True)
class PlanProblem:
    """A plan as a question.

    Raises
    ------
    UnenforcedRuleError
        Where there is a rule that no part of a plan enforces.
    """

    economy: Economy
    objective: Objective
    demand: PlanDemand
    limits: Limits = field(default_factory=Limits)
    choices: Mapping[str, ForcedChoice] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_counterparts()

    def limited(self, objective: Objective, limit: float | None) -> PlanProblem:
        """Return the same with another limit on what an objective is about."""
        return dataclasses.replace(self, limits=self.limits.but(objective, limit))
