"""The report of a plan over years: what it costs, what is proved, launches, service, money, and what limits it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dawndusk
from dawndusk.models.constants import PRICE_YEAR
from dawndusk.models.units import pretty
from dawndusk.studies.lineage.plan_run import OBJECTIVES, PlanRun, plan_run, read_plan, rows_of
from dawndusk.studies.lineage.plan_trace import PlanLineage
from dawndusk.studies.output.figures import plan as figures
from dawndusk.studies.output.figures.picture import Picture
from dawndusk.studies.output.report.answer import STATES
from dawndusk.studies.output.report.evidence import belief_table
from dawndusk.studies.output.report.markup import Child, Html, details, table, tag
from dawndusk.studies.output.report.section import ReportSection, pictures_section
from dawndusk.studies.run.design.wording import percent
from dawndusk.studies.run.folder.writing import RunFolderError

VALUE = "value_usd"
MOST_PRICES = 8
"""Limits that are shown at once with what they are worth; the others open on demand."""


@dataclass(frozen=True)
class PlanSubject:
    """A plan over years with the term trees of its figures."""

    run: PlanRun

    @functools.cached_property
    def lineage(self) -> PlanLineage | None:
        """Return the term trees, None where there is no plan."""
        return PlanLineage(self.run) if self.run.has_plan else None

    @property
    def title(self) -> str:
        """Return the title of the study, its name where it has none."""
        study = self.run.question.study
        return study.title or study.name

    @property
    def sells(self) -> bool:
        """Return whether the plan sells what it delivers; without a price its value is its cost with a minus sign."""
        return self.run.has_plan and bool(self.run.scored.revenue_usd.any())

    def figure(self, name: str, words: str) -> Child:
        """Return a figure that opens its term tree, or its words where it has none."""
        if self.lineage is None or name not in self.lineage.names:
            return words
        return tag("button", words, type="button", class_="figure", data_figure=name, title=f"Where {name} comes from")


def plan_subject(folder: str | Path) -> PlanSubject:
    """Return the subject of a report on the folder of a plan."""
    return PlanSubject(plan_run(folder))


def plan_sections(subject: PlanSubject) -> list[ReportSection]:
    """Return the sections of a plan's report, those that it has something for."""
    content, folder = subject.run.content, subject.run.folder
    makers: tuple[Callable[[], ReportSection | None], ...] = (
        lambda: _answer(subject),
        lambda: _over_time(folder),
        lambda: _limits(content),
        lambda: _assumptions(subject),
        lambda: _run(content),
    )
    return [section for section in (make() for make in makers) if section is not None]


def plan_subtitle(content: Mapping[str, Any]) -> str:
    """Return where the report comes from, in one line."""
    return f"Plan of study {content['study']}, dawndusk {dawndusk.__version__}. Amounts in USD of {PRICE_YEAR}."


def _answer(subject: PlanSubject) -> ReportSection:
    content = subject.run.content
    status, objective = content["status"], content["objective"]
    tone = "good" if status == "optimal" else "bad" if status == "infeasible" else "fair"
    parts = [_drift(subject), tag("p", tag("span", STATES.get(status, status), class_=f"badge {tone}"))]
    if objective is None:
        parts.append(tag("p", "No plan was found that meets every rule.", class_="lead"))
    else:
        goal = OBJECTIVES.get(content["objective_name"], "")
        parts.append(tag("p", subject.figure(goal, pretty(objective, content["units"])), class_="big"))
        meaning = subject.lineage[goal].meaning if subject.lineage is not None and goal else ""
        parts.append(tag("p", f"{content['objective_name']}, costed exactly. {meaning}"))
    if content["bound"] is not None:
        within = "" if content["gap"] is None else f" The plan is within {percent(content['gap'])} of that bound."
        bound = pretty(content["bound"], content["units"])
        parts.append(tag("p", f"Proved: no plan is better than {bound}.{within}", class_="lead"))
    summary = content["summary"] or {}
    rows = [
        (name, subject.figure(name, _shown(name, value)))
        for name, value in summary.items()
        if isinstance(value, int | float) and not (name == VALUE and not subject.sells)
    ]
    if rows:
        parts.append(table(("figure", "value"), rows, caption="The plan in figures"))
    accounts = summary.get("discounted_cost_by_account_usd", {})
    if accounts:
        parts.append(_accounts(subject, accounts))
    return ReportSection("answer", "Answer", Html("".join(parts)))


