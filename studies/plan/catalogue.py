"""The designs of a plan: those that are stated, grids that are made on the fly, and the best of earlier runs."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dawndusk.models.design import CATEGORIES, NUMBERS, VARIABLES, Design
from dawndusk.models.errors import DawnduskError, nearest, one_of
from dawndusk.models.rows import catalogue
from dawndusk.optimize.evolution import QUICK, search
from dawndusk.optimize.problem import Fixed
from dawndusk.studies.runs.runner import problem_of
from dawndusk.studies.statement.errors import Place, Problem, StudyError
from dawndusk.studies.statement.plans_schema import PlanSection
from dawndusk.studies.statement.study import Study
from dawndusk.studies.statement.studyfile import read_study

ALWAYS = (-float("inf"), float("inf"))
SEARCHED_DESIGNS = 400_000
SEARCH_LIMIT_S = 60.0
IGNORED = ("vehicle", "launches_per_year", "satellites")
"""Design variables that a plan decides itself."""


@dataclass(frozen=True)
class CatalogueEntry:
    """A design of the catalogue with when it may fly, how long it serves, and the line that builds it."""

    design: Design
    window: tuple[float, float] = ALWAYS
    service_years: float | None = None
    line: str = "all"


def catalogue_of(
    study: Study, section: PlanSection, designs: Mapping[str, Design] | None = None
) -> dict[str, CatalogueEntry]:
    """Return the catalogue of a plan, by name; of ``designs`` where they are given."""
    if designs is not None:
        return {name: CatalogueEntry(design) for name, design in designs.items()}
    found: dict[str, CatalogueEntry] = {}
    part = section.catalogue
    for name, stated in part.designs.items():
        key = f"plan.catalogue.designs.{name}"
        design = _design(study, stated.study, stated.changes, stated.optimise, section.seed, key)
        window = (
            ALWAYS[0] if stated.from_year is None else stated.from_year,
            ALWAYS[1] if stated.until_year is None else stated.until_year,
        )
        found[name] = CatalogueEntry(design, window, stated.retire_after_years, stated.line)
    for name, grid in part.grids.items():
        key = f"plan.catalogue.grids.{name}"
        for number, row in enumerate(itertools.product(*grid.vary.values())):
            values = {**grid.changes, **dict(zip(grid.vary, row, strict=True))}
            design = _design(study, grid.study, values, grid.optimise, section.seed, key)
            found[f"{name}_{number + 1:02d}"] = CatalogueEntry(design)
    for folder in part.runs:
        found.update(_of_run(study, folder, part.designs_of_a_run))
    if not found:
        raise StudyError(_problem(study, "plan.catalogue", "no design", "designs, grids or runs with at least one"))
    return found


def _design(study: Study, other: str | None, values: Mapping[str, Any], optimise: bool, seed: int, key: str) -> Design:
    """Return a design of the catalogue; its radiator keeps its area per accelerator where none is stated."""
    base = study if other is None else read_study(other)
    _check_values(study, base, values, key)
    nominal = base.nominal_design(1)
    chosen: dict[str, Any] = dict(values)
    if "accelerators_per_satellite" in values and "radiator_area_m2" not in values:
        chosen["radiator_area_m2"] = _scaled_area(base, nominal, values)
    try:
        design = nominal.replace(**{"satellites": FLEET, **chosen})
    except DawnduskError as error:
        raise StudyError(_problem(study, key, str(error), "values in the domain of their variables")) from None
    return _optimised(base, design, values, seed) if optimise else design


FLEET = 1000
"""Satellites of the fleet whose jobs a design of the catalogue runs, where the study does not say."""


def _scaled_area(base: Study, nominal: Design, values: Mapping[str, Any]) -> float:
    rows = base.assumptions.accelerators
    before = nominal.accelerators_per_satellite * rows[nominal.accelerator].it_power_w
    after = (
        float(values["accelerators_per_satellite"]) * rows[values.get("accelerator", nominal.accelerator)].it_power_w
    )
    return nominal.radiator_area_m2 * after / before


def _check_values(study: Study, base: Study, values: Mapping[str, Any], key: str) -> None:
    for name, value in values.items():
        if name not in VARIABLES:
            raise StudyError(
                _problem(study, f"{key}.{name}", "no design variable", one_of(VARIABLES), nearest(name, VARIABLES))
            )
        if name in CATEGORIES:
            known = catalogue(base.assumptions, name)
            if value not in known:
                hint = nearest(str(value), known)
                raise StudyError(_problem(study, f"{key}.{name}", repr(value), one_of(known), hint))
        elif isinstance(value, bool) or not isinstance(value, int | float):
            variable = VARIABLES[name]
            allowed = f"a number from {variable.minimum:g} to {variable.maximum:g} [{variable.units}]"
            raise StudyError(_problem(study, f"{key}.{name}", repr(value), allowed))


def _optimised(base: Study, design: Design, values: Mapping[str, Any], seed: int) -> Design:
    """Return the cheapest design with the stated values, by search without a bound."""
    problem = problem_of(base)
    fixed = {name: Fixed(getattr(design, name)) for name in values}
    space = {**problem.space, "satellites": Fixed(design.satellites), **fixed}
    stated = type(problem)(
        assumptions=problem.assumptions,
        space=space,
        objective="lcoc_usd_per_pflop_hour",
        sense="minimise",
    )
    found = search(stated, seed=seed, time_limit_s=SEARCH_LIMIT_S, most_designs=SEARCHED_DESIGNS, effort=QUICK)
    return found.design


def _of_run(study: Study, folder: str, most: int) -> dict[str, CatalogueEntry]:
    """Return the best feasible designs in the table of a run folder."""
    import pandas as pd  # noqa: PLC0415 (only for a catalogue of earlier runs)

    path = Path(folder) / "designs.parquet"
    if not path.is_file():
        raise StudyError(_problem(study, "plan.catalogue.runs", f"{folder!r} without designs.parquet", "run folders"))
    table = pd.read_parquet(path)
    missing = [name for name in (*CATEGORIES, *NUMBERS) if name not in table.columns]
    if missing:
        raise StudyError(_problem(study, "plan.catalogue.runs", f"{folder!r} without {one_of(missing)}", "run folders"))
    if "feasible" in table.columns:
        table = table[table["feasible"]]
    head = Path(folder).name.replace("-", "_").lower()
    rows = [row for _, row in table.head(most).iterrows()]
    return {f"{head}_{k + 1:02d}": CatalogueEntry(_of_row(row)) for k, row in enumerate(rows)}


def _of_row(row: Any) -> Design:
    values: dict[str, Any] = {name: str(row[name]) for name in CATEGORIES}
    for name in NUMBERS:
        values[name] = int(row[name]) if VARIABLES[name].kind == "integer" else float(row[name])
    return Design(**values)


def _problem(study: Study, key: str, found: str, allowed: str, hint: str = "") -> Problem:
    return Problem(place=Place(study.source), key=key, found=found, allowed=allowed, hint=hint)
