"""Rows of sourced values: one CSV line for each believed number, every cell checked."""

from __future__ import annotations

import csv
import dataclasses
import math
import re
from collections.abc import Iterator, Sequence
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from dawndusk.models.assumptions import GROUPS
from dawndusk.models.catalogue import CATALOGUES
from dawndusk.models.errors import AssumptionError, nearest, one_of
from dawndusk.models.quantity import Quantity

COLUMNS = ("key", "value", "low", "high", "units", "source", "url", "year", "confidence", "note")
CONFIDENCES = ("high", "medium", "low", "assumed")
NEED_A_RANGE = ("low", "assumed")
FIRST_YEAR, LAST_YEAR = 1900, 2100

FIELDS: dict[str, dict[str, dataclasses.Field[Any]]] = {
    owner: {field.name: field for field in dataclasses.fields(kind)} for owner, kind in {**GROUPS, **CATALOGUES}.items()
}
"""The fields of every group and catalogue, by the first part of the dotted name."""

_ROW_NAME = re.compile(r"[a-z][a-z0-9_]*")


def read_rows(path: Path | str | Traversable) -> dict[str, Quantity]:
    """Read a CSV file with the columns ``key,value,low,high,units,source,url,year,confidence,note``.

    Parameters
    ----------
    path : pathlib.Path or str
        The file. Values, ``low`` and ``high`` are in the units of the field that the key names.

    Returns
    -------
    dict of str to Quantity
        Each row by its dotted key, in the order of the file.

    Raises
    ------
    AssumptionError
        For the first cell that is not allowed: names the file, the line, the key, what was found and
        what is allowed.
    """
    rows: dict[str, Quantity] = {}
    for where, cells in lines(Path(path) if isinstance(path, str) else path, COLUMNS):
        key = cells["key"]
        if key in rows:
            raise AssumptionError(f"{where}: {key}: found a second row, allowed one row for each key")
        rows[key] = _quantity(where, key, cells)
    return rows


def lines(path: Path | Traversable, columns: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield ``(where, cells)`` for every row of a CSV file whose header must be ``columns``."""
    for line, cells in _raw(path):
        where = f"{path.name or path}, line {line}"
        if line == 1 and cells != list(columns):
            wrong = [name for name in cells if name not in columns]
            hint = nearest(wrong[0], columns) if wrong else ""
            raise AssumptionError(f"{where}: found the columns {one_of(cells)}; allowed: {one_of(columns)}{hint}")
        if line > 1:
            if len(cells) != len(columns):
                raise AssumptionError(
                    f"{where}: {cells[0]}: found {len(cells)} cells, allowed {len(columns)} "
                    "(quote a text that holds a comma)"
                )
            yield where, dict(zip(columns, cells, strict=True))


def header(path: Path | Traversable) -> list[str]:
    """Return the names of the columns of a CSV file."""
    return next(_raw(path))[1]


def _raw(path: Path | Traversable) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the stripped cells of every line that is not empty; the header comes first."""
    try:
        reader = csv.reader(path.read_text(encoding="utf-8-sig").splitlines(keepends=True), strict=True)
        yield 1, [cell.strip() for cell in next(reader, [])]
        for cells in reader:
            if cells:
                yield reader.line_num, [cell.strip() for cell in cells]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise AssumptionError(
            f"{path.name or path}: found no readable CSV file ({error}); allowed: UTF-8 text with commas"
        ) from error


def field_of(where: str, key: str) -> dataclasses.Field[Any]:
    """Return the field that a dotted key names, or raise with the nearest valid name."""
    owner, *rest = key.split(".")
    row = rest[0] if owner in CATALOGUES and len(rest) == len(("row", "field")) else ""
    well_formed = bool(_ROW_NAME.fullmatch(row)) if owner in CATALOGUES else len(rest) == 1
    if not well_formed or rest[-1] not in FIELDS.get(owner, {}):
        hint = nearest(key, _candidates(rest[0] if rest else "row"))
        raise AssumptionError(
            f"{where}: found the key {key!r}, which names no value; allowed: group.field with a group of "
            f"{one_of(GROUPS)}, or catalogue.row.field with a catalogue of {one_of(CATALOGUES)}{hint}"
        )
    return FIELDS[owner][rest[-1]]


def _candidates(row: str) -> Iterator[str]:
    for owner, fields in FIELDS.items():
        prefix = owner if owner in GROUPS else f"{owner}.{row}"
        yield from (f"{prefix}.{name}" for name in fields)


def check_domain(where: str, field: dataclasses.Field[Any], value: float) -> None:
    """Raise unless ``value`` is finite and inside the domain of its field."""
    minimum, maximum, units = (field.metadata[name] for name in ("minimum", "maximum", "units"))
    if not (math.isfinite(value) and minimum <= value <= maximum):
        raise AssumptionError(
            f"{where}: found {value:g}, allowed {minimum:g} to {maximum:g} {units} ({field.metadata['meaning']})"
        )


def _quantity(where: str, key: str, cells: dict[str, str]) -> Quantity:
    field = field_of(where, key)
    at = f"{where}: {key}"
    value = number(f"{at}: value", cells["value"])
    low, high = (number(f"{at}: {end}", cells[end]) if cells[end] else None for end in ("low", "high"))
    for name, found in (("value", value), ("low", low), ("high", high)):
        if found is not None:
            check_domain(f"{at}: {name}", field, found)
    if cells["units"] != field.metadata["units"]:
        raise AssumptionError(f"{at}: units: found {cells['units']!r}, allowed {field.metadata['units']!r}")
    _check_evidence(at, cells)
    _check_range(at, value, low, high, cells["confidence"])
    return Quantity(
        value=value,
        units=cells["units"],
        low=low,
        high=high,
        source=cells["source"],
        url=cells["url"],
        year=int(cells["year"]),
        confidence=cells["confidence"],
        note=cells["note"],
    )


def number(where: str, text: str) -> float:
    """Read a finite decimal number."""
    try:
        value = math.nan if "_" in text else float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise AssumptionError(f"{where}: found {text!r}, allowed a finite number such as 0.25 or 3e-4")
    return value


def _check_evidence(at: str, cells: dict[str, str]) -> None:
    if not cells["source"]:
        raise AssumptionError(f"{at}: source: found nothing, allowed a citation, or 'dawndusk assumption'")
    year = cells["year"]
    if not (year.isascii() and year.isdigit() and FIRST_YEAR <= int(year) <= LAST_YEAR):
        raise AssumptionError(f"{at}: year: found {year!r}, allowed a year from {FIRST_YEAR} to {LAST_YEAR}")
    if cells["confidence"] not in CONFIDENCES:
        hint = nearest(cells["confidence"], CONFIDENCES)
        raise AssumptionError(f"{at}: confidence: found {cells['confidence']!r}, allowed {one_of(CONFIDENCES)}{hint}")


def _check_range(at: str, value: float, low: float | None, high: float | None, confidence: str) -> None:
    if confidence in NEED_A_RANGE and (low is None or high is None):
        raise AssumptionError(f"{at}: found no full range, allowed with confidence '{confidence}': low and high")
    if (low is not None and value < low) or (high is not None and value > high):
        raise AssumptionError(f"{at}: value: found {value:g}, allowed inside its own range {span(low, high)}")


def span(low: float | None, high: float | None) -> str:
    """Return ``low to high`` in words, with an open end where one is not known."""
    return f"{'open' if low is None else f'{low:g}'} to {'open' if high is None else f'{high:g}'}"
