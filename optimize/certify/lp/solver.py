"""HiGHS as the linear models use it: the simplex method, without presolve and without output."""

from __future__ import annotations

from typing import Any

import highspy

THREADS = 2
"""One number for every solve of a process: HiGHS refuses another one once it has started."""
FEASIBILITY = 1e-9
OPTIMAL = highspy.HighsModelStatus.kOptimal


def solver() -> Any:
    """Return a solver without a model."""
    found: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    for name, value in (
        ("output_flag", False),
        ("presolve", "off"),
        ("solver", "simplex"),
        ("threads", THREADS),
        ("primal_feasibility_tolerance", FEASIBILITY),
        ("dual_feasibility_tolerance", FEASIBILITY),
    ):
        found.setOptionValue(name, value)
    return found
