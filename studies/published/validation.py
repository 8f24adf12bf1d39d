"""Published cases run through the product: what was published, what comes out, and why where the two differ.

A case names a method, its inputs, one metric, the published value and a tolerance. A case that disagrees is never
hidden: it fails, and tells the reason in its note if there is one.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from dawndusk.models.errors import DawnduskError, nearest, one_of
from dawndusk.studies.data.rows import header, lines, number
from dawndusk.studies.published import METHODS, MethodError, method_named
from dawndusk.studies.published.method import shown

REQUIRED = ("case_id", "method", "inputs", "metric", "expected", "tolerance_rel")
OPTIONAL = ("units", "source", "url", "confidence", "note")
COLUMNS = ("case_id", "method", "inputs", "metric", "expected", "units", "tolerance_rel", *OPTIONAL[1:])
"""Columns of a file of cases, in their usual order; a file may leave out those of ``OPTIONAL``."""

SHIPPED_CASES = files("dawndusk.studies.data") / "validation_cases.csv"
NO_REASON = "no reason known"

SAME_UNITS = {
    "": "-",
    "fraction": "-",
    "count": "-",
    "1": "-",
    "%": "percent",
    "deg": "degree",
    "degrees": "degree",
    "rad(Si)/yr": "rad(Si)/year",
    "krad(Si)/yr": "krad(Si)/year",
    "USD/kW/yr": "USD/kW/year",
    "USD/(kW yr)": "USD/kW/year",
    "$/kg": "USD/kg",
    "m^2": "m2",
    "W/m^2": "W/m2",
    "minutes": "min",
    "d": "days/year",
    "days": "days/year",
    "days/yr": "days/year",
    "d/yr": "days/year",
}
"""Spellings of one unit."""
OTHER_UNITS = ("h", "s", "m", "K", "kW", "MW", "W", "g", "kg", "USD", "MUSD", "USD/t", "USD/kWh", "percent", "rad")
"""Units that no metric has, so that a case in them is refused and not compared."""


class CaseError(DawnduskError):
    """A file of cases that can not be used."""


@dataclass(frozen=True, kw_only=True)
class PublishedCase:
    """A published value. ``inputs`` are those that the file states; ``where`` is its file and line."""

    case_id: str
    method: str
    inputs: Mapping[str, object]
    metric: str
    expected: float
    tolerance_rel: float
    units: str = ""
    source: str = ""
    url: str = ""
    confidence: str = ""
    note: str = ""
    where: str = ""


@dataclass(frozen=True, kw_only=True)
class CaseResult:
    """A case and what the product makes of it.

    ``deviation`` is relative to the published value; where that is zero it is the difference itself, in the units
    of the metric, and the tolerance is taken in those units too.
    """

    case: PublishedCase
    got: float
    deviation: float
    passed: bool
    reason: str


def read_cases(path: Path | str | Traversable = SHIPPED_CASES) -> list[PublishedCase]:
    """Read a CSV file of cases.

    Parameters
    ----------
    path : pathlib.Path or str
        A file with the columns ``REQUIRED``, in any order, and any of ``OPTIONAL``. ``inputs`` is a JSON object;
        inputs that it leaves out take the method's defaults, and so does an empty cell.

    Returns
    -------
    list of Case
        Cases that the methods can take, in the order of the file.

    Raises
    ------
    DawnduskError
        For the first thing that is wrong: names file, line and column, what was found and what is allowed.
    """
    file = Path(path) if isinstance(path, str) else path
    columns = _columns(file)
    cases = [_case(where, cells) for where, cells in lines(file, columns)]
    if not cases:
        raise CaseError(
            f"{file.name or file}: found no cases, allowed at least one line below the names of the columns"
        )
    return cases


def run_cases(cases: Sequence[PublishedCase]) -> list[CaseResult]:
    """Run every case and compare.

    Raises
    ------
    DawnduskError
        For a case whose inputs contradict each other or lead to no answer; names its file and line.
    """
    return [_run(case) for case in cases]


def all_agree(results: Sequence[CaseResult]) -> bool:
    """Return whether no case disagrees."""
    return all(result.passed for result in results)


def table_rows(results: Sequence[CaseResult]) -> list[dict[str, str]]:
    """Return a row of texts for each result: case, method, metric, expected, got, deviation, tolerance, reason."""
    return [_row(result) for result in results]


def to_json(results: Sequence[CaseResult]) -> dict[str, Any]:
    """Return the results as plain values for JSON; a number that is not finite becomes ``None``."""
    agree = sum(result.passed for result in results)
    return {
        "cases": [_plain(result) for result in results],
        "agree": agree,
        "disagree": len(results) - agree,
    }


def _columns(file: Path | Traversable) -> list[str]:
    """Return the names of the columns after checking them."""
    found = header(file)
    where = f"{file.name or file}, line 1"
    if not any(found):
        raise CaseError(f"{where}: found no names of columns, allowed: {one_of(COLUMNS)}")
    missing = [name for name in REQUIRED if name not in found]
    unknown = [name for name in found if name not in COLUMNS]
    if missing:
        hint = nearest(missing[0], unknown).replace("did you mean", "perhaps written")
        raise CaseError(f"{where}: found no column {missing[0]!r}{hint}; allowed with all of: {one_of(REQUIRED)}")
    if unknown:
        hint = nearest(unknown[0], COLUMNS)
        raise CaseError(f"{where}: found the column {shown(unknown[0])}; allowed: {one_of(COLUMNS)}{hint}")
    if len(set(found)) < len(found):
        doubled = next(name for name in found if found.count(name) > 1)
        raise CaseError(f"{where}: found the column {doubled!r} twice, allowed once")
    return found


def _case(where: str, cells: dict[str, str]) -> PublishedCase:
    """Return a case of which method, inputs, metric, units and numbers are checked."""
    if not cells["case_id"]:
        raise CaseError(f"{where}: case_id: found nothing, allowed a name")
    tolerance = number(f"{where}: tolerance_rel", cells["tolerance_rel"])
    if tolerance < 0.0:
        raise CaseError(f"{where}: tolerance_rel: found {tolerance:g}, allowed 0 or more")
    values = {name: cells[name] for name in ("case_id", "method", "metric", *OPTIONAL) if name in cells}
    case = PublishedCase(
        **values,
        inputs=_inputs(where, cells["inputs"]),
        expected=number(f"{where}: expected", cells["expected"]),
        tolerance_rel=tolerance,
        where=where,
    )
    _check_method(case)
    return case


def _check_method(case: PublishedCase) -> None:
    """Raise unless the method exists and knows the inputs, the metric and its units."""
    column = "method"
    try:
        method = method_named(case.method)
        column = "inputs"
        method.resolve(case.inputs)
        column = "metric"
        metric = method.metric(case.metric)
    except MethodError as error:
        raise CaseError(f"{case.where}: {column}: {error}") from None
    _check_units(case, method.outputs[metric])


def _check_units(case: PublishedCase, units: str) -> None:
    """Raise where the published value is in other units than the metric; a unit nobody knows is left alone."""
    found, known = (SAME_UNITS.get(name, name) for name in (case.units, units))
    others = {SAME_UNITS.get(u, u) for m in METHODS.values() for u in m.outputs.values()} | set(OTHER_UNITS)
    if case.units and found != known and found in others:
        raise CaseError(f"{case.where}: units: found {case.units!r}, allowed {units!r}, those of {case.metric}")


def _inputs(where: str, text: str) -> dict[str, object]:
    """Read the JSON object of the inputs."""
    if not text:
        return {}
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except CaseError as error:
        raise CaseError(f"{where}: inputs: {error}") from None
    except (ValueError, RecursionError) as error:
        reason = str(error) or "nested too deeply"
        raise CaseError(
            f"{where}: inputs: found {shown(text)}, which is no JSON ({reason}); "
            'allowed an object such as {"altitude_km": 650}'
        ) from None
    if not isinstance(found, dict):
        raise CaseError(f'{where}: inputs: found {shown(text)}, allowed an object such as {{"altitude_km": 650}}')
    return found


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return the pairs of a JSON object as a mapping, refusing a name that comes twice."""
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise CaseError(f"found {shown(name)} twice, allowed once")
        found[name] = value
    return found


