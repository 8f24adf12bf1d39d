"""What the commands share: exit codes, options, JSON and progress."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import click

CONTRADICTED, BAD_INPUT, INFEASIBLE, STOPPED, INTERRUPTED = 1, 2, 3, 4, 130

study_argument = click.argument("study", metavar="STUDY")
run_argument = click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change one value of the study, for example design.altitude_km=900 or "
    "assumptions.launch.programme_share=0.3. May be repeated.",
)
out_option = click.option("--out", type=click.Path(path_type=Path), help="Run folder; default runs/NAME-HASH.")
quiet_option = click.option("--quiet", is_flag=True, help="No progress, no tables.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")


def print_json(value: Any, *, indent: int | None = 2, err: bool = False) -> None:
    """Print a value as JSON; numbers that are not finite as null."""
    from dawndusk.studies.run.folder.writing import finite  # noqa: PLC0415 (help answers without the models)

    click.echo(json.dumps(finite(value), indent=indent, allow_nan=False), err=err)


class Advance(Protocol):
    """Moves a progress bar."""

    def __call__(self, stage: str, share: float | None, note: str) -> None:
        """Show what is done now, the share of all that is done (none if unknown), and a note."""


@contextmanager
def progress_bar(*, silent: bool) -> Iterator[Advance]:
    """Show progress on the error stream where that is a terminal."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415 (only where shown)

    from dawndusk.studies.output.terminal.console import console  # noqa: PLC0415 (help answers without the models)

    terminal = console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[note]}"), TimeElapsedColumn())
    with Progress(*columns, console=terminal, transient=True, disable=silent or not terminal.is_terminal) as bar:
        task = bar.add_task("starting", total=1.0, note="")

        def advance(stage: str, share: float | None, note: str) -> None:
            bar.update(task, description=stage, completed=share, total=None if share is None else 1.0, note=note)

        yield advance
