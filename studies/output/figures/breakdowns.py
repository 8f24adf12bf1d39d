"""What one result consists of: mass, capital, cost per compute, power and heat, delivered compute."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.design import Design
from dawndusk.models.outcome import OUTCOMES
from dawndusk.models.units import money, number, pretty
from dawndusk.optimize.explain.decomposition import GROUPS, terms_of
from dawndusk.studies.output.figures.picture import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    SKY,
    Picture,
    bar_height,
    layout,
    spoken,
)
from dawndusk.studies.output.terminal.design import CAPITAL_EXTRAS, MASS_EXTRAS, WATERFALL, breakdown

LCOC = "lcoc_usd_per_pflop_hour"
FAINTEST_LINK = "rgba(86,180,233,0.35)"
SANKEY_PX = 300


def parts_picture(
    name: str, title: str, caption: str, parts: Mapping[str, float], shown: Mapping[str, str], units: str
) -> Picture:
    """Return parts of a whole as bars, the largest on top; ``shown`` are the amounts in words."""
    labels = list(parts)[::-1]
    total = sum(parts.values()) or 1.0
    trace = {
        "type": "bar",
        "orientation": "h",
        "y": [spoken(label) for label in labels],
        "x": [parts[label] for label in labels],
        "text": [f"{shown[label]}  ({parts[label] / total:.1%})" for label in labels],
        "textposition": "outside",
        "constraintext": "none",
        "cliponaxis": False,
        "hovertemplate": "%{y}: %{text}<extra></extra>",
        "marker": {"color": BLUE},
    }
    rows = [(spoken(label), shown[label], f"{value / total:.1%}") for label, value in parts.items()]
    room = max(parts.values(), default=1.0) * WORDY_HEADROOM
    x = {"title": {"text": units}, "range": [0, room], "nticks": MOST_TICKS}
    return Picture(
        name=name,
        title=title,
        caption=caption,
        data=[trace],
        layout=layout(bar_height(len(parts)), xaxis=x, yaxis={"showgrid": False}),
        columns=("part", "amount", "share"),
        rows=rows,
    )


def _parts(outcome: Mapping[str, float], suffix: str, total: str, without: Iterable[str]) -> dict[str, float]:
    full = {name: outcome.get(name, 0.0) for name in OUTCOMES}
    return {name.removesuffix(suffix): full[name] for name in breakdown(full, suffix, total, without)}


def mass(outcome: Mapping[str, float]) -> Picture:
    """Return the mass of one satellite by part."""
    parts = _parts(outcome, "_mass_kg", "wet_mass_kg", MASS_EXTRAS)
    shown = {name: f"{number(round(value, 1))} kg" for name, value in parts.items()}
    largest = spoken(next(iter(parts), "nothing"))
    caption = (
        f"One satellite weighs {number(round(outcome['wet_mass_kg'], 1))} kg at launch; the largest part is {largest}."
    )
    return parts_picture("mass", "Mass of one satellite", caption, parts, shown, "kg")


def capital(outcome: Mapping[str, float]) -> Picture:
    """Return the capital by part."""
    parts = _parts(outcome, "_cost_usd", "capex_usd", CAPITAL_EXTRAS)
    shown = {name: money(value) for name, value in parts.items()}
    largest = spoken(next(iter(parts), "nothing"))
    caption = f"Capital of {money(outcome['capex_usd'])}, not discounted; the largest part is {largest}."
    return parts_picture("capital", "Capital", caption, parts, shown, "USD")


def cost_groups(outcome: Mapping[str, float], design: Design, assumptions: Assumptions) -> dict[str, float]:
    """Return the levelised cost by the groups of the explanation, in USD per PFLOP-hour; they add up to it."""
    group_of = {member: group for group, members in GROUPS.items() for member in members}
    found: dict[str, float] = {}
    for name, term in terms_of(LCOC, outcome, design.life_years, assumptions).items():
        group = group_of.get(next(iter(term.factors)), spoken(name))
        found[group] = found.get(group, 0.0) + term.value
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))


def levelised(outcome: Mapping[str, float], design: Design, assumptions: Assumptions) -> Picture:
    """Return what the levelised cost is made of, as a waterfall that ends in it."""
    units = OUTCOMES[LCOC].units
    parts = cost_groups(outcome, design, assumptions)
    steps = [(spoken(group), value, "relative") for group, value in parts.items()]
    caption = f"Discounted cost per discounted compute: {pretty(outcome[LCOC], units)}, by what it pays for."
    return _waterfall(
        "levelised", "Levelised cost", caption, [*steps, ("levelised cost", outcome[LCOC], "total")], units
    )


def _waterfall(
    name: str, title: str, caption: str, steps: Sequence[tuple[str, float, str]], units: str, rising: str = ORANGE
) -> Picture:
    """Return amounts that add up, or take away, one after the other."""
    trace = {
        "type": "waterfall",
        "orientation": "h",
        "y": [label for label, _, _ in steps],
        "x": [value for _, value, _ in steps],
        "measure": [measure for _, _, measure in steps],
        "text": [number(float(f"{value:.3g}")) for _, value, _ in steps],
        "textposition": "outside",
        "constraintext": "none",
        "cliponaxis": False,
        "hovertemplate": "%{y}: %{text} " + units + "<extra></extra>",
        "increasing": {"marker": {"color": rising}},
        "decreasing": {"marker": {"color": RED}},
        "totals": {"marker": {"color": BLUE}},
        "connector": {"line": {"color": GREY, "width": 1}},
    }
    highest = max(abs(value) for _, value, _ in steps)
    x = {"title": {"text": units}, "range": [0, highest * HEADROOM], "nticks": MOST_TICKS}
    return Picture(
        name=name,
        title=title,
        caption=caption,
        data=[trace],
        layout=layout(bar_height(len(steps)), xaxis=x, yaxis={"autorange": "reversed", "showgrid": False}),
        columns=("step", units),
        rows=[(label, number(value)) for label, value, _ in steps],
    )


HEADROOM, WORDY_HEADROOM = 1.2, 1.4
"""Room for the words beside the longest bar, over its length."""
MOST_TICKS = 6


def compute(outcome: Mapping[str, float]) -> Picture:
    """Return the way from installed to delivered compute as a waterfall."""
    left = outcome["installed_pflops"]
    steps = [("installed", left, "absolute")]
    for name, _ in WATERFALL[1:-1]:
        steps.append((spoken(name, "_fraction"), left * (outcome[name] - 1.0), "relative"))
        left *= outcome[name]
    steps.append(("delivered", outcome["delivered_pflops"], "total"))
    share = outcome["delivered_pflops"] / outcome["installed_pflops"]
    caption = f"Of the installed peak {share:.1%} is delivered, as a mean over the life."
    return _waterfall("compute", "Compute, from installed to delivered", caption, steps, "PFLOP/s", GREEN)


def power(outcome: Mapping[str, float]) -> Picture:
    """Return where the electrical power of one satellite goes: to work, to its support, to losses, and out as heat.

    Losses are those of conversion and of storage, averaged over the orbit.
    """
    it, load, heat = outcome["it_power_w"], outcome["load_w"], outcome["heat_w"]
    flows = [
        ("array", "IT", it),
        ("array", "platform", load - it),
        ("array", "losses", heat - load),
        ("IT", "radiator", it),
        ("platform", "radiator", load - it),
        ("losses", "radiator", heat - load),
    ]
    names = list(dict.fromkeys(name for source, target, _ in flows for name in (source, target)))
    totals = {"array": heat, "radiator": heat} | {target: watts for source, target, watts in flows if source == "array"}
    trace = {
        "type": "sankey",
        "arrangement": "fixed",
        "node": {
            "label": [f"{name} {kilowatts(totals[name])}" for name in names],
            "color": [ORANGE if name == "array" else RED if name == "radiator" else SKY for name in names],
            "pad": 24,
            "thickness": 14,
        },
        "link": {
            "source": [names.index(source) for source, _, _ in flows],
            "target": [names.index(target) for _, target, _ in flows],
            "value": [watts for _, _, watts in flows],
            "color": [FAINTEST_LINK] * len(flows),
        },
        "valuesuffix": " W",
    }
    caption = (
        f"One satellite at full load: {kilowatts(heat)} from the array, and all of it leaves as heat by the "
        f"radiator at {number(outcome['radiator_temperature_k'])} K."
    )
    return Picture(
        name="power",
        title="Power and heat of one satellite",
        caption=caption,
        data=[trace],
        layout=layout(SANKEY_PX),
        columns=("from", "to", "power"),
        rows=[(source, target, kilowatts(watts)) for source, target, watts in flows],
    )


def kilowatts(watts: float) -> str:
    """Return a power in kW."""
    return f"{number(watts / WATTS_PER_KILOWATT)} kW"


WATTS_PER_KILOWATT = 1e3


def ground(outcome: Mapping[str, float], design: Design, assumptions: Assumptions) -> Picture:
    """Return the levelised cost in orbit and on the ground, both by what they pay for."""
    orbit = _orbit_groups(cost_groups(outcome, design, assumptions))
    earth = ground_groups(outcome["ground_lcoc_usd_per_pflop_hour"], design, assumptions, outcome["accelerators"])
    names = list(dict.fromkeys((*orbit, *earth)))
    traces: list[dict[str, Any]] = [
        {
            "type": "bar",
            "orientation": "h",
            "name": name,
            "y": ["ground", "orbit"],
            "x": [earth.get(name, 0.0), orbit.get(name, 0.0)],
            "hovertemplate": name + ": %{x:.4g}<extra>%{y}</extra>",
        }
        for name in names
    ]
    units, ratio = OUTCOMES[LCOC].units, outcome["cost_ratio_to_ground"]
    caption = (
        f"Orbit {pretty(outcome[LCOC], units)}, ground {pretty(outcome['ground_lcoc_usd_per_pflop_hour'], units)} with "
        f"the same accelerator: orbit costs {ratio:.2f} times what the ground costs."
    )
    return Picture(
        name="ground",
        title="Orbit against the ground",
        caption=caption,
        data=traces,
        layout=layout(
            LEGEND_PX,
            barmode="stack",
            showlegend=True,
            legend=LEGEND,
            margin={"l": 8, "r": 16, "t": 56, "b": 8},
            xaxis={"title": {"text": units}},
            yaxis={"showgrid": False},
        ),
        columns=("what it pays for", "orbit", "ground"),
        rows=[(name, number(orbit.get(name, 0.0)), number(earth.get(name, 0.0))) for name in names],
    )


LEGEND_PX = 240
LEGEND = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "traceorder": "normal"}
"""Above the bars, where no axis is."""
COMMON_GROUPS = {
    "compute": "accelerators and network",
    "satellites": "spacecraft or building",
    "launch": "launch",
    "programme": "programme and factory",
    "operations": "energy and operations",
}
GROUND_GROUPS = {
    "accelerators": "accelerators and network",
    "network": "accelerators and network",
    "replacements": "accelerators and network",
    "shell": "spacecraft or building",
    "energy": "energy and operations",
    "maintenance": "energy and operations",
    "staffing": "energy and operations",
}


def _orbit_groups(parts: Mapping[str, float]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, value in parts.items():
        group = COMMON_GROUPS.get(name, name)
        found[group] = found.get(group, 0.0) + value
    return found


def ground_groups(
    lcoc_usd_per_pflop_hour: float, design: Design, assumptions: Assumptions, accelerators: float
) -> dict[str, float]:
    """Return the levelised cost of the ground alternative by what it pays for, in USD per PFLOP-hour."""
    from dawndusk.models.programme.ground import ground_costs  # noqa: PLC0415 (the name of the figure stands in this module)

    costs = ground_costs(
        ground=assumptions.ground,
        thermal=assumptions.thermal,
        scenario=assumptions.scenario,
        reliability=assumptions.reliability,
        workload=assumptions.workloads[assumptions.workload],
        accelerator=assumptions.accelerators[design.accelerator],
        fleet_accelerators=accelerators,
    )
    found: dict[str, float] = {}
    for part, group in GROUND_GROUPS.items():
        share = float(getattr(costs, part)) / float(costs.total)
        found[group] = found.get(group, 0.0) + share * lcoc_usd_per_pflop_hour
    return found
