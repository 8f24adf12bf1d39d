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

from dawndusk.models.constants import TFLOPS_PER_PFLOPS, WATTS_PER_KW
from dawndusk.models.design import DesignBatch
from dawndusk.models.evaluate import evaluate
from dawndusk.models.fleet.economy import Economy
from dawndusk.models.physics.reliability import NODES, WEIGHTS, share_served
from dawndusk.models.programme.cost import Hardware, annuity_years, spread_factor
from dawndusk.models.recording.program import Program
from dawndusk.models.recording.trace import Graph, Term
from dawndusk.models.rules import rules_of
from dawndusk.models.tables import EvenAxis, EvenTable
from dawndusk.optimize.certify.graph.statement import UNITS, Statement, state
from dawndusk.optimize.plan.pricing.dual_prices import DualPrices
from dawndusk.optimize.plan.pricing.served import by_ages, means_of, parted, presence
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
class PricePlaces:
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
    prices: DualPrices,
    units: Collection[Callable[..., Any]] = UNITS,
) -> tuple[Statement, PricePlaces]:
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
    rows = tuple(row for row in base.rows if row.name in rules_of("satellite", "launch"))
    chosen, places = _expanded(base, economy, orbits, prices)
    recording = _Recording(base, space, economy, prices)
    parameters = {name: values[chosen] for name, values in base.parameters.items()}
    ratio = recording.ratio()
    parameters.update(recording.parameters([base.combinations[k] for k in chosen], places))
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

    def __init__(self, space: Problem, economy: Economy, orbits: Sequence[str], prices: DualPrices) -> None:
        statement, _ = priced(space, economy, orbits, prices, units=())
        self._program = Program(statement.recording, [statement.objective], varying=statement.parameters)
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
        kept = np.all([violation[rule] <= 0.0 for rule in rules_of("satellite", "launch")], axis=0)
        return np.where(kept, ratio, np.inf)


def _expanded(
    base: Statement, economy: Economy, orbits: Sequence[str], prices: DualPrices
) -> tuple[NDArray[np.intp], PricePlaces]:
    """Return the combinations of categories with each period in which they can be launched."""
    first = _of_combinations(base, "technology_available_year")
    vehicles = list(economy.launching.vehicles)
    middles = economy.calendar.middles[: economy.calendar.periods]
    chosen, vehicle, orbit, period = [], [], [], []
    for k, combination in enumerate(base.combinations):
        v, o = vehicles.index(combination["vehicle"]), list(orbits).index(combination["orbit"])
        there = (middles >= first[k]) & (economy.launching.most_in_period[v] > 0)
        for p in np.flatnonzero(there & np.isfinite(prices.slot[v, o])):
            chosen.append(k)
            vehicle.append(v)
            orbit.append(o)
            period.append(int(p))
    index = [np.array(one, dtype=np.intp) for one in (chosen, vehicle, orbit, period)]
    return index[0], PricePlaces(*index[1:])


def _of_combinations(base: Statement, outcome: str) -> Floats:
    """Return an outcome that follows from the categories alone, for each combination, shape (C,)."""
    found = np.empty(len(base.combinations))
    program = Program(base.recording, [base.outcomes[outcome]], varying=base.parameters)
    program.run(program.bind(base.parameters), base.parameters, [found])
    return found


