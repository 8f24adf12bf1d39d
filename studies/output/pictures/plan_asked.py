"""Pictures of what else a plan was asked: its value, its front, its scenarios, and the break-even map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dawndusk.optimize.plan.problem.problem import Objective, PlanProblem
from dawndusk.optimize.plan.problem.score import ScoredPlan
from dawndusk.optimize.plan.scenarios.two_stage import Hedged
from dawndusk.studies.run.plan.asked.break_even import Crossing
from dawndusk.studies.run.plan.asked.valuation import valuation_table
from dawndusk.studies.run.plan.result import UNITS, PlanResult

BILLION = 1e9
MOST_NAMED = 30
"""Scenarios that are named below their bars."""
DARK = 0.5
"""Share of the range of colours from which numbers on it are white."""
SERIES = (
    ("revenue_usd", "revenue", "C2"),
    ("operating_profit_usd", "operating profit", "C0"),
    ("cash_usd", "cash", "C1"),
)


def valuation(axes: Any, problem: PlanProblem, plan: ScoredPlan) -> None:
    """Draw revenue, operating profit and cash by year, and the value so far."""
    table = valuation_table(problem, plan)
    years = table["year"].to_numpy()
    width = 0.8 / len(SERIES)
    for k, (name, words, colour) in enumerate(SERIES):
        offset = (k - (len(SERIES) - 1) / 2) * width
        axes.bar(years + offset, table[name] / BILLION, width=width, color=colour, label=words)
    axes.plot(years, table["cumulative_value_usd"] / BILLION, "k.-", label="value so far, discounted")
    axes.axhline(0.0, color="grey", lw=0.8)
    axes.set_ylabel("billion USD")
    axes.legend(fontsize=8, ncols=2)
    axes.set_title("Revenue, profit, cash and value by year")


def front(axes: Any, result: PlanResult) -> None:
    """Draw the objective against the other one, each plan with the bound that holds within its limit."""
    points = [p for p in result.front if p.planned.objective is not None]
    objective, against = result.planned.problem.objective, result.front[0].against
    across, up = (BILLION if UNITS[one] == "USD" else 1.0 for one in (against, objective))
    rival = np.array([p.rival for p in points], dtype=float) / across
    best = np.array([p.planned.objective for p in points], dtype=float) / up
    bound = np.array([np.nan if p.planned.bound is None else p.planned.bound for p in points]) / up
    order = np.argsort(rival)
    axes.plot(rival[order], best[order], "o-", label="plans, costed exactly")
    words = "above" if objective is Objective.NPV else "below"
    axes.plot(rival[order], bound[order], "_--", color="grey", label=f"no plan within the limit is {words}")
    axes.set_xlabel(f"{against.value}, {_units(against)}")
    axes.set_ylabel(f"{objective.value}, {_units(objective)}")
    axes.legend(fontsize=8)
    axes.set_title(f"{objective.value} against {against.value}")


def _units(objective: Objective) -> str:
    return "billion USD" if UNITS[objective] == "USD" else UNITS[objective]


def scenarios(axes: Any, found: Hedged) -> None:
    """Draw what each scenario costs, dearest first: with foresight, and what not knowing adds."""
    order = np.argsort(-found.cost_usd)
    places = np.arange(len(order))
    alone, regret = found.alone_usd[order] / BILLION, found.regret_usd[order] / BILLION
    axes.bar(places, alone, label="with a first stage of its own")
    axes.bar(places, np.maximum(regret, 0.0), bottom=alone, label="regret of the common one")
    axes.axhline(found.mean_usd / BILLION, color="black", lw=1.0, label="mean")
    axes.axhline(found.cvar_usd / BILLION, color="black", lw=1.0, ls="--", label="mean of the dearest (CVaR)")
    named = len(order) <= MOST_NAMED
    axes.set_xticks(places if named else [], [found.scenarios[k].name for k in order] if named else [], rotation=90)
    axes.set_ylabel("discounted cost, billion USD")
    axes.set_ylim(0.0, 1.25 * float(np.nanmax(found.cost_usd)) / BILLION)
    axes.legend(fontsize=8, ncols=2, loc="upper right")
    axes.set_title("What the common first stage costs in each scenario")


def crossings(axes: Any, rows: Sequence[Crossing]) -> None:
    """Draw the cost of orbit over that of the ground by prices of launch and electricity; at or below 1 orbit wins."""
    freights = sorted({row.launch_usd_per_kg for row in rows})
    powers = sorted({row.electricity_usd_per_mwh for row in rows})
    ratio = np.full((len(freights), len(powers)), np.nan)
    words = np.full(ratio.shape, "", dtype=object)
    for row in rows:
        at = freights.index(row.launch_usd_per_kg), powers.index(row.electricity_usd_per_mwh)
        ratio[at] = row.ratio if np.isfinite(row.ratio) else np.nan
        when = f"\nfrom {row.first_period}" if row.first_period else ""
        words[at] = f"{row.ratio:.2f}{when}" if np.isfinite(row.ratio) else "none"
    spread = float(np.nanmax(np.abs(np.log2(ratio)), initial=1.0))
    image = axes.imshow(np.log2(ratio), cmap="RdBu_r", vmin=-spread, vmax=spread, aspect="auto", origin="lower")
    for (k, m), text in np.ndenumerate(words):
        strong = abs(np.log2(ratio[k, m])) > DARK * spread
        axes.text(m, k, text, ha="center", va="center", fontsize=7, color="white" if strong else "black")
    axes.set_xticks(range(len(powers)), [f"{usd:g}" for usd in powers])
    axes.set_yticks(range(len(freights)), [f"{usd:g}" for usd in freights])
    axes.set_xlabel("electricity on the ground, USD/MWh")
    axes.set_ylabel("launch, USD/kg")
    bar = axes.figure.colorbar(image, ax=axes)
    marks = np.arange(-np.floor(spread), np.floor(spread) + 1)
    bar.set_ticks(marks, labels=[f"{2.0**mark:g}" for mark in marks])
    axes.set_title("Cost of orbit over that of the ground in the best year, and from when it is no dearer")
