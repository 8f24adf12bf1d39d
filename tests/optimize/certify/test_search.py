"""Certified search: proofs end, say what they are, and are the same with any number of workers."""

from __future__ import annotations

import dataclasses
import itertools
import math
import os
import signal
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import pytest

from dawndusk.models.errors import DesignError
from dawndusk.models.evaluate import evaluate
from dawndusk.optimize.certify.branch import work as shares
from dawndusk.optimize.certify.branch.branching import Branched
from dawndusk.optimize.certify.branch.work import Bounding, examine_share
from dawndusk.optimize.certify.search import _Run, certify
from dawndusk.optimize.errors import NotBoundedError
from dawndusk.optimize.execution.backends import open_executor
from dawndusk.optimize.execution.crew import Crew
from dawndusk.optimize.execution.tasks import ExecutionError, Task
from dawndusk.optimize.problem import Problem
from dawndusk.optimize.progress import Progress
from dawndusk.optimize.result import DesignResult
from dawndusk.studies.input.studyfile import read_study
from dawndusk.studies.run.design.runner import problem_of

MakeProblem: TypeAlias = Callable[..., Problem]

TWO: dict[str, Any] = {
    "vehicle": ["starship_v3", "falcon_9"],
    "accelerators_per_satellite": {"low": 20, "high": 200, "nominal": 100},
}


def proved(problem: Problem, **settings: Any) -> DesignResult:
    return certify(problem, **{"gap": 1e-2, "time_limit_s": 30.0, "workers": 0, "audit": False, **settings})


def assert_is_feasible(problem: Problem, found: DesignResult) -> None:
    assert found.design is not None
    evaluation = evaluate(found.design, problem.assumptions)
    assert not any(v[0] > 0.0 for v in evaluation.violation.values())
    assert all(bound.violation(evaluation.outcome.values)[0] == 0.0 for bound in problem.bounds)
    assert found.objective == pytest.approx(float(evaluation.outcome[problem.objective][0]), rel=1e-12)


def test_a_small_study_is_proved(make_problem: MakeProblem) -> None:
    problem = make_problem()
    found = proved(problem)
    assert (found.status, found.stopped_by, found.open_boxes, found.unfinished) == ("optimal", "completion", 0, None)
    assert found.gap is not None
    assert found.objective is not None
    assert found.bound is not None
    assert 0.0 <= found.gap <= 1e-2 * (1.0 + 1e-9)
    assert found.bound <= found.objective
    assert found.verdict == "not run"
    assert found.design is not None
    assert found.candidates[0].combination == found.design.combination
    assert_is_feasible(problem, found)


def test_a_smaller_gap_gives_a_higher_bound(make_problem: MakeProblem) -> None:
    wide, narrow = (proved(make_problem(), gap=gap) for gap in (5e-2, 4e-3))
    assert wide.status == narrow.status == "optimal"
    assert wide.bound is not None
    assert narrow.bound is not None
    assert narrow.objective is not None
    assert wide.bound <= narrow.bound <= narrow.objective
    assert wide.boxes is not None and narrow.boxes is not None
    assert wide.boxes <= narrow.boxes


def test_an_audit_passes_and_says_what_it_tried(make_problem: MakeProblem) -> None:
    found = proved(make_problem(), audit=True)
    assert found.verdict == "passed"
    assert [check.held for check in found.checks] == [True] * len(found.checks)
    assert [check.name for check in found.checks][-2:] == ["independent search", "rules and edges"]
    assert found.checks[-1].tried > 1000


def test_workers_change_nothing(make_problem: MakeProblem) -> None:
    problem = make_problem(TWO)
    alone, two, three = (proved(problem, gap=2e-2, workers=count) for count in (1, 2, 3))
    for found in (two, three):
        assert found.status == alone.status == "optimal"
        assert found.objective == alone.objective
        assert found.bound == alone.bound
        assert found.boxes == alone.boxes
        assert found.evaluated == alone.evaluated
        assert found.design == alone.design


def test_the_same_seed_gives_the_same_proof(make_problem: MakeProblem) -> None:
    one, other = (proved(make_problem(), seed=7) for _ in range(2))
    assert (one.objective, one.bound, one.boxes, one.seed) == (other.objective, other.bound, other.boxes, 7)


