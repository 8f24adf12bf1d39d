"""Radiators as published: the view factor of Howell's catalogue and the heat balance of the Starcloud white paper.

Flux and heat are per planform area. The Earth enters through its view factor, zero unless an altitude or a factor is
stated, so that the published cases without an Earth keep their numbers.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from dawndusk.models.constants import EARTH_RADIUS_M, METRES_PER_KM
from dawndusk.models.physics.orbit import radius_m
from dawndusk.models.physics.thermal import absorbed_w_m2, emitted_w_m2, equilibrium_temperature_k, view_factor_edge_on
from dawndusk.studies.data import default_assumptions
from dawndusk.studies.published.method import Method, MethodError, given

GRAZING_DEG = 90.0


@dataclass(frozen=True, kw_only=True)
class EdgeOn:
    """A plate whose plane holds the direction to the Earth's centre."""

    altitude_km: float = given(650.0, "km", "altitude above the Earth radius", 1, 1e6)
    earth_radius_km: float = given(EARTH_RADIUS_M / METRES_PER_KM, "km", "Earth radius", 6300, 6400)


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A radiator and what shines on it; black, free and in the dark but for the Sun unless stated."""

    emissivity: float = given(1.0, "fraction", "infrared emissivity", 0.01, 1)
    faces: float = given(2.0, "count", "radiating faces", 1, 2)
    fin_efficiency: float = given(1.0, "fraction", "mean emission over that at the root", 0.01, 1)
    solar_absorptance: float = given(0.15, "fraction", "solar absorptance", 0, 1)
    solar_w_m2: float = given(1361.0, "W/m2", "solar irradiance", 0, 1e5)
    sunlit_faces: float = given(1.0, "count", "faces in the Sun", 0, 2)
    sun_incidence_deg: float = given(0.0, "deg", "angle between the Sun and the normal of a sunlit face", 0, 90)
    earth_ir_w_m2: float = given(0.0, "W/m2", "Earth infrared emission", 0, 1000)
    albedo: float = given(0.0, "fraction", "Earth albedo", 0, 1)
    albedo_fraction: float = given(1.0, "fraction", "mean albedo load over that at the subsolar point", 0, 1)
    view_factor: float | None = given(None, "fraction", "view factor of each face to the Earth", 0, 1)
    altitude_km: float | None = given(None, "km", "altitude of an edge-on plate, instead of a view factor", 1, 1e6)


@dataclass(frozen=True, kw_only=True)
class AtTemperature(Panel):
    """A panel of a known temperature."""

    temperature_k: float = given(293.15, "K", "radiator temperature", 3, 3000)


@dataclass(frozen=True, kw_only=True)
class UnderHeat(Panel):
    """A panel that rejects a known heat, stated per area or with the area."""

    net_flux_w_m2: float | None = given(None, "W/m2", "net heat rejected per planform area", 0, 1e6)
    heat_w: float | None = given(None, "W", "net heat rejected, with radiator_area_m2", 0, 1e12)
    radiator_area_m2: float | None = given(None, "m2", "planform of the radiator, with heat_w", 1e-6, 1e9)


STARCLOUD_FLUX_W_M2 = 633.08


def earth_view_factor(panel: Panel) -> float:
    """Return the view factor of each face to the Earth."""
    if panel.view_factor is not None and panel.altitude_km is not None:
        raise MethodError("view_factor: found it beside altitude_km, allowed one of the two")
    if panel.altitude_km is not None:
        return float(view_factor_edge_on(radius_m(panel.altitude_km)))
    if panel.view_factor is None and (panel.earth_ir_w_m2 or panel.albedo):
        raise MethodError(
            "view_factor: found none beside earth_ir_w_m2 or albedo, allowed with view_factor or altitude_km"
        )
    return panel.view_factor or 0.0


def absorbed(panel: Panel) -> float:
    """Return the heat taken from Earth and Sun in W per m2 of planform, by the product's own balance."""
    return _absorbed(panel, earth_view_factor(panel), GRAZING_DEG) + panel.sunlit_faces * _absorbed(
        panel, 0.0, panel.sun_incidence_deg
    )


