"""The page of the keys of a study file, from its JSON Schema."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from _markdown import page, sentence, table

from dawndusk.models.assumptions import CATALOGUES, GROUPS
from dawndusk.studies.input.studyfile import json_schema

LISTED_NAMES = 7
"""Names that a table lists in full."""


def _type_of(rule: Mapping[str, Any]) -> str:
    """Return in words what a key of the schema takes."""
    if options := rule.get("anyOf", rule.get("oneOf")):
        return " or ".join(dict.fromkeys(filter(None, map(_type_of, options))))
    if "const" in rule:
        return f"the word `{rule['const']}`"
    if "enum" in rule:
        names = ", ".join(f"`{name}`" for name in rule["enum"])
        return f"one of {names}" if len(rule["enum"]) <= LISTED_NAMES else "a name"
    kind = rule.get("type", "object")
    if kind == "array":
        items = rule["items"]
        named = {"number": "numbers", "array": "pairs of numbers"}.get(items.get("type", ""), "")
        return f"list of {named or ('mappings' if '$ref' in items else 'names' if 'enum' in items else 'texts')}"
    return (
        _number_type(rule)
        if kind in {"number", "integer"}
        else {"string": "text", "object": "mapping", "boolean": "`true` or `false`"}.get(kind, "")
    )


def _number_type(rule: Mapping[str, Any]) -> str:
    noun = "whole number" if rule["type"] == "integer" else "number"
    if "exclusiveMinimum" in rule:
        return f"{noun} above {rule['exclusiveMinimum']:,.6g} and below {rule['exclusiveMaximum']:,.6g}"
    low, high = (f"{rule[key]:,.6g}" if key in rule else "" for key in ("minimum", "maximum"))
    if high:
        return f"{noun}, {low} to {high}"
    return f"{noun}, at least {low}" if low else noun


def _keys_table(section: Mapping[str, Any]) -> str:
    rows = []
    for key, rule in section["properties"].items():
        value = rule.get("default", "")
        shown = str(value).lower() if isinstance(value, bool) else value
        default = "" if value in ("", {}) else f"`{shown}`"
        rows.append((f"`{key}`", _type_of(rule), default, sentence(rule.get("description", ""))))
    return table(("key", "takes", "default", "meaning"), rows)


def study_keys_page() -> str:
    """Return the keys of a study file, from its JSON Schema."""
    schema = json_schema()
    kinds = schema["$defs"]

    def named(reference: Mapping[str, Any]) -> Mapping[str, Any]:
        found: Mapping[str, Any] = kinds[reference["$ref"].rsplit("/", 1)[-1]]
        return found

    parts = [f"## Top level\n\n{_keys_table(schema)}"]
    for path, rule in _nested_sections(schema, kinds, "", {"assumptions"}):
        level = "#" * (2 + path.removesuffix(".NAME").count("."))
        parts.append(f"{level} {path}\n\n{sentence(str(rule.get('description', '')))}\n\n{_keys_table(rule)}")
        if path == "design":
            parts.append(_range_part(kinds))
    assumptions = named(schema["properties"]["assumptions"])["properties"]
    parts.append(f"## assumptions\n\n{sentence('What is believed, where it differs from the shipped data')}\n")
    for name in GROUPS:
        if name in assumptions:
            parts.append(f"### assumptions.{name}\n\n{_keys_table(named(assumptions[name]))}")
    for name in CATALOGUES:
        rows = next(iter(assumptions[name]["properties"].values()))
        parts.append(f"### assumptions.{name}.ROW\n\n{_keys_table(named(rows))}")
    intro = (
        "Every key that a study file may hold, from the JSON Schema that `dawndusk schema` prints. How files extend "
        "one another and what is refused is in [](../reference/study_file.md)."
    )
    return page("Keys of a study file", intro, *parts)


def _nested_sections(
    rule: Mapping[str, Any], kinds: Mapping[str, Any], inside: str, without: Collection[str]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Return every section below a rule of the schema with its dotted path, but for ranges of a variable."""
    for key, inner in rule["properties"].items():
        options = [(inner, key), *((option, key) for option in (*inner.get("anyOf", ()), *inner.get("oneOf", ())))]
        options += [(option, f"{key}.NAME") for option in inner.get("patternProperties", {}).values()]
        options += [(inner["items"], f"{key}[]")] if "items" in inner else []
        for option, name in options:
            kind = option.get("$ref", "").rsplit("/", 1)[-1]
            if kind and key not in without and not kind.startswith("Range_") and kind not in OF_VARIABLES:
                path = f"{inside}.{name}" if inside else name
                yield path, kinds[kind]
                yield from _nested_sections(kinds[kind], kinds, path, without)


OF_VARIABLES = {"ChangesPart", "VaryPart"}
"""Sections with a key for every design variable, which are shown under ``design``."""


def _range_part(kinds: Mapping[str, Any]) -> str:
    example = kinds["Range_altitude_km"]
    rows = [(f"`{key}`", sentence(rule["description"])) for key, rule in example["properties"].items()]
    return "### Range of a variable\n\nHere of `altitude_km`; every other range has the same keys.\n\n" + table(
        ("key", "meaning"), rows
    )
