"""Paths: quantities over the calendar years, as one number or as a mapping from years to numbers.

A path is straight between its years (prices: of constant growth) and level outside of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from dawndusk.studies.input import values
from dawndusk.studies.input.document import describe
from dawndusk.studies.input.values import Number, Value, misfit

FIRST_YEAR, LAST_YEAR = 2000, 2100
YEAR = re.compile(r"[0-9]{4}(\.[0-9]{1,3})?")
ALWAYS = float(FIRST_YEAR)
"""Year of the only point of a path that is one number."""

Points: TypeAlias = tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True)
class PathValue(Value):
    """The domain of a path: that of its numbers."""

    units: str
    minimum: float
    maximum: float

    @property
    def number(self) -> Number:
        """Return the domain of one value."""
        return Number(units=self.units, minimum=self.minimum, maximum=self.maximum)

    def check(self, value: object) -> Points:
        """Return the points of a path in the order of their years."""
        if not isinstance(value, Mapping):
            return ((ALWAYS, self._level(value)),)
        if not value:
            raise misfit(f"at least one year, each with {self.number}")
        points = [(calendar_year(key), _value_at(self.number, key, value[key])) for key in value]
        if len({year for year, _ in points}) < len(points):
            raise misfit("each year once")
        return tuple(sorted(points))

    def _level(self, value: object) -> float:
        if isinstance(value, tuple):
            raise misfit(f"{self.number}, or a mapping from years to numbers")
        return self.number.check(value)

    def schema(self) -> dict[str, Any]:
        """Return the domain as JSON Schema."""
        one = self.number.schema()
        years = {"type": "object", "patternProperties": {f"^{YEAR.pattern}$": one}, "additionalProperties": False}
        return {"anyOf": [one, {**years, "minProperties": 1}]}

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        written = core_schema.plain_serializer_function_ser_schema(plain)
        return core_schema.no_info_plain_validator_function(self.check, serialization=written)


def plain(points: Points | None) -> Any:
    """Return a path as a study file has it."""
    if points is None:
        return None
    if len(points) == 1 and points[0][0] == ALWAYS:
        return points[0][1]
    return {f"{year:g}": amount for year, amount in points}


def calendar_year(key: object) -> float:
    """Return the calendar time that a key of a path is; anything else is a misfit."""
    if isinstance(key, str) and YEAR.fullmatch(key) and FIRST_YEAR <= float(key) <= LAST_YEAR:
        return float(key)
    raise misfit(f"years from {FIRST_YEAR} to {LAST_YEAR} as keys", found=f"the key {describe(key)}")


def year_key(key: object) -> str:
    """Return the key of a year."""
    calendar_year(key)
    return str(key)


def _value_at(number: Number, key: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise misfit(str(number), values.number_hint(value), found=describe(value), key=key)
    if not (math.isfinite(value) and number.minimum <= value <= number.maximum):
        raise misfit(str(number), found=describe(value), key=key)
    return float(value)
