"""One physics for every array type: declared directions hold, and nothing but ufuncs and declared calls is used."""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

import dawndusk.models
from dawndusk.models.array import MONOTONE_FUNCTIONS, CarriesRanges, monotone
from dawndusk.models.assumptions import Assumptions
from dawndusk.models.design import CATEGORIES, NUMBERS, DesignBatch
from dawndusk.models.evaluate import evaluate_columns
from dawndusk.models.outcome import OUTCOMES
from dawndusk.models.physics.thermal import equilibrium_temperature_k
from dawndusk.models.recording.rows import rows_of
from dawndusk.models.rules import RULES
from dawndusk.models.tables import EvenAxis, EvenGrid, EvenTable

for module in pkgutil.iter_modules(dawndusk.models.__path__):
    importlib.import_module(f"dawndusk.models.{module.name}")


def powers_of_ten(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high).map(lambda x: math.pow(10.0, x))


# A function declared monotone needs a domain here, as wide as the models can drive it.
DOMAINS: dict[str, dict[str, st.SearchStrategy[float]]] = {
    "dawndusk.models.physics.thermal.equilibrium_temperature_k": {
        "emission": powers_of_ten(-9.0, -2.0),
        "slope": st.just(0.0) | powers_of_ten(-6.0, 5.0),
        "constant": powers_of_ten(0.0, 9.0),
        "least": powers_of_ten(0.0, 9.0),
    },
    "dawndusk.models.physics.reliability.share_served": {
        "log_spare": st.floats(0.0, 2.0),
        "failures": st.just(0.0) | powers_of_ten(-6.0, 3.0),
        "wear": st.just(0.0) | powers_of_ten(-6.0, 3.0),
        "log_oversize": st.floats(-1.0, 2.0),
        "array_loss": st.just(0.0) | powers_of_ten(-6.0, 2.0),
        "lost": st.just(0.0) | powers_of_ten(-6.0, 2.0),
        "wear_exponent": st.floats(1.0, 10.0),
    },
    "dawndusk.models.programme.cost.annuity_years": {
        "rate_per_year": st.floats(0.0, 2.0),
        "years": st.floats(0.01, 100.0),
    },
    "dawndusk.models.programme.cost.spread_factor": {"rate_years": st.just(0.0) | powers_of_ten(-12.0, 3.0)},
}
ROUNDING = 4e-7  # equilibrium temperatures far above any material stop there


def test_every_monotone_function_has_a_domain_here() -> None:
    assert MONOTONE_FUNCTIONS.keys() == DOMAINS.keys()
    for name, (_, directions) in MONOTONE_FUNCTIONS.items():
        assert set(directions) <= set(DOMAINS[name])
        assert set(directions.values()) <= {"+", "-"}


@pytest.mark.parametrize("name", MONOTONE_FUNCTIONS)
@settings(deadline=None, max_examples=200, derandomize=True)
@given(data=st.data())
def test_declared_directions_hold(name: str, data: st.DataObject) -> None:
    function, directions = MONOTONE_FUNCTIONS[name]
    point = {argument: data.draw(domain, label=argument) for argument, domain in DOMAINS[name].items()}
    here = float(function(**point))
    assert math.isfinite(here)
    for argument, direction in directions.items():
        other = data.draw(DOMAINS[name][argument], label=f"other {argument}")
        low, high = sorted((point[argument], other))
        first, last = (float(function(**{**point, argument: value})) for value in (low, high))
        slack = ROUNDING * max(abs(first), abs(last))
        assert (last >= first - slack) if direction == "+" else (last <= first + slack), argument


@settings(deadline=None, max_examples=300, derandomize=True)
@given(
    temperature=st.floats(200.0, 500.0),
    share=st.floats(1.0, 5.0),
    least_share=st.floats(0.3, 1.5),
    factor=st.floats(1.0, 1.5),
)
def test_equilibrium_directions_hold_where_leakage_makes_the_constant_negative(
    temperature: float, share: float, least_share: float, factor: float
) -> None:
    heat = temperature**4
    point = {"emission": 1.0, "slope": share * temperature**3, "constant": (1.0 - share) * heat}
    point["least"] = least_share * heat
    here = equilibrium(point)
    slack = 1e-4 * here
    assert equilibrium({**point, "emission": factor}) <= here + slack
    for argument in ("slope", "least"):
        more = {**point, argument: point[argument] * factor}
        assert equilibrium(more) >= here - slack, argument
    warmer = {**point, "constant": point["constant"] / factor}
    assert equilibrium(warmer) >= here - slack


def equilibrium(case: dict[str, float]) -> float:
    return float(equilibrium_temperature_k(case["emission"], case["slope"], case["constant"], case["least"]))


