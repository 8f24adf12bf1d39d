"""Energy invested and supplied."""

from __future__ import annotations

import numpy as np
import pytest

from dawndusk.models.assumptions import Assumptions, Energy
from dawndusk.models.design import Design
from dawndusk.models.evaluate import evaluate
from dawndusk.models.programme.energy import hardware_mj, launch_mj, payback_years

ENERGY = Energy(
    array_mj_per_m2=3000.0,
    compute_mj_per_w=10.0,
    platform_mj_per_kg=450.0,
    propellant_mj_per_kg_leo=550.0,
    grid_efficiency=0.35,
)


def test_hardware_adds_up() -> None:
    assert hardware_mj(ENERGY, 100.0, 50_000.0, 1_000.0) == pytest.approx(3e5 + 5e5 + 4.5e5)


def test_beardslee_starship_launch_energy(assumptions: Assumptions) -> None:
    """5.12e13 J of methane for 100 t, without the oxygen. Source: Stanford PH240, 2022."""
    assert launch_mj(assumptions.energy, 100_000.0) * 1e6 == pytest.approx(5.12e13, rel=0.15)


def test_iea_pvps_payback_of_a_rooftop_module() -> None:
    """A module of 3,000 MJ/m2 that yields 300 kWh/m2 a year at a grid of 0.35 is paid back after about one year."""
    mean_w = 300.0 * 3.6e6 / 3.156e7
    assert payback_years(ENERGY, 3000.0, mean_w) == pytest.approx(0.97, rel=0.01)


def test_payback_is_embodied_over_supplied_energy(assumptions: Assumptions, design: Design) -> None:
    outcome = evaluate(design, assumptions).outcome.row(0)
    sunlit = outcome["sunlit_fraction"]
    kept = assumptions.power.keep_alive_fraction
    supplied_w = outcome["it_power_w"] * design.satellites * (sunlit + (1.0 - sunlit) * kept)
    supplied_tj = supplied_w * outcome["in_service_fraction"] * 3.15576e7 * 1e-12
    expected = outcome["embodied_energy_tj"] / (supplied_tj / assumptions.energy.grid_efficiency)
    assert outcome["energy_payback_years"] == pytest.approx(expected, rel=1e-9)


def test_spares_and_failed_launches_cost_energy(assumptions: Assumptions, design: Design) -> None:
    base, spares = (
        evaluate(design.replace(spare_fraction=share), assumptions).outcome["embodied_energy_tj"][0]
        for share in (0.0, 0.5)
    )
    assert spares > base
    assert np.isfinite(base)
