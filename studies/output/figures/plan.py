"""A plan over years: launches, what serves, and money, period by period."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dawndusk.models.units import money, number
from dawndusk.studies.output.figures.picture import BLUE, GREY, Picture, layout

HEIGHT_PX = 340
GROUND = "ground"
LEGEND = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "traceorder": "normal"}
MARGIN = {"l": 8, "r": 16, "t": 56, "b": 8}
CASH, SUM = "cash_flow_usd", "cumulative_cash_usd"

Rows = Sequence[Mapping[str, str]]


def stacked(
    name: str, title: str, caption: str, values: Mapping[str, Mapping[str, float]], units: str
) -> Picture | None:
    """Return amounts by period, one colour for each series; None where there is nothing."""
    periods = list(dict.fromkeys(period for series in values.values() for period in series))
    if not periods or not any(amount for series in values.values() for amount in series.values()):
        return None
    periods.sort()
    traces: list[dict[str, Any]] = [
        {
            "type": "bar",
            "name": series,
            "x": periods,
            "y": [amounts.get(period, 0.0) for period in periods],
            "hovertemplate": series + " %{y:.4g} " + units + "<extra>%{x}</extra>",
        }
        for series, amounts in values.items()
    ]
    return Picture(
        name=name,
        title=title,
        caption=caption,
        data=traces,
        layout=layout(
            HEIGHT_PX,
            barmode="stack",
            showlegend=True,
            legend=LEGEND,
            margin=MARGIN,
            yaxis={"title": {"text": units}},
            xaxis={"type": "category", "showgrid": False},
        ),
        columns=("period", *values),
        rows=[(period, *(number(series.get(period, 0.0)) for series in values.values())) for period in periods],
    )


def _summed(rows: Iterable[tuple[str, str, float]]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for series, period, amount in rows:
        amounts = found.setdefault(series, {})
        amounts[period] = amounts.get(period, 0.0) + amount
    return found


def launches(manifest: Rows) -> Picture | None:
    """Return the launches of every period by vehicle."""
    flown = dict.fromkeys((row["vehicle"], row["period"], row["orbit"], row["launch"]) for row in manifest)
    values = _summed((vehicle, period, 1.0) for vehicle, period, _, _ in flown)
    caption = f"{len(flown):,} launches, by vehicle."
    return stacked("plan_launches", "Launches", caption, values, "launches")


def serving(plan: Rows) -> Picture | None:
    """Return the IT power in service by design, that on the ground included."""
    values = _summed((_series(row), row["period"], float(row["it_power_mw"])) for row in plan)
    return stacked("plan_service", "IT power in service", "On average over each period, by design.", values, "MW")


def compute(plan: Rows) -> Picture | None:
    """Return the compute delivered by design."""
    values = _summed((_series(row), row["period"], float(row["delivered_pflops"])) for row in plan)
    return stacked("plan_compute", "Compute delivered", "On average over each period, by design.", values, "PFLOP/s")


def _series(row: Mapping[str, str]) -> str:
    return f"{row['design']} on the ground" if row["vehicle"] == GROUND else f"{row['design']} on {row['vehicle']}"


def cash(flow: Rows) -> Picture | None:
    """Return the cash flow of every period, and its sum."""
    if not flow:
        return None
    periods = [row["period"] for row in flow]
    each, total = ([float(row[key]) for row in flow] for key in (CASH, SUM))
    bars = {"type": "bar", "name": "cash flow", "x": periods, "y": each, "marker": {"color": BLUE}}
    line = {"type": "scatter", "mode": "lines", "name": "sum so far", "x": periods, "y": total, "line": {"color": GREY}}
    return Picture(
        name="plan_cash",
        title="Cash flow",
        caption=f"By period and summed, not discounted; the sum is lowest at {money(min(total))}.",
        data=[bars, line],
        layout=layout(
            HEIGHT_PX,
            showlegend=True,
            legend=LEGEND,
            margin=MARGIN,
            yaxis={"title": {"text": "USD"}},
            xaxis={"type": "category", "showgrid": False},
        ),
        columns=("period", "cash flow", "sum so far"),
        rows=[(p, money(a), money(b)) for p, a, b in zip(periods, each, total, strict=True)],
    )
