"""The designs of a plan: stated ones, grids that are made on the fly, and those of earlier runs and fronts."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dawndusk.models.design import CATEGORIES, NUMBERS, VARIABLES, Design, DesignBatch
from dawndusk.models.errors import DawnduskError, nearest, one_of
from dawndusk.models.evaluate import evaluate
from dawndusk.models.recording.rows import catalogue
from dawndusk.optimize.heuristics.evolution import QUICK, search
from dawndusk.optimize.problem import Fixed, Problem
from dawndusk.studies.input.document import Loc
from dawndusk.studies.input.errors import StudyError
from dawndusk.studies.input.files import library_names
from dawndusk.studies.input.plans.domains import Part
from dawndusk.studies.input.study import ResolvedStudy
from dawndusk.studies.input.studyfile import read_study
from dawndusk.studies.run.plan.places import misuse

if TYPE_CHECKING:
    import pandas as pd

ALWAYS = (-float("inf"), float("inf"))
SEARCHED_DESIGNS = 400_000
SEARCH_LIMIT_S = 60.0
FLEET = 1000
"""Satellites of the fleet whose jobs a design of the catalogue runs, where the study does not say."""
MOST_DESIGNS = 800
"""Designs that a catalogue may have; its study file can be read back with twice as many."""
RUN_TABLE, FRONT_TABLE = "designs.parquet", "front.parquet"
HEAD_LETTERS = 40
SIZED_BY = ("accelerator", "accelerators_per_satellite")
"""What a radiator is sized by where its area is not stated."""
NOMINAL_W = "nominal_w_per_accelerator"
WHERE: Loc = ("plan", "catalogue")


@dataclass(frozen=True)
class CatalogueEntry:
    """A design of the catalogue with when it may fly, how long it serves, and the line that builds it."""

    design: Design
    window: tuple[float, float] = ALWAYS
    service_years: float | None = None
    line: str = "all"

    def to_dict(self) -> dict[str, Any]:
        """Return the design as a study file states it."""
        stated = {"from_year": self.window[0], "until_year": self.window[1], "retire_after_years": self.service_years}
        given = {key: value for key, value in stated.items() if value is not None and np.isfinite(value)}
        line = {} if self.line == "all" else {"line": self.line}
        return {"changes": self.design.to_dict(), **given, **line}


def catalogue_of(study: ResolvedStudy, *, optimise: bool = True) -> dict[str, CatalogueEntry]:
    """Return the catalogue of a plan, by name.

    Parameters
    ----------
    optimise : bool
        Whether designs that are to be optimised are; a check of the study can do without.
    """
    found: dict[str, CatalogueEntry] = {}
    for loc, name, entry in _entries(study, optimise=optimise):
        if name in found:
            raise StudyError(misuse(study, loc, f"a second design named {name!r}", "each name once"))
        found[name] = entry
        if len(found) > MOST_DESIGNS:
            raise StudyError(misuse(study, WHERE, f"more than {MOST_DESIGNS} designs", f"up to {MOST_DESIGNS}"))
    return found


def _entries(study: ResolvedStudy, *, optimise: bool) -> Iterator[tuple[Loc, str, CatalogueEntry]]:
    assert study.plan is not None
    part = study.plan.catalogue
    for name, stated in part.designs.items():
        loc: Loc = (*WHERE, "designs", name)
        design = _design(study, stated.study, given(stated.changes), loc, optimise=stated.optimise and optimise)
        window = (
            ALWAYS[0] if stated.from_year is None else stated.from_year,
            ALWAYS[1] if stated.until_year is None else stated.until_year,
        )
        yield loc, name, CatalogueEntry(design, window, stated.retire_after_years, stated.line)
    for name, grid in part.grids.items():
        loc = (*WHERE, "grids", name)
        varied = given(grid.vary)
        for number, row in enumerate(itertools.product(*varied.values())):
            values = {**given(grid.changes), **dict(zip(varied, row, strict=True))}
            design = _design(study, grid.study, values, loc, optimise=grid.optimise and optimise)
            yield loc, f"{name}_{number + 1:02d}", CatalogueEntry(design)
    for number, folder in enumerate(part.runs):
        yield from _of_folder(study, folder, (*WHERE, "runs", number), RUN_TABLE)
    if part.front is not None:
        yield from _of_folder(study, part.front, (*WHERE, "front"), FRONT_TABLE)


def given(part: Part) -> dict[str, Any]:
    """Return what a part states, in the order of its fields."""
    return {name: getattr(part, name) for name in type(part).model_fields if name in part.model_fields_set}


def _design(study: ResolvedStudy, other: str | None, values: Mapping[str, Any], loc: Loc, *, optimise: bool) -> Design:
    """Return a design of the catalogue; its radiator keeps its area per accelerator where none is stated."""
    base = study if other is None else _other(study, other, (*loc, "study"))
    nominal = base.nominal_design(1)
    chosen: dict[str, Any] = dict(values)
    try:
        if "accelerators_per_satellite" in values and "radiator_area_m2" not in values:
            chosen["radiator_area_m2"] = _scaled_area(study, nominal, values)
        design = nominal.replace(**{"satellites": FLEET, **chosen})
    except DawnduskError as error:
        raise StudyError(misuse(study, loc, str(error), "values in the domain of their variables")) from None
    _check_rows(study, design, loc)
    return _optimised(study, base, design, values) if optimise else design


def _other(study: ResolvedStudy, name: str, loc: Loc) -> ResolvedStudy:
    """Return the study that a design is taken from."""
    path = name if name in library_names() else place_of(study, name, loc)
    if isinstance(path, Path) and not path.exists():
        known = library_names()
        allowed = f"a path, or a name in the library: {one_of(known)}"
        raise StudyError(misuse(study, loc, f"{name!r}, which is not there", allowed, nearest(name, known)))
    return read_study(path)


def place_of(study: ResolvedStudy, name: str, loc: Loc) -> Path:
    """Return the file that a relative path means: beside the file that says it."""
    place = None if study.document is None else study.document.follow(loc)[1]
    said_in = Path(place.file) if place is not None and place.line else None
    return Path(name) if said_in is None or not said_in.is_file() else said_in.parent / name


def _scaled_area(study: ResolvedStudy, nominal: Design, values: Mapping[str, Any]) -> float:
    rows = study.assumptions.accelerators
    for name in (values.get("accelerator", nominal.accelerator), nominal.accelerator):
        if name not in rows:
            raise DawnduskError(f"accelerator: found {name!r}; allowed: {one_of(rows)}")
    changed = nominal.replace(**{name: value for name, value in values.items() if name in SIZED_BY})
    both = evaluate(DesignBatch.of([nominal, changed]), study.assumptions, keep=(NOMINAL_W,)).outcome[NOMINAL_W]
    before = nominal.accelerators_per_satellite * both[0]
    after = changed.accelerators_per_satellite * both[1]
    return float(nominal.radiator_area_m2 * after / before)


def _check_rows(study: ResolvedStudy, design: Design, loc: Loc) -> None:
    """Refuse rows that another study added and this one does not know."""
    for name in CATEGORIES:
        known, row = catalogue(study.assumptions, name), getattr(design, name)
        if row not in known:
            found = f"{name} {row!r}, which the assumptions of this study do not have"
            raise StudyError(misuse(study, loc, found, one_of(known), nearest(row, known)))


def _optimised(study: ResolvedStudy, base: ResolvedStudy, design: Design, values: Mapping[str, Any]) -> Design:
    """Return the cheapest design with the stated values, by search without a bound."""
    assert study.plan is not None
    fixed = {name: Fixed(getattr(design, name)) for name in values}
    problem = Problem(
        assumptions=study.assumptions,
        space={**base.space, "satellites": Fixed(design.satellites), **fixed},
        objective="lcoc_usd_per_pflop_hour",
        sense="minimise",
    )
    found = search(
        problem, seed=study.plan.seed, time_limit_s=SEARCH_LIMIT_S, most_designs=SEARCHED_DESIGNS, effort=QUICK
    )
    return found.nearest


def _of_folder(study: ResolvedStudy, folder: str, loc: Loc, file: str) -> Iterator[tuple[Loc, str, CatalogueEntry]]:
    """Yield designs of a run folder: the best feasible ones of a run, or some evenly along a front."""
    assert study.plan is not None
    table = _table(study, folder, loc, file)
    missing = [name for name in (*CATEGORIES, *NUMBERS) if name not in table.columns]
    if missing:
        raise StudyError(
            misuse(study, loc, f"{folder!r}, whose {file} has no {missing[0]}", "the folder as it was written")
        )
    if "feasible" in table.columns:
        table = table[table["feasible"]]
    if not len(table):
        raise StudyError(misuse(study, loc, f"{folder!r}, which has no feasible design", "a run that found one"))
    count = min(study.plan.catalogue.designs_of_a_run, len(table))
    chosen = np.arange(count) if file == RUN_TABLE else np.unique(np.linspace(0, len(table) - 1, count).round())
    head = _head(folder)
    for k, number in enumerate(chosen):
        design = _of_row(table.iloc[int(number)])
        _check_rows(study, design, loc)
        yield loc, f"{head}_{k + 1:02d}", CatalogueEntry(design)


def _table(study: ResolvedStudy, folder: str, loc: Loc, file: str) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415 (only for a catalogue of earlier runs)

    path = place_of(study, folder, loc) / file
    other = {RUN_TABLE: FRONT_TABLE, FRONT_TABLE: RUN_TABLE}[file]
    if not path.is_file():
        kinds = {RUN_TABLE: "the folder of a design run", FRONT_TABLE: "the folder of a front"}
        under = {RUN_TABLE: "plan.catalogue.runs", FRONT_TABLE: "plan.catalogue.front"}
        there = path.with_name(other).is_file()
        hint = f" (write it under {under[other]})" if there else ""
        raise StudyError(misuse(study, loc, f"{folder!r}, which has no {file}", kinds[file], hint))
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        found = f"{folder!r}, whose {file} can not be read ({str(error).splitlines()[0]})"
        raise StudyError(misuse(study, loc, found, "the folder as it was written")) from None


def _head(folder: str) -> str:
    """Return the beginning of the names of a folder's designs."""
    name = re.sub(r"[^a-z0-9]+", "_", Path(os.path.normpath(folder)).name.lower()).strip("_")[:HEAD_LETTERS]
    return name if re.match(r"[a-z]", name) else f"run_{name}".rstrip("_")


def _of_row(row: Any) -> Design:
    values: dict[str, Any] = {name: str(row[name]) for name in CATEGORIES}
    for name in NUMBERS:
        values[name] = int(row[name]) if VARIABLES[name].kind == "integer" else float(row[name])
    return Design(**values)
