"""What a person sees of what else a plan was asked: front, scenarios, alternatives, new designs, break-even, value."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from dawndusk.optimize.plan.explain import PlanAlternative
from dawndusk.optimize.plan.pricing.column_generation import Generated
from dawndusk.optimize.plan.scenarios.two_stage import Hedged
from dawndusk.studies.output.terminal.tables import names_table, table
from dawndusk.studies.run.plan.amounts import amount, billions, share
from dawndusk.studies.run.plan.asked.front import front_rows
from dawndusk.studies.run.plan.asked.uncertainty import first_stage_rows
from dawndusk.studies.run.plan.asked.valuation import valuation_table
from dawndusk.studies.run.plan.growing import designs_rows, generated_dict
from dawndusk.studies.run.plan.result import UNITS, PlanResult

MOST_SHOWN = 12
WORST = 5


def asked_parts(result: PlanResult) -> Iterator[RenderableType]:
    """Yield the parts of the report that speak of what else was asked."""
    if result.plan is not None and result.planned.problem.demand.sales:
        yield value_table(result)
    if result.front:
        yield front_report(result)
    if result.hedged is not None and result.plan is not None:
        yield from scenarios_report(result, result.hedged)
    if result.alternatives:
        yield alternatives_table(result)
    if result.generated is not None:
        yield from designs_report(result, result.generated)
    if result.crossings:
        yield crossings_table(result)


def value_table(result: PlanResult) -> Table:
    """Return revenue, operating profit, cash and value by year."""
    assert result.plan is not None
    years = valuation_table(result.planned.problem, result.plan)
    columns = ("revenue", "operating_profit", "capital", "cash", "cumulative_cash", "cumulative_value")
    made = table("Value [billion USD]", "year", *(name.replace("_", " ") for name in columns))
    for row in years.to_dict("records"):
        made.add_row(str(int(row["year"])), *(billions(float(row[f"{name}_usd"])) for name in columns))
    return made


def front_report(result: PlanResult) -> Table:
    """Return the plans of a front: both objectives, and what is proved of the first one within the limit."""
    name, against = result.planned.problem.objective.value, result.front[0].against
    proved = f"none {'above' if name == 'npv' else 'below'}"
    made = table(
        "Front", "plan", f"{against.value} limit", against.value, name, proved, "gap", "satellites", "launches"
    )
    for row, point in zip(front_rows(result.front), result.front, strict=True):
        made.add_row(
            str(row["point"]),
            "none" if point.limit is None else amount(point.limit, UNITS[against]),
            "" if point.rival is None else amount(point.rival, UNITS[against]),
            row["status"] if row["objective"] is None else amount(row["objective"], result.units),
            "" if row["bound"] is None else amount(row["bound"], result.units),
            share(row["gap"]),
            *("" if row[name] is None else f"{row[name]:,.0f}" for name in ("satellites_built", "launches")),
        )
    return made


def scenarios_report(result: PlanResult, found: Hedged) -> Iterator[RenderableType]:
    """Yield what to commit to now, and what not knowing costs."""
    assert result.plan is not None
    if not np.isfinite(found.cost_usd).any():
        yield Text(
            f"{len(found.scenarios)} scenarios, {found.status}: no first stage that keeps every limit in all of them"
        )
        return
    made = table("What to commit to now: launches", "period", "vehicle", "over all scenarios", "of the plan")
    for row in first_stage_rows(result.question, found, result.plan):
        made.add_row(row["period"], row["vehicle"], f"{row['launches']:,.2f}", f"{row['launches_of_the_plan']:,.0f}")
    yield made
    probability = np.array([one.probability for one in found.scenarios])
    regret = float(probability @ found.regret_usd)
    yield Text(
        f"{len(found.scenarios)} scenarios, {found.status}: mean cost {amount(found.mean_usd, 'USD')}, of the dearest "
        f"{amount(found.cvar_usd, 'USD')}, not knowing costs {amount(regret, 'USD')} on average; not costed exactly"
    )
    worst = table("Scenarios of the largest regret", "scenario", "cost [bn USD]", "regret [bn USD]", "demand missed")
    for k in np.argsort(-found.regret_usd)[:WORST]:
        cells = (billions(float(found.cost_usd[k])), billions(float(found.regret_usd[k])), f"{found.missed[k]:.2%}")
        worst.add_row(found.scenarios[k].name, *cells)
    yield worst


def alternatives_table(result: PlanResult) -> Table:
    """Return plans under other premises: what each costs more, and at least."""
    made = names_table("Other plans", "what", "status", "change", "share", "at least", "proved within")
    for other in result.alternatives:
        made.add_row(other.what, other.planned.status, *_changes(result, other))
    return made


def _changes(result: PlanResult, other: PlanAlternative) -> tuple[str, str, str, str]:
    if other.change is None:
        return ("no such plan" if other.planned.status == "infeasible" else "", "", "", "")
    ratio = other.change / abs(result.objective) if result.objective else None
    least = "" if other.least_change is None else amount(other.least_change, result.units)
    return amount(other.change, result.units), "" if ratio is None else f"{ratio:+.2%}", least, share(other.planned.gap)


def designs_report(result: PlanResult, found: Generated) -> Iterator[RenderableType]:
    """Yield the designs that entered, and what the plan gains by them."""
    content = generated_dict(found)
    before, bound, after = (content[key] for key in ("before_objective", "before_bound", "after_objective"))
    if before is not None and after is not None:
        words = f"with new designs {amount(after, result.units)}, without {amount(before, result.units)}"
        words += f" ({after / before - 1.0:+.2%})" if before else ""
        if content["beats_every_plan_before"]:
            words += (
                f"; better than every plan of the first catalogue, of which none betters {amount(bound, result.units)}"
            )
        yield Text(words)
    yield Text(found.words)
    if found.bound is not None:
        yield Text(
            f"no plan of any design of the space betters {amount(found.bound, result.units)}: {share(found.gap)}"
        )
    names = ("accelerator", "accelerators_per_satellite", "altitude_km", "life_years", "radiator", "array")
    heads = [name.replace("_", " ") for name in names]
    made = names_table("New designs that are built", "design", "satellites", *heads)
    for row in designs_rows(found)[:MOST_SHOWN]:
        if row["satellites_built"]:
            cells = [row[name] for name in names]
            shown = [f"{cell:,.4g}" if isinstance(cell, float) else str(cell) for cell in cells]
            made.add_row(row["design"], f"{row['satellites_built']:,.0f}", *shown)
    yield made


def crossings_table(result: PlanResult) -> Table:
    """Return the cost of orbit over that of the ground by prices of launch and electricity, with the year it wins."""
    powers = sorted({one.electricity_usd_per_mwh for one in result.crossings})
    made = table("Cost of orbit over that of the ground", "launch [USD/kg]", *(f"{usd:g} USD/MWh" for usd in powers))
    for usd in sorted({one.launch_usd_per_kg for one in result.crossings}):
        row = {one.electricity_usd_per_mwh: one for one in result.crossings if one.launch_usd_per_kg == usd}
        cells = [
            f"{row[p].ratio:.2f}" + (f" from {row[p].first_period}" if row[p].first_period else "") for p in powers
        ]
        made.add_row(f"{usd:g}", *cells)
    return made
