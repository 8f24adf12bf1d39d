"""Searches by trials: begun, gone on with, looked at and driven from outside. All they need is in a run folder."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from dawndusk.models.design import Design
from dawndusk.models.errors import DawnduskError
from dawndusk.optimize.execution.backends import cores, open_executor
from dawndusk.optimize.execution.executor import Executor
from dawndusk.optimize.space.dimensions import Point
from dawndusk.optimize.trials.ask_tell import AskTell
from dawndusk.optimize.trials.loop import search
from dawndusk.optimize.trials.plan import BUDGET, Searched, SearchPlan, Stop, TrialProgress
from dawndusk.optimize.trials.question import Evaluator, Trial
from dawndusk.optimize.trials.samplers.auto import SamplerChoice
from dawndusk.optimize.trials.samplers.sampler import Sampler
from dawndusk.optimize.trials.samplers.simple import RandomSampler
from dawndusk.studies.input.study import ResolvedStudy
from dawndusk.studies.input.studyfile import study_from_mapping
from dawndusk.studies.run.folder.ledger import Entry
from dawndusk.studies.run.store.address import read_address
from dawndusk.studies.run.store.guarding import search_lock
from dawndusk.studies.run.store.store import TrialStore, open_store
from dawndusk.studies.run.trials.evaluators import FAILED, answer_from
from dawndusk.studies.run.trials.folder import begin, begun_batch, read_begun, recorded, renew, storage_of
from dawndusk.studies.run.trials.questions import Asked, asked_of, store_name
from dawndusk.studies.run.trials.result import SearchRun, write_run
from dawndusk.studies.run.trials.samplers import Basis, batch_of, idle_words, needs_basis, sampler_of
from dawndusk.studies.run.trials.warm_start import known_certificate, warm_points

RUNS = Path("runs")
"""Where a search goes that is not told where: the same search finds its folder again, whatever its budget."""
LOCK_WAIT_S, ASK_WAIT_S = 2.0, 60.0
ASKING = "asking"
WARM_NOTE, BASIS_NOTE = "warm start", "basis of the choice"
MIDDLE = 0.5

MakeSampler = Callable[[ResolvedStudy, Asked], Sampler]
"""Makes a sampler in place of the one that a study names."""
Warm = Callable[[ResolvedStudy, Asked], Sequence[Point]]
"""Returns the points to begin with; called once in the life of a search."""
Report = Callable[[TrialProgress], None]
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Where:
    """Where a search runs and what it may do there: nothing of it changes what is found.

    Attributes
    ----------
    storage : str or None
        In place of what the study or the run folder says, for example with a password.
    workers, cluster : int, str or None
        In place of those of the study.
    allow_code : bool
        Whether the study may name a Python function.
    """

    storage: str | None = None
    workers: int | None = None
    cluster: str | None = None
    allow_code: bool = False


def run_search(
    study: ResolvedStudy,
    folder: Path | None = None,
    *,
    where: Where | None = None,
    make_sampler: MakeSampler | None = None,
    warm: Warm | None = None,
    report: Report = lambda _: None,
    say: Say = lambda _: None,
) -> SearchRun:
    """Search by trials until the study says to stop, and write the run folder; go on with what is there already.

    Parameters
    ----------
    study : Study
        What is asked, how long and how.
    folder : Path, optional
        The run folder: new, or that of the same search, whose budget may have been another. By default one in ``runs``
        that is named for the search.
    where : Where, optional
        Where it runs.
    make_sampler, warm : callable, optional
        In place of the sampler of the study, and of the designs of the built-in model that it begins with.
    report : callable
        Called with ``TrialProgress``.
    say : callable
        Called with a line that a person should read before a long search.

    Raises
    ------
    DawnduskError
        For what can not be used, before anything is evaluated; or a store that can not be written. What was finished
        is kept.
    CertificateError
        When a trial on the built-in model beats the bound of a certificate. The run is written all the same.
    """
    where = where or Where()
    folder = folder or RUNS / store_name(study)
    study = settled(study, folder)
    asked = asked_of(study, allow_code=where.allow_code)
    certificate = known_certificate(study, folder)
    name = store_name(study)
    stated = storage_of(where.storage or study.search.storage, folder)
    address = read_address(stated, folder)
    begin(folder, study, recorded(stated, address), name)
    with (
        search_lock(address, name, "run", wait_s=LOCK_WAIT_S),
        open_store(address, name, asked.question, asked.parts) as store,
        _executor(study, asked, where) as executor,
    ):
        renew(folder, study, recorded(stated, address))
        if words := idle_words(study, asked, executor.workers):
            say(words)
        if warm is None:
            warm = functools.partial(warm_points, certificate=certificate)
        course = Course(study, asked, store, executor, _bound(asked, certificate), report)
        choice, searched = course.run(make_sampler, warm)
        run = SearchRun(
            study=study,
            asked=asked,
            result=searched,
            sampler=choice.sampler.name,
            words=choice.words,
            folder=folder,
            began=_began(asked, store.notes.get(WARM_NOTE, []), certificate),
            store=str(address),
        )
        write_run(run)
        run.check()
    return run


def _began(asked: Asked, points: Sequence[Point], certificate: Entry | None) -> str:
    """Return in words with which designs a search began."""
    if (
        certificate is not None
        and certificate.design
        and list(points) == [asked.designs.point(Design(**certificate.design))]
    ):
        return "the certified design"
    if not points:
        return "no design that was known before"
    return "a good design of the built-in model" if len(points) == 1 else f"{len(points)} good designs"


def settled(study: ResolvedStudy, folder: Path) -> ResolvedStudy:
    """Return a study that states its batch: where it is left open that of a search that was begun, or the usual one."""
    if study.search.batch is not None:
        return study
    batch = begun_batch(folder) or batch_of(study)
    settings = study.search
    found = study_from_mapping(study.resolved, [f"search.batch={batch}"], source=study.source)
    search = replace(found.search, workers=settings.workers, cluster=settings.cluster, storage=settings.storage)
    return replace(found, search=search)


def _bound(asked: Asked, certificate: Entry | None) -> float | None:
    """Return a proved bound of the goal, where it is the built-in model that answers."""
    return certificate.bound if certificate is not None and asked.is_vectorised else None


@dataclass(frozen=True)
class Course:
    """A search with everything at hand."""

    study: ResolvedStudy
    asked: Asked
    store: TrialStore
    executor: Executor[Evaluator]
    bound: float | None
    report: Report

    def run(self, make_sampler: MakeSampler | None, warm: Warm) -> tuple[SamplerChoice, Searched]:
        """Search, and return the sampler and what came of it."""
        points = self._warm_points(warm)
        if make_sampler is not None:
            choice = SamplerChoice(make_sampler(self.study, self.asked), "")
        elif not needs_basis(self.study):
            choice = sampler_of(self.study, self.asked)
        else:
            basis = self._noted_basis()
            if basis is None and self.asked.is_vectorised:
                basis = self._note_basis(self._batch_s() / batch_of(self.study))
            if basis is None:
                points = points or self._middle()
                first = self._search(RandomSampler(), points, self._stop(len(points)))
                if first.stopped_by != BUDGET or len(points) >= self.study.search.evaluations:
                    return SamplerChoice(RandomSampler(), ""), first
                basis = self._note_basis(_mean_s(first.answered.trials))
                choice = sampler_of(self.study, self.asked, basis)
                return choice, self._search(choice.sampler, points, self._stop()).after(first)
            choice = sampler_of(self.study, self.asked, basis)
        return choice, self._search(choice.sampler, points, self._stop())

    def _search(self, sampler: Sampler, points: Sequence[Point], stop: Stop) -> Searched:
        settings, batch = self.study.search, batch_of(self.study)
        plan = SearchPlan(
            sampler=sampler,
            stop=stop,
            seed=settings.seed,
            batch=batch,
            chunk=math.ceil(batch / self.executor.workers) if self.asked.is_vectorised else 1,
            warm_start=points,
            asynchronous=settings.asynchronous,
        )
        return search(self.asked.question, plan, self.store, self.executor, self.report)

    def _stop(self, evaluations: int | None = None) -> Stop:
        settings = self.study.search
        return Stop(
            evaluations=min(settings.evaluations, evaluations or settings.evaluations),
            time_limit_s=settings.time_limit_s,
            stagnation=settings.stagnation or None,
            bound=self.bound,
            gap=None if self.bound is None else settings.gap,
        )

    def _warm_points(self, warm: Warm) -> Sequence[Point]:
        """Return the points to begin with: those that were noted when the search began."""
        noted = self.store.notes.get(WARM_NOTE)
        if noted is None:
            points = [dict(p) for p in warm(self.study, self.asked)] if self.study.search.warm_start else []
            self.store.note(WARM_NOTE, points)
            return points
        return [self.asked.question.space.check(point) for point in noted]

    def _middle(self) -> Sequence[Point]:
        """Return the middle of the space, noted as what the search begins with: something has to show what it costs."""
        space = self.asked.question.space
        middle = space.decode(np.full((1, len(space.names)), MIDDLE))
        self.store.note(WARM_NOTE, middle)
        return middle

    def _noted_basis(self) -> Basis | None:
        noted = self.store.notes.get(BASIS_NOTE)
        return None if noted is None else Basis(float(noted["evaluation_s"]), int(noted["evaluations"]))

    def _note_basis(self, evaluation_s: float) -> Basis:
        basis = Basis(evaluation_s / self.executor.workers, self.study.search.evaluations)
        self.store.note(BASIS_NOTE, asdict(basis))
        return basis

    def _batch_s(self) -> float:
        """Return what the built-in model takes for a batch, once it is warm."""
        space, batch = self.asked.question.space, batch_of(self.study)
        middle = space.decode(np.full((batch, len(space.names)), MIDDLE))
        self.asked.evaluator(middle)
        begun = time.perf_counter()
        self.asked.evaluator(middle)
        return time.perf_counter() - begun


def _mean_s(trials: Iterable[Trial]) -> float:
    """Return what an evaluation took; one that the built-in model spared counts for nothing."""
    told = [trial.answer.seconds for trial in trials if trial.answer is not None]
    known = [seconds for seconds in told if seconds is not None and seconds > 0.0]
    return sum(known) / max(len(known), 1)


def _executor(study: ResolvedStudy, asked: Asked, where: Where) -> Executor[Evaluator]:
    """Return what evaluates; one process where the built-in model answers a batch faster than it can be sent."""
    settings = study.search
    cluster = where.cluster or (settings.cluster if where.workers is None else None)
    workers = where.workers or settings.workers or (1 if asked.is_vectorised else cores())
    return open_executor(
        None if cluster else workers, context=asked.worker, cluster=cluster, time_limit_s=asked.time_limit_s
    )


def resume(
    folder: Path,
    *,
    changes: Mapping[str, Any] | None = None,
    where: Where | None = None,
    make_sampler: MakeSampler | None = None,
    warm: Warm | None = None,
    report: Report = lambda _: None,
    say: Say = lambda _: None,
) -> SearchRun:
    """Go on with the search of a run folder.

    Parameters
    ----------
    changes : mapping, optional
        Settings of ``search`` that have no part in what the trials depend on, such as ``evaluations``.
    """
    begun = read_begun(folder)
    if begun.is_told and begun.study.search.evaluator is None:
        raise DawnduskError(
            f"{folder}: found a search whose answers are told from outside; allowed: dawndusk ask and tell"
        )
    where = where or Where()
    given = {name: value for name, value in (changes or {}).items() if value is not None}
    study = begun.study
    if given:
        study = study_from_mapping(study.resolved, [f"search.{name}={value}" for name, value in given.items()])
    where = replace(where, storage=where.storage or begun.storage)
    return run_search(study, folder, where=where, make_sampler=make_sampler, warm=warm, report=report, say=say)


def begin_told(study: ResolvedStudy, folder: Path, storage: str | None = None) -> None:
    """Begin the run folder of a search that is asked and told from outside, or find that it was begun."""
    study = settled(study, folder)
    asked_of(study, is_told=True)
    stated = storage or study.search.storage
    address = read_address(stated, folder)
    begin(folder, study, recorded(stated, address), store_name(study, is_told=True), is_told=True)


@contextmanager
def open_told(
    folder: Path, purpose: str, *, storage: str | None = None, make_sampler: MakeSampler | None = None
) -> Iterator[tuple[AskTell, Asked]]:
    """Open the search of a run folder to ask and tell. Several processes may do so at once, but none that runs it."""
    begun = read_begun(folder)
    if not begun.is_told and begun.study.search.evaluator is None:
        raise DawnduskError(
            f"{folder}: found a search that {begun.study.search.engine} runs on the built-in model; allowed: one with "
            "search.evaluator, or one that was begun by dawndusk ask"
        )
    asked = asked_of(begun.study, is_told=True)
    address = read_address(storage or begun.storage, folder)

    @contextmanager
    def alone() -> Iterator[None]:
        with search_lock(address, begun.name, "ask", what=ASKING, wait_s=ASK_WAIT_S):
            yield

    with search_lock(address, begun.name, purpose, mode="together", wait_s=LOCK_WAIT_S):
        with alone(), open_store(address, begun.name, asked.question, asked.parts):
            pass  # so that no two processes begin the store at once
        with open_store(address, begun.name, asked.question, asked.parts) as store:
            make = make_sampler or _told_sampler
            seed = begun.study.search.seed
            yield (
                AskTell(asked.question, make(begun.study, asked), store, seed, screen=asked.screened, alone=alone),
                asked,
            )


def _told_sampler(study: ResolvedStudy, asked: Asked) -> Sampler:
    return sampler_of(study, asked).sampler


def ask(
    folder: Path, count: int = 1, *, storage: str | None = None, make_sampler: MakeSampler | None = None
) -> list[dict[str, Any]]:
    """Return the next designs to evaluate, with their numbers, as plain values."""
    if count < 1:
        raise DawnduskError(f"ask: found {count} designs; allowed: 1 or more")
    with open_told(folder, "ask", storage=storage, make_sampler=make_sampler) as (told, asked):
        return [{"number": trial.number, **_design(trial, asked)} for trial in told.ask(count)]


def _design(trial: Trial, asked: Asked) -> dict[str, Any]:
    design = asked.design(trial.point)
    return {"point": dict(trial.point), "design": None if design is None else design.to_dict()}


def tell(
    folder: Path,
    answers: Iterable[tuple[int, Mapping[str, Any]]],
    *,
    storage: str | None = None,
) -> list[Trial]:
    """Keep answers: outcomes by name, or ``{"failed": "why"}``, for each number. Return the trials.

    Raises
    ------
    DawnduskError
        At the first answer that can not be used; those before it are kept.
    """
    kept = []
    with open_told(folder, "tell", storage=storage) as (told, asked):
        for number, stated in answers:
            trial = told.trial(number)
            answer = answer_from(stated, asked.needed)
            if answer.failure is not None and FAILED not in stated:
                raise DawnduskError(f"trial {number}: {answer.failure.words}")
            kept.append(told.answer(trial, asked.judged(trial.point, answer)))
    return kept
