"""The store of a search on an Optuna storage, such that a crash at any moment loses nothing that was finished."""

from __future__ import annotations

import contextlib
import functools
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import optuna
from optuna.exceptions import DuplicatedStudyError, ExperimentalWarning, StorageInternalError
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import _storage as replaying

import dawndusk
from dawndusk.models.errors import DawnduskError, one_of
from dawndusk.optimize.space.dimensions import Point
from dawndusk.optimize.trials.question import Question, Trial
from dawndusk.optimize.trials.samplers.distributions import distributions_of
from dawndusk.optimize.trials.store import Record, StoreError, check_open
from dawndusk.studies.run.store import coding
from dawndusk.studies.run.store.address import Address
from dawndusk.studies.run.store.journal import Journal
from dawndusk.studies.run.store.shield import whole_step

FORMAT = 1
ABOUT = "dawndusk"
"""The study attribute that says whose trials these are."""
NOTE = "dawndusk:"
MOST_LETTERS = 300
READ_DISTRIBUTION = "json_to_distribution"
"""Function of Optuna's journal storage. A distribution is never changed, so trials may share one."""
MOST_DISTRIBUTIONS = 1024


class TrialStore:
    """Trials of one search on an Optuna storage. Made by ``open_store``."""

    def __init__(
        self, study: optuna.Study, storage: BaseStorage, journal: Journal | None, question: Question, place: str
    ) -> None:
        self.study, self._place = study, place
        self._storage, self._journal, self._question = storage, journal, question
        self._id = storage.get_study_id_from_name(study.study_name)
        self._space = distributions_of(question.space)
        self._finished: dict[int, Record] = {}
        self._ids: dict[int, int] = {}

    def read(self) -> list[Record]:
        """Return every trial in the order of the numbers."""
        with _answering(self._place):
            trials = self.study.get_trials(deepcopy=False)
        found = [self._finished.get(trial.number) or self._record(trial) for trial in trials]
        return [record for record in found if record is not None]

    def _record(self, trial: optuna.trial.FrozenTrial) -> Record | None:
        record = coding.record(trial, self._question, self._place)
        if record is not None and record.trial.answer is not None:
            self._finished[trial.number] = record
        return record

    def ask(self, points: Sequence[Point], batch: int) -> list[Trial]:
        """Keep points as asked about, durably."""
        trials = []
        with self._step():
            for point in points:
                trial_id = self._storage.create_new_trial(self._id, coding.asked(point, batch, self._space))
                number = self._storage.get_trial_number_from_id(trial_id)
                self._ids[number] = trial_id
                trials.append(Trial(number, point))
        return trials

    def tell(self, trials: Sequence[Trial]) -> None:
        """Keep the answers of trials, durably."""
        with self._step():
            for trial in trials:
                self._tell(trial)

    def _tell(self, trial: Trial) -> None:
        answer = trial.answer
        assert answer is not None
        trial_id = self._trial_id(trial.number)
        found = coding.record(self._storage.get_trial(trial_id), self._question, self._place)
        check_open(trial.number, [] if found is None else [found.trial])
        for name, value in coding.attributes(answer).items():
            self._storage.set_trial_user_attr(trial_id, name, value)
        for name, value in coding.constraints(answer, self._question).items():
            self._storage.set_trial_system_attr(trial_id, name, value)
        self._storage.set_trial_state_values(trial_id, *coding.state_and_values(answer, self._question))

    def _trial_id(self, number: int) -> int:
        if number not in self._ids:
            try:
                self._ids[number] = self._storage.get_trial_id_from_study_id_trial_number(self._id, number)
            except KeyError:
                check_open(number, [])
        return self._ids[number]

    @property
    def notes(self) -> dict[str, Any]:
        """Return what was noted of the search, such as a choice that it made once."""
        with _answering(self._place):
            found = self.study.user_attrs
        return {key.removeprefix(NOTE): value for key, value in found.items() if key.startswith(NOTE)}

    def note(self, key: str, value: Any) -> None:
        """Note something of the search, durably; plain values."""
        with self._step():
            self._storage.set_study_user_attr(self._id, NOTE + key, value)

    @contextmanager
    def _step(self) -> Iterator[None]:
        """Write what is done in here together, where the storage can, and never half of it for an interrupt."""
        with whole_step(), _answering(self._place), _together(self._storage, self._journal):
            yield


def _together(storage: BaseStorage, journal: Journal | None) -> AbstractContextManager[None]:
    """Return a context whose changes to a storage become durable at its end, at once; or not at all."""
    if journal is not None:
        return journal.together()
    from dawndusk.studies.run.store.relational import one_transaction  # noqa: PLC0415 (slow to import)

    return one_transaction(storage)


