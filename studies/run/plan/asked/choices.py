"""Choices that a plan might have made: how they are written, and what each of them would cost."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from dawndusk.models.errors import DawnduskError, nearest, one_of
from dawndusk.optimize.plan.explain import PlanAlternative
from dawndusk.optimize.plan.problem.problem import ForcedChoice
from dawndusk.studies.input.document import MAX_PLACE, shorten
from dawndusk.studies.input.plans.asked import ChoicePart
from dawndusk.studies.run.plan.question import PlanStudy, choice_of

COUNTED = ("vehicle", "design", "ground")
FORM = re.compile(
    r"\s*(?P<kind>\w+)\s*=\s*(?P<name>[\w-]+)\s*(?:(?P<sign><=|>=)\s*(?P<count>\d+(?:\.\d+)?))?"
    r"\s*(?:@\s*(?P<first>\d{4})(?:\s*-\s*(?P<last>\d{4}))?)?\s*"
)
WRITTEN = "KIND=NAME, >= or <= and a count, @ and years, for example 'vehicle=falcon_9>=10@2030-2032'"


def read_choice(text: str) -> ChoicePart:
    """Return a choice as it is written on the command line; at least one where no count is given.

    Raises
    ------
    DawnduskError
        For a text of another form.
    """
    match = FORM.fullmatch(text)
    if match is None:
        raise DawnduskError(f"choice: found {shorten(repr(text), MAX_PLACE)}; allowed: {WRITTEN}")
    kind = match["kind"]
    if kind not in COUNTED:
        raise DawnduskError(f"choice: found {kind!r}; allowed: {one_of(COUNTED)}{nearest(kind, COUNTED)}")
    count = 1.0 if match["count"] is None else float(match["count"])
    most = {"most": count} if match["sign"] == "<=" else {"least": count}
    first, last = match["first"], match["last"] or match["first"]
    years = {} if first is None else {"from_year": float(first), "until_year": float(last)}
    stated: dict[str, Any] = {kind: match["name"], **most, **years}
    return ChoicePart.model_construct(_fields_set=set(stated), **stated)


def choice_named(question: PlanStudy, text: str) -> ForcedChoice:
    """Return a choice that is written on the command line, with names and years that the plan has."""
    part, economy = read_choice(text), question.problem.economy
    known: dict[str, Sequence[str]] = {
        "vehicle": economy.launching.vehicles,
        "design": economy.figures.names,
        "ground": economy.rival.accelerators,
    }
    for kind, names in known.items():
        name = getattr(part, kind)
        if name is not None and name not in names:
            raise DawnduskError(f"{kind}: found {name!r}; allowed: {one_of(names) or 'none'}{nearest(name, names)}")
    calendar = economy.calendar
    first, last = calendar.first_year, calendar.first_year + calendar.years - 1
    if (
        part.from_year is not None
        and part.until_year is not None
        and not first <= part.from_year <= part.until_year <= last
    ):
        found = f"{part.from_year:g} to {part.until_year:g}"
        raise DawnduskError(f"choice: found the years {found}; allowed: years from {first} to {last}, in their order")
    return choice_of(part, calendar)


def choice_item(text: str, number: int) -> str:
    """Return the ``--set`` item that makes a choice one of the plan."""
    part = read_choice(text)
    stated = {key: value for key, value in part.model_dump().items() if key in part.model_fields_set}
    inner = ", ".join(f"{key}: {value}" for key, value in stated.items())
    return f"plan.choices.forced_{number}={{{inner}}}"


def alternative_row(objective: float | None, other: PlanAlternative) -> dict[str, Any]:
    """Return a plan under another premise beside the plan, as plain values."""
    planned = other.planned
    share = other.change / abs(objective) if other.change is not None and objective else None
    return {
        "what": other.what,
        "status": planned.status,
        "objective": planned.objective,
        "bound": planned.bound,
        "gap": planned.gap,
        "change": other.change,
        "change_share": share,
        "least_change": other.least_change,
        "seconds": planned.seconds,
    }
