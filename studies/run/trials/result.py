"""What came of a search by trials, as a typed result, as tables and as the files of its run folder."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dawndusk.models.design import Design
from dawndusk.optimize.contradiction import check_value
from dawndusk.optimize.pareto.front import Front
from dawndusk.optimize.problem import Goal, Problem
from dawndusk.optimize.trials.plan import INTERRUPT, TIME, Searched
from dawndusk.optimize.trials.question import Question, Trial
from dawndusk.optimize.trials.standing import Standing
from dawndusk.studies.input.study import ResolvedStudy
from dawndusk.studies.run.folder.writing import MANIFEST, OPTIMUM, STUDY, origin, write_json
from dawndusk.studies.run.run import Run
from dawndusk.studies.run.store.address import read_address
from dawndusk.studies.run.store.guarding import holder_of
from dawndusk.studies.run.store.reading import read_trials
from dawndusk.studies.run.trials.folder import SECTION, read_begun, write_files
from dawndusk.studies.run.trials.questions import Asked
from dawndusk.studies.run.trials.tables import trial_frame, write_csv

if TYPE_CHECKING:
    import pandas as pd

FRONT, PARQUET, CSV = "front.json", "evaluations.parquet", "evaluations.csv"


@dataclass(frozen=True, kw_only=True, eq=False)
class SearchRun(Run):
    """A search by trials that has ended, for now or for good.

    ``status`` is ``feasible`` where a trial meets every rule and bound, else ``unknown``: trials prove nothing.
    ``words`` say why the sampler was chosen, where the study left it open, and ``began`` with which designs the search
    began. ``bound`` is what a certificate of the same problem proves, where the built-in model answers. ``store`` says
    where the trials are kept.
    """

    study: ResolvedStudy
    asked: Asked
    result: Searched
    sampler: str
    words: str
    folder: Path
    began: str = ""
    store: str = ""

    @property
    def is_cut_short(self) -> bool:
        """Return whether the search would go on, had it not been ended from outside."""
        return self.stopped_by in {INTERRUPT, TIME}

    @property
    def best(self) -> Trial | None:
        """Return the best trial of a search with one goal, or else the nearest miss; None where there is neither."""
        return self.result.front[0] if self.result.front else self.result.nearest

    @functools.cached_property
    def _solutions(self) -> dict[int, tuple[Problem, Design | None]]:
        return {}

    def solved(self, trial: Trial) -> tuple[Problem, Design | None]:
        """Return the problem and the design of a trial; that of a strategy is searched for once."""
        if trial.number not in self._solutions:
            self._solutions[trial.number] = self.asked.solved(trial.point)
        return self._solutions[trial.number]

    def check(self) -> None:
        """Raise ``CertificateError`` where the best trial contradicts the bound that was thought to be proved."""
        if self.bound is None or self.objective is None:
            return
        design = self.solved(self.result.front[0])[1]
        assert design is not None
        check_value(self.study.goals[0], self.bound, self.objective, design, "that meets every rule")

    @property
    def trials_of_front(self) -> tuple[Trial, ...]:
        """Return the trials of the front in the order of the first goal, best first."""
        goal = self.study.goals[0]
        return tuple(sorted(self.result.front, key=lambda trial: goal.sign * _outcome(trial, goal)))

    @property
    def front(self) -> Front:
        """Return the front of a search with several goals, a point for each of ``trials_of_front``."""
        trials, goals = self.trials_of_front, self.study.goals
        designs = tuple(design for trial in trials if (design := self.solved(trial)[1]) is not None)
        values = np.array([[_outcome(trial, goal) for goal in goals] for trial in trials])
        return Front(
            goals=goals,
            status=self.result.status,
            proved=False,
            designs=designs,
            values=values.reshape(len(trials), len(goals)),
            bounds=np.full(len(trials), np.nan),
            ends=(),
            spacing=self.study.front.spacing,
            evaluated=len(self.result.answered),
            seconds=self.result.seconds,
            proof_seconds=0.0,
            seed=self.study.search.seed,
            stopped_by=self.stopped_by,
        )

    def to_frame(self) -> pd.DataFrame:
        """Return every trial as a row: number, state, point, outcomes, violation and why it failed."""
        return trial_frame([*self.result.answered.trials, *self.result.pending], self.asked)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values, as ``optimum.json`` or ``front.json`` holds it."""
        searched, several = self.result, len(self.study.goals) > 1
        common = {
            "study": self.study.name,
            "status": self.status,
            "engine": self.study.search.engine.value,
            "sampler": self.sampler,
            "sampler_chosen": self.words or None,
            "seed": self.study.search.seed,
            "stopped_by": self.stopped_by,
            "seconds": searched.seconds,
            "evaluator_seconds": searched.evaluator_s,
            "evaluations": len(searched.answered),
            "evaluated_now": searched.evaluated,
            "failed": sum(failures(searched.answered.trials).values()),
            "pending": len(searched.pending),
            "repeated": searched.repeated,
            "batch": self.study.search.batch,
            "reproducible": searched.reproducible,
        }
        if several:
            goals = [{"outcome": goal.outcome, "sense": goal.sense} for goal in self.study.goals]
            points = self._shown(searched.front)
            return {**common, "goals": goals, "hypervolume": searched.hypervolume, "points": points}
        best = {} if self.best is None else self._shown([self.best])[0]
        goal = {"sense": self.study.sense, "objective_name": self.study.objective}
        proved = {"objective": self.objective, "bound": self.bound, "gap": self.gap}
        return {**common, **goal, **proved, **best, "broken": self._broken(self.best)}

    def _shown(self, trials: Sequence[Trial]) -> list[dict[str, Any]]:
        """Return trials as plain values, with every outcome."""
        columns = {name: values.tolist() for name, values in self.asked.outcomes(trials).items()}
        return [
            {
                "number": trial.number,
                "design": None if (design := self.solved(trial)[1]) is None else design.to_dict(),
                "point": dict(trial.point),
                "outcome": {name: values[row] for name, values in columns.items() if self._has(trial, name)},
            }
            for row, trial in enumerate(trials)
        ]

    def _has(self, trial: Trial, name: str) -> bool:
        """Return whether a trial was answered with an outcome, or the model answers with all."""
        return self.asked.is_vectorised or (trial.answer is not None and name in trial.answer.outcomes)

    def _broken(self, trial: Trial | None) -> list[str]:
        if trial is None or trial.answer is None:
            return []
        return [rule for rule, violation in trial.answer.violations.items() if violation > 0.0]


