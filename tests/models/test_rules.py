"""Every rule can be met and broken, its grade has the sign of the comparison and grows with the excess."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.design import Design, DesignBatch
from dawndusk.models.evaluate import evaluate, evaluate_columns, rule_reports
from dawndusk.models.recording.rows import rows_of
from dawndusk.models.rules import RULES, RuleSubject
from dawndusk.studies.data import with_values

# For each rule three steps: met, broken, broken further. A dotted name is an assumption, a plain one a design variable.
STEPS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "heat": ({}, {"radiator_area_m2": 60.0}, {"radiator_area_m2": 20.0}),
    "junction_temperature": ({}, {"radiator_area_m2": 90.0}, {"radiator_area_m2": 30.0}),
    "power": (
        {},
        {"array_oversize": 0.5, "altitude_km": 2000.0, "life_years": 10.0},
        {"array_oversize": 0.5, "altitude_km": 2000.0, "life_years": 15.0},
    ),
    "dose": ({}, {"altitude_km": 1200.0}, {"altitude_km": 2000.0}),
    "network": ({}, {"workloads.training.isl_bits_per_flop": 0.1}, {"optical_terminals": 0}),
    "connectivity": ({}, {"optical_terminals": 1}, {"optical_terminals": 0}),
    "packing": (
        {},
        {"accelerators_per_satellite": 4000, "radiator_area_m2": 9000.0},
        {"accelerators_per_satellite": 8000, "radiator_area_m2": 18_000.0},
    ),
    "fairing": (
        {},
        {"accelerators_per_satellite": 8000, "radiator_area_m2": 18_000.0},
        {"accelerators_per_satellite": 16_000, "radiator_area_m2": 36_000.0},
    ),
    "cadence": ({}, {"launches_per_year": 2000.0}, {"launches_per_year": 4000.0}),
    "deployment_time": ({}, {"launches_per_year": 10.0}, {"launches_per_year": 5.0}),
    "milestone_half": ({}, {"launches_per_year": 10.0}, {"launches_per_year": 5.0}),
    "milestone_full": ({}, {"launches_per_year": 10.0}, {"launches_per_year": 5.0}),
    "disposal": (
        {},
        {"platform.disposal_altitude_km": 500.0, "environment.solar_flux_f107": 70.0, "regulation.disposal_years": 1.0},
        {"platform.disposal_altitude_km": 500.0, "environment.solar_flux_f107": 70.0, "regulation.disposal_years": 0.5},
    ),
    "vehicle_available": (
        {}, {"vehicles.starship_v3.available_year": 2040.0}, {"vehicles.starship_v3.available_year": 2050.0},
    ),
    "accelerator_available": (
        {}, {"accelerators.b200.available_year": 2040.0}, {"accelerators.b200.available_year": 2050.0},
    ),
    "array_available": (
        {}, {"arrays.iii_v_rosa.available_year": 2040.0}, {"arrays.iii_v_rosa.available_year": 2050.0},
    ),
    "radiator_available": (
        {},
        {"radiators.deployable_aluminium.available_year": 2040.0},
        {"radiators.deployable_aluminium.available_year": 2050.0},
    ),
    "demand": ({"demand.it_power_mw": 100.0}, {"demand.it_power_mw": 300.0}, {"demand.it_power_mw": 900.0}),
}  # fmt: skip


def violation(assumptions: Assumptions, design: Design, rule: str, step: dict[str, Any]) -> float:
    believed = {name: value for name, value in step.items() if "." in name}
    chosen = {name: value for name, value in step.items() if "." not in name}
    changed = with_values(assumptions, believed) if believed else assumptions
    return float(evaluate(design.replace(**chosen), changed).violation[rule][0])


def test_every_rule_has_its_steps_here() -> None:
    assert STEPS.keys() == RULES.keys()


@pytest.mark.parametrize("rule", STEPS)
def test_rule_is_met_broken_and_graded(assumptions: Assumptions, design: Design, rule: str) -> None:
    met, broken, worse = (violation(assumptions, design, rule, step) for step in STEPS[rule])
    assert met <= 0.0 < broken < worse


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_says_what_it_is(rule: str) -> None:
    named = RULES[rule]
    assert named.name == rule
    assert named.sentence.endswith(".") or named.sentence.endswith(").")
    assert named.units
    assert named.sense in ("at most", "at least")


def test_sign_of_the_violation_is_the_sign_of_the_comparison(
    assumptions: Assumptions, random_batch: Callable[[int, int], DesignBatch]
) -> None:
    for wanted in ({}, {"demand.it_power_mw": 50.0}, {"demand.delivered_pflops": 5e3}):
        stated = with_values(assumptions, wanted) if wanted else assumptions
        batch = random_batch(2000, 71)
        rows = rows_of(stated, batch)
        outcome, broken = evaluate_columns(batch.values, rows, stated)
        subject = RuleSubject(outcome, batch.values, rows, stated)
        for name, rule in RULES.items():
            value, limit = (np.broadcast_to(side, 2000) for side in rule.compare(subject))
            excess = value - limit if rule.sense == "at most" else limit - value
            assert np.array_equal(np.sign(np.broadcast_to(broken[name], 2000)), np.sign(excess)), name


def test_a_demand_in_pflops_is_met_or_missed(assumptions: Assumptions, design: Design) -> None:
    delivered = float(evaluate(design, assumptions).outcome["delivered_pflops"][0])
    assert violation(assumptions, design, "demand", {"demand.delivered_pflops": delivered * 0.9}) < 0.0
    assert violation(assumptions, design, "demand", {"demand.delivered_pflops": delivered * 1.1}) > 0.0


def test_without_a_demand_the_rule_is_met_by_anything(
    assumptions: Assumptions, random_batch: Callable[[int, int], DesignBatch]
) -> None:
    assert (evaluate(random_batch(200, 72), assumptions).violation["demand"] == 0.0).all()
    priced = with_values(assumptions, {"demand.price_usd_per_pflop_hour": 20.0})
    assert (evaluate(random_batch(200, 72), priced).violation["demand"] == 0.0).all()


def test_reports_of_one_design_agree_with_the_batch(assumptions: Assumptions, design: Design) -> None:
    found = evaluate(design, assumptions)
    reports = rule_reports(design, assumptions)
    assert [report.rule.name for report in reports] == list(RULES)
    for report in reports:
        assert report.violation == pytest.approx(float(found.violation[report.rule.name][0]))
        excess = report.value - report.limit if report.rule.sense == "at most" else report.limit - report.value
        assert (excess > 0.0) == (report.violation > 0.0)


def test_total_violation_is_the_sum_of_what_is_broken(
    assumptions: Assumptions, random_batch: Callable[[int, int], DesignBatch]
) -> None:
    found = evaluate(random_batch(3000, 73), assumptions)
    expected = sum(np.maximum(v, 0.0) for v in found.violation.values())
    assert found.total_violation == pytest.approx(expected)
    met = np.all([v <= 0.0 for v in found.violation.values()], axis=0)
    assert np.array_equal(found.feasible, met)