def _absorbed(panel: Panel, view_factor: float, sun_incidence_deg: float) -> float:
    shipped = default_assumptions()
    environment = dataclasses.replace(
        shipped.environment,
        solar_constant_w_m2=panel.solar_w_m2,
        earth_ir_w_m2=panel.earth_ir_w_m2,
        albedo=panel.albedo,
    )
    thermal = dataclasses.replace(
        shipped.thermal, array_view_factor=0.0, sun_pointing_error_deg=GRAZING_DEG - sun_incidence_deg
    )
    orbit = dataclasses.replace(next(iter(shipped.orbits.values())), albedo_fraction=panel.albedo_fraction)
    heat = absorbed_w_m2(
        environment, thermal, orbit, view_factor, panel.emissivity, panel.solar_absorptance, panel.faces
    )
    return float(heat)


def emission(panel: Panel, temperature_k: float) -> float:
    """Return the infrared emission of a panel in W per m2 of planform."""
    return float(emitted_w_m2(temperature_k, panel.emissivity, panel.faces, panel.fin_efficiency))


def net_flux_w_m2(inputs: UnderHeat) -> float:
    """Return the net heat per planform area that the inputs state; Starcloud's where they state none."""
    if (inputs.heat_w is None) != (inputs.radiator_area_m2 is None):
        raise MethodError("heat_w: found only one of heat_w and radiator_area_m2, allowed both or net_flux_w_m2")
    if inputs.heat_w is None or inputs.radiator_area_m2 is None:
        return STARCLOUD_FLUX_W_M2 if inputs.net_flux_w_m2 is None else inputs.net_flux_w_m2
    if inputs.net_flux_w_m2 is not None:
        raise MethodError("net_flux_w_m2: found it beside heat_w, allowed one of the two")
    return inputs.heat_w / inputs.radiator_area_m2


def _flux(inputs: AtTemperature) -> dict[str, float]:
    out, taken = emission(inputs, inputs.temperature_k), absorbed(inputs)
    return {"net_flux_w_m2": out - taken, "emitted_w_m2": out, "absorbed_w_m2": taken}


def _temperature(inputs: UnderHeat) -> dict[str, float]:
    net, taken = net_flux_w_m2(inputs), absorbed(inputs)
    if net + taken == 0.0:
        raise MethodError("net_flux_w_m2: found 0 on a panel that takes no heat, allowed more than 0")
    kelvin = float(equilibrium_temperature_k(emission(inputs, 1.0), 0.0, net + taken, net + taken))
    return {
        "temperature_k": kelvin,
        "emitted_w_m2": emission(inputs, kelvin),
        "net_flux_w_m2": net,
        "absorbed_w_m2": taken,
    }


def _view_factor(inputs: EdgeOn) -> dict[str, float]:
    earth_m = inputs.earth_radius_km * METRES_PER_KM
    return {"view_factor": float(view_factor_edge_on(earth_m + inputs.altitude_km * METRES_PER_KM, earth_m))}


PANEL_SYNONYMS = {"absorptance": "solar_absorptance", "earth_view_factor": "view_factor"}

VIEW_FACTOR_EDGE_ON = Method(
    name="view_factor_edge_on",
    sentence="View factor from one face of an edge-on plate to the Earth.",
    source="Howell, A Catalog of Radiation Heat Transfer Configuration Factors",
    inputs=EdgeOn,
    function=_view_factor,
    outputs={"view_factor": "fraction"},
)

RADIATOR_FLUX = Method(
    name="radiator_flux",
    sentence="Net heat that a radiator of a known temperature rejects per planform area.",
    source="Starcloud, Why we should train AI in space (white paper)",
    inputs=AtTemperature,
    function=_flux,
    outputs={"net_flux_w_m2": "W/m2", "emitted_w_m2": "W/m2", "absorbed_w_m2": "W/m2"},
    synonyms={**PANEL_SYNONYMS, "radiator_temperature_k": "temperature_k"},
)

RADIATOR_TEMPERATURE = Method(
    name="radiator_temperature",
    sentence="Temperature at which a radiator rejects a known heat.",
    source="Stefan-Boltzmann law; Gilmore, Spacecraft Thermal Control Handbook",
    inputs=UnderHeat,
    function=_temperature,
    outputs={"temperature_k": "K", "emitted_w_m2": "W/m2", "net_flux_w_m2": "W/m2", "absorbed_w_m2": "W/m2"},
    synonyms={
        **PANEL_SYNONYMS,
        "radiator_temperature_k": "temperature_k",
        "area_m2": "radiator_area_m2",
        "flux_w_m2": "net_flux_w_m2",
        "heat_flux_w_m2": "net_flux_w_m2",
    },
)
