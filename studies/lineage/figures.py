"""Every figure of one design as a tree of terms, down to design variables and data rows with their sources."""

from __future__ import annotations

import csv
import functools
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.design import VARIABLES, Design
from dawndusk.models.errors import DawnduskError, nearest
from dawndusk.models.outcome import OUTCOMES
from dawndusk.models.recording.rows import ORBIT_CODE
from dawndusk.studies.data.rows import FIELDS
from dawndusk.studies.lineage.formulas import formula, inner_nodes, terms_below
from dawndusk.studies.lineage.origins import Origins, folded, value_of
from dawndusk.studies.lineage.recording import Maker, Recording, record

OUTCOME, TERM, CHOICE, ROW, TABLE = "outcome", "term", "design", "row", "table"
"""Kinds of figures: a result, something on the way, a design variable, a data row, a table of the environment."""

ORBIT_KEYS = ("orbits.{orbit}.sun_synchronous", "orbits.{orbit}.inclination_deg", "orbits.{orbit}.ltan_h")
SHAPE_KEYS = ORBIT_KEYS[:2]
SUN_KEYS = (*ORBIT_KEYS, "scenario.first_launch_year")
AIR_KEYS = ("environment.solar_flux_f107",)
DESCENT_KEYS = ("platform.disposal_altitude_km",)
DOSE_FILES, FLUX_FILES = ("dose_depth.csv", "dose_inclination.csv"), ("trapped_proton_flux.csv",)
AIR_FILES, DEBRIS_FILES = ("atmosphere.csv",), ("debris_density.csv",)
TABLES: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "inclination_deg": ("Inclination by altitude", SHAPE_KEYS, ()),
    "sunlit_fraction": ("Sunlit share of the year by altitude", SUN_KEYS, ()),
    "eclipse_max_min": ("Longest eclipse by altitude", SUN_KEYS, ()),
    "eclipse_days_per_year": ("Days with eclipses by altitude", SUN_KEYS, ()),
    "mean_cos_beta": ("Mean cosine of the beta angle by altitude", SUN_KEYS, ()),
    "edge_on_ram_fraction": ("Frontal area of an edge-on plate by altitude", SUN_KEYS, ()),
    "air_density_kg_m3": ("Density of the upper atmosphere by altitude", AIR_KEYS, AIR_FILES),
    "decay_years_per_kg_m2": ("Decay time by altitude", AIR_KEYS, AIR_FILES),
    "disposal_decay_years_per_kg_m2": ("Decay time from disposal", (*AIR_KEYS, *DESCENT_KEYS), AIR_FILES),
    "earth_view_factor": ("View factor of an edge-on plate to the Earth by altitude", (), ()),
    "log_cell_proton_ratio": ("Proton flux on solar cells by altitude, logarithm", SHAPE_KEYS, FLUX_FILES),
    "log_dose": ("Dose of trapped particles by altitude and wall, logarithm", SHAPE_KEYS, DOSE_FILES),
    "log_proton_ratio": ("Proton flux by altitude and wall, logarithm", SHAPE_KEYS, FLUX_FILES),
    "crowding": ("Density of other objects by altitude", (), DEBRIS_FILES),
    "crowding_of_decay": ("Density of other objects met in decay", AIR_KEYS, (*AIR_FILES, *DEBRIS_FILES)),
    "crowding_of_descent": ("Density of other objects met in descent", DESCENT_KEYS, DEBRIS_FILES),
    "crowding_below": ("Density of other objects at the disposal altitude", DESCENT_KEYS, DEBRIS_FILES),
}
"""Tables that follow from the orbit alone: what they are, the data rows and the files that they are made from."""


class UnknownFigureError(DawnduskError):
    """A name that is no figure of a result."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a data row or table comes from."""

    source: str
    url: str
    year: int
    confidence: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure: its value, how it is worked out and the figures that it is worked out from.

    ``low`` and ``high`` are the range of a data row. ``sources`` is empty but for rows and tables.
    """

    name: str
    kind: str
    label: str
    value: float | str | None
    units: str
    meaning: str
    formula: str = ""
    maker: str = ""
    low: float | None = None
    high: float | None = None
    sources: tuple[Source, ...] = ()
    reads: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, empty ones left out."""
        return {key: value for key, value in asdict(self).items() if value not in ("", None, ())}


