"""The commands of searches by trials: look at one, go on with it, and drive it from outside."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from dawndusk.models.errors import DawnduskError
from dawndusk.optimize.trials.plan import FAILING, INTERRUPT, TIME, TrialProgress
from dawndusk.studies.cli.terminal import (
    INFEASIBLE,
    INTERRUPTED,
    STOPPED,
    json_option,
    print_json,
    progress_bar,
    run_argument,
)
from dawndusk.studies.input.study import ResolvedStudy
from dawndusk.studies.run.trials.result import SearchRun

NUMBER, OUTCOMES, FAILED = "number", "outcomes", "failed"
MOST_SHOWN = 200
ANSWER_FORM = '{"number": 3, "outcomes": {...}} or {"number": 3, "failed": "why"}'

storage_option = click.option(
    "--storage", metavar="URL", help="Address of the trials, in place of what the run folder says; with a password."
)


@contextmanager
def progress_report(*, quiet: bool, as_json: bool) -> Iterator[Callable[[TrialProgress], None]]:
    """Return what shows progress on the error stream: a bar on a terminal, a line of JSON each where asked for."""
    if as_json and not quiet:
        yield lambda progress: print_json({**asdict(progress), "share": progress.share}, indent=None, err=True)
        return
    with progress_bar(silent=quiet) as advance:
        yield lambda progress: advance("evaluating", progress.share, progress_words(progress))


def progress_words(progress: TrialProgress) -> str:
    """Return how a search stands, in a few words."""
    words = [f"{progress.evaluated:,} of {progress.evaluations:,}"]
    if progress.best is not None:
        words.append(f"best {progress.best:.5g}")
    if progress.hypervolume is not None:
        words.append(f"front {progress.front}, hypervolume {progress.hypervolume:.4f}")
    if progress.failed:
        words.append(f"{progress.failed} failed")
    return "  ".join(words)


def ending_of(run: SearchRun) -> tuple[int, str]:
    """Return the exit code of a search, and words on how it ended."""
    searched = run.result
    counted = f"{len(searched.answered)} evaluations, {searched.evaluated} of them now"
    kept = f"; {len(searched.pending)} asked and not answered" if searched.pending else ""
    words = f"status: {run.status}, stopped by {run.stopped_by}; {counted}{kept}"
    if run.stopped_by == INTERRUPT:
        return INTERRUPTED, f"{words}; go on with: dawndusk resume {run.folder}"
    if run.stopped_by in {TIME, FAILING}:
        return STOPPED, f"{words}; go on with: dawndusk resume {run.folder}"
    return (0 if searched.front else INFEASIBLE), words


def run_and_show(study: ResolvedStudy, folder: Path | None, *, quiet: bool, as_json: bool, allow_code: bool) -> int:
    """Search by trials, or go on with what the run folder has, print what came of it and return the exit code."""
    from dawndusk.studies.run.trials.runner import Where, run_search  # noqa: PLC0415 (help answers without the models)

    with progress_report(quiet=quiet, as_json=as_json) as report:
        say = _teller(study.name, quiet=quiet, as_json=as_json)
        found = run_search(study, folder, where=Where(allow_code=allow_code), report=report, say=say)
    return show_search(found, quiet=quiet, as_json=as_json)


def _teller(name: str, *, quiet: bool, as_json: bool) -> Callable[[str], None]:
    """Return what puts a line on the error stream, as JSON among the lines of progress where these are."""

    def say(words: str) -> None:
        if as_json and not quiet:
            print_json({"note": words}, indent=None, err=True)
        elif not quiet:
            click.echo(f"{name}: {words}", err=True)

    return say


def show_search(run: SearchRun, *, quiet: bool, as_json: bool) -> int:
    """Print what came of a search and return the exit code."""
    from dawndusk.studies.output.terminal.console import console  # noqa: PLC0415 (only where shown)
    from dawndusk.studies.output.terminal.trials import search_report  # noqa: PLC0415

    code, words = ending_of(run)
    if as_json:
        print_json(run.to_dict())
    elif not quiet:
        console().print(search_report(run))
    if code:
        click.echo(f"{run.study.name}: {words}", err=True)
    click.echo(f"run folder: {run.folder}", err=as_json)
    return code


def _plain(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


@click.command("status")
@run_argument
@storage_option
@json_option
def status_command(run: Path, storage: str | None, as_json: bool) -> int:
    """Say how a search by trials stands, while it runs or afterwards."""
    from dawndusk.studies.output.terminal.console import console  # noqa: PLC0415
    from dawndusk.studies.output.terminal.trials import status_report  # noqa: PLC0415
    from dawndusk.studies.run.trials.folder import read_begun  # noqa: PLC0415
    from dawndusk.studies.run.trials.questions import asked_of  # noqa: PLC0415 (help answers without the models)
    from dawndusk.studies.run.trials.result import status  # noqa: PLC0415

    found = status(run, asked_of(read_begun(run).study, is_told=True).question, storage)
    if as_json:
        print_json(found)
        return 0
    console().print(status_report(found))
    return 0


def _words(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_words(item)}" for name, item in value.items())
    return _plain(value)


@click.command("resume")
@run_argument
@click.option("--evaluations", type=click.IntRange(min=1), help="Evaluations after which it ends, in place of before.")
@click.option("--time-limit", "time_limit_s", type=click.FloatRange(min=0, min_open=True), help="Seconds from now.")
@click.option("--stagnation", type=click.IntRange(min=0), help="Evaluations without a better result; 0: never.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes that evaluate; no part in what is found.")
@click.option("--cluster", metavar="ADDRESS", help="Address of a Dask cluster that evaluates instead.")
@click.option("--allow-code", is_flag=True, help="Allow the study to name a Python function.")
@storage_option
@click.option("--quiet", is_flag=True, help="No progress, no report.")
@json_option
def resume_command(run: Path, quiet: bool, as_json: bool, **options: Any) -> int:
    """Go on with a search by trials. What was finished is not evaluated again.

    Exit code 3 if nothing feasible was found, 4 after the time limit or too many failures in a row, 130 after an
    interrupt.
    """
    from dawndusk.studies.run.trials.runner import Where, resume  # noqa: PLC0415 (help answers without the samplers)

    where = Where(**{name: options.pop(name) for name in ("storage", "workers", "cluster", "allow_code")})
    with progress_report(quiet=quiet, as_json=as_json) as report:
        say = _teller(str(run), quiet=quiet, as_json=as_json)
        found = resume(run, changes=options, where=where, report=report, say=say)
    return show_search(found, quiet=quiet, as_json=as_json)


@click.command("ask")
@run_argument
@click.option("-n", "count", default=1, type=click.IntRange(min=1), show_default=True, help="How many designs.")
@click.option("--study", metavar="STUDY", help="Begin the run folder with this study.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change one value of that study.")
@storage_option
@json_option
def ask_command(
    run: Path, count: int, study: str | None, overrides: Sequence[str], storage: str | None, as_json: bool
) -> int:
    """Name the next designs to evaluate elsewhere; `dawndusk tell` takes the answers.

    With --json a line for each: its number, the point and the whole design. Several processes may ask at once.
    """
    from dawndusk.studies.input.studyfile import read_study  # noqa: PLC0415
    from dawndusk.studies.run.trials.runner import ask, begin_told  # noqa: PLC0415 (help answers without the samplers)

    if study is None and overrides:
        raise click.UsageError("--set: found without --study; allowed: both", click.get_current_context())
    if study is not None:
        begin_told(read_study(study, overrides), run, storage)
    asked = ask(run, count, storage=storage)
    for item in asked:
        if as_json:
            print_json(item, indent=None)
        else:
            click.echo(f"trial {item[NUMBER]}: {_words(item['point'])}")
    if len(asked) < count:
        click.echo(f"{run}: {len(asked)} of {count}: the sampler names no more new designs", err=True)
    return 0 if asked else STOPPED


@click.command("tell")
@run_argument
@click.argument("number", type=click.IntRange(min=0), required=False)
@click.option("--outcomes", metavar="JSON", help='Outcomes by name, as {"capex_usd": 4.2e9}.')
@click.option("--failed", metavar="WORDS", help="Why there are no outcomes.")
@storage_option
def tell_command(run: Path, number: int | None, outcomes: str | None, failed: str | None, storage: str | None) -> int:
    """Take the answer to a design that was asked.

    Without a NUMBER a line of JSON for each answer is read from standard input: its number, and outcomes or failed.
    """
    from dawndusk.studies.run.trials.runner import tell  # noqa: PLC0415 (help answers without the samplers)

    told = tell(run, _answers(number, outcomes, failed), storage=storage)
    click.echo(f"{run}: {len(told)} told")
    return 0


def _answers(number: int | None, outcomes: str | None, failed: str | None) -> Iterable[tuple[int, Mapping[str, Any]]]:
    """Return numbers and answers from the options, or else from standard input."""
    context = click.get_current_context()
    if number is None:
        if outcomes is not None or failed is not None:
            raise click.UsageError("found an answer without the NUMBER of its trial", context)
        return _from_lines(sys.stdin)
    if (outcomes is None) == (failed is None):
        raise click.UsageError("allowed: one of --outcomes and --failed", context)
    if failed is not None:
        return [(number, {FAILED: failed})]
    return [(number, _object(outcomes or "", "--outcomes"))]


def _from_lines(lines: Iterable[str]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for index, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"line {index} of the input"
        stated = _object(line, where)
        number = stated.get(NUMBER)
        if not isinstance(number, int) or isinstance(number, bool) or (OUTCOMES in stated) == (FAILED in stated):
            raise DawnduskError(f"{where}: found {line.strip()[:MOST_SHOWN]}; allowed: {ANSWER_FORM}")
        answer = {FAILED: stated[FAILED]} if FAILED in stated else stated[OUTCOMES]
        if not isinstance(answer, Mapping):
            raise DawnduskError(f"{where}: {OUTCOMES}: found {answer!r}; allowed: an object of outcomes by name")
        yield number, answer


def _object(text: str, where: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DawnduskError(f"{where}: found {text.strip()[:MOST_SHOWN]!r}, which is no JSON ({error})") from None
    if not isinstance(found, Mapping):
        raise DawnduskError(f"{where}: found {text.strip()[:MOST_SHOWN]!r}; allowed: a JSON object")
    return found
