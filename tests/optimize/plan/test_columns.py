"""Column generation: what a reduced cost promises is kept, and the catalogue only grows better."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pytest

from dawndusk.models.design import Design
from dawndusk.models.fleet.calendar import Calendar, Path
from dawndusk.models.fleet.economy import Terms, economy_of
from dawndusk.models.fleet.satellites import figures_of
from dawndusk.optimize.plan.columns import generate, reduced_costs
from dawndusk.optimize.plan.highs import Solver
from dawndusk.optimize.plan.model import plan_model
from dawndusk.optimize.plan.pieces import Pieces, first_pieces, widened
from dawndusk.optimize.plan.problem import Demand, Effort, Objective, PlanProblem
from dawndusk.studies.runs.runner import problem_of
from dawndusk.studies.statement.studyfile import read_study

from .conftest import designs_of

VEHICLES = ("falcon_9", "starship_v3")


def make(designs: Mapping[str, Design]) -> PlanProblem:
    _, assumptions = designs_of(1)
    terms = Terms(reference_usd={"all": 5e6})
    economy = economy_of(designs, VEHICLES, assumptions, Calendar(2029, 3, 1), terms)
    demand = Demand(least_pflops=Path((2029.0, 2032.0), (500.0, 6000.0)))
    return PlanProblem(economy=economy, objective=Objective.COST, demand=demand)


def relaxation(problem: PlanProblem, pieces: Pieces) -> float:
    model = plan_model(problem, pieces)
    answer = Solver(model).solve(time_limit_s=30.0, relaxed=True)
    assert answer.objective is not None
    return float(answer.objective * model.money_unit)


def test_a_negative_reduced_cost_is_kept_and_a_positive_one_is_idle() -> None:
    catalogue, _ = designs_of(2)
    (first, design), (second, other) = catalogue.items()
    worse = design.replace(radiator_area_m2=design.radiator_area_m2 * 2.0)
    alone = {second: other}
    pieces = widened(first_pieces(make(alone).economy), 4.0)
    both = make({**alone, first: design, "worse": worse})
    optimum, reduced = reduced_costs(both, [first, "worse"], 0.0, pieces)
    assert optimum == pytest.approx(relaxation(make(alone), pieces), rel=1e-6)
    with_first = relaxation(make({**alone, first: design}), pieces)
    if reduced[first] < -1e-6:
        assert with_first < optimum
    else:
        assert with_first == pytest.approx(optimum, rel=1e-6)
    assert reduced["worse"] > reduced[first]
    assert relaxation(both, pieces) <= with_first * (1.0 + 1e-9)


@pytest.mark.slow
def test_generated_designs_beat_the_first_catalogue() -> None:
    catalogue, assumptions = designs_of(2)
    space = dataclasses.replace(problem_of(read_study("orbit-200mw")), assumptions=assumptions)

    def fits(designs: Mapping[str, Design]) -> dict[str, Design]:
        figures = figures_of(designs, assumptions, VEHICLES)
        kept = [n for k, n in enumerate(figures.names) if not figures.broken[k] and figures.per_launch[k].any()]
        return {name: designs[name] for name in kept}

    effort = Effort(gap=0.02, time_limit_s=30.0)
    found = generate(catalogue, make, space, effort=effort, rounds=6, candidates=40, fits=fits)
    assert found.priced > 0
    assert all(
        later <= earlier * (1.0 + 1e-9) for earlier, later in zip(found.relaxation, found.relaxation[1:], strict=False)
    )
    assert found.before.objective is not None
    assert found.after.objective is not None
    assert len(found.designs) > len(catalogue)
    assert found.after.objective < found.before.objective * 0.99
    assert "bound holds" in found.words