def _no_constant(name: str) -> float:
    raise CaseError(f"found {name}, allowed finite numbers")


def _run(case: PublishedCase) -> CaseResult:
    method = METHODS[case.method]
    try:
        got = method.run(case.inputs)[method.metric(case.metric)]
    except MethodError as error:
        raise CaseError(f"{case.where}: inputs: {error}") from None
    deviation = got - case.expected
    if case.expected:
        deviation /= abs(case.expected)
    passed = abs(deviation) <= case.tolerance_rel  # False for NaN as well
    reason = "" if passed else case.note or NO_REASON
    return CaseResult(case=case, got=got, deviation=deviation, passed=passed, reason=reason)


def _row(result: CaseResult) -> dict[str, str]:
    case = result.case
    units = METHODS[case.method].outputs[METHODS[case.method].metric(case.metric)]
    if case.expected:
        deviation, tolerance = f"{result.deviation:+.2%}", f"{case.tolerance_rel:.4g}"
    else:
        deviation, tolerance = f"{result.deviation:+.4g} {units}", f"{case.tolerance_rel:.4g} {units}"
    return {
        "case": case.case_id,
        "method": case.method,
        "metric": case.metric,
        "expected": f"{case.expected:.6g}",
        "got": f"{result.got:.6g}",
        "units": case.units or units,
        "deviation": deviation,
        "tolerance": tolerance,
        "result": "agrees" if result.passed else "DISAGREES",
        "reason": result.reason,
        "source": case.source,
    }


def _plain(result: CaseResult) -> dict[str, Any]:
    case = dataclasses.asdict(result.case)
    numbers = {"got": result.got, "deviation": result.deviation}
    finite = {name: value if math.isfinite(value) else None for name, value in numbers.items()}
    return {**case, **finite, "passed": result.passed, "reason": result.reason}
