from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dawndusk.models.design import NUMBERS, DesignBatch
from dawndusk.models.errors import DesignError
from dawndusk.models.programme.launch import cadence_cap_per_year
from dawndusk.optimize.problem import AREA_M2_PER_KW, Bound, Choice, Fixed, Problem, Range, Scored

MakeProblem = Callable[..., Problem]


def columns(problem: Problem, coordinate: float | np.ndarray, count: int = 1) -> dict[str, np.ndarray]:
    """Return the design columns with every coordinate at one value, or along an axis."""
    points = np.full((count, len(problem.free)), coordinate) if np.isscalar(coordinate) else np.asarray(coordinate)
    return dict(problem.designs(points, problem.combinations()[0]).values)


# From coordinates to designs


def test_ends_of_the_coordinates_are_ends_of_the_ranges(make_problem: MakeProblem) -> None:
    problem = make_problem({"satellites": 3000, "life_years": {"low": 3, "high": 9}})
    for coordinate, end in ((0.0, "low"), (1.0, "high")):
        values = columns(problem, coordinate)
        for name in ("altitude_km", "array_oversize", "life_years"):
            assert values[name][0] == pytest.approx(getattr(problem.space[name], end), rel=1e-12), name


def test_only_ranges_are_free_and_the_rest_keeps_its_value(make_problem: MakeProblem) -> None:
    problem = make_problem({"satellites": 3000})
    assert problem.free == ("altitude_km", "radiator_area_m2", "array_oversize")
    values = columns(problem, 0.3)
    for name in set(NUMBERS) - set(problem.free):
        entry = problem.space[name]
        assert isinstance(entry, Fixed)
        assert values[name][0] == entry.value


@pytest.mark.parametrize(("low", "high"), [(0, 3), (1, 4), (2, 3), (5, 200)])
def test_integers_are_whole_within_the_range_and_reach_both_ends(
    make_problem: MakeProblem, low: int, high: int
) -> None:
    problem = make_problem({"satellites": 3000, "optical_terminals": {"low": low, "high": min(high, 32)}})
    high = min(high, 32)
    grid = np.linspace(0.0, 1.0, 2001)
    points = np.full((len(grid), len(problem.free)), 0.5)
    points[:, problem.free.index("optical_terminals")] = grid
    found = columns(problem, points)["optical_terminals"]
    assert set(found) == set(range(low, high + 1))
    assert (np.diff(found) >= 0).all()


def test_every_integer_of_a_short_range_has_a_fair_share(make_problem: MakeProblem) -> None:
    problem = make_problem({"satellites": 3000, "optical_terminals": {"low": 1, "high": 4}})
    points = np.full((4000, len(problem.free)), 0.5)
    points[:, problem.free.index("optical_terminals")] = np.linspace(0, 1, 4000)
    _, counts = np.unique(columns(problem, points)["optical_terminals"], return_counts=True)
    assert counts.min() > 4000 / 4 * 0.4


def test_a_wide_range_is_logarithmic_and_a_narrow_one_linear(make_problem: MakeProblem) -> None:
    cap = 16.0
    problem = make_problem(
        {
            "satellites": 3000,
            "launches_per_year": {"low": 1, "high": cap},
            "altitude_km": {"low": 500, "high": 700, "nominal": 600},
        }
    )
    values = columns(problem, 0.5)
    assert values["launches_per_year"][0] == pytest.approx(np.sqrt(cap))
    assert values["altitude_km"][0] == pytest.approx(600)


def test_a_range_from_zero_is_linear(make_problem: MakeProblem) -> None:
    problem = make_problem({"satellites": 3000, "spare_fraction": {"low": 0, "high": 0.5, "nominal": 0.1}})
    assert columns(problem, 0.5)["spare_fraction"][0] == pytest.approx(0.25)


def test_the_cadence_ends_at_the_cap_of_the_vehicle(make_problem: MakeProblem) -> None:
    problem = make_problem({"launches_per_year": {"low": 0.5, "high": 4000, "nominal": 80}})
    a = problem.assumptions
    year = a.scenario.first_launch_year + 0.5 * a.launch.max_deployment_years
    cap = float(cadence_cap_per_year(a.launch, a.vehicles["starship_v3"], year))
    assert cap < 4000
    assert columns(problem, 1.0)["launches_per_year"][0] == pytest.approx(cap)


def test_a_cadence_range_above_the_cap_stays_in_its_range(make_problem: MakeProblem) -> None:
    problem = make_problem({"launches_per_year": {"low": 3000, "high": 4000, "nominal": 3500}})
    assert columns(problem, 1.0)["launches_per_year"][0] == 3000


