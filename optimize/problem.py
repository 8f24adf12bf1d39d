"""The problem, stated once: variables with their ranges, objective, bounds. Every engine reads it from here."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.array import Array
from dawndusk.models.assumptions import Assumptions
from dawndusk.models.constants import WATTS_PER_MW
from dawndusk.models.design import CATEGORIES, NUMBERS, VARIABLES, Design, DesignBatch
from dawndusk.models.errors import DesignError
from dawndusk.models.evaluate import Evaluation, evaluate
from dawndusk.models.programme.launch import cadence_cap_per_year
from dawndusk.models.rounding import rounded_up

Floats: TypeAlias = NDArray[np.float64]
Operator: TypeAlias = Literal["<", "<=", ">", ">="]
Sense: TypeAlias = Literal["minimise", "maximise"]

LOG_SCALE_RATIO = 8.0
"""Ranges whose ends differ by more than this factor are searched on a logarithmic scale."""
AREA_M2_PER_KW = (0.2, 12.0)
"""Radiator planform per kW of nominal IT power that a search looks at: from what no black body reaches below
500 K to what flies on the space station. The area itself varies with the size of the satellite."""
DEMAND_ROUNDS = 16
KW_PER_WATT = 1e-3


@dataclass(frozen=True)
class Fixed:
    """A variable that keeps one value."""

    value: str | int | float

    @property
    def nominal(self) -> str | int | float:
        """The value."""
        return self.value


@dataclass(frozen=True)
class Choice:
    """A category that the search chooses among names; the first is the nominal one."""

    names: tuple[str, ...]

    @property
    def nominal(self) -> str:
        """The first name."""
        return self.names[0]


@dataclass(frozen=True)
class Range:
    """A number that the search varies from ``low`` to ``high``, both included."""

    low: float
    high: float
    nominal: float


Entry: TypeAlias = Fixed | Choice | Range
Combination: TypeAlias = Mapping[str, str]
"""One name for each categorical variable."""


@dataclass(frozen=True)
class Goal:
    """An outcome to make small or large."""

    outcome: str
    sense: Sense = "minimise"

    @property
    def sign(self) -> float:
        """Return what turns the outcome into something to make small."""
        return sign_of(self.sense)

    def __str__(self) -> str:
        return f"{self.sense} {self.outcome}"


def _short(value: float) -> str:
    """Return the shortest text that reads back as the same number: ``3e+10`` for thirty thousand million."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value).removesuffix(".0")


@dataclass(frozen=True)
class Bound:
    """A limit on one outcome, in the units of its name."""

    outcome: str
    operator: Operator
    value: float

    def __str__(self) -> str:
        return f"{self.outcome} {self.operator} {_short(self.value)}"

    @property
    def is_upper(self) -> bool:
        """Whether the outcome must stay below the value."""
        return self.operator in {"<", "<="}

    @property
    def is_strict(self) -> bool:
        """Whether the value itself is refused."""
        return self.operator in {"<", ">"}

    @property
    def limit(self) -> float:
        """The last float that the bound allows."""
        outward = -math.inf if self.is_upper else math.inf
        return math.nextafter(self.value, outward) if self.is_strict else self.value

    def violation(self, values: Mapping[str, Array]) -> Array:
        """Return by how much the bound is missed, relative to its value: 0 where it is met.

        A bound on zero is missed by the absolute amount. A strict bound is met from the next float on.

        Parameters
        ----------
        values : mapping of str to array
            Outcomes by name.
        """
        return np.maximum(self.excess(values), 0.0)

    def excess(self, values: Mapping[str, Array]) -> Array:
        """Return the relative amount beyond the bound, negative by the margin where it is met."""
        sign = 1.0 if self.is_upper else -1.0
        scale = abs(self.value) or 1.0
        return sign * (values[self.outcome] - self.limit) / scale


