"""What a person sees of a plan in the terminal."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dawndusk.models.fleet.accounts import CAPITAL, RUNNING
from dawndusk.models.fleet.calendar import Calendar
from dawndusk.optimize.plan.problem.problem import Objective, PlanProblem
from dawndusk.optimize.plan.problem.score import ScoredPlan
from dawndusk.optimize.plan.solve.planned import GapParts
from dawndusk.studies.output.terminal.plan_asked import asked_parts
from dawndusk.studies.output.terminal.tables import names_table, table
from dawndusk.studies.run.plan.amounts import amount
from dawndusk.studies.run.plan.result import PlanResult

MILLION = 1e6
MOST_SHOWN = 8
MOST_DESIGNS = 6
"""Designs with a column of their own."""
LEAST_SHARE = 5e-4


def plan_report(result: PlanResult) -> RenderableType:
    """Return the report of a solved plan."""
    return Group(*_parts(result))


def _parts(result: PlanResult) -> Iterator[RenderableType]:
    yield Text(result.question.study.title or result.question.name, style="bold")
    yield Text(headline(result))
    yield Text("")
    if result.plan is not None:
        problem = result.planned.problem
        if result.plan.decisions.launches.any():
            yield launches_table(problem, result.plan)
            yield built_table(problem, result.plan)
        else:
            yield Text("No launches: the ground serves everything.\n")
        yield service_report(problem, result.plan)
        yield cost_table(result.plan)
        if result.prices:
            yield prices_table(result)
    yield from asked_parts(result)
    for name, reason in list(result.question.left_out.items())[:MOST_SHOWN]:
        yield Text(f"not in the catalogue: {name} {reason}")
    if result.planned.near_miss is not None:
        for held in result.planned.near_miss.broken[:MOST_SHOWN]:
            yield Text(f"nearest miss breaks {held.rule} ({held.label}): {held.value:,.6g} against {held.limit:,.6g}")
    if result.conflict is not None:
        yield conflict_report(result)


def headline(result: PlanResult) -> str:
    """Return the sentence that says what was found and what was proved."""
    planned = result.planned
    name = planned.problem.objective.value
    if planned.objective is None:
        words = {"infeasible": "no plan meets every rule; that is proved"}
        return words.get(planned.status, f"no plan was found before the solve was ended ({planned.stopped_by})")
    best = f"{name} = {amount(planned.objective, result.units)}"
    if planned.gap is None or planned.bound is None:
        return f"{planned.status}: {best}; nothing proved ({planned.stopped_by})"
    side = "above" if planned.problem.objective is Objective.NPV else "below"
    proof = f"no plan is {side} {amount(planned.bound, result.units)}: proved within {planned.gap:.2%}"
    end = (
        ""
        if planned.status == "optimal"
        else f"; ended by {planned.stopped_by} short of {result.question.effort.gap:.2%}"
    )
    return f"{planned.status}: {best}; {proof}{end}{_parts_of_gap(planned.made_of)}"


def _parts_of_gap(made: GapParts | None) -> str:
    if made is None:
        return ""
    return f"\nof the gap: search {made.search:.2%}, curves {made.curves:.2%}, rounding {made.rounding:.2%}"


def launches_table(problem: PlanProblem, plan: ScoredPlan) -> Table:
    """Return launches by year and vehicle, of the vehicles that fly."""
    calendar = problem.economy.calendar
    names = problem.economy.launching.vehicles
    flown = plan.decisions.launches.sum(axis=1).reshape(len(names), calendar.years, -1).sum(axis=2)
    return _by_year("Launches", calendar, dict(zip(names, flown, strict=True)))


def built_table(problem: PlanProblem, plan: ScoredPlan) -> Table:
    """Return satellites built by year and design, of the designs that are built most."""
    calendar, names = problem.economy.calendar, problem.economy.figures.names
    built = plan.decisions.built.sum(axis=1).reshape(len(names), calendar.years, -1).sum(axis=2)
    rows = dict(sorted(zip(names, built, strict=True), key=lambda row: -float(row[1].sum())))
    most = dict(itertools.islice(rows.items(), MOST_DESIGNS))
    others = [row for name, row in rows.items() if name not in most and row.any()]
    return _by_year("Built", calendar, most | ({"others": np.sum(others, axis=0)} if others else {}))


def _by_year(title: str, calendar: Calendar, amounts: Mapping[str, np.ndarray[Any, Any]]) -> Table:
    """Return whole numbers by year, a column for each name that has any."""
    shown = {name: row for name, row in amounts.items() if row.any()}
    made = table(title, "year", *shown)
    for y, year in enumerate(calendar.year_labels):
        made.add_row(year, *(f"{row[y]:,.0f}" if row[y] else "" for row in shown.values()))
    return made


def service_report(problem: PlanProblem, plan: ScoredPlan) -> Table:
    """Return what is delivered by year beside what is asked for."""
    calendar, fleet = problem.economy.calendar, plan.fleet
    made = table("Fleet", "year", "in orbit", "retired", "IT MW", "ground MW", "PFLOP/s", "asked")
    asked = problem.demand.least_pflops
    for y, year in enumerate(calendar.year_labels):
        span = slice(y * calendar.steps_per_year, (y + 1) * calendar.steps_per_year)
        wanted = "" if asked is None else f"{float(np.mean(asked.at(calendar.middles[span]))):,.0f}"
        made.add_row(
            year,
            f"{fleet.in_orbit[:, span].sum(axis=0)[-1]:,.0f}",
            f"{fleet.retired[:, span].sum():,.0f}",
            f"{fleet.power_mw[span].mean():,.1f}",
            f"{fleet.ground_power_mw[span].mean():,.1f}",
            f"{fleet.pflops[span].mean():,.0f}",
            wanted,
        )
    return made


def cost_table(plan: ScoredPlan) -> Table:
    """Return the discounted cost by account, and its share."""
    made = names_table("Cost", "account", "spent [M USD]", "discounted [M USD]", "share")
    total = plan.accounts.cost_usd or 1.0
    for name in (*CAPITAL, *RUNNING):
        plain, discounted = float(plan.accounts.plain[name].sum()), float(plan.accounts.discounted[name].sum())
        if abs(discounted) > LEAST_SHARE * total:
            made.add_row(
                name.replace("_", " "),
                f"{plain / MILLION:,.0f}",
                f"{discounted / MILLION:,.0f}",
                f"{discounted / total:.1%}",
            )
    spent = sum(float(row.sum()) for row in plan.accounts.plain.values())
    made.add_row("total", f"{spent / MILLION:,.0f}", f"{total / MILLION:,.0f}", "100.0%")
    return made


def prices_table(result: PlanResult) -> Table:
    """Return what the limits that bind are worth."""
    made = names_table("What one percent more room would save", "rule", "where", "saving", "share")
    for price in result.prices[:MOST_SHOWN]:
        made.add_row(price.rule, price.label, amount(price.saving, result.units), f"{price.saving_share:.3%}")
    return made


def conflict_report(result: PlanResult) -> RenderableType:
    """Return why there is no plan: what has to give at least, and which rules would be enough by themselves."""
    conflict = result.conflict
    assert conflict is not None
    made = names_table("Why there is no plan: the least that has to give", "rule", "where", "limit", "by", "units")
    for given in conflict.given[:MOST_SHOWN]:
        made.add_row(given.rule, given.label, f"{given.limit:,.4g}", f"{given.amount:,.4g}", given.units)
    parts: list[RenderableType] = [made]
    sentences = {given.rule: given.sentence for given in conflict.given}
    parts += [Text(f"{rule}: {sentence}") for rule, sentence in sentences.items()]
    if conflict.alone:
        enough = ", ".join(f"{name} ({shares:.3g} limits in all)" for name, shares in conflict.alone)
        parts.append(Text(f"enough by itself: {enough}"))
    if conflict.irreducible:
        parts.append(Text(f"can not be met together: {', '.join(conflict.irreducible[:MOST_SHOWN])}"))
    return Group(*parts)