def _drift(subject: PlanSubject) -> Html:
    """Return that the present model gives another objective than was recorded, where it does."""
    if not subject.run.has_plan or not subject.run.has_drifted:
        return Html("")
    now = pretty(subject.run.scored.objective, subject.run.content["units"])
    words = (
        f"This version of the model gives {now} for this plan. Figures are those recorded; what opens behind them is "
        "of this version."
    )
    return tag("p", words, class_="notice", role="note")


def _accounts(subject: PlanSubject, accounts: Mapping[str, float]) -> Html:
    total = sum(accounts.values()) or 1.0
    rows = [
        (name.replace("_", " "), subject.figure(f"account.{name}", pretty(value, "USD")), f"{value / total:.1%}")
        for name, value in sorted(accounts.items(), key=lambda pair: -pair[1])
        if value
    ]
    return table(("account", "discounted cost", "share"), rows, caption="Discounted cost by account")


def _assumptions(subject: PlanSubject) -> ReportSection | None:
    """Return every data row that the objective rests on."""
    goal = OBJECTIVES.get(subject.run.content["objective_name"])
    if subject.lineage is None or goal is None:
        return None
    believed = subject.run.question.study.assumptions
    keys = sorted(set(subject.lineage.rows_behind(goal)))
    words = tag("p", f"{goal} rests on {len(keys)} data rows. A figure opens to those behind it.")
    listed = details("The data rows", belief_table(believed, keys, "Data rows behind the objective"))
    return ReportSection("assumptions", "What is believed", Html(words + listed), menu="Beliefs")


def _shown(name: str, value: float) -> str:
    units = "USD/PFLOP-hour" if name.endswith("pflop_hour") else "USD" if name.endswith("_usd") else "-"
    return pretty(value, "MW" if name.endswith("_mw") else units)


def _over_time(folder: Path) -> ReportSection | None:
    return pictures_section("plan", "Over the years", "Years", plan_pictures(folder))


def plan_pictures(folder: Path) -> tuple[Picture, ...]:
    """Return the figures of a plan, those that it has something for.

    Raises
    ------
    RunFolderError
        Where its tables are damaged.
    """
    read_plan(folder)
    plan = rows_of(folder, "plan")
    try:
        found = (
            figures.launches(rows_of(folder, "manifest")),
            figures.serving(plan),
            figures.compute(plan),
            figures.cash(rows_of(folder, "cash_flow")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RunFolderError(f"{folder}: found tables that are not those of a plan ({error})") from None
    return tuple(one for one in found if one is not None)


def _limits(content: Mapping[str, Any]) -> ReportSection | None:
    """Return what the limits of the plan are worth, and what can not be met together."""
    found = [
        _prices(content),
        _listed(content.get("near_miss") or (), "What the nearest miss breaks"),
        _listed((content.get("conflict") or {}).get("members") or (), "What can not be met together"),
    ]
    body = Html("".join(one for one in found if one))
    return ReportSection("limits", "What limits it", body, menu="Limits") if body else None


def _prices(content: Mapping[str, Any]) -> Html:
    """Return what one percent more room on every limit that binds would save, the most first."""
    prices = content.get("shadow_prices") or ()
    if not prices:
        return Html("")
    rows = [
        (
            str(one["rule"]),
            str(one["label"]),
            pretty(one["saving"], content["units"]),
            f"{one['saving_share']:.2%}",
            str(one["sentence"]),
        )
        for one in prices
    ]
    columns, caption = ("rule", "where", "saves", "share", "what it says"), "What one percent more room would save"
    first = table(columns, rows[:MOST_PRICES], caption=caption)
    if len(rows) <= MOST_PRICES:
        return first
    rest = table(columns, rows[MOST_PRICES:], caption=f"{caption}, the others")
    return Html(first + details(f"{len(rows) - MOST_PRICES} more", rest))


def _listed(rows: Sequence[Mapping[str, Any]], caption: str) -> Html:
    if not rows:
        return Html("")
    columns = list(rows[0])
    return table(columns, [[_plain(row.get(name)) for name in columns] for row in rows], caption=caption)


def _run(content: Mapping[str, Any]) -> ReportSection:
    rows = [(key, _plain(value)) for key, value in content.items() if not isinstance(value, dict | list)]
    return ReportSection("run", "The run", table(("item", "value"), rows, caption="The run"))


def _plain(value: Any) -> str:
    return "none" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
