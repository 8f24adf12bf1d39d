"""The recorded model against the direct evaluation: the same calculation, to the last bit."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dawndusk.models import evaluate as module
from dawndusk.models.assumptions import Assumptions
from dawndusk.models.design import CATEGORIES, NUMBERS, VARIABLES, DesignBatch
from dawndusk.models.evaluate import evaluate, evaluate_columns
from dawndusk.models.outcome import OUTCOMES, UnknownOutcomeError
from dawndusk.models.recording.program import Program
from dawndusk.models.recording.rows import catalogue, rows_of
from dawndusk.models.recording.trace import Graph
from dawndusk.studies.data import default_assumptions, with_values

Floats = NDArray[np.float64]


def random_batch(assumptions: Assumptions, count: int, seed: int, *, mixed: bool) -> DesignBatch:
    rng = np.random.default_rng(seed)
    values = {}
    for name in NUMBERS:
        variable = VARIABLES[name]
        column = rng.uniform(variable.minimum, variable.maximum, count)
        values[name] = np.rint(column) if variable.kind == "integer" else column
    names = {c: tuple(catalogue(assumptions, c)) for c in CATEGORIES}
    codes = {
        c: rng.integers(0, len(names[c]), count) if mixed else np.full(count, rng.integers(0, len(names[c])))
        for c in CATEGORIES
    }
    return DesignBatch(values, {c: code.astype(np.intp) for c, code in codes.items()}, names)


def direct(batch: DesignBatch, assumptions: Assumptions) -> tuple[dict[str, Floats], dict[str, Floats]]:
    columns, broken = evaluate_columns(batch.values, rows_of(assumptions, batch), assumptions)
    shape = (len(batch),)
    return (
        {name: np.broadcast_to(column, shape) for name, column in columns.items()},
        {name: np.broadcast_to(column, shape) for name, column in broken.items()},
    )


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_recorded_equals_direct_to_the_last_bit(seed: int, mixed: bool) -> None:
    assumptions = default_assumptions()
    batch = random_batch(assumptions, 257, seed, mixed=mixed)
    found = evaluate(batch, assumptions)
    outcome, violation = direct(batch, assumptions)
    assert all(np.array_equal(found.outcome[name], outcome[name]) for name in OUTCOMES)
    assert all(np.array_equal(found.violation[name], violation[name]) for name in violation)


def test_a_new_belief_is_a_new_recording() -> None:
    shipped = default_assumptions()
    dearer = with_values(shipped, {"vehicles.starship_v3.price_usd": 2e8}, source="test")
    batch = random_batch(shipped, 50, 1, mixed=True)
    for assumptions in (shipped, dearer, shipped, dearer):
        outcome, _ = direct(batch, assumptions)
        assert np.array_equal(evaluate(batch, assumptions).outcome["capex_usd"], outcome["capex_usd"])


def test_more_recordings_than_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_RECORDINGS", 2)
    monkeypatch.setattr(module, "MOST_BOUND", 1)
    shipped = default_assumptions()
    batch = random_batch(shipped, 20, 2, mixed=False)
    for rate in (0.11, 0.12, 0.13, 0.14, 0.11):
        assumptions = with_values(shipped, {"scenario.discount_rate": rate}, source="test")
        outcome, _ = direct(batch, assumptions)
        assert np.array_equal(
            evaluate(batch, assumptions).outcome["lcoc_usd_per_pflop_hour"], outcome["lcoc_usd_per_pflop_hour"]
        )


@pytest.mark.parametrize("mixed", [False, True])
def test_chunks_and_kept_outcomes_do_not_change_results(mixed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    assumptions = default_assumptions()
    batch = random_batch(assumptions, 1000, 3, mixed=mixed)
    whole = evaluate(batch, assumptions)
    monkeypatch.setattr(module, "CHUNK", 64)
    kept = ("capex_usd", "downlink_gbps", "it_power_mw", "capex_usd")
    part = evaluate(batch, assumptions, kept)
    assert set(part.outcome.values) == set(kept)
    assert all(np.array_equal(part.outcome[name], whole.outcome[name]) for name in kept)
    assert np.array_equal(part.total_violation, whole.total_violation)
    with pytest.raises(UnknownOutcomeError, match="not kept"):
        part.outcome["opex_usd_per_year"]


def test_nothing_kept_still_gives_the_rules() -> None:
    assumptions = default_assumptions()
    batch = random_batch(assumptions, 10, 4, mixed=True)
    assert np.array_equal(
        evaluate(batch, assumptions, ()).total_violation, evaluate(batch, assumptions).total_violation
    )


def test_an_unknown_outcome_is_refused_by_name() -> None:
    assumptions = default_assumptions()
    with pytest.raises(UnknownOutcomeError, match="did you mean 'capex_usd'"):
        evaluate(random_batch(assumptions, 2, 5, mixed=False), assumptions, ("capex_us",))


def test_threads_do_not_share_buffers() -> None:
    assumptions = default_assumptions()
    batches = [random_batch(assumptions, 3000, seed, mixed=bool(seed % 2)) for seed in range(8)]
    alone = [evaluate(batch, assumptions).outcome["lcoc_usd_per_pflop_hour"] for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda b: evaluate(b, assumptions).outcome["lcoc_usd_per_pflop_hour"], batches * 3))
    assert all(np.array_equal(a, b) for a, b in zip(alone * 3, together, strict=True))


def test_results_may_be_inputs_shared_values_and_repetitions() -> None:
    graph = Graph()
    x, p = graph.input("x"), graph.parameter("p")
    twice = x * 2.0
    results = [graph.number(value) for value in (x, p * p, twice, twice, 7.0)]
    program = Program(graph, results)
    column = np.arange(5.0)
    arrays = [np.empty(5) for _ in results]
    program.run(program.bind({"p": 3.0}), {"x": column}, arrays)
    expected = [column, np.full(5, 9.0), 2 * column, 2 * column, np.full(5, 7.0)]
    assert all(np.array_equal(a, b) for a, b in zip(arrays, expected, strict=True))
    assert np.array_equal(column, np.arange(5.0)), "inputs are left alone"


def test_equal_operations_are_recorded_once() -> None:
    graph = Graph()
    x = graph.input("x")
    assert graph.number(np.exp(x) + 1.0) == graph.number(np.exp(x) + 1.0)
    assert len(graph.nodes) == 4  # x, exp, 1, sum


@pytest.mark.parametrize(
    "operation",
    [
        np.add.reduce,
        np.modf,
        lambda x: np.add(x, 1.0, where=False),
        lambda x: x + np.ones(3),
        lambda x: x + "text",
        lambda x: 1.0 if x > 0.0 else 2.0,
        lambda x: x and 1.0,
        float,
    ],
)
def test_what_can_not_be_recorded_is_refused(operation: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError):
        operation(Graph().input("x"))
