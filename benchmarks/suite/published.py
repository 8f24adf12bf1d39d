"""Published problems: seven that pymoo ships, and the disc brake."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from benchmarks.suite.case import Case, Floats, Formula, case
from numpy.typing import NDArray
from pymoo.problems import get_problem

from dawndusk.optimize.space.dimensions import Dimension, RealNumber, WholeNumber

TRUSS_STRESS_LIMIT = 1e5
"""pymoo states the truss's rule in units of stress; a violation here is relative."""


def _of_pymoo(name: str) -> tuple[dict[str, Dimension], Formula]:
    problem = get_problem(name)
    dimensions: dict[str, Dimension] = {
        f"x{n}": RealNumber(float(lo), float(hi)) for n, (lo, hi) in enumerate(zip(problem.xl, problem.xu, strict=True))
    }
    scale = TRUSS_STRESS_LIMIT if name == "truss2d" else 1.0

    def formula(columns: Mapping[str, NDArray[np.object_]]) -> tuple[Floats, Floats]:
        rows = np.column_stack([column.astype(np.float64) for column in columns.values()])
        goals, rules = problem.evaluate(rows, return_values_of=["F", "G"])
        return goals, rules / scale

    return dimensions, formula


def _disc_brake(columns: Mapping[str, NDArray[np.object_]]) -> tuple[Floats, Floats]:
    """Return mass and stopping time of a disc brake: Ray and Liew (2002), "A swarm metaphor for multiobjective design".

    The rules are those of CRE23 in Tanabe and Ishibuchi (2020), each relative to its limit.
    """
    inner, outer, force, surfaces = (columns[name].astype(np.float64) for name in ("inner", "outer", "force", "discs"))
    squares, cubes = outer**2 - inner**2, outer**3 - inner**3
    mass = 4.9e-5 * squares * (surfaces - 1.0)
    time = 9.82e6 * squares / (force * surfaces * cubes)
    rules = (
        (20.0 - (outer - inner)) / 20.0,
        (force / (3.14 * squares) - 0.4) / 0.4,
        2.22e-3 * force * cubes / squares**2 - 1.0,
        (900.0 - 2.66e-2 * force * surfaces * cubes / squares) / 900.0,
    )
    return np.column_stack([mass, time]), np.column_stack(rules)


def published(scales: Mapping[str, Mapping[str, Any]]) -> list[Case]:
    """Return the cases, each with its scale by name."""
    cases = []
    for name, goals, rules in (
        ("bnh", 2, 2), ("osy", 2, 6), ("tnk", 2, 2), ("truss2d", 2, 1), ("welded_beam", 2, 4), ("mw7", 2, 2),
        ("carside", 3, 10),
    ):  # fmt: skip
        dimensions, formula = _of_pymoo(name)
        names = [f"f{n + 1}" for n in range(goals)]
        cases.append(case(name, dimensions, names, rules, formula, **scales[name]))
    brake: dict[str, Dimension] = {
        "inner": RealNumber(55, 80),
        "outer": RealNumber(75, 110),
        "force": RealNumber(1000, 3000),
        "discs": WholeNumber(2, 20),
    }
    cases.append(case("disc_brake", brake, ["mass_kg", "time_s"], 4, _disc_brake, **scales["disc_brake"]))
    return cases