class FigureTrees(ABC):
    """Figures by name, each of which is made of others."""

    @abstractmethod
    def __getitem__(self, name: str) -> Figure:
        """Return a figure by its name."""

    def walk(self, name: str) -> Iterator[Figure]:
        """Yield a figure and everything below it, each once, nearest first."""
        seen, queue = {name}, [name]
        while queue:
            figure = self[queue.pop(0)]
            yield figure
            for read in figure.reads:
                if read not in seen:
                    seen.add(read)
                    queue.append(read)

    def rows_behind(self, name: str) -> list[str]:
        """Return the keys of the data rows that a figure rests on."""
        return [figure.name for figure in self.walk(name) if figure.kind == ROW]


class Lineage(FigureTrees):
    """The figures of one design under one set of assumptions."""

    def __init__(self, recording: Recording, origins: Origins) -> None:
        self._recording, self._origins = recording, origins
        self._nodes, self._values = recording.nodes, recording.values
        self._figures: dict[str, Figure] = {}

    def __getitem__(self, name: str) -> Figure:
        """Return a figure: an outcome, a term, a design variable, a data row or a table by name."""
        if name not in self._figures:
            self._figures[name] = self._make(name)
        return self._figures[name]

    @property
    def branches(self) -> tuple[str, ...]:
        """Return the beliefs that decide which terms there are."""
        return self._origins.branches

    def to_dict(self, *names: str) -> dict[str, dict[str, Any]]:
        """Return figures and everything below them by name; all outcomes where none is named."""
        found: dict[str, dict[str, Any]] = {}
        for name in names or tuple(self._recording.outcomes):
            for figure in self.walk(name):
                found[figure.name] = figure.to_dict()
        return found

    def _make(self, name: str) -> Figure:
        recording = self._recording
        if name in recording.outcomes:
            return self._of_node(recording.outcomes[name], name)
        if name.startswith("term "):
            return self._of_node(int(name.removeprefix("term ")), name)
        if name in recording.assumptions.provenance:
            return row_figure(recording.assumptions, name)
        kind, _, rest = name.partition(".")
        if kind == "design" and rest in VARIABLES:
            return _of_variable(recording.design, rest)
        if kind == "table" and rest in TABLES:
            return _of_table(recording.design, rest)
        raise UnknownFigureError(
            f"figure {name!r}: no such figure of a result; allowed: an outcome, design.VARIABLE or the key of an "
            f"assumption{nearest(name, [*OUTCOMES, *recording.assumptions.provenance])}"
        )

    def _of_node(self, number: int, name: str) -> Figure:
        known = OUTCOMES.get(name)
        maker = self._recording.names.makers.get(number)
        label = self._recording.names.of(number).replace("_", " ")
        return Figure(
            name=name,
            kind=OUTCOME if known else TERM,
            label=name if known else label,
            value=self._values[number],
            units=known.units if known else "",
            meaning=known.meaning if known else (maker.summary if maker else self._context(number)),
            formula=formula(self._nodes, number, self._label),
            maker=_shown(maker or self._recording.names.within.get(number)),
            reads=tuple(dict.fromkeys(self._reads(number))),
        )

    def _context(self, number: int) -> str:
        """Return in which quantity a value that has no docstring of its own is worked out."""
        maker = self._recording.names.within.get(number)
        return f"On the way to {maker.name.replace('_', ' ')}." if maker and maker.is_physics else ""

    def _label(self, number: int) -> str:
        """Return the name of a node in formulas, empty where its operation is written out."""
        node = self._nodes[number]
        if node.kind == "input":
            return str(node.payload)
        if node.kind == "parameter":
            return "" if node.payload == ORBIT_CODE else str(node.payload).replace("_", " ").replace(".", "'s ")
        if node.kind == "constant":
            return self._constant_label(number)
        return "" if node.kind == "locate" else self._recording.names.of(number).replace("_", " ")

    def _constant_label(self, number: int) -> str:
        keys = self._origins.constants.get(number, ())
        table = self._recording.tables.get(number)
        if table is not None:
            return table.replace("_", " ")
        if not keys:
            return ""
        value, short = self._nodes[number].payload, _short(keys[0])
        believed = value_of(self._recording.assumptions, keys[0])
        if len(keys) == 1 and value == believed:
            return short
        if len(keys) == 1 and value == -believed:
            return f"(−{short})"
        if len(keys) == 1 and believed and value == 1.0 / believed:
            return f"(1 / {short})"
        return f"{value:.6g}"

    def _reads(self, number: int) -> Iterator[str]:
        """Yield the names of the figures that a node is worked out from."""
        for one in inner_nodes(self._nodes, number, self._label):
            if one in self._recording.tables:
                yield f"table.{self._recording.tables[one]}"
        if self._nodes[number].kind in {"constant", "parameter"}:
            yield from self._names_of(number)
        for one in terms_below(self._nodes, number, self._label):
            yield from self._names_of(one)

    def _names_of(self, number: int) -> Iterator[str]:
        node = self._nodes[number]
        if node.kind == "input":
            yield f"design.{node.payload}"
        elif node.kind == "parameter":
            yield self._recording.rows[node.payload]
        elif node.kind == "constant":
            table = self._recording.tables.get(number)
            yield from (f"table.{table}",) if table else self._origins.constants.get(number, ())
        else:
            name = self._recording.names.given.get(number, "")
            known = self._recording.outcomes.get(name) == number
            yield name if known else f"term {number}"


