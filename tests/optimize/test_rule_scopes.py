"""A rule of any scope, added where rules are defined, is obeyed by designs, proofs, fronts, searches and plans.

The rule is registered by the decorator that the rules of the model use, and nothing else is told of it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from dawndusk.models.design import Design, DesignBatch
from dawndusk.models.errors import DawnduskError
from dawndusk.models.evaluate import evaluate
from dawndusk.models.fleet.calendar import Calendar, YearPath
from dawndusk.models.fleet.economy import Terms, economy_of
from dawndusk.models.fleet.fleet import Decisions
from dawndusk.models.rules import (
    RULES,
    SCOPES,
    Comparison,
    RuleFunction,
    RuleSubject,
    Scope,
    Sense,
    rule,
    rules_of,
)
from dawndusk.optimize.certify.search import certify
from dawndusk.optimize.execution.backends import open_executor
from dawndusk.optimize.explain.elastic import items
from dawndusk.optimize.heuristics.evolution import QUICK, search
from dawndusk.optimize.pareto.ends import ProofEffort as EndEffort
from dawndusk.optimize.pareto.find import Proofs, find_front
from dawndusk.optimize.plan.model.frame import Frame
from dawndusk.optimize.plan.model.milp import WRITTEN
from dawndusk.optimize.plan.model.pieces import first_pieces
from dawndusk.optimize.plan.model.rows.families import FAMILIES
from dawndusk.optimize.plan.pricing.dual_prices import orbits_of, prices_of
from dawndusk.optimize.plan.pricing.reduced_cost import Ratios, priced, space_for
from dawndusk.optimize.plan.pricing.restricted_master import RestrictedMaster
from dawndusk.optimize.plan.problem import counterparts
from dawndusk.optimize.plan.problem.counterparts import (
    AS_THEY_ARE,
    BY_COUNTERPART,
    COUNTERPARTS,
    FLIGHTS,
    Counterpart,
    UnenforcedRuleError,
    check_counterparts,
)
from dawndusk.optimize.plan.problem.problem import Objective, PlanDemand, PlanEffort, PlanProblem
from dawndusk.optimize.plan.problem.score import score
from dawndusk.optimize.plan.solve.engine import solve_plan
from dawndusk.optimize.problem import Fixed, Goal, Problem
from dawndusk.optimize.trials.designs import DesignQuestion
from dawndusk.optimize.trials.loop import search as search_trials
from dawndusk.optimize.trials.plan import SearchPlan, Stop
from dawndusk.optimize.trials.question import Evaluator
from dawndusk.optimize.trials.samplers.population import PopulationSampler
from dawndusk.optimize.trials.store import MemoryStore
from dawndusk.studies.input.errors import StudyError
from dawndusk.studies.input.studyfile import study_from_mapping
from dawndusk.studies.run.plan.question import plan_study

from .plan.conftest import designs_of

MakeProblem = Callable[..., Problem]
AddRule = Callable[[Scope, Sense, RuleFunction], str]

LEAST_OVERSIZE, LEAST_ALTITUDE_KM, MOST_LAUNCHES_PER_YEAR, LEAST_RADIATORS_M2 = 1.3, 450.0, 70.0, 6e5


def enough_array(s: RuleSubject) -> Comparison:
    """The array is larger than the load needs."""
    return s.design["array_oversize"], LEAST_OVERSIZE


def high_orbit(s: RuleSubject) -> Comparison:
    """The launch vehicle releases no satellite lower than it may."""
    return s.design["altitude_km"], LEAST_ALTITUDE_KM


def calm_programme(s: RuleSubject) -> Comparison:
    """The programme does not launch more often than it likes to."""
    return s.design["launches_per_year"], MOST_LAUNCHES_PER_YEAR


def large_radiators(s: RuleSubject) -> Comparison:
    """The radiators of all satellites together have a stated area."""
    return s.design["radiator_area_m2"] * s.design["satellites"], LEAST_RADIATORS_M2


ADDED: dict[Scope, tuple[Sense, RuleFunction]] = {
    "satellite": ("at least", enough_array),
    "launch": ("at least", high_orbit),
    "programme": ("at most", calm_programme),
    "fleet": ("at least", large_radiators),
}
"""A rule of each scope that the cheapest small design breaks."""
SPACE: dict[str, Any] = {"launches_per_year": {"low": 40, "high": 80, "nominal": 60}}
COST, MASS = Goal("lcoc_usd_per_pflop_hour"), Goal("launched_mass_t")


@pytest.fixture
def add_rule() -> Iterator[AddRule]:
    """Register rules as ``models.rules`` does, and take them away again after the test."""
    before = dict(RULES)

    def add(scope: Scope, sense: Sense, function: RuleFunction) -> str:
        return rule(scope, sense, "-", scale=1.0)(function).__name__

    yield add
    RULES.clear()
    RULES.update(before)


@pytest.fixture
def problem(make_problem: MakeProblem) -> Problem:
    return make_problem(SPACE)


def kept(name: str, design: Design, problem: Problem) -> bool:
    return bool(evaluate(design, problem.assumptions).violation[name][0] <= 0.0)


def test_the_rules_of_the_model_have_a_scope_each() -> None:
    assert {known.scope for known in RULES.values()} == set(SCOPES)
    assert sorted(name for scope in SCOPES for name in rules_of(scope)) == sorted(RULES)
    assert {*AS_THEY_ARE, *BY_COUNTERPART} == set(SCOPES)


def test_a_scope_or_a_second_rule_of_a_name_is_refused(add_rule: AddRule) -> None:
    with pytest.raises(DawnduskError, match=r"found scope 'satelite'.*did you mean 'satellite'"):
        rule("satelite", "at most", "-")  # type: ignore[arg-type]
    add_rule("satellite", "at least", enough_array)
    with pytest.raises(DawnduskError, match="'enough_array': found a second rule"):
        add_rule("launch", "at least", enough_array)


@pytest.mark.parametrize("scope", SCOPES)
def test_a_design_obeys_a_rule_that_is_added_after_it_was_evaluated(
    problem: Problem, add_rule: AddRule, scope: Scope
) -> None:
    design = search(problem, seed=1, time_limit_s=20.0, most_designs=20_000, effort=QUICK).nearest
    before = evaluate(design, problem.assumptions)
    assert before.feasible[0]
    name = add_rule(scope, *ADDED[scope])
    found = evaluate(design, problem.assumptions)
    assert not found.feasible[0]
    assert found.violation.keys() - before.violation.keys() == {name}
    assert items(problem, design)[name].violation == pytest.approx(found.violation[name][0])


@pytest.mark.parametrize("scope", SCOPES)
def test_a_certified_design_obeys_an_added_rule(problem: Problem, add_rule: AddRule, scope: Scope) -> None:
    effort: dict[str, Any] = {"gap": 0.02, "time_limit_s": 30.0, "workers": 0, "audit": False}
    before = certify(problem, **effort)
    name = add_rule(scope, *ADDED[scope])
    found = certify(problem, **effort)
    assert before.design is not None and found.design is not None
    assert not kept(name, before.design, problem)
    assert kept(name, found.design, problem)
    assert found.objective is not None and before.bound is not None and found.bound is not None
    assert before.bound <= found.objective
    assert found.bound <= found.objective * (1.0 + 1e-9)


@pytest.mark.parametrize("scope", SCOPES)
def test_a_front_obeys_an_added_rule(problem: Problem, add_rule: AddRule, scope: Scope) -> None:
    name = add_rule(scope, *ADDED[scope])
    proofs = Proofs(ends=False, effort=EndEffort(gap=0.03, seed=1, workers=1, audit=False))
    front = find_front(problem, (COST, MASS), proofs=proofs, spacing=0.2)
    assert front.designs
    assert all(kept(name, design, problem) for design in front.designs)


@pytest.mark.parametrize("scope", SCOPES)
def test_a_search_by_trials_obeys_an_added_rule(problem: Problem, add_rule: AddRule, scope: Scope) -> None:
    name = add_rule(scope, *ADDED[scope])
    question = DesignQuestion(problem, (COST,))
    assert name in question.rules
    plan = SearchPlan(sampler=PopulationSampler(population=16), stop=Stop(evaluations=240), seed=1, batch=16)
    evaluator: Evaluator = question
    with open_executor(1, context=evaluator) as executor:
        found = search_trials(question.question, plan, MemoryStore(), executor)
    answers = [trial.answer for trial in found.answered.trials if trial.answer is not None]
    assert any(answer.violations[name] > 0.0 for answer in answers)
    (best,) = found.front
    assert kept(name, question.design(best.point), problem)


# Plans ------------------------------------------------------------------------------------------------------------


def plan_of(designs: dict[str, Design], vehicles: tuple[str, ...] = ("falcon_9", "starship_v3")) -> PlanProblem:
    _, assumptions = designs_of(1)
    economy = economy_of(designs, vehicles, assumptions, Calendar(2029, 3, 1), Terms())
    demand = PlanDemand(least_pflops=YearPath((2029.0, 2032.0), (500.0, 6000.0)))
    return PlanProblem(economy=economy, objective=Objective.COST, demand=demand)


@pytest.fixture
def two_designs() -> dict[str, Design]:
    """A cheap design, and a dearer one with a larger array."""
    ((_, lean),) = designs_of(1)[0].items()
    return {"lean": lean, "rich": lean.replace(array_oversize=1.5)}


def test_a_plan_flies_no_design_that_breaks_an_added_rule_of_the_satellite(
    two_designs: dict[str, Design], add_rule: AddRule
) -> None:
    effort = PlanEffort(gap=0.05, time_limit_s=20.0)
    before = solve_plan(plan_of(two_designs), effort)
    assert before.plan is not None
    assert before.plan.decisions.built[0].sum() > 0.0
    add_rule("satellite", "at least", enough_array)
    problem = plan_of(two_designs)
    assert problem.economy.figures.broken == (("enough_array",), ())
    assert {d for d, _, _ in Frame(problem, first_pieces(problem.economy)).flights} == {1}
    after = solve_plan(problem, effort)
    assert after.plan is not None and after.objective is not None and before.bound is not None
    assert after.plan.decisions.built[0].sum() == 0.0
    assert after.plan.decisions.built[1].sum() > 0.0
    assert after.objective > before.bound
    flown_all_the_same = score(problem, before.plan.decisions).broken
    assert {held.rule for held in flown_all_the_same} == {"enough_array"}
    assert {held.label.split(" on ")[0] for held in flown_all_the_same} == {"lean"}


def roomy_fairing(s: RuleSubject) -> Comparison:
    """The fairing is large enough for people to walk around the satellites."""
    return s.rows.vehicle.fairing_m3, 500.0


def test_a_plan_uses_no_vehicle_on_which_a_design_breaks_an_added_rule_of_the_launch(
    two_designs: dict[str, Design], add_rule: AddRule
) -> None:
    assert (plan_of(two_designs).economy.figures.per_launch > 0).all()
    add_rule("launch", "at least", roomy_fairing)
    problem = plan_of(two_designs)
    figures = problem.economy.figures
    assert figures.broken == ((), ())
    assert figures.refused(0) == {"falcon_9": ("roomy_fairing",)}
    assert (figures.per_launch[:, 0] == 0).all()
    assert (figures.per_launch[:, 1] > 0).all()
    planned = solve_plan(problem, PlanEffort(gap=0.05, time_limit_s=20.0))
    assert planned.plan is not None
    assert planned.plan.decisions.built[:, 0].sum() == 0.0
    moved = Decisions(
        planned.plan.decisions.built[:, ::-1], planned.plan.decisions.launches[::-1], planned.plan.decisions.ground
    )
    assert "roomy_fairing" in {held.rule for held in score(problem, moved).broken}


@pytest.mark.parametrize("scope", BY_COUNTERPART)
def test_a_plan_refuses_a_rule_that_none_of_its_rows_enforces(
    two_designs: dict[str, Design], add_rule: AddRule, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = plan_of(two_designs)
    name = add_rule(scope, *ADDED[scope])
    said = f"no row of a plan enforces \\('{name}' of scope {scope}\\); allowed: .*counterparts"
    with pytest.raises(UnenforcedRuleError, match=said):
        plan_of(two_designs)
    with pytest.raises(UnenforcedRuleError, match=name):
        dataclasses.replace(problem, objective=Objective.CAPITAL)
    monkeypatch.setitem(counterparts.COUNTERPARTS, name, Counterpart(("cadence",), "rows that enforce it"))
    assert plan_of(two_designs).objective is Objective.COST


def test_every_counterpart_is_of_a_rule_and_names_rows_that_there_are() -> None:
    check_counterparts()
    assert WRITTEN, "families are registered"
    assert set(COUNTERPARTS) == set(rules_of(*BY_COUNTERPART))
    for name, counterpart in COUNTERPARTS.items():
        assert counterpart.families, name
        assert set(counterpart.families) <= {*FAMILIES, FLIGHTS}, name
        assert counterpart.sense, name


def test_what_new_designs_are_priced_with_has_an_added_rule(two_designs: dict[str, Design], add_rule: AddRule) -> None:
    add_rule("satellite", "at least", enough_array)
    probe = "any_design_in_dawn_dusk_sso"
    master = RestrictedMaster(plan_of({**two_designs, probe: two_designs["lean"]}), (probe,))
    relaxed = master.solve()
    assert relaxed is not None
    prices = prices_of(master, relaxed)
    lean = two_designs["lean"]
    space = Problem(
        assumptions=master.problem.economy.assumptions,
        space={name: Fixed(value) for name, value in lean.to_dict().items()},
        objective="lcoc_usd_per_pflop_hour",
        sense="minimise",
    )
    fleet = space_for(space, master.problem.economy, orbits_of(master))
    statement, places = priced(fleet, master.problem.economy, orbits_of(master), prices, units=())
    assert "enough_array" in {row.name for row in statement.rows}
    assert {row.name for row in statement.rows} == set(rules_of("satellite", "launch"))
    ratios = Ratios(fleet, master.problem.economy, orbits_of(master), prices)
    vehicle = master.problem.economy.launching.vehicles[places.vehicle[0]]
    both = DesignBatch.of([design.replace(vehicle=vehicle, launches_per_year=1.0) for design in two_designs.values()])
    assert np.isfinite(ratios.of(both, np.zeros(2, dtype=np.intp))).tolist() == [False, True]


def test_the_study_of_a_plan_names_an_added_rule_that_its_designs_break(add_rule: AddRule) -> None:
    study = study_from_mapping(
        {
            "name": "two",
            "extends": "plan-200mw",
            "plan": {
                "catalogue": {
                    "grids": {},
                    "designs": {
                        "lean": {"changes": {"array_oversize": 1.1, "optical_terminals": 4}},
                        "rich": {"changes": {"array_oversize": 1.4, "optical_terminals": 4}},
                    },
                }
            },
        }
    )
    before = plan_study(study)
    assert {"lean", "rich"} <= set(before.problem.economy.figures.names)
    add_rule("satellite", "at least", enough_array)
    found = plan_study(study)
    assert found.left_out["lean"] == "breaks enough_array"
    assert "rich" in found.problem.economy.figures.names
    add_rule("fleet", "at least", large_radiators)
    with pytest.raises(UnenforcedRuleError, match="'large_radiators' of scope fleet"):
        plan_study(study)


def test_the_study_of_a_plan_names_an_added_rule_of_the_launch(add_rule: AddRule) -> None:
    add_rule("launch", "at least", high_orbit)
    study = study_from_mapping({"name": "low", "extends": "plan-200mw", "design": {"altitude_km": 420.0}})
    with pytest.raises(StudyError, match=r"fits no vehicle \(.* kg\): breaks .*high_orbit on "):
        plan_study(study)
