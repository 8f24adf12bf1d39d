"""A search by trials: how far it had come after each, what became of them, and all variables side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.outcome import OUTCOMES
from dawndusk.models.units import pretty
from dawndusk.optimize.heuristics.dominance import not_dominated
from dawndusk.optimize.problem import Goal
from dawndusk.optimize.trials.standing import covered
from dawndusk.studies.output.figures.picture import BLUE, FAINT, GREY, ORANGE, RED, Picture, bar_height, layout
from dawndusk.studies.output.figures.search import parallel

HEIGHT_PX = 360
MOST_DOTS, MOST_LINES, MOST_STEPS, MOST_REASONS = 4000, 500, 200, 12
LOG_RATIO = 20.0
"""Values that are this far apart, largest over smallest, stand on a logarithmic axis."""
LEAST_LINES = 2
FAILED, COMPLETE, PENDING = "failed", "complete", "pending"
LEGEND = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "traceorder": "normal"}
MARGIN = {"l": 8, "r": 16, "t": 56, "b": 8}

Row = Mapping[str, Any]
Floats = NDArray[np.float64]


def column_of(rows: Sequence[Row], outcome: str) -> str:
    """Return the column of an outcome: one that has the name of a dimension is told apart by a prefix."""
    told_apart = f"outcome.{outcome}"
    return told_apart if rows and told_apart in rows[0] else outcome


def progress(rows: Sequence[Row], goal: Goal) -> Picture | None:
    """Return the one goal of every trial that has it, and the best of the feasible ones so far."""
    column, units = column_of(rows, goal.outcome), OUTCOMES[goal.outcome].units
    answered = [row for row in rows if row["state"] == COMPLETE and np.isfinite(row[column])]
    if not answered:
        return None
    feasible = [row for row in answered if row["feasible"]]
    steps = _best_so_far(feasible, column, goal)
    traces = [
        _dots("breaks a rule", _thinned([row for row in answered if not row["feasible"]]), column, FAINT, units),
        _dots("feasible", _thinned(feasible), column, BLUE, units),
        {
            "type": "scatter",
            "mode": "lines",
            "name": "best so far",
            "x": [at for at, _ in steps] + ([rows[-1]["number"]] if steps else []),
            "y": [value for _, value in steps] + ([steps[-1][1]] if steps else []),
            "line": {"color": RED, "shape": "hv", "width": 2},
            "hovertemplate": "best from trial %{x}: %{y:.5g} " + units + "<extra></extra>",
        },
    ]
    return Picture(
        name="trials_progress",
        title="The best so far",
        caption=_progress_caption(goal, feasible, steps, len(answered)),
        data=[trace for trace in traces if trace["x"]],
        layout=_over_trials(units, _axis_of([row[column] for row in feasible or answered])),
        columns=("from trial", goal.outcome),
        rows=[(str(at), pretty(value, units)) for at, value in steps],
    )


def _progress_caption(goal: Goal, feasible: Sequence[Row], steps: Sequence[tuple[int, float]], answered: int) -> str:
    if not steps:
        return f"{goal.outcome} of every trial; none of them meets every rule."
    thinned = f" Of the trials {MOST_DOTS:,} of each kind are drawn." if answered > MOST_DOTS else ""
    return (
        f"{goal.outcome} of every trial in the order in which they were asked; the line is the best of the "
        f"{len(feasible):,} that meet every rule, found at trial {steps[-1][0]:,}. What breaks a rule may lie "
        f"beyond the axis.{thinned}"
    )


def _best_so_far(feasible: Sequence[Row], column: str, goal: Goal) -> list[tuple[int, float]]:
    """Return the trials that were better than all before, with their values."""
    found: list[tuple[int, float]] = []
    for row in feasible:
        value = float(row[column])
        if not found or goal.sign * value < goal.sign * found[-1][1]:
            found.append((int(row["number"]), value))
    return found


def _thinned(rows: Sequence[Row]) -> Sequence[Row]:
    """Return rows spread evenly over those given, as many as can be told apart."""
    if len(rows) <= MOST_DOTS:
        return rows
    return [rows[at] for at in np.linspace(0, len(rows) - 1, MOST_DOTS).astype(int).tolist()]


def _dots(name: str, rows: Sequence[Row], column: str, colour: str, units: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [int(row["number"]) for row in rows],
        "y": [float(row[column]) for row in rows],
        "marker": {"color": colour, "size": 7},
        "hovertemplate": "trial %{x}: %{y:.5g} " + units + "<extra>" + name + "</extra>",
    }


def _axis_of(values: Sequence[float]) -> dict[str, Any]:
    """Return an axis that shows the values given, logarithmic where they are far apart."""
    low, high = min(values), max(values)
    if low > 0.0 and high > LOG_RATIO * low:
        return {"type": "log", "dtick": 1, "range": [float(np.log10(low)) - ROOM, float(np.log10(high)) + ROOM]}
    room = ROOM * ((high - low) or abs(high) or 1.0)
    return {"range": [low - room, high + room]}


ROOM = 0.08
"""Free space beyond the outermost values, as a share of the axis, or in decades."""


def _over_trials(up: str, axis: Mapping[str, Any]) -> dict[str, Any]:
    return layout(
        HEIGHT_PX,
        showlegend=True,
        legend=LEGEND,
        margin=MARGIN,
        hovermode="closest",
        xaxis={"title": {"text": "trial"}, "showgrid": False},
        yaxis={"title": {"text": up}, **axis},
    )


def front_progress(rows: Sequence[Row], goals: Sequence[Goal]) -> Picture | None:
    """Return which share of the box between the best and worst values the front had covered after each trial."""
    columns = [column_of(rows, goal.outcome) for goal in goals]
    feasible = [row for row in rows if row["feasible"]]
    if len(feasible) < LEAST_LINES:
        return None
    values = np.array([[g.sign * row[c] for g, c in zip(goals, columns, strict=True)] for row in feasible])
    low, width = values.min(axis=0), np.ptp(values, axis=0)
    shares = (values - low) / np.where(width > 0.0, width, 1.0)
    after = np.unique(np.linspace(1, len(shares), min(len(shares), MOST_STEPS)).astype(int)).tolist()
    reached = _covered_after(shares, after)
    at = [int(feasible[count - 1]["number"]) for count in after]
    line = {
        "type": "scatter",
        "mode": "lines",
        "name": "covered",
        "x": at,
        "y": reached,
        "line": {"color": RED, "shape": "hv", "width": 2},
        "hovertemplate": "after trial %{x}: %{y:.2%}<extra></extra>",
    }
    return Picture(
        name="trials_progress",
        title="The front so far",
        caption=f"What the front of the {len(feasible):,} trials that meet every rule covers of the box between the "
        f"best and the worst value of each goal (hypervolume): {reached[-1]:.1%} in the end.",
        data=[line],
        layout=layout(
            HEIGHT_PX,
            xaxis={"title": {"text": "trial"}, "showgrid": False},
            yaxis={"title": {"text": "hypervolume"}, "tickformat": ".0%", "rangemode": "tozero"},
        ),
        columns=("after trial", "hypervolume"),
        rows=[(str(trial), f"{share:.2%}") for trial, share in zip(at, reached, strict=True)],
    )


def _covered_after(shares: Floats, after: Sequence[int]) -> list[float]:
    """Return what the front covers after so many points, shape of ``after``; only the front is carried along."""
    found, front, begin = [], shares[:0], 0
    for count in after:
        front = np.vstack([front, shares[begin:count]])
        front, begin = front[not_dominated(front)], count
        found.append(covered(front))
    return found


def endings(rows: Sequence[Row]) -> Picture | None:
    """Return what became of the trials: feasible, what they break, why they failed."""
    if not rows:
        return None
    counted = Counter({"meets every rule": sum(bool(row["feasible"]) for row in rows)})
    broken = Counter(rule for row in rows if row["broken"] for rule in str(row["broken"]).split(", "))
    failed = Counter(str(row["failure"]) for row in rows if row["state"] == FAILED)
    waiting = sum(row["state"] == PENDING for row in rows)
    kinds = [("feasible", BLUE, "", counted), ("broken", ORANGE, "breaks ", broken), (FAILED, RED, "failed: ", failed)]
    kinds.append((PENDING, GREY, "", Counter({"not answered yet": waiting} if waiting else {})))
    bars = [(f"{lead}{name}", count, colour) for _, colour, lead, some in kinds for name, count in _most(some)]
    shown = bars[::-1]
    bar = {
        "type": "bar",
        "orientation": "h",
        "y": [name for name, _, _ in shown],
        "x": [count for _, count, _ in shown],
        "text": [f"{count:,}" for _, count, _ in shown],
        "textposition": "outside",
        "cliponaxis": False,
        "marker": {"color": [colour for _, _, colour in shown]},
        "hovertemplate": "%{y}: %{x:,}<extra></extra>",
    }
    return Picture(
        name="trials_endings",
        title="What became of the trials",
        caption=f"Of {len(rows):,} trials; one that breaks several rules counts for each.",
        data=[bar],
        layout=layout(
            bar_height(len(bars)),
            margin={"l": 8, "r": 56, "t": 8, "b": 8},
            yaxis={"showgrid": False},
            xaxis={"title": {"text": "trials"}, "rangemode": "tozero"},
        ),
        columns=("what", "trials"),
        rows=[(name, f"{count:,}") for name, count, _ in bars],
    )


def _most(counted: Counter[str]) -> list[tuple[str, int]]:
    """Return the most frequent names with their counts, and how many others there are."""
    found = counted.most_common(MOST_REASONS)
    rest = counted.total() - sum(count for _, count in found)
    return [*found, *([("others", rest)] if rest else [])]


def side_by_side(rows: Sequence[Row], names: Sequence[str], goals: Sequence[Goal]) -> Picture | None:
    """Return the best of the feasible trials as lines over every variable and goal; of all where too few are."""
    columns = [column_of(rows, goal.outcome) for goal in goals]
    answered = [row for row in rows if row["state"] == COMPLETE and all(np.isfinite(row[c]) for c in columns)]
    feasible = [row for row in answered if row["feasible"]]
    every = feasible if len(feasible) >= LEAST_LINES else answered
    shown = sorted(every, key=lambda row: goals[0].sign * float(row[columns[0]]))[:MOST_LINES]
    varied = [name for name in names if len({row[name] for row in shown}) > 1]
    if len(shown) < LEAST_LINES or not varied:
        return None
    which = "meet every rule" if every is feasible else f"were answered; {len(feasible)} of them meet every rule"
    few = f"{len(shown):,} best of {len(every):,}" if len(shown) < len(every) else f"{len(shown):,}"
    return parallel(
        "trials_lines",
        "Trials side by side",
        f"Each line is one of the {few} trials that {which}; {', '.join(goal.outcome for goal in goals)} on the right.",
        [{**row, "trial": row["number"]} for row in shown],
        ["trial", *varied, *columns],
        columns[0],
    )
