"""The published methods give the numbers of their authorities, and a design is reported in their terms."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

import pytest

from dawndusk.models.constants import STEFAN_BOLTZMANN_W_M2_K4
from dawndusk.models.design import Design
from dawndusk.models.evaluate import evaluate
from dawndusk.studies.data import default_assumptions
from dawndusk.studies.published import METHODS, MethodError, PublishedMetric, method_named, published_metrics
from dawndusk.studies.published.mccalip import Books, fleet
from dawndusk.studies.published.report import HARDWARE, anchors


def run(name: str, **inputs: object) -> Mapping[str, float]:
    return METHODS[name].run(inputs)


@pytest.fixture(scope="module")
def design() -> Design:
    return Design(
        accelerator="gb200_nvl72",
        accelerators_per_satellite=72,
        satellites=1500,
        orbit="dawn_dusk_sso",
        altitude_km=650.0,
        radiator="deployable_aluminium",
        radiator_area_m2=200.0,
        shielding_mm=5.0,
        array="iii_v_rosa",
        array_oversize=1.1,
        eclipse_ride_through=0.0,
        spare_fraction=0.05,
        optical_terminals=4,
        life_years=5.0,
        vehicle="starship_v3",
        launches_per_year=50.0,
    )


@pytest.fixture(scope="module")
def outcome(design: Design) -> dict[str, float]:
    return evaluate(design, default_assumptions()).outcome.row(0)


@pytest.fixture(scope="module")
def metrics(design: Design, outcome: dict[str, float]) -> dict[str, PublishedMetric]:
    return {m.name: m for m in published_metrics(outcome, design, default_assumptions())}


# McCalip


def test_mccalip_defaults() -> None:
    account = run("mccalip")
    assert account["satellites"] == 39731
    assert account["launches_100t"] == 294
    assert account["total_mass_t"] == pytest.approx(29390.1, abs=0.1)
    assert account["orbital_usd_per_w"] == pytest.approx(51.0953, abs=1e-4)
    assert account["orbital_usd_per_mwh"] == pytest.approx(1166.56, abs=0.01)
    assert account["ground_total_busd"] == pytest.approx(15.8511, abs=1e-4)
    assert account["ground_usd_per_mwh"] == pytest.approx(425.76, abs=0.01)
    assert account["breakeven_launch_usd_per_kg"] == pytest.approx(-263.657, abs=1e-3)


def test_techcrunch_quotes_mccalip_at_200_usd_per_kg() -> None:
    assert run("mccalip", launch_usd_per_kg=200)["orbital_total_busd"] == pytest.approx(42.2783, abs=1e-4)


def test_mccalip_break_even_is_where_bare_hardware_and_launch_cost_what_the_ground_costs() -> None:
    cheap = {"satellite_usd_per_w": 10.0, "specific_power_w_per_kg": 75.0}
    account = run("mccalip", **cheap)
    watts, ground = account["initial_power_gw"] * 1e9, account["ground_total_busd"] * 1e9
    launch = account["breakeven_launch_usd_per_kg"] * watts / 75.0
    assert 10.0 * watts + launch == pytest.approx(ground)


def test_mccalip_without_ageing_needs_the_target_over_the_sun_fraction() -> None:
    satellites = fleet(Books(cell_degradation_percent_per_year=0.0, sun_fraction=0.5))
    assert satellites.mean_capacity_factor == 1.0
    assert satellites.initial_power_w == pytest.approx(2e9)


def test_mccalip_cost_per_watt_does_not_depend_on_size_without_engineering() -> None:
    small = run("mccalip", nre_musd=0, target_gw=10)["orbital_usd_per_w"]
    assert run("mccalip", nre_musd=0, target_gw=1000)["orbital_usd_per_w"] == pytest.approx(small, rel=1e-5)


# Suncatcher


def test_suncatcher_launched_power_price_of_v2_mini() -> None:
    assert run("launched_power_price")["usd_per_kw_year"] == pytest.approx(810, rel=0.001)
    assert run("launched_power_price", launch_usd_per_kg=3600)["usd_per_kw_year"] == pytest.approx(14_700, rel=0.01)


def test_suncatcher_learning_reaches_200_usd_per_kg_at_370_kt() -> None:
    found = run("launch_learning")
    assert found["cumulative_mass_t"] == pytest.approx(370_000, rel=0.01)
    assert 1800 * 0.8 ** found["doublings"] == pytest.approx(200)


def test_learning_to_a_higher_price_needs_less_than_was_launched() -> None:
    assert run("launch_learning", price_usd_per_kg=200, target_usd_per_kg=250)["mass_ratio"] == pytest.approx(0.5)


def test_learning_without_end_is_refused() -> None:
    with pytest.raises(MethodError, match=r"reduction_per_doubling: found .*, which takes"):
        run("launch_learning", reduction_per_doubling=0.001)


# Turyshev


def test_turyshev_first_version_areas_of_1_mw() -> None:
    areas = run("turyshev_closure")
    assert areas["array_area_m2"] == pytest.approx(4400, rel=0.001)
    assert areas["radiator_area_m2"] == pytest.approx(1900, rel=0.001)


def test_turyshev_radiator_of_two_black_faces() -> None:
    area = run("turyshev_closure", overhead=1, net_flux_fraction=2, radiator_temperature_k=350)["radiator_area_m2"]
    assert area == pytest.approx(1e6 / (2 * STEFAN_BOLTZMANN_W_M2_K4 * 350**4))
    assert area == pytest.approx(590, rel=0.01)


@pytest.mark.parametrize(("ground", "price"), [(10_000, 250), (40_000, 1000)])
def test_turyshev_break_even(ground: float, price: float) -> None:
    assert run("turyshev_breakeven", ground_usd_per_kw=ground)["launch_plus_build_usd_per_kg"] == price


# Dose


@pytest.mark.parametrize(
    ("inclination_deg", "shielding_mm", "rad"),
    [(30, 3, 1824.5), (30, 10, 1195.5), (50, 3, 3636), (50, 10, 883), (55, 5, 1598.5), (95, 5, 1401), (100, 1, 33331)],
)
def test_spenvis_550_km_over_five_years(inclination_deg: float, shielding_mm: float, rad: float) -> None:
    dose = run("dose", altitude_km=550, inclination_deg=inclination_deg, shielding_mm=shielding_mm, years=5)
    assert dose["dose_rad_si"] == pytest.approx(rad, rel=0.25)


def test_suncatcher_dose_at_650_km() -> None:
    dose = run("dose", altitude_km=650, orbit="dawn_dusk_sso", shielding_mm=10, years=5)
    assert dose["dose_rad_si"] == pytest.approx(750, rel=0.35)


def test_dose_metrics_are_one_dose() -> None:
    dose = run("dose", years=4)
    assert dose["dose_rad_si"] == pytest.approx(1e3 * dose["dose_krad_si"])
    assert dose["dose_krad_si"] == pytest.approx(4 * dose["dose_krad_per_year"])
    assert dose["dose_rad_per_year"] == pytest.approx(1e3 * dose["dose_krad_per_year"])


def test_dose_of_a_named_inclined_orbit_is_that_of_its_inclination() -> None:
    assert run("dose", orbit="mid_inclination_53") == run("dose", inclination_deg=53)


def test_dose_of_orbit_and_inclination_together_is_refused() -> None:
    with pytest.raises(MethodError, match="inclination_deg: found it beside the orbit 'dawn_dusk_sso'"):
        run("dose", orbit="dawn_dusk_sso", inclination_deg=98)


# Orbit


@pytest.mark.parametrize(
    ("altitude_km", "sunlit", "minutes", "days"),
    [(400, 0.9327, 24.75, 113), (550, 0.9517, 21.66, 97), (650, 0.9615, 19.73, 87), (1000, 0.9852, 13.04, 55)],
)
def test_reference_pack_dawn_dusk_eclipses(altitude_km: float, sunlit: float, minutes: float, days: float) -> None:
    found = run("eclipse", altitude_km=altitude_km, ltan_h=6, year=2026)
    assert found["sunlit_fraction"] == pytest.approx(sunlit, abs=2e-4)
    assert found["eclipse_max_min"] == pytest.approx(minutes, abs=0.02)
    assert found["eclipse_days_per_year"] == pytest.approx(days, abs=1.1)


def test_reference_pack_local_time_of_seven() -> None:
    assert run("eclipse", altitude_km=650, ltan_h=7)["sunlit_fraction"] == pytest.approx(0.938, abs=0.002)


def test_reference_pack_mid_inclination_eclipses() -> None:
    found = run("eclipse", altitude_km=550, inclination_deg=53)
    assert found["sunlit_fraction"] == pytest.approx(0.692, abs=0.006)
    assert found == run("eclipse", altitude_km=550, orbit="mid_inclination_53")


def test_wertz_eclipse_at_beta_zero() -> None:
    found = run("eclipse_at_beta", altitude_km=550, beta_deg=0)
    assert found["eclipse_min"] == pytest.approx(35.6, abs=0.05)
    assert found["period_min"] == pytest.approx(95.65, abs=0.005)


def test_wertz_no_eclipse_above_the_critical_beta() -> None:
    critical = run("eclipse_at_beta", altitude_km=650)["critical_beta_deg"]
    assert critical == pytest.approx(65.1641, abs=1e-3)
    assert run("eclipse_at_beta", altitude_km=650, beta_deg=critical + 0.01)["eclipse_fraction"] == 0
    assert run("eclipse_at_beta", altitude_km=650, beta_deg=critical - 0.01)["eclipse_fraction"] > 0
    assert run("eclipse_at_beta", beta_deg=-30) == run("eclipse_at_beta", beta_deg=30)


def test_eclipse_free_from_1390_km() -> None:
    altitude = run("eclipse_free_altitude", ltan_h=6)["altitude_km"]
    assert altitude == pytest.approx(1390, abs=5)
    assert run("eclipse", altitude_km=altitude, ltan_h=6)["sunlit_fraction"] == 1
    assert run("eclipse", altitude_km=altitude - 0.1, ltan_h=6)["sunlit_fraction"] < 1


@pytest.mark.parametrize("inputs", [{"ltan_h": 12}, {"orbit": "noon_midnight_sso"}, {"orbit": "mid_inclination_53"}])
def test_orbits_that_are_always_eclipsed_have_no_eclipse_free_altitude(inputs: dict[str, object]) -> None:
    with pytest.raises(MethodError, match=r"eclipsed|drifts"):
        run("eclipse_free_altitude", **inputs)


@pytest.mark.parametrize(
    ("inputs", "found"),
    [
        ({"inclination_deg": 53, "orbit": "dawn_dusk_sso"}, "beside orbit"),
        ({"inclination_deg": 53, "ltan_h": 6}, "beside ltan_h"),
        ({"orbit": "mid_inclination_53", "ltan_h": 6}, "sun-synchronous"),
    ],
)
def test_contradictory_orbits_are_refused(inputs: dict[str, object], found: str) -> None:
    with pytest.raises(MethodError, match=found):
        run("eclipse", **inputs)


@pytest.mark.parametrize(("altitude_km", "degrees"), [(400, 97.03), (650, 97.99), (800, 98.60), (2000, 104.89)])
def test_vallado_sun_synchronous_inclination(altitude_km: float, degrees: float) -> None:
    assert run("sso_inclination", altitude_km=altitude_km)["inclination_deg"] == pytest.approx(degrees, abs=0.005)


# Radiators


@pytest.mark.parametrize(("altitude_km", "factor"), [(550, 0.258), (650, 0.241), (1400, 0.157)])
def test_howell_view_factor(altitude_km: float, factor: float) -> None:
    assert run("view_factor_edge_on", altitude_km=altitude_km)["view_factor"] == pytest.approx(factor, abs=6e-4)


def test_starcloud_net_flux() -> None:
    found = run("radiator_flux")
    assert found["emitted_w_m2"] == pytest.approx(838, abs=1)
    assert found["net_flux_w_m2"] == pytest.approx(633.08, rel=0.001)


def test_radiator_with_earth_adds_infrared_and_albedo_on_each_face() -> None:
    dark = {"emissivity": 0.9, "sunlit_faces": 0, "temperature_k": 345, "solar_absorptance": 0.2}
    lit = run("radiator_flux", **dark, view_factor=0.24, earth_ir_w_m2=237, albedo=0.3)
    each = 0.24 * (0.9 * 237 + 0.2 * 0.3 * 1361)
    assert lit["absorbed_w_m2"] == pytest.approx(2 * each)
    assert lit["net_flux_w_m2"] == pytest.approx(run("radiator_flux", **dark)["net_flux_w_m2"] - 2 * each)


def test_edge_on_radiator_takes_its_view_factor_from_the_altitude() -> None:
    factor = run("view_factor_edge_on", altitude_km=650)["view_factor"]
    by_altitude = run("radiator_flux", altitude_km=650, earth_ir_w_m2=237)
    assert by_altitude == run("radiator_flux", view_factor=factor, earth_ir_w_m2=237)


def test_sun_at_an_angle_counts_by_its_cosine() -> None:
    assert run("radiator_flux", sun_incidence_deg=60)["absorbed_w_m2"] == pytest.approx(0.15 * 1361 / 2)


def test_radiator_temperature_inverts_the_flux() -> None:
    panel = {"emissivity": 0.85, "fin_efficiency": 0.9, "view_factor": 0.2, "earth_ir_w_m2": 240, "albedo": 0.3}
    flux = run("radiator_flux", **panel, temperature_k=340)["net_flux_w_m2"]
    assert run("radiator_temperature", **panel, net_flux_w_m2=flux)["temperature_k"] == pytest.approx(340)
    by_heat = run("radiator_temperature", **panel, heat_w=flux * 50, radiator_area_m2=50)
    assert by_heat["temperature_k"] == pytest.approx(340)


def test_starcloud_radiator_temperature() -> None:
    assert run("radiator_temperature")["temperature_k"] == pytest.approx(293.15, abs=0.05)


@pytest.mark.parametrize(
    ("inputs", "found"),
    [
        ({"heat_w": 100}, "only one of heat_w"),
        ({"radiator_area_m2": 100}, "only one of heat_w"),
        ({"heat_w": 100, "radiator_area_m2": 1, "net_flux_w_m2": 100}, "net_flux_w_m2: found it beside heat_w"),
        ({"net_flux_w_m2": 0, "sunlit_faces": 0}, "takes no heat"),
        ({"view_factor": 0.2, "altitude_km": 650}, "view_factor: found it beside altitude_km"),
        ({"earth_ir_w_m2": 240}, "found none beside earth_ir_w_m2"),
    ],
)
def test_contradictory_radiators_are_refused(inputs: dict[str, object], found: str) -> None:
    with pytest.raises(MethodError, match=found):
        run("radiator_temperature", **inputs)


# Every method


@pytest.mark.parametrize("name", METHODS)
def test_every_method_runs_on_its_defaults_and_returns_its_outputs(name: str) -> None:
    method = METHODS[name]
    found = method.run({})
    assert set(found) == set(method.outputs)
    assert all(math.isfinite(value) for value in found.values())
    assert method.sentence.endswith(".")
    assert method.source


@pytest.mark.parametrize("name", METHODS)
def test_every_input_says_units_meaning_and_domain_and_its_default_is_inside(name: str) -> None:
    for field in METHODS[name].fields.values():
        assert field.metadata["units"], field.name
        assert field.metadata["meaning"], field.name
        assert field.default is not dataclasses.MISSING
        METHODS[name].resolve({field.name: field.default})


@pytest.mark.parametrize("name", METHODS)
def test_synonyms_lead_to_inputs_or_outputs(name: str) -> None:
    method = METHODS[name]
    assert set(method.synonyms.values()) <= {*method.fields, *method.outputs}
    assert not set(method.synonyms) & {*method.fields, *method.outputs}


@pytest.mark.parametrize(
    ("name", "inputs", "found"),
    [
        ("mccalip", {"launch_usd_per_k": 200}, "did you mean 'launch_usd_per_kg'"),
        ("mccalip", {"years": 2.5}, "years: found 2.5, allowed a whole number from 1 to 100 years"),
        ("mccalip", {"years": "5"}, "write 5 without quotes"),
        ("mccalip", {"years": True}, "years: found True, allowed a whole number"),
        ("mccalip", {"years": None}, "years: found None"),
        ("mccalip", {"sun_fraction": 0}, "sun_fraction: found 0, allowed a number from 0.001 to 1 fraction"),
        ("mccalip", {"pue": math.nan}, "pue: found nan"),
        ("mccalip", {"nre_musd": math.inf}, "nre_musd: found inf"),
        ("mccalip", {"nre_musd": -(10**400)}, "nre_musd: found -inf"),
        ("dose", {"orbit": "dawn_dusk"}, "did you mean 'dawn_dusk_sso'"),
        ("dose", {"orbit": 5}, "orbit: found 5, allowed: dawn_dusk_sso"),
        ("dose", {"altitude_km": 300}, "altitude_km: found 300, allowed a number from 400 to 2000 km"),
        ("radiator_temperature", {"area_m2": 5, "radiator_area_m2": 5}, "under two names"),
    ],
)
def test_bad_inputs_are_refused(name: str, inputs: dict[str, object], found: str) -> None:
    with pytest.raises(MethodError, match=found):
        METHODS[name].run(inputs)


def test_unknown_method_and_metric_name_the_nearest() -> None:
    with pytest.raises(MethodError, match="did you mean 'turyshev_closure'"):
        method_named("turishev_closure")
    with pytest.raises(MethodError, match="did you mean 'sunlit_fraction'"):
        METHODS["eclipse"].metric("sunlit_fracton")


# A design in the terms of others


def test_design_in_mccalips_terms_is_his_method_on_its_satellite(
    metrics: dict[str, PublishedMetric], outcome: dict[str, float]
) -> None:
    satellites = outcome["launched_mass_t"] * 1e3 / outcome["wet_mass_kg"]
    hardware = sum(outcome[f"{part}_cost_usd"] for part in HARDWARE)
    account = run(
        "mccalip",
        target_gw=outcome["it_power_mw"] / 1e3,
        satellite_power_kw=outcome["array_power_bol_w"] / 1e3,
        specific_power_w_per_kg=outcome["array_power_bol_w"] / outcome["wet_mass_kg"],
        satellite_usd_per_w=hardware / satellites / outcome["array_power_bol_w"],
        launch_usd_per_kg=outcome["launch_price_usd_per_kg"],
    )
    for name in ("orbital_usd_per_w", "orbital_usd_per_mwh"):
        assert metrics[name].value == pytest.approx(account[name])
        assert metrics[name].authority == "McCalip"


def test_hardware_is_all_capital_but_accelerators_launch_insurance_factory_and_programme(
    outcome: dict[str, float],
) -> None:
    others = ("compute", "launch", "insurance", "factory", "programme")
    total = sum(outcome[f"{part}_cost_usd"] for part in (*HARDWARE, *others))
    assert total == pytest.approx(outcome["capex_usd"])


def test_design_in_suncatchers_terms(
    metrics: dict[str, PublishedMetric], outcome: dict[str, float], design: Design
) -> None:
    per_kw = outcome["wet_mass_kg"] * outcome["launch_price_usd_per_kg"] / (outcome["array_power_bol_w"] / 1e3)
    metric = metrics["launched_power_price_usd_per_kw_year"]
    assert metric.value == pytest.approx(per_kw / design.life_years)
    assert metric.anchor.value == 810


def test_design_in_turyshevs_terms(metrics: dict[str, PublishedMetric], outcome: dict[str, float]) -> None:
    mass = metrics["deployed_mass_kg_per_kw"].value
    assert mass == outcome["mass_per_it_power_kg_per_kw"]
    shell = default_assumptions().ground.shell_usd_per_w * 1e3
    assert metrics["breakeven_launch_plus_build_usd_per_kg"].value == pytest.approx(shell / mass)
    assert metrics["launch_plus_build_usd_per_kg"].value > outcome["launch_price_usd_per_kg"]
    assert (metrics["deployed_mass_kg_per_kw"].anchor.low, metrics["deployed_mass_kg_per_kw"].anchor.high) == (34, 59)


def test_transport_claim_is_scaled_to_the_it_power_of_the_design(
    metrics: dict[str, PublishedMetric], outcome: dict[str, float]
) -> None:
    metric = metrics["transport_busd"]
    assert metric.value == pytest.approx(outcome["launch_cost_usd"] / 1e9)
    assert metric.anchor.low == pytest.approx(5 * outcome["it_power_mw"] / 200)
    assert metric.anchor.high == pytest.approx(7.5 * outcome["it_power_mw"] / 200)
    assert "scaled from 200" in metric.anchor.note


def test_every_metric_of_a_design_has_units_and_a_sourced_anchor_in_the_same_units(
    metrics: dict[str, PublishedMetric],
) -> None:
    for metric in metrics.values():
        assert metric.units == metric.anchor.units, metric.name
        assert metric.anchor.source
        assert metric.anchor.confidence in {"high", "medium", "low"}
        assert 2020 <= metric.anchor.year <= 2026
        assert math.isfinite(metric.value)
        assert metric.meaning.endswith(".")


def test_anchors_read_as_value_and_range() -> None:
    assert str(anchors()["turyshev.mass_total"]) == "40 (34 to 59)"
    assert str(anchors()["transport_claim.200MW"]) == "5 to 7.5"
