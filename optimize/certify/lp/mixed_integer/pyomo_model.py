"""The mixed-integer linear model in Pyomo, with the names of outcomes and rules, for any solver and more rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.core.expr.numeric_expr import LinearExpression

from dawndusk.optimize.certify.graph.statement import Statement
from dawndusk.optimize.certify.lp.model.relaxation import Relaxation
from dawndusk.optimize.certify.translate.builder import Builder

FORMATS = (".lp", ".mps")


def node_names(statement: Statement, builder: Builder) -> dict[int, str]:
    """Return a name for each node that is a design variable or an outcome, or the logarithm of one (``log_...``)."""
    names: dict[int, str] = {}
    for axis, coordinate in enumerate(statement.coordinates):
        head = "log_" if coordinate.logarithmic else ""
        scaled = "_per_size" if coordinate.power < 0 else "_times_size" if coordinate.power > 0 else ""
        names[axis] = f"{head}{coordinate.variable}{scaled}"
    for outcome, recorded in statement.outcomes.items():
        value = builder.values.get(recorded)
        if value is None or value.constant is not None:
            continue
        for node, head in zip(value.made, ("", "log_"), strict=True):
            if node is not None and node not in names:
                names[node] = f"{head}{outcome}"
    return names


def pyomo_model(relaxation: Relaxation, names: Mapping[int, str]) -> Any:
    """Return the Pyomo model of a relaxation.

    ``column`` holds the scaled columns, all of order one; ``quantity[name]`` is the expression of a design variable
    or an outcome in its units (or its logarithm, where the name starts with ``log_``), to be used in rows of one's
    own; ``rule[name]`` are the rules and bounds of the problem, ``row`` the rows of the physics.
    """
    model = pyo.ConcreteModel(name="dawndusk")
    labels = _labels(relaxation, names)
    whole = {len(relaxation.graph.operations) + k for k, extra in enumerate(relaxation.extras) if extra.whole}
    bounds = dict(zip(labels.values(), zip(relaxation.low, relaxation.high, strict=True), strict=True))
    binaries = {labels[number] for number in whole}
    model.column = pyo.Var(
        list(labels.values()),
        bounds={label: (float(low), float(high)) for label, (low, high) in bounds.items()},
        domain={label: pyo.Binary if label in binaries else pyo.Reals for label in bounds},
    )
    columns = [model.column[label] for label in labels.values()]
    matrix, low, high = relaxation.matrix(relaxation.rows)
    rules = {row.name for row in relaxation.graph.rows}
    kinds: dict[str, dict[str, Any]] = {"rule": {}, "row": {}}
    for k, row in enumerate(relaxation.rows):
        span = slice(matrix.indptr[k], matrix.indptr[k + 1])
        body = LinearExpression(
            constant=0.0,
            linear_coefs=[float(c) for c in matrix.data[span]],
            linear_vars=[columns[j] for j in matrix.indices[span]],
        )
        ends = (_end(low[k]), body, _end(high[k]))
        kind = "rule" if row.name in rules else "row"
        label = row.name if row.name not in kinds[kind] else f"{row.name}_{k}"
        kinds[kind][label] = ends if ends[0] != ends[2] else (body, ends[2])
    for kind, rows in kinds.items():
        found = pyo.Constraint(list(rows), rule=_ruled(rows))
        model.add_component(kind, found)
    model.quantity = pyo.Expression(list(names.values()))
    for node, name in names.items():
        if node in relaxation.columns.of:
            model.quantity[name] = expression(relaxation, columns, node)
    model.score = pyo.Objective(expr=expression(relaxation, columns, relaxation.graph.objective), sense=pyo.minimize)
    return model


def _ruled(rows: Mapping[str, Any]) -> Any:
    def body(_: Any, name: str) -> Any:
        ends = rows[name]
        return ends if len(ends) == 3 else ends[0] == ends[1]  # noqa: PLR2004 (low, body and high)

    return body


def expression(relaxation: Relaxation, columns: list[Any], node: int) -> Any:
    """Return the expression of a node in its units."""
    column, factor, shift = relaxation.columns.of[node]
    if column is None:
        return shift
    place = relaxation.position[column]
    scale = factor * float(relaxation.half[place])
    return scale * columns[place] + (shift + factor * float(relaxation.middle[place]))


def _labels(relaxation: Relaxation, names: Mapping[int, str]) -> dict[int, str]:
    first = len(relaxation.graph.operations)
    found = {}
    for number in relaxation.position:
        if number >= first:
            found[number] = relaxation.extras[number - first].name
        else:
            kind = type(relaxation.graph.operations[number]).__name__.lower()
            found[number] = names.get(number, f"{kind}_{number}")
    return found


def _end(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def write_model(model: Any, path: str | Path) -> Path:
    """Write a Pyomo model as ``.lp`` or ``.mps``, by the ending of the path; names stay readable."""
    target = Path(path)
    if target.suffix not in FORMATS:
        raise ValueError(f"path: found {target.suffix!r}; allowed: {', '.join(FORMATS)}")
    model.write(str(target), io_options={"symbolic_solver_labels": True})
    return target
