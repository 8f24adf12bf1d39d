"""The commands that search a design study or evaluate one design of it."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from dawndusk.optimize.progress import Progress
from dawndusk.optimize.result import COMPLETION, INTERRUPT, DesignResult
from dawndusk.optimize.settings import Engine
from dawndusk.studies.cli.terminal import (
    CONTRADICTED,
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
from dawndusk.studies.input.study import Kind, ResolvedStudy, SamplerName
from dawndusk.studies.input.studyfile import read_stated, read_study, study_from_mapping
from dawndusk.studies.output.terminal import design as show
from dawndusk.studies.output.terminal.console import console
from dawndusk.studies.run.design.ground import ground_options
from dawndusk.studies.run.design.results import RunResult
from dawndusk.studies.run.design.runner import evaluate_design, nominal_design, run_design
from dawndusk.studies.run.design.wording import ending, percent
from dawndusk.studies.run.folder import ledger
from dawndusk.studies.run.folder.open_boxes import Keeper
from dawndusk.studies.run.folder.writing import (
    check_target,
    default_folder,
    keep_run,
    read_unfinished,
    refuse_ground_folder,
    write_checkpoint,
)


@click.command("run")
@click.argument("study", metavar="[STUDY]", required=False)
@set_option
@out_option
@click.option("--engine", metavar="|".join(Engine), help="Short for --set search.engine=...")
@click.option("--gap", metavar="FRACTION", help="Short for --set search.gap=...: how close a bound is to be proved.")
@click.option("--time-limit", metavar="SECONDS", help="Short for --set search.time_limit_s=...")
@click.option("--no-audit", "audit", flag_value="false", default=None, help="Short for --set search.audit=false.")
@click.option(
    "--resume",
    metavar="RUN_FOLDER",
    type=click.Path(path_type=Path),
    help="Go on with the certified run that this folder keeps unfinished, in place of a STUDY; of the options that "
    "change a study only --time-limit goes with it.",
)
@click.option("--sampler", metavar="|".join(SamplerName), help="Short for --set search.sampler=...")
@click.option("--evaluations", metavar="COUNT", help="Short for --set search.evaluations=...: of a search by trials.")
@click.option("--workers", metavar="COUNT", help="Short for --set search.workers=...: processes at the same time.")
@click.option("--cluster", metavar="ADDRESS", help="Short for --set search.cluster=...: a Dask cluster instead.")
@click.option("--storage", metavar="URL", help="Short for --set search.storage=...: where trials are kept.")
@click.option("--allow-code", is_flag=True, help="Allow the study to name a Python function as evaluator.")
@click.option("--no-explain", is_flag=True, help="Leave out what the optimum is made of: up to ten seconds less.")
@quiet_option
@json_option
def run_command(
    study: str | None, overrides: Sequence[str], resume: Path | None, quiet: bool, as_json: bool, **options: Any
) -> int:
    """Search the design space of a study and write a run folder.

    A study of kind pareto is searched for its front, as `dawndusk pareto` does, and one of kind plan is planned, as
    `dawndusk plan` does. A search by trials (engine bayes or auto, or an evaluator of your own) goes on with what its
    run folder has.

    Exit code 3 if no design is feasible, 4 if the search was ended before it closed the gap asked for or found a
    design, 1 if a design contradicts a certificate, 130 after an interrupt; what engine certified or a search by
    trials has found by then is written.
    """
    out: Path | None = options.pop("out")
    explain, allow_code = not options.pop("no_explain"), options.pop("allow_code")
    if resume is not None:
        refused = {"STUDY": study, "--set": overrides, "--out": out, **options}
        return _go_on(resume, quiet, as_json, refused, explain=explain)
    if study is None:
        raise click.UsageError("Missing argument 'STUDY'.", click.get_current_context())
    stated = read_stated(study)
    if stated.kind(overrides) is Kind.PLAN:
        from dawndusk.studies.cli.plans import show_plan  # noqa: PLC0415 (only for a plan)

        plan = stated.study([*overrides, *_plan_items(options, {"--allow-code": allow_code})])
        return show_plan(plan, quiet=quiet, as_json=as_json, out=out, no_explain=not explain)
    resolved = stated.study([*overrides, *_search_items(options)])
    if resolved.kind is Kind.GROUND:
        refuse_ground_folder(out)
        return 0 if quiet else _show_ground(resolved, as_json)
    if resolved.search.goes_by_trials:
        return _run_trials(resolved, out, quiet, as_json, allow_code=allow_code)
    if resolved.kind is Kind.PARETO:
        from dawndusk.studies.cli.fronts import show_front  # noqa: PLC0415 (only for a front)

        return show_front(resolved, out or default_folder(resolved), quiet=quiet, as_json=as_json)
    return _run(resolved, out or default_folder(resolved), quiet, as_json, explain=explain)


PLAN_KEYS = {"gap": "gap", "time_limit": "time_limit_s"}


def _plan_items(options: dict[str, Any], others: dict[str, Any]) -> list[str]:
    """Return the options that a plan has as ``--set`` items, and refuse those of a search."""
    named = {f"--{name.replace('_', '-')}": value for name, value in options.items() if name not in PLAN_KEYS}
    for name, value in {**named, **others}.items():
        if value:
            shown = {"--audit": "--no-audit"}.get(name, name)
            raise click.UsageError(
                f"{shown}: found it with a plan; allowed: --gap, --time-limit, --out, --no-explain, and what "
                "`dawndusk plan` takes",
                click.get_current_context(),
            )
    return [f"plan.{key}={options[name]}" for name, key in PLAN_KEYS.items() if options.get(name) is not None]


def _run_trials(study: ResolvedStudy, out: Path | None, quiet: bool, as_json: bool, *, allow_code: bool) -> int:
    """Search by trials, or go on with what the run folder has, and print what came of it."""
    from dawndusk.studies.cli.searches import run_and_show  # noqa: PLC0415 (only for trials)

    return run_and_show(study, out, quiet=quiet, as_json=as_json, allow_code=allow_code)


SEARCH_KEYS = {
    "engine": "engine",
    "gap": "gap",
    "time_limit": "time_limit_s",
    "audit": "audit",
    "sampler": "sampler",
    "evaluations": "evaluations",
    "workers": "workers",
    "cluster": "cluster",
    "storage": "storage",
}


def _search_items(options: dict[str, Any]) -> list[str]:
    """Return the options of a search as ``--set`` items, so that they are checked and recorded like those."""
    return [f"search.{key}={options[name]}" for name, key in SEARCH_KEYS.items() if options.get(name) is not None]


def _go_on(folder: Path, quiet: bool, as_json: bool, refused: dict[str, Any], *, explain: bool) -> int:
    """Go on with an unfinished run, for as long as its study says or ``--time-limit``."""
    limit = refused.pop("time_limit")
    given = [name for name, value in refused.items() if value]
    if given:
        name = {"audit": "--no-audit"}.get(given[0], f"--{given[0]}" if given[0] in SEARCH_KEYS else given[0])
        raise click.UsageError(
            f"--resume: found {name} beside it; allowed: --time-limit, --no-explain, --quiet, --json",
            click.get_current_context(),
        )
    study, unfinished = read_unfinished(folder)
    seconds = study.search.time_limit_s
    if limit is not None:
        seconds = study_from_mapping(study.resolved, [f"search.time_limit_s={limit}"]).search.time_limit_s
    return _run(study, folder, quiet, as_json, resume=unfinished, time_limit_s=seconds, explain=explain)


def _run(study: ResolvedStudy, folder: Path, quiet: bool, as_json: bool, **going_on: Any) -> int:
    """Search, write the run folder and print the answer."""
    check_target(folder)
    ledger.entries(ledger.folder_beside(folder), study)
    keeper = Keeper(functools.partial(write_checkpoint, study=study, folder=folder))
    result: RunResult | None = None
    with contextlib.suppress(KeyboardInterrupt):
        result = searched(study, silent=quiet or as_json, checkpoint=keeper, **going_on)
    if result is None or _is_barely_begun(result):
        kept = keeper.kept or "resume" in going_on
        click.echo(f"interrupted; {_resume_hint(folder)}" if kept else "interrupted; nothing was written", err=True)
        return INTERRUPTED
    if keeper.failure:
        click.echo(f"{study.name}: open boxes were not kept on the way: {keeper.failure}", err=True)
    keep_run(result, folder)
    if as_json:
        print_json(result.to_dict())
    elif not quiet:
        console().print(show.run_report(result))
    click.echo(f"run folder: {folder}", err=as_json)
    return exit_code_of(result, folder)


def _is_barely_begun(result: RunResult) -> bool:
    """Return whether a run was interrupted before there was a proof to go on with: it replaces no older run."""
    found = result.result
    has_proof = found.second is not None or found.unfinished is not None
    return result.stopped_by == INTERRUPT and not has_proof


def _resume_hint(folder: Path) -> str:
    return f"go on with: dawndusk run --resume {folder}"


def _show_ground(study: ResolvedStudy, as_json: bool) -> int:
    result = ground_options(study)
    if as_json:
        print_json(result.to_dict())
    else:
        console().print(show.ground_report(result))
    return 0


def exit_code_of(result: RunResult, folder: Path | None = None) -> int:
    """Return the exit code of a run; say on the error stream why it is not 0."""
    code, words = _verdict(result)
    if folder is not None and code in {STOPPED, INTERRUPTED} and result.result.unfinished is not None:
        words += f"; {_resume_hint(folder)}"
    if code:
        click.echo(f"{result.study.name}: {words}", err=True)
    return code


def _verdict(result: RunResult) -> tuple[int, str]:
    """Return the exit code of a run, and what went otherwise than asked for."""
    if result.audit == "failed":
        failed = "; ".join(f"{check.name}: {check.words}" for check in result.checks if not check.held)
        return CONTRADICTED, f"the audit failed: {failed}"
    state = f"status: {result.status}"
    if result.stopped_by == INTERRUPT:
        return INTERRUPTED, f"{state}, interrupted"
    if result.status == "infeasible":
        return INFEASIBLE, f"{state}; broken: {', '.join(x.name for x in result.best.broken)}"
    if result.status == "optimal":
        return 0, state
    if not result.study.search.engine.proves:
        return (
            (0, state)
            if result.stopped_by == COMPLETION
            else (STOPPED, f"{state}, but the search was {ending(result)}")
        )
    gap = "" if result.gap is None else f" with a gap of {percent(result.gap)}"
    return STOPPED, f"{state}{gap}, but the search was {ending(result)}"


def searched(
    study: ResolvedStudy, *, silent: bool, checkpoint: Callable[[DesignResult], None] | None = None, **going_on: Any
) -> RunResult:
    """Run a search, with a progress bar on the error stream of a terminal."""
    with progress_bar(silent=silent) as advance:

        def report(progress: Progress) -> None:
            best = "" if progress.best != progress.best else f"best {progress.best:.5g}"
            bound = "" if progress.bound != progress.bound else f"  bound {progress.bound:.5g}"
            counted = f"{progress.evaluated:,} {'designs' if not bound else 'examined'}"
            advance(progress.stage, progress.share, f"{best}{bound}  {counted}")

        return run_design(study, report, checkpoint=checkpoint, **going_on)


@click.command("evaluate")
@study_argument
@set_option
@json_option
def evaluate_command(study: str, overrides: Sequence[str], as_json: bool) -> int:
    """Evaluate one design of a study.

    Variables that the study leaves open take their nominal value; set others with --set design.NAME=VALUE. Exit code
    3 if the design breaks a rule.
    """
    resolved = read_study(study, overrides)
    if resolved.kind is Kind.GROUND:
        return _show_ground(resolved, as_json)
    resolved.check_has_design("a design study; `dawndusk plan` shows what the designs of a plan come to")
    evaluated = evaluate_design(resolved, nominal_design(resolved))
    if as_json:
        print_json(evaluated.to_dict())
    else:
        console().print(show.evaluation_report(evaluated))
    return 0 if evaluated.feasible else INFEASIBLE
