"""Reading a study: the file, what it extends, what ``--set`` changes, and the study that results.

Precedence, from the weakest to the strongest:

1. the data that is shipped;
2. the chain of ``extends``, the farthest file first;
3. the file itself;
4. ``--set`` items.

Mappings merge key by key; lists, single values and paths over the years replace what they override. So a number in
place of an inherited range fixes the variable, and ``{low: 3}`` moves one end of an inherited range. An inherited
nominal value that falls outside the new range gives way to the default one. Of two alternatives (``minimise`` or
``maximise``, ``demand.it_power_mw`` or ``demand.delivered_pflops``) the stronger layer decides; a price stands
beside an inherited demand. The name, the title and the description belong to their own file and are not
inherited. A path in ``extends`` is relative to the file that says it; a name in the library comes before a file of
the same name.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dawndusk.models.assumptions import GROUPS, Assumptions
from dawndusk.models.catalogue import CATALOGUES
from dawndusk.models.design import VARIABLES, Variable
from dawndusk.models.errors import AssumptionError, ContradictionError
from dawndusk.studies.data import default_assumptions, with_values
from dawndusk.studies.input.checks import has_evaluator, has_strategy, study_problems, validate
from dawndusk.studies.input.document import MAX_PLACE, DocumentNode, from_python, shorten
from dawndusk.studies.input.errors import Place, StudyError, StudyProblem
from dawndusk.studies.input.files import find, library_names, library_path, not_found, read_file, shown
from dawndusk.studies.input.jsonschema import json_schema
from dawndusk.studies.input.layers import merge_layers, read_layers
from dawndusk.studies.input.plan_checks import OF_DESIGNS, plain_plan, plan_problems
from dawndusk.studies.input.schema import FOLLOW_DEMAND, OBJECTIVES, RangeSection, StudyFile
from dawndusk.studies.input.sections import Section
from dawndusk.studies.input.study import (
    Choice,
    Entry,
    EvaluatorSettings,
    Fixed,
    FrontSettings,
    Kind,
    Range,
    ResolvedStudy,
    Search,
    Strategy,
)
from dawndusk.studies.input.values import parse_bound

WHERE_IT_RUNS = {"workers", "cluster", "storage"}
"""Search settings that have no part in what is found, nor in the identity of a study."""
OF_TRIALS = {"sampler", "evaluations", "batch", "stagnation", "warm_start", "asynchronous"}
"""Search settings of searches that go by trials."""

__all__ = ["Stated", "json_schema", "library_names", "library_path", "read_stated", "read_study", "study_from_mapping"]


def read_study(source: str | Path, overrides: Sequence[str] = ()) -> ResolvedStudy:
    """Read and resolve a study.

    Parameters
    ----------
    source : str or Path
        A name in the library, or the path of a YAML or JSON file. A ``Path`` is always a path.
    overrides : sequence of str
        ``--set`` items, for example ``"design.altitude_km=900"``.

    Raises
    ------
    StudyError
        With every problem found, its file and line, what is allowed and the nearest valid name.
    """
    return read_stated(source).study(overrides)


@dataclass(frozen=True)
class Stated:
    """A study as it is written, with all that it extends: read once, and resolved with any ``--set`` items.

    ``layers`` are the documents, its own first, and ``source`` is what messages call it.
    """

    layers: tuple[DocumentNode, ...]
    source: str

    def kind(self, overrides: Sequence[str] = ()) -> Kind | None:
        """Return the kind that it states, itself, in what it extends, or in an item; None where it has none."""
        kind = merge_layers(self.layers, overrides).entries.get("kind")
        return None if kind is None else next((known for known in Kind if known == kind.value), None)

    def study(self, overrides: Sequence[str] = ()) -> ResolvedStudy:
        """Return the study; raise ``StudyError`` with every problem found."""
        tree, merged = self.layers[0], merge_layers(self.layers, overrides)
        shipped = default_assumptions()
        file, problems = validate(merged)
        if file is not None:
            problems = [*study_problems(merged, file, shipped), *plan_problems(tree, merged, file, shipped)]
        if file is None or problems:
            raise StudyError(*problems)
        return _study(file, self.source, _assumptions(merged, file, shipped), merged)


def read_stated(source: str | Path) -> Stated:
    """Read the file of a study and what it extends; raise ``StudyError`` where one breaks the schema by itself."""
    path = _path_of(source)
    label = str(source) if str(source) in library_names() else shown(path)
    return Stated(tuple(read_layers(read_file(path), path.parent, [path.resolve()])), label)


def _path_of(source: str | Path) -> Path:
    path = source if isinstance(source, Path) else find(source, Path())
    if path is None or not os.path.lexists(path):
        raise StudyError(not_found(Place(shorten(str(source), MAX_PLACE)), "", str(source)))
    return path


def study_from_mapping(
    mapping: Mapping[str, Any],
    overrides: Sequence[str] = (),
    *,
    source: str = "study",
    directory: str | Path = ".",
) -> ResolvedStudy:
    """Resolve a study given as Python values, with the checks of a study file.

    Parameters
    ----------
    mapping : mapping
        What the file would hold.
    overrides : sequence of str
        ``--set`` items.
    source : str
        Names the mapping in messages, where a file would be named.
    directory : str or Path
        Where paths in ``extends`` begin.
    """
    tree = from_python(mapping, Place(source))
    return Stated(tuple(read_layers(tree, Path(directory), [])), source).study(overrides)


def _study(file: StudyFile, source: str, assumptions: Assumptions, document: DocumentNode) -> ResolvedStudy:
    space = {
        name: _entry(VARIABLES[name], value)
        for name in VARIABLES
        if (value := getattr(file.design, name)) != FOLLOW_DEMAND or name != "satellites"
    }
    resolved = _resolved(file, space, assumptions)
    return ResolvedStudy(
        name=file.name,
        title=file.title,
        description=file.description,
        kind=file.kind,
        workload=assumptions.workload,
        training_run=assumptions.training_run,
        goals=file.goals if file.kind is not Kind.PLAN else (),
        bounds=tuple(parse_bound(text) for text in file.subject_to) if file.kind is not Kind.PLAN else (),
        space=space,
        satellites_follow_demand="satellites" not in space,
        assumptions=assumptions,
        search=_search(file),
        front=FrontSettings(**_fields(file.front)),
        source=source,
        resolved=resolved,
        hash=_hash(resolved, assumptions),
        plan=file.plan if file.kind is Kind.PLAN else None,
        document=document,
    )


def _search(file: StudyFile) -> Search:
    fields = _fields(file.search)
    given = _fields(file.search.evaluator)
    program = {"command": given["command"] or (), "function": given["function"] or ""}
    years = file.search.strategy.first_launch_year
    strategy = Strategy(
        variables=file.search.strategy.variables,
        first_launch_year=None if years.low is None or years.high is None else (years.low, years.high),
        inner=file.search.strategy.inner,
    )
    fields["evaluator"] = EvaluatorSettings(**{**given, **program}) if has_evaluator(file) else None
    fields["strategy"] = strategy if has_strategy(file) else None
    return Search(**fields)


def _fields(section: Section) -> dict[str, Any]:
    return {name: getattr(section, name) for name in type(section).model_fields}


def _entry(variable: Variable, value: Any) -> Entry:
    if isinstance(value, RangeSection):
        nominal = value.nominal if value.nominal is not None else _middle(variable, value.low, value.high)
        return Range(value.low, value.high, nominal)
    if isinstance(value, tuple) and len(value) > 1:
        return Choice(value)
    return Fixed(value[0] if isinstance(value, tuple) else value)


def _middle(variable: Variable, low: float, high: float) -> float:
    """Return the geometric mean, or the midpoint for a variable that can be zero; whole where it must be."""
    middle = math.sqrt(low) * math.sqrt(high) if variable.minimum > 0 else 0.5 * (low + high)
    return round(middle) if variable.kind == "integer" else min(max(middle, low), high)


def _assumptions(tree: DocumentNode, file: StudyFile, shipped: Assumptions) -> Assumptions:
    numbers = dict(_numbers(file))
    try:
        believed = with_values(shipped, numbers, source=f"study {file.name}") if numbers else shipped
    except ContradictionError as error:
        place = tree.follow(("assumptions",))[1]
        problem = StudyProblem(place=place, key=f"assumptions.{error.key}", found=error.found, allowed=error.allowed)
        raise StudyError(problem) from error
    except AssumptionError as error:
        place = tree.follow(("assumptions",))[1]
        allowed = "values that agree with one another"
        raise StudyError(StudyProblem(place=place, key="assumptions", found=str(error), allowed=allowed)) from None
    return believed.replace(
        workload=file.workload or shipped.workload, training_run=file.training_run or shipped.training_run
    )


def _numbers(file: StudyFile) -> Iterator[tuple[str, float]]:
    """Yield every assumption that the study states, the demand included, by its dotted name."""
    for key in sorted(file.demand.model_fields_set) if file.kind is not Kind.PLAN else ():
        yield f"demand.{key}", getattr(file.demand, key)
    for section in type(file.assumptions).model_fields:
        entry = getattr(file.assumptions, section)
        rows = {f"{section}.{name}": row for name, row in entry.items()} if section in CATALOGUES else {section: entry}
        for prefix, row in rows.items():
            yield from ((f"{prefix}.{key}", getattr(row, key)) for key in sorted(row.model_fields_set))


def _resolved(file: StudyFile, space: Mapping[str, Entry], assumptions: Assumptions) -> dict[str, Any]:
    """Return the study as plain values: every choice spelt out, of the assumptions those that differ."""
    stated = {
        "title": file.title,
        "description": file.description,
        "demand": file.demand.model_dump(exclude_unset=True),
        "subject_to": [str(parse_bound(text)) for text in file.subject_to],
        "assumptions": _stated_assumptions(file),
    }
    given = {key: value for key, value in stated.items() if value}
    objective = {name: _plain_names(value) for name in OBJECTIVES if (value := getattr(file, name)) is not None}
    every = {
        "name": file.name,
        "kind": str(file.kind),
        "workload": assumptions.workload,
        "training_run": assumptions.training_run,
        **objective,
        "design": {name: _plain_entry(space[name]) if name in space else FOLLOW_DEMAND for name in VARIABLES},
        "search": _plain_search(file),
        **given,
    }
    if file.kind is Kind.PARETO:
        every["front"] = file.front.model_dump()
    if file.kind is Kind.PLAN:
        every = {key: every[key] for key in every if key not in OF_DESIGNS} | {"plan": plain_plan(file.plan)}
    return {key: every[key] for key in StudyFile.model_fields if key in every}


def _plain_search(file: StudyFile) -> dict[str, Any]:
    """Return the search section without where it runs, and without parts that ask for nothing."""
    asked = {"evaluator": has_evaluator(file), "strategy": has_strategy(file)}
    idle = {name for name in OF_TRIALS if not file.search.engine.goes_by_trials and not any(asked.values())}
    idle |= {name for name, has in asked.items() if not has}
    return file.search.model_dump(mode="json", exclude=WHERE_IT_RUNS | idle, exclude_none=True)


def _plain_names(names: tuple[str, ...]) -> str | list[str]:
    return names[0] if len(names) == 1 else list(names)


def _stated_assumptions(file: StudyFile) -> dict[str, Any]:
    """Return the overrides by section and key, sections in which nothing is stated left out."""
    dump: dict[str, Any] = file.assumptions.model_dump(exclude_unset=True)
    sections = {section: {key: value for key, value in entry.items() if value != {}} for section, entry in dump.items()}
    return {section: entry for section, entry in sections.items() if entry}


def _plain_entry(entry: Entry) -> Any:
    if isinstance(entry, Range):
        return {"low": entry.low, "high": entry.high, "nominal": entry.nominal}
    return list(entry.names) if isinstance(entry, Choice) else entry.value


def _hash(resolved: Mapping[str, Any], assumptions: Assumptions) -> str:
    """Return the SHA-256 of the resolved study and of every assumption and table it is evaluated with."""
    names = (*GROUPS, *CATALOGUES, "data")
    believed = {name: _plain(getattr(assumptions, name)) for name in names}
    text = json.dumps([resolved, believed], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """Return a dataclass, mapping or array as what JSON can hold."""
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return value.tolist() if isinstance(value, np.ndarray) else value
