"""A bound on every plan of a design space: that no design would enter, at prices that flatter the catalogue.

Let the satellites of the catalogue reach orbit ``factor`` times over, and solve the relaxation. At its dual values the
designs of the catalogue, counted once again, cost more than they bring. If the same holds for every design of the
space, on every vehicle in every period, these dual values are feasible for the relaxation over all designs too, and its
optimum is no less than that of the flattered catalogue: weak duality, as in the bound of Farley (Operations Research
1990), but with the dual values of a programme that knows of the factor. So is every plan. The nearer to one the factor,
the better the bound and the more boxes it takes, so factors are tried from the largest down until the time is up. A
design that is found to enter on the way joins the catalogue.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dawndusk.models.design import Design
from dawndusk.models.fleet.economy import Economy
from dawndusk.optimize.boxes import Boxes
from dawndusk.optimize.certify.branch.boxes import Bounder
from dawndusk.optimize.certify.branch.branching import Branched, examine
from dawndusk.optimize.certify.branch.designs import SHARES, designs_in
from dawndusk.optimize.certify.branch.node_queue import NodeQueue
from dawndusk.optimize.certify.branch.work import collected, hand_over
from dawndusk.optimize.execution.backends import open_executor
from dawndusk.optimize.execution.executor import Executor
from dawndusk.optimize.plan.pricing.dual_prices import DualPrices, orbits_of, prices_of
from dawndusk.optimize.plan.pricing.reduced_cost import Ratios, priced
from dawndusk.optimize.plan.pricing.restricted_master import RestrictedMaster
from dawndusk.optimize.problem import Problem

FACTORS = (2.0, 1.5, 1.3, 1.2, 1.15, 1.1, 1.07, 1.05, 1.03, 1.02, 1.01)
SERVED = 2e-3
"""What a satellite serves in a period is taken from its law of ageing at the ages that it has there, the plan's from a
quadrature over its life: how far apart the two may be, of what is paid. Tests look for more and find none."""
ROUND, LOOKED_AT = 2048, 64
"""Boxes that are cut in one go, and those of them, the lowest, whose designs are looked at."""
MOST_ENTERING = 8
ENTERS = "a design that would enter"
MANY, MOST_OPEN = 8192, 500_000
"""Open boxes from which other processes join in, and those at which the proof ends."""


@dataclass(frozen=True, eq=False)
class Proof:
    """How far a proof came.

    Attributes
    ----------
    bound : float, optional
        No plan of any design of the space is better, to be made small; None where nothing is proved.
    factor : float, optional
        That at which it is proved.
    boxes, open_boxes : int
        Boxes of designs looked at, and those left open of the last factor tried.
    stopped_by : str
        ``completion`` where the least factor is proved.
    """

    bound: float | None
    factor: float | None
    boxes: int
    open_boxes: int
    seconds: float
    stopped_by: str


@dataclass(frozen=True, eq=False)
class PricingBounds:
    """Prices of any design of a space: what bounds boxes of designs at them."""

    space: Problem
    economy: Economy
    orbits: tuple[str, ...]
    prices: DualPrices

    @cached_property
    def bounder(self) -> Bounder:
        """Return what bounds boxes."""
        with np.errstate(all="ignore"):
            return Bounder(priced(self.space, self.economy, self.orbits, self.prices)[0])

    @cached_property
    def ratios(self) -> Ratios:
        """Return what works out the ratio of designs."""
        return Ratios(self.space, self.economy, self.orbits, self.prices)

    def entering(self, boxes: Boxes) -> list[Design]:
        """Return designs of some boxes that would enter: the best of a few combinations."""
        designs = designs_in(self.bounder.statement, boxes)
        combination = np.tile(boxes.combination, len(SHARES))
        ratios = self.ratios.of(designs, combination)
        order = np.argsort(ratios, kind="stable")
        chosen = dict.fromkeys(combination[order].tolist())
        best = [int(order[np.flatnonzero(combination[order] == one)[0]]) for one in chosen]
        return [designs[k] for k in best[:MOST_ENTERING] if ratios[k] < 1.0 + SERVED]

    def __reduce__(self) -> tuple[type[PricingBounds], tuple[Problem, Economy, tuple[str, ...], DualPrices]]:
        return PricingBounds, (self.space, self.economy, self.orbits, self.prices)


def prove(
    master: RestrictedMaster,
    space: Problem,
    *,
    price: float,
    time_limit_s: float,
    more: Callable[[list[Design]], RestrictedMaster | None] = lambda _: None,
    workers: int | None = None,
    report: Callable[[float, int, float | None], None] = lambda *_: None,
) -> Proof:
    """Prove a bound on the plans of a space, the better the longer it may take.

    Parameters
    ----------
    master : Master
        The relaxation of the catalogue.
    space : Problem
        As ``space_for`` returns it.
    price : float
        Where trial values of a levelised cost begin.
    more : callable
        Returns the relaxation of the catalogue with designs that would enter, None where it has them already.
    workers : int, optional
        Processes that bound boxes; as many as there are cores by default. They do not change the result, unless the
        time limit ends it.
    report : callable
        Called with the factor that is tried, the boxes that are open, and the bound so far.
    """
    search = _Search(master, space, price, time.monotonic() + time_limit_s, more, workers, report)
    stopped_by = "completion"
    try:
        for factor in FACTORS:
            stopped_by = search.at(factor)
            if stopped_by != "completion":
                break
    except KeyboardInterrupt:
        stopped_by = "interrupt"
    return search.proof(stopped_by)


class _Search:
    def __init__(
        self,
        master: RestrictedMaster,
        space: Problem,
        price: float,
        deadline: float,
        more: Callable[[list[Design]], RestrictedMaster | None],
        workers: int | None,
        report: Callable[[float, int, float | None], None],
    ) -> None:
        self.master, self.space, self.price = master, space, price
        self.begin, self.deadline, self.workers, self.report = time.monotonic(), deadline, workers, report
        self.more = more
        self.designs: list[Design] = []
        self.bound: float | None = None
        self.factor: float | None = None
        self.boxes = self.open = 0

    def at(self, factor: float) -> str:
        """Try to prove that no design would enter at a factor, and let those enter that would; return what ended it."""
        while (ended := self._try(factor)) == ENTERS:
            larger = self.more(self.designs)
            if larger is None:
                return "service that is bounded too loosely"
            self.master = larger
        return ended

    def _try(self, factor: float) -> str:
        relaxed = self.master.solve(factor, self.price)
        if relaxed is None:
            return "relaxation without a solution"
        prices = prices_of(self.master, relaxed, factor)
        economy, orbits = self.master.problem.economy, tuple(orbits_of(self.master))
        with ExitStack() as stack:
            ended = self._close(PricingBounds(self.space, economy, orbits, prices), stack, factor)
        if ended == "completion" and np.isfinite(relaxed.value):
            self.bound, self.factor = relaxed.value, factor
        return ended

    def _close(self, context: PricingBounds, stack: ExitStack, factor: float) -> str:
        """Close every box in which a design might enter; return what ended that."""
        bounder, cutoff, frontier = context.bounder, float(np.log1p(SERVED)), NodeQueue()
        executor: Executor[PricingBounds] | None = None
        self._take(frontier, examine(bounder, bounder.root(), cutoff, cut=0))
        while frontier.lowest < np.inf:
            if time.monotonic() > self.deadline:
                return "time limit"
            if len(frontier) > MOST_OPEN:
                return "memory"
            if executor is None and len(frontier) > MANY:
                executor = stack.enter_context(open_executor(self.workers, context=context))
            boxes = frontier.next(ROUND)
            if executor is None:
                found = examine(bounder, boxes, cutoff, cut=1)
            else:
                found = collected(executor, hand_over(executor, boxes, cutoff, 1))
            if len(found.stuck):
                return "boxes too small to cut"
            self._take(frontier, found)
            if len(found.open):
                lowest = np.argsort(found.open.bound, kind="stable")[:LOOKED_AT]
                self.designs = context.entering(found.open.take(lowest))
                if self.designs:
                    return ENTERS
            self.report(factor, len(frontier), self.bound)
        return "completion"

    def _take(self, frontier: NodeQueue, found: Branched) -> None:
        self.boxes += found.count
        frontier.add(found.open)
        self.open = len(frontier)

    def proof(self, stopped_by: str) -> Proof:
        """Return what is proved by now."""
        seconds = time.monotonic() - self.begin
        return Proof(self.bound, self.factor, self.boxes, self.open, seconds, stopped_by)


__all__ = ["FACTORS", "PricingBounds", "Proof", "prove"]
