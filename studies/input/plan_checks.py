"""Checks of a plan that only the whole study can answer, and the section ``plan`` as plain values."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.design import CATEGORIES, VARIABLES
from dawndusk.models.errors import nearest, one_of
from dawndusk.optimize.plan.problem.problem import Objective
from dawndusk.studies.input import schema
from dawndusk.studies.input.checks import names_in, problem_at
from dawndusk.studies.input.document import DocumentNode, Loc, describe
from dawndusk.studies.input.errors import StudyProblem
from dawndusk.studies.input.plans.asked import MOST_TOGETHER, ChoicePart
from dawndusk.studies.input.plans.domains import Part
from dawndusk.studies.input.plans.paths import Points, calendar_year
from dawndusk.studies.input.plans.schema import PlanSection
from dawndusk.studies.input.schema import StudyFile
from dawndusk.studies.input.study import Kind

PLAN = "plan"
MOST_YEARS = 60
OF_DESIGNS = ("demand", "minimise", "maximise", "subject_to", "search", "front")
"""Sections that ask for one design and say nothing about a plan."""
INSTEAD = {
    "demand": "plan.demand",
    "minimise": "plan.objective",
    "maximise": "plan.objective",
    "subject_to": "the limits of the plan, for example plan.budget",
    "search": "plan.gap, plan.time_limit_s and plan.seed",
    "front": "plan.front",
}
SPELT_OUT = ("first_year", "last_year", "step", "objective", "gap", "time_limit_s", "seed")
COUNTED = ("vehicle", "design", "ground")
PROBABILITY_ROUNDING = 1e-6


def plan_problems(own: DocumentNode, tree: DocumentNode, file: StudyFile, shipped: Assumptions) -> list[StudyProblem]:
    """Return everything that is missing, unknown or contradictory in the plan of a study.

    Parameters
    ----------
    own : Node
        The document of the study without what it extends.
    tree : Node
        The whole of it, with ``--set`` items.
    """
    if file.kind is not Kind.PLAN:
        return list(_plan_of_no_plan(tree, file))
    if PLAN not in tree.entries:
        return [problem_at(tree, (PLAN,), "nothing", schema.help_text((PLAN,)).rstrip("."))]
    return [
        *_sections_of_designs(own, tree),
        *_needed(tree, file.plan, (PLAN,)),
        *_years(tree, file.plan),
        *_what_is_asked(tree, file.plan),
        *_unknown_names(tree, file, shipped),
        *_catalogue(tree, file, shipped),
        *_choices(tree, file.plan),
        *_scenarios(tree, file.plan),
        *_break_even(tree, file.plan),
    ]


def _plan_of_no_plan(tree: DocumentNode, file: StudyFile) -> Iterator[StudyProblem]:
    """Find a section ``plan`` in a study of another kind."""
    if PLAN in tree.entries:
        yield problem_at(tree, (PLAN,), f"a plan in a study of kind {file.kind}", "it in a study of kind plan")


def _sections_of_designs(own: DocumentNode, tree: DocumentNode) -> Iterator[StudyProblem]:
    """Find sections that the plan itself or a ``--set`` item states, and that have no say in it."""
    for key in OF_DESIGNS:
        node = tree.entries.get(key)
        changed = node is not None and next(_from_the_command_line(node), None)
        if key in own.entries or changed:
            place = changed or own.entries[key].place
            found = "a section about one design in a study of kind plan"
            yield StudyProblem(place=place, key=key, found=found, allowed=INSTEAD[key])


def _from_the_command_line(node: DocumentNode) -> Iterator[Any]:
    """Yield the places of ``--set`` items in a document."""
    if node.place.file.startswith("--set"):
        yield node.place
    items = node.value if isinstance(node.value, tuple) else ()
    for child in (*node.entries.values(), *items):
        yield from _from_the_command_line(child)


def _needed(tree: DocumentNode, part: Part, loc: Loc) -> Iterator[StudyProblem]:
    """Find keys that a part needs and nobody states."""
    if part.model_fields_set or len(loc) > 2:  # noqa: PLR2004 (a part of the plan may be left out, a row may not be empty)
        for key in part.NEEDED:
            if key not in part.model_fields_set:
                yield problem_at(tree, (*loc, key), "nothing", schema.help_text((*loc, key)).rstrip("."))
    for name in type(part).model_fields:
        value = getattr(part, name)
        if isinstance(value, Part):
            yield from _needed(tree, value, (*loc, name))
        elif isinstance(value, Mapping):
            for row, inner in value.items():
                if isinstance(inner, Part):
                    yield from _needed(tree, inner, (*loc, name, row))


def _years(tree: DocumentNode, plan: PlanSection) -> Iterator[StudyProblem]:
    years = plan.last_year - plan.first_year + 1
    if not 1 <= years <= MOST_YEARS:
        found = f"first_year {plan.first_year}, last_year {plan.last_year}"
        allowed = f"1 to {MOST_YEARS} years, the first not after the last"
        yield problem_at(tree, (PLAN, "last_year"), found, allowed)
    for name, part in plan.catalogue.designs.items():
        first, last = part.from_year, part.until_year
        if first is not None and last is not None and first > last:
            loc = (PLAN, "catalogue", "designs", name, "until_year")
            yield problem_at(tree, loc, f"{last:g} before from_year, {first:g}", "the first not after the last")
    if plan.scenarios.first_years > max(years, 1) and (plan.scenarios.count or plan.scenarios.stated):
        found, allowed = f"{plan.scenarios.first_years} of {years} years", f"1 to {years}"
        yield problem_at(tree, (PLAN, "scenarios", "first_years"), found, allowed)


def _what_is_asked(tree: DocumentNode, plan: PlanSection) -> Iterator[StudyProblem]:
    """Find a plan without vehicles, without anything to deliver, or without the price that its objective needs."""
    if not plan.vehicles:
        yield problem_at(tree, (PLAN, "vehicles"), _found(tree, "vehicles"), "at least one vehicle")
    catalogue = plan.catalogue
    if not (catalogue.designs or catalogue.grids or catalogue.runs or catalogue.front):
        allowed = "designs, grids, runs or a front with at least one design"
        yield problem_at(tree, (PLAN, "catalogue"), "no design", allowed)
    yield from _objectives(tree, plan)


def _objectives(tree: DocumentNode, plan: PlanSection) -> Iterator[StudyProblem]:
    """Find objectives and limits that speak of prices or of a demand which the plan does not state."""
    asked: Points = (*(plan.demand.delivered_pflops or ()), *(plan.demand.it_power_mw or ()))
    is_asked, against = any(value > 0.0 for _, value in asked), plan.front.against
    if plan.objective is Objective.NPV:
        if not plan.demand.sales:
            allowed = "another objective, or demand.sales with the prices"
            yield problem_at(tree, (PLAN, "objective"), "'npv' without a price", allowed)
    elif not is_asked and (plan.objective is Objective.LCOC or plan.limits.value_usd is None):
        found = f"{plan.objective.value!r} of nothing that has to be delivered"
        yield problem_at(tree, (PLAN, "demand"), found, f"{SOME_DEMAND}, or objective npv")
    if plan.limits.value_usd is not None and not plan.demand.sales:
        found = f"{plan.limits.value_usd:g} without a price"
        yield problem_at(tree, (PLAN, "limits", "value_usd"), found, "demand.sales with the prices beside it")
    where = (PLAN, "front", "against")
    if against is plan.objective:
        others = one_of([one.value for one in Objective if one is not against])
        yield problem_at(
            tree, where, f"{against.value!r} against the objective {against.value}", f"{others}, or no front"
        )
    elif against is Objective.NPV and not plan.demand.sales:
        yield problem_at(tree, where, "'npv' without a price", "demand.sales with the prices beside it")
    elif against is Objective.LCOC and not is_asked:
        yield problem_at(tree, where, "'lcoc' of nothing that has to be delivered", SOME_DEMAND)


SOME_DEMAND = "demand.delivered_pflops or demand.it_power_mw above zero in some year"


def _found(tree: DocumentNode, key: str) -> str:
    plan = tree.entries[PLAN]
    return describe(plan.entries[key].plain()) if key in plan.entries else "nothing"


def _unknown_names(tree: DocumentNode, file: StudyFile, shipped: Assumptions) -> Iterator[StudyProblem]:
    """Find names that are in no catalogue, and vehicles that the plan does not fly."""
    plan = file.plan
    vehicles, accelerators = (names_in(name, file, shipped) for name in ("vehicles", "accelerators"))
    used: list[tuple[Loc, str, Collection[str]]] = [(("vehicles", name), name, vehicles) for name in plan.vehicles]
    used += [(("accelerators", name), name, accelerators) for name in plan.accelerators]
    used += [(("ground", "accelerators", k), name, accelerators) for k, name in enumerate(plan.ground.accelerators)]
    for site, row in plan.sites.items():
        used += [(("sites", site, "vehicles", k), name, plan.vehicles) for k, name in enumerate(row.vehicles)]
    for name, scenario in plan.scenarios.stated.items():
        for key in ("price_factors", "late_years", "failure_factors"):
            loc = ("scenarios", "stated", name, key)
            used += [((*loc, vehicle), vehicle, plan.vehicles) for vehicle in getattr(scenario, key)]
    for name, choice in plan.choices.items():
        if choice.vehicle is not None:
            used.append((("choices", name, "vehicle"), choice.vehicle, plan.vehicles))
        if choice.ground is not None:
            used.append((("choices", name, "ground"), choice.ground, plan.ground.accelerators))
    for inner, name, known in used:
        if name not in known:
            yield problem_at(tree, (PLAN, *inner), describe(name), one_of(known) or "none", nearest(name, known))


def _catalogue(tree: DocumentNode, file: StudyFile, shipped: Assumptions) -> Iterator[StudyProblem]:
    """Find values of categories that are in no catalogue, and designs that are defined twice."""
    catalogue = file.plan.catalogue
    stated: list[tuple[Loc, Any]] = [
        (("designs", name, "changes"), part.changes) for name, part in catalogue.designs.items()
    ]
    for name, grid in catalogue.grids.items():
        stated += [(("grids", name, "changes"), grid.changes), (("grids", name, "vary"), grid.vary)]
        if not grid.vary.model_fields_set and "vary" in grid.model_fields_set:
            yield problem_at(tree, (PLAN, "catalogue", "grids", name, "vary"), "no variable", "values by variable")
        for variable in sorted(grid.vary.model_fields_set & grid.changes.model_fields_set):
            where: Loc = (PLAN, "catalogue", "grids", name, "changes", variable)
            yield problem_at(tree, where, "a variable that is varied as well", "it under vary or under changes")
    for loc, part in stated:
        for variable in CATEGORIES:
            value = getattr(part, variable)
            names = names_in(VARIABLES[variable].catalogue, file, shipped)
            several = value if isinstance(value, tuple) else () if value is None else (value,)
            for unknown in (name for name in several if name not in names):
                where = (PLAN, "catalogue", *loc, variable)
                yield problem_at(tree, where, describe(unknown), one_of(names), nearest(unknown, names))


def _choices(tree: DocumentNode, plan: PlanSection) -> Iterator[StudyProblem]:
    for name, choice in plan.choices.items():
        loc = (PLAN, "choices", name)
        counted = [key for key in COUNTED if getattr(choice, key) is not None]
        if len(counted) != 1:
            found = f"{' and '.join(counted)} together" if counted else f"none of {one_of(COUNTED)}"
            yield problem_at(tree, loc, found, f"one of {one_of(COUNTED)}")
        if not choice.least and choice.most is None:
            yield problem_at(tree, loc, "neither least nor most", "at least one of the two")
        if choice.most is not None and choice.most < choice.least:
            yield problem_at(tree, (*loc, "most"), f"{choice.most:g} below least, {choice.least:g}", "least up to most")
        yield from _choice_years(tree, plan, choice, loc)


def _choice_years(tree: DocumentNode, plan: PlanSection, choice: ChoicePart, loc: Loc) -> Iterator[StudyProblem]:
    first = plan.first_year if choice.from_year is None else choice.from_year
    last = plan.last_year if choice.until_year is None else choice.until_year
    if first > last or first >= plan.last_year + 1 or last < plan.first_year:
        found, allowed = f"{first:g} to {last:g}", f"years from {plan.first_year} to {plan.last_year}"
        yield problem_at(tree, loc, found, allowed)


def _scenarios(tree: DocumentNode, plan: PlanSection) -> Iterator[StudyProblem]:
    stated, loc = plan.scenarios.stated, (PLAN, "scenarios")
    if stated and plan.scenarios.count:
        found = f"{plan.scenarios.count} drawn ones beside {len(stated)} stated"
        yield problem_at(tree, (*loc, "count"), found, "count or stated")
    many = max(plan.scenarios.count, len(stated))
    if plan.scenarios.cvar_weight and many > MOST_TOGETHER:
        found = f"{plan.scenarios.cvar_weight:g} with {many} scenarios"
        yield problem_at(tree, (*loc, "cvar_weight"), found, f"0, or up to {MOST_TOGETHER} scenarios")
    total = sum(one.probability or 0.0 for one in stated.values())
    if stated and abs(total - 1.0) > PROBABILITY_ROUNDING:
        yield problem_at(tree, (*loc, "stated"), f"probabilities of {total:g} in all", "1 in all")
    if (stated or plan.scenarios.count) and plan.demand.delivered_pflops is None and plan.demand.it_power_mw is None:
        allowed = "demand.delivered_pflops or demand.it_power_mw, which first stages are compared by"
        yield problem_at(tree, loc, "scenarios of a plan that has to deliver nothing", allowed)


def _break_even(tree: DocumentNode, plan: PlanSection) -> Iterator[StudyProblem]:
    if plan.break_even.electricity_usd_per_mwh and not plan.ground.accelerators:
        loc, allowed = (PLAN, "break_even"), "plan.ground.accelerators beside it: ground to compare with"
        yield problem_at(tree, loc, "a break-even with nothing on the ground", allowed)


def plain_plan(plan: PlanSection) -> dict[str, Any]:
    """Return the section as plain values: what decides spelt out, defaults left out elsewhere."""
    spelt = plan.model_dump(mode="json", include=set(SPELT_OUT))
    rest: dict[str, Any] = plan.model_dump(mode="json", exclude_defaults=True)
    if not plan.ground.accelerators:  # no ground, whatever else is said about it
        rest.pop("ground", None)
    merged = {**spelt, **rest}
    return {key: merged[key] for key in PlanSection.model_fields if key in merged}


def milestones_of(part: Mapping[str, float]) -> list[tuple[float, float]]:
    """Return milestones as pairs of calendar time and share."""
    return [(calendar_year(year), share) for year, share in part.items()]
