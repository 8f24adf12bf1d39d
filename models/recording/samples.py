"""Many sets of assumptions at once: the numbers that differ between them as columns."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.assumptions import CATALOGUES, GROUPS, Assumptions
from dawndusk.models.errors import AssumptionError, nearest, one_of
from dawndusk.models.recording.parameters import CHOSEN_ROWS, STRUCTURAL, Unchecked

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class AssumptionSamples:
    """N sets of assumptions that differ in some numbers.

    Parameters
    ----------
    assumptions : Assumptions
        What the sets have in common.
    columns : mapping of str to array
        The numbers that differ, by the dotted key of their data row, for example
        ``reliability.satellite_loss_per_year`` or ``accelerators.tpu_v7.price_usd``: each an array of shape (N,) in
        the units of its row.

    Raises
    ------
    AssumptionError
        For a key that names no number (with the nearest one that does), for the name of a workload or training run,
        which decides what is evaluated and can not be a column, and for a column that is no array of N finite numbers
        in the domain of its row.
    ContradictionError
        For a set of which the numbers can not hold together.
    """

    assumptions: Assumptions
    columns: Mapping[str, Floats]

    def __post_init__(self) -> None:
        columns = {key: self._checked(key, column) for key, column in self.columns.items()}
        sizes = {key: len(column) for key, column in columns.items()}
        if not sizes:
            raise AssumptionError("assumption samples: found no column; allowed: a column for each number that differs")
        first = next(iter(sizes))
        for key, size in sizes.items():
            if size != sizes[first]:
                raise AssumptionError(f"{key}: found {size} samples; allowed: {sizes[first]}, as many as of {first}")
        object.__setattr__(self, "columns", columns)
        self.applied().check()

    def _checked(self, key: str, column: object) -> Floats:
        """Return a column as floats, after its key, its shape and its values are found to be allowed."""
        field = _field_of(self.assumptions, key)
        if not isinstance(column, np.ndarray) or column.ndim != 1 or column.dtype.kind not in "fiu" or not len(column):
            found = f"{column.dtype} of shape {column.shape}" if isinstance(column, np.ndarray) else repr(column)
            raise AssumptionError(f"{key}: found {found}; allowed: an array of numbers of shape (N,)")
        values = column.astype(np.float64)
        minimum, maximum, units = (field.metadata[name] for name in ("minimum", "maximum", "units"))
        bad = ~((values >= minimum) & (values <= maximum))
        if bad.any():
            place = int(np.argmax(bad))
            raise AssumptionError(
                f"{key}: found {values[place]:g} in sample {place}, allowed {minimum:g} to {maximum:g} {units} "
                f"({field.metadata['meaning']})"
            )
        return values

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, index: int) -> Assumptions:
        """Return set number ``index`` as plain assumptions."""
        numbers = {key: float(column[index]) for key, column in self.columns.items()}
        return self.assumptions.replace(**_changes(self.assumptions, numbers))

    def applied(self) -> Unchecked:
        """Return assumptions with columns in place of the numbers that differ."""
        return with_numbers(self.assumptions, self.columns)

    def parts(self, orbits: tuple[str, ...]) -> Iterator[tuple[NDArray[np.intp] | None, Assumptions]]:
        """Yield the sets that one structure and one set of tables hold for, and assumptions that have them.

        Sets come as an index array, or None where all sets go together. Columns of orbits other than those named do
        not matter.
        """
        seen = {key: s.seen(self.columns[key]) for key, s in self._structural(orbits).items()}
        if not seen:
            yield None, self.assumptions
            return
        _, first, part = np.unique(np.column_stack(list(seen.values())), axis=0, return_index=True, return_inverse=True)
        order = np.argsort(part.ravel(), kind="stable")
        ends = np.searchsorted(part.ravel()[order], np.arange(1, len(first)))
        for one, sets in zip(first, np.split(order, ends), strict=True):
            shared = with_numbers(self.assumptions, {key: float(self.columns[key][one]) for key in seen})
            yield (None if len(first) == 1 else sets), shared

    def _structural(self, orbits: tuple[str, ...]) -> dict[str, Any]:
        found = {}
        for key in self.columns:
            owner, *row, field = key.split(".")
            structural = STRUCTURAL.get(f"{owner}.{field}")
            if structural is not None and (owner != "orbits" or row[0] in orbits):
                found[key] = structural
        return found


def number_keys(assumptions: Assumptions) -> Iterator[str]:
    """Yield the dotted key of every number of assumptions, those of every catalogue row included."""
    for group, kind in GROUPS.items():
        yield from (f"{group}.{f.name}" for f in dataclasses.fields(kind))
    for catalogue, kind in CATALOGUES.items():
        for row in getattr(assumptions, catalogue):
            yield from (f"{catalogue}.{row}.{f.name}" for f in dataclasses.fields(kind))


def with_numbers(assumptions: Assumptions, numbers: Mapping[str, Any]) -> Unchecked:
    """Return assumptions with some numbers, or columns, exchanged by key, without a check."""
    return Unchecked.of(assumptions, **_changes(assumptions, numbers))


def _changes(assumptions: Assumptions, numbers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the groups and catalogues that change when numbers are exchanged by key."""
    by_row: dict[tuple[str, ...], dict[str, Any]] = {}
    for key, number in numbers.items():
        *where, field = key.split(".")
        by_row.setdefault(tuple(where), {})[field] = number
    changes: dict[str, Any] = {}
    for (owner, *row), fields in by_row.items():
        if not row:
            changes[owner] = dataclasses.replace(getattr(assumptions, owner), **fields)
            continue
        rows = changes.setdefault(owner, dict(getattr(assumptions, owner)))
        rows[row[0]] = dataclasses.replace(rows[row[0]], **fields)
    return changes


def _field_of(assumptions: Assumptions, key: str) -> dataclasses.Field[Any]:
    """Return the field that a dotted key names."""
    if key in CHOSEN_ROWS.values():
        raise AssumptionError(
            f"{key}: found a column; allowed: one name, because it is structural: it decides which rows are in force"
        )
    owner, *row = str(key).split(".")
    name = row.pop() if row else ""
    kind = GROUPS.get(owner) if not row else CATALOGUES.get(owner)
    known = not row or (len(row) == 1 and row[0] in getattr(assumptions, owner, ()))
    if kind is not None and known:
        for field in dataclasses.fields(kind):
            if field.name == name:
                return field
    raise AssumptionError(
        f"{key}: no number of the assumptions; allowed: group.field with a group of {one_of(GROUPS)}, or "
        f"catalogue.row.field with a catalogue of {one_of(CATALOGUES)}{nearest(str(key), number_keys(assumptions))}"
    )
