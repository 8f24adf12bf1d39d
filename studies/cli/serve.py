"""The command that serves the explorer."""

from __future__ import annotations

import os
import webbrowser
from collections.abc import Sequence
from pathlib import Path

import click

from dawndusk.models.errors import DawnduskError
from dawndusk.studies.input.files import library_names
from dawndusk.studies.input.studyfile import read_study
from dawndusk.studies.lineage.plan_run import is_plan_folder
from dawndusk.studies.run.folder.reading import is_run_folder

MOST_SECONDS = 3600.0


@click.command("serve")
@click.argument("what", metavar="[RUN|STUDY]...", nargs=-1)
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Where runs are, and where searches write theirs.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; another needs a token.")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="Port; 0 takes any.")
@click.option(
    "--longest",
    type=click.FloatRange(1.0, 1e6),
    default=MOST_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="Longest search that may be asked for.",
)
@click.option("--open", "opened", is_flag=True, help="Open it in a browser.")
def serve_command(what: Sequence[str], folder: Path, host: str, port: int, longest: float, opened: bool) -> int:
    """Explore runs and studies in a browser.

    RUN is a run folder or the folder of a plan, STUDY a shipped study or a study file; without either, the runs of
    --folder and the shipped studies. It listens on this machine alone unless --host says otherwise. End it with Ctrl-C:
    a search that runs is kept and goes on with the next start.
    """
    from dawndusk.studies.web.server import serve  # noqa: PLC0415 (brings the model along)

    named, first = _named(what)

    def tell(address: str) -> None:
        click.echo(f"explorer: {address}")
        if opened:
            webbrowser.open(address)

    serve(folder, named, first=first, host=host, port=port, most_seconds=longest, tell=tell)
    return 0


def _named(what: Sequence[str]) -> tuple[dict[str, Path], str]:
    """Return runs and study files by the name that the explorer shows, and what it opens with."""
    named: dict[str, Path] = {}
    first = ""
    for item in what:
        plan, path = is_plan_folder(item), Path(os.path.abspath(item))  # noqa: PTH100 (resolve would follow links)
        if plan:
            named[_fresh(path.name, named)] = path
            continue
        run = is_run_folder(item)
        if not run and item in library_names():
            first = first or f"study={item}"
            continue
        if not run:
            read_study(item)
        name = _fresh(path.name if run else path.stem, named)
        named[name] = path
        first = first or f"{'run' if run else 'study'}={name}"
    return named, first


def _fresh(name: str, taken: dict[str, Path]) -> str:
    if not name:
        raise DawnduskError("serve: found an empty name; allowed: a run folder or a study")
    known = {*taken, *library_names()}
    return next(one for one in (name, *(f"{name}-{i}" for i in range(2, len(known) + 3))) if one not in known)
