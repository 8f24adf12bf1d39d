"""What a single value of a study may be: numbers with a domain, names, texts, bounds.

A check takes a value and returns it, or raises ``misfit`` with the sentence that says what is allowed.
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar, cast

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from dawndusk.models.design import VARIABLES, Variable
from dawndusk.models.errors import nearest, one_of
from dawndusk.models.outcome import OUTCOMES
from dawndusk.optimize.problem import Bound, Operator
from dawndusk.studies.input.document import describe, shorten

E = TypeVar("E", bound=StrEnum)

MISFIT = "misfit"
"""Error type of every check here, so that messages can be told from pydantic's own."""
MAX_LISTED = 20
"""Names that a message lists in full."""
MAX_TEXT = 10_000
"""Characters of a title or description."""

STUDY_NAME = r"^[a-z0-9][a-z0-9-]{0,63}$"
ROW_NAME = r"^[a-z][a-z0-9_]{0,63}$"
PLAIN_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
THOUSANDS = re.compile(r"[-+]?\d{1,3}(?:[,_' ]\d{3})+(?:\.\d+)?")
WITH_UNIT = re.compile(rf"({PLAIN_NUMBER.pattern})\s*[^\d\s.,+-].*")
WORDS_FOR_TRUTH = {"yes": "true", "on": "true", "true": "true", "no": "false", "off": "false", "false": "false"}
ENTRY_POINT = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$"
CLUSTER = r"(tcp|tls|ucx|ws|wss)://[^\s/]+:\d+"
STORAGES = ("journal", "sqlite:///", "postgresql://", "postgresql+")
COMMAND_RULE: dict[str, Any] = {
    "anyOf": [{"type": "string", "minLength": 1}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]
}
OUTCOMES_RULE: dict[str, Any] = {
    "anyOf": [
        {"enum": list(OUTCOMES)},
        {"type": "array", "items": {"enum": list(OUTCOMES)}, "minItems": 1, "uniqueItems": True},
    ]
}
BOUND_OPERATORS = ("<=", ">=", "<", ">")
BOUND = re.compile(r"\s*(?P<left>[^<>=\s]+)\s*(?P<operator><=|>=|<|>)\s*(?P<right>[^<>=\s]+)\s*")
BOUND_PATTERN = r"^\s*[^<>=\s]+\s*(<=|>=|<|>)\s*[^<>=\s]+\s*$"
MIRRORED: dict[Operator, Operator] = {"<=": ">=", ">=": "<=", "<": ">", ">": "<"}
BOUND_FORM = "an outcome name, one of < > <= >=, and a number, for example 'capex_usd <= 5e9'"


def misfit(allowed: str, hint: str = "", *, found: str = "", key: str | int = "") -> PydanticCustomError:
    """Return the error of a value that does not fit; ``found`` and ``key`` tell more than value and place."""
    context = {"allowed": allowed, "hint": hint, "found": found, "key": key}
    return PydanticCustomError(MISFIT, "{allowed}", context)


class Value:
    """What a single value may be, for use in ``Annotated``: a check and the same rule as JSON Schema."""

    def check(self, value: object) -> Any:
        """Return the value, or raise a misfit."""
        raise NotImplementedError

    def schema(self) -> dict[str, Any]:
        """Return the rule as JSON Schema."""
        raise NotImplementedError

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.check)

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return self.schema()


@dataclass(frozen=True, eq=False)
class Checked(Value):
    """A value that a function checks."""

    function: Callable[[object], Any]
    rule: dict[str, Any]

    def check(self, value: object) -> Any:
        """Return what the function returns."""
        return self.function(value)

    def schema(self) -> dict[str, Any]:
        """Return a copy of the rule."""
        return dict(self.rule)


