"""The relaxation of a plan: duals are slopes of its optimum, and every column of the catalogue is priced right."""

from __future__ import annotations

import numpy as np
import pytest

from dawndusk.models.fleet.calendar import Calendar, YearPath, level
from dawndusk.models.fleet.economy import Terms, economy_of
from dawndusk.optimize.plan.pricing.restricted_master import MasterOptimum, RestrictedMaster
from dawndusk.optimize.plan.problem.problem import Limits, Objective, PlanDemand, PlanProblem, Site

from ..conftest import designs_of

VEHICLES = ("falcon_9", "starship_v3")
PROBE = "any_design_in_dawn_dusk_sso"


def problem_of(objective: Objective, demand: PlanDemand, limits: Limits, designs: int = 2) -> PlanProblem:
    catalogue, assumptions = designs_of(designs)
    some = next(iter(catalogue.values()))
    terms = Terms(reference_usd={"all": 5e6})
    economy = economy_of({**catalogue, PROBE: some}, VEHICLES, assumptions, Calendar(2029, 3, 1), terms)
    return PlanProblem(economy=economy, objective=objective, demand=demand, limits=limits)


def asked(factor: float, production: float = 4000.0, site: float = 60.0) -> tuple[PlanDemand, Limits]:
    demand = PlanDemand(least_pflops=YearPath((2029.0, 2032.0), (500.0 * factor, 6000.0 * factor)))
    sites = {"cape": Site(vehicles=("starship_v3",), launches_per_year=level(site))}
    return demand, Limits(satellites_per_year=level(production), sites=sites)


def optimum(master: RestrictedMaster) -> MasterOptimum:
    found = master.solve()
    assert found is not None
    return found


def right_hand_sides(master: RestrictedMaster) -> np.ndarray:
    """What each row compares with: its lower end where it has one, else its upper end."""
    low, high = (np.array(end) for end in (master.lp.row_lower_, master.lp.row_upper_))
    return np.where(np.isfinite(low), low, high)


@pytest.mark.parametrize("objective", [Objective.COST, Objective.CAPITAL])
@pytest.mark.parametrize("changes", [{"production": 3950.0}, {"production": 1500.0}, {"site": 20.0}], ids=str)
def test_dual_prices_are_a_subgradient_of_the_optimum(objective: Objective, changes: dict[str, float]) -> None:
    """An optimum is convex in what its rows compare with: never below the tangent that its duals give."""
    base = RestrictedMaster(problem_of(objective, *asked(1.0)), (PROBE,))
    moved = RestrictedMaster(problem_of(objective, *asked(**{"factor": 1.0, **changes})), (PROBE,))
    assert [base.family(row) for row in range(len(base.rows))] == [moved.family(row) for row in range(len(moved.rows))]
    first, other = optimum(base), moved.solve()
    assert other is not None
    shift = right_hand_sides(moved) - right_hand_sides(base)
    assert np.any(shift != 0.0)
    tangent = first.value + float(first.dual[: len(shift)] @ shift)
    assert other.value >= tangent - 1e-6 * abs(first.value)


def test_more_demand_costs_more_and_more_room_less() -> None:
    values = [
        optimum(RestrictedMaster(problem_of(Objective.COST, *asked(factor)), (PROBE,))).value
        for factor in (0.9, 1.0, 1.1)
    ]
    assert values == sorted(values)
    tight, wide = (
        optimum(RestrictedMaster(problem_of(Objective.COST, *asked(1.0, site=site)), (PROBE,))).value
        for site in (10.0, 60.0)
    )
    assert tight >= wide


def test_a_larger_catalogue_is_never_dearer() -> None:
    few, many = (
        optimum(RestrictedMaster(problem_of(Objective.COST, *asked(1.0), designs=count), (PROBE,))).value
        for count in (1, 3)
    )
    assert many <= few * (1.0 + 1e-9)


def test_complementary_slackness(master_optimum: tuple[RestrictedMaster, MasterOptimum]) -> None:
    """A column that is bought has no reduced cost; one that is not has none below zero."""
    master, found = master_optimum
    prices = found.dual[: len(master.rows)] / master.usd
    reduced = master.cost - master.matrix.T @ prices
    scale = np.abs(master.cost).max()
    bought = {k for k in master.shares if found.shares.get(master.columns[k].index()[0], 0.0) > 1e-6}
    for k in master.shares:
        if master.columns[k].index()[0] in master.probes:
            continue
        assert reduced[k] >= -1e-6 * scale
    assert bought
    assert min(reduced[k] for k in bought) == pytest.approx(0.0, abs=1e-6 * scale)


@pytest.fixture(scope="module")
def master_optimum() -> tuple[RestrictedMaster, MasterOptimum]:
    master = RestrictedMaster(problem_of(Objective.COST, *asked(1.0)), (PROBE,))
    return master, optimum(master)


def test_probes_are_never_bought(master_optimum: tuple[RestrictedMaster, MasterOptimum]) -> None:
    assert PROBE not in master_optimum[1].shares
    assert sum(master_optimum[1].shares.values()) > 0.0


def test_a_demand_beyond_all_launches_has_no_optimum() -> None:
    assert RestrictedMaster(problem_of(Objective.COST, *asked(1e4)), (PROBE,)).solve() is None


def test_a_levelised_cost_settles_at_the_ratio_of_its_plan() -> None:
    """At the price that it ends with cost less price times worth is zero: Dinkelbach (1967)."""
    demand, limits = asked(1.0)
    master = RestrictedMaster(problem_of(Objective.LCOC, demand, limits), (PROBE,))
    from_below, from_above = (master.solve(price=price) for price in (20.0, 1e4))
    assert from_below is not None
    assert from_above is not None
    assert from_below.value == pytest.approx(from_above.value, rel=1e-5)
    assert from_below.price == pytest.approx(from_below.value, rel=1e-6)
