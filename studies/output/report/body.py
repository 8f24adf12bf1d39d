"""The body of a report: the design, its breakdowns, why it is what it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dawndusk.models.design import VARIABLES
from dawndusk.models.outcome import OUTCOMES
from dawndusk.models.units import number, pretty
from dawndusk.optimize.problem import Choice, Range
from dawndusk.optimize.result import COMPLETION
from dawndusk.studies.output.figures import breakdowns, search
from dawndusk.studies.output.figures.satellite import satellite
from dawndusk.studies.output.report.markup import Child, Html, table, tag
from dawndusk.studies.output.report.section import ReportSection, picture_html, pictures_section
from dawndusk.studies.output.report.subject import Subject
from dawndusk.studies.output.terminal.explanation import LEAST_GROUP, UNTRIED, further_words


def design(subject: Subject) -> ReportSection:
    """Return the satellite to scale beside every variable and what it was chosen from."""
    picture = satellite(subject.outcome, subject.design, subject.study.assumptions)
    rows = [
        (
            tag("abbr", name, title=VARIABLES[name].meaning),
            pretty(value, VARIABLES[name].units),
            _chosen_from(subject, name),
        )
        for name, value in subject.design.to_dict().items()
    ]
    listed = table(("variable", "value", "chosen from"), rows, caption="Design variables")
    return ReportSection("design", "Design", Html(picture_html(picture) + listed), (picture,))


def _chosen_from(subject: Subject, name: str) -> str:
    entry = subject.study.space.get(name)
    if entry is None:
        return "meets the demand"
    if isinstance(entry, Range):
        return f"{number(entry.low)} to {number(entry.high)}"
    return ", ".join(entry.names) if isinstance(entry, Choice) else "fixed"


def parts(subject: Subject) -> ReportSection | None:
    """Return mass, power and heat, capital, levelised cost and delivered compute."""
    outcome, chosen, believed = subject.outcome, subject.design, subject.study.assumptions
    pictures = (
        breakdowns.levelised(outcome, chosen, believed),
        breakdowns.capital(outcome),
        breakdowns.mass(outcome),
        breakdowns.power(outcome),
        breakdowns.compute(outcome),
    )
    return pictures_section("parts", "What it is made of", "Parts", pictures)


def why(subject: Subject) -> ReportSection | None:
    """Return what moves the result, what more room would save, why not another, and how flat the optimum is."""
    told = subject.explanation
    goal = subject.study.objective
    pictures = [search.swings(goal, subject.now[goal], subject.swings)]
    before: list[Child] = []
    if told is not None:
        pictures += [search.runners_up(told, goal), search.near_optimal(told["near_optimal"], subject.study)]
        before += [_worths(subject), _forbidden(subject), _also_near(subject)]
        if told["stopped_by"] != "completion":
            before.append(tag("p", "The time for explanations ran out: some of it is less exact than it could be."))
    pictures.append(search.candidates(subject.candidates, subject.study))
    return pictures_section("why", "Why this design", "Why", tuple(pictures), *before)


def _worths(subject: Subject) -> Html | None:
    """Return what a little more room on every binding limit would save."""
    told = subject.explanation
    if told is None or not told["worths"]:
        return None
    units = OUTCOMES[subject.study.objective].units
    rows = [
        (
            worth["name"],
            pretty(worth["relaxation"], worth["units"]),
            pretty(worth["saving"], units) if worth["saving_share"] >= LEAST_GROUP else "nothing",
            f"{worth['saving_share']:.1%}" if worth["saving_share"] >= LEAST_GROUP else "",
            worth["sentence"],
        )
        for worth in told["worths"]
    ]
    return table(("limit", "with more room by", "saves", "share", "what it says"), rows, caption="What more room saves")


def _forbidden(subject: Subject) -> Html | None:
    """Return the names with which no design was found."""
    told = subject.explanation
    lost = [one for one in told["runners_up"] if one["penalty"] is None] if told else []
    if not lost:
        return None
    return tag(
        "ul",
        [tag("li", tag("strong", x["name"]), f": none found that meets {', '.join(x['forbidden_by'])}") for x in lost],
    )


def _also_near(subject: Subject) -> Html | None:
    """Return the names with which a design within the tolerance was found."""
    told = subject.explanation
    names = {c: found for c, found in told["near_optimal"]["names"].items() if len(found) > 1} if told else {}
    if not names or told is None:
        return None
    tolerance = f"{told['near_optimal']['tolerance']:.0%}"
    return tag(
        "p", f"Within {tolerance} of the best too: ", "; ".join(f"{c}: {', '.join(n)}" for c, n in names.items())
    )


def conflict(subject: Subject) -> ReportSection | None:
    """Return what can not be met together, where there is no design."""
    told = subject.content.optimum.get("conflict")
    if not told or not told.get("members"):
        return None
    rows = [(one["name"], one["sentence"], _room(one)) for one in told["members"]]
    words = tag("p", "The smallest set of rules found that no design meets together, found by search.")
    further = told.get("further") or ()
    enough = "more room that would end this conflict" if further else "more room that would be enough"
    listed = table(("rule", "what it says", enough), rows, caption="What is in conflict")
    notes = [further_words(further)] if further else []
    notes += [UNTRIED] if told.get("stopped_by", COMPLETION) != COMPLETION else []
    left = "".join(tag("p", note) for note in notes)
    return ReportSection("conflict", "What can not be met together", Html(words + listed + left), menu="Conflict")


def _room(member: Mapping[str, Any]) -> str:
    """Return how much more room on one limit alone was found to restore a design."""
    if member.get("relaxation") is not None:
        return pretty(member["relaxation"], member["units"])
    also = member.get("still_broken") or ()
    return f"none alone while {', '.join(also)} stand" if also else "none alone"


def figures(subject: Subject) -> ReportSection:
    """Return every outcome; each opens its term tree."""
    tables: dict[str, list[tuple[Child, ...]]] = {}
    for name, known in OUTCOMES.items():
        if name in subject.outcome:
            row = (name, subject.figure(name), known.meaning)
            tables.setdefault(known.table, []).append(row)
    body = [table(("outcome", "value", "meaning"), rows, caption=title) for title, rows in tables.items()]
    words = tag("p", "Every figure opens to what it is worked out from, down to data rows with their sources.")
    return ReportSection("figures", "Every figure", Html(words + "".join(body)), menu="Figures")
