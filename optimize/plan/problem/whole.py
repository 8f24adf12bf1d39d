"""Which numbers of a plan's model are whole: those whose rounding could matter, as the best plan has them.

Whatever is left continuous only makes the bound weaker, so the choice is free: few launches are worth the branching
that they cost, many are not. A search that is still apart from its bound asks for more of them, and for those that it
had fractions of.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.fleet.fleet import Decisions
from dawndusk.optimize.plan.problem.problem import PlanProblem
from dawndusk.optimize.plan.problem.score import ScoredPlan

FEW, MORE = 20.0, 8.0
"""Launches in a year below which whole numbers are worth their branching, and how many times more are in each later
round; so many times more satellites than launches."""
FEW_SATELLITES = 100
"""Satellites in a plan up to which all numbers are whole from the first round."""
FRACTION = 1e-3


Bools = NDArray[np.bool_]


@dataclass
class WholeDecisions:
    """Numbers that are whole because a search had fractions of them: launches (V, P), and satellites (D, V, P)."""

    launches: Bools | None = None
    satellites: Bools | None = None

    def learn(self, bought: Decisions) -> None:
        """Add what a search would have bought in fractions."""
        for name, numbers in (("launches", bought.launches.sum(axis=1)), ("satellites", bought.built)):
            fractions = np.abs(numbers - np.rint(numbers)) > FRACTION
            known = getattr(self, name)
            setattr(self, name, fractions if known is None else known | fractions)

    def numbers(self, problem: PlanProblem, best: ScoredPlan, rounds: int) -> dict[str, Bools]:
        """Return which launches (V, P) and which satellites (D, V, P) are whole in a round, the first one being 1."""
        flown, built = best.decisions.launches.sum(axis=1), best.decisions.built
        if built.sum() <= FEW_SATELLITES:
            return {"whole": np.ones(flown.shape, dtype=bool), "satellites": np.ones(built.shape, dtype=bool)}
        few = FEW * MORE ** (rounds - 1) / problem.economy.calendar.steps_per_year
        whole, satellites = (flown > 0.0) & (flown < few), (built > 0.0) & (built < few * MORE) & (rounds > 1)
        if self.launches is not None and self.satellites is not None:
            whole |= self.launches & (flown < few)
            satellites |= self.satellites & (built < few * MORE)
        return {"whole": whole, "satellites": satellites}
