"""What a person sees in the terminal of a search by trials."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dawndusk.models.design import VARIABLES, Design
from dawndusk.models.outcome import OUTCOMES
from dawndusk.models.units import pretty
from dawndusk.optimize.problem import Problem, Sense
from dawndusk.optimize.trials.plan import BUDGET, EXHAUSTED, FAILING, GAP, INTERRUPT, STAGNATION, TIME
from dawndusk.optimize.trials.question import Trial
from dawndusk.optimize.trials.strategy import YEAR, StrategyQuestion
from dawndusk.studies.output.terminal.design import (
    capital_table,
    design_table,
    levelised_table,
    limit_line,
    limits_text,
    mass_table,
    title_of,
    two_columns,
)
from dawndusk.studies.output.terminal.front import listed, points_table, trades
from dawndusk.studies.output.terminal.tables import names_table
from dawndusk.studies.output.terminal.tables import table as plain_table
from dawndusk.studies.run.design.limits import at_ends
from dawndusk.studies.run.design.results import Evaluated
from dawndusk.studies.run.design.wording import percent
from dawndusk.studies.run.trials.result import SearchRun

ENDINGS = {
    BUDGET: "by its budget of evaluations",
    TIME: "by its time limit",
    STAGNATION: "as nothing got better any more",
    GAP: "as the best is within the gap asked for",
    FAILING: "by too many failures in a row",
    EXHAUSTED: "as every design of the space is known",
    INTERRUPT: "by an interrupt",
}
BOUND_DIGITS = 6
MOST_WORDS = 200
THOUSANDTH, MILLIONTH = 1e-3, 1e-6


def search_report(run: SearchRun) -> RenderableType:
    """Return the whole answer of a search by trials."""
    parts: list[RenderableType] = [headline(run), Text()]
    if len(run.study.goals) > 1 and run.result.front:
        parts += [*_front_parts(run), Text()]
    elif run.best is not None:
        parts += [*_design_parts(run, run.best), Text()]
    parts += [_course_table(run)]
    reasons = _failure_table(run.result.answered.trials)
    return Group(*parts, Text(), reasons) if reasons is not None else Group(*parts)


def headline(run: SearchRun) -> Text:
    """Return what was found, and what is proved of it."""
    text = Text()
    text.append(f"{title_of(run.study)}\n", style="bold")
    if run.result.front:
        text.append(f"{_found(run)}\n", style="bold green")
        text.append(_proved(run))
    elif run.result.nearest is not None:
        text.append("UNKNOWN: no trial met every rule. The nearest miss breaks\n", style="bold red")
        text.append(f"  {', '.join(_broken(run.result.nearest))}", style="red")
    else:
        text.append("UNKNOWN: no trial has an answer with outcomes.", style="bold red")
    return text


def _found(run: SearchRun) -> str:
    front, goals, count = run.result.front, run.study.goals, len(run.result.answered)
    if len(goals) == 1:
        amount = pretty(run.objective or 0.0, OUTCOMES[goals[0].outcome].units)
        return f"Best of {_trials(count)}, number {front[0].number}: {goals[0].outcome} = {amount}"
    if len(front) == 1:
        return f"One of {_trials(count)} is the best for {listed(goals)}"
    return f"Front of {len(front)} of {_trials(count)} between {listed(goals)}"


def _trials(count: int) -> str:
    return "1 trial" if count == 1 else f"{count:,} trials"


def _proved(run: SearchRun) -> str:
    """Return how far the best trial is from what a certificate proves, where there is one."""
    if run.bound is None or run.gap is None:
        return "Trials prove nothing: a better design may exist."
    bound = outward(run.bound, run.study.sense)
    side = "less" if run.study.sense == "minimise" else "more"
    return f"Within {percent(max(run.gap, 0.0))} of the certificate of this problem: no design has {side} than {bound}."


def outward(bound: float, sense: Sense) -> str:
    """Return a bound with a few digits, rounded away from the designs, so that the words stay true."""
    if not bound or not math.isfinite(bound):
        return f"{bound:g}"
    step = 10.0 ** (math.floor(math.log10(abs(bound))) + 1 - BOUND_DIGITS)
    rounded = math.floor(bound / step) if sense == "minimise" else math.ceil(bound / step)
    return f"{rounded * step:,.{BOUND_DIGITS}g}"


def _broken(trial: Trial) -> list[str]:
    assert trial.answer is not None
    return [f"{rule} (by {amount:.1%})" for rule, amount in trial.answer.violations.items() if amount > 0.0]


def _front_parts(run: SearchRun) -> Iterator[RenderableType]:
    """Return the front as a table, its knee, and what can be traded there."""
    front, numbers = run.front, [trial.number for trial in run.trials_of_front]
    yield points_table(front, "trial", numbers)
    if front.in_conflict:
        yield Text()
        yield trades(front, "trial", numbers)


def _design_parts(run: SearchRun, trial: Trial) -> Iterator[RenderableType]:
    """Return the best design, what is known of it, and what limits it."""
    problem, design = run.solved(trial)
    if isinstance(run.asked.evaluator, StrategyQuestion):
        yield from (_point_table("Strategy", trial.point), Text())
    if design is None:
        return
    yield from (design_table(design, run.study), Text())
    outcome = {name: float(values[0]) for name, values in run.asked.outcomes([trial]).items()}
    if run.asked.is_outside:
        yield from (_told_table(run, trial, problem, design), Text())
    elif set(OUTCOMES) <= set(outcome):
        yield from (levelised_table(outcome), Text())
        yield from (two_columns(capital_table(outcome), mass_table(outcome)), Text())
    best = Evaluated(study=run.study, design=design, outcome=outcome, limits=run.asked.limits(trial, problem, design))
    if best.broken:
        yield Text("\n".join(["What it breaks", *(f"  {limit_line(limit)}" for limit in best.broken)]))
    yield limits_text(best, at_ends(run.study.space, design))


def _told_table(run: SearchRun, trial: Trial, problem: Problem, design: Design) -> Table:
    """Return what an evaluator answered beside what the built-in model says."""
    with np.errstate(all="ignore"):
        modelled = problem.score_one(design).evaluation.outcome.row(0)
    table = names_table("Answer of the evaluator", "outcome", "evaluator", "built-in model", "difference")
    assert trial.answer is not None
    first = dict.fromkeys(run.asked.needed)
    for name in [*first, *(other for other in trial.answer.outcomes if other not in first)]:
        told = trial.answer.outcomes[name]
        if name not in OUTCOMES:
            table.add_row(plain(name), f"{told:.6g}", "-", "-")
            continue
        units, model = OUTCOMES[name].units, modelled[name]
        apart = f"{told / model - 1.0:+.2%}" if model and math.isfinite(told / model) else "-"
        table.add_row(name, pretty(told, units), pretty(model, units), apart)
    return table


def _point_table(title: str, point: Mapping[str, Any]) -> Table:
    """Return a point, a variable to a row."""
    table = names_table(title, "variable", "value")
    for name, value in point.items():
        units = VARIABLES[name].units if name in VARIABLES else "year" if name == YEAR else "-"
        table.add_row(name, pretty(value, units))
    return table


def _course_table(run: SearchRun) -> Table:
    """Return how the search went: its sampler and why, its trials, its time, and how it ended."""
    searched = run.result
    table = plain_table("Search", "", "")
    table.show_header = False
    table.columns[0].no_wrap = True
    table.columns[1].justify = "left"
    for name, words in _course(run):
        table.add_row(name, words)
    if not searched.reproducible:
        table.add_row("order", "asynchronous: the same search again need not find the same")
    return table


def _course(run: SearchRun) -> Iterator[tuple[str, str]]:
    searched, settings = run.result, run.study.search
    trials = searched.answered.trials
    failed = sum(trial.answer is not None and trial.answer.failure is not None for trial in trials)
    yield "sampler", run.words or f"{run.sampler}, as asked for"
    yield "began with", run.began
    yield "designs at a time", f"{settings.batch}, seed {settings.seed}"
    yield "evaluations", f"{len(trials):,} of {settings.evaluations:,}, {searched.evaluated:,} of them now"
    feasible = int(searched.answered.feasible.sum())
    yield "of these", f"{feasible:,} met every rule, {len(trials) - failed - feasible:,} broke one, {failed:,} failed"
    if searched.pending:
        yield "not answered", f"{len(searched.pending):,}, which are evaluated when the search goes on"
    if searched.repeated:
        yield "passed over", f"{searched.repeated:,} designs that the sampler named again"
    if searched.hypervolume is not None:
        yield "hypervolume", f"{searched.hypervolume:.4f} of the box between the best and the worst values met"
    yield "time", _time(run)
    yield "ended", ENDINGS.get(run.stopped_by, run.stopped_by)
    if run.store:
        yield "trials in", run.store


def _time(run: SearchRun) -> str:
    searched = run.result
    whole = f"{searched.seconds:.1f} s"
    if not searched.evaluated:
        return whole
    return f"{whole}; an evaluation took {duration(searched.evaluator_s / searched.evaluated)}"


def duration(seconds: float) -> str:
    """Return a time with three digits, in seconds or less."""
    if seconds >= 1.0:
        return f"{seconds:,.3g} s"
    return f"{seconds / THOUSANDTH:.3g} ms" if seconds >= THOUSANDTH else f"{seconds / MILLIONTH:.3g} µs"


def _failure_table(trials: Iterable[Trial]) -> Table | None:
    """Return how many trials failed of each kind with the words of the last one, nothing where none did."""
    failures = [trial.answer.failure for trial in trials if trial.answer is not None and trial.answer.failure]
    if not failures:
        return None
    counts, last = Counter(f.kind for f in failures), {f.kind: f.words for f in failures}
    table = names_table("Failures", "kind", "trials", "the last one")
    table.columns[2].justify = "left"
    for kind, count in counts.most_common():
        table.add_row(plain(kind), f"{count:,}", plain(last[kind]))
    return table


def plain(words: str) -> str:
    """Return words of others in one line, without characters that would steer the terminal, and not too many."""
    text = " ".join("".join(c if c.isprintable() else " " for c in words).split())
    return text if len(text) <= MOST_WORDS else f"{text[:MOST_WORDS]}..."


def status_report(found: Mapping[str, Any]) -> RenderableType:
    """Return how a search stands, from the plain values of its status."""
    text = Text()
    text.append(f"{plain(found['study'])}\n", style="bold")
    style = "bold green" if found["front"] else "bold yellow"
    text.append(_stands(found), style=style)
    table = plain_table("", "", "")
    table.title = None
    table.show_header = False
    table.columns[0].no_wrap = True
    table.columns[1].justify = "left"
    for name, words in _standing(found):
        table.add_row(name, words)
    parts: list[RenderableType] = [text, Text(), table]
    if found["best"]:
        parts += [Text(), _point_table(f"Best so far: trial {found['best']['number']}", found["best"]["point"])]
    return Group(*parts)


def _stands(found: Mapping[str, Any]) -> str:
    if not found["front"]:
        return "No trial has met every rule so far."
    goals = found["goals"]
    if len(goals) == 1:
        units = OUTCOMES[goals[0]["outcome"]].units
        return f"Best so far: {goals[0]['outcome']} = {pretty(found['objective'], units)}"
    names = ", ".join(goal["outcome"] for goal in goals)
    return f"Front so far: {found['front']:,} trials between {names}, hypervolume {found['hypervolume']:.4f}"


def _standing(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    failed = sum(found["failed"].values())
    budget = "" if found["evaluations"] is None else f" of {found['evaluations']:,}"
    yield "evaluations", f"{found['evaluated']:,}{budget}, {failed:,} of them failed"
    if failed:
        yield "failures", ", ".join(f"{plain(kind)} {count:,}" for kind, count in found["failed"].items())
    if found["pending"]:
        yield "not answered", f"{found['pending']:,}"
    yield "in use by", plain(found["in_use_by"]) or "nobody"
    if found["stopped_by"]:
        yield "ended", ENDINGS.get(found["stopped_by"], plain(found["stopped_by"]))
    yield "run folder", plain(found["folder"])
    yield "trials in", plain(found["store"])
