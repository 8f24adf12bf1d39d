"""A wrong certificate is caught, and the error names both points."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pytest

from dawndusk.optimize.boxes import Boxes
from dawndusk.optimize.certify.branch.boxes import Bounder, BoxBounds
from dawndusk.optimize.certify.search import _Run, certify
from dawndusk.optimize.errors import CertificateError
from dawndusk.optimize.heuristics.evolution import Effort, search
from dawndusk.optimize.problem import Problem

MakeProblem: TypeAlias = Callable[..., Problem]

LIFT = 0.05


@pytest.fixture
def lifted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bounder that says five percent more than is true."""
    original = Bounder.look

    def look(self: Bounder, boxes: Boxes, cutoff: float) -> BoxBounds:
        verdict = original(self, boxes, cutoff - LIFT)
        verdict.bound = verdict.bound + LIFT
        return verdict

    monkeypatch.setattr(Bounder, "look", look)


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search whose own designs are all bad: it begins with a poor one, and tries none in its boxes."""
    original = _Run._first_designs

    def poor(self: _Run) -> None:
        whole, self.problem = self.problem, self.problem
        found = search(whole, seed=1, time_limit_s=5.0, effort=Effort(0, 1, 0, False), most_designs=512)
        self._keep(found.nearest)

    assert original is not poor
    monkeypatch.setattr(_Run, "_first_designs", poor)
    monkeypatch.setattr(_Run, "_polish", lambda self: None)
    monkeypatch.setattr(_Run, "take", lambda self, batch: None)


@pytest.mark.usefixtures("lifted", "blind")
def test_a_bound_that_is_too_high_is_caught_and_both_points_are_named(make_problem: MakeProblem) -> None:
    problem = make_problem()
    best = search(problem)
    with pytest.raises(CertificateError) as caught:
        certify(problem, gap=1e-3, time_limit_s=20.0, workers=0)
    words = str(caught.value)
    assert "the certificate is wrong: proved " in words
    assert "a feasible design with " in words
    for name, value in best.nearest.to_dict().items():
        assert f"'{name}': " in words, name
        if isinstance(value, str):
            assert f"'{value}'" in words
    stated = [
        float(part.split(" ")[0].rstrip(":")) for part in (words.split("proved ")[1], words.split("design with ")[1])
    ]
    assert stated[0] > stated[1] >= (best.objective or 0.0) * (1.0 - 1e-3)


@pytest.mark.usefixtures("blind")
def test_a_true_bound_with_a_poor_design_is_no_error(make_problem: MakeProblem) -> None:
    """The design is bad and the gap wide, but nothing that was proved is wrong."""
    found = certify(make_problem(), gap=0.3, time_limit_s=20.0, workers=0)
    assert found.verdict == "passed"


def test_a_study_wrongly_called_infeasible_is_caught(
    make_problem: MakeProblem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Run, "_first_designs", lambda self: None)
    monkeypatch.setattr(_Run, "take", lambda self, batch: None)
    original = Bounder.look

    def nothing(self: Bounder, boxes: Boxes, cutoff: float) -> BoxBounds:
        verdict = original(self, boxes, cutoff)
        verdict.bound = np.full(len(boxes), np.inf)
        return verdict

    monkeypatch.setattr(Bounder, "look", nothing)
    with pytest.raises(CertificateError, match="proved 'infeasible'"):
        certify(make_problem(), time_limit_s=20.0, workers=0)


def test_closed_boxes_are_replayed(make_problem: MakeProblem) -> None:
    found = certify(make_problem(), gap=1e-3, time_limit_s=30.0, workers=0)
    names = {check.name: check for check in found.checks}
    assert names["independent search"].tried > 1000
    assert all(check.held and f"{check.tried:,}" in check.words for check in found.checks)