class _Recording:
    """Writes the ratio down behind the recorded model."""

    def __init__(self, base: Statement, space: Problem, economy: Economy, prices: DualPrices) -> None:
        self.graph: Graph = base.recording
        self.base, self.a, self.e, self.prices = base, space.assumptions, economy, prices
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
        """Return an outcome: a number where nothing in the model moves it."""
        node = self.graph.nodes[self.base.outcomes[name]]
        return float(node.payload) if node.kind == "constant" else Term(self.graph, self.base.outcomes[name])

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
        operations = self._price("plan.running") * self.out("operations_share_per_year")
        fee = self._price("plan.fee") * self.out("orbital_use_unit_usd_per_year")
        leaves = np.exp(self.life * -self.e.rate) * (self._price("plan.disposal") * self.out("disposal_unit_usd"))
        parts = [
            self._price("plan.slot") / places,
            self._hardware() * (self._price("plan.hardware") + stay * operations),
            self._on_board() / self.size * self._unit_usd(),
            self._price("plan.each") / self.size,
            (stay * fee + leaves) * success / self.size,
        ]
        paid, against = self._served()
        charged = _total([*parts, *([] if against is None else [against * success])])
        paid = paid * success
        if np.any(self.prices.credit) and self._is_shared():
            by_other = np.maximum(self.out("launch_share_paid_by_other"), LEAST)
            paid = paid + by_other / places * self._price("plan.credit")
        return charged / paid

    def _is_shared(self) -> bool:
        """Return whether another mission pays for a part of any launch."""
        platform = self.a.platform
        return bool(platform.hosted_share + platform.hosted_mass_kg) or bool(self.e.figures.paid_share.any())

    def _hardware(self) -> Any:
        """Return the hardware of a satellite at the reference quantity in USD for each accelerator."""
        fleet = self.out("satellites_built") * self.out("learning_factor") * self.size
        return _total([self.out(f"{part.name}_cost_usd") / fleet for part in fields(Hardware)])

    def _on_board(self) -> Any:
        """Return the accelerators of a satellite, spares counted."""
        return self.out("accelerators_on_board")

    def _unit_usd(self) -> Any:
        """Return what an accelerator and its network on board are charged for, at the price of the year of launch."""
        chip = self.out("accelerator_unit_usd") * self._price("plan.chip_share")
        return (chip + self.out("onboard_network_unit_usd")) * self._price("plan.on_board")

    def _served(self) -> tuple[Any, Any]:
        """Return what is paid for a satellite that arrives, and what it is charged for being there."""
        it_power_kw = self.out("nominal_w_per_accelerator") * (1.0 / WATTS_PER_KW)
        pflops = self.out("useful_tflops_per_accelerator") * (1.0 / TFLOPS_PER_PFLOPS)
        traffic = self.out("downlink_traffic_gbps") / self.size
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
        lost = self.out("satellite_loss_rate_per_year") + rate
        logs = np.log(self._on_board() / self.size), np.log(self._chosen("array_oversize"))
        until = self.life if not np.isfinite(age) else np.minimum(self.life, age)
        worn = wear if not np.isfinite(age) else self._worn(wear, age)
        return share_served(
            logs[0], failures * until, worn, logs[1], loss * until, until * lost, self.out("wear_exponent")
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
        lost = until * self.out("satellite_loss_rate_per_year")
        return np.exp(np.minimum(np.minimum(alive, powered), 0.0) - lost)

    def _worn(self, wear: Any, age: float) -> Any:
        """Return the wear up to an age, of that over the life."""
        return wear * np.exp(np.log(np.minimum(age / self.life, 1.0)) * self.out("wear_exponent"))

    def _rates(self) -> tuple[Any, Any, Any]:
        """Return steady failures per year, wear over the life, and the rate at which array power is lost."""
        return self.out("steady_failures_per_year"), self.out("wear_of_life"), self.out("array_degradation_per_year")

    def parameters(self, combinations: Sequence[Mapping[str, str]], places: PricePlaces) -> dict[str, Floats]:
        """Return the prices of each combination."""
        q, v, o, p = self.prices, places.vehicle, places.orbit, places.period
        chips = np.array([self._chip_price(c["accelerator"], k) for c, k in zip(combinations, p, strict=True)])
        return {
            "plan.period": p.astype(np.float64),
            "plan.slot": q.slot[v, o, p],
            "plan.hardware": q.hardware[v, p],
            "plan.running": q.running[p],
            "plan.chip_share": chips,
            "plan.on_board": q.on_board[v, p],
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


__all__ = ["PricePlaces", "Ratios", "priced", "space_for"]
