"""The rules that a design must meet: one function per rule, named for it.

A rule returns the value and the limit that it compares; its docstring is the sentence shown when the rule binds or
conflicts. ``violations`` grades them: the relative excess over the limit, zero or negative when the rule is met.

Every rule says what it is about, its scope. What has satellites and launches but no whole programme, a plan over the
years above all, enforces every rule of these scopes (``rules_of``) and keeps no list of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dawndusk.models.array import Array, is_stated
from dawndusk.models.assumptions import Assumptions
from dawndusk.models.errors import DawnduskError, nearest, one_of
from dawndusk.models.physics.network import NEIGHBOURS
from dawndusk.models.programme.launch import usable_fairing_m3
from dawndusk.models.recording.rows import Rows
from dawndusk.models.rounding import WHOLE_TOLERANCE

Sense = Literal["at most", "at least"]
Scope = Literal["satellite", "launch", "programme", "fleet"]

SCOPES: dict[Scope, str] = {
    "satellite": "one satellite, whatever the fleet, the launches and the years are",
    "launch": "one satellite on one launch vehicle: that it fits and reaches its orbit",
    "programme": "when and how fast things are launched: cadence, milestones, first years",
    "fleet": "what all satellites are together",
}
"""What the rules of each scope are about."""

LEAST_NETWORK_FRACTION = 0.01
LEAST_EOL_POWER_FRACTION = 0.3
CALENDAR_SCALE_YEARS = 10.0
LEAST_SHARE = 1.0 - WHOLE_TOLERANCE
"""Of the demand: a fleet of the number that is asked for meets it, whichever way its power is rounded."""


@dataclass(frozen=True)
class RuleSubject:
    """What a rule looks at: outcomes, design numbers, catalogue rows and assumptions."""

    outcome: Mapping[str, Array]
    design: Mapping[str, Array]
    rows: Rows
    assumptions: Assumptions


Comparison = tuple[Array, Array]
RuleFunction = Callable[[RuleSubject], Comparison]


@dataclass(frozen=True)
class Rule:
    """A rule by name: what it is about, its sentence, its sense and the units of the two values it compares.

    Attributes
    ----------
    scope : {"satellite", "launch", "programme", "fleet"}
        What the rule is about, see ``SCOPES``: it depends on nothing beyond that.
    """

    name: str
    scope: Scope
    sense: Sense
    units: str
    sentence: str
    compare: RuleFunction
    scale: float | None = None

    def violation(self, subject: RuleSubject) -> Array:
        """Return the excess over the limit, relative to the limit or to ``scale`` where the rule states one.

        Positive when broken, the margin with a minus sign when met.
        """
        value, limit = self.compare(subject)
        excess = value - limit if self.sense == "at most" else limit - value
        return excess * (1.0 / self.scale) if self.scale else excess / limit


RULES: dict[str, Rule] = {}
"""Every rule by name, in the order in which they are reported."""


def rule(
    scope: Scope, sense: Sense, units: str, *, scale: float | None = None
) -> Callable[[RuleFunction], RuleFunction]:
    """Register a function as a rule under its own name, with its docstring as the sentence.

    Parameters
    ----------
    scope : {"satellite", "launch", "programme", "fleet"}
        What the rule is about.
    sense : {"at most", "at least"}
        How the value that the function returns has to lie to its limit.
    units : str
        Of both.
    scale : float, optional
        What an excess is relative to, in the same units; the limit where none is stated.

    Raises
    ------
    DawnduskError
        For a scope that does not exist, or a second rule of the same name.
    """
    if scope not in SCOPES:
        raise DawnduskError(f"rule: found scope {scope!r}; allowed: {one_of(SCOPES)}{nearest(scope, SCOPES)}")

    def register(function: RuleFunction) -> RuleFunction:
        name, sentence = function.__name__, (function.__doc__ or "").strip()
        if name in RULES:
            raise DawnduskError(f"rule {name!r}: found a second rule of this name; allowed: each name once")
        RULES[name] = Rule(name, scope, sense, units, sentence, function, scale)
        return function

    return register


def rules_of(*scopes: Scope) -> tuple[str, ...]:
    """Return the names of all rules of some scopes, in the order in which they are reported."""
    return tuple(name for name, known in RULES.items() if known.scope in scopes)


@rule("satellite", "at most", "K")
def heat(s: RuleSubject) -> Comparison:
    """The radiator rejects all heat below the temperature that its coolant and coating stand."""
    return s.outcome["radiator_temperature_k"], s.rows.radiator.max_temperature_k


@rule("satellite", "at most", "K")
def junction_temperature(s: RuleSubject) -> Comparison:
    """The hottest junction or memory stack stays below its limit in the hot case."""
    return s.outcome["junction_temperature_k"], s.rows.accelerator.junction_limit_k


@rule("satellite", "at least", "fraction")
def power(s: RuleSubject) -> Comparison:
    """At the end of life the array still carries a stated share of the full load."""
    loss = s.outcome["array_degradation_per_year"] * s.design["life_years"]
    return s.design["array_oversize"] * np.exp(-loss), LEAST_EOL_POWER_FRACTION


@rule("satellite", "at most", "krad(Si)")
def dose(s: RuleSubject) -> Comparison:
    """The dose over the life, with the design margin, stays below what the accelerator tolerates."""
    return (
        s.outcome["dose_krad_life"] * s.assumptions.radiation.design_margin,
        s.rows.accelerator.tid_tolerance_krad,
    )


@rule("satellite", "at least", "fraction")
def network(s: RuleSubject) -> Comparison:
    """The links let a stated share of the work through."""
    return s.outcome["network_fraction"], LEAST_NETWORK_FRACTION


@rule("satellite", "at least", "count", scale=NEIGHBOURS)
def connectivity(s: RuleSubject) -> Comparison:
    """A satellite whose job spans others has a terminal for each of two neighbours."""
    return s.design["optical_terminals"], s.outcome["least_terminals"]


@rule("launch", "at most", "kg")
def packing(s: RuleSubject) -> Comparison:
    """At least one satellite is light enough for the launch vehicle to reach the orbit with it."""
    return s.outcome["wet_mass_kg"], np.maximum(s.outcome["payload_kg"], 1.0)


@rule("launch", "at most", "m3")
def fairing(s: RuleSubject) -> Comparison:
    """At least one stowed satellite fits the fairing."""
    return s.outcome["stowed_volume_m3"], usable_fairing_m3(s.assumptions.launch, s.rows.vehicle)


@rule("programme", "at most", "1/year")
def cadence(s: RuleSubject) -> Comparison:
    """The programme's launches per year stay within its share of the vehicle's flight rate at mid-deployment."""
    return s.design["launches_per_year"], s.outcome["cadence_cap_per_year"]


@rule("programme", "at most", "years")
def deployment_time(s: RuleSubject) -> Comparison:
    """The fleet is complete within the time that the programme accepts."""
    return s.outcome["deployment_years"], s.assumptions.launch.max_deployment_years


@rule("programme", "at most", "years")
def milestone_half(s: RuleSubject) -> Comparison:
    """Half of the satellites are in orbit within the first licence milestone (47 CFR 25.164)."""
    regulation = s.assumptions.regulation
    waited = regulation.licence_to_first_launch_years
    return s.outcome["deployment_years"] * 0.5 + waited, regulation.milestone_half_years


@rule("programme", "at most", "years")
def milestone_full(s: RuleSubject) -> Comparison:
    """All satellites are in orbit within the last licence milestone (47 CFR 25.164)."""
    regulation = s.assumptions.regulation
    return (
        s.outcome["deployment_years"] + regulation.licence_to_first_launch_years,
        regulation.milestone_full_years,
    )


@rule("satellite", "at most", "years")
def disposal(s: RuleSubject) -> Comparison:
    """A retired satellite, lowered to its disposal altitude, decays within the time allowed (FCC 22-74)."""
    return s.outcome["disposal_decay_years"], s.assumptions.regulation.disposal_years


@rule("programme", "at most", "year", scale=CALENDAR_SCALE_YEARS)
def vehicle_available(s: RuleSubject) -> Comparison:
    """The launch vehicle carries operational payloads by the year of the first launch."""
    return s.rows.vehicle.available_year, s.assumptions.scenario.first_launch_year


@rule("programme", "at most", "year", scale=CALENDAR_SCALE_YEARS)
def accelerator_available(s: RuleSubject) -> Comparison:
    """The accelerator can be bought by the year of the first launch."""
    return s.rows.accelerator.available_year, s.assumptions.scenario.first_launch_year


@rule("programme", "at most", "year", scale=CALENDAR_SCALE_YEARS)
def array_available(s: RuleSubject) -> Comparison:
    """The array technology flies at this scale by the year of the first launch."""
    return s.rows.array.available_year, s.assumptions.scenario.first_launch_year


@rule("programme", "at most", "year", scale=CALENDAR_SCALE_YEARS)
def radiator_available(s: RuleSubject) -> Comparison:
    """The radiator technology flies at this scale by the year of the first launch."""
    return s.rows.radiator.available_year, s.assumptions.scenario.first_launch_year


@rule("fleet", "at least", "x the demand", scale=1.0)
def demand(s: RuleSubject) -> Comparison:
    """The fleet meets the stated demand."""
    wanted = s.assumptions.demand
    if is_stated(wanted.it_power_mw):
        return s.outcome["it_power_mw"] * (1.0 / wanted.it_power_mw), LEAST_SHARE
    if is_stated(wanted.delivered_pflops):
        return s.outcome["delivered_pflops"] / (s.outcome["demand_fraction"] * wanted.delivered_pflops), LEAST_SHARE
    return s.outcome["it_power_mw"] * 0.0, 0.0


def violations(subject: RuleSubject) -> dict[str, Array]:
    """Return the graded violation of every rule, each of shape (N,) or a scalar that holds for all designs."""
    return {name: known.violation(subject) for name, known in RULES.items()}
