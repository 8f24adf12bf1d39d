from __future__ import annotations

import dataclasses
from typing import Any

import pytest

import dawndusk as dd
from dawndusk.optimize.result import SecondBound
from dawndusk.studies.output.terminal import design as show
from dawndusk.studies.run.design.wording import claim, figure, percent


@pytest.mark.parametrize(
    ("gap", "text"),
    [
        (1e-3, "0.10 %"),
        (0.0009999999999999436, "0.10 %"),
        (0.00087654, "0.088 %"),
        (1.0000000000337e-5, "0.0010 %"),
        (0.0123, "1.3 %"),
        (0.2416, "25 %"),
        (1.0, "100 %"),
        (12.34, "1,300 %"),
        (0.0, "0 %"),
        (1e-15, "0 %"),
    ],
)
def test_a_gap_is_rounded_up(gap: float, text: str) -> None:
    assert percent(gap) == text


def changed(result: dd.RunResult, overrides: list[str] | None = None, **found: Any) -> dd.RunResult:
    study = dd.load(result.study.resolved, overrides or [])
    return dataclasses.replace(result, study=study, result=dataclasses.replace(result.result, **found))


def test_a_lower_bound_is_rounded_down_and_an_upper_one_up(certified: dd.RunResult) -> None:
    low = changed(certified, objective=13.8961, bound=13.88299, gap=9.4e-4)
    assert (figure(low), claim(low)) == ("13.8961 USD/PFLOP-hour", "no design costs less than 13.8829")
    high = changed(certified, ["maximise=availability"], objective=0.98, bound=0.980511, gap=1e-3)
    assert (figure(high), claim(high)) == ("0.98000", "no design has more than 0.98052")


def test_large_sums_keep_their_digits(certified: dd.RunResult) -> None:
    result = changed(certified, ["minimise=capex_usd"], objective=2.98765e10, bound=2.986e10, gap=5.5e-4)
    assert figure(result) == "29.8765 BUSD"
    assert claim(result) == "no design costs less than 29.8600 BUSD"


def headline(result: dd.RunResult) -> str:
    return " ".join(show.headline(result).plain.split())


def test_the_headline_of_an_optimum(certified: dd.RunResult) -> None:
    text = headline(certified)
    assert "proved within 0.10 %: no design costs less than 14.2" in text
    assert "boxes of designs bounded" in text
    assert "Audit passed (closed boxes replayed: " in text


def test_the_headline_of_what_is_not_closed(unfinished: dd.RunResult) -> None:
    text = headline(unfinished)
    assert unfinished.status == "feasible"
    assert "proved within " in text
    assert "The gap asked for, 0.10 %, is not closed: a better design may exist, within the bound." in text
    assert "ended by its time limit" in text
    assert "Audit not run." in text


def test_the_headline_of_an_interrupt_and_of_a_heuristic(certified: dd.RunResult) -> None:
    assert "interrupted." in headline(changed(certified, status="feasible", stopped_by="interrupt"))
    evolved = changed(certified, ["search.engine=evolution"], status="feasible", bound=None, gap=None, boxes=None)
    assert headline(evolved).endswith("Heuristic search: no bound is proved.")
    assert claim(evolved) == "no bound is proved"


def test_the_headline_where_nothing_is_known(certified: dd.RunResult) -> None:
    none = {"objective": None, "gap": None, "design": None}
    unknown = changed(certified, status="unknown", bound=14.0, **none)
    assert "UNKNOWN: neither a design that meets every rule nor a proof that there is none." in headline(unknown)
    assert "Proved: no design costs less than 14.000 USD/PFLOP-hour." in headline(unknown)
    assert claim(changed(certified, status="unknown", bound=None, **none)) == "nothing is proved yet"
    infeasible = changed(certified, status="infeasible", bound=None, **none)
    assert "INFEASIBLE: proved, no design meets every rule and bound." in headline(infeasible)
    assert claim(infeasible) == "no design meets every rule and bound"


def test_a_gap_asked_for_that_no_number_can_show_is_told_as_it_is(unfinished: dd.RunResult) -> None:
    assert "The gap asked for, 1e-10 %, is not closed" in headline(changed(unfinished, ["search.gap=1e-12"]))


def test_where_the_mixed_integer_model_stalls_is_said_with_the_words_of_its_solver(unfinished: dd.RunResult) -> None:
    second = SecondBound(
        status="failed",
        bound=13.0,
        objective=14.0,
        design=None,
        gap=0.07,
        seconds=1.0,
        rounds=3,
        pieces=1,
        columns=9,
        rows=9,
        open_combinations=1,
        stalled_at="wet_mass_kg (exp), 0.01 of the score, at b200",
        solver_words="Unbounded",
    )
    stalled = changed(unfinished, ["search.engine=milp"], second=second, boxes=None)
    text = "The bound stalls at wet_mass_kg (exp), 0.01 of the score, at b200. HiGHS said last: Unbounded."
    assert text in headline(stalled)
    solved = dataclasses.replace(second, solver_words="Optimal")
    assert "HiGHS said" not in headline(changed(unfinished, ["search.engine=milp"], second=solved))
    assert "stalls" not in headline(changed(unfinished, second=second)), "beside a proof it is the second opinion only"
