"""Columns of assumptions against one evaluation for each set: the same figures, to the last bit."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from dawndusk.models import evaluate as module
from dawndusk.models.assumptions import CATALOGUES, GROUPS, Assumptions
from dawndusk.models.columns import evaluate_columns
from dawndusk.models.design import NUMBERS, Design, DesignBatch
from dawndusk.models.errors import AssumptionError, ContradictionError
from dawndusk.models.evaluate import Evaluation, evaluate
from dawndusk.models.physics.thermal import LEAKING_PER_K
from dawndusk.models.recording.parameters import (
    STRUCTURAL,
    NotInForce,
    assumption_parameters,
    data_row,
    recorded_assumptions,
    structure_of,
)
from dawndusk.models.recording.rows import ORBIT_CODE, parameter_rows, rows_of
from dawndusk.models.recording.samples import AssumptionSamples, number_keys, with_numbers
from dawndusk.models.recording.surroundings import recorded_surroundings, surroundings, table_parameters
from dawndusk.models.recording.trace import Graph
from dawndusk.models.rules import RULES

Floats = NDArray[np.float64]
RandomBatch = Callable[[int, int], DesignBatch]

NEAR = np.array([0.99, 1.0, 1.01])
LOSS, PRICE = "reliability.satellite_loss_per_year", "accelerators.b200.price_usd"


def field_of(key: str) -> dataclasses.Field[object]:
    owner, *_, name = key.split(".")
    return {f.name: f for f in dataclasses.fields({**GROUPS, **CATALOGUES}[owner])}[name]


def value_of(assumptions: Assumptions, key: str) -> float:
    owner, *row, name = key.split(".")
    part = getattr(assumptions, owner)
    return float(getattr(part[row[0]] if row else part, name))


def near(assumptions: Assumptions, key: str) -> Floats:
    """Return three values about that of a number, in its domain."""
    value, domain = value_of(assumptions, key), field_of(key).metadata
    column = value * NEAR if value else 0.01 * np.arange(1.0, 4.0) * min(domain["maximum"], 100.0)
    return np.clip(column, domain["minimum"], domain["maximum"])


def loop(batch: DesignBatch, samples: AssumptionSamples) -> list[Evaluation]:
    return [evaluate(batch[i], samples[i]) for i in range(len(samples))]


def assert_same(found: Evaluation, single: list[Evaluation], what: str = "") -> None:
    for i, one in enumerate(single):
        for name, column in found.outcome.values.items():
            assert (
                column[i] == one.outcome.values[name][0] or np.isnan([column[i], one.outcome.values[name][0]]).all()
            ), (
                what,
                name,
            )
        assert all(found.violation[rule][i] == one.violation[rule][0] for rule in one.violation), what


def stated(assumptions: Assumptions) -> Assumptions:
    """Return assumptions in which nothing is left out because it is zero."""
    return with_checked(assumptions, {"demand.it_power_mw": 200.0, "launch.volume_discount_per_doubling": 0.05})


def with_checked(assumptions: Assumptions, numbers: dict[str, float]) -> Assumptions:
    return AssumptionSamples(assumptions, {key: np.array([value]) for key, value in numbers.items()})[0]


@pytest.mark.parametrize("owner", [*GROUPS, *CATALOGUES])
def test_every_number_works_as_a_column(owner: str, assumptions: Assumptions, random_batch: RandomBatch) -> None:
    batch = random_batch(3, 5)
    for key in number_keys(assumptions):
        if key.split(".")[0] == owner:
            samples = AssumptionSamples(assumptions, {key: near(assumptions, key)})
            with np.errstate(all="ignore"):
                assert_same(evaluate(batch, samples), loop(batch, samples), key)


@pytest.mark.parametrize("uniform", [True, False])
def test_all_numbers_as_columns_at_once(
    uniform: bool, assumptions: Assumptions, random_batch: RandomBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared, count, rng = stated(assumptions), 40, np.random.default_rng(3)
    batch = random_batch(count, 6)
    if uniform:
        batch = dataclasses.replace(batch, codes={n: np.zeros(count, dtype=np.intp) for n in batch.codes})
    columns = {}
    for key in number_keys(shared):
        owner, *_, name = key.split(".")
        if f"{owner}.{name}" not in STRUCTURAL or name in {"first_launch_year", "it_power_mw"}:
            domain = field_of(key).metadata
            spread = value_of(shared, key) * rng.uniform(0.999, 1.001, count)
            columns[key] = np.clip(spread, domain["minimum"], domain["maximum"])
    samples = AssumptionSamples(shared, columns)
    with np.errstate(all="ignore"):
        single = loop(batch, samples)
        assert_same(evaluate(batch, samples), single)
        monkeypatch.setattr(module, "CHUNK", 16)
        assert_same(evaluate(batch, samples), single)


def test_every_structural_number_is_split_by_what_the_structure_sees(assumptions: Assumptions, design: Design) -> None:
    values = {
        "scenario.first_launch_year": [2029.9, 2030.1, 2031.0],
        "demand.it_power_mw": [0.0, 100.0, 300.0],
        "demand.delivered_pflops": [0.0, 1e4, 3e4],
        "launch.volume_discount_per_doubling": [0.0, 0.05, 0.1],
        "accelerators.b200.leakage_per_k": [LEAKING_PER_K * 1.1, 0.001, 0.002],
        "environment.solar_flux_f107": [100.0, 150.0, 100.0],
        "platform.disposal_altitude_km": [250.0, 250.0, 300.0],
        "orbits.dawn_dusk_sso.ltan_h": [6.0, 7.0, 6.0],
        "orbits.dawn_dusk_sso.inclination_deg": [97.0, 97.0, 98.0],
        "orbits.dawn_dusk_sso.sun_synchronous": [1.0, 0.0, 1.0],
    }
    assert {f"{k.split('.')[0]}.{k.split('.')[-1]}" for k in values} == set(STRUCTURAL)
    assert all(structural.reason for structural in STRUCTURAL.values())
    batch = DesignBatch.of([design] * 3)
    for key, column in values.items():
        samples = AssumptionSamples(assumptions, {key: np.array(column), LOSS: np.array([0.01, 0.02, 0.03])})
        parts = list(samples.parts(("dawn_dusk_sso",)))
        assert len(parts) == 2, key
        assert sorted(np.concatenate([sets for sets, _ in parts if sets is not None])) == [0, 1, 2]
        assert_same(evaluate(batch, samples), loop(batch, samples), key)


def test_columns_of_orbits_that_no_design_has_make_no_parts(assumptions: Assumptions, design: Design) -> None:
    other = next(name for name in assumptions.orbits if name != design.orbit)
    samples = AssumptionSamples(assumptions, {f"orbits.{other}.ltan_h": np.array([6.0, 7.0])})
    assert [sets for sets, _ in samples.parts((design.orbit,))] == [None]
    found = evaluate(design, samples).outcome["lcoc_usd_per_pflop_hour"]
    assert found[0] == found[1]


def test_one_design_holds_for_all_sets_and_one_set_for_all_designs(
    assumptions: Assumptions, design: Design, random_batch: RandomBatch
) -> None:
    three = AssumptionSamples(assumptions, {LOSS: np.array([0.0, 0.02, 0.3]), PRICE: np.array([3e4, 4e4, 5e4])})
    assert_same(evaluate(design, three), [evaluate(design, three[i]) for i in range(3)])
    one, batch = AssumptionSamples(assumptions, {LOSS: np.array([0.07])}), random_batch(4, 1)
    assert np.array_equal(
        evaluate(batch, one).outcome["capex_usd"], evaluate(batch, one[0]).outcome["capex_usd"], equal_nan=True
    )
    with pytest.raises(AssumptionError, match="3 sets of assumptions for 4 designs; allowed: 1 or as many"):
        evaluate(batch, three)


def test_the_direct_evaluation_takes_columns_as_well(assumptions: Assumptions, random_batch: RandomBatch) -> None:
    batch = random_batch(30, 2)
    rng = np.random.default_rng(1)
    keys = (LOSS, PRICE, "scenario.discount_rate", "network.link_spacing_km", "power.cycles_few", "ground.build_years")
    samples = AssumptionSamples(assumptions, {k: value_of(assumptions, k) * rng.uniform(0.9, 1.1, 30) for k in keys})
    applied = samples.applied()
    outcome, broken = evaluate_columns(batch.values, rows_of(applied, batch), applied)
    found = evaluate(batch, samples)
    assert all(np.array_equal(found.outcome[name], np.broadcast_to(v, (30,))) for name, v in outcome.items())
    assert all(np.array_equal(found.violation[name], np.broadcast_to(v, (30,))) for name, v in broken.items())


def test_samples_are_sets_of_plain_assumptions(assumptions: Assumptions) -> None:
    samples = AssumptionSamples(assumptions, {LOSS: np.array([0.01, 0.02]), PRICE: np.array([30_000, 40_000])})
    assert len(samples) == 2
    second = samples[1]
    assert type(second) is Assumptions
    assert second.reliability.satellite_loss_per_year == 0.02
    assert second.accelerators["b200"].price_usd == 40_000.0
    assert second.provenance is assumptions.provenance


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({}, "found no column"),
        ({"reliability.satelite_loss_per_year": np.ones(2)}, f"did you mean '{LOSS}'"),
        ({"accelerators.b201.price_usd": np.ones(2)}, f"did you mean '{PRICE}'"),
        ({"reliability": np.ones(2)}, "no number of the assumptions"),
        ({"data.density_kg_m3": np.ones(2)}, "no number of the assumptions"),
        ({"workload": np.ones(2)}, "workload: found a column; allowed: one name, because it is structural"),
        ({"training_run": np.ones(2)}, "training_run: found a column"),
        ({LOSS: 0.1}, "found 0.1; allowed: an array of numbers of shape"),
        ({LOSS: np.ones((2, 2))}, r"found float64 of shape \(2, 2\)"),
        ({LOSS: np.ones(0)}, r"found float64 of shape \(0,\)"),
        ({LOSS: np.array(["a", "b"])}, "allowed: an array of numbers"),
        ({LOSS: np.array([0.1, np.nan])}, "found nan in sample 1, allowed 0 to 5 1/year"),
        ({LOSS: np.array([np.inf, 0.1])}, "found inf in sample 0"),
        ({LOSS: np.array([0.1, -0.1])}, "found -0.1 in sample 1, allowed 0 to 5"),
        ({LOSS: np.ones(2), PRICE: np.ones(3)}, f"{PRICE}: found 3 samples; allowed: 2, as many as of {LOSS}"),
    ],
)
def test_bad_columns_are_refused(columns: dict[str, Floats], message: str, assumptions: Assumptions) -> None:
    with pytest.raises(AssumptionError, match=message):
        AssumptionSamples(assumptions, columns)


def test_sets_that_contradict_themselves_are_refused(assumptions: Assumptions) -> None:
    with pytest.raises(
        ContradictionError, match=r"power.cycles_few: found 1e\+06; allowed less than power.cycles_many"
    ):
        AssumptionSamples(assumptions, {"power.cycles_few": np.array([100.0, 1e6])})
    with pytest.raises(ContradictionError, match=r"accelerators.b200: thermal_resistance_k_w x chip_power_w"):
        AssumptionSamples(assumptions, {"accelerators.b200.thermal_resistance_k_w": np.array([0.01, 9.0])})


def recorded(assumptions: Assumptions) -> Graph:
    graph = Graph()
    names = {name: graph.input(name) for name in NUMBERS}
    rows = parameter_rows(graph, recorded_surroundings(graph))
    evaluate_columns(names, rows, recorded_assumptions(graph, assumptions))
    return graph


def test_every_parameter_of_the_recording_knows_its_data_row(assumptions: Assumptions, design: Design) -> None:
    named = {n.payload for n in recorded(stated(assumptions)).nodes if n.kind == "parameter"}
    tables = set(table_parameters(surroundings(assumptions, (design.orbit,))))
    keys = {data_row(name, design.combination) for name in named - tables - {ORBIT_CODE}}
    assert keys <= set(assumptions.provenance)
    assert {PRICE, LOSS, f"workloads.{assumptions.workload}.restart_s"} <= keys
    assert tables <= named
    assert set(assumption_parameters(assumptions)) <= keys | {"demand.delivered_pflops"}


def test_a_number_that_follows_from_assumptions_is_no_constant_of_the_recording(assumptions: Assumptions) -> None:
    base = recorded(assumptions)
    for key in assumption_parameters(assumptions):
        if key not in STRUCTURAL:
            other = recorded(with_numbers(assumptions, {key: near(assumptions, key)[0]}))
            assert [(n.kind, n.reads) for n in other.nodes] == [(n.kind, n.reads) for n in base.nodes], key
            assert all(a.payload == b.payload for a, b in zip(other.nodes, base.nodes, strict=True)), key


def test_rows_that_designs_choose_can_not_be_read_from_the_catalogue(assumptions: Assumptions) -> None:
    graph = Graph()
    closed = recorded_assumptions(graph, assumptions).accelerators["b200"].price_usd
    assert isinstance(closed, NotInForce)
    with pytest.raises(TypeError, match=f"{PRICE}, which is not in force in every design: read rows"):
        graph.input("x") * closed
    with pytest.raises(TypeError, match="not in force"):
        np.exp(closed)


def test_a_new_number_makes_no_new_recording(
    assumptions: Assumptions, design: Design, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(design, assumptions)
    monkeypatch.setattr(module, "_Recording", None)
    for key in (
        LOSS,
        PRICE,
        "environment.solar_flux_f107",
        "platform.disposal_altitude_km",
        "orbits.dawn_dusk_sso.ltan_h",
    ):
        evaluate(design, AssumptionSamples(assumptions, {key: near(assumptions, key)}))
        evaluate(design, with_checked(assumptions, {key: near(assumptions, key)[0]}))


def test_a_new_rule_is_recorded_with_assumptions_that_were_evaluated_before(
    assumptions: Assumptions, design: Design, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(design, assumptions)
    rule = dataclasses.replace(RULES["heat"], name="cold", compare=lambda s: (s.outcome["heat_w"], s.outcome["load_w"]))
    monkeypatch.setitem(RULES, "cold", rule)
    samples = AssumptionSamples(assumptions, {LOSS: np.array([0.1, 0.2])})
    for found in (evaluate(design, assumptions), evaluate(design, samples)):
        assert (found.violation["cold"] > 0.0).all()


def test_structures_differ_by_names_zeros_and_leaky_chips(assumptions: Assumptions) -> None:
    other = next(name for name in assumptions.workloads if name != assumptions.workload)
    changed = [
        assumptions.replace(workload=other),
        with_checked(assumptions, {"demand.it_power_mw": 100.0}),
        with_checked(assumptions, {"accelerators.b200.leakage_per_k": LEAKING_PER_K * 1.1}),
    ]
    structures = [structure_of(one) for one in (assumptions, *changed)]
    assert len(set(structures)) == 4
    assert structure_of(with_checked(assumptions, {LOSS: 0.2})) == structures[0]


def test_sets_of_assumptions_cost_far_less_than_a_recording(assumptions: Assumptions, design: Design) -> None:
    samples = AssumptionSamples(assumptions, {LOSS: np.linspace(0.0, 0.1, 2000)})
    evaluate(design, samples)
    begin = time.perf_counter()
    evaluate(design, samples)
    together = time.perf_counter() - begin
    begin = time.perf_counter()
    module._Recording(assumptions)
    assert together < 2000 * 0.1 * (time.perf_counter() - begin)
