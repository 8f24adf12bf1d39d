"""The front of a run of several goals: its points, the knee, exchange rates, and all variables side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dawndusk.models.design import VARIABLES
from dawndusk.models.outcome import OUTCOMES
from dawndusk.models.units import pretty
from dawndusk.studies.output.figures import front as figures
from dawndusk.studies.output.report.markup import Html, details, table, tag
from dawndusk.studies.output.report.section import ReportSection
from dawndusk.studies.output.report.subject import Subject
from dawndusk.studies.run.design.results import HEADLINE
from dawndusk.studies.run.design.wording import percent


def front(subject: Subject) -> ReportSection | None:
    """Return the front with linked selection, None where the run has none."""
    content = subject.content.front
    if content is None:
        return None
    picture = figures.front(content)
    said = Html(_ends(content) + _exchanges(content))
    if picture is None:
        return ReportSection("front", "Front", Html(_status(content) + said))
    chart = tag("div", id="front-view", class_="front")
    numbers = details("As a table", table(picture.columns, picture.rows, caption=picture.title))
    hint = (
        "Select a point, or drag a box around several: their designs open beside them. Drag along an axis of the lines "
        "to narrow."
    )
    body = _status(content), tag("p", picture.caption), tag("p", hint, class_="quiet"), chart, numbers, said
    return ReportSection("front", "Front", Html("".join(str(part) for part in body)), (picture,))


def front_data(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page needs to draw a front: goals, variables that differ, and the points."""
    points = content["points"]
    goals = [goal["outcome"] for goal in content["goals"]]
    shown = dict.fromkeys((*goals, *HEADLINE))
    return {
        "goals": goals,
        "variables": [n for n in VARIABLES if len({str(point["design"][n]) for point in points}) > 1],
        "units": {
            **{name: OUTCOMES[name].units for name in shown},
            **{name: "" if v.units == "name" else v.units for name, v in VARIABLES.items()},
        },
        "points": [
            {
                "point": point["point"],
                "knee": point["knee"],
                "design": point["design"],
                "outcome": {name: point["outcome"].get(name) for name in shown},
            }
            for point in points
        ],
    }


def _status(content: Mapping[str, Any]) -> Html:
    """Return how the search ended, what is proved, and how fine the front is."""
    proved = [end for end in content.get("ends", ()) if end["gap"] is not None]
    if proved:
        widest = max(end["gap"] for end in proved)
        which = "each end" if len(proved) == len(content["goals"]) else f"{len(proved)} of {len(content['goals'])} ends"
        claim = f"Proved: at {which} no design is better than the best found by more than {percent(widest)}."
    else:
        claim = "No bound is proved of its ends."
    badge = tag("span", content["status"], class_=f"badge {'bad' if content['status'] == 'infeasible' else 'fair'}")
    looked = f"{content['evaluated_designs']:,} designs evaluated in {content['seconds']:.1f} s, seed {content['seed']}"
    words = f"{looked}, ended by {content['stopped_by']}."
    if content.get("widest_gap") is not None:
        words += f" Widest gap {content['widest_gap']:.1%} of a goal's range, {content['spacing_asked']:.1%} asked for."
    return Html(tag("p", badge) + tag("p", claim, class_="lead") + tag("p", words, class_="quiet"))


def _ends(content: Mapping[str, Any]) -> Html:
    """Return what is proved of the ends of the front."""
    rows = [
        (
            end["outcome"],
            end["status"],
            *(_of(end["outcome"], end[key]) for key in ("value", "bound")),
            _share(end["gap"]),
        )
        for end in content.get("ends", ())
    ]
    return (
        table(("goal alone", "status", "best", "bound", "gap"), rows, caption="Ends of the front") if rows else Html("")
    )


def _exchanges(content: Mapping[str, Any]) -> Html:
    """Return what is given for what at the first knee."""
    rows = [
        (
            f"{one['from']} to {one['to']}",
            f"{_of(one['give'], one['given'])} of {one['give']}",
            f"{_of(one['gain'], one['gained'])} of {one['gain']}",
        )
        for one in content.get("exchanges", ())
    ]
    if not rows:
        return Html("")
    return table(("from point to point", "gives", "gains"), rows, caption="Exchange rates at the knee")


def _of(outcome: str, value: float | None) -> str:
    return "none" if value is None else pretty(value, OUTCOMES[outcome].units)


def _share(value: float | None) -> str:
    return "none" if value is None else f"{value:.2%}"
