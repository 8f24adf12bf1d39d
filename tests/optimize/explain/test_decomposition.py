from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dawndusk.models.outcome import OUTCOMES
from dawndusk.optimize.explain.decomposition import GROUPS, FactorTerm, grouped, logarithmic_mean, split, terms
from dawndusk.optimize.problem import Problem

MakeProblem = Callable[..., Problem]

SPLIT = (
    "lcoc_usd_per_pflop_hour",
    "cost_ratio_to_ground",
    "cost_usd_per_accelerator_hour",
    "cost_usd_per_kw_year",
    "training_run_cost_usd",
    "discounted_cost_usd",
    "value_usd",
    "capex_usd",
    "capex_usd_per_w",
)
WHOLE = ("launched_mass_t", "availability", "delivered_pflops")
PARTLY_FREE = {
    "accelerators_per_satellite": {"low": 50, "high": 200, "nominal": 100},
    "life_years": {"low": 2, "high": 10, "nominal": 6},
    "launches_per_year": {"low": 20, "high": 200, "nominal": 80},
}

positive = st.floats(1e-6, 1e9)
factors = st.tuples(st.one_of(st.just(0.0), positive), positive, positive)
sums = st.lists(st.tuples(factors, factors, st.sampled_from([1.0, -1.0])), min_size=1, max_size=5)


def named(one: tuple[float, float, float], sign: float, number: int) -> FactorTerm:
    return FactorTerm({f"own {number}": one[0], "shared": one[1], "other": one[2]}, sign)


@given(sums)
def test_parts_add_up_to_the_difference(pairs: list[tuple[tuple[float, ...], tuple[float, ...], float]]) -> None:
    before = {str(n): named(old, sign, n) for n, (old, _, sign) in enumerate(pairs)}  # type: ignore[arg-type]
    after = {str(n): named(new, sign, n) for n, (_, new, sign) in enumerate(pairs)}  # type: ignore[arg-type]
    difference = math.fsum(t.value for t in after.values()) - math.fsum(t.value for t in before.values())
    size = max(abs(t.value) for t in (*before.values(), *after.values()))
    assert math.fsum(split(before, after).values()) == pytest.approx(difference, rel=1e-9, abs=1e-9 * size)


@given(positive, positive)
def test_the_logarithmic_mean_is_between_the_geometric_and_the_arithmetic(one: float, other: float) -> None:
    mean = logarithmic_mean(one, other)
    assert math.sqrt(one) * math.sqrt(other) * (1 - 1e-9) <= mean <= 0.5 * (one + other) * (1 + 1e-9)
    assert mean == pytest.approx(logarithmic_mean(other, one), rel=1e-9)


def test_a_factor_that_does_not_change_has_no_part() -> None:
    parts = split({"a": FactorTerm({"cost": 2.0, "delay": 0.9})}, {"a": FactorTerm({"cost": 3.0, "delay": 0.9})})
    assert parts == {"cost": pytest.approx(0.9), "delay": 0.0}


def test_a_cost_that_appears_owns_its_whole_term() -> None:
    parts = split({"a": FactorTerm({"cost": 0.0, "delay": 0.9})}, {"a": FactorTerm({"cost": 3.0, "delay": 0.5})})
    assert parts == {"cost": 1.5}


@pytest.mark.parametrize("objective", [*SPLIT, *WHOLE])
@pytest.mark.parametrize("price", [0, 30])
def test_the_terms_add_up_to_the_objective_and_the_parts_to_its_difference(
    make_problem: MakeProblem, objective: str, price: float
) -> None:
    study = make_problem(PARTLY_FREE)
    demand = dataclasses.replace(study.assumptions.demand, price_usd_per_pflop_hour=float(price))
    problem = dataclasses.replace(study, objective=objective, assumptions=study.assumptions.replace(demand=demand))
    points = np.random.default_rng(3).random((6, len(problem.free)))
    designs = list(problem.designs(points, problem.combinations()[0]))
    values = [float(problem.score_one(d).evaluation.outcome[objective][0]) for d in designs]
    found = [terms(problem, design) for design in designs]
    for value, one in zip(values, found, strict=True):
        assert math.fsum(term.value for term in one.values()) == pytest.approx(value, rel=1e-12)
    for n in range(1, len(designs)):
        parts = split(found[0], found[n])
        assert math.fsum(parts.values()) == pytest.approx(values[n] - values[0], rel=1e-9, abs=1e-12 * abs(values[0]))
        assert math.fsum(grouped(parts).values()) == pytest.approx(math.fsum(parts.values()), rel=1e-9)
        assert len(parts) > 5 or objective in WHOLE


def test_a_dearer_launch_is_all_launch(make_problem: MakeProblem) -> None:
    problem = make_problem()
    vehicles = dict(problem.assumptions.vehicles)
    row = vehicles["starship_v3"]
    vehicles["starship_v3"] = dataclasses.replace(
        row, price_usd=2 * row.price_usd, price_floor_usd=2 * row.price_floor_usd
    )
    dearer = dataclasses.replace(problem, assumptions=problem.assumptions.replace(vehicles=vehicles))
    (design,) = problem.designs(np.full((1, len(problem.free)), 0.5), problem.combinations()[0])
    parts = split(terms(problem, design), terms(dearer, design))
    groups = grouped({name: part for name, part in parts.items() if abs(part) > 1e-12})
    assert set(groups) == {"launch"}
    assert groups["launch"] > 0.0


def test_a_slower_deployment_costs_delay(make_problem: MakeProblem) -> None:
    """Fewer launches a year postpone both work and cost; the work also ages, so the delay costs on balance."""
    problem = make_problem(PARTLY_FREE)
    (design,) = problem.designs(np.full((1, len(problem.free)), 0.5), problem.combinations()[0])
    slower = design.replace(launches_per_year=0.5 * design.launches_per_year)
    groups = grouped(split(terms(problem, design), terms(problem, slower)))
    assert groups["delay"] > 0.0
    assert max(groups, key=lambda name: groups[name]) == "delay"


def test_groups_name_outcomes_or_variables_once() -> None:
    members = [part for parts in GROUPS.values() for part in parts]
    assert len(members) == len(set(members))
    assert set(members) - set(OUTCOMES) == {"life_years"}
