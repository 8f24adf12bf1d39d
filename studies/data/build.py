"""From rows to assumptions, and from assumptions to others with some values changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from importlib.resources.abc import Traversable
from numbers import Real
from pathlib import Path
from typing import Any

from dawndusk.models.assumptions import GROUPS, Assumptions
from dawndusk.models.catalogue import CATALOGUES
from dawndusk.models.errors import AssumptionError, nearest, one_of
from dawndusk.models.quantity import Quantity
from dawndusk.studies.data.environment import read_environment
from dawndusk.studies.data.rows import FIELDS, check_domain, field_of, read_rows, span

DATA_YEAR = 2026
"""Year of the shipped data, which a value set by a study also carries."""


def read_assumptions(folder: Path | Traversable, *, workload: str, training_run: str) -> Assumptions:
    """Read a complete set of assumptions from a folder with one CSV file for each group and catalogue.

    Parameters
    ----------
    folder : pathlib.Path
        Holds ``power.csv``, ``vehicles.csv`` and so on, and the environment tables.
    workload, training_run : str
        Rows of the catalogues ``workloads`` and ``training_runs`` to use.

    Raises
    ------
    AssumptionError
        For the first file, line or key that is missing, unknown, doubled or out of its domain.
    """
    rows: dict[str, Quantity] = {}
    parts: dict[str, Any] = {}
    for owner in (*GROUPS, *CATALOGUES):
        found = read_rows(folder / f"{owner}.csv")
        _check_owner(owner, found)
        parts[owner] = _part(owner, found)
        rows |= found
    for catalogue, name in (("workloads", workload), ("training_runs", training_run)):
        _check_name(catalogue, name, parts[catalogue])
    data = read_environment(folder)
    return Assumptions(**parts, workload=workload, training_run=training_run, data=data, provenance=rows)


def with_rows(assumptions: Assumptions, rows: Mapping[str, Quantity]) -> Assumptions:
    """Return assumptions in which sourced rows replace, or add to, the present ones.

    A row of a catalogue that is new must come with all its fields. Units and domains are checked again.
    """
    for key, row in rows.items():
        field = field_of("rows", key)
        check_domain(f"rows: {key}", field, row.value)
        if row.units != field.metadata["units"]:
            raise AssumptionError(f"rows: {key}: found units {row.units!r}, allowed {field.metadata['units']!r}")
    _check_new(assumptions, rows)
    provenance = {**assumptions.provenance, **rows}
    owners = dict.fromkeys(key.split(".")[0] for key in rows)
    parts = {owner: _changed(assumptions, owner, rows) for owner in owners}
    return assumptions.replace(**parts, provenance=provenance)


def with_values(
    assumptions: Assumptions, values: Mapping[str, float], *, source: str = "set by the study"
) -> Assumptions:
    """Return assumptions in which a study sets single values.

    Parameters
    ----------
    assumptions : Assumptions
        The starting point; it stays as it is.
    values : mapping of str to float
        Numbers by dotted key, each in the units of its field. A value outside the sourced range is allowed
        inside the domain of its field: the range is widened to hold it and the note says so. A new row of a
        catalogue needs a value for every field.
    source : str
        Who sets them; replaces the source in the provenance.

    Raises
    ------
    AssumptionError
        For an unknown key (with the nearest valid one), something that is no finite number, or a value
        outside the domain of its field.
    """
    numbers = {key: _plain_number(key, value) for key, value in values.items()}
    _check_new(assumptions, numbers)
    rows = {}
    for key, value in numbers.items():
        field = field_of(source, key)
        check_domain(f"{source}: {key}", field, value)
        rows[key] = _set_by(source, value, field.metadata["units"], assumptions.provenance.get(key))
    return with_rows(assumptions, rows)


def _set_by(source: str, value: float, units: str, old: Quantity | None) -> Quantity:
    """Return the provenance of a value that a study sets in place of ``old``."""
    low = high = None
    notes = []
    if old is not None:
        low = None if old.low is None else min(old.low, value)
        high = None if old.high is None else max(old.high, value)
        outside = (low, high) != (old.low, old.high)
        notes = [old.note, f"instead of {old.value:g} ({old.source})"]
        notes += [f"outside the sourced range {span(old.low, old.high)}"] if outside else []
    return Quantity(
        value=value,
        units=units,
        low=value if low is None else low,
        high=value if high is None else high,
        source=source,
        url="",
        year=DATA_YEAR,
        confidence="assumed",
        note="; ".join(filter(None, notes)),
    )


def _plain_number(key: object, value: object) -> float:
    if not isinstance(key, str):
        raise AssumptionError(f"found the key {key!r}, allowed a dotted name such as power.pmad_efficiency")
    if isinstance(value, bool) or not isinstance(value, Real):
        raise AssumptionError(f"{key}: found {value!r}, allowed a number")
    try:
        return float(value)
    except OverflowError:
        raise AssumptionError(f"{key}: found a number too large, allowed a finite number") from None


def _check_owner(owner: str, rows: Mapping[str, Quantity]) -> None:
    strangers = [key for key in rows if key.split(".")[0] != owner]
    if strangers:
        raise AssumptionError(f"{owner}.csv: found the key {strangers[0]!r}, allowed keys that begin with {owner!r}")


def _check_name(catalogue: str, name: str, rows: Mapping[str, Any]) -> None:
    if name not in rows:
        raise AssumptionError(f"{catalogue}: found {name!r}, allowed: {one_of(rows)}{nearest(name, rows)}")


def _part(owner: str, rows: Mapping[str, Quantity]) -> Any:
    """Build a group, or a catalogue as a dictionary of its rows."""
    if owner in GROUPS:
        return _record(GROUPS[owner], owner, rows)
    names = dict.fromkeys(key.split(".")[1] for key in rows)
    if not names:
        raise AssumptionError(f"{owner}.csv: found no rows, allowed at least one")
    return {name: _record(CATALOGUES[owner], f"{owner}.{name}", rows) for name in names}


def _record(kind: type, prefix: str, rows: Mapping[str, Quantity]) -> Any:
    owner = prefix.split(".", maxsplit=1)[0]
    names = FIELDS[owner]
    missing = [name for name in names if f"{prefix}.{name}" not in rows]
    if missing:
        raise AssumptionError(
            f"{owner}.csv: {prefix}: found no row for {one_of(missing)}; allowed only with every field: {one_of(names)}"
        )
    return kind(**{name: rows[f"{prefix}.{name}"].value for name in names})


def _check_new(assumptions: Assumptions, keys: Mapping[str, Any]) -> None:
    """Raise for a key that neither names a present value nor belongs to a complete new catalogue row."""
    for key in keys:
        if key in assumptions.provenance:
            continue
        owner, *rest = key.split(".")
        if owner not in CATALOGUES or rest[0:1] == [] or rest[0] in getattr(assumptions, owner):
            hint = nearest(key, assumptions.provenance)
            raise AssumptionError(f"{key}: found no such value; allowed: a key of the assumptions{hint}")
        missing = [name for name in FIELDS[owner] if f"{owner}.{rest[0]}.{name}" not in keys]
        if missing:
            hint = nearest(key, assumptions.provenance)
            raise AssumptionError(
                f"{key}: found no row {rest[0]!r} in {owner}{hint}; "
                f"allowed: {one_of(getattr(assumptions, owner))}, or a new row with every field "
                f"(missing: {one_of(missing)})"
            )


def _changed(assumptions: Assumptions, owner: str, rows: Mapping[str, Quantity]) -> Any:
    """Return a group or catalogue with the rows that concern it."""
    part = getattr(assumptions, owner)
    changes: dict[str, dict[str, float]] = {}
    for key, row in rows.items():
        prefix, name = key.rsplit(".", 1)
        if prefix.split(".")[0] == owner:
            changes.setdefault(prefix, {})[name] = row.value
    if owner in GROUPS:
        return dataclasses.replace(part, **changes[owner])
    replaced = {prefix.split(".")[1]: values for prefix, values in changes.items()}
    kind = CATALOGUES[owner]
    new = {n: dataclasses.replace(part[n], **v) if n in part else kind(**v) for n, v in replaced.items()}
    return {**part, **new}
