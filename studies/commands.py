"""The commands of the command line."""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from dawndusk.models.assumptions import CATALOGUES
from dawndusk.models.constants import WATTS_PER_MW
from dawndusk.models.design import VARIABLES
from dawndusk.models.errors import DawnduskError
from dawndusk.models.outcome import OUTCOMES
from dawndusk.optimize import evolution
from dawndusk.optimize.certify.certificate import Certified
from dawndusk.studies import ledger, show
from dawndusk.studies.data import default_assumptions
from dawndusk.studies.engines import COMPLETION, INTERRUPT
from dawndusk.studies.ground import ground_options
from dawndusk.studies.openboxes import Keeper
from dawndusk.studies.proof import ending, percent
from dawndusk.studies.results import HEADLINE, RunResult
from dawndusk.studies.runfolder import (
    check_target,
    default_folder,
    finite,
    keep_run,
    read_unfinished,
    refuse_ground_folder,
    write_checkpoint,
)
from dawndusk.studies.runner import evaluate_design, nominal_design, run_design
from dawndusk.studies.study import Engine, Kind, SamplerName, Study
from dawndusk.studies.studyfile import json_schema, library_names, read_study, study_from_mapping
from dawndusk.studies.validate import SHIPPED_CASES, all_agree, read_cases, run_cases, to_json

DISAGREE, BAD_INPUT, INFEASIBLE, STOPPED, INTERRUPTED = 1, 2, 3, 4, 130
HASH_LETTERS = 12

study_argument = click.argument("study", metavar="STUDY")
set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change one value of the study, for example design.altitude_km=900 or "
    "assumptions.launch.programme_share=0.3. May be repeated.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")


def _print_json(value: Any) -> None:
    click.echo(json.dumps(finite(value), indent=2, allow_nan=False))


@click.command("run")
@click.argument("study", metavar="[STUDY]", required=False)
@set_option
@click.option("--out", type=click.Path(path_type=Path), help="Run folder; default runs/NAME-HASH.")
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
@click.option("--quiet", is_flag=True, help="No progress, no tables.")
@json_option
def run_command(
    study: str | None, overrides: Sequence[str], resume: Path | None, quiet: bool, as_json: bool, **options: Any
) -> int:
    """Search the design space of a study and write a run folder.

    A study of kind pareto is searched for its front, as `dawndusk pareto` does. A search by trials (engine bayes or
    auto, or an evaluator of your own) goes on with what its run folder has.

    Exit code 3 if no design is feasible, 4 if the search was ended before it closed the gap asked for or found a
    design, 1 if a design contradicts a certificate, 130 after an interrupt; what was found by then is written.
    """
    out: Path | None = options.pop("out")
    explain, allow_code = not options.pop("no_explain"), options.pop("allow_code")
    if resume is not None:
        refused = {"STUDY": study, "--set": overrides, "--out": out, **options}
        return _go_on(resume, quiet, as_json, refused, explain=explain)
    if study is None:
        raise click.UsageError("Missing argument 'STUDY'.", click.get_current_context())
    resolved = read_study(study, [*overrides, *_search_items(options)])
    if resolved.kind is Kind.GROUND:
        refuse_ground_folder(out)
        return 0 if quiet else _show_ground(resolved, as_json)
    if resolved.search.goes_by_trials:
        return _run_trials(resolved, out, quiet, as_json, allow_code=allow_code)
    if resolved.kind is Kind.PARETO:
        from dawndusk.studies.front_commands import show_front  # noqa: PLC0415 (only for a front)

        return show_front(resolved, out or default_folder(resolved), quiet=quiet, as_json=as_json)
    return _run(resolved, out or default_folder(resolved), quiet, as_json, explain=explain)


def _run_trials(study: Study, out: Path | None, quiet: bool, as_json: bool, *, allow_code: bool) -> int:
    """Search by trials, or go on with what the run folder has, and print what came of it."""
    from dawndusk.studies.search_commands import run_and_show  # noqa: PLC0415 (only for trials)

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
            f"--resume: found {name} beside it; allowed: --time-limit, --quiet, --json", click.get_current_context()
        )
    study, unfinished = read_unfinished(folder)
    seconds = study.search.time_limit_s
    if limit is not None:
        seconds = study_from_mapping(study.resolved, [f"search.time_limit_s={limit}"]).search.time_limit_s
    return _run(study, folder, quiet, as_json, resume=unfinished, time_limit_s=seconds, explain=explain)


