"""Why two plans differ: what changed in their studies and in what is bought, and what each change adds.

Where both plans have the same designs, vehicles and calendar, what one of them buys can be costed under the premises of
the other. Then every belief that differs, the section ``plan`` and what is bought are players, and the part of each is
its Shapley value, as between two designs. Otherwise there is no plan in between, and the two stand side by side.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from dawndusk.models.errors import ContradictionError, DawnduskError, nearest, one_of
from dawndusk.models.fleet.economy import economy_of
from dawndusk.optimize.plan.problem.score import ScoredPlan, score
from dawndusk.studies.lineage.attribution import (
    ASSUMPTION,
    MOST_EXACT,
    STATED,
    VARIABLE,
    Attribution,
    DifferencePart,
    sampled,
    shapley,
    with_all_rows,
)
from dawndusk.studies.lineage.origins import value_of, with_belief
from dawndusk.studies.lineage.plan_run import OBJECTIVES, PlanRun

SECTION, BOUGHT = "section plan", "what is bought"
SILENT = ("name", "title", "description", "source")
"""Keys of a study that say nothing about what is asked."""
UNITS = {"lcoc_usd_per_pflop_hour": "USD/PFLOP-hour"}
"""Of the figures that can be split; all others are in USD."""


def metric_of(run: PlanRun, metric: str | None) -> str:
    """Return the figure to compare: the one that is asked for, or the objective of a plan."""
    found = metric or OBJECTIVES[run.content["objective_name"]]
    if found not in OBJECTIVES.values():
        known = OBJECTIVES.values()
        raise DawnduskError(f"--metric: found {found!r}; allowed for plans: {one_of(known)}{nearest(found, known)}")
    return found


def figure_of(scored: ScoredPlan, metric: str) -> float:
    """Return one of the figures of a plan that can be compared."""
    makers = {
        "lcoc_usd_per_pflop_hour": lambda: scored.lcoc_usd_per_pflop_hour,
        "discounted_cost_usd": lambda: scored.accounts.cost_usd,
        "capital_usd": lambda: scored.accounts.capital_usd,
        "value_usd": lambda: float(scored.revenue_usd.sum()) - scored.accounts.cost_usd,
    }
    return makers[metric]()


def inputs_that_differ(one: PlanRun, two: PlanRun) -> list[tuple[str, str, str]]:
    """Return the keys of the two studies whose values differ, with both values."""
    flat = [dict(_flat(run.question.study.resolved)) for run in (one, two)]
    keys = [key for key in dict.fromkeys([*flat[0], *flat[1]]) if key.partition(".")[0] not in SILENT]
    return [(k, flat[0].get(k, ""), flat[1].get(k, "")) for k in keys if flat[0].get(k) != flat[1].get(k)]


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, item in value.items():
        if isinstance(item, Mapping):
            yield from _flat(item, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(item)


def why_not_split(one: PlanRun, two: PlanRun) -> str:
    """Return why there is no plan in between, empty where there is."""
    first, second = one.question.problem.economy, two.question.problem.economy
    if first.launching.vehicles != second.launching.vehicles:
        return "they fly other vehicles"
    if first.rival.accelerators != second.rival.accelerators:
        return "they have other accelerators on the ground"
    if (first.figures.names, first.figures.designs) != (second.figures.names, second.figures.designs):
        return "they choose among other designs"
    calendars = [(c.first_year, c.years, c.steps_per_year) for c in (first.calendar, second.calendar)]
    return "they have other calendars" if calendars[0] != calendars[1] else ""


def split(metric: str, one: PlanRun, two: PlanRun) -> Attribution:
    """Return what the difference of a figure between two plans is made of.

    Raises
    ------
    DawnduskError
        Where what one buys can not be costed under the premises of the other.
    """
    reason = why_not_split(one, two)
    if reason:
        raise DawnduskError(f"compare: found plans with no plan in between, for {reason}; allowed: the same of both")
    mix = _Mix(metric, one, two)
    count = len(mix.players)
    exact = count <= MOST_EXACT
    shares, errors = shapley(count, mix.value) if exact else sampled(count, mix.value)
    parts = [
        DifferencePart(name=name, kind=kind, before=old, after=new, part=float(share), error=float(error))
        for (kind, name, old, new), share, error in zip(mix.players, shares, errors, strict=True)
    ]
    before, after = mix.value(frozenset()), mix.value(frozenset(range(count)))
    return Attribution(
        metric=metric,
        before=before,
        after=after,
        parts=tuple(sorted(parts, key=lambda part: -abs(part.part))),
        exact=exact,
        evaluations=len(mix.known),
        of_plans=True,
    )


class _Mix:
    """A figure of every mix of two plans, worked out once each."""

    def __init__(self, metric: str, one: PlanRun, two: PlanRun) -> None:
        self.metric, self.one, self.two = metric, one, two
        self.known: dict[frozenset[int], float] = {}
        first, second = (run.question.problem.economy.assumptions for run in (one, two))
        self.assumptions = with_all_rows(first, second)
        shared = [key for key in first.provenance if key in second.provenance]
        values = [(key, value_of(first, key), value_of(second, key)) for key in shared]
        self.players: list[tuple[str, str, float | str | None, float | str | None]] = [
            (ASSUMPTION, key, old, new) for key, old, new in values if old != new
        ]
        self.players += [
            (ASSUMPTION, name, getattr(first, name), getattr(second, name))
            for name in ("workload", "training_run")
            if getattr(first, name) != getattr(second, name)
        ]
        if any(key.startswith("plan.") for key, _, _ in inputs_that_differ(one, two)):
            self.players.append((STATED, SECTION, "", ""))
        pairs = zip(_arrays(one), _arrays(two), strict=True)
        if not all(np.array_equal(old, new) for old, new in pairs):
            self.players.append((VARIABLE, BOUGHT, "", ""))

    def value(self, coalition: frozenset[int]) -> float:
        """Return the figure with the players of a coalition changed."""
        if coalition not in self.known:
            self.known[coalition] = self._evaluate([self.players[number] for number in sorted(coalition)])
        return self.known[coalition]

    def _evaluate(self, changed: list[tuple[str, str, float | str | None, float | str | None]]) -> float:
        assumptions, names = self.assumptions, {name for _, name, _, _ in changed}
        try:
            for kind, name, _, new in changed:
                if kind == ASSUMPTION and isinstance(new, str):
                    assumptions = assumptions.replace(**{name: new})
                elif kind == ASSUMPTION and isinstance(new, float):
                    assumptions = with_belief(assumptions, name, new)
            problem = (self.two if SECTION in names else self.one).question.problem
            economy = problem.economy
            calendar = dataclasses.replace(economy.calendar, tail_periods=0)
            designs = dict(zip(economy.figures.names, economy.figures.designs, strict=True))
            mixed = economy_of(designs, economy.launching.vehicles, assumptions, calendar, economy.terms)
            decisions = (self.two if BOUGHT in names else self.one).decisions
            found = figure_of(score(dataclasses.replace(problem, economy=mixed), decisions), self.metric)
        except (ArithmeticError, ContradictionError) as error:
            raise DawnduskError(f"compare: a mix of the two plans can not be costed ({error})") from None
        if not math.isfinite(found):
            raise DawnduskError(f"compare: a mix of the two plans has {self.metric} = {found}")
        return found


def _arrays(run: PlanRun) -> tuple[Any, ...]:
    decisions = run.decisions
    return decisions.built, decisions.launches, decisions.ground


def bought_by_name(run: PlanRun) -> dict[str, float]:
    """Return how many satellites of each design, launches of each vehicle and capacity on the ground a plan buys."""
    economy, decisions = run.question.problem.economy, run.decisions
    found = {f"satellites {name}": float(decisions.built[d].sum()) for d, name in enumerate(economy.figures.names)}
    found |= {
        f"launches {name}": float(decisions.launches[v].sum()) for v, name in enumerate(economy.launching.vehicles)
    }
    found |= {
        f"ground {name}, thousand": float(decisions.ground[a].sum())
        for a, name in enumerate(economy.rival.accelerators)
    }
    return {name: count for name, count in found.items() if count}


def by_account(run: PlanRun) -> dict[str, float]:
    """Return the discounted cost of every account that has any."""
    discounted = run.scored.accounts.discounted
    return {name: float(amount.sum()) for name, amount in discounted.items() if amount.any()}
