"""What a person sees in the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dawndusk.models.constants import PRICE_YEAR
from dawndusk.models.design import VARIABLES, Design
from dawndusk.models.outcome import OUTCOMES
from dawndusk.models.units import money, number, pretty
from dawndusk.optimize.settings import Engine
from dawndusk.studies.input.study import Range, ResolvedStudy
from dawndusk.studies.output.terminal.explanation import conflict_text, explanation_report
from dawndusk.studies.output.terminal.tables import names_table
from dawndusk.studies.output.terminal.tables import table as plain_table
from dawndusk.studies.published import published_metrics
from dawndusk.studies.published.report import PublishedMetric
from dawndusk.studies.published.validation import CaseResult, table_rows
from dawndusk.studies.run.design.ground import PARTS, GroundResult
from dawndusk.studies.run.design.limits import AtEnd, Limit, binding
from dawndusk.studies.run.design.results import Evaluated, RunResult
from dawndusk.studies.run.design.wording import SMALLEST_GAP, claim, ending, figure, percent, stall

LEVELISED = (
    "lcoc_usd_per_pflop_hour",
    "cost_usd_per_accelerator_hour",
    "cost_usd_per_kw_year",
    "capex_usd",
    "capex_usd_per_w",
    "opex_usd_per_year",
)
SALES = ("revenue_usd", "value_usd")
"""Shown where the study states a price."""
WATERFALL = (
    ("installed_pflops", ""),
    ("in_service_fraction", "left by failures, array ageing, satellite losses"),
    ("eclipse_availability", "not shed in eclipse"),
    ("checkpoint_efficiency", "not lost to interruptions"),
    ("network_fraction", "not held up by links"),
    ("sustained_fraction", "sustained by the workload (MFU)"),
    ("demand_fraction", "asked for"),
    ("delivered_pflops", ""),
)
SPACES_BETWEEN_TABLES = 4
NEXT_TIGHTEST = 3


def run_report(result: RunResult) -> RenderableType:
    """Return the whole answer of a run."""
    parts: list[RenderableType] = [headline(result), Text()]
    parts += [design_table(result.design, result.study), Text()]
    if not result.feasible:
        if result.conflict is not None and result.conflict.members:
            parts += [conflict_text(result.conflict), Text()]
        return Group(*parts, limits_text(result.best, ()))
    parts += [levelised_table(result.outcome), Text()]
    parts += [two_columns(capital_table(result.outcome), mass_table(result.outcome)), Text()]
    parts += [waterfall_table(result.outcome), Text(), limits_text(result.best, result.at_ends), Text()]
    parts += [ground_text(result.outcome), Text(), published_table(metrics_of(result.best)), Text()]
    if result.explanation is not None:
        parts += [explanation_report(result.explanation, result.study)]
    elif result.alternatives:
        parts += [why_not_table(result)]
    return Group(*parts)


def headline(result: RunResult) -> Text:
    """Return what was found, what is proved, and how far it was doubted."""
    text = Text()
    text.append(f"{title_of(result.study)}\n", style="bold")
    if result.feasible:
        proved = f", proved within {percent(result.gap)}: {claim(result)}" if result.gap is not None else ""
        style = "bold green" if result.status == "optimal" or not result.study.search.engine.proves else "bold yellow"
        text.append(f"Best design found: {result.study.objective} = {figure(result)}{proved}\n", style=style)
    else:
        text.append(f"{_no_design(result)} The nearest miss breaks\n", style="bold red")
        for limit in result.best.broken:
            text.append(f"  {limit_line(limit)}\n", style="red")
    text.append("\n".join(_about_the_search(result)))
    return text


def _no_design(result: RunResult) -> str:
    if result.status == "unknown":
        bound = f" Proved: {claim(result)}." if result.bound is not None else ""
        return f"UNKNOWN: neither a design that meets every rule nor a proof that there is none.{bound}"
    if not result.study.search.engine.proves:
        return "INFEASIBLE: no design found that meets every rule."
    return "INFEASIBLE: proved, no design meets every rule and bound."


def _about_the_search(result: RunResult) -> list[str]:
    """Return how the search went, and the parts of its audit."""
    looked = f"{result.evaluated_designs:,} designs evaluated"
    if result.boxes is not None:
        looked = f"{result.boxes:,} boxes of designs bounded, {looked}"
    elif result.result.second is not None:
        looked = f"{result.result.second.rounds:,} linear models solved"
    line = f"{looked} in {result.seconds:.1f} s, seed {result.seed}, {ending(result)}."
    if not result.study.search.engine.proves:
        return [f"{line} Heuristic search: no bound is proved."]
    lines = [line]
    if result.status == "feasible":
        asked = _asked(result.study.search.gap)
        lines.append(f"The gap asked for, {asked}, is not closed: a better design may exist, within the bound.")
    if where := stall(result):
        lines.append(where)
    if result.engine == Engine.CERTIFIED:
        checked = "; ".join(f"{check.name}: {check.words}" for check in result.checks)
        lines.append(f"Audit {result.audit}{f' ({checked})' if checked else ''}.")
    return lines


def _asked(gap: float) -> str:
    """Return the gap that a study asks for; it may be smaller than any that can be told from none."""
    return percent(gap) if gap >= SMALLEST_GAP else f"{100 * gap:g} %"


def title_of(study: ResolvedStudy) -> str:
    """Return the title, or the name, without characters that would steer the terminal."""
    return "".join(character if character.isprintable() else " " for character in study.title or study.name)


def metrics_of(best: Evaluated) -> list[PublishedMetric]:
    """Return a design in the terms of the published methods."""
    return published_metrics(best.outcome, best.design, best.study.assumptions)


def two_columns(left: RenderableType, right: RenderableType) -> Table:
    """Return two tables side by side."""
    grid = Table.grid(padding=(0, SPACES_BETWEEN_TABLES))
    grid.add_row(left, right)
    return grid


def design_table(design: Design, study: ResolvedStudy) -> Table:
    """Return the design with the range that each variable was chosen from."""
    table = names_table("Design", "variable", "value", "chosen from")
    for name, value in design.to_dict().items():
        entry = study.space.get(name)
        if entry is None:
            source = "meets the demand"
        elif isinstance(entry, Range):
            source = f"{number(entry.low)} to {number(entry.high)}"
        else:
            source = f"{len(entry.names)} names" if hasattr(entry, "names") else "fixed"
        table.add_row(name, pretty(value, VARIABLES[name].units), source)
    return table


def levelised_table(outcome: Mapping[str, float]) -> Table:
    """Return the cost in every unit, and what is earned where compute has a price."""
    table = names_table(f"Cost, in USD of {PRICE_YEAR}", "measure", "value", "meaning")
    table.columns[2].justify = "left"
    for name in (*LEVELISED, *(SALES if outcome["revenue_usd"] else ())):
        table.add_row(name, pretty(outcome[name], OUTCOMES[name].units), OUTCOMES[name].meaning)
    return table


def breakdown(outcome: Mapping[str, float], suffix: str, total: str, without: Iterable[str] = ()) -> list[str]:
    """Return the outcomes that end in ``suffix`` and add up to ``total``, largest first."""
    left = set(without) | {total}
    names = [name for name in OUTCOMES if name.endswith(suffix) and name not in left and outcome[name]]
    return sorted(names, key=lambda name: -abs(outcome[name]))


CAPITAL_EXTRAS = ("disposal_cost_usd", "discounted_cost_usd", "training_run_cost_usd", "ground_training_run_cost_usd")
MASS_EXTRAS = ("dry_mass_kg",)


def capital_table(outcome: Mapping[str, float]) -> Table:
    """Return where the capital goes."""
    table = plain_table("Capital", "part", "amount", "share")
    for name in breakdown(outcome, "_cost_usd", "capex_usd", CAPITAL_EXTRAS):
        label = name.removesuffix("_cost_usd").replace("_", " ")
        table.add_row(label, money(outcome[name]), f"{outcome[name] / outcome['capex_usd']:.1%}")
    table.add_row("total", money(outcome["capex_usd"]), "100.0%", style="bold")
    return table


def mass_table(outcome: Mapping[str, float]) -> Table:
    """Return where the mass of one satellite goes."""
    table = plain_table("Mass of one satellite", "part", "kg", "share")
    for name in breakdown(outcome, "_mass_kg", "wet_mass_kg", MASS_EXTRAS):
        label = name.removesuffix("_mass_kg").replace("_", " ")
        table.add_row(label, number(round(outcome[name], 1)), f"{outcome[name] / outcome['wet_mass_kg']:.1%}")
    table.add_row("total", number(round(outcome["wet_mass_kg"], 1)), "100.0%", style="bold")
    return table


def waterfall_table(outcome: Mapping[str, float]) -> Table:
    """Return the way from installed to delivered compute."""
    table = plain_table("Compute, from installed to delivered", "step", "share", "PFLOP/s left")
    left = outcome["installed_pflops"]
    table.add_row("installed dense BF16 peak", "", number(left))
    for name, meaning in WATERFALL[1:-1]:
        left *= outcome[name]
        table.add_row(f"{name} ({meaning})", f"{outcome[name]:.4f}", number(left))
    table.add_row("delivered, mean over the life", "", number(outcome["delivered_pflops"]), style="bold")
    return table


def limit_line(limit: Limit) -> str:
    """Return a rule with the two values that it compares."""
    value, bound = pretty(limit.value, limit.units), pretty(limit.limit, limit.units)
    state = f"broken by {-limit.margin:.1%}" if limit.margin < 0 else f"margin {abs(limit.margin):.2%}"
    return f"{limit.name}: {value}, {limit.sense} {bound} ({state}). {limit.sentence}"


def limits_text(best: Evaluated, ends: Sequence[AtEnd]) -> Text:
    """Return what limits the design: binding rules, the next tightest, variables at an end of their range."""
    text = Text()
    text.append("What limits it\n", style="bold")
    tight = binding(list(best.limits))
    for limit in tight:
        text.append(f"  binding   {limit_line(limit)}\n")
    others = [x for x in best.limits if x not in tight and x.margin >= 0.0 and not x.is_idle][:NEXT_TIGHTEST]
    for limit in others:
        text.append(f"  next      {limit_line(limit)}\n")
    for end in ends:
        text.append(f"  at an end {end.variable} = {pretty(end.value, end.units)}, the {end.end} end of its range\n")
    text.rstrip()
    return text


def ground_text(outcome: Mapping[str, float]) -> Text:
    """Return orbit against ground."""
    ratio = outcome["cost_ratio_to_ground"]
    verdict = "cheaper than" if ratio < 1.0 else "dearer than"
    text = Text()
    text.append("Orbit against the ground\n", style="bold")
    text.append(
        f"  orbit {pretty(outcome['lcoc_usd_per_pflop_hour'], 'USD/PFLOP-hour')}, ground "
        f"{pretty(outcome['ground_lcoc_usd_per_pflop_hour'], 'USD/PFLOP-hour')} with the same accelerator: "
        f"orbit is {max(ratio, 1.0 / ratio if ratio else 1.0):.2f} times {verdict} the ground\n"
    )
    parity = outcome["breakeven_launch_usd_per_kg"]
    paid = outcome["launch_price_usd_per_kg"]
    if parity > 0:
        text.append(f"  parity at a launch price of {money(parity)}/kg; this plan pays {money(paid)}/kg\n")
    else:
        text.append(f"  no launch price reaches parity, not even zero; this plan pays {money(paid)}/kg\n")
    text.append(
        "  training run, as one job on the whole fleet: "
        f"{outcome['training_run_days']:.3g} days, {money(outcome['training_run_cost_usd'])}, "
        f"{number(outcome['training_run_energy_mwh'])} MWh in orbit; "
        f"{outcome['ground_training_run_days']:.3g} days, {money(outcome['ground_training_run_cost_usd'])}, "
        f"{number(outcome['ground_training_run_energy_mwh'])} MWh on the ground"
    )
    return text


def published_table(metrics: Sequence[PublishedMetric]) -> Table:
    """Return the design in the terms of the published methods."""
    table = plain_table("In the terms of others", "measure", "this design", "published", "by")
    table.columns[3].justify = "left"
    for metric in metrics:
        table.add_row(metric.meaning, pretty(metric.value, metric.units), str(metric.anchor), metric.authority)
    return table


def why_not_table(result: RunResult) -> Table:
    """Return, for every name that was not chosen, the best design found with it and what it costs more."""
    table = names_table("Why not another", "instead of", "best found with", result.study.objective, "worse by")
    table.columns[1].justify = "left"
    best = result.result.candidates[0]
    for other in result.alternatives:
        candidate = other.candidate
        if candidate.violation > 0.0:
            cells = ("-", f"none found that meets {', '.join(other.broken)}")
        else:
            worse = abs(candidate.objective - best.objective) / (abs(best.objective) or 1.0)
            cells = (f"{result.in_sense(candidate.objective):.5g}", f"{worse:+.1%}")
        table.add_row(best.combination[other.variable], other.name, *cells)
    return table


def evaluation_report(evaluated: Evaluated) -> RenderableType:
    """Return one evaluated design."""
    outcome = evaluated.outcome
    parts: list[RenderableType] = []
    if evaluated.feasible:
        parts.append(Text("Feasible: every rule and bound is met.", style="bold green"))
    else:
        broken = "\n".join(f"  {limit_line(limit)}" for limit in evaluated.broken)
        parts.append(Text(f"INFEASIBLE\n{broken}", style="bold red"))
    table = names_table("Outcomes", "outcome", "value", "meaning")
    table.columns[2].justify = "left"
    for name, field in OUTCOMES.items():
        table.add_row(name, pretty(outcome[name], field.units), field.meaning)
    parts += [Text(), design_table(evaluated.design, evaluated.study), Text(), table]
    parts += [limits_text(evaluated, ()), Text(), ground_text(outcome)]
    return Group(*parts)


def ground_report(result: GroundResult) -> RenderableType:
    """Return the ground alternative, cheapest accelerator first."""
    table = plain_table(
        title_of(result.study),
        "accelerator",
        "USD/PFLOP-hour",
        "USD/h",
        "USD/kW/year",
        "capital",
        "USD/W",
    )
    for option in result.options:
        table.add_row(
            option.accelerator,
            f"{option.lcoc_usd_per_pflop_hour:.4g}",
            f"{option.cost_usd_per_accelerator_hour:.4g}",
            number(option.cost_usd_per_kw_year),
            money(option.capex_usd),
            f"{option.capex_usd_per_w:.4g}",
        )
    best = result.best
    total = sum(best.parts_usd.values())
    parts = plain_table(f"Discounted cost with {best.accelerator}", "part", "amount", "share")
    for part in sorted(PARTS, key=lambda p: -best.parts_usd[p]):
        parts.add_row(part, money(best.parts_usd[part]), f"{best.parts_usd[part] / total:.1%}")
    note = Text(
        f"Service starts {number(best.delay_years)} years after the decision; availability {best.availability:.4f}."
    )
    return Group(table, Text(), parts, Text(), note)


def comparison_table(columns: Mapping[str, Mapping[str, float]], names: Sequence[str]) -> Table:
    """Return several results side by side; a figure that does not exist for one of them is a dash."""
    table = names_table("Comparison", "measure", *columns)
    for name in names:
        units = OUTCOMES[name].units
        cells = [pretty(column[name], units) if name in column else "-" for column in columns.values()]
        table.add_row(name, *cells)
    return table


SHOWN_OF_A_CASE = ("case", "method", "metric", "expected", "got", "deviation", "tolerance", "result")


def validation_table(results: Sequence[CaseResult]) -> RenderableType:
    """Return published cases beside what the product gives, and the reasons of those that disagree."""
    table = names_table("Published cases", *SHOWN_OF_A_CASE)
    for row, result in zip(table_rows(results), results, strict=True):
        table.add_row(*(row[name] for name in SHOWN_OF_A_CASE), style="" if result.passed else "red")
    reasons = [f"{r.case.case_id} {r.case.metric}: {r.reason}" for r in results if not r.passed]
    return Group(table, *(Text(reason, style="red") for reason in reasons))


def name_table(title: str, rows: Mapping[str, str]) -> Table:
    """Return names with a short description."""
    table = names_table(title, "name", "description")
    table.columns[1].justify = "left"
    for name, text in rows.items():
        table.add_row(name, text)
    return table


SUMMARY_FIELDS = {
    "Orbit": ("inclination_deg", "ltan_h"),
    "Accelerator": ("bf16_dense_tflops", "it_power_w", "mass_kg", "price_usd"),
    "SolarArray": ("efficiency", "areal_mass_kg_m2", "usd_per_w", "available_year"),
    "Radiator": ("areal_mass_kg_m2", "usd_per_m2", "faces", "available_year"),
    "Vehicle": ("payload_leo_kg", "fairing_m3", "price_usd", "available_year"),
    "Workload": ("sustained_fraction", "job_accelerators"),
    "TrainingRun": ("flop",),
}


def row_summary(row: object) -> str:
    """Return the main figures of a catalogue row."""
    return ", ".join(f"{name} {getattr(row, name):.6g}" for name in SUMMARY_FIELDS[type(row).__name__])
