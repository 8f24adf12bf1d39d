"""How the best design stands among others: swings of beliefs, the near-optimal region, runners-up, candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dawndusk.models.design import VARIABLES
from dawndusk.models.outcome import OUTCOMES
from dawndusk.models.units import number, pretty
from dawndusk.optimize.problem import Range
from dawndusk.studies.input.study import ResolvedStudy
from dawndusk.studies.lineage.swings import Swing
from dawndusk.studies.output.figures.picture import BLUE, FAINT, GREY, ORANGE, RED, Picture, bar_height, layout, spoken

MOST_BARS = 12
LARGE = 1e5
"""Larger numbers stand on parallel axes with a letter for their size, k, M or G."""


def swings(metric: str, base: float, found: Sequence[Swing]) -> Picture | None:
    """Return how far an outcome of the unchanged design swings over the ranges of the data rows, widest first."""
    widest = [swing for swing in found if swing.width(base) > 0.0][:MOST_BARS][::-1]
    if not widest:
        return None
    units = OUTCOMES[metric].units
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": end,
            "y": [swing.key for swing in widest],
            "base": base,
            "x": [(value if (value := getattr(swing, f"at_{end}")) is not None else base) - base for swing in widest],
            "customdata": [[number(getattr(swing, end)), _reached(swing, end)] for swing in widest],
            "hovertemplate": "%{y} at %{customdata[0]}: %{customdata[1]}<extra></extra>",
            "marker": {"color": colour},
        }
        for end, colour in (("low", BLUE), ("high", ORANGE))
    ]
    rows = [
        (s.key, number(s.value), f"{number(s.low)} to {number(s.high)}", _reached(s, "low"), _reached(s, "high"))
        for s in reversed(widest)
    ]
    return Picture(
        name="swings",
        title="What moves it most",
        caption=f"{metric} of the unchanged design with one data row at a time at the low (blue) and the high "
        f"(orange) end of its range. {widest[-1].key} moves it most.",
        data=traces,
        layout=layout(
            bar_height(len(widest)),
            barmode="overlay",
            xaxis={"title": {"text": units}},
            yaxis={"showgrid": False},
            shapes=[
                {"type": "line", "x0": base, "x1": base, "y0": 0, "y1": 1, "yref": "paper", "line": {"color": GREY}}
            ],
        ),
        columns=("data row", "now", "range", "at low", "at high"),
        rows=rows,
    )


def _reached(swing: Swing, end: str) -> str:
    value, breaks = getattr(swing, f"at_{end}"), getattr(swing, f"{end}_breaks")
    words = "none" if value is None else number(value)
    return f"{words}, breaks {', '.join(breaks)}" if breaks else words


def near_optimal(near: Mapping[str, Any], study: ResolvedStudy) -> Picture | None:
    """Return how far each variable goes near the best, as a share of the range that it was chosen from."""
    ranges = [one for one in near["ranges"] if isinstance(study.space.get(one["variable"]), Range)][::-1]
    if not ranges:
        return None
    shares = {one["variable"]: _shares(one, study.space[one["variable"]]) for one in ranges}
    words = {one["variable"]: _words(one) for one in ranges}
    names = list(shares)
    bars = {
        "type": "bar",
        "orientation": "h",
        "y": names,
        "base": [shares[name][0] for name in names],
        "x": [shares[name][2] - shares[name][0] for name in names],
        "customdata": [words[name] for name in names],
        "hovertemplate": "%{y}: %{customdata}<extra></extra>",
        "marker": {"color": FAINT, "line": {"color": BLUE, "width": 1}},
    }
    dots = {
        "type": "scatter",
        "mode": "markers",
        "y": names,
        "x": [shares[name][1] for name in names],
        "customdata": [words[name] for name in names],
        "hovertemplate": "%{y}: %{customdata}<extra></extra>",
        "marker": {"color": BLUE, "size": 10},
    }
    ticks = {"range": [-0.02, 1.02], "tickvals": [0, 0.5, 1], "ticktext": ["low end", "middle", "high end"]}
    return Picture(
        name="near_optimal",
        title=f"Within {near['tolerance']:.0%} of the best",
        caption=f"How far each variable goes, at least, while the objective stays within {near['tolerance']:.0%} "
        "of the best, in the range that it was chosen from; the dot is the best design.",
        data=[bars, dots],
        layout=layout(
            bar_height(len(names)), xaxis=ticks, yaxis={"showgrid": False}, margin={"l": 8, "r": 44, "t": 8, "b": 8}
        ),
        columns=("variable", "from", "best", "to"),
        rows=[
            (one["variable"], *(pretty(one[key], one["units"]) for key in ("low", "best", "high")))
            for one in reversed(ranges)
        ],
    )


def _shares(one: Mapping[str, Any], entry: Any) -> tuple[float, float, float]:
    width = (entry.high - entry.low) or 1.0
    low, best, high = ((one[key] - entry.low) / width for key in ("low", "best", "high"))
    return low, best, high


def _words(one: Mapping[str, Any]) -> str:
    low, best, high = (pretty(one[key], one["units"]) for key in ("low", "best", "high"))
    return f"{low} to {high}, best {best}"


def runners_up(explanation: Mapping[str, Any], objective: str) -> Picture | None:
    """Return by how much the best design with every name that lost is worse, and what that is made of."""
    others = [one for one in explanation["runners_up"] if one["penalty"] is not None][::-1]
    if not others:
        return None
    groups = list(dict.fromkeys(group for one in others for group in one["groups"]))
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": group,
            "y": [one["name"] for one in others],
            "x": [one["groups"].get(group, 0.0) for one in others],
            "hovertemplate": group + ": %{x:+.1%}<extra>%{y}</extra>",
        }
        for group in groups
    ]
    rows = [
        (one["name"], f"{one['objective']:.5g}", f"{one['penalty']:+.1%}", _made_of(one)) for one in reversed(others)
    ]
    return Picture(
        name="runners_up",
        title="Why not another",
        caption=f"What the best design found with another name costs more in {objective}, by cause; bars "
        "to the left are what it saves.",
        data=traces,
        layout=layout(
            bar_height(len(others)) + LEGEND_PX,
            barmode="relative",
            showlegend=True,
            legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
            margin={"l": 8, "r": 16, "t": 56, "b": 8},
            xaxis={"tickformat": "+.0%"},
            yaxis={"showgrid": False},
        ),
        columns=("with", objective, "worse by", "of which"),
        rows=rows,
    )


LEGEND_PX = 60


def _made_of(one: Mapping[str, Any]) -> str:
    return ", ".join(f"{group} {part:+.1%}" for group, part in one["groups"].items())


def candidates(rows: Sequence[Mapping[str, Any]], study: ResolvedStudy) -> Picture | None:
    """Return the best designs found, one line each over every variable that differs, feasible ones coloured by rank."""
    goal = study.objective
    shown = [row for row in rows if row.get("feasible") and row.get(goal) is not None]
    varied = [name for name in VARIABLES if len({row[name] for row in shown}) > 1]
    if len(shown) < 2 or not varied:  # noqa: PLR2004 (a line has two ends)
        return None
    return parallel(
        "candidates",
        "The best design of every combination",
        f"Each line is the best design found with one combination of names; {goal} is on the right.",
        shown,
        [*varied, goal],
        goal,
    )


def parallel(
    name: str, title: str, caption: str, rows: Sequence[Mapping[str, Any]], axes: Sequence[str], colour: str
) -> Picture:
    """Return designs as lines over parallel axes; names stand at whole numbers."""
    values = [float(row[colour]) for row in rows]
    trace = {
        "type": "parcoords",
        "labelside": "top",
        "labelangle": -20,
        "dimensions": [_dimension(axis, [row[axis] for row in rows]) for axis in axes],
        "line": {"color": values, "colorscale": [[0, BLUE], [1, RED]], "cmin": min(values), "cmax": max(values)},
    }
    return Picture(
        name=name,
        title=title,
        caption=caption,
        data=[trace],
        layout=layout(PARALLEL_PX, margin={"l": 70, "r": 70, "t": 96, "b": 28}),
        columns=tuple(axes),
        rows=[[v if isinstance(v := row[axis], str) else number(float(v)) for axis in axes] for row in rows],
        least_width_rem=AXIS_REM * len(axes),
    )


PARALLEL_PX, AXIS_REM = 420, 6
"""Height of parallel axes, and the width that the name of each of them needs."""


def _dimension(label: str, values: Sequence[Any]) -> dict[str, Any]:
    if not isinstance(values[0], str):
        numbers = [float(value) for value in values]
        ticks = ".3~s" if max(map(abs, numbers)) >= LARGE else ".4~g"
        return {"label": spoken(label), "values": numbers, "tickformat": ticks}
    names = sorted(set(values))
    places = list(range(len(names)))
    return {
        "label": spoken(label),
        "values": [names.index(v) for v in values],
        "tickvals": places,
        "ticktext": names,
        "range": [-0.2, len(names) - 0.8],
    }