@dataclass(frozen=True, kw_only=True)
class Number(Value):
    """The domain of a number. ``between`` leaves out its ends."""

    units: str
    minimum: float
    maximum: float
    whole: bool = False
    between: bool = False

    def __str__(self) -> str:
        noun = "a whole number" if self.whole else "a number"
        units = "" if self.units in {"-", "count", "name"} else f" [{self.units}]"
        if self.between:
            return f"{noun} above {self.minimum:.12g} and below {self.maximum:.12g}{units}"
        return f"{noun} from {self.minimum:.12g} to {self.maximum:.12g}{units}"

    def check(self, value: object) -> float:
        """Return the number, an ``int`` where it is whole; anything else or out of the domain is a misfit."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise misfit(str(self), number_hint(value))
        if not (math.isfinite(value) and self.minimum <= value <= self.maximum):
            raise misfit(str(self))
        if self.between and value in {self.minimum, self.maximum}:
            raise misfit(str(self))
        if not self.whole:
            return float(value) + 0.0  # makes -0.0 a plain zero
        if value != int(value):
            raise misfit(str(self))
        return int(value)

    def schema(self) -> dict[str, Any]:
        """Return the domain as JSON Schema."""
        kind = "integer" if self.whole else "number"
        low, high = ("exclusiveMinimum", "exclusiveMaximum") if self.between else ("minimum", "maximum")
        return {"type": kind, low: self.minimum, high: self.maximum}


def domain_of(variable: Variable) -> Number:
    """Return the domain of a numeric design variable."""
    whole = variable.kind == "integer"
    return Number(units=variable.units, minimum=variable.minimum, maximum=variable.maximum, whole=whole)


def number_hint(value: object) -> str:
    """Return what to write instead of a text that was meant as a number."""
    if not isinstance(value, str):
        return ""
    text = value.strip()
    if PLAIN_NUMBER.fullmatch(text):
        return f" (write {shorten(text)} without quotes)"
    if THOUSANDS.fullmatch(text):
        digits = re.sub(r"[,_' ]", "", text)
        return f" (write {shorten(digits)}, without thousands separators)"
    if WITH_UNIT.fullmatch(text):
        return " (write the number alone: the unit is fixed and belongs to the name)"
    return ""


def choose(name: object, allowed: Collection[str], what: str) -> str:
    """Return ``name`` if it is one of the names allowed; ``what`` says what they are.

    A long list is not repeated in the message where a near name can be offered.
    """
    if isinstance(name, str) and name in allowed:
        return name
    hint = nearest(name, allowed) if isinstance(name, str) else ""
    if hint and len(allowed) > MAX_LISTED:
        raise misfit(f"{what}, one of {len(allowed)}", hint)
    raise misfit(f"{what}: {one_of(allowed)}", hint)


def member(kind: type[E], what: str) -> Checked:
    """Return the rule for the values of an enumeration."""
    names = [str(item) for item in kind]
    return Checked(lambda value: kind(choose(value, names, what)), {"enum": names})


def one_of_members(members: tuple[E, ...], what: str) -> Checked:
    """Return the rule for some values of an enumeration."""
    names = [str(item) for item in members]
    kind = type(members[0])
    return Checked(lambda value: kind(choose(value, names, what)), {"enum": names})


def slug(pattern: str, meaning: str) -> Callable[[object], str]:
    """Return a check for names of a pattern."""

    def check(value: object) -> str:
        if isinstance(value, str) and re.fullmatch(pattern, value):
            return value
        quotes = not isinstance(value, str) and re.fullmatch(pattern, str(value))
        raise misfit(meaning, " (put it in quotes)" if quotes else "")

    return check


study_name = slug(STUDY_NAME, "a name of a-z, 0-9 and hyphens, up to 64 characters")
row_name = slug(ROW_NAME, "a name of a-z, 0-9 and underscores that begins with a letter")


def text(value: object) -> str:
    """Return a title or description."""
    if not isinstance(value, str):
        raise misfit("text", " (put it in quotes)" if isinstance(value, int | float | bool) else "")
    if len(value) > MAX_TEXT:
        raise misfit(f"up to {MAX_TEXT} characters", found=f"{len(value)} characters")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise misfit("text of whole Unicode characters")
    return value


def truth(value: object) -> bool:
    """Return ``true`` or ``false``."""
    if isinstance(value, bool):
        return value
    word = WORDS_FOR_TRUTH.get(value.casefold()) if isinstance(value, str) else None
    raise misfit("true or false", f" (write {word} without quotes)" if word else "")


def distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return a list of names that is neither empty nor names anything twice."""
    if not names:
        raise misfit("at least one name")
    for index, name in enumerate(names):
        if name in names[:index]:
            raise misfit("each name once", found=f"{describe(name)} twice")
    return names


