"""The catalogue rows of a batch: one row when all designs share it, columns of values when they differ."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.assumptions import CATALOGUES, Accelerator, Assumptions, Orbit, Radiator, SolarArray, Vehicle
from dawndusk.models.design import CATEGORIES, VARIABLES, DesignBatch
from dawndusk.models.errors import DesignError, nearest, one_of
from dawndusk.models.recording.surroundings import Surroundings, surroundings
from dawndusk.models.recording.trace import Graph

Row = TypeVar("Row")

ORBIT_CODE = "orbit_code"


@dataclass(frozen=True)
class Rows:
    """The rows in force for each design, and what follows from them alone.

    Every field of a row is a float when one row holds for the whole batch, else an array of shape (N,).
    """

    accelerator: Accelerator
    orbit: Orbit
    array: SolarArray
    radiator: Radiator
    vehicle: Vehicle
    orbit_code: Any
    tables: Surroundings

    def fields(self) -> dict[str, Any]:
        """Return every value that a recorded model takes as a parameter, by its dotted name."""
        named = {
            f"{variable}.{f.name}": getattr(getattr(self, variable), f.name)
            for variable in CATEGORIES
            for f in dataclasses.fields(getattr(self, variable))
        }
        return {**named, ORBIT_CODE: self.orbit_code}


def recorded_rows(graph: Graph, assumptions: Assumptions, orbits: tuple[str, ...]) -> Rows:
    """Return rows whose every field is a parameter of a recording that holds for the named orbits."""
    return parameter_rows(graph, surroundings(assumptions, orbits))


def parameter_rows(graph: Graph, tables: Surroundings) -> Rows:
    """Return rows whose every field is a parameter of a recording, named as ``Rows.fields`` names them."""
    rows: dict[str, Any] = {}
    for variable in CATEGORIES:
        kind = CATALOGUES[VARIABLES[variable].catalogue]
        rows[variable] = kind(**{f.name: graph.parameter(f"{variable}.{f.name}") for f in dataclasses.fields(kind)})
    return Rows(**rows, orbit_code=graph.parameter(ORBIT_CODE), tables=tables)


def shared_names(batch: DesignBatch) -> tuple[str | None, ...]:
    """Return the one name that all designs share in each category, None for a category in which they differ."""
    codes = ((variable, _same(batch.codes[variable])) for variable in CATEGORIES)
    return tuple(None if code is None else batch.names[variable][code] for variable, code in codes)


def catalogue(assumptions: Assumptions, variable: str) -> Mapping[str, Any]:
    """Return the catalogue that a categorical design variable names rows of."""
    rows: Mapping[str, Any] = getattr(assumptions, VARIABLES[variable].catalogue)
    return rows


def check_names(assumptions: Assumptions, batch: DesignBatch) -> None:
    """Raise ``DesignError`` for a category that is in no catalogue."""
    for variable, names in batch.names.items():
        rows = catalogue(assumptions, variable)
        for name in names:
            if name not in rows:
                raise DesignError(f"design.{variable}: found {name!r}, allowed: {one_of(rows)}{nearest(name, rows)}")


def rows_of(assumptions: Assumptions, batch: DesignBatch, tables: Surroundings | None = None) -> Rows:
    """Return the rows of a batch, with tables that are at hand or those of the assumptions.

    A number of the assumptions may be a column of shape (N,), one value for each design.
    """
    used = {v: tuple(catalogue(assumptions, v)[n] for n in names) for v, names in batch.names.items()}
    orbit_codes = batch.codes["orbit"]
    shared = _same(orbit_codes)
    return Rows(
        accelerator=_gather(used["accelerator"], batch.codes["accelerator"]),
        orbit=_gather(used["orbit"], orbit_codes),
        array=_gather(used["array"], batch.codes["array"]),
        radiator=_gather(used["radiator"], batch.codes["radiator"]),
        vehicle=_gather(used["vehicle"], batch.codes["vehicle"]),
        orbit_code=orbit_codes if shared is None else shared,
        tables=surroundings(assumptions, batch.names["orbit"]) if tables is None else tables,
    )


def _same(codes: NDArray[np.intp]) -> int | None:
    """Return the one code that all designs share, or None."""
    first = int(codes[0])
    return first if bool((codes == first).all()) else None


def _gather(rows: Sequence[Row], codes: NDArray[np.intp]) -> Row:
    """Return the shared row, or a row whose fields are columns picked by code."""
    shared = _same(codes)
    if shared is not None:
        return rows[shared]
    names = [f.name for f in dataclasses.fields(rows[0])]  # type: ignore[arg-type]
    values = {name: [getattr(row, name) for row in rows] for name in names}
    if not any(isinstance(value, np.ndarray) for column in values.values() for value in column):
        return type(rows[0])(**{name: np.array(column, dtype=np.float64)[codes] for name, column in values.items()})
    designs = np.arange(len(codes))
    own = {n: np.array([np.broadcast_to(v, codes.shape) for v in column]) for n, column in values.items()}
    return type(rows[0])(**{name: column[codes, designs] for name, column in own.items()})
