"""Three engines, one answer."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import dawndusk as dd
from dawndusk.models.errors import DawnduskError
from dawndusk.models.units import precise
from dawndusk.optimize import engines, solve
from dawndusk.optimize.certify.lp import second_bound as milp
from dawndusk.optimize.contradiction import check_candidates, is_better
from dawndusk.optimize.progress import Progress
from dawndusk.optimize.result import Check, DesignResult, relative_gap
from dawndusk.optimize.settings import Engine
from dawndusk.studies.run.design.runner import problem_of, run_design

MakeStudy = Callable[..., dd.Study]


@pytest.fixture(scope="module")
def by_engine(small_study: MakeStudy, certified: dd.RunResult) -> dict[str, dd.RunResult]:
    others = {
        "evolution": run_design(small_study("search.engine=evolution")),
        "milp": run_design(small_study("search.engine=milp", "search.gap=0.002")),
    }
    return {"certified": certified, **others}


def test_an_engine_that_goes_by_trials_is_refused_and_not_answered_by_another(small_study: MakeStudy) -> None:
    study = small_study()
    assert {engine for engine in Engine if not engine.goes_by_trials} == set(engines.ENGINES)
    for engine in (engine for engine in Engine if engine.goes_by_trials):
        settings = dataclasses.replace(study.search, engine=engine)
        with pytest.raises(DawnduskError, match=f"found {engine}, which goes by trials; allowed: certified, evolution"):
            engines.find(problem_of(study), settings, lambda _: None)


def test_the_engines_agree(by_engine: dict[str, dd.RunResult]) -> None:
    objectives = [result.objective for result in by_engine.values()]
    assert objectives == pytest.approx([objectives[0]] * 3, rel=2e-3)
    assert {name: result.status for name, result in by_engine.items()} == {
        "certified": "optimal",
        "evolution": "feasible",
        "milp": "optimal",
    }


def test_every_engine_answers_in_the_same_terms(by_engine: dict[str, dd.RunResult]) -> None:
    for name, result in by_engine.items():
        plain = result.to_dict()
        for key in ("status", "objective", "bound", "gap", "boxes", "seconds", "seed", "audit", "engine", "stopped_by"):
            assert plain[key] == getattr(result, key), (name, key)
        assert (result.engine, result.stopped_by, result.seed) == (name, "completion", 1)
        assert result.result.candidates[0].design == result.design
        assert result.best.feasible
        assert result.outcome["lcoc_usd_per_pflop_hour"] == pytest.approx(result.objective, rel=1e-12)
        assert len(result.to_frame()) >= 1


def test_a_bound_lies_below_the_objective_by_the_gap(by_engine: dict[str, dd.RunResult]) -> None:
    for name in ("certified", "milp"):
        result = by_engine[name]
        assert result.objective is not None and result.bound is not None and result.gap is not None
        assert result.bound <= result.objective
        assert result.gap == pytest.approx((result.objective - result.bound) / result.objective, rel=1e-6)
        assert result.gap <= result.study.search.gap * (1 + 1e-9)
    assert (by_engine["evolution"].bound, by_engine["evolution"].gap) == (None, None)


def test_a_certified_result_survives_pickling(certified: dd.RunResult) -> None:
    assert pickle.loads(pickle.dumps(certified)).to_dict() == certified.to_dict()


def test_something_made_large_is_bounded_from_above(small_study: MakeStudy) -> None:
    study = small_study("maximise=availability", "search.audit=false", "search.gap=0.01")
    result = run_design(study)
    assert result.status == "optimal"
    assert result.objective is not None and result.bound is not None
    assert result.objective <= result.bound <= result.objective * 1.0101
    assert result.audit == "not run"


def test_the_audit_takes_a_second_opinion(small_study: MakeStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    reports: list[Progress] = []
    result = run_design(small_study("search.second_bound=true", "search.time_limit_s=60"), reports.append)
    assert result.audit == "passed"
    assert [check.name for check in result.checks][-1] == "second bound"
    second = result.result.second
    assert second is not None and second.bound is not None and result.objective is not None
    assert second.bound <= result.objective
    assert f"no design below {precise(second.bound, 'USD/PFLOP-hour', 6, 'down')}, a gap of" in result.checks[-1].words
    assert "HiGHS said" not in result.checks[-1].words
    monkeypatch.setattr(milp, "second_bound", lambda *_, **__: dataclasses.replace(second, solver_words="Not Set"))
    again = engines.with_second_bound(problem_of(result.study), result.result, result.study.search, lambda _: None)
    assert again.checks[-1].words.endswith("; HiGHS said last: Not Set")


def test_the_second_opinion_of_a_small_problem_is_solved_to_its_end(small_study: MakeStudy) -> None:
    result = run_design(small_study("search.second_bound=true", "search.time_limit_s=30"))
    second = result.result.second
    assert second is not None
    assert (second.status, second.open_combinations) == ("bounded", 0)
    assert second.gap is not None
    assert second.gap <= 2e-3


@pytest.mark.parametrize(
    ("changes", "limit_s", "expected"),
    [({}, 30.0, 30.0), ({}, 600.0, 60.0), ({"vehicle": ["starship_v3", "falcon_9"]}, 600.0, 60.0)],
    ids=["no longer than the search may", "small", "a few combinations"],
)
def test_how_long_a_second_opinion_may_take(
    small_study: MakeStudy,
    certified: dd.RunResult,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
    limit_s: float,
    expected: float,
) -> None:
    given: list[float] = []

    def note(*_: object, time_limit_s: float, **__: object) -> None:
        given.append(time_limit_s)
        raise RuntimeError("that is all")

    monkeypatch.setattr(milp, "second_bound", note)
    design = {**certified.study.resolved["design"], **changes}
    study = small_study(f"search.time_limit_s={limit_s}", "search.second_bound=true", design=design)
    engines.with_second_bound(problem_of(study), certified.result, study.search, lambda _: None)
    whole = dd.load("orbit-200mw", [f"search.time_limit_s={limit_s}"])
    engines.with_second_bound(problem_of(whole), certified.result, whole.search, lambda _: None)
    assert given == [expected, min(20.0, 0.17 * limit_s)]


def test_a_second_opinion_that_crashes_leaves_the_proof(
    small_study: MakeStudy, certified: dd.RunResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise RuntimeError("no licence")

    monkeypatch.setattr(milp, "second_bound", crash)
    study = small_study("search.second_bound=true")
    found = engines.with_second_bound(problem_of(study), certified.result, study.search, lambda _: None)
    assert found.checks[-1] == Check("second bound", True, 0, "could not be computed: RuntimeError: no licence")
    assert (found.bound, found.second) == (certified.bound, None)


def test_a_design_of_the_second_opinion_that_beats_the_first_is_an_error(
    small_study: MakeStudy, certified: dd.RunResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = small_study("search.second_bound=true")
    wrong = dataclasses.replace(certified.result, bound=20.0, objective=20.01)
    with pytest.raises(
        dd.CertificateError, match=r"no design is better than 20\.0.*mixed-integer model has a feasible"
    ):
        engines.with_second_bound(problem_of(study), wrong, study.search, lambda _: None)


@pytest.mark.parametrize("change", [{"bound": 20.0}, {"bound": None, "status": "infeasible"}])
def test_a_design_of_the_search_that_beats_its_bound_is_an_error(
    certified: dd.RunResult, change: dict[str, Any]
) -> None:
    problem = problem_of(certified.study)
    check_candidates(problem, certified.result)
    with pytest.raises(dd.CertificateError, match="the certificate is wrong: proved that no design is"):
        check_candidates(problem, dataclasses.replace(certified.result, **change))


def test_the_gap_is_relative_to_the_objective() -> None:
    assert relative_gap(-4.0, -5.0) == 0.25
    assert relative_gap(0.0, -0.5) == 0.5
    assert relative_gap(None, 1.0) is None
    assert relative_gap(1.0, None) is None


def test_rounding_beats_nothing() -> None:
    assert not is_better(1.0 - 1e-10, 1.0, "minimise")
    assert not is_better(1.0 + 1e-10, 1.0, "maximise")
    assert is_better(1.0 - 1e-8, 1.0, "minimise")
    assert is_better(1.0 + 1e-8, 1.0, "maximise")
    assert not is_better(-1.0, -1.0, "minimise")


def fake(monkeypatch: pytest.MonkeyPatch, **values: Any) -> None:
    """Have the certified search answer with these values."""
    nothing: dict[str, Any] = {
        "status": "unknown",
        **dict.fromkeys(("objective", "bound", "gap", "design", "evaluation")),
        "gap_asked": 1e-3,
        "candidates": (),
        "evaluated": 3,
        "boxes": 2,
        "open_boxes": 1,
        "combinations": 2,
        "seconds": 1.0,
        "seed": 1,
        "stopped_by": "time limit",
    }
    monkeypatch.setattr(engines, "certify", lambda *_, **__: DesignResult(**{**nothing, **values}))


def test_where_nothing_was_found_the_nominal_design_is_tried(
    small_study: MakeStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(monkeypatch, bound=5.0)
    result = run_design(small_study())
    assert (result.status, result.design) == ("feasible", small_study().nominal_design())
    assert result.objective is not None
    assert result.gap == pytest.approx(1 - 5.0 / result.objective)


def test_where_nothing_is_feasible_the_nominal_design_shows_what_breaks(
    small_study: MakeStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(monkeypatch)
    result = run_design(small_study("design.optical_terminals=0"))
    assert (result.status, result.feasible, result.objective) == ("unknown", False, None)
    assert result.best.broken[0].name == "connectivity"
    assert result.to_dict()["objective"] is None


def test_a_feasible_nominal_design_refutes_a_proof_of_infeasibility(
    small_study: MakeStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(monkeypatch, status="infeasible", stopped_by="completion")
    with pytest.raises(dd.CertificateError, match="proved that no design is feasible; but the nominal design"):
        run_design(small_study())


def test_an_objective_without_a_bound_names_the_engine_that_takes_it(small_study: MakeStudy) -> None:
    with pytest.raises(dd.DawnduskError, match=r"search\.engine evolution"):
        run_design(small_study("minimise=insurance_cost_usd"))


def test_a_verdict_needs_checks_and_all_of_them(certified: dd.RunResult) -> None:
    def verdict(*held: bool) -> str:
        checks = tuple(Check("a", one, 1, "") for one in held)
        found: DesignResult = dataclasses.replace(certified.result, checks=checks)
        return found.verdict

    assert [verdict(), verdict(True), verdict(True, False)] == ["not run", "passed", "failed"]


def test_a_solver_that_fails_ends_the_run_in_its_own_words(
    small_study: MakeStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("HiGHS takes no such rows")

    monkeypatch.setattr(milp, "second_bound", fail)
    result = run_design(small_study("search.engine=milp"))
    assert (result.status, result.bound, result.gap) == ("feasible", None, None), "the nominal design is shown"
    assert result.stopped_by == "failure of the solver: HiGHS takes no such rows"


def interrupt(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def test_an_interrupt_of_the_second_bound_keeps_the_proof_and_says_so(
    certified: dd.RunResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(milp, "second_bound", interrupt)
    study = certified.study
    found = engines.with_second_bound(problem_of(study), certified.result, study.search, lambda _: None)
    assert (found.status, found.bound, found.verdict) == ("optimal", certified.bound, "passed")
    assert found.checks[-1].words.startswith("interrupted before it had one")
    monkeypatch.setattr(solve, "find", lambda *_: found)
    assert run_design(study, explain=True).explanation is None, "whoever interrupts does not wait for it"


def test_an_interrupt_of_the_explanation_keeps_the_proof(
    certified: dd.RunResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(solve, "find", lambda *_: certified.result)
    monkeypatch.setattr(solve, "explain_optimum", interrupt)
    result = run_design(certified.study, explain=True)
    assert (result.status, result.explanation, result.conflict) == ("optimal", None, None)
