"""The whole model: finite everywhere, one by one or in batches, and a waterfall that multiplies out."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.columns import DISCIPLINES, evaluate_columns, profile_columns
from dawndusk.models.constants import SECONDS_PER_YEAR
from dawndusk.models.design import CATEGORIES, NUMBERS, VARIABLES, Design, DesignBatch
from dawndusk.models.errors import AssumptionError, ContradictionError
from dawndusk.models.evaluate import CHUNK, Evaluation, evaluate
from dawndusk.models.outcome import OUTCOMES, UnknownOutcomeError
from dawndusk.models.physics.reliability import heat_acceleration
from dawndusk.models.physics.thermal import drawn_it_power_w
from dawndusk.models.recording.rows import rows_of
from dawndusk.models.rules import RULES
from dawndusk.studies.data import default_assumptions, with_values

quick = settings(deadline=None, max_examples=150, derandomize=True)
SHIPPED = default_assumptions()
MAY_BE_NEGATIVE = {"breakeven_launch_usd_per_kg", "value_usd"}
DRAWN_TOGETHER = ("chip_power_w", "it_power_w", "leakage_per_k")  # a chip draws less than its share of the rack
RandomBatch = Callable[[int, int], DesignBatch]


def assert_finite(found: Evaluation) -> None:
    for name, values in (*found.outcome.values.items(), *found.violation.items()):
        assert np.isfinite(values).all(), f"{name}: {np.count_nonzero(~np.isfinite(values))} not finite"
    for name, values in found.outcome.values.items():
        assert (values >= 0.0).all() or name in MAY_BE_NEGATIVE, f"{name}: {values.min()}"


def number(name: str) -> st.SearchStrategy[float]:
    variable = VARIABLES[name]
    if variable.kind == "integer":
        return st.integers(int(variable.minimum), int(variable.maximum)).map(float)
    return st.floats(variable.minimum, variable.maximum)


designs = st.fixed_dictionaries(
    {name: number(name) for name in NUMBERS}
    | {name: st.sampled_from(sorted(getattr(SHIPPED, VARIABLES[name].catalogue))) for name in CATEGORIES}
)


@quick
@given(fields=designs)
def test_any_design_has_finite_outcomes(fields: dict[str, object]) -> None:
    assert_finite(evaluate(Design(**fields), SHIPPED))  # type: ignore[arg-type]


def test_a_hundred_thousand_designs_have_finite_outcomes(assumptions: Assumptions, random_batch: RandomBatch) -> None:
    found = evaluate(random_batch(100_000, 81), assumptions)
    assert_finite(found)
    assert found.feasible.any()
    assert not found.feasible.all()


def test_every_corner_of_the_domain_has_finite_outcomes(assumptions: Assumptions, random_batch: RandomBatch) -> None:
    ends = ((VARIABLES[name].minimum, VARIABLES[name].maximum) for name in NUMBERS)
    corners = np.tile(np.array(list(itertools.product(*ends))), (8, 1))
    drawn = random_batch(len(corners), 82)
    values = {name: corners[:, i].copy() for i, name in enumerate(NUMBERS)}
    assert_finite(evaluate(DesignBatch(values, drawn.codes, drawn.names), assumptions))


def drawn_from_ranges(assumptions: Assumptions, rng: np.random.Generator, *, ends: bool) -> Assumptions:
    """Draw every value in its range or at an end of it, again where the values contradict each other."""
    ranged = {k: (q.low, q.high) for k, q in assumptions.provenance.items() if q.low is not None and q.high is not None}
    while True:
        drawn = {
            key: float(rng.choice([low, high]) if ends else rng.uniform(low, high))
            for key, (low, high) in ranged.items()
            if not key.startswith("accelerators.") or key.rsplit(".", 1)[1] not in DRAWN_TOGETHER
        }
        assert len(drawn) > 100
        with contextlib.suppress(ContradictionError):
            return with_values(assumptions, drawn)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("ends", [False, True], ids=["inside", "at the ends"])
def test_any_assumptions_in_their_sourced_ranges_give_finite_outcomes(
    assumptions: Assumptions, random_batch: RandomBatch, seed: int, ends: bool
) -> None:
    believed = drawn_from_ranges(assumptions, np.random.default_rng(seed), ends=ends)
    assert_finite(evaluate(random_batch(500, 83 + seed), believed))


def test_strong_leakage_gives_finite_outcomes(assumptions: Assumptions, random_batch: RandomBatch) -> None:
    strong = {f"accelerators.{name}.leakage_per_k": 0.01 for name in assumptions.accelerators}
    assert_finite(evaluate(random_batch(2000, 91), with_values(assumptions, strong)))


@pytest.mark.parametrize("workload", ["training", "text_inference", "rich_inference", "batch"])
def test_every_workload_has_finite_outcomes(assumptions: Assumptions, random_batch: RandomBatch, workload: str) -> None:
    assert_finite(evaluate(random_batch(2000, 84), assumptions.replace(workload=workload)))


def test_every_outcome_and_every_rule_is_there_once(assumptions: Assumptions, design: Design) -> None:
    found = evaluate(design, assumptions)
    assert found.outcome.values.keys() == OUTCOMES.keys()
    assert found.violation.keys() == RULES.keys()
    assert found.outcome.row(0) == {name: found.outcome[name][0] for name in OUTCOMES}


def assert_same(found: Evaluation, other: Evaluation, index: np.ndarray[tuple[int], np.dtype[np.intp]]) -> None:
    """Designs ``index`` of ``found`` are the designs of ``other``, to the last digits that vector units differ in."""
    for name, values in found.outcome.values.items():
        assert other.outcome[name] == pytest.approx(values[index], rel=1e-12, abs=1e-300), name
    for name, values in found.violation.items():
        assert other.violation[name] == pytest.approx(values[index], rel=1e-9, abs=1e-12), name


@pytest.mark.parametrize("count", [1, 2, 17, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 3])
def test_one_design_alone_is_the_same_in_a_batch_of_any_size(
    assumptions: Assumptions, random_batch: RandomBatch, count: int
) -> None:
    batch = random_batch(count, 85)
    whole = evaluate(batch, assumptions)
    picked = sorted({0, count // 2, min(CHUNK - 1, count - 1), min(CHUNK, count - 1), count - 1})
    for i in picked:
        alone = evaluate(batch[i], assumptions)
        assert_same(whole, alone, np.array([i]))


def test_order_does_not_matter(assumptions: Assumptions, random_batch: RandomBatch) -> None:
    batch = random_batch(CHUNK + 500, 86)
    order = np.random.default_rng(0).permutation(len(batch))
    assert_same(evaluate(batch, assumptions), evaluate(batch.take(order), assumptions), order)


@pytest.mark.parametrize("category", CATEGORIES)
def test_mixed_categories_equal_single_ones(assumptions: Assumptions, random_batch: RandomBatch, category: str) -> None:
    batch = random_batch(600, 87)
    whole = evaluate(batch, assumptions)
    for code, name in enumerate(batch.names[category]):
        index = np.flatnonzero(batch.codes[category] == code)
        part = batch.take(index)
        single = DesignBatch(
            part.values,
            {**part.codes, category: np.zeros(len(index), dtype=np.intp)},
            {**part.names, category: (name,)},
        )
        assert_same(whole, evaluate(single, assumptions), index)


def test_names_that_no_design_uses_change_nothing(assumptions: Assumptions, random_batch: RandomBatch) -> None:
    batch = random_batch(50, 88)
    shifted = DesignBatch(
        batch.values,
        {**batch.codes, "orbit": batch.codes["orbit"] + 1},
        {**batch.names, "orbit": ("mid_inclination_30", *batch.names["orbit"])},
    )
    assert_same(evaluate(batch, assumptions), evaluate(shifted, assumptions), np.arange(50))


def test_waterfall_multiplies_to_delivered(assumptions: Assumptions, random_batch: RandomBatch) -> None:
    for believed in ({}, {"demand.it_power_mw": 10.0}, {"demand.delivered_pflops": 1e3}):
        changed = with_values(assumptions, believed) if believed else assumptions
        o = evaluate(random_batch(1000, 89), changed).outcome
        factors = ("eclipse_availability", "checkpoint_efficiency", "network_fraction", "sustained_fraction",
                   "in_service_fraction", "demand_fraction")  # fmt: skip
        product = o["installed_pflops"].copy()
        for factor in factors:
            assert ((o[factor] >= 0.0) & (o[factor] <= 1.0 + 1e-12)).all(), factor
            product *= o[factor]
        assert product == pytest.approx(o["delivered_pflops"], rel=1e-12)
        assert o["availability"] == pytest.approx(o["eclipse_availability"] * o["checkpoint_efficiency"], rel=1e-12)


def test_demand_caps_what_is_delivered(assumptions: Assumptions, random_batch: RandomBatch) -> None:
    o = evaluate(random_batch(1000, 90), with_values(assumptions, {"demand.delivered_pflops": 1e3})).outcome
    assert (o["delivered_pflops"] <= 1e3 * (1.0 + 1e-12)).all()


def test_installed_compute_and_power_from_the_chips(assumptions: Assumptions, design: Design) -> None:
    o, chip = evaluate(design, assumptions).outcome.row(0), assumptions.accelerators[design.accelerator]
    fleet = design.satellites * design.accelerators_per_satellite
    assert o["accelerators"] == fleet
    assert o["installed_pflops"] == pytest.approx(fleet * chip.bf16_dense_tflops / 1000.0)
    assert o["it_power_mw"] == pytest.approx(fleet * chip.it_power_w / 1e6)
    assert o["mass_per_it_power_kg_per_kw"] == pytest.approx(
        o["wet_mass_kg"] / (design.accelerators_per_satellite * chip.it_power_w / 1000.0)
    )


def per_accelerator(a: Assumptions, design: Design, o: dict[str, float]) -> float:
    """Interruptions of one accelerator in a year, its share of a lost satellite with them."""
    own = o["upsets_per_accelerator_year"] + o["accelerator_failures_per_year"] + a.reliability.interruption_per_year
    return own + a.reliability.satellite_loss_per_year / design.accelerators_per_satellite


def one_job(a: Assumptions, interruptions_per_year: float) -> float:
    """Useful share of time of one job at the best checkpoint interval (Young, Daly)."""
    workload, per_second = a.workloads[a.workload], interruptions_per_year / SECONDS_PER_YEAR
    return 1.0 / (1.0 + math.sqrt(2.0 * workload.checkpoint_s * per_second) + workload.restart_s * per_second)


def test_training_run_on_a_fleet_no_larger_than_its_job(assumptions: Assumptions, design: Design) -> None:
    """Then the workload already is one job on the whole fleet, in orbit and on the ground."""
    o = evaluate(design.replace(satellites=20), assumptions).outcome.row(0)
    flop = assumptions.training_runs[assumptions.training_run].flop
    useful = o["installed_pflops"] * o["availability"] * o["network_fraction"] * o["sustained_fraction"] * 1e15
    assert o["training_run_days"] == pytest.approx(flop / useful / 86_400.0, rel=1e-12)
    assert o["training_run_cost_usd"] == pytest.approx(o["lcoc_usd_per_pflop_hour"] * flop / 3.6e18, rel=1e-12)
    on_ground = o["ground_lcoc_usd_per_pflop_hour"] * flop / 3.6e18
    assert o["ground_training_run_cost_usd"] == pytest.approx(on_ground, rel=1e-12)


def test_training_run_of_stated_size(assumptions: Assumptions, design: Design) -> None:
    """FLOP over the FLOP/s of one job on the whole fleet; its cost is what the fleet would else sell in that time."""
    o, flop = evaluate(design, assumptions).outcome.row(0), assumptions.training_runs[assumptions.training_run].flop
    fleet = design.satellites * design.accelerators_per_satellite
    whole = one_job(assumptions, per_accelerator(assumptions, design, o) * fleet)
    assert whole < o["checkpoint_efficiency"]
    peak = o["installed_pflops"] * o["network_fraction"] * o["sustained_fraction"] * 1e15
    seconds = flop / (peak * o["eclipse_availability"] * whole)
    assert o["training_run_days"] == pytest.approx(seconds / 86_400.0, rel=1e-12)
    sold = peak * o["availability"] * seconds / 3.6e18
    assert o["training_run_cost_usd"] == pytest.approx(o["lcoc_usd_per_pflop_hour"] * sold, rel=1e-12)
    full_power = o["heat_w"] * design.satellites * o["training_run_days"] * 24.0 / 1e6
    assert 0.6 * full_power < o["training_run_energy_mwh"] <= full_power
    reliability = assumptions.reliability
    hot = float(heat_acceleration(reliability, assumptions.ground.junction_k))
    each = reliability.interruption_per_year + reliability.accelerator_failure_per_year * hot
    job = min(fleet, assumptions.workloads[assumptions.workload].job_accelerators)
    on_ground = o["installed_pflops"] * o["sustained_fraction"] * 1e15 * one_job(assumptions, each * fleet)
    assert o["ground_training_run_days"] == pytest.approx(flop / on_ground / 86_400.0, rel=1e-9)
    slower = one_job(assumptions, each * job) / one_job(assumptions, each * fleet)
    sold = flop / 3.6e18 * slower
    assert o["ground_training_run_cost_usd"] == pytest.approx(o["ground_lcoc_usd_per_pflop_hour"] * sold, rel=1e-9)
    chip = assumptions.accelerators[design.accelerator]
    drawn = float(drawn_it_power_w(assumptions.thermal, chip, assumptions.ground.junction_k))
    ground_power = o["accelerators"] * drawn * 1e-6 * assumptions.ground.pue
    assert o["ground_training_run_energy_mwh"] == pytest.approx(ground_power * o["ground_training_run_days"] * 24.0)


@quick
@given(
    name=st.sampled_from(["satellite_loss_per_year", "interruption_per_year", "accelerator_failure_per_year"]),
    factor=st.floats(1.05, 5.0),
)
def test_worse_hardware_costs_more(name: str, factor: float) -> None:
    plain = Design(
        accelerator="b200", accelerators_per_satellite=64, satellites=2500, orbit="dawn_dusk_sso", altitude_km=700.0,
        radiator="deployable_aluminium", radiator_area_m2=170.0, shielding_mm=8.0, array="iii_v_rosa",
        array_oversize=1.1, eclipse_ride_through=0.0, spare_fraction=0.1, optical_terminals=4, life_years=5.0,
        vehicle="starship_v3", launches_per_year=60.0,
    )  # fmt: skip
    key = f"reliability.{name}"
    worse = with_values(SHIPPED, {key: SHIPPED.provenance[key].value * factor})
    before, after = (evaluate(plain, a).outcome["lcoc_usd_per_pflop_hour"][0] for a in (SHIPPED, worse))
    assert after > before


def test_kept_outcomes_are_the_same(assumptions: Assumptions, random_batch: RandomBatch) -> None:
    batch = random_batch(CHUNK + 10, 92)
    whole, part = evaluate(batch, assumptions), evaluate(batch, assumptions, keep=["capex_usd"])
    assert set(part.outcome.values) == {"capex_usd"}
    assert np.array_equal(part.outcome["capex_usd"], whole.outcome["capex_usd"])
    assert np.array_equal(part.total_violation, whole.total_violation)


@pytest.mark.parametrize("mixed", [False, True], ids=["one name of each category", "mixed names"])
def test_recorded_model_is_the_direct_evaluation_to_the_last_bit(
    assumptions: Assumptions, random_batch: RandomBatch, mixed: bool
) -> None:
    batch = random_batch(300, 95)
    if not mixed:
        codes = {name: np.zeros_like(code) for name, code in batch.codes.items()}
        batch = DesignBatch(batch.values, codes, batch.names)
    found = evaluate(batch, assumptions)
    columns, broken = evaluate_columns(batch.values, rows_of(assumptions, batch), assumptions)
    for name in OUTCOMES:
        assert np.array_equal(found.outcome[name], np.broadcast_to(columns[name], 300)), name
    for name in RULES:
        assert np.array_equal(found.violation[name], np.broadcast_to(broken[name], 300)), name


def test_time_of_every_discipline(assumptions: Assumptions, random_batch: RandomBatch) -> None:
    batch = random_batch(10, 96)
    spent = profile_columns(batch.values, rows_of(assumptions, batch), assumptions)
    assert list(spent) == [*DISCIPLINES, "rules"]
    assert all(seconds >= 0.0 for seconds in spent.values())


def test_rules_without_any_outcome(assumptions: Assumptions, random_batch: RandomBatch) -> None:
    batch = random_batch(50, 93)
    whole, none = evaluate(batch, assumptions), evaluate(batch, assumptions, keep=())
    assert not none.outcome.values
    assert np.array_equal(none.total_violation, whole.total_violation)
    assert np.array_equal(none.feasible, whole.feasible)
    with pytest.raises(UnknownOutcomeError, match="'capex_usd': not kept"):
        none.outcome["capex_usd"]


@pytest.mark.parametrize("keep", [["capex_us"], ["capex_usd", "capex_us"]])
def test_unknown_outcome_to_keep_names_the_nearest(assumptions: Assumptions, design: Design, keep: list[str]) -> None:
    with pytest.raises(UnknownOutcomeError, match=r"'capex_us': no such outcome.*did you mean 'capex_usd'"):
        evaluate(design, assumptions, keep=keep)


CONTRADICTIONS: dict[str, tuple[dict[str, float], dict[str, float], str]] = {
    "structure and margin exceed the dry mass": (
        {"platform.structure_fraction": 0.6, "platform.margin_fraction": 0.31},
        {"platform.structure_fraction": 0.5, "platform.margin_fraction": 0.39},
        r"platform\.structure_fraction \+ platform\.margin_fraction: found 0\.91; allowed at most 0\.9",
    ),
    "thermal runaway of the chip": (
        {"accelerators.b200.thermal_resistance_k_w": 1.0},
        {"accelerators.b200.thermal_resistance_k_w": 0.26},
        r"accelerators\.b200: .*found 3; allowed at most 0\.8, or the junction runs away",
    ),
    "heat pump eats its own heat": (
        {"radiators.deployable_heat_pump.lift_k": 150.0, "thermal.second_law_efficiency": 0.2},
        {"radiators.deployable_heat_pump.lift_k": 20.0},
        r"radiators\.deployable_heat_pump: .*allowed at most 0\.9 of the heat",
    ),
    "few cycles are many": (
        {"power.cycles_few": 30_000.0, "power.cycles_many": 30_000.0},
        {"power.cycles_few": 29_999.0, "power.cycles_many": 30_000.0},
        r"power\.cycles_few: found 30000; allowed less than power\.cycles_many, 30000",
    ),
    "accelerators outlive their building": (
        {"ground.it_life_years": 15.1, "ground.facility_life_years": 15.0},
        {"ground.it_life_years": 15.0, "ground.facility_life_years": 15.0},
        r"ground\.it_life_years: found 15\.1; allowed at most ground\.facility_life_years, 15",
    ),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_assumptions_that_contradict_each_other_are_refused(
    assumptions: Assumptions, random_batch: RandomBatch, case: str
) -> None:
    refused, allowed, message = CONTRADICTIONS[case]
    with pytest.raises(AssumptionError, match=message):
        with_values(assumptions, refused)
    assert_finite(evaluate(random_batch(200, 94), with_values(assumptions, allowed)))


def test_a_group_exchanged_in_python_is_checked_as_well(assumptions: Assumptions) -> None:
    heavy = dataclasses.replace(assumptions.platform, structure_fraction=0.6, margin_fraction=0.4)
    with pytest.raises(AssumptionError, match="structure_fraction"):
        assumptions.replace(platform=heavy)
