"""A front as a picture: every pair of goals, the ends, the knee, and how each point is built."""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dawndusk.models.design import CATEGORIES
from dawndusk.models.errors import DawnduskError, MissingExtraError
from dawndusk.models.outcome import OUTCOMES
from dawndusk.models.units import BILLION, MILLION, USD

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C564B", "#000000")
"""Told apart by most people. Source: Okabe and Ito, Color Universal Design (2008)."""
OTHERS = "others"
PANEL_INCHES, HEAD_INCHES, DOTS_PER_INCH = 4.6, 0.9, 150
MOST_COLUMNS = 3
TAILS = (
    "usd_per_pflop_hour",
    "pflop_hours",
    "usd_per_kg",
    "usd_per_w",
    "usd",
    "m2_years",
    "years",
    "tj",
    "mwh",
    "mw",
    "t",
    "kg",
)
"""Units at the end of names that people leave out when they speak."""
WIDE = 20.0
"""A goal whose ends differ by more than this factor is drawn on a logarithmic scale."""
SCALES = ((BILLION, "B", "billion"), (MILLION, "M", "million"))
"""From each size on: the letter before money, and the word before other units."""
MOST_GAP = 0.5
"""A bound that is further away than this share of the value is not drawn: it would squeeze all else."""


class PictureError(DawnduskError):
    """A picture that can not be drawn here."""


def is_drawable() -> bool:
    """Return whether the library that draws is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def draw_front(content: Mapping[str, Any], path: Path) -> None:
    """Draw a front, as ``front.json`` holds it, into a PNG or SVG file, as the name of the file ends.

    Raises
    ------
    MissingExtraError
        Where matplotlib is missing.
    PictureError
        Where there are no points.
    """
    if not is_drawable():
        raise MissingExtraError(path.name, "matplotlib", "plot")
    if not content["points"]:
        raise PictureError(f"{path.name}: found a front without points ({content['status']}); nothing to draw")
    import matplotlib as mpl  # noqa: PLC0415 (an extra)

    with mpl.rc_context(
        {"font.size": 9, "svg.hashsalt": content["study"], "axes.spines.top": False, "axes.spines.right": False}
    ):
        figure = _figure(content)
        metadata = {"Date": None} if path.suffix == ".svg" else {"Software": None}
        figure.savefig(path, dpi=DOTS_PER_INCH, metadata=metadata)


def _figure(content: Mapping[str, Any]) -> Figure:
    from matplotlib.figure import Figure  # noqa: PLC0415 (an extra)

    goals = [goal["outcome"] for goal in content["goals"]]
    pairs = list(itertools.combinations(goals, 2))
    columns = min(len(pairs), MOST_COLUMNS)
    rows = -(-len(pairs) // columns)
    size = (max(columns, 1.6) * PANEL_INCHES, rows * PANEL_INCHES + HEAD_INCHES)
    figure = Figure(figsize=size, layout="constrained")
    groups = _groups(content["points"])
    for number, (x, y) in enumerate(pairs):
        _panel(figure.add_subplot(rows, columns, number + 1), content, x, y, groups)
    figure.suptitle(_title(content), fontsize=11)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    return figure


def _title(content: Mapping[str, Any]) -> str:
    between = " against ".join(spoken(goal["outcome"]) for goal in content["goals"])
    return f"{content['study']}: {between}"


def spoken(outcome: str) -> str:
    """Return the name of an outcome as words, without the units at its end."""
    words = outcome.replace("lcoc", "levelised_cost")
    for tail in TAILS:
        words = words.removesuffix(f"_{tail}")
    return words.replace("_", " ")


def scale_of(outcome: str, values: Iterable[float]) -> tuple[float, str]:
    """Return what to divide the values of an outcome by so that they have few digits, and the units they then have."""
    units = OUTCOMES[outcome].units
    largest = max(map(abs, values), default=0.0)
    for size, letter, word in SCALES:
        if largest >= size:
            return size, f"{letter}{units}" if units.startswith(USD) else f"{word} {units}"
    return 1.0, units


def _groups(points: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Return the points by the way in which they are built, the commonest first; rare ways go together."""
    names = [built(point, points) for point in points]
    ranked = sorted(dict.fromkeys(names), key=lambda name: -names.count(name))
    named = ranked if len(ranked) <= len(COLOURS) else ranked[: len(COLOURS) - 1]
    groups: dict[str, list[Mapping[str, Any]]] = {name: [] for name in named}
    for name, point in zip(names, points, strict=True):
        groups.setdefault(name if name in named else OTHERS, []).append(point)
    return groups


def built(point: Mapping[str, Any], points: Sequence[Mapping[str, Any]]) -> str:
    """Return the categories of a design in which the designs of a front differ."""
    differ = [c for c in CATEGORIES if len({other["design"][c] for other in points}) > 1]
    return ", ".join(str(point["design"][c]) for c in differ) or "all designs"


def _panel(
    axes: Axes, content: Mapping[str, Any], x: str, y: str, groups: Mapping[str, Sequence[Mapping[str, Any]]]
) -> None:
    """Draw one pair of goals."""
    points = content["points"]
    scales = {name: scale_of(name, [point["goals"][name] for point in points]) for name in (x, y)}
    (of_x, x_units), (of_y, y_units) = scales[x], scales[y]
    if len(content["goals"]) == 2:  # noqa: PLR2004 (a curve)
        ordered = sorted(points, key=lambda point: point["goals"][x])
        _line(axes, [p["goals"][x] / of_x for p in ordered], [p["goals"][y] / of_y for p in ordered])
    for colour, (name, members) in zip(COLOURS, groups.items(), strict=False):
        mine = [point["goals"] for point in members]
        axes.scatter([g[x] / of_x for g in mine], [g[y] / of_y for g in mine], s=14, color=colour, label=name, zorder=2)
    _marks(axes, content, {x: of_x, y: of_y})
    for set_scale, name, set_label, units in (
        (axes.set_xscale, x, axes.set_xlabel, x_units),
        (axes.set_yscale, y, axes.set_ylabel, y_units),
    ):
        values = [abs(point["goals"][name]) for point in points]
        if min(values) > 0.0 and max(values) / min(values) > WIDE:
            set_scale("log")
        set_label(f"{spoken(name)} [{units}]")
    axes.grid(visible=True, linewidth=0.4, alpha=0.5)


def _line(axes: Axes, xs: Sequence[float], ys: Sequence[float]) -> None:
    """Join the points by stairs: between two neighbours nothing better is known than either."""
    axes.step(xs, ys, where="post", linewidth=0.7, color="#999999", zorder=1)


def _marks(axes: Axes, content: Mapping[str, Any], scales: Mapping[str, float]) -> None:
    """Mark the knee, and the proved bounds of the ends, for the goals of two axes and what each is divided by."""
    x, y = scales
    if content["knees"]:
        knee = content["points"][content["knees"][0] - 1]["goals"]
        at = [knee[x] / scales[x]], [knee[y] / scales[y]]
        axes.scatter(*at, s=110, marker="o", facecolors="none", edgecolors="#000000", label="knee", zorder=3)
    for end in content["ends"]:
        if end["bound"] is None or end["gap"] is None or end["gap"] > MOST_GAP:
            continue
        line = {x: axes.axvline, y: axes.axhline}.get(end["outcome"])
        if line is not None:
            line(end["bound"] / scales[end["outcome"]], color="#777777", linewidth=0.8, linestyle=":", zorder=0)
