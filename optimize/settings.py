"""How a design space is searched: with which engine, how long, and how it is doubted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Engine(StrEnum):
    """How the design space is searched."""

    CERTIFIED = "certified"
    EVOLUTION = "evolution"
    BAYES = "bayes"
    AUTO = "auto"
    MILP = "milp"

    @property
    def goes_by_trials(self) -> bool:
        """Whether the engine asks and tells trial by trial, which can be kept, shared and taken up again."""
        return self in {Engine.BAYES, Engine.AUTO}

    @property
    def proves(self) -> bool:
        """Whether the engine proves a bound."""
        return self in {Engine.CERTIFIED, Engine.MILP}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How long and how the design space is searched.

    ``designs`` ends a search by population, ``gap`` is the relative distance from objective to bound that is asked for.
    ``audit`` has the result checked anew, and ``second_bound`` has the audit compute a second bound, independently.
    ``workers`` and ``cluster`` have no part in what is found.
    """

    engine: Engine
    seed: int
    designs: int
    time_limit_s: float
    gap: float
    audit: bool
    second_bound: bool
    workers: int | None
    cluster: str | None
