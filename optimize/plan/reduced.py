"""The reduced cost of any design of a space as recorded physics, for a proof that none is negative.

The figures that prices are put on are the outcomes of the model, taken of one satellite, so that the certificate bounds
the very physics that plans are made of. Vehicle and period of launch are categories like any other: their prices are
parameters of the recording. What stands in it is the ratio of what a launch is charged for to what is paid for it; a
design would enter where that is below one.

What a satellite serves in each period is a difference of what it has served by two ages (``models.fleet.service``). By
an age a it has served ``a m(a)``, with m the mean over its life so far, which never rises with a and is never less than
what it serves at that age. So what is paid for service is bounded by m at a few ages, each no later than the period
that it is paid for, and what service is charged for by what a satellite still serves at an age no earlier; the rest are
functions of the design life alone (``served``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.columns import WHOLE_TOLERANCE
from dawndusk.models.constants import KG_PER_TONNE, TFLOPS_PER_PFLOPS, WATTS_PER_KW
from dawndusk.models.cost import Hardware, annuity_years, learning_factor, spread_factor
from dawndusk.models.design import DesignBatch
from dawndusk.models.evaluate import evaluate
from dawndusk.models.fleet.economy import Economy
from dawndusk.models.fleet.satellites import OF_THE_LAUNCH, OF_THE_SATELLITE
from dawndusk.models.program import Program
from dawndusk.models.radiation import wear_hazard
from dawndusk.models.reliability import NODES, WEIGHTS, heat_acceleration, share_served
from dawndusk.models.rows import Rows, recorded_rows
from dawndusk.models.tables import EvenAxis, EvenTable
from dawndusk.models.trace import Graph, Term
from dawndusk.optimize.certify.statement import UNITS, Statement, state
from dawndusk.optimize.plan.prices import Prices
from dawndusk.optimize.plan.served import by_ages, means_of, parted, presence
from dawndusk.optimize.problem import Choice, Entry, Fixed, Problem

Floats = NDArray[np.float64]

AGES_YEARS = 1.0
"""Between the ages at which the mean of what is served is bounded."""
NODES_OF_A_PERIOD = 8
"""Design lives in a period between which the years in orbit are taken for straight; even."""
LEAST_PAID, LEAST = 0.02, 1e-9
ROUNDING = 1e-12
WHOLE = frozenset({"plan.period", "orbit_code"})
"""Parameters that are rows of tables."""
"""Share of the largest value of a table that stands for nothing, so that it has a logarithm."""


@dataclass(frozen=True, eq=False)
class Places:
    """Where the combinations of a statement lie among the prices: vehicle, orbit and period of each, shape (C,)."""

    vehicle: NDArray[np.intp]
    orbit: NDArray[np.intp]
    period: NDArray[np.intp]


def space_for(problem: Problem, economy: Economy, orbits: Sequence[str]) -> Problem:
    """Return a design space as that of one satellite of a plan: on its vehicles, in its orbits."""
    kept: dict[str, Entry] = {
        "vehicle": Choice(tuple(economy.launching.vehicles)),
        "orbit": Choice(tuple(orbits)),
        "launches_per_year": Fixed(1.0),
    }
    return replace(problem, space={**problem.space, **kept}, satellites_follow_demand=False, bounds=())


def priced(
    space: Problem,
    economy: Economy,
    orbits: Sequence[str],
    prices: Prices,
    units: Collection[Callable[..., Any]] = UNITS,
) -> tuple[Statement, Places]:
    """Return the statement whose objective is what a launch is charged for over what is paid for it.

    A lower bound on it is one on that ratio of every design of the space, on every vehicle in every period.

    Parameters
    ----------
    space : Problem
        As ``space_for`` returns it.
    orbits : sequence of str
        In the order of the prices.
    """
    base = state(space, units)
    rows = tuple(row for row in base.rows if row.name in {*OF_THE_SATELLITE, *OF_THE_LAUNCH})
    chosen, places = _expanded(base, economy, orbits, prices)
    recording = _Recording(base, space, economy, prices)
    parameters = {name: values[chosen] for name, values in base.parameters.items()}
    ratio = recording.ratio()
    parameters.update(recording.parameters(parameters, [base.combinations[k] for k in chosen], places))
    statement = replace(
        base,
        combinations=tuple(base.combinations[k] for k in chosen),
        objective=ratio.node,
        rows=rows,
        parameters=parameters,
        outcomes={**base.outcomes, "ratio": ratio.node},
    )
    return statement, places


class Ratios:
    """The ratio of a statement for designs, worked out and not bounded."""

    def __init__(self, space: Problem, economy: Economy, orbits: Sequence[str], prices: Prices) -> None:
        statement, _ = priced(space, economy, orbits, prices, units=())
        self._program = Program(statement.graph, [statement.objective], varying=statement.parameters)
        self._parameters = {
            name: values.astype(np.intp) if name in WHOLE else values for name, values in statement.parameters.items()
        }
        self._assumptions = space.assumptions

    def of(self, designs: DesignBatch, combination: NDArray[np.intp]) -> Floats:
        """Return the ratio of each design with a combination, infinite where it breaks a rule, shape (N,)."""
        parameters = {name: values[combination] for name, values in self._parameters.items()}
        ratio = np.empty(len(designs))
        with np.errstate(all="ignore"):
            self._program.run(self._program.bind(parameters), {**designs.values, **parameters}, [ratio])
            violation = evaluate(designs, self._assumptions, ()).violation
        kept = np.all([violation[rule] <= 0.0 for rule in (*OF_THE_SATELLITE, *OF_THE_LAUNCH)], axis=0)
        return np.where(kept, ratio, np.inf)


def _expanded(
    base: Statement, economy: Economy, orbits: Sequence[str], prices: Prices
) -> tuple[NDArray[np.intp], Places]:
    """Return the combinations of categories with each period in which they can be launched."""
    assumptions = base.problem.assumptions
    vehicles = list(economy.launching.vehicles)
    middles = economy.calendar.middles[: economy.calendar.periods]
    chosen, vehicle, orbit, period = [], [], [], []
    for k, combination in enumerate(base.combinations):
        rows = (
            assumptions.accelerators[combination["accelerator"]],
            assumptions.arrays[combination["array"]],
            assumptions.radiators[combination["radiator"]],
        )
        v, o = vehicles.index(combination["vehicle"]), list(orbits).index(combination["orbit"])
        there = (middles >= max(row.available_year for row in rows)) & (economy.launching.most_in_period[v] > 0)
        for p in np.flatnonzero(there & np.isfinite(prices.slot[v, o])):
            chosen.append(k)
            vehicle.append(v)
            orbit.append(o)
            period.append(int(p))
    index = [np.array(one, dtype=np.intp) for one in (chosen, vehicle, orbit, period)]
    return index[0], Places(*index[1:])


class _Recording:
    """Writes the ratio down behind the recorded model."""

    def __init__(self, base: Statement, space: Problem, economy: Economy, prices: Prices) -> None:
        self.graph: Graph = base.graph
        self.base, self.a, self.e, self.prices = base, space.assumptions, economy, prices
        batch_orbits = tuple(dict.fromkeys(c["orbit"] for c in base.combinations))
        self.rows: Rows = recorded_rows(self.graph, self.a, batch_orbits)
        self.life = self._chosen("life_years")
        self.size = self._chosen("accelerators_per_satellite")
        self._lives = self._range("life_years")
        self.axis = self._axis()
        self.slopes: dict[str, Floats] = {}

    def _chosen(self, variable: str) -> Any:
        """Return a design variable."""
        return self.graph.input(variable)

    def _price(self, name: str) -> Any:
        """Return a parameter that differs between combinations."""
        return self.graph.parameter(name)

    def out(self, name: str) -> Any:
        """Return an outcome."""
        return Term(self.graph, self.base.outcomes[name])

    def _axis(self) -> EvenAxis:
        """Return the axis of design lives, its nodes at multiples of half a period."""
        step = self.e.calendar.length_years / NODES_OF_A_PERIOD
        return EvenAxis(0.0, step, int(np.ceil(self._lives[1] / step)) + 2)

    def _range(self, variable: str) -> tuple[float, float]:
        """Return the least and the greatest value of a variable."""
        fixed = self.base.fixed.get(variable)
        return self.base.range_of(variable) if fixed is None else (fixed, fixed)

    def ratio(self) -> Any:
        """Return what a launch is charged for over what is paid for it, both for each accelerator on it.

        Every part is taken of one accelerator before parts are added up: none of them varies much with the size of a
        satellite then, and what does stays out of the bounds.
        """
        places, success = self.out("satellites_per_launch") * self.size, self._price("plan.success")
        stay = annuity_years(self.e.rate, self.life) * self._late(self.e.rate)[0]
        leaves = np.exp(self.life * -self.e.rate) * self._price("plan.disposal")
        parts = [
            self._price("plan.slot") / places,
            self._hardware() * (self._price("plan.hardware") + stay * self._price("plan.running")),
            self._on_board() / self.size * self._price("plan.on_board"),
            self._price("plan.each") / self.size,
            (stay * self._price("plan.fee") + leaves) * success / self.size,
        ]
        paid, against = self._served()
        charged = _total([*parts, *([] if against is None else [against * success])])
        paid = paid * success
        if np.any(self.prices.credit) and self.a.platform.hosted_share + self.a.platform.hosted_mass_kg:
            kept = self.out("launch_cost_usd") / (self.out("launches") * self.out("launch_price_usd"))
            paid = paid + np.maximum(1.0 - kept, LEAST) / places * self._price("plan.credit")
        return charged / paid

    def _hardware(self) -> Any:
        """Return the hardware of a satellite at the reference quantity in USD for each accelerator."""
        built = self.out("launched_mass_t") * KG_PER_TONNE / self.out("wet_mass_kg")
        fleet = built * learning_factor(self.a.cost, built) * self.size
        return _total([self.out(f"{part.name}_cost_usd") / fleet for part in fields(Hardware)])

    def _on_board(self) -> Any:
        spares = self._chosen("spare_fraction")
        return np.ceil(self.size * (1.0 + spares) - WHOLE_TOLERANCE)

    def _served(self) -> tuple[Any, Any]:
        """Return what is paid for a satellite that arrives, and what it is charged for being there."""
        it_power_kw = self.rows.accelerator.it_power_w * (1.0 / WATTS_PER_KW)
        useful = self.out("availability") * self.out("network_fraction") * self.out("sustained_fraction")
        pflops = self.rows.accelerator.bf16_dense_tflops * (1.0 / TFLOPS_PER_PFLOPS) * useful
        traffic = np.minimum(self.out("downlink_gbps"), self.out("downlink_need_gbps")) / self.size
        rate = self.e.worth_rate
        parts = [
            *self._by_age(self.prices.power, it_power_kw, 0.0),
            *self._by_age(self.prices.compute, pflops, 0.0),
            *self._by_age(self.prices.worth, pflops, rate),
            *self._in_orbit(self.prices.orbit, 1.0 / self.size),
            *self._in_orbit(self.prices.traffic, traffic),
        ]
        return _total([value for sign, value in parts if sign]), _total([value for sign, value in parts if not sign])

    def _by_age(self, paid: Floats, size: Any, rate: float) -> list[tuple[bool, Any]]:
        """Return what is paid (True) and charged (False) for what is served, a part for each age."""
        lives, length, ages = self.axis.nodes, self.e.calendar.length_years, self._ages()
        steady, more, less = parted(paid)
        late = np.exp(-rate * length * np.arange(paid.shape[1])) * spread_factor(rate * length)
        kinds = (
            (
                True,
                by_ages(*means_of(steady, lives, self._late(rate), length), ages, up=False),
                lambda a: self._mean(a, rate),
            ),
            (
                True,
                by_ages(*presence(more * late, lives, length, most=True), ages, up=False),
                lambda a: self._mean(a, 0.0),
            ),
            (False, by_ages(*presence(less * late, lives, length, most=False), ages, up=True), self._serving),
        )
        return [
            (sign, self._table(values, least=LEAST_PAID if sign else LEAST) * serves(float(age)) * size)
            for sign, tables, serves in kinds
            for age, values in zip(ages, tables, strict=True)
            if values.any()
        ]

    def _in_orbit(self, paid: Floats, size: Any) -> list[tuple[bool, Any]]:
        """Return what is paid and charged for satellites in orbit at the end of periods."""
        length = self.e.calendar.length_years
        ends = np.arange(paid.shape[1]) * length
        there = np.clip((self.axis.nodes[:, None] - ends) / length, 0.0, 1.0)
        parts = []
        for sign, amounts in ((True, np.maximum(paid, 0.0)), (False, np.maximum(-paid, 0.0))):
            values = amounts @ there.T
            if values.any():
                parts.append((sign, self._table(values) * size))
        return parts

    def _table(self, values: Floats, *, least: float = LEAST) -> Any:
        """Return a function of the design life that differs between periods of launch, of shape (P, nodes)."""
        rows = self._price("plan.period")
        low, high = self._lives
        nodes = self.axis.nodes
        inside = (nodes > 0.0) & (nodes >= low - self.axis.step) & (nodes <= high + self.axis.step)
        slopes = values[:, inside] / nodes[inside]
        if np.allclose(slopes, slopes[:, :1], rtol=ROUNDING, atol=0.0):
            name = f"plan.slope_{len(self.slopes)}"
            self.slopes[name] = np.maximum(slopes[:, 0], LEAST * float(slopes.max()))
            return self._price(name) * self.life
        most = np.maximum(values.max(axis=1, keepdims=True), LEAST * float(values.max()))
        return EvenTable(self.axis, np.maximum(values, least * most)).at(self.axis.locate(self.life), rows)

    def _ages(self) -> Floats:
        """Return the ages at which the mean of what is served is looked at; the last is beyond every life."""
        longest = float(self.axis.nodes[-1])
        return np.asarray(np.append(np.arange(0.0, longest, AGES_YEARS), np.inf))

    def _late(self, rate: float) -> tuple[float, float]:
        """Return the discount on what begins evenly over a period, and the mean share of it at which that begins."""
        nodes, weights = np.array(NODES), np.array(WEIGHTS)
        late = weights * np.exp(-rate * nodes * self.e.calendar.length_years)
        return float(late.sum()), float(late @ nodes / late.sum())

    def _mean(self, age: float, rate: float) -> Any:
        """Return the mean of what a satellite serves up to an age, or up to its retirement where that is earlier."""
        if age == 0.0:
            return self._when_new()
        failures, wear, loss = self._rates()
        lost = self.a.reliability.satellite_loss_per_year + rate
        logs = np.log(self._on_board() / self.size), np.log(self._chosen("array_oversize"))
        exponent = self.a.radiation.wear_exponent
        until = self.life if not np.isfinite(age) else np.minimum(self.life, age)
        worn = wear if not np.isfinite(age) else self._worn(wear, age)
        return share_served(
            logs[0], failures * until, worn, logs[1], loss * until, until * lost, wear_exponent=exponent
        )

    def _when_new(self) -> Any:
        """Return what a satellite serves when it is new."""
        return np.minimum(np.minimum(self._on_board() / self.size, self._chosen("array_oversize")), 1.0)

    def _serving(self, age: float) -> Any:
        """Return what a satellite serves at an age, or when it retires where that is earlier."""
        if age == 0.0:
            return self._when_new()
        failures, wear, loss = self._rates()
        until = self.life if not np.isfinite(age) else np.minimum(self.life, age)
        worn = wear if not np.isfinite(age) else self._worn(wear, age)
        alive = np.log(self._on_board() / self.size) - failures * until - worn
        powered = np.log(self._chosen("array_oversize")) - loss * until
        lost = until * self.a.reliability.satellite_loss_per_year
        return np.exp(np.minimum(np.minimum(alive, powered), 0.0) - lost)

    def _worn(self, wear: Any, age: float) -> Any:
        """Return the wear up to an age, of that over the life."""
        return wear * np.exp(np.log(np.minimum(age / self.life, 1.0)) * self.a.radiation.wear_exponent)

    def _rates(self) -> tuple[Any, Any, Any]:
        """Return steady failures per year, wear over the life, and the rate at which array power is lost."""
        tables, a = self.rows.tables, self.a
        coarse = tables.log_dose.x.locate(self._chosen("altitude_km"))
        wall = tables.log_dose.y.locate(self._chosen("shielding_mm"))
        protons = np.exp(tables.log_proton_ratio.at(coarse, wall, self.rows.orbit_code))
        hot = heat_acceleration(a.reliability, self.out("junction_temperature_k"))
        base = a.reliability.accelerator_failure_per_year * a.reliability.space_multiplier
        steady = hot * base + protons * a.radiation.latchup_per_year
        wear = wear_hazard(
            self.out("dose_krad_life"),
            self.rows.accelerator.tid_tolerance_krad,
            a.radiation.design_margin,
            a.radiation.wear_exponent,
        )
        return steady, wear, self.out("array_degradation_per_year")

    def parameters(
        self, known: Mapping[str, Floats], combinations: Sequence[Mapping[str, str]], places: Places
    ) -> dict[str, Floats]:
        """Return the prices of each combination."""
        q, v, o, p = self.prices, places.vehicle, places.orbit, places.period
        chips = np.array([self._chip_price(c["accelerator"], k) for c, k in zip(combinations, p, strict=True)])
        board = known["accelerator.price_usd"] * self.a.cost.compute_qualification * chips
        board = board + known["accelerator.it_power_w"] * self.a.cost.onboard_network_usd_per_w
        return {
            "plan.period": p.astype(np.float64),
            "plan.slot": q.slot[v, o, p],
            "plan.hardware": q.hardware[v, p],
            "plan.running": q.running[p],
            "plan.on_board": board * q.on_board[v, p],
            "plan.each": q.each[p],
            "plan.credit": q.credit[v, p],
            "plan.success": self.e.launching.success[v, p],
            "plan.fee": q.fee[p],
            "plan.disposal": q.disposal[p],
            **{name: values[p] for name, values in self.slopes.items()},
        }

    def _chip_price(self, accelerator: str, period: int) -> float:
        path = self.e.terms.chip_price.get(accelerator)
        return 1.0 if path is None else float(path.at(self.e.calendar.middles[period : period + 1])[0])


def _total(parts: Sequence[Any]) -> Any:
    """Return the sum of parts, neighbours first; None of none."""
    found = list(parts)
    while len(found) > 1:
        found = [one + other for one, other in zip(found[::2], found[1::2], strict=False)] + found[
            len(found) // 2 * 2 :
        ]
    return found[0] if found else None


__all__ = ["Places", "Ratios", "priced", "space_for"]
