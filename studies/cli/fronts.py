"""The commands for fronts: search one, export one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from dawndusk.optimize.progress import Progress
from dawndusk.studies.cli.terminal import (
    INFEASIBLE,
    INTERRUPTED,
    STOPPED,
    json_option,
    out_option,
    print_json,
    progress_bar,
    quiet_option,
    set_option,
    study_argument,
)
from dawndusk.studies.input.study import ResolvedStudy
from dawndusk.studies.input.studyfile import read_study
from dawndusk.studies.output.exports.front import ENDINGS, export_front
from dawndusk.studies.output.folders.front import keep_front
from dawndusk.studies.output.terminal.console import console
from dawndusk.studies.output.terminal.front import front_report
from dawndusk.studies.run.folder.writing import default_folder
from dawndusk.studies.run.front.runner import FrontResult, check_front_target, run_front


@click.command("pareto")
@study_argument
@click.option("--minimise", multiple=True, metavar="OUTCOME", help="Goal in place of the study's. May be repeated.")
@click.option("--maximise", multiple=True, metavar="OUTCOME", help="Goal in place of the study's. May be repeated.")
@set_option
@out_option
@click.option("--spacing", metavar="FRACTION", help="Short for --set front.spacing=...: the widest gap wanted.")
@click.option("--no-certify", flag_value="false", default=None, help="Short for --set front.certify_ends=false.")
@click.option(
    "--certify-points", flag_value="true", default=None, help="Short for --set front.certify_points=true: long."
)
@click.option("--time-limit", metavar="SECONDS", help="Short for --set search.time_limit_s=...")
@quiet_option
@json_option
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


def show_front(resolved: ResolvedStudy, folder: Path, *, quiet: bool, as_json: bool) -> int:
    """Search the front of a study, write its run folder, print it, and return the exit code."""
    check_front_target(resolved, folder)
    result = _search(resolved, silent=quiet or as_json)
    keep_front(result, folder)
    if as_json:
        print_json(result.to_dict())
    elif not quiet:
        console().print(front_report(result))
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


def _search(study: ResolvedStudy, *, silent: bool) -> FrontResult:
    """Search a front, with a progress bar on the error stream of a terminal."""
    with progress_bar(silent=silent) as advance:

        def report(progress: Progress) -> None:
            advance(progress.stage, progress.share, f"{progress.evaluated:,} designs")

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
    """Write the front of a run folder, or the trials of a search, as a table or picture for other programs."""
    from dawndusk.studies.run.trials.folder import is_search  # noqa: PLC0415 (only for an export)

    if not is_search(run_folder):
        click.echo(str(export_front(run_folder, target)))
        return 0
    from dawndusk.studies.output.exports.trials import export_trials  # noqa: PLC0415 (brings searches along)

    exported = export_trials(run_folder, target)
    click.echo(str(exported.path))
    if exported.left_out:
        click.echo(f"{exported.path}: {exported.left_out}", err=True)
    return 0
