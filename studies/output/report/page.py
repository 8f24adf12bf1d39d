"""The whole report: one HTML file with its styles, scripts, figures and term trees inside."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, TypeAlias

import dawndusk
from dawndusk.models.constants import PRICE_YEAR
from dawndusk.models.errors import MissingExtraError
from dawndusk.studies.lineage.plan_run import is_plan_folder
from dawndusk.studies.output.figures.picture import Picture
from dawndusk.studies.output.report import answer, body, evidence
from dawndusk.studies.output.report.front import front, front_data
from dawndusk.studies.output.report.markup import Html, embedded, tag
from dawndusk.studies.output.report.plan import plan_pictures, plan_sections, plan_subject, plan_subtitle
from dawndusk.studies.output.report.section import ReportSection
from dawndusk.studies.output.report.subject import Subject, subject_of
from dawndusk.studies.output.report.trials import trials
from dawndusk.studies.run.folder.writing import RunFolderError

DEFAULT_NAME = "report.html"
SCRIPTS = ("charts.js", "trees.js", "front.js", "page.js")
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline' 'unsafe-eval'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'"
)
"""Nothing is fetched from anywhere; the drawing library compiles its shaders' helpers, hence eval."""


def write_report(folder: str | Path, file: str | Path | None = None) -> Path:
    """Write the report of a run folder as one HTML file.

    Parameters
    ----------
    folder : str or Path
        The run folder.
    file : str or Path, optional
        Where the report goes; beside the run folder, named for it, where not given.

    Returns
    -------
    Path
        The file. The same run gives the same bytes.
    """
    path = Path(file) if file is not None else default_file(Path(folder))
    page = plan_report(Path(folder)) if is_plan_folder(Path(folder)) else report(subject_of(folder))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RunFolderError(f"{path}: can not be written: {reason}") from None
    return path


def default_file(folder: Path) -> Path:
    """Return ``FOLDER.html`` beside a run folder: a run folder holds nothing but what its run wrote."""
    absolute = folder.absolute()
    return absolute.with_name(f"{absolute.name}.html")


def report(subject: Subject) -> str:
    """Return the report as the text of an HTML file."""
    sections = sections_of(subject)
    pictures = {p.name: p.figure() for section in sections for p in section.pictures}
    trees = subject.lineage.to_dict(*_opened(sections)) if subject.content.has_optimum else {}
    return document(
        title=subject.study.title or subject.study.name,
        subtitle=subtitle(subject),
        sections=sections,
        data={"pictures": pictures, "figures": trees, "recorded": recorded(subject), "front": _front(subject)},
    )


def plan_report(folder: Path) -> str:
    """Return the report of a plan over years."""
    subject = plan_subject(folder)
    sections, content = plan_sections(subject), subject.run.content
    pictures = {p.name: p.figure() for section in sections for p in section.pictures}
    trees = {} if subject.lineage is None else subject.lineage.to_dict(*_opened(sections))
    data = {"pictures": pictures, "figures": trees, "recorded": {}, "front": None}
    return document(title=subject.title, subtitle=plan_subtitle(content), sections=sections, data=data)


def _opened(sections: Sequence[ReportSection]) -> list[str]:
    """Return the names of the figures that open on a page."""
    return sorted(set(re.findall(r'data-figure="([^"]+)"', "".join(section.html() for section in sections))))


def _front(subject: Subject) -> dict[str, Any] | None:
    content = subject.content.front
    return front_data(content) if content is not None and content["points"] else None


def pictures_of(folder: str | Path) -> dict[str, Picture]:
    """Return the figures of a run folder by name."""
    if is_plan_folder(folder):
        return {picture.name: picture for picture in plan_pictures(Path(folder))}
    sections = sections_of(subject_of(folder), checks=False)
    return {picture.name: picture for section in sections for picture in section.pictures}


def recorded(subject: Subject) -> dict[str, float]:
    """Return the recorded value of every outcome that the present model gives otherwise."""
    return {name: subject.content.outcome[name] for name in subject.drifted}


Maker: TypeAlias = Callable[[Subject], ReportSection | None]


def sections_of(subject: Subject, *, checks: bool = True) -> list[ReportSection]:
    """Return the sections that the run has something for, in order; ``checks`` has the model checked anew."""
    content = subject.content
    makers: list[Maker] = [front, trials, evidence.run]
    if content.has_optimum and content.optimum["objective"] is not None:
        makers = [answer.answer, body.design, body.parts, front, trials, body.why, evidence.proof, body.figures]
    elif content.has_optimum:
        makers = [answer.answer, body.conflict, body.design, trials, evidence.proof, body.figures]
    elif content.optimum:
        makers = [answer.answer, trials, evidence.run]
    if content.has_optimum:
        makers += [evidence.assumptions, *([evidence.validation] if checks else []), evidence.run]
    return [section for section in (make(subject) for make in makers) if section is not None]


def subtitle(subject: Subject) -> str:
    """Return where the report comes from, in one line."""
    manifest = subject.content.manifest
    when = str(manifest.get("finished", "")).partition("T")[0]
    return (
        f"Study {subject.study.name}, run by dawndusk {manifest.get('dawndusk')} {f'on {when}' if when else ''}. "
        f"Amounts in USD of {PRICE_YEAR}."
    )


def document(*, title: str, subtitle: str, sections: Sequence[ReportSection], data: Mapping[str, Any]) -> str:
    """Return an HTML document of sections, with everything that it needs inside."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="generator", content=f"dawndusk {dawndusk.__version__}"),
        tag("title", title),
        tag("style", Html(asset("page.css"))),
    )
    links = [tag("li", tag("a", section.menu or section.title, href=f"#{section.name}")) for section in sections]
    theme = tag("button", "Light or dark", type="button", id="theme", class_="quiet-button")
    bar = tag("nav", tag("ul", links), theme, aria_label="Sections")
    top = tag("header", tag("h1", title), tag("p", subtitle, class_="quiet"))
    main = tag("main", top, [section.html() for section in sections], id="content")
    skip = tag("a", "Skip to the content", href="#content", class_="skip")
    trace = tag("dialog", id="trace", aria_labelledby="trace-title")
    scripts = (
        f'<script type="application/json" id="data">{embedded(data)}</script>'
        f"<script>{plotly_script()}</script>" + "".join(f"<script>{asset(name)}</script>" for name in SCRIPTS)
    )
    without = tag(
        "noscript", tag("p", "Figures need JavaScript; every one has its numbers as a table.", class_="notice")
    )
    whole = tag("body", skip, bar, without, main, trace, Html(scripts))
    return f'<!DOCTYPE html>\n<html lang="en">{head}{whole}</html>\n'


@functools.cache
def asset(name: str) -> str:
    """Return a style or script of the page."""
    return (resources.files(__package__) / "assets" / name).read_text(encoding="utf-8")


@functools.cache
def plotly_script() -> str:
    """Return the drawing library, which its package ships.

    Raises
    ------
    MissingExtraError
        Where Plotly is not installed.
    """
    try:
        from plotly.offline import get_plotlyjs  # noqa: PLC0415 (an extra)
    except ImportError:
        raise MissingExtraError("report", "plotly", "report") from None
    found: str = get_plotlyjs()
    return found
