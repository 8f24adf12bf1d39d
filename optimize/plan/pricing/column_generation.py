"""Design and plan together: new designs for the catalogue, at the prices that the plan puts on what they need.

The relaxation of the plan over the catalogue (``restricted_master``) has a dual value for each row, which comes to a
price of each figure of a satellite (``dual_prices``). A design has a reduced cost on each vehicle in each period: what
a launch full of it is charged for, less what is paid for what it brings up. Designs with a negative one enter,
several in a round and each the best for some vehicle and period. The search for them is a population around the designs
that are nearest to entering, all of them priced exactly. When it finds none, a proof goes on where it ended: see
``proof``.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.design import Design
from dawndusk.optimize.contradiction import check_plan
from dawndusk.optimize.heuristics.local_search import coordinates_of
from dawndusk.optimize.plan.pricing.candidates import draw
from dawndusk.optimize.plan.pricing.dual_prices import DualPrices, ReducedCosts, orbits_of, prices_of, reduced_costs
from dawndusk.optimize.plan.pricing.proof import Proof, prove
from dawndusk.optimize.plan.pricing.reduced_cost import space_for
from dawndusk.optimize.plan.pricing.restricted_master import MasterOptimum, RestrictedMaster
from dawndusk.optimize.plan.problem.problem import Objective, PlanEffort, PlanProblem
from dawndusk.optimize.plan.solve.engine import Planned, solve_plan
from dawndusk.optimize.plan.solve.planned import PlanStep
from dawndusk.optimize.problem import Fixed, Problem

Floats = NDArray[np.float64]
Make = Callable[[Mapping[str, Design]], PlanProblem]
Fits = Callable[[Mapping[str, Design]], Mapping[str, Design]]

PARENTS = 12
"""Designs nearest to entering, around which candidates are drawn."""
GENERATIONS = 4
"""In how many goes the candidates of a round are drawn, each around the best of those before."""
LEAST_GAIN = 1e-4
"""Reduced cost over what a launch full of the design is charged for, below which it enters."""
MOST_ENTERING = 8
ALIKE = 1e-3
"""Designs of one combination whose coordinates differ by no more than this are one."""
MOST_IDLE = 2
"""Rounds in which nothing enters after which pricing ends."""
OLD_PRICES = 0.3
"""Share of the prices of the round before in those that candidates are looked for with: optima of a relaxation swing
from round to round. What enters is decided at the prices of the round alone."""
BUILT_BEFORE = "production lines that have built before the plan, whose premium may fall below none"
PROBE = "any_design_in_"


@dataclass(frozen=True)
class Round:
    """A round of pricing: the relaxation, the least relative reduced cost found, and the designs that entered."""

    relaxation: float
    least: float
    entered: tuple[str, ...]


@dataclass(frozen=True)
class RoundStep(PlanStep):
    """Where a solve stands after a round of pricing."""

    round: Round


@dataclass(frozen=True, eq=False)
class Generated:
    """What column generation found.

    Attributes
    ----------
    designs : dict of str to Design
        The catalogue at the end, the new designs last.
    rounds : tuple of Round
    priced : int
        Designs that were priced.
    before, after : Planned
        The plans of the first and the last catalogue; the same one where no better one was found.
    proof : Proof, optional
        What is proved of all designs of the space.
    stopped_by : str
        ``completion``, ``rounds`` (designs would still enter), ``time limit``, ``interrupt``, or why nothing was
        priced.
    """

    designs: dict[str, Design]
    rounds: tuple[Round, ...]
    priced: int
    before: Planned
    after: Planned
    proof: Proof | None
    stopped_by: str
    seconds: float

    @property
    def bound(self) -> float | None:
        """Return what no plan of any design of the space betters, in the sense of the objective."""
        if self.proof is None or self.proof.bound is None:
            return None
        return _sign(self.after.problem) * self.proof.bound

    @property
    def gap(self) -> float | None:
        """Return the distance from the last plan to the bound, relative to the plan."""
        if self.bound is None or self.after.objective is None:
            return None
        return abs(self.after.objective - self.bound) / (abs(self.after.objective) or 1.0)

    @property
    def unsettled(self) -> list[str]:
        """Return what was asked and has no answer."""
        words = [] if self.stopped_by in {"completion", "rounds"} else [self.stopped_by]
        if self.proof is not None and self.bound is None:
            words.append(f"no bound on the plans of other designs, ended by {self.proof.stopped_by}")
        return words

    @property
    def words(self) -> str:
        """Return what is proved."""
        ended = {
            "completion": "none of them would enter any more",
            "rounds": "some would still enter when the rounds ended",
            "time limit": "ended by the time limit",
            "interrupt": "interrupted",
        }.get(self.stopped_by, self.stopped_by)
        start = f"{self.priced:,} designs priced in {len(self.rounds)} rounds, {ended}"
        if self.proof is None:
            return f"{start}; nothing is proved beyond the {len(self.designs)} designs of the catalogue"
        if self.bound is None:
            return (
                f"{start}; no bound on the plans of other designs was proved ({self.proof.stopped_by}, "
                f"{self.proof.open_boxes:,} boxes open)"
            )
        return (
            f"{start}; a bound on the plans of all designs of the space is proved on {self.proof.boxes:,} boxes, with "
            f"the designs of the catalogue taken to be {self.proof.factor:g} times as good as they are"
        )


def generate(
    designs: Mapping[str, Design],
    make: Make,
    space: Problem,
    *,
    effort: PlanEffort,
    before: Planned | None = None,
    rounds: int = 10,
    candidates: int = 240,
    proof_s: float = 0.0,
    fits: Fits = dict,
    report: Callable[[PlanStep], None] = lambda _: None,
) -> Generated:
    """Grow a catalogue by the designs that the plan's prices ask for, and solve the plan before and after.

    Parameters
    ----------
    designs : mapping of str to Design
        The first catalogue.
    make : callable
        Returns the plan's problem for a catalogue; the reference satellites of its lines must not depend on it.
    space : Problem
        The design space that candidates are drawn from.
    effort : Effort
        Of each plan that is solved; its time limit is also that of the rounds together.
    before : Planned, optional
        The plan of the first catalogue, where that is known.
    rounds, candidates : int
        Rounds of pricing at most, and designs priced in each.
    proof_s : float
        How long a bound on the plans of all designs may take; 0: none is looked for.
    fits : callable
        Returns those of some candidates that can be flown at all.
    report : callable
        Called with a ``PlanStep`` now and then; also for each round.
    """
    run = _Run(dict(designs), make, space, effort, fits, report)
    first = before if before is not None else solve_plan(make(designs), effort, report)
    if first.stopped_by == "interrupt":
        return run.generated(first, first, "interrupt")
    try:
        stopped_by = run.price(first, rounds, candidates)
        if run.master is None:
            return run.generated(first, first, stopped_by)
        after = run.plan(first)
        if proof_s > 0.0:
            known = set(run.catalogue)
            run.prove(after, proof_s)
            if run.proof is not None and run.proof.stopped_by == "interrupt":
                return run.generated(first, after, "interrupt")
            after = after if known.issuperset(run.catalogue) else run.plan(after)
        run.check(after)
    except KeyboardInterrupt:
        return run.generated(first, run.after or first, "interrupt")
    return run.generated(first, after, stopped_by)


class _Run:
    def __init__(
        self,
        catalogue: dict[str, Design],
        make: Make,
        space: Problem,
        effort: PlanEffort,
        fits: Fits,
        report: Callable[[PlanStep], None],
    ) -> None:
        self.catalogue, self.make, self.effort, self.fits, self.report = catalogue, make, effort, fits, report
        self.first = tuple(catalogue)
        fleet = Fixed(next(iter(catalogue.values())).satellites)
        self.space = replace(space, space={**space.space, "satellites": fleet}, satellites_follow_demand=False)
        self.begin = time.monotonic()
        self.rounds: list[Round] = []
        self.priced = 0
        self.near: dict[str, Design] = {}
        self.master: RestrictedMaster | None = None
        self.relaxed: MasterOptimum | None = None
        self.prices: DualPrices | None = None
        self.proof: Proof | None = None
        self.after: Planned | None = None

    def price(self, before: Planned, rounds: int, candidates: int) -> str:
        """Let designs enter round by round; return what ended that."""
        price = before.objective if before.objective is not None else 0.0
        idle = 0
        for number in range(rounds):
            if time.monotonic() - self.begin > self.effort.time_limit_s:
                return "time limit"
            if not self.relax(price):
                return "the relaxation of the plan has no solution, so that nothing has a price"
            least, entered = self.round(number, candidates)
            assert self.relaxed is not None
            self.rounds.append(Round(_sign(before.problem) * self.relaxed.value, least, tuple(entered)))
            self.catalogue.update(entered)
            self.tell(number, before)
            idle = 0 if entered else idle + 1
            if idle == MOST_IDLE:
                return "completion"
        return "rounds" if rounds and not idle else "completion"

    def relax(self, price: float) -> bool:
        """Solve the relaxation of the catalogue and price the rows; return whether it has a solution."""
        self.master = self.master_of(self.catalogue)
        self.relaxed = self.master.solve(1.0, price)
        if self.relaxed is None:
            self.master = None
            return False
        now = prices_of(self.master, self.relaxed)
        self.now, self.aim = now, now if self.prices is None else _mixed(now, self.prices)
        self.prices = self.aim
        return True

    def master_of(self, catalogue: Mapping[str, Design]) -> RestrictedMaster:
        """Return the relaxation of a catalogue, with a probe in every orbit of the space that lives longest."""
        entry = self.space.space["life_years"]
        longest = max(getattr(entry, "high", entry.nominal), *(d.life_years for d in catalogue.values()))
        some = next(iter(catalogue.values()))
        orbits = dict.fromkeys(
            [*(c["orbit"] for c in self.space.combinations()), *(d.orbit for d in catalogue.values())]
        )
        probes = {f"{PROBE}{orbit}": some.replace(orbit=orbit, life_years=longest) for orbit in orbits}
        return RestrictedMaster(self.make({**catalogue, **probes}), tuple(probes))

    def round(self, number: int, count: int) -> tuple[float, dict[str, Design]]:
        """Return the least relative reduced cost that a round finds, and the designs that enter."""
        rng = np.random.default_rng([self.effort.seed, number])
        parents = {**{name: self.catalogue[name] for name in self.used()}, **self.near}
        found: dict[str, Design] = dict(self.near)
        for generation in range(GENERATIONS):
            each = math.ceil(count / GENERATIONS)
            drawn = self.fits(draw(parents, self.space, each, rng, f"{number + 1:02d}_{generation + 1}"))
            self.priced += each
            found.update(drawn)
            pool = {**parents, **drawn}
            rank = self.costs(pool, self.aim).least()
            best = np.argsort(rank, kind="stable")[:PARENTS]
            names = list(pool)
            parents = {names[k]: pool[names[k]] for k in best}
        self.near = {name: design for name, design in parents.items() if name not in self.catalogue}
        if not found:
            return 0.0, {}
        return self.entering(found)

    def used(self) -> list[str]:
        """Return the designs that the relaxation buys; all of the catalogue where it buys none."""
        assert self.relaxed is not None
        return [name for name in self.relaxed.shares if name in self.catalogue] or list(self.catalogue)

    def costs(self, designs: Mapping[str, Design], prices: DualPrices) -> ReducedCosts:
        """Return the reduced costs of designs."""
        assert self.master is not None
        return reduced_costs(prices, self.make(designs).economy, orbits_of(self.master))

    def entering(self, found: Mapping[str, Design]) -> tuple[float, dict[str, Design]]:
        """Return the least reduced cost, and the designs that are best for some vehicle and period and would enter."""
        relative = self.costs(found, self.now).relative
        names, least = list(found), relative.min(axis=(1, 2))
        best = np.argmin(relative, axis=0).ravel()
        order = sorted(set(best.tolist()), key=lambda d: float(least[d]))
        chosen: dict[str, Design] = {}
        for d in order:
            design = found[names[d]]
            if least[d] < -LEAST_GAIN and not self.is_known(design, chosen):
                chosen[names[d]] = design
            if len(chosen) == MOST_ENTERING:
                break
        return float(least.min()), chosen

    def is_known(self, design: Design, chosen: Mapping[str, Design]) -> bool:
        """Return whether a design like this is in the catalogue or among those that enter."""
        at = coordinates_of(self.space, design)
        alike = [d for d in (*self.catalogue.values(), *chosen.values()) if d.combination == design.combination]
        return any(np.abs(coordinates_of(self.space, other) - at).max(initial=0.0) <= ALIKE for other in alike)

    def plan(self, before: Planned) -> Planned:
        """Return the plan of the first catalogue and those new designs that the relaxation buys."""
        assert self.master is not None
        master = self.master_of(self.catalogue)
        relaxed = master.solve(1.0, before.objective or 0.0)
        bought = {*self.first, *before.problem.economy.figures.names, *(() if relaxed is None else relaxed.shares)}
        self.catalogue = {name: design for name, design in self.catalogue.items() if name in bought}
        self.after = before
        if len(self.catalogue) > len(self.first):
            found = solve_plan(self.make(self.catalogue), self.effort, self.report)
            if found.objective is not None and not _is_better(before, found):
                self.after = found
            if found.stopped_by == "interrupt":
                raise KeyboardInterrupt
        return self.after

    def prove(self, before: Planned, time_limit_s: float) -> None:
        """Bound the plans of all designs of the space."""
        if self.make(self.catalogue).economy.terms.built_before > 0.0:
            self.proof = Proof(None, None, 0, 0, 0.0, BUILT_BEFORE)
            return
        self.master = self.master_of(self.catalogue)
        economy = self.master.problem.economy
        space = space_for(self.space, economy, orbits_of(self.master))

        def tell(factor: float, boxes: int, bound: float | None) -> None:
            known = math.nan if bound is None else _sign(before.problem) * bound
            stage = f"proving with a factor of {factor:g}, {boxes:,} boxes open"
            objective = math.nan if before.objective is None else before.objective
            self.report(PlanStep(stage, time.monotonic() - self.begin, objective, known))

        price = before.objective or 0.0
        self.proof = prove(self.master, space, price=price, time_limit_s=time_limit_s, more=self.more, report=tell)

    def more(self, designs: list[Design]) -> RestrictedMaster | None:
        """Let designs enter that a proof has found; return the relaxation with them, None where none of them is new."""
        new = [design for design in designs if not self.is_known(design, {})]
        self.catalogue.update({f"new_proof_{len(self.catalogue) + k:03d}": design for k, design in enumerate(new)})
        return self.master_of(self.catalogue) if new else None

    def check(self, after: Planned) -> None:
        """Raise ``CertificateError`` where a plan beats the bound on all of them."""
        if self.proof is None:
            return
        if after.objective is not None and self.proof.bound is not None:
            sign = _sign(after.problem)
            check_plan(sign * after.objective, self.proof.bound, sign=sign, of="the plans of all designs")

    def tell(self, number: int, planned: Planned) -> None:
        """Report a round. Its relaxation is no bound on plans of other designs."""
        objective, last = math.nan if planned.objective is None else planned.objective, self.rounds[-1]
        stage = f"round {number + 1}: {len(last.entered)} designs enter, least reduced cost {last.least:.2%}"
        self.report(RoundStep(stage, time.monotonic() - self.begin, objective, math.nan, last))

    def generated(self, before: Planned, after: Planned, stopped_by: str) -> Generated:
        """Return what was found."""
        names = after.problem.economy.figures.names
        designs = {name: self.catalogue[name] for name in names if name in self.catalogue}
        seconds = time.monotonic() - self.begin
        return Generated(designs, tuple(self.rounds), self.priced, before, after, self.proof, stopped_by, seconds)


def _mixed(now: DualPrices, before: DualPrices) -> DualPrices:
    """Return the prices of a round with some of those before, where both know the same launches."""
    slot = np.where(np.isfinite(before.slot) & np.isfinite(now.slot), before.slot, now.slot)
    return now.mixed(replace(before, slot=slot), OLD_PRICES)


def _sign(problem: PlanProblem) -> float:
    return -1.0 if problem.objective is Objective.NPV else 1.0


def _is_better(one: Planned, other: Planned) -> bool:
    """Return whether a plan is better than another one that is there."""
    if one.objective is None or other.objective is None:
        return False
    return _sign(one.problem) * one.objective < _sign(one.problem) * other.objective
