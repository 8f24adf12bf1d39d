"""A round's boxes, shared between the workers of an executor and put together in order."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Protocol, TypeAlias, TypeVar

import numpy as np

from dawndusk.optimize.boxes import Boxes
from dawndusk.optimize.certify.branch.boxes import Bounder
from dawndusk.optimize.certify.branch.branching import Branched, examine
from dawndusk.optimize.certify.graph.statement import state
from dawndusk.optimize.execution.executor import Executor
from dawndusk.optimize.execution.tasks import Task
from dawndusk.optimize.problem import Problem

Share: TypeAlias = tuple[Boxes, float, int]
"""Boxes, the score at which one is closed, and how many times they are cut first."""


class Bounds(Protocol):
    """What every worker has: a bounder."""

    @property
    def bounder(self) -> Bounder:
        """Return the bounder."""


B = TypeVar("B", bound=Bounds)


class Bounding:
    """What bounds boxes: a problem, and its bounder, which every worker builds once from it."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem

    @cached_property
    def bounder(self) -> Bounder:
        """Return the problem's bounder."""
        with np.errstate(all="ignore"):
            return Bounder(state(self.problem))

    def __reduce__(self) -> tuple[type[Bounding], tuple[Problem]]:
        return Bounding, (self.problem,)


def examine_share(context: Bounds, share: Share) -> Branched:
    """Take one step on a share of a round: see ``branching.examine``."""
    return examine(context.bounder, *share)


def hand_over(executor: Executor[B], boxes: Boxes, cutoff: float, cut: int) -> list[Task]:
    """Have every worker of an executor take one step on a share of boxes; return the tasks."""
    count = max(min(executor.workers, len(boxes)), 1)
    shares = [boxes.take(slice(start, None, count)) for start in range(count)] if count > 1 else [boxes]
    return [executor.submit(examine_share, (share, cutoff, cut)) for share in shares]


def collected(executor: Executor[B], tasks: Sequence[Task]) -> Branched:
    """Wait for what was handed over, and put it together."""
    done = {one.task: one for one in executor.finished()}
    found: list[Branched] = [done[task].value() for task in tasks]
    if len(found) == 1:
        return found[0]
    return Branched(
        Boxes.join([one.open for one in found]),
        Boxes.join([one.stuck for one in found]),
        Boxes.join([one.closed for one in found]),
        sum(one.count for one in found),
    )
