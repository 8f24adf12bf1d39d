"""What a person sees of a front in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_uppercase

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from dawndusk.models.design import CATEGORIES, Design
from dawndusk.models.outcome import OUTCOMES
from dawndusk.models.units import pretty
from dawndusk.optimize.pareto.ends import NOT_BOUNDED, End
from dawndusk.optimize.pareto.front import Exchange, Front
from dawndusk.optimize.problem import Goal
from dawndusk.studies.output.pictures.front import scale_of, spoken
from dawndusk.studies.output.terminal.tables import names_table
from dawndusk.studies.output.terminal.tables import table as plain_table
from dawndusk.studies.run.design.wording import ENDINGS, percent
from dawndusk.studies.run.front.runner import FrontResult

SHOWN_POINTS = 12
CURVE = 2
DAYS, MONTHS = (1.0 / 12.0, 365.25, "days"), (2.0, 12.0, "months")
"""Below so many years, what a year is multiplied by, and the unit that people then speak in."""
LEAST_SHARE = 5e-5
"""Below it an amount says more than its share."""
PERCENT, LEAST_SCALED, MOST_SCALED = 0.01, 0.002, 0.1
"""Shares between the last two are brought to one percent in words."""
LEAST_IN_FULL = 1e4


def front_report(result: FrontResult) -> RenderableType:
    """Return the whole answer of a front."""
    front = result.front
    parts: list[RenderableType] = [_headline(result), Text()]
    if not len(front):
        return Group(*parts)
    parts += [points_table(front), Text()]
    if front.ends:
        parts += [_ends_table(front.ends), Text()]
    if front.in_conflict:
        parts += [trades(front)]
    return Group(*parts)


def _headline(result: FrontResult) -> Text:
    front = result.front
    text = Text()
    text.append(f"{result.study.title or result.study.name}\n", style="bold")
    style = {"feasible": "bold green", "infeasible": "bold red"}.get(front.status, "bold yellow")
    text.append(f"{_found(front)}\n", style=style)
    text.append(_about(front))
    return text


def _found(front: Front) -> str:
    """Return in a sentence what was found."""
    if front.status == "infeasible":
        return f"INFEASIBLE: {'proved, no design meets' if front.proved else 'no design found that meets'} every rule."
    if front.status == "unknown":
        return "UNKNOWN: the search ended before it met a design that meets every rule."
    if not front.in_conflict:
        return f"One design is the best for {listed(front.goals)}: these goals do not conflict."
    return f"Front of {len(front)} designs between {listed(front.goals)}"


def listed(goals: Sequence[Goal]) -> str:
    """Return the names of goals as one text."""
    names = [spoken(goal.outcome) for goal in goals]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _about(front: Front) -> str:
    """Return how the search went and how fine the front is."""
    ended = ENDINGS.get(front.stopped_by, f"ended by {front.stopped_by}")
    proofs = f", proofs of the ends in {front.proof_seconds:.1f} s" if front.ends else ""
    lines = [
        f"{front.evaluated:,} designs evaluated in {front.seconds:.1f} s{proofs}, seed {front.seed}, {ended}. "
        "Between the ends the search is heuristic."
    ]
    if front.in_conflict:
        lines.append(_fineness(front))
    if front.stopped_by != "completion":
        lines.append("The search was cut short: better designs may be within its reach.")
    return "\n".join(lines)


def _fineness(front: Front) -> str:
    """Return how far apart neighbours are."""
    asked, widest = f"{front.spacing:.2%}", f"{front.widest_gap:.2%}"
    jumps = front.jumps
    if not jumps:
        return f"No gap between neighbours exceeds {widest} of any goal's range; asked: {asked}."
    if len(front.goals) > CURVE:
        return f"The widest step between neighbours is {widest} of a goal's range; asked: {asked}."
    nothing = "no design was found between" if front.stopped_by == "completion" else "the search did not get there"
    longest = "; ".join(f"{step.one + 1} to {step.other + 1} ({step.length:.1%})" for step in jumps[:3])
    more = f" and {len(jumps) - 3} more" if len(jumps) > 3 else ""  # noqa: PLR2004 (those shown)
    return f"No gap exceeds {asked} of any goal's range but where the front jumps, {nothing}: points {longest}{more}."


def points_table(front: Front, label: str = "point", labels: Sequence[object] = ()) -> RenderableType:
    """Return some points of a front, ends and knee among them, and how they are built; counted from 1 by default.

    How designs are built is a column where they differ in one category, and a list under the table where in more.
    """
    labels = labels or range(1, len(front) + 1)
    differ = [c for c in CATEGORIES if len({getattr(design, c) for design in front.designs}) > 1]
    shown = _chosen(front)
    title = "Front" if len(shown) == len(front) else f"Front: {len(shown)} of {len(front)} points"
    ways = _ways([front.designs[number] for number in shown], differ)
    built = {0: [], 1: differ}.get(len(differ), ["built"])
    scales = [scale_of(goal.outcome, front.values[:, i].tolist()) for i, goal in enumerate(front.goals)]
    headings = [_heading(goal, units) for goal, (_, units) in zip(front.goals, scales, strict=True)]
    table = plain_table(title, label, *headings, "satellites", "km", "life", *built)
    for column in table.columns:
        column.no_wrap = True
    for number in shown:
        design = front.designs[number]
        mark = " knee" if number in front.knees[:1] else ""
        way = _way(design, differ)
        table.add_row(
            f"{labels[number]}{mark}",
            *(_figure(value / size) for value, (size, _) in zip(front.values[number].tolist(), scales, strict=True)),
            f"{design.satellites:,} x {design.accelerators_per_satellite}",
            f"{design.altitude_km:.0f}",
            f"{design.life_years:.1f}",
            *([way] if len(differ) == 1 else [ways[way]] if differ else []),
        )
    if len(differ) <= 1:
        return table
    listed_ways = "\n".join(f"  {letter}  {way}" for way, letter in ways.items())
    return Group(table, Text(f"Built with\n{listed_ways}"))


def _way(design: Design, differ: Sequence[str]) -> str:
    return ", ".join(str(getattr(design, name)) for name in differ)


def _ways(designs: Sequence[Design], differ: Sequence[str]) -> dict[str, str]:
    """Return the ways in which designs are built, each with its letter, in the order in which they come."""
    return dict(zip(dict.fromkeys(_way(design, differ) for design in designs), ascii_uppercase, strict=False))


def _heading(goal: Goal, units: str) -> str:
    """Return a goal with its units, a word to a line."""
    return "\n".join([*spoken(goal.outcome).split(), *f"[{units}]".split()])


def _figure(value: float) -> str:
    """Return a value of a goal without its units."""
    return f"{value:.4g}" if abs(value) < LEAST_IN_FULL else f"{value:,.0f}"


def _chosen(front: Front) -> list[int]:
    """Return points spread over a front, with the ends and the knee."""
    spread = np.linspace(0, len(front) - 1, SHOWN_POINTS).round().astype(int).tolist()
    ends = [int(np.argmin(front.shares[:, goal])) for goal in range(len(front.goals))]
    return sorted({*spread, *ends, *front.knees[:1]})


def _ends_table(ends: Sequence[End]) -> RenderableType:
    """Return the best value of each goal with its certificate."""
    table = names_table("Ends, with what is proved", "goal", "best", "no design has", "gap", "status")
    for end in ends:
        units = OUTCOMES[end.goal.outcome].units
        best = "none" if end.value is None else pretty(end.value, units)
        side = "less than" if end.goal.sense == "minimise" else "more than"
        bound = "-" if end.bound is None else f"{side} {pretty(end.bound, units)}"
        gap = "-" if end.gap is None else percent(end.gap)
        table.add_row(f"{end.goal.sense} {spoken(end.goal.outcome)}", best, bound, gap, _status(end))
    return table


def _status(end: End) -> str:
    words = {"optimal": "proved", "feasible": "not closed in the time given", NOT_BOUNDED: "no bound is known"}
    return words.get(end.status, end.status)


def trades(front: Front, label: str = "point", labels: Sequence[object] = ()) -> Text:
    """Return the exchange rates at the knee, or in the middle of a front without one, as sentences."""
    labels = labels or range(1, len(front) + 1)
    text = Text()
    if front.knees:
        point, where = front.knees[0], "At the knee"
    else:
        point, where = int(np.argmax(front.bulge)), "The front has no knee. Where it bulges most"
    text.append(f"{where} ({label} {labels[point]})\n", style="bold")
    for exchange in front.exchanges_at(point):
        text.append(f"  {sentence(exchange)}\n")
    return text


def sentence(exchange: Exchange) -> str:
    """Return an exchange in words, such as ``1 % more levelised cost buys 9 months less deployment``.

    A step of a few percent is brought to one percent; one that is much shorter or longer is given as it is.
    """
    scale = PERCENT / exchange.given_share if LEAST_SCALED < exchange.given_share < MOST_SCALED else 1.0
    share, gained = exchange.given_share * scale, exchange.gained * scale
    given = f"{100 * share:.2g} %" if share >= LEAST_SHARE else _amount(exchange.give, exchange.given)
    more, less = (_direction(goal, worse) for goal, worse in ((exchange.give, True), (exchange.gain, False)))
    return (
        f"{given} {more} {spoken(exchange.give.outcome)} buys {_amount(exchange.gain, gained)} "
        f"({exchange.gained_share * scale:.2%}) {less} {spoken(exchange.gain.outcome)}"
    )


def _direction(goal: Goal, worse: bool) -> str:
    return "more" if (goal.sense == "minimise") == worse else "less"


def _amount(goal: Goal, amount: float) -> str:
    """Return an amount of a goal; short times in months or days."""
    units = OUTCOMES[goal.outcome].units
    if units == "years":
        for below, factor, name in (DAYS, MONTHS):
            if amount < below:
                return f"{amount * factor:.2g} {name}"
    return pretty(amount, units)
