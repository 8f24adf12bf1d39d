from __future__ import annotations

import json

import pytest

import dawndusk as dd
from dawndusk.models.outcome import OUTCOMES
from dawndusk.models.rules import RULES
from dawndusk.studies.run.design.results import HEADLINE, RunResult


@pytest.fixture(scope="module")
def result() -> RunResult:
    found = dd.load("spacex-ai1", ["search.time_limit_s=0.5", "search.engine=evolution"]).run()
    assert isinstance(found, RunResult)
    return found


def test_a_result_says_status_objective_bound_gap_seconds_and_seed(result: RunResult) -> None:
    plain = result.to_dict()
    for name in (
        "status",
        "objective",
        "bound",
        "gap",
        "seconds",
        "seed",
        "stopped_by",
        "evaluated_designs",
        "boxes",
        "audit",
    ):
        assert plain[name] == getattr(result, name), name
    assert plain["outcome"]["lcoc_usd_per_pflop_hour"] == plain["objective"]
    assert set(plain["margins"]) == {*RULES, "launch_filled_by_mass", "launch_filled_by_volume"}
    assert list(plain["outcome"]) == list(OUTCOMES)
    assert plain["design"] == result.design.to_dict()
    assert json.loads(json.dumps(plain)) == plain


def test_status_and_margins_agree(result: RunResult) -> None:
    plain = result.to_dict()
    assert (plain["status"] == "feasible") == (plain["broken"] == [])
    assert plain["broken"] == [name for name, margin in plain["margins"].items() if margin < 0.0]


def test_an_infeasible_evaluation_says_so() -> None:
    evaluated = dd.evaluate("orbit-200mw", optical_terminals=0)
    assert not evaluated.feasible
    assert evaluated.to_dict()["status"] == "infeasible"
    assert evaluated.broken[0].name == "connectivity"
    assert evaluated.broken[0].margin == pytest.approx(-1.0)


def test_the_notebook_view_has_the_design_and_the_headline(result: RunResult) -> None:
    html = result._repr_html_()
    assert all(f"<th>{name}</th>" in html for name in (*HEADLINE, *result.design.to_dict()))
    assert html.count("<tr>") == html.count("</tr>")
