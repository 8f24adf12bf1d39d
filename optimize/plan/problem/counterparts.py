"""What of a plan enforces each rule of a programme or a fleet.

Rules of a satellite and of a launch hold in a plan as they are: a design that breaks one is not flown
(``models.fleet.satellites``). A plan has no single programme and no single fleet, so a rule of these is enforced by
rows of its own, which are named here. A rule without a counterpart is an error, never left out.
"""

from __future__ import annotations

from dataclasses import dataclass

from dawndusk.models.errors import DawnduskError, one_of
from dawndusk.models.rules import RULES, Scope, rules_of

AS_THEY_ARE: tuple[Scope, ...] = ("satellite", "launch")
"""Scopes whose rules hold in a plan for every design that it flies."""
BY_COUNTERPART: tuple[Scope, ...] = ("programme", "fleet")
"""Scopes whose rules a plan states anew."""
FLIGHTS = "flights"
"""In the place of a family: what can not be flown in a period has no variables (``Frame.flights``)."""


@dataclass(frozen=True)
class Counterpart:
    """How a plan enforces a rule: the families of its rows that do, and in which sense.

    A family that limits what a study states (a demand, a licence) has rows where the plan states that.
    """

    families: tuple[str, ...]
    sense: str


_FIRST_YEAR = Counterpart((FLIGHTS,), "launched only from the first year on in which it can be had")
_ASKED = ("compute_demand", "power_demand")
_MILESTONE = Counterpart(("licence_milestone",), "each licence of the plan has its milestones by calendar date")

COUNTERPARTS: dict[str, Counterpart] = {
    "cadence": Counterpart(
        ("cadence", "cadence_in_period"), "a vehicle flies no more often in a year than it can be bought in it"
    ),
    "deployment_time": Counterpart(_ASKED, "the path of the demand says what has to serve by when"),
    "milestone_half": _MILESTONE,
    "milestone_full": _MILESTONE,
    "vehicle_available": Counterpart((FLIGHTS,), "flies only in the windows of its offer, or from its first year on"),
    "accelerator_available": _FIRST_YEAR,
    "array_available": _FIRST_YEAR,
    "radiator_available": _FIRST_YEAR,
    "demand": Counterpart(_ASKED, "what is asked for is delivered in every period"),
}
"""By the name of the rule."""


class UnenforcedRuleError(DawnduskError):
    """A rule that a plan would leave out."""


def check_counterparts() -> None:
    """Raise ``UnenforcedRuleError`` for a rule of a programme or a fleet that no part of a plan enforces."""
    missing = [name for name in rules_of(*BY_COUNTERPART) if name not in COUNTERPARTS]
    if missing:
        found = one_of(f"{name!r} of scope {RULES[name].scope}" for name in missing)
        raise UnenforcedRuleError(
            f"plan: found rules that no row of a plan enforces ({found}); allowed: rules with a counterpart in "
            f"optimize.plan.counterparts, and rules of scope {one_of(AS_THEY_ARE)}, which hold in plans as they are"
        )
