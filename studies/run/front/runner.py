"""Fronts of a study: from the resolved study to a typed result, its tables, and its run folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dawndusk.models.design import VARIABLES, DesignBatch
from dawndusk.models.errors import DawnduskError
from dawndusk.models.evaluate import evaluate
from dawndusk.models.outcome import OUTCOMES
from dawndusk.optimize.pareto.ends import End, ProofEffort
from dawndusk.optimize.pareto.find import Proofs, find_front
from dawndusk.optimize.pareto.front import Exchange, Front
from dawndusk.optimize.problem import Goal, Problem
from dawndusk.optimize.progress import Progress, held_back
from dawndusk.optimize.trials.first_design import first_design
from dawndusk.studies.input.study import Kind, ResolvedStudy
from dawndusk.studies.run.design.runner import problem_of
from dawndusk.studies.run.folder import ledger
from dawndusk.studies.run.folder.writing import check_target
from dawndusk.studies.run.run import Run

if TYPE_CHECKING:
    import pandas as pd

FRONT_TABLE, FRONT_JSON, PICTURE = "front", "front.json", "front.png"


@dataclass(frozen=True, kw_only=True, eq=False)
class FrontResult(Run):
    """A front of a study, with all outcomes of its designs.

    Attributes
    ----------
    result : Front
        Designs, goals, proofs, knees and exchange rates.
    outcome : mapping of str to array
        Every outcome of every design, shape (N,).
    """

    study: ResolvedStudy
    result: Front
    outcome: Mapping[str, NDArray[np.float64]]

    @property
    def front(self) -> Front:
        """Return the front."""
        return self.result

    @property
    def seconds(self) -> float:
        """Return the wall time of search and proofs."""
        return self.front.seconds + self.front.proof_seconds

    def to_frame(self) -> pd.DataFrame:
        """Return the points as a table: design variables, all outcomes, proved bound, and which are knees."""
        import pandas as pd  # noqa: PLC0415 (heavy, and not needed to print)

        columns: dict[str, Any] = {"point": np.arange(1, len(self.front) + 1)}
        if len(self.front):
            columns |= DesignBatch.of(self.front.designs).columns()
        else:
            columns |= {name: [] for name in VARIABLES}
        columns |= self.outcome
        columns["bound"] = self.front.bounds
        columns["knee"] = np.isin(np.arange(len(self.front)), self.front.knees)
        return pd.DataFrame(columns)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values, as ``front.json`` holds it. Points count from 1."""
        front = self.front
        return {
            "study": self.study.name,
            "status": front.status,
            "proved_infeasible": front.proved,
            "goals": [
                {"outcome": g.outcome, "sense": g.sense, "units": OUTCOMES[g.outcome].units} for g in front.goals
            ],
            "seed": front.seed,
            "spacing_asked": front.spacing,
            "widest_gap": front.widest_gap,
            "hypervolume": front.hypervolume,
            "evaluated_designs": front.evaluated,
            "seconds": front.seconds,
            "proof_seconds": front.proof_seconds,
            "stopped_by": front.stopped_by,
            "ends": [_end(end) for end in front.ends],
            "knees": [knee + 1 for knee in front.knees],
            "exchanges": [_exchange(e) for knee in front.knees[:1] for e in front.exchanges_at(knee)],
            "jumps": [{"from": s.one + 1, "to": s.other + 1, "length": s.length} for s in front.jumps],
            "points": [self._point(number) for number in range(len(front))],
        }

    def _point(self, number: int) -> dict[str, Any]:
        front = self.front
        return {
            "point": number + 1,
            "knee": number in front.knees,
            "goals": {g.outcome: float(front.values[number, i]) for i, g in enumerate(front.goals)},
            "bound": float(front.bounds[number]),
            "design": front.designs[number].to_dict(),
            "outcome": {name: float(column[number]) for name, column in self.outcome.items()},
        }


def _end(end: End) -> dict[str, Any]:
    return {
        "outcome": end.goal.outcome,
        "status": end.status,
        "value": end.value,
        "bound": end.bound,
        "gap": end.gap,
        "seconds": end.seconds,
        "stopped_by": end.stopped_by,
    }


def _exchange(exchange: Exchange) -> dict[str, Any]:
    return {
        "give": exchange.give.outcome,
        "gain": exchange.gain.outcome,
        "from": exchange.one + 1,
        "to": exchange.other + 1,
        "given": exchange.given,
        "gained": exchange.gained,
        "given_share": exchange.given_share,
        "gained_share": exchange.gained_share,
    }


def run_front(study: ResolvedStudy, report: Callable[[Progress], None] = lambda _: None) -> FrontResult:
    """Search the front of a study of kind ``pareto`` between its goals.

    Parameters
    ----------
    report : callable
        Called with ``Progress`` now and then.

    Raises
    ------
    DawnduskError
        For a study of another kind.
    CertificateError
        When a design of the front beats a bound that was thought to be proved.
    """
    if study.kind is not Kind.PARETO:
        raise DawnduskError(f"{study.source}: kind: found {study.kind.value}; a front needs kind pareto")
    settings = study.search
    effort = ProofEffort(
        gap=settings.gap,
        seed=settings.seed,
        workers=settings.workers,
        cluster=settings.cluster,
        audit=settings.audit,
    )
    with held_back(report) as interrupts, np.errstate(all="ignore"):
        problem = problem_of(study)
        front = find_front(
            problem,
            study.goals,
            proofs=Proofs(ends=study.front.certify_ends, points=study.front.certify_points, effort=effort),
            seed=settings.seed,
            spacing=study.front.spacing,
            time_limit_s=settings.time_limit_s,
            first=lambda goal: first_design(
                dataclasses.replace(problem, objective=goal.outcome, sense=goal.sense), seed=settings.seed
            ),
            report=interrupts.report,
        )
        outcome = _outcomes(study, front)
    return FrontResult(study=study, result=front, outcome=outcome)


def _outcomes(study: ResolvedStudy, front: Front) -> Mapping[str, NDArray[np.float64]]:
    if not len(front):
        return {name: np.zeros(0) for name in OUTCOMES}
    return evaluate(DesignBatch.of(front.designs), study.assumptions).outcome.values


def check_front_target(study: ResolvedStudy, folder: Path) -> None:
    """Raise if a front can not go to a folder, or a certificate beside it can not be read; for before the search."""
    check_target(folder)
    for goal in study.goals:
        ledger.entries_of(ledger.folder_beside(folder), alone(study, goal))


def alone(study: ResolvedStudy, goal: Goal) -> Problem:
    """Return the problem of one goal alone."""
    return dataclasses.replace(problem_of(study), objective=goal.outcome, sense=goal.sense)
