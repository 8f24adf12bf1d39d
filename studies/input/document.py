"""A study document: the values of a YAML or JSON text, each with the place where it was written.

The text is read event by event, so that nothing is constructed but mappings, lists, texts, numbers, ``true``,
``false`` and null, and so that size, depth and repetition are bounded. Scalars follow the core schema of YAML
1.2.2 (section 10.3.2): ``5e9`` is a number, ``no`` and ``1_000`` are texts, ``017`` is seventeen, ``0o17`` is
fifteen. Tags, anchors and aliases are refused: a study is a file that could as well be written in JSON.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, TypeAlias

import numpy as np
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)
from ruamel.yaml.representer import SafeRepresenter

from dawndusk.studies.input.errors import Place, StudyError, StudyProblem

Scalar: TypeAlias = str | int | float | bool | None
Loc: TypeAlias = tuple[str | int, ...]

MAX_DEPTH = 12
"""Mappings and lists inside one another; a study needs five."""
MAX_VALUES = 20_000
"""Values in one document; the largest sensible study overrides a few hundred."""
MAX_INTEGER_DIGITS = 15
"""Longer whole numbers are read as floats, which hold fifteen digits exactly."""
BEYOND_INTEGERS = 10**MAX_INTEGER_DIGITS
LINE_WIDTH = 110
MAX_SHOWN = 60
"""Characters of a value or key that a message repeats."""
MAX_PLACE = 200
"""Characters of a path or ``--set`` item that a message repeats."""

NULL = re.compile(r"~|null|Null|NULL|")
TRUE = re.compile(r"true|True|TRUE")
FALSE = re.compile(r"false|False|FALSE")
INTEGER = re.compile(r"[-+]?[0-9]+")
OCTAL = re.compile(r"0o[0-7]+")
HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
INFINITY = re.compile(r"([-+]?)\.(?:inf|Inf|INF)")
NOT_A_NUMBER = re.compile(r"\.(?:nan|NaN|NAN)")


@dataclass(frozen=True)
class DocumentNode:
    """A value and where it was written; the place of a mapping's entry is that of its key."""

    value: Scalar | Mapping[str, DocumentNode] | tuple[DocumentNode, ...]
    place: Place

    @property
    def entries(self) -> Mapping[str, DocumentNode]:
        """The entries of a mapping; empty for anything else."""
        return self.value if isinstance(self.value, Mapping) else {}

    def plain(self) -> Any:
        """Return the value without places: dict, tuple or scalar."""
        if isinstance(self.value, Mapping):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, tuple):
            return tuple(node.plain() for node in self.value)
        return self.value

    def follow(self, loc: Loc) -> tuple[tuple[str | int, ...], Place]:
        """Return the parts of ``loc`` that exist here and the place of the last of them."""
        node = self
        found: list[str | int] = []
        for part in loc:
            child = _child(node, part)
            if child is not None:
                node = child
                found.append(part)
        return tuple(found), node.place


def _child(node: DocumentNode, part: str | int) -> DocumentNode | None:
    if isinstance(node.value, Mapping):
        return node.value.get(part) if isinstance(part, str) else None
    if isinstance(node.value, tuple) and isinstance(part, int) and part < len(node.value):
        return node.value[part]
    return None


def dotted(loc: Loc) -> str:
    """Return a location as people write it: ``design.accelerator[1]``."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f"{'.' if text else ''}{shorten(part)}"
    return text


def shorten(text: str, limit: int = MAX_SHOWN) -> str:
    """Return a name as a message repeats it: quoted if it does not print in one line, and cut if it is long."""
    whole = text if text.isprintable() and text else repr(text)
    return whole if len(whole) <= limit else f"{whole[:limit]}..."


def describe(value: object) -> str:
    """Return a value as a message repeats it: in one line and not too long."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, tuple | list):
        return f"a list of {len(value)}" if value else "an empty list"
    return shorten(repr(value)) if isinstance(value, str | int | float) else f"a Python {type(value).__name__}"


