"""Why this design, and why none at all, as a person reads it in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dawndusk.models.outcome import OUTCOMES
from dawndusk.models.units import pretty
from dawndusk.optimize.explain.conflict import Conflict
from dawndusk.optimize.explain.optimum import Explanation
from dawndusk.optimize.explain.runner_up import RunnerUp
from dawndusk.optimize.result import COMPLETION
from dawndusk.studies.input.study import ResolvedStudy
from dawndusk.studies.output.terminal.tables import names_table

MOST_GROUPS = 3
LEAST_GROUP = 0.0005
"""Parts of a penalty below this share of the objective are not named."""
UNTRIED = "The time for this ran out: there may be fewer limits in conflict, and less room may be enough."


def explanation_report(explanation: Explanation, study: ResolvedStudy) -> RenderableType:
    """Return the worth of what binds, the runner-up in every category, and the near-optimal region."""
    parts: list[RenderableType] = []
    if explanation.worths:
        parts += [worths_table(explanation, study), Text()]
    if explanation.runners_up:
        parts += [runners_up_table(explanation, study), Text()]
    parts += [near_optimal_table(explanation)]
    if explanation.stopped_by != COMPLETION:
        parts += [Text("The time for explanations ran out: some of it is less exact than it could be.")]
    return Group(*parts)


def worths_table(explanation: Explanation, study: ResolvedStudy) -> Table:
    """Return what a little more room on every binding limit would save."""
    units = OUTCOMES[study.objective].units
    table = names_table("What more room would save", "limit", "with more room by", "saves", "share")
    for worth in explanation.worths:
        room = pretty(worth.relaxation, worth.units)
        if worth.saving_share < LEAST_GROUP:
            table.add_row(worth.name, room, "nothing", "")
        else:
            table.add_row(worth.name, room, pretty(worth.saving, units), f"{worth.saving_share:.1%}")
    return table


def runners_up_table(explanation: Explanation, study: ResolvedStudy) -> Table:
    """Return, for every name that was not chosen, what the best design found with it costs more, and why."""
    table = names_table("Why not another", "with", study.objective, "worse by", "of which")
    table.columns[3].justify = "left"
    for other in explanation.runners_up:
        if other.penalty is None:
            table.add_row(other.name, "-", "-", f"none found that meets {', '.join(other.forbidden_by)}")
        else:
            table.add_row(other.name, f"{other.objective:.5g}", f"{other.penalty:+.1%}", _groups(other))
    return table


def _groups(other: RunnerUp) -> str:
    """Return the largest parts of a penalty."""
    large = [(name, part) for name, part in other.groups.items() if abs(part) >= LEAST_GROUP]
    found = ", ".join(f"{name} {part:+.1%}" for name, part in large[:MOST_GROUPS])
    return found if other.completed else f"{found} (at most: time ran out)"


def near_optimal_table(explanation: Explanation) -> Table:
    """Return how far each variable goes while the objective stays near the best."""
    near = explanation.near_optimal
    table = names_table(f"Within {near.tolerance:.0%} of the best, at least", "variable", "from", "best", "to")
    for one in near.ranges:
        table.add_row(one.variable, *(pretty(value, one.units) for value in (one.low, one.best, one.high)))
    for category, names in near.names.items():
        if len(names) > 1:
            table.add_row(category, ", ".join(names), "", "")
    return table


def conflict_text(conflict: Conflict) -> Text:
    """Return the smallest set of rules found that no design meets together, and what would restore a design."""
    text = Text()
    text.append("What can not be met together (found by search: no smaller set was found)\n", style="bold")
    enough = "would end this conflict" if conflict.further else "would be enough"
    for member in conflict.members:
        text.append(f"  {member.name}: {member.sentence}\n")
        if member.relaxation is None:
            also = f" while {', '.join(member.still_broken)} stand" if member.still_broken else ""
            text.append(f"    no change of this limit alone was found to be enough{also}\n")
        else:
            room = pretty(member.relaxation, member.units)
            text.append(f"    {enough}: {room} more room on this limit alone\n")
    if conflict.further:
        text.append(f"  {further_words(conflict.further)}\n")
    if conflict.stopped_by != COMPLETION:
        text.append(f"  {UNTRIED}\n")
    text.rstrip()
    return text


def further_words(further: Sequence[Sequence[str]]) -> str:
    """Return which conflicts are left when the members of the first are dropped, and what that means."""
    left = "; ".join(" with ".join(names) for names in further)
    return f"Without those there is still a conflict, and one limit of each has to give way too: {left}."