def _run(study: Study, folder: Path, quiet: bool, as_json: bool, **going_on: Any) -> int:
    """Search, write the run folder and print the answer."""
    check_target(folder)
    ledger.entries(ledger.folder_beside(folder), study)
    keeper = Keeper(functools.partial(write_checkpoint, study=study, folder=folder))
    result: RunResult | None = None
    with contextlib.suppress(KeyboardInterrupt):
        result = _search(study, silent=quiet or as_json, checkpoint=keeper, **going_on)
    if result is None or _is_barely_begun(result):
        kept = keeper.kept or "resume" in going_on
        click.echo(f"interrupted; {_resume_hint(folder)}" if kept else "interrupted; nothing was written", err=True)
        return INTERRUPTED
    if keeper.failure:
        click.echo(f"{study.name}: open boxes were not kept on the way: {keeper.failure}", err=True)
    keep_run(result, folder)
    if as_json:
        _print_json(result.to_dict())
    elif not quiet:
        show.console().print(show.run_report(result))
    click.echo(f"run folder: {folder}", err=as_json)
    return _exit_code(result, folder)


def _is_barely_begun(result: RunResult) -> bool:
    """Return whether a run was interrupted before there was a proof to go on with: it replaces no older run."""
    certified = result.found.certified
    return result.stopped_by == INTERRUPT and (certified is None or certified.unfinished is None)


def _resume_hint(folder: Path) -> str:
    return f"go on with: dawndusk run --resume {folder}"


def _show_ground(study: Study, as_json: bool) -> int:
    result = ground_options(study)
    if as_json:
        _print_json(result.to_dict())
    else:
        show.console().print(show.ground_report(result))
    return 0


def _exit_code(result: RunResult, folder: Path | None = None) -> int:
    """Return the exit code of a run; say on the error stream why it is not 0."""
    code, words = _verdict(result)
    certified = result.found.certified
    if folder is not None and code in {STOPPED, INTERRUPTED} and certified is not None and certified.unfinished:
        words += f"; {_resume_hint(folder)}"
    if code:
        click.echo(f"{result.study.name}: {words}", err=True)
    return code


def _verdict(result: RunResult) -> tuple[int, str]:
    """Return the exit code of a run, and what went otherwise than asked for."""
    if result.audit == "failed":
        failed = "; ".join(f"{check.name}: {check.words}" for check in result.checks if not check.held)
        return DISAGREE, f"the audit failed: {failed}"
    state = f"status: {result.status}"
    if result.stopped_by == INTERRUPT:
        return INTERRUPTED, f"{state}, interrupted"
    if result.status == "infeasible":
        return INFEASIBLE, f"{state}; broken: {', '.join(x.name for x in result.best.broken)}"
    if result.status == "optimal":
        return 0, state
    if result.engine == Engine.EVOLUTION:
        return (
            (0, state)
            if result.stopped_by == COMPLETION
            else (STOPPED, f"{state}, but the search was {ending(result)}")
        )
    gap = "" if result.gap is None else f" with a gap of {percent(result.gap)}"
    return STOPPED, f"{state}{gap}, but the search was {ending(result)}"


def _search(
    study: Study, *, silent: bool, checkpoint: Callable[[Certified], None] | None = None, **going_on: Any
) -> RunResult:
    """Run a search, with a progress bar on the error stream of a terminal."""
    terminal = show.console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[best]}"), TimeElapsedColumn())
    with Progress(*columns, console=terminal, transient=True, disable=silent or not terminal.is_terminal) as bar:
        task = bar.add_task("starting", total=1.0, best="")

        def report(progress: evolution.Progress) -> None:
            best = "" if progress.best != progress.best else f"best {progress.best:.5g}"
            bound = "" if progress.bound != progress.bound else f"  bound {progress.bound:.5g}"
            note = f"{best}{bound}  {progress.evaluated:,} {'designs' if not bound else 'examined'}"
            bar.update(task, description=progress.stage, completed=progress.share, best=note)

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
    evaluated = evaluate_design(resolved, nominal_design(resolved))
    if as_json:
        _print_json(evaluated.to_dict())
    else:
        show.console().print(show.evaluation_report(evaluated))
    return 0 if evaluated.feasible else INFEASIBLE


@click.command("compare")
@click.argument("studies", metavar="STUDY...", nargs=-1, required=True)
@set_option
@json_option
def compare_command(studies: Sequence[str], overrides: Sequence[str], as_json: bool) -> int:
    """Put several studies side by side, with the ground.

    Every design study is searched; --set applies to all of them. Exit code 3 if one of them is infeasible.
    """
    resolved = [read_study(study, overrides) for study in studies]
    columns: dict[str, dict[str, float]] = {}
    worst = 0
    for study in resolved:
        label = _fresh_label(study.name, columns)
        if study.kind is Kind.GROUND:
            columns[label] = _ground_column(study)
            continue
        result = _search(study, silent=as_json)
        if result.feasible:
            columns[label] = dict(result.outcome)
        else:
            columns[f"{label} ({result.status})"] = {}
        worst = max(worst, _exit_code(result))
    if all(study.kind is not Kind.GROUND for study in resolved):
        for label in [label for label, column in columns.items() if column]:
            columns[f"ground ({label})"] = _ground_of(columns[label])
    if as_json:
        _print_json(columns)
    else:
        show.console().print(show.comparison_table(columns, HEADLINE))
    return worst


