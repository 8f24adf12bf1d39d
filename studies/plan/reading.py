"""Reading a plan: the file of a study with a part ``plan:``, and ``--set`` items that change it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dawndusk.models.errors import nearest, one_of
from dawndusk.studies.plan.question import PlanStudy, plan_study
from dawndusk.studies.statement.document import Node, describe, dotted, from_python, read_text
from dawndusk.studies.statement.errors import Place, Problem, StudyError
from dawndusk.studies.statement.files import find, not_found, read_file, shown
from dawndusk.studies.statement.layers import merge
from dawndusk.studies.statement.plans_schema import PlanSection
from dawndusk.studies.statement.studyfile import study_from_mapping
from dawndusk.studies.statement.values import MISFIT

LIBRARY = Path(__file__).parent / "library"
KEY, KIND = "plan", "kind"


def plan_names() -> list[str]:
    """Return the names of the plans that are shipped."""
    return sorted(path.stem for path in LIBRARY.glob("*.yaml"))


def read_plan(source: str | Path | Mapping[str, Any], overrides: Sequence[str] = ()) -> PlanStudy:
    """Read a plan.

    Parameters
    ----------
    source : str, Path or mapping
        A name in the library, the path of a YAML or JSON file, or the content of one.
    overrides : sequence of str
        ``--set`` items, for example ``"plan.demand.delivered_pflops=1000"``.

    Raises
    ------
    StudyError
        With every problem found, its place, what is allowed and the nearest valid name.
    """
    tree, label, directory = _tree(source)
    entries = dict(tree.entries)
    if KEY not in entries:
        problem = Problem(place=tree.place, key=KEY, found="nothing", allowed="the part that states a plan")
        raise StudyError(problem)
    kind = entries.pop(KIND, None)
    if kind is not None and kind.value != KEY:
        raise StudyError(Problem(place=kind.place, key=KIND, found=describe(kind.value), allowed=KEY))
    part = _overridden(entries.pop(KEY), [item for item in overrides if item.startswith(f"{KEY}.")])
    section = section_of(part)
    rest = {key: node.plain() for key, node in entries.items()}
    others = [item for item in overrides if not item.startswith(f"{KEY}.")]
    study = study_from_mapping(rest, others, source=label, directory=directory)
    return plan_study(study, section)


def _tree(source: str | Path | Mapping[str, Any]) -> tuple[Node, str, Path]:
    if isinstance(source, Mapping):
        return from_python(source, Place("plan")), "plan", Path()
    shipped = LIBRARY / f"{source}.yaml"
    path = shipped if isinstance(source, str) and source in plan_names() else None
    path = path or (source if isinstance(source, Path) else find(source, Path()))
    if path is None or not path.exists():
        problem = not_found(Place(str(source)), "", str(source))
        names = [*plan_names(), *_names(problem.allowed)]
        raise StudyError(
            Problem(
                place=problem.place,
                key="",
                found=problem.found,
                allowed=one_of(names),
                hint=nearest(str(source), names),
            )
        )
    return read_file(path), str(source) if path == shipped else shown(path), path.parent


def _names(allowed: str) -> list[str]:
    return allowed.rsplit(": ", 1)[-1].split(", ")


def _overridden(part: Node, items: Sequence[str]) -> Node:
    for item in items:
        key, separator, text = item.partition("=")
        place = Place(f"--set {item}")
        keys = key.strip().split(".")[1:]
        if not separator or not all(keys):
            allowed = "key=value with a dotted key, for example plan.gap=0.01"
            raise StudyError(Problem(place=place, key="", found=describe(item), allowed=allowed))
        node = read_text(text, place, lines=False)
        for name in reversed(keys):
            node = Node({name: node}, place)
        part = merge(part, node)
    return part


def section_of(part: Node) -> PlanSection:
    """Return the checked part ``plan:`` of a document, or every place where it breaks the schema."""
    if not isinstance(part.value, Mapping):
        raise StudyError(Problem(place=part.place, key=KEY, found=describe(part.value), allowed="a mapping"))
    try:
        return PlanSection.model_validate(part.plain())
    except ValidationError as error:
        raise StudyError(*_problems(error, part)) from None


def _problems(error: ValidationError, part: Node) -> Iterator[Problem]:
    for one in error.errors(include_url=False):
        loc, place = part.follow(one["loc"])
        key = dotted((KEY, *loc))
        found, hint = describe(one["input"]), ""
        if one["type"] == MISFIT:
            context = one["ctx"]
            key = f"{key}.{context['key']}" if context["key"] else key
            found, allowed, hint = context["found"] or found, context["allowed"], context["hint"]
        elif one["type"] == "extra_forbidden":
            known = _fields(one["loc"][:-1])
            found, allowed, hint = "an unknown key", one_of(known), nearest(str(one["loc"][-1]), known)
        elif one["type"] == "missing":
            key, found, allowed = f"{key}.{one['loc'][-1]}", "nothing", "a value"
        else:
            allowed = str(one["msg"])
        yield Problem(place=place, key=key, found=found, allowed=allowed, hint=hint)


def _fields(loc: tuple[str | int, ...]) -> list[str]:
    """Return the keys of the mapping at a place of the part."""
    schema: Any = PlanSection.model_json_schema()
    definitions = schema.get("$defs", {})
    for name in loc:
        schema = _one(schema, definitions)
        inner = schema.get("properties", {}).get(name)
        schema = inner if inner is not None else schema.get("additionalProperties") or schema.get("items") or {}
    return list(_one(schema, definitions).get("properties", {}))


def _one(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """Follow a reference; of alternatives take the mapping."""
    for option in schema.get("anyOf", ()):
        if "$ref" in option:
            schema = option
    return definitions[schema["$ref"].rsplit("/", 1)[-1]] if "$ref" in schema else schema
