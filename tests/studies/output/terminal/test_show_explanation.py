from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import dawndusk as dd
from dawndusk.models.design import Design
from dawndusk.optimize.explain.conflict import Conflict, Conflicting
from dawndusk.studies.output.terminal.explanation import UNTRIED, conflict_text

MakeStudy = Callable[..., dd.Study]


@pytest.fixture(scope="module")
def design(small_study: MakeStudy) -> Design:
    return small_study().nominal_design()


def member(design: Design, relaxation: float | None = 2.5, **others: Any) -> Conflicting:
    values: dict[str, Any] = {"restored": None, "value": None, "limit": None, "still_broken": (), **others}
    sentence = "The fleet is complete within the time that the programme accepts."
    return Conflicting("deployment_time", sentence, "at most", "years", design, relaxation, **values)


def words_of(*members: Conflicting, further: tuple[tuple[str, ...], ...] = (), stopped_by: str = "completion") -> str:
    conflict = Conflict(members, further, None, 1, 0.1, 1, stopped_by)
    return " ".join(conflict_text(conflict).plain.split())


def test_room_that_restores_a_design_is_enough(design: Design) -> None:
    text = words_of(member(design))
    assert "would be enough: 2.5 years more room on this limit alone" in text
    assert UNTRIED not in text


def test_room_is_not_said_to_be_enough_where_further_conflicts_are_left(design: Design) -> None:
    text = words_of(member(design), further=(("milestone_full",), ("milestone_half", "demand")))
    assert "would be enough" not in text
    assert "would end this conflict: 2.5 years more room on this limit alone" in text
    assert "one limit of each has to give way too: milestone_full; milestone_half with demand." in text


def test_a_limit_whose_room_alone_is_not_enough_says_what_else_stands(design: Design) -> None:
    text = words_of(member(design, None, still_broken=("demand",)))
    assert "no change of this limit alone was found to be enough while demand stand" in text


def test_a_conflict_that_was_not_tried_to_the_end_says_so(design: Design) -> None:
    assert words_of(member(design), stopped_by="time limit").endswith(UNTRIED)
