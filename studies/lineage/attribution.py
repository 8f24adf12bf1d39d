"""What the difference between two results is made of: one part for every input that changed.

Every belief and every design variable that differs is a player, and a coalition is the evaluation in which its players
have the values of the second result and all others those of the first. The part of a player is its Shapley value: its
effect on the figure, averaged over all orders in which the changes can be made. The parts add up to the difference
without a remainder, and none depends on the order in which inputs are listed. Satellites that follow the demand in both
results follow it in every coalition and are no player of their own.

Up to ``MOST_EXACT`` players every coalition is evaluated; beyond, the average is over pairs of a random order and its
reverse. The parts then still add up exactly, and each has a standard error.

Source: Shapley, A value for n-person games (1953); for many players Castro, Gomez, Tejada, Polynomial calculation of
the Shapley value based on sampling, Computers & Operations Research 36 (2009).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.assumptions import GROUPS, Assumptions
from dawndusk.models.catalogue import CATALOGUES
from dawndusk.models.design import CATEGORIES, VARIABLES, Design, DesignBatch
from dawndusk.models.errors import ContradictionError, DawnduskError
from dawndusk.models.outcome import known_outcome
from dawndusk.studies.data.rows import FIELDS
from dawndusk.studies.input.study import ResolvedStudy
from dawndusk.studies.lineage.origins import beliefs, value_of, with_belief
from dawndusk.studies.lineage.swings import outcome_of
from dawndusk.studies.run.design.runner import problem_of

Floats: TypeAlias = NDArray[np.float64]

MOST_EXACT = 8
ORDERS = 48
"""Random orders beyond that many players, each with its reverse."""
SATELLITES = "satellites"
ASSUMPTION, VARIABLE, MODEL, STATED = "assumption", "design", "model", "plan"


@dataclass(frozen=True, kw_only=True)
class DifferencePart:
    """What one changed input adds to a figure: from ``before`` to ``after``, in the units of the figure.

    ``error`` is the standard error of a sampled part, zero for an exact one.
    """

    name: str
    kind: str
    before: float | str | None
    after: float | str | None
    part: float
    error: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Attribution:
    """The difference of one figure between two results, in parts that add up to it.

    ``exact`` says whether every coalition of changes was evaluated. ``evaluations`` counts them. ``through_design`` are
    the parts of the two questions that differ and act on the figure only through the design that was chosen.
    ``of_plans`` says whether the results are plans; what they buy then stands for the design.
    """

    metric: str
    before: float
    after: float
    parts: tuple[DifferencePart, ...]
    exact: bool
    evaluations: int
    through_design: tuple[str, ...] = ()
    of_plans: bool = False

    @property
    def difference(self) -> float:
        """Return the figure of the second result less that of the first."""
        return self.after - self.before

    def sum_of(self, kind: str) -> float:
        """Return the sum of the parts of one kind."""
        return sum(part.part for part in self.parts if part.kind == kind)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {**asdict(self), "difference": self.difference}


@dataclass(frozen=True)
class ComparedCase:
    """A result to compare: its study, its design, and the figures that were recorded with it, if any.

    ``evaluator`` is what answered in place of the built-in model, empty where that did.
    """

    study: ResolvedStudy
    design: Design
    recorded: Mapping[str, float]
    evaluator: str = ""


def attribute(metric: str, one: ComparedCase, two: ComparedCase) -> Attribution:
    """Return what the difference of an outcome between two results is made of.

    Where the recorded figures are not what the present model gives, that is a part of its own: the version of the
    model, or the evaluator that answered in its place.

    Raises
    ------
    DawnduskError
        Where a mix of the two can not be evaluated at all.
    """
    known_outcome(metric)
    players = changed(one, two)
    mix = _Mix(metric, one, two, players)
    before, after = mix.value(frozenset()), mix.value(frozenset(range(len(players))))
    exact = len(players) <= MOST_EXACT
    shares = shapley(len(players), mix.value) if exact else sampled(len(players), mix.value)
    parts = [
        DifferencePart(name=name, kind=kind, before=old, after=new, part=float(share), error=float(error))
        for (kind, name, old, new), share, error in zip(players, *shares, strict=True)
    ]
    shown = [case.recorded.get(metric, value) for case, value in ((one, before), (two, after))]
    drift = (shown[1] - after) - (shown[0] - before)
    if not math.isclose(drift, 0.0, abs_tol=1e-12 * max(abs(before), abs(after))):
        name = "evaluator" if one.evaluator or two.evaluator else "version of the model"
        models = [case.evaluator or ("the built-in model" if name == "evaluator" else None) for case in (one, two)]
        parts.append(DifferencePart(name=name, kind=MODEL, before=models[0], after=models[1], part=drift))
    parts.sort(key=lambda part: -abs(part.part))
    return Attribution(
        metric=metric,
        before=shown[0],
        after=shown[1],
        parts=tuple(parts),
        exact=exact,
        evaluations=len(mix.known),
        through_design=tuple(through_design(one.study, two.study)),
    )


def through_design(one: ResolvedStudy, two: ResolvedStudy) -> list[str]:
    """Return what differs between two questions apart from beliefs: goals, bounds, ranges and the search."""
    found = []
    for name, old, new in (
        ("objective", one.goals, two.goals),
        ("subject_to", one.bounds, two.bounds),
        ("search", one.search, two.search),
    ):
        if old != new:
            found.append(name)
    return found + [f"design.{name}" for name in VARIABLES if one.space.get(name) != two.space.get(name)]


Player: TypeAlias = tuple[str, str, float | str, float | str]


def changed(one: ComparedCase, two: ComparedCase) -> list[Player]:
    """Return every belief in use and every design variable that differs: kind, name, old and new value."""
    found: list[Player] = []
    for key in _beliefs_in_use(one, two):
        old, new = _believed(one, key), _believed(two, key)
        if old != new and old is not None and new is not None:
            found.append((ASSUMPTION, key, old, new))
    for catalogue, name in (("workloads", "workload"), ("training_runs", "training_run")):
        old, new = (getattr(case.study.assumptions, name) for case in (one, two))
        if old != new:
            found = [player for player in found if not player[1].startswith(f"{catalogue}.")]
            found.append((ASSUMPTION, name, old, new))
    follow = one.study.satellites_follow_demand and two.study.satellites_follow_demand
    for name in VARIABLES:
        old, new = getattr(one.design, name), getattr(two.design, name)
        if old != new and not (follow and name == SATELLITES):
            found.append((VARIABLE, name, old, new))
    return found


def _beliefs_in_use(one: ComparedCase, two: ComparedCase) -> list[str]:
    """Return single values, and the rows that either design names."""
    keys = [*beliefs(one.study.assumptions), *beliefs(two.study.assumptions)]
    for variable in CATEGORIES:
        catalogue = VARIABLES[variable].catalogue
        for case in (one, two):
            row = getattr(case.design, variable)
            keys += [f"{catalogue}.{row}.{field}" for field in FIELDS[catalogue]]
    return list(dict.fromkeys(keys))


def _believed(case: ComparedCase, key: str) -> float | None:
    """Return a belief, None for a row that a study does not have."""
    owner, *rest = key.split(".")
    if owner not in GROUPS and rest[0] not in getattr(case.study.assumptions, owner):
        return None
    return value_of(case.study.assumptions, key)


class _Mix:
    """The figure of every mix of two results, worked out once each."""

    def __init__(self, metric: str, one: ComparedCase, two: ComparedCase, players: list[Player]) -> None:
        self.metric, self.one, self.two, self.players = metric, one, two, players
        self.follow = one.study.satellites_follow_demand and two.study.satellites_follow_demand
        self.known: dict[frozenset[int], float] = {}

    def value(self, coalition: frozenset[int]) -> float:
        """Return the figure with the players of a coalition changed."""
        if coalition not in self.known:
            self.known[coalition] = self._evaluate(coalition)
        return self.known[coalition]

    def _evaluate(self, coalition: frozenset[int]) -> float:
        assumptions, changes = with_all_rows(self.one.study.assumptions, self.two.study.assumptions), {}
        try:
            for number in sorted(coalition):
                kind, name, _, new = self.players[number]
                if kind == VARIABLE:
                    changes[name] = new
                elif isinstance(new, str):
                    assumptions = assumptions.replace(**{name: new})
                else:
                    assumptions = with_belief(assumptions, name, new)
            value = outcome_of(self._design(assumptions, changes), assumptions)[self.metric]
        except (ArithmeticError, ContradictionError) as error:
            raise DawnduskError(f"compare: a mix of the two results can not be evaluated ({error})") from None
        if not math.isfinite(value):
            raise DawnduskError(f"compare: a mix of the two results has {self.metric} = {value}")
        return value

    def _design(self, assumptions: Assumptions, changes: Mapping[str, Any]) -> Design:
        design = self.one.design.replace(**changes)
        if not self.follow:
            return design
        problem = dataclasses.replace(problem_of(self.one.study), assumptions=assumptions)
        return problem.meet_demand(DesignBatch.of(design))[0]


def with_all_rows(one: Assumptions, two: Assumptions) -> Assumptions:
    """Return assumptions that also have the catalogue rows of others."""
    return one.replace(**{name: {**getattr(two, name), **getattr(one, name)} for name in CATALOGUES})


def shapley(count: int, value: Callable[[frozenset[int]], float]) -> tuple[Floats, Floats]:
    """Return the Shapley value of every player, exactly, and its error of zero."""
    parts = np.zeros(count)
    for mask in range(2**count):
        coalition = frozenset(i for i in range(count) if mask >> i & 1)
        size = len(coalition)
        for player in range(count):
            if player not in coalition:
                weight = 1.0 / (count * math.comb(count - 1, size))
                parts[player] += weight * (value(coalition | {player}) - value(coalition))
    return parts, np.zeros(count)


def sampled(count: int, value: Callable[[frozenset[int]], float]) -> tuple[Floats, Floats]:
    """Return the mean effect of every player over random orders and their reverses, with its standard error."""
    found = []
    for number in range(ORDERS):
        order = np.random.default_rng([count, number]).permutation(count).tolist()
        found.append(0.5 * (_along(order, value) + _along(order[::-1], value)))
    effects = np.array(found)
    return effects.mean(axis=0), effects.std(axis=0, ddof=1) / math.sqrt(ORDERS)


def _along(order: list[int], value: Callable[[frozenset[int]], float]) -> Floats:
    """Return what each change adds when they are made in one order."""
    effects, coalition, last = np.zeros(len(order)), frozenset[int](), value(frozenset())
    for player in order:
        coalition |= {player}
        reached = value(coalition)
        effects[player], last = reached - last, reached
    return effects
