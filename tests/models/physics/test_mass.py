"""Mass: the parts add up to dry and wet, the closure of SMAD, the wall of the compute box."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.design import Design, DesignBatch
from dawndusk.models.evaluate import evaluate
from dawndusk.models.outcome import OUTCOMES
from dawndusk.models.physics.mass import close, shielding_mass_kg

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")  # of the assumptions, on failure
quick = settings(deadline=None, max_examples=60, derandomize=True)
SUMS = ("dry_mass_kg", "propellant_mass_kg", "wet_mass_kg")
PARTS = [f.name for f in OUTCOMES.values() if f.table == "mass of one satellite" and f.name.endswith("_mass_kg")]


def test_parts_add_up_to_dry_and_wet(assumptions: Assumptions, random_batch: Callable[[int, int], DesignBatch]) -> None:
    o = evaluate(random_batch(1000, 41), assumptions).outcome
    parts = [o[name] for name in PARTS if name not in SUMS]
    assert all((part >= 0.0).all() for part in parts)
    assert sum(parts) == pytest.approx(o["dry_mass_kg"], rel=1e-12)
    assert o["dry_mass_kg"] + o["propellant_mass_kg"] == pytest.approx(o["wet_mass_kg"], rel=1e-12)


def test_hosted_payload_adds_its_own_mass(assumptions: Assumptions, design: Design) -> None:
    hosting = assumptions.replace(platform=dataclasses.replace(assumptions.platform, hosted_mass_kg=500.0))
    o, plain = evaluate(design, hosting).outcome.row(0), evaluate(design, assumptions).outcome.row(0)
    assert o["dry_mass_kg"] == pytest.approx(plain["dry_mass_kg"] + 500.0)
    parts = sum(o[name] for name in PARTS if name not in SUMS)
    assert parts == pytest.approx(o["dry_mass_kg"], rel=1e-12)


def test_smad_closure(assumptions: Assumptions) -> None:
    platform = dataclasses.replace(
        assumptions.platform, structure_fraction=0.25, margin_fraction=0.25, hosted_mass_kg=0.0
    )
    closed = close(platform, 1000.0)
    assert float(closed.dry) == pytest.approx(2000.0)
    assert float(closed.structure) == float(closed.margin) == pytest.approx(500.0)


def test_wall_of_a_one_metre_cube(assumptions: Assumptions) -> None:
    """6 m2 of 10 mm aluminium weigh 162 kg."""
    platform = dataclasses.replace(assumptions.platform, box_area_factor=1.0)
    assert float(shielding_mass_kg(platform, 1.0, 10.0)) == pytest.approx(162.0)
    assert float(shielding_mass_kg(platform, 8.0, 10.0)) == pytest.approx(4.0 * 162.0)


def test_masses_of_parts_from_their_rows(assumptions: Assumptions, design: Design) -> None:
    o, platform = evaluate(design, assumptions).outcome.row(0), assumptions.platform
    array, radiator = assumptions.arrays[design.array], assumptions.radiators[design.radiator]
    assert o["array_mass_kg"] == pytest.approx(o["array_area_m2"] * array.areal_mass_kg_m2)
    assert o["radiator_mass_kg"] == pytest.approx(design.radiator_area_m2 * radiator.areal_mass_kg_m2)
    assert o["battery_mass_kg"] == pytest.approx(o["battery_wh"] / assumptions.power.battery_wh_per_kg)
    assert o["pmad_mass_kg"] == pytest.approx(o["array_power_bol_w"] / 1000.0 * platform.pmad_kg_per_kw)
    assert o["thermal_loop_mass_kg"] == pytest.approx(o["heat_w"] / 1000.0 * radiator.loop_kg_per_kw)
    areas = o["array_area_m2"] ** 1.5 + design.radiator_area_m2**1.5
    assert o["deployables_mass_kg"] == pytest.approx(areas * platform.deployable_coefficient)
    box = o["compute_mass_kg"] / platform.compute_density_kg_m3
    rolled = o["array_power_bol_w"] / 1000.0 / array.stowed_kw_per_m3
    stowed = box + rolled + design.radiator_area_m2 * radiator.stowed_thickness_m + platform.bus_volume_m3
    assert o["stowed_volume_m3"] == pytest.approx(stowed)


def test_published_span_of_mass_per_it_power(assumptions: Assumptions, design: Design) -> None:
    """14 (AI1) to 78 (spacedc) kg per kW of IT power, the plain design with its thick wall a little above."""
    thin = design.replace(shielding_mm=3.0, radiator_area_m2=120.0, array="silicon_flexible")
    assert 14.0 < evaluate(thin, assumptions).outcome["mass_per_it_power_kg_per_kw"][0] < 90.0


@quick
@given(
    name=st.sampled_from(["shielding_mm", "radiator_area_m2", "array_oversize", "spare_fraction", "optical_terminals"]),
    factor=st.floats(1.05, 1.6),
    altitude=st.floats(450.0, 1500.0),
)
def test_mass_rises_with_what_is_carried(
    assumptions: Assumptions, design: Design, name: str, factor: float, altitude: float
) -> None:
    plain = design.replace(altitude_km=altitude, eclipse_ride_through=0.5)
    raised = getattr(plain, name) * factor
    more = plain.replace(**{name: round(raised) + 1 if name == "optical_terminals" else raised})
    o = evaluate(DesignBatch.of([plain, more]), assumptions).outcome
    assert o["dry_mass_kg"][1] >= o["dry_mass_kg"][0]
    assert np.isfinite(o["wet_mass_kg"]).all()
