"""What a report is about: a run folder read back, with the term trees of its figures."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dawndusk.models.design import Design
from dawndusk.models.errors import DawnduskError
from dawndusk.models.outcome import OUTCOMES
from dawndusk.models.units import pretty
from dawndusk.studies.input.study import ResolvedStudy
from dawndusk.studies.lineage.figures import Lineage, lineage_of
from dawndusk.studies.lineage.swings import Swing, outcome_of, swings
from dawndusk.studies.output.report.markup import Html, tag
from dawndusk.studies.run.design.limits import Limit, at_ends, limits
from dawndusk.studies.run.design.runner import problem_of
from dawndusk.studies.run.folder.reading import DESIGNS, RunContent, read_run

RECORDED_TOLERANCE = 1e-9
"""Relative: what rounding on another processor may do to a recorded figure."""


@dataclass(frozen=True)
class Subject:
    """A run with what follows from it; everything is worked out once, when it is first asked for."""

    content: RunContent

    @property
    def study(self) -> ResolvedStudy:
        """Return the study."""
        return self.content.study

    @functools.cached_property
    def design(self) -> Design:
        """Return the best design, or the nearest miss."""
        return self.content.design

    @functools.cached_property
    def outcome(self) -> dict[str, float]:
        """Return every outcome as recorded; those that the run did not know yet as the present model has them."""
        return {**self.now, **self.content.outcome}

    @functools.cached_property
    def now(self) -> dict[str, float]:
        """Return every outcome of the design as the present model has it."""
        return outcome_of(self.design, self.study.assumptions)

    @functools.cached_property
    def drifted(self) -> tuple[str, ...]:
        """Return the outcomes whose recorded value is not what the present model gives."""
        if not self.content.has_optimum:
            return ()
        recorded = self.content.outcome
        return tuple(name for name, value in self.now.items() if name in recorded and _differ(recorded[name], value))

    @functools.cached_property
    def lineage(self) -> Lineage:
        """Return the term trees of the design."""
        return lineage_of(self.design, self.study.assumptions)

    @functools.cached_property
    def swings(self) -> list[Swing]:
        """Return how far the objective swings over the ranges of the data rows behind it."""
        goal = self.study.objective
        return swings(goal, self.lineage.rows_behind(goal), self.design, self.study.assumptions)

    @functools.cached_property
    def limits(self) -> list[Limit]:
        """Return every rule and bound on the design, tightest first."""
        return limits(problem_of(self.study), self.design)

    @property
    def ends(self) -> Sequence[Mapping[str, Any]]:
        """Return the variables of the best design at an end of their range; worked out where the run does not say."""
        recorded = self.content.optimum.get("variables_at_an_end")
        if recorded is None:
            return [asdict(end) for end in at_ends(self.study.space, self.design)]
        found: Sequence[Mapping[str, Any]] = recorded
        return found

    @property
    def explanation(self) -> Mapping[str, Any] | None:
        """Return what the run said about its optimum, if it did."""
        return self.content.optimum.get("explanation")

    @functools.cached_property
    def candidates(self) -> list[dict[str, Any]]:
        """Return the best design of every combination, with all outcomes, best first."""
        path = self.content.folder / DESIGNS
        if not path.is_file():
            return []
        import pandas as pd  # noqa: PLC0415 (heavy, and not every report has candidates)

        try:
            rows = pd.read_parquet(path).to_dict("records")
        except (OSError, ValueError) as error:
            raise DawnduskError(f"{path}: can not be read: {error}; allowed: the file as the run wrote it") from None
        return [{str(name): value for name, value in row.items()} for row in rows]

    def figure(self, name: str, words: str | None = None) -> Html:
        """Return a figure that opens its term tree."""
        shown = words or pretty(self.outcome[name], OUTCOMES[name].units)
        return tag("button", shown, type="button", class_="figure", data_figure=name, title=f"Where {name} comes from")


def _differ(one: float, other: float) -> bool:
    return abs(one - other) > RECORDED_TOLERANCE * max(abs(one), abs(other))


def subject_of(folder: str | Path) -> Subject:
    """Return the subject of a report on a run folder."""
    return Subject(read_run(folder))