@dataclass(frozen=True)
class Scored:
    """Designs with their evaluation, the objective to make small, and the sum of all violations, shape (N,)."""

    designs: DesignBatch
    evaluation: Evaluation
    objective: Floats
    violation: Floats

    @property
    def feasible(self) -> NDArray[np.bool_]:
        """Return which designs meet every rule and bound."""
        return self.violation <= 0.0

    def merit(self) -> Floats:
        """Return one number to rank by: any feasible design before any other, those by graded violation.

        The objective is mapped below zero keeping its order and its precision; violations are above zero.
        """
        up = np.maximum(self.objective, 0.0)
        squashed = np.minimum(self.objective, 0.0) - 1.0 / (1.0 + up)
        return np.where(self.feasible, squashed, self.violation)

    def best(self) -> int:
        """Return the index of the best design: lowest objective if any is feasible, else lowest violation."""
        if self.feasible.any():
            return int(np.argmin(np.where(self.feasible, self.objective, np.inf)))
        return int(np.argmin(self.violation))


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What to choose, what to make small or large, and what must hold.

    ``space`` has an entry for each design variable, except for ``satellites`` where they follow the demand.
    """

    assumptions: Assumptions
    space: Mapping[str, Entry]
    objective: str
    sense: Sense
    bounds: tuple[Bound, ...] = ()
    satellites_follow_demand: bool = False

    @property
    def sign(self) -> float:
        """Return what turns the objective into what is made small, and back."""
        return sign_of(self.sense)

    @property
    def free(self) -> tuple[str, ...]:
        """Return the numeric variables that the search varies."""
        return tuple(n for n in NUMBERS if isinstance(self.space.get(n), Range))

    def combinations(self) -> list[dict[str, str]]:
        """Return every combination of category names."""
        names = [_names(self.space[variable]) for variable in CATEGORIES]
        return [dict(zip(CATEGORIES, row, strict=True)) for row in itertools.product(*names)]

    def designs(self, coordinates: Floats, combination: Combination) -> DesignBatch:
        """Return the designs at search coordinates in [0, 1] of shape (N, len(free)) for one combination.

        Wide ranges are logarithmic, integers are rounded, the cadence ends at the vehicle's cap in the middle of the
        longest deployment accepted, and the radiator coordinate is an area per kW, so that it keeps its meaning
        whatever the satellite's size.
        """
        count = len(coordinates)
        values: dict[str, Floats] = {}
        for name in NUMBERS:
            entry = self.space.get(name)
            if isinstance(entry, Range):
                column = coordinates[:, self.free.index(name)]
                values[name] = self._value(name, entry, column, combination, values)
            elif isinstance(entry, Fixed):
                values[name] = np.full(count, float(entry.value))
            else:
                values[name] = np.ones(count)
        zeros = np.zeros(count, dtype=np.intp)
        batch = DesignBatch(
            values, dict.fromkeys(CATEGORIES, zeros), {name: (combination[name],) for name in CATEGORIES}
        )
        return self.meet_demand(batch) if self.satellites_follow_demand else batch

    def _value(
        self, name: str, entry: Range, column: Floats, combination: Combination, earlier: Mapping[str, Floats]
    ) -> Floats:
        """Return the values of one variable at coordinates ``column``."""
        low, high = entry.low, entry.high
        if name == "launches_per_year":
            high = max(low, min(high, self._cadence_cap(combination)))
        if name == "radiator_area_m2":
            row = self.assumptions.accelerators[combination["accelerator"]]
            kilowatts = earlier["accelerators_per_satellite"] * row.it_power_w * KW_PER_WATT
            return np.clip(_scaled(*AREA_M2_PER_KW, column) * kilowatts, low, high)
        if VARIABLES[name].kind == "integer":
            return np.clip(np.rint(_scaled(low - 0.5 if low >= 1 else low, high + 0.5, column)), low, high)
        return np.clip(_scaled(low, high, column), low, high)

    def _cadence_cap(self, combination: Combination) -> float:
        vehicle = self.assumptions.vehicles[combination["vehicle"]]
        longest = self.assumptions.launch.max_deployment_years
        first = self.assumptions.scenario.first_launch_year
        caps = (cadence_cap_per_year(self.assumptions.launch, vehicle, first + late) for late in (0.0, 0.5 * longest))
        return max(map(float, caps))

    def meet_demand(self, batch: DesignBatch) -> DesignBatch:
        """Return the batch with the smallest number of satellites that meets the demand.

        IT power is met exactly by a count; delivered compute depends a little on the count itself (the size of a
        job), so the count is found by a few rounds of evaluation, always from a batch that may still fall short.
        """
        demand = self.assumptions.demand
        if demand.it_power_mw:
            power_w = _it_power_w(self.assumptions, batch)
            need = demand.it_power_mw * WATTS_PER_MW / (batch.values["accelerators_per_satellite"] * power_w)
            return _with_satellites(batch, _whole(need))
        if not demand.delivered_pflops:
            raise DesignError("design.satellites: follows the demand, but no demand is stated")
        for _ in range(DEMAND_ROUNDS):
            outcome = evaluate(batch, self.assumptions, ("delivered_pflops", "demand_fraction")).outcome
            offered = outcome["delivered_pflops"] / outcome["demand_fraction"]
            each = offered / batch.values["satellites"]
            satellites = _whole(demand.delivered_pflops / each)
            if np.array_equal(satellites, batch.values["satellites"]):
                break
            batch = _with_satellites(batch, satellites)
        return batch

    @property
    def scored_outcomes(self) -> tuple[str, ...]:
        """Return the outcomes that decide the score: the objective and those that are bounded."""
        return tuple(dict.fromkeys((self.objective, *(bound.outcome for bound in self.bounds))))

    def score(self, batch: DesignBatch, keep: Collection[str] | None = None) -> Scored:
        """Evaluate designs and return objective and violation of each; keep all outcomes or the named ones.

        A design whose objective or violation can not be computed is infeasible without measure.
        """
        evaluation = evaluate(batch, self.assumptions, keep)
        violation = evaluation.total_violation
        for bound in self.bounds:
            violation = violation + bound.violation(evaluation.outcome.values)
        objective = evaluation.outcome[self.objective]
        violation = np.where(np.isfinite(objective + violation), violation, np.inf)
        return Scored(batch, evaluation, self.sign * objective, violation)

    def score_one(self, design: Design) -> Scored:
        """Evaluate one design."""
        return self.score(DesignBatch.of(design))


def sign_of(sense: Sense) -> float:
    """Return what turns an objective into what is made small, and back: 1 for ``minimise``, -1 for ``maximise``."""
    return 1.0 if sense == "minimise" else -1.0


def _names(entry: Entry) -> tuple[str, ...]:
    return entry.names if isinstance(entry, Choice) else (str(entry.nominal),)


def _scaled(low: float, high: float, coordinate: Floats) -> Floats:
    """Return ``low`` at 0 and ``high`` at 1, on a logarithmic scale when the ends are far apart."""
    if low > 0.0 and high / low > LOG_SCALE_RATIO:
        scaled: Floats = low * np.exp(coordinate * np.log(high / low))
        return scaled
    return low + coordinate * (high - low)


def _it_power_w(assumptions: Assumptions, batch: DesignBatch) -> Floats:
    """Return the nominal IT power of one accelerator of each design in W, shape (N,)."""
    values = [assumptions.accelerators[name].it_power_w for name in batch.names["accelerator"]]
    return np.array(values, dtype=np.float64)[batch.codes["accelerator"]]


def _whole(need: Floats) -> Floats:
    largest = VARIABLES["satellites"].maximum
    found: Floats = np.maximum(np.fmin(rounded_up(need), largest), 1.0)  # no number: the largest
    return found


def _with_satellites(batch: DesignBatch, satellites: Floats) -> DesignBatch:
    return DesignBatch({**batch.values, "satellites": satellites}, batch.codes, batch.names)
