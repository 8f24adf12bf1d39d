"""The commands that look at finished runs: report, plot, explain, and the comparison of run folders."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from dawndusk.models.errors import DawnduskError, nearest, one_of
from dawndusk.models.outcome import OUTCOMES, known_outcome
from dawndusk.studies import show
from dawndusk.studies.lineage.attribution import Case, attribute
from dawndusk.studies.lineage.figures import lineage_of
from dawndusk.studies.lineage.show import DEPTH, MOST_SWINGS, attribution_report, figure_report
from dawndusk.studies.lineage.swings import swings
from dawndusk.studies.report.subject import Subject
from dawndusk.studies.results import HEADLINE
from dawndusk.studies.runcontent import RunContent, is_run_folder, read_run
from dawndusk.studies.runfolder import finite
from dawndusk.studies.runner import nominal_design
from dawndusk.studies.study import Kind
from dawndusk.studies.studyfile import read_study

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
run_argument = click.argument("run", metavar="RUN", type=click.Path(path_type=Path))


def _print_json(value: Any) -> None:
    click.echo(json.dumps(finite(value), indent=2, allow_nan=False))


@click.command("explain")
@click.argument("run", metavar="RUN|STUDY")
@click.argument("metric")
@click.option("--depth", type=click.IntRange(1, 20), default=DEPTH, show_default=True, help="Levels of the tree.")
@json_option
def explain_command(run: str, metric: str, depth: int, as_json: bool) -> int:
    """Show what a figure of a run is made of, down to data rows with their sources.

    RUN is a run folder, whose best design is explained, or a study, whose nominal design is. METRIC is an outcome (see
    `dawndusk list outcomes`), design.VARIABLE or the key of an assumption.
    """
    design, assumptions = _subject(run)
    lineage = lineage_of(design, assumptions)
    figure = lineage[metric]
    found = []
    if metric in OUTCOMES:
        found = swings(metric, lineage.rows_behind(metric), design, assumptions)
    if as_json:
        tree = lineage.to_dict(metric)
        _print_json({"metric": metric, "value": figure.value, "figures": tree, "swings": [s.to_dict() for s in found]})
    else:
        show.console().print(figure_report(lineage, metric, found[:MOST_SWINGS], depth))
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
    """Say on the error stream if the model of today gives other figures than the run recorded."""
    subject = Subject(content)
    if subject.drifted:
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
    from dawndusk.studies.report.page import write_report  # noqa: PLC0415 (brings tables and figures along)

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
    from dawndusk.studies.figures.static import write_pictures  # noqa: PLC0415 (brings tables and figures along)
    from dawndusk.studies.report.page import pictures_of  # noqa: PLC0415 (the same)

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


@click.command("compare")
@click.argument("studies", metavar="STUDY|RUN...", nargs=-1, required=True)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change one value of every study, for example design.altitude_km=900. May be repeated; not for runs.",
)
@click.option("--metric", metavar="OUTCOME", help="The figure of runs to explain; default: their objective.")
@json_option
def compare_command(studies: Sequence[str], overrides: Sequence[str], metric: str | None, as_json: bool) -> int:
    """Put several studies side by side, or say why runs differ.

    Every design study is searched and shown with the ground; --set applies to all of them. Run folders are not searched
    again: the difference of the first one from each other is split into a part for every input that changed. Exit code
    3 if a study is infeasible.
    """
    runs = [name for name in studies if is_run_folder(name)]
    if not runs:
        if metric is not None:
            raise DawnduskError("compare: found --metric with studies; allowed: with run folders")
        from dawndusk.studies import commands  # noqa: PLC0415 (brings the engines along)

        searched = commands.compare_command.callback
        return int(searched(studies=studies, overrides=overrides, as_json=as_json)) if searched else 0
    strangers = [name for name in studies if name not in runs]
    if strangers:
        raise DawnduskError(f"compare: found {strangers[0]!r} beside run folders; allowed: studies alone or runs alone")
    if overrides:
        raise DawnduskError("compare: found --set with run folders; allowed: with studies")
    if len(runs) < LEAST_RUNS:
        raise DawnduskError(f"compare: found one run folder, {runs[0]}; allowed: two or more")
    return compare_runs(runs, metric, as_json=as_json)


LEAST_RUNS = 2


def compare_runs(folders: Sequence[str | Path], metric: str | None, *, as_json: bool) -> int:
    """Put runs side by side and split the difference of the first from each other by what changed."""
    contents = [read_run(folder) for folder in folders]
    goal = known_outcome(metric or contents[0].study.objective)
    labels = labels_of(contents)
    cases = [Case(content.study, content.design, content.outcome) for content in contents]
    found = [attribute(goal, cases[0], case) for case in cases[1:]]
    columns = dict(zip(labels, [content.outcome for content in contents], strict=True))
    if as_json:
        differences = {label: one.to_dict() for label, one in zip(labels[1:], found, strict=True)}
        _print_json({"runs": columns, "metric": goal, "differences": differences})
        return 0
    console = show.console()
    console.print(show.comparison_table(columns, tuple(dict.fromkeys((goal, *HEADLINE)))))
    for label, one in zip(labels[1:], found, strict=True):
        console.print(attribution_report(one, (labels[0], label)))
    return 0


def labels_of(contents: Sequence[RunContent]) -> list[str]:
    """Return a name for each run: that of its folder, with its place where two are alike."""
    names = [content.folder.absolute().name for content in contents]
    return [name if names.count(name) == 1 else f"{name} ({place})" for place, name in enumerate(names, 1)]