def test_a_time_limit_leaves_a_gap_and_boxes_from_which_a_proof_goes_on(make_problem: MakeProblem) -> None:
    problem = make_problem(TWO)
    full = proved(problem, gap=4e-3)
    kept: list[DesignResult] = []
    rounds = iter([False] * 3 + [True] * 10_000)

    class Short(_Run):
        @property
        def ended_by(self) -> str:
            return "time limit" if next(rounds) else ""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dawndusk.optimize.certify.search._Run", Short)
        part = proved(problem, gap=4e-3, checkpoint=kept.append)
    assert (part.status, part.stopped_by) == ("feasible", "time limit")
    assert part.gap is not None
    assert part.gap > 4e-3
    assert part.unfinished is not None
    assert part.open_boxes == len(part.unfinished.boxes) > 0
    assert_is_feasible(problem, part)
    rest = proved(problem, gap=4e-3, resume=part)
    assert rest.status == full.status == "optimal"
    assert rest.boxes is not None and part.boxes is not None
    assert rest.boxes > part.boxes
    assert rest.evaluated > part.evaluated > 0
    assert rest.objective == pytest.approx(full.objective, rel=4e-3)
    assert rest.bound is not None
    assert rest.objective is not None
    assert full.objective is not None
    assert rest.bound <= min(rest.objective, full.objective)


def test_resuming_another_problem_is_refused(make_problem: MakeProblem) -> None:
    part = certify(make_problem(TWO), gap=1e-6, time_limit_s=0.3, workers=0, audit=False)
    assert part.unfinished is not None
    with pytest.raises(DesignError, match="another problem"):
        proved(make_problem(), resume=part)


def test_hardly_any_time_gives_an_honest_answer(make_problem: MakeProblem) -> None:
    found = proved(make_problem(TWO), gap=1e-6, time_limit_s=1e-9)
    assert found.stopped_by == "time limit"
    assert found.status in {"feasible", "unknown"}
    assert found.bound is None or found.objective is None or found.bound <= found.objective


@pytest.mark.parametrize("gap", [0, -1, 1, 2.0, math.nan, math.inf])
def test_a_gap_that_makes_no_sense_is_an_error(make_problem: MakeProblem, gap: float) -> None:
    with pytest.raises(DesignError, match=r"gap: found .* allowed: above 0 and below 1"):
        certify(make_problem(), gap=gap)


@pytest.mark.parametrize("limit", [0, -3.0, math.nan])
def test_a_time_limit_that_makes_no_sense_is_an_error(make_problem: MakeProblem, limit: float) -> None:
    with pytest.raises(DesignError, match=r"time_limit_s: found .* allowed: above 0"):
        certify(make_problem(), time_limit_s=limit)


def test_a_study_out_of_reach_is_proved_to_be(make_problem: MakeProblem) -> None:
    found = proved(make_problem(subject_to=["capex_usd <= 1e8"]), audit=True)
    assert (found.status, found.stopped_by) == ("infeasible", "completion")
    assert (found.objective, found.bound, found.gap, found.design) == (None, None, None, None)
    assert found.verdict == "passed"


def test_a_bound_just_within_reach_is_met(make_problem: MakeProblem) -> None:
    """Capital bounded a little above and below the least there can be."""
    least = proved(make_problem(minimise="capex_usd"), gap=4e-3)
    assert least.objective is not None
    assert least.bound is not None
    within = make_problem(subject_to=[f"capex_usd <= {least.objective * 1.02!r}"])
    found = proved(within)
    assert found.status == "optimal"
    assert_is_feasible(within, found)
    beyond = proved(make_problem(subject_to=[f"capex_usd <= {least.bound * 0.995!r}"]))
    assert beyond.status == "infeasible"


def test_too_much_leakage_for_a_certificate_names_what_is_allowed(make_problem: MakeProblem) -> None:
    def leaking(per_k: float) -> Problem:
        return make_problem(assumptions={"accelerators": {"tpu_v7": {"leakage_per_k": per_k}}})

    with pytest.raises(NotBoundedError, match=r"accelerators.tpu_v7.leakage_per_k: found 0.01; allowed .*: below") as e:
        proved(leaking(0.01))
    allowed = float(str(e.value).split("below ")[1].split(",")[0])
    assert (proved(leaking(0.98 * allowed), time_limit_s=0.5).boxes or 0) > 0


def test_the_most_compute_for_the_money(make_free_problem: MakeProblem) -> None:
    problem = make_free_problem(maximise="delivered_pflops", subject_to=["capex_usd <= 2e9"])
    found = proved(problem)
    assert found.status == "optimal"
    assert found.bound is not None
    assert found.objective is not None
    assert 0.0 < found.objective <= found.bound <= found.objective * 1.011
    assert_is_feasible(problem, found)


@pytest.mark.parametrize("price", [0.5, 40.0], ids=["a loss", "a profit"])
def test_a_value_of_either_sign_is_bounded(price: float, make_free_problem: MakeProblem) -> None:
    problem = make_free_problem(maximise="value_usd", demand={"price_usd_per_pflop_hour": price})
    found = proved(problem, gap=2e-2, time_limit_s=4.0)
    assert found.bound is not None
    assert found.objective is not None
    assert found.gap is not None
    assert (found.objective < 0.0) == (price < 1.0)
    assert found.objective <= found.bound <= found.objective + found.gap * abs(found.objective) * (1.0 + 1e-9)
    assert (found.status == "optimal") == (found.gap <= 2e-2 * (1.0 + 1e-9))
    assert_is_feasible(problem, found)


