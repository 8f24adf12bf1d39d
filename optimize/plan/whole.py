"""Which numbers of a plan's model are whole: those whose rounding could matter, as the best plan has them.

Whatever is left continuous only makes the bound weaker, so the choice is free: few launches are worth the branching
that they cost, many are not. A search that is still apart from its bound asks for more of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dawndusk.optimize.plan.problem import PlanProblem
from dawndusk.optimize.plan.score import Scored

FEW, MORE = 20.0, 8.0
"""Launches in a year below which whole numbers are worth their branching, and how many times more are in each later
round; so many times more satellites than launches."""
FEW_SATELLITES = 100
"""Satellites in a plan up to which all numbers are whole from the first round."""


def whole_numbers(problem: PlanProblem, best: Scored, rounds: int) -> dict[str, NDArray[np.bool_]]:
    """Return which launches (V, P) and which satellites (D, V, P) are whole in a round, the first one being 1."""
    flown, built = best.decisions.launches.sum(axis=1), best.decisions.built
    if built.sum() <= FEW_SATELLITES:
        return {"whole": np.ones(flown.shape, dtype=bool), "satellites": np.ones(built.shape, dtype=bool)}
    few = FEW * MORE ** (rounds - 1) / problem.economy.calendar.steps_per_year
    whole = (flown > 0.0) & (flown < few)
    return {"whole": whole, "satellites": (built > 0.0) & (built < few * MORE) & (rounds > 1)}
