"""A recorded calculation as text, down to the next names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dawndusk.models.recording.trace import Node
from dawndusk.studies.lineage.recording import known_functions

MOST_OPERATIONS = 24
"""Longer expressions without a name on the way are told in words."""
SUM, PRODUCT, POWER, ATOM = 1, 2, 3, 4
SIGNS: dict[Any, tuple[str, int]] = {
    np.add: (" + ", SUM),
    np.subtract: (" − ", SUM),
    np.multiply: (" × ", PRODUCT),
    np.divide: (" / ", PRODUCT),
    np.power: ("^", POWER),
}
"""Infix operations: the sign and how tightly it binds."""
SHORT = {"minimum": "min", "maximum": "max", "absolute": "abs", "negative": "−"}

Label = Callable[[int], str]
"""Return the name of a node, empty where its operation is to be written out."""


def formula(nodes: list[Node], number: int, label: Label) -> str:
    """Return the operation of a node in terms of the names below it, or in words where it is long."""
    count = operations(nodes, number, label)
    if count > MOST_OPERATIONS:
        return f"{count} operations on the terms below"
    return _text(nodes, number, label, top=True)[0]


def operations(nodes: list[Node], number: int, label: Label) -> int:
    """Return how many operations lead to a node from the next names."""
    return len([n for n in inner_nodes(nodes, number, label) if nodes[n].reads])


def inner_nodes(nodes: list[Node], number: int, label: Label) -> set[int]:
    """Return a node and those below it that have no name."""
    inner, stack = set(), [number]
    while stack:
        one = stack.pop()
        if one not in inner:
            inner.add(one)
            stack += [read for read in nodes[one].reads if not label(read)]
    return inner


def terms_below(nodes: list[Node], number: int, label: Label) -> list[int]:
    """Return the next named nodes below a node, in the order in which they are read."""
    inner = inner_nodes(nodes, number, label)
    return sorted({read for one in inner for read in nodes[one].reads if label(read)})


def _text(nodes: list[Node], number: int, label: Label, *, top: bool = False) -> tuple[str, int]:
    """Return the text of a node and how tightly its outermost operation binds."""
    name = "" if top else label(number)
    if name:
        return name, ATOM
    node = nodes[number]
    if node.kind == "constant":
        return f"{node.payload:.6g}", ATOM
    if not node.reads:
        return str(node.payload), ATOM
    parts = [_text(nodes, read, label) for read in node.reads]
    if node.kind == "ufunc" and node.payload in SIGNS:
        return _infix(node.payload, parts)
    return _call(node, [text for text, _ in parts])


def _infix(ufunc: Any, parts: list[tuple[str, int]]) -> tuple[str, int]:
    sign, binds = SIGNS[ufunc]
    (left, left_binds), (right, right_binds) = parts
    strict = ufunc in {np.subtract, np.divide, np.power}
    left = f"({left})" if left_binds < binds or (ufunc is np.power and left_binds == binds) else left
    right = f"({right})" if right_binds < binds or (strict and right_binds == binds) else right
    return f"{left}{sign}{right}", binds


def _call(node: Node, parts: list[str]) -> tuple[str, int]:
    if node.kind == "locate":
        return parts[0], ATOM
    if node.kind in {"table", "grid"}:
        return f"table at {', '.join(parts[:-1])}", ATOM
    if node.kind == "unit":
        function = getattr(node.payload, "func", node.payload)
        return f"{known_functions().get(function, function.__name__)}({', '.join(parts)})", ATOM
    name = node.payload.__name__
    return f"{SHORT.get(name, name)}({', '.join(parts)})", ATOM
