"""The JSON Schema of a study file, for editors and for whoever writes studies by program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dawndusk.models.assumptions import CATALOGUES, Assumptions
from dawndusk.studies.data import default_assumptions
from dawndusk.studies.input import values
from dawndusk.studies.input.schema import StudyFile


def json_schema(assumptions: Assumptions | None = None) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a study file.

    Parameters
    ----------
    assumptions : Assumptions, optional
        Supplies the names of the catalogues; the shipped ones by default. For a study that adds rows, give
        its ``Study.assumptions``.
    """
    believed = default_assumptions() if assumptions is None else assumptions
    names = {catalogue: list(getattr(believed, catalogue)) for catalogue in CATALOGUES}
    schema: dict[str, Any] = _tidy(StudyFile.model_json_schema())
    definitions = schema["$defs"]
    _name_catalogues(schema, names)
    for run in ("workload", "training_run"):
        _require_name(schema["properties"][run], names[f"{run}s"])
    for catalogue, rows in definitions["AssumptionsSection"]["properties"].items():
        if catalogue in CATALOGUES:
            _spell_rows(rows, names[catalogue], definitions)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "dawndusk study", **schema}


def _tidy(schema: Any) -> Any:
    """Drop generated titles and the defaults that only mean: not given; close mappings from names."""
    if isinstance(schema, list):
        return [_tidy(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    tidy = {key: _tidy(value) for key, value in schema.items() if not _is_idle(key, value)}
    if "patternProperties" in schema:
        tidy["additionalProperties"] = False
    return tidy


def _is_idle(key: str, value: object) -> bool:
    generated_title = key == "title" and isinstance(value, str)
    return generated_title or (key == "default" and not isinstance(value, int | float | str))


def _name_catalogues(schema: Any, names: Mapping[str, list[str]]) -> None:
    """Replace the mark of a catalogue on a category by the names that the catalogue holds."""
    if isinstance(schema, list):
        for item in schema:
            _name_catalogues(item, names)
    elif isinstance(schema, dict):
        for item in schema.values():
            _name_catalogues(item, names)
        if schema.get("type") == "string" and "x-catalogue" in schema:
            _require_name(schema, names[schema.pop("x-catalogue")])


def _require_name(schema: dict[str, Any], names: list[str]) -> None:
    for key in ("type", "pattern"):
        schema.pop(key, None)
    schema["enum"] = names


def _spell_rows(rows: dict[str, Any], names: list[str], definitions: dict[str, Any]) -> None:
    """Let a row that is shipped be partial and require every field of a new one."""
    (reference,) = rows.pop("patternProperties").values()
    rows.pop("x-catalogue")
    fields = list(definitions[reference["$ref"].rsplit("/", 1)[-1]]["properties"])
    new_name = rf"^(?!(?:{'|'.join(names)})$){values.ROW_NAME.removeprefix('^')}"
    rows["properties"] = dict.fromkeys(names, reference)
    rows["patternProperties"] = {new_name: {**reference, "required": fields}}
    rows["additionalProperties"] = False
