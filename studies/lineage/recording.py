"""The model recorded for one design, with the names that its own code gives to what it works out.

The recording is that of ``models.trace``; names are those of outcomes, of the local variables of the physics functions
and of those functions themselves, so that a term tree reads like the code and can not drift from it.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import numpy as np

from dawndusk.models.array import MONOTONE_FUNCTIONS
from dawndusk.models.assumptions import Assumptions
from dawndusk.models.columns import evaluate_columns
from dawndusk.models.design import NUMBERS, Design, DesignBatch
from dawndusk.models.recording.parameters import assumption_parameters, data_row, recorded_assumptions
from dawndusk.models.recording.rows import ORBIT_CODE, recorded_rows, rows_of
from dawndusk.models.recording.trace import Graph, Node, Term

PHYSICS = "dawndusk.models."
PLUMBING = frozenset(
    PHYSICS + name for name in ("array", "evaluate", "parameters", "rows", "surroundings", "tables", "trace")
)
"""Modules whose local variables are no quantities."""
STEP = "_Step"


@dataclass(frozen=True)
class Maker:
    """A function of the model, by module and qualified name."""

    module: str
    name: str

    @property
    def is_physics(self) -> bool:
        """Return whether it works out one quantity, and is no step of an evaluation, method or inner function."""
        return "." not in self.name and not self.name.startswith("_")

    @property
    def summary(self) -> str:
        """Return the first sentence of its docstring."""
        found: Any = sys.modules.get(self.module)
        for part in self.name.split("."):
            found = getattr(found, part, None)
        text = " ".join((inspect.getdoc(found) or "").partition("\n\n")[0].split()).removeprefix("Return ")
        return text[:1].upper() + text[1:]


class Sequence(Graph):
    """Operations in the order in which they are made, none of them merged: the same code leaves the same sequence."""

    def add(self, kind: str, payload: Any, *reads: int) -> int:
        """Return the number of a new node; inputs and parameters are known by their name."""
        if kind in {"input", "parameter"}:
            return super().add(kind, payload, *reads)
        self.nodes.append(Node(kind, payload, reads))
        return len(self.nodes) - 1


@dataclass
class Names:
    """Names of nodes, met while the model runs.

    ``given`` are those of local variables and of functions, ``passed`` those of the parameters that a value was
    handed over as, and ``makers`` the functions that returned a value.
    """

    given: dict[int, str] = field(default_factory=dict)
    passed: dict[int, str] = field(default_factory=dict)
    makers: dict[int, Maker] = field(default_factory=dict)
    within: dict[int, Maker] = field(default_factory=dict)

    def watch(self, frame: FrameType, event: str, result: Any) -> None:
        """Take the names from a function of the model that returns; a hook for ``sys.setprofile``."""
        module = frame.f_globals.get("__name__", "")
        if event != "return" or not module.startswith(PHYSICS) or module in PLUMBING:
            return
        code = frame.f_code
        if not code.co_name.startswith("<"):
            parameters = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
            self._take(Maker(module, code.co_qualname), frame.f_locals, parameters, result)

    def _take(self, maker: Maker, found: Mapping[str, Any], parameters: tuple[str, ...], result: Any) -> None:
        handed_over = {found[name].node for name in parameters if isinstance(found.get(name), Term)}
        for suffix, value in _parts(result).items():
            if value.node not in handed_over and maker.is_physics:
                self.makers.setdefault(value.node, maker)
                self._give(value.node, f"{maker.name.lstrip('_')}{suffix}", maker)
        for name, value in found.items():
            if isinstance(value, Term) and name in parameters:
                self.passed.setdefault(value.node, name)
            elif isinstance(value, Term):
                self._give(value.node, name, maker)
        if maker.name.startswith(STEP):
            for name, value in vars(found["self"]).items():
                if isinstance(value, Term):
                    self._give(value.node, name, maker)

    def _give(self, node: int, name: str, maker: Maker) -> None:
        if node not in self.given:
            self.given[node], self.within[node] = name, maker

    def moved(self, numbers: Mapping[int, int]) -> Names:
        """Return the names of the nodes that have a new number."""
        given, passed = ({numbers[n]: v for n, v in m.items() if n in numbers} for m in (self.given, self.passed))
        makers, within = ({numbers[n]: v for n, v in m.items() if n in numbers} for m in (self.makers, self.within))
        return Names(given, passed, makers, within)

    def of(self, node: int) -> str:
        """Return the name of a node, empty where it has none."""
        return self.given.get(node) or self.passed.get(node, "")


def _parts(result: Any) -> dict[str, Term]:
    """Return the terms that a function returns: itself, or the fields of a record."""
    if isinstance(result, Term):
        return {"": result}
    if dataclasses.is_dataclass(result) and not isinstance(result, type):
        values = {f".{f.name}": getattr(result, f.name) for f in dataclasses.fields(result)}
        return {name: value for name, value in values.items() if isinstance(value, Term)}
    return {}


@dataclass(frozen=True)
class Recording:
    """The model recorded for one design.

    Attributes
    ----------
    nodes : list of Node
        Every operation, leaves first.
    values : list of float or None
        The value of each node; None where it is no number (a place on an axis).
    outcomes : dict of str to int
        The node of every outcome.
    names : Names
        What the code calls them.
    tables : dict of int to str
        Name of the look-up table that a node reads, by its number.
    rows : dict of str to str
        Key of the data row of every parameter, for example ``accelerators.tpu_v7.mass_kg`` for
        ``accelerator.mass_kg``; the parameters of the assumptions themselves have that of their own name.
    """

    design: Design
    assumptions: Assumptions
    nodes: list[Node]
    values: list[float | None]
    outcomes: dict[str, int]
    names: Names
    tables: dict[int, str]
    rows: dict[str, str]


def record(design: Design, assumptions: Assumptions) -> Recording:
    """Record the model for one design, with names and values."""
    names = Names()
    before = sys.getprofile()
    sys.setprofile(names.watch)
    try:
        graph, outcomes = sequence(design, assumptions)
    finally:
        sys.setprofile(before)
    for name, node in outcomes.items():
        names.given[node] = name
    return Recording(
        design=design,
        assumptions=assumptions,
        nodes=graph.nodes,
        values=_values(graph.nodes, design, assumptions),
        outcomes=outcomes,
        names=names,
        tables=_tables(graph.nodes, design, assumptions),
        rows={
            node.payload: data_row(node.payload, design.combination)
            for node in graph.nodes
            if node.kind == "parameter" and node.payload != ORBIT_CODE
        },
    )


def sequence(design: Design, assumptions: Assumptions) -> tuple[Sequence, dict[str, int]]:
    """Return the recorded operations for the categories of a design, and the node of every outcome."""
    graph = Sequence([call for call, _ in MONOTONE_FUNCTIONS.values()])
    inputs = {name: graph.input(name) for name in NUMBERS}
    rows = recorded_rows(graph, assumptions, (design.orbit,))
    columns, _ = evaluate_columns(inputs, rows, recorded_assumptions(graph, assumptions))
    return graph, {name: graph.number(column) for name, column in columns.items()}


def _values(nodes: list[Node], design: Design, assumptions: Assumptions) -> list[float | None]:
    """Return the value of every node for one design."""
    parameters = {**rows_of(assumptions, DesignBatch.of(design)).fields(), **assumption_parameters(assumptions)}
    leaves: dict[str, Callable[[Any], Any]] = {
        "input": lambda name: getattr(design, name),
        "parameter": parameters.__getitem__,
        "constant": float,
    }
    found: list[Any] = []
    for node in nodes:
        if node.kind in leaves:
            found.append(leaves[node.kind](node.payload))
        else:
            found.append(_apply(node, [found[read] for read in node.reads]))
    return [float(np.ravel(value)[0]) if _is_number(value) else None for value in found]


def _apply(node: Node, read: list[Any]) -> Any:
    if node.kind == "locate":
        return node.payload.locate(np.asarray(read[0], dtype=float))
    if node.kind in {"table", "grid"}:
        return node.payload.at(*read[:-1], int(read[-1]))
    function: Callable[..., Any] = node.payload
    with np.errstate(all="ignore"):
        return function(*read)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.integer | np.floating | np.ndarray)


def _tables(nodes: list[Node], design: Design, assumptions: Assumptions) -> dict[int, str]:
    """Return the name of the table that each look-up reads, and of each number that stands among the tables."""
    tables = rows_of(assumptions, DesignBatch.of(design)).tables
    known = {f.name: getattr(tables, f.name) for f in dataclasses.fields(tables)}
    by_object = {id(value): name for name, value in known.items() if not isinstance(value, float)}
    numbers = {value: name for name, value in known.items() if isinstance(value, float)}
    found = {i: by_object[id(n.payload)] for i, n in enumerate(nodes) if n.kind in {"table", "grid"}}
    return found | {i: numbers[n.payload] for i, n in enumerate(nodes) if n.kind == "constant" and n.payload in numbers}


@functools.cache
def known_functions() -> dict[Any, str]:
    """Return the short name of every function that is recorded as one operation."""
    return {inspect.unwrap(call): name.rpartition(".")[2] for name, (call, _) in MONOTONE_FUNCTIONS.items()}
