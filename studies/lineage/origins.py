"""Which data rows every number in a recording comes from.

Every number that is believed is a parameter of the recording, known by the key of its data row. What follows from such
parameters alone is one number for all designs: it becomes a constant again, which remembers the rows behind it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from dawndusk.models.assumptions import CATALOGUES, GROUPS, Assumptions
from dawndusk.models.errors import ContradictionError
from dawndusk.models.recording.parameters import structure_of
from dawndusk.models.recording.samples import with_numbers
from dawndusk.models.recording.trace import Node
from dawndusk.studies.lineage.recording import Recording, sequence

NUDGE = 1e-6
"""Relative change of a belief: enough to move a double, too little to move a branch."""
EXTREMES = (np.minimum, np.maximum)
"""Operations that take the value of one side."""


@dataclasses.dataclass(frozen=True)
class Origins:
    """Where numbers come from: ``constants`` by node; ``branches``, the beliefs that decide which terms there are."""

    constants: dict[int, tuple[str, ...]]
    branches: tuple[str, ...]


def folded(recording: Recording) -> tuple[Recording, Origins]:
    """Return a recording with a constant for all that follows from beliefs alone, and the data rows behind those.

    Each use of such a number is a constant of its own, in the place where it is used.
    """
    folding = _Folding(recording)
    return folding.recording(), Origins(folding.constants, _branches(recording))


class _Folding:
    """Writes a recording down again; what follows from beliefs alone becomes constants.

    Attributes
    ----------
    constants : dict of int to tuple of str
        The data rows behind each constant of the new recording.
    """

    def __init__(self, recording: Recording) -> None:
        self._old = recording
        self._order = {key: number for number, key in enumerate(beliefs(recording.assumptions))}
        self._rows = self._rows_behind()
        self._nodes: list[Node] = []
        self._values: list[float | None] = []
        self._tables: dict[int, str] = {}
        self._moved: dict[int, int] = {}
        self.constants: dict[int, tuple[str, ...]] = {}

    def recording(self) -> Recording:
        """Return the recording written down again."""
        for number, node in enumerate(self._old.nodes):
            if number not in self._rows:
                reads = tuple(self._place(read) for read in node.reads)
                self._moved[number] = self._add(Node(node.kind, node.payload, reads), number)
        outcomes = {name: self._place(number) for name, number in self._old.outcomes.items()}
        names = self._old.names.moved(self._moved)
        names.given.update({number: name for name, number in outcomes.items()})
        return dataclasses.replace(
            self._old, nodes=self._nodes, values=self._values, tables=self._tables, outcomes=outcomes, names=names
        )

    def _rows_behind(self) -> dict[int, frozenset[str]]:
        """Return the data rows behind every node that follows from beliefs and constants alone."""
        found: dict[int, frozenset[str]] = {}
        for number, node in enumerate(self._old.nodes):
            if node.kind == "constant":
                found[number] = frozenset()
            elif node.kind == "parameter" and node.payload in self._order:
                found[number] = frozenset([node.payload])
            elif node.reads and all(read in found for read in node.reads):
                found[number] = frozenset().union(*(found[read] for read in self._in_force(number)))
        return found

    def _in_force(self, number: int) -> Sequence[int]:
        """Return the nodes that the value of a node comes from.

        Of a minimum or maximum that is the side that it takes, of a product that is zero what makes it zero.
        """
        node, values = self._old.nodes[number], self._old.values
        one_side = node.payload in EXTREMES or (node.payload is np.multiply and values[number] == 0.0)
        return [read for read in node.reads if values[read] == values[number]] if one_side else node.reads

    def _place(self, number: int) -> int:
        """Return the new number of a node, for what follows from beliefs that of a new constant."""
        if number not in self._rows:
            return self._moved[number]
        new = self._add(Node("constant", self._old.values[number], ()), number)
        if self._rows[number]:
            self.constants[new] = tuple(sorted(self._rows[number], key=self._order.__getitem__))
        return new

    def _add(self, node: Node, old: int) -> int:
        new = len(self._nodes)
        self._nodes.append(node)
        self._values.append(self._old.values[old])
        if old in self._old.tables:
            self._tables[new] = self._old.tables[old]
        return new


def _branches(recording: Recording) -> tuple[str, ...]:
    """Return the amounts that are zero and would bring other operations if they were not."""
    assumptions = recording.assumptions
    others = {
        key: sequence(recording.design, with_numbers(assumptions, {key: NUDGE}))[0].nodes
        for key in structure_of(assumptions).unstated
    }
    return tuple(key for key, nodes in others.items() if _operations(nodes) != _operations(recording.nodes))


def _operations(nodes: Sequence[Node]) -> int:
    return sum(bool(node.reads) for node in nodes)


def beliefs(assumptions: Assumptions) -> Iterator[str]:
    """Yield the dotted key of every belief that enters as a plain number."""
    for group, kind in GROUPS.items():
        yield from (f"{group}.{field.name}" for field in dataclasses.fields(kind))
    for catalogue, row in (("workloads", assumptions.workload), ("training_runs", assumptions.training_run)):
        yield from (f"{catalogue}.{row}.{field.name}" for field in dataclasses.fields(CATALOGUES[catalogue]))


def nudged(assumptions: Assumptions, key: str) -> Assumptions:
    """Return assumptions with one belief changed a little, down where up contradicts another."""
    value = value_of(assumptions, key)
    try:
        return with_belief(assumptions, key, value * (1.0 + NUDGE) or NUDGE)
    except ContradictionError:
        return with_belief(assumptions, key, value * (1.0 - NUDGE))


def value_of(assumptions: Assumptions, key: str) -> float:
    """Return a belief by its dotted key."""
    owner, *rest = key.split(".")
    found = getattr(assumptions, owner)
    if owner in CATALOGUES:
        found = found[rest.pop(0)]
    return float(getattr(found, rest[0]))


def with_belief(assumptions: Assumptions, key: str, value: float) -> Assumptions:
    """Return assumptions with one belief changed; provenance stays."""
    owner, *rest = key.split(".")
    part = getattr(assumptions, owner)
    if owner not in CATALOGUES:
        return assumptions.replace(**{owner: dataclasses.replace(part, **{rest[0]: value})})
    row = dataclasses.replace(part[rest[0]], **{rest[1]: value})
    return assumptions.replace(**{owner: {**part, rest[0]: row}})
