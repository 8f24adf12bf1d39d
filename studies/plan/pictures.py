"""Pictures of a plan: launches, fleet, compute against demand, cost, cash. They need matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dawndusk.models.errors import MissingExtraError
from dawndusk.models.fleet.accounts import CAPITAL, RUNNING
from dawndusk.optimize.plan.problem import PlanProblem
from dawndusk.optimize.plan.score import Scored

BILLION, THOUSAND = 1e9, 1e3
WIDTH_IN, HEIGHT_IN = 9.0, 4.5
LEAST_SHARE = 1e-3
"""Accounts below this share of the cost are shown together."""


def _pyplot() -> Any:
    try:
        import matplotlib  # noqa: PLC0415 (an extra)
    except ImportError:
        raise MissingExtraError("pictures", "matplotlib", "plot", "a run without pictures") from None
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt  # noqa: PLC0415

    return plt


def draw(problem: PlanProblem, plan: Scored, folder: Path) -> list[Path]:
    """Draw every picture of a plan into a folder and return their files."""
    plt = _pyplot()
    made = []
    for name, painter in (
        ("launches", _launches),
        ("fleet", _fleet),
        ("compute", _compute),
        ("cost", _cost),
        ("cash", _cash),
    ):
        figure, axes = plt.subplots(figsize=(WIDTH_IN, HEIGHT_IN), layout="constrained")
        painter(axes, problem, plan)
        made.append(folder / f"{name}.svg")
        figure.savefig(made[-1], metadata={"Date": None})
        plt.close(figure)
    return made


def _times(problem: PlanProblem, *, tail: bool) -> Any:
    middles = problem.economy.calendar.middles
    return middles if tail else middles[: problem.economy.calendar.periods]


def _launches(axes: Any, problem: PlanProblem, plan: Scored) -> None:
    """A row for each vehicle, a bar for each period in which it flies, as tall as its launches."""
    flown = plan.decisions.launches.sum(axis=1)
    vehicles, times = problem.economy.launching.vehicles, _times(problem, tail=False)
    most = max(float(flown.max()), 1.0)
    for v, row in enumerate(flown):
        axes.bar(times, 0.85 * row / most, bottom=v, width=0.9 * problem.economy.calendar.length_years)
        for time, count in zip(times, row, strict=True):
            if count and len(times) <= 40:  # noqa: PLR2004 (more do not fit beside each other)
                axes.text(time, v + 0.85 * count / most, f"{count:.0f}", ha="center", va="bottom", fontsize=7)
    axes.set_yticks(np.arange(len(vehicles)) + 0.4, vehicles)
    axes.set_title("Launches by vehicle")


def _fleet(axes: Any, problem: PlanProblem, plan: Scored) -> None:
    used = plan.decisions.built.sum(axis=(1, 2)) > 0
    names = [name for name, there in zip(problem.economy.figures.names, used, strict=True) if there]
    if names:
        axes.stackplot(_times(problem, tail=True), plan.fleet.in_orbit[used], labels=names, step="mid")
        axes.legend(loc="upper left", fontsize=8)
    axes.set_ylabel("satellites in orbit")
    axes.set_title("Fleet by generation")


def _compute(axes: Any, problem: PlanProblem, plan: Scored) -> None:
    times, fleet = _times(problem, tail=True), plan.fleet
    orbit = fleet.pflops - fleet.ground_pflops
    axes.stackplot(times, fleet.ground_pflops / THOUSAND, orbit / THOUSAND, labels=["ground", "orbit"])
    if problem.demand.least_pflops is not None:
        axes.plot(times, problem.demand.least_pflops.at(times) / THOUSAND, "k--", label="asked for")
    axes.axvline(problem.economy.calendar.first_year + problem.economy.calendar.years, color="grey", lw=0.8)
    axes.set_ylabel("EFLOP/s delivered")
    axes.legend(loc="upper left", fontsize=8)
    axes.set_title("Delivered compute")


def _cost(axes: Any, problem: PlanProblem, plan: Scored) -> None:
    accounts = {name: float(plan.accounts.discounted[name].sum()) for name in (*CAPITAL, *RUNNING)}
    total = sum(accounts.values()) or 1.0
    shown = [(name, amount) for name, amount in accounts.items() if abs(amount) > LEAST_SHARE * total]
    bottom = 0.0
    for name, amount in shown:
        axes.bar(name.replace("_", " "), amount / BILLION, bottom=bottom)
        bottom += amount / BILLION
    axes.bar("total", bottom, color="black")
    axes.tick_params(axis="x", rotation=45)
    axes.set_ylabel("discounted cost, billion USD")
    axes.set_title(f"Cost of the plan ({problem.objective.value})")


def _cash(axes: Any, problem: PlanProblem, plan: Scored) -> None:
    discount = problem.economy.calendar.spread_discounts(problem.economy.rate)
    cash = plan.revenue_usd / discount - np.asarray(sum(plan.accounts.plain.values()))
    axes.plot(_times(problem, tail=True), np.cumsum(cash) / BILLION)
    axes.axhline(0.0, color="grey", lw=0.8)
    axes.set_ylabel("cumulative cash, billion USD")
    axes.set_title("Cash")
