"""Parts of a combination as tasks: what bounds one is built once by every worker, from the problem."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.certify.bound.curve_sums import CurveSum, groups
from dawndusk.optimize.certify.branch.boxes import Bounder
from dawndusk.optimize.certify.graph.operations import ExpressionGraph, operands, reached
from dawndusk.optimize.certify.graph.statement import Statement, state
from dawndusk.optimize.certify.lp.model.template import Template
from dawndusk.optimize.certify.lp.node import Kept, NodeBound, NodeRelaxation
from dawndusk.optimize.certify.lp.obbt import End
from dawndusk.optimize.certify.translate.builder import Builder
from dawndusk.optimize.problem import Problem

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BoundTask:
    """A part whose bound is asked for.

    ``low`` and ``high`` are ranges of the nodes, ``kept`` rows that hold in it, ``ends`` those to be looked for.
    Nothing is done where no ``seconds`` are left.
    """

    combination: int
    low: Floats
    high: Floats
    kept: tuple[Kept, ...]
    target: float
    ends: tuple[End, ...]
    seconds: float


class Modelling:
    """What linear models are made from: a problem, its graph, and what the models of a combination have in common."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._templates: dict[int, Template] = {}

    def __reduce__(self) -> tuple[type[Modelling], tuple[Problem]]:
        return Modelling, (self.problem,)

    @cached_property
    def statement(self) -> Statement:
        """Return the problem as recorded."""
        return state(self.problem)

    @cached_property
    def root(self) -> tuple[Floats, Floats]:
        """Return the ends of the coordinates for each combination, shape (d, C) each."""
        root = Bounder(self.statement).root()
        return root.low, root.high

    @cached_property
    def builder(self) -> Builder:
        """Return what the graph was built with."""
        builder = Builder(self.statement, *self.root)
        builder.build()
        return builder

    @property
    def graph(self) -> ExpressionGraph:
        """Return the graph."""
        return self.builder.graph

    @cached_property
    def needed(self) -> list[int]:
        """Return the nodes that the objective and the rows depend on."""
        return reached(self.graph)

    @cached_property
    def asked(self) -> list[int]:
        """Return the nodes that forward arithmetic needs."""
        return sorted({*self.needed, *reached(self.graph, operands)})

    @cached_property
    def groups(self) -> list[CurveSum]:
        """Return the curves that have their node in common."""
        return groups(self.graph.operations, self.needed)

    def template(self, combination: int) -> Template:
        """Return what the linear models of a combination have in common."""
        if combination not in self._templates:
            self._templates[combination] = Template(self.graph, combination, self.needed)
        return self._templates[combination]


def bound_part(context: Modelling, ask: BoundTask) -> tuple[NodeBound, tuple[int, int]]:
    """Bound a part by its linear model; return what that proved, and its rows and columns."""
    low, high = ask.low.copy(), ask.high.copy()
    if ask.seconds <= 0.0:
        return NodeBound(-np.inf, None, {}, low, high, "time limit"), (0, 0)
    with np.errstate(all="ignore"):
        node = NodeRelaxation(context.template(ask.combination), low, high, ask.target, ask.kept)
        return node.bounded(context.groups, ask.ends), node.size
