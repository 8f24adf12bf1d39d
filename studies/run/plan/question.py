"""From the section ``plan`` of a study to the problem that is solved."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from dawndusk.models.design import Design
from dawndusk.models.errors import nearest, one_of
from dawndusk.models.fleet.calendar import Calendar, YearPath
from dawndusk.models.fleet.economy import Economy, Terms, economy_of
from dawndusk.models.fleet.launching import Offer
from dawndusk.optimize.plan.problem.problem import (
    Budget,
    ForcedChoice,
    Licence,
    Limits,
    PlanDemand,
    PlanEffort,
    PlanProblem,
    Sale,
    Site,
)
from dawndusk.studies.input.document import Loc
from dawndusk.studies.input.errors import StudyError
from dawndusk.studies.input.plan_checks import milestones_of
from dawndusk.studies.input.plans.asked import ChoicePart
from dawndusk.studies.input.plans.paths import Points
from dawndusk.studies.input.plans.schema import LicencePart, PlanSection
from dawndusk.studies.input.study import ResolvedStudy
from dawndusk.studies.input.studyfile import study_from_mapping
from dawndusk.studies.run.plan.catalogue import CatalogueEntry, catalogue_of
from dawndusk.studies.run.plan.places import misuse

ITU_BRING_INTO_USE_YEARS = 7.0
ITU_MILESTONES = ((2.0, 0.1), (5.0, 0.5), (7.0, 1.0))
"""ITU-R Resolution 35 (WRC-19), in years after the seven in which a filing has to be brought into use."""


@dataclass(frozen=True, eq=False)
class PlanStudy:
    """A plan that can be solved.

    ``left_out`` has the designs of the catalogue that no plan can use, with the reason.
    """

    study: ResolvedStudy
    problem: PlanProblem
    effort: PlanEffort
    entries: Mapping[str, CatalogueEntry]
    left_out: Mapping[str, str]

    @property
    def name(self) -> str:
        """Return the name of the study."""
        return self.study.name

    @property
    def section(self) -> PlanSection:
        """Return the section ``plan`` of the study."""
        assert self.study.plan is not None
        return self.study.plan

    @functools.cached_property
    def spelt_out(self) -> ResolvedStudy:
        """Return the study with every design of the catalogue written down, wherever it came from."""
        plan = {**self.study.resolved["plan"]}
        plan["catalogue"] = {"designs": {name: entry.to_dict() for name, entry in self.entries.items()}}
        return study_from_mapping({**self.study.resolved, "plan": plan}, source=self.study.source)

    @property
    def hash(self) -> str:
        """Return what tells plans apart: the hash of the study with its catalogue spelt out."""
        return self.spelt_out.hash

    def economy_with(self, designs: Mapping[str, Design]) -> Economy:
        """Return what the plan would count with, had it other designs; its lines keep their reference satellite."""
        economy = self.problem.economy
        reference = dict(zip(economy.lines, map(float, economy.line_usd), strict=True))
        terms = dataclasses.replace(economy.terms, reference_usd=reference)
        calendar = dataclasses.replace(economy.calendar, tail_periods=0)
        return economy_of(designs, economy.launching.vehicles, economy.assumptions, calendar, terms)


def plan_study(study: ResolvedStudy, *, optimise: bool = True) -> PlanStudy:
    """Return the plan of a study.

    Parameters
    ----------
    optimise : bool
        Whether designs that are to be optimised are; a check of the study can do without.

    Raises
    ------
    StudyError
        For a catalogue with no design that any vehicle can lift, a demand before anything can be launched, and the
        like; with its place, the key, what was found and what is allowed.
    """
    section = study.plan
    assert section is not None
    entries = catalogue_of(study, optimise=optimise)
    calendar = Calendar(section.first_year, section.last_year - section.first_year + 1, section.step.steps_per_year)
    terms = _terms(section, entries)
    every = {name: entry.design for name, entry in entries.items()}
    vehicles = tuple(section.vehicles)
    whole = economy_of(every, vehicles, study.assumptions, calendar, terms)
    left_out = dict(_useless(whole))
    kept = {name: design for name, design in every.items() if name not in left_out}
    if not kept:
        listed = "; ".join(f"{name}: {reason}" for name, reason in list(left_out.items())[:MOST_LISTED])
        found = f"no design that can be flown ({listed})"
        raise StudyError(misuse(study, ("plan", "catalogue"), found, "at least one"))
    _check_design_names(study, section, kept, left_out)
    economy = whole if len(kept) == len(every) else economy_of(kept, vehicles, study.assumptions, calendar, terms)
    problem = PlanProblem(
        economy=economy,
        objective=section.objective,
        demand=_demand(section),
        limits=limits_of(study, section, tuple(kept)),
        choices={name: choice_of(part, calendar) for name, part in section.choices.items()},
    )
    _check_first_demand(study, section, economy)
    effort = PlanEffort(gap=section.gap, time_limit_s=section.time_limit_s, seed=section.seed)
    return PlanStudy(study, problem, effort, entries, left_out)


def _terms(section: PlanSection, entries: Mapping[str, CatalogueEntry]) -> Terms:
    return Terms(
        offers=_offers(section),
        chip_price={name: path(part.price_share, growing=True) for name, part in section.accelerators.items()},
        windows={name: entry.window for name, entry in entries.items()},
        service_years={n: e.service_years for n, e in entries.items() if e.service_years is not None},
        lines={name: entry.line for name, entry in entries.items()},
        built_before=section.production.built_before,
        reference_usd=section.production.reference_usd,
        design_nre_usd=section.production.design_nre_usd,
        ground=section.ground.accelerators,
    )


MOST_LISTED = 4


def path(points: Points, *, growing: bool = False) -> YearPath:
    """Return the path through points; of constant growth where asked for and possible."""
    years, amounts = zip(*points, strict=True)
    return YearPath(years, amounts, growing and min(amounts) > 0.0)


def _optional(points: Points | None, *, growing: bool = False) -> YearPath | None:
    return None if points is None else path(points, growing=growing)


def _offers(section: PlanSection) -> dict[str, Offer]:
    return {
        name: Offer(
            windows=tuple((float(window[0]), float(window[1])) for window in part.windows),
            cap_per_year=_optional(part.launches_per_year),
            price_usd=_optional(part.price_usd, growing=True),
            success=_optional(part.success),
        )
        for name, part in section.vehicles.items()
    }


def _demand(section: PlanSection) -> PlanDemand:
    part = section.demand
    return PlanDemand(
        least_pflops=_optional(part.delivered_pflops),
        least_power_mw=_optional(part.it_power_mw),
        most_power_mw=_optional(part.most_it_power_mw),
        sales=tuple(
            Sale(
                price_usd_per_pflop_hour=path(sale.price_usd_per_pflop_hour, growing=True),
                most_pflops=_optional(sale.most_pflops),
            )
            for sale in part.sales
        ),
    )


def limits_of(study: ResolvedStudy, section: PlanSection, designs: tuple[str, ...]) -> Limits:
    """Return what limits a plan of some designs."""
    ramp, spending = section.ramp, section.budget.usd_per_year
    return Limits(
        satellites_per_year=_optional(section.production.satellites_per_year),
        first_launches_per_year=ramp.first_launches_per_year,
        launch_growth=ramp.growth_per_year,
        sites={
            n: Site(vehicles=s.vehicles, launches_per_year=path(s.launches_per_year)) for n, s in section.sites.items()
        },
        licences={name: _licence(study, part, designs) for name, part in section.licences.items()},
        downlink_gbps=_optional(section.downlink_gbps),
        ground_mw_per_year=_optional(section.ground.mw_per_year),
        **section.limits.model_dump(),
        budget=None if spending is None else Budget(usd_per_year=path(spending), carry_over=section.budget.carry_over),
    )


def _licence(study: ResolvedStudy, part: LicencePart, designs: tuple[str, ...]) -> Licence:
    rules = study.assumptions.regulation
    assert part.satellites is not None
    milestones = milestones_of(part.milestones)
    if part.granted_year is not None:
        milestones.append((part.granted_year + rules.milestone_half_years, 1 / 2))
        milestones.append((part.granted_year + rules.milestone_full_years, 1.0))
    if part.filed_year is not None:
        begun = part.filed_year + ITU_BRING_INTO_USE_YEARS
        milestones += [(begun + years, share) for years, share in ITU_MILESTONES]
    return Licence(satellites=part.satellites, designs=part.designs or designs, milestones=tuple(sorted(milestones)))


def choice_of(part: ChoicePart, calendar: Calendar) -> ForcedChoice:
    """Return a choice that a plan has to make; its years count from the first to the end of the last."""
    first = 0 if part.from_year is None else int((part.from_year - calendar.first_year) * calendar.steps_per_year)
    end = calendar.periods
    if part.until_year is not None:
        whole = float(np.floor(part.until_year)) == part.until_year
        ends = part.until_year + 1.0 if whole else part.until_year
        end = int(np.ceil((ends - calendar.first_year) * calendar.steps_per_year))
    return ForcedChoice(
        vehicle=part.vehicle or "",
        design=part.design or "",
        ground=part.ground or "",
        least=part.least,
        most=part.most,
        first=max(first, 0),
        last=min(max(end, 1), calendar.periods) - 1,
    )


def _check_design_names(
    study: ResolvedStudy, section: PlanSection, kept: Collection[str], left_out: Mapping[str, str]
) -> None:
    """Refuse designs that licences and choices name and no plan can build."""
    used: list[tuple[Loc, str]] = []
    for name, licence in section.licences.items():
        used += [(("licences", name, "designs", k), design) for k, design in enumerate(licence.designs)]
    used += [(("choices", name, "design"), c.design) for name, c in section.choices.items() if c.design is not None]
    problems = [
        misuse(study, ("plan", *loc), _no_design(name, left_out), one_of(kept), nearest(name, kept))
        for loc, name in used
        if name not in kept
    ]
    if problems:
        raise StudyError(*problems)


def _no_design(name: str, left_out: Mapping[str, str]) -> str:
    return f"{name!r}, which {left_out[name]}" if name in left_out else repr(name)


def _useless(economy: Economy) -> Iterator[tuple[str, str]]:
    """Yield designs that no plan can use, with the reason."""
    figures = economy.figures
    for d, name in enumerate(figures.names):
        if figures.broken[d]:
            yield name, f"breaks {one_of(figures.broken[d])}"
        elif not figures.per_launch[d].any():
            heavy = f"{figures.wet_mass_kg[d]:,.0f} kg"
            refused = "; ".join(f"{one_of(rules)} on {v}" for v, rules in figures.refused(d).items())
            yield name, f"fits no vehicle ({heavy}): breaks {refused}"
        elif not economy.opens[d].any():
            yield name, f"can not be had within the horizon (from {figures.available_year[d]:g})"


def _check_first_demand(study: ResolvedStudy, section: PlanSection, economy: Economy) -> None:
    """Refuse a demand before anything can serve."""
    launching, calendar = economy.launching, economy.calendar
    can_fly = (economy.figures.per_launch > 0)[:, :, None] & economy.opens[:, None, :]
    can_fly &= (launching.most_in_period > 0)[None, :, :]
    can_serve = can_fly.any(axis=(0, 1)) | economy.rival.opens.any(axis=0)
    served = can_serve.cumsum() > 0
    for key in ("delivered_pflops", "it_power_mw"):
        points = getattr(section.demand, key)
        if points is None:
            continue
        asked = path(points).at(calendar.middles[: calendar.periods])
        for p in range(calendar.periods):
            if asked[p] > 0.0 and not served[p]:
                first = calendar.label(int(served.argmax())) if served.any() else "no period of the horizon"
                found = f"{asked[p]:g} in {calendar.label(p)}, before anything can be launched or bought"
                raise StudyError(misuse(study, ("plan", "demand", key), found, f"zero until {first}"))
