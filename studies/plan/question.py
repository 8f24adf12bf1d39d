"""From the part ``plan:`` of a study to the problem that is solved."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dawndusk.models.design import Design
from dawndusk.models.errors import nearest, one_of
from dawndusk.models.fleet.calendar import Calendar, Path
from dawndusk.models.fleet.economy import Economy, Terms, economy_of
from dawndusk.models.fleet.launching import Offer
from dawndusk.optimize.plan.problem import Budget, Demand, Effort, Licence, Limits, PlanProblem, Sale, Site
from dawndusk.studies.plan.catalogue import catalogue_of
from dawndusk.studies.statement.errors import Place, Problem, StudyError
from dawndusk.studies.statement.plans_schema import LicencePart, PlanSection, Points
from dawndusk.studies.statement.study import Study

ITU_BRING_INTO_USE_YEARS = 7.0
ITU_MILESTONES = ((2.0, 0.1), (5.0, 0.5), (7.0, 1.0))
"""ITU-R Resolution 35 (WRC-19), in years after the seven in which a filing has to be brought into use."""


@dataclass(frozen=True, eq=False)
class PlanStudy:
    """A plan that can be solved.

    ``left_out`` has the designs of the catalogue that no plan can use, with the reason. ``hash`` tells plans apart.
    """

    study: Study
    section: PlanSection
    problem: PlanProblem
    effort: Effort
    left_out: Mapping[str, str]
    hash: str

    @property
    def name(self) -> str:
        """Return the name of the study."""
        return self.study.name


def plan_study(study: Study, section: PlanSection, designs: Mapping[str, Design] | None = None) -> PlanStudy:
    """Return the plan of a study.

    Parameters
    ----------
    designs : mapping of str to Design, optional
        Used in place of the catalogue of the study.

    Raises
    ------
    StudyError
        For a name that is in no catalogue, a catalogue with no design that any vehicle can lift, a demand before
        anything can be launched, and the like; with the key, what was found and what is allowed.
    """
    problems = list(_unknown_names(study, section))
    if problems:
        raise StudyError(*problems)
    entries = catalogue_of(study, section, designs)
    calendar = Calendar(section.first_year, section.last_year - section.first_year + 1, section.step.steps_per_year)
    terms = Terms(
        offers=_offers(section),
        chip_price={name: path(part.price_share, growing=True) for name, part in section.accelerators.items()},
        windows={name: entry.window for name, entry in entries.items()},
        service_years={n: e.service_years for n, e in entries.items() if e.service_years is not None},
        lines={name: entry.line for name, entry in entries.items()},
        built_before=section.production.built_before,
        design_nre_usd=section.production.design_nre_usd,
        ground=section.ground.accelerators if section.ground is not None else (),
    )
    every = {name: entry.design for name, entry in entries.items()}
    whole = economy_of(every, tuple(section.vehicles), study.assumptions, calendar, terms)
    left_out = dict(_useless(whole))
    kept = {name: design for name, design in every.items() if name not in left_out}
    if not kept:
        listed = "; ".join(f"{name}: {reason}" for name, reason in list(left_out.items())[:MOST_LISTED])
        raise StudyError(_problem(study, "plan.catalogue", f"no design that can be flown ({listed})", "at least one"))
    economy = (
        whole
        if len(kept) == len(every)
        else economy_of(kept, tuple(section.vehicles), study.assumptions, calendar, terms)
    )
    problem = PlanProblem(
        economy=economy,
        objective=section.objective,
        demand=_demand(section),
        limits=_limits(study, section, tuple(kept)),
    )
    _check_first_demand(study, section, economy)
    effort = Effort(gap=section.gap, time_limit_s=section.time_limit_s, seed=section.seed)
    return PlanStudy(study, section, problem, effort, left_out, _hash(study, section, kept))


MOST_LISTED = 4


def path(points: Points, *, growing: bool = False) -> Path:
    """Return the path through points; of constant growth where asked for and possible."""
    years, amounts = zip(*points, strict=True)
    return Path(years, amounts, growing and min(amounts) > 0.0)


def _optional(points: Points | None, *, growing: bool = False) -> Path | None:
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


def _demand(section: PlanSection) -> Demand:
    part = section.demand
    return Demand(
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


def _limits(study: Study, section: PlanSection, designs: tuple[str, ...]) -> Limits:
    ramp = section.ramp
    return Limits(
        satellites_per_year=_optional(section.production.satellites_per_year),
        first_launches_per_year=None if ramp is None else ramp.first_launches_per_year,
        launch_growth=1.0 if ramp is None else ramp.growth_per_year,
        sites={
            n: Site(vehicles=s.vehicles, launches_per_year=path(s.launches_per_year)) for n, s in section.sites.items()
        },
        licences={name: _licence(study, part, designs) for name, part in section.licences.items()},
        downlink_gbps=_optional(section.downlink_gbps),
        ground_mw_per_year=None if section.ground is None else _optional(section.ground.mw_per_year),
        budget=None
        if section.budget is None
        else Budget(usd_per_year=path(section.budget.usd_per_year), carry_over=section.budget.carry_over),
    )


def _licence(study: Study, part: LicencePart, designs: tuple[str, ...]) -> Licence:
    rules = study.assumptions.regulation
    milestones = [(float(year), share) for year, share in part.milestones.items()]
    if part.granted_year is not None:
        milestones.append((part.granted_year + rules.milestone_half_years, 1 / 2))
        milestones.append((part.granted_year + rules.milestone_full_years, 1.0))
    if part.filed_year is not None:
        begun = part.filed_year + ITU_BRING_INTO_USE_YEARS
        milestones += [(begun + years, share) for years, share in ITU_MILESTONES]
    return Licence(satellites=part.satellites, designs=part.designs or designs, milestones=tuple(sorted(milestones)))


def _unknown_names(study: Study, section: PlanSection) -> Iterator[Problem]:
    """Find names that are in no catalogue, and sites that name vehicles the plan does not fly."""
    a = study.assumptions
    used: list[tuple[str, str, Any]] = [(f"plan.vehicles.{name}", name, a.vehicles) for name in section.vehicles]
    used += [(f"plan.accelerators.{name}", name, a.accelerators) for name in section.accelerators]
    if section.ground is not None:
        used += [("plan.ground.accelerators", name, a.accelerators) for name in section.ground.accelerators]
    for site, part in section.sites.items():
        used += [(f"plan.sites.{site}.vehicles", name, section.vehicles) for name in part.vehicles]
    for key, name, known in used:
        if name not in known:
            yield _problem(study, key, repr(name), one_of(known), nearest(name, known))


def _useless(economy: Economy) -> Iterator[tuple[str, str]]:
    """Yield designs that no plan can use, with the reason."""
    figures = economy.figures
    for d, name in enumerate(figures.names):
        if figures.broken[d]:
            yield name, f"breaks {one_of(figures.broken[d])}"
        elif not figures.per_launch[d].any():
            heavy = f"{figures.wet_mass_kg[d]:,.0f} kg"
            yield name, f"fits no vehicle ({heavy})"
        elif not economy.opens[d].any():
            yield name, f"can not be had within the horizon (from {figures.available_year[d]:g})"


def _check_first_demand(study: Study, section: PlanSection, economy: Economy) -> None:
    """Refuse a demand before anything can serve."""
    launching, calendar = economy.launching, economy.calendar
    can_fly = (economy.figures.per_launch > 0)[:, :, None] & economy.opens[:, None, :]
    can_fly &= (launching.most_in_period > 0)[None, :, :]
    can_serve = can_fly.any(axis=(0, 1)) | economy.rival.opens.any(axis=0)
    served = can_serve.cumsum() > 0
    for key, points in (
        ("plan.demand.delivered_pflops", section.demand.delivered_pflops),
        ("plan.demand.it_power_mw", section.demand.it_power_mw),
    ):
        if points is None:
            continue
        asked = path(points).at(calendar.middles[: calendar.periods])
        for p in range(calendar.periods):
            if asked[p] > 0.0 and not served[p]:
                first = calendar.label(int(served.argmax())) if served.any() else "no period of the horizon"
                found = f"{asked[p]:g} in {calendar.label(p)}, before anything can be launched or bought"
                raise StudyError(_problem(study, key, found, f"zero until {first}"))


def _problem(study: Study, key: str, found: str, allowed: str, hint: str = "") -> Problem:
    return Problem(place=Place(study.source), key=key, found=found, allowed=allowed, hint=hint)


def _hash(study: Study, section: PlanSection, designs: Mapping[str, Design]) -> str:
    content = [
        study.hash,
        section.model_dump(mode="json"),
        {name: design.to_dict() for name, design in designs.items()},
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
