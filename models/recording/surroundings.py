"""Everything that depends on the orbit alone, tabulated once for the orbits in use and looked up per design."""

from __future__ import annotations

import functools
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.physics import radiation
from dawndusk.models.physics.atmosphere import density_kg_m3, scale_height_m
from dawndusk.models.physics.orbit import (
    EclipseYear,
    precessing_year,
    radius_m,
    sso_inclination_deg,
    sun_synchronous_year,
)
from dawndusk.models.physics.propulsion import decay_years_per_kg_m2
from dawndusk.models.physics.thermal import view_factor_edge_on
from dawndusk.models.programme.debris import crowding, mean_crowding_of_decay, mean_crowding_of_descent
from dawndusk.models.recording.trace import Graph, RecordedTable
from dawndusk.models.tables import EnvironmentData, EvenAxis, EvenGrid, EvenTable

Floats = NDArray[np.float64]

ALTITUDE = EvenAxis(start=400.0, step=5.0, count=321)
ALTITUDE_COARSE = EvenAxis(start=400.0, step=50.0, count=33)
THICKNESS = EvenAxis(start=0.5, step=0.25, count=79)
MOST_TABULATED = 32  # sets of tables kept for reuse
TABLES = "tables"  # of the parameters of a recording
COVER_GLASS_MM_AL = 0.63  # aluminium equivalent that stops 10 MeV protons, the lowest energy of the flux table


@dataclass(frozen=True)
class Surroundings:
    """Look-up tables with one row per orbit in use (the row number is the orbit's code in the batch)."""

    inclination_deg: EvenTable
    sunlit_fraction: EvenTable
    eclipse_max_min: EvenTable
    eclipse_days_per_year: EvenTable
    mean_cos_beta: EvenTable
    edge_on_ram_fraction: EvenTable
    air_density_kg_m3: EvenTable
    decay_years_per_kg_m2: EvenTable
    disposal_decay_years_per_kg_m2: float
    earth_view_factor: EvenTable
    log_cell_proton_ratio: EvenTable
    log_dose: EvenGrid
    log_proton_ratio: EvenGrid
    crowding: EvenTable
    crowding_of_decay: EvenTable
    crowding_of_descent: EvenTable
    crowding_below: float


AXES = {"log_dose": (ALTITUDE_COARSE, THICKNESS), "log_proton_ratio": (ALTITUDE_COARSE, THICKNESS)} | {
    "log_cell_proton_ratio": (ALTITUDE_COARSE,)
}
"""The axes of the tables; of those that are not named here, the fine axis of altitudes."""
NUMBERS_OF_THE_AIR = ("disposal_decay_years_per_kg_m2", "crowding_below")
"""What stands among the tables as one number."""


def recorded_surroundings(graph: Graph) -> Surroundings:
    """Return tables that are parameters of a recording, so that it holds for all orbits and states of the air.

    Their names are ``tables.`` and the field of ``Surroundings`` (see ``table_parameters``).
    """
    return Surroundings(**{f.name: _recorded(graph, f.name) for f in fields(Surroundings)})


def _recorded(graph: Graph, name: str) -> Any:
    """Return one table, or one number among the tables, as a parameter of a recording."""
    parameter = f"{TABLES}.{name}"
    if name in NUMBERS_OF_THE_AIR:
        return graph.parameter(parameter)
    return RecordedTable(graph, parameter, *AXES.get(name, (ALTITUDE,)))


def table_parameters(tables: Surroundings) -> dict[str, Any]:
    """Return the tables by the names of their parameters in a recording."""
    return {f"{TABLES}.{f.name}": getattr(tables, f.name) for f in fields(tables)}


@dataclass(frozen=True)
class OrbitInputs:
    """What of an orbit its tables depend on."""

    sun_synchronous: float
    inclination_deg: float
    ltan_h: float


def surroundings(assumptions: Assumptions, orbits: tuple[str, ...]) -> Surroundings:
    """Return the tables for the named orbits. Cached by the values that enter them."""
    rows = (assumptions.orbits[name] for name in orbits)
    return _tabulate(
        tuple(OrbitInputs(row.sun_synchronous, row.inclination_deg, row.ltan_h) for row in rows),
        round(assumptions.scenario.first_launch_year),
        assumptions.environment.solar_flux_f107,
        assumptions.platform.disposal_altitude_km,
        _Data(assumptions),
    )


class _Data:
    """The environment data as a cache key: equal when it is the same object."""

    def __init__(self, assumptions: Assumptions) -> None:
        self.data = assumptions.data

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Data) and other.data is self.data

    def __hash__(self) -> int:
        return id(self.data)


