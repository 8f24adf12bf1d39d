"""Everything that a plan counts with, worked out once: satellites, vehicles, ground capacity, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.design import Design
from dawndusk.models.fleet.calendar import Calendar, YearPath
from dawndusk.models.fleet.launching import Launching, Offer, launching_of
from dawndusk.models.fleet.rival import Rival, rival_of
from dawndusk.models.fleet.satellites import SatelliteFigures, figures_of
from dawndusk.models.fleet.service import Kernels, kernels_of, present_years
from dawndusk.models.programme.cost import carry_factor, continuous
from dawndusk.models.programme.launch import insured_share

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a plan states about money and technology beyond the assumptions.

    Attributes
    ----------
    offers : mapping of str to Offer
        By vehicle.
    chip_price : mapping of str to Path
        Price of an accelerator over the years as a share of that in the catalogue.
    windows : mapping of str to tuple
        First and last calendar time at which a design may be launched, by design.
    service_years : mapping of str to float
        Age at which satellites of a design are retired, where that is before the end of their design life.
    lines : mapping of str to str
        Line of production that shares its learning, by design; one line for all that are not named.
    built_before : float
        Reference satellites that each line has built before the plan.
    design_nre_usd : float
        Development of each design that is used, in addition to that of the programme.
    reference_usd : mapping of str to float
        Hardware of the reference satellite of each line; the mean of that of its designs where it is not stated.
    ground : sequence of str
        Accelerators that ground capacity may have; none where the ground is no rival.
    """

    offers: Mapping[str, Offer] = field(default_factory=dict)
    chip_price: Mapping[str, YearPath] = field(default_factory=dict)
    windows: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    service_years: Mapping[str, float] = field(default_factory=dict)
    lines: Mapping[str, str] = field(default_factory=dict)
    built_before: float = 0.0
    design_nre_usd: float = 0.0
    reference_usd: Mapping[str, float] = field(default_factory=dict)
    ground: Sequence[str] = ()


@dataclass(frozen=True, eq=False)
class Economy:
    """What a plan counts with. D designs, V vehicles, O orbits, A accelerators on the ground, P periods, L lines.

    Attributes
    ----------
    chips_usd : array
        Accelerators of one satellite of each design built in each period, shape (D, P).
    opens : array
        Whether a design may be launched in a period, shape (D, P): never where it breaks a rule of the satellite.
    orbit_of, line_of : array
        Number of the orbit and of the line of each design, shape (D,).
    line_usd, line_years, line_operations_share : array
        Hardware of the reference satellite of each line, the years that its satellites serve, and what their operations
        cost in a year over their hardware, shape (L,).
    staying_years, staying_worth_years : array
        Years in orbit of a satellite that is not lost, plain and discounted, by periods since its launch, shape (D, J).
    """

    assumptions: Assumptions
    calendar: Calendar
    terms: Terms
    figures: SatelliteFigures
    service_years: Floats
    kernels: Kernels
    launching: Launching
    rival: Rival
    chips_usd: Floats
    opens: NDArray[np.bool_]
    orbits: tuple[str, ...]
    orbit_of: NDArray[np.intp]
    lines: tuple[str, ...]
    line_of: NDArray[np.intp]
    line_usd: Floats
    line_years: Floats
    line_operations_share: Floats
    staying_years: Floats
    staying_worth_years: Floats

    @property
    def rate(self) -> float:
        """Return the continuous cost of money."""
        return float(continuous(self.assumptions.scenario.discount_rate))

    @property
    def worth_rate(self) -> float:
        """Return the continuous rate at which compute that comes later is worth less: money and technology."""
        return self.rate + float(continuous(self.assumptions.scenario.technology_ageing_per_year))

    @property
    def carry(self) -> float:
        """Return the growth of money that is spent evenly over the lead time."""
        return float(carry_factor(self.rate * self.assumptions.scenario.lead_years))

    @property
    def insured(self) -> Floats:
        """Return insurance over the value that flies on each vehicle in each period, shape (V, P)."""
        return np.asarray(insured_share(self.assumptions.launch, self.launching.success))


def economy_of(
    designs: Mapping[str, Design],
    vehicles: Sequence[str],
    assumptions: Assumptions,
    calendar: Calendar,
    terms: Terms,
) -> Economy:
    """Work out what a plan counts with; the calendar is given a tail as long as what is bought can serve."""
    figures = figures_of(designs, assumptions, vehicles)
    life = figures.life_years
    service = np.array([min(terms.service_years.get(n, t), t) for n, t in zip(figures.names, life, strict=True)])
    longest = max(float(np.max(service)), assumptions.ground.it_life_years if terms.ground else 0.0)
    calendar = replace(calendar, tail_periods=int(np.ceil(longest * calendar.steps_per_year)) + 1)
    rate = continuous(assumptions.scenario.discount_rate)
    worth_rate = rate + continuous(assumptions.scenario.technology_ageing_per_year)
    lines, line_of = _numbered([terms.lines.get(name, "all") for name in figures.names])
    orbits, orbit_of = _numbered([design.orbit for design in figures.designs])
    return Economy(
        assumptions=assumptions,
        calendar=calendar,
        terms=terms,
        figures=figures,
        service_years=service,
        kernels=kernels_of(figures, calendar, service, worth_rate),
        launching=launching_of(vehicles, assumptions, calendar, terms.offers),
        rival=rival_of(terms.ground, assumptions, calendar, terms.chip_price, worth_rate),
        chips_usd=_chips_usd(figures, calendar, terms),
        opens=_opens(figures, calendar, terms),
        orbits=orbits,
        orbit_of=orbit_of,
        lines=lines,
        line_of=line_of,
        line_usd=_references(lines, _means(figures.hardware_usd, line_of), terms),
        line_years=_means(service, line_of),
        line_operations_share=_means(figures.operations_share_per_year, line_of),
        staying_years=present_years(service, calendar, 0.0),
        staying_worth_years=present_years(service, calendar, rate),
    )


def _numbered(names: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    known = tuple(dict.fromkeys(names))
    return known, np.array([known.index(name) for name in names], dtype=np.intp)


def _means(values: Floats, group: NDArray[np.intp]) -> Floats:
    return np.bincount(group, values) / np.bincount(group)


def _references(lines: Sequence[str], means: Floats, terms: Terms) -> Floats:
    return np.array([terms.reference_usd.get(line, float(mean)) for line, mean in zip(lines, means, strict=True)])


def _chips_usd(figures: SatelliteFigures, calendar: Calendar, terms: Terms) -> Floats:
    middles = calendar.middles[: calendar.periods]
    share = [
        terms.chip_price[design.accelerator].at(middles)
        if design.accelerator in terms.chip_price
        else np.ones(len(middles))
        for design in figures.designs
    ]
    return figures.chips_usd[:, None] * np.array(share)


def _opens(figures: SatelliteFigures, calendar: Calendar, terms: Terms) -> NDArray[np.bool_]:
    """Return in which periods each design may be launched: it can be had, its window is open, and it breaks no rule."""
    middles = calendar.middles[: calendar.periods]
    windows = [terms.windows.get(name, (-np.inf, np.inf)) for name in figures.names]
    first = np.maximum([window[0] for window in windows], figures.available_year)
    last = np.array([window[1] for window in windows])
    return (middles >= first[:, None]) & (middles <= last[:, None]) & figures.is_sound[:, None]
