"""The commands that look at finished runs: report, plot, explain, and the comparison of run folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from dawndusk.models.errors import DawnduskError, nearest, one_of
from dawndusk.models.outcome import OUTCOMES
from dawndusk.studies.cli.terminal import json_option, print_json, run_argument
from dawndusk.studies.input.study import Kind
from dawndusk.studies.input.studyfile import read_study
from dawndusk.studies.lineage.figures import lineage_of
from dawndusk.studies.lineage.plan_run import is_plan_folder, plan_run
from dawndusk.studies.lineage.swings import swings
from dawndusk.studies.output.report.subject import Subject
from dawndusk.studies.output.terminal.console import console
from dawndusk.studies.output.terminal.lineage import DEPTH, MOST_SWINGS, figure_report
from dawndusk.studies.run.design.runner import nominal_design
from dawndusk.studies.run.folder.reading import RunContent, is_run_folder, read_run


@click.command("explain")
@click.argument("run", metavar="RUN|STUDY")
@click.argument("metric")
@click.option("--depth", type=click.IntRange(1, 20), default=DEPTH, show_default=True, help="Levels of the tree.")
@json_option
def explain_command(run: str, metric: str, depth: int, as_json: bool) -> int:
    """Show what a figure of a run is made of, down to data rows with their sources.

    RUN is a run folder, whose best design is explained, or a study, whose nominal design is. METRIC is an outcome (see
    `dawndusk list outcomes`), design.VARIABLE or the key of an assumption. Of a plan over years METRIC is a figure of
    its summary, an account such as launch, or DESIGN: OUTCOME.
    """
    if is_plan_folder(run):
        return _explain_plan(run, metric, depth, as_json=as_json)
    design, assumptions = _subject(run)
    lineage = lineage_of(design, assumptions)
    figure = lineage[metric]
    found = []
    if metric in OUTCOMES:
        found = swings(metric, lineage.rows_behind(metric), design, assumptions)
    if as_json:
        tree = lineage.to_dict(metric)
        print_json({"metric": metric, "value": figure.value, "figures": tree, "swings": [s.to_dict() for s in found]})
    else:
        console().print(figure_report(lineage, metric, found[:MOST_SWINGS], depth))
    return 0


def _explain_plan(folder: str, metric: str, depth: int, *, as_json: bool) -> int:
    """Show what a figure of a plan is made of."""
    from dawndusk.studies.lineage.plan_trace import PlanLineage  # noqa: PLC0415 (brings plans along)

    found = plan_run(folder)
    if not found.has_plan:
        raise DawnduskError(f"{folder}: found no plan that meets every rule; allowed: the folder of a plan")
    if found.has_drifted:
        click.echo(f"{folder}: this version of the model gives other figures than the plan recorded", err=True)
    lineage = PlanLineage(found)
    figure = lineage[metric]
    if as_json:
        print_json({"metric": figure.name, "value": figure.value, "figures": lineage.to_dict(figure.name)})
    else:
        console().print(figure_report(lineage, figure.name, (), depth))
    return 0


def _subject(name: str) -> tuple[Any, Any]:
    """Return the design and the assumptions of a run folder or a study, and say where a run is not as it was."""
    if not is_run_folder(name):
        study = read_study(name)
        if study.kind is Kind.GROUND:
            raise DawnduskError(f"{study.source}: kind: found ground, which has no design; allowed: a design study")
        return nominal_design(study), study.assumptions
    content = read_run(name)
    _say_what_drifted(content)
    return content.design, content.study.assumptions


def _say_what_drifted(content: RunContent) -> None:
    """Say on the error stream if the built-in model of today gives other figures than the run recorded."""
    subject = Subject(content)
    if subject.drifted and content.evaluator:
        click.echo(
            f"{content.folder}: the design was answered by {content.evaluator} ({', '.join(subject.drifted)}); what "
            "follows is of the built-in model",
            err=True,
        )
    elif subject.drifted:
        click.echo(
            f"{content.folder}: this version of the model gives other figures than the run recorded "
            f"({len(subject.drifted)} of {len(subject.now)}, {subject.drifted[0]} first), and what follows is of it",
            err=True,
        )


@click.command("report")
@run_argument
@click.option("--out", type=click.Path(path_type=Path), help="The HTML file; default FOLDER.html beside the folder.")
def report_command(run: Path, out: Path | None) -> int:
    """Write a run as one HTML file that works offline.

    RUN is a run folder. The file needs no network and no other file: send it, print it, read it on a phone.
    """
    from dawndusk.studies.output.report.page import write_report  # noqa: PLC0415 (brings tables and figures along)

    click.echo(f"report: {write_report(run, out)}")
    return 0


@click.command("plot")
@run_argument
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the files; default FOLDER-plots beside it.")
@click.option("--format", "kind", default="svg", show_default=True, metavar="svg|png", help="Kind of file.")
@click.option("--figure", "names", multiple=True, metavar="NAME", help="One figure; may be repeated. Default: all.")
def plot_command(run: Path, out: Path | None, kind: str, names: Sequence[str]) -> int:
    """Write the figures of a run as SVG or PNG files.

    RUN is a run folder. Drawing needs Chrome or Chromium.
    """
    from dawndusk.studies.output.figures.static import write_pictures  # noqa: PLC0415 (brings tables and figures along)
    from dawndusk.studies.output.report.page import pictures_of  # noqa: PLC0415 (the same)

    pictures = pictures_of(run)
    unknown = [name for name in names if name not in pictures]
    if unknown:
        raise DawnduskError(
            f"plot: figure: found {unknown[0]!r}; allowed: {one_of(pictures)}{nearest(unknown[0], pictures)}"
        )
    absolute = run.absolute()
    folder = out or absolute.with_name(f"{absolute.name}-plots")
    for path in write_pictures([pictures[name] for name in names or pictures], folder, kind):
        click.echo(str(path))
    return 0
