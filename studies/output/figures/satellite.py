"""One satellite laid out flat, with the areas of its array, radiator and body to one scale."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.design import Design
from dawndusk.models.units import number
from dawndusk.studies.output.figures.picture import BLUE, GREY, ORANGE, RED, TEXT, Picture, layout

WING_ASPECT = 3.0
RADIATOR_ASPECT = 1.6
"""Length over width of one of two wings and one of two radiator panels: for the drawing alone, for the model knows
areas, not shapes."""
BOOM = 0.06
"""Gap between body and wing, over the span."""
SCALES_M = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
SCALE_SHARE = 0.22
"""The scale bar takes at most this share of the width."""
PERSON_M = 1.75
"""Height of the person beside the scale bar."""
HEIGHT_PX = 380


def satellite(outcome: Mapping[str, float], design: Design, assumptions: Assumptions) -> Picture:
    """Return the drawing of one satellite."""
    array, radiator = outcome["array_area_m2"], design.radiator_area_m2
    body = body_side_m(outcome, assumptions)
    shapes = _shapes(array, radiator, body)
    width = max(abs(x) for shape in shapes for x in shape["x"])
    height = max(abs(y) for shape in shapes for y in shape["y"])
    length = max((s for s in SCALES_M if s <= 2.0 * SCALE_SHARE * max(width, height)), default=SCALES_M[0])
    floor = -height * 1.08 - length * 0.15
    scale = _scale(length, -width, floor)
    caption = (
        f"Laid out flat: array {number(round(array, 1))} m², radiator {number(round(radiator, 1))} m² of planform, "
        f"body {number(round(body, 1))} m wide. The model knows areas; shapes are for the drawing."
    )
    equal = {"scaleanchor": "x", "scaleratio": 1, "visible": False}
    return Picture(
        name="satellite",
        title="The satellite, to scale",
        caption=caption,
        data=[*shapes, *scale],
        layout=layout(HEIGHT_PX, xaxis={"visible": False}, yaxis=equal, hovermode="closest"),
        columns=("part", "area or length"),
        rows=[
            ("solar array", f"{number(round(array, 1))} m²"),
            ("radiator, planform", f"{number(round(radiator, 1))} m²"),
            ("body, side", f"{number(round(body, 2))} m"),
            ("scale bar", f"{number(length)} m"),
        ],
    )


def body_side_m(outcome: Mapping[str, float], assumptions: Assumptions) -> float:
    """Return the side of a cube of the volume of compute box and bus."""
    platform = assumptions.platform
    return math.cbrt(outcome["compute_mass_kg"] / platform.compute_density_kg_m3 + platform.bus_volume_m3)


def _shapes(array_m2: float, radiator_m2: float, body_m: float) -> list[dict[str, Any]]:
    """Return wings to both sides, radiator panels above and below, and the body between them, as closed lines."""
    wing_wide, panel_wide = math.sqrt(0.5 * array_m2 / WING_ASPECT), math.sqrt(0.5 * radiator_m2 / RADIATOR_ASPECT)
    wing_long, panel_long = wing_wide * WING_ASPECT, panel_wide * RADIATOR_ASPECT
    half = 0.5 * body_m
    gap = BOOM * max(wing_long, panel_long)
    root, foot = max(half, 0.5 * panel_wide) + gap, half + gap
    made = [_line([-root, root], [0, 0]), _line([0, 0], [-foot, foot])]
    for side in (-1, 1):
        ends = side * root, side * (root + wing_long)
        made.append(_rectangle("solar array", BLUE, *ends, -0.5 * wing_wide, 0.5 * wing_wide))
        ends = side * foot, side * (foot + panel_long)
        made.append(_rectangle("radiator", RED, -0.5 * panel_wide, 0.5 * panel_wide, *ends))
    return [*made, _rectangle("body", ORANGE, -half, half, -half, half)]


def _line(x: list[float], y: list[float], **more: Any) -> dict[str, Any]:
    """Return a plain line."""
    line = {"color": GREY, "width": 3}
    return {"type": "scatter", "mode": "lines", "hoverinfo": "skip", "line": line, "x": x, "y": y, **more}


def _rectangle(name: str, colour: str, left: float, right: float, low: float, high: float) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "fill": "toself",
        "name": name,
        "text": name,
        "hoverinfo": "text",
        "hoveron": "fills",
        "line": {"color": colour, "width": 1},
        "fillcolor": colour,
        "opacity": 0.85,
        "x": [left, right, right, left, left],
        "y": [low, low, high, high, low],
    }


def _scale(length_m: float, left: float, floor: float) -> list[dict[str, Any]]:
    """Return the scale bar with its length in words, and a person to the same scale."""
    words = {"mode": "lines+text", "textfont": {"color": TEXT}}
    middle, end, at = left + 0.5 * length_m, left + length_m, left + 1.2 * length_m
    bar = ["", f"{number(length_m)} m", ""]
    return [
        _line([left, middle, end], [floor] * len(bar), text=bar, textposition="bottom center", **words),
        _line([at, at], [floor, floor + PERSON_M], text=["person", ""], textposition="bottom right", **words),
    ]
