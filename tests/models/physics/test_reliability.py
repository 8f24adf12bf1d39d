"""What stays in service against adaptive quadrature, checkpoints against a search, failures against Arrhenius."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.constants import SECONDS_PER_YEAR
from dawndusk.models.design import Design, DesignBatch
from dawndusk.models.evaluate import evaluate
from dawndusk.models.physics.reliability import (
    Service,
    checkpoint_efficiency,
    eclipse_availability,
    heat_acceleration,
    in_service,
)

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")  # of the assumptions, on failure
quick = settings(deadline=None, max_examples=100, derandomize=True)
BOLTZMANN_J_K, ELECTRONVOLT_J = 1.380649e-23, 1.602176634e-19

Case = dict[str, float]


def modelled(case: Case) -> Service:
    return in_service(**case)


def by_quadrature(case: Case) -> tuple[float, float]:
    """Mean and discounted capacity by adaptive quadrature between the points where another limit takes over."""

    def accelerators(x: float) -> float:
        hazard = case["failures"] * x + case["wear"] * math.pow(x, case["wear_exponent"])
        return math.log(case["spare_factor"]) - hazard

    def array(x: float) -> float:
        return math.log(case["array_oversize"]) - case["array_loss"] * x

    def capacity(x: float) -> float:
        serving = min(accelerators(x), array(x), 0.0)
        return math.exp(serving - case["satellite_loss"] * x)

    gaps = (lambda x: accelerators(x) - array(x), accelerators, array)
    grid = np.linspace(0.0, 1.0, 201)
    points = {0.0, 1.0}
    for gap in gaps:
        signs = [gap(float(x)) for x in grid]
        for left, right, a, b in zip(grid[:-1], grid[1:], signs[:-1], signs[1:], strict=True):
            if a * b < 0.0:
                points.add(float(brentq(gap, left, right)))
    edges = sorted(points)
    mean = discounted = 0.0
    for low, high in itertools.pairwise(edges):
        mean += quad(capacity, low, high, epsabs=1e-11)[0]
        discounted += quad(lambda x: capacity(x) * math.exp(-case["discount"] * x), low, high, epsabs=1e-11)[0]
    return mean, discounted * case["life_years"]


designs_that_fly = st.fixed_dictionaries(
    {
        "spare_factor": st.floats(1.0, 2.0),
        "failures": st.floats(0.0, 2.0),
        "wear": st.floats(0.0, 1.0),
        "array_oversize": st.floats(0.5, 2.0),
        "array_loss": st.floats(0.0, 0.5),
        "satellite_loss": st.floats(0.0, 0.3),
        "discount": st.floats(0.0, 2.0),
        "life_years": st.floats(0.5, 15.0),
        "wear_exponent": st.floats(1.0, 5.0),
    }
)


@quick
@given(case=designs_that_fly)
def test_in_service_against_quadrature(case: Case) -> None:
    mean, discounted = by_quadrature(case)
    found = modelled(case)
    # Six Gauss-Legendre points lose up to this much of the capacity where one limit takes over from another
    # (measured on 200,000 random cases: at most 9.2e-3 and 8.2e-3).
    assert float(found.mean_fraction) == pytest.approx(mean, abs=1e-2)
    assert float(found.discounted_years) == pytest.approx(discounted, abs=9e-3 * case["life_years"])


def test_in_service_is_right_on_average() -> None:
    """Kinks cost a sixth of the worst case on average, and hardly any bias."""
    rng = np.random.default_rng(5)
    count, points = 2000, (np.arange(4000) + 0.5) / 4000
    ends = {
        "spare_factor": (1.0, 2.0), "failures": (0.0, 2.0), "wear": (0.0, 1.0), "array_oversize": (0.5, 2.0),
        "array_loss": (0.0, 0.5), "satellite_loss": (0.0, 0.3), "discount": (0.0, 2.0), "wear_exponent": (1.0, 5.0),
    }  # fmt: skip
    case = {name: rng.uniform(*limits, count) for name, limits in ends.items()}
    column = {name: value[:, None] for name, value in case.items()}
    alive = column["spare_factor"] * np.exp(
        -column["failures"] * points - column["wear"] * points ** column["wear_exponent"]
    )
    power = column["array_oversize"] * np.exp(-column["array_loss"] * points)
    serving = np.minimum(np.minimum(alive, power), 1.0) * np.exp(-column["satellite_loss"] * points)
    error = in_service(**case, life_years=1.0).mean_fraction - serving.mean(axis=1)
    assert np.abs(error).mean() < 1.6e-3
    assert np.quantile(np.abs(error), 0.99) < 7e-3
    assert abs(error.mean()) < 3e-4


@quick
@given(case=designs_that_fly)
def test_in_service_without_kinks_is_accurate(case: Case) -> None:
    smooth = {**case, "spare_factor": 1.0, "array_oversize": 2.0}
    mean, discounted = by_quadrature(smooth)
    found = modelled(smooth)
    assert float(found.mean_fraction) == pytest.approx(mean, rel=1e-4)
    assert float(found.discounted_years) == pytest.approx(discounted, rel=1e-4)


def test_in_service_of_a_fleet_that_never_fails() -> None:
    case = dict.fromkeys(("failures", "wear", "array_loss", "satellite_loss", "discount"), 0.0) | {
        "spare_factor": 1.3,
        "array_oversize": 1.2,
        "life_years": 7.0,
        "wear_exponent": 3.0,
    }
    assert float(modelled(case).mean_fraction) == pytest.approx(1.0)
    assert float(modelled(case).discounted_years) == pytest.approx(7.0)
    half = {**case, "array_oversize": 0.5}
    assert float(modelled(half).mean_fraction) == pytest.approx(0.5)


def test_in_service_of_a_fleet_that_dies_at_once_is_not_nothing() -> None:
    """A floor of 1e-9 keeps the levelised cost finite."""
    dead = {
        "spare_factor": 1.0, "failures": 1e4, "wear": 1e6, "array_oversize": 1.0, "array_loss": 0.0,
        "satellite_loss": 0.0, "discount": 1.0, "life_years": 4.0, "wear_exponent": 3.0,
    }  # fmt: skip
    assert float(modelled(dead).mean_fraction) == 1e-9
    assert float(modelled(dead).discounted_years) == 4e-9


@quick
@given(case=designs_that_fly, factor=st.floats(1.01, 1.5))
def test_more_spares_or_array_never_lower_service_and_more_hazard_never_raises_it(case: Case, factor: float) -> None:
    here = modelled(case)
    for name in ("spare_factor", "array_oversize"):
        better = modelled({**case, name: case[name] * factor})
        assert better.mean_fraction >= here.mean_fraction
        assert better.discounted_years >= here.discounted_years
    for name in ("failures", "wear", "array_loss", "satellite_loss"):
        worse = modelled({**case, name: case[name] * factor + 0.01})
        assert worse.mean_fraction <= here.mean_fraction
        assert worse.discounted_years <= here.discounted_years
    assert modelled({**case, "discount": case["discount"] * factor}).discounted_years <= here.discounted_years


@quick
@given(
    rate=st.floats(-1.0, 5.5).map(lambda x: 10.0**x), checkpoint=st.floats(1.0, 120.0), restart=st.floats(0.0, 600.0)
)
def test_young_daly_optimum_by_search_over_intervals(rate: float, checkpoint: float, restart: float) -> None:
    """Waste per useful second at interval t: the checkpoint itself, half an interval and a restart per failure."""
    between = SECONDS_PER_YEAR / rate
    intervals = math.sqrt(2.0 * checkpoint * between) * np.exp(np.linspace(-3.0, 3.0, 2001))
    waste = checkpoint / intervals + intervals / (2.0 * between) + restart / between
    found = float(checkpoint_efficiency(rate, checkpoint, restart))
    assert found == pytest.approx(1.0 / (1.0 + waste.min()), rel=1e-12)
    assert found >= 1.0 / (1.0 + waste).max()


def test_llama_3_interruptions_match_the_published_run(assumptions: Assumptions) -> None:
    """419 interruptions in 54 days on 16,384 H100; Meta reports over 90 per cent effective training time."""
    per_year = 419.0 * 365.25 / 54.0
    assert float(checkpoint_efficiency(per_year, 30.0, 120.0)) > 0.9
    assert per_year / 16_384.0 == pytest.approx(0.17, abs=0.01)


def test_no_interruptions_no_waste() -> None:
    assert float(checkpoint_efficiency(0.0, 30.0, 120.0)) == 1.0


def test_arrhenius_law(assumptions: Assumptions) -> None:
    reliability = assumptions.reliability
    reference = reliability.reference_junction_k
    assert float(heat_acceleration(reliability, reference)) == pytest.approx(1.0)
    energy = reliability.activation_energy_ev * ELECTRONVOLT_J / BOLTZMANN_J_K
    expected = reliability.thermal_share * math.exp(energy * (1.0 / reference - 1.0 / (reference + 25.0)))
    expected += 1.0 - reliability.thermal_share
    assert float(heat_acceleration(reliability, reference + 25.0)) == pytest.approx(expected, rel=1e-9)


@quick
@given(junction=st.floats(200.0, 600.0))
def test_failures_rise_with_the_junction_temperature(assumptions: Assumptions, junction: float) -> None:
    reliability = assumptions.reliability
    assert heat_acceleration(reliability, junction + 1.0) > heat_acceleration(reliability, junction)


def test_eclipse_availability_limits() -> None:
    assert float(eclipse_availability(0.9, 1000.0, 1.0, 120.0)) == 1.0
    shed = float(eclipse_availability(0.9, 1000.0, 0.0, 120.0))
    assert shed == pytest.approx(0.9 - 1000.0 * 120.0 / SECONDS_PER_YEAR)
    assert float(eclipse_availability(0.5, 1e9, 0.0, 120.0)) == 0.0


@quick
@given(shielding=st.floats(0.5, 19.0), more=st.floats(0.1, 1.0), altitude=st.floats(400.0, 2000.0))
def test_a_thicker_wall_never_raises_failures_or_upsets(
    assumptions: Assumptions, design: Design, shielding: float, more: float, altitude: float
) -> None:
    plain = design.replace(altitude_km=altitude)
    both = DesignBatch.of([plain.replace(shielding_mm=shielding), plain.replace(shielding_mm=shielding + more)])
    o = evaluate(both, assumptions).outcome
    for name in ("dose_krad_per_year", "accelerator_failures_per_year", "upsets_per_accelerator_year"):
        assert o[name][1] <= o[name][0], name
    assert o["in_service_fraction"][1] >= o["in_service_fraction"][0]


@quick
@given(spare=st.floats(0.0, 0.9), more=st.floats(0.01, 0.1))
def test_more_spares_never_lower_what_is_in_service(
    assumptions: Assumptions, design: Design, spare: float, more: float
) -> None:
    both = DesignBatch.of([design.replace(spare_fraction=spare), design.replace(spare_fraction=spare + more)])
    o = evaluate(both, assumptions).outcome
    assert o["in_service_fraction"][1] >= o["in_service_fraction"][0]
    assert o["compute_cost_usd"][1] >= o["compute_cost_usd"][0]


def test_whole_spares(assumptions: Assumptions, design: Design) -> None:
    """Spares are whole: ten per cent of 64 is 7, of 60 exactly 6."""
    both = DesignBatch.of([design, design.replace(accelerators_per_satellite=60)])
    o = evaluate(both, assumptions).outcome
    each = assumptions.accelerators[design.accelerator].mass_kg
    assert o["compute_mass_kg"] / each == pytest.approx(np.array([71.0, 66.0]))


def interruptions_per_year(assumptions: Assumptions, design: Design, o: dict[str, float]) -> float:
    """Interruptions of one accelerator in service: upsets, failures, software, and its share of a lost satellite."""
    reliability = assumptions.reliability
    lost = reliability.satellite_loss_per_year / design.accelerators_per_satellite
    own = o["upsets_per_accelerator_year"] + o["accelerator_failures_per_year"] + reliability.interruption_per_year
    return own + lost


@pytest.mark.parametrize("each", [1, 64, 4000])
def test_a_lost_satellite_interrupts_its_job(assumptions: Assumptions, design: Design, each: int) -> None:
    fragile = dataclasses.replace(assumptions.reliability, satellite_loss_per_year=2.0)
    changed = assumptions.replace(reliability=fragile)
    small = design.replace(accelerators_per_satellite=each, radiator_area_m2=2.5 * each, satellites=50)
    o, workload = evaluate(small, changed).outcome.row(0), changed.workloads[changed.workload]
    job = min(50 * each, workload.job_accelerators)
    seconds = SECONDS_PER_YEAR / (interruptions_per_year(changed, small, o) * job)
    waste = math.sqrt(2.0 * workload.checkpoint_s / seconds) + workload.restart_s / seconds
    assert o["checkpoint_efficiency"] == pytest.approx(1.0 / (1.0 + waste), rel=1e-12)
    steady = evaluate(small, assumptions).outcome.row(0)
    assert o["checkpoint_efficiency"] < steady["checkpoint_efficiency"]
