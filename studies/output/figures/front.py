"""The front of a run of several goals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dawndusk.models.outcome import OUTCOMES
from dawndusk.models.units import pretty
from dawndusk.studies.output.figures.picture import BLUE, ORANGE, Picture, layout

HEIGHT_PX = 420
DOT_PX, KNEE_PX = 9, 15


def front(content: Mapping[str, Any]) -> Picture | None:
    """Return the first two goals of a front against each other, the knees marked; None where there are no points."""
    points: Sequence[Mapping[str, Any]] = content["points"]
    goals = [goal["outcome"] for goal in content["goals"]]
    if not points:
        return None
    across, up = goals[:2]
    knees = [point["point"] for point in points if point["knee"]]
    trace = {
        "type": "scatter",
        "mode": "markers",
        "x": [point["goals"][across] for point in points],
        "y": [point["goals"][up] for point in points],
        "customdata": [point["point"] for point in points],
        "hovertemplate": "point %{customdata}<br>" + across + " %{x:.5g}<br>" + up + " %{y:.5g}<extra></extra>",
        "marker": {
            "color": [ORANGE if point["knee"] else BLUE for point in points],
            "size": [KNEE_PX if point["knee"] else DOT_PX for point in points],
            "symbol": ["diamond" if point["knee"] else "circle" for point in points],
        },
    }
    said = ""
    if knees:
        said = f"; {'knees are points' if len(knees) > 1 else 'the knee is point'} {' and '.join(map(str, knees))}"
    return Picture(
        name="front",
        title="The front",
        caption=f"{len(points)} designs of which none is better in every goal ({', '.join(goals)}){said}.",
        data=[trace],
        layout=layout(
            HEIGHT_PX, xaxis={"title": {"text": _axis(across)}}, yaxis={"title": {"text": _axis(up)}}, dragmode="select"
        ),
        columns=("point", *goals),
        rows=[
            (f"{point['point']}{' (knee)' if point['knee'] else ''}", *(_shown(point, goal) for goal in goals))
            for point in points
        ],
    )


def _axis(name: str) -> str:
    return f"{name}, {OUTCOMES[name].units}"


def _shown(point: Mapping[str, Any], goal: str) -> str:
    value = point["goals"][goal]
    return "none" if value is None else pretty(value, OUTCOMES[goal].units)
