from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from dawndusk.models.assumptions import CATALOGUES, GROUPS
from dawndusk.models.design import CATEGORIES, NUMBERS, VARIABLES
from dawndusk.models.outcome import OUTCOMES
from dawndusk.optimize.settings import Engine
from dawndusk.studies.data import default_assumptions
from dawndusk.studies.input.schema import domain_of
from dawndusk.studies.input.studyfile import json_schema

SCHEMA = json_schema()
DEFINITIONS = SCHEMA["$defs"]


def mappings(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield every schema of a mapping."""
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        schema = list(schema.values())
    if isinstance(schema, list):
        for item in schema:
            yield from mappings(item)


def design(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the schemas of a variable that is fixed, and of one that is searched."""
    fixed, searched = DEFINITIONS["DesignSection"]["properties"][name]["oneOf"]
    if "$ref" in searched:
        searched = DEFINITIONS[searched["$ref"].rsplit("/", 1)[-1]]
    return fixed, searched


def test_it_is_plain_json_of_the_stated_draft() -> None:
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["required"] == ["name"]


def test_every_mapping_refuses_unknown_keys() -> None:
    found = list(mappings(SCHEMA))
    assert len(found) > len(GROUPS) + len(CATALOGUES)
    assert all(schema["additionalProperties"] is False for schema in found)


def test_null_is_allowed_nowhere() -> None:
    assert '"null"' not in json.dumps(SCHEMA)


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_carries_its_domain_units_and_meaning(name: str) -> None:
    variable = VARIABLES[name]
    text = DEFINITIONS["DesignSection"]["properties"][name]["description"]
    assert variable.meaning in text
    assert f"[{variable.units}]" in text
    fixed, searched = design(name)
    number = {key: value for key, value in searched["properties"]["low"].items() if key != "description"}
    assert number == domain_of(variable).schema()
    assert (number["minimum"], number["maximum"]) == (variable.minimum, variable.maximum)
    assert number in (fixed, *fixed.get("anyOf", ()))


@pytest.mark.parametrize("name", CATEGORIES)
def test_a_category_names_its_catalogue(name: str) -> None:
    names = list(getattr(default_assumptions(), VARIABLES[name].catalogue))
    fixed, searched = design(name)
    assert fixed == {"enum": names}
    assert searched == {"type": "array", "items": {"enum": names}, "minItems": 1, "uniqueItems": True}


@pytest.mark.parametrize("kind", [*(k for n, k in GROUPS.items() if n != "demand"), *CATALOGUES.values()])
def test_an_assumption_carries_its_domain_units_and_meaning(kind: type) -> None:
    properties = DEFINITIONS[f"{kind.__name__}Values"]["properties"]
    assert list(properties) == [field.name for field in dataclasses.fields(kind)]
    for field in dataclasses.fields(kind):
        schema, meta = properties[field.name], field.metadata
        assert schema["description"] == f"{meta['meaning']} [{meta['units']}]"
        assert schema["minimum"] == meta["minimum"]
        assert schema.get("maximum", float("inf")) == meta["maximum"]


@pytest.mark.parametrize("catalogue", CATALOGUES)
def test_a_shipped_row_may_be_partial_and_a_new_one_must_be_complete(catalogue: str) -> None:
    rows = DEFINITIONS["AssumptionsSection"]["properties"][catalogue]
    assert list(rows["properties"]) == list(getattr(default_assumptions(), catalogue))
    ((pattern, new),) = rows["patternProperties"].items()
    assert re.search(pattern, "something_new")
    assert not any(re.search(pattern, name) for name in rows["properties"])
    assert new["required"] == [field.name for field in dataclasses.fields(CATALOGUES[catalogue])]


def test_objectives_are_the_outcomes() -> None:
    one, several = SCHEMA["properties"]["minimise"]["anyOf"]
    assert one["enum"] == several["items"]["enum"] == list(OUTCOMES)
    assert SCHEMA["properties"]["maximise"]["anyOf"] == [one, several]


def test_runs_are_those_of_the_data() -> None:
    shipped = default_assumptions()
    assert SCHEMA["properties"]["workload"]["enum"] == list(shipped.workloads)
    assert SCHEMA["properties"]["training_run"]["enum"] == list(shipped.training_runs)


def test_the_options_of_a_search_with_their_defaults() -> None:
    properties = DEFINITIONS["SearchSection"]["properties"]
    assert list(properties)[:7] == ["engine", "seed", "designs", "time_limit_s", "gap", "audit", "second_bound"]
    rules = {key: {k: v for k, v in rule.items() if k != "description"} for key, rule in properties.items()}
    assert rules["engine"] == {"enum": [str(engine) for engine in Engine], "default": "certified"}
    assert rules["gap"] == {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1, "default": 1e-3}
    assert rules["audit"] == rules["second_bound"] == {"type": "boolean", "default": True}
    assert all(rule["description"].endswith(".") for rule in properties.values())


def test_a_price_is_a_number_above_zero() -> None:
    price = DEFINITIONS["DemandSection"]["properties"]["price_usd_per_pflop_hour"]
    assert (price["type"], price["maximum"]) == ("number", 1e6)
    assert price["minimum"] > 0


def test_every_key_of_a_study_is_explained() -> None:
    assert all(schema["description"].endswith(".") for schema in SCHEMA["properties"].values())


def test_the_names_follow_the_assumptions_given() -> None:
    shipped = default_assumptions()
    fewer = shipped.replace(vehicles={"falcon_9": shipped.vehicles["falcon_9"]})
    vehicle = json_schema(fewer)["$defs"]["DesignSection"]["properties"]["vehicle"]
    assert vehicle["oneOf"][0] == {"enum": ["falcon_9"]}
