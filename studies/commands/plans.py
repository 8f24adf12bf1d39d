"""The command ``dawndusk plan``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from dawndusk.optimize.plan.engine import Step
from dawndusk.studies.commands.terminal import (
    INFEASIBLE,
    INTERRUPTED,
    STOPPED,
    json_option,
    print_json,
    progress_bar,
    quiet_option,
    set_option,
    study_argument,
)
from dawndusk.studies.plan import show
from dawndusk.studies.plan.outputs import check_plan_target, default_plan_folder, export_plan_model, write_plan
from dawndusk.studies.plan.reading import read_plan
from dawndusk.studies.plan.result import PlanResult
from dawndusk.studies.plan.runner import check_vehicle, compare_slip, run_plan
from dawndusk.studies.show.console import console


@click.command("plan")
@study_argument
@set_option
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the plan; default runs/NAME-HASH.")
@click.option("--gap", metavar="FRACTION", help="Short for --set plan.gap=...")
@click.option("--time-limit", metavar="SECONDS", help="Short for --set plan.time_limit_s=...")
@click.option(
    "--slip", nargs=2, type=(str, float), metavar="VEHICLE YEARS", help="What changes if a vehicle comes later."
)
@click.option(
    "--export", type=click.Path(path_type=Path), help="Write the model as FILE.lp or FILE.mps and do not solve."
)
@click.option("--pictures/--no-pictures", default=None, help="Draw pictures; by default where matplotlib is installed.")
@click.option("--no-explain", is_flag=True, help="Leave out what limits are worth, or why there is no plan.")
@quiet_option
@json_option
def plan_command(study: str, overrides: Sequence[str], quiet: bool, as_json: bool, **options: Any) -> int:
    """Plan a fleet over the years: what flies when, on what, and when the ground is the better purchase.

    Exit code 3 if no plan meets every rule, 4 if the solve was ended before it closed the gap asked for, 130 after an
    interrupt; what was found by then is written.
    """
    items = [f"plan.{key}={options[name]}" for name, key in KEYS.items() if options[name] is not None]
    question = read_plan(study, [*overrides, *items])
    if options["export"] is not None:
        click.echo(f"model: {export_plan_model(question, options['export'])}")
        return 0
    if options["slip"] is not None:
        check_vehicle(question, options["slip"][0])
    folder = options["out"] or default_plan_folder(question)
    check_plan_target(folder)
    with _progress(silent=quiet or as_json) as report:
        result = run_plan(question, report, explain=not options["no_explain"])
    write_plan(result, folder, pictures=options["pictures"])
    if as_json:
        print_json(result.to_dict())
    elif not quiet:
        console().print(show.plan_report(result))
    if options["slip"] is not None and result.plan is not None:
        vehicle, years = options["slip"]
        click.echo(show.alternative_line(result, compare_slip(result, vehicle, years)), err=as_json)
    click.echo(f"folder of the plan: {folder}", err=as_json)
    return exit_code(result)


KEYS = {"gap": "gap", "time_limit": "time_limit_s"}


@contextmanager
def _progress(*, silent: bool) -> Iterator[Callable[[Step], None]]:
    """Show where a solve stands on the error stream of a terminal."""
    with progress_bar(silent=silent) as advance:
        yield lambda step: advance(step.stage, None, f"best {step.objective:.5g}  bound {step.bound:.5g}")


def exit_code(result: PlanResult) -> int:
    """Return the exit code of a plan; say on the error stream why it is not 0."""
    planned = result.planned
    if planned.stopped_by == "interrupt":
        code, words = INTERRUPTED, "interrupted"
    elif planned.status == "infeasible":
        code, words = INFEASIBLE, "no plan meets every rule"
    elif planned.status == "optimal":
        return 0
    else:
        gap = "" if planned.gap is None else f" with a gap of {planned.gap:.2%}"
        code, words = STOPPED, f"ended by {planned.stopped_by}{gap}"
    click.echo(f"{result.question.name}: status: {planned.status}, {words}", err=True)
    return code
