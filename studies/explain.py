"""What limits a design, and why not another: tight rules and bounds, variables at an end, names that lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dawndusk.models.array import Array
from dawndusk.models.design import VARIABLES, Design
from dawndusk.models.evaluate import RuleReport, rule_reports
from dawndusk.models.launch import usable_fairing_m3
from dawndusk.models.outcome import OUTCOMES
from dawndusk.optimize.evolution import Candidate
from dawndusk.optimize.problem import Bound, Choice, Entry, Problem, Range

BINDING_MARGIN = 0.005
AT_END_SHARE = 1e-3


@dataclass(frozen=True)
class Limit:
    """A rule or bound on one design: the sentence, what it compares, and the margin (negative when broken)."""

    name: str
    sentence: str
    value: float
    sense: str
    limit: float
    units: str
    margin: float

    @property
    def is_idle(self) -> bool:
        """Return whether nothing is asked for: at least zero."""
        return self.sense == "at least" and self.limit == 0.0


@dataclass(frozen=True)
class AtEnd:
    """A variable that sits at an end of its range, so that a wider range may give a better design."""

    variable: str
    value: float
    end: str
    units: str


def limits(problem: Problem, design: Design) -> list[Limit]:
    """Return every rule, every bound of the study and how full a launch is, for one design, tightest first."""
    rules = [_from_rule(report) for report in rule_reports(design, problem.assumptions)]
    values = problem.score_one(design).evaluation.outcome.values
    bounds = [_from_bound(bound, values) for bound in problem.bounds]
    return sorted(rules + bounds + _packing_steps(problem, design, values), key=lambda limit: limit.margin)


def _packing_steps(problem: Problem, design: Design, values: Mapping[str, Array]) -> list[Limit]:
    """Return how closely whole satellites fill a launch by mass and by volume: one step more and one fewer flies.

    These are not rules, for a design may always fly fewer; but where one has no margin, the slightest growth of the
    satellite costs a whole place on every launch.
    """
    count = float(values["satellites_per_launch"][0])
    vehicle, launch = problem.assumptions.vehicles[design.vehicle], problem.assumptions.launch
    sizes = (
        ("launch_filled_by_mass", float(values["wet_mass_kg"][0]), float(values["payload_kg"][0]), "kg"),
        (
            "launch_filled_by_volume",
            float(values["stowed_volume_m3"][0]),
            float(usable_fairing_m3(launch, vehicle)),
            "m3",
        ),
    )
    sentence = f"The {count:.0f} satellites of one launch fill it; a larger satellite leaves a place empty on each."
    return [
        Limit(name, sentence, count * one, "at most", room, units, (room - count * one) / room)
        for name, one, room, units in sizes
        if 0.0 < count * one <= room
    ]


def binding(all_limits: list[Limit]) -> list[Limit]:
    """Return the limits that are met with next to no margin."""
    return [limit for limit in all_limits if 0.0 <= limit.margin <= BINDING_MARGIN and not limit.is_idle]


def broken(all_limits: list[Limit]) -> list[Limit]:
    """Return the limits that are broken, worst first."""
    return [limit for limit in all_limits if not limit.margin >= 0.0]  # so is one that is no number


def at_ends(space: Mapping[str, Entry], design: Design) -> list[AtEnd]:
    """Return the variables of a design that sit at an end of their range."""
    found = []
    for name, entry in space.items():
        if not isinstance(entry, Range):
            continue
        value = float(getattr(design, name))
        near = AT_END_SHARE * (entry.high - entry.low)
        for end, edge in (("low", entry.low), ("high", entry.high)):
            if abs(value - edge) <= (0.0 if VARIABLES[name].kind == "integer" else near):
                found.append(AtEnd(name, value, end, VARIABLES[name].units))
    return found


@dataclass(frozen=True, eq=False)
class Alternative:
    """The best design found with a name that was not chosen, and the rules and bounds that it breaks, if any."""

    variable: str
    name: str
    candidate: Candidate
    broken: tuple[str, ...]


def alternatives(problem: Problem, candidates: Sequence[Candidate]) -> list[Alternative]:
    """Return the best design found with every name that the best design does not have.

    Parameters
    ----------
    candidates : sequence of Candidate
        The best design of each combination that was worked on, best first.
    """
    found = []
    for variable, name_chosen in candidates[0].combination.items():
        entry = problem.space[variable]
        for name in entry.names if isinstance(entry, Choice) else ():
            best = next((c for c in candidates if c.combination[variable] == name), None)
            if name == name_chosen or best is None:
                continue
            missed = broken(limits(problem, best.design)) if best.violation > 0.0 else []
            found.append(Alternative(variable, name, best, tuple(limit.name for limit in missed)))
    return found


def _from_rule(report: RuleReport) -> Limit:
    rule = report.rule
    return Limit(rule.name, rule.sentence, report.value, rule.sense, report.limit, rule.units, -report.violation)


def _from_bound(bound: Bound, values: Mapping[str, Array]) -> Limit:
    value = float(values[bound.outcome][0])
    sense = "at most" if bound.is_upper else "at least"
    margin = -float(bound.excess({bound.outcome: value}))
    sentence = f"The study asks for {bound}."
    return Limit(str(bound), sentence, value, sense, bound.value, OUTCOMES[bound.outcome].units, margin)