def test_an_interrupt_returns_what_is_known(make_problem: MakeProblem, monkeypatch: pytest.MonkeyPatch) -> None:
    original, calls = _Run._examine, iter(range(100))

    def interrupted(self: _Run, *arguments: Any, **settings: Any) -> Branched:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return original(self, *arguments, **settings)

    monkeypatch.setattr(_Run, "_examine", interrupted)
    found = certify(make_problem(TWO), gap=1e-6, time_limit_s=20.0, workers=0)
    assert found.stopped_by == "interrupt"
    assert found.status == "feasible"
    assert found.checks == ()
    assert found.bound is not None
    assert found.objective is not None
    assert found.bound <= found.objective


def test_a_proof_goes_on_after_an_interrupt_without_losing_boxes(
    make_problem: MakeProblem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The boxes that were being looked at when the interrupt came are open still."""
    problem = make_problem(TWO)
    original, calls = _Run._examine, iter(range(100))

    def interrupted(self: _Run, *arguments: Any, **settings: Any) -> Branched:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return original(self, *arguments, **settings)

    with monkeypatch.context() as patch:
        patch.setattr(_Run, "_examine", interrupted)
        part = certify(problem, gap=3e-2, time_limit_s=20.0, workers=0)
    assert part.unfinished is not None
    # Resumed without its design, the proof has to find everything in the boxes that are left.
    rest = proved(problem, gap=3e-2, resume=dataclasses.replace(part, design=None, objective=None, candidates=()))
    assert rest.status == "optimal"
    assert rest.objective == pytest.approx(proved(problem, gap=3e-2).objective, rel=3.1e-2)


def test_an_interrupt_before_the_first_design_leaves_nothing_to_go_on_with(
    make_problem: MakeProblem, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = make_problem(TWO)

    def interrupted(self: _Run) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(_Run, "_first_designs", interrupted)
        part = certify(problem, gap=3e-2, workers=2)
    assert (part.status, part.stopped_by, part.bound, part.design) == ("unknown", "interrupt", None, None)
    assert part.unfinished is None


def test_a_worker_that_dies_changes_nothing(make_problem: MakeProblem, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = make_problem(TWO)
    whole = proved(problem, gap=2e-2)
    original = shares.collected
    victims: list[int] = []

    def collected(executor: Crew[Bounding], tasks: Sequence[Task]) -> Branched:
        if not victims and executor.pids:
            victims.append(executor.pids[-1])
            os.kill(victims[0], signal.SIGKILL)
        return original(executor, tasks)

    monkeypatch.setattr("dawndusk.optimize.certify.search.collected", collected)
    found = proved(problem, gap=2e-2, workers=2)
    assert victims
    assert (found.objective, found.bound, found.boxes) == (whole.objective, whole.bound, whole.boxes)


def test_an_error_in_a_worker_reaches_its_owner(make_problem: MakeProblem) -> None:
    with open_executor(2, context=Bounding(make_problem())) as executor:
        executor.submit(examine_share, ("no boxes", 0.0, 1))  # type: ignore[arg-type]
        (done,) = executor.finished()
        with pytest.raises(AttributeError, match="has no attribute") as caught:
            done.value()
    assert "in examine_share" in caught.value.__notes__[0]


@pytest.mark.parametrize("workers", [-1, 1.5])
def test_a_number_of_workers_that_makes_no_sense_is_an_error(make_problem: MakeProblem, workers: Any) -> None:
    with pytest.raises(ExecutionError, match=r"workers: found .*, allowed: a whole number from 1"):
        certify(make_problem(), workers=workers)


def test_progress_tells_a_bound_that_never_falls(make_problem: MakeProblem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dawndusk.optimize.certify.search.REPORT_EVERY_S", 0.0)
    reports: list[Progress] = []
    found = proved(make_problem(TWO), gap=1e-2, report=reports.append)
    bounds = [r.bound for r in reports if np.isfinite(r.bound)]
    assert bounds
    assert all(later >= earlier * (1.0 - 1e-12) for earlier, later in itertools.pairwise(bounds))
    assert found.bound is not None
    assert bounds[-1] <= found.bound * (1.0 + 1e-12)


@pytest.mark.slow
def test_a_better_design_in_the_last_boxes_takes_the_bound_along() -> None:
    problem = problem_of(read_study("suncatcher"))
    quickest = dataclasses.replace(problem, objective="deployment_years", sense="minimise")
    found = certify(quickest, gap=0.01, seed=1, workers=1, time_limit_s=60.0)
    assert found.status == "optimal"
    assert found.objective is not None and found.bound is not None
    assert found.bound <= found.objective
