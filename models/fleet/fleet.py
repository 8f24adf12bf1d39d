"""What a plan decides, and what follows for the fleet: satellites in orbit, compute and power delivered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.constants import HOURS_PER_YEAR, WATTS_PER_KW, WATTS_PER_MW
from dawndusk.models.fleet.economy import Economy

Floats = NDArray[np.float64]

KW_PER_MW = WATTS_PER_MW / WATTS_PER_KW


@dataclass(frozen=True, eq=False)
class Decisions:
    """What is bought in each period of the horizon.

    Attributes
    ----------
    built : array
        Satellites of each design built for and launched on each vehicle, shape (D, V, P).
    launches : array
        Launches of each vehicle to each orbit, shape (V, O, P).
    ground : array
        Units of ground capacity whose service begins, shape (A, P).
    """

    built: Floats
    launches: Floats
    ground: Floats


@dataclass(frozen=True, eq=False)
class Fleet:
    """What follows from decisions, by period of the horizon and its tail, shape (Q,) or (D, Q).

    Attributes
    ----------
    arrived : array
        Satellites that reach orbit in each period of the horizon, launch failures expected, shape (D, P).
    in_orbit : array
        Satellites in orbit at the end of each period, neither retired nor counting losses, shape (D, Q).
    retired : array
        Satellites retired in each period, shape (D, Q).
    pflops, power_mw : array
        Mean compute delivered, and mean IT power in service, orbit and ground together.
    worth_pflop_hours : array
        What is delivered in a period, discounted and aged to the start of the plan.
    ground_pflops, ground_power_mw, ground_worth_pflop_hours : array
        The part of the ground.
    downlink_gbps : array
        Traffic that the satellites in orbit send down at the end of each period.
    """

    arrived: Floats
    in_orbit: Floats
    retired: Floats
    pflops: Floats
    power_mw: Floats
    worth_pflop_hours: Floats
    ground_pflops: Floats
    ground_power_mw: Floats
    ground_worth_pflop_hours: Floats
    downlink_gbps: Floats


def over_time(bought: Floats, kernel: Floats, periods: int) -> Floats:
    """Return what cohorts add up to: sum over p of ``bought[p] kernel[q - p]``, last axis of length ``periods``.

    ``bought`` and ``kernel`` have the same leading axes.
    """
    total = np.zeros((*bought.shape[:-1], periods))
    for late in range(kernel.shape[-1]):
        last = max(min(bought.shape[-1], periods - late), 0)
        total[..., late : late + last] += bought[..., :last] * kernel[..., late : late + 1]
    return total


def fleet_of(economy: Economy, decisions: Decisions) -> Fleet:
    """Return what decisions add up to."""
    calendar, figures, rival = economy.calendar, economy.figures, economy.rival
    count, length = calendar.all_periods, calendar.length_years
    arrived = np.einsum("dvp,vp->dp", decisions.built, economy.launching.success)
    serving = over_time(arrived, economy.kernels.serving_years, count) / length
    in_orbit = over_time(arrived, economy.kernels.in_orbit, count)
    launched = np.pad(arrived, ((0, 0), (0, count - arrived.shape[1])))
    retired = launched - np.diff(in_orbit, axis=1, prepend=0.0)
    began = -economy.worth_rate * calendar.begins_years[: calendar.periods]
    late = arrived * np.exp(began)
    worth = over_time(late, economy.kernels.worth_years, count) * HOURS_PER_YEAR
    units = np.broadcast_to(rival.serving_years, (len(rival.pflops), len(rival.serving_years)))
    on_ground = over_time(decisions.ground, units, count) / length
    ground_worth = over_time(decisions.ground * np.exp(began), np.broadcast_to(rival.worth_years, units.shape), count)
    ground_worth = np.einsum("a,aq->q", rival.pflops, ground_worth) * HOURS_PER_YEAR
    ground_pflops = np.einsum("a,aq->q", rival.pflops, on_ground)
    ground_power = np.einsum("a,aq->q", rival.it_power_kw, on_ground) / KW_PER_MW
    return Fleet(
        arrived=arrived,
        in_orbit=in_orbit,
        retired=np.where(retired > ROUNDING, retired, 0.0),
        pflops=figures.pflops @ serving + ground_pflops,
        power_mw=figures.it_power_kw @ serving / KW_PER_MW + ground_power,
        worth_pflop_hours=figures.pflops @ worth + ground_worth,
        ground_pflops=ground_pflops,
        ground_power_mw=ground_power,
        ground_worth_pflop_hours=ground_worth,
        downlink_gbps=figures.traffic_gbps @ in_orbit,
    )


ROUNDING = 1e-9
