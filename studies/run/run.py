"""A question with its answer, of whatever kind."""

from __future__ import annotations

from dataclasses import dataclass

from dawndusk.optimize.result import Check, Milestone, Result, Status
from dawndusk.studies.run.shown import ShownResult


@dataclass(frozen=True, kw_only=True, eq=False)
class Run(ShownResult):
    """A finished run: what every kind of study has to say of its answer, which is ``result``."""

    result: Result

    @property
    def status(self) -> Status:
        """Return ``optimal``, ``feasible``, ``infeasible`` or ``unknown``."""
        return self.result.status

    @property
    def objective(self) -> float | None:
        """Return the objective of the best answer, None where none is feasible or there are several goals."""
        return self.result.objective

    @property
    def bound(self) -> float | None:
        """Return what no feasible answer betters: a lower bound for minimise, an upper one for maximise."""
        return self.result.bound

    @property
    def gap(self) -> float | None:
        """Return the distance from objective to bound, relative to the objective."""
        return self.result.gap

    @property
    def seconds(self) -> float:
        """Return the wall time of the search and its audit, earlier parts of a resumed run included."""
        return self.result.seconds

    @property
    def seed(self) -> int:
        """Return the seed."""
        return self.result.seed

    @property
    def stopped_by(self) -> str:
        """Return what ended the search: ``completion``, ``time limit``, ``interrupt`` and the like."""
        return self.result.stopped_by

    @property
    def audit(self) -> str:
        """Return the verdict of the audit: ``passed``, ``failed`` or ``not run``."""
        return self.result.verdict

    @property
    def checks(self) -> tuple[Check, ...]:
        """Return the parts of the audit."""
        return self.result.checks

    @property
    def history(self) -> tuple[Milestone, ...]:
        """Return how the incumbent and the bound came closer."""
        return self.result.history
