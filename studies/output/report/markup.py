"""HTML from plain values: whatever is not markup already is escaped."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from dawndusk.studies.run.folder.writing import finite


class Html(str):
    """Text that is HTML; any other text is escaped before it becomes part of a page."""

    __slots__ = ()


Child: TypeAlias = str | float | Iterable["Child"] | None

EMPTY = frozenset({"br", "input", "link", "meta"})
"""Elements without an end."""


def text(child: Child) -> Html:
    """Return children as HTML."""
    if child is None:
        return Html("")
    if isinstance(child, Html):
        return child
    if isinstance(child, str):
        return Html(html.escape(printable(child)))
    if isinstance(child, int | float):
        return Html(str(child))
    return Html("".join(text(one) for one in child))


def printable(words: str) -> str:
    """Return text without characters that steer its direction or do not print, line breaks apart."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in words)


def tag(element: str, /, *children: Child, **attributes: str | bool | None) -> Html:
    """Return an element.

    A trailing underscore of an attribute is dropped and inner ones become hyphens, so that ``class_`` and
    ``aria_label`` can be written; True stands for an attribute without a value, None and False for none.
    """
    given = "".join(_attribute(key, value) for key, value in attributes.items())
    if element in EMPTY:
        return Html(f"<{element}{given}>")
    return Html(f"<{element}{given}>{text(children)}</{element}>")


def _attribute(key: str, value: str | bool | None) -> str:
    key = key.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    return f" {key}" if value is True else f' {key}="{html.escape(printable(value))}"'


def table(
    columns: Sequence[Child], rows: Iterable[Sequence[Child]], *, caption: Child = None, class_: str = ""
) -> Html:
    """Return a table whose first column heads its rows; it scrolls by itself where the page is narrow."""
    head = tag("thead", tag("tr", [tag("th", column, scope="col") for column in columns]))
    body = tag("tbody", [tag("tr", tag("th", row[0], scope="row"), [tag("td", c) for c in row[1:]]) for row in rows])
    whole = tag("table", tag("caption", caption) if caption else None, head, body, class_=class_ or None)
    return tag("div", whole, class_="scroll", tabindex="0", role="region", aria_label=_label(caption))


def _label(caption: Child) -> str:
    return str(caption) if isinstance(caption, str) and not isinstance(caption, Html) else "table"


def details(summary: Child, *body: Child, open_: bool = False, **attributes: str | bool | None) -> Html:
    """Return something that opens on demand."""
    return tag("details", tag("summary", summary), *body, open=open_, **attributes)


def link(url: str, words: str) -> Html:
    """Return a link where the address is one of the web, else the words alone."""
    if url.startswith(("https://", "http://")):
        return tag("a", words, href=url, rel="noopener noreferrer", target="_blank")
    return text(words)


def embedded(value: Any) -> str:
    """Return JSON that can stand in a script element."""
    plain = json.dumps(finite(value), allow_nan=False, separators=(",", ":"), ensure_ascii=True)
    return plain.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
