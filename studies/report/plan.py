"""The report of a plan over years: what it costs, what is proved, launches, service, money, and what limits it."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import dawndusk
from dawndusk.models.constants import PRICE_YEAR
from dawndusk.studies.figures import plan as figures
from dawndusk.studies.report.markup import Html, table, tag
from dawndusk.studies.report.section import Section, pictures_section
from dawndusk.studies.runs.proof import percent
from dawndusk.studies.runs.runfolder import RunFolderError
from dawndusk.studies.statement.units import pretty

PLAN = "plan.json"
NEEDED = ("study", "status", "objective_name", "units", "objective", "bound", "gap", "summary")


def is_plan_folder(folder: Path) -> bool:
    """Return whether a path is the folder of a plan."""
    try:
        return (folder / PLAN).is_file()
    except (OSError, ValueError):
        return False


def read_plan(folder: Path) -> dict[str, Any]:
    """Return what ``plan.json`` holds.

    Raises
    ------
    RunFolderError
        Where it is damaged or not what a plan writes.
    """
    path = folder / PLAN
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise RunFolderError(f"{path}: can not be read: {error}; allowed: the file as the plan wrote it") from None
    missing = [key for key in NEEDED if not isinstance(content, dict) or key not in content]
    if missing:
        raise RunFolderError(f"{path}: found no {missing[0]}; allowed: the file as the plan wrote it, with every key")
    found: dict[str, Any] = content
    return found


def plan_sections(folder: Path) -> list[Section]:
    """Return the sections of a plan's report, those that it has something for."""
    content = read_plan(folder)
    makers: tuple[Callable[[], Section | None], ...] = (
        lambda: _answer(content),
        lambda: _over_time(folder),
        lambda: _limits(content),
        lambda: _run(content),
    )
    return [section for section in (make() for make in makers) if section is not None]


def plan_subtitle(content: Mapping[str, Any]) -> str:
    """Return where the report comes from, in one line."""
    return f"Plan of study {content['study']}, dawndusk {dawndusk.__version__}. Amounts in USD of {PRICE_YEAR}."


def _rows(folder: Path, name: str) -> list[dict[str, str]]:
    path = folder / f"{name}.csv"
    if not path.is_file():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except (OSError, ValueError, csv.Error) as error:
        raise RunFolderError(f"{path}: can not be read: {error}; allowed: the file as the plan wrote it") from None


def _answer(content: Mapping[str, Any]) -> Section:
    status, objective = content["status"], content["objective"]
    tone = "good" if status == "optimal" else "bad" if status == "infeasible" else "fair"
    parts = [tag("p", tag("span", status, class_=f"badge {tone}"))]
    if objective is None:
        parts.append(tag("p", "No plan was found that meets every rule.", class_="lead"))
    else:
        parts.append(tag("p", pretty(objective, content["units"]), class_="big"))
        parts.append(tag("p", f"{content['objective_name']}, costed exactly"))
    if content["bound"] is not None:
        within = "" if content["gap"] is None else f" The plan is within {percent(content['gap'])} of that bound."
        parts.append(
            tag("p", f"Proved: no plan is better than {content['bound']!r} {content['units']}.{within}", class_="lead")
        )
    summary = content["summary"] or {}
    rows = [(name, _shown(name, value)) for name, value in summary.items() if isinstance(value, int | float)]
    if rows:
        parts.append(table(("figure", "value"), rows, caption="The plan in figures"))
    accounts = summary.get("discounted_cost_by_account_usd", {})
    if accounts:
        costs = [(name, pretty(value, "USD")) for name, value in sorted(accounts.items(), key=lambda pair: -pair[1])]
        parts.append(table(("account", "discounted cost"), costs, caption="Discounted cost by account"))
    return Section("answer", "Answer", Html("".join(parts)))


def _shown(name: str, value: float) -> str:
    units = "USD/PFLOP-hour" if name.endswith("pflop_hour") else "USD" if name.endswith("_usd") else "-"
    return pretty(value, units)


def _over_time(folder: Path) -> Section | None:
    plan = _rows(folder, "plan")
    try:
        pictures = (
            figures.launches(_rows(folder, "manifest")),
            figures.serving(plan),
            figures.compute(plan),
            figures.cash(_rows(folder, "cash_flow")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RunFolderError(f"{folder}: found tables that are not those of a plan ({error})") from None
    return pictures_section("plan", "Over the years", "Years", pictures)


def _limits(content: Mapping[str, Any]) -> Section | None:
    """Return what the limits of the plan are worth, and what can not be met together."""
    found = [
        _listed(content.get("shadow_prices") or (), "What more room on a limit is worth"),
        _listed(content.get("near_miss") or (), "What the nearest miss breaks"),
        _listed((content.get("conflict") or {}).get("members") or (), "What can not be met together"),
    ]
    body = Html("".join(one for one in found if one))
    return Section("limits", "What limits it", body, menu="Limits") if body else None


def _listed(rows: Sequence[Mapping[str, Any]], caption: str) -> Html:
    if not rows:
        return Html("")
    columns = list(rows[0])
    return table(columns, [[_plain(row.get(name)) for name in columns] for row in rows], caption=caption)


def _run(content: Mapping[str, Any]) -> Section:
    rows = [(key, _plain(value)) for key, value in content.items() if not isinstance(value, dict | list)]
    return Section("run", "The run", table(("item", "value"), rows, caption="The run"))


def _plain(value: Any) -> str:
    return "none" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
