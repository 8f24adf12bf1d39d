"""Figures and differences as a person reads them in the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from dawndusk.models.outcome import OUTCOMES
from dawndusk.models.units import USD, number, pretty
from dawndusk.studies.lineage.attribution import ASSUMPTION, STATED, VARIABLE, Attribution, DifferencePart
from dawndusk.studies.lineage.figures import OUTCOME, ROW, TABLE, Figure, Source
from dawndusk.studies.lineage.swings import Swing
from dawndusk.studies.output.terminal.tables import names_table

DEPTH = 3
"""Levels of the tree that are shown unless more are asked for."""
MOST_SWINGS = 10


def amount(value: float | str | None, units: str) -> str:
    """Return a value with its units; nothing for what is no number."""
    return (
        "" if value is None else pretty(value, units) if units else (value if isinstance(value, str) else number(value))
    )


class Trees(Protocol):
    """Figures by name, of a design or of a plan."""

    def __getitem__(self, name: str) -> Figure:
        """Return a figure."""

    @property
    def branches(self) -> tuple[str, ...]:
        """Return the beliefs that decide which terms there are."""

    def rows_behind(self, name: str) -> list[str]:
        """Return the keys of the data rows that a figure rests on."""


def tree(lineage: Trees, name: str, depth: int = DEPTH) -> Tree:
    """Return a figure with what it is worked out from, to some depth; what was shown before is not repeated."""
    root = lineage[name]
    made = Tree(_line(root))
    _grow(made, lineage, root, depth, {name})
    return made


def _grow(branch: Tree, lineage: Trees, figure: Figure, depth: int, seen: set[str]) -> None:
    if figure.formula:
        branch.add(Text(f"= {figure.formula}", style="italic"))
    for source in figure.sources:
        branch.add(Text(_source(source), style="dim"))
    for read in figure.reads:
        below = lineage[read]
        if read in seen and below.reads:
            branch.add(Text.assemble(_line(below), (" (above)", "dim")))
            continue
        seen.add(read)
        grown = branch.add(_line(below))
        if depth > 1 or below.kind in {ROW, TABLE}:
            _grow(grown, lineage, below, depth - 1, seen)
        elif below.reads:
            grown.add(Text("...", style="dim"))


def _line(figure: Figure) -> Text:
    """Return name, value and meaning of a figure."""
    text = Text()
    text.append(figure.label, style="bold" if figure.kind == OUTCOME else "")
    value = amount(figure.value, figure.units)
    if value:
        text.append(f": {value}")
    if figure.low is not None and figure.high is not None and figure.low != figure.high:
        text.append(f" ({number(figure.low)} to {number(figure.high)})")
    if figure.meaning:
        text.append(f"  {figure.meaning}", style="dim")
    return text


def _source(source: Source) -> str:
    words = f"{source.source}, {source.year}; confidence {source.confidence}"
    words += f"; {source.url}" if source.url else ""
    return f"{words}; {source.note}" if source.note else words


def swings_table(metric: str, base: float, swings: Sequence[Swing]) -> Table:
    """Return the data rows whose ranges move a figure most, with the design unchanged."""
    title = f"What moves it most, in {OUTCOMES[metric].units}: one data row at a time, the design unchanged"
    table = names_table(title, "row", "now", "range", "at low", "at high")
    for swing in [swing for swing in swings if swing.width(base) > 0.0][:MOST_SWINGS]:
        span = f"{number(swing.low)} to {number(swing.high)}"
        ends = (_end(swing.at_low, swing.low_breaks), _end(swing.at_high, swing.high_breaks))
        table.add_row(swing.key, number(swing.value), span, *ends)
    return table


def _end(value: float | None, breaks: Sequence[str]) -> str:
    """Return a figure at the end of a range, and which rule the design breaks there."""
    if value is None:
        return "none"
    return f"{number(value)} (breaks {', '.join(breaks)})" if breaks else number(value)


def figure_report(lineage: Trees, metric: str, swings: Sequence[Swing], depth: int = DEPTH) -> RenderableType:
    """Return where an outcome comes from and what moves it most."""
    figure = lineage[metric]
    parts: list[RenderableType] = [tree(lineage, metric, depth)]
    rows = len(lineage.rows_behind(metric))
    parts.append(Text(f"It rests on {rows} data rows."))
    if lineage.branches:
        parts.append(Text(f"Which terms there are is decided by: {', '.join(lineage.branches)}."))
    if isinstance(figure.value, float) and any(swing.width(figure.value) for swing in swings):
        parts += [Text(), swings_table(metric, figure.value, swings)]
    return Group(*parts)


def attribution_report(found: Attribution, names: tuple[str, str]) -> RenderableType:
    """Return the parts of a difference, largest first."""
    units = OUTCOMES[found.metric].units if found.metric in OUTCOMES else USD
    table = names_table(f"Why {found.metric} differs", "changed", names[0], names[1], "adds", "share")
    for part in found.parts:
        share = f"{part.part / found.difference:.1%}" if found.difference else ""
        table.add_row(part.name, _given(part.before), _given(part.after), _signed(part), share)
    total = f"{found.difference:+.6g}"
    table.add_row("difference", amount(found.before, units), amount(found.after, units), total, "100.0%", style="bold")
    said = [Text(_summary(found, units)), Text(method(found))]
    if found.through_design:
        said.append(Text(f"Changed too, with effect only through the design: {', '.join(found.through_design)}."))
    return Group(table, *said)


def _summary(found: Attribution, units: str) -> str:
    """Return what beliefs and the design, or what a plan states and buys, each add."""
    beliefs, chosen = found.sum_of(ASSUMPTION), found.sum_of(VARIABLE)
    if found.of_plans:
        stated = found.sum_of(STATED)
        return f"Beliefs add {beliefs:+.4g} {units}, the section plan {stated:+.4g}, what is bought {chosen:+.4g}."
    return f"Beliefs add {beliefs:+.4g} {units}, the design that was chosen adds {chosen:+.4g}."


def _given(value: float | str | None) -> str:
    return "" if value is None else value if isinstance(value, str) else number(value)


def _signed(part: DifferencePart) -> str:
    error = f" ± {part.error:.2g}" if part.error else ""
    return f"{part.part:+.4g}{error}"


def method(found: Attribution) -> str:
    """Return how the parts were found, as a sentence."""
    how = "over every order" if found.exact else "over random orders and their reverses"
    return (
        f"Each part is the mean effect of a change {how} in which the changes can be made (Shapley value; "
        f"{found.evaluations:,} evaluations); the parts add up to the difference."
    )


def plans_table(columns: Mapping[str, Mapping[str, float]], goal: str) -> Table:
    """Return plans side by side: the figure compared, accounts, and what is bought; what only one of them has too."""
    made = names_table("Plans side by side; accounts are discounted", "figure", *columns)
    for name in dict.fromkeys(name for column in columns.values() for name in column):
        units = "" if " " in name else PER_HOUR if name == PER_PFLOP_HOUR else USD
        values = [column.get(name) for column in columns.values()]
        style = "bold" if name == goal else ""
        made.add_row(name, *("" if value is None else amount(value, units) for value in values), style=style)
    return made


PER_PFLOP_HOUR, PER_HOUR = "lcoc_usd_per_pflop_hour", "USD/PFLOP-hour"


def inputs_table(changed: Sequence[tuple[str, str, str]], names: tuple[str, str]) -> RenderableType:
    """Return what differs between the studies of two plans."""
    if not changed:
        return Text("Their studies ask the same.")
    made = names_table("What differs between their studies", "key", *names)
    for row in changed:
        made.add_row(*row)
    return made
