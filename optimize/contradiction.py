"""When a design contradicts a certificate: what is compared, by how much, and the message that names both points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dawndusk.models.design import Design
from dawndusk.optimize.errors import CertificateError
from dawndusk.optimize.problem import Goal, Problem, Sense, sign_of
from dawndusk.optimize.result import DesignResult

TOLERANCE = 1e-9
"""Relative: what rounding may do to an objective or a bound."""
PLAN_TOLERANCE = 1e-4
"""The same of plans, whose bound is the solver's own: it meets rows up to its tolerances."""


def is_better(objective: float, bound: float, sense: Sense) -> bool:
    """Return whether an objective beats a bound, or another objective, by more than rounding may do."""
    return sign_of(sense) * (bound - objective) > TOLERANCE * abs(bound)


@dataclass(frozen=True)
class Claim:
    """What a search claims of a problem: a bound, or that nothing is feasible, and its best design as plain values.

    Attributes
    ----------
    proves : bool
        Whether the search proved what it says; a design may be claimed without a proof.
    """

    sense: Sense
    status: str
    proves: bool
    objective: float | None
    bound: float | None
    design: Mapping[str, Any] | None

    def is_refuted_by(self, objective: float) -> bool:
        """Return whether a feasible design with such an objective shows the claim to be wrong."""
        if not self.proves:
            return False
        if self.status == "infeasible":
            return True
        return self.bound is not None and is_better(objective, self.bound, self.sense)

    @property
    def words(self) -> str:
        """Return what is proved, and the best design known."""
        claim = "that no design is feasible" if self.bound is None else f"that no design is better than {self.bound!r}"
        known = "" if self.design is None else f", its best design {self.objective!r}: {dict(self.design)}"
        return f"{claim}{known}"


def claim_of(result: DesignResult, sense: Sense) -> Claim:
    """Return what a search claims: a bound, or that it went through all boxes or models and nothing is feasible."""
    return Claim(
        sense=sense,
        status=result.status,
        proves=result.boxes is not None or result.second is not None,
        objective=result.objective,
        bound=result.bound,
        design=None if result.design is None else result.design.to_dict(),
    )


def refute(claim: Claim, objective: float, design: Design, where: str) -> None:
    """Raise ``CertificateError`` if a feasible design shows a claim to be wrong; ``where`` it was found."""
    if claim.is_refuted_by(objective):
        raise CertificateError(
            f"the certificate is wrong: proved {claim.words}; but {where} has a feasible design with {objective!r}: "
            f"{design.to_dict()}"
        )


def check_candidates(problem: Problem, result: DesignResult) -> None:
    """Raise ``CertificateError`` if any feasible design that an engine met shows its own claim to be wrong."""
    claim = claim_of(result, problem.sense)
    for candidate in result.candidates:
        if candidate.violation <= 0.0:
            refute(claim, problem.sign * candidate.objective, candidate.design, "the search")


def check_value(goal: Goal, bound: float | None, value: float, design: Design, where: str) -> None:
    """Raise ``CertificateError`` if a feasible design has a value of a goal that a proved bound rules out.

    Parameters
    ----------
    bound : float or None
        Proved bound of the goal, in its sense; None where there is none.
    value : float
        What the design has.
    where : str
        What the bound holds for, for the message.
    """
    if bound is not None and is_better(value, bound, goal.sense):
        raise CertificateError(
            f"the certificate is wrong: proved that no design {where} has a better {goal.outcome} than {bound!r}; but "
            f"there is a feasible design with {value!r}: {design.to_dict()}"
        )


def check_plan(value: float, bound: float, *, sign: float = 1.0, of: str = "all plans") -> None:
    """Raise ``CertificateError`` if a plan is better than the bound on some plans, both to be made small.

    Parameters
    ----------
    sign : float
        -1 where the objective is made large: the message has the figures in its sense.
    of : str
        Which plans the bound is one on.
    """
    if bound - value > PLAN_TOLERANCE * abs(bound):
        raise CertificateError(
            f"plan: found a plan of {sign * value:.9g}, better than the bound {sign * bound:.9g} on {of} that was "
            "thought to be proved"
        )