def _fresh_label(name: str, taken: dict[str, dict[str, float]]) -> str:
    label, count = name, 1
    while label in taken:
        count += 1
        label = f"{name} ({count})"
    return label


def _ground_column(study: Study) -> dict[str, float]:
    best = ground_options(study).best
    return {name: value for name, value in best.to_dict().items() if name in OUTCOMES}


def _ground_of(outcome: dict[str, float]) -> dict[str, float]:
    """Return the ground alternative of an optimised design, for the same accelerators."""
    return {
        "lcoc_usd_per_pflop_hour": outcome["ground_lcoc_usd_per_pflop_hour"],
        "capex_usd": outcome["ground_capex_usd"],
        "capex_usd_per_w": outcome["ground_capex_usd"] / (outcome["it_power_mw"] * WATTS_PER_MW),
        "it_power_mw": outcome["it_power_mw"],
        "cost_ratio_to_ground": 1.0,
    }


@click.command("validate")
@click.option("--cases", type=click.Path(path_type=Path), help="A CSV file of cases; default: the shipped ones.")
@json_option
def validate_command(cases: Path | None, as_json: bool) -> int:
    """Reproduce published cases and say where they disagree.

    Exit code 1 if any case disagrees.
    """
    results = run_cases(read_cases(cases or SHIPPED_CASES))
    if as_json:
        _print_json(to_json(results))
    else:
        show.console().print(show.validation_table(results))
        agree = sum(result.passed for result in results)
        click.echo(f"{agree} of {len(results)} cases agree")
    return 0 if all_agree(results) else DISAGREE


@click.command("list")
@click.argument("what", required=False, type=click.Choice(["studies", "variables", "outcomes", *CATALOGUES]))
@json_option
def list_command(what: str | None, as_json: bool) -> int:
    """List the studies, accelerators, vehicles and other names."""
    listing = _listing()
    chosen = {what: listing[what]} if what else {k: v for k, v in listing.items() if k not in {"outcomes", "variables"}}
    if as_json:
        _print_json(chosen)
        return 0
    console = show.console()
    for title, rows in chosen.items():
        console.print(show.name_table(title, rows))
    return 0


def _listing() -> dict[str, dict[str, str]]:
    assumptions = default_assumptions()
    studies = {name: read_study(name).title for name in library_names()}
    catalogues = {
        table: {name: show.row_summary(row) for name, row in getattr(assumptions, table).items()}
        for table in CATALOGUES
    }
    variables = {name: f"{v.meaning} [{v.units}]" for name, v in VARIABLES.items()}
    outcomes = {name: f"{f.meaning} [{f.units}]" for name, f in OUTCOMES.items()}
    return {"studies": studies, **catalogues, "variables": variables, "outcomes": outcomes}


@click.command("schema")
def schema_command() -> int:
    """Print the JSON Schema of a study file."""
    _print_json(json_schema())
    return 0


@click.command("check")
@click.argument("studies", metavar="STUDY...", nargs=-1, required=True)
@set_option
def check_command(studies: Sequence[str], overrides: Sequence[str]) -> int:
    """Check study files without running them."""
    bad = False
    for study in studies:
        try:
            resolved = read_study(study, overrides)
            if resolved.kind is Kind.DESIGN:
                nominal_design(resolved)
        except DawnduskError as error:
            bad = True
            click.echo(f"error: {error}", err=True)
            continue
        click.echo(f"{study}: valid, {resolved.kind.value} study {resolved.name}, hash {resolved.hash[:HASH_LETTERS]}")
    return BAD_INPUT if bad else 0


@click.command("export-model")
@study_argument
@click.argument("file", type=click.Path(path_type=Path))
@set_option
def export_model_command(study: str, file: Path, overrides: Sequence[str]) -> int:
    """Write the mixed-integer model of a study as FILE.lp or FILE.mps.

    The model is that of one combination of categories: fix them with --set design.NAME=VALUE, or the first of each
    is taken. Its optimum is a bound: no design of that combination is better.
    """
    from dawndusk.studies.export import export_model  # noqa: PLC0415 (brings Pyomo along)

    written = export_model(read_study(study, overrides), file)
    click.echo(f"model of {', '.join(written.combination.values())}: {file}")
    if written.combinations > 1:
        click.echo(f"one of {written.combinations} combinations; fix the others with --set design.NAME=VALUE", err=True)
    return 0
