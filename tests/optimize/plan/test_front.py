"""Fronts between cost and capital."""

from __future__ import annotations

import pytest

from dawndusk.optimize.plan.front import capital_front
from dawndusk.optimize.plan.problem import Effort

from .conftest import MakePlan


@pytest.mark.slow
def test_less_capital_costs_more(make_plan: MakePlan) -> None:
    points = capital_front(make_plan(designs=3, years=3), 2, Effort(gap=0.01, time_limit_s=30.0))
    capital = [point.capital_usd for point in points]
    objective = [point.planned.objective for point in points]
    assert len(points) >= 1
    for one, other in zip(range(len(points)), range(1, len(points)), strict=False):
        earlier, later = capital[one], capital[other]
        assert earlier is not None
        assert later is not None
        assert later <= earlier * (1.0 + 1e-9)
    assert objective[0] == min(value for value in objective if value is not None)
    for point in points:
        if point.capital_limit_usd is not None and point.capital_usd is not None:
            assert point.capital_usd <= point.capital_limit_usd * 1.002