@contextmanager
def open_store(
    address: Address, name: str, question: Question, parts: Mapping[str, str], *, create: bool = True
) -> Iterator[TrialStore]:
    """Open the store of a search.

    Parameters
    ----------
    address : Address
        Where it lies.
    name : str
        Name of the search in it.
    parts : mapping of str to str
        What the trials depend on, such as the study, the model and the evaluator. A store of others is refused.
    create : bool
        Whether to begin a store where there is none.

    Raises
    ------
    StoreError
        Where it can not be opened, belongs to another search or was written by a newer version.
    """
    with _answering(str(address)):
        if not create and address.kind != "postgresql" and not address.path.is_file():
            raise StoreError(f"{address}: found no store; allowed: a search that was begun")
        journal = Journal(address.path) if address.kind == "journal" else None
        storage = _storage(address, journal, create=create)
    try:
        with _answering(str(address)), _quiet():
            study = _study(storage, journal, address, name, question, parts, create=create)
            store = TrialStore(study, storage, journal, question, str(address))
        yield store
    finally:
        storage.remove_session()
        if journal is None:
            from dawndusk.studies.run.store.relational import disconnect  # noqa: PLC0415 (slow to import)

            disconnect(storage)


def _storage(address: Address, journal: Journal | None, *, create: bool) -> BaseStorage:
    if journal is not None:
        if create and not address.path.exists():
            address.path.touch()
        with _each_distribution_once():
            return JournalStorage(journal)
    from dawndusk.studies.run.store.relational import connected  # noqa: PLC0415 (slow to import)

    return connected(address, create=create)


@contextmanager
def _each_distribution_once() -> Iterator[None]:
    """Let Optuna read a distribution that every trial repeats once, which is half of the work of a long journal."""
    read = getattr(replaying, READ_DISTRIBUTION, None)
    if read is None:
        yield
        return
    setattr(replaying, READ_DISTRIBUTION, functools.lru_cache(MOST_DISTRIBUTIONS)(read))
    try:
        yield
    finally:
        setattr(replaying, READ_DISTRIBUTION, read)


def _study(
    storage: BaseStorage,
    journal: Journal | None,
    address: Address,
    name: str,
    question: Question,
    parts: Mapping[str, str],
    *,
    create: bool,
) -> optuna.Study:
    """Return the study of a search in a storage, begun if need be."""
    names = optuna.get_all_study_names(storage)
    if name not in names:
        if journal is not None and names:
            raise StoreError(f"{address}: found the trials of {one_of(names)}; allowed: those of {name}")
        if not create:
            raise StoreError(f"{address}: found no search {name}; allowed: one that was begun")
        _begin(storage, journal, name, question, parts)
    study = optuna.load_study(study_name=name, storage=storage)
    if ABOUT not in study.user_attrs and not study.get_trials(deepcopy=False) and create:
        _say_whose(study, question, parts)
    check_whose(name, study.user_attrs.get(ABOUT), address, parts)
    return study


def _begin(
    storage: BaseStorage, journal: Journal | None, name: str, question: Question, parts: Mapping[str, str]
) -> None:
    with _together(storage, journal), contextlib.suppress(DuplicatedStudyError):  # another process was first
        study = optuna.create_study(study_name=name, storage=storage, directions=coding.directions(question))
        _say_whose(study, question, parts)


def _say_whose(study: optuna.Study, question: Question, parts: Mapping[str, str]) -> None:
    about = {"format": FORMAT, "version": dawndusk.__version__, "parts": dict(parts), "rules": list(question.rules)}
    study.set_user_attr(ABOUT, about)
    study.set_metric_names([goal.outcome for goal in question.goals])


def check_whose(name: str, about: Any, address: Address, parts: Mapping[str, str]) -> None:
    """Raise ``StoreError`` unless what a store says of itself fits the search that is asked for."""
    if not isinstance(about, Mapping) or not isinstance(about.get("format"), int):
        raise StoreError(f"{address}: found a study {name} of another program; allowed: one of dawndusk")
    if about["format"] > FORMAT:
        raise StoreError(
            f"{address}: found trials written by dawndusk {about.get('version')} in format {about['format']}; allowed "
            f"format {FORMAT}, as this is dawndusk {dawndusk.__version__}"
        )
    written = about.get("parts", {})
    for part, value in parts.items():
        if written.get(part) != value:
            raise StoreError(
                f"{address}: found trials with {part} {written.get(part)}; allowed: {part} {value}, as asked for now, "
                "or another run folder"
            )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what Optuna says of a study that begins from the terminal."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(level)


@contextmanager
def _answering(place: str) -> Iterator[None]:
    """Turn whatever a storage raises into a ``StoreError`` that names the place."""
    try:
        yield
    except DawnduskError:
        raise
    except _storage_errors() as error:
        cause = error.__cause__ if isinstance(error, StorageInternalError) else error
        original = getattr(cause, "orig", None) or cause or error
        raise StoreError(f"{place}: the store does not answer: {_words(original)}") from None
    except (OSError, RuntimeError, AssertionError, LookupError, TypeError, ValueError) as error:
        raise StoreError(
            f"{place}: found a store that can not be read ({type(error).__name__}: {_words(error)}); allowed: one "
            "written by this version or an earlier one"
        ) from None


def _storage_errors() -> tuple[type[Exception], ...]:
    """Return what a storage raises, with what a database does where the library for databases is loaded."""
    library = sys.modules.get("sqlalchemy.exc")
    return (StorageInternalError,) if library is None else (StorageInternalError, library.SQLAlchemyError)


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())[:MOST_LETTERS]
