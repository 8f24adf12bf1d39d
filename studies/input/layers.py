"""Layers of a study: the chain of ``extends``, the ``--set`` items, and how one overrides another.

The rules of precedence are written down in ``dawndusk.studies.input.studyfile``.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path

from dawndusk.studies.input.checks import validate
from dawndusk.studies.input.document import (
    MAX_DEPTH,
    MAX_PLACE,
    DocumentNode,
    Loc,
    describe,
    dotted,
    read_text,
    shorten,
)
from dawndusk.studies.input.errors import Place, StudyError, StudyProblem
from dawndusk.studies.input.files import find, not_found, read_file
from dawndusk.studies.input.plans.paths import YEAR
from dawndusk.studies.input.schema import ALTERNATIVES

NOT_INHERITED = {"name", "title", "description", "extends"}
"""Keys that speak of their own file."""


def merge_layers(layers: Sequence[DocumentNode], overrides: Sequence[str]) -> DocumentNode:
    """Return a study's document merged with all that it extends and overridden by the ``--set`` items.

    Parameters
    ----------
    layers : sequence of Node
        As ``read_layers`` returns them.
    overrides : sequence of str
        The ``--set`` items.
    """
    merged = functools.reduce(_extend, reversed(layers))
    if overrides:
        merged = dataclasses.replace(merge(merged, _override_layer(overrides)), place=merged.place)
    return merged


def _extend(lower: DocumentNode, upper: DocumentNode) -> DocumentNode:
    texts = {key: node for key, node in lower.entries.items() if key not in NOT_INHERITED}
    return merge(dataclasses.replace(lower, value=texts), upper)


def read_layers(tree: DocumentNode, directory: Path, seen: list[Path]) -> list[DocumentNode]:
    """Return a study's document and all it extends, itself first, each checked on its own.

    Parameters
    ----------
    tree : Node
        The study's own document.
    directory : Path
        Where paths in its ``extends`` begin.
    seen : list of Path
        The file it was read from, if any: extending it again is a cycle.
    """
    layers, problems = [tree], validate(tree)[1]
    while (parent := _parent(layers[-1], directory, seen)) is not None:
        seen = [*seen, parent.resolve()]
        directory = parent.parent
        layers.append(read_file(parent))
        problems += validate(layers[-1])[1]
    if problems:
        raise StudyError(*problems)
    return layers


def _parent(tree: DocumentNode, directory: Path, seen: list[Path]) -> Path | None:
    node = tree.entries.get("extends")
    if node is None or not isinstance(node.value, str):
        return None
    path = find(node.value, directory)
    if path is None:
        raise StudyError(not_found(node.place, "extends", node.value))
    if path.resolve() in seen:
        names = " > ".join(p.name for p in (*seen[seen.index(path.resolve()) :], path))
        raise StudyError(
            StudyProblem(place=node.place, key="extends", found=f"a cycle: {names}", allowed="a chain that ends")
        )
    return path


def merge(lower: DocumentNode, upper: DocumentNode, loc: Loc = ()) -> DocumentNode:
    """Return ``lower`` overridden by ``upper``, by the rules of precedence."""
    if not (isinstance(lower.value, Mapping) and isinstance(upper.value, Mapping)):
        return upper
    if _is_path(lower) or _is_path(upper):
        return upper
    inherited = {key: node for key, node in lower.value.items() if key not in _not_inherited(lower, upper, loc)}
    entries = {
        key: merge(inherited[key], node, (*loc, key)) if key in inherited else node for key, node in upper.value.items()
    }
    return DocumentNode({**inherited, **entries}, upper.place)


def _is_path(node: DocumentNode) -> bool:
    """Tell whether a mapping is one quantity over the years, which is overridden as a whole."""
    return bool(node.entries) and all(YEAR.fullmatch(key) for key in node.entries)


def _not_inherited(lower: DocumentNode, upper: DocumentNode, loc: Loc) -> set[str]:
    keys: set[str] = set()
    alternatives = ALTERNATIVES.get(tuple(str(part) for part in loc), ())
    if any(name in upper.entries for name in alternatives):
        keys |= set(alternatives)
    if len(loc) == 2 and loc[0] == "design" and _nominal_left_outside(lower, upper):  # noqa: PLR2004
        keys.add("nominal")
    return keys


def _nominal_left_outside(lower: DocumentNode, upper: DocumentNode) -> bool:
    """Tell whether the ends of the stronger range exclude the nominal value of the weaker one."""
    nominal = _value_of(lower, "nominal")
    low, high = _value_of(upper, "low"), _value_of(upper, "high")
    return nominal is not None and ((low is not None and nominal < low) or (high is not None and nominal > high))


def _value_of(node: DocumentNode, key: str) -> float | None:
    value = node.entries[key].value if key in node.entries else None
    return value if isinstance(value, int | float) else None


def _override_layer(items: Sequence[str]) -> DocumentNode:
    """Return the ``--set`` items as one layer; each value keeps its item as its place."""
    layer = DocumentNode({}, Place("--set"))
    for item in items:
        layer = _join(layer, _override(item), ())
    return layer


def _override(item: str) -> DocumentNode:
    key, separator, text = item.partition("=")
    keys = key.strip().split(".")
    place = Place(f"--set {shorten(item, MAX_PLACE)}")
    if not separator or not all(keys):
        allowed = "key=value with a dotted key, for example design.altitude_km=900"
        raise StudyError(StudyProblem(place=place, key="", found=describe(item), allowed=allowed))
    if len(keys) > MAX_DEPTH:
        found, allowed = f"a key of {len(keys)} parts", f"up to {MAX_DEPTH}"
        raise StudyError(StudyProblem(place=place, key="", found=found, allowed=allowed))
    if any(map(YEAR.fullmatch, keys)):
        allowed = "the path as a whole, for example plan.demand.it_power_mw={2030: 0, 2035: 20}"
        raise StudyError(
            StudyProblem(place=place, key=dotted(tuple(keys)), found="one year of a path", allowed=allowed)
        )
    if keys[0] == "extends":
        raise StudyError(
            StudyProblem(place=place, key="extends", found="extends in a --set item", allowed="it in a study file")
        )
    node = read_text(text, place, lines=False)
    for name in reversed(keys):
        node = DocumentNode({name: node}, place)
    return node


def _join(one: DocumentNode, other: DocumentNode, loc: Loc) -> DocumentNode:
    """Return two overrides as one; they may not speak of the same value."""
    if not (isinstance(one.value, Mapping) and isinstance(other.value, Mapping)):
        raise StudyError(
            StudyProblem(place=other.place, key=dotted(loc), found=f"this key again after {one.place}", allowed="once")
        )
    both = {key: _join(one.value[key], node, (*loc, key)) for key, node in other.value.items() if key in one.value}
    return DocumentNode({**one.value, **other.value, **both}, other.place)