@functools.lru_cache(maxsize=MOST_TABULATED)
def _tabulate(
    rows: tuple[OrbitInputs, ...], year: int, solar_flux_f107: float, disposal_altitude_km: float, holder: _Data
) -> Surroundings:
    years = [_eclipses(row, year) for row in rows]
    density = density_kg_m3(holder.data, ALTITUDE.nodes, solar_flux_f107)
    decay = _decay(holder, ALTITUDE.nodes, solar_flux_f107)
    crowded = crowding(holder.data, ALTITUDE.nodes)
    below = float(crowding(holder.data, np.array([disposal_altitude_km]))[0])
    descent = mean_crowding_of_descent(ALTITUDE.nodes, crowded, disposal_altitude_km, below)
    inclination = [
        sso_inclination_deg(ALTITUDE.nodes) if row.sun_synchronous else np.full(ALTITUDE.count, row.inclination_deg)
        for row in rows
    ]

    def table(columns: list[Floats]) -> EvenTable:
        return EvenTable(ALTITUDE, np.array(columns))

    return Surroundings(
        inclination_deg=table(inclination),
        sunlit_fraction=table([y.sunlit_fraction for y in years]),
        eclipse_max_min=table([y.eclipse_max_min for y in years]),
        eclipse_days_per_year=table([y.eclipse_days_per_year for y in years]),
        mean_cos_beta=table([y.mean_cos_beta for y in years]),
        edge_on_ram_fraction=table([y.edge_on_ram_fraction for y in years]),
        air_density_kg_m3=table([density for _ in rows]),
        decay_years_per_kg_m2=table([decay for _ in rows]),
        disposal_decay_years_per_kg_m2=float(_decay(holder, np.array([disposal_altitude_km]), solar_flux_f107)[0]),
        earth_view_factor=table([view_factor_edge_on(radius_m(ALTITUDE.nodes)) for _ in rows]),
        log_cell_proton_ratio=EvenTable(
            ALTITUDE_COARSE, np.array([_log_cell_proton_ratio(row, holder) for row in rows])
        ),
        log_dose=_grid(np.array([_log_dose(row, holder) for row in rows])),
        log_proton_ratio=_grid(np.array([_log_proton_ratio(row, holder) for row in rows])),
        crowding=table([crowded for _ in rows]),
        crowding_of_decay=table([mean_crowding_of_decay(decay, crowded) for _ in rows]),
        crowding_of_descent=table([descent for _ in rows]),
        crowding_below=below,
    )


def _grid(values: Floats) -> EvenGrid:
    return EvenGrid(ALTITUDE_COARSE, THICKNESS, values)


@functools.lru_cache(maxsize=MOST_TABULATED)
def _eclipses(row: OrbitInputs, year: int) -> EclipseYear:
    if row.sun_synchronous:
        return sun_synchronous_year(ALTITUDE.nodes, row.ltan_h, year)
    return precessing_year(ALTITUDE.nodes, row.inclination_deg, year)


def _set_inclination(row: OrbitInputs) -> float | None:
    return None if row.sun_synchronous else row.inclination_deg


def _decay(holder: _Data, altitude_km: Floats, solar_flux_f107: float) -> Floats:
    density = density_kg_m3(holder.data, altitude_km, solar_flux_f107)
    height = scale_height_m(holder.data, altitude_km, solar_flux_f107)
    years: Floats = decay_years_per_kg_m2(density, height, radius_m(altitude_km))
    return years


@functools.lru_cache(maxsize=MOST_TABULATED)
def _log_dose(row: OrbitInputs, holder: _Data) -> Floats:
    dose = radiation.dose_table(holder.data, _set_inclination(row), ALTITUDE_COARSE.nodes, THICKNESS.nodes)
    logs: Floats = np.log(dose)
    return logs


@functools.lru_cache(maxsize=MOST_TABULATED)
def _log_proton_ratio(row: OrbitInputs, holder: _Data) -> Floats:
    """Return the logarithm of the flux through the wall over that at 650 km dawn-dusk behind 10 mm."""
    flux = radiation.proton_flux_table(holder.data, _set_inclination(row), ALTITUDE_COARSE.nodes, THICKNESS.nodes)
    logs: Floats = np.log(flux / reference_proton_flux(holder.data))
    return logs


@functools.lru_cache(maxsize=MOST_TABULATED)
def _log_cell_proton_ratio(row: OrbitInputs, holder: _Data) -> Floats:
    """Return the logarithm of the flux behind a cover glass over that at 650 km dawn-dusk, for solar cells."""
    cover = np.array([COVER_GLASS_MM_AL])
    flux = radiation.proton_flux_table(holder.data, _set_inclination(row), ALTITUDE_COARSE.nodes, cover)[:, 0]
    reference = radiation.proton_flux_table(holder.data, None, np.array([radiation.REFERENCE_ALTITUDE_KM]), cover)
    logs: Floats = np.log(flux / reference[0, 0])
    return logs


def reference_proton_flux(data: EnvironmentData) -> float:
    """Return the flux in 1/cm2/s through 10 mm of aluminium at 650 km dawn-dusk."""
    altitude = np.array([radiation.REFERENCE_ALTITUDE_KM])
    thickness = np.array([radiation.REFERENCE_THICKNESS_MM])
    return float(radiation.proton_flux_table(data, None, altitude, thickness)[0, 0])