def read_text(text: str, place: Place, *, lines: bool = True) -> DocumentNode:
    """Read one YAML or JSON document.

    Parameters
    ----------
    text : str
        The document.
    place : Place
        Names the file in places and messages.
    lines : bool
        Whether line numbers mean anything to the reader of a message (not for a ``--set`` item).

    Raises
    ------
    StudyError
        If the text is not one plain document, or is too deep or too long.
    """
    reader = _Reader(text, place, lines)
    try:
        return reader.document()
    except MarkedYAMLError as error:
        raise StudyError(reader.syntax_problem(error)) from None
    except YAMLError as error:
        reason = str(error).splitlines()[0]
        raise StudyError(reader.problem(place, f"text that is not YAML: {reason}", "YAML 1.2 or JSON")) from None
    except UnicodeError:
        raise StudyError(reader.problem(place, "half of a Unicode character", "whole characters")) from None


class _Reader:
    """Builds one document from the events of the parser; problems that leave it readable are gathered."""

    def __init__(self, text: str, place: Place, lines: bool) -> None:
        self.events: Iterator[Any] = iter(YAML(typ="safe", pure=True).parse(io.StringIO(text)))
        self.start = place
        self.lines = lines
        self.values = 0
        self.problems: list[StudyProblem] = []

    def document(self) -> DocumentNode:
        event = next(self.events)
        while isinstance(event, StreamStartEvent | DocumentStartEvent):
            event = next(self.events)
        if isinstance(event, StreamEndEvent):
            return DocumentNode(None, self.start)
        node = self.value(event, ())
        self.end_of_document()
        if self.problems:
            raise StudyError(*self.problems)
        return node

    def end_of_document(self) -> None:
        for event in self.events:
            if isinstance(event, DocumentStartEvent):
                self.stop(event, (), "a second document", "one document in a file")
            if not isinstance(event, DocumentEndEvent):
                return

    def value(self, event: Any, loc: Loc) -> DocumentNode:
        self.values += 1
        if self.values > MAX_VALUES:
            self.stop(event, (), f"more than {MAX_VALUES} values", f"up to {MAX_VALUES}")
        if len(loc) > MAX_DEPTH:
            self.stop(event, (), f"values nested deeper than {MAX_DEPTH}", f"up to {MAX_DEPTH} levels")
        self.refuse_indirection(event, loc)
        place = self.place(event)
        if isinstance(event, MappingStartEvent):
            return DocumentNode(self.mapping(loc), place)
        if isinstance(event, SequenceStartEvent):
            return DocumentNode(self.sequence(loc), place)
        return DocumentNode(_scalar(event), place)

    def mapping(self, loc: Loc) -> dict[str, DocumentNode]:
        entries: dict[str, DocumentNode] = {}
        while not isinstance(event := next(self.events), MappingEndEvent):
            self.refuse_indirection(event, loc)
            if not isinstance(event, ScalarEvent):
                self.stop(event, loc, "a key that is not a name", "names as keys")
            key, place = _whole_text(event.value), self.place(event)
            node = self.value(next(self.events), (*loc, key))
            if key in entries:
                first = entries[key].place.line
                found = f"this key again (first in line {first})" if self.lines else "this key twice"
                self.problems.append(self.problem(place, found, "each key once", (*loc, key)))
            entries.setdefault(key, replace(node, place=place))
        return entries

    def sequence(self, loc: Loc) -> tuple[DocumentNode, ...]:
        items: list[DocumentNode] = []
        while not isinstance(event := next(self.events), SequenceEndEvent):
            items.append(self.value(event, (*loc, len(items))))
        return tuple(items)

    def refuse_indirection(self, event: Any, loc: Loc) -> None:
        if isinstance(event, AliasEvent):
            self.stop(
                event, loc, f"the alias *{shorten(event.anchor)}", "values written out (to share them, use extends)"
            )
        if event.anchor:
            self.stop(
                event,
                loc,
                f"the anchor &{shorten(event.anchor)}",
                "values without anchors (to share them, use extends)",
            )
        if event.tag:
            self.stop(event, loc, f"the tag {shorten(event.tag)}", "plain values without tags")

    def place(self, event: Any) -> Place:
        return Place(self.start.file, event.start_mark.line + 1) if self.lines else self.start

    def problem(self, place: Place, found: str, allowed: str, loc: Loc = (), hint: str = "") -> StudyProblem:
        return StudyProblem(place=place, key=dotted(loc), found=found, allowed=allowed, hint=hint)

    def stop(self, event: Any, loc: Loc, found: str, allowed: str) -> None:
        raise StudyError(*self.problems, self.problem(self.place(event), found, allowed, loc))

    def syntax_problem(self, error: MarkedYAMLError) -> StudyProblem:
        mark = error.problem_mark or error.context_mark
        place = Place(self.start.file, mark.line + 1) if mark and self.lines else self.start
        reason = str(error.problem or error.context).splitlines()[0]
        hint = " (indent with spaces)" if r"\t" in reason else ""
        return self.problem(place, f"text that is not YAML: {reason}", "YAML 1.2 or JSON", (), hint)


