"""Which data rows every number in a recording comes from.

Catalogue rows in force are parameters of the recording and known by name. All other beliefs enter as plain numbers:
they are found by changing one belief at a time and seeing which numbers of the same sequence of operations move. That
needs no list that could drift from the model.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from dawndusk.models.assumptions import CATALOGUES, GROUPS, Assumptions
from dawndusk.models.design import Design
from dawndusk.models.errors import ContradictionError
from dawndusk.models.trace import Node
from dawndusk.studies.lineage.recording import Recording, sequence

NUDGE = 1e-6
"""Relative change of a belief: enough to move a double, too little to move a branch."""


@dataclasses.dataclass(frozen=True)
class Origins:
    """Where numbers come from: ``constants`` by node; ``branches``, the beliefs that decide which terms there are."""

    constants: dict[int, tuple[str, ...]]
    branches: tuple[str, ...]


def origins_of(recording: Recording) -> Origins:
    """Return the keys of the data rows behind every constant of a recording."""
    base, assumptions = recording.nodes, recording.assumptions
    found: dict[int, list[str]] = {}
    branches = []
    for key in beliefs(assumptions):
        moved = _moved(base, recording.design, nudged(assumptions, key))
        if moved is None:
            branches.append(key)
        for number in moved or ():
            found.setdefault(number, []).append(key)
    return Origins({number: tuple(keys) for number, keys in found.items()}, tuple(branches))


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


def _moved(base: list[Node], design: Design, assumptions: Assumptions) -> list[int] | None:
    """Return the constants that move with a belief, None where it changes the operations themselves."""
    nodes = sequence(design, assumptions)[0].nodes
    if len(nodes) != len(base) or any(one.kind != two.kind for one, two in zip(base, nodes, strict=True)):
        return None
    pairs = enumerate(zip(base, nodes, strict=True))
    return [i for i, (one, two) in pairs if one.kind == "constant" and one.payload != two.payload]
