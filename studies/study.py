"""A resolved study: the question as typed values, ready to be evaluated or searched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from dawndusk.models.assumptions import Assumptions
from dawndusk.models.design import Design
from dawndusk.optimize.problem import Bound, Choice, Entry, Fixed, Operator, Range, Sense

__all__ = ["Bound", "Choice", "Engine", "Entry", "Fixed", "Kind", "Operator", "Range", "Search", "Sense", "Study"]


class Kind(StrEnum):
    """What a study asks for."""

    DESIGN = "design"
    GROUND = "ground"


class Engine(StrEnum):
    """How the design space is searched."""

    CERTIFIED = "certified"
    EVOLUTION = "evolution"
    MILP = "milp"


@dataclass(frozen=True, kw_only=True)
class Search:
    """How long and how the design space is searched.

    ``gap`` is the relative distance from objective to bound that is asked for. ``audit`` has the result checked anew,
    and ``second_bound`` has the audit compute a second bound, independently.
    """

    engine: Engine
    seed: int
    designs: int
    time_limit_s: float
    gap: float
    audit: bool
    second_bound: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Study:
    """A study with every value in place. Two studies are equal if their ``hash`` is.

    ``space`` has an entry for each design variable, except for ``satellites`` where they follow the demand.
    ``resolved`` is the study as plain values, as a run folder keeps it; read again, it gives an equal study.
    """

    name: str
    title: str
    description: str
    kind: Kind
    workload: str
    training_run: str
    objective: str
    sense: Sense
    bounds: tuple[Bound, ...]
    space: Mapping[str, Entry]
    satellites_follow_demand: bool
    assumptions: Assumptions = field(repr=False)
    search: Search
    source: str
    resolved: dict[str, Any] = field(repr=False)
    hash: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Study) and self.hash == other.hash

    def __hash__(self) -> int:
        return hash(self.hash)

    @property
    def minimise(self) -> str | None:
        """The outcome to make small, if that is what is asked."""
        return self.objective if self.sense == "minimise" else None

    @property
    def maximise(self) -> str | None:
        """The outcome to make large, if that is what is asked."""
        return self.objective if self.sense == "maximise" else None

    def nominal_design(self, satellites: int = 1) -> Design:
        """Return the design with every variable at its nominal value.

        Parameters
        ----------
        satellites : int
            Used where the satellites follow the demand. ``dawndusk.studies.runner.nominal_design`` finds the number
            that meets it.
        """
        values: dict[str, Any] = {name: entry.nominal for name, entry in self.space.items()}
        return Design(**{"satellites": satellites, **values})

    def to_yaml(self) -> str:
        """Return the resolved study as the text of a study file."""
        from dawndusk.studies.document import write_text  # noqa: PLC0415 (a study need not load the YAML library)

        return write_text(self.resolved)
