"""Pictures, results and term trees as a notebook shows them."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dawndusk.studies.output.figures.picture import Picture

PLOTLY_MIME = "application/vnd.plotly.v1+json"


@dataclass(frozen=True)
class Shown:
    """Something for the last line of a cell: the figure where the notebook draws Plotly, else its caption and table."""

    picture: Picture

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """Return the figure, its table as HTML and its caption as text."""
        figure = {**self.picture.figure(), "config": {"displayModeBar": False, "responsive": True}}
        return {
            PLOTLY_MIME: json.loads(json.dumps(figure)),
            "text/html": as_table(self.picture.caption, self.picture.columns, self.picture.rows),
            "text/plain": f"{self.picture.title}. {self.picture.caption}",
        }


def shown(picture: Picture) -> Shown:
    """Return a picture in a form that a notebook draws."""
    return Shown(picture)


def as_table(caption: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows as an HTML table; whatever they hold is text."""
    head = "".join(f"<th>{html.escape(column)}</th>" for column in columns)
    body = "".join(_row([html.escape(str(cell)) for cell in row]) for row in rows)
    return (
        f"<table><caption>{html.escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _row(cells: Sequence[str]) -> str:
    """Return a row of a table, headed by its first cell; cells are HTML."""
    first, *others = cells
    return f"<tr><th>{first}</th>{''.join(f'<td>{cell}</td>' for cell in others)}</tr>"


def trace_html(figures: Mapping[str, Mapping[str, Any]], name: str, depth: int = 6) -> str:
    """Return a term tree that opens level by level, as HTML without scripts.

    Parameters
    ----------
    figures : mapping
        Figures by name, from ``Lineage.to_dict``.
    name : str
        The figure at the root.
    depth : int
        Levels of the tree.
    """
    figure = figures[name]
    value = figure.get("value")
    words = (
        f"{figure['label']}{'' if value is None else f': {value:.5g}' if isinstance(value, float) else f': {value}'}"
    )
    summary = html.escape(f"{words} {figure.get('units', '')} {figure.get('meaning', '')}")
    inside = f"<p><i>= {html.escape(figure['formula'])}</i></p>" if figure.get("formula") else ""
    for source in figure.get("sources", ()):
        inside += (
            f"<p>{html.escape(source['source'])}, {source['year']}; confidence {html.escape(source['confidence'])}</p>"
        )
    if depth > 1:
        inside += "".join(trace_html(figures, read, depth - 1) for read in figure.get("reads", ()))
    return f"<details style='margin-left:1em'><summary>{summary}</summary>{inside}</details>"
