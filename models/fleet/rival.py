"""Ground capacity over the years of a plan: bought by the year, financed at its own cost of money, paid as rent.

The rent of a PFLOP-hour falls as the technology ages, so that a buyer is as well off in every year; what it adds up to
at the cost of money on the ground is what the ground alternative costs (``ground.ground_costs``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.constants import TFLOPS_PER_PFLOPS, WATTS_PER_KW
from dawndusk.models.fleet.calendar import WHOLE, Calendar, YearPath
from dawndusk.models.fleet.service import present_years
from dawndusk.models.programme.cost import continuous
from dawndusk.models.programme.ground import GroundCosts, delay_years, ground_costs

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Rival:
    """Ground capacity with each of A accelerators, counted in thousands of accelerators.

    Attributes
    ----------
    pflops, it_power_kw : array
        Useful compute and nominal IT power of one unit, shape (A,).
    capital_usd : array
        Capital of one unit whose service begins in each period, shape (A, P).
    rent_usd_per_worth : array
        Rent of a PFLOP-hour in terms of the worth of one at the start of the plan, shape (A, P).
    opens : array
        Whether service can begin in a period, shape (A, P).
    serving_years, worth_years : array
        Per unit, j periods after that in which its service begins, as of a cohort, shape (J,).
    """

    accelerators: tuple[str, ...]
    pflops: Floats
    it_power_kw: Floats
    capital_usd: Floats
    rent_usd_per_worth: Floats
    opens: NDArray[np.bool_]
    serving_years: Floats
    worth_years: Floats


UNIT = 1000.0
"""Accelerators in one unit of ground capacity: a number of order one for a solver."""


def rival_of(
    accelerators: Sequence[str],
    assumptions: Assumptions,
    calendar: Calendar,
    chip_price: Mapping[str, YearPath],
    rate_per_year: float,
) -> Rival:
    """Return ground capacity over a plan.

    Parameters
    ----------
    chip_price : mapping of str to Path
        Price of an accelerator over the calendar years as a share of that in the catalogue; 1 where not stated.
    rate_per_year : float
        Discounts and ages what is delivered in the plan, continuously.
    """
    ground, scenario = assumptions.ground, assumptions.scenario
    periods = calendar.periods
    begins = calendar.begins_years[:periods]
    years = calendar.middles[:periods]
    workload = assumptions.workloads[assumptions.workload]
    ageing = continuous(scenario.technology_ageing_per_year)
    wait = first_service_years(assumptions)
    pflops, power, capital, rent, opens = [], [], [], [], []
    for name in accelerators:
        row = assumptions.accelerators[name]
        share = chip_price[name].at(years) if name in chip_price else np.ones(periods)
        costs = _costs_at(assumptions, name, share)
        useful = row.bf16_dense_tflops * workload.sustained_fraction / TFLOPS_PER_PFLOPS * costs.availability
        pflops.append(float(useful) * UNIT)
        power.append(row.it_power_w / WATTS_PER_KW * UNIT)
        capital.append(np.broadcast_to(costs.capex, (periods,)) * UNIT)
        middle_of_first = begins + calendar.length_years / 2
        since_wait = np.exp(ageing * (middle_of_first - wait))
        rent.append(np.broadcast_to(costs.lcoc_usd_per_pflop_hour, (periods,)) * since_wait)
        opens.append((begins >= wait - WHOLE) & (years >= row.available_year))
    life = np.array([ground.it_life_years])
    serving, worth = present_years(life, calendar, 0.0)[0], present_years(life, calendar, rate_per_year)[0]
    return Rival(
        tuple(accelerators),
        np.array(pflops),
        np.array(power),
        np.array(capital).reshape(len(pflops), periods),
        np.array(rent).reshape(len(pflops), periods),
        np.array(opens, dtype=bool).reshape(len(pflops), periods),
        serving,
        worth,
    )


def first_service_years(assumptions: Assumptions) -> float:
    """Return when ground capacity decided on together with the plan can serve, in years from its start.

    The decision is made ``scenario.lead_years`` before the start; building and the wait for the grid begin with it.
    """
    return float(delay_years(assumptions.ground)) - assumptions.scenario.lead_years


def _costs_at(assumptions: Assumptions, name: str, share: Floats) -> GroundCosts:
    """Return the costs of the ground alternative with an accelerator at shares of its price."""
    row = assumptions.accelerators[name]
    return ground_costs(
        ground=assumptions.ground,
        thermal=assumptions.thermal,
        scenario=assumptions.scenario,
        reliability=assumptions.reliability,
        workload=assumptions.workloads[assumptions.workload],
        accelerator=type(row)(**{**row.__dict__, "price_usd": row.price_usd * share}),
        fleet_accelerators=assumptions.workloads[assumptions.workload].job_accelerators,
    )
