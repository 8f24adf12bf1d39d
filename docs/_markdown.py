"""Texts, tables and pages in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

SPECIAL = set("\\`*_{}[]<>()#|$~")


def escaped(text: str) -> str:
    """Return plain text as Markdown that shows it unchanged, in a table too."""
    return "".join(f"\\{letter}" if letter in SPECIAL else letter for letter in text).replace("\n", " ")


def sentence(text: str) -> str:
    """Return a text with a capital and a full stop, as Markdown."""
    return escaped(text[:1].upper() + text[1:].rstrip(".") + ".") if text else ""


def number(value: float | None) -> str:
    """Return a number with up to six digits."""
    return "" if value is None else f"{value:.6g}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; cells are Markdown already."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def page(title: str, intro: str, *parts: str) -> str:
    """Return a page from its parts."""
    return "\n".join([f"# {title}\n", f"{intro}\n", *parts])
