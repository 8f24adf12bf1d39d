"""A design reported in the terms of the published studies, beside what they published."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.constants import KG_PER_TONNE, WATTS_PER_KW
from dawndusk.models.design import Design
from dawndusk.studies.data.rows import COLUMNS, lines, number, span
from dawndusk.studies.published import mccalip, suncatcher, turyshev

MW_PER_GW = 1e3
USD_PER_BUSD = 1e9
CLAIMED_IT_POWER_MW = 200.0
"""IT power of the claim about transport."""
HARDWARE = ("array", "pmad", "battery", "radiator", "thermal_loop", "shielding", "communications", "bus")
"""Parts of a satellite apart from its accelerators, as outcomes name their cost."""


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """A published value, range, or both, and where it comes from."""

    key: str
    value: float | None
    low: float | None
    high: float | None
    units: str
    source: str
    url: str
    year: int
    confidence: str
    note: str

    def scaled(self, factor: float, note: str) -> Anchor:
        """Return the anchor for a design of another size."""
        value, low, high = (None if x is None else x * factor for x in (self.value, self.low, self.high))
        return dataclasses.replace(self, value=value, low=low, high=high, note=note)

    def __str__(self) -> str:
        value = "" if self.value is None else f"{self.value:.3g}"
        reach = "" if self.low is None and self.high is None else span(self.low, self.high)
        return f"{value} ({reach})" if value and reach else value or reach


@dataclass(frozen=True, kw_only=True)
class PublishedMetric:
    """One figure of a design in the terms of an authority, with what the authority published."""

    name: str
    value: float
    units: str
    authority: str
    meaning: str
    anchor: Anchor


@functools.cache
def anchors() -> dict[str, Anchor]:
    """Return the shipped published figures by key."""
    found = {}
    for where, cells in lines(files("dawndusk.studies.data") / "published_designs.csv", COLUMNS):
        value, low, high = (
            number(f"{where}: {name}", cells[name]) if cells[name] else None for name in ("value", "low", "high")
        )
        found[cells["key"]] = Anchor(
            key=cells["key"],
            value=value,
            low=low,
            high=high,
            units=cells["units"],
            source=cells["source"],
            url=cells["url"],
            year=int(cells["year"]),
            confidence=cells["confidence"],
            note=cells["note"],
        )
    return found


@dataclass(frozen=True)
class _Fleet:
    """The figures of an outcome that the published methods ask for."""

    it_power_mw: float
    array_kw: float
    mass_kg: float
    launch_usd_per_kg: float
    launch_usd: float
    hardware_usd: float
    launched_kg: float

    @property
    def satellites(self) -> float:
        """Satellites launched, those that fail on the way included."""
        return self.launched_kg / self.mass_kg

    @property
    def hardware_usd_per_w(self) -> float:
        """Hardware per watt of array power when new."""
        return self.hardware_usd / (self.satellites * self.array_kw * WATTS_PER_KW)


def _fleet(outcome: Mapping[str, float]) -> _Fleet:
    return _Fleet(
        it_power_mw=outcome["it_power_mw"],
        array_kw=outcome["array_power_bol_w"] / WATTS_PER_KW,
        mass_kg=outcome["wet_mass_kg"],
        launch_usd_per_kg=outcome["launch_price_usd_per_kg"],
        launch_usd=outcome["launch_cost_usd"],
        hardware_usd=sum(outcome[f"{part}_cost_usd"] for part in HARDWARE),
        launched_kg=outcome["launched_mass_t"] * KG_PER_TONNE,
    )


def published_metrics(
    outcome_row: Mapping[str, float], design: Design, assumptions: Assumptions
) -> list[PublishedMetric]:
    """Return a design in the terms of McCalip, Suncatcher, Turyshev and the claim about transport.

    ``outcome_row`` holds the outcomes of one design by name (``Outcome.row``). Satellite power is array power when
    new, as those studies use it; hardware is everything but accelerators.
    """
    fleet = _fleet(outcome_row)
    return [
        *_mccalip(fleet),
        _suncatcher(fleet, design),
        *_turyshev(fleet, outcome_row, assumptions),
        _transport(fleet),
    ]


def _mccalip(fleet: _Fleet) -> list[PublishedMetric]:
    books = mccalip.Books(
        target_gw=fleet.it_power_mw / MW_PER_GW,
        satellite_power_kw=fleet.array_kw,
        specific_power_w_per_kg=fleet.array_kw * WATTS_PER_KW / fleet.mass_kg,
        satellite_usd_per_w=fleet.hardware_usd_per_w,
        launch_usd_per_kg=fleet.launch_usd_per_kg,
    )
    account = mccalip.account(books)
    meaning = (
        "Hardware, launch and five years of operations and failures over the IT power, with this design's "
        "satellite power, W/kg, USD/W and launch price; all else as McCalip has it."
    )
    return [
        PublishedMetric(
            name=name,
            value=account[name],
            units=mccalip.MCCALIP.outputs[name],
            authority="McCalip",
            meaning=text,
            anchor=anchors()[f"mccalip.{name}"],
        )
        for name, text in (
            ("orbital_usd_per_w", meaning),
            ("orbital_usd_per_mwh", "The same per energy of the IT power over five years."),
        )
    ]


def _suncatcher(fleet: _Fleet, design: Design) -> PublishedMetric:
    price = suncatcher.launched_power_price_usd_per_kw_year(
        fleet.mass_kg, fleet.array_kw, design.life_years, fleet.launch_usd_per_kg
    )
    return PublishedMetric(
        name="launched_power_price_usd_per_kw_year",
        value=price,
        units="USD/kW/year",
        authority="Project Suncatcher",
        meaning="Launch cost per kW of array power when new and year of life.",
        anchor=anchors()["suncatcher.launched_power_price_v2mini_200"],
    )


def _turyshev(fleet: _Fleet, outcome: Mapping[str, float], assumptions: Assumptions) -> list[PublishedMetric]:
    kg_per_kw = outcome["mass_per_it_power_kg_per_kw"]
    ground = assumptions.ground.shell_usd_per_w * WATTS_PER_KW
    afford = turyshev.breakeven_launch_plus_build_usd_per_kg(ground, kg_per_kw)
    paid = (fleet.launch_usd + fleet.hardware_usd) / fleet.launched_kg
    rows = (
        ("deployed_mass_kg_per_kw", kg_per_kw, "kg/kW", "Mass at launch per IT power.", "mass_total"),
        (
            "breakeven_launch_plus_build_usd_per_kg",
            afford,
            "USD/kg",
            f"What launch and build may cost together, against {ground:,.0f} USD/kW of building and plant.",
            "breakeven_launch_plus_build",
        ),
        (
            "launch_plus_build_usd_per_kg",
            paid,
            "USD/kg",
            "What launch and satellite hardware, accelerators apart, cost together.",
            "breakeven_launch_plus_build",
        ),
    )
    return [
        PublishedMetric(
            name=name,
            value=value,
            units=units,
            authority="Turyshev",
            meaning=meaning,
            anchor=anchors()[f"turyshev.{key}"],
        )
        for name, value, units, meaning, key in rows
    ]


def _transport(fleet: _Fleet) -> PublishedMetric:
    factor = fleet.it_power_mw / CLAIMED_IT_POWER_MW
    claim = anchors()["transport_claim.200MW"]
    note = f"{claim.note}; scaled from {CLAIMED_IT_POWER_MW:g} to {fleet.it_power_mw:g} MW"
    return PublishedMetric(
        name="transport_busd",
        value=fleet.launch_usd / USD_PER_BUSD,
        units="BUSD",
        authority="36Kr claim",
        meaning=f"Cost of all launches; the claim for {CLAIMED_IT_POWER_MW:g} MW is scaled to this IT power.",
        anchor=claim.scaled(factor, note),
    )
