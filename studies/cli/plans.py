"""The command ``dawndusk plan``."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from dawndusk.models.errors import DawnduskError
from dawndusk.optimize.plan.pricing.column_generation import RoundStep
from dawndusk.optimize.plan.problem.problem import Objective
from dawndusk.optimize.plan.solve.engine import PlanStep
from dawndusk.studies.cli.terminal import (
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
from dawndusk.studies.input.study import ResolvedStudy
from dawndusk.studies.output.folders.plan import check_plan_target, default_plan_folder, export_plan_model, write_plan
from dawndusk.studies.output.terminal import plan
from dawndusk.studies.output.terminal.console import console
from dawndusk.studies.run.plan.asked.break_even import ELECTRICITY_USD_PER_MWH
from dawndusk.studies.run.plan.asked.choices import choice_item
from dawndusk.studies.run.plan.reading import read_plan
from dawndusk.studies.run.plan.result import PlanResult
from dawndusk.studies.run.plan.runner import run_plan

CHOICE = "KIND=NAME[>=N]"
KEYS = {
    "gap": "plan.gap",
    "time_limit": "plan.time_limit_s",
    "front": "plan.front.against",
    "points": "plan.front.points",
    "scenarios": "plan.scenarios.count",
    "columns": "plan.columns.rounds",
}
"""Options that are short for a ``--set`` item."""


@click.command("plan")
@study_argument
@set_option
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the plan; default runs/NAME-HASH.")
@click.option("--gap", metavar="FRACTION", help="Short for --set plan.gap=...")
@click.option("--time-limit", metavar="SECONDS", help="Short for --set plan.time_limit_s=...: of each solve.")
@click.option(
    "--front",
    metavar="|".join(Objective),
    help="Short for --set plan.front.against=...: plans between the objective and another one.",
)
@click.option("--points", metavar="COUNT", help="Short for --set plan.front.points=...: plans between the two ends.")
@click.option(
    "--scenarios",
    metavar="COUNT",
    help="Short for --set plan.scenarios.count=...: what to commit to now, over so many drawn scenarios.",
)
@click.option(
    "--columns",
    metavar="ROUNDS",
    help="Short for --set plan.columns.rounds=...: search for designs that the plan would rather build.",
)
@click.option(
    "--break-even",
    is_flag=True,
    help="Map prices of launch and of electricity at which orbit costs what the ground does.",
)
@click.option(
    "--force",
    multiple=True,
    metavar=CHOICE,
    help="Have the plan make a choice, for example 'vehicle=vulcan_vc6>=10@2029-2031'. May be repeated.",
)
@click.option(
    "--why-not",
    multiple=True,
    metavar=CHOICE,
    help="What a choice would cost, for example vehicle=new_glenn_7x2. May be repeated.",
)
@click.option(
    "--slip",
    multiple=True,
    nargs=2,
    type=(str, float),
    metavar="VEHICLE YEARS",
    help="What changes if a vehicle comes later. May be repeated.",
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

    Exit code 3 if no plan meets every rule, 4 if the solve, or that of anything else that was asked, was ended before
    it closed the gap asked for, 130 after an interrupt; what was found by then is written.
    """
    return show_plan(study, [*overrides, *plan_items(options)], quiet=quiet, as_json=as_json, **options)


def plan_items(options: dict[str, Any]) -> list[str]:
    """Return the short options as ``--set`` items, so that they are checked and recorded like those."""
    items = [f"{key}={options[name]}" for name, key in KEYS.items() if options.get(name) is not None]
    items += [choice_item(text, number + 1) for number, text in enumerate(options.get("force", ()))]
    if options.get("break_even"):
        items.append(f"plan.break_even.electricity_usd_per_mwh={list(ELECTRICITY_USD_PER_MWH)}")
    return items


def show_plan(
    study: str | ResolvedStudy, overrides: Sequence[str] = (), *, quiet: bool, as_json: bool, **options: Any
) -> int:
    """Solve the plan of a study, write its folder, print it, and return the exit code."""
    question = read_plan(study, overrides)
    if options.get("export") is not None:
        click.echo(f"model: {export_plan_model(question, options['export'])}")
        return 0
    folder = options.get("out") or default_plan_folder(question)
    check_plan_target(folder)
    slips = options.get("slip", ())
    if any(years <= 0.0 for _, years in slips):
        raise DawnduskError(f"slip: found {min(years for _, years in slips):g} years; allowed: more than 0")
    with _terminated_as_interrupted(), _progress(silent=quiet, as_json=as_json) as report:
        result = run_plan(
            question,
            report,
            explain=not options.get("no_explain"),
            slips=slips,
            choices=options.get("why_not", ()),
        )
    write_plan(result, folder, pictures=options.get("pictures"))
    if as_json:
        print_json(result.to_dict())
    elif not quiet:
        console().print(plan.plan_report(result))
    click.echo(f"folder of the plan: {folder}", err=as_json)
    return exit_code(result)


@contextmanager
def _progress(*, silent: bool, as_json: bool) -> Iterator[Callable[[PlanStep], None]]:
    """Show where a solve stands on the error stream: on a terminal, or rounds of pricing as lines of JSON."""
    with progress_bar(silent=silent or as_json) as advance:

        def report(step: PlanStep) -> None:
            advance(step.stage, None, f"best {step.objective:.5g}  bound {step.bound:.5g}")
            if as_json and not silent and isinstance(step, RoundStep):
                line = {"seconds": step.seconds, "objective": step.objective, **asdict(step.round)}
                print_json(line, indent=None, err=True)

        yield report


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Take a request to terminate for an interrupt, so that what was found by then is written."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # which alone may say what a signal does
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def exit_code(result: PlanResult) -> int:
    """Return the exit code of a plan; say on the error stream why it is not 0."""
    planned, unsettled = result.planned, result.unsettled
    gap = "" if planned.gap is None else f" with a gap of {planned.gap:.2%}"
    state = f"status: {planned.status}"
    if planned.stopped_by == "interrupt":
        code, words = INTERRUPTED, f"{state}, interrupted{gap}"
    elif planned.status == "infeasible":
        code, words = INFEASIBLE, f"{state}, no plan meets every rule"
    elif planned.status != "optimal":
        code, words = STOPPED, f"{state}, ended by {planned.stopped_by}{gap}"
    elif result.interrupted:
        code, words = INTERRUPTED, f"{state}, but what else was asked was interrupted"
    elif unsettled:
        code, words = STOPPED, f"{state}, but not all that was asked is settled: {'; '.join(unsettled)}"
    else:
        return 0
    click.echo(f"{result.question.name}: {words}", err=True)
    return code