class Location:
    """Where columns fall on an axis, kept out of plain NumPy's sight."""

    def __init__(self, plain: Any, seen: set[str]) -> None:
        self.plain, self.seen = plain, seen

    def __table_at__(self, table: EvenTable, row: Any) -> Column:
        return Column(table.at(self.plain, row), self.seen)

    def __grid_at__(self, grid: EvenGrid, other: Any, row: Any, swapped: bool = False) -> Column:
        there = other.plain if isinstance(other, Location) else other
        x, y = (there, self.plain) if swapped else (self.plain, there)
        return Column(grid.at(x, y, row), self.seen)


class Column(NDArrayOperatorsMixin):
    """A column that answers ufuncs, ``monotone`` calls and look-ups, and refuses everything else."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, values: NDArray[np.float64], seen: set[str]) -> None:
        self.values, self.seen = values, seen

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Column:
        assert method == "__call__", f"{ufunc.__name__}.{method}"
        assert not kwargs, f"{ufunc.__name__} with {sorted(kwargs)}"
        self.seen.add(ufunc.__name__)
        return Column(ufunc(*(x.values if isinstance(x, Column) else x for x in inputs)), self.seen)

    def __monotone_call__(
        self, function: Callable[..., Any], directions: dict[str, str], arguments: dict[str, Any]
    ) -> Column:
        ranged = {name for name, value in arguments.items() if isinstance(value, Column)}
        assert ranged <= set(directions), f"{function.__name__}: no direction for {ranged - set(directions)}"
        plain = {name: v.values if isinstance(v, Column) else v for name, v in arguments.items()}
        return Column(function(**plain), self.seen)

    def __locate__(self, axis: EvenAxis) -> Location:
        return Location(axis.locate(self.values), self.seen)

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("the models reached into a column by something else than a ufunc")

    __array__ = __array_function__ = __bool__ = __float__ = __len__ = __iter__ = __getitem__ = _refuse


UFUNCS = {
    "add", "subtract", "multiply", "divide", "power", "square", "negative", "maximum", "minimum", "sqrt", "cbrt",
    "exp", "expm1", "log", "log1p", "floor", "ceil", "sign", "cos", "sin", "arctan", "absolute",
}  # fmt: skip


def compare(
    assumptions: Assumptions, batch: DesignBatch, wrapped: set[str]
) -> tuple[set[str], dict[str, Any], dict[str, Any]]:
    rows, seen = rows_of(assumptions, batch), set[str]()
    mixed = {name: Column(x, seen) if name in wrapped else x for name, x in batch.values.items()}
    plain, other = (
        outcome | {f"rule {name}": value for name, value in broken.items()}
        for outcome, broken in (evaluate_columns(columns, rows, assumptions) for columns in (batch.values, mixed))
    )
    return seen, plain, other


def one_category(batch: DesignBatch) -> DesignBatch:
    return DesignBatch(batch.values, {name: np.zeros_like(codes) for name, codes in batch.codes.items()}, batch.names)


@pytest.mark.parametrize("mixed_categories", [False, True])
def test_another_array_type_goes_through_with_the_same_numbers(
    assumptions: Assumptions, random_batch: Callable[[int, int], DesignBatch], mixed_categories: bool
) -> None:
    batch = random_batch(64, 61)
    seen, plain, wrapped = compare(assumptions, batch if mixed_categories else one_category(batch), set(NUMBERS))
    assert set(plain) == set(OUTCOMES) | {f"rule {name}" for name in RULES}
    assert plain.keys() == wrapped.keys()
    for name, value in wrapped.items():
        found = value.values if isinstance(value, Column) else value
        assert np.array_equal(np.asarray(found), np.asarray(plain[name]), equal_nan=False), name
    assert seen <= UFUNCS, f"not of the protocol: {sorted(seen - UFUNCS)}"


@pytest.mark.parametrize("name", NUMBERS)
def test_one_column_of_another_type_among_plain_ones(
    assumptions: Assumptions, random_batch: Callable[[int, int], DesignBatch], name: str
) -> None:
    """Any single variable may be a range while the rest are plain, with categories mixed."""
    _, plain, wrapped = compare(assumptions, random_batch(16, 62), {name})
    for outcome, value in wrapped.items():
        found = value.values if isinstance(value, Column) else value
        assert np.array_equal(np.asarray(found), np.asarray(plain[outcome])), outcome
    assert any(isinstance(value, Column) for value in wrapped.values())


def test_column_carries_ranges() -> None:
    assert isinstance(Column(np.zeros(1), set()), CarriesRanges)
    assert len(CATEGORIES) == 5


def test_a_monotone_function_asks_the_type_that_carries_ranges() -> None:
    before = dict(MONOTONE_FUNCTIONS)
    try:

        @monotone(x="+")
        def twice(x: Any, y: float = 0.0) -> Any:
            return 2.0 * x + y

        assert twice(2.0) == 4.0
        seen = set[str]()
        assert twice(Column(np.array([2.0]), seen), y=1.0).values == pytest.approx(np.array([5.0]))
        assert twice(x=Column(np.array([2.0]), seen)).values == pytest.approx(np.array([4.0]))
        assert not seen
    finally:
        MONOTONE_FUNCTIONS.clear()
        MONOTONE_FUNCTIONS.update(before)