def _scalar(event: Any) -> Scalar:
    text = _whole_text(event.value)
    plain_style = event.implicit[0]
    return plain_scalar(text) if plain_style else text


def _whole_text(text: str) -> str:
    """Join the surrogate pairs that JSON writes as two escapes; a lone one is a ``UnicodeError``."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16")


def plain_scalar(text: str) -> Scalar:
    """Return the value of an unquoted scalar by the core schema of YAML 1.2.2."""
    if NULL.fullmatch(text):
        return None
    if TRUE.fullmatch(text) or FALSE.fullmatch(text):
        return text.lower() == "true"
    return _number(text)


def _number(text: str) -> Scalar:
    if INTEGER.fullmatch(text) and len(text) <= MAX_INTEGER_DIGITS:
        return int(text)
    if (OCTAL.fullmatch(text) or HEXADECIMAL.fullmatch(text)) and len(text) <= MAX_INTEGER_DIGITS:
        return int(text, base=0)
    if FLOAT.fullmatch(text):
        return float(text)
    if INFINITY.fullmatch(text):
        return float(text.replace(".", ""))
    return float("nan") if NOT_A_NUMBER.fullmatch(text) else text


def from_python(value: object, place: Place, depth: int = 0) -> DocumentNode:
    """Return a Python value as a document: mappings, sequences, texts, numbers, booleans and None.

    Raises
    ------
    StudyError
        If a key is not a text or the value is nested too deeply (a cycle is).
    """
    if depth > MAX_DEPTH:
        found = f"values nested deeper than {MAX_DEPTH}"
        raise StudyError(StudyProblem(place=place, key="", found=found, allowed=f"up to {MAX_DEPTH} levels"))
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, int) and abs(value) >= BEYOND_INTEGERS:
        value = float(f"{Decimal(value):e}")
    if isinstance(value, Mapping):
        return DocumentNode({_text_key(k, place): from_python(v, place, depth + 1) for k, v in value.items()}, place)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return DocumentNode(tuple(from_python(v, place, depth + 1) for v in value), place)
    return DocumentNode(value, place)  # type: ignore[arg-type]  # the schema refuses what is no scalar


def _text_key(key: object, place: Place) -> str:
    if not isinstance(key, str):
        raise StudyError(StudyProblem(place=place, key="", found=f"the key {describe(key)}", allowed="names as keys"))
    return key


class _Representer(SafeRepresenter):
    """Quotes every text that would be read back as something else, and writes repeated values out."""

    def ignore_aliases(self, data: object) -> bool:
        return True

    def represent_text(self, text: str) -> Any:
        style = None if isinstance(plain_scalar(text), str) and text.isprintable() else '"'
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Representer.add_representer(str, _Representer.represent_text)


def write_text(value: Mapping[str, Any]) -> str:
    """Return plain values as YAML that ``read_text`` reads back unchanged."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Representer = _Representer
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.width = LINE_WIDTH
    out = io.StringIO()
    yaml.dump(dict(value), out)
    return out.getvalue()
