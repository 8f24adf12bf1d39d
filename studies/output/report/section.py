"""A section of a report, and how its figures stand on the page."""

from __future__ import annotations

from dataclasses import dataclass

from dawndusk.studies.output.figures.picture import Picture
from dawndusk.studies.output.report.markup import Child, Html, details, table, tag


@dataclass(frozen=True)
class ReportSection:
    """A part of a report: its address on the page, its heading, its text, the figures in it, its name in the menu."""

    name: str
    title: str
    body: Html
    pictures: tuple[Picture, ...] = ()
    menu: str = ""

    def html(self) -> Html:
        """Return the section as HTML."""
        heading = tag("h2", self.title, id=f"{self.name}-title")
        return tag("section", heading, self.body, id=self.name, aria_labelledby=f"{self.name}-title")


def picture_html(picture: Picture) -> Html:
    """Return the place of a figure, its sentence, and the table that says the same."""
    width = f"min-width: {picture.least_width_rem}rem" if picture.least_width_rem else None
    canvas = tag(
        "div", id=f"figure-{picture.name}", class_="canvas", style=width, role="img", aria_label=picture.caption
    )
    if picture.least_width_rem:
        canvas = tag("div", canvas, class_="scroll", tabindex="0", role="region", aria_label=picture.title)
    words = tag("figcaption", tag("strong", f"{picture.title}. "), picture.caption)
    numbers = details("As a table", table(picture.columns, picture.rows, caption=picture.title))
    return tag("figure", words, canvas, numbers, class_="picture", data_picture=picture.name)


def pictures_section(
    name: str, title: str, menu: str, pictures: tuple[Picture | None, ...], *before: Child
) -> ReportSection | None:
    """Return a section of figures, None where there is none."""
    found = tuple(picture for picture in pictures if picture is not None)
    if not found:
        return None
    body = Html("".join([*(tag("div", one) for one in before if one), *(picture_html(p) for p in found)]))
    return ReportSection(name, title, body, found, menu)