def _outcome(trial: Trial, goal: Goal) -> float:
    assert trial.answer is not None
    return trial.answer.outcomes[goal.outcome]


def failures(trials: Iterable[Trial]) -> dict[str, int]:
    """Return how many trials failed, by kind."""
    kinds = [t.answer.failure.kind for t in trials if t.answer is not None and t.answer.failure is not None]
    return dict(Counter(kinds))


def write_run(run: SearchRun) -> None:
    """Write what came of a search into its run folder, each file whole or not at all."""
    begun = read_begun(run.folder)
    result, frame = run.to_dict(), run.to_frame()
    name = FRONT if len(run.study.goals) > 1 else OPTIMUM
    kept = ("status", "stopped_by", "seconds", "evaluations", "failed", "pending", "sampler", "reproducible")
    manifest = {
        **origin(run.study),
        **{key: result[key] for key in kept},
        SECTION: dict(begun.manifest[SECTION]),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    write_files(
        run.folder,
        {
            STUDY: functools.partial(_write_text, text=run.study.to_yaml()),
            PARQUET: functools.partial(frame.to_parquet, index=False),
            CSV: functools.partial(write_csv, frame=frame),
            name: functools.partial(write_json, value=result),
            MANIFEST: functools.partial(write_json, value=manifest),
        },
    )


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def status(folder: Path, question: Question, storage: str | None = None) -> dict[str, Any]:
    """Return how the search of a run folder stands, as plain values; it may be running."""
    begun = read_begun(folder)
    address = read_address(storage or begun.storage, folder)
    in_use = holder_of(address, begun.name)
    trials = _trials_so_far(folder, question, storage)
    standing = Standing(question)
    for trial in trials:
        if trial.answer is not None:
            standing.add(trial)
    best = standing.front[0] if len(question.goals) == 1 and standing.front else None
    return {
        "study": begun.study.name,
        "folder": str(folder),
        "store": str(address),
        "goals": [{"outcome": goal.outcome, "sense": goal.sense} for goal in question.goals],
        "status": "feasible" if standing.front else "unknown",
        "stopped_by": begun.manifest.get("stopped_by") if not in_use else None,
        "in_use_by": in_use,
        "evaluations": None if begun.is_told else begun.study.search.evaluations,
        "evaluated": standing.evaluated,
        "pending": len(trials) - standing.evaluated,
        "failed": failures(trials),
        "objective": standing.best,
        "front": len(standing.front),
        "hypervolume": standing.hypervolume,
        "best": None if best is None or best.answer is None else {"number": best.number, "point": dict(best.point)},
    }


def _trials_so_far(folder: Path, question: Question, storage: str | None = None) -> list[Trial]:
    """Return the trials of a run folder; none where the first was not asked yet."""
    begun = read_begun(folder)
    address = read_address(storage or begun.storage, folder)
    if address.kind != "postgresql" and not address.path.exists():
        return []
    return [record.trial for record in read_trials(address, begun.name, question, {})]


def evaluations(folder: Path, asked: Asked, storage: str | None = None) -> pd.DataFrame:
    """Return the trials of a run folder as a table; the search may be running."""
    return trial_frame(_trials_so_far(folder, asked.question, storage), asked)