def test_the_radiator_coordinate_is_an_area_for_each_kilowatt(make_problem: MakeProblem) -> None:
    problem = make_problem({"accelerators_per_satellite": {"low": 50, "high": 100, "nominal": 70}})
    kilowatts = problem.assumptions.accelerators["tpu_v7"].it_power_w * 1e-3
    points = np.full((2, len(problem.free)), 0.5)
    points[:, problem.free.index("accelerators_per_satellite")] = (0.0, 1.0)
    values = columns(problem, points)
    middle = np.sqrt(AREA_M2_PER_KW[0] * AREA_M2_PER_KW[1])
    assert values["radiator_area_m2"] == pytest.approx(values["accelerators_per_satellite"] * kilowatts * middle)
    entry = problem.space["radiator_area_m2"]
    assert isinstance(entry, Range)
    ends = columns(make_problem({"accelerators_per_satellite": 1}), 0.0), columns(problem, 1.0)
    assert ends[0]["radiator_area_m2"][0] == entry.low
    assert ends[1]["radiator_area_m2"][0] <= entry.high


def test_combinations_are_every_choice_of_names_in_order(make_problem: MakeProblem) -> None:
    problem = make_problem({"vehicle": ["starship_v3", "falcon_9"], "array": ["silicon_flexible", "iii_v_rosa"]})
    assert isinstance(problem.space["array"], Choice)
    found = [(c["array"], c["vehicle"]) for c in problem.combinations()]
    assert found == [
        (array, vehicle) for array in ("silicon_flexible", "iii_v_rosa") for vehicle in ("starship_v3", "falcon_9")
    ]


# Satellites that follow the demand


@pytest.mark.parametrize("megawatts", [0.5, 1.0, 37.3, 200.0, 1210.0])
@pytest.mark.parametrize("each", [1, 7, 126])
def test_it_power_is_met_by_the_smallest_fleet(make_problem: MakeProblem, megawatts: float, each: int) -> None:
    problem = make_problem({"accelerators_per_satellite": each}, demand={"it_power_mw": megawatts})
    batch = problem.designs(np.full((1, 3), 0.5), problem.combinations()[0])
    satellites = batch.values["satellites"][0]
    power_mw = problem.assumptions.accelerators["tpu_v7"].it_power_w * each * 1e-6
    assert satellites * power_mw >= megawatts * (1 - 1e-9)
    assert (satellites - 1) * power_mw < megawatts
    assert problem.score(batch).evaluation.violation["demand"][0] <= 1e-12


def test_a_demand_that_is_met_to_the_watt_needs_no_further_satellite(make_problem: MakeProblem) -> None:
    power_w = make_problem().assumptions.accelerators["tpu_v7"].it_power_w
    problem = make_problem({"accelerators_per_satellite": 10}, demand={"it_power_mw": power_w * 10 * 300 * 1e-6})
    assert columns(problem, 0.5)["satellites"][0] == 300


@pytest.mark.parametrize("pflops", [1234.5, 50_000.0, 400_000.0])
def test_delivered_compute_is_met_by_the_smallest_fleet(make_problem: MakeProblem, pflops: float) -> None:
    problem = make_problem(demand={"delivered_pflops": pflops})
    batch = problem.designs(np.random.default_rng(0).random((400, 3)), problem.combinations()[0])
    violation = problem.score(batch).evaluation.violation
    batch = batch.take((violation["heat"] <= 0) & (violation["junction_temperature"] <= 0))  # others hardly compute
    assert (problem.score(batch).evaluation.violation["demand"] <= 1e-12).all()
    more_than_one = batch.take(batch.values["satellites"] > 1)
    assert len(more_than_one) > 100
    fewer = dataclasses.replace(
        more_than_one, values={**more_than_one.values, "satellites": more_than_one.values["satellites"] - 1}
    )
    assert (problem.score(fewer).evaluation.violation["demand"] > 0.0).all()


def test_following_no_demand_is_misuse(make_problem: MakeProblem) -> None:
    problem = make_problem()
    demand = dataclasses.replace(problem.assumptions.demand, it_power_mw=0.0, delivered_pflops=0.0)
    lost = dataclasses.replace(problem, assumptions=problem.assumptions.replace(demand=demand))
    with pytest.raises(DesignError, match="no demand is stated"):
        columns(lost, 0.5)


# Score


def test_the_score_is_the_outcome_and_the_sum_of_what_is_broken(make_problem: MakeProblem) -> None:
    problem = make_problem(subject_to=["capex_usd <= 1e9", "availability >= 0.1"])
    batch = problem.designs(np.full((1, 3), 0.5), problem.combinations()[0])
    scored = problem.score(batch)
    capex = scored.evaluation.outcome["capex_usd"][0]
    assert scored.objective[0] == scored.evaluation.outcome["lcoc_usd_per_pflop_hour"][0]
    rules = sum(max(float(v[0]), 0.0) for v in scored.evaluation.violation.values())
    assert scored.violation[0] == pytest.approx(rules + (capex - 1e9) / 1e9)
    assert not scored.feasible[0]


def test_maximising_turns_the_sign_of_the_objective(make_problem: MakeProblem) -> None:
    low = make_problem(minimise="delivered_pflops")
    high = make_problem(maximise="delivered_pflops")
    points = np.full((1, 3), 0.5)
    one, other = (p.score(p.designs(points, p.combinations()[0])) for p in (low, high))
    assert one.objective[0] == -other.objective[0] > 0


