"""What a published accounting method is: typed inputs with defaults, one function, named outputs."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from dawndusk.models.errors import DawnduskError, nearest, one_of
from dawndusk.studies.input.document import shorten
from dawndusk.studies.input.values import number_hint


def shown(value: object) -> str:
    """Return a value as a message repeats it: in one line and not too long."""
    return shorten(repr(value))


class MethodError(DawnduskError):
    """A method, input or metric that does not exist, or an input that the method can not take."""


def given(
    default: float | None, units: str, meaning: str, minimum: float, maximum: float = math.inf, *, whole: bool = False
) -> Any:
    """Declare a number that a method takes; a default of ``None`` means that it may be left out."""
    domain = {"units": units, "meaning": meaning, "minimum": minimum, "maximum": maximum, "whole": whole}
    return dataclasses.field(default=default, metadata=domain)


def chosen(default: str | None, meaning: str, names: Callable[[], Collection[str]]) -> Any:
    """Declare a name that a method takes; ``names`` returns those that exist."""
    return dataclasses.field(default=default, metadata={"units": "name", "meaning": meaning, "names": names})


@dataclass(frozen=True, kw_only=True)
class Method:
    """One published method.

    ``inputs`` is a frozen dataclass whose fields are declared with ``given`` and ``chosen``; ``function`` takes an
    instance of it and returns a value for every name of ``outputs``, which maps metrics to units. ``synonyms``
    maps other names in use, of inputs and metrics alike, to these.
    """

    name: str
    sentence: str
    source: str
    inputs: type[Any]
    function: Callable[[Any], Mapping[str, float]]
    outputs: Mapping[str, str]
    synonyms: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def fields(self) -> dict[str, dataclasses.Field[Any]]:
        """Return the declarations of the inputs by name."""
        return {field.name: field for field in dataclasses.fields(self.inputs)}

    def metric(self, name: str) -> str:
        """Return the name of an output under which the method knows a metric."""
        known = self.synonyms.get(name, name)
        if known not in self.outputs:
            hint = nearest(name, self.outputs)
            raise MethodError(f"found {shown(name)}, no metric of {self.name}; allowed: {one_of(self.outputs)}{hint}")
        return known

    def resolve(self, values: Mapping[str, object]) -> Any:
        """Return the inputs with ``values`` in place of defaults, every one checked."""
        checked: dict[str, object] = {}
        for name, value in values.items():
            known = self.synonyms.get(name, name)
            if known not in self.fields:
                raise MethodError(
                    f"found {shown(name)}, no input of {self.name}; "
                    f"allowed: {one_of(self.fields)}{nearest(name, self.fields)}"
                )
            if known in checked:
                raise MethodError(f"found {known!r} under two names, allowed once")
            checked[known] = _check(self.fields[known], value)
        return self.inputs(**checked)

    def run(self, values: Mapping[str, object]) -> Mapping[str, float]:
        """Return every output for the given inputs; those that are missing take their defaults."""
        return self.function(self.resolve(values))


def _check(field: dataclasses.Field[Any], value: object) -> float | str | None:
    if value is None and field.default is None:
        return None
    if "names" in field.metadata:
        return _check_name(field, value)
    return _check_number(field, value)


def _check_name(field: dataclasses.Field[Any], value: object) -> str:
    names = field.metadata["names"]()
    if not isinstance(value, str) or value not in names:
        hint = nearest(value, names) if isinstance(value, str) else ""
        raise MethodError(f"{field.name}: found {shown(value)}, allowed: {one_of(names)}{hint}")
    return value


def _check_number(field: dataclasses.Field[Any], value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MethodError(f"{field.name}: found {shown(value)}, allowed {_domain(field)}{number_hint(value)}")
    low, high, whole = (field.metadata[key] for key in ("minimum", "maximum", "whole"))
    number = _as_float(value)
    if not (math.isfinite(number) and low <= number <= high) or (whole and number != int(number)):
        raise MethodError(f"{field.name}: found {number:g}, allowed {_domain(field)}")
    return int(number) if whole else number


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _domain(field: dataclasses.Field[Any]) -> str:
    low, high, units = (field.metadata[key] for key in ("minimum", "maximum", "units"))
    noun = "a whole number" if field.metadata["whole"] else "a number"
    reach = f"of at least {low:.12g}" if math.isinf(high) else f"from {low:.12g} to {high:.12g}"
    return f"{noun} {reach} {units} ({field.metadata['meaning']})"
