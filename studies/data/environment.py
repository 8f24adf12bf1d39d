"""The environment tables: one row for each altitude, one column for each node of the other axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path

import numpy as np

from dawndusk.models.errors import AssumptionError, one_of
from dawndusk.models.physics.radiation import POLAR_DEG, SUN_SYNCHRONOUS_SET, log_of
from dawndusk.models.tables import EnvironmentData, Floats
from dawndusk.studies.data.rows import header, lines, number

ORBIT_SETS = ("sso", "30", "53")
"""Inclinations for which dose and proton flux were computed: Sun-synchronous, 30 and 53 degrees."""

HIGH_INCLINATION = 70
"""Inclination in degrees of a set that follows from the computed ones and the shape of published doses."""
BELOW_HIGH_DEG = 53.0
SSO_550_DEG = 97.6
PUBLISHED_STEP_DEG = 5
"""Degrees between the inclinations of the published doses."""

_EVIDENCE = ("units", "source", "url", "year", "confidence", "note")


@dataclass(frozen=True)
class _Table:
    """A wide table: ``rows`` by their labels, the altitude last, on the nodes of ``axis``."""

    name: str
    axis: Floats
    rows: Mapping[tuple[str, ...], Sequence[float]]

    def altitudes_km(self) -> Floats:
        return _axis(self.name, sorted({float(labels[-1]) for labels in self.rows}))

    def grid(self, *labels: str) -> Floats:
        """Return the values of shape (altitudes, nodes) under all labels but the altitude."""
        missing = [h for h in self.altitudes_km() if (*labels, f"{h:g}") not in self.rows]
        if missing:
            raise AssumptionError(
                f"{self.name}: {' '.join(labels)}: found no row at {missing[0]:g} km, "
                "allowed the same altitudes for every set"
            )
        return _frozen([self.rows[*labels, f"{h:g}"] for h in self.altitudes_km()])


def read_environment(folder: Path | Traversable) -> EnvironmentData:
    """Read dose, trapped proton flux and air density from a folder.

    Parameters
    ----------
    folder : pathlib.Path
        Holds ``dose_depth.csv`` (krad(Si)/year, altitude in km by mm of aluminium), ``dose_inclination.csv`` (the same
        at 550 km for more inclinations), ``trapped_proton_flux.csv`` (1/cm2/s, altitude in km by MeV),
        ``atmosphere.csv`` (kg/m3, altitude in km by solar flux in sfu) and ``debris_density.csv`` (1/km3, altitude in
        km by least diameter in cm).

    Returns
    -------
    EnvironmentData
        Read-only arrays; the electron dose includes bremsstrahlung.
    """
    dose = _read(folder / "dose_depth.csv", ("set", "particle", "altitude_km", "inclination_deg"), "mm")
    flux = _read(folder / "trapped_proton_flux.csv", ("set", "altitude_km", "inclination_deg"), "MeV")
    air = _read(folder / "atmosphere.csv", ("model", "altitude_km"), "sfu")
    shape = _read(folder / "dose_inclination.csv", ("set", "particle", "altitude_km", "inclination_deg"), "mm")
    debris = _read(folder / "debris_density.csv", ("model", "altitude_km"), "cm", fewest_nodes=1)
    return EnvironmentData(
        dose_altitude_km=dose.altitudes_km(),
        dose_thickness_mm=dose.axis,
        electron_dose=_with_high_inclination(
            {s: _frozen(dose.grid(s, "electron") + dose.grid(s, "bremsstrahlung")) for s in ORBIT_SETS},
            _published(shape, dose.axis, "electron", "bremsstrahlung"),
        ),
        proton_dose=_with_high_inclination(
            {s: dose.grid(s, "proton") for s in ORBIT_SETS}, _published(shape, dose.axis, "proton")
        ),
        proton_altitude_km=flux.altitudes_km(),
        proton_energy_mev=flux.axis,
        proton_flux={s: flux.grid(s) for s in ORBIT_SETS},
        density_altitude_km=air.altitudes_km(),
        density_f107=air.axis,
        density_kg_m3=air.grid(next(iter(air.rows))[0]),
        debris_altitude_km=debris.altitudes_km(),
        debris_density_per_km3=_frozen(debris.grid(next(iter(debris.rows))[0])[:, 0]),
    )


def _published(shape: _Table, thickness_mm: Floats, *particles: str) -> dict[int, Floats]:
    """Return the logarithm of the published dose at 550 km by inclination in degrees, summed over particles."""
    sums: dict[int, Floats] = {}
    for (name, particle, _), values in shape.rows.items():
        if particle in particles:
            inclination = int(name.removeprefix("spenvis_"))
            sums[inclination] = sums.get(inclination, 0.0) + np.array(values)
    nodes, wanted = np.log(shape.axis), np.log(thickness_mm)
    return {angle: np.interp(wanted, nodes, log_of(dose)) for angle, dose in sums.items()}


def _with_high_inclination(sets: Mapping[str, Floats], published: Mapping[int, Floats]) -> dict[str, Floats]:
    """Return the sets with one for 70 degrees, where orbits stay longest in the horns of the outer belt.

    No dose was computed there. Between the computed neighbours (53 degrees and Sun-synchronous) the logarithm is
    interpolated and moved by what the published doses at 550 km show over the same interpolation between theirs
    (53 from 50 and 55 degrees; 97.6 from 95 and 100): the shape over inclination is taken to be that of every
    altitude.
    """
    share = (HIGH_INCLINATION - BELOW_HIGH_DEG) / (POLAR_DEG - BELOW_HIGH_DEG)
    low, high = _published_at(published, BELOW_HIGH_DEG), _published_at(published, SSO_550_DEG)
    excess = published[HIGH_INCLINATION] - ((1.0 - share) * low + share * high)
    computed = sets[f"{BELOW_HIGH_DEG:g}"], sets[SUN_SYNCHRONOUS_SET]
    between = np.exp((1.0 - share) * log_of(computed[0]) + share * log_of(computed[1]) + excess)
    return {**sets, f"{HIGH_INCLINATION}": _frozen(between)}


def _published_at(published: Mapping[int, Floats], inclination_deg: float) -> Floats:
    """Interpolate the published logarithms between the inclinations that hold this one between them."""
    below = int(inclination_deg // PUBLISHED_STEP_DEG) * PUBLISHED_STEP_DEG
    share = (inclination_deg - below) / PUBLISHED_STEP_DEG
    return published[below] + share * (published[below + PUBLISHED_STEP_DEG] - published[below])


_VALUE_UNITS = {"mm": "krad(Si)/year", "MeV": "1/cm2/s", "sfu": "kg/m3", "cm": "1/km3"}


def _read(path: Path | Traversable, labels: Sequence[str], node_units: str, *, fewest_nodes: int = 2) -> _Table:
    columns = header(path)
    nodes = [name for name in columns if name.endswith(f" {node_units}")]
    expected = (*labels, *nodes, *_EVIDENCE)
    # The inclination is told for the reader; the set names it already.
    keys = [name for name in labels if name != "inclination_deg"]
    rows: dict[tuple[str, ...], list[float]] = {}
    for where, cells in lines(path, expected):
        key = tuple(cells[name] for name in keys)
        at = f"{where}: {' '.join(key)}"
        if key in rows:
            raise AssumptionError(f"{at}: found a second row, allowed one")
        if cells["units"] != _VALUE_UNITS[node_units]:
            raise AssumptionError(f"{at}: units: found {cells['units']!r}, allowed {_VALUE_UNITS[node_units]!r}")
        if not (cells["source"] and cells["year"] and cells["confidence"]):
            raise AssumptionError(f"{at}: found no evidence, allowed only with source, year and confidence")
        rows[key] = [_not_negative(f"{at}: {node}", cells[node]) for node in nodes]
        number(f"{at}: altitude_km", key[-1])
    axis = _axis(path.name, [number(path.name, n.split()[0]) for n in nodes], fewest_nodes)
    return _Table(path.name, axis, rows)


def _not_negative(where: str, text: str) -> float:
    value = number(where, text)
    if value < 0:
        raise AssumptionError(f"{where}: found {value:g}, allowed at least 0")
    return value


def _axis(name: str, values: Sequence[float], fewest: int = 2) -> Floats:
    axis = _frozen(values)
    if axis.size < fewest or not (np.diff(axis) > 0).all():
        raise AssumptionError(f"{name}: found the axis {one_of(map(str, values))}, allowed: at least {fewest}, rising")
    return axis


def _frozen(values: Sequence[float] | Sequence[Sequence[float]] | Floats) -> Floats:
    array = np.array(values, dtype=np.float64)
    array.setflags(write=False)
    return array