def lineage_of(design: Design, assumptions: Assumptions) -> Lineage:
    """Return the figures of a design under assumptions."""
    return Lineage(*folded(record(design, assumptions)))


def _short(key: str) -> str:
    """Return the last part of a key as words, with its group where an outcome or a variable has the same name."""
    owner, *_, name = key.split(".")
    words = name.replace("_", " ")
    return f"{owner}'s {words}" if name in OUTCOMES or name in VARIABLES else words


def _shown(maker: Maker | None) -> str:
    return f"{maker.module}.{maker.name}" if maker is not None and maker.is_physics else ""


def _of_variable(design: Design, name: str) -> Figure:
    variable = VARIABLES[name]
    return Figure(
        name=f"design.{name}",
        kind=CHOICE,
        label=name,
        value=getattr(design, name),
        units="" if variable.units == "name" else variable.units,
        meaning=variable.meaning,
    )


def row_figure(assumptions: Assumptions, key: str) -> Figure:
    """Return the figure of a data row, with its range and its source."""
    row = assumptions.provenance[key]
    source = Source(source=row.source, url=row.url, year=row.year, confidence=row.confidence, note=row.note)
    return Figure(
        name=key,
        kind=ROW,
        label=key,
        value=value_of(assumptions, key),
        units=row.units,
        meaning=meaning_of(key),
        low=row.low,
        high=row.high,
        sources=(source,),
    )


def meaning_of(key: str) -> str:
    """Return the sentence of an assumption."""
    owner, *_, name = key.split(".")
    return str(FIELDS[owner][name].metadata["meaning"])


def _of_table(design: Design, name: str) -> Figure:
    meaning, keys, names = TABLES[name]
    return Figure(
        name=f"table.{name}",
        kind=TABLE,
        label=name,
        value=None,
        units="",
        meaning=f"{meaning}.",
        sources=tuple(source for file in names for source in file_sources(file)),
        reads=tuple(key.format(orbit=design.orbit) for key in keys),
    )


@functools.cache
def file_sources(name: str) -> tuple[Source, ...]:
    """Return the distinct sources of the rows of a shipped table."""
    text = (files("dawndusk.studies.data") / name).read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    found = dict.fromkeys((r["source"], r["url"], int(r["year"]), r["confidence"]) for r in rows)
    return tuple(Source(source=s, url=u, year=y, confidence=c, note=name) for s, u, y, c in found)
