"""The commands that look at what is shipped or written: validate, list, schema, check, export-model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from dawndusk.models.catalogue import CATALOGUES
from dawndusk.models.design import VARIABLES
from dawndusk.models.errors import DawnduskError
from dawndusk.models.outcome import OUTCOMES
from dawndusk.studies.cli.terminal import BAD_INPUT, CONTRADICTED, json_option, print_json, set_option, study_argument
from dawndusk.studies.data import default_assumptions
from dawndusk.studies.input.study import Kind, ResolvedStudy
from dawndusk.studies.input.studyfile import json_schema, library_names, read_study
from dawndusk.studies.output.terminal import design as show
from dawndusk.studies.output.terminal.console import console
from dawndusk.studies.published.validation import SHIPPED_CASES, all_agree, read_cases, run_cases, to_json
from dawndusk.studies.run.design.runner import nominal_design

HASH_LETTERS = 12


@click.command("validate")
@click.option("--cases", type=click.Path(path_type=Path), help="A CSV file of cases; default: the shipped ones.")
@json_option
def validate_command(cases: Path | None, as_json: bool) -> int:
    """Reproduce published cases and say where they disagree.

    Exit code 1 if any case disagrees.
    """
    results = run_cases(read_cases(cases or SHIPPED_CASES))
    if as_json:
        print_json(to_json(results))
    else:
        console().print(show.validation_table(results))
        agree = sum(result.passed for result in results)
        click.echo(f"{agree} of {len(results)} cases agree")
    return 0 if all_agree(results) else CONTRADICTED


@click.command("list")
@click.argument("what", required=False, type=click.Choice(["studies", "variables", "outcomes", *CATALOGUES]))
@json_option
def list_command(what: str | None, as_json: bool) -> int:
    """List the studies, accelerators, vehicles and other names."""
    listing = _listing()
    chosen = {what: listing[what]} if what else {k: v for k, v in listing.items() if k not in {"outcomes", "variables"}}
    if as_json:
        print_json(chosen)
        return 0
    out = console()
    for title, rows in chosen.items():
        out.print(show.name_table(title, rows))
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
    print_json(json_schema())
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
            elif resolved.kind is Kind.PLAN:
                _check_plan(resolved)
        except DawnduskError as error:
            bad = True
            click.echo(f"error: {error}", err=True)
            continue
        click.echo(f"{study}: valid, {resolved.kind.value} study {resolved.name}, hash {resolved.hash[:HASH_LETTERS]}")
    return BAD_INPUT if bad else 0


def _check_plan(study: ResolvedStudy) -> None:
    """Raise ``DawnduskError`` where no design of a plan can fly, or nothing can be launched in time."""
    from dawndusk.studies.run.plan.question import plan_study  # noqa: PLC0415 (brings the models of a fleet along)

    plan_study(study, optimise=False)


@click.command("export-model")
@study_argument
@click.argument("file", type=click.Path(path_type=Path))
@set_option
def export_model_command(study: str, file: Path, overrides: Sequence[str]) -> int:
    """Write the mixed-integer model of a study as FILE.lp or FILE.mps.

    Of a design study the model is that of one combination of categories: fix them with --set design.NAME=VALUE, or
    the first of each is taken. Its optimum is a bound: no design of that combination is better.
    """
    from dawndusk.studies.run.design.milp_model import export_model  # noqa: PLC0415 (brings Pyomo along)

    resolved = read_study(study, overrides)
    if resolved.kind is Kind.PLAN:
        from dawndusk.studies.output.folders.plan import export_plan_model  # noqa: PLC0415 (the same)
        from dawndusk.studies.run.plan.reading import read_plan  # noqa: PLC0415 (the same)

        click.echo(f"model of the plan: {export_plan_model(read_plan(resolved), file)}")
        return 0
    written = export_model(resolved, file)
    click.echo(f"model of {', '.join(written.combination.values())}: {file}")
    if written.combinations > 1:
        click.echo(f"one of {written.combinations} combinations; fix the others with --set design.NAME=VALUE", err=True)
    return 0
