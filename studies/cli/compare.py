"""The command that puts studies or runs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from dawndusk.models.constants import WATTS_PER_MW
from dawndusk.models.errors import DawnduskError
from dawndusk.models.outcome import OUTCOMES, known_outcome
from dawndusk.studies.cli.runs import exit_code_of, searched
from dawndusk.studies.cli.terminal import json_option, print_json
from dawndusk.studies.input.study import Kind, ResolvedStudy
from dawndusk.studies.input.studyfile import read_study
from dawndusk.studies.lineage.attribution import ComparedCase, attribute
from dawndusk.studies.lineage.plan_run import PlanRun, is_plan_folder, plan_run
from dawndusk.studies.output.terminal import design as show
from dawndusk.studies.output.terminal.console import console
from dawndusk.studies.output.terminal.lineage import attribution_report, inputs_table, plans_table
from dawndusk.studies.run.design.ground import ground_options
from dawndusk.studies.run.design.results import HEADLINE
from dawndusk.studies.run.folder.reading import is_run_folder, read_run

LEAST_RUNS = 2


@click.command("compare")
@click.argument("studies", metavar="STUDY|RUN...", nargs=-1, required=True)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change one value of every study, for example design.altitude_km=900. May be repeated; not for runs.",
)
@click.option("--metric", metavar="OUTCOME", help="The figure of runs to explain; default: their objective.")
@json_option
def compare_command(studies: Sequence[str], overrides: Sequence[str], metric: str | None, as_json: bool) -> int:
    """Put several studies side by side, or say why runs differ.

    Every design study is searched and shown with the ground; --set applies to all of them. Run folders are not searched
    again: the difference of the first one from each other is split into a part for every input that changed. Of plans
    over years it is split where both choose among the same designs and vehicles in the same years. Exit code 3 if a
    study is infeasible.
    """
    plans = [name for name in studies if is_plan_folder(name)]
    runs = [name for name in studies if is_run_folder(name) or name in plans]
    if not runs:
        if metric is not None:
            raise DawnduskError("compare: found --metric with studies; allowed: with run folders")
        return compare_studies(studies, overrides, as_json=as_json)
    strangers = [name for name in studies if name not in runs]
    if strangers:
        raise DawnduskError(f"compare: found {strangers[0]!r} beside run folders; allowed: studies alone or runs alone")
    if overrides:
        raise DawnduskError("compare: found --set with run folders; allowed: with studies")
    if len(runs) < LEAST_RUNS:
        raise DawnduskError(f"compare: found one run folder, {runs[0]}; allowed: two or more")
    if plans and len(plans) < len(runs):
        raise DawnduskError(
            f"compare: found the plan {plans[0]} beside runs of designs; allowed: plans alone or not any"
        )
    return (compare_plans if plans else compare_runs)(runs, metric, as_json=as_json)


def compare_studies(studies: Sequence[str], overrides: Sequence[str], *, as_json: bool) -> int:
    """Search every design study and put all side by side, with the ground."""
    resolved = [read_study(study, overrides) for study in studies]
    for study in resolved:
        if study.kind is not Kind.GROUND:
            study.check_has_design()
    columns: dict[str, dict[str, float]] = {}
    worst = 0
    for study in resolved:
        label = _fresh_label(study.name, columns)
        if study.kind is Kind.GROUND:
            columns[label] = _ground_column(study)
            continue
        result = searched(study, silent=as_json)
        if result.feasible:
            columns[label] = dict(result.outcome)
        else:
            columns[f"{label} ({result.status})"] = {}
        worst = max(worst, exit_code_of(result))
    if all(study.kind is not Kind.GROUND for study in resolved):
        for label in [label for label, column in columns.items() if column]:
            columns[f"ground ({label})"] = _ground_of(columns[label])
    if as_json:
        print_json(columns)
    else:
        console().print(show.comparison_table(columns, HEADLINE))
    return worst


def _fresh_label(name: str, taken: dict[str, dict[str, float]]) -> str:
    label, count = name, 1
    while label in taken:
        count += 1
        label = f"{name} ({count})"
    return label


def _ground_column(study: ResolvedStudy) -> dict[str, float]:
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


def compare_runs(folders: Sequence[str | Path], metric: str | None, *, as_json: bool) -> int:
    """Put runs side by side and split the difference of the first from each other by what changed."""
    contents = [read_run(folder) for folder in folders]
    goal = known_outcome(metric or contents[0].study.objective)
    labels = labels_of([content.folder for content in contents])
    cases = [ComparedCase(content.study, content.design, content.outcome, content.evaluator) for content in contents]
    found = [attribute(goal, cases[0], case) for case in cases[1:]]
    columns = dict(zip(labels, [content.outcome for content in contents], strict=True))
    if as_json:
        differences = {label: one.to_dict() for label, one in zip(labels[1:], found, strict=True)}
        print_json({"runs": columns, "metric": goal, "differences": differences})
        return 0
    out = console()
    out.print(show.comparison_table(columns, tuple(dict.fromkeys((goal, *HEADLINE)))))
    for label, one in zip(labels[1:], found, strict=True):
        out.print(attribution_report(one, (labels[0], label)))
    return 0


def compare_plans(folders: Sequence[str | Path], metric: str | None, *, as_json: bool) -> int:
    """Put plans side by side, and split the difference of the first from each other where both can be mixed."""
    from dawndusk.studies.lineage import plan_difference as difference  # noqa: PLC0415 (brings plans along)

    plans = [_with_plan(folder) for folder in folders]
    goal = difference.metric_of(plans[0], metric)
    labels = labels_of([plan.folder for plan in plans])
    columns = {
        label: {goal: difference.figure_of(plan.scored, goal), **difference.by_account(plan), **bought}
        for label, plan in zip(labels, plans, strict=True)
        for bought in (difference.bought_by_name(plan),)
    }
    reasons = [difference.why_not_split(plans[0], plan) for plan in plans[1:]]
    inputs = [difference.inputs_that_differ(plans[0], plan) for plan in plans[1:]]
    found = [
        None if reason else difference.split(goal, plans[0], plan)
        for plan, reason in zip(plans[1:], reasons, strict=True)
    ]
    if as_json:
        told = zip(labels[1:], inputs, found, reasons, strict=True)
        differences = {
            label: {"inputs": changed, "split": one.to_dict() if one else None, "why_not_split": reason}
            for label, changed, one, reason in told
        }
        print_json({"plans": columns, "metric": goal, "differences": differences})
        return 0
    out = console()
    out.print(plans_table(columns, goal))
    for label, changed, one, reason in zip(labels[1:], inputs, found, reasons, strict=True):
        out.print(inputs_table(changed, (labels[0], label)))
        if one is not None:
            out.print(attribution_report(one, (labels[0], label)))
        else:
            out.print(f"No plan lies between {labels[0]} and {label}, for {reason}: the difference is not split.")
    return 0


def _with_plan(folder: str | Path) -> PlanRun:
    found = plan_run(folder)
    if not found.has_plan:
        raise DawnduskError(f"compare: {folder}: found no plan that meets every rule; allowed: folders of plans")
    if found.has_drifted:
        click.echo(f"{folder}: this version of the model gives other figures than the plan recorded", err=True)
    return found


def labels_of(folders: Sequence[Path]) -> list[str]:
    """Return a name for each run: that of its folder, with its place where two are alike."""
    names = [folder.absolute().name for folder in folders]
    return [name if names.count(name) == 1 else f"{name} ({place})" for place, name in enumerate(names, 1)]
