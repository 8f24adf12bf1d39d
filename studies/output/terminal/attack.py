"""What an attack on a certificate tried and found, as a person reads it in the terminal."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from dawndusk.models.design import Design
from dawndusk.models.outcome import OUTCOMES
from dawndusk.models.units import USD, precise
from dawndusk.optimize.certify.attack import Attacked, Contradiction
from dawndusk.optimize.result import INTERRUPT, Check, DesignResult
from dawndusk.studies.input.study import ResolvedStudy
from dawndusk.studies.output.terminal.design import title_of
from dawndusk.studies.run.design.wording import percent

DIGITS = 6
MOST_SHOWN = 3
"""Contradictions of each kind that are shown; the result as JSON has more of them."""
WIDTH = 100
"""Of a command that is folded into lines to be pasted."""
KINDS = {
    "certificate": "a feasible design that the certificate rules out, or no certificate without a contradiction",
    "bound": "a feasible design that is better than the bound of a box around it",
    "box": "a box from which a feasible design was cut away",
    "enclosure": "a value outside the range in which an operation was enclosed",
}
"""What is contradicted, by the kind of a contradiction."""


def failed_checks(found: Attacked) -> list[Check]:
    """Return the checks of the certificate's own audit that did not hold."""
    return [check for check in found.certified.checks if not check.held] if found.certified is not None else []


def holds(found: Attacked) -> bool:
    """Return whether nothing contradicts the certificate, its own audit included."""
    return found.held and not failed_checks(found)


def counted(found: Attacked) -> str:
    """Return how many contradictions there are of each kind, and the checks that failed."""
    parts = [f"{kind} {count:,}" for kind, count in found.found.items()]
    return ", ".join([*parts, *(f"audit: {check.name}" for check in failed_checks(found))])


def set_items(design: Design) -> list[str]:
    """Return a design as ``--set`` items, which read back as the same numbers."""
    return [f"design.{name}={value}" for name, value in design.to_dict().items()]


def attack_report(
    study: ResolvedStudy, found: Attacked, command: Sequence[str], *, interrupted: bool
) -> RenderableType:
    """Return the whole answer of an attack.

    Parameters
    ----------
    command : sequence of str
        What evaluates a design of the study, to which the design is added as ``--set`` items.
    """
    parts: list[RenderableType] = [headline(study, found, interrupted=interrupted)]
    for kind in found.found:
        parts += [Text(), *_contradictions(kind, found, command)]
    return Group(*parts)


def headline(study: ResolvedStudy, found: Attacked, *, interrupted: bool) -> Text:
    """Return whether the certificate held, what it says, and how it was attacked."""
    text = Text()
    text.append(f"{title_of(study)}\n", style="bold")
    if holds(found):
        held = "nothing contradicts the certificate" if _proves(found) else "no bound of a box, no enclosure is wrong"
        text.append(f"HELD: {held}{' so far' if interrupted else ''}.\n", style="bold green")
    else:
        text.append(f"CONTRADICTED: {counted(found)}. Do not rest anything on it, and report it.\n", style="bold red")
    text.append("\n".join([*_certified(study, found), *_tried(study, found, interrupted=interrupted)]))
    return text


def _proves(found: Attacked) -> bool:
    """Return whether there is a certificate that says anything of all designs."""
    known = found.certified
    return known is not None and (known.bound is not None or known.status == "infeasible")


def _certified(study: ResolvedStudy, found: Attacked) -> Iterator[str]:
    """Return what is attacked."""
    known = found.certified
    if known is None:
        yield "There is no certificate: making it ended in a contradiction."
        return
    yield f"The certificate: {known.status}, {claim(study, known)}."
    if known.stopped_by == INTERRUPT:
        yield "It was interrupted."
    elif known.status in {"feasible", "unknown"}:
        yield f"The gap asked for, {percent(known.gap_asked)}, is not closed in the share of the time that it has."
    for check in failed_checks(found):
        yield f"Its own audit failed: {check.name}: {check.words}."


def claim(study: ResolvedStudy, known: DesignResult) -> str:
    """Return the best design and what is proved of all others, with the bound rounded away from the designs."""
    if known.status == "infeasible":
        return "no design meets every rule and bound"
    best = "no design found" if known.objective is None else f"{study.objective} = {_amount(study, known.objective)}"
    if known.bound is None:
        return f"{best}, nothing proved"
    low = study.sense == "minimise"
    bound = _amount(study, known.bound, "down" if low else "up", like=known.objective)
    if low and OUTCOMES[study.objective].units.startswith(USD):
        proved = f"no design costs less than {bound}"
    else:
        proved = f"no design has {'less' if low else 'more'} than {bound}"
    return f"{best}, proved{'' if known.gap is None else f' within {percent(known.gap)}'}: {proved}"


def _amount(study: ResolvedStudy, value: float, toward: str = "", *, like: float | None = None) -> str:
    return precise(value, OUTCOMES[study.objective].units, DIGITS, toward, like=like)


def _tried(study: ResolvedStudy, found: Attacked, *, interrupted: bool) -> Iterator[str]:
    """Return what was tried, and where it was little."""
    best = "" if found.best is None else f", the best with {_amount(study, found.best)}"
    yield f"{found.designs:,} designs evaluated, {found.feasible:,} of them feasible{best}."
    yield (
        f"{found.boxes:,} boxes around feasible designs bounded, {found.comparisons:,} enclosures compared with the "
        "values in them."
    )
    ended = "interrupted" if interrupted else "ended by its time"
    yield f"{found.seconds:.1f} s, seed {found.seed}, {ended}."
    if not found.feasible:
        yield "No feasible design was found, so that there was no box to look at."
    elif not found.boxes:
        yield "The time ended before any box was looked at: more minutes look at boxes too."


def _contradictions(kind: str, found: Attacked, command: Sequence[str]) -> Iterator[Text]:
    """Return the first contradictions of one kind, each with the command that evaluates its design."""
    count = found.found[kind]
    first = [one for one in found.contradictions if one.kind == kind][:MOST_SHOWN]
    more = f", the first {len(first)}" if count > len(first) else ""
    yield Text(f"{kind}: {KINDS.get(kind, 'a contradiction')} ({count:,}{more})", style="bold")
    for one in first:
        yield _contradiction(one, command)


def _contradiction(one: Contradiction, command: Sequence[str]) -> Text:
    # Lines that were broken to the width of the terminal could not be pasted.
    text = Text(f"  {one.words}", style="red", no_wrap=True, overflow="ignore")
    if one.design is not None:
        items = [f"--set {shlex.quote(item)}" for item in set_items(one.design)]
        text.append(f"\n    {_folded([*command, *items])}", style="default")
    return text


def _folded(words: Sequence[str]) -> str:
    """Return a command in lines that can be pasted together."""
    lines = [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + len(word) > WIDTH:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return " \\\n      ".join(lines)
