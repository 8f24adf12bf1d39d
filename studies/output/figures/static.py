"""Figures as SVG or PNG files, drawn by the library that draws them on a page."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dawndusk.models.errors import DawnduskError, MissingExtraError, nearest, one_of
from dawndusk.studies.output.figures.picture import Picture

FORMATS = ("svg", "png")
WIDTH_PX = 960
PAPER = "#ffffff"
TITLE_PX = 44
PNG_SCALE = 2
DRAWN_ID = re.compile(r'id="topdefs-([0-9a-f]{6})"')
"""The number that the library draws at random for each figure, so that several fit one page."""
COUNTED_ID = "d00000"


def write_pictures(pictures: Iterable[Picture], folder: Path, kind: str) -> list[Path]:
    """Write each figure as NAME.svg or NAME.png into a folder.

    Raises
    ------
    DawnduskError
        Where the kind is unknown, a library or a browser to draw with is missing, or the folder can not be written.
    """
    if kind not in FORMATS:
        raise DawnduskError(f"plot: format: found {kind!r}; allowed: {one_of(FORMATS)}{nearest(kind, FORMATS)}")
    drawn = [(picture, _drawn(picture, kind)) for picture in pictures]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for picture, content in drawn:
            (folder / f"{picture.name}.{kind}").write_bytes(content)
    except (OSError, ValueError) as error:
        raise DawnduskError(f"{folder}: can not be written: {getattr(error, 'strerror', None) or error}") from None
    return [folder / f"{picture.name}.{kind}" for picture, _ in drawn]


def _drawn(picture: Picture, kind: str) -> bytes:
    """Return a figure as the content of a file; the same figure gives the same SVG."""
    figure = picture.figure()
    margin = figure["layout"]["margin"]
    figure["layout"] |= {
        "paper_bgcolor": PAPER,
        "title": {"text": picture.title, "x": 0.01, "y": 1.0, "yref": "container", "yanchor": "top", "pad": {"t": 12}},
        "height": figure["layout"]["height"] + TITLE_PX,
        "margin": {**margin, "t": margin["t"] + TITLE_PX},
    }
    content = _image(figure, kind)
    return _settled(content) if kind == "svg" else content


def _image(figure: dict[str, Any], kind: str) -> bytes:
    try:
        import kaleido  # noqa: F401, PLC0415 (an extra)
        from plotly.io import to_image  # noqa: PLC0415 (an extra)
    except ImportError as error:
        raise MissingExtraError("plot", error.name, "report") from None
    try:
        made: bytes = to_image(figure, format=kind, width=WIDTH_PX, scale=PNG_SCALE if kind == "png" else 1)
    except (RuntimeError, ValueError, OSError) as error:
        said = str(error).strip().partition("\n")[0]
        raise DawnduskError(f"plot: can not be drawn ({said}); allowed: a machine with Chrome or Chromium") from None
    return made


def _settled(svg: bytes) -> bytes:
    """Return an SVG with a fixed number in place of the random one in the names of its parts."""
    text = svg.decode()
    drawn = DRAWN_ID.search(text)
    return (text.replace(drawn[1], COUNTED_ID) if drawn else text).encode()
