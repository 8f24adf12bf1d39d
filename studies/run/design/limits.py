"""What limits a design, and why not another: tight rules and bounds, variables at an end, names that lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dawndusk.models.design import VARIABLES, Design
from dawndusk.optimize.explain.elastic import BINDING_MARGIN, Item, filled_launches, items
from dawndusk.optimize.problem import Choice, Entry, Problem, Range
from dawndusk.optimize.result import Candidate

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
    found = [*items(problem, design).values(), *filled_launches(problem, design).values()]
    return sorted(map(_limit, found), key=lambda limit: limit.margin)


def _limit(item: Item) -> Limit:
    return Limit(item.name, item.sentence, item.value, item.sense, item.limit, item.units, -item.violation)


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
class NameAlternative:
    """The best design found with a name that was not chosen, and the rules and bounds that it breaks, if any."""

    variable: str
    name: str
    candidate: Candidate
    broken: tuple[str, ...]


def alternatives(problem: Problem, candidates: Sequence[Candidate]) -> list[NameAlternative]:
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
            found.append(NameAlternative(variable, name, best, tuple(limit.name for limit in missed)))
    return found
