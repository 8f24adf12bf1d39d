"""Column generation: what a reduced cost promises is kept, the catalogue only grows better, and no bound is beaten."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from dawndusk.models.design import Design
from dawndusk.models.fleet.calendar import Calendar, YearPath
from dawndusk.models.fleet.economy import Terms, economy_of
from dawndusk.models.fleet.satellites import figures_of
from dawndusk.models.recording.program import Program
from dawndusk.optimize.plan.pricing import column_generation as columns
from dawndusk.optimize.plan.pricing.column_generation import RoundStep, generate
from dawndusk.optimize.plan.pricing.dual_prices import orbits_of, prices_of, reduced_costs
from dawndusk.optimize.plan.pricing.proof import SERVED, prove
from dawndusk.optimize.plan.pricing.reduced_cost import priced, space_for
from dawndusk.optimize.plan.pricing.restricted_master import RestrictedMaster
from dawndusk.optimize.plan.problem.problem import Limits, Objective, PlanDemand, PlanEffort, PlanProblem
from dawndusk.optimize.plan.solve.engine import solve_plan
from dawndusk.optimize.plan.solve.planned import PlanStep
from dawndusk.optimize.problem import Fixed, Problem, Range
from dawndusk.studies.input.studyfile import read_study
from dawndusk.studies.run.design.runner import problem_of

from ..conftest import designs_of

VEHICLES = ("falcon_9", "starship_v3")
PROBE = "any_design_in_dawn_dusk_sso"


def make(
    designs: Mapping[str, Design], objective: Objective = Objective.COST, limits: Limits | None = None
) -> PlanProblem:
    _, assumptions = designs_of(1)
    terms = Terms(reference_usd={"all": 5e6})
    economy = economy_of(designs, VEHICLES, assumptions, Calendar(2029, 3, 1), terms)
    demand = PlanDemand(least_pflops=YearPath((2029.0, 2032.0), (500.0, 6000.0)))
    return PlanProblem(economy=economy, objective=objective, demand=demand, limits=limits or Limits())


def small_space(**free: Range) -> Problem:
    """The designs that differ from the first one of the catalogue in some variables."""
    catalogue, assumptions = designs_of(1)
    (design,) = catalogue.values()
    kept = {name: Fixed(value) for name, value in design.to_dict().items()}
    return Problem(
        assumptions=assumptions, space={**kept, **free}, objective="lcoc_usd_per_pflop_hour", sense="minimise"
    )


SMALL = {
    "accelerators_per_satellite": Range(16, 128, 64),
    "radiator_area_m2": Range(50.0, 500.0, 200.0),
    "life_years": Range(3.0, 8.0, 5.0),
}


def master_of(designs: Mapping[str, Design], longest: float = 8.0, **rest: Any) -> RestrictedMaster:
    some = next(iter(designs.values()))
    return RestrictedMaster(make({**designs, PROBE: some.replace(life_years=longest)}, **rest), (PROBE,))


def value(master: RestrictedMaster) -> float:
    found = master.solve()
    assert found is not None
    return found.value


def flyable(designs: Mapping[str, Design]) -> dict[str, Design]:
    figures = figures_of(designs, designs_of(1)[1], VEHICLES)
    kept = [n for k, n in enumerate(figures.names) if not figures.broken[k] and figures.per_launch[k].any()]
    return {name: designs[name] for name in kept}


def some_of(space: Problem, count: int) -> dict[str, Design]:
    """Designs of a space that can be flown."""
    rng = np.random.default_rng(3)
    batch = space.designs(rng.random((count, len(space.free))), space.combinations()[0])
    return flyable({f"some_{k}": design for k, design in enumerate(batch)})


@pytest.mark.parametrize(
    ("objective", "limits"),
    [
        (Objective.COST, Limits(satellites_per_year=YearPath((0.0,), (400.0,)), first_launches_per_year=30.0)),
        (Objective.CAPITAL, Limits(discounted_cost_usd=4e9)),
        (Objective.LCOC, Limits(downlink_gbps=YearPath((0.0,), (1e6,)))),
    ],
)
def test_prices_give_the_reduced_costs_of_the_relaxation(objective: Objective, limits: Limits) -> None:
    # prices_of compares them itself, column by column, and raises where they differ
    master = master_of(designs_of(3)[0], objective=objective, limits=limits)
    relaxed = master.solve(1.1, 30.0)
    assert relaxed is not None
    prices = prices_of(master, relaxed, 1.1)
    assert np.isfinite(prices.slot).all()
    assert (prices.slot >= 0.0).all()


def test_a_negative_reduced_cost_is_kept_and_a_positive_one_is_idle() -> None:
    catalogue, _ = designs_of(2)
    (first, design), (second, other) = catalogue.items()
    worse = design.replace(radiator_area_m2=design.radiator_area_m2 * 2.0)
    alone = master_of({second: other})
    relaxed = alone.solve()
    assert relaxed is not None
    both = {first: design, "worse": worse}
    reduced = reduced_costs(prices_of(alone, relaxed), make(both).economy, orbits_of(alone)).least()
    with_first = value(master_of({second: other, first: design}))
    if reduced[0] < -1e-6:
        assert with_first < relaxed.value
    else:
        assert with_first == pytest.approx(relaxed.value, rel=1e-6)
    assert reduced[1] > reduced[0]
    assert value(master_of({second: other, **both})) <= with_first * (1.0 + 1e-9)


@pytest.mark.parametrize("effect", [False, True])
def test_what_is_bounded_is_never_above_the_reduced_cost_of_any_design(
    effect: bool, new_effect: Callable[[], object]
) -> None:
    if effect:
        new_effect()
    space = small_space(**SMALL, spare_fraction=Range(0.0, 0.3, 0.1), array_oversize=Range(0.9, 1.3, 1.1))
    catalogue = designs_of(1)[0]
    master = master_of(catalogue)
    drawn = some_of(space, 60)
    assert len(drawn) > 20
    economy, near = make(drawn).economy, []
    for factor in (0.7, 1.0, 1.5):
        relaxed = master.solve(factor)
        assert relaxed is not None
        prices = prices_of(master, relaxed, factor)
        exact = reduced_costs(prices, economy, orbits_of(master))
        fleet = space_for(space, master.problem.economy, orbits_of(master))
        statement, places = priced(fleet, master.problem.economy, orbits_of(master), prices, units=())
        program = Program(statement.recording, [statement.objective], varying=statement.parameters)
        whole = {"plan.period", "orbit_code"}
        parameters = {n: v.astype(np.intp) if n in whole else v for n, v in statement.parameters.items()}
        for number, design in enumerate(drawn.values()):
            count = len(places.period)
            numbers = {n: np.full(count, float(v)) for n, v in design.to_dict().items() if not isinstance(v, str)}
            ratio = np.empty(count)
            columns = {**parameters, **numbers, "launches_per_year": np.ones(count)}
            program.run(program.bind(parameters), columns, [ratio])
            there = np.isfinite(exact.usd[number, places.vehicle, places.period])
            charged = exact.charged[number, places.vehicle, places.period]
            paid = charged - exact.usd[number, places.vehicle, places.period]
            assert (ratio[there] * paid[there] <= (1.0 + SERVED) * charged[there]).all()
            near.append(float(np.median(ratio[there] * paid[there] / charged[there])))
    assert np.median(near) > 0.9, "close enough to be of use"


@pytest.mark.slow
@pytest.mark.parametrize("objective", [Objective.COST, Objective.LCOC])
def test_no_plan_of_a_richer_catalogue_beats_the_bound(objective: Objective) -> None:
    space = small_space(**SMALL)
    master = master_of(designs_of(1)[0], objective=objective)
    fleet = space_for(space, master.problem.economy, orbits_of(master))
    proof = prove(master, fleet, price=50.0, time_limit_s=4.0, workers=1)
    assert proof.bound is not None
    assert proof.factor is not None
    rich = master_of({**designs_of(1)[0], **some_of(space, 400)}, objective=objective).solve(1.0, 50.0)
    assert rich is not None
    assert proof.bound <= rich.value * (1.0 + 1e-6)
    assert proof.bound > 0.4 * rich.value


def test_a_proof_that_has_no_time_says_so() -> None:
    space = small_space(**SMALL)
    master = master_of(designs_of(1)[0])
    fleet = space_for(space, master.problem.economy, orbits_of(master))
    proof = prove(master, fleet, price=0.0, time_limit_s=1e-9, workers=1)
    assert proof.stopped_by == "time limit"
    assert proof.open_boxes > 0


@pytest.mark.slow
def test_generated_designs_beat_the_first_catalogue() -> None:
    catalogue, assumptions = designs_of(2)
    space = dataclasses.replace(problem_of(read_study("orbit-200mw")), assumptions=assumptions)
    effort = PlanEffort(gap=0.02, time_limit_s=30.0)
    told: list[PlanStep] = []
    found = generate(catalogue, make, space, effort=effort, rounds=6, candidates=60, fits=flyable, report=told.append)
    assert found.priced > 0
    values = [one.relaxation for one in found.rounds]
    assert all(later <= earlier * (1.0 + 1e-9) for earlier, later in itertools.pairwise(values))
    assert found.before.objective is not None
    assert found.after.objective is not None
    assert len(found.designs) > len(catalogue)
    assert found.after.objective < found.before.objective * 0.99
    assert [step.round for step in told if isinstance(step, RoundStep)] == list(found.rounds)
    assert "nothing is proved beyond" in found.words


def test_a_plan_that_is_known_is_not_solved_again_and_an_interrupt_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = designs_of(1)[0]
    before = solve_plan(make(catalogue), PlanEffort(gap=0.1, time_limit_s=20.0))

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(columns, "draw", interrupted)
    found = generate(catalogue, make, small_space(**SMALL), effort=PlanEffort(), before=before, rounds=3)
    assert found.after is found.before is before
    assert found.stopped_by == "interrupt"
    assert found.unsettled == ["interrupt"]


def test_a_plan_without_a_relaxation_prices_nothing() -> None:
    catalogue = designs_of(1)[0]
    limits = Limits(capital_usd=1.0)
    before = solve_plan(make(catalogue, limits=limits), PlanEffort(time_limit_s=20.0))
    found = generate(
        catalogue,
        lambda designs: make(designs, limits=limits),
        small_space(**SMALL),
        effort=PlanEffort(),
        before=before,
        rounds=3,
        fits=flyable,
    )
    assert found.priced == 0
    assert before.status == found.after.status == "infeasible"
    assert "no solution" in found.words
