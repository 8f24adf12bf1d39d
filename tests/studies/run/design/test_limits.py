from __future__ import annotations

import math

import pytest

import dawndusk as dd
from dawndusk.models.rules import RULES
from dawndusk.optimize.explain.elastic import BINDING_MARGIN
from dawndusk.studies.run.design.limits import Limit, at_ends, binding, broken, limits
from dawndusk.studies.run.design.runner import nominal_design, problem_of


def limit(margin: float) -> Limit:
    return Limit("heat", "", 1.0, "at most", 1.0, "K", margin)


def test_binding_is_met_with_next_to_no_margin() -> None:
    margins = [-0.1, -1e-13, 0.0, BINDING_MARGIN, 2 * BINDING_MARGIN]
    assert [x.margin for x in binding([limit(m) for m in margins])] == margins[2:4]


def test_broken_is_missed_by_however_little() -> None:
    """As in the search, which takes no violation above zero for feasible."""
    margins = [-0.1, -1e-13, 0.0, 1.0]
    assert [x.margin for x in broken([limit(m) for m in margins])] == margins[:2]


def test_a_margin_that_is_no_number_is_broken() -> None:
    assert len(broken([limit(math.nan), limit(-math.inf)])) == 2


def test_every_rule_and_bound_is_there_tightest_first() -> None:
    bounds = ["capex_usd <= 1e9", "capex_usd >= 1e8", "availability >= 0.1"]
    study = dd.load("orbit-200mw", [f"subject_to=[{', '.join(bounds)}]"])
    found = limits(problem_of(study), nominal_design(study))
    steps = ["launch_filled_by_mass", "launch_filled_by_volume"]
    assert sorted(x.name for x in found) == sorted([*RULES, *(str(bound) for bound in study.bounds), *steps])
    assert [x.margin for x in found] == sorted(x.margin for x in found)
    worst = found[0]
    assert (worst.name, worst.sense, worst.limit, worst.units) == ("capex_usd <= 1e+09", "at most", 1e9, "USD")
    assert worst.margin == pytest.approx(-(worst.value - 1e9) / 1e9)


def test_two_bounds_on_one_outcome_both_keep_their_margin() -> None:
    study = dd.load("orbit-200mw", ["subject_to=[capex_usd <= 1e12, capex_usd >= 1e9]"])
    margins = study.evaluate().to_dict()["margins"]
    assert len(margins) == len(RULES) + 2 + 2  # two bounds, and the launch filled by mass and by volume
    assert margins["capex_usd <= 1e+12"] != margins["capex_usd >= 1e+09"]


def test_ends_of_ranges_are_found_and_fixed_variables_are_not() -> None:
    study = dd.load("orbit-200mw", ["design.life_years=2"])
    design = nominal_design(study).replace(altitude_km=400.5, optical_terminals=12, shielding_mm=8)
    assert [(end.variable, end.end) for end in at_ends(study.space, design)] == [
        ("altitude_km", "low"),
        ("eclipse_ride_through", "low"),
        ("optical_terminals", "high"),
    ]
    assert "optical_terminals" not in {e.variable for e in at_ends(study.space, design.replace(optical_terminals=11))}
