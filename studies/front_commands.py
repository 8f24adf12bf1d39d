"""The commands for fronts: search one, export one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from dawndusk.optimize import evolution
from dawndusk.studies import show
from dawndusk.studies.front_export import ENDINGS, export_front
from dawndusk.studies.fronts import FrontResult, run_front, write_front
from dawndusk.studies.runfolder import check_target, default_folder, finite
from dawndusk.studies.show_front import front_report
from dawndusk.studies.study import Study
from dawndusk.studies.studyfile import read_study

INFEASIBLE, STOPPED, INTERRUPTED = 3, 4, 130


@click.command("pareto")
@click.argument("study", metavar="STUDY")
@click.option("--minimise", multiple=True, metavar="OUTCOME", help="Goal in place of the study's. May be repeated.")
@click.option("--maximise", multiple=True, metavar="OUTCOME", help="Goal in place of the study's. May be repeated.")
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change one value of the study. May be repeated."
)
@click.option("--out", type=click.Path(path_type=Path), help="Run folder; default runs/NAME-HASH.")
@click.option("--spacing", metavar="FRACTION", help="Short for --set front.spacing=...: the widest gap wanted.")
@click.option("--no-certify", flag_value="false", default=None, help="Short for --set front.certify_ends=false.")
@click.option(
    "--certify-points", flag_value="true", default=None, help="Short for --set front.certify_points=true: long."
)
@click.option("--time-limit", metavar="SECONDS", help="Short for --set search.time_limit_s=...")
@click.option("--quiet", is_flag=True, help="No progress, no tables.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def pareto_command(
    study: str, overrides: Sequence[str], out: Path | None, quiet: bool, as_json: bool, **options: Any
) -> int:
    """Search the front of a study between two to five goals, and write a run folder.

    The goals are those of the study where it is of kind pareto, or those that --minimise and --maximise name. The best
    value of each goal is proved as far as half of the time limit goes; see front.json for what was proved.

    Exit code 3 if no design is feasible, 4 if the search was ended before it was complete, 1 if a design contradicts a
    certificate, 130 after an interrupt; what was found by then is written.
    """
    resolved = read_study(study, ["kind=pareto", *_goals(options), *overrides, *_settings(options)])
    return show_front(resolved, out or default_folder(resolved), quiet=quiet, as_json=as_json)


def show_front(resolved: Study, folder: Path, *, quiet: bool, as_json: bool) -> int:
    """Search the front of a study, write its run folder, print it, and return the exit code."""
    check_target(folder)
    result = _search(resolved, silent=quiet or as_json)
    write_front(result, folder)
    if as_json:
        click.echo(json.dumps(finite(result.to_dict()), indent=2, allow_nan=False))
    elif not quiet:
        show.console().print(front_report(result))
    click.echo(f"run folder: {folder}", err=as_json)
    return _exit_code(result)


SETTINGS = {
    "spacing": "front.spacing",
    "no_certify": "front.certify_ends",
    "certify_points": "front.certify_points",
    "time_limit": "search.time_limit_s",
}


def _settings(options: Mapping[str, Any]) -> list[str]:
    """Return the short options as ``--set`` items, so that they are checked and recorded like those."""
    return [f"{key}={options[name]}" for name, key in SETTINGS.items() if options[name] is not None]


def _goals(options: Mapping[str, Any]) -> list[str]:
    """Return the goals as ``--set`` items, none where none is given; then those of the study stand."""
    return [f"{sense}=[{', '.join(options[sense])}]" for sense in ("minimise", "maximise") if options[sense]]


def _search(study: Study, *, silent: bool) -> FrontResult:
    """Search a front, with a progress bar on the error stream of a terminal."""
    terminal = show.console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[note]}"), TimeElapsedColumn())
    with Progress(*columns, console=terminal, transient=True, disable=silent or not terminal.is_terminal) as bar:
        task = bar.add_task("starting", total=1.0, note="")

        def report(progress: evolution.Progress) -> None:
            note = f"{progress.evaluated:,} designs"
            bar.update(task, description=progress.stage, completed=progress.share, note=note)

        return run_front(study, report)


def _exit_code(result: FrontResult) -> int:
    """Return the exit code of a front; say on the error stream why it is not 0."""
    code = {"interrupt": INTERRUPTED, "completion": 0}.get(result.stopped_by, STOPPED)
    if code == 0 and result.status == "infeasible":
        code = INFEASIBLE
    if code:
        click.echo(f"{result.study.name}: status: {result.status}, ended by {result.stopped_by}", err=True)
    return code


@click.command("export")
@click.argument("run_folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "target",
    required=True,
    metavar="|".join(ENDINGS.values()),
    help="A format, or a file whose name ends in " + ", ".join(ENDINGS) + ".",
)
def export_command(run_folder: Path, target: str) -> int:
    """Write the front of a run folder as a table or picture for other programs."""
    click.echo(str(export_front(run_folder, target)))
    return 0