@pytest.mark.parametrize(
    ("operator", "value", "violation"),
    [
        ("<=", 10.0, 0.0),
        ("<=", 8.0, 0.25),
        (">=", 10.0, 0.0),
        (">=", 20.0, 0.5),
        ("<=", 0.0, 10.0),
        (">=", -5.0, 0.0),
    ],
)
def test_a_bound_is_missed_relative_to_its_value(operator: str, value: float, violation: float) -> None:
    bound = Bound("capex_usd", operator, value)  # type: ignore[arg-type]
    assert bound.violation({"capex_usd": np.array([10.0])})[0] == pytest.approx(violation)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_bound_reads_as_the_number_it_is(value: float) -> None:
    name, operator, text = str(Bound("capex_usd", "<=", value)).split()
    assert (name, operator, float(text)) == ("capex_usd", "<=", value)


@pytest.mark.parametrize(
    ("value", "text"),
    [(3e10, "3e+10"), (2.0, "2"), (0.05, "0.05"), (1234567.0, "1234567"), (0.1 + 0.2, repr(0.1 + 0.2))],
)
def test_a_bound_reads_as_a_person_writes_it(value: float, text: str) -> None:
    assert str(Bound("capex_usd", "<=", value)) == f"capex_usd <= {text}"


@pytest.mark.parametrize("operator", ["<", ">"])
def test_a_strict_bound_refuses_its_own_value_only(operator: str) -> None:
    bound = Bound("capex_usd", operator, 10.0)  # type: ignore[arg-type]
    sign = -1.0 if operator == "<" else 1.0
    values = np.array([10.0, np.nextafter(10.0, sign * np.inf)])
    violation = bound.violation({"capex_usd": values})
    assert violation[0] > 0.0
    assert violation[1] == 0.0


def scored_with(problem: Problem, objective: list[float], violation: list[float]) -> Scored:
    batch = problem.designs(np.full((len(objective), 3), 0.5), problem.combinations()[0])
    return Scored(batch, problem.score(batch).evaluation, np.array(objective), np.array(violation))


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e11])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_merit_keeps_order_and_precision_of_the_objective(make_problem: MakeProblem, size: float, sign: float) -> None:
    objective = np.sort(sign * size * (1.0 + 1e-8 * np.arange(6)))
    merit = scored_with(make_problem(), list(objective), [0.0] * 6).merit()
    assert (np.diff(merit) > 0).all()


def test_any_feasible_design_comes_before_any_infeasible_one(make_problem: MakeProblem) -> None:
    objective = [1e300, 1e11, 0.0, -1e11, -5.0, 1e-9]
    scored = scored_with(make_problem(), objective, [0.0, 0.0, 0.0, 0.0, 1e-12, 3.0])
    merit = scored.merit()
    assert merit[:4].max() < merit[4] < merit[5]
    assert scored.best() == 3
    assert scored_with(make_problem(), [1.0, 2.0], [0.5, 0.4]).best() == 1


def test_what_can_not_be_computed_is_infeasible_without_measure(make_problem: MakeProblem) -> None:
    problem = make_problem()
    worse = problem.assumptions.accelerators["tpu_v7"]
    hot = dataclasses.replace(worse, price_usd=1e308)
    believed = problem.assumptions.replace(accelerators={**problem.assumptions.accelerators, "tpu_v7": hot})
    beyond = dataclasses.replace(problem, assumptions=believed)
    with np.errstate(all="ignore"):
        scored = beyond.score(beyond.designs(np.full((2, 3), 0.5), beyond.combinations()[0]))
    assert not scored.feasible.any()
    assert np.isposinf(scored.merit()).all()


def test_score_of_one_design_is_that_of_the_batch(make_problem: MakeProblem) -> None:
    problem = make_problem()
    batch = problem.designs(np.random.default_rng(3).random((5, 3)), problem.combinations()[0])
    scored = problem.score(batch)
    for index, design in enumerate(batch):
        alone = problem.score_one(design)
        assert alone.objective[0] == pytest.approx(scored.objective[index], rel=1e-12)
        assert alone.violation[0] == pytest.approx(scored.violation[index], rel=1e-9, abs=1e-15)


def test_asking_for_few_outcomes_changes_no_score(make_problem: MakeProblem) -> None:
    problem = make_problem(subject_to=["capex_usd <= 1e10"])
    batch: DesignBatch = problem.designs(np.random.default_rng(3).random((50, 3)), problem.combinations()[0])
    whole, few = problem.score(batch), problem.score(batch, problem.scored_outcomes)
    assert set(problem.scored_outcomes) == {"lcoc_usd_per_pflop_hour", "capex_usd"}
    np.testing.assert_array_equal(whole.objective, few.objective)
    np.testing.assert_array_equal(whole.violation, few.violation)
