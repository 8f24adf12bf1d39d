"""A figure with the words and the table that say the same to whoever can not see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8a8d91", "#b8a800")
"""Told apart with any colour vision, on a light and on a dark page. Source: Okabe and Ito, Color Universal Design."""
BLUE, ORANGE, GREEN, PINK, SKY, RED, GREY, OLIVE = COLOURS
FAINT = "rgba(138,141,145,0.45)"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
TEXT, GRID = "#1c2127", "#d6dade"
"""Of the light page; the page puts its own in their place where it is dark."""
ROW_PX, HEAD_PX, LEAST_PX = 26, 90, 220


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure: its name, what it shows in one sentence, its Plotly specification and its numbers as a table."""

    name: str
    title: str
    caption: str
    data: Sequence[Mapping[str, Any]]
    layout: Mapping[str, Any]
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    least_width_rem: int = 0
    """The width that it needs; it scrolls on anything narrower."""

    def figure(self) -> dict[str, Any]:
        """Return the Plotly specification."""
        return {"data": [dict(trace) for trace in self.data], "layout": dict(self.layout)}


def layout(height_px: int, **changes: Any) -> dict[str, Any]:
    """Return the layout that all figures share, with changes; nothing in it depends on the page."""
    axis = {"automargin": True, "gridcolor": GRID, "zerolinecolor": GRID, "linecolor": GRID, "fixedrange": True}
    base: dict[str, Any] = {
        "height": height_px,
        "margin": {"l": 8, "r": 16, "t": 8, "b": 8},
        "font": {"family": FONT, "size": 13, "color": TEXT},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "colorway": list(COLOURS),
        "showlegend": False,
        "dragmode": False,
        "hoverlabel": {"font": {"family": FONT}},
        "xaxis": dict(axis),
        "yaxis": dict(axis),
    }
    for key, value in changes.items():
        base[key] = {**base[key], **value} if isinstance(value, Mapping) and key in base else value
    return base


def bar_height(rows: int) -> int:
    """Return the height in pixels of a figure with a number of bars."""
    return max(LEAST_PX, HEAD_PX + ROW_PX * rows)


def spoken(name: str, *suffixes: str) -> str:
    """Return a name as words, without its unit."""
    for suffix in suffixes:
        name = name.removesuffix(suffix)
    return name.replace("_", " ")
