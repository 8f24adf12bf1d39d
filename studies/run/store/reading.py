"""Reading the trials of a search to look at them, without what it takes to write more.

The journal of a long search is read several times faster than Optuna replays it. Only what a search itself writes is
understood; a journal with anything else in it is left to Optuna.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from optuna.trial import TrialState

from dawndusk.optimize.space.dimensions import Category, Dimension, Space, Value, WholeNumber
from dawndusk.optimize.trials.question import Question
from dawndusk.optimize.trials.store import Record, StoreError
from dawndusk.studies.run.store import coding
from dawndusk.studies.run.store.address import Address
from dawndusk.studies.run.store.coding import Seen
from dawndusk.studies.run.store.journal import Journal
from dawndusk.studies.run.store.store import ABOUT, check_whose, open_store

CREATE_STUDY, STUDY_USER_ATTR, STUDY_SYSTEM_ATTR = 0, 2, 3
CREATE_TRIAL, STATE_AND_VALUES, USER_ATTR, SYSTEM_ATTR = 4, 6, 8, 9
"""Operations in a journal of Optuna 4 and 5 that a search writes."""


ABOUT_IN_DATABASE = """
select a.value_json from study_user_attributes a join studies s on s.study_id = a.study_id
where s.study_name = ? and a.key = ?
"""


class UnfamiliarError(Exception):
    """A journal that has something in it that a search does not write."""


def read_trials(address: Address, name: str, question: Question, parts: Mapping[str, str]) -> list[Record]:
    """Return every trial of a search in the order of the numbers. Nothing is locked or written.

    Raises
    ------
    StoreError
        Where there is no such search, or its store can not be read.
    """
    if address.kind == "journal" and address.path.is_file():
        try:
            return _from_journal(address, name, question, parts)
        except (UnfamiliarError, LookupError, TypeError, ValueError):
            pass
    with open_store(address, name, question, parts, create=False) as store:
        return store.read()


def check_version(address: Address, name: str) -> None:
    """Raise ``StoreError`` where the file of a store says that a newer version wrote it; only its beginning is read.

    Where there is no such file, or it does not say, there is nothing to object to: what looks at a run can do without.
    """
    if address.kind == "postgresql" or not address.path.is_file():
        return
    about: Any = None
    with contextlib.suppress(StoreError, sqlite3.Error, LookupError, TypeError, ValueError):
        about = _told_by_journal(address.path) if address.kind == "journal" else _told_by_database(address.path, name)
    if isinstance(about, Mapping) and isinstance(about.get("format"), int):
        check_whose(name, about, address, {})


def _told_by_journal(path: Path) -> Any:
    """Return what a journal says of itself before its first trial."""
    for log in Journal(path).read_logs(0):
        if log["op_code"] == STUDY_USER_ATTR and ABOUT in log["user_attr"]:
            return log["user_attr"][ABOUT]
        if log["op_code"] == CREATE_TRIAL:
            break
    return None


def _told_by_database(path: Path, name: str) -> Any:
    """Return what a database file says of a search in it."""
    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        found = connection.execute(ABOUT_IN_DATABASE, (name, ABOUT)).fetchone()
    return None if found is None else json.loads(found[0])


def _from_journal(address: Address, name: str, question: Question, parts: Mapping[str, str]) -> list[Record]:
    about, seen = _replay(address.path, name, question.space)
    check_whose(name, about, address, parts)
    records = [coding.record(trial, question, str(address)) for trial in seen]
    return [record for record in records if record is not None]


def _replay(path: Path, name: str, space: Space) -> tuple[Any, list[Seen]]:
    """Return what the journal says of the study, and its trials."""
    trials: list[Seen] = []
    about: Any = None
    studies = 0
    for log in Journal(path).read_logs(0):
        operation = log["op_code"]
        if operation == CREATE_TRIAL:
            trials.append(_created(len(trials), log, space))
        elif operation in {STATE_AND_VALUES, USER_ATTR, SYSTEM_ATTR}:
            _change(trials[log["trial_id"]], operation, log)
        elif operation == CREATE_STUDY and log["study_name"] == name and not studies:
            studies += 1
        elif operation == STUDY_USER_ATTR:
            about = log["user_attr"].get(ABOUT, about)
        elif operation != STUDY_SYSTEM_ATTR:
            raise UnfamiliarError
    return about, trials


def _created(number: int, log: Mapping[str, Any], space: Space) -> Seen:
    if log["study_id"] != 0 or log.get("state") != TrialState.RUNNING:
        raise UnfamiliarError
    inner = log["params"]
    params = {name: _outer(dimension, inner[name]) for name, dimension in space.dimensions.items()}
    return Seen(number, params, log["user_attrs"])


def _outer(dimension: Dimension, value: float) -> Value:
    """Return a value as it was asked, from the number that Optuna keeps of it."""
    if isinstance(dimension, Category):
        return dimension.names[int(value)]
    return int(value) if isinstance(dimension, WholeNumber) else float(value)


def _change(trial: Seen, operation: int, log: Mapping[str, Any]) -> None:
    """Take in what a log says of a trial, unless it had ended."""
    if trial.state.is_finished():
        return
    if operation == USER_ATTR:
        trial.user_attrs = {**trial.user_attrs, **log["user_attr"]}
    elif operation == STATE_AND_VALUES:
        trial.state, trial.values = TrialState(log["state"]), log["values"]
    else:
        trial.system_attrs = {**trial.system_attrs, **log["system_attr"]}