def distinct_or_none(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return a list of names that names nothing twice and may be empty."""
    return distinct(names) if names else names


def command(value: object) -> tuple[str, ...]:
    """Return the arguments of a command that is given as one text or as a list of texts."""
    parts: tuple[object, ...] = value if isinstance(value, tuple) else ()
    if isinstance(value, str):
        try:
            parts = tuple(shlex.split(value))
        except ValueError as error:
            raise misfit(f"a command whose quotes are closed ({error})") from None
    texts = tuple(part for part in parts if isinstance(part, str) and "\0" not in part)
    if len(texts) < len(parts) or not texts or not texts[0]:
        raise misfit("a command as one text, or a list of texts that begins with the program")
    return texts


def entry_point(value: object) -> str:
    """Return the place of a function as ``module:function``."""
    if isinstance(value, str) and re.fullmatch(ENTRY_POINT, value):
        return value
    hint = ""
    if isinstance(value, str) and value.endswith(".py"):
        hint = f" (write {shorten(value.removesuffix('.py').replace('/', '.'))}:function)"
    raise misfit("module:function, for example my_model:evaluate", hint)


def cluster(value: object) -> str:
    """Return the address of a cluster."""
    if isinstance(value, str) and re.fullmatch(CLUSTER, value):
        return value
    raise misfit("the address of a cluster, as tcp://host:port")


def outcomes(value: object) -> tuple[str, ...]:
    """Return the names of outcomes, given as one name or as a list."""
    if not isinstance(value, tuple):
        return (_goal(value),)
    for index, name in enumerate(value):
        try:
            _goal(name)
        except PydanticCustomError as error:
            context = error.context or {}
            raise misfit(context["allowed"], context["hint"], found=describe(name), key=index) from None
    return distinct(value)


def _goal(name: object) -> str:
    """Return the name of an outcome; what is chosen is none."""
    if isinstance(name, str) and name in VARIABLES and name not in OUTCOMES:
        raise misfit(f"an outcome, one of {len(OUTCOMES)}", _variable_hint(name))
    return choose(name, OUTCOMES, "an outcome")


def _variable_hint(name: str) -> str:
    return f" ('{name}' is chosen: write design.{name} to fix it or to give its range)"


def storage(value: object) -> str:
    """Return where trials are kept."""
    if isinstance(value, str) and value.startswith(STORAGES):
        return value
    hint = nearest(value, ["journal"]) if isinstance(value, str) else ""
    raise misfit("journal, sqlite:///FILE or postgresql://USER@HOST/DATABASE", hint)


def bound(value: object) -> str:
    """Return the text of a bound after checking that it can be read."""
    if not isinstance(value, str):
        raise misfit(BOUND_FORM)
    parse_bound(value)
    return value


def parse_bound(text: str) -> Bound:
    """Read ``"capex_usd <= 5e9"`` or ``"5e9 >= capex_usd"``; anything else is a misfit."""
    match = BOUND.fullmatch(text)
    if match is None:
        raise misfit(BOUND_FORM, _bound_hint(text))
    left, right = match["left"], match["right"]
    operator = cast("Operator", match["operator"])
    if _is_numeric(left):
        left, operator, right = right, MIRRORED[operator], left
    name = _outcome_named(text, left)
    if not PLAIN_NUMBER.fullmatch(right):
        raise misfit(BOUND_FORM, number_hint(right))
    if not math.isfinite(float(right)):
        raise misfit(BOUND_FORM)
    return Bound(name, operator, float(right) + 0.0)


def _outcome_named(text: str, name: str) -> str:
    """Return the name that a bound gives if it is that of an outcome; anything else is a misfit."""
    if name not in OUTCOMES:
        hint = _variable_hint(name) if name in VARIABLES else nearest(name, OUTCOMES)
        names = f", one of {len(OUTCOMES)}" if hint else f": {one_of(OUTCOMES)}"
        raise misfit(f"a bound on an outcome{names}", hint, found=f"{describe(text)} ({describe(name)} is no outcome)")
    return name


def _is_numeric(text: str) -> bool:
    return text[0] in "0123456789.+-"


def _bound_hint(text: str) -> str:
    signs = re.findall(r"[<>]=?|=+", text)
    if len(signs) > 1:
        return " (write two bounds, each on its own)"
    if signs and signs[0] not in BOUND_OPERATORS:
        return " (write two bounds, <= and >=, to fix an outcome)"
    if re.search(r"\d\s+\S+\s*$", text):
        return " (write the number alone: the unit is fixed and belongs to the name)"
    return ""
