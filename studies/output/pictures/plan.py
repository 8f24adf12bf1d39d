"""Pictures of a plan: launches, fleet, compute against demand, cost, cash. They need matplotlib."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from dawndusk.models.errors import MissingExtraError
from dawndusk.models.fleet.accounts import CAPITAL, RUNNING
from dawndusk.optimize.plan.problem.problem import PlanProblem
from dawndusk.optimize.plan.problem.score import ScoredPlan
from dawndusk.studies.output.pictures import plan_asked as asked
from dawndusk.studies.run.plan.result import PlanResult

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


IN_ORBIT = {"launches", "fleet"}
"""Pictures that are empty where nothing is launched."""
PICTURES = ("launches", "fleet", "compute", "cost", "cash", "valuation", "front", "scenarios", "break_even")


def draw(result: PlanResult, folder: Path, ending: str = ".svg") -> list[Path]:
    """Draw every picture that a plan has something for into a folder, and return their files."""
    plt = _pyplot()
    made = []
    for name, painter in painters(result).items():
        figure, axes = plt.subplots(figsize=(WIDTH_IN, HEIGHT_IN), layout="constrained")
        painter(axes)
        made.append(folder / f"{name}{ending}")
        figure.savefig(made[-1], metadata={"Date": None} if ending == ".svg" else None)
        plt.close(figure)
    return made


def painters(result: PlanResult) -> dict[str, Callable[[Any], None]]:
    """Return what draws each picture, by name."""
    found: dict[str, Callable[[Any], None]] = {}
    if result.plan is not None:
        problem, plan = result.planned.problem, result.plan
        of_the_plan = {"launches": _launches, "fleet": _fleet, "compute": _compute, "cost": _cost, "cash": _cash}
        if not plan.decisions.launches.any():
            of_the_plan = {name: one for name, one in of_the_plan.items() if name not in IN_ORBIT}
        found = {name: functools.partial(one, problem=problem, plan=plan) for name, one in of_the_plan.items()}
        if problem.demand.sales:
            found["valuation"] = functools.partial(asked.valuation, problem=problem, plan=plan)
    if result.front:
        found["front"] = functools.partial(asked.front, result=result)
    if result.hedged is not None and np.isfinite(result.hedged.cost_usd).any():
        found["scenarios"] = functools.partial(asked.scenarios, found=result.hedged)
    if result.crossings:
        found["break_even"] = functools.partial(asked.crossings, rows=result.crossings)
    return found


def _times(problem: PlanProblem, *, tail: bool) -> Any:
    middles = problem.economy.calendar.middles
    return middles if tail else middles[: problem.economy.calendar.periods]


def _by_year(axes: Any, problem: PlanProblem, *, tail: bool = True) -> None:
    """Mark the years, and where the horizon ends and what was launched serves on."""
    calendar = problem.economy.calendar
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.xaxis.set_major_formatter("{x:.0f}")
    if tail and calendar.tail_periods:
        end = calendar.first_year + calendar.years
        last = end + calendar.tail_periods * calendar.length_years
        axes.axvspan(end, last, color="black", alpha=0.06, lw=0.0, label="after the horizon")
        axes.set_xlim(calendar.first_year, last)


def _launches(axes: Any, problem: PlanProblem, plan: ScoredPlan) -> None:
    """A row for each vehicle that flies, a bar for each period in which it does, as tall as its launches."""
    flown = plan.decisions.launches.sum(axis=1)
    calendar, times = problem.economy.calendar, _times(problem, tail=False)
    flying = [v for v in range(len(flown)) if flown[v].any()]
    most = max(float(flown.max(initial=0.0)), 1.0)
    for place, v in enumerate(flying):
        axes.bar(times, ROW_SHARE * flown[v] / most, bottom=place, width=0.9 * calendar.length_years)
        for time, count in zip(times, flown[v], strict=True):
            if count and len(times) <= MOST_NUMBERED:
                axes.text(time, place + ROW_SHARE * count / most, f"{count:,.0f}", ha="center", va="bottom", fontsize=7)
    names = problem.economy.launching.vehicles
    axes.set_yticks([*range(len(flying))], [f"{names[v]}\n{flown[v].sum():,.0f} in all" for v in flying])
    axes.set_xlim(calendar.first_year, calendar.first_year + calendar.years)
    axes.set_ylim(-0.05, max(len(flying), 1))
    _by_year(axes, problem, tail=False)
    axes.set_title("Launches by vehicle")


ROW_SHARE = 0.8
"""Height of the tallest bar of a row of launches."""
MOST_NUMBERED = 40
"""Periods whose launches can be written above their bars."""


def _fleet(axes: Any, problem: PlanProblem, plan: ScoredPlan) -> None:
    used = plan.decisions.built.sum(axis=(1, 2)) > 0
    names = [name for name, there in zip(problem.economy.figures.names, used, strict=True) if there]
    _by_year(axes, problem)
    if names:
        axes.stackplot(_times(problem, tail=True), plan.fleet.in_orbit[used], labels=names, step="mid")
        axes.legend(loc="upper left", fontsize=8)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set_ylabel("satellites in orbit")
    axes.set_title("Fleet by design")


def _compute(axes: Any, problem: PlanProblem, plan: ScoredPlan) -> None:
    """What serves beside what is asked for, in the measure of the demand: compute, or IT power."""
    times, fleet, demand = _times(problem, tail=True), plan.fleet, problem.demand
    by_power = demand.least_pflops is None and demand.least_power_mw is not None
    whole, ground = (fleet.power_mw, fleet.ground_power_mw) if by_power else (fleet.pflops, fleet.ground_pflops)
    series = {"ground": ground / THOUSAND, "orbit": (whole - ground) / THOUSAND}
    shown = {name: row for name, row in series.items() if row.any()}
    _by_year(axes, problem)
    if shown:
        axes.stackplot(times, *shown.values(), labels=[*shown], colors=[OF_SERVICE[name] for name in shown])
    asked_for = demand.least_power_mw if by_power else demand.least_pflops
    within = _times(problem, tail=False)
    if asked_for is not None:
        axes.plot(within, asked_for.at(within) / THOUSAND, "k--", label="asked for")
    if by_power and demand.most_power_mw is not None:
        axes.plot(within, demand.most_power_mw.at(within) / THOUSAND, "k:", label="at most")
    axes.set_ylabel("GW of IT power in service" if by_power else "EFLOP/s delivered")
    axes.legend(loc="upper left", fontsize=8)
    axes.set_title("In service against demand" if by_power else "Delivered compute against demand")


OF_SERVICE = {"ground": "C2", "orbit": "C0"}


def _cost(axes: Any, problem: PlanProblem, plan: ScoredPlan) -> None:
    accounts = {name: float(plan.accounts.discounted[name].sum()) for name in (*CAPITAL, *RUNNING)}
    total = sum(accounts.values()) or 1.0
    shown = [(name, amount) for name, amount in accounts.items() if abs(amount) > LEAST_SHARE * total]
    bottom = 0.0
    for name, amount in shown:
        axes.bar(name.replace("_", " "), amount / BILLION, bottom=bottom)
        bottom += amount / BILLION
        axes.text(name.replace("_", " "), bottom, f"{amount / total:.1%}", ha="center", va="bottom", fontsize=7)
    axes.bar("total", bottom, color="black")
    axes.text("total", bottom, f"{bottom:,.4g}", ha="center", va="bottom", fontsize=7)
    for label in axes.get_xticklabels():
        label.set(rotation=45, ha="right", rotation_mode="anchor")
    axes.set_ylabel("discounted cost, billion USD")
    axes.set_title("Cost of the plan, discounted to its start")


def _cash(axes: Any, problem: PlanProblem, plan: ScoredPlan) -> None:
    discount = problem.economy.calendar.spread_discounts(problem.economy.rate)
    cash = plan.revenue_usd / discount - np.asarray(sum(plan.accounts.plain.values()))
    times, so_far = _times(problem, tail=True), np.cumsum(cash) / BILLION
    _by_year(axes, problem)
    axes.plot(times, so_far)
    lowest = int(np.argmin(so_far))
    axes.plot(times[lowest], so_far[lowest], "o", color="C0")
    axes.annotate(
        f"{so_far[lowest]:,.4g}",
        (times[lowest], so_far[lowest]),
        xytext=(0, 8),
        textcoords="offset points",
        ha="center",
    )
    axes.axhline(0.0, color="grey", lw=0.8)
    axes.set_ylabel("cumulative cash, billion USD")
    axes.set_title("Cash, not discounted")
